/* SPDX-License-Identifier: Apache-2.0
 *
 * Pages by mmap, and advice on them; see pages.h.
 */
#include "engine/pages.h"

#ifdef __linux__
#include <stdatomic.h>
#include <sys/mman.h>
#include <time.h>

enum {
    HUGE_MIN = 4 << 20,
    HUGE_PAGE = 2 << 20,
    HUGE_SLOW = 1000000 /* nanoseconds to clear one; 512 small pages take less */
};

/* Whole pages inside; where pages are larger than that, calls fail, and nothing is lost. */
static size_t whole_pages(const void *data, size_t bytes, void **first)
{
    const uintptr_t page = 4096;
    uintptr_t begin = ((uintptr_t)data + page - 1) & ~(page - 1), end = ((uintptr_t)data + bytes) & ~(page - 1);
    *first = (void *)begin;
    return begin < end ? end - begin : 0;
}

static int64_t thread_time(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* Huge pages for what is not touched yet. A guest's free huge pages may have gone back to the host, from where they
 * come ten times slower, small page by small page; what it has left in small ones is at hand. So the first one is
 * timed, and when that was slow, the model does without from then on. */
static void want_huge(ln_memory *m, void *p, size_t bytes)
{
    uintptr_t first = ((uintptr_t)p + HUGE_PAGE - 1) & ~(uintptr_t)(HUGE_PAGE - 1);
    if (bytes < HUGE_MIN || atomic_load_explicit(&m->no_huge, memory_order_relaxed))
        return;
    (void)madvise(p, bytes, MADV_HUGEPAGE);
    int64_t begin = thread_time();
    *(volatile char *)first = 0;
    if (thread_time() - begin < HUGE_SLOW)
        return;
    atomic_store_explicit(&m->no_huge, true, memory_order_relaxed);
    (void)madvise(p, bytes, MADV_NOHUGEPAGE);
}

/* What is asked for will be written, unless it is but reserved: one call is cheaper than a fault for each page. */
void *ln_pages_map(ln_memory *m, size_t bytes, bool reserve)
{
    bool large = bytes >= HUGE_MIN;
    int populate = large || reserve ? 0 : MAP_POPULATE;
    void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | populate, -1, 0);
    if (p == MAP_FAILED)
        return NULL;
    if (!reserve)
        want_huge(m, p, bytes);
    return p;
}

void ln_pages_unmap(void *p, size_t bytes)
{
    munmap(p, bytes);
}

void ln_pages_settle(const ln_memory *m, void *p, size_t bytes)
{
    if (bytes >= HUGE_MIN && atomic_load_explicit(&m->no_huge, memory_order_relaxed))
        (void)madvise(p, bytes, MADV_HUGEPAGE);
}

void ln_pages_discard(const void *data, size_t bytes)
{
    void *first;
    size_t whole = whole_pages(data, bytes, &first);
    if (whole)
        (void)madvise(first, whole, MADV_DONTNEED);
}

void ln_pages_expect(ln_memory *m, const void *data, size_t bytes)
{
    void *first;
    size_t whole = whole_pages(data, bytes, &first);
    if (!LN_HAVE_PAGES || bytes < LN_PAGES_MIN || !whole)
        return;
    want_huge(m, first, whole);
#ifdef MADV_POPULATE_WRITE
    (void)madvise(first, whole, MADV_POPULATE_WRITE); /* older kernels have none */
#endif
}
#else
void *ln_pages_map(ln_memory *m, size_t bytes, bool reserve)
{
    (void)m, (void)bytes, (void)reserve;
    return NULL;
}

void ln_pages_unmap(void *p, size_t bytes)
{
    (void)p, (void)bytes;
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
