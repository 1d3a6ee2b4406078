/* SPDX-License-Identifier: Apache-2.0
 *
 * Transposes of matrices of 32-bit elements and of bytes: segments of eight neighbouring elements of each of vl rows
 * are loaded as eight registers, which are columns. Contract: signatures.h.
 */
#include <riscv_vector.h>

#include "kernels/kernels.h"

void ln_transpose_f32_rvv(float *y, size_t ldy, const float *x, size_t ldx, size_t rows, size_t cols)
{
    const ptrdiff_t stride = (ptrdiff_t)(ldx * sizeof(float));
    for (size_t i = 0, vl; i < rows; i += vl) {
        vl = __riscv_vsetvl_e32m1(rows - i);
        size_t j = 0;
        for (; j + 8 <= cols; j += 8) {
            vfloat32m1x8_t v = __riscv_vlsseg8e32_v_f32m1x8(x + i * ldx + j, stride, vl);
            float *to = y + j * ldy + i;
            __riscv_vse32_v_f32m1(to, __riscv_vget_v_f32m1x8_f32m1(v, 0), vl);
            __riscv_vse32_v_f32m1(to + ldy, __riscv_vget_v_f32m1x8_f32m1(v, 1), vl);
            __riscv_vse32_v_f32m1(to + 2 * ldy, __riscv_vget_v_f32m1x8_f32m1(v, 2), vl);
            __riscv_vse32_v_f32m1(to + 3 * ldy, __riscv_vget_v_f32m1x8_f32m1(v, 3), vl);
            __riscv_vse32_v_f32m1(to + 4 * ldy, __riscv_vget_v_f32m1x8_f32m1(v, 4), vl);
            __riscv_vse32_v_f32m1(to + 5 * ldy, __riscv_vget_v_f32m1x8_f32m1(v, 5), vl);
            __riscv_vse32_v_f32m1(to + 6 * ldy, __riscv_vget_v_f32m1x8_f32m1(v, 6), vl);
            __riscv_vse32_v_f32m1(to + 7 * ldy, __riscv_vget_v_f32m1x8_f32m1(v, 7), vl);
        }
        for (; j < cols; j++)
            __riscv_vse32_v_f32m1(y + j * ldy + i, __riscv_vlse32_v_f32m1(x + i * ldx + j, stride, vl), vl);
    }
}

void ln_transpose_u8_rvv(uint8_t *y, size_t ldy, const uint8_t *x, size_t ldx, size_t rows, size_t cols)
{
    const ptrdiff_t stride = (ptrdiff_t)ldx;
    for (size_t i = 0, vl; i < rows; i += vl) {
        vl = __riscv_vsetvl_e8m1(rows - i);
        size_t j = 0;
        for (; j + 8 <= cols; j += 8) {
            vuint8m1x8_t v = __riscv_vlsseg8e8_v_u8m1x8(x + i * ldx + j, stride, vl);
            uint8_t *to = y + j * ldy + i;
            __riscv_vse8_v_u8m1(to, __riscv_vget_v_u8m1x8_u8m1(v, 0), vl);
            __riscv_vse8_v_u8m1(to + ldy, __riscv_vget_v_u8m1x8_u8m1(v, 1), vl);
            __riscv_vse8_v_u8m1(to + 2 * ldy, __riscv_vget_v_u8m1x8_u8m1(v, 2), vl);
            __riscv_vse8_v_u8m1(to + 3 * ldy, __riscv_vget_v_u8m1x8_u8m1(v, 3), vl);
            __riscv_vse8_v_u8m1(to + 4 * ldy, __riscv_vget_v_u8m1x8_u8m1(v, 4), vl);
            __riscv_vse8_v_u8m1(to + 5 * ldy, __riscv_vget_v_u8m1x8_u8m1(v, 5), vl);
            __riscv_vse8_v_u8m1(to + 6 * ldy, __riscv_vget_v_u8m1x8_u8m1(v, 6), vl);
            __riscv_vse8_v_u8m1(to + 7 * ldy, __riscv_vget_v_u8m1x8_u8m1(v, 7), vl);
        }
        for (; j < cols; j++)
            __riscv_vse8_v_u8m1(y + j * ldy + i, __riscv_vlse8_v_u8m1(x + i * ldx + j, stride, vl), vl);
    }
}
