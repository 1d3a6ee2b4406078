/* SPDX-License-Identifier: Apache-2.0
 *
 * The pass `quantize` on LSTM: X, W and R are dequantised, Y (or Y_h alone) is quantised, and Y_c where it is used. The
 * integer operator gives integers, with DequantizeLinear behind them where the floats were: the QuantizeLinear nodes
 * that follow, by way of a Squeeze or Reshape perhaps, then find a scale of their own and go. In the same way states
 * that come in pass a new QuantizeLinear.
 */
#include "engine/quantised.h"

#include <math.h>
#include <string.h>
#include <strings.h>

enum { X, W, R, B, LENS, H0, C0, P, INPUTS };

static bool moves(const ln_node *n)
{
    static const char *const types[] = {"Squeeze", "Unsqueeze", "Reshape", "Flatten", "Transpose", "Identity"};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (ln_node_is(n, types[i]))
            return true;
    return false;
}

static bool is_used(const ln_graph *g, int32_t value)
{
    return value >= 0 && (g->values[value].n_uses > 0 || g->values[value].outputs > 0);
}

/* How `value` is quantised by one that uses it, or uses what was only moved. */
static bool later(ln_graph *g, int32_t value, int32_t depth, ln_quantised *q)
{
    if (!is_used(g, value))
        return false;
    ln_use u = g->values[value].first_use;
    while (u.node != LN_NO_NODE) {
        const ln_node *n = &g->nodes[u.node];
        if (u.slot == 0 && (ln_quantises(g, n, q) || (depth > 0 && moves(n) && later(g, n->out[0], depth - 1, q))))
            return true;
        u = n->next_use[u.slot];
    }
    return false;
}

/* How it was quantised before. */
static bool earlier(ln_graph *g, int32_t value, int32_t depth, ln_quantised *q)
{
    if (ln_dequantised_integer(g, value, false, q))
        return true;
    int32_t from = value < 0 ? LN_NO_NODE : g->values[value].producer;
    return depth > 0 && from >= 0 && moves(&g->nodes[from]) && earlier(g, g->nodes[from].in[0], depth - 1, q);
}

static bool is_zero(const ln_graph *g, int32_t value)
{
    return value < 0 || ln_rw_is(g, value, 0);
}

/* A constant, or computed from constants: folding leaves what DequantizeLinear gives to the next round. */
static bool is_constant(const ln_graph *g, int32_t value, int32_t depth)
{
    if (value < 0 || ln_rw_info(g, value)->data)
        return true;
    int32_t from = g->values[value].producer;
    if (from < 0 || depth == 0)
        return false;
    for (int32_t i = 0; i < g->nodes[from].n_in; i++)
        if (!is_constant(g, g->nodes[from].in[i], depth - 1))
            return false;
    return true;
}

static bool default_activations(const ln_node *n)
{
    static const char *const names[] = {"Sigmoid", "Tanh", "Tanh"};
    const ln_attr *a = ln_node_attr(n, "activations");
    for (int64_t i = 0; a && i < a->n; i++) {
        size_t size = strlen(names[i % 3]);
        if (a->strings[i].size != size || strncasecmp(a->strings[i].data, names[i % 3], size) != 0)
            return false;
    }
    return true;
}

/* Scales in a range in which the fixed point of the operator has room. */
static bool within(const ln_graph *g, const ln_quantised *q, float least, float most)
{
    const float *s = ln_rw_floats(g, q->scale);
    for (int64_t i = 0; i < ln_info_count(ln_rw_info(g, q->scale)); i++)
        if (!(s[i] >= least && s[i] <= most))
            return false;
    return true;
}

/* What stands in the way; NULL: nothing. *cell: Y_c or initial_c is there, in units of *c. */
static const char *obstacle(ln_graph *g, const ln_node *n, ln_quantised *x, ln_quantised *w, ln_quantised *r,
                            ln_quantised *h, ln_quantised *c, bool *cell)
{
    int32_t y = ln_rw_out(n, 0), y_h = ln_rw_out(n, 1), y_c = ln_rw_out(n, 2), c0 = ln_rw_in(n, C0);
    if (!earlier(g, n->in[X], 4, x) || !ln_is_byte(x->type) || !ln_dequantised(g, n->in[W], true, w) ||
        !ln_dequantised(g, n->in[R], true, r))
        return "X, W and R are not all dequantised from 8 bits";
    if (!ln_rw_info(g, w->value)->data || !ln_rw_info(g, r->value)->data || !is_constant(g, ln_rw_in(n, B), 8) ||
        !is_constant(g, ln_rw_in(n, P), 8))
        return "W, R, B or P is not constant";
    if (w->axis > 1 || r->axis > 1)
        return "a scale for each input";
    if (!default_activations(n))
        return "other functions than Sigmoid, Tanh, Tanh";
    if (is_used(g, y) ? !later(g, y, 4, h) : !later(g, y_h, 4, h))
        return "Y is not quantised";
    if (!ln_is_byte(h->type))
        return "Y is quantised to more than 8 bits";
    *cell = true;
    if (is_used(g, y_c)) {
        if (!later(g, y_c, 4, c))
            return "Y_c is not quantised";
    } else if (is_zero(g, c0)) {
        *cell = false;
    } else if (!earlier(g, c0, 4, c)) {
        return "initial_c is not dequantised";
    }
    bool room = within(g, x, 0, 100) && within(g, w, 0, 100) && within(g, r, 0, 100) && within(g, h, 1e-9f, 100) &&
                (!*cell || within(g, c, 1e-9f, 100));
    return room ? NULL : "a scale is out of range";
}

/* A new value with the shape of another and elements of `type`. */
static int32_t like(ln_graph *g, int32_t value, linnet_type type)
{
    int32_t made = ln_graph_value(g, "");
    if (made >= 0) {
        g->values[made].info = g->values[value].info;
        g->values[made].info.type = (uint8_t)type;
        g->values[made].info.data = NULL;
    }
    return made;
}

/* *value in units of q. */
static bool quantise(ln_graph *g, int32_t before, int32_t *value, const ln_quantised *q)
{
    int32_t in[3] = {*value, q->scale, q->zero}, out = like(g, *value, q->type);
    *value = out;
    return out >= 0 &&
           ln_graph_insert_at(g, before, "", LN_PASS_OPSET, "QuantizeLinear", "", 3, in, 1, &out, 0, NULL) >= 0;
}

linnet_status ln_quantised_lstm(ln_graph *g, ln_pass_ctx *ctx, int32_t id)
{
    ln_quantised x, w, r, h, c;
    bool cell;
    if (!g->nodes[id].op || ln_rw_info(g, g->nodes[id].in[X])->type != LINNET_FLOAT32)
        return LINNET_OK;
    if (!ln_rw_producer(g, g->nodes[id].in[W], "DequantizeLinear"))
        return LINNET_OK;
    const char *why = obstacle(g, &g->nodes[id], &x, &w, &r, &h, &c, &cell);
    if (why) {
        ln_pass_refuse(ctx, g, id, why);
        return LINNET_OK;
    }
    const ln_node n = g->nodes[id]; /* its place may move */
    const char *name = n.name;
    int32_t in[INPUTS + 10], out[3], made[3];
    for (int32_t i = 0; i < INPUTS; i++)
        in[i] = ln_rw_in(&n, i);
    const int32_t more[10] = {x.scale,
                              x.zero,
                              w.scale,
                              w.zero,
                              r.scale,
                              r.zero,
                              h.scale,
                              h.zero,
                              cell ? c.scale : LN_NO_VALUE,
                              cell ? c.zero : LN_NO_VALUE};
    memcpy(in + INPUTS, more, sizeof more);
    in[W] = w.value;
    in[R] = r.value;
    for (int32_t i = 0; i < 3; i++) {
        out[i] = ln_rw_out(&n, i);
        made[i] = is_used(g, out[i]) ? like(g, out[i], i < 2 ? h.type : c.type) : LN_NO_VALUE;
        if (is_used(g, out[i]) && made[i] < 0)
            return ln_rw_no_memory(ctx);
    }
    in[H0] = is_zero(g, in[H0]) ? LN_NO_VALUE : in[H0];
    in[C0] = is_zero(g, in[C0]) ? LN_NO_VALUE : in[C0];
    if (!quantise(g, id, &in[X], &x) || (in[H0] >= 0 && !quantise(g, id, &in[H0], &h)) ||
        (in[C0] >= 0 && !quantise(g, id, &in[C0], &c)))
        return ln_rw_no_memory(ctx);
    int32_t before = g->nodes[id].next, n_in = cell ? INPUTS + 10 : INPUTS + 8, n_out = made[2] >= 0 ? 3 : 2;
    ln_graph_kill(g, id);
    if (ln_graph_insert_at(g, before, "ai.linnet", 1, "QLinearLSTM", name, n_in, in, n_out, made, n.n_attrs, n.attrs) <
        0)
        return ln_rw_no_memory(ctx);
    for (int32_t i = 0; i < 3; i++) {
        if (made[i] < 0)
            continue;
        int32_t q[3] = {made[i], i < 2 ? h.scale : c.scale, i < 2 ? h.zero : c.zero};
        if (ln_graph_insert_at(g, before, "", LN_PASS_OPSET, "DequantizeLinear", "", 3, q, 1, &out[i], 0, NULL) < 0)
            return ln_rw_no_memory(ctx);
    }
    ctx->changes++;
    return LINNET_OK;
}
