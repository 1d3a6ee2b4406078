/* SPDX-License-Identifier: Apache-2.0
 *
 * CausalConvWithState-27: depthwise convolution over time that sees only the past, of which the last k - 1 positions
 * come in and go out as state; with a SiLU at the end where asked for.
 */
#include <math.h>

#include "ops/convert.h"

typedef struct causal_params {
    int32_t activation, type;
    int64_t batch, channels, length, k;
    int32_t has_bias, has_past, has_state, unused;
    int64_t worker_bytes;
} causal_params;

enum { X, W, BIAS, PAST };

typedef struct job {
    const causal_params *p;
    const ln_args *a;
} job;

static void rows(void *arg, int32_t worker, int64_t begin, int64_t end)
{
    const job *j = arg;
    const causal_params *p = j->p;
    const ln_args *a = j->a;
    int64_t before = p->k - 1, n = p->length;
    float *x = (float *)(void *)((char *)a->scratch + worker * p->worker_bytes), *w = x + before + n, *y = w + p->k;
    for (int64_t r = begin; r < end; r++) {
        float bias = 0;
        if (p->has_past)
            ln_to_f32(x, a->in[PAST], p->type, r * before, before);
        else
            for (int64_t i = 0; i < before; i++)
                x[i] = 0;
        ln_to_f32(x + before, a->in[X], p->type, r * n, n);
        ln_to_f32(w, a->in[W], p->type, r % p->channels * p->k, p->k);
        if (p->has_bias)
            ln_to_f32(&bias, a->in[BIAS], p->type, r % p->channels, 1);
        for (int64_t i = 0; i < n; i++)
            y[i] = 0;
        for (int64_t t = 0; t < p->k; t++)
            for (int64_t i = 0; i < n; i++)
                y[i] += w[t] * x[i + t];
        for (int64_t i = 0; i < n; i++) {
            y[i] = ln_round_to(y[i] + bias, p->type);
            if (p->activation)
                y[i] = y[i] / (1 + expf(-y[i]));
        }
        ln_from_f32(a->out[0], p->type, r * n, y, n, 0);
        if (p->has_state)
            ln_from_f32(a->out[1], p->type, r * before, x + n, before, 0);
    }
}

LN_RUN(ln_causalconv)
{
    const causal_params *p = a->params;
    job j = {p, a};
    ln_parallel(a, p->batch * p->channels, (double)p->length * (double)(p->k + 4), rows, &j);
    return LINNET_OK;
}

static linnet_status causal_infer(ln_ctx *c)
{
    const ln_info *x = c->in[X], *w = c->in[W], *bias = ln_in(c, BIAS), *past = ln_in(c, PAST);
    linnet_type type = (linnet_type)x->type;
    if (type != LINNET_UNDEFINED) {
        LN_TRY(ln_check_type(c, W, LN_T(type), "weight"));
        LN_TRY(ln_check_type(c, BIAS, LN_T(type), "bias"));
        LN_TRY(ln_check_type(c, PAST, LN_T(type), "past_state"));
    }
    LN_TRY(ln_check_rank(c, X, 3, 3, "input"));
    LN_TRY(ln_check_rank(c, W, 3, 3, "weight"));
    LN_TRY(ln_check_rank(c, BIAS, 1, 1, "bias"));
    LN_TRY(ln_check_rank(c, PAST, 3, 3, "past_state"));
    if (x->rank < 0 || w->rank < 0) {
        ln_set_unknown(c, 1, type);
        return ln_set_unknown(c, 0, type);
    }
    if (w->dims[2] == 0)
        return ln_fail(c, LINNET_ERR_MODEL, "a kernel of size 0");
    int64_t before = w->dims[2] < 0 ? LN_UNKNOWN : w->dims[2] - 1;
    LN_TRY(ln_check_dim(c, w->dims[0], x->dims[1], "channels of the weight"));
    LN_TRY(ln_check_dim(c, w->dims[1], 1, "dimension 1 of the weight"));
    if (bias && bias->rank == 1)
        LN_TRY(ln_check_dim(c, bias->dims[0], x->dims[1], "length of the bias"));
    if (past && past->rank == 3) {
        LN_TRY(ln_check_dim(c, past->dims[0], x->dims[0], "batch of past_state"));
        LN_TRY(ln_check_dim(c, past->dims[1], x->dims[1], "channels of past_state"));
        LN_TRY(ln_check_dim(c, past->dims[2], before, "length of past_state"));
    }
    LN_TRY(ln_set_shape(c, 1, type, 3, (int64_t[]){x->dims[0], x->dims[1], before}));
    return ln_set_shape(c, 0, type, 3, x->dims);
}

static linnet_status causal_plan(ln_ctx *c)
{
    causal_params *p = c->params;
    const ln_info *x = c->in[X];
    p->type = x->type;
    p->batch = x->dims[0];
    p->channels = x->dims[1];
    p->length = x->dims[2];
    p->k = c->in[W]->dims[2];
    p->has_bias = ln_in(c, BIAS) != NULL;
    p->has_past = ln_in(c, PAST) != NULL;
    p->has_state = ln_has_out(c, 1);
    int64_t bytes;
    LN_TRY(ln_mul_size(c, 2 * (p->length + p->k), (int64_t)sizeof(float), &bytes));
    p->worker_bytes = (bytes + 63) / 64 * 64;
    LN_TRY(ln_mul_size(c, p->worker_bytes, c->threads, &bytes));
    ln_scratch(c, (size_t)bytes);
    return LINNET_OK;
}

static const ln_attr_spec attrs[] = {LN_ATTR_E(causal_params, activation, "none|silu|swish", 0), LN_ATTR_END};

LN_OP(CausalConvWithState) = {
    .domain = "",
    .type = "CausalConvWithState",
    .since = {27},
    .types = LN_T(LINNET_FLOAT32) | LN_T(LINNET_FLOAT16) | LN_T(LINNET_BFLOAT16),
    .in = {2, 4},
    .out = {1, 2},
    .attrs = attrs,
    .params_size = sizeof(causal_params),
    .infer = causal_infer,
    .plan = causal_plan,
    LN_RUN_NAME(ln_causalconv),
};
