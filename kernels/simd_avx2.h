/* SPDX-License-Identifier: Apache-2.0
 *
 * The SIMD layer, tier avx2: eight lanes; a strip that is not whole goes through masked loads and stores. The meaning
 * of each name is in simd_scalar.h.
 */
#ifndef LN_KERNELS_SIMD_H
#define LN_KERNELS_SIMD_H

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

#include "kernels/half.h"

#define LN_ISA avx2
#define VL(n) ((n) < 8 ? (n) : (size_t)8)
#define VFULL ((size_t)8)
#define VFUSED 1
#define V_ static inline __attribute__((always_inline, unused))
#define VU_ __attribute__((unused))

/* A table of one-liners. */
/* clang-format off */
typedef __m256 vf;
typedef __m256i vi;
typedef __m256 vm;

V_ __m256i vl_mask(size_t vl)
{
    return _mm256_cmpgt_epi32(_mm256_set1_epi32((int)vl), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
V_ vf vld(const float *p, size_t vl) { return vl == 8 ? _mm256_loadu_ps(p) : _mm256_maskload_ps(p, vl_mask(vl)); }
V_ vf vld_or(const float *p, vf other, size_t vl)
{
    if (vl == 8)
        return _mm256_loadu_ps(p);
    __m256i m = vl_mask(vl);
    return _mm256_blendv_ps(other, _mm256_maskload_ps(p, m), _mm256_castsi256_ps(m));
}
V_ void vst(float *p, vf v, size_t vl)
{
    if (vl == 8)
        _mm256_storeu_ps(p, v);
    else
        _mm256_maskstore_ps(p, vl_mask(vl), v);
}
V_ vi vild(const int32_t *p, size_t vl)
{
    return vl == 8 ? _mm256_loadu_si256((const __m256i *)(const void *)p) : _mm256_maskload_epi32(p, vl_mask(vl));
}
V_ void vist(int32_t *p, vi v, size_t vl)
{
    if (vl == 8)
        _mm256_storeu_si256((__m256i *)(void *)p, v);
    else
        _mm256_maskstore_epi32(p, vl_mask(vl), v);
}
V_ vf vset(float c, VU_ size_t vl) { return _mm256_set1_ps(c); }
V_ vi viset(int32_t c, VU_ size_t vl) { return _mm256_set1_epi32(c); }

V_ vf vadd(vf a, vf b, VU_ size_t vl) { return _mm256_add_ps(a, b); }
V_ vf vsub(vf a, vf b, VU_ size_t vl) { return _mm256_sub_ps(a, b); }
V_ vf vmul(vf a, vf b, VU_ size_t vl) { return _mm256_mul_ps(a, b); }
V_ vf vdiv(vf a, vf b, VU_ size_t vl) { return _mm256_div_ps(a, b); }
V_ vf vfma(vf a, vf b, vf c, VU_ size_t vl) { return _mm256_fmadd_ps(a, b, c); }
V_ vf vfnma(vf a, vf b, vf c, VU_ size_t vl) { return _mm256_fnmadd_ps(a, b, c); }
V_ vf vfma_once(vf a, vf b, vf c, VU_ size_t vl) { return vfma(a, b, c, vl); }
V_ vf vmul_error(vf a, vf b, vf p, VU_ size_t vl) { return _mm256_fmsub_ps(a, b, p); }
V_ vf vmax(vf a, vf b, VU_ size_t vl) { return _mm256_max_ps(a, b); }
V_ vf vmin(vf a, vf b, VU_ size_t vl) { return _mm256_min_ps(a, b); }
V_ vf vsqrt(vf a, VU_ size_t vl) { return _mm256_sqrt_ps(a); }
V_ vf vabs(vf a, VU_ size_t vl) { return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), a); }
V_ vf vneg(vf a, VU_ size_t vl) { return _mm256_xor_ps(_mm256_set1_ps(-0.0f), a); }
V_ vf vrint(vf a, VU_ size_t vl) { return _mm256_round_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
V_ vf vfloor(vf a, VU_ size_t vl) { return _mm256_round_ps(a, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC); }
V_ vf vceil(vf a, VU_ size_t vl) { return _mm256_round_ps(a, _MM_FROUND_TO_POS_INF | _MM_FROUND_NO_EXC); }

V_ vi vas_i(vf a, VU_ size_t vl) { return _mm256_castps_si256(a); }
V_ vf vas_f(vi a, VU_ size_t vl) { return _mm256_castsi256_ps(a); }
V_ vf vtof(vi a, VU_ size_t vl) { return _mm256_cvtepi32_ps(a); }
V_ vi viadd(vi a, vi b, VU_ size_t vl) { return _mm256_add_epi32(a, b); }
V_ vi visub(vi a, vi b, VU_ size_t vl) { return _mm256_sub_epi32(a, b); }
V_ vi viand(vi a, vi b, VU_ size_t vl) { return _mm256_and_si256(a, b); }
V_ vi vior(vi a, vi b, VU_ size_t vl) { return _mm256_or_si256(a, b); }
V_ vi vixor(vi a, vi b, VU_ size_t vl) { return _mm256_xor_si256(a, b); }
#define vishl(a, k, vl) _mm256_slli_epi32(a, k)
#define vishr(a, k, vl) _mm256_srli_epi32(a, k)
#define visar(a, k, vl) _mm256_srai_epi32(a, k)

V_ vm vlt(vf a, vf b, VU_ size_t vl) { return _mm256_cmp_ps(a, b, _CMP_LT_OQ); }
V_ vm vle(vf a, vf b, VU_ size_t vl) { return _mm256_cmp_ps(a, b, _CMP_LE_OQ); }
V_ vm veq(vf a, vf b, VU_ size_t vl) { return _mm256_cmp_ps(a, b, _CMP_EQ_OQ); }
V_ vm vnan(vf a, VU_ size_t vl) { return _mm256_cmp_ps(a, a, _CMP_UNORD_Q); }
V_ vm vieq(vi a, vi b, VU_ size_t vl) { return _mm256_castsi256_ps(_mm256_cmpeq_epi32(a, b)); }
V_ vm mand(vm a, vm b, VU_ size_t vl) { return _mm256_and_ps(a, b); }
V_ vm mor(vm a, vm b, VU_ size_t vl) { return _mm256_or_ps(a, b); }
V_ vm mnot(vm a, VU_ size_t vl) { return _mm256_xor_ps(a, _mm256_castsi256_ps(_mm256_set1_epi32(-1))); }
V_ int many(vm a, size_t vl) { return (_mm256_movemask_ps(a) & ((1 << vl) - 1)) != 0; }
V_ vf vsel(vm m, vf a, vf b, VU_ size_t vl) { return _mm256_blendv_ps(b, a, m); }
V_ vi visel(vm m, vi a, vi b, VU_ size_t vl) { return _mm256_blendv_epi8(b, a, _mm256_castps_si256(m)); }

V_ vf vscale2(vf a, vf n, VU_ size_t vl)
{
    vi whole = _mm256_cvtps_epi32(n), half = _mm256_srai_epi32(whole, 1), rest = _mm256_sub_epi32(whole, half);
    vi bias = _mm256_set1_epi32(127);
    a = _mm256_mul_ps(a, _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(half, bias), 23)));
    return _mm256_mul_ps(a, _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(rest, bias), 23)));
}

V_ vf vshift(vf a, vf b, size_t d)
{
    vi at = _mm256_add_epi32(_mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7), _mm256_set1_epi32((int)d));
    vi of_b = _mm256_cmpgt_epi32(at, _mm256_set1_epi32(7));
    return _mm256_blendv_ps(_mm256_permutevar8x32_ps(a, at), _mm256_permutevar8x32_ps(b, at), _mm256_castsi256_ps(of_b));
}
V_ vf vl_in_order(vf a) { return _mm256_castpd_ps(_mm256_permute4x64_pd(_mm256_castps_pd(a), 0xd8)); }
V_ void vunzip(vf a, vf b, vf *even, vf *odd)
{
    *even = vl_in_order(_mm256_shuffle_ps(a, b, 0x88));
    *odd = vl_in_order(_mm256_shuffle_ps(a, b, 0xdd));
}

/* What only some tiers have: a whole vector's mask as bits. */
#define VBITS 1
V_ uint64_t vbits(vm m) { return (uint64_t)_mm256_movemask_ps(m); }

/* The lanes from vl on are replaced by what changes nothing. */
V_ vf vkeep(vf a, float other, size_t vl)
{
    return vl == 8 ? a : _mm256_blendv_ps(_mm256_set1_ps(other), a, _mm256_castsi256_ps(vl_mask(vl)));
}
V_ float vhsum(vf a, size_t vl)
{
    a = vkeep(a, 0, vl);
    __m128 s = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    s = _mm_add_ps(s, _mm_movehl_ps(s, s));
    return _mm_cvtss_f32(_mm_add_ss(s, _mm_movehdup_ps(s)));
}
V_ float vhmax(vf a, size_t vl)
{
    a = vkeep(a, -__builtin_inff(), vl);
    __m128 s = _mm_max_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    s = _mm_max_ps(s, _mm_movehl_ps(s, s));
    return _mm_cvtss_f32(_mm_max_ss(s, _mm_movehdup_ps(s)));
}
V_ float vhmin(vf a, size_t vl)
{
    a = vkeep(a, __builtin_inff(), vl);
    __m128 s = _mm_min_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    s = _mm_min_ps(s, _mm_movehl_ps(s, s));
    return _mm_cvtss_f32(_mm_min_ss(s, _mm_movehdup_ps(s)));
}
/* clang-format on */
#endif
