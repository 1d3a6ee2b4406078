/* SPDX-License-Identifier: Apache-2.0
 *
 * Conversions of rows between element types, portable. Floats to integers go toward zero; what the integer of the width
 * named below does not hold, and NaN, give its least value, and f32_to_u8 keeps the low bits of an int32.
 */
#include "kernels/half.h"
#include "kernels/kernels.h"

#define EACH(k, Y, X, expr)                                                                                            \
    void ln_##k##_scalar(void *y, const void *x, size_t n)                                                             \
    {                                                                                                                  \
        for (size_t i = 0; i < n; i++) {                                                                               \
            X v = ((const X *)x)[i];                                                                                   \
            ((Y *)y)[i] = expr;                                                                                        \
        }                                                                                                              \
    }

static inline int32_t to_i32(float v)
{
    return v >= -0x1p31f && v < 0x1p31f ? (int32_t)v : INT32_MIN;
}

static inline int64_t to_i64(float v)
{
    return v >= -0x1p63f && v < 0x1p63f ? (int64_t)v : INT64_MIN;
}

EACH(f16_to_f32, float, uint16_t, ln_f16_to_f32(v))
EACH(f32_to_f16, uint16_t, float, ln_f32_to_f16(v))
EACH(bf16_to_f32, float, uint16_t, ln_bf16_to_f32(v))
EACH(f32_to_bf16, uint16_t, float, ln_f32_to_bf16(v))
EACH(u8_to_f32, float, uint8_t, (float)v)
EACH(i8_to_f32, float, int8_t, (float)v)
EACH(f32_to_u8, uint8_t, float, (uint8_t)to_i32(v))
EACH(i32_to_f32, float, int32_t, (float)v)
EACH(f32_to_i32, int32_t, float, to_i32(v))
EACH(i64_to_f32, float, int64_t, (float)v)
EACH(f32_to_i64, int64_t, float, to_i64(v))
EACH(i32_to_i64, int64_t, int32_t, (int64_t)v)
EACH(i64_to_i32, uint32_t, int64_t, (uint32_t)v)
