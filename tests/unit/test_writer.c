/* SPDX-License-Identifier: Apache-2.0
 *
 * The writer: what it wrote is read back as the same graph, with nodes of several versions of an operator; a file is
 * there as a whole or not at all; values in files of their own.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "tests/unit/load_model.h"

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
    assert_true(failed >= 1);
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
        cmocka_unit_test(written_and_read),
        cmocka_unit_test(mixed_versions),
        cmocka_unit_test(writing_out_of_memory),
        cmocka_unit_test(values_in_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
