/* SPDX-License-Identifier: Apache-2.0
 *
 * GatherND: slices picked by tuples of indices. ai.onnx GatherND-11 to -13.
 */
#include <string.h>

#include "ops/moving.h"

typedef struct gathernd_params {
    int64_t batch_dims;
    int64_t batches, tuples;                         /* tuples of a batch */
    int64_t block, batch;                            /* bytes of a slice, of a batch of the data */
    int64_t dims[LN_MAX_RANK], strides[LN_MAX_RANK]; /* of the indexed dimensions; strides in bytes */
    int32_t k, pad;                                  /* indices in a tuple */
} gathernd_params;

typedef struct job {
    const gathernd_params *p;
    const ln_args *a;
} job;

static void slices(void *arg, int32_t worker, int64_t begin, int64_t end)
{
    const job *j = arg;
    const gathernd_params *p = j->p;
    char *y = (char *)j->a->out[0] + begin * p->block;
    (void)worker;
    for (int64_t t = begin; t < end; t++, y += p->block) {
        const int64_t *tuple = (const int64_t *)j->a->in[1] + t * p->k;
        int64_t at = t / p->tuples * p->batch;
        for (int32_t i = 0; i < p->k; i++)
            at += (tuple[i] < 0 ? tuple[i] + p->dims[i] : tuple[i]) * p->strides[i];
        memcpy(y, (const char *)j->a->in[0] + at, (size_t)p->block);
    }
}

LN_RUN(ln_gathernd)
{
    const gathernd_params *p = a->params;
    int64_t n = p->batches * p->tuples;
    const int64_t *k = a->in[1];
    for (int64_t t = 0; t < n; t++)
        for (int32_t i = 0; i < p->k; i++, k++)
            if (*k < -p->dims[i] || *k >= p->dims[i])
                return ln_run_fail(a, "index %lld at position %d of tuple %lld is out of range [-%lld, %lld]",
                                   (long long)*k, i, (long long)t, (long long)p->dims[i], (long long)p->dims[i] - 1);
    job j = {p, a};
    if (p->block)
        ln_parallel(a, n, 5 + 0.05 * (double)p->block, slices, &j);
    return LINNET_OK;
}

static linnet_status gathernd_infer(ln_ctx *c)
{
    const gathernd_params *p = c->params;
    const ln_info *x = c->in[0], *k = c->in[1];
    int64_t b = p->batch_dims, dims[2 * LN_MAX_RANK];
    LN_TRY(ln_check_type(c, 1, LN_T(LINNET_INT64), "indices"));
    LN_TRY(ln_check_rank(c, 0, 1, LN_MAX_RANK, "data"));
    LN_TRY(ln_check_rank(c, 1, 1, LN_MAX_RANK, "indices"));
    if (x->rank < 0 || k->rank < 0)
        return ln_set_unknown(c, 0, (linnet_type)x->type);
    if (b < 0 || b >= k->rank || b >= x->rank)
        return ln_fail(c, LINNET_ERR_MODEL, "batch_dims %lld with data of rank %d and indices of rank %d", (long long)b,
                       x->rank, k->rank);
    for (int32_t i = 0; i < b; i++)
        LN_TRY(ln_check_dim(c, k->dims[i], x->dims[i], "a batch dimension of indices"));
    int64_t n = k->dims[k->rank - 1];
    if (n < 0)
        return ln_set_unknown(c, 0, (linnet_type)x->type);
    if (n < 1 || n > x->rank - b)
        return ln_fail(c, LINNET_ERR_MODEL, "tuples of %lld indices into data of rank %d with %lld batch dimensions",
                       (long long)n, x->rank, (long long)b);
    int32_t rank = 0;
    for (int32_t i = 0; i < k->rank - 1; i++)
        dims[rank++] = i < b && k->dims[i] < 0 ? x->dims[i] : k->dims[i];
    for (int32_t i = (int32_t)(b + n); i < x->rank; i++)
        dims[rank++] = x->dims[i];
    return ln_set_shape(c, 0, (linnet_type)x->type, rank, dims);
}

static linnet_status gathernd_plan(ln_ctx *c)
{
    gathernd_params *p = c->params;
    const ln_info *x = c->in[0], *k = c->in[1];
    int32_t b = (int32_t)p->batch_dims;
    int64_t size = (int64_t)linnet_type_size((linnet_type)x->type), strides[LN_MAX_RANK];
    p->k = (int32_t)k->dims[k->rank - 1];
    p->batches = ln_dims_product(k->dims, 0, b);
    p->tuples = ln_dims_product(k->dims, b, k->rank - 1);
    p->batch = size * ln_dims_product(x->dims, b, x->rank);
    p->block = size * ln_dims_product(x->dims, b + p->k, x->rank);
    ln_strides(x->rank, x->dims, strides);
    for (int32_t i = 0; i < p->k; i++) {
        p->dims[i] = x->dims[b + i];
        p->strides[i] = strides[b + i] * size;
    }
    return LINNET_OK;
}

static const ln_attr_spec attrs[] = {LN_ATTR_I(gathernd_params, batch_dims, 0), LN_ATTR_END};

LN_OP(GatherND) = {
    .domain = "",
    .type = "GatherND",
    .since = {11, 12, 13},
    .types = LN_T_ALL,
    .in = {2, 2},
    .out = {1, 1},
    .attrs = attrs,
    .params_size = sizeof(gathernd_params),
    .infer = gathernd_infer,
    .plan = gathernd_plan,
    LN_RUN_NAME(ln_gathernd),
};
