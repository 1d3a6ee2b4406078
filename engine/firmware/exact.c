/* SPDX-License-Identifier: Apache-2.0
 *
 * The functions of <math.h> whose results are exact or rounded once, so that there is one right answer: firmware has
 * them here, without errno and in integers, and gives the same bits as a host's libm (IEEE 754-2019, 5.3 and 5.4). What
 * the target does in an instruction never comes here.
 */
#include <math.h>
#include <stdint.h>
#include <string.h>

static uint64_t bits_of(double x)
{
    uint64_t b;
    memcpy(&b, &x, sizeof b);
    return b;
}

static double double_of(uint64_t b)
{
    double x;
    memcpy(&x, &b, sizeof x);
    return x;
}

/* x without what is behind the point. */
double trunc(double x)
{
    uint64_t b = bits_of(x);
    int e = (int)(b >> 52 & 0x7ff) - 1023;
    if (e >= 52)
        return x;
    return double_of(b & (e < 0 ? UINT64_C(1) << 63 : ~(UINT64_MAX >> (12 + e) & (UINT64_MAX >> 12))));
}

double floor(double x)
{
    double t = trunc(x);
    return t > x ? t - 1 : t;
}

double ceil(double x)
{
    double t = trunc(x), r = t < x ? t + 1 : t;
    return double_of(bits_of(r) | (bits_of(x) & UINT64_C(1) << 63)); /* -0 above -1 */
}

double rint(double x)
{
    double t = double_of(bits_of(x) & ~(UINT64_C(1) << 63));
    if (!(t < 0x1p52))
        return x;
    t = (t + 0x1p52) - 0x1p52;
    return double_of(bits_of(t) | (bits_of(x) & UINT64_C(1) << 63));
}

/* Halves away from zero. */
double round(double x)
{
    double t = trunc(x), d = x - t;
    double r = d >= 0.5 ? t + 1 : d <= -0.5 ? t - 1 : t;
    return double_of(bits_of(r) | (bits_of(x) & UINT64_C(1) << 63));
}

/* A double holds every float and what these make of it. */
float truncf(float x)
{
    return (float)trunc((double)x);
}

float floorf(float x)
{
    return (float)floor((double)x);
}

float ceilf(float x)
{
    return (float)ceil((double)x);
}

float rintf(float x)
{
    return (float)rint((double)x);
}

float roundf(float x)
{
    return (float)round((double)x);
}

/* The mantissa of a finite number that is not 0, with its leading bit in place 52; *e: x = m * 2^e. */
static uint64_t mantissa(uint64_t b, int *e)
{
    uint64_t m = b & (UINT64_MAX >> 12);
    *e = (int)(b >> 52 & 0x7ff) - 1075;
    if (*e > -1075)
        return m | UINT64_C(1) << 52;
    for (*e = -1074; !(m >> 52); m <<= 1)
        --*e;
    return m;
}

/* Digit by digit: two bits of the number make one of the root; what is left decides how to round. */
double sqrt(double x)
{
    uint64_t b = bits_of(x), root = 0, rest = 0;
    int e;
    if (!(x > 0) || b >> 52 == 0x7ff) /* 0, infinity, NaN; below 0 a NaN */
        return x == 0 || x != x || x > 0 ? x : double_of(UINT64_C(0x7ff8) << 48);
    uint64_t m = mantissa(b, &e);
    if (e & 1) {
        m <<= 1;
        e--;
    }
    m <<= 10; /* 64 bits; with zeros behind, 108 of them make 54 of the root */
    for (int i = 0; i < 54; i++) {
        rest = rest << 2 | m >> 62;
        m <<= 2;
        uint64_t next = root << 2 | 1;
        root <<= 1;
        if (rest >= next) {
            rest -= next;
            root |= 1;
        }
    }
    /* root is that of m * 2^44 (before the shift by 10): 54 or 53 bits of it. */
    int shift = root >> 53 ? 1 : 0;
    uint64_t half = shift ? root & 1 : 0, whole = root >> shift;
    if (half && (rest || (whole & 1)))
        whole++;
    int exponent = e / 2 - 27 + shift + 52 + 1023 + (int)(whole >> 53);
    return double_of((uint64_t)exponent << 52 | (whole & (UINT64_MAX >> 12)));
}

float sqrtf(float x)
{
    return (float)sqrt((double)x); /* rounded twice, which does no harm to a root of 24 bits from one of 53 */
}

/* The remainder of a division that was rounded toward zero, exact: long division, a bit at a time. */
double fmod(double x, double y)
{
    uint64_t bx = bits_of(x), by = bits_of(y), sign = bx & UINT64_C(1) << 63;
    int ex, ey;
    bx ^= sign;
    by &= UINT64_MAX >> 1;
    if (by == 0 || bx >> 52 == 0x7ff || by > UINT64_C(0x7ff) << 52)
        return (x * y) / (x * y);
    if (bx < by)
        return x;
    uint64_t a = mantissa(bx, &ex), d = mantissa(by, &ey);
    for (; ex > ey; ex--) {
        a = a >= d ? a - d : a;
        a <<= 1;
    }
    a = a >= d ? a - d : a;
    if (a == 0)
        return double_of(sign);
    for (; ex < -1074; ex++) /* a multiple of the least number: nothing is lost */
        a >>= 1;
    for (; !(a >> 52) && ex > -1074; ex--)
        a <<= 1;
    if (!(a >> 52)) /* subnormal */
        return double_of(sign | a);
    return double_of(sign | (uint64_t)(ex + 1075) << 52 | (a & (UINT64_MAX >> 12)));
}

float fmodf(float x, float y)
{
    return (float)fmod((double)x, (double)y);
}
