/* SPDX-License-Identifier: Apache-2.0
 *
 * NumPy's .npy (versions 1 to 3) and .npz (a ZIP archive of them; stored or deflated, through zlib). Little- and
 * big-endian numbers, C and Fortran order, unicode and byte strings. Written files are version 1, little-endian.
 * Types that NumPy has not (bfloat16, float8, the 4- and 2-bit ones) are written as their bytes.
 * Specification: numpy.lib.format; PKWARE APPNOTE 6.3.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tools/tool.h"

#ifdef LN_HAVE_MEDIA
#include <zlib.h>

#include "engine/library.h"

static ln_library library;
#define inflateInit2_ LN_FROM(library, inflateInit2_)
#define inflate LN_FROM(library, inflate)
#define inflateEnd LN_FROM(library, inflateEnd)
#endif

/* -- reading a .npy ------------------------------------------------------------------------------------------------ */

typedef struct header {
    char order, code; /* '<', '>', '|'; NumPy's kind letter */
    size_t item;      /* bytes; 'U': characters */
    bool fortran;
    int32_t rank;
    int64_t dims[LINNET_MAX_RANK];
} header;

static const char *after(const char *text, const char *key)
{
    const char *p = strstr(text, key);
    if (!p)
        return NULL;
    p += strlen(key);
    while (*p == ' ' || *p == ':')
        p++;
    return p;
}

static bool parse_shape(const char *p, header *h)
{
    if (!p || *p++ != '(')
        return false;
    for (;;) {
        while (*p == ' ' || *p == ',')
            p++;
        if (*p == ')')
            return true;
        char *end;
        long long n = strtoll(p, &end, 10);
        if (end == p || n < 0 || h->rank == LINNET_MAX_RANK)
            return false;
        h->dims[h->rank++] = n;
        p = *end == 'L' ? end + 1 : end;
    }
}

/* The header is a Python dictionary: {'descr': '<f4', 'fortran_order': False, 'shape': (1, 2), } */
static bool parse_header(const char *text, header *h)
{
    const char *descr = after(text, "'descr'"), *order = after(text, "'fortran_order'");
    if (!descr || *descr++ != '\'' || !strchr("<>|=", *descr) || !descr[0] || !descr[1] || !order)
        return false;
    h->order = descr[0] == '=' ? '<' : descr[0];
    h->code = descr[1];
    h->item = (size_t)strtoul(descr + 2, NULL, 10);
    h->fortran = !strncmp(order, "True", 4);
    return parse_shape(after(text, "'shape'"), h);
}

static linnet_type type_of(const header *h)
{
    static const struct {
        char code;
        uint8_t item, type;
    } known[] = {
        {'f', 2, LINNET_FLOAT16},   {'f', 4, LINNET_FLOAT32},     {'f', 8, LINNET_FLOAT64}, {'i', 1, LINNET_INT8},
        {'i', 2, LINNET_INT16},     {'i', 4, LINNET_INT32},       {'i', 8, LINNET_INT64},   {'u', 1, LINNET_UINT8},
        {'u', 2, LINNET_UINT16},    {'u', 4, LINNET_UINT32},      {'u', 8, LINNET_UINT64},  {'b', 1, LINNET_BOOL},
        {'c', 8, LINNET_COMPLEX64}, {'c', 16, LINNET_COMPLEX128},
    };
    if (h->code == 'U' || h->code == 'S')
        return LINNET_STRING;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (known[i].code == h->code && known[i].item == h->item)
            return (linnet_type)known[i].type;
    return LINNET_UNDEFINED;
}

/* The place in the file of element i of the row-major order. */
static int64_t place(const header *h, int64_t i)
{
    if (!h->fortran || h->rank < 2)
        return i;
    int64_t index[LINNET_MAX_RANK], at = 0;
    for (int32_t d = h->rank - 1; d >= 0; d--) {
        index[d] = i % h->dims[d];
        i /= h->dims[d];
    }
    for (int32_t d = h->rank - 1; d >= 0; d--)
        at = at * h->dims[d] + index[d];
    return at;
}

static size_t utf8(uint32_t c, char *to)
{
    if (c < 0x80) {
        to[0] = (char)c;
        return 1;
    }
    size_t n = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    for (size_t k = n; --k; c >>= 6)
        to[k] = (char)(0x80 | (c & 0x3f));
    to[0] = (char)((n == 2 ? 0xc0 : n == 3 ? 0xe0 : 0xf0) | c);
    return n;
}

/* Fixed-width strings, padded with zeros; 'U' is UTF-32. */
static bool decode_string(ln_arena *arena, const header *h, const uint8_t *from, linnet_string *to)
{
    char *text = ln_arena_alloc(arena, 4 * h->item + 1, 1);
    if (!text)
        return false;
    *to = (linnet_string){text, 0};
    for (size_t k = 0; k < h->item; k++) {
        uint32_t c = from[k];
        if (h->code == 'U') {
            const uint8_t *p = from + 4 * k;
            c = h->order == '>' ? (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3]
                                : (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 | p[0];
            to->size += utf8(c & 0x1fffff, text + to->size);
        } else {
            text[to->size++] = (char)c;
        }
    }
    while (to->size && !text[to->size - 1])
        to->size--;
    return true;
}

static bool decode_elements(ln_arena *arena, const header *h, const uint8_t *from, linnet_value *v)
{
    int64_t n = linnet_value_count(v);
    size_t stride = h->code == 'U' ? 4 * h->item : h->item;
    if (v->type != LINNET_STRING && !h->fortran && h->order != '>') {
        if (n)
            memcpy(v->data, from, (size_t)n * stride);
        return true;
    }
    size_t part = h->code == 'c' ? stride / 2 : stride; /* what a byte order applies to */
    for (int64_t i = 0; i < n; i++) {
        const uint8_t *p = from + (size_t)place(h, i) * stride;
        if (v->type == LINNET_STRING) {
            if (!decode_string(arena, h, p, (linnet_string *)v->data + i))
                return false;
            continue;
        }
        uint8_t *to = (uint8_t *)v->data + (size_t)i * stride;
        for (size_t k = 0; k < stride; k++)
            to[k] = p[h->order == '>' ? k - k % part + (part - 1 - k % part) : k];
    }
    return true;
}

/* The elements need no copy: the file stays in the arena as long as the value. */
static bool as_it_lies(const header *h, linnet_type type, const uint8_t *from)
{
    return type != LINNET_STRING && !h->fortran && h->order != '>' && (uintptr_t)from % 64 == 0;
}

bool ln_npy_decode(ln_arena *arena, const char *path, const uint8_t *data, size_t size, linnet_value *v)
{
    header h = {0};
    if (size < 12 || memcmp(data, "\x93NUMPY", 6)) {
        ln_bad("%s: not a .npy file", path);
        return false;
    }
    size_t start = data[6] == 1 ? 10 : 12;
    size_t length = data[8] | (size_t)data[9] << 8;
    if (data[6] > 1)
        length |= (size_t)data[10] << 16 | (size_t)data[11] << 24;
    char *text = length <= size - start ? ln_arena_strndup(arena, (const char *)data + start, length) : NULL;
    if (!text || !parse_header(text, &h)) {
        ln_bad("%s: the header of the array is damaged, or it has more than %d dimensions", path, LINNET_MAX_RANK);
        return false;
    }
    linnet_type type = type_of(&h);
    if (type == LINNET_UNDEFINED) {
        ln_bad("%s: arrays of NumPy type '%c%zu' cannot be read", path, h.code, h.item);
        return false;
    }
    size_t bytes = h.code == 'U' ? 4 : 1, left = size - start - length;
    bool fits = ln_size_mul(bytes, h.item, &bytes);
    for (int32_t i = 0; i < h.rank; i++)
        fits = fits && ln_size_mul(bytes, (size_t)h.dims[i], &bytes);
    if (!fits || bytes > left) {
        ln_bad("%s: the file ends before the array does", path);
        return false;
    }
    const uint8_t *from = data + start + length;
    if (as_it_lies(&h, type, from)) {
        *v = (linnet_value){.kind = LINNET_TENSOR, .type = type, .rank = h.rank, .data = (void *)(uintptr_t)from};
        memcpy(v->dims, h.dims, sizeof v->dims);
        return true;
    }
    if (!ln_value_new(arena, v, type, h.rank, h.dims))
        return false;
    if (!decode_elements(arena, &h, from, v)) {
        ln_bad("%s: out of memory", path);
        return false;
    }
    return true;
}

/* -- reading a .npz ------------------------------------------------------------------------------------------------ */

static uint32_t le16(const uint8_t *p)
{
    return p[0] | (uint32_t)p[1] << 8;
}

static uint32_t le32(const uint8_t *p)
{
    return le16(p) | le16(p + 2) << 16;
}

static uint64_t le64(const uint8_t *p)
{
    return le32(p) | (uint64_t)le32(p + 4) << 32;
}

typedef struct entry {
    const char *name;
    size_t name_size; /* without ".npy" */
    uint32_t method;
    uint64_t packed, size, offset;
} entry;

/* The end record of the archive; NULL: there is none. */
static const uint8_t *zip_end(const ln_bytes *f)
{
    for (size_t back = 22; back <= f->size && back < 65600; back++)
        if (le32(f->data + f->size - back) == 0x06054b50)
            return f->data + f->size - back;
    return NULL;
}

/* Reads the entry of the central directory at *at and moves *at on. */
static bool zip_entry(const ln_bytes *f, uint64_t *at, entry *e)
{
    if (*at > f->size || f->size - *at < 46 || le32(f->data + *at) != 0x02014b50)
        return false;
    const uint8_t *p = f->data + *at;
    size_t name = le16(p + 28), extra = le16(p + 30), comment = le16(p + 32);
    if (f->size - *at < 46 + name + extra + comment)
        return false;
    *e = (entry){.name = (const char *)p + 46,
                 .name_size = name,
                 .method = le16(p + 10),
                 .packed = le32(p + 20),
                 .size = le32(p + 24),
                 .offset = le32(p + 42)};
    if (name > 4 && !memcmp(e->name + name - 4, ".npy", 4))
        e->name_size -= 4;
    for (const uint8_t *x = p + 46 + name, *end = x + extra; end - x >= 4;) {
        size_t n = le16(x + 2);
        if ((size_t)(end - x) < 4 + n)
            break;
        if (le16(x) == 1) { /* ZIP64: the fields that did not fit, in this order */
            const uint8_t *q = x + 4, *stop = q + n;
            uint64_t *const fields[] = {&e->size, &e->packed, &e->offset};
            for (int i = 0; i < 3; i++)
                if (*fields[i] == UINT32_MAX && stop - q >= 8) {
                    *fields[i] = le64(q);
                    q += 8;
                }
        }
        x += 4 + n;
    }
    *at += 46 + name + extra + comment;
    return true;
}

static bool zip_find(const ln_bytes *f, const char *key, entry *found, int *count)
{
    const uint8_t *end = zip_end(f);
    uint64_t at = end ? le32(end + 16) : 0;
    *count = end ? (int)le16(end + 10) : 0;
    for (int i = 0; i < *count && zip_entry(f, &at, found); i++)
        if (!key || (strlen(key) == found->name_size && !memcmp(key, found->name, found->name_size)))
            return true;
    return false;
}

bool ln_npz_has(const ln_bytes *file, const char *key)
{
    entry e;
    int count;
    return zip_find(file, key, &e, &count);
}

#ifdef LN_HAVE_MEDIA
static uint8_t *zip_inflate(ln_arena *arena, uint8_t *packed, const entry *e)
{
    if (e->size > 1100 * (e->packed + 1)) /* deflate packs at most 1032 to 1 */
        return NULL;
    if (!ln_library_open(&library, LN_SO_Z)) {
        ln_bad("%.*s: this machine has no %s", (int)e->name_size, e->name, LN_SO_Z);
        return NULL;
    }
    uint8_t *out = ln_arena_alloc(arena, (size_t)e->size + 1, 64);
    z_stream z = {.next_in = packed, .next_out = out};
    if (!out || e->packed > UINT32_MAX || e->size > UINT32_MAX || inflateInit2(&z, -MAX_WBITS) != Z_OK)
        return NULL;
    z.avail_in = (uInt)e->packed;
    z.avail_out = (uInt)e->size;
    int result = inflate(&z, Z_FINISH);
    bool whole = (result == Z_STREAM_END || result == Z_OK || result == Z_BUF_ERROR) && z.total_out == e->size;
    inflateEnd(&z);
    return whole ? out : NULL;
}
#else
static uint8_t *zip_inflate(ln_arena *arena, uint8_t *packed, const entry *e)
{
    (void)arena, (void)packed;
    ln_bad("%.*s: this build reads no compressed archives", (int)e->name_size, e->name);
    return NULL;
}
#endif

static uint8_t *zip_unpack(ln_arena *arena, const ln_bytes *f, const entry *e)
{
    if (e->offset > f->size || f->size - e->offset < 30)
        return NULL;
    const uint8_t *p = f->data + e->offset;
    uint64_t start = e->offset + 30 + le16(p + 26) + le16(p + 28);
    if (start > f->size || e->packed > f->size - start || e->size > (UINT64_C(1) << 34))
        return NULL;
    if (e->method == 0)
        return e->size <= e->packed ? f->data + start : NULL;
    return e->method == 8 ? zip_inflate(arena, f->data + start, e) : NULL;
}

bool ln_npz_decode(ln_arena *arena, const char *path, const ln_bytes *file, const char *key, linnet_value *v)
{
    entry e;
    int count;
    if (!zip_find(file, key, &e, &count) && (count != 1 || !zip_find(file, NULL, &e, &count))) {
        if (count)
            ln_bad("%s: no array '%s' among the %d of the archive", path, key ? key : "", count);
        else
            ln_bad("%s: not an .npz file, or an empty or damaged one", path);
        return false;
    }
    const uint8_t *data = zip_unpack(arena, file, &e);
    if (!data) {
        ln_bad("%s: array '%.*s' cannot be unpacked", path, (int)e.name_size, e.name);
        return false;
    }
    return ln_npy_decode(arena, path, data, (size_t)e.size, v);
}

/* -- writing ------------------------------------------------------------------------------------------------------- */

static const char *descr_of(linnet_type type)
{
    static const char *const names[LINNET_TYPE_COUNT] = {
        [LINNET_FLOAT32] = "<f4", [LINNET_FLOAT64] = "<f8",   [LINNET_FLOAT16] = "<f2",     [LINNET_BFLOAT16] = "<u2",
        [LINNET_INT8] = "|i1",    [LINNET_INT16] = "<i2",     [LINNET_INT32] = "<i4",       [LINNET_INT64] = "<i8",
        [LINNET_UINT8] = "|u1",   [LINNET_UINT16] = "<u2",    [LINNET_UINT32] = "<u4",      [LINNET_UINT64] = "<u8",
        [LINNET_BOOL] = "|b1",    [LINNET_COMPLEX64] = "<c8", [LINNET_COMPLEX128] = "<c16", [LINNET_INT4] = "|i1",
        [LINNET_INT2] = "|i1",
    };
    return names[type] ? names[type] : "|u1";
}

/* Strings as 'S' of the longest. */
static uint8_t *flat_strings(ln_arena *arena, const linnet_value *v, size_t *width)
{
    const linnet_string *s = v->data;
    int64_t n = linnet_value_count(v);
    *width = 1;
    for (int64_t i = 0; i < n; i++)
        *width = s[i].size > *width ? s[i].size : *width;
    uint8_t *flat = ln_arena_zalloc(arena, (size_t)n * *width + 1, 1);
    for (int64_t i = 0; flat && i < n; i++)
        if (s[i].size)
            memcpy(flat + (size_t)i * *width, s[i].data, s[i].size);
    return flat;
}

bool ln_npy_write(ln_arena *arena, const char *path, const linnet_value *v)
{
    char dict[512], shape[256] = "", descr[32];
    size_t item = linnet_type_size(v->type);
    const uint8_t *data = v->data;
    for (int32_t i = 0; i < v->rank; i++) {
        size_t at = strlen(shape);
        snprintf(shape + at, sizeof shape - at, "%" PRId64 ",%s", v->dims[i], i + 1 < v->rank ? " " : "");
    }
    snprintf(descr, sizeof descr, "%s", descr_of(v->type));
    if (v->type == LINNET_STRING) {
        data = flat_strings(arena, v, &item);
        snprintf(descr, sizeof descr, "|S%zu", item);
    }
    int n = snprintf(dict, sizeof dict, "{'descr': '%s', 'fortran_order': False, 'shape': (%s), }", descr, shape);
    size_t length = ((size_t)n + 1 + 10 + 63) / 64 * 64 - 10, bytes = (size_t)linnet_value_count(v) * item;
    if (!data) {
        ln_bad("%s: out of memory", path);
        return false;
    }
    uint8_t head[10 + sizeof dict + 64] = "\x93NUMPY\x01"; /* with the minor version 0 */
    head[8] = (uint8_t)(length & 255);
    head[9] = (uint8_t)(length >> 8);
    memset(head + 10, ' ', length);
    memcpy(head + 10, dict, (size_t)n);
    head[10 + length - 1] = '\n';
    return ln_write_file(path, head, 10 + length, data, bytes);
}
