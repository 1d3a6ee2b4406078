/* SPDX-License-Identifier: Apache-2.0
 *
 * Operators that exporters write out as several nodes, recognised from their last node backwards:
 *   Gelu                x * 0.5 * (1 + Erf(x / sqrt 2)), the factors in any order
 *                       x * 0.5 * (1 + Tanh(sqrt(2 / pi) * (x + 0.044715 x^3)))
 *   LayerNormalization  (x - mean) / Sqrt(mean((x - mean)^2) + eps) * scale + bias, over the last axes
 *   HardSwish           x * HardSigmoid(x; 1/6, 1/2),  x * Clip(x + 3, 0, 6) / 6
 *   HardSigmoid         Clip(x + 3, 0, 6) / 6
 */
#include <math.h>
#include <string.h>

#include "engine/rewrite.h"

/* Scalar constant operand of a commutative node; *other is the other operand. */
static bool scalar_operand(const ln_graph *g, const ln_node *n, float *scalar, int32_t *other)
{
    for (int32_t i = 0; i < 2; i++)
        if (ln_rw_has_floats(g, n->in[i]) && ln_info_count(ln_rw_info(g, n->in[i])) == 1) {
            *scalar = *ln_rw_floats(g, n->in[i]);
            *other = n->in[1 - i];
            return true;
        }
    return false;
}

/* Constants of one element and a higher rank make the result's rank theirs. */
static bool keeps_shape(const ln_graph *g, int32_t x, int32_t out)
{
    return ln_rw_same_shape(ln_rw_info(g, x), ln_rw_info(g, out));
}

static bool near_to(float a, double b)
{
    return fabs(a - b) <= 1e-4 * fabs(b);
}

/* -- Gelu ------------------------------------------------------------------------------------------------------------
 */

/* 1 + Erf(x / sqrt 2): *x. */
static bool erf_term(const ln_graph *g, int32_t value, int32_t *x)
{
    const ln_node *add = ln_rw_producer(g, value, "Add");
    float s;
    int32_t other;
    if (!add || !scalar_operand(g, add, &s, &other) || s != 1)
        return false;
    const ln_node *erf = ln_rw_producer(g, other, "Erf");
    if (!erf)
        return false;
    const ln_node *div = ln_rw_producer(g, erf->in[0], "Div"), *mul = ln_rw_producer(g, erf->in[0], "Mul");
    if (div && ln_rw_has_floats(g, div->in[1]) && ln_info_count(ln_rw_info(g, div->in[1])) == 1) {
        *x = div->in[0];
        return near_to(*ln_rw_floats(g, div->in[1]), sqrt(2.0));
    }
    return mul && scalar_operand(g, mul, &s, x) && near_to(s, sqrt(0.5));
}

/* x^3, as a power or as products. */
static bool is_cube(const ln_graph *g, int32_t value, int32_t x)
{
    const ln_node *pow = ln_rw_producer(g, value, "Pow"), *mul = ln_rw_producer(g, value, "Mul");
    if (pow)
        return pow->in[0] == x && ln_rw_is(g, pow->in[1], 3);
    for (int32_t i = 0; mul && i < 2; i++) {
        const ln_node *square = ln_rw_producer(g, mul->in[i], "Mul");
        if (square && mul->in[1 - i] == x && square->in[0] == x && square->in[1] == x)
            return true;
    }
    return false;
}

/* 1 + Tanh(sqrt(2 / pi) (x + 0.044715 x^3)): *x. */
static bool tanh_term(const ln_graph *g, int32_t value, int32_t *x)
{
    const ln_node *add = ln_rw_producer(g, value, "Add");
    float s;
    int32_t other, cube;
    if (!add || !scalar_operand(g, add, &s, &other) || s != 1)
        return false;
    const ln_node *tanh = ln_rw_producer(g, other, "Tanh");
    const ln_node *mul = tanh ? ln_rw_producer(g, tanh->in[0], "Mul") : NULL;
    if (!mul || !scalar_operand(g, mul, &s, &other) || !near_to(s, 0.7978845608))
        return false;
    const ln_node *sum = ln_rw_producer(g, other, "Add");
    for (int32_t i = 0; sum && i < 2; i++) {
        const ln_node *term = ln_rw_producer(g, sum->in[i], "Mul");
        *x = sum->in[1 - i];
        if (term && scalar_operand(g, term, &s, &cube) && near_to(s, 0.044715) && is_cube(g, cube, *x))
            return true;
    }
    return false;
}

/* Collects the factors of a tree of Mul below `value`: the product of the scalars, and up to two others. */
static int32_t factors(const ln_graph *g, int32_t value, float *scalar, int32_t *others, int32_t n, int32_t depth)
{
    const ln_node *mul = ln_rw_producer(g, value, "Mul"), *div = ln_rw_producer(g, value, "Div");
    float s;
    int32_t other;
    if (depth > 0 && div && ln_rw_has_floats(g, div->in[1]) && ln_info_count(ln_rw_info(g, div->in[1])) == 1) {
        *scalar /= *ln_rw_floats(g, div->in[1]);
        return factors(g, div->in[0], scalar, others, n, depth - 1);
    }
    if (depth > 0 && mul && mul->n_attrs == 0) {
        if (scalar_operand(g, mul, &s, &other)) {
            *scalar *= s;
            return factors(g, other, scalar, others, n, depth - 1);
        }
        n = factors(g, mul->in[0], scalar, others, n, depth - 1);
        return n < 0 ? n : factors(g, mul->in[1], scalar, others, n, depth - 1);
    }
    if (n >= 2)
        return -1;
    others[n] = value;
    return n + 1;
}

static linnet_status gelu(ln_graph *g, ln_pass_ctx *c, int32_t id)
{
    const ln_node *n = &g->nodes[id];
    float scalar = 1;
    int32_t parts[2], x;
    if (!ln_node_is(n, "Mul") || ln_rw_info(g, n->out[0])->type != LINNET_FLOAT32 ||
        factors(g, n->out[0], &scalar, parts, 0, 3) != 2 || scalar != 0.5f)
        return LINNET_OK;
    ln_attr by_tanh[1] = {{.name = "approximate", .kind = LN_ATTR_STRING, .s = {"tanh", 4}}};
    for (int32_t i = 0; i < 2; i++) {
        bool erf = erf_term(g, parts[i], &x) && x == parts[1 - i];
        if (!erf && !(tanh_term(g, parts[i], &x) && x == parts[1 - i]))
            continue;
        if (keeps_shape(g, x, n->out[0]))
            return ln_rw_replace(g, c, &id, 1, n->out[0], "", "Gelu", LN_PASS_OPSET, 1, &x, erf ? 0 : 1,
                                 erf ? NULL : by_tanh);
    }
    return LINNET_OK;
}

/* -- HardSigmoid, HardSwish
 * -------------------------------------------------------------------------------------------- */

/* Clip(x + 3, 0, 6): *x. */
static bool relu6_term(const ln_graph *g, int32_t value, int32_t *x)
{
    const ln_node *clip = ln_rw_producer(g, value, "Clip");
    if (!clip)
        return false;
    const ln_attr *lo = ln_node_attr(clip, "min"), *hi = ln_node_attr(clip, "max");
    bool bounds = clip->version < 11 ? lo && hi && lo->f == 0 && hi->f == 6
                                     : ln_rw_is(g, ln_rw_in(clip, 1), 0) && ln_rw_is(g, ln_rw_in(clip, 2), 6);
    const ln_node *add = ln_rw_producer(g, clip->in[0], "Add");
    float s;
    return bounds && add && scalar_operand(g, add, &s, x) && s == 3;
}

static bool is_hard_sigmoid_of(const ln_graph *g, int32_t value, int32_t x)
{
    const ln_node *n = ln_rw_producer(g, value, "HardSigmoid");
    const ln_attr *a = n ? ln_node_attr(n, "alpha") : NULL, *b = n ? ln_node_attr(n, "beta") : NULL;
    return n && n->in[0] == x && a && near_to(a->f, 1.0 / 6) && (!b || b->f == 0.5f);
}

static linnet_status hard(ln_graph *g, ln_pass_ctx *c, int32_t id)
{
    const ln_node *n = &g->nodes[id];
    bool mul = ln_node_is(n, "Mul"), div = ln_node_is(n, "Div");
    if ((!mul && !div) || n->n_attrs || ln_rw_info(g, n->out[0])->type != LINNET_FLOAT32)
        return LINNET_OK;
    for (int32_t i = 0; mul && i < 2; i++)
        if (is_hard_sigmoid_of(g, n->in[i], n->in[1 - i]))
            return ln_rw_replace(g, c, &id, 1, n->out[0], "", "HardSwish", LN_PASS_OPSET, 1, &n->in[1 - i], 0, NULL);
    float scalar = 1;
    int32_t parts[2], x, count = factors(g, n->out[0], &scalar, parts, 0, 3);
    if (count < 1 || !near_to(scalar, 1.0 / 6))
        return LINNET_OK;
    if (count == 1 && relu6_term(g, parts[0], &x) && keeps_shape(g, x, n->out[0])) {
        ln_attr attrs[2] = {ln_rw_float("alpha", 1.0f / 6), ln_rw_float("beta", 0.5f)};
        return ln_rw_replace(g, c, &id, 1, n->out[0], "", "HardSigmoid", LN_PASS_OPSET, 1, &x, 2, attrs);
    }
    for (int32_t i = 0; count == 2 && i < 2; i++)
        if (relu6_term(g, parts[i], &x) && x == parts[1 - i] && keeps_shape(g, x, n->out[0]))
            return ln_rw_replace(g, c, &id, 1, n->out[0], "", "HardSwish", LN_PASS_OPSET, 1, &x, 0, NULL);
    return LINNET_OK;
}

/* -- LayerNormalization
 * ------------------------------------------------------------------------------------------------ */

/* ReduceMean over the last axes with keepdims: the first of these axes, or -1. */
static int32_t mean_axis(const ln_graph *g, const ln_node *n)
{
    const ln_info *x = ln_rw_info(g, n->in[0]), *input = ln_rw_info(g, ln_rw_in(n, 1));
    const ln_attr *attr = ln_node_attr(n, "axes");
    const int64_t *axes = attr ? attr->ints : input->type == LINNET_INT64 ? input->data : NULL;
    int64_t count = attr ? attr->n : ln_info_count(input);
    if (!axes || x->rank < 1 || count < 1 || count > x->rank || !ln_node_attr_int(n, "keepdims", 1))
        return -1;
    uint32_t seen = 0;
    for (int64_t i = 0; i < count; i++)
        seen |= UINT32_C(1) << (axes[i] < 0 ? axes[i] + x->rank : axes[i]);
    int32_t first = x->rank - (int32_t)count;
    return seen == ((UINT32_C(1) << x->rank) - 1) - ((UINT32_C(1) << first) - 1) ? first : -1;
}

/* mean((d)^2) + eps under Sqrt, d being `centred`. */
static bool deviation(const ln_graph *g, int32_t value, int32_t centred, int32_t axis, float *eps)
{
    const ln_node *root = ln_rw_producer(g, value, "Sqrt");
    const ln_node *add = root ? ln_rw_producer(g, root->in[0], "Add") : NULL;
    int32_t other;
    if (!add || !scalar_operand(g, add, eps, &other))
        return false;
    const ln_node *mean = ln_rw_producer(g, other, "ReduceMean");
    if (!mean || mean_axis(g, mean) != axis)
        return false;
    const ln_node *pow = ln_rw_producer(g, mean->in[0], "Pow"), *mul = ln_rw_producer(g, mean->in[0], "Mul");
    return pow ? pow->in[0] == centred && ln_rw_is(g, pow->in[1], 2)
               : mul && mul->in[0] == centred && mul->in[1] == centred;
}

/* A constant or any value with exactly the shape of the normalised axes. */
static bool fits_axes(const ln_graph *g, int32_t value, const ln_info *x, int32_t axis)
{
    const ln_info *s = ln_rw_info(g, value);
    if (!ln_info_known(s) || s->rank != x->rank - axis)
        return false;
    for (int32_t i = 0; i < s->rank; i++)
        if (s->dims[i] != x->dims[axis + i])
            return false;
    return true;
}

/* Div(d, Sqrt(...)): x, axis, eps. */
static bool normalised(const ln_graph *g, int32_t value, int32_t *x, int32_t *axis, float *eps)
{
    const ln_node *div = ln_rw_producer(g, value, "Div");
    const ln_node *sub = div ? ln_rw_producer(g, div->in[0], "Sub") : NULL;
    const ln_node *mean = sub ? ln_rw_producer(g, sub->in[1], "ReduceMean") : NULL;
    if (!mean || mean->in[0] != sub->in[0])
        return false;
    *x = sub->in[0];
    *axis = mean_axis(g, mean);
    return *axis >= 0 && deviation(g, div->in[1], div->in[0], *axis, eps);
}

static linnet_status layer_norm(ln_graph *g, ln_pass_ctx *c, int32_t id)
{
    const ln_node *add = &g->nodes[id];
    if (!ln_node_is(add, "Add") || ln_rw_info(g, add->out[0])->type != LINNET_FLOAT32)
        return LINNET_OK;
    for (int32_t i = 0; i < 2; i++) {
        const ln_node *mul = ln_rw_producer(g, add->in[i], "Mul");
        for (int32_t k = 0; mul && k < 2; k++) {
            int32_t x, axis, bias = add->in[1 - i], scale = mul->in[1 - k];
            float eps;
            if (!normalised(g, mul->in[k], &x, &axis, &eps))
                continue;
            const ln_info *xi = ln_rw_info(g, x);
            if (!keeps_shape(g, x, add->out[0]) || !fits_axes(g, scale, xi, axis) || !fits_axes(g, bias, xi, axis)) {
                ln_pass_refuse(c, g, id, "scale or bias has not the shape of the normalised axes");
                continue;
            }
            ln_attr attrs[2] = {ln_rw_int("axis", axis), ln_rw_float("epsilon", eps)};
            int32_t in[3] = {x, scale, bias};
            return ln_rw_replace(g, c, &id, 1, add->out[0], "", "LayerNormalization", LN_PASS_OPSET, 3, in, 2, attrs);
        }
    }
    return LINNET_OK;
}

linnet_status ln_pass_pattern(ln_graph *g, ln_pass_ctx *c)
{
    static linnet_status (*const matchers[])(ln_graph *, ln_pass_ctx *, int32_t) = {gelu, hard, layer_norm};
    LN_FOR_NODES(g, id)
    {
        for (size_t i = 0; i < sizeof matchers / sizeof *matchers; i++) {
            if (g->nodes[id].dead || g->nodes[id].n_in < 2 || !g->nodes[id].op)
                break;
            linnet_status st = matchers[i](g, c, id);
            if (st != LINNET_OK)
                return st;
        }
    }
    return LINNET_OK;
}
