/* SPDX-License-Identifier: Apache-2.0
 *
 * Quantised convolutions of planes on AVX-512 VNNI: a lane is a pixel of the output, so that inputs are read and
 * results written as they lie. Four taps of a line are a lane of VPDPBUSD: loaded once for 64 pixels, shuffled to where
 * strides of 1 to 4 want them, and kept in the first cache while all channels pass, whose weights are broadcast.
 * Contract: qgemm.h.
 */
#include "kernels/qgemm_avx512.h"

enum { CHANNELS = LN_QPLANES, VECTORS = LN_QPLANES_VECTORS };

/* How bytes of a line become lanes of 4, of windows `stride` apart. */
typedef struct lanes {
    __m512i words, bytes;
} lanes;

INLINE __m512i lanes_at(const uint8_t *from, const lanes *l, __m512i bytes)
{
    return _mm512_shuffle_epi8(_mm512_permutexvar_epi32(l->words, _mm512_loadu_si512(from)), bytes);
}

/* Windows of 16 nv pixels from x on, a vector for four taps. */
INLINE void collect(const size_t nv, const uint8_t *const *line, size_t x, const ln_qplanes_args *g, char *to)
{
    const size_t groups = (g->wide + 3) / 4, spare = 4 * groups - g->wide, whole = ln_qplanes_lines(g->lines, g->wide);
    const __m512i lane = _mm512_setr_epi32(0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3);
    const __m512i quarter = _mm512_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3);
    const __m512i stride = _mm512_set1_epi32((int32_t)g->stride), every = _mm512_set1_epi32(0x01010101);
    const __m512i first = _mm512_mullo_epi32(_mm512_mullo_epi32(lane, stride), every);
    const lanes l = {_mm512_add_epi32(lane, _mm512_mullo_epi32(quarter, stride)),
                     _mm512_add_epi32(first, _mm512_set1_epi32(0x03020100))};
    for (size_t i = 0, next = whole * g->wide; i < whole; i++) {
        const uint8_t *from = line[i] + x * g->stride;
        for (size_t q = 0; q < groups; q++, from += 4, to += nv * 64)
            UNROLL for (size_t v = 0; v < nv; v++)
                _mm512_store_si512(to + 64 * v, lanes_at(from + 16 * v * g->stride, &l, l.bytes));
        for (size_t k = 4 - spare; k < 4 && next < g->lines * g->wide; k++, next++) {
            const __mmask64 at = UINT64_C(0x1111111111111111) << k;
            const size_t tap = next % g->wide;
            const __m512i bytes = _mm512_add_epi32(first, _mm512_set1_epi32((int32_t)(tap % 4 * 0x01010101)));
            from = line[next / g->wide] + x * g->stride + tap / 4 * 4;
            UNROLL for (size_t v = 0; v < nv; v++)
            {
                char *here = to - (nv - v) * 64;
                const __m512i one = lanes_at(from + 16 * v * g->stride, &l, bytes);
                _mm512_store_si512(here, _mm512_mask_mov_epi8(_mm512_load_si512(here), at, one));
            }
        }
    }
}

INLINE void multiply_lanes(__m512i *acc, const __m512i *px, const int8_t *w, const size_t nv)
{
    int32_t four;
    memcpy(&four, w, sizeof four);
    UNROLL for (size_t v = 0; v < nv; v++) acc[v] = _mm512_dpbusd_epi32(acc[v], px[v], _mm512_set1_epi32(four));
}

/* n pixels of all channels; the last step of a channel beside what ends the one before. */
INLINE void block(const size_t nv, void *y, const char *x, size_t n, const ln_qplanes_args *g)
{
    const size_t last = ln_qplanes_lines(g->lines, g->wide) * ((g->wide + 3) / 4) - 1;
    const __mmask64 mask = ~UINT64_C(0) >> (64 - n);
    const bool wide = g->out == LN_QGEMM_I32;
    const quantised q = quantised_of(g->y_zero, g->lo);
    const int8_t *w = g->w;
    for (size_t c = 0; c < g->outputs; c += CHANNELS) {
        const char *from = x;
        __m512i acc[CHANNELS][VECTORS], px[VECTORS];
        UNROLL for (size_t i = 0; i < CHANNELS; i++) UNROLL for (size_t v = 0; v < nv; v++)
        {
            acc[i][v] = _mm512_set1_epi32(g->start[c + i]);
            __asm__("" : "+v"(acc[i][v])); /* else the loop copies all of them in each step */
        }
        for (size_t s = 0; s < last; s++, from += nv * 64, w += CHANNELS * KR) {
            UNROLL for (size_t v = 0; v < nv; v++) px[v] = _mm512_load_si512(from + 64 * v);
            UNROLL for (size_t i = 0; i < CHANNELS; i++) multiply_lanes(acc[i], px, w + i * KR, nv);
        }
        UNROLL for (size_t v = 0; v < nv; v++) px[v] = _mm512_load_si512(from + 64 * v);
        UNROLL for (size_t i = 0; i < CHANNELS; i++)
        {
            if (c + i >= g->outputs)
                break;
            const size_t at = (c + i) * g->y_stride;
            multiply_lanes(acc[i], px, w + i * KR, nv);
            if (wide) {
                UNROLL for (size_t v = 0; v < nv; v++)
                    _mm512_mask_storeu_epi32((int32_t *)y + at + 16 * v, (__mmask16)(mask >> 16 * v), acc[i][v]);
                continue;
            }
            const __m512 scale = _mm512_set1_ps(g->scale[c + i]);
            __m512i four[4];
            UNROLL for (size_t v = 0; v < 4; v++) four[v] = v < nv ? rounded(acc[i][v], scale) : four[nv - 1];
            _mm512_mask_storeu_epi8((uint8_t *)y + at, mask, packed(four, &q));
        }
        w += CHANNELS * KR;
    }
}

#define BLOCK(name, nv)                                                                                                \
    static void name(void *y, const uint8_t *const *line, size_t x, size_t n, const ln_qplanes_args *g)                \
    {                                                                                                                  \
        collect(nv, line, x, g, g->room);                                                                              \
        block(nv, (char *)y + x * (g->out == LN_QGEMM_8 ? 1 : 4), g->room, n, g);                                      \
    }
BLOCK(one, 1)
BLOCK(two, 2)
BLOCK(three, 3)
BLOCK(all, 4)

void ln_qplanes_avx512(void *y, const uint8_t *const *line, const ln_qplanes_args *g)
{
    static void (*const by[])(void *, const uint8_t *const *, size_t, size_t, const ln_qplanes_args *) = {one, two,
                                                                                                          three, all};
    const size_t vectors = (g->width + 15) / 16, blocks = (vectors + VECTORS - 1) / VECTORS;
    for (size_t i = 0; i < blocks; i++) {
        const size_t from = vectors * i / blocks, to = vectors * (i + 1) / blocks, x = 16 * from;
        by[to - from - 1](y, line, x, (i + 1 < blocks ? 16 * to : g->width) - x, g);
    }
}
