/* SPDX-License-Identifier: Apache-2.0
 *
 * Arenas over the caller's allocator. Chunks double up to 1 MiB; what is larger gets a chunk of its own. Without an
 * allocator of the caller's, large pieces are pages of the machine (pages.h). The limit on memory is counted here, over
 * all arenas that share an ln_memory.
 */
#include "engine/arena.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "engine/pages.h"

enum {
    FIRST_CHUNK = 4096,
    LAST_CHUNK = 1 << 20,
    ALIGN = 64,
    LARGE_CHUNK = 16 << 20, /* for pieces of at most a quarter of it */
    READY = 64 << 10        /* bytes of a chunk whose pages are taken at once */
};

struct ln_chunk {
    ln_chunk *next;
    size_t size, used; /* bytes, with this header */
    size_t ready;      /* bytes whose pages are there */
    bool zero;         /* what is not used yet is zeros */
};

static void *host_alloc(void *user, size_t bytes, size_t align)
{
    (void)user;
    size_t rounded = (bytes + align - 1) & ~(align - 1);
    return rounded < bytes ? NULL : aligned_alloc(align, rounded);
}

static void host_free(void *user, void *block)
{
    (void)user;
    free(block);
}

void ln_memory_init(ln_memory *m, const linnet_allocator *from, uint64_t limit)
{
    m->from = from ? *from : (linnet_allocator){host_alloc, host_free, NULL};
    m->own = !from;
    m->limit = limit ? limit : UINT64_C(16) << 30;
    atomic_init(&m->used, 0);
    atomic_init(&m->no_huge, false);
    atomic_init(&m->has_huge, false);
    atomic_init(&m->keep, false);
    atomic_init(&m->busy, false);
    m->n_spares = 0;
    atomic_init(&m->chunk, NULL);
}

/* Allocations that are pages of their own, zeroed; freed by the same rule. */
static bool paged(const ln_memory *m, size_t bytes)
{
    return LN_HAVE_PAGES && m->own && bytes >= LN_PAGES_MIN;
}

static void *get(ln_memory *m, size_t bytes, bool reserve)
{
    uint64_t before = atomic_fetch_add(&m->used, bytes);
    if (before + bytes < before || before + bytes > m->limit) {
        atomic_fetch_sub(&m->used, bytes);
        return NULL;
    }
    void *p = bytes == FIRST_CHUNK ? atomic_exchange(&m->chunk, NULL) : NULL;
    if (p)
        return p;
    p = paged(m, bytes) ? ln_pages_map(m, bytes, reserve) : m->from.alloc(m->from.user, bytes ? bytes : ALIGN, ALIGN);
    if (!p)
        atomic_fetch_sub(&m->used, bytes);
    return p;
}

void *ln_memory_alloc(ln_memory *m, size_t bytes)
{
    return get(m, bytes, false);
}

void *ln_memory_reserve(ln_memory *m, size_t bytes)
{
    return get(m, bytes, true);
}

/* written: bytes that may have pages. */
static void put(ln_memory *m, void *block, size_t bytes, size_t written)
{
    if (!block)
        return;
    if (bytes == FIRST_CHUNK && LN_HAVE_PAGES && atomic_load(&m->keep))
        block = atomic_exchange(&m->chunk, block);
    if (paged(m, bytes))
        ln_pages_unmap(m, block, bytes, written);
    else if (block)
        m->from.free(m->from.user, block);
    atomic_fetch_sub(&m->used, bytes);
}

void ln_memory_free(ln_memory *m, void *block, size_t bytes)
{
    put(m, block, bytes, bytes);
}

void ln_memory_keep(ln_memory *m, bool keep)
{
    atomic_store(&m->keep, keep && m->own);
    if (keep)
        return;
    ln_pages_flush(m);
    void *chunk = atomic_exchange(&m->chunk, NULL);
    if (chunk)
        m->from.free(m->from.user, chunk);
}

void ln_arena_init(ln_arena *a, ln_memory *m)
{
    *a = (ln_arena){.memory = m, .next_size = FIRST_CHUNK};
}

static void *take(ln_memory *m, ln_chunk *c, size_t bytes, size_t align)
{
    uintptr_t base = (uintptr_t)c;
    uintptr_t at = (base + c->used + align - 1) & ~(uintptr_t)(align - 1);
    size_t offset = at - base;
    if (offset > c->size || bytes > c->size - offset)
        return NULL;
    if (offset + bytes > c->ready) {
        size_t to = (offset + bytes + READY - 1) & ~(size_t)(READY - 1);
        to = to < c->size ? to : c->size;
        if (!ln_pages_ready(m, (char *)c + c->ready, to - c->ready))
            return NULL;
        c->ready = to;
    }
    c->used = offset + bytes;
    return (char *)c + offset;
}

void *ln_arena_alloc(ln_arena *a, size_t bytes, size_t align)
{
    void *p = a->chunks ? take(a->memory, a->chunks, bytes, align) : NULL;
    a->coming -= bytes < a->coming ? bytes : a->coming;
    if (p)
        return p;
    size_t need = sizeof(ln_chunk) + ALIGN + bytes;
    if (need < bytes)
        return NULL;
    size_t size = a->next_size, share = a->coming < LARGE_CHUNK ? a->coming : LARGE_CHUNK;
    bool own = need > size / 2, shared = own && need <= LARGE_CHUNK / 4 && need <= share && paged(a->memory, share);
    ln_chunk *c = NULL;
    if (shared)
        c = ln_memory_reserve(a->memory, size = share);
    shared = c != NULL;
    own = own && !shared;
    if (own)
        size = need;
    if (!c)
        c = (own ? ln_memory_alloc : ln_memory_reserve)(a->memory, size);
    if (!c)
        return NULL;
    /* Pages of a chunk that others will share are taken when something lies there. */
    bool whole = own || !paged(a->memory, size) || ln_pages_huge(a->memory, c, size);
    if (!whole && !ln_pages_ready(a->memory, c, READY)) {
        ln_memory_free(a->memory, c, size);
        return NULL;
    }
    *c = (ln_chunk){.size = size, .used = sizeof *c, .ready = whole ? size : READY, .zero = paged(a->memory, size)};
    if (own && a->chunks) { /* keep filling the present chunk */
        c->next = a->chunks->next;
        a->chunks->next = c;
    } else {
        c->next = a->chunks;
        a->chunks = c;
    }
    if (!own && !shared && a->next_size < LAST_CHUNK)
        a->next_size *= 2;
    return take(a->memory, c, bytes, align);
}

void *ln_arena_zalloc(ln_arena *a, size_t bytes, size_t align)
{
    void *p = ln_arena_alloc(a, bytes, align);
    bool zero = false; /* pages come zeroed; it lies in the first chunk, or in one of its own behind that */
    for (const ln_chunk *c = p ? a->chunks : NULL, *end = c && c->next ? c->next->next : NULL; c != end; c = c->next)
        zero = zero || (c->zero && (uintptr_t)p > (uintptr_t)c && (uintptr_t)p - (uintptr_t)c < c->size);
    if (p && !zero)
        memset(p, 0, bytes);
    return p;
}

char *ln_arena_strndup(ln_arena *a, const char *text, size_t size)
{
    char *p = ln_arena_alloc(a, size + 1, 1);
    if (!p)
        return NULL;
    if (size)
        memcpy(p, text, size);
    p[size] = '\0';
    return p;
}

void *ln_arena_dup(ln_arena *a, const void *bytes, size_t size, size_t align)
{
    void *p = ln_arena_alloc(a, size, align);
    if (p && size)
        memcpy(p, bytes, size);
    return p;
}

void ln_arena_trim(ln_arena *a)
{
    for (ln_chunk *c = a->chunks; c; c = c->next)
        if (paged(a->memory, c->size)) {
            ln_pages_settle(a->memory, c, c->size);
            ln_pages_discard((const char *)c + c->used, c->ready - c->used); /* zeros again when they are written */
        }
}

bool ln_arena_holds(const ln_arena *a, const void *data, size_t bytes)
{
    for (const ln_chunk *c = a->chunks; c; c = c->next)
        if ((uintptr_t)data > (uintptr_t)c && bytes <= c->size && (uintptr_t)data - (uintptr_t)c <= c->size - bytes)
            return true;
    return false;
}

bool ln_arena_discard(ln_arena *a, const void *data, size_t bytes)
{
    if (!ln_arena_holds(a, data, bytes))
        return false;
    if (a->memory->own)
        ln_pages_discard(data, bytes);
    return true;
}

void ln_arena_reset(ln_arena *a)
{
    ln_chunk *keep = NULL;
    for (ln_chunk *c = a->chunks, *next; c; c = next) {
        next = c->next;
        if (!keep || c->size > keep->size) {
            ln_chunk *old = keep;
            keep = c;
            c = old;
        }
        if (c)
            put(a->memory, c, c->size, c->ready);
    }
    if (keep) {
        keep->next = NULL;
        keep->used = sizeof *keep;
        keep->zero = false;
    }
    a->chunks = keep;
}

void ln_arena_free(ln_arena *a)
{
    for (ln_chunk *c = a->chunks, *next; c; c = next) {
        next = c->next;
        put(a->memory, c, c->size, c->ready);
    }
    a->chunks = NULL;
}

bool ln_size_mul(size_t a, size_t b, size_t *product)
{
    return !__builtin_mul_overflow(a, b, product);
}

void *ln_arena_array(ln_arena *a, int64_t n, size_t size)
{
    size_t bytes;
    if (n < 0 || !ln_size_mul((size_t)n, size, &bytes))
        return NULL;
    return ln_arena_zalloc(a, bytes, ALIGN < size ? ALIGN : 16);
}
