/* SPDX-License-Identifier: Apache-2.0
 *
 * The integer product with SDOT (Armv8.2 dotprod): up to 8 rows by 8 columns, 16 accumulators. Sixteen bytes of each
 * row are loaded at once and multiplied by lanes of four, so 64 dot products want 16 loads; a uint8 A costs one more
 * instruction for each row, to flip it. (With i8mm, USDOT would need no flip, and SMMLA does twice the work a step on
 * pairs of rows and columns of eight: a tile of kr 8.)
 */
#include "kernels/qgemm_neon.h"

enum { MR = 8, NR = 8, KR = 4 };

#define UNROLL _Pragma("GCC unroll 8")

/* Four bytes of each row, in lane s, by four of each column. No load is moved over the end of a step: a compiler that
 * brings all of B forward runs out of registers, and copies sums. (Where A is flipped, that costs more than it saves.)
 */
#define STEP(s)                                                                                                        \
    UNROLL for (size_t v = 0; v < nv; v++)                                                                             \
    {                                                                                                                  \
        int8x16_t y = vld1q_s8(b + s * NR * KR + 16 * v);                                                              \
        UNROLL for (size_t i = 0; i < m; i++) acc[i][v] = vdotq_laneq_s32(acc[i][v], y, x[i], s);                      \
    }                                                                                                                  \
    if (sign)                                                                                                          \
    __asm__("" ::: "memory")

V_ int8x16_t row_of(const uint8_t *p, size_t n, const int sign)
{
    uint8_t last[KR] = {0};
    uint8x16_t v;
    if (n >= 16) {
        v = vld1q_u8(p);
    } else {
        uint32_t four;
        if (n >= KR) {
            memcpy(&four, p, KR);
        } else { /* B is zero behind the end, so what is there of A does not matter */
            memcpy(last, p, n);
            memcpy(&four, last, KR);
        }
        v = vreinterpretq_u8_u32(vdupq_n_u32(four));
    }
    return vreinterpretq_s8_u8(sign ? v : veorq_u8(v, vdupq_n_u8(0x80)));
}

/* m, nv and sign are constants after inlining. */
V_ void rows(const size_t m, const size_t nv, const int sign, void *c, const uint8_t *const *a, const void *panel,
             size_t n, const ln_qgemm_args *g)
{
    const int32_t *head = panel;
    const int8_t *b = (const int8_t *)(head + 3 * NR);
    const size_t segments = g->segments, depth = g->k;
    int32x4_t acc[MR][2];
    int8x16_t x[MR];
    UNROLL for (size_t v = 0; v < nv; v++)
    {
        int32x4_t start = start_of(head, NR, 4 * v, g);
        UNROLL for (size_t i = 0; i < m; i++) acc[i][v] = start;
    }
    for (size_t s = 0; s < segments; s++) {
        const uint8_t *row[MR];
        size_t k = 0;
        UNROLL for (size_t i = 0; i < m; i++) row[i] = a[s * g->a_stride + i];
        for (; k + 16 <= depth; k += 16, b += 4 * NR * KR) {
            UNROLL for (size_t i = 0; i < m; i++) x[i] = row_of(row[i] + k, 16, sign);
            STEP(0);
            STEP(1);
            STEP(2);
            STEP(3);
        }
        for (; k + KR <= depth; k += KR, b += NR * KR) {
            UNROLL for (size_t i = 0; i < m; i++) x[i] = row_of(row[i] + k, KR, sign);
            STEP(0);
        }
        if (k < depth) {
            UNROLL for (size_t i = 0; i < m; i++) x[i] = row_of(row[i] + k, depth - k, sign);
            STEP(0);
            b += NR * KR;
        }
    }
    const int32_t *zero = head + 2 * NR;
    if (nv == 2 && n == NR && g->out == LN_QGEMM_8 && !g->row_sum && !g->row_scale) {
        /* Loaded once: the stores may alias them. */
        const float32x4_t scale0 = scale_of(g, 0, 0, 4), scale1 = scale_of(g, 0, 4, 4);
        const float lo = g->lo, hi = g->hi;
        const int32_t y_zero = g->y_zero;
        const size_t stride = g->c_stride;
        UNROLL for (size_t i = 0; i < m; i++)
        {
            int32x4_t p = requantize(acc[i][0], scale0, lo, hi, y_zero);
            int32x4_t q = requantize(acc[i][1], scale1, lo, hi, y_zero);
            vst1_u8((uint8_t *)c + i * stride, low_bytes(p, q));
        }
        return;
    }
    UNROLL for (size_t i = 0; i < m; i++)
    {
        finish4(c, i, 0, n < 4 ? n : 4, acc[i][0], zero, g);
        if (nv > 1)
            finish4(c, i, 4, n - 4, acc[i][1], zero, g);
    }
}

#define BODY(name, m, nv, sign)                                                                                        \
    static void name(void *c, const uint8_t *const *a, const void *b, size_t n, const ln_qgemm_args *g)                \
    {                                                                                                                  \
        rows(m, nv, sign, c, a, b, n, g);                                                                              \
    }
#define ROWS(m)                                                                                                        \
    BODY(u_half_##m, m, 1, 0) BODY(u_whole_##m, m, 2, 0) BODY(s_half_##m, m, 1, 1) BODY(s_whole_##m, m, 2, 1)
/* clang-format off */
ROWS(1) ROWS(2) ROWS(3) ROWS(4) ROWS(5) ROWS(6) ROWS(7) ROWS(8)

typedef void body(void *c, const uint8_t *const *a, const void *b, size_t n, const ln_qgemm_args *g);
#define ALL(p) {p##1, p##2, p##3, p##4, p##5, p##6, p##7, p##8}
/* clang-format on */
static body *const bodies[2][2][MR] = {{ALL(u_half_), ALL(u_whole_)}, {ALL(s_half_), ALL(s_whole_)}};

static void run(void *c, const uint8_t *const *a, const void *panel, size_t m, size_t n, const ln_qgemm_args *g)
{
    bodies[g->flip != 0][n > 4][m - 1](c, a, panel, n, g);
}

const ln_qgemm_tile ln_qgemm_neondot = {.mr = MR, .nr = NR, .kr = KR, .run = run, .depthwise8 = true, .lanes = 32};

void ln_qrowsum_neondot(int32_t *sums, const uint8_t *const *a, size_t m, size_t k, uint32_t flip)
{
    const uint8x16_t x = vdupq_n_u8((uint8_t)flip), ones = vdupq_n_u8(1);
    for (size_t i = 0; i < m; i++) {
        uint32x4_t parts = vdupq_n_u32(0);
        size_t j = 0;
        for (; j + 16 <= k; j += 16)
            parts = vdotq_u32(parts, veorq_u8(vld1q_u8(a[i] + j), x), ones);
        uint32_t sum = vaddvq_u32(parts);
        for (; j < k; j++)
            sum += a[i][j] ^ flip;
        sums[i] = (int32_t)sum;
    }
}

/* 16 channels of all pixels: the bytes of four rows are interleaved, so that four taps of a channel lie in 32 bits for
 * SDOT. w: the block's weights (ln_qdepthwise_pack8). x is taken as int8, so 128 times the weights' sum is added. */
static void depthwise16(uint8_t *y, const uint8_t *const *x, size_t pixels, size_t c, const int8_t *w,
                        const ln_qdepthwise_args *g)
{
    const uint8x16_t flip = vreinterpretq_u8_s8(to_signed(g->flip));
    const int8x16_t less = vdupq_n_s8(-128);
    const size_t groups = (g->taps + 3) / 4;
    int32x4_t bias[4];
    for (size_t j = 0; j < 4; j++) {
        int32x4_t offset = vdupq_n_s32(0);
        for (size_t t = 0; t < groups; t++)
            offset = vdotq_s32(offset, vld1q_s8(w + t * 256 + j * 64), less);
        bias[j] = vsubq_s32(vld1q_s32(g->bias + c + 4 * j), offset);
    }
    const depthwise_end first = end_of(g, c), second = end_of(g, c + 8);
    const size_t taps = g->taps, stride = g->y_stride;
    for (size_t p = 0; p < pixels; p++, x += taps) {
        int32x4_t acc[4] = {bias[0], bias[1], bias[2], bias[3]};
        for (size_t t = 0; t < groups; t++) {
            const size_t count = taps - 4 * t;
            const int8_t *v = w + t * 256;
            uint8x16_t r[4] = {veorq_u8(vld1q_u8(x[4 * t] + c), flip)};
            r[3] = r[2] = r[1] = r[0]; /* weights are zero where taps end */
            if (count > 1)
                r[1] = veorq_u8(vld1q_u8(x[4 * t + 1] + c), flip);
            if (count > 2)
                r[2] = veorq_u8(vld1q_u8(x[4 * t + 2] + c), flip);
            if (count > 3)
                r[3] = veorq_u8(vld1q_u8(x[4 * t + 3] + c), flip);
            uint16x8_t a = vreinterpretq_u16_u8(vzip1q_u8(r[0], r[1])), b = vreinterpretq_u16_u8(vzip2q_u8(r[0], r[1]));
            uint16x8_t d = vreinterpretq_u16_u8(vzip1q_u8(r[2], r[3])), e = vreinterpretq_u16_u8(vzip2q_u8(r[2], r[3]));
            acc[0] = vdotq_s32(acc[0], vreinterpretq_s8_u16(vzip1q_u16(a, d)), vld1q_s8(v));
            acc[1] = vdotq_s32(acc[1], vreinterpretq_s8_u16(vzip2q_u16(a, d)), vld1q_s8(v + 64));
            acc[2] = vdotq_s32(acc[2], vreinterpretq_s8_u16(vzip1q_u16(b, e)), vld1q_s8(v + 128));
            acc[3] = vdotq_s32(acc[3], vreinterpretq_s8_u16(vzip2q_u16(b, e)), vld1q_s8(v + 192));
        }
        depthwise_end8(y, p * stride + c, acc[0], acc[1], &first);
        depthwise_end8(y, p * stride + c + 8, acc[2], acc[3], &second);
    }
}

void ln_qdepthwise_neondot(uint8_t *y, const uint8_t *const *x, size_t pixels, size_t channels,
                           const ln_qdepthwise_args *g)
{
    const size_t block = (g->taps + 3) / 4 * 256;
    size_t c = 0;
    if (g->w8)
        for (; c + 16 <= channels; c += 16)
            depthwise16(y, x, pixels, c, g->w8 + c / 64 * block + c % 64, g);
    for (size_t p = 0; p < pixels && c < channels; p++, x += g->taps)
        depthwise_pixel(y, x, p, c, channels, g);
}
