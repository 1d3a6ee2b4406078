/* SPDX-License-Identifier: Apache-2.0
 *
 * The small floats of ONNX (float8 in four forms, float8e8m0, float6 in two, float4e2m1) to and from float32, one
 * element at a time, by a description of the format: bits of the exponent and the mantissa, bias, and which codes are
 * special. Rounding is half to even. Specification: onnx/docs/docsgen/source/technical/float8.md and float4.md, the
 * tables of Cast ("saturate"); float8e8m0 is a bare power of two, 255 is NaN.
 */
#ifndef LN_KERNELS_FLOAT8_H
#define LN_KERNELS_FLOAT8_H

#include "kernels/half.h"

enum {
    LN_F8_IEEE,   /* the highest exponent: infinities and NaN */
    LN_F8_FN,     /* no infinity; NaN is all ones */
    LN_F8_FNUZ,   /* no infinity, no -0; NaN is 0x80 */
    LN_F8_FINITE, /* neither */
};

typedef struct ln_f8_format {
    uint8_t exponent, mantissa; /* bits */
    uint8_t bias;
    uint8_t special;
} ln_f8_format;

static const ln_f8_format ln_f8_e4m3fn __attribute__((unused)) = {4, 3, 7, LN_F8_FN};
static const ln_f8_format ln_f8_e4m3fnuz __attribute__((unused)) = {4, 3, 8, LN_F8_FNUZ};
static const ln_f8_format ln_f8_e5m2 __attribute__((unused)) = {5, 2, 15, LN_F8_IEEE};
static const ln_f8_format ln_f8_e5m2fnuz __attribute__((unused)) = {5, 2, 16, LN_F8_FNUZ};
static const ln_f8_format ln_f6_e2m3 __attribute__((unused)) = {2, 3, 1, LN_F8_FINITE};
static const ln_f8_format ln_f6_e3m2 __attribute__((unused)) = {3, 2, 3, LN_F8_FINITE};
static const ln_f8_format ln_f4_e2m1 __attribute__((unused)) = {2, 1, 1, LN_F8_FINITE};

static inline float ln_f8_to_f32(const ln_f8_format *t, uint8_t v)
{
    uint32_t magnitude = (UINT32_C(1) << (t->exponent + t->mantissa)) - 1;
    uint32_t sign = (uint32_t)(v >> (t->exponent + t->mantissa) & 1) << 31, a = v & magnitude;
    uint32_t mantissa = a & ((UINT32_C(1) << t->mantissa) - 1), exponent = a >> t->mantissa;
    if ((t->special == LN_F8_FNUZ && sign && !a) || (t->special == LN_F8_FN && a == magnitude))
        return ln_bits_float(sign | 0x7fc00000u);
    if (t->special == LN_F8_IEEE && exponent == magnitude >> t->mantissa)
        return ln_bits_float(sign | 0x7f800000u | (mantissa ? 0x400000u : 0));
    if (exponent == 0) { /* subnormal: mantissa * 2^(1 - bias - bits), exact */
        float unit = ln_bits_float((uint32_t)(128 - t->bias - t->mantissa) << 23), f = (float)mantissa * unit;
        return sign ? -f : f;
    }
    return ln_bits_float(sign | (exponent + 127u - t->bias) << 23 | mantissa << (23 - t->mantissa));
}

/* saturate: what is too large, infinity too, becomes the largest finite value; otherwise infinity or NaN. A format
 * without NaN gives -0 for it. */
static inline uint8_t ln_f32_to_f8(const ln_f8_format *t, float f, int saturate)
{
    uint32_t u = ln_float_bits(f), a = u & 0x7fffffffu;
    uint32_t magnitude = (UINT32_C(1) << (t->exponent + t->mantissa)) - 1;
    uint32_t sign = u >> 31 << (t->exponent + t->mantissa);
    uint32_t infinity = magnitude >> t->mantissa << t->mantissa; /* IEEE */
    uint32_t max = t->special == LN_F8_IEEE ? infinity - 1 : t->special == LN_F8_FN ? magnitude - 1 : magnitude;
    uint32_t nan = t->special == LN_F8_FNUZ ? magnitude + 1 : magnitude; /* IEEE: a quiet one, all ones */
    if (t->special == LN_F8_IEEE)
        nan = infinity | UINT32_C(1) << (t->mantissa - 1);
    if (a > 0x7f800000u) {
        if (t->special == LN_F8_FINITE)
            return (uint8_t)(max + 1); /* -0 */
        return (uint8_t)(t->special == LN_F8_FNUZ ? nan : sign | nan);
    }
    uint32_t r;
    if (a >> 23 <
        128u - t->bias) { /* below the normal range: in units of 2^(1 - bias - bits), rounded by an addition */
        float unit = ln_bits_float((uint32_t)(126 + t->bias + t->mantissa) << 23); /* its inverse */
        float scaled = ln_bits_float(a) * unit + 0x1p23f;
        r = ln_float_bits(scaled) & 0x7fffffu;
    } else {
        int drop = 23 - t->mantissa;
        uint32_t rebased = a - ((127u - t->bias) << 23), odd = rebased >> drop & 1u;
        r = a >= 0x7f800000u ? magnitude + 1 : (rebased + ((UINT32_C(1) << (drop - 1)) - 1) + odd) >> drop;
    }
    if (r > max) {
        if (saturate || t->special == LN_F8_FINITE)
            r = max;
        else if (t->special == LN_F8_IEEE)
            r = infinity;
        else
            return (uint8_t)(t->special == LN_F8_FNUZ ? nan : sign | nan);
    }
    if (r == 0 && t->special == LN_F8_FNUZ)
        return 0;
    return (uint8_t)(sign | r);
}

static inline float ln_e8m0_to_f32(uint8_t v)
{
    return v == 255 ? ln_bits_float(0x7fc00000u) : v ? ln_bits_float((uint32_t)v << 23) : 0x1p-127f;
}

/* How to round to a power of two. */
enum { LN_E8M0_UP, LN_E8M0_DOWN, LN_E8M0_NEAREST };

/* The magnitude of f as a power of two, halves away from zero where nearest. saturate: infinity and what is too large
 * become 2^127, what is too small, 0 too, 2^-127; otherwise NaN. */
static inline uint8_t ln_f32_to_e8m0(float f, int saturate, int round)
{
    uint32_t a = ln_float_bits(f) & 0x7fffffffu;
    if (a > 0x7f800000u)
        return 255;
    if (a < 0x400000u) /* below 2^-127 */
        return saturate ? 0 : 255;
    /* subnormal from 2^-127 on: as a mantissa in units of its own */
    uint32_t exponent = a >> 23, rest = exponent ? a & 0x7fffffu : (a & 0x3fffffu) << 1;
    if (round == LN_E8M0_UP ? rest > 0 : round == LN_E8M0_NEAREST && rest >= 0x400000u)
        exponent++;
    return (uint8_t)(exponent < 255 ? exponent : saturate ? 254 : 255);
}

#endif
