/* SPDX-License-Identifier: Apache-2.0
 *
 * graph -> .onnx. Names are made unique over all graphs of the file; a body writes what it captures as the name of the
 * outer value. The opset versions of the file are the newest that a node was made for; export_node.c says how older
 * nodes are written under them.
 */
#include "onnx/export.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "onnx/onnx.h"

linnet_status ln_export_no_memory(const ln_exporter *x)
{
    return ln_error_set(x->error, LINNET_ERR_MEMORY, NULL, NULL, "out of memory");
}

bool ln_list_push(ln_arena *arena, ln_list *list, void *item)
{
    if (!item)
        return false;
    if (list->n == list->cap) {
        size_t cap = list->cap ? list->cap * 2 : 16;
        void **items = ln_arena_array(arena, (int64_t)cap, sizeof *items);
        if (!items)
            return false;
        if (list->n)
            memcpy(items, list->items, list->n * sizeof *items);
        list->items = items;
        list->cap = cap;
    }
    list->items[list->n++] = item;
    return true;
}

/* -- names --------------------------------------------------------------------------------------------------------- */

static const char *claim(ln_exporter *x, const char *name)
{
    return ln_names_add(&x->used, name, 0) ? name : NULL;
}

const char *ln_export_unique(ln_exporter *x, const char *base)
{
    int32_t unused;
    if (base[0] && !ln_names_find(&x->used, base, &unused))
        return claim(x, base);
    size_t room = strlen(base) + 16;
    char *name = ln_arena_alloc(&x->arena, room, 1);
    do {
        if (!name)
            return NULL;
        snprintf(name, room, "%s_%u", base[0] ? base : "v", ++x->n_made);
    } while (ln_names_find(&x->used, name, &unused));
    return claim(x, name);
}

static bool same_constant(const ln_info *a, const ln_info *b)
{
    return a->data == b->data && a->type == b->type && a->rank == b->rank && ln_info_count(a) > 0 &&
           memcmp(a->dims, b->dims, (size_t)a->rank * sizeof a->dims[0]) == 0;
}

/* A constant that a body shares with an outer graph is written once, there. */
static const char *outer_constant(const ln_export_scope *scope, const ln_info *info)
{
    for (const ln_export_scope *s = scope->outer; s; s = s->outer)
        for (int32_t v = 0; v < s->g->n_values; v++) {
            const ln_value *value = &s->g->values[v];
            if (value->info.data && value->producer < 0 && !value->input && s->names[v] &&
                same_constant(&value->info, info)) {
                s->wanted[v] = true;
                return s->names[v];
            }
        }
    return NULL;
}

static bool is_constant(const ln_value *v)
{
    return v->info.data && v->producer < 0;
}

const char *ln_export_name(ln_exporter *x, ln_export_scope *scope, int32_t value)
{
    if (value < 0)
        return "";
    const ln_value *v = &scope->g->values[value];
    if (!scope->names[value] && is_constant(v) && !v->input && !v->outputs)
        scope->names[value] = outer_constant(scope, &v->info);
    if (!scope->names[value])
        scope->names[value] = ln_export_unique(x, v->name);
    return scope->names[value];
}

/* -- types --------------------------------------------------------------------------------------------------------- */

static Onnx__TensorShapeProto *write_shape(ln_exporter *x, const ln_graph *g, const ln_info *info)
{
    ln_arena *a = &x->arena;
    Onnx__TensorShapeProto *shape = ln_write_new(a, &onnx__tensor_shape_proto__descriptor);
    if (!shape)
        return NULL;
    shape->dim = ln_arena_array(a, info->rank, sizeof *shape->dim);
    shape->n_dim = (size_t)info->rank;
    for (int32_t i = 0; shape->dim && i < info->rank; i++) {
        int64_t dim = info->dims[i];
        shape->dim[i] = ln_write_new(a, &onnx__dimension_proto__descriptor);
        if (!shape->dim[i])
            return NULL;
        shape->dim[i]->has_dim_value = dim >= 0;
        shape->dim[i]->dim_value = dim;
        if (dim <= -2 && -2 - dim < g->n_symbols)
            shape->dim[i]->dim_param = (char *)(uintptr_t)g->symbols[-2 - dim];
    }
    return shape->dim ? shape : NULL;
}

static bool write_held(ln_exporter *x, const ln_info *info, Onnx__SequenceTypeProto **to)
{
    ln_info item = {.kind = info->item, .item = LINNET_TENSOR, .type = info->type, .key = info->key, .rank = -1};
    *to = ln_write_new(&x->arena, &onnx__sequence_type_proto__descriptor);
    if (*to)
        (*to)->elem_type = ln_export_type(x, NULL, &item);
    return *to && (*to)->elem_type;
}

static bool write_map(ln_exporter *x, const ln_info *info, Onnx__TypeProto *to)
{
    ln_info value = {.kind = LINNET_TENSOR, .type = info->type, .rank = -1};
    to->map_type = ln_write_new(&x->arena, &onnx__map_type_proto__descriptor);
    if (!to->map_type)
        return false;
    to->map_type->has_key_type = 1;
    to->map_type->key_type = info->key;
    to->map_type->value_type = ln_export_type(x, NULL, &value);
    return to->map_type->value_type != NULL;
}

Onnx__TypeProto *ln_export_type(ln_exporter *x, const ln_graph *g, const ln_info *info)
{
    Onnx__TypeProto *type = ln_write_new(&x->arena, &onnx__type_proto__descriptor);
    if (!type)
        return NULL;
    bool ok = true;
    if (info->kind == LINNET_SEQUENCE) {
        ok = write_held(x, info, &type->sequence_type);
    } else if (info->kind == LINNET_OPTIONAL) {
        ok = write_held(x, info, &type->optional_type);
    } else if (info->kind == LINNET_MAP) {
        ok = write_map(x, info, type);
    } else {
        Onnx__TensorTypeProto *tensor = ln_write_new(&x->arena, &onnx__tensor_type_proto__descriptor);
        type->tensor_type = tensor;
        ok = tensor != NULL;
        if (ok) {
            tensor->has_elem_type = 1;
            tensor->elem_type = info->type;
        }
        if (ok && g && info->rank >= 0) {
            tensor->shape = write_shape(x, g, info);
            ok = tensor->shape != NULL;
        }
    }
    return ok ? type : NULL;
}

/* The type as the model declared it, for outputs of which inference could not tell all. */
static Onnx__TypeProto *declared_type(ln_exporter *x, const linnet_value_info *from)
{
    ln_graph none = {0};
    ln_info info = {.kind = (uint8_t)from->kind,
                    .item = (uint8_t)from->item,
                    .type = (uint8_t)from->type,
                    .key = (uint8_t)from->key,
                    .rank = from->rank};
    memcpy(info.dims, from->dims, sizeof info.dims);
    Onnx__TypeProto *type = ln_export_type(x, &none, &info);
    for (int32_t i = 0; type && type->tensor_type && type->tensor_type->shape && i < from->rank; i++)
        type->tensor_type->shape->dim[i]->dim_param = (char *)(uintptr_t)from->dim_names[i];
    return type;
}

/* A value whose type nobody knows is declared by its name alone. */
static bool declare(ln_exporter *x, const ln_export_scope *scope, const ln_info *info, bool always,
                    const linnet_value_info *declared, const char *name, Onnx__ValueInfoProto **to)
{
    *to = ln_write_new(&x->arena, &onnx__value_info_proto__descriptor);
    if (!*to || !name)
        return false;
    (*to)->name = (char *)(uintptr_t)name;
    bool known = info->kind != LINNET_TENSOR || info->type != LINNET_UNDEFINED;
    if (declared && (declared->kind != LINNET_TENSOR || declared->type != LINNET_UNDEFINED) &&
        (!known || declared->kind != info->kind || declared->kind != LINNET_TENSOR || info->rank < 0))
        (*to)->type = declared_type(x, declared);
    else if (known) /* the dimensions of a body may change from call to call, but for what is `always` so */
        (*to)->type = ln_export_type(x, scope->outer && !always ? NULL : scope->g, info);
    else
        return true;
    return (*to)->type != NULL;
}

/* -- graphs -------------------------------------------------------------------------------------------------------- */

/* The names that users know come first: inputs as they are, outputs as the model declares them. */
static bool reserve(ln_exporter *x, ln_export_scope *scope, const linnet_model *m, const char **outputs)
{
    const ln_graph *g = scope->g;
    int32_t n_inputs = scope->outer ? g->n_formal : g->n_inputs, unused;
    for (int32_t i = 0; i < n_inputs; i++)
        if (!scope->names[g->inputs[i]] &&
            !(scope->names[g->inputs[i]] = ln_export_unique(x, g->values[g->inputs[i]].name)))
            return false;
    bool declared = m && m->n_outputs == g->n_outputs && !scope->outer;
    for (int32_t i = 0; i < g->n_outputs; i++) {
        int32_t v = g->outputs[i];
        outputs[i] = declared ? m->outputs[i].name : g->values[v].name;
        if (declared && !ln_names_find(&x->used, outputs[i], &unused) && !claim(x, outputs[i]))
            return false;
        if (!declared || !outputs[i][0])
            outputs[i] = scope->names[v] ? scope->names[v] : ln_export_unique(x, outputs[i]);
        if (!scope->names[v])
            scope->names[v] = outputs[i];
        if (!outputs[i])
            return false;
    }
    return true;
}

/* An output is made by an Identity where its value has another name, or lies outside of the body. */
static linnet_status output_values(ln_exporter *x, ln_export_scope *scope, const char **outputs)
{
    const ln_graph *g = scope->g;
    for (int32_t i = 0; i < g->n_outputs; i++) {
        int32_t v = g->outputs[i];
        bool captured = false;
        for (int32_t k = g->n_formal; scope->outer && k < g->n_inputs; k++)
            captured = captured || g->inputs[k] == v;
        if (captured && !(outputs[i] = ln_export_unique(x, "")))
            return ln_export_no_memory(x);
        if (strcmp(outputs[i], scope->names[v]) == 0)
            continue;
        bool before = false; /* the same output listed again */
        for (int32_t k = 0; k < i; k++)
            before = before || (g->outputs[k] == v && strcmp(outputs[k], outputs[i]) == 0);
        if (before)
            continue;
        Onnx__NodeProto *node = ln_export_new_node(x, "", "Identity", "", 1, 1);
        if (!node || !ln_list_push(&x->arena, &scope->nodes, node))
            return ln_export_no_memory(x);
        node->input[0] = (char *)(uintptr_t)scope->names[v];
        node->output[0] = (char *)(uintptr_t)outputs[i];
    }
    return LINNET_OK;
}

static linnet_status constants(ln_exporter *x, ln_export_scope *scope)
{
    const ln_graph *g = scope->g;
    int32_t n_captured_from = scope->outer ? g->n_formal : g->n_inputs;
    for (int32_t v = 0; v < g->n_values; v++) {
        const ln_value *value = &g->values[v];
        if (!is_constant(value) || !scope->names[v])
            continue;
        if (!value->n_uses && !value->outputs && !scope->wanted[v] && !value->input)
            continue;
        bool outside = scope->outer && !value->input && !value->outputs && outer_constant(scope, &value->info);
        for (int32_t k = n_captured_from; k < g->n_inputs; k++)
            outside = outside || g->inputs[k] == v;
        if (outside)
            continue;
        Onnx__TensorProto *tensor = ln_write_new(&x->arena, &onnx__tensor_proto__descriptor);
        if (!ln_list_push(&x->arena, &scope->initializers, tensor) ||
            !ln_write_tensor(&x->arena, (linnet_type)value->info.type, value->info.rank, value->info.dims,
                             value->info.data, scope->names[v], tensor))
            return ln_export_no_memory(x);
    }
    return LINNET_OK;
}

linnet_status ln_export_graph(ln_exporter *x, ln_export_scope *scope, const linnet_model *m, Onnx__GraphProto *to)
{
    const ln_graph *g = scope->g;
    ln_arena *a = &x->arena;
    if (!scope->names) /* a body comes with the names of what it captures */
        scope->names = ln_arena_array(a, g->n_values, sizeof *scope->names);
    scope->wanted = ln_arena_array(a, g->n_values, sizeof *scope->wanted);
    const char **outputs = ln_arena_array(a, g->n_outputs, sizeof *outputs);
    int32_t n_inputs = scope->outer ? g->n_formal : g->n_inputs;
    to->input = ln_arena_array(a, n_inputs, sizeof *to->input);
    to->output = ln_arena_array(a, g->n_outputs, sizeof *to->output);
    if (!scope->names || !scope->wanted || !outputs || !to->input || !to->output || !reserve(x, scope, m, outputs))
        return ln_export_no_memory(x);
    for (int32_t v = 0; v < g->n_values; v++)
        if ((g->values[v].n_uses || g->values[v].producer >= 0) && !ln_export_name(x, scope, v))
            return ln_export_no_memory(x);
    linnet_status st = LINNET_OK;
    LN_FOR_NODES(g, id)
    {
        if (st == LINNET_OK)
            st = ln_export_node(x, scope, &g->nodes[id]);
    }
    if (st == LINNET_OK)
        st = output_values(x, scope, outputs);
    if (st == LINNET_OK)
        st = constants(x, scope);
    if (st != LINNET_OK)
        return st;
    bool declared = m && m->n_outputs == g->n_outputs && !scope->outer;
    for (int32_t i = 0; i < n_inputs; i++) {
        ln_info info = g->values[g->inputs[i]].info;
        if (i < scope->n_scalars)
            info.rank = 0;
        if (!declare(x, scope, &info, i < scope->n_scalars, NULL, scope->names[g->inputs[i]], &to->input[i]))
            return ln_export_no_memory(x);
    }
    for (int32_t i = 0; i < g->n_outputs; i++)
        if (!declare(x, scope, &g->values[g->outputs[i]].info, false, declared ? &m->outputs[i] : NULL, outputs[i],
                     &to->output[i]))
            return ln_export_no_memory(x);
    to->name = (char *)(uintptr_t)(g->name[0] ? g->name : "graph");
    to->n_input = (size_t)n_inputs;
    to->n_output = (size_t)g->n_outputs;
    to->n_node = scope->nodes.n;
    to->node = (Onnx__NodeProto **)scope->nodes.items;
    to->n_initializer = scope->initializers.n;
    to->initializer = (Onnx__TensorProto **)scope->initializers.items;
    return LINNET_OK;
}

/* -- the model ----------------------------------------------------------------------------------------------------- */

static ln_opset *opset_of(const ln_exporter *x, const char *domain)
{
    for (size_t i = 0; i < x->opsets.n; i++) {
        ln_opset *o = x->opsets.items[i];
        if (strcmp(o->domain, domain) == 0)
            return o;
    }
    return NULL;
}

int64_t ln_export_opset(const ln_exporter *x, const char *domain)
{
    const ln_opset *o = opset_of(x, domain);
    return o ? o->version : 0;
}

static bool need_opset(ln_exporter *x, const char *domain, int64_t version)
{
    ln_opset *o = opset_of(x, domain);
    if (!o) {
        o = ln_arena_zalloc(&x->arena, sizeof *o, _Alignof(ln_opset));
        if (!ln_list_push(&x->arena, &x->opsets, o))
            return false;
        o->domain = domain;
    }
    if (o->version < version)
        o->version = version;
    return true;
}

static bool need_opsets(ln_exporter *x, const ln_graph *g)
{
    LN_FOR_NODES(g, id)
    {
        const ln_node *n = &g->nodes[id];
        if (!need_opset(x, n->domain, n->version))
            return false;
        for (int32_t i = 0; i < n->n_attrs; i++)
            if (n->attrs[i].kind == LN_ATTR_GRAPH && !need_opsets(x, n->attrs[i].graph))
                return false;
    }
    return true;
}

/* The first IR version with which an ai.onnx opset version was published. */
static int64_t ir_of(int64_t opset)
{
    static const uint8_t from[] = {9, 10, 11, 12, 15, 19, 21, 23, 24, 25};
    int64_t ir = 3;
    for (size_t i = 0; i < sizeof from; i++)
        ir += opset >= from[i];
    return ir;
}

static bool write_opsets(ln_exporter *x, Onnx__ModelProto *to)
{
    to->opset_import = ln_arena_array(&x->arena, (int64_t)x->opsets.n, sizeof *to->opset_import);
    to->n_opset_import = x->opsets.n;
    for (size_t i = 0; to->opset_import && i < x->opsets.n; i++) {
        const ln_opset *o = x->opsets.items[i];
        Onnx__OperatorSetIdProto *p = ln_write_new(&x->arena, &onnx__operator_set_id_proto__descriptor);
        if (!p)
            return false;
        p->domain = (char *)(uintptr_t)o->domain;
        p->has_version = 1;
        p->version = o->version;
        to->opset_import[i] = p;
    }
    return to->opset_import != NULL;
}

static bool write_properties(ln_exporter *x, const linnet_model *m, Onnx__ModelProto *to)
{
    ln_list others = {0};
    for (int32_t i = 0; i < m->n_properties; i++) {
        const char *key = m->properties[i].key;
        char *value = (char *)(uintptr_t)m->properties[i].value;
        if (strcmp(key, "producer") == 0) {
            to->producer_name = value;
        } else if (strcmp(key, "producer_version") == 0) {
            to->producer_version = value;
        } else if (strcmp(key, "domain") == 0) {
            to->domain = value;
        } else if (strcmp(key, "doc") == 0) {
            to->doc_string = value;
        } else if (strcmp(key, "model_version") == 0) {
            to->has_model_version = 1;
            to->model_version = strtoll(value, NULL, 10);
        } else {
            Onnx__StringStringEntryProto *p = ln_write_new(&x->arena, &onnx__string_string_entry_proto__descriptor);
            if (!ln_list_push(&x->arena, &others, p))
                return false;
            p->key = (char *)(uintptr_t)key;
            p->value = value;
        }
    }
    to->n_metadata_props = others.n;
    to->metadata_props = (Onnx__StringStringEntryProto **)others.items;
    return true;
}

static linnet_status write_model(ln_exporter *x, const ln_graph *g, const linnet_model *m, Onnx__ModelProto *to)
{
    ln_export_scope scope = {.g = g};
    int64_t opset = ln_graph_opset(g, "");
    to->graph = ln_write_new(&x->arena, &onnx__graph_proto__descriptor);
    if (!to->graph || !need_opset(x, "", opset ? opset : LN_PASS_OPSET) || !need_opsets(x, g))
        return ln_export_no_memory(x);
    for (int32_t i = 0; i < g->n_opsets; i++) /* as imported, for the domains that are still used */
        if (opset_of(x, g->opsets[i].domain) && !need_opset(x, g->opsets[i].domain, g->opsets[i].version))
            return ln_export_no_memory(x);
    linnet_status st = ln_export_graph(x, &scope, m, to->graph);
    if (st != LINNET_OK)
        return st;
    int64_t ir = ir_of(ln_export_opset(x, "")), least = x->functions.n ? 8 : 4;
    to->has_ir_version = 1;
    to->ir_version = ir < least ? least : ir;
    if (m && to->ir_version < m->ir_version)
        to->ir_version = m->ir_version;
    to->n_functions = x->functions.n;
    to->functions = (Onnx__FunctionProto **)x->functions.items;
    return write_opsets(x, to) && (!m || write_properties(x, m, to)) ? LINNET_OK : ln_export_no_memory(x);
}

linnet_status ln_onnx_write(const ln_graph *g, const linnet_model *m, const char *path, linnet_error *error)
{
    if (m && m->store) { /* constants that were not read yet, or that a session let go of */
        m->store->begin(m->store);
        linnet_status st = m->store->complete(m->store, error);
        if (st != LINNET_OK) {
            m->store->end(m->store);
            return st;
        }
    }
    ln_memory memory;
    ln_memory_init(&memory, m ? &m->memory.from : NULL, 0);
    ln_exporter x = {.error = error};
    ln_arena_init(&x.arena, &memory);
    x.used.arena = &x.arena;
    Onnx__ModelProto model = ONNX__MODEL_PROTO__INIT;
    linnet_status st = write_model(&x, g, m, &model);
    if (st == LINNET_OK)
        st = ln_write_message(&model.base, path, error);
    ln_arena_free(&x.arena);
    if (m && m->store)
        m->store->end(m->store);
    return st;
}
