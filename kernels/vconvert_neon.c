/* SPDX-License-Identifier: Apache-2.0
 *
 * Conversions of rows between element types with NEON, eight elements at a time; the last few through a buffer, so that
 * an element's result is that of the vector form. FCVTL and FCVTN convert float16 on every AArch64 machine. FCVTZS
 * saturates where the contract (vconvert_scalar.c) asks for the least integer, so what is out of range is selected.
 */
#include <arm_neon.h>
#include <string.h>

#include "kernels/kernels.h"

#define ROW(k, Y, X, ...)                                                                                              \
    static inline void k##_8(Y *y, const X *x)                                                                         \
    {                                                                                                                  \
        __VA_ARGS__                                                                                                    \
    }                                                                                                                  \
    void ln_##k##_neon(void *to, const void *from, size_t n)                                                           \
    {                                                                                                                  \
        Y *y = to, last_y[8];                                                                                          \
        const X *x = from;                                                                                             \
        X last_x[8] = {0};                                                                                             \
        for (; n >= 8; n -= 8, x += 8, y += 8)                                                                         \
            k##_8(y, x);                                                                                               \
        if (n) {                                                                                                       \
            memcpy(last_x, x, n * sizeof *x);                                                                          \
            k##_8(last_y, last_x);                                                                                     \
            memcpy(y, last_y, n * sizeof *y);                                                                          \
        }                                                                                                              \
    }

static inline float32x4_t from_f16(uint16x4_t v)
{
    return vcvt_f32_f16(vreinterpret_f16_u16(v));
}

static inline uint16x4_t to_f16(float32x4_t v)
{
    return vreinterpret_u16_f16(vcvt_f16_f32(v));
}

static inline uint16x4_t to_bf16(float32x4_t v)
{
    uint32x4_t u = vreinterpretq_u32_f32(v), odd = vandq_u32(vshrq_n_u32(u, 16), vdupq_n_u32(1));
    uint32x4_t rounded = vaddq_u32(u, vaddq_u32(odd, vdupq_n_u32(0x7fff)));
    uint32x4_t quiet = vorrq_u32(u, vdupq_n_u32(0x400000));
    return vshrn_n_u32(vbslq_u32(vceqq_f32(v, v), rounded, quiet), 16);
}

static inline int32x4_t to_i32(float32x4_t v)
{
    uint32x4_t inside = vandq_u32(vcgeq_f32(v, vdupq_n_f32(-0x1p31f)), vcltq_f32(v, vdupq_n_f32(0x1p31f)));
    return vbslq_s32(inside, vcvtq_s32_f32(v), vdupq_n_s32(INT32_MIN));
}

static inline int64x2_t to_i64(float64x2_t v)
{
    uint64x2_t inside = vandq_u64(vcgeq_f64(v, vdupq_n_f64(-0x1p63)), vcltq_f64(v, vdupq_n_f64(0x1p63)));
    return vbslq_s64(inside, vcvtq_s64_f64(v), vdupq_n_s64(INT64_MIN));
}

static inline void i32_to_i64_4(int64_t *y, int32x4_t v)
{
    vst1q_s64(y, vmovl_s32(vget_low_s32(v)));
    vst1q_s64(y + 2, vmovl_high_s32(v));
}

static inline void f32_to_i64_4(int64_t *y, float32x4_t v)
{
    vst1q_s64(y, to_i64(vcvt_f64_f32(vget_low_f32(v))));
    vst1q_s64(y + 2, to_i64(vcvt_high_f64_f32(v)));
}

/* clang-format off: a line for each step */
ROW(f16_to_f32, float, uint16_t, uint16x8_t v = vld1q_u16(x); vst1q_f32(y, from_f16(vget_low_u16(v)));
    vst1q_f32(y + 4, from_f16(vget_high_u16(v)));)
ROW(f32_to_f16, uint16_t, float, vst1q_u16(y, vcombine_u16(to_f16(vld1q_f32(x)), to_f16(vld1q_f32(x + 4))));)
ROW(bf16_to_f32, float, uint16_t, uint16x8_t v = vld1q_u16(x);
    vst1q_f32(y, vreinterpretq_f32_u32(vshll_n_u16(vget_low_u16(v), 16)));
    vst1q_f32(y + 4, vreinterpretq_f32_u32(vshll_n_u16(vget_high_u16(v), 16)));)
ROW(f32_to_bf16, uint16_t, float, vst1q_u16(y, vcombine_u16(to_bf16(vld1q_f32(x)), to_bf16(vld1q_f32(x + 4))));)
ROW(u8_to_f32, float, uint8_t, uint16x8_t v = vmovl_u8(vld1_u8(x));
    vst1q_f32(y, vcvtq_f32_u32(vmovl_u16(vget_low_u16(v)))); vst1q_f32(y + 4, vcvtq_f32_u32(vmovl_high_u16(v)));)
ROW(i8_to_f32, float, int8_t, int16x8_t v = vmovl_s8(vld1_s8(x));
    vst1q_f32(y, vcvtq_f32_s32(vmovl_s16(vget_low_s16(v)))); vst1q_f32(y + 4, vcvtq_f32_s32(vmovl_high_s16(v)));)
ROW(f32_to_u8, uint8_t, float, int16x4_t lo = vmovn_s32(to_i32(vld1q_f32(x))), hi = vmovn_s32(to_i32(vld1q_f32(x + 4)));
    vst1_u8(y, vmovn_u16(vreinterpretq_u16_s16(vcombine_s16(lo, hi))));)
ROW(i32_to_f32, float, int32_t, vst1q_f32(y, vcvtq_f32_s32(vld1q_s32(x)));
    vst1q_f32(y + 4, vcvtq_f32_s32(vld1q_s32(x + 4)));)
ROW(f32_to_i32, int32_t, float, vst1q_s32(y, to_i32(vld1q_f32(x))); vst1q_s32(y + 4, to_i32(vld1q_f32(x + 4)));)
/* By way of float64 it would be rounded twice. */
ROW(i64_to_f32, float, int64_t, for (int i = 0; i < 8; i++) y[i] = (float)x[i];)
ROW(f32_to_i64, int64_t, float, f32_to_i64_4(y, vld1q_f32(x)); f32_to_i64_4(y + 4, vld1q_f32(x + 4));)
ROW(i32_to_i64, int64_t, int32_t, i32_to_i64_4(y, vld1q_s32(x)); i32_to_i64_4(y + 4, vld1q_s32(x + 4));)
ROW(i64_to_i32, int32_t, int64_t, vst1q_s32(y, vmovn_high_s64(vmovn_s64(vld1q_s64(x)), vld1q_s64(x + 2)));
    vst1q_s32(y + 4, vmovn_high_s64(vmovn_s64(vld1q_s64(x + 4)), vld1q_s64(x + 6)));)
/* clang-format on */
