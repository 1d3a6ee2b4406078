/* SPDX-License-Identifier: Apache-2.0
 *
 * A look over the wire format before protobuf-c decodes it, along the descriptors and without recursion. It bounds the
 * depth to which protobuf-c and the importer recurse, and says where a file is broken. Payloads of bytes are skipped,
 * so it costs little. Specification: https://protobuf.dev/programming-guides/encoding/
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "onnx/decode.h"

typedef struct level {
    const ProtobufCMessageDescriptor *type;
    const uint8_t *end;
    uint64_t seen; /* singular messages, by index of the field */
} level;

typedef struct scan {
    const uint8_t *start, *at;
    const char *what;
    linnet_error *error;
} scan;

enum { VARINT = 0, BITS64 = 1, LENGTH = 2, BITS32 = 5 };

static bool varint(scan *s, const uint8_t *end, uint64_t *value)
{
    *value = 0;
    for (unsigned shift = 0; shift < 70 && s->at < end; shift += 7) {
        uint8_t byte = *s->at++;
        if (shift < 64)
            *value |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80))
            return true;
    }
    return false;
}

/* Of bytes that were checked. */
static inline uint64_t number_at(const uint8_t **at, const uint8_t *end)
{
    if (**at < 0x80)
        return *(*at)++;
    scan s = {.at = *at};
    uint64_t value;
    (void)varint(&s, end, &value);
    *at = s.at;
    return value;
}

bool ln_field_next(const uint8_t **at, const uint8_t *end, ln_field *f)
{
    if (*at >= end)
        return false;
    f->start = *at;
    uint64_t tag = number_at(at, end), size = 0;
    f->any_number = tag >> 3;
    f->number = (tag & 7) == LENGTH ? tag >> 3 : 0;
    f->value = 0;
    f->length = *at;
    switch (tag & 7) {
    case VARINT:
        f->value = number_at(at, end);
        break;
    case BITS64:
        size = 8;
        break;
    case BITS32:
        size = 4;
        break;
    default:
        size = number_at(at, end);
    }
    f->payload = *at;
    f->end = *at += size;
    return true;
}

static unsigned wire_of(ProtobufCType type)
{
    switch (type) {
    case PROTOBUF_C_TYPE_FLOAT:
    case PROTOBUF_C_TYPE_FIXED32:
    case PROTOBUF_C_TYPE_SFIXED32:
        return BITS32;
    case PROTOBUF_C_TYPE_DOUBLE:
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_SFIXED64:
        return BITS64;
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_BYTES:
    case PROTOBUF_C_TYPE_MESSAGE:
        return LENGTH;
    default:
        return VARINT;
    }
}

static linnet_status broken(const scan *s, const level *l, const char *field, const uint8_t *at, const char *why)
{
    return ln_error_set(s->error, LINNET_ERR_MODEL, NULL, NULL, "%s is broken at byte %zu (%s of %s): %s", s->what,
                        (size_t)(at - s->start), field, l->type->short_name, why);
}

/* One field at s->at. *inner is set where it is a message to go into. */
static linnet_status field(scan *s, level *l, level *inner)
{
    const uint8_t *start = s->at;
    uint64_t tag, size = 0;
    if (!varint(s, l->end, &tag))
        return broken(s, l, "a field", start, "the number of a field is cut off");
    unsigned wire = tag & 7;
    if (tag >> 3 == 0 || tag >> 3 > (1u << 29) - 1)
        return broken(s, l, "a field", start, "no field has this number");
    const ProtobufCFieldDescriptor *f = protobuf_c_message_descriptor_get_field(l->type, (unsigned)(tag >> 3));
    const char *name = f ? f->name : "a field that is not known";
    bool list = f && f->label == PROTOBUF_C_LABEL_REPEATED && wire_of(f->type) != LENGTH;
    if (f && wire != wire_of(f->type) && !(list && wire == LENGTH))
        return broken(s, l, name, start, "the field has the wrong wire type");
    switch (wire) {
    case VARINT:
        if (!varint(s, l->end, &size))
            return broken(s, l, name, start, "a number is cut off");
        return LINNET_OK;
    case BITS64:
        size = 8;
        break;
    case BITS32:
        size = 4;
        break;
    case LENGTH:
        if (!varint(s, l->end, &size))
            return broken(s, l, name, start, "a length is cut off");
        break;
    default:
        return broken(s, l, name, start, "the field has a wire type that does not exist");
    }
    if (size > (uint64_t)(l->end - s->at)) {
        char why[96];
        snprintf(why, sizeof why, "%" PRIu64 " bytes are said to follow, %zu are left", size, (size_t)(l->end - s->at));
        return broken(s, l, name, start, why);
    }
    const uint8_t *payload = s->at;
    s->at += size;
    if (list && wire == LENGTH && size % (wire_of(f->type) == BITS64 ? 8 : wire_of(f->type) == BITS32 ? 4 : 1))
        return broken(s, l, name, start, "the length is no multiple of the element's");
    if (list && wire == LENGTH && size && wire_of(f->type) == VARINT && (payload[size - 1] & 0x80))
        return broken(s, l, name, start, "the last number is cut off");
    if (f && f->type == PROTOBUF_C_TYPE_STRING && size && memchr(payload, 0, (size_t)size))
        return broken(s, l, name, start, "a text contains a zero byte");
    if (f && f->type == PROTOBUF_C_TYPE_MESSAGE) {
        uint64_t bit = UINT64_C(1) << (f - l->type->fields);
        if (f->label != PROTOBUF_C_LABEL_REPEATED && (l->seen & bit))
            return broken(s, l, name, start, "the field is given twice");
        l->seen |= bit;
        *inner = (level){.type = f->descriptor, .end = s->at};
        s->at = payload;
    }
    return LINNET_OK;
}

linnet_status ln_wire_check(const ProtobufCMessageDescriptor *type, const uint8_t *bytes, size_t size, const char *what,
                            linnet_error *error)
{
    level levels[LN_MESSAGE_DEPTH];
    int depth = 0;
    scan s = {.start = bytes, .at = bytes, .what = what, .error = error};
    levels[0] = (level){.type = type, .end = bytes + size};
    while (depth >= 0) {
        if (s.at == levels[depth].end) {
            depth--;
            continue;
        }
        level inner = {0};
        linnet_status st = field(&s, &levels[depth], &inner);
        if (st != LINNET_OK)
            return st;
        if (!inner.type)
            continue;
        if (depth + 1 == LN_MESSAGE_DEPTH)
            return ln_error_set(error, LINNET_ERR_UNSUPPORTED, NULL, NULL,
                                "%s has more than %d messages within each other at byte %zu", what, LN_MESSAGE_DEPTH,
                                (size_t)(s.at - bytes));
        levels[++depth] = inner;
    }
    return LINNET_OK;
}
