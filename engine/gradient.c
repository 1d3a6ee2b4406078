/* SPDX-License-Identifier: Apache-2.0
 *
 * Gradient-1 of ai.onnx.preview.training: each such node becomes the nodes of the reverse-mode derivative of the part
 * of the graph between xs and y, right after import, while values still have the names that the attributes give.
 * Where the node's inputs are not the tensors named, that part is copied with the inputs in their place. It knows the
 * derivatives of element-wise operators and MatMul; another operator on the way is an error that names it.
 */
#include <string.h>

#include "engine/graph.h"
#include "engine/model.h"

typedef struct builder {
    ln_graph *g;
    int32_t before;   /* node that is expanded */
    int32_t *map;     /* value of the differentiated part -> the one that stands for it; LN_NO_VALUE */
    int32_t *grad;    /* its derivative, LN_NO_VALUE while there is none */
    bool *on_path;    /* depends on one of xs */
    int32_t n_values; /* when the expansion began */
    bool failed;      /* out of memory */
} builder;

static int32_t make(builder *b, const char *domain, const char *type, int32_t n_in, const int32_t *in, int32_t n_attrs,
                    const ln_attr *attrs)
{
    int32_t out = ln_graph_value(b->g, "");
    for (int32_t i = 0; i < n_in; i++)
        b->failed |= in[i] < 0;
    if (b->failed || out < 0 ||
        ln_graph_insert_at(b->g, b->before, domain, domain[0] ? 1 : LN_PASS_OPSET, type, "", n_in, in, 1, &out, n_attrs,
                           attrs) < 0) {
        b->failed = true;
        return LN_NO_VALUE;
    }
    return out;
}

static int32_t one(builder *b, const char *type, int32_t x)
{
    return make(b, "", type, 1, &x, 0, NULL);
}

static int32_t two(builder *b, const char *type, int32_t x, int32_t y)
{
    return make(b, "", type, 2, (int32_t[]){x, y}, 0, NULL);
}

static int32_t einsum(builder *b, const char *equation, int32_t x, int32_t y)
{
    ln_attr a = {.name = "equation", .kind = LN_ATTR_STRING, .n = 1, .s = {equation, strlen(equation)}};
    return make(b, "", "Einsum", 2, (int32_t[]){x, y}, 1, &a);
}

/* The derivative by input i of an operator whose result has derivative dy; LN_NO_VALUE: not known. x, y: inputs and
 * result. */
static int32_t derivative(builder *b, const char *op, int32_t i, int32_t dy, const int32_t *x, int32_t y)
{
    if (strcmp(op, "Add") == 0 || strcmp(op, "Sum") == 0 || strcmp(op, "Identity") == 0)
        return dy;
    if (strcmp(op, "Sub") == 0)
        return i == 0 ? dy : one(b, "Neg", dy);
    if (strcmp(op, "Mul") == 0)
        return two(b, "Mul", dy, x[1 - i]);
    if (strcmp(op, "Div") == 0) {
        int32_t d = two(b, "Div", dy, x[1]);
        return i == 0 ? d : one(b, "Neg", two(b, "Mul", d, y));
    }
    if (strcmp(op, "MatMul") == 0)
        return i == 0 ? einsum(b, "...ik,...jk->...ij", dy, x[1]) : einsum(b, "...ki,...kj->...ij", x[0], dy);
    if (strcmp(op, "Neg") == 0)
        return one(b, "Neg", dy);
    if (strcmp(op, "Exp") == 0)
        return two(b, "Mul", dy, y);
    if (strcmp(op, "Log") == 0)
        return two(b, "Div", dy, x[0]);
    if (strcmp(op, "Sqrt") == 0)
        return two(b, "Div", dy, two(b, "Add", y, y));
    if (strcmp(op, "Reciprocal") == 0)
        return one(b, "Neg", two(b, "Mul", dy, two(b, "Mul", y, y)));
    if (strcmp(op, "Sin") == 0)
        return two(b, "Mul", dy, one(b, "Cos", x[0]));
    if (strcmp(op, "Cos") == 0)
        return one(b, "Neg", two(b, "Mul", dy, one(b, "Sin", x[0])));
    if (strcmp(op, "Tanh") == 0)
        return two(b, "Sub", dy, two(b, "Mul", dy, two(b, "Mul", y, y)));
    if (strcmp(op, "Sigmoid") == 0) {
        int32_t d = two(b, "Mul", dy, y);
        return two(b, "Sub", d, two(b, "Mul", d, y));
    }
    if (strcmp(op, "Relu") == 0)
        return two(b, "Mul", dy, one(b, "Sign", y));
    if (strcmp(op, "Abs") == 0)
        return two(b, "Mul", dy, one(b, "Sign", x[0]));
    return LN_NO_VALUE;
}

static int32_t value_of(const ln_graph *g, linnet_string name)
{
    for (int32_t i = 0; i < g->n_values; i++)
        if (name.size && strlen(g->values[i].name) == name.size && memcmp(g->values[i].name, name.data, name.size) == 0)
            return i;
    return LN_NO_VALUE;
}

static linnet_status fail(const ln_graph *g, int32_t node, linnet_error *error, linnet_status status, const char *text)
{
    const ln_node *n = &g->nodes[node];
    return ln_error_set(error, status, ln_node_label(g, n), n->type, "%s", text);
}

/* Fills map and on_path for what xs and zs name. */
static linnet_status bind(builder *b, linnet_error *error)
{
    ln_graph *g = b->g;
    const ln_node *n = &g->nodes[b->before];
    const ln_attr *xs = ln_node_attr(n, "xs"), *zs = ln_node_attr(n, "zs");
    if (!xs || xs->kind != LN_ATTR_STRINGLIST || (zs && zs->kind != LN_ATTR_STRINGLIST))
        return fail(g, b->before, error, LINNET_ERR_MODEL, "xs or zs is no list of names");
    if (xs->n + (zs ? zs->n : 0) != n->n_in || n->n_out > xs->n)
        return fail(g, b->before, error, LINNET_ERR_MODEL, "the inputs or outputs do not go with xs and zs");
    for (int32_t i = 0; i < n->n_in; i++) {
        int32_t v = value_of(g, i < xs->n ? xs->strings[i] : zs->strings[i - xs->n]);
        if (v < 0 || n->in[i] < 0)
            return fail(g, b->before, error, LINNET_ERR_MODEL, "xs or zs names no tensor of the graph");
        b->map[v] = n->in[i];
        b->on_path[v] = i < xs->n;
    }
    return LINNET_OK;
}

/* A node of the differentiated part: its outputs, by a copy where its inputs were replaced. */
static linnet_status forward(builder *b, int32_t node, linnet_error *error)
{
    ln_graph *g = b->g;
    bool same = true, path = false;
    if (g->nodes[node].n_out != 1 || g->nodes[node].n_in > 64)
        return fail(g, node, error, LINNET_ERR_UNSUPPORTED, "Gradient does not know the derivative of this operator");
    int32_t in[64];
    for (int32_t i = 0; i < g->nodes[node].n_in; i++) {
        int32_t v = g->nodes[node].in[i];
        if (v >= 0 && b->map[v] < 0)
            b->map[v] = v;
        in[i] = v < 0 ? v : b->map[v];
        same &= in[i] == v;
        path |= v >= 0 && b->on_path[v];
    }
    int32_t old = g->nodes[node].out[0], out = old;
    if (!same) {
        ln_node n = g->nodes[node];
        for (int32_t i = 0; i < n.n_attrs; i++)
            if (n.attrs[i].kind == LN_ATTR_GRAPH)
                return fail(g, node, error, LINNET_ERR_UNSUPPORTED, "Gradient does not copy subgraphs");
        out = ln_graph_value(g, "");
        if (out < 0 || ln_graph_insert(g, b->before, n.domain, n.type, "", n.n_in, in, 1, &out, n.n_attrs, n.attrs) < 0)
            b->failed = true;
    }
    b->map[old] = out;
    b->on_path[old] = path;
    return LINNET_OK;
}

/* The inputs that derivative() reads are there: nothing has checked the node against its operator yet. */
static bool whole(const ln_node *n)
{
    static const char *const binary[] = {"Add", "Sub", "Mul", "Div", "MatMul"};
    int32_t want = strcmp(n->type, "Sum") == 0 ? n->n_in : 1;
    for (size_t i = 0; i < sizeof binary / sizeof *binary; i++)
        if (strcmp(n->type, binary[i]) == 0)
            want = 2;
    for (int32_t i = 0; i < n->n_in; i++)
        if (n->in[i] < 0)
            return false;
    return n->n_in == want;
}

static linnet_status backward(builder *b, int32_t node, linnet_error *error)
{
    ln_graph *g = b->g;
    int32_t old = g->nodes[node].out[0], n_in = g->nodes[node].n_in, x[64];
    const char *type = g->nodes[node].type;
    if (b->grad[old] < 0 || !b->on_path[old])
        return LINNET_OK;
    if (!whole(&g->nodes[node]))
        return fail(g, node, error, LINNET_ERR_UNSUPPORTED, "Gradient does not know the derivative by these inputs");
    for (int32_t i = 0; i < n_in; i++)
        x[i] = g->nodes[node].in[i] < 0 ? LN_NO_VALUE : b->map[g->nodes[node].in[i]];
    for (int32_t i = 0; i < n_in && !b->failed; i++) {
        int32_t v = g->nodes[node].in[i];
        if (v < 0 || !b->on_path[v])
            continue;
        int32_t d = g->nodes[node].domain[0] ? LN_NO_VALUE : derivative(b, type, i, b->grad[old], x, b->map[old]);
        if (d < 0 && !b->failed)
            return fail(g, node, error, LINNET_ERR_UNSUPPORTED,
                        "Gradient does not know the derivative of this operator");
        d = make(b, "ai.linnet", "SumTo", 2, (int32_t[]){d, x[i]}, 0, NULL);
        b->grad[v] = b->grad[v] < 0 ? d : two(b, "Add", b->grad[v], d);
    }
    return LINNET_OK;
}

static linnet_status expand(builder *b, int32_t *order, bool *needed, linnet_error *error)
{
    static const int64_t zero;
    ln_graph *g = b->g;
    const ln_attr *ya = ln_node_attr(&g->nodes[b->before], "y");
    int32_t y = ya && ya->kind == LN_ATTR_STRING ? value_of(g, ya->s) : LN_NO_VALUE, n = 0;
    if (y < 0)
        return fail(g, b->before, error, LINNET_ERR_MODEL, "y names no tensor of the graph");
    linnet_status st = bind(b, error);
    if (st != LINNET_OK)
        return st;
    needed[y] = true;
    for (int32_t id = g->last; id >= 0; id = g->nodes[id].prev) {
        const ln_node *node = &g->nodes[id];
        bool use = false;
        for (int32_t i = 0; i < node->n_out; i++)
            use |= node->out[i] >= 0 && needed[node->out[i]] && b->map[node->out[i]] < 0;
        if (!use || id == b->before)
            continue;
        order[n++] = id;
        for (int32_t i = 0; i < node->n_in; i++)
            if (node->in[i] >= 0)
                needed[node->in[i]] = true;
    }
    for (int32_t i = n - 1; i >= 0 && st == LINNET_OK && !b->failed; i--)
        st = forward(b, order[i], error);
    if (st != LINNET_OK || b->failed)
        return st;
    if (b->map[y] < 0)
        b->map[y] = y;
    b->grad[y] = two(b, "Pow", b->map[y], ln_graph_constant(g, "", LINNET_INT64, 0, NULL, &zero)); /* ones */
    for (int32_t i = 0; i < n && st == LINNET_OK && !b->failed; i++)
        st = backward(b, order[i], error);
    return st;
}

/* The outputs of the node, which goes. */
static void finish(builder *b)
{
    ln_graph *g = b->g;
    ln_node n = g->nodes[b->before];
    const ln_attr *xs = ln_node_attr(&n, "xs");
    int32_t grads[64], next = n.next;
    for (int32_t i = 0; i < n.n_out && i < 64; i++) {
        int32_t v = value_of(g, xs->strings[i]), d = b->grad[v];
        grads[i] = d >= 0 ? d : two(b, "Sub", n.in[i], n.in[i]);
    }
    ln_graph_kill(g, b->before);
    for (int32_t i = 0; i < n.n_out && i < 64 && !b->failed; i++)
        if (n.out[i] >= 0)
            b->failed |= ln_graph_insert_at(g, next, "", LN_PASS_OPSET, "Identity", n.name, 1, &grads[i], 1, &n.out[i],
                                            0, NULL) < 0;
}

linnet_status ln_graph_gradients(ln_graph *g, linnet_error *error)
{
    bool any = false;
    linnet_status st = LINNET_OK;
    LN_FOR_NODES(g, id)
    {
        if (strcmp(g->nodes[id].type, "Gradient") != 0 || strcmp(g->nodes[id].domain, "ai.onnx.preview.training") != 0)
            continue;
        builder b = {.g = g, .before = id, .n_values = g->n_values};
        size_t n = (size_t)g->n_values;
        b.map = ln_arena_array(g->arena, (int32_t)n + 1, sizeof *b.map);
        b.grad = ln_arena_array(g->arena, (int32_t)n + 1, sizeof *b.grad);
        b.on_path = ln_arena_array(g->arena, (int32_t)n + 1, sizeof *b.on_path);
        bool *needed = ln_arena_array(g->arena, (int32_t)n + 1, sizeof *needed);
        int32_t *order = ln_arena_array(g->arena, g->n_nodes + 1, sizeof *order);
        if (!b.map || !b.grad || !b.on_path || !needed || !order)
            return fail(g, id, error, LINNET_ERR_MEMORY, "out of memory");
        for (size_t i = 0; i < n; i++) {
            b.map[i] = b.grad[i] = LN_NO_VALUE;
            b.on_path[i] = needed[i] = false;
        }
        if (g->nodes[id].n_out > 64)
            return fail(g, id, error, LINNET_ERR_UNSUPPORTED, "more than 64 outputs");
        st = expand(&b, order, needed, error);
        if (st == LINNET_OK && !b.failed)
            finish(&b);
        if (st == LINNET_OK && b.failed)
            st = fail(g, id, error, LINNET_ERR_MEMORY, "out of memory");
        if (st != LINNET_OK)
            return st;
        any = true;
    }
    int32_t node;
    if (any && !ln_graph_sort(g, &node))
        return ln_error_set(error, LINNET_ERR_MODEL, NULL, "Gradient", "the derivatives depend on each other");
    return LINNET_OK;
}
