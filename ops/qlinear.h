/* SPDX-License-Identifier: Apache-2.0
 *
 * What the com.microsoft QLinear* operators share: one scale and zero point for a tensor of int8 or uint8, tables of
 * 256 results for functions of one byte, and the walk over operands that broadcast.
 */
#ifndef LN_OPS_QLINEAR_H
#define LN_OPS_QLINEAR_H

#include "kernels/round.h"
#include "ops/qproduct.h"

/* x / scale, rounded and saturated; the byte of the int8 or uint8. */
static inline uint8_t ln_quantize_one(float x, float scale, int32_t zero, int is_signed)
{
    float q = x / scale, lo = (float)((is_signed ? -128 : 0) - zero), hi = lo + 255;
    q = q > lo ? q : lo;
    q = q < hi ? q : hi;
    return (uint8_t)(ln_round_small(q) + zero);
}

/* The value of byte b of a tensor. */
static inline float ln_dequantize_one(int b, float scale, int32_t zero, int is_signed)
{
    return (float)((is_signed ? (int8_t)b : b) - zero) * scale;
}

/* Fails unless input i is a float32 scalar (scale), or absent or an 8-bit scalar (zero) of the type of input `like`. */
linnet_status ln_check_scale(ln_ctx *c, int32_t i, const char *name);
linnet_status ln_check_zero(ln_ctx *c, int32_t i, int32_t like, const char *name);

/* table[b] = the byte of byte b requantised. */
void ln_requantize_table(uint8_t table[256], float x_scale, int32_t x_zero, float y_scale, int32_t y_zero,
                         int is_signed);

/* Up to three operands broadcast to one shape, as rows: dimensions are merged where they can be. */
typedef struct ln_qwalk {
    int32_t rank, operands;
    int64_t dims[LN_MAX_RANK];
    int64_t step[3][LN_MAX_RANK]; /* elements; the last is 0 or 1 */
    int64_t rows;                 /* product of all dimensions but the last */
} ln_qwalk;

/* The walk over inputs index[0..operands). The shapes are known. */
linnet_status ln_qwalk_of(ln_ctx *c, int32_t operands, const int32_t *index, ln_qwalk *w);
/* Offsets of the operands at the start of a row. */
void ln_qwalk_row(const ln_qwalk *w, int64_t row, int64_t *at);

/* infer: output 0 of the type of input `like`, the shapes of the operands broadcast. */
linnet_status ln_qwalk_infer(ln_ctx *c, int32_t operands, const int32_t *index, int32_t like);

#endif
