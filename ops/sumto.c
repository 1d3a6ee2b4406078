/* SPDX-License-Identifier: Apache-2.0
 *
 * SumTo of ai.linnet, which the expansion of Gradient makes: input 0 summed over the axes along which input 1 was
 * broadcast to it, in the shape of input 1. Sums are in float64, rounded once.
 */
#include "ops/convert.h"

typedef struct sumto_params {
    int64_t n;     /* elements of the result */
    int64_t count; /* of input 0 that go into each */
    int32_t rank, type;
    int64_t dims[LN_MAX_RANK], step[LN_MAX_RANK];    /* of the result, and where its elements start in input 0 */
    int64_t summed[LN_MAX_RANK], along[LN_MAX_RANK]; /* sizes and steps of what is summed */
} sumto_params;

static int64_t offset_of(int64_t i, int32_t rank, const int64_t *dims, const int64_t *step)
{
    int64_t at = 0;
    for (int32_t d = rank - 1; d >= 0; i /= dims[d], d--)
        at += i % dims[d] * step[d];
    return at;
}

LN_RUN(ln_sumto)
{
    const sumto_params *p = a->params;
    for (int64_t i = 0; i < p->n; i++) {
        int64_t start = offset_of(i, p->rank, p->dims, p->step);
        double sum = 0;
        for (int64_t k = 0; k < p->count; k++)
            sum += ln_get_f64(a->in[0], p->type, start + offset_of(k, p->rank, p->summed, p->along));
        ln_put_f64(a->out[0], p->type, i, sum);
    }
    return LINNET_OK;
}

static linnet_status sumto_infer(ln_ctx *c)
{
    const ln_info *like = c->in[1];
    linnet_type type = (linnet_type)c->in[0]->type;
    return like->rank < 0 ? ln_set_unknown(c, 0, type) : ln_set_shape(c, 0, type, like->rank, like->dims);
}

static linnet_status sumto_plan(ln_ctx *c)
{
    sumto_params *p = c->params;
    const ln_info *x = c->in[0], *like = c->in[1];
    if (like->rank > x->rank)
        return ln_fail(c, LINNET_ERR_MODEL, "rank %d does not broadcast to rank %d", like->rank, x->rank);
    p->type = x->type;
    p->rank = x->rank;
    p->n = p->count = 1;
    int64_t step = 1;
    for (int32_t d = x->rank - 1; d >= 0; step *= x->dims[d], d--) {
        int32_t own = d - (x->rank - like->rank);
        bool summed = own < 0 || (like->dims[own] == 1 && x->dims[d] != 1);
        if (!summed)
            LN_TRY(ln_check_dim(c, like->dims[own], x->dims[d], "a dimension of the gradient's tensor"));
        p->dims[d] = summed ? 1 : x->dims[d];
        p->summed[d] = summed ? x->dims[d] : 1;
        p->step[d] = p->along[d] = step;
        p->n *= p->dims[d];
        p->count *= p->summed[d];
    }
    return LINNET_OK;
}

LN_OP(SumTo) = {
    .domain = "ai.linnet",
    .type = "SumTo",
    .since = {1},
    .types = LN_T_FLOATS,
    .in = {2, 2},
    .out = {1, 1},
    .params_size = sizeof(sumto_params),
    .infer = sumto_infer,
    .plan = sumto_plan,
    LN_RUN_NAME(ln_sumto),
};
