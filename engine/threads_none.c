/* SPDX-License-Identifier: Apache-2.0
 *
 * The thread pool of a system without threads: there is none, and all work is its caller's.
 */
#include "engine/threads.h"

#ifdef __wasi__
ln_pool *ln_pool_get(int32_t threads)
{
    (void)threads;
    return NULL;
}

void ln_pool_release(ln_pool *p)
{
    (void)p;
}

void ln_pool_run_begins(ln_pool *p)
{
    (void)p;
}

void ln_pool_run_ends(ln_pool *p)
{
    (void)p;
}

void ln_pool_log(ln_pool *p, ln_task_log *log)
{
    (void)p, (void)log;
}

int32_t ln_threads_wanted(int32_t asked)
{
    (void)asked;
    return 1;
}

void ln_parallel(const ln_args *a, int64_t n, double cost, ln_task_fn *fn, void *arg)
{
    (void)a, (void)cost;
    if (n > 0)
        fn(arg, 0, 0, n);
}
#endif
