/* SPDX-License-Identifier: Apache-2.0
 *
 * Single values in .pb files: TensorProto, SequenceProto, MapProto, OptionalProto <-> linnet_value. Nesting is bounded
 * when it is read by the check of the wire format, when it is written by the value.
 */
#include <string.h>

#include "onnx/import.h"
#include "onnx/onnx.h"
#include "onnx/write.h"

/* SequenceProto.DataType, OptionalProto.DataType */
enum { UNDEFINED, TENSOR, SPARSE, SEQUENCE, MAP, OPTIONAL };

/* -- reading ------------------------------------------------------------------------------------------------------- */

static linnet_status read_sequence(ln_source *s, const Onnx__SequenceProto *from, linnet_value *out);
static linnet_status read_map(ln_source *s, const Onnx__MapProto *from, linnet_value *out);
static linnet_status read_optional(ln_source *s, const Onnx__OptionalProto *from, linnet_value *out);

static void from_info(const ln_info *info, linnet_value *out)
{
    *out = (linnet_value){.kind = LINNET_TENSOR,
                          .type = (linnet_type)info->type,
                          .rank = info->rank,
                          .data = (void *)(uintptr_t)info->data};
    memcpy(out->dims, info->dims, sizeof out->dims);
}

static linnet_status read_one(ln_source *s, const Onnx__TensorProto *from, linnet_value *out)
{
    ln_info info;
    linnet_status st = ln_import_tensor(s, from, "tensor", from->name ? from->name : "", &info);
    if (st == LINNET_OK)
        from_info(&info, out);
    return st;
}

static linnet_status read_sparse(ln_source *s, const Onnx__SparseTensorProto *from, linnet_value *out)
{
    ln_info info;
    linnet_status st = ln_import_sparse(s, from, "tensor", "", &info);
    if (st == LINNET_OK)
        from_info(&info, out);
    return st;
}

static linnet_status read_sequence(ln_source *s, const Onnx__SequenceProto *from, linnet_value *out)
{
    size_t n = 0;
    switch (from->elem_type) {
    case UNDEFINED:
        break;
    case TENSOR:
        n = from->n_tensor_values;
        break;
    case SPARSE:
        n = from->n_sparse_tensor_values;
        break;
    case SEQUENCE:
        n = from->n_sequence_values;
        break;
    case MAP:
        n = from->n_map_values;
        break;
    case OPTIONAL:
        n = from->n_optional_values;
        break;
    default:
        return ln_import_fail(s, LINNET_ERR_MODEL, "sequence '%.100s' has element type %d, which does not exist",
                              from->name ? from->name : "", from->elem_type);
    }
    *out = (linnet_value){.kind = LINNET_SEQUENCE, .n_items = (int64_t)n};
    out->items = ln_arena_array(s->arena, (int64_t)n, sizeof *out->items);
    if (!out->items)
        return ln_import_no_memory(s);
    linnet_status st = LINNET_OK;
    for (size_t i = 0; i < n && st == LINNET_OK; i++) {
        linnet_value *item = &out->items[i];
        st = from->elem_type == TENSOR     ? read_one(s, from->tensor_values[i], item)
             : from->elem_type == SPARSE   ? read_sparse(s, from->sparse_tensor_values[i], item)
             : from->elem_type == SEQUENCE ? read_sequence(s, from->sequence_values[i], item)
             : from->elem_type == MAP      ? read_map(s, from->map_values[i], item)
                                           : read_optional(s, from->optional_values[i], item);
        if (i == 0 && item->kind == LINNET_TENSOR)
            out->type = item->type;
    }
    return st;
}

static linnet_status map_keys(ln_source *s, const Onnx__MapProto *from, linnet_value *keys)
{
    *keys = (linnet_value){.kind = LINNET_TENSOR, .rank = 1};
    if (from->key_type == LINNET_STRING) {
        linnet_string *texts = ln_arena_array(s->arena, (int64_t)from->n_string_keys, sizeof *texts);
        for (size_t i = 0; texts && i < from->n_string_keys; i++)
            if (!ln_import_string(s, &from->string_keys[i], &texts[i]))
                return ln_import_no_memory(s);
        keys->type = LINNET_STRING;
        keys->dims[0] = (int64_t)from->n_string_keys;
        keys->data = texts;
    } else {
        keys->type = LINNET_INT64;
        keys->dims[0] = (int64_t)from->n_keys;
        keys->data = ln_arena_dup(s->arena, from->keys, from->n_keys * sizeof(int64_t), 64);
    }
    return keys->data ? LINNET_OK : ln_import_no_memory(s);
}

/* The values of a map are a sequence of tensors of one element. */
static linnet_status read_map(ln_source *s, const Onnx__MapProto *from, linnet_value *out)
{
    linnet_value list = {0};
    *out = (linnet_value){.kind = LINNET_MAP};
    out->items = ln_arena_array(s->arena, 2, sizeof *out->items);
    if (!out->items)
        return ln_import_no_memory(s);
    linnet_status st = map_keys(s, from, &out->items[0]);
    if (st == LINNET_OK && from->values)
        st = read_sequence(s, from->values, &list);
    if (st != LINNET_OK)
        return st;
    int64_t n = out->items[0].dims[0];
    size_t size = linnet_type_size(list.type);
    linnet_value *values = &out->items[1];
    *values = (linnet_value){.kind = LINNET_TENSOR, .type = list.type, .rank = 1, .dims = {n}};
    values->data = ln_arena_array(s->arena, n, size);
    if (!values->data)
        return ln_import_no_memory(s);
    for (int64_t i = 0; i < n; i++) {
        if (i >= list.n_items || list.items[i].type != list.type || linnet_value_count(&list.items[i]) != 1)
            return ln_import_fail(s, LINNET_ERR_MODEL, "a map has no value of one element for key %lld", (long long)i);
        memcpy((char *)values->data + (size_t)i * size, list.items[i].data, size);
    }
    out->type = list.type;
    out->n_items = n;
    return LINNET_OK;
}

static linnet_status read_optional(ln_source *s, const Onnx__OptionalProto *from, linnet_value *out)
{
    *out = (linnet_value){.kind = LINNET_NONE};
    if (from->tensor_value)
        return read_one(s, from->tensor_value, out);
    if (from->sparse_tensor_value)
        return read_sparse(s, from->sparse_tensor_value, out);
    if (from->sequence_value)
        return read_sequence(s, from->sequence_value, out);
    if (from->map_value)
        return read_map(s, from->map_value, out);
    if (from->optional_value)
        return read_optional(s, from->optional_value, out);
    return LINNET_OK;
}

linnet_status ln_onnx_read_tensor(const void *bytes, size_t size, linnet_value *out, ln_arena *arena,
                                  linnet_error *error)
{
    const ProtobufCMessageDescriptor *types[] = {[LINNET_NONE] = &onnx__tensor_proto__descriptor,
                                                 [LINNET_TENSOR] = &onnx__tensor_proto__descriptor,
                                                 [LINNET_SEQUENCE] = &onnx__sequence_proto__descriptor,
                                                 [LINNET_MAP] = &onnx__map_proto__descriptor,
                                                 [LINNET_OPTIONAL] = &onnx__optional_proto__descriptor};
    linnet_kind kind = (unsigned)out->kind <= LINNET_OPTIONAL ? out->kind : LINNET_TENSOR;
    ln_decoder decoder;
    ln_decoder_init(&decoder, arena->memory);
    ln_source s = {.arena = arena, .decoder = &decoder, .error = error};
    linnet_status st;
    ProtobufCMessage *message = ln_decode(&decoder, types[kind], bytes, size, "the value", &st, error);
    if (message)
        st = kind == LINNET_SEQUENCE   ? read_sequence(&s, (const Onnx__SequenceProto *)message, out)
             : kind == LINNET_MAP      ? read_map(&s, (const Onnx__MapProto *)message, out)
             : kind == LINNET_OPTIONAL ? read_optional(&s, (const Onnx__OptionalProto *)message, out)
                                       : read_one(&s, (const Onnx__TensorProto *)message, out);
    ln_decoder_free(&decoder, NULL);
    return st;
}

/* -- writing ------------------------------------------------------------------------------------------------------- */

static ProtobufCMessage *write_value(ln_arena *a, const linnet_value *v, const char *name);

static void *write_array(ln_arena *a, const linnet_value *v, size_t *n)
{
    ProtobufCMessage **items = ln_arena_array(a, v->n_items, sizeof *items);
    *n = (size_t)v->n_items;
    for (int64_t i = 0; items && i < v->n_items; i++) {
        items[i] = write_value(a, &v->items[i], NULL);
        if (!items[i])
            return NULL;
    }
    return items;
}

static ProtobufCMessage *write_sequence(ln_arena *a, const linnet_value *v, const char *name)
{
    Onnx__SequenceProto *to = ln_write_new(a, &onnx__sequence_proto__descriptor);
    if (!to)
        return NULL;
    to->name = (char *)(uintptr_t)name;
    to->has_elem_type = 1;
    linnet_kind kind = v->n_items ? v->items[0].kind : LINNET_TENSOR;
    void *items;
    if (kind == LINNET_SEQUENCE)
        items = to->sequence_values = write_array(a, v, &to->n_sequence_values), to->elem_type = SEQUENCE;
    else if (kind == LINNET_MAP)
        items = to->map_values = write_array(a, v, &to->n_map_values), to->elem_type = MAP;
    else if (kind == LINNET_NONE)
        items = to->optional_values = write_array(a, v, &to->n_optional_values), to->elem_type = OPTIONAL;
    else
        items = to->tensor_values = write_array(a, v, &to->n_tensor_values), to->elem_type = TENSOR;
    return items ? &to->base : NULL;
}

static bool write_keys(ln_arena *a, const linnet_value *keys, Onnx__MapProto *to)
{
    size_t n = (size_t)keys->dims[0];
    to->has_key_type = 1;
    to->key_type = (int32_t)keys->type;
    if (keys->type == LINNET_STRING) {
        const linnet_string *texts = keys->data;
        to->string_keys = ln_arena_array(a, (int64_t)n, sizeof *to->string_keys);
        to->n_string_keys = n;
        for (size_t i = 0; to->string_keys && i < n; i++)
            to->string_keys[i] = (ProtobufCBinaryData){texts[i].size, (uint8_t *)(uintptr_t)texts[i].data};
        return to->string_keys != NULL;
    }
    to->n_keys = n;
    to->keys = keys->data;
    return true;
}

static ProtobufCMessage *write_map(ln_arena *a, const linnet_value *v, const char *name)
{
    Onnx__MapProto *to = ln_write_new(a, &onnx__map_proto__descriptor);
    linnet_value list = {.kind = LINNET_SEQUENCE, .n_items = v->n_items};
    list.items = ln_arena_array(a, v->n_items, sizeof *list.items);
    if (!to || !list.items || !write_keys(a, &v->items[0], to))
        return NULL;
    const linnet_value *values = &v->items[1];
    for (int64_t i = 0; i < v->n_items; i++)
        list.items[i] = (linnet_value){.kind = LINNET_TENSOR,
                                       .type = values->type,
                                       .data = (char *)values->data + (size_t)i * linnet_type_size(values->type)};
    to->name = (char *)(uintptr_t)name;
    to->values = (Onnx__SequenceProto *)write_sequence(a, &list, NULL);
    return to->values ? &to->base : NULL;
}

static ProtobufCMessage *write_value(ln_arena *a, const linnet_value *v, const char *name)
{
    if (v->kind == LINNET_SEQUENCE)
        return write_sequence(a, v, name);
    if (v->kind == LINNET_MAP)
        return write_map(a, v, name);
    if (v->kind != LINNET_TENSOR) {
        Onnx__OptionalProto *none = ln_write_new(a, &onnx__optional_proto__descriptor);
        if (none)
            none->name = (char *)(uintptr_t)name;
        return none ? &none->base : NULL;
    }
    Onnx__TensorProto *to = ln_write_new(a, &onnx__tensor_proto__descriptor);
    return to && ln_write_tensor(a, v->type, v->rank, v->dims, v->data, name, to) ? &to->base : NULL;
}

linnet_status ln_onnx_write_tensor(const linnet_value *value, const char *name, const char *path, linnet_error *error)
{
    ln_memory memory;
    ln_arena arena;
    ln_memory_init(&memory, NULL, 0);
    ln_arena_init(&arena, &memory);
    const ProtobufCMessage *message = write_value(&arena, value, name);
    linnet_status st = message ? ln_write_message(message, path, error)
                               : ln_error_set(error, LINNET_ERR_MEMORY, NULL, NULL, "out of memory");
    ln_arena_free(&arena);
    return st;
}
