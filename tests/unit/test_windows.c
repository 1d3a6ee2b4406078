/* SPDX-License-Identifier: Apache-2.0
 *
 * Convolutions of float32 in few channels by themselves, which stay channels-first on tiers that have the kernel
 * (ops/conv_windows.c): strides, padding on each side, lines longer than what is split at a time, batches, activations
 * and threads. Small integers, so that every sum is exact.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/session.h"
#include "kernels/gemm.h"
#include "kernels/kernels.h"

typedef struct image {
    int64_t batch, channels, outputs, in[2], kernel[2], stride[2], pads[4], out[2]; /* pads: before, then after */
    bool bias;
    int32_t act, threads;
} image;

static uint32_t seed = 1;

static int64_t below(int64_t n)
{
    seed = seed * 1664525u + 1013904223u;
    return (int64_t)(seed >> 8) % n;
}

static float *integers(int64_t n)
{
    float *x = malloc((size_t)n * sizeof *x);
    assert_non_null(x);
    for (int64_t i = 0; i < n; i++)
        x[i] = (float)(below(17) - 8);
    return x;
}

static int32_t constant(ln_graph *g, int32_t rank, const int64_t *dims, const float *data, int64_t n)
{
    void *copy = ln_arena_dup(g->arena, data, (size_t)n * sizeof *data, 64);
    const int32_t v = copy ? ln_graph_constant(g, "", LINNET_FLOAT32, rank, dims, copy) : -1;
    assert_true(v >= 0);
    return v;
}

enum { NONE, RELU, LEAKY, ACTS };

static linnet_model *build(const image *m, const float *w, const float *bias)
{
    static const ln_opset opsets[] = {{"", 16}};
    const int64_t dims[4] = {m->outputs, m->channels, m->kernel[0], m->kernel[1]};
    linnet_model *model = ln_model_new(NULL);
    assert_non_null(model);
    ln_graph *g = model->graph;
    g->opsets = opsets;
    g->n_opsets = 1;
    const int32_t x = ln_graph_value(g, "x"), sum = ln_graph_value(g, "sum"), y = ln_graph_value(g, "y");
    assert_true(x >= 0 && sum >= 0 && y >= 0);
    g->values[x].info = (ln_info){
        .kind = LINNET_TENSOR, .type = LINNET_FLOAT32, .rank = 4, .dims = {m->batch, m->channels, m->in[0], m->in[1]}};
    assert_true(ln_graph_add_input(g, x));
    const ln_attr attrs[] = {{.name = "strides", .kind = LN_ATTR_INTLIST, .n = 2, .ints = m->stride},
                             {.name = "pads", .kind = LN_ATTR_INTLIST, .n = 4, .ints = m->pads}};
    const ln_attr alpha = {.name = "alpha", .kind = LN_ATTR_FLOAT, .f = 0.5f};
    int32_t in[3] = {x, constant(g, 4, dims, w, m->outputs * m->channels * dims[2] * dims[3])};
    if (m->bias)
        in[2] = constant(g, 1, &m->outputs, bias, m->outputs);
    assert_true(ln_graph_insert(g, LN_NO_NODE, "", "Conv", "", m->bias ? 3 : 2, in, 1, m->act ? &sum : &y, 2, attrs) >=
                0);
    if (m->act == RELU)
        assert_true(ln_graph_insert(g, LN_NO_NODE, "", "Relu", "", 1, &sum, 1, &y, 0, NULL) >= 0);
    if (m->act == LEAKY)
        assert_true(ln_graph_insert(g, LN_NO_NODE, "", "LeakyRelu", "", 1, &sum, 1, &y, 1, &alpha) >= 0);
    ln_graph_set_outputs(g, &y, 1);
    linnet_error e = {0};
    assert_int_equal(ln_model_declare(model, &e), LINNET_OK);
    return model;
}

static float expected(const image *m, const float *x, const float *w, float sum, int64_t i, int64_t j)
{
    for (int64_t c = 0; c < m->channels; c++)
        for (int64_t a = 0; a < m->kernel[0]; a++)
            for (int64_t b = 0; b < m->kernel[1]; b++) {
                const int64_t row = i * m->stride[0] - m->pads[0] + a, at = j * m->stride[1] - m->pads[1] + b;
                if (row >= 0 && row < m->in[0] && at >= 0 && at < m->in[1])
                    sum += x[(c * m->in[0] + row) * m->in[1] + at] * w[(c * m->kernel[0] + a) * m->kernel[1] + b];
            }
    return sum < 0 && m->act ? (m->act == RELU ? 0 : 0.5f * sum) : sum;
}

/* Whether it went by pixels. */
static bool one(const image *m)
{
    const int64_t x_size = m->channels * m->in[0] * m->in[1], plane = m->out[0] * m->out[1],
                  window = m->channels * m->kernel[0] * m->kernel[1];
    float *x = integers(m->batch * x_size), *w = integers(m->outputs * window), *bias = integers(m->outputs);
    linnet_error e = {0};
    linnet_session *s;
    const linnet_session_options options = {.threads = m->threads};
    linnet_model *model = build(m, w, bias);
    const int64_t *dims = model->graph->values[model->graph->inputs[0]].info.dims;
    assert_int_equal(linnet_session_create(&s, model, &options, &e), LINNET_OK);
    assert_int_equal(linnet_session_set_tensor(s, "x", LINNET_FLOAT32, 4, dims, x, &e), LINNET_OK);
    assert_int_equal(linnet_session_run(s, &e), LINNET_OK);
    const linnet_value *v = linnet_session_output(s, "y");
    assert_int_equal(linnet_value_count(v), m->batch * m->outputs * plane);
    for (int64_t i = 0; i < m->batch * m->outputs * plane; i++) {
        const int64_t o = i / plane % m->outputs;
        const float y = expected(m, x + i / plane / m->outputs * x_size, w + o * window, m->bias ? bias[o] : 0,
                                 i % plane / m->out[1], i % m->out[1]);
        assert_true(((const float *)v->data)[i] == y);
    }
    bool by_pixels = false;
    const ln_plan *plan = s->current->plan;
    for (int32_t i = 0; i < plan->n_steps; i++)
        by_pixels = by_pixels || strcmp(plan->steps[i].run_name, "ln_conv_windows_f32") == 0;
    linnet_session_free(s);
    linnet_model_free(model);
    free(x);
    free(w);
    free(bias);
    return by_pixels;
}

static void windows(void **state)
{
    int by_pixels = 0;
    (void)state;
    for (int i = 0; i < 200; i++) {
        image m = {.batch = 1 + below(2), .channels = 1 + below(4), .outputs = 1 + below(40)};
        for (int d = 0; d < 2; d++) {
            m.kernel[d] = 1 + below(7);
            m.stride[d] = 1 + below(4);
            m.pads[d] = below(m.kernel[d] + 2);
            m.pads[d + 2] = below(m.kernel[d] + 2);
            m.in[d] = d ? 12 * m.stride[1] + m.kernel[1] + below(90) : m.kernel[0] + below(20);
        }
        if (i % 10 == 0) /* longer than what is split at a time */
            m.in[0] = m.kernel[0], m.in[1] = 1100 * m.stride[1] + below(2000);
        for (int d = 0; d < 2; d++)
            m.out[d] = (m.in[d] + m.pads[d] + m.pads[d + 2] - m.kernel[d]) / m.stride[d] + 1;
        m.bias = below(3);
        m.act = (int32_t)below(ACTS);
        m.threads = (int32_t)(1 + below(3));
        by_pixels += one(&m);
    }
    assert_true(LN_D(gemm_f32)->panels ? by_pixels > 30 : by_pixels == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(windows)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
