/* SPDX-License-Identifier: Apache-2.0
 *
 * How much code a compiled model links: the parts of liblinnet-core.a that can be reached from its run functions by
 * relocations, which is what `ld --gc-sections` keeps. Reads ar archives as GNU writes them; compile_code_elf.c and
 * compile_code_wasm.c read their members. What the compiler's own library brings (memcpy, arithmetic in software) is
 * not in the archive, and is named instead.
 */
#include "tools/compile_code.h"

#include <stdlib.h>
#include <string.h>

/* Room for one more element in an array on the heap. */
static bool grow(void **array, size_t n, size_t *room, size_t size)
{
    if (n < *room)
        return true;
    size_t more = *room ? 2 * *room : 256;
    void *p = realloc(*array, more * size);
    if (!p)
        return false;
    *array = p;
    *room = more;
    return true;
}

bool ln_code_add_part(ln_code_graph *g, const ln_code_part *part)
{
    if (!grow((void **)&g->parts, g->n_parts, &g->room_parts, sizeof *part))
        return false;
    g->parts[g->n_parts] = *part;
    g->parts[g->n_parts++].object = g->n_objects;
    return true;
}

bool ln_code_add_symbol(ln_code_graph *g, const char *name, size_t part)
{
    if (!grow((void **)&g->symbols, g->n_symbols, &g->room_symbols, sizeof(ln_code_symbol)))
        return false;
    g->symbols[g->n_symbols++] = (ln_code_symbol){name, part};
    return true;
}

bool ln_code_add_edge(ln_code_graph *g, size_t from, size_t to, const char *name)
{
    if (!grow((void **)&g->edges, g->n_edges, &g->room_edges, sizeof(ln_code_edge)))
        return false;
    g->edges[g->n_edges] = (ln_code_edge){from, to, name, g->n_edges};
    g->n_edges++;
    return true;
}

/* By name, and in the order of the archive. */
static int by_name(const void *a, const void *b)
{
    const ln_code_symbol *x = a, *y = b;
    int order = strcmp(x->name, y->name);
    return order ? order : (x->part > y->part) - (x->part < y->part);
}

static int by_part(const void *a, const void *b)
{
    const ln_code_edge *x = a, *y = b;
    return x->from != y->from ? (x->from > y->from) - (x->from < y->from)
                              : (x->order > y->order) - (x->order < y->order);
}

static bool read_archive(ln_code_graph *g, const uint8_t *data, size_t size)
{
    enum { HEADER = 60, AT_SIZE = 48 };
    if (size < 8 || memcmp(data, "!<arch>\n", 8))
        return false;
    for (size_t at = 8; at + HEADER <= size;) {
        char digits[11] = {0};
        memcpy(digits, data + at + AT_SIZE, 10);
        unsigned long long length = strtoull(digits, NULL, 10);
        at += HEADER;
        if (length > size - at)
            return false;
        bool elf = length >= 4 && !memcmp(data + at, "\177ELF", 4),
             wasm = length >= 4 && !memcmp(data + at, "\0asm", 4);
        if ((elf && !ln_code_read_elf(g, data + at, (size_t)length)) ||
            (wasm && !ln_code_read_wasm(g, data + at, (size_t)length)))
            return false;
        g->n_objects += elf || wasm;
        at += (size_t)(length + (length & 1));
    }
    if (g->n_symbols)
        qsort(g->symbols, g->n_symbols, sizeof *g->symbols, by_name);
    if (g->n_edges)
        qsort(g->edges, g->n_edges, sizeof *g->edges, by_part);
    return g->n_objects > 0;
}

/* -- what is reached ------------------------------------------------------------------------------------------------
 */

typedef struct walk {
    ln_code_graph *g;
    bool *taken; /* objects of which something is reached: the linker has loaded them */
    size_t *todo, n_todo;
    ln_code *result;
} walk;

static void reach(walk *w, size_t index)
{
    ln_code_part *part = &w->g->parts[index];
    if (part->reached || !part->loaded)
        return;
    part->reached = w->taken[part->object] = true;
    w->todo[w->n_todo++] = index;
}

/* Where several objects define a name, one that is loaded has it, else the first. False: none defines it. */
static bool reach_name(walk *w, const char *name)
{
    const ln_code_graph *g = w->g;
    size_t low = 0, high = g->n_symbols;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(g->symbols[middle].name, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    size_t best = low;
    if (low == g->n_symbols || strcmp(g->symbols[low].name, name))
        return false;
    for (size_t i = low; i < g->n_symbols && !strcmp(g->symbols[i].name, name); i++)
        if (w->taken[g->parts[g->symbols[i].part].object]) {
            best = i;
            break;
        }
    reach(w, g->symbols[best].part);
    return true;
}

static void miss(ln_code *r, const char *name)
{
    for (int i = 0; i < r->n_missing; i++)
        if (!strcmp(r->missing[i], name))
            return;
    if (r->n_missing < LN_CODE_MISSING)
        r->missing[r->n_missing++] = name;
}

/* Everything that relocations of the part point at. */
static void follow(walk *w, size_t index)
{
    const ln_code_graph *g = w->g;
    size_t low = 0, high = g->n_edges;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (g->edges[middle].from < index)
            low = middle + 1;
        else
            high = middle;
    }
    for (const ln_code_edge *e = g->edges + low; low < g->n_edges && e->from == index; low++, e++) {
        if (e->to != LN_CODE_ELSEWHERE)
            reach(w, e->to);
        else if (!reach_name(w, e->name))
            miss(w->result, e->name);
    }
}

static void add_up(const ln_code_graph *g, ln_code *r)
{
    for (size_t i = 0; i < g->n_parts; i++) {
        const ln_code_part *part = &g->parts[i];
        if (!part->reached || !part->size)
            continue;
        uint64_t align = part->align > 1 ? part->align : 1, size = (part->size + align - 1) / align * align;
        if (!part->zero)
            r->bytes += size;
        if (part->written)
            r->ram += size;
        for (int k = 0; k < LN_CODE_LARGEST; k++)
            if (size > r->largest[k].bytes) {
                memmove(&r->largest[k + 1], &r->largest[k], (size_t)(LN_CODE_LARGEST - k - 1) * sizeof r->largest[k]);
                r->largest[k].bytes = size;
                r->largest[k].name = part->name ? part->name : "(a table)";
                break;
            }
    }
}

bool ln_code_measure(ln_arena *arena, const char *library, const char *const *roots, int32_t n_roots, ln_code *result)
{
    ln_bytes file;
    ln_code_graph g = {.arena = arena};
    walk w = {.g = &g, .result = result};
    *result = (ln_code){0};
    if (!ln_read_file(arena, library, &file))
        return false;
    bool good = read_archive(&g, file.data, file.size);
    if (!good) {
        ln_bad("%s: not an archive of ELF or WebAssembly objects", library);
    } else {
        w.todo = calloc(g.n_parts + 1, sizeof *w.todo);
        w.taken = calloc((size_t)g.n_objects, sizeof *w.taken);
        if (!w.todo || !w.taken)
            good = ln_bad("out of memory") == 0;
    }
    for (int32_t i = 0; good && i < n_roots; i++)
        if (!reach_name(&w, roots[i]))
            result->lacks = roots[i];
    while (good && w.n_todo)
        follow(&w, w.todo[--w.n_todo]);
    if (good)
        add_up(&g, result);
    free(w.todo);
    free(w.taken);
    free(g.parts);
    free(g.symbols);
    free(g.edges);
    return good;
}
