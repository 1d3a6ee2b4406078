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

/* Pages that were freed and lie at hand; see pages.h. */
enum { LN_SPARES = 16 };
typedef struct ln_spare {
    char *data;
    size_t bytes;
} ln_spare;

/* The allocator with its limit; shared by all arenas of a model. */
typedef struct ln_memory {
    linnet_allocator from;
    uint64_t limit;
    bool own; /* the allocator is malloc */
    _Atomic uint64_t used;
    _Atomic bool no_huge, has_huge; /* the machine has no huge pages at hand; has some */
    _Atomic bool keep;              /* what is freed will soon be asked for again */
    _Atomic bool busy;              /* someone works on the spares */
    int32_t n_spares;
    ln_spare spares[LN_SPARES];
    _Atomic(void *) chunk; /* the first of an arena that was freed, for the next one; NULL: none */
} ln_memory;

void ln_memory_init(ln_memory *m, const linnet_allocator *from, uint64_t limit);
void *ln_memory_alloc(ln_memory *m, size_t bytes); /* 64-byte aligned; NULL: none left */
/* The same for what may never be written: no page of it is taken before. */
void *ln_memory_reserve(ln_memory *m, size_t bytes);
void ln_memory_free(ln_memory *m, void *block, size_t bytes);
/* While a model is loaded and planned, what is freed is kept for what is asked for next; false gives it back. */
void ln_memory_keep(ln_memory *m, bool keep);

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
