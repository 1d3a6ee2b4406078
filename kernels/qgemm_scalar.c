/* SPDX-License-Identifier: Apache-2.0
 *
 * The integer product, scalar: 4 rows by 8 columns, one k at a time. Where registers have 64 bits, one holds two
 * columns, so that a multiplication does two products: the sum of a (b + 2^32 c) is the sum of a b and 2^32 times that
 * of a c, whose low bits take up what the first borrows. Row sums and depthwise convolution too.
 */
#include "kernels/qgemm_epilogue.h"

enum { MR = 4, NR = 8, BLOCK = 4 }; /* BLOCK: channels of a depthwise convolution at once */

#define UNROLL _Pragma("GCC unroll 8")

#if (UINTPTR_MAX > UINT32_MAX && !defined(__x86_64__)) || defined(__wasm__)
enum { PAIRS = NR / 2, MOST = 1 << 16 }; /* MOST: products of which the sum, 255 * 128 each, fits into 31 bits */

/* Compilers put two into a vector, which cannot multiply them. */
#ifdef __aarch64__
#define HERE(x) __asm__("" : "+r"(x))
#else
#define HERE(x) (void)(x)
#endif

/* Takes pairs apart and adds them to what was before them. */
static inline __attribute__((always_inline)) void flush(uint32_t (*sums)[NR], uint64_t (*acc)[PAIRS])
{
    UNROLL for (size_t i = 0; i < MR; i++) UNROLL for (size_t j = 0; j < PAIRS; j++)
    {
        uint32_t low = (uint32_t)acc[i][j];
        sums[i][j] += low;
        sums[i][j + PAIRS] += (uint32_t)(acc[i][j] >> 32) + (low >> 31);
        acc[i][j] = 0;
    }
}

static void run(void *c, const uint8_t *const *a, const void *panel, size_t m, size_t n, const ln_qgemm_args *g)
{
    const int32_t *head = panel;
    const int8_t *b = (const int8_t *)(head + 3 * NR);
    const size_t depth = g->k, segments = g->segments, stride = g->a_stride;
    const uint32_t flip = g->flip;
    uint64_t acc[MR][PAIRS] = {{0}};
    uint32_t sums[MR][NR] = {{0}};
    size_t room = MOST;
    for (size_t s = 0; s < segments; s++) {
        const uint8_t *row[MR];
        UNROLL for (size_t i = 0; i < MR; i++) row[i] = a[s * stride + (i < m ? i : m - 1)];
        for (size_t k = 0, end; k < depth; room -= end - k, k = end) {
            if (room == 0) {
                flush(sums, acc);
                room = MOST;
            }
            end = depth - k < room ? depth : k + room;
            for (size_t e = k; e < end; e++, b += NR) {
                uint64_t v[MR];
                UNROLL for (size_t i = 0; i < MR; i++) v[i] = row[i][e] ^ flip;
                UNROLL for (size_t j = 0; j < PAIRS; j++)
                {
                    uint64_t pair = (uint64_t)b[j] + ((uint64_t)b[j + PAIRS] << 32);
                    UNROLL for (size_t i = 0; i < MR; i++)
                    {
                        acc[i][j] += v[i] * pair;
                        HERE(acc[i][j]);
                    }
                }
            }
        }
    }
    flush(sums, acc);
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < n; j++)
            ln_qgemm_store(c, i, j, sums[i][j], head, NR, g);
}
#else
static void run(void *c, const uint8_t *const *a, const void *panel, size_t m, size_t n, const ln_qgemm_args *g)
{
    const int32_t *head = panel;
    const int8_t *b = (const int8_t *)(head + 3 * NR);
    int32_t acc[MR][NR] = {{0}};
    for (size_t s = 0; s < g->segments; s++) {
        const uint8_t *row[MR];
        for (size_t i = 0; i < MR; i++)
            row[i] = a[s * g->a_stride + (i < m ? i : m - 1)];
        for (size_t k = 0; k < g->k; k++, b += NR)
            for (size_t i = 0; i < MR; i++) {
                int32_t v = (int32_t)(row[i][k] ^ g->flip);
                for (size_t j = 0; j < NR; j++) /* at most 255 * 128 * 2^16 fits; longer sums wrap as unsigned */
                    acc[i][j] = (int32_t)((uint32_t)acc[i][j] + (uint32_t)(v * b[j]));
            }
    }
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < n; j++)
            ln_qgemm_store(c, i, j, (uint32_t)acc[i][j], head, NR, g);
}
#endif

const ln_qgemm_tile ln_qgemm_scalar = {.mr = MR, .nr = NR, .kr = 1, .run = run, .lanes = 1};

void ln_qrowsum_scalar(int32_t *sums, const uint8_t *const *a, size_t m, size_t k, uint32_t flip)
{
    for (size_t i = 0; i < m; i++) {
        uint32_t sum = 0;
        for (size_t j = 0; j < k; j++)
            sum += a[i][j] ^ flip;
        sums[i] = (int32_t)sum;
    }
}

/* Channels from c on, `some` of them, of which there are as many in a block, or one; a constant after inlining. */
static inline __attribute__((always_inline)) void channels_of(uint8_t *y, const uint8_t *const *x, size_t at, size_t c,
                                                              const size_t some, const ln_qdepthwise_args *g)
{
    const uint32_t flip = g->flip;
    const size_t taps = g->taps, w_stride = g->w_stride;
    const int16_t *w = g->w + c;
    uint32_t acc[BLOCK];
    UNROLL for (size_t i = 0; i < some; i++) acc[i] = (uint32_t)g->bias[c + i];
    for (size_t t = 0; t < taps; t++, w += w_stride) {
        const uint8_t *v = x[t] + c;
        UNROLL for (size_t i = 0; i < some; i++) acc[i] += (uint32_t)((int32_t)(v[i] ^ flip) * w[i]);
    }
    if (g->out == LN_QGEMM_I32) {
        UNROLL for (size_t i = 0; i < some; i++)((int32_t *)(void *)y)[at + c + i] = (int32_t)acc[i];
        return;
    }
    for (size_t i = 0; i < some; i++)
        y[at + c + i] = ln_requantize(acc[i], g->scale[c + i], g->lo, g->hi, g->y_zero);
}

void ln_qdepthwise_scalar(uint8_t *y, const uint8_t *const *x, size_t pixels, size_t channels,
                          const ln_qdepthwise_args *g)
{
    for (size_t p = 0; p < pixels; p++, x += g->taps) {
        size_t c = 0;
        for (; c + BLOCK <= channels; c += BLOCK)
            channels_of(y, x, p * g->y_stride, c, BLOCK, g);
        for (; c < channels; c++)
            channels_of(y, x, p * g->y_stride, c, 1, g);
    }
}
