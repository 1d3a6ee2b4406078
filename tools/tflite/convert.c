/* SPDX-License-Identifier: Apache-2.0
 *
 * Subgraphs into graphs: the operators in their order, each by its row of the table; and the whole file into a model.
 */
#include <stdio.h>
#include <string.h>

#include "tools/tflite/operators.h"
#include "tools/tflite/tflite.h"

/* Subgraphs are written out where they are called; a few that call each other twice would be too many. */
enum { MOST_OPERATORS = 1 << 20, DEEPEST = 32 };
enum { IR_VERSION = 10, IR_VERSION_NEWER = 13 }; /* of the opsets */

static const ln_tfl_row rows[] = {
#define OP(code, name, min_in, min_out, convert, onnx) {#name, convert, code, min_in, min_out, onnx},
#define NO(code, name) {#name, NULL, code, 0, 0, NULL},
#include "tools/tflite/operators.def"
#undef OP
#undef NO
};

/* -- failures --------------------------------------------------------------------------------------------------------
 */

bool ln_tfl_ok(const ln_tfl_op *o)
{
    return o->c->status == LINNET_OK;
}

void ln_tfl_fail(ln_tfl_op *o, linnet_status status, const char *format, ...)
{
    char text[400];
    if (!ln_tfl_ok(o))
        return;
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    const char *op = !o->node ? NULL : o->row ? o->row->name : o->node->custom;
    o->c->status = ln_error_set(o->c->error, status, o->node ? ln_tfl_out(o, 0)->name : NULL, op, "%s", text);
}

void ln_tfl_no_memory(ln_tfl_op *o)
{
    ln_tfl_fail(o, LINNET_ERR_MEMORY, "out of memory");
}

/* -- a subgraph ------------------------------------------------------------------------------------------------------
 */

static const ln_tfl_row *find_row(const ln_tfl_operator *node)
{
    if (node->code == CODE_IS_CUSTOM)
        return ln_tfl_custom_row(node->custom);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (rows[i].code == node->code)
            return &rows[i];
    return NULL;
}

static void convert_operator(ln_tfl_scope *scope, const ln_tfl_operator *node)
{
    ln_tfl_op o = {.c = scope->c, .scope = scope, .node = node, .row = find_row(node)};
    if (++scope->c->n_converted > MOST_OPERATORS)
        ln_tfl_fail(&o, LINNET_ERR_UNSUPPORTED, "the model has more than %d operators", MOST_OPERATORS);
    else if (!o.row && node->code == CODE_IS_CUSTOM)
        ln_tfl_fail(&o, LINNET_ERR_UNSUPPORTED, "the custom operator '%.100s' is unknown", node->custom);
    else if (!o.row)
        ln_tfl_fail(&o, LINNET_ERR_UNSUPPORTED, "TensorFlow Lite operator number %d is unknown", node->code);
    else if (!o.row->convert)
        ln_tfl_fail(&o, LINNET_ERR_UNSUPPORTED, "there is no conversion of this operator to ONNX");
    else if (node->inputs.n < (uint32_t)o.row->min_in || node->outputs.n < (uint32_t)o.row->min_out)
        ln_tfl_fail(&o, LINNET_ERR_MODEL, "%u inputs and %u outputs, it has at least %d and %d", node->inputs.n,
                    node->outputs.n, o.row->min_in, o.row->min_out);
    for (int32_t i = 0; ln_tfl_ok(&o) && i < o.row->min_in; i++)
        if (!ln_tfl_has(&o, (uint32_t)i))
            ln_tfl_fail(&o, LINNET_ERR_MODEL, "input %d is absent", i);
    if (ln_tfl_ok(&o))
        o.row->convert(&o);
    if (ln_tfl_ok(&o) && scope->c->file.flat.broken)
        ln_tfl_fail(&o, LINNET_ERR_MODEL, "the file is damaged: an offset points outside of it");
}

void ln_tfl_convert(ln_tfl_scope *scope)
{
    for (int32_t i = 0; i < scope->sub->n_operators && scope->c->status == LINNET_OK; i++)
        convert_operator(scope, &scope->sub->operators[i]);
}

bool ln_tfl_open(ln_tfl *c, ln_tfl_scope *scope, ln_graph *g, int32_t index, int32_t *variables)
{
    ln_tfl_op o = {.c = c};
    if (!ln_tfl_ok(&o))
        return false;
    if (index < 0 || index >= c->file.n_subgraphs) {
        ln_tfl_fail(&o, LINNET_ERR_MODEL, "subgraph %d is not there", index);
        return false;
    }
    if (c->depth >= DEEPEST) {
        ln_tfl_fail(&o, LINNET_ERR_UNSUPPORTED, "subgraphs call each other more than %d deep", DEEPEST);
        return false;
    }
    const ln_tfl_subgraph *sub = &c->file.subgraphs[index];
    size_t bytes = ((size_t)sub->n_tensors + 1) * sizeof(int32_t);
    *scope = (ln_tfl_scope){.c = c, .g = g, .sub = sub, .variables = variables};
    scope->stored = ln_arena_alloc(c->arena, bytes, 16);
    scope->real = ln_arena_alloc(c->arena, bytes, 16);
    scope->resource = ln_arena_alloc(c->arena, bytes, 16);
    c->n_converted += sub->n_tensors / 16; /* what the tables cost counts too */
    if (!scope->stored || !scope->real || !scope->resource) {
        ln_tfl_no_memory(&o);
        return false;
    }
    memset(scope->stored, -1, bytes);
    memset(scope->real, -1, bytes);
    memset(scope->resource, -1, bytes);
    return true;
}

/* -- the model -------------------------------------------------------------------------------------------------------
 */

/* A name that no other tensor of the list before has. */
static const char *unique_name(ln_tfl *c, const ln_tfl_subgraph *s, ln_flat_vector list, uint32_t i, const char *what)
{
    const ln_flat *f = &c->file.flat;
    const ln_tfl_tensor *t = &s->tensors[ln_flat_at(f, list, i, 4)];
    bool taken = !t->name[0];
    for (uint32_t k = 0; k < i && !taken; k++)
        taken = strcmp(t->name, s->tensors[ln_flat_at(f, list, k, 4)].name) == 0;
    if (!taken)
        return t->name;
    char text[300];
    int n = snprintf(text, sizeof text, "%s%s%s_%u", t->name, t->name[0] ? "_" : "", what, i);
    return ln_arena_strndup(c->arena, text, (size_t)n < sizeof text ? (size_t)n : sizeof text - 1);
}

/* Type and shape as the file declares them; dimensions that it leaves open get a symbol. */
static bool declare(ln_tfl *c, ln_graph *g, const ln_tfl_tensor *t, ln_info *info)
{
    *info = (ln_info){.kind = LINNET_TENSOR, .type = (uint8_t)t->type, .rank = t->rank + t->complex};
    for (int32_t i = 0; i < t->rank; i++) {
        char symbol[24];
        info->dims[i] = t->dims[i];
        if (t->dims[i] >= 0)
            continue;
        int n = snprintf(symbol, sizeof symbol, i ? "dim_%d" : "batch", i);
        const char *name = ln_arena_strndup(c->arena, symbol, (size_t)n);
        info->dims[i] = name ? ln_graph_symbol(g, name) : 0;
        if (!info->dims[i])
            return false;
    }
    if (t->complex)
        info->dims[t->rank] = 2;
    return true;
}

static void inputs(ln_tfl_op *o, ln_tfl_scope *scope)
{
    ln_tfl *c = o->c;
    ln_flat_vector list = scope->sub->inputs;
    for (uint32_t i = 0; i < list.n && ln_tfl_ok(o); i++) {
        int32_t tensor = (int32_t)ln_flat_at(&c->file.flat, list, i, 4);
        const ln_tfl_tensor *t = &scope->sub->tensors[tensor];
        const char *name = unique_name(c, scope->sub, list, i, "input");
        int32_t v = name ? ln_graph_value(scope->g, name) : LN_NO_VALUE;
        if (t->type == LINNET_UNDEFINED)
            ln_tfl_fail(o, LINNET_ERR_UNSUPPORTED, "input '%.100s' is of a type that is not supported", t->name);
        else if (scope->stored[tensor] >= 0)
            ln_tfl_fail(o, LINNET_ERR_MODEL, "input '%.100s' is listed twice", t->name);
        else if (v < 0 || !declare(c, scope->g, t, &scope->g->values[v].info) || !ln_graph_add_input(scope->g, v))
            ln_tfl_no_memory(o);
        else
            scope->stored[tensor] = v;
    }
}

/* Outputs are values of their own: an input, a constant or what is listed before passes through an Identity. */
static void outputs(ln_tfl_op *o, ln_tfl_scope *scope)
{
    ln_tfl *c = o->c;
    ln_graph *g = scope->g;
    ln_flat_vector list = scope->sub->outputs;
    int32_t *values = ln_arena_array(c->arena, (int64_t)list.n + 1, sizeof *values);
    if (!values)
        ln_tfl_no_memory(o);
    o->scope = scope;
    for (uint32_t i = 0; i < list.n && ln_tfl_ok(o); i++) {
        int32_t tensor = (int32_t)ln_flat_at(&c->file.flat, list, i, 4);
        const ln_tfl_tensor *t = &scope->sub->tensors[tensor];
        int32_t v = ln_tfl_value_of(o, tensor);
        bool own = v >= 0 && g->values[v].producer >= 0;
        for (uint32_t k = 0; k < i && own; k++)
            own = values[k] != v;
        if (!own)
            v = LN_NODE(o, "Identity", v);
        if (v < 0)
            break;
        values[i] = v;
        const char *name = unique_name(c, scope->sub, list, i, "output");
        if (!name || !declare(c, g, t, &g->values[v].info))
            ln_tfl_no_memory(o);
        g->values[v].name = name;
    }
    if (ln_tfl_ok(o) && !ln_graph_set_outputs(g, values, (int32_t)list.n))
        ln_tfl_no_memory(o);
}

/* Only BITCAST needs an opset that few runtimes have yet. */
static bool needs_newer(const ln_tfl_file *file)
{
    enum { CODE_BITCAST = 159 };
    for (int32_t s = 0; s < file->n_subgraphs; s++)
        for (int32_t i = 0; i < file->subgraphs[s].n_operators; i++)
            if (file->subgraphs[s].operators[i].code == CODE_BITCAST)
                return true;
    return false;
}

static linnet_status convert(ln_tfl *c, linnet_model *m)
{
    static const ln_opset usual[] = {{"", LN_TFL_OPSET}}, newer[] = {{"", LN_TFL_OPSET_NEWER}};
    bool new = needs_newer(&c->file);
    ln_graph *g = m->graph;
    ln_tfl_scope scope;
    ln_tfl_op o = {.c = c};
    g->opsets = new ? newer : usual;
    g->n_opsets = 1;
    g->name = "main";
    m->ir_version = new ? IR_VERSION_NEWER : IR_VERSION;
    int32_t *variables = ln_tfl_find_variables(c);
    if (ln_tfl_open(c, &scope, g, 0, variables)) {
        if (scope.sub->name[0])
            g->name = scope.sub->name;
        inputs(&o, &scope);
        ln_tfl_variable_inputs(&scope);
        ln_tfl_convert(&scope);
        outputs(&o, &scope);
        ln_tfl_variable_outputs(&scope);
    }
    return c->status;
}

linnet_status ln_tflite_load(linnet_model **model, const void *bytes, size_t size, const linnet_load_options *options,
                             linnet_error *error)
{
    *model = NULL;
    if (error)
        *error = (linnet_error){0};
    linnet_model *m = ln_model_new(options);
    if (!m)
        return ln_error_set(error, LINNET_ERR_MEMORY, NULL, NULL, "out of memory");
    ln_tfl c = {.arena = &m->arena, .memory = &m->memory, .error = error};
    const uint8_t *copy = ln_arena_dup(&m->arena, bytes, size, 64); /* constants stay in it */
    linnet_status st = copy ? ln_tfl_decode(&c.file, copy, size, &m->arena, error)
                            : ln_error_set(error, LINNET_ERR_MEMORY, NULL, NULL, "out of memory");
    if (st == LINNET_OK)
        st = convert(&c, m);
    m->properties = st == LINNET_OK ? ln_arena_array(&m->arena, 2, sizeof *m->properties) : NULL;
    if (m->properties) {
        m->properties[m->n_properties++] = (ln_property){"producer", "linnet convert"};
        if (c.file.description[0])
            m->properties[m->n_properties++] = (ln_property){"doc", c.file.description};
    }
    if (st == LINNET_OK)
        st = m->properties ? ln_model_declare(m, error)
                           : ln_error_set(error, LINNET_ERR_MEMORY, NULL, NULL, "out of memory");
    if (st != LINNET_OK) {
        linnet_model_free(m);
        return st;
    }
    *model = m;
    return LINNET_OK;
}
