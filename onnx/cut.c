/* SPDX-License-Identifier: Apache-2.0
 *
 * A message without the raw data of its large tensors, and without packed float_data, which are the same bytes; of a
 * model also without the nodes of its graph (stream.c). protobuf-c copies what it decodes; the weights of a file would
 * be there twice, as pages of the file and as the copy. So it is given the message with these payloads cut out, and
 * they are read from the file to where they stay, or later, when a plan wants them: initializers, those of bodies too,
 * and what Constant nodes hold.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "onnx/import.h"

enum {
    MODEL_GRAPH = 7,
    GRAPH_NODE = 1,
    GRAPH_INITIALIZER = 5,
    NODE_ATTRIBUTE = 5,
    ATTRIBUTE_T = 5,
    ATTRIBUTE_G = 6,
    ATTRIBUTE_GRAPHS = 11,
    TENSOR_DIMS = 1,
    TENSOR_DATA_TYPE = 2,
    TENSOR_FLOAT_DATA = 4,
    TENSOR_NAME = 8,
    TENSOR_RAW_DATA = 9,
    TENSOR_DOC_STRING = 12
};

/* Messages that large tensors lie in. */
typedef enum kind { OTHER, DROPPED, MODEL, MAIN_GRAPH, GRAPH, NODE, ATTRIBUTE, TENSOR } kind;

static kind inside(kind k, uint64_t number)
{
    switch (k) {
    case MODEL:
        return number == MODEL_GRAPH ? MAIN_GRAPH : OTHER;
    case MAIN_GRAPH:
        return number == GRAPH_NODE ? DROPPED : number == GRAPH_INITIALIZER ? TENSOR : OTHER;
    case GRAPH:
        return number == GRAPH_NODE ? NODE : number == GRAPH_INITIALIZER ? TENSOR : OTHER;
    case NODE:
        return number == NODE_ATTRIBUTE ? ATTRIBUTE : OTHER;
    case ATTRIBUTE:
        return number == ATTRIBUTE_T ? TENSOR : number == ATTRIBUTE_G || number == ATTRIBUTE_GRAPHS ? GRAPH : OTHER;
    default:
        return OTHER;
    }
}

/* The raw data of a tensor that is worth cutting, or, of a tensor of floats with nothing else, its one packed list of
 * them. The last of a field that is given twice is the one that counts. */
static bool raw_data(const uint8_t *at, const uint8_t *end, ln_field *raw)
{
    ln_field f, floats = {0};
    bool found = false, plain = true;
    uint64_t type = 0;
    int lists = 0;
    while (ln_field_next(&at, end, &f))
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

/* -- cutting ------------------------------------------------------------------------------------------------------- */

/* Bytes that are left of a message, and before the next one beside it, of those inside it that are cut. */
typedef struct sizes {
    ln_arena *arena;
    size_t *left;
    size_t n, room;
} sizes;

static size_t number_size(uint64_t n)
{
    size_t size = 1;
    for (; n >= 128; n >>= 7)
        size++;
    return size;
}

static bool grow(sizes *s)
{
    size_t room = 2 * s->room + 64, *left = ln_arena_array(s->arena, (int64_t)room, sizeof *left);
    if (!left)
        return false;
    if (s->n)
        memcpy(left, s->left, s->n * sizeof *left);
    s->left = left;
    s->room = room;
    return true;
}

static bool measure(sizes *s, kind k, const uint8_t *at, const uint8_t *end)
{
    size_t index = s->n, all = (size_t)(end - at), left = all;
    ln_field f;
    if (s->n == s->room && !grow(s))
        return false;
    s->n++;
    if (k == TENSOR) {
        if (raw_data(at, end, &f))
            left -= (size_t)(f.end - f.length) - 1;
        at = end;
    }
    while (ln_field_next(&at, end, &f)) {
        kind inner = inside(k, f.number);
        if (inner == DROPPED)
            left -= (size_t)(f.end - f.start);
        if (inner <= DROPPED)
            continue;
        size_t next = s->n;
        if (!measure(s, inner, f.payload, f.end))
            return false;
        if (s->left[next] != (size_t)(f.end - f.payload))
            left -= (size_t)(f.end - f.length) - s->left[next] - number_size(s->left[next]);
    }
    s->left[index] = left;
    if (left == all)
        s->n = index + 1;
    return true;
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

/* sizes: at the message's. */
static uint8_t *put_message(uint8_t *to, sizes *s, kind k, const uint8_t *at, const uint8_t *end)
{
    ln_field f;
    if (s->left[s->n++] == (size_t)(end - at))
        return put(to, at, end);
    if (k == TENSOR) {
        raw_data(at, end, &f);
        to = put(to, at, f.length);
        *to++ = 0;
        return put(to, f.end, end);
    }
    while (ln_field_next(&at, end, &f)) {
        kind inner = inside(k, f.number);
        if (inner == DROPPED)
            continue;
        if (inner == OTHER) {
            to = put(to, f.start, f.end);
            continue;
        }
        size_t left = s->left[s->n];
        to = put(to, f.start, f.length);
        to = left == (size_t)(f.end - f.payload) ? put(to, f.length, f.payload) : put_number(to, left);
        to = put_message(to, s, inner, f.payload, f.end);
    }
    return to;
}

static bool cut(ln_arena *arena, kind k, const uint8_t **bytes, size_t *size)
{
    sizes s = {.arena = arena};
    const uint8_t *end = *bytes + *size;
    if (!measure(&s, k, *bytes, end))
        return false;
    size_t left = s.left[0];
    if (left == *size)
        return true;
    uint8_t *message = ln_arena_alloc(arena, left, 16);
    if (!message)
        return false;
    s.n = 0;
    put_message(message, &s, k, *bytes, end);
    *bytes = message;
    *size = left;
    return true;
}

bool ln_cut_model(ln_arena *arena, const uint8_t **bytes, size_t *size)
{
    return cut(arena, MODEL, bytes, size);
}

bool ln_cut_node(ln_arena *arena, const uint8_t **bytes, size_t *size)
{
    return cut(arena, NODE, bytes, size);
}

/* -- filling ------------------------------------------------------------------------------------------------------- */

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

/* constant: its elements are those of a value, which are asked for. */
static linnet_status fill_tensor(const ln_payloads *p, Onnx__TensorProto *t, const uint8_t *at, const uint8_t *end,
                                 bool constant, ln_decoder *d, linnet_error *error)
{
    ln_field raw;
    if (!t || !raw_data(at, end, &raw))
        return LINNET_OK;
    size_t size = (size_t)(raw.end - raw.payload);
    bool wait = constant && p->later && may_wait(t, size);
    t->raw_data.data = ln_decoder_block(d, size, wait);
    if (!t->raw_data.data)
        return ln_error_set(error, LINNET_ERR_MEMORY, "", "", "out of memory while decoding the model");
    t->has_raw_data = 1;
    t->raw_data.len = size;
    uint64_t offset = (uint64_t)(raw.payload - p->bytes);
    if (constant && p->fd >= 0 && size >= LN_BLOCK_MIN) {
        ln_mapping *block = ln_block_of(t->raw_data.data);
        block->offset = offset;
        block->stored = true;
        block->unread = wait;
    }
    if (wait)
        return LINNET_OK;
    if (p->fd >= 0)
        return ln_cut_read(p->fd, t->raw_data.data, offset, size, error);
    memcpy(t->raw_data.data, raw.payload, size);
    return LINNET_OK;
}

/* The decoded message has its parts in the order in which they lie in the bytes. */
static linnet_status fill(const ln_payloads *p, kind k, const void *message, const uint8_t *at, const uint8_t *end,
                          bool constant, ln_decoder *d, linnet_error *error)
{
    linnet_status st = LINNET_OK;
    ln_field f;
    size_t nodes = 0, others = 0;
    while (st == LINNET_OK && ln_field_next(&at, end, &f)) {
        kind inner = inside(k, f.number);
        const void *part = NULL;
        if (inner <= DROPPED)
            continue;
        if (k == MODEL) {
            part = ((const Onnx__ModelProto *)message)->graph;
        } else if (k == MAIN_GRAPH || k == GRAPH) {
            const Onnx__GraphProto *g = message;
            part = inner == TENSOR ? (void *)g->initializer[others++] : (void *)g->node[nodes++];
        } else if (k == NODE) {
            part = ((const Onnx__NodeProto *)message)->attribute[others++];
        } else {
            const Onnx__AttributeProto *a = message;
            part = inner == TENSOR           ? (void *)a->t
                   : f.number == ATTRIBUTE_G ? (void *)a->g
                                             : (void *)a->graphs[others++];
        }
        if (inner == NODE)
            st = ln_cut_fill_node(p, part, f.payload, f.end, d, error);
        else if (inner == TENSOR)
            st = fill_tensor(p, (Onnx__TensorProto *)(uintptr_t)part, f.payload, f.end, constant || k != ATTRIBUTE, d,
                             error);
        else
            st = fill(p, inner, part, f.payload, f.end, constant, d, error);
    }
    return st;
}

linnet_status ln_cut_fill_model(const ln_payloads *p, const Onnx__ModelProto *model, size_t size, ln_decoder *d,
                                linnet_error *error)
{
    return fill(p, MODEL, model, p->bytes, p->bytes + size, false, d, error);
}

linnet_status ln_cut_fill_node(const ln_payloads *p, const Onnx__NodeProto *node, const uint8_t *at, const uint8_t *end,
                               ln_decoder *d, linnet_error *error)
{
    bool constant = node->op_type && strcmp(node->op_type, "Constant") == 0 && !ln_domain(node->domain)[0];
    return fill(p, NODE, node, at, end, constant, d, error);
}
