/* SPDX-License-Identifier: Apache-2.0
 *
 * A small thread pool. Work is a range; each thread has a share of it, of which it takes half of what is left, down to
 * a least part, and then helps with the shares of the others in the same way: few parts, and the last ones small.
 * Results may not depend on the cut, so this needs no order. Shares lie in the order of the threads, so that what a
 * thread wrote in one step, it mostly reads in the next: caches that threads do not share, or only through slower ones,
 * keep it. Workers spin for the next job, since a network is a row of short ones, and then sleep: soon when no model
 * runs, later while one does, since waking takes as long as some steps. When a second session wants the pool while it
 * is busy, it works alone.
 *
 * What is left of a share is one atomic word, with a bit that says whether its worker is inside: it enters with the
 * first part that it takes, and the caller, when nothing is left, waits for those alone that are inside. A worker that
 * the machine has not let run yet holds up nobody, and a job costs no more than the way of two lines to the other
 * thread and of one back.
 */
#include "engine/threads.h"

#ifndef __wasi__ /* see threads_none.c */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MAX_THREADS = 64, SPINS = 4000, SPINS_IN_A_RUN = 40000, PATIENCE = 20000, PARTS_PER_THREAD = 32, LINE = 128 };

/* What is left of a thread's share, from its first part (the upper half) to its end (the lower), and INSIDE. */
typedef struct share {
    _Alignas(LINE) _Atomic uint64_t left;
} share;

#define INSIDE (UINT64_C(1) << 63)
#define MAX_PARTS (INT64_C(1) << 30)

struct ln_pool {
    pthread_mutex_t owner; /* held by the thread whose job it is */
    pthread_mutex_t lock;  /* for sleeping */
    pthread_cond_t wake;
    pthread_t threads[MAX_THREADS];
    int32_t n_workers;         /* threads besides the caller's */
    atomic_int sleeping, runs; /* workers that sleep; models that run */
    atomic_bool stop;
    /* Counts jobs; those who wait read this line alone. The rest of it is the job, for those who are inside. */
    _Alignas(LINE) atomic_uint_fast32_t job;
    ln_task_fn *fn;
    void *arg;
    int64_t n, unit;        /* elements, and how many of them are one of a share */
    int32_t n_shares;       /* the first workers have one each */
    _Atomic uint32_t least; /* what to take at least; guides those who are about to enter */
    atomic_int processor;   /* of the thread whose job it is */
    ln_task_log *log;
    share shares[MAX_THREADS];
};

typedef struct worker {
    ln_pool *pool;
    int32_t index;
    uint_fast32_t seen; /* the last job before it started */
} worker;

static pthread_mutex_t global = PTHREAD_MUTEX_INITIALIZER;
static ln_pool *shared;
static int32_t users;
static worker workers[MAX_THREADS];

static void pause_cpu(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#endif
}

/* Three quarters of what is left of the thread's own share, half of another's. mark: bits to set. */
static bool take(ln_pool *p, share *s, bool own, uint64_t mark, int64_t *begin, int64_t *end)
{
    uint64_t left = atomic_load_explicit(&s->left, memory_order_relaxed), n;
    do {
        uint64_t rest = (left & UINT32_MAX) - (left << 1 >> 33),
                 least = atomic_load_explicit(&p->least, memory_order_relaxed);
        if (rest == 0)
            return false;
        n = own ? rest - rest / 4 : (rest + 1) / 2;
        if (n < least)
            n = rest < least ? rest : least;
    } while (!atomic_compare_exchange_weak_explicit(&s->left, &left, (left + (n << 32)) | mark, memory_order_acquire,
                                                    memory_order_relaxed));
    *begin = (int64_t)(left << 1 >> 33);
    *end = *begin + (int64_t)n;
    return true;
}

static void do_part(const ln_pool *p, int32_t index, int64_t begin, int64_t end)
{
    p->fn(p->arg, index, begin * p->unit, end * p->unit < p->n ? end * p->unit : p->n);
}

static void do_parts(ln_pool *p, int32_t index, int64_t begin, int64_t end)
{
    if (begin < end)
        do_part(p, index, begin, end);
    for (int32_t k = 0; k < p->n_shares; k++)
        while (take(p, &p->shares[(index + k) % p->n_shares], k == 0, 0, &begin, &end))
            do_part(p, index, begin, end);
}

static uint64_t now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* Does what there is to do. A worker whose share is gone already does not enter; the caller, 0, looks at all shares, so
 * that for each it has seen who is inside. */
static void take_part(ln_pool *p, int32_t index)
{
    int64_t begin = 0, end = 0;
    if (!take(p, &p->shares[index], true, INSIDE, &begin, &end) && index > 0)
        return;
    ln_task_log *log = p->log;
    if (log) {
        ln_task_time t = {.begin = now(), .worker = index};
        do_parts(p, index, begin, end);
        t.end = now();
        int32_t at = atomic_fetch_add(&log->n, 1);
        if (at < log->room)
            log->items[at] = t;
    } else {
        do_parts(p, index, begin, end);
    }
    atomic_fetch_and_explicit(&p->shares[index].left, ~INSIDE, memory_order_release);
}

void ln_pool_log(ln_pool *p, ln_task_log *log)
{
    pthread_mutex_lock(&p->owner);
    p->log = log;
    pthread_mutex_unlock(&p->owner);
}

void ln_pool_run_begins(ln_pool *p)
{
    if (p)
        atomic_fetch_add_explicit(&p->runs, 1, memory_order_relaxed);
}

void ln_pool_run_ends(ln_pool *p)
{
    if (p)
        atomic_fetch_sub_explicit(&p->runs, 1, memory_order_relaxed);
}

static int processor(void)
{
#ifdef __linux__
    return sched_getcpu();
#else
    return -1;
#endif
}

/* A thread that wakes where the one is that woke it, for all others are busy, would stay there and take its time. So it
 * leaves that processor, if there is one for it; then it may come back. */
static void make_room(const ln_pool *p, int32_t index)
{
#ifdef __linux__
    int mine = processor();
    cpu_set_t all, others;
    if (mine < 0 || mine != atomic_load_explicit(&p->processor, memory_order_relaxed) ||
        sched_getaffinity(0, sizeof all, &all) != 0 || CPU_COUNT(&all) <= index)
        return;
    others = all;
    CPU_CLR((size_t)mine, &others);
    if (sched_setaffinity(0, sizeof others, &others) == 0)
        sched_setaffinity(0, sizeof all, &all);
#else
    (void)p, (void)index;
#endif
}

static uint_fast32_t wait_for_job(ln_pool *p, int32_t index, uint_fast32_t seen)
{
    for (int i = 0; i < SPINS || (i < SPINS_IN_A_RUN && atomic_load_explicit(&p->runs, memory_order_relaxed) > 0);
         i++) {
        uint_fast32_t job = atomic_load_explicit(&p->job, memory_order_acquire);
        if (job != seen)
            return job;
        pause_cpu();
    }
    pthread_mutex_lock(&p->lock);
    atomic_fetch_add(&p->sleeping, 1);
    uint_fast32_t job;
    while ((job = atomic_load(&p->job)) == seen)
        pthread_cond_wait(&p->wake, &p->lock);
    atomic_fetch_sub(&p->sleeping, 1);
    pthread_mutex_unlock(&p->lock);
    make_room(p, index);
    return job;
}

static void *work(void *arg)
{
    const worker *w = arg;
    ln_pool *p = w->pool;
    uint_fast32_t seen = w->seen;
    for (;;) {
        seen = wait_for_job(p, w->index, seen);
        if (atomic_load(&p->stop))
            return NULL;
        take_part(p, w->index); /* perhaps of a later job than the one that was seen */
    }
}

static void post_job(ln_pool *p)
{
    atomic_fetch_add(&p->job, 1);
    if (atomic_load(&p->sleeping) > 0) {
        pthread_mutex_lock(&p->lock);
        pthread_cond_broadcast(&p->wake);
        pthread_mutex_unlock(&p->lock);
    }
}

/* Starts workers until there are n; called by the owner. */
static void grow(ln_pool *p, int32_t n)
{
    while (p->n_workers < n) {
        int32_t i = p->n_workers;
        workers[i] = (worker){p, i + 1, atomic_load(&p->job)};
        if (pthread_create(&p->threads[i], NULL, work, &workers[i]) != 0)
            return;
        p->n_workers++;
    }
}

static ln_pool *make(void)
{
    ln_pool *p = aligned_alloc(LINE, sizeof *p);
    if (!p)
        return NULL;
    memset(p, 0, sizeof *p);
    if (pthread_mutex_init(&p->owner, NULL) == 0) {
        if (pthread_mutex_init(&p->lock, NULL) == 0) {
            if (pthread_cond_init(&p->wake, NULL) == 0)
                return p;
            pthread_mutex_destroy(&p->lock);
        }
        pthread_mutex_destroy(&p->owner);
    }
    free(p);
    return NULL;
}

ln_pool *ln_pool_get(int32_t threads)
{
    if (threads <= 1)
        return NULL;
    if (threads > MAX_THREADS)
        threads = MAX_THREADS;
    pthread_mutex_lock(&global);
    if (!shared)
        shared = make();
    ln_pool *p = shared;
    if (p) {
        users++;
        pthread_mutex_lock(&p->owner); /* no job is running while workers start */
        grow(p, threads - 1);
        pthread_mutex_unlock(&p->owner);
    }
    pthread_mutex_unlock(&global);
    return p;
}

void ln_pool_release(ln_pool *p)
{
    if (!p)
        return;
    pthread_mutex_lock(&global);
    if (--users == 0) {
        atomic_store(&p->stop, true);
        post_job(p);
        pthread_mutex_lock(&p->lock);
        pthread_cond_broadcast(&p->wake);
        pthread_mutex_unlock(&p->lock);
        for (int32_t i = 0; i < p->n_workers; i++)
            pthread_join(p->threads[i], NULL);
        pthread_cond_destroy(&p->wake);
        pthread_mutex_destroy(&p->lock);
        pthread_mutex_destroy(&p->owner);
        free(p);
        shared = NULL;
    }
    pthread_mutex_unlock(&global);
}

int32_t ln_threads_wanted(int32_t asked)
{
    if (asked <= 0) {
        const char *text = getenv("LINNET_THREADS");
        asked = text ? atoi(text) : 1;
    }
    return asked < 1 ? 1 : asked > MAX_THREADS ? MAX_THREADS : asked;
}

/* What a thread has to do at least to be worth its waking, and a part to be worth taking. */
static const double MIN_NANOSECONDS = 2000, MIN_PART = 1000;

static void wait_for_others(ln_pool *p)
{
    for (int32_t k = 1; k < p->n_shares; k++)
        for (int i = 0; atomic_load_explicit(&p->shares[k].left, memory_order_acquire) & INSIDE; i++)
            if (i < PATIENCE)
                pause_cpu();
            else
                sched_yield();
}

void ln_parallel(const ln_args *a, int64_t n, double cost, ln_task_fn *fn, void *arg)
{
    if (n <= 0)
        return;
    ln_pool *p = a->pool;
    double total = cost * (double)n;
    if (!p || a->threads < 2 || n == 1 || total < 2 * MIN_NANOSECONDS || pthread_mutex_trylock(&p->owner) != 0) {
        fn(arg, 0, 0, n);
        return;
    }
    int32_t threads = p->n_workers + 1 < a->threads ? p->n_workers + 1 : a->threads;
    if (total / MIN_NANOSECONDS < threads)
        threads = (int32_t)(total / MIN_NANOSECONDS);
    int64_t unit = n / MAX_PARTS + 1, units = (n - 1) / unit + 1, least = units / (threads * PARTS_PER_THREAD);
    double small = MIN_PART / (cost * (double)unit);
    if (small > (double)least)
        least = small < (double)units ? (int64_t)small : units;
    p->fn = fn;
    p->arg = arg;
    p->n = n;
    p->unit = unit;
    p->n_shares = threads;
    atomic_store_explicit(&p->processor, processor(), memory_order_relaxed);
    atomic_store_explicit(&p->least, (uint32_t)(least > 0 ? least : 1), memory_order_relaxed);
    for (int64_t i = 0; i < threads; i++)
        atomic_store_explicit(&p->shares[i].left,
                              (uint64_t)(units * i / threads) << 32 | (uint64_t)(units * (i + 1) / threads),
                              memory_order_release);
    post_job(p);
    take_part(p, 0);
    wait_for_others(p);
    pthread_mutex_unlock(&p->owner);
}
#endif
