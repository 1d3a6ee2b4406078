/* SPDX-License-Identifier: Apache-2.0
 *
 * Arenas over the caller's allocator. Chunks double up to 1 MiB; what is larger gets a chunk of its own. The limit
 * on memory is counted here, over all arenas that share an ln_memory.
 */
#include "engine/arena.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_CHUNK = 4096, LAST_CHUNK = 1 << 20, ALIGN = 64 };

struct ln_chunk {
    ln_chunk *next;
    size_t size, used; /* bytes, with this header */
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
    m->limit = limit ? limit : UINT64_C(16) << 30;
    atomic_init(&m->used, 0);
}

void *ln_memory_alloc(ln_memory *m, size_t bytes)
{
    uint64_t before = atomic_fetch_add(&m->used, bytes);
    if (before + bytes < before || before + bytes > m->limit) {
        atomic_fetch_sub(&m->used, bytes);
        return NULL;
    }
    void *p = m->from.alloc(m->from.user, bytes ? bytes : ALIGN, ALIGN);
    if (!p)
        atomic_fetch_sub(&m->used, bytes);
    return p;
}

void ln_memory_free(ln_memory *m, void *block, size_t bytes)
{
    if (!block)
        return;
    m->from.free(m->from.user, block);
    atomic_fetch_sub(&m->used, bytes);
}

void ln_arena_init(ln_arena *a, ln_memory *m)
{
    *a = (ln_arena){.memory = m, .next_size = FIRST_CHUNK};
}

static void *take(ln_chunk *c, size_t bytes, size_t align)
{
    uintptr_t base = (uintptr_t)c;
    uintptr_t at = (base + c->used + align - 1) & ~(uintptr_t)(align - 1);
    size_t offset = at - base;
    if (offset > c->size || bytes > c->size - offset)
        return NULL;
    c->used = offset + bytes;
    return (char *)c + offset;
}

void *ln_arena_alloc(ln_arena *a, size_t bytes, size_t align)
{
    void *p = a->chunks ? take(a->chunks, bytes, align) : NULL;
    if (p)
        return p;
    size_t need = sizeof(ln_chunk) + ALIGN + bytes;
    if (need < bytes)
        return NULL;
    size_t size = a->next_size;
    bool own = need > size / 2;
    if (own)
        size = need;
    ln_chunk *c = ln_memory_alloc(a->memory, size);
    if (!c)
        return NULL;
    *c = (ln_chunk){.size = size, .used = sizeof *c};
    if (own && a->chunks) { /* keep filling the present chunk */
        c->next = a->chunks->next;
        a->chunks->next = c;
    } else {
        c->next = a->chunks;
        a->chunks = c;
    }
    if (!own && a->next_size < LAST_CHUNK)
        a->next_size *= 2;
    return take(c, bytes, align);
}

void *ln_arena_zalloc(ln_arena *a, size_t bytes, size_t align)
{
    void *p = ln_arena_alloc(a, bytes, align);
    if (p)
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
            ln_memory_free(a->memory, c, c->size);
    }
    if (keep) {
        keep->next = NULL;
        keep->used = sizeof *keep;
    }
    a->chunks = keep;
}

void ln_arena_free(ln_arena *a)
{
    for (ln_chunk *c = a->chunks, *next; c; c = next) {
        next = c->next;
        ln_memory_free(a->memory, c, c->size);
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
