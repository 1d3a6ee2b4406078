/* SPDX-License-Identifier: Apache-2.0
 *
 * Functions, segments of data, symbols and relocations of an object of WebAssembly, as clang writes it. WebAssembly
 * core specification, "Binary Format"; WebAssembly/tool-conventions, Linking.md (version 2).
 */
#include <string.h>

#include "tools/compile_code.h"

/* Constants of the formats. */
enum { CUSTOM = 0, IMPORT = 2, CODE = 10, DATA = 11 };
enum { KIND_FUNCTION = 0, KIND_TABLE = 1, KIND_MEMORY = 2, KIND_GLOBAL = 3, KIND_TAG = 4 };
enum { SEGMENT_INFO = 5, SYMBOL_TABLE = 8, LINKING_VERSION = 2 };
enum { SYMBOL_FUNCTION = 0, SYMBOL_DATA = 1, SYMBOL_SECTION = 3, IS_LOCAL = 2, IS_UNDEFINED = 0x10, IS_NAMED = 0x40 };

/* What is left to read; past the end it gives zeros, and says so. */
typedef struct cursor {
    const uint8_t *at, *end;
    bool bad;
} cursor;

typedef struct span {
    size_t begin, end; /* in the content of the section */
} span;

/* A section of which linkers keep some: functions or segments. */
typedef struct pieces {
    span *spans;
    size_t n, first; /* first: the part that is the first */
    uint64_t index;  /* of the section */
} pieces;

typedef struct symbol {
    const char *name;
    size_t part;
    bool followed; /* a function or data */
} symbol;

typedef struct object {
    ln_code_graph *g;
    pieces functions, segments;
    const char **imports; /* names of imported functions */
    symbol *symbols;
    uint64_t n_imports, n_symbols;
} object;

static uint8_t byte(cursor *c)
{
    if (c->at < c->end)
        return *c->at++;
    c->bad = true;
    return 0;
}

/* An integer in LEB128, unsigned; of a signed one it is only the length that counts. */
static uint64_t leb(cursor *c)
{
    uint64_t value = 0;
    for (uint32_t shift = 0; shift < 70; shift += 7) {
        uint8_t b = byte(c);
        if (shift < 64)
            value |= (uint64_t)(b & 0x7f) << shift;
        if (!(b & 0x80))
            return value;
    }
    c->bad = true;
    return 0;
}

static cursor take(cursor *c, uint64_t n)
{
    if (n > (uint64_t)(c->end - c->at)) {
        c->bad = true;
        n = 0;
    }
    cursor part = {c->at, c->at + n, false};
    c->at += n;
    return part;
}

/* A count of things that take a byte each at least. */
static uint64_t count(cursor *c)
{
    uint64_t n = leb(c);
    if (n <= (uint64_t)(c->end - c->at))
        return n;
    c->bad = true;
    return 0;
}

/* A text; NULL where there is no memory. */
static const char *text(object *o, cursor *c)
{
    cursor from = take(c, leb(c));
    size_t n = (size_t)(from.end - from.at);
    char *copy = ln_arena_alloc(o->g->arena, n + 1, 1);
    if (!copy) {
        c->bad = true;
        return NULL;
    }
    if (n)
        memcpy(copy, from.at, n);
    copy[n] = 0;
    return copy;
}

static void limits(cursor *c)
{
    uint64_t flags = leb(c);
    leb(c);
    if (flags & 1)
        leb(c);
}

static void imports(object *o, cursor *c)
{
    uint64_t n = count(c);
    o->imports = ln_arena_array(o->g->arena, (int64_t)n + 1, sizeof *o->imports);
    c->bad |= !o->imports;
    for (; n && !c->bad; n--) {
        take(c, leb(c));
        const char *name = text(o, c);
        switch (byte(c)) {
        case KIND_FUNCTION:
            leb(c);
            o->imports[o->n_imports++] = name;
            break;
        case KIND_TABLE:
            byte(c);
            limits(c);
            break;
        case KIND_MEMORY:
            limits(c);
            break;
        case KIND_GLOBAL:
            byte(c);
            byte(c);
            break;
        case KIND_TAG:
            byte(c);
            leb(c);
            break;
        default:
            c->bad = true;
        }
    }
}

/* The address of a segment: a constant expression, of one instruction and its end. */
static void address(cursor *c)
{
    enum { END = 0x0b };
    byte(c);
    leb(c);
    c->bad |= byte(c) != END;
}

static void pieces_of(object *o, pieces *p, cursor *c, uint64_t index, bool data)
{
    const uint8_t *start = c->at;
    p->n = (size_t)count(c);
    p->index = index;
    p->first = o->g->n_parts;
    p->spans = ln_arena_array(o->g->arena, (int64_t)p->n + 1, sizeof *p->spans);
    c->bad |= !p->spans;
    for (size_t i = 0; i < p->n && !c->bad; i++) {
        const uint8_t *from = c->at;
        if (data) {
            uint64_t flags = leb(c);
            if (flags == 2) /* of a memory that is named */
                leb(c);
            if (flags != 1) /* not passive */
                address(c);
        }
        cursor body = take(c, leb(c));
        p->spans[i] = (span){(size_t)((data ? body.at : from) - start), (size_t)(c->at - start)};
        ln_code_part part = {.size = p->spans[i].end - p->spans[i].begin, .align = 1, .loaded = true};
        c->bad |= !ln_code_add_part(o->g, &part);
    }
}

static bool begins(const char *name, const char *with)
{
    return !strncmp(name, with, strlen(with));
}

static void segment_info(object *o, cursor *c)
{
    uint64_t n = count(c);
    for (uint64_t i = 0; i < n && !c->bad; i++) {
        const char *name = text(o, c);
        uint64_t align = leb(c);
        leb(c);
        if (c->bad || i >= o->segments.n || align > 31) {
            c->bad = true;
            break;
        }
        ln_code_part *part = &o->g->parts[o->segments.first + i];
        part->align = UINT64_C(1) << align;
        part->zero = begins(name, ".bss");
        part->written = part->zero || begins(name, ".data");
    }
}

static void symbol_of_function(object *o, cursor *c, symbol *s, uint64_t flags)
{
    uint64_t index = leb(c);
    if (!(flags & IS_UNDEFINED) || (flags & IS_NAMED))
        s->name = text(o, c);
    else if (index < o->n_imports)
        s->name = o->imports[index];
    else
        c->bad = true;
    if (flags & IS_UNDEFINED)
        return;
    if (index < o->n_imports || index - o->n_imports >= o->functions.n)
        c->bad = true;
    else
        s->part = o->functions.first + (size_t)(index - o->n_imports);
}

static void symbol_of_data(object *o, cursor *c, symbol *s, uint64_t flags)
{
    s->name = text(o, c);
    if (flags & IS_UNDEFINED)
        return;
    uint64_t index = leb(c);
    leb(c); /* where in the segment, and how large */
    leb(c);
    if (index >= o->segments.n)
        c->bad = true;
    else
        s->part = o->segments.first + (size_t)index;
}

static void symbol_table(object *o, cursor *c)
{
    o->n_symbols = count(c);
    o->symbols = ln_arena_array(o->g->arena, (int64_t)o->n_symbols + 1, sizeof *o->symbols);
    c->bad |= !o->symbols;
    for (uint64_t i = 0; i < o->n_symbols && !c->bad; i++) {
        uint8_t kind = byte(c);
        uint64_t flags = leb(c);
        symbol *s = &o->symbols[i];
        *s = (symbol){.part = LN_CODE_ELSEWHERE, .followed = kind == SYMBOL_FUNCTION || kind == SYMBOL_DATA};
        if (kind == SYMBOL_FUNCTION) {
            symbol_of_function(o, c, s, flags);
        } else if (kind == SYMBOL_DATA) {
            symbol_of_data(o, c, s, flags);
        } else { /* the stack's pointer, the table of functions: the linker makes them */
            leb(c);
            if (kind != SYMBOL_SECTION && (!(flags & IS_UNDEFINED) || (flags & IS_NAMED)))
                take(c, leb(c));
        }
        if (c->bad || s->part == LN_CODE_ELSEWHERE)
            continue;
        if (!o->g->parts[s->part].name)
            o->g->parts[s->part].name = s->name;
        if (!(flags & IS_LOCAL))
            c->bad |= !ln_code_add_symbol(o->g, s->name, s->part);
    }
}

static void linking(object *o, cursor *c)
{
    c->bad |= leb(c) != LINKING_VERSION;
    while (c->at < c->end && !c->bad) {
        uint8_t kind = byte(c);
        cursor part = take(c, leb(c));
        if (kind == SYMBOL_TABLE)
            symbol_table(o, &part);
        else if (kind == SEGMENT_INFO)
            segment_info(o, &part);
        c->bad |= part.bad;
    }
}

/* The piece that holds the place, or p->n. */
static size_t piece_at(const pieces *p, uint64_t place)
{
    size_t low = 0, high = p->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (p->spans[middle].end <= place)
            low = middle + 1;
        else
            high = middle;
    }
    return low < p->n && p->spans[low].begin <= place ? low : p->n;
}

static bool has_addend(uint8_t type)
{
    enum { MEMORY_ADDR_LEB = 3, MEMORY_ADDR_I32 = 5, FUNCTION_OFFSET_I32 = 8, SECTION_OFFSET_I32 = 9 };
    enum { REL_SLEB = 11, LEB64 = 14, REL_SLEB64 = 17, TLS_SLEB = 21, FUNCTION_OFFSET_I64 = 22, LOCREL_I32 = 23 };
    enum { TLS_SLEB64 = 25 };
    return (type >= MEMORY_ADDR_LEB && type <= MEMORY_ADDR_I32) || type == FUNCTION_OFFSET_I32 ||
           type == SECTION_OFFSET_I32 || type == REL_SLEB || (type >= LEB64 && type <= REL_SLEB64) ||
           (type >= TLS_SLEB && type <= LOCREL_I32) || type == TLS_SLEB64;
}

static void relocations(object *o, cursor *c)
{
    enum { TYPE_INDEX_LEB = 6 };
    uint64_t section = leb(c), n = count(c);
    const pieces *p = section == o->functions.index ? &o->functions : &o->segments;
    if (section != p->index) /* of what a debugger reads */
        return;
    for (; n && !c->bad; n--) {
        uint8_t type = byte(c);
        uint64_t place = leb(c), which = leb(c);
        if (has_addend(type))
            leb(c);
        size_t piece = piece_at(p, place);
        if (type == TYPE_INDEX_LEB || piece == p->n)
            continue;
        if (which >= o->n_symbols) {
            c->bad = true;
            break;
        }
        const symbol *s = &o->symbols[which];
        if (s->followed)
            c->bad |= !ln_code_add_edge(o->g, p->first + piece, s->part, s->name);
    }
}

bool ln_code_read_wasm(ln_code_graph *g, const uint8_t *data, size_t size)
{
    enum { HEADER = 8 };
    object o = {.g = g, .functions.index = UINT64_MAX, .segments.index = UINT64_MAX};
    cursor all = {data, data + size, false};
    take(&all, HEADER);
    for (uint64_t index = 0; all.at < all.end && !all.bad; index++) {
        uint8_t id = byte(&all);
        cursor c = take(&all, leb(&all));
        if (id == IMPORT) {
            imports(&o, &c);
        } else if (id == CODE || id == DATA) {
            pieces_of(&o, id == CODE ? &o.functions : &o.segments, &c, index, id == DATA);
        } else if (id == CUSTOM) {
            const char *name = text(&o, &c);
            if (name && !strcmp(name, "linking"))
                linking(&o, &c);
            else if (name && begins(name, "reloc."))
                relocations(&o, &c);
        }
        all.bad |= c.bad;
    }
    return !all.bad;
}
