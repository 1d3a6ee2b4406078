/* SPDX-License-Identifier: Apache-2.0
 *
 * Operators of float16 and bfloat16 in float32, between casts, where only that type has fast kernels: they compute in
 * float32 anyway, or only compare. What they make is rounded as before. Casts of constants are folded, but constant
 * weights of a convolution stay as they are: the operator widens what it reads, and keeps the rest in half the room.
 *
 * An activation that rounds nothing itself goes in front of the cast that rounds what it reads, to be fused there.
 */
#include <string.h>

#include "engine/rewrite.h"

static bool is_half(const ln_graph *g, int32_t value)
{
    linnet_type type = ln_rw_info(g, value)->type;
    return type == LINNET_FLOAT16 || type == LINNET_BFLOAT16;
}

/* Along the last axis, and over rows before version 13, the operator converts rows by itself. */
static bool along_columns(const ln_graph *g, const ln_node *n)
{
    int64_t axis = ln_node_attr_int(n, "axis", -1);
    return n->version >= 13 && axis != -1 && axis != ln_rw_info(g, n->in[0])->rank - 1;
}

/* Rounding what it makes is as good as rounding what it reads: it gives back elements, or bounds of 16 bits. */
static bool may_round_after(const ln_node *n)
{
    bool maximum = ln_node_is(n, "GlobalMaxPool") || (ln_node_is(n, "MaxPool") && n->n_out == 1);
    bool clip = ln_node_is(n, "Clip") && n->version >= 11 && n->n_in == 3 && n->in[1] >= 0 && n->in[2] >= 0;
    return maximum || clip || ln_node_is(n, "Relu");
}

/* The float32 that a Cast rounds for this node alone, which may round later; else LN_NO_VALUE. */
static int32_t unrounded(const ln_graph *g, const ln_node *n)
{
    const ln_node *cast = ln_rw_producer(g, ln_rw_in(n, 0), "Cast");
    bool other = !cast || ln_rw_info(g, cast->in[0])->type != LINNET_FLOAT32;
    return other || !may_round_after(n) || ln_graph_only_user(g, n->in[0]) < 0 ? LN_NO_VALUE : cast->in[0];
}

/* Constant weights that the operator reads in 16 bits: not of few channels, which are few. */
static bool keeps_weights(const ln_graph *g, const ln_node *n)
{
    const ln_info *w = ln_rw_info(g, ln_rw_in(n, 1));
    int32_t bias = ln_rw_in(n, 2);
    return ln_node_is(n, "Conv") && w->data && w->rank >= 3 && w->dims[1] > 1 && !g->values[n->in[1]].input &&
           (bias < 0 || (ln_rw_info(g, bias)->data && !g->values[bias].input));
}

static bool wants_floats(const ln_graph *g, const ln_node *n)
{
    static const char *const always[] = {"Conv",
                                         "ConvTranspose",
                                         "BatchNormalization",
                                         "MaxPool",
                                         "AveragePool",
                                         "GlobalAveragePool",
                                         "GlobalMaxPool",
                                         "LRN",
                                         "ArgMax",
                                         "ArgMin",
                                         "TopK",
                                         "GridSample",
                                         "DFT",
                                         NULL};
    static const char *const columns[] = {"Softmax", "LogSoftmax", "Hardmax", NULL};
    if (!is_half(g, ln_rw_in(n, 0)))
        return false;
    if (unrounded(g, n) >= 0)
        return true;
    for (int32_t i = 0; always[i]; i++)
        if (ln_node_is(n, always[i]))
            return true;
    for (int32_t i = 0; columns[i]; i++)
        if (ln_node_is(n, columns[i]))
            return along_columns(g, n);
    return false;
}

/* A Cast of `from` to `to`, which has the type, before a node (LN_NO_NODE: at the end). */
static bool cast(ln_graph *g, int32_t before, int32_t from, int32_t to, linnet_type type)
{
    ln_attr *a = ln_arena_array(g->arena, 1, sizeof *a);
    if (!a || to < 0)
        return false;
    *a = ln_rw_int("to", type);
    ln_info info = g->values[from].info;
    if (ln_graph_insert_at(g, before, "", LN_PASS_OPSET, "Cast", "", 1, &from, 1, &to, 1, a) < 0)
        return false;
    info.type = (uint8_t)type;
    info.data = NULL;
    g->values[to].info = info;
    return true;
}

linnet_status ln_pass_widen(ln_graph *g, ln_pass_ctx *c)
{
    LN_FOR_NODES(g, id)
    {
        const ln_node n = g->nodes[id];
        if (!wants_floats(g, &n))
            continue;
        const int32_t before = n.next;
        int32_t *in = ln_arena_array(g->arena, n.n_in + n.n_out, sizeof *in);
        if (!in)
            return ln_rw_no_memory(c);
        int32_t *out = in + n.n_in;
        const bool keep = keeps_weights(g, &n);
        for (int32_t i = 0; i < n.n_in; i++) {
            in[i] = i == 0 && unrounded(g, &n) >= 0 ? unrounded(g, &n) : n.in[i];
            if (in[i] == LN_NO_VALUE || !is_half(g, in[i]) || (i == 1 && keep))
                continue;
            in[i] = ln_graph_value(g, "");
            if (!cast(g, id, n.in[i], in[i], LINNET_FLOAT32))
                return ln_rw_no_memory(c);
        }
        for (int32_t i = 0; i < n.n_out; i++) {
            out[i] = n.out[i];
            if (n.out[i] == LN_NO_VALUE || !is_half(g, n.out[i]))
                continue;
            out[i] = ln_graph_value(g, "");
            if (out[i] < 0)
                return ln_rw_no_memory(c);
            g->values[out[i]].info = g->values[n.out[i]].info;
            g->values[out[i]].info.type = LINNET_FLOAT32;
        }
        ln_attr more = ln_rw_int(LN_NAME_HALF_WEIGHTS, 1);
        int32_t n_attrs;
        ln_attr *attrs = ln_rw_attrs(g, &n, &more, keep, &n_attrs);
        if (!attrs)
            return ln_rw_no_memory(c);
        ln_graph_kill(g, id);
        if (ln_graph_insert_at(g, before, "", n.version, n.type, n.name, n.n_in, in, n.n_out, out, n_attrs, attrs) < 0)
            return ln_rw_no_memory(c);
        for (int32_t i = 0; i < n.n_out; i++)
            if (out[i] != n.out[i] && !cast(g, before, out[i], n.out[i], (linnet_type)g->values[n.out[i]].info.type))
                return ln_rw_no_memory(c);
        c->changes++;
    }
    return LINNET_OK;
}
