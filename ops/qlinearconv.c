/* SPDX-License-Identifier: Apache-2.0
 *
 * QLinearConv-10, ConvInteger-10: convolution of quantised tensors in one to three spatial dimensions, with groups,
 * strides, dilation and a scale and zero point per output channel.
 */
#include <string.h>

#include "ops/fused.h"
#include "ops/qlinearconv.h"

static linnet_type y_type(const ln_ctx *c, const ln_qconv *p)
{
    return p->integer ? LINNET_INT32 : (linnet_type)c->in[7]->type;
}

/* The window and the checks; *known: all shapes that matter are. */
static linnet_status geometry(ln_ctx *c, ln_qconv *p, bool *known)
{
    const ln_info *x = c->in[0], *w = c->in[p->in_w];
    *known = false;
    LN_TRY(ln_check_type(c, p->in_w, LN_T_8, "the weights"));
    LN_TRY(ln_check_type(c, p->in_x_zero < 0 ? 99 : p->in_x_zero, LN_T_8, "x_zero_point"));
    LN_TRY(ln_check_type(c, p->in_w_zero < 0 ? 99 : p->in_w_zero, LN_T_8, "w_zero_point"));
    LN_TRY(ln_check_rank(c, 0, 3, 2 + LN_QW_MAX, "x"));
    if (p->group < 1 || p->group > INT32_MAX)
        return ln_fail(c, LINNET_ERR_MODEL, "group %lld", (long long)p->group);
    p->last = p->channels_last || p->ms_channels_last;
    if (x->rank < 0 || w->rank < 0)
        return ln_set_unknown(c, 0, y_type(c, p));
    LN_TRY(ln_check_rank(c, p->in_w, x->rank, x->rank, "the weights"));
    int32_t rank = x->rank - 2, at = p->last ? x->rank - 1 : 1;
    LN_TRY(ln_qwindow_of(c, &p->window, rank, x->dims + (p->last ? 1 : 2), w->dims + 2, &p->w));
    int64_t channels = x->dims[at], outputs = w->dims[0], each = w->dims[1];
    if (channels >= 0 && each >= 0 && (each > INT32_MAX || channels != each * p->group))
        return ln_fail(c, LINNET_ERR_MODEL, "x has %lld channels, the weights take %lld in %lld groups",
                       (long long)channels, (long long)each, (long long)p->group);
    if (outputs >= 0 && outputs % p->group != 0)
        return ln_fail(c, LINNET_ERR_MODEL, "group %lld does not divide %lld outputs", (long long)p->group,
                       (long long)outputs);
    int64_t dims[LN_MAX_RANK] = {x->dims[0]};
    dims[at] = outputs;
    for (int32_t i = 0; i < rank; i++)
        dims[(p->last ? 1 : 2) + i] = p->w.out[LN_QW_MAX - rank + i];
    *known = ln_info_known(x) && ln_info_known(w);
    p->batch = x->dims[0];
    p->channels = channels;
    p->group_channels = each;
    p->outputs = outputs;
    p->group_outputs = outputs / p->group;
    return ln_set_shape(c, 0, y_type(c, p), x->rank, dims);
}

static linnet_status count_of(ln_ctx *c, int32_t i, int64_t each, const char *name, int32_t *count)
{
    int64_t n = i < 0 ? 0 : ln_info_count(c->in[i]);
    if (n > 1 && n != each)
        return ln_fail(c, LINNET_ERR_MODEL, "%s has %lld elements for %lld channels", name, (long long)n,
                       (long long)each);
    *count = n > 1 ? 2 : (int32_t)n;
    return LINNET_OK;
}

/* Depthwise of which an output line may lie where the input line of its number was. */
static bool may_be_in_place(const ln_qconv *p)
{
    const ln_qwindow *w = &p->w;
    bool same = p->mode == LN_QCONV_DEPTHWISE && !p->transpose_in && !p->transpose_out && !p->integer &&
                w->in[0] == 1 && w->kernel[0] == 1;
    for (int i = 1; i < LN_QW_MAX; i++)
        same = same && w->in[i] == w->out[i] && w->stride[i] == 1 && w->dilation[i] == 1 && w->before[i] < w->kernel[i];
    return same;
}

/* Whether the product takes little more for lines of the window than for the window in one row. */
static bool lines_are_long(const ln_qconv *p)
{
    int64_t kr = LN_D(qgemm)->kr, line = p->w.kernel[2] * p->group_channels;
    int64_t lines = (line + kr - 1) / kr * kr * p->w.kernel[1], window = (line * p->w.kernel[1] + kr - 1) / kr * kr;
    return p->mode == LN_QCONV_ROWS || lines <= window + window / 8;
}

/* By lines of the output, where windows are dense pieces of few lines of the image. Without vectors, as on the smallest
 * machines, a product takes so long that it is not worth the code. */
static void plan_lines(const ln_ctx *c, ln_qconv *p)
{
    enum { MOST = 256 << 10 }; /* bytes of lines */
    const ln_qwindow *w = &p->w;
    p->joined = p->mode == LN_QCONV_COPY ? w->taps : 1;
    p->repeat = 1;
    if (c->frugal || !ln_qgemm_has_vectors(LN_D(qgemm)) || w->out_size == 0 || w->taps == 1 || w->in[0] != 1 ||
        w->out[0] != 1 || w->kernel[0] != 1 || w->kernel[1] > LN_QCONV_HIGH || w->dilation[1] != 1 ||
        w->dilation[2] != 1)
        return;
    /* w.in[2] and the padding bound the width, whose product with channels is at least that of the image's line */
    int64_t width = (w->out[2] - 1) * w->stride[2] + w->kernel[2];
    if (width > MOST || width * p->channels > MOST / (w->kernel[1] + 1))
        return;
    if (p->mode == LN_QCONV_DEPTHWISE) {
        const int64_t least = LN_D(qgemm)->least_pixels ? LN_D(qgemm)->least_pixels : 4;
        int64_t most = LN_D(qgemm)->lanes / p->channels;
        most = most < p->pixels ? most : p->pixels;
        most = most < w->out[2] ? most : w->out[2];
        if (most < least || w->stride[2] != 1)
            return;
        int64_t parts = (w->out[2] + most - 1) / most;
        p->repeat = (int32_t)((w->out[2] + parts - 1) / parts);
        p->pixels = p->pixels / p->repeat * p->repeat;
    } else if (p->group > 1 || w->kernel[2] == 1) {
        return;
    } else if (lines_are_long(p)) {
        p->mode = LN_QCONV_LINES;
        p->joined = w->kernel[2];
    }
    p->by_lines = 1;
    p->line_bytes = (width * p->channels + 15) / 16 * 16;
}

/* Few tasks: as many for each thread, all of a size. */
static void even_tasks(const ln_ctx *c, ln_qconv *p)
{
    enum { LEAST = 12 }; /* pixels of a task */
    int64_t size = p->w.out_size, tasks = (size + p->pixels - 1) / p->pixels, all = c->threads;
    if (all < 2 || p->by_lines || tasks >= 4 * all)
        return;
    tasks = (tasks + all - 1) / all * all;
    if (size >= tasks * LEAST)
        p->pixels = (int32_t)((size + tasks - 1) / tasks);
}

static linnet_status plan(ln_ctx *c, ln_qconv *p)
{
    bool known;
    LN_TRY(geometry(c, p, &known));
    const ln_info *x = c->in[0], *w = c->in[p->in_w], *wz = p->in_w_zero < 0 ? NULL : c->in[p->in_w_zero];
    const ln_info *xz = p->in_x_zero < 0 ? NULL : c->in[p->in_x_zero], *bias = p->has_bias ? c->in[8] : NULL;
    if ((xz && xz->type != x->type) || (wz && wz->type != w->type))
        return ln_fail(c, LINNET_ERR_MODEL, "a zero point has another type than its tensor");
    p->x_signed = x->type == LINNET_INT8;
    p->w_signed = w->type == LINNET_INT8;
    int32_t one;
    LN_TRY(count_of(c, p->in_x_zero, 1, "x_zero_point", &one));
    LN_TRY(count_of(c, p->in_w_zero, p->outputs, "w_zero_point", &p->w_zeros));
    if (!p->integer) {
        LN_TRY(count_of(c, 1, 1, "x_scale", &one));
        LN_TRY(count_of(c, 4, p->outputs, "w_scale", &p->w_scales));
        LN_TRY(count_of(c, 6, 1, "y_scale", &one));
        LN_TRY(count_of(c, 7, 1, "y_zero_point", &one));
        p->y_signed = c->in[7]->type == LINNET_INT8;
        if (bias)
            LN_TRY(ln_check_dim(c, ln_info_count(bias), p->outputs, "length of the bias"));
    }
    bool each = p->group == p->channels && p->group_outputs == 1;
    p->mode = each ? LN_QCONV_DEPTHWISE : p->w.taps > 1 && p->group_channels < 16 ? LN_QCONV_COPY : LN_QCONV_ROWS;
    p->transpose_in = !p->last && p->channels > 1 && p->w.in_size > 1;
    p->transpose_out = !p->last && p->outputs > 1 && p->w.out_size > 1;
    int64_t depth, total;
    LN_TRY(ln_mul_size(c, p->w.taps, p->group_channels, &depth));
    LN_TRY(ln_mul_size(c, depth, p->outputs, &total));
    p->pixels = c->frugal ? LN_QCONV_FEW_PIXELS : LN_QCONV_PIXELS;
    plan_lines(c, p);
    even_tasks(c, p);
    size_t taps = (size_t)p->w.taps, k = (size_t)p->group_channels, joined = (size_t)p->joined;
    p->group_bytes = (int64_t)ln_qgemm_packed_bytes(LN_D(qgemm), taps / joined, joined * k, (size_t)p->group_outputs);
    LN_TRY(ln_mul_size(c, p->group_bytes, p->group, &total));
    if (p->mode == LN_QCONV_DEPTHWISE)
        total =
            (int64_t)(ln_qconv_depthwise8_at(p) + 64 +
                      (LN_D(qgemm)->depthwise8 ? ln_qdepthwise_bytes8(taps, (size_t)(p->channels * p->repeat)) : 0));
    p->packed = w->data && (!wz || wz->data) && (!bias || bias->data);
    if (p->mode == LN_QCONV_DEPTHWISE)
        p->packed &= !xz || xz->data;
    p->constant_scales = p->packed && !p->integer && c->in[1]->data && c->in[4]->data && c->in[6]->data;
    const bool planes = ln_qconv_is_planes(c, p);
    if (planes) {
        ln_qconv_plan_planes(p, 0);
        total = (int64_t)ln_qconv_planes_bytes(p);
    }
    size_t scratch = 0, floats = ((size_t)(p->outputs * p->repeat) * sizeof(float) + 63) / 64 * 64;
    p->scratch_weights = 0;
    scratch += p->packed ? 0 : (size_t)total;
    p->scratch_scales = (int64_t)scratch;
    scratch += p->integer || p->constant_scales ? 0 : floats;
    p->scratch_zero = (int64_t)scratch;
    scratch += ((size_t)p->channels + 63) / 64 * 64;
    p->scratch_image = (int64_t)scratch;
    if (p->transpose_in)
        scratch += ((size_t)(p->channels * p->w.in_size) + 63) / 64 * 64;
    p->scratch_worker = (int64_t)scratch;
    const size_t pixels = (size_t)p->pixels, over = p->by_lines ? 16 : 0; /* read and written behind the end */
    const bool copy = p->mode == LN_QCONV_COPY;
    p->worker_copy = (int64_t)((pixels * (taps / joined) * c->pointer_bytes + 63) / 64 * 64);
    p->worker_tile = p->worker_copy + (copy ? (int64_t)((pixels * taps * k + over + 63) / 64 * 64) : 0);
    p->worker_lines = p->worker_tile + (p->transpose_out ? ((int64_t)pixels * p->outputs * 4 + 63) / 64 * 64 : 0);
    p->worker_bytes =
        p->worker_lines + ((p->w.kernel[1] + 1) * p->line_bytes + (int64_t)over + 63) / 64 * 64 * p->by_lines;
    if (planes)
        ln_qconv_plan_planes(p, p->scratch_worker);
    if (c->frugal > 1 && p->packed && p->constant_scales && may_be_in_place(p)) {
        p->in_place = 1;
        p->scratch_lines = p->scratch_worker;
        p->scratch_worker += (p->w.kernel[1] * p->w.in[2] * p->channels + 63) / 64 * 64;
        scratch = (size_t)p->scratch_worker;
        ln_in_place(c, 0, 0);
    }
    ln_scratch(c, scratch + (size_t)(p->worker_bytes * c->threads));
    if (!p->packed)
        return LINNET_OK;
    p->packed_scales = total;
    char *to = ln_pack(c, (size_t)total + (p->constant_scales ? floats : 0));
    if (!to)
        return ln_no_memory(c);
    p->sums = ln_qconv_pack(p, to, w->data, wz ? wz->data : NULL, bias ? bias->data : NULL,
                            xz && xz->data ? ln_zero_of(xz->data, p->x_signed, 0) : 0);
    if (p->constant_scales)
        ln_qconv_scales(p, (float *)(void *)(to + total), c->in[1]->data, c->in[4]->data, c->in[6]->data);
    if (planes)
        LN_SET_RUN(c, ln_qlinearconv_planes);
    else if ((p->constant_scales || p->integer) && p->by_lines)
        LN_SET_RUN(c, ln_qlinearconv_lines);
    else if (p->constant_scales || p->integer)
        LN_SET_RUN(c, ln_qlinearconv_packed);
    if (p->in_place)
        LN_SET_RUN(c, ln_qlinearconv_in_place);
    ln_drop_input(c, p->in_w);
    return LINNET_OK;
}

static void set_inputs(ln_ctx *c, ln_qconv *p, int32_t integer)
{
    p->integer = integer;
    p->in_w = integer ? 1 : 3;
    p->in_x_zero = ln_in(c, 2) ? 2 : -1;
    p->in_w_zero = integer ? ln_in(c, 3) ? 3 : -1 : 5;
    p->has_bias = !integer && ln_in(c, 8);
}

static linnet_status qlinear_infer(ln_ctx *c)
{
    static const int32_t scales[] = {1, 4, 6};
    ln_qconv *p = c->params;
    bool known;
    set_inputs(c, p, 0);
    for (int i = 0; i < 3; i++)
        LN_TRY(ln_check_type(c, scales[i], LN_T(LINNET_FLOAT32), "a scale"));
    LN_TRY(ln_check_type(c, 7, LN_T_8, "y_zero_point"));
    LN_TRY(ln_check_type(c, 8, LN_T(LINNET_INT32), "the bias"));
    return geometry(c, p, &known);
}

static linnet_status qlinear_plan(ln_ctx *c)
{
    set_inputs(c, c->params, 0);
    return plan(c, c->params);
}

static linnet_status integer_infer(ln_ctx *c)
{
    bool known;
    set_inputs(c, c->params, 1);
    return geometry(c, c->params, &known);
}

static linnet_status integer_plan(ln_ctx *c)
{
    set_inputs(c, c->params, 1);
    return plan(c, c->params);
}

static const ln_attr_spec attrs[] = {LN_ATTRS_QWINDOW(ln_qconv), LN_ATTR_I(ln_qconv, group, 1),
                                     LN_ATTR_CHANNELS_LAST(ln_qconv), LN_ATTR_END};

static const ln_attr_spec ms_attrs[] = {
    LN_ATTRS_QWINDOW(ln_qconv),
    LN_ATTR_I(ln_qconv, group, 1),
    LN_ATTR_CHANNELS_LAST(ln_qconv),
    {.name = "channels_last", .kind = LN_AT_INT, .offset = offsetof(ln_qconv, ms_channels_last)},
    LN_ATTR_END};

LN_OP(QLinearConv) = {
    .domain = "",
    .type = "QLinearConv",
    .since = {10},
    .types = LN_T_8,
    .in = {8, 9},
    .out = {1, 1},
    .attrs = attrs,
    .params_size = sizeof(ln_qconv),
    .infer = qlinear_infer,
    .plan = qlinear_plan,
    LN_RUN_NAME(ln_qlinearconv),
};

LN_OP(MsQLinearConv) = {
    .domain = "com.microsoft",
    .type = "QLinearConv",
    .since = {1},
    .types = LN_T_8,
    .in = {8, 9},
    .out = {1, 1},
    .attrs = ms_attrs,
    .params_size = sizeof(ln_qconv),
    .infer = qlinear_infer,
    .plan = qlinear_plan,
    LN_RUN_NAME(ln_qlinearconv),
};

LN_OP(ConvInteger) = {
    .domain = "",
    .type = "ConvInteger",
    .since = {10},
    .types = LN_T_8,
    .in = {2, 4},
    .out = {1, 1},
    .attrs = attrs,
    .params_size = sizeof(ln_qconv),
    .infer = integer_infer,
    .plan = integer_plan,
    LN_RUN_NAME(ln_qlinearconv),
};
