/* SPDX-License-Identifier: Apache-2.0
 *
 * NodeProto -> nodes. Constant nodes become constants at once, calls of functions become the function's nodes, bodies
 * become graphs with inputs for what they capture.
 */
#include <string.h>

#include "onnx/import.h"

/* Name of a node or value inside of a function: that of the call before it. NULL: no memory. */
static const char *prefixed(const ln_importer *im, const ln_scope *scope, const char *name)
{
    if (!scope->call || !name || !name[0])
        return ln_import_text(&im->source, name);
    size_t prefix = strlen(scope->call->prefix), size = strlen(name);
    char *text = ln_arena_alloc(im->source.arena, prefix + size + 2, 1);
    if (text) {
        memcpy(text, scope->call->prefix, prefix);
        text[prefix] = '/';
        memcpy(text + prefix + 1, name, size + 1);
    }
    return text;
}

/* -- outputs ------------------------------------------------------------------------------------------------------- */

static linnet_status bind_outputs(ln_importer *im, ln_scope *scope, const Onnx__NodeProto *node)
{
    ln_source *s = &im->source;
    for (size_t i = 0; i < node->n_output; i++) {
        const char *name = node->output[i];
        int32_t value;
        if (!name[0])
            continue;
        if (ln_names_find(&scope->names, name, &value))
            return ln_import_fail(s, LINNET_ERR_MODEL, "output '%.200s' is the name of another value", name);
        if (!scope->call || scope->outer || !ln_names_find(&scope->call->outputs, name, &value)) {
            const char *text = prefixed(im, scope, name);
            value = text ? ln_graph_value(scope->g, text) : LN_NO_VALUE;
            name = text && !scope->call ? text : name; /* the message may be forgotten before the scope is */
        }
        if (value < 0 || !ln_names_add(&scope->names, name, value))
            return ln_import_no_memory(s);
    }
    return LINNET_OK;
}

/* -- Constant ------------------------------------------------------------------------------------------------------ */

static void set_info(ln_info *info, linnet_type type, int64_t n, bool list, const void *data)
{
    *info = (ln_info){.kind = LINNET_TENSOR, .type = (uint8_t)type, .rank = list, .dims = {list ? n : 0}, .data = data};
}

/* The value of a Constant node; data stays NULL where the attribute is not one that a Constant has. */
static linnet_status constant_info(const ln_importer *im, const ln_attr *a, ln_info *info)
{
    ln_arena *arena = im->source.arena;
    const char *name = a->name;
    *info = (ln_info){0};
    if (a->kind == LN_ATTR_TENSOR && (!strcmp(name, "value") || !strcmp(name, "sparse_value")))
        *info = *a->tensor;
    else if (a->kind == LN_ATTR_FLOAT && !strcmp(name, "value_float"))
        set_info(info, LINNET_FLOAT32, 1, false, ln_arena_dup(arena, &a->f, sizeof a->f, 64));
    else if (a->kind == LN_ATTR_INT && !strcmp(name, "value_int"))
        set_info(info, LINNET_INT64, 1, false, ln_arena_dup(arena, &a->i, sizeof a->i, 64));
    else if (a->kind == LN_ATTR_STRING && !strcmp(name, "value_string"))
        set_info(info, LINNET_STRING, 1, false, ln_arena_dup(arena, &a->s, sizeof a->s, 64));
    else if (a->kind == LN_ATTR_FLOATLIST && !strcmp(name, "value_floats"))
        set_info(info, LINNET_FLOAT32, a->n, true, a->floats);
    else if (a->kind == LN_ATTR_INTLIST && !strcmp(name, "value_ints"))
        set_info(info, LINNET_INT64, a->n, true, a->ints);
    else if (a->kind == LN_ATTR_STRINGLIST && !strcmp(name, "value_strings"))
        set_info(info, LINNET_STRING, a->n, true, a->strings);
    else
        return LINNET_OK;
    return info->data ? LINNET_OK : ln_import_no_memory(&im->source);
}

/* *done: the node was a Constant, and its output now is one. Others are left to the engine to refuse. */
static linnet_status constant(ln_importer *im, ln_scope *scope, const Onnx__NodeProto *node, bool *done)
{
    *done = false;
    if (strcmp(node->op_type, "Constant") != 0 || ln_domain(node->domain)[0] || node->n_input != 0 ||
        node->n_output != 1 || !node->output[0][0] || node->n_attribute != 1)
        return LINNET_OK;
    ln_attr attr;
    ln_info tensor, info;
    const Onnx__GraphProto *body;
    linnet_status st = ln_import_attribute(im, scope, node->attribute[0], true, &tensor, &attr, &body);
    if (st != LINNET_OK || attr.kind == 0)
        return st;
    st = constant_info(im, &attr, &info);
    int32_t value;
    if (st != LINNET_OK || !info.data || !ln_names_find(&scope->names, node->output[0], &value))
        return st;
    scope->g->values[value].info = info;
    *done = true;
    return LINNET_OK;
}

/* -- nodes --------------------------------------------------------------------------------------------------------- */

typedef struct parts {
    int32_t *in, *out;
    int32_t n_in, n_out;
    ln_attr *attrs;
    int32_t n_attrs;
    ln_scope *bodies; /* one for each graph among the attributes */
    int32_t n_bodies;
    ln_captures captures;
} parts;

static linnet_status node_inputs(ln_importer *im, ln_scope *scope, const Onnx__NodeProto *node, parts *p)
{
    ln_source *s = &im->source;
    p->in = ln_arena_array(&s->decoder->arena, (int64_t)node->n_input, sizeof *p->in);
    if (!p->in)
        return ln_import_no_memory(s);
    p->n_in = (int32_t)node->n_input;
    for (int32_t i = 0; i < p->n_in; i++) {
        const char *name = node->input[i];
        p->in[i] = LN_NO_VALUE;
        if (!name[0])
            continue;
        linnet_status st = ln_import_lookup(im, scope, name, &p->in[i]);
        if (st == LINNET_ERR_MODEL)
            return ln_import_fail(s, st, "input %d, '%.200s', is made by no node and is no input or initializer", i,
                                  name);
        if (st != LINNET_OK)
            return st;
    }
    return LINNET_OK;
}

static linnet_status node_outputs(ln_importer *im, ln_scope *scope, const Onnx__NodeProto *node, parts *p)
{
    ln_source *s = &im->source;
    p->out = ln_arena_array(&s->decoder->arena, (int64_t)node->n_output, sizeof *p->out);
    if (!p->out)
        return ln_import_no_memory(s);
    p->n_out = (int32_t)node->n_output;
    for (int32_t i = 0; i < p->n_out; i++) {
        p->out[i] = LN_NO_VALUE;
        if (node->output[i][0] && !ln_names_find(&scope->names, node->output[i], &p->out[i]))
            return ln_import_fail(s, LINNET_ERR_MODEL, "output '%.200s' is not bound", node->output[i]);
    }
    return LINNET_OK;
}

static linnet_status import_body(ln_importer *im, ln_scope *scope, const Onnx__GraphProto *proto, parts *p,
                                 ln_attr *attr)
{
    ln_source *s = &im->source;
    ln_scope *inner = &p->bodies[p->n_bodies++];
    *inner = (ln_scope){.g = ln_graph_new(s->arena),
                        .outer = scope,
                        .captures = &p->captures,
                        .call = scope->call,
                        .opsets = scope->opsets,
                        .n_opsets = scope->n_opsets};
    if (!inner->g)
        return ln_import_no_memory(s);
    attr->graph = inner->g;
    if (im->depth >= LN_IMPORT_DEPTH)
        return ln_import_fail(s, LINNET_ERR_UNSUPPORTED, "subgraphs and functions are nested deeper than %d",
                              LN_IMPORT_DEPTH);
    const char *node = s->node, *domain = s->domain, *op = s->op;
    s->node = s->domain = s->op = NULL;
    im->depth++;
    linnet_status st = ln_import_graph(im, inner, proto);
    im->depth--;
    s->node = node;
    s->domain = domain;
    s->op = op;
    return st;
}

static linnet_status node_attributes(ln_importer *im, ln_scope *scope, const Onnx__NodeProto *node, bool known,
                                     parts *p)
{
    ln_source *s = &im->source;
    int64_t n = (int64_t)node->n_attribute, n_bodies = 0;
    for (int64_t i = 0; i < n; i++)
        n_bodies += node->attribute[i]->g != NULL;
    p->attrs = ln_arena_array(&s->decoder->arena, n, sizeof *p->attrs);
    p->bodies = ln_arena_array(&s->decoder->arena, n_bodies, sizeof *p->bodies);
    if (!p->attrs || !p->bodies)
        return ln_import_no_memory(s);
    for (int64_t i = 0; i < n; i++) {
        ln_attr *attr = &p->attrs[p->n_attrs];
        const Onnx__GraphProto *body;
        linnet_status st = ln_import_attribute(im, scope, node->attribute[i], known, NULL, attr, &body);
        if (st == LINNET_OK && body)
            st = import_body(im, scope, body, p, attr);
        if (st != LINNET_OK)
            return st;
        if (attr->kind == 0)
            continue;
        for (int32_t k = 0; k < p->n_attrs; k++)
            if (strcmp(p->attrs[k].name, attr->name) == 0)
                return ln_import_fail(s, LINNET_ERR_MODEL, "attribute '%.80s' is given twice", attr->name);
        p->n_attrs++;
    }
    return LINNET_OK;
}

/* The captured values as inputs of the node, after its own. */
static linnet_status add_captures(ln_importer *im, parts *p)
{
    ln_source *s = &im->source;
    linnet_status st = ln_import_close(im, p->bodies, p->n_bodies, &p->captures);
    if (st != LINNET_OK || p->captures.n == 0)
        return st;
    int32_t *in = ln_arena_array(&s->decoder->arena, (int64_t)p->n_in + p->captures.n, sizeof *in);
    if (!in)
        return ln_import_no_memory(s);
    if (p->n_in)
        memcpy(in, p->in, (size_t)p->n_in * sizeof *in);
    memcpy(in + p->n_in, p->captures.outer, (size_t)p->captures.n * sizeof *in);
    p->in = in;
    p->n_in += p->captures.n;
    return LINNET_OK;
}

/* The texts of a known operator are there already. */
static bool type_texts(const ln_importer *im, const ln_op *op, const char **domain, const char **type)
{
    *domain = op ? op->domain : ln_import_text(&im->source, *domain);
    *type = op ? op->type : ln_import_text(&im->source, *type);
    return *domain && *type;
}

static linnet_status make_node(ln_importer *im, ln_scope *scope, const Onnx__NodeProto *node)
{
    ln_source *s = &im->source;
    parts p = {.captures.by_name.arena = &s->decoder->arena};
    const char *domain = ln_domain(node->domain), *type = node->op_type;
    const ln_op *op = ln_op_find(domain, type);
    int64_t opset = ln_scope_opset(scope, domain);
    if (opset == 0 && ln_domain_newest(domain))
        return ln_import_fail(s, LINNET_ERR_MODEL, "the model imports no opset version of %s",
                              domain[0] ? domain : "ai.onnx");
    if (!type_texts(im, op, &domain, &type))
        return ln_import_no_memory(s);
    linnet_status st = node_inputs(im, scope, node, &p);
    if (st == LINNET_OK)
        st = node_outputs(im, scope, node, &p);
    if (st == LINNET_OK)
        st = node_attributes(im, scope, node, op != NULL, &p);
    int32_t n_formal = p.n_in;
    if (st == LINNET_OK && p.n_bodies)
        st = add_captures(im, &p);
    if (st != LINNET_OK)
        return st;
    const char *name = prefixed(im, scope, node->name);
    int32_t id = name ? ln_graph_insert_at(scope->g, LN_NO_NODE, domain, opset, type, name, p.n_in, p.in, p.n_out,
                                           p.out, p.n_attrs, p.attrs)
                      : LN_NO_NODE;
    if (id < 0)
        return ln_import_no_memory(s);
    scope->g->nodes[id].n_formal = n_formal;
    return LINNET_OK;
}

/* Messages from here on are about this node. */
static linnet_status about(ln_importer *im, const Onnx__NodeProto *node)
{
    ln_source *s = &im->source;
    s->domain = ln_domain(node->domain);
    s->op = node->op_type ? node->op_type : "";
    s->node = node->name && node->name[0] ? node->name : "";
    for (size_t i = 0; !s->node[0] && i < node->n_output; i++)
        s->node = node->output[i];
    if (!s->op[0])
        return ln_import_fail(s, LINNET_ERR_MODEL, "the node has no operator type");
    if (node->n_input > INT32_MAX / 4 || node->n_output > INT32_MAX / 4)
        return ln_import_fail(s, LINNET_ERR_UNSUPPORTED, "the node has %zu inputs and %zu outputs", node->n_input,
                              node->n_output);
    if (node->n_attribute > LN_IMPORT_ATTRS)
        return ln_import_fail(s, LINNET_ERR_UNSUPPORTED, "the node has %zu attributes, at most %d are supported",
                              node->n_attribute, LN_IMPORT_ATTRS);
    return LINNET_OK;
}

static linnet_status define(ln_importer *im, ln_scope *scope, const Onnx__NodeProto *node, bool *done)
{
    linnet_status st = about(im, node);
    if (st == LINNET_OK && ++im->n_nodes > LN_IMPORT_NODES)
        st = ln_import_fail(&im->source, LINNET_ERR_UNSUPPORTED, "the model has more than %d nodes", LN_IMPORT_NODES);
    if (st == LINNET_OK)
        st = bind_outputs(im, scope, node);
    if (st == LINNET_OK)
        st = constant(im, scope, node, done);
    return st;
}

static linnet_status make(ln_importer *im, ln_scope *scope, const Onnx__NodeProto *node)
{
    linnet_status st = about(im, node);
    const Onnx__FunctionProto *f = NULL;
    if (st == LINNET_OK)
        st = ln_function_find(im, node, &f);
    if (st != LINNET_OK)
        return st;
    return f ? ln_function_inline(im, scope, f, node) : make_node(im, scope, node);
}

linnet_status ln_import_nodes(ln_importer *im, ln_scope *scope, size_t n, Onnx__NodeProto **nodes)
{
    ln_source *s = &im->source;
    const char *node = s->node, *domain = s->domain, *op = s->op;
    bool *done = ln_arena_array(&s->decoder->arena, (int64_t)n, sizeof *done);
    linnet_status st = done ? LINNET_OK : ln_import_no_memory(s);
    for (size_t i = 0; i < n && st == LINNET_OK; i++)
        st = define(im, scope, nodes[i], &done[i]);
    for (size_t i = 0; i < n && st == LINNET_OK; i++)
        if (!done[i])
            st = make(im, scope, nodes[i]);
    s->node = node;
    s->domain = domain;
    s->op = op;
    return st;
}

/* Twice over the nodes, as above: by their names, then whole. */
linnet_status ln_import_stream(ln_importer *im, ln_scope *scope)
{
    ln_source *s = &im->source;
    ln_stream *stream = im->stream;
    ln_decoder *decoder = s->decoder;
    ln_field f;
    bool *done = ln_arena_array(&decoder->arena, (int64_t)stream->n_nodes, sizeof *done);
    linnet_status st = done ? LINNET_OK : ln_import_no_memory(s);
    s->decoder = &stream->decoder;
    for (int whole = 0; whole < 2; whole++) {
        size_t i = 0;
        for (const uint8_t *at = stream->at; st == LINNET_OK && ln_stream_next(stream, &at, &f); i++) {
            const Onnx__NodeProto *node;
            if (done[i])
                continue;
            st = ln_stream_decode(stream, &f, whole, &node, s->error);
            if (st == LINNET_OK)
                st = whole ? make(im, scope, node) : define(im, scope, node, &done[i]);
            ln_decoder_reset(&stream->decoder, s->mappings);
        }
    }
    s->decoder = decoder;
    s->node = s->domain = s->op = NULL;
    return st;
}
