/* SPDX-License-Identifier: Apache-2.0
 *
 * Checks of the row kernels: reductions, columns, normalisation, search. Every row of kernels.def with one of their
 * signatures on every tier, against double: a sum of K terms is off by at most (K + 4) eps times the sum of their sizes
 * (8 more where each term is an exponential), the extremes and the places exactly.
 */
#include <math.h>
#include <string.h>

#include "tests/kernels/check.h"

#define MAX_N 150 /* beyond two times four vectors of 16 */
#define EPS 0x1p-23

static const struct row {
    const char *name, *signature;
    size_t offset;
} rows[] = {
#define K(sig, k, ...) {#k, #sig, offsetof(ln_kernel_table, k)},
#include "kernels/kernels.def"
#undef K
};

static bool is(const struct row *r, const char *signature)
{
    return strcmp(r->signature, signature) == 0;
}

static double term(const char *name, double x, double p)
{
    if (strstr(name, "abs"))
        return fabs(x - p);
    if (strstr(name, "square"))
        return (x - p) * (x - p);
    return strstr(name, "exp") ? exp(x - p) : x;
}

static void reduce(ln_tier tier, ln_VREDUCE_F32 *fn, const char *name, size_t n, check_pattern pattern)
{
    float *x = check_guard(n * sizeof *x, n % 2), p = strstr(name, "square") || strstr(name, "exp") ? 0.375f : 0;
    check_fill_f32(x, n, pattern);
    for (size_t i = 0; i < n && strstr(name, "exp"); i++)
        x[i] = x[i] > 88 ? 1 : x[i]; /* its contract */
    float got = fn(x, n, p);
    double sum = 0, size = 0, product = 1, most = -INFINITY, least = INFINITY;
    bool nan = false;
    for (size_t i = 0; i < n; i++) {
        double v = term(name, (double)x[i], (double)p);
        nan = nan || isnan(x[i]);
        sum += v;
        size += fabs(v);
        product *= (double)x[i];
        most = fmax(most, (double)x[i]);
        least = fmin(least, (double)x[i]);
    }
    double k = (double)n + (strstr(name, "exp") ? 12 : 4), d = fabs((double)got - sum);
    bool ok = d <= k * EPS * size + 0x1p-149;
    if (strcmp(name, "product_f32") == 0)
        ok = fabs((double)got - product) <= 2 * k * EPS * fabs(product) + 0x1p-126;
    else if (strcmp(name, "greatest_f32") == 0 || strcmp(name, "least_f32") == 0)
        ok = nan ? isnan(got) : (double)got == (name[0] == 'g' ? most : least);
    else if (!isfinite(sum))
        ok = isnan(sum) ? isnan(got) : (double)got == sum;
    if (strcmp(name, "product_f32") == 0 && !isfinite(product))
        ok = !isfinite(got);
    check_ok(ok, "%s %s n=%zu pattern %d: %a, in double %a", name, ln_tier_name(tier), n, (int)pattern, (double)got,
             sum);
    check_guard_free(x);
}

static void columns(ln_tier tier, ln_VCOLUMNS_F32 *fn, const char *name, size_t n)
{
    float *x = check_guard(n * sizeof *x, n % 2), *y = check_guard(n * sizeof *y, n % 2), before[MAX_N], p[MAX_N];
    check_fill_f32(x, n, CHECK_NORMAL);
    check_fill_f32(y, n, CHECK_NORMAL);
    check_fill_f32(p, n, CHECK_NORMAL);
    for (int shifted = 0; shifted < 2; shifted++) {
        memcpy(before, y, n * sizeof *y);
        fn(y, x, shifted ? p : NULL, n);
        bool ok = true;
        for (size_t i = 0; i < n; i++) {
            double t = term(name, (double)x[i], shifted ? (double)p[i] : 0), want = (double)before[i] + t;
            ok = ok && fabs((double)y[i] - want) <= 8 * EPS * (fabs((double)before[i]) + fabs(t) + EPS);
        }
        check_ok(ok, "%s %s n=%zu", name, ln_tier_name(tier), n);
    }
    check_guard_free(x);
    check_guard_free(y);
}

static void normalize(ln_tier tier, ln_VNORMALIZE_F32 *fn, size_t n)
{
    float *x = check_guard(n * sizeof *x, n % 2), *y = check_guard(n * sizeof *y, n % 2), a[MAX_N], b[MAX_N];
    check_fill_f32(x, n, CHECK_NORMAL);
    check_fill_f32(a, n, CHECK_NORMAL);
    check_fill_f32(b, n, CHECK_NORMAL);
    for (int with = 0; with < 4; with++) {
        fn(y, x, n, 0.25f, 3.0f, with & 1 ? a : NULL, with & 2 ? b : NULL);
        bool ok = true;
        for (size_t i = 0; i < n; i++) {
            double v = ((double)x[i] - 0.25) * 3 * (with & 1 ? (double)a[i] : 1), w = with & 2 ? (double)b[i] : 0;
            ok = ok && fabs((double)y[i] - (v + w)) <= 4 * EPS * (fabs(v) + fabs(w));
        }
        check_ok(ok, "normalize %s n=%zu with %d", ln_tier_name(tier), n, with);
    }
    check_guard_free(x);
    check_guard_free(y);
}

/* Rows whose mean is far from 0, and one with an outlier where a guess of the mean might look. The bound: what the sums
 * round off the mean and the variance, of the row's size. */
static void layernorm(ln_tier tier, ln_VLAYERNORM_F32 *fn, size_t n)
{
    enum { ROWS = 3 };
    float *x = check_guard(ROWS * n * sizeof *x, n % 2), *y = check_guard(ROWS * n * sizeof *y, n % 2), a[MAX_N];
    float b[MAX_N], mean[ROWS], inverse[ROWS];
    check_fill_f32(x, ROWS * n, CHECK_NORMAL);
    check_fill_f32(a, n, CHECK_NORMAL);
    check_fill_f32(b, n, CHECK_NORMAL);
    for (size_t i = 0; i < n; i++)
        x[n + i] = x[n + i] / 64 + 1;
    x[2 * n + check_below(4) * n / 4] = 1e4f;
    for (int with = 0; with < 8; with++) {
        const int rms = with / 4;
        bool ok = true;
        memset(y, 0, ROWS * n * sizeof *y);
        fn(y, x, ROWS, n, 1e-3f, rms, with & 1 ? a : NULL, with & 2 ? b : NULL, mean, inverse);
        for (size_t r = 0; r < ROWS; r++) {
            double m = 0, v = 0, size = 0;
            for (size_t i = 0; i < n; i++) {
                m += rms ? 0 : (double)x[r * n + i] / (double)n;
                size += fabs((double)x[r * n + i]) / (double)n;
            }
            for (size_t i = 0; i < n; i++)
                v += ((double)x[r * n + i] - m) * ((double)x[r * n + i] - m) / (double)n;
            size += 3 * sqrt(v); /* a guess may be that far off */
            double s = 1 / sqrt(v + (double)1e-3f), sums = ((double)n / 4 + 16) * EPS;
            ok = ok && fabs((double)mean[r] - m) <= sums * size;
            ok = ok && fabs((double)inverse[r] - s) <= s * 8 * sums;
            for (size_t i = 0; i < n; i++) {
                double t = ((double)x[r * n + i] - m) * s, w = with & 1 ? (double)a[i] : 1;
                double limit = fabs(w) * (sums * size * s + 8 * sums * fabs(t));
                t = t * w + (with & 2 ? (double)b[i] : 0);
                ok = ok && fabs((double)y[r * n + i] - t) <= limit + 4 * EPS * (fabs(t) + 1);
            }
        }
        check_ok(ok, "layernorm %s n=%zu with %d", ln_tier_name(tier), n, with);
    }
    check_guard_free(x);
    check_guard_free(y);
}

/* Rows of a softmax with what lies between them; one that is hidden as a whole and one with a NaN are NaNs. The bound:
 * the difference from the maximum, the exponential and the sum are rounded. */
static void softmax_rows(ln_tier tier, ln_VSOFTMAX_ROWS *fn, size_t n)
{
    size_t ld = n + n % 3, count = 1 + check_below(35), all = (count - 1) * ld + n;
    float *x = check_guard(all * sizeof *x, true), *y = check_guard(all * sizeof *y, true);
    check_fill_f32(x, all, CHECK_NORMAL);
    for (size_t i = 0; i < all; i++)
        x[i] = check_below(5) ? 20 * x[i] : -INFINITY;
    if (count > 3)
        x[2 * ld + n / 2] = NAN;
    memcpy(y, x, all * sizeof *y);
    fn(y, ld, count, n);
    bool ok = true;
    for (size_t r = 0; r < count; r++) {
        const float *row = x + r * ld;
        double top = -(double)INFINITY, sum = 0;
        for (size_t i = 0; i < n; i++)
            top = (double)row[i] > top ? (double)row[i] : top;
        for (size_t i = 0; i < n; i++)
            sum += exp((double)row[i] - top);
        for (size_t i = 0; i < n; i++) {
            double want = exp((double)row[i] - top) / sum, got = (double)y[r * ld + i];
            double limit = want * ((double)n / 4 + 16 + fabs((double)row[i] - top)) * EPS + 1e-37;
            ok = ok && (isnan(want) ? isnan(got) : want == 0 ? got == 0 : fabs(got - want) <= limit);
        }
        for (size_t i = n; i < ld && r + 1 < count; i++)
            ok = ok && check_same_f32(x[r * ld + i], y[r * ld + i]);
    }
    check_ok(ok, "softmax_rows %s rows=%zu n=%zu", ln_tier_name(tier), count, n);
    check_guard_free(x);
    check_guard_free(y);
}

static void find(ln_tier tier, ln_VFIND_F32 *fn, const char *name, size_t n)
{
    bool last = strstr(name, "last") != NULL;
    float *x = check_guard(n * sizeof *x, n % 2);
    for (size_t k = 0; k < 8; k++) {
        float value = k & 1 ? 2.0f : NAN;
        size_t want = n;
        check_fill_f32(x, n, CHECK_NORMAL);
        for (size_t i = 0; i < n && k < 6; i++)
            if (check_below(n / 2 + 1) == 0) {
                x[i] = value;
                want = last || want == n ? i : want;
            }
        check_ok(fn(x, n, value) == want, "%s %s n=%zu, %a", name, ln_tier_name(tier), n, (double)value);
    }
    check_guard_free(x);
}

static void all(ln_tier tier, const ln_kernel_table *t)
{
    static const check_pattern patterns[] = {CHECK_NORMAL, CHECK_ZERO, CHECK_DENORMAL, CHECK_SPECIAL};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct row *r = &rows[i];
        const char *at = (const char *)t + r->offset;
        ln_VREDUCE_F32 *reduction;
        ln_VCOLUMNS_F32 *column;
        ln_VNORMALIZE_F32 *norm;
        ln_VLAYERNORM_F32 *layer;
        ln_VSOFTMAX_ROWS *soft;
        ln_VFIND_F32 *search;
        memcpy(&reduction, at, sizeof reduction);
        memcpy(&column, at, sizeof column);
        memcpy(&norm, at, sizeof norm);
        memcpy(&layer, at, sizeof layer);
        memcpy(&soft, at, sizeof soft);
        memcpy(&search, at, sizeof search);
        for (size_t n = 0; n < MAX_N; n++) {
            if (is(r, "VCOLUMNS_F32"))
                columns(tier, column, r->name, n);
            else if (is(r, "VNORMALIZE_F32"))
                normalize(tier, norm, n);
            else if (is(r, "VLAYERNORM_F32") && n)
                layernorm(tier, layer, n);
            else if (is(r, "VSOFTMAX_ROWS") && n)
                softmax_rows(tier, soft, n);
            else if (is(r, "VFIND_F32"))
                find(tier, search, r->name, n);
            for (size_t k = 0; k < sizeof patterns / sizeof *patterns && is(r, "VREDUCE_F32"); k++)
                reduce(tier, reduction, r->name, n, patterns[k]);
        }
    }
}

int main(int argc, char **argv)
{
    check_start(argc, argv);
    check_tiers(all);
    return check_finish();
}
