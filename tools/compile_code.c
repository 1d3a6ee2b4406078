/* SPDX-License-Identifier: Apache-2.0
 *
 * How much code a compiled model links: the sections of liblinnet-core.a that can be reached from its run functions by
 * relocations, which is what `ld --gc-sections` keeps. Reads ar archives of ELF relocatable files, little-endian, of 32
 * or 64 bits (System V ABI, generic; ar as GNU writes it). What the compiler's own library brings (memcpy, arithmetic
 * in software) is not in the archive, and is named instead.
 */
#include <stdlib.h>
#include <string.h>

#include "tools/compile.h"

typedef struct member {
    const uint8_t *data; /* of an ELF file */
    size_t size, n_sections, n_symbols;
    uint64_t headers, symbols; /* where the tables are */
    uint64_t names, first;     /* section of the symbols' names; number of the first section among all */
    bool wide;                 /* 64 bits */
    bool taken;                /* something in it is reached: the linker has loaded it */
} member;

typedef struct section {
    uint64_t size, align, flags;
    uint32_t member, type;
    const char *name; /* of the first symbol of a function or table in it */
    bool reached;
} section;

typedef struct symbol {
    const char *name;
    size_t section;
} symbol;

typedef struct code {
    member *members;
    section *sections;
    symbol *symbols; /* global and defined, by name */
    size_t n_members, n_sections, n_symbols, room_sections, room_symbols;
    size_t *todo, n_todo;
    ln_code *result;
} code;

/* Constants of the ABI. */
enum { SHT_SYMTAB = 2, SHT_RELA = 4, SHT_NOBITS = 8, SHT_REL = 9 };
enum { SHF_WRITE = 1, SHF_ALLOC = 2, SHN_UNDEF = 0, STB_LOCAL = 0, STT_OBJECT = 1, STT_FUNC = 2 };

/* A section's header; ELF32 and ELF64 lay it out differently. */
typedef struct header {
    uint64_t offset, size, flags, align;
    uint32_t type, link, info;
} header;

static bool inside(const member *m, uint64_t offset, uint64_t size)
{
    return offset <= m->size && size <= m->size - offset;
}

static uint64_t get(const uint8_t *at, int bytes)
{
    uint64_t value = 0;
    while (bytes-- > 0)
        value = value << 8 | at[bytes];
    return value;
}

static bool section_header(const member *m, uint64_t index, header *h)
{
    int word = m->wide ? 8 : 4;
    uint64_t size = m->wide ? 64 : 40;
    if (index >= m->n_sections || !inside(m, m->headers, m->n_sections * size))
        return false;
    const uint8_t *at = m->data + m->headers + index * size, *rest = at + 8 + 4 * word;
    *h = (header){.type = (uint32_t)get(at + 4, 4),
                  .flags = get(at + 8, word),
                  .offset = get(at + 8 + 2 * word, word),
                  .size = get(at + 8 + 3 * word, word),
                  .link = (uint32_t)get(rest, 4),
                  .info = (uint32_t)get(rest + 4, 4),
                  .align = get(rest + 8, word)};
    return h->type == SHT_NOBITS || inside(m, h->offset, h->size);
}

/* Symbol i: its name, section (SHN_UNDEF: elsewhere) and info. NULL: there is none. */
static const char *symbol_at(const member *m, uint64_t i, uint32_t *in, uint32_t *info)
{
    header names;
    if (i >= m->n_symbols || !section_header(m, m->names, &names) || names.type == SHT_NOBITS || !names.size ||
        m->data[names.offset + names.size - 1])
        return NULL;
    const uint8_t *at = m->data + m->symbols + i * (m->wide ? 24 : 16);
    uint64_t name = get(at, 4);
    *info = at[m->wide ? 4 : 12];
    *in = (uint32_t)get(at + (m->wide ? 6 : 14), 2);
    return name < names.size ? (const char *)m->data + names.offset + name : NULL;
}

static bool is_elf(member *m)
{
    const uint8_t *e = m->data;
    enum { CLASS = 4, DATA = 5, LITTLE = 1 };
    if (m->size < 64 || memcmp(e, "\177ELF", 4) || e[DATA] != LITTLE || (e[CLASS] != 1 && e[CLASS] != 2))
        return false;
    m->wide = e[CLASS] == 2;
    m->headers = m->wide ? get(e + 40, 8) : get(e + 32, 4);
    m->n_sections = (size_t)get(e + (m->wide ? 60 : 48), 2);
    for (uint64_t i = 0; i < m->n_sections; i++) {
        header h;
        if (!section_header(m, i, &h))
            return false;
        if (h.type == SHT_SYMTAB) {
            m->symbols = h.offset;
            m->n_symbols = (size_t)(h.size / (m->wide ? 24 : 16));
            m->names = h.link;
        }
    }
    return true;
}

/* -- the tables of the whole archive ------------------------------------------------------------------------------- */

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

static bool add_member(code *c, member *m)
{
    m->first = c->n_sections;
    for (uint64_t i = 0; i < m->n_sections; i++) {
        header h;
        if (!section_header(m, i, &h) ||
            !grow((void **)&c->sections, c->n_sections, &c->room_sections, sizeof(section)))
            return false;
        c->sections[c->n_sections++] = (section){
            .size = h.size, .align = h.align, .flags = h.flags, .type = h.type, .member = (uint32_t)c->n_members};
    }
    for (uint64_t i = 0; i < m->n_symbols; i++) {
        uint32_t in;
        uint32_t info;
        const char *name = symbol_at(m, i, &in, &info);
        if (!name || in == SHN_UNDEF || in >= m->n_sections)
            continue;
        section *s = &c->sections[m->first + in];
        if (!s->name && ((info & 15) == STT_FUNC || (info & 15) == STT_OBJECT))
            s->name = name;
        if (info >> 4 == STB_LOCAL)
            continue;
        if (!grow((void **)&c->symbols, c->n_symbols, &c->room_symbols, sizeof(symbol)))
            return false;
        c->symbols[c->n_symbols++] = (symbol){name, (size_t)m->first + in};
    }
    c->members[c->n_members++] = *m;
    return true;
}

/* By name, and in the order of the archive. */
static int by_name(const void *a, const void *b)
{
    const symbol *x = a, *y = b;
    int order = strcmp(x->name, y->name);
    return order ? order : (x->section > y->section) - (x->section < y->section);
}

static bool read_archive(code *c, const uint8_t *data, size_t size)
{
    enum { HEADER = 60, AT_SIZE = 48 };
    size_t room = 0;
    if (size < 8 || memcmp(data, "!<arch>\n", 8))
        return false;
    for (size_t at = 8; at + HEADER <= size;) {
        char digits[11] = {0};
        memcpy(digits, data + at + AT_SIZE, 10);
        unsigned long long length = strtoull(digits, NULL, 10);
        at += HEADER;
        if (length > size - at)
            return false;
        member m = {.data = data + at, .size = (size_t)length};
        if (!grow((void **)&c->members, c->n_members, &room, sizeof m) || (is_elf(&m) && !add_member(c, &m)))
            return false;
        at += (size_t)(length + (length & 1));
    }
    if (c->n_symbols)
        qsort(c->symbols, c->n_symbols, sizeof *c->symbols, by_name);
    return c->n_members > 0;
}

/* -- what is reached ------------------------------------------------------------------------------------------------
 */

static void reach(code *c, size_t index)
{
    section *s = &c->sections[index];
    if (s->reached || !(s->flags & SHF_ALLOC))
        return;
    s->reached = c->members[s->member].taken = true;
    c->todo[c->n_todo++] = index;
}

/* Where several members define a name, one that is loaded has it, else the first. False: none defines it. */
static bool reach_name(code *c, const char *name)
{
    size_t low = 0, high = c->n_symbols;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(c->symbols[middle].name, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    size_t best = low;
    if (low == c->n_symbols || strcmp(c->symbols[low].name, name))
        return false;
    for (size_t i = low; i < c->n_symbols && !strcmp(c->symbols[i].name, name); i++)
        if (c->members[c->sections[c->symbols[i].section].member].taken) {
            best = i;
            break;
        }
    reach(c, c->symbols[best].section);
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

/* Everything that relocations of the section point at. */
static void follow(code *c, size_t index)
{
    const member *m = &c->members[c->sections[index].member];
    for (uint64_t i = 0; i < m->n_sections; i++) {
        header h;
        if (!section_header(m, i, &h) || (h.type != SHT_REL && h.type != SHT_RELA) || h.info + m->first != index)
            continue;
        uint64_t entry = m->wide ? (h.type == SHT_RELA ? 24 : 16) : (h.type == SHT_RELA ? 12 : 8);
        for (uint64_t at = 0; at + entry <= h.size; at += entry) {
            const uint8_t *relocation = m->data + h.offset + at;
            uint64_t which = m->wide ? get(relocation + 12, 4) : get(relocation + 5, 3);
            uint32_t in, info;
            const char *name = symbol_at(m, which, &in, &info);
            if (!name || !which)
                continue;
            if (in != SHN_UNDEF && in < m->n_sections)
                reach(c, (size_t)m->first + in);
            else if (in == SHN_UNDEF && *name && !reach_name(c, name))
                miss(c->result, name);
        }
    }
}

static void add_up(code *c)
{
    ln_code *r = c->result;
    for (size_t i = 0; i < c->n_sections; i++) {
        const section *s = &c->sections[i];
        if (!s->reached || !s->size)
            continue;
        uint64_t align = s->align > 1 ? s->align : 1, size = (s->size + align - 1) / align * align;
        if (s->type != SHT_NOBITS)
            r->bytes += size;
        if (s->flags & SHF_WRITE)
            r->ram += size;
        for (int k = 0; k < LN_CODE_LARGEST; k++)
            if (size > r->largest[k].bytes) {
                memmove(&r->largest[k + 1], &r->largest[k], (size_t)(LN_CODE_LARGEST - k - 1) * sizeof r->largest[k]);
                r->largest[k].bytes = size;
                r->largest[k].name = s->name ? s->name : "(a table)";
                break;
            }
    }
}

bool ln_code_measure(ln_arena *arena, const char *library, const char *const *roots, int32_t n_roots, ln_code *result)
{
    ln_bytes file;
    code c = {.result = result};
    *result = (ln_code){0};
    if (!ln_read_file(arena, library, &file))
        return false;
    bool good = read_archive(&c, file.data, file.size);
    if (!good)
        ln_bad("%s: not an archive of ELF files", library);
    if (good && !(c.todo = malloc((c.n_sections + 1) * sizeof *c.todo)))
        good = ln_bad("out of memory") == 0;
    for (int32_t i = 0; good && i < n_roots; i++)
        if (!reach_name(&c, roots[i]))
            result->lacks = roots[i];
    while (good && c.n_todo)
        follow(&c, c.todo[--c.n_todo]);
    if (good)
        add_up(&c);
    free(c.todo);
    free(c.members);
    free(c.sections);
    free(c.symbols);
    return good;
}
