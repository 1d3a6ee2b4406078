/* SPDX-License-Identifier: Apache-2.0
 *
 * Two rows of 32-bit elements woven into one and taken apart again, tier neon: LD2 and ST2 do just that. (Elements
 * picked by indices are loaded one by one with or without vectors, so gather_u32 has no variant here.)
 */
#include <arm_neon.h>

#include "kernels/kernels.h"

void ln_zip_u32_neon(uint32_t *y, const uint32_t *a, const uint32_t *b, size_t n)
{
    size_t i = 0;
    for (; i + 4 <= n; i += 4)
        vst2q_u32(y + 2 * i, ((uint32x4x2_t){{vld1q_u32(a + i), vld1q_u32(b + i)}}));
    for (; i < n; i++) {
        y[2 * i] = a[i];
        y[2 * i + 1] = b[i];
    }
}

void ln_unzip_u32_neon(uint32_t *a, uint32_t *b, const uint32_t *x, size_t n)
{
    size_t i = 0;
    for (; i + 4 < n; i += 4) { /* without b the last element of x may not be there */
        uint32x4x2_t v = vld2q_u32(x + 2 * i);
        vst1q_u32(a + i, v.val[0]);
        if (b)
            vst1q_u32(b + i, v.val[1]);
    }
    for (; i < n; i++) {
        a[i] = x[2 * i];
        if (b)
            b[i] = x[2 * i + 1];
    }
}
