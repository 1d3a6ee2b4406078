/* SPDX-License-Identifier: Apache-2.0
 *
 * InstanceNormalization (ai.onnx 6, 22: statistics of each channel of each sample) and GroupNormalization (18: scale
 * and bias per group, 21: per channel): y = (x - mean) / sqrt(var + epsilon) * scale + bias. An instance is a group of
 * one channel. float16 and bfloat16 compute in float32.
 */
#include <math.h>

#include "kernels/kernels.h"
#include "ops/map.h"

typedef struct group_params {
    float epsilon;
    int32_t type;
    int64_t num_groups, stash_type; /* attributes */
    int64_t groups, size, inner;    /* groups in all; channels of one; elements of a channel */
    int64_t channels;               /* of a sample */
    int32_t per_group;              /* scale and bias have an element per group */
} group_params;

static void factors(const ln_args *a, const group_params *p, int64_t channel, float *scale, float *bias)
{
    int64_t i = p->per_group ? channel / p->size : channel;
    ln_to_f32(scale, a->in[1], p->type, i, 1);
    ln_to_f32(bias, a->in[2], p->type, i, 1);
}

/* x: a group, in float32; y may be x. */
static void group(const ln_args *a, const group_params *p, int64_t g, float *y, const float *x)
{
    int64_t n = p->size * p->inner, first = g % (p->channels / p->size) * p->size;
    float mean = LN_K(sum_f32)(x, (size_t)n, 0) / (float)n;
    float var = LN_K(sum_square_f32)(x, (size_t)n, mean) / (float)n;
    float inverse = 1.0f / sqrtf(var + p->epsilon);
    for (int64_t k = 0; k < p->size; k++) {
        float s[3] = {mean};
        factors(a, p, first + k, &s[1], &s[2]);
        s[1] *= inverse;
        LN_K(standardize_f32)(y + k * p->inner, x + k * p->inner, (size_t)p->inner, s);
    }
}

static void task(void *arg, int32_t worker, int64_t begin, int64_t end)
{
    const ln_args *a = arg;
    const group_params *p = a->params;
    int64_t n = p->size * p->inner;
    float *row = (float *)a->scratch + worker * n;
    for (int64_t g = begin; g < end; g++) {
        if (p->type == LINNET_FLOAT32) {
            group(a, p, g, (float *)a->out[0] + g * n, (const float *)a->in[0] + g * n);
            continue;
        }
        ln_to_f32(row, a->in[0], p->type, g * n, n);
        group(a, p, g, row, row);
        ln_from_f32(a->out[0], p->type, g * n, row, n, 1);
    }
}

LN_RUN(ln_groupnorm)
{
    const group_params *p = a->params;
    ln_args copy = *a;
    ln_parallel(a, p->groups, 20.0 + 0.25 * (double)(p->size * p->inner), task, &copy);
    return LINNET_OK;
}

static void f64_task(void *arg, int32_t worker, int64_t begin, int64_t end)
{
    const ln_args *a = arg;
    const group_params *p = a->params;
    int64_t n = p->size * p->inner;
    (void)worker;
    for (int64_t g = begin; g < end; g++) {
        const double *x = (const double *)a->in[0] + g * n, *scale = a->in[1], *bias = a->in[2];
        double *y = (double *)a->out[0] + g * n, mean = 0, var = 0;
        int64_t first = g % (p->channels / p->size) * p->size;
        for (int64_t i = 0; i < n; i++)
            mean += x[i];
        mean /= (double)n;
        for (int64_t i = 0; i < n; i++)
            var += (x[i] - mean) * (x[i] - mean);
        double inverse = 1 / sqrt(var / (double)n + (double)p->epsilon);
        for (int64_t i = 0; i < n; i++) {
            int64_t c = first + i / p->inner, k = p->per_group ? c / p->size : c;
            y[i] = (x[i] - mean) * inverse * scale[k] + bias[k];
        }
    }
}

LN_RUN(ln_groupnorm_f64)
{
    const group_params *p = a->params;
    ln_args copy = *a;
    ln_parallel(a, p->groups, 4.0 * (double)(p->size * p->inner), f64_task, &copy);
    return LINNET_OK;
}

static linnet_status infer(ln_ctx *c)
{
    const group_params *p = c->params;
    const ln_info *x = c->in[0];
    bool grouped = c->op->attrs[1].name != NULL;
    LN_TRY(ln_check_rank(c, 0, grouped ? 2 : 3, LN_MAX_RANK, "the input"));
    uint32_t same = x->type ? LN_T(x->type) : LN_T_FLOATS;
    int64_t want = x->rank >= 2 ? x->dims[1] : LN_UNKNOWN;
    if (grouped) {
        if (p->num_groups <= 0 || (want >= 0 && want % p->num_groups))
            return ln_fail(c, LINNET_ERR_MODEL, "num_groups %lld does not divide %lld channels",
                           (long long)p->num_groups, (long long)want);
        want = c->version < 21 ? p->num_groups : want;
    }
    for (int32_t i = 1; i < 3; i++) {
        const char *name = i == 1 ? "scale" : "bias";
        LN_TRY(ln_check_type(c, i, same, name));
        LN_TRY(ln_check_rank(c, i, 1, 1, name));
        if (c->in[i]->rank == 1)
            LN_TRY(ln_check_dim(c, c->in[i]->dims[0], want, name));
    }
    return ln_infer_same(c);
}

static linnet_status plan(ln_ctx *c)
{
    group_params *p = c->params;
    const ln_info *x = c->in[0];
    bool grouped = c->op->attrs[1].name != NULL;
    p->type = x->type;
    p->channels = x->dims[1];
    int64_t groups = grouped ? p->num_groups : p->channels;
    p->per_group = grouped && c->version < 21;
    p->groups = x->dims[0] * groups;
    p->size = groups ? p->channels / groups : 0;
    p->inner = 1;
    for (int32_t d = 2; d < x->rank; d++)
        p->inner *= x->dims[d];
    if (ln_info_count(x) == 0)
        p->groups = 0;
    ln_in_place(c, 0, 0);
    LN_SET_RUN(c, ln_groupnorm);
    if (p->type == LINNET_FLOAT64) {
        LN_SET_RUN(c, ln_groupnorm_f64);
    } else if (p->type != LINNET_FLOAT32) {
        int64_t bytes;
        LN_TRY(ln_mul_size(c, p->size * p->inner * (int64_t)sizeof(float), c->threads, &bytes));
        ln_scratch(c, (size_t)bytes);
    }
    return LINNET_OK;
}

static const ln_attr_spec instance_attrs[] = {LN_ATTR_F(group_params, epsilon, 1e-5f), LN_ATTR_END};
static const ln_attr_spec group_attrs[] = {LN_ATTR_F(group_params, epsilon, 1e-5f),
                                           LN_ATTR_I_REQ(group_params, num_groups),
                                           LN_ATTR_I(group_params, stash_type, 1), LN_ATTR_END};

LN_OP(InstanceNormalization) = {
    .domain = "",
    .type = "InstanceNormalization",
    .since = {6, 22},
    .types = LN_T_FLOATS,
    .in = {3, 3},
    .out = {1, 1},
    .attrs = instance_attrs,
    .params_size = sizeof(group_params),
    .infer = infer,
    .plan = plan,
};
LN_OP(GroupNormalization) = {
    .domain = "",
    .type = "GroupNormalization",
    .since = {18, 21},
    .types = LN_T_FLOATS,
    .in = {3, 3},
    .out = {1, 1},
    .attrs = group_attrs,
    .params_size = sizeof(group_params),
    .infer = infer,
    .plan = plan,
};
