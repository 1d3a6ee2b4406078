/* SPDX-License-Identifier: Apache-2.0
 *
 * Ensembles of decision trees as packed arrays, shared by TreeEnsemble, TreeEnsembleRegressor and
 * TreeEnsembleClassifier: plan reads the attributes of the three into one form, one evaluator runs it.
 *
 * A node is its threshold, the feature with mode and missing-value bit above it, and where to go. A leaf leads to
 * itself, and in place of a threshold has the int32 number of its first vote (-1: none); the target of a leaf's last
 * vote is stored as its complement. float32 ensembles take 16 bytes a node, float64 ones 24.
 */
#ifndef LN_OPS_TREES_H
#define LN_OPS_TREES_H

#include "ops/mlcommon.h"

enum { LN_TREE_LEQ, LN_TREE_LT, LN_TREE_GTE, LN_TREE_GT, LN_TREE_EQ, LN_TREE_NEQ, LN_TREE_MEMBER, LN_TREE_LEAF };
enum { LN_TREE_AVERAGE, LN_TREE_SUM, LN_TREE_MIN, LN_TREE_MAX };

#define LN_TREE_MODE_SHIFT 29
#define LN_TREE_MISSING (UINT32_C(1) << 28) /* NaN takes the true branch */
#define LN_TREE_FEATURE (LN_TREE_MISSING - 1)

/* The most rows that are evaluated together: a tree's nodes are then read once for all of them. */
enum { LN_TREE_BLOCK = 64 };

typedef struct ln_tree_node32 {
    float value;
    uint32_t feature;
    int32_t next[2]; /* where the comparison is false, true */
} ln_tree_node32;

typedef struct ln_tree_node64 {
    double value;
    uint32_t feature;
    int32_t next[2];
    int32_t pad;
} ln_tree_node64;

typedef struct ln_tree_params {
    int64_t rows, features, targets, trees, n_base;
    int64_t at_nodes, at_roots, at_targets, at_votes, at_base, at_members, at_sets, at_labels; /* bytes in packed */
    int32_t f64; /* thresholds, votes and sums are float64 */
    int32_t in_type, out_type;
    int32_t aggregate, transform;
    int32_t leq_only;   /* every inner node has mode LEQ and no missing-value bit */
    int32_t classify;   /* output 0 is labels, output 1 the scores */
    int32_t binary;     /* two labels, votes for one alone */
    int32_t positive;   /* no vote is negative */
    int32_t label_size; /* bytes of a label */
    int64_t n_labels;
    int64_t block;   /* rows evaluated together */
    int64_t scratch; /* bytes for each worker */
} ln_tree_params;

/* What the readers of attributes fill in, in the order of the nodes; memory for the call. */
typedef struct ln_tree_source {
    int64_t n_nodes, n_votes, n_trees, n_members, n_sets;
    double *value; /* member: number of its set */
    uint32_t *feature;
    int32_t *yes, *no; /* leaf: first vote, number of votes */
    int32_t *roots;
    int64_t *vote_target;
    double *vote;
    double *members; /* sets end before sets[i + 1] */
    int64_t *sets;
    ln_reals base;
} ln_tree_source;

/* Memory for n nodes, votes and trees. */
linnet_status ln_tree_source_init(ln_ctx *c, ln_tree_source *s, int64_t nodes, int64_t votes, int64_t trees,
                                  int64_t members, int64_t sets);
/* The attributes nodes_* and <votes>_*: target_ or class_. */
linnet_status ln_tree_read(ln_ctx *c, ln_tree_source *s, const char *votes);
/* Checks, packs, sets p and the run function. labels: NULL, or what output 0 gives. */
linnet_status ln_tree_pack(ln_ctx *c, ln_tree_params *p, const ln_tree_source *s, const ln_labels *labels,
                           const char *ints, const char *strings);

LN_RUN(ln_trees_f32);
LN_RUN(ln_trees_f64);

#endif
