/* SPDX-License-Identifier: Apache-2.0
 *
 * The micro-kernel of bfloat16 for AVX512-BF16: up to 14 x 32, as gemm_f32_avx512.c has it. A step loads two vectors of
 * pairs of B and spreads a pair of each row of A over two dot products. Contract: gemm_bf16.h.
 */
#include <immintrin.h>
#include <string.h>

#include "kernels/gemm_bf16.h"

#define MR 14
#define NR 32
#define UNROLL _Pragma("GCC unroll 16")
/* A value that the compiler takes for a new one, so that it keeps no addresses of rows in vector registers. */
#define OPAQUE(p) __asm__("" : "+r"(p))
#define INLINE static inline __attribute__((always_inline))

void ln_gemm_bf16_narrow_avx512bf16(uint16_t *y, const float *x, size_t n)
{
    static const uint8_t odd[32] = {1,  3,  5,  7,  9,  11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31,
                                    33, 35, 37, 39, 41, 43, 45, 47, 49, 51, 53, 55, 57, 59, 61, 63};
    const __m512i upper = _mm512_cvtepu8_epi16(_mm256_loadu_si256((const __m256i *)(const void *)odd));
    for (; n >= 32; n -= 32, x += 32, y += 32) {
        __m512i low = _mm512_loadu_si512(x), high = _mm512_loadu_si512(x + 16);
        _mm512_storeu_si512(y, _mm512_permutex2var_epi16(low, upper, high));
    }
    if (n) {
        const __mmask32 m = (1u << n) - 1;
        __m512i low = _mm512_maskz_loadu_epi32((__mmask16)m, x);
        __m512i high = n > 16 ? _mm512_maskz_loadu_epi32((__mmask16)(m >> 16), x + 16) : low;
        _mm512_mask_storeu_epi16(y, m, _mm512_permutex2var_epi16(low, upper, high));
    }
}

INLINE __mmask16 mask_of(size_t n)
{
    return (__mmask16)(n >= 16 ? 0xffffu : (1u << n) - 1);
}

INLINE __m512bh load_b(const uint16_t *b, size_t v)
{
    return (__m512bh)_mm512_loadu_si512(b + 32 * v);
}

INLINE __m512bh spread(const uint16_t *a)
{
    int32_t pair;
    memcpy(&pair, a, sizeof pair);
    return (__m512bh)_mm512_set1_epi32(pair);
}

/* The last `steps` pairs, row after row: one is finished and stored while the next ones still multiply. whole: no masks
 * are needed; plain: nor are the residual and the clamp. */
INLINE void finish_columns(const ln_gemm_bf16_tile *t, __m512 (*acc)[2], size_t k, const uint16_t *b,
                           const size_t steps, const size_t m, const size_t nv, const int whole, const int plain)
{
    const size_t n = t->n, ldc = t->ldc, ldr = t->ldr;
    const __mmask16 mask[2] = {whole ? 0xffff : mask_of(n), whole ? 0xffff : mask_of(n > 16 ? n - 16 : 0)};
    const __m512 lo = _mm512_set1_ps(t->lo), hi = _mm512_set1_ps(t->hi);
    const float *r = plain ? NULL : t->r;
    const uint16_t *const *a = t->a;
    float *c = t->c;
    const bool clamp = !plain && t->clamp;
    __m512bh last[2][2];
    UNROLL for (size_t s = 0; s < steps; s++) UNROLL for (size_t v = 0; v < nv; v++) last[s][v] =
        load_b(b + s * 2 * NR, v);
    UNROLL for (size_t i = 0; i < m; i++, c += ldc)
    {
        OPAQUE(c);
        UNROLL for (size_t s = 0; s < steps; s++) UNROLL for (size_t v = 0; v < nv; v++) acc[i][v] =
            _mm512_dpbf16_ps(acc[i][v], spread(a[i] + 2 * (k + s)), last[s][v]);
        if (r) {
            OPAQUE(r);
            UNROLL for (size_t v = 0; v < nv; v++) acc[i][v] =
                _mm512_add_ps(acc[i][v], _mm512_maskz_loadu_ps(mask[v], r + 16 * v));
            r += ldr;
        }
        if (clamp) /* the second operand is the result where one is a NaN */
            UNROLL for (size_t v = 0; v < nv; v++) acc[i][v] = _mm512_min_ps(hi, _mm512_max_ps(lo, acc[i][v]));
        UNROLL for (size_t v = 0; v < nv; v++) _mm512_mask_storeu_ps(c + 16 * v, mask[v], acc[i][v]);
    }
}

/* m rows and nv vectors are constants after inlining; the accumulators are registers. */
INLINE void rows(const ln_gemm_bf16_tile *t, const size_t m, const size_t nv)
{
    __m512 acc[MR][2];
    if (t->far) {
        const float *c = t->c;
        const size_t ldc = t->ldc;
        UNROLL for (size_t i = 0; i < m; i++, c += ldc)
        {
            OPAQUE(c);
            UNROLL for (size_t v = 0; v < nv; v++) __builtin_prefetch(c + 16 * v, 0, 2);
        }
    }
    UNROLL for (size_t v = 0; v < nv; v++)
    {
        __m512 bias = t->bias ? _mm512_loadu_ps(t->bias + 16 * v) : _mm512_setzero_ps();
        UNROLL for (size_t i = 0; i < m; i++) acc[i][v] = bias;
    }
    const uint16_t *b = t->b, *const *a = t->a;
    const int split = m == MR && t->pairs >= 2 && t->n == 16 * nv; /* last steps go row by row */
    const size_t stop = split ? t->pairs - 2 : t->pairs;
    size_t k = 0;
    for (; nv == 1 && k + 4 <= stop; k += 4, b += 4 * 2 * NR) { /* an address for four steps */
        OPAQUE(a);
        __m512bh part[4];
        UNROLL for (size_t s = 0; s < 4; s++) part[s] = load_b(b + s * 2 * NR, 0);
        UNROLL for (size_t i = 0; i < m; i++) UNROLL for (size_t s = 0; s < 4; s++) acc[i][0] =
            _mm512_dpbf16_ps(acc[i][0], spread(a[i] + 2 * (k + s)), part[s]);
    }
    for (; k < stop; k++, b += 2 * NR) {
        OPAQUE(a);
        __m512bh part[2];
        UNROLL for (size_t v = 0; v < nv; v++) part[v] = load_b(b, v);
        UNROLL for (size_t i = 0; i < m; i++)
        {
            __m512bh x = spread(a[i] + 2 * k);
            UNROLL for (size_t v = 0; v < nv; v++) acc[i][v] = _mm512_dpbf16_ps(acc[i][v], x, part[v]);
        }
    }
    if (!split)
        finish_columns(t, acc, k, b, 0, m, nv, 0, 0);
    else if (t->r || t->clamp)
        finish_columns(t, acc, k, b, 2, m, nv, 1, 0);
    else
        finish_columns(t, acc, k, b, 2, m, nv, 1, 1);
}

/* clang-format off: one line for each number of rows */
#define ROWS(m)                                                                                                        \
    static void rows_##m(const ln_gemm_bf16_tile *t)                                                                   \
    {                                                                                                                  \
        rows(t, m, 2);                                                                                                 \
    }                                                                                                                  \
    static void half_##m(const ln_gemm_bf16_tile *t)                                                                   \
    {                                                                                                                  \
        rows(t, m, 1);                                                                                                 \
    }
ROWS(1)
ROWS(2)
ROWS(3)
ROWS(4)
ROWS(5)
ROWS(6)
ROWS(7)
ROWS(8)
ROWS(9)
ROWS(10)
ROWS(11)
ROWS(12)
ROWS(13)
ROWS(14)
#define ALL(p)                                                                                                         \
    {                                                                                                                  \
        p##1, p##2, p##3, p##4, p##5, p##6, p##7, p##8, p##9, p##10, p##11, p##12, p##13, p##14                        \
    }
/* clang-format on */

void ln_gemm_bf16_tile_avx512bf16(const ln_gemm_bf16_tile *t)
{
    static ln_gemm_bf16_fn *const tiles[2][MR] = {ALL(half_), ALL(rows_)};
    tiles[t->n > 16][t->m - 1](t);
}
