/* SPDX-License-Identifier: Apache-2.0
 *
 * Rows of interpolation, tier avx512: sixteen outputs at a time. Where their taps lie within 32 inputs (any
 * enlargement, and down to a half), those are in two registers and permuted; elsewhere the taps are gathered.
 */
#include "kernels/simd_avx512.h"
#include "kernels/blend.inc"

static inline __mmask16 first(size_t n)
{
    return (__mmask16)(n >= 16 ? 0xffffu : (1u << n) - 1u);
}

void ln_resize_row_f32_avx512(float *y, const float *x, size_t n_x, const int32_t *index, const float *weight,
                              size_t taps, size_t n)
{
    const __m512i span = _mm512_set1_epi32(32);
    for (size_t i = 0; i < n; i += 16) {
        __mmask16 m = first(n - i);
        size_t base = (size_t)index[i], left = n_x - base;
        __m512i from = _mm512_set1_epi32((int32_t)base);
        __m512 low = _mm512_maskz_loadu_ps(first(left), x + base);
        __m512 high = left > 16 ? _mm512_maskz_loadu_ps(first(left - 16), x + base + 16) : _mm512_setzero_ps();
        __m512 sum = _mm512_setzero_ps();
        for (size_t t = 0; t < taps; t++) {
            __m512i at = _mm512_maskz_loadu_epi32(m, index + t * n + i);
            __m512i near = _mm512_sub_epi32(at, from);
            __m512 v = _mm512_permutex2var_ps(low, near, high);
            if (_mm512_mask_cmpge_epu32_mask(m, near, span))
                v = _mm512_mask_i32gather_ps(_mm512_setzero_ps(), m, at, x, 4);
            sum = _mm512_fmadd_ps(_mm512_maskz_loadu_ps(m, weight + t * n + i), v, sum);
        }
        _mm512_mask_storeu_ps(y + i, m, sum);
    }
}
