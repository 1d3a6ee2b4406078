/* SPDX-License-Identifier: Apache-2.0
 *
 * Linnet: an ONNX inference engine in C11. This is the whole public interface.
 *
 * The way of a model:  linnet_model_load_*  ->  linnet_session_create  ->  set inputs, run, read outputs.
 * A model is immutable once loaded and may serve any number of sessions and threads; a session belongs to one
 * thread at a time. Every function that may fail returns a linnet_status and, when the caller passes a
 * linnet_error, says in it what was wrong, where. Nothing is logged, nothing exits.
 *
 * Specification: ONNX IR (https://onnx.ai/onnx/repo-docs/IR.html) and the operator documents of ai.onnx.
 */
#ifndef LINNET_H
#define LINNET_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define LINNET_VERSION_MAJOR 0
#define LINNET_VERSION_MINOR 1
#define LINNET_VERSION_PATCH 0
#define LINNET_VERSION "0.1.0"

#if defined(__GNUC__) || defined(__clang__)
#define LINNET_CHECK __attribute__((warn_unused_result))
#else
#define LINNET_CHECK
#endif

/* The most dimensions a tensor may have. */
#define LINNET_MAX_RANK 8

typedef enum linnet_status {
    LINNET_OK = 0,
    LINNET_ERR_ARGUMENT,    /* the caller's argument is wrong: unknown name, wrong type or shape of an input */
    LINNET_ERR_MEMORY,      /* an allocation failed, or the limit on memory was reached */
    LINNET_ERR_IO,          /* a file could not be opened or read */
    LINNET_ERR_MODEL,       /* the model is malformed or breaks the specification */
    LINNET_ERR_UNSUPPORTED, /* valid, but Linnet does not have it: the text names operator and version */
    LINNET_ERR_DATA         /* found while running: an index out of range, a sequence that is empty */
} linnet_status;

/* What went wrong. node and op are empty when the error belongs to no node. */
typedef struct linnet_error {
    linnet_status status;
    char node[128]; /* node name, or the name of its first output where it has none */
    char op[64];    /* operator type, with its domain unless that is ai.onnx */
    char text[512]; /* a sentence without the node and operator */
} linnet_error;

/* Writes "Conv 'layer3.0/conv1': text" (or just the text) into buf, always terminated. Returns buf. */
const char *linnet_error_message(const linnet_error *error, char *buf, size_t size);

/* The name of a status: "ok", "argument", ... Never NULL. */
const char *linnet_status_name(linnet_status status);

/* Element types; the numbers are those of TensorProto.DataType. */
typedef enum linnet_type {
    LINNET_UNDEFINED = 0,
    LINNET_FLOAT32 = 1,
    LINNET_UINT8 = 2,
    LINNET_INT8 = 3,
    LINNET_UINT16 = 4,
    LINNET_INT16 = 5,
    LINNET_INT32 = 6,
    LINNET_INT64 = 7,
    LINNET_STRING = 8, /* elements are linnet_string */
    LINNET_BOOL = 9,   /* one byte, 0 or 1 */
    LINNET_FLOAT16 = 10,
    LINNET_FLOAT64 = 11,
    LINNET_UINT32 = 12,
    LINNET_UINT64 = 13,
    LINNET_COMPLEX64 = 14, /* two float32 */
    LINNET_COMPLEX128 = 15,
    LINNET_BFLOAT16 = 16,
    LINNET_FLOAT8E4M3FN = 17,
    LINNET_FLOAT8E4M3FNUZ = 18,
    LINNET_FLOAT8E5M2 = 19,
    LINNET_FLOAT8E5M2FNUZ = 20,
    LINNET_UINT4 = 21, /* 4- and 2-bit types: one element a byte in memory (the low bits, sign-extended for the */
    LINNET_INT4 = 22,  /* signed ones), packed only in files */
    LINNET_FLOAT4E2M1 = 23,
    LINNET_FLOAT8E8M0 = 24,
    LINNET_UINT2 = 25,
    LINNET_INT2 = 26,
    LINNET_FLOAT6E2M3 = 27, /* as the 4- and 2-bit types: a byte each, packed in files */
    LINNET_FLOAT6E3M2 = 28,
    LINNET_TYPE_COUNT = 29
} linnet_type;

/* Bytes of one element in memory; 0 for LINNET_UNDEFINED and numbers out of range. */
size_t linnet_type_size(linnet_type type);

/* "float32", "int4", ...; "undefined" for what is not a type. */
const char *linnet_type_name(linnet_type type);

/* One element of a string tensor. Not terminated; the bytes belong to whoever made the tensor. */
typedef struct linnet_string {
    const char *data;
    size_t size; /* bytes */
} linnet_string;

typedef enum linnet_kind {
    LINNET_NONE = 0, /* an optional that holds nothing */
    LINNET_TENSOR,
    LINNET_SEQUENCE, /* items: values */
    LINNET_MAP,      /* items[0]: keys, items[1]: values, both 1-D tensors of the same length */
    LINNET_OPTIONAL  /* in declarations only: at run time it is NONE or the value itself */
} linnet_kind;

/* A value at run time. Tensors are dense and row-major ("C order"). */
typedef struct linnet_value {
    linnet_kind kind;
    linnet_type type; /* tensor: element type; sequence: that of its tensors if known */
    int32_t rank;     /* tensor: number of dimensions */
    int64_t dims[LINNET_MAX_RANK];
    void *data;      /* tensor: the elements */
    int64_t n_items; /* sequence, map: number of items */
    struct linnet_value *items;
} linnet_value;

/* The number of elements of a tensor (1 for a scalar). */
int64_t linnet_value_count(const linnet_value *value);

/* What the model declares of an input or output. */
typedef struct linnet_value_info {
    const char *name;
    linnet_kind kind;                       /* TENSOR, SEQUENCE, MAP or OPTIONAL */
    linnet_kind item;                       /* of a SEQUENCE or OPTIONAL: what it holds */
    linnet_type type;                       /* element type of the tensors; MAP: of its values */
    linnet_type key;                        /* MAP: key type */
    int32_t rank;                           /* -1: not declared */
    int64_t dims[LINNET_MAX_RANK];          /* -1: not fixed */
    const char *dim_names[LINNET_MAX_RANK]; /* dim_param, or NULL */
    int32_t has_default; /* input: an initializer of the same name gives its value when it is not fed */
} linnet_value_info;

/* Memory comes from here when the caller brings one; alloc returns NULL when there is none. align is a power of two.
 * Both may be called from several threads at once when sessions run in several threads. */
typedef struct linnet_allocator {
    void *(*alloc)(void *user, size_t bytes, size_t align);
    void (*free)(void *user, void *block);
    void *user;
} linnet_allocator;

typedef struct linnet_model linnet_model;
typedef struct linnet_session linnet_session;

typedef struct linnet_load_options {
    const linnet_allocator *allocator; /* NULL: malloc */
    uint64_t max_bytes;                /* most memory that loading and planning may take; 0: 16 GiB */
    const char *folder;                /* linnet_model_load_memory: where external data lies; NULL: none allowed */
} linnet_load_options;

/* Loads an .onnx file. options may be NULL. On success *model is the caller's, to be given to linnet_model_free. Large
 * weights are read when a session needs them: until the model is freed the file may be removed or replaced, but it must
 * not be changed where it is (the run that sees it fails with LINNET_ERR_IO; external data, and tables of 4 MB and more
 * of which runs copy rows, are mapped: a run that reads behind the end of a file that was cut ends in SIGBUS). */
LINNET_CHECK linnet_status linnet_model_load_file(linnet_model **model, const char *path,
                                                  const linnet_load_options *options, linnet_error *error);

/* The same from memory. The bytes are not needed after the call. */
LINNET_CHECK linnet_status linnet_model_load_memory(linnet_model **model, const void *bytes, size_t size,
                                                    const linnet_load_options *options, linnet_error *error);

/* The sessions made from a model must be freed before it. NULL is allowed. */
void linnet_model_free(linnet_model *model);

size_t linnet_model_input_count(const linnet_model *model);
size_t linnet_model_output_count(const linnet_model *model);

/* index < count; the result lives as long as the model. Initializers that are also listed as inputs come last,
 * with has_default set. */
const linnet_value_info *linnet_model_input(const linnet_model *model, size_t index);
const linnet_value_info *linnet_model_output(const linnet_model *model, size_t index);

/* The value of a metadata property ("producer", "domain", "doc", or a key of metadata_props), or NULL. */
const char *linnet_model_metadata(const linnet_model *model, const char *key);

typedef struct linnet_session_options {
    int32_t threads;            /* 0: LINNET_THREADS, or 1 where it is not set */
    const char *disable_passes; /* names of passes with commas between, or "all"; NULL: none */
    uint32_t max_plans;         /* plans kept for recent input shapes; 0: 4 */
    int32_t profile;            /* not 0: runs note the time of every step (`linnet bench` shows them) */
    uint64_t max_steps;         /* most steps of a run, those of loop bodies counted each time; 0: no limit */
} linnet_session_options;

LINNET_CHECK linnet_status linnet_session_create(linnet_session **session, const linnet_model *model,
                                                 const linnet_session_options *options, linnet_error *error);
void linnet_session_free(linnet_session *session);

/* Sets an input by its name. The value and everything it points to stay the caller's and must live and stay in
 * place until the run that reads them has ended; data is read where it lies. An input keeps its value for later
 * runs; NULL takes it away again. A shape that no plan was made for makes one in the next run. */
LINNET_CHECK linnet_status linnet_session_set_input(linnet_session *session, const char *name,
                                                    const linnet_value *value, linnet_error *error);

/* Dense tensor of an ordinary type: the short form of the above. */
LINNET_CHECK linnet_status linnet_session_set_tensor(linnet_session *session, const char *name, linnet_type type,
                                                     int32_t rank, const int64_t *dims, const void *data,
                                                     linnet_error *error);

/* Runs. An input that was not set and has no default is an error. */
LINNET_CHECK linnet_status linnet_session_run(linnet_session *session, linnet_error *error);

/* The output of the last run, valid until the next run or set_input. NULL if there is none of that name or no run
 * has succeeded. */
const linnet_value *linnet_session_output(const linnet_session *session, const char *name);

/* Bytes of run memory (the block of the current plan); 0 before the first run. */
uint64_t linnet_session_memory(const linnet_session *session);

#ifdef __cplusplus
}
#endif
#endif
