/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/kernels.h"

void ln_relu_f32_scalar(float *y, const float *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        y[i] = x[i] > 0 ? x[i] : x[i] != x[i] ? x[i] : 0;
}
