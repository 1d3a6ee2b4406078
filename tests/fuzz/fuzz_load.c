/* SPDX-License-Identifier: Apache-2.0
 *
 * libFuzzer target: bytes as a model and as a value in a file. What loads must be a sound graph.
 */
#include <stdlib.h>

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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    linnet_model *model;
    linnet_error error;
    linnet_load_options options = {.max_bytes = MAX_BYTES};
    if (linnet_model_load_memory(&model, data, size, &options, &error) == LINNET_OK) {
        if (ln_graph_verify(model->graph))
            abort();
        linnet_model_free(model);
    } else if (!error.text[0]) {
        abort();
    }
    static const linnet_kind kinds[] = {LINNET_TENSOR, LINNET_SEQUENCE, LINNET_MAP, LINNET_OPTIONAL};
    as_value(data, size, kinds[size % 4]);
    return 0;
}
