/* SPDX-License-Identifier: Apache-2.0
 *
 * The float32 micro-kernel for NEON: up to 8 x 8, 16 accumulators of the 32 registers. Four elements of each row of A
 * are loaded at once and multiplied by lane, so 64 multiply-adds want 16 loads: cores with two multipliers and one load
 * port are kept busy. The last panel may have 4 columns or fewer, and then goes with half of the vectors. Contract:
 * gemm.h.
 */
#include "kernels/simd_neon.h"
#include "kernels/tiles.h"

enum { MR = LN_NEON_F32_MR, NR = LN_NEON_F32_NR };
#define UNROLL _Pragma("GCC unroll 8")
#define INLINE static inline __attribute__((always_inline))

/* Adds the residual, clamps, stores. FMAX and FMIN keep a NaN. */
INLINE void finish(const ln_gemm_f32_tile *t, vf (*acc)[2], const size_t m, const size_t nv)
{
    vf lo = vdupq_n_f32(t->lo), hi = vdupq_n_f32(t->hi);
    UNROLL for (size_t v = 0; v < nv; v++)
    {
        size_t n = t->n - 4 * v < 4 ? t->n - 4 * v : 4;
        if (t->r)
            UNROLL for (size_t i = 0; i < m; i++) acc[i][v] = vaddq_f32(acc[i][v], vld(t->r + i * t->ldr + 4 * v, n));
        if (t->clamp)
            UNROLL for (size_t i = 0; i < m; i++) acc[i][v] = vminq_f32(hi, vmaxq_f32(lo, acc[i][v]));
        UNROLL for (size_t i = 0; i < m; i++) vst(t->c + i * t->ldc + 4 * v, acc[i][v], n);
    }
}

/* Row s of four rows of B, by lane s of every row of A. No load is moved over the end of a step: a compiler that
 * brings all of B forward runs out of registers, and copies sums. */
#define STEP(acc, s)                                                                                                   \
    UNROLL for (size_t v = 0; v < nv; v++)                                                                             \
    {                                                                                                                  \
        vf y = vld1q_f32(b + s * NR + 4 * v);                                                                          \
        UNROLL for (size_t i = 0; i < m; i++) acc[i][v] = vfmaq_laneq_f32(acc[i][v], y, x[i], s);                      \
    }                                                                                                                  \
    __asm__("" ::: "memory")

/* m rows and nv vectors are constants after inlining; the accumulators are registers. */
INLINE void rows(const ln_gemm_f32_tile *t, const size_t m, const size_t nv)
{
    vf acc[MR][2];
    UNROLL for (size_t v = 0; v < nv; v++)
    {
        vf bias = t->bias ? vld1q_f32(t->bias + 4 * v) : vdupq_n_f32(0);
        UNROLL for (size_t i = 0; i < m; i++) acc[i][v] = bias;
    }
    const float *b = t->b;
    const size_t taps = t->taps, depth = t->k;
    for (size_t tap = 0; tap < taps; tap++) {
        const float *a[MR];
        size_t k = 0;
        vf x[MR];
        UNROLL for (size_t i = 0; i < m; i++) a[i] = t->a[tap * t->a_stride + i] + t->a_offset;
        for (; k + 4 <= depth; k += 4, b += 4 * NR) {
            UNROLL for (size_t i = 0; i < m; i++) x[i] = vld1q_f32(a[i] + k);
            STEP(acc, 0);
            STEP(acc, 1);
            STEP(acc, 2);
            STEP(acc, 3);
        }
        for (; k < depth; k++, b += NR) {
            UNROLL for (size_t i = 0; i < m; i++) x[i] = vld1q_dup_f32(a[i] + k);
            STEP(acc, 0);
        }
    }
    finish(t, acc, m, nv);
}

/* One or two rows: an accumulator would wait for itself, so every element has four. */
INLINE void few(const ln_gemm_f32_tile *t, const size_t m, const size_t nv)
{
    vf sum[4][2][2], acc[2][2];
    UNROLL for (size_t i = 0; i < m; i++) UNROLL for (size_t v = 0; v < nv; v++)
    {
        UNROLL for (size_t s = 0; s < 4; s++) sum[s][i][v] = vdupq_n_f32(0);
        acc[i][v] = t->bias ? vld1q_f32(t->bias + 4 * v) : vdupq_n_f32(0);
    }
    const float *b = t->b;
    const size_t taps = t->taps, depth = t->k;
    for (size_t tap = 0; tap < taps; tap++) {
        const float *a[2];
        size_t k = 0;
        vf x[2];
        UNROLL for (size_t i = 0; i < m; i++) a[i] = t->a[tap * t->a_stride + i] + t->a_offset;
        for (; k + 4 <= depth; k += 4, b += 4 * NR) {
            UNROLL for (size_t i = 0; i < m; i++) x[i] = vld1q_f32(a[i] + k);
            STEP(sum[0], 0);
            STEP(sum[1], 1);
            STEP(sum[2], 2);
            STEP(sum[3], 3);
        }
        for (; k < depth; k++, b += NR) {
            UNROLL for (size_t i = 0; i < m; i++) x[i] = vld1q_dup_f32(a[i] + k);
            STEP(sum[0], 0);
        }
    }
    UNROLL for (size_t i = 0; i < m; i++) UNROLL for (size_t v = 0; v < nv; v++)
    {
        vf x = vaddq_f32(sum[0][i][v], sum[1][i][v]), y = vaddq_f32(sum[2][i][v], sum[3][i][v]);
        acc[i][v] = vaddq_f32(acc[i][v], vaddq_f32(x, y));
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
/* clang-format on */

static void tile(const ln_gemm_f32_tile *t)
{
    static ln_gemm_f32_fn *const tiles[2][MR] = {{half_1, half_2, half_3, half_4, half_5, half_6, half_7, half_8},
                                                 {rows_1, rows_2, rows_3, rows_4, rows_5, rows_6, rows_7, rows_8}};
    tiles[t->n > 4][t->m - 1](t);
}

#ifdef LN_FIRMWARE
const ln_gemm_f32_desc ln_gemm_f32_neon = LN_GEMM_F32_NEON(LN_NEON_F32_FEW, tile);
#else
const ln_gemm_f32_desc ln_gemm_f32_neon = LN_GEMM_F32_NEON(96, tile);
#endif
