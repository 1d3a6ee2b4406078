/* SPDX-License-Identifier: Apache-2.0
 *
 * What passes make of a graph gives what the graph gives, in shapes that they meet seldom: a Pad of channels or of
 * columns alone before a convolution that became channels-last, constants of a higher rank than what they meet, an
 * attribute that says its default.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/session.h"

enum { MOST = 4096 };

static float noise[MOST];

static int32_t floats(ln_graph *g, int32_t rank, const int64_t *dims)
{
    return ln_graph_constant(g, "", LINNET_FLOAT32, rank, dims, noise);
}

/* [1] of one element, as exporters write scalars. */
static int32_t scalar(ln_graph *g, float v)
{
    static const int64_t one[1] = {1};
    float *data = ln_arena_array(g->arena, 1, sizeof *data);
    assert_non_null(data);
    *data = v;
    return ln_graph_constant(g, "", LINNET_FLOAT32, 1, one, data);
}

static int32_t node(ln_graph *g, const char *type, int32_t n_in, const int32_t *in, int32_t n_attrs,
                    const ln_attr *attrs)
{
    int32_t out = ln_graph_value(g, "");
    assert_true(out >= 0 && ln_graph_insert(g, LN_NO_NODE, "", type, "", n_in, in, 1, &out, n_attrs, attrs) >= 0);
    return out;
}

static int32_t one(ln_graph *g, const char *type, int32_t x)
{
    return node(g, type, 1, &x, 0, NULL);
}

static int32_t two(ln_graph *g, const char *type, int32_t a, int32_t b)
{
    const int32_t in[2] = {a, b};
    return node(g, type, 2, in, 0, NULL);
}

static int32_t turned(ln_graph *g, int32_t x, const int64_t *perm)
{
    const ln_attr a = {.name = "perm", .kind = LN_ATTR_INTLIST, .n = 4, .ints = perm};
    return node(g, "Transpose", 1, &x, 1, &a);
}

static int32_t padded(ln_graph *g, int32_t x, const int64_t *pads)
{
    static const int64_t count[1] = {8};
    return two(g, "Pad", x, ln_graph_constant(g, "", LINNET_INT64, 1, count, pads));
}

/* Each makes the output of the input x. */

static int32_t pad_of_channels(ln_graph *g, int32_t x)
{
    static const int64_t pads[8] = {0, 1, 0, 0, 0, 0, 0, 3}, first[4] = {3, 3, 1, 1}, second[4] = {5, 4, 1, 1};
    int32_t y = one(g, "LeakyRelu", two(g, "Conv", x, floats(g, 4, first)));
    return two(g, "Conv", padded(g, y, pads), floats(g, 4, second));
}

static int32_t pad_of_columns(ln_graph *g, int32_t x)
{
    static const int64_t pads[8] = {0, 0, 1, 0, 0, 0, 2, 0}, w[4] = {5, 3, 2, 2};
    static const int64_t first[4] = {0, 3, 1, 2};
    return two(g, "Conv", turned(g, padded(g, x, pads), first), floats(g, 4, w));
}

static int32_t gelu_by_default(ln_graph *g, int32_t x)
{
    static const int64_t w[2] = {7, 11};
    const ln_attr none = {.name = "approximate", .kind = LN_ATTR_STRING, .s = {"none", 4}};
    int32_t y = two(g, "MatMul", x, floats(g, 2, w));
    return node(g, "Gelu", 1, &y, 1, &none);
}

static int32_t gelu_by_tanh(ln_graph *g, int32_t x)
{
    static const int64_t w[2] = {7, 11};
    const ln_attr tanh = {.name = "approximate", .kind = LN_ATTR_STRING, .s = {"tanh", 4}};
    int32_t y = two(g, "MatMul", x, floats(g, 2, w));
    return node(g, "Gelu", 1, &y, 1, &tanh);
}

/* x * Clip(x + 3, 0, 6) / 6 and Clip(x + 3, 0, 6) / 6 of a tensor of rank 0. */
static int32_t relu6(ln_graph *g, int32_t x)
{
    const int32_t in[3] = {two(g, "Add", x, scalar(g, 3)), scalar(g, 0), scalar(g, 6)};
    return node(g, "Clip", 3, in, 0, NULL);
}

static int32_t hard_swish_of_a_scalar(ln_graph *g, int32_t x)
{
    return two(g, "Div", two(g, "Mul", x, relu6(g, x)), scalar(g, 6));
}

static int32_t hard_sigmoid_of_a_scalar(ln_graph *g, int32_t x)
{
    return two(g, "Div", relu6(g, x), scalar(g, 6));
}

static const struct {
    int32_t (*make)(ln_graph *g, int32_t x);
    int32_t rank;
    int64_t dims[4];
} cases[] = {
    {pad_of_channels, 4, {1, 3, 6, 5}}, {pad_of_columns, 4, {1, 6, 5, 3}}, {gelu_by_default, 2, {9, 7}},
    {gelu_by_tanh, 2, {9, 7}},          {hard_swish_of_a_scalar, 0, {0}},  {hard_sigmoid_of_a_scalar, 0, {0}},
};

static linnet_session *run(const linnet_model *m, size_t k, const char *without)
{
    linnet_error e = {0};
    linnet_session *s;
    linnet_session_options options = {.disable_passes = without};
    assert_int_equal(linnet_session_create(&s, m, &options, &e), LINNET_OK);
    assert_int_equal(
        linnet_session_set_tensor(s, "x", LINNET_FLOAT32, cases[k].rank, cases[k].dims, noise + MOST / 2, &e),
        LINNET_OK);
    if (linnet_session_run(s, &e) != LINNET_OK)
        fail_msg("case %zu without %s: %s", k, without ? without : "nothing", e.text);
    return s;
}

static void test_case(size_t k)
{
    static const ln_opset opsets[] = {{"", 20}};
    linnet_error e = {0};
    linnet_model *m = ln_model_new(NULL);
    assert_non_null(m);
    ln_graph *g = m->graph;
    g->opsets = opsets;
    g->n_opsets = 1;
    int32_t x = ln_graph_value(g, "x");
    assert_true(x >= 0);
    ln_info *info = &g->values[x].info;
    *info = (ln_info){.kind = LINNET_TENSOR, .type = LINNET_FLOAT32, .rank = (int8_t)cases[k].rank};
    memcpy(info->dims, cases[k].dims, sizeof cases[k].dims);
    assert_true(ln_graph_add_input(g, x));
    int32_t made = cases[k].make(g, x), y = ln_graph_value(g, "y");
    assert_true(y >= 0 && ln_graph_insert(g, LN_NO_NODE, "", "Identity", "", 1, &made, 1, &y, 0, NULL) >= 0);
    assert_true(ln_graph_set_outputs(g, &y, 1));
    assert_int_equal(ln_model_declare(m, &e), LINNET_OK);
    linnet_session *with = run(m, k, NULL), *without = run(m, k, "all");
    const linnet_value *a = linnet_session_output(with, "y"), *b = linnet_session_output(without, "y");
    assert_int_equal(a->rank, b->rank);
    if (a->rank)
        assert_memory_equal(a->dims, b->dims, (size_t)a->rank * sizeof *a->dims);
    for (int64_t i = 0; i < linnet_value_count(a); i++) {
        double p = (double)((const float *)a->data)[i], q = (double)((const float *)b->data)[i];
        if (!(fabs(p - q) <= 1e-5 + 1e-5 * fabs(q)))
            fail_msg("case %zu, element %d: %g, not %g", k, (int)i, p, q);
    }
    linnet_session_free(with);
    linnet_session_free(without);
    linnet_model_free(m);
}

static void test_passes(void **state)
{
    uint32_t seed = 1;
    (void)state;
    for (size_t i = 0; i < MOST; i++) {
        seed = seed * 1664525 + 1013904223;
        noise[i] = (float)(seed >> 8) / (1 << 22) - 2;
    }
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++)
        test_case(k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_passes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
