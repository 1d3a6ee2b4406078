/* SPDX-License-Identifier: Apache-2.0
 *
 * MaxRoiPool: the maxima of a grid of cells over each region of interest (Girshick, "Fast R-CNN", 2.1). ai.onnx
 * MaxRoiPool-1, -22 (bfloat16). Corners are rounded to pixels and both belong to the region; a cell without pixels
 * is 0.
 */
#include <math.h>

#include "ops/convert.h"

typedef struct roi_params {
    float spatial_scale;
    int64_t pooled_shape[2];
    int32_t n_pooled_shape;
    int64_t batch, channels, in[2], rois;
    int32_t type;
} roi_params;

static linnet_status roi_infer(ln_ctx *c)
{
    roi_params *p = c->params;
    const ln_info *x = c->in[0], *rois = c->in[1];
    if (x->kind != LINNET_TENSOR || rois->kind != LINNET_TENSOR)
        return ln_fail(c, LINNET_ERR_MODEL, "an input is no tensor");
    if (p->n_pooled_shape != 2 || p->pooled_shape[0] < 1 || p->pooled_shape[1] < 1)
        return ln_fail(c, LINNET_ERR_MODEL, "pooled_shape is no pair of positive numbers");
    LN_TRY(ln_check_rank(c, 0, 4, 4, "X"));
    LN_TRY(ln_check_rank(c, 1, 2, 2, "rois"));
    if (x->type)
        LN_TRY(ln_check_type(c, 1, LN_T(x->type), "rois"));
    if (rois->rank == 2)
        LN_TRY(ln_check_dim(c, rois->dims[1], 5, "last dimension of rois"));
    int64_t dims[4] = {rois->rank == 2 ? rois->dims[0] : LN_UNKNOWN, x->rank == 4 ? x->dims[1] : LN_UNKNOWN,
                       p->pooled_shape[0], p->pooled_shape[1]};
    return ln_set_shape(c, 0, (linnet_type)x->type, 4, dims);
}

/* Rounded and within what integers of images need; NaN is 0. */
static int64_t pixel(double x)
{
    return x > 1e9 ? 1000000000 : x < -1e9 ? -1000000000 : isnan(x) ? 0 : (int64_t)round(x);
}

/* Pixels of cell i of n over a region that starts at start: [*first, *last). */
static void cell(int64_t i, int64_t n, int64_t start, int64_t size, int64_t limit, int64_t *first, int64_t *last)
{
    double step = (double)size / (double)n;
    *first = start + (int64_t)floor((double)i * step);
    *last = start + (int64_t)ceil((double)(i + 1) * step);
    *first = *first < 0 ? 0 : *first > limit ? limit : *first;
    *last = *last < 0 ? 0 : *last > limit ? limit : *last;
}

static void region(const ln_args *a, const roi_params *p, int64_t r, int64_t image)
{
    double scale = (double)p->spatial_scale;
    int64_t x1 = pixel(ln_get_f64(a->in[1], p->type, r * 5 + 1) * scale),
            y1 = pixel(ln_get_f64(a->in[1], p->type, r * 5 + 2) * scale);
    int64_t x2 = pixel(ln_get_f64(a->in[1], p->type, r * 5 + 3) * scale),
            y2 = pixel(ln_get_f64(a->in[1], p->type, r * 5 + 4) * scale);
    int64_t width = x2 >= x1 ? x2 - x1 + 1 : 1, height = y2 >= y1 ? y2 - y1 + 1 : 1;
    int64_t at = r * p->channels * p->pooled_shape[0] * p->pooled_shape[1];
    for (int64_t c = 0; c < p->channels; c++) {
        int64_t plane = (image * p->channels + c) * p->in[0] * p->in[1];
        for (int64_t i = 0; i < p->pooled_shape[0]; i++)
            for (int64_t j = 0; j < p->pooled_shape[1]; j++, at++) {
                int64_t top, bottom, left, right;
                cell(i, p->pooled_shape[0], y1, height, p->in[0], &top, &bottom);
                cell(j, p->pooled_shape[1], x1, width, p->in[1], &left, &right);
                double best = top < bottom && left < right ? -(double)INFINITY : 0;
                for (int64_t y = top; y < bottom; y++)
                    for (int64_t x = left; x < right; x++) {
                        double v = ln_get_f64(a->in[0], p->type, plane + y * p->in[1] + x);
                        best = v > best || isnan(v) ? v : best;
                    }
                ln_put_f64(a->out[0], p->type, at, best);
            }
    }
}

LN_RUN(ln_max_roi_pool)
{
    const roi_params *p = a->params;
    for (int64_t r = 0; r < p->rois; r++) {
        double image = ln_get_f64(a->in[1], p->type, r * 5);
        if (!(image >= 0 && image < (double)p->batch))
            return ln_run_fail(a, "region %lld is of image %g of %lld", (long long)r, image, (long long)p->batch);
        region(a, p, r, (int64_t)image);
    }
    return LINNET_OK;
}

static linnet_status roi_plan(ln_ctx *c)
{
    roi_params *p = c->params;
    const ln_info *x = c->in[0];
    p->type = x->type;
    p->batch = x->dims[0];
    p->channels = x->dims[1];
    p->in[0] = x->dims[2];
    p->in[1] = x->dims[3];
    p->rois = c->in[1]->dims[0];
    return LINNET_OK;
}

static const ln_attr_spec attrs[] = {LN_ATTR_F(roi_params, spatial_scale, 1),
                                     LN_ATTR_INTS_REQ(roi_params, pooled_shape), LN_ATTR_END};

LN_OP(MaxRoiPool) = {
    .domain = "",
    .type = "MaxRoiPool",
    .since = {1, 22},
    .types = LN_T_FLOATS,
    .in = {2, 2},
    .out = {1, 1},
    .attrs = attrs,
    .params_size = sizeof(roi_params),
    .infer = roi_infer,
    .plan = roi_plan,
    LN_RUN_NAME(ln_max_roi_pool),
};
