/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/qgemm.h"
#include "kernels/simd_rvv.h"

V_ vi vld8(const uint8_t *p, size_t vl)
{
    return __riscv_vreinterpret_v_u32m2_i32m2(__riscv_vzext_vf4_u32m2(__riscv_vle8_v_u8mf2(p, vl), vl));
}

V_ void vst8(uint8_t *p, vi v, size_t vl)
{
    vint8mf2_t bytes = __riscv_vncvt_x_x_w_i8mf2(__riscv_vncvt_x_x_w_i16m1(v, vl), vl);
    __riscv_vse8_v_u8mf2(p, __riscv_vreinterpret_v_i8mf2_u8mf2(bytes), vl);
}

V_ vi vround(vf v, size_t vl)
{
    return __riscv_vfcvt_x_f_v_i32m2(v, vl);
}

#include "kernels/qvector.inc"

void ln_qpool_max8_rvv(uint8_t *y, const uint8_t *const *rows, size_t taps, size_t n, uint32_t flip)
{
    for (size_t c = 0, vl; c < n; c += vl) {
        vl = __riscv_vsetvl_e8m8(n - c);
        vuint8m8_t max = __riscv_vmv_v_x_u8m8(0, vl);
        for (size_t t = 0; t < taps; t++) {
            vuint8m8_t v = __riscv_vle8_v_u8m8(rows[t] + c, vl);
            max = __riscv_vmaxu_vv_u8m8(max, __riscv_vxor_vx_u8m8(v, (uint8_t)flip, vl), vl);
        }
        __riscv_vse8_v_u8m8(y + c, __riscv_vxor_vx_u8m8(max, (uint8_t)flip, vl), vl);
    }
}
