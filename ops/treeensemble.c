/* SPDX-License-Identifier: Apache-2.0
 *
 * TreeEnsemble, TreeEnsembleRegressor, TreeEnsembleClassifier: attributes and shapes; the rest is in trees.c,
 * treerun.c. Sums are float32, or float64 where the input or an attribute is (float16: float32, rounded at the end).
 * ai.onnx.ml TreeEnsemble-5, TreeEnsembleRegressor and TreeEnsembleClassifier-1, -3, -5.
 */
#include "ops/trees.h"

#include <stdlib.h>

static bool tensor_is_f64(const ln_ctx *c, const char *name)
{
    const ln_info *t = ln_attr_tensor(c, name);
    return t && t->type == LINNET_FLOAT64;
}

/* -- the two older ones
 * ------------------------------------------------------------------------------------------------ */

typedef struct old_params {
    ln_tree_params t;
    int64_t n_targets;
} old_params;

static linnet_status old_types(ln_ctx *c)
{
    old_params *p = c->params;
    p->t.f64 = c->in[0]->type == LINNET_FLOAT64 || tensor_is_f64(c, "nodes_values_as_tensor") ||
               tensor_is_f64(c, "base_values_as_tensor") || tensor_is_f64(c, "target_weights_as_tensor") ||
               tensor_is_f64(c, "class_weights_as_tensor");
    p->t.out_type = LINNET_FLOAT32;
    return LINNET_OK;
}

static linnet_status regressor_infer(ln_ctx *c)
{
    const old_params *p = c->params;
    int64_t dims[2];
    LN_TRY(ln_rows_of(c, c->in[0], &dims[0], &dims[1]));
    if (p->n_targets < 1)
        return ln_fail(c, LINNET_ERR_MODEL, "n_targets is %lld", (long long)p->n_targets);
    dims[1] = p->n_targets;
    return ln_set_shape(c, 0, LINNET_FLOAT32, 2, dims);
}

static linnet_status regressor_plan(ln_ctx *c)
{
    old_params *p = c->params;
    ln_tree_source s;
    p->t.targets = p->n_targets;
    LN_TRY(old_types(c));
    LN_TRY(ln_tree_read(c, &s, "target_"));
    return ln_tree_pack(c, &p->t, &s, NULL, NULL, NULL);
}

#define NODE_ATTRS                                                                                                     \
    LN_ATTR_ANY("nodes_nodeids"), LN_ATTR_ANY("nodes_treeids"), LN_ATTR_ANY("nodes_featureids"),                       \
        LN_ATTR_ANY("nodes_values"), LN_ATTR_ANY("nodes_values_as_tensor"), LN_ATTR_ANY("nodes_hitrates"),             \
        LN_ATTR_ANY("nodes_hitrates_as_tensor"), LN_ATTR_ANY("nodes_modes"), LN_ATTR_ANY("nodes_truenodeids"),         \
        LN_ATTR_ANY("nodes_falsenodeids"), LN_ATTR_ANY("nodes_missing_value_tracks_true"), LN_ATTR_ANY("base_values"), \
        LN_ATTR_ANY("base_values_as_tensor")

static const ln_attr_spec regressor_attrs[] = {
    NODE_ATTRS,
    LN_ATTR_I(old_params, n_targets, 0),
    {.name = "aggregate_function",
     .kind = LN_AT_ENUM,
     .offset = offsetof(old_params, t.aggregate),
     .names = "AVERAGE|SUM|MIN|MAX",
     .i = LN_TREE_SUM},
    {.name = "post_transform", .kind = LN_AT_ENUM, .offset = offsetof(old_params, t.transform), .names = LN_POST_NAMES},
    LN_ATTR_ANY("target_ids"),
    LN_ATTR_ANY("target_nodeids"),
    LN_ATTR_ANY("target_treeids"),
    LN_ATTR_ANY("target_weights"),
    LN_ATTR_ANY("target_weights_as_tensor"),
    LN_ATTR_END,
};

LN_OP(ml_TreeEnsembleRegressor) = {
    .domain = "ai.onnx.ml",
    .type = "TreeEnsembleRegressor",
    .since = {1, 3, 5},
    .types = LN_T_FEATURES,
    .in = {1, 1},
    .out = {1, 1},
    .attrs = regressor_attrs,
    .params_size = sizeof(old_params),
    .infer = regressor_infer,
    .plan = regressor_plan,
    LN_RUN_NAME(ln_trees_f32),
};

static linnet_status classifier_infer(ln_ctx *c)
{
    ln_labels labels;
    int64_t dims[2];
    LN_TRY(ln_labels_of(c, "classlabels_int64s", "classlabels_strings", &labels));
    LN_TRY(ln_rows_of(c, c->in[0], &dims[0], &dims[1]));
    dims[1] = labels.n;
    LN_TRY(ln_set_shape(c, 0, ln_labels_type(&labels), 1, dims));
    return ln_set_shape(c, 1, LINNET_FLOAT32, 2, dims);
}

static linnet_status classifier_plan(ln_ctx *c)
{
    old_params *p = c->params;
    ln_labels labels;
    ln_tree_source s;
    LN_TRY(ln_labels_of(c, "classlabels_int64s", "classlabels_strings", &labels));
    p->t.targets = labels.n;
    p->t.classify = 1;
    p->t.aggregate = LN_TREE_SUM;
    LN_TRY(old_types(c));
    LN_TRY(ln_tree_read(c, &s, "class_"));
    p->t.binary = labels.n == 2;
    for (int64_t i = 1; i < s.n_votes; i++)
        p->t.binary &= s.vote_target[i] == s.vote_target[0];
    return ln_tree_pack(c, &p->t, &s, &labels, "classlabels_int64s", "classlabels_strings");
}

static const ln_attr_spec classifier_attrs[] = {
    NODE_ATTRS,
    {.name = "post_transform", .kind = LN_AT_ENUM, .offset = offsetof(old_params, t.transform), .names = LN_POST_NAMES},
    LN_ATTR_ANY("class_ids"),
    LN_ATTR_ANY("class_nodeids"),
    LN_ATTR_ANY("class_treeids"),
    LN_ATTR_ANY("class_weights"),
    LN_ATTR_ANY("class_weights_as_tensor"),
    LN_ATTR_ANY("classlabels_int64s"),
    LN_ATTR_ANY("classlabels_strings"),
    LN_ATTR_END,
};

LN_OP(ml_TreeEnsembleClassifier) = {
    .domain = "ai.onnx.ml",
    .type = "TreeEnsembleClassifier",
    .since = {1, 3, 5},
    .types = LN_T_FEATURES,
    .in = {1, 1},
    .out = {1, 2},
    .attrs = classifier_attrs,
    .params_size = sizeof(old_params),
    .infer = classifier_infer,
    .plan = classifier_plan,
    LN_RUN_NAME(ln_trees_f32),
};

/* -- TreeEnsemble
 * ------------------------------------------------------------------------------------------------------- */

typedef struct tree_params {
    ln_tree_params t;
    int64_t aggregate_function, post_transform, n_targets;
} tree_params;

static linnet_status tree_infer(ln_ctx *c)
{
    const tree_params *p = c->params;
    int64_t dims[2];
    LN_TRY(ln_rows_of(c, c->in[0], &dims[0], &dims[1]));
    if (p->n_targets < 1)
        return ln_fail(c, LINNET_ERR_MODEL, "n_targets is %lld", (long long)p->n_targets);
    if (p->aggregate_function < LN_TREE_AVERAGE || p->aggregate_function > LN_TREE_MAX)
        return ln_fail(c, LINNET_ERR_MODEL, "aggregate_function is %lld", (long long)p->aggregate_function);
    if (p->post_transform < LN_POST_NONE || p->post_transform > LN_POST_PROBIT)
        return ln_fail(c, LINNET_ERR_MODEL, "post_transform is %lld", (long long)p->post_transform);
    dims[1] = p->n_targets;
    return ln_set_shape(c, 0, (linnet_type)c->in[0]->type, 2, dims);
}

static linnet_status list_of(ln_ctx *c, const char *name, int64_t want, const int64_t **list)
{
    int64_t n;
    *list = ln_attr_ints(c, name, &n);
    if (n != want)
        return ln_fail(c, LINNET_ERR_MODEL, "%s has %lld elements, expected %lld", name, (long long)n, (long long)want);
    return LINNET_OK;
}

/* Where a branch goes: a node, or a leaf, which stands after the nodes. */
static linnet_status branch(ln_ctx *c, int64_t id, int64_t is_leaf, int64_t nodes, int64_t leaves, int32_t *to)
{
    if (id < 0 || id >= (is_leaf ? leaves : nodes))
        return ln_fail(c, LINNET_ERR_MODEL, "a branch leads to %s %lld of %lld", is_leaf ? "leaf" : "node",
                       (long long)id, (long long)(is_leaf ? leaves : nodes));
    *to = (int32_t)(is_leaf ? nodes + id : id);
    return LINNET_OK;
}

static int compare_reals(const void *pa, const void *pb)
{
    double a = *(const double *)pa, b = *(const double *)pb;
    return (a > b) - (a < b);
}

/* Sets end with NaN; that of the n-th member node is the n-th. */
static linnet_status read_members(ln_ctx *c, ln_tree_source *s, const ln_reals *members)
{
    int64_t set = 0, n = 0;
    for (int64_t i = 0; i <= members->n; i++) {
        bool end = i == members->n || ln_real(members, i) != ln_real(members, i);
        if (i == members->n && n == s->sets[set]) /* nothing after the last NaN */
            break;
        if (!end) {
            s->members[n++] = ln_real(members, i);
        } else if (set < s->n_sets) {
            if (n > s->sets[set])
                qsort(s->members + s->sets[set], (size_t)(n - s->sets[set]), sizeof *s->members, compare_reals);
            s->sets[++set] = n;
        } else {
            return ln_fail(c, LINNET_ERR_MODEL, "membership_values has more sets than the %lld nodes",
                           (long long)s->n_sets);
        }
    }
    if (set != s->n_sets)
        return ln_fail(c, LINNET_ERR_MODEL, "membership_values has %lld sets, %lld nodes want one", (long long)set,
                       (long long)s->n_sets);
    return LINNET_OK;
}

static linnet_status tree_read(ln_ctx *c, ln_tree_source *s)
{
    const int64_t *feature, *yes, *no, *yes_leaf, *no_leaf, *target, *missing = NULL, *roots;
    int64_t n_roots, n, n_missing, leaves, n_sets = 0;
    ln_reals split, weight, members;
    feature = ln_attr_ints(c, "nodes_featureids", &n);
    target = ln_attr_ints(c, "leaf_targetids", &leaves);
    roots = ln_attr_ints(c, "tree_roots", &n_roots);
    LN_TRY(list_of(c, "nodes_truenodeids", n, &yes));
    LN_TRY(list_of(c, "nodes_falsenodeids", n, &no));
    LN_TRY(list_of(c, "nodes_trueleafs", n, &yes_leaf));
    LN_TRY(list_of(c, "nodes_falseleafs", n, &no_leaf));
    ln_attr_ints(c, "nodes_missing_value_tracks_true", &n_missing);
    if (n_missing)
        LN_TRY(list_of(c, "nodes_missing_value_tracks_true", n, &missing));
    LN_TRY(ln_reals_of(c, NULL, "nodes_splits", &split));
    LN_TRY(ln_reals_of(c, NULL, "leaf_weights", &weight));
    LN_TRY(ln_reals_of(c, NULL, "membership_values", &members));
    const ln_info *modes = ln_attr_tensor(c, "nodes_modes");
    if (!modes || modes->type != LINNET_UINT8 || ln_info_count(modes) != n || split.n != n || weight.n != leaves)
        return ln_fail(c, LINNET_ERR_MODEL,
                       "nodes_modes, nodes_splits and leaf_weights do not fit %lld nodes and %lld "
                       "leaves",
                       (long long)n, (long long)leaves);
    const uint8_t *mode = modes->data;
    for (int64_t i = 0; i < n; i++)
        n_sets += mode[i] == LN_TREE_MEMBER;
    if (n_sets >= 1 << 24)
        return ln_fail(c, LINNET_ERR_UNSUPPORTED, "%lld membership nodes", (long long)n_sets);
    LN_TRY(ln_tree_source_init(c, s, n + leaves, leaves, n_roots, members.n, n_sets));
    LN_TRY(read_members(c, s, &members));
    s->n_members = s->sets[n_sets];
    int64_t set = 0;
    for (int64_t i = 0; i < n; i++) {
        if (mode[i] > LN_TREE_MEMBER)
            return ln_fail(c, LINNET_ERR_UNSUPPORTED, "node mode %d", mode[i]);
        if (feature[i] < 0 || feature[i] >= LN_TREE_FEATURE)
            return ln_fail(c, LINNET_ERR_MODEL, "node %lld asks for feature %lld", (long long)i, (long long)feature[i]);
        s->value[i] = mode[i] == LN_TREE_MEMBER ? (double)set++ : ln_real(&split, i);
        s->feature[i] = (uint32_t)mode[i] << LN_TREE_MODE_SHIFT | (uint32_t)feature[i];
        if (missing && missing[i])
            s->feature[i] |= LN_TREE_MISSING;
        LN_TRY(branch(c, yes[i], yes_leaf[i], n, leaves, &s->yes[i]));
        LN_TRY(branch(c, no[i], no_leaf[i], n, leaves, &s->no[i]));
    }
    for (int64_t i = 0; i < leaves; i++) {
        s->feature[n + i] = (uint32_t)LN_TREE_LEAF << LN_TREE_MODE_SHIFT;
        s->yes[n + i] = (int32_t)i;
        s->no[n + i] = 1;
        s->vote_target[i] = target[i];
        s->vote[i] = ln_real(&weight, i);
    }
    for (int64_t i = 0; i < n_roots; i++) {
        if (roots[i] < 0 || roots[i] >= n)
            return ln_fail(c, LINNET_ERR_MODEL, "root %lld of %lld nodes", (long long)roots[i], (long long)n);
        s->roots[i] = (int32_t)roots[i];
    }
    return LINNET_OK;
}

static linnet_status tree_plan(ln_ctx *c)
{
    tree_params *p = c->params;
    ln_tree_source s;
    p->t.targets = p->n_targets;
    p->t.aggregate = (int32_t)p->aggregate_function;
    p->t.transform = (int32_t)p->post_transform;
    p->t.out_type = c->in[0]->type;
    p->t.f64 = c->in[0]->type == LINNET_FLOAT64;
    LN_TRY(tree_read(c, &s));
    return ln_tree_pack(c, &p->t, &s, NULL, NULL, NULL);
}

static const ln_attr_spec tree_attrs[] = {
    LN_ATTR_I(tree_params, aggregate_function, LN_TREE_SUM),
    LN_ATTR_I(tree_params, post_transform, 0),
    LN_ATTR_I(tree_params, n_targets, 0),
    LN_ATTR_ANY("leaf_targetids"),
    LN_ATTR_ANY("leaf_weights"),
    LN_ATTR_ANY("membership_values"),
    LN_ATTR_ANY("nodes_falseleafs"),
    LN_ATTR_ANY("nodes_falsenodeids"),
    LN_ATTR_ANY("nodes_featureids"),
    LN_ATTR_ANY("nodes_hitrates"),
    LN_ATTR_ANY("nodes_missing_value_tracks_true"),
    LN_ATTR_ANY("nodes_modes"),
    LN_ATTR_ANY("nodes_splits"),
    LN_ATTR_ANY("nodes_trueleafs"),
    LN_ATTR_ANY("nodes_truenodeids"),
    LN_ATTR_ANY("tree_roots"),
    LN_ATTR_END,
};

LN_OP(ml_TreeEnsemble) = {
    .domain = "ai.onnx.ml",
    .type = "TreeEnsemble",
    .since = {5},
    .types = LN_T(LINNET_FLOAT32) | LN_T(LINNET_FLOAT64) | LN_T(LINNET_FLOAT16),
    .in = {1, 1},
    .out = {1, 1},
    .attrs = tree_attrs,
    .params_size = sizeof(tree_params),
    .infer = tree_infer,
    .plan = tree_plan,
    LN_RUN_NAME(ln_trees_f32),
};
