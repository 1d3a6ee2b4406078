/* SPDX-License-Identifier: Apache-2.0
 *
 * What the ONNX suite does not ask of the operators that move data: the hidden channels-last layout of Resize, storage
 * that is shared (views, parts made in place), every size of element, what the specification says where numpy differs,
 * random numbers from a seed.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/session.h"

/* -- graphs by hand ------------------------------------------------------------------------------------------------ */

static linnet_model *new_model(void)
{
    static const ln_opset opsets[] = {{"", 19}};
    linnet_model *m = ln_model_new(NULL);
    assert_non_null(m);
    m->graph = ln_graph_new(&m->arena);
    assert_non_null(m->graph);
    m->graph->opsets = opsets;
    m->graph->n_opsets = 1;
    return m;
}

static int32_t input(ln_graph *g, const char *name, linnet_type type, int32_t rank, const int64_t *dims)
{
    int32_t v = ln_graph_value(g, name);
    assert_true(v >= 0);
    ln_info *info = &g->values[v].info;
    *info = (ln_info){.kind = LINNET_TENSOR, .type = (uint8_t)type, .rank = rank};
    for (int32_t i = 0; i < rank; i++)
        info->dims[i] = dims[i];
    assert_true(ln_graph_add_input(g, v));
    return v;
}

static int32_t ints(ln_graph *g, int64_t n, const int64_t *values)
{
    int32_t v = ln_graph_constant(g, "", LINNET_INT64, 1, &n, values);
    assert_true(v >= 0);
    return v;
}

static void node(ln_graph *g, const char *type, int32_t n_in, const int32_t *in, int32_t n_out, int32_t *out,
                 int32_t n_attrs, const ln_attr *attrs)
{
    for (int32_t i = 0; i < n_out; i++) {
        char name[] = {(char)('a' + g->n_values % 26), (char)('0' + i), 0};
        out[i] = ln_graph_value(g, name);
        assert_true(out[i] >= 0);
    }
    assert_true(ln_graph_insert(g, LN_NO_NODE, "", type, type, n_in, in, n_out, out, n_attrs, attrs) >= 0);
}

static linnet_session *open_session(linnet_model *m, int32_t n, const char *const *names, int32_t *outputs)
{
    for (int32_t i = 0; i < n; i++)
        m->graph->values[outputs[i]].name = names[i];
    assert_true(ln_graph_set_outputs(m->graph, outputs, n));
    linnet_error e = {0};
    assert_int_equal(ln_model_declare(m, &e), LINNET_OK);
    linnet_session *s;
    assert_int_equal(linnet_session_create(&s, m, NULL, &e), LINNET_OK);
    return s;
}

static void set_and_run(linnet_session *s, linnet_type type, int32_t rank, const int64_t *dims, const void *x)
{
    linnet_error e = {0};
    assert_int_equal(linnet_session_set_tensor(s, "x", type, rank, dims, x, &e), LINNET_OK);
    linnet_status st = linnet_session_run(s, &e);
    if (st != LINNET_OK)
        print_error("%s\n", e.text);
    assert_int_equal(st, LINNET_OK);
}

/* -- Resize -------------------------------------------------------------------------------------------------------- */

enum { C = 5, H = 4, W = 7, OH = 9, OW = 10 };

/* Resizes an image, channels last or not, and puts the result into y channels first. */
static void resize(const char *mode, bool last, const float *x, float *y)
{
    static const int64_t sizes[] = {1, C, OH, OW};
    int64_t dims[4] = {1, last ? H : C, last ? W : H, last ? C : W};
    linnet_model *m = new_model();
    ln_graph *g = m->graph;
    int32_t in[4] = {input(g, "x", LINNET_FLOAT32, 4, dims), LN_NO_VALUE, LN_NO_VALUE, ints(g, 4, sizes)}, out;
    ln_attr attrs[] = {{.name = "mode", .kind = LN_ATTR_STRING, .s = {mode, strlen(mode)}},
                       {.name = "linnet.channels_last", .kind = LN_ATTR_INT, .i = last}};
    node(g, "Resize", 4, in, 1, &out, 2, attrs);
    linnet_session *s = open_session(m, 1, (const char *const[]){"y"}, &out);
    float moved[C * H * W];
    for (int32_t c = 0; c < C; c++)
        for (int32_t i = 0; i < H * W; i++)
            moved[last ? i * C + c : c * H * W + i] = x[c * H * W + i];
    set_and_run(s, LINNET_FLOAT32, 4, dims, moved);
    const linnet_value *v = linnet_session_output(s, "y");
    assert_int_equal(v->dims[last ? 3 : 1], C);
    assert_int_equal(v->dims[last ? 1 : 2], OH);
    for (int32_t c = 0; c < C; c++)
        for (int32_t i = 0; i < OH * OW; i++)
            y[c * OH * OW + i] = ((const float *)v->data)[last ? i * C + c : c * OH * OW + i];
    linnet_session_free(s);
    linnet_model_free(m);
}

static void test_resize_channels_last(void **state)
{
    static const char *const modes[] = {"nearest", "linear", "cubic"};
    float x[C * H * W], first[C * OH * OW], last[C * OH * OW];
    (void)state;
    for (int32_t i = 0; i < C * H * W; i++)
        x[i] = sinf((float)i);
    for (int32_t k = 0; k < 3; k++) {
        resize(modes[k], false, x, first);
        resize(modes[k], true, x, last);
        for (int32_t i = 0; i < C * OH * OW; i++)
            assert_float_equal(first[i], last[i], 1e-6);
    }
}

/* -- shared storage ------------------------------------------------------------------------------------------------ */

/* y = Concat(Elu(a), Elu(b), Elu(a)) of a split x, and z = the second half of y negated: views of views. */
static void test_shared_storage(void **state)
{
    (void)state;
    static const int64_t dims[2] = {4, 3}, parts[2] = {1, 3}, start[1] = {2}, end[1] = {INT64_MAX};
    linnet_model *m = new_model();
    ln_graph *g = m->graph;
    int32_t in[3] = {input(g, "x", LINNET_FLOAT32, 2, dims), ints(g, 2, parts)}, ab[2], e[3], y, tail, z;
    ln_attr axis = {.name = "axis", .kind = LN_ATTR_INT, .i = 0};
    node(g, "Split", 2, in, 2, ab, 1, &axis);
    node(g, "Elu", 1, &ab[0], 1, &e[0], 0, NULL);
    node(g, "Elu", 1, &ab[1], 1, &e[1], 0, NULL);
    e[2] = e[0];
    node(g, "Concat", 3, e, 1, &y, 1, &axis);
    node(g, "Slice", 3, (int32_t[]){y, ints(g, 1, start), ints(g, 1, end)}, 1, &tail, 0, NULL);
    node(g, "Elu", 1, &tail, 1, &z, 0, NULL);
    int32_t outputs[4] = {y, z, ab[1], tail};
    linnet_session *s = open_session(m, 4, (const char *const[]){"y", "z", "b", "tail"}, outputs);
    float x[12];
    for (int32_t i = 0; i < 12; i++)
        x[i] = (float)i - 6;
    set_and_run(s, LINNET_FLOAT32, 2, dims, x);
    const float *yd = linnet_session_output(s, "y")->data, *zd = linnet_session_output(s, "z")->data;
    const float *bd = linnet_session_output(s, "b")->data, *td = linnet_session_output(s, "tail")->data;
    for (int32_t i = 0; i < 15; i++) {
        float v = x[i % 12], elu = v >= 0 ? v : expm1f(v);
        assert_float_equal(yd[i], elu, 1e-6);
        if (i >= 6) {
            assert_float_equal(td[i - 6], elu, 1e-6);
            assert_float_equal(zd[i - 6], elu >= 0 ? elu : expm1f(elu), 1e-6);
        }
    }
    for (int32_t i = 0; i < 9; i++)
        assert_float_equal(bd[i], x[i + 3], 0);
    linnet_session_free(s);
    linnet_model_free(m);
}

/* -- every size of element ----------------------------------------------------------------------------------------- */

static void test_element_sizes(void **state)
{
    (void)state;
    static const int64_t dims[3] = {3, 2, 4}, perm[3] = {2, 0, 1};
    for (int32_t type = 1; type < LINNET_TYPE_COUNT; type++) {
        linnet_model *m = new_model();
        ln_graph *g = m->graph;
        g->opsets = (const ln_opset[]){{"", 25}};
        int32_t x = input(g, "x", (linnet_type)type, 3, dims), y;
        ln_attr a = {.name = "perm", .kind = LN_ATTR_INTLIST, .n = 3, .ints = perm};
        node(g, "Transpose", 1, &x, 1, &y, 1, &a);
        linnet_session *s = open_session(m, 1, (const char *const[]){"y"}, &y);
        size_t size = linnet_type_size((linnet_type)type);
        _Alignas(16) unsigned char data[24 * 16] = {0};
        for (size_t i = 0; i < 24; i++)
            data[i * size] = (unsigned char)(i % 4);
        linnet_string *strings = (linnet_string *)(void *)data;
        for (size_t i = 0; type == LINNET_STRING && i < 24; i++)
            strings[i] = (linnet_string){&"abcdefghijklmnopqrstuvwxyz"[i], 1};
        set_and_run(s, (linnet_type)type, 3, dims, data);
        const unsigned char *yd = linnet_session_output(s, "y")->data;
        for (size_t i = 0; i < 4; i++)
            for (size_t k = 0; k < 6; k++)
                assert_memory_equal(yd + (i * 6 + k) * size, data + (k * 4 + i) * size, size);
        linnet_session_free(s);
        linnet_model_free(m);
    }
}

/* -- the specification where others differ ------------------------------------------------------------------------- */

/* Going down, a start before the first element is the first element. */
static void test_slice_down_from_before(void **state)
{
    (void)state;
    static const int64_t n = 3, start[1] = {-10}, end[1] = {INT64_MIN}, axes[1] = {0}, steps[1] = {-1};
    linnet_model *m = new_model();
    ln_graph *g = m->graph;
    int32_t in[5] = {input(g, "x", LINNET_FLOAT32, 1, &n), ints(g, 1, start), ints(g, 1, end), ints(g, 1, axes),
                     ints(g, 1, steps)},
            y;
    node(g, "Slice", 5, in, 1, &y, 0, NULL);
    linnet_session *s = open_session(m, 1, (const char *const[]){"y"}, &y);
    set_and_run(s, LINNET_FLOAT32, 1, &n, (const float[]){7, 8, 9});
    const linnet_value *v = linnet_session_output(s, "y");
    assert_int_equal(v->dims[0], 1);
    assert_float_equal(*(const float *)v->data, 7, 0);
    linnet_session_free(s);
    linnet_model_free(m);
}

/* Largest first, a NaN above all, equal elements by index; by the list (k small) and by the heap. */
static void test_topk_order(void **state)
{
    (void)state;
    enum { N = 200 };
    float x[N];
    for (int32_t i = 0; i < N; i++)
        x[i] = (float)(i * 37 % 20) - 10;
    x[50] = NAN;
    x[60] = -0.0f;
    for (int32_t largest = 0; largest < 2; largest++)
        for (int64_t k = 1; k <= N; k += 66) {
            static const int64_t n = N;
            linnet_model *m = new_model();
            ln_graph *g = m->graph;
            int32_t in[2] = {input(g, "x", LINNET_FLOAT32, 1, &n), ints(g, 1, &k)}, out[2];
            ln_attr a = {.name = "largest", .kind = LN_ATTR_INT, .i = largest};
            node(g, "TopK", 2, in, 2, out, 1, &a);
            linnet_session *s = open_session(m, 2, (const char *const[]){"y", "i"}, out);
            set_and_run(s, LINNET_FLOAT32, 1, &n, x);
            const int64_t *index = linnet_session_output(s, "i")->data;
            bool seen[N] = {false};
            for (int64_t i = 0; i < k; i++) { /* the best that is left, by a plain search */
                int64_t best = -1;
                for (int64_t e = 0; e < N; e++) {
                    if (seen[e])
                        continue;
                    bool better = best < 0;
                    if (best >= 0 && isnan(x[e]) != isnan(x[best]))
                        better = isnan(x[e]) == (largest != 0);
                    else if (best >= 0)
                        better = largest ? x[e] > x[best] : x[e] < x[best];
                    best = better ? e : best;
                }
                seen[best] = true;
                assert_int_equal(index[i], best);
            }
            linnet_session_free(s);
            linnet_model_free(m);
        }
}

/* -- random numbers ------------------------------------------------------------------------------------------------ */

static void draw(const char *type, bool seeded, float seed, float *y, int64_t n)
{
    linnet_model *m = new_model();
    int32_t out;
    ln_attr attrs[] = {{.name = "shape", .kind = LN_ATTR_INTLIST, .n = 1, .ints = &n},
                       {.name = "seed", .kind = LN_ATTR_FLOAT, .f = seed}};
    node(m->graph, type, 0, NULL, 1, &out, seeded ? 2 : 1, attrs);
    linnet_session *s = open_session(m, 1, (const char *const[]){"y"}, &out);
    linnet_error e = {0};
    assert_int_equal(linnet_session_run(s, &e), LINNET_OK);
    memcpy(y, linnet_session_output(s, "y")->data, (size_t)n * sizeof *y);
    linnet_session_free(s);
    linnet_model_free(m);
}

static void test_random(void **state)
{
    (void)state;
    enum { N = 20000 };
    static float a[N], b[N];
    for (int32_t k = 0; k < 2; k++) {
        const char *type = k ? "RandomNormal" : "RandomUniform";
        double sum = 0, squares = 0, mean = k ? 0 : 0.5, variance = k ? 1 : 1.0 / 12;
        draw(type, true, 3, a, N);
        draw(type, true, 3, b, N);
        assert_memory_equal(a, b, sizeof a);
        draw(type, true, 4, b, N);
        assert_memory_not_equal(a, b, sizeof a);
        draw(type, false, 0, a, N);
        draw(type, false, 0, b, N);
        assert_memory_not_equal(a, b, sizeof a);
        for (int32_t i = 0; i < N; i++) {
            sum += (double)b[i];
            squares += (double)b[i] * (double)b[i];
        }
        sum /= (double)N;
        assert_true(fabs(sum - mean) < 5 * sqrt(variance / (double)N));
        assert_true(fabs(squares / (double)N - sum * sum - variance) < 0.1 * variance);
    }
}

/* An optional without a value has no type to cast to. */
static void test_cast_like_nothing(void **state)
{
    (void)state;
    static const int64_t n = 2;
    static const float x[2] = {1, 2};
    linnet_model *m = new_model();
    int32_t in[2] = {input(m->graph, "x", LINNET_FLOAT32, 1, &n), input(m->graph, "like", LINNET_UNDEFINED, 0, NULL)};
    int32_t y;
    m->graph->values[in[1]].info.kind = LINNET_OPTIONAL;
    node(m->graph, "CastLike", 2, in, 1, &y, 0, NULL);
    linnet_session *s = open_session(m, 1, (const char *const[]){"y"}, &y);
    linnet_error e = {0};
    assert_int_equal(linnet_session_set_tensor(s, "x", LINNET_FLOAT32, 1, &n, x, &e), LINNET_OK);
    assert_int_equal(linnet_session_set_input(s, "like", &(linnet_value){.kind = LINNET_NONE}, &e), LINNET_OK);
    assert_int_equal(linnet_session_run(s, &e), LINNET_ERR_DATA);
    assert_non_null(strstr(e.text, "input 1 is no tensor"));
    linnet_session_free(s);
    linnet_model_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_resize_channels_last), cmocka_unit_test(test_shared_storage),
        cmocka_unit_test(test_element_sizes),        cmocka_unit_test(test_slice_down_from_before),
        cmocka_unit_test(test_topk_order),           cmocka_unit_test(test_random),
        cmocka_unit_test(test_cast_like_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
