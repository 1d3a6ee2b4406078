/* SPDX-License-Identifier: Apache-2.0
 *
 * The integer product on WebAssembly: eight bytes of a row and of a column are widened to 16 bits, and i32x4.dot adds
 * pairs of their products in 32, exactly. 3 rows by 4 columns, an accumulator of four partial sums for each element,
 * added up at the end. Row sums and depthwise convolution too.
 */
#include <string.h>

#include "kernels/qgemm_epilogue.h"
#include "kernels/simd_wasm.h"
#include "kernels/tiles.h"

enum { MR_STEP = 3, NR = LN_WASM_NR, KR = LN_WASM_KR };

#define UNROLL _Pragma("GCC unroll 4")

/* Clamped as ln_requantize does it, rounded, the zero point added. */
V_ v128_t requantize(v128_t acc, v128_t scale, float lo, float hi, int32_t zero)
{
    v128_t f = wasm_f32x4_mul(wasm_f32x4_convert_i32x4(acc), scale);
    f = vmin(vmax(f, wasm_f32x4_splat(lo), 4), wasm_f32x4_splat(hi), 4);
    return wasm_i32x4_add(wasm_i32x4_trunc_sat_f32x4(wasm_f32x4_nearest(f)), wasm_i32x4_splat(zero));
}

/* The low bytes of the lanes of two vectors. */
V_ void store_bytes(uint8_t *y, v128_t a, v128_t b)
{
    v128_t v = wasm_i8x16_shuffle(a, b, 0, 4, 8, 12, 16, 20, 24, 28, 0, 0, 0, 0, 0, 0, 0, 0);
    wasm_v128_store64_lane(y, v, 0);
}

/* The sums of the lanes of each of four vectors. */
V_ v128_t sum_lanes(const v128_t *s)
{
    v128_t a = wasm_i32x4_add(wasm_i32x4_shuffle(s[0], s[1], 0, 4, 1, 5), wasm_i32x4_shuffle(s[0], s[1], 2, 6, 3, 7));
    v128_t b = wasm_i32x4_add(wasm_i32x4_shuffle(s[2], s[3], 0, 4, 1, 5), wasm_i32x4_shuffle(s[2], s[3], 2, 6, 3, 7));
    return wasm_i32x4_add(wasm_i64x2_shuffle(a, b, 0, 2), wasm_i64x2_shuffle(a, b, 1, 3));
}

/* Eight bytes widened, A as it is: unsigned, or signed, which is 128 less than what qgemm.h calls A. */
V_ v128_t eight(const uint8_t *p, const int sign)
{
    return sign ? wasm_i16x8_load8x8(p) : wasm_u16x8_load8x8(p);
}

/* n < 8 of them; B is zero behind the end. */
V_ v128_t last_of(const uint8_t *p, size_t n, const int sign)
{
    uint64_t bytes = 0;
    for (size_t t = 0; t < n; t++)
        bytes |= (uint64_t)p[t] << 8 * t;
    v128_t v = wasm_i64x2_splat((int64_t)bytes);
    return sign ? wasm_i16x8_extend_low_i8x16(v) : wasm_u16x8_extend_low_u8x16(v);
}

/* What the rows of a tile have in common. */
typedef struct tile {
    const int32_t *head;
    const ln_qgemm_args *g;
    size_t n;
    bool plain; /* four columns of bytes, by the scales of the columns: these are loaded once */
    v128_t start, scale;
} tile;

static __attribute__((noinline)) void finish(void *c, size_t i, v128_t acc, const tile *t)
{
    const ln_qgemm_args *g = t->g;
    if (t->n < NR) {
        int32_t sums[NR];
        wasm_v128_store(sums, acc);
        for (size_t j = 0; j < t->n; j++) { /* what it adds is in there already */
            uint32_t added = (uint32_t)t->head[j] - (uint32_t)g->a_zero * (uint32_t)t->head[NR + j];
            ln_qgemm_store(c, i, j, (uint32_t)sums[j] - added, t->head, NR, g);
        }
        return;
    }
    if (g->row_sum)
        acc = wasm_i32x4_sub(acc, wasm_i32x4_mul(wasm_v128_load(t->head + 2 * NR), wasm_i32x4_splat(g->row_sum[i])));
    size_t at = i * g->c_stride;
    if (g->out == LN_QGEMM_I32) {
        wasm_v128_store((int32_t *)c + at, acc);
        return;
    }
    v128_t scale = t->scale;
    if (g->row_scale)
        scale = wasm_f32x4_mul(scale, wasm_f32x4_splat(g->row_scale[i]));
    if (g->out == LN_QGEMM_8) {
        v128_t q = requantize(acc, scale, g->lo, g->hi, g->y_zero);
        q = wasm_i8x16_shuffle(q, q, 0, 4, 8, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
        wasm_v128_store32_lane((uint8_t *)c + at, q, 0);
        return;
    }
    v128_t f = wasm_f32x4_mul(wasm_f32x4_convert_i32x4(acc), scale);
    wasm_v128_store((float *)c + at, g->fbias ? wasm_f32x4_add(f, wasm_v128_load(g->fbias)) : f);
}

V_ void step(v128_t (*acc)[NR], const v128_t *x, const char *b, const size_t m)
{
    UNROLL for (size_t j = 0; j < NR; j++)
    {
        v128_t w = wasm_i16x8_load8x8(b + j * KR);
        UNROLL for (size_t i = 0; i < m; i++) acc[i][j] = wasm_i32x4_add(acc[i][j], wasm_i32x4_dot_i16x8(x[i], w));
    }
}

/* From row i on m at a time, as long as there are as many before `end`: the row behind them. m and sign are constants
 * after inlining. */
V_ size_t rows(const size_t m, const int sign, void *c, size_t i0, size_t end, const uint8_t *const *a, const tile *t)
{
    const ln_qgemm_args *g = t->g;
    const size_t depth = g->k, segments = g->segments, a_stride = g->a_stride, c_stride = g->c_stride;
    const float lo = g->lo, hi = g->hi;
    const int32_t y_zero = g->y_zero;
    const v128_t start = t->start, scale = t->scale;
    for (; i0 + m <= end; i0 += m) {
        const char *b = (const char *)(t->head + 3 * NR);
        v128_t acc[MR_STEP][NR], x[MR_STEP];
        UNROLL for (size_t i = 0; i < m; i++) UNROLL for (size_t j = 0; j < NR; j++) acc[i][j] =
            wasm_i32x4_const_splat(0);
        for (size_t s = 0; s < segments; s++) {
            const uint8_t *row[MR_STEP];
            UNROLL for (size_t i = 0; i < m; i++) row[i] = a[s * a_stride + i0 + i];
            size_t k = depth;
            for (; k >= KR; k -= KR, b += NR * KR) {
                UNROLL for (size_t i = 0; i < m; i++, row[i - 1] += KR) x[i] = eight(row[i], sign);
                step(acc, x, b, m);
            }
            if (k) {
                UNROLL for (size_t i = 0; i < m; i++) x[i] = last_of(row[i], k, sign);
                step(acc, x, b, m);
                b += NR * KR;
            }
        }
        UNROLL for (size_t i = 0; i < m; i++)
        {
            v128_t sum = wasm_i32x4_add(sum_lanes(acc[i]), start);
            if (t->plain) {
                v128_t q = requantize(sum, scale, lo, hi, y_zero);
                q = wasm_i8x16_shuffle(q, q, 0, 4, 8, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
                wasm_v128_store32_lane((uint8_t *)c + (i0 + i) * c_stride, q, 0);
            } else {
                finish(c, i0 + i, sum, t);
            }
        }
    }
    return i0;
}

#define BODY(name, m, sign)                                                                                            \
    static __attribute__((noinline)) size_t name(void *c, size_t i, size_t end, const uint8_t *const *a,               \
                                                 const tile *t)                                                        \
    {                                                                                                                  \
        return rows(m, sign, c, i, end, a, t);                                                                         \
    }
BODY(u_1, 1, 0)
BODY(u_3, 3, 0)
BODY(s_1, 1, 1)
BODY(s_3, 3, 1)

static void run(void *c, const uint8_t *const *a, const void *panel, size_t m, size_t n, const ln_qgemm_args *g)
{
    const int32_t *head = panel;
    tile t = {.head = head, .g = g, .n = n, .scale = wasm_f32x4_const_splat(1)};
    const v128_t zero = wasm_i32x4_splat(g->flip ? g->a_zero - 128 : g->a_zero);
    t.start = wasm_i32x4_sub(wasm_v128_load(head), wasm_i32x4_mul(wasm_v128_load(head + NR), zero));
    t.plain = n == NR && g->out == LN_QGEMM_8 && !g->row_sum && !g->row_scale;
    if (n == NR && g->scale)
        t.scale = wasm_v128_load(g->scale);
    size_t i = g->flip ? s_3(c, 0, m, a, &t) : u_3(c, 0, m, a, &t);
    if (i < m)
        g->flip ? s_1(c, i, m, a, &t) : u_1(c, i, m, a, &t);
}

const ln_qgemm_tile ln_qgemm_wasm = LN_QGEMM_WASM(run);

void ln_qrowsum_wasm(int32_t *sums, const uint8_t *const *a, size_t m, size_t k, uint32_t flip)
{
    const v128_t x = wasm_i8x16_splat((int8_t)flip);
    for (size_t i = 0; i < m; i++) {
        v128_t parts[4] = {wasm_i32x4_const_splat(0), wasm_i32x4_const_splat(0), wasm_i32x4_const_splat(0),
                           wasm_i32x4_const_splat(0)};
        size_t j = 0;
        for (; j + 16 <= k; j += 16) {
            v128_t v = wasm_u16x8_extadd_pairwise_u8x16(wasm_v128_xor(wasm_v128_load(a[i] + j), x));
            parts[0] = wasm_i32x4_add(parts[0], wasm_u32x4_extadd_pairwise_u16x8(v));
        }
        uint32_t sum = (uint32_t)wasm_i32x4_extract_lane(sum_lanes(parts), 0);
        for (; j < k; j++)
            sum += a[i][j] ^ flip;
        sums[i] = (int32_t)sum;
    }
}

/* Eight channels from c on of all pixels. */
V_ void depthwise8(uint8_t *y, const uint8_t *const *x, size_t pixels, size_t c, const int sign,
                   const ln_qdepthwise_args *g)
{
    const size_t taps = g->taps, stride = g->y_stride, w_stride = g->w_stride;
    const float lo = g->lo, hi = g->hi;
    const int32_t y_zero = g->y_zero;
    const bool wide = g->out == LN_QGEMM_I32;
    v128_t bias[2] = {wasm_v128_load(g->bias + c), wasm_v128_load(g->bias + c + 4)}, scale[2] = {bias[0], bias[1]};
    for (size_t t = 0; sign && t < taps; t++) {
        v128_t w = wasm_v128_load(g->w + t * g->w_stride + c);
        bias[0] = wasm_i32x4_add(bias[0], wasm_i32x4_extmul_low_i16x8(w, wasm_i16x8_const_splat(128)));
        bias[1] = wasm_i32x4_add(bias[1], wasm_i32x4_extmul_high_i16x8(w, wasm_i16x8_const_splat(128)));
    }
    if (!wide) {
        scale[0] = wasm_v128_load(g->scale + c);
        scale[1] = wasm_v128_load(g->scale + c + 4);
    }
    for (size_t p = 0; p < pixels; p++) {
        v128_t low = bias[0], high = bias[1];
        const int16_t *from = g->w + c;
        for (size_t t = 0; t < taps; t++, x++, from += w_stride) {
            v128_t v = eight(*x + c, sign), w = wasm_v128_load(from);
            low = wasm_i32x4_add(low, wasm_i32x4_extmul_low_i16x8(v, w));
            high = wasm_i32x4_add(high, wasm_i32x4_extmul_high_i16x8(v, w));
        }
        if (wide) {
            int32_t *to = (int32_t *)(void *)y + p * stride + c;
            wasm_v128_store(to, low);
            wasm_v128_store(to + 4, high);
        } else {
            low = requantize(low, scale[0], lo, hi, y_zero);
            high = requantize(high, scale[1], lo, hi, y_zero);
            store_bytes(y + p * stride + c, low, high);
        }
    }
}

void ln_qdepthwise_wasm(uint8_t *y, const uint8_t *const *x, size_t pixels, size_t channels,
                        const ln_qdepthwise_args *g)
{
    size_t first = 0;
    for (; first + 8 <= channels; first += 8)
        if (g->flip)
            depthwise8(y, x, pixels, first, 1, g);
        else
            depthwise8(y, x, pixels, first, 0, g);
    for (size_t p = 0; p < pixels && first < channels; p++, x += g->taps)
        for (size_t c = first, at = p * g->y_stride; c < channels; c++) {
            uint32_t acc = (uint32_t)g->bias[c];
            for (size_t t = 0; t < g->taps; t++)
                acc += (uint32_t)((int32_t)(x[t][c] ^ g->flip) * g->w[t * g->w_stride + c]);
            if (g->out == LN_QGEMM_I32)
                ((int32_t *)(void *)y)[at + c] = (int32_t)acc;
            else
                y[at + c] = ln_requantize(acc, g->scale[c], g->lo, g->hi, g->y_zero);
        }
}
