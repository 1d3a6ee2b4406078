/* SPDX-License-Identifier: Apache-2.0
 *
 * Rows of interpolation, tier avx2: eight outputs at a time, their taps by gathers.
 */
#include "kernels/simd_avx2.h"
#include "kernels/blend.inc"

void ln_resize_row_f32_avx2(float *y, const float *x, size_t n_x, const int32_t *index, const float *weight,
                            size_t taps, size_t n)
{
    size_t i = 0;
    (void)n_x;
    for (; i + 8 <= n; i += 8) {
        __m256 sum = _mm256_setzero_ps();
        for (size_t t = 0; t < taps; t++) {
            __m256i at = _mm256_loadu_si256((const __m256i *)(const void *)(index + t * n + i));
            sum = _mm256_fmadd_ps(_mm256_loadu_ps(weight + t * n + i), _mm256_i32gather_ps(x, at, 4), sum);
        }
        _mm256_storeu_ps(y + i, sum);
    }
    for (; i < n; i++) {
        float sum = 0;
        for (size_t t = 0; t < taps; t++)
            sum = __builtin_fmaf(weight[t * n + i], x[index[t * n + i]], sum);
        y[i] = sum;
    }
}
