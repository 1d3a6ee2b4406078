/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/simd_scalar.h"
#include "kernels/blend.inc"

void ln_resize_row_f32_scalar(float *y, const float *x, size_t n_x, const int32_t *index, const float *weight,
                              size_t taps, size_t n)
{
    (void)n_x;
    for (size_t i = 0; i < n; i++) {
        float sum = weight[i] * x[index[i]];
        for (size_t t = 1; t < taps; t++)
            sum += weight[t * n + i] * x[index[t * n + i]];
        y[i] = sum;
    }
}
