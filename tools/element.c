/* SPDX-License-Identifier: Apache-2.0
 *
 * One element of a tensor as a double, and a double as an element: every number type of ONNX, slowly and plainly, for
 * printing, comparing and filling.
 */
#include <math.h>

#include "kernels/float8.h"
#include "tools/tool.h"

static const ln_f8_format *small_format(linnet_type type)
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

#define AT(ctype) (((const ctype *)v->data)[i])

double ln_element(const linnet_value *v, int64_t i)
{
    switch (v->type) {
    case LINNET_FLOAT32:
        return AT(float);
    case LINNET_FLOAT64:
        return AT(double);
    case LINNET_COMPLEX64:
        return ((const float *)v->data)[2 * i];
    case LINNET_COMPLEX128:
        return ((const double *)v->data)[2 * i];
    case LINNET_FLOAT16:
        return ln_f16_to_f32(AT(uint16_t));
    case LINNET_BFLOAT16:
        return ln_bf16_to_f32(AT(uint16_t));
    case LINNET_UINT8:
    case LINNET_BOOL:
    case LINNET_UINT4:
    case LINNET_UINT2:
        return AT(uint8_t);
    case LINNET_INT8:
    case LINNET_INT4:
    case LINNET_INT2:
        return AT(int8_t);
    case LINNET_UINT16:
        return AT(uint16_t);
    case LINNET_INT16:
        return AT(int16_t);
    case LINNET_INT32:
        return AT(int32_t);
    case LINNET_UINT32:
        return AT(uint32_t);
    case LINNET_INT64:
        return (double)AT(int64_t);
    case LINNET_UINT64:
        return (double)AT(uint64_t);
    case LINNET_FLOAT8E8M0:
        return ln_e8m0_to_f32(AT(uint8_t));
    default: {
        const ln_f8_format *f = small_format(v->type);
        return f ? ln_f8_to_f32(f, AT(uint8_t)) : NAN;
    }
    }
}

/* x rounded half to even and held in [lo, hi]; NaN is 0. */
static double held(double x, double lo, double hi)
{
    return isnan(x) ? 0 : x <= lo ? lo : x >= hi ? hi : nearbyint(x);
}

#define SET(ctype, x) (((ctype *)v->data)[i] = (ctype)(x))

bool ln_element_set(linnet_value *v, int64_t i, double x)
{
    switch (v->type) {
    case LINNET_FLOAT32:
        SET(float, x);
        return true;
    case LINNET_FLOAT64:
        SET(double, x);
        return true;
    case LINNET_COMPLEX64:
        ((float *)v->data)[2 * i] = (float)x;
        return true;
    case LINNET_COMPLEX128:
        ((double *)v->data)[2 * i] = x;
        return true;
    case LINNET_FLOAT16:
        SET(uint16_t, ln_f32_to_f16((float)x));
        return true;
    case LINNET_BFLOAT16:
        SET(uint16_t, ln_f32_to_bf16((float)x));
        return true;
    case LINNET_BOOL:
        SET(uint8_t, x != 0);
        return true;
    case LINNET_UINT8:
        SET(uint8_t, held(x, 0, 255));
        return true;
    case LINNET_INT8:
        SET(int8_t, held(x, -128, 127));
        return true;
    case LINNET_UINT4:
        SET(uint8_t, held(x, 0, 15));
        return true;
    case LINNET_INT4:
        SET(int8_t, held(x, -8, 7));
        return true;
    case LINNET_UINT2:
        SET(uint8_t, held(x, 0, 3));
        return true;
    case LINNET_INT2:
        SET(int8_t, held(x, -2, 1));
        return true;
    case LINNET_UINT16:
        SET(uint16_t, held(x, 0, 65535));
        return true;
    case LINNET_INT16:
        SET(int16_t, held(x, -32768, 32767));
        return true;
    case LINNET_INT32:
        SET(int32_t, held(x, INT32_MIN, INT32_MAX));
        return true;
    case LINNET_UINT32:
        SET(uint32_t, held(x, 0, UINT32_MAX));
        return true;
    case LINNET_INT64:
        SET(int64_t, held(x, -0x1p63, 0x1.fffffffffffffp62));
        return true;
    case LINNET_UINT64:
        SET(uint64_t, held(x, 0, 0x1.fffffffffffffp63));
        return true;
    case LINNET_FLOAT8E8M0:
        SET(uint8_t, isnan(x) ? 255 : held(log2(fabs(x)) + 127, 0, 254));
        return true;
    default: {
        const ln_f8_format *f = small_format(v->type);
        if (!f)
            return false;
        SET(uint8_t, ln_f32_to_f8(f, (float)x, 1));
        return true;
    }
    }
}
