/* SPDX-License-Identifier: Apache-2.0
 *
 * GraphProto -> graph. First all names that the graph defines are bound to values, then nodes are made, so that the
 * order in the file does not matter. What a body takes from outside becomes an input of it and of its node; constants
 * of outer graphs are simply constants of the body too.
 */
#include <stdlib.h>
#include <string.h>

#include "onnx/import.h"

const char *ln_domain(const char *domain)
{
    return domain && strcmp(domain, "ai.onnx") != 0 ? domain : "";
}

/* -- opsets -------------------------------------------------------------------------------------------------------- */

static linnet_status check_opset(const ln_importer *im, const char *domain, int64_t version)
{
    int64_t newest = ln_domain_newest(domain);
    const char *shown = domain[0] ? domain : "ai.onnx";
    if (version < 1)
        return ln_import_fail(&im->source, LINNET_ERR_MODEL, "opset version %lld of %.100s does not exist",
                              (long long)version, shown);
    if (newest && version > newest)
        return ln_import_fail(&im->source, LINNET_ERR_UNSUPPORTED,
                              "opset version %lld of %.100s is newer than %lld, the newest that Linnet knows",
                              (long long)version, shown, (long long)newest);
    if (version > INT32_MAX)
        return ln_import_fail(&im->source, LINNET_ERR_UNSUPPORTED, "opset version %lld of %.100s is too large",
                              (long long)version, shown);
    return LINNET_OK;
}

linnet_status ln_import_opsets(ln_importer *im, size_t n, Onnx__OperatorSetIdProto **protos, const ln_opset **opsets,
                               int32_t *n_opsets)
{
    ln_source *s = &im->source;
    if (n > LN_IMPORT_OPSETS)
        return ln_import_fail(s, LINNET_ERR_UNSUPPORTED, "%zu opset versions are imported, at most %d are supported", n,
                              LN_IMPORT_OPSETS);
    ln_opset *list = ln_arena_array(s->arena, (int64_t)n, sizeof *list);
    ln_names seen = {.arena = &s->decoder->arena};
    if (!list)
        return ln_import_no_memory(s);
    *opsets = list;
    *n_opsets = 0;
    for (size_t i = 0; i < n; i++) {
        const char *domain = ln_domain(protos[i]->domain);
        int64_t version = protos[i]->version;
        int32_t known;
        linnet_status st = check_opset(im, domain, version);
        if (st != LINNET_OK)
            return st;
        if (ln_names_find(&seen, domain, &known)) {
            if (known != version)
                return ln_import_fail(s, LINNET_ERR_MODEL, "opset versions %d and %lld of %.100s are both imported",
                                      known, (long long)version, domain[0] ? domain : "ai.onnx");
            continue;
        }
        list[*n_opsets].domain = ln_import_text(s, domain);
        list[*n_opsets].version = version;
        if (!list[*n_opsets].domain || !ln_names_add(&seen, domain, (int32_t)version))
            return ln_import_no_memory(s);
        ++*n_opsets;
    }
    return LINNET_OK;
}

int64_t ln_scope_opset(const ln_scope *scope, const char *domain)
{
    for (int32_t i = 0; i < scope->n_opsets; i++)
        if (strcmp(scope->opsets[i].domain, domain) == 0)
            return scope->opsets[i].version;
    return 0;
}

/* -- names and captures -------------------------------------------------------------------------------------------- */

/* Index among the captures of the node; -1: no memory. */
static int32_t capture(ln_captures *c, const char *name, int32_t outer)
{
    int32_t index;
    if (ln_names_find(&c->by_name, name, &index))
        return index;
    if (c->n == c->cap) {
        int32_t cap = c->cap ? c->cap * 2 : 8;
        const char **names = ln_arena_array(c->by_name.arena, cap, sizeof *names);
        int32_t *values = ln_arena_array(c->by_name.arena, cap, sizeof *values);
        if (!names || !values)
            return -1;
        if (c->n) {
            memcpy(names, c->names, (size_t)c->n * sizeof *names);
            memcpy(values, c->outer, (size_t)c->n * sizeof *values);
        }
        c->names = names;
        c->outer = values;
        c->cap = cap;
    }
    if (!ln_names_add(&c->by_name, name, c->n))
        return -1;
    c->names[c->n] = name;
    c->outer[c->n] = outer;
    return c->n++;
}

/* scope->captured[index] = value, growing the array. */
static bool note_captured(ln_scope *scope, ln_arena *arena, int32_t index, int32_t value)
{
    if (index >= scope->n_captured) {
        int32_t n = index * 2 + 8;
        int32_t *captured = ln_arena_array(arena, n, sizeof *captured);
        if (!captured)
            return false;
        for (int32_t i = 0; i < n; i++)
            captured[i] = i < scope->n_captured ? scope->captured[i] : LN_NO_VALUE;
        scope->captured = captured;
        scope->n_captured = n;
    }
    scope->captured[index] = value;
    return true;
}

linnet_status ln_import_lookup(ln_importer *im, ln_scope *scope, const char *name, int32_t *value)
{
    ln_source *s = &im->source;
    int32_t outer;
    if (ln_names_find(&scope->names, name, value))
        return LINNET_OK;
    if (!scope->outer)
        return LINNET_ERR_MODEL;
    linnet_status st = ln_import_lookup(im, scope->outer, name, &outer);
    if (st != LINNET_OK)
        return st;
    *value = LN_NO_VALUE;
    if (outer >= 0) { /* else: an optional input of a function that the call leaves out */
        const ln_value *v = &scope->outer->g->values[outer];
        *value = ln_graph_value(scope->g, v->name);
        if (*value < 0)
            return ln_import_no_memory(s);
        v = &scope->outer->g->values[outer];
        if (v->info.data && !v->input) {
            scope->g->values[*value].info = v->info;
        } else {
            int32_t index = capture(scope->captures, name, outer);
            if (index < 0 || !note_captured(scope, &s->decoder->arena, index, *value))
                return ln_import_no_memory(s);
        }
    }
    return ln_names_add(&scope->names, name, *value) ? LINNET_OK : ln_import_no_memory(s);
}

linnet_status ln_import_close(ln_importer *im, ln_scope *bodies, int32_t n_bodies, const ln_captures *captures)
{
    ln_source *s = &im->source;
    for (int32_t b = 0; b < n_bodies; b++) {
        ln_graph *g = bodies[b].g;
        int32_t formal = g->n_inputs;
        g->n_formal = formal;
        int32_t *inputs = ln_arena_array(&s->decoder->arena, (int64_t)formal + captures->n, sizeof *inputs);
        if (!inputs)
            return ln_import_no_memory(s);
        if (formal)
            memcpy(inputs, g->inputs, (size_t)formal * sizeof *inputs);
        for (int32_t i = 0; i < captures->n; i++) {
            int32_t value = i < bodies[b].n_captured ? bodies[b].captured[i] : LN_NO_VALUE;
            if (value < 0) { /* only another body of the node uses it */
                const char *name = ln_import_text(s, captures->names[i]);
                value = name ? ln_graph_value(g, name) : LN_NO_VALUE;
            }
            if (value < 0)
                return ln_import_no_memory(s);
            inputs[formal + i] = value;
        }
        if (!ln_graph_set_inputs(g, inputs, formal + captures->n))
            return ln_import_no_memory(s);
    }
    return LINNET_OK;
}

/* -- inputs, initializers, outputs --------------------------------------------------------------------------------- */

static linnet_status named_value(ln_importer *im, ln_scope *scope, const char *name, const char *what, int32_t *value)
{
    ln_source *s = &im->source;
    int32_t before;
    if (!name || !name[0])
        return ln_import_fail(s, LINNET_ERR_MODEL, "an %s of the graph has no name", what);
    if (ln_names_find(&scope->names, name, &before))
        return ln_import_fail(s, LINNET_ERR_MODEL, "value '%.200s' is defined twice", name);
    const char *text = ln_import_text(s, name);
    *value = text ? ln_graph_value(scope->g, text) : LN_NO_VALUE;
    if (*value < 0 || !ln_names_add(&scope->names, name, *value))
        return ln_import_no_memory(s);
    return LINNET_OK;
}

static linnet_status inputs(ln_importer *im, ln_scope *scope, const Onnx__GraphProto *proto)
{
    ln_source *s = &im->source;
    int32_t n = (int32_t)proto->n_input;
    int32_t *ids = ln_arena_array(&s->decoder->arena, n, sizeof *ids);
    if (!ids)
        return ln_import_no_memory(s);
    for (int32_t i = 0; i < n; i++) {
        const Onnx__ValueInfoProto *input = proto->input[i];
        linnet_status st = named_value(im, scope, input->name, "input", &ids[i]);
        ln_info info;
        if (st == LINNET_OK)
            st = ln_import_type(s, scope->outer ? NULL : scope->g, input->type, input->name, &info);
        if (st != LINNET_OK)
            return st;
        scope->g->values[ids[i]].info = info;
    }
    return ln_graph_set_inputs(scope->g, ids, n) ? LINNET_OK : ln_import_no_memory(s);
}

/* An initializer of an input's name is its default. In a body such inputs are not fed, so they are mere constants. */
static linnet_status initializer(ln_importer *im, ln_scope *scope, const char *name, const Onnx__TensorProto *dense,
                                 const Onnx__SparseTensorProto *sparse)
{
    ln_source *s = &im->source;
    ln_info info;
    int32_t value;
    if (!name || !name[0])
        return ln_import_fail(s, LINNET_ERR_MODEL, "an initializer has no name");
    if (!ln_names_find(&scope->names, name, &value)) {
        linnet_status st = named_value(im, scope, name, "initializer", &value);
        if (st != LINNET_OK)
            return st;
    } else if (scope->g->values[value].info.data) {
        return ln_import_fail(s, LINNET_ERR_MODEL, "initializer '%.200s' is given twice", name);
    }
    linnet_status st = dense ? ln_import_tensor(s, dense, "initializer", name, &info)
                             : ln_import_sparse(s, sparse, "initializer", name, &info);
    if (st != LINNET_OK)
        return st;
    ln_value *v = &scope->g->values[value];
    if (v->input && (v->info.kind != LINNET_TENSOR || (v->info.type && v->info.type != info.type)))
        return ln_import_fail(s, LINNET_ERR_MODEL, "input '%.200s' is %s, but its initializer is %s", name,
                              linnet_type_name((linnet_type)v->info.type), linnet_type_name((linnet_type)info.type));
    v->info = info;
    return LINNET_OK;
}

static linnet_status initializers(ln_importer *im, ln_scope *scope, const Onnx__GraphProto *proto)
{
    for (size_t i = 0; i < proto->n_initializer; i++) {
        const Onnx__TensorProto *t = proto->initializer[i];
        linnet_status st = initializer(im, scope, t->name, t, NULL);
        if (st != LINNET_OK)
            return st;
    }
    for (size_t i = 0; i < proto->n_sparse_initializer; i++) {
        const Onnx__SparseTensorProto *sparse = proto->sparse_initializer[i];
        linnet_status st = initializer(im, scope, sparse->values ? sparse->values->name : NULL, NULL, sparse);
        if (st != LINNET_OK)
            return st;
    }
    if (!scope->outer)
        return LINNET_OK;
    ln_graph *g = scope->g;
    int32_t n = 0;
    for (int32_t i = 0; i < g->n_inputs; i++)
        if (g->values[g->inputs[i]].info.data)
            g->values[g->inputs[i]].input = false;
        else
            g->inputs[n++] = g->inputs[i];
    g->n_inputs = n;
    return LINNET_OK;
}

static linnet_status outputs(ln_importer *im, ln_scope *scope, const Onnx__GraphProto *proto)
{
    ln_source *s = &im->source;
    int32_t n = (int32_t)proto->n_output;
    int32_t *ids = ln_arena_array(&s->decoder->arena, n, sizeof *ids);
    if (!ids)
        return ln_import_no_memory(s);
    for (int32_t i = 0; i < n; i++) {
        const Onnx__ValueInfoProto *output = proto->output[i];
        if (!output->name || !output->name[0])
            return ln_import_fail(s, LINNET_ERR_MODEL, "an output of the graph has no name");
        linnet_status st = ln_import_lookup(im, scope, output->name, &ids[i]);
        if (st == LINNET_ERR_MODEL)
            return ln_import_fail(s, st, "output '%.200s' of the graph is made by no node", output->name);
        if (st == LINNET_OK && ids[i] < 0)
            return ln_import_fail(s, LINNET_ERR_MODEL, "output '%.200s' of the graph is absent", output->name);
        ln_info info;
        if (st == LINNET_OK)
            st = ln_import_type(s, scope->outer ? NULL : scope->g, output->type, output->name, &info);
        if (st != LINNET_OK)
            return st;
        ln_value *v = &scope->g->values[ids[i]];
        if (!v->info.data && !v->input && v->producer >= 0)
            v->info = info;
    }
    return ln_graph_set_outputs(scope->g, ids, n) ? LINNET_OK : ln_import_no_memory(s);
}

/* Constants are values, no nodes. */
static bool expect(const ln_importer *im, ln_scope *scope, const Onnx__GraphProto *proto, bool streamed)
{
    size_t values = proto->n_input + proto->n_initializer + proto->n_sparse_initializer, nodes = proto->n_node;
    for (size_t i = 0; i < proto->n_node; i++) {
        values += proto->node[i]->n_output;
        nodes -= proto->node[i]->op_type && strcmp(proto->node[i]->op_type, "Constant") == 0;
    }
    if (streamed) {
        values += im->stream->n_outputs;
        nodes += im->stream->n_nodes - im->stream->n_constants;
    }
    return ln_names_expect(&scope->names, (int64_t)values) &&
           ln_graph_expect(scope->g, (int64_t)values, (int64_t)nodes);
}

linnet_status ln_import_graph(ln_importer *im, ln_scope *scope, const Onnx__GraphProto *proto)
{
    ln_source *s = &im->source;
    bool streamed = !scope->outer; /* functions come to graphs that are there */
    scope->names.arena = &s->decoder->arena;
    scope->g->opsets = scope->opsets;
    scope->g->n_opsets = scope->n_opsets;
    scope->g->name = ln_import_text(s, proto->name);
    if (!scope->g->name || !expect(im, scope, proto, streamed))
        return ln_import_no_memory(s);
    linnet_status st = inputs(im, scope, proto);
    if (st == LINNET_OK)
        st = initializers(im, scope, proto);
    if (st == LINNET_OK)
        st = streamed ? ln_import_stream(im, scope) : ln_import_nodes(im, scope, proto->n_node, proto->node);
    if (st == LINNET_OK)
        st = outputs(im, scope, proto);
    if (st != LINNET_OK)
        return st;
    scope->g->n_formal = scope->g->n_inputs;
    int32_t node;
    if (ln_graph_sort(scope->g, &node))
        return LINNET_OK;
    if (node < 0)
        return ln_import_no_memory(s);
    const ln_node *n = &scope->g->nodes[node];
    return ln_error_set(s->error, LINNET_ERR_MODEL, ln_node_label(scope->g, n), n->type,
                        "the node needs its own output: it is on a cycle");
}
