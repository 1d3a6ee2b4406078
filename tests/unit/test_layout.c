/* SPDX-License-Identifier: Apache-2.0
 *
 * Where a depthwise convolution stays channels-first: alone or among element-wise nodes, pools, 1x1 convolutions that
 * do too, and its like; not beside a convolution of another kind or a transpose. Outputs are those of the graph as it
 * is written.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/session.h"
#include "kernels/gemm.h"
#include "kernels/kernels.h"

enum { CHANNELS = 6, HIGH = 15, WIDE = 30, ELEMENTS = CHANNELS * HIGH * WIDE };

/* A letter for each node: D depthwise 3 x 3, S with a stride of 2, P 1 x 1, C 3 x 3 of all channels, R Relu, M MaxPool,
 * T channels-last to first. */
static const struct {
    const char *nodes;
    bool stays; /* the depthwise convolutions */
} cases[] = {{"D", true},     {"S", true},    {"RDR", true},  {"DRS", true}, {"MD", true},  {"DP", true},
             {"PD", true},    {"DRP", true},  {"PMRS", true}, {"DC", false}, {"CD", false}, {"DRC", false},
             {"CMRS", false}, {"DPC", false}, {"TD", false},  {"TDP", false}};

static float weights[CHANNELS * CHANNELS * 9];

static int32_t conv(ln_graph *g, int32_t x, int64_t size, int64_t stride, int64_t group)
{
    static const int64_t numbers[3][4] = {{0}, {1, 1, 1, 1}, {2, 2, 2, 2}};
    const int64_t dims[4] = {CHANNELS, CHANNELS / group, size, size};
    ln_attr attrs[] = {{.name = "strides", .kind = LN_ATTR_INTLIST, .n = 2, .ints = numbers[stride]},
                       {.name = "pads", .kind = LN_ATTR_INTLIST, .n = 4, .ints = numbers[size / 2]},
                       {.name = "group", .kind = LN_ATTR_INT, .i = group}};
    int32_t in[2] = {x, ln_graph_constant(g, "", LINNET_FLOAT32, 4, dims, weights)}, out = ln_graph_value(g, "");
    assert_true(in[1] >= 0 && ln_graph_insert(g, LN_NO_NODE, "", "Conv", "", 2, in, 1, &out, 3, attrs) >= 0);
    return out;
}

static int32_t other(ln_graph *g, int32_t x, const char *type, ln_attr attr)
{
    int32_t out = ln_graph_value(g, "");
    assert_true(ln_graph_insert(g, LN_NO_NODE, "", type, "", 1, &x, 1, &out, attr.name ? 1 : 0, &attr) >= 0);
    return out;
}

static int32_t node(ln_graph *g, int32_t x, char letter)
{
    static const int64_t first[4] = {0, 3, 1, 2}, window[2] = {3, 3};
    switch (letter) {
    case 'D':
        return conv(g, x, 3, 1, CHANNELS);
    case 'S':
        return conv(g, x, 3, 2, CHANNELS);
    case 'P':
        return conv(g, x, 1, 1, 1);
    case 'C':
        return conv(g, x, 3, 1, 1);
    case 'M':
        return other(g, x, "MaxPool",
                     (ln_attr){.name = "kernel_shape", .kind = LN_ATTR_INTLIST, .n = 2, .ints = window});
    case 'T':
        return other(g, x, "Transpose", (ln_attr){.name = "perm", .kind = LN_ATTR_INTLIST, .n = 4, .ints = first});
    default:
        return other(g, x, "Relu", (ln_attr){0});
    }
}

static linnet_model *build(const char *nodes)
{
    static const ln_opset opsets[] = {{"", 19}};
    linnet_model *m = ln_model_new(NULL);
    assert_non_null(m);
    ln_graph *g = m->graph;
    g->opsets = opsets;
    g->n_opsets = 1;
    int32_t v = ln_graph_value(g, "x");
    assert_true(v >= 0);
    bool last = nodes[0] == 'T';
    g->values[v].info = (ln_info){.kind = LINNET_TENSOR,
                                  .type = LINNET_FLOAT32,
                                  .rank = 4,
                                  .dims = {1, last ? HIGH : CHANNELS, last ? WIDE : HIGH, last ? CHANNELS : WIDE}};
    assert_true(ln_graph_add_input(g, v));
    for (const char *c = nodes; *c; c++)
        v = node(g, v, *c);
    int32_t y = ln_graph_value(g, "y");
    assert_true(ln_graph_insert(g, LN_NO_NODE, "", "Identity", "", 1, &v, 1, &y, 0, NULL) >= 0);
    assert_true(ln_graph_set_outputs(g, &y, 1));
    linnet_error e = {0};
    assert_int_equal(ln_model_declare(m, &e), LINNET_OK);
    return m;
}

/* Runs it and copies the outputs; the depthwise convolutions that are channels-first, and the others. */
static size_t run(linnet_model *m, const char *passes, float *y, int counts[2])
{
    static float x[ELEMENTS];
    for (size_t i = 0; i < ELEMENTS; i++)
        x[i] = sinf((float)i);
    linnet_error e = {0};
    linnet_session *s;
    linnet_session_options options = {.disable_passes = passes};
    const ln_info *info = &m->graph->values[m->graph->inputs[0]].info;
    assert_int_equal(linnet_session_create(&s, m, &options, &e), LINNET_OK);
    assert_int_equal(linnet_session_set_tensor(s, "x", LINNET_FLOAT32, 4, info->dims, x, &e), LINNET_OK);
    assert_int_equal(linnet_session_run(s, &e), LINNET_OK);
    const linnet_value *v = linnet_session_output(s, "y");
    size_t n = (size_t)linnet_value_count(v);
    assert_true(n > 0 && n <= ELEMENTS);
    memcpy(y, v->data, n * sizeof *y);
    const ln_plan *plan = s->current->plan;
    for (int32_t i = 0; i < plan->n_steps; i++) {
        const ln_node *step = &plan->graph->nodes[plan->steps[i].node];
        const ln_attr *group = ln_node_attr(step, "group");
        if (strcmp(step->type, "Conv") == 0 && group && group->i > 1)
            counts[ln_node_attr(step, "linnet.channels_last") != NULL]++;
    }
    linnet_session_free(s);
    return n;
}

static void test_depthwise(void **state)
{
    (void)state;
    static float plain[ELEMENTS], passed[ELEMENTS];
    for (size_t i = 0; i < sizeof weights / sizeof *weights; i++)
        weights[i] = cosf((float)i);
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        linnet_model *m = build(cases[k].nodes);
        int ignored[2] = {0, 0}, counts[2] = {0, 0};
        size_t n = run(m, "all", plain, ignored);
        assert_int_equal(run(m, NULL, passed, counts), n);
        for (size_t i = 0; i < n; i++)
            assert_true(fabsf(plain[i] - passed[i]) <= 1e-5f * (1 + fabsf(plain[i])));
        bool stays = cases[k].stays && LN_D(gemm_f32)->dw_planes;
        assert_int_equal(counts[stays], 0);
        assert_true(counts[!stays] > 0);
        linnet_model_free(m);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_depthwise)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
