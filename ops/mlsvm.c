/* SPDX-License-Identifier: Apache-2.0
 *
 * SVMRegressor and SVMClassifier in the layout of libsvm: one classifier for each pair of classes, which vote; with
 * prob_a and prob_b the pairwise probabilities are coupled by the second method of Wu, Lin and Weng (JMLR 5, 2004). No
 * support vectors: one linear function per class. Two classes without probabilities: the scores are -s and s of the one
 * classifier, as ONNX Runtime gives them. ai.onnx.ml -1 of both.
 */
#include <math.h>
#include <string.h>

#include "ops/mlcommon.h"

enum { LINEAR, POLY, RBF, SIGMOID };

typedef struct svm_params {
    int64_t rows, features, vectors, classes, pairs, scores;
    int64_t at_vectors, at_coefficients, at_rho, at_prob_a, at_prob_b, at_starts, at_labels; /* bytes in packed */
    int64_t scratch;                                                                         /* bytes for each worker */
    int64_t n_supports, one_class;
    float gamma, coef0, degree;
    int32_t kernel, in_type, transform, proba, label_size;
} svm_params;

static const float *floats_at(const ln_args *a, int64_t at)
{
    return (const float *)(const void *)((const char *)a->packed + at);
}

static float kernel(const svm_params *p, const float *x, const float *v)
{
    float sum = 0;
    if (p->kernel == RBF) {
        for (int64_t i = 0; i < p->features; i++)
            sum += (x[i] - v[i]) * (x[i] - v[i]);
        return expf(-p->gamma * sum);
    }
    for (int64_t i = 0; i < p->features; i++)
        sum += x[i] * v[i];
    if (p->kernel == LINEAR)
        return sum;
    sum = p->gamma * sum + p->coef0;
    return p->kernel == POLY ? powf(sum, p->degree) : tanhf(sum);
}

/* -- SVMRegressor
 * -------------------------------------------------------------------------------------------------------- */

static void regressor_rows(void *arg, int32_t worker, int64_t begin, int64_t end)
{
    const ln_args *a = arg;
    const svm_params *p = a->params;
    float *x = (float *)(void *)((char *)a->scratch + worker * p->scratch);
    const float *vectors = floats_at(a, p->at_vectors), *coefficients = floats_at(a, p->at_coefficients);
    for (int64_t r = begin; r < end; r++) {
        ln_to_f32(x, a->in[0], p->in_type, r * p->features, p->features);
        double sum = (double)*floats_at(a, p->at_rho);
        for (int64_t v = 0; v < p->vectors; v++)
            sum += (double)coefficients[v] * (double)kernel(p, x, vectors + v * p->features);
        if (p->vectors == 0)
            sum += (double)kernel(p, x, coefficients);
        float y = p->one_class ? (sum > 0 ? 1.0f : -1.0f) : (float)sum;
        ln_post_transform(&y, 1, p->transform);
        ((float *)a->out[0])[r] = y;
    }
}

LN_RUN(ln_svm_regress)
{
    const svm_params *p = a->params;
    ln_parallel(a, p->rows, (double)(p->vectors + 1) * (double)p->features + 20, regressor_rows, (void *)(uintptr_t)a);
    return LINNET_OK;
}

static linnet_status regressor_infer(ln_ctx *c)
{
    int64_t dims[2];
    LN_TRY(ln_rows_of(c, c->in[0], &dims[0], &dims[1]));
    dims[1] = 1;
    return ln_set_shape(c, 0, LINNET_FLOAT32, 2, dims);
}

static linnet_status read_kernel(ln_ctx *c, svm_params *p)
{
    int64_t n;
    const float *k = ln_attr_floats(c, "kernel_params", &n);
    if (n != 0 && n != 3)
        return ln_fail(c, LINNET_ERR_MODEL, "kernel_params has %lld elements, expected 3", (long long)n);
    if (n) {
        p->gamma = k[0];
        p->coef0 = k[1];
        p->degree = k[2];
    }
    p->in_type = c->in[0]->type;
    if (!p->vectors)
        p->kernel = LINEAR;
    return ln_rows_of(c, c->in[0], &p->rows, &p->features);
}

static int64_t reserve(int64_t *at, int64_t bytes)
{
    int64_t here = *at;
    *at += (bytes + 63) & ~INT64_C(63);
    return here;
}

static linnet_status want(ln_ctx *c, const char *name, int64_t got, int64_t a, int64_t b)
{
    int64_t n;
    LN_TRY(ln_mul_size(c, a, b, &n));
    if (got != n)
        return ln_fail(c, LINNET_ERR_MODEL, "%s has %lld elements, expected %lld", name, (long long)got, (long long)n);
    return LINNET_OK;
}

static void put(char *packed, int64_t at, const float *from, int64_t n)
{
    if (n)
        memcpy(packed + at, from, (size_t)n * sizeof *from);
}

static linnet_status ask_scratch(ln_ctx *c, svm_params *p, int64_t bytes)
{
    int64_t all;
    p->scratch = (bytes + 63) & ~INT64_C(63);
    LN_TRY(ln_mul_size(c, p->scratch, c->threads, &all));
    ln_scratch(c, (size_t)all);
    return LINNET_OK;
}

static linnet_status regressor_plan(ln_ctx *c)
{
    svm_params *p = c->params;
    int64_t n_v, n_c, n_r, bytes = 0;
    const float *v = ln_attr_floats(c, "support_vectors", &n_v), *k = ln_attr_floats(c, "coefficients", &n_c);
    const float *rho = ln_attr_floats(c, "rho", &n_r);
    if (p->n_supports < 0)
        return ln_fail(c, LINNET_ERR_MODEL, "n_supports is %lld", (long long)p->n_supports);
    p->vectors = p->n_supports;
    LN_TRY(read_kernel(c, p));
    if (n_r < 1)
        return ln_fail(c, LINNET_ERR_MODEL, "rho is missing");
    LN_TRY(want(c, "coefficients", n_c, p->vectors ? p->vectors : p->features, 1));
    if (p->vectors)
        LN_TRY(want(c, "support_vectors", n_v, p->vectors, p->features));
    p->at_vectors = reserve(&bytes, n_v * 4);
    p->at_coefficients = reserve(&bytes, n_c * 4);
    p->at_rho = reserve(&bytes, 4);
    char *packed = ln_pack(c, (size_t)bytes);
    if (!packed)
        return ln_no_memory(c);
    put(packed, p->at_vectors, v, n_v);
    put(packed, p->at_coefficients, k, n_c);
    put(packed, p->at_rho, rho, 1);
    return ask_scratch(c, p, p->features * 4);
}

static const ln_attr_spec regressor_attrs[] = {
    LN_ATTR_I(svm_params, n_supports, 0),
    LN_ATTR_I(svm_params, one_class, 0),
    {.name = "kernel_type",
     .kind = LN_AT_ENUM,
     .offset = offsetof(svm_params, kernel),
     .names = "LINEAR|POLY|RBF|SIGMOID"},
    {.name = "post_transform", .kind = LN_AT_ENUM, .offset = offsetof(svm_params, transform), .names = LN_POST_NAMES},
    LN_ATTR_ANY("kernel_params"),
    LN_ATTR_ANY("coefficients"),
    LN_ATTR_ANY("rho"),
    LN_ATTR_ANY("support_vectors"),
    LN_ATTR_END,
};

LN_OP(ml_SVMRegressor) = {
    .domain = "ai.onnx.ml",
    .type = "SVMRegressor",
    .since = {1},
    .types = LN_T_FEATURES,
    .in = {1, 1},
    .out = {1, 1},
    .attrs = regressor_attrs,
    .params_size = sizeof(svm_params),
    .infer = regressor_infer,
    .plan = regressor_plan,
    LN_RUN_NAME(ln_svm_regress),
};

/* -- SVMClassifier
 * -------------------------------------------------------------------------------------------------------- */

/* What a row works with, in scratch. */
typedef struct svm_work {
    float *x, *kernels, *pairs, *r, *q, *qp;
    int32_t *votes;
} svm_work;

static int64_t lay_out(const svm_params *p, char *scratch, svm_work *w)
{
    int64_t at = 0, n = p->classes;
    int64_t offsets[7];
    const int64_t counts[7] = {p->features, p->vectors, p->pairs, p->proba ? n * n : 0, p->proba ? n * n : 0, n, n};
    for (int32_t i = 0; i < 7; i++)
        offsets[i] = reserve(&at, counts[i] * 4);
    if (scratch) {
        float **floats[6] = {&w->x, &w->kernels, &w->pairs, &w->r, &w->q, &w->qp};
        for (int32_t i = 0; i < 6; i++)
            *floats[i] = (float *)(void *)(scratch + offsets[i]);
        w->votes = (int32_t *)(void *)(scratch + offsets[6]);
    }
    return at;
}

/* Decision values of the pairs, and their votes. */
static void decide(const ln_args *a, const svm_params *p, svm_work *w)
{
    const float *vectors = floats_at(a, p->at_vectors), *coefficients = floats_at(a, p->at_coefficients);
    const float *rho = floats_at(a, p->at_rho);
    const int64_t *starts = (const int64_t *)(const void *)((const char *)a->packed + p->at_starts);
    for (int64_t v = 0; v < p->vectors; v++)
        w->kernels[v] = kernel(p, w->x, vectors + v * p->features);
    memset(w->votes, 0, (size_t)p->classes * sizeof *w->votes);
    int64_t pair = 0;
    for (int64_t i = 0; i + 1 < p->classes; i++)
        for (int64_t j = i + 1; j < p->classes; j++, pair++) {
            double sum = 0;
            for (int64_t v = starts[i]; v < starts[i + 1]; v++)
                sum += (double)coefficients[(j - 1) * p->vectors + v] * (double)w->kernels[v];
            for (int64_t v = starts[j]; v < starts[j + 1]; v++)
                sum += (double)coefficients[i * p->vectors + v] * (double)w->kernels[v];
            sum += (double)rho[pair];
            w->pairs[pair] = (float)sum;
            w->votes[sum > 0 ? i : j]++;
        }
}

static void couple(int64_t n, const float *r, float *q, float *qp, float *y)
{
    enum { ROUNDS = 100 };
    const float eps = 0.005f / (float)n;
    memset(q, 0, (size_t)(n * n) * sizeof *q);
    for (int64_t i = 0; i < n; i++) {
        y[i] = 1.0f / (float)n;
        for (int64_t j = 0; j < n; j++)
            if (j != i) {
                q[i * n + i] += r[j * n + i] * r[j * n + i];
                q[i * n + j] = -r[j * n + i] * r[i * n + j];
            }
    }
    for (int32_t round = 0; round < ROUNDS; round++) {
        float pqp = 0, worst = 0;
        for (int64_t i = 0; i < n; i++) {
            qp[i] = 0;
            for (int64_t j = 0; j < n; j++)
                qp[i] += q[i * n + j] * y[j];
            pqp += y[i] * qp[i];
        }
        for (int64_t i = 0; i < n; i++)
            worst = fabsf(qp[i] - pqp) > worst ? fabsf(qp[i] - pqp) : worst;
        if (worst < eps)
            return;
        for (int64_t i = 0; i < n; i++) {
            float diff = (pqp - qp[i]) / q[i * n + i];
            y[i] += diff;
            pqp = (pqp + diff * (diff * q[i * n + i] + 2 * qp[i])) / (1 + diff) / (1 + diff);
            for (int64_t j = 0; j < n; j++) {
                qp[j] = (qp[j] + diff * q[i * n + j]) / (1 + diff);
                y[j] /= 1 + diff;
            }
        }
    }
}

static void probabilities(const ln_args *a, const svm_params *p, svm_work *w, float *y)
{
    const float *prob_a = floats_at(a, p->at_prob_a), *prob_b = floats_at(a, p->at_prob_b);
    int64_t n = p->classes, pair = 0;
    for (int64_t i = 0; i + 1 < n; i++)
        for (int64_t j = i + 1; j < n; j++, pair++) {
            float v = 1.0f - ln_logistic(w->pairs[pair] * prob_a[pair] + prob_b[pair]);
            v = v < 1e-7f ? 1e-7f : v > 1.0f - 1e-7f ? 1.0f - 1e-7f : v;
            w->r[i * n + j] = v;
            w->r[j * n + i] = 1.0f - v;
        }
    couple(n, w->r, w->q, w->qp, y);
}

static int64_t classify(const ln_args *a, const svm_params *p, svm_work *w, float *y)
{
    int64_t best = 0;
    if (p->vectors == 0) {
        for (int64_t k = 0; k < p->classes; k++) {
            y[k] = kernel(p, w->x, floats_at(a, p->at_coefficients) + k * p->features) + *floats_at(a, p->at_rho);
            best = y[k] > y[best] ? k : best;
        }
        return best;
    }
    decide(a, p, w);
    for (int64_t k = 1; k < p->classes; k++)
        best = w->votes[k] > w->votes[best] ? k : best;
    if (p->proba) {
        probabilities(a, p, w, y);
    } else if (p->classes == 2) {
        y[0] = -w->pairs[0];
        y[1] = w->pairs[0];
    } else {
        memcpy(y, w->pairs, (size_t)p->pairs * sizeof *y);
    }
    return best;
}

static void classifier_rows(void *arg, int32_t worker, int64_t begin, int64_t end)
{
    const ln_args *a = arg;
    const svm_params *p = a->params;
    svm_work w = {0};
    lay_out(p, (char *)a->scratch + worker * p->scratch, &w);
    const char *labels = (const char *)a->packed + p->at_labels;
    for (int64_t r = begin; r < end; r++) {
        float *y = (float *)a->out[1] + r * p->scores;
        ln_to_f32(w.x, a->in[0], p->in_type, r * p->features, p->features);
        int64_t best = classify(a, p, &w, y);
        memcpy((char *)a->out[0] + r * p->label_size, labels + best * p->label_size, (size_t)p->label_size);
        ln_post_transform(y, p->scores, p->transform);
    }
}

LN_RUN(ln_svm_classify)
{
    const svm_params *p = a->params;
    ln_parallel(a, p->rows, (double)(p->vectors + p->classes) * (double)(p->features + p->classes), classifier_rows,
                (void *)(uintptr_t)a);
    return LINNET_OK;
}

/* Classes, pairs, support vectors and columns of the scores, from the attributes. */
static linnet_status classes_of(ln_ctx *c, svm_params *p, ln_labels *labels)
{
    enum { MAX_CLASSES = 4096 };
    int64_t n, n_a, n_b;
    LN_TRY(ln_labels_of(c, "classlabels_ints", "classlabels_strings", labels));
    const int64_t *per_class = ln_attr_ints(c, "vectors_per_class", &n);
    ln_attr_floats(c, "prob_a", &n_a);
    ln_attr_floats(c, "prob_b", &n_b);
    if (labels->n > MAX_CLASSES)
        return ln_fail(c, LINNET_ERR_UNSUPPORTED, "%lld classes", (long long)labels->n);
    p->classes = labels->n;
    p->label_size = labels->size;
    p->pairs = p->classes * (p->classes - 1) / 2;
    p->vectors = 0;
    for (int64_t i = 0; i < n; i++)
        if (per_class[i] < 0 || __builtin_add_overflow(p->vectors, per_class[i], &p->vectors))
            return ln_fail(c, LINNET_ERR_MODEL, "vectors_per_class has %lld", (long long)per_class[i]);
    if (p->vectors && n != p->classes)
        return ln_fail(c, LINNET_ERR_MODEL, "%lld classes and %lld vectors_per_class", (long long)p->classes,
                       (long long)n);
    if (n_a != n_b)
        return ln_fail(c, LINNET_ERR_MODEL, "%lld prob_a and %lld prob_b", (long long)n_a, (long long)n_b);
    p->proba = p->vectors && n_a > 0;
    p->scores = !p->vectors || p->proba ? p->classes : p->classes > 2 ? p->pairs : 2;
    if (p->vectors && p->classes < 2)
        return ln_fail(c, LINNET_ERR_MODEL, "one class alone");
    return LINNET_OK;
}

static linnet_status classifier_infer(ln_ctx *c)
{
    svm_params *p = c->params;
    ln_labels labels;
    int64_t dims[2];
    LN_TRY(classes_of(c, p, &labels));
    LN_TRY(ln_rows_of(c, c->in[0], &dims[0], &dims[1]));
    LN_TRY(ln_set_shape(c, 0, ln_labels_type(&labels), 1, dims));
    dims[1] = p->scores;
    return ln_set_shape(c, 1, LINNET_FLOAT32, 2, dims);
}

static linnet_status classifier_plan(ln_ctx *c)
{
    svm_params *p = c->params;
    ln_labels labels;
    int64_t n_v, n_c, n_r, n_a, n_b, n, bytes = 0;
    const float *v = ln_attr_floats(c, "support_vectors", &n_v), *k = ln_attr_floats(c, "coefficients", &n_c);
    const float *rho = ln_attr_floats(c, "rho", &n_r);
    const float *prob_a = ln_attr_floats(c, "prob_a", &n_a), *prob_b = ln_attr_floats(c, "prob_b", &n_b);
    LN_TRY(classes_of(c, p, &labels));
    LN_TRY(read_kernel(c, p));
    LN_TRY(
        want(c, "coefficients", n_c, p->vectors ? p->classes - 1 : p->classes, p->vectors ? p->vectors : p->features));
    if (p->vectors)
        LN_TRY(want(c, "support_vectors", n_v, p->vectors, p->features));
    if (n_r < (p->vectors ? p->pairs : 1))
        return ln_fail(c, LINNET_ERR_MODEL, "rho has %lld elements for %lld pairs", (long long)n_r,
                       (long long)p->pairs);
    if (p->proba)
        LN_TRY(want(c, "prob_a", n_a, p->pairs, 1));
    p->at_vectors = reserve(&bytes, n_v * 4);
    p->at_coefficients = reserve(&bytes, n_c * 4);
    p->at_rho = reserve(&bytes, n_r * 4);
    p->at_prob_a = reserve(&bytes, n_a * 4);
    p->at_prob_b = reserve(&bytes, n_b * 4);
    p->at_starts = reserve(&bytes, (p->classes + 1) * 8);
    p->at_labels = reserve(&bytes, labels.n * labels.size);
    char *packed = ln_pack(c, (size_t)bytes);
    if (!packed)
        return ln_no_memory(c);
    put(packed, p->at_vectors, v, n_v);
    put(packed, p->at_coefficients, k, n_c);
    put(packed, p->at_rho, rho, n_r);
    put(packed, p->at_prob_a, prob_a, n_a);
    put(packed, p->at_prob_b, prob_b, n_b);
    const int64_t *per_class = ln_attr_ints(c, "vectors_per_class", &n);
    int64_t *starts = (int64_t *)(void *)(packed + p->at_starts);
    for (int64_t i = 0; i < p->classes && p->vectors; i++)
        starts[i + 1] = starts[i] + per_class[i];
    ln_labels_pack(c, "classlabels_ints", "classlabels_strings", &labels, packed + p->at_labels);
    return ask_scratch(c, p, lay_out(p, NULL, NULL));
}

static const ln_attr_spec classifier_attrs[] = {
    {.name = "kernel_type",
     .kind = LN_AT_ENUM,
     .offset = offsetof(svm_params, kernel),
     .names = "LINEAR|POLY|RBF|SIGMOID"},
    {.name = "post_transform", .kind = LN_AT_ENUM, .offset = offsetof(svm_params, transform), .names = LN_POST_NAMES},
    LN_ATTR_ANY("kernel_params"),
    LN_ATTR_ANY("coefficients"),
    LN_ATTR_ANY("rho"),
    LN_ATTR_ANY("support_vectors"),
    LN_ATTR_ANY("vectors_per_class"),
    LN_ATTR_ANY("prob_a"),
    LN_ATTR_ANY("prob_b"),
    LN_ATTR_ANY("classlabels_ints"),
    LN_ATTR_ANY("classlabels_strings"),
    LN_ATTR_END,
};

LN_OP(ml_SVMClassifier) = {
    .domain = "ai.onnx.ml",
    .type = "SVMClassifier",
    .since = {1},
    .types = LN_T_FEATURES,
    .in = {1, 1},
    .out = {2, 2},
    .attrs = classifier_attrs,
    .params_size = sizeof(svm_params),
    .infer = classifier_infer,
    .plan = classifier_plan,
    LN_RUN_NAME(ln_svm_classify),
};
