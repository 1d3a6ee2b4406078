/* SPDX-License-Identifier: Apache-2.0
 *
 * Nodes that give back what they get: Identity, Dropout outside training, and Cast, Transpose, Reshape and its kin,
 * Pad, Concat, Slice, Expand, Resize-free data movement whose result has the type and shape of its input by doing
 * nothing.
 */
#include <string.h>

#include "engine/rewrite.h"

static bool one_of(const ln_node *n, const char *const *types)
{
    for (; *types; types++)
        if (ln_node_is(n, *types))
            return true;
    return false;
}

/* Keeps the order of elements: with the same shape it does nothing. */
static bool keeps_order(const ln_node *n)
{
    static const char *const types[] = {"Reshape", "Flatten", "Squeeze", "Unsqueeze", "Expand", NULL};
    return one_of(n, types);
}

static bool is_identity_perm(const ln_graph *g, const ln_node *n)
{
    const ln_attr *perm = ln_node_attr(n, "perm");
    const ln_info *in = ln_rw_info(g, n->in[0]);
    if (!perm)
        return in->rank >= 0 && in->rank <= 1;
    for (int64_t i = 0; i < perm->n; i++)
        if (perm->ints[i] != i)
            return false;
    return perm->kind == LN_ATTR_INTLIST && (in->rank < 0 || perm->n == in->rank);
}

static bool pads_nothing(const ln_graph *g, const ln_node *n)
{
    const ln_attr *pads = ln_node_attr(n, "pads");
    const ln_info *info = ln_rw_info(g, ln_rw_in(n, 1));
    const int64_t *p = pads ? pads->ints : info->type == LINNET_INT64 ? info->data : NULL;
    int64_t count = pads ? pads->n : ln_info_count(info);
    if (!p || (pads && pads->kind != LN_ATTR_INTLIST))
        return false;
    for (int64_t i = 0; i < count; i++)
        if (p[i] != 0)
            return false;
    return true;
}

/* A Slice with the whole of its input has the same shape, but so has one that reverses: all steps must be positive. */
static bool slices_all(const ln_graph *g, const ln_node *n)
{
    if (!ln_rw_same_shape(ln_rw_info(g, n->in[0]), ln_rw_info(g, n->out[0])))
        return false;
    if (ln_rw_in(n, 4) < 0)
        return true;
    const ln_info *steps = ln_rw_info(g, n->in[4]);
    int64_t count = ln_info_count(steps);
    if (!steps->data)
        return false;
    for (int64_t i = 0; i < count; i++)
        if ((steps->type == LINNET_INT64 ? ((const int64_t *)steps->data)[i] : ((const int32_t *)steps->data)[i]) < 0)
            return false;
    return true;
}

static bool is_inference_dropout(const ln_graph *g, const ln_node *n)
{
    if (!ln_node_is(n, "Dropout") || ln_rw_out(n, 1) >= 0)
        return false;
    if (n->version < 12 || ln_rw_in(n, 2) < 0)
        return true;
    const ln_info *training = ln_rw_info(g, n->in[2]);
    return training->data && ln_info_count(training) == 1 && !*(const uint8_t *)training->data;
}

static bool is_tensor(const ln_info *info)
{
    return info->kind == LINNET_TENSOR && info->type != LINNET_UNDEFINED;
}

static bool does_nothing(const ln_graph *g, const ln_node *n)
{
    const ln_info *in = ln_rw_info(g, n->in[0]), *out = ln_rw_info(g, n->out[0]);
    if (ln_node_is(n, "Identity"))
        return true;
    if (!is_tensor(in) || in->type != out->type)
        return false;
    if (is_inference_dropout(g, n))
        return true;
    if (ln_node_is(n, "Cast") || ln_node_is(n, "CastLike"))
        return true;
    if (ln_node_is(n, "Transpose"))
        return is_identity_perm(g, n);
    if (ln_node_is(n, "Concat"))
        return n->n_in == 1;
    if (ln_node_is(n, "Pad"))
        return pads_nothing(g, n) && ln_rw_same_shape(in, out);
    if (ln_node_is(n, "Slice"))
        return slices_all(g, n);
    return keeps_order(n) && ln_rw_same_shape(in, out);
}

linnet_status ln_pass_identity(ln_graph *g, ln_pass_ctx *c)
{
    LN_FOR_NODES(g, id)
    {
        const ln_node *n = &g->nodes[id];
        if (n->op && n->n_in > 0 && n->in[0] >= 0 && n->n_out > 0 && n->out[0] >= 0 && does_nothing(g, n))
            ln_rw_bypass(g, c, id, n->in[0]);
    }
    return LINNET_OK;
}
