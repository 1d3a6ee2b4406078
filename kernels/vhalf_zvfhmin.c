/* SPDX-License-Identifier: Apache-2.0
 *
 * Rows of half precision to single and back by the conversions of Zvfhmin, for machines of tier rvv that have it. They
 * round to nearest, even numbers on ties, as half.h does, but make of every NaN the canonical one; a NaN keeps its bits
 * on every tier, so those that come are converted again.
 */
#include <riscv_vector.h>

#include "kernels/cpu.h"
#include "kernels/half.h"

void ln_f16_to_f32_zvfhmin(float *y, const uint16_t *x, size_t n)
{
    for (size_t vl; n; n -= vl, x += vl, y += vl) {
        vl = __riscv_vsetvl_e32m8(n);
        vfloat32m8_t f =
            __riscv_vfwcvt_f_f_v_f32m8(__riscv_vreinterpret_v_u16m4_f16m4(__riscv_vle16_v_u16m4(x, vl)), vl);
        __riscv_vse32_v_f32m8(y, f, vl);
        if (__riscv_vfirst_m_b4(__riscv_vmfne_vv_f32m8_b4(f, f, vl), vl) >= 0)
            for (size_t i = 0; i < vl; i++)
                if (y[i] != y[i])
                    y[i] = ln_f16_to_f32(x[i]);
    }
}

void ln_f32_to_f16_zvfhmin(uint16_t *y, const float *x, size_t n)
{
    for (size_t vl; n; n -= vl, x += vl, y += vl) {
        vl = __riscv_vsetvl_e32m8(n);
        vfloat32m8_t f = __riscv_vle32_v_f32m8(x, vl);
        __riscv_vse16_v_u16m4(y, __riscv_vreinterpret_v_f16m4_u16m4(__riscv_vfncvt_f_f_w_f16m4(f, vl)), vl);
        if (__riscv_vfirst_m_b4(__riscv_vmfne_vv_f32m8_b4(f, f, vl), vl) >= 0)
            for (size_t i = 0; i < vl; i++)
                if (x[i] != x[i])
                    y[i] = ln_f32_to_f16(x[i]);
    }
}
