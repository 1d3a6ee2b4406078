/* SPDX-License-Identifier: Apache-2.0
 *
 * The store of a model that came from a file (engine/store.h): the raw constants of its graph and of bodies, and where
 * they lie in the file. The file stays open, so that another name, or none, does no harm; where it was changed since,
 * reading again is an error.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/pages.h"
#include "onnx/import.h"
#include "onnx/mutex.h"

enum { PLACE_MIN = 4 << 20 }; /* bytes of what is worth a mapping of the file */

typedef struct entry {
    void *data; /* a block of the model */
    size_t size;
    uint64_t offset;
    bool missing, unread; /* it, or a part of it, was let go; no page of it was taken yet */
    bool kept;
} entry;

typedef struct file_store {
    ln_store base;
    ln_memory *memory;
    ln_mutex lock;
    int fd;
    struct stat was;
    const char *map;  /* the file, once something is read where it lies there */
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

static bool unchanged(const file_store *f)
{
    struct stat is;
    return fstat(f->fd, &is) == 0 && is.st_size == f->was.st_size && is.st_mtim.tv_sec == f->was.st_mtim.tv_sec &&
           is.st_mtim.tv_nsec == f->was.st_mtim.tv_nsec;
}

static linnet_status read_entry(const file_store *f, const entry *e, size_t offset, size_t bytes, void *to,
                                linnet_error *error)
{
    if (!unchanged(f))
        return ln_error_set(error, LINNET_ERR_IO, "", "", "the model's file was changed since it was loaded");
    return ln_cut_read(f->fd, to, e->offset + offset, bytes, error);
}

/* Under the lock. */
static linnet_status read_missing(const file_store *f, entry *e, linnet_error *error)
{
    if (!e->missing)
        return LINNET_OK;
    ln_pages_expect(f->memory, e->data, e->size);
    linnet_status st = read_entry(f, e, 0, e->size, e->data, error);
    e->missing = st != LINNET_OK;
    e->unread = false;
    return st;
}

static void begin(ln_store *s)
{
    file_store *f = (file_store *)s;
    ln_mutex_lock(&f->lock);
    f->planning++;
    ln_mutex_unlock(&f->lock);
}

static linnet_status complete(ln_store *s, linnet_error *error)
{
    file_store *f = (file_store *)s;
    linnet_status st = LINNET_OK;
    ln_mutex_lock(&f->lock);
    for (size_t i = 0; i < f->n && st == LINNET_OK; i++)
        st = read_missing(f, &f->entries[i], error);
    ln_mutex_unlock(&f->lock);
    return st;
}

static linnet_status need(ln_store *s, const void *data, linnet_error *error)
{
    file_store *f = (file_store *)s;
    entry *e = find(f, data);
    if (!e)
        return LINNET_OK;
    ln_mutex_lock(&f->lock);
    linnet_status st = read_missing(f, e, error);
    ln_mutex_unlock(&f->lock);
    return st;
}

static size_t missing(ln_store *s, const void *data)
{
    file_store *f = (file_store *)s;
    const entry *e = find(f, data);
    if (!e || e->data != data)
        return 0;
    ln_mutex_lock(&f->lock);
    size_t bytes = e->missing ? e->size : 0;
    ln_mutex_unlock(&f->lock);
    return bytes;
}

static linnet_status read_part(ln_store *s, const void *data, size_t offset, size_t bytes, void *to,
                               linnet_error *error)
{
    const file_store *f = (const file_store *)s;
    const entry *e = find(f, data);
    bool inside = e && offset <= e->size && bytes <= e->size - offset;
    return inside ? read_entry(f, e, offset, bytes, to, error) : LINNET_ERR_ARGUMENT;
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
    if (f->planning == 1 && !e->kept && !e->unread) {
        ln_pages_discard(data, bytes);
        e->missing = true;
    }
    ln_mutex_unlock(&f->lock);
}

static linnet_status keep(ln_store *s, const void *data, linnet_error *error)
{
    file_store *f = (file_store *)s;
    entry *e = find(f, data);
    if (!e)
        return LINNET_OK;
    ln_mutex_lock(&f->lock);
    linnet_status st = read_missing(f, e, error);
    e->kept = st == LINNET_OK;
    ln_mutex_unlock(&f->lock);
    return st;
}

/* Under the lock. */
static const char *map_file(file_store *f)
{
    if (!f->map && unchanged(f)) {
        void *p = mmap(NULL, (size_t)f->was.st_size, PROT_READ, MAP_PRIVATE, f->fd, 0);
        f->map = p == MAP_FAILED ? NULL : p;
    }
    return f->map;
}

static const void *place(ln_store *s, const void *data)
{
    file_store *f = (file_store *)s;
    entry *e = find(f, data);
    if (!e || e->data != data || e->size < PLACE_MIN)
        return NULL;
    const char *map = NULL;
    ln_mutex_lock(&f->lock);
    if (!e->kept && (e->missing || f->planning == 1))
        map = map_file(f);
    if (map && !e->missing) { /* a pass has looked at it */
        ln_pages_discard(e->data, e->size);
        e->missing = true;
    }
    ln_mutex_unlock(&f->lock);
    return map ? map + e->offset : NULL;
}

static void free_store(ln_store *s)
{
    file_store *f = (file_store *)s;
    if (f->map)
        munmap((void *)(uintptr_t)f->map, (size_t)f->was.st_size);
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

ln_store *ln_store_new(ln_memory *memory, int fd, const ln_mapping *blocks)
{
    size_t n = 0;
    for (const ln_mapping *b = blocks; b; b = b->next)
        n += b->stored;
    file_store *f = n ? calloc(1, sizeof *f) : NULL;
    entry *entries = f ? calloc(n, sizeof *entries) : NULL;
    int own = entries ? duplicate(fd) : -1;
    if (own < 0 || fstat(own, &f->was) != 0 || !ln_mutex_init(&f->lock)) {
        if (own >= 0)
            close(own);
        free(entries);
        free(f);
        return NULL;
    }
    f->base = (ln_store){begin, end, complete, need, missing, read_part, drop, keep, place, free_store};
    f->memory = memory;
    f->fd = own;
    f->entries = entries;
    for (const ln_mapping *b = blocks; b; b = b->next)
        if (b->stored)
            entries[f->n++] = (entry){
                .data = b->address, .size = b->size, .offset = b->offset, .missing = b->unread, .unread = b->unread};
    qsort(entries, f->n, sizeof *entries, by_address);
    return &f->base;
}

/* Whether nothing but the plan of a convolution or product looks at the value's elements, or the run of a Gather. Of
 * DequantizeLinear the pass `quantize` leaves none; what it refuses asks for them. An input's default is such a
 * constant in the plans for which it is not fed. */
static bool only_packed(const ln_graph *g, const ln_value *v)
{
    static const struct {
        const char *type;
        int32_t slot;
    } ops[] = {{"Conv", 1},        {"ConvTranspose", 1},    {"Gemm", 1},        {"MatMul", 1},
               {"Gather", 0},      {"DequantizeLinear", 0}, {"QLinearConv", 3}, {"QLinearMatMul", 3},
               {"ConvInteger", 1}, {"MatMulInteger", 1}};
    if (v->outputs)
        return false;
    for (ln_use u = v->first_use; u.node >= 0; u = g->nodes[u.node].next_use[u.slot]) {
        bool packs = false;
        for (size_t i = 0; i < sizeof ops / sizeof ops[0]; i++)
            packs = packs || (ln_node_is(&g->nodes[u.node], ops[i].type) && u.slot == ops[i].slot);
        if (!packs)
            return false;
    }
    return true;
}

linnet_status ln_store_settle(ln_store *store, const ln_graph *g, linnet_error *error)
{
    linnet_status st = LINNET_OK;
    LN_FOR_NODES(g, id)
    for (int32_t i = 0; i < g->nodes[id].n_attrs && st == LINNET_OK; i++)
        if (g->nodes[id].attrs[i].kind == LN_ATTR_GRAPH)
            st = ln_store_settle(store, g->nodes[id].attrs[i].graph, error);
    for (int32_t v = 0; v < g->n_values && st == LINNET_OK; v++)
        if (g->values[v].info.data && !only_packed(g, &g->values[v]))
            st = store->need(store, g->values[v].info.data, error);
    return st;
}
