/* SPDX-License-Identifier: Apache-2.0
 *
 * Subgraphs: called once or again and again. A call is written out in its place; IF and WHILE become If and Loop with
 * bodies. TensorFlow Lite's subgraphs see nothing of the outside but their arguments and the variables, which a body
 * takes and gives back like arguments.
 */
#include <string.h>

#include "tools/tflite/operators.h"

/* -- a call in a graph -----------------------------------------------------------------------------------------------
 */

/* The number of inputs or outputs of a subgraph; 0 where it is not there, which is an error. */
static uint32_t count_of(ln_tfl_op *o, int64_t index, bool outputs)
{
    const ln_tfl *c = o->c;
    if (index >= 0 && index < c->file.n_subgraphs)
        return outputs ? c->file.subgraphs[index].outputs.n : c->file.subgraphs[index].inputs.n;
    ln_tfl_fail(o, LINNET_ERR_MODEL, "subgraph %lld is not there", (long long)index);
    return 0;
}

/* Writes subgraph `index` into graph g: args of its inputs, results of its outputs, as they are stored. */
static void call(ln_tfl_op *o, ln_graph *g, int64_t index, const int32_t *args, uint32_t n_args, int32_t *variables,
                 int32_t *results)
{
    ln_tfl_scope scope;
    const ln_flat *f = &o->c->file.flat;
    if (count_of(o, index, false) != n_args && ln_tfl_ok(o))
        ln_tfl_fail(o, LINNET_ERR_MODEL, "%u arguments for a subgraph of %u inputs", n_args, count_of(o, index, false));
    if (!ln_tfl_ok(o) || !ln_tfl_open(o->c, &scope, g, (int32_t)index, variables))
        return;
    for (uint32_t i = 0; i < n_args; i++)
        ln_tfl_bind(&scope, (int32_t)ln_flat_at(f, scope.sub->inputs, i, 4), args[i]);
    o->c->depth++;
    ln_tfl_convert(&scope);
    o->c->depth--;
    ln_tfl_op inside = {.c = o->c, .scope = &scope};
    for (uint32_t i = 0; i < scope.sub->outputs.n && ln_tfl_ok(o); i++)
        results[i] = ln_tfl_value_of(&inside, (int32_t)ln_flat_at(f, scope.sub->outputs, i, 4));
}

/* The inputs of the operator from `first` on, as they are stored. NULL: failed. */
static int32_t *arguments(ln_tfl_op *o, uint32_t first, uint32_t *n)
{
    *n = o->node->inputs.n - first;
    int32_t *args = ln_arena_array(o->c->arena, (int64_t)*n + 1, sizeof *args);
    if (!args)
        ln_tfl_no_memory(o);
    for (uint32_t i = 0; i < *n && ln_tfl_ok(o); i++)
        args[i] = ln_tfl_stored(o, first + i);
    return ln_tfl_ok(o) ? args : NULL;
}

static int32_t *ids(ln_tfl_op *o, int64_t n)
{
    int32_t *p = ln_arena_array(o->c->arena, n + 1, sizeof *p);
    if (!p)
        ln_tfl_no_memory(o);
    else
        memset(p, -1, (size_t)(n + 1) * sizeof *p);
    return p;
}

/* CALL, and composites of StableHLO, which bring a subgraph that says what they are. */
void ln_tfl_call(ln_tfl_op *o)
{
    uint32_t n, n_out;
    int64_t index = ln_tfl_option(o, o->row->code == 31 ? 0 : 1, 4, 0);
    int32_t *args = arguments(o, 0, &n), *results = ids(o, n_out = count_of(o, index, true));
    if (!args || !results)
        return;
    call(o, o->scope->g, index, args, n, o->scope->variables, results);
    for (uint32_t i = 0; i < n_out && ln_tfl_ok(o); i++)
        ln_tfl_set_stored(o, i, results[i]);
}

/* -- bodies ----------------------------------------------------------------------------------------------------------
 */

static ln_graph *new_body(ln_tfl_op *o)
{
    ln_graph *g = ln_graph_new(o->scope->g->arena);
    if (!g) {
        ln_tfl_no_memory(o);
        return NULL;
    }
    g->opsets = o->scope->g->opsets;
    g->n_opsets = o->scope->g->n_opsets;
    return g;
}

/* An input of the body, of the type of a value outside if that is known. */
static int32_t body_input(ln_tfl_op *o, ln_graph *g, linnet_type type)
{
    int32_t v = ln_graph_value(g, "");
    if (v < 0 || !ln_graph_add_input(g, v)) {
        ln_tfl_no_memory(o);
        return LN_NO_VALUE;
    }
    g->values[v].info.type = (uint8_t)type;
    return v;
}

/* Every output of a body is a value of its own. */
static void set_body_outputs(ln_tfl_op *o, ln_graph *g, int32_t *values, int32_t n)
{
    ln_tfl_scope scope = {.c = o->c, .g = g};
    ln_tfl_op inside = {.c = o->c, .scope = &scope};
    for (int32_t i = 0; i < n && ln_tfl_ok(o); i++) {
        bool own = values[i] >= 0 && g->values[values[i]].producer >= 0;
        for (int32_t k = 0; k < i && own; k++)
            own = values[k] != values[i];
        if (!own)
            values[i] = LN_NODE(&inside, "Identity", values[i]);
    }
    if (ln_tfl_ok(o) && !ln_graph_set_outputs(g, values, n))
        ln_tfl_no_memory(o);
}

/* Variables that have a value now, by number. */
static int32_t live_variables(const ln_tfl_op *o, int32_t *which)
{
    int32_t n = 0;
    for (int32_t k = 0; k < o->c->n_variables; k++)
        if (o->scope->variables[k] >= 0)
            which[n++] = k;
    return n;
}

/* Subgraph `index` as what a body does. Inputs are added for the arguments and the
 * live variables, whose values inside are put into variables; results gets its outputs. */
static void fill_body(ln_tfl_op *o, ln_graph *g, int64_t index, uint32_t n_args, const int32_t *live, int32_t n_live,
                      int32_t *results, int32_t *variables)
{
    int32_t *args = ids(o, n_args);
    const ln_flat *f = &o->c->file.flat;
    if (count_of(o, index, false) != n_args)
        ln_tfl_fail(o, LINNET_ERR_MODEL, "a subgraph of %u inputs gets %u", count_of(o, index, false), n_args);
    for (uint32_t i = 0; i < n_args && ln_tfl_ok(o); i++) {
        const ln_tfl_subgraph *s = &o->c->file.subgraphs[index];
        args[i] = body_input(o, g, s->tensors[ln_flat_at(f, s->inputs, i, 4)].type);
    }
    for (int32_t i = 0; i < n_live && ln_tfl_ok(o); i++)
        variables[live[i]] = body_input(o, g, (linnet_type)o->c->variables[live[i]].info.type);
    if (ln_tfl_ok(o))
        call(o, g, index, args, n_args, variables, results);
}

/* The node with its bodies: formal inputs first, then what the bodies take from outside. */
static void body_node(ln_tfl_op *o, const char *type, const int32_t *in, int32_t n_in, int32_t n_formal,
                      const ln_attr *attrs, int32_t n_attrs, int32_t *out, int32_t n_out)
{
    int32_t id = ln_tfl_nodes(o, type, n_in, in, n_attrs, attrs, n_out, out);
    if (id >= 0)
        o->scope->g->nodes[id].n_formal = n_formal;
}

/* -- IF --------------------------------------------------------------------------------------------------------------
 */

static ln_graph *branch(ln_tfl_op *o, int64_t index, uint32_t n_args, uint32_t n_out, const int32_t *live,
                        int32_t n_live)
{
    ln_graph *g = new_body(o);
    int32_t *results = ids(o, (int64_t)n_out + n_live), *variables = ids(o, o->c->n_variables);
    if (ln_tfl_ok(o) && count_of(o, index, true) != n_out)
        ln_tfl_fail(o, LINNET_ERR_MODEL, "the branches do not have as many outputs as the operator");
    if (!ln_tfl_ok(o))
        return NULL;
    fill_body(o, g, index, n_args, live, n_live, results, variables);
    for (int32_t i = 0; i < n_live && ln_tfl_ok(o); i++)
        results[n_out + (uint32_t)i] = variables[live[i]];
    set_body_outputs(o, g, results, (int32_t)n_out + n_live);
    return g;
}

void ln_tfl_if(ln_tfl_op *o)
{
    uint32_t n_args, n_out = o->node->outputs.n;
    int32_t *live = ids(o, o->c->n_variables), *args = arguments(o, 1, &n_args);
    if (!live || !args)
        return;
    int32_t n_live = live_variables(o, live), n_in = 1 + (int32_t)n_args + n_live;
    int32_t *in = ids(o, n_in), *out = ids(o, (int64_t)n_out + n_live);
    ln_attr attrs[2] = {{.name = "then_branch", .kind = LN_ATTR_GRAPH}, {.name = "else_branch", .kind = LN_ATTR_GRAPH}};
    for (int i = 0; i < 2 && ln_tfl_ok(o); i++)
        attrs[i].graph = branch(o, ln_tfl_option(o, i, 4, 0), n_args, n_out, live, n_live);
    if (!ln_tfl_ok(o))
        return;
    in[0] = ln_tfl_reshape(o, ln_tfl_stored(o, 0), 0, NULL);
    memcpy(in + 1, args, n_args * sizeof *args);
    for (int32_t i = 0; i < n_live; i++)
        in[1 + (int32_t)n_args + i] = o->scope->variables[live[i]];
    body_node(o, "If", in, n_in, 1, attrs, 2, out, (int32_t)n_out + n_live);
    for (uint32_t i = 0; i < n_out && ln_tfl_ok(o); i++)
        ln_tfl_set_stored(o, i, out[i]);
    for (int32_t i = 0; i < n_live; i++)
        o->scope->variables[live[i]] = out[n_out + (uint32_t)i];
}

/* -- CASE -------------------------------------------------------------------------------------------------------------
 */

/* What chooses between `n` subgraphs from number k of the list on: an If whose other branch is this again. */
static ln_graph *choice(ln_tfl_op *o, const int64_t *which, int32_t k, int32_t n, uint32_t n_args, uint32_t n_out,
                        const int32_t *live, int32_t n_live, int32_t only)
{
    ln_graph *g = new_body(o);
    int32_t n_in = 2 + (int32_t)n_args + n_live, n_results = (int32_t)n_out + n_live;
    int32_t *results = ids(o, n_results), *variables = ids(o, o->c->n_variables), *in = ids(o, n_in);
    ln_attr attrs[2] = {{.name = "then_branch", .kind = LN_ATTR_GRAPH}, {.name = "else_branch", .kind = LN_ATTR_GRAPH}};
    if (ln_tfl_ok(o) && (count_of(o, which[k], true) != n_out || count_of(o, which[k], false) != n_args))
        ln_tfl_fail(o, LINNET_ERR_MODEL, "the branches do not have the operator's inputs and outputs");
    if (!ln_tfl_ok(o))
        return NULL;
    in[1] = body_input(o, g, LINNET_INT32);
    if (only || k + 1 == n) {
        fill_body(o, g, which[k], n_args, live, n_live, results, variables);
        for (int32_t i = 0; i < n_live && ln_tfl_ok(o); i++)
            results[n_out + (uint32_t)i] = variables[live[i]];
        set_body_outputs(o, g, results, n_results);
        return g;
    }
    const ln_tfl_subgraph *s = &o->c->file.subgraphs[which[k]];
    for (uint32_t i = 0; i < n_args; i++)
        in[2 + i] = body_input(o, g, s->tensors[ln_flat_at(&o->c->file.flat, s->inputs, i, 4)].type);
    for (int32_t i = 0; i < n_live; i++)
        in[2 + (int32_t)n_args + i] = body_input(o, g, (linnet_type)o->c->variables[live[i]].info.type);
    ln_tfl_scope scope = {.c = o->c, .g = g};
    ln_tfl_op inside = {.c = o->c, .scope = &scope};
    in[0] = LN_NODE(&inside, "Equal", in[1], ln_tfl_scalar(&inside, LINNET_INT32, k));
    attrs[0].graph = choice(o, which, k, n, n_args, n_out, live, n_live, true);
    attrs[1].graph = choice(o, which, k + 1, n, n_args, n_out, live, n_live, false);
    if (ln_tfl_ok(o))
        body_node(&inside, "If", in, n_in, 1, attrs, 2, results, n_results);
    set_body_outputs(o, g, results, n_results);
    return g;
}

/* An index that is not one of the branches takes the last. */
void ln_tfl_case(ln_tfl_op *o)
{
    enum { MOST_BRANCHES = 12 };
    uint32_t n_args, n_out = o->node->outputs.n;
    int64_t which[MOST_BRANCHES];
    int32_t n = ln_tfl_option_ints(o, 0, 4, which, MOST_BRANCHES);
    int32_t *live = ids(o, o->c->n_variables), *args = arguments(o, 1, &n_args);
    if (n < 1)
        ln_tfl_fail(o, LINNET_ERR_UNSUPPORTED, "no branches, or more than %d", MOST_BRANCHES);
    if (!ln_tfl_ok(o))
        return;
    int32_t n_live = live_variables(o, live), n_in = 2 + (int32_t)n_args + n_live;
    int32_t *in = ids(o, n_in), *out = ids(o, (int64_t)n_out + n_live);
    ln_attr attrs[2] = {{.name = "then_branch", .kind = LN_ATTR_GRAPH}, {.name = "else_branch", .kind = LN_ATTR_GRAPH}};
    for (int i = 0; i < 2 && ln_tfl_ok(o); i++)
        attrs[i].graph = choice(o, which, i && n > 1, n, n_args, n_out, live, n_live, i == 0);
    if (!ln_tfl_ok(o))
        return;
    in[1] = ln_tfl_reshape(o, ln_tfl_stored(o, 0), 0, NULL);
    in[0] = LN_NODE(o, "Equal", in[1], ln_tfl_scalar(o, LINNET_INT32, 0));
    memcpy(in + 2, args, n_args * sizeof *args);
    for (int32_t i = 0; i < n_live; i++)
        in[2 + (int32_t)n_args + i] = o->scope->variables[live[i]];
    body_node(o, "If", in, n_in, 1, attrs, 2, out, (int32_t)n_out + n_live);
    for (uint32_t i = 0; i < n_out && ln_tfl_ok(o); i++)
        ln_tfl_set_stored(o, i, out[i]);
    for (int32_t i = 0; i < n_live; i++)
        o->scope->variables[live[i]] = out[n_out + (uint32_t)i];
}

/* -- WHILE -----------------------------------------------------------------------------------------------------------
 */

/* The condition over values of graph g, as a scalar. */
static int32_t condition(ln_tfl_op *o, ln_graph *g, int64_t index, const int32_t *args, uint32_t n, int32_t *variables)
{
    int32_t result = LN_NO_VALUE;
    if (count_of(o, index, true) != 1)
        ln_tfl_fail(o, LINNET_ERR_MODEL, "the condition is no subgraph of one output");
    if (ln_tfl_ok(o))
        call(o, g, index, args, n, variables, &result);
    ln_tfl_scope scope = {.c = o->c, .g = g};
    ln_tfl_op inside = {.c = o->c, .scope = &scope};
    return ln_tfl_reshape(&inside, result, 0, NULL);
}

/* Loop without a count: the condition is asked before the first round, and at the end of each. */
void ln_tfl_while(ln_tfl_op *o)
{
    uint32_t n;
    int32_t *live = ids(o, o->c->n_variables), *args = arguments(o, 0, &n);
    int64_t cond = ln_tfl_option(o, 0, 4, 0), index = ln_tfl_option(o, 1, 4, 0);
    ln_graph *g = new_body(o);
    if (!live || !args || !g)
        return;
    int32_t n_live = live_variables(o, live), all = (int32_t)n + n_live;
    int32_t *in = ids(o, all + 2), *out = ids(o, all), *results = ids(o, all + 1);
    int32_t *variables = ids(o, o->c->n_variables);
    if (count_of(o, index, true) != n || o->node->outputs.n > n)
        ln_tfl_fail(o, LINNET_ERR_MODEL, "the loop's body does not give back what it takes");
    if (!ln_tfl_ok(o))
        return;
    body_input(o, g, LINNET_INT64);
    body_input(o, g, LINNET_BOOL);
    fill_body(o, g, index, n, live, n_live, results + 1, variables);
    results[0] = ln_tfl_ok(o) ? condition(o, g, cond, results + 1, n, variables) : LN_NO_VALUE;
    for (int32_t i = 0; i < n_live && ln_tfl_ok(o); i++)
        results[1 + (int32_t)n + i] = variables[live[i]];
    set_body_outputs(o, g, results, all + 1);
    g->n_formal = g->n_inputs;
    in[1] = condition(o, o->scope->g, cond, args, n, o->scope->variables);
    memcpy(in + 2, args, n * sizeof *args);
    for (int32_t i = 0; i < n_live; i++)
        in[2 + (int32_t)n + i] = o->scope->variables[live[i]];
    ln_attr body = {.name = "body", .kind = LN_ATTR_GRAPH, .graph = g};
    if (ln_tfl_ok(o))
        body_node(o, "Loop", in, all + 2, all + 2, &body, 1, out, all);
    for (uint32_t i = 0; i < o->node->outputs.n && ln_tfl_ok(o); i++)
        ln_tfl_set_stored(o, i, out[i]);
    for (int32_t i = 0; i < n_live; i++)
        o->scope->variables[live[i]] = out[(int32_t)n + i];
}

/* -- CALL_ONCE -------------------------------------------------------------------------------------------------------
 */

/* What it assigns is the value that a variable has before the first call: constants become the inputs' defaults. */
void ln_tfl_call_once(ln_tfl_op *o)
{
    ln_tfl *c = o->c;
    ln_graph *g = o->scope->g;
    int64_t index = ln_tfl_option(o, 0, 4, 0);
    int32_t *after = ids(o, c->n_variables);
    if (after && (count_of(o, index, false) || count_of(o, index, true)))
        ln_tfl_fail(o, LINNET_ERR_MODEL, "the subgraph has inputs or outputs");
    if (!ln_tfl_ok(o) || c->depth || c->seen[index])
        return; /* in a body: the outermost graph has called it */
    c->seen[index] = true;
    memcpy(after, o->scope->variables, (size_t)c->n_variables * sizeof *after);
    call(o, g, index, NULL, 0, after, NULL);
    for (int32_t k = 0; k < c->n_variables && ln_tfl_ok(o); k++) {
        int32_t now = after[k], input = c->variables[k].initial;
        if (now == o->scope->variables[k])
            continue;
        const ln_value *v = &g->values[now];
        if (input >= 0 && v->info.data && v->producer < 0)
            g->values[input].info = c->variables[k].info = v->info;
        else
            o->scope->variables[k] = now;
    }
}
