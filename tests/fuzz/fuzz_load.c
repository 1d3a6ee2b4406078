/* SPDX-License-Identifier: Apache-2.0
 *
 * libFuzzer target: bytes as a model in memory and in a file, whose weights are read on their own, and as a value. What
 * loads must be a sound graph, and both ways have to agree.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "onnx/onnx.h"

enum { MAX_BYTES = 32 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void as_value(const uint8_t *data, size_t size, linnet_kind kind)
{
    ln_memory memory;
    ln_arena arena;
    ln_memory_init(&memory, NULL, MAX_BYTES);
    ln_arena_init(&arena, &memory);
    linnet_value value = {.kind = kind};
    linnet_error error;
    if (ln_onnx_read_tensor(data, size, &value, &arena, &error) != LINNET_OK && !error.text[0])
        abort();
    ln_arena_free(&arena);
}

static linnet_status sound(linnet_status status, linnet_model *model, const linnet_error *error)
{
    if (status != LINNET_OK) {
        if (!error->text[0])
            abort();
    } else {
        if (ln_graph_verify(model->graph))
            abort();
        linnet_model_free(model);
    }
    return status;
}

/* The same bytes by way of a file in memory. */
static linnet_status from_file(const uint8_t *data, size_t size, const linnet_load_options *options)
{
    char path[64];
    int fd = memfd_create("model", 0);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    linnet_model *model = NULL;
    linnet_error error;
    if (fd < 0 || write(fd, data, size) != (ssize_t)size)
        abort();
    linnet_status status = linnet_model_load_file(&model, path, options, &error);
    close(fd);
    return sound(status, model, &error);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    linnet_model *model = NULL;
    linnet_error error;
    linnet_load_options options = {.max_bytes = MAX_BYTES};
    linnet_status here = linnet_model_load_memory(&model, data, size, &options, &error);
    here = sound(here, model, &error);
    linnet_status there = size ? from_file(data, size, &options) : here;
    if (here != there && here != LINNET_ERR_MEMORY && there != LINNET_ERR_MEMORY) /* the limit is met elsewhere */
        abort();
    static const linnet_kind kinds[] = {LINNET_TENSOR, LINNET_SEQUENCE, LINNET_MAP, LINNET_OPTIONAL};
    as_value(data, size, kinds[size % 4]);
    return 0;
}
