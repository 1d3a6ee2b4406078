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

/* 0: LINNET_THREADS or 1. */
int32_t ln_threads_wanted(int32_t asked);

#endif
