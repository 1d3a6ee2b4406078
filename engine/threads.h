/* SPDX-License-Identifier: Apache-2.0
 *
 * The thread pool: one in a process, made when the first session asks for more than one thread, gone with the last.
 */
#ifndef LN_ENGINE_THREADS_H
#define LN_ENGINE_THREADS_H

#include "engine/op.h"

typedef struct ln_pool ln_pool;

/* A pool with at least `threads` workers, the caller's thread counted; NULL where threads is 1 or none can be made.
 * Every get needs a release. */
ln_pool *ln_pool_get(int32_t threads);
void ln_pool_release(ln_pool *pool);

/* Around a run of a model: meanwhile workers wait for the next job without sleeping, up to a millisecond or so. */
void ln_pool_run_begins(ln_pool *pool);
void ln_pool_run_ends(ln_pool *pool);

/* What a thread did of a job: for traces. */
typedef struct ln_task_time {
    uint64_t begin, end; /* nanoseconds, CLOCK_MONOTONIC */
    int32_t worker;      /* 0: the thread whose job it was */
} ln_task_time;

typedef struct ln_task_log {
    ln_task_time *items;
    int32_t room;
    _Atomic int32_t n; /* may pass room: what did not fit is lost */
} ln_task_log;

/* While a log is set, every thread that takes part in a job adds to it. NULL: none. Not while jobs run. */
void ln_pool_log(ln_pool *pool, ln_task_log *log);

/* 0: LINNET_THREADS or 1. */
int32_t ln_threads_wanted(int32_t asked);

#endif
