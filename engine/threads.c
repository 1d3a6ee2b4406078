/* SPDX-License-Identifier: Apache-2.0
 *
 * A small thread pool. Work is a range; each thread has a share of it, which is cut into parts that it takes from an
 * atomic counter, and then helps with the shares of the others; results may not depend on the cut, so this needs no
 * order. Shares lie in the order of the threads, so that what a thread wrote in one step, it mostly reads in the next:
 * caches that threads do not share, or only through slower ones, keep it. Workers spin for the next job, since a
 * network is a row of short ones, and then sleep: soon when no model runs, later while one does, since waking takes as
 * long as some steps. When a second session wants the pool while it is busy, it works alone.
 *
 * A worker enters a job through its gate, and the caller, when no part is left, closes the gate and waits for those
 * alone that are inside: one that the machine has not let run yet holds up nobody.
 */
#include "engine/threads.h"

#ifndef __wasi__ /* see threads_none.c */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MAX_THREADS = 64, SPINS = 4000, SPINS_IN_A_RUN = 40000, PATIENCE = 20000, PARTS_PER_THREAD = 4, LINE = 64 };

typedef struct share {
    _Alignas(LINE) atomic_int_fast64_t next;
    int64_t end;
} share;

struct ln_pool {
    pthread_mutex_t owner; /* held by the thread whose job it is */
    pthread_mutex_t lock;  /* for sleeping */
    pthread_cond_t wake;
    pthread_t threads[MAX_THREADS];
    int32_t n_workers;         /* threads besides the caller's */
    atomic_int sleeping, runs; /* workers that sleep; models that run */
    atomic_bool stop;
    _Alignas(LINE) atomic_uint_fast32_t job; /* counts jobs; those who wait read this line alone */
    _Alignas(LINE) ln_task_fn *fn;           /* the job */
    void *arg;
    int64_t part;
    int32_t n_shares; /* workers with an index below it take part */
    ln_task_log *log;
    _Alignas(LINE) atomic_uint_fast32_t gate; /* GATE_OPEN, and the number of workers inside */
    share shares[MAX_THREADS];
};

#define GATE_OPEN (UINT32_C(1) << 31)

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

static void do_parts(ln_pool *p, int32_t index)
{
    for (int32_t k = 0; k < p->n_shares; k++) {
        share *s = &p->shares[(index + k) % p->n_shares];
        for (;;) {
            int64_t begin = atomic_fetch_add_explicit(&s->next, p->part, memory_order_relaxed);
            if (begin >= s->end)
                break;
            p->fn(p->arg, index, begin, s->end - begin < p->part ? s->end : begin + p->part);
        }
    }
}

static uint64_t now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void take_parts(ln_pool *p, int32_t index)
{
    ln_task_log *log = p->log;
    if (!log) {
        do_parts(p, index);
        return;
    }
    ln_task_time t = {.begin = now(), .worker = index};
    do_parts(p, index);
    t.end = now();
    int32_t at = atomic_fetch_add(&log->n, 1);
    if (at < log->room)
        log->items[at] = t;
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

static uint_fast32_t wait_for_job(ln_pool *p, uint_fast32_t seen)
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
    return job;
}

/* Perhaps into a later job than the one that was seen: what it is may be read inside. */
static bool enter(ln_pool *p)
{
    uint_fast32_t gate = atomic_load_explicit(&p->gate, memory_order_relaxed);
    while (gate & GATE_OPEN)
        if (atomic_compare_exchange_weak_explicit(&p->gate, &gate, gate + 1, memory_order_acquire,
                                                  memory_order_relaxed))
            return true;
    return false;
}

static void *work(void *arg)
{
    const worker *w = arg;
    ln_pool *p = w->pool;
    uint_fast32_t seen = w->seen;
    for (;;) {
        seen = wait_for_job(p, seen);
        if (atomic_load(&p->stop))
            return NULL;
        if (!enter(p))
            continue;
        if (w->index < p->n_shares)
            take_parts(p, w->index);
        atomic_fetch_sub_explicit(&p->gate, 1, memory_order_release);
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

/* Below this a job is not worth waking anyone. */
static const double MIN_NANOSECONDS = 8000;

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
    int64_t parts = (int64_t)threads * PARTS_PER_THREAD;
    if (total / (MIN_NANOSECONDS / 4) < (double)parts)
        parts = threads;
    p->fn = fn;
    p->arg = arg;
    p->part = (n + parts - 1) / parts;
    p->n_shares = threads;
    for (int32_t i = 0; i < threads; i++) {
        atomic_store_explicit(&p->shares[i].next, n * i / threads, memory_order_relaxed);
        p->shares[i].end = n * (i + 1) / threads;
    }
    atomic_store(&p->gate, GATE_OPEN);
    post_job(p);
    take_parts(p, 0);
    atomic_fetch_and(&p->gate, ~GATE_OPEN);
    for (int i = 0; atomic_load_explicit(&p->gate, memory_order_acquire) != 0; i++)
        if (i < PATIENCE)
            pause_cpu();
        else
            sched_yield();
    pthread_mutex_unlock(&p->owner);
}
#endif
