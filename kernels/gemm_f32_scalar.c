/* SPDX-License-Identifier: Apache-2.0
 *
 * The float32 micro-kernel in portable C: 4 x 8, in vectors of four of the compiler's extension, which it turns into
 * whatever the target has. A product and a sum are two roundings here. Contract: gemm.h.
 */
#include <string.h>

#include "kernels/gemm.h"

#define MR 4
#define NV 2 /* vectors in a row */
#define NR (4 * NV)

typedef float v4 __attribute__((vector_size(16)));

static inline v4 load(const float *x)
{
    v4 v;
    memcpy(&v, x, sizeof v);
    return v;
}

static inline v4 clamp(v4 x, float lo, float hi)
{
    for (int i = 0; i < 4; i++) {
        x[i] = x[i] < lo ? lo : x[i];
        x[i] = x[i] > hi ? hi : x[i];
    }
    return x;
}

/* m is constant after inlining, and the loops over it unroll into registers. */
static inline __attribute__((always_inline)) void rows(const ln_gemm_f32_tile *t, const size_t m)
{
    v4 acc[MR][NV];
#pragma GCC unroll 4
    for (size_t i = 0; i < m; i++)
#pragma GCC unroll 2
        for (size_t v = 0; v < NV; v++)
            acc[i][v] = t->bias ? load(t->bias + 4 * v) : (v4){0, 0, 0, 0};
    const float *b = t->b;
    for (size_t tap = 0; tap < t->taps; tap++) {
        const float *a[MR];
#pragma GCC unroll 4
        for (size_t i = 0; i < m; i++)
            a[i] = t->a[tap * t->a_stride + i] + t->a_offset;
        for (size_t k = 0; k < t->k; k++, b += NR) {
            v4 b0 = load(b), b1 = load(b + 4);
#pragma GCC unroll 4
            for (size_t i = 0; i < m; i++) {
                float x = a[i][k];
                v4 xv = {x, x, x, x};
                acc[i][0] += xv * b0;
                acc[i][1] += xv * b1;
            }
        }
    }
    float row[NR];
#pragma GCC unroll 4
    for (size_t i = 0; i < m; i++) {
        float *c = t->c + i * t->ldc;
        if (t->r) {
            const float *r = t->r + i * t->ldr;
            if (t->n < NR) {
                memset(row, 0, sizeof row);
                memcpy(row, r, t->n * sizeof *r);
                r = row;
            }
#pragma GCC unroll 2
            for (size_t v = 0; v < NV; v++)
                acc[i][v] += load(r + 4 * v);
        }
        if (t->clamp)
#pragma GCC unroll 2
            for (size_t v = 0; v < NV; v++)
                acc[i][v] = clamp(acc[i][v], t->lo, t->hi);
        memcpy(row, acc[i], sizeof row);
        memcpy(c, row, t->n * sizeof *c);
    }
}

static void tile(const ln_gemm_f32_tile *t)
{
    switch (t->m) {
    case 1:
        rows(t, 1);
        break;
    case 2:
        rows(t, 2);
        break;
    case 3:
        rows(t, 3);
        break;
    default:
        rows(t, 4);
    }
}

/* A microcontroller has no second cache to fill, and RAM for few rows: its blocks are small. A host knows both, to plan
 * for one; they give the same results, since K is cut alike. */
#define SMALL                                                                                                          \
    {                                                                                                                  \
        .mr = MR, .nr = NR, .kc = 256, .mc = 2 * MR, .nc_bytes = 256 << 10, .tile = tile, .no_lines = true             \
    }
#ifdef LN_FIRMWARE
const ln_gemm_f32_desc ln_gemm_f32_scalar = SMALL;
#else
const ln_gemm_f32_desc ln_gemm_f32_scalar = {
    .mr = MR, .nr = NR, .kc = 256, .mc = 96, .nc_bytes = 256 << 10, .tile = tile, .no_lines = true};
const ln_gemm_f32_desc ln_gemm_f32_small = SMALL;
#endif
