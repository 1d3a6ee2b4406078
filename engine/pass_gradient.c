/* SPDX-License-Identifier: Apache-2.0
 *
 * ai.onnx.preview.training Gradient: the nodes that compute dy/dx in its place, by reverse accumulation over the nodes
 * between xs and y, which are named by attributes. Where y is no scalar it is the gradient of the sum of its elements.
 * The inputs of the node take the places of the values called xs and zs: where they are others, the nodes between are
 * copied for them. An operator without a rule here is an error that names it.
 */
#include <stdio.h>
#include <string.h>

#include "engine/exec.h"
#include "engine/model.h"
#include "engine/rewrite.h"

typedef struct tape {
    ln_graph *g;
    ln_pass_ctx *c;
    int32_t node;      /* Gradient */
    int32_t n_values;  /* of the graph before anything was added */
    int32_t *map;      /* value -> the value that stands for it */
    int32_t *gradient; /* value (after map) -> its gradient so far, LN_NO_VALUE: none */
    bool no_memory;
} tape;

/* -- making nodes before the Gradient
 * ----------------------------------------------------------------------------------- */

static int32_t emit(tape *t, const char *type, int32_t n_in, const int32_t *in, int32_t n_attrs, const ln_attr *attrs)
{
    ln_graph *g = t->g;
    int32_t out = ln_graph_value(g, "");
    if (out < 0 || ln_graph_insert_at(g, t->node, "", LN_PASS_OPSET, type, "", n_in, in, 1, &out, n_attrs, attrs) < 0) {
        t->no_memory = true;
        return LN_NO_VALUE;
    }
    linnet_status st = ln_infer_node(g, g->values[out].producer, t->c->memory, t->c->error);
    t->no_memory |= st == LINNET_ERR_MEMORY;
    return st == LINNET_OK ? out : LN_NO_VALUE;
}

static int32_t emit1(tape *t, const char *type, int32_t a)
{
    return a < 0 ? LN_NO_VALUE : emit(t, type, 1, &a, 0, NULL);
}

static int32_t emit2(tape *t, const char *type, int32_t a, int32_t b)
{
    int32_t in[2] = {a, b};
    return a < 0 || b < 0 ? LN_NO_VALUE : emit(t, type, 2, in, 0, NULL);
}

static int32_t scalar(tape *t, float value)
{
    float *data;
    int32_t v = ln_rw_new_floats(t->g, 0, NULL, &data);
    t->no_memory |= v < 0;
    if (v >= 0)
        *data = value;
    return v;
}

static int32_t filled(tape *t, const ln_info *like, float value)
{
    int32_t shape = ln_rw_new_ints(t->g, like->rank, like->dims);
    t->no_memory |= shape < 0;
    return shape < 0 ? LN_NO_VALUE : emit2(t, "Expand", scalar(t, value), shape);
}

static int32_t reshaped(tape *t, int32_t value, const ln_info *like)
{
    int32_t shape = ln_rw_new_ints(t->g, like->rank, like->dims), in[2] = {value, shape};
    ln_attr zero[1] = {ln_rw_int("allowzero", 1)};
    t->no_memory |= shape < 0;
    return value < 0 || shape < 0 ? LN_NO_VALUE : emit(t, "Reshape", 2, in, 1, zero);
}

/* Sums over what was broadcast, so that the gradient has the shape of the operand. */
static int32_t unbroadcast(tape *t, int32_t value, const ln_info *like)
{
    if (value < 0)
        return value;
    ln_info from = *ln_rw_info(t->g, value);
    int64_t axes[LN_MAX_RANK];
    int32_t n = 0;
    for (int32_t i = 0; i < from.rank; i++) {
        int32_t at = i - (from.rank - like->rank);
        if (at < 0 || (like->dims[at] == 1 && from.dims[i] != 1))
            axes[n++] = i;
    }
    if (n > 0) {
        int32_t list = ln_rw_new_ints(t->g, n, axes);
        t->no_memory |= list < 0;
        value = list < 0 ? LN_NO_VALUE : emit2(t, "ReduceSum", value, list);
    }
    return reshaped(t, value, like);
}

/* -- rules
 * ---------------------------------------------------------------------------------------------------------------- */

static int32_t swapped(tape *t, int32_t value)
{
    int32_t rank = ln_rw_info(t->g, value)->rank;
    int64_t *perm = ln_arena_array(t->g->arena, rank + 1, sizeof *perm);
    if (!perm) {
        t->no_memory = true;
        return LN_NO_VALUE;
    }
    for (int32_t i = 0; i < rank; i++)
        perm[i] = i < rank - 2 ? i : 2 * rank - 3 - i;
    ln_attr a = {.name = "perm", .kind = LN_ATTR_INTLIST, .n = rank, .ints = perm};
    return emit(t, "Transpose", 1, &value, 1, &a);
}

static int32_t transposed_back(tape *t, const ln_node *n, int32_t dy)
{
    const ln_attr *a = ln_node_attr(n, "perm");
    int32_t rank = ln_rw_info(t->g, dy)->rank;
    int64_t *perm = ln_arena_array(t->g->arena, rank + 1, sizeof *perm);
    if (!perm) {
        t->no_memory = true;
        return LN_NO_VALUE;
    }
    for (int32_t i = 0; i < rank; i++)
        perm[a ? a->ints[i] : rank - 1 - i] = i;
    ln_attr inverse = {.name = "perm", .kind = LN_ATTR_INTLIST, .n = rank, .ints = perm};
    return emit(t, "Transpose", 1, &dy, 1, &inverse);
}

static int32_t binary_rule(tape *t, const ln_node *n, int32_t slot, const int32_t *in, int32_t dy)
{
    if (ln_node_is(n, "Add"))
        return dy;
    if (ln_node_is(n, "Sub"))
        return slot == 0 ? dy : emit1(t, "Neg", dy);
    if (ln_node_is(n, "Mul"))
        return emit2(t, "Mul", dy, in[1 - slot]);
    if (ln_node_is(n, "Div")) {
        int32_t over = emit2(t, "Div", dy, in[1]);
        return slot == 0 ? over : emit1(t, "Neg", emit2(t, "Mul", over, emit2(t, "Div", in[0], in[1])));
    }
    if (ln_node_is(n, "Pow") && slot == 0) /* dy b a^(b - 1) */
        return emit2(t, "Mul", dy,
                     emit2(t, "Mul", in[1], emit2(t, "Pow", in[0], emit2(t, "Sub", in[1], scalar(t, 1)))));
    if (ln_node_is(n, "MatMul") && ln_rw_info(t->g, in[0])->rank >= 2 && ln_rw_info(t->g, in[1])->rank >= 2)
        return slot == 0 ? emit2(t, "MatMul", dy, swapped(t, in[1])) : emit2(t, "MatMul", swapped(t, in[0]), dy);
    return -2;
}

static int32_t unary_rule(tape *t, const ln_node *n, const int32_t *in, int32_t y, int32_t dy)
{
    if (ln_node_is(n, "Identity"))
        return dy;
    if (ln_node_is(n, "Neg"))
        return emit1(t, "Neg", dy);
    if (ln_node_is(n, "Exp"))
        return emit2(t, "Mul", dy, y);
    if (ln_node_is(n, "Log"))
        return emit2(t, "Div", dy, in[0]);
    if (ln_node_is(n, "Sqrt"))
        return emit2(t, "Div", dy, emit2(t, "Mul", y, scalar(t, 2)));
    if (ln_node_is(n, "Relu") || ln_node_is(n, "Abs"))
        return emit2(t, "Mul", dy, emit1(t, "Sign", ln_node_is(n, "Relu") ? y : in[0]));
    if (ln_node_is(n, "Sigmoid")) /* y (1 - y) */
        return emit2(t, "Mul", dy, emit2(t, "Mul", y, emit2(t, "Sub", scalar(t, 1), y)));
    if (ln_node_is(n, "Tanh")) /* 1 - y^2 */
        return emit2(t, "Mul", dy, emit2(t, "Sub", scalar(t, 1), emit2(t, "Mul", y, y)));
    if (ln_node_is(n, "Sin"))
        return emit2(t, "Mul", dy, emit1(t, "Cos", in[0]));
    if (ln_node_is(n, "Cos"))
        return emit1(t, "Neg", emit2(t, "Mul", dy, emit1(t, "Sin", in[0])));
    if (ln_node_is(n, "Transpose"))
        return transposed_back(t, n, dy);
    if (ln_node_is(n, "Reshape") || ln_node_is(n, "Flatten") || ln_node_is(n, "Squeeze") || ln_node_is(n, "Unsqueeze"))
        return reshaped(t, dy, ln_rw_info(t->g, in[0]));
    return -2;
}

/* Where the sum or mean had its axes, dims of 1. */
static int32_t reduce_rule(tape *t, const ln_node *n, const int32_t *in, int32_t y, int32_t dy)
{
    ln_info x = *ln_rw_info(t->g, in[0]), kept = x, out = *ln_rw_info(t->g, y);
    const ln_attr *attr = ln_node_attr(n, "axes");
    const ln_info *list = ln_rw_info(t->g, ln_rw_in(n, 1));
    int64_t count = attr ? attr->n : ln_rw_in(n, 1) >= 0 && list->type == LINNET_INT64 ? ln_info_count(list) : 0;
    const int64_t *axes = attr ? attr->ints : list->data;
    if (ln_rw_in(n, 1) >= 0 && (!list->data || list->type != LINNET_INT64))
        return -2;
    for (int32_t i = 0; i < x.rank; i++) {
        bool reduced = count == 0;
        for (int64_t k = 0; k < count; k++)
            reduced |= axes[k] == i || axes[k] + x.rank == i;
        kept.dims[i] = reduced ? 1 : x.dims[i];
    }
    int32_t shape = ln_rw_new_ints(t->g, x.rank, x.dims);
    t->no_memory |= shape < 0;
    int32_t spread = shape < 0 ? LN_NO_VALUE : emit2(t, "Expand", reshaped(t, dy, &kept), shape);
    if (ln_node_is(n, "ReduceSum"))
        return spread;
    double ratio = (double)ln_info_count(&x) / (double)(ln_info_count(&out) > 0 ? ln_info_count(&out) : 1);
    return emit2(t, "Div", spread, scalar(t, (float)ratio));
}

/* The gradient of operand `slot`, given that of the output; -2: there is no rule. */
static int32_t rule(tape *t, const ln_node *n, int32_t slot, const int32_t *in, int32_t y, int32_t dy)
{
    int32_t d = -2;
    if (n->domain[0])
        return d;
    if (ln_node_is(n, "ReduceSum") || ln_node_is(n, "ReduceMean"))
        d = slot == 0 ? reduce_rule(t, n, in, y, dy) : -2;
    else if (n->n_in >= 2 && !n->n_attrs && (d = binary_rule(t, n, slot, in, dy)) != -2)
        return unbroadcast(t, d, ln_rw_info(t->g, in[slot]));
    else if (slot == 0)
        d = unary_rule(t, n, in, y, dy);
    return d;
}

/* -- the sweep
 * ------------------------------------------------------------------------------------------------------------- */

static int32_t find_value(const ln_graph *g, linnet_string name)
{
    for (int32_t v = 0; v < g->n_values; v++)
        if (strlen(g->values[v].name) == name.size && memcmp(g->values[v].name, name.data, name.size) == 0)
            return v;
    return LN_NO_VALUE;
}

static linnet_status add_gradient(tape *t, int32_t value, int32_t d)
{
    if (value >= t->n_values)
        return LINNET_OK; /* a constant that a copy uses */
    t->gradient[value] = t->gradient[value] < 0 ? d : emit2(t, "Add", t->gradient[value], d);
    return t->gradient[value] < 0 ? LINNET_ERR_UNSUPPORTED : LINNET_OK;
}

/* A copy of node n with its operands mapped; fills map for its outputs. */
static bool copy_node(tape *t, int32_t id)
{
    ln_graph *g = t->g;
    ln_node n = g->nodes[id];
    int32_t *ids = ln_arena_array(g->arena, (int64_t)n.n_in + n.n_out + 1, sizeof *ids);
    if (!ids)
        return false;
    for (int32_t i = 0; i < n.n_in; i++)
        ids[i] = n.in[i] < 0 ? n.in[i] : t->map[n.in[i]];
    for (int32_t i = 0; i < n.n_out; i++) {
        ids[n.n_in + i] = n.out[i] < 0 ? n.out[i] : ln_graph_value(g, "");
        if (n.out[i] < 0)
            continue;
        if (ids[n.n_in + i] < 0)
            return false;
        g->values[ids[n.n_in + i]].info = g->values[n.out[i]].info;
        t->map[n.out[i]] = ids[n.n_in + i];
    }
    return ln_graph_insert_at(g, t->node, n.domain, n.version, n.type, n.name, n.n_in, ids, n.n_out, ids + n.n_in,
                              n.n_attrs, n.attrs) >= 0;
}

/* depends[v]: v is one of xs and zs, or made from them. */
static linnet_status forward(tape *t, bool *depends, bool same)
{
    ln_graph *g = t->g;
    for (int32_t id = g->first; id != t->node; id = g->nodes[id].next) {
        const ln_node *n = &g->nodes[id];
        bool any = false;
        for (int32_t i = 0; i < n->n_in; i++)
            any |= n->in[i] >= 0 && n->in[i] < t->n_values && depends[n->in[i]];
        for (int32_t i = 0; i < n->n_out && any; i++)
            if (n->out[i] >= 0 && n->out[i] < t->n_values)
                depends[n->out[i]] = true;
        if (any && !same && n->out[0] < t->n_values && !copy_node(t, id))
            return ln_rw_no_memory(t->c);
    }
    return LINNET_OK;
}

static linnet_status backward(tape *t, const bool *depends)
{
    ln_graph *g = t->g;
    for (int32_t id = g->nodes[t->node].prev, prev; id >= 0; id = prev) {
        ln_node n = g->nodes[id];
        prev = n.prev;
        int32_t y = n.n_out > 0 ? n.out[0] : LN_NO_VALUE, in[8];
        if (y < 0 || y >= t->n_values || !depends[y] || t->gradient[y] < 0)
            continue;
        for (int32_t i = 0; i < n.n_in && i < 8; i++)
            in[i] = n.in[i] < 0 ? n.in[i] : t->map[n.in[i]];
        for (int32_t i = 0; i < n.n_in && i < 8; i++) {
            if (n.in[i] < 0 || n.in[i] >= t->n_values || !depends[n.in[i]])
                continue;
            int32_t d = rule(t, &n, i, in, t->map[y], t->gradient[y]);
            if (t->no_memory)
                return ln_rw_no_memory(t->c);
            if (d < 0 || add_gradient(t, n.in[i], d) != LINNET_OK)
                return ln_node_fail(g, t->node, t->c->error, LINNET_ERR_UNSUPPORTED, "no derivative of %s is known",
                                    n.type);
        }
    }
    return LINNET_OK;
}

static linnet_status differentiate(tape *t, const ln_attr *xs, const ln_attr *zs, linnet_string target, bool *depends)
{
    ln_graph *g = t->g;
    bool same = true;
    int32_t y = find_value(g, target);
    for (int32_t v = 0; v < t->n_values; v++) {
        t->map[v] = v;
        t->gradient[v] = LN_NO_VALUE;
    }
    for (int64_t i = 0; i < xs->n + (zs ? zs->n : 0); i++) {
        linnet_string name = i < xs->n ? xs->strings[i] : zs->strings[i - xs->n];
        int32_t v = find_value(g, name), given = g->nodes[t->node].in[i];
        if (v < 0 || given < 0)
            return ln_node_fail(g, t->node, t->c->error, LINNET_ERR_MODEL, "there is no value '%.*s'", (int)name.size,
                                name.data);
        depends[v] = true;
        same &= v == given;
        t->map[v] = given;
    }
    if (y < 0 || !ln_info_known(ln_rw_info(g, y)))
        return ln_node_fail(g, t->node, t->c->error, LINNET_ERR_MODEL, "y '%.*s' is no tensor of a known shape",
                            (int)target.size, target.data);
    linnet_status st = forward(t, depends, same);
    if (st != LINNET_OK)
        return st;
    ln_info like = *ln_rw_info(g, y);
    t->gradient[y] = filled(t, &like, 1);
    st = t->gradient[y] < 0 ? ln_rw_no_memory(t->c) : backward(t, depends);
    for (int64_t i = 0; i < xs->n && st == LINNET_OK && i < g->nodes[t->node].n_out; i++) {
        int32_t out = g->nodes[t->node].out[i], v = find_value(g, xs->strings[i]);
        if (out < 0)
            continue;
        ln_info x = *ln_rw_info(g, v);
        int32_t d = t->gradient[v] >= 0 ? t->gradient[v] : filled(t, &x, 0); /* y does not depend on it */
        if (d < 0)
            return ln_rw_no_memory(t->c);
        ln_graph_replace_uses(g, out, d);
    }
    return st;
}

static linnet_status expand(ln_graph *g, ln_pass_ctx *c, int32_t id)
{
    const ln_node *n = &g->nodes[id];
    const ln_attr *xs = ln_node_attr(n, "xs"), *zs = ln_node_attr(n, "zs"), *y = ln_node_attr(n, "y");
    if (!xs || xs->kind != LN_ATTR_STRINGLIST || !y || y->kind != LN_ATTR_STRING ||
        (zs && zs->kind != LN_ATTR_STRINGLIST) || n->n_in != xs->n + (zs ? zs->n : 0) || n->n_out > xs->n)
        return ln_node_fail(g, id, c->error, LINNET_ERR_MODEL, "inputs and outputs do not go with xs and zs");
    ln_arena temporary;
    ln_arena_init(&temporary, c->memory);
    tape t = {.g = g, .c = c, .node = id, .n_values = g->n_values};
    t.map = ln_arena_array(&temporary, (int64_t)g->n_values + 1, sizeof *t.map);
    t.gradient = ln_arena_array(&temporary, (int64_t)g->n_values + 1, sizeof *t.gradient);
    bool *depends = ln_arena_array(&temporary, (int64_t)g->n_values + 1, sizeof *depends);
    linnet_status st = t.map && t.gradient && depends ? differentiate(&t, xs, zs, y->s, depends) : ln_rw_no_memory(c);
    ln_arena_free(&temporary);
    if (st == LINNET_OK) {
        ln_graph_kill(g, id);
        c->changes++;
    }
    return st;
}

linnet_status ln_pass_gradient(ln_graph *g, ln_pass_ctx *c)
{
    LN_FOR_NODES(g, id)
    {
        const ln_node *n = &g->nodes[id];
        if (n->op && strcmp(n->type, "Gradient") == 0 && strcmp(n->domain, "ai.onnx.preview.training") == 0) {
            linnet_status st = expand(g, c, id);
            if (st != LINNET_OK)
                return st;
        }
    }
    return LINNET_OK;
}
