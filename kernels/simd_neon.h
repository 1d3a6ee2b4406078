/* SPDX-License-Identifier: Apache-2.0
 *
 * The SIMD layer, tier neon (AArch64): four lanes; of a strip that is not whole, lanes are loaded and stored one by
 * one. The meaning of each name is in simd_scalar.h. FMAX and FMIN return a NaN of either operand, so vmax and vmin
 * compare and select.
 */
#ifndef LN_KERNELS_SIMD_H
#define LN_KERNELS_SIMD_H

#include <arm_neon.h>
#include <stddef.h>
#include <stdint.h>

#include "kernels/half.h"

#define LN_ISA neon
#define VL(n) ((n) < 4 ? (n) : (size_t)4)
#define VFULL ((size_t)4)
#define VFUSED 1
#define V_ static inline __attribute__((always_inline, unused))
#define VU_ __attribute__((unused))

/* A table of one-liners. */
/* clang-format off */
typedef float32x4_t vf;
typedef uint32x4_t vi;
typedef uint32x4_t vm;

/* The first vl of four lanes, 0 < vl < 4; the others keep those of v. */
V_ vf vld_some(const float *p, vf v, size_t vl)
{
    v = vld1q_lane_f32(p, v, 0);
    if (vl > 1)
        v = vld1q_lane_f32(p + 1, v, 1);
    if (vl > 2)
        v = vld1q_lane_f32(p + 2, v, 2);
    return v;
}
V_ vf vld_or(const float *p, vf other, size_t vl) { return vl == 4 ? vld1q_f32(p) : vld_some(p, other, vl); }
V_ vf vld(const float *p, size_t vl) { return vld_or(p, vdupq_n_f32(0), vl); }
V_ void vst(float *p, vf v, size_t vl)
{
    if (vl == 4) {
        vst1q_f32(p, v);
        return;
    }
    vst1q_lane_f32(p, v, 0);
    if (vl > 1)
        vst1q_lane_f32(p + 1, v, 1);
    if (vl > 2)
        vst1q_lane_f32(p + 2, v, 2);
}
V_ vi vild(const int32_t *p, size_t vl)
{
    if (vl == 4)
        return vreinterpretq_u32_s32(vld1q_s32(p));
    int32x4_t v = vsetq_lane_s32(*p, vdupq_n_s32(0), 0);
    if (vl > 1)
        v = vld1q_lane_s32(p + 1, v, 1);
    if (vl > 2)
        v = vld1q_lane_s32(p + 2, v, 2);
    return vreinterpretq_u32_s32(v);
}
V_ void vist(int32_t *p, vi u, size_t vl)
{
    int32x4_t v = vreinterpretq_s32_u32(u);
    if (vl == 4) {
        vst1q_s32(p, v);
        return;
    }
    vst1q_lane_s32(p, v, 0);
    if (vl > 1)
        vst1q_lane_s32(p + 1, v, 1);
    if (vl > 2)
        vst1q_lane_s32(p + 2, v, 2);
}
V_ vf vset(float c, VU_ size_t vl) { return vdupq_n_f32(c); }
V_ vi viset(int32_t c, VU_ size_t vl) { return vdupq_n_u32((uint32_t)c); }

V_ vf vadd(vf a, vf b, VU_ size_t vl) { return vaddq_f32(a, b); }
V_ vf vsub(vf a, vf b, VU_ size_t vl) { return vsubq_f32(a, b); }
V_ vf vmul(vf a, vf b, VU_ size_t vl) { return vmulq_f32(a, b); }
V_ vf vdiv(vf a, vf b, VU_ size_t vl) { return vdivq_f32(a, b); }
V_ vf vfma(vf a, vf b, vf c, VU_ size_t vl) { return vfmaq_f32(c, a, b); }
V_ vf vfnma(vf a, vf b, vf c, VU_ size_t vl) { return vfmsq_f32(c, a, b); }
V_ vf vfma_once(vf a, vf b, vf c, VU_ size_t vl) { return vfmaq_f32(c, a, b); }
V_ vf vmul_error(vf a, vf b, vf p, VU_ size_t vl) { return vfmaq_f32(vnegq_f32(p), a, b); }
V_ vf vmax(vf a, vf b, VU_ size_t vl) { return vbslq_f32(vcgtq_f32(a, b), a, b); }
V_ vf vmin(vf a, vf b, VU_ size_t vl) { return vbslq_f32(vcltq_f32(a, b), a, b); }
V_ vf vsqrt(vf a, VU_ size_t vl) { return vsqrtq_f32(a); }
V_ vf vabs(vf a, VU_ size_t vl) { return vabsq_f32(a); }
V_ vf vneg(vf a, VU_ size_t vl) { return vnegq_f32(a); }
V_ vf vrint(vf a, VU_ size_t vl) { return vrndnq_f32(a); }
V_ vf vfloor(vf a, VU_ size_t vl) { return vrndmq_f32(a); }
V_ vf vceil(vf a, VU_ size_t vl) { return vrndpq_f32(a); }

V_ vi vas_i(vf a, VU_ size_t vl) { return vreinterpretq_u32_f32(a); }
V_ vf vas_f(vi a, VU_ size_t vl) { return vreinterpretq_f32_u32(a); }
V_ vf vtof(vi a, VU_ size_t vl) { return vcvtq_f32_s32(vreinterpretq_s32_u32(a)); }
V_ vi viadd(vi a, vi b, VU_ size_t vl) { return vaddq_u32(a, b); }
V_ vi visub(vi a, vi b, VU_ size_t vl) { return vsubq_u32(a, b); }
V_ vi viand(vi a, vi b, VU_ size_t vl) { return vandq_u32(a, b); }
V_ vi vior(vi a, vi b, VU_ size_t vl) { return vorrq_u32(a, b); }
V_ vi vixor(vi a, vi b, VU_ size_t vl) { return veorq_u32(a, b); }
#define vishl(a, k, vl) vshlq_n_u32(a, k)
#define vishr(a, k, vl) vshrq_n_u32(a, k)
#define visar(a, k, vl) vreinterpretq_u32_s32(vshrq_n_s32(vreinterpretq_s32_u32(a), k))

V_ vm vlt(vf a, vf b, VU_ size_t vl) { return vcltq_f32(a, b); }
V_ vm vle(vf a, vf b, VU_ size_t vl) { return vcleq_f32(a, b); }
V_ vm veq(vf a, vf b, VU_ size_t vl) { return vceqq_f32(a, b); }
V_ vm vnan(vf a, VU_ size_t vl) { return vmvnq_u32(vceqq_f32(a, a)); }
V_ vm vieq(vi a, vi b, VU_ size_t vl) { return vceqq_u32(a, b); }
V_ vm mand(vm a, vm b, VU_ size_t vl) { return vandq_u32(a, b); }
V_ vm mor(vm a, vm b, VU_ size_t vl) { return vorrq_u32(a, b); }
V_ vm mnot(vm a, VU_ size_t vl) { return vmvnq_u32(a); }
V_ vf vsel(vm m, vf a, vf b, VU_ size_t vl) { return vbslq_f32(m, a, b); }
V_ vi visel(vm m, vi a, vi b, VU_ size_t vl) { return vbslq_u32(m, a, b); }

/* Each lane as 16 bits of one integer; those from vl on are shifted out. */
V_ int many(vm a, size_t vl)
{
    uint64_t lanes = vget_lane_u64(vreinterpret_u64_u16(vmovn_u32(a)), 0);
    return (vl == 4 ? lanes : lanes << (64 - 16 * vl)) != 0;
}

V_ vf vscale2(vf a, vf n, VU_ size_t vl)
{
    int32x4_t whole = vcvtnq_s32_f32(n), half = vshrq_n_s32(whole, 1), rest = vsubq_s32(whole, half);
    int32x4_t bias = vdupq_n_s32(127);
    a = vmulq_f32(a, vreinterpretq_f32_s32(vshlq_n_s32(vaddq_s32(half, bias), 23)));
    return vmulq_f32(a, vreinterpretq_f32_s32(vshlq_n_s32(vaddq_s32(rest, bias), 23)));
}

/* The lanes from vl on are replaced by what changes nothing. */
V_ vf vkeep(vf a, float other, size_t vl)
{
    static const uint32_t lane[4] = {0, 1, 2, 3};
    if (vl == 4)
        return a;
    return vbslq_f32(vcltq_u32(vld1q_u32(lane), vdupq_n_u32((uint32_t)vl)), a, vdupq_n_f32(other));
}
V_ vf vshift(vf a, vf b, size_t d)
{
    const uint8x16_t lane = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    uint8x16x2_t both = {{vreinterpretq_u8_f32(a), vreinterpretq_u8_f32(b)}};
    return vreinterpretq_f32_u8(vqtbl2q_u8(both, vaddq_u8(lane, vdupq_n_u8((uint8_t)(4 * d)))));
}
V_ void vunzip(vf a, vf b, vf *even, vf *odd)
{
    *even = vuzp1q_f32(a, b);
    *odd = vuzp2q_f32(a, b);
}

V_ float vhsum(vf a, size_t vl) { return vaddvq_f32(vkeep(a, 0, vl)); }
V_ float vhmax(vf a, size_t vl) { return vmaxvq_f32(vkeep(a, -__builtin_inff(), vl)); }
V_ float vhmin(vf a, size_t vl) { return vminvq_f32(vkeep(a, __builtin_inff(), vl)); }
/* clang-format on */
#endif
