/* SPDX-License-Identifier: Apache-2.0
 *
 * What firmware has in place of libm (engine/firmware/exact.c) against the host's, bit for bit: random bits, whole
 * numbers and halves, subnormals, zeros and infinities.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* The host's, before the names are others. */
static double (*const one[])(double) = {sqrt, floor, ceil, trunc, rint, round};
static float (*const one_f[])(float) = {sqrtf, floorf, ceilf, truncf, rintf, roundf};
static double (*const two)(double, double) = fmod;
static float (*const two_f)(float, float) = fmodf;

#define OURS(name) ours_##name
#define sqrt OURS(sqrt)
#define floor OURS(floor)
#define ceil OURS(ceil)
#define trunc OURS(trunc)
#define rint OURS(rint)
#define round OURS(round)
#define fmod OURS(fmod)
#define sqrtf OURS(sqrtf)
#define floorf OURS(floorf)
#define ceilf OURS(ceilf)
#define truncf OURS(truncf)
#define rintf OURS(rintf)
#define roundf OURS(roundf)
#define fmodf OURS(fmodf)
double sqrt(double x), floor(double x), ceil(double x), trunc(double x), rint(double x), round(double x);
float sqrtf(float x), floorf(float x), ceilf(float x), truncf(float x), rintf(float x), roundf(float x);
double fmod(double x, double y);
float fmodf(float x, float y);
#include "engine/firmware/exact.c"

static double (*const ours[])(double) = {sqrt, floor, ceil, trunc, rint, round};
static float (*const ours_f[])(float) = {sqrtf, floorf, ceilf, truncf, rintf, roundf};
enum { FUNCTIONS = sizeof ours / sizeof *ours };

static uint64_t state;

static uint64_t next_bits(void)
{
    uint64_t z = state += UINT64_C(0x9e3779b97f4a7c15); /* SplitMix64 */
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

/* Numbers of all kinds in turn. */
static double number(int kind)
{
    uint64_t b = next_bits(), fraction = b & (UINT64_MAX >> 12), sign = b & UINT64_C(1) << 63;
    switch (kind % 8) {
    case 0: /* whole and half numbers */
        return (double)(int64_t)(b >> 44) / 2 - 1000;
    case 1: /* around 1 and up to 2^60 */
        return double_of(sign | (1000 + (b >> 52 & 63)) << 52 | fraction);
    case 2:
        return double_of(sign | fraction);
    case 3:
        return double_of(sign | (kind & 8 ? UINT64_C(0x7ff) << 52 : 0));
    default:
        return double_of(b);
    }
}

static float number_f(int kind)
{
    uint32_t b = (uint32_t)next_bits();
    float x;
    memcpy(&x, &b, sizeof x);
    return kind % 8 == 4 ? x : (float)number(kind);
}

static void same(double got, double want, const char *what, int i, double x)
{
    if (memcmp(&got, &want, sizeof got) != 0 && !(got != got && want != want))
        fail_msg("%s %d of %a: %a, not %a", what, i, x, got, want);
}

static void test_one(void **unused)
{
    (void)unused;
    state = 1;
    for (int i = 0; i < 100000; i++) {
        double x = number(i);
        float y = number_f(i);
        for (int f = 0; f < FUNCTIONS; f++) {
            same(ours[f](x), one[f](x), "double", f, x);
            same((double)ours_f[f](y), (double)one_f[f](y), "float", f, (double)y);
        }
    }
}

static void test_two(void **unused)
{
    (void)unused;
    state = 2;
    for (int i = 0; i < 30000; i++) {
        double x = number(i), y = number(i / 8);
        float u = number_f(i), v = number_f(i / 8);
        same(fmod(x, y), two(x, y), "fmod", i, x);
        same((double)fmodf(u, v), (double)two_f(u, v), "fmodf", i, (double)u);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_one), cmocka_unit_test(test_two)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
