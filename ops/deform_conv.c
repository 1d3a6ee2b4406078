/* SPDX-License-Identifier: Apache-2.0
 *
 * DeformConv: convolution whose taps are moved by offsets and weighted by a mask, over two spatial dimensions. ai.onnx
 * DeformConv-19, -22 (bfloat16). Samples between pixels are bilinear, those outside of the image are 0.
 *
 * For each output pixel the samples of all channels are gathered in a column, which then meets every filter.
 */
#include <math.h>

#include "kernels/half.h"
#include "ops/spatial.h"

typedef struct deform_params {
    ln_window window;
    int64_t group, offset_group;
    int64_t batch, in_channels, out_channels, in[2], out[2], taps;
    int32_t bias, mask;
    int64_t worker; /* bytes of scratch of a worker */
} deform_params;

#define BODY "ops/deform_conv.inc"
#define EACH_FLOAT32
#include "ops/each_float.inc"
#undef BODY

static linnet_status check(ln_ctx *c, const deform_params *p)
{
    const ln_info *x = c->in[0], *w = c->in[1];
    for (int32_t i = 0; i < c->n_in; i++)
        if (c->in[i] && (c->in[i]->kind != LINNET_TENSOR || (x->type && c->in[i]->type && c->in[i]->type != x->type)))
            return ln_fail(c, LINNET_ERR_MODEL, "input %d is no tensor of %s", i,
                           linnet_type_name((linnet_type)x->type));
    if (p->group < 1 || p->offset_group < 1)
        return ln_fail(c, LINNET_ERR_MODEL, "group is %lld, offset_group %lld", (long long)p->group,
                       (long long)p->offset_group);
    if (x->rank >= 0 && x->rank != 4)
        return ln_fail(c, LINNET_ERR_UNSUPPORTED, "X of rank %d, only two spatial dimensions are supported", x->rank);
    LN_TRY(ln_check_rank(c, 1, 4, 4, "W"));
    LN_TRY(ln_check_rank(c, 2, 4, 4, "offset"));
    LN_TRY(ln_check_rank(c, 3, 1, 1, "B"));
    LN_TRY(ln_check_rank(c, 4, 4, 4, "mask"));
    if (x->rank == 4 && w->rank == 4 && x->dims[1] >= 0 && w->dims[1] >= 0 &&
        (x->dims[1] % p->group || x->dims[1] / p->group != w->dims[1] || x->dims[1] % p->offset_group))
        return ln_fail(c, LINNET_ERR_MODEL, "%lld channels, groups %lld and %lld, weights for %lld",
                       (long long)x->dims[1], (long long)p->group, (long long)p->offset_group, (long long)w->dims[1]);
    if (w->rank == 4 && w->dims[0] >= 0 && w->dims[0] % p->group)
        return ln_fail(c, LINNET_ERR_MODEL, "group %lld does not divide %lld output channels", (long long)p->group,
                       (long long)w->dims[0]);
    return LINNET_OK;
}

/* offset and mask have so many values for each output pixel. */
static linnet_status check_field(ln_ctx *c, int32_t i, int64_t channels, const int64_t *dims, const char *name)
{
    const ln_info *f = ln_in(c, i);
    if (!f || f->rank != 4)
        return LINNET_OK;
    LN_TRY(ln_check_dim(c, f->dims[0], dims[0], name));
    LN_TRY(ln_check_dim(c, f->dims[1], channels, name));
    LN_TRY(ln_check_dim(c, f->dims[2], dims[2], name));
    return ln_check_dim(c, f->dims[3], dims[3], name);
}

static linnet_status deform_infer(ln_ctx *c)
{
    deform_params *p = c->params;
    const ln_info *x = c->in[0], *w = c->in[1], *b = ln_in(c, 3);
    LN_TRY(check(c, p));
    int64_t dims[4] = {LN_UNKNOWN, LN_UNKNOWN, LN_UNKNOWN, LN_UNKNOWN};
    if (x->rank != 4 || w->rank != 4)
        return ln_set_shape(c, 0, (linnet_type)x->type, 4, dims);
    LN_TRY(ln_window_resolve(c, &p->window, 2, w->dims + 2));
    dims[0] = x->dims[0];
    dims[1] = w->dims[0];
    for (int32_t i = 0; i < 2; i++)
        LN_TRY(ln_window_output(c, &p->window, i, x->dims[2 + i], &dims[2 + i]));
    if (b && b->rank == 1)
        LN_TRY(ln_check_dim(c, b->dims[0], dims[1], "size of B"));
    if (w->dims[2] >= 0 && w->dims[3] >= 0) {
        int64_t fields;
        LN_TRY(ln_mul_size(c, w->dims[2] * w->dims[3], p->offset_group, &fields));
        LN_TRY(check_field(c, 2, 2 * fields, dims, "dimension of offset"));
        LN_TRY(check_field(c, 4, fields, dims, "dimension of mask"));
    }
    return ln_set_shape(c, 0, (linnet_type)x->type, 4, dims);
}

static linnet_status deform_plan(ln_ctx *c)
{
    deform_params *p = c->params;
    const ln_info *x = c->in[0], *w = c->in[1], *y = c->out[0];
    int64_t bytes;
    LN_TRY(ln_window_resolve(c, &p->window, 2, w->dims + 2));
    p->batch = x->dims[0];
    p->in_channels = x->dims[1];
    p->out_channels = w->dims[0];
    p->taps = w->dims[2] * w->dims[3];
    p->bias = ln_in(c, 3) != NULL;
    p->mask = ln_in(c, 4) != NULL;
    for (int32_t i = 0; i < 2; i++) {
        p->in[i] = x->dims[2 + i];
        p->out[i] = y->dims[2 + i];
    }
    LN_TRY(ln_mul_size(c, p->taps, p->in_channels * (int64_t)sizeof(double), &p->worker));
    p->worker = (p->worker + 63) / 64 * 64;
    LN_TRY(ln_mul_size(c, p->worker, c->threads, &bytes));
    ln_scratch(c, (size_t)bytes);
    switch (x->type) {
    case LINNET_FLOAT32:
        LN_SET_RUN(c, ln_deform_conv_f32);
        break;
    case LINNET_FLOAT64:
        LN_SET_RUN(c, ln_deform_conv_f64);
        break;
    case LINNET_FLOAT16:
        LN_SET_RUN(c, ln_deform_conv_f16);
        break;
    default:
        LN_SET_RUN(c, ln_deform_conv_bf16);
    }
    return LINNET_OK;
}

static const ln_attr_spec attrs[] = {LN_ATTR_WINDOW_INTS(deform_params, window, kernel_shape),
                                     LN_ATTR_WINDOW_INTS(deform_params, window, strides),
                                     LN_ATTR_WINDOW_INTS(deform_params, window, pads),
                                     LN_ATTR_WINDOW_INTS(deform_params, window, dilations),
                                     LN_ATTR_I(deform_params, group, 1),
                                     LN_ATTR_I(deform_params, offset_group, 1),
                                     LN_ATTR_END};

LN_OP(DeformConv) = {
    .domain = "",
    .type = "DeformConv",
    .since = {19, 22},
    .types = LN_T_FLOATS,
    .in = {3, 5},
    .out = {1, 1},
    .attrs = attrs,
    .params_size = sizeof(deform_params),
    .infer = deform_infer,
    .plan = deform_plan,
};
