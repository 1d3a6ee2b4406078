/* SPDX-License-Identifier: Apache-2.0
 *
 * The integer product on WebAssembly: eight bytes of a row and of a column are widened to 16 bits, and i32x4.dot adds
 * pairs of their products in 32, exactly. 3 rows by 4 columns, an accumulator of four partial sums for each element,
 * added up at the end. Row sums and depthwise convolution too.
 */
#include <string.h>

#include "kernels/qgemm_epilogue.h"
#include "kernels/simd_wasm.h"

enum { MR = 3, NR = 4, KR = 8 };

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

V_ void finish(void *c, size_t i, size_t n, v128_t dot, const int32_t *head, const ln_qgemm_args *g)
{
    if (n < NR) {
        int32_t sums[NR];
        wasm_v128_store(sums, dot);
        for (size_t j = 0; j < n; j++)
            ln_qgemm_store(c, i, j, (uint32_t)sums[j], head, NR, g);
        return;
    }
    v128_t acc = wasm_i32x4_add(dot, wasm_v128_load(head));
    acc = wasm_i32x4_sub(acc, wasm_i32x4_mul(wasm_v128_load(head + NR), wasm_i32x4_splat(g->a_zero)));
    if (g->row_sum)
        acc = wasm_i32x4_sub(acc, wasm_i32x4_mul(wasm_v128_load(head + 2 * NR), wasm_i32x4_splat(g->row_sum[i])));
    size_t at = i * g->c_stride;
    if (g->out == LN_QGEMM_I32) {
        wasm_v128_store((int32_t *)c + at, acc);
        return;
    }
    v128_t scale = g->scale ? wasm_v128_load(g->scale) : wasm_f32x4_const_splat(1);
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

/* The sums of the lanes of each of four vectors. */
V_ v128_t sum_lanes(const v128_t *s)
{
    v128_t a = wasm_i32x4_add(wasm_i32x4_shuffle(s[0], s[1], 0, 4, 1, 5), wasm_i32x4_shuffle(s[0], s[1], 2, 6, 3, 7));
    v128_t b = wasm_i32x4_add(wasm_i32x4_shuffle(s[2], s[3], 0, 4, 1, 5), wasm_i32x4_shuffle(s[2], s[3], 2, 6, 3, 7));
    return wasm_i32x4_add(wasm_i64x2_shuffle(a, b, 0, 2), wasm_i64x2_shuffle(a, b, 1, 3));
}

V_ v128_t eight(const uint8_t *p, size_t n, v128_t flip)
{
    v128_t v;
    if (n >= KR) {
        v = wasm_v128_load64_zero(p);
    } else { /* B is zero behind the end */
        uint64_t bytes = 0;
        for (size_t t = 0; t < n; t++)
            bytes |= (uint64_t)p[t] << 8 * t;
        v = wasm_i64x2_splat((int64_t)bytes);
    }
    return wasm_u16x8_extend_low_u8x16(wasm_v128_xor(v, flip));
}

V_ void rows(const size_t m, void *c, const uint8_t *const *a, const void *panel, size_t n, const ln_qgemm_args *g)
{
    const int32_t *head = panel;
    const char *b = (const char *)(head + 3 * NR);
    const v128_t flip = wasm_i8x16_splat((int8_t)g->flip);
    v128_t acc[MR][NR];
    UNROLL for (size_t i = 0; i < m; i++) UNROLL for (size_t j = 0; j < NR; j++) acc[i][j] = wasm_i32x4_const_splat(0);
    for (size_t s = 0; s < g->segments; s++) {
        const uint8_t *row[MR];
        UNROLL for (size_t i = 0; i < m; i++) row[i] = a[s * g->a_stride + i];
        for (size_t k = 0; k < g->k; k += KR, b += NR * KR) {
            v128_t x[MR];
            UNROLL for (size_t i = 0; i < m; i++) x[i] = eight(row[i] + k, g->k - k, flip);
            UNROLL for (size_t j = 0; j < NR; j++)
            {
                v128_t w = wasm_i16x8_load8x8(b + j * KR);
                UNROLL for (size_t i = 0; i < m; i++) acc[i][j] =
                    wasm_i32x4_add(acc[i][j], wasm_i32x4_dot_i16x8(x[i], w));
            }
        }
    }
    UNROLL for (size_t i = 0; i < m; i++) finish(c, i, n, sum_lanes(acc[i]), head, g);
}

static void run(void *c, const uint8_t *const *a, const void *panel, size_t m, size_t n, const ln_qgemm_args *g)
{
    switch (m) {
    case 1:
        rows(1, c, a, panel, n, g);
        break;
    case 2:
        rows(2, c, a, panel, n, g);
        break;
    default:
        rows(3, c, a, panel, n, g);
    }
}

const ln_qgemm_tile ln_qgemm_wasm = {.mr = MR, .nr = NR, .kr = KR, .run = run};

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

void ln_qdepthwise_wasm(uint8_t *y, const uint8_t *const *x, size_t pixels, size_t channels,
                        const ln_qdepthwise_args *g)
{
    const v128_t flip = wasm_i8x16_splat((int8_t)g->flip);
    for (size_t p = 0; p < pixels; p++, x += g->taps) {
        size_t c = 0, at = p * g->y_stride;
        for (; c + 8 <= channels; c += 8) {
            v128_t low = wasm_v128_load(g->bias + c), high = wasm_v128_load(g->bias + c + 4);
            for (size_t t = 0; t < g->taps; t++) {
                v128_t v = eight(x[t] + c, 8, flip), w = wasm_v128_load(g->w + t * channels + c);
                low = wasm_i32x4_add(low, wasm_i32x4_extmul_low_i16x8(v, w));
                high = wasm_i32x4_add(high, wasm_i32x4_extmul_high_i16x8(v, w));
            }
            if (g->out == LN_QGEMM_I32) {
                int32_t *to = (int32_t *)(void *)y + at + c;
                wasm_v128_store(to, low);
                wasm_v128_store(to + 4, high);
            } else {
                low = requantize(low, wasm_v128_load(g->scale + c), g->lo, g->hi, g->y_zero);
                high = requantize(high, wasm_v128_load(g->scale + c + 4), g->lo, g->hi, g->y_zero);
                store_bytes(y + at + c, low, high);
            }
        }
        for (; c < channels; c++) {
            uint32_t acc = (uint32_t)g->bias[c];
            for (size_t t = 0; t < g->taps; t++)
                acc += (uint32_t)((int32_t)(x[t][c] ^ g->flip) * g->w[t * channels + c]);
            if (g->out == LN_QGEMM_I32)
                ((int32_t *)(void *)y)[at + c] = (int32_t)acc;
            else
                y[at + c] = ln_requantize(acc, g->scale[c], g->lo, g->hi, g->y_zero);
        }
    }
}
