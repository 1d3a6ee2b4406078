/* SPDX-License-Identifier: Apache-2.0
 *
 * A mutex; nothing where there are no threads (WASI).
 */
#ifndef LN_ONNX_MUTEX_H
#define LN_ONNX_MUTEX_H

#include <stdbool.h>

#ifdef __wasi__
typedef bool ln_mutex;

static inline bool ln_mutex_init(ln_mutex *m)
{
    *m = false;
    return true;
}

static inline void ln_mutex_lock(ln_mutex *m)
{
    *m = true;
}

static inline void ln_mutex_unlock(ln_mutex *m)
{
    *m = false;
}

static inline void ln_mutex_free(ln_mutex *m)
{
    (void)m;
}
#else
#include <pthread.h>

typedef pthread_mutex_t ln_mutex;

static inline bool ln_mutex_init(ln_mutex *m)
{
    return pthread_mutex_init(m, NULL) == 0;
}

static inline void ln_mutex_lock(ln_mutex *m)
{
    pthread_mutex_lock(m);
}

static inline void ln_mutex_unlock(ln_mutex *m)
{
    pthread_mutex_unlock(m);
}

static inline void ln_mutex_free(ln_mutex *m)
{
    pthread_mutex_destroy(m);
}
#endif

#endif
