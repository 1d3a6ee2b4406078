/* SPDX-License-Identifier: Apache-2.0
 *
 * Two rows of 32-bit elements woven into one and taken apart again, and elements picked by indices, tier avx512. Picks
 * within 32 elements of each other are permuted in registers, wider ones are gathered.
 */
#include <immintrin.h>

#include "kernels/kernels.h"

static inline __mmask16 first(size_t n)
{
    return (__mmask16)(n >= 16 ? 0xffffu : (1u << n) - 1u);
}

static inline __mmask16 from16(size_t n)
{
    return n > 16 ? first(n - 16) : 0;
}

void ln_zip_u32_avx512(uint32_t *y, const uint32_t *a, const uint32_t *b, size_t n)
{
    const __m512i low = _mm512_setr_epi32(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
    const __m512i high = _mm512_setr_epi32(8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
    for (size_t i = 0; i < n; i += 16) {
        size_t left = n - i;
        __m512i p = _mm512_maskz_loadu_epi32(first(left), a + i), q = _mm512_maskz_loadu_epi32(first(left), b + i);
        _mm512_mask_storeu_epi32(y + 2 * i, first(2 * left), _mm512_permutex2var_epi32(p, low, q));
        if (left > 8)
            _mm512_mask_storeu_epi32(y + 2 * i + 16, from16(2 * left), _mm512_permutex2var_epi32(p, high, q));
    }
}

void ln_unzip_u32_avx512(uint32_t *a, uint32_t *b, const uint32_t *x, size_t n)
{
    const __m512i even = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
    const __m512i odd = _mm512_setr_epi32(1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31);
    const size_t length = b ? 2 * n : 2 * n - 1; /* of x */
    for (size_t i = 0; i < n; i += 16) {
        size_t left = length - 2 * i;
        __m512i p = _mm512_maskz_loadu_epi32(first(left), x + 2 * i);
        __m512i q = left > 16 ? _mm512_maskz_loadu_epi32(from16(left), x + 2 * i + 16) : p;
        _mm512_mask_storeu_epi32(a + i, first(n - i), _mm512_permutex2var_epi32(p, even, q));
        if (b)
            _mm512_mask_storeu_epi32(b + i, first(n - i), _mm512_permutex2var_epi32(p, odd, q));
    }
}

void ln_gather_u32_avx512(uint32_t *y, const uint32_t *x, size_t n_x, const int32_t *index, size_t n)
{
    const __m512i span = _mm512_set1_epi32(32);
    for (size_t i = 0; i < n; i += 16) {
        __mmask16 m = first(n - i);
        size_t base = (size_t)index[i], left = n_x - base;
        __m512i at = _mm512_maskz_loadu_epi32(m, index + i), near = _mm512_sub_epi32(at, _mm512_set1_epi32(index[i]));
        __m512i v;
        if (_mm512_mask_cmpge_epu32_mask(m, near, span)) {
            v = _mm512_mask_i32gather_epi32(_mm512_setzero_si512(), m, at, (const int *)(const void *)x, 4);
        } else {
            __m512i low = _mm512_maskz_loadu_epi32(first(left), x + base);
            __m512i high = left > 16 ? _mm512_maskz_loadu_epi32(from16(left), x + base + 16) : low;
            v = _mm512_permutex2var_epi32(low, near, high);
        }
        _mm512_mask_storeu_epi32(y + i, m, v);
    }
}
