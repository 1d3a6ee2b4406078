/* SPDX-License-Identifier: Apache-2.0
 *
 * The graph: values and nodes by integer ids, in SSA form (a value has one producer), nodes in a list that is kept in
 * topological order. The loader builds it, passes change it by three mutations (insert a node, replace the uses of a
 * value, kill a node), the planner reads it.
 *
 * A subgraph (body of If, Loop, Scan, SequenceMap) is a graph of its own. What it takes from outside is turned into
 * inputs at import: the node lists the outer values after its own inputs, every body of the node has inputs for all of
 * them, in that order, after its formal ones.
 */
#ifndef LN_ENGINE_GRAPH_H
#define LN_ENGINE_GRAPH_H

#include "engine/arena.h"
#include "engine/op.h"

#define LN_NO_VALUE (-1)
#define LN_NO_NODE (-1)

/* Where a value is used: input slot of node; a list through ln_node.next_use. */
typedef struct ln_use {
    int32_t node, slot; /* node LN_NO_NODE: end */
} ln_use;

typedef struct ln_value {
    ln_info info;
    const char *name; /* never NULL; "" for values that passes make */
    int32_t producer; /* node, or LN_NO_NODE for inputs and constants */
    int32_t n_uses;
    ln_use first_use;
    int32_t outputs; /* how often it is listed as an output of the graph */
    bool input;      /* an input of the graph */
} ln_value;

typedef struct ln_graph ln_graph;

enum {
    LN_ATTR_FLOAT = 1,
    LN_ATTR_INT,
    LN_ATTR_STRING,
    LN_ATTR_TENSOR,
    LN_ATTR_GRAPH,
    LN_ATTR_FLOATLIST,
    LN_ATTR_INTLIST,
    LN_ATTR_STRINGLIST,
    LN_ATTR_TYPE
};

typedef struct ln_attr {
    const char *name;
    int32_t kind;
    int64_t n; /* lists: count */
    union {
        float f;
        int64_t i;
        linnet_string s;
        const float *floats;
        const int64_t *ints;
        const linnet_string *strings;
        const ln_info *tensor; /* with data */
        ln_graph *graph;
        const ln_info *type;
    };
} ln_attr;

typedef struct ln_node {
    const char *name; /* never NULL */
    const char *domain, *type;
    const ln_op *op; /* NULL: Linnet does not have it (at this version); version says which was asked for */
    int32_t version; /* entry of op->since in effect; without op the opset version of the domain */
    int32_t n_in, n_out, n_attrs;
    int32_t n_formal; /* inputs before the captured ones; n_in where there are no bodies */
    int32_t *in;      /* value ids, LN_NO_VALUE: absent */
    ln_use *next_use; /* per input */
    int32_t *out;
    ln_attr *attrs;
    int32_t prev, next; /* order */
    bool dead;
} ln_node;

typedef struct ln_opset {
    const char *domain;
    int64_t version;
} ln_opset;

struct ln_graph {
    ln_arena *arena;
    ln_value *values;
    ln_node *nodes;
    int32_t n_values, cap_values, n_nodes, cap_nodes;
    int32_t first, last;       /* order of nodes */
    int32_t *inputs, *outputs; /* value ids; an initializer that may be fed is in `inputs` too and has data */
    int32_t n_inputs, n_outputs;
    int32_t n_formal; /* body: inputs before the captured ones */
    const char *name;
    const ln_opset *opsets;
    int32_t n_opsets;
    const char **symbols; /* names of the dimensions -2, -3, ...: symbols[-2 - dim]; NULL: unnamed */
    int32_t n_symbols, cap_symbols;
    struct ln_store *store; /* of the constants; may be NULL */
};

/* The elements of a constant, read if they were not yet (store.h). NULL: it is none, or cannot be read. Whoever looks
 * at more of info.data than whether there is any asks here, unless the engine itself calls it with constants in place.
 */
const void *ln_graph_data(const ln_graph *g, int32_t value);

/* -- making ------------------------------------------------------------------------------------------------------- */

/* All return NULL or a negative id when there is no memory. */
ln_graph *ln_graph_new(ln_arena *arena);
bool ln_graph_expect(ln_graph *g, int64_t values, int64_t nodes); /* so many in all, roughly: makes room at once */
int32_t ln_graph_value(ln_graph *g, const char *name);            /* unknown info */
int32_t ln_graph_symbol(ln_graph *g, const char *name); /* the (negative) dimension of a dim_param; 0: no memory */

/* A node before node `before` (LN_NO_NODE: at the end). ins and outs are copied; outs must have no producer yet. The
 * operator is looked up by domain and type with the graph's opsets; op is NULL where it is not there. */
int32_t ln_graph_insert(ln_graph *g, int32_t before, const char *domain, const char *type, const char *name,
                        int32_t n_in, const int32_t *in, int32_t n_out, const int32_t *out, int32_t n_attrs,
                        const ln_attr *attrs);

/* The same at a version that the caller chooses, for nodes that passes make: ai.onnx at LN_PASS_OPSET. */
#define LN_PASS_OPSET 22
int32_t ln_graph_insert_at(ln_graph *g, int32_t before, const char *domain, int64_t opset, const char *type,
                           const char *name, int32_t n_in, const int32_t *in, int32_t n_out, const int32_t *out,
                           int32_t n_attrs, const ln_attr *attrs);

/* A constant value; the data is not copied and must live as long as the graph. */
int32_t ln_graph_constant(ln_graph *g, const char *name, linnet_type type, int32_t rank, const int64_t *dims,
                          const void *data);

bool ln_graph_set_inputs(ln_graph *g, const int32_t *values, int32_t n);
bool ln_graph_set_outputs(ln_graph *g, const int32_t *values, int32_t n);
bool ln_graph_add_input(ln_graph *g, int32_t value);
bool ln_node_add_input(ln_graph *g, int32_t node, int32_t value); /* at the end */

/* A copy in another arena, for as long as this one lives: attributes and constant data are shared, bodies are copied.
 * NULL: no memory. */
ln_graph *ln_graph_clone(const ln_graph *g, ln_arena *arena);

/* -- changing ------------------------------------------------------------------------------------------------------ */

void ln_graph_replace_uses(ln_graph *g, int32_t value, int32_t by); /* in nodes and outputs of the graph */
void ln_graph_drop_output(ln_graph *g, int32_t node, int32_t slot); /* one that nothing uses */
void ln_graph_kill(ln_graph *g, int32_t node);                      /* its outputs have no producer after it */
void ln_graph_set_input(ln_graph *g, int32_t node, int32_t slot, int32_t value); /* one use; LN_NO_VALUE: none */
void ln_graph_set_data(ln_graph *g, int32_t value, const void *data); /* makes it a constant of its known info */
/* Takes dead nodes and unused values out: ids are others after, in the same order. False: no memory. */
bool ln_graph_compact(ln_graph *g);
/* Puts the nodes in topological order. False: there is a cycle; *node is one on it. */
bool ln_graph_sort(ln_graph *g, int32_t *node);

/* Replaces every Gradient node by the nodes that compute it; before any pass, while values have their names. */
linnet_status ln_graph_gradients(ln_graph *g, linnet_error *error);

/* -- asking -------------------------------------------------------------------------------------------------------- */

const ln_attr *ln_node_attr(const ln_node *n, const char *name); /* NULL: absent */
/* Attribute as int, with a default. */
int64_t ln_node_attr_int(const ln_node *n, const char *name, int64_t def);
bool ln_node_is(const ln_node *n, const char *type); /* ai.onnx operator of that type */
/* The node that alone uses the value (it is no output of the graph), or LN_NO_NODE. */
int32_t ln_graph_only_user(const ln_graph *g, int32_t value);
int64_t ln_graph_opset(const ln_graph *g, const char *domain);  /* 0: not imported */
const char *ln_node_label(const ln_graph *g, const ln_node *n); /* its name, or that of its first output */

/* Checks the invariants; NULL, or what is wrong (a static text; ln_verify_no_memory: could not check). */
const char *ln_graph_verify(const ln_graph *g);
extern const char ln_verify_no_memory[];

#define LN_FOR_NODES(g, id)                                                                                            \
    for (int32_t id = (g)->first, next_; id >= 0 && ((next_ = (g)->nodes[id].next), 1); id = next_)

/* -- operator table -------------------------------------------------------------------------------------------------
 */

extern const ln_op *const ln_ops[];
extern const int32_t ln_ops_count;
const ln_op *ln_op_find(const char *domain, const char *type); /* NULL: none */
/* The entry of op->since that an opset version selects; 0: older than the oldest. */
int32_t ln_op_version(const ln_op *op, int64_t opset);
/* The newest opset version of a domain that Linnet knows; 0: domain unknown. */
int64_t ln_domain_newest(const char *domain);

#endif
