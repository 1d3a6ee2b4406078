/* SPDX-License-Identifier: Apache-2.0
 *
 * Weights that a plan has packed are let go, and read again from the file when another plan needs them: the same
 * results for every shape, in two sessions of one model, and in a copy that is written; an error where the file was
 * changed meanwhile. A large table is never read whole, and weights of a branch that is not taken are not read. And
 * pages that were freed come as zeros where they come again.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/pages.h"
#include "engine/session.h"
#include "onnx/onnx.h"

enum { N = 256, ROWS = 5 };

static float weights[2][N * N], x[ROWS * N];

static int32_t value(ln_graph *g, const char *name, int64_t rows)
{
    int32_t v = ln_graph_value(g, name);
    assert_true(v >= 0);
    g->values[v].info = (ln_info){.kind = LINNET_TENSOR, .type = LINNET_FLOAT32, .rank = 2, .dims = {rows, N}};
    return v;
}

static linnet_model *new_model(void)
{
    static const ln_opset opsets[] = {{"", 19}};
    linnet_model *m = ln_model_new(NULL);
    assert_non_null(m);
    m->graph->opsets = opsets;
    m->graph->n_opsets = 1;
    m->ir_version = 8;
    return m;
}

/* y = x A B, where B is read as a table too: z = B[at]. Integers that a float32 holds. */
static void write_model(char *path)
{
    static const int64_t dims[2] = {N, N};
    linnet_model *m = new_model();
    ln_graph *g = m->graph;
    for (int32_t i = 0; i < N * N; i++) {
        weights[0][i] = (float)(i % 7 - 3);
        weights[1][i] = (float)(i % 5 - 2);
    }
    for (int32_t i = 0; i < ROWS * N; i++)
        x[i] = (float)(i % 3 - 1);
    int32_t in = value(g, "x", ln_graph_symbol(g, "rows")), out[3];
    int32_t a = ln_graph_constant(g, "A", LINNET_FLOAT32, 2, dims, weights[0]);
    int32_t b = ln_graph_constant(g, "B", LINNET_FLOAT32, 2, dims, weights[1]);
    int32_t at = ln_graph_value(g, "at");
    g->values[at].info = (ln_info){.kind = LINNET_TENSOR, .type = LINNET_INT64, .rank = 1, .dims = {1}};
    out[0] = ln_graph_value(g, "t");
    out[1] = ln_graph_value(g, "y");
    out[2] = value(g, "z", 1);
    g->values[out[1]].info = g->values[in].info;
    assert_true(ln_graph_add_input(g, in) && ln_graph_add_input(g, at));
    assert_true(ln_graph_insert(g, LN_NO_NODE, "", "MatMul", "", 2, (int32_t[]){in, a}, 1, out, 0, NULL) >= 0);
    assert_true(ln_graph_insert(g, LN_NO_NODE, "", "MatMul", "", 2, (int32_t[]){out[0], b}, 1, out + 1, 0, NULL) >= 0);
    assert_true(ln_graph_insert(g, LN_NO_NODE, "", "Gather", "", 2, (int32_t[]){b, at}, 1, out + 2, 0, NULL) >= 0);
    assert_true(ln_graph_set_outputs(g, out + 1, 2));
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    linnet_error error = {0};
    assert_int_equal(ln_onnx_write(g, m, path, &error), LINNET_OK);
    linnet_model_free(m);
}

static void check(linnet_session *s, int64_t rows)
{
    linnet_error error = {0};
    static const int64_t one[1] = {1}, at[1] = {7}; /* read by later runs, too */
    const int64_t dims[2] = {rows, N};
    assert_int_equal(linnet_session_set_tensor(s, "at", LINNET_INT64, 1, one, at, &error), LINNET_OK);
    assert_int_equal(linnet_session_set_tensor(s, "x", LINNET_FLOAT32, 2, dims, x, &error), LINNET_OK);
    assert_int_equal(linnet_session_run(s, &error), LINNET_OK);
    const float *y = linnet_session_output(s, "y")->data, *z = linnet_session_output(s, "z")->data;
    assert_memory_equal(z, weights[1] + 7 * N, N * sizeof(float));
    for (int64_t r = 0; r < rows; r++) {
        float t[N] = {0}, want[N] = {0};
        for (int32_t k = 0; k < N; k++)
            for (int32_t j = 0; j < N; j++)
                t[j] += x[r * N + k] * weights[0][k * N + j];
        for (int32_t k = 0; k < N; k++)
            for (int32_t j = 0; j < N; j++)
                want[j] += t[k] * weights[1][k * N + j];
        assert_memory_equal(y + r * N, want, sizeof want);
    }
}

/* WASI has no second descriptor of a file, and so nothing is let go there, nor read again. */
#ifdef __wasi__
enum { LETS_GO = 0 };
#else
enum { LETS_GO = 1 };
#endif

/* Whether the constant's inner pages hold nothing but zeros: its memory was let go. */
static bool gone(const linnet_model *m, const char *name)
{
    for (int32_t v = 0; v < m->graph->n_values; v++)
        if (strcmp(m->graph->values[v].name, name) == 0) {
            const ln_info *info = &m->graph->values[v].info;
            const unsigned char *data = info->data;
            for (size_t i = ln_info_bytes(info) / 4; i < ln_info_bytes(info) * 3 / 4; i++)
                if (data[i] != 0)
                    return false;
            return true;
        }
    fail();
    return false;
}

static void sessions(void **state)
{
    char path[] = "/tmp/linnet-store-XXXXXX", copy[] = "/tmp/linnet-store-XXXXXX";
    linnet_error error = {0};
    linnet_model *m, *again;
    linnet_session *s[2];
    (void)state;
    write_model(path);
    assert_int_equal(linnet_model_load_file(&m, path, NULL, &error), LINNET_OK);
    for (int i = 0; i < 2; i++)
        assert_int_equal(linnet_session_create(&s[i], m, NULL, &error), LINNET_OK);
    check(s[0], 2);
    assert_int_equal(gone(m, "A"), LETS_GO);
    assert_false(gone(m, "B"));
    check(s[1], 1);
    check(s[0], 3);
    check(s[1], ROWS);
    check(s[0], 2);
    assert_int_equal(close(mkstemp(copy)), 0);
    assert_int_equal(ln_onnx_write(m->graph, m, copy, &error), LINNET_OK);
    assert_false(gone(m, "A"));
    assert_int_equal(linnet_model_load_file(&again, copy, NULL, &error), LINNET_OK);
    linnet_session_free(s[1]);
    assert_int_equal(linnet_session_create(&s[1], again, NULL, &error), LINNET_OK);
    check(s[1], 4);
    linnet_session_free(s[0]);
    linnet_session_free(s[1]);
    linnet_model_free(m);
    linnet_model_free(again);
    unlink(path);
    unlink(copy);
}

static void changed_file(void **state)
{
    char path[] = "/tmp/linnet-store-XXXXXX";
    linnet_error error = {0};
    linnet_model *m;
    linnet_session *s;
    (void)state;
    write_model(path);
    assert_int_equal(linnet_model_load_file(&m, path, NULL, &error), LINNET_OK);
    assert_int_equal(linnet_session_create(&s, m, NULL, &error), LINNET_OK);
    check(s, 2);
    assert_int_equal(truncate(path, 1000), 0);
    const int64_t dims[2] = {3, N};
    assert_int_equal(linnet_session_set_tensor(s, "x", LINNET_FLOAT32, 2, dims, x, &error), LINNET_OK);
    assert_int_equal(linnet_session_run(s, &error), LETS_GO ? LINNET_ERR_IO : LINNET_OK);
    check(s, 2); /* the plan that is there does not need the file */
    linnet_session_free(s);
    linnet_model_free(m);
    unlink(path);
}

/* A large table of which a run takes some rows is not read: they are copied from the file, at any address. */
static void large_table(void **state)
{
    enum { TABLE = 5000, AT = 4321 };
    static const int64_t dims[2] = {TABLE, N};
    linnet_error error = {0};
    linnet_session *s[2];
    (void)state;
    for (size_t odd = 0; odd < 4; odd++) { /* the table begins at another place of the file */
        char path[] = "/tmp/linnet-store-XXXXXX";
        static float table[TABLE * N];
        linnet_model *m = new_model(), *read;
        ln_graph *g = m->graph;
        for (int32_t i = 0; i < TABLE * N; i++)
            table[i] = (float)(i % 1001 + 1);
        int32_t t = ln_graph_constant(g, &"name"[odd], LINNET_FLOAT32, 2, dims, table);
        int32_t at = ln_graph_value(g, "at"), z = value(g, "z", 1);
        g->values[at].info = (ln_info){.kind = LINNET_TENSOR, .type = LINNET_INT64, .rank = 1, .dims = {1}};
        assert_true(ln_graph_add_input(g, at));
        assert_true(ln_graph_insert(g, LN_NO_NODE, "", "Gather", "", 2, (int32_t[]){t, at}, 1, &z, 0, NULL) >= 0);
        assert_true(ln_graph_set_outputs(g, &z, 1));
        assert_int_equal(close(mkstemp(path)), 0);
        assert_int_equal(ln_onnx_write(g, m, path, &error), LINNET_OK);
        linnet_model_free(m);
        assert_int_equal(linnet_model_load_file(&read, path, NULL, &error), LINNET_OK);
        for (int i = 0; i < 2; i++) {
            const int64_t one[1] = {1}, row[1] = {AT};
            assert_int_equal(linnet_session_create(&s[i], read, NULL, &error), LINNET_OK);
            assert_int_equal(linnet_session_set_tensor(s[i], "at", LINNET_INT64, 1, one, row, &error), LINNET_OK);
            assert_int_equal(linnet_session_run(s[i], &error), LINNET_OK);
            assert_memory_equal(linnet_session_output(s[i], "z")->data, table + AT * N, N * sizeof(float));
            assert_int_equal(gone(read, &"name"[odd]), LETS_GO);
        }
        linnet_session_free(s[0]);
        linnet_session_free(s[1]);
        linnet_model_free(read);
        unlink(path);
    }
}

/* y = x C in integers, and d, what D stands for, which a pass has to look at. */
static void integers(void **state)
{
    enum { WIDE = 640 };
    static const int64_t dims[2] = {N, WIDE};
    static int8_t bytes[2][N * WIDE];
    static const float scale = 0.5f;
    static uint8_t rows[ROWS * N];
    char path[] = "/tmp/linnet-store-XXXXXX";
    linnet_error error = {0};
    linnet_session *s;
    linnet_model *m = new_model();
    (void)state;
    ln_graph *g = m->graph;
    for (int32_t i = 0; i < N * WIDE; i++) {
        bytes[0][i] = (int8_t)(i % 253 - 126);
        bytes[1][i] = (int8_t)(i % 7 + 1);
    }
    for (int32_t i = 0; i < ROWS * N; i++)
        rows[i] = (uint8_t)(i % 251);
    int32_t in = value(g, "x", ln_graph_symbol(g, "rows")), y = value(g, "y", -2), d = value(g, "d", N);
    g->values[in].info.type = LINNET_UINT8;
    g->values[y].info.type = LINNET_INT32;
    g->values[y].info.dims[1] = g->values[d].info.dims[1] = WIDE;
    int32_t a = ln_graph_constant(g, "C", LINNET_INT8, 2, dims, bytes[0]);
    int32_t b[2] = {ln_graph_constant(g, "D", LINNET_INT8, 2, dims, bytes[1]),
                    ln_graph_constant(g, "scale", LINNET_FLOAT32, 0, NULL, &scale)};
    assert_true(ln_graph_add_input(g, in));
    assert_true(ln_graph_insert(g, LN_NO_NODE, "", "MatMulInteger", "", 2, (int32_t[]){in, a}, 1, &y, 0, NULL) >= 0);
    assert_true(ln_graph_insert(g, LN_NO_NODE, "", "DequantizeLinear", "", 2, b, 1, &d, 0, NULL) >= 0);
    assert_true(ln_graph_set_outputs(g, (int32_t[]){y, d}, 2));
    assert_int_equal(close(mkstemp(path)), 0);
    assert_int_equal(ln_onnx_write(g, m, path, &error), LINNET_OK);
    linnet_model_free(m);
    assert_int_equal(linnet_model_load_file(&m, path, NULL, &error), LINNET_OK);
    assert_int_equal(linnet_session_create(&s, m, NULL, &error), LINNET_OK);
    for (int64_t n = 1; n <= ROWS; n += 2) {
        const int64_t shape[2] = {n, N};
        assert_int_equal(linnet_session_set_tensor(s, "x", LINNET_UINT8, 2, shape, rows, &error), LINNET_OK);
        assert_int_equal(linnet_session_run(s, &error), LINNET_OK);
        const int32_t *got = linnet_session_output(s, "y")->data;
        const float *values = linnet_session_output(s, "d")->data;
        for (int64_t r = 0; r < n; r++)
            for (int32_t j = 0; j < WIDE; j++) {
                int32_t want = 0;
                for (int32_t k = 0; k < N; k++)
                    want += rows[r * N + k] * bytes[0][k * WIDE + j];
                assert_int_equal(got[r * WIDE + j], want);
            }
        for (int32_t i = 0; i < N * WIDE; i++)
            assert_true(values[i] == scale * (float)bytes[1][i]);
        assert_int_equal(gone(m, "C"), LETS_GO);
    }
    linnet_session_free(s);
    linnet_model_free(m);
    unlink(path);
}

/* x times a constant that the body holds: as an initializer, or in a Constant node. */
static ln_graph *body(ln_arena *arena, const char *name, const float *data, bool node)
{
    static const int64_t dims[2] = {N, N};
    ln_graph *g = ln_graph_new(arena);
    assert_non_null(g);
    int32_t in = value(g, "x", LN_UNKNOWN), out = value(g, "inner", LN_UNKNOWN);
    int32_t w = node ? ln_graph_value(g, name) : ln_graph_constant(g, name, LINNET_FLOAT32, 2, dims, data);
    if (node) {
        ln_info *info = ln_arena_zalloc(arena, sizeof *info, _Alignof(ln_info));
        assert_non_null(info);
        *info = (ln_info){.kind = LINNET_TENSOR, .type = LINNET_FLOAT32, .rank = 2, .dims = {N, N}, .data = data};
        const ln_attr attr = {.name = "value", .kind = LN_ATTR_TENSOR, .tensor = info};
        assert_true(ln_graph_insert_at(g, LN_NO_NODE, "", 19, "Constant", "", 0, NULL, 1, &w, 1, &attr) >= 0);
    }
    assert_true(ln_graph_add_input(g, in));
    assert_true(ln_graph_insert_at(g, LN_NO_NODE, "", 19, "MatMul", "", 2, (int32_t[]){in, w}, 1, &out, 0, NULL) >= 0);
    assert_true(ln_graph_set_outputs(g, &out, 1));
    return g;
}

/* Weights of branches: of the one that is taken they are packed and let go, of the other never read. */
static void branches(void **state)
{
    char path[] = "/tmp/linnet-store-XXXXXX";
    linnet_error error = {0};
    linnet_session *s;
    linnet_model *m = new_model();
    (void)state;
    ln_graph *g = m->graph;
    for (int32_t i = 0; i < N * N; i++) {
        weights[0][i] = (float)(i % 7 - 3);
        weights[1][i] = (float)(i % 5 - 2);
    }
    for (int32_t i = 0; i < ROWS * N; i++)
        x[i] = (float)(i % 3 - 1);
    int32_t in = value(g, "x", ln_graph_symbol(g, "rows")), which = ln_graph_value(g, "which"), y = value(g, "y", -2);
    g->values[which].info = (ln_info){.kind = LINNET_TENSOR, .type = LINNET_BOOL, .rank = 0};
    const ln_attr attrs[] = {
        {.name = "then_branch", .kind = LN_ATTR_GRAPH, .graph = body(&m->arena, "A", weights[0], false)},
        {.name = "else_branch", .kind = LN_ATTR_GRAPH, .graph = body(&m->arena, "B", weights[1], true)}};
    assert_true(ln_graph_add_input(g, in) && ln_graph_add_input(g, which));
    int32_t node = ln_graph_insert(g, LN_NO_NODE, "", "If", "", 2, (int32_t[]){which, in}, 1, &y, 2, attrs);
    assert_true(node >= 0 && ln_graph_set_outputs(g, &y, 1));
    g->nodes[node].n_formal = 1;
    assert_int_equal(close(mkstemp(path)), 0);
    assert_int_equal(ln_onnx_write(g, m, path, &error), LINNET_OK);
    linnet_model_free(m);
    assert_int_equal(linnet_model_load_file(&m, path, NULL, &error), LINNET_OK);
    assert_int_equal(linnet_session_create(&s, m, NULL, &error), LINNET_OK);
    const linnet_model then = {.graph = m->graph->nodes[m->graph->first].attrs[0].graph};
    const linnet_model otherwise = {.graph = m->graph->nodes[m->graph->first].attrs[1].graph};
    for (int64_t rows = 1; rows <= ROWS; rows++) {
        const int64_t shape[2] = {rows, N};
        const bool taken = rows != 3;
        assert_int_equal(linnet_session_set_tensor(s, "x", LINNET_FLOAT32, 2, shape, x, &error), LINNET_OK);
        assert_int_equal(linnet_session_set_tensor(s, "which", LINNET_BOOL, 0, NULL, &taken, &error), LINNET_OK);
        assert_int_equal(linnet_session_run(s, &error), LINNET_OK);
        const float *got = linnet_session_output(s, "y")->data, *w = weights[!taken];
        for (int64_t r = 0; r < rows; r++)
            for (int32_t j = 0; j < N; j++) {
                float want = 0;
                for (int32_t k = 0; k < N; k++)
                    want += x[r * N + k] * w[k * N + j];
                assert_true(got[r * N + j] == want);
            }
        assert_int_equal(gone(&then, "A"), LETS_GO);
        assert_int_equal(gone(&otherwise, "B"), LETS_GO);
    }
    linnet_session_free(s);
    linnet_model_free(m);
    unlink(path);
}

/* What lies in pieces of an arena, after others were filled and freed: zeros where they are asked for. */
static void spare_pages(void **state)
{
    ln_memory memory;
    (void)state;
    ln_memory_init(&memory, NULL, 0);
    ln_memory_keep(&memory, true);
    for (int round = 0; round < 30; round++) {
        ln_arena arenas[3];
        for (int i = 0; i < 3; i++) {
            ln_arena_init(&arenas[i], &memory);
            arenas[i].coming = i == 1 ? 3 << 20 : 0;
        }
        for (size_t piece = 0; piece < 60; piece++) {
            size_t bytes = (piece * 7919 + (size_t)round * 104729) % 150000 + 1;
            unsigned char *p = ln_arena_zalloc(&arenas[piece % 3], bytes, 64);
            assert_non_null(p);
            for (size_t i = 0; i < bytes; i++)
                assert_int_equal(p[i], 0);
            memset(p, 0xa5, bytes);
        }
        for (int i = 0; i < 3; i++)
            ln_arena_free(&arenas[i]);
    }
    assert_int_equal(memory.used, 0);
    ln_memory_keep(&memory, false);
    assert_int_equal(memory.n_spares, 0);
}

/* Advice never reaches over the ends of what it is for, whatever the machine's pages are. */
static void large_pages(void **state)
{
    static char block[1 << 18];
    (void)state;
    for (size_t page = 4096; page <= 65536; page *= 4)
        for (size_t from = 0; from < 3 * page; from += page / 4 + 3)
            for (size_t bytes = 0; from + bytes <= sizeof block; bytes += page / 4 + 5) {
                void *first;
                size_t whole = ln_pages_inside(block + from, bytes, page, &first), before = 0;
                if (!whole) {
                    assert_true(bytes < 2 * page);
                    continue;
                }
                before = (size_t)((char *)first - (block + from));
                assert_true((uintptr_t)first % page == 0 && whole % page == 0);
                assert_true(before < page && before + whole <= bytes && bytes - before - whole < page);
            }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(sessions),    cmocka_unit_test(changed_file),
                                       cmocka_unit_test(large_table), cmocka_unit_test(integers),
                                       cmocka_unit_test(branches),    cmocka_unit_test(spare_pages),
                                       cmocka_unit_test(large_pages)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
