/* SPDX-License-Identifier: Apache-2.0
 *
 * The float32 micro-kernel for AVX-512: up to 14 x 32, 28 accumulators of the 32 registers. A step of k loads two
 * vectors of B and spreads an element of each row of A over two multiply-adds. The last panel may have 16 columns or
 * fewer, and then goes with half of the vectors. Contract: gemm.h.
 */
#include <immintrin.h>

#include "kernels/gemm.h"

#define MR 14
#define NR 32
#define SETS 4 /* accumulators of an element where there are few rows */
#define UNROLL _Pragma("GCC unroll 16")
#define INLINE static inline __attribute__((always_inline))

INLINE __mmask16 mask_of(size_t n)
{
    return (__mmask16)(n >= 16 ? 0xffffu : (1u << n) - 1);
}

/* Adds the residual, clamps, stores. */
INLINE void finish(const ln_gemm_f32_tile *t, __m512 (*acc)[2], const size_t m, const size_t nv)
{
    __m512 lo = _mm512_set1_ps(t->lo), hi = _mm512_set1_ps(t->hi);
    UNROLL for (size_t v = 0; v < nv; v++)
    {
        __mmask16 mask = mask_of(t->n - 16 * v);
        if (t->r)
            UNROLL for (size_t i = 0; i < m; i++) acc[i][v] =
                _mm512_add_ps(acc[i][v], _mm512_maskz_loadu_ps(mask, t->r + i * t->ldr + 16 * v));
        /* The second operand is the result where one is a NaN. */
        if (t->clamp)
            UNROLL for (size_t i = 0; i < m; i++) acc[i][v] = _mm512_min_ps(hi, _mm512_max_ps(lo, acc[i][v]));
        UNROLL for (size_t i = 0; i < m; i++) _mm512_mask_storeu_ps(t->c + i * t->ldc + 16 * v, mask, acc[i][v]);
    }
}

/* m rows and nv vectors are constants after inlining; the accumulators are registers. */
INLINE void rows(const ln_gemm_f32_tile *t, const size_t m, const size_t nv)
{
    __m512 acc[MR][2];
    UNROLL for (size_t v = 0; v < nv; v++)
    {
        __m512 bias = t->bias ? _mm512_loadu_ps(t->bias + 16 * v) : _mm512_setzero_ps();
        UNROLL for (size_t i = 0; i < m; i++) acc[i][v] = bias;
    }
    const float *b = t->b;
    const size_t taps = t->taps, depth = t->k;
    for (size_t tap = 0; tap < taps; tap++) {
        const float *a[MR];
        UNROLL for (size_t i = 0; i < m; i++) a[i] = t->a[tap * t->a_stride + i] + t->a_offset;
        for (size_t k = 0; k < depth; k++, b += NR) {
            __m512 b0 = _mm512_loadu_ps(b), b1 = b0;
            if (nv > 1)
                b1 = _mm512_loadu_ps(b + 16);
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

/* One or two rows: an accumulator would wait for itself, so every element has several. */
INLINE void few(const ln_gemm_f32_tile *t, const size_t m, const size_t nv)
{
    __m512 sum[SETS][2][2], acc[2][2];
    UNROLL for (size_t i = 0; i < m; i++) UNROLL for (size_t v = 0; v < nv; v++)
    {
        UNROLL for (size_t s = 0; s < SETS; s++) sum[s][i][v] = _mm512_setzero_ps();
        acc[i][v] = t->bias ? _mm512_loadu_ps(t->bias + 16 * v) : _mm512_setzero_ps();
    }
    const float *b = t->b;
    const size_t taps = t->taps, depth = t->k;
    for (size_t tap = 0; tap < taps; tap++) {
        const float *a[2];
        UNROLL for (size_t i = 0; i < m; i++) a[i] = t->a[tap * t->a_stride + i] + t->a_offset;
        size_t k = 0;
        for (; k + SETS <= depth; k += SETS, b += SETS * NR)
            UNROLL for (size_t s = 0; s < SETS; s++) UNROLL for (size_t i = 0; i < m; i++)
            {
                __m512 x = _mm512_set1_ps(a[i][k + s]);
                UNROLL for (size_t v = 0; v < nv; v++) sum[s][i][v] =
                    _mm512_fmadd_ps(x, _mm512_loadu_ps(b + s * NR + 16 * v), sum[s][i][v]);
            }
        for (const size_t s = 0; k < depth; k++, b += NR)
            UNROLL for (size_t i = 0; i < m; i++) UNROLL for (size_t v = 0; v < nv; v++) sum[0][i][v] =
                _mm512_fmadd_ps(_mm512_set1_ps(a[i][k + s]), _mm512_loadu_ps(b + 16 * v), sum[0][i][v]);
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
        m < 3 ? few(t, m, 2) : rows(t, m, 2);                                                                          \
    }                                                                                                                  \
    static void half_##m(const ln_gemm_f32_tile *t)                                                                    \
    {                                                                                                                  \
        m < 3 ? few(t, m, 1) : rows(t, m, 1);                                                                          \
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
/* clang-format on */

static void tile(const ln_gemm_f32_tile *t)
{
    static ln_gemm_f32_fn *const tiles[2][MR] = {{half_1, half_2, half_3, half_4, half_5, half_6, half_7, half_8,
                                                  half_9, half_10, half_11, half_12, half_13, half_14},
                                                 {rows_1, rows_2, rows_3, rows_4, rows_5, rows_6, rows_7, rows_8,
                                                  rows_9, rows_10, rows_11, rows_12, rows_13, rows_14}};
    tiles[t->n > 16][t->m - 1](t);
}

const ln_gemm_f32_desc ln_gemm_f32_avx512 = {
    .mr = MR, .nr = NR, .kc = 384, .mc = 112, .nc_bytes = 512 << 10, .tile = tile};
