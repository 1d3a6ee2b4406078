/* SPDX-License-Identifier: Apache-2.0
 *
 * From bytes to protobuf-c messages. A decoder holds the messages: small allocations in an arena, those of BIG bytes
 * and more in blocks of their own, which a graph may keep, so that weights never exist twice.
 */
#ifndef LN_ONNX_DECODE_H
#define LN_ONNX_DECODE_H

#include "engine/model.h"
#include "onnx.pb-c.h"

enum {
    LN_BLOCK_MIN = 16 * 1024,   /* bytes from which on an allocation is a block */
    LN_FORGETS_MIN = 64 * 1024, /* bytes for which it is worth to let the file's pages go */
    LN_MESSAGE_DEPTH = 128      /* most messages within each other; a subgraph is three */
};

/* A block (memory is set: the payload follows at LN_BLOCK_HEADER) or a mapped file. */
typedef struct ln_mapping {
    struct ln_mapping *next, *prev;
    ln_memory *memory;
    void *address;
    size_t size;     /* of the payload or the file */
    uint64_t offset; /* stored: in the model's file */
    bool kept;
    bool stored; /* a constant as it lies in the file */
    bool unread; /* and it has its memory, but was not read yet */
} ln_mapping;

enum { LN_BLOCK_HEADER = 64 };

typedef struct ln_decoder {
    ln_memory *memory;
    ln_arena arena;
    ln_mapping *blocks;
    bool exhausted;   /* an allocation failed */
    const void *file; /* a mapping of what is decoded, or NULL: its pages can be let go at any time */
    size_t file_bytes;
} ln_decoder;

void ln_decoder_init(ln_decoder *d, ln_memory *memory);
/* Frees the messages; blocks that are kept go to the list *kept (NULL: none can be). */
void ln_decoder_free(ln_decoder *d, ln_mapping **kept);

/* The same, and the decoder can go on: its memory waits for the next messages. */
void ln_decoder_reset(ln_decoder *d, ln_mapping **kept);

/* what: the noun for messages, "the model". Returns NULL and sets error where the bytes are no such message. */
ProtobufCMessage *ln_decode(ln_decoder *d, const ProtobufCMessageDescriptor *type, const void *bytes, size_t size,
                            const char *what, linnet_status *status, linnet_error *error);

/* The same of bytes that ln_wire_check has passed. */
ProtobufCMessage *ln_unpack(ln_decoder *d, const ProtobufCMessageDescriptor *type, const void *bytes, size_t size,
                            const char *what, linnet_status *status, linnet_error *error);

/* Checks the wire format without decoding: lengths, wire types, depth, singular messages given twice. */
linnet_status ln_wire_check(const ProtobufCMessageDescriptor *type, const uint8_t *bytes, size_t size, const char *what,
                            linnet_error *error);

/* Memory as messages have it; a block where it is LN_BLOCK_MIN bytes or more. later: it may never be written. NULL: no
 * memory. */
void *ln_decoder_block(ln_decoder *d, size_t size, bool later);

/* A field of a message that ln_wire_check has passed. */
typedef struct ln_field {
    const uint8_t *start, *length, *payload,
        *end;                    /* length: of the payload; with no length, where the payload starts */
    uint64_t number, any_number; /* of fields with a length, else 0; of all */
    uint64_t value;              /* of those that are a number */
} ln_field;

/* The field at *at of a message that ends at `end`; false: there is none. */
bool ln_field_next(const uint8_t **at, const uint8_t *end, ln_field *f);

/* The header of a block: p is an allocation of the decoder of at least LN_BLOCK_MIN bytes. */
ln_mapping *ln_block_of(const void *p);
/* Keeps it. */
void ln_block_keep(const void *p);

/* Gives back a list of blocks and mapped files. */
void ln_mappings_free(ln_mapping *mappings);

#endif
