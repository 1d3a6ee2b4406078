/* SPDX-License-Identifier: Apache-2.0
 *
 * MatMul + Add of a constant row: Gemm where both operands are matrices; in a plan, MatMul with a bias (ops/fused.h)
 * for any rank.
 */
#include "engine/rewrite.h"

static bool is_row(const ln_info *b, int64_t n)
{
    if (b->type != LINNET_FLOAT32 || !ln_info_known(b) || b->rank < 1 || b->dims[b->rank - 1] != n)
        return false;
    for (int32_t i = 0; i + 1 < b->rank; i++)
        if (b->dims[i] != 1)
            return false;
    return true;
}

static linnet_status join(ln_graph *g, ln_pass_ctx *c, int32_t add, const ln_node *mul, int32_t bias)
{
    const ln_info *a = ln_rw_info(g, mul->in[0]), *b = ln_rw_info(g, mul->in[1]), *y = ln_rw_info(g, mul->out[0]);
    int32_t out = g->nodes[add].out[0], old[2] = {ln_rw_id(g, mul), add};
    if (a->type != LINNET_FLOAT32 || b->rank < 2 || y->rank < 2 || mul->n_in != 2 ||
        !is_row(ln_rw_info(g, bias), b->dims[b->rank - 1]) || ln_rw_info(g, bias)->rank > y->rank)
        return LINNET_OK;
    if (a->rank != 2 || b->rank != 2) {
        if (!c->final)
            return LINNET_OK;
        if (!ln_rw_floats(g, bias)) {
            ln_pass_refuse(c, g, add, "the bias is not constant");
            return LINNET_OK;
        }
    }
    if (ln_rw_info(g, bias)->rank > 1) { /* as a vector */
        const float *data = ln_rw_floats(g, bias);
        if (!data)
            return LINNET_OK;
        bias = ln_graph_constant(g, "", LINNET_FLOAT32, 1, &b->dims[b->rank - 1], data);
        if (bias < 0)
            return ln_rw_no_memory(c);
        mul = &g->nodes[old[0]];
    }
    bool matrices = ln_rw_info(g, mul->in[0])->rank == 2 && ln_rw_info(g, mul->in[1])->rank == 2;
    int32_t in[3] = {mul->in[0], mul->in[1], bias};
    return ln_rw_replace(g, c, old, 2, out, "", matrices ? "Gemm" : "MatMul", LN_PASS_OPSET, 3, in, 0, NULL);
}

linnet_status ln_pass_gemm(ln_graph *g, ln_pass_ctx *c)
{
    LN_FOR_NODES(g, id)
    {
        const ln_node *n = &g->nodes[id];
        if (!ln_node_is(n, "Add") || n->n_attrs)
            continue;
        for (int32_t i = 0; i < 2; i++) {
            const ln_node *mul = ln_rw_producer(g, n->in[i], "MatMul");
            if (!mul || mul->n_attrs || ln_graph_only_user(g, n->in[i]) != id)
                continue;
            linnet_status st = join(g, c, id, mul, n->in[1 - i]);
            if (st != LINNET_OK)
                return st;
            break;
        }
    }
    return LINNET_OK;
}
