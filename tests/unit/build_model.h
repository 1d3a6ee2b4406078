/* SPDX-License-Identifier: Apache-2.0
 *
 * Models made in memory for the loader's tests: messages in an arena, packed into bytes. Failing to allocate ends the
 * test program.
 */
#ifndef LN_TESTS_BUILD_MODEL_H
#define LN_TESTS_BUILD_MODEL_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "onnx/write.h"

typedef struct builder {
    ln_memory memory;
    ln_arena arena;
} builder;

static inline void *must(void *p)
{
    if (!p) {
        fprintf(stderr, "out of memory\n");
        exit(2);
    }
    return p;
}

static inline void builder_init(builder *b)
{
    ln_memory_init(&b->memory, NULL, 0);
    ln_arena_init(&b->arena, &b->memory);
}

static inline void builder_free(builder *b)
{
    ln_arena_free(&b->arena);
}

static inline char *b_text(builder *b, const char *s)
{
    return must(ln_arena_strndup(&b->arena, s, strlen(s)));
}

/* Appends to a repeated field. */
#define ADD(b, message, field, item)                                                                                   \
    ((message)->field = b_append(b, (message)->field, &(message)->n_##field, sizeof *(message)->field),                \
     (message)->field[(message)->n_##field - 1] = (item))

static inline void *b_append(builder *b, void *items, size_t *n, size_t size)
{
    char *grown = must(ln_arena_zalloc(&b->arena, (*n + 1) * size, 16));
    if (items && *n)
        memcpy(grown, items, *n * size);
    ++*n;
    return grown;
}

/* "a,b,,c" -> names */
static inline char **b_names(builder *b, const char *list, size_t *n)
{
    char **names = NULL;
    *n = 0;
    for (const char *at = list; *list; at += strcspn(at, ",") + 1) {
        char *name = must(ln_arena_strndup(&b->arena, at, strcspn(at, ",")));
        names = b_append(b, names, n, sizeof *names);
        names[*n - 1] = name;
        if (!at[strcspn(at, ",")])
            break;
    }
    return names;
}

static inline Onnx__NodeProto *b_node(builder *b, const char *domain, const char *type, const char *in, const char *out)
{
    Onnx__NodeProto *n = must(ln_write_new(&b->arena, &onnx__node_proto__descriptor));
    n->domain = b_text(b, domain);
    n->op_type = b_text(b, type);
    n->input = b_names(b, in, &n->n_input);
    n->output = b_names(b, out, &n->n_output);
    return n;
}

static inline Onnx__AttributeProto *b_attr(builder *b, const char *name, int32_t type)
{
    Onnx__AttributeProto *a = must(ln_write_new(&b->arena, &onnx__attribute_proto__descriptor));
    a->name = b_text(b, name);
    a->has_type = type != 0;
    a->type = type;
    return a;
}

static inline Onnx__AttributeProto *b_attr_i(builder *b, const char *name, int64_t i)
{
    Onnx__AttributeProto *a = b_attr(b, name, 2);
    a->has_i = 1;
    a->i = i;
    return a;
}

static inline Onnx__AttributeProto *b_attr_g(builder *b, const char *name, Onnx__GraphProto *g)
{
    Onnx__AttributeProto *a = b_attr(b, name, 5);
    a->g = g;
    return a;
}

static inline Onnx__AttributeProto *b_attr_ref(builder *b, const char *name, int32_t type, const char *ref)
{
    Onnx__AttributeProto *a = b_attr(b, name, type);
    a->ref_attr_name = b_text(b, ref);
    return a;
}

static inline Onnx__ValueInfoProto *b_value(builder *b, const char *name, int32_t type, size_t rank,
                                            const int64_t *dims)
{
    Onnx__ValueInfoProto *v = must(ln_write_new(&b->arena, &onnx__value_info_proto__descriptor));
    Onnx__TensorShapeProto *shape = must(ln_write_new(&b->arena, &onnx__tensor_shape_proto__descriptor));
    v->name = b_text(b, name);
    v->type = must(ln_write_new(&b->arena, &onnx__type_proto__descriptor));
    v->type->tensor_type = must(ln_write_new(&b->arena, &onnx__tensor_type_proto__descriptor));
    v->type->tensor_type->has_elem_type = 1;
    v->type->tensor_type->elem_type = type;
    v->type->tensor_type->shape = shape;
    for (size_t i = 0; i < rank; i++) {
        Onnx__DimensionProto *dim = must(ln_write_new(&b->arena, &onnx__dimension_proto__descriptor));
        dim->has_dim_value = 1;
        dim->dim_value = dims[i];
        ADD(b, shape, dim, dim);
    }
    return v;
}

static inline Onnx__TensorProto *b_tensor(builder *b, const char *name, int32_t type, size_t rank, const int64_t *dims)
{
    Onnx__TensorProto *t = must(ln_write_new(&b->arena, &onnx__tensor_proto__descriptor));
    t->name = b_text(b, name);
    t->has_data_type = 1;
    t->data_type = type;
    for (size_t i = 0; i < rank; i++)
        ADD(b, t, dims, dims[i]);
    return t;
}

static inline void b_raw(builder *b, Onnx__TensorProto *t, const void *bytes, size_t size)
{
    t->has_raw_data = 1;
    t->raw_data.len = size;
    t->raw_data.data = must(ln_arena_dup(&b->arena, bytes, size, 8));
}

static inline void b_external(builder *b, Onnx__TensorProto *t, const char *key, const char *value)
{
    Onnx__StringStringEntryProto *e = must(ln_write_new(&b->arena, &onnx__string_string_entry_proto__descriptor));
    e->key = b_text(b, key);
    e->value = b_text(b, value);
    t->has_data_location = 1;
    t->data_location = 1;
    ADD(b, t, external_data, e);
}

static inline Onnx__OperatorSetIdProto *b_opset(builder *b, const char *domain, int64_t version)
{
    Onnx__OperatorSetIdProto *o = must(ln_write_new(&b->arena, &onnx__operator_set_id_proto__descriptor));
    o->domain = b_text(b, domain);
    o->has_version = 1;
    o->version = version;
    return o;
}

static inline Onnx__GraphProto *b_graph(builder *b, const char *name)
{
    Onnx__GraphProto *g = must(ln_write_new(&b->arena, &onnx__graph_proto__descriptor));
    g->name = b_text(b, name);
    return g;
}

/* IR 8, ai.onnx 17, an empty graph. */
static inline Onnx__ModelProto *b_model(builder *b)
{
    Onnx__ModelProto *m = must(ln_write_new(&b->arena, &onnx__model_proto__descriptor));
    m->has_ir_version = 1;
    m->ir_version = 8;
    ADD(b, m, opset_import, b_opset(b, "", 17));
    m->graph = b_graph(b, "main");
    return m;
}

static inline uint8_t *b_pack(builder *b, const Onnx__ModelProto *m, size_t *size)
{
    *size = protobuf_c_message_get_packed_size(&m->base);
    uint8_t *bytes = must(ln_arena_alloc(&b->arena, *size, 64));
    protobuf_c_message_pack(&m->base, bytes);
    return bytes;
}

#endif
