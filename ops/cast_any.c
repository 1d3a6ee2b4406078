/* SPDX-License-Identifier: Apache-2.0
 *
 * Conversions between any two numeric types, by way of one of four: float32, float64, int64, uint64, a block at a time;
 * see cast_any.h. A float64 or 64-bit integer on its way to a float narrower than float32 is first rounded to odd, so
 * that the second rounding gives what a single one would.
 */
#include "ops/cast_any.h"

#include <math.h>
#include <string.h>

#include "kernels/float8.h"
#include "kernels/kernels.h"

#define BLOCK 128

typedef enum middle { AS_F32, AS_F64, AS_I64, AS_U64 } middle;

typedef union block {
    float f32[BLOCK];
    double f64[BLOCK];
    int64_t i64[BLOCK];
    uint64_t u64[BLOCK];
} block;

#define EACH(expr)                                                                                                     \
    for (int64_t i = 0; i < n; i++)                                                                                    \
        expr;                                                                                                          \
    break

#define LOAD(T, field) EACH(b->field[i] = ((const T *)x)[at + i])

static middle load(block *b, int from, const void *x, int64_t at, int64_t n)
{
    switch (from) {
    case LINNET_FLOAT64:
        memcpy(b->f64, (const double *)x + at, (size_t)n * sizeof(double));
        return AS_F64;
    case LINNET_UINT64:
        memcpy(b->u64, (const uint64_t *)x + at, (size_t)n * sizeof(uint64_t));
        return AS_U64;
    case LINNET_BOOL:
    case LINNET_UINT8:
    case LINNET_UINT4:
    case LINNET_UINT2:
        LOAD(uint8_t, i64);
    case LINNET_INT8:
    case LINNET_INT4:
    case LINNET_INT2:
        LOAD(int8_t, i64);
    case LINNET_INT16:
        LOAD(int16_t, i64);
    case LINNET_UINT16:
        LOAD(uint16_t, i64);
    case LINNET_INT32:
        LOAD(int32_t, i64);
    case LINNET_UINT32:
        LOAD(uint32_t, i64);
    case LINNET_INT64:
        LOAD(int64_t, i64);
    default:
        ln_to_f32(b->f32, x, from, at, n);
        return AS_F32;
    }
    return AS_I64;
}

/* Truncated; outside [low, 2^bits), or NaN: low. */
static int64_t truncated(double v, int wide)
{
    if (wide)
        return v >= -0x1p63 && v < 0x1p63 ? (int64_t)v : INT64_MIN;
    return v > -2147483649.0 && v < 2147483648.0 ? (int64_t)v : INT32_MIN;
}

static uint64_t to_bits(const block *b, middle m, int64_t i, int to)
{
    if (m == AS_I64)
        return (uint64_t)b->i64[i];
    if (m == AS_U64)
        return b->u64[i];
    double v = m == AS_F32 ? (double)b->f32[i] : b->f64[i];
    if (to == LINNET_UINT64 && v >= 0x1p63)
        return v < 0x1p64 ? (uint64_t)v : UINT64_C(1) << 63;
    return (uint64_t)truncated(v, to == LINNET_INT64 || to == LINNET_UINT64 || to == LINNET_UINT32);
}

static uint8_t to_bool(const block *b, middle m, int64_t i)
{
    switch (m) {
    case AS_F32:
        return !(b->f32[i] == 0);
    case AS_F64:
        return !(b->f64[i] == 0);
    default:
        return b->u64[i] != 0;
    }
}

static double to_f64(const block *b, middle m, int64_t i)
{
    switch (m) {
    case AS_F32:
        return (double)b->f32[i];
    case AS_F64:
        return b->f64[i];
    case AS_I64:
        return (double)b->i64[i];
    default:
        return (double)b->u64[i];
    }
}

/* d as the float32 nearest to it, or, where it lies between two, that with an odd last bit. */
static float round_to_odd(double d)
{
    float f = (float)d;
    if ((double)f == d || d != d)
        return f;
    uint32_t u = ln_float_bits(f);
    if (u & 1)
        return f;
    return ln_bits_float(fabs((double)f) > fabs(d) ? u - 1 : u + 1); /* infinity: to the largest, which is odd */
}

static float to_f32(const block *b, middle m, int64_t i, int narrow)
{
    if (m == AS_F32)
        return b->f32[i];
    if (narrow)
        return round_to_odd(to_f64(b, m, i));
    return m == AS_F64 ? (float)b->f64[i] : m == AS_I64 ? (float)b->i64[i] : (float)b->u64[i];
}

#define STORE(T) EACH(((T *)y)[at + i] = (T)to_bits(b, m, i, to))

static void store(int to, void *y, int64_t at, const block *b, middle m, int64_t n, ln_cast_how how)
{
    switch (to) {
    case LINNET_BOOL:
        EACH(((uint8_t *)y)[at + i] = to_bool(b, m, i));
    case LINNET_INT8:
    case LINNET_UINT8:
        STORE(uint8_t);
    case LINNET_INT16:
    case LINNET_UINT16:
        STORE(uint16_t);
    case LINNET_INT32:
    case LINNET_UINT32:
        STORE(uint32_t);
    case LINNET_INT64:
    case LINNET_UINT64:
        STORE(uint64_t);
    case LINNET_UINT4:
        EACH(((uint8_t *)y)[at + i] = (uint8_t)(to_bits(b, m, i, to) & 15));
    case LINNET_INT4:
        EACH(((uint8_t *)y)[at + i] = (uint8_t)(((to_bits(b, m, i, to) & 15) ^ 8) - 8));
    case LINNET_UINT2:
        EACH(((uint8_t *)y)[at + i] = (uint8_t)(to_bits(b, m, i, to) & 3));
    case LINNET_INT2:
        EACH(((uint8_t *)y)[at + i] = (uint8_t)(((to_bits(b, m, i, to) & 3) ^ 2) - 2));
    case LINNET_FLOAT64:
        EACH(((double *)y)[at + i] = to_f64(b, m, i));
    case LINNET_FLOAT32:
        EACH(((float *)y)[at + i] = to_f32(b, m, i, 0));
    case LINNET_FLOAT8E8M0:
        EACH(((uint8_t *)y)[at + i] = ln_f32_to_e8m0(to_f32(b, m, i, 1), how.saturate, how.round));
    default: {
        float f[BLOCK];
        for (int64_t i = 0; i < n; i++)
            f[i] = to_f32(b, m, i, 1);
        ln_from_f32(y, to, at, f, n, how.saturate);
    }
    }
}

/* Types that are exact as float32, whose row kernels then serve them; firmware saves their code. */
#ifdef LN_FIRMWARE
#define BY_FLOATS(type) ((void)(type), false)
#else
#define BY_FLOATS(type) ((type) == LINNET_FLOAT16 || (type) == LINNET_BFLOAT16)
#endif

/* A row kernel does the pair: one of the two is float32, or both are integers. */
static bool direct(int to, void *y, int from, const void *x, int64_t begin, int64_t n)
{
    ln_VCONVERT *fn = NULL;
    if (from == LINNET_FLOAT32 && (to == LINNET_UINT8 || to == LINNET_INT8))
        fn = LN_K(f32_to_u8);
    else if (from == LINNET_FLOAT32 && to == LINNET_INT32)
        fn = LN_K(f32_to_i32);
    else if (from == LINNET_FLOAT32 && to == LINNET_INT64)
        fn = LN_K(f32_to_i64);
    else if (from == LINNET_INT32 && to == LINNET_INT64)
        fn = LN_K(i32_to_i64);
    else if (from == LINNET_INT64 && to == LINNET_INT32)
        fn = LN_K(i64_to_i32);
    else if (to == LINNET_FLOAT32 && !(LN_T(from) & LN_T_FLOAT8))
        ln_to_f32((float *)y + begin, x, from, begin, n);
    else if (from == LINNET_FLOAT32 && (to == LINNET_FLOAT16 || to == LINNET_BFLOAT16))
        ln_from_f32(y, to, begin, (const float *)x + begin, n, 1);
    else
        return false;
    if (fn)
        fn((char *)y + (size_t)begin * linnet_type_size((linnet_type)to),
           (const char *)x + (size_t)begin * linnet_type_size((linnet_type)from), (size_t)n);
    return true;
}

void ln_cast(int to, void *y, int from, const void *x, int64_t begin, int64_t n, ln_cast_how how)
{
    block b;
    const bool half = BY_FLOATS(from);
    if (direct(to, y, from, x, begin, n))
        return;
    for (int64_t end = begin + n; begin < end; begin += BLOCK) {
        int64_t part = end - begin < BLOCK ? end - begin : BLOCK;
        middle m = load(&b, from, x, begin, part);
        size_t size = linnet_type_size((linnet_type)to);
        if (half && direct(to, (char *)y + (size_t)begin * size, LINNET_FLOAT32, b.f32, 0, part))
            continue;
        store(to, y, begin, &b, m, part, how);
    }
}
