/* SPDX-License-Identifier: Apache-2.0
 *
 * Which nodes a transpose may sink through, by which rule, and putting U' in the place of U. The permutation is that of
 * the Transpose above: axis a of what U sees is axis perm[a] of what U' sees.
 */
#include "engine/sink.h"

#include <string.h>

#include "engine/sink_rules.h"

typedef enum rule {
    NONE,
    ELEMENT, /* element-wise in all inputs, with broadcasting */
    AXIS,    /* attribute axis */
    REDUCE,  /* axes by attribute or input 1, keepdims */
    PAD,
    SLICE,
    RESIZE,
    RESHAPE, /* axes split and merged */
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
    {"Reshape", RESHAPE, 0},
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

bool ln_sink_may(const ln_node *n)
{
    return find(n) != NULL;
}

bool ln_sink_same_perm(const ln_graph *g, int32_t value, const int64_t *perm, int32_t rank)
{
    int64_t other[LN_MAX_RANK];
    int32_t r;
    const ln_node *t = ln_rw_producer(g, value, "Transpose");
    return ln_transpose_perm(g, t, other, &r) && r == rank && memcmp(other, perm, (size_t)r * sizeof *perm) == 0;
}

int32_t ln_sink_transposed(ln_sinking *s, int32_t value, const int64_t *perm)
{
    ln_graph *g = s->g;
    ln_info info = g->values[value].info;
    ln_attr *a = ln_perm_attr(g, perm, s->rank);
    int32_t out = ln_graph_value(g, "");
    if (!a || out < 0 ||
        ln_graph_insert_at(g, s->node, "", LN_PASS_OPSET, "Transpose", "", 1, &value, 1, &out, 1, a) < 0) {
        s->no_memory = true;
        return LN_NO_VALUE;
    }
    for (int32_t i = 0; i < s->rank; i++)
        g->values[out].info.dims[i] = info.dims[perm[i]];
    g->values[out].info.kind = LINNET_TENSOR;
    g->values[out].info.type = info.type;
    g->values[out].info.rank = s->rank;
    return out;
}

int32_t ln_sink_untransposed(ln_sinking *s, int32_t value)
{
    return ln_sink_transposed(s, value, s->inverse);
}

bool ln_sink_first_only(ln_sinking *s)
{
    if (!ln_sink_same_perm(s->g, ln_sink_node(s)->in[0], s->perm, s->rank))
        return false;
    s->in[0] = s->g->nodes[s->g->values[ln_sink_node(s)->in[0]].producer].in[0];
    return true;
}

bool ln_sink_map_axis(ln_sinking *s, int64_t axis)
{
    if (axis < 0)
        axis += s->rank;
    if (axis < 0 || axis >= s->rank)
        return false;
    s->more[s->n_more++] = ln_rw_int("axis", s->perm[axis]);
    return true;
}

/* U' in the place of U, and a Transpose behind each of its outputs. */
static linnet_status rebuild(ln_sinking *s)
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
    ln_sinking s = {.g = g, .c = c, .node = node, .rank = rank, .perm = perm, .out_rank = rank};
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
        can = ln_sink_element(&s);
        break;
    case AXIS:
        can = ln_sink_axis(&s, e->axis);
        break;
    case REDUCE:
        can = ln_sink_reduce(&s);
        break;
    case PAD:
        can = ln_sink_pad(&s);
        break;
    case SLICE:
        can = ln_sink_slice(&s);
        break;
    case RESIZE:
        can = ln_sink_resize(&s);
        break;
    case RESHAPE:
        can = ln_sink_reshape(&s);
        break;
    case QUANT:
        can = ln_sink_quant(&s, e->axis);
        break;
    case SCALARS:
        can = ln_sink_scalars(&s);
        break;
    case QBINARY:
        can = ln_sink_qbinary(&s);
        break;
    case QCONCAT:
        can = ln_sink_qconcat(&s);
        break;
    case QPOOL:
        can = ln_sink_qpool(&s);
        break;
    case CHANNELS:
        can = ln_sink_channels(&s);
        break;
    default:
        break;
    }
    if (s.no_memory)
        return ln_rw_no_memory(c);
    return can ? rebuild(&s) : LINNET_OK;
}
