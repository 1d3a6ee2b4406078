/* SPDX-License-Identifier: Apache-2.0
 *
 * Functions of the model are inlined where they are called, unless Linnet has a kernel of that name. The inside of a
 * function is a scope of its own, with the function's opset versions; its nodes go to the graph of the caller.
 */
#include <stdio.h>
#include <string.h>

#include "onnx/import.h"

static const char *text(const char *s)
{
    return s ? s : "";
}

/* What tells functions apart, in one text. NULL: no memory. */
static char *key(ln_importer *im, const char *domain, const char *overload, const char *name)
{
    size_t size = strlen(domain) + strlen(overload) + strlen(name) + 3;
    char *to = ln_arena_alloc(&im->source.decoder->arena, size, 1);
    if (to)
        snprintf(to, size, "%s\n%s\n%s", domain, overload, name);
    return to;
}

linnet_status ln_import_functions(ln_importer *im)
{
    ln_source *s = &im->source;
    im->functions.arena = &s->decoder->arena;
    for (size_t i = 0; i < im->proto->n_functions; i++) {
        const Onnx__FunctionProto *f = im->proto->functions[i];
        int32_t before;
        if (!f->name || !f->name[0])
            return ln_import_fail(s, LINNET_ERR_MODEL, "a function has no name");
        if (f->n_attribute_proto > LN_IMPORT_ATTRS)
            return ln_import_fail(s, LINNET_ERR_UNSUPPORTED,
                                  "function '%.100s' has %zu attributes, at most %d are supported", f->name,
                                  f->n_attribute_proto, LN_IMPORT_ATTRS);
        const char *k = key(im, ln_domain(f->domain), text(f->overload), f->name);
        if (k && ln_names_find(&im->functions, k, &before))
            return ln_import_fail(s, LINNET_ERR_MODEL, "function '%.100s' is given twice", f->name);
        if (!k || !ln_names_add(&im->functions, k, (int32_t)i))
            return ln_import_no_memory(s);
    }
    return LINNET_OK;
}

linnet_status ln_function_find(ln_importer *im, const Onnx__NodeProto *node, const Onnx__FunctionProto **f)
{
    int32_t i;
    const char *domain = ln_domain(node->domain);
    *f = NULL;
    if (im->functions.n == 0 || ln_op_find(domain, node->op_type))
        return LINNET_OK;
    const char *k = key(im, domain, text(node->overload), node->op_type);
    if (!k)
        return ln_import_no_memory(&im->source);
    if (ln_names_find(&im->functions, k, &i))
        *f = im->proto->functions[i];
    return LINNET_OK;
}

static linnet_status check_call(ln_importer *im, const ln_scope *scope, const Onnx__FunctionProto *f,
                                const Onnx__NodeProto *node)
{
    ln_source *s = &im->source;
    for (const ln_call *c = scope->call; c; c = c->outer)
        if (c->function == f)
            return ln_import_fail(s, LINNET_ERR_MODEL, "the function calls itself");
    if (im->depth >= LN_IMPORT_DEPTH)
        return ln_import_fail(s, LINNET_ERR_UNSUPPORTED, "subgraphs and functions are nested deeper than %d",
                              LN_IMPORT_DEPTH);
    if (node->n_input > f->n_input || node->n_output > f->n_output)
        return ln_import_fail(s, LINNET_ERR_MODEL,
                              "the node has %zu inputs and %zu outputs, its function has %zu and %zu", node->n_input,
                              node->n_output, f->n_input, f->n_output);
    return LINNET_OK;
}

static bool has_attr(const ln_call *call, const char *name)
{
    for (int32_t i = 0; i < call->n_attrs; i++)
        if (strcmp(call->attrs[i].name, name) == 0)
            return true;
    return false;
}

/* The attributes of the call, and the defaults of those that it leaves out. */
static linnet_status call_attributes(ln_importer *im, const ln_scope *scope, const Onnx__FunctionProto *f,
                                     const Onnx__NodeProto *node, ln_call *call)
{
    ln_source *s = &im->source;
    ln_attr_ref *refs =
        ln_arena_array(&s->decoder->arena, (int64_t)(node->n_attribute + f->n_attribute_proto), sizeof *refs);
    if (!refs)
        return ln_import_no_memory(s);
    call->attrs = refs;
    for (size_t i = 0; i < node->n_attribute; i++) {
        const Onnx__AttributeProto *value;
        linnet_status st = ln_import_resolve(im, scope, node->attribute[i], &value);
        if (st != LINNET_OK)
            return st;
        if (value)
            refs[call->n_attrs++] = (ln_attr_ref){text(node->attribute[i]->name), value};
    }
    for (size_t i = 0; i < f->n_attribute_proto; i++) {
        const Onnx__AttributeProto *def = f->attribute_proto[i];
        if (!has_attr(call, text(def->name)))
            refs[call->n_attrs++] = (ln_attr_ref){text(def->name), def};
    }
    return LINNET_OK;
}

/* Formal names -> values of the caller: inputs in the scope's names, outputs in the call's. */
static linnet_status bind_formals(ln_importer *im, ln_scope *scope, const Onnx__FunctionProto *f,
                                  const Onnx__NodeProto *node, ln_scope *inner, ln_call *call)
{
    ln_source *s = &im->source;
    for (size_t i = 0; i < f->n_input; i++) {
        int32_t value = LN_NO_VALUE, before;
        if (i < node->n_input && node->input[i][0]) {
            linnet_status st = ln_import_lookup(im, scope, node->input[i], &value);
            if (st == LINNET_ERR_MODEL)
                return ln_import_fail(s, st, "input %zu, '%.200s', is made by no node and is no input or initializer",
                                      i, node->input[i]);
            if (st != LINNET_OK)
                return st;
        }
        if (ln_names_find(&inner->names, f->input[i], &before))
            return ln_import_fail(s, LINNET_ERR_MODEL, "input '%.200s' of the function is given twice", f->input[i]);
        if (!ln_names_add(&inner->names, f->input[i], value))
            return ln_import_no_memory(s);
    }
    for (size_t i = 0; i < node->n_output; i++) {
        int32_t value, before;
        if (!node->output[i][0] || !ln_names_find(&scope->names, node->output[i], &value))
            continue;
        if (ln_names_find(&call->outputs, f->output[i], &before))
            return ln_import_fail(s, LINNET_ERR_MODEL, "output '%.200s' of the function is given twice", f->output[i]);
        if (!ln_names_add(&call->outputs, f->output[i], value))
            return ln_import_no_memory(s);
    }
    return LINNET_OK;
}

/* An output that is an input of the function is made by Identity; all others were made by its nodes. */
static linnet_status pass_outputs(ln_importer *im, const ln_scope *inner, const Onnx__FunctionProto *f,
                                  const Onnx__NodeProto *node)
{
    ln_source *s = &im->source;
    ln_graph *g = inner->g;
    for (size_t i = 0; i < node->n_output; i++) {
        int32_t out, found;
        if (!ln_names_find(&inner->call->outputs, f->output[i], &out))
            continue;
        if (!ln_names_find(&inner->names, f->output[i], &found) || found < 0)
            return ln_import_fail(s, LINNET_ERR_MODEL, "output '%.200s' of the function is made by none of its nodes",
                                  f->output[i]);
        if (found == out)
            continue;
        if (ln_graph_insert_at(g, LN_NO_NODE, "", LN_PASS_OPSET, "Identity", inner->call->prefix, 1, &found, 1, &out, 0,
                               NULL) < 0)
            return ln_import_no_memory(s);
    }
    return LINNET_OK;
}

linnet_status ln_function_inline(ln_importer *im, ln_scope *scope, const Onnx__FunctionProto *f,
                                 const Onnx__NodeProto *node)
{
    ln_source *s = &im->source;
    ln_arena *arena = &s->decoder->arena;
    linnet_status st = check_call(im, scope, f, node);
    ln_call call = {.function = f, .outer = scope->call, .outputs.arena = arena};
    ln_scope inner = {
        .g = scope->g, .names.arena = arena, .call = &call, .opsets = scope->opsets, .n_opsets = scope->n_opsets};
    if (st == LINNET_OK && f->n_opset_import)
        st = ln_import_opsets(im, f->n_opset_import, f->opset_import, &inner.opsets, &inner.n_opsets);
    if (st == LINNET_OK)
        st = call_attributes(im, scope, f, node, &call);
    if (st == LINNET_OK)
        st = bind_formals(im, scope, f, node, &inner, &call);
    if (st != LINNET_OK)
        return st;
    size_t outer = scope->call ? strlen(scope->call->prefix) + 1 : 0, size = strlen(s->node);
    char *prefix = ln_arena_alloc(s->arena, outer + size + 1, 1);
    if (!prefix)
        return ln_import_no_memory(s);
    if (outer) {
        memcpy(prefix, scope->call->prefix, outer - 1);
        prefix[outer - 1] = '/';
    }
    memcpy(prefix + outer, s->node, size + 1);
    call.prefix = prefix;
    im->depth++;
    st = ln_import_nodes(im, &inner, f->n_node, f->node);
    im->depth--;
    return st == LINNET_OK ? pass_outputs(im, &inner, f, node) : st;
}
