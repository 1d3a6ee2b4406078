/* SPDX-License-Identifier: Apache-2.0
 *
 * Pages by mmap, and advice on them; see pages.h.
 */
#include "engine/pages.h"

size_t ln_pages_inside(const void *data, size_t bytes, size_t page, void **first)
{
    const uintptr_t mask = page - 1;
    uintptr_t begin = ((uintptr_t)data + mask) & ~mask, end = ((uintptr_t)data + bytes) & ~mask;
    *first = (void *)begin;
    return begin < end ? end - begin : 0;
}

#ifdef __linux__
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum {
    SPARE_MAX = 16 << 20, /* bytes of a piece that is worth keeping */
    HUGE_MIN = 4 << 20,   /* what the first try is worth for */
    HUGE_NEXT = 2 << 20,  /* and others, when that went well */
    HUGE_PAGE = 2 << 20,
    HUGE_SLOW = 1000000 /* nanoseconds to clear one; 512 small pages take less */
};

/* 4 KB on x86; Arm and others have machines with 16 and 64. */
static size_t page_size(void)
{
    return (size_t)sysconf(_SC_PAGESIZE);
}

static size_t round_up(size_t bytes)
{
    size_t mask = page_size() - 1;
    return (bytes + mask) & ~mask;
}

static int64_t thread_time(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static bool may_be_huge(ln_memory *m, size_t bytes)
{
    size_t least = atomic_load_explicit(&m->has_huge, memory_order_relaxed) ? HUGE_NEXT : HUGE_MIN;
    return bytes >= least && !atomic_load_explicit(&m->no_huge, memory_order_relaxed);
}

/* Huge pages for what is not touched yet. A guest's free huge pages may have gone back to the host, from where they
 * come ten times slower, small page by small page; what it has left in small ones is at hand. So the first one is
 * timed, and when that was slow, the model does without from then on. */
bool ln_pages_huge(ln_memory *m, void *p, size_t bytes)
{
    uintptr_t first = ((uintptr_t)p + HUGE_PAGE - 1) & ~(uintptr_t)(HUGE_PAGE - 1);
    if (!may_be_huge(m, bytes) || first + HUGE_PAGE > (uintptr_t)p + bytes)
        return false;
    (void)madvise(p, bytes, MADV_HUGEPAGE);
    int64_t begin = thread_time();
    *(volatile char *)first = 0;
    if (thread_time() - begin < HUGE_SLOW) {
        atomic_store_explicit(&m->has_huge, true, memory_order_relaxed);
        return true;
    }
    atomic_store_explicit(&m->no_huge, true, memory_order_relaxed);
    (void)madvise(p, bytes, MADV_NOHUGEPAGE);
    return false;
}

/* -- spare pages --------------------------------------------------------------------------------------------------- */

static bool lock(ln_memory *m)
{
    return !atomic_exchange_explicit(&m->busy, true, memory_order_acquire);
}

static void unlock(ln_memory *m)
{
    atomic_store_explicit(&m->busy, false, memory_order_release);
}

/* A mapping moved away from under it, and the system would not give it another. */
static bool cover(char *p, size_t bytes)
{
    return mmap(p, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != MAP_FAILED;
}

/* Moves spare pages to the beginning of what nothing was written to: *moved bytes. */
static bool move_spares(ln_memory *m, char *p, size_t bytes, size_t *moved)
{
    bool whole = true;
    *moved = 0;
    if (!lock(m))
        return true;
    while (m->n_spares > 0 && *moved < bytes) {
        ln_spare *s = &m->spares[m->n_spares - 1];
        size_t size = s->bytes < bytes - *moved ? s->bytes : bytes - *moved;
        if (mremap(s->data, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, p + *moved) == MAP_FAILED) {
            whole = cover(p + *moved, size);
            break;
        }
        memset(p + *moved, 0, size);
        *moved += size;
        s->data += size;
        s->bytes -= size;
        m->n_spares -= s->bytes == 0;
    }
    unlock(m);
    return whole;
}

void ln_pages_flush(ln_memory *m)
{
    while (!lock(m))
        continue;
    while (m->n_spares > 0) {
        m->n_spares--;
        munmap(m->spares[m->n_spares].data, m->spares[m->n_spares].bytes);
    }
    unlock(m);
}

void ln_pages_unmap(ln_memory *m, void *p, size_t bytes, size_t written)
{
    size_t kept = 0;
    if (written <= SPARE_MAX && atomic_load_explicit(&m->keep, memory_order_relaxed) && lock(m)) {
        if (m->n_spares < LN_SPARES) {
            kept = round_up(written);
            if (kept)
                m->spares[m->n_spares++] = (ln_spare){p, kept};
        }
        unlock(m);
    }
    if (kept < bytes)
        munmap((char *)p + kept, bytes - kept);
}

/* One call is cheaper than a fault for each page; older kernels have none. */
static void populate(char *p, size_t bytes)
{
#ifdef MADV_POPULATE_WRITE
    if (bytes)
        (void)madvise(p, bytes, MADV_POPULATE_WRITE);
#else
    (void)p, (void)bytes;
#endif
}

bool ln_pages_ready(ln_memory *m, void *p, size_t bytes)
{
    size_t all = round_up(bytes), moved;
    if (!move_spares(m, p, all, &moved))
        return false;
    populate((char *)p + moved, all - moved);
    return true;
}

/* Begins where a huge page can, if it may have some. */
static char *map(size_t bytes, bool huge)
{
    size_t around = huge ? HUGE_PAGE : 0, all = round_up(bytes) + around;
    char *p = mmap(NULL, all, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED)
        return NULL;
    size_t before = around ? -(uintptr_t)p & (HUGE_PAGE - 1) : 0;
    if (before)
        munmap(p, before);
    if (around - before)
        munmap(p + all - (around - before), around - before);
    return p + before;
}

/* What is asked for will be written, unless it is but reserved. */
void *ln_pages_map(ln_memory *m, size_t bytes, bool reserve)
{
    void *p = bytes < SIZE_MAX / 2 ? map(bytes, may_be_huge(m, bytes)) : NULL;
    if (!p)
        return NULL;
    if (reserve)
        return p;
    if (ln_pages_huge(m, p, bytes)) {
        ln_pages_flush(m); /* they would be there besides */
        populate(p, bytes);
    } else if (!ln_pages_ready(m, p, bytes)) {
        munmap(p, bytes);
        return NULL;
    }
    return p;
}

void ln_pages_settle(const ln_memory *m, void *p, size_t bytes)
{
    if (bytes >= HUGE_MIN && atomic_load_explicit(&m->no_huge, memory_order_relaxed))
        (void)madvise(p, bytes, MADV_HUGEPAGE);
}

void ln_pages_discard(const void *data, size_t bytes)
{
    void *first;
    size_t whole = ln_pages_inside(data, bytes, page_size(), &first);
    if (whole)
        (void)madvise(first, whole, MADV_DONTNEED);
}

void ln_pages_expect(ln_memory *m, const void *data, size_t bytes)
{
    void *first;
    size_t whole = ln_pages_inside(data, bytes, page_size(), &first);
    if (!LN_HAVE_PAGES || bytes < LN_PAGES_MIN || !whole)
        return;
    (void)ln_pages_huge(m, first, whole);
    populate(first, whole);
}
#else
void *ln_pages_map(ln_memory *m, size_t bytes, bool reserve)
{
    (void)m, (void)bytes, (void)reserve;
    return NULL;
}

void ln_pages_unmap(ln_memory *m, void *p, size_t bytes, size_t written)
{
    (void)m, (void)p, (void)bytes, (void)written;
}

void ln_pages_flush(ln_memory *m)
{
    (void)m;
}

bool ln_pages_huge(ln_memory *m, void *p, size_t bytes)
{
    (void)m, (void)p, (void)bytes;
    return false;
}

bool ln_pages_ready(ln_memory *m, void *p, size_t bytes)
{
    (void)m, (void)p, (void)bytes;
    return true;
}

void ln_pages_settle(const ln_memory *m, void *p, size_t bytes)
{
    (void)m, (void)p, (void)bytes;
}

void ln_pages_discard(const void *data, size_t bytes)
{
    (void)data, (void)bytes;
}

void ln_pages_expect(ln_memory *m, const void *data, size_t bytes)
{
    (void)m, (void)data, (void)bytes;
}
#endif
