/* SPDX-License-Identifier: Apache-2.0
 *
 * The SIMD layer, tier wasm: four lanes of 128-bit SIMD. A multiply-add is two instructions, or with relaxed SIMD
 * (built with -mrelaxed-simd) one that may round once or twice; nothing may rely on either. The meaning of each name is
 * in simd_scalar.h.
 */
#ifndef LN_KERNELS_SIMD_H
#define LN_KERNELS_SIMD_H

#include <stddef.h>
#include <stdint.h>
#include <wasm_simd128.h>

#include "kernels/half.h"

#define LN_ISA wasm
#define VL(n) ((n) < 4 ? (n) : (size_t)4)
#define VFULL ((size_t)4)
#define VFUSED 0
#define V_ static inline __attribute__((always_inline, unused))
#define VU_ __attribute__((unused))

/* A table of one-liners. */
/* clang-format off */
typedef v128_t vf;
typedef v128_t vi;
typedef v128_t vm;

/* The lanes below vl of a strip, the others from `other`. */
V_ v128_t vl_load(const void *p, v128_t other, size_t vl)
{
    const uint32_t *u = p;
    if (vl == 4)
        return wasm_v128_load(p);
    if (vl == 3)
        return wasm_v128_load32_lane(u + 2, wasm_v128_load64_lane(u, other, 0), 2);
    return vl == 2 ? wasm_v128_load64_lane(u, other, 0) : wasm_v128_load32_lane(u, other, 0);
}
V_ void vl_store(void *p, v128_t v, size_t vl)
{
    uint32_t *u = p;
    if (vl == 4) {
        wasm_v128_store(p, v);
        return;
    }
    if (vl & 2)
        wasm_v128_store64_lane(u, v, 0);
    if (vl == 3)
        wasm_v128_store32_lane(u + 2, v, 2);
    if (vl == 1)
        wasm_v128_store32_lane(u, v, 0);
}
V_ vf vld(const float *p, size_t vl) { return vl_load(p, wasm_i32x4_const_splat(0), vl); }
V_ vf vld_or(const float *p, vf other, size_t vl) { return vl_load(p, other, vl); }
V_ void vst(float *p, vf v, size_t vl) { vl_store(p, v, vl); }
V_ vi vild(const int32_t *p, size_t vl) { return vl_load(p, wasm_i32x4_const_splat(0), vl); }
V_ void vist(int32_t *p, vi v, size_t vl) { vl_store(p, v, vl); }
V_ vf vset(float c, VU_ size_t vl) { return wasm_f32x4_splat(c); }
V_ vi viset(int32_t c, VU_ size_t vl) { return wasm_i32x4_splat(c); }

V_ vf vadd(vf a, vf b, VU_ size_t vl) { return wasm_f32x4_add(a, b); }
V_ vf vsub(vf a, vf b, VU_ size_t vl) { return wasm_f32x4_sub(a, b); }
V_ vf vmul(vf a, vf b, VU_ size_t vl) { return wasm_f32x4_mul(a, b); }
V_ vf vdiv(vf a, vf b, VU_ size_t vl) { return wasm_f32x4_div(a, b); }
#ifdef __wasm_relaxed_simd__
V_ vf vfma(vf a, vf b, vf c, VU_ size_t vl) { return wasm_f32x4_relaxed_madd(a, b, c); }
V_ vf vfnma(vf a, vf b, vf c, VU_ size_t vl) { return wasm_f32x4_relaxed_nmadd(a, b, c); }
#else
V_ vf vfma(vf a, vf b, vf c, VU_ size_t vl) { return wasm_f32x4_add(wasm_f32x4_mul(a, b), c); }
V_ vf vfnma(vf a, vf b, vf c, VU_ size_t vl) { return wasm_f32x4_sub(c, wasm_f32x4_mul(a, b)); }
#endif
/* a * b + c in double, where the product is exact. */
V_ v128_t vl_wide(v128_t a, v128_t b, v128_t c)
{
    v128_t p = wasm_f64x2_mul(wasm_f64x2_promote_low_f32x4(a), wasm_f64x2_promote_low_f32x4(b));
    return wasm_f32x4_demote_f64x2_zero(wasm_f64x2_add(p, wasm_f64x2_promote_low_f32x4(c)));
}
V_ vf vfma_once(vf a, vf b, vf c, VU_ size_t vl)
{
    v128_t low = vl_wide(a, b, c), high = vl_wide(wasm_i32x4_shuffle(a, a, 2, 3, 2, 3),
                                                  wasm_i32x4_shuffle(b, b, 2, 3, 2, 3), wasm_i32x4_shuffle(c, c, 2, 3, 2, 3));
    return wasm_i32x4_shuffle(low, high, 0, 1, 4, 5);
}
V_ vf vmul_error(vf a, vf b, vf p, VU_ size_t vl) { return vfma_once(a, b, wasm_f32x4_neg(p), vl); }
V_ vf vmax(vf a, vf b, VU_ size_t vl) { return wasm_f32x4_pmax(b, a); } /* b < a ? a : b */
V_ vf vmin(vf a, vf b, VU_ size_t vl) { return wasm_f32x4_pmin(b, a); }
V_ vf vsqrt(vf a, VU_ size_t vl) { return wasm_f32x4_sqrt(a); }
V_ vf vabs(vf a, VU_ size_t vl) { return wasm_f32x4_abs(a); }
V_ vf vneg(vf a, VU_ size_t vl) { return wasm_f32x4_neg(a); }
V_ vf vrint(vf a, VU_ size_t vl) { return wasm_f32x4_nearest(a); }
V_ vf vfloor(vf a, VU_ size_t vl) { return wasm_f32x4_floor(a); }
V_ vf vceil(vf a, VU_ size_t vl) { return wasm_f32x4_ceil(a); }

V_ vi vas_i(vf a, VU_ size_t vl) { return a; }
V_ vf vas_f(vi a, VU_ size_t vl) { return a; }
V_ vf vtof(vi a, VU_ size_t vl) { return wasm_f32x4_convert_i32x4(a); }
V_ vi viadd(vi a, vi b, VU_ size_t vl) { return wasm_i32x4_add(a, b); }
V_ vi visub(vi a, vi b, VU_ size_t vl) { return wasm_i32x4_sub(a, b); }
V_ vi viand(vi a, vi b, VU_ size_t vl) { return wasm_v128_and(a, b); }
V_ vi vior(vi a, vi b, VU_ size_t vl) { return wasm_v128_or(a, b); }
V_ vi vixor(vi a, vi b, VU_ size_t vl) { return wasm_v128_xor(a, b); }
V_ vi vishl(vi a, uint32_t k, VU_ size_t vl) { return wasm_i32x4_shl(a, k); }
V_ vi vishr(vi a, uint32_t k, VU_ size_t vl) { return wasm_u32x4_shr(a, k); }
V_ vi visar(vi a, uint32_t k, VU_ size_t vl) { return wasm_i32x4_shr(a, k); }

V_ vm vlt(vf a, vf b, VU_ size_t vl) { return wasm_f32x4_lt(a, b); }
V_ vm vle(vf a, vf b, VU_ size_t vl) { return wasm_f32x4_le(a, b); }
V_ vm veq(vf a, vf b, VU_ size_t vl) { return wasm_f32x4_eq(a, b); }
V_ vm vnan(vf a, VU_ size_t vl) { return wasm_f32x4_ne(a, a); }
V_ vm vieq(vi a, vi b, VU_ size_t vl) { return wasm_i32x4_eq(a, b); }
V_ vm mand(vm a, vm b, VU_ size_t vl) { return wasm_v128_and(a, b); }
V_ vm mor(vm a, vm b, VU_ size_t vl) { return wasm_v128_or(a, b); }
V_ vm mnot(vm a, VU_ size_t vl) { return wasm_v128_not(a); }
V_ int many(vm a, size_t vl) { return (wasm_i32x4_bitmask(a) & ((1u << vl) - 1)) != 0; }
V_ vf vsel(vm m, vf a, vf b, VU_ size_t vl) { return wasm_v128_bitselect(a, b, m); }
V_ vi visel(vm m, vi a, vi b, VU_ size_t vl) { return wasm_v128_bitselect(a, b, m); }

V_ vf vscale2(vf a, vf n, VU_ size_t vl)
{
    vi whole = wasm_i32x4_trunc_sat_f32x4(n), half = wasm_i32x4_shr(whole, 1), rest = wasm_i32x4_sub(whole, half);
    vi bias = wasm_i32x4_const_splat(127);
    a = wasm_f32x4_mul(a, wasm_i32x4_shl(wasm_i32x4_add(half, bias), 23));
    return wasm_f32x4_mul(a, wasm_i32x4_shl(wasm_i32x4_add(rest, bias), 23));
}

V_ vf vshift(vf a, vf b, size_t d)
{
    v128_t at = wasm_i8x16_add(wasm_i8x16_const(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15),
                               wasm_i8x16_splat((int8_t)(4 * d))); /* swizzle gives 0 for what is not below 16 */
    v128_t of_b = wasm_i8x16_sub(at, wasm_i8x16_const_splat(16));
    return wasm_v128_or(wasm_i8x16_swizzle(a, at), wasm_i8x16_swizzle(b, of_b));
}
V_ void vunzip(vf a, vf b, vf *even, vf *odd)
{
    *even = wasm_i32x4_shuffle(a, b, 0, 2, 4, 6);
    *odd = wasm_i32x4_shuffle(a, b, 1, 3, 5, 7);
}

/* The lanes from vl on hold `other` instead, and then two halves are joined twice. */
V_ v128_t vl_keep(v128_t a, v128_t other, size_t vl)
{
    v128_t lane = wasm_i32x4_const(0, 1, 2, 3);
    return vl == 4 ? a : wasm_v128_bitselect(a, other, wasm_i32x4_lt(lane, wasm_i32x4_splat((int32_t)vl)));
}
V_ v128_t vl_high(v128_t a) { return wasm_i32x4_shuffle(a, a, 2, 3, 0, 1); }
V_ v128_t vl_odd(v128_t a) { return wasm_i32x4_shuffle(a, a, 1, 0, 3, 2); }
V_ float vhsum(vf a, size_t vl)
{
    a = vl_keep(a, wasm_f32x4_const_splat(0), vl);
    a = wasm_f32x4_add(a, vl_high(a));
    return wasm_f32x4_extract_lane(wasm_f32x4_add(a, vl_odd(a)), 0);
}
V_ float vhmax(vf a, size_t vl)
{
    a = vl_keep(a, wasm_f32x4_const_splat(-__builtin_inff()), vl);
    a = wasm_f32x4_pmax(a, vl_high(a));
    return wasm_f32x4_extract_lane(wasm_f32x4_pmax(a, vl_odd(a)), 0);
}
V_ float vhmin(vf a, size_t vl)
{
    a = vl_keep(a, wasm_f32x4_const_splat(__builtin_inff()), vl);
    a = wasm_f32x4_pmin(a, vl_high(a));
    return wasm_f32x4_extract_lane(wasm_f32x4_pmin(a, vl_odd(a)), 0);
}
/* clang-format on */
#endif
