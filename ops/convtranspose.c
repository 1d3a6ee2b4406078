/* SPDX-License-Identifier: Apache-2.0
 *
 * ConvTranspose: the gradient of a convolution, over one to three spatial dimensions, with groups. ai.onnx
 * ConvTranspose-1, -11 (defaults written out), -22 (bfloat16). Passes may ask for channels-last tensors and an
 * activation (fused.h). com.microsoft ConvTransposeWithDynamicPads-1 is the same with pads as an input before the bias.
 */
#include "ops/convtranspose.h"

static bool dynamic_pads(const ln_ctx *c)
{
    return c->op->in.max == 4;
}

static int32_t bias_index(const ln_ctx *c)
{
    return dynamic_pads(c) ? 3 : 2;
}

static linnet_status check(ln_ctx *c, const ln_deconv *p)
{
    const ln_info *x = c->in[0], *w = c->in[1], *b = ln_in(c, bias_index(c));
    for (int32_t i = 0; i < c->n_in; i++)
        if (c->in[i] && !(dynamic_pads(c) && i == 2) &&
            (c->in[i]->kind != LINNET_TENSOR || (x->type && c->in[i]->type && c->in[i]->type != x->type)))
            return ln_fail(c, LINNET_ERR_MODEL, "input %d is no tensor of %s", i,
                           linnet_type_name((linnet_type)x->type));
    LN_TRY(ln_fused_check(c, &p->fused, x->type));
    if (p->fused.residual || (p->channels_last && x->type && x->type != LINNET_FLOAT32))
        return ln_fail(c, LINNET_ERR_UNSUPPORTED, "a residual, or channels last with a type other than float32");
    if (p->group < 1)
        return ln_fail(c, LINNET_ERR_MODEL, "group is %lld", (long long)p->group);
    if (b && b->rank >= 0 && b->rank != 1)
        return ln_fail(c, LINNET_ERR_MODEL, "the bias has rank %d, expected 1", b->rank);
    if (x->rank >= 0 && w->rank >= 0 && x->rank != w->rank)
        return ln_fail(c, LINNET_ERR_MODEL, "X has rank %d, W has rank %d", x->rank, w->rank);
    if (w->rank >= 0 && w->rank < 3)
        return ln_fail(c, LINNET_ERR_MODEL, "W has rank %d, at least 3 is needed", w->rank);
    if (x->rank < 0 || w->rank < 0)
        return LINNET_OK;
    int64_t channels = x->dims[ln_channel_axis(x, p->channels_last != 0)];
    LN_TRY(ln_check_dim(c, w->dims[0], channels, "first dimension of the weights"));
    if (w->dims[0] >= 0 && w->dims[0] % p->group)
        return ln_fail(c, LINNET_ERR_MODEL, "group %lld does not divide %lld channels", (long long)p->group,
                       (long long)w->dims[0]);
    if (b && b->rank == 1 && w->dims[1] >= 0) {
        int64_t outputs;
        LN_TRY(ln_mul_size(c, w->dims[1], p->group, &outputs));
        LN_TRY(ln_check_dim(c, b->dims[0], outputs, "size of the bias"));
    }
    return LINNET_OK;
}

/* Output size of dimension i, and the pads that it implies. */
static linnet_status output(ln_ctx *c, ln_deconv *p, int32_t i, int64_t in, int64_t *out)
{
    ln_window *w = &p->window;
    int64_t extra = p->n_output_padding > 0 ? p->output_padding[i] : 0, whole;
    /* output_shape may list batch and channels as well. */
    int64_t given = p->n_output_shape > 0 ? p->output_shape[i + p->n_output_shape - w->n] : 0;
    *out = LN_UNKNOWN;
    if (extra < 0 || extra > INT64_C(1) << 31)
        return ln_fail(c, LINNET_ERR_MODEL, "output_padding[%d] is %lld", i, (long long)extra);
    if (given < 0 || given > INT64_C(1) << 40)
        return ln_fail(c, LINNET_ERR_MODEL, "output_shape[%d] is %lld", i, (long long)given);
    if (in < 0) {
        if (given)
            *out = given;
        return LINNET_OK;
    }
    LN_TRY(ln_mul_size(c, w->strides[i], in > 0 ? in - 1 : 0, &whole));
    whole += extra + ln_window_span(w, i);
    bool same = w->auto_pad == LN_PAD_SAME_UPPER || w->auto_pad == LN_PAD_SAME_LOWER;
    if (!given && !same) {
        *out = whole - w->pads[i] - w->pads[i + w->n];
        if (in == 0)
            *out = 0;
        if (*out < 0)
            return ln_fail(c, LINNET_ERR_MODEL, "pads %lld and %lld leave nothing of %lld", (long long)w->pads[i],
                           (long long)w->pads[i + w->n], (long long)whole);
        return LINNET_OK;
    }
    *out = given ? given : in * w->strides[i];
    int64_t total = whole > *out ? whole - *out : 0;
    w->pads[i] = w->auto_pad == LN_PAD_SAME_UPPER ? total / 2 : total - total / 2;
    w->pads[i + w->n] = total - w->pads[i];
    return LINNET_OK;
}

/* Pads that are an input. *known: it is absent or constant. */
static linnet_status read_pads(ln_ctx *c, ln_deconv *p, bool *known)
{
    *known = true;
    if (!dynamic_pads(c) || !ln_in(c, 2))
        return LINNET_OK;
    LN_TRY(ln_check_type(c, 2, LN_T(LINNET_INT64), "Pads"));
    int32_t n = ln_const_ints(c, 2, p->window.pads, 2 * LN_WINDOW_MAX);
    *known = n >= 0;
    if (n == -2)
        return ln_fail(c, LINNET_ERR_MODEL, "Pads is no int64 tensor of at most %d elements", 2 * LN_WINDOW_MAX);
    if (n >= 0)
        p->window.n_pads = n;
    return LINNET_OK;
}

static linnet_status resolve(ln_ctx *c, ln_deconv *p)
{
    int32_t n = c->in[0]->rank - 2;
    LN_TRY(ln_window_resolve(c, &p->window, n, c->in[1]->dims + 2));
    if (p->n_output_padding > 0 && p->n_output_padding != n)
        return ln_fail(c, LINNET_ERR_MODEL, "output_padding has %d elements, expected %d", p->n_output_padding, n);
    if (p->n_output_shape > 0 && p->n_output_shape != n && p->n_output_shape != n + 2)
        return ln_fail(c, LINNET_ERR_MODEL, "output_shape has %d elements, expected %d", p->n_output_shape, n);
    return LINNET_OK;
}

static linnet_status deconv_infer(ln_ctx *c)
{
    ln_deconv *p = c->params;
    const ln_info *x = c->in[0], *w = c->in[1];
    LN_TRY(check(c, p));
    if (x->rank < 0 || w->rank < 0)
        return ln_set_unknown(c, 0, (linnet_type)x->type);
    bool last = p->channels_last != 0, known;
    LN_TRY(read_pads(c, p, &known));
    LN_TRY(resolve(c, p));
    int64_t dims[LN_MAX_RANK], *channels = &dims[ln_channel_axis(x, last)];
    dims[0] = x->dims[0];
    *channels = LN_UNKNOWN;
    if (w->dims[1] >= 0)
        LN_TRY(ln_mul_size(c, w->dims[1], p->group, channels));
    for (int32_t i = 0; i < p->window.n; i++)
        LN_TRY(output(c, p, i, known ? ln_spatial(x, last)[i] : LN_UNKNOWN, &dims[(last ? 1 : 2) + i]));
    return ln_set_shape(c, 0, (linnet_type)x->type, x->rank, dims);
}

static linnet_status deconv_plan(ln_ctx *c)
{
    ln_deconv *p = c->params;
    const ln_info *x = c->in[0], *w = c->in[1], *y = c->out[0];
    bool last = p->channels_last != 0, known;
    if (x->rank > 5)
        return ln_fail(c, LINNET_ERR_UNSUPPORTED, "%d spatial dimensions, at most 3 are supported", x->rank - 2);
    LN_TRY(read_pads(c, p, &known));
    if (!known)
        return LN_NEED_DATA;
    LN_TRY(resolve(c, p));
    p->type = x->type;
    p->threads = c->threads;
    p->bias = ln_in(c, bias_index(c)) ? bias_index(c) : 0;
    p->batch = x->dims[0];
    p->in_channels = w->dims[0];
    p->out_channels = w->dims[1] * p->group;
    p->in_pixels = p->out_pixels = p->taps = 1;
    for (int32_t d = 0; d < 3; d++) {
        int32_t i = d - (3 - p->window.n);
        p->in[d] = p->out[d] = p->kernel[d] = p->stride[d] = p->dilation[d] = 1;
        if (i >= 0) {
            int64_t out;
            LN_TRY(output(c, p, i, ln_spatial(x, last)[i], &out));
            p->in[d] = ln_spatial(x, last)[i];
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
    return p->type == LINNET_FLOAT32 ? ln_deconv_plan_f32(c, p) : ln_deconv_plan_any(c, p);
}

static const ln_attr_spec attrs[] = {LN_ATTRS_WINDOW(ln_deconv, window),
                                     LN_ATTR_DILATIONS(ln_deconv, window),
                                     LN_ATTR_I(ln_deconv, group, 1),
                                     LN_ATTR_INTS(ln_deconv, output_padding),
                                     LN_ATTR_INTS(ln_deconv, output_shape),
                                     LN_ATTR_CHANNELS_LAST(ln_deconv),
                                     LN_ATTRS_FUSED(ln_deconv),
                                     LN_ATTR_END};

LN_OP(ConvTranspose) = {
    .domain = "",
    .type = "ConvTranspose",
    .since = {1, 11, 22},
    .types = LN_T_FLOATS,
    .in = {2, 3},
    .out = {1, 1},
    .attrs = attrs,
    .params_size = sizeof(ln_deconv),
    .infer = deconv_infer,
    .plan = deconv_plan,
};

LN_OP(ConvTransposeWithDynamicPads) = {
    .domain = "com.microsoft",
    .type = "ConvTransposeWithDynamicPads",
    .since = {1},
    .types = LN_T_FLOATS,
    .in = {2, 4},
    .out = {1, 1},
    .attrs = attrs,
    .params_size = sizeof(ln_deconv),
    .infer = deconv_infer,
    .plan = deconv_plan,
};
