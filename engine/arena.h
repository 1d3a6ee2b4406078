/* SPDX-License-Identifier: Apache-2.0
 *
 * Arenas: memory by lifetime. An arena takes chunks from the caller's allocator and gives them all back at once.
 * A heap is the same thing with marks, for values that a run makes.
 */
#ifndef LN_ENGINE_ARENA_H
#define LN_ENGINE_ARENA_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/linnet.h"

/* The allocator with its limit; shared by all arenas of a model. */
typedef struct ln_memory {
    linnet_allocator from;
    uint64_t limit;
    bool own; /* the allocator is malloc */
    _Atomic uint64_t used;
    _Atomic bool no_huge; /* the machine has no huge pages at hand */
} ln_memory;

void ln_memory_init(ln_memory *m, const linnet_allocator *from, uint64_t limit);
void *ln_memory_alloc(ln_memory *m, size_t bytes); /* 64-byte aligned; NULL: none left */
/* The same for what may never be written: no page of it is taken before. */
void *ln_memory_reserve(ln_memory *m, size_t bytes);
void ln_memory_free(ln_memory *m, void *block, size_t bytes);

typedef struct ln_chunk ln_chunk;
typedef struct ln_arena {
    ln_memory *memory;
    ln_chunk *chunks; /* newest first */
    size_t next_size;
    size_t coming; /* bytes that will be asked for, roughly: large pieces share chunks of so many. 0: not known */
} ln_arena;

void ln_arena_init(ln_arena *a, ln_memory *m);
void *ln_arena_alloc(ln_arena *a, size_t bytes, size_t align); /* NULL: none left; bytes 0 gives a valid pointer */
void *ln_arena_zalloc(ln_arena *a, size_t bytes, size_t align);
char *ln_arena_strndup(ln_arena *a, const char *text, size_t size);
void *ln_arena_dup(ln_arena *a, const void *bytes, size_t size, size_t align);
bool ln_arena_holds(const ln_arena *a, const void *data, size_t bytes);
/* Gives the pages of what the arena holds back to the machine, where it can: the contents are lost, and nothing may
 * read or write there any more. False: the arena does not hold it. */
bool ln_arena_discard(ln_arena *a, const void *data, size_t bytes);
void ln_arena_trim(ln_arena *a);  /* gives the pages back that nothing lies in yet */
void ln_arena_reset(ln_arena *a); /* forgets everything, keeps the largest chunk for reuse */
void ln_arena_free(ln_arena *a);  /* gives everything back */

/* array of n items of size, checked */
void *ln_arena_array(ln_arena *a, int64_t n, size_t size);

bool ln_size_mul(size_t a, size_t b, size_t *product); /* false: overflow */

#endif
