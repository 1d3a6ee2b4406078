/* SPDX-License-Identifier: Apache-2.0
 *
 * Nodes and attributes -> messages. A node that was made for an older opset version than the file's is written as it is
 * where its meaning has not changed since, with attributes moved to inputs where they have become inputs. What is left
 * becomes a call of a function of the model with an opset import of its own: right by the standard, and Linnet
 * inlines it again.
 */
#include <stdio.h>
#include <string.h>

#include "onnx/export.h"
#include "onnx/upgrade.h"

static char *text(const char *s)
{
    return (char *)(uintptr_t)s;
}

bool ln_export_hidden(const ln_attr *a)
{
    return strncmp(a->name, LN_NAME_HIDDEN, sizeof LN_NAME_HIDDEN - 1) == 0;
}

linnet_status ln_export_fail(const ln_exporter *x, const ln_export_scope *scope, const ln_node *n, linnet_status status,
                             const char *format, ...)
{
    char message[256];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    return ln_error_set(x->error, status, ln_node_label(scope->g, n), n->type, "%s", message);
}

Onnx__NodeProto *ln_export_new_node(ln_exporter *x, const char *domain, const char *type, const char *name, size_t n_in,
                                    size_t n_out)
{
    Onnx__NodeProto *to = ln_write_new(&x->arena, &onnx__node_proto__descriptor);
    if (!to)
        return NULL;
    to->domain = domain[0] ? text(domain) : NULL;
    to->op_type = text(type);
    to->name = name[0] ? text(name) : NULL;
    to->n_input = n_in;
    to->n_output = n_out;
    to->input = ln_arena_array(&x->arena, (int64_t)n_in, sizeof *to->input);
    to->output = ln_arena_array(&x->arena, (int64_t)n_out, sizeof *to->output);
    return to->input && to->output ? to : NULL;
}

/* -- attributes ---------------------------------------------------------------------------------------------------- */

enum { FLOAT = 1, INT, STRING, TENSOR, GRAPH, FLOATS, INTS, STRINGS, TYPE = 13 };

static linnet_status write_body(ln_exporter *x, ln_export_scope *scope, const ln_node *n, const ln_graph *body,
                                Onnx__AttributeProto *to)
{
    ln_export_scope inner = {.g = body, .outer = scope, .n_scalars = ln_node_is(n, "Loop") ? 2 : 0};
    inner.names = ln_arena_array(&x->arena, body->n_values, sizeof *inner.names);
    to->g = ln_write_new(&x->arena, &onnx__graph_proto__descriptor);
    if (!inner.names || !to->g)
        return ln_export_no_memory(x);
    for (int32_t i = 0; i < n->n_in - n->n_formal; i++)
        inner.names[body->inputs[body->n_formal + i]] = ln_export_name(x, scope, n->in[n->n_formal + i]);
    return ln_export_graph(x, &inner, NULL, to->g);
}

static bool write_strings(ln_exporter *x, const ln_attr *a, Onnx__AttributeProto *to)
{
    to->n_strings = (size_t)a->n;
    to->strings = ln_arena_array(&x->arena, a->n, sizeof *to->strings);
    for (int64_t i = 0; to->strings && i < a->n; i++)
        to->strings[i] = (ProtobufCBinaryData){a->strings[i].size, (uint8_t *)text(a->strings[i].data)};
    return to->strings != NULL;
}

static bool write_value(ln_exporter *x, const ln_attr *a, Onnx__AttributeProto *to)
{
    switch (a->kind) {
    case LN_ATTR_FLOAT:
        to->type = FLOAT;
        to->has_f = 1;
        to->f = a->f;
        return true;
    case LN_ATTR_INT:
        to->type = INT;
        to->has_i = 1;
        to->i = a->i;
        return true;
    case LN_ATTR_STRING:
        to->type = STRING;
        to->has_s = 1;
        to->s = (ProtobufCBinaryData){a->s.size, (uint8_t *)text(a->s.data)};
        return true;
    case LN_ATTR_TENSOR:
        to->type = TENSOR;
        to->t = ln_write_new(&x->arena, &onnx__tensor_proto__descriptor);
        return to->t && ln_write_tensor(&x->arena, (linnet_type)a->tensor->type, a->tensor->rank, a->tensor->dims,
                                        a->tensor->data, NULL, to->t);
    case LN_ATTR_FLOATLIST:
        to->type = FLOATS;
        to->n_floats = (size_t)a->n;
        to->floats = (float *)(uintptr_t)a->floats;
        return true;
    case LN_ATTR_INTLIST:
        to->type = INTS;
        to->n_ints = (size_t)a->n;
        to->ints = (int64_t *)(uintptr_t)a->ints;
        return true;
    case LN_ATTR_STRINGLIST:
        to->type = STRINGS;
        return write_strings(x, a, to);
    default:
        to->type = TYPE;
        to->tp = ln_export_type(x, NULL, a->type);
        return to->tp != NULL;
    }
}

static linnet_status attributes(ln_exporter *x, ln_export_scope *scope, const ln_node *n, const ln_move *moves,
                                int32_t n_moves, Onnx__NodeProto *to)
{
    to->attribute = ln_arena_array(&x->arena, n->n_attrs, sizeof *to->attribute);
    if (!to->attribute)
        return ln_export_no_memory(x);
    for (int32_t i = 0; i < n->n_attrs; i++) {
        const ln_attr *a = &n->attrs[i];
        bool moved = false;
        for (int32_t k = 0; k < n_moves; k++)
            moved = moved || moves[k].attr == a;
        if (moved)
            continue;
        if (ln_export_hidden(a))
            return ln_export_fail(x, scope, n, LINNET_ERR_UNSUPPORTED,
                                  "the node was changed for a plan (attribute %.60s) and cannot be written", a->name);
        Onnx__AttributeProto *attr = ln_write_new(&x->arena, &onnx__attribute_proto__descriptor);
        if (!attr)
            return ln_export_no_memory(x);
        to->attribute[to->n_attribute++] = attr;
        attr->name = text(a->name);
        attr->has_type = 1;
        if (a->kind == LN_ATTR_GRAPH) {
            attr->type = GRAPH;
            linnet_status st = write_body(x, scope, n, a->graph, attr);
            if (st != LINNET_OK)
                return st;
        } else if (!write_value(x, a, attr)) {
            return ln_export_no_memory(x);
        }
    }
    return LINNET_OK;
}

/* -- nodes --------------------------------------------------------------------------------------------------------- */

/* The attribute as an initializer of the graph; its name, or NULL. */
static char *moved_input(ln_exporter *x, ln_export_scope *scope, const ln_attr *a)
{
    bool list = a->kind == LN_ATTR_INTLIST, is_float = a->kind == LN_ATTR_FLOAT;
    int64_t n = list ? a->n : 1;
    const void *data = list ? (const void *)a->ints : is_float ? (const void *)&a->f : (const void *)&a->i;
    const char *name = ln_export_unique(x, a->name);
    Onnx__TensorProto *tensor = ln_write_new(&x->arena, &onnx__tensor_proto__descriptor);
    bool ok =
        name && ln_list_push(&x->arena, &scope->initializers, tensor) &&
        ln_write_tensor(&x->arena, is_float ? LINNET_FLOAT32 : LINNET_INT64, is_float ? 0 : 1, &n, data, name, tensor);
    return ok ? text(name) : NULL;
}

static linnet_status plain_node(ln_exporter *x, ln_export_scope *scope, const ln_node *n, const ln_move *moves,
                                int32_t n_moves, Onnx__NodeProto **result)
{
    int32_t n_in = n->n_formal;
    for (int32_t i = 0; i < n_moves; i++)
        if (moves[i].slot >= n_in)
            n_in = moves[i].slot + 1;
    Onnx__NodeProto *to = ln_export_new_node(x, n->domain, n->type, n->name, (size_t)n_in, (size_t)n->n_out);
    if (!to)
        return ln_export_no_memory(x);
    for (int32_t i = 0; i < n_in; i++)
        to->input[i] = text(i < n->n_formal ? ln_export_name(x, scope, n->in[i]) : "");
    for (int32_t i = 0; i < n_moves; i++)
        to->input[moves[i].slot] = moved_input(x, scope, moves[i].attr);
    for (int32_t i = 0; i < n->n_out; i++)
        to->output[i] = text(ln_export_name(x, scope, n->out[i]));
    for (int32_t i = 0; i < n_in; i++)
        if (!to->input[i])
            return ln_export_no_memory(x);
    *result = to;
    return attributes(x, scope, n, moves, n_moves, to);
}

/* The names of a list, empty ones left out; those that stay become formal names in the list itself. */
static char **formal_names(ln_exporter *x, char **names, size_t n, char letter, char ***formal, size_t *n_formal)
{
    char **outside = ln_arena_array(&x->arena, (int64_t)n, sizeof *outside);
    *formal = ln_arena_array(&x->arena, (int64_t)n, sizeof **formal);
    *n_formal = 0;
    for (size_t i = 0; outside && *formal && i < n; i++) {
        if (!names[i][0])
            continue;
        char *name = ln_arena_alloc(&x->arena, 24, 1);
        if (!name)
            return NULL;
        snprintf(name, 24, "%c%zu", letter, i);
        outside[*n_formal] = names[i];
        (*formal)[(*n_formal)++] = name;
        names[i] = name;
    }
    return *formal ? outside : NULL;
}

/* Puts the node into a function with its own opset version; returns the call. NULL: no memory. */
static Onnx__NodeProto *wrap(ln_exporter *x, const ln_node *n, Onnx__NodeProto *node)
{
    ln_arena *a = &x->arena;
    Onnx__FunctionProto *f = ln_write_new(a, &onnx__function_proto__descriptor);
    Onnx__OperatorSetIdProto *opset = ln_write_new(a, &onnx__operator_set_id_proto__descriptor);
    Onnx__NodeProto *call = ln_write_new(a, &onnx__node_proto__descriptor);
    size_t room = strlen(n->type) + 16;
    f = f && opset && call ? f : NULL;
    char *name = f ? ln_arena_alloc(a, room, 1) : NULL;
    if (!name || !ln_list_push(a, &x->functions, f))
        return NULL;
    snprintf(name, room, "%s_%zu", n->type, x->functions.n);
    opset->domain = node->domain ? node->domain : text("");
    opset->has_version = 1;
    opset->version = n->version;
    f->name = name;
    f->domain = text("ai.linnet");
    f->n_opset_import = f->n_node = 1;
    f->opset_import = ln_arena_array(a, 1, sizeof *f->opset_import);
    f->node = ln_arena_array(a, 1, sizeof *f->node);
    if (!f->opset_import || !f->node)
        return NULL;
    f->opset_import[0] = opset;
    f->node[0] = node;
    call->name = node->name;
    call->op_type = name;
    call->domain = f->domain;
    call->input = formal_names(x, node->input, node->n_input, 'x', &f->input, &f->n_input);
    call->output = formal_names(x, node->output, node->n_output, 'y', &f->output, &f->n_output);
    call->n_input = f->n_input;
    call->n_output = f->n_output;
    return call->input && call->output ? call : NULL;
}

static bool has_body(const ln_node *n)
{
    for (int32_t i = 0; i < n->n_attrs; i++)
        if (n->attrs[i].kind == LN_ATTR_GRAPH)
            return true;
    return false;
}

linnet_status ln_export_node(ln_exporter *x, ln_export_scope *scope, const ln_node *n)
{
    ln_move moves[LN_UPGRADE_MOVES];
    int32_t n_moves;
    int64_t opset = ln_export_opset(x, n->domain);
    bool fits = ln_upgrade(scope->g, n, opset, moves, &n_moves);
    Onnx__NodeProto *node = NULL;
    if (ln_node_is(n, "MatMul") && n->n_in > 2)
        return ln_export_fail(x, scope, n, LINNET_ERR_UNSUPPORTED,
                              "the node was changed for a plan (it has a bias) and cannot be written");
    if (!fits && has_body(n))
        return ln_export_fail(x, scope, n, LINNET_ERR_UNSUPPORTED,
                              "the node means version %d of its operator, other nodes need opset version %lld",
                              n->version, (long long)opset);
    linnet_status st = plain_node(x, scope, n, moves, fits ? n_moves : 0, &node);
    if (st != LINNET_OK)
        return st;
    if (!fits) {
        node = wrap(x, n, node);
        if (node && !ln_export_opset(x, "ai.linnet")) {
            ln_opset *o = ln_arena_zalloc(&x->arena, sizeof *o, _Alignof(ln_opset));
            if (!ln_list_push(&x->arena, &x->opsets, o))
                return ln_export_no_memory(x);
            *o = (ln_opset){"ai.linnet", 1};
        }
    }
    return ln_list_push(&x->arena, &scope->nodes, node) ? LINNET_OK : ln_export_no_memory(x);
}
