/* SPDX-License-Identifier: Apache-2.0
 *
 * What operators ask for in plan: scratch, packed constants, and the constants that they pack. Those that were not read
 * from the model's file yet come to a buffer, whole or, for operators that can, in parts that stay in the second cache,
 * by all threads of the session.
 */
#include <stdatomic.h>

#include "engine/builder.h"
#include "engine/threads.h"

enum { STAGE_MAX = 16 << 20 };

void ln_scratch(ln_ctx *c, size_t bytes)
{
    c->p->scratch += (bytes + 63) & ~(size_t)63;
}

void *ln_pack(ln_ctx *c, size_t bytes)
{
    c->p->packed = ln_arena_zalloc(c->p->pack_arena, bytes, 64);
    c->p->packed_bytes = bytes;
    return c->p->packed;
}

/* Both take the same constants. */
static bool same_constants(const ln_graph *g, const ln_node *a, const ln_node *b)
{
    if (a->op != b->op || a->n_in != b->n_in)
        return false;
    for (int32_t i = 0; i < a->n_in; i++) {
        bool constant = a->in[i] >= 0 && g->values[a->in[i]].info.data;
        bool other = b->in[i] >= 0 && g->values[b->in[i]].info.data;
        if (constant != other || (constant && a->in[i] != b->in[i]))
            return false;
    }
    return true;
}

void *ln_pack_shared(ln_ctx *c, size_t bytes, uint64_t key, bool *filled)
{
    struct ln_builder *b = c->p->builder;
    const ln_node *n = &c->p->g->nodes[c->p->node];
    int32_t first = LN_NO_VALUE;
    for (int32_t i = 0; b && i < n->n_in && first < 0; i++)
        first = n->in[i] >= 0 && b->g->values[n->in[i]].info.data ? n->in[i] : LN_NO_VALUE;
    *filled = false;
    if (first < 0 || c->late)
        return ln_pack(c, bytes);
    for (const ln_shared_pack *s = b->places[first].packs; s; s = s->next)
        if (s->key == key && s->bytes == bytes && same_constants(b->g, &b->g->nodes[s->node], n)) {
            *filled = c->p->packed_before = true;
            c->p->packed_bytes = bytes;
            return c->p->packed = s->packed;
        }
    ln_shared_pack *s = ln_arena_array(b->arena, 1, sizeof *s);
    if (!s || !ln_pack(c, bytes))
        return NULL;
    *s = (ln_shared_pack){b->places[first].packs, c->p->node, key, bytes, c->p->packed};
    b->places[first].packs = s;
    return s->packed;
}

void ln_drop_input(ln_ctx *c, int32_t in)
{
    c->p->dropped[in] = true;
}

void ln_input_packed(ln_ctx *c, int32_t in, size_t offset, size_t bytes)
{
    struct ln_builder *b = c->p->builder;
    if (b && !c->late)
        ln_release_part(b->g, b->store, c->p->g->nodes[c->p->node].in[in], c->p->node, offset, bytes);
}

void ln_in_place(ln_ctx *c, int32_t out, int32_t in)
{
    c->p->in_place[out] = in;
}

/* -- constants ----------------------------------------------------------------------------------------------------- */

static bool stage_room(struct ln_builder *b, size_t bytes)
{
    if (bytes <= b->stage_bytes)
        return true;
    ln_memory_free(b->plan->memory, b->stage, b->stage_bytes);
    b->stage = ln_memory_alloc(b->plan->memory, bytes);
    b->stage_bytes = b->stage ? bytes : 0;
    return b->stage != NULL;
}

/* What a step packs and lets go need not lie in the graph: the first input of the store that was not read yet is read
 * to a buffer that the next steps use again, unless the operator reads it in parts. What stays in use is read to its
 * place when references are resolved. */
linnet_status ln_builder_stage(struct ln_builder *b, ln_ctx *c)
{
    ln_info *staged = NULL;
    for (int32_t i = 0; b->store && i < c->n_in; i++) {
        const ln_info *info = c->in[i];
        size_t bytes = info && info->data ? b->store->missing(b->store, info->data) : 0;
        linnet_status st = LINNET_OK;
        if (!bytes || (i == 1 && info->type == LINNET_FLOAT32 && c->op->flags & LN_OP_PARTS) ||
            (i == 0 && c->op->flags & LN_OP_BYTES))
            continue;
        if (staged || bytes > STAGE_MAX) {
            st = b->store->need(b->store, info->data, b->error);
        } else {
            staged = ln_arena_dup(c->p->temporary, info, sizeof *info, 16);
            if (!stage_room(b, bytes) || !staged)
                return ln_no_memory(c);
            st = b->store->read(b->store, info->data, 0, bytes, b->stage, b->error);
            staged->data = b->stage;
            ((const ln_info **)(uintptr_t)c->in)[i] = staged;
        }
        if (st != LINNET_OK)
            return st;
    }
    return LINNET_OK;
}

static bool missing(const ln_ctx *c, int32_t in)
{
    const struct ln_builder *b = c->p->builder;
    return b && b->store && !c->late && b->store->missing(b->store, c->in[in]->data) > 0;
}

const void *ln_input_part(const ln_ctx *c, int32_t in, size_t offset, size_t bytes, void *buffer)
{
    const char *data = c->in[in]->data;
    if (!missing(c, in))
        return data + offset;
    ln_store *store = c->p->builder->store;
    return store->read(store, data, offset, bytes, buffer, NULL) == LINNET_OK ? buffer : NULL;
}

typedef struct pack_job {
    ln_pack_fn *fn;
    void *arg;
    char *buffers;
    size_t room;
    atomic_bool failed;
} pack_job;

static void pack_items(void *arg, int32_t worker, int64_t begin, int64_t end)
{
    pack_job *j = arg;
    void *buffer = j->buffers ? j->buffers + (size_t)worker * j->room : NULL;
    if (!atomic_load(&j->failed) && !j->fn(j->arg, buffer, begin, end))
        atomic_store(&j->failed, true);
}

linnet_status ln_pack_parallel(ln_ctx *c, int32_t in, size_t room, int64_t n, double cost, ln_pack_fn *fn, void *arg)
{
    struct ln_builder *b = c->p->builder;
    pack_job job = {.fn = fn, .arg = arg, .room = (room + 63) & ~(size_t)63};
    if (missing(c, in)) {
        size_t all;
        if (!ln_size_mul(job.room, (size_t)c->threads, &all) || !stage_room(b, all))
            return ln_no_memory(c);
        job.buffers = b->stage;
    }
    ln_args a = {.pool = b ? b->options->pool : NULL, .threads = c->threads};
    ln_parallel(&a, n, cost, pack_items, &job);
    if (!job.failed)
        return LINNET_OK;
    linnet_status st = b->store->need(b->store, c->in[in]->data, b->error); /* says what is wrong */
    return st != LINNET_OK ? st : ln_fail(c, LINNET_ERR_IO, "the weights could not be read");
}
