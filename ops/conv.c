/* SPDX-License-Identifier: Apache-2.0
 *
 * Conv: convolution (cross-correlation) over one to three spatial dimensions, with groups. ai.onnx Conv-1, -11
 * (defaults written out), -22 (bfloat16). Passes may ask for channels-last tensors, a residual and an activation
 * (fused.h).
 */
#include "ops/conv.h"

/* Constant weights of 16 bits in a convolution of float32. */
static bool half_weights(const ln_ctx *c)
{
    const ln_info *w = c->in[1];
    return ln_attr_int(c, LN_NAME_HALF_WEIGHTS, 0) && w->kind == LINNET_TENSOR && w->data &&
           (w->type == LINNET_FLOAT16 || w->type == LINNET_BFLOAT16) &&
           (c->in[0]->type == LINNET_FLOAT32 || !c->in[0]->type);
}

static linnet_status check_inputs(ln_ctx *c, const ln_conv *p)
{
    const ln_info *x = c->in[0], *w = c->in[1], *b = ln_in(c, 2), *r = ln_in(c, 3);
    for (int32_t i = 0; i < c->n_in; i++)
        if (c->in[i] && !(i == 1 && half_weights(c)) &&
            (c->in[i]->kind != LINNET_TENSOR || (x->type && c->in[i]->type && c->in[i]->type != x->type)))
            return ln_fail(c, LINNET_ERR_MODEL, "input %d is no tensor of %s", i,
                           linnet_type_name((linnet_type)x->type));
    LN_TRY(ln_fused_check(c, &p->fused, x->type));
    if (r && !p->fused.residual)
        return ln_fail(c, LINNET_ERR_MODEL, "4 inputs, at most 3 are allowed");
    if (p->fused.residual && !r)
        return ln_fail(c, LINNET_ERR_MODEL, "the residual is missing");
    if (p->channels_last && x->type && x->type != LINNET_FLOAT32)
        return ln_fail(c, LINNET_ERR_UNSUPPORTED, "channels last with %s", linnet_type_name((linnet_type)x->type));
    if (p->group < 1)
        return ln_fail(c, LINNET_ERR_MODEL, "group is %lld", (long long)p->group);
    if (b && b->rank >= 0 && b->rank != 1)
        return ln_fail(c, LINNET_ERR_MODEL, "the bias has rank %d, expected 1", b->rank);
    if (x->rank >= 0 && w->rank >= 0 && x->rank != w->rank)
        return ln_fail(c, LINNET_ERR_MODEL, "X has rank %d, W has rank %d", x->rank, w->rank);
    if (w->rank >= 0 && w->rank < 3)
        return ln_fail(c, LINNET_ERR_MODEL, "W has rank %d, at least 3 is needed", w->rank);
    return LINNET_OK;
}

static linnet_status check_channels(ln_ctx *c, const ln_conv *p)
{
    const ln_info *x = c->in[0], *w = c->in[1], *b = ln_in(c, 2);
    int64_t channels = x->dims[ln_channel_axis(x, p->channels_last == LN_ALL_LAST)], outputs = w->dims[0],
            each = w->dims[1];
    if (channels >= 0 && each >= 0 && (channels % p->group || channels / p->group != each))
        return ln_fail(c, LINNET_ERR_MODEL, "%lld channels in %lld groups, the weights have %lld for each",
                       (long long)channels, (long long)p->group, (long long)each);
    if (outputs >= 0 && outputs % p->group)
        return ln_fail(c, LINNET_ERR_MODEL, "group %lld does not divide %lld output channels", (long long)p->group,
                       (long long)outputs);
    if (b && b->rank == 1)
        LN_TRY(ln_check_dim(c, b->dims[0], outputs, "size of the bias"));
    return LINNET_OK;
}

linnet_status ln_conv_infer(ln_ctx *c)
{
    ln_conv *p = c->params;
    const ln_info *x = c->in[0], *w = c->in[1];
    LN_TRY(check_inputs(c, p));
    if (x->rank < 0 || w->rank < 0)
        return ln_set_unknown(c, 0, (linnet_type)x->type);
    bool in_last = p->channels_last == LN_ALL_LAST, last = p->channels_last != 0;
    LN_TRY(check_channels(c, p));
    LN_TRY(ln_window_resolve(c, &p->window, x->rank - 2, w->dims + 2));
    int64_t dims[LN_MAX_RANK];
    dims[0] = x->dims[0];
    dims[ln_channel_axis(x, last)] = w->dims[0];
    for (int32_t i = 0; i < p->window.n; i++)
        LN_TRY(ln_window_output(c, &p->window, i, ln_spatial(x, in_last)[i], &dims[(last ? 1 : 2) + i]));
    return ln_set_shape(c, 0, (linnet_type)x->type, x->rank, dims);
}

linnet_status ln_conv_plan(ln_ctx *c)
{
    ln_conv *p = c->params;
    const ln_info *x = c->in[0], *w = c->in[1], *y = c->out[0];
    bool in_last = p->channels_last == LN_ALL_LAST, last = p->channels_last != 0;
    if (x->rank > 5)
        return ln_fail(c, LINNET_ERR_UNSUPPORTED, "%d spatial dimensions, at most 3 are supported", x->rank - 2);
    LN_TRY(ln_window_resolve(c, &p->window, x->rank - 2, w->dims + 2));
    p->type = x->type;
    p->threads = c->threads;
    p->bias = ln_in(c, 2) != NULL;
    p->batch = x->dims[0];
    p->in_channels = x->dims[ln_channel_axis(x, in_last)];
    p->out_channels = w->dims[0];
    p->in_pixels = p->out_pixels = p->taps = 1;
    for (int32_t d = 0; d < 3; d++) {
        int32_t i = d - (3 - p->window.n);
        p->in[d] = p->out[d] = p->kernel[d] = p->stride[d] = p->dilation[d] = 1;
        if (i >= 0) {
            int64_t out;
            LN_TRY(ln_window_output(c, &p->window, i, ln_spatial(x, in_last)[i], &out));
            p->in[d] = ln_spatial(x, in_last)[i];
            p->out[d] = ln_spatial(y, last)[i];
            p->kernel[d] = p->window.kernel_shape[i];
            p->stride[d] = p->window.strides[i];
            p->dilation[d] = p->window.dilations[i];
            p->pad[d] = p->window.pads[i];
        }
        p->in_pixels *= p->in[d];
        p->out_pixels *= p->out[d];
        p->taps *= p->kernel[d];
    }
    if (p->fused.residual && ln_info_count(c->in[3]) != ln_info_count(y))
        return ln_fail(c, LINNET_ERR_MODEL, "the residual has not the shape of the output");
    return p->type == LINNET_FLOAT32 ? ln_conv_plan_f32(c, p) : ln_conv_plan_any(c, p);
}

static const ln_attr_spec attrs[] = {
    LN_ATTRS_CONV,
    LN_ATTRS_FUSED(ln_conv),
    LN_ATTR_CHANNELS_LAST(ln_conv),
    {.name = LN_NAME_WINOGRAD, .kind = LN_AT_INT, .offset = offsetof(ln_conv, winograd)},
    LN_ATTR_ANY(LN_NAME_HALF_WEIGHTS),
    LN_ATTR_END};

LN_OP(Conv) = {
    .domain = "",
    .type = "Conv",
    .since = {1, 11, 22},
    .types = LN_T_FLOATS,
    .in = {2, 4},
    .out = {1, 1},
    .attrs = attrs,
    .params_size = sizeof(ln_conv),
    .flags = LN_OP_PARTS,
    .infer = ln_conv_infer,
    .plan = ln_conv_plan,
};
