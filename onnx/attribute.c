/* SPDX-License-Identifier: Apache-2.0
 *
 * AttributeProto -> ln_attr. In a function an attribute may stand for one of the calling node.
 */
#include <string.h>

#include "onnx/import.h"

/* AttributeProto.AttributeType */
enum { FLOAT = 1, INT, STRING, TENSOR, GRAPH, FLOATS, INTS, STRINGS, TENSORS, GRAPHS, SPARSE, SPARSES, TYPE, TYPES };

static bool is_reference(const Onnx__AttributeProto *a)
{
    return a->ref_attr_name && a->ref_attr_name[0];
}

linnet_status ln_import_resolve(ln_importer *im, const ln_scope *scope, const Onnx__AttributeProto *proto,
                                const Onnx__AttributeProto **value)
{
    *value = proto;
    if (!is_reference(proto))
        return LINNET_OK;
    if (!scope->call)
        return ln_import_fail(&im->source, LINNET_ERR_MODEL,
                              "attribute '%.80s' refers to '%.80s' of a function, but is in none",
                              proto->name ? proto->name : "", proto->ref_attr_name);
    *value = NULL;
    for (int32_t i = 0; i < scope->call->n_attrs; i++)
        if (strcmp(scope->call->attrs[i].name, proto->ref_attr_name) == 0)
            *value = scope->call->attrs[i].value;
    if (*value && proto->has_type && (*value)->has_type && proto->type != (*value)->type)
        return ln_import_fail(&im->source, LINNET_ERR_MODEL, "attribute '%.80s' has type %d, but '%.80s' has %d",
                              proto->name ? proto->name : "", proto->type, proto->ref_attr_name, (*value)->type);
    return LINNET_OK;
}

/* The type, or what old exporters that gave none meant. */
static int32_t type_of(const Onnx__AttributeProto *a)
{
    if (a->has_type && a->type != 0)
        return a->type;
    if (a->has_f + a->has_i + a->has_s + (a->t != NULL) + (a->g != NULL) + (a->n_floats > 0) + (a->n_ints > 0) +
            (a->n_strings > 0) !=
        1)
        return 0;
    return a->has_f      ? FLOAT
           : a->has_i    ? INT
           : a->has_s    ? STRING
           : a->t        ? TENSOR
           : a->g        ? GRAPH
           : a->n_floats ? FLOATS
           : a->n_ints   ? INTS
                         : STRINGS;
}

static linnet_status strings(const ln_source *s, const Onnx__AttributeProto *value, ln_attr *attr)
{
    linnet_string *to = ln_arena_array(s->arena, (int64_t)value->n_strings, sizeof *to);
    if (!to)
        return ln_import_no_memory(s);
    for (size_t i = 0; i < value->n_strings; i++)
        if (!ln_import_string(s, &value->strings[i], &to[i]))
            return ln_import_no_memory(s);
    attr->kind = LN_ATTR_STRINGLIST;
    attr->n = (int64_t)value->n_strings;
    attr->strings = to;
    return LINNET_OK;
}

static linnet_status tensor(ln_source *s, const Onnx__AttributeProto *value, bool sparse, ln_info *info, ln_attr *attr)
{
    info = info ? info : ln_arena_zalloc(s->arena, sizeof *info, _Alignof(ln_info));
    if (!info)
        return ln_import_no_memory(s);
    if (sparse ? !value->sparse_tensor : !value->t)
        return ln_import_fail(s, LINNET_ERR_MODEL, "attribute '%.80s' has no tensor", attr->name);
    attr->kind = LN_ATTR_TENSOR;
    attr->tensor = info;
    return sparse ? ln_import_sparse(s, value->sparse_tensor, "attribute", attr->name, info)
                  : ln_import_tensor(s, value->t, "attribute", attr->name, info);
}

static linnet_status type_attribute(ln_source *s, const Onnx__AttributeProto *value, ln_attr *attr)
{
    ln_info *info = ln_arena_zalloc(s->arena, sizeof *info, _Alignof(ln_info));
    if (!info)
        return ln_import_no_memory(s);
    attr->kind = LN_ATTR_TYPE;
    attr->type = info;
    return ln_import_type(s, NULL, value->tp, attr->name, info);
}

static linnet_status list(const ln_source *s, const void *from, size_t n, size_t size, const void **to, ln_attr *attr)
{
    attr->n = (int64_t)n;
    *to = ln_import_keep(s, from, n * size);
    return *to ? LINNET_OK : ln_import_no_memory(s);
}

/* kind 0 in attr: there is nothing to add. A graph is given back as *body, for the caller to import. */
linnet_status ln_import_attribute(ln_importer *im, ln_scope *scope, const Onnx__AttributeProto *proto, bool known,
                                  ln_info *info, ln_attr *attr, const Onnx__GraphProto **body)
{
    ln_source *s = &im->source;
    const Onnx__AttributeProto *value;
    *body = NULL;
    *attr = (ln_attr){0};
    if (!proto->name || !proto->name[0])
        return ln_import_fail(s, LINNET_ERR_MODEL, "an attribute has no name");
    if (strncmp(proto->name, LN_NAME_HIDDEN, sizeof LN_NAME_HIDDEN - 1) == 0) /* passes vouch for what theirs say */
        return ln_import_fail(s, LINNET_ERR_MODEL, "attribute '%.80s': a file may hold none of Linnet's own",
                              proto->name);
    linnet_status st = ln_import_resolve(im, scope, proto, &value);
    if (st != LINNET_OK || !value)
        return st;
    attr->name = ln_import_text(s, proto->name);
    if (!attr->name)
        return ln_import_no_memory(s);
    const void *items = NULL;
    switch (type_of(value)) {
    case FLOAT:
        attr->kind = LN_ATTR_FLOAT;
        attr->f = value->f;
        return LINNET_OK;
    case INT:
        attr->kind = LN_ATTR_INT;
        attr->i = value->i;
        return LINNET_OK;
    case STRING:
        attr->kind = LN_ATTR_STRING;
        return ln_import_string(s, &value->s, &attr->s) ? LINNET_OK : ln_import_no_memory(s);
    case TENSOR:
        return tensor(s, value, false, info, attr);
    case SPARSE:
        return tensor(s, value, true, info, attr);
    case GRAPH:
        if (!value->g)
            return ln_import_fail(s, LINNET_ERR_MODEL, "attribute '%.80s' has no graph", attr->name);
        if (value != proto)
            return ln_import_fail(s, LINNET_ERR_UNSUPPORTED, "attribute '%.80s' gets its graph from a call",
                                  attr->name);
        attr->kind = LN_ATTR_GRAPH;
        *body = value->g;
        return LINNET_OK;
    case FLOATS:
        attr->kind = LN_ATTR_FLOATLIST;
        st = list(s, value->floats, value->n_floats, sizeof(float), &items, attr);
        attr->floats = items;
        return st;
    case INTS:
        attr->kind = LN_ATTR_INTLIST;
        st = list(s, value->ints, value->n_ints, sizeof(int64_t), &items, attr);
        attr->ints = items;
        return st;
    case STRINGS:
        return strings(s, value, attr);
    case TYPE:
        return type_attribute(s, value, attr);
    case TENSORS:
    case GRAPHS:
    case SPARSES:
    case TYPES:
        /* No operator of the standard has one; those that Linnet does not know are only listed. */
        if (!known)
            return LINNET_OK;
        return ln_import_fail(s, LINNET_ERR_UNSUPPORTED, "attribute '%.80s' has type %d, which is not supported",
                              attr->name, value->type);
    default:
        return ln_import_fail(s, LINNET_ERR_MODEL, "attribute '%.80s' has type %d, which does not exist", attr->name,
                              value->type);
    }
}
