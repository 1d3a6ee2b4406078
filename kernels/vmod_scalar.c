/* SPDX-License-Identifier: Apache-2.0
 *
 * Remainders of float32: toward zero as C has them, and floored as Python has them. While the quotient has few bits,
 * exactly in double: both numbers and the product are. Contract: signatures.h, vmod.h.
 */
#include <math.h>

#include "kernels/kernels.h"
#include "kernels/vmod.h"

float ln_fmod_one(float a, float b)
{
    double x = (double)a, y = (double)b, q = x / y;
    if (!(q > -0x1p28 && q < 0x1p28))
        return fmodf(a, b);
    double r = x - (double)(int64_t)q * y;
    if (r != 0 && (r < 0) != (x < 0)) /* the quotient was rounded up to a whole number */
        r += (y < 0) == (x < 0) ? y : -y;
    return copysignf((float)r, a);
}

float ln_mod_one(float a, float b)
{
    float r = ln_fmod_one(a, b);
    if (r == 0)
        return copysignf(0.0f, b);
    return (r < 0) != (b < 0) ? r + b : r;
}

void ln_fmod_f32_scalar(float *y, const float *a, const float *b, size_t n, size_t a_step, size_t b_step)
{
    const float a0 = n ? a[0] : 0, b0 = n ? b[0] : 0; /* y may lie over either */
    for (size_t i = 0; i < n; i++)
        y[i] = ln_fmod_one(a_step ? a[i] : a0, b_step ? b[i] : b0);
}

void ln_mod_f32_scalar(float *y, const float *a, const float *b, size_t n, size_t a_step, size_t b_step)
{
    const float a0 = n ? a[0] : 0, b0 = n ? b[0] : 0; /* y may lie over either */
    for (size_t i = 0; i < n; i++)
        y[i] = ln_mod_one(a_step ? a[i] : a0, b_step ? b[i] : b0);
}
