/* SPDX-License-Identifier: Apache-2.0
 *
 * CropAndResize of com.microsoft: boxes in normalised coordinates (y0, x0, y1, x1), cut out of an image and resized;
 * what lies outside the image has extrapolation_value. Computed in float32.
 */
#include <math.h>

#include "ops/moving.h"

enum { BILINEAR, NEAREST };

typedef struct crop_params {
    float extrapolation_value;
    int32_t mode;
    int64_t rois, batches, channels, height, width, crop_h, crop_w;
    int32_t type, pad;
} crop_params;

/* Source coordinate of output i of n, between a and b of a dimension. */
static float source(float a, float b, int64_t size, int64_t n, int64_t i)
{
    float last = (float)(size - 1);
    if (n > 1)
        return a * last + (float)i * ((b - a) * last / (float)(n - 1));
    return 0.5f * (a + b) * last;
}

static float pixel(const crop_params *p, const ln_args *a, int64_t plane, float y, float x)
{
    float v[4];
    if (!(y >= 0 && y <= (float)(p->height - 1) && x >= 0 && x <= (float)(p->width - 1)))
        return p->extrapolation_value;
    if (p->mode == NEAREST) {
        int64_t at = (int64_t)roundf(y) * p->width + (int64_t)roundf(x);
        ln_to_f32(v, a->in[0], p->type, plane + at, 1);
        return v[0];
    }
    int64_t y0 = (int64_t)floorf(y), y1 = (int64_t)ceilf(y), x0 = (int64_t)floorf(x), x1 = (int64_t)ceilf(x);
    float wy = y - (float)y0, wx = x - (float)x0;
    ln_to_f32(v, a->in[0], p->type, plane + y0 * p->width + x0, 1);
    ln_to_f32(v + 1, a->in[0], p->type, plane + y0 * p->width + x1, 1);
    ln_to_f32(v + 2, a->in[0], p->type, plane + y1 * p->width + x0, 1);
    ln_to_f32(v + 3, a->in[0], p->type, plane + y1 * p->width + x1, 1);
    float top = v[0] + (v[1] - v[0]) * wx, bottom = v[2] + (v[3] - v[2]) * wx;
    return top + (bottom - top) * wy;
}

static void crops(void *arg, int32_t worker, int64_t begin, int64_t end)
{
    const ln_args *a = arg;
    const crop_params *p = a->params;
    (void)worker;
    for (int64_t i = begin; i < end; i++) {
        float roi[4];
        int64_t n = i / p->channels;
        int64_t plane = (((const int32_t *)a->in[2])[n] * p->channels + i % p->channels) * p->height * p->width;
        ln_to_f32(roi, a->in[1], p->type, 4 * n, 4);
        for (int64_t h = 0; h < p->crop_h; h++)
            for (int64_t w = 0; w < p->crop_w; w++) {
                float v = pixel(p, a, plane, source(roi[0], roi[2], p->height, p->crop_h, h),
                                source(roi[1], roi[3], p->width, p->crop_w, w));
                ln_from_f32(a->out[0], p->type, (i * p->crop_h + h) * p->crop_w + w, &v, 1, 0);
            }
    }
}

LN_RUN(ln_cropandresize)
{
    const crop_params *p = a->params;
    const int32_t *batch = a->in[2];
    for (int64_t n = 0; n < p->rois; n++)
        if (batch[n] < 0 || batch[n] >= p->batches)
            return ln_run_fail(a, "batch_indices[%lld] is %d, but there are %lld batches", (long long)n, (int)batch[n],
                               (long long)p->batches);
    ln_parallel(a, p->rois * p->channels, 20.0 * (double)(p->crop_h * p->crop_w), crops, (void *)(uintptr_t)a);
    return LINNET_OK;
}

static linnet_status crop_infer(ln_ctx *c)
{
    const ln_info *x = c->in[0], *rois = c->in[1];
    int64_t dims[4] = {LN_UNKNOWN, LN_UNKNOWN, LN_UNKNOWN, LN_UNKNOWN}, size[LN_MAX_RANK];
    int32_t n;
    LN_TRY(ln_check_same_type(c, 1, 0));
    LN_TRY(ln_check_type(c, 2, LN_T(LINNET_INT32), "batch_indices"));
    LN_TRY(ln_check_rank(c, 0, 4, 4, "X"));
    LN_TRY(ln_check_rank(c, 1, 2, 2, "rois"));
    LN_TRY(ln_check_rank(c, 2, 1, 1, "batch_indices"));
    LN_TRY(ln_check_rank(c, 3, 1, 1, "crop_size"));
    LN_TRY(ln_read_ints(c, 3, "crop_size", size, &n));
    if (n >= 0 && (n != 2 || size[0] < 1 || size[1] < 1))
        return ln_fail(c, LINNET_ERR_MODEL, "crop_size is not two positive numbers");
    if (x->rank == 4 && (x->dims[2] == 0 || x->dims[3] == 0))
        return ln_fail(c, LINNET_ERR_MODEL, "X has no pixels");
    if (x->rank == 4)
        dims[1] = x->dims[1];
    if (rois->rank == 2) {
        LN_TRY(ln_check_dim(c, rois->dims[1], 4, "the number of columns of rois"));
        dims[0] = rois->dims[0];
        if (c->in[2]->rank == 1)
            LN_TRY(ln_check_dim(c, c->in[2]->dims[0], dims[0], "the number of batch indices"));
    }
    if (n == 2) {
        dims[2] = size[0];
        dims[3] = size[1];
    }
    return ln_set_shape(c, 0, (linnet_type)x->type, 4, dims);
}

static linnet_status crop_plan(ln_ctx *c)
{
    crop_params *p = c->params;
    const ln_info *x = c->in[0];
    p->rois = c->in[1]->dims[0];
    p->batches = x->dims[0];
    p->channels = x->dims[1];
    p->height = x->dims[2];
    p->width = x->dims[3];
    p->crop_h = c->out[0]->dims[2];
    p->crop_w = c->out[0]->dims[3];
    p->type = x->type;
    return LINNET_OK;
}

static const ln_attr_spec attrs[] = {LN_ATTR_E(crop_params, mode, "bilinear|nearest", BILINEAR),
                                     LN_ATTR_F(crop_params, extrapolation_value, 0), LN_ATTR_END};

LN_OP(com_microsoft_CropAndResize) = {
    .domain = "com.microsoft",
    .type = "CropAndResize",
    .since = {1},
    .types = LN_T(LINNET_FLOAT32) | LN_T(LINNET_FLOAT16),
    .in = {4, 4},
    .out = {1, 1},
    .attrs = attrs,
    .params_size = sizeof(crop_params),
    .infer = crop_infer,
    .plan = crop_plan,
    LN_RUN_NAME(ln_cropandresize),
};
