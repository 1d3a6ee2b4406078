/* SPDX-License-Identifier: Apache-2.0
 *
 * A store of scaled weights; see scaled.h. An entry has an address, at which nothing lies until somebody needs all of
 * it; what is not its own it leaves to the store inside. Only the thread that makes the plan adds entries or needs all
 * of one; those that pack read parts.
 */
#include "engine/scaled.h"

#include <string.h>

#include "engine/pages.h"
#include "kernels/kernels.h"

typedef struct entry {
    const void *source; /* constant of the store inside, or another entry's */
    void *data;
    size_t bytes;
    ln_factors f;
    bool missing;
} entry;

typedef struct scaled_store {
    ln_store base;
    ln_store *inner;
    ln_memory *memory;
    ln_arena *arena;
    entry *entries; /* by address */
    size_t n, room;
} scaled_store;

void ln_scale(float *to, const float *from, const ln_factors *f, size_t first, size_t count)
{
    size_t inner = (size_t)f->inner, n = (size_t)f->n, block = (size_t)f->block;
    for (size_t i = 0; i < count;) {
        size_t at = first + i, channel = at % block / inner % n;
        const float *factor = f->factors + at / block * n + channel;
        size_t run = inner == 1 ? n - channel : inner - at % inner; /* of channels, or of elements of one */
        run = run < count - i ? run : count - i;
        LN_K(mul_f32)(to + i, from + i, factor, run, 1, inner == 1);
        i += run;
    }
}

static entry *find(const scaled_store *s, const void *data)
{
    size_t low = 0, high = s->n; /* the last entry that does not begin behind it is the one before low */
    while (low < high) {
        size_t middle = (low + high) / 2;
        if ((uintptr_t)s->entries[middle].data <= (uintptr_t)data)
            low = middle + 1;
        else
            high = middle;
    }
    entry *e = low ? &s->entries[low - 1] : NULL;
    return e && (uintptr_t)data - (uintptr_t)e->data < e->bytes ? e : NULL;
}

static void begin(ln_store *store)
{
    ln_store *inner = ((scaled_store *)store)->inner;
    inner->begin(inner);
}

static void end(ln_store *store)
{
    ln_store *inner = ((scaled_store *)store)->inner;
    inner->end(inner);
}

static size_t missing(ln_store *store, const void *data)
{
    const scaled_store *s = (scaled_store *)store;
    const entry *e = find(s, data);
    if (!e)
        return s->inner->missing(s->inner, data);
    return e->data == data && e->missing ? e->bytes : 0;
}

static linnet_status read_part(ln_store *store, const void *data, size_t offset, size_t bytes, void *to,
                               linnet_error *error)
{
    const scaled_store *s = (scaled_store *)store;
    const entry *e = find(s, data);
    if (!e)
        return s->inner->read(s->inner, data, offset, bytes, to, error);
    if (offset > e->bytes || bytes > e->bytes - offset || offset % sizeof(float))
        return LINNET_ERR_ARGUMENT;
    if (missing(store, e->source)) {
        linnet_status st = read_part(store, e->source, offset, bytes, to, error);
        if (st != LINNET_OK)
            return st;
    } else {
        memcpy(to, (const char *)e->source + offset, bytes);
    }
    ln_scale(to, to, &e->f, offset / sizeof(float), bytes / sizeof(float));
    return LINNET_OK;
}

static linnet_status need(ln_store *store, const void *data, linnet_error *error)
{
    const scaled_store *s = (scaled_store *)store;
    entry *e = find(s, data);
    if (!e)
        return s->inner->need(s->inner, data, error);
    if (!e->missing)
        return LINNET_OK;
    ln_pages_expect(s->memory, e->data, e->bytes);
    linnet_status st = read_part(store, e->data, 0, e->bytes, e->data, error);
    e->missing = st != LINNET_OK;
    return st;
}

static linnet_status complete(ln_store *store, linnet_error *error)
{
    const scaled_store *s = (scaled_store *)store;
    linnet_status st = s->inner->complete(s->inner, error);
    for (size_t i = 0; i < s->n && st == LINNET_OK; i++)
        st = need(store, s->entries[i].data, error);
    return st;
}

/* Entries have no memory unless they are needed whole, and then that stays. */
static void drop(ln_store *store, const void *data, size_t bytes)
{
    const scaled_store *s = (scaled_store *)store;
    if (!find(s, data))
        s->inner->drop(s->inner, data, bytes);
}

static linnet_status keep(ln_store *store, const void *data, linnet_error *error)
{
    const scaled_store *s = (scaled_store *)store;
    return find(s, data) ? need(store, data, error) : s->inner->keep(s->inner, data, error);
}

static const void *place(ln_store *store, const void *data)
{
    const scaled_store *s = (scaled_store *)store;
    return find(s, data) ? NULL : s->inner->place(s->inner, data);
}

static void free_store(ln_store *store)
{
    scaled_store *s = (scaled_store *)store;
    for (size_t i = 0; i < s->n; i++)
        ln_memory_free(s->memory, s->entries[i].data, s->entries[i].bytes);
}

ln_store *ln_scaled_new(ln_store *inner, ln_memory *memory, ln_arena *arena)
{
    scaled_store *s = ln_arena_zalloc(arena, sizeof *s, 16);
    if (!s)
        return NULL;
    s->base = (ln_store){begin, end, complete, need, missing, read_part, drop, keep, place, free_store};
    s->inner = inner;
    s->memory = memory;
    s->arena = arena;
    return &s->base;
}

static bool grow(scaled_store *s)
{
    if (s->n < s->room)
        return true;
    size_t room = 2 * s->room + 16;
    entry *entries = ln_arena_array(s->arena, (int64_t)room, sizeof *entries);
    if (!entries)
        return false;
    if (s->n)
        memcpy(entries, s->entries, s->n * sizeof *entries);
    s->entries = entries;
    s->room = room;
    return true;
}

const void *ln_scaled_add(ln_store *store, const void *data, size_t bytes, const ln_factors *f)
{
    scaled_store *s = (scaled_store *)store;
    if (bytes < LN_STORE_MIN || missing(store, data) != bytes || !grow(s))
        return NULL;
    size_t n_factors = bytes / sizeof(float) / (size_t)f->block * (size_t)f->n;
    entry e = {.source = data, .bytes = bytes, .f = *f, .missing = true};
    e.f.factors = ln_arena_dup(s->arena, f->factors, n_factors * sizeof *f->factors, 16);
    e.data = e.f.factors ? ln_memory_reserve(s->memory, bytes) : NULL;
    if (!e.data)
        return NULL;
    size_t at = s->n++;
    for (; at > 0 && (uintptr_t)s->entries[at - 1].data > (uintptr_t)e.data; at--)
        s->entries[at] = s->entries[at - 1];
    s->entries[at] = e;
    return e.data;
}
