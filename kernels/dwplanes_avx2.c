/* SPDX-License-Identifier: Apache-2.0
 *
 * Depthwise convolution of planes with AVX2, 8 outputs at once.
 */
#include "kernels/simd_avx2.h"

typedef __m256i dw_mask;
typedef size_t dw_some;
typedef struct dw_moves {
    vi order, back, on;
} dw_moves;

/* DW_EVEN gives the outputs 0 1 4 5, 2 3 6 7. */
#define DW_EVEN(a, b) _mm256_shuffle_ps(a, b, 0x88)
#define DW_ODD(a, b) _mm256_shuffle_ps(a, b, 0xdd)
#define DW_MOST 2
#define DW_BLOCKS(k) 2u

V_ dw_moves dw_moves_of(const int pair)
{
    const vi back = _mm256_setr_epi32(7, 0, 5, 2, 1, 4, 3, 6), on = _mm256_setr_epi32(1, 4, 3, 6, 5, 2, 7, 0);
    return (dw_moves){.order = _mm256_setr_epi32(0, 1, 4, 5, 2, 3, 6, 7),
                      .back = pair ? _mm256_setr_epi32(5, 0, 7, 2, 1, 4, 3, 6) : back,
                      .on = pair ? _mm256_setr_epi32(1, 4, 3, 6, 5, 0, 7, 2) : on};
}

V_ dw_mask dw_inside(ptrdiff_t at, size_t n)
{
    const ptrdiff_t left = (ptrdiff_t)n - at;
    int end = left < 0 ? 0 : left > 8 ? 8 : (int)left, begin = at > 0 ? 0 : at < -8 ? 8 : (int)-at;
    const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    return _mm256_andnot_si256(_mm256_cmpgt_epi32(_mm256_set1_epi32(begin), lane),
                               _mm256_cmpgt_epi32(_mm256_set1_epi32(end), lane));
}

V_ dw_some dw_some_of(size_t n)
{
    return n;
}

V_ vf dw_load(const float *x, dw_mask m)
{
    return _mm256_maskload_ps(x, m);
}
V_ vf dw_load_some(const float *x, dw_some n)
{
    return vld(x, n);
}

/* In pieces: some processors take twenty cycles and more for a store with a mask. */
V_ void dw_store(float *y, vf v, dw_some n)
{
    if (n == 8) {
        _mm256_storeu_ps(y, v);
        return;
    }
    __m128 rest = _mm256_castps256_ps128(v);
    if (n & 4) {
        _mm_storeu_ps(y, rest);
        rest = _mm256_extractf128_ps(v, 1);
        y += 4;
    }
    if (n & 2) {
        _mm_storel_pi((__m64 *)(void *)y, rest);
        rest = _mm_movehl_ps(rest, rest);
        y += 2;
    }
    if (n & 1)
        _mm_store_ss(y, rest);
}

V_ void dw_store_half(float *y, vf v)
{
    _mm_storeu_ps(y, _mm256_castps256_ps128(v));
}

V_ vf dw_put_first(vf v, const float *x)
{
    return _mm256_blend_ps(v, _mm256_broadcast_ss(x), 1);
}
V_ vf dw_put_last(vf v, const float *x)
{
    return _mm256_blend_ps(v, _mm256_broadcast_ss(x), 0x80);
}
V_ vf dw_clear_first(vf v)
{
    return _mm256_blend_ps(v, _mm256_setzero_ps(), 5);
}
V_ vf dw_clear_last(vf v)
{
    return _mm256_blend_ps(v, _mm256_setzero_ps(), 0xa0);
}

V_ vf dw_order(vf v, const dw_moves *m)
{
    return _mm256_permutevar8x32_ps(v, m->order);
}
V_ vf dw_back(vf v, vf before, const dw_moves *m)
{
    return _mm256_permutevar8x32_ps(_mm256_blend_ps(v, before, 0x80), m->back);
}
V_ vf dw_on(vf v, vf after, const dw_moves *m)
{
    return _mm256_permutevar8x32_ps(_mm256_blend_ps(v, after, 1), m->on);
}

V_ vf dw_two(float a, float b)
{
    return _mm256_blend_ps(_mm256_set1_ps(a), _mm256_set1_ps(b), 0xcc);
}
V_ vf dw_low(vf v)
{
    return v;
}
V_ vf dw_high(vf v)
{
    return _mm256_permute2f128_ps(v, v, 0x11);
}
V_ vf dw_join(vf low, vf high)
{
    return _mm256_insertf128_ps(low, _mm256_castps256_ps128(high), 1);
}

#include "kernels/dwplanes.inc"

void ln_dwplanes_f32_avx2(const ln_dw_planes *d)
{
    planes(d);
}
