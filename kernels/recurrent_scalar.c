/* SPDX-License-Identifier: Apache-2.0
 *
 * A step of an LSTM and of a GRU in portable C, the sums in vectors of four of the compiler's extension. Panels go from
 * first to last only: where these run there is one cache or none. Contracts: signatures.h.
 */
#include <string.h>

#include "kernels/kernels.h"
#include "kernels/simd_scalar.h"
#include "kernels/vmath.inc"

#define WIDTH 8 /* of a panel: the columns of the scalar product's */

typedef float v4 __attribute__((vector_size(16)));

static inline v4 load(const float *x)
{
    v4 v;
    memcpy(&v, x, sizeof v);
    return v;
}

/* s[j] += sum over i < k of h[i] r[i][j], j < 4 * count. A constant after inlining, so that the sums are registers. */
static inline __attribute__((always_inline)) void add_products(float *s, const float *h, const float *r, size_t k,
                                                               const size_t count)
{
    v4 sums[2 * 4];
#pragma GCC unroll 8
    for (size_t v = 0; v < count; v++)
        sums[v] = load(s + 4 * v);
    for (size_t i = 0; i < k; i++, r += 4 * count) {
        v4 x = {h[i], h[i], h[i], h[i]};
#pragma GCC unroll 8
        for (size_t v = 0; v < count; v++)
            sums[v] += x * load(r + 4 * v);
    }
    memcpy(s, sums, count * sizeof *sums);
}

/* The units of `gates` gates from u on into rows of a panel. */
static size_t gather(float *s, const float *from, size_t gates, size_t n, size_t u, size_t width)
{
    size_t count = n - u < width ? n - u : width;
    memset(s, 0, gates * width * sizeof *s);
    for (size_t g = 0; g < gates; g++)
        memcpy(s + g * width, from + g * n + u, count * sizeof *s);
    return count;
}

void ln_lstm_step_f32_scalar(float *y, float *c, float *gates, const float *h, const float *r, size_t n, size_t width,
                             int back)
{
    (void)width; /* WIDTH */
    (void)back;
    for (size_t u = 0; u < n; u += WIDTH, r += 4 * WIDTH * n) {
        float s[4 * WIDTH];
        size_t count = gather(s, gates, 4, n, u, WIDTH);
        add_products(s, h, r, n, 8);
        for (size_t j = 0; j < count; j++) {
            float in = v_sigmoid(s[j], 1), out = v_sigmoid(s[WIDTH + j], 1), forget = v_sigmoid(s[2 * WIDTH + j], 1);
            c[u + j] = forget * c[u + j] + in * v_tanh(s[3 * WIDTH + j], 1);
            y[u + j] = out * v_tanh(c[u + j], 1);
        }
    }
}

void ln_gru_step_f32_scalar(float *y, float *gates, float *reset, const float *h, const float *r, const float *r2,
                            const float *bias, size_t n, size_t width, int back)
{
    (void)width;
    (void)back;
    for (size_t u = 0; u < n; u += WIDTH, r += 2 * WIDTH * n) {
        float s[2 * WIDTH];
        size_t count = gather(s, gates, 2, n, u, WIDTH);
        add_products(s, h, r, n, 4);
        for (size_t j = 0; j < count; j++) {
            float keep = v_sigmoid(s[WIDTH + j], 1);
            gates[u + j] = v_sigmoid(s[j], 1);
            reset[u + j] = bias ? keep : keep * h[u + j];
        }
    }
    for (size_t u = 0; u < n; u += 2 * WIDTH, r2 += 2 * WIDTH * n) {
        float s[2 * WIDTH];
        size_t count = gather(s, bias ? bias : gates + 2 * n, 1, n, u, 2 * WIDTH);
        add_products(s, bias ? h : reset, r2, n, 4);
        for (size_t j = 0; j < count; j++) {
            float z = gates[u + j], sum = bias ? gates[2 * n + u + j] + reset[u + j] * s[j] : s[j];
            y[u + j] = (1 - z) * v_tanh(sum, 1) + z * h[u + j];
        }
    }
}
