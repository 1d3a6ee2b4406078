/* SPDX-License-Identifier: Apache-2.0
 *
 * Checks of what convolutions and pools need besides the product, on every tier: depthwise rows and planes, rows of
 * channels combined, transposes, and where the rows of the virtual im2col matrix start.
 */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/conv.h"
#include "kernels/pool.h"
#include "tests/kernels/check.h"

/* -- depthwise ---------------------------------------------------------------------------------------------------- */

static bool same_row(const ln_dwconv_row *d, size_t begin, size_t end)
{
    for (size_t o = 0; o < d->out_w; o++)
        for (size_t c = begin; c < end; c++) {
            double want = d->bias ? (double)d->bias[c] : 0, bound = fabs(want);
            if (d->r) {
                want += (double)d->r[o * d->y_pixel + c];
                bound += fabs((double)d->r[o * d->y_pixel + c]);
            }
            for (size_t i = 0; i < d->kh; i++)
                for (size_t j = 0; j < d->kw; j++) {
                    size_t x = o * d->stride + j * d->dilation - d->pad;
                    if (!d->rows[i] || x >= d->in_w)
                        continue;
                    double term =
                        (double)d->rows[i][x * d->x_pixel + c] * (double)d->w[(i * d->kw + j) * d->channels + c];
                    want += term;
                    bound += fabs(term);
                }
            want = fmin(fmax(want, (double)d->lo), (double)d->hi);
            double limit = ((double)(d->kh * d->kw) + 4) * (double)FLT_EPSILON * bound;
            if (!(fabs((double)d->y[o * d->y_pixel + c] - want) <= limit))
                return false;
        }
    return true;
}

static void check_row(const char *tier, ln_DWCONV_F32 *f, size_t channels, size_t k, size_t stride, size_t dilation,
                      size_t in_w)
{
    size_t span = (k - 1) * dilation + 1, pad = check_below(span), after = check_below(span);
    if (in_w + pad + after < span)
        return;
    size_t out_w = (in_w + pad + after - span) / stride + 1, kh = 1 + check_below(4), size = in_w * channels;
    bool at_end = check_below(2) != 0;
    const float *rows[4];
    float *x[4], *w = check_guard(kh * k * channels * sizeof *w, at_end);
    float *bias = check_guard(channels * sizeof *bias, at_end), *y = check_guard(out_w * channels * sizeof *y, at_end);
    float *r = check_guard(out_w * channels * sizeof *r, at_end);
    for (size_t i = 0; i < kh; i++) {
        x[i] = check_guard(size * sizeof **x, at_end);
        check_fill_f32(x[i], size, CHECK_NORMAL);
        rows[i] = check_below(5) ? x[i] : NULL;
    }
    check_fill_f32(w, kh * k * channels, CHECK_NORMAL);
    check_fill_f32(bias, channels, CHECK_NORMAL);
    check_fill_f32(r, out_w * channels, CHECK_NORMAL);
    bool clamp = check_below(2) != 0;
    ln_dwconv_row d = {.channels = channels,
                       .kh = kh,
                       .kw = k,
                       .in_w = in_w,
                       .out_w = out_w,
                       .stride = stride,
                       .dilation = dilation,
                       .pad = pad,
                       .rows = rows,
                       .x_pixel = channels,
                       .y_pixel = channels,
                       .w = w,
                       .bias = check_below(3) ? bias : NULL,
                       .r = check_below(3) ? NULL : r,
                       .y = y,
                       .lo = clamp ? 0 : -INFINITY,
                       .hi = clamp ? 1 : INFINITY};
    size_t cut = check_below(channels + 1);
    f(&d, 0, cut);
    f(&d, cut, channels);
    check_ok(same_row(&d, 0, channels), "%s depthwise channels=%zu k=%zux%zu s=%zu d=%zu in=%zu pad=%zu", tier,
             channels, kh, k, stride, dilation, in_w, pad);
    for (size_t i = 0; i < kh; i++)
        check_guard_free(x[i]);
    check_guard_free(w);
    check_guard_free(bias);
    check_guard_free(y);
    check_guard_free(r);
}

static void check_depthwise(const char *tier, const ln_kernel_table *t)
{
    static const size_t ks[] = {1, 2, 3, 5, 7, 9}, channels[] = {1, 3, 8, 15, 16, 17, 40};
    for (size_t k = 0; k < sizeof ks / sizeof *ks; k++)
        for (size_t c = 0; c < sizeof channels / sizeof *channels; c++)
            for (size_t stride = 1; stride <= 3; stride++)
                for (size_t w = 1; w < 40; w += 1 + check_below(8))
                    check_row(tier, t->dwconv_f32, channels[c], ks[k], stride, check_below(4) ? 1 : 2, w);
}

static double plane_window(const ln_dw_planes *d, size_t n, size_t o, size_t p, double *bound)
{
    double sum = 0;
    for (size_t i = 0; i < d->k; i++)
        for (size_t j = 0; j < d->k; j++) {
            size_t line = o * d->stride + i - d->pad[0], column = p * d->stride + j - d->pad[1];
            if (line >= d->in[0] || column >= d->in[1])
                continue;
            double term =
                (double)d->x[(n * d->in[0] + line) * d->in[1] + column] * (double)d->w[(n * d->k + i) * d->k + j];
            sum += term;
            *bound += fabs(term);
        }
    return sum;
}

static bool same_planes(const ln_dw_planes *d)
{
    size_t at = 0;
    for (size_t n = 0; n < d->planes; n++)
        for (size_t o = 0; o < d->out[0]; o++)
            for (size_t p = 0; p < d->out[1]; p++, at++) {
                double bias = d->bias ? (double)d->bias[n] : 0, r = d->r ? (double)d->r[at] : 0;
                double bound = fabs(bias) + fabs(r), want = bias + r + plane_window(d, n, o, p, &bound);
                double limit = ((double)(d->k * d->k) + 4) * (double)FLT_EPSILON * bound;
                want = fmin(fmax(want, (double)d->lo), (double)d->hi);
                if (!(fabs((double)d->y[at] - want) <= limit))
                    return false;
            }
    return true;
}

static void check_dw_planes(const char *tier, ln_DWPLANES_F32 *f, size_t k, size_t stride, size_t in_w)
{
    size_t in[2] = {1 + check_below(13), in_w}, pad[2], out[2], planes = 1 + check_below(6);
    for (size_t i = 0; i < 2; i++) {
        size_t all = in[i] + (pad[i] = check_below(k)) + check_below(k);
        if (all < k)
            return;
        out[i] = (all - k) / stride + 1;
    }
    bool at_end = check_below(2) != 0, clamp = check_below(2) != 0;
    size_t n_x = planes * in[0] * in[1], n_y = planes * out[0] * out[1], n_w = planes * k * k;
    float *x = check_guard(n_x * sizeof *x, at_end), *y = check_guard(n_y * sizeof *y, at_end);
    float *r = check_guard(n_y * sizeof *r, at_end), *w = check_guard(n_w * sizeof *w, at_end);
    float *bias = check_guard(planes * sizeof *bias, at_end);
    check_fill_f32(x, n_x, CHECK_NORMAL);
    check_fill_f32(w, n_w, CHECK_NORMAL);
    check_fill_f32(r, n_y, CHECK_NORMAL);
    check_fill_f32(bias, planes, CHECK_NORMAL);
    check_fill_f32(y, n_y, CHECK_SPECIAL);
    const ln_dw_planes d = {.planes = planes,
                            .in = {in[0], in[1]},
                            .out = {out[0], out[1]},
                            .k = k,
                            .stride = stride,
                            .pad = {pad[0], pad[1]},
                            .x = x,
                            .w = w,
                            .bias = check_below(3) ? bias : NULL,
                            .r = check_below(3) ? NULL : r,
                            .y = y,
                            .lo = clamp ? 0 : -INFINITY,
                            .hi = clamp ? 1 : INFINITY};
    f(&d);
    check_ok(same_planes(&d), "%s planes k=%zu s=%zu in=%zux%zu out=%zux%zu pad=%zu,%zu", tier, k, stride, in[0], in[1],
             out[0], out[1], pad[0], pad[1]);
    float *all[] = {x, y, r, w, bias};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        check_guard_free(all[i]);
}

static void check_all_dw_planes(const char *tier, const ln_kernel_table *t)
{
    static const size_t wide[] = {112, 127, 128, 129, 255, 256, 257, 300, 511, 513, 600, 1030, 1100};
    for (size_t k = 3; k <= 5; k += 2)
        for (size_t stride = 1; stride <= 2; stride++) {
            for (size_t w = 1; w <= 70; w++)
                for (size_t again = 0; again < (w <= 16 ? 40 : 6); again++) /* two planes in a vector */
                    check_dw_planes(tier, t->dwplanes_f32, k, stride, w);
            for (size_t i = 0; i < sizeof wide / sizeof *wide; i++)
                check_dw_planes(tier, t->dwplanes_f32, k, stride, wide[i]);
        }
}

/* -- lines of few channels ---------------------------------------------------------------------------------------- */

static void check_line(const char *tier, const ln_kernel_table *t, size_t n, size_t lines, size_t k, size_t pitch,
                       size_t out_w)
{
    const ln_gemm_f32_desc *d = t->gemm_f32;
    size_t size = (out_w - 1) * pitch + k, packed_size = ln_gemm_f32_packed(d, n, lines, k);
    bool at_end = check_below(2) != 0, clamp = check_below(2) != 0, ok = true;
    const float *rows[4];
    float *x[4], *w = check_guard(n * lines * k * sizeof *w, at_end), *bias = check_guard(n * sizeof *bias, at_end);
    float *packed = check_guard(packed_size * sizeof *packed, false), *y = check_guard(out_w * n * sizeof *y, at_end);
    for (size_t i = 0; i < lines; i++) {
        rows[i] = x[i] = check_guard(size * sizeof **x, at_end);
        check_fill_f32(x[i], size, CHECK_NORMAL);
    }
    check_fill_f32(w, n * lines * k, CHECK_NORMAL);
    check_fill_f32(bias, n, CHECK_NORMAL);
    const ln_gemm_f32_b b = {.b = w,
                             .n_stride = lines * k,
                             .tap_stride = k,
                             .k_stride = 1,
                             .bias = bias,
                             .bias_stride = 1,
                             .scale = 1,
                             .bias_scale = 1};
    ln_gemm_f32_pack(d, packed, n, lines, k, &b, 0, (n + d->nr - 1) / d->nr);
    size_t skip = check_below(2) ? check_below((uint32_t)lines + 1) : 0,
           end = lines - (skip + 1 < lines ? check_below(2) : 0);
    const ln_line_conv l = {.rows = rows + skip,
                            .lines = end - skip,
                            .k = k,
                            .pitch = pitch,
                            .out_w = out_w,
                            .b = packed,
                            .panel = d->nr * (lines * k + 1),
                            .skip = skip * k * d->nr,
                            .n = n,
                            .nr = d->nr,
                            .y = y,
                            .y_pixel = n,
                            .lo = clamp ? 0 : -INFINITY,
                            .hi = clamp ? 1 : INFINITY};
    t->lineconv_f32(&l);
    for (size_t o = 0; o < out_w; o++)
        for (size_t c = 0; c < n; c++) {
            double want = (double)bias[c], bound = fabs(want);
            for (size_t i = skip; i < end; i++)
                for (size_t j = 0; j < k; j++) {
                    double term = (double)x[i][o * pitch + j] * (double)w[(c * lines + i) * k + j];
                    want += term;
                    bound += fabs(term);
                }
            want = fmin(fmax(want, (double)l.lo), (double)l.hi);
            double limit = ((double)(lines * k) + 2) * (double)FLT_EPSILON * bound;
            ok = ok && fabs((double)y[o * n + c] - want) <= limit;
        }
    check_ok(ok, "%s line channels=%zu lines=%zu k=%zu pitch=%zu out=%zu", tier, n, lines, k, pitch, out_w);
    for (size_t i = 0; i < lines; i++)
        check_guard_free(x[i]);
    check_guard_free(w);
    check_guard_free(bias);
    check_guard_free(packed);
    check_guard_free(y);
}

static void check_lines(const char *tier, const ln_kernel_table *t)
{
    static const size_t channels[] = {1, 3, 8, 9, 16, 17, 32, 33, 70};
    for (size_t c = 0; c < sizeof channels / sizeof *channels; c++)
        for (size_t out_w = 1; out_w <= 45; out_w += 1 + (out_w > 16 ? check_below(4) : 0))
            check_line(tier, t, channels[c], 1 + check_below(4), 1 + check_below(24), 1 + check_below(9), out_w);
}

/* -- pools -------------------------------------------------------------------------------------------------------- */

static void check_pools(const char *tier, const ln_kernel_table *t)
{
    for (size_t n = 0; n < 70; n++)
        for (size_t rows = 0; rows < 12; rows += 1 + check_below(4)) {
            float *x = check_guard(rows * n * sizeof *x, true), *y = check_guard(n * sizeof *y, true);
            const float *pointers[12];
            bool max_ok = true, sum_ok = true;
            check_fill_f32(x, rows * n, n % 2 ? CHECK_SPECIAL : CHECK_WIDE);
            for (size_t r = 0; r < rows; r++)
                pointers[r] = x + r * n;
            t->pool_max_f32(y, pointers, rows, n);
            for (size_t c = 0; c < n; c++) {
                float want = -INFINITY;
                for (size_t r = 0; r < rows; r++)
                    want = isnan(want) || isnan(x[r * n + c]) ? NAN : fmaxf(want, x[r * n + c]);
                max_ok = max_ok && ((isnan(want) && isnan(y[c])) || want == y[c]);
            }
            check_ok(max_ok, "%s pool_max rows=%zu n=%zu", tier, rows, n);
            check_fill_f32(x, rows * n, CHECK_NORMAL);
            t->pool_sum_f32(y, pointers, rows, n, 0.25f);
            for (size_t c = 0; c < n; c++) {
                float want = 0;
                for (size_t r = 0; r < rows; r++)
                    want += x[r * n + c];
                sum_ok = sum_ok && check_same_f32(want * 0.25f, y[c]);
            }
            check_ok(sum_ok, "%s pool_sum rows=%zu n=%zu", tier, rows, n);
            check_guard_free(x);
            check_guard_free(y);
        }
}

/* Every output beside what its definition gives; outside of the plane there is nothing. */
static void same_plane(const char *tier, const ln_kernel_table *t, ln_pool_plane *g, float *y, bool special)
{
    bool max_ok = true, sum_ok = true;
    size_t taps = g->kernel[0] * g->kernel[1];
    g->y = y;
    for (int max = 0; max < 2; max++) {
        (max ? t->pool_max_plane_f32 : t->pool_sum_plane_f32)(g);
        for (size_t i = 0; i < g->out[0] * g->out[1]; i++) {
            size_t at[2] = {i / g->out[1], i % g->out[1]};
            double sum = 0, bound = 0;
            float most = -INFINITY;
            for (size_t k = 0; k < taps; k++) {
                size_t v = at[0] * g->stride[0] + k / g->kernel[1] * g->dilation[0] - g->pad[0];
                size_t h = at[1] * g->stride[1] + k % g->kernel[1] * g->dilation[1] - g->pad[1];
                if (v >= g->in[0] || h >= g->in[1])
                    continue;
                float x = g->x[v * g->in[1] + h];
                most = isnan(most) || isnan(x) ? NAN : fmaxf(most, x);
                sum += (double)x;
                bound += fabs((double)x);
            }
            double scale = (double)g->scale[0][at[0]] * (double)g->scale[1][at[1]];
            if (max)
                max_ok = max_ok && ((isnan(most) && isnan(y[i])) || most == y[i]);
            else if (!special)
                sum_ok = sum_ok &&
                         fabs((double)y[i] - sum * scale) <= (double)(taps + 2) * (double)FLT_EPSILON * bound * scale;
        }
    }
    check_ok(max_ok && sum_ok, "%s pool_plane %zux%zu kernel %zux%zu stride %zux%zu dilation %zux%zu pad %zux%zu", tier,
             g->in[0], g->in[1], g->kernel[0], g->kernel[1], g->stride[0], g->stride[1], g->dilation[0], g->dilation[1],
             g->pad[0], g->pad[1]);
}

static void check_planes(const char *tier, const ln_kernel_table *t)
{
    for (size_t n = 1; n < 140; n += 1 + check_below(2)) {
        ln_pool_plane g = {.in = {1 + check_below(9), n}};
        for (size_t d = 0; d < 2; d++) {
            g.stride[d] = 1 + check_below(d ? 2 : 3);
            g.dilation[d] = 1 + check_below(4) / 3;
            size_t most = d ? LN_POOL_REACH * g.stride[d] : 6;
            g.pad[d] = check_below(most + 1);
            g.kernel[d] = 1 + check_below((most + g.pad[d]) / g.dilation[d] + 1);
            /* Up to windows that begin behind the plane, as ceil_mode may have them. */
            g.out[d] = 1 + check_below((g.in[d] + g.pad[d]) / g.stride[d] + 2);
        }
        size_t inputs = g.in[0] * n, outputs = g.out[0] * g.out[1];
        float *x = check_guard(inputs * sizeof *x, n % 2), *y = check_guard(outputs * sizeof *y, n % 2);
        float *rows = check_guard(g.out[0] * sizeof *rows, true), *columns = check_guard(g.out[1] * sizeof *rows, true);
        bool special = n % 3 == 0;
        check_fill_f32(x, inputs, special ? CHECK_SPECIAL : CHECK_NORMAL);
        for (size_t i = 0; i < g.out[0]; i++)
            rows[i] = 1 / (float)(i % 3 + 1);
        for (size_t i = 0; i < g.out[1]; i++)
            columns[i] = 1 / (float)(i % 5 + 1);
        g.x = x;
        g.scale[0] = rows;
        g.scale[1] = columns;
        same_plane(tier, t, &g, y, special);
        if (!special) { /* one NaN alone must come through, wherever it is */
            x[check_below(inputs)] = n % 2 ? NAN : -NAN;
            same_plane(tier, t, &g, y, true);
        }
        check_guard_free(x);
        check_guard_free(y);
        check_guard_free(rows);
        check_guard_free(columns);
    }
}

/* -- local response normalisation --------------------------------------------------------------------------------- */

static void check_lrn(const char *tier, const ln_kernel_table *t)
{
    for (size_t n = 0; n < 70; n++) {
        size_t size = 1 + check_below(7), before = (size - 1) / 2;
        float *x = check_guard(n * sizeof *x, true), *y = check_guard(n * sizeof *y, true);
        float *s = check_guard((n + size - 1) * sizeof *s, true);
        bool ok = true;
        check_fill_f32(x, n, CHECK_NORMAL);
        t->lrn_f32(y, x, n, s, before, size, 0.3f, 1);
        for (size_t i = 0; i < n; i++) {
            double sum = 0;
            for (size_t j = 0; j < size; j++)
                if (i + j >= before && i + j - before < n)
                    sum += (double)x[i + j - before] * (double)x[i + j - before];
            double want = (double)x[i] * pow(1 + (double)0.3f * sum, -0.75);
            ok = ok && fabs((double)y[i] - want) <= ((double)size + 8) * (double)FLT_EPSILON * fabs(want);
        }
        check_ok(ok, "%s lrn n=%zu size=%zu", tier, n, size);
        check_guard_free(x);
        check_guard_free(y);
        check_guard_free(s);
    }
}

/* -- transpose ---------------------------------------------------------------------------------------------------- */

static void check_transpose(const char *tier, const ln_kernel_table *t)
{
    for (size_t rows = 0; rows < 40; rows++)
        for (size_t cols = 0; cols < 40; cols += 1 + check_below(5)) {
            size_t ldx = cols + check_below(3), ldy = rows + check_below(3);
            size_t nx = rows ? (rows - 1) * ldx + cols : 0, ny = cols ? (cols - 1) * ldy + rows : 0;
            float *x = check_guard(nx * sizeof *x, true), *y = check_guard(ny * sizeof *y, true);
            bool ok = true;
            check_fill_bytes(x, nx * sizeof *x);
            check_fill_bytes(y, ny * sizeof *y);
            t->transpose_f32(y, ldy, x, ldx, rows, cols);
            for (size_t i = 0; i < rows; i++)
                for (size_t j = 0; j < cols; j++)
                    ok = ok && memcmp(&x[i * ldx + j], &y[j * ldy + i], sizeof *x) == 0;
            check_ok(ok, "%s transpose %zu x %zu", tier, rows, cols);
            check_guard_free(x);
            check_guard_free(y);
        }
}

static void check_transpose_bytes(const char *tier, const ln_kernel_table *t)
{
    for (size_t rows = 0; rows < 40; rows++)
        for (size_t cols = 0; cols < 40; cols += 1 + check_below(5)) {
            size_t ldx = cols + check_below(3), ldy = rows + check_below(3);
            size_t nx = rows ? (rows - 1) * ldx + cols : 0, ny = cols ? (cols - 1) * ldy + rows : 0;
            uint8_t *x = check_guard(nx, true), *y = check_guard(ny, true);
            bool ok = true;
            check_fill_bytes(x, nx);
            check_fill_bytes(y, ny);
            t->transpose_u8(y, ldy, x, ldx, rows, cols);
            for (size_t i = 0; i < rows; i++)
                for (size_t j = 0; j < cols; j++)
                    ok = ok && x[i * ldx + j] == y[j * ldy + i];
            check_ok(ok, "%s transpose of bytes %zu x %zu", tier, rows, cols);
            check_guard_free(x);
            check_guard_free(y);
        }
}

/* -- rows of the im2col matrix ------------------------------------------------------------------------------------ */

static void check_rows(void)
{
    for (int n = 0; n < 300; n++) {
        ln_conv_shape s = {.pixel = 1 + check_below(3)};
        size_t taps = 1, pixels = 1, outs = 1, images = 2;
        for (int d = 0; d < 3; d++) {
            s.in[d] = 1 + check_below(6);
            s.kernel[d] = 1 + check_below(3);
            s.stride[d] = 1 + check_below(2);
            s.dilation[d] = 1 + check_below(2);
            s.pad[d] = check_below(4);
            s.out[d] = 1 + check_below(6);
            taps *= s.kernel[d];
            pixels *= s.in[d];
            outs *= s.out[d];
        }
        s.image = pixels * s.pixel;
        float zero[4] = {0}, *x = calloc(images * s.image, sizeof *x);
        const float **rows = calloc(taps * outs * images, sizeof *rows);
        ln_conv_source source = {&s, x, zero};
        size_t begin = check_below(outs * images), count = outs * images - begin;
        ln_conv_rows(&source, begin, count, rows, count);
        bool ok = true;
        for (size_t i = 0; i < count; i++)
            for (size_t t = 0; t < taps; t++) {
                size_t o = (begin + i) % outs, k[3], at[3];
                k[2] = t % s.kernel[2];
                k[1] = t / s.kernel[2] % s.kernel[1];
                k[0] = t / s.kernel[2] / s.kernel[1];
                at[2] = o % s.out[2];
                at[1] = o / s.out[2] % s.out[1];
                at[0] = o / s.out[2] / s.out[1];
                bool inside = true;
                for (int d = 0; d < 3; d++) {
                    at[d] = at[d] * s.stride[d] + k[d] * s.dilation[d] - s.pad[d];
                    inside = inside && at[d] < s.in[d];
                }
                const float *want =
                    x + (begin + i) / outs * s.image + ((at[0] * s.in[1] + at[1]) * s.in[2] + at[2]) * s.pixel;
                ok = ok && rows[t * count + i] == (inside ? want : zero);
            }
        check_ok(ok, "rows of a convolution, case %d", n);
        free(x);
        free(rows);
    }
}

static void all(ln_tier tier, const ln_kernel_table *t)
{
    const char *name = ln_tier_name(tier);
    check_depthwise(name, t);
    check_all_dw_planes(name, t);
    check_lines(name, t);
    check_pools(name, t);
    check_planes(name, t);
    check_lrn(name, t);
    check_transpose(name, t);
    check_transpose_bytes(name, t);
}

int main(int argc, char **argv)
{
    check_start(argc, argv);
    check_rows();
    check_tiers(all);
    return check_finish();
}
