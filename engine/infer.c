/* SPDX-License-Identifier: Apache-2.0
 *
 * Types and shapes of all values, and constant folding: a node whose inputs are all constant is run once, here. The two
 * go together, since shapes are computed by nodes (Shape -> Gather -> Concat -> Reshape): one sweep in topological
 * order infers a node and folds it at once.
 */
#include <stdio.h>
#include <string.h>

#include "engine/exec.h"
#include "engine/model.h"
#include "engine/passes.h"

/* Folding may grow the constants of a graph by this much. */
static const size_t FOLD_BUDGET = (size_t)1 << 30;

typedef struct sweep {
    ln_graph *g;
    ln_memory *memory;
    linnet_error *error;
    bool allow_missing, fold;
    bool keep_quantised; /* leave DequantizeLinear of constants for the quantize pass */
    size_t folded;       /* bytes so far */
    int32_t changes;
} sweep;

/* A body numbers its symbols by itself. */
static void forget_symbols(ln_info *info)
{
    for (int32_t i = 0; i < info->rank; i++)
        if (info->dims[i] < 0)
            info->dims[i] = LN_UNKNOWN;
}

static linnet_status infer_node(ln_graph *g, int32_t node, ln_memory *memory, linnet_error *error, int32_t depth);

/* The constants that a node takes from outside for its bodies become constants in them. */
static void push_constants(ln_graph *g, const ln_node *n, ln_graph *body)
{
    for (int32_t i = n->n_formal; i < n->n_in; i++) {
        int32_t at = body->n_formal + i - n->n_formal;
        if (at >= body->n_inputs || n->in[i] < 0)
            continue;
        ln_value *inner = &body->values[body->inputs[at]];
        const void *own = inner->info.data;
        inner->info = g->values[n->in[i]].info;
        forget_symbols(&inner->info);
        if (own && !inner->info.data)
            inner->info.data = own;
    }
}

static linnet_status infer_bodies(const sweep *s, int32_t node);

/* The nodes of a body. One that is never taken may be wrong: what is, says so when it is planned. */
static linnet_status infer_body(const sweep *s, ln_graph *body, int32_t depth)
{
    sweep inner = *s;
    inner.g = body;
    linnet_error local;
    inner.error = &local;
    LN_FOR_NODES(body, id)
    {
        if (!body->nodes[id].op)
            continue;
        if (infer_bodies(&inner, id) == LINNET_ERR_MEMORY ||
            infer_node(body, id, s->memory, &local, depth) == LINNET_ERR_MEMORY) {
            if (s->error)
                *s->error = local;
            return LINNET_ERR_MEMORY;
        }
    }
    return LINNET_OK;
}

static linnet_status infer_bodies(const sweep *s, int32_t node)
{
    const ln_node *n = &s->g->nodes[node];
    for (int32_t i = 0; i < n->n_attrs; i++) {
        if (n->attrs[i].kind != LN_ATTR_GRAPH)
            continue;
        push_constants(s->g, n, n->attrs[i].graph);
        linnet_status st = infer_body(s, n->attrs[i].graph, 0);
        if (st != LINNET_OK)
            return st;
    }
    return LINNET_OK;
}

linnet_status ln_body_infer(ln_ctx *c, int32_t body, const ln_info *formal)
{
    enum { DEPTH = 3 }; /* each level may repeat those below it some times */
    if (c->late || c->p->depth >= DEPTH)
        return LINNET_OK;
    ln_graph *g = c->p->g->nodes[c->p->node].attrs[body].graph;
    for (int32_t i = 0; i < g->n_formal; i++) {
        ln_info *info = &g->values[g->inputs[i]].info;
        *info = formal[i];
        forget_symbols(info);
    }
    sweep s = {.memory = c->p->temporary->memory, .error = c->p->error, .allow_missing = true};
    return infer_body(&s, g, c->p->depth + 1);
}

linnet_status ln_infer_node(ln_graph *g, int32_t node, ln_memory *memory, linnet_error *error)
{
    return infer_node(g, node, memory, error, 0);
}

/* What a model declares its inputs to be may be too large for the arithmetic of shapes; results are checked when they
 * are set. */
static linnet_status check_inputs(ln_ctx *c)
{
    for (int32_t i = 0; i < c->n_in; i++) {
        int64_t n = 1;
        const ln_info *x = c->in[i];
        for (int32_t d = 0; x && x->kind == LINNET_TENSOR && d < x->rank; d++)
            if (x->dims[d] > 0 && ln_mul_size(c, n, x->dims[d], &n) != LINNET_OK)
                return ln_fail(c, LINNET_ERR_MODEL, "input %d has more elements than fit in memory", i);
    }
    return ln_check_kinds(c);
}

static linnet_status infer_node(ln_graph *g, int32_t node, ln_memory *memory, linnet_error *error, int32_t depth)
{
    ln_arena temporary;
    ln_arena_init(&temporary, memory);
    ln_ctx c;
    struct ln_ctx_private p;
    linnet_status st = ln_ctx_open(&c, &p, g, node, &temporary, &temporary, error);
    p.data_arena = g->arena;
    p.depth = depth;
    if (st == LINNET_OK)
        st = check_inputs(&c);
    if (st == LINNET_OK)
        st = c.op->infer(&c);
    const ln_node *n = &g->nodes[node];
    if (st == LINNET_OK && n->n_formal == 0 && c.op->types && c.out[0] && c.out[0]->kind == LINNET_TENSOR &&
        c.out[0]->type != LINNET_UNDEFINED && !(c.op->types & LN_T(c.out[0]->type)))
        st = ln_fail(&c, LINNET_ERR_UNSUPPORTED, "element type %s of version %d is not supported",
                     linnet_type_name((linnet_type)c.out[0]->type), c.version);
    if (st == LINNET_OK)
        for (int32_t i = 0; i < n->n_out; i++)
            if (n->out[i] >= 0)
                g->values[n->out[i]].info = *c.out[i];
    ln_arena_free(&temporary);
    return st;
}

static bool can_fold(const sweep *s, const ln_node *n)
{
    const ln_op *op = n->op;
    if ((op->flags & LN_OP_RANDOM) || (!op->plan && !(op->flags & LN_OP_LATE_OK)))
        return false;
    for (int32_t i = 0; i < n->n_in; i++)
        if (n->in[i] >= 0 && (!s->g->values[n->in[i]].info.data || s->g->values[n->in[i]].input))
            return false;
    size_t bytes = 0;
    bool used = false; /* what a pass left behind is not worth computing */
    for (int32_t i = 0; i < n->n_out; i++) {
        if (n->out[i] < 0)
            continue;
        used = used || s->g->values[n->out[i]].n_uses || s->g->values[n->out[i]].outputs;
        const ln_info *info = &s->g->values[n->out[i]].info;
        if (info->kind != LINNET_TENSOR)
            return false;
        if (ln_info_known(info))
            bytes += ln_info_bytes(info);
    }
    return used && bytes <= FOLD_BUDGET - s->folded;
}

/* Runs the node and makes its outputs constants. */
static linnet_status fold(sweep *s, int32_t node)
{
    ln_graph *g = s->g;
    const ln_node *n = &g->nodes[node];
    ln_arena temporary;
    ln_arena_init(&temporary, s->memory);
    linnet_status st = LINNET_ERR_MEMORY;
    linnet_value *values = ln_arena_array(&temporary, n->n_in + n->n_out + 1, sizeof *values);
    const linnet_value **in = ln_arena_array(&temporary, n->n_in + 1, sizeof *in);
    if (values && in) {
        linnet_value *out = values + n->n_in;
        for (int32_t i = 0; i < n->n_in; i++)
            if (n->in[i] >= 0) {
                const ln_info *info = &g->values[n->in[i]].info;
                const void *data = ln_graph_data(g, n->in[i]);
                if (!data) {
                    ln_arena_free(&temporary);
                    return ln_node_fail(g, node, s->error, LINNET_ERR_IO, "cannot read a constant of the model");
                }
                values[i] = ln_value_of(info, (void *)(uintptr_t)data);
                in[i] = &values[i];
            }
        linnet_error local = {0};
        ln_exec x;
        ln_exec_init(&x, s->memory, g->arena);
        x.error = &local;
        x.views = true;
        st = ln_exec_node(&x, g, node, in, out);
        for (int32_t i = 0; i < n->n_out && st == LINNET_OK; i++) {
            if (n->out[i] < 0 || out[i].kind != LINNET_TENSOR)
                continue;
            ln_info info;
            ln_info_of(&out[i], &info);
            g->values[n->out[i]].info = info;
            s->folded += ln_info_bytes(&info);
        }
        ln_exec_free(&x);
        if (st != LINNET_OK && s->error)
            *s->error = local;
    } else {
        ln_node_fail(g, node, s->error, LINNET_ERR_MEMORY, "out of memory");
    }
    ln_arena_free(&temporary);
    return st;
}

static bool all_constant(const ln_graph *g, const ln_node *n)
{
    for (int32_t i = 0; i < n->n_out; i++)
        if (n->out[i] >= 0 && !g->values[n->out[i]].info.data)
            return false;
    return n->n_out > 0;
}

static linnet_status sweep_graph(sweep *s)
{
    ln_graph *g = s->g;
    LN_FOR_NODES(g, id)
    {
        if (!g->nodes[id].op && s->allow_missing)
            continue;
        linnet_status st = infer_bodies(s, id);
        if (st == LINNET_OK)
            st = ln_infer_node(g, id, s->memory, s->error);
        if (st != LINNET_OK)
            return st;
        if (!s->fold)
            continue;
        if (s->keep_quantised && ln_node_is(&g->nodes[id], "DequantizeLinear")) {
            s->changes++; /* another round folds what is left of them */
            continue;
        }
        if (!all_constant(g, &g->nodes[id]) && can_fold(s, &g->nodes[id])) {
            st = fold(s, id);
            /* What fails on its data fails in the run, where it may never be reached (a branch of If). */
            if (st == LINNET_ERR_MEMORY)
                return st;
        }
        if (all_constant(g, &g->nodes[id])) {
            ln_graph_kill(g, id);
            s->changes++;
        }
    }
    return LINNET_OK;
}

linnet_status ln_infer_graph(ln_graph *g, ln_memory *memory, bool allow_missing, linnet_error *error)
{
    sweep s = {.g = g, .memory = memory, .error = error, .allow_missing = allow_missing};
    return sweep_graph(&s);
}

linnet_status ln_pass_fold(ln_graph *g, ln_pass_ctx *c)
{
    sweep s = {.g = g,
               .memory = c->memory,
               .error = c->error,
               .fold = true,
               .allow_missing = c->allow_missing,
               .keep_quantised = c->final && c->round == 0};
    linnet_status st = sweep_graph(&s);
    c->changes += s.changes;
    return st;
}
