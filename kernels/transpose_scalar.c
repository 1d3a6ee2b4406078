/* SPDX-License-Identifier: Apache-2.0
 *
 * Transposes of matrices of 32-bit elements and of bytes, in blocks of eight rows so that every line that is touched
 * is used.
 */
#include "kernels/kernels.h"

void ln_transpose_f32_scalar(float *restrict y, size_t ldy, const float *restrict x, size_t ldx, size_t rows,
                             size_t cols)
{
    for (size_t i0 = 0; i0 < rows; i0 += 8) {
        size_t i1 = i0 + 8 < rows ? i0 + 8 : rows;
        for (size_t j = 0; j < cols; j++)
            for (size_t i = i0; i < i1; i++)
                y[j * ldy + i] = x[i * ldx + j];
    }
}

void ln_transpose_u8_scalar(uint8_t *restrict y, size_t ldy, const uint8_t *restrict x, size_t ldx, size_t rows,
                            size_t cols)
{
    for (size_t i0 = 0; i0 < rows; i0 += 8) {
        size_t i1 = i0 + 8 < rows ? i0 + 8 : rows;
        for (size_t j = 0; j < cols; j++)
            for (size_t i = i0; i < i1; i++)
                y[j * ldy + i] = x[i * ldx + j];
    }
}
