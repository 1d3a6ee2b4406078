/* SPDX-License-Identifier: Apache-2.0
 *
 * Depthwise convolution of planes with AVX-512, 16 outputs at once.
 */
#include "kernels/simd_avx512.h"

typedef __mmask16 dw_mask, dw_some;
typedef struct dw_moves {
    vi order, back, on;
} dw_moves;

/* DW_EVEN gives the outputs 0 1 8 9, 2 3 10 11, 4 5 12 13, 6 7 14 15. */
#define DW_EVEN(a, b) _mm512_shuffle_ps(a, b, 0x88)
#define DW_ODD(a, b) _mm512_shuffle_ps(a, b, 0xdd)
#define DW_MOST 4
#define DW_BLOCKS(k) ((k) == 5 ? 2u : 4u)
enum { FIRST = 1u << 0, LAST = 1u << 15, FIRSTS = FIRST | 1u << 2, LASTS = LAST | 1u << 13, SECOND = 0xcccc };

V_ dw_moves dw_moves_of(const int pair)
{
    dw_moves m = {.order = _mm512_setr_epi32(0, 1, 4, 5, 8, 9, 12, 13, 2, 3, 6, 7, 10, 11, 14, 15),
                  .back = _mm512_setr_epi32(15, 0, 13, 2, 1, 4, 3, 6, 5, 8, 7, 10, 9, 12, 11, 14),
                  .on = _mm512_setr_epi32(1, 4, 3, 6, 5, 8, 7, 10, 9, 12, 11, 14, 13, 2, 15, 0)};
    if (pair) {
        m.back = _mm512_setr_epi32(13, 0, 15, 2, 1, 4, 3, 6, 5, 8, 7, 10, 9, 12, 11, 14);
        m.on = _mm512_setr_epi32(1, 4, 3, 6, 5, 8, 7, 10, 9, 12, 11, 14, 13, 0, 15, 2);
    }
    __asm__("" : "+v"(m.order), "+v"(m.back), "+v"(m.on)); /* not to be loaded again for each use */
    return m;
}

V_ dw_mask dw_inside(ptrdiff_t at, size_t n)
{
    const ptrdiff_t left = (ptrdiff_t)n - at;
    uint32_t end = left < 0 ? 0 : (uint32_t)(left > 16 ? 16 : left);
    uint32_t begin = at > 0 ? 0 : (uint32_t)(-at > 16 ? 16 : -at);
    return (dw_mask)(((1u << end) - 1u) & (UINT32_MAX << begin));
}
V_ dw_some dw_some_of(size_t n)
{
    return (dw_some)((1u << n) - 1u);
}

V_ vf dw_load(const float *x, dw_mask m)
{
    return _mm512_maskz_loadu_ps(m, x);
}
V_ vf dw_load_some(const float *x, dw_some m)
{
    return _mm512_maskz_loadu_ps(m, x);
}
V_ void dw_store(float *y, vf v, dw_some m)
{
    _mm512_mask_storeu_ps(y, m, v);
}
V_ void dw_store_half(float *y, vf v)
{
    _mm256_storeu_ps(y, _mm512_castps512_ps256(v));
}

/* A load of one lane does not ask for a permutation of three registers, which takes the place of a multiply-add. */
V_ vf dw_put_first(vf v, const float *x)
{
    return _mm512_mask_loadu_ps(v, FIRST, x);
}
V_ vf dw_put_last(vf v, const float *x)
{
    return _mm512_mask_loadu_ps(v, LAST, x - 15);
}
V_ vf dw_clear_first(vf v)
{
    return _mm512_maskz_mov_ps((__mmask16)~FIRSTS, v);
}
V_ vf dw_clear_last(vf v)
{
    return _mm512_maskz_mov_ps((__mmask16)~LASTS, v);
}

V_ vf dw_order(vf v, const dw_moves *m)
{
    return _mm512_permutexvar_ps(m->order, v);
}
V_ vf dw_back(vf v, vf before, const dw_moves *m)
{
    return _mm512_permutexvar_ps(m->back, _mm512_mask_blend_ps(LAST, v, before));
}
V_ vf dw_on(vf v, vf after, const dw_moves *m)
{
    return _mm512_permutexvar_ps(m->on, _mm512_mask_blend_ps(FIRST, v, after));
}

V_ vf dw_two(float a, float b)
{
    return _mm512_mask_blend_ps(SECOND, _mm512_set1_ps(a), _mm512_set1_ps(b));
}
V_ vf dw_low(vf v)
{
    return v;
}
V_ vf dw_high(vf v)
{
    return _mm512_castps256_ps512(_mm512_extractf32x8_ps(v, 1));
}
V_ vf dw_join(vf low, vf high)
{
    return _mm512_insertf32x8(low, _mm512_castps512_ps256(high), 1);
}

#include "kernels/dwplanes.inc"

void ln_dwplanes_f32_avx512(const ln_dw_planes *d)
{
    planes(d);
}
