/* SPDX-License-Identifier: Apache-2.0
 *
 * The integer product on NEON without dot products, exact: SMULL multiplies eight bytes of a row by eight of a column
 * to 16 bits and SADALP adds pairs of them to 32, so each of the 3 x 4 elements of a tile has an accumulator of four
 * partial sums, added up at the end. A column's bytes lie eight together, and nothing has to be broadcast.
 */
#include "kernels/qgemm_neon.h"

enum { MR = 3, NR = 4, KR = 8 };

#define UNROLL _Pragma("GCC unroll 4")

V_ void step(int32x4_t (*acc)[NR], const int8x8_t *x, const int8_t *b, const size_t m)
{
    UNROLL for (size_t j = 0; j < NR; j++)
    {
        int8x8_t y = vld1_s8(b + j * KR);
        UNROLL for (size_t i = 0; i < m; i++) acc[i][j] = vpadalq_s16(acc[i][j], vmull_s8(x[i], y));
    }
}

V_ int32x4_t sum_of(const int32x4_t *acc)
{
    return vpaddq_s32(vpaddq_s32(acc[0], acc[1]), vpaddq_s32(acc[2], acc[3]));
}

/* m and sign are constants after inlining. */
V_ void rows(const size_t m, const int sign, void *c, const uint8_t *const *a, const void *panel, size_t n,
             const ln_qgemm_args *g)
{
    const int32_t *head = panel;
    const int8_t *b = (const int8_t *)(head + 3 * NR);
    const int8x8_t flip = vget_low_s8(to_signed(0));
    int32x4_t acc[MR][NR];
    int8x8_t x[MR];
    UNROLL for (size_t i = 0; i < m; i++) UNROLL for (size_t j = 0; j < NR; j++) acc[i][j] = vdupq_n_s32(0);
    for (size_t s = 0; s < g->segments; s++) {
        const uint8_t *row[MR];
        size_t k = 0;
        UNROLL for (size_t i = 0; i < m; i++) row[i] = a[s * g->a_stride + i];
        for (; k + KR <= g->k; k += KR, b += NR * KR) {
            UNROLL for (size_t i = 0; i < m; i++)
            {
                x[i] = vreinterpret_s8_u8(vld1_u8(row[i] + k));
                x[i] = sign ? x[i] : veor_s8(x[i], flip);
            }
            step(acc, x, b, m);
        }
        if (k < g->k) { /* B is zero behind the end, so what is there of A does not matter */
            UNROLL for (size_t i = 0; i < m; i++)
            {
                uint8_t last[KR] = {0};
                memcpy(last, row[i] + k, g->k - k);
                x[i] = vreinterpret_s8_u8(vld1_u8(last));
                x[i] = sign ? x[i] : veor_s8(x[i], flip);
            }
            step(acc, x, b, m);
            b += NR * KR;
        }
    }
    int32x4_t start = start_of(head, NR, 0, g);
    if (n == NR && g->out == LN_QGEMM_8 && !g->row_sum && !g->row_scale) {
        /* Loaded once: the stores may alias them. */
        const float32x4_t scale = scale_of(g, 0, 0, NR);
        const float lo = g->lo, hi = g->hi;
        const int32_t y_zero = g->y_zero;
        const size_t stride = g->c_stride;
        UNROLL for (size_t i = 0; i < m; i++)
        {
            int32x4_t sum = requantize(vaddq_s32(sum_of(acc[i]), start), scale, lo, hi, y_zero);
            uint32_t four = vget_lane_u32(vreinterpret_u32_u8(low_bytes(sum, sum)), 0);
            memcpy((uint8_t *)c + i * stride, &four, 4);
        }
        return;
    }
    UNROLL for (size_t i = 0; i < m; i++) finish4(c, i, 0, n, vaddq_s32(sum_of(acc[i]), start), head + 2 * NR, g);
}

#define BODY(name, m, sign)                                                                                            \
    static void name(void *c, const uint8_t *const *a, const void *b, size_t n, const ln_qgemm_args *g)                \
    {                                                                                                                  \
        rows(m, sign, c, a, b, n, g);                                                                                  \
    }
#define ROWS(m) BODY(u_##m, m, 0) BODY(s_##m, m, 1)
/* clang-format off */
ROWS(1) ROWS(2) ROWS(3)

typedef void body(void *c, const uint8_t *const *a, const void *b, size_t n, const ln_qgemm_args *g);
static body *const bodies[2][MR] = {{u_1, u_2, u_3}, {s_1, s_2, s_3}};
/* clang-format on */

static void run(void *c, const uint8_t *const *a, const void *panel, size_t m, size_t n, const ln_qgemm_args *g)
{
    bodies[g->flip != 0][m - 1](c, a, panel, n, g);
}

const ln_qgemm_tile ln_qgemm_neon = {MR, NR, KR, run};

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

void ln_qdepthwise_neon(uint8_t *y, const uint8_t *const *x, size_t pixels, size_t channels,
                        const ln_qdepthwise_args *g)
{
    for (size_t p = 0; p < pixels; p++, x += g->taps)
        depthwise_pixel(y, x, p, 0, channels, g);
}
