/* SPDX-License-Identifier: Apache-2.0
 *
 * What an operator sees of the engine: its descriptor, and the contexts of its four functions.
 *
 *   infer  types and shapes of the outputs from those of the inputs; may look at constant inputs; checks everything
 *   plan   all shapes known: picks the kernel, packs constants, asks for scratch, writes the parameters
 *   run    computes; needs no check except on values in the data
 *   late   in place of plan and run where outputs are no plain tensors of a known shape (sequences, strings,
 *          subgraphs): runs with the values at hand and makes its outputs itself
 *
 * When the shape of an output, or a value that plan needs, depends on data, the engine runs the node as a late step:
 * it calls infer, plan and run when the inputs are there, all of them then being constant. So an operator with a
 * data-dependent shape needs nothing special: infer leaves a dimension LN_UNKNOWN while ln_info.data is NULL.
 *
 * An operator file includes this header and kernels/, nothing else of the engine.
 */
#ifndef LN_ENGINE_OP_H
#define LN_ENGINE_OP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/linnet.h"

#define LN_MAX_RANK LINNET_MAX_RANK

/* A dimension: >= 0 known; LN_UNKNOWN; or below that a symbol (equal symbols are equal sizes). */
#define LN_UNKNOWN (-1)

/* The type of a value, and its elements where they are known before the run. */
typedef struct ln_info {
    uint8_t kind; /* linnet_kind; a sequence or optional is described by item, type */
    uint8_t item; /* SEQUENCE, OPTIONAL: kind of what it holds (an optional may hold a sequence) */
    uint8_t type; /* linnet_type; UNDEFINED while not known */
    uint8_t key;  /* MAP: type of the keys */
    int32_t rank; /* -1: not known */
    int64_t dims[LN_MAX_RANK];
    const void *data; /* constant: the elements, row-major; else NULL */
} ln_info;

bool ln_info_known(const ln_info *info);    /* a tensor whose type, rank and every dimension are known */
int64_t ln_info_count(const ln_info *info); /* elements; LN_UNKNOWN if a dimension is not known */
size_t ln_info_bytes(const ln_info *info);  /* bytes of a known tensor */

/* -- attributes -------------------------------------------------------------------------------------------------- */

enum { LN_AT_END, LN_AT_FLOAT, LN_AT_INT, LN_AT_ENUM, LN_AT_INTS, LN_AT_FLOATS, LN_AT_ANY };

/* Where an attribute goes in the operator's parameters. The attributes of a descriptor are all that it knows:
 * another one in a node is an error that names it. */
typedef struct ln_attr_spec {
    const char *name;
    uint8_t kind;
    uint8_t required;
    uint16_t max;      /* INTS, FLOATS: room in the field */
    uint16_t offset;   /* of the field */
    uint16_t n_offset; /* INTS, FLOATS: of the int32_t count n_<field>; -1 in it: the attribute is absent */
    int64_t i;         /* defaults */
    float f;
    const char *names; /* ENUM: "notset|valid|same_upper": the field gets the index */
} ln_attr_spec;

/* The field's C type: float; int64_t; int32_t (ENUM); int64_t[max] with int32_t n_<field>; float[max] likewise. */
#define LN_ATTR_F(S, field, def)                                                                                       \
    {                                                                                                                  \
        .name = #field, .kind = LN_AT_FLOAT, .offset = offsetof(S, field), .f = (def)                                  \
    }
#define LN_ATTR_I(S, field, def)                                                                                       \
    {                                                                                                                  \
        .name = #field, .kind = LN_AT_INT, .offset = offsetof(S, field), .i = (def)                                    \
    }
#define LN_ATTR_E(S, field, list, def)                                                                                 \
    {                                                                                                                  \
        .name = #field, .kind = LN_AT_ENUM, .offset = offsetof(S, field), .names = (list), .i = (def)                  \
    }
#define LN_ATTR_INTS(S, field)                                                                                         \
    {                                                                                                                  \
        .name = #field, .kind = LN_AT_INTS, .offset = offsetof(S, field), .n_offset = offsetof(S, n_##field),          \
        .max = sizeof(((S *)0)->field) / sizeof(int64_t)                                                               \
    }
#define LN_ATTR_FLOATS(S, field)                                                                                       \
    {                                                                                                                  \
        .name = #field, .kind = LN_AT_FLOATS, .offset = offsetof(S, field), .n_offset = offsetof(S, n_##field),        \
        .max = sizeof(((S *)0)->field) / sizeof(float)                                                                 \
    }
/* The same, and the node must have it. */
#define LN_ATTR_I_REQ(S, field)                                                                                        \
    {                                                                                                                  \
        .name = #field, .kind = LN_AT_INT, .required = 1, .offset = offsetof(S, field)                                 \
    }
#define LN_ATTR_F_REQ(S, field)                                                                                        \
    {                                                                                                                  \
        .name = #field, .kind = LN_AT_FLOAT, .required = 1, .offset = offsetof(S, field)                               \
    }
#define LN_ATTR_INTS_REQ(S, field)                                                                                     \
    {                                                                                                                  \
        .name = #field, .kind = LN_AT_INTS, .required = 1, .offset = offsetof(S, field),                               \
        .n_offset = offsetof(S, n_##field), .max = sizeof(((S *)0)->field) / sizeof(int64_t)                           \
    }
/* Allowed; the operator reads it with ln_attr_*, or it has no meaning for the result. */
#define LN_ATTR_ANY(attr)                                                                                              \
    {                                                                                                                  \
        .name = (attr), .kind = LN_AT_ANY                                                                              \
    }
#define LN_ATTR_END                                                                                                    \
    {                                                                                                                  \
        .name = NULL, .kind = LN_AT_END                                                                                \
    }

/* Hidden attributes, which passes write and no file may hold; ops/fused.h says what they mean. */
#define LN_NAME_HIDDEN "linnet." /* what the names of all start with */
#define LN_NAME_CHANNELS_LAST "linnet.channels_last"
#define LN_NAME_ACT "linnet.act"
#define LN_NAME_ACT_LO "linnet.act_lo"
#define LN_NAME_ACT_HI "linnet.act_hi"
#define LN_NAME_RESIDUAL "linnet.residual"
#define LN_NAME_WINOGRAD "linnet.winograd"
#define LN_NAME_HALF_WEIGHTS "linnet.half_weights"

/* -- the descriptor ---------------------------------------------------------------------------------------------- */

#define LN_T(type) (UINT32_C(1) << (type))
#define LN_T_FLOATS (LN_T(LINNET_FLOAT32) | LN_T(LINNET_FLOAT64) | LN_T(LINNET_FLOAT16) | LN_T(LINNET_BFLOAT16))
#define LN_T_SINTS (LN_T(LINNET_INT8) | LN_T(LINNET_INT16) | LN_T(LINNET_INT32) | LN_T(LINNET_INT64))
#define LN_T_UINTS (LN_T(LINNET_UINT8) | LN_T(LINNET_UINT16) | LN_T(LINNET_UINT32) | LN_T(LINNET_UINT64))
#define LN_T_INTS (LN_T_SINTS | LN_T_UINTS)
#define LN_T_NUMBERS (LN_T_FLOATS | LN_T_INTS)
#define LN_T_FLOAT8                                                                                                    \
    (LN_T(LINNET_FLOAT8E4M3FN) | LN_T(LINNET_FLOAT8E4M3FNUZ) | LN_T(LINNET_FLOAT8E5M2) | LN_T(LINNET_FLOAT8E5M2FNUZ) | \
     LN_T(LINNET_FLOAT8E8M0))
#define LN_T_FLOAT6 (LN_T(LINNET_FLOAT6E2M3) | LN_T(LINNET_FLOAT6E3M2))
#define LN_T_SMALL                                                                                                     \
    (LN_T(LINNET_UINT4) | LN_T(LINNET_INT4) | LN_T(LINNET_FLOAT4E2M1) | LN_T(LINNET_UINT2) | LN_T(LINNET_INT2))
#define LN_T_COMPLEX (LN_T(LINNET_COMPLEX64) | LN_T(LINNET_COMPLEX128))
#define LN_T_ALL ((UINT32_C(1) << LINNET_TYPE_COUNT) - 2)

typedef struct ln_ctx ln_ctx;
typedef struct ln_args ln_args;
typedef linnet_status ln_infer_fn(ln_ctx *c);
typedef linnet_status ln_plan_fn(ln_ctx *c);
typedef linnet_status ln_run_fn(const ln_args *a);
typedef linnet_status ln_late_fn(ln_ctx *c);

enum {
    LN_OP_RANDOM = 1,  /* never folded, never merged */
    LN_OP_LATE_OK = 2, /* late() may also fold constants */
    LN_OP_PARTS = 4,   /* plan reads input 1, where that is a constant of float32, by ln_input_part alone */
    LN_OP_BYTES = 8    /* plan reads no element of input 0, and run copies some of its bytes, wherever they lie */
};

#define LN_VARIADIC INT16_MAX

typedef struct ln_op {
    const char *domain; /* "" is ai.onnx */
    const char *type;
    int16_t since[12]; /* versions supported, ascending: those at which the specification changed the operator */
    uint32_t types;    /* LN_T mask of the first input's element type (of the first output's where there is none) */
    struct {
        int16_t min, max;
    } in, out; /* counts; max LN_VARIADIC: any number. The engine has checked them: the first `min` are never absent */
    const ln_attr_spec *attrs;
    uint32_t params_size; /* bytes of the parameters; attributes are decoded into them before infer and plan */
    uint32_t flags;
    ln_infer_fn *infer;
    ln_plan_fn *plan;
    ln_run_fn *run; /* default of what plan may set with LN_SET_RUN; LN_RUN_NAME gives both fields */
    const char *run_name;
    ln_late_fn *late;
} ln_op;

/* Opens a descriptor at the start of a line; Make collects them into the table by this line. Firmware (LN_FIRMWARE) has
 * run functions only: its descriptors are static and not used, so the compiler leaves out what they alone name. */
#ifdef LN_FIRMWARE
#define LN_OP(name) static const ln_op ln_op_##name __attribute__((unused))
#else
#define LN_OP(name)                                                                                                    \
    extern const ln_op ln_op_##name;                                                                                   \
    const ln_op ln_op_##name
#endif

/* Run functions have external linkage, so that a compiled plan can name them. LN_RUN opens the definition. */
#define LN_RUN(fn)                                                                                                     \
    linnet_status fn(const ln_args *a);                                                                                \
    linnet_status fn(const ln_args *a)
#define LN_RUN_NAME(fn) .run = fn, .run_name = #fn

/* -- infer, plan, late -------------------------------------------------------------------------------------------- */

struct ln_ctx {
    const ln_op *op;
    int32_t version; /* the entry of op->since that the node's opset selects */
    int32_t n_in, n_out;
    const ln_info *const *in; /* NULL: absent optional input. late: data is set, values() has what is no tensor */
    ln_info *const *out;      /* NULL: absent optional output */
    void *params;             /* op->params_size bytes, attributes decoded */
    /* plan */
    ln_run_fn *run;
    const char *run_name;
    int32_t threads;      /* most workers that will run tasks; scratch for each is the operator's to ask for */
    bool late;            /* running as a late step, or folding: every input is constant */
    size_t pointer_bytes; /* of a pointer on the machine where run will be called: for scratch that holds pointers */
    int32_t frugal;       /* memory before time; 1: little scratch, 2: and in place where that takes copies */
    struct ln_ctx_private *p;
};

/* Fails the call: status and a printf text that names the value and the numbers, without node and operator. */
linnet_status ln_fail(ln_ctx *c, linnet_status status, const char *format, ...) __attribute__((format(printf, 3, 4)));
linnet_status ln_no_memory(ln_ctx *c);

/* Returned by plan when it needs the elements of an input that is not constant: the node becomes a late step. */
#define LN_NEED_DATA ((linnet_status)100)

/* Attributes beyond the specs. Absent ones give the default (or NULL with *n = 0). */
bool ln_attr_has(const ln_ctx *c, const char *name);
int64_t ln_attr_int(const ln_ctx *c, const char *name, int64_t def);
float ln_attr_float(const ln_ctx *c, const char *name, float def);
linnet_string ln_attr_string(const ln_ctx *c, const char *name); /* absent: data NULL */
const int64_t *ln_attr_ints(const ln_ctx *c, const char *name, int64_t *n);
const float *ln_attr_floats(const ln_ctx *c, const char *name, int64_t *n);
const linnet_string *ln_attr_strings(const ln_ctx *c, const char *name, int64_t *n);
const ln_info *ln_attr_tensor(const ln_ctx *c, const char *name); /* with data; NULL: absent */
/* Any attribute that holds an integer, float or string: its linnet_type-like kind, LN_AT_END when absent. */
bool ln_attr_is_ints(const ln_ctx *c, const char *name);

/* Reads input i, a constant of an integer type with at most max elements, as int64. Returns the count, -1 if the input
 * is not constant, -2 if it is no such tensor. Absent input: -1. */
int32_t ln_const_ints(const ln_ctx *c, int32_t i, int64_t *values, int32_t max);

/* Shape helpers for infer. All return LINNET_OK or the failure they reported. */
linnet_status ln_set_shape(ln_ctx *c, int32_t out, linnet_type type, int32_t rank, const int64_t *dims);
linnet_status ln_set_unknown(ln_ctx *c, int32_t out, linnet_type type); /* a tensor of unknown rank */
linnet_status ln_infer_same(ln_ctx *c);                                 /* every output as input 0 */
linnet_status ln_infer_broadcast(ln_ctx *c); /* output 0: type of input 0, shape of all inputs broadcast */
/* dims of the broadcast of two shapes (specification: Broadcasting.md); false where they do not fit. */
bool ln_broadcast(int32_t *rank, int64_t *dims, int32_t rank_b, const int64_t *dims_b);
/* "[1, 3, ?]" into buf (200 bytes hold every shape). Returns buf. */
const char *ln_dims_text(char *buf, size_t size, int32_t rank, const int64_t *dims);
/* axis in [-rank, rank) made non-negative; fails naming it otherwise. */
linnet_status ln_axis(ln_ctx *c, int64_t axis, int32_t rank, int32_t *result);
/* Output out is constant: data of its (known) shape is copied. Infer may call it, e.g. Shape of a known shape. */
linnet_status ln_set_data(ln_ctx *c, int32_t out, const void *data);
/* a * b, or fails with "too large" when it leaves int64 or the limit on memory. */
linnet_status ln_mul_size(ln_ctx *c, int64_t a, int64_t b, int64_t *product);

/* Plan. */
#define LN_SET_RUN(c, fn) ((c)->run = (fn), (c)->run_name = #fn)
void ln_scratch(ln_ctx *c, size_t bytes); /* for the step; 64-byte aligned; sums up over calls of one plan */
void *ln_pack(ln_ctx *c, size_t bytes);   /* constant memory, zeroed, 64-byte aligned, a->packed in run; once per
                                             plan; NULL: no memory */
/* The same, shared with the steps before of this operator that have the same constants, packed as many bytes so, and
 * gave the same key, which says what else the bytes depend on. *filled: such a step was there. */
void *ln_pack_shared(ln_ctx *c, size_t bytes, uint64_t key, bool *filled);
void ln_drop_input(ln_ctx *c, int32_t in); /* run does not read this input (it was packed): a->in is NULL there */
/* Plan has packed these bytes of a large constant input that it is going to drop, and reads them no more: their memory
 * may go before the rest is packed. */
void ln_input_packed(ln_ctx *c, int32_t in, size_t offset, size_t bytes);
/* Packing by all threads: fn does items [begin, end) of n; false: it could not read. buffer: this thread's, of
 * `room` bytes, for ln_input_part of constant input in. cost as in ln_parallel. */
typedef bool ln_pack_fn(void *arg, void *buffer, int64_t begin, int64_t end);
linnet_status ln_pack_parallel(ln_ctx *c, int32_t in, size_t room, int64_t n, double cost, ln_pack_fn *fn, void *arg);
/* Bytes of a constant input: where they lie, or read from the model's file to the buffer. NULL: cannot be read. */
const void *ln_input_part(const ln_ctx *c, int32_t in, size_t offset, size_t bytes, void *buffer);
void ln_in_place(ln_ctx *c, int32_t out, int32_t in); /* run allows out to lie where in lies (same bytes) */
/* Output out is the bytes of input in from byte_offset on: asks for no copy. True: granted, and if so for every output
 * the operator leaves c->run NULL. False: run must copy. */
bool ln_view(ln_ctx *c, int32_t out, int32_t in, size_t byte_offset);
/* Input in shall be made where it ends up, at byte_offset in output out. True: granted. */
bool ln_place(ln_ctx *c, int32_t in, int32_t out, size_t byte_offset);

/* An operand may lie as rows (all but its last dimension) of wider rows: the part of a concatenation or split along the
 * last dimension. *pitch, in the parameters, is the elements from row to row, which the engine sets after planning; it
 * has the dense ones already. in_rows: run reads input in so; out_rows: it writes output out so. */
void ln_in_rows(ln_ctx *c, int32_t in, int64_t *pitch);
void ln_out_rows(ln_ctx *c, int32_t out, int64_t *pitch);
/* Input in shall be made in the rows of output out, at `offset` elements in them; output out shall be read where it
 * lies in the rows of input in. *bytes is what run is to copy of a row, and becomes 0 after planning if that is
 * granted. */
void ln_place_rows(ln_ctx *c, int32_t in, int32_t out, int64_t offset, int64_t *bytes);
void ln_view_rows(ln_ctx *c, int32_t out, int32_t in, int64_t offset, int64_t *bytes);

/* Zeroed memory for the rest of this call of infer, plan or late. NULL: none. */
void *ln_temporary(ln_ctx *c, size_t bytes);

/* Late. Values of the inputs (NULL: absent), and outputs that the operator makes; memory lives until the next run. */
const linnet_value *ln_late_in(const ln_ctx *c, int32_t in);
linnet_value *ln_late_out(ln_ctx *c, int32_t out); /* to fill; NULL where the output is absent */
void *ln_late_alloc(ln_ctx *c, size_t bytes);      /* 64-byte aligned, not zeroed; NULL: no memory */
/* A tensor output with memory for its elements; returns the data (non-NULL for empty tensors too), NULL: no memory. */
void *ln_late_tensor(ln_ctx *c, int32_t out, linnet_type type, int32_t rank, const int64_t *dims);
/* Gives an input (or an item of one) on as an output; copies only what does not live until the next run. */
linnet_status ln_late_pass(ln_ctx *c, int32_t out, const linnet_value *value);
/* The same into any value, e.g. an item of a sequence that is being made. */
linnet_status ln_late_keep(ln_ctx *c, linnet_value *to, const linnet_value *from);

/* Subgraphs (attributes of graph type), late only. Values that a subgraph takes from outside it are inputs of the node
 * after its formal ones, and of the body after its formal ones: node inputs n_formal.. -> body inputs; the engine
 * passes them by itself. */
int32_t ln_body_find(const ln_ctx *c, const char *attribute); /* index, -1: absent */
int32_t ln_body_inputs(const ln_ctx *c, int32_t body);        /* formal inputs */
int32_t ln_body_outputs(const ln_ctx *c, int32_t body);
const ln_info *ln_body_input_info(const ln_ctx *c, int32_t body, int32_t in);   /* as declared, or given below */
const ln_info *ln_body_output_info(const ln_ctx *c, int32_t body, int32_t out); /* as inferred so far */
/* Infer: infers the body anew with these infos for its formal inputs (dimensions that are no numbers become unknown).
 * Does nothing when c->late or nested deep. What is wrong inside is left unknown; fails for want of memory alone. */
linnet_status ln_body_infer(ln_ctx *c, int32_t body, const ln_info *formal);
/* Output out of the body is its formal input in, perhaps by way of Identity. */
bool ln_body_passes(const ln_ctx *c, int32_t body, int32_t in, int32_t out);
/* Runs it. in: the formal inputs; out: ln_body_outputs() values, filled, whose memory lives until the next run
 * (keep = true) or (keep = false) through the next call for this body, of which they may so be inputs, but no longer.
 */
linnet_status ln_body_run(ln_ctx *c, int32_t body, const linnet_value *in, linnet_value *out, bool keep);

/* -- run ---------------------------------------------------------------------------------------------------------- */

struct ln_args {
    const void *params;
    const void *const *in; /* NULL: absent or dropped */
    void *const *out;      /* NULL: absent */
    const void *packed;
    void *scratch;
    struct ln_pool *pool; /* NULL: one thread */
    int32_t threads;      /* of the pool, which others may have made larger */
    linnet_error *error;  /* may be NULL */
};

/* Does fn over [0, n) in parts. cost: nanoseconds an item takes, roughly; little work stays on this thread. worker is
 * in [0, threads). The result must not depend on how [0, n) is cut. */
typedef void ln_task_fn(void *arg, int32_t worker, int64_t begin, int64_t end);

#ifndef LN_FIRMWARE
/* Fails a run on data: "index 7 is out of range [-3, 2]". */
linnet_status ln_run_fail(const ln_args *a, const char *format, ...) __attribute__((format(printf, 2, 3)));
void ln_parallel(const ln_args *a, int64_t n, double cost, ln_task_fn *fn, void *arg);
#else
/* No threads, and no place for a message: neither cost nor text is there after compiling. */
linnet_status ln_run_no_text(const ln_args *a, const char *format, ...) __attribute__((format(printf, 2, 3)));
#define ln_run_fail(...) (0 ? ln_run_no_text(__VA_ARGS__) : LINNET_ERR_DATA)
static inline void ln_parallel(const ln_args *a, int64_t n, double cost, ln_task_fn *fn, void *arg)
{
    (void)a;
    (void)cost;
    if (n > 0)
        fn(arg, 0, 0, n);
}
#endif

#endif
