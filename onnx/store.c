/* SPDX-License-Identifier: Apache-2.0
 *
 * The store of a model that came from a file (engine/store.h): the raw initializers of its graph, and where they lie
 * in the file. The file stays open, so that another name, or none, does no harm; where it was changed since, reading
 * again is an error.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "onnx/import.h"
#include "onnx/mutex.h"

typedef struct entry {
    void *data; /* a block of the model */
    size_t size;
    uint64_t offset;
    bool dropped, kept;
} entry;

typedef struct file_store {
    ln_store base;
    ln_mutex lock;
    int fd;
    struct stat was;
    int32_t planning; /* plans that are being made */
    entry *entries;   /* by address */
    size_t n;
} file_store;

static entry *find(const file_store *f, const void *data)
{
    size_t low = 0, high = f->n;
    while (low < high) {
        size_t middle = (low + high) / 2;
        const entry *e = &f->entries[middle];
        if ((uintptr_t)data < (uintptr_t)e->data)
            high = middle;
        else if ((uintptr_t)data >= (uintptr_t)e->data + e->size)
            low = middle + 1;
        else
            return &f->entries[middle];
    }
    return NULL;
}

/* -- what the engine calls ------------------------------------------------------------------------------------------
 */

static linnet_status read_again(file_store *f, entry *e, linnet_error *error)
{
    struct stat is;
    bool same = fstat(f->fd, &is) == 0 && is.st_size == f->was.st_size && is.st_mtim.tv_sec == f->was.st_mtim.tv_sec &&
                is.st_mtim.tv_nsec == f->was.st_mtim.tv_nsec;
    if (!same)
        return ln_error_set(error, LINNET_ERR_IO, "", "", "the model's file was changed since it was loaded");
    linnet_status st = ln_cut_read(f->fd, e->data, e->offset, e->size, error);
    if (st != LINNET_OK)
        return st;
    e->dropped = false;
    return LINNET_OK;
}

static linnet_status begin(ln_store *s, linnet_error *error)
{
    file_store *f = (file_store *)s;
    linnet_status st = LINNET_OK;
    ln_mutex_lock(&f->lock);
    for (size_t i = 0; i < f->n && st == LINNET_OK; i++)
        if (f->entries[i].dropped)
            st = read_again(f, &f->entries[i], error);
    if (st == LINNET_OK)
        f->planning++;
    ln_mutex_unlock(&f->lock);
    return st;
}

static void end(ln_store *s)
{
    file_store *f = (file_store *)s;
    ln_mutex_lock(&f->lock);
    f->planning--;
    ln_mutex_unlock(&f->lock);
}

static void drop(ln_store *s, const void *data, size_t bytes)
{
    file_store *f = (file_store *)s;
    entry *e = find(f, data);
    if (!e)
        return;
    ln_mutex_lock(&f->lock);
    if (f->planning == 1 && !e->kept) {
        ln_pages_discard(data, bytes);
        e->dropped = true;
    }
    ln_mutex_unlock(&f->lock);
}

static void keep(ln_store *s, const void *data)
{
    file_store *f = (file_store *)s;
    entry *e = find(f, data);
    if (!e)
        return;
    ln_mutex_lock(&f->lock);
    e->kept = true;
    ln_mutex_unlock(&f->lock);
}

static void free_store(ln_store *s)
{
    file_store *f = (file_store *)s;
    close(f->fd);
    ln_mutex_free(&f->lock);
    free(f->entries);
    free(f);
}

/* -- making ---------------------------------------------------------------------------------------------------------
 */

static int by_address(const void *a, const void *b)
{
    uintptr_t x = (uintptr_t)((const entry *)a)->data, y = (uintptr_t)((const entry *)b)->data;
    return (x > y) - (x < y);
}

/* WASI has no second descriptor of a file, and so no store. */
static int duplicate(int fd)
{
#ifdef F_DUPFD_CLOEXEC
    return fcntl(fd, F_DUPFD_CLOEXEC, 0);
#else
    (void)fd;
    return -1;
#endif
}

ln_store *ln_store_new(int fd, const ln_cuts *cuts, const void *const *data)
{
    file_store *f = calloc(1, sizeof *f);
    entry *entries = calloc(cuts->n + 1, sizeof *entries);
    int own = f && entries ? duplicate(fd) : -1;
    if (own < 0 || fstat(own, &f->was) != 0 || !ln_mutex_init(&f->lock)) {
        if (own >= 0)
            close(own);
        free(entries);
        free(f);
        return NULL;
    }
    f->base = (ln_store){begin, end, drop, keep, free_store};
    f->fd = own;
    f->entries = entries;
    for (size_t i = 0; i < cuts->n; i++)
        if (data[i] && cuts->parts[i].size)
            entries[f->n++] = (entry){
                .data = (void *)(uintptr_t)data[i], .size = cuts->parts[i].size, .offset = cuts->parts[i].offset};
    qsort(entries, f->n, sizeof *entries, by_address);
    return &f->base;
}
