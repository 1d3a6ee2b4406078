/* SPDX-License-Identifier: Apache-2.0
 *
 * Recurrent layers but LSTM (lstm.c): an RNN over a sequence is ONNX's, a single step and SVDF are written out. States
 * are variables (variable.c).
 */
#include <string.h>

#include "tools/tflite/recurrent.h"

/* -- what all have ---------------------------------------------------------------------------------------------------
 */

int32_t ln_tfl_read_state(ln_tfl_op *o, uint32_t i)
{
    return ln_tfl_real(o, i);
}

void ln_tfl_write_state(ln_tfl_op *o, uint32_t i, int32_t value)
{
    const ln_tfl_tensor *t = ln_tfl_in(o, i);
    int32_t *state = t->variable ? ln_tfl_state(o, ln_tfl_in_index(o, i)) : NULL;
    if (state)
        *state = ln_tfl_quantise(o, t, value);
}

int32_t ln_tfl_product(ln_tfl_op *o, int32_t x, int32_t weights)
{
    return LN_NODE(o, "MatMul", x, ln_tfl_transpose(o, weights, 2, (int64_t[]){1, 0}));
}

int32_t ln_tfl_add_if(ln_tfl_op *o, int32_t a, int32_t b)
{
    return b < 0 ? a : LN_NODE(o, "Add", a, b);
}

/* [batch, time, ..] <-> [time, batch, ..] */
int32_t ln_tfl_time_first(ln_tfl_op *o, int32_t x, bool already)
{
    return already ? x : ln_tfl_transpose(o, x, 3, (int64_t[]){1, 0, 2});
}

bool ln_tfl_three_dimensions(ln_tfl_op *o)
{
    if (ln_tfl_in(o, 0)->rank == 3)
        return true;
    ln_tfl_fail(o, LINNET_ERR_MODEL, "an input of %d dimensions, not 3", ln_tfl_in(o, 0)->rank);
    return false;
}

void ln_tfl_both_directions(ln_tfl_op *o, int32_t forward, int32_t backward, bool merge, bool major)
{
    forward = ln_tfl_time_first(o, forward, major);
    backward = ln_tfl_time_first(o, backward, major);
    if (merge) {
        ln_tfl_set_real(o, 0, ln_tfl_concat(o, 2, 2, (int32_t[]){forward, backward}));
        return;
    }
    ln_tfl_set_real(o, 0, forward);
    ln_tfl_set_real(o, 1, backward);
}

/* -- RNN -------------------------------------------------------------------------------------------------------------
 */

/* Inputs from `first` on: weights, recurrent weights, bias, state. */
static int32_t run_rnn(ln_tfl_op *o, int32_t x, uint32_t first, int64_t act, bool reverse)
{
    static const char *const names[] = {"Affine", "Relu", NULL, NULL, "Tanh"};
    const ln_tfl_tensor *w = ln_tfl_in(o, first);
    if (act < 0 || act > ACT_TANH || !names[act] || w->rank != 2 || w->dims[0] < 1) {
        ln_tfl_fail(o, LINNET_ERR_UNSUPPORTED, "activation %lld, or weights of %d dimensions", (long long)act, w->rank);
        return LN_NO_VALUE;
    }
    int64_t size = w->dims[0];
    float one = 1, zero = 0, *zeros = ln_arena_zalloc(o->c->arena, (size_t)size * sizeof *zeros, 16);
    linnet_string *name = ln_arena_alloc(o->c->arena, sizeof *name, 16);
    const float *alpha = ln_arena_dup(o->c->arena, &one, sizeof one, 16);
    const float *beta = ln_arena_dup(o->c->arena, &zero, sizeof zero, 16);
    if (!zeros || !name || !alpha || !beta) {
        ln_tfl_no_memory(o);
        return LN_NO_VALUE;
    }
    *name = (linnet_string){names[act], strlen(names[act])};
    int32_t bias[2] = {ln_tfl_bias(o, first + 2, ln_tfl_in(o, 0), w), ln_tfl_const_floats(o, 1, &size, zeros)}, out[2];
    int32_t in[6] = {x,
                     ln_tfl_unsqueeze(o, ln_tfl_real(o, first), 0),
                     ln_tfl_unsqueeze(o, ln_tfl_real(o, first + 1), 0),
                     ln_tfl_unsqueeze(o, ln_tfl_concat(o, 0, 2, bias), 0),
                     LN_NO_VALUE,
                     ln_tfl_unsqueeze(o, ln_tfl_read_state(o, first + 3), 0)};
    ln_attr attrs[5] = {ln_tfl_attr_int("hidden_size", size),
                        ln_tfl_attr_text("direction", reverse ? "reverse" : "forward"),
                        {.name = "activations", .kind = LN_ATTR_STRINGLIST, .n = 1, .strings = name},
                        {.name = "activation_alpha", .kind = LN_ATTR_FLOATLIST, .n = 1, .floats = alpha},
                        {.name = "activation_beta", .kind = LN_ATTR_FLOATLIST, .n = 1, .floats = beta}};
    ln_tfl_nodes(o, "RNN", 6, in, act == ACT_NONE ? 5 : 3, attrs, 2, out);
    ln_tfl_write_state(o, first + 3, ln_tfl_squeeze(o, out[1], 0));
    return ln_tfl_squeeze(o, out[0], 1);
}

void ln_tfl_sequence_rnn(ln_tfl_op *o)
{
    bool major = ln_tfl_option(o, 0, 1, 0);
    if (!ln_tfl_three_dimensions(o))
        return;
    int32_t x = ln_tfl_time_first(o, ln_tfl_real(o, 0), major);
    ln_tfl_set_real(o, 0, ln_tfl_time_first(o, run_rnn(o, x, 1, ln_tfl_option(o, 1, 1, 0), false), major));
}

void ln_tfl_bidirectional_rnn(ln_tfl_op *o)
{
    bool major = ln_tfl_option(o, 0, 1, 0), merge = ln_tfl_option(o, 2, 1, 0);
    int64_t act = ln_tfl_option(o, 1, 1, 0);
    for (uint32_t i = 9; i < 12; i++)
        if (ln_tfl_has(o, i))
            ln_tfl_fail(o, LINNET_ERR_UNSUPPORTED, "an auxiliary input");
    if (!ln_tfl_three_dimensions(o))
        return;
    int32_t x = ln_tfl_time_first(o, ln_tfl_real(o, 0), major), y = run_rnn(o, x, 1, act, false);
    ln_tfl_both_directions(o, y, run_rnn(o, x, 5, act, true), merge, major);
}

void ln_tfl_rnn(ln_tfl_op *o)
{
    int32_t z = LN_NODE(o, "Add", ln_tfl_product(o, ln_tfl_real(o, 0), ln_tfl_real(o, 1)),
                        ln_tfl_product(o, ln_tfl_read_state(o, 4), ln_tfl_real(o, 2)));
    z = ln_tfl_add_if(o, z, ln_tfl_bias(o, 3, ln_tfl_in(o, 0), ln_tfl_in(o, 1)));
    z = ln_tfl_activation(o, z, ln_tfl_option(o, 0, 1, 0), LINNET_FLOAT32);
    ln_tfl_write_state(o, 4, z);
    ln_tfl_set_real(o, 0, z);
}

/* -- SVDF ------------------------------------------------------------------------------------------------------------
 */

/* Filters of a feature and a time part each; the state holds what the feature parts gave lately. Inputs: x, feature
 * weights [filters, in], time weights [filters, memory], bias [units], state [batch, filters * memory]. */
void ln_tfl_svdf(ln_tfl_op *o)
{
    const ln_tfl_tensor *time = ln_tfl_in(o, 2);
    int64_t rank = ln_tfl_option(o, 0, 4, 0), filters = time->rank == 2 ? time->dims[0] : -1;
    if (rank < 1 || filters < 1 || filters % rank || time->dims[1] < 1) {
        ln_tfl_fail(o, LINNET_ERR_MODEL, "%lld filters of rank %lld", (long long)filters, (long long)rank);
        return;
    }
    int64_t memory = time->dims[1];
    int32_t new = ln_tfl_product(o, ln_tfl_real(o, 0), ln_tfl_real(o, 1)),
            last = ln_tfl_const_ints(o, 1, &(int64_t){-1});
    int32_t state = ln_tfl_reshape(o, ln_tfl_read_state(o, 4), 3, (int64_t[]){-1, filters, memory});
    int32_t parts[2] = {ln_tfl_slice(o, state, 2, 1, INT64_MAX), ln_tfl_unsqueeze(o, new, 2)};
    state = ln_tfl_concat(o, 2, 2, parts);
    ln_attr keep = ln_tfl_attr_int("keepdims", 0);
    int32_t y = ln_tfl_node(o, "ReduceSum", LN_INS(LN_NODE(o, "Mul", state, ln_tfl_real(o, 2)), last), 1, &keep);
    y = ln_tfl_reshape(o, y, 3, (int64_t[]){-1, filters / rank, rank});
    y = ln_tfl_add_if(o, ln_tfl_node(o, "ReduceSum", LN_INS(y, last), 1, &keep), ln_tfl_real(o, 3));
    ln_tfl_write_state(o, 4, ln_tfl_reshape(o, state, 2, (int64_t[]){-1, filters * memory}));
    ln_tfl_set_real(o, 0, ln_tfl_activation(o, y, ln_tfl_option(o, 1, 1, 0), LINNET_FLOAT32));
}
