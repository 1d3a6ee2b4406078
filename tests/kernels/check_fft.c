/* SPDX-License-Identifier: Apache-2.0
 *
 * Checks of the Fourier transforms against a transform in long double, whose own code is checked against the sum that
 * defines it. The bound on the relative L2 error is the contract: 3e-7 log2 N for float (and the same in units of the
 * precision for double). Every length up to 260, primes and smooth lengths beyond; with the argument "full" (make
 * check-fft) every length up to 4096, every 2^a 3^b 5^c and primes up to 2^20, with "quick" a few.
 */
#include <complex.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/kernels/check.h"

typedef long double complex cld;

static const long double pi = 3.14159265358979323846264338327950288L;

/* Not CMPLXL, which clang's headers lack. Only finite numbers come here. */
static cld complex_of(long double re, long double im)
{
    return re + im * (cld)_Complex_I;
}

/* |z|^2: cabsl takes a root, which is slow where long double is in software. */
static long double square(cld z)
{
    return creall(z) * creall(z) + cimagl(z) * cimagl(z);
}

static cld unit(int64_t k, int64_t n)
{
    k %= n;
    long double a = 2 * pi * (long double)k / (long double)n;
    return complex_of(cosl(a), -sinl(a));
}

static cld *alloc(size_t n)
{
    cld *p = calloc(n ? n : 1, sizeof *p);
    if (!p)
        exit(2);
    return p;
}

static void reference(cld *y, const cld *x, size_t n, size_t stride);

/* Bluestein, for primes too large for the sum. */
static void reference_prime(cld *y, const cld *x, size_t n, size_t stride)
{
    size_t m = 1;
    while (m < 2 * n)
        m *= 2;
    cld *a = alloc(m), *b = alloc(m), *fa = alloc(m), *fb = alloc(m);
    for (size_t k = 0; k < n; k++) {
        cld w = unit((int64_t)(k * k % (2 * n)), (int64_t)(2 * n));
        a[k] = x[k * stride] * w;
        b[k] = conjl(w);
        if (k)
            b[m - k] = conjl(w);
    }
    reference(fa, a, m, 1);
    reference(fb, b, m, 1);
    for (size_t k = 0; k < m; k++)
        a[k] = conjl(fa[k] * fb[k]);
    reference(fb, a, m, 1);
    for (size_t k = 0; k < n; k++)
        y[k] = conjl(fb[k]) / (long double)m * unit((int64_t)(k * k % (2 * n)), (int64_t)(2 * n));
    free(a), free(b), free(fa), free(fb);
}

/* Decimation in time by the smallest prime factor. */
static void reference(cld *y, const cld *x, size_t n, size_t stride)
{
    size_t r = 2;
    while (r * r <= n && n % r)
        r++;
    if (r * r > n)
        r = n;
    if (n == 1) {
        y[0] = x[0];
        return;
    }
    if (r > 64) {
        if (r != n) { /* two large factors: the prime transform is over columns */
            cld *t = alloc(n), *u = alloc(r);
            size_t m = n / r;
            for (size_t j = 0; j < m; j++) {
                reference_prime(u, x + j * stride, r, stride * m);
                for (size_t k = 0; k < r; k++)
                    t[k * m + j] = u[k] * unit((int64_t)(j * k), (int64_t)n);
            }
            cld *v = alloc(m);
            for (size_t k = 0; k < r; k++) {
                reference(v, t + k * m, m, 1);
                for (size_t l = 0; l < m; l++)
                    y[k + l * r] = v[l];
            }
            free(t), free(u), free(v);
            return;
        }
        reference_prime(y, x, n, stride);
        return;
    }
    size_t m = n / r;
    cld *t = alloc(n), *roots = alloc(r);
    for (size_t k = 0; k < r; k++)
        roots[k] = unit((int64_t)k, (int64_t)r);
    for (size_t j = 0; j < r; j++)
        reference(t + j * m, x + j * stride, m, stride * r);
    for (size_t k = 0; k < m; k++) {
        cld z[64];
        for (size_t j = 0; j < r; j++)
            z[j] = t[j * m + k] * unit((int64_t)(j * k), (int64_t)n);
        for (size_t q = 0; q < r; q++) {
            cld sum = 0;
            for (size_t j = 0; j < r; j++)
                sum += z[j] * roots[j * q % r];
            y[k + q * m] = sum;
        }
    }
    free(t), free(roots);
}

static void check_reference(void)
{
    static const size_t lengths[] = {1, 2, 3, 8, 30, 67, 134, 211, 67 * 71};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        size_t n = lengths[i];
        cld *x = alloc(n), *y = alloc(n);
        for (size_t k = 0; k < n; k++)
            x[k] = complex_of(check_uniform(-1, 1), check_uniform(-1, 1));
        reference(y, x, n, 1);
        long double err = 0, norm = 0;
        for (size_t k = 0; k < n; k += 1 + n / 300) {
            cld sum = 0;
            for (size_t j = 0; j < n; j++)
                sum += x[j] * unit((int64_t)(j * k), (int64_t)n);
            err += square(sum - y[k]), norm += square(sum);
        }
        long double bound = fmaxl(1e-16L, 30 * LDBL_EPSILON); /* where long double is double */
        check_ok(sqrtl(err) <= bound * sqrtl(norm), "reference n=%zu off by %Lg", n, sqrtl(err / norm));
        free(x), free(y);
    }
}

static double get(const void *p, int f64, ptrdiff_t i)
{
    return f64 ? ((const double *)p)[i] : (double)((const float *)p)[i];
}

static void set(void *p, int f64, ptrdiff_t i, double x)
{
    if (f64)
        ((double *)p)[i] = x;
    else
        ((float *)p)[i] = (float)x;
}

static struct {
    ln_tier tier;
    const ln_kernel_table *table;
} tiers[LN_TIER_COUNT];
static int n_tiers;
static const ln_kernel_table *table; /* of the tier that is checked now */
static ln_tier tier_now;
static long double largest[2]; /* error of float and double, in units of the bound */

/* One description, `count` transforms, in a layout: 0 one after another, 1 beside each other (inner axis), 2 odd
 * strides. c: n numbers, Y their transform; transform t uses c rotated by nothing but scaled by 1 + t (exact). */
static void check_one(int32_t n, int kind, int inverse, int f64, int width, int64_t count, int layout, int full,
                      const cld *c, const cld *Y)
{
    ln_fft_desc d = {.n = n,
                     .kind = (uint8_t)kind,
                     .inverse = (uint8_t)inverse,
                     .f64 = (uint8_t)f64,
                     .width = (uint8_t)width,
                     .count = count,
                     .scale = 1};
    size_t bytes = ln_fft_bytes(&d), size = f64 ? sizeof(double) : sizeof(float);
    ln_fft_plan *plan = aligned_alloc(64, (bytes + 63) / 64 * 64);
    if (!plan)
        exit(2);
    ln_fft_make(plan, &d);
    void *scratch = aligned_alloc(64, (ln_fft_scratch(plan) + 63) / 64 * 64);
    int32_t bins = n / 2 + 1, in_n = kind == LN_FFT_HERMITE ? bins : n;
    int32_t out_n = kind == LN_FFT_REAL && !full ? bins : n;
    int in_c = kind == LN_FFT_REAL ? 1 : 2, out_c = kind == LN_FFT_HERMITE ? 1 : 2;
    ln_fft_job j = {.count = count, .in_len = in_n, .out_len = out_n};
    ptrdiff_t extra = layout == 2 ? 3 : 0;
    if (layout == 1) {
        j.in_batch = in_c, j.out_batch = out_c;
        j.in_stride = in_c * (ptrdiff_t)count, j.out_stride = out_c * (ptrdiff_t)count;
    } else {
        j.in_stride = in_c + extra, j.out_stride = out_c + extra;
        j.in_batch = j.in_stride * in_n, j.out_batch = j.out_stride * out_n;
    }
    size_t in_last = (size_t)(j.in_batch * (count - 1) + j.in_stride * (in_n - 1) + in_c);
    size_t out_last = (size_t)(j.out_batch * (count - 1) + j.out_stride * (out_n - 1) + out_c);
    int at_end = (int)(check_random() & 1);
    void *in = check_guard(in_last * size, at_end), *out = check_guard(out_last * size, at_end);
    for (int64_t t = 0; t < count; t++)
        for (int32_t k = 0; k < in_n; k++) {
            cld v = c[k];
            if (kind == LN_FFT_HERMITE)
                v = (c[k] + conjl(c[(n - k) % n])) / 2;
            ptrdiff_t at = (ptrdiff_t)t * j.in_batch + k * j.in_stride;
            set(in, f64, at, (double)(creall(v) * (long double)(1 + t % 4)));
            if (in_c == 2)
                set(in, f64, at + 1, (double)(cimagl(v) * (long double)(1 + t % 4)));
        }
    j.in = in, j.out = out;
    if (f64)
        table->fft_f64(plan, &j, scratch);
    else
        table->fft_f32(plan, &j, scratch);
    long double worst = 0;
    bool exact = true;
    for (int64_t t = 0; t < count; t++) {
        long double err = 0, norm = 0;
        for (int32_t k = 0; k < out_n; k++) {
            cld a = Y[k], b = conjl(Y[(n - k) % n]), want;
            if (kind == LN_FFT_COMPLEX)
                want = inverse ? conjl(b) : a;
            else if (kind == LN_FFT_REAL)
                want = (a + b) / 2;
            else
                want = creall(b);
            if (kind == LN_FFT_REAL && inverse)
                want = conjl(want);
            want *= (long double)(1 + t % 4);
            ptrdiff_t at = (ptrdiff_t)t * j.out_batch + k * j.out_stride;
            cld got = complex_of(get(out, f64, at), out_c == 2 ? get(out, f64, at + 1) : 0);
            err += square(got - want), norm += square(want);
            if (kind == LN_FFT_REAL && (k == 0 || 2 * k == n) && cimagl(got) != 0)
                exact = false;
            if (kind == LN_FFT_REAL && full && k > n / 2) {
                ptrdiff_t mirror = (ptrdiff_t)t * j.out_batch + (n - k) * j.out_stride;
                if (get(out, f64, at) != get(out, f64, mirror) || get(out, f64, at + 1) != -get(out, f64, mirror + 1))
                    exact = false;
            }
        }
        long double e = norm > 0 ? sqrtl(err / norm) : sqrtl(err);
        if (!(e <= worst))
            worst = e;
    }
    long double bound = 3e-7L * log2l((long double)n);
    if (f64)
        bound *= 0x1p-29L;
    if (n > 1 && worst / bound > largest[f64])
        largest[f64] = worst / bound;
    check_ok(worst <= bound && exact,
             "fft %s n=%d kind=%d inverse=%d f64=%d width=%d count=%d layout=%d full=%d: %Lg, bound %Lg%s",
             ln_tier_name(tier_now), n, kind, inverse, f64, width, (int)count, layout, full, worst, bound,
             exact ? "" : ", zeros or mirror not exact");
    check_guard_free(in), check_guard_free(out);
    free(plan), free(scratch);
}

/* Magnitudes, powers and bands of `count` frames `step` apart, against those of the complex results. */
static void check_power(int32_t n, int width, int64_t count, int64_t step)
{
    ln_fft_desc d = {.n = n, .kind = LN_FFT_REAL, .width = (uint8_t)width, .count = count, .stride = step, .scale = 1};
    ln_fft_plan *plan = aligned_alloc(64, (ln_fft_bytes(&d) + 63) / 64 * 64);
    ln_fft_make(plan, &d);
    void *scratch = aligned_alloc(64, (ln_fft_scratch(plan) + 63) / 64 * 64);
    int32_t bins = n / 2 + 1, n_bands = 1 + (int32_t)check_below((size_t)n + 20);
    size_t in_n = (size_t)((count - 1) * step + n);
    float *in = check_guard(in_n * 4, true), *full = malloc((size_t)count * (size_t)bins * 8);
    check_fill_f32(in, in_n, CHECK_NORMAL);
    size_t head = sizeof(ln_fft_bands) + (size_t)n_bands * 12;
    ln_fft_bands *bands = malloc(head + (size_t)n_bands * (size_t)bins * 4);
    float *weights = (void *)((char *)bands + head);
    bands->count = n_bands, bands->weights = (uint32_t)head;
    for (int32_t m = 0, at = 0; m < n_bands; m++) {
        int32_t low = (int32_t)check_below((size_t)bins), many = (int32_t)check_below((size_t)(bins - low) + 1);
        bands->range[3 * m] = low, bands->range[3 * m + 1] = many, bands->range[3 * m + 2] = at;
        for (; many > 0; many--)
            weights[at++] = check_uniform(0, 1);
    }
    ln_fft_job j = {.in = in,
                    .out = full,
                    .count = count,
                    .in_batch = (ptrdiff_t)step,
                    .in_stride = 1,
                    .in_len = n,
                    .out_batch = 2 * bins,
                    .out_stride = 2,
                    .out_len = bins};
    table->fft_f32(plan, &j, scratch);
    double *lengths = malloc((size_t)count * sizeof *lengths); /* of the spectra, as vectors */
    for (int64_t t = 0; t < count; t++) {
        lengths[t] = 0;
        for (int32_t k = 0; k < 2 * bins; k++)
            lengths[t] += (double)full[2 * t * bins + k] * (double)full[2 * t * bins + k];
        lengths[t] = sqrt(lengths[t]);
    }
    for (int mode = 0; mode < 4; mode++) {
        int32_t power = 1 + (mode & 1), len = mode & 2 ? n_bands : bins;
        float *out = check_guard((size_t)count * (size_t)len * 4, true);
        j.out = out, j.out_batch = len, j.out_stride = 1, j.power = power, j.bands = mode & 2 ? bands : NULL;
        table->fft_f32(plan, &j, scratch);
        double worst = 0;
        for (int64_t t = 0; t < count; t++)
            for (int32_t k = 0; k < len; k++) {
                const float *z = full + 2 * t * bins;
                double off = 2 * 3e-7 * log2(n + 1) * lengths[t]; /* of a bin in two computations */
                int32_t from = mode & 2 ? bands->range[3 * k] : k, many = mode & 2 ? bands->range[3 * k + 1] : 1;
                const float *w = mode & 2 ? weights + bands->range[3 * k + 2] : NULL;
                double want = 0, norm = 1e-30;
                for (int32_t i = 0; i < many; i++) {
                    double r = (double)z[2 * (from + i)], im = (double)z[2 * (from + i) + 1], p = r * r + im * im;
                    double weight = w ? (double)w[i] : 1;
                    want += (power == 1 ? sqrt(p) : p) * weight;
                    norm += (power == 1 ? off : (2 * sqrt(p) + off) * off) * weight;
                }
                norm += want * (many + 4) * 0x1p-24 * 2;
                double e = fabs((double)out[t * len + k] - want) / norm;
                worst = e > worst ? e : worst;
            }
        check_ok(worst <= 1, "power %s n=%d width=%d count=%d step=%d mode=%d: %g of the bound", ln_tier_name(tier_now),
                 n, width, (int)count, (int)step, mode, worst);
        check_guard_free(out);
    }
    check_guard_free(in), free(full), free(lengths), free(bands), free(plan), free(scratch);
}

/* Frames `step` apart, with a window or without, are bit for bit what each is alone. */
static void check_frames(int32_t n, int64_t count, int64_t step, bool windowed)
{
    ln_fft_desc d = {.n = n, .kind = LN_FFT_REAL, .width = 16, .count = count, .stride = step, .scale = 1};
    ln_fft_plan *plan = aligned_alloc(64, (ln_fft_bytes(&d) + 63) / 64 * 64);
    ln_fft_make(plan, &d);
    void *scratch = aligned_alloc(64, (ln_fft_scratch(plan) + 63) / 64 * 64);
    size_t in_n = (size_t)((count - 1) * step + n), row = 2 * ((size_t)n / 2 + 1), out_n = (size_t)count * row;
    float *in = check_guard(in_n * 4, true), *window = check_guard((size_t)n * 4, true);
    float *out = check_guard(out_n * 4, true), *alone = malloc(row * 4);
    check_fill_f32(in, in_n, CHECK_NORMAL), check_fill_f32(window, (size_t)n, CHECK_NORMAL);
    ln_fft_job j = {.in = in,
                    .out = out,
                    .window = windowed ? window : NULL,
                    .count = count,
                    .in_batch = (ptrdiff_t)step,
                    .in_stride = 1,
                    .in_len = n,
                    .out_batch = (ptrdiff_t)row,
                    .out_stride = 2,
                    .out_len = n / 2 + 1};
    table->fft_f32(plan, &j, scratch);
    int64_t same = 0;
    for (int64_t t = 0; t < count; t++) {
        j.in = in + t * step, j.out = alone, j.count = 1;
        table->fft_f32(plan, &j, scratch);
        same += memcmp(alone, out + (size_t)t * row, row * 4) == 0;
    }
    check_ok(same == count, "frames %s n=%d count=%d step=%d window=%d: %d are as each alone", ln_tier_name(tier_now),
             n, (int)count, (int)step, windowed, (int)same);
    check_guard_free(in), check_guard_free(window), check_guard_free(out), free(alone), free(plan), free(scratch);
}

/* thorough: in every way; else one transform at a time, in float. */
static void check_length(int32_t n, int thorough)
{
    cld *c = alloc((size_t)n), *Y = alloc((size_t)n);
    for (int32_t k = 0; k < n; k++) /* 12 bits, so that sums of two are exact */
        c[k] = complex_of((long double)(check_below(4096)) / 2048 - 1, (long double)(check_below(4096)) / 2048 - 1);
    reference(Y, c, (size_t)n, 1);
    static const int widths[] = {1, 4, 8, 16};
    int w = widths[n & 3], f64 = n % 3 == 0;
    for (int i = 0; i < 3 * n_tiers; i++) {
        table = tiers[i / 3].table, tier_now = tiers[i / 3].tier;
        int kind = i % 3;
        int inverse = kind == LN_FFT_HERMITE || (kind == LN_FFT_COMPLEX && (n & 4)) || n % 7 == 0;
        check_one(n, kind, kind == LN_FFT_HERMITE ? 1 : inverse, 0, 16, 1, 0, 0, c, Y);
        if (!thorough)
            continue;
        check_one(n, kind, kind == LN_FFT_HERMITE ? 1 : inverse, 0, w, 1, n % 3, n & 1, c, Y);
        check_one(n, kind, kind == LN_FFT_HERMITE ? 1 : !inverse, f64, w, 13 + n % 9, (n + kind) % 3, n & 1, c, Y);
        check_one(n, kind, kind == LN_FFT_HERMITE ? 1 : inverse, 1, 8, n % 11 ? 1 : 10, n & 1, n & 1, c, Y);
        check_one(n, kind, kind == LN_FFT_HERMITE ? 1 : inverse, 0, 16, 17, (n / 2 + kind) % 3, n & 1, c, Y);
    }
    free(c), free(Y);
}

/* -- lengths -------------------------------------------------------------------------------------------------------
 */

enum { EVERY = 4096, MOST = 1 << 20 };

static bool is_prime(int32_t n)
{
    for (int32_t d = 2; (int64_t)d * d <= n; d++)
        if (n % d == 0)
            return false;
    return n > 1;
}

static bool is_smooth(int32_t n)
{
    static const int32_t factors[] = {2, 3, 5};
    for (int i = 0; i < 3; i++)
        while (n % factors[i] == 0)
            n /= factors[i];
    return n == 1;
}

/* Every length up to EVERY, every 2^a 3^b 5^c up to MOST, and the last primes before powers of the root of two. */
static void all_lengths(void)
{
    for (int32_t n = 1; n <= EVERY; n++)
        check_length(n, n <= 640);
    for (int32_t n = EVERY + 1; n <= MOST; n++)
        if (is_smooth(n))
            check_length(n, n <= 16384);
    for (int k = 25; k <= 40; k++) {
        int32_t n = (int32_t)pow(2, k / 2.0) - 1;
        while (!is_prime(n))
            n--;
        check_length(n, 0);
    }
}

/* Every length up to `every`, and some up to `longest`. */
static void some_lengths(int32_t every, int32_t longest)
{
    static const int32_t more[] = {1000, 1009, 1024, 1080, 1296, 2048,  2187,
                                   3125, 4093, 4096, 6000, 8192, 10007, 16384};
    for (int32_t n = 1; n <= every; n++)
        check_length(n, 1);
    for (size_t i = 0; i < sizeof more / sizeof *more; i++)
        if (more[i] <= longest)
            check_length(more[i], 1);
}

static void add_tier(ln_tier tier, const ln_kernel_table *t)
{
    tiers[n_tiers].tier = tier, tiers[n_tiers++].table = t;
}

int main(int argc, char **argv)
{
    check_start(argc, argv);
    bool full = argc > 1 && strcmp(argv[1], "full") == 0;
    bool quick = argc > 1 && strcmp(argv[1], "quick") == 0; /* where long double is emulated, and that emulated too */
    check_reference();
    check_tiers(add_tier);
    if (full)
        all_lengths();
    else
        some_lengths(quick ? 72 : 260, quick ? 2187 : 16384);
    for (int i = 0; i < n_tiers; i++) {
        table = tiers[i].table, tier_now = tiers[i].tier;
        for (int32_t n = 1; n <= 140; n += quick ? 9 : 1) {
            check_power(n, 16, 1 + n % 3, n);
            check_power(n, n & 1 ? 16 : 8, 21, 1 + n % 50);
        }
        check_power(512, 16, 20, 160), check_power(1024, 16, 5, 512);
        for (int32_t k = 1; k <= 36; k++) { /* 128 has a way of its own where steps are even and below it */
            check_frames(128, k, 2 * k, k & 1), check_frames(128, 5 * k, 126 - k, k & 2);
            check_frames(128, 3 * k, 8, k & 1), check_frames(90 + 2 * k, 20, 10, k & 1);
        }
        check_frames(128, 1200, 2, false), check_frames(128, 9, 128, true), check_frames(128, 9, 200, false);
    }
    printf("largest error of float %.3f of the bound, of double %.3f\n", (double)largest[0], (double)largest[1]);
    return check_finish();
}
