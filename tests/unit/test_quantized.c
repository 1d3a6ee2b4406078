/* SPDX-License-Identifier: Apache-2.0
 *
 * Every operator between DequantizeLinear and QuantizeLinear that has an integer form stays in integers from end to
 * end: no tensor of floats is left in the plan, and the results are those of the floats, to within a step where a sum
 * is rounded otherwise.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/plan.h"
#include "engine/session.h"

typedef struct net {
    linnet_model *model;
    ln_graph *g;
    int32_t x;   /* dequantised */
    float scale; /* of the output */
    int32_t zero;
} net;

static int32_t tensor(net *n, linnet_type type, int32_t rank, const int64_t *dims, const void *data)
{
    int64_t count = 1;
    for (int32_t i = 0; i < rank; i++)
        count *= dims[i];
    size_t bytes = (size_t)count * linnet_type_size(type);
    void *copy = ln_arena_dup(n->g->arena, data, bytes, 64);
    assert_non_null(copy);
    return ln_graph_constant(n->g, "", type, rank, dims, copy);
}

static int32_t scalar_f32(net *n, float x)
{
    return tensor(n, LINNET_FLOAT32, 0, NULL, &x);
}

static int32_t ints(net *n, int64_t count, const int64_t *values)
{
    return tensor(n, LINNET_INT64, 1, &count, values);
}

static int32_t node(net *n, const char *type, int32_t n_in, const int32_t *in, int32_t n_attrs, const ln_attr *attrs)
{
    int32_t out = ln_graph_value(n->g, "");
    assert_true(ln_graph_insert(n->g, LN_NO_NODE, "", type, "", n_in, in, 1, &out, n_attrs, attrs) >= 0);
    return out;
}

static int32_t dequantised(net *n, int32_t value, float scale, int8_t zero)
{
    int32_t in[] = {value, scalar_f32(n, scale), tensor(n, LINNET_INT8, 0, NULL, &zero)};
    return node(n, "DequantizeLinear", 3, in, 0, NULL);
}

/* Constant bytes, dequantised. */
static int32_t weights(net *n, int32_t rank, const int64_t *dims)
{
    int8_t data[4096];
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (int8_t)(int)((i * 89 + 7) % 255 - 127);
    return dequantised(n, tensor(n, LINNET_INT8, rank, dims, data), 0.01f, 0);
}

static ln_attr attr_ints(const char *name, int64_t count, const int64_t *values)
{
    return (ln_attr){.name = name, .kind = LN_ATTR_INTLIST, .n = count, .ints = values};
}

static ln_attr attr_int(const char *name, int64_t i)
{
    return (ln_attr){.name = name, .kind = LN_ATTR_INT, .i = i};
}

static ln_attr attr_text(const char *name, const char *text)
{
    return (ln_attr){.name = name, .kind = LN_ATTR_STRING, .s = {text, strlen(text)}};
}

/* -- the operators: each takes n->x, [1, 4, 6, 6] of scale 0.05 and zero point 3, and says what the output is counted
 * in */

static int32_t conv(net *n)
{
    static const int64_t dims[] = {5, 4, 3, 3}, pads[] = {1, 1, 1, 1};
    const ln_attr attrs[] = {attr_ints("pads", 4, pads)};
    n->scale = 0.2f;
    return node(n, "Conv", 2, (int32_t[]){n->x, weights(n, 4, dims)}, 1, attrs);
}

static int32_t depthwise(net *n)
{
    static const int64_t dims[] = {4, 1, 3, 3};
    const ln_attr attrs[] = {attr_int("group", 4)};
    return node(n, "Conv", 2, (int32_t[]){n->x, weights(n, 4, dims)}, 1, attrs);
}

/* What only moved x, quantised as x is. */
static int32_t again(net *n, int32_t value)
{
    int8_t zero = 3;
    int32_t q[] = {value, scalar_f32(n, 0.05f), tensor(n, LINNET_INT8, 0, NULL, &zero)};
    return dequantised(n, node(n, "QuantizeLinear", 3, q, 0, NULL), 0.05f, 3);
}

static int32_t fully_connected(net *n)
{
    static const int64_t dims[] = {7, 144};
    const ln_attr attrs[] = {attr_int("transB", 1)};
    int32_t flat = again(n, node(n, "Flatten", 1, &n->x, 0, NULL));
    n->scale = 0.4f;
    return node(n, "Gemm", 2, (int32_t[]){flat, weights(n, 2, dims)}, 1, attrs);
}

static int32_t matmul(net *n)
{
    static const int64_t dims[] = {6, 5};
    return node(n, "MatMul", 2, (int32_t[]){n->x, weights(n, 2, dims)}, 0, NULL);
}

static int32_t add(net *n)
{
    static const int64_t dims[] = {1, 4, 6, 6};
    return node(n, "Add", 2, (int32_t[]){n->x, weights(n, 4, dims)}, 0, NULL);
}

static int32_t mul(net *n)
{
    static const int64_t dims[] = {1, 4, 6, 6};
    return node(n, "Mul", 2, (int32_t[]){n->x, weights(n, 4, dims)}, 0, NULL);
}

static int32_t pool(net *n, const char *type)
{
    static const int64_t kernel[] = {2, 2};
    const ln_attr attrs[] = {attr_ints("kernel_shape", 2, kernel)};
    return node(n, type, 1, &n->x, 1, attrs);
}

static int32_t max_pool(net *n)
{
    return pool(n, "MaxPool");
}

static int32_t average_pool(net *n)
{
    return pool(n, "AveragePool");
}

static int32_t global_pool(net *n)
{
    return node(n, "GlobalAveragePool", 1, &n->x, 0, NULL);
}

static int32_t softmax(net *n)
{
    const ln_attr attrs[] = {attr_int("axis", 3)};
    n->scale = 1.0f / 256;
    n->zero = -128;
    return node(n, "Softmax", 1, &n->x, 1, attrs);
}

static int32_t sigmoid(net *n)
{
    n->scale = 1.0f / 256;
    n->zero = -128;
    return node(n, "Sigmoid", 1, &n->x, 0, NULL);
}

static int32_t tanh_node(net *n)
{
    n->scale = 1.0f / 128;
    n->zero = 0;
    return node(n, "Tanh", 1, &n->x, 0, NULL);
}

static int32_t hard_swish(net *n)
{
    return node(n, "HardSwish", 1, &n->x, 0, NULL);
}

static int32_t relu(net *n)
{
    return node(n, "Relu", 1, &n->x, 0, NULL);
}

static int32_t clip(net *n)
{
    return node(n, "Clip", 3, (int32_t[]){n->x, scalar_f32(n, -1), scalar_f32(n, 1.5f)}, 0, NULL);
}

static int32_t leaky_relu(net *n)
{
    return node(n, "LeakyRelu", 1, &n->x, 0, NULL);
}

static int32_t concat(net *n)
{
    static const int64_t dims[] = {1, 2, 6, 6};
    const ln_attr attrs[] = {attr_int("axis", 1)};
    return node(n, "Concat", 2, (int32_t[]){n->x, weights(n, 4, dims)}, 1, attrs);
}

static int32_t resize(net *n, const char *mode)
{
    static const int64_t sizes[] = {1, 4, 11, 9};
    const ln_attr attrs[] = {attr_text("mode", mode)};
    return node(n, "Resize", 4, (int32_t[]){n->x, LN_NO_VALUE, LN_NO_VALUE, ints(n, 4, sizes)}, 1, attrs);
}

static int32_t resize_nearest(net *n)
{
    return resize(n, "nearest");
}

static int32_t resize_linear(net *n)
{
    return resize(n, "linear");
}

static int32_t pad_zeros(net *n)
{
    static const int64_t pads[] = {0, 0, 1, 2, 0, 1, 2, 0};
    return node(n, "Pad", 2, (int32_t[]){n->x, ints(n, 8, pads)}, 0, NULL);
}

static int32_t pad_value(net *n)
{
    static const int64_t pads[] = {0, 0, 1, 2, 0, 1, 2, 0};
    return node(n, "Pad", 3, (int32_t[]){n->x, ints(n, 8, pads), scalar_f32(n, -1.37f)}, 0, NULL);
}

static int32_t pad_reflect(net *n)
{
    static const int64_t pads[] = {0, 0, 1, 2, 0, 0, 2, 0};
    const ln_attr attrs[] = {attr_text("mode", "reflect")};
    return node(n, "Pad", 2, (int32_t[]){n->x, ints(n, 8, pads)}, 1, attrs);
}

static int32_t transpose(net *n)
{
    static const int64_t perm[] = {0, 2, 3, 1};
    const ln_attr attrs[] = {attr_ints("perm", 4, perm)};
    return node(n, "Transpose", 1, &n->x, 1, attrs);
}

/* Four steps of six rows of six. */
static int32_t lstm(net *n, const char *direction, int64_t directions)
{
    static const int64_t shape[] = {4, 6, 6};
    const int64_t w[] = {directions, 20, 6}, r[] = {directions, 20, 5};
    const ln_attr attrs[] = {attr_int("hidden_size", 5), attr_text("direction", direction)};
    n->scale = 1.0f / 128;
    n->zero = 0;
    int32_t x = again(n, node(n, "Reshape", 2, (int32_t[]){n->x, ints(n, 3, shape)}, 0, NULL));
    return node(n, "LSTM", 3, (int32_t[]){x, weights(n, 3, w), weights(n, 3, r)}, 2, attrs);
}

static int32_t lstm_both_ways(net *n)
{
    return lstm(n, "bidirectional", 2);
}

static int32_t lstm_squeezed(net *n)
{
    static const int64_t axis[] = {1};
    int32_t y = lstm(n, "forward", 1);
    return node(n, "Squeeze", 2, (int32_t[]){y, ints(n, 1, axis)}, 0, NULL);
}

/* -- the check ------------------------------------------------------------------------------------------------------
 */

static const struct {
    const char *name;
    int32_t (*make)(net *n);
    int steps; /* by which an output may differ */
} operators[] = {
    {"Conv", conv, 1},
    {"depthwise Conv", depthwise, 1},
    {"Gemm", fully_connected, 1},
    {"MatMul", matmul, 1},
    {"Add", add, 1},
    {"Mul", mul, 1},
    {"MaxPool", max_pool, 0},
    {"AveragePool", average_pool, 1},
    {"GlobalAveragePool", global_pool, 1},
    {"Softmax", softmax, 1},
    {"Sigmoid", sigmoid, 1},
    {"Tanh", tanh_node, 0},
    {"HardSwish", hard_swish, 0},
    {"Relu", relu, 0},
    {"Clip", clip, 0},
    {"LeakyRelu", leaky_relu, 1},
    {"Concat", concat, 1},
    {"Resize, nearest", resize_nearest, 0},
    {"Resize, linear", resize_linear, 1},
    {"Pad", pad_zeros, 0},
    {"Pad with a value", pad_value, 0},
    {"Pad, reflect", pad_reflect, 0},
    {"Transpose", transpose, 0},
    {"LSTM", lstm_both_ways, 2},
    {"LSTM, Squeeze", lstm_squeezed, 2},
};

/* Runs it; the bytes of the output go to *y. */
static ln_plan *run(const net *n, const char *disable, const linnet_value *x, int8_t **y, int64_t *count)
{
    linnet_error error = {0};
    ln_plan_options options = {.disable_passes = disable, .threads = 1};
    ln_plan *plan;
    ln_run *r;
    assert_int_equal(ln_plan_make(&plan, n->g, x, &n->model->memory, &options, &error), LINNET_OK);
    assert_int_equal(ln_run_make(&r, plan, NULL, &error), LINNET_OK);
    assert_int_equal(ln_run_execute(r, x, &error), LINNET_OK);
    assert_int_equal(r->outputs[0].type, LINNET_INT8);
    *count = linnet_value_count(&r->outputs[0]);
    *y = malloc((size_t)*count);
    assert_non_null(*y);
    memcpy(*y, r->outputs[0].data, (size_t)*count);
    ln_run_free(r);
    return plan;
}

static int32_t floats_in(const ln_graph *g)
{
    int32_t floats = 0;
    LN_FOR_NODES(g, id)
    for (int32_t i = 0; i < g->nodes[id].n_out; i++)
        floats += g->nodes[id].out[i] >= 0 && g->values[g->nodes[id].out[i]].info.type == LINNET_FLOAT32;
    return floats;
}

static void check(size_t which)
{
    static const ln_opset opsets[] = {{"", 19}};
    static const int64_t dims[] = {1, 4, 6, 6};
    net n = {.model = ln_model_new(NULL), .scale = 0.05f, .zero = 3};
    assert_non_null(n.model);
    n.g = n.model->graph;
    n.g->opsets = opsets;
    n.g->n_opsets = 1;
    int32_t input = ln_graph_value(n.g, "x");
    n.g->values[input].info = (ln_info){.kind = LINNET_TENSOR, .type = LINNET_INT8, .rank = 4};
    memcpy(n.g->values[input].info.dims, dims, sizeof dims);
    assert_true(ln_graph_add_input(n.g, input));
    n.x = dequantised(&n, input, 0.05f, 3);
    int32_t y = operators[which].make(&n);
    int8_t zero = (int8_t)n.zero;
    int32_t q[] = {y, scalar_f32(&n, n.scale), tensor(&n, LINNET_INT8, 0, NULL, &zero)};
    y = node(&n, "QuantizeLinear", 3, q, 0, NULL);
    assert_true(ln_graph_set_outputs(n.g, &y, 1));

    int8_t data[144], *want, *got;
    for (int i = 0; i < 144; i++)
        data[i] = (int8_t)((i * 37 + 11) % 256 - 128);
    linnet_value x = {.kind = LINNET_TENSOR, .type = LINNET_INT8, .rank = 4, .data = data};
    memcpy(x.dims, dims, sizeof dims);
    int64_t count, other;
    ln_plan *plan = run(&n, "quantize", &x, &want, &count);
    assert_true(floats_in(plan->graph) > 0);
    ln_plan_free(plan);
    plan = run(&n, NULL, &x, &got, &other);
    assert_int_equal(other, count);
    if (floats_in(plan->graph))
        fail_msg("%s: floats are left", operators[which].name);
    for (int64_t i = 0; i < count; i++)
        if (abs(got[i] - want[i]) > operators[which].steps)
            fail_msg("%s: element %d is %d, not %d", operators[which].name, (int)i, got[i], want[i]);
    ln_plan_free(plan);
    free(want);
    free(got);
    linnet_model_free(n.model);
}

static void test_all(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof operators / sizeof *operators; i++)
        check(i);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
