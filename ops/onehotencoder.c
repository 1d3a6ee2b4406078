/* SPDX-License-Identifier: Apache-2.0
 *
 * OneHotEncoder: each element as a row of zeros with a one at its category. Numbers are cast to int64 (towards zero)
 * before they are looked up. ai.onnx.ml OneHotEncoder-1.
 */
#include "ops/keytable.h"

#include <string.h>

typedef struct onehot_params {
    int64_t n, width, n_keys;
    int64_t zeros;
    int32_t in_type;
} onehot_params;

static int64_t category_of(const onehot_params *p, const void *table, const void *x, int64_t i)
{
    if (p->in_type == LINNET_STRING)
        return ln_string_keys_find(table, p->n_keys, ((const linnet_string *)x)[i]);
    if (p->in_type == LINNET_FLOAT32 || p->in_type == LINNET_FLOAT64) {
        double v = p->in_type == LINNET_FLOAT32 ? (double)((const float *)x)[i] : ((const double *)x)[i];
        if (!(v > -0x1p63 && v < 0x1p63))
            return -1;
        return ln_int_keys_find(table, p->n_keys, (int64_t)v);
    }
    return ln_int_keys_find(table, p->n_keys, ln_int_key_of(x, p->in_type, i));
}

LN_RUN(ln_onehot_encode)
{
    const onehot_params *p = a->params;
    float *y = a->out[0];
    if (p->n > 0)
        memset(y, 0, (size_t)(p->n * p->width) * sizeof *y);
    for (int64_t i = 0; i < p->n; i++) {
        int64_t at = category_of(p, a->packed, a->in[0], i);
        if (at >= 0)
            y[i * p->width + at] = 1.0f;
        else if (!p->zeros)
            return ln_run_fail(a, "element %lld has no category", (long long)i);
    }
    return LINNET_OK;
}

static linnet_status categories(ln_ctx *c, const int64_t **ints, const linnet_string **strings, int64_t *width)
{
    int64_t n, k;
    *ints = ln_attr_ints(c, "cats_int64s", &n);
    *strings = ln_attr_strings(c, "cats_strings", &k);
    if ((n > 0) == (k > 0))
        return ln_fail(c, LINNET_ERR_MODEL, "%lld cats_int64s and %lld cats_strings", (long long)n, (long long)k);
    *width = n > 0 ? n : k;
    if (c->in[0]->type != LINNET_UNDEFINED && (c->in[0]->type == LINNET_STRING) != (k > 0))
        return ln_fail(c, LINNET_ERR_MODEL, "X is %s, the categories are %s",
                       linnet_type_name((linnet_type)c->in[0]->type), k > 0 ? "strings" : "integers");
    return LINNET_OK;
}

static linnet_status onehot_infer(ln_ctx *c)
{
    const int64_t *ints;
    const linnet_string *strings;
    int64_t width, dims[LN_MAX_RANK + 1];
    LN_TRY(categories(c, &ints, &strings, &width));
    if (c->in[0]->rank < 0)
        return ln_set_unknown(c, 0, LINNET_FLOAT32);
    memcpy(dims, c->in[0]->dims, sizeof c->in[0]->dims);
    dims[c->in[0]->rank] = width;
    return ln_set_shape(c, 0, LINNET_FLOAT32, c->in[0]->rank + 1, dims);
}

static linnet_status onehot_plan(ln_ctx *c)
{
    onehot_params *p = c->params;
    const int64_t *ints = NULL;
    const linnet_string *strings = NULL;
    LN_TRY(categories(c, &ints, &strings, &p->width));
    p->n = ln_info_count(c->in[0]);
    p->in_type = c->in[0]->type;
    void *table = ln_pack(c, (size_t)p->width * (strings ? sizeof(ln_string_key) : sizeof(ln_int_key)));
    if (!table)
        return ln_no_memory(c);
    for (int64_t i = 0; i < p->width; i++)
        if (strings)
            ((ln_string_key *)table)[i] = (ln_string_key){strings[i], i};
        else
            ((ln_int_key *)table)[i] = (ln_int_key){ints[i], i};
    p->n_keys = strings ? ln_string_keys_sort(table, p->width) : ln_int_keys_sort(table, p->width);
    return LINNET_OK;
}

static const ln_attr_spec attrs[] = {
    LN_ATTR_I(onehot_params, zeros, 1),
    LN_ATTR_ANY("cats_int64s"),
    LN_ATTR_ANY("cats_strings"),
    LN_ATTR_END,
};

LN_OP(ml_OneHotEncoder) = {
    .domain = "ai.onnx.ml",
    .type = "OneHotEncoder",
    .since = {1},
    .types = LN_T(LINNET_STRING) | LN_T(LINNET_INT64) | LN_T(LINNET_INT32) | LN_T(LINNET_FLOAT32) |
             LN_T(LINNET_FLOAT64),
    .in = {1, 1},
    .out = {1, 1},
    .attrs = attrs,
    .params_size = sizeof(onehot_params),
    .infer = onehot_infer,
    .plan = onehot_plan,
    LN_RUN_NAME(ln_onehot_encode),
};
