/* SPDX-License-Identifier: Apache-2.0
 *
 * Chains of Transpose and Reshape: however many of them the passes leave, outputs are the elements that the chain as it
 * is written gives.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/session.h"

enum { MOST = 2 * 12 * 9 * 7, LINKS = 5 };

/* A Transpose by perm, or a Reshape to dims; rank 0: the end. */
typedef struct chain_link {
    int32_t rank;
    int64_t perm[6], dims[6];
} chain_link;

typedef struct chain {
    int64_t dims[4]; /* of the input */
    chain_link links[LINKS + 1];
    int transposes; /* that are left */
} chain;

static const chain chains[] = {
    {{2, 9, 7, 12}, /* the shuffle of channels */
     {{4, {0, 3, 1, 2}, {0}},
      {5, {0}, {2, 3, 4, 9, 7}},
      {5, {0, 2, 1, 3, 4}, {0}},
      {4, {0}, {2, 12, 9, 7}},
      {4, {0, 2, 3, 1}, {0}}},
     1},
    {{2, 9, 7, 12}, /* a split and its opposite */
     {{4, {0, 3, 1, 2}, {0}}, {5, {0}, {2, 3, 4, 9, 7}}, {4, {0}, {2, 12, 9, 7}}, {4, {0, 2, 3, 1}, {0}}},
     0},
    {{2, 9, 7, 12}, /* positions merged, which lie side by side */
     {{4, {0, 3, 1, 2}, {0}}, {3, {0}, {2, 12, 63}}, {3, {0, 2, 1}, {0}}},
     0},
    {{2, 9, 7, 12}, /* all but the first merged, which do not */
     {{4, {0, 3, 1, 2}, {0}}, {2, {0}, {2, 756}}},
     1},
    {{2, 9, 7, 12}, /* across the groups */
     {{4, {0, 3, 1, 2}, {0}}, {4, {0}, {2, 9, 12, 7}}, {4, {0, 2, 3, 1}, {0}}},
     2},
    {{1, 9, 7, 12}, /* ones come and go */
     {{4, {0, 3, 1, 2}, {0}}, {6, {0}, {1, 1, 12, 63, 1, 1}}, {6, {3, 0, 1, 2, 4, 5}, {0}}},
     0},
};

static linnet_model *build(const chain *c)
{
    static const ln_opset opsets[] = {{"", 19}};
    linnet_model *m = ln_model_new(NULL);
    assert_non_null(m);
    ln_graph *g = m->graph;
    g->opsets = opsets;
    g->n_opsets = 1;
    int32_t v = ln_graph_value(g, "x");
    assert_true(v >= 0);
    ln_info *info = &g->values[v].info;
    *info = (ln_info){.kind = LINNET_TENSOR, .type = LINNET_FLOAT32, .rank = 4};
    memcpy(info->dims, c->dims, sizeof c->dims);
    assert_true(ln_graph_add_input(g, v));
    for (const chain_link *l = c->links; l->rank; l++) {
        int64_t rank = l->rank;
        bool reshape = l->dims[0] != 0;
        ln_attr perm = {.name = "perm", .kind = LN_ATTR_INTLIST, .n = rank, .ints = l->perm};
        int32_t shape = reshape ? ln_graph_constant(g, "", LINNET_INT64, 1, &rank, l->dims) : LN_NO_VALUE;
        int32_t in[2] = {v, shape}, out = ln_graph_value(g, l[1].rank ? "" : "y");
        assert_true(out >= 0);
        assert_true(ln_graph_insert(g, LN_NO_NODE, "", reshape ? "Reshape" : "Transpose", "", reshape ? 2 : 1, in, 1,
                                    &out, !reshape, &perm) >= 0);
        v = out;
    }
    assert_true(ln_graph_set_outputs(g, &v, 1));
    linnet_error e = {0};
    assert_int_equal(ln_model_declare(m, &e), LINNET_OK);
    return m;
}

/* The chain by its definition, from and to the same buffer. */
static void by_hand(const chain *c, float *data, int64_t *dims, int32_t *rank)
{
    *rank = 4;
    memcpy(dims, c->dims, sizeof c->dims);
    for (const chain_link *l = c->links; l->rank; l++) {
        *rank = l->rank;
        if (l->dims[0]) {
            memcpy(dims, l->dims, sizeof l->dims);
            continue;
        }
        static float made[MOST];
        int64_t n = 1, strides[6], index[6] = {0}, out[6];
        for (int32_t i = *rank - 1; i >= 0; i--) {
            strides[i] = n;
            n *= dims[i];
        }
        for (int32_t i = 0; i < *rank; i++)
            out[i] = dims[l->perm[i]];
        for (int64_t e = 0; e < n; e++) {
            int64_t at = 0;
            for (int32_t i = 0; i < *rank; i++)
                at += index[i] * strides[l->perm[i]];
            made[e] = data[at];
            for (int32_t i = *rank - 1; i >= 0 && ++index[i] == out[i]; i--)
                index[i] = 0;
        }
        memcpy(data, made, (size_t)n * sizeof *data);
        memcpy(dims, out, (size_t)*rank * sizeof *dims);
    }
}

static void test_chains(void **state)
{
    (void)state;
    for (size_t k = 0; k < sizeof chains / sizeof *chains; k++) {
        const chain *c = &chains[k];
        linnet_model *m = build(c);
        for (int passes = 0; passes < 2; passes++) {
            static float x[MOST], y[MOST];
            for (int32_t i = 0; i < MOST; i++)
                x[i] = y[i] = (float)i;
            int64_t dims[6];
            int32_t rank;
            by_hand(c, y, dims, &rank);
            linnet_error e = {0};
            linnet_session *s;
            linnet_session_options options = {.disable_passes = passes ? NULL : "all"};
            assert_int_equal(linnet_session_create(&s, m, &options, &e), LINNET_OK);
            assert_int_equal(linnet_session_set_tensor(s, "x", LINNET_FLOAT32, 4, c->dims, x, &e), LINNET_OK);
            assert_int_equal(linnet_session_run(s, &e), LINNET_OK);
            const linnet_value *v = linnet_session_output(s, "y");
            assert_int_equal(v->rank, rank);
            assert_memory_equal(v->dims, dims, (size_t)rank * sizeof *dims);
            assert_memory_equal(v->data, y, (size_t)linnet_value_count(v) * sizeof *y);
            const ln_plan *plan = s->current->plan;
            int left = 0;
            for (int32_t i = 0; i < plan->n_steps; i++)
                left += strcmp(plan->graph->nodes[plan->steps[i].node].type, "Transpose") == 0;
            if (passes)
                assert_int_equal(left, c->transposes);
            linnet_session_free(s);
        }
        linnet_model_free(m);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_chains)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
