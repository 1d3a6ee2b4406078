/* SPDX-License-Identifier: Apache-2.0
 *
 * A line of a convolution of few channels, tier rvv: seven neighbouring pixels by the output channels of a panel, a
 * group of four registers, as in the product (gemm_f32_rvv.c). Contract: conv.h.
 */
#include <riscv_vector.h>

#include "kernels/conv.h"

typedef vfloat32m4_t vf;
#define VSIZELESS
#include "kernels/simd_array.h"

#define PIXELS 7
#define UNROLL _Pragma("GCC unroll 8")
#define INLINE static inline __attribute__((always_inline))

/* m pixels from o on, a constant after inlining, by vl channels of a panel. */
INLINE void block(const ln_line_conv *l, const float *panel, float *y, size_t vl, size_t o, const size_t m)
{
    const size_t pitch = l->pitch, nr = l->nr;
    const float *w = panel + nr + l->skip;
    vf bias = __riscv_vle32_v_f32m4(panel, vl);
    VARRAY(acc, PIXELS);
    UNROLL for (size_t i = 0; i < m; i++) VAT(acc, i) = bias;
    for (size_t line = 0; line < l->lines; line++) {
        const float *x = l->rows[line] + o * pitch;
        for (size_t j = 0; j < l->k; j++, w += nr, x++) {
            vf b = __riscv_vle32_v_f32m4(w, vl);
            UNROLL for (size_t i = 0; i < m; i++) VAT(acc, i) =
                __riscv_vfmacc_vf_f32m4(VAT(acc, i), x[i * pitch], b, vl);
        }
    }
    UNROLL for (size_t i = 0; i < m; i++)
    {
        vf v = VAT(acc, i);
        v = __riscv_vfmerge_vfm_f32m4(v, l->lo, __riscv_vmflt_vf_f32m4_b8(v, l->lo, vl), vl);
        v = __riscv_vfmerge_vfm_f32m4(v, l->hi, __riscv_vmfgt_vf_f32m4_b8(v, l->hi, vl), vl);
        __riscv_vse32_v_f32m4(y + (o + i) * l->y_pixel, v, vl);
    }
}

void ln_lineconv_f32_rvv(const ln_line_conv *l)
{
    const float *panel = l->b;
    for (size_t c = 0; c < l->n; c += l->nr, panel += l->panel) {
        const size_t vl = __riscv_vsetvl_e32m4(l->n - c < l->nr ? l->n - c : l->nr);
        size_t o = 0;
        for (; o + PIXELS <= l->out_w; o += PIXELS)
            block(l, panel, l->y + c, vl, o, PIXELS);
        for (; o < l->out_w; o++)
            block(l, panel, l->y + c, vl, o, 1);
    }
}
