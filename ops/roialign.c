/* SPDX-License-Identifier: Apache-2.0
 *
 * RoiAlign: regions of interest pooled to a grid of bins; a bin is the mean (or maximum) of samples by bilinear
 * interpolation. The maximum is over the weighted neighbours of the samples, as the reference has it.
 * ai.onnx RoiAlign-10 to -22.
 */
#include <math.h>

#include "kernels/half.h"
#include "ops/moving.h"

enum { AVG, MAX };
enum { HALF_PIXEL, OUTPUT_HALF_PIXEL };

typedef struct roialign_params {
    int64_t bins_h, bins_w, sampling_ratio;
    float spatial_scale, offset;
    int32_t mode, coordinates;
    int64_t rois, roi_cols, batches, channels, height, width;
    int64_t sums; /* bytes of a worker's sums */
    int32_t type, pad;
} roialign_params;

#define T float
#define C float
#define F(name) name##_f32
#define LOAD(x) (x)
#define STORE(x) (x)
#include "ops/roialign.inc"
#define T double
#define C double
#define F(name) name##_f64
#define LOAD(x) (x)
#define STORE(x) (x)
#include "ops/roialign.inc"
#define T uint16_t
#define C float
#define F(name) name##_f16
#define LOAD(x) ln_f16_to_f32(x)
#define STORE(x) ln_f32_to_f16(x)
#include "ops/roialign.inc"
#define T uint16_t
#define C float
#define F(name) name##_bf16
#define LOAD(x) ln_bf16_to_f32(x)
#define STORE(x) ln_f32_to_bf16(x)
#include "ops/roialign.inc"

/* The largest side of a region, in bins, that is sampled adaptively: a region of the data must not hang the run. */
static const float MAX_BIN = 4096;

static linnet_status check(const ln_args *a, const roialign_params *p)
{
    const int64_t *batch = a->in[2];
    for (int64_t n = 0; n < p->rois; n++) {
        float roi[4];
        if (batch[n] < 0 || batch[n] >= p->batches)
            return ln_run_fail(a, "batch_indices[%lld] is %lld, but there are %lld batches", (long long)n,
                               (long long)batch[n], (long long)p->batches);
        ln_to_f32(roi, a->in[1], p->type, n * p->roi_cols, 4);
        float w = (roi[2] - roi[0]) * p->spatial_scale, h = (roi[3] - roi[1]) * p->spatial_scale;
        if (p->sampling_ratio <= 0 && !(w / (float)p->bins_w <= MAX_BIN && h / (float)p->bins_h <= MAX_BIN))
            return ln_run_fail(a, "region %lld is %g by %g pixels", (long long)n, (double)w, (double)h);
    }
    return LINNET_OK;
}

LN_RUN(ln_roialign)
{
    const roialign_params *p = a->params;
    linnet_status st = check(a, p);
    if (st != LINNET_OK)
        return st;
    ln_task_fn *fn = p->type == LINNET_FLOAT32   ? rois_f32
                     : p->type == LINNET_FLOAT64 ? rois_f64
                     : p->type == LINNET_FLOAT16 ? rois_f16
                                                 : rois_bf16;
    ln_parallel(a, p->rois, 10.0 * (double)(p->bins_h * p->bins_w * p->channels), fn, (void *)(uintptr_t)a);
    return LINNET_OK;
}

static linnet_status roialign_infer(ln_ctx *c)
{
    const roialign_params *p = c->params;
    const ln_info *x = c->in[0], *rois = c->in[1], *batch = c->in[2];
    int64_t dims[4] = {LN_UNKNOWN, LN_UNKNOWN, p->bins_h, p->bins_w};
    LN_TRY(ln_check_same_type(c, 1, 0));
    LN_TRY(ln_check_type(c, 2, LN_T(LINNET_INT64), "batch_indices"));
    LN_TRY(ln_check_rank(c, 0, 4, 4, "X"));
    LN_TRY(ln_check_rank(c, 1, 2, 2, "rois"));
    LN_TRY(ln_check_rank(c, 2, 1, 1, "batch_indices"));
    if (p->bins_h < 1 || p->bins_w < 1 || p->bins_h > INT32_MAX || p->bins_w > INT32_MAX)
        return ln_fail(c, LINNET_ERR_MODEL, "output of %lld by %lld bins", (long long)p->bins_h, (long long)p->bins_w);
    if (p->sampling_ratio < 0 || (float)p->sampling_ratio > MAX_BIN)
        return ln_fail(c, LINNET_ERR_MODEL, "sampling_ratio is %lld", (long long)p->sampling_ratio);
    if (x->rank == 4)
        dims[1] = x->dims[1];
    if (rois->rank == 2) {
        LN_TRY(ln_check_dim(c, rois->dims[1], 4, "the number of columns of rois"));
        dims[0] = rois->dims[0];
    }
    if (batch->rank == 1) {
        LN_TRY(ln_check_dim(c, batch->dims[0], dims[0], "the number of batch indices"));
        dims[0] = dims[0] < 0 ? batch->dims[0] : dims[0];
    }
    if (x->rank == 4 && (x->dims[2] == 0 || x->dims[3] == 0))
        return ln_fail(c, LINNET_ERR_MODEL, "X has no pixels");
    return ln_set_shape(c, 0, (linnet_type)x->type, 4, dims);
}

static linnet_status roialign_plan(ln_ctx *c)
{
    roialign_params *p = c->params;
    const ln_info *x = c->in[0];
    p->rois = c->in[1]->dims[0];
    p->roi_cols = c->in[1]->dims[1];
    p->batches = x->dims[0];
    p->channels = x->dims[1];
    p->height = x->dims[2];
    p->width = x->dims[3];
    p->type = x->type;
    p->offset = c->version >= 16 && p->coordinates == HALF_PIXEL ? 0.5f : 0;
    p->sums = (p->channels * (int64_t)(x->type == LINNET_FLOAT64 ? sizeof(double) : sizeof(float)) + 63) / 64 * 64;
    ln_scratch(c, (size_t)c->threads * (size_t)p->sums);
    return LINNET_OK;
}

static const ln_attr_spec attrs[] = {
    {.name = "output_height", .kind = LN_AT_INT, .offset = offsetof(roialign_params, bins_h), .i = 1},
    {.name = "output_width", .kind = LN_AT_INT, .offset = offsetof(roialign_params, bins_w), .i = 1},
    LN_ATTR_I(roialign_params, sampling_ratio, 0),
    LN_ATTR_F(roialign_params, spatial_scale, 1.0f),
    LN_ATTR_E(roialign_params, mode, "avg|max", AVG),
    {.name = "coordinate_transformation_mode",
     .kind = LN_AT_ENUM,
     .offset = offsetof(roialign_params, coordinates),
     .names = "half_pixel|output_half_pixel",
     .i = HALF_PIXEL},
    LN_ATTR_END};

LN_OP(RoiAlign) = {
    .domain = "",
    .type = "RoiAlign",
    .since = {10, 16, 22},
    .types = LN_T_FLOATS,
    .in = {3, 3},
    .out = {1, 1},
    .attrs = attrs,
    .params_size = sizeof(roialign_params),
    .infer = roialign_infer,
    .plan = roialign_plan,
    LN_RUN_NAME(ln_roialign),
};
