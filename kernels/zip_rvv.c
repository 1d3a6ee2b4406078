/* SPDX-License-Identifier: Apache-2.0
 *
 * Two rows of 32-bit elements woven into one and taken apart again by segment loads and stores, and elements picked by
 * indices, tier rvv.
 */
#include <riscv_vector.h>

#include "kernels/kernels.h"

void ln_zip_u32_rvv(uint32_t *y, const uint32_t *a, const uint32_t *b, size_t n)
{
    for (size_t i = 0, vl; i < n; i += vl) {
        vl = __riscv_vsetvl_e32m4(n - i);
        vuint32m4_t u = __riscv_vle32_v_u32m4(a + i, vl), v = __riscv_vle32_v_u32m4(b + i, vl);
        __riscv_vsseg2e32_v_u32m4x2(y + 2 * i, __riscv_vcreate_v_u32m4x2(u, v), vl);
    }
}

void ln_unzip_u32_rvv(uint32_t *a, uint32_t *b, const uint32_t *x, size_t n)
{
    for (size_t i = 0, vl; i < n; i += vl) {
        vl = __riscv_vsetvl_e32m4(n - i);
        if (b) {
            vuint32m4x2_t v = __riscv_vlseg2e32_v_u32m4x2(x + 2 * i, vl);
            __riscv_vse32_v_u32m4(a + i, __riscv_vget_v_u32m4x2_u32m4(v, 0), vl);
            __riscv_vse32_v_u32m4(b + i, __riscv_vget_v_u32m4x2_u32m4(v, 1), vl);
        } else {
            __riscv_vse32_v_u32m4(a + i, __riscv_vlse32_v_u32m4(x + 2 * i, 2 * sizeof *x, vl), vl);
        }
    }
}

void ln_gather_u32_rvv(uint32_t *y, const uint32_t *x, size_t n_x, const int32_t *index, size_t n)
{
    (void)n_x;
    for (size_t i = 0, vl; i < n; i += vl) {
        vl = __riscv_vsetvl_e32m4(n - i);
        vuint32m4_t at = __riscv_vle32_v_u32m4((const uint32_t *)index + i, vl);
        __riscv_vse32_v_u32m4(y + i, __riscv_vluxei64_v_u32m4(x, __riscv_vwmulu_vx_u64m8(at, sizeof *x, vl), vl), vl);
    }
}
