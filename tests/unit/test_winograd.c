/* SPDX-License-Identifier: Apache-2.0
 *
 * Convolutions by Winograd's method beside the direct ones: 3 x 3, and 3 along each dimension, dilated, padded on
 * either side, with a residual and activations, for several images; where it is used, with the same bytes for any
 * number of threads. Errors are bounded by a multiple of the sum of the absolute values of what is added up.
 */
#include <setjmp.h>
#include <float.h>
#include <math.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/plan.h"
#include "engine/session.h"
#include "kernels/gemm.h"

typedef struct shape {
    int32_t dims; /* spatial */
    int64_t batch, in, out, size[3], kernel[3], dilation[3], before[3], after[3];
    const char *act;
    bool residual;
    bool used; /* it pays */
} shape;

/* The last two are too short for it, as dilated. */
static const shape shapes[] = {
    {2, 2, 32, 40, {37, 41}, {3, 3}, {1, 1}, {1, 1}, {1, 1}, "Relu", true, true},
    {1, 1, 48, 64, {301}, {3}, {1}, {1}, {1}, "Relu", false, true},
    {1, 3, 64, 40, {203}, {3}, {5}, {7}, {2}, "LeakyRelu", true, true},
    {1, 1, 64, 64, {640}, {3}, {64}, {64}, {64}, NULL, true, true},
    {2, 2, 36, 48, {40, 23}, {1, 3}, {1, 1}, {0, 0}, {0, 2}, "Relu", true, true},
    {2, 1, 48, 33, {50, 31}, {3, 1}, {2, 1}, {2, 0}, {1, 0}, "Sigmoid", false, true},
    {3, 1, 32, 48, {19, 12, 6}, {3, 1, 1}, {1, 1, 1}, {1, 0, 0}, {1, 0, 0}, NULL, true, true},
    {3, 1, 32, 48, {5, 34, 7}, {1, 3, 1}, {1, 2, 1}, {0, 0, 0}, {0, 0, 0}, "Relu", false, true},
    {1, 1, 32, 32, {5}, {3}, {4}, {4}, {4}, "Relu", false, false},
    {1, 1, 64, 64, {200}, {3}, {150}, {150}, {150}, NULL, false, false},
};

static uint32_t seed;

static float next(void)
{
    seed = seed * 1664525u + 1013904223u;
    return (float)((int32_t)(seed >> 8) % 2001 - 1000) / 1000;
}

static int32_t constant(ln_graph *g, int32_t rank, const int64_t *dims, float scale)
{
    int64_t count = 1;
    for (int32_t i = 0; i < rank; i++)
        count *= dims[i];
    float *data = ln_arena_array(g->arena, count, sizeof *data);
    assert_non_null(data);
    for (int64_t i = 0; i < count; i++)
        data[i] = scale * next();
    return ln_graph_constant(g, "", LINNET_FLOAT32, rank, dims, data);
}

static int32_t node(ln_graph *g, const char *type, int32_t n_in, const int32_t *in, int32_t n_attrs,
                    const ln_attr *attrs)
{
    int32_t out = ln_graph_value(g, "");
    assert_true(ln_graph_insert(g, LN_NO_NODE, "", type, "", n_in, in, 1, &out, n_attrs, attrs) >= 0);
    return out;
}

static linnet_model *make(const shape *s, linnet_value *x)
{
    static const ln_opset opsets[] = {{"", 19}};
    linnet_model *m = ln_model_new(NULL);
    assert_non_null(m);
    ln_graph *g = m->graph;
    int64_t dims[5] = {s->batch, s->in, s->size[0], s->size[1], s->size[2]}, pads[6], out[] = {s->out};
    int64_t weights[5] = {s->out, s->in, s->kernel[0], s->kernel[1], s->kernel[2]}, *copies;
    int32_t rank = s->dims + 2, input = ln_graph_value(g, "x");
    g->opsets = opsets;
    g->n_opsets = 1;
    *x = (linnet_value){.kind = LINNET_TENSOR, .type = LINNET_FLOAT32, .rank = rank};
    memcpy(x->dims, dims, (size_t)rank * sizeof *dims);
    g->values[input].info = (ln_info){.kind = LINNET_TENSOR, .type = LINNET_FLOAT32, .rank = (int8_t)rank};
    memcpy(g->values[input].info.dims, dims, (size_t)rank * sizeof *dims);
    assert_true(ln_graph_add_input(g, input));
    memcpy(pads, s->before, (size_t)s->dims * sizeof *pads);
    memcpy(pads + s->dims, s->after, (size_t)s->dims * sizeof *pads);
    copies = ln_arena_dup(g->arena, pads, sizeof pads, 8);
    assert_non_null(copies);
    ln_attr attrs[] = {{.name = "pads", .kind = LN_ATTR_INTLIST, .n = 2 * s->dims, .ints = copies},
                       {.name = "dilations", .kind = LN_ATTR_INTLIST, .n = s->dims, .ints = s->dilation}};
    int32_t in[] = {input, constant(g, rank, weights, 1), constant(g, 1, out, 1)};
    int32_t y = node(g, "Conv", 3, in, 2, attrs);
    if (s->residual) { /* as large as the output, of every value another */
        int64_t r[5] = {s->batch, s->out};
        for (int32_t i = 0; i < s->dims; i++)
            r[2 + i] = s->size[i] + s->before[i] + s->after[i] - (s->kernel[i] - 1) * s->dilation[i];
        int32_t other = ln_graph_value(g, "r");
        g->values[other].info = (ln_info){.kind = LINNET_TENSOR, .type = LINNET_FLOAT32, .rank = (int8_t)rank};
        memcpy(g->values[other].info.dims, r, (size_t)rank * sizeof *r);
        assert_true(ln_graph_add_input(g, other));
        x[1] = *x;
        memcpy(x[1].dims, r, (size_t)rank * sizeof *r);
        y = node(g, "Add", 2, (int32_t[]){y, other}, 0, NULL);
    }
    if (s->act)
        y = node(g, s->act, 1, &y, 0, NULL);
    assert_true(ln_graph_set_outputs(g, &y, 1));
    return m;
}

static float *run(const linnet_model *m, const linnet_value *x, const char *disable, int32_t threads, int64_t *count,
                  uint64_t *packed)
{
    linnet_error error = {0};
    ln_plan *plan;
    ln_run *r;
    ln_plan_options options = {.disable_passes = disable, .threads = threads};
    struct ln_pool *pool = threads > 1 ? ln_pool_get(threads) : NULL;
    assert_int_equal(ln_plan_make(&plan, m->graph, x, (ln_memory *)(uintptr_t)&m->memory, &options, &error), LINNET_OK);
    assert_int_equal(ln_run_make(&r, plan, pool, &error), LINNET_OK);
    assert_int_equal(ln_run_execute(r, x, &error), LINNET_OK);
    *count = linnet_value_count(&r->outputs[0]);
    *packed = plan->packed_bytes;
    float *y = malloc((size_t)*count * sizeof *y);
    assert_non_null(y);
    memcpy(y, r->outputs[0].data, (size_t)*count * sizeof *y);
    ln_run_free(r);
    ln_plan_free(plan);
    ln_pool_release(pool);
    return y;
}

static void check(const shape *s)
{
    linnet_value x[2];
    seed = 1;
    linnet_model *m = make(s, x);
    for (int32_t i = 0; i < 1 + s->residual; i++) {
        int64_t n = linnet_value_count(&x[i]);
        float *data = malloc((size_t)n * sizeof *data);
        assert_non_null(data);
        for (int64_t k = 0; k < n; k++)
            data[k] = next();
        x[i].data = data;
    }
    int64_t count, other;
    uint64_t direct, tiled;
    float *want = run(m, x, "winograd", 1, &count, &direct), *got = run(m, x, "", 1, &other, &tiled);
    assert_int_equal(count, other);
    if (LN_D(gemm_f32)->nr <= 64) /* panels of 128 columns are half empty here: then it need not pay */
        assert_true((tiled > direct) == s->used);
    /* Elements are at most 1. Then for an output, what is added up for a channel is at most 48: the sum over the points
     * of the absolute values in the last row of A' times those in the rows of G and B' (winograd.inc), a square of two
     * such. */
    double sum = s->dims == 2 && s->kernel[0] * s->kernel[1] == 9 ? 48 * 48 : 48;
    double limit = ((double)s->in + 24) * (double)FLT_EPSILON * (sum * (double)s->in + 2);
    for (int64_t i = 0; i < count; i++)
        assert_true(fabs((double)got[i] - (double)want[i]) <= limit);
    for (int32_t threads = 2; threads < 8; threads += 3) {
        float *more = run(m, x, "", threads, &other, &tiled);
        assert_memory_equal(more, got, (size_t)count * sizeof *got);
        free(more);
    }
    free(want);
    free(got);
    for (int32_t i = 0; i < 1 + s->residual; i++)
        free(x[i].data);
    linnet_model_free(m);
}

static void test_shapes(void **state)
{
    (void)state;
    ln_tier before = ln_tier_running();
    for (int t = 0; t < LN_TIER_COUNT; t++)
        if (ln_tier_available((ln_tier)t)) {
            ln_dispatch_to(ln_tier_table((ln_tier)t), (ln_tier)t);
            for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
                check(&shapes[i]);
        }
    ln_dispatch_to(ln_tier_table(before), before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_shapes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
