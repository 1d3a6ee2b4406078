/* SPDX-License-Identifier: Apache-2.0
 *
 * Two rows of 32-bit elements woven into one and taken apart again, and elements picked by indices.
 */
#include "kernels/kernels.h"

void ln_zip_u32_scalar(uint32_t *y, const uint32_t *a, const uint32_t *b, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        y[2 * i] = a[i];
        y[2 * i + 1] = b[i];
    }
}

void ln_unzip_u32_scalar(uint32_t *a, uint32_t *b, const uint32_t *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        a[i] = x[2 * i];
    for (size_t i = 0; b && i < n; i++)
        b[i] = x[2 * i + 1];
}

void ln_gather_u32_scalar(uint32_t *y, const uint32_t *x, size_t n_x, const int32_t *index, size_t n)
{
    (void)n_x;
    for (size_t i = 0; i < n; i++)
        y[i] = x[index[i]];
}
