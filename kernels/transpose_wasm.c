/* SPDX-License-Identifier: Apache-2.0
 *
 * Transpose of a matrix of 32-bit elements: blocks of 4 x 4 in registers. Contract: signatures.h.
 */
#include <wasm_simd128.h>

#include "kernels/kernels.h"

static inline void block(float *y, size_t ldy, const float *x, size_t ldx)
{
    v128_t a = wasm_v128_load(x), b = wasm_v128_load(x + ldx);
    v128_t c = wasm_v128_load(x + 2 * ldx), d = wasm_v128_load(x + 3 * ldx);
    v128_t ab0 = wasm_i32x4_shuffle(a, b, 0, 4, 1, 5), ab1 = wasm_i32x4_shuffle(a, b, 2, 6, 3, 7);
    v128_t cd0 = wasm_i32x4_shuffle(c, d, 0, 4, 1, 5), cd1 = wasm_i32x4_shuffle(c, d, 2, 6, 3, 7);
    wasm_v128_store(y, wasm_i64x2_shuffle(ab0, cd0, 0, 2));
    wasm_v128_store(y + ldy, wasm_i64x2_shuffle(ab0, cd0, 1, 3));
    wasm_v128_store(y + 2 * ldy, wasm_i64x2_shuffle(ab1, cd1, 0, 2));
    wasm_v128_store(y + 3 * ldy, wasm_i64x2_shuffle(ab1, cd1, 1, 3));
}

static void edge(float *y, size_t ldy, const float *x, size_t ldx, size_t rows, size_t cols)
{
    for (size_t j = 0; j < cols; j++)
        for (size_t i = 0; i < rows; i++)
            y[j * ldy + i] = x[i * ldx + j];
}

void ln_transpose_f32_wasm(float *y, size_t ldy, const float *x, size_t ldx, size_t rows, size_t cols)
{
    size_t i = 0, whole = cols / 4 * 4;
    for (; i + 4 <= rows; i += 4) {
        for (size_t j = 0; j < whole; j += 4)
            block(y + j * ldy + i, ldy, x + i * ldx + j, ldx);
        edge(y + whole * ldy + i, ldy, x + i * ldx + whole, ldx, 4, cols - whole);
    }
    edge(y + i, ldy, x + i * ldx, ldx, rows - i, cols);
}
