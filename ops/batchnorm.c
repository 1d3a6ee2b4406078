/* SPDX-License-Identifier: Apache-2.0
 *
 * BatchNormalization: y = (x - mean) / sqrt(var + epsilon) * scale + B per channel. ai.onnx 6 and 7 (spatial 0: a
 * channel is every place of a sample), 9, 14, 15 (training_mode: statistics of the batch, and running ones out). Before
 * 14 training is when further outputs are asked for: running mean and variance, then those of the batch.
 * In a plan: channels last, and an activation behind it (ops/fused.h).
 */
#include <math.h>
#include <string.h>

#include "kernels/kernels.h"
#include "ops/fused.h"
#include "ops/map.h"

typedef struct bn_params {
    float epsilon, momentum;
    int64_t training_mode, spatial, is_test, channels_last; /* attributes */
    ln_fused fused;
    int64_t batch, channels, inner;
    int64_t pitch; /* channels last: elements from pixel to pixel of X */
    int32_t training, type, scale_type, mean_type;
} bn_params;

/* Scratch: of each channel the mean, the factor and the bias, as double where the elements are. */
typedef struct job {
    const bn_params *p;
    const ln_args *a;
    float *mean, *factor, *bias;
    double *mean64, *factor64, *bias64;
} job;

/* Mean and variance of a channel over the batch, the sums in double. */
static void batch_statistics(const bn_params *p, const void *x, int64_t c, double *mean, double *var)
{
    double sum = 0, square = 0, n = (double)(p->batch * p->inner);
    for (int32_t pass = 0; pass < 2; pass++) {
        for (int64_t b = 0; b < p->batch; b++)
            for (int64_t i = 0; i < p->inner; i++) {
                double v = ln_get_f64(x, p->type, (b * p->channels + c) * p->inner + i);
                if (pass == 0)
                    sum += v;
                else
                    square += (v - sum / n) * (v - sum / n);
            }
    }
    *mean = sum / n;
    *var = square / n;
}

static void channel(const job *j, int64_t c)
{
    const bn_params *p = j->p;
    const ln_args *a = j->a;
    double mean = ln_get_f64(a->in[3], p->mean_type, c), var = ln_get_f64(a->in[4], p->mean_type, c);
    if (p->training) {
        double batch_mean, batch_var, keep = (double)p->momentum;
        batch_statistics(p, a->in[0], c, &batch_mean, &batch_var);
        const double results[4] = {mean * keep + batch_mean * (1 - keep), var * keep + batch_var * (1 - keep),
                                   batch_mean, batch_var};
        for (int32_t i = 0; i < p->training; i++)
            if (a->out[i + 1])
                ln_put_f64(a->out[i + 1], p->mean_type, c, results[i]);
        mean = batch_mean;
        var = batch_var;
    }
    double factor = ln_get_f64(a->in[1], p->scale_type, c) / sqrt(var + (double)p->epsilon);
    double bias = ln_get_f64(a->in[2], p->scale_type, c);
    if (p->type == LINNET_FLOAT64) {
        j->mean64[c] = mean;
        j->factor64[c] = factor;
        j->bias64[c] = bias;
    } else {
        j->mean[c] = (float)mean;
        j->factor[c] = (float)factor;
        j->bias[c] = (float)bias;
    }
}

static void channels_task(void *arg, int32_t worker, int64_t begin, int64_t end)
{
    (void)worker;
    for (int64_t c = begin; c < end; c++)
        channel(arg, c);
}

/* A channel of a sample: `inner` elements in a row. */
static void rows_task(void *arg, int32_t worker, int64_t begin, int64_t end)
{
    const job *j = arg;
    const bn_params *p = j->p;
    (void)worker;
    for (int64_t i = begin; i < end; i++) {
        int64_t c = i % p->channels;
        const float s[3] = {j->mean[c], j->factor[c], j->bias[c]};
        float *y = (float *)j->a->out[0] + i * p->inner;
        LN_K(standardize_f32)(y, (const float *)j->a->in[0] + i * p->inner, (size_t)p->inner, s);
        ln_act_f32(y, (size_t)p->inner, (ln_act)p->fused.act, p->fused.lo, p->fused.hi);
    }
}

/* A sample whose channels lie side by side. */
static void vectors_task(void *arg, int32_t worker, int64_t begin, int64_t end)
{
    const job *j = arg;
    size_t n = (size_t)j->p->channels;
    (void)worker;
    for (int64_t i = begin; i < end; i++) {
        float *y = (float *)j->a->out[0] + i * j->p->channels;
        LN_K(sub_f32)(y, (const float *)j->a->in[0] + i * j->p->pitch, j->mean, n, 1, 1);
        LN_K(mul_f32)(y, y, j->factor, n, 1, 1);
        LN_K(add_f32)(y, y, j->bias, n, 1, 1);
        ln_act_f32(y, n, (ln_act)j->p->fused.act, j->p->fused.lo, j->p->fused.hi);
    }
}

static void any_task(void *arg, int32_t worker, int64_t begin, int64_t end)
{
    const job *j = arg;
    const bn_params *p = j->p;
    (void)worker;
    for (int64_t i = begin; i < end; i++) {
        int64_t c = i / p->inner % p->channels;
        double v = ln_get_f64(j->a->in[0], p->type, i);
        if (p->type == LINNET_FLOAT64)
            v = (v - j->mean64[c]) * j->factor64[c] + j->bias64[c];
        else
            v = (double)(((float)v - j->mean[c]) * j->factor[c] + j->bias[c]);
        ln_put_f64(j->a->out[0], p->type, i, v);
    }
}

LN_RUN(ln_batchnorm)
{
    const bn_params *p = a->params;
    job j = {.p = p, .a = a, .mean = a->scratch, .mean64 = a->scratch};
    j.factor = j.mean + p->channels;
    j.bias = j.factor + p->channels;
    j.factor64 = j.mean64 + p->channels;
    j.bias64 = j.factor64 + p->channels;
    int64_t samples = p->batch * p->channels * p->inner;
    ln_parallel(a, p->channels, p->training ? 8.0 * (double)(p->batch * p->inner) : 20.0, channels_task, &j);
    if (p->type != LINNET_FLOAT32)
        ln_parallel(a, samples, 5.0, any_task, &j);
    else if (p->inner == 1)
        ln_parallel(a, p->batch, 0.3 * (double)p->channels, vectors_task, &j);
    else
        ln_parallel(a, p->batch * p->channels, 5.0 + 0.1 * (double)p->inner, rows_task, &j);
    return LINNET_OK;
}

static linnet_status infer(ln_ctx *c)
{
    const bn_params *p = c->params;
    const ln_info *x = c->in[0];
    static const char *const names[] = {"X", "scale", "B", "mean", "var"};
    int64_t channels = x->rank >= 2 ? x->dims[p->channels_last ? x->rank - 1 : 1] : x->rank == 1 ? 1 : LN_UNKNOWN;
    if (x->rank == 0)
        return ln_fail(c, LINNET_ERR_MODEL, "X is a scalar");
    for (int32_t i = 1; i < 5; i++) {
        LN_TRY(ln_check_type(c, i, LN_T_FLOATS, names[i]));
        if (c->version >= 9 || p->spatial) {
            LN_TRY(ln_check_rank(c, i, 1, 1, names[i]));
            if (c->in[i]->rank == 1)
                LN_TRY(ln_check_dim(c, c->in[i]->dims[0], channels, names[i]));
        } else if (x->rank >= 2 && ln_info_count(c->in[i]) >= 0) {
            int64_t places = 1;
            for (int32_t d = 1; d < x->rank && places >= 0; d++)
                places = x->dims[d] < 0 ? -1 : places * x->dims[d];
            LN_TRY(ln_check_dim(c, ln_info_count(c->in[i]), places, names[i]));
        }
    }
    if (c->in[1]->type && c->in[2]->type && c->in[1]->type != c->in[2]->type)
        return ln_fail(c, LINNET_ERR_MODEL, "scale and B have different element types");
    if (c->in[3]->type && c->in[4]->type && c->in[3]->type != c->in[4]->type)
        return ln_fail(c, LINNET_ERR_MODEL, "mean and var have different element types");
    if (c->version >= 14 && c->n_out > 3)
        return ln_fail(c, LINNET_ERR_MODEL, "has %d outputs, at most 3", c->n_out);
    for (int32_t i = 1; i < c->n_out; i++)
        if (c->out[i])
            LN_TRY(c->in[3]->rank < 0
                       ? ln_set_unknown(c, i, (linnet_type)c->in[3]->type)
                       : ln_set_shape(c, i, (linnet_type)c->in[3]->type, c->in[3]->rank, c->in[3]->dims));
    return x->rank < 0 ? ln_set_unknown(c, 0, (linnet_type)x->type)
                       : ln_set_shape(c, 0, (linnet_type)x->type, x->rank, x->dims);
}

static linnet_status plan(ln_ctx *c)
{
    bn_params *p = c->params;
    const ln_info *x = c->in[0];
    int32_t more = 0;
    for (int32_t i = 1; i < c->n_out; i++)
        if (c->out[i])
            more = 1;
    if (more && c->version >= 14 && !p->training_mode)
        return ln_fail(c, LINNET_ERR_MODEL, "further outputs without training_mode");
    p->training = c->version >= 14 ? (p->training_mode ? c->n_out - 1 : 0) : more ? c->n_out - 1 : 0;
    if (c->version >= 14 && p->training_mode && p->training == 0)
        return ln_fail(c, LINNET_ERR_UNSUPPORTED, "training_mode without the running statistics as outputs");
    p->type = x->type;
    p->scale_type = c->in[1]->type;
    p->mean_type = c->in[3]->type;
    p->batch = x->dims[0];
    p->channels = x->rank >= 2 ? x->dims[1] : 1;
    p->inner = 1;
    for (int32_t d = 2; d < x->rank; d++)
        p->inner *= x->dims[d];
    if (c->version < 9 && !p->spatial) {
        p->channels *= p->inner;
        p->inner = 1;
    }
    if (p->channels_last) {
        p->batch = x->rank > 0 && x->dims[x->rank - 1] > 0 ? ln_info_count(x) / x->dims[x->rank - 1] : 0;
        p->channels = x->dims[x->rank - 1];
        p->inner = 1;
        ln_in_rows(c, 0, &p->pitch);
    }
    p->pitch = p->channels;
    if ((p->channels_last || p->fused.act) && (p->training || p->type != LINNET_FLOAT32 || !p->spatial))
        return ln_fail(c, LINNET_ERR_UNSUPPORTED, "channels last or an activation in training or for this type");
    int64_t bytes;
    LN_TRY(ln_mul_size(c, p->channels, 3 * (int64_t)sizeof(double), &bytes));
    ln_scratch(c, (size_t)bytes);
    if (!p->training)
        ln_in_place(c, 0, 0);
    return LINNET_OK;
}

static const ln_attr_spec attrs[] = {LN_ATTR_F(bn_params, epsilon, 1e-5f),
                                     LN_ATTR_F(bn_params, momentum, 0.9f),
                                     LN_ATTR_I(bn_params, training_mode, 0),
                                     LN_ATTR_I(bn_params, spatial, 1),
                                     LN_ATTR_I(bn_params, is_test, 0),
                                     LN_ATTR_CHANNELS_LAST(bn_params),
                                     LN_ATTRS_FUSED(bn_params),
                                     LN_ATTR_END};

LN_OP(BatchNormalization) = {
    .domain = "",
    .type = "BatchNormalization",
    .since = {6, 7, 9, 14, 15},
    .types = LN_T_FLOATS,
    .in = {5, 5},
    .out = {1, 5},
    .attrs = attrs,
    .params_size = sizeof(bn_params),
    .infer = infer,
    .plan = plan,
    LN_RUN_NAME(ln_batchnorm),
};
