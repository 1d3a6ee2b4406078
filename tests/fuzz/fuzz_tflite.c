/* SPDX-License-Identifier: Apache-2.0
 *
 * libFuzzer target: bytes as a .tflite file. Whatever they are: no crash, no leak, an error that says something or a
 * graph that keeps its invariants and whose types and shapes can be inferred or refused.
 */
#include <stdlib.h>

#include "engine/passes.h"
#include "tools/tflite/tflite.h"

enum { MAX_BYTES = 16 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    linnet_model *model;
    linnet_error error;
    linnet_load_options options = {.max_bytes = MAX_BYTES};
    if (ln_tflite_load(&model, data, size, &options, &error) != LINNET_OK) {
        if (!error.text[0])
            abort();
        return 0;
    }
    if (ln_graph_verify(model->graph))
        abort();
    error = (linnet_error){0};
    if (ln_infer_graph(model->graph, &model->memory, true, &error) != LINNET_OK && !error.text[0])
        abort();
    linnet_model_free(model);
    return 0;
}
