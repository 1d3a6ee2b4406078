/* SPDX-License-Identifier: Apache-2.0
 *
 * Runs packed trees in both precisions, and makes labels and scores of classifiers.
 *
 * Two labels: votes for one class alone, and no base value for each, are a score of the second label, above 1/2 where
 * no vote is negative and above 0 otherwise; else the higher of the two scores decides.
 */
#include "ops/trees.h"

#include <string.h>

static int64_t up64(int64_t bytes)
{
    return (bytes + 63) & ~INT64_C(63);
}

/* Features as float32 or float64: where they lie, or converted in own. */
static const void *load_features(const ln_tree_params *p, void *own, size_t real, const void *x, int64_t at, int64_t n)
{
    if (real == sizeof(float)) {
        if (p->in_type == LINNET_FLOAT32)
            return (const float *)x + at;
        ln_to_f32(own, x, p->in_type, at, n);
        return own;
    }
    double *y = own;
    switch (p->in_type) {
    case LINNET_FLOAT64:
        return (const double *)x + at;
    case LINNET_FLOAT32:
        for (int64_t i = 0; i < n; i++)
            y[i] = (double)((const float *)x)[at + i];
        break;
    case LINNET_INT64:
        for (int64_t i = 0; i < n; i++)
            y[i] = (double)((const int64_t *)x)[at + i];
        break;
    default:
        for (int64_t i = 0; i < n; i++)
            y[i] = (double)((const int32_t *)x)[at + i];
    }
    return y;
}

static void put_label(const ln_args *a, int64_t row, int64_t label)
{
    const ln_tree_params *p = a->params;
    if (!a->out[0])
        return;
    const char *labels = (const char *)a->packed + p->at_labels;
    memcpy((char *)a->out[0] + row * p->label_size, labels + label * p->label_size, (size_t)p->label_size);
}

static void many_labels(const ln_args *a, int64_t row, float *scores, const uint8_t *has)
{
    const ln_tree_params *p = a->params;
    int64_t best = -1;
    for (int64_t k = 0; k < p->targets; k++)
        if (has[k] && (best < 0 || scores[k] > scores[best]))
            best = k;
    put_label(a, row, best < 0 ? 0 : best);
    ln_post_transform(scores, p->targets, p->transform);
}

/* Fills scores (room for two), returns the label. */
static int64_t two_labels(const ln_tree_params *p, float *scores, const double *base)
{
    if (p->binary && p->n_base < 2) {
        float s = scores[0] + scores[1] + (float)base[0]; /* one of the scores got no vote */
        ln_post_binary(scores, s, !p->positive, p->transform);
        return s > (p->positive ? 0.5f : 0.0f);
    }
    for (int32_t k = 0; k < 2; k++)
        scores[k] += (float)base[p->n_base == 2 ? k : 0];
    int64_t label = scores[1] > scores[0];
    ln_post_transform(scores, 2, p->transform);
    return label;
}

static void classify_row(const ln_args *a, int64_t row, float *scores, const uint8_t *has, const double *base)
{
    const ln_tree_params *p = a->params;
    int64_t n = p->targets;
    if (p->n_labels > 2) {
        many_labels(a, row, scores, has);
    } else if (p->n_labels == 2) {
        put_label(a, row, two_labels(p, scores, base));
    } else {
        scores[0] += p->n_base ? (float)base[0] : 0;
        put_label(a, row, 0);
        ln_post_transform(scores, 1, p->transform);
    }
    if (a->out[1])
        memcpy((float *)a->out[1] + row * n, scores, (size_t)n * sizeof *scores);
}

#define REAL float
#define NODE ln_tree_node32
#define RUN ln_trees_f32
#define LEAF leaf_f32
#define LOCKSTEP lockstep_f32
#define LEAVES leaves_f32
#define SUMS sums_f32
#define ROWS rows_f32
#define MEMBER member_f32
#include "ops/trees_eval.inc"
#undef REAL
#undef NODE
#undef RUN
#undef LEAF
#undef LOCKSTEP
#undef LEAVES
#undef SUMS
#undef ROWS
#undef MEMBER

#define REAL double
#define NODE ln_tree_node64
#define RUN ln_trees_f64
#define LEAF leaf_f64
#define LOCKSTEP lockstep_f64
#define LEAVES leaves_f64
#define SUMS sums_f64
#define ROWS rows_f64
#define MEMBER member_f64
#include "ops/trees_eval.inc"
