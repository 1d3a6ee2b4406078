/* SPDX-License-Identifier: Apache-2.0
 *
 * Weights of Winograd convolutions; see winograd.h. Transformed in float64, so that they are rounded once.
 */
#include "kernels/winograd.h"

static const double g[LN_WINOGRAD_IN][3] = {{1 / 4.0, 0, 0},
                                            {-1 / 6.0, -1 / 6.0, -1 / 6.0},
                                            {-1 / 6.0, 1 / 6.0, -1 / 6.0},
                                            {1 / 24.0, 1 / 12.0, 1 / 6.0},
                                            {1 / 24.0, -1 / 12.0, 1 / 6.0},
                                            {0, 0, 1}};

size_t ln_winograd_packed(const ln_gemm_f32_desc *d, size_t outputs, size_t channels)
{
    return (ln_gemm_f32_packed(d, outputs, 1, channels) + 15) / 16 * 16;
}

void ln_winograd_pack(const ln_gemm_f32_desc *d, float *packed, const float *w, size_t outputs, size_t channels)
{
    size_t one = ln_winograd_packed(d, outputs, channels), nr = d->nr;
    for (size_t o = 0; o < outputs; o++)
        for (size_t c = 0; c < channels; c++, w += 9) {
            float *to = packed + o / nr * nr * (channels + 1) + (c + 1) * nr + o % nr;
            double rows[LN_WINOGRAD_IN][3];
            for (size_t i = 0; i < LN_WINOGRAD_IN; i++)
                for (size_t j = 0; j < 3; j++)
                    rows[i][j] = g[i][0] * (double)w[j] + g[i][1] * (double)w[3 + j] + g[i][2] * (double)w[6 + j];
            for (size_t i = 0; i < LN_WINOGRAD_IN; i++)
                for (size_t j = 0; j < LN_WINOGRAD_IN; j++, to += one)
                    *to = (float)(rows[i][0] * g[j][0] + rows[i][1] * g[j][1] + rows[i][2] * g[j][2]);
        }
}
