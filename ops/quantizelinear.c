/* SPDX-License-Identifier: Apache-2.0
 *
 * QuantizeLinear: y = saturate(round(x / scale) + zero_point), scales per tensor, per axis or per block. ai.onnx
 * QuantizeLinear-10 to -28. The quotient is rounded to the type of the scale, or to `precision`; to
 * float8, float6 and float4 there is no rounding to integers. float32 to 8 bits goes by a kernel, all else by float32
 * chunks.
 */
#include "kernels/kernels.h"
#include "kernels/round.h"
#include "ops/quant.h"

#define CHUNK 256

typedef struct quantize_params {
    int64_t axis, block_size, output_dtype, saturate, precision;
    ln_quant_grid grid;
    int32_t x_type, scale_type, y_type, round_type;
    int32_t zero, fast;
} quantize_params;

typedef struct job {
    const quantize_params *p;
    const ln_args *a;
} job;

/* One chunk: elements [at, at + n), scales from `scale` on (vector) or the one there. */
static void chunk(const job *j, int64_t at, int64_t n, int64_t scale)
{
    const quantize_params *p = j->p;
    const ln_args *a = j->a;
    float x[CHUNK], s[CHUNK], z[CHUNK] = {0};
    int64_t ns = p->grid.vector ? n : 1;
    ln_to_f32(x, a->in[0], p->x_type, at, n);
    ln_to_f32(s, a->in[1], p->scale_type, scale, ns);
    if (p->zero)
        ln_to_f32(z, a->in[2], p->y_type, scale, ns);
    if (p->precision)
        for (int64_t i = 0; i < n; i++)
            x[i] = ln_round_to(x[i], p->round_type);
    int32_t low, high;
    bool integer = ln_int_range(p->y_type, &low, &high);
    for (int64_t i = 0; i < n; i++) {
        int64_t k = p->grid.vector ? i : 0;
        float d = p->precision ? ln_round_to(s[k], p->round_type) : s[k];
        float q = ln_round_to(x[i] / d, p->round_type);
        if (integer) {
            /* Clamped first: then the sum of integers is exact in float32. */
            float lo = (float)low - z[k], hi = (float)high - z[k];
            q = q > lo ? q : lo;
            q = ln_round_even(q < hi ? q : hi);
        }
        x[i] = q + z[k];
    }
    ln_from_f32(a->out[0], p->y_type, at, x, n, (int)p->saturate);
}

static void segment(const void *arg, int64_t at, int64_t n, int64_t scale)
{
    const job *j = arg;
    const quantize_params *p = j->p;
    if (p->fast && !p->grid.vector) {
        int32_t zero = 0, low = p->y_type == LINNET_INT8 ? -128 : 0;
        if (p->zero)
            zero = low ? ((const int8_t *)j->a->in[2])[scale] : ((const uint8_t *)j->a->in[2])[scale];
        LN_K(quantize8)
        ((uint8_t *)j->a->out[0] + at, (const float *)j->a->in[0] + at, (size_t)n, ((const float *)j->a->in[1])[scale],
         zero, low);
        return;
    }
    for (int64_t i = 0; i < n; i += CHUNK)
        chunk(j, at + i, n - i < CHUNK ? n - i : CHUNK, p->grid.vector ? scale + i : scale);
}

/* 16-bit floats to 8 bits, one scale: the quotients are rounded as their type is, and then have a kernel. */
static void half_segment(const void *arg, int64_t at, int64_t n, int64_t scale)
{
    const job *j = arg;
    const quantize_params *p = j->p;
    LN_BLOCK float x[CHUNK];
    float s, zero = 0;
    ln_to_f32(&s, j->a->in[1], p->scale_type, scale, 1);
    if (p->zero)
        ln_to_f32(&zero, j->a->in[2], p->y_type, scale, 1);
    for (int64_t part; n > 0; n -= part, at += part) {
        part = n < CHUNK ? n : CHUNK;
        ln_to_f32(x, j->a->in[0], p->x_type, at, part);
        LN_K(div_f32)(x, x, &s, (size_t)part, 1, 0);
        ln_round_run(x, part, p->round_type);
        LN_K(quantize8)
        ((uint8_t *)j->a->out[0] + at, x, (size_t)part, 1, (int32_t)zero, p->y_type == LINNET_INT8 ? -128 : 0);
    }
}

LN_RUN(ln_quantizelinear)
{
    const quantize_params *p = a->params;
    job j = {p, a};
    ln_quant_run(a, &p->grid, p->fast ? 0.1 : 4, segment, &j);
    return LINNET_OK;
}

LN_RUN(ln_quantizelinear_half)
{
    const quantize_params *p = a->params;
    job j = {p, a};
    ln_quant_run(a, &p->grid, 0.3, half_segment, &j);
    return LINNET_OK;
}

#define X_TYPES (LN_T(LINNET_FLOAT32) | LN_T(LINNET_FLOAT16) | LN_T(LINNET_BFLOAT16) | LN_T(LINNET_INT32))
#define Y_TYPES                                                                                                        \
    (LN_T(LINNET_UINT8) | LN_T(LINNET_INT8) | LN_T(LINNET_UINT16) | LN_T(LINNET_INT16) | LN_T_SMALL | LN_T_FLOAT6 |    \
     (LN_T_FLOAT8 & ~LN_T(LINNET_FLOAT8E8M0)))

static linnet_type y_type(const ln_ctx *c)
{
    const quantize_params *p = c->params;
    const ln_info *z = ln_in(c, 2);
    if (p->output_dtype)
        return (linnet_type)p->output_dtype;
    return z ? (linnet_type)z->type : LINNET_UINT8;
}

static linnet_status quantize_infer(ln_ctx *c)
{
    const quantize_params *p = c->params;
    const ln_info *x = c->in[0], *z = ln_in(c, 2);
    LN_TRY(ln_check_type(c, 1, X_TYPES | LN_T(LINNET_FLOAT8E8M0), "y_scale"));
    LN_TRY(ln_check_type(c, 2, Y_TYPES, "y_zero_point"));
    if (p->output_dtype < 0 || p->output_dtype >= LINNET_TYPE_COUNT ||
        (p->output_dtype && !(Y_TYPES & LN_T(p->output_dtype))))
        return ln_fail(c, LINNET_ERR_UNSUPPORTED, "output_dtype %lld", (long long)p->output_dtype);
    if (p->output_dtype && z && z->type != LINNET_UNDEFINED && z->type != p->output_dtype)
        return ln_fail(c, LINNET_ERR_MODEL, "output_dtype is %s, but y_zero_point is %s",
                       linnet_type_name((linnet_type)p->output_dtype), linnet_type_name((linnet_type)z->type));
    if (p->precision && p->precision != LINNET_FLOAT32 && p->precision != LINNET_FLOAT16 &&
        p->precision != LINNET_BFLOAT16)
        return ln_fail(c, LINNET_ERR_UNSUPPORTED, "precision %lld", (long long)p->precision);
    LN_TRY(ln_quant_check(c, p->axis, p->block_size));
    if (x->rank < 0)
        return ln_set_unknown(c, 0, y_type(c));
    return ln_set_shape(c, 0, y_type(c), x->rank, x->dims);
}

static linnet_status quantize_plan(ln_ctx *c)
{
    quantize_params *p = c->params;
    LN_TRY(ln_quant_grid_of(c, c->in[0], c->in[1], p->axis, p->block_size, &p->grid));
    p->x_type = c->in[0]->type;
    p->scale_type = c->in[1]->type;
    p->y_type = (int32_t)y_type(c);
    p->zero = ln_in(c, 2) != NULL;
    p->round_type = p->precision ? (int32_t)p->precision : p->scale_type;
    bool bytes = p->y_type == LINNET_UINT8 || p->y_type == LINNET_INT8;
    p->fast =
        p->x_type == LINNET_FLOAT32 && p->scale_type == LINNET_FLOAT32 && p->round_type == LINNET_FLOAT32 && bytes;
    bool half = p->x_type == LINNET_FLOAT16 || p->x_type == LINNET_BFLOAT16;
    if (half && bytes && !p->precision && !p->grid.vector)
        LN_SET_RUN(c, ln_quantizelinear_half);
    return LINNET_OK;
}

static const ln_attr_spec attrs[] = {
    LN_ATTR_I(quantize_params, axis, 1),         LN_ATTR_I(quantize_params, block_size, 0),
    LN_ATTR_I(quantize_params, output_dtype, 0), LN_ATTR_I(quantize_params, saturate, 1),
    LN_ATTR_I(quantize_params, precision, 0),    LN_ATTR_END,
};

LN_OP(QuantizeLinear) = {
    .domain = "",
    .type = "QuantizeLinear",
    .since = {10, 13, 19, 21, 23, 24, 25, 28},
    .types = X_TYPES,
    .in = {2, 3},
    .out = {1, 1},
    .attrs = attrs,
    .params_size = sizeof(quantize_params),
    .infer = quantize_infer,
    .plan = quantize_plan,
    LN_RUN_NAME(ln_quantizelinear),
};

/* ONNX Runtime's twin for models that keep to ai.onnx before opset 21 but want 16 and 4 bits. */
LN_OP(MsQuantizeLinear) = {
    .domain = "com.microsoft",
    .type = "QuantizeLinear",
    .since = {1},
    .types = X_TYPES,
    .in = {2, 3},
    .out = {1, 1},
    .attrs = attrs,
    .params_size = sizeof(quantize_params),
    .infer = quantize_infer,
    .plan = quantize_plan,
    LN_RUN_NAME(ln_quantizelinear),
};
