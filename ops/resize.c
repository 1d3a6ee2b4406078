/* SPDX-License-Identifier: Apache-2.0
 *
 * Resize and Upsample: nearest, linear, cubic in any number of dimensions, by tables that plan makes. infer and plan;
 * the run is in resize_run.c. ai.onnx Resize-10 to -19, Upsample-1 (scales of height and width
 * alone) to -9.
 *
 * Knows the hidden attribute linnet.channels_last: the tensors then are N, spatial..., C while scales, sizes, roi and
 * axes stay those of N, C, spatial...
 */
#include <math.h>
#include <string.h>

#include "ops/fused.h"
#include "ops/resize_run.h"

enum { STRETCH, NOT_LARGER, NOT_SMALLER };

/* What is to be done to each dimension, in the order of the specification. */
typedef struct request {
    int64_t in[LN_MAX_RANK], out[LN_MAX_RANK];
    double scale[LN_MAX_RANK], length[LN_MAX_RANK], start[LN_MAX_RANK], end[LN_MAX_RANK];
    bool known; /* the sizes of the output */
} request;

/* The dimension of the tensor that is dimension i of the specification. */
static int32_t dimension(const ln_resize_params *p, int32_t rank, int32_t i)
{
    if (!p->channels_last || i == 0)
        return i;
    return i == 1 ? rank - 1 : i - 1;
}

/* Element i of a constant float tensor. */
static double number(const ln_info *x, int64_t i)
{
    float f;
    if (x->type == LINNET_FLOAT64)
        return ((const double *)x->data)[i];
    ln_to_f32(&f, x->data, x->type, i, 1);
    return (double)f;
}

static bool is_upsample(const ln_ctx *c)
{
    return c->op->type[0] == 'U';
}

/* The inputs scales, sizes and roi; NULL where absent or empty. */
static void find_inputs(const ln_ctx *c, const ln_info **scales, const ln_info **sizes, const ln_info **roi)
{
    bool old = is_upsample(c) || c->version < 11;
    const ln_info *in[3] = {ln_in(c, old ? 1 : 2), old ? NULL : ln_in(c, 3), old ? NULL : ln_in(c, 1)};
    for (int32_t i = 0; i < 3; i++)
        if (in[i] && ln_info_count(in[i]) == 0)
            in[i] = NULL;
    *scales = in[0];
    *sizes = in[1];
    *roi = in[2];
}

/* Scales of the listed dimensions from a constant or an attribute. */
static linnet_status read_scales(ln_ctx *c, const ln_info *scales, int32_t n, double *values)
{
    int64_t count = 0;
    const float *attribute = NULL,
                first[4] = {1, 1, ln_attr_float(c, "height_scale", 0), ln_attr_float(c, "width_scale", 0)};
    if (is_upsample(c) && c->version == 1) {
        attribute = first;
        count = 4;
    } else if (!scales) {
        attribute = ln_attr_floats(c, "scales", &count);
        if (!attribute)
            return ln_fail(c, LINNET_ERR_MODEL, "neither scales nor sizes are given");
    } else {
        count = ln_info_count(scales);
    }
    if (count != n)
        return ln_fail(c, LINNET_ERR_MODEL, "%lld scales for %d dimensions", (long long)count, n);
    for (int32_t i = 0; i < n; i++) {
        values[i] = attribute ? (double)attribute[i] : number(scales, i);
        if (!(values[i] > 0) || values[i] > 0x1p40)
            return ln_fail(c, LINNET_ERR_MODEL, "scales[%d] is %g", i, values[i]);
    }
    return LINNET_OK;
}

static linnet_status scaled(ln_ctx *c, request *r, int32_t i, double scale)
{
    r->scale[i] = scale;
    r->length[i] = scale * (double)r->in[i];
    double size = floor(r->length[i]);
    if (size > 0x1p46)
        return ln_fail(c, LINNET_ERR_MEMORY, "dimension %d of size %lld times %g is too large", i, (long long)r->in[i],
                       scale);
    r->out[i] = (int64_t)size;
    return LINNET_OK;
}

/* Sizes given, of the listed dimensions. */
static linnet_status sized(ln_ctx *c, request *r, int32_t n, const int64_t *axes, const int64_t *sizes)
{
    const ln_resize_params *p = c->params;
    double common = 0;
    for (int32_t i = 0; i < n; i++) {
        int64_t d = axes[i];
        if (sizes[i] < 0 || (r->in[d] == 0 && sizes[i] > 0))
            return ln_fail(c, LINNET_ERR_MODEL, "sizes[%d] is %lld for a dimension of size %lld", i,
                           (long long)sizes[i], (long long)r->in[d]);
        r->out[d] = sizes[i];
        r->length[d] = (double)sizes[i];
        r->scale[d] = r->in[d] ? (double)sizes[i] / (double)r->in[d] : 1;
        if (i == 0 || (p->policy == NOT_LARGER ? r->scale[d] < common : r->scale[d] > common))
            common = r->scale[d];
    }
    if (p->policy == STRETCH)
        return LINNET_OK;
    for (int32_t i = 0; i < n; i++) {
        int64_t d = axes[i];
        LN_TRY(scaled(c, r, (int32_t)d, common));
        r->out[d] = (int64_t)(r->length[d] + 0.5);
    }
    return LINNET_OK;
}

static linnet_status check_inputs(ln_ctx *c)
{
    const ln_resize_params *p = c->params;
    bool old = is_upsample(c) || c->version < 11;
    uint32_t floats = LN_T(LINNET_FLOAT32) | LN_T(LINNET_FLOAT64) | LN_T(LINNET_FLOAT16);
    LN_TRY(ln_check_type(c, old ? 1 : 2, LN_T(LINNET_FLOAT32), "scales"));
    if (!old) {
        LN_TRY(ln_check_type(c, 1, floats, "roi"));
        LN_TRY(ln_check_type(c, 3, LN_T(LINNET_INT64), "sizes"));
    }
    if (p->mode == LN_RESIZE_NEAREST && p->antialias)
        return ln_fail(c, LINNET_ERR_MODEL, "antialias with mode nearest");
    if (p->mode != LN_RESIZE_NEAREST && c->in[0]->type == LINNET_STRING)
        return ln_fail(c, LINNET_ERR_MODEL, "strings with a mode other than nearest");
    return LINNET_OK;
}

/* The dimensions that scales, sizes and roi are about. */
static linnet_status read_axes(ln_ctx *c, int32_t rank, int32_t *n, int64_t *axes)
{
    const ln_resize_params *p = c->params;
    bool listed = !is_upsample(c) && p->n_axes >= 0;
    *n = listed ? p->n_axes : rank;
    for (int32_t i = 0; i < *n; i++)
        axes[i] = listed ? p->axes[i] : i;
    return ln_check_axes(c, *n, axes, rank);
}

/* Fills r for an input of known rank; dimensions of the output that are not known are negative. */
static linnet_status read_request(ln_ctx *c, request *r)
{
    const ln_resize_params *p = c->params;
    const ln_info *x = c->in[0], *scales, *sizes, *roi;
    int64_t axes[LN_MAX_RANK], values[LN_MAX_RANK];
    double factors[LN_MAX_RANK];
    int32_t n;
    LN_TRY(read_axes(c, x->rank, &n, axes));
    find_inputs(c, &scales, &sizes, &roi);
    *r = (request){.known = true};
    bool unknown_in = false;
    for (int32_t i = 0; i < x->rank; i++) {
        r->in[i] = r->out[i] = x->dims[dimension(p, x->rank, i)];
        r->length[i] = (double)r->in[i];
        r->scale[i] = r->end[i] = 1;
        unknown_in = unknown_in || r->in[i] < 0;
    }
    if (scales && sizes && scales->data && sizes->data)
        return ln_fail(c, LINNET_ERR_MODEL, "both scales and sizes are given");
    const ln_info *given = sizes ? sizes : scales;
    if ((given && !given->data) || (unknown_in && p->policy != STRETCH)) {
        r->known = false;
        for (int32_t i = 0; i < n; i++)
            r->out[axes[i]] = LN_UNKNOWN;
        return LINNET_OK;
    }
    if (sizes) {
        int64_t count = ln_info_count(sizes);
        if (count != n)
            return ln_fail(c, LINNET_ERR_MODEL, "%lld sizes for %d dimensions", (long long)count, n);
        memcpy(values, sizes->data, (size_t)n * sizeof *values);
        LN_TRY(sized(c, r, n, axes, values));
    } else {
        LN_TRY(read_scales(c, scales, n, factors));
        for (int32_t i = 0; i < n; i++)
            if (r->in[axes[i]] >= 0)
                LN_TRY(scaled(c, r, (int32_t)axes[i], factors[i]));
            else if (factors[i] != 1)
                r->out[axes[i]] = LN_UNKNOWN;
    }
    if (p->coordinates != LN_RESIZE_TF_CROP)
        return LINNET_OK;
    if (!roi)
        return ln_fail(c, LINNET_ERR_MODEL, "roi is missing");
    if (roi->data && ln_info_count(roi) != 2 * n)
        return ln_fail(c, LINNET_ERR_MODEL, "roi has %lld elements for %d dimensions", (long long)ln_info_count(roi),
                       n);
    for (int32_t i = 0; i < n && roi->data; i++) {
        r->start[axes[i]] = number(roi, i);
        r->end[axes[i]] = number(roi, n + i);
    }
    return LINNET_OK;
}

static linnet_status resize_infer(ln_ctx *c)
{
    const ln_resize_params *p = c->params;
    const ln_info *x = c->in[0];
    request r;
    int64_t dims[LN_MAX_RANK];
    LN_TRY(check_inputs(c));
    if (x->rank < 0)
        return ln_set_unknown(c, 0, (linnet_type)x->type);
    LN_TRY(read_request(c, &r));
    for (int32_t i = 0; i < x->rank; i++)
        dims[dimension(p, x->rank, i)] = r.out[i];
    return ln_set_shape(c, 0, (linnet_type)x->type, x->rank, dims);
}

/* -- plan ---------------------------------------------------------------------------------------------------------- */

/* The version's own ways. */
static void set_ways(const ln_ctx *c, ln_resize_params *p, ln_resize_how *how, double scale)
{
    how->mode = p->mode;
    how->coordinates = p->coordinates;
    how->nearest = p->nearest;
    how->antialias = p->antialias != 0;
    how->exclude_outside = p->exclude_outside != 0;
    how->cubic_a = (double)p->cubic_coeff_a;
    if (is_upsample(c) || c->version < 11) {
        how->coordinates = LN_RESIZE_ASYMMETRIC;
        how->nearest = scale < 1 ? LN_RESIZE_CEIL : LN_RESIZE_FLOOR;
    }
}

/* A table is not needed where every output index is the input index. */
static bool identity(const ln_resize_how *h)
{
    return h->in == h->out && h->scale == 1 && h->coordinates != LN_RESIZE_TF_HALF_PIXEL_NN &&
           (h->coordinates != LN_RESIZE_TF_CROP || (h->start == 0 && h->end == 1));
}

static linnet_status resize_plan(ln_ctx *c)
{
    ln_resize_params *p = c->params;
    const ln_info *x = c->in[0];
    request r;
    ln_resize_how how[LN_MAX_RANK] = {0};
    int32_t first = x->rank, last = -1;
    LN_TRY(read_request(c, &r));
    if (!r.known)
        return LN_NEED_DATA;
    const ln_info *roi, *scales, *sizes;
    find_inputs(c, &scales, &sizes, &roi);
    if (p->coordinates == LN_RESIZE_TF_CROP && c->version >= 11 && !roi->data)
        return LN_NEED_DATA;
    for (int32_t i = 0; i < x->rank; i++) {
        int32_t d = dimension(p, x->rank, i);
        how[d] = (ln_resize_how){.start = r.start[i],
                                 .end = r.end[i],
                                 .scale = r.scale[i],
                                 .length = r.length[i],
                                 .in = r.in[i],
                                 .out = r.out[i]};
        set_ways(c, p, &how[d], r.scale[i]);
        if (identity(&how[d])) {
            how[d].coordinates = -1;
            continue;
        }
        if (how[d].in > INT32_MAX || how[d].out > INT32_MAX)
            return ln_fail(c, LINNET_ERR_UNSUPPORTED, "a resized dimension of size %lld", (long long)how[d].in);
        first = d < first ? d : first;
        last = d > last ? d : last;
    }
    if (last < 0 || ln_info_count(c->out[0]) == 0) {
        ln_move_make_flat(&p->move, (int64_t)ln_info_bytes(c->out[0]));
        return ln_plan_move(c, &p->move);
    }
    return ln_resize_prepare(c, p, how, first, last);
}

static const ln_attr_spec resize_attrs[] = {
    LN_ATTR_E(ln_resize_params, mode, "nearest|linear|cubic", LN_RESIZE_NEAREST),
    {.name = "coordinate_transformation_mode",
     .kind = LN_AT_ENUM,
     .offset = offsetof(ln_resize_params, coordinates),
     .names = LN_RESIZE_COORDINATES,
     .i = LN_RESIZE_HALF_PIXEL},
    {.name = "nearest_mode",
     .kind = LN_AT_ENUM,
     .offset = offsetof(ln_resize_params, nearest),
     .names = "round_prefer_floor|round_prefer_ceil|floor|ceil",
     .i = LN_RESIZE_PREFER_FLOOR},
    {.name = "keep_aspect_ratio_policy",
     .kind = LN_AT_ENUM,
     .offset = offsetof(ln_resize_params, policy),
     .names = "stretch|not_larger|not_smaller",
     .i = STRETCH},
    LN_ATTR_I(ln_resize_params, antialias, 0),
    LN_ATTR_I(ln_resize_params, exclude_outside, 0),
    LN_ATTR_F(ln_resize_params, cubic_coeff_a, -0.75f),
    LN_ATTR_F(ln_resize_params, extrapolation_value, 0),
    LN_ATTR_INTS(ln_resize_params, axes),
    LN_ATTR_CHANNELS_LAST(ln_resize_params),
    LN_ATTR_END};
static const ln_attr_spec upsample_attrs[] = {LN_ATTR_E(ln_resize_params, mode, "nearest|linear", LN_RESIZE_NEAREST),
                                              LN_ATTR_ANY("scales"), LN_ATTR_ANY("height_scale"),
                                              LN_ATTR_ANY("width_scale"), LN_ATTR_END};

LN_OP(Resize) = {
    .domain = "",
    .type = "Resize",
    .since = {10, 11, 13, 18, 19},
    .types = LN_T_ALL,
    .in = {1, 4},
    .out = {1, 1},
    .attrs = resize_attrs,
    .params_size = sizeof(ln_resize_params),
    .infer = resize_infer,
    .plan = resize_plan,
    LN_RUN_NAME(ln_resize),
};

LN_OP(Upsample) = {
    .domain = "",
    .type = "Upsample",
    .since = {1, 7, 9},
    .types = LN_T_ALL,
    .in = {1, 2},
    .out = {1, 1},
    .attrs = upsample_attrs,
    .params_size = sizeof(ln_resize_params),
    .infer = resize_infer,
    .plan = resize_plan,
    LN_RUN_NAME(ln_resize),
};
