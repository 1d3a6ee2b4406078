/* SPDX-License-Identifier: Apache-2.0
 *
 * Conversions of rows between element types with AVX2 and F16C, eight elements at a time; the last few through a
 * buffer, so that an element's result is that of the vector form.
 */
#include <immintrin.h>
#include <string.h>

#include "kernels/kernels.h"

#define ROW(k, Y, X, ...)                                                                                              \
    static inline void k##_8(Y *y, const X *x)                                                                         \
    {                                                                                                                  \
        __VA_ARGS__                                                                                                    \
    }                                                                                                                  \
    void ln_##k##_avx2(void *to, const void *from, size_t n)                                                           \
    {                                                                                                                  \
        Y *y = to, last_y[8];                                                                                          \
        const X *x = from;                                                                                             \
        X last_x[8] = {0};                                                                                             \
        for (; n >= 8; n -= 8, x += 8, y += 8)                                                                         \
            k##_8(y, x);                                                                                               \
        if (n) {                                                                                                       \
            memcpy(last_x, x, n * sizeof *x);                                                                          \
            k##_8(last_y, last_x);                                                                                     \
            memcpy(y, last_y, n * sizeof *y);                                                                          \
        }                                                                                                              \
    }
#define LOAD128(p) _mm_loadu_si128((const __m128i *)(const void *)(p))
#define LOAD64(p) _mm_loadl_epi64((const __m128i *)(const void *)(p))
#define LOAD256(p) _mm256_loadu_si256((const __m256i *)(const void *)(p))
#define STORE128(p, v) _mm_storeu_si128((__m128i *)(void *)(p), v)
#define STORE256(p, v) _mm256_storeu_si256((__m256i *)(void *)(p), v)

/* The low halves of eight 32-bit lanes. */
static inline __m128i low16(__m256i v)
{
    __m256i packed = _mm256_packus_epi32(_mm256_and_si256(v, _mm256_set1_epi32(0xffff)), _mm256_setzero_si256());
    return _mm256_castsi256_si128(_mm256_permute4x64_epi64(packed, 0x08));
}

static inline __m128i to_bf16(__m256 v)
{
    __m256i u = _mm256_castps_si256(v), odd = _mm256_and_si256(_mm256_srli_epi32(u, 16), _mm256_set1_epi32(1));
    __m256i r = _mm256_srli_epi32(_mm256_add_epi32(u, _mm256_add_epi32(odd, _mm256_set1_epi32(0x7fff))), 16);
    __m256i quiet = _mm256_or_si256(_mm256_srli_epi32(u, 16), _mm256_set1_epi32(0x40));
    return low16(_mm256_blendv_epi8(r, quiet, _mm256_castps_si256(_mm256_cmp_ps(v, v, _CMP_UNORD_Q))));
}

ROW(f16_to_f32, float, uint16_t, _mm256_storeu_ps(y, _mm256_cvtph_ps(LOAD128(x)));)
ROW(f32_to_f16, uint16_t, float, STORE128(y, _mm256_cvtps_ph(_mm256_loadu_ps(x), _MM_FROUND_TO_NEAREST_INT));)
ROW(bf16_to_f32, float, uint16_t, STORE256(y, _mm256_slli_epi32(_mm256_cvtepu16_epi32(LOAD128(x)), 16));)
ROW(f32_to_bf16, uint16_t, float, STORE128(y, to_bf16(_mm256_loadu_ps(x)));)
ROW(u8_to_f32, float, uint8_t, _mm256_storeu_ps(y, _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(LOAD64(x))));)
ROW(i8_to_f32, float, int8_t, _mm256_storeu_ps(y, _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(LOAD64(x))));)
ROW(f32_to_u8, uint8_t, float,
    __m128i w = _mm_and_si128(low16(_mm256_cvttps_epi32(_mm256_loadu_ps(x))), _mm_set1_epi16(0xff));
    _mm_storel_epi64((__m128i *)(void *)y, _mm_packus_epi16(w, w));)
ROW(i32_to_f32, float, int32_t, _mm256_storeu_ps(y, _mm256_cvtepi32_ps(LOAD256(x)));)
ROW(f32_to_i32, int32_t, float, STORE256(y, _mm256_cvttps_epi32(_mm256_loadu_ps(x)));)
ROW(i64_to_f32, float, int64_t, for (int i = 0; i < 8; i++) y[i] = (float)x[i];)
ROW(f32_to_i64, int64_t, float, for (int i = 0; i < 8; i++) y[i] = _mm_cvttss_si64(_mm_set_ss(x[i]));)
ROW(i32_to_i64, int64_t, int32_t, STORE256(y, _mm256_cvtepi32_epi64(LOAD128(x)));
    STORE256(y + 4, _mm256_cvtepi32_epi64(LOAD128(x + 4)));)
ROW(i64_to_i32, int32_t, int64_t, __m256 lo = _mm256_castsi256_ps(LOAD256(x)), hi = _mm256_castsi256_ps(LOAD256(x + 4));
    STORE256(y, _mm256_permute4x64_epi64(_mm256_castps_si256(_mm256_shuffle_ps(lo, hi, 0x88)), 0xd8));)
