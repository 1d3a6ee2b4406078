/* SPDX-License-Identifier: Apache-2.0
 *
 * Bytes of a .tflite file -> structures. Numbers that are read often are copied; long vectors stay in the file, so that
 * a file whose vectors overlap does not grow in memory.
 */
#include "tools/tflite/decode.h"

#include <string.h>

#include "tools/tflite/tflite.h"

enum { LONGEST_NAME = 255, MOST_ITEMS = 1 << 24, MOST_ENDS = 4096, VERSION = 3 };

typedef struct decoder {
    ln_tfl_file *file;
    ln_flat *f;
    ln_arena *arena;
    linnet_error *error;
    ln_flat_vector codes, buffers;
    int64_t items; /* tensors and operators, with the lists of the latter, so far */
} decoder;

static linnet_status fail(const decoder *d, linnet_status status, const char *text)
{
    return ln_error_set(d->error, status, NULL, NULL, "%s", text);
}

static linnet_status no_memory(const decoder *d)
{
    return fail(d, LINNET_ERR_MEMORY, "out of memory");
}

bool ln_is_tflite(const void *bytes, size_t size)
{
    return size >= 8 && memcmp((const uint8_t *)bytes + 4, "TFL3", 4) == 0;
}

const char *ln_tfl_text(ln_flat *f, ln_flat_vector text, ln_arena *arena)
{
    size_t n = text.n < LONGEST_NAME ? text.n : LONGEST_NAME;
    return ln_arena_strndup(arena, (const char *)f->data + text.at, n);
}

linnet_type ln_tfl_type(int32_t file_type, bool *complex)
{
    static const uint8_t types[TYPE_COUNT] = {
        [TYPE_FLOAT32] = LINNET_FLOAT32,
        [TYPE_FLOAT16] = LINNET_FLOAT16,
        [TYPE_INT32] = LINNET_INT32,
        [TYPE_UINT8] = LINNET_UINT8,
        [TYPE_INT64] = LINNET_INT64,
        [TYPE_STRING] = LINNET_STRING,
        [TYPE_BOOL] = LINNET_BOOL,
        [TYPE_INT16] = LINNET_INT16,
        [TYPE_COMPLEX64] = LINNET_FLOAT32,
        [TYPE_INT8] = LINNET_INT8,
        [TYPE_FLOAT64] = LINNET_FLOAT64,
        [TYPE_COMPLEX128] = LINNET_FLOAT64,
        [TYPE_UINT64] = LINNET_UINT64,
        [TYPE_UINT32] = LINNET_UINT32,
        [TYPE_UINT16] = LINNET_UINT16,
        [TYPE_INT4] = LINNET_INT4,
        [TYPE_BFLOAT16] = LINNET_BFLOAT16,
        [TYPE_UINT4] = LINNET_UINT4,
        [TYPE_FLOAT8E4M3FN] = LINNET_FLOAT8E4M3FN,
        [TYPE_FLOAT8E5M2] = LINNET_FLOAT8E5M2,
    };
    *complex = file_type == TYPE_COMPLEX64 || file_type == TYPE_COMPLEX128;
    return file_type >= 0 && file_type < TYPE_COUNT ? (linnet_type)types[file_type] : LINNET_UNDEFINED;
}

/* -- tensors ---------------------------------------------------------------------------------------------------------
 */

/* Elements where they lie in the file: inside the flatbuffer, or behind it by offset and size. */
static linnet_status buffer(decoder *d, int64_t index, ln_tfl_tensor *t)
{
    if (index < 0 || index >= d->buffers.n)
        return index ? fail(d, LINNET_ERR_MODEL, "a tensor names a buffer that is not there") : LINNET_OK;
    ln_flat_table b = ln_flat_item(d->f, d->buffers, (uint32_t)index);
    ln_flat_vector data = ln_flat_list(d->f, &b, BUFFER_DATA, 1);
    uint64_t offset = (uint64_t)ln_flat_int(d->f, &b, BUFFER_OFFSET, 8, 0);
    uint64_t size = (uint64_t)ln_flat_int(d->f, &b, BUFFER_SIZE, 8, 0);
    if (data.n) {
        t->data = d->f->data + data.at;
        t->bytes = data.n;
    } else if (offset > 1) { /* 1: a placeholder */
        if (offset > d->f->size || size > d->f->size - offset)
            return fail(d, LINNET_ERR_MODEL, "a buffer lies outside of the file");
        t->data = size ? d->f->data + offset : NULL;
        t->bytes = (size_t)size;
    }
    return LINNET_OK;
}

static linnet_status shape(decoder *d, const ln_flat_table *table, ln_tfl_tensor *t)
{
    ln_flat_vector dims = ln_flat_list(d->f, table, TENSOR_SHAPE, 4);
    ln_flat_vector signature = ln_flat_list(d->f, table, TENSOR_SIGNATURE, 4);
    if (dims.n + (t->complex ? 1u : 0u) > LINNET_MAX_RANK)
        return ln_error_set(d->error, LINNET_ERR_UNSUPPORTED, NULL, NULL, "tensor '%.100s' has %u dimensions", t->name,
                            dims.n);
    t->rank = (int32_t)dims.n;
    for (uint32_t i = 0; i < dims.n; i++) {
        bool fixed = signature.n != dims.n || ln_flat_at(d->f, signature, i, 4) >= 0;
        t->dims[i] = fixed ? ln_flat_at(d->f, dims, i, 4) : -1;
        if (t->dims[i] < -1 || (fixed && t->dims[i] < 0 && signature.n == dims.n))
            return ln_error_set(d->error, LINNET_ERR_MODEL, NULL, NULL, "tensor '%.100s' has a negative dimension",
                                t->name);
    }
    return LINNET_OK;
}

static linnet_status quantisation(decoder *d, const ln_flat_table *table, ln_tfl_tensor *t)
{
    ln_flat_table q = ln_flat_sub(d->f, table, TENSOR_QUANTIZATION);
    t->scales = ln_flat_list(d->f, &q, QUANT_SCALE, 4);
    t->zeros = ln_flat_list(d->f, &q, QUANT_ZERO, 8);
    t->axis = (int32_t)ln_flat_int(d->f, &q, QUANT_AXIS, 4, 0);
    t->blocks = ln_flat_int(d->f, &q, QUANT_DETAILS_TYPE, 1, 0) != 0;
    bool integers = t->type == LINNET_INT8 || t->type == LINNET_UINT8 || t->type == LINNET_INT16 ||
                    t->type == LINNET_INT32 || t->type == LINNET_INT64 || t->type == LINNET_INT4 ||
                    t->type == LINNET_UINT4 || t->type == LINNET_UINT16;
    if (!integers || t->complex)
        t->scales.n = 0;
    d->items += t->scales.n;
    if (d->items > MOST_ITEMS)
        return fail(d, LINNET_ERR_UNSUPPORTED, "the model has too many scales");
    for (uint32_t i = 0; i < t->scales.n; i++) {
        float s = ln_flat_float_at(d->f, t->scales, i);
        if (!(s >= 0) || s > 1e30f)
            return ln_error_set(d->error, LINNET_ERR_MODEL, NULL, NULL, "tensor '%.100s' has a scale of %g", t->name,
                                (double)s);
    }
    if (t->scales.n > 1 && (t->axis < 0 || t->axis >= t->rank || t->dims[t->axis] != t->scales.n))
        return ln_error_set(d->error, LINNET_ERR_MODEL, NULL, NULL,
                            "tensor '%.100s' has %u scales, which no dimension of it has", t->name, t->scales.n);
    if (t->scales.n && t->zeros.n && t->zeros.n != 1 && t->zeros.n != t->scales.n)
        return ln_error_set(d->error, LINNET_ERR_MODEL, NULL, NULL, "tensor '%.100s' has %u scales, %u zero points",
                            t->name, t->scales.n, t->zeros.n);
    return LINNET_OK;
}

static linnet_status tensor(decoder *d, const ln_flat_table *table, ln_tfl_tensor *t)
{
    t->table = *table;
    t->name = ln_tfl_text(d->f, ln_flat_text(d->f, table, TENSOR_NAME), d->arena);
    if (!t->name)
        return no_memory(d);
    t->file_type = (int32_t)ln_flat_int(d->f, table, TENSOR_TYPE, 1, TYPE_FLOAT32);
    t->type = ln_tfl_type(t->file_type, &t->complex);
    t->variable = ln_flat_int(d->f, table, TENSOR_VARIABLE, 1, 0) != 0;
    t->sparse = ln_flat_has(d->f, table, TENSOR_SPARSITY);
    if (ln_flat_int(d->f, table, TENSOR_EXTERNAL, 4, 0))
        return ln_error_set(d->error, LINNET_ERR_UNSUPPORTED, NULL, NULL,
                            "tensor '%.100s' lies in another file than the model", t->name);
    linnet_status st = shape(d, table, t);
    if (st == LINNET_OK)
        st = quantisation(d, table, t);
    return st == LINNET_OK ? buffer(d, (uint32_t)ln_flat_int(d->f, table, TENSOR_BUFFER, 4, 0), t) : st;
}

/* -- operators -------------------------------------------------------------------------------------------------------
 */

/* Every item is a tensor, or -1 where that is allowed. */
static bool tensors_of(const decoder *d, ln_flat_vector list, int32_t n_tensors, int64_t least)
{
    for (uint32_t i = 0; i < list.n; i++) {
        int64_t t = ln_flat_at(d->f, list, i, 4);
        if (t < least || t >= n_tensors)
            return false;
    }
    return true;
}

static linnet_status decode_operator(decoder *d, const ln_flat_table *table, int32_t n_tensors, ln_tfl_operator *o)
{
    ln_flat *f = d->f;
    int64_t index = ln_flat_int(f, table, OPERATOR_CODE, 4, 0);
    if (index < 0 || index >= d->codes.n)
        return fail(d, LINNET_ERR_MODEL, "an operator has a code that is not in the table of codes");
    ln_flat_table code = ln_flat_item(f, d->codes, (uint32_t)index);
    int64_t old = ln_flat_int(f, &code, CODE_OLD, 1, 0), new = ln_flat_int(f, &code, CODE_NEW, 4, 0);
    o->code = (int32_t)(old > new ? old : new);
    o->custom = o->code == CODE_IS_CUSTOM ? ln_tfl_text(f, ln_flat_text(f, &code, CODE_CUSTOM), d->arena) : "";
    o->inputs = ln_flat_list(f, table, OPERATOR_INPUTS, 4);
    o->outputs = ln_flat_list(f, table, OPERATOR_OUTPUTS, 4);
    o->intermediates = ln_flat_list(f, table, OPERATOR_INTERMEDIATES, 4);
    o->options = ln_flat_sub(f, table, OPERATOR_OPTIONS);
    o->options2 = ln_flat_sub(f, table, OPERATOR_OPTIONS2);
    ln_flat_vector custom = ln_flat_list(f, table, OPERATOR_CUSTOM, 1);
    o->custom_data = f->data + custom.at;
    o->custom_bytes = custom.n;
    d->items += (int64_t)o->inputs.n + o->outputs.n + o->intermediates.n;
    if (!o->custom)
        return no_memory(d);
    if (d->items > MOST_ITEMS)
        return fail(d, LINNET_ERR_UNSUPPORTED, "the model has too many operators");
    if (!tensors_of(d, o->inputs, n_tensors, -1) || !tensors_of(d, o->outputs, n_tensors, -1) ||
        !tensors_of(d, o->intermediates, n_tensors, -1))
        return fail(d, LINNET_ERR_MODEL, "an operator names a tensor that is not there");
    return LINNET_OK;
}

static linnet_status subgraph(decoder *d, const ln_flat_table *table, ln_tfl_subgraph *s)
{
    ln_flat *f = d->f;
    ln_flat_vector tensors = ln_flat_list(f, table, SUBGRAPH_TENSORS, 4);
    ln_flat_vector operators = ln_flat_list(f, table, SUBGRAPH_OPERATORS, 4);
    d->items += (int64_t)tensors.n + operators.n;
    if (d->items > MOST_ITEMS)
        return fail(d, LINNET_ERR_UNSUPPORTED, "the model has too many tensors or operators");
    s->name = ln_tfl_text(f, ln_flat_text(f, table, SUBGRAPH_NAME), d->arena);
    s->tensors = ln_arena_zalloc(d->arena, (tensors.n + 1) * sizeof *s->tensors, _Alignof(ln_tfl_tensor));
    s->operators = ln_arena_zalloc(d->arena, (operators.n + 1) * sizeof *s->operators, _Alignof(ln_tfl_operator));
    if (!s->name || !s->tensors || !s->operators)
        return no_memory(d);
    s->n_tensors = (int32_t)tensors.n;
    s->n_operators = (int32_t)operators.n;
    s->inputs = ln_flat_list(f, table, SUBGRAPH_INPUTS, 4);
    s->outputs = ln_flat_list(f, table, SUBGRAPH_OUTPUTS, 4);
    if (s->inputs.n > MOST_ENDS || s->outputs.n > MOST_ENDS)
        return fail(d, LINNET_ERR_UNSUPPORTED, "a graph has too many inputs or outputs");
    linnet_status st = LINNET_OK;
    for (uint32_t i = 0; i < tensors.n && st == LINNET_OK && !f->broken; i++) {
        ln_flat_table t = ln_flat_item(f, tensors, i);
        st = tensor(d, &t, &s->tensors[i]);
    }
    for (uint32_t i = 0; i < operators.n && st == LINNET_OK && !f->broken; i++) {
        ln_flat_table t = ln_flat_item(f, operators, i);
        st = decode_operator(d, &t, s->n_tensors, &s->operators[i]);
    }
    if (st == LINNET_OK && (!tensors_of(d, s->inputs, s->n_tensors, 0) || !tensors_of(d, s->outputs, s->n_tensors, 0)))
        st = fail(d, LINNET_ERR_MODEL, "a graph names an input or output that is no tensor of it");
    return st;
}

linnet_status ln_tfl_decode(ln_tfl_file *file, const uint8_t *bytes, size_t size, ln_arena *arena, linnet_error *error)
{
    *file = (ln_tfl_file){.flat = {.data = bytes, .size = size}};
    ln_flat *f = &file->flat;
    decoder d = {.file = file, .f = f, .arena = arena, .error = error};
    if (!ln_is_tflite(bytes, size))
        return fail(&d, LINNET_ERR_MODEL, "the file does not have the identifier of a TensorFlow Lite model, TFL3");
    ln_flat_table root = ln_flat_root(f);
    int64_t version = ln_flat_int(f, &root, MODEL_VERSION, 4, 0);
    ln_flat_vector graphs = ln_flat_list(f, &root, MODEL_SUBGRAPHS, 4);
    d.codes = ln_flat_list(f, &root, MODEL_CODES, 4);
    d.buffers = ln_flat_list(f, &root, MODEL_BUFFERS, 4);
    file->description = ln_tfl_text(f, ln_flat_text(f, &root, MODEL_DESCRIPTION), arena);
    linnet_status st = LINNET_OK;
    if (!f->broken && version != VERSION)
        return ln_error_set(error, LINNET_ERR_UNSUPPORTED, NULL, NULL, "schema version %lld of TensorFlow Lite, not %d",
                            (long long)version, VERSION);
    if (!f->broken && !graphs.n)
        return fail(&d, LINNET_ERR_MODEL, "the model has no graph");
    d.items = graphs.n;
    file->subgraphs = graphs.n > MOST_ITEMS
                          ? NULL
                          : ln_arena_zalloc(arena, (graphs.n + 1) * sizeof *file->subgraphs, _Alignof(ln_tfl_subgraph));
    if (!file->subgraphs || !file->description)
        return no_memory(&d);
    file->n_subgraphs = (int32_t)graphs.n;
    for (uint32_t i = 0; i < graphs.n && st == LINNET_OK && !f->broken; i++) {
        ln_flat_table t = ln_flat_item(f, graphs, i);
        st = subgraph(&d, &t, &file->subgraphs[i]);
    }
    if (f->broken)
        return fail(&d, LINNET_ERR_MODEL, "the file is damaged: an offset points outside of it");
    return st;
}
