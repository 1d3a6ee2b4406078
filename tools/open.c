/* SPDX-License-Identifier: Apache-2.0
 *
 * Opening the model of a command line: .onnx by the library, .tflite by converting it in memory. The bytes decide, not
 * the name.
 */
#include <stdio.h>

#include "tools/tflite/tflite.h"
#include "tools/tool.h"

/* A file without the first bytes of a .tflite is the loader's, which also says what is wrong with it. */
static bool begins_as_tflite(const char *path)
{
    uint8_t head[8];
    FILE *file = fopen(path, "rb");
    size_t n = file ? fread(head, 1, sizeof head, file) : 0;
    if (file)
        fclose(file);
    return ln_is_tflite(head, n);
}

static linnet_model *load_tflite(const char *path)
{
    linnet_model *model = NULL;
    linnet_error error = {0};
    ln_memory memory;
    ln_arena arena;
    ln_bytes file;
    ln_memory_init(&memory, NULL, 0);
    ln_arena_init(&arena, &memory);
    if (ln_read_file(&arena, path, &file) && ln_tflite_load(&model, file.data, file.size, NULL, &error))
        ln_bad_error(path, &error);
    ln_arena_free(&arena);
    return model;
}

linnet_model *ln_load(const char *path)
{
    linnet_model *model = NULL;
    linnet_error error = {0};
    if (begins_as_tflite(path))
        return load_tflite(path);
    if (linnet_model_load_file(&model, path, NULL, &error)) {
        ln_bad_error(path, &error);
        return NULL;
    }
    return model;
}
