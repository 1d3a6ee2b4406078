/* SPDX-License-Identifier: Apache-2.0
 *
 * The epilogue of products and convolutions: a residual Add (Conv, MatMul) and then the activation become hidden
 * attributes of the operator (ops/fused.h), which applies them while the tile is hot. Plans only.
 */
#include <math.h>
#include <string.h>

#include "engine/rewrite.h"
#include "kernels/act.h"

typedef struct act {
    ln_act kind;
    float lo, hi;
} act;

static float attr(const ln_node *n, const char *name, float def)
{
    const ln_attr *a = ln_node_attr(n, name);
    return a && a->kind == LN_ATTR_FLOAT ? a->f : def;
}

static bool clip_bounds(const ln_graph *g, const ln_node *n, act *a)
{
    *a = (act){LN_ACT_CLIP, attr(n, "min", -INFINITY), attr(n, "max", INFINITY)};
    if (n->version < 11)
        return true;
    for (int32_t i = 1; i < 3; i++)
        if (ln_rw_in(n, i) >= 0 &&
            (!ln_rw_has_floats(g, n->in[i]) || !ln_graph_scalar(g, n->in[i], i == 1 ? &a->lo : &a->hi)))
            return false;
    return a->lo <= a->hi;
}

static bool is_activation(const ln_graph *g, const ln_node *n, act *a)
{
    const ln_attr *approximate = ln_node_attr(n, "approximate");
    *a = (act){LN_ACT_NONE, 0, 0};
    if (ln_node_is(n, "Relu"))
        a->kind = LN_ACT_RELU;
    else if (ln_node_is(n, "Clip"))
        return clip_bounds(g, n, a);
    else if (ln_node_is(n, "LeakyRelu"))
        *a = (act){LN_ACT_LEAKY, attr(n, "alpha", 0.01f), 0};
    else if (ln_node_is(n, "Sigmoid"))
        a->kind = LN_ACT_SIGMOID;
    else if (ln_node_is(n, "Tanh"))
        a->kind = LN_ACT_TANH;
    else if (ln_node_is(n, "HardSwish"))
        a->kind = LN_ACT_HARDSWISH;
    else if (ln_node_is(n, "HardSigmoid"))
        *a = (act){LN_ACT_HARDSIGMOID, attr(n, "alpha", 0.2f), attr(n, "beta", 0.5f)};
    else if (ln_node_is(n, "Elu"))
        *a = (act){LN_ACT_ELU, attr(n, "alpha", 1), 0};
    else if (ln_node_is(n, "Softplus"))
        a->kind = LN_ACT_SOFTPLUS;
    else if (ln_node_is(n, "Mish"))
        a->kind = LN_ACT_MISH;
    else if (ln_node_is(n, "Swish") && attr(n, "alpha", 1) == 1)
        a->kind = LN_ACT_SILU;
    else if (ln_node_is(n, "Gelu"))
        a->kind = approximate && approximate->s.size == 4 && memcmp(approximate->s.data, "tanh", 4) == 0
                      ? LN_ACT_GELU_TANH
                      : LN_ACT_GELU;
    return a->kind != LN_ACT_NONE;
}

/* The product or convolution that makes the value for this one user and has no epilogue yet. */
static const ln_node *taker(const ln_graph *g, int32_t value)
{
    static const char *const types[] = {"Conv", "ConvTranspose", "Gemm", "MatMul", "BatchNormalization"};
    if (value < 0 || ln_rw_info(g, value)->type != LINNET_FLOAT32 || ln_graph_only_user(g, value) < 0)
        return NULL;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        const ln_node *n = ln_rw_producer(g, value, types[i]);
        if (n)
            return ln_node_attr(n, LN_NAME_ACT) || n->n_out != 1 || ln_node_attr_int(n, "training_mode", 0) ? NULL : n;
    }
    return NULL;
}

static linnet_status take(ln_graph *g, ln_pass_ctx *c, const ln_node *n, int32_t user, const act *a)
{
    ln_attr more[3] = {ln_rw_int(LN_NAME_ACT, a->kind), ln_rw_float(LN_NAME_ACT_LO, a->lo),
                       ln_rw_float(LN_NAME_ACT_HI, a->hi)};
    int32_t old[2] = {ln_rw_id(g, n), user}, n_attrs;
    ln_attr *attrs = ln_rw_attrs(g, n, more, 3, &n_attrs);
    if (!attrs)
        return ln_rw_no_memory(c);
    return ln_rw_replace(g, c, old, 2, g->nodes[user].out[0], "", n->type, n->version, n->n_in, n->in, n_attrs, attrs);
}

/* x * Sigmoid(x): the sigmoid is a user of x besides the product. */
static linnet_status take_silu(ln_graph *g, ln_pass_ctx *c, int32_t mul, bool *done)
{
    const ln_node *m = &g->nodes[mul];
    for (int32_t i = 0; i < 2; i++) {
        const ln_node *s = ln_rw_producer(g, m->in[i], "Sigmoid");
        int32_t x = m->in[1 - i];
        if (!s || s->in[0] != x || ln_graph_only_user(g, m->in[i]) != mul)
            continue;
        *done = true;
        int32_t old[2] = {ln_rw_id(g, s), mul}, in[1] = {x};
        return ln_rw_replace(g, c, old, 2, m->out[0], "", "Swish", 24, 1, in, 0, NULL);
    }
    return LINNET_OK;
}

static bool may_add(const ln_graph *g, const ln_node *n, int32_t other)
{
    if (!n || (!ln_node_is(n, "Conv") && !ln_node_is(n, "MatMul")) || ln_node_attr(n, LN_NAME_RESIDUAL))
        return false;
    return ln_rw_same_shape(ln_rw_info(g, n->out[0]), ln_rw_info(g, other)) &&
           ln_rw_info(g, other)->type == LINNET_FLOAT32 && !ln_rw_info(g, other)->data;
}

/* Position in the order, for the choice between two: the residual must be there before the taker runs. */
static bool comes_before(const ln_graph *g, int32_t value, int32_t node)
{
    int32_t producer = g->values[value].producer;
    if (producer < 0)
        return true;
    for (int32_t id = g->nodes[node].prev; id >= 0; id = g->nodes[id].prev)
        if (id == producer)
            return true;
    return false;
}

static linnet_status take_residual(ln_graph *g, ln_pass_ctx *c, int32_t add)
{
    for (int32_t i = 1; i >= 0; i--) {
        const ln_node *a = &g->nodes[add], *n = taker(g, a->in[i]);
        int32_t other = a->in[1 - i];
        if (a->in[0] == a->in[1] || !may_add(g, n, other))
            continue;
        if (!comes_before(g, other, ln_rw_id(g, n)))
            continue; /* the other operand may be the one that can take this */
        int32_t in[4] = {n->in[0], n->in[1], ln_rw_in(n, 2), other};
        ln_attr more[1] = {ln_rw_int(LN_NAME_RESIDUAL, 1)};
        int32_t old[2] = {ln_rw_id(g, n), add}, n_attrs;
        ln_attr *attrs = ln_rw_attrs(g, n, more, 1, &n_attrs);
        if (!attrs)
            return ln_rw_no_memory(c);
        return ln_rw_replace(g, c, old, 2, a->out[0], "", n->type, n->version, 4, in, n_attrs, attrs);
    }
    return LINNET_OK;
}

linnet_status ln_pass_activation(ln_graph *g, ln_pass_ctx *c)
{
    LN_FOR_NODES(g, id)
    {
        const ln_node *n = &g->nodes[id];
        linnet_status st = LINNET_OK;
        act a;
        if (ln_node_is(n, "Mul") && n->n_attrs == 0 && ln_rw_info(g, n->in[0])->type == LINNET_FLOAT32) {
            bool done = false;
            st = take_silu(g, c, id, &done);
        } else if ((ln_node_is(n, "Add") || (ln_node_is(n, "Sum") && n->n_in == 2)) && n->n_attrs == 0) {
            st = take_residual(g, c, id);
        } else if (is_activation(g, n, &a) && taker(g, n->in[0])) {
            st = take(g, c, taker(g, n->in[0]), id, &a);
        }
        if (st != LINNET_OK)
            return st;
    }
    return LINNET_OK;
}
