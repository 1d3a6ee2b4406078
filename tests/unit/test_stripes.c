/* SPDX-License-Identifier: Apache-2.0
 *
 * Ways to run a network in less memory give the same bytes: little scratch, depthwise convolutions in place, and the
 * first layers a few rows at a time, for any number of layers and rows, asked for or by a session's choice; in every
 * tier of this machine. Products of floats with SIMD may add in another order for few rows: there, the last bits may
 * differ.
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
#include "kernels/kernels.h"

static ln_tier tier; /* under test */

typedef struct net {
    linnet_model *model;
    ln_graph *g;
    int32_t at; /* the last value */
    int64_t channels;
    bool integer;
    uint32_t random;
} net;

static int32_t next(net *n, int32_t below)
{
    n->random = n->random * 1664525u + 1013904223u;
    return (int32_t)((n->random >> 8) % (uint32_t)below);
}

static int32_t constant(net *n, linnet_type type, int32_t rank, const int64_t *dims)
{
    int64_t count = 1;
    for (int32_t i = 0; i < rank; i++)
        count *= dims[i];
    char *data = ln_arena_alloc(n->g->arena, (size_t)count * 4, 64);
    assert_non_null(data);
    for (int64_t i = 0; i < count; i++) {
        if (type == LINNET_FLOAT32)
            ((float *)(void *)data)[i] = (float)(next(n, 2001) - 1000) / 4096;
        else if (type == LINNET_INT32)
            ((int32_t *)(void *)data)[i] = next(n, 200) - 100;
        else
            data[i] = (char)(next(n, 256) - 128);
    }
    return ln_graph_constant(n->g, "", type, rank, dims, data);
}

static int32_t scalar(net *n, linnet_type type, float scale, int8_t zero)
{
    char *data = ln_arena_zalloc(n->g->arena, 4, 64);
    assert_non_null(data);
    if (type == LINNET_FLOAT32)
        memcpy(data, &scale, sizeof scale);
    else
        *data = (char)zero;
    return ln_graph_constant(n->g, "", type, 0, NULL, data);
}

static void node(net *n, const char *type, int32_t n_in, const int32_t *in, int32_t n_attrs, const ln_attr *attrs)
{
    int32_t out = ln_graph_value(n->g, "");
    assert_true(ln_graph_insert(n->g, LN_NO_NODE, "", type, "", n_in, in, 1, &out, n_attrs, attrs) >= 0);
    n->at = out;
}

static ln_attr ints(net *n, const char *name, int64_t count, const int64_t *values)
{
    int64_t *copy = ln_arena_dup(n->g->arena, values, (size_t)count * sizeof *values, 8);
    assert_non_null(copy);
    return (ln_attr){.name = name, .kind = LN_ATTR_INTLIST, .n = count, .ints = copy};
}

/* channels 0: depthwise. pad < 0: auto_pad. */
static void conv(net *n, int64_t channels, int64_t high, int64_t wide, int64_t stride, int64_t pad)
{
    bool depthwise = channels == 0;
    channels = depthwise ? n->channels : channels;
    const int64_t dims[] = {channels, depthwise ? 1 : n->channels, high, wide}, one[] = {channels};
    const int64_t pads[] = {pad, wide / 2, pad, wide / 2}, strides[] = {stride, stride};
    ln_attr attrs[] = {ints(n, "strides", 2, strides),
                       {.name = "group", .kind = LN_ATTR_INT, .i = depthwise ? channels : 1},
                       ints(n, "pads", 4, pads)};
    if (pad < 0)
        attrs[2] = (ln_attr){.name = "auto_pad", .kind = LN_ATTR_STRING, .s = {"SAME_UPPER", 10}};
    if (n->integer) {
        int32_t in[] = {n->at,
                        scalar(n, LINNET_FLOAT32, 0.05f, 0),
                        scalar(n, LINNET_INT8, 0, -3),
                        constant(n, LINNET_INT8, 4, dims),
                        scalar(n, LINNET_FLOAT32, 0.01f, 0),
                        scalar(n, LINNET_INT8, 0, 0),
                        scalar(n, LINNET_FLOAT32, 0.1f, 0),
                        scalar(n, LINNET_INT8, 0, 5),
                        constant(n, LINNET_INT32, 1, one)};
        node(n, "QLinearConv", 9, in, 3, attrs);
    } else {
        int32_t in[] = {n->at, constant(n, LINNET_FLOAT32, 4, dims), constant(n, LINNET_FLOAT32, 1, one)};
        node(n, "Conv", 3, in, 3, attrs);
    }
    n->channels = channels;
}

static void pool(net *n, const char *type, int64_t size, int64_t stride, int64_t pad)
{
    const int64_t kernel[] = {size, size}, strides[] = {stride, stride}, pads[] = {pad, pad, pad, pad};
    ln_attr attrs[] = {ints(n, "kernel_shape", 2, kernel), ints(n, "strides", 2, strides), ints(n, "pads", 4, pads)};
    node(n, type, 1, &n->at, 3, attrs);
}

/* The last value plus another. */
static void add(net *n, int32_t other)
{
    if (!n->integer) {
        node(n, "Add", 2, (int32_t[]){n->at, other}, 0, NULL);
        return;
    }
    int32_t scale = scalar(n, LINNET_FLOAT32, 0.1f, 0), zero = scalar(n, LINNET_INT8, 0, 5),
            out = ln_graph_value(n->g, "");
    int32_t in[] = {other, scale, zero, n->at, scale, zero, scale, zero};
    assert_true(ln_graph_insert(n->g, LN_NO_NODE, "com.microsoft", "QLinearAdd", "", 8, in, 1, &out, 0, NULL) >= 0);
    n->at = out;
}

static void begin(net *n, bool integer, const int64_t *dims)
{
    static const ln_opset opsets[] = {{"", 19}, {"com.microsoft", 1}};
    *n = (net){.model = ln_model_new(NULL), .integer = integer, .channels = dims[1], .random = 1};
    assert_non_null(n->model);
    n->g = n->model->graph;
    n->g->opsets = opsets;
    n->g->n_opsets = 2;
    n->at = ln_graph_value(n->g, "x");
    n->g->values[n->at].info =
        (ln_info){.kind = LINNET_TENSOR, .type = (uint8_t)(integer ? LINNET_INT8 : LINNET_FLOAT32), .rank = 4};
    memcpy(n->g->values[n->at].info.dims, dims, 4 * sizeof *dims);
    assert_true(ln_graph_add_input(n->g, n->at));
}

/* Runs it so; the bytes of the output go to *y. */
static ln_plan *run(const net *n, const ln_plan_options *options, const linnet_value *x, char **y, size_t *bytes)
{
    linnet_error error = {0};
    ln_plan *plan;
    ln_run *r;
    assert_int_equal(ln_plan_make(&plan, n->g, x, &n->model->memory, options, &error), LINNET_OK);
    struct ln_pool *pool = options->threads > 1 ? ln_pool_get(options->threads) : NULL;
    assert_int_equal(ln_run_make(&r, plan, pool, &error), LINNET_OK);
    assert_int_equal(ln_run_execute(r, x, &error), LINNET_OK);
    *bytes = (size_t)linnet_value_count(&r->outputs[0]) * linnet_type_size(r->outputs[0].type);
    *y = malloc(*bytes);
    assert_non_null(*y);
    memcpy(*y, r->outputs[0].data, *bytes);
    ln_run_free(r);
    ln_pool_release(pool);
    return plan;
}

/* Six layers of sums of at most so many products, each of which may round otherwise. */
static void compare(const net *n, const char *got, const char *want, size_t bytes, int products)
{
    if (n->integer || tier == LN_TIER_SCALAR) {
        assert_memory_equal(got, want, bytes);
        return;
    }
    const float *x = (const float *)(const void *)got, *y = (const float *)(const void *)want;
    float most = 0;
    for (size_t i = 0; i < bytes / sizeof *x; i++)
        most = fabsf(y[i]) > most ? fabsf(y[i]) : most;
    for (size_t i = 0; i < bytes / sizeof *x; i++)
        assert_true(fabsf(x[i] - y[i]) <= 6 * ((float)products + 2) * FLT_EPSILON * most);
}

/* All ways; most: layers that can run in stripes. Returns the smallest block with stripes in hundredths of the smallest
 * without: what both have is little scratch, where pointers of convolutions take what the machine's pointers do. */
static uint64_t all_ways(net *n, int32_t most, bool branches)
{
    const ln_info *info = &n->g->values[n->g->inputs[0]].info;
    linnet_value x = {.kind = LINNET_TENSOR, .type = (linnet_type)info->type, .rank = 4};
    memcpy(x.dims, info->dims, 4 * sizeof *x.dims);
    char *data = malloc((size_t)linnet_value_count(&x) * 4), *want, *got;
    assert_non_null(data);
    for (int64_t i = 0; i < linnet_value_count(&x); i++)
        if (n->integer)
            data[i] = (char)(next(n, 256) - 128);
        else
            ((float *)(void *)data)[i] = (float)(next(n, 2001) - 1000) / 1000;
    x.data = data;
    assert_true(ln_graph_set_outputs(n->g, &n->at, 1));
    ln_plan_options options = {.disable_passes = "winograd", .threads = 1};
    size_t bytes, other;
    ln_plan *plan = run(n, &options, &x, &want, &bytes);
    uint64_t whole = plan->block_bytes, stripes = whole;
    ln_plan_free(plan);
    for (options.frugal = 0; options.frugal < 3; options.frugal++)
        for (options.stripe_layers = 0; options.stripe_layers <= most + 1; options.stripe_layers++)
            for (options.stripe_rows = 1; options.stripe_rows < 5; options.stripe_rows++) {
                plan = run(n, &options, &x, &got, &other);
                assert_int_equal(other, bytes);
                compare(n, got, want, bytes, 24);
                int32_t wanted = options.stripe_layers < most ? options.stripe_layers : most;
                if (branches) /* up to where the branches meet */
                    assert_true(plan->stripe_layers >= wanted && plan->stripe_layers <= most);
                else
                    assert_int_equal(plan->stripe_layers, wanted);
                uint64_t *best = wanted ? &stripes : &whole;
                *best = plan->block_bytes < *best ? plan->block_bytes : *best;
                ln_plan_free(plan);
                free(got);
            }
    free(want);
    free(data);
    linnet_model_free(n->model);
    return stripes * 100 / whole;
}

static void every_tier(void (*check)(void))
{
    ln_tier before = ln_tier_running();
    for (int t = 0; t < LN_TIER_COUNT; t++)
        if (ln_tier_available((ln_tier)t)) {
            tier = (ln_tier)t;
            ln_dispatch_to(ln_tier_table(tier), tier);
            check();
        }
    ln_dispatch_to(ln_tier_table(before), before);
}

static void check_floats(void)
{
    static const int64_t dims[] = {1, 3, 41, 30};
    net n;
    begin(&n, false, dims);
    conv(&n, 8, 3, 3, 2, 1);
    conv(&n, 0, 5, 3, 1, 2);
    node(&n, "Relu", 1, &n.at, 0, NULL);
    conv(&n, 24, 1, 1, 1, 0);
    pool(&n, "MaxPool", 3, 2, 1);
    conv(&n, 0, 3, 3, 2, -1);
    pool(&n, "AveragePool", 2, 1, 0);
    assert_true(all_ways(&n, 6, false) < 90); /* the activation is part of a convolution */
}

static void check_integers(void)
{
    static const int64_t dims[] = {1, 4, 41, 30};
    net n;
    begin(&n, true, dims);
    conv(&n, 16, 3, 3, 2, -1);
    conv(&n, 0, 3, 3, 1, 1);
    conv(&n, 96, 1, 1, 1, 0);
    conv(&n, 0, 5, 3, 2, 2);
    conv(&n, 16, 2, 2, 1, -1);
    assert_true(all_ways(&n, 5, false) < 70);
}

/* Two blocks of a residual network, the second with a convolution beside it. */
static void check_branches(void)
{
    static const int64_t dims[] = {1, 3, 32, 30};
    for (int integer = 0; integer < 2; integer++) {
        net n;
        begin(&n, integer, dims);
        conv(&n, 8, 3, 3, 1, -1);
        int32_t skip = n.at;
        conv(&n, 8, 3, 3, 1, 1);
        conv(&n, 8, 3, 3, 1, 1);
        add(&n, skip);
        skip = n.at;
        conv(&n, 8, 3, 3, 2, -1);
        conv(&n, 8, 3, 3, 1, 1);
        int32_t long_way = n.at;
        n.at = skip;
        conv(&n, 8, 1, 1, 2, 0);
        add(&n, long_way);
        conv(&n, 4, 3, 3, 2, 1);
        assert_true(all_ways(&n, integer ? 9 : 7, true) < 60);
    }
}

/* What is widest lies around a depthwise convolution, which then takes the place of its input. */
static void check_in_place(void)
{
    static const int64_t dims[] = {1, 4, 24, 20};
    for (int integer = 0; integer < 2; integer++) {
        net n;
        begin(&n, integer, dims);
        conv(&n, 48, 1, 1, 1, 0);
        conv(&n, 0, 3, 3, 1, 1);
        conv(&n, 8, 1, 1, 1, 0);
        conv(&n, 48, 1, 1, 1, 0);
        conv(&n, 0, 5, 3, 1, 2);
        conv(&n, 8, 1, 1, 1, 0);
        const ln_info *info = &n.g->values[n.g->inputs[0]].info;
        linnet_value x = {.kind = LINNET_TENSOR, .type = (linnet_type)info->type, .rank = 4};
        memcpy(x.dims, info->dims, 4 * sizeof *x.dims);
        x.data = calloc((size_t)linnet_value_count(&x), 4);
        assert_non_null(x.data);
        assert_true(ln_graph_set_outputs(n.g, &n.at, 1));
        uint64_t bytes[3];
        ln_plan_options options = {.disable_passes = "winograd", .threads = 1};
        for (options.frugal = 0; options.frugal < 3; options.frugal++) {
            linnet_error error = {0};
            ln_plan *plan;
            assert_int_equal(ln_plan_make(&plan, n.g, &x, &n.model->memory, &options, &error), LINNET_OK);
            bytes[options.frugal] = plan->block_bytes;
            ln_plan_free(plan);
        }
        assert_true(bytes[1] < bytes[0] || !integer); /* integers have scratch: pointers */
        assert_true(bytes[2] * 100 < bytes[0] * 75);
        free(x.data);
        all_ways(&n, 6, false);
    }
}

/* A session runs large images in stripes by itself, in less memory, with one copy of the weights, and with the same
 * bytes for any number of threads. */
static void check_session(void)
{
    static const int64_t dims[] = {1, 3, 150, 200};
    net n;
    begin(&n, false, dims);
    conv(&n, 36, 3, 3, 1, 1);
    node(&n, "Relu", 1, &n.at, 0, NULL);
    conv(&n, 36, 3, 3, 1, 1);
    conv(&n, 0, 3, 3, 1, -1);
    conv(&n, 4, 3, 3, 2, 1);
    const ln_info *info = &n.g->values[n.g->inputs[0]].info;
    linnet_value x = {.kind = LINNET_TENSOR, .type = LINNET_FLOAT32, .rank = 4};
    memcpy(x.dims, info->dims, 4 * sizeof *x.dims);
    float *data = malloc((size_t)linnet_value_count(&x) * sizeof *data);
    assert_non_null(data);
    for (int64_t i = 0; i < linnet_value_count(&x); i++)
        data[i] = (float)(next(&n, 2001) - 1000) / 1000;
    x.data = data;
    assert_true(ln_graph_set_outputs(n.g, &n.at, 1));
    for (int way = 0; way < 2; way++) {
        char *want, *got, *more;
        size_t bytes, other;
        ln_plan_options options = {.disable_passes = way ? "stripes" : "winograd,stripes", .threads = 1};
        ln_plan *whole = run(&n, &options, &x, &want, &bytes);
        options.disable_passes = way ? "" : "winograd";
        ln_plan *stripes = run(&n, &options, &x, &got, &other);
        assert_int_equal(other, bytes);
        assert_true(stripes->n_steps > 4 * whole->n_steps);
        assert_true(stripes->block_bytes * 2 < whole->block_bytes);
        if (!way) { /* Winograd's method is for whole tiles of rows, of which stripes may have too few */
            compare(&n, got, want, bytes, 36 * 9);
            assert_true(stripes->packed_bytes - whole->packed_bytes < 100 * (uint64_t)stripes->n_steps);
        }
        options.threads = 3;
        ln_plan *threads = run(&n, &options, &x, &more, &other);
        assert_memory_equal(more, got, bytes);
        ln_plan_free(whole);
        ln_plan_free(stripes);
        ln_plan_free(threads);
        free(want);
        free(got);
        free(more);
    }
    free(data);
    linnet_model_free(n.model);
}

static void test_session(void **state)
{
    (void)state;
    every_tier(check_session);
}

static void test_floats(void **state)
{
    (void)state;
    every_tier(check_floats);
}

static void test_integers(void **state)
{
    (void)state;
    every_tier(check_integers);
}

static void test_branches(void **state)
{
    (void)state;
    every_tier(check_branches);
}

static void test_in_place(void **state)
{
    (void)state;
    every_tier(check_in_place);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_floats),   cmocka_unit_test(test_integers), cmocka_unit_test(test_branches),
        cmocka_unit_test(test_in_place), cmocka_unit_test(test_session),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
