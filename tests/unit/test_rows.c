/* SPDX-License-Identifier: Apache-2.0
 *
 * Concatenations and splits over channels that copy nothing: a network with every operator that writes or reads rows of
 * a wider tensor gives what it gives with channels first, for one thread and three; its parts lie in the whole; and
 * what a step without rows reads, or what is an output, stays where it is.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/session.h"
#include "tests/unit/load_model.h"

enum { SIZE = 9 };

static uint32_t state_of_random = 1;

static float some(void)
{
    state_of_random = state_of_random * 1664525u + 1013904223u;
    return (float)(state_of_random >> 8) / (1 << 23) - 1;
}

static void weights(builder *b, Onnx__GraphProto *g, const char *name, int32_t rank, const int64_t *dims)
{
    Onnx__TensorProto *t = b_tensor(b, name, LINNET_FLOAT32, (size_t)rank, dims);
    int64_t n = 1, fan = 1;
    for (int32_t i = 0; i < rank; i++) {
        n *= dims[i];
        fan *= i ? dims[i] : 1;
    }
    for (int64_t i = 0; i < n; i++)
        ADD(b, t, float_data, rank == 1 ? 1 + 0.5f * some() : some() * sqrtf(3.0f / (float)fan));
    ADD(b, g, initializer, t);
}

/* to = Conv(from), with as many taps each way; act behind it unless "". */
static void conv(builder *b, Onnx__GraphProto *g, const char *from, const char *to, int64_t in, int64_t out,
                 int64_t taps, int64_t group, const char *act)
{
    char w[32], in_names[64], middle[32];
    int64_t dims[4] = {out, in / group, taps, taps};
    snprintf(w, sizeof w, "%s_w", to);
    snprintf(in_names, sizeof in_names, "%s,%s", from, w);
    snprintf(middle, sizeof middle, "%s%s", to, act[0] ? "_0" : "");
    weights(b, g, w, 4, dims);
    Onnx__NodeProto *n = b_node(b, "", "Conv", in_names, middle);
    Onnx__AttributeProto *pads = b_attr(b, "pads", 7);
    for (int i = 0; i < 4; i++)
        ADD(b, pads, ints, taps / 2);
    ADD(b, n, attribute, pads);
    ADD(b, n, attribute, b_attr_i(b, "group", group));
    ADD(b, g, node, n);
    if (act[0])
        ADD(b, g, node, b_node(b, "", act, middle, to));
}

static void along_channels(builder *b, Onnx__GraphProto *g, const char *type, const char *in, const char *out)
{
    Onnx__NodeProto *n = b_node(b, "", type, in, out);
    ADD(b, n, attribute, b_attr_i(b, "axis", 1));
    ADD(b, g, node, n);
}

/* What is wanted of a network: its outputs, and whether its concatenations and splits copy. */
static linnet_model *network(builder *b, int64_t batch, bool plain)
{
    static const int64_t channels[] = {56};
    const int64_t dims[4] = {batch, 3, SIZE, SIZE};
    Onnx__ModelProto *m = b_model(b);
    Onnx__GraphProto *g = m->graph;
    ADD(b, g, input, b_value(b, "x", LINNET_FLOAT32, 4, dims));
    conv(b, g, "x", "first", 3, 16, 3, 1, "Relu");
    conv(b, g, "first", "one", 16, 24, 1, 1, "HardSwish");
    conv(b, g, "first", "three", 16, 16, 3, 1, "Relu");
    conv(b, g, "first", "each", 16, 16, 3, 16, "HardSwish");
    along_channels(b, g, "Concat", "one,three,each", "wide");
    weights(b, g, "scale", 1, channels);
    weights(b, g, "bias", 1, channels);
    weights(b, g, "mean", 1, channels);
    weights(b, g, "var", 1, channels);
    ADD(b, g, node, b_node(b, "", "BatchNormalization", "wide,scale,bias,mean,var", "norm"));
    ADD(b, g, node, b_node(b, "", "Relu", "norm", "normal"));
    conv(b, g, "normal", "more", 56, 8, 3, 1, "");
    along_channels(b, g, "Concat", "wide,more", "wider");
    along_channels(b, g, "Split", "wider", "left,right");
    conv(b, g, "left", "l", 32, 16, 3, 1, "Relu");
    conv(b, g, "right", "r", 32, 16, 1, 1, "");
    conv(b, g, "right", "d", 32, 32, 3, 32, "");
    along_channels(b, g, "Concat", "l,r,d", "joined");
    conv(b, g, "joined", "y", 64, 5, 1, 1, "");
    const int64_t out[4] = {batch, 5, SIZE, SIZE};
    ADD(b, g, output, b_value(b, "y", LINNET_FLOAT32, 4, out));
    if (plain) { /* `more` is an output, and a step without rows reads `one` */
        const int64_t more[4] = {batch, 8, SIZE, SIZE}, one[4] = {batch, 24, SIZE, SIZE};
        ADD(b, g, output, b_value(b, "more", LINNET_FLOAT32, 4, more));
        along_channels(b, g, "Softmax", "one", "soft");
        ADD(b, g, output, b_value(b, "soft", LINNET_FLOAT32, 4, one));
    }
    return load_ok(b, m);
}

static linnet_session *run(const linnet_model *m, int64_t batch, const float *x, const char *without, int32_t threads)
{
    linnet_session *s;
    linnet_error error = {0};
    linnet_session_options o = {.threads = threads, .disable_passes = without};
    const int64_t dims[4] = {batch, 3, SIZE, SIZE};
    assert_int_equal(linnet_session_create(&s, m, &o, &error), LINNET_OK);
    assert_int_equal(linnet_session_set_tensor(s, "x", LINNET_FLOAT32, 4, dims, x, &error), LINNET_OK);
    if (linnet_session_run(s, &error) != LINNET_OK)
        fail_msg("%s", error.text);
    return s;
}

static void same(const linnet_session *a, const linnet_session *b, const char *name, float tolerance)
{
    const linnet_value *v = linnet_session_output(a, name), *w = linnet_session_output(b, name);
    assert_non_null(v);
    assert_non_null(w);
    const float *p = v->data, *q = w->data;
    for (int64_t i = 0; i < linnet_value_count(v); i++)
        if (!(fabsf(p[i] - q[i]) <= tolerance * (1 + fabsf(q[i]))))
            fail_msg("%s[%lld]: %g and %g", name, (long long)i, (double)p[i], (double)q[i]);
}

/* Parts of concatenations and splits along the last axis that lie in the rows of the whole, and all of them. */
static void count_parts(const linnet_session *s, int32_t *inside, int32_t *all)
{
    const ln_plan *plan = s->current->plan;
    *inside = *all = 0;
    for (int32_t i = 0; i < plan->n_steps; i++) {
        const ln_step *step = &plan->steps[i];
        bool concat = strcmp(step->op->type, "Concat") == 0;
        if (!concat && strcmp(step->op->type, "Split") != 0)
            continue;
        int32_t whole = concat ? step->n_in : 0, first = concat ? 0 : step->n_in, n = concat ? step->n_in : step->n_out;
        const ln_node *node = &plan->graph->nodes[step->node];
        const ln_info *info = &plan->graph->values[concat ? node->out[0] : node->in[0]].info;
        uint64_t row = (uint64_t)info->dims[info->rank - 1] * sizeof(float);
        for (int32_t k = first; k < first + n; k++, ++*all)
            *inside += step->refs[k].where == LN_AT_BLOCK && step->refs[whole].where == LN_AT_BLOCK &&
                       step->refs[k].offset >= step->refs[whole].offset &&
                       step->refs[k].offset < step->refs[whole].offset + row;
    }
}

static void check(int64_t batch, bool plain, int32_t wanted)
{
    builder b;
    builder_init(&b);
    linnet_model *m = network(&b, batch, plain);
    float x[2 * 3 * SIZE * SIZE];
    for (size_t i = 0; i < sizeof x / sizeof *x; i++)
        x[i] = some();
    int32_t inside, all;
    linnet_session *first = run(m, batch, x, "layout", 1);
    for (int32_t threads = 1; threads <= 3; threads += 2) {
        linnet_session *s = run(m, batch, x, NULL, threads);
        same(s, first, "y", 1e-4f);
        if (plain) {
            same(s, first, "more", 1e-4f);
            same(s, first, "soft", 1e-4f);
        }
        count_parts(s, &inside, &all);
        assert_int_equal(all, 10);
        assert_int_equal(inside, wanted);
        linnet_session_free(s);
    }
    linnet_session_free(first);
    linnet_model_free(m);
    builder_free(&b);
}

static void nothing_is_copied(void **state)
{
    (void)state;
    check(1, false, 10);
    check(2, false, 10);
}

static void some_parts_stay(void **state)
{
    (void)state;
    check(1, true, 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(nothing_is_copied), cmocka_unit_test(some_parts_stay)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
