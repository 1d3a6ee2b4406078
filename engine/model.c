/* SPDX-License-Identifier: Apache-2.0
 *
 * A loaded model: made empty for a reader to fill, asked by the public accessors, freed. And the small public functions
 * that belong to no stage: names of statuses, messages.
 */
#include "engine/model.h"

#include <stdio.h>
#include <string.h>

/* -- errors and names ------------------------------------------------------------------------------------------------
 */

linnet_status ln_error_set(linnet_error *error, linnet_status status, const char *node, const char *op,
                           const char *format, ...)
{
    if (!error)
        return status;
    error->status = status;
    snprintf(error->node, sizeof error->node, "%s", node ? node : "");
    snprintf(error->op, sizeof error->op, "%s", op ? op : "");
    va_list args;
    va_start(args, format);
    vsnprintf(error->text, sizeof error->text, format, args);
    va_end(args);
    return status;
}

const char *linnet_error_message(const linnet_error *error, char *buf, size_t size)
{
    if (size == 0)
        return "";
    if (error->op[0] && error->node[0])
        snprintf(buf, size, "%s '%s': %s", error->op, error->node, error->text);
    else if (error->op[0])
        snprintf(buf, size, "%s: %s", error->op, error->text);
    else if (error->node[0])
        snprintf(buf, size, "'%s': %s", error->node, error->text);
    else
        snprintf(buf, size, "%s", error->text);
    return buf;
}

const char *linnet_status_name(linnet_status status)
{
    static const char *const names[] = {"ok", "argument", "memory", "io", "model", "unsupported", "data"};
    return (unsigned)status < sizeof names / sizeof names[0] ? names[status] : "unknown";
}

int64_t linnet_value_count(const linnet_value *value)
{
    if (value->kind != LINNET_TENSOR || value->rank < 0 || value->rank > LINNET_MAX_RANK)
        return 0;
    int64_t n = 1;
    bool empty = false, large = false;
    for (int32_t i = 0; i < value->rank; i++) {
        empty = empty || value->dims[i] <= 0;
        large = large || __builtin_mul_overflow(n, value->dims[i], &n);
    }
    return empty ? 0 : large ? INT64_MAX : n;
}

/* -- the model -------------------------------------------------------------------------------------------------------
 */

linnet_model *ln_model_new(const linnet_load_options *options)
{
    static const linnet_load_options none;
    if (!options)
        options = &none;
    ln_memory memory;
    ln_memory_init(&memory, options->allocator, options->max_bytes);
    linnet_model *m = ln_memory_alloc(&memory, sizeof *m);
    if (!m)
        return NULL;
    memset(m, 0, sizeof *m);
    ln_memory_init(&m->memory, options->allocator, options->max_bytes);
    ln_arena_init(&m->arena, &m->memory);
    m->graph = ln_graph_new(&m->arena);
    if (!m->graph) {
        linnet_model_free(m);
        return NULL;
    }
    return m;
}

void linnet_model_free(linnet_model *model)
{
    if (!model)
        return;
    if (model->store)
        model->store->free(model->store);
    if (model->unmap)
        model->unmap(model->mappings);
    ln_arena_free(&model->arena);
    ln_memory_keep(&model->memory, false);
    linnet_allocator from = model->memory.from;
    from.free(from.user, model);
}

static void declare(const ln_graph *g, int32_t value, linnet_value_info *to)
{
    const ln_value *v = &g->values[value];
    const ln_info *info = &v->info;
    to->name = v->name;
    to->kind = (linnet_kind)info->kind;
    to->item = (linnet_kind)info->item;
    to->type = (linnet_type)info->type;
    to->key = (linnet_type)info->key;
    to->rank = info->rank;
    for (int32_t i = 0; i < info->rank; i++) {
        int64_t dim = info->dims[i];
        to->dims[i] = dim < 0 ? -1 : dim;
        if (dim <= -2 && -2 - dim < g->n_symbols)
            to->dim_names[i] = g->symbols[-2 - dim];
    }
    to->has_default = v->input && info->data;
}

linnet_status ln_model_declare(linnet_model *m, linnet_error *error)
{
    const ln_graph *g = m->graph;
    m->inputs = ln_arena_array(&m->arena, g->n_inputs, sizeof *m->inputs);
    m->outputs = ln_arena_array(&m->arena, g->n_outputs, sizeof *m->outputs);
    if (!m->inputs || !m->outputs)
        return ln_error_set(error, LINNET_ERR_MEMORY, NULL, NULL, "out of memory");
    m->n_inputs = m->n_outputs = 0;
    for (int with_data = 0; with_data < 2; with_data++)
        for (int32_t i = 0; i < g->n_inputs; i++)
            if ((g->values[g->inputs[i]].info.data != NULL) == with_data)
                declare(g, g->inputs[i], &m->inputs[m->n_inputs++]);
    for (int32_t i = 0; i < g->n_outputs; i++)
        declare(g, g->outputs[i], &m->outputs[m->n_outputs++]);
    return LINNET_OK;
}

size_t linnet_model_input_count(const linnet_model *model)
{
    return (size_t)model->n_inputs;
}

size_t linnet_model_output_count(const linnet_model *model)
{
    return (size_t)model->n_outputs;
}

const linnet_value_info *linnet_model_input(const linnet_model *model, size_t index)
{
    return index < (size_t)model->n_inputs ? &model->inputs[index] : NULL;
}

const linnet_value_info *linnet_model_output(const linnet_model *model, size_t index)
{
    return index < (size_t)model->n_outputs ? &model->outputs[index] : NULL;
}

const char *linnet_model_metadata(const linnet_model *model, const char *key)
{
    for (int32_t i = 0; i < model->n_properties; i++)
        if (strcmp(model->properties[i].key, key) == 0)
            return model->properties[i].value;
    return NULL;
}
