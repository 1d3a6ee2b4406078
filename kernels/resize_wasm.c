/* SPDX-License-Identifier: Apache-2.0
 *
 * Rows of interpolation, tier wasm: there are no gathers, so the four taps of a vector are loaded one by one.
 */
#include "kernels/simd_wasm.h"
#include "kernels/blend.inc"

void ln_resize_row_f32_wasm(float *y, const float *x, size_t n_x, const int32_t *index, const float *weight,
                            size_t taps, size_t n)
{
    (void)n_x;
    size_t i = 0;
    for (; i + 4 <= n; i += 4) {
        vf sum = wasm_f32x4_const_splat(0);
        for (size_t t = 0; t < taps; t++) {
            const int32_t *at = index + t * n + i;
            vf v = wasm_f32x4_make(x[at[0]], x[at[1]], x[at[2]], x[at[3]]);
            sum = vfma(vld(weight + t * n + i, 4), v, sum, 4);
        }
        vst(y + i, sum, 4);
    }
    for (; i < n; i++) {
        float sum = 0;
        for (size_t t = 0; t < taps; t++)
            sum += weight[t * n + i] * x[index[t * n + i]];
        y[i] = sum;
    }
}
