/* SPDX-License-Identifier: Apache-2.0
 *
 * The SIMD layer, tier avx512: sixteen lanes, masks in mask registers. The meaning of each name is in simd_scalar.h.
 */
#ifndef LN_KERNELS_SIMD_H
#define LN_KERNELS_SIMD_H

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

#include "kernels/half.h"

#define LN_ISA avx512
#define VL(n) ((n) < 16 ? (n) : (size_t)16)
#define VFULL ((size_t)16)
#define VFUSED 1
#define V_ static inline __attribute__((always_inline, unused))
#define VU_ __attribute__((unused))

/* A table of one-liners. */
/* clang-format off */
typedef __m512 vf;
typedef __m512i vi;
typedef __mmask16 vm;

V_ __mmask16 vl_mask(size_t vl) { return (__mmask16)((1u << vl) - 1u); }
V_ vf vld(const float *p, size_t vl) { return vl == 16 ? _mm512_loadu_ps(p) : _mm512_maskz_loadu_ps(vl_mask(vl), p); }
V_ vf vld_or(const float *p, vf other, size_t vl) { return _mm512_mask_loadu_ps(other, vl_mask(vl), p); }
V_ void vst(float *p, vf v, size_t vl)
{
    if (vl == 16)
        _mm512_storeu_ps(p, v);
    else
        _mm512_mask_storeu_ps(p, vl_mask(vl), v);
}
V_ vi vild(const int32_t *p, size_t vl) { return _mm512_maskz_loadu_epi32(vl_mask(vl), p); }
V_ void vist(int32_t *p, vi v, size_t vl) { _mm512_mask_storeu_epi32(p, vl_mask(vl), v); }
V_ vf vset(float c, VU_ size_t vl) { return _mm512_set1_ps(c); }
V_ vi viset(int32_t c, VU_ size_t vl) { return _mm512_set1_epi32(c); }

V_ vf vadd(vf a, vf b, VU_ size_t vl) { return _mm512_add_ps(a, b); }
V_ vf vsub(vf a, vf b, VU_ size_t vl) { return _mm512_sub_ps(a, b); }
V_ vf vmul(vf a, vf b, VU_ size_t vl) { return _mm512_mul_ps(a, b); }
V_ vf vdiv(vf a, vf b, VU_ size_t vl) { return _mm512_div_ps(a, b); }
V_ vf vfma(vf a, vf b, vf c, VU_ size_t vl) { return _mm512_fmadd_ps(a, b, c); }
V_ vf vfnma(vf a, vf b, vf c, VU_ size_t vl) { return _mm512_fnmadd_ps(a, b, c); }
V_ vf vfma_once(vf a, vf b, vf c, VU_ size_t vl) { return vfma(a, b, c, vl); }
V_ vf vmul_error(vf a, vf b, vf p, VU_ size_t vl) { return _mm512_fmsub_ps(a, b, p); }
V_ vf vmax(vf a, vf b, VU_ size_t vl) { return _mm512_max_ps(a, b); }
V_ vf vmin(vf a, vf b, VU_ size_t vl) { return _mm512_min_ps(a, b); }
V_ vf vsqrt(vf a, VU_ size_t vl) { return _mm512_sqrt_ps(a); }
V_ vf vabs(vf a, VU_ size_t vl) { return _mm512_abs_ps(a); }
V_ vf vneg(vf a, VU_ size_t vl) { return _mm512_xor_ps(_mm512_set1_ps(-0.0f), a); }
V_ vf vrint(vf a, VU_ size_t vl)
{
    return _mm512_roundscale_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}
V_ vf vfloor(vf a, VU_ size_t vl) { return _mm512_roundscale_ps(a, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC); }
V_ vf vceil(vf a, VU_ size_t vl) { return _mm512_roundscale_ps(a, _MM_FROUND_TO_POS_INF | _MM_FROUND_NO_EXC); }

V_ vi vas_i(vf a, VU_ size_t vl) { return _mm512_castps_si512(a); }
V_ vf vas_f(vi a, VU_ size_t vl) { return _mm512_castsi512_ps(a); }
V_ vf vtof(vi a, VU_ size_t vl) { return _mm512_cvtepi32_ps(a); }
V_ vi viadd(vi a, vi b, VU_ size_t vl) { return _mm512_add_epi32(a, b); }
V_ vi visub(vi a, vi b, VU_ size_t vl) { return _mm512_sub_epi32(a, b); }
V_ vi viand(vi a, vi b, VU_ size_t vl) { return _mm512_and_si512(a, b); }
V_ vi vior(vi a, vi b, VU_ size_t vl) { return _mm512_or_si512(a, b); }
V_ vi vixor(vi a, vi b, VU_ size_t vl) { return _mm512_xor_si512(a, b); }
#define vishl(a, k, vl) _mm512_slli_epi32(a, k)
#define vishr(a, k, vl) _mm512_srli_epi32(a, k)
#define visar(a, k, vl) _mm512_srai_epi32(a, k)

V_ vm vlt(vf a, vf b, VU_ size_t vl) { return _mm512_cmp_ps_mask(a, b, _CMP_LT_OQ); }
V_ vm vle(vf a, vf b, VU_ size_t vl) { return _mm512_cmp_ps_mask(a, b, _CMP_LE_OQ); }
V_ vm veq(vf a, vf b, VU_ size_t vl) { return _mm512_cmp_ps_mask(a, b, _CMP_EQ_OQ); }
V_ vm vnan(vf a, VU_ size_t vl) { return _mm512_cmp_ps_mask(a, a, _CMP_UNORD_Q); }
V_ vm vieq(vi a, vi b, VU_ size_t vl) { return _mm512_cmpeq_epi32_mask(a, b); }
V_ vm mand(vm a, vm b, VU_ size_t vl) { return (vm)(a & b); }
V_ vm mor(vm a, vm b, VU_ size_t vl) { return (vm)(a | b); }
V_ vm mnot(vm a, VU_ size_t vl) { return (vm)~a; }
V_ int many(vm a, size_t vl) { return (a & vl_mask(vl)) != 0; }
V_ vf vsel(vm m, vf a, vf b, VU_ size_t vl) { return _mm512_mask_blend_ps(m, b, a); }
V_ vi visel(vm m, vi a, vi b, VU_ size_t vl) { return _mm512_mask_blend_epi32(m, b, a); }

V_ vf vscale2(vf a, vf n, VU_ size_t vl) { return _mm512_scalef_ps(a, n); }

V_ vf vshift(vf a, vf b, size_t d)
{
    const __m512i lanes = _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
    return _mm512_permutex2var_ps(a, _mm512_add_epi32(lanes, _mm512_set1_epi32((int)d)), b);
}
V_ void vunzip(vf a, vf b, vf *even, vf *odd)
{
    const __m512i at = _mm512_set_epi32(30, 28, 26, 24, 22, 20, 18, 16, 14, 12, 10, 8, 6, 4, 2, 0);
    *even = _mm512_permutex2var_ps(a, at, b);
    *odd = _mm512_permutex2var_ps(a, _mm512_or_si512(at, _mm512_set1_epi32(1)), b);
}

/* What only some tiers have: 1 / a to 14 bits; element i mod 16 of a table, for each lane; a whole vector's mask as bits. */
#define VRECIP 1
V_ vf vrecip(vf a, VU_ size_t vl) { return _mm512_rcp14_ps(a); }
#define VTABLE 1
V_ vf vtable16(const float *t, vi i) { return _mm512_permutexvar_ps(i, _mm512_loadu_ps(t)); }
V_ vi vitable16(const int32_t *t, vi i) { return _mm512_permutexvar_epi32(i, _mm512_loadu_si512(t)); }
#define VBITS 1
V_ uint64_t vbits(vm m) { return m; }

V_ float vhsum(vf a, size_t vl) { return _mm512_reduce_add_ps(_mm512_maskz_mov_ps(vl_mask(vl), a)); }
V_ float vhmax(vf a, size_t vl) { return _mm512_mask_reduce_max_ps(vl_mask(vl), a); }
V_ float vhmin(vf a, size_t vl) { return _mm512_mask_reduce_min_ps(vl_mask(vl), a); }
/* clang-format on */
#endif
