/* SPDX-License-Identifier: Apache-2.0
 *
 * The integer product on AVX-512 VNNI: 12 rows by 32 columns, 24 accumulators; a step takes 4 bytes of each row (one
 * broadcast) and 4 of each column, and VPDPBUSD adds the four products without an intermediate that could saturate.
 * Two multiply-adds a cycle want 24 of them for 14 loads. Few columns use one vector of them, few rows a smaller body,
 * a short K that of qgemm_short_avx512.c.
 */
#include "kernels/qgemm_avx512.h"

#define AHEAD 4096 /* bytes of B that are fetched ahead for one row */

/* scale, clamp, round and pack to bytes; the operand order of max and min is that of ln_requantize for a NaN. */
INLINE __m128i requantize(__m512i acc, __m512 scale, const ln_qgemm_args *g)
{
    __m512 f = _mm512_mul_ps(_mm512_cvtepi32_ps(acc), scale);
    f = _mm512_min_ps(_mm512_max_ps(f, _mm512_set1_ps(g->lo)), _mm512_set1_ps(g->hi));
    return _mm512_cvtepi32_epi8(_mm512_add_epi32(_mm512_cvtps_epi32(f), _mm512_set1_epi32(g->y_zero)));
}

/* Floats, and bytes where rows have scales of their own. */
INLINE void finish(void *c, size_t i, size_t j, __m512i acc, __mmask16 mask, const ln_qgemm_args *g)
{
    size_t at = i * g->c_stride + j;
    __m512 scale = g->scale ? _mm512_maskz_loadu_ps(mask, g->scale + j) : _mm512_set1_ps(1);
    if (g->row_scale)
        scale = _mm512_mul_ps(scale, _mm512_set1_ps(g->row_scale[i]));
    if (g->out == LN_QGEMM_8) {
        _mm_mask_storeu_epi8((uint8_t *)c + at, mask, requantize(acc, scale, g));
        return;
    }
    __m512 f = _mm512_mul_ps(_mm512_cvtepi32_ps(acc), scale);
    if (g->fbias)
        f = _mm512_add_ps(f, _mm512_maskz_loadu_ps(mask, g->fbias + j));
    _mm512_mask_storeu_ps((float *)c + at, mask, f);
}

/* Bytes and sums have paths of their own: with a short K this is half of the time. The rest goes by way of memory, so
 * that it is there once in a body and not for each row. */
INLINE void finish_tile(const size_t m, const size_t nv, void *c, __m512i acc[MR][2], size_t n, const int32_t *head,
                        const ln_qgemm_args *g)
{
    const __mmask16 mask[2] = {mask_of(n), nv > 1 ? mask_of(n - 16) : 0};
    if (g->row_sum)
        UNROLL for (size_t i = 0; i < m; i++) UNROLL for (size_t v = 0; v < nv; v++)
        {
            __m512i zero = _mm512_loadu_si512(head + 2 * NR + 16 * v), sum = _mm512_set1_epi32(g->row_sum[i]);
            acc[i][v] = _mm512_sub_epi32(acc[i][v], _mm512_mullo_epi32(zero, sum));
        }
    if (g->out == LN_QGEMM_8 && g->scale && !g->row_scale) {
        uint8_t *to = c;
        __m512 scale[2] = {_mm512_maskz_loadu_ps(mask[0], g->scale),
                           nv > 1 ? _mm512_maskz_loadu_ps(mask[1], g->scale + 16) : _mm512_setzero_ps()};
        if (packs(scale[0], g) && packs(scale[nv - 1], g)) {
            const quantised q = quantised_of(g->y_zero, g->lo);
            const __mmask32 bytes = mask[0] | (__mmask32)mask[1] << 16;
            UNROLL for (size_t i = 0; i < m; i += 4 / nv)
            {
                __m512i four[4];
                UNROLL for (size_t j = 0; j < 4; j++)
                {
                    const size_t row = i + j / nv < m ? i + j / nv : i;
                    four[j] = rounded(acc[row][j % nv], scale[j % nv]);
                }
                store_rows(to + i * g->c_stride, m - i, nv, bytes, packed(four, &q), g->c_stride);
            }
            return;
        }
        UNROLL for (size_t i = 0; i < m; i++) UNROLL for (size_t v = 0; v < nv; v++)
            _mm_mask_storeu_epi8(to + i * g->c_stride + 16 * v, mask[v], requantize(acc[i][v], scale[v], g));
    } else if (g->out == LN_QGEMM_I32) {
        int32_t *to = c;
        UNROLL for (size_t i = 0; i < m; i++) UNROLL for (size_t v = 0; v < nv; v++)
            _mm512_mask_storeu_epi32(to + i * g->c_stride + 16 * v, mask[v], acc[i][v]);
    } else {
        __m512i sums[MR][2];
        UNROLL for (size_t i = 0; i < m; i++) UNROLL for (size_t v = 0; v < nv; v++) sums[i][v] = acc[i][v];
        _Pragma("GCC unroll 1") for (size_t i = 0; i < m; i++) UNROLL for (size_t v = 0; v < nv; v++)
            finish(c, i, 16 * v, sums[i][v], mask[v], g);
    }
}

/* The last groups of K row by row: one is stored while the next ones still multiply. Stores of all rows at once would
 * fill the queues, and hold up the next tile. */
INLINE void finish_rows(const size_t m, const size_t nv, const bool flip, int32_t *c, __m512i acc[MR][2], size_t n,
                        const uint8_t *const *a, size_t k, const char *b, const size_t steps, size_t stride)
{
    const __mmask16 mask[2] = {mask_of(n), nv > 1 ? mask_of(n - 16) : 0};
    __m512i last[4][2];
    UNROLL for (size_t s = 0; s < steps; s++) UNROLL for (size_t v = 0; v < nv; v++) last[s][v] =
        _mm512_loadu_si512(b + s * NR * KR + 64 * v);
    UNROLL for (size_t i = 0; i < m; i++, c += stride)
    {
        OPAQUE(c);
        multiply(acc[i], a[i] + k, last, steps, nv, flip);
        UNROLL for (size_t v = 0; v < nv; v++) _mm512_mask_storeu_epi32(c + 16 * v, mask[v], acc[i][v]);
    }
}

INLINE void rows(const size_t m, const size_t nv, const bool flip, void *c, const uint8_t *const *a, const void *panel,
                 size_t n, const ln_qgemm_args *g)
{
    const size_t steps = nv == 1 ? 4 : 2; /* at the end, of B in registers */
    const int32_t *head = panel;
    const char *b = (const char *)(head + 3 * NR);
    __m512i acc[MR][2];
    UNROLL for (size_t v = 0; v < nv; v++)
    {
        __m512i start =
            _mm512_sub_epi32(_mm512_loadu_si512(head + 16 * v),
                             _mm512_mullo_epi32(_mm512_loadu_si512(head + NR + 16 * v), _mm512_set1_epi32(g->a_zero)));
        UNROLL for (size_t i = 0; i < m; i++) acc[i][v] = start;
    }
    const size_t depth = g->k, stride = g->a_stride;
    const bool split = m == MR && depth >= steps * KR && depth % KR == 0 && !g->row_sum && g->out == LN_QGEMM_I32;
    for (size_t s = g->segments; s > 0; s--, a += stride) {
        size_t k = 0;
        const size_t end = split && s == 1 ? depth - steps * KR : depth;
        for (; nv == 1 && k + 2 * KR <= end; k += 2 * KR, b += 2 * NR * KR) { /* addresses would take as long */
            OPAQUE(a);
            __m512i now[2][2] = {{_mm512_loadu_si512(b)}, {_mm512_loadu_si512(b + NR * KR)}};
            UNROLL for (size_t i = 0; i < m; i++) multiply(acc[i], a[i] + k, now, 2, 1, flip);
        }
        for (; k + KR <= end; k += KR, b += NR * KR) {
            OPAQUE(a);
            __m512i now[1][2];
            if (m == 1) /* it waits for B alone, and asks for it across the ends of pages and panels */
                UNROLL for (size_t v = 0; v < nv; v++) _mm_prefetch(b + AHEAD + 64 * v, _MM_HINT_T0);
            UNROLL for (size_t v = 0; v < nv; v++) now[0][v] = _mm512_loadu_si512(b + 64 * v);
            UNROLL for (size_t i = 0; i < m; i++) multiply(acc[i], a[i] + k, now, 1, nv, flip);
        }
        if (k < end) { /* B is zero behind the end, so what the missing bytes of A are does not matter */
            __m512i now[1][2];
            UNROLL for (size_t v = 0; v < nv; v++) now[0][v] = _mm512_loadu_si512(b + 64 * v);
            b += NR * KR;
            UNROLL for (size_t i = 0; i < m; i++)
            {
                OPAQUE(a);
                uint32_t four = 0;
                for (size_t t = k; t < depth; t++)
                    four |= (uint32_t)a[i][t] << 8 * (t - k);
                multiply(acc[i], (const uint8_t *)&four, now, 1, nv, flip);
            }
        }
        if (split && s == 1) {
            finish_rows(m, nv, flip, c, acc, n, a, k, b, steps, g->c_stride);
            return;
        }
    }
    finish_tile(m, nv, c, acc, n, head, g);
}

#define BODY(name, m, nv, flip)                                                                                        \
    static void name(void *c, const uint8_t *const *a, const void *b, size_t n, const ln_qgemm_args *g)                \
    {                                                                                                                  \
        rows(m, nv, flip, c, a, b, n, g);                                                                              \
    }
#define ROWS(m)                                                                                                        \
    BODY(u_half_##m, m, 1, false)                                                                                      \
    BODY(u_whole_##m, m, 2, false) BODY(s_half_##m, m, 1, true) BODY(s_whole_##m, m, 2, true)
/* clang-format off */
ROWS(1) ROWS(2) ROWS(3) ROWS(4) ROWS(5) ROWS(6) ROWS(7) ROWS(8) ROWS(9) ROWS(10) ROWS(11) ROWS(12)

typedef void body(void *c, const uint8_t *const *a, const void *b, size_t n, const ln_qgemm_args *g);
#define ALL(p) {p##1, p##2, p##3, p##4, p##5, p##6, p##7, p##8, p##9, p##10, p##11, p##12}
/* clang-format on */
static body *const bodies[2][2][MR] = {{ALL(u_half_), ALL(u_whole_)}, {ALL(s_half_), ALL(s_whole_)}};

static void run(void *c, const uint8_t *const *a, const void *panel, size_t m, size_t n, const ln_qgemm_args *g)
{
    if (ln_qgemm_short_avx512(c, a, panel, m, n, g))
        return;
    body *const *by = bodies[g->flip != 0][n > 16];
    const size_t step = MR * g->c_stride * (g->out == LN_QGEMM_8 ? 1 : 4);
    ln_qgemm_args part = *g;
    for (; m > MR; m -= MR, a += MR, c = (char *)c + step) {
        by[MR - 1](c, a, panel, n, &part);
        part.row_sum += part.row_sum ? MR : 0;
        part.row_scale += part.row_scale ? MR : 0;
    }
    by[m - 1](c, a, panel, n, &part);
}

const ln_qgemm_tile ln_qgemm_avx512 = {.mr = MOST,
                                       .nr = NR,
                                       .kr = KR,
                                       .run = run,
                                       .depthwise8 = true,
                                       .lanes = 64,
                                       .least_pixels = 2,
                                       .planes = ln_qplanes_avx512};

void ln_qrowsum_avx512(int32_t *sums, const uint8_t *const *a, size_t m, size_t k, uint32_t flip)
{
    const __m512i x = _mm512_set1_epi8((char)flip), ones = _mm512_set1_epi8(1);
    for (size_t i = 0; i < m; i++) {
        __m512i sum = _mm512_setzero_si512();
        size_t j = 0;
        for (; j + 64 <= k; j += 64)
            sum = _mm512_dpbusd_epi32(sum, _mm512_xor_si512(_mm512_loadu_si512(a[i] + j), x), ones);
        if (j < k) {
            __mmask64 mask = ~UINT64_C(0) >> (64 - (k - j));
            __m512i last = _mm512_xor_si512(_mm512_maskz_loadu_epi8(mask, a[i] + j), x);
            sum = _mm512_dpbusd_epi32(sum, last, _mm512_maskz_mov_epi8(mask, ones));
        }
        sums[i] = _mm512_reduce_add_epi32(sum);
    }
}
