/* SPDX-License-Identifier: Apache-2.0
 *
 * realpath(3) where there is one. WASI has none: a module sees only the folders that its host gave it, and the host
 * refuses what leads out of them, so a path is taken as it is.
 */
#ifndef LN_ONNX_REALPATH_H
#define LN_ONNX_REALPATH_H

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* The path without links and dots, or NULL with errno set. */
static inline char *ln_realpath(const char *path, char real[PATH_MAX])
{
#ifdef __wasi__
    struct stat info;
    size_t size = strlen(path) + 1;
    if (size > PATH_MAX || stat(path, &info) != 0)
        return NULL;
    return memcpy(real, path, size);
#else
    return realpath(path, real);
#endif
}

#endif
