/* SPDX-License-Identifier: Apache-2.0
 *
 * Transposes wander towards the outputs of the graph until they meet and cancel:
 *   Transpose(Transpose(x)) is one; what moves only axes of size 1 is a Reshape;
 *   U(Transpose(x)) is Transpose(U'(x)) where sink.c knows U' (element-wise nodes, Concat, reductions, ...).
 * The layout pass puts transposes around convolutions and leaves the rest to this one.
 */
#include <string.h>

#include "engine/sink.h"

bool ln_transpose_perm(const ln_graph *g, const ln_node *n, int64_t *perm, int32_t *rank)
{
    if (!n || !ln_node_is(n, "Transpose"))
        return false;
    const ln_attr *a = ln_node_attr(n, "perm");
    const ln_info *x = ln_rw_info(g, n->in[0]);
    if (x->kind != LINNET_TENSOR || x->rank < 1 || (a && (a->kind != LN_ATTR_INTLIST || a->n != x->rank)))
        return false;
    *rank = x->rank;
    for (int32_t i = 0; i < *rank; i++)
        perm[i] = a ? a->ints[i] : *rank - 1 - i;
    return true;
}

ln_attr *ln_perm_attr(ln_graph *g, const int64_t *perm, int32_t rank)
{
    ln_attr *a = ln_arena_array(g->arena, 1, sizeof *a);
    int64_t *copy = ln_arena_dup(g->arena, perm, (size_t)rank * sizeof *perm, 8);
    if (!a || !copy)
        return NULL;
    *a = (ln_attr){.name = "perm", .kind = LN_ATTR_INTLIST, .n = rank, .ints = copy};
    return a;
}

static bool is_transpose(const ln_graph *g, int32_t value)
{
    return ln_rw_producer(g, value, "Transpose") != NULL;
}

static linnet_status merge(ln_graph *g, ln_pass_ctx *c, int32_t id, const int64_t *outer, int32_t rank, bool *done)
{
    const ln_node *n = &g->nodes[id], *first = ln_rw_producer(g, n->in[0], "Transpose");
    int64_t inner[LN_MAX_RANK], perm[LN_MAX_RANK];
    int32_t inner_rank;
    if (!ln_transpose_perm(g, first, inner, &inner_rank) || inner_rank != rank)
        return LINNET_OK;
    for (int32_t i = 0; i < rank; i++)
        perm[i] = inner[outer[i]];
    ln_attr *a = ln_perm_attr(g, perm, rank);
    if (!a)
        return ln_rw_no_memory(c);
    int32_t old[2] = {ln_rw_id(g, first), id}, in[1] = {first->in[0]};
    *done = true;
    return ln_rw_replace(g, c, old, 2, n->out[0], "", "Transpose", LN_PASS_OPSET, 1, in, 1, a);
}

/* Axes of more than one element keep their order. */
static bool moves_nothing(const ln_info *x, const int64_t *perm, int32_t rank)
{
    int64_t last = -1;
    for (int32_t i = 0; i < rank; i++) {
        if (x->dims[perm[i]] == 1)
            continue;
        if (perm[i] < last)
            return false;
        last = perm[i];
    }
    return true;
}

static linnet_status as_reshape(ln_graph *g, ln_pass_ctx *c, int32_t id)
{
    const ln_node *n = &g->nodes[id];
    ln_info y = *ln_rw_info(g, n->out[0]);
    int32_t shape = ln_rw_new_ints(g, y.rank, y.dims);
    if (shape < 0)
        return ln_rw_no_memory(c);
    int32_t in[2] = {g->nodes[id].in[0], shape};
    ln_attr zero[1] = {ln_rw_int("allowzero", 1)};
    return ln_rw_replace(g, c, &id, 1, g->nodes[id].out[0], "", "Reshape", LN_PASS_OPSET, 2, in, 1, zero);
}

/* The Transpose among the inputs that a node may be sunk through, as its index; -1: none. */
static int32_t transposed_input(const ln_graph *g, const ln_pass_ctx *c, int32_t id)
{
    const ln_node *n = &g->nodes[id];
    if (!n->op || n->n_in == 0 || ln_node_is(n, "Transpose"))
        return -1;
    for (int32_t i = 0; i < n->n_in; i++)
        if (n->in[i] >= 0 && is_transpose(g, n->in[i]) && (c->final || ln_graph_only_user(g, n->in[i]) == id))
            return i;
    return -1;
}

linnet_status ln_pass_transpose(ln_graph *g, ln_pass_ctx *c)
{
    LN_FOR_NODES(g, id)
    {
        int64_t perm[LN_MAX_RANK];
        int32_t rank, at;
        bool done = false;
        linnet_status st = LINNET_OK;
        if (ln_transpose_perm(g, &g->nodes[id], perm, &rank)) {
            st = merge(g, c, id, perm, rank, &done);
            const ln_node *n = &g->nodes[id];
            if (st == LINNET_OK && !done && c->final && ln_info_known(ln_rw_info(g, n->out[0])) &&
                ln_info_known(ln_rw_info(g, n->in[0])) && moves_nothing(ln_rw_info(g, n->in[0]), perm, rank))
                st = as_reshape(g, c, id);
        } else if ((at = transposed_input(g, c, id)) >= 0) {
            const ln_node *t = ln_rw_producer(g, g->nodes[id].in[at], "Transpose");
            if (ln_transpose_perm(g, t, perm, &rank))
                st = ln_sink(g, c, id, perm, rank);
        }
        if (st != LINNET_OK)
            return st;
    }
    return LINNET_OK;
}
