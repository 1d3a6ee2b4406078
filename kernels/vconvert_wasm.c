/* SPDX-License-Identifier: Apache-2.0
 *
 * Conversions of rows between element types, tier wasm, four elements at a time and the rest by the scalar variant.
 * Half precision goes by its bits, as in half.h. (Floats to and from 64-bit integers stay with the scalar tier: there
 * are no such instructions.)
 */
#include "kernels/kernels.h"
#include "kernels/simd_wasm.h"

#define ROW(k, Y, X, ...)                                                                                              \
    void ln_##k##_wasm(void *to, const void *from, size_t n)                                                           \
    {                                                                                                                  \
        Y *y = to;                                                                                                     \
        const X *x = from;                                                                                             \
        for (; n >= 4; n -= 4, x += 4, y += 4) {                                                                       \
            __VA_ARGS__                                                                                                \
        }                                                                                                              \
        ln_##k##_scalar(y, x, n);                                                                                      \
    }
#define SPLAT(c) wasm_u32x4_const_splat(c)
#define LOAD wasm_v128_load(x)
#define LOAD16 wasm_u32x4_load16x4(x)

V_ v128_t load8(const void *p)
{
    return wasm_v128_load32_zero(p);
}

/* The low halves of the lanes. */
V_ void store16(void *y, v128_t v)
{
    wasm_v128_store64_lane(y, wasm_i16x8_shuffle(v, v, 0, 2, 4, 6, 0, 2, 4, 6), 0);
}

V_ v128_t from_f16(v128_t u)
{
    v128_t a = wasm_v128_and(u, SPLAT(0x7fff)), sign = wasm_i32x4_shl(wasm_v128_and(u, SPLAT(0x8000)), 16);
    v128_t r = wasm_f32x4_mul(wasm_i32x4_shl(a, 13), wasm_f32x4_const_splat(0x1p112f));
    r = wasm_v128_or(r, wasm_v128_and(wasm_i32x4_gt(a, SPLAT(0x7bff)), SPLAT(0x7f800000)));
    r = wasm_v128_or(r, wasm_v128_and(wasm_i32x4_gt(a, SPLAT(0x7c00)), SPLAT(0x400000)));
    return wasm_v128_or(r, sign);
}

V_ v128_t to_f16(v128_t u)
{
    v128_t a = wasm_v128_and(u, SPLAT(0x7fffffff)), high = wasm_u32x4_shr(a, 13), odd = wasm_v128_and(high, SPLAT(1));
    v128_t r = wasm_u32x4_shr(wasm_i32x4_add(wasm_i32x4_add(a, odd), SPLAT(0xfffu - 0x38000000u)), 13);
    v128_t small = wasm_v128_and(wasm_f32x4_add(a, wasm_f32x4_const_splat(0.5f)), SPLAT(0x7ff));
    r = wasm_v128_bitselect(small, r, wasm_i32x4_lt(a, SPLAT(0x38800000)));
    r = wasm_v128_bitselect(SPLAT(0x7c00), r, wasm_i32x4_gt(a, SPLAT(0x477fefff)));
    v128_t nan = wasm_v128_or(wasm_v128_and(high, SPLAT(0x3ff)), SPLAT(0x7e00));
    r = wasm_v128_bitselect(nan, r, wasm_i32x4_gt(a, SPLAT(0x7f800000)));
    return wasm_v128_or(r, wasm_v128_and(wasm_u32x4_shr(u, 16), SPLAT(0x8000)));
}

V_ v128_t to_bf16(v128_t u)
{
    v128_t high = wasm_u32x4_shr(u, 16), odd = wasm_v128_and(high, SPLAT(1));
    v128_t r = wasm_u32x4_shr(wasm_i32x4_add(wasm_i32x4_add(u, odd), SPLAT(0x7fff)), 16);
    return wasm_v128_bitselect(wasm_v128_or(high, SPLAT(0x40)), r, wasm_f32x4_ne(u, u));
}

/* The least integer takes the place of what is not below the range's end. */
V_ v128_t to_i32(v128_t v)
{
    v128_t inside = wasm_f32x4_lt(v, wasm_f32x4_const_splat(0x1p31f));
    return wasm_v128_bitselect(wasm_i32x4_trunc_sat_f32x4(v), wasm_i32x4_const_splat(INT32_MIN), inside);
}

ROW(f16_to_f32, float, uint16_t, wasm_v128_store(y, from_f16(LOAD16));)
ROW(f32_to_f16, uint16_t, float, store16(y, to_f16(LOAD));)
ROW(bf16_to_f32, float, uint16_t, wasm_v128_store(y, wasm_i32x4_shl(LOAD16, 16));)
ROW(f32_to_bf16, uint16_t, float, store16(y, to_bf16(LOAD));)
ROW(u8_to_f32, float, uint8_t, v128_t v = wasm_u32x4_extend_low_u16x8(wasm_u16x8_extend_low_u8x16(load8(x)));
    wasm_v128_store(y, wasm_f32x4_convert_i32x4(v));)
ROW(i8_to_f32, float, int8_t, v128_t v = wasm_i32x4_extend_low_i16x8(wasm_i16x8_extend_low_i8x16(load8(x)));
    wasm_v128_store(y, wasm_f32x4_convert_i32x4(v));)
ROW(f32_to_u8, uint8_t, float, v128_t v = to_i32(LOAD);
    wasm_v128_store32_lane(y, wasm_i8x16_shuffle(v, v, 0, 4, 8, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0), 0);)
ROW(i32_to_f32, float, int32_t, wasm_v128_store(y, wasm_f32x4_convert_i32x4(LOAD));)
ROW(f32_to_i32, int32_t, float, wasm_v128_store(y, to_i32(LOAD));)
ROW(i32_to_i64, int64_t, int32_t, v128_t v = LOAD; wasm_v128_store(y, wasm_i64x2_extend_low_i32x4(v));
    wasm_v128_store(y + 2, wasm_i64x2_extend_high_i32x4(v));)
ROW(i64_to_i32, int32_t, int64_t, v128_t v = wasm_v128_load(x);
    wasm_v128_store(y, wasm_i32x4_shuffle(v, wasm_v128_load(x + 2), 0, 2, 4, 6));)
