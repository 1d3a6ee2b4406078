/* SPDX-License-Identifier: Apache-2.0
 *
 * FeatureVectorizer: inputs side by side as float32 columns; ArrayFeatureExtractor: columns by index. A vector counts
 * as one row. ai.onnx.ml -1 of both.
 */
#include <string.h>

#include "ops/mlcommon.h"

/* -- FeatureVectorizer
 * -------------------------------------------------------------------------------------------------- */

enum { MAX_INPUTS = 256 };

typedef struct vector_params {
    int64_t rows, width;
    int64_t columns[MAX_INPUTS]; /* of the input; more than room[i] are cut off, fewer are followed by zeros */
    int64_t room[MAX_INPUTS];
    int32_t n, type;
} vector_params;

LN_RUN(ln_ml_vectorize)
{
    const vector_params *p = a->params;
    float *y = a->out[0];
    for (int64_t r = 0; r < p->rows; r++)
        for (int32_t i = 0; i < p->n; i++) {
            int64_t n = p->columns[i] < p->room[i] ? p->columns[i] : p->room[i];
            ln_to_f32(y, a->in[i], p->type, r * p->columns[i], n);
            for (int64_t k = n; k < p->room[i]; k++)
                y[k] = 0;
            y += p->room[i];
        }
    return LINNET_OK;
}

/* Rows and columns of an input; -1: not known. Everything after the first axis is columns. */
static linnet_status flat_of(ln_ctx *c, int32_t i, int64_t *rows, int64_t *columns)
{
    const ln_info *x = c->in[i];
    *rows = *columns = LN_UNKNOWN;
    if (!x)
        return ln_fail(c, LINNET_ERR_MODEL, "input %d is missing", i);
    if (x->type && c->in[0]->type && x->type != c->in[0]->type)
        return ln_fail(c, LINNET_ERR_MODEL, "input %d is %s, input 0 is %s", i, linnet_type_name((linnet_type)x->type),
                       linnet_type_name((linnet_type)c->in[0]->type));
    if (x->rank < 0)
        return LINNET_OK;
    if (x->rank == 0)
        return ln_fail(c, LINNET_ERR_MODEL, "input %d is a scalar", i);
    ln_info rest = {.kind = LINNET_TENSOR, .rank = x->rank == 1 ? 1 : x->rank - 1};
    for (int32_t k = 0; k < rest.rank; k++)
        rest.dims[k] = x->dims[x->rank - rest.rank + k];
    *rows = x->rank == 1 ? 1 : x->dims[0];
    *columns = ln_info_count(&rest);
    return LINNET_OK;
}

static linnet_status vector_shape(ln_ctx *c, vector_params *p)
{
    int64_t n;
    const int64_t *room = ln_attr_ints(c, "inputdimensions", &n);
    if (c->n_in > MAX_INPUTS)
        return ln_fail(c, LINNET_ERR_UNSUPPORTED, "%d inputs, at most %d are supported", c->n_in, MAX_INPUTS);
    if (room && n != c->n_in)
        return ln_fail(c, LINNET_ERR_MODEL, "%lld inputdimensions for %d inputs", (long long)n, c->n_in);
    p->n = c->n_in;
    p->type = c->in[0]->type;
    p->rows = LN_UNKNOWN;
    p->width = 0;
    for (int32_t i = 0; i < c->n_in; i++) {
        int64_t rows;
        LN_TRY(flat_of(c, i, &rows, &p->columns[i]));
        if (rows >= 0 && p->rows >= 0)
            LN_TRY(ln_check_dim(c, rows, p->rows, "the number of rows of an input"));
        p->rows = rows >= 0 ? rows : p->rows;
        p->room[i] = room ? room[i] : p->columns[i];
        if (room && room[i] < 0)
            return ln_fail(c, LINNET_ERR_MODEL, "inputdimensions has %lld", (long long)room[i]);
        if (p->room[i] < 0 || p->width < 0)
            p->width = LN_UNKNOWN;
        else if (__builtin_add_overflow(p->width, p->room[i], &p->width))
            return ln_fail(c, LINNET_ERR_MEMORY, "too large");
    }
    return LINNET_OK;
}

static linnet_status vector_infer(ln_ctx *c)
{
    vector_params *p = c->params;
    LN_TRY(vector_shape(c, p));
    int64_t dims[2] = {p->rows, p->width};
    return ln_set_shape(c, 0, LINNET_FLOAT32, 2, dims);
}

static linnet_status vector_plan(ln_ctx *c)
{
    return vector_shape(c, c->params);
}

static const ln_attr_spec vector_attrs[] = {LN_ATTR_ANY("inputdimensions"), LN_ATTR_END};

LN_OP(ml_FeatureVectorizer) = {
    .domain = "ai.onnx.ml",
    .type = "FeatureVectorizer",
    .since = {1},
    .types = LN_T_FEATURES,
    .in = {1, LN_VARIADIC},
    .out = {1, 1},
    .attrs = vector_attrs,
    .params_size = sizeof(vector_params),
    .infer = vector_infer,
    .plan = vector_plan,
    LN_RUN_NAME(ln_ml_vectorize),
};

/* -- ArrayFeatureExtractor
 * ----------------------------------------------------------------------------------------------- */

typedef struct extract_params {
    int64_t rows, width, n;
    int64_t size; /* bytes of an element */
} extract_params;

LN_RUN(ln_ml_extract)
{
    const extract_params *p = a->params;
    const char *x = a->in[0];
    const int64_t *index = a->in[1];
    char *y = a->out[0];
    for (int64_t i = 0; i < p->n; i++)
        if (index[i] < 0 || index[i] >= p->width)
            return ln_run_fail(a, "index %lld is out of range [0, %lld]", (long long)index[i], (long long)p->width - 1);
    for (int64_t r = 0; r < p->rows; r++)
        for (int64_t i = 0; i < p->n; i++, y += p->size)
            memcpy(y, x + (r * p->width + index[i]) * p->size, (size_t)p->size);
    return LINNET_OK;
}

static linnet_status extract_infer(ln_ctx *c)
{
    const ln_info *x = c->in[0];
    LN_TRY(ln_check_type(c, 1, LN_T(LINNET_INT64), "Y"));
    if (x->rank == 0)
        return ln_fail(c, LINNET_ERR_MODEL, "X is a scalar");
    if (x->rank < 0)
        return ln_set_unknown(c, 0, (linnet_type)x->type);
    int64_t dims[LN_MAX_RANK] = {1};
    int32_t rank = x->rank == 1 ? 2 : x->rank;
    for (int32_t i = 0; i + 1 < x->rank; i++)
        dims[i] = x->dims[i];
    dims[rank - 1] = ln_info_count(c->in[1]);
    return ln_set_shape(c, 0, (linnet_type)x->type, rank, dims);
}

static linnet_status extract_plan(ln_ctx *c)
{
    extract_params *p = c->params;
    const ln_info *x = c->in[0];
    p->width = x->dims[x->rank - 1];
    p->rows = p->width ? ln_info_count(x) / p->width : 0;
    p->n = ln_info_count(c->in[1]);
    p->size = (int64_t)linnet_type_size((linnet_type)x->type);
    return LINNET_OK;
}

LN_OP(ml_ArrayFeatureExtractor) = {
    .domain = "ai.onnx.ml",
    .type = "ArrayFeatureExtractor",
    .since = {1},
    .types = LN_T_FEATURES | LN_T(LINNET_STRING),
    .in = {2, 2},
    .out = {1, 1},
    .params_size = sizeof(extract_params),
    .infer = extract_infer,
    .plan = extract_plan,
    LN_RUN_NAME(ln_ml_extract),
};
