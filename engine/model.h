/* SPDX-License-Identifier: Apache-2.0
 *
 * A loaded model: its graph as imported, and what it declares. onnx/ (or any other reader) fills it, sessions read it.
 */
#ifndef LN_ENGINE_MODEL_H
#define LN_ENGINE_MODEL_H

#include "engine/store.h"

typedef struct ln_property {
    const char *key, *value;
} ln_property;

struct linnet_model {
    ln_memory memory;
    ln_arena arena; /* graph, names, constants that are not mapped */
    ln_graph *graph;
    int64_t ir_version;
    linnet_value_info *inputs, *outputs;
    int32_t n_inputs, n_outputs;
    ln_property *properties;
    int32_t n_properties;
    ln_store *store;             /* of constants that can be read again; NULL: none */
    struct ln_mapping *mappings; /* files of external data */
    void (*unmap)(struct ln_mapping *mappings);
};

/* An empty model; NULL: no memory. */
linnet_model *ln_model_new(const linnet_load_options *options);

/* Reads the constants that were left in the file, for whoever looks at them without a session. */
static inline linnet_status ln_model_complete(const linnet_model *m, linnet_error *error)
{
    return m->store ? m->store->complete(m->store, error) : LINNET_OK;
}

/* After the graph is complete: fills inputs and outputs from it. */
linnet_status ln_model_declare(linnet_model *m, linnet_error *error);

/* Fills error (which may be NULL) and returns status. */
linnet_status ln_error_set(linnet_error *error, linnet_status status, const char *node, const char *op,
                           const char *format, ...) __attribute__((format(printf, 5, 6)));

#endif
