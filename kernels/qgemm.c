/* SPDX-License-Identifier: Apache-2.0
 *
 * Packing and the loops around the integer micro-kernel: see qgemm.h. A block of rows stays in the second cache while
 * all panels pass, and a panel in the first while the rows of the block do.
 */
#include <string.h>

#include "kernels/qgemm.h"

#define ROWS_BYTES (256u << 10) /* of A in a block */

static size_t round_up(size_t n, size_t to)
{
    return (n + to - 1) / to * to;
}

size_t ln_qgemm_panel_bytes(const ln_qgemm_tile *t, size_t segments, size_t k)
{
    return round_up((size_t)t->nr * (12 + segments * round_up(k, t->kr)), ln_qgemm_has_vectors(t) ? 64 : 16);
}

size_t ln_qgemm_packed_bytes(const ln_qgemm_tile *t, size_t segments, size_t k, size_t n)
{
    return (n + t->nr - 1u) / t->nr * ln_qgemm_panel_bytes(t, segments, k);
}

/* The sum of four int8. */
static uint32_t sum_of(uint32_t v)
{
    uint32_t u = v ^ UINT32_C(0x80808080), pairs = (u & UINT32_C(0xff00ff)) + ((u >> 8) & UINT32_C(0xff00ff));
    return ((pairs + (pairs >> 16)) & UINT32_C(0xffff)) - 512;
}

/* A group of a panel whose columns each lie in one piece: four bytes at a time. */
static inline void pack_words(int8_t *to, int32_t *head, const uint8_t *from, size_t stride, size_t columns, size_t nr,
                              size_t kr, size_t plus, uint32_t flip)
{
    uint32_t mask[4];
    for (size_t i = 0; i < kr; i++)
        ((uint8_t *)mask)[i] = i >= kr - plus ? 0xff : 0;
    for (size_t j = 0; j < columns; j++, from += stride)
        for (size_t i = 0; i < kr; i += 4) {
            uint32_t v;
            memcpy(&v, from + i, 4);
            v ^= flip;
            memcpy(to + j * kr + i, &v, 4);
            head[nr + j] = (int32_t)((uint32_t)head[nr + j] + sum_of(v));
            if (plus)
                head[j] = (int32_t)((uint32_t)head[j] - sum_of(v & mask[i / 4]));
        }
}

/* [k0, k0 + kr) of one segment, byte by byte. */
static void pack_bytes(int8_t *to, int32_t *head, const ln_qgemm_b *b, const ln_qgemm_tile *t, size_t n0, size_t s,
                       size_t k0)
{
    size_t nr = t->nr, kr = t->kr, joined = b->joined ? b->joined : 1, length = joined * b->k;
    size_t columns = b->n - n0 < nr ? b->n - n0 : nr;
    for (size_t k = k0; k < length && k < k0 + kr; k++) {
        const uint8_t *from = b->b + n0 * b->stride_n;
        from += (s * joined + k / b->k) * b->stride_s + k % b->k * b->stride_k;
        for (size_t j = 0; j < columns; j++) {
            int8_t v = (int8_t)(from[j * b->stride_n] ^ (b->is_signed ? 0 : 0x80));
            to[j * kr + k - k0] = v;
            head[nr + j] = (int32_t)((uint32_t)head[nr + j] + (uint32_t)v);
            if (k - k0 >= kr - t->plus)
                head[j] = (int32_t)((uint32_t)head[j] - (uint32_t)v);
        }
    }
}

bool ln_qgemm_pack(void *packed, const ln_qgemm_tile *t, const ln_qgemm_b *b)
{
    size_t nr = t->nr, kr = t->kr;
    size_t joined = b->joined ? b->joined : 1, segments = b->segments / joined, length = joined * b->k;
    size_t panel_bytes = ln_qgemm_panel_bytes(t, segments, length);
    uint8_t flip = b->is_signed ? 0 : 0x80;
    bool need = false, whole = b->stride_k == 1 && joined == 1 && kr % 4 == 0 && kr <= 16;
    memset(packed, 0, ln_qgemm_packed_bytes(t, segments, length, b->n));
    for (size_t n0 = 0; n0 < b->n; n0 += nr) {
        int32_t *head = (int32_t *)(void *)((char *)packed + n0 / nr * panel_bytes);
        int8_t *to = (int8_t *)(head + 3 * nr);
        size_t columns = b->n - n0 < nr ? b->n - n0 : nr;
        for (size_t j = 0; j < columns; j++) {
            head[j] = b->bias ? b->bias[n0 + j] : 0;
            if (b->zero)
                head[2 * nr + j] = (int8_t)(b->zero[(n0 + j) * b->zero_stride] ^ flip);
            else
                head[2 * nr + j] = (int8_t)flip;
            need |= head[2 * nr + j] != 0;
        }
        for (size_t s = 0; s < segments; s++)
            for (size_t k0 = 0; k0 < length; k0 += kr, to += nr * kr) {
                const uint8_t *from = b->b + n0 * b->stride_n + s * b->stride_s + k0;
                if (!whole || length - k0 < kr)
                    pack_bytes(to, head, b, t, n0, s, k0);
                else if (kr == 4)
                    pack_words(to, head, from, b->stride_n, columns, nr, 4, t->plus, flip * UINT32_C(0x01010101));
                else
                    pack_words(to, head, from, b->stride_n, columns, nr, kr, t->plus, flip * UINT32_C(0x01010101));
            }
    }
    return need;
}

void ln_qgemm(void *c, const uint8_t *const *a, const void *packed, size_t m, size_t n, size_t panel_begin,
              size_t panel_end, const ln_qgemm_tile *t, const ln_qgemm_args *g)
{
    size_t panel_bytes = ln_qgemm_panel_bytes(t, g->segments, g->k), size = g->out == LN_QGEMM_8 ? 1 : 4;
    size_t row = g->segments * g->k, block = ROWS_BYTES / (row ? row : 1) / t->mr * t->mr;
    if (block < t->mr)
        block = t->mr;
    for (size_t i0 = 0; i0 < m; i0 += block) {
        size_t i1 = m - i0 < block ? m : i0 + block;
        for (size_t p = panel_begin; p < panel_end; p++) {
            size_t n0 = p * t->nr, columns = n - n0 < t->nr ? n - n0 : t->nr;
            ln_qgemm_args tile = *g;
            tile.scale = g->scale ? g->scale + n0 : NULL;
            tile.fbias = g->fbias ? g->fbias + n0 : NULL;
            for (size_t i = i0; i < i1; i += t->mr) {
                size_t rows = i1 - i < t->mr ? i1 - i : t->mr;
                tile.row_sum = g->row_sum ? g->row_sum + i : NULL;
                tile.row_scale = g->row_scale ? g->row_scale + i : NULL;
                t->run((char *)c + (i * g->c_stride + n0) * size, a + i, (const char *)packed + p * panel_bytes, rows,
                       columns, &tile);
            }
        }
    }
}

void ln_qgemm_row_sums(int32_t *sums, const uint8_t *const *a, size_t m, const ln_qgemm_args *g)
{
    uint32_t constant = (uint32_t)(g->segments * g->k) * (uint32_t)g->a_zero;
#ifndef LN_FIRMWARE
    if (g->segments == 1) { /* in one call */
        LN_K(qrowsum)(sums, a, m, g->k, g->flip);
        for (size_t i = 0; i < m; i++)
            sums[i] = (int32_t)((uint32_t)sums[i] - constant);
        return;
    }
#endif
    for (size_t i = 0; i < m; i++) {
        uint32_t sum = 0;
        for (size_t s = 0; s < g->segments; s++) {
            int32_t part;
            LN_K(qrowsum)(&part, a + s * g->a_stride + i, 1, g->k, g->flip);
            sum += (uint32_t)part;
        }
        sums[i] = (int32_t)(sum - constant);
    }
}

void ln_qgemm_matrix(void *c, const uint8_t *a, size_t m, size_t row_stride, const void *packed, size_t n,
                     bool row_sums, const ln_qgemm_tile *t, const ln_qgemm_args *g)
{
    enum { ROWS = 48 };
    const uint8_t *rows[ROWS];
    int32_t sums[ROWS];
    ln_qgemm_args part = *g;
    part.segments = 1;
    for (size_t i0 = 0; i0 < m; i0 += ROWS) {
        part.a_stride = m - i0 < ROWS ? m - i0 : ROWS;
        for (size_t i = 0; i < part.a_stride; i++)
            rows[i] = a + (i0 + i) * row_stride;
        if (row_sums) {
            ln_qgemm_row_sums(sums, rows, part.a_stride, &part);
            part.row_sum = sums;
        }
        ln_qgemm((char *)c + i0 * g->c_stride * (g->out == LN_QGEMM_8 ? 1 : 4), rows, packed, part.a_stride, n, 0,
                 (n + t->nr - 1) / t->nr, t, &part);
    }
}

size_t ln_qdepthwise_bytes8(size_t taps, size_t channels)
{
    return (channels + 63) / 64 * ((taps + 3) / 4) * 256;
}

bool ln_qdepthwise_pack8(int8_t *to, const int16_t *w, size_t taps, size_t channels)
{
    size_t groups = (taps + 3) / 4;
    memset(to, 0, ln_qdepthwise_bytes8(taps, channels));
    for (size_t t = 0; t < taps; t++)
        for (size_t c = 0; c < channels; c++) {
            int16_t v = w[t * channels + c];
            if (v < -128 || v > 127)
                return false;
            size_t lane = c % 64 / 16, vector = c % 16 / 4;
            to[((c / 64 * groups + t / 4) * 4 + vector) * 64 + lane * 16 + c % 4 * 4 + t % 4] = (int8_t)v;
        }
    return true;
}
