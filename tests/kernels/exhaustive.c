/* SPDX-License-Identifier: Apache-2.0
 *
 * Accuracy of the elementary functions: every float32 (or every STEP-th) through each kernel of each tier that this
 * machine has, against libm in double; prints the worst error in units of the last place. Where the true value is not
 * finite in float, or is NaN, the kernel must agree exactly.
 *
 *     exhaustive [STEP] [TIER | KERNEL]...      exit code 1: a kernel is worse than its limit
 */
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/kernels.h"

#define BLOCK 4096

static double relu_(double x)
{
    return x < 0 ? 0 : x;
}
static double sigmoid_(double x)
{
    return 1 / (1 + exp(-x));
}
static double silu_(double x)
{
    return x / (1 + exp(-x));
}
static double softplus_(double x)
{
    return x > 40 ? x : log1p(exp(x));
}
static double mish_(double x)
{
    return x < -1000 ? -0.0 : x > 1000 ? x : x * tanh(softplus_(x));
}
static double gelu_(double x)
{
    return x < -40 ? -0.0 : x * 0.5 * erfc(-x * 0.70710678118654752440);
}
static double gelu_tanh_(double x)
{
    double v = 1.59576912160573071176 * x * (1 + 0.044715 * x * x);
    return v < -700 ? -0.0 : x / (1 + exp(-v));
}
static double softsign_(double x)
{
    return x / (1 + fabs(x));
}
static double reciprocal_(double x)
{
    return 1 / x;
}
static double hardswish_(double x)
{
    return x * fmin(1, fmax(0, x / 6 + 0.5));
}
static double sign_(double x)
{
    return x > 0 ? 1 : x < 0 ? -1 : x;
}
static double neg_(double x)
{
    return -x;
}

/* limit: in ULP. 2 is the promise for those down to cos, and 1 or none for what is rounded once or exact; the others
 * are held near what they were made to. */
static const struct {
    const char *name;
    double (*exact)(double);
    double limit;
    size_t offset;
} rows[] = {
#define ROW(k, f, limit)                                                                                               \
    {                                                                                                                  \
#k, f, limit, offsetof(ln_kernel_table, k##_f32)                                                               \
    }
    ROW(exp, exp, 2),
    ROW(log, log, 2),
    ROW(tanh, tanh, 2),
    ROW(erf, erf, 2),
    ROW(sigmoid, sigmoid_, 2),
    ROW(gelu_erf, gelu_, 2),
    ROW(gelu_tanh, gelu_tanh_, 2),
    ROW(sin, sin, 2),
    ROW(cos, cos, 2),
    ROW(tan, tan, 3.1),
    ROW(asin, asin, 2.1),
    ROW(acos, acos, 2),
    ROW(atan, atan, 2),
    ROW(sinh, sinh, 3),
    ROW(cosh, cosh, 3),
    ROW(asinh, asinh, 3),
    ROW(acosh, acosh, 3),
    ROW(atanh, atanh, 3),
    ROW(softplus, softplus_, 3),
    ROW(mish, mish_, 5),
    ROW(silu, silu_, 4),
    ROW(softsign, softsign_, 2),
    ROW(reciprocal, reciprocal_, 1),
    ROW(sqrt, sqrt, 1),
    ROW(hardswish, hardswish_, 4),
    ROW(floor, floor, 0),
    ROW(ceil, ceil, 0),
    ROW(round, rint, 0),
    ROW(abs, fabs, 0),
    ROW(neg, neg_, 0),
    ROW(relu, relu_, 0),
    ROW(sign, sign_, 0),
};

static double error_of(float got, double want)
{
    float rounded = (float)want;
    if (got == rounded && want != 0)
        return 0; /* at most half, and not what is looked for */
    if (isnan(want) || isnan(got))
        return isnan(want) && isnan(got) ? 0 : HUGE_VAL;
    if (isinf(rounded) || isinf(got))
        return got == rounded || fabs(want) > 0x1.fffffcp127 ? 0 : HUGE_VAL;
    /* 1 / ulp from the exponent of the true value, which frexp would give less quickly */
    uint64_t u, inverse;
    memcpy(&u, &want, sizeof u);
    uint64_t e = u >> 52 & 0x7ff;
    e = e < 1023 - 126 ? 1023 - 126 : e;
    inverse = (2 * 1023 + 23 - e) << 52;
    double scale;
    memcpy(&scale, &inverse, sizeof scale);
    return fabs((double)got - want) * scale;
}

/* Whether the arguments name it, or none of its kind: of tiers, or of kernels. */
static bool wanted(int argc, char **argv, const char *name, bool is_tier)
{
    bool any = false;
    for (int i = 2; i < argc; i++) {
        bool tier = false;
        for (int t = 0; t < LN_TIER_COUNT; t++)
            tier |= strcmp(argv[i], ln_tier_name((ln_tier)t)) == 0;
        if (strcmp(argv[i], name) == 0)
            return true;
        any |= tier == is_tier;
    }
    return !any;
}

int main(int argc, char **argv)
{
    static float x[BLOCK], y[BLOCK];
    uint64_t step = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;
    int bad = 0;
    const ln_kernel_table *tables[LN_TIER_COUNT];
    for (int t = 0; t < LN_TIER_COUNT; t++)
        tables[t] = wanted(argc, argv, ln_tier_name((ln_tier)t), true) ? ln_tier_table((ln_tier)t) : NULL;
    for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++) {
        if (!wanted(argc, argv, rows[r].name, false))
            continue;
        double worst[LN_TIER_COUNT] = {0};
        float at[LN_TIER_COUNT] = {0};
        for (uint64_t u = 0; u < UINT64_C(1) << 32;) {
            size_t n = 0;
            static double exact[BLOCK];
            for (; n < BLOCK && u < UINT64_C(1) << 32; n++, u += step) {
                uint32_t bits = (uint32_t)u;
                memcpy(&x[n], &bits, sizeof bits);
                exact[n] = rows[r].exact((double)x[n]);
            }
            for (int t = 0; t < LN_TIER_COUNT; t++) {
                if (!tables[t])
                    continue;
                ln_VUNARY_F32 *fn;
                memcpy(&fn, (const char *)tables[t] + rows[r].offset, sizeof fn);
                fn(y, x, n);
                for (size_t i = 0; i < n; i++) {
                    double e = error_of(y[i], exact[i]);
                    if (e > worst[t]) {
                        worst[t] = e;
                        at[t] = x[i];
                    }
                }
            }
        }
        bool passed = false;
        printf("%-12s", rows[r].name);
        for (int t = 0; t < LN_TIER_COUNT; t++)
            if (tables[t]) {
                printf("  %s %.3f at %a", ln_tier_name((ln_tier)t), worst[t], (double)at[t]);
                passed |= worst[t] > rows[r].limit;
            }
        printf("%s\n", passed ? "  (limit passed)" : "");
        bad |= passed;
        fflush(stdout);
    }
    return bad;
}
