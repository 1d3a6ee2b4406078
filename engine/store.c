/* SPDX-License-Identifier: Apache-2.0
 *
 * When the memory of a constant may go; see store.h.
 */
#include "engine/store.h"

const void *ln_graph_data(const ln_graph *g, int32_t value)
{
    const void *data = value < 0 ? NULL : g->values[value].info.data;
    return data && g->store && g->store->need(g->store, data, NULL) != LINNET_OK ? NULL : data;
}

/* An element of [data, data + bytes) is read by a node other than the given one, or is an output. */
static bool needed(const ln_graph *g, const void *data, size_t bytes, int32_t node)
{
    uintptr_t begin = (uintptr_t)data, end = begin + bytes;
    for (int32_t i = 0; i < g->n_values; i++) {
        const ln_value *v = &g->values[i];
        uintptr_t other = (uintptr_t)v->info.data;
        if (!other || v->info.kind != LINNET_TENSOR || (v->first_use.node < 0 && !v->outputs))
            continue;
        if (other >= end || other + ln_info_bytes(&v->info) <= begin)
            continue;
        if (v->input || v->outputs || node < 0 || ln_graph_only_user(g, i) != node)
            return true;
    }
    return false;
}

bool ln_owns_constant(const ln_graph *g, int32_t value, int32_t node)
{
    const ln_info *info = &g->values[value].info;
    size_t bytes = ln_info_bytes(info);
    return !g->values[value].input && ln_arena_holds(g->arena, info->data, bytes) &&
           !needed(g, info->data, bytes, node);
}

void ln_release_part(ln_graph *g, ln_store *store, int32_t value, int32_t node, size_t offset, size_t bytes)
{
    const ln_info *info = &g->values[value].info;
    if (!info->data || info->kind != LINNET_TENSOR || !ln_info_known(info) || info->type == LINNET_STRING)
        return;
    size_t all = ln_info_bytes(info);
    if (all < LN_STORE_MIN || g->values[value].input || needed(g, info->data, all, node))
        return;
    const char *data = (const char *)info->data + offset;
    if (!ln_arena_discard(g->arena, data, bytes) && store)
        store->drop(store, data, bytes);
}

void ln_release_constant(ln_graph *g, ln_store *store, int32_t value, int32_t node)
{
    const ln_info *info = &g->values[value].info;
    if (info->data && info->kind == LINNET_TENSOR && ln_info_known(info))
        ln_release_part(g, store, value, node, 0, ln_info_bytes(info));
}
