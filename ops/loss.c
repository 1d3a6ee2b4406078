/* SPDX-License-Identifier: Apache-2.0
 *
 * NegativeLogLikelihoodLoss (ai.onnx 12, 13, 22) and SoftmaxCrossEntropyLoss (12, 13): the loss of every sample at its
 * target class, weighted, then as it is, summed or averaged by weight. Computed in double, one sample after the other.
 */
#include <math.h>

#include "ops/map.h"

enum { MEAN, SUM, NONE };

typedef struct loss_params {
    int32_t reduction; /* attribute */
    int32_t type, target_type;
    int32_t softmax, ignores;
    int32_t has_weight, has_log_prob;
    int64_t ignore_index;
    int64_t batch, classes, inner;
} loss_params;

/* ln of the sum of the exponentials of the scores of one sample: what is to be taken off each for its log probability.
 */
static double log_sum(const loss_params *p, const void *x, int64_t at)
{
    double top = -INFINITY, sum = 0;
    for (int64_t c = 0; c < p->classes; c++) {
        double v = ln_get_f64(x, p->type, at + c * p->inner);
        top = v > top ? v : top;
    }
    double shift = isfinite(top) ? top : 0;
    for (int64_t c = 0; c < p->classes; c++)
        sum += exp(ln_get_f64(x, p->type, at + c * p->inner) - shift);
    return shift + log(sum);
}

LN_RUN(ln_loss)
{
    const loss_params *p = a->params;
    double total = 0, weights = 0;
    void *log_prob = p->has_log_prob ? a->out[1] : NULL;
    const void *w = p->has_weight ? a->in[2] : NULL;
    for (int64_t i = 0; i < p->batch * p->inner; i++) {
        int64_t at = i / p->inner * p->classes * p->inner + i % p->inner;
        int64_t target =
            p->target_type == LINNET_INT32 ? ((const int32_t *)a->in[1])[i] : ((const int64_t *)a->in[1])[i];
        bool ignored = p->ignores && target == p->ignore_index;
        double off = p->softmax ? log_sum(p, a->in[0], at) : 0, weight = 0, loss = 0;
        for (int64_t c = 0; log_prob && c < p->classes; c++)
            ln_put_f64(log_prob, p->type, at + c * p->inner, ln_get_f64(a->in[0], p->type, at + c * p->inner) - off);
        if (!ignored) {
            if (target < 0 || target >= p->classes)
                return ln_run_fail(a, "target %lld is out of range [0, %lld)", (long long)target,
                                   (long long)p->classes);
            weight = w ? ln_get_f64(w, p->type, target) : 1;
            loss = (off - ln_get_f64(a->in[0], p->type, at + target * p->inner)) * weight;
        }
        if (p->reduction == NONE)
            ln_put_f64(a->out[0], p->type, i, loss);
        total += loss;
        weights += weight;
    }
    if (p->reduction != NONE)
        ln_put_f64(a->out[0], p->type, 0, p->reduction == MEAN ? total / weights : total);
    return LINNET_OK;
}

static linnet_status infer(ln_ctx *c)
{
    const loss_params *p = c->params;
    const ln_info *x = c->in[0], *t = c->in[1], *w = ln_in(c, 2);
    linnet_type type = (linnet_type)x->type;
    LN_TRY(ln_check_type(c, 1, LN_T(LINNET_INT32) | LN_T(LINNET_INT64), "target"));
    LN_TRY(ln_check_type(c, 2, type ? LN_T(type) : LN_T_FLOATS, "weight"));
    LN_TRY(ln_check_rank(c, 0, 2, LN_MAX_RANK, "the input"));
    LN_TRY(ln_check_rank(c, 2, 1, 1, "weight"));
    if (x->rank >= 0) {
        LN_TRY(ln_check_rank(c, 1, x->rank - 1, x->rank - 1, "target"));
        for (int32_t d = 0; d < t->rank; d++)
            LN_TRY(ln_check_dim(c, t->dims[d], x->dims[d ? d + 1 : 0], "a dimension of the target"));
        if (w && w->rank == 1)
            LN_TRY(ln_check_dim(c, w->dims[0], x->dims[1], "length of the weight"));
        LN_TRY(ln_set_shape(c, 1, type, x->rank, x->dims));
    } else {
        LN_TRY(ln_set_unknown(c, 1, type));
    }
    if (p->reduction != NONE)
        return ln_set_shape(c, 0, type, 0, NULL);
    return t->rank < 0 ? ln_set_unknown(c, 0, type) : ln_set_shape(c, 0, type, t->rank, t->dims);
}

static linnet_status plan(ln_ctx *c)
{
    loss_params *p = c->params;
    const ln_info *x = c->in[0];
    p->type = x->type;
    p->target_type = c->in[1]->type;
    p->softmax = c->op->out.max == 2;
    p->has_weight = ln_in(c, 2) != NULL;
    p->has_log_prob = ln_has_out(c, 1);
    p->ignores = ln_attr_has(c, "ignore_index");
    p->ignore_index = ln_attr_int(c, "ignore_index", 0);
    p->batch = x->dims[0];
    p->classes = x->dims[1];
    p->inner = 1;
    for (int32_t d = 2; d < x->rank; d++)
        p->inner *= x->dims[d];
    return LINNET_OK;
}

static const ln_attr_spec attrs[] = {LN_ATTR_E(loss_params, reduction, "mean|sum|none", 0), LN_ATTR_ANY("ignore_index"),
                                     LN_ATTR_END};

LN_OP(NegativeLogLikelihoodLoss) = {
    .domain = "",
    .type = "NegativeLogLikelihoodLoss",
    .since = {12, 13, 22},
    .types = LN_T_FLOATS,
    .in = {2, 3},
    .out = {1, 1},
    .attrs = attrs,
    .params_size = sizeof(loss_params),
    .infer = infer,
    .plan = plan,
    LN_RUN_NAME(ln_loss),
};
LN_OP(SoftmaxCrossEntropyLoss) = {
    .domain = "",
    .type = "SoftmaxCrossEntropyLoss",
    .since = {12, 13},
    .types = LN_T_FLOATS,
    .in = {2, 3},
    .out = {1, 2},
    .attrs = attrs,
    .params_size = sizeof(loss_params),
    .infer = infer,
    .plan = plan,
    LN_RUN_NAME(ln_loss),
};
