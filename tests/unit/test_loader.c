/* SPDX-License-Identifier: Apache-2.0
 *
 * The loader and the writer, on models made in memory: every element type and storage, external data, captures,
 * functions, and what is malformed. Then a model with all of it, truncated at every byte, with every bit flipped, and
 * with every allocation failing once.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "onnx/import.h"
#include "onnx/onnx.h"
#include "tests/unit/build_model.h"

/* -- helpers ------------------------------------------------------------------------------------------------------- */

static linnet_status load(builder *b, const Onnx__ModelProto *m, const linnet_load_options *options,
                          linnet_model **model, linnet_error *error)
{
    size_t size;
    const uint8_t *bytes = b_pack(b, m, &size);
    return linnet_model_load_memory(model, bytes, size, options, error);
}

static linnet_model *load_ok(builder *b, const Onnx__ModelProto *m)
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
static void load_fails(builder *b, const Onnx__ModelProto *m, linnet_status status, const char *words)
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

static int32_t value_named(const ln_graph *g, const char *name)
{
    for (int32_t v = 0; v < g->n_values; v++)
        if (strcmp(g->values[v].name, name) == 0)
            return v;
    fail_msg("no value '%s'", name);
    return -1;
}

static const int64_t three[] = {3}, two_two[] = {2, 2}, none[] = {0};

/* x -> Relu -> y, to which tests add what is wrong. */
static Onnx__ModelProto *relu(builder *b)
{
    Onnx__ModelProto *m = b_model(b);
    ADD(b, m->graph, input, b_value(b, "x", LINNET_FLOAT32, 1, three));
    ADD(b, m->graph, output, b_value(b, "y", LINNET_FLOAT32, 1, three));
    ADD(b, m->graph, node, b_node(b, "", "Relu", "x", "y"));
    return m;
}

/* -- element types ------------------------------------------------------------------------------------------------- */

static void fill_typed(builder *b, Onnx__TensorProto *t, linnet_type type, size_t n)
{
    size_t entries = n / (size_t)ln_per_byte(type) + (n % (size_t)ln_per_byte(type) != 0);
    for (size_t i = 0; i < (type == LINNET_COMPLEX64 || type == LINNET_COMPLEX128 ? 2 * n : entries); i++) {
        switch (type) {
        case LINNET_FLOAT32:
        case LINNET_COMPLEX64:
            ADD(b, t, float_data, (float)i + 0.5f);
            break;
        case LINNET_FLOAT64:
        case LINNET_COMPLEX128:
            ADD(b, t, double_data, (double)i + 0.5);
            break;
        case LINNET_INT64:
            ADD(b, t, int64_data, (int64_t)i - 2);
            break;
        case LINNET_UINT32:
        case LINNET_UINT64:
            ADD(b, t, uint64_data, i * 1000);
            break;
        case LINNET_STRING:
            ADD(b, t, string_data, ((ProtobufCBinaryData){i, (uint8_t *)b_text(b, "abcdefgh")}));
            break;
        case LINNET_BOOL:
            ADD(b, t, int32_data, (int32_t)i % 2);
            break;
        default:
            ADD(b, t, int32_data, ln_per_byte(type) > 1 ? 0xb1 + (int32_t)i : (int32_t)i + 3);
        }
    }
}

/* The constant as the graph has it. */
static const ln_info *constant_of(const linnet_model *model)
{
    const ln_info *info = &model->graph->values[value_named(model->graph, "w")].info;
    assert_non_null(info->data);
    return info;
}

static void same_elements(const ln_info *a, const ln_info *b)
{
    assert_int_equal(a->type, b->type);
    assert_int_equal(a->rank, b->rank);
    int64_t n = ln_info_count(a);
    assert_int_equal(n, ln_info_count(b));
    if (a->type != LINNET_STRING) {
        assert_memory_equal(a->data, b->data, ln_info_bytes(a));
        return;
    }
    const linnet_string *s = a->data, *t = b->data;
    for (int64_t i = 0; i < n; i++) {
        assert_int_equal(s[i].size, t[i].size);
        assert_memory_equal(s[i].data, t[i].data, s[i].size);
    }
}

/* Typed storage, then (written by us) raw storage; both with one element too many. */
static void every_type(void **state)
{
    (void)state;
    for (int type = LINNET_FLOAT32; type < LINNET_TYPE_COUNT; type++) {
        for (int64_t n = 0; n < 8; n += 1 + 2 * (n == 5)) {
            builder b;
            builder_init(&b);
            Onnx__ModelProto *m = relu(&b);
            Onnx__TensorProto *t = b_tensor(&b, "w", type, 1, &n);
            fill_typed(&b, t, (linnet_type)type, (size_t)n);
            ADD(&b, m->graph, initializer, t);
            ADD(&b, m->graph, output, b_value(&b, "w", type, 1, &n));
            linnet_model *typed = load_ok(&b, m);
            char path[] = "/tmp/linnet-loader-XXXXXX";
            int fd = mkstemp(path);
            assert_true(fd >= 0);
            close(fd);
            linnet_error error;
            assert_int_equal(ln_onnx_write(typed->graph, typed, path, &error), LINNET_OK);
            linnet_model *raw;
            assert_int_equal(linnet_model_load_file(&raw, path, NULL, &error), LINNET_OK);
            unlink(path);
            same_elements(constant_of(typed), constant_of(raw));
            linnet_model_free(typed);
            linnet_model_free(raw);
            if (n > 0) {
                t->dims[0] = 9;
                load_fails(&b, m, LINNET_ERR_MODEL, "expected");
            }
            builder_free(&b);
        }
    }
}

static void small_types(void **state)
{
    (void)state;
    static const struct {
        linnet_type type;
        uint8_t packed[3];
        int8_t elements[4];
        int64_t n;
    } cases[] = {{LINNET_INT4, {0x9f}, {-1, -7, 0, 0}, 2},
                 {LINNET_UINT4, {0x9f}, {15, 9, 0, 0}, 2},
                 {LINNET_FLOAT4E2M1, {0x9f}, {15, 9, 0, 0}, 2},
                 {LINNET_INT2, {0x93}, {-1, 0, 1, -2}, 4},
                 {LINNET_UINT2, {0x93}, {3, 0, 1, 2}, 4},
                 {LINNET_FLOAT6E2M3, {0x81, 0x30, 0xfc}, {1, 2, 3, 63}, 4},
                 {LINNET_FLOAT6E3M2, {0x81, 0x30, 0xfc}, {1, 2, 3, 63}, 4},
                 {LINNET_FLOAT6E3M2, {0xff, 0x0f}, {63, 63, 0, 0}, 2}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        builder b;
        builder_init(&b);
        int64_t n = cases[i].n;
        Onnx__ModelProto *m = relu(&b);
        Onnx__TensorProto *t = b_tensor(&b, "w", (int32_t)cases[i].type, 1, &n);
        b_raw(&b, t, cases[i].packed, ln_packed_size(cases[i].type, n));
        ADD(&b, m->graph, initializer, t);
        linnet_model *model = load_ok(&b, m);
        assert_memory_equal(constant_of(model)->data, cases[i].elements, (size_t)n);
        linnet_model_free(model);
        builder_free(&b);
    }
}

static void bool_is_0_or_1(void **state)
{
    (void)state;
    builder b;
    builder_init(&b);
    Onnx__ModelProto *m = relu(&b);
    Onnx__TensorProto *t = b_tensor(&b, "w", LINNET_BOOL, 1, three);
    b_raw(&b, t, "\0\1\7", 3);
    ADD(&b, m->graph, initializer, t);
    linnet_model *model = load_ok(&b, m);
    assert_memory_equal(constant_of(model)->data, "\0\1\1", 3);
    linnet_model_free(model);
    builder_free(&b);
}

/* Weights that are decoded into a block are the graph's, not a copy. */
static void large_weights_exist_once(void **state)
{
    (void)state;
    builder b;
    builder_init(&b);
    int64_t n = 1 << 20;
    Onnx__ModelProto *m = relu(&b);
    Onnx__TensorProto *t = b_tensor(&b, "w", LINNET_FLOAT32, 1, &n);
    float *data = must(ln_arena_zalloc(&b.arena, (size_t)n * 4, 8));
    data[n - 1] = 3;
    b_raw(&b, t, data, (size_t)n * 4);
    ADD(&b, m->graph, initializer, t);
    linnet_model *model;
    linnet_error error;
    linnet_load_options options = {.max_bytes = (uint64_t)n * 4 * 3 / 2};
    assert_int_equal(load(&b, m, &options, &model, &error), LINNET_OK);
    assert_true(((const float *)constant_of(model)->data)[n - 1] == 3);
    assert_int_equal((uintptr_t)constant_of(model)->data % 64, 0);
    linnet_model_free(model);
    options.max_bytes = (uint64_t)n * 2;
    assert_int_equal(load(&b, m, &options, &model, &error), LINNET_ERR_MEMORY);
    builder_free(&b);
}

static void sparse(void **state)
{
    (void)state;
    builder b;
    builder_init(&b);
    static const int64_t dims[] = {2, 3}, two[] = {2};
    Onnx__ModelProto *m = relu(&b);
    Onnx__SparseTensorProto *s = must(ln_write_new(&b.arena, &onnx__sparse_tensor_proto__descriptor));
    s->values = b_tensor(&b, "w", LINNET_INT64, 1, two);
    s->indices = b_tensor(&b, "", LINNET_INT64, 2, two_two);
    ADD(&b, s, dims, dims[0]);
    ADD(&b, s, dims, dims[1]);
    ADD(&b, s->values, int64_data, 7);
    ADD(&b, s->values, int64_data, 8);
    for (int i = 0; i < 4; i++)
        ADD(&b, s->indices, int64_data, ((const int64_t[]){0, 1, 1, 2})[i]);
    ADD(&b, m->graph, sparse_initializer, s);
    linnet_model *model = load_ok(&b, m);
    static const int64_t dense[] = {0, 7, 0, 0, 0, 8};
    assert_memory_equal(constant_of(model)->data, dense, sizeof dense);
    linnet_model_free(model);
    s->indices->int64_data[3] = 3;
    load_fails(&b, m, LINNET_ERR_MODEL, "out of range");
    builder_free(&b);
}

/* -- external data ------------------------------------------------------------------------------------------------- */

typedef struct folder {
    char path[64], inside[80];
} folder;

static void make_file(const char *path, size_t size)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    for (size_t i = 0; i < size; i++)
        fputc((int)(i & 63), f);
    fclose(f);
}

static void make_folder(folder *f)
{
    snprintf(f->path, sizeof f->path, "/tmp/linnet-loader-XXXXXX");
    assert_non_null(mkdtemp(f->path));
    snprintf(f->inside, sizeof f->inside, "%s/in", f->path);
    char path[160];
    assert_int_equal(mkdir(f->inside, 0777), 0);
    snprintf(path, sizeof path, "%s/out.bin", f->path);
    make_file(path, 256);
    snprintf(path, sizeof path, "%s/w.bin", f->inside);
    make_file(path, 256);
    snprintf(path, sizeof path, "%s/link.bin", f->inside);
    assert_int_equal(symlink("../out.bin", path), 0);
}

static void remove_folder(const folder *f)
{
    static const char *const names[] = {"in/w.bin", "in/link.bin", "out.bin"};
    char path[160];
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", f->path, names[i]);
        unlink(path);
    }
    rmdir(f->inside);
    rmdir(f->path);
}

static linnet_status load_external(const folder *f, const char *location, const char *offset, const char *length,
                                   linnet_model **model, linnet_error *error)
{
    builder b;
    builder_init(&b);
    Onnx__ModelProto *m = relu(&b);
    Onnx__TensorProto *t = b_tensor(&b, "w", LINNET_FLOAT32, 2, two_two);
    b_external(&b, t, "location", location);
    if (offset)
        b_external(&b, t, "offset", offset);
    if (length)
        b_external(&b, t, "length", length);
    ADD(&b, m->graph, initializer, t);
    linnet_load_options options = {.folder = f ? f->inside : NULL};
    linnet_status st = load(&b, m, &options, model, error);
    builder_free(&b);
    return st;
}

static void external_data(void **state)
{
    (void)state;
    folder f;
    make_folder(&f);
    linnet_model *model;
    linnet_error error;
    assert_int_equal(load_external(&f, "w.bin", "16", "16", &model, &error), LINNET_OK);
    assert_int_equal(((const uint8_t *)constant_of(model)->data)[1], 17);
    linnet_model_free(model);
    assert_int_equal(load_external(&f, "./w.bin", "17", NULL, &model, &error), LINNET_OK); /* not aligned: copied */
    assert_int_equal(((const uint8_t *)constant_of(model)->data)[1], 18);
    assert_int_equal((uintptr_t)constant_of(model)->data % 4, 0);
    linnet_model_free(model);
    static const struct {
        const char *location, *offset, *length;
        linnet_status status;
        const char *words;
    } wrong[] = {
        {"../out.bin", NULL, NULL, LINNET_ERR_MODEL, "not in the model's folder"},
        {"a/../../out.bin", NULL, NULL, LINNET_ERR_MODEL, "not in the model's folder"},
        {"/etc/passwd", NULL, NULL, LINNET_ERR_MODEL, "not in the model's folder"},
        {"link.bin", NULL, NULL, LINNET_ERR_MODEL, "leads out"},
        {"missing.bin", NULL, NULL, LINNET_ERR_IO, "cannot open"},
        {".", NULL, NULL, LINNET_ERR_MODEL, ""},
        {"w.bin", "248", NULL, LINNET_ERR_MODEL, "has 256"},
        {"w.bin", "18446744073709551608", NULL, LINNET_ERR_MODEL, "has 256"},
        {"w.bin", "-1", NULL, LINNET_ERR_MODEL, "entry 'offset'"},
        {"w.bin", "0", "12", LINNET_ERR_MODEL, "expected 16"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        linnet_status st = load_external(&f, wrong[i].location, wrong[i].offset, wrong[i].length, &model, &error);
        if (!wrong[i].words[0])
            assert_int_not_equal(st, LINNET_OK);
        else
            assert_int_equal(st, wrong[i].status);
        if (!strstr(error.text, wrong[i].words))
            fail_msg("'%s' does not say '%s'", error.text, wrong[i].words);
    }
    assert_int_equal(load_external(NULL, "w.bin", NULL, NULL, &model, &error), LINNET_ERR_ARGUMENT);
    remove_folder(&f);
}

/* -- bodies and functions ------------------------------------------------------------------------------------------ */

/* then: y = a + c;  else: y = -b, where a, b are inputs and c a constant of the outer graph. */
static Onnx__ModelProto *conditional(builder *b)
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

/* scale(x) = Elu(x, alpha) + x, with alpha 2 unless the call gives it. */
static Onnx__FunctionProto *scale_function(builder *b)
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

/* -- malformed models ---------------------------------------------------------------------------------------------- */

static void malformed(void **state)
{
    (void)state;
    builder b;
    builder_init(&b);
    Onnx__ModelProto *m = relu(&b);
    m->ir_version = 2;
    load_fails(&b, m, LINNET_ERR_UNSUPPORTED, "IR version 2");
    m = relu(&b);
    m->opset_import[0]->version = 29;
    load_fails(&b, m, LINNET_ERR_UNSUPPORTED, "opset version 29 of ai.onnx");
    m = relu(&b);
    m->n_opset_import = 0;
    load_fails(&b, m, LINNET_ERR_MODEL, "no opset version of ai.onnx");
    m = relu(&b);
    m->graph->node[0]->input[0] = b_text(&b, "nothing");
    load_fails(&b, m, LINNET_ERR_MODEL, "Relu 'y': input 0, 'nothing'");
    m = relu(&b);
    ADD(&b, m->graph, node, b_node(&b, "", "Neg", "x", "y"));
    load_fails(&b, m, LINNET_ERR_MODEL, "Neg 'y': output 'y' is the name of another value");
    m = relu(&b);
    m->graph->node[0] = b_node(&b, "", "Add", "x,h", "y");
    ADD(&b, m->graph, node, b_node(&b, "", "Neg", "y", "h"));
    load_fails(&b, m, LINNET_ERR_MODEL, "cycle");
    m = relu(&b);
    m->graph->output[0]->name = b_text(&b, "z");
    load_fails(&b, m, LINNET_ERR_MODEL, "output 'z'");
    m = relu(&b);
    m->graph->input[0]->type->tensor_type->elem_type = 99;
    load_fails(&b, m, LINNET_ERR_MODEL, "element type 99");
    m = relu(&b);
    m->graph->input[0]->type->tensor_type->shape->dim[0]->dim_value = -3;
    load_fails(&b, m, LINNET_ERR_MODEL, "'x': dimension 0 is -3");
    m = relu(&b);
    m->graph->node[0]->op_type = NULL;
    load_fails(&b, m, LINNET_ERR_MODEL, "no operator type");
    m = relu(&b);
    ADD(&b, m->graph->node[0], attribute, b_attr(&b, "k", 77));
    load_fails(&b, m, LINNET_ERR_MODEL, "type 77");
    m = relu(&b);
    ADD(&b, m->graph->node[0], attribute, b_attr_i(&b, "k", 1));
    ADD(&b, m->graph->node[0], attribute, b_attr_i(&b, "k", 1));
    load_fails(&b, m, LINNET_ERR_MODEL, "'k' is given twice");
    m = relu(&b);
    ADD(&b, m->graph->node[0], attribute, b_attr_i(&b, "linnet.act", 1));
    load_fails(&b, m, LINNET_ERR_MODEL, "'linnet.act': a file may hold none");
    m = relu(&b);
    ADD(&b, m->graph->node[0], attribute, b_attr_ref(&b, "k", 2, "k"));
    load_fails(&b, m, LINNET_ERR_MODEL, "of a function");
    static const int64_t huge[] = {INT64_C(1) << 40, INT64_C(1) << 40}, negative[] = {-1};
    m = relu(&b);
    ADD(&b, m->graph, initializer, b_tensor(&b, "w", LINNET_FLOAT32, 2, huge));
    load_fails(&b, m, LINNET_ERR_MODEL, "too large");
    m = relu(&b);
    ADD(&b, m->graph, initializer, b_tensor(&b, "w", LINNET_FLOAT32, 1, huge));
    load_fails(&b, m, LINNET_ERR_MODEL, "'w' has 0 entries");
    m = relu(&b);
    ADD(&b, m->graph, initializer, b_tensor(&b, "w", LINNET_FLOAT32, 1, negative));
    load_fails(&b, m, LINNET_ERR_MODEL, "'w': dimension 0 is -1");
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

static void deep_nesting(void **state)
{
    (void)state;
    for (int depth = 30; depth <= 3000; depth += 2970) {
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

/* -- broken bytes and broken memory -------------------------------------------------------------------------------- */

/* A model with a bit of everything. */
static Onnx__ModelProto *everything(builder *b)
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
    fill_typed(b, text, LINNET_STRING, 3);
    ADD(b, g, initializer, text);
    g->input[1]->type->tensor_type->shape->dim[0]->has_dim_value = 0;
    g->input[1]->type->tensor_type->shape->dim[0]->dim_param = b_text(b, "batch");
    return m;
}

typedef struct counter {
    long live, calls, fail_at;
} counter;

static void *counted_alloc(void *user, size_t bytes, size_t align)
{
    counter *c = user;
    if (++c->calls == c->fail_at)
        return NULL;
    c->live++;
    return aligned_alloc(align, (bytes + align - 1) / align * align);
}

static void counted_free(void *user, void *block)
{
    counter *c = user;
    c->live--;
    free(block);
}

/* Loads from a copy of exactly that size, so that a sanitizer sees what is read beyond it. */
static linnet_status load_exactly(const uint8_t *bytes, size_t size, counter *c, linnet_error *error)
{
    linnet_allocator allocator = {counted_alloc, counted_free, c};
    linnet_load_options options = {.allocator = &allocator, .max_bytes = 16 << 20};
    uint8_t *copy = must(malloc(size + (size == 0)));
    memcpy(copy, bytes, size);
    linnet_model *model;
    linnet_status st = linnet_model_load_memory(&model, copy, size, &options, error);
    free(copy);
    c->fail_at = 0;
    if (st == LINNET_OK) {
        const char *wrong = ln_graph_verify(model->graph);
        if (wrong)
            fail_msg("%s", wrong);
        linnet_model_free(model);
    }
    assert_int_equal(c->live, 0);
    return st;
}

static void truncated_everywhere(void **state)
{
    (void)state;
    builder b;
    builder_init(&b);
    size_t size;
    const uint8_t *bytes = b_pack(&b, everything(&b), &size);
    linnet_error error;
    counter c = {0};
    assert_int_equal(load_exactly(bytes, size, &c, &error), LINNET_OK);
    for (size_t n = 0; n < size; n++)
        if (load_exactly(bytes, n, &c, &error) != LINNET_OK)
            assert_true(error.text[0] != '\0');
    builder_free(&b);
}

static void every_bit_flipped(void **state)
{
    (void)state;
    builder b;
    builder_init(&b);
    size_t size;
    uint8_t *bytes = b_pack(&b, everything(&b), &size);
    linnet_error error;
    counter c = {0};
    for (size_t i = 0; i < size * 8; i++) {
        bytes[i / 8] ^= (uint8_t)(1u << i % 8);
        if (load_exactly(bytes, size, &c, &error) != LINNET_OK)
            assert_true(error.text[0] != '\0');
        bytes[i / 8] ^= (uint8_t)(1u << i % 8);
    }
    builder_free(&b);
}

static void every_allocation_fails_once(void **state)
{
    (void)state;
    builder b;
    builder_init(&b);
    Onnx__ModelProto *m = everything(&b);
    int64_t n = 40000; /* large tensors have blocks of their own, many nodes fill many chunks */
    char name[16], next[16];
    for (int i = 0; i < 300; i++) {
        snprintf(name, sizeof name, "n%d", i);
        snprintf(next, sizeof next, "n%d", i + 1);
        ADD(&b, m->graph, node, b_node(&b, "", "Relu", i ? name : "a", next));
        if (i % 50)
            continue;
        Onnx__TensorProto *large = b_tensor(&b, next + 1, LINNET_INT8, 1, &n);
        b_raw(&b, large, must(ln_arena_zalloc(&b.arena, (size_t)n, 8)), (size_t)n);
        ADD(&b, m->graph, initializer, large);
    }
    size_t size;
    const uint8_t *bytes = b_pack(&b, m, &size);
    linnet_error error;
    long failed = 0;
    for (long k = 1;; k++) {
        counter c = {.fail_at = k};
        linnet_status st = load_exactly(bytes, size, &c, &error);
        if (st == LINNET_OK)
            break;
        assert_int_equal(st, LINNET_ERR_MEMORY);
        failed++;
    }
    assert_true(failed >= 15);
    builder_free(&b);
}

/* -- the writer ---------------------------------------------------------------------------------------------------- */

static linnet_model *rewritten(const linnet_model *model)
{
    char path[] = "/tmp/linnet-loader-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    linnet_error error;
    if (ln_onnx_write(model->graph, model, path, &error) != LINNET_OK)
        fail_msg("%s", error.text);
    linnet_model *again;
    if (linnet_model_load_file(&again, path, NULL, &error) != LINNET_OK)
        fail_msg("%s", error.text);
    unlink(path);
    const char *wrong = ln_graph_verify(again->graph);
    if (wrong)
        fail_msg("%s", wrong);
    return again;
}

static void same_graph(const ln_graph *a, const ln_graph *b)
{
    int32_t i = a->first, j = b->first;
    assert_int_equal(a->n_inputs, b->n_inputs);
    assert_int_equal(a->n_outputs, b->n_outputs);
    for (; i >= 0 && j >= 0; i = a->nodes[i].next, j = b->nodes[j].next) {
        const ln_node *n = &a->nodes[i], *o = &b->nodes[j];
        assert_string_equal(n->type, o->type);
        assert_int_equal(n->version, o->version);
        assert_int_equal(n->n_in, o->n_in);
        assert_int_equal(n->n_out, o->n_out);
        for (int32_t k = 0; k < n->n_attrs; k++)
            if (n->attrs[k].kind == LN_ATTR_GRAPH)
                same_graph(n->attrs[k].graph, o->attrs[k].graph);
    }
    assert_int_equal(i, j);
}

static void written_and_read(void **state)
{
    (void)state;
    builder b;
    builder_init(&b);
    linnet_model *model = load_ok(&b, everything(&b));
    linnet_model *again = rewritten(model);
    same_graph(model->graph, again->graph);
    for (size_t i = 0; i < linnet_model_input_count(model); i++) {
        const linnet_value_info *x = linnet_model_input(model, i), *y = linnet_model_input(again, i);
        assert_string_equal(x->name, y->name);
        assert_int_equal(x->type, y->type);
        assert_int_equal(x->rank, y->rank);
    }
    assert_string_equal(linnet_model_input(again, 1)->dim_names[0], "batch");
    assert_string_equal(linnet_model_metadata(again, "producer"), "a test");
    linnet_model_free(model);
    linnet_model_free(again);
    builder_free(&b);
}

/* A node of opset 9 beside one of opset 22: what cannot be written under 22 becomes a function and comes back. */
static void mixed_versions(void **state)
{
    (void)state;
    builder b;
    builder_init(&b);
    Onnx__ModelProto *m = relu(&b);
    m->opset_import[0]->version = 9;
    m->graph->node[0] = b_node(&b, "", "Softmax", "x", "s");
    Onnx__NodeProto *squeeze = b_node(&b, "", "Unsqueeze", "s", "u");
    Onnx__AttributeProto *axes = b_attr(&b, "axes", 7);
    ADD(&b, axes, ints, 0);
    ADD(&b, squeeze, attribute, axes);
    ADD(&b, m->graph, node, squeeze);
    ADD(&b, m->graph, node, b_node(&b, "", "Elu", "u", "y"));
    linnet_model *model = load_ok(&b, m);
    ln_graph *g = model->graph;
    int32_t y = value_named(g, "y"), elu = g->values[y].producer, in = g->nodes[elu].in[0];
    ln_graph_kill(g, elu);
    assert_true(ln_graph_insert_at(g, LN_NO_NODE, "", 22, "Elu", "", 1, &in, 1, &y, 0, NULL) >= 0);
    linnet_model *again = rewritten(model);
    const ln_graph *h = again->graph;
    assert_int_equal(ln_graph_opset(h, ""), g->nodes[g->last].version);
    const ln_node *softmax = &h->nodes[h->first];
    assert_string_equal(softmax->type, "Softmax");
    assert_int_equal(softmax->version, g->nodes[g->first].version);
    const ln_node *unsqueeze = &h->nodes[softmax->next];
    assert_int_equal(unsqueeze->n_in, 2);
    assert_int_equal(((const int64_t *)h->values[unsqueeze->in[1]].info.data)[0], 0);
    assert_int_equal(unsqueeze->n_attrs, 0);
    linnet_model_free(again);
    linnet_model_free(model);
    builder_free(&b);
}

/* The file is there as a whole, or not at all. */
static void writing_out_of_memory(void **state)
{
    (void)state;
    builder b;
    builder_init(&b);
    size_t size;
    const uint8_t *bytes = b_pack(&b, everything(&b), &size);
    counter c = {0};
    linnet_allocator allocator = {counted_alloc, counted_free, &c};
    linnet_load_options options = {.allocator = &allocator};
    linnet_model *model;
    linnet_error error;
    assert_int_equal(linnet_model_load_memory(&model, bytes, size, &options, &error), LINNET_OK);
    char place[] = "/tmp/linnet-loader-XXXXXX", path[64];
    assert_non_null(mkdtemp(place));
    snprintf(path, sizeof path, "%s/m.onnx", place);
    long failed = 0, live = c.live;
    for (;; failed++) {
        c.fail_at = c.calls + 1 + failed;
        linnet_status st = ln_onnx_write(model->graph, model, path, &error);
        c.fail_at = 0;
        assert_int_equal(c.live, live);
        if (st == LINNET_OK)
            break;
        assert_int_equal(st, LINNET_ERR_MEMORY);
        assert_int_equal(rmdir(place), 0); /* it is empty */
        assert_int_equal(mkdir(place, 0777), 0);
    }
    assert_true(failed >= 2);
    unlink(path);
    rmdir(place);
    linnet_model_free(model);
    builder_free(&b);
}

static void values_in_files(void **state)
{
    (void)state;
    ln_memory memory;
    ln_arena arena;
    ln_memory_init(&memory, NULL, 0);
    ln_arena_init(&arena, &memory);
    static float data[] = {1, 2, 3};
    static int64_t keys[] = {5, 6, 7};
    linnet_value tensor = {.kind = LINNET_TENSOR, .type = LINNET_FLOAT32, .rank = 1, .dims = {3}, .data = data};
    linnet_value items[] = {tensor, tensor};
    linnet_value list = {.kind = LINNET_SEQUENCE, .type = LINNET_FLOAT32, .n_items = 2, .items = items};
    linnet_value columns[] = {{.kind = LINNET_TENSOR, .type = LINNET_INT64, .rank = 1, .dims = {3}, .data = keys},
                              tensor};
    linnet_value map = {.kind = LINNET_MAP, .type = LINNET_FLOAT32, .n_items = 3, .items = columns};
    linnet_value nothing = {.kind = LINNET_NONE};
    const linnet_value *const values[] = {&tensor, &list, &map, &nothing};
    char path[] = "/tmp/linnet-loader-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        linnet_error error;
        assert_int_equal(ln_onnx_write_tensor(values[i], "v", path, &error), LINNET_OK);
        FILE *f = fopen(path, "rb");
        uint8_t bytes[1000];
        size_t size = fread(bytes, 1, sizeof bytes, f);
        fclose(f);
        linnet_value back = {.kind = values[i]->kind ? values[i]->kind : LINNET_OPTIONAL};
        assert_int_equal(ln_onnx_read_tensor(bytes, size, &back, &arena, &error), LINNET_OK);
        assert_int_equal(back.kind, values[i]->kind);
        assert_int_equal(back.n_items, values[i]->n_items);
        if (back.kind == LINNET_TENSOR)
            assert_memory_equal(back.data, data, sizeof data);
        if (back.kind == LINNET_SEQUENCE)
            assert_memory_equal(back.items[1].data, data, sizeof data);
        if (back.kind == LINNET_MAP) {
            assert_memory_equal(back.items[0].data, keys, sizeof keys);
            assert_memory_equal(back.items[1].data, data, sizeof data);
        }
    }
    unlink(path);
    linnet_error error;
    assert_int_equal(ln_onnx_write_tensor(&tensor, "v", "/nowhere/at/all.pb", &error), LINNET_ERR_IO);
    ln_arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_type),
        cmocka_unit_test(small_types),
        cmocka_unit_test(bool_is_0_or_1),
        cmocka_unit_test(large_weights_exist_once),
        cmocka_unit_test(sparse),
        cmocka_unit_test(external_data),
        cmocka_unit_test(captures),
        cmocka_unit_test(nested_captures),
        cmocka_unit_test(functions),
        cmocka_unit_test(function_bomb),
        cmocka_unit_test(malformed),
        cmocka_unit_test(unknown_operators_load),
        cmocka_unit_test(nodes_in_any_order),
        cmocka_unit_test(deep_nesting),
        cmocka_unit_test(truncated_everywhere),
        cmocka_unit_test(every_bit_flipped),
        cmocka_unit_test(every_allocation_fails_once),
        cmocka_unit_test(written_and_read),
        cmocka_unit_test(mixed_versions),
        cmocka_unit_test(writing_out_of_memory),
        cmocka_unit_test(values_in_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
