/* SPDX-License-Identifier: Apache-2.0
 *
 * ImageScaler, an experimental operator that old vision models begin with: y = x * scale + bias[channel], [N, C, H, W].
 */
#include <string.h>

#include "kernels/kernels.h"
#include "ops/map.h"

typedef struct scaler_params {
    float scale;
    int32_t type;
    int64_t rows, channels, inner;
} scaler_params;

/* packed: the biases, float32 */

static void task(void *arg, int32_t worker, int64_t begin, int64_t end)
{
    const ln_args *a = arg;
    const scaler_params *p = a->params;
    const float *bias = a->packed;
    float block[256];
    (void)worker;
    for (int64_t row = begin; row < end; row++) {
        const float s[2] = {p->scale, bias[row % p->channels]};
        for (int64_t i = row * p->inner, n; i < (row + 1) * p->inner; i += n) {
            n = (row + 1) * p->inner - i < 256 ? (row + 1) * p->inner - i : 256;
            ln_to_f32(block, a->in[0], p->type, i, n);
            LN_K(affine_f32)(block, block, (size_t)n, s);
            ln_from_f32(a->out[0], p->type, i, block, n, 1);
        }
    }
}

static void task_f64(void *arg, int32_t worker, int64_t begin, int64_t end)
{
    const ln_args *a = arg;
    const scaler_params *p = a->params;
    const float *bias = a->packed;
    (void)worker;
    for (int64_t row = begin; row < end; row++) {
        const double *x = (const double *)a->in[0] + row * p->inner, b = (double)bias[row % p->channels];
        double *y = (double *)a->out[0] + row * p->inner;
        for (int64_t i = 0; i < p->inner; i++)
            y[i] = x[i] * (double)p->scale + b;
    }
}

LN_RUN(ln_imagescaler)
{
    const scaler_params *p = a->params;
    ln_args copy = *a;
    ln_parallel(a, p->rows, 10.0 + 0.3 * (double)p->inner, p->type == LINNET_FLOAT64 ? task_f64 : task, &copy);
    return LINNET_OK;
}

static linnet_status infer(ln_ctx *c)
{
    int64_t n;
    ln_attr_floats(c, "bias", &n);
    LN_TRY(ln_check_rank(c, 0, 2, LN_MAX_RANK, "the input"));
    if (c->in[0]->rank >= 2 && n)
        LN_TRY(ln_check_dim(c, n, c->in[0]->dims[1], "length of bias"));
    return ln_infer_same(c);
}

static linnet_status plan(ln_ctx *c)
{
    scaler_params *p = c->params;
    const ln_info *x = c->in[0];
    int64_t n;
    const float *bias = ln_attr_floats(c, "bias", &n);
    p->type = x->type;
    p->channels = x->dims[1];
    p->rows = x->dims[0] * p->channels;
    p->inner = 1;
    for (int32_t d = 2; d < x->rank; d++)
        p->inner *= x->dims[d];
    float *packed = ln_pack(c, (size_t)(p->channels ? p->channels : 1) * sizeof *packed);
    if (!packed)
        return ln_no_memory(c);
    if (n)
        memcpy(packed, bias, (size_t)n * sizeof *packed);
    ln_in_place(c, 0, 0);
    return LINNET_OK;
}

static const ln_attr_spec attrs[] = {LN_ATTR_F(scaler_params, scale, 1.0f), LN_ATTR_ANY("bias"), LN_ATTR_END};

LN_OP(ImageScaler) = {
    .domain = "",
    .type = "ImageScaler",
    .since = {1},
    .types = LN_T_FLOATS,
    .in = {1, 1},
    .out = {1, 1},
    .attrs = attrs,
    .params_size = sizeof(scaler_params),
    .infer = infer,
    .plan = plan,
    LN_RUN_NAME(ln_imagescaler),
};
