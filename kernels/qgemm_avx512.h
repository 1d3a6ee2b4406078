/* SPDX-License-Identifier: Apache-2.0
 *
 * What the integer products on AVX-512 VNNI share: a group of a row times a panel, and sums to bytes.
 */
#ifndef LN_KERNELS_QGEMM_AVX512_H
#define LN_KERNELS_QGEMM_AVX512_H

#include <immintrin.h>
#include <string.h>

#include "kernels/qgemm_epilogue.h"

/* A tile; columns of a panel; bytes of a group; rows that the tile's function takes at once. */
enum { MR = 12, NR = 32, KR = 4, MOST = 72 };

#define UNROLL _Pragma("GCC unroll 12")
#define INLINE static inline __attribute__((always_inline))
/* A value that the compiler takes for a new one, so that it does not read through it early: it would spill addresses
 * into vector registers, and take them back behind all products under way. */
#define OPAQUE(p) __asm__("" : "+r"(p))

ln_qplanes_fn ln_qplanes_avx512;

/* Products of at most 32 bytes, a multiple of 4: false where this is not one that it does, and nothing is done. */
bool ln_qgemm_short_avx512(void *c, const uint8_t *const *a, const void *panel, size_t m, size_t n,
                           const ln_qgemm_args *g);

INLINE __mmask16 mask_of(size_t n)
{
    return (__mmask16)(n >= 16 ? 0xffff : (1u << n) - 1u);
}

/* Four vectors of sums to bytes at once. Sums times less than 1 fit into 32 bits, so packing, which saturates, is the
 * clamp, if all values of the type are allowed; signed ones are packed with 128 more. */
typedef struct quantised {
    __m512i zero, flip, order;
    bool low, middle; /* the zero point is the least value, or in the middle: then nothing is added before packing */
} quantised;

INLINE bool packs(__m512 scale, const ln_qgemm_args *g)
{
    return g->hi - g->lo == 255.0f && _mm512_cmp_ps_mask(_mm512_abs_ps(scale), _mm512_set1_ps(1), _CMP_NLT_UQ) == 0;
}

/* In vectors, since what comes from them to other registers waits for all products under way. */
INLINE quantised quantised_of(int32_t y_zero, float lo)
{
    const __m512i zero = _mm512_set1_epi32(y_zero);
    const __m512i least = _mm512_cvtps_epi32(_mm512_add_ps(_mm512_set1_ps(lo), _mm512_cvtepi32_ps(zero)));
    const __m512i flip = _mm512_and_si512(_mm512_srai_epi32(least, 31), _mm512_set1_epi32((int32_t)0x80808080));
    const __m512i shifted = _mm512_add_epi32(zero, _mm512_and_si512(flip, _mm512_set1_epi32(128)));
    const bool low = lo == 0, middle = lo == -128;
    return (quantised){_mm512_packs_epi32(shifted, shifted),
                       middle ? _mm512_xor_si512(flip, _mm512_set1_epi8((char)0x80)) : flip,
                       _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15), low, middle};
}

INLINE __m512i rounded(__m512i acc, __m512 scale)
{
    return _mm512_cvtps_epi32(_mm512_mul_ps(_mm512_cvtepi32_ps(acc), scale));
}

/* The bytes of one vector after those of another. */
INLINE __m512i packed(const __m512i v[4], const quantised *q)
{
    __m512i low = _mm512_packs_epi32(v[0], v[1]), high = _mm512_packs_epi32(v[2], v[3]), bytes;
    if (q->middle) {
        bytes = _mm512_packs_epi16(low, high);
    } else {
        if (!q->low) {
            low = _mm512_adds_epi16(low, q->zero);
            high = _mm512_adds_epi16(high, q->zero);
        }
        bytes = _mm512_packus_epi16(low, high);
    }
    return _mm512_permutexvar_epi32(q->order, _mm512_xor_si512(bytes, q->flip));
}

/* Two rows of 32, or four of 16, of which `rows` are wanted. */
INLINE void store_rows(uint8_t *to, size_t rows, const size_t nv, __mmask32 mask, __m512i v, size_t stride)
{
    if (nv > 1) {
        _mm256_mask_storeu_epi8(to, mask, _mm512_castsi512_si256(v));
        if (rows > 1)
            _mm256_mask_storeu_epi8(to + stride, mask, _mm512_extracti64x4_epi64(v, 1));
        return;
    }
    if (mask == 0xffff && stride == 16 && rows > 3) {
        _mm512_storeu_si512(to, v);
        return;
    }
    _mm_mask_storeu_epi8(to, (__mmask16)mask, _mm512_castsi512_si128(v));
    if (rows > 1)
        _mm_mask_storeu_epi8(to + stride, (__mmask16)mask, _mm512_extracti32x4_epi32(v, 1));
    if (rows > 2)
        _mm_mask_storeu_epi8(to + 2 * stride, (__mmask16)mask, _mm512_extracti32x4_epi32(v, 2));
    if (rows > 3)
        _mm_mask_storeu_epi8(to + 3 * stride, (__mmask16)mask, _mm512_extracti32x4_epi32(v, 3));
}

/* The products of `steps` groups of a row, of which B is in registers. */
INLINE void multiply(__m512i acc[2], const uint8_t *row, const __m512i b[][2], const size_t steps, const size_t nv,
                     const bool flip)
{
    UNROLL for (size_t s = 0; s < steps; s++)
    {
        int32_t four;
        memcpy(&four, row + s * KR, sizeof four);
        __m512i x = _mm512_set1_epi32(four);
        if (flip)
            x = _mm512_xor_si512(x, _mm512_set1_epi32((int32_t)0x80808080));
        UNROLL for (size_t v = 0; v < nv; v++) acc[v] = _mm512_dpbusd_epi32(acc[v], x, b[s][v]);
    }
}

#endif
