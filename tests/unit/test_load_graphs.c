/* SPDX-License-Identifier: Apache-2.0
 *
 * Graphs as the loader makes them: bodies and what they take from outside, functions put in the place of their calls,
 * nodes in any order, operators that nobody knows, messages nested deeply.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/load_model.h"

static void captures(void **state)
{
    (void)state;
    builder b;
    builder_init(&b);
    linnet_model *model = load_ok(&b, conditional(&b));
    const ln_graph *g = model->graph;
    const ln_node *n = &g->nodes[g->first];
    assert_int_equal(n->n_formal, 1);
    assert_int_equal(n->n_in, 3);
    assert_int_equal(n->in[1], value_named(g, "a"));
    assert_int_equal(n->in[2], value_named(g, "b"));
    for (int i = 0; i < 2; i++) {
        const ln_graph *body = n->attrs[i].graph;
        assert_int_equal(body->n_formal, 0);
        assert_int_equal(body->n_inputs, 2);
    }
    const ln_graph *yes = n->attrs[0].graph;
    assert_ptr_equal(yes->values[value_named(yes, "c")].info.data, g->values[value_named(g, "c")].info.data);
    linnet_model_free(model);
    builder_free(&b);
}

/* A body within a body takes a value from two graphs further out. */
static void nested_captures(void **state)
{
    (void)state;
    builder b;
    builder_init(&b);
    Onnx__ModelProto *m = conditional(&b);
    Onnx__GraphProto *inner = m->graph->node[0]->attribute[1]->g;
    Onnx__GraphProto *left = b_graph(&b, "left"), *right = b_graph(&b, "right");
    ADD(&b, left, node, b_node(&b, "", "Relu", "b", "l"));
    ADD(&b, left, output, b_value(&b, "l", LINNET_FLOAT32, 1, three));
    ADD(&b, right, node, b_node(&b, "", "Abs", "b", "r"));
    ADD(&b, right, output, b_value(&b, "r", LINNET_FLOAT32, 1, three));
    inner->node[0] = b_node(&b, "", "If", "cond", "minus");
    ADD(&b, inner->node[0], attribute, b_attr_g(&b, "then_branch", left));
    ADD(&b, inner->node[0], attribute, b_attr_g(&b, "else_branch", right));
    linnet_model *model = load_ok(&b, m);
    const ln_graph *g = model->graph;
    assert_int_equal(g->nodes[g->first].n_in, 4); /* cond; a, cond, b */
    linnet_model_free(model);
    builder_free(&b);
}

static Onnx__ModelProto *with_function(builder *b)
{
    Onnx__ModelProto *m = relu(b);
    ADD(b, m, opset_import, b_opset(b, "test", 1));
    ADD(b, m, functions, scale_function(b));
    m->graph->node[0] = b_node(b, "test", "scale", "x", "h");
    m->graph->node[0]->name = b_text(b, "first");
    Onnx__NodeProto *second = b_node(b, "test", "scale", "h", "y");
    second->name = b_text(b, "second");
    Onnx__AttributeProto *alpha = b_attr(b, "alpha", 1);
    alpha->has_f = 1;
    alpha->f = 5;
    ADD(b, second, attribute, alpha);
    ADD(b, m->graph, node, second);
    return m;
}

static void functions(void **state)
{
    (void)state;
    builder b;
    builder_init(&b);
    Onnx__ModelProto *m = with_function(&b);
    linnet_model *model = load_ok(&b, m);
    const ln_graph *g = model->graph;
    static const char *const types[] = {"Elu", "Add", "Elu", "Add"};
    static const float alphas[] = {2, 0, 5, 0};
    int i = 0;
    LN_FOR_NODES(g, id)
    {
        const ln_node *n = &g->nodes[id];
        assert_string_equal(n->type, types[i]);
        if (n->n_attrs)
            assert_true(n->attrs[0].f == alphas[i]);
        i++;
    }
    assert_int_equal(i, 4);
    assert_int_equal(g->values[value_named(g, "first/t")].n_uses, 1);
    linnet_model_free(model);
    m->functions[0]->node[1] = b_node(&b, "test", "scale", "t", "y");
    load_fails(&b, m, LINNET_ERR_MODEL, "test.scale");
    load_fails(&b, m, LINNET_ERR_MODEL, "calls itself");
    m->functions[0]->node[1] = b_node(&b, "", "Add", "t,x", "z");
    load_fails(&b, m, LINNET_ERR_MODEL, "output 'y' of the function");
    builder_free(&b);
}

/* A function of functions, each calling the next twice: the count of nodes is what stops it. */
static void function_bomb(void **state)
{
    (void)state;
    builder b;
    builder_init(&b);
    Onnx__ModelProto *m = relu(&b);
    ADD(&b, m, opset_import, b_opset(&b, "test", 1));
    char name[16], next[16];
    for (int i = 0; i < 40; i++) {
        Onnx__FunctionProto *f = must(ln_write_new(&b.arena, &onnx__function_proto__descriptor));
        snprintf(name, sizeof name, "f%d", i);
        snprintf(next, sizeof next, "f%d", i + 1);
        f->name = b_text(&b, name);
        f->domain = b_text(&b, "test");
        f->input = b_names(&b, "x", &f->n_input);
        f->output = b_names(&b, "y", &f->n_output);
        ADD(&b, f, node, b_node(&b, i < 39 ? "test" : "", i < 39 ? next : "Neg", "x", "t"));
        ADD(&b, f, node, b_node(&b, i < 39 ? "test" : "", i < 39 ? next : "Neg", "t", "y"));
        ADD(&b, m, functions, f);
    }
    m->graph->node[0] = b_node(&b, "test", "f0", "x", "y");
    load_fails(&b, m, LINNET_ERR_UNSUPPORTED, "more than");
    builder_free(&b);
}

static void unknown_operators_load(void **state)
{
    (void)state;
    builder b;
    builder_init(&b);
    Onnx__ModelProto *m = relu(&b);
    m->graph->node[0] = b_node(&b, "", "NoSuchOperator", "x", "y");
    linnet_model *model = load_ok(&b, m);
    assert_null(model->graph->nodes[model->graph->first].op);
    assert_int_equal(model->graph->nodes[model->graph->first].version, 17);
    linnet_model_free(model);
    builder_free(&b);
}

static void nodes_in_any_order(void **state)
{
    (void)state;
    builder b;
    builder_init(&b);
    Onnx__ModelProto *m = relu(&b);
    m->graph->node[0] = b_node(&b, "", "Relu", "h", "y");
    ADD(&b, m->graph, node, b_node(&b, "", "Neg", "x", "h"));
    linnet_model *model = load_ok(&b, m);
    assert_string_equal(model->graph->nodes[model->graph->first].type, "Neg");
    linnet_model_free(model);
    builder_free(&b);
}

/* Deeper than a loader may go; what packs the model goes deep itself, and node's stack is small. */
#ifdef __wasi__
enum { TOO_DEEP = 300 };
#else
enum { TOO_DEEP = 3000 };
#endif

static void deep_nesting(void **state)
{
    (void)state;
    for (int depth = 30; depth <= TOO_DEEP; depth += TOO_DEEP - 30) {
        builder b;
        builder_init(&b);
        Onnx__ModelProto *m = conditional(&b);
        Onnx__GraphProto *g = m->graph->node[0]->attribute[1]->g;
        for (int i = 0; i < depth; i++) {
            Onnx__GraphProto *inner = b_graph(&b, "g");
            ADD(&b, inner, node, b_node(&b, "", "Neg", "b", "q"));
            ADD(&b, inner, output, b_value(&b, "q", LINNET_FLOAT32, 1, three));
            g->node[0] = b_node(&b, "", "If", "cond", g->output[0]->name);
            ADD(&b, g->node[0], attribute, b_attr_g(&b, "then_branch", inner));
            g = inner;
        }
        if (depth > 100)
            load_fails(&b, m, LINNET_ERR_UNSUPPORTED, "messages within each other");
        else
            linnet_model_free(load_ok(&b, m));
        builder_free(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(captures),      cmocka_unit_test(nested_captures),        cmocka_unit_test(functions),
        cmocka_unit_test(function_bomb), cmocka_unit_test(unknown_operators_load), cmocka_unit_test(nodes_in_any_order),
        cmocka_unit_test(deep_nesting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
