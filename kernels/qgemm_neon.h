/* SPDX-License-Identifier: Apache-2.0
 *
 * What the integer kernels of neon and neondot share: the end of a product, and depthwise convolution by widening
 * multiplies. Both take A as int8, which is the unsigned A of qgemm.h less 128: an int8 A as it lies, a uint8 A with
 * its top bits flipped. So bias - (a_zero - 128) * colsum is where a sum starts.
 */
#ifndef LN_KERNELS_QGEMM_NEON_H
#define LN_KERNELS_QGEMM_NEON_H

#include <math.h>
#include <string.h>

#include "kernels/qgemm_epilogue.h"
#include "kernels/simd_neon.h"

/* What flips the bytes of A to int8. */
V_ int8x16_t to_signed(uint32_t flip)
{
    return vdupq_n_s8((int8_t)(flip ^ 0x80));
}

V_ int32x4_t start_of(const int32_t *head, size_t nr, size_t j, const ln_qgemm_args *g)
{
    return vmlsq_n_s32(vld1q_s32(head + j), vld1q_s32(head + nr + j), g->a_zero - 128);
}

/* FMAXNM and FMINNM take a NaN for absent, as the comparisons of ln_requantize do. */
V_ int32x4_t requantize(int32x4_t acc, float32x4_t scale, float lo, float hi, int32_t zero)
{
    float32x4_t f = vmulq_f32(vcvtq_f32_s32(acc), scale);
    f = vminnmq_f32(vmaxnmq_f32(f, vdupq_n_f32(lo)), vdupq_n_f32(hi));
    return vaddq_s32(vcvtnq_s32_f32(f), vdupq_n_s32(zero));
}

/* The low bytes of eight lanes. */
V_ uint8x8_t low_bytes(int32x4_t a, int32x4_t b)
{
    return vmovn_u16(vreinterpretq_u16_s16(vcombine_s16(vmovn_s32(a), vmovn_s32(b))));
}

/* The same for bytes where scales are finite: then nothing is NaN, what is too large stays so when it is narrowed with
 * saturation, and the limits are integers, so 16 bits are early enough for them. */
typedef struct bytes_end {
    float32x4_t scale[2];
    int16x8_t lo, hi, zero;
} bytes_end;

/* `vectors` of four scales. False: they are not all finite. */
V_ bool bytes_end_of(bytes_end *e, const float *scale, size_t vectors, float lo, float hi, int32_t zero)
{
    e->scale[0] = vld1q_f32(scale);
    e->scale[1] = vld1q_f32(scale + 4 * (vectors - 1));
    e->zero = vdupq_n_s16((int16_t)zero);
    e->lo = vdupq_n_s16((int16_t)((int32_t)lo + zero));
    e->hi = vdupq_n_s16((int16_t)((int32_t)hi + zero));
    uint32x4_t finite =
        vandq_u32(vcaltq_f32(e->scale[0], vdupq_n_f32(INFINITY)), vcaltq_f32(e->scale[1], vdupq_n_f32(INFINITY)));
    return vminvq_u32(finite) != 0;
}

V_ int8x8_t bytes_of(int32x4_t a, int32x4_t b, float32x4_t scale_a, float32x4_t scale_b, const bytes_end *e)
{
    a = vcvtnq_s32_f32(vmulq_f32(vcvtq_f32_s32(a), scale_a));
    b = vcvtnq_s32_f32(vmulq_f32(vcvtq_f32_s32(b), scale_b));
    int16x8_t v = vqaddq_s16(vqmovn_high_s32(vqmovn_s32(a), b), e->zero);
    return vmovn_s16(vminq_s16(vmaxq_s16(v, e->lo), e->hi));
}

V_ float32x4_t scale_of(const ln_qgemm_args *g, size_t i, size_t j, size_t w)
{
    float32x4_t scale = g->scale ? vld(g->scale + j, w) : vdupq_n_f32(1);
    return g->row_scale ? vmulq_n_f32(scale, g->row_scale[i]) : scale;
}

/* Row i, columns j to j + w of a tile, w <= 4. */
V_ void finish4(void *c, size_t i, size_t j, size_t w, int32x4_t acc, const int32_t *zero, const ln_qgemm_args *g)
{
    size_t at = i * g->c_stride + j;
    if (g->row_sum)
        acc = vmlsq_n_s32(acc, vld1q_s32(zero + j), g->row_sum[i]);
    if (g->out == LN_QGEMM_I32) {
        vist((int32_t *)c + at, vreinterpretq_u32_s32(acc), w);
        return;
    }
    float32x4_t scale = scale_of(g, i, j, w);
    if (g->out == LN_QGEMM_8) {
        acc = requantize(acc, scale, g->lo, g->hi, g->y_zero);
        uint32_t four = vget_lane_u32(vreinterpret_u32_u8(low_bytes(acc, acc)), 0);
        if (w == 4)
            memcpy((uint8_t *)c + at, &four, 4);
        else
            memcpy((uint8_t *)c + at, &four, w);
        return;
    }
    float32x4_t f = vmulq_f32(vcvtq_f32_s32(acc), scale);
    vst((float *)c + at, g->fbias ? vaddq_f32(f, vld(g->fbias + j, w)) : f, w);
}

/* -- depthwise ---------------------------------------------------------------------------------------------------- */

/* Eight channels of a pixel; the end of a channel is loaded once where stores, which may alias all, are in between. */
typedef struct depthwise_end {
    float32x4_t scale[2];
    float lo, hi;
    int32_t out, y_zero;
} depthwise_end;

V_ depthwise_end end_of(const ln_qdepthwise_args *g, size_t c)
{
    depthwise_end e = {{vdupq_n_f32(0), vdupq_n_f32(0)}, g->lo, g->hi, g->out, g->y_zero};
    if (g->out != LN_QGEMM_I32) {
        e.scale[0] = vld1q_f32(g->scale + c);
        e.scale[1] = vld1q_f32(g->scale + c + 4);
    }
    return e;
}

V_ void depthwise_end8(uint8_t *y, size_t at, int32x4_t a, int32x4_t b, const depthwise_end *e)
{
    if (e->out == LN_QGEMM_I32) {
        vst1q_s32((int32_t *)(void *)y + at, a);
        vst1q_s32((int32_t *)(void *)y + at + 4, b);
        return;
    }
    a = requantize(a, e->scale[0], e->lo, e->hi, e->y_zero);
    b = requantize(b, e->scale[1], e->lo, e->hi, e->y_zero);
    vst1_u8(y + at, low_bytes(a, b));
}

enum { MOST_TAPS = 49 };

/* `halves` times eight channels from c on of all pixels, where weights fit into 8 bits: two taps at once, as the
 * product takes two halves of a group (qgemm_neon.c): the second is complemented, so that both fit into 16 bits. x is
 * taken as int8, 128 less than it is, which with what the complement adds is made up for in the bias. */
V_ void pairs_of_taps(uint8_t *y, const uint8_t *const *x, size_t pixels, size_t c, const ln_qdepthwise_args *g,
                      const size_t taps, const size_t halves)
{
    const uint8x16_t flip = vreinterpretq_u8_s8(to_signed(g->flip)), other = vmvnq_u8(flip);
    const size_t stride = g->y_stride;
    int8x16_t w[MOST_TAPS];
    int32x4_t bias[4] = {vdupq_n_s32(0), vdupq_n_s32(0), vdupq_n_s32(0), vdupq_n_s32(0)};
    for (size_t j = 0; j < 2 * halves; j++)
        bias[j] = vld1q_s32(g->bias + c + 4 * j);
    for (size_t t = 0; t < taps; t++) {
        const int16_t *from = g->w + t * g->w_stride + c, less = (int16_t)(128 - (int)(t % 2));
        int16x8_t v[2] = {vld1q_s16(from), vld1q_s16(from + 8 * (halves - 1))};
        w[t] = vcombine_s8(vmovn_s16(v[0]), vmovn_s16(v[1]));
        for (size_t h = 0; h < halves; h++) {
            bias[2 * h] = vmlal_n_s16(bias[2 * h], vget_low_s16(v[h]), less);
            bias[2 * h + 1] = vmlal_high_n_s16(bias[2 * h + 1], v[h], less);
        }
    }
    const depthwise_end first = end_of(g, c), second = end_of(g, c + 8 * (halves - 1));
    bytes_end e[2];
    bool plain = g->out == LN_QGEMM_8;
    for (size_t h = 0; plain && h < halves; h++)
        plain = bytes_end_of(&e[h], g->scale + c + 8 * h, 2, g->lo, g->hi, g->y_zero);
    for (size_t p = 0; p < pixels; p++, x += taps) {
        int32x4_t acc[4] = {bias[0], bias[1], bias[2], bias[3]};
#pragma GCC unroll 5
        for (size_t t = 0; t < taps; t += 2) {
            const bool both = t + 1 < taps;
            uint8x16_t u = vdupq_n_u8(0), v = u;
            u = halves > 1 ? vld1q_u8(x[t] + c) : vcombine_u8(vld1_u8(x[t] + c), vget_low_u8(u));
            if (both)
                v = halves > 1 ? vld1q_u8(x[t + 1] + c) : vcombine_u8(vld1_u8(x[t + 1] + c), vget_low_u8(v));
            const int8x16_t a = vreinterpretq_s8_u8(veorq_u8(u, flip)), b = vreinterpretq_s8_u8(veorq_u8(v, other));
            int16x8_t low = vmull_s8(vget_low_s8(a), vget_low_s8(w[t])), high = vdupq_n_s16(0);
            if (halves > 1)
                high = vmull_high_s8(a, w[t]);
            if (both) {
                low = vmlsl_s8(low, vget_low_s8(b), vget_low_s8(w[t + 1]));
                if (halves > 1)
                    high = vmlsl_high_s8(high, b, w[t + 1]);
            }
            acc[0] = vaddw_s16(acc[0], vget_low_s16(low));
            acc[1] = vaddw_high_s16(acc[1], low);
            if (halves > 1) {
                acc[2] = vaddw_s16(acc[2], vget_low_s16(high));
                acc[3] = vaddw_high_s16(acc[3], high);
            }
        }
        uint8_t *to = y + p * stride + c;
        if (plain) {
            int8x8_t first8 = bytes_of(acc[0], acc[1], e[0].scale[0], e[0].scale[1], &e[0]);
            vst1_u8(to, vreinterpret_u8_s8(first8));
            if (halves > 1)
                vst1_u8(to + 8, vreinterpret_u8_s8(bytes_of(acc[2], acc[3], e[1].scale[0], e[1].scale[1], &e[0])));
            continue;
        }
        depthwise_end8(y, p * stride + c, acc[0], acc[1], &first);
        if (halves > 1)
            depthwise_end8(y, p * stride + c + 8, acc[2], acc[3], &second);
    }
}

/* 16 channels from c on, or 8 where no more are left. */
V_ void depthwise_pairs(uint8_t *y, const uint8_t *const *x, size_t pixels, size_t c, size_t channels,
                        const ln_qdepthwise_args *g)
{
    /* Those of 3 x 3 stay in registers. */
    if (c + 16 > channels && g->taps == 9)
        pairs_of_taps(y, x, pixels, c, g, 9, 1);
    else if (c + 16 > channels)
        pairs_of_taps(y, x, pixels, c, g, g->taps, 1);
    else if (g->taps == 9)
        pairs_of_taps(y, x, pixels, c, g, 9, 2);
    else
        pairs_of_taps(y, x, pixels, c, g, g->taps, 2);
}

/* Channels from c on of one pixel: 16, then 8 at a time with weights of 16 bits, then one by one. */
V_ void depthwise_pixel(uint8_t *y, const uint8_t *const *x, size_t p, size_t c, size_t channels,
                        const ln_qdepthwise_args *g)
{
    const uint8x16_t flip = vdupq_n_u8((uint8_t)g->flip);
    const size_t row = p * g->y_stride;
    for (; c + 16 <= channels; c += 16) {
        int32x4_t acc[4];
        for (size_t j = 0; j < 4; j++)
            acc[j] = vld1q_s32(g->bias + c + 4 * j);
        const int16_t *w = g->w + c;
        for (size_t t = 0; t < g->taps; t++, w += g->w_stride) {
            uint8x16_t v = veorq_u8(vld1q_u8(x[t] + c), flip);
            int16x8_t lo = vreinterpretq_s16_u16(vmovl_u8(vget_low_u8(v))), w0 = vld1q_s16(w);
            int16x8_t hi = vreinterpretq_s16_u16(vmovl_high_u8(v)), w1 = vld1q_s16(w + 8);
            acc[0] = vmlal_s16(acc[0], vget_low_s16(lo), vget_low_s16(w0));
            acc[1] = vmlal_high_s16(acc[1], lo, w0);
            acc[2] = vmlal_s16(acc[2], vget_low_s16(hi), vget_low_s16(w1));
            acc[3] = vmlal_high_s16(acc[3], hi, w1);
        }
        const depthwise_end e = end_of(g, c), f = end_of(g, c + 8);
        depthwise_end8(y, row + c, acc[0], acc[1], &e);
        depthwise_end8(y, row + c + 8, acc[2], acc[3], &f);
    }
    for (; c + 8 <= channels; c += 8) {
        int32x4_t a = vld1q_s32(g->bias + c), b = vld1q_s32(g->bias + c + 4);
        const int16_t *w = g->w + c;
        for (size_t t = 0; t < g->taps; t++, w += g->w_stride) {
            uint8x8_t v = veor_u8(vld1_u8(x[t] + c), vget_low_u8(flip));
            int16x8_t wide = vreinterpretq_s16_u16(vmovl_u8(v)), weight = vld1q_s16(w);
            a = vmlal_s16(a, vget_low_s16(wide), vget_low_s16(weight));
            b = vmlal_high_s16(b, wide, weight);
        }
        const depthwise_end e = end_of(g, c);
        depthwise_end8(y, row + c, a, b, &e);
    }
    for (; c < channels; c++) {
        uint32_t acc = (uint32_t)g->bias[c];
        for (size_t t = 0; t < g->taps; t++)
            acc += (uint32_t)((int32_t)(x[t][c] ^ g->flip) * g->w[t * g->w_stride + c]);
        if (g->out == LN_QGEMM_I32)
            ((int32_t *)(void *)y)[row + c] = (int32_t)acc;
        else
            y[row + c] = ln_requantize(acc, g->scale[c], g->lo, g->hi, g->y_zero);
    }
}

#endif
