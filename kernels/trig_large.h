/* SPDX-License-Identifier: Apache-2.0
 *
 * Reduction of a large float32 angle: x = (4 k + quadrant) * pi/2 + rest, |rest| <= pi/4, after Payne and Hanek. Only
 * those bits of 2/pi are multiplied that do not give whole turns and that still matter: a window of 96 bits, whose
 * place follows from the exponent of x.
 */
#ifndef LN_KERNELS_TRIG_LARGE_H
#define LN_KERNELS_TRIG_LARGE_H

#include "kernels/half.h"

/* |x| >= 2^8. Infinity and NaN give NaN. */
static inline float ln_reduce_large(float x, uint32_t *quadrant)
{
    /* 2/pi, after one word of zeros that stands for the bits before the point */
    static const uint32_t bits[10] = {0,           0xa2f9836eu, 0x4e441529u, 0xfc2757d1u, 0xf534ddc0u,
                                      0xdb629599u, 0x3c439041u, 0xfe5163abu, 0xdebbc561u, 0xb7246e3au};
    uint32_t u = ln_float_bits(x), a = u & 0x7fffffffu;
    *quadrant = 0;
    if (a >= 0x7f800000u)
        return x - x;
    /* |x| = m * 2^e. The bit of weight 2^-i of 2/pi gives m * 2^(e-i): the window opens at weight 2^1, i = e - 1. */
    uint32_t m = (a & 0x7fffffu) | 0x800000u;
    uint32_t from = (a >> 23) - 150u - 2u + 32u, word = from >> 5,
             shift = from & 31u; /* index in bits[] of i = e - 1 */
    uint64_t w[3];
    for (uint32_t k = 0; k < 3; k++) {
        uint64_t two = (uint64_t)bits[word + k] << 32 | bits[word + k + 1];
        w[k] = two << shift >> 32;
    }
    uint64_t low = m * w[2], mid = m * w[1] + (low >> 32), high = m * w[0] + (mid >> 32);
    uint64_t p = high << 32 | (mid & 0xffffffffu); /* two bits of quadrant, 62 of fraction */
    uint32_t q = (uint32_t)(p >> 62);
    int64_t fraction = (int64_t)(p << 2 >> 1); /* 63 bits */
    double f = (double)fraction * 0x1p-63;
    if (f >= 0.5) {
        /* exactly: the upper half is negative seen from the next quadrant */
        f = -(double)(int64_t)((UINT64_C(1) << 63) - (uint64_t)fraction) * 0x1p-63;
        q++;
    }
    double rest = f * 1.57079632679489661923;
    if (u >> 31) {
        rest = -rest;
        q = 0u - q;
    }
    *quadrant = q & 3u;
    return (float)rest;
}

#endif
