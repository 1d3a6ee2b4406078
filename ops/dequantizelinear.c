/* SPDX-License-Identifier: Apache-2.0
 *
 * DequantizeLinear: y = (x - zero_point) * scale, scales per tensor, per axis or per block. ai.onnx
 * DequantizeLinear-10 to -28. The difference is exact, the product rounded once to the type of y.
 */
#include "kernels/kernels.h"
#include "ops/quant.h"

#define CHUNK 256

typedef struct dequantize_params {
    int64_t axis, block_size, output_dtype;
    ln_quant_grid grid;
    int32_t x_type, scale_type, y_type;
    int32_t zero, fast;
} dequantize_params;

typedef struct job {
    const dequantize_params *p;
    const ln_args *a;
} job;

static void chunk(const job *j, int64_t at, int64_t n, int64_t scale)
{
    const dequantize_params *p = j->p;
    const ln_args *a = j->a;
    float x[CHUNK], s[CHUNK], z[CHUNK] = {0};
    int64_t ns = p->grid.vector ? n : 1;
    ln_to_f32(s, a->in[1], p->scale_type, scale, ns);
    if (p->x_type == LINNET_INT32) {
        for (int64_t i = 0; i < n; i++) {
            int64_t zero = p->zero ? ((const int32_t *)a->in[2])[p->grid.vector ? scale + i : scale] : 0;
            x[i] = (float)(((const int32_t *)a->in[0])[at + i] - zero);
        }
    } else {
        ln_to_f32(x, a->in[0], p->x_type, at, n);
        if (p->zero)
            ln_to_f32(z, a->in[2], p->x_type, scale, ns);
    }
    for (int64_t i = 0; i < n; i++) {
        int64_t k = p->grid.vector ? i : 0;
        x[i] = (x[i] - z[k]) * s[k];
    }
    ln_from_f32(a->out[0], p->y_type, at, x, n, 1);
}

static void segment(const void *arg, int64_t at, int64_t n, int64_t scale)
{
    const job *j = arg;
    const dequantize_params *p = j->p;
    if (p->fast && !p->grid.vector) {
        int32_t zero = 0;
        bool is_signed = p->x_type == LINNET_INT8;
        if (p->zero)
            zero = is_signed ? ((const int8_t *)j->a->in[2])[scale] : ((const uint8_t *)j->a->in[2])[scale];
        LN_K(dequantize8)
        ((float *)j->a->out[0] + at, (const uint8_t *)j->a->in[0] + at, (size_t)n, ((const float *)j->a->in[1])[scale],
         is_signed ? zero + 128 : zero, is_signed ? 0x80 : 0);
        return;
    }
    for (int64_t i = 0; i < n; i += CHUNK)
        chunk(j, at + i, n - i < CHUNK ? n - i : CHUNK, p->grid.vector ? scale + i : scale);
}

LN_RUN(ln_dequantizelinear)
{
    const dequantize_params *p = a->params;
    job j = {p, a};
    ln_quant_run(a, &p->grid, p->fast ? 0.1 : 2, segment, &j);
    return LINNET_OK;
}

#define X_TYPES                                                                                                        \
    (LN_T(LINNET_UINT8) | LN_T(LINNET_INT8) | LN_T(LINNET_UINT16) | LN_T(LINNET_INT16) | LN_T(LINNET_INT32) |          \
     LN_T_SMALL | LN_T_FLOAT6 | (LN_T_FLOAT8 & ~LN_T(LINNET_FLOAT8E8M0)))
#define Y_TYPES (LN_T(LINNET_FLOAT32) | LN_T(LINNET_FLOAT16) | LN_T(LINNET_BFLOAT16))

static linnet_type y_type(const ln_ctx *c)
{
    const dequantize_params *p = c->params;
    if (p->output_dtype)
        return (linnet_type)p->output_dtype;
    return c->in[1]->type == LINNET_FLOAT8E8M0 ? LINNET_FLOAT32 : (linnet_type)c->in[1]->type;
}

static linnet_status dequantize_infer(ln_ctx *c)
{
    const dequantize_params *p = c->params;
    const ln_info *x = c->in[0], *z = ln_in(c, 2);
    LN_TRY(ln_check_type(c, 1, Y_TYPES | LN_T(LINNET_FLOAT8E8M0), "x_scale"));
    LN_TRY(ln_check_type(c, 2, X_TYPES, "x_zero_point"));
    if (z && z->type != LINNET_UNDEFINED && x->type != LINNET_UNDEFINED && z->type != x->type)
        return ln_fail(c, LINNET_ERR_MODEL, "x is %s, but x_zero_point is %s", linnet_type_name((linnet_type)x->type),
                       linnet_type_name((linnet_type)z->type));
    if (p->output_dtype < 0 || p->output_dtype >= LINNET_TYPE_COUNT ||
        (p->output_dtype && !(Y_TYPES & LN_T(p->output_dtype))))
        return ln_fail(c, LINNET_ERR_UNSUPPORTED, "output_dtype %lld", (long long)p->output_dtype);
    LN_TRY(ln_quant_check(c, p->axis, p->block_size));
    if (x->rank < 0)
        return ln_set_unknown(c, 0, y_type(c));
    return ln_set_shape(c, 0, y_type(c), x->rank, x->dims);
}

static linnet_status dequantize_plan(ln_ctx *c)
{
    dequantize_params *p = c->params;
    LN_TRY(ln_quant_grid_of(c, c->in[0], c->in[1], p->axis, p->block_size, &p->grid));
    p->x_type = c->in[0]->type;
    p->scale_type = c->in[1]->type;
    p->y_type = (int32_t)y_type(c);
    p->zero = ln_in(c, 2) != NULL;
    p->fast = p->y_type == LINNET_FLOAT32 && p->scale_type == LINNET_FLOAT32 &&
              (p->x_type == LINNET_UINT8 || p->x_type == LINNET_INT8);
    return LINNET_OK;
}

static const ln_attr_spec attrs[] = {
    LN_ATTR_I(dequantize_params, axis, 1),
    LN_ATTR_I(dequantize_params, block_size, 0),
    LN_ATTR_I(dequantize_params, output_dtype, 0),
    LN_ATTR_END,
};

LN_OP(DequantizeLinear) = {
    .domain = "",
    .type = "DequantizeLinear",
    .since = {10, 13, 19, 21, 23, 24, 25, 28},
    .types = X_TYPES,
    .in = {2, 3},
    .out = {1, 1},
    .attrs = attrs,
    .params_size = sizeof(dequantize_params),
    .infer = dequantize_infer,
    .plan = dequantize_plan,
    LN_RUN_NAME(ln_dequantizelinear),
};

LN_OP(MsDequantizeLinear) = {
    .domain = "com.microsoft",
    .type = "DequantizeLinear",
    .since = {1},
    .types = X_TYPES,
    .in = {2, 3},
    .out = {1, 1},
    .attrs = attrs,
    .params_size = sizeof(dequantize_params),
    .infer = dequantize_infer,
    .plan = dequantize_plan,
    LN_RUN_NAME(ln_dequantizelinear),
};
