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

#define LANES 8

size_t ln_winograd_packed(const ln_gemm_f32_desc *d, size_t outputs, size_t channels)
{
    return (ln_gemm_f32_packed(d, outputs, 1, channels) + 15) / 16 * 16;
}

/* The 36 values of n outputs for one channel, w[o * step]: to[point * plane + o]. */
static void transform(float *restrict to, size_t plane, const float *restrict w, size_t step, size_t n)
{
    double x[9][LANES], rows[LN_WINOGRAD_IN][3][LANES];
    for (size_t o = 0; o < LANES; o++)
        for (size_t t = 0; t < 9; t++)
            x[t][o] = o < n ? (double)w[o * step + t] : 0;
    for (size_t i = 0; i < LN_WINOGRAD_IN; i++)
        for (size_t j = 0; j < 3; j++)
            for (size_t o = 0; o < LANES; o++)
                rows[i][j][o] = g[i][0] * x[j][o] + g[i][1] * x[3 + j][o] + g[i][2] * x[6 + j][o];
    for (size_t i = 0; i < LN_WINOGRAD_IN; i++)
        for (size_t j = 0; j < LN_WINOGRAD_IN; j++, to += plane) {
            float y[LANES];
            for (size_t o = 0; o < LANES; o++)
                y[o] = (float)(rows[i][0][o] * g[j][0] + rows[i][1][o] * g[j][1] + rows[i][2][o] * g[j][2]);
            for (size_t o = 0; o < n; o++)
                to[o] = y[o];
        }
}

void ln_winograd_pack(const ln_gemm_f32_desc *d, float *packed, const float *w, size_t outputs, size_t channels)
{
    size_t one = ln_winograd_packed(d, outputs, channels), nr = d->nr;
    for (size_t o = 0; o < outputs; o += nr)
        for (size_t c = 0; c < channels; c++)
            for (size_t j = 0; j < nr && o + j < outputs; j += LANES) {
                size_t n = nr - j < LANES ? nr - j : LANES;
                n = outputs - o - j < n ? outputs - o - j : n;
                transform(packed + o * (channels + 1) + (c + 1) * nr + j, one, w + ((o + j) * channels + c) * 9,
                          channels * 9, n);
            }
}
