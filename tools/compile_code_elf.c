/* SPDX-License-Identifier: Apache-2.0
 *
 * Sections, symbols and relocations of an ELF relocatable file, little-endian, of 32 or 64 bits. System V ABI, generic.
 */
#include <string.h>

#include "tools/compile_code.h"

typedef struct object {
    const uint8_t *data;
    size_t size, n_sections, n_symbols;
    uint64_t headers, symbols; /* where the tables are */
    uint64_t names;            /* section of the symbols' names */
    size_t first;              /* part that is its first section */
    bool wide;                 /* 64 bits */
} object;

/* Constants of the ABI. */
enum { SHT_SYMTAB = 2, SHT_RELA = 4, SHT_NOBITS = 8, SHT_REL = 9 };
enum { SHF_WRITE = 1, SHF_ALLOC = 2, SHN_UNDEF = 0, STB_LOCAL = 0, STT_OBJECT = 1, STT_FUNC = 2 };

/* A section's header; ELF32 and ELF64 lay it out differently. */
typedef struct header {
    uint64_t offset, size, flags, align;
    uint32_t type, link, info;
} header;

static bool inside(const object *o, uint64_t offset, uint64_t size)
{
    return offset <= o->size && size <= o->size - offset;
}

static uint64_t get(const uint8_t *at, int bytes)
{
    uint64_t value = 0;
    while (bytes-- > 0)
        value = value << 8 | at[bytes];
    return value;
}

static bool section_header(const object *o, uint64_t index, header *h)
{
    int word = o->wide ? 8 : 4;
    uint64_t size = o->wide ? 64 : 40;
    if (index >= o->n_sections || !inside(o, o->headers, o->n_sections * size))
        return false;
    const uint8_t *at = o->data + o->headers + index * size, *rest = at + 8 + 4 * word;
    *h = (header){.type = (uint32_t)get(at + 4, 4),
                  .flags = get(at + 8, word),
                  .offset = get(at + 8 + 2 * word, word),
                  .size = get(at + 8 + 3 * word, word),
                  .link = (uint32_t)get(rest, 4),
                  .info = (uint32_t)get(rest + 4, 4),
                  .align = get(rest + 8, word)};
    return h->type == SHT_NOBITS || inside(o, h->offset, h->size);
}

/* Symbol i: its name, section (SHN_UNDEF: elsewhere) and info. NULL: there is none. */
static const char *symbol_at(const object *o, uint64_t i, uint32_t *in, uint32_t *info)
{
    header names;
    if (i >= o->n_symbols || !section_header(o, o->names, &names) || names.type == SHT_NOBITS || !names.size ||
        o->data[names.offset + names.size - 1])
        return NULL;
    const uint8_t *at = o->data + o->symbols + i * (o->wide ? 24 : 16);
    uint64_t name = get(at, 4);
    *info = at[o->wide ? 4 : 12];
    *in = (uint32_t)get(at + (o->wide ? 6 : 14), 2);
    return name < names.size ? (const char *)o->data + names.offset + name : NULL;
}

static bool read_header(object *o)
{
    const uint8_t *e = o->data;
    enum { CLASS = 4, DATA = 5, LITTLE = 1 };
    if (o->size < 64 || e[DATA] != LITTLE || (e[CLASS] != 1 && e[CLASS] != 2))
        return false;
    o->wide = e[CLASS] == 2;
    o->headers = o->wide ? get(e + 40, 8) : get(e + 32, 4);
    o->n_sections = (size_t)get(e + (o->wide ? 60 : 48), 2);
    return true;
}

static bool add_sections(ln_code_graph *g, object *o)
{
    o->first = g->n_parts;
    for (uint64_t i = 0; i < o->n_sections; i++) {
        header h;
        if (!section_header(o, i, &h))
            return false;
        if (h.type == SHT_SYMTAB) {
            o->symbols = h.offset;
            o->n_symbols = (size_t)(h.size / (o->wide ? 24 : 16));
            o->names = h.link;
        }
        ln_code_part part = {.size = h.size,
                             .align = h.align,
                             .loaded = (h.flags & SHF_ALLOC) != 0,
                             .written = (h.flags & SHF_WRITE) != 0,
                             .zero = h.type == SHT_NOBITS};
        if (!ln_code_add_part(g, &part))
            return false;
    }
    return true;
}

static bool add_symbols(ln_code_graph *g, const object *o)
{
    for (uint64_t i = 0; i < o->n_symbols; i++) {
        uint32_t in, info;
        const char *name = symbol_at(o, i, &in, &info);
        if (!name || in == SHN_UNDEF || in >= o->n_sections)
            continue;
        ln_code_part *part = &g->parts[o->first + in];
        if (!part->name && ((info & 15) == STT_FUNC || (info & 15) == STT_OBJECT))
            part->name = name;
        if (info >> 4 != STB_LOCAL && !ln_code_add_symbol(g, name, o->first + in))
            return false;
    }
    return true;
}

/* Of a section of relocations. */
static bool add_edges(ln_code_graph *g, const object *o, const header *h)
{
    uint64_t entry = o->wide ? (h->type == SHT_RELA ? 24 : 16) : (h->type == SHT_RELA ? 12 : 8);
    for (uint64_t at = 0; at + entry <= h->size; at += entry) {
        const uint8_t *relocation = o->data + h->offset + at;
        uint64_t which = o->wide ? get(relocation + 12, 4) : get(relocation + 5, 3);
        uint32_t in, info;
        const char *name = symbol_at(o, which, &in, &info);
        if (!name || !which || (in == SHN_UNDEF && !*name) || (in != SHN_UNDEF && in >= o->n_sections))
            continue;
        if (!ln_code_add_edge(g, o->first + h->info, in == SHN_UNDEF ? LN_CODE_ELSEWHERE : o->first + in, name))
            return false;
    }
    return true;
}

bool ln_code_read_elf(ln_code_graph *g, const uint8_t *data, size_t size)
{
    object o = {.data = data, .size = size};
    if (!read_header(&o) || !add_sections(g, &o) || !add_symbols(g, &o))
        return false;
    for (uint64_t i = 0; i < o.n_sections; i++) {
        header h;
        if (!section_header(&o, i, &h))
            return false;
        if ((h.type == SHT_REL || h.type == SHT_RELA) && h.info < o.n_sections && !add_edges(g, &o, &h))
            return false;
    }
    return true;
}
