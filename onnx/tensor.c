/* SPDX-License-Identifier: Apache-2.0
 *
 * TensorProto -> elements in memory: raw, typed or external storage, every element type, sparse tensors made dense.
 * The count of elements must be exactly what the dimensions say. What can stay where it was decoded or mapped stays.
 */
#include <stdio.h>
#include <string.h>

#include "onnx/import.h"

enum { EXTERNAL = 1 };

linnet_status ln_import_fail(const ln_source *s, linnet_status status, const char *format, ...)
{
    if (!s->error)
        return status;
    char text[sizeof s->error->text], op[128];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (s->op)
        snprintf(op, sizeof op, "%.40s%s%.60s", s->domain, s->domain[0] ? "." : "", s->op);
    return ln_error_set(s->error, status, s->node, s->op ? op : NULL, "%s", text);
}

linnet_status ln_import_no_memory(const ln_source *s)
{
    return ln_import_fail(s, LINNET_ERR_MEMORY, "out of memory");
}

const void *ln_import_keep(const ln_source *s, const void *bytes, size_t size)
{
    if (size < LN_BLOCK_MIN || !s->mappings)
        return ln_arena_dup(s->arena, bytes, size, size < 64 ? 16 : 64);
    ln_block_keep(bytes);
    return bytes;
}

const char *ln_import_text(const ln_source *s, const char *text)
{
    return text && text[0] ? ln_arena_strndup(s->arena, text, strlen(text)) : "";
}

bool ln_import_string(const ln_source *s, const ProtobufCBinaryData *from, linnet_string *to)
{
    to->size = from->len;
    to->data = from->len ? ln_arena_strndup(s->arena, (const char *)from->data, from->len) : "";
    return to->data != NULL;
}

unsigned ln_packed_bits(linnet_type type)
{
    switch (type) {
    case LINNET_UINT4:
    case LINNET_INT4:
    case LINNET_FLOAT4E2M1:
        return 4;
    case LINNET_UINT2:
    case LINNET_INT2:
        return 2;
    case LINNET_FLOAT6E2M3:
    case LINNET_FLOAT6E3M2:
        return 6;
    default:
        return 0;
    }
}

int64_t ln_per_byte(linnet_type type)
{
    unsigned bits = ln_packed_bits(type);
    return bits ? 8 / bits : 1;
}

size_t ln_packed_size(linnet_type type, int64_t n)
{
    unsigned bits = ln_packed_bits(type);
    return bits ? (size_t)n / 8 * bits + ((size_t)n % 8 * bits + 7) / 8 : (size_t)n * linnet_type_size(type);
}

static void unpack(uint8_t *to, const uint8_t *from, linnet_type type, int64_t n)
{
    unsigned bits = ln_packed_bits(type), mask = (1u << bits) - 1;
    bool is_signed = type == LINNET_INT4 || type == LINNET_INT2;
    for (int64_t i = 0; i < n; i++) {
        unsigned shift = (unsigned)(i % 8) * bits, v;
        const uint8_t *at = from + i / 8 * bits + shift / 8;
        v = at[0] >> shift % 8;
        if (shift % 8 + bits > 8)
            v |= (unsigned)at[1] << (8 - shift % 8);
        v &= mask;
        if (is_signed && v >> (bits - 1))
            v |= ~mask;
        to[i] = (uint8_t)v;
    }
}

/* Bytes in the layout of files -> elements. in_place: they are a mapping or block that stays. */
static const void *elements(const ln_source *s, const void *bytes, linnet_type type, int64_t n, bool mapped)
{
    size_t size = (size_t)n * linnet_type_size(type), natural = linnet_type_size(type);
    if (natural > 8)
        natural = 8;
    if (ln_packed_bits(type)) {
        uint8_t *to = ln_arena_alloc(s->arena, size, 64);
        if (to)
            unpack(to, bytes, type, n);
        return to;
    }
    bool as_is = true;
    for (int64_t i = 0; type == LINNET_BOOL && as_is && i < n; i++)
        as_is = ((const uint8_t *)bytes)[i] <= 1;
    if (!as_is) {
        uint8_t *to = ln_arena_alloc(s->arena, size, 64);
        for (int64_t i = 0; to && i < n; i++)
            to[i] = ((const uint8_t *)bytes)[i] != 0;
        return to;
    }
    if (mapped)
        return (uintptr_t)bytes % natural == 0 ? bytes : ln_arena_dup(s->arena, bytes, size, 64);
    return ln_import_keep(s, bytes, size);
}

/* -- typed storage ------------------------------------------------------------------------------------------------- */

typedef struct label {
    const char *what, *name;
    const ln_info *info;
} label;

static linnet_status wrong_count(const ln_source *s, const label *l, size_t found, const char *field, size_t expected,
                                 linnet_type type)
{
    char shape[200];
    ln_dims_text(shape, sizeof shape, l->info->rank, l->info->dims);
    return ln_import_fail(s, LINNET_ERR_MODEL, "%s '%.100s' has %zu %s, expected %zu for %s %s", l->what, l->name,
                          found, field, expected, linnet_type_name(type), shape);
}

/* int32_data holds what has at most 16 bits: a number or bits, so either range is right. */
static linnet_status narrow(const ln_source *s, const label *l, const Onnx__TensorProto *t, linnet_type type, int64_t n,
                            const void **data)
{
    size_t count = ln_per_byte(type) > 1 ? ln_packed_size(type, n) : (size_t)n, size = linnet_type_size(type);
    if (t->n_int32_data != count)
        return wrong_count(s, l, t->n_int32_data, "entries in int32_data", count, type);
    uint8_t *to = ln_arena_alloc(s->arena, count * size, 64);
    if (!to)
        return ln_import_no_memory(s);
    int32_t low = size == 1 ? INT8_MIN : INT16_MIN, high = size == 1 ? UINT8_MAX : UINT16_MAX;
    if (ln_packed_bits(type) == 6)
        low = 0, high = 63;
    for (size_t i = 0; i < count; i++) {
        int32_t v = t->int32_data[i];
        if (v < low || v > high)
            return ln_import_fail(s, LINNET_ERR_MODEL, "%s '%.100s': element %zu is %d, out of the range of %s",
                                  l->what, l->name, i, v, linnet_type_name(type));
        if (size == 1)
            to[i] = type == LINNET_BOOL ? v != 0 : (uint8_t)v;
        else
            ((uint16_t *)(void *)to)[i] = (uint16_t)v;
    }
    if (ln_per_byte(type) > 1) {
        uint8_t *unpacked = ln_arena_alloc(s->arena, (size_t)n, 64);
        if (!unpacked)
            return ln_import_no_memory(s);
        unpack(unpacked, to, type, n);
        to = unpacked;
    }
    *data = to;
    return LINNET_OK;
}

static linnet_status narrow_u32(const ln_source *s, const label *l, const Onnx__TensorProto *t, int64_t n,
                                const void **data)
{
    if (t->n_uint64_data != (size_t)n)
        return wrong_count(s, l, t->n_uint64_data, "entries in uint64_data", (size_t)n, LINNET_UINT32);
    uint32_t *to = ln_arena_alloc(s->arena, (size_t)n * sizeof *to, 64);
    if (!to)
        return ln_import_no_memory(s);
    for (int64_t i = 0; i < n; i++) {
        if (t->uint64_data[i] > UINT32_MAX)
            return ln_import_fail(s, LINNET_ERR_MODEL, "%s '%.100s': element %lld is %llu, out of the range of uint32",
                                  l->what, l->name, (long long)i, (unsigned long long)t->uint64_data[i]);
        to[i] = (uint32_t)t->uint64_data[i];
    }
    *data = to;
    return LINNET_OK;
}

static linnet_status strings(const ln_source *s, const label *l, const Onnx__TensorProto *t, int64_t n,
                             const void **data)
{
    if (t->n_string_data != (size_t)n)
        return wrong_count(s, l, t->n_string_data, "entries in string_data", (size_t)n, LINNET_STRING);
    linnet_string *to = ln_arena_array(s->arena, n, sizeof *to);
    if (!to)
        return ln_import_no_memory(s);
    for (int64_t i = 0; i < n; i++)
        if (!ln_import_string(s, &t->string_data[i], &to[i]))
            return ln_import_no_memory(s);
    *data = to;
    return LINNET_OK;
}

static linnet_status typed(const ln_source *s, const label *l, const Onnx__TensorProto *t, linnet_type type, int64_t n,
                           const void **data)
{
    const void *from;
    const char *field;
    size_t found, expected = (size_t)n, size = linnet_type_size(type);
    switch (type) {
    case LINNET_FLOAT32:
    case LINNET_COMPLEX64:
        from = t->float_data, found = t->n_float_data, field = "entries in float_data";
        expected = (size_t)n * (size / sizeof(float));
        break;
    case LINNET_FLOAT64:
    case LINNET_COMPLEX128:
        from = t->double_data, found = t->n_double_data, field = "entries in double_data";
        expected = (size_t)n * (size / sizeof(double));
        break;
    case LINNET_INT32:
        from = t->int32_data, found = t->n_int32_data, field = "entries in int32_data";
        break;
    case LINNET_INT64:
        from = t->int64_data, found = t->n_int64_data, field = "entries in int64_data";
        break;
    case LINNET_UINT64:
        from = t->uint64_data, found = t->n_uint64_data, field = "entries in uint64_data";
        break;
    case LINNET_UINT32:
        return narrow_u32(s, l, t, n, data);
    case LINNET_STRING:
        return strings(s, l, t, n, data);
    default:
        return narrow(s, l, t, type, n, data);
    }
    if (found != expected)
        return wrong_count(s, l, found, field, expected, type);
    *data = ln_import_keep(s, from, (size_t)n * size);
    return *data ? LINNET_OK : ln_import_no_memory(s);
}

/* -- tensors ------------------------------------------------------------------------------------------------------- */

/* What no tensor is larger than, in bytes: what an address holds, and 2^59 where it holds more. */
#define MOST_BYTES (PTRDIFF_MAX < INT64_MAX / 16 ? PTRDIFF_MAX : INT64_MAX / 16)

static linnet_status dimensions(const ln_source *s, const label *l, size_t n_dims, const int64_t *dims,
                                linnet_type type, ln_info *info, int64_t *count)
{
    if (n_dims > LN_MAX_RANK)
        return ln_import_fail(s, LINNET_ERR_UNSUPPORTED, "%s '%.100s' has %zu dimensions, at most %d are supported",
                              l->what, l->name, n_dims, LN_MAX_RANK);
    int64_t n = (int64_t)linnet_type_size(type);
    bool empty = false, large = false;
    for (size_t i = 0; i < n_dims; i++) {
        if (dims[i] < 0)
            return ln_import_fail(s, LINNET_ERR_MODEL, "%s '%.100s': dimension %zu is %lld", l->what, l->name, i,
                                  (long long)dims[i]);
        info->dims[i] = dims[i];
        empty = empty || dims[i] == 0;
        large = large || __builtin_mul_overflow(n, dims[i], &n) || n > MOST_BYTES;
    }
    if (large && !empty)
        return ln_import_fail(s, LINNET_ERR_MODEL, "%s '%.100s' is too large: its dimensions give more than %lld bytes",
                              l->what, l->name, (long long)MOST_BYTES);
    info->kind = LINNET_TENSOR;
    info->type = (uint8_t)type;
    info->rank = (int32_t)n_dims;
    *count = empty ? 0 : n / (int64_t)linnet_type_size(type);
    return LINNET_OK;
}

static linnet_status element_type(const ln_source *s, const label *l, const Onnx__TensorProto *t)
{
    if (t->data_type <= LINNET_UNDEFINED || t->data_type >= LINNET_TYPE_COUNT)
        return ln_import_fail(s, LINNET_ERR_MODEL, "%s '%.100s' has element type %d, which does not exist", l->what,
                              l->name, t->data_type);
    return LINNET_OK;
}

static bool has_typed(const Onnx__TensorProto *t)
{
    return t->n_float_data || t->n_int32_data || t->n_int64_data || t->n_double_data || t->n_uint64_data ||
           t->n_string_data;
}

linnet_status ln_import_tensor(ln_source *s, const Onnx__TensorProto *t, const char *what, const char *name,
                               ln_info *info)
{
    label l = {.what = what, .name = name, .info = info};
    int64_t n;
    *info = (ln_info){.kind = LINNET_TENSOR, .rank = -1};
    linnet_status st = element_type(s, &l, t);
    linnet_type type = (linnet_type)t->data_type;
    if (st == LINNET_OK)
        st = dimensions(s, &l, t->n_dims, t->dims, type, info, &n);
    if (st != LINNET_OK)
        return st;
    if (t->segment)
        return ln_import_fail(s, LINNET_ERR_UNSUPPORTED, "%s '%.100s' is stored in segments", what, name);
    if (t->data_location != 0 && t->data_location != EXTERNAL)
        return ln_import_fail(s, LINNET_ERR_MODEL, "%s '%.100s' has data location %d, which does not exist", what, name,
                              t->data_location);
    size_t packed = ln_packed_size(type, n);
    if (t->data_location == EXTERNAL) {
        const void *bytes;
        if (type == LINNET_STRING)
            return ln_import_fail(s, LINNET_ERR_MODEL, "%s '%.100s': strings cannot be external data", what, name);
        st = ln_import_external(s, t, what, name, packed, &bytes);
        if (st != LINNET_OK)
            return st;
        info->data = elements(s, bytes, type, n, packed > 0);
    } else if (t->has_raw_data && (t->raw_data.len || !has_typed(t)) && type != LINNET_STRING) {
        if (t->raw_data.len != packed)
            return wrong_count(s, &l, t->raw_data.len, "bytes of raw data", packed, type);
        info->data = elements(s, t->raw_data.data, type, n, false);
    } else {
        st = typed(s, &l, t, type, n, &info->data);
        if (st != LINNET_OK)
            return st;
    }
    return info->data ? LINNET_OK : ln_import_no_memory(s);
}

/* Linear position of entry i; -1: out of range. */
static int64_t position(const ln_info *indices, const ln_info *dense, int64_t i)
{
    const int64_t *at = indices->data;
    int64_t count = ln_info_count(dense);
    if (indices->rank == 1)
        return at[i] >= 0 && at[i] < count ? at[i] : -1;
    int64_t p = 0;
    for (int32_t d = 0; d < dense->rank; d++) {
        int64_t x = at[i * dense->rank + d];
        if (x < 0 || x >= dense->dims[d])
            return -1;
        p = p * dense->dims[d] + x;
    }
    return p;
}

linnet_status ln_import_sparse(ln_source *s, const Onnx__SparseTensorProto *t, const char *what, const char *name,
                               ln_info *info)
{
    label l = {.what = what, .name = name, .info = info};
    ln_info values, indices;
    int64_t n;
    *info = (ln_info){.kind = LINNET_TENSOR, .rank = -1};
    if (!t->values || !t->indices)
        return ln_import_fail(s, LINNET_ERR_MODEL, "%s '%.100s' is sparse, but has no %s", what, name,
                              t->values ? "indices" : "values");
    linnet_status st = ln_import_tensor(s, t->values, what, name, &values);
    if (st == LINNET_OK)
        st = ln_import_tensor(s, t->indices, what, name, &indices);
    if (st == LINNET_OK)
        st = dimensions(s, &l, t->n_dims, t->dims, (linnet_type)values.type, info, &n);
    if (st != LINNET_OK)
        return st;
    bool linear = indices.rank == 1, coordinates = indices.rank == 2 && indices.dims[1] == info->rank;
    if (values.rank != 1 || indices.type != LINNET_INT64 || !(linear || coordinates) ||
        indices.dims[0] != values.dims[0])
        return ln_import_fail(s, LINNET_ERR_MODEL, "%s '%.100s' is sparse, but its values and indices do not fit", what,
                              name);
    size_t size = linnet_type_size((linnet_type)values.type);
    char *to = ln_arena_zalloc(s->arena, (size_t)n * size, 64);
    if (!to)
        return ln_import_no_memory(s);
    for (int64_t i = 0; values.type == LINNET_STRING && i < n; i++)
        ((linnet_string *)(void *)to)[i].data = "";
    info->data = to;
    for (int64_t i = 0; i < values.dims[0]; i++) {
        int64_t at = position(&indices, info, i);
        if (at < 0)
            return ln_import_fail(s, LINNET_ERR_MODEL, "%s '%.100s': index %lld is out of range", what, name,
                                  (long long)i);
        memcpy(to + (size_t)at * size, (const char *)values.data + (size_t)i * size, size);
    }
    return LINNET_OK;
}
