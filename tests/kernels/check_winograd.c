/* SPDX-License-Identifier: Apache-2.0
 *
 * Winograd's method, 3 x 3 and along a line, from the weights to the output, beside the sum that it stands for. Errors
 * are a multiple of the sum of the absolute values of everything that is added up.
 */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/winograd.h"
#include "tests/kernels/check.h"

static const double wg[6][3] = {{0.25, 0, 0},
                                {-1 / 6., -1 / 6., -1 / 6.},
                                {-1 / 6., 1 / 6., -1 / 6.},
                                {1 / 24., 1 / 12., 1 / 6.},
                                {1 / 24., -1 / 12., 1 / 6.},
                                {0, 0, 1}};
static const double wb[6][6] = {{4, 0, -5, 0, 1, 0},  {0, -4, -4, 1, 1, 0}, {0, 4, -4, -1, 1, 0},
                                {0, -2, -1, 2, 1, 0}, {0, 2, -1, -2, 1, 0}, {0, 4, 0, -5, 0, 1}};
static const double wa[4][6] = {{1, 1, 1, 1, 1, 0}, {0, 1, -1, 2, -2, 0}, {0, 1, 1, 4, 4, 0}, {0, 1, -1, 8, -8, 1}};

/* The sum of the absolute values of everything that is added up for output (p, q): errors are a multiple of it. */
static double winograd_bound(const float *const *x, const float *w, size_t channels, size_t p, size_t q)
{
    double bound = 0;
    for (size_t c = 0; c < channels; c++, w += 9)
        for (size_t i = 0; i < 6; i++)
            for (size_t j = 0; j < 6; j++) {
                double u = 0, v = 0;
                for (size_t a = 0; a < 3; a++)
                    for (size_t b = 0; b < 3; b++)
                        u += fabs(wg[i][a] * wg[j][b] * (double)w[a * 3 + b]);
                for (size_t a = 0; a < 6; a++)
                    for (size_t b = 0; b < 6; b++)
                        v += fabs(wb[i][a] * wb[j][b] * (double)x[a * 6 + b][c]);
                bound += u * v * fabs(wa[p][i] * wa[q][j]);
            }
    return bound;
}

/* Weights are bitwise the same on every tier. */
static void check_weights(const char *tier, const ln_kernel_table *t, size_t n, bool line)
{
    enum { STEP = 11, ALL = (LN_WINOGRAD_LANES - 1) * STEP + 9 };
    size_t taps = line ? 3 : 9, points = line ? LN_WINOGRAD_IN : LN_WINOGRAD_POINTS;
    float w[ALL], want[LN_WINOGRAD_POINTS * LN_WINOGRAD_LANES];
    float *from = check_guard(((n - 1) * STEP + taps) * sizeof *w, true);
    float *to = check_guard(points * n * sizeof *to, true);
    check_fill_f32(w, ALL, CHECK_NORMAL);
    memcpy(from, w, ((n - 1) * STEP + taps) * sizeof *w);
    (line ? ln_winograd_line_weights_f32_scalar : ln_winograd_weights_f32_scalar)(want, n, w, STEP, n);
    (line ? t->winograd_line_weights_f32 : t->winograd_weights_f32)(to, n, from, STEP, n);
    check_ok(memcmp(to, want, points * n * sizeof *to) == 0, "%s winograd weights n=%zu%s", tier, n,
             line ? " along a line" : "");
    check_guard_free(from);
    check_guard_free(to);
}

static void check_winograd(const char *tier, const ln_kernel_table *t, size_t channels, size_t outputs)
{
    const ln_gemm_f32_desc *d = t->gemm_f32;
    size_t one = ln_winograd_packed(d, outputs, channels), skip = check_below(16);
    float *x = check_guard(36 * channels * sizeof *x, true), *w = check_guard(outputs * channels * 9 * sizeof *w, true);
    float *v = check_guard(36 * channels * sizeof *v, true), *m = check_guard(36 * outputs * sizeof *m, true);
    float *y = check_guard(16 * outputs * sizeof *y, true), *r = check_guard(16 * outputs * sizeof *r, true);
    float *bias = check_guard(outputs * sizeof *bias, true);
    float *packed = aligned_alloc(64, 36 * one * sizeof *packed);
    void *scratch = aligned_alloc(64, ln_gemm_f32_scratch(d, SIZE_MAX, SIZE_MAX, 1, channels));
    const float *xs[36], *rs[16];
    float *ys[16];
    for (size_t i = 0; i < 36; i++)
        xs[i] = x + i * channels;
    for (size_t i = 0; i < 16; i++) {
        ys[i] = i == skip ? NULL : y + i * outputs;
        rs[i] = r + i * outputs;
    }
    check_fill_f32(x, 36 * channels, CHECK_NORMAL);
    check_fill_f32(w, outputs * channels * 9, CHECK_NORMAL);
    check_fill_f32(bias, outputs, CHECK_NORMAL);
    check_fill_f32(r, 16 * outputs, CHECK_NORMAL);
    memset(packed, 0, 36 * one * sizeof *packed);
    size_t panels = (outputs + d->nr - 1) / d->nr, part = panels / 2; /* in two parts */
    const ln_kernel_table *before = ln_kernels;
    ln_kernels = t;
    ln_winograd_pack(d, packed, w, outputs, channels, 0, part);
    ln_winograd_pack(d, packed, w + part * d->nr * channels * 9, outputs, channels, part, panels);
    ln_kernels = before;
    t->winograd_in_f32(v, channels, xs, channels);
    for (size_t i = 0; i < 36; i++) {
        ln_gemm_f32_job job = {.d = d,
                               .m = 1,
                               .n = outputs,
                               .taps = 1,
                               .k = channels,
                               .a = v + i * channels,
                               .a_row = channels,
                               .a_col = 1,
                               .b = packed + i * one,
                               .c = m + i * outputs,
                               .ldc = outputs};
        ln_gemm_f32_prepare(&job, 1);
        ln_gemm_f32_run(&job, scratch, 0, job.tiles);
    }
    t->winograd_out_f32(ys, m, outputs, bias, rs, -INFINITY, 1, outputs);
    bool ok = true;
    for (size_t i = 0; i < 16; i++)
        for (size_t o = 0; o < outputs && i != skip; o++) {
            double want = (double)bias[o] + (double)rs[i][o];
            for (size_t c = 0; c < channels; c++)
                for (size_t a = 0; a < 9; a++)
                    want += (double)xs[(i / 4 + a / 3) * 6 + i % 4 + a % 3][c] * (double)w[(o * channels + c) * 9 + a];
            double bound = winograd_bound(xs, w + o * channels * 9, channels, i / 4, i % 4) + 2;
            ok = ok && fabs((double)ys[i][o] - fmin(want, 1)) <= ((double)channels + 24) * (double)FLT_EPSILON * bound;
        }
    check_ok(ok, "%s winograd channels=%zu outputs=%zu", tier, channels, outputs);
    free(packed);
    free(scratch);
    float *all[] = {x, w, v, m, y, r, bias};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        check_guard_free(all[i]);
}

/* The same along a line. */
static void check_winograd_line(const char *tier, const ln_kernel_table *t, size_t channels, size_t outputs)
{
    const ln_gemm_f32_desc *d = t->gemm_f32;
    size_t one = ln_winograd_packed(d, outputs, channels), skip = check_below(5);
    bool residual = check_below(2) != 0;
    float *x = check_guard(6 * channels * sizeof *x, true), *w = check_guard(outputs * channels * 3 * sizeof *w, true);
    float *v = check_guard(6 * channels * sizeof *v, true), *m = check_guard(6 * outputs * sizeof *m, true);
    float *y = check_guard(4 * outputs * sizeof *y, true), *r = check_guard(4 * outputs * sizeof *r, true);
    float *bias = check_guard(outputs * sizeof *bias, true);
    float *packed = aligned_alloc(64, 6 * one * sizeof *packed);
    void *scratch = aligned_alloc(64, ln_gemm_f32_scratch(d, SIZE_MAX, SIZE_MAX, 1, channels));
    const float *xs[6], *rs[4];
    float *ys[4];
    for (size_t i = 0; i < 6; i++)
        xs[i] = x + i * channels;
    for (size_t i = 0; i < 4; i++) {
        ys[i] = i == skip ? NULL : y + i * outputs;
        rs[i] = r + i * outputs;
    }
    check_fill_f32(x, 6 * channels, CHECK_NORMAL);
    check_fill_f32(w, outputs * channels * 3, CHECK_NORMAL);
    check_fill_f32(bias, outputs, CHECK_NORMAL);
    check_fill_f32(r, 4 * outputs, CHECK_NORMAL);
    memset(packed, 0, 6 * one * sizeof *packed);
    size_t panels = (outputs + d->nr - 1) / d->nr, part = panels / 2; /* in two parts */
    const ln_kernel_table *before = ln_kernels;
    ln_kernels = t;
    ln_winograd_line_pack(d, packed, w, outputs, channels, 0, part);
    ln_winograd_line_pack(d, packed, w + part * d->nr * channels * 3, outputs, channels, part, panels);
    ln_kernels = before;
    t->winograd_line_in_f32(v, channels, xs, channels);
    for (size_t i = 0; i < 6; i++) {
        ln_gemm_f32_job job = {.d = d,
                               .m = 1,
                               .n = outputs,
                               .taps = 1,
                               .k = channels,
                               .a = v + i * channels,
                               .a_row = channels,
                               .a_col = 1,
                               .b = packed + i * one,
                               .c = m + i * outputs,
                               .ldc = outputs};
        ln_gemm_f32_prepare(&job, 1);
        ln_gemm_f32_run(&job, scratch, 0, job.tiles);
    }
    t->winograd_line_out_f32(ys, m, outputs, bias, residual ? rs : NULL, -INFINITY, 1, outputs);
    bool ok = true;
    for (size_t p = 0; p < 4; p++)
        for (size_t o = 0; o < outputs && p != skip; o++) {
            double want = (double)bias[o] + (residual ? (double)rs[p][o] : 0), bound = 2;
            for (size_t c = 0; c < channels; c++)
                for (size_t a = 0; a < 3; a++)
                    want += (double)xs[p + a][c] * (double)w[(o * channels + c) * 3 + a];
            for (size_t c = 0; c < channels; c++) /* of the absolute values, as above */
                for (size_t i = 0; i < 6; i++) {
                    double u = 0, s = 0;
                    for (size_t a = 0; a < 3; a++)
                        u += fabs(wg[i][a] * (double)w[(o * channels + c) * 3 + a]);
                    for (size_t a = 0; a < 6; a++)
                        s += fabs(wb[i][a] * (double)xs[a][c]);
                    bound += u * s * fabs(wa[p][i]);
                }
            ok = ok && fabs((double)ys[p][o] - fmin(want, 1)) <= ((double)channels + 12) * (double)FLT_EPSILON * bound;
        }
    check_ok(ok, "%s winograd along a line channels=%zu outputs=%zu", tier, channels, outputs);
    free(packed);
    free(scratch);
    float *all[] = {x, w, v, m, y, r, bias};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        check_guard_free(all[i]);
}

static void all(ln_tier tier, const ln_kernel_table *t)
{
    const char *name = ln_tier_name(tier);
    for (size_t n = 1; n < 40; n += 1 + check_below(5))
        check_winograd(name, t, n, 1 + check_below(40));
    for (size_t n = 1; n < 80; n += 1 + check_below(5))
        check_winograd_line(name, t, n, 1 + check_below(80));
    for (size_t n = 1; n <= LN_WINOGRAD_LANES; n++)
        for (int line = 0; line < 2; line++)
            check_weights(name, t, n, line);
}

int main(int argc, char **argv)
{
    check_start(argc, argv);
    check_tiers(all);
    return check_finish();
}
