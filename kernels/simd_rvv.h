/* SPDX-License-Identifier: Apache-2.0
 *
 * The SIMD layer, tier rvv: groups of two registers, as many lanes as the machine's registers hold (8 at VLEN 128), no
 * masks for a last strip, since every instruction takes vl. The types have no size at compile time, so they cannot be
 * in arrays or structs: see simd_array.h. The meaning of each name is in simd_scalar.h.
 */
#ifndef LN_KERNELS_SIMD_H
#define LN_KERNELS_SIMD_H

#include <riscv_vector.h>
#include <stddef.h>
#include <stdint.h>

#include "kernels/half.h"

#define LN_ISA rvv
#define VL(n) __riscv_vsetvl_e32m2(n)
#define VFULL __riscv_vsetvlmax_e32m2()
#define VFUSED 1
#define VSIZELESS
#define V_ static inline __attribute__((always_inline, unused))
#define VU_ __attribute__((unused))

/* A table of one-liners. */
/* clang-format off */
typedef vfloat32m2_t vf;
typedef vint32m2_t vi;
typedef vbool16_t vm;

V_ vf vld(const float *p, size_t vl) { return __riscv_vle32_v_f32m2(p, vl); }
V_ vf vld_or(const float *p, vf other, size_t vl) { return __riscv_vle32_v_f32m2_tu(other, p, vl); }
V_ void vst(float *p, vf v, size_t vl) { __riscv_vse32_v_f32m2(p, v, vl); }
V_ vi vild(const int32_t *p, size_t vl) { return __riscv_vle32_v_i32m2(p, vl); }
V_ void vist(int32_t *p, vi v, size_t vl) { __riscv_vse32_v_i32m2(p, v, vl); }
V_ vf vset(float c, size_t vl) { return __riscv_vfmv_v_f_f32m2(c, vl); }
V_ vi viset(int32_t c, size_t vl) { return __riscv_vmv_v_x_i32m2(c, vl); }

V_ vf vadd(vf a, vf b, size_t vl) { return __riscv_vfadd_vv_f32m2(a, b, vl); }
V_ vf vsub(vf a, vf b, size_t vl) { return __riscv_vfsub_vv_f32m2(a, b, vl); }
V_ vf vmul(vf a, vf b, size_t vl) { return __riscv_vfmul_vv_f32m2(a, b, vl); }
V_ vf vdiv(vf a, vf b, size_t vl) { return __riscv_vfdiv_vv_f32m2(a, b, vl); }
V_ vf vfma(vf a, vf b, vf c, size_t vl) { return __riscv_vfmacc_vv_f32m2(c, a, b, vl); }
V_ vf vfnma(vf a, vf b, vf c, size_t vl) { return __riscv_vfnmsac_vv_f32m2(c, a, b, vl); }
V_ vf vfma_once(vf a, vf b, vf c, size_t vl) { return vfma(a, b, c, vl); }
V_ vf vmul_error(vf a, vf b, vf p, size_t vl) { return __riscv_vfmsac_vv_f32m2(p, a, b, vl); }
V_ vf vsqrt(vf a, size_t vl) { return __riscv_vfsqrt_v_f32m2(a, vl); }
V_ vf vabs(vf a, size_t vl) { return __riscv_vfsgnjx_vv_f32m2(a, a, vl); }
V_ vf vneg(vf a, size_t vl) { return __riscv_vfsgnjn_vv_f32m2(a, a, vl); }

V_ vi vas_i(vf a, VU_ size_t vl) { return __riscv_vreinterpret_v_f32m2_i32m2(a); }
V_ vf vas_f(vi a, VU_ size_t vl) { return __riscv_vreinterpret_v_i32m2_f32m2(a); }
V_ vf vtof(vi a, size_t vl) { return __riscv_vfcvt_f_x_v_f32m2(a, vl); }
V_ vi viadd(vi a, vi b, size_t vl) { return __riscv_vadd_vv_i32m2(a, b, vl); }
V_ vi visub(vi a, vi b, size_t vl) { return __riscv_vsub_vv_i32m2(a, b, vl); }
V_ vi viand(vi a, vi b, size_t vl) { return __riscv_vand_vv_i32m2(a, b, vl); }
V_ vi vior(vi a, vi b, size_t vl) { return __riscv_vor_vv_i32m2(a, b, vl); }
V_ vi vixor(vi a, vi b, size_t vl) { return __riscv_vxor_vv_i32m2(a, b, vl); }
V_ vi vishl(vi a, size_t k, size_t vl) { return __riscv_vsll_vx_i32m2(a, k, vl); }
V_ vi visar(vi a, size_t k, size_t vl) { return __riscv_vsra_vx_i32m2(a, k, vl); }
V_ vi vishr(vi a, size_t k, size_t vl)
{
    return __riscv_vreinterpret_v_u32m2_i32m2(__riscv_vsrl_vx_u32m2(__riscv_vreinterpret_v_i32m2_u32m2(a), k, vl));
}

V_ vm vlt(vf a, vf b, size_t vl) { return __riscv_vmflt_vv_f32m2_b16(a, b, vl); }
V_ vm vle(vf a, vf b, size_t vl) { return __riscv_vmfle_vv_f32m2_b16(a, b, vl); }
V_ vm veq(vf a, vf b, size_t vl) { return __riscv_vmfeq_vv_f32m2_b16(a, b, vl); }
V_ vm vnan(vf a, size_t vl) { return __riscv_vmfne_vv_f32m2_b16(a, a, vl); }
V_ vm vieq(vi a, vi b, size_t vl) { return __riscv_vmseq_vv_i32m2_b16(a, b, vl); }
V_ vm mand(vm a, vm b, size_t vl) { return __riscv_vmand_mm_b16(a, b, vl); }
V_ vm mor(vm a, vm b, size_t vl) { return __riscv_vmor_mm_b16(a, b, vl); }
V_ vm mnot(vm a, size_t vl) { return __riscv_vmnot_m_b16(a, vl); }
V_ int many(vm a, size_t vl) { return __riscv_vfirst_m_b16(a, vl) >= 0; }
V_ vf vsel(vm m, vf a, vf b, size_t vl) { return __riscv_vmerge_vvm_f32m2(b, a, m, vl); }
V_ vi visel(vm m, vi a, vi b, size_t vl) { return __riscv_vmerge_vvm_i32m2(b, a, m, vl); }

/* The instructions vfmax and vfmin drop a NaN of either side, and order the zeros. */
V_ vf vmax(vf a, vf b, size_t vl) { return vsel(vlt(b, a, vl), a, b, vl); }
V_ vf vmin(vf a, vf b, size_t vl) { return vsel(vlt(a, b, vl), a, b, vl); }

/* Adding and subtracting 2^23 rounds half to even below it; no instruction does (vfcvt would take two and a mask, too). */
V_ vf vrint(vf a, size_t vl)
{
    vf t = vabs(a, vl), r = __riscv_vfsub_vf_f32m2(__riscv_vfadd_vf_f32m2(t, 0x1p23f, vl), 0x1p23f, vl);
    return vsel(__riscv_vmflt_vf_f32m2_b16(t, 0x1p23f, vl), __riscv_vfsgnj_vv_f32m2(r, a, vl), a, vl);
}
V_ vf vfloor(vf a, size_t vl)
{
    vf r = vrint(a, vl);
    return __riscv_vfsub_vf_f32m2_mu(vlt(a, r, vl), r, r, 1, vl);
}
V_ vf vceil(vf a, size_t vl)
{
    vf r = vrint(a, vl); /* from -0.9 to -0 and not to 0: a sum of -1 and 1 would lose the sign */
    return __riscv_vfsgnj_vv_f32m2(__riscv_vfadd_vf_f32m2_mu(vlt(r, a, vl), r, r, 1, vl), a, vl);
}

V_ vf vscale2(vf a, vf n, size_t vl)
{
    vi whole = __riscv_vfcvt_x_f_v_i32m2(n, vl), half = visar(whole, 1, vl), rest = visub(whole, half, vl);
    a = vmul(a, vas_f(vishl(__riscv_vadd_vx_i32m2(half, 127, vl), 23, vl), vl), vl);
    return vmul(a, vas_f(vishl(__riscv_vadd_vx_i32m2(rest, 127, vl), 23, vl), vl), vl);
}

V_ vf vshift(vf a, vf b, size_t d)
{
    size_t n = VFULL;
    return __riscv_vslideup_vx_f32m2(__riscv_vslidedown_vx_f32m2(a, d, n), b, n - d, n);
}
V_ vf vl_picked(vf a, vf b, vm m)
{
    size_t n = VFULL;
    return __riscv_vslideup_vx_f32m2(__riscv_vcompress_vm_f32m2(a, m, n), __riscv_vcompress_vm_f32m2(b, m, n), n / 2, n);
}
V_ void vunzip(vf a, vf b, vf *even, vf *odd)
{
    size_t n = VFULL;
    vuint32m2_t low = __riscv_vand_vx_u32m2(__riscv_vid_v_u32m2(n), 1, n);
    *even = vl_picked(a, b, __riscv_vmseq_vx_u32m2_b16(low, 0, n));
    *odd = vl_picked(a, b, __riscv_vmseq_vx_u32m2_b16(low, 1, n));
}

V_ float vhsum(vf a, size_t vl)
{
    return __riscv_vfmv_f_s_f32m1_f32(
        __riscv_vfredusum_vs_f32m2_f32m1(a, __riscv_vfmv_s_f_f32m1(-0.0f, 1), vl));
}
V_ float vhmax(vf a, size_t vl)
{
    return __riscv_vfmv_f_s_f32m1_f32(
        __riscv_vfredmax_vs_f32m2_f32m1(a, __riscv_vfmv_s_f_f32m1(-__builtin_inff(), 1), vl));
}
V_ float vhmin(vf a, size_t vl)
{
    return __riscv_vfmv_f_s_f32m1_f32(
        __riscv_vfredmin_vs_f32m2_f32m1(a, __riscv_vfmv_s_f_f32m1(__builtin_inff(), 1), vl));
}

/* What only some tiers have: the numbers of the lanes that are set, counted from first, one after another; how many. */
#define VCOMPRESS 1
V_ size_t vcompress(uint32_t *at, uint32_t first, vm m, size_t vl)
{
    vuint32m2_t lanes = __riscv_vadd_vx_u32m2(__riscv_vid_v_u32m2(vl), first, vl);
    size_t n = __riscv_vcpop_m_b16(m, vl);
    __riscv_vse32_v_u32m2(at, __riscv_vcompress_vm_u32m2(lanes, m, vl), n);
    return n;
}
/* clang-format on */
#endif
