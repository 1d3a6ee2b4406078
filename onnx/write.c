/* SPDX-License-Identifier: Apache-2.0
 *
 * Tensors -> TensorProto, and messages -> files. A file is written beside its place under a name of its own and then
 * renamed, so that nobody ever sees half of one.
 */
#include "onnx/write.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "onnx/import.h"

void *ln_write_new(ln_arena *arena, const ProtobufCMessageDescriptor *type)
{
    ProtobufCMessage *message = ln_arena_alloc(arena, type->sizeof_message, 16);
    if (message)
        protobuf_c_message_init(type, message);
    return message;
}

/* -- tensors ---------------------------------------------------------------------------------------------------------
 */

static bool strings(ln_arena *arena, const linnet_string *from, int64_t n, Onnx__TensorProto *to)
{
    to->n_string_data = (size_t)n;
    to->string_data = ln_arena_array(arena, n, sizeof *to->string_data);
    for (int64_t i = 0; to->string_data && i < n; i++)
        to->string_data[i] = (ProtobufCBinaryData){from[i].size, (uint8_t *)(uintptr_t)from[i].data};
    return to->string_data != NULL;
}

/* The low bits of each element, the first lowest. */
static uint8_t *pack(ln_arena *arena, const uint8_t *from, size_t n, unsigned bits)
{
    unsigned mask = (1u << bits) - 1;
    uint8_t *to = ln_arena_zalloc(arena, n / 8 * bits + 8, 1);
    for (size_t i = 0; to && i < n; i++) {
        unsigned shift = (unsigned)(i % 8) * bits, v = (from[i] & mask) << shift % 8;
        uint8_t *at = to + i / 8 * bits + shift / 8;
        at[0] = (uint8_t)(at[0] | v);
        if (v >> 8)
            at[1] = (uint8_t)(v >> 8);
    }
    return to;
}

bool ln_write_tensor(ln_arena *arena, linnet_type type, int32_t rank, const int64_t *dims, const void *data,
                     const char *name, Onnx__TensorProto *to)
{
    int64_t n = 1;
    to->name = (char *)(uintptr_t)name;
    to->has_data_type = 1;
    to->data_type = (int32_t)type;
    to->n_dims = (size_t)rank;
    to->dims = ln_arena_dup(arena, dims, (size_t)rank * sizeof *dims, 16);
    for (int32_t i = 0; i < rank; i++)
        n *= dims[i];
    if (!to->dims)
        return false;
    if (type == LINNET_STRING)
        return strings(arena, data, n, to);
    size_t packed = ln_packed_size(type, n);
    to->has_raw_data = 1;
    to->raw_data.len = packed;
    to->raw_data.data = (uint8_t *)(uintptr_t)data;
    if (ln_packed_bits(type))
        to->raw_data.data = pack(arena, data, (size_t)n, ln_packed_bits(type));
    return packed == 0 || to->raw_data.data;
}

/* -- files --------------------------------------------------------------------------------------------------------- */

enum { BUFFER = 1 << 16 };

typedef struct sink {
    ProtobufCBuffer base; /* first: protobuf-c appends through it */
    int fd, code;         /* code: the first error */
    size_t n;
    uint8_t bytes[BUFFER];
} sink;

static void put(sink *s, const uint8_t *bytes, size_t n)
{
    while (n && !s->code) {
        ssize_t done = write(s->fd, bytes, n);
        if (done < 0 && errno != EINTR)
            s->code = errno;
        if (done > 0) {
            bytes += done;
            n -= (size_t)done;
        }
    }
}

static void append(ProtobufCBuffer *base, size_t n, const uint8_t *bytes)
{
    sink *s = (sink *)base;
    if (n > BUFFER - s->n) {
        put(s, s->bytes, s->n);
        s->n = 0;
        if (n >= BUFFER) {
            put(s, bytes, n);
            return;
        }
    }
    if (n)
        memcpy(s->bytes + s->n, bytes, n);
    s->n += n;
}

static int write_all(const ProtobufCMessage *message, const char *path)
{
    sink s = {.base.append = append};
    s.fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (s.fd < 0)
        return errno;
    protobuf_c_message_pack_to_buffer(message, &s.base);
    put(&s, s.bytes, s.n);
    if (close(s.fd) != 0 && !s.code)
        s.code = errno;
    return s.code;
}

linnet_status ln_write_message(const ProtobufCMessage *message, const char *path, linnet_error *error)
{
    static atomic_uint counter;
    char temporary[PATH_MAX];
    size_t size = protobuf_c_message_get_packed_size(message);
    if (size > INT32_MAX)
        return ln_error_set(error, LINNET_ERR_UNSUPPORTED, NULL, NULL,
                            "'%.200s' would have %zu bytes, more than the 2 GiB that a protobuf message may have", path,
                            size);
    if (snprintf(temporary, sizeof temporary, "%s.%ld-%u.tmp", path, (long)getpid(), atomic_fetch_add(&counter, 1)) >=
        (int)sizeof temporary)
        return ln_error_set(error, LINNET_ERR_IO, NULL, NULL, "the path '%.200s' is too long", path);
    int code = write_all(message, temporary);
    if (!code && rename(temporary, path) != 0)
        code = errno;
    if (!code)
        return LINNET_OK;
    if (code != EEXIST)
        unlink(temporary);
    return ln_error_set(error, LINNET_ERR_IO, NULL, NULL, "cannot write '%.300s': %s", path, strerror(code));
}
