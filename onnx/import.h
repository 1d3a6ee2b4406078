/* SPDX-License-Identifier: Apache-2.0
 *
 * Inside the importer: the state of one import, and what its files offer each other.
 */
#ifndef LN_ONNX_IMPORT_H
#define LN_ONNX_IMPORT_H

#include "onnx/decode.h"

/* -- names.c: a map from names to ids ------------------------------------------------------------------------------ */

typedef struct ln_name {
    const char *name;
    uint32_t hash;
    int32_t id;
} ln_name;

typedef struct ln_names {
    ln_arena *arena;
    ln_name *slots;
    int32_t n, cap;
} ln_names;

bool ln_names_expect(ln_names *names, int64_t n); /* room for so many at once. False: no memory */
bool ln_names_find(const ln_names *names, const char *name, int32_t *id);
/* The name must not be there yet, and its text must live. False: no memory. */
bool ln_names_add(ln_names *names, const char *name, int32_t id);

/* -- values: tensor.c, external.c, type.c ----------------------------------------------------------------------------
 */

typedef struct ln_external {
    struct ln_external *next;
    const char *location;
    const uint8_t *bytes;
    size_t size;
} ln_external;

/* cut.c: messages without the raw data of large tensors. */
typedef struct ln_payloads {
    const uint8_t *bytes; /* the model, checked by ln_wire_check: from memory, or a mapping of fd */
    int fd;               /* -1: none */
    bool later;           /* what may wait is read when it is wanted */
} ln_payloads;

/* What is left of a model without the nodes of its graph, or of a node; they are as they were where that is all. False:
 * no memory. */
bool ln_cut_model(ln_arena *arena, const uint8_t **bytes, size_t *size);
bool ln_cut_node(ln_arena *arena, const uint8_t **bytes, size_t *size);
/* Puts what was cut into the decoded message; weights that may wait merely get their memory. size, at, end: of the
 * message before. */
linnet_status ln_cut_fill_model(const ln_payloads *p, const Onnx__ModelProto *model, size_t size, ln_decoder *d,
                                linnet_error *error);
linnet_status ln_cut_fill_node(const ln_payloads *p, const Onnx__NodeProto *node, const uint8_t *at, const uint8_t *end,
                               ln_decoder *d, linnet_error *error);
linnet_status ln_cut_read(int fd, void *to, uint64_t offset, size_t size, linnet_error *error);

/* stream.c: the nodes of the model's graph. */
typedef struct ln_stream {
    const ln_payloads *payloads;
    const uint8_t *at, *end;                /* from the first to the last; NULL: there are none */
    size_t n_nodes, n_constants, n_outputs; /* n_constants: nodes of type Constant */
    ln_decoder decoder;                     /* of the present one */
} ln_stream;

void ln_stream_open(ln_stream *s, const ln_payloads *payloads, size_t size, ln_memory *memory);
bool ln_stream_next(const ln_stream *s, const uint8_t **at, ln_field *node);
/* Until the decoder is reset. whole: else just the names of it and of its outputs, unless it is a Constant. */
linnet_status ln_stream_decode(ln_stream *s, const ln_field *f, bool whole, const Onnx__NodeProto **node,
                               linnet_error *error);

/* store.c, of the blocks that are stored. NULL: there is none, and constants just stay. */
ln_store *ln_store_new(ln_memory *memory, int fd, const ln_mapping *blocks);
/* Reads what was not read yet and a node may look at before it is planned: all but weights that only convolutions and
 * products take. */
linnet_status ln_store_settle(ln_store *store, const ln_graph *g, linnet_error *error);

/* Where values come from and go to. */
typedef struct ln_source {
    ln_arena *arena; /* of what stays */
    ln_decoder *decoder;
    ln_mapping **mappings; /* of mapped files and blocks that are kept; NULL: everything is copied to the arena */
    const char *folder;    /* real path of the folder of external data; NULL: there may be none */
    ln_external *files;
    ln_names symbols; /* names of dimensions of the model's graph */
    linnet_error *error;
    const char *node, *domain, *op; /* what messages are about; NULL: no node */
} ln_source;

linnet_status ln_import_fail(const ln_source *s, linnet_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
linnet_status ln_import_no_memory(const ln_source *s);

/* Bytes that lie in a message, to stay: in place if they are a block, else copied. NULL: no memory. */
const void *ln_import_keep(const ln_source *s, const void *bytes, size_t size);
/* A text of the message, to stay. NULL is "". */
const char *ln_import_text(const ln_source *s, const char *text);
/* A string attribute or element, to stay; data is never NULL on success. */
bool ln_import_string(const ln_source *s, const ProtobufCBinaryData *from, linnet_string *to);

/* what: "initializer", "attribute"; name of the tensor or attribute. */
linnet_status ln_import_tensor(ln_source *s, const Onnx__TensorProto *t, const char *what, const char *name,
                               ln_info *info);
linnet_status ln_import_sparse(ln_source *s, const Onnx__SparseTensorProto *t, const char *what, const char *name,
                               ln_info *info);
linnet_status ln_import_external(ln_source *s, const Onnx__TensorProto *t, const char *what, const char *name,
                                 size_t size, const void **bytes);
/* g takes the names of dimensions; NULL: only the kind and the element type count. */
linnet_status ln_import_type(ln_source *s, ln_graph *g, const Onnx__TypeProto *type, const char *name, ln_info *info);

/* Bits of an element in a file for the types that are packed there, the first element lowest: 2, 4, 6; else 0. */
unsigned ln_packed_bits(linnet_type type);
/* Elements of the type in an entry of int32_data: 2 or 4 for those of 4 and 2 bits, else 1. */
int64_t ln_per_byte(linnet_type type);
/* Bytes of n elements in a file. */
size_t ln_packed_size(linnet_type type, int64_t n);

/* -- graphs: import.c, node.c, attribute.c, function.c ------------------------------------------------------------- */

enum {
    LN_IMPORT_DEPTH = 64,      /* bodies and functions within each other */
    LN_IMPORT_NODES = 1 << 20, /* nodes of a model after functions are inlined */
    LN_IMPORT_ATTRS = 1024,    /* attributes of a node or function */
    LN_IMPORT_OPSETS = 256,    /* opset versions of a model or function */
};

/* What the bodies of one node take from outside. */
typedef struct ln_captures {
    ln_names by_name;
    const char **names;
    int32_t *outer; /* values of the graph of the node */
    int32_t n, cap;
} ln_captures;

typedef struct ln_attr_ref {
    const char *name;
    const Onnx__AttributeProto *value; /* with a value of its own */
} ln_attr_ref;

/* A function that is being inlined, with the attributes of the calling node. */
typedef struct ln_call {
    const Onnx__FunctionProto *function;
    const struct ln_call *outer;
    const ln_attr_ref *attrs;
    int32_t n_attrs;
    const char *prefix; /* of the names of nodes and values */
    ln_names outputs;   /* formal outputs: values of the caller */
} ln_call;

/* Where names are looked up: a graph, or the inside of a function, whose nodes go to the graph of its caller. */
typedef struct ln_scope {
    ln_graph *g;
    ln_names names;
    struct ln_scope *outer; /* bodies: the scope of their node */
    ln_captures *captures;  /* bodies: shared by those of the node */
    int32_t *captured;      /* bodies: by index of capture, the value in g or LN_NO_VALUE */
    int32_t n_captured;
    const ln_call *call;
    const ln_opset *opsets;
    int32_t n_opsets;
} ln_scope;

typedef struct ln_importer {
    ln_source source; /* first, so that messages are one call */
    linnet_model *model;
    const Onnx__ModelProto *proto; /* without the nodes of its graph */
    ln_stream *stream;             /* these */
    ln_names functions;            /* domain, overload and name -> index */
    int32_t depth, n_nodes;
} ln_importer;

linnet_status ln_import_graph(ln_importer *im, ln_scope *scope, const Onnx__GraphProto *proto);
linnet_status ln_import_nodes(ln_importer *im, ln_scope *scope, size_t n, Onnx__NodeProto **nodes);
linnet_status ln_import_stream(ln_importer *im, ln_scope *scope);
/* info: where that of a tensor goes; NULL: to memory that stays. */
linnet_status ln_import_attribute(ln_importer *im, ln_scope *scope, const Onnx__AttributeProto *proto, bool known,
                                  ln_info *info, ln_attr *attr, const Onnx__GraphProto **body);
/* The attribute itself, or for a reference that of the caller; NULL: the caller does not have it. */
linnet_status ln_import_resolve(ln_importer *im, const ln_scope *scope, const Onnx__AttributeProto *proto,
                                const Onnx__AttributeProto **value);
/* The value of a name, from outer scopes too. Where there is none: LINNET_ERR_MODEL and no message. */
linnet_status ln_import_lookup(ln_importer *im, ln_scope *scope, const char *name, int32_t *value);
/* All bodies get inputs for all captures of their node. */
linnet_status ln_import_close(ln_importer *im, ln_scope *bodies, int32_t n_bodies, const ln_captures *captures);
linnet_status ln_import_opsets(ln_importer *im, size_t n, Onnx__OperatorSetIdProto **protos, const ln_opset **opsets,
                               int32_t *n_opsets);
int64_t ln_scope_opset(const ln_scope *scope, const char *domain);

linnet_status ln_import_functions(ln_importer *im);
/* The function that a node calls; NULL: it calls none. */
linnet_status ln_function_find(ln_importer *im, const Onnx__NodeProto *node, const Onnx__FunctionProto **f);
linnet_status ln_function_inline(ln_importer *im, ln_scope *scope, const Onnx__FunctionProto *f,
                                 const Onnx__NodeProto *node);

/* "" for ai.onnx and for NULL. */
const char *ln_domain(const char *domain);

#endif
