/* SPDX-License-Identifier: Apache-2.0
 *
 * RNN, GRU, LSTM of floats: the plan, and the descriptors.
 */
#include "ops/rnn_run.h"

/* -- plan ---------------------------------------------------------------------------------------------------------- */

static const void *data_of(const ln_ctx *c, int32_t i)
{
    return i < 0 ? NULL : c->in[i]->data;
}

/* Packs constant weights, widened first where they are half floats. */
static linnet_status pack(ln_ctx *c, ln_rnn_params *p)
{
    int64_t bytes;
    LN_TRY(ln_mul_size(c, p->part_bytes, p->directions, &bytes));
    bool wide = p->type == LINNET_FLOAT32;
    int64_t d = p->directions, n = p->gates * p->hidden;
    int64_t counts[3] = {d * n * p->inputs, d * n * p->hidden, p->in_bias < 0 ? 0 : d * 2 * n};
    size_t extra = wide ? 0 : (size_t)(counts[0] + counts[1] + counts[2]) * sizeof(float);
    char *to = ln_pack(c, (size_t)bytes + extra);
    if (!to)
        return ln_no_memory(c);
    const float *from[3] = {data_of(c, 1), data_of(c, 2), data_of(c, p->in_bias)};
    float *at = (float *)(void *)(to + bytes);
    for (int i = 0; i < 3 && !wide; i++) {
        if (!from[i])
            continue;
        ln_to_f32(at, from[i], p->type, 0, counts[i]);
        from[i] = at;
        at += counts[i];
    }
    ln_rnn_pack_weights(p, to, from[0], from[1], from[2]);
    ln_drop_input(c, 1);
    ln_drop_input(c, 2);
    if (p->in_bias >= 0) {
        ln_drop_input(c, p->in_bias);
        p->in_bias = -1;
    }
    return LINNET_OK;
}

static linnet_status plan(ln_ctx *c, int32_t kind)
{
    ln_rnn_params *p = c->params;
    LN_TRY(ln_rnn_infer(c, kind, false));
    LN_TRY(ln_rnn_prepare(c, p, kind));
    p->outputs = c->n_out;
    size_t size = p->type == LINNET_FLOAT64 ? sizeof(double) : sizeof(float), at = 0;
    size_t rows = (size_t)(p->times * p->batch), n = (size_t)(p->gates * p->hidden);
    size_t d = (size_t)p->directions;
    p->scratch_gates = 0;
    at += ln_rnn_aligned(d * rows * n * size);
    p->state_bytes = (int64_t)ln_rnn_aligned(3 * (size_t)(p->batch * p->hidden) * size + 64);
    p->scratch_state = (int64_t)at;
    at += d * (size_t)p->state_bytes;
    if (p->type == LINNET_FLOAT64) {
        LN_SET_RUN(c, ln_rnn_f64);
        ln_scratch(c, at);
        return LINNET_OK;
    }
    p->fused = ln_rnn_can_fuse(p);
    if (!ln_rnn_lay_out_parts(p))
        return ln_fail(c, LINNET_ERR_MEMORY, "the weights are too large");
    p->packed = c->in[1]->data && c->in[2]->data && (p->in_bias < 0 || c->in[p->in_bias]->data);
    p->scratch_weights = (int64_t)at;
    at += p->packed ? 0 : d * (size_t)p->part_bytes;
    size_t own = ln_gemm_f32_scratch(LN_D(gemm_f32), SIZE_MAX, SIZE_MAX, 1, (size_t)p->inputs);
    size_t steps = ln_gemm_f32_scratch(LN_D(gemm_f32), SIZE_MAX, SIZE_MAX, 1, (size_t)p->hidden);
    p->worker_bytes = (int64_t)ln_rnn_aligned(own > steps ? own : steps);
    p->scratch_worker = (int64_t)at;
    at += (size_t)(c->threads > p->directions ? c->threads : p->directions) * (size_t)p->worker_bytes;
    if (!p->fused)
        LN_SET_RUN(c, ln_rnn_f32);
    else if (kind == LN_LSTM)
        LN_SET_RUN(c, ln_lstm_fused);
    else
        LN_SET_RUN(c, ln_gru_fused);
    if (p->type != LINNET_FLOAT32) {
        int64_t sizes[11];
        ln_rnn_tensor_sizes(p, sizes);
        p->scratch_convert = (int64_t)at;
        for (int i = 0; i < 11; i++)
            at += (size_t)sizes[i] * sizeof(float);
        LN_SET_RUN(c, ln_rnn_half);
    }
    ln_scratch(c, at);
    return p->packed ? pack(c, p) : LINNET_OK;
}

/* -- descriptors --------------------------------------------------------------------------------------------------- */

static linnet_status rnn_infer(ln_ctx *c)
{
    return ln_rnn_infer(c, LN_RNN, false);
}

static linnet_status gru_infer(ln_ctx *c)
{
    return ln_rnn_infer(c, LN_GRU, false);
}

static linnet_status lstm_infer(ln_ctx *c)
{
    return ln_rnn_infer(c, LN_LSTM, false);
}

static linnet_status rnn_plan(ln_ctx *c)
{
    return plan(c, LN_RNN);
}

static linnet_status gru_plan(ln_ctx *c)
{
    return plan(c, LN_GRU);
}

static linnet_status lstm_plan(ln_ctx *c)
{
    return plan(c, LN_LSTM);
}

static const ln_attr_spec attrs[] = {
    LN_RNN_ATTRS,
    LN_ATTR_I(ln_rnn_params, layout, 0),
    LN_ATTR_I(ln_rnn_params, linear_before_reset, 0),
    LN_ATTR_I(ln_rnn_params, input_forget, 0),
    LN_ATTR_ANY("output_sequence"),
    LN_ATTR_END,
};

LN_OP(RNN) = {
    .domain = "",
    .type = "RNN",
    .since = {1, 7, 14, 22},
    .types = LN_T_FLOATS,
    .in = {3, 6},
    .out = {0, 2},
    .attrs = attrs,
    .params_size = sizeof(ln_rnn_params),
    .infer = rnn_infer,
    .plan = rnn_plan,
    LN_RUN_NAME(ln_rnn_f32),
};

LN_OP(GRU) = {
    .domain = "",
    .type = "GRU",
    .since = {1, 3, 7, 14, 22},
    .types = LN_T_FLOATS,
    .in = {3, 6},
    .out = {0, 2},
    .attrs = attrs,
    .params_size = sizeof(ln_rnn_params),
    .infer = gru_infer,
    .plan = gru_plan,
    LN_RUN_NAME(ln_rnn_f32),
};

LN_OP(LSTM) = {
    .domain = "",
    .type = "LSTM",
    .since = {1, 7, 14, 22},
    .types = LN_T_FLOATS,
    .in = {3, 8},
    .out = {0, 3},
    .attrs = attrs,
    .params_size = sizeof(ln_rnn_params),
    .infer = lstm_infer,
    .plan = lstm_plan,
    LN_RUN_NAME(ln_rnn_f32),
};
