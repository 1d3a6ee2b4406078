/* SPDX-License-Identifier: Apache-2.0
 *
 * The stand-ins of tiles.h: one loop for all tiles of integers, one for those of float32.
 */
#include "kernels/tiles.h"

#include "kernels/qgemm_epilogue.h"

static void product(void *c, const uint8_t *const *a, const void *panel, size_t m, size_t n, const ln_qgemm_args *g,
                    size_t nr, size_t kr, size_t plus)
{
    const int32_t *head = panel;
    size_t rounded = (g->k + kr - 1) / kr * kr;
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < n; j++) {
            const int8_t *b = (const int8_t *)(head + 3 * nr) + j * kr;
            uint32_t acc = 0;
            for (size_t s = 0; s < g->segments; s++, b += rounded * nr)
                for (size_t k = 0; k < g->k; k++)
                    acc += (uint32_t)(((int32_t)(a[s * g->a_stride + i][k] ^ g->flip) + (k % kr >= kr - plus)) *
                                      b[k / kr * kr * nr + k % kr]);
            ln_qgemm_store(c, i, j, acc, head, nr, g);
        }
}

static void product_f32(const ln_gemm_f32_tile *t, size_t nr)
{
    for (size_t i = 0; i < t->m; i++)
        for (size_t j = 0; j < t->n; j++) {
            const float *b = t->b + j;
            float sum = t->bias ? t->bias[j] : 0;
            for (size_t tap = 0; tap < t->taps; tap++) {
                const float *a = t->a[tap * t->a_stride + i] + t->a_offset;
                for (size_t k = 0; k < t->k; k++, b += nr)
                    sum += a[k] * *b;
            }
            if (t->r)
                sum += t->r[i * t->ldr + j];
            if (t->clamp) {
                sum = sum < t->lo ? t->lo : sum;
                sum = sum > t->hi ? t->hi : sum;
            }
            t->c[i * t->ldc + j] = sum;
        }
}

#define RUN(tier, nr, kr, plus)                                                                                        \
    static void run_##tier(void *c, const uint8_t *const *a, const void *panel, size_t m, size_t n,                    \
                           const ln_qgemm_args *g)                                                                     \
    {                                                                                                                  \
        product(c, a, panel, m, n, g, nr, kr, plus);                                                                   \
    }
#define TILE(tier, nr)                                                                                                 \
    static void tile_##tier(const ln_gemm_f32_tile *t)                                                                 \
    {                                                                                                                  \
        product_f32(t, nr);                                                                                            \
    }
#define BOTH(vlen) RUN(rvv##vlen, vlen / 4, 1, 0) TILE(rvv##vlen, vlen / 8)

RUN(armdsp, LN_ARMDSP_NR, LN_ARMDSP_KR, 0)
RUN(mve, LN_MVE_NR, LN_MVE_KR, 0)
RUN(neon, LN_NEON_NR, LN_NEON_KR, LN_NEON_KR / 2)
TILE(neon, LN_NEON_F32_NR)
RUN(wasm, LN_WASM_NR, LN_WASM_KR, 0)
TILE(wasm, LN_WASM_F32_NR)
LN_RVV_EACH(BOTH)

const ln_qgemm_tile ln_qgemm_as_armdsp = LN_QGEMM_ARMDSP(run_armdsp);
const ln_qgemm_tile ln_qgemm_as_mve = LN_QGEMM_MVE(run_mve);
const ln_qgemm_tile ln_qgemm_as_neon = LN_QGEMM_NEON(run_neon);
const ln_gemm_f32_desc ln_gemm_f32_as_neon = LN_GEMM_F32_NEON(LN_NEON_F32_FEW, tile_neon);
const ln_qgemm_tile ln_qgemm_as_wasm = LN_QGEMM_WASM(run_wasm);
const ln_gemm_f32_desc ln_gemm_f32_as_wasm = LN_GEMM_F32_WASM(LN_WASM_F32_FEW, tile_wasm);

#define Q(vlen) LN_QGEMM_RVV(vlen, run_rvv##vlen),
#define F(vlen) LN_GEMM_F32_RVV(vlen, LN_RVV_F32_FEW, tile_rvv##vlen),
const ln_qgemm_tile ln_qgemm_as_rvv[4] = {LN_RVV_EACH(Q)};
const ln_gemm_f32_desc ln_gemm_f32_as_rvv[4] = {LN_RVV_EACH(F)};
