/* SPDX-License-Identifier: Apache-2.0
 *
 * What the tests of the loader and the writer share: loading a model that was built in memory and must load, or fail
 * for a given reason; small models with a body, with functions, with a bit of everything; an allocator that counts and
 * fails once. Include it after cmocka.h.
 */
#ifndef LN_TESTS_LOAD_MODEL_H
#define LN_TESTS_LOAD_MODEL_H

#include <unistd.h>

#include "onnx/import.h"
#include "onnx/onnx.h"
#include "tests/unit/build_model.h"

static const int64_t three[] = {3}, two_two[] = {2, 2}, none[] = {0};

static inline linnet_status load(builder *b, const Onnx__ModelProto *m, const linnet_load_options *options,
                                 linnet_model **model, linnet_error *error)
{
    size_t size;
    const uint8_t *bytes = b_pack(b, m, &size);
    return linnet_model_load_memory(model, bytes, size, options, error);
}

static inline linnet_model *load_ok(builder *b, const Onnx__ModelProto *m)
{
    linnet_model *model;
    linnet_error error;
    linnet_status st = load(b, m, NULL, &model, &error);
    if (st != LINNET_OK)
        fail_msg("%s", error.text);
    const char *wrong = ln_graph_verify(model->graph);
    if (wrong)
        fail_msg("%s", wrong);
    return model;
}

/* Loading fails with the status, and the message has the words. */
static inline void load_fails(builder *b, const Onnx__ModelProto *m, linnet_status status, const char *words)
{
    linnet_model *model;
    linnet_error error;
    char text[800];
    assert_int_equal(load(b, m, NULL, &model, &error), status);
    assert_null(model);
    linnet_error_message(&error, text, sizeof text);
    if (!strstr(text, words))
        fail_msg("'%s' does not say '%s'", text, words);
}

static inline int32_t value_named(const ln_graph *g, const char *name)
{
    for (int32_t v = 0; v < g->n_values; v++)
        if (strcmp(g->values[v].name, name) == 0)
            return v;
    fail_msg("no value '%s'", name);
    return -1;
}

/* The constant as the graph has it. */
static inline const ln_info *constant_of(const linnet_model *model)
{
    const ln_info *info = &model->graph->values[value_named(model->graph, "w")].info;
    assert_non_null(info->data);
    return info;
}

/* x -> Relu -> y, to which tests add what is wrong. */
static inline Onnx__ModelProto *relu(builder *b)
{
    Onnx__ModelProto *m = b_model(b);
    ADD(b, m->graph, input, b_value(b, "x", LINNET_FLOAT32, 1, three));
    ADD(b, m->graph, output, b_value(b, "y", LINNET_FLOAT32, 1, three));
    ADD(b, m->graph, node, b_node(b, "", "Relu", "x", "y"));
    return m;
}

/* then: y = a + c;  else: y = -b, where a, b are inputs and c a constant of the outer graph. */
static inline Onnx__ModelProto *conditional(builder *b)
{
    Onnx__ModelProto *m = b_model(b);
    Onnx__GraphProto *g = m->graph, *yes = b_graph(b, "yes"), *no = b_graph(b, "no");
    ADD(b, g, input, b_value(b, "cond", LINNET_BOOL, 0, none));
    ADD(b, g, input, b_value(b, "a", LINNET_FLOAT32, 1, three));
    ADD(b, g, input, b_value(b, "b", LINNET_FLOAT32, 1, three));
    ADD(b, g, output, b_value(b, "y", LINNET_FLOAT32, 1, three));
    Onnx__TensorProto *c = b_tensor(b, "c", LINNET_FLOAT32, 1, three);
    for (int i = 0; i < 3; i++)
        ADD(b, c, float_data, (float)i);
    ADD(b, g, initializer, c);
    ADD(b, yes, node, b_node(b, "", "Add", "a,c", "sum"));
    ADD(b, yes, output, b_value(b, "sum", LINNET_FLOAT32, 1, three));
    ADD(b, no, node, b_node(b, "", "Neg", "b", "minus"));
    ADD(b, no, output, b_value(b, "minus", LINNET_FLOAT32, 1, three));
    Onnx__NodeProto *n = b_node(b, "", "If", "cond", "y");
    n->name = b_text(b, "choose");
    ADD(b, n, attribute, b_attr_g(b, "then_branch", yes));
    ADD(b, n, attribute, b_attr_g(b, "else_branch", no));
    ADD(b, g, node, n);
    return m;
}

/* scale(x) = Elu(x, alpha) + x, with alpha 2 unless the call gives it. */
static inline Onnx__FunctionProto *scale_function(builder *b)
{
    Onnx__FunctionProto *f = must(ln_write_new(&b->arena, &onnx__function_proto__descriptor));
    f->name = b_text(b, "scale");
    f->domain = b_text(b, "test");
    f->input = b_names(b, "x", &f->n_input);
    f->output = b_names(b, "y", &f->n_output);
    ADD(b, f, opset_import, b_opset(b, "", 14));
    Onnx__AttributeProto *def = b_attr(b, "alpha", 1);
    def->has_f = 1;
    def->f = 2;
    ADD(b, f, attribute_proto, def);
    Onnx__NodeProto *elu = b_node(b, "", "Elu", "x", "t");
    ADD(b, elu, attribute, b_attr_ref(b, "alpha", 1, "alpha"));
    ADD(b, f, node, elu);
    ADD(b, f, node, b_node(b, "", "Add", "t,x", "y"));
    return f;
}

/* A model with a bit of everything. */
static inline Onnx__ModelProto *everything(builder *b)
{
    Onnx__ModelProto *m = conditional(b);
    ADD(b, m, opset_import, b_opset(b, "test", 1));
    ADD(b, m, functions, scale_function(b));
    m->producer_name = b_text(b, "a test");
    Onnx__GraphProto *g = m->graph;
    ADD(b, g, node, b_node(b, "test", "scale", "y", "z"));
    ADD(b, g, output, b_value(b, "z", LINNET_FLOAT32, 1, three));
    Onnx__NodeProto *constant = b_node(b, "", "Constant", "", "k");
    Onnx__AttributeProto *value = b_attr(b, "value", 4);
    value->t = b_tensor(b, "", LINNET_INT4, 2, two_two);
    b_raw(b, value->t, "\x12\x34", 2);
    ADD(b, constant, attribute, value);
    ADD(b, g, node, constant);
    ADD(b, g, output, b_value(b, "k", LINNET_INT4, 2, two_two));
    Onnx__TensorProto *text = b_tensor(b, "text", LINNET_STRING, 1, three);
    for (size_t i = 0; i < 3; i++)
        ADD(b, text, string_data, ((ProtobufCBinaryData){i, (uint8_t *)b_text(b, "abcdefgh")}));
    ADD(b, g, initializer, text);
    g->input[1]->type->tensor_type->shape->dim[0]->has_dim_value = 0;
    g->input[1]->type->tensor_type->shape->dim[0]->dim_param = b_text(b, "batch");
    return m;
}

typedef struct counter {
    long live, calls, fail_at;
} counter;

static inline void *counted_alloc(void *user, size_t bytes, size_t align)
{
    counter *c = user;
    if (++c->calls == c->fail_at)
        return NULL;
    c->live++;
    return aligned_alloc(align, (bytes + align - 1) / align * align);
}

static inline void counted_free(void *user, void *block)
{
    counter *c = user;
    c->live--;
    free(block);
}

#endif
