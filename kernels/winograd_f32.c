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

static void pack(const ln_gemm_f32_desc *d, float *packed, const float *w, size_t outputs, size_t channels,
                 size_t begin, size_t end, size_t taps, ln_WINOGRAD_WEIGHTS *transform)
{
    size_t one = ln_winograd_packed(d, outputs, channels), nr = d->nr;
    for (size_t o = begin * nr; o < outputs && o < end * nr; o += nr, w += nr * channels * taps)
        for (size_t c = 0; c < channels; c++)
            for (size_t j = 0; j < nr && o + j < outputs; j += LANES) {
                size_t n = nr - j < LANES ? nr - j : LANES;
                n = outputs - o - j < n ? outputs - o - j : n;
                float *to = packed + o * (channels + 1) + (c + 1) * nr + j;
                transform(to, one, w + (j * channels + c) * taps, channels * taps, n);
            }
}

void ln_winograd_pack(const ln_gemm_f32_desc *d, float *packed, const float *w, size_t outputs, size_t channels,
                      size_t begin, size_t end)
{
    pack(d, packed, w, outputs, channels, begin, end, 9, LN_K(winograd_weights_f32));
}

void ln_winograd_line_pack(const ln_gemm_f32_desc *d, float *packed, const float *w, size_t outputs, size_t channels,
                           size_t begin, size_t end)
{
    pack(d, packed, w, outputs, channels, begin, end, 3, LN_K(winograd_line_weights_f32));
}
