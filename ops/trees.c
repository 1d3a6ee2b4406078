/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads and packs tree ensembles, see trees.h. A model's trees are checked to be free of cycles and to lead to leaves
 * everywhere, so that the evaluation needs no check.
 */
#include "ops/trees.h"

#include <stdlib.h>
#include <string.h>

linnet_status ln_tree_source_init(ln_ctx *c, ln_tree_source *s, int64_t nodes, int64_t votes, int64_t trees,
                                  int64_t members, int64_t sets)
{
    if (nodes >= INT32_MAX || votes >= INT32_MAX || members >= INT32_MAX)
        return ln_fail(c, LINNET_ERR_UNSUPPORTED, "%lld nodes", (long long)nodes);
    *s = (ln_tree_source){.n_nodes = nodes, .n_votes = votes, .n_trees = trees, .n_members = members, .n_sets = sets};
    s->value = ln_temporary(c, (size_t)nodes * sizeof *s->value);
    s->feature = ln_temporary(c, (size_t)nodes * sizeof *s->feature);
    s->yes = ln_temporary(c, (size_t)nodes * sizeof *s->yes);
    s->no = ln_temporary(c, (size_t)nodes * sizeof *s->no);
    s->roots = ln_temporary(c, (size_t)trees * sizeof *s->roots);
    s->vote_target = ln_temporary(c, (size_t)votes * sizeof *s->vote_target);
    s->vote = ln_temporary(c, (size_t)votes * sizeof *s->vote);
    s->members = ln_temporary(c, (size_t)members * sizeof *s->members);
    s->sets = ln_temporary(c, (size_t)(sets + 1) * sizeof *s->sets);
    bool all =
        s->value && s->feature && s->yes && s->no && s->roots && s->vote_target && s->vote && s->members && s->sets;
    return all ? LINNET_OK : ln_no_memory(c);
}

/* -- the attributes of the two older operators ----------------------------------------------------------------------
 */

/* A node's name (tree and number) and where it stands. */
typedef struct node_key {
    int64_t tree, node;
    int64_t index;
} node_key;

static int compare_keys(const void *pa, const void *pb)
{
    const node_key *a = pa, *b = pb;
    if (a->tree != b->tree)
        return a->tree < b->tree ? -1 : 1;
    if (a->node != b->node)
        return a->node < b->node ? -1 : 1;
    return (a->index > b->index) - (a->index < b->index);
}

static int64_t find_node(const node_key *keys, int64_t n, int64_t tree, int64_t node)
{
    int64_t low = 0, high = n;
    while (low < high) {
        int64_t mid = low + (high - low) / 2;
        if (keys[mid].tree < tree || (keys[mid].tree == tree && keys[mid].node < node))
            low = mid + 1;
        else
            high = mid;
    }
    return low < n && keys[low].tree == tree && keys[low].node == node ? keys[low].index : -1;
}

static linnet_status mode_of(ln_ctx *c, linnet_string s, uint32_t *mode)
{
    static const char *const names[] = {"BRANCH_LEQ", "BRANCH_LT",  "BRANCH_GTE", "BRANCH_GT",
                                        "BRANCH_EQ",  "BRANCH_NEQ", "",           "LEAF"};
    for (*mode = 0; *mode < 8; ++*mode)
        if (s.size > 0 && s.size == strlen(names[*mode]) && memcmp(s.data, names[*mode], s.size) == 0)
            return LINNET_OK;
    return ln_fail(c, LINNET_ERR_UNSUPPORTED, "node mode '%.*s'", (int)(s.size > 40 ? 40 : s.size), s.data);
}

/* The columns of the node table. */
typedef struct node_table {
    int64_t n;
    const int64_t *tree, *node, *feature, *yes, *no, *missing;
    const linnet_string *mode;
    ln_reals value;
} node_table;

static linnet_status ints_of(ln_ctx *c, const char *name, int64_t want, bool optional, const int64_t **list)
{
    int64_t n;
    *list = ln_attr_ints(c, name, &n);
    if (n == 0 && optional)
        *list = NULL;
    else if (n != want)
        return ln_fail(c, LINNET_ERR_MODEL, "%s has %lld elements, expected %lld", name, (long long)n, (long long)want);
    return LINNET_OK;
}

static linnet_status table_of(ln_ctx *c, node_table *t)
{
    int64_t n;
    t->mode = ln_attr_strings(c, "nodes_modes", &t->n);
    LN_TRY(ints_of(c, "nodes_treeids", t->n, false, &t->tree));
    LN_TRY(ints_of(c, "nodes_nodeids", t->n, false, &t->node));
    LN_TRY(ints_of(c, "nodes_featureids", t->n, false, &t->feature));
    LN_TRY(ints_of(c, "nodes_truenodeids", t->n, false, &t->yes));
    LN_TRY(ints_of(c, "nodes_falsenodeids", t->n, false, &t->no));
    LN_TRY(ints_of(c, "nodes_missing_value_tracks_true", t->n, true, &t->missing));
    LN_TRY(ln_reals_of(c, "nodes_values", "nodes_values_as_tensor", &t->value));
    n = t->value.n;
    if (n != t->n)
        return ln_fail(c, LINNET_ERR_MODEL, "nodes_values has %lld elements, expected %lld", (long long)n,
                       (long long)t->n);
    return LINNET_OK;
}

/* Keys in order, and the roots: the node listed first of each tree, in the order in which the trees are listed. */
static linnet_status order_nodes(ln_ctx *c, const node_table *t, node_key **made, int32_t *roots, int64_t *n_roots)
{
    node_key *keys = ln_temporary(c, (size_t)t->n * sizeof *keys);
    uint8_t *is_root = ln_temporary(c, (size_t)t->n);
    if (!keys || !is_root)
        return ln_no_memory(c);
    for (int64_t i = 0; i < t->n; i++)
        keys[i] = (node_key){t->tree[i], t->node[i], i};
    if (t->n > 0)
        qsort(keys, (size_t)t->n, sizeof *keys, compare_keys);
    for (int64_t i = 0, first = 0; i < t->n; i++) {
        if (i > 0 && keys[i].tree == keys[i - 1].tree && keys[i].node == keys[i - 1].node)
            return ln_fail(c, LINNET_ERR_MODEL, "node %lld of tree %lld is there twice", (long long)keys[i].node,
                           (long long)keys[i].tree);
        if (i == 0 || keys[i].tree != keys[i - 1].tree)
            first = keys[i].index;
        else if (keys[i].index < first)
            first = keys[i].index;
        if (i + 1 == t->n || keys[i + 1].tree != keys[i].tree)
            is_root[first] = 1;
    }
    *n_roots = 0;
    for (int64_t i = 0; i < t->n; i++)
        if (is_root[i])
            roots[(*n_roots)++] = (int32_t)i;
    *made = keys;
    return LINNET_OK;
}

/* Votes of the leaves, those of one leaf in a row and in the order listed. */
static linnet_status read_votes(ln_ctx *c, ln_tree_source *s, const char *votes, const node_key *keys)
{
    char name[64], tensor[64];
    const int64_t *tree, *node, *target;
    ln_reals weight;
    static const char *const fields[] = {"treeids", "nodeids", "ids"};
    const int64_t **lists[] = {&tree, &node, &target};
    for (int32_t i = 0; i < 3; i++) {
        size_t n = strlen(votes);
        memcpy(name, votes, n);
        strcpy(name + n, fields[i]);
        LN_TRY(ints_of(c, name, s->n_votes, false, lists[i]));
    }
    size_t n = strlen(votes);
    memcpy(name, votes, n);
    strcpy(name + n, "weights");
    memcpy(tensor, votes, n);
    strcpy(tensor + n, "weights_as_tensor");
    LN_TRY(ln_reals_of(c, name, tensor, &weight));
    if (weight.n != s->n_votes)
        return ln_fail(c, LINNET_ERR_MODEL, "%s has %lld elements, expected %lld", name, (long long)weight.n,
                       (long long)s->n_votes);
    int32_t *leaf = ln_temporary(c, (size_t)s->n_votes * sizeof *leaf);
    if (!leaf)
        return ln_no_memory(c);
    for (int64_t i = 0; i < s->n_votes; i++) {
        int64_t at = find_node(keys, s->n_nodes, tree[i], node[i]);
        if (at < 0)
            return ln_fail(c, LINNET_ERR_MODEL, "a vote names node %lld of tree %lld, which is not there",
                           (long long)node[i], (long long)tree[i]);
        /* Weights at inner nodes, which old converters wrote, have no meaning. */
        leaf[i] = s->feature[at] >> LN_TREE_MODE_SHIFT == LN_TREE_LEAF ? (int32_t)at : -1;
        if (leaf[i] >= 0)
            s->no[at]++;
    }
    int32_t first = 0;
    for (int64_t i = 0; i < s->n_nodes; i++)
        if (s->feature[i] >> LN_TREE_MODE_SHIFT == LN_TREE_LEAF) {
            s->yes[i] = first;
            first += s->no[i];
            s->no[i] = 0;
        }
    for (int64_t i = 0; i < s->n_votes; i++) {
        if (leaf[i] < 0)
            continue;
        int32_t at = s->yes[leaf[i]] + s->no[leaf[i]]++;
        s->vote_target[at] = target[i];
        s->vote[at] = ln_real(&weight, i);
    }
    s->n_votes = first;
    return LINNET_OK;
}

linnet_status ln_tree_read(ln_ctx *c, ln_tree_source *s, const char *votes)
{
    node_table t = {0};
    LN_TRY(table_of(c, &t));
    int64_t n_votes;
    ln_attr_ints(c, votes[0] == 'c' ? "class_ids" : "target_ids", &n_votes);
    LN_TRY(ln_tree_source_init(c, s, t.n, n_votes, t.n, 0, 0));
    node_key *keys = NULL;
    LN_TRY(order_nodes(c, &t, &keys, s->roots, &s->n_trees));
    for (int64_t i = 0; i < t.n; i++) {
        uint32_t mode;
        LN_TRY(mode_of(c, t.mode[i], &mode));
        s->value[i] = ln_real(&t.value, i);
        s->feature[i] = mode << LN_TREE_MODE_SHIFT;
        if (mode == LN_TREE_LEAF)
            continue;
        if (t.feature[i] < 0 || t.feature[i] >= LN_TREE_FEATURE)
            return ln_fail(c, LINNET_ERR_MODEL, "node %lld asks for feature %lld", (long long)i,
                           (long long)t.feature[i]);
        s->feature[i] |= (uint32_t)t.feature[i] | (t.missing && t.missing[i] ? LN_TREE_MISSING : 0);
        int64_t yes = find_node(keys, t.n, t.tree[i], t.yes[i]), no = find_node(keys, t.n, t.tree[i], t.no[i]);
        if (yes < 0 || no < 0)
            return ln_fail(c, LINNET_ERR_MODEL, "node %lld of tree %lld leads to node %lld, which is not there",
                           (long long)t.node[i], (long long)t.tree[i], (long long)(yes < 0 ? t.yes[i] : t.no[i]));
        s->yes[i] = (int32_t)yes;
        s->no[i] = (int32_t)no;
    }
    LN_TRY(read_votes(c, s, votes, keys));
    return ln_reals_of(c, "base_values", "base_values_as_tensor", &s->base);
}

/* -- packing ----------------------------------------------------------------------------------------------------------
 */

static linnet_status check_acyclic(ln_ctx *c, const ln_tree_source *s)
{
    uint8_t *state = ln_temporary(c, (size_t)s->n_nodes); /* 1: on the path, 2: done */
    int32_t *path = ln_temporary(c, (size_t)s->n_nodes * sizeof *path);
    if (!state || !path)
        return ln_no_memory(c);
    for (int64_t r = 0; r < s->n_trees; r++) {
        int64_t depth = 0;
        if (state[s->roots[r]] == 0) {
            path[depth++] = s->roots[r];
            state[s->roots[r]] = 1;
        }
        while (depth > 0) {
            int32_t at = path[depth - 1], next = -1;
            if (s->feature[at] >> LN_TREE_MODE_SHIFT != LN_TREE_LEAF) {
                if (state[s->yes[at]] == 1 || state[s->no[at]] == 1)
                    return ln_fail(c, LINNET_ERR_MODEL, "tree %lld has a cycle at node %d", (long long)r, at);
                next = state[s->yes[at]] == 0 ? s->yes[at] : state[s->no[at]] == 0 ? s->no[at] : -1;
            }
            if (next < 0) {
                state[at] = 2;
                depth--;
            } else {
                state[next] = 1;
                path[depth++] = next;
            }
        }
    }
    return LINNET_OK;
}

static linnet_status check(ln_ctx *c, const ln_tree_params *p, const ln_tree_source *s)
{
    for (int64_t i = 0; i < s->n_nodes; i++)
        if (s->feature[i] >> LN_TREE_MODE_SHIFT != LN_TREE_LEAF && (s->feature[i] & LN_TREE_FEATURE) >= p->features)
            return ln_fail(c, LINNET_ERR_MODEL, "node %lld asks for feature %u of %lld", (long long)i,
                           s->feature[i] & LN_TREE_FEATURE, (long long)p->features);
    for (int64_t i = 0; i < s->n_votes; i++)
        if (s->vote_target[i] < 0 || s->vote_target[i] >= p->targets)
            return ln_fail(c, LINNET_ERR_MODEL, "a vote for %lld of %lld targets", (long long)s->vote_target[i],
                           (long long)p->targets);
    if (s->base.n > 1 && s->base.n != p->targets)
        return ln_fail(c, LINNET_ERR_MODEL, "%lld base values for %lld targets", (long long)s->base.n,
                       (long long)p->targets);
    return check_acyclic(c, s);
}

static int64_t reserve(int64_t *at, int64_t n, size_t size)
{
    int64_t here = *at;
    *at += (n * (int64_t)size + 63) & ~INT64_C(63);
    return here;
}

static void pack_nodes(char *packed, const ln_tree_params *p, const ln_tree_source *s)
{
    ln_tree_node32 *n32 = (ln_tree_node32 *)(void *)(packed + p->at_nodes);
    ln_tree_node64 *n64 = (ln_tree_node64 *)(void *)(packed + p->at_nodes);
    for (int32_t i = 0; i < s->n_nodes; i++) {
        bool leaf = s->feature[i] >> LN_TREE_MODE_SHIFT == LN_TREE_LEAF;
        int32_t first = s->no[i] ? s->yes[i] : -1, yes = leaf ? i : s->yes[i], no = leaf ? i : s->no[i];
        if (p->f64)
            n64[i] = (ln_tree_node64){leaf ? 0 : s->value[i], s->feature[i], {no, yes}, 0};
        else
            n32[i] = (ln_tree_node32){leaf ? 0 : (float)s->value[i], s->feature[i], {no, yes}};
        if (leaf)
            memcpy(p->f64 ? (void *)&n64[i].value : (void *)&n32[i].value, &first, sizeof first);
    }
}

/* Targets of the votes; that of a leaf's last one complemented. */
static void pack_targets(int32_t *targets, const ln_tree_source *s)
{
    for (int64_t i = 0; i < s->n_votes; i++)
        targets[i] = (int32_t)s->vote_target[i];
    for (int64_t i = 0; i < s->n_nodes; i++)
        if (s->feature[i] >> LN_TREE_MODE_SHIFT == LN_TREE_LEAF && s->no[i])
            targets[s->yes[i] + s->no[i] - 1] = ~targets[s->yes[i] + s->no[i] - 1];
}

static void put_reals(void *to, bool f64, int64_t i, double v)
{
    if (f64)
        ((double *)to)[i] = v;
    else
        ((float *)to)[i] = (float)v;
}

linnet_status ln_tree_pack(ln_ctx *c, ln_tree_params *p, const ln_tree_source *s, const ln_labels *labels,
                           const char *ints, const char *strings)
{
    LN_TRY(ln_rows_of(c, c->in[0], &p->rows, &p->features));
    LN_TRY(check(c, p, s));
    size_t real = p->f64 ? sizeof(double) : sizeof(float);
    int64_t bytes = 0;
    p->trees = s->n_trees;
    p->n_base = s->base.n;
    p->in_type = c->in[0]->type;
    p->at_nodes = reserve(&bytes, s->n_nodes, p->f64 ? sizeof(ln_tree_node64) : sizeof(ln_tree_node32));
    p->at_roots = reserve(&bytes, s->n_trees, sizeof(int32_t));
    p->at_targets = reserve(&bytes, s->n_votes, sizeof(int32_t));
    p->at_votes = reserve(&bytes, s->n_votes, real);
    p->at_base = reserve(&bytes, s->base.n, real);
    p->at_members = reserve(&bytes, s->n_members, real);
    p->at_sets = reserve(&bytes, s->n_sets + 1, sizeof(int32_t));
    p->at_labels = reserve(&bytes, labels ? labels->n : 0, labels ? (size_t)labels->size : 1);
    char *packed = ln_pack(c, (size_t)bytes + 1);
    if (!packed)
        return ln_no_memory(c);
    pack_nodes(packed, p, s);
    pack_targets((int32_t *)(void *)(packed + p->at_targets), s);
    if (s->n_trees)
        memcpy(packed + p->at_roots, s->roots, (size_t)s->n_trees * sizeof(int32_t));
    p->positive = 1;
    for (int64_t i = 0; i < s->n_votes; i++) {
        put_reals(packed + p->at_votes, p->f64, i, s->vote[i]);
        p->positive &= s->vote[i] >= 0;
    }
    for (int64_t i = 0; i < s->base.n; i++)
        put_reals(packed + p->at_base, p->f64, i, ln_real(&s->base, i));
    for (int64_t i = 0; i < s->n_members; i++)
        put_reals(packed + p->at_members, p->f64, i, s->members[i]);
    for (int64_t i = 0; i <= s->n_sets; i++)
        ((int32_t *)(void *)(packed + p->at_sets))[i] = (int32_t)s->sets[i];
    p->leq_only = 1;
    for (int64_t i = 0; i < s->n_nodes; i++)
        p->leq_only &= s->feature[i] >> LN_TREE_MODE_SHIFT == LN_TREE_LEAF || s->feature[i] < LN_TREE_MISSING;
    if (labels) {
        p->label_size = labels->size;
        p->n_labels = labels->n;
        ln_labels_pack(c, ints, strings, labels, packed + p->at_labels);
    }
    enum { BLOCK = LN_TREE_BLOCK, BLOCK_BYTES = 1 << 18 };
    int64_t row = (int64_t)real * (p->features + p->targets) + p->targets + 8 * (int64_t)sizeof(float);
    p->block = BLOCK_BYTES / row < 1 ? 1 : BLOCK_BYTES / row > BLOCK ? BLOCK : BLOCK_BYTES / row;
    int64_t scores = 0;
    reserve(&scores, p->block * p->features, real);
    reserve(&scores, p->block * p->targets, real);
    reserve(&scores, p->block * p->targets, 1);
    reserve(&scores, p->targets + 1, sizeof(float));
    p->scratch = scores;
    int64_t all;
    LN_TRY(ln_mul_size(c, p->scratch, c->threads, &all));
    ln_scratch(c, (size_t)all);
    if (p->f64)
        LN_SET_RUN(c, ln_trees_f64);
    else
        LN_SET_RUN(c, ln_trees_f32);
    return LINNET_OK;
}
