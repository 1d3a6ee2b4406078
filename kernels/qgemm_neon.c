/* SPDX-License-Identifier: Apache-2.0
 *
 * The integer product on NEON without dot products, exact: of sixteen bytes of a row and of a column SMULL multiplies
 * the first eight to 16 bits, SMLSL subtracts the products of the others, and SADALP adds pairs of what results to an
 * accumulator of four partial sums, one for each of the 2 x 8 elements of a tile; they are added up at the end.
 *
 * Two products of int8 do not fit into 16 bits where both are -128 * -128. So the other eight bytes of a row are
 * complemented: ~a is -a - 1, hence x * b - ~a * c = x * b + a * c + c lies in +-(16384 + 16256), and the bias makes up
 * for c, once for all rows (`plus` in qgemm.h).
 */
#include "kernels/qgemm_neon.h"
#include "kernels/tiles.h"

enum { MR = LN_NEON_MR, ROWS = 2, NR = LN_NEON_NR, KR = LN_NEON_KR };

#define UNROLL _Pragma("GCC unroll 8")

/* What the rows of a tile have in common. */
typedef struct tile {
    const int32_t *head;
    const ln_qgemm_args *g;
    size_t n;
    bool plain;          /* eight columns of bytes, by finite scales of the columns */
    int32x4_t first[NR]; /* where an accumulator starts: what a column starts at, in one lane */
    bytes_end end;
} tile;

/* Nothing of x is moved over this: a compiler that brings the products of all columns forward runs out of registers. */
#define HERE(x) __asm__ volatile("" : "+w"(x))

/* Where only half of the group is there, the rest of B is zero. */
V_ void step(int32x4_t (*acc)[NR], int8x16_t *x, const int8_t *b, const size_t m, const size_t halves)
{
    UNROLL for (size_t j = 0; j < NR; j += 2)
    {
        const int8x16_t y[2] = {vld1q_s8(b + j * KR), vld1q_s8(b + (j + 1) * KR)};
        int16x8_t p[ROWS][2];
        UNROLL for (size_t i = 0; i < m; i++) UNROLL for (size_t h = 0; h < 2; h++) p[i][h] =
            vmull_s8(vget_low_s8(x[i]), vget_low_s8(y[h]));
        if (halves > 1)
            UNROLL for (size_t i = 0; i < m; i++) UNROLL for (size_t h = 0; h < 2; h++) p[i][h] =
                vmlsl_high_s8(p[i][h], x[i], y[h]);
        UNROLL for (size_t i = 0; i < m; i++) UNROLL for (size_t h = 0; h < 2; h++) acc[i][j + h] =
            vpadalq_s16(acc[i][j + h], p[i][h]);
        UNROLL for (size_t i = 0; i < m; i++) UNROLL for (size_t h = 0; h < 2; h++) HERE(acc[i][j + h]);
        UNROLL for (size_t i = 0; i < m; i++) HERE(x[i]);
        __asm__ volatile("" ::"w"(y[0]), "w"(y[1]));
    }
}

/* The last n < 16 bytes of a segment of k, from `row` on; zeros, or anything, behind them. */
V_ uint8x16_t last_of(const uint8_t *row, size_t n, size_t k)
{
    static const uint8_t lanes[2 * KR] = {0,   1,   2,   3,   4,   5,   6,   7,   8,   9,   10,
                                          11,  12,  13,  14,  15,  255, 255, 255, 255, 255, 255,
                                          255, 255, 255, 255, 255, 255, 255, 255, 255, 255};
    uint64_t low = 0, high = 0;
    if (k >= KR)
        return vqtbl1q_u8(vld1q_u8(row + n - KR), vld1q_u8(lanes + KR - n));
    if (n == KR / 2)
        return vcombine_u8(vld1_u8(row), vdup_n_u8(0));
    for (size_t i = 0; i < n && i < 8; i++)
        low |= (uint64_t)row[i] << 8 * i;
    for (size_t i = 8; i < n; i++)
        high |= (uint64_t)row[i] << (8 * i - 64);
    return vreinterpretq_u8_u64(vcombine_u64(vcreate_u64(low), vcreate_u64(high)));
}

V_ int32x4_t sum_of(const int32x4_t *acc)
{
    return vpaddq_s32(vpaddq_s32(acc[0], acc[1]), vpaddq_s32(acc[2], acc[3]));
}

static __attribute__((noinline)) void finish_row(void *c, size_t i, int32x4_t low, int32x4_t high, const tile *t)
{
    finish4(c, i, 0, t->n < 4 ? t->n : 4, low, t->head + 2 * NR, t->g);
    if (t->n > 4)
        finish4(c, i, 4, t->n - 4, high, t->head + 2 * NR, t->g);
}

/* From row i on m at a time, as long as there are as many before `end`: the row behind them. m is a constant after
 * inlining. */
V_ size_t rows(const size_t m, void *c, size_t i0, const size_t end, const uint8_t *const *a, const tile *t)
{
    const ln_qgemm_args *g = t->g;
    const size_t depth = g->k, segments = g->segments, a_stride = g->a_stride, c_stride = g->c_stride;
    const uint8x8_t own = vget_low_u8(vreinterpretq_u8_s8(to_signed(g->flip)));
    const uint8x16_t flip = vcombine_u8(own, vmvn_u8(own));
    const bool plain = t->plain;
    for (; i0 + m <= end; i0 += m) {
        const int8_t *b = (const int8_t *)(t->head + 3 * NR);
        int32x4_t acc[ROWS][NR];
        int8x16_t x[ROWS];
        __asm__ volatile("" ::: "memory"); /* what all tiles begin with is loaded for each: registers are scarce */
        UNROLL for (size_t i = 0; i < m; i++) UNROLL for (size_t j = 0; j < NR; j++) acc[i][j] = t->first[j];
        for (size_t s = 0; s < segments; s++) {
            const uint8_t *row[ROWS];
            size_t k = 0;
            UNROLL for (size_t i = 0; i < m; i++) row[i] = a[s * a_stride + i0 + i];
            for (; k + KR <= depth; k += KR, b += NR * KR) {
                UNROLL for (size_t i = 0; i < m; i++) x[i] = vreinterpretq_s8_u8(veorq_u8(vld1q_u8(row[i] + k), flip));
                step(acc, x, b, m, 2);
            }
            if (k == depth)
                continue;
            UNROLL for (size_t i = 0; i < m; i++) x[i] =
                vreinterpretq_s8_u8(veorq_u8(last_of(row[i] + k, depth - k, depth), flip));
            if (depth - k > KR / 2)
                step(acc, x, b, m, 2);
            else
                step(acc, x, b, m, 1);
            b += NR * KR;
        }
        int32x4_t sum[ROWS][2];
        UNROLL for (size_t i = 0; i < m; i++) UNROLL for (size_t h = 0; h < 2; h++) sum[i][h] = sum_of(acc[i] + 4 * h);
        if (plain) {
            const bytes_end e = t->end; /* not before, when sums need the registers */
            int8x8_t bytes[ROWS];
            UNROLL for (size_t i = 0; i < m; i++) bytes[i] = bytes_of(sum[i][0], sum[i][1], e.scale[0], e.scale[1], &e);
            UNROLL for (size_t i = 0; i < m; i++) vst1_s8((int8_t *)c + (i0 + i) * c_stride, bytes[i]);
        } else {
            UNROLL for (size_t i = 0; i < m; i++) finish_row(c, i0 + i, sum[i][0], sum[i][1], t);
        }
    }
    return i0;
}

#define BODY(m)                                                                                                        \
    static __attribute__((noinline))                                                                                   \
    size_t rows_##m(void *c, size_t i, size_t end, const uint8_t *const *a, const tile *t)                             \
    {                                                                                                                  \
        return rows(m, c, i, end, a, t);                                                                               \
    }
BODY(1)
BODY(2)

static void run(void *c, const uint8_t *const *a, const void *panel, size_t m, size_t n, const ln_qgemm_args *g)
{
    tile t = {.head = panel, .g = g, .n = n};
    int32_t start[NR];
    vst1q_s32(start, start_of(panel, NR, 0, g));
    vst1q_s32(start + 4, start_of(panel, NR, 4, g));
    for (size_t j = 0; j < NR; j++)
        t.first[j] = vsetq_lane_s32(start[j], vdupq_n_s32(0), 0);
    if (n == NR && g->out == LN_QGEMM_8 && !g->row_sum && !g->row_scale)
        t.plain = bytes_end_of(&t.end, g->scale, 2, g->lo, g->hi, g->y_zero);
    size_t i = rows_2(c, 0, m, a, &t);
    if (i < m)
        rows_1(c, i, m, a, &t);
}

const ln_qgemm_tile ln_qgemm_neon = LN_QGEMM_NEON(run);

void ln_qrowsum_neon(int32_t *sums, const uint8_t *const *a, size_t m, size_t k, uint32_t flip)
{
    const uint8x16_t x = vdupq_n_u8((uint8_t)flip);
    for (size_t i = 0; i < m; i++) {
        uint32x4_t parts = vdupq_n_u32(0);
        size_t j = 0;
        for (; j + 16 <= k; j += 16)
            parts = vpadalq_u16(parts, vpaddlq_u8(veorq_u8(vld1q_u8(a[i] + j), x)));
        uint32_t sum = vaddvq_u32(parts);
        for (; j < k; j++)
            sum += a[i][j] ^ flip;
        sums[i] = (int32_t)sum;
    }
}

static bool fit_8(const int16_t *w, size_t n)
{
    int16x8_t least = vdupq_n_s16(0), most = least;
    size_t i = 0;
    for (; i + 8 <= n; i += 8) {
        int16x8_t v = vld1q_s16(w + i);
        least = vminq_s16(least, v);
        most = vmaxq_s16(most, v);
    }
    bool fit = vminvq_s16(least) >= -128 && vmaxvq_s16(most) <= 127;
    for (; i < n; i++)
        fit = fit && w[i] >= -128 && w[i] <= 127;
    return fit;
}

void ln_qdepthwise_neon(uint8_t *y, const uint8_t *const *x, size_t pixels, size_t channels,
                        const ln_qdepthwise_args *g)
{
    size_t c = 0;
    if (g->taps <= MOST_TAPS && fit_8(g->w, g->taps * g->w_stride))
        for (; c + 8 <= channels; c += c + 16 <= channels ? 16 : 8)
            depthwise_pairs(y, x, pixels, c, channels, g);
    for (size_t p = 0; p < pixels && c < channels; p++, x += g->taps)
        depthwise_pixel(y, x, p, c, channels, g);
}
