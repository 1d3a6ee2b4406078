/* SPDX-License-Identifier: Apache-2.0
 *
 * The sigmoid in integers, tier rvv: entries of the table by indexed loads.
 */
#include <riscv_vector.h>

#include "kernels/kernels.h"
#include "kernels/qsigmoid.h"

void ln_qsigmoid_rvv(int32_t *y, const int32_t *x, size_t n)
{
    for (size_t i = 0, vl; i < n; i += vl) {
        vl = __riscv_vsetvl_e32m4(n - i);
        vint32m4_t v = __riscv_vle32_v_i32m4(x + i, vl);
        vbool8_t below = __riscv_vmslt_vx_i32m4_b8(v, 0, vl);
        vuint32m4_t a = __riscv_vreinterpret_v_i32m4_u32m4(__riscv_vrsub_vx_i32m4_mu(below, v, v, 0, vl));
        a = __riscv_vminu_vx_u32m4(a, LN_QSIGMOID_END, vl);
        vuint16m2_t at = __riscv_vnsrl_wx_u16m2(a, LN_QSIGMOID_STEP_BITS, vl);
        at = __riscv_vsll_vx_u16m2(at, 1, vl);
        vuint16m2_t first = __riscv_vluxei16_v_u16m2(ln_qsigmoid_table, at, vl);
        vuint16m2_t step = __riscv_vsub_vv_u16m2(__riscv_vluxei16_v_u16m2(ln_qsigmoid_table + 1, at, vl), first, vl);
        vuint16m2_t part = __riscv_vnsrl_wx_u16m2(__riscv_vsll_vx_u32m4(a, 32 - LN_QSIGMOID_STEP_BITS, vl), 16, vl);
        /* The part is 2^4 times as large now. */
        vuint32m4_t more =
            __riscv_vadd_vx_u32m4(__riscv_vwmulu_vv_u32m4(step, part, vl), 1u << (LN_QSIGMOID_STEP_BITS + 3), vl);
        more = __riscv_vsrl_vx_u32m4(more, LN_QSIGMOID_STEP_BITS + 4, vl);
        vint32m4_t r = __riscv_vreinterpret_v_u32m4_i32m4(__riscv_vwaddu_wv_u32m4(more, first, vl));
        __riscv_vse32_v_i32m4(y + i, __riscv_vrsub_vx_i32m4_mu(below, r, r, 0, vl), vl);
    }
}
