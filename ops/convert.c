/* SPDX-License-Identifier: Apache-2.0
 *
 * Conversions to and from float32, and the checks of inputs that many operators share: see convert.h.
 */
#include <math.h>
#include <string.h>

#include "kernels/float8.h"
#include "kernels/kernels.h"
#include "kernels/round.h"
#include "ops/convert.h"

#define ROUND_BLOCK 256 /* elements */

static const ln_f8_format *format_of(int type)
{
    switch (type) {
    case LINNET_FLOAT8E4M3FN:
        return &ln_f8_e4m3fn;
    case LINNET_FLOAT8E4M3FNUZ:
        return &ln_f8_e4m3fnuz;
    case LINNET_FLOAT8E5M2:
        return &ln_f8_e5m2;
    case LINNET_FLOAT8E5M2FNUZ:
        return &ln_f8_e5m2fnuz;
    case LINNET_FLOAT4E2M1:
        return &ln_f4_e2m1;
    case LINNET_FLOAT6E2M3:
        return &ln_f6_e2m3;
    case LINNET_FLOAT6E3M2:
        return &ln_f6_e3m2;
    default:
        return NULL;
    }
}

#define LOAD(c_type)                                                                                                   \
    for (int64_t i = 0; i < n; i++)                                                                                    \
    y[i] = (float)((const c_type *)x)[offset + i]

void ln_to_f32(float *y, const void *x, int type, int64_t offset, int64_t n)
{
    switch (type) {
    case LINNET_FLOAT32:
        if (n > 0)
            memcpy(y, (const float *)x + offset, (size_t)n * sizeof *y);
        break;
    case LINNET_FLOAT64:
        LOAD(double);
        break;
    case LINNET_FLOAT16:
        LN_K(f16_to_f32)(y, (const uint16_t *)x + offset, (size_t)n);
        break;
    case LINNET_BFLOAT16:
        LN_K(bf16_to_f32)(y, (const uint16_t *)x + offset, (size_t)n);
        break;
    case LINNET_INT8:
    case LINNET_INT4:
    case LINNET_INT2:
        LN_K(i8_to_f32)(y, (const int8_t *)x + offset, (size_t)n);
        break;
    case LINNET_UINT8:
    case LINNET_UINT4:
    case LINNET_UINT2:
    case LINNET_BOOL:
        LN_K(u8_to_f32)(y, (const uint8_t *)x + offset, (size_t)n);
        break;
    case LINNET_INT16:
        LOAD(int16_t);
        break;
    case LINNET_UINT16:
        LOAD(uint16_t);
        break;
    case LINNET_INT32:
        LN_K(i32_to_f32)(y, (const int32_t *)x + offset, (size_t)n);
        break;
    case LINNET_UINT32:
        LOAD(uint32_t);
        break;
    case LINNET_INT64:
        LN_K(i64_to_f32)(y, (const int64_t *)x + offset, (size_t)n);
        break;
    case LINNET_UINT64:
        LOAD(uint64_t);
        break;
    case LINNET_FLOAT8E8M0:
        for (int64_t i = 0; i < n; i++)
            y[i] = ln_e8m0_to_f32(((const uint8_t *)x)[offset + i]);
        break;
    default: {
        const ln_f8_format *f = format_of(type);
        for (int64_t i = 0; i < n; i++)
            y[i] = ln_f8_to_f32(f, ((const uint8_t *)x)[offset + i]);
    }
    }
}

bool ln_int_range(int type, int32_t *low, int32_t *high)
{
    static const struct {
        int32_t type, low, high;
    } ranges[] = {{LINNET_UINT8, 0, 255},        {LINNET_INT8, -128, 127}, {LINNET_UINT16, 0, 65535},
                  {LINNET_INT16, -32768, 32767}, {LINNET_UINT4, 0, 15},    {LINNET_INT4, -8, 7},
                  {LINNET_UINT2, 0, 3},          {LINNET_INT2, -2, 1},     {LINNET_INT32, INT32_MIN, INT32_MAX}};
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++)
        if (ranges[i].type == type) {
            *low = ranges[i].low;
            *high = ranges[i].high;
            return true;
        }
    return false;
}

/* f rounded and saturated; the bounds of int32 are no floats, so they are compared as powers of two. */
static int32_t to_int(float f, int32_t low, int32_t high)
{
    float r = ln_round_even(f);
    if (!(r > (float)low))
        return low;
    return r >= (float)high ? high : (int32_t)r;
}

void ln_from_f32(void *y, int type, int64_t offset, const float *x, int64_t n, int saturate)
{
    int32_t low, high;
    if (ln_int_range(type, &low, &high)) {
        size_t size = linnet_type_size((linnet_type)type);
        for (int64_t i = 0; i < n; i++) {
            int32_t v = to_int(x[i], low, high);
            if (size == 1)
                ((uint8_t *)y)[offset + i] = (uint8_t)v;
            else if (size == 2)
                ((uint16_t *)y)[offset + i] = (uint16_t)v;
            else
                ((int32_t *)y)[offset + i] = v;
        }
        return;
    }
    switch (type) {
    case LINNET_FLOAT32:
        if (n > 0)
            memcpy((float *)y + offset, x, (size_t)n * sizeof *x);
        break;
    case LINNET_FLOAT64:
        for (int64_t i = 0; i < n; i++)
            ((double *)y)[offset + i] = x[i];
        break;
    case LINNET_FLOAT16:
        LN_K(f32_to_f16)((uint16_t *)y + offset, x, (size_t)n);
        break;
    case LINNET_BFLOAT16:
        LN_K(f32_to_bf16)((uint16_t *)y + offset, x, (size_t)n);
        break;
    default: {
        const ln_f8_format *f = format_of(type);
        for (int64_t i = 0; i < n; i++)
            ((uint8_t *)y)[offset + i] = ln_f32_to_f8(f, x[i], saturate);
    }
    }
}

void ln_to_f64(double *y, const void *x, int type, int64_t offset, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        switch (type) {
        case LINNET_INT32:
            y[i] = ((const int32_t *)x)[offset + i];
            break;
        case LINNET_UINT32:
            y[i] = ((const uint32_t *)x)[offset + i];
            break;
        case LINNET_INT64:
            y[i] = (double)((const int64_t *)x)[offset + i];
            break;
        case LINNET_UINT64:
            y[i] = (double)((const uint64_t *)x)[offset + i];
            break;
        default:
            y[i] = ln_get_f64(x, type, offset + i);
        }
}

void ln_from_f64(void *y, int type, int64_t offset, const double *x, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        double r = x[i] == x[i] ? rint(x[i]) : 0;
        switch (type) {
        case LINNET_INT32:
            ((int32_t *)y)[offset + i] = r < -0x1p31 ? INT32_MIN : r >= 0x1p31 ? INT32_MAX : (int32_t)r;
            break;
        case LINNET_UINT32:
            ((uint32_t *)y)[offset + i] = r < 0 ? 0 : r >= 0x1p32 ? UINT32_MAX : (uint32_t)r;
            break;
        case LINNET_INT64:
            ((int64_t *)y)[offset + i] = r < -0x1p63 ? INT64_MIN : r >= 0x1p63 ? INT64_MAX : (int64_t)r;
            break;
        case LINNET_UINT64:
            ((uint64_t *)y)[offset + i] = r < 0 ? 0 : r >= 0x1p64 ? UINT64_MAX : (uint64_t)r;
            break;
        case LINNET_BOOL:
            ((bool *)y)[offset + i] = r > 0;
            break;
        default:
            ln_put_f64(y, type, offset + i, x[i]);
        }
    }
}

double ln_get_f64(const void *x, int type, int64_t i)
{
    float f;
    if (type == LINNET_FLOAT64)
        return ((const double *)x)[i];
    ln_to_f32(&f, x, type, i, 1);
    return (double)f;
}

void ln_put_f64(void *y, int type, int64_t i, double v)
{
    float f = (float)v;
    if (type == LINNET_FLOAT64)
        ((double *)y)[i] = v;
    else
        ln_from_f32(y, type, i, &f, 1, 1);
}

float ln_round_to(float x, int type)
{
    if (type == LINNET_FLOAT16)
        return ln_f16_to_f32(ln_f32_to_f16(x));
    return type == LINNET_BFLOAT16 ? ln_bf16_to_f32(ln_f32_to_bf16(x)) : x;
}

void ln_round_run(float *x, int64_t n, int type)
{
    LN_BLOCK uint16_t half[ROUND_BLOCK];
    if (type != LINNET_FLOAT16 && type != LINNET_BFLOAT16)
        return;
    for (int64_t part; n > 0; n -= part, x += part) {
        part = n < ROUND_BLOCK ? n : ROUND_BLOCK;
        ln_from_f32(half, type, 0, x, part, 1);
        ln_to_f32(x, half, type, 0, part);
    }
}

bool ln_maybe_scalar(const ln_info *info)
{
    int64_t n = ln_info_count(info);
    return n == 1 || n == LN_UNKNOWN;
}

linnet_status ln_check_type(ln_ctx *c, int32_t i, uint32_t types, const char *name)
{
    const ln_info *in = ln_in(c, i);
    if (!in || in->type == LINNET_UNDEFINED)
        return LINNET_OK;
    if (in->kind != LINNET_TENSOR || !(types & LN_T(in->type)))
        return ln_fail(c, LINNET_ERR_MODEL, "%s has element type %s, which this input does not take", name,
                       linnet_type_name((linnet_type)in->type));
    return LINNET_OK;
}

linnet_status ln_check_rank(ln_ctx *c, int32_t i, int32_t low, int32_t high, const char *name)
{
    const ln_info *in = ln_in(c, i);
    if (in && in->rank >= 0 && (in->rank < low || in->rank > high)) {
        if (low == high)
            return ln_fail(c, LINNET_ERR_MODEL, "%s has rank %d, expected %d", name, in->rank, low);
        return ln_fail(c, LINNET_ERR_MODEL, "%s has rank %d, expected %d to %d", name, in->rank, low, high);
    }
    return LINNET_OK;
}

linnet_status ln_check_dim(ln_ctx *c, int64_t got, int64_t want, const char *what)
{
    if (got >= 0 && want >= 0 && got != want)
        return ln_fail(c, LINNET_ERR_MODEL, "%s is %lld, expected %lld", what, (long long)got, (long long)want);
    return LINNET_OK;
}
