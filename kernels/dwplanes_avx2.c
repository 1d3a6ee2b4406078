/* SPDX-License-Identifier: Apache-2.0
 *
 * Depthwise convolution of planes with AVX2, 8 outputs at once.
 */
#include "kernels/simd_avx2.h"

typedef __m256i dw_mask;
typedef struct dw_moves {
    vi order, back, on;
} dw_moves;

/* DW_EVEN gives the outputs 0 1 4 5, 2 3 6 7. */
V_ dw_moves dw_moves_of(void)
{
    return (dw_moves){.order = _mm256_setr_epi32(0, 1, 4, 5, 2, 3, 6, 7),
                      .back = _mm256_setr_epi32(7, 0, 5, 2, 1, 4, 3, 6),
                      .on = _mm256_setr_epi32(1, 4, 3, 6, 5, 2, 7, 0)};
}

V_ dw_mask dw_inside(ptrdiff_t at, size_t n)
{
    const ptrdiff_t left = (ptrdiff_t)n - at;
    int end = left < 0 ? 0 : left > 8 ? 8 : (int)left, begin = at > 0 ? 0 : at < -8 ? 8 : (int)-at;
    const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    return _mm256_andnot_si256(_mm256_cmpgt_epi32(_mm256_set1_epi32(begin), lane),
                               _mm256_cmpgt_epi32(_mm256_set1_epi32(end), lane));
}

V_ vf dw_load(const float *x, dw_mask m)
{
    return _mm256_maskload_ps(x, m);
}

/* In pieces: some processors take twenty cycles and more for a store with a mask. */
V_ void dw_store(float *y, vf v, size_t vl)
{
    if (vl == 8) {
        _mm256_storeu_ps(y, v);
        return;
    }
    __m128 rest = _mm256_castps256_ps128(v);
    if (vl & 4) {
        _mm_storeu_ps(y, rest);
        rest = _mm256_extractf128_ps(v, 1);
        y += 4;
    }
    if (vl & 2) {
        _mm_storel_pi((__m64 *)(void *)y, rest);
        rest = _mm_movehl_ps(rest, rest);
        y += 2;
    }
    if (vl & 1)
        _mm_store_ss(y, rest);
}

V_ vf dw_pair(const float *w)
{
    return _mm256_castpd_ps(
        _mm256_broadcastsd_pd(_mm_castps_pd(_mm_loadl_pi(_mm_setzero_ps(), (const __m64 *)(const void *)w))));
}
V_ vf dw_order(vf v, const dw_moves *m)
{
    return _mm256_permutevar8x32_ps(v, m->order);
}
V_ vf dw_back(vf v, vf before, const dw_moves *m)
{
    return _mm256_permutevar8x32_ps(_mm256_blend_ps(v, before, 0x80), m->back);
}
V_ vf dw_with_next(vf v, const float *next, int inside)
{
    return _mm256_blend_ps(v, inside ? _mm256_broadcast_ss(next) : _mm256_setzero_ps(), 1);
}
V_ vf dw_on(vf v, const dw_moves *m, VU_ int inside)
{
    return _mm256_permutevar8x32_ps(v, m->on);
}
#define DW_EVEN(a, b) _mm256_shuffle_ps(a, b, 0x88)
#define DW_ODD(a, b) _mm256_shuffle_ps(a, b, 0xdd)

#include "kernels/dwplanes.inc"

void ln_dwplanes_f32_avx2(const ln_dw_planes *d)
{
    by_window(d);
}
