/* SPDX-License-Identifier: Apache-2.0
 *
 * The float32 micro-kernel for AVX-512: up to 14 x 32, 28 accumulators of the 32 registers. A step of k loads two
 * vectors of B and spreads an element of each row of A over two multiply-adds. The last panel may have 16 columns or
 * fewer, and then goes with half of the vectors, or 8, and goes with vectors of half the size. Contract: gemm.h.
 */
#include <immintrin.h>

#include "kernels/gemm.h"

#define MR 14
#define NR 32
enum { F32, F16, BF16 };
#define SETS 4 /* accumulators of an element where there are few rows */
#define UNROLL _Pragma("GCC unroll 16")
#define INLINE static inline __attribute__((always_inline))

INLINE __mmask16 mask_of(size_t n)
{
    return (__mmask16)(n >= 16 ? 0xffffu : (1u << n) - 1);
}

/* Adds the residual, clamps, stores. whole: no masks are needed, which cost time where K is short. */
INLINE void finish_columns(const ln_gemm_f32_tile *t, __m512 (*acc)[2], const size_t m, const size_t nv,
                           const int whole)
{
    __m512 lo = _mm512_set1_ps(t->lo), hi = _mm512_set1_ps(t->hi);
    UNROLL for (size_t v = 0; v < nv; v++)
    {
        __mmask16 mask = whole ? 0xffff : mask_of(t->n > 16 * v ? t->n - 16 * v : 0);
        if (t->r)
            UNROLL for (size_t i = 0; i < m; i++) acc[i][v] =
                _mm512_add_ps(acc[i][v], _mm512_maskz_loadu_ps(mask, t->r + i * t->ldr + 16 * v));
        /* The second operand is the result where one is a NaN. */
        if (t->clamp)
            UNROLL for (size_t i = 0; i < m; i++) acc[i][v] = _mm512_min_ps(hi, _mm512_max_ps(lo, acc[i][v]));
        UNROLL for (size_t i = 0; i < m; i++) _mm512_mask_storeu_ps(t->c + i * t->ldc + 16 * v, mask, acc[i][v]);
    }
}
INLINE void finish(const ln_gemm_f32_tile *t, __m512 (*acc)[2], const size_t m, const size_t nv)
{
    if (t->n == 16 * nv)
        finish_columns(t, acc, m, nv, 1);
    else
        finish_columns(t, acc, m, nv, 0);
}

/* Vector i of a row of B, which is float32, float16 or bfloat16 (a constant after inlining). */
INLINE __m512 load_b(const char *b, size_t i, const size_t kind)
{
    if (kind == F32)
        return _mm512_loadu_ps((const float *)(const void *)b + 16 * i);
    __m256i half = _mm256_loadu_si256((const __m256i *)(const void *)(b + 32 * i));
    if (kind == F16)
        return _mm512_cvtph_ps(half);
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(half), 16));
}

/* m rows and nv vectors are constants after inlining; the accumulators are registers. */
INLINE void rows(const ln_gemm_f32_tile *t, const size_t m, const size_t nv, const size_t kind)
{
    __m512 acc[MR][2];
    if (t->far)
        UNROLL for (size_t i = 0; i < m; i++) UNROLL for (size_t v = 0; v < nv; v++)
            __builtin_prefetch(t->c + i * t->ldc + 16 * v, 0, 2);
    UNROLL for (size_t v = 0; v < nv; v++)
    {
        __m512 bias = t->bias ? _mm512_loadu_ps(t->bias + 16 * v) : _mm512_setzero_ps();
        UNROLL for (size_t i = 0; i < m; i++) acc[i][v] = bias;
    }
    const char *b = kind == F32 ? (const char *)t->b : (const char *)t->half;
    const size_t row = NR * (kind == F32 ? sizeof(float) : sizeof(uint16_t));
    const size_t taps = t->taps, depth = t->k;
    for (size_t tap = 0; tap < taps; tap++) {
        const float *a[MR];
        UNROLL for (size_t i = 0; i < m; i++) a[i] = t->a[tap * t->a_stride + i] + t->a_offset;
        for (size_t k = 0; k < depth; k++, b += row) {
            __m512 b0 = load_b(b, 0, kind), b1 = b0;
            if (nv > 1)
                b1 = load_b(b, 1, kind);
            UNROLL for (size_t i = 0; i < m; i++)
            {
                __m512 x = _mm512_set1_ps(a[i][k]);
                acc[i][0] = _mm512_fmadd_ps(x, b0, acc[i][0]);
                if (nv > 1)
                    acc[i][1] = _mm512_fmadd_ps(x, b1, acc[i][1]);
            }
        }
    }
    finish(t, acc, m, nv);
}

/* At most eight columns: 256-bit vectors, of which some processors do twice as many in a cycle. */
INLINE void quarter(const ln_gemm_f32_tile *t, const size_t m)
{
    const __mmask8 mask = (__mmask8)mask_of(t->n);
    const __m256 bias = t->bias ? _mm256_loadu_ps(t->bias) : _mm256_setzero_ps();
    __m256 acc[MR], lo = _mm256_set1_ps(t->lo), hi = _mm256_set1_ps(t->hi);
    UNROLL for (size_t i = 0; i < m; i++) acc[i] = bias;
    const float *b = t->b;
    const size_t taps = t->taps, depth = t->k;
    for (size_t tap = 0; tap < taps; tap++) {
        const float *a[MR];
        UNROLL for (size_t i = 0; i < m; i++) a[i] = t->a[tap * t->a_stride + i] + t->a_offset;
        for (size_t k = 0; k < depth; k++, b += NR) {
            __m256 b0 = _mm256_loadu_ps(b);
            UNROLL for (size_t i = 0; i < m; i++) acc[i] = _mm256_fmadd_ps(_mm256_set1_ps(a[i][k]), b0, acc[i]);
        }
    }
    UNROLL for (size_t i = 0; i < m; i++)
    {
        if (t->r)
            acc[i] = _mm256_add_ps(acc[i], _mm256_maskz_loadu_ps(mask, t->r + i * t->ldr));
        if (t->clamp) /* the second operand is the result where one is a NaN */
            acc[i] = _mm256_min_ps(hi, _mm256_max_ps(lo, acc[i]));
        _mm256_mask_storeu_ps(t->c + i * t->ldc, mask, acc[i]);
    }
}

/* One or two rows: an accumulator would wait for itself, so every element has several. Each takes a part of K: that
 * many places of memory read on at once keep more of it busy than one. */
INLINE void few(const ln_gemm_f32_tile *t, const size_t m, const size_t nv, const size_t kind)
{
    __m512 sum[SETS][2][2], acc[2][2];
    UNROLL for (size_t i = 0; i < m; i++) UNROLL for (size_t v = 0; v < nv; v++)
    {
        UNROLL for (size_t s = 0; s < SETS; s++) sum[s][i][v] = _mm512_setzero_ps();
        acc[i][v] = t->bias ? _mm512_loadu_ps(t->bias + 16 * v) : _mm512_setzero_ps();
    }
    const char *b = kind == F32 ? (const char *)t->b : (const char *)t->half;
    const size_t row = NR * (kind == F32 ? sizeof(float) : sizeof(uint16_t));
    const size_t taps = t->taps, depth = t->k;
    for (size_t tap = 0; tap < taps; tap++) {
        const float *a[2];
        UNROLL for (size_t i = 0; i < m; i++) a[i] = t->a[tap * t->a_stride + i] + t->a_offset;
        const size_t part = depth / SETS;
        for (size_t k = 0; k < part; k++, b += row)
            UNROLL for (size_t s = 0; s < SETS; s++) UNROLL for (size_t i = 0; i < m; i++)
            {
                __m512 x = _mm512_set1_ps(a[i][s * part + k]);
                UNROLL for (size_t v = 0; v < nv; v++) sum[s][i][v] =
                    _mm512_fmadd_ps(x, load_b(b + s * part * row, v, kind), sum[s][i][v]);
            }
        b += (SETS - 1) * part * row;
        for (size_t k = SETS * part; k < depth; k++, b += row)
            UNROLL for (size_t i = 0; i < m; i++) UNROLL for (size_t v = 0; v < nv; v++) sum[0][i][v] =
                _mm512_fmadd_ps(_mm512_set1_ps(a[i][k]), load_b(b, v, kind), sum[0][i][v]);
    }
    UNROLL for (size_t i = 0; i < m; i++) UNROLL for (size_t v = 0; v < nv; v++)
    {
        __m512 x = _mm512_add_ps(sum[0][i][v], sum[1][i][v]), y = _mm512_add_ps(sum[2][i][v], sum[3][i][v]);
        acc[i][v] = _mm512_add_ps(acc[i][v], _mm512_add_ps(x, y));
    }
    finish(t, acc, m, nv);
}

/* clang-format off: one line for each number of rows */
#define ROWS(m)                                                                                                        \
    static void rows_##m(const ln_gemm_f32_tile *t)                                                                    \
    {                                                                                                                  \
        m < 3 ? few(t, m, 2, F32) : rows(t, m, 2, F32);                                                                \
    }                                                                                                                  \
    static void quarter_##m(const ln_gemm_f32_tile *t)                                                                 \
    {                                                                                                                  \
        m < 3 ? few(t, m, 1, F32) : quarter(t, m);                                                                     \
    }                                                                                                                  \
    static void half_##m(const ln_gemm_f32_tile *t)                                                                    \
    {                                                                                                                  \
        m < 3 ? few(t, m, 1, F32) : rows(t, m, 1, F32);                                                                \
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

static void tile(const ln_gemm_f32_tile *t)
{
    static ln_gemm_f32_fn *const tiles[3][MR] = {ALL(quarter_), ALL(half_), ALL(rows_)};
    tiles[(t->n > 8) + (t->n > 16)][t->m - 1](t);
}

/* clang-format off: one line for each number of rows */
#define HALF_ROWS(m)                                                                                                   \
    static void f16_##m(const ln_gemm_f32_tile *t)                                                                     \
    {                                                                                                                  \
        m < 3 ? few(t, m, 2, F16) : rows(t, m, 2, F16);                                                                \
    }                                                                                                                  \
    static void bf16_##m(const ln_gemm_f32_tile *t)                                                                    \
    {                                                                                                                  \
        m < 3 ? few(t, m, 2, BF16) : rows(t, m, 2, BF16);                                                              \
    }
HALF_ROWS(1)
HALF_ROWS(2)
HALF_ROWS(3)
HALF_ROWS(4)
HALF_ROWS(5)
HALF_ROWS(6)
/* clang-format on */

static void tile_f16(const ln_gemm_f32_tile *t)
{
    static ln_gemm_f32_fn *const tiles[LN_GEMM_FEW_ROWS] = {f16_1, f16_2, f16_3, f16_4, f16_5, f16_6};
    tiles[t->m - 1](t);
}

static void tile_bf16(const ln_gemm_f32_tile *t)
{
    static ln_gemm_f32_fn *const tiles[LN_GEMM_FEW_ROWS] = {bf16_1, bf16_2, bf16_3, bf16_4, bf16_5, bf16_6};
    tiles[t->m - 1](t);
}

const ln_gemm_f32_desc ln_gemm_f32_avx512 = {.mr = MR,
                                             .nr = NR,
                                             .kc = 384,
                                             .mc = 224,
                                             .nc_bytes = 512 << 10,
                                             .tile = tile,
                                             .tile_f16 = tile_f16,
                                             .tile_bf16 = tile_bf16};
