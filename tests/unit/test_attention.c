/* SPDX-License-Identifier: Apache-2.0
 *
 * Attention as exporters write it: the pass makes one node of it, whatever the order of heads and positions and
 * wherever the scale is, and the results are those of the nodes; what is no attention stays.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/session.h"

enum { HEADS = 3, QUERIES = 21, KEYS = 35, SIZE = 8, MOST = HEADS * KEYS * KEYS };

typedef struct form {
    bool q_last, k_last, v_last, y_last, mask, three, scale_q, by_mul, flipped, softmax_axis_1;
    bool stays; /* no attention */
} form;

static float q_data[MOST], k_data[MOST], v_data[MOST], mask_data[MOST];
static const int64_t swap_4[] = {0, 2, 1, 3}, swap_3[] = {1, 0, 2};
static const float scale = 0.3f, inverse = 1 / 0.3f;

static int32_t node(ln_graph *g, const char *type, const char *name, int32_t a, int32_t b, const ln_attr *attr)
{
    int32_t in[2] = {a, b}, out = ln_graph_value(g, name);
    assert_true(out >= 0);
    assert_true(ln_graph_insert(g, LN_NO_NODE, "", type, name, b < 0 ? 1 : 2, in, 1, &out, attr != NULL, attr) >= 0);
    return out;
}

static int32_t transposed(ln_graph *g, int32_t x, int32_t rank, const int64_t *perm)
{
    ln_attr a = {.name = "perm", .kind = LN_ATTR_INTLIST, .n = rank, .ints = perm};
    return node(g, "Transpose", "", x, LN_NO_VALUE, &a);
}

/* An input [1, heads, length, SIZE] or with heads behind lengths (of rank 3 without the 1), as heads first. */
static int32_t operand(ln_graph *g, const form *f, const char *name, int64_t length, bool last)
{
    int32_t v = ln_graph_value(g, name), r = f->three ? 3 : 4, at = r - 3;
    assert_true(v >= 0);
    ln_info *info = &g->values[v].info;
    *info = (ln_info){.kind = LINNET_TENSOR, .type = LINNET_FLOAT32, .rank = r, .dims = {1}};
    info->dims[at] = last ? length : HEADS;
    info->dims[at + 1] = last ? HEADS : length;
    info->dims[at + 2] = SIZE;
    assert_true(ln_graph_add_input(g, v));
    return last ? transposed(g, v, r, f->three ? swap_3 : swap_4) : v;
}

static int32_t scaled(ln_graph *g, const form *f, int32_t x)
{
    int32_t s = ln_graph_constant(g, "", LINNET_FLOAT32, 0, NULL, f->by_mul ? &scale : &inverse);
    assert_true(s >= 0);
    if (f->by_mul)
        return f->flipped ? node(g, "Mul", "", s, x, NULL) : node(g, "Mul", "", x, s, NULL);
    return node(g, "Div", "", x, s, NULL);
}

static linnet_model *build(const form *f)
{
    static const ln_opset opsets[] = {{"", 19}};
    static const int64_t turn_4[] = {0, 1, 3, 2}, turn_3[] = {0, 2, 1};
    linnet_model *m = ln_model_new(NULL);
    assert_non_null(m);
    ln_graph *g = m->graph;
    g->opsets = opsets;
    g->n_opsets = 1;
    int32_t r = f->three ? 3 : 4;
    int32_t q = operand(g, f, "q", QUERIES, f->q_last), k = operand(g, f, "k", KEYS, f->k_last);
    int32_t v = operand(g, f, "v", KEYS, f->v_last);
    if (f->scale_q)
        q = scaled(g, f, q);
    int32_t s = node(g, "MatMul", "", q, transposed(g, k, r, f->three ? turn_3 : turn_4), NULL);
    if (!f->scale_q)
        s = scaled(g, f, s);
    if (f->mask) {
        int32_t mask = ln_graph_value(g, "mask");
        assert_true(mask >= 0);
        g->values[mask].info = (ln_info){
            .kind = LINNET_TENSOR, .type = LINNET_FLOAT32, .rank = 3, .dims = {HEADS, f->three ? QUERIES : 1, KEYS}};
        assert_true(ln_graph_add_input(g, mask));
        s = f->flipped ? node(g, "Add", "", mask, s, NULL) : node(g, "Add", "", s, mask, NULL);
    }
    ln_attr axis = {.name = "axis", .kind = LN_ATTR_INT, .i = f->softmax_axis_1 ? 1 : -1};
    int32_t y = node(g, "MatMul", f->y_last ? "" : "y", node(g, "Softmax", "", s, LN_NO_VALUE, &axis), v, NULL);
    if (f->y_last) {
        ln_attr a = {.name = "perm", .kind = LN_ATTR_INTLIST, .n = r, .ints = f->three ? swap_3 : swap_4};
        y = node(g, "Transpose", "y", y, LN_NO_VALUE, &a);
    }
    assert_true(ln_graph_set_outputs(g, &y, 1));
    linnet_error error = {0};
    assert_int_equal(ln_model_declare(m, &error), LINNET_OK);
    return m;
}

static linnet_session *run(const linnet_model *m, const char *disable)
{
    linnet_error error = {0};
    linnet_session *s;
    linnet_session_options options = {.disable_passes = disable};
    assert_int_equal(linnet_session_create(&s, m, &options, &error), LINNET_OK);
    const float *const data[] = {q_data, k_data, v_data, mask_data};
    for (int32_t i = 0; i < m->graph->n_inputs; i++) {
        const ln_value *v = &m->graph->values[m->graph->inputs[i]];
        assert_int_equal(
            linnet_session_set_tensor(s, v->name, LINNET_FLOAT32, v->info.rank, v->info.dims, data[i], &error),
            LINNET_OK);
    }
    assert_int_equal(linnet_session_run(s, &error), LINNET_OK);
    return s;
}

static int count(const linnet_session *s, const char *type)
{
    const ln_plan *plan = s->current->plan;
    int n = 0;
    for (int32_t i = 0; i < plan->n_steps; i++)
        n += strcmp(plan->graph->nodes[plan->steps[i].node].type, type) == 0;
    return n;
}

static void check(const form *f)
{
    linnet_model *m = build(f);
    linnet_session *with = run(m, NULL), *without = run(m, "attention");
    assert_int_equal(count(with, "Attention"), f->stays ? 0 : 1);
    assert_int_equal(count(without, "Attention"), 0);
    if (!f->stays)
        assert_int_equal(count(with, "Transpose") + count(with, "Softmax") + count(with, "MatMul"), 0);
    const linnet_value *a = linnet_session_output(with, "y"), *b = linnet_session_output(without, "y");
    assert_int_equal(a->rank, b->rank);
    assert_memory_equal(a->dims, b->dims, (size_t)a->rank * sizeof *a->dims);
    for (int64_t i = 0; i < linnet_value_count(a); i++)
        assert_true(fabsf(((const float *)a->data)[i] - ((const float *)b->data)[i]) < 1e-5f);
    linnet_session_free(with);
    linnet_session_free(without);
    linnet_model_free(m);
}

static void fill(float *x, uint32_t seed)
{
    for (int32_t i = 0; i < MOST; i++) {
        seed = seed * 1664525 + 1013904223;
        x[i] = (float)(seed >> 8) / 8388608.0f - 1;
    }
}

static void forms(void **state)
{
    (void)state;
    fill(q_data, 1);
    fill(k_data, 2);
    fill(v_data, 3);
    fill(mask_data, 4);
    for (int32_t i = 0; i < MOST; i += 5)
        mask_data[i] = -3.4e38f;
    for (uint32_t bits = 0; bits < 512; bits++)
        check(&(form){.q_last = bits & 1,
                      .k_last = bits & 2,
                      .v_last = bits & 4,
                      .y_last = bits & 8,
                      .mask = bits & 16,
                      .three = bits & 32,
                      .scale_q = bits & 64,
                      .by_mul = bits & 128,
                      .flipped = bits & 256});
}

static void no_attention(void **state)
{
    (void)state;
    check(&(form){.softmax_axis_1 = true, .stays = true});
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(forms), cmocka_unit_test(no_attention)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
