/* SPDX-License-Identifier: Apache-2.0
 *
 * protobuf-c over the caller's memory. Small allocations are never given back one by one; blocks are, because
 * protobuf-c frees its larger working arrays, and because a graph keeps those with weights.
 */
#include <sys/mman.h>

#include "engine/pages.h"
#include "onnx/decode.h"

_Static_assert(sizeof(ln_mapping) <= LN_BLOCK_HEADER, "the header of a block is too small");
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "raw data is taken as it lies in the file");

void *ln_decoder_block(ln_decoder *d, size_t size, bool later)
{
    if (size < LN_BLOCK_MIN) {
        void *p = ln_arena_alloc(&d->arena, size, 16);
        d->exhausted = d->exhausted || !p;
        return p;
    }
    ln_mapping *block = NULL;
    if (size <= SIZE_MAX - LN_BLOCK_HEADER)
        block = (later ? ln_memory_reserve : ln_memory_alloc)(d->memory, size + LN_BLOCK_HEADER);
    if (!block) {
        d->exhausted = true;
        return NULL;
    }
    *block = (ln_mapping){.next = d->blocks, .memory = d->memory, .size = size};
    block->address = (char *)block + LN_BLOCK_HEADER;
    if (block->next)
        block->next->prev = block;
    d->blocks = block;
    return block->address;
}

/* What was copied from the file so far need not stay in sight, and what did not come yet comes again. */
static void *decode_alloc(void *user, size_t size)
{
    ln_decoder *d = user;
    if (size >= LN_FORGETS_MIN && d->file)
        ln_pages_discard(d->file, d->file_bytes);
    return ln_decoder_block(d, size, false);
}

static bool is_block(const ln_decoder *d, const void *p)
{
    for (const ln_mapping *b = d->blocks; b; b = b->next)
        if (b->address == p)
            return true;
    return false;
}

/* Only 64-byte aligned pointers can be blocks; few others are, so the search is rare. */
static void decode_free(void *user, void *p)
{
    ln_decoder *d = user;
    if (!p || (uintptr_t)p % LN_BLOCK_HEADER || !is_block(d, p))
        return;
    ln_mapping *block = (ln_mapping *)((char *)p - LN_BLOCK_HEADER);
    if (block->next)
        block->next->prev = block->prev;
    if (block->prev)
        block->prev->next = block->next;
    else
        d->blocks = block->next;
    ln_memory_free(block->memory, block, block->size + LN_BLOCK_HEADER);
}

void ln_decoder_init(ln_decoder *d, ln_memory *memory)
{
    *d = (ln_decoder){.memory = memory};
    ln_arena_init(&d->arena, memory);
}

static void free_blocks(ln_decoder *d, ln_mapping **kept)
{
    for (ln_mapping *b = d->blocks, *next; b; b = next) {
        next = b->next;
        if (b->kept && kept) {
            b->next = *kept;
            b->prev = NULL;
            *kept = b;
        } else {
            ln_memory_free(b->memory, b, b->size + LN_BLOCK_HEADER);
        }
    }
    d->blocks = NULL;
}

void ln_decoder_free(ln_decoder *d, ln_mapping **kept)
{
    free_blocks(d, kept);
    ln_arena_free(&d->arena);
}

void ln_decoder_reset(ln_decoder *d, ln_mapping **kept)
{
    free_blocks(d, kept);
    ln_arena_reset(&d->arena);
}

ln_mapping *ln_block_of(const void *p)
{
    return (ln_mapping *)((uintptr_t)p - LN_BLOCK_HEADER);
}

void ln_block_keep(const void *p)
{
    ln_block_of(p)->kept = true;
}

void ln_mappings_free(ln_mapping *mappings)
{
    for (ln_mapping *m = mappings, *next; m; m = next) {
        next = m->next;
        if (m->memory)
            ln_memory_free(m->memory, m, m->size + LN_BLOCK_HEADER);
        else
            munmap(m->address, m->size);
    }
}

ProtobufCMessage *ln_unpack(ln_decoder *d, const ProtobufCMessageDescriptor *type, const void *bytes, size_t size,
                            const char *what, linnet_status *status, linnet_error *error)
{
    if (size > INT32_MAX) {
        *status = ln_error_set(error, LINNET_ERR_UNSUPPORTED, NULL, NULL,
                               "%s has %zu bytes, more than the 2 GiB that a protobuf message may have", what, size);
        return NULL;
    }
    *status = LINNET_OK;
    ProtobufCAllocator allocator = {.alloc = decode_alloc, .free = decode_free, .allocator_data = d};
    ProtobufCMessage *message = protobuf_c_message_unpack(type, &allocator, size, bytes);
    if (message)
        return message;
    *status = d->exhausted ? ln_error_set(error, LINNET_ERR_MEMORY, NULL, NULL, "out of memory while decoding %s", what)
                           : ln_error_set(error, LINNET_ERR_MODEL, NULL, NULL, "%s is no valid protobuf message", what);
    return NULL;
}

ProtobufCMessage *ln_decode(ln_decoder *d, const ProtobufCMessageDescriptor *type, const void *bytes, size_t size,
                            const char *what, linnet_status *status, linnet_error *error)
{
    *status = ln_wire_check(type, bytes, size, what, error);
    return *status == LINNET_OK ? ln_unpack(d, type, bytes, size, what, status, error) : NULL;
}
