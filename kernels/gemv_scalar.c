/* SPDX-License-Identifier: Apache-2.0
 *
 * A vector times a matrix that lies unpacked, by rows or transposed. Contracts: signatures.h.
 */
#include <string.h>

#include "kernels/kernels.h"

typedef float v4 __attribute__((vector_size(16)));

static inline v4 load(const float *x)
{
    v4 v;
    memcpy(&v, x, sizeof v);
    return v;
}

void ln_gemv_f32_scalar(float *y, const float *a, const float *b, size_t ldb, size_t k, size_t n)
{
    size_t j = 0;
    for (; j + 32 <= n; j += 32) {
        v4 s[8] = {{0, 0, 0, 0}};
        for (size_t i = 0; i < k; i++) {
            v4 x = {a[i], a[i], a[i], a[i]};
#pragma GCC unroll 8
            for (size_t v = 0; v < 8; v++)
                s[v] += x * load(b + i * ldb + j + 4 * v);
        }
        memcpy(y + j, s, sizeof s);
    }
    for (; j < n; j++) {
        float s = 0;
        for (size_t i = 0; i < k; i++)
            s += a[i] * b[i * ldb + j];
        y[j] = s;
    }
}

void ln_gemv_t_f32_scalar(float *y, const float *a, const float *b, size_t ldb, size_t k, size_t n)
{
    for (size_t j = 0; j < n; j++, b += ldb) {
        v4 s[4] = {{0, 0, 0, 0}};
        size_t i = 0;
        for (; i + 16 <= k; i += 16)
#pragma GCC unroll 4
            for (size_t v = 0; v < 4; v++)
                s[v] += load(a + i + 4 * v) * load(b + i + 4 * v);
        s[0] = (s[0] + s[1]) + (s[2] + s[3]);
        float sum = (s[0][0] + s[0][1]) + (s[0][2] + s[0][3]);
        for (; i < k; i++)
            sum += a[i] * b[i];
        y[j] = sum;
    }
}
