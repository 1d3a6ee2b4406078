/* SPDX-License-Identifier: Apache-2.0
 *
 * LSTM layers. A plain one over a sequence is ONNX's; with a projection, layer normalisation or clipping, which that
 * does not have, it is a Scan over one step written out, and a single step is that step. States are variables
 * (variable.c).
 */
#include <string.h>

#include "tools/tflite/recurrent.h"

/* Inputs of an LSTM by their place; those that a layer does not have are LN_NO_VALUE. */
enum { X, W = 1, R = 5, PEEP = 9, BIAS = 12, PROJECTION = 16, PROJECTION_BIAS, STATE, CELL, NORM, INPUTS = 24 };
enum { GATE_I, GATE_F, GATE_C, GATE_O };

typedef struct lstm {
    int32_t v[INPUTS]; /* values in the graph that is being written */
    int64_t act, size; /* cells */
    float cell_clip, projection_clip;
} lstm;

/* -- one step of an LSTM ---------------------------------------------------------------------------------------------
 */

/* Gate before its activation; c is what its peephole sees. */
static int32_t gate(ln_tfl_op *o, const lstm *l, int g, int32_t h, int32_t c)
{
    static const int8_t peephole[] = {PEEP, PEEP + 1, -1, PEEP + 2};
    int32_t z = LN_NODE(o, "Add", ln_tfl_product(o, l->v[X], l->v[W + g]), ln_tfl_product(o, h, l->v[R + g]));
    if (peephole[g] >= 0 && l->v[peephole[g]] >= 0)
        z = LN_NODE(o, "Add", z, LN_NODE(o, "Mul", c, l->v[peephole[g]]));
    if (l->v[NORM + g] >= 0) {
        int32_t axis = ln_tfl_const_ints(o, 1, &(int64_t){-1});
        int32_t d = LN_NODE(o, "Sub", z, LN_NODE(o, "ReduceMean", z, axis));
        int32_t variance = LN_NODE(o, "ReduceMean", LN_NODE(o, "Mul", d, d), axis);
        variance = LN_NODE(o, "Add", variance, ln_tfl_scalar(o, LINNET_FLOAT32, 1e-8));
        z = LN_NODE(o, "Mul", LN_NODE(o, "Div", d, LN_NODE(o, "Sqrt", variance)), l->v[NORM + g]);
    }
    return ln_tfl_add_if(o, z, l->v[BIAS + g]);
}

static int32_t clipped(ln_tfl_op *o, int32_t x, float at)
{
    return at > 0 ? ln_tfl_clip(o, x, LINNET_FLOAT32, -(double)at, (double)at) : x;
}

/* Without input gate weights the input gate is what the forget gate leaves. */
static void step(ln_tfl_op *o, const lstm *l, int32_t *h, int32_t *c)
{
    int32_t f = LN_NODE(o, "Sigmoid", gate(o, l, GATE_F, *h, *c)), i;
    if (l->v[W] >= 0)
        i = LN_NODE(o, "Sigmoid", gate(o, l, GATE_I, *h, *c));
    else
        i = LN_NODE(o, "Sub", ln_tfl_scalar(o, LINNET_FLOAT32, 1), f);
    int32_t g = ln_tfl_activation(o, gate(o, l, GATE_C, *h, *c), l->act, LINNET_FLOAT32);
    *c = LN_NODE(o, "Add", LN_NODE(o, "Mul", f, *c), LN_NODE(o, "Mul", i, g));
    *c = clipped(o, *c, l->cell_clip);
    int32_t out = LN_NODE(o, "Sigmoid", gate(o, l, GATE_O, *h, *c));
    *h = LN_NODE(o, "Mul", out, ln_tfl_activation(o, *c, l->act, LINNET_FLOAT32));
    if (l->v[PROJECTION] >= 0)
        *h = clipped(o, ln_tfl_add_if(o, ln_tfl_product(o, *h, l->v[PROJECTION]), l->v[PROJECTION_BIAS]),
                     l->projection_clip);
}

/* -- a sequence of steps ---------------------------------------------------------------------------------------------
 */

/* The values of an LSTM. place[k]: the operator's input for entry k, -1 where it has none. */
static bool read_lstm(ln_tfl_op *o, const int8_t *place, int options, lstm *l)
{
    const ln_tfl_tensor *x = ln_tfl_in(o, (uint32_t)place[X]);
    for (int k = 0; k < INPUTS; k++) {
        l->v[k] = LN_NO_VALUE;
        if (place[k] < 0 || !ln_tfl_has(o, (uint32_t)place[k]))
            continue;
        uint32_t i = (uint32_t)place[k];
        bool bias = k >= BIAS && k <= BIAS + 3 && !ln_tfl_quantised(ln_tfl_in(o, i));
        l->v[k] = bias ? ln_tfl_bias(o, i, x, ln_tfl_in(o, (uint32_t)place[W + k - BIAS])) : ln_tfl_real(o, i);
    }
    for (int g = GATE_F; g <= GATE_O; g++)
        if (l->v[W + g] < 0 || l->v[R + g] < 0)
            ln_tfl_fail(o, LINNET_ERR_MODEL, "weights of a gate are absent");
    if ((l->v[W] < 0) != (l->v[R] < 0) || l->v[STATE] < 0 || l->v[CELL] < 0)
        ln_tfl_fail(o, LINNET_ERR_MODEL, "weights of the input gate, or a state, are absent");
    const ln_tfl_tensor *forget = ln_tfl_in(o, (uint32_t)place[W + GATE_F]);
    if (forget->rank != 2 || forget->dims[0] < 1)
        ln_tfl_fail(o, LINNET_ERR_MODEL, "weights of %d dimensions", forget->rank);
    l->size = forget->rank ? forget->dims[0] : 0;
    l->act = ln_tfl_option(o, options, 1, 0);
    l->cell_clip = ln_tfl_option_float(o, options + 1);
    l->projection_clip = ln_tfl_option_float(o, options + 2);
    return ln_tfl_ok(o);
}

static bool is_plain(const lstm *l)
{
    bool plain = l->act == ACT_TANH && !(l->cell_clip > 0) && l->v[PROJECTION] < 0;
    for (int g = 0; g < 4; g++)
        plain = plain && l->v[NORM + g] < 0;
    return plain;
}

/* The gates of a tensor in ONNX's order, which is i, o, f, c; an absent input gate is the forget gate's negative. */
static int32_t stacked(ln_tfl_op *o, const lstm *l, int first, int n, const int8_t *order)
{
    int32_t parts[8];
    for (int k = 0; k < n; k++) {
        int32_t v = l->v[first + order[k]];
        if (v < 0 && order[k] == GATE_I && l->v[first + GATE_F] >= 0)
            v = LN_NODE(o, "Neg", l->v[first + GATE_F]);
        if (v < 0) {
            float *zeros = ln_arena_zalloc(o->c->arena, (size_t)l->size * sizeof *zeros, 16);
            if (!zeros)
                ln_tfl_no_memory(o);
            v = zeros ? ln_tfl_const_floats(o, 1, &l->size, zeros) : LN_NO_VALUE;
        }
        parts[k] = v;
    }
    return ln_tfl_concat(o, 0, n, parts);
}

/* The same of weights, [1, 4 * cells, in]. Integers of 8 bits stay such, with a scale for each row. */
static int32_t stacked_weights(ln_tfl_op *o, const lstm *l, const int8_t *place, int first, const int8_t *order)
{
    const ln_tfl_tensor *t[4];
    int64_t rows = l->size, all = 4 * l->size;
    float *scales = ln_arena_array(o->c->arena, all, sizeof *scales);
    int8_t *zeros = ln_arena_array(o->c->arena, all, sizeof *zeros);
    int32_t parts[4], numbers[4];
    if (!scales || !zeros) {
        ln_tfl_no_memory(o);
        return LN_NO_VALUE;
    }
    for (int k = 0; k < 4; k++) {
        t[k] = ln_tfl_in(o, (uint32_t)place[first + order[k]]);
        bool one = t[k]->scales.n == 1, each = t[k]->scales.n == (uint32_t)rows && t[k]->axis == 0;
        if (l->v[first + order[k]] < 0 || t[k]->blocks || t[k]->rank != 2 || t[k]->dims[0] != rows ||
            t[k]->type != t[0]->type || (t[k]->type != LINNET_INT8 && t[k]->type != LINNET_UINT8) || !(one || each))
            return ln_tfl_unsqueeze(o, stacked(o, l, first, 4, order), 0);
        for (int64_t i = 0; i < rows; i++) {
            scales[k * rows + i] = ln_tfl_scale(o, t[k], (uint32_t)i);
            zeros[k * rows + i] = (int8_t)(uint8_t)ln_tfl_zero(o, t[k], (uint32_t)i);
        }
        numbers[k] = o->scope->g->values[l->v[first + order[k]]].producer;
        parts[k] = ln_tfl_stored(o, (uint32_t)place[first + order[k]]);
    }
    for (int k = 0; k < 4; k++) /* the gates' by themselves, unless another layer has them, too */
        if (numbers[k] >= 0 && !o->scope->g->values[l->v[first + order[k]]].n_uses) {
            ln_graph_kill(o->scope->g, numbers[k]);
            o->scope->real[ln_tfl_in_index(o, (uint32_t)place[first + order[k]])] = LN_NO_VALUE;
        }
    int32_t in[3] = {ln_tfl_unsqueeze(o, ln_tfl_concat(o, 0, 4, parts), 0), ln_tfl_const_floats(o, 1, &all, scales),
                     ln_tfl_constant(o, t[0]->type, 1, &all, zeros)};
    ln_attr axis = ln_tfl_attr_int("axis", 1);
    return ln_tfl_node(o, "DequantizeLinear", 3, in, 1, &axis);
}

/* x is [time, batch, in], y [time, batch, cells]; the states are read from l and left in h and c. */
static int32_t plain_lstm(ln_tfl_op *o, const lstm *l, const int8_t *place, int32_t x, bool reverse, int32_t *h,
                          int32_t *c)
{
    static const int8_t gates[] = {GATE_I, GATE_O, GATE_F, GATE_C}, peepholes[] = {0, 2, 1};
    float *zeros = ln_arena_zalloc(o->c->arena, (size_t)l->size * 4 * sizeof *zeros, 16);
    if (!zeros) {
        ln_tfl_no_memory(o);
        return LN_NO_VALUE;
    }
    int64_t four = 4 * l->size;
    int32_t bias[2] = {stacked(o, l, BIAS, 4, gates), ln_tfl_const_floats(o, 1, &four, zeros)}, out[3];
    bool peep = l->v[PEEP + 1] >= 0 || l->v[PEEP + 2] >= 0;
    int32_t in[8] = {x,
                     stacked_weights(o, l, place, W, gates),
                     stacked_weights(o, l, place, R, gates),
                     ln_tfl_unsqueeze(o, ln_tfl_concat(o, 0, 2, bias), 0),
                     LN_NO_VALUE,
                     ln_tfl_unsqueeze(o, l->v[STATE], 0),
                     ln_tfl_unsqueeze(o, l->v[CELL], 0),
                     peep ? ln_tfl_unsqueeze(o, stacked(o, l, PEEP, 3, peepholes), 0) : LN_NO_VALUE};
    ln_attr attrs[2] = {ln_tfl_attr_int("hidden_size", l->size),
                        ln_tfl_attr_text("direction", reverse ? "reverse" : "forward")};
    ln_tfl_nodes(o, "LSTM", 8, in, 2, attrs, 3, out);
    *h = ln_tfl_squeeze(o, out[1], 0);
    *c = ln_tfl_squeeze(o, out[2], 0);
    return ln_tfl_squeeze(o, out[0], 1);
}

/* The same as a Scan: states and x are its formal inputs, the weights are taken from outside. */
static int32_t scan_lstm(ln_tfl_op *o, const lstm *l, int32_t x, bool reverse, int32_t *h, int32_t *c)
{
    ln_graph *g = ln_graph_new(o->scope->g->arena);
    ln_tfl_scope scope = {.c = o->c, .g = g};
    ln_tfl_op inside = {.c = o->c, .scope = &scope, .row = o->row};
    int32_t in[3 + INPUTS] = {l->v[STATE], l->v[CELL], x}, n = 3, out[3];
    lstm body = *l;
    if (!g) {
        ln_tfl_no_memory(o);
        return LN_NO_VALUE;
    }
    g->opsets = o->scope->g->opsets;
    g->n_opsets = o->scope->g->n_opsets;
    body.v[STATE] = body.v[CELL] = body.v[X] = LN_NO_VALUE;
    int32_t *formal[3] = {&body.v[STATE], &body.v[CELL], &body.v[X]};
    for (int k = 0; k < 3 + INPUTS; k++) {
        int32_t *to = k < 3 ? formal[k] : &body.v[k - 3];
        bool weight = k >= 3 && k - 3 != X && k - 3 != STATE && k - 3 != CELL && l->v[k - 3] >= 0;
        if (k >= 3 && !weight)
            continue;
        *to = ln_graph_value(g, "");
        if (*to < 0 || !ln_graph_add_input(g, *to)) {
            ln_tfl_no_memory(o);
            return LN_NO_VALUE;
        }
        g->values[*to].info.type = LINNET_FLOAT32;
        if (weight)
            in[n++] = l->v[k - 3];
    }
    g->n_formal = 3;
    int32_t results[3] = {body.v[STATE], body.v[CELL], 0};
    step(&inside, &body, &results[0], &results[1]);
    results[2] = LN_NODE(&inside, "Identity", results[0]);
    if (ln_tfl_ok(o) && !ln_graph_set_outputs(g, results, 3))
        ln_tfl_no_memory(o);
    ln_attr attrs[4] = {{.name = "body", .kind = LN_ATTR_GRAPH, .graph = g},
                        ln_tfl_attr_int("num_scan_inputs", 1),
                        ln_tfl_attr_ints(o, "scan_input_directions", 1, &(int64_t){reverse}),
                        ln_tfl_attr_ints(o, "scan_output_directions", 1, &(int64_t){reverse})};
    int32_t id = ln_tfl_nodes(o, "Scan", n, in, 4, attrs, 3, out);
    if (id >= 0)
        o->scope->g->nodes[id].n_formal = 3;
    *h = out[0];
    *c = out[1];
    return out[2];
}

static int32_t run_lstm(ln_tfl_op *o, const int8_t *place, int options, int32_t x, bool reverse)
{
    lstm l;
    int32_t h = LN_NO_VALUE, c = LN_NO_VALUE, y;
    if (!read_lstm(o, place, options, &l))
        return LN_NO_VALUE;
    y = is_plain(&l) ? plain_lstm(o, &l, place, x, reverse, &h, &c) : scan_lstm(o, &l, x, reverse, &h, &c);
    ln_tfl_write_state(o, (uint32_t)place[STATE], h);
    ln_tfl_write_state(o, (uint32_t)place[CELL], c);
    return y;
}

/* -- the operators ---------------------------------------------------------------------------------------------------
 */

void ln_tfl_sequence_lstm(ln_tfl_op *o)
{
    static const int8_t place[INPUTS] = {0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11,
                                         12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23};
    bool major = ln_tfl_option(o, 3, 1, 0);
    if (!ln_tfl_three_dimensions(o))
        return;
    if (ln_tfl_option(o, 5, 1, 0))
        ln_tfl_fail(o, LINNET_ERR_UNSUPPORTED, "recurrent weights on the diagonal alone");
    int32_t y = run_lstm(o, place, 0, ln_tfl_time_first(o, ln_tfl_real(o, 0), major), false);
    ln_tfl_set_real(o, 0, ln_tfl_time_first(o, y, major));
}

void ln_tfl_bidirectional_lstm(ln_tfl_op *o)
{
    static const int8_t forward[INPUTS] = {0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11,
                                           12, 13, 14, 15, 16, 17, 35, 36, -1, -1, -1, -1};
    static const int8_t backward[INPUTS] = {0,  18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28,
                                            29, 30, 31, 32, 33, 34, 37, 38, -1, -1, -1, -1};
    bool merge = ln_tfl_option(o, 3, 1, 0), major = ln_tfl_option(o, 4, 1, 1);
    for (uint32_t i = 39; i < 48; i++)
        if (ln_tfl_has(o, i))
            ln_tfl_fail(o, LINNET_ERR_UNSUPPORTED, "an auxiliary input");
    if (!ln_tfl_three_dimensions(o))
        return;
    int32_t x = ln_tfl_time_first(o, ln_tfl_real(o, 0), major);
    int32_t y = run_lstm(o, forward, 0, x, false);
    ln_tfl_both_directions(o, y, run_lstm(o, backward, 0, x, true), merge, major);
}

/* All gates in one product: [x, h] by weights of rows i, c, f, o. */
static void basic_lstm(ln_tfl_op *o)
{
    int64_t cells = ln_tfl_in(o, 1)->rank == 2 ? ln_tfl_in(o, 1)->dims[1] : -1;
    int32_t in[2] = {ln_tfl_real(o, 0), ln_tfl_real(o, 1)}, gates[4], c = ln_tfl_real(o, 4);
    if (cells < 1) {
        ln_tfl_fail(o, LINNET_ERR_MODEL, "a state of an open size");
        return;
    }
    int32_t bias =
        ln_tfl_quantised(ln_tfl_in(o, 3)) ? ln_tfl_real(o, 3) : ln_tfl_bias(o, 3, ln_tfl_in(o, 0), ln_tfl_in(o, 2));
    int32_t joined = ln_tfl_concat(o, 1, 2, in);
    int32_t z = ln_tfl_node(o, "Gemm", LN_INS(joined, ln_tfl_real(o, 2), bias), LN_ATTRS(ln_tfl_attr_int("transB", 1)));
    for (int k = 0; k < 4; k++) {
        gates[k] = ln_tfl_slice(o, z, 1, k * cells, (k + 1) * cells);
        gates[k] = LN_NODE(o, k == 1 ? "Tanh" : "Sigmoid", gates[k]);
    }
    c = LN_NODE(o, "Add", LN_NODE(o, "Mul", gates[2], c), LN_NODE(o, "Mul", gates[0], gates[1]));
    ln_tfl_set_real(o, 0, LN_NODE(o, "Mul", gates[3], LN_NODE(o, "Tanh", c)));
    ln_tfl_set_real(o, 1, c);
    ln_tfl_set_real(o, 2, joined);
    ln_tfl_set_real(o, 3, z);
}

/* One step. */
void ln_tfl_lstm(ln_tfl_op *o)
{
    static const int8_t place[INPUTS] = {0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11,
                                         12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23};
    lstm l;
    if (ln_tfl_option(o, 3, 1, 0)) {
        if (o->node->inputs.n >= 5 && o->node->outputs.n >= 4)
            basic_lstm(o);
        else
            ln_tfl_fail(o, LINNET_ERR_MODEL, "a basic cell has 5 inputs and 4 outputs");
        return;
    }
    if (!read_lstm(o, place, 0, &l))
        return;
    int32_t h = l.v[STATE], c = l.v[CELL];
    step(o, &l, &h, &c);
    ln_tfl_write_state(o, STATE, h);
    ln_tfl_write_state(o, CELL, c);
    ln_tfl_set_real(o, 0, h);
}
