/* SPDX-License-Identifier: Apache-2.0
 *
 * Operators of 16-bit floats: in float32 between casts as element by element. Elements and sums are small whole
 * numbers, which every type has, so that results are equal to the bit.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/session.h"
#include "kernels/gemm.h"
#include "kernels/half.h"
#include "kernels/kernels.h"

/* Few channels, which are packed as float32, and as many as a product reads in 16 bits. */
enum { FEW = 4, CHANNELS = 32, SIDE = 9, WINDOW = 3, TAPS = WINDOW * WINDOW, PIXELS = SIDE * SIDE };

static int64_t x_dims[] = {1, FEW, SIDE, SIDE}, w_dims[] = {FEW, FEW, WINDOW, WINDOW}, b_dims[] = {FEW};
static uint16_t x_data[CHANNELS * PIXELS], w_data[CHANNELS * CHANNELS * TAPS], b_data[CHANNELS], ones_data[CHANNELS];
enum { THREES = 99 }; /* the attribute is a window of 3 x 3 */

/* Whole numbers from -2 to 2. */
static void fill(uint16_t *to, size_t n, linnet_type type, uint32_t seed)
{
    for (size_t i = 0; i < n; i++) {
        seed = seed * 1664525 + 1013904223;
        float v = (float)(seed >> 24) / 51 - 2;
        v = (float)(int)v;
        to[i] = type == LINNET_FLOAT16 ? ln_f32_to_f16(v) : (uint16_t)(ln_float_bits(v) >> 16);
    }
}

static linnet_model *build(const char *op, linnet_type type, bool bias)
{
    static const ln_opset opsets[] = {{"", 22}};
    linnet_model *m = ln_model_new(NULL);
    assert_non_null(m);
    ln_graph *g = m->graph;
    g->opsets = opsets;
    g->n_opsets = 1;
    int32_t in[3] = {ln_graph_value(g, "x"), LN_NO_VALUE, LN_NO_VALUE}, out = ln_graph_value(g, "y");
    assert_true(in[0] >= 0 && out >= 0);
    ln_info *info = &g->values[in[0]].info;
    *info = (ln_info){.kind = LINNET_TENSOR, .type = (uint8_t)type, .rank = 4};
    memcpy(info->dims, x_dims, sizeof x_dims);
    assert_true(ln_graph_add_input(g, in[0]));
    in[1] = ln_graph_constant(g, "", type, 4, w_dims, w_data);
    if (bias)
        in[2] = ln_graph_constant(g, "", type, 1, b_dims, b_data);
    assert_true(ln_graph_insert(g, LN_NO_NODE, "", op, "", bias ? 3 : 2, in, 1, &out, 0, NULL) >= 0);
    assert_true(ln_graph_set_outputs(g, &out, 1));
    linnet_error e = {0};
    assert_int_equal(ln_model_declare(m, &e), LINNET_OK);
    return m;
}

/* An operator of x, with a constant or none more and an integer attribute. */
typedef struct other {
    const char *op, *attr;
    int64_t value;
    int n_in; /* 5: the constants of BatchNormalization */
} other;

static linnet_model *build_other(const other *o, linnet_type type)
{
    static const ln_opset opsets[] = {{"", 22}};
    static const int64_t threes[] = {3, 3};
    linnet_model *m = ln_model_new(NULL);
    assert_non_null(m);
    ln_graph *g = m->graph;
    g->opsets = opsets;
    g->n_opsets = 1;
    int32_t in[5] = {ln_graph_value(g, "x")}, out = ln_graph_value(g, "y");
    assert_true(in[0] >= 0 && out >= 0);
    ln_info *info = &g->values[in[0]].info;
    *info = (ln_info){.kind = LINNET_TENSOR, .type = (uint8_t)type, .rank = 4};
    memcpy(info->dims, x_dims, sizeof x_dims);
    assert_true(ln_graph_add_input(g, in[0]));
    for (int i = 1; i < o->n_in; i++)
        in[i] = ln_graph_constant(g, "", type, 1, b_dims, i == 4 ? ones_data : b_data);
    ln_attr attrs[2] = {{.name = o->attr, .kind = LN_ATTR_INTLIST, .n = 2, .ints = threes},
                        {.name = o->attr, .kind = LN_ATTR_INT, .i = o->value}};
    assert_true(ln_graph_insert(g, LN_NO_NODE, "", o->op, "", o->n_in, in, 1, &out, o->attr != NULL,
                                attrs + (o->value != THREES)) >= 0);
    assert_true(ln_graph_set_outputs(g, &out, 1));
    linnet_error e = {0};
    assert_int_equal(ln_model_declare(m, &e), LINNET_OK);
    return m;
}

static linnet_session *run(const linnet_model *m, linnet_type type, const char *without)
{
    linnet_error e = {0};
    linnet_session *s;
    linnet_session_options options = {.disable_passes = without};
    assert_int_equal(linnet_session_create(&s, m, &options, &e), LINNET_OK);
    assert_int_equal(linnet_session_set_tensor(s, "x", type, 4, x_dims, x_data, &e), LINNET_OK);
    assert_int_equal(linnet_session_run(s, &e), LINNET_OK);
    return s;
}

static int casts(const linnet_session *s)
{
    const ln_plan *plan = s->current->plan;
    int n = 0;
    for (int32_t i = 0; i < plan->n_steps; i++)
        n += strcmp(plan->graph->nodes[plan->steps[i].node].type, "Cast") == 0;
    return n;
}

static void test_widen(void **state)
{
    (void)state;
    static const char *const ops[] = {"Conv", "ConvTranspose"};
    static const linnet_type types[] = {LINNET_FLOAT16, LINNET_BFLOAT16};
    for (int k = 0; k < 16; k++) {
        linnet_type type = types[k % 2];
        x_dims[1] = w_dims[0] = w_dims[1] = b_dims[0] = k < 8 ? FEW : CHANNELS;
        fill(x_data, sizeof x_data / 2, type, 1);
        fill(w_data, sizeof w_data / 2, type, 2);
        fill(b_data, sizeof b_data / 2, type, 3);
        linnet_model *m = build(ops[k / 2 % 2], type, k / 4 % 2);
        linnet_session *with = run(m, type, "winograd"), *without = run(m, type, "widen");
        assert_int_equal(casts(with), 2); /* of the image and of what comes out */
        assert_int_equal(casts(without), 0);
        /* Conv whose channels fill a panel (others are computed for several pixels at once): two bytes for each weight
         */
        if (k >= 8 && k / 2 % 2 == 0 && LN_D(gemm_f32)->nr <= CHANNELS)
            assert_true(with->current->plan->packed_bytes < 3 * CHANNELS * CHANNELS * TAPS);
        const linnet_value *a = linnet_session_output(with, "y"), *b = linnet_session_output(without, "y");
        assert_int_equal(a->type, type);
        assert_int_equal(b->type, type);
        assert_int_equal(a->rank, 4);
        assert_memory_equal(a->dims, b->dims, 4 * sizeof *a->dims);
        assert_memory_equal(a->data, b->data, (size_t)linnet_value_count(a) * 2);
        linnet_session_free(with);
        linnet_session_free(without);
        linnet_model_free(m);
    }
}

static void test_others(void **state)
{
    (void)state;
    static const other others[] = {{"MaxPool", "kernel_shape", THREES, 1},
                                   {"GlobalMaxPool", NULL, 0, 1},
                                   {"BatchNormalization", NULL, 0, 5},
                                   {"ArgMax", "axis", 3, 1},
                                   {"ArgMin", "axis", 1, 1},
                                   {"Hardmax", "axis", 1, 1}};
    for (size_t k = 0; k < 2 * sizeof others / sizeof *others; k++) {
        linnet_type type = k % 2 ? LINNET_BFLOAT16 : LINNET_FLOAT16;
        fill(x_data, sizeof x_data / 2, type, (uint32_t)k);
        fill(b_data, sizeof b_data / 2, type, 3);
        for (int i = 0; i < CHANNELS; i++)
            ones_data[i] = type == LINNET_FLOAT16 ? 0x3c00 : 0x3f80;
        linnet_model *m = build_other(&others[k / 2], type);
        linnet_session *with = run(m, type, NULL), *without = run(m, type, "widen");
        assert_true(casts(with) > 0);
        assert_int_equal(casts(without), 0);
        const linnet_value *a = linnet_session_output(with, "y"), *b = linnet_session_output(without, "y");
        assert_int_equal(a->type, b->type);
        assert_int_equal(a->rank, b->rank);
        size_t bytes = (size_t)linnet_value_count(b) * linnet_type_size(b->type);
        assert_int_equal(linnet_value_count(a), linnet_value_count(b));
        assert_memory_equal(a->data, b->data, bytes);
        linnet_session_free(with);
        linnet_session_free(without);
        linnet_model_free(m);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_widen), cmocka_unit_test(test_others)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
