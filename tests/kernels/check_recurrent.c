/* SPDX-License-Identifier: Apache-2.0
 *
 * lstm_step_f32 and gru_step_f32 against the formulas in double, packed for each tier's width: numbers of units around
 * its vectors, both directions over the panels (the same bits), both places of the reset gate, guard pages. A sum of
 * n + 1 terms may be off by (n + 2) eps times the sum of their sizes; the gates pass on at most a quarter (sigmoid) or
 * all (tanh) of that, and add a few ULP of values up to 1.
 */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "kernels/gemm.h"

typedef struct value {
    double x, error;
} value;

static value sum(const float *gates, size_t at, const float *h, const double *scale, const float *r, size_t n)
{
    value v = {gates ? (double)gates[at] : 0, 0};
    double size = fabs(v.x);
    for (size_t k = 0; k < n; k++) {
        double term = (double)h[k] * (scale ? scale[k] : 1) * (double)r[at * n + k];
        v.x += term;
        size += fabs(term);
    }
    v.error = (double)(n + 4) * (double)FLT_EPSILON * size;
    return v;
}

static value sigmoid(value v)
{
    return (value){1 / (1 + exp(-v.x)), 0.25 * v.error + 2 * (double)FLT_EPSILON};
}

static value hyperbolic(value v)
{
    return (value){tanh(v.x), v.error + 2 * (double)FLT_EPSILON};
}

static bool near(float got, value want, double scale)
{
    return fabs((double)got - want.x) <= want.error + 4 * (double)FLT_EPSILON * scale;
}

/* R of [gates][n][n] in panels of `width` units; the block of memory ends with the last panel. */
static float *pack(const float *r, size_t gates, size_t n, size_t width)
{
    size_t panels = (n + width - 1) / width;
    float *to = check_guard(panels * width * gates * n * sizeof *to, true), *at = to;
    for (size_t u = 0; u < panels * width; u += width)
        for (size_t k = 0; k < n; k++)
            for (size_t g = 0; g < gates; g++)
                for (size_t j = 0; j < width; j++)
                    *at++ = u + j < n ? r[(g * n + u + j) * n + k] : 0;
    return to;
}

static float *filled(size_t n)
{
    float *x = check_guard(n * sizeof *x, true);
    check_fill_f32(x, n, CHECK_NORMAL);
    return x;
}

static void lstm(const char *tier, ln_LSTM_STEP_F32 *fn, size_t width, size_t n)
{
    float *gates = filled(4 * n), *h = filled(n), *r = filled(4 * n * n), *packed = pack(r, 4, n, width);
    float *y = filled(n), *c = filled(n), *y2 = filled(n), *c2 = filled(n), *c0 = filled(n);
    memcpy(c, c0, n * sizeof *c);
    memcpy(c2, c0, n * sizeof *c);
    float *gates1 = filled(4 * n), *gates2 = filled(4 * n);
    memcpy(gates1, gates, 4 * n * sizeof *gates);
    memcpy(gates2, gates, 4 * n * sizeof *gates);
    fn(y, c, gates1, h, packed, n, width, 0);
    fn(y2, c2, gates2, h, packed, n, width, 1);
    bool ok = true;
    for (size_t i = 0; i < n; i++) {
        value in = sigmoid(sum(gates, i, h, NULL, r, n)), out = sigmoid(sum(gates, n + i, h, NULL, r, n));
        value forget = sigmoid(sum(gates, 2 * n + i, h, NULL, r, n));
        value cell = hyperbolic(sum(gates, 3 * n + i, h, NULL, r, n));
        value next = {forget.x * (double)c0[i] + in.x * cell.x,
                      forget.error * fabs((double)c0[i]) + in.error + cell.error};
        value last = hyperbolic(next);
        ok = ok && near(c[i], next, 2) && near(y[i], (value){out.x * last.x, out.error + last.error}, 2);
    }
    check_ok(ok, "%s lstm_step n=%zu", tier, n);
    check_ok(memcmp(y, y2, n * sizeof *y) == 0 && memcmp(c, c2, n * sizeof *c) == 0, "%s lstm_step back n=%zu", tier,
             n);
    float *all[] = {gates, h, r, packed, y, c, y2, c2, c0, gates1, gates2};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        check_guard_free(all[i]);
}

static void gru(const char *tier, ln_GRU_STEP_F32 *fn, size_t width, size_t n, bool with_bias)
{
    float *gates = filled(3 * n), *h = filled(n), *r = filled(3 * n * n), *own = filled(n);
    float *packed = pack(r, 2, n, width), *packed2 = pack(r + 2 * n * n, 1, n, 2 * width), *reset = filled(n);
    float *y = filled(n), *y2 = filled(n), *gates1 = filled(3 * n), *gates2 = filled(3 * n);
    const float *bias = with_bias ? own : NULL;
    memcpy(gates1, gates, 3 * n * sizeof *gates);
    memcpy(gates2, gates, 3 * n * sizeof *gates);
    fn(y, gates1, reset, h, packed, packed2, bias, n, width, 0);
    fn(y2, gates2, reset, h, packed, packed2, bias, n, width, 1);
    double *keep = malloc((n + 1) * sizeof *keep), worst = 0;
    for (size_t i = 0; keep && i < n; i++) {
        value v = sigmoid(sum(gates, n + i, h, NULL, r, n));
        keep[i] = v.x;
        worst = fmax(worst, v.error);
    }
    bool ok = keep != NULL;
    for (size_t i = 0; ok && i < n; i++) {
        value z = sigmoid(sum(gates, i, h, NULL, r, n));
        value s = sum(NULL, 2 * n + i, h, bias ? NULL : keep, r, n);
        if (bias)
            s = (value){(double)gates[2 * n + i] + keep[i] * (s.x + (double)bias[i]),
                        s.error + worst * fabs(s.x + (double)bias[i]) +
                            4 * (double)FLT_EPSILON * fabs((double)bias[i])};
        else
            s = (value){s.x + (double)gates[2 * n + i], s.error + worst * (double)n};
        s.error += 4 * (double)FLT_EPSILON * fabs((double)gates[2 * n + i]);
        value x = hyperbolic(s), want = {(1 - z.x) * x.x + z.x * (double)h[i], x.error + 2 * z.error};
        ok = near(y[i], want, 2);
    }
    check_ok(ok, "%s gru_step n=%zu%s", tier, n, bias ? " bias" : "");
    check_ok(memcmp(y, y2, n * sizeof *y) == 0, "%s gru_step back n=%zu%s", tier, n, bias ? " bias" : "");
    free(keep);
    float *all[] = {gates, h, r, own, packed, packed2, reset, y, y2, gates1, gates2};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        check_guard_free(all[i]);
}

static void all(ln_tier tier, const ln_kernel_table *t)
{
    const char *name = ln_tier_name(tier);
    size_t width = t->gemm_f32->nr;
    for (size_t n = 1; n < 5 * width; n += n < 2 * width + 3 ? 1 : 1 + check_below(9)) {
        lstm(name, t->lstm_step_f32, width, n);
        gru(name, t->gru_step_f32, width, n, false);
        gru(name, t->gru_step_f32, width, n, true);
    }
}

/* Weights that were packed for shorter registers than the machine has. */
static void narrower(void)
{
    for (size_t vlen = 128; vlen < ln_tier_vlen(LN_TIER_RVV); vlen *= 2)
        all(LN_TIER_RVV, ln_tier_table_of(LN_TIER_RVV, vlen));
}

int main(int argc, char **argv)
{
    check_start(argc, argv);
    check_tiers(all);
    narrower();
    return check_finish();
}
