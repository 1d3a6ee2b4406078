/* SPDX-License-Identifier: Apache-2.0
 *
 * float32 to 8 bits and back, scalar. The quotient is clamped before it is converted, so that no value is out of
 * int32's range; the clamp leaves room for any zero point.
 */
#include "kernels/kernels.h"
#include "kernels/round.h"

void ln_quantize8_scalar(uint8_t *y, const float *x, size_t n, float scale, int32_t zero, int32_t low)
{
    float lo = (float)(low - zero), hi = (float)(low + 255 - zero);
    for (size_t i = 0; i < n; i++) {
        float q = x[i] / scale;
        q = q > lo ? q : lo;
        q = q < hi ? q : hi;
        y[i] = (uint8_t)(ln_round_small(q) + zero);
    }
}

void ln_dequantize8_scalar(float *y, const uint8_t *x, size_t n, float scale, int32_t zero, uint32_t flip)
{
    for (size_t i = 0; i < n; i++)
        y[i] = (float)((int32_t)(x[i] ^ flip) - zero) * scale;
}
