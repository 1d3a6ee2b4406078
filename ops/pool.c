/* SPDX-License-Identifier: Apache-2.0
 *
 * MaxPool, AveragePool and LpPool over one to three spatial dimensions. ai.onnx MaxPool-1, -8 (Indices), -10
 * (dilations, ceil_mode), -11, -12 (int8), -22; AveragePool-1, -7 (count_include_pad), -10, -11, -19 (dilations), -22;
 * LpPool-2, -11, -18 (dilations, ceil_mode), -22. Passes may ask for channels-last tensors (fused.h).
 *
 * Padding never wins a maximum nor adds to a mean; count_include_pad lets it count as elements, up to the end of the
 * declared padding.
 */
#include "ops/pool.h"

static linnet_status pool_infer(ln_ctx *c)
{
    ln_pool_params *p = c->params;
    const ln_info *x = c->in[0];
    bool last = p->channels_last != 0;
    if (x->kind != LINNET_TENSOR)
        return ln_fail(c, LINNET_ERR_MODEL, "the input is no tensor");
    if (last && ((x->type && x->type != LINNET_FLOAT32) || ln_has_out(c, 1)))
        return ln_fail(c, LINNET_ERR_UNSUPPORTED, "channels last with Indices or a type other than float32");
    if (p->storage_order != 0 && p->storage_order != 1)
        return ln_fail(c, LINNET_ERR_MODEL, "storage_order is %lld", (long long)p->storage_order);
    if (x->rank < 0) {
        LN_TRY(ln_set_unknown(c, 1, LINNET_INT64));
        return ln_set_unknown(c, 0, (linnet_type)x->type);
    }
    LN_TRY(ln_window_resolve(c, &p->window, x->rank - 2, NULL));
    int64_t dims[LN_MAX_RANK];
    int32_t channel = ln_channel_axis(x, last);
    dims[0] = x->dims[0];
    dims[channel] = x->dims[channel];
    for (int32_t i = 0; i < p->window.n; i++)
        LN_TRY(ln_window_output(c, &p->window, i, ln_spatial(x, last)[i], &dims[(last ? 1 : 2) + i]));
    LN_TRY(ln_set_shape(c, 1, LINNET_INT64, x->rank, dims));
    return ln_set_shape(c, 0, (linnet_type)x->type, x->rank, dims);
}

/* What ln_pool_plan_planes can do, and ln_pool_is_image decides upon. */
static bool goes_by_planes(const ln_pool_params *p, int type)
{
    const int64_t most = 1 << 20;
    if (type != LINNET_FLOAT32 || p->indices || p->kind == LN_POOL_LP)
        return false;
    for (int32_t d = 0; d < 3; d++)
        if (p->in[d] < 1 || p->out[d] < 1 || p->in[d] > most || p->out[d] > most || p->kernel[d] > most ||
            p->stride[d] > most || p->dilation[d] > most || p->pad[d] < 0 || p->pad[d] > most)
            return false;
    return true;
}

static linnet_status pool_plan(ln_ctx *c, int32_t kind)
{
    ln_pool_params *p = c->params;
    const ln_info *x = c->in[0], *y = c->out[0];
    bool last = p->channels_last != 0;
    if (x->rank > 5)
        return ln_fail(c, LINNET_ERR_UNSUPPORTED, "%d spatial dimensions, at most 3 are supported", x->rank - 2);
    LN_TRY(ln_window_resolve(c, &p->window, x->rank - 2, NULL));
    p->kind = kind;
    p->indices = ln_has_out(c, 1);
    p->batch = x->dims[0];
    p->channels = x->dims[ln_channel_axis(x, last)];
    p->in_pixels = p->out_pixels = p->taps = 1;
    for (int32_t d = 0; d < 3; d++) {
        int32_t i = d - (3 - p->window.n);
        p->in[d] = p->out[d] = p->kernel[d] = p->stride[d] = p->dilation[d] = 1;
        if (i >= 0) {
            int64_t out;
            LN_TRY(ln_window_output(c, &p->window, i, ln_spatial(x, last)[i], &out));
            p->in[d] = ln_spatial(x, last)[i];
            p->out[d] = ln_spatial(y, last)[i];
            p->kernel[d] = p->window.kernel_shape[i];
            p->stride[d] = p->window.strides[i];
            p->dilation[d] = p->window.dilations[i];
            p->pad[d] = p->window.pads[i];
            p->pad_end[d] = p->window.pads[i + p->window.n];
        }
        p->in_pixels *= p->in[d];
        p->out_pixels *= p->out[d];
        LN_TRY(ln_mul_size(c, p->taps, p->kernel[d], &p->taps));
    }
    /* Row-major, or column-major within the spatial dimensions. */
    p->index[0] = p->storage_order ? 1 : p->in[1] * p->in[2];
    p->index[1] = p->storage_order ? p->in[0] : p->in[2];
    p->index[2] = p->storage_order ? p->in[0] * p->in[1] : 1;
    if (!last && goes_by_planes(p, x->type))
        return ln_pool_is_image(p) ? ln_pool_plan_image(c, p) : ln_pool_plan_planes(c, p);
    return last ? ln_pool_plan_f32(c, p) : ln_pool_plan_any(c, p);
}

static linnet_status max_plan(ln_ctx *c)
{
    return pool_plan(c, LN_POOL_MAX);
}

static linnet_status average_plan(ln_ctx *c)
{
    return pool_plan(c, LN_POOL_AVERAGE);
}

static linnet_status lp_plan(ln_ctx *c)
{
    const ln_pool_params *p = c->params;
    if (p->p < 1)
        return ln_fail(c, LINNET_ERR_MODEL, "p is %lld", (long long)p->p);
    return pool_plan(c, LN_POOL_LP);
}

#define COMMON                                                                                                         \
    LN_ATTRS_WINDOW(ln_pool_params, window), LN_ATTR_DILATIONS(ln_pool_params, window),                                \
        LN_ATTR_CEIL_MODE(ln_pool_params, window), LN_ATTR_CHANNELS_LAST(ln_pool_params)

static const ln_attr_spec max_attrs[] = {COMMON, LN_ATTR_I(ln_pool_params, storage_order, 0), LN_ATTR_END};
static const ln_attr_spec average_attrs[] = {COMMON, LN_ATTR_I(ln_pool_params, count_include_pad, 0), LN_ATTR_END};
static const ln_attr_spec lp_attrs[] = {COMMON, LN_ATTR_I(ln_pool_params, p, 2), LN_ATTR_END};

LN_OP(MaxPool) = {
    .domain = "",
    .type = "MaxPool",
    .since = {1, 8, 10, 11, 12, 22},
    .types = LN_T_FLOATS | LN_T(LINNET_INT8) | LN_T(LINNET_UINT8),
    .in = {1, 1},
    .out = {1, 2},
    .attrs = max_attrs,
    .params_size = sizeof(ln_pool_params),
    .infer = pool_infer,
    .plan = max_plan,
};

LN_OP(AveragePool) = {
    .domain = "",
    .type = "AveragePool",
    .since = {1, 7, 10, 11, 19, 22},
    .types = LN_T_FLOATS,
    .in = {1, 1},
    .out = {1, 1},
    .attrs = average_attrs,
    .params_size = sizeof(ln_pool_params),
    .infer = pool_infer,
    .plan = average_plan,
};

LN_OP(LpPool) = {
    .domain = "",
    .type = "LpPool",
    .since = {2, 11, 18, 22},
    .types = LN_T_FLOATS,
    .in = {1, 1},
    .out = {1, 1},
    .attrs = lp_attrs,
    .params_size = sizeof(ln_pool_params),
    .infer = pool_infer,
    .plan = lp_plan,
};
