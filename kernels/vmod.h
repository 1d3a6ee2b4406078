/* SPDX-License-Identifier: Apache-2.0
 *
 * Remainders of two numbers, which vectors leave to plain C where a quotient is large or not finite.
 */
#ifndef LN_KERNELS_VMOD_H
#define LN_KERNELS_VMOD_H

/* As fmodf. */
float ln_fmod_one(float a, float b);
/* a - floor(a / b) * b as numpy and Python have it: exact but for the addition of b where the signs are different, a
 * zero takes the sign of b, an infinite b gives a or b. */
float ln_mod_one(float a, float b);

#endif
