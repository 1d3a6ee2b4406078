/* SPDX-License-Identifier: Apache-2.0
 *
 * Matching and rearranging of spectra; see spectral.h.
 */
#include "engine/spectral.h"

#include <string.h>

int32_t ln_spectral_squared(const ln_graph *g, int32_t value)
{
    const ln_node *mul = ln_rw_producer(g, value, "Mul"), *pow = ln_rw_producer(g, value, "Pow");
    if (mul && mul->in[0] == mul->in[1])
        return mul->in[0];
    if (!pow)
        return LN_NO_VALUE;
    const ln_info *e = ln_rw_info(g, pow->in[1]);
    if (!e->data || !ln_info_known(e) || ln_info_count(e) != 1)
        return LN_NO_VALUE;
    bool two = e->type == LINNET_FLOAT32   ? *(const float *)e->data == 2
               : e->type == LINNET_FLOAT64 ? *(const double *)e->data == 2
               : e->type == LINNET_INT64   ? *(const int64_t *)e->data == 2
                                           : e->type == LINNET_INT32 && *(const int32_t *)e->data == 2;
    return two ? pow->in[0] : LN_NO_VALUE;
}

/* The axes of an Unsqueeze as a mask over the output's. False: not known. */
static bool inserted(const ln_graph *g, const ln_node *n, int32_t rank, uint32_t *mask)
{
    const ln_attr *a = ln_node_attr(n, "axes");
    const ln_info *info = ln_rw_info(g, ln_rw_in(n, 1));
    const int64_t *axes = a ? a->ints : info->type == LINNET_INT64 ? info->data : NULL;
    int64_t count = a ? a->n : ln_info_known(info) ? ln_info_count(info) : 0;
    *mask = 0;
    for (int64_t i = 0; axes && i < count; i++) {
        int64_t axis = axes[i] < 0 ? axes[i] + rank : axes[i];
        if (axis < 0 || axis >= rank)
            return false;
        *mask |= 1u << axis;
    }
    return axes && count > 0;
}

int32_t ln_spectral_trace(const ln_graph *g, int32_t value, int32_t *from)
{
    int32_t rank = ln_rw_info(g, value)->rank;
    for (int32_t i = 0; i < LN_MAX_RANK; i++)
        from[i] = i;
    for (;;) {
        const ln_node *t = ln_rw_producer(g, value, "Transpose"), *u = ln_rw_producer(g, value, "Unsqueeze");
        int32_t now = ln_rw_info(g, value)->rank;
        uint32_t mask;
        if (t && t->n_in == 1 && now > 0) {
            const ln_attr *perm = ln_node_attr(t, "perm");
            for (int32_t i = 0; i < rank; i++)
                if (from[i] >= 0)
                    from[i] = perm ? (int32_t)perm->ints[from[i]] : now - 1 - from[i];
            value = t->in[0];
        } else if (u && now > 0 && inserted(g, u, now, &mask)) {
            for (int32_t i = 0; i < rank; i++)
                if (from[i] >= 0)
                    from[i] = mask >> from[i] & 1 ? -1 : from[i] - __builtin_popcount(mask & ((1u << from[i]) - 1));
            value = u->in[0];
        } else {
            return value;
        }
    }
}

const ln_node *ln_spectral_node(const ln_graph *g, int32_t value)
{
    int32_t id = value < 0 ? LN_NO_NODE : g->values[value].producer;
    const ln_node *n = id < 0 ? NULL : &g->nodes[id];
    return n && strcmp(n->domain, "ai.linnet") == 0 && strcmp(n->type, "Spectrogram") == 0 ? n : NULL;
}

ln_attr ln_spectral_ints(ln_graph *g, const char *name, int32_t n, const int64_t *ints)
{
    const int64_t *copy = ln_arena_dup(g->arena, ints, (size_t)n * sizeof *ints, _Alignof(int64_t));
    return (ln_attr){.name = copy ? name : NULL, .kind = LN_ATTR_INTLIST, .n = n, .ints = copy};
}

linnet_status ln_spectral_arrange(ln_graph *g, ln_pass_ctx *c, int32_t before, int32_t x, int32_t out,
                                  const int32_t *from)
{
    ln_info info = *ln_rw_info(g, x);
    int32_t rank = ln_rw_info(g, out)->rank, n_perm = 0, n_axes = 0;
    int64_t perm[LN_MAX_RANK], axes[LN_MAX_RANK];
    for (int32_t i = 0; i < rank; i++)
        if (from[i] < 0)
            axes[n_axes++] = i;
        else
            perm[n_perm++] = from[i];
    /* Transpose always and Unsqueeze after it where axes are new: what does nothing is removed as an identity. */
    int32_t y = out;
    if (n_axes) {
        y = ln_graph_value(g, "");
        if (y < 0)
            return ln_rw_no_memory(c);
        for (int32_t i = 0; i < n_perm; i++)
            g->values[y].info.dims[i] = info.dims[perm[i]];
        g->values[y].info.kind = LINNET_TENSOR, g->values[y].info.type = info.type, g->values[y].info.rank = n_perm;
    }
    ln_attr attr = ln_spectral_ints(g, "perm", n_perm, perm);
    if (!attr.name || ln_graph_insert_at(g, before, "", LN_PASS_OPSET, "Transpose", "", 1, &x, 1, &y, 1, &attr) < 0)
        return ln_rw_no_memory(c);
    if (!n_axes)
        return LINNET_OK;
    int32_t in[2] = {y, ln_rw_new_ints(g, n_axes, axes)};
    if (in[1] < 0 || ln_graph_insert_at(g, before, "", LN_PASS_OPSET, "Unsqueeze", "", 2, in, 1, &out, 0, NULL) < 0)
        return ln_rw_no_memory(c);
    return LINNET_OK;
}
