/* SPDX-License-Identifier: Apache-2.0
 *
 * Quantised convolutions of few channels, which stay channels-first where nothing beside them is channels-last
 * (ops/qlinearconv_planes.c) on tiers that have the kernel: all bit for bit as plain sums.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/session.h"
#include "kernels/qgemm_epilogue.h"

typedef struct image {
    int64_t batch, channels, outputs, in[2], kernel[2], stride[2], pads[4], out[2]; /* pads: before, then after */
    bool x_signed, w_signed, integer, each;                                         /* each: a scale for each channel */
    int32_t x_zero, y_zero, threads;
    float most; /* of scales */
} image;

static uint32_t seed = 1;

static int64_t below(int64_t n)
{
    seed = seed * 1664525u + 1013904223u;
    return (int64_t)(seed >> 8) % n;
}

static int32_t value(uint8_t b, bool is_signed)
{
    return is_signed ? (int8_t)b : b;
}

static int32_t constant(ln_graph *g, linnet_type type, int32_t rank, const int64_t *dims, const void *data,
                        size_t bytes)
{
    void *copy = ln_arena_dup(g->arena, data, bytes, 64);
    int32_t v = copy ? ln_graph_constant(g, "", type, rank, dims, copy) : -1;
    assert_true(v >= 0);
    return v;
}

static uint8_t *bytes_of(int64_t n)
{
    uint8_t *x = malloc((size_t)n);
    assert_non_null(x);
    for (int64_t i = 0; i < n; i++)
        x[i] = (uint8_t)below(256);
    return x;
}

/* The model's attributes are those of m. */
static linnet_model *build(const image *m, const uint8_t *w, const float *scales, const int32_t *bias)
{
    static const ln_opset opsets[] = {{"", 13}};
    const linnet_type x_type = m->x_signed ? LINNET_INT8 : LINNET_UINT8,
                      w_type = m->w_signed ? LINNET_INT8 : LINNET_UINT8;
    const int64_t dims[4] = {m->outputs, m->channels, m->kernel[0], m->kernel[1]};
    const uint8_t x_zero = (uint8_t)m->x_zero, y_zero = (uint8_t)m->y_zero, w_zero = m->w_signed ? 0 : 128;
    const float one = 1;
    linnet_model *model = ln_model_new(NULL);
    assert_non_null(model);
    ln_graph *g = model->graph;
    g->opsets = opsets;
    g->n_opsets = 1;
    const int32_t x = ln_graph_value(g, "x"), y = ln_graph_value(g, "y");
    assert_true(x >= 0 && y >= 0);
    g->values[x].info = (ln_info){
        .kind = LINNET_TENSOR, .type = (uint8_t)x_type, .rank = 4, .dims = {m->batch, m->channels, m->in[0], m->in[1]}};
    assert_true(ln_graph_add_input(g, x));
    const ln_attr attrs[] = {{.name = "strides", .kind = LN_ATTR_INTLIST, .n = 2, .ints = m->stride},
                             {.name = "pads", .kind = LN_ATTR_INTLIST, .n = 4, .ints = m->pads}};
    const int32_t weights = constant(g, w_type, 4, dims, w, (size_t)(m->outputs * m->channels * dims[2] * dims[3]));
    const int32_t xz = constant(g, x_type, 0, NULL, &x_zero, 1), wz = constant(g, w_type, 0, NULL, &w_zero, 1);
    int32_t made;
    if (m->integer) {
        const int32_t in[] = {x, weights, xz, wz};
        made = ln_graph_insert(g, LN_NO_NODE, "", "ConvInteger", "", 4, in, 1, &y, 2, attrs);
    } else {
        const int32_t unit = constant(g, LINNET_FLOAT32, 0, NULL, &one, sizeof one);
        const int32_t in[] = {x,
                              unit,
                              xz,
                              weights,
                              constant(g, LINNET_FLOAT32, m->each, &m->outputs, scales,
                                       (m->each ? (size_t)m->outputs : 1) * sizeof *scales),
                              wz,
                              unit,
                              constant(g, x_type, 0, NULL, &y_zero, 1),
                              constant(g, LINNET_INT32, 1, &m->outputs, bias, (size_t)m->outputs * sizeof *bias)};
        made = ln_graph_insert(g, LN_NO_NODE, "", "QLinearConv", "", 9, in, 1, &y, 2, attrs);
    }
    assert_true(made >= 0);
    ln_graph_set_outputs(g, &y, 1);
    linnet_error e = {0};
    assert_int_equal(ln_model_declare(model, &e), LINNET_OK);
    return model;
}

/* The sum of output (o, i, j), modulo 2^32. */
static uint32_t sum(const image *m, const uint8_t *x, const uint8_t *w, int64_t o, int64_t i, int64_t j)
{
    uint32_t acc = 0;
    for (int64_t c = 0; c < m->channels; c++)
        for (int64_t a = 0; a < m->kernel[0]; a++)
            for (int64_t b = 0; b < m->kernel[1]; b++) {
                const int64_t row = i * m->stride[0] - m->pads[0] + a, at = j * m->stride[1] - m->pads[1] + b;
                if (row < 0 || row >= m->in[0] || at < 0 || at >= m->in[1])
                    continue;
                const uint8_t v = w[((o * m->channels + c) * m->kernel[0] + a) * m->kernel[1] + b];
                acc += (uint32_t)((value(x[(c * m->in[0] + row) * m->in[1] + at], m->x_signed) - m->x_zero) *
                                  (value(v, m->w_signed) - (m->w_signed ? 0 : 128)));
            }
    return acc;
}

static void one(const image *m)
{
    const int64_t x_size = m->channels * m->in[0] * m->in[1], plane = m->out[0] * m->out[1];
    uint8_t *x = bytes_of(m->batch * x_size), *w = bytes_of(m->outputs * m->channels * m->kernel[0] * m->kernel[1]);
    float scales[64];
    int32_t bias[64];
    for (int64_t o = 0; o < m->outputs; o++) {
        scales[o] = m->most * (0.5f + (float)below(500) / 1000);
        bias[o] = (int32_t)below(40000) - 20000;
    }
    linnet_error e = {0};
    linnet_session *s;
    const linnet_session_options options = {.threads = m->threads};
    linnet_model *model = build(m, w, scales, bias);
    const ln_info *info = &model->graph->values[model->graph->inputs[0]].info;
    assert_int_equal(linnet_session_create(&s, model, &options, &e), LINNET_OK);
    assert_int_equal(linnet_session_set_tensor(s, "x", (linnet_type)info->type, 4, info->dims, x, &e), LINNET_OK);
    assert_int_equal(linnet_session_run(s, &e), LINNET_OK);
    const linnet_value *v = linnet_session_output(s, "y");
    assert_int_equal(linnet_value_count(v), m->batch * m->outputs * plane);
    const float lo = (float)((m->x_signed ? -128 : 0) - m->y_zero), hi = lo + 255;
    for (int64_t i = 0; i < m->batch * m->outputs * plane; i++) {
        const int64_t o = i / plane % m->outputs;
        const uint32_t acc = sum(m, x + i / plane / m->outputs * x_size, w, o, i % plane / m->out[1], i % m->out[1]);
        if (m->integer)
            assert_int_equal(((const int32_t *)v->data)[i], (int32_t)acc);
        else
            assert_int_equal(((const uint8_t *)v->data)[i],
                             ln_requantize(acc + (uint32_t)bias[o], scales[m->each ? o : 0], lo, hi, m->y_zero));
    }
    linnet_session_free(s);
    linnet_model_free(model);
    free(x);
    free(w);
}

static void test_planes(void **state)
{
    static const int64_t wide[] = {3, 4, 7, 8, 5};
    (void)state;
    for (int i = 0; i < 150; i++) {
        image m = {.batch = 1 + below(2), .channels = 1 + below(9), .outputs = 1 + below(21)};
        m.kernel[0] = 1 + below(4);
        m.kernel[1] = wide[below(5)];
        for (int d = 0; d < 2; d++) {
            m.stride[d] = 1 + below(5);
            m.pads[d] = below(m.kernel[d]);
            m.pads[d + 2] = below(m.kernel[d]);
            m.in[d] = d ? 40 + below(100) : m.kernel[0] + below(7);
            m.out[d] = (m.in[d] + m.pads[d] + m.pads[d + 2] - m.kernel[d]) / m.stride[d] + 1;
        }
        m.x_signed = below(2);
        m.w_signed = below(2);
        m.integer = below(5) == 0;
        m.each = below(2);
        m.x_zero = (int32_t)below(256) - (m.x_signed ? 128 : 0);
        m.y_zero = (int32_t)(i % 3 == 0 ? 0 : i % 3 == 1 ? 128 : below(256)) - (m.x_signed ? 128 : 0);
        m.threads = (int32_t)(1 + below(2));
        m.most = below(4) ? 2e-3f : 1.2f;
        one(&m);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_planes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
