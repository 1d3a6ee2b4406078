/* SPDX-License-Identifier: Apache-2.0
 *
 * A session: the inputs as the caller set them, and the plans for the shapes that came lately.
 */
#include "engine/session.h"

#include <string.h>

#include "kernels/kernels.h"

linnet_status linnet_session_create(linnet_session **session, const linnet_model *model,
                                    const linnet_session_options *options, linnet_error *error)
{
    static const linnet_session_options defaults;
    const linnet_session_options *o = options ? options : &defaults;
    *session = NULL;
    ln_dispatch_init();
    ln_memory *memory = (ln_memory *)(uintptr_t)&model->memory; /* its count is atomic */
    linnet_session *s = ln_memory_alloc(memory, sizeof *s);
    if (!s)
        return ln_error_set(error, LINNET_ERR_MEMORY, "", "", "out of memory");
    memset(s, 0, sizeof *s);
    s->model = model;
    s->memory = memory;
    ln_arena_init(&s->arena, memory);
    s->max_plans = o->max_plans ? (int32_t)(o->max_plans > 1024 ? 1024 : o->max_plans) : 4;
    s->profile = o->profile != 0;
    s->max_steps = o->max_steps;
    s->plans = ln_arena_array(&s->arena, s->max_plans, sizeof *s->plans);
    s->inputs = ln_arena_array(&s->arena, (int64_t)model->graph->n_inputs + 1, sizeof *s->inputs);
    s->set = ln_arena_array(&s->arena, (int64_t)model->graph->n_inputs + 1, sizeof *s->set);
    const char *disable = o->disable_passes ? o->disable_passes : "";
    s->plan_options.disable_passes = ln_arena_strndup(&s->arena, disable, strlen(disable));
    if (!s->plans || !s->inputs || !s->set || !s->plan_options.disable_passes) {
        linnet_session_free(s);
        return ln_error_set(error, LINNET_ERR_MEMORY, "", "", "out of memory");
    }
    s->plan_options.threads = ln_threads_wanted(o->threads);
    s->pool = s->plan_options.pool = ln_pool_get(s->plan_options.threads);
    *session = s;
    return LINNET_OK;
}

static void drop(ln_session_plan *p)
{
    ln_run_free(p->run);
    ln_plan_free(p->plan);
    *p = (ln_session_plan){0};
}

void linnet_session_free(linnet_session *s)
{
    if (!s)
        return;
    for (int32_t i = 0; s->plans && i < s->max_plans; i++)
        drop(&s->plans[i]);
    ln_pool_release(s->pool);
    ln_memory *memory = s->memory;
    ln_arena_free(&s->arena);
    ln_memory_free(memory, s, sizeof *s);
}

/* -- inputs ----------------------------------------------------------------------------------------------------------
 */

static linnet_status check_tensor(const linnet_value_info *info, const linnet_value *v, linnet_error *error)
{
    char want[200], got[200];
    if (linnet_type_size(v->type) == 0)
        return ln_error_set(error, LINNET_ERR_ARGUMENT, "", "", "input '%s' has element type %d, which is none",
                            info->name, (int)v->type);
    if (v->type != info->type && info->type != LINNET_UNDEFINED)
        return ln_error_set(error, LINNET_ERR_ARGUMENT, "", "", "input '%s' has element type %s, the model wants %s",
                            info->name, linnet_type_name(v->type), linnet_type_name(info->type));
    if (v->rank < 0 || v->rank > LN_MAX_RANK)
        return ln_error_set(error, LINNET_ERR_ARGUMENT, "", "", "input '%s' has rank %d, at most %d is possible",
                            info->name, v->rank, LN_MAX_RANK);
    bool fits = info->rank < 0 || info->rank == v->rank;
    for (int32_t i = 0; i < v->rank; i++) {
        if (v->dims[i] < 0)
            return ln_error_set(error, LINNET_ERR_ARGUMENT, "", "", "input '%s': dimension %d is %lld", info->name, i,
                                (long long)v->dims[i]);
        if (fits && info->rank >= 0 && info->dims[i] >= 0 && info->dims[i] != v->dims[i])
            fits = false;
    }
    if (!fits)
        return ln_error_set(error, LINNET_ERR_ARGUMENT, "", "", "input '%s' has shape %s, the model wants %s",
                            info->name, ln_dims_text(got, sizeof got, v->rank, v->dims),
                            ln_dims_text(want, sizeof want, info->rank, info->dims));
    if (linnet_value_count(v) < 0)
        return ln_error_set(error, LINNET_ERR_ARGUMENT, "", "", "input '%s' is too large", info->name);
    if (!v->data && linnet_value_count(v) > 0)
        return ln_error_set(error, LINNET_ERR_ARGUMENT, "", "", "input '%s' has no data", info->name);
    return LINNET_OK;
}

static linnet_status wrong_item(const linnet_value_info *info, linnet_type got, linnet_type want, linnet_error *error)
{
    return ln_error_set(error, LINNET_ERR_ARGUMENT, "", "", "input '%s' holds %s, the model wants %s", info->name,
                        linnet_type_name(got), linnet_type_name(want));
}

/* What a map or a sequence of tensors holds is of the types that the model was derived with. */
static linnet_status check_items(const linnet_value_info *info, const linnet_value *v, linnet_error *error)
{
    for (int64_t i = 0; v->kind == LINNET_SEQUENCE && i < v->n_items; i++)
        if (v->items[i].kind == LINNET_TENSOR && info->type && v->items[i].type != info->type)
            return wrong_item(info, v->items[i].type, info->type, error);
    if (v->kind != LINNET_MAP || v->n_items == 0)
        return LINNET_OK;
    if (info->key && v->items[0].type != info->key)
        return wrong_item(info, v->items[0].type, info->key, error);
    return info->type && v->items[1].type != info->type ? wrong_item(info, v->items[1].type, info->type, error)
                                                        : LINNET_OK;
}

static int32_t find_input(const linnet_session *s, const char *name)
{
    const ln_graph *g = s->model->graph;
    for (int32_t i = 0; i < g->n_inputs; i++)
        if (strcmp(g->values[g->inputs[i]].name, name) == 0)
            return i;
    return -1;
}

static const linnet_value_info *declared(const linnet_model *m, const char *name)
{
    for (int32_t i = 0; i < m->n_inputs; i++)
        if (strcmp(m->inputs[i].name, name) == 0)
            return &m->inputs[i];
    return NULL;
}

linnet_status linnet_session_set_input(linnet_session *s, const char *name, const linnet_value *value,
                                       linnet_error *error)
{
    int32_t i = find_input(s, name);
    const linnet_value_info *info = i < 0 ? NULL : declared(s->model, name);
    if (!info)
        return ln_error_set(error, LINNET_ERR_ARGUMENT, "", "", "the model has no input '%.100s'", name);
    if (!value) {
        s->set[i] = false;
        s->inputs[i] = (linnet_value){0};
        return LINNET_OK;
    }
    bool optional = info->kind == LINNET_OPTIONAL;
    linnet_kind want = optional ? info->item : info->kind;
    if (value->kind != want && !(optional && value->kind == LINNET_NONE))
        return ln_error_set(error, LINNET_ERR_ARGUMENT, "", "", "input '%s' is of another kind than the model wants",
                            name);
    linnet_status st =
        value->kind == LINNET_TENSOR ? check_tensor(info, value, error) : check_items(info, value, error);
    if (st != LINNET_OK)
        return st;
    s->inputs[i] = *value;
    s->set[i] = true;
    return LINNET_OK;
}

linnet_status linnet_session_set_tensor(linnet_session *s, const char *name, linnet_type type, int32_t rank,
                                        const int64_t *dims, const void *data, linnet_error *error)
{
    linnet_value v = {.kind = LINNET_TENSOR, .type = type, .rank = rank, .data = (void *)(uintptr_t)data};
    if (rank < 0 || rank > LN_MAX_RANK)
        return ln_error_set(error, LINNET_ERR_ARGUMENT, "", "", "input '%.100s' has rank %d, at most %d is possible",
                            name, rank, LN_MAX_RANK);
    for (int32_t i = 0; i < rank; i++)
        v.dims[i] = dims[i];
    return linnet_session_set_input(s, name, &v, error);
}

/* Every input is there, and dimensions of the same name are of the same size. */
static linnet_status check_inputs(const linnet_session *s, linnet_error *error)
{
    const linnet_model *m = s->model;
    const ln_graph *g = m->graph;
    for (int32_t i = 0; i < g->n_inputs; i++) {
        const ln_value *v = &g->values[g->inputs[i]];
        const linnet_value_info *info = declared(m, v->name);
        if (!s->set[i] && !v->info.data && !(info && info->kind == LINNET_OPTIONAL))
            return ln_error_set(error, LINNET_ERR_ARGUMENT, "", "", "input '%s' was not set", v->name);
        if (!s->set[i] || s->inputs[i].kind != LINNET_TENSOR || v->info.rank != s->inputs[i].rank)
            continue;
        for (int32_t d = 0; d < v->info.rank; d++) {
            if (v->info.dims[d] >= LN_UNKNOWN)
                continue;
            for (int32_t k = 0; k <= i; k++) {
                const ln_value *w = &g->values[g->inputs[k]];
                if (!s->set[k] || s->inputs[k].kind != LINNET_TENSOR || w->info.rank != s->inputs[k].rank)
                    continue;
                for (int32_t e = 0; e < w->info.rank; e++)
                    if (w->info.dims[e] == v->info.dims[d] && s->inputs[k].dims[e] != s->inputs[i].dims[d])
                        return ln_error_set(error, LINNET_ERR_ARGUMENT, "", "",
                                            "dimension '%s' is %lld in input '%s' and %lld in input '%s'",
                                            g->symbols[-2 - v->info.dims[d]], (long long)s->inputs[k].dims[e], w->name,
                                            (long long)s->inputs[i].dims[d], v->name);
            }
        }
    }
    return LINNET_OK;
}

static bool same_dims(const ln_info *info, const linnet_value *v)
{
    if (info->type != (uint8_t)v->type || info->rank != v->rank)
        return false;
    for (int32_t i = 0; i < v->rank; i++)
        if (info->dims[i] != v->dims[i])
            return false;
    return true;
}

static bool fits(const linnet_session *s, const ln_plan *plan)
{
    for (int32_t i = 0; i < plan->n_inputs; i++) {
        const linnet_value *v = &s->inputs[i];
        if (plan->inputs[i].kind != (uint8_t)v->kind)
            return false;
        if (v->kind == LINNET_TENSOR && !same_dims(&plan->inputs[i], v))
            return false;
    }
    return true;
}

static linnet_status make_plan(linnet_session *s, ln_plan **plan, linnet_error *error)
{
    ln_store *store = s->model->store;
    if (store)
        store->begin(store);
    s->plan_options.store = store;
    linnet_status st = ln_plan_make(plan, s->model->graph, s->inputs, s->memory, &s->plan_options, error);
    if (store)
        store->end(store);
    return st;
}

linnet_status ln_session_prepare(linnet_session *s, linnet_error *error)
{
    if (s->current && fits(s, s->current->plan))
        return LINNET_OK;
    linnet_status st = check_inputs(s, error);
    if (st != LINNET_OK)
        return st;
    ln_session_plan *p = NULL;
    for (int32_t i = 0; i < s->max_plans; i++)
        if (s->plans[i].plan && fits(s, s->plans[i].plan))
            p = &s->plans[i];
    if (!p) {
        p = &s->plans[0];
        for (int32_t i = 1; i < s->max_plans; i++)
            if (s->plans[i].used < p->used)
                p = &s->plans[i];
        s->current = NULL;
        drop(p);
        ln_memory_keep(s->memory, true);
        st = make_plan(s, &p->plan, error);
        if (st == LINNET_OK)
            st = ln_run_make(&p->run, p->plan, s->pool, error);
        ln_memory_keep(s->memory, false);
        if (st == LINNET_OK && s->profile) {
            p->run->times = ln_arena_array(&p->plan->arena, (int64_t)p->plan->n_steps + 1, sizeof *p->run->times);
            if (!p->run->times)
                st = ln_error_set(error, LINNET_ERR_MEMORY, "", "", "out of memory");
        }
        if (st != LINNET_OK) {
            drop(p);
            return st;
        }
        p->run->exec.disable_passes = s->plan_options.disable_passes;
        p->run->exec.steps_left = s->max_steps ? &s->steps_left : NULL;
    }
    p->used = ++s->clock;
    s->current = p;
    return LINNET_OK;
}

linnet_status linnet_session_run(linnet_session *s, linnet_error *error)
{
    linnet_status st = ln_session_prepare(s, error);
    if (st != LINNET_OK)
        return st;
    s->steps_left = s->max_steps;
    ln_pool_run_begins(s->pool);
    st = ln_run_execute(s->current->run, s->inputs, error);
    ln_pool_run_ends(s->pool);
    return st;
}

const linnet_value *linnet_session_output(const linnet_session *s, const char *name)
{
    if (!s->current)
        return NULL;
    const ln_graph *g = s->model->graph;
    for (int32_t i = 0; i < g->n_outputs; i++)
        if (strcmp(g->values[g->outputs[i]].name, name) == 0)
            return &s->current->run->outputs[i];
    return NULL;
}

uint64_t linnet_session_memory(const linnet_session *s)
{
    return s->current ? s->current->plan->block_bytes : 0;
}
