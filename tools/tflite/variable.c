/* SPDX-License-Identifier: Apache-2.0
 *
 * Variables: resources, tensors that keep their value from call to call, and the state of custom operators. ONNX keeps
 * nothing, so each is an input of the model that has a default, its value before the first call, and an output with the
 * value for the next call. Who feeds the one back as the other has what TensorFlow Lite does; who does not has a model
 * that begins anew with each call.
 */
#include <stdio.h>
#include <string.h>

#include "tools/tflite/operators.h"

enum { CODE_VAR_HANDLE = 142, CODE_READ = 143, CODE_ASSIGN = 144, MOST_VARIABLES = 1024, MOST_SCANNED = 1 << 24 };

/* -- finding ---------------------------------------------------------------------------------------------------------
 */

static bool add(ln_tfl *c, ln_tfl_op *o, int32_t subgraph, int32_t tensor, int32_t operator, const char * name)
{
    if (c->n_variables == MOST_VARIABLES)
        ln_tfl_fail(o, LINNET_ERR_UNSUPPORTED, "more than %d variables", MOST_VARIABLES);
    else if (c->n_variables % 64 == 0) {
        ln_tfl_variable *more = ln_arena_array(c->arena, c->n_variables + 64, sizeof *more);
        if (!more)
            ln_tfl_no_memory(o);
        else if (c->n_variables)
            memcpy(more, c->variables, (size_t)c->n_variables * sizeof *more);
        c->variables = more;
    }
    if (!ln_tfl_ok(o))
        return false;
    c->variables[c->n_variables++] = (ln_tfl_variable){
        .name = name, .subgraph = subgraph, .tensor = tensor, .node = operator, .initial = LN_NO_VALUE };
    return true;
}

static void take_info(ln_tfl_variable *v, const ln_tfl_tensor *t)
{
    if (v->info.type || t->type == LINNET_UNDEFINED || ln_tfl_count(t) < 0)
        return;
    v->info = (ln_info){.kind = LINNET_TENSOR, .type = (uint8_t)t->type, .rank = t->rank + t->complex};
    memcpy(v->info.dims, t->dims, (size_t)t->rank * sizeof t->dims[0]);
    if (t->complex)
        v->info.dims[t->rank] = 2;
}

/* The variable of a resource by its name; it is made when it is not there. -1: failed. */
static int32_t named(ln_tfl *c, ln_tfl_op *o)
{
    ln_flat *f = &c->file.flat;
    const char *name = ln_tfl_text(f, ln_flat_text(f, &o->node->options, 1), c->arena);
    if (!name) {
        ln_tfl_no_memory(o);
        return -1;
    }
    for (int32_t k = 0; k < c->n_variables; k++)
        if (c->variables[k].tensor < 0 && c->variables[k].node < 0 && strcmp(c->variables[k].name, name) == 0)
            return k;
    return add(c, o, -1, -1, -1, name) ? c->n_variables - 1 : -1;
}

/* A resource has the type and shape of what is first read or assigned beside its handle. */
static void find_in_operators(ln_tfl *c, int32_t subgraph, int64_t *scanned)
{
    const ln_tfl_subgraph *s = &c->file.subgraphs[subgraph];
    ln_tfl_scope scope = {.c = c, .sub = s};
    for (int32_t i = 0; i < s->n_operators && c->status == LINNET_OK; i++) {
        const ln_tfl_operator *n = &s->operators[i];
        ln_tfl_op o = {.c = c, .scope = &scope, .node = n};
        if (n->code == CODE_IS_CUSTOM && strcmp(n->custom, "SignalFilterBankSpectralSubtraction") == 0 && n->inputs.n &&
            ln_tfl_has(&o, 0) && add(c, &o, subgraph, -1, i, "noise_estimate"))
            take_info(&c->variables[c->n_variables - 1], ln_tfl_in(&o, 0));
        int32_t handle = n->code == CODE_VAR_HANDLE ? ln_tfl_out_index(&o, 0) : -1, k = handle < 0 ? -1 : named(c, &o);
        for (int32_t j = i + 1; k >= 0 && j < s->n_operators && !c->variables[k].info.type; j++) {
            if (++*scanned > MOST_SCANNED) {
                ln_tfl_fail(&o, LINNET_ERR_UNSUPPORTED, "too many handles of variables");
                break;
            }
            ln_tfl_op user = {.c = c, .scope = &scope, .node = &s->operators[j]};
            if (ln_tfl_in_index(&user, 0) != handle)
                continue;
            if (user.node->code == CODE_READ)
                take_info(&c->variables[k], ln_tfl_out(&user, 0));
            else if (user.node->code == CODE_ASSIGN)
                take_info(&c->variables[k], ln_tfl_in(&user, 1));
        }
    }
}

int32_t *ln_tfl_find_variables(ln_tfl *c)
{
    ln_tfl_op o = {.c = c};
    int64_t scanned = 0;
    c->seen = ln_arena_zalloc(c->arena, (size_t)c->file.n_subgraphs + 1, 1);
    if (!c->seen)
        ln_tfl_no_memory(&o);
    for (int32_t s = 0; s < c->file.n_subgraphs && ln_tfl_ok(&o); s++) {
        const ln_tfl_subgraph *sub = &c->file.subgraphs[s];
        for (int32_t t = 0; t < sub->n_tensors && ln_tfl_ok(&o); t++)
            if (sub->tensors[t].variable && !sub->tensors[t].data && add(c, &o, s, t, -1, sub->tensors[t].name))
                take_info(&c->variables[c->n_variables - 1], &sub->tensors[t]);
        find_in_operators(c, s, &scanned);
    }
    int32_t *values = ln_arena_array(c->arena, (int64_t)c->n_variables + 1, sizeof *values);
    if (!values)
        ln_tfl_no_memory(&o);
    for (int32_t k = 0; values && k < c->n_variables; k++)
        values[k] = LN_NO_VALUE;
    return values;
}

/* -- inputs and outputs of the model ---------------------------------------------------------------------------------
 */

/* Zeros in the type; quantised ones at the zero point. */
static const void *initial_data(ln_tfl_op *o, const ln_tfl_variable *v)
{
    int64_t n = ln_info_count(&v->info);
    size_t size = linnet_type_size((linnet_type)v->info.type), bytes;
    uint8_t *data = n >= 0 && ln_size_mul((size_t)n, size, &bytes) ? ln_arena_zalloc(o->c->arena, bytes + 1, 64) : NULL;
    if (!data) {
        ln_tfl_no_memory(o);
        return NULL;
    }
    const ln_tfl_tensor *t = v->tensor < 0 ? NULL : &o->c->file.subgraphs[v->subgraph].tensors[v->tensor];
    int64_t zero = t && ln_tfl_quantised(t) ? ln_tfl_zero(o, t, 0) : 0;
    for (int64_t i = 0; zero && i < n; i++)
        memcpy(data + (size_t)i * size, &zero, size); /* little endian: the low bytes */
    return data;
}

static bool taken(const ln_graph *g, const char *name)
{
    for (int32_t i = 0; i < g->n_inputs; i++)
        if (strcmp(g->values[g->inputs[i]].name, name) == 0)
            return true;
    return false;
}

/* The name, with a number behind it where an input has it already. NULL: no memory. */
static const char *free_name(ln_tfl *c, const ln_graph *g, const char *base)
{
    char name[300];
    snprintf(name, sizeof name, "%s", base);
    for (int i = 1; taken(g, name); i++)
        snprintf(name, sizeof name, "%s_%d", base, i);
    return ln_arena_strndup(c->arena, name, strlen(name));
}

void ln_tfl_variable_inputs(ln_tfl_scope *scope)
{
    ln_tfl *c = scope->c;
    ln_graph *g = scope->g;
    ln_tfl_op o = {.c = c, .scope = scope};
    for (int32_t k = 0; k < c->n_variables && ln_tfl_ok(&o); k++) {
        ln_tfl_variable *v = &c->variables[k];
        if (!v->info.type || v->info.type == LINNET_STRING)
            continue;
        const char *name = free_name(c, g, v->name[0] ? v->name : "variable");
        v->info.data = initial_data(&o, v);
        int32_t value = ln_tfl_ok(&o) && name ? ln_graph_value(g, name) : LN_NO_VALUE;
        if (value < 0 || !ln_graph_add_input(g, value)) {
            ln_tfl_no_memory(&o);
            break;
        }
        g->values[value].info = v->info;
        v->initial = scope->variables[k] = value;
    }
}

/* Variables that changed are outputs; those that did not are constants. */
void ln_tfl_variable_outputs(ln_tfl_scope *scope)
{
    ln_tfl *c = scope->c;
    ln_graph *g = scope->g;
    ln_tfl_op o = {.c = c, .scope = scope};
    int32_t *inputs = ln_arena_array(c->arena, g->n_inputs + 1, sizeof *inputs), n_in = 0;
    int32_t *outputs = ln_arena_array(c->arena, (int64_t)g->n_outputs + c->n_variables + 1, sizeof *outputs);
    if (!inputs || !outputs)
        ln_tfl_no_memory(&o);
    if (!ln_tfl_ok(&o))
        return;
    int32_t n_out = g->n_outputs;
    for (int32_t i = 0; i < n_out; i++)
        outputs[i] = g->outputs[i];
    for (int32_t i = 0; i < g->n_inputs; i++) {
        bool keep = true;
        for (int32_t k = 0; k < c->n_variables; k++)
            keep = keep && (c->variables[k].initial != g->inputs[i] || scope->variables[k] != g->inputs[i]);
        if (keep)
            inputs[n_in++] = g->inputs[i];
    }
    for (int32_t k = 0; k < c->n_variables && ln_tfl_ok(&o); k++) {
        int32_t now = scope->variables[k], input = c->variables[k].initial;
        char name[320];
        if (now < 0 || now == input || input < 0)
            continue;
        int n = snprintf(name, sizeof name, "%s_next", g->values[input].name);
        const char *copy = ln_arena_strndup(c->arena, name, (size_t)n < sizeof name ? (size_t)n : sizeof name - 1);
        now = LN_NODE(&o, "Identity", now); /* a value that nothing else is called */
        if (!copy)
            ln_tfl_no_memory(&o);
        if (!ln_tfl_ok(&o))
            return;
        g->values[now].name = copy;
        g->values[now].info = c->variables[k].info;
        g->values[now].info.data = NULL;
        outputs[n_out++] = now;
    }
    if (ln_tfl_ok(&o) && (!ln_graph_set_inputs(g, inputs, n_in) || !ln_graph_set_outputs(g, outputs, n_out)))
        ln_tfl_no_memory(&o);
}

/* -- use -------------------------------------------------------------------------------------------------------------
 */

int32_t ln_tfl_variable_of(const ln_tfl *c, int32_t subgraph, int32_t tensor, int32_t node)
{
    for (int32_t k = 0; k < c->n_variables; k++)
        if (c->variables[k].subgraph == subgraph && c->variables[k].tensor == tensor && c->variables[k].node == node)
            return k;
    return -1;
}

int32_t *ln_tfl_state(ln_tfl_op *o, int32_t tensor)
{
    const ln_tfl_subgraph *s = o->scope->sub;
    int32_t subgraph = (int32_t)(s - o->c->file.subgraphs), node = tensor < 0 ? (int32_t)(o->node - s->operators) : -1;
    int32_t k = ln_tfl_variable_of(o->c, subgraph, tensor, node);
    if (k >= 0 && o->scope->variables[k] >= 0)
        return &o->scope->variables[k];
    ln_tfl_fail(o, LINNET_ERR_UNSUPPORTED, "a state of no fixed size");
    return NULL;
}

void ln_tfl_var_handle(ln_tfl_op *o)
{
    int32_t k = named(o->c, o), out = ln_tfl_out_index(o, 0);
    if (k >= 0 && out >= 0)
        o->scope->resource[out] = k;
}

static int32_t *resource(ln_tfl_op *o)
{
    int32_t k = o->scope->resource[ln_tfl_in_index(o, 0)];
    if (k >= 0)
        return &o->scope->variables[k];
    ln_tfl_fail(o, LINNET_ERR_UNSUPPORTED, "a resource that does not come from a handle in the same subgraph");
    return NULL;
}

void ln_tfl_read_variable(ln_tfl_op *o)
{
    int32_t *v = resource(o);
    if (v && *v < 0)
        ln_tfl_fail(o, LINNET_ERR_UNSUPPORTED, "a variable of no fixed size, before it has a value");
    if (v)
        ln_tfl_set_stored(o, 0, *v);
}

void ln_tfl_assign_variable(ln_tfl_op *o)
{
    int32_t *v = resource(o), value = ln_tfl_stored(o, 1);
    if (v && ln_tfl_ok(o))
        *v = value;
}
