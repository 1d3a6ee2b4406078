/* SPDX-License-Identifier: Apache-2.0
 *
 * ReverseSequence: the first sequence_lens[b] steps of each sample in reverse, the others as they are.
 * ai.onnx ReverseSequence-10 to -28.
 */
#include <string.h>

#include "ops/moving.h"

typedef struct reverse_params {
    int64_t batch_axis, time_axis;
    int64_t batch, time;                      /* sizes */
    int64_t batch_stride, time_stride, block; /* bytes */
} reverse_params;

LN_RUN(ln_reversesequence)
{
    const reverse_params *p = a->params;
    const int64_t *lens = a->in[1];
    for (int64_t b = 0; b < p->batch; b++)
        if (lens[b] < 0 || lens[b] > p->time)
            return ln_run_fail(a, "sequence_lens[%lld] is %lld, not in [0, %lld]", (long long)b, (long long)lens[b],
                               (long long)p->time);
    for (int64_t b = 0; b < p->batch && p->block; b++)
        for (int64_t t = 0; t < p->time; t++) {
            int64_t from = t < lens[b] ? lens[b] - 1 - t : t;
            memcpy((char *)a->out[0] + b * p->batch_stride + t * p->time_stride,
                   (const char *)a->in[0] + b * p->batch_stride + from * p->time_stride, (size_t)p->block);
        }
    return LINNET_OK;
}

static linnet_status reverse_infer(ln_ctx *c)
{
    const reverse_params *p = c->params;
    const ln_info *x = c->in[0], *lens = c->in[1];
    LN_TRY(ln_check_type(c, 1, LN_T(LINNET_INT64), "sequence_lens"));
    LN_TRY(ln_check_rank(c, 1, 1, 1, "sequence_lens"));
    LN_TRY(ln_check_rank(c, 0, 2, LN_MAX_RANK, "input"));
    if (p->batch_axis + p->time_axis != 1 || p->batch_axis < 0 || p->batch_axis > 1)
        return ln_fail(c, LINNET_ERR_MODEL, "batch_axis %lld and time_axis %lld are not 0 and 1",
                       (long long)p->batch_axis, (long long)p->time_axis);
    if (x->rank >= 0 && lens->rank == 1)
        LN_TRY(ln_check_dim(c, lens->dims[0], x->dims[p->batch_axis], "the number of sequence lengths"));
    return ln_infer_same(c);
}

static linnet_status reverse_plan(ln_ctx *c)
{
    reverse_params *p = c->params;
    const ln_info *x = c->in[0];
    p->block = (int64_t)linnet_type_size((linnet_type)x->type) * ln_dims_product(x->dims, 2, x->rank);
    p->batch = x->dims[p->batch_axis];
    p->time = x->dims[p->time_axis];
    p->batch_stride = p->batch_axis ? p->block : p->block * p->time;
    p->time_stride = p->time_axis ? p->block : p->block * p->batch;
    return LINNET_OK;
}

static const ln_attr_spec attrs[] = {LN_ATTR_I(reverse_params, batch_axis, 1), LN_ATTR_I(reverse_params, time_axis, 0),
                                     LN_ATTR_END};

LN_OP(ReverseSequence) = {
    .domain = "",
    .type = "ReverseSequence",
    .since = {10, 28},
    .types = LN_T_ALL,
    .in = {2, 2},
    .out = {1, 1},
    .attrs = attrs,
    .params_size = sizeof(reverse_params),
    .infer = reverse_infer,
    .plan = reverse_plan,
    LN_RUN_NAME(ln_reversesequence),
};
