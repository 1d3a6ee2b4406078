/* SPDX-License-Identifier: Apache-2.0
 *
 * See resize.h. Sums are taken in the order of the taps.
 */
#include "kernels/resize.h"

#include <string.h>

#include "kernels/kernels.h"

/* Rows that are blended at once. */
enum { ROWS = 4 };

void ln_blend_f32(float *y, const float *const *x, const float *weight, int32_t rows, int64_t n, int add)
{
    LN_K(blend_f32)(y, x, weight, (size_t)rows, (size_t)n, add);
}

void ln_blend_f64(double *y, const double *const *x, const double *weight, int32_t rows, int64_t n, int add)
{
    for (int32_t r = 0; r < rows; r++)
        for (int64_t i = 0; i < n; i++)
            y[i] = (r > 0 || add ? y[i] : 0) + weight[r] * x[r][i];
}

static void row_f64(double *y, const double *x, const int32_t *index, const double *weight, int32_t taps, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        double sum = 0;
        for (int32_t t = 0; t < taps; t++)
            sum += weight[t * n + i] * x[index[t * n + i]];
        y[i] = sum;
    }
}

void ln_resize_row_f64(double *y, const double *x, int64_t n_x, const int32_t *index, const double *weight,
                       int32_t taps, int64_t n, int64_t inner)
{
    (void)n_x;
    if (inner == 1)
        row_f64(y, x, index, weight, taps, n);
    for (int64_t i = 0; i < n && inner != 1; i++)
        for (int32_t t = 0; t < taps; t++) {
            const double *row = x + index[t * n + i] * inner;
            ln_blend_f64(y + i * inner, &row, &weight[t * n + i], 1, inner, t > 0);
        }
}

void ln_resize_row_f32(float *y, const float *x, int64_t n_x, const int32_t *index, const float *weight, int32_t taps,
                       int64_t n, int64_t inner)
{
    if (inner == 1) {
        LN_K(resize_row_f32)(y, x, (size_t)n_x, index, weight, (size_t)taps, (size_t)n);
        return;
    }
    for (int64_t i = 0; i < n; i++)
        for (int32_t t = 0; t < taps; t += ROWS) {
            const float *rows[ROWS];
            float w[ROWS];
            int32_t m = taps - t < ROWS ? taps - t : ROWS;
            for (int32_t k = 0; k < m; k++) {
                rows[k] = x + index[(t + k) * n + i] * inner;
                w[k] = weight[(t + k) * n + i];
            }
            LN_K(blend_f32)(y + i * inner, rows, w, (size_t)m, (size_t)inner, t > 0);
        }
}

#define GATHER(T)                                                                                                      \
    for (int64_t i = 0; i < n; i++)                                                                                    \
        memcpy((char *)y + i * (int64_t)sizeof(T), (const char *)x + index[i] * (int64_t)sizeof(T), sizeof(T));

void ln_gather_elements(void *y, const void *x, int64_t n_x, const int32_t *index, size_t size, size_t align, int64_t n)
{
    if (size == 4 && align == 4) {
        LN_K(gather_u32)(y, x, (size_t)n_x, index, (size_t)n);
        return;
    }
    switch (size) {
    case 1:
        GATHER(uint8_t)
        break;
    case 2:
        GATHER(uint16_t)
        break;
    case 4:
        GATHER(uint32_t)
        break;
    case 8:
        GATHER(uint64_t)
        break;
    default:
        for (int64_t i = 0; i < n; i++)
            memcpy((char *)y + (size_t)i * size, (const char *)x + (size_t)index[i] * size, size);
    }
}
