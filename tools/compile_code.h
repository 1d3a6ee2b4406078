/* SPDX-License-Identifier: Apache-2.0
 *
 * What a linker keeps of an archive of objects, as a graph. Its parts are what a linker keeps or drops as one: a
 * section of ELF, a function or a segment of data of WebAssembly. Relocations are its edges, to a part of the same
 * object or to a name, which a symbol of another object defines. A reader for each format of objects fills it.
 */
#ifndef LN_TOOLS_COMPILE_CODE_H
#define LN_TOOLS_COMPILE_CODE_H

#include "tools/compile.h"

typedef struct ln_code_part {
    uint64_t size, align;
    uint32_t object;
    bool loaded;  /* it takes memory, unlike what a debugger reads */
    bool written; /* in RAM */
    bool zero;    /* in RAM alone */
    bool reached;
    const char *name; /* of the first symbol of a function or table in it, or NULL */
} ln_code_part;

#define LN_CODE_ELSEWHERE SIZE_MAX /* no part of this object */

typedef struct ln_code_symbol {
    const char *name;
    size_t part;
} ln_code_symbol;

typedef struct ln_code_edge {
    size_t from, to;
    const char *name; /* where to is LN_CODE_ELSEWHERE */
    size_t order;     /* by which edges of a part were added */
} ln_code_edge;

typedef struct ln_code_graph {
    ln_arena *arena; /* of names that have to be copied */
    ln_code_part *parts;
    ln_code_symbol *symbols; /* global and defined */
    ln_code_edge *edges;
    size_t n_parts, n_symbols, n_edges, room_parts, room_symbols, room_edges;
    uint32_t n_objects;
} ln_code_graph;

/* False: there is no memory. */
bool ln_code_add_part(ln_code_graph *g, const ln_code_part *part);
bool ln_code_add_symbol(ln_code_graph *g, const char *name, size_t part);
bool ln_code_add_edge(ln_code_graph *g, size_t from, size_t to, const char *name);

/* Adds an object. False: it is broken, or there is no memory. */
bool ln_code_read_elf(ln_code_graph *g, const uint8_t *data, size_t size);
bool ln_code_read_wasm(ln_code_graph *g, const uint8_t *data, size_t size);

#endif
