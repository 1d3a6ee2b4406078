/* SPDX-License-Identifier: Apache-2.0
 *
 * Two rows of 32-bit elements woven into one and taken apart again, tier wasm. (Elements picked by indices stay with
 * the scalar tier: there are no gathers.)
 */
#include <wasm_simd128.h>

#include "kernels/kernels.h"

void ln_zip_u32_wasm(uint32_t *y, const uint32_t *a, const uint32_t *b, size_t n)
{
    size_t i = 0;
    for (; i + 4 <= n; i += 4) {
        v128_t u = wasm_v128_load(a + i), v = wasm_v128_load(b + i);
        wasm_v128_store(y + 2 * i, wasm_i32x4_shuffle(u, v, 0, 4, 1, 5));
        wasm_v128_store(y + 2 * i + 4, wasm_i32x4_shuffle(u, v, 2, 6, 3, 7));
    }
    for (; i < n; i++) {
        y[2 * i] = a[i];
        y[2 * i + 1] = b[i];
    }
}

void ln_unzip_u32_wasm(uint32_t *a, uint32_t *b, const uint32_t *x, size_t n)
{
    size_t i = 0, whole = b ? n : n - (n > 0); /* x[2 n - 1] may not be there */
    for (; i + 4 <= whole; i += 4) {
        v128_t u = wasm_v128_load(x + 2 * i), v = wasm_v128_load(x + 2 * i + 4);
        wasm_v128_store(a + i, wasm_i32x4_shuffle(u, v, 0, 2, 4, 6));
        if (b)
            wasm_v128_store(b + i, wasm_i32x4_shuffle(u, v, 1, 3, 5, 7));
    }
    for (; i < n; i++) {
        a[i] = x[2 * i];
        if (b)
            b[i] = x[2 * i + 1];
    }
}
