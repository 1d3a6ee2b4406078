/* SPDX-License-Identifier: Apache-2.0
 *
 * The float32 micro-kernel for WebAssembly: 5 x 8, so that accumulators, two vectors of B, a spread element of A and a
 * product fit the sixteen registers that x86 has for 128 bits. Contract: gemm.h.
 */
#include <string.h>

#include "kernels/gemm.h"
#include "kernels/simd_wasm.h"
#include "kernels/tiles.h"

#define MR LN_WASM_F32_MR
#define NR LN_WASM_F32_NR
#define UNROLL _Pragma("GCC unroll 8")

/* m is constant after inlining; the accumulators are locals of the module. */
V_ void rows(const ln_gemm_f32_tile *t, const size_t m)
{
    vf acc[MR][2];
    vf zero = wasm_f32x4_const_splat(0), bias0 = t->bias ? vld(t->bias, 4) : zero;
    vf bias1 = t->bias ? vld(t->bias + 4, 4) : zero;
    UNROLL for (size_t i = 0; i < m; i++)
    {
        acc[i][0] = bias0;
        acc[i][1] = bias1;
    }
    const float *b = t->b;
    for (size_t tap = 0; tap < t->taps; tap++) {
        const float *a[MR];
        UNROLL for (size_t i = 0; i < m; i++) a[i] = t->a[tap * t->a_stride + i] + t->a_offset;
        for (size_t k = 0; k < t->k; k++, b += NR) {
            vf b0 = vld(b, 4), b1 = vld(b + 4, 4);
            UNROLL for (size_t i = 0; i < m; i++)
            {
                vf x = wasm_v128_load32_splat(a[i] + k);
                acc[i][0] = vfma(x, b0, acc[i][0], 4);
                acc[i][1] = vfma(x, b1, acc[i][1], 4);
            }
        }
    }
    vf lo = wasm_f32x4_splat(t->lo), hi = wasm_f32x4_splat(t->hi);
    size_t n0 = t->n < 4 ? t->n : 4, n1 = t->n - n0;
    UNROLL for (size_t i = 0; i < m; i++)
    {
        float *c = t->c + i * t->ldc;
        if (t->r) {
            const float *r = t->r + i * t->ldr;
            acc[i][0] = vadd(acc[i][0], vld(r, n0), 4);
            if (n1)
                acc[i][1] = vadd(acc[i][1], vld(r + 4, n1), 4);
        }
        /* The second operand is the result where one is a NaN. */
        if (t->clamp)
            for (size_t v = 0; v < 2; v++)
                acc[i][v] = vmin(hi, vmax(lo, acc[i][v], 4), 4);
        vst(c, acc[i][0], n0);
        if (n1)
            vst(c + 4, acc[i][1], n1);
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
    case 4:
        rows(t, 4);
        break;
    default:
        rows(t, 5);
    }
}

#ifdef LN_FIRMWARE
const ln_gemm_f32_desc ln_gemm_f32_wasm = LN_GEMM_F32_WASM(LN_WASM_F32_FEW, tile);
#else
const ln_gemm_f32_desc ln_gemm_f32_wasm = LN_GEMM_F32_WASM(100, tile);
#endif
