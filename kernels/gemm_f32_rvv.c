/* SPDX-License-Identifier: Apache-2.0
 *
 * The float32 micro-kernel for RISC-V's vectors: 7 rows by a group of four registers, 28 accumulators of the 32
 * registers; a step of k loads one group of B and multiplies it by a scalar of each row. A panel is as wide as the
 * group: there is a descriptor for each VLEN, and dispatch takes the machine's; in firmware it is that of the compiled
 * model (vlen_rvv.c). vl is the width of the tile, so a narrow last panel costs less. Contract: gemm.h.
 */
#include <riscv_vector.h>

#include "kernels/tiles.h"

typedef vfloat32m4_t vf;
#define VSIZELESS
#include "kernels/simd_array.h"

#define MR 7    /* LN_RVV_F32_MR, for VARRAY */
#define STEPS 4 /* of k between two counts of the pointers */
#define UNROLL _Pragma("GCC unroll 8")
#define INLINE static inline __attribute__((always_inline))

/* m is a constant after inlining, nr too; the accumulators are registers. */
INLINE void rows(const ln_gemm_f32_tile *t, const size_t m, const size_t nr)
{
    const size_t vl = __riscv_vsetvl_e32m4(t->n), taps = t->taps, depth = t->k;
    const float *b = t->b;
    vf bias = t->bias ? __riscv_vle32_v_f32m4(t->bias, vl) : __riscv_vfmv_v_f_f32m4(0, vl);
    VARRAY(acc, MR);
    UNROLL for (size_t i = 0; i < m; i++) VAT(acc, i) = bias;
    for (size_t tap = 0; tap < taps; tap++) {
        const float *a[MR];
        UNROLL for (size_t i = 0; i < m; i++) a[i] = t->a[tap * t->a_stride + i] + t->a_offset;
        size_t k = 0;
        for (; k + STEPS <= depth; k += STEPS, b += STEPS * nr)
            UNROLL for (size_t s = 0; s < STEPS; s++)
            {
                vf x = __riscv_vle32_v_f32m4(b + s * nr, vl);
                UNROLL for (size_t i = 0; i < m; i++) VAT(acc, i) =
                    __riscv_vfmacc_vf_f32m4(VAT(acc, i), a[i][k + s], x, vl);
            }
        for (; k < depth; k++, b += nr) {
            vf x = __riscv_vle32_v_f32m4(b, vl);
            UNROLL for (size_t i = 0; i < m; i++) VAT(acc, i) = __riscv_vfmacc_vf_f32m4(VAT(acc, i), a[i][k], x, vl);
        }
    }
    if (t->r)
        UNROLL for (size_t i = 0; i < m; i++) VAT(acc, i) =
            __riscv_vfadd_vv_f32m4(VAT(acc, i), __riscv_vle32_v_f32m4(t->r + i * t->ldr, vl), vl);
    /* A NaN stays one: it is neither below nor above. */
    if (t->clamp)
        UNROLL for (size_t i = 0; i < m; i++)
        {
            vf v = VAT(acc, i);
            v = __riscv_vfmerge_vfm_f32m4(v, t->lo, __riscv_vmflt_vf_f32m4_b8(v, t->lo, vl), vl);
            VAT(acc, i) = __riscv_vfmerge_vfm_f32m4(v, t->hi, __riscv_vmfgt_vf_f32m4_b8(v, t->hi, vl), vl);
        }
    UNROLL for (size_t i = 0; i < m; i++) __riscv_vse32_v_f32m4(t->c + i * t->ldc, VAT(acc, i), vl);
}

INLINE void tile(const ln_gemm_f32_tile *t, const size_t nr)
{
    switch (t->m) {
    case 1:
        rows(t, 1, nr);
        break;
    case 2:
        rows(t, 2, nr);
        break;
    case 3:
        rows(t, 3, nr);
        break;
    case 4:
        rows(t, 4, nr);
        break;
    case 5:
        rows(t, 5, nr);
        break;
    case 6:
        rows(t, 6, nr);
        break;
    default:
        rows(t, 7, nr);
    }
}

#define TILE(vlen)                                                                                                     \
    void ln_gemm_f32_tile_rvv##vlen(const ln_gemm_f32_tile *t)                                                         \
    {                                                                                                                  \
        tile(t, vlen / 8);                                                                                             \
    }
LN_RVV_EACH(TILE)

#ifndef LN_TIER
#define DESC(vlen)                                                                                                     \
    const ln_gemm_f32_desc ln_gemm_f32_rvv##vlen = LN_GEMM_F32_RVV(vlen, 112, ln_gemm_f32_tile_rvv##vlen);
LN_RVV_EACH(DESC)
#endif
