/* SPDX-License-Identifier: Apache-2.0
 *
 * Which layers can run in stripes: from the first convolution or pooling on all those that take nothing but what others
 * of them make. They may branch, and meet again where two images are added.
 */
#include "engine/stripes.h"

#include <string.h>

static bool known(const ln_graph *g, int32_t value)
{
    const ln_info *info = ln_rw_info(g, value);
    return info->kind == LINNET_TENSOR && ln_info_known(info) && info->rank == 4 && info->dims[0] == 1 && !info->data;
}

static bool one_of(const ln_node *n, const char *const *names)
{
    for (; *names; names++)
        if (!strcmp(n->type, *names))
            return true;
    return false;
}

/* Element for element, with constants beside the image that have one element. */
static bool is_map(const ln_graph *g, const ln_node *n)
{
    static const char *const names[] = {"Relu", "Clip",           "LeakyRelu",        "Sigmoid",
                                        "Tanh", "HardSigmoid",    "HardSwish",        "Elu",
                                        "Cast", "QuantizeLinear", "DequantizeLinear", NULL};
    for (int32_t i = 1; i < n->n_in; i++) {
        const ln_info *info = ln_rw_info(g, n->in[i]);
        if (n->in[i] >= 0 && (!info->data || ln_info_count(info) != 1))
            return false;
    }
    return !n->domain[0] && one_of(n, names);
}

static int64_t int_at(const ln_attr *a, int32_t i, int64_t absent)
{
    return a && a->n > i ? a->ints[i] : absent;
}

/* A convolution or pooling over two dimensions, with its pads as numbers. False: another node. */
static bool read_window(const ln_graph *g, const ln_node *n, ln_stripe_layer *l)
{
    static const char *const names[] = {"Conv",        "QLinearConv", "MaxPool", "AveragePool", "QLinearAveragePool",
                                        "NhwcMaxPool", NULL};
    const ln_info *x = ln_rw_info(g, n->in[0]), *y = ln_rw_info(g, n->out[0]);
    if (!one_of(n, names) || n->n_out != 1 || ln_node_attr_int(n, "ceil_mode", 0))
        return false;
    int64_t last = ln_node_attr_int(n, LN_NAME_CHANNELS_LAST, 0);
    if (!last && n->domain[0] && (ln_node_attr_int(n, "channels_last", 0) || !strcmp(n->type, "NhwcMaxPool")))
        last = 1;
    l->window = true;
    ln_stripe_source *source = &l->in[0];
    l->in_axis = last == 1 ? 1 : 2;
    l->out_axis = last ? 1 : 2;
    const ln_attr *kernel = ln_node_attr(n, "kernel_shape"), *strides = ln_node_attr(n, "strides"),
                  *dilations = ln_node_attr(n, "dilations"), *pads = ln_node_attr(n, "pads"),
                  *auto_pad = ln_node_attr(n, "auto_pad");
    const ln_info *w = ln_rw_info(g, ln_rw_in(n, !strcmp(n->type, "Conv") ? 1 : 3));
    bool conv = !strcmp(n->type, "Conv") || !strcmp(n->type, "QLinearConv");
    if (conv && (w->rank != 4 || !ln_info_known(w)))
        return false;
    if (!conv && (!kernel || kernel->n != 2))
        return false;
    bool upper = auto_pad && auto_pad->s.size == 10 && !memcmp(auto_pad->s.data, "SAME_UPPER", 10);
    bool lower = auto_pad && auto_pad->s.size == 10 && !memcmp(auto_pad->s.data, "SAME_LOWER", 10);
    for (int32_t d = 0; d < 2; d++) {
        int64_t k = conv ? w->dims[2 + d] : kernel->ints[d], stride = int_at(strides, d, 1);
        int64_t extent = (k - 1) * int_at(dilations, d, 1) + 1;
        int64_t in = x->dims[l->in_axis + d], out = y->dims[l->out_axis + d];
        int64_t need = (out - 1) * stride + extent - in;
        need = need > 0 ? need : 0;
        if (upper || lower) {
            l->pads[d] = upper ? need / 2 : need - need / 2;
            l->pads[2 + d] = need - l->pads[d];
        } else {
            bool valid = auto_pad && auto_pad->s.size == 5;
            l->pads[d] = valid ? 0 : int_at(pads, d, 0);
            l->pads[2 + d] = valid ? 0 : int_at(pads, 2 + d, 0);
        }
        if (d == 0) {
            source->extent = extent;
            source->stride = stride;
            source->pad = l->pads[0];
        }
    }
    return source->extent >= 1 && source->stride >= 1 && source->pad >= 0 && source->pad < source->extent &&
           l->pads[2] >= 0 && l->pads[2] < source->extent;
}

/* Two images element for element: the input that the second one is; 0: another node. */
static int32_t second_image(const ln_graph *g, const ln_node *n)
{
    static const char *const names[] = {"Add", "Mul", "Sub", NULL}, *const quantised[] = {"QLinearAdd", "QLinearMul",
                                                                                          NULL};
    int32_t slot = !n->domain[0] && one_of(n, names) ? 1 : n->domain[0] && one_of(n, quantised) ? 3 : 0;
    if (!slot || n->n_in <= slot || n->n_out != 1 || !known(g, n->in[slot]))
        return 0;
    bool same = ln_rw_same_shape(ln_rw_info(g, n->in[0]), ln_rw_info(g, n->in[slot]));
    return same && ln_rw_same_shape(ln_rw_info(g, n->in[0]), ln_rw_info(g, n->out[0])) ? slot : 0;
}

/* The layer that makes a value; -1: none of these. */
static int32_t maker(const ln_graph *g, const ln_stripe_layer *layers, int32_t n, int32_t value)
{
    for (int32_t i = 0; value >= 0 && i < n; i++)
        if (g->nodes[layers[i].node].out[0] == value)
            return i;
    return -1;
}

/* The node as the layer behind others, where it can be one: all images that it takes are made by them. The first of all
 * takes what it finds. */
static bool read_layer(const ln_graph *g, int32_t id, ln_stripe_layer *layers, int32_t n_layers)
{
    const ln_node *n = &g->nodes[id];
    ln_stripe_layer *l = &layers[n_layers];
    *l = (ln_stripe_layer){.node = id, .n_in = 1};
    for (int k = 0; k < 2; k++)
        l->in[k] = (ln_stripe_source){.layer = -1, .extent = 1, .stride = 1};
    if (n->n_in < 1 || n->n_in > LN_STRIPE_INPUTS || n->n_out < 1 || !known(g, n->in[0]) || !known(g, n->out[0]))
        return false;
    l->in[0].layer = maker(g, layers, n_layers, n->in[0]);
    if (n_layers && l->in[0].layer < 0)
        return false;
    int32_t axis = n_layers ? layers[l->in[0].layer].out_axis : LN_NO_VALUE;
    if (read_window(g, n, l)) {
        if (axis >= 0 && l->in_axis != axis)
            return false;
        if (ln_node_attr_int(n, LN_NAME_RESIDUAL, 0))
            l->in[l->n_in++].slot = n->n_in - 1;
    } else {
        l->in[1].slot = second_image(g, n);
        l->n_in += l->in[1].slot > 0;
        l->in_axis = l->out_axis = axis;
        if (axis < 0 || (!l->in[1].slot && !is_map(g, n)))
            return false;
    }
    for (int32_t i = 1; i < n->n_in; i++) {
        bool image = l->n_in > 1 && i == l->in[1].slot;
        if (!image && n->in[i] >= 0 && g->values[n->in[i]].producer >= 0)
            return false;
    }
    if (l->n_in > 1) {
        l->in[1].layer = maker(g, layers, n_layers, n->in[l->in[1].slot]);
        if (l->in[1].layer < 0 || layers[l->in[1].layer].out_axis != l->out_axis)
            return false;
    }
    l->in[0].rows = g->values[n->in[0]].info.dims[l->in_axis];
    l->out_rows = l->in[1].rows = g->values[n->out[0]].info.dims[l->out_axis];
    return true;
}

/* Nothing but the last of n layers is wanted elsewhere. */
static bool closed(const ln_graph *g, const ln_stripe_layer *layers, int32_t n)
{
    for (int32_t i = 0; i + 1 < n; i++) {
        int32_t out = g->nodes[layers[i].node].out[0], uses = 0;
        for (int32_t k = i + 1; k < n; k++)
            for (int32_t s = 0; s < layers[k].n_in; s++)
                uses += layers[k].in[s].layer == i;
        if (g->values[out].outputs || g->values[out].n_uses != uses)
            return false;
    }
    return n > 0;
}

int32_t ln_stripe_layers(const ln_graph *g, ln_stripe_layer *layers, int32_t least)
{
    int32_t n = 0, good = 0;
    LN_FOR_NODES(g, id)
    {
        if (n == LN_STRIPE_MOST || good >= least)
            break;
        if (read_layer(g, id, layers, n) && closed(g, layers, ++n))
            good = n;
    }
    return good;
}
