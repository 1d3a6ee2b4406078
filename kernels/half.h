/* SPDX-License-Identifier: Apache-2.0
 *
 * float16 (IEEE 754 binary16) and bfloat16 to and from float32, one element at a time, round half to even, NaN kept
 * quiet. The vector conversions are kernels; these serve everything that is not worth one.
 */
#ifndef LN_KERNELS_HALF_H
#define LN_KERNELS_HALF_H

#include <stdint.h>
#include <string.h>

static inline uint32_t ln_float_bits(float f)
{
    uint32_t u;
    memcpy(&u, &f, sizeof u);
    return u;
}

static inline float ln_bits_float(uint32_t u)
{
    float f;
    memcpy(&f, &u, sizeof f);
    return f;
}

static inline float ln_f16_to_f32(uint16_t h)
{
    uint32_t sign = (uint32_t)(h & 0x8000u) << 16, exponent = (h >> 10) & 0x1fu, mantissa = h & 0x3ffu;
    if (exponent == 0x1f)
        return ln_bits_float(sign | 0x7f800000u | mantissa << 13 | (mantissa ? 0x400000u : 0));
    if (exponent == 0) {
        float f = (float)mantissa * 0x1p-24f;
        return sign ? -f : f;
    }
    return ln_bits_float(sign | (exponent + 112) << 23 | mantissa << 13);
}

static inline uint16_t ln_f32_to_f16(float f)
{
    uint32_t u = ln_float_bits(f), sign = u >> 16 & 0x8000u, a = u & 0x7fffffffu;
    if (a > 0x7f800000u)
        return (uint16_t)(sign | 0x7e00u | (a >> 13 & 0x3ffu));
    if (a >= 0x477ff000u) /* 65520 and above round to infinity */
        return (uint16_t)(sign | 0x7c00u);
    if (a < 0x38800000u) { /* subnormal: the unit is 2^-24; adding 0.5 puts it in the last place of the sum */
        float sum = ln_bits_float(a) + 0.5f;
        return (uint16_t)(sign | (ln_float_bits(sum) & 0x7ffu));
    }
    uint32_t odd = a >> 13 & 1u;
    return (uint16_t)(sign | ((a - 0x38000000u + 0xfffu + odd) >> 13));
}

static inline float ln_bf16_to_f32(uint16_t h)
{
    return ln_bits_float((uint32_t)h << 16);
}

static inline uint16_t ln_f32_to_bf16(float f)
{
    uint32_t u = ln_float_bits(f);
    if ((u & 0x7fffffffu) > 0x7f800000u)
        return (uint16_t)(u >> 16 | 0x40u);
    return (uint16_t)((u + 0x7fffu + (u >> 16 & 1u)) >> 16);
}

#endif
