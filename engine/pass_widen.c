/* SPDX-License-Identifier: Apache-2.0
 *
 * Convolutions of float16 and bfloat16 in float32, between casts: their sums are of float32 anyway, and only that type
 * has fast kernels. What a convolution makes is rounded as before. Casts of constants are folded.
 */
#include "engine/rewrite.h"

static bool wants_floats(const ln_graph *g, const ln_node *n)
{
    if (!ln_node_is(n, "Conv") && !ln_node_is(n, "ConvTranspose"))
        return false;
    linnet_type type = ln_rw_info(g, ln_rw_in(n, 0))->type;
    return type == LINNET_FLOAT16 || type == LINNET_BFLOAT16;
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
        const int32_t out = n.out[0], before = n.next, made = ln_graph_value(g, "");
        const ln_info info = g->values[out].info;
        int32_t *in = ln_arena_array(g->arena, n.n_in, sizeof *in);
        if (made < 0 || !in)
            return ln_rw_no_memory(c);
        for (int32_t i = 0; i < n.n_in; i++) {
            in[i] = n.in[i];
            if (n.in[i] == LN_NO_VALUE)
                continue;
            in[i] = ln_graph_value(g, "");
            if (!cast(g, id, n.in[i], in[i], LINNET_FLOAT32))
                return ln_rw_no_memory(c);
        }
        g->values[made].info = info;
        g->values[made].info.type = LINNET_FLOAT32;
        ln_graph_kill(g, id);
        if (ln_graph_insert_at(g, before, "", n.version, n.type, n.name, n.n_in, in, 1, &made, n.n_attrs, n.attrs) < 0)
            return ln_rw_no_memory(c);
        g->values[made].info = info;
        g->values[made].info.type = LINNET_FLOAT32;
        if (!cast(g, before, made, out, info.type))
            return ln_rw_no_memory(c);
        g->values[out].info = info;
        c->changes++;
    }
    return LINNET_OK;
}
