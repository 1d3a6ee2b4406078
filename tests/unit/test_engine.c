/* SPDX-License-Identifier: Apache-2.0
 *
 * The engine without a loader: graphs made by hand go through passes, plan and run. Also that every allocation of
 * planning and running may fail without a leak or a crash.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/passes.h"
#include "engine/session.h"
#include "engine/threads.h"

/* -- an allocator that counts, and fails when told to
 * ------------------------------------------------------------------ */

typedef struct counter {
    long live, calls, fail_at; /* fail_at: the call that fails, 0: none */
} counter;

static void *count_alloc(void *user, size_t bytes, size_t align)
{
    counter *c = user;
    if (++c->calls == c->fail_at)
        return NULL;
    void *p = aligned_alloc(align, (bytes + align - 1) / align * align);
    c->live += p != NULL;
    return p;
}

static void count_free(void *user, void *p)
{
    counter *c = user;
    c->live -= p != NULL;
    free(p);
}

/* -- graphs by hand
 * ---------------------------------------------------------------------------------------------------- */

static linnet_model *new_model(counter *c)
{
    linnet_allocator a = {count_alloc, count_free, c};
    linnet_load_options o = {.allocator = &a};
    linnet_model *m = ln_model_new(&o);
    if (!m)
        return NULL;
    m->graph = ln_graph_new(&m->arena);
    static const ln_opset opsets[] = {{"", 22}};
    if (m->graph) {
        m->graph->opsets = opsets;
        m->graph->n_opsets = 1;
    }
    return m;
}

static int32_t tensor(ln_graph *g, const char *name, int32_t rank, const int64_t *dims)
{
    int32_t v = ln_graph_value(g, name);
    if (v < 0)
        return v;
    ln_info *info = &g->values[v].info;
    *info = (ln_info){.kind = LINNET_TENSOR, .type = LINNET_FLOAT32, .rank = rank};
    for (int32_t i = 0; i < rank; i++)
        info->dims[i] = dims[i];
    return v;
}

static int32_t node1(ln_graph *g, const char *type, int32_t x, const char *out)
{
    int32_t y = ln_graph_value(g, out);
    return y < 0 || ln_graph_insert(g, LN_NO_NODE, "", type, out, 1, &x, 1, &y, 0, NULL) < 0 ? -1 : y;
}

static int32_t node2(ln_graph *g, const char *type, int32_t a, int32_t b, const char *out)
{
    int32_t y = ln_graph_value(g, out), in[2] = {a, b};
    return y < 0 || ln_graph_insert(g, LN_NO_NODE, "", type, out, 2, in, 1, &y, 0, NULL) < 0 ? -1 : y;
}

/* z = Elu(Elu(x)) and w = Elu(x) @ b, b constant 3 x 2. */
static linnet_model *two_outputs(counter *c)
{
    static const float b_data[6] = {1, 2, 3, 4, 5, 6};
    static const int64_t b_dims[2] = {3, 2};
    linnet_model *m = new_model(c);
    if (!m)
        return NULL;
    ln_graph *g = m->graph;
    int64_t dims[2] = {g ? ln_graph_symbol(g, "N") : 0, 3};
    int32_t x = g && dims[0] ? tensor(g, "x", 2, dims) : -1;
    int32_t b = x < 0 ? -1 : ln_graph_constant(g, "b", LINNET_FLOAT32, 2, b_dims, b_data);
    int32_t y = b < 0 ? -1 : node1(g, "Elu", x, "y");
    int32_t z = y < 0 ? -1 : node1(g, "Elu", y, "z");
    int32_t w = z < 0 ? -1 : node2(g, "MatMul", y, b, "w");
    int32_t out[2] = {z, w};
    if (w < 0 || !ln_graph_set_inputs(g, &x, 1) || !ln_graph_set_outputs(g, out, 2) ||
        ln_model_declare(m, NULL) != LINNET_OK) {
        linnet_model_free(m);
        return NULL;
    }
    return m;
}

static float elu(float x)
{
    return x >= 0 ? x : expm1f(x);
}

static linnet_status run_once(const linnet_model *m, int64_t n, linnet_error *error)
{
    linnet_session *s;
    linnet_status st = linnet_session_create(&s, m, NULL, error);
    if (st != LINNET_OK)
        return st;
    float x[12];
    for (int i = 0; i < 12; i++)
        x[i] = (float)i - 5;
    int64_t dims[2] = {n, 3};
    st = linnet_session_set_tensor(s, "x", LINNET_FLOAT32, 2, dims, x, error);
    if (st == LINNET_OK)
        st = linnet_session_run(s, error);
    if (st == LINNET_OK) {
        const linnet_value *z = linnet_session_output(s, "z"), *w = linnet_session_output(s, "w");
        assert_int_equal(z->dims[0], n);
        assert_int_equal(w->dims[1], 2);
        for (int i = 0; i < 3 * n; i++)
            assert_float_equal(((const float *)z->data)[i], elu(elu(x[i])), 1e-6);
        for (int i = 0; i < n; i++) {
            float sum = elu(x[3 * i]) * 2 + elu(x[3 * i + 1]) * 4 + elu(x[3 * i + 2]) * 6;
            assert_float_equal(((const float *)w->data)[2 * i + 1], sum, 1e-5);
        }
    }
    linnet_session_free(s);
    return st;
}

static void test_run(void **state)
{
    (void)state;
    counter c = {0};
    linnet_model *m = two_outputs(&c);
    assert_non_null(m);
    linnet_error e = {0};
    for (int64_t n = 0; n < 4; n++)
        assert_int_equal(run_once(m, n, &e), LINNET_OK);
    linnet_model_free(m);
    assert_int_equal(c.live, 0);
}

static void test_errors(void **state)
{
    (void)state;
    counter c = {0};
    linnet_model *m = two_outputs(&c);
    linnet_session *s;
    linnet_error e = {0};
    assert_int_equal(linnet_session_create(&s, m, NULL, &e), LINNET_OK);
    assert_int_equal(linnet_session_run(s, &e), LINNET_ERR_ARGUMENT);
    assert_non_null(strstr(e.text, "'x' was not set"));
    int64_t dims[2] = {1, 4};
    float x[4] = {0};
    assert_int_equal(linnet_session_set_tensor(s, "x", LINNET_FLOAT32, 2, dims, x, &e), LINNET_ERR_ARGUMENT);
    assert_non_null(strstr(e.text, "[1, 4]"));
    assert_int_equal(linnet_session_set_tensor(s, "x", LINNET_INT32, 2, dims, x, &e), LINNET_ERR_ARGUMENT);
    assert_non_null(strstr(e.text, "int32"));
    assert_int_equal(linnet_session_set_tensor(s, "q", LINNET_INT32, 2, dims, x, &e), LINNET_ERR_ARGUMENT);
    assert_null(linnet_session_output(s, "z"));
    linnet_session_free(s);
    linnet_model_free(m);
    assert_int_equal(c.live, 0);
}

/* The k-th allocation fails, k = 1, 2, ...: an error, no crash, nothing kept. */
static void test_allocation_failures(void **state)
{
    (void)state;
    for (long k = 1;; k++) {
        counter c = {.fail_at = k};
        linnet_model *m = two_outputs(&c);
        linnet_error e = {0};
        linnet_status st = m ? run_once(m, 2, &e) : LINNET_ERR_MEMORY;
        linnet_model_free(m);
        assert_int_equal(c.live, 0);
        if (c.calls < k) {
            assert_int_equal(st, LINNET_OK);
            return;
        }
        assert_int_equal(st, LINNET_ERR_MEMORY);
        if (m)
            assert_int_equal(e.status, LINNET_ERR_MEMORY);
    }
}

/* -- memory plan
 * -------------------------------------------------------------------------------------------------------- */

static void test_memplan(void **state)
{
    (void)state;
    enum { N = 60, STEPS = 40 };
    unsigned seed = 7;
    for (int round = 0; round < 200; round++) {
        ln_region r[N];
        int32_t order[3 * N];
        for (int i = 0; i < N; i++) {
            seed = seed * 1103515245u + 12345u;
            int first = (int)(seed >> 16) % STEPS;
            seed = seed * 1103515245u + 12345u;
            int last = first + (int)(seed >> 16) % 6;
            seed = seed * 1103515245u + 12345u;
            r[i] = (ln_region){.first = first, .last = last, .bytes = (seed >> 16) % 5000, .value = i};
        }
        uint64_t total = ln_memplan(r, N, order, 64, false);
        assert_true(total >= ln_memplan_bound(r, N, STEPS + 6));
        for (int i = 0; i < N; i++) {
            assert_true(r[i].offset % 64 == 0 && r[i].offset + r[i].bytes <= total);
            for (int k = 0; k < i; k++)
                if (r[i].first <= r[k].last && r[k].first <= r[i].last)
                    assert_true(r[i].offset + r[i].bytes <= r[k].offset || r[k].offset + r[k].bytes <= r[i].offset);
        }
    }
}

/* -- threads --------------------------------------------------------------------------------------------------------
 */

typedef struct seen {
    atomic_int most, items;
} seen;

static void see(void *arg, int32_t worker, int64_t begin, int64_t end)
{
    seen *s = arg;
    int most = atomic_load(&s->most);
    while (worker > most && !atomic_compare_exchange_weak(&s->most, &most, worker))
        ;
    atomic_fetch_add(&s->items, (int)(end - begin));
    for (atomic_int i = 0; i < 10000;) /* long enough for the others to come */
        i++;
}

/* Scratch is there for the threads of a session: another that has more of the same pool may not lend them. */
static void test_threads_of_a_session(void **state)
{
    (void)state;
    ln_pool *few = ln_pool_get(2), *many = ln_pool_get(6);
    for (int32_t threads = 1; threads <= 6; threads++)
        for (int round = 0; round < 20; round++) {
            seen s = {0};
            ln_args a = {.pool = few, .threads = threads};
            ln_parallel(&a, 100, 1e5, see, &s);
            assert_int_equal(s.items, 100);
            assert_in_range(s.most, 0, threads - 1);
        }
    ln_pool_release(many);
    ln_pool_release(few);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_run),
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_allocation_failures),
        cmocka_unit_test(test_memplan),
        cmocka_unit_test(test_threads_of_a_session),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
