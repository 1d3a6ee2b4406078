/* SPDX-License-Identifier: Apache-2.0
 *
 * Rows of interpolation, tier neon: four outputs at a time, the lanes of their taps loaded one by one.
 */
#include "kernels/simd_neon.h"
#include "kernels/blend.inc"

void ln_resize_row_f32_neon(float *y, const float *x, size_t n_x, const int32_t *index, const float *weight,
                            size_t taps, size_t n)
{
    size_t i = 0;
    (void)n_x;
    for (; i + 4 <= n; i += 4) {
        float32x4_t sum = vdupq_n_f32(0);
        for (size_t t = 0; t < taps; t++) {
            const int32_t *at = index + t * n + i;
            float32x4_t v = vld1q_dup_f32(x + at[0]);
            v = vld1q_lane_f32(x + at[1], v, 1);
            v = vld1q_lane_f32(x + at[2], v, 2);
            v = vld1q_lane_f32(x + at[3], v, 3);
            sum = vfmaq_f32(sum, vld1q_f32(weight + t * n + i), v);
        }
        vst1q_f32(y + i, sum);
    }
    for (; i < n; i++) {
        float sum = 0;
        for (size_t t = 0; t < taps; t++)
            sum = __builtin_fmaf(weight[t * n + i], x[index[t * n + i]], sum);
        y[i] = sum;
    }
}
