/* SPDX-License-Identifier: Apache-2.0
 *
 * What the loader must refuse, and say why: malformed models; a model with a bit of everything, truncated at every
 * byte, with every bit flipped, and with every allocation failing once.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/load_model.h"

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
    load_fails(&b, m, LINNET_ERR_MODEL, sizeof(size_t) > 4 ? "'w' has 0 entries" : "too large");
    m = relu(&b);
    ADD(&b, m->graph, initializer, b_tensor(&b, "w", LINNET_FLOAT32, 1, negative));
    load_fails(&b, m, LINNET_ERR_MODEL, "'w': dimension 0 is -1");
    builder_free(&b);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(malformed),
        cmocka_unit_test(truncated_everywhere),
        cmocka_unit_test(every_bit_flipped),
        cmocka_unit_test(every_allocation_fails_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
