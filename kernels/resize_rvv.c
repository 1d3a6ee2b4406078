/* SPDX-License-Identifier: Apache-2.0
 *
 * Rows of interpolation, tier rvv: the taps of a strip of outputs are gathered by byte offsets of 64 bits.
 */
#include "kernels/simd_rvv.h"
#include "kernels/blend.inc"

V_ vf gathered(const float *x, const int32_t *index, size_t vl)
{
    vuint32m2_t at = __riscv_vle32_v_u32m2((const uint32_t *)index, vl);
    return __riscv_vluxei64_v_f32m2(x, __riscv_vwmulu_vx_u64m4(at, sizeof(float), vl), vl);
}

void ln_resize_row_f32_rvv(float *y, const float *x, size_t n_x, const int32_t *index, const float *weight, size_t taps,
                           size_t n)
{
    (void)n_x;
    for (size_t i = 0, vl; i < n; i += vl) {
        vl = VL(n - i);
        vf sum = vmul(vld(weight + i, vl), gathered(x, index + i, vl), vl);
        for (size_t t = 1; t < taps; t++)
            sum = vfma(vld(weight + t * n + i, vl), gathered(x, index + t * n + i, vl), sum, vl);
        vst(y + i, sum, vl);
    }
}
