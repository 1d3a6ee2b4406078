/* SPDX-License-Identifier: Apache-2.0
 *
 * RNN-1 to -22, GRU-3 to -22, LSTM-1 to -22: what their three kinds and all types share before the run: attributes,
 * checks, shapes. Version 1 differs by an attribute output_sequence, which says whether Y is wanted; the list of
 * outputs says so too. The values of activation_alpha and _beta go, in order, to those activations that take one, as
 * ONNX Runtime reads the specification. clip bounds the input of every activation, that of h too, as the specification
 * says; ONNX Runtime leaves h's out.
 */
#include <math.h>
#include <string.h>
#include <strings.h>

#include "ops/rnn.h"

static const struct {
    const char *name;
    int32_t kind;
    bool has_alpha, has_beta;
    float alpha, beta;
} activations[] = {
    {"Sigmoid", LN_RNN_SIGMOID, false, false, 0, 0},
    {"Tanh", LN_RNN_TANH, false, false, 0, 0},
    {"Relu", LN_RNN_RELU, false, false, 0, 0},
    {"Affine", LN_RNN_AFFINE, true, true, 1, 0},
    {"LeakyRelu", LN_RNN_LEAKY, true, false, 0.01f, 0},
    {"ThresholdedRelu", LN_RNN_THRESHOLDED, true, false, 1, 0},
    {"ScaledTanh", LN_RNN_SCALED_TANH, true, true, 1, 1},
    {"HardSigmoid", LN_RNN_HARD_SIGMOID, true, true, 0.2f, 0.5f},
    {"Elu", LN_RNN_ELU, true, false, 1, 0},
    {"Softsign", LN_RNN_SOFTSIGN, false, false, 0, 0},
    {"Softplus", LN_RNN_SOFTPLUS, false, false, 0, 0},
};
enum { N_ACTIVATIONS = sizeof activations / sizeof *activations };

static linnet_status read_activations(ln_ctx *c, ln_rnn_params *p)
{
    static const int32_t per_kind[] = {[LN_RNN] = 1, [LN_GRU] = 2, [LN_LSTM] = 3};
    int32_t each = per_kind[p->kind];
    int64_t n, n_alpha, n_beta, ia = 0, ib = 0;
    const linnet_string *names = ln_attr_strings(c, "activations", &n);
    const float *alpha = ln_attr_floats(c, "activation_alpha", &n_alpha);
    const float *beta = ln_attr_floats(c, "activation_beta", &n_beta);
    if (n != 0 && n != each * p->directions)
        return ln_fail(c, LINNET_ERR_MODEL, "%lld activations, expected %d", (long long)n, each * p->directions);
    for (int32_t i = 0; i < each * p->directions; i++) {
        int32_t k = i % each == 0 && p->kind != LN_RNN ? 0 : 1; /* Sigmoid for the gates, Tanh for the rest */
        if (n > 0)
            for (k = 0; k < N_ACTIVATIONS; k++)
                if (strlen(activations[k].name) == names[i].size &&
                    strncasecmp(activations[k].name, names[i].data, names[i].size) == 0)
                    break;
        if (k == N_ACTIVATIONS)
            return ln_fail(c, LINNET_ERR_UNSUPPORTED, "activation '%.*s' is not known",
                           (int)(names[i].size > 40 ? 40 : names[i].size), names[i].data);
        ln_rnn_act *act = &p->act[i / each * 3 + i % each];
        *act = (ln_rnn_act){activations[k].kind, activations[k].alpha, activations[k].beta};
        if (activations[k].has_alpha && ia < n_alpha)
            act->alpha = alpha[ia++];
        if (activations[k].has_beta && ib < n_beta)
            act->beta = beta[ib++];
    }
    return LINNET_OK;
}

/* Checks a shape of which `n` dimensions are given; LN_UNKNOWN for those that may be anything. */
static linnet_status check_shape(ln_ctx *c, int32_t i, const char *name, int32_t n, const int64_t *dims)
{
    const ln_info *x = ln_in(c, i);
    if (!x || x->rank < 0)
        return LINNET_OK;
    LN_TRY(ln_check_rank(c, i, n, n, name));
    for (int32_t d = 0; d < n; d++)
        if (x->dims[d] >= 0 && dims[d] >= 0 && x->dims[d] != dims[d])
            return ln_fail(c, LINNET_ERR_MODEL, "dimension %d of %s is %lld, expected %lld", d, name,
                           (long long)x->dims[d], (long long)dims[d]);
    return LINNET_OK;
}

linnet_status ln_rnn_infer(ln_ctx *c, int32_t kind, bool transposed)
{
    static const char *const names[] = {"X", "W", "R", "B", "sequence_lens", "initial_h", "initial_c", "P"};
    linnet_type type = (linnet_type)c->in[0]->type;
    for (int32_t i = 1; i < 8; i++)
        if (type != LINNET_UNDEFINED && i != 4 && !(transposed && i < 3))
            LN_TRY(ln_check_type(c, i, LN_T(type), names[i]));
    return ln_rnn_shapes(c, kind, transposed, type, type);
}

linnet_status ln_rnn_shapes(ln_ctx *c, int32_t kind, bool transposed, linnet_type type, linnet_type cell)
{
    static const int32_t gate_counts[] = {[LN_RNN] = 1, [LN_GRU] = 3, [LN_LSTM] = 4};
    ln_rnn_params *p = c->params;
    const ln_info *x = c->in[0], *r = c->in[2];
    p->kind = kind;
    p->gates = gate_counts[kind];
    p->directions = p->direction == LN_RNN_BIDIRECTIONAL ? 2 : 1;
    p->transposed = transposed;
    if (p->clip < 0 || isnan(p->clip))
        return ln_fail(c, LINNET_ERR_MODEL, "clip is %g", (double)p->clip);
    LN_TRY(read_activations(c, p));
    LN_TRY(ln_check_type(c, 4, LN_T(LINNET_INT32), "sequence_lens"));
    LN_TRY(ln_check_rank(c, 0, 3, 3, "X"));
    LN_TRY(ln_check_rank(c, 2, 3, 3, "R"));
    int64_t hidden = p->hidden_size > 0 ? p->hidden_size : LN_UNKNOWN;
    if (hidden == LN_UNKNOWN && r->rank == 3)
        hidden = r->dims[transposed ? 1 : 2];
    if (hidden > INT32_MAX)
        return ln_fail(c, LINNET_ERR_MODEL, "hidden_size %lld", (long long)hidden);
    int64_t times = LN_UNKNOWN, batch = LN_UNKNOWN, inputs = LN_UNKNOWN, d = p->directions;
    if (x->rank == 3) {
        times = x->dims[p->layout ? 1 : 0];
        batch = x->dims[p->layout ? 0 : 1];
        inputs = x->dims[2];
    }
    int64_t columns = hidden >= 0 ? p->gates * hidden : LN_UNKNOWN;
    int64_t state[3] = {p->layout ? batch : d, p->layout ? d : batch, hidden};
    if (transposed) {
        LN_TRY(check_shape(c, 1, "W", 3, (int64_t[]){d, inputs, columns}));
        LN_TRY(check_shape(c, 2, "R", 3, (int64_t[]){d, hidden, columns}));
    } else {
        LN_TRY(check_shape(c, 1, "W", 3, (int64_t[]){d, columns, inputs}));
        LN_TRY(check_shape(c, 2, "R", 3, (int64_t[]){d, columns, hidden}));
    }
    LN_TRY(check_shape(c, 3, "B", 2, (int64_t[]){d, hidden >= 0 ? 2 * columns : LN_UNKNOWN}));
    LN_TRY(check_shape(c, 4, "sequence_lens", 1, (int64_t[]){batch}));
    LN_TRY(check_shape(c, 5, "initial_h", 3, state));
    if (kind == LN_LSTM) {
        LN_TRY(check_shape(c, 6, "initial_c", 3, state));
        LN_TRY(check_shape(c, 7, "P", 2, (int64_t[]){d, hidden >= 0 ? 3 * hidden : LN_UNKNOWN}));
    }
    int64_t y[4] = {times, d, batch, hidden}, y1[4] = {batch, times, d, hidden};
    LN_TRY(ln_set_shape(c, 0, type, 4, p->layout ? y1 : y));
    LN_TRY(ln_set_shape(c, 1, type, 3, state));
    return ln_set_shape(c, 2, cell, 3, state);
}

linnet_status ln_rnn_prepare(ln_ctx *c, ln_rnn_params *p, int32_t kind)
{
    const ln_info *x = c->in[0];
    p->type = x->type;
    p->times = x->dims[p->layout ? 1 : 0];
    p->batch = x->dims[p->layout ? 0 : 1];
    p->inputs = x->dims[2];
    p->hidden = c->in[2]->dims[p->transposed ? 1 : 2];
    p->in_bias = ln_in(c, 3) ? 3 : -1;
    p->in_lens = ln_in(c, 4) ? 4 : -1;
    p->in_h = ln_in(c, 5) ? 5 : -1;
    p->in_c = kind == LN_LSTM && ln_in(c, 6) ? 6 : -1;
    p->in_p = kind == LN_LSTM && ln_in(c, 7) ? 7 : -1;
    int64_t n;
    LN_TRY(ln_mul_size(c, p->times, p->batch, &n));
    LN_TRY(ln_mul_size(c, n, p->directions * p->gates, &n));
    return ln_mul_size(c, n, p->hidden * 8, &n);
}

linnet_status ln_rnn_check_lens(const ln_args *a, const ln_rnn_params *p)
{
    const int32_t *lens = p->in_lens < 0 ? NULL : a->in[p->in_lens];
    for (int64_t b = 0; lens && b < p->batch; b++)
        if (lens[b] < 0 || lens[b] > p->times)
            return ln_run_fail(a, "sequence_lens[%lld] is %d, out of [0, %lld]", (long long)b, lens[b],
                               (long long)p->times);
    return LINNET_OK;
}
