/* SPDX-License-Identifier: Apache-2.0
 *
 * Integer products with a short K on AVX-512 VNNI, which have much to store for few products: all of a panel's B stays
 * in registers, and two rows go at a time (four of one vector), so that what ends their sums and stores them runs
 * beside the products of the next. Tiles of many rows would do one after the other, and start anew for each dozen.
 */
#include "kernels/qgemm_avx512.h"

enum { SHORT = 8 }; /* groups of K at most: 16 registers */

INLINE void short_rows(const size_t steps, const size_t nv, const bool flip, void *c, const uint8_t *const *a,
                       const void *panel, size_t m, size_t n, const ln_qgemm_args *g)
{
    const int32_t *head = panel;
    const char *from = (const char *)(head + 3 * NR);
    const size_t each = 4 / nv, stride = g->c_stride;
    const __mmask16 mask[2] = {mask_of(n), nv > 1 ? mask_of(n - 16) : 0};
    const __mmask32 bytes = mask[0] | (__mmask32)mask[1] << 16;
    const bool wide = g->out == LN_QGEMM_I32;
    const quantised q = quantised_of(g->y_zero, g->lo);
    __m512i b[SHORT][2], start[2];
    __m512 scale[2];
    UNROLL for (size_t v = 0; v < nv; v++)
    {
        __m512i sums = _mm512_mullo_epi32(_mm512_loadu_si512(head + NR + 16 * v), _mm512_set1_epi32(g->a_zero));
        start[v] = _mm512_sub_epi32(_mm512_loadu_si512(head + 16 * v), sums);
        scale[v] = wide ? _mm512_setzero_ps() : _mm512_maskz_loadu_ps(mask[v], g->scale + 16 * v);
        UNROLL for (size_t s = 0; s < steps; s++) b[s][v] = _mm512_loadu_si512(from + s * NR * KR + 64 * v);
    }
    for (size_t i0 = 0; i0 < m; i0 += each) {
        __m512i acc[4][2];
        UNROLL for (size_t i = 0; i < each; i++)
        {
            UNROLL for (size_t v = 0; v < nv; v++) acc[i][v] = start[v];
            multiply(acc[i], a[i0 + i < m ? i0 + i : i0], b, steps, nv, flip);
        }
        if (wide) {
            int32_t *to = (int32_t *)c + i0 * stride;
            UNROLL for (size_t i = 0; i < each; i++) if (i0 + i < m) UNROLL for (size_t v = 0; v < nv; v++)
                _mm512_mask_storeu_epi32(to + i * stride + 16 * v, mask[v], acc[i][v]);
        } else {
            __m512i four[4];
            UNROLL for (size_t j = 0; j < 4; j++) four[j] = rounded(acc[j / nv][j % nv], scale[j % nv]);
            store_rows((uint8_t *)c + i0 * stride, m - i0, nv, bytes, packed(four, &q), stride);
        }
    }
}

#define SHORT_ROWS(name, steps, nv, flip)                                                                              \
    static void name(void *c, const uint8_t *const *a, const void *b, size_t m, size_t n, const ln_qgemm_args *g)      \
    {                                                                                                                  \
        short_rows(steps, nv, flip, c, a, b, m, n, g);                                                                 \
    }
typedef void body(void *c, const uint8_t *const *a, const void *b, size_t m, size_t n, const ln_qgemm_args *g);

/* clang-format off */
#define SHORTS(s)                                                                                                      \
    SHORT_ROWS(u_half_##s, s, 1, false) SHORT_ROWS(u_whole_##s, s, 2, false)                                           \
    SHORT_ROWS(s_half_##s, s, 1, true)  SHORT_ROWS(s_whole_##s, s, 2, true)
SHORTS(4) SHORTS(6) SHORTS(7) SHORTS(8)

#define ALL(p) {[4] = p##4, [6] = p##6, [7] = p##7, [8] = p##8}
static body *const bodies[2][2][SHORT + 1] = {{ALL(u_half_), ALL(u_whole_)}, {ALL(s_half_), ALL(s_whole_)}};
/* clang-format on */

/* int32, or bytes that packing clamps. */
static bool are_plain(const ln_qgemm_args *g, size_t n)
{
    if (g->row_sum || g->row_scale || g->out == LN_QGEMM_F32)
        return false;
    return g->out == LN_QGEMM_I32 || (packs(_mm512_maskz_loadu_ps(mask_of(n), g->scale), g) &&
                                      (n <= 16 || packs(_mm512_maskz_loadu_ps(mask_of(n - 16), g->scale + 16), g)));
}

bool ln_qgemm_short_avx512(void *c, const uint8_t *const *a, const void *panel, size_t m, size_t n,
                           const ln_qgemm_args *g)
{
    if (g->segments != 1 || g->k % KR != 0 || g->k > SHORT * KR || !are_plain(g, n))
        return false;
    body *by = bodies[g->flip != 0][n > 16][g->k / KR];
    if (by)
        by(c, a, panel, m, n, g);
    return by != NULL;
}
