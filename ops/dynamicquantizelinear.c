/* SPDX-License-Identifier: Apache-2.0
 *
 * DynamicQuantizeLinear: scale and zero point from the range of x with 0 in it, then x in uint8. ai.onnx
 * DynamicQuantizeLinear-11. A tensor of zeros (or none) has scale 1 in ONNX Runtime and 0 by the formula, which divides
 * by it; we give scale 0, zero point 0 and zeros, as the formula's limit.
 */
#include <string.h>

#include "kernels/kernels.h"
#include "ops/quant.h"

#define BLOCK 4096

typedef struct dynamic_params {
    int64_t n;
} dynamic_params;

typedef struct job {
    const float *x;
    float *ranges; /* per block: minimum, maximum */
    uint8_t *y;
    int64_t n;
    float scale;
    int32_t zero;
} job;

static void range_of(void *arg, int32_t worker, int64_t begin, int64_t end)
{
    const job *j = arg;
    (void)worker;
    for (int64_t b = begin; b < end; b++) {
        int64_t left = j->n - b * BLOCK;
        ln_dynamic_range(j->x + b * BLOCK, left < BLOCK ? left : BLOCK, &j->ranges[2 * b], &j->ranges[2 * b + 1]);
    }
}

static void quantize(void *arg, int32_t worker, int64_t begin, int64_t end)
{
    const job *j = arg;
    (void)worker;
    LN_K(quantize8)(j->y + begin, j->x + begin, (size_t)(end - begin), j->scale, j->zero, 0);
}

LN_RUN(ln_dynamicquantizelinear)
{
    const dynamic_params *p = a->params;
    job j = {.x = a->in[0], .ranges = a->scratch, .y = a->out[0], .n = p->n};
    int64_t blocks = (p->n + BLOCK - 1) / BLOCK;
    ln_parallel(a, blocks, BLOCK * 0.1, range_of, &j);
    float low = 0, high = 0;
    for (int64_t b = 0; b < blocks; b++) {
        low = j.ranges[2 * b] >= low ? low : j.ranges[2 * b]; /* a NaN stays */
        high = j.ranges[2 * b + 1] <= high ? high : j.ranges[2 * b + 1];
    }
    uint8_t zero;
    ln_dynamic_scale(&j.scale, &zero, low, high);
    j.zero = zero;
    if (j.scale > 0)
        ln_parallel(a, p->n, 0.1, quantize, &j);
    else if (p->n > 0)
        memset(j.y, 0, (size_t)p->n);
    if (a->out[1])
        *(float *)a->out[1] = j.scale;
    if (a->out[2])
        *(uint8_t *)a->out[2] = (uint8_t)j.zero;
    return LINNET_OK;
}

static linnet_status dynamic_infer(ln_ctx *c)
{
    const ln_info *x = c->in[0];
    LN_TRY(ln_set_shape(c, 1, LINNET_FLOAT32, 0, NULL));
    LN_TRY(ln_set_shape(c, 2, LINNET_UINT8, 0, NULL));
    return x->rank < 0 ? ln_set_unknown(c, 0, LINNET_UINT8) : ln_set_shape(c, 0, LINNET_UINT8, x->rank, x->dims);
}

static linnet_status dynamic_plan(ln_ctx *c)
{
    dynamic_params *p = c->params;
    p->n = ln_info_count(c->in[0]);
    ln_scratch(c, (size_t)((p->n + BLOCK - 1) / BLOCK) * 2 * sizeof(float));
    return LINNET_OK;
}

LN_OP(DynamicQuantizeLinear) = {
    .domain = "",
    .type = "DynamicQuantizeLinear",
    .since = {11},
    .types = LN_T(LINNET_FLOAT32),
    .in = {1, 1},
    .out = {3, 3},
    .params_size = sizeof(dynamic_params),
    .infer = dynamic_infer,
    .plan = dynamic_plan,
    LN_RUN_NAME(ln_dynamicquantizelinear),
};
