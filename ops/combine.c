/* SPDX-License-Identifier: Apache-2.0
 *
 * See combine.h.
 */
#include "ops/combine.h"

#include <string.h>

#include "kernels/half.h"

bool ln_combine_supported(int type, int32_t how)
{
    uint32_t numbers = LN_T_NUMBERS | LN_T(LINNET_BOOL);
    if (how == LN_COMBINE_ADD || how == LN_COMBINE_MUL)
        numbers |= LN_T_COMPLEX;
    return how == LN_COMBINE_NONE || (numbers & LN_T(type));
}

/* W is the type that the operation is done in: unsigned, so that it wraps, and at least int, so that it is not signed
 * after promotion. */
#define INTEGER(T, W)                                                                                                  \
    static void combine_##T(T *y, const T *x, int32_t how, int64_t n)                                                  \
    {                                                                                                                  \
        for (int64_t i = 0; i < n; i++)                                                                                \
            y[i] = how == LN_COMBINE_ADD   ? (T)((W)y[i] + (W)x[i])                                                    \
                   : how == LN_COMBINE_MUL ? (T)((W)y[i] * (W)x[i])                                                    \
                   : how == LN_COMBINE_MAX ? (x[i] > y[i] ? x[i] : y[i])                                               \
                                           : (x[i] < y[i] ? x[i] : y[i]);                                              \
    }
INTEGER(int8_t, uint32_t)
INTEGER(uint8_t, uint32_t)
INTEGER(int16_t, uint32_t)
INTEGER(uint16_t, uint32_t)
INTEGER(int32_t, uint32_t)
INTEGER(uint32_t, uint32_t)
INTEGER(int64_t, uint64_t)
INTEGER(uint64_t, uint64_t)

static float one_float(float y, float x, int32_t how)
{
    switch (how) {
    case LN_COMBINE_ADD:
        return y + x;
    case LN_COMBINE_MUL:
        return y * x;
    case LN_COMBINE_MAX:
        return x > y || x != x ? x : y;
    default:
        return x < y || x != x ? x : y;
    }
}

static double one_double(double y, double x, int32_t how)
{
    switch (how) {
    case LN_COMBINE_ADD:
        return y + x;
    case LN_COMBINE_MUL:
        return y * x;
    case LN_COMBINE_MAX:
        return x > y || x != x ? x : y;
    default:
        return x < y || x != x ? x : y;
    }
}

#define COMPLEX(T)                                                                                                     \
    static void complex_##T(T *y, const T *x, int32_t how, int64_t n)                                                  \
    {                                                                                                                  \
        for (int64_t i = 0; i < 2 * n; i += 2) {                                                                       \
            T re = y[i], im = y[i + 1];                                                                                \
            y[i] = how == LN_COMBINE_ADD ? re + x[i] : re * x[i] - im * x[i + 1];                                      \
            y[i + 1] = how == LN_COMBINE_ADD ? im + x[i + 1] : re * x[i + 1] + im * x[i];                              \
        }                                                                                                              \
    }
COMPLEX(float)
COMPLEX(double)

static void combine_bool(uint8_t *y, const uint8_t *x, int32_t how, int64_t n)
{
    bool any = how == LN_COMBINE_ADD || how == LN_COMBINE_MAX;
    for (int64_t i = 0; i < n; i++)
        y[i] = any ? y[i] | x[i] : y[i] & x[i];
}

void ln_combine(void *y, const void *x, int type, int32_t how, int64_t n)
{
    if (how == LN_COMBINE_NONE) {
        if (n > 0)
            memcpy(y, x, (size_t)n * linnet_type_size((linnet_type)type));
        return;
    }
    switch (type) {
    case LINNET_FLOAT32:
        for (int64_t i = 0; i < n; i++)
            ((float *)y)[i] = one_float(((float *)y)[i], ((const float *)x)[i], how);
        break;
    case LINNET_FLOAT64:
        for (int64_t i = 0; i < n; i++)
            ((double *)y)[i] = one_double(((double *)y)[i], ((const double *)x)[i], how);
        break;
    case LINNET_FLOAT16:
        for (int64_t i = 0; i < n; i++) {
            uint16_t *h = (uint16_t *)y + i;
            *h = ln_f32_to_f16(one_float(ln_f16_to_f32(*h), ln_f16_to_f32(((const uint16_t *)x)[i]), how));
        }
        break;
    case LINNET_BFLOAT16:
        for (int64_t i = 0; i < n; i++) {
            uint16_t *h = (uint16_t *)y + i;
            *h = ln_f32_to_bf16(one_float(ln_bf16_to_f32(*h), ln_bf16_to_f32(((const uint16_t *)x)[i]), how));
        }
        break;
    case LINNET_INT8:
        combine_int8_t(y, x, how, n);
        break;
    case LINNET_UINT8:
        combine_uint8_t(y, x, how, n);
        break;
    case LINNET_INT16:
        combine_int16_t(y, x, how, n);
        break;
    case LINNET_UINT16:
        combine_uint16_t(y, x, how, n);
        break;
    case LINNET_INT32:
        combine_int32_t(y, x, how, n);
        break;
    case LINNET_UINT32:
        combine_uint32_t(y, x, how, n);
        break;
    case LINNET_INT64:
        combine_int64_t(y, x, how, n);
        break;
    case LINNET_UINT64:
        combine_uint64_t(y, x, how, n);
        break;
    case LINNET_COMPLEX64:
        complex_float(y, x, how, n);
        break;
    case LINNET_COMPLEX128:
        complex_double(y, x, how, n);
        break;
    default:
        combine_bool(y, x, how, n);
    }
}
