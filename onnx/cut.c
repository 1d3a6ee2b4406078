/* SPDX-License-Identifier: Apache-2.0
 *
 * A model's bytes without the raw data of its large initializers, and without packed float_data, which are the same
 * bytes. protobuf-c copies what it decodes; the weights of a file would be there twice, as pages of the file and as the
 * copy. So it is given the message with these payloads cut out, and they are read from the file to where they stay. The
 * same walk says where they lie in the file.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "onnx/import.h"

enum {
    MODEL_GRAPH = 7,
    GRAPH_INITIALIZER = 5,
    TENSOR_DIMS = 1,
    TENSOR_DATA_TYPE = 2,
    TENSOR_FLOAT_DATA = 4,
    TENSOR_NAME = 8,
    TENSOR_RAW_DATA = 9,
    TENSOR_DOC_STRING = 12
};

typedef struct field {
    const uint8_t *start, *length, *payload,
        *end;                    /* length: of the payload; with no length, where the payload starts */
    uint64_t number, any_number; /* of fields with a length; of all */
    uint64_t value;              /* of those that are a number */
} field;

/* The field at *at of a message that ends at `end`, which ln_wire_check has passed; false: there is none. */
static bool next(const uint8_t **at, const uint8_t *end, field *f)
{
    if (*at >= end)
        return false;
    f->start = *at;
    uint64_t tag = ln_wire_number(at, end), size = 0;
    f->any_number = tag >> 3;
    f->number = (tag & 7) == 2 ? tag >> 3 : 0;
    f->value = 0;
    f->length = *at;
    switch (tag & 7) {
    case 0:
        f->value = ln_wire_number(at, end);
        break;
    case 1:
        size = 8;
        break;
    case 5:
        size = 4;
        break;
    default:
        size = ln_wire_number(at, end);
    }
    f->payload = *at;
    f->end = *at += size;
    return true;
}

static bool find(const uint8_t *at, const uint8_t *end, uint64_t number, field *f)
{
    while (next(&at, end, f))
        if (f->number == number)
            return true;
    return false;
}

static size_t number_size(uint64_t n)
{
    size_t size = 1;
    for (; n >= 128; n >>= 7)
        size++;
    return size;
}

static uint8_t *put_number(uint8_t *to, uint64_t n)
{
    for (; n >= 128; n >>= 7)
        *to++ = (uint8_t)(n | 128);
    *to++ = (uint8_t)n;
    return to;
}

static uint8_t *put(uint8_t *to, const uint8_t *from, const uint8_t *end)
{
    memcpy(to, from, (size_t)(end - from));
    return to + (end - from);
}

/* The raw data of a tensor that is worth cutting, or, of a tensor of floats with nothing else, its one packed list of
 * them. The last of a field that is given twice is the one that counts. */
static bool raw_data(const field *tensor, field *raw)
{
    field f, floats = {0};
    bool found = false, plain = true;
    uint64_t type = 0;
    int lists = 0;
    for (const uint8_t *at = tensor->payload; next(&at, tensor->end, &f);)
        if (f.number == TENSOR_RAW_DATA) {
            *raw = f;
            found = true;
        } else if (f.any_number == TENSOR_FLOAT_DATA) {
            plain = plain && f.number;
            floats = f;
            lists++;
        } else if (f.any_number == TENSOR_DATA_TYPE) {
            type = f.value;
        } else {
            plain = plain &&
                    (f.any_number == TENSOR_DIMS || f.any_number == TENSOR_NAME || f.any_number == TENSOR_DOC_STRING);
        }
    if (!found && plain && lists == 1 && type == LINNET_FLOAT32) {
        *raw = floats;
        found = true;
    }
    return found && raw->end - raw->payload >= LN_STORE_MIN;
}

/* Bytes of the tensor's payload when its raw data is empty. */
static size_t cut_size(const field *tensor, const field *raw)
{
    return (size_t)(tensor->end - tensor->payload) - (size_t)(raw->end - raw->length) + 1;
}

static uint8_t *put_tensor(uint8_t *to, const field *tensor, const field *raw)
{
    to = put(to, tensor->start, tensor->length);
    to = put_number(to, cut_size(tensor, raw));
    to = put(to, tensor->payload, raw->length);
    *to++ = 0;
    return put(to, raw->end, tensor->end);
}

bool ln_cut(ln_arena *arena, const uint8_t *bytes, size_t size, ln_cuts *cuts)
{
    field graph, f, raw;
    size_t count = 0, initializers = 0;
    *cuts = (ln_cuts){.bytes = bytes, .size = size};
    if (!find(bytes, bytes + size, MODEL_GRAPH, &graph))
        return true;
    size_t left = (size_t)(graph.end - graph.payload);
    for (const uint8_t *at = graph.payload; next(&at, graph.end, &f);) {
        if (f.number != GRAPH_INITIALIZER)
            continue;
        initializers++;
        if (!raw_data(&f, &raw))
            continue;
        size_t less = cut_size(&f, &raw);
        count++;
        left -= (size_t)(f.end - f.length) - less - number_size(less);
    }
    if (!count)
        return true;
    size_t around = size - (size_t)(graph.end - graph.length);
    uint8_t *message = ln_arena_alloc(arena, around + number_size(left) + left, 16), *to = message;
    cuts->parts = ln_arena_zalloc(arena, initializers * sizeof *cuts->parts, 16);
    if (!message || !cuts->parts)
        return false;
    cuts->n = initializers;
    to = put_number(put(to, bytes, graph.length), left);
    size_t index = 0;
    for (const uint8_t *at = graph.payload; next(&at, graph.end, &f);) {
        bool initializer = f.number == GRAPH_INITIALIZER;
        if (initializer && raw_data(&f, &raw)) {
            cuts->parts[index] =
                (ln_cut_part){.offset = (uint64_t)(raw.payload - bytes), .size = (size_t)(raw.end - raw.payload)};
            to = put_tensor(to, &f, &raw);
        } else {
            to = put(to, f.start, f.end);
        }
        index += initializer;
    }
    to = put(to, graph.end, bytes + size);
    cuts->bytes = message;
    cuts->size = (size_t)(to - message);
    return true;
}

linnet_status ln_cut_read(int fd, void *to, uint64_t offset, size_t size, linnet_error *error)
{
    for (size_t at = 0; at < size;) {
        ssize_t n = pread(fd, (char *)to + at, size - at, (off_t)(offset + at));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return ln_error_set(error, LINNET_ERR_IO, "", "", "cannot read weights of the model: %s",
                                n ? strerror(errno) : "the file ends");
        at += (size_t)n;
    }
    return LINNET_OK;
}

static bool may_wait(const Onnx__TensorProto *t, size_t size)
{
    return size >= LN_BLOCK_MIN &&
           (t->data_type == LINNET_FLOAT32 || t->data_type == LINNET_FLOAT16 || t->data_type == LINNET_BFLOAT16 ||
            t->data_type == LINNET_INT8 || t->data_type == LINNET_UINT8);
}

linnet_status ln_cut_fill(ln_cuts *cuts, int fd, ln_decoder *decoder, Onnx__GraphProto *graph, bool later,
                          linnet_error *error)
{
    for (size_t i = 0; i < cuts->n && graph && i < graph->n_initializer; i++) {
        Onnx__TensorProto *t = graph->initializer[i];
        if (!cuts->parts[i].size)
            continue;
        bool wait = cuts->parts[i].unread = later && may_wait(t, cuts->parts[i].size);
        t->raw_data.data = ln_decoder_block(decoder, cuts->parts[i].size, wait);
        if (!t->raw_data.data)
            return ln_error_set(error, LINNET_ERR_MEMORY, "", "", "out of memory while decoding the model");
        t->has_raw_data = 1;
        t->raw_data.len = cuts->parts[i].size;
        if (wait)
            continue;
        linnet_status st = ln_cut_read(fd, t->raw_data.data, cuts->parts[i].offset, t->raw_data.len, error);
        if (st != LINNET_OK)
            return st;
    }
    return LINNET_OK;
}
