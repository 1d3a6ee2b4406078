/* SPDX-License-Identifier: Apache-2.0
 *
 * The integer product and depthwise convolution with Helium (Armv8.1-M MVE). VMLADAVA adds sixteen products of bytes to
 * a general register, so a tile is one row of A by four columns, sixteen k at a time, and the four sums become one
 * vector for the epilogue.
 *
 * A is taken as signed, which it is but for 128 that the micro-kernel's contract adds; that is put back as 128 times
 * the column sum at the end.
 */
#include <arm_mve.h>

#include "kernels/qgemm_epilogue.h"
#include "kernels/tiles.h"

enum { NR = LN_MVE_NR, KR = LN_MVE_KR };

/* acc * scale, clamped and rounded, with the zero point. */
static inline int32x4_t requantize(int32x4_t acc, float32x4_t scale, float lo, float hi, int32_t zero)
{
    float32x4_t f = vmulq_f32(vcvtq_f32_s32(acc), scale);
    f = vminnmq_f32(vmaxnmq_f32(f, vdupq_n_f32(lo)), vdupq_n_f32(hi));
    return vaddq_n_s32(vcvtnq_s32_f32(f), zero);
}

static void run(void *c, const uint8_t *const *a, const void *panel, size_t m, size_t n, const ln_qgemm_args *g)
{
    const int32_t *head = panel;
    const int8_t *b = (const int8_t *)(head + 3 * NR);
    const uint8x16_t flip = vdupq_n_u8(g->flip ? 0 : 0x80);
    int32_t s0 = 0, s1 = 0, s2 = 0, s3 = 0;
    (void)m;
    for (size_t segment = 0; segment < g->segments; segment++, a += g->a_stride) {
        const uint8_t *x = a[0];
        for (size_t k = 0; k < g->k; k += KR, x += KR, b += KR * NR) {
            int8x16_t v = vreinterpretq_s8_u8(veorq_u8(vldrbq_z_u8(x, vctp8q((uint32_t)(g->k - k))), flip));
            s0 = vmladavaq_s8(s0, v, vldrbq_s8(b));
            s1 = vmladavaq_s8(s1, v, vldrbq_s8(b + KR));
            s2 = vmladavaq_s8(s2, v, vldrbq_s8(b + 2 * KR));
            s3 = vmladavaq_s8(s3, v, vldrbq_s8(b + 3 * KR));
        }
    }
    if (g->out != LN_QGEMM_8 || g->row_sum || g->row_scale) {
        const int32_t sum[NR] = {s0, s1, s2, s3};
        for (size_t j = 0; j < n; j++)
            ln_qgemm_store(c, 0, j, (uint32_t)sum[j] + 128 * (uint32_t)head[NR + j], head, NR, g);
        return;
    }
    mve_pred16_t columns = vctp32q((uint32_t)n);
    int32x4_t acc = vsetq_lane_s32(s0, vdupq_n_s32(0), 0);
    acc = vsetq_lane_s32(s1, acc, 1);
    acc = vsetq_lane_s32(s2, acc, 2);
    acc = vsetq_lane_s32(s3, acc, 3);
    acc = vaddq_s32(acc, vldrwq_s32(head));
    acc = vmlaq_n_s32(acc, vldrwq_s32(head + NR), 128 - g->a_zero);
    acc = requantize(acc, vldrwq_z_f32(g->scale, columns), g->lo, g->hi, g->y_zero);
    vstrbq_p_s32((int8_t *)c, acc, columns);
}

const ln_qgemm_tile ln_qgemm_mve = LN_QGEMM_MVE(run);

/* Eight channels at a time, even and odd ones apart, as the widening products leave them. */
static inline void eight(uint8_t *y, const uint8_t *const *x, size_t c, const ln_qdepthwise_args *g)
{
    const int16_t *w = g->w + c;
    const uint16x8_t flip = vdupq_n_u16((uint16_t)g->flip);
    int32x4x2_t acc = vld2q_s32(g->bias + c);
    for (size_t t = 0; t < g->taps; t++, w += g->w_stride) {
        int16x8_t v = vreinterpretq_s16_u16(veorq_u16(vldrbq_u16(x[t] + c), flip)), u = vldrhq_s16(w);
        acc.val[0] = vaddq_s32(acc.val[0], vmullbq_int_s16(v, u));
        acc.val[1] = vaddq_s32(acc.val[1], vmulltq_int_s16(v, u));
    }
    if (g->out == LN_QGEMM_I32) {
        vst2q_s32((int32_t *)(void *)y + c, acc);
        return;
    }
    float32x4x2_t scale = vld2q_f32(g->scale + c);
    int16x8_t both = vmovnbq_s32(vdupq_n_s16(0), requantize(acc.val[0], scale.val[0], g->lo, g->hi, g->y_zero));
    both = vmovntq_s32(both, requantize(acc.val[1], scale.val[1], g->lo, g->hi, g->y_zero));
    vstrbq_s16((int8_t *)y + c, both);
}

void ln_qdepthwise_mve(uint8_t *y, const uint8_t *const *x, size_t pixels, size_t channels, const ln_qdepthwise_args *g)
{
    size_t size = g->out == LN_QGEMM_I32 ? 4 : 1;
    for (size_t p = 0; p < pixels; p++, x += g->taps, y += g->y_stride * size) {
        size_t c = 0;
        for (; c + 8 <= channels; c += 8)
            eight(y, x, c, g);
        for (; c < channels; c++) {
            uint32_t acc = (uint32_t)g->bias[c];
            for (size_t t = 0; t < g->taps; t++)
                acc += (uint32_t)((int32_t)(x[t][c] ^ g->flip) * g->w[t * g->w_stride + c]);
            if (g->out == LN_QGEMM_I32)
                ((int32_t *)(void *)y)[c] = (int32_t)acc;
            else
                y[c] = ln_requantize(acc, g->scale[c], g->lo, g->hi, g->y_zero);
        }
    }
}
