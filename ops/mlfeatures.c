/* SPDX-License-Identifier: Apache-2.0
 *
 * The operators of ai.onnx.ml on single features: Scaler, Imputer, Binarizer, Normalizer. A list of one value is for
 * every feature, otherwise there is one for each along the last axis. ai.onnx.ml -1 of each.
 */
#include <math.h>
#include <string.h>

#include "ops/mlcommon.h"

typedef struct feature_params {
    int64_t rows, width;
    int64_t n_a, n_b; /* elements of the packed lists */
    int64_t old_int;
    float old, threshold;
    int32_t type, norm;
    int64_t at_b; /* bytes in packed */
} feature_params;

static linnet_status float_infer(ln_ctx *c)
{
    if (c->in[0]->rank < 0)
        return ln_set_unknown(c, 0, LINNET_FLOAT32);
    return ln_set_shape(c, 0, LINNET_FLOAT32, c->in[0]->rank, c->in[0]->dims);
}

static void measure(ln_ctx *c, feature_params *p)
{
    const ln_info *x = c->in[0];
    p->type = x->type;
    p->width = x->rank ? x->dims[x->rank - 1] : 1;
    p->rows = p->width ? ln_info_count(x) / p->width : 0;
}

static linnet_status check_list(ln_ctx *c, const char *name, int64_t n, int64_t width)
{
    if (n != 1 && n != width)
        return ln_fail(c, LINNET_ERR_MODEL, "%s has %lld elements for %lld features", name, (long long)n,
                       (long long)width);
    return LINNET_OK;
}

/* -- Scaler
 * ------------------------------------------------------------------------------------------------------------ */

LN_RUN(ln_ml_scale)
{
    const feature_params *p = a->params;
    const float *offset = a->packed, *scale = (const float *)(const void *)((const char *)a->packed + p->at_b);
    float *y = a->out[0];
    for (int64_t r = 0; r < p->rows; r++, y += p->width) {
        ln_to_f32(y, a->in[0], p->type, r * p->width, p->width);
        for (int64_t i = 0; i < p->width; i++)
            y[i] = (y[i] - offset[p->n_a == 1 ? 0 : i]) * scale[p->n_b == 1 ? 0 : i];
    }
    return LINNET_OK;
}

static linnet_status scaler_plan(ln_ctx *c)
{
    feature_params *p = c->params;
    static const float zero = 0, one = 1;
    measure(c, p);
    const float *offset = ln_attr_floats(c, "offset", &p->n_a), *scale = ln_attr_floats(c, "scale", &p->n_b);
    if (!p->n_a)
        offset = &zero, p->n_a = 1;
    if (!p->n_b)
        scale = &one, p->n_b = 1;
    LN_TRY(check_list(c, "offset", p->n_a, p->width));
    LN_TRY(check_list(c, "scale", p->n_b, p->width));
    p->at_b = p->n_a * (int64_t)sizeof(float);
    char *packed = ln_pack(c, (size_t)(p->n_a + p->n_b) * sizeof(float));
    if (!packed)
        return ln_no_memory(c);
    memcpy(packed, offset, (size_t)p->n_a * sizeof *offset);
    memcpy(packed + p->at_b, scale, (size_t)p->n_b * sizeof *scale);
    return LINNET_OK;
}

static const ln_attr_spec scaler_attrs[] = {LN_ATTR_ANY("offset"), LN_ATTR_ANY("scale"), LN_ATTR_END};

LN_OP(ml_Scaler) = {
    .domain = "ai.onnx.ml",
    .type = "Scaler",
    .since = {1},
    .types = LN_T_FEATURES,
    .in = {1, 1},
    .out = {1, 1},
    .attrs = scaler_attrs,
    .params_size = sizeof(feature_params),
    .infer = float_infer,
    .plan = scaler_plan,
    LN_RUN_NAME(ln_ml_scale),
};

/* -- Imputer
 * ----------------------------------------------------------------------------------------------------------- */

#define IMPUTE(type, is_missing)                                                                                       \
    for (int64_t r = 0, at = 0; r < p->rows; r++)                                                                      \
        for (int64_t i = 0; i < p->width; i++, at++) {                                                                 \
            type v = ((const type *)a->in[0])[at];                                                                     \
            ((type *)a->out[0])[at] = (is_missing) ? (type)put[p->n_a == 1 ? 0 : i] : v;                               \
        }

LN_RUN(ln_ml_impute_float)
{
    const feature_params *p = a->params;
    const float *put = a->packed;
    bool nan = p->old != p->old;
    if (p->type == LINNET_FLOAT32)
        IMPUTE(float, nan ? v != v : v == p->old)
    else
        IMPUTE(double, nan ? v != v : v == (double)p->old)
    return LINNET_OK;
}

LN_RUN(ln_ml_impute_int)
{
    const feature_params *p = a->params;
    const int64_t *put = a->packed;
    if (p->type == LINNET_INT64)
        IMPUTE(int64_t, v == p->old_int)
    else
        IMPUTE(int32_t, v == p->old_int)
    return LINNET_OK;
}

static linnet_status imputer_plan(ln_ctx *c)
{
    feature_params *p = c->params;
    measure(c, p);
    bool floats = p->type == LINNET_FLOAT32 || p->type == LINNET_FLOAT64;
    const void *list = floats ? (const void *)ln_attr_floats(c, "imputed_value_floats", &p->n_a)
                              : (const void *)ln_attr_ints(c, "imputed_value_int64s", &p->n_a);
    size_t size = floats ? sizeof(float) : sizeof(int64_t);
    LN_TRY(check_list(c, floats ? "imputed_value_floats" : "imputed_value_int64s", p->n_a, p->width));
    p->old = ln_attr_float(c, "replaced_value_float", 0);
    p->old_int = ln_attr_int(c, "replaced_value_int64", 0);
    void *packed = ln_pack(c, (size_t)p->n_a * size);
    if (!packed)
        return ln_no_memory(c);
    memcpy(packed, list, (size_t)p->n_a * size);
    ln_in_place(c, 0, 0);
    if (floats)
        LN_SET_RUN(c, ln_ml_impute_float);
    else
        LN_SET_RUN(c, ln_ml_impute_int);
    return LINNET_OK;
}

static const ln_attr_spec imputer_attrs[] = {
    LN_ATTR_ANY("imputed_value_floats"),
    LN_ATTR_ANY("imputed_value_int64s"),
    LN_ATTR_ANY("replaced_value_float"),
    LN_ATTR_ANY("replaced_value_int64"),
    LN_ATTR_END,
};

LN_OP(ml_Imputer) = {
    .domain = "ai.onnx.ml",
    .type = "Imputer",
    .since = {1},
    .types = LN_T_FEATURES,
    .in = {1, 1},
    .out = {1, 1},
    .attrs = imputer_attrs,
    .params_size = sizeof(feature_params),
    .infer = ln_infer_same,
    .plan = imputer_plan,
    LN_RUN_NAME(ln_ml_impute_float),
};

/* -- Binarizer
 * --------------------------------------------------------------------------------------------------------- */

#define BINARIZE(type)                                                                                                 \
    for (int64_t i = 0; i < n; i++)                                                                                    \
    ((type *)a->out[0])[i] = (double)((const type *)a->in[0])[i] > (double)p->threshold

LN_RUN(ln_ml_binarize)
{
    const feature_params *p = a->params;
    int64_t n = p->rows * p->width;
    switch (p->type) {
    case LINNET_FLOAT32:
        BINARIZE(float);
        break;
    case LINNET_FLOAT64:
        BINARIZE(double);
        break;
    case LINNET_INT64:
        BINARIZE(int64_t);
        break;
    default:
        BINARIZE(int32_t);
    }
    return LINNET_OK;
}

static linnet_status binarizer_plan(ln_ctx *c)
{
    measure(c, c->params);
    ln_in_place(c, 0, 0);
    return LINNET_OK;
}

static const ln_attr_spec binarizer_attrs[] = {LN_ATTR_F(feature_params, threshold, 0.0f), LN_ATTR_END};

LN_OP(ml_Binarizer) = {
    .domain = "ai.onnx.ml",
    .type = "Binarizer",
    .since = {1},
    .types = LN_T_FEATURES,
    .in = {1, 1},
    .out = {1, 1},
    .attrs = binarizer_attrs,
    .params_size = sizeof(feature_params),
    .infer = ln_infer_same,
    .plan = binarizer_plan,
    LN_RUN_NAME(ln_ml_binarize),
};

/* -- Normalizer
 * -------------------------------------------------------------------------------------------------------- */

enum { NORM_MAX, NORM_L1, NORM_L2 };

/* MAX divides by the largest element, as the specification writes it, not by the largest absolute value. */
LN_RUN(ln_ml_normalize)
{
    const feature_params *p = a->params;
    float *y = a->out[0];
    for (int64_t r = 0; r < p->rows; r++, y += p->width) {
        ln_to_f32(y, a->in[0], p->type, r * p->width, p->width);
        float d = p->norm == NORM_MAX ? y[0] : 0;
        for (int64_t i = 0; i < p->width; i++)
            d = p->norm == NORM_MAX ? (y[i] > d ? y[i] : d) : d + (p->norm == NORM_L1 ? fabsf(y[i]) : y[i] * y[i]);
        if (d == 0)
            continue;
        d = p->norm == NORM_L2 ? sqrtf(d) : d;
        for (int64_t i = 0; i < p->width; i++)
            y[i] /= d;
    }
    return LINNET_OK;
}

static linnet_status normalizer_infer(ln_ctx *c)
{
    int64_t rows, features;
    LN_TRY(ln_rows_of(c, c->in[0], &rows, &features));
    return float_infer(c);
}

static linnet_status normalizer_plan(ln_ctx *c)
{
    measure(c, c->params);
    return LINNET_OK;
}

static const ln_attr_spec normalizer_attrs[] = {
    {.name = "norm", .kind = LN_AT_ENUM, .offset = offsetof(feature_params, norm), .names = "MAX|L1|L2"},
    LN_ATTR_END,
};

LN_OP(ml_Normalizer) = {
    .domain = "ai.onnx.ml",
    .type = "Normalizer",
    .since = {1},
    .types = LN_T_FEATURES,
    .in = {1, 1},
    .out = {1, 1},
    .attrs = normalizer_attrs,
    .params_size = sizeof(feature_params),
    .infer = normalizer_infer,
    .plan = normalizer_plan,
    LN_RUN_NAME(ln_ml_normalize),
};
