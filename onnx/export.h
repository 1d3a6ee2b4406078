/* SPDX-License-Identifier: Apache-2.0
 *
 * Inside the writer of models: its state, and what its files offer each other.
 */
#ifndef LN_ONNX_EXPORT_H
#define LN_ONNX_EXPORT_H

#include "onnx/import.h"
#include "onnx/write.h"

/* Messages that are being collected; items are pointers to them. */
typedef struct ln_list {
    void **items;
    size_t n, cap;
} ln_list;

typedef struct ln_exporter {
    ln_arena arena;
    linnet_error *error;
    ln_names used;     /* names of values, over all graphs */
    uint32_t n_made;   /* names made up so far */
    ln_list opsets;    /* ln_opset: the versions that the file imports */
    ln_list functions; /* Onnx__FunctionProto */
} ln_exporter;

/* A graph that is being written. */
typedef struct ln_export_scope {
    const ln_graph *g;
    const struct ln_export_scope *outer; /* bodies: the graph of the node */
    int32_t n_scalars;                   /* inputs of a body, from the first, that are scalars whatever comes: Loop's */
    const char **names;                  /* by value; NULL: not named yet */
    bool *wanted;                        /* constants that bodies use */
    ln_list nodes, initializers;
} ln_export_scope;

/* Attributes that only plans have. */
bool ln_export_hidden(const ln_attr *a);

bool ln_list_push(ln_arena *arena, ln_list *list, void *item);
linnet_status ln_export_no_memory(const ln_exporter *x);
linnet_status ln_export_fail(const ln_exporter *x, const ln_export_scope *scope, const ln_node *n, linnet_status status,
                             const char *format, ...) __attribute__((format(printf, 5, 6)));
/* A name that no other value has, base itself if it can be. NULL: no memory. */
const char *ln_export_unique(ln_exporter *x, const char *base);
const char *ln_export_name(ln_exporter *x, ln_export_scope *scope, int32_t value);
int64_t ln_export_opset(const ln_exporter *x, const char *domain);
/* type of an info; g gives the names of dimensions, NULL: no shape. */
Onnx__TypeProto *ln_export_type(ln_exporter *x, const ln_graph *g, const ln_info *info);
linnet_status ln_export_graph(ln_exporter *x, ln_export_scope *scope, const linnet_model *m, Onnx__GraphProto *to);
linnet_status ln_export_node(ln_exporter *x, ln_export_scope *scope, const ln_node *n);
Onnx__NodeProto *ln_export_new_node(ln_exporter *x, const char *domain, const char *type, const char *name, size_t n_in,
                                    size_t n_out);

#endif
