/* SPDX-License-Identifier: Apache-2.0
 *
 * Checks of the element-wise float32 kernels: every row of kernels.def with one of their signatures, every tier against
 * the scalar one. Sizes 0 to four vectors and one more, between guard pages, at both ends; misaligned; in place; every
 * pattern of inputs. The bound is in ULP (two for either tier, from the true value; 0 where the operations are the same
 * in all tiers), or, where a fused step makes cancellation differ, relative to the terms.
 */
#include <math.h>
#include <string.h>

#include "tests/kernels/check.h"

#define MAX_N 65 /* four vectors of 16 and one more */

enum { OTHER, UNARY, UNARY_P, BINARY };

static const struct row {
    const char *name, *signature;
    size_t offset;
} rows[] = {
#define K(sig, k, ...) {#k, #sig, offsetof(ln_kernel_table, k)},
#include "kernels/kernels.def"
#undef K
};

static int kind_of(const struct row *r)
{
    static const char *const names[] = {"", "VUNARY_F32", "VUNARY_P_F32", "VBINARY_F32"};
    for (int i = UNARY; i <= BINARY; i++)
        if (strcmp(r->signature, names[i]) == 0)
            return i;
    return OTHER;
}

/* Rows whose bound is not the usual 4 ULP. terms: the bound is relative to |p[0] x| + |p[1]|, and so on. */
static const struct limit {
    const char *name;
    uint32_t ulp;
    int terms;
} limits[] = {
    {"relu_f32", 0, 0},        {"abs_f32", 0, 0},      {"neg_f32", 0, 0},         {"sqrt_f32", 0, 0},
    {"floor_f32", 0, 0},       {"ceil_f32", 0, 0},     {"round_f32", 0, 0},       {"reciprocal_f32", 0, 0},
    {"sign_f32", 0, 0},        {"softsign_f32", 0, 0}, {"leaky_relu_f32", 0, 0},  {"thresholded_relu_f32", 0, 0},
    {"clip_f32", 0, 0},        {"shrink_f32", 0, 0},   {"hardswish_f32", 0, 0},   {"add_f32", 0, 0},
    {"sub_f32", 0, 0},         {"mul_f32", 0, 0},      {"div_f32", 0, 0},         {"max_f32", 0, 0},
    {"min_f32", 0, 0},         {"prelu_f32", 0, 0},    {"tan_f32", 6, 0},         {"mish_f32", 8, 0},
    {"swish_f32", 6, 0},       {"silu_f32", 6, 0},     {"affine_f32", 0, 1},      {"hardsigmoid_f32", 0, 1},
    {"standardize_f32", 0, 2}, {"softmax_f32", 64, 0}, {"log_softmax_f32", 0, 3}, {"sinh_f32", 6, 0},
    {"cosh_f32", 6, 0},        {"asinh_f32", 6, 0},    {"acosh_f32", 6, 0},       {"atanh_f32", 6, 0},
    {"softplus_f32", 6, 0},    {"selu_f32", 6, 0},     {"celu_f32", 6, 0},        {"elu_f32", 6, 0},
    {"fmod_f32", 0, 0},        {"mod_f32", 0, 0},
};

static struct limit limit_of(const char *name)
{
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++)
        if (strcmp(limits[i].name, name) == 0)
            return limits[i];
    return (struct limit){name, 4, 0};
}

/* As true values of either tier allow: by ULP, or by the size of the terms that cancel. */
static bool close_enough(const struct limit *l, float got, float want, float x, const float *p)
{
    if (check_same_f32(got, want) || check_ulp_f32(got, want) <= l->ulp)
        return true;
    if (got == 0 && want == 0)
        return l->ulp > 0 || l->terms;
    double d = fabs((double)got - (double)want), eps = 0x1p-22;
    switch (l->terms) {
    case 1:
        return d <= eps * (fabs((double)x * (double)p[0]) + fabs((double)p[1])) + 0x1p-148;
    case 2:
        return d <= eps * (fabs(((double)x - (double)p[0]) * (double)p[1]) + fabs((double)p[2])) + 0x1p-148;
    case 3: /* log_softmax: the sum of n exponentials, then terms of the size of the result */
        return d <= eps * (MAX_N + fabs((double)want));
    default:
        return false;
    }
}

static const ln_kernel_table *scalar;

static void *function(const ln_kernel_table *t, const struct row *r)
{
    void *fn;
    memcpy(&fn, (const char *)t + r->offset, sizeof fn);
    return fn;
}

static void call(void *fn, int kind, float *y, const float *a, const float *b, size_t n, size_t sa, size_t sb,
                 const float *p)
{
    if (kind == UNARY) {
        ln_VUNARY_F32 *f;
        memcpy(&f, &fn, sizeof f);
        f(y, a, n);
    } else if (kind == UNARY_P) {
        ln_VUNARY_P_F32 *f;
        memcpy(&f, &fn, sizeof f);
        f(y, a, n, p);
    } else {
        ln_VBINARY_F32 *f;
        memcpy(&f, &fn, sizeof f);
        f(y, a, b, n, sa, sb);
    }
}

/* One size and pattern. The last byte of each buffer lies before a guard page (at_end), or the first after one. */
static void one(ln_tier tier, const ln_kernel_table *t, const struct row *r, size_t n, check_pattern pattern,
                bool at_end)
{
    static const float params[][3] = {{0.25f, 0.5f, -0.125f}, {0.01f, 1.5f, 3.0f}};
    const float *p = params[check_below(2)];
    struct limit l = limit_of(r->name);
    size_t bytes = n * sizeof(float);
    float *a = check_guard(bytes, at_end), *b = check_guard(bytes, at_end), *y = check_guard(bytes, at_end);
    float want[MAX_N];
    check_fill_f32(a, n, pattern);
    check_fill_f32(b, n, pattern);
    for (size_t i = 0; i < n && pattern == CHECK_NORMAL && kind_of(r) != BINARY; i++)
        a[i] *= (float)(1 << (i % 8)); /* the ranges in which the functions bend */
    int steps = kind_of(r) == BINARY ? 4 : 1;
    for (int s = 0; s < steps; s++) {
        size_t sa = s != 1 && s != 3, sb = s != 2 && s != 3;
        call(function(scalar, r), kind_of(r), want, a, b, n, sa, sb, p);
        call(function(t, r), kind_of(r), y, a, b, n, sa, sb, p);
        bool ok = true;
        size_t at = 0;
        for (size_t i = 0; i < n && ok; i++) {
            ok = close_enough(&l, y[i], want[i], a[i], p);
            at = i;
        }
        if (n == 0 || ok)
            check_ok(true, "%s", r->name);
        else
            check_ok(false, "%s %s n=%zu steps %zu %zu: [%zu] f(%a, %a) is %a, scalar %a", r->name, ln_tier_name(tier),
                     n, sa, sb, at, (double)a[at], (double)b[at], (double)y[at], (double)want[at]);
    }
    call(function(t, r), kind_of(r), y, a, b, n, 1, 1, p);
    memcpy(want, y, bytes);
    call(function(t, r), kind_of(r), a, a, b, n, 1, 1, p);
    bool same = true;
    for (size_t i = 0; i < n; i++)
        same = same && check_same_f32(a[i], want[i]);
    check_ok(same, "%s %s n=%zu: in place differs", r->name, ln_tier_name(tier), n);
    check_guard_free(a);
    check_guard_free(b);
    check_guard_free(y);
}

/* The result of an element does not depend on where in a row it lies: rows are cut anywhere between threads. */
static void shifted(ln_tier tier, const ln_kernel_table *t, const struct row *r)
{
    float x[MAX_N * 2], whole[MAX_N * 2], part[MAX_N * 2];
    const float p[3] = {0.25f, 0.5f, -0.125f};
    check_fill_f32(x, MAX_N * 2, CHECK_WIDE);
    call(function(t, r), kind_of(r), whole, x, x, MAX_N * 2, 1, 1, p);
    for (size_t cut = 1; cut < 40; cut++) {
        call(function(t, r), kind_of(r), part, x, x, cut, 1, 1, p);
        call(function(t, r), kind_of(r), part + cut, x + cut, x + cut, MAX_N * 2 - cut, 1, 1, p);
        bool same = true;
        for (size_t i = 0; i < MAX_N * 2; i++)
            same = same && check_same_f32(part[i], whole[i]);
        check_ok(same, "%s %s cut at %zu differs from the whole", r->name, ln_tier_name(tier), cut);
    }
}

static void all(ln_tier tier, const ln_kernel_table *t)
{
    if (!scalar)
        scalar = t;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct row *r = &rows[i];
        bool line = strstr(r->name, "softmax") != NULL; /* of a row as a whole */
        if (kind_of(r) == OTHER)
            continue;
        for (size_t n = line; n <= MAX_N; n++)
            for (int pattern = 0; pattern < (line ? 1 : CHECK_PATTERNS); pattern++)
                one(tier, t, r, n, (check_pattern)pattern, (n + (size_t)pattern) % 2);
        if (!line)
            shifted(tier, t, r);
    }
}

int main(int argc, char **argv)
{
    check_start(argc, argv);
    check_tiers(all);
    return check_finish();
}
