/* SPDX-License-Identifier: Apache-2.0
 *
 * Weights of Winograd convolutions; see winograd.h. Transformed in float64, so that they are rounded once.
 */
#include <string.h>

#include "kernels/winograd.h"

#define LANES 8

size_t ln_winograd_packed(const ln_gemm_f32_desc *d, size_t outputs, size_t channels)
{
    return (ln_gemm_f32_packed(d, outputs, 1, channels) + 15) / 16 * 16;
}

/* G x of LANES outputs: rows (1/4, 0, 0), (-1/6, -1/6, -1/6), (-1/6, 1/6, -1/6), (1/24, 1/12, 1/6), (1/24, -1/12, 1/6),
 * (0, 0, 1), whose pairs share a sum and a difference. */
static void times_g(double y[LN_WINOGRAD_IN][LANES], const double *x0, const double *x1, const double *x2)
{
    for (size_t o = 0; o < LANES; o++) {
        double even = (x0[o] + x2[o]) * (-1 / 6.0), odd = x1[o] * (1 / 6.0);
        double low = x0[o] * (1 / 24.0) + x2[o] * (1 / 6.0), high = x1[o] * (1 / 12.0);
        y[0][o] = x0[o] * (1 / 4.0);
        y[1][o] = even - odd;
        y[2][o] = even + odd;
        y[3][o] = low + high;
        y[4][o] = low - high;
        y[5][o] = x2[o];
    }
}

/* The 36 values of n outputs for one channel, w[o * step]: to[point * plane + o]. */
static void transform(float *restrict to, size_t plane, const float *restrict w, size_t step, size_t n)
{
    double x[9][LANES], rows[3][LN_WINOGRAD_IN][LANES], y[LN_WINOGRAD_IN][LANES];
    for (size_t o = 0; o < LANES; o++)
        for (size_t t = 0; t < 9; t++)
            x[t][o] = o < n ? (double)w[o * step + t] : 0;
    for (size_t j = 0; j < 3; j++)
        times_g(rows[j], x[j], x[3 + j], x[6 + j]);
    for (size_t i = 0; i < LN_WINOGRAD_IN; i++) {
        times_g(y, rows[0][i], rows[1][i], rows[2][i]);
        for (size_t j = 0; j < LN_WINOGRAD_IN; j++, to += plane) {
            float z[LANES];
            for (size_t o = 0; o < LANES; o++)
                z[o] = (float)y[j][o];
            if (n == LANES)
                memcpy(to, z, sizeof z);
            else
                memcpy(to, z, n * sizeof *z);
        }
    }
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
                transform(packed + o * (channels + 1) + (c + 1) * nr + j, one, w + (j * channels + c) * 9, channels * 9,
                          n);
            }
}
