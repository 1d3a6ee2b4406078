/* SPDX-License-Identifier: Apache-2.0
 *
 * Two rows of 32-bit elements woven into one and taken apart again, and elements picked by indices, tier avx2.
 */
#include <immintrin.h>

#include "kernels/kernels.h"

static inline __m256i load(const uint32_t *p)
{
    return _mm256_loadu_si256((const __m256i *)(const void *)p);
}

static inline void store(uint32_t *p, __m256i v)
{
    _mm256_storeu_si256((__m256i *)(void *)p, v);
}

void ln_zip_u32_avx2(uint32_t *y, const uint32_t *a, const uint32_t *b, size_t n)
{
    size_t i = 0;
    for (; i + 8 <= n; i += 8) {
        __m256i p = load(a + i), q = load(b + i);
        __m256i low = _mm256_unpacklo_epi32(p, q), high = _mm256_unpackhi_epi32(p, q);
        store(y + 2 * i, _mm256_permute2x128_si256(low, high, 0x20));
        store(y + 2 * i + 8, _mm256_permute2x128_si256(low, high, 0x31));
    }
    for (; i < n; i++) {
        y[2 * i] = a[i];
        y[2 * i + 1] = b[i];
    }
}

/* The even or odd elements (how 0x88 or 0xdd) of two vectors. */
#define HALF(p, q, how)                                                                                                \
    _mm256_permute4x64_epi64(                                                                                          \
        _mm256_castps_si256(_mm256_shuffle_ps(_mm256_castsi256_ps(p), _mm256_castsi256_ps(q), how)), 0xd8)

void ln_unzip_u32_avx2(uint32_t *a, uint32_t *b, const uint32_t *x, size_t n)
{
    size_t i = 0;
    for (; i + 8 <= n && 2 * i + 16 < 2 * n; i += 8) {
        __m256i p = load(x + 2 * i), q = load(x + 2 * i + 8);
        store(a + i, HALF(p, q, 0x88));
        if (b)
            store(b + i, HALF(p, q, 0xdd));
    }
    for (; i < n; i++) {
        a[i] = x[2 * i];
        if (b)
            b[i] = x[2 * i + 1];
    }
}

void ln_gather_u32_avx2(uint32_t *y, const uint32_t *x, size_t n_x, const int32_t *index, size_t n)
{
    size_t i = 0;
    (void)n_x;
    for (; i + 8 <= n; i += 8) {
        __m256i at = _mm256_loadu_si256((const __m256i *)(const void *)(index + i));
        store(y + i, _mm256_i32gather_epi32((const int *)(const void *)x, at, 4));
    }
    for (; i < n; i++)
        y[i] = x[index[i]];
}
