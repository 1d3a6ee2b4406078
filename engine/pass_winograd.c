/* SPDX-License-Identifier: Apache-2.0
 *
 * Winograd: allows convolutions of stride 1 over windows of 3 x 3, or of 3 along one dimension, to be computed by a
 * method with fewer products, whose rounding errors are larger. Whether it pays is the operator's to say. Leaving this
 * pass out forbids it.
 */
#include "engine/rewrite.h"

/* The attribute is absent, or every element is want. */
static bool all_are(const ln_node *n, const char *name, int64_t want)
{
    const ln_attr *a = ln_node_attr(n, name);
    for (int64_t i = 0; a && a->kind == LN_ATTR_INTLIST && i < a->n; i++)
        if (a->ints[i] != want)
            return false;
    return true;
}

/* 3 x 3, not dilated, or 3 with ones around it. */
static bool fits(const ln_info *w, bool dilated)
{
    int32_t threes = 0;
    for (int32_t d = 2; d < w->rank; d++) {
        if (w->dims[d] != 1 && w->dims[d] != 3)
            return false;
        threes += w->dims[d] == 3;
    }
    return threes == 1 || (threes == 2 && w->rank == 4 && !dilated);
}

linnet_status ln_pass_winograd(ln_graph *g, ln_pass_ctx *c)
{
    LN_FOR_NODES(g, id)
    {
        const ln_node *n = &g->nodes[id];
        if (!ln_node_is(n, "Conv") || ln_node_attr(n, LN_NAME_WINOGRAD) ||
            (!ln_rw_has_floats(g, ln_rw_in(n, 1)) && !ln_node_attr(n, LN_NAME_HALF_WEIGHTS)))
            continue;
        const ln_info *w = ln_rw_info(g, n->in[1]);
        if (!fits(w, !all_are(n, "dilations", 1)) || !all_are(n, "strides", 1) || ln_node_attr_int(n, "group", 1) != 1)
            continue;
        ln_attr more[1] = {ln_rw_int(LN_NAME_WINOGRAD, 1)};
        int32_t old[1] = {id}, n_attrs;
        ln_attr *attrs = ln_rw_attrs(g, n, more, 1, &n_attrs);
        if (!attrs)
            return ln_rw_no_memory(c);
        linnet_status st =
            ln_rw_replace(g, c, old, 1, n->out[0], "", n->type, n->version, n->n_in, n->in, n_attrs, attrs);
        if (st != LINNET_OK)
            return st;
    }
    return LINNET_OK;
}
