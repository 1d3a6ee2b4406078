/* SPDX-License-Identifier: Apache-2.0
 *
 * Quantised convolutions of planes on AVX-512 VNNI: a lane is a pixel of the output, so that inputs are read and
 * results written as they lie. Four taps of a line are a lane of VPDPBUSD: loaded once for 48 pixels, shuffled to where
 * strides of 1 to 4 want them, and kept in the first cache while all channels pass, whose weights are broadcast.
 * Contract: qgemm.h.
 */
#include "kernels/qgemm_avx512.h"

enum { CHANNELS = LN_QPLANES, VECTORS = LN_QPLANES_VECTORS };

/* Windows of 16 nv pixels from x on, a vector of lanes for four taps. */
INLINE void collect(const size_t nv, const uint8_t *const *line, size_t x, const ln_qplanes_args *g, char *to)
{
    const size_t groups = (g->wide + 3) / 4;
    const __m512i lane = _mm512_setr_epi32(0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3);
    const __m512i quarter = _mm512_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3);
    const __m512i stride = _mm512_set1_epi32((int32_t)g->stride);
    const __m512i words = _mm512_add_epi32(lane, _mm512_mullo_epi32(quarter, stride));
    const __m512i bytes =
        _mm512_add_epi32(_mm512_set1_epi32(0x03020100),
                         _mm512_mullo_epi32(_mm512_mullo_epi32(lane, stride), _mm512_set1_epi32(0x01010101)));
    for (size_t l = 0; l < g->lines; l++)
        for (size_t q = 0; q < groups; q++, to += nv * 64)
            UNROLL for (size_t v = 0; v < nv; v++)
            {
                __m512i four = _mm512_loadu_si512(line[l] + (x + 16 * v) * g->stride + 4 * q);
                four = _mm512_shuffle_epi8(_mm512_permutexvar_epi32(words, four), bytes);
                _mm512_store_si512(to + 64 * v, four);
            }
}

/* n pixels of all channels. */
INLINE void block(const size_t nv, void *y, const char *x, size_t n, const ln_qplanes_args *g)
{
    const size_t steps = g->lines * ((g->wide + 3) / 4);
    const __mmask64 mask = ~UINT64_C(0) >> (64 - n);
    const bool wide = g->out == LN_QGEMM_I32;
    const quantised q = quantised_of(g->y_zero, g->lo);
    const int8_t *w = g->w;
    for (size_t c = 0; c < g->outputs; c += CHANNELS) {
        const char *from = x;
        __m512i acc[CHANNELS][4];
        UNROLL for (size_t i = 0; i < CHANNELS; i++) UNROLL for (size_t v = 0; v < nv; v++) acc[i][v] =
            _mm512_set1_epi32(g->start[c + i]);
        for (size_t s = 0; s < steps; s++, from += nv * 64, w += CHANNELS * KR) {
            __m512i px[VECTORS];
            UNROLL for (size_t v = 0; v < nv; v++) px[v] = _mm512_load_si512(from + 64 * v);
            UNROLL for (size_t i = 0; i < CHANNELS; i++)
            {
                int32_t four;
                memcpy(&four, w + i * KR, sizeof four);
                UNROLL for (size_t v = 0; v < nv; v++) acc[i][v] =
                    _mm512_dpbusd_epi32(acc[i][v], px[v], _mm512_set1_epi32(four));
            }
        }
        UNROLL for (size_t i = 0; i < CHANNELS; i++)
        {
            if (c + i >= g->outputs)
                break;
            const size_t at = (c + i) * g->y_stride;
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

void ln_qplanes_avx512(void *y, const uint8_t *const *line, const ln_qplanes_args *g)
{
    static void (*const by[])(void *, const uint8_t *const *, size_t, size_t, const ln_qplanes_args *) = {one, two,
                                                                                                          three};
    const size_t vectors = (g->width + 15) / 16, blocks = (vectors + VECTORS - 1) / VECTORS;
    for (size_t i = 0; i < blocks; i++) {
        const size_t from = vectors * i / blocks, to = vectors * (i + 1) / blocks, x = 16 * from;
        by[to - from - 1](y, line, x, (i + 1 < blocks ? 16 * to : g->width) - x, g);
    }
}
