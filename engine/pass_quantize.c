/* SPDX-License-Identifier: Apache-2.0
 *
 * Integers from end to end: QuantizeLinear(op(DequantizeLinear(x), ...)) becomes the integer operator where there is
 * one, and what only moves, picks or blends elements (MaxPool, Reshape, Pad, Resize, ...) works on the integers as they
 * are when the scale stays the same. Any other function of one element becomes a table of its 256 results, which
 * folding computes by the very nodes that it replaces. An activation between is absorbed when saturation does the same.
 * Plans only.
 */
#include <math.h>
#include <string.h>

#include "engine/quantised.h"

#define MS "com.microsoft"

/* -- activations between
 * ------------------------------------------------------------------------------------------------ */

/* Below `low` or above `high` the quantised value saturates anyway, to within half a step. */
static bool saturates(const ln_graph *g, const ln_quantised *y, float low, float high)
{
    bool byte = ln_is_byte(y->type);
    int32_t least = y->type == LINNET_INT8 ? INT8_MIN : y->type == LINNET_INT16 ? INT16_MIN : 0;
    int32_t most = least + (byte ? UINT8_MAX : UINT16_MAX), zero = ln_quantised_zero(g, y);
    float s = ln_quantised_scale(g, y, 0);
    return (float)(least - zero) * s >= low - 0.5f * s && (float)(most - zero) * s <= high + 0.5f * s;
}

/* The node whose result is quantised, through a Relu or Clip that saturation makes superfluous; chain gets the nodes
 * from it to the last before QuantizeLinear. */
static const ln_node *source(const ln_graph *g, int32_t value, const ln_quantised *y, int32_t *chain, int32_t *n_chain)
{
    *n_chain = 0;
    for (;;) {
        if (value < 0 || g->values[value].producer < 0 || ln_graph_only_user(g, value) < 0)
            return NULL;
        const ln_node *n = &g->nodes[g->values[value].producer];
        float low = -INFINITY, high = INFINITY;
        if (ln_node_is(n, "Relu"))
            low = 0;
        else if (ln_node_is(n, "Clip") && n->version >= 11) {
            if ((ln_rw_in(n, 1) >= 0 && !ln_graph_scalar(g, n->in[1], &low)) ||
                (ln_rw_in(n, 2) >= 0 && !ln_graph_scalar(g, n->in[2], &high)))
                return NULL;
        } else {
            return n;
        }
        if (!saturates(g, y, low, high) || *n_chain == 2)
            return *n_chain ? NULL : n; /* a function of its own */
        chain[(*n_chain)++] = ln_rw_id(g, n);
        value = n->in[0];
    }
}

/* -- the operators
 * -------------------------------------------------------------------------------------------------------- */

typedef struct match {
    ln_graph *g;
    ln_pass_ctx *c;
    const ln_node *op;
    int32_t quantize; /* node */
    ln_quantised y;
} match;

static linnet_status replace(match *m, const char *domain, const char *type, int64_t opset, int32_t n_in,
                             const int32_t *in, const ln_attr *more, int32_t n_more)
{
    int32_t n_attrs, out = m->g->nodes[m->quantize].out[0];
    ln_attr *attrs = ln_rw_attrs(m->g, m->op, more, n_more, &n_attrs);
    if (!attrs)
        return ln_rw_no_memory(m->c);
    return ln_rw_replace(m->g, m->c, &m->quantize, 1, out, domain, type, opset, n_in, in, n_attrs, attrs);
}

static linnet_status conv(match *m)
{
    ln_quantised x, w;
    const ln_node *n = m->op;
    if (!ln_dequantised(m->g, n->in[0], false, &x) || !ln_dequantised(m->g, n->in[1], true, &w) ||
        !ln_rw_info(m->g, w.value)->data || w.axis > 0)
        return LINNET_OK;
    bool ok;
    int32_t b = ln_integer_bias(m->g, ln_rw_in(n, 2), &x, &w, ln_rw_info(m->g, w.value)->dims[0], &ok);
    if (!ok) {
        ln_pass_refuse(m->c, m->g, ln_rw_id(m->g, n), "the bias is not constant");
        return LINNET_OK;
    }
    int32_t in[9] = {x.value, x.scale, x.zero, w.value, w.scale, w.zero, m->y.scale, m->y.zero, b};
    return replace(m, "", "QLinearConv", 10, b < 0 ? 8 : 9, in, NULL, 0);
}

static linnet_status product(match *m)
{
    ln_quantised a, b;
    const ln_node *n = m->op;
    bool gemm = ln_node_is(n, "Gemm");
    if (!ln_dequantised(m->g, n->in[0], false, &a) || !ln_dequantised(m->g, n->in[1], true, &b))
        return LINNET_OK;
    int32_t rank = ln_rw_info(m->g, b.value)->rank;
    int64_t columns = gemm && ln_node_attr_int(n, "transB", 0) ? 0 : rank - 1;
    if (b.axis >= 0 && (b.axis != columns || rank != 2))
        return LINNET_OK;
    if (!gemm && n->n_in == 2) {
        int32_t in[8] = {a.value, a.scale, a.zero, b.value, b.scale, b.zero, m->y.scale, m->y.zero};
        return replace(m, "", "QLinearMatMul", 21, 8, in, NULL, 0);
    }
    const ln_attr *alpha = ln_node_attr(n, "alpha"), *beta = ln_node_attr(n, "beta");
    if (!gemm || rank != 2 || (alpha && alpha->f != 1) || (beta && beta->f != 1))
        return LINNET_OK;
    bool ok;
    int32_t c = ln_integer_bias(m->g, ln_rw_in(n, 2), &a, &b, ln_rw_info(m->g, b.value)->dims[columns], &ok);
    if (!ok)
        return LINNET_OK;
    int32_t in[9] = {a.value, a.scale, a.zero, b.value, b.scale, b.zero, c, m->y.scale, m->y.zero};
    ln_attr attrs[3] = {ln_rw_float("alpha", 1), ln_rw_int("transA", ln_node_attr_int(n, "transA", 0)),
                        ln_rw_int("transB", ln_node_attr_int(n, "transB", 0))};
    return ln_rw_replace(m->g, m->c, &m->quantize, 1, m->g->nodes[m->quantize].out[0], MS, "QGemm", 1, 9, in, 3, attrs);
}

static linnet_status binary(match *m, const char *type)
{
    ln_quantised a, b;
    if (m->op->n_attrs || !ln_dequantised(m->g, m->op->in[0], false, &a) ||
        !ln_dequantised(m->g, m->op->in[1], false, &b) || a.type != b.type || a.type != m->y.type)
        return LINNET_OK;
    int32_t in[8] = {a.value, a.scale, a.zero, b.value, b.scale, b.zero, m->y.scale, m->y.zero};
    return replace(m, MS, type, 1, 8, in, NULL, 0);
}

static linnet_status unary(match *m, const char *type, const ln_attr *more, int32_t n_more)
{
    ln_quantised x;
    if (!ln_dequantised(m->g, m->op->in[0], false, &x) || x.type != m->y.type)
        return LINNET_OK;
    int32_t in[5] = {x.value, x.scale, x.zero, m->y.scale, m->y.zero};
    return replace(m, MS, type, 1, 5, in, more, n_more);
}

static linnet_status average_pool(match *m)
{
    if (ln_node_attr(m->op, "dilations"))
        return LINNET_OK;
    return unary(m, ln_node_is(m->op, "AveragePool") ? "QLinearAveragePool" : "QLinearGlobalAveragePool", NULL, 0);
}

static linnet_status softmax(match *m)
{
    ln_attr more[2] = {ln_rw_int("opset", m->op->version),
                       ln_rw_int("axis", ln_node_attr_int(m->op, "axis", m->op->version < 13 ? 1 : -1))};
    return unary(m, "QLinearSoftmax", more, 2);
}

static linnet_status concat(match *m)
{
    enum { MOST = 32 };
    int32_t in[2 + 3 * MOST], count = m->op->n_in;
    if (count > MOST)
        return LINNET_OK;
    in[0] = m->y.scale;
    in[1] = m->y.zero;
    for (int32_t i = 0; i < count; i++) {
        ln_quantised x;
        if (!ln_dequantised(m->g, m->op->in[i], false, &x) || x.type != m->y.type)
            return LINNET_OK;
        in[2 + 3 * i] = x.value;
        in[3 + 3 * i] = x.scale;
        in[4 + 3 * i] = x.zero;
    }
    return replace(m, MS, "QLinearConcat", 1, 2 + 3 * count, in, NULL, 0);
}

/* Moves or picks elements: the same on integers of the same scale. */
static linnet_status mover(match *m)
{
    ln_quantised x;
    const ln_node *n = m->op;
    if (!ln_dequantised_integer(m->g, n->in[0], false, &x) || !ln_same_scale(m->g, &x, &m->y) || n->n_out != 1 ||
        n->n_in > 8)
        return LINNET_OK;
    int32_t in[8];
    memcpy(in, n->in, (size_t)n->n_in * sizeof *in);
    in[0] = x.value;
    return replace(m, "", n->type, n->version, n->n_in, in, NULL, 0);
}

/* A constant of no dimensions: element 0 of another. */
static int32_t scalar(ln_graph *g, int32_t value)
{
    const ln_info *info = ln_rw_info(g, value);
    return ln_graph_constant(g, "", (linnet_type)info->type, 0, NULL, info->data);
}

/* Zeros beside a Pad are the zero point here; a value is quantised as the node behind would do it. */
static linnet_status pad(match *m)
{
    ln_quantised x;
    const ln_node *n = m->op;
    const ln_attr *mode = ln_node_attr(n, "mode");
    float value = 0;
    if (n->version < 11 || !ln_dequantised(m->g, n->in[0], false, &x) || !ln_same_scale(m->g, &x, &m->y) ||
        (ln_rw_in(n, 2) >= 0 && !ln_graph_scalar(m->g, n->in[2], &value)))
        return LINNET_OK;
    int32_t in[4] = {x.value, ln_rw_in(n, 1), LN_NO_VALUE, ln_rw_in(n, 3)};
    if (!mode || (mode->s.size == 8 && !memcmp(mode->s.data, "constant", 8))) {
        int32_t least = x.type == LINNET_UINT8 ? 0 : -128;
        double q = nearbyint((double)(value / ln_quantised_scale(m->g, &x, 0))) + ln_quantised_zero(m->g, &x);
        uint8_t *byte = ln_arena_zalloc(m->g->arena, 1, 64);
        if (!byte)
            return ln_rw_no_memory(m->c);
        *byte = (uint8_t)(int32_t)(q > least ? q < least + 255 ? q : least + 255 : least);
        if ((in[2] = ln_graph_constant(m->g, "", x.type, 0, NULL, byte)) < 0)
            return ln_rw_no_memory(m->c);
    }
    return replace(m, "", "Pad", n->version, n->n_in > 3 ? 4 : 3, in, NULL, 0);
}

/* Blends of elements, whose weights add up to one. */
static linnet_status resize(match *m)
{
    const ln_attr *mode = ln_node_attr(m->op, "coordinate_transformation_mode");
    if (m->op->version < 11 || (mode && mode->s.size == 18 && !memcmp(mode->s.data, "tf_crop_and_resize", 18)))
        return LINNET_OK;
    return mover(m);
}

/* A node of the operator's kind, and quantisation around it, for every byte. */
static linnet_status byte_map(match *m)
{
    enum { BYTES = 256, MOST = 4 };
    static const int64_t dims[1] = {BYTES};
    ln_quantised x;
    ln_graph *g = m->g;
    const ln_node n = *m->op;
    if (n.n_in > MOST || n.n_out != 1 || !ln_dequantised(g, n.in[0], false, &x))
        return LINNET_OK;
    for (int32_t i = 1; i < n.n_in; i++) {
        const ln_info *other = ln_rw_info(g, n.in[i]);
        if (n.in[i] >= 0 && (!other->data || ln_info_count(other) != 1))
            return LINNET_OK;
    }
    uint8_t *bytes = ln_arena_alloc(g->arena, BYTES, 64);
    if (!bytes)
        return ln_rw_no_memory(m->c);
    for (int32_t i = 0; i < BYTES; i++)
        bytes[i] = (uint8_t)i;
    int32_t made[3], in[MOST];
    int32_t dq[3] = {ln_graph_constant(g, "", x.type, 1, dims, bytes), scalar(g, x.scale), scalar(g, x.zero)};
    int32_t q[3] = {LN_NO_VALUE, scalar(g, m->y.scale), scalar(g, m->y.zero)};
    for (int32_t i = 0; i < 3; i++)
        if (dq[i] < 0 || (i && q[i] < 0) || (made[i] = ln_graph_value(g, "")) < 0)
            return ln_rw_no_memory(m->c);
    memcpy(in, n.in, (size_t)n.n_in * sizeof *in);
    in[0] = made[0];
    q[0] = made[1];
    if (ln_graph_insert_at(g, m->quantize, "", LN_PASS_OPSET, "DequantizeLinear", "", 3, dq, 1, &made[0], 0, NULL) <
            0 ||
        ln_graph_insert_at(g, m->quantize, "", n.version, n.type, "", n.n_in, in, 1, &made[1], n.n_attrs, n.attrs) <
            0 ||
        ln_graph_insert_at(g, m->quantize, "", LN_PASS_OPSET, "QuantizeLinear", "", 3, q, 1, &made[2], 0, NULL) < 0)
        return ln_rw_no_memory(m->c);
    int32_t both[2] = {x.value, made[2]};
    return ln_rw_replace(g, m->c, &m->quantize, 1, g->nodes[m->quantize].out[0], "ai.linnet", "ByteMap", 1, 2, both, 0,
                         NULL);
}

/* QuantizeLinear(DequantizeLinear(x)) of the same scale. */
static bool pair(ln_graph *g, ln_pass_ctx *c, int32_t id, const ln_quantised *y)
{
    ln_quantised x;
    return ln_dequantised_integer(g, g->nodes[id].in[0], false, &x) && ln_same_scale(g, &x, y) &&
           ln_rw_bypass(g, c, id, x.value);
}

static bool one_of(const ln_node *n, const char *const *types)
{
    for (; *types; types++)
        if (ln_node_is(n, *types))
            return true;
    return false;
}

static linnet_status rewrite(match *m)
{
    static const char *const movers[] = {"Reshape", "Flatten", "Transpose", "Squeeze",      "Unsqueeze",    "Slice",
                                         "Gather",  "Expand",  "Tile",      "DepthToSpace", "SpaceToDepth", NULL};
    static const char *const maps[] = {"Tanh", "HardSigmoid", "HardSwish", "Elu",      "Gelu",
                                       "Selu", "Celu",        "Softplus",  "Softsign", "Mish",
                                       "Erf",  "Exp",         "Log",       "Sqrt",     "Abs",
                                       "Neg",  "Relu",        "Clip",      "Round",    "Floor",
                                       "Ceil", "Reciprocal",  "Sin",       "Cos",      "ThresholdedRelu",
                                       NULL};
    const ln_node *n = m->op;
    if (one_of(n, movers))
        return mover(m);
    if (!ln_is_byte(m->y.type))
        return LINNET_OK;
    if (ln_node_is(n, "Conv"))
        return conv(m);
    if (ln_node_is(n, "MatMul") || ln_node_is(n, "Gemm"))
        return product(m);
    if (ln_node_is(n, "Add"))
        return binary(m, "QLinearAdd");
    if (ln_node_is(n, "Mul"))
        return binary(m, "QLinearMul");
    if (ln_node_is(n, "AveragePool") || ln_node_is(n, "GlobalAveragePool"))
        return average_pool(m);
    if (ln_node_is(n, "Sigmoid"))
        return unary(m, "QLinearSigmoid", NULL, 0);
    if (ln_node_is(n, "LeakyRelu"))
        return unary(m, "QLinearLeakyRelu", NULL, 0);
    if (ln_node_is(n, "Softmax"))
        return softmax(m);
    if (ln_node_is(n, "Concat"))
        return concat(m);
    if (ln_node_is(n, "Pad"))
        return pad(m);
    if (ln_node_is(n, "Resize"))
        return resize(m);
    if (ln_node_is(n, "MaxPool"))
        return mover(m);
    return one_of(n, maps) ? byte_map(m) : LINNET_OK;
}

linnet_status ln_pass_quantize(ln_graph *g, ln_pass_ctx *c)
{
    LN_FOR_NODES(g, id)
    {
        ln_quantised y;
        int32_t chain[2], n_chain;
        if (ln_node_is(&g->nodes[id], "LSTM")) {
            linnet_status st = ln_quantised_lstm(g, c, id);
            if (st != LINNET_OK)
                return st;
            continue;
        }
        if (!ln_quantises(g, &g->nodes[id], &y) || pair(g, c, id, &y))
            continue;
        const ln_node *n = source(g, g->nodes[id].in[0], &y, chain, &n_chain);
        if (!n || n->domain[0] || !n->op)
            continue;
        match m = {.g = g, .c = c, .op = n, .quantize = id, .y = y};
        linnet_status st = rewrite(&m);
        if (st != LINNET_OK)
            return st;
    }
    return ln_pass_dead(g, c); /* or the next round would make floats of weights whose float operators are gone */
}
