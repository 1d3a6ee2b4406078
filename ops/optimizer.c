/* SPDX-License-Identifier: Apache-2.0
 *
 * ai.onnx.preview.training Adagrad-1, Adam-1, Momentum-1: one step of an optimiser over any number of tensors. The
 * inputs are R, T, then the tensors, their gradients and their states, group by group; the outputs are the tensors and
 * the states. Float32 tensors compute in float32, the coefficients are float32 as attributes are.
 */
#include <math.h>

#include "ops/convert.h"

enum { ADAGRAD, ADAM, MOMENTUM };

typedef struct optimizer_params {
    float norm_coefficient, norm_coefficient_post, decay_factor, epsilon, alpha, beta;
    int32_t mode; /* Momentum: 0 standard, 1 nesterov */
    int32_t kind, tensors, r_type, type, unused;
} optimizer_params;

static double real_of(const void *x, int type)
{
    return type == LINNET_FLOAT64 ? *(const double *)x : (double)*(const float *)x;
}

/* in: x, gradient, first and second state; out: x, states. */
static void step_f32(const optimizer_params *p, float r, int64_t t, int64_t n, const float *const in[4],
                     float *const out[3])
{
    const float *x = in[0], *g = in[1], *v = in[2], *h = in[3];
    float *x_new = out[0], *v_new = out[1], *h_new = out[2];
    for (int64_t i = 0; i < n; i++) {
        float gradient = p->norm_coefficient * x[i] + g[i];
        if (p->kind == ADAGRAD) {
            float sum = v[i] + gradient * gradient;
            v_new[i] = sum;
            x_new[i] = x[i] - r * gradient / (sqrtf(sum) + p->epsilon);
        } else if (p->kind == ADAM) {
            float mean = p->alpha * v[i] + (1 - p->alpha) * gradient;
            float square = p->beta * h[i] + (1 - p->beta) * gradient * gradient;
            v_new[i] = mean;
            h_new[i] = square;
            x_new[i] = (1 - p->norm_coefficient_post) * (x[i] - r * mean / (sqrtf(square) + p->epsilon));
        } else {
            float momentum = p->alpha * v[i] + (t > 0 ? p->beta : 1) * gradient;
            v_new[i] = momentum;
            x_new[i] = x[i] - r * (p->mode ? gradient + p->alpha * momentum : momentum);
        }
    }
}

static void step_f64(const optimizer_params *p, double r, int64_t t, int64_t n, const double *const in[4],
                     double *const out[3])
{
    const double *x = in[0], *g = in[1], *v = in[2], *h = in[3];
    double *x_new = out[0], *v_new = out[1], *h_new = out[2];
    for (int64_t i = 0; i < n; i++) {
        double gradient = (double)p->norm_coefficient * x[i] + g[i];
        if (p->kind == ADAGRAD) {
            double sum = v[i] + gradient * gradient;
            v_new[i] = sum;
            x_new[i] = x[i] - r * gradient / (sqrt(sum) + (double)p->epsilon);
        } else if (p->kind == ADAM) {
            double mean = (double)p->alpha * v[i] + (1 - (double)p->alpha) * gradient;
            double square = (double)p->beta * h[i] + (1 - (double)p->beta) * gradient * gradient;
            v_new[i] = mean;
            h_new[i] = square;
            x_new[i] = (1 - (double)p->norm_coefficient_post) * (x[i] - r * mean / (sqrt(square) + (double)p->epsilon));
        } else {
            double momentum = (double)p->alpha * v[i] + (t > 0 ? (double)p->beta : 1) * gradient;
            v_new[i] = momentum;
            x_new[i] = x[i] - r * (p->mode ? gradient + (double)p->alpha * momentum : momentum);
        }
    }
}

LN_RUN(ln_optimizer)
{
    const optimizer_params *p = a->params;
    const int64_t *sizes = a->packed;
    double r = real_of(a->in[0], p->r_type);
    int64_t t = *(const int64_t *)a->in[1];
    if (p->kind == ADAGRAD)
        r = r / (1 + (double)t * (double)p->decay_factor);
    else if (p->kind == ADAM && t > 0)
        r = r * sqrt(1 - pow((double)p->beta, (double)t)) / (1 - pow((double)p->alpha, (double)t));
    int32_t n = p->tensors;
    bool adam = p->kind == ADAM;
    for (int32_t i = 0; i < n; i++) {
        const void *in[4] = {a->in[2 + i], a->in[2 + n + i], a->in[2 + 2 * n + i], adam ? a->in[2 + 3 * n + i] : NULL};
        void *out[3] = {a->out[i], a->out[n + i], adam ? a->out[2 * n + i] : NULL};
        if (p->type == LINNET_FLOAT64)
            step_f64(p, r, t, sizes[i], (const double *[]){in[0], in[1], in[2], in[3]},
                     (double *[]){out[0], out[1], out[2]});
        else
            step_f32(p, (float)r, t, sizes[i], (const float *[]){in[0], in[1], in[2], in[3]},
                     (float *[]){out[0], out[1], out[2]});
    }
    return LINNET_OK;
}

static linnet_status infer(ln_ctx *c, int32_t kind)
{
    optimizer_params *p = c->params;
    int32_t groups = kind == ADAM ? 4 : 3, n = (c->n_in - 2) / groups;
    p->kind = kind;
    p->tensors = n;
    if (n < 1 || n * groups != c->n_in - 2)
        return ln_fail(c, LINNET_ERR_MODEL, "%d inputs after R and T are no multiple of %d", c->n_in - 2, groups);
    if (c->n_out != n * (groups - 1))
        return ln_fail(c, LINNET_ERR_MODEL, "%d outputs, expected %d", c->n_out, n * (groups - 1));
    LN_TRY(ln_check_type(c, 1, LN_T(LINNET_INT64), "T"));
    if (!ln_maybe_scalar(c->in[0]) || !ln_maybe_scalar(c->in[1]))
        return ln_fail(c, LINNET_ERR_MODEL, "R and T are no scalars");
    linnet_type type = c->in[2] ? (linnet_type)c->in[2]->type : LINNET_UNDEFINED;
    for (int32_t i = 2; i < c->n_in; i++) {
        const ln_info *x = c->in[i], *first = c->in[2 + (i - 2) % n];
        if (!x)
            return ln_fail(c, LINNET_ERR_MODEL, "input %d is missing", i);
        LN_TRY(ln_check_type(c, i, LN_T(LINNET_FLOAT32) | LN_T(LINNET_FLOAT64), "a tensor"));
        if (x->type != LINNET_UNDEFINED && type != LINNET_UNDEFINED && x->type != type)
            return ln_fail(c, LINNET_ERR_UNSUPPORTED, "tensors of different types");
        if (x->rank < 0 || first->rank < 0)
            continue;
        LN_TRY(ln_check_rank(c, i, first->rank, first->rank, "a gradient or state"));
        for (int32_t d = 0; d < x->rank; d++)
            LN_TRY(ln_check_dim(c, x->dims[d], first->dims[d], "a dimension of a gradient or state"));
    }
    for (int32_t i = 0; i < c->n_out; i++) {
        if (!c->out[i])
            return ln_fail(c, LINNET_ERR_UNSUPPORTED, "output %d is left out", i);
        *c->out[i] = *c->in[2 + i % n];
        c->out[i]->data = NULL;
    }
    return LINNET_OK;
}

static linnet_status plan(ln_ctx *c)
{
    optimizer_params *p = c->params;
    p->tensors = (c->n_in - 2) / (p->kind == ADAM ? 4 : 3);
    p->r_type = c->in[0]->type;
    p->type = c->in[2]->type;
    int64_t *sizes = ln_pack(c, (size_t)p->tensors * sizeof *sizes);
    if (!sizes)
        return ln_no_memory(c);
    for (int32_t i = 0; i < p->tensors; i++)
        sizes[i] = ln_info_count(c->in[2 + i]);
    return LINNET_OK;
}

static linnet_status adagrad_infer(ln_ctx *c)
{
    return infer(c, ADAGRAD);
}

static linnet_status adam_infer(ln_ctx *c)
{
    return infer(c, ADAM);
}

static linnet_status momentum_infer(ln_ctx *c)
{
    return infer(c, MOMENTUM);
}

static linnet_status adagrad_plan(ln_ctx *c)
{
    ((optimizer_params *)c->params)->kind = ADAGRAD;
    return plan(c);
}

static linnet_status adam_plan(ln_ctx *c)
{
    ((optimizer_params *)c->params)->kind = ADAM;
    return plan(c);
}

static linnet_status momentum_plan(ln_ctx *c)
{
    ((optimizer_params *)c->params)->kind = MOMENTUM;
    return plan(c);
}

#define TRAINING "ai.onnx.preview.training"
#define TYPES (LN_T(LINNET_FLOAT32) | LN_T(LINNET_FLOAT64))

static const ln_attr_spec adagrad_attrs[] = {LN_ATTR_F(optimizer_params, norm_coefficient, 0.0f),
                                             LN_ATTR_F(optimizer_params, decay_factor, 0.0f),
                                             LN_ATTR_F(optimizer_params, epsilon, 1e-6f), LN_ATTR_END};

static const ln_attr_spec adam_attrs[] = {
    LN_ATTR_F(optimizer_params, norm_coefficient, 0.0f), LN_ATTR_F(optimizer_params, norm_coefficient_post, 0.0f),
    LN_ATTR_F(optimizer_params, epsilon, 1e-6f),         LN_ATTR_F(optimizer_params, alpha, 0.9f),
    LN_ATTR_F(optimizer_params, beta, 0.999f),           LN_ATTR_END};

static const ln_attr_spec momentum_attrs[] = {LN_ATTR_F_REQ(optimizer_params, norm_coefficient),
                                              LN_ATTR_F_REQ(optimizer_params, alpha),
                                              LN_ATTR_F_REQ(optimizer_params, beta),
                                              {.name = "mode",
                                               .kind = LN_AT_ENUM,
                                               .required = 1,
                                               .offset = offsetof(optimizer_params, mode),
                                               .names = "standard|nesterov"},
                                              LN_ATTR_END};

LN_OP(Adagrad) = {
    .domain = TRAINING,
    .type = "Adagrad",
    .since = {1},
    .types = TYPES,
    .in = {5, LN_VARIADIC},
    .out = {2, LN_VARIADIC},
    .attrs = adagrad_attrs,
    .params_size = sizeof(optimizer_params),
    .infer = adagrad_infer,
    .plan = adagrad_plan,
    LN_RUN_NAME(ln_optimizer),
};

LN_OP(Adam) = {
    .domain = TRAINING,
    .type = "Adam",
    .since = {1},
    .types = TYPES,
    .in = {6, LN_VARIADIC},
    .out = {3, LN_VARIADIC},
    .attrs = adam_attrs,
    .params_size = sizeof(optimizer_params),
    .infer = adam_infer,
    .plan = adam_plan,
    LN_RUN_NAME(ln_optimizer),
};

LN_OP(Momentum) = {
    .domain = TRAINING,
    .type = "Momentum",
    .since = {1},
    .types = TYPES,
    .in = {5, LN_VARIADIC},
    .out = {2, LN_VARIADIC},
    .attrs = momentum_attrs,
    .params_size = sizeof(optimizer_params),
    .infer = momentum_infer,
    .plan = momentum_plan,
    LN_RUN_NAME(ln_optimizer),
};
