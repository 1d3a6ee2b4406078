/* SPDX-License-Identifier: Apache-2.0
 *
 * Packing the weights of Winograd convolutions; see winograd.h.
 */
#include "kernels/kernels.h"
#include "kernels/winograd.h"

#define LANES LN_WINOGRAD_LANES

size_t ln_winograd_packed(const ln_gemm_f32_desc *d, size_t outputs, size_t channels)
{
    return (ln_gemm_f32_packed(d, outputs, 1, channels) + 15) / 16 * 16;
}

void ln_winograd_pack(const ln_gemm_f32_desc *d, float *packed, const float *w, size_t outputs, size_t channels,
                      size_t begin, size_t end)
{
    size_t one = ln_winograd_packed(d, outputs, channels), nr = d->nr;
    for (size_t o = begin * nr; o < outputs && o < end * nr; o += nr, w += nr * channels * 9)
        for (size_t c = 0; c < channels; c++)
            for (size_t j = 0; j < nr && o + j < outputs; j += LANES) {
                size_t n = nr - j < LANES ? nr - j : LANES;
                n = outputs - o - j < n ? outputs - o - j : n;
                float *to = packed + o * (channels + 1) + (c + 1) * nr + j;
                LN_K(winograd_weights_f32)(to, one, w + (j * channels + c) * 9, channels * 9, n);
            }
}
