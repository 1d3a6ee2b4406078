/* SPDX-License-Identifier: Apache-2.0
 *
 * Shared libraries that are opened when something of them is first called. Most runs of a model read no image and no
 * sound, and the dozen libraries that those need would take longer to link than a small network needs to run, and more
 * memory. The compiler checks calls against the libraries' own headers:
 *
 *     #include <png.h>
 *     static ln_library library;
 *     #define png_read_info LN_FROM(library, png_read_info)
 *     ... ln_library_open(&library, LN_SO_PNG) ...
 *
 * libraries.h is generated: the names under which the linker found them. Where they are linked (LN_LIBRARIES_LINKED:
 * builds for other machines, which are static) they are always open, and their functions are called as they are.
 */
#ifndef LN_ENGINE_LIBRARY_H
#define LN_ENGINE_LIBRARY_H

#include <stdbool.h>

#include "libraries.h"

#ifdef LN_LIBRARIES_LINKED
typedef bool ln_library; /* holds nothing */
#define ln_library_open(library, name) ((void)(library), true)
#define LN_FROM(library, function) (function)
#else
#include <dlfcn.h>
#include <stdatomic.h>
#include <stddef.h>

typedef _Atomic(void *) ln_library;

/* False: the machine does not have it. What is open stays so. */
static inline bool ln_library_open(ln_library *library, const char *name)
{
    void *opened = atomic_load(library), *none = NULL;
    if (opened)
        return true;
    opened = dlopen(name, RTLD_LAZY | RTLD_LOCAL);
    if (opened && !atomic_compare_exchange_strong(library, &none, opened))
        dlclose(opened); /* another thread was first */
    return opened != NULL;
}

/* A function of an open library. It has all that its header of the same version declares. */
#define LN_FROM(library, function) ((__typeof__(&function))dlsym(atomic_load(&library), #function))

#endif
#endif
