/* SPDX-License-Identifier: Apache-2.0
 *
 * Which nodes a transpose may sink through, and what becomes of their attributes and other inputs. The permutation
 * is that of the Transpose above: axis a of what U sees is axis perm[a] of what U' sees.
 */
#include "engine/sink.h"

#include <string.h>

typedef enum rule {
    NONE,
    ELEMENT, /* element-wise in all inputs, with broadcasting */
    AXIS,    /* attribute axis */
    REDUCE,  /* axes by attribute or input 1, keepdims */
    PAD,
    SLICE,
    RESIZE,
    QUANT,   /* QuantizeLinear and its kin: inputs 1, 2 are scalars or run over `axis` */
    SCALARS, /* inputs 1.. are scalars (QLinear*) or absent */
    QBINARY, /* element-wise in inputs 0 and 3 */
    QCONCAT, /* inputs 2, 5, 8, ... */
    QPOOL,   /* attribute channels_last */
    CHANNELS /* becomes channels-last if that is what the transpose undoes */
} rule;

typedef struct entry {
    const char *type;
    rule rule;
    int64_t axis; /* default of the attribute */
} entry;

static const entry table[] = {
    {"Abs", ELEMENT, 0},
    {"Add", ELEMENT, 0},
    {"Sub", ELEMENT, 0},
    {"Mul", ELEMENT, 0},
    {"Div", ELEMENT, 0},
    {"Pow", ELEMENT, 0},
    {"Max", ELEMENT, 0},
    {"Min", ELEMENT, 0},
    {"Sum", ELEMENT, 0},
    {"Mean", ELEMENT, 0},
    {"Relu", ELEMENT, 0},
    {"LeakyRelu", ELEMENT, 0},
    {"PRelu", ELEMENT, 0},
    {"Sigmoid", ELEMENT, 0},
    {"Tanh", ELEMENT, 0},
    {"Elu", ELEMENT, 0},
    {"Selu", ELEMENT, 0},
    {"Celu", ELEMENT, 0},
    {"Gelu", ELEMENT, 0},
    {"HardSwish", ELEMENT, 0},
    {"HardSigmoid", ELEMENT, 0},
    {"Swish", ELEMENT, 0},
    {"Mish", ELEMENT, 0},
    {"Softplus", ELEMENT, 0},
    {"Softsign", ELEMENT, 0},
    {"Exp", ELEMENT, 0},
    {"Log", ELEMENT, 0},
    {"Sqrt", ELEMENT, 0},
    {"Neg", ELEMENT, 0},
    {"Erf", ELEMENT, 0},
    {"Floor", ELEMENT, 0},
    {"Ceil", ELEMENT, 0},
    {"Round", ELEMENT, 0},
    {"Reciprocal", ELEMENT, 0},
    {"Sin", ELEMENT, 0},
    {"Cos", ELEMENT, 0},
    {"Clip", ELEMENT, 0},
    {"Cast", ELEMENT, 0},
    {"Identity", ELEMENT, 0},
    {"Where", ELEMENT, 0},
    {"Concat", AXIS, 0},
    {"Softmax", AXIS, -1},
    {"LogSoftmax", AXIS, -1},
    {"ReduceMean", REDUCE, 0},
    {"ReduceSum", REDUCE, 0},
    {"ReduceMax", REDUCE, 0},
    {"ReduceMin", REDUCE, 0},
    {"ReduceL2", REDUCE, 0},
    {"ReduceSumSquare", REDUCE, 0},
    {"Pad", PAD, 0},
    {"Slice", SLICE, 0},
    {"Resize", RESIZE, 0},
    {"Upsample", RESIZE, 0},
    {"QuantizeLinear", QUANT, 1},
    {"DequantizeLinear", QUANT, 1},
    {"Split", AXIS, 0},
    {"MaxPool", CHANNELS, 0},
    {"AveragePool", CHANNELS, 0},
    {"LpPool", CHANNELS, 0},
    {"GlobalAveragePool", CHANNELS, 0},
    {"GlobalMaxPool", CHANNELS, 0},
    {"Conv", CHANNELS, 0},
    {"ConvTranspose", CHANNELS, 0},
    {"LRN", CHANNELS, 0},
    {"BatchNormalization", CHANNELS, 0},
    {"QLinearConv", CHANNELS, 0},
};

static const entry microsoft[] = {
    {"QLinearSigmoid", SCALARS, 0},
    {"QLinearLeakyRelu", SCALARS, 0},
    {"QLinearAdd", QBINARY, 0},
    {"QLinearMul", QBINARY, 0},
    {"QLinearConcat", QCONCAT, 0},
    {"QLinearAveragePool", QPOOL, 0},
    {"QLinearGlobalAveragePool", QPOOL, 0},
};

static const entry *find(const ln_node *n)
{
    bool ms = strcmp(n->domain, "com.microsoft") == 0;
    const entry *list = ms ? microsoft : table;
    size_t count = ms ? sizeof microsoft / sizeof *microsoft : sizeof table / sizeof *table;
    for (size_t i = 0; i < count && (ms || !n->domain[0]); i++)
        if (strcmp(n->type, list[i].type) == 0)
            return &list[i];
    return NULL;
}

/* What is being made: U' with these inputs and attributes. */
typedef struct sinking {
    ln_graph *g;
    ln_pass_ctx *c;
    int32_t node, rank;
    const int64_t *perm;
    int64_t inverse[LN_MAX_RANK];
    int32_t *in;
    ln_attr more[2];
    int32_t n_more;
    int32_t out_rank; /* reductions without keepdims have another */
    int64_t out_perm[LN_MAX_RANK];
    const char *domain, *type; /* of U' where it is another operator; NULL: as U */
    bool no_memory;
} sinking;

static const ln_node *node_of(const sinking *s)
{
    return &s->g->nodes[s->node];
}

static bool same_perm(const ln_graph *g, int32_t value, const int64_t *perm, int32_t rank)
{
    int64_t other[LN_MAX_RANK];
    int32_t r;
    const ln_node *t = ln_rw_producer(g, value, "Transpose");
    return ln_transpose_perm(g, t, other, &r) && r == rank && memcmp(other, perm, (size_t)r * sizeof *perm) == 0;
}

/* A value through Transpose(inverse), so that transposing it by perm gives it back. */
static int32_t untransposed(sinking *s, int32_t value)
{
    ln_graph *g = s->g;
    ln_info info = g->values[value].info;
    ln_attr *a = ln_perm_attr(g, s->inverse, s->rank);
    int32_t out = ln_graph_value(g, "");
    if (!a || out < 0 ||
        ln_graph_insert_at(g, s->node, "", LN_PASS_OPSET, "Transpose", "", 1, &value, 1, &out, 1, a) < 0) {
        s->no_memory = true;
        return LN_NO_VALUE;
    }
    for (int32_t i = 0; i < s->rank; i++)
        g->values[out].info.dims[i] = info.dims[s->inverse[i]];
    g->values[out].info.kind = LINNET_TENSOR;
    g->values[out].info.type = info.type;
    g->values[out].info.rank = s->rank;
    return out;
}

/* Operand i of an element-wise node. */
static bool element_operand(sinking *s, int32_t i)
{
    ln_graph *g = s->g;
    int32_t value = node_of(s)->in[i];
    if (value < 0)
        return true;
    if (same_perm(g, value, s->perm, s->rank)) {
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
        s->in[i] = untransposed(s, value);
        return s->in[i] >= 0;
    }
    /* A small tensor (a gate per channel) is worth transposing for the large one. */
    int64_t large = ln_info_count(ln_rw_info(g, node_of(s)->out[0]));
    if (!s->c->final || info.rank != s->rank || large < 0 || count > large / 4)
        return false;
    s->in[i] = untransposed(s, value);
    return s->in[i] >= 0;
}

static bool can_take(const sinking *s, int32_t i)
{
    ln_graph *g = s->g;
    int32_t value = node_of(s)->in[i];
    if (value < 0 || same_perm(g, value, s->perm, s->rank))
        return true;
    const ln_info *info = ln_rw_info(g, value);
    if (info->kind != LINNET_TENSOR || !ln_info_known(info) || info->rank > s->rank)
        return false;
    int64_t count = ln_info_count(info), large = ln_info_count(ln_rw_info(g, node_of(s)->out[0]));
    if ((count == 1 && info->rank <= 1) || (info->data && !g->values[value].input))
        return true;
    return s->c->final && info->rank == s->rank && large >= 0 && count <= large / 4;
}

static bool sink_element(sinking *s)
{
    if (ln_rw_info(s->g, node_of(s)->out[0])->rank != s->rank || ln_node_attr(node_of(s), "broadcast"))
        return false;
    for (int32_t i = 0; i < node_of(s)->n_in; i++)
        if (!can_take(s, i))
            return false;
    for (int32_t i = 0; i < node_of(s)->n_in; i++)
        if (!element_operand(s, i))
            return false;
    return true;
}

static bool first_only(sinking *s)
{
    if (!same_perm(s->g, node_of(s)->in[0], s->perm, s->rank))
        return false;
    s->in[0] = s->g->nodes[s->g->values[node_of(s)->in[0]].producer].in[0];
    return true;
}

static bool map_axis(sinking *s, int64_t axis)
{
    if (axis < 0)
        axis += s->rank;
    if (axis < 0 || axis >= s->rank)
        return false;
    s->more[s->n_more++] = ln_rw_int("axis", s->perm[axis]);
    return true;
}

static bool sink_axis(sinking *s, const entry *e)
{
    const ln_node *n = node_of(s);
    bool concat = ln_node_is(n, "Concat");
    if (!concat && !ln_node_is(n, "Split") && n->version < 13)
        return false; /* the old Softmax flattens */
    for (int32_t i = 0; i < (concat ? n->n_in : 1); i++) {
        if (!same_perm(s->g, n->in[i], s->perm, s->rank))
            return false;
        s->in[i] = s->g->nodes[s->g->values[n->in[i]].producer].in[0];
    }
    return map_axis(s, ln_node_attr_int(n, "axis", e->axis));
}

/* A 1-D int64 list of input i; false: not constant. */
static bool ints_of(const sinking *s, int32_t i, int64_t *values, int32_t max, int32_t *n)
{
    const ln_info *info = ln_rw_info(s->g, ln_rw_in(node_of(s), i));
    int64_t count = ln_info_count(info);
    if (!info->data || info->kind != LINNET_TENSOR || count < 0 || count > max ||
        (info->type != LINNET_INT64 && info->type != LINNET_INT32))
        return false;
    for (int64_t k = 0; k < count; k++)
        values[k] = info->type == LINNET_INT64 ? ((const int64_t *)info->data)[k] : ((const int32_t *)info->data)[k];
    *n = (int32_t)count;
    return true;
}

static bool new_ints(sinking *s, int32_t i, const int64_t *values, int32_t n)
{
    s->in[i] = ln_rw_new_ints(s->g, n, values);
    s->no_memory |= s->in[i] < 0;
    return s->in[i] >= 0;
}

static bool sink_reduce(sinking *s)
{
    const ln_node *n = node_of(s);
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
    if (count < 1 || !first_only(s))
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

static bool sink_pad(sinking *s)
{
    int64_t pads[2 * LN_MAX_RANK], mapped[2 * LN_MAX_RANK];
    int32_t count;
    const ln_attr *a = ln_node_attr(node_of(s), "pads"); /* before opset 11 */
    if (a) {
        if (a->kind != LN_ATTR_INTLIST || a->n != 2 * s->rank)
            return false;
        count = (int32_t)a->n;
        memcpy(pads, a->ints, (size_t)count * sizeof *pads);
    } else if (!ints_of(s, 1, pads, 2 * LN_MAX_RANK, &count)) {
        return false;
    }
    if (ln_rw_in(node_of(s), 3) >= 0 || count != 2 * s->rank || !first_only(s))
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

static bool sink_slice(sinking *s)
{
    const ln_node *n = node_of(s);
    int64_t axes[LN_MAX_RANK], starts[LN_MAX_RANK];
    int32_t count;
    if (n->version < 10 || !ints_of(s, 1, starts, LN_MAX_RANK, &count) || n->n_in < 4)
        return false;
    if (n->in[3] >= 0 && !ints_of(s, 3, axes, LN_MAX_RANK, &count))
        return false;
    if (!first_only(s))
        return false;
    for (int32_t i = 0; i < count; i++) {
        int64_t axis = n->in[3] < 0 ? i : axes[i] < 0 ? axes[i] + s->rank : axes[i];
        if (axis < 0 || axis >= s->rank)
            return false;
        axes[i] = s->perm[axis];
    }
    return new_ints(s, 3, axes, count);
}

static bool sink_resize(sinking *s)
{
    const ln_node *n = node_of(s);
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
    const ln_attr *mode = ln_node_attr(node_of(s), "coordinate_transformation_mode");
    if (mode && mode->s.size == 18) /* tf_crop_and_resize reads roi */
        return false;
    return first_only(s);
}

static bool sink_quant(sinking *s, const entry *e)
{
    const ln_node *n = node_of(s);
    const ln_info *scale = ln_rw_info(s->g, ln_rw_in(n, 1));
    if (!ln_info_known(scale) || scale->rank > 1 || ln_node_attr_int(n, "block_size", 0) || !first_only(s))
        return false;
    if (ln_info_count(scale) == 1 && scale->rank == 0)
        return true;
    return map_axis(s, ln_node_attr_int(n, "axis", e->axis));
}

static bool sink_scalars(sinking *s)
{
    for (int32_t i = 1; i < node_of(s)->n_in; i++)
        if (node_of(s)->in[i] >= 0 && ln_info_count(ln_rw_info(s->g, node_of(s)->in[i])) != 1)
            return false;
    return first_only(s);
}

static bool sink_qbinary(sinking *s)
{
    return ln_rw_info(s->g, node_of(s)->out[0])->rank == s->rank && can_take(s, 0) && can_take(s, 3) &&
           element_operand(s, 0) && element_operand(s, 3);
}

static bool sink_qconcat(sinking *s)
{
    const ln_node *n = node_of(s);
    for (int32_t i = 2; i < n->n_in; i += 3) {
        if (!same_perm(s->g, n->in[i], s->perm, s->rank))
            return false;
        s->in[i] = s->g->nodes[s->g->values[n->in[i]].producer].in[0];
    }
    return map_axis(s, ln_node_attr_int(n, "axis", 1));
}

/* The transpose is the one from N, spatial..., C to N, C, spatial... */
static bool to_channels_first(const sinking *s)
{
    if (s->rank < 3 || s->perm[0] != 0 || s->perm[1] != s->rank - 1)
        return false;
    for (int32_t i = 2; i < s->rank; i++)
        if (s->perm[i] != i - 1)
            return false;
    return true;
}

static bool sink_qpool(sinking *s)
{
    if (!s->c->final || !to_channels_first(s) || ln_node_attr_int(node_of(s), "channels_last", 0) || !first_only(s))
        return false;
    s->more[s->n_more++] = ln_rw_int("channels_last", 1);
    return true;
}

static bool sink_channels(sinking *s)
{
    const ln_node *n = node_of(s);
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
    if (!to_channels_first(s) || !first_only(s))
        return false;
    if (ln_node_attr_int(n, LN_NAME_RESIDUAL, 0)) {
        int32_t last = n->n_in - 1, value = n->in[last];
        s->in[last] = same_perm(s->g, value, s->perm, s->rank) ? s->g->nodes[s->g->values[value].producer].in[0]
                                                               : untransposed(s, value);
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

/* U' in the place of U, and a Transpose behind each of its outputs. */
static linnet_status rebuild(sinking *s)
{
    ln_graph *g = s->g;
    int32_t id = s->node, n_attrs, n_out = g->nodes[id].n_out;
    ln_attr *attrs = ln_rw_attrs(g, &g->nodes[id], s->more, s->n_more, &n_attrs);
    ln_attr *perm = ln_perm_attr(g, s->out_perm, s->out_rank);
    int32_t *outs = ln_arena_array(g->arena, 2 * n_out + 1, sizeof *outs), *made = outs + n_out;
    if (!attrs || !perm || !outs)
        return ln_rw_no_memory(s->c);
    memcpy(outs, g->nodes[id].out, (size_t)n_out * sizeof *outs);
    const char *type = g->nodes[id].type, *name = g->nodes[id].name, *domain = g->nodes[id].domain;
    int32_t version = g->nodes[id].version, n_in = g->nodes[id].n_in, before = g->nodes[id].next;
    for (int32_t i = 0; i < n_out; i++) {
        made[i] = outs[i] < 0 ? LN_NO_VALUE : ln_graph_value(g, "");
        if (outs[i] < 0)
            continue;
        if (made[i] < 0)
            return ln_rw_no_memory(s->c);
        ln_info info = g->values[outs[i]].info, *to = &g->values[made[i]].info;
        *to = info;
        for (int32_t d = 0; d < s->out_rank; d++)
            to->dims[s->out_perm[d]] = info.dims[d];
    }
    ln_graph_kill(g, id);
    if (s->type) {
        type = s->type;
        domain = s->domain;
        version = 1;
    }
    if (ln_graph_insert_at(g, before, domain, version, type, name, n_in, s->in, n_out, made, n_attrs, attrs) < 0)
        return ln_rw_no_memory(s->c);
    for (int32_t i = 0; i < n_out; i++)
        if (outs[i] >= 0 &&
            ln_graph_insert_at(g, before, "", LN_PASS_OPSET, "Transpose", "", 1, &made[i], 1, &outs[i], 1, perm) < 0)
            return ln_rw_no_memory(s->c);
    s->c->changes++;
    return LINNET_OK;
}

linnet_status ln_sink(ln_graph *g, ln_pass_ctx *c, int32_t node, const int64_t *perm, int32_t rank)
{
    const entry *e = find(&g->nodes[node]);
    if (!e || e->rule == NONE)
        return LINNET_OK;
    sinking s = {.g = g, .c = c, .node = node, .rank = rank, .perm = perm, .out_rank = rank};
    for (int32_t i = 0; i < rank; i++) {
        s.inverse[perm[i]] = i;
        s.out_perm[i] = perm[i];
    }
    s.in = ln_arena_dup(g->arena, g->nodes[node].in, (size_t)g->nodes[node].n_in * sizeof *s.in, 8);
    if (!s.in)
        return ln_rw_no_memory(c);
    bool can = false;
    switch (e->rule) {
    case ELEMENT:
        can = sink_element(&s);
        break;
    case AXIS:
        can = sink_axis(&s, e);
        break;
    case REDUCE:
        can = sink_reduce(&s);
        break;
    case PAD:
        can = sink_pad(&s);
        break;
    case SLICE:
        can = sink_slice(&s);
        break;
    case RESIZE:
        can = sink_resize(&s);
        break;
    case QUANT:
        can = sink_quant(&s, e);
        break;
    case SCALARS:
        can = sink_scalars(&s);
        break;
    case QBINARY:
        can = sink_qbinary(&s);
        break;
    case QCONCAT:
        can = sink_qconcat(&s);
        break;
    case QPOOL:
        can = sink_qpool(&s);
        break;
    case CHANNELS:
        can = sink_channels(&s);
        break;
    default:
        break;
    }
    if (s.no_memory)
        return ln_rw_no_memory(c);
    return can ? rebuild(&s) : LINNET_OK;
}
