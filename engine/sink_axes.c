/* SPDX-License-Identifier: Apache-2.0
 *
 * Sinking a transpose through what names axes, in an attribute or in a constant input: axis a of what U sees is axis
 * perm[a] of what U' sees.
 */
#include <string.h>

#include "engine/sink_rules.h"

bool ln_sink_axis(ln_sinking *s, int64_t axis)
{
    const ln_node *n = ln_sink_node(s);
    bool concat = ln_node_is(n, "Concat");
    if (!concat && !ln_node_is(n, "Split") && n->version < 13)
        return false; /* the old Softmax flattens */
    for (int32_t i = 0; i < (concat ? n->n_in : 1); i++) {
        if (!ln_sink_same_perm(s->g, n->in[i], s->perm, s->rank))
            return false;
        s->in[i] = s->g->nodes[s->g->values[n->in[i]].producer].in[0];
    }
    return ln_sink_map_axis(s, ln_node_attr_int(n, "axis", axis));
}

/* A 1-D int64 list of input i; false: not constant. */
static bool ints_of(const ln_sinking *s, int32_t i, int64_t *values, int32_t max, int32_t *n)
{
    const ln_info *info = ln_rw_info(s->g, ln_rw_in(ln_sink_node(s), i));
    int64_t count = ln_info_count(info);
    if (!info->data || info->kind != LINNET_TENSOR || count < 0 || count > max ||
        (info->type != LINNET_INT64 && info->type != LINNET_INT32))
        return false;
    for (int64_t k = 0; k < count; k++)
        values[k] = info->type == LINNET_INT64 ? ((const int64_t *)info->data)[k] : ((const int32_t *)info->data)[k];
    *n = (int32_t)count;
    return true;
}

static bool new_ints(ln_sinking *s, int32_t i, const int64_t *values, int32_t n)
{
    s->in[i] = ln_rw_new_ints(s->g, n, values);
    s->no_memory |= s->in[i] < 0;
    return s->in[i] >= 0;
}

bool ln_sink_reduce(ln_sinking *s)
{
    const ln_node *n = ln_sink_node(s);
    int64_t axes[LN_MAX_RANK];
    int32_t count;
    const ln_attr *a = ln_node_attr(n, "axes");
    bool attr = a != NULL;
    if (attr) {
        if (a->kind != LN_ATTR_INTLIST || a->n > LN_MAX_RANK)
            return false;
        count = (int32_t)a->n;
        memcpy(axes, a->ints, (size_t)count * sizeof *axes);
    } else if (!ints_of(s, 1, axes, LN_MAX_RANK, &count)) {
        return false;
    }
    if (count < 1 || !ln_sink_first_only(s))
        return false;
    bool gone[LN_MAX_RANK] = {false}; /* axes of U' that vanish */
    for (int32_t i = 0; i < count; i++) {
        axes[i] += axes[i] < 0 ? s->rank : 0;
        if (axes[i] < 0 || axes[i] >= s->rank)
            return false;
        axes[i] = s->perm[axes[i]];
        gone[axes[i]] = true;
    }
    if (!ln_node_attr_int(n, "keepdims", 1)) {
        int64_t position[LN_MAX_RANK], next = 0;
        for (int32_t i = 0; i < s->rank; i++)
            position[i] = gone[i] ? -1 : next++;
        s->out_rank = 0;
        for (int32_t i = 0; i < s->rank; i++)
            if (!gone[s->perm[i]])
                s->out_perm[s->out_rank++] = position[s->perm[i]];
        if (s->out_rank == 0)
            return false;
    }
    if (!attr)
        return new_ints(s, 1, axes, count);
    int64_t *copy = ln_arena_dup(s->g->arena, axes, (size_t)count * sizeof *axes, 8);
    s->no_memory |= !copy;
    s->more[s->n_more++] = (ln_attr){.name = "axes", .kind = LN_ATTR_INTLIST, .n = count, .ints = copy};
    return copy != NULL;
}

bool ln_sink_pad(ln_sinking *s)
{
    int64_t pads[2 * LN_MAX_RANK], mapped[2 * LN_MAX_RANK];
    int32_t count;
    const ln_attr *a = ln_node_attr(ln_sink_node(s), "pads"); /* before opset 11 */
    if (a) {
        if (a->kind != LN_ATTR_INTLIST || a->n != 2 * s->rank)
            return false;
        count = (int32_t)a->n;
        memcpy(pads, a->ints, (size_t)count * sizeof *pads);
    } else if (!ints_of(s, 1, pads, 2 * LN_MAX_RANK, &count)) {
        return false;
    }
    if (ln_rw_in(ln_sink_node(s), 3) >= 0 || count != 2 * s->rank || !ln_sink_first_only(s))
        return false;
    for (int32_t i = 0; i < s->rank; i++) {
        mapped[s->perm[i]] = pads[i];
        mapped[s->rank + s->perm[i]] = pads[s->rank + i];
    }
    if (!a)
        return new_ints(s, 1, mapped, count);
    int64_t *copy = ln_arena_dup(s->g->arena, mapped, (size_t)count * sizeof *mapped, 8);
    s->no_memory |= !copy;
    s->more[s->n_more++] = (ln_attr){.name = "pads", .kind = LN_ATTR_INTLIST, .n = count, .ints = copy};
    return copy != NULL;
}

bool ln_sink_slice(ln_sinking *s)
{
    const ln_node *n = ln_sink_node(s);
    int64_t axes[LN_MAX_RANK], starts[LN_MAX_RANK];
    int32_t count;
    if (n->version < 10 || !ints_of(s, 1, starts, LN_MAX_RANK, &count) || n->n_in < 4)
        return false;
    if (n->in[3] >= 0 && !ints_of(s, 3, axes, LN_MAX_RANK, &count))
        return false;
    if (!ln_sink_first_only(s))
        return false;
    for (int32_t i = 0; i < count; i++) {
        int64_t axis = n->in[3] < 0 ? i : axes[i] < 0 ? axes[i] + s->rank : axes[i];
        if (axis < 0 || axis >= s->rank)
            return false;
        axes[i] = s->perm[axis];
    }
    return new_ints(s, 3, axes, count);
}

bool ln_sink_resize(ln_sinking *s)
{
    const ln_node *n = ln_sink_node(s);
    if (ln_node_attr(n, "axes") || ln_node_attr(n, "scales") || n->version < 9)
        return false;
    bool upsample = n->n_in == 2;
    int32_t at = upsample ? 1 : 2;
    const ln_info *scales = ln_rw_info(s->g, ln_rw_in(n, at));
    if (scales->data && ln_info_count(scales) == s->rank && scales->type == LINNET_FLOAT32) {
        int64_t dims[1] = {s->rank};
        float *data, old[LN_MAX_RANK];
        memcpy(old, scales->data, (size_t)s->rank * sizeof *old);
        int32_t value = ln_rw_new_floats(s->g, 1, dims, &data);
        if (value < 0) {
            s->no_memory = true;
            return false;
        }
        for (int32_t i = 0; i < s->rank; i++)
            data[s->perm[i]] = old[i];
        s->in[at] = value;
    } else if (upsample || (scales->data && ln_info_count(scales) > 0) || (ln_rw_in(n, 2) >= 0 && !scales->data)) {
        return false;
    } else {
        int64_t sizes[LN_MAX_RANK], mapped[LN_MAX_RANK];
        int32_t count;
        if (!ints_of(s, 3, sizes, LN_MAX_RANK, &count) || count != s->rank)
            return false;
        for (int32_t i = 0; i < s->rank; i++)
            mapped[s->perm[i]] = sizes[i];
        if (!new_ints(s, 3, mapped, count))
            return false;
    }
    const ln_attr *mode = ln_node_attr(ln_sink_node(s), "coordinate_transformation_mode");
    if (mode && mode->s.size == 18) /* tf_crop_and_resize reads roi */
        return false;
    return ln_sink_first_only(s);
}
