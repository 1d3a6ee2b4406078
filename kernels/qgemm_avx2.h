/* SPDX-License-Identifier: Apache-2.0
 *
 * How the integer products of 256 bits end, and what their depthwise kernel shares with them: zero points, scales,
 * clamp, bytes. NR is the number of columns of a panel.
 */
#ifndef LN_KERNELS_QGEMM_AVX2_H
#define LN_KERNELS_QGEMM_AVX2_H

#include <immintrin.h>
#include <string.h>

#include "kernels/qgemm_epilogue.h"

enum { NR = 16 };

#define UNROLL _Pragma("GCC unroll 6")
#define INLINE static inline __attribute__((always_inline))

INLINE __m256i requantize(__m256i acc, __m256 scale, float lo, float hi, int32_t zero)
{
    __m256 f = _mm256_mul_ps(_mm256_cvtepi32_ps(acc), scale);
    f = _mm256_min_ps(_mm256_max_ps(f, _mm256_set1_ps(lo)), _mm256_set1_ps(hi));
    return _mm256_add_epi32(_mm256_cvtps_epi32(f), _mm256_set1_epi32(zero));
}

/* The low bytes of eight lanes. */
INLINE void store_bytes(uint8_t *y, __m256i v)
{
    v = _mm256_and_si256(v, _mm256_set1_epi32(0xff));
    __m128i h = _mm_packus_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
    _mm_storel_epi64((__m128i *)(void *)y, _mm_packus_epi16(h, h));
}

/* Columns from j on of row i, fewer than eight. */
__attribute__((noinline)) static void finish_few(void *c, size_t i, size_t j, size_t n, __m256i dot,
                                                 const int32_t *head, const ln_qgemm_args *g)
{
    int32_t sums[8];
    _mm256_storeu_si256((__m256i *)(void *)sums, dot);
    for (size_t e = 0; j + e < n; e++)
        ln_qgemm_store(c, i, j + e, (uint32_t)sums[e], head, NR, g);
}

/* Eight columns from j on, or those of them that there are, of row i. */
INLINE void finish(void *c, size_t i, size_t j, size_t n, __m256i dot, const int32_t *head, const ln_qgemm_args *g)
{
    if (n - j < 8) {
        finish_few(c, i, j, n, dot, head, g);
        return;
    }
    head += j;
    __m256i acc = _mm256_add_epi32(dot, _mm256_loadu_si256((const __m256i *)(const void *)head));
    acc = _mm256_sub_epi32(acc, _mm256_mullo_epi32(_mm256_loadu_si256((const __m256i *)(const void *)(head + NR)),
                                                   _mm256_set1_epi32(g->a_zero)));
    if (g->row_sum)
        acc =
            _mm256_sub_epi32(acc, _mm256_mullo_epi32(_mm256_loadu_si256((const __m256i *)(const void *)(head + 2 * NR)),
                                                     _mm256_set1_epi32(g->row_sum[i])));
    size_t at = i * g->c_stride + j;
    if (g->out == LN_QGEMM_I32) {
        _mm256_storeu_si256((__m256i *)(void *)((int32_t *)c + at), acc);
        return;
    }
    __m256 scale = g->scale ? _mm256_loadu_ps(g->scale + j) : _mm256_set1_ps(1);
    if (g->row_scale)
        scale = _mm256_mul_ps(scale, _mm256_set1_ps(g->row_scale[i]));
    if (g->out == LN_QGEMM_8) {
        store_bytes((uint8_t *)c + at, requantize(acc, scale, g->lo, g->hi, g->y_zero));
        return;
    }
    __m256 f = _mm256_mul_ps(_mm256_cvtepi32_ps(acc), scale);
    if (g->fbias)
        f = _mm256_add_ps(f, _mm256_loadu_ps(g->fbias + j));
    _mm256_storeu_ps((float *)c + at, f);
}

#endif
