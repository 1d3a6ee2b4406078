/* SPDX-License-Identifier: Apache-2.0
 *
 * libFuzzer target: bytes as a model that is loaded, planned and run on inputs of zeros and small numbers, with little
 * memory and few steps. Whatever the bytes are: no crash, no leak, an error or a result.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/linnet.h"

/* The memory bounds the work, too, since elements of results are work. */
enum { MAX_BYTES = 2 << 20, MAX_STEPS = 2000, MAX_ELEMENTS = 1 << 16 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fill(linnet_value *v)
{
    static const linnet_string text = {"a", 1};
    int64_t n = linnet_value_count(v);
    for (int64_t i = 0; i < n && v->type == LINNET_STRING; i++)
        ((linnet_string *)v->data)[i] = text;
    if (v->type == LINNET_FLOAT32)
        for (int64_t i = 0; i < n; i++)
            ((float *)v->data)[i] = (float)(i % 7) - 2.5f;
    else if (v->type == LINNET_INT64)
        for (int64_t i = 0; i < n; i++)
            ((int64_t *)v->data)[i] = i % 3;
    else if (v->type == LINNET_BOOL && n > 0)
        memset(v->data, 1, (size_t)n);
}

/* A value for a declared input; free() its data. */
static linnet_value make(const linnet_value_info *info)
{
    linnet_value v = {.kind = LINNET_TENSOR, .type = info->type, .rank = info->rank < 0 ? 1 : info->rank};
    int64_t n = 1;
    for (int32_t i = 0; i < v.rank; i++) {
        v.dims[i] = info->rank < 0 || info->dims[i] < 0 ? 2 : info->dims[i];
        n = v.dims[i] > MAX_ELEMENTS || n > MAX_ELEMENTS ? MAX_ELEMENTS + 1 : n * v.dims[i];
    }
    if (info->kind != LINNET_TENSOR || n > MAX_ELEMENTS) {
        v.kind = LINNET_NONE;
        return v;
    }
    v.data = calloc((size_t)n + 1, linnet_type_size(info->type) ? linnet_type_size(info->type) : 1);
    if (v.data)
        fill(&v);
    return v;
}

static void run(const linnet_model *m)
{
    linnet_session *s;
    linnet_error error;
    linnet_session_options o = {.max_steps = MAX_STEPS, .threads = 1};
    size_t n = linnet_model_input_count(m);
    if (linnet_session_create(&s, m, &o, &error) != LINNET_OK)
        return;
    linnet_value *values = calloc(n + 1, sizeof *values);
    linnet_status st = values ? LINNET_OK : LINNET_ERR_MEMORY;
    for (size_t i = 0; i < n && st == LINNET_OK; i++) {
        const linnet_value_info *info = linnet_model_input(m, i);
        values[i] = make(info);
        if (values[i].kind == LINNET_TENSOR && !info->has_default)
            st = linnet_session_set_input(s, info->name, &values[i], &error);
    }
    if (st == LINNET_OK)
        st = linnet_session_run(s, &error);
    linnet_session_free(s);
    for (size_t i = 0; values && i < n; i++)
        free(values[i].data);
    free(values);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    linnet_model *m;
    linnet_error error;
    linnet_load_options o = {.max_bytes = MAX_BYTES};
    if (linnet_model_load_memory(&m, data, size, &o, &error) != LINNET_OK)
        return 0;
    run(m);
    linnet_model_free(m);
    return 0;
}
