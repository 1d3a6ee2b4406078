/* SPDX-License-Identifier: Apache-2.0
 *
 * LinearRegressor and LinearClassifier: rows times coefficients plus intercepts, summed in float64, then a transform.
 * Two labels over one score s: its sign decides, the scores are 1 - s and s (as ONNX Runtime has it; the specification
 * is silent), or the transform of -s and s where there is one. ai.onnx.ml -1 of both.
 */
#include <string.h>

#include "ops/mlcommon.h"

typedef struct linear_params {
    int64_t rows, features, targets, scores; /* scores: columns of the output */
    int64_t at_intercepts, at_labels;        /* bytes in packed */
    int64_t in_targets;                      /* attribute targets */
    int64_t multi_class;
    int32_t in_type, transform, classify, label_size;
} linear_params;

static double load(const linear_params *p, const void *x, int64_t i)
{
    switch (p->in_type) {
    case LINNET_FLOAT32:
        return (double)((const float *)x)[i];
    case LINNET_FLOAT64:
        return ((const double *)x)[i];
    case LINNET_INT64:
        return (double)((const int64_t *)x)[i];
    default:
        return (double)((const int32_t *)x)[i];
    }
}

static void linear_rows(void *arg, int32_t worker, int64_t begin, int64_t end)
{
    (void)worker;
    const ln_args *a = arg;
    const linear_params *p = a->params;
    const float *w = a->packed;
    const float *b = (const float *)(const void *)((const char *)a->packed + p->at_intercepts);
    const char *labels = (const char *)a->packed + p->at_labels;
    float *scores = a->out[p->classify];
    for (int64_t r = begin; r < end; r++) {
        float *y = scores + r * p->scores;
        int64_t best = 0;
        for (int64_t t = 0; t < p->targets; t++) {
            double sum = (double)b[t];
            for (int64_t f = 0; f < p->features; f++)
                sum += load(p, a->in[0], r * p->features + f) * (double)w[t * p->features + f];
            y[t] = (float)sum;
            best = y[t] > y[best] ? t : best;
        }
        if (p->classify) {
            if (p->targets == 1)
                best = y[0] > 0;
            memcpy((char *)a->out[0] + r * p->label_size, labels + best * p->label_size, (size_t)p->label_size);
        }
        if (p->scores > p->targets) {
            float s = y[0];
            y[0] = p->transform == LN_POST_NONE ? 1.0f - s : -s;
            y[1] = s;
        }
        ln_post_transform(y, p->scores, p->transform);
    }
}

LN_RUN(ln_ml_linear)
{
    const linear_params *p = a->params;
    ln_parallel(a, p->rows, (double)p->features * (double)p->targets + 20, linear_rows, (void *)(uintptr_t)a);
    return LINNET_OK;
}

/* Packs coefficients and intercepts; labels follow. */
static linnet_status pack(ln_ctx *c, linear_params *p, int64_t label_bytes, char **labels)
{
    int64_t n, n_b;
    const float *w = ln_attr_floats(c, "coefficients", &n), *b = ln_attr_floats(c, "intercepts", &n_b);
    LN_TRY(ln_rows_of(c, c->in[0], &p->rows, &p->features));
    p->in_type = c->in[0]->type;
    int64_t want;
    LN_TRY(ln_mul_size(c, p->targets, p->features, &want));
    if (n != want)
        return ln_fail(c, LINNET_ERR_MODEL, "%lld coefficients for %lld targets of %lld features", (long long)n,
                       (long long)p->targets, (long long)p->features);
    if (n_b && n_b != p->targets)
        return ln_fail(c, LINNET_ERR_MODEL, "%lld intercepts for %lld targets", (long long)n_b, (long long)p->targets);
    p->at_intercepts = n * (int64_t)sizeof(float);
    p->at_labels = (p->at_intercepts + p->targets * (int64_t)sizeof(float) + 15) & ~INT64_C(15);
    char *packed = ln_pack(c, (size_t)(p->at_labels + label_bytes) + 1);
    if (!packed)
        return ln_no_memory(c);
    if (n)
        memcpy(packed, w, (size_t)n * sizeof *w);
    if (n_b)
        memcpy(packed + p->at_intercepts, b, (size_t)n_b * sizeof *b);
    *labels = packed + p->at_labels;
    return LINNET_OK;
}

static linnet_status regressor_infer(ln_ctx *c)
{
    const linear_params *p = c->params;
    int64_t dims[2];
    LN_TRY(ln_rows_of(c, c->in[0], &dims[0], &dims[1]));
    if (p->in_targets < 1)
        return ln_fail(c, LINNET_ERR_MODEL, "targets is %lld", (long long)p->in_targets);
    dims[1] = p->in_targets;
    return ln_set_shape(c, 0, LINNET_FLOAT32, 2, dims);
}

static linnet_status regressor_plan(ln_ctx *c)
{
    linear_params *p = c->params;
    char *labels;
    p->targets = p->scores = p->in_targets;
    return pack(c, p, 0, &labels);
}

static const ln_attr_spec regressor_attrs[] = {
    {.name = "targets", .kind = LN_AT_INT, .offset = offsetof(linear_params, in_targets), .i = 1},
    {.name = "post_transform",
     .kind = LN_AT_ENUM,
     .offset = offsetof(linear_params, transform),
     .names = LN_POST_NAMES},
    LN_ATTR_ANY("coefficients"),
    LN_ATTR_ANY("intercepts"),
    LN_ATTR_END,
};

LN_OP(ml_LinearRegressor) = {
    .domain = "ai.onnx.ml",
    .type = "LinearRegressor",
    .since = {1},
    .types = LN_T_FEATURES,
    .in = {1, 1},
    .out = {1, 1},
    .attrs = regressor_attrs,
    .params_size = sizeof(linear_params),
    .infer = regressor_infer,
    .plan = regressor_plan,
    LN_RUN_NAME(ln_ml_linear),
};

/* Targets: as many as intercepts, or as rows of coefficients. */
static linnet_status classes_of(ln_ctx *c, ln_labels *labels, int64_t features, int64_t *targets)
{
    int64_t n, n_b;
    ln_attr_floats(c, "coefficients", &n);
    ln_attr_floats(c, "intercepts", &n_b);
    LN_TRY(ln_labels_of(c, "classlabels_ints", "classlabels_strings", labels));
    *targets = n_b ? n_b : features > 0 ? n / features : LN_UNKNOWN;
    if (*targets == 0 || *targets > labels->n)
        return ln_fail(c, LINNET_ERR_MODEL, "%lld labels for %lld targets", (long long)labels->n, (long long)*targets);
    return LINNET_OK;
}

static linnet_status classifier_infer(ln_ctx *c)
{
    ln_labels labels;
    int64_t dims[2], targets;
    LN_TRY(ln_rows_of(c, c->in[0], &dims[0], &dims[1]));
    LN_TRY(classes_of(c, &labels, dims[1], &targets));
    LN_TRY(ln_set_shape(c, 0, ln_labels_type(&labels), 1, dims));
    dims[1] = targets == 1 && labels.n == 2 ? 2 : targets;
    return ln_set_shape(c, 1, LINNET_FLOAT32, 2, dims);
}

static linnet_status classifier_plan(ln_ctx *c)
{
    linear_params *p = c->params;
    ln_labels labels;
    char *to = NULL;
    int64_t rows, features;
    LN_TRY(ln_rows_of(c, c->in[0], &rows, &features));
    LN_TRY(classes_of(c, &labels, features, &p->targets));
    p->classify = 1;
    p->scores = p->targets == 1 && labels.n == 2 ? 2 : p->targets;
    p->label_size = labels.size;
    int64_t n = labels.n < 2 ? 2 : labels.n;
    LN_TRY(pack(c, p, n * labels.size, &to));
    ln_labels_pack(c, "classlabels_ints", "classlabels_strings", &labels, to);
    if (p->targets == 1 && labels.n != 2) { /* yes or no */
        static const linnet_string words[2] = {{"0", 1}, {"1", 1}};
        static const int64_t numbers[2] = {0, 1};
        memcpy(to, labels.strings ? (const void *)words : (const void *)numbers, 2 * (size_t)labels.size);
    }
    return LINNET_OK;
}

static const ln_attr_spec classifier_attrs[] = {
    {.name = "multi_class", .kind = LN_AT_INT, .offset = offsetof(linear_params, multi_class)},
    {.name = "post_transform",
     .kind = LN_AT_ENUM,
     .offset = offsetof(linear_params, transform),
     .names = LN_POST_NAMES},
    LN_ATTR_ANY("coefficients"),
    LN_ATTR_ANY("intercepts"),
    LN_ATTR_ANY("classlabels_ints"),
    LN_ATTR_ANY("classlabels_strings"),
    LN_ATTR_END,
};

LN_OP(ml_LinearClassifier) = {
    .domain = "ai.onnx.ml",
    .type = "LinearClassifier",
    .since = {1},
    .types = LN_T_FEATURES,
    .in = {1, 1},
    .out = {2, 2},
    .attrs = classifier_attrs,
    .params_size = sizeof(linear_params),
    .infer = classifier_infer,
    .plan = classifier_plan,
    LN_RUN_NAME(ln_ml_linear),
};
