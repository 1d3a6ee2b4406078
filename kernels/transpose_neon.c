/* SPDX-License-Identifier: Apache-2.0
 *
 * Transpose of a matrix of 32-bit elements: blocks of 4 x 4 in registers, four of them side by side so that whole lines
 * are written. Contract: signatures.h.
 */
#include <arm_neon.h>

#include "kernels/kernels.h"

enum { LINE = 16 }; /* elements of a cache line */

static inline float32x4_t low_pairs(float32x4_t a, float32x4_t b)
{
    return vreinterpretq_f32_f64(vzip1q_f64(vreinterpretq_f64_f32(a), vreinterpretq_f64_f32(b)));
}

static inline float32x4_t high_pairs(float32x4_t a, float32x4_t b)
{
    return vreinterpretq_f32_f64(vzip2q_f64(vreinterpretq_f64_f32(a), vreinterpretq_f64_f32(b)));
}

static inline void block(float *y, size_t ldy, const float *x, size_t ldx)
{
    float32x4_t a = vld1q_f32(x), b = vld1q_f32(x + ldx), c = vld1q_f32(x + 2 * ldx), d = vld1q_f32(x + 3 * ldx);
    float32x4_t ab0 = vtrn1q_f32(a, b), ab1 = vtrn2q_f32(a, b), cd0 = vtrn1q_f32(c, d), cd1 = vtrn2q_f32(c, d);
    vst1q_f32(y, low_pairs(ab0, cd0));
    vst1q_f32(y + ldy, low_pairs(ab1, cd1));
    vst1q_f32(y + 2 * ldy, high_pairs(ab0, cd0));
    vst1q_f32(y + 3 * ldy, high_pairs(ab1, cd1));
}

static void edge(float *y, size_t ldy, const float *x, size_t ldx, size_t rows, size_t cols)
{
    for (size_t j = 0; j < cols; j++)
        for (size_t i = 0; i < rows; i++)
            y[j * ldy + i] = x[i * ldx + j];
}

void ln_transpose_f32_neon(float *y, size_t ldy, const float *x, size_t ldx, size_t rows, size_t cols)
{
    size_t whole = cols / 4 * 4;
    for (size_t i = 0, height; i < rows; i += height) {
        height = rows - i < LINE ? rows - i : LINE;
        size_t blocks = height / 4 * 4;
        for (size_t j = 0; j < whole; j += 4)
            for (size_t k = 0; k < blocks; k += 4)
                block(y + j * ldy + i + k, ldy, x + (i + k) * ldx + j, ldx);
        edge(y + i + blocks, ldy, x + (i + blocks) * ldx, ldx, height - blocks, whole);
        edge(y + whole * ldy + i, ldy, x + i * ldx + whole, ldx, height, cols - whole);
    }
}
