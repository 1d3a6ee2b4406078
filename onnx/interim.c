/* SPDX-License-Identifier: Apache-2.0
 *
 * Stands in for the reader and writer of values until they land; weak, so that theirs win. Reads tensors, sequences and
 * optionals; writes nothing.
 */
#include "onnx/import.h"
#include "onnx/onnx.h"

#define WEAK __attribute__((weak))

WEAK linnet_status ln_onnx_write(const ln_graph *g, const linnet_model *m, const char *path, linnet_error *error)
{
    (void)g;
    (void)m;
    return ln_error_set(error, LINNET_ERR_UNSUPPORTED, "", "", "%s cannot be written yet", path);
}

WEAK linnet_status ln_onnx_write_tensor(const linnet_value *value, const char *name, const char *path,
                                        linnet_error *error)
{
    (void)value;
    (void)name;
    return ln_error_set(error, LINNET_ERR_UNSUPPORTED, "", "", "%s cannot be written yet", path);
}

static linnet_status tensor(ln_source *s, const Onnx__TensorProto *t, linnet_value *v)
{
    ln_info info = {0};
    linnet_status st = ln_import_tensor(s, t, "value", "", &info);
    *v = (linnet_value){
        .kind = LINNET_TENSOR, .type = (linnet_type)info.type, .rank = info.rank, .data = (void *)(uintptr_t)info.data};
    for (int32_t d = 0; d < info.rank; d++)
        v->dims[d] = info.dims[d];
    return st;
}

static linnet_status sequence(ln_source *s, const Onnx__SequenceProto *q, linnet_value *v)
{
    *v = (linnet_value){.kind = LINNET_SEQUENCE, .n_items = (int64_t)q->n_tensor_values};
    v->items = ln_arena_array(s->arena, v->n_items + 1, sizeof *v->items);
    linnet_status st = v->items ? LINNET_OK : LINNET_ERR_MEMORY;
    for (int64_t i = 0; st == LINNET_OK && i < v->n_items; i++)
        st = tensor(s, q->tensor_values[i], &v->items[i]);
    return st;
}

static linnet_status value(ln_source *s, const ProtobufCMessage *m, linnet_value *out)
{
    if (out->kind == LINNET_SEQUENCE)
        return sequence(s, (const Onnx__SequenceProto *)m, out);
    if (out->kind != LINNET_OPTIONAL)
        return tensor(s, (const Onnx__TensorProto *)m, out);
    const Onnx__OptionalProto *o = (const Onnx__OptionalProto *)m;
    *out = (linnet_value){0};
    return o->tensor_value     ? tensor(s, o->tensor_value, out)
           : o->sequence_value ? sequence(s, o->sequence_value, out)
                               : LINNET_OK;
}

WEAK linnet_status ln_onnx_read_tensor(const void *bytes, size_t size, linnet_value *out, ln_arena *arena,
                                       linnet_error *error)
{
    ln_decoder *d = ln_arena_zalloc(arena, sizeof *d, 16); /* lives as long as the arena */
    linnet_status st = LINNET_OK;
    if (!d)
        return LINNET_ERR_MEMORY;
    ln_decoder_init(d, arena->memory);
    ln_source s = {.arena = arena, .decoder = d, .error = error};
    const ProtobufCMessageDescriptor *type = out->kind == LINNET_SEQUENCE   ? &onnx__sequence_proto__descriptor
                                             : out->kind == LINNET_OPTIONAL ? &onnx__optional_proto__descriptor
                                                                            : &onnx__tensor_proto__descriptor;
    const ProtobufCMessage *m = ln_decode(d, type, bytes, size, "the value", &st, error);
    if (m)
        st = value(&s, m, out);
    ln_decoder_free(d, NULL);
    return st;
}
