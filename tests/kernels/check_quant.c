/* SPDX-License-Identifier: Apache-2.0
 *
 * The integer kernels of every tier against plain sums in int64 taken modulo 2^32, and the vectors against the scalar
 * tier: all bit for bit. Sizes around the tiles, rows between guard pages, weights and inputs at their extremes (which
 * an intermediate of 16 bits would not survive).
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/qgemm.h"
#include "kernels/qgemm_epilogue.h"
#include "kernels/qsigmoid.h"
#include "kernels/tiles.h"
#include "tests/kernels/check.h"

static void fill8(uint8_t *x, size_t n, int pattern)
{
    for (size_t i = 0; i < n; i++)
        x[i] = pattern == 0 ? (uint8_t)check_random() : pattern == 1 ? 255 : pattern == 2 ? 128 : 127;
}

static int32_t value(uint8_t b, bool is_signed)
{
    return is_signed ? (int8_t)b : b;
}

typedef struct product {
    size_t m, n, k, segments;
    bool a_signed, b_signed, each;
    int out, pattern;
    bool plain;        /* signed B without a zero point, so no sums of rows */
    float scale;       /* most of it; 0: 0.01 */
    int32_t low, zero; /* of y: the least value, the zero point; 0, 0: -128, 3 */
} product;

/* The same B, a column in one piece, is packed to the same bytes. */
static void check_turned(const ln_qgemm_tile *tile, const ln_qgemm_b *b, const void *packed, size_t bytes)
{
    size_t depth = b->segments * b->k;
    uint8_t *turned = check_guard(depth * b->n, true);
    void *other = aligned_alloc(64, (bytes + 63) / 64 * 64);
    for (size_t n = 0; n < b->n; n++)
        for (size_t i = 0; i < depth; i++)
            turned[n * depth + i] = b->b[i * b->n + n];
    ln_qgemm_b columns = *b;
    columns.b = turned;
    columns.stride_n = depth;
    columns.stride_s = b->k;
    columns.stride_k = 1;
    ln_qgemm_pack(other, tile, &columns);
    check_ok(memcmp(other, packed, bytes) == 0, "columns in one piece: %zu segments of %zu, %zu columns", b->segments,
             b->k, b->n);
    free(other);
    check_guard_free(turned);
}

static void one_product(const ln_kernel_table *t, const product *s)
{
    const ln_qgemm_tile *tile = t->qgemm;
    size_t depth = s->k * s->segments, size = s->out == LN_QGEMM_8 ? 1 : 4;
    uint8_t *b = malloc(depth * s->n + 1), *zero = malloc(s->n), **rows = malloc(s->m * s->segments * sizeof *rows);
    int32_t *bias = malloc(s->n * 4), *sums = malloc(s->m * 4);
    float *scale = malloc(s->n * 4), *row_scale = malloc(s->m * 4), *fbias = malloc(s->n * 4);
    uint8_t *c = check_guard(s->m * s->n * size, true), *want = malloc(s->m * s->n * size);
    fill8(b, depth * s->n, s->pattern);
    fill8(zero, s->n, 0);
    if (s->plain)
        memset(zero, s->b_signed ? 0 : 128, s->n);
    const int32_t y_zero = s->low || s->zero ? s->zero : 3, low = s->low || s->zero ? s->low : -128;
    for (size_t j = 0; j < s->n; j++) {
        bias[j] = s->plain ? (int32_t)check_below(20001) - 10000 : (int32_t)check_random();
        scale[j] = check_uniform(1e-5f, s->scale > 0 ? s->scale : 1e-2f);
        fbias[j] = check_uniform(-3, 3);
    }
    for (size_t i = 0; i < s->m; i++)
        row_scale[i] = check_uniform(0.5f, 2);
    for (size_t i = 0; i < s->m * s->segments; i++) {
        rows[i] = check_guard(s->k, true);
        fill8(rows[i], s->k, s->pattern);
    }
    size_t bytes = ln_qgemm_packed_bytes(tile, s->segments, s->k, s->n);
    void *packed = aligned_alloc(64, (bytes + 63) / 64 * 64);
    /* B lies as [segments][k][n]. */
    ln_qgemm_b from = {.b = b,
                       .segments = s->segments,
                       .k = s->k,
                       .n = s->n,
                       .stride_s = s->k * s->n,
                       .stride_k = s->n,
                       .stride_n = 1,
                       .is_signed = s->b_signed,
                       .bias = bias,
                       .zero = zero,
                       .zero_stride = s->each};
    bool need = ln_qgemm_pack(packed, tile, &from);
    check_turned(tile, &from, packed, bytes);
    int32_t a_zero = value((uint8_t)check_random(), s->a_signed);
    ln_qgemm_args g = {.k = s->k,
                       .segments = s->segments,
                       .a_stride = s->m,
                       .c_stride = s->n,
                       .flip = s->a_signed ? 0x80 : 0,
                       .a_zero = a_zero + (s->a_signed ? 128 : 0),
                       .out = s->out,
                       .y_zero = y_zero,
                       .lo = (float)(low - y_zero),
                       .hi = (float)(low + 255 - y_zero),
                       .scale = scale,
                       .fbias = fbias,
                       .row_scale = s->each ? row_scale : NULL};
    const ln_kernel_table *before = ln_kernels;
    ln_kernels = t;
    if (need) {
        ln_qgemm_row_sums(sums, (const uint8_t *const *)rows, s->m, &g);
        g.row_sum = sums;
    }
    ln_qgemm(c, (const uint8_t *const *)rows, packed, s->m, s->n, 0, (s->n + tile->nr - 1u) / tile->nr, tile, &g);
    ln_kernels = before;
    for (size_t i = 0; i < s->m; i++)
        for (size_t j = 0; j < s->n; j++) {
            uint32_t acc = (uint32_t)bias[j];
            int32_t bz = value(zero[s->each ? j : 0], s->b_signed);
            for (size_t e = 0; e < depth; e++)
                acc += (uint32_t)((value(rows[e / s->k * s->m + i][e % s->k], s->a_signed) - a_zero) *
                                  (value(b[e * s->n + j], s->b_signed) - bz));
            size_t at = i * s->n + j;
            float f = s->each ? scale[j] * row_scale[i] : scale[j];
            if (s->out == LN_QGEMM_I32)
                memcpy(want + at * 4, &acc, 4);
            else if (s->out == LN_QGEMM_8)
                want[at] = ln_requantize(acc, f, g.lo, g.hi, g.y_zero);
            else {
                float y = (float)(int32_t)acc * f + fbias[j];
                memcpy(want + at * 4, &y, 4);
            }
        }
    check_ok(memcmp(c, want, s->m * s->n * size) == 0,
             "qgemm m=%zu n=%zu k=%zu segments=%zu signed=%d,%d out=%d "
             "pattern=%d",
             s->m, s->n, s->k, s->segments, s->a_signed, s->b_signed, s->out, s->pattern);
    for (size_t i = 0; i < s->m * s->segments; i++)
        check_guard_free(rows[i]);
    check_guard_free(c);
    free(b), free(zero), free(rows), free(bias), free(sums), free(scale), free(row_scale), free(fbias), free(want);
    free(packed);
}

/* Segments that are packed as one are packed as if they were one. */
static void joined(const ln_qgemm_tile *tile)
{
    enum { K = 7, N = 37, SEGMENTS = 6 };
    size_t bytes =
        ln_qgemm_packed_bytes(tile, 1, SEGMENTS * K, N) + ln_qgemm_packed_bytes(tile, 2, SEGMENTS / 2 * K, N);
    uint8_t b[SEGMENTS * K * N];
    char *one = malloc(bytes), *other = malloc(bytes);
    fill8(b, sizeof b, 0);
    for (size_t pieces = 1; pieces <= 2; pieces++) {
        size_t length = SEGMENTS / pieces * K, packed = ln_qgemm_packed_bytes(tile, pieces, length, N);
        ln_qgemm_b apart = {.b = b,
                            .segments = SEGMENTS,
                            .k = K,
                            .n = N,
                            .stride_s = K * N,
                            .stride_k = N,
                            .stride_n = 1,
                            .joined = SEGMENTS / pieces};
        ln_qgemm_b whole = apart;
        whole.segments = pieces;
        whole.k = length;
        whole.stride_s = length * N;
        whole.joined = 0;
        ln_qgemm_pack(one, tile, &apart);
        ln_qgemm_pack(other, tile, &whole);
        check_ok(memcmp(one, other, packed) == 0, "joined segments in %zu pieces", pieces);
    }
    free(one), free(other);
}

static void products(ln_tier tier, const ln_kernel_table *t)
{
    /* Sums beyond 31 bits, in one segment and in two. */
    static const product longest[] = {{.m = 2, .n = 9, .k = 70001, .segments = 1, .pattern = 1},
                                      {.m = 3, .n = 5, .k = 40001, .segments = 2, .a_signed = true, .pattern = 1}};
    static const size_t depths[] = {1, 2, 3, 4, 5, 8, 15, 64, 67, 130};
    (void)tier;
    joined(t->qgemm);
    one_product(t, &longest[0]);
    one_product(t, &longest[1]);
    for (size_t m = 1; m <= 14; m++)
        for (size_t i = 0; i < 10; i++)
            for (int out = 0; out < 3; out++) {
                product s = {m,
                             1 + check_below(70),
                             depths[i],
                             1 + check_below(3),
                             m & 1,
                             (m & 2) != 0,
                             (i & 1) != 0,
                             out,
                             m <= 4 ? (int)(i % 4) : 0,
                             false,
                             0,
                             0,
                             0};
                one_product(t, &s);
            }
    /* Rows that a function of a tile takes several of, a short K, and all that bytes may be: zero points, and scales
     * from which sums do not fit into 32 bits. */
    for (size_t m = 1; m <= 100; m += m < 30 ? 1 : 23)
        for (size_t k = 4; k <= 40; k += 4)
            for (int out = 0; out < 3; out++) {
                product s = {m,     m % 7 ? 1 + check_below(70) : 16,
                             k,     1 + (k == 12),
                             m & 1, (m & 4) == 0,
                             false, out,
                             0,     true,
                             0,     0,
                             0};
                s.scale = m % 5 == 0 ? 3.0f : m % 3 == 0 ? 0.9f : 1e-3f;
                s.low = m & 2 ? -128 : 0;
                s.zero = s.low + (int32_t)(m % 4 == 0 ? 0 : m % 4 == 1 ? 128 : check_below(256));
                one_product(t, &s);
            }
}

/* Windows of 3 x 3 over an image with padding, which share columns with the next one, but at the ends of lines. */
static void depthwise_windows(const ln_kernel_table *t)
{
    enum { HIGH = 4, WIDE = 9, MOST = 140, TAPS = 9 };
    for (size_t channels = 1; channels <= MOST; channels += 1 + check_below(24))
        for (size_t stride = 1; stride <= 3; stride++) {
            const size_t high = (HIGH - 1) / stride + 1, wide = (WIDE - 1) / stride + 1, pixels = high * wide;
            const uint8_t *rows[HIGH * WIDE * TAPS];
            uint8_t *x = check_guard(HIGH * WIDE * channels, true), *zero = check_guard(channels, true);
            uint8_t *y = check_guard(pixels * channels, true), want[HIGH * WIDE * MOST];
            int16_t w[TAPS * MOST];
            int32_t bias[MOST];
            float scale[MOST];
            fill8(x, HIGH * WIDE * channels, 0);
            memset(zero, 77, channels);
            for (size_t i = 0; i < TAPS * channels; i++)
                w[i] = (int16_t)((int)check_below(256) - 128);
            for (size_t i = 0; i < channels; i++) {
                bias[i] = (int32_t)check_below(2000) - 1000;
                scale[i] = check_below(100) ? check_uniform(1e-4f, 1e-2f) : 1e6f; /* sums beyond 32 bits */
            }
            for (size_t p = 0; p < pixels; p++)
                for (size_t i = 0; i < TAPS; i++) {
                    size_t line = p / wide * stride + i / 3 - 1, column = p % wide * stride + i % 3 - 1;
                    rows[p * TAPS + i] = line < HIGH && column < WIDE ? x + (line * WIDE + column) * channels : zero;
                }
            const bool is_signed = check_below(2) != 0;
            ln_qdepthwise_args g = {.taps = TAPS,
                                    .y_stride = channels,
                                    .w_stride = channels,
                                    .w = w,
                                    .bias = bias,
                                    .scale = scale,
                                    .out = LN_QGEMM_8,
                                    .y_zero = is_signed ? -5 : 250,
                                    .lo = is_signed ? -123 : -250,
                                    .hi = is_signed ? 132 : 5};
            int8_t *w8 = malloc(ln_qdepthwise_bytes8(TAPS, channels));
            g.w8 = ln_qdepthwise_pack8(w8, w, TAPS, channels) ? w8 : NULL;
            t->qdepthwise(y, rows, pixels, channels, &g);
            ln_tier_table(LN_TIER_SCALAR)->qdepthwise(want, rows, pixels, channels, &g);
            check_ok(memcmp(y, want, pixels * channels) == 0, "qdepthwise windows, channels=%zu stride=%zu signed=%d",
                     channels, stride, is_signed);
            free(w8);
            check_guard_free(x), check_guard_free(zero), check_guard_free(y);
        }
}

static void depthwise(ln_tier tier, const ln_kernel_table *t)
{
    enum { PIXELS = 3 };
    (void)tier;
    depthwise_windows(t);
    for (size_t channels = 1; channels <= 70; channels += channels < 34 ? 1 : 7)
        for (size_t taps = 1; taps <= 13; taps += 4)
            for (int out = LN_QGEMM_I32; out <= LN_QGEMM_8; out++) {
                /* Weights may be of more channels than are wanted. */
                size_t size = out == LN_QGEMM_8 ? 1 : 4, w_stride = channels + (channels % 3 ? 0 : 9);
                uint8_t *rows[PIXELS * 13];
                int16_t *w = check_guard(taps * w_stride * 2, true);
                int32_t *bias = check_guard(channels * 4, true);
                float *scale = check_guard(channels * 4, true);
                uint8_t *y = check_guard(PIXELS * channels * size, true), want[PIXELS * 70 * 4];
                for (size_t i = 0; i < taps * w_stride; i++)
                    w[i] = (int16_t)(taps % 8 == 5 ? (int)check_below(256) - 128 : (int)check_below(511) - 255);
                for (size_t i = 0; i < channels; i++) {
                    bias[i] = (int32_t)check_below(2000) - 1000;
                    scale[i] = check_uniform(1e-4f, 1e-2f);
                }
                for (size_t i = 0; i < PIXELS * taps; i++)
                    fill8(rows[i] = check_guard(channels, true), channels, 0);
                ln_qdepthwise_args g = {.taps = taps,
                                        .y_stride = channels,
                                        .w_stride = w_stride,
                                        .w = w,
                                        .bias = bias,
                                        .scale = scale,
                                        .flip = channels & 1 ? 0x80 : 0,
                                        .out = out,
                                        .y_zero = -5,
                                        .lo = -123,
                                        .hi = 132};
                int8_t *w8 = malloc(ln_qdepthwise_bytes8(taps, w_stride));
                g.w8 = ln_qdepthwise_pack8(w8, w, taps, w_stride) ? w8 : NULL;
                t->qdepthwise(y, (const uint8_t *const *)rows, PIXELS, channels, &g);
                free(w8);
                ln_tier_table(LN_TIER_SCALAR)->qdepthwise(want, (const uint8_t *const *)rows, PIXELS, channels, &g);
                check_ok(memcmp(y, want, PIXELS * channels * size) == 0, "qdepthwise channels=%zu taps=%zu out=%d",
                         channels, taps, out);
                for (size_t i = 0; i < PIXELS * taps; i++)
                    check_guard_free(rows[i]);
                check_guard_free(w), check_guard_free(bias), check_guard_free(scale), check_guard_free(y);
            }
}

/* Random sums of all sizes, and those around the ends of the table and of its entries. */
static void sigmoids(const ln_kernel_table *t)
{
    static const int32_t edges[] = {0,
                                    1,
                                    -1,
                                    4095,
                                    4096,
                                    -4096,
                                    LN_QSIGMOID_END - 1,
                                    LN_QSIGMOID_END,
                                    -LN_QSIGMOID_END,
                                    LN_QSIGMOID_END + 1,
                                    INT32_MAX,
                                    -INT32_MAX};
    enum { EDGES = sizeof edges / sizeof *edges };
    for (size_t n = 0; n <= 70; n++) {
        int32_t *x = check_guard(n * 4, true), *y = check_guard(n * 4, true);
        bool ok = true;
        for (size_t i = 0; i < n; i++)
            x[i] = i % 3 ? (int32_t)check_below(1u << (8 + i % 22)) - (1 << (7 + i % 22)) : edges[(i / 3 + n) % EDGES];
        t->qsigmoid(y, x, n);
        for (size_t i = 0; i < n; i++) {
            int32_t a = x[i] < 0 ? -x[i] : x[i], k = a < LN_QSIGMOID_END ? a >> 12 : 192, part = a & 4095;
            double low = ln_qsigmoid_table[k],
                   want = k == 192 ? low : low + (ln_qsigmoid_table[k + 1] - low) * part / 4096;
            want = floor(want + 0.5);
            ok = ok && y[i] == (x[i] < 0 ? -want : want);
            /* half a step of the result, half of the table's, and the bend of the curve between two entries */
            ok = ok && fabs(y[i] - 65536 * (1 / (1 + exp(-x[i] / 65536.0)) - 0.5)) < 4.2;
        }
        check_ok(ok, "qsigmoid n=%zu", n);
        t->qsigmoid(x, x, n);
        check_ok(n == 0 || memcmp(x, y, n * 4) == 0, "qsigmoid n=%zu in place", n);
        check_guard_free(x), check_guard_free(y);
    }
}

static void vectors(ln_tier tier, const ln_kernel_table *t)
{
    const ln_kernel_table *scalar = ln_tier_table(LN_TIER_SCALAR);
    (void)tier;
    sigmoids(t);
    for (size_t n = 0; n <= 70; n++)
        for (int pattern = 0; pattern < CHECK_PATTERNS; pattern++) {
            float *x = check_guard(n * 4, true), *f = check_guard(n * 4, true), want_f[70];
            uint8_t *a = check_guard(n, true), *b = check_guard(n, true), *y = check_guard(n, true), want[70];
            check_fill_f32(x, n, (check_pattern)pattern);
            fill8(a, n, 0);
            fill8(b, n, 0);
            for (int low = -128; low <= 0; low += 128) {
                int32_t zero = low + (int32_t)check_below(256);
                float scale = check_uniform(1e-3f, 1);
                t->quantize8(y, x, n, scale, zero, low);
                scalar->quantize8(want, x, n, scale, zero, low);
                check_ok(n == 0 || memcmp(y, want, n) == 0, "quantize8 n=%zu pattern=%d low=%d", n, pattern, low);
                t->dequantize8(f, a, n, scale, zero + (low ? 128 : 0), low ? 0x80 : 0);
                scalar->dequantize8(want_f, a, n, scale, zero + (low ? 128 : 0), low ? 0x80 : 0);
                check_ok(n == 0 || memcmp(f, want_f, n * 4) == 0, "dequantize8 n=%zu low=%d", n, low);
                ln_qbinary_args g = {.a_scale = scale,
                                     .b_scale = check_uniform(1e-3f, 1),
                                     .c_scale = 0.3f,
                                     .a_zero = (int32_t)check_below(256),
                                     .b_zero = (int32_t)check_below(256),
                                     .c_zero = zero,
                                     .flip = low ? 0x80 : 0,
                                     .multiply = pattern & 1,
                                     .a_step = n == 0 || pattern != 2,
                                     .b_step = n == 0 || pattern != 3,
                                     .lo = (float)(low - zero),
                                     .hi = (float)(low + 255 - zero)};
                t->qbinary8(y, a, b, n, &g);
                scalar->qbinary8(want, a, b, n, &g);
                check_ok(n == 0 || memcmp(y, want, n) == 0, "qbinary8 n=%zu pattern=%d low=%d", n, pattern, low);
            }
            check_guard_free(x), check_guard_free(f), check_guard_free(a), check_guard_free(b), check_guard_free(y);
        }
}

/* Packings for the tiers of firmware, with what stands in for their micro-kernels here; tiles for narrower registers.
 */
static void stand_ins(void)
{
    ln_kernel_table table = *ln_tier_table(LN_TIER_SCALAR);
    table.qgemm = &ln_qgemm_as_armdsp;
    products(LN_TIER_ARMDSP, &table);
    table.qgemm = &ln_qgemm_as_mve;
    products(LN_TIER_MVE, &table);
    table.qgemm = &ln_qgemm_as_neon;
    products(LN_TIER_NEON, &table);
    table.qgemm = &ln_qgemm_as_wasm;
    products(LN_TIER_WASM, &table);
    for (size_t i = 0; i < 4; i++) {
        table.qgemm = &ln_qgemm_as_rvv[i];
        products(LN_TIER_RVV, &table);
    }
    for (size_t vlen = 128; vlen < ln_tier_vlen(LN_TIER_RVV); vlen *= 2)
        products(LN_TIER_RVV, ln_tier_table_of(LN_TIER_RVV, vlen));
}

/* What the tier avx2 may have: the products with and without AVX-VNNI. */
static void variants(void)
{
#ifdef __x86_64__
    extern const ln_qgemm_tile ln_qgemm_avx2, ln_qgemm_evex;
    if (!ln_tier_available(LN_TIER_AVX2))
        return;
    ln_kernel_table table = *ln_tier_table(LN_TIER_AVX2);
    table.qgemm = &ln_qgemm_avx2;
    products(LN_TIER_AVX2, &table);
    table.qgemm = &ln_qgemm_evex;
    if (ln_tier_available(LN_TIER_AVX512))
        products(LN_TIER_AVX2, &table);
    else
        check_skip("the product of AVX-VNNI as AVX-512 encodes it: not on this machine");
#endif
}

int main(int argc, char **argv)
{
    check_start(argc, argv);
    check_tiers(products);
    variants();
    stand_ins();
    check_tiers(depthwise);
    check_tiers(vectors);
    return check_finish();
}
