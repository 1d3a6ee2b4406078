/* SPDX-License-Identifier: Apache-2.0
 *
 * What linnet.wasm offers to linnet.mjs: the public interface in calls that take and give numbers. A handle is a model
 * with a session; the inputs that a run reads are copied into blocks of the module, which the caller frees. Where a
 * call fails, error() has the text.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "engine/linnet.h"

#define EXPORT(name) __attribute__((export_name(#name)))
/* Their prototypes are what linnet.mjs makes of them. */
#pragma clang diagnostic ignored "-Wmissing-prototypes"

typedef struct handle {
    linnet_model *model;
    linnet_session *session;
} handle;

static char message[1024];

static int32_t checked(linnet_status status, const linnet_error *error)
{
    if (status != LINNET_OK)
        linnet_error_message(error, message, sizeof message);
    return (int32_t)status;
}

EXPORT(error) const char *error_text(void)
{
    return message;
}

EXPORT(version) const char *version(void)
{
    return LINNET_VERSION;
}

EXPORT(alloc) void *alloc(size_t bytes)
{
    return aligned_alloc(64, (bytes + 64) / 64 * 64);
}

EXPORT(free) void release(void *block)
{
    free(block);
}

EXPORT(close) void close_handle(handle *h)
{
    if (!h)
        return;
    linnet_session_free(h->session);
    linnet_model_free(h->model);
    free(h);
}

/* NULL on failure. The bytes are not needed after the call. */
EXPORT(open) handle *open_handle(const void *bytes, size_t size)
{
    linnet_error error;
    handle *h = calloc(1, sizeof *h);
    if (!h) {
        strcpy(message, "out of memory");
        return NULL;
    }
    if (checked(linnet_model_load_memory(&h->model, bytes, size, NULL, &error), &error) ||
        checked(linnet_session_create(&h->session, h->model, NULL, &error), &error)) {
        close_handle(h);
        return NULL;
    }
    return h;
}

EXPORT(count) size_t count(const handle *h, int32_t outputs)
{
    return outputs ? linnet_model_output_count(h->model) : linnet_model_input_count(h->model);
}

static const linnet_value_info *info(const handle *h, int32_t outputs, size_t index)
{
    return outputs ? linnet_model_output(h->model, index) : linnet_model_input(h->model, index);
}

EXPORT(info_name) const char *info_name(const handle *h, int32_t outputs, size_t index)
{
    return info(h, outputs, index)->name;
}

/* 0 where it is no tensor. */
EXPORT(info_type) int32_t info_type(const handle *h, int32_t outputs, size_t index)
{
    const linnet_value_info *v = info(h, outputs, index);
    return v->kind == LINNET_TENSOR ? (int32_t)v->type : 0;
}

EXPORT(info_default) int32_t info_default(const handle *h, size_t index)
{
    return info(h, 0, index)->has_default;
}

/* -1: not declared. */
EXPORT(info_rank) int32_t info_rank(const handle *h, int32_t outputs, size_t index)
{
    return info(h, outputs, index)->rank;
}

/* -1: not fixed. */
EXPORT(info_dim) double info_dim(const handle *h, int32_t outputs, size_t index, int32_t axis)
{
    return (double)info(h, outputs, index)->dims[axis];
}

EXPORT(info_dim_name) const char *info_dim_name(const handle *h, int32_t outputs, size_t index, int32_t axis)
{
    return info(h, outputs, index)->dim_names[axis];
}

/* dims are doubles, as JavaScript's numbers. */
EXPORT(set)
int32_t set(handle *h, const char *name, int32_t type, int32_t rank, const double *dims, const void *data)
{
    linnet_error error;
    int64_t whole[LINNET_MAX_RANK];
    if (rank > LINNET_MAX_RANK) {
        strcpy(message, "a tensor has more than 8 dimensions");
        return LINNET_ERR_ARGUMENT;
    }
    for (int32_t i = 0; i < rank; i++)
        whole[i] = dims[i] >= 0 && dims[i] < 0x1p53 ? (int64_t)dims[i] : -1;
    return checked(linnet_session_set_tensor(h->session, name, (linnet_type)type, rank, whole, data, &error), &error);
}

/* Takes an input away again. */
EXPORT(unset) int32_t unset(handle *h, const char *name)
{
    linnet_error error;
    return checked(linnet_session_set_input(h->session, name, NULL, &error), &error);
}

EXPORT(run) int32_t run(handle *h)
{
    linnet_error error;
    return checked(linnet_session_run(h->session, &error), &error);
}

EXPORT(output) const linnet_value *output(const handle *h, const char *name)
{
    return linnet_session_output(h->session, name);
}

/* 0 where it is no tensor. */
EXPORT(value_type) int32_t value_type(const linnet_value *v)
{
    return v->kind == LINNET_TENSOR ? (int32_t)v->type : 0;
}

EXPORT(value_rank) int32_t value_rank(const linnet_value *v)
{
    return v->rank;
}

EXPORT(value_dim) double value_dim(const linnet_value *v, int32_t axis)
{
    return (double)v->dims[axis];
}

EXPORT(value_data) const void *value_data(const linnet_value *v)
{
    return v->data;
}
