/* SPDX-License-Identifier: Apache-2.0
 *
 * Rows of arithmetic of two inputs: the integer types from binary_row.inc, float64, float16 and bfloat16 through
 * float32, and float32 for the operators that have no kernel.
 */
#include <math.h>

#include "ops/binary.h"

#define T int8_t
#define U uint32_t
#define SIGNED 1
#define SUFFIX i8
#include "ops/binary_row.inc"
#define T int16_t
#define U uint32_t
#define SIGNED 1
#define SUFFIX i16
#include "ops/binary_row.inc"
#define T int32_t
#define U uint32_t
#define SIGNED 1
#define SUFFIX i32
#include "ops/binary_row.inc"
#define T int64_t
#define U uint64_t
#define SIGNED 1
#define SUFFIX i64
#include "ops/binary_row.inc"
#define T uint8_t
#define U uint32_t
#define SIGNED 0
#define SUFFIX u8
#include "ops/binary_row.inc"
#define T uint16_t
#define U uint32_t
#define SIGNED 0
#define SUFFIX u16
#include "ops/binary_row.inc"
#define T uint32_t
#define U uint32_t
#define SIGNED 0
#define SUFFIX u32
#include "ops/binary_row.inc"
#define T uint64_t
#define U uint64_t
#define SIGNED 0
#define SUFFIX u64
#include "ops/binary_row.inc"

/* a - floor(a / b) * b as numpy and Python have it: exact, a zero takes the sign of b, an infinite b gives a or b. */
static double mod_f64(double a, double b)
{
    double r = fmod(a, b);
    if (r == 0)
        return copysign(0.0, b);
    return (r < 0) != (b < 0) ? r + b : r;
}

static double max_f64(double a, double b)
{
    return a != a ? a : a > b ? a : b;
}

static double min_f64(double a, double b)
{
    return a != a ? a : a < b ? a : b;
}

#define ROW(expr)                                                                                                      \
    for (int64_t i = 0; i < n; i++, a += a_step, b += b_step)                                                          \
        y[i] = (expr);                                                                                                 \
    break

void ln_row_f64(int32_t op, int32_t type, void *out, const void *in_a, const void *in_b, int64_t n, size_t a_step,
                size_t b_step)
{
    double *y = out;
    const double *a = in_a, *b = in_b;
    (void)type;
    switch (op) {
    case LN_BIN_ADD:
        ROW(*a + *b);
    case LN_BIN_SUB:
        ROW(*a - *b);
    case LN_BIN_MUL:
        ROW(*a * *b);
    case LN_BIN_DIV:
        ROW(*a / *b);
    case LN_BIN_MAX:
        ROW(max_f64(*a, *b));
    case LN_BIN_MIN:
        ROW(min_f64(*a, *b));
    case LN_BIN_PRELU:
        ROW(*a < 0 ? *a * *b : *a);
    case LN_BIN_MOD:
        ROW(mod_f64(*a, *b));
    default: /* LN_BIN_FMOD */
        ROW(fmod(*a, *b));
    }
}

void ln_row_pow_f64(int32_t op, int32_t type, void *out, const void *in_a, const void *in_b, int64_t n, size_t a_step,
                    size_t b_step)
{
    double *y = out;
    const double *a = in_a, *b = in_b;
    (void)op;
    (void)type;
    for (int64_t i = 0; i < n; i++, a += a_step, b += b_step)
        y[i] = pow(*a, *b);
}

void ln_row_f32(int32_t op, int32_t type, void *out, const void *in_a, const void *in_b, int64_t n, size_t a_step,
                size_t b_step)
{
    float *y = out;
    const float *a = in_a, *b = in_b;
    size_t count = (size_t)n;
    (void)type;
    switch (op) {
    case LN_BIN_ADD:
        LN_K(add_f32)(y, a, b, count, a_step, b_step);
        break;
    case LN_BIN_SUB:
        LN_K(sub_f32)(y, a, b, count, a_step, b_step);
        break;
    case LN_BIN_MUL:
        LN_K(mul_f32)(y, a, b, count, a_step, b_step);
        break;
    case LN_BIN_DIV:
        LN_K(div_f32)(y, a, b, count, a_step, b_step);
        break;
    case LN_BIN_MAX:
        LN_K(max_f32)(y, a, b, count, a_step, b_step);
        break;
    case LN_BIN_MIN:
        LN_K(min_f32)(y, a, b, count, a_step, b_step);
        break;
    case LN_BIN_PRELU:
        LN_K(prelu_f32)(y, a, b, count, a_step, b_step);
        break;
    case LN_BIN_POW:
        LN_K(pow_f32)(y, a, b, count, a_step, b_step);
        break;
    case LN_BIN_MOD:
        LN_K(mod_f32)(y, a, b, count, a_step, b_step);
        break;
    default: /* LN_BIN_FMOD */
        LN_K(fmod_f32)(y, a, b, count, a_step, b_step);
    }
}

#define BLOCK 128

void ln_row_half(int32_t op, int32_t type, void *out, const void *a, const void *b, int64_t n, size_t a_step,
                 size_t b_step)
{
    LN_BLOCK float u[BLOCK], v[BLOCK], y[BLOCK]; /* not in place: an operand of step 0 is read again */
    for (int64_t i = 0; i < n; i += BLOCK) {
        int64_t k = n - i < BLOCK ? n - i : BLOCK;
        ln_to_f32(u, a, type, a_step ? i : 0, a_step ? k : 1);
        ln_to_f32(v, b, type, b_step ? i : 0, b_step ? k : 1);
        ln_row_f32(op, type, y, u, v, k, a_step, b_step);
        ln_from_f32(out, type, i, y, k, 1);
    }
}

ln_binary_row *ln_row_of(int32_t type)
{
    switch (type) {
    case LINNET_FLOAT32:
        return ln_row_f32;
    case LINNET_FLOAT64:
        return ln_row_f64;
    case LINNET_FLOAT16:
    case LINNET_BFLOAT16:
        return ln_row_half;
    case LINNET_INT8:
        return ln_row_i8;
    case LINNET_INT16:
        return ln_row_i16;
    case LINNET_INT32:
        return ln_row_i32;
    case LINNET_INT64:
        return ln_row_i64;
    case LINNET_UINT8:
        return ln_row_u8;
    case LINNET_UINT16:
        return ln_row_u16;
    case LINNET_UINT32:
        return ln_row_u32;
    default:
        return ln_row_u64;
    }
}
