/* SPDX-License-Identifier: Apache-2.0
 *
 * Winograd: allows 3 x 3 convolutions of stride 1 to be computed by a method with fewer products, whose rounding errors
 * are larger. Whether it pays is the operator's to say. Leaving this pass out forbids it.
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

linnet_status ln_pass_winograd(ln_graph *g, ln_pass_ctx *c)
{
    LN_FOR_NODES(g, id)
    {
        const ln_node *n = &g->nodes[id];
        if (!ln_node_is(n, "Conv") || ln_node_attr(n, LN_NAME_WINOGRAD) || !ln_rw_has_floats(g, ln_rw_in(n, 1)))
            continue;
        const ln_info *w = ln_rw_info(g, n->in[1]);
        if (w->rank != 4 || w->dims[2] != 3 || w->dims[3] != 3 || !all_are(n, "strides", 1) ||
            !all_are(n, "dilations", 1) || ln_node_attr_int(n, "group", 1) != 1)
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
