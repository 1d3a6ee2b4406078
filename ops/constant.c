/* SPDX-License-Identifier: Apache-2.0
 *
 * Constant, ConstantOfShape and EyeLike. A Constant is one for the engine as soon as it is inferred.
 * ai.onnx Constant-1 to -25, ConstantOfShape-9 to -25, EyeLike-9 to -22.
 */
#include <string.h>

#include "ops/moving.h"

/* -- Constant ------------------------------------------------------------------------------------------------------ */

static linnet_status constant_infer(ln_ctx *c)
{
    int64_t n = 1, i;
    float f;
    linnet_string s;
    const ln_info *tensor = ln_attr_tensor(c, "value");
    if (!tensor)
        tensor = ln_attr_tensor(c, "sparse_value");
    if (tensor) { /* lives as long as the graph: no copy */
        *c->out[0] = *tensor;
        return LINNET_OK;
    }
    if (ln_attr_has(c, "value_float")) {
        f = ln_attr_float(c, "value_float", 0);
        LN_TRY(ln_set_shape(c, 0, LINNET_FLOAT32, 0, NULL));
        return ln_set_data(c, 0, &f);
    }
    if (ln_attr_has(c, "value_int")) {
        i = ln_attr_int(c, "value_int", 0);
        LN_TRY(ln_set_shape(c, 0, LINNET_INT64, 0, NULL));
        return ln_set_data(c, 0, &i);
    }
    if (ln_attr_has(c, "value_string")) {
        s = ln_attr_string(c, "value_string");
        LN_TRY(ln_set_shape(c, 0, LINNET_STRING, 0, NULL));
        return ln_set_data(c, 0, &s);
    }
    if (ln_attr_has(c, "value_floats")) {
        const float *v = ln_attr_floats(c, "value_floats", &n);
        LN_TRY(ln_set_shape(c, 0, LINNET_FLOAT32, 1, &n));
        return ln_set_data(c, 0, v);
    }
    if (ln_attr_has(c, "value_ints")) {
        const int64_t *v = ln_attr_ints(c, "value_ints", &n);
        LN_TRY(ln_set_shape(c, 0, LINNET_INT64, 1, &n));
        return ln_set_data(c, 0, v);
    }
    if (ln_attr_has(c, "value_strings")) {
        const linnet_string *v = ln_attr_strings(c, "value_strings", &n);
        LN_TRY(ln_set_shape(c, 0, LINNET_STRING, 1, &n));
        return ln_set_data(c, 0, v);
    }
    return ln_fail(c, LINNET_ERR_MODEL, "no value");
}

/* Never reached with a value: it is constant by then. */
static linnet_status constant_plan(ln_ctx *c)
{
    c->run = NULL;
    return LINNET_OK;
}

/* -- ConstantOfShape, EyeLike -------------------------------------------------------------------------------------- */

typedef struct fill_params {
    int64_t dtype, k;
    int64_t n, rows, cols;
    int64_t size;
    uint8_t value[16];
} fill_params;

typedef struct job {
    const fill_params *p;
    char *y;
} job;

static void fill(void *arg, int32_t worker, int64_t begin, int64_t end)
{
    const job *j = arg;
    (void)worker;
    ln_fill(j->y + begin * j->p->size, j->p->value, (size_t)j->p->size, end - begin);
}

LN_RUN(ln_constantofshape)
{
    const fill_params *p = a->params;
    job j = {p, a->out[0]};
    ln_parallel(a, p->n, 0.05 * (double)p->size, fill, &j);
    return LINNET_OK;
}

static linnet_status constantofshape_infer(ln_ctx *c)
{
    const ln_info *shape = c->in[0], *value = ln_attr_tensor(c, "value");
    linnet_type type = value ? (linnet_type)value->type : LINNET_FLOAT32;
    int64_t dims[LN_MAX_RANK];
    int32_t n;
    if (value && (ln_info_count(value) != 1 || !value->data))
        return ln_fail(c, LINNET_ERR_MODEL, "value has %lld elements, not 1", (long long)ln_info_count(value));
    LN_TRY(ln_check_rank(c, 0, 1, 1, "input"));
    LN_TRY(ln_read_ints(c, 0, "input", dims, &n));
    if (n < 0) {
        if (shape->rank != 1 || shape->dims[0] < 0)
            return ln_set_unknown(c, 0, type);
        for (n = 0; n < shape->dims[0]; n++)
            dims[n] = LN_UNKNOWN;
    } else {
        for (int32_t i = 0; i < n; i++)
            if (dims[i] < 0)
                return ln_fail(c, LINNET_ERR_MODEL, "input[%d] is %lld", i, (long long)dims[i]);
    }
    return ln_set_shape(c, 0, type, n, dims);
}

static linnet_status constantofshape_plan(ln_ctx *c)
{
    fill_params *p = c->params;
    const ln_info *value = ln_attr_tensor(c, "value");
    p->n = ln_info_count(c->out[0]);
    p->size = (int64_t)linnet_type_size((linnet_type)c->out[0]->type);
    if (value && value->type == LINNET_STRING)
        return ln_fail(c, LINNET_ERR_UNSUPPORTED, "value of type string");
    if (value)
        memcpy(p->value, value->data, (size_t)p->size);
    ln_drop_input(c, 0);
    return LINNET_OK;
}

LN_RUN(ln_eyelike)
{
    const fill_params *p = a->params;
    if (p->n)
        memset(a->out[0], 0, (size_t)(p->n * p->size));
    for (int64_t r = p->k < 0 ? -p->k : 0; r < p->rows && r < p->cols - p->k; r++)
        memcpy((char *)a->out[0] + (r * p->cols + r + p->k) * p->size, p->value, (size_t)p->size);
    return LINNET_OK;
}

static void set_one(uint8_t *value, int type)
{
    const float one = 1;
    if (LN_T_FLOATS & LN_T(type)) {
        ln_from_f32(value, type, 0, &one, 1, 0);
        return;
    }
    switch (linnet_type_size((linnet_type)type)) {
    case 1:
        *value = 1;
        break;
    case 2:
        memcpy(value, &(uint16_t){1}, 2);
        break;
    case 4:
        memcpy(value, &(uint32_t){1}, 4);
        break;
    default:
        memcpy(value, &(uint64_t){1}, 8);
    }
}

#define EYE_TYPES (LN_T_NUMBERS | LN_T(LINNET_BOOL))

static linnet_status eyelike_infer(ln_ctx *c)
{
    const fill_params *p = c->params;
    const ln_info *x = c->in[0];
    int64_t unknown[2] = {LN_UNKNOWN, LN_UNKNOWN};
    if (ln_attr_has(c, "dtype") && (p->dtype <= 0 || p->dtype >= LINNET_TYPE_COUNT || !(EYE_TYPES & LN_T(p->dtype))))
        return ln_fail(c, LINNET_ERR_UNSUPPORTED, "dtype %lld", (long long)p->dtype);
    LN_TRY(ln_check_rank(c, 0, 2, 2, "input"));
    return ln_set_shape(c, 0, p->dtype ? (linnet_type)p->dtype : (linnet_type)x->type, 2,
                        x->rank == 2 ? x->dims : unknown);
}

static linnet_status eyelike_plan(ln_ctx *c)
{
    fill_params *p = c->params;
    const ln_info *y = c->out[0];
    p->rows = y->dims[0];
    p->cols = y->dims[1];
    p->n = p->rows * p->cols;
    p->k = p->k > p->cols ? p->cols : p->k < -p->rows ? -p->rows : p->k;
    p->size = (int64_t)linnet_type_size((linnet_type)y->type);
    set_one(p->value, y->type);
    ln_drop_input(c, 0);
    return LINNET_OK;
}

static const ln_attr_spec constant_attrs[] = {
    LN_ATTR_ANY("value"),        LN_ATTR_ANY("sparse_value"),  LN_ATTR_ANY("value_float"),
    LN_ATTR_ANY("value_floats"), LN_ATTR_ANY("value_int"),     LN_ATTR_ANY("value_ints"),
    LN_ATTR_ANY("value_string"), LN_ATTR_ANY("value_strings"), LN_ATTR_END};
static const ln_attr_spec fill_attrs[] = {LN_ATTR_ANY("value"), LN_ATTR_END};
static const ln_attr_spec eye_attrs[] = {LN_ATTR_I(fill_params, dtype, 0), LN_ATTR_I(fill_params, k, 0), LN_ATTR_END};

LN_OP(Constant) = {
    .domain = "",
    .type = "Constant",
    .since = {1, 9, 11, 12, 13, 19, 21, 23, 24, 25},
    .types = LN_T_ALL,
    .in = {0, 0},
    .out = {1, 1},
    .attrs = constant_attrs,
    .infer = constant_infer,
    .plan = constant_plan,
};

LN_OP(ConstantOfShape) = {
    .domain = "",
    .type = "ConstantOfShape",
    .since = {9, 20, 21, 23, 24, 25},
    .types = LN_T(LINNET_INT64),
    .in = {1, 1},
    .out = {1, 1},
    .attrs = fill_attrs,
    .params_size = sizeof(fill_params),
    .infer = constantofshape_infer,
    .plan = constantofshape_plan,
    LN_RUN_NAME(ln_constantofshape),
};

LN_OP(EyeLike) = {
    .domain = "",
    .type = "EyeLike",
    .since = {9, 22},
    .types = EYE_TYPES,
    .in = {1, 1},
    .out = {1, 1},
    .attrs = eye_attrs,
    .params_size = sizeof(fill_params),
    .infer = eyelike_infer,
    .plan = eyelike_plan,
    LN_RUN_NAME(ln_eyelike),
};
