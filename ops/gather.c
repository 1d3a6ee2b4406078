/* SPDX-License-Identifier: Apache-2.0
 *
 * Gather and GatherElements: slices, or single elements, picked along an axis by indices. The indices are checked
 * before anything is copied. ai.onnx Gather-1 to -13, GatherElements-11 to -13.
 */
#include <string.h>

#include "ops/moving.h"

typedef struct gather_params {
    int64_t axis;
    int64_t outer, dim, n;                           /* rows before the axis, size of the axis, indices */
    int64_t block;                                   /* bytes after the axis */
    int64_t size;                                    /* bytes of an element */
    int64_t dims[LN_MAX_RANK], strides[LN_MAX_RANK]; /* GatherElements: of the indices, of the data */
    int32_t is64, rank;
} gather_params;

typedef struct job {
    const gather_params *p;
    const ln_args *a;
} job;

#define INDEX_TYPES (LN_T(LINNET_INT32) | LN_T(LINNET_INT64))

static linnet_status check_indices(const ln_args *a, const gather_params *p)
{
    uint64_t dim = (uint64_t)p->dim;
    for (int64_t i = 0; i < p->n; i++) {
        int64_t k = ln_index_at(a->in[1], p->is64, i);
        if ((uint64_t)k + dim >= 2 * dim)
            return ln_run_fail(a, "index %lld is out of range [-%lld, %lld]", (long long)k, (long long)p->dim,
                               (long long)p->dim - 1);
    }
    return LINNET_OK;
}

static inline int64_t index_of(const gather_params *p, const void *indices, int64_t i)
{
    int64_t k = ln_index_at(indices, p->is64, i);
    return k < 0 ? k + p->dim : k;
}

#define LOOP(bytes)                                                                                                    \
    for (int64_t i = begin; i < end; i++, y += (bytes))                                                                \
        memcpy(y, x + index_of(p, j->a->in[1], i) * (bytes), (size_t)(bytes));

/* The indices [begin, end) of one outer row. */
static void row_blocks(const job *j, char *y, const char *x, int64_t begin, int64_t end)
{
    const gather_params *p = j->p;
    switch (p->block) {
    case 4:
        LOOP(4)
        break;
    case 8:
        LOOP(8)
        break;
    default:
        LOOP(p->block)
    }
}

static void blocks(void *arg, int32_t worker, int64_t begin, int64_t end)
{
    const job *j = arg;
    const gather_params *p = j->p;
    const char *x = j->a->in[0];
    char *y = (char *)j->a->out[0] + begin * p->block;
    int64_t row = p->dim * p->block;
    (void)worker;
    if (p->n == 1 && p->block <= 8) {
        x += begin * row + index_of(p, j->a->in[1], 0) * p->block;
        ln_gather_step(y, x, row, (size_t)p->block, end - begin);
        return;
    }
    while (begin < end) {
        int64_t first = begin % p->n, last = first + end - begin < p->n ? first + end - begin : p->n;
        row_blocks(j, y, x + begin / p->n * row, first, last);
        y += (last - first) * p->block;
        begin += last - first;
    }
}

LN_RUN(ln_gather)
{
    const gather_params *p = a->params;
    job j = {p, a};
    linnet_status st = check_indices(a, p);
    if (st == LINNET_OK && p->block)
        ln_parallel(a, p->outer * p->n, 3 + 0.05 * (double)p->block, blocks, &j);
    return st;
}

static linnet_status gather_infer(ln_ctx *c)
{
    const gather_params *p = c->params;
    const ln_info *x = c->in[0], *k = c->in[1];
    int32_t axis;
    int64_t dims[2 * LN_MAX_RANK];
    LN_TRY(ln_check_type(c, 1, INDEX_TYPES, "indices"));
    if (x->rank < 0)
        return ln_set_unknown(c, 0, (linnet_type)x->type);
    LN_TRY(ln_axis(c, p->axis, x->rank, &axis));
    if (k->rank < 0)
        return ln_set_unknown(c, 0, (linnet_type)x->type);
    for (int32_t i = 0; i < axis; i++)
        dims[i] = x->dims[i];
    for (int32_t i = 0; i < k->rank; i++)
        dims[axis + i] = k->dims[i];
    for (int32_t i = axis + 1; i < x->rank; i++)
        dims[k->rank + i - 1] = x->dims[i];
    return ln_set_shape(c, 0, (linnet_type)x->type, x->rank + k->rank - 1, dims);
}

static linnet_status gather_plan(ln_ctx *c)
{
    gather_params *p = c->params;
    const ln_info *x = c->in[0];
    int32_t axis;
    LN_TRY(ln_axis(c, p->axis, x->rank, &axis));
    p->outer = ln_dims_product(x->dims, 0, axis);
    p->dim = x->dims[axis];
    p->n = ln_info_count(c->in[1]);
    p->block = (int64_t)linnet_type_size((linnet_type)x->type) * ln_dims_product(x->dims, axis + 1, x->rank);
    p->is64 = c->in[1]->type == LINNET_INT64;
    return LINNET_OK;
}

/* -- GatherElements ------------------------------------------------------------------------------------------------ */

static void element_rows(void *arg, int32_t worker, int64_t begin, int64_t end)
{
    const job *j = arg;
    const gather_params *p = j->p;
    int32_t last = p->rank - 1, axis = (int32_t)p->axis;
    int64_t row = p->dims[last], step = axis == last ? 0 : p->strides[last];
    size_t size = (size_t)p->size;
    char *y = (char *)j->a->out[0] + begin * row * p->size;
    (void)worker;
    for (int64_t r = begin; r < end; r++) {
        int64_t at = 0, rest = r;
        for (int32_t i = last - 1; i >= 0; i--) {
            if (i != axis)
                at += rest % p->dims[i] * p->strides[i];
            rest /= p->dims[i];
        }
        const char *x = (const char *)j->a->in[0] + at * p->size;
        for (int64_t i = 0; i < row; i++, y += size)
            memcpy(y, x + (index_of(p, j->a->in[1], r * row + i) * p->strides[axis] + i * step) * p->size, size);
    }
}

LN_RUN(ln_gatherelements)
{
    const gather_params *p = a->params;
    job j = {p, a};
    linnet_status st = check_indices(a, p);
    if (st == LINNET_OK && p->n)
        ln_parallel(a, p->outer, 10 + 2.0 * (double)p->dims[p->rank - 1], element_rows, &j);
    return st;
}

static linnet_status gatherelements_infer(ln_ctx *c)
{
    const gather_params *p = c->params;
    const ln_info *x = c->in[0], *k = c->in[1];
    int32_t axis;
    LN_TRY(ln_check_type(c, 1, INDEX_TYPES, "indices"));
    if (x->rank >= 0) {
        LN_TRY(ln_axis(c, p->axis, x->rank, &axis));
        LN_TRY(ln_check_rank(c, 1, x->rank, x->rank, "indices"));
        for (int32_t i = 0; i < x->rank && k->rank >= 0; i++)
            if (i != axis && k->dims[i] > x->dims[i] && x->dims[i] >= 0)
                return ln_fail(c, LINNET_ERR_MODEL, "indices has size %lld in dimension %d, data has %lld",
                               (long long)k->dims[i], i, (long long)x->dims[i]);
    }
    if (k->rank < 0)
        return ln_set_unknown(c, 0, (linnet_type)x->type);
    return ln_set_shape(c, 0, (linnet_type)x->type, k->rank, k->dims);
}

static linnet_status gatherelements_plan(ln_ctx *c)
{
    gather_params *p = c->params;
    const ln_info *x = c->in[0], *k = c->in[1];
    int32_t axis;
    LN_TRY(ln_axis(c, p->axis, x->rank, &axis));
    p->axis = axis;
    p->rank = x->rank;
    p->dim = x->dims[axis];
    p->n = ln_info_count(k);
    p->size = (int64_t)linnet_type_size((linnet_type)x->type);
    p->is64 = k->type == LINNET_INT64;
    p->outer = ln_dims_product(k->dims, 0, x->rank - 1);
    memcpy(p->dims, k->dims, sizeof p->dims);
    ln_strides(x->rank, x->dims, p->strides);
    return LINNET_OK;
}

static const ln_attr_spec attrs[] = {LN_ATTR_I(gather_params, axis, 0), LN_ATTR_END};

LN_OP(Gather) = {
    .domain = "",
    .type = "Gather",
    .since = {1, 11, 13},
    .types = LN_T_ALL,
    .in = {2, 2},
    .out = {1, 1},
    .attrs = attrs,
    .params_size = sizeof(gather_params),
    .flags = LN_OP_BYTES,
    .infer = gather_infer,
    .plan = gather_plan,
    LN_RUN_NAME(ln_gather),
};

LN_OP(GatherElements) = {
    .domain = "",
    .type = "GatherElements",
    .since = {11, 13},
    .types = LN_T_ALL,
    .in = {2, 2},
    .out = {1, 1},
    .attrs = attrs,
    .params_size = sizeof(gather_params),
    .infer = gatherelements_infer,
    .plan = gatherelements_plan,
    LN_RUN_NAME(ln_gatherelements),
};
