/* SPDX-License-Identifier: Apache-2.0
 *
 * Rounding half to even without libm: adding 2^23 leaves no bits behind the point, in the rounding mode that everything
 * here runs in. What rintf gives, but for NaN, which has to be clamped away first where it is to become an integer.
 */
#ifndef LN_KERNELS_ROUND_H
#define LN_KERNELS_ROUND_H

/* |x| <= 2^22: results that were clamped to an integer type of at most 16 bits and its zero point. */
static inline int ln_round_small(float x)
{
    return (int)((x + 0x1.8p23f) - 0x1.8p23f);
}

/* Any x. */
static inline float ln_round_even(float x)
{
    float t = __builtin_fabsf(x);
    return t < 0x1p23f ? __builtin_copysignf((t + 0x1p23f) - 0x1p23f, x) : x;
}

#endif
