/* SPDX-License-Identifier: Apache-2.0
 *
 * Conversions of rows between element types with AVX-512, sixteen elements at a time, the last few under a mask.
 */
#include <immintrin.h>

#include "kernels/kernels.h"

#define ROW(k, Y, X, ...)                                                                                              \
    static inline __attribute__((always_inline)) void k##_16(Y *y, const X *x, __mmask16 m)                            \
    {                                                                                                                  \
        __VA_ARGS__                                                                                                    \
    }                                                                                                                  \
    void ln_##k##_avx512(void *to, const void *from, size_t n)                                                         \
    {                                                                                                                  \
        Y *y = to;                                                                                                     \
        const X *x = from;                                                                                             \
        for (; n >= 16; n -= 16, x += 16, y += 16)                                                                     \
            k##_16(y, x, 0xffff);                                                                                      \
        if (n)                                                                                                         \
            k##_16(y, x, (__mmask16)((1u << n) - 1u));                                                                 \
    }
#define LOAD8(p) _mm_maskz_loadu_epi8(m, p)
#define LOAD16(p) _mm256_maskz_loadu_epi16(m, p)
#define LOAD32(p) _mm512_maskz_loadu_epi32(m, p)
#define LOADF(p) _mm512_maskz_loadu_ps(m, p)
#define HALF_MASKS                                                                                                     \
    __mmask8 a = (__mmask8)(m & 0xff);                                                                                 \
    __mmask8 b = (__mmask8)(m >> 8);

static inline __m256i to_bf16(__m512 v)
{
    __m512i u = _mm512_castps_si512(v), odd = _mm512_and_si512(_mm512_srli_epi32(u, 16), _mm512_set1_epi32(1));
    __m512i r = _mm512_srli_epi32(_mm512_add_epi32(u, _mm512_add_epi32(odd, _mm512_set1_epi32(0x7fff))), 16);
    __m512i quiet = _mm512_or_si512(_mm512_srli_epi32(u, 16), _mm512_set1_epi32(0x40));
    return _mm512_cvtepi32_epi16(_mm512_mask_blend_epi32(_mm512_cmp_ps_mask(v, v, _CMP_UNORD_Q), r, quiet));
}

ROW(f16_to_f32, float, uint16_t, _mm512_mask_storeu_ps(y, m, _mm512_cvtph_ps(LOAD16(x)));)
ROW(f32_to_f16, uint16_t, float, _mm256_mask_storeu_epi16(y, m, _mm512_cvtps_ph(LOADF(x), _MM_FROUND_TO_NEAREST_INT));)
ROW(bf16_to_f32, float, uint16_t,
    _mm512_mask_storeu_epi32(y, m, _mm512_slli_epi32(_mm512_cvtepu16_epi32(LOAD16(x)), 16));)
ROW(f32_to_bf16, uint16_t, float, _mm256_mask_storeu_epi16(y, m, to_bf16(LOADF(x)));)
ROW(u8_to_f32, float, uint8_t, _mm512_mask_storeu_ps(y, m, _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(LOAD8(x))));)
ROW(i8_to_f32, float, int8_t, _mm512_mask_storeu_ps(y, m, _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(LOAD8(x))));)
ROW(f32_to_u8, uint8_t, float, _mm_mask_storeu_epi8(y, m, _mm512_cvtepi32_epi8(_mm512_cvttps_epi32(LOADF(x))));)
ROW(i32_to_f32, float, int32_t, _mm512_mask_storeu_ps(y, m, _mm512_cvtepi32_ps(LOAD32(x)));)
ROW(f32_to_i32, int32_t, float, _mm512_mask_storeu_epi32(y, m, _mm512_cvttps_epi32(LOADF(x)));)
ROW(i64_to_f32, float, int64_t,
    HALF_MASKS _mm256_mask_storeu_ps(y, a, _mm512_cvtepi64_ps(_mm512_maskz_loadu_epi64(a, x)));
    _mm256_mask_storeu_ps(y + 8, b, _mm512_cvtepi64_ps(_mm512_maskz_loadu_epi64(b, x + 8)));)
ROW(f32_to_i64, int64_t, float,
    HALF_MASKS _mm512_mask_storeu_epi64(y, a, _mm512_cvttps_epi64(_mm256_maskz_loadu_ps(a, x)));
    _mm512_mask_storeu_epi64(y + 8, b, _mm512_cvttps_epi64(_mm256_maskz_loadu_ps(b, x + 8)));)
ROW(i32_to_i64, int64_t, int32_t,
    HALF_MASKS _mm512_mask_storeu_epi64(y, a, _mm512_cvtepi32_epi64(_mm256_maskz_loadu_epi32(a, x)));
    _mm512_mask_storeu_epi64(y + 8, b, _mm512_cvtepi32_epi64(_mm256_maskz_loadu_epi32(b, x + 8)));)
ROW(i64_to_i32, int32_t, int64_t,
    HALF_MASKS _mm256_mask_storeu_epi32(y, a, _mm512_cvtepi64_epi32(_mm512_maskz_loadu_epi64(a, x)));
    _mm256_mask_storeu_epi32(y + 8, b, _mm512_cvtepi64_epi32(_mm512_maskz_loadu_epi64(b, x + 8)));)
