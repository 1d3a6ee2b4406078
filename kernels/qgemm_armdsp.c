/* SPDX-License-Identifier: Apache-2.0
 *
 * The integer product and depthwise convolution with the DSP instructions of Armv7E-M: bytes are widened to pairs of 16
 * bits (SXTB16), and SMLAD adds two products at once. The product's tile is 2 x 2, four k at a time: its four sums, the
 * widened B and two pointers fill the registers.
 *
 * A is taken as signed, which it is but for 128 that the micro-kernel's contract adds; that is put back as 128 times
 * the column sum at the end.
 */
#include <arm_acle.h>
#include <string.h>

#include "kernels/qgemm_epilogue.h"
#include "kernels/tiles.h"

enum { MR = LN_ARMDSP_MR, NR = LN_ARMDSP_NR };

static inline uint32_t load(const void *p)
{
    uint32_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

/* Bytes 1 and 3; __sxtb16 gives 0 and 2. */
static inline int16x2_t odd_bytes(uint32_t x)
{
    int16x2_t y;
    __asm__("sxtb16 %0, %1, ror #8" : "=r"(y) : "r"(x));
    return y;
}

static inline uint16x2_t odd_bytes_u(uint32_t x)
{
    uint16x2_t y;
    __asm__("uxtb16 %0, %1, ror #8" : "=r"(y) : "r"(x));
    return y;
}

/* The first n < 4 bytes; B is zero where the others meet it. */
static inline uint32_t load_part(const uint8_t *p, size_t n)
{
    uint32_t v = p[0];
    if (n > 1)
        v |= (uint32_t)p[1] << 8;
    if (n > 2)
        v |= (uint32_t)p[2] << 16;
    return v;
}

typedef struct sums {
    int32_t s00, s01, s10, s11;
} sums;

static inline __attribute__((always_inline)) void step(sums *s, uint32_t a0, uint32_t a1, const int8_t *b)
{
    uint32_t b0 = load(b), b1 = load(b + 4);
    int16x2_t even0 = __sxtb16((int8x4_t)b0), odd0 = odd_bytes(b0), even1 = __sxtb16((int8x4_t)b1),
              odd1 = odd_bytes(b1);
    int16x2_t even = __sxtb16((int8x4_t)a0), odd = odd_bytes(a0);
    s->s00 = __smlad(odd, odd0, __smlad(even, even0, s->s00));
    s->s01 = __smlad(odd, odd1, __smlad(even, even1, s->s01));
    even = __sxtb16((int8x4_t)a1);
    odd = odd_bytes(a1);
    s->s10 = __smlad(odd, odd0, __smlad(even, even0, s->s10));
    s->s11 = __smlad(odd, odd1, __smlad(even, even1, s->s11));
}

static inline __attribute__((always_inline)) sums product(const uint8_t *const *a, size_t second, const int8_t *b,
                                                          const ln_qgemm_args *g, uint32_t flip)
{
    sums s = {0, 0, 0, 0};
    for (size_t segment = 0; segment < g->segments; segment++, a += g->a_stride) {
        const uint8_t *a0 = a[0], *a1 = a[second];
        size_t k = g->k;
        for (; k >= 4; k -= 4, a0 += 4, a1 += 4, b += 4 * NR)
            step(&s, load(a0) ^ flip, load(a1) ^ flip, b);
        if (k) {
            step(&s, load_part(a0, k) ^ flip, load_part(a1, k) ^ flip, b);
            b += 4 * NR;
        }
    }
    return s;
}

static void run(void *c, const uint8_t *const *a, const void *panel, size_t m, size_t n, const ln_qgemm_args *g)
{
    const int32_t *head = panel;
    const int8_t *b = (const int8_t *)(head + 3 * NR);
    sums s = g->flip ? product(a, m - 1, b, g, 0) : product(a, m - 1, b, g, 0x80808080u);
    const int32_t sum[MR][NR] = {{s.s00, s.s01}, {s.s10, s.s11}};
    bool plain = g->out == LN_QGEMM_8 && !g->row_sum && !g->row_scale;
    for (size_t j = 0; j < n; j++) {
        uint32_t back = 128 * (uint32_t)head[NR + j];
        if (!plain) {
            for (size_t i = 0; i < m; i++)
                ln_qgemm_store(c, i, j, (uint32_t)sum[i][j] + back, head, NR, g);
            continue;
        }
        uint32_t base = back + (uint32_t)head[j] - (uint32_t)g->a_zero * (uint32_t)head[NR + j];
        uint8_t *y = (uint8_t *)c + j;
        for (size_t i = 0; i < m; i++, y += g->c_stride)
            *y = ln_requantize((uint32_t)sum[i][j] + base, g->scale[j], g->lo, g->hi, g->y_zero);
    }
}

const ln_qgemm_tile ln_qgemm_armdsp = LN_QGEMM_ARMDSP(run);

static inline void store(uint8_t *y, size_t at, uint32_t acc, size_t c, const ln_qdepthwise_args *g)
{
    if (g->out == LN_QGEMM_I32)
        ((int32_t *)(void *)y)[at] = (int32_t)acc;
    else
        y[at] = ln_requantize(acc, g->scale[c], g->lo, g->hi, g->y_zero);
}

/* Four channels at a time; the weights have 16 bits already. */
void ln_qdepthwise_armdsp(uint8_t *y, const uint8_t *const *x, size_t pixels, size_t channels,
                          const ln_qdepthwise_args *g)
{
    uint32_t flip = g->flip * 0x01010101u;
    for (size_t p = 0; p < pixels; p++, x += g->taps) {
        size_t c = 0, at = p * g->y_stride;
        for (; c + 4 <= channels; c += 4) {
            int32_t s0 = g->bias[c], s1 = g->bias[c + 1], s2 = g->bias[c + 2], s3 = g->bias[c + 3];
            const int16_t *w = g->w + c;
            for (size_t t = 0; t < g->taps; t++, w += g->w_stride) {
                uint32_t v = load(x[t] + c) ^ flip, w01 = load(w), w23 = load(w + 2);
                int32_t even = (int32_t)__uxtb16(v), odd = (int32_t)odd_bytes_u(v);
                s0 = __smlabb(even, (int32_t)w01, s0);
                s1 = __smlabt(odd, (int32_t)w01, s1);
                s2 = __smlatb(even, (int32_t)w23, s2);
                s3 = __smlatt(odd, (int32_t)w23, s3);
            }
            store(y, at + c, (uint32_t)s0, c, g);
            store(y, at + c + 1, (uint32_t)s1, c + 1, g);
            store(y, at + c + 2, (uint32_t)s2, c + 2, g);
            store(y, at + c + 3, (uint32_t)s3, c + 3, g);
        }
        for (; c < channels; c++) {
            uint32_t acc = (uint32_t)g->bias[c];
            for (size_t t = 0; t < g->taps; t++)
                acc += (uint32_t)((int32_t)(x[t][c] ^ g->flip) * g->w[t * g->w_stride + c]);
            store(y, at + c, acc, c, g);
        }
    }
}
