/* SPDX-License-Identifier: Apache-2.0
 *
 * The graph's primitives: each mutation alone, then random ones, with the verifier after every step.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/graph.h"
#include "engine/passes.h"
#include "engine/plan.h"

typedef struct world {
    ln_memory memory;
    ln_arena arena;
    ln_graph *g;
} world;

static int start(void **state)
{
    static world w;
    ln_memory_init(&w.memory, NULL, 0);
    ln_arena_init(&w.arena, &w.memory);
    w.g = ln_graph_new(&w.arena);
    *state = &w;
    return w.g ? 0 : -1;
}

static int stop(void **state)
{
    world *w = *state;
    ln_arena_free(&w->arena);
    return 0;
}

static void sound(const ln_graph *g)
{
    const char *wrong = ln_graph_verify(g);
    if (wrong)
        fail_msg("%s", wrong);
}

static int32_t value(ln_graph *g, const char *name)
{
    int32_t v = ln_graph_value(g, name);
    assert_true(v >= 0);
    return v;
}

/* out = type(a, b); b may be LN_NO_VALUE */
static int32_t node(ln_graph *g, int32_t before, const char *type, int32_t a, int32_t b, int32_t out)
{
    int32_t in[] = {a, b};
    int32_t id = ln_graph_insert_at(g, before, "", LN_PASS_OPSET, type, "", 2, in, 1, &out, 0, NULL);
    assert_true(id >= 0);
    return id;
}

/* x -> n0 -> a -> n1(a, a) -> y */
static void chain(ln_graph *g, int32_t v[3], int32_t n[2])
{
    v[0] = value(g, "x");
    v[1] = value(g, "a");
    v[2] = value(g, "y");
    assert_true(ln_graph_set_inputs(g, &v[0], 1));
    n[1] = node(g, LN_NO_NODE, "Add", v[1], v[1], v[2]);
    n[0] = node(g, n[1], "Neg", v[0], LN_NO_VALUE, v[1]);
    assert_true(ln_graph_set_outputs(g, &v[2], 1));
    sound(g);
}

static void inserting_and_order(void **state)
{
    ln_graph *g = ((world *)*state)->g;
    int32_t v[3], n[2];
    chain(g, v, n);
    assert_int_equal(g->first, n[0]);
    assert_int_equal(g->last, n[1]);
    assert_int_equal(g->values[v[1]].n_uses, 2);
    assert_int_equal(ln_graph_only_user(g, v[1]), n[1]);
    assert_int_equal(ln_graph_only_user(g, v[2]), LN_NO_NODE);
    assert_string_equal(ln_node_label(g, &g->nodes[n[0]]), "a");
    assert_true(ln_node_is(&g->nodes[n[0]], "Neg"));
}

static void replacing_and_killing(void **state)
{
    ln_graph *g = ((world *)*state)->g;
    int32_t v[3], n[2];
    chain(g, v, n);
    ln_graph_replace_uses(g, v[1], v[0]);
    sound(g);
    assert_int_equal(g->values[v[0]].n_uses, 3);
    ln_graph_kill(g, n[0]);
    sound(g);
    assert_int_equal(g->values[v[0]].n_uses, 2);
    ln_graph_replace_uses(g, v[2], v[0]);
    ln_graph_kill(g, n[1]);
    ln_graph_kill(g, n[1]);
    sound(g);
    assert_int_equal(g->outputs[0], v[0]);
    assert_int_equal(g->first, LN_NO_NODE);
    assert_int_equal(g->values[v[0]].n_uses, 0);
}

static void inputs_of_nodes(void **state)
{
    ln_graph *g = ((world *)*state)->g;
    int32_t v[3], n[2];
    chain(g, v, n);
    assert_true(ln_node_add_input(g, n[1], v[0]));
    sound(g);
    assert_int_equal(g->nodes[n[1]].n_formal, 3);
    ln_graph_set_input(g, n[1], 0, LN_NO_VALUE);
    ln_graph_set_input(g, n[1], 2, v[1]);
    sound(g);
    int32_t more = value(g, "more");
    assert_true(ln_graph_add_input(g, more));
    sound(g);
    assert_int_equal(g->n_inputs, 2);
}

static void sorting(void **state)
{
    ln_graph *g = ((world *)*state)->g;
    int32_t v[3], n[2], cyclic;
    chain(g, v, n);
    int32_t late = value(g, "late");
    int32_t id = node(g, LN_NO_NODE, "Neg", v[0], LN_NO_VALUE, late);
    ln_graph_set_input(g, n[0], 0, late); /* needs what comes last */
    assert_non_null(ln_graph_verify(g));
    assert_true(ln_graph_sort(g, &cyclic));
    sound(g);
    assert_int_equal(g->first, id);
    ln_graph_set_input(g, id, 0, v[2]);
    assert_false(ln_graph_sort(g, &cyclic));
    assert_true(cyclic >= 0);
}

static void symbols(void **state)
{
    ln_graph *g = ((world *)*state)->g;
    int32_t a = ln_graph_symbol(g, "n"), b = ln_graph_symbol(g, NULL), c = ln_graph_symbol(g, "m");
    assert_true(a <= -2 && b <= -2 && c <= -2 && a != b && b != c && a != c);
    assert_int_equal(ln_graph_symbol(g, "n"), a);
    assert_string_equal(g->symbols[-2 - c], "m");
}

static void versions(void **state)
{
    (void)state;
    const ln_op *elu = ln_op_find("", "Elu");
    assert_non_null(elu);
    assert_ptr_equal(elu, ln_op_find("ai.onnx", "Elu"));
    assert_null(ln_op_find("", "elu"));
    assert_null(ln_op_find("test", "Elu"));
    assert_int_equal(ln_op_version(elu, 21), 6);
    assert_int_equal(ln_op_version(elu, 22), 22);
    assert_int_equal(ln_op_version(elu, 28), 22);
    assert_int_equal(ln_op_version(elu, 0), 0);
    for (int32_t i = 0; i < ln_ops_count; i++)
        assert_ptr_equal(ln_op_find(ln_ops[i]->domain, ln_ops[i]->type), ln_ops[i]);
}

static void clones(void **state)
{
    world *w = *state;
    ln_graph *g = w->g;
    int32_t v[3], n[2];
    chain(g, v, n);
    ln_graph *body = ln_graph_new(&w->arena);
    assert_non_null(body);
    int32_t bv[3], bn[2];
    chain(body, bv, bn);
    body->n_formal = 1;
    ln_attr attr = {.name = "body", .kind = LN_ATTR_GRAPH, .graph = body};
    int32_t out = value(g, "o");
    int32_t id = ln_graph_insert_at(g, LN_NO_NODE, "", 22, "Loop", "", 0, NULL, 1, &out, 1, &attr);
    assert_true(id >= 0);
    ln_arena other;
    ln_arena_init(&other, &w->memory);
    ln_graph *c = ln_graph_clone(g, &other);
    assert_non_null(c);
    sound(c);
    assert_ptr_not_equal(c->nodes[id].attrs[0].graph, body);
    ln_graph_kill(c, n[1]);
    ln_graph_kill(c->nodes[id].attrs[0].graph, bn[1]);
    sound(g);
    assert_int_equal(g->values[v[1]].n_uses, 2);
    assert_false(body->nodes[bn[1]].dead);
    ln_arena_free(&other);
}

/* Random nodes, replacements and deaths keep the graph sound. */
/* What nodes take and give, in their order, by the marks of the values; ends with 0. */
static void marks_of(const ln_graph *g, int64_t *marks)
{
    LN_FOR_NODES(g, id)
    {
        const ln_node *n = &g->nodes[id];
        for (int32_t i = 0; i < n->n_in; i++)
            *marks++ = n->in[i] < 0 ? -1 : g->values[n->in[i]].info.dims[0];
        for (int32_t i = 0; i < n->n_out; i++)
            *marks++ = g->values[n->out[i]].info.dims[0];
    }
    *marks = 0;
}

/* The same graph, without what is dead. */
static void compact(ln_graph *g, int64_t *before, int64_t *after)
{
    int32_t nodes = 0, values = 0;
    marks_of(g, before);
    LN_FOR_NODES(g, id) nodes++;
    for (int32_t v = 0; v < g->n_values; v++)
        values += g->values[v].n_uses > 0 || g->values[v].producer >= 0 || g->values[v].input;
    assert_true(ln_graph_compact(g));
    sound(g);
    marks_of(g, after);
    assert_int_equal(g->n_nodes, nodes);
    assert_int_equal(g->n_values, values);
    for (size_t i = 0; i == 0 || before[i - 1]; i++)
        assert_int_equal(before[i], after[i]);
}

static void random_mutations(void **state)
{
    ln_graph *g = ((world *)*state)->g;
    enum { STEPS = 3000 };
    static int64_t before[3 * STEPS + 1], after[3 * STEPS + 1];
    uint32_t seed = 12345;
    int32_t x = value(g, "x");
    g->values[x].info.dims[0] = STEPS + 1;
    assert_true(ln_graph_set_inputs(g, &x, 1));
    for (int step = 0; step < STEPS; step++) {
        seed = seed * 1664525u + 1013904223u;
        int32_t id = g->n_nodes ? (int32_t)((seed >> 8) % (uint32_t)g->n_nodes) : -1;
        if (id < 0 || seed >> 30 < 2) {
            int32_t a = g->last >= 0 ? g->nodes[g->last].out[0] : x, out = value(g, "");
            int32_t b = id >= 0 && !g->nodes[id].dead ? g->nodes[id].out[0] : x;
            g->values[out].info.dims[0] = step + 1;
            node(g, LN_NO_NODE, "Add", a, b, out);
        } else if (!g->nodes[id].dead && seed >> 30 == 2) {
            ln_graph_replace_uses(g, g->nodes[id].out[0], x);
            ln_graph_kill(g, id);
        } else if (!g->nodes[id].dead) {
            ln_graph_set_input(g, id, 1, seed & 1 ? x : LN_NO_VALUE);
        }
        if (step % 100 == 0)
            sound(g);
        if (step % 700 == 699) {
            compact(g, before, after);
            x = g->inputs[0];
        }
    }
    int32_t cyclic;
    assert_true(ln_graph_sort(g, &cyclic));
    sound(g);
    compact(g, before, after);
}

/* What inputs are declared to be is the model's word: sizes that overflow do not reach an operator. */
static void huge_inputs(void **state)
{
    world *w = *state;
    linnet_error error = {0};
    int32_t a = value(w->g, "a"), b = value(w->g, "b"), y = value(w->g, "y");
    for (int32_t v = a; v <= b; v++)
        w->g->values[v].info = (ln_info){
            .kind = LINNET_TENSOR, .type = LINNET_FLOAT32, .rank = 3, .dims = {INT64_C(1) << 31, INT64_C(1) << 31, 73}};
    int32_t n = node(w->g, LN_NO_NODE, "MatMul", a, b, y);
    assert_int_equal(ln_infer_node(w->g, n, &w->memory, &error), LINNET_ERR_MODEL);
    assert_string_equal(error.text, "input 0 has more elements than fit in memory");
}

/* Pad before opset 11 has its value as a float, which only floats can be padded with. */
static void pad_value_of_integers(void **state)
{
    world *w = *state;
    linnet_error error = {0};
    static const int64_t pads[] = {1, 1};
    ln_attr attrs[] = {{.name = "pads", .kind = LN_ATTR_INTLIST, .n = 2, .ints = pads},
                       {.name = "value", .kind = LN_ATTR_FLOAT, .f = 3}};
    int32_t x = value(w->g, "x"), y = value(w->g, "y");
    w->g->values[x].info = (ln_info){.kind = LINNET_TENSOR, .type = LINNET_INT64, .rank = 1, .dims = {4}};
    int32_t n = ln_graph_insert_at(w->g, LN_NO_NODE, "", 6, "Pad", "", 1, &x, 1, &y, 2, attrs);
    assert_true(n >= 0);
    assert_int_equal(ln_infer_node(w->g, n, &w->memory, &error), LINNET_ERR_MODEL);
    assert_non_null(strstr(error.text, "data has element type int64"));
}

/* Two branches of a large and a small value, the large ones first: in the better order one large value lives at a time,
 * and what is ready keeps its order. */
static void test_order(void **state)
{
    world *w = *state;
    ln_graph *g = w->g;
    int32_t x = value(g, "x"), y = value(g, "y"), big[2], small[2], made[5];
    assert_true(ln_graph_set_inputs(g, &x, 1));
    for (int i = 0; i < 2; i++) {
        big[i] = value(g, "big");
        small[i] = value(g, "small");
        g->values[big[i]].info = (ln_info){.kind = LINNET_TENSOR, .type = LINNET_FLOAT32, .rank = 1, .dims = {1000}};
        g->values[small[i]].info = (ln_info){.kind = LINNET_TENSOR, .type = LINNET_FLOAT32, .rank = 1, .dims = {1}};
        made[i] = node(g, LN_NO_NODE, "Tile", x, LN_NO_VALUE, big[i]);
    }
    for (int i = 0; i < 2; i++)
        made[2 + i] = node(g, LN_NO_NODE, "ReduceMax", big[i], big[i], small[i]);
    made[4] = node(g, LN_NO_NODE, "Add", small[0], small[1], y);
    assert_true(ln_graph_set_outputs(g, &y, 1));
    assert_true(ln_graph_order(g, &w->memory));
    sound(g);
    const int32_t want[] = {made[0], made[2], made[1], made[3], made[4]};
    int at = 0;
    LN_FOR_NODES(g, id) assert_int_equal(id, want[at++]);
    assert_int_equal(at, 5);
    assert_false(ln_graph_order(g, &w->memory));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(inserting_and_order, start, stop),
        cmocka_unit_test_setup_teardown(replacing_and_killing, start, stop),
        cmocka_unit_test_setup_teardown(inputs_of_nodes, start, stop),
        cmocka_unit_test_setup_teardown(sorting, start, stop),
        cmocka_unit_test_setup_teardown(symbols, start, stop),
        cmocka_unit_test_setup_teardown(versions, start, stop),
        cmocka_unit_test_setup_teardown(clones, start, stop),
        cmocka_unit_test_setup_teardown(random_mutations, start, stop),
        cmocka_unit_test_setup_teardown(huge_inputs, start, stop),
        cmocka_unit_test_setup_teardown(pad_value_of_integers, start, stop),
        cmocka_unit_test_setup_teardown(test_order, start, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
