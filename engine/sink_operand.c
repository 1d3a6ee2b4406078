/* SPDX-License-Identifier: Apache-2.0
 *
 * Sinking a transpose through what works element by element, by scalars, or per channel: operands that come through the
 * same Transpose lose it, constants and small gates get the opposite one, and what can run channels-last does.
 */
#include <string.h>

#include "engine/sink_rules.h"

/* Operand i of an element-wise node. */
static bool element_operand(ln_sinking *s, int32_t i)
{
    ln_graph *g = s->g;
    int32_t value = ln_sink_node(s)->in[i];
    if (value < 0)
        return true;
    if (ln_sink_same_perm(g, value, s->perm, s->rank)) {
        s->in[i] = g->nodes[g->values[value].producer].in[0];
        return true;
    }
    ln_info info = *ln_rw_info(g, value);
    if (info.kind != LINNET_TENSOR || !ln_info_known(&info) || info.rank > s->rank)
        return false;
    int64_t count = ln_info_count(&info);
    if (count == 1 && (info.rank == 0 || info.rank == 1))
        return true;
    if (info.data && !g->values[value].input) { /* as rank `rank`, transposed: folds */
        if (info.rank < s->rank) {
            int64_t dims[LN_MAX_RANK];
            for (int32_t d = 0; d < s->rank; d++)
                dims[d] = d < s->rank - info.rank ? 1 : info.dims[d - (s->rank - info.rank)];
            value = ln_graph_constant(g, "", (linnet_type)info.type, s->rank, dims, info.data);
            if (value < 0) {
                s->no_memory = true;
                return false;
            }
        }
        s->in[i] = ln_sink_untransposed(s, value);
        return s->in[i] >= 0;
    }
    /* A small tensor (a gate per channel) is worth transposing for the large one. */
    int64_t large = ln_info_count(ln_rw_info(g, ln_sink_node(s)->out[0]));
    if (!s->c->final || info.rank != s->rank || large < 0 || count > large / 4)
        return false;
    s->in[i] = ln_sink_untransposed(s, value);
    return s->in[i] >= 0;
}

static bool can_take(const ln_sinking *s, int32_t i)
{
    ln_graph *g = s->g;
    int32_t value = ln_sink_node(s)->in[i];
    if (value < 0 || ln_sink_same_perm(g, value, s->perm, s->rank))
        return true;
    const ln_info *info = ln_rw_info(g, value);
    if (info->kind != LINNET_TENSOR || !ln_info_known(info) || info->rank > s->rank)
        return false;
    int64_t count = ln_info_count(info), large = ln_info_count(ln_rw_info(g, ln_sink_node(s)->out[0]));
    if ((count == 1 && info->rank <= 1) || (info->data && !g->values[value].input))
        return true;
    return s->c->final && info->rank == s->rank && large >= 0 && count <= large / 4;
}

bool ln_sink_element(ln_sinking *s)
{
    if (ln_rw_info(s->g, ln_sink_node(s)->out[0])->rank != s->rank || ln_node_attr(ln_sink_node(s), "broadcast"))
        return false;
    for (int32_t i = 0; i < ln_sink_node(s)->n_in; i++)
        if (!can_take(s, i))
            return false;
    for (int32_t i = 0; i < ln_sink_node(s)->n_in; i++)
        if (!element_operand(s, i))
            return false;
    return true;
}

bool ln_sink_quant(ln_sinking *s, int64_t axis)
{
    const ln_node *n = ln_sink_node(s);
    const ln_info *scale = ln_rw_info(s->g, ln_rw_in(n, 1));
    if (!ln_info_known(scale) || scale->rank > 1 || ln_node_attr_int(n, "block_size", 0) || !ln_sink_first_only(s))
        return false;
    if (ln_info_count(scale) == 1 && scale->rank == 0)
        return true;
    return ln_sink_map_axis(s, ln_node_attr_int(n, "axis", axis));
}

bool ln_sink_scalars(ln_sinking *s)
{
    for (int32_t i = 1; i < ln_sink_node(s)->n_in; i++)
        if (ln_sink_node(s)->in[i] >= 0 && ln_info_count(ln_rw_info(s->g, ln_sink_node(s)->in[i])) != 1)
            return false;
    return ln_sink_first_only(s);
}

bool ln_sink_qbinary(ln_sinking *s)
{
    return ln_rw_info(s->g, ln_sink_node(s)->out[0])->rank == s->rank && can_take(s, 0) && can_take(s, 3) &&
           element_operand(s, 0) && element_operand(s, 3);
}

bool ln_sink_qconcat(ln_sinking *s)
{
    const ln_node *n = ln_sink_node(s);
    for (int32_t i = 2; i < n->n_in; i += 3) {
        if (!ln_sink_same_perm(s->g, n->in[i], s->perm, s->rank))
            return false;
        s->in[i] = s->g->nodes[s->g->values[n->in[i]].producer].in[0];
    }
    return ln_sink_map_axis(s, ln_node_attr_int(n, "axis", 1));
}

/* The transpose is the one from N, spatial..., C to N, C, spatial... */
static bool to_channels_first(const ln_sinking *s)
{
    if (s->rank < 3 || s->perm[0] != 0 || s->perm[1] != s->rank - 1)
        return false;
    for (int32_t i = 2; i < s->rank; i++)
        if (s->perm[i] != i - 1)
            return false;
    return true;
}

bool ln_sink_qpool(ln_sinking *s)
{
    if (!s->c->final || !to_channels_first(s) || ln_node_attr_int(ln_sink_node(s), "channels_last", 0) ||
        !ln_sink_first_only(s))
        return false;
    s->more[s->n_more++] = ln_rw_int("channels_last", 1);
    return true;
}

bool ln_sink_channels(ln_sinking *s)
{
    const ln_node *n = ln_sink_node(s);
    if (!s->c->final || s->rank < 3 || ln_node_attr(n, LN_NAME_CHANNELS_LAST) || n->n_out != 1)
        return false;
    const ln_info *x = ln_rw_info(s->g, n->in[0]);
    bool bytes = x->type == LINNET_UINT8 || x->type == LINNET_INT8;
    if (x->type != LINNET_FLOAT32 && !ln_node_is(n, "QLinearConv") &&
        (!bytes || !ln_node_is(n, "MaxPool") || ln_node_attr(n, "storage_order")))
        return false;
    if (ln_node_is(n, "BatchNormalization") &&
        (ln_node_attr_int(n, "training_mode", 0) || !ln_node_attr_int(n, "spatial", 1)))
        return false;
    if (!to_channels_first(s) || !ln_sink_first_only(s))
        return false;
    if (ln_node_attr_int(n, LN_NAME_RESIDUAL, 0)) {
        int32_t last = n->n_in - 1, value = n->in[last];
        s->in[last] = ln_sink_same_perm(s->g, value, s->perm, s->rank) ? s->g->nodes[s->g->values[value].producer].in[0]
                                                                       : ln_sink_untransposed(s, value);
        if (s->in[last] < 0)
            return false;
    }
    if (bytes && ln_node_is(n, "MaxPool")) {
        s->domain = "com.microsoft";
        s->type = "NhwcMaxPool";
        return true;
    }
    s->more[s->n_more++] = ln_rw_int(LN_NAME_CHANNELS_LAST, 1);
    return true;
}
