/* SPDX-License-Identifier: Apache-2.0
 *
 * BatchNormalization, and Mul, Add, Sub, Div by a constant per channel, behind Conv, ConvTranspose or Gemm with
 * constant weights go into these: y = (W x + b) * s + t is (W s) x + (b s + t), s and t per output channel.
 * Behind a BatchNormalization that stays, the arithmetic goes into its scale and bias.
 */
#include <math.h>
#include <string.h>

#include "engine/rewrite.h"
#include "engine/scaled.h"

/* Channel count and axis in the weights of the operator that takes the factors. */
typedef struct target {
    const ln_node *node;
    int64_t channels;
    int32_t axis;   /* of output channels in the weights */
    int64_t groups; /* ConvTranspose: output channels are groups x dims[1] */
} target;

static bool find_norm(const ln_graph *g, const ln_node *n, target *t)
{
    t->channels = ln_info_count(ln_rw_info(g, n->in[1]));
    return n->n_out == 1 && ln_rw_has_floats(g, n->in[1]) && ln_rw_has_floats(g, n->in[2]) && t->channels > 0 &&
           ln_info_count(ln_rw_info(g, n->in[2])) == t->channels && !ln_node_attr_int(n, "training_mode", 0) &&
           ln_node_attr_int(n, "spatial", 1) && (n->version >= 7 || ln_node_attr_int(n, "is_test", 0)) &&
           !ln_node_attr_int(n, LN_NAME_CHANNELS_LAST, 0);
}

static bool find_target(const ln_graph *g, int32_t value, target *t)
{
    const ln_node *n = value < 0 || g->values[value].producer < 0 ? NULL : &g->nodes[g->values[value].producer];
    *t = (target){.node = n, .groups = 1};
    if (!n || ln_graph_only_user(g, value) < 0 || ln_node_attr(n, LN_NAME_ACT) || ln_node_attr(n, LN_NAME_RESIDUAL))
        return false;
    bool conv = ln_node_is(n, "Conv"), transposed = ln_node_is(n, "ConvTranspose"), gemm = ln_node_is(n, "Gemm");
    if (ln_node_is(n, "BatchNormalization"))
        return find_norm(g, n, t);
    if (!conv && !transposed && !gemm)
        return false;
    const ln_info *w = ln_rw_info(g, n->in[1]);
    if (!ln_rw_has_floats(g, n->in[1]) || (ln_rw_in(n, 2) >= 0 && !ln_rw_has_floats(g, n->in[2])))
        return false;
    if (gemm) {
        if (w->rank != 2)
            return false;
        const ln_attr *alpha = ln_node_attr(n, "alpha"), *beta = ln_node_attr(n, "beta");
        if ((alpha && alpha->f != 1.0f) || (beta && beta->f != 1.0f))
            return false;
        t->axis = ln_node_attr_int(n, "transB", 0) ? 0 : 1;
        t->channels = w->dims[t->axis];
        const ln_info *b = ln_rw_info(g, ln_rw_in(n, 2));
        return ln_rw_in(n, 2) < 0 || (b->rank == 1 && b->dims[0] == t->channels);
    }
    if (w->rank < 3)
        return false;
    t->axis = conv ? 0 : 1;
    t->groups = conv ? 1 : ln_node_attr_int(n, "group", 1);
    t->channels = w->dims[t->axis] * t->groups;
    const ln_info *b = ln_rw_info(g, ln_rw_in(n, 2));
    return t->groups > 0 && w->dims[0] % t->groups == 0 &&
           (ln_rw_in(n, 2) < 0 || (b->rank == 1 && b->dims[0] == t->channels));
}

/* Element for channel ch of a constant that is a scalar or varies over the channel axis of a tensor of rank `rank`. */
static bool per_channel(const ln_graph *g, int32_t value, int32_t rank, int64_t channels, int32_t axis)
{
    const ln_info *info = ln_rw_info(g, value);
    if (!ln_rw_has_floats(g, value) || info->rank > rank)
        return false;
    for (int32_t i = 0; i < info->rank; i++) {
        int32_t at = i + rank - info->rank;
        if (info->dims[i] != 1 && !(at == axis && info->dims[i] == channels))
            return false;
    }
    return true;
}

/* How the weights of t are scaled: ConvTranspose's groups are blocks of input channels. */
static ln_factors factors_of(const target *t, const ln_info *w, const float *s)
{
    ln_factors f = {.factors = s, .inner = 1, .n = w->dims[t->axis], .block = 1};
    for (int32_t i = t->axis + 1; i < w->rank; i++)
        f.inner *= w->dims[i];
    for (int32_t i = 0; i < t->axis; i++)
        f.block *= w->dims[i];
    f.block = f.block / t->groups * f.n * f.inner;
    return f;
}

static bool all_ones(const float *s, int64_t n)
{
    int64_t i = 0;
    while (i < n && s[i] == 1)
        i++;
    return i == n;
}

/* The same for a BatchNormalization: its scale and B. */
static linnet_status apply_norm(ln_graph *g, ln_pass_ctx *c, int32_t node, const target *t, const float *s,
                                const float *b)
{
    const ln_node *norm = t->node;
    float *scale, *bias;
    int32_t in[5], old_nodes[2] = {ln_rw_id(g, norm), node}, n_attrs;
    memcpy(in, norm->in, sizeof in);
    in[1] = ln_rw_new_floats(g, 1, &t->channels, &scale);
    in[2] = in[1] < 0 ? in[1] : ln_rw_new_floats(g, 1, &t->channels, &bias);
    ln_attr *attrs = ln_rw_attrs(g, norm, NULL, 0, &n_attrs);
    if (in[1] < 0 || in[2] < 0 || !attrs)
        return ln_rw_no_memory(c);
    const float *old_scale = ln_rw_floats(g, norm->in[1]), *old_bias = ln_rw_floats(g, norm->in[2]);
    if (!old_scale || !old_bias)
        return LINNET_OK;
    for (int64_t i = 0; i < t->channels; i++) {
        scale[i] = old_scale[i] * s[i];
        bias[i] = old_bias[i] * s[i] + b[i];
    }
    return ln_rw_replace(g, c, old_nodes, 2, g->nodes[node].out[0], "", norm->type, norm->version, 5, in, n_attrs,
                         attrs);
}

/* node's only input from t->node is scaled by s and shifted by b (each `channels` floats). */
static linnet_status apply(ln_graph *g, ln_pass_ctx *c, int32_t node, const target *t, const float *s, const float *b)
{
    const ln_node *conv = t->node;
    if (ln_node_is(conv, "BatchNormalization"))
        return apply_norm(g, c, node, t, s, b);
    int32_t conv_id = ln_rw_id(g, conv);
    ln_info w = *ln_rw_info(g, conv->in[1]);
    const float *old = w.data, *old_bias = ln_rw_floats(g, ln_rw_in(conv, 2));
    float *weights = NULL, *bias;
    int32_t wv = conv->in[1], old_wv = wv;
    ln_factors f = factors_of(t, &w, s);
    if (!all_ones(s, t->channels)) {
        const void *later = c->store ? ln_scaled_add(c->store, old, ln_info_bytes(&w), &f) : NULL;
        if (later)
            wv = ln_graph_constant(g, "", LINNET_FLOAT32, w.rank, w.dims, later);
        else if (ln_owns_constant(g, wv, conv_id))
            weights = (float *)(uintptr_t)old;
        else
            wv = ln_rw_new_floats(g, w.rank, w.dims, &weights);
        if (weights && weights != old && g->store && g->store->missing(g->store, old)) { /* to where they are scaled */
            linnet_status st = g->store->read(g->store, old, 0, ln_info_bytes(&w), weights, c->error);
            if (st != LINNET_OK)
                return st;
            old = weights;
        }
    }
    int32_t bv = wv < 0 ? wv : ln_rw_new_floats(g, 1, &t->channels, &bias);
    if (wv < 0 || bv < 0)
        return ln_rw_no_memory(c);
    if (weights)
        ln_scale(weights, old, &f, 0, (size_t)ln_info_count(&w));
    for (int64_t i = 0; i < t->channels; i++)
        bias[i] = (old_bias ? old_bias[i] : 0.0f) * s[i] + b[i];
    int32_t in[3] = {conv->in[0], wv, bv}, old_nodes[2] = {conv_id, node};
    int32_t n_attrs;
    ln_attr *attrs = ln_rw_attrs(g, conv, NULL, 0, &n_attrs);
    if (!attrs)
        return ln_rw_no_memory(c);
    linnet_status st =
        ln_rw_replace(g, c, old_nodes, 2, g->nodes[node].out[0], "", conv->type, conv->version, 3, in, n_attrs, attrs);
    if (st == LINNET_OK && c->release && wv != old_wv)
        ln_release_constant(g, c->store, old_wv, LN_NO_NODE);
    return st;
}

static bool norm_factors(const ln_graph *g, const ln_node *n, int64_t channels, float *s, float *b)
{
    for (int32_t i = 1; i < 5; i++)
        if (!ln_rw_has_floats(g, ln_rw_in(n, i)) || ln_info_count(ln_rw_info(g, n->in[i])) != channels)
            return false;
    for (int32_t i = 1; i < n->n_out; i++)
        if (n->out[i] >= 0)
            return false;
    if (ln_node_attr_int(n, "training_mode", 0) || (n->version < 7 && !ln_node_attr_int(n, "is_test", 0)) ||
        !ln_node_attr_int(n, "spatial", 1))
        return false;
    const ln_attr *e = ln_node_attr(n, "epsilon");
    double epsilon = e ? e->f : 1e-5f;
    const float *scale = ln_rw_floats(g, n->in[1]), *bias = ln_rw_floats(g, n->in[2]);
    const float *mean = ln_rw_floats(g, n->in[3]), *variance = ln_rw_floats(g, n->in[4]);
    if (!scale || !bias || !mean || !variance)
        return false;
    for (int64_t i = 0; i < channels; i++) {
        double factor = scale[i] / sqrt(variance[i] + epsilon);
        s[i] = (float)factor;
        b[i] = (float)(bias[i] - mean[i] * factor);
    }
    return true;
}

static bool arithmetic_factors(const ln_graph *g, const ln_node *n, int32_t constant, const target *t, float *s,
                               float *b)
{
    const ln_info *out = ln_rw_info(g, n->out[0]), *in = ln_rw_info(g, t->node->out[0]);
    int32_t axis = 1;
    if (n->n_attrs || !ln_rw_same_shape(out, in) || !per_channel(g, constant, out->rank, t->channels, axis))
        return false;
    bool first = n->in[0] == constant, one = ln_info_count(ln_rw_info(g, constant)) == 1;
    const float *values = ln_rw_floats(g, constant);
    if (!values)
        return false;
    for (int64_t i = 0; i < t->channels; i++) {
        float x = values[one ? 0 : i];
        s[i] = 1;
        b[i] = 0;
        if (ln_node_is(n, "Mul"))
            s[i] = x;
        else if (ln_node_is(n, "Add"))
            b[i] = x;
        else if (ln_node_is(n, "Sub")) {
            b[i] = first ? x : -x;
            s[i] = first ? -1.0f : 1.0f;
        } else if (ln_node_is(n, "Div") && !first)
            s[i] = 1 / x;
        else
            return false;
    }
    return true;
}

linnet_status ln_pass_affine(ln_graph *g, ln_pass_ctx *c)
{
    LN_FOR_NODES(g, id)
    {
        const ln_node *n = &g->nodes[id];
        bool norm = ln_node_is(n, "BatchNormalization");
        if (!norm && (n->n_in != 2 || n->domain[0]))
            continue;
        target t;
        int32_t constant = LN_NO_VALUE;
        if (!find_target(g, n->in[0], &t)) {
            if (norm || !find_target(g, n->in[1], &t))
                continue;
            constant = n->in[0];
        } else if (!norm) {
            constant = n->in[1];
        }
        ln_arena temporary;
        ln_arena_init(&temporary, c->memory);
        float *s = ln_arena_array(&temporary, 2 * t.channels + 1, sizeof *s), *b = s + t.channels;
        linnet_status st = LINNET_OK;
        if (!s)
            st = ln_rw_no_memory(c);
        else if (norm ? norm_factors(g, n, t.channels, s, b) : arithmetic_factors(g, n, constant, &t, s, b))
            st = apply(g, c, id, &t, s, b);
        else if (norm)
            ln_pass_refuse(c, g, id, "its parameters are not constant, or it is in training mode");
        ln_arena_free(&temporary);
        if (st != LINNET_OK)
            return st;
    }
    return LINNET_OK;
}
