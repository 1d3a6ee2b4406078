/* SPDX-License-Identifier: Apache-2.0
 *
 * QLinearConv-10, ConvInteger-10: convolution of quantised tensors in one to three spatial dimensions, with groups,
 * strides, dilation and a scale and zero point per output channel. Inside, the image is channels-last: then a position
 * of the window is a row of channels that the product reads where it lies (kernels/qgemm.h), or that the depthwise
 * kernel reads. An NCHW image is transposed through scratch, its result while it is hot. Where a row would be shorter
 * than what a kernel reads at once, the window is copied into one row first.
 */
#include <string.h>

#include "ops/fused.h"
#include "ops/qproduct.h"
#include "ops/qwindow.h"

enum { PIXELS = 48 }; /* of a task */
enum { MODE_ROWS, MODE_COPY, MODE_DEPTHWISE };

typedef struct qconv_params {
    ln_qwindow_attrs window;
    int64_t group, channels_last, ms_channels_last;
    ln_qwindow w;
    int64_t batch, channels, group_channels, outputs, group_outputs;
    int64_t group_bytes;                   /* packed weights of a group */
    int64_t packed_scales, scratch_scales; /* offsets */
    int64_t scratch_weights, scratch_image, scratch_zero, scratch_worker, worker_bytes, worker_copy, worker_tile;
    int32_t x_signed, w_signed, y_signed, integer; /* integer: ConvInteger */
    int32_t mode, last, transpose_in, transpose_out;
    int32_t packed, constant_scales, constant_x_zero; /* weights; scales; depthwise takes x's zero point in */
    int32_t sums, w_scales, w_zeros, has_bias;
    int32_t in_w, in_x_zero, in_w_zero; /* inputs; -1: absent */
} qconv_params;

/* Offsets of the parts of depthwise weights. */
static size_t depthwise_bias_at(const qconv_params *p)
{
    return ((size_t)(p->w.taps * p->channels) * sizeof(int16_t) + 63) / 64 * 64;
}

/* Behind the biases: the weights in 8 bits, and before them whether they fit. */
static size_t depthwise_w8_at(const qconv_params *p)
{
    return depthwise_bias_at(p) + ((size_t)p->channels * sizeof(int32_t) + 63) / 64 * 64;
}

static void pack_depthwise(const qconv_params *p, char *to, const uint8_t *w, const void *w_zero, const int32_t *bias,
                           int32_t x_zero)
{
    int16_t *v = (int16_t *)(void *)to;
    int32_t *b = (int32_t *)(void *)(to + depthwise_bias_at(p));
    for (int64_t c = 0; c < p->channels; c++) {
        int32_t zero = ln_zero_of(w_zero, p->w_signed, p->w_zeros > 1 ? c : 0);
        uint32_t sum = 0;
        for (int64_t t = 0; t < p->w.taps; t++) {
            int32_t e = ln_zero_of(w, p->w_signed, c * p->w.taps + t) - zero;
            v[t * p->channels + c] = (int16_t)e;
            sum += (uint32_t)e;
        }
        uint32_t shift = (uint32_t)(x_zero + (p->x_signed ? 128 : 0));
        b[c] = (int32_t)((bias ? (uint32_t)bias[c] : 0) - shift * sum);
    }
    char *w8 = to + depthwise_w8_at(p);
    *w8 = LN_D(qgemm)->depthwise8 && ln_qdepthwise_pack8((int8_t *)w8 + 64, v, (size_t)p->w.taps, (size_t)p->channels);
}

/* Packs the weights of all groups; returns whether row sums are needed. */
static bool pack_weights(const qconv_params *p, void *to, const void *w, const void *w_zero, const int32_t *bias,
                         int32_t x_zero)
{
    if (p->mode == MODE_DEPTHWISE) {
        pack_depthwise(p, to, w, w_zero, bias, x_zero);
        return false;
    }
    bool sums = false;
    size_t taps = (size_t)p->w.taps, k = (size_t)p->group_channels, n = (size_t)p->group_outputs;
    for (int64_t g = 0; g < p->group; g++) {
        size_t first = (size_t)g * n;
        ln_qgemm_b b = {.b = (const uint8_t *)w + first * k * taps,
                        .segments = taps,
                        .k = k,
                        .n = n,
                        .stride_s = 1,
                        .stride_k = taps,
                        .stride_n = k * taps,
                        .is_signed = p->w_signed,
                        .bias = bias ? bias + first : NULL,
                        .zero = w_zero,
                        .zero_stride = p->w_zeros > 1};
        if (w_zero && p->w_zeros > 1)
            b.zero += first;
        b.joined = p->mode == MODE_COPY;
        sums |= ln_qgemm_pack((char *)to + g * p->group_bytes, LN_D(qgemm), &b);
    }
    return sums;
}

static void fill_scales(const qconv_params *p, float *to, const float *x, const float *w, const float *y)
{
    for (int64_t i = 0; i < p->outputs; i++)
        to[i] = x[0] * w[p->w_scales > 1 ? i : 0] / y[0];
}

/* One run. */
typedef struct job {
    const qconv_params *p;
    const ln_args *a;
    const uint8_t *image; /* of this batch, channels-last */
    const uint8_t *zero;  /* a row of x's zero point */
    const char *weights;
    const float *scales;
    char *y; /* of this batch */
    int32_t x_zero, y_zero;
    bool sums;
} job;

/* Rows [0, n) of a tile of n pixels by `columns` values, to columns of y, which are out_size apart. */
static void scatter(char *y, const char *tile, int64_t n, int64_t columns, int64_t out_size, int wide)
{
    for (int64_t j = 0; j < columns; j++)
        for (int64_t i = 0; i < n; i++)
            if (wide)
                ((int32_t *)(void *)y)[j * out_size + i] = ((const int32_t *)(const void *)tile)[i * columns + j];
            else
                y[j * out_size + i] = tile[i * columns + j];
}

static void depthwise(const job *j, const uint8_t **rows, char *c, int64_t pixel, int64_t n, int64_t stride)
{
    const qconv_params *p = j->p;
    ln_qwindow_rows(&p->w, rows, 1, (size_t)p->w.taps, pixel, n, j->image, p->channels, j->zero);
    const char *w8 = j->weights + depthwise_w8_at(p);
    ln_qdepthwise_args g = {.taps = (size_t)p->w.taps,
                            .y_stride = (size_t)stride,
                            .w = (const int16_t *)(const void *)j->weights,
                            .w8 = *w8 ? (const int8_t *)w8 + 64 : NULL,
                            .bias = (const int32_t *)(const void *)(j->weights + depthwise_bias_at(p)),
                            .scale = j->scales,
                            .flip = p->x_signed ? 0x80 : 0,
                            .out = p->integer ? LN_QGEMM_I32 : LN_QGEMM_8,
                            .y_zero = j->y_zero,
                            .lo = (float)((p->y_signed ? -128 : 0) - j->y_zero),
                            .hi = (float)((p->y_signed ? 127 : 255) - j->y_zero)};
    LN_K(qdepthwise)((uint8_t *)c, rows, (size_t)n, (size_t)p->channels, &g);
}

static void product(const job *j, const uint8_t **rows, uint8_t *copy, char *c, int64_t pixel, int64_t n,
                    int64_t stride)
{
    const qconv_params *p = j->p;
    int64_t taps = p->w.taps, k = p->group_channels;
    size_t size = p->integer ? 4 : 1, panels;
    int32_t sums[PIXELS];
    const ln_qgemm_tile *tile = LN_D(qgemm);
    ln_qgemm_args g = {.k = (size_t)k,
                       .segments = (size_t)taps,
                       .a_stride = (size_t)n,
                       .c_stride = (size_t)stride,
                       .flip = p->x_signed ? 0x80 : 0,
                       .a_zero = j->x_zero + (p->x_signed ? 128 : 0),
                       .out = p->integer ? LN_QGEMM_I32 : LN_QGEMM_8,
                       .y_zero = j->y_zero,
                       .lo = (float)((p->y_signed ? -128 : 0) - j->y_zero),
                       .hi = (float)((p->y_signed ? 127 : 255) - j->y_zero)};
    for (int64_t group = 0; group < p->group; group++) {
        if (p->mode == MODE_COPY) {
            ln_qwindow_copy(&p->w, copy, pixel, n, j->image, p->channels, group * k, k, j->zero[0]);
            for (int64_t i = 0; i < n; i++)
                rows[i] = copy + i * taps * k;
            g.segments = 1;
            g.k = (size_t)(taps * k);
        } else {
            ln_qwindow_rows(&p->w, rows, (size_t)n, 1, pixel, n, j->image + group * k, p->channels, j->zero);
        }
        if (j->sums) {
            ln_qgemm_row_sums(sums, rows, (size_t)n, &g);
            g.row_sum = sums;
        }
        g.scale = j->scales ? j->scales + group * p->group_outputs : NULL;
        panels = ((size_t)p->group_outputs + tile->nr - 1) / tile->nr;
        ln_qgemm(c + (size_t)(group * p->group_outputs) * size, rows, j->weights + group * p->group_bytes, (size_t)n,
                 (size_t)p->group_outputs, 0, panels, tile, &g);
    }
}

static void tasks(void *arg, int32_t worker, int64_t begin, int64_t end)
{
    const job *j = arg;
    const qconv_params *p = j->p;
    char *own = (char *)j->a->scratch + p->scratch_worker + worker * p->worker_bytes;
    const uint8_t **rows = (const uint8_t **)(void *)own;
    size_t size = p->integer ? 4 : 1;
    for (int64_t t = begin; t < end; t++) {
        int64_t pixel = t * PIXELS, n = p->w.out_size - pixel < PIXELS ? p->w.out_size - pixel : PIXELS;
        char *c = p->transpose_out ? own + p->worker_tile : j->y + (size_t)(pixel * p->outputs) * size;
        if (p->mode == MODE_DEPTHWISE)
            depthwise(j, rows, c, pixel, n, p->outputs);
        else
            product(j, rows, (uint8_t *)own + p->worker_copy, c, pixel, n, p->outputs);
        if (p->transpose_out)
            scatter(j->y + (size_t)pixel * size, c, n, p->outputs, p->w.out_size, p->integer);
    }
}

typedef struct turn {
    uint8_t *to;
    const uint8_t *from;
    int64_t pixels, channels;
} turn;

/* Pixels [begin, end) of an image to channels-last, by blocks that stay in the cache. */
static void turn_pixels(void *arg, int32_t worker, int64_t begin, int64_t end)
{
    const turn *j = arg;
    (void)worker;
    for (int64_t c0 = 0; c0 < j->channels; c0 += 32)
        for (int64_t i = begin; i < end; i++)
            for (int64_t c = c0; c < j->channels && c < c0 + 32; c++)
                j->to[i * j->channels + c] = j->from[c * j->pixels + i];
}

/* packed: weights and scales are known to be. */
static inline __attribute__((always_inline)) linnet_status run(const ln_args *a, const bool packed)
{
    const qconv_params *p = a->params;
    char *scratch = a->scratch;
    const uint8_t *x = a->in[0];
    job j = {.p = p, .a = a, .weights = a->packed, .sums = p->sums != 0};
    j.x_zero = ln_zero_of(p->in_x_zero < 0 ? NULL : a->in[p->in_x_zero], p->x_signed, 0);
    if (!packed && !p->packed) {
        j.weights = scratch + p->scratch_weights;
        j.sums = pack_weights(p, scratch + p->scratch_weights, a->in[p->in_w],
                              p->in_w_zero < 0 ? NULL : a->in[p->in_w_zero], p->has_bias ? a->in[8] : NULL, j.x_zero);
    }
    if (!p->integer) {
        j.y_zero = ln_zero_of(a->in[7], p->y_signed, 0);
        j.scales = (const float *)(const void *)((const char *)a->packed + p->packed_scales);
        if (!packed && !p->constant_scales) {
            float *to = (float *)(void *)(scratch + p->scratch_scales);
            fill_scales(p, to, a->in[1], a->in[4], a->in[6]);
            j.scales = to;
        }
    }
    memset(scratch + p->scratch_zero, j.x_zero & 0xff, (size_t)p->channels);
    j.zero = (const uint8_t *)scratch + p->scratch_zero;
    size_t size = p->integer ? 4 : 1;
    int64_t blocks = (p->w.out_size + PIXELS - 1) / PIXELS;
    double cost = 0.02 * (double)PIXELS * (double)(p->w.taps * p->group_channels) * (double)p->outputs;
    for (int64_t b = 0; b < p->batch; b++) {
        j.image = x + b * p->channels * p->w.in_size;
        j.y = (char *)a->out[0] + (size_t)(b * p->outputs * p->w.out_size) * size;
        if (p->transpose_in) {
            uint8_t *image = (uint8_t *)scratch + p->scratch_image;
            turn t = {image, j.image, p->w.in_size, p->channels};
            ln_parallel(a, p->w.in_size, 0.5 * (double)p->channels, turn_pixels, &t);
            j.image = image;
        }
        ln_parallel(a, blocks, cost, tasks, &j);
    }
    return LINNET_OK;
}

LN_RUN(ln_qlinearconv)
{
    return run(a, false);
}

/* By itself, so that firmware does not pack. */
LN_RUN(ln_qlinearconv_packed)
{
    return run(a, true);
}

static linnet_type y_type(const ln_ctx *c, const qconv_params *p)
{
    return p->integer ? LINNET_INT32 : (linnet_type)c->in[7]->type;
}

/* The window and the checks; *known: all shapes that matter are. */
static linnet_status geometry(ln_ctx *c, qconv_params *p, bool *known)
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

static linnet_status plan(ln_ctx *c, qconv_params *p)
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
    p->mode = each ? MODE_DEPTHWISE : p->w.taps > 1 && p->group_channels < 16 ? MODE_COPY : MODE_ROWS;
    p->transpose_in = !p->last && p->channels > 1 && p->w.in_size > 1;
    p->transpose_out = !p->last && p->outputs > 1 && p->w.out_size > 1;
    int64_t depth, total;
    LN_TRY(ln_mul_size(c, p->w.taps, p->group_channels, &depth));
    LN_TRY(ln_mul_size(c, depth, p->outputs, &total));
    size_t taps = (size_t)p->w.taps, k = (size_t)p->group_channels;
    bool joined = p->mode == MODE_COPY;
    p->group_bytes =
        (int64_t)ln_qgemm_packed_bytes(LN_D(qgemm), joined ? 1 : taps, joined ? taps * k : k, (size_t)p->group_outputs);
    LN_TRY(ln_mul_size(c, p->group_bytes, p->group, &total));
    if (p->mode == MODE_DEPTHWISE)
        total = (int64_t)(depthwise_w8_at(p) + 64 +
                          (LN_D(qgemm)->depthwise8 ? ln_qdepthwise_bytes8(taps, (size_t)p->channels) : 0));
    p->packed = w->data && (!wz || wz->data) && (!bias || bias->data);
    if (p->mode == MODE_DEPTHWISE)
        p->packed &= !xz || xz->data;
    p->constant_scales = p->packed && !p->integer && c->in[1]->data && c->in[4]->data && c->in[6]->data;
    size_t scratch = 0, floats = ((size_t)p->outputs * sizeof(float) + 63) / 64 * 64;
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
    p->worker_copy = (int64_t)((PIXELS * taps * c->pointer_bytes + 63) / 64 * 64);
    p->worker_tile = p->worker_copy + (joined ? (int64_t)((PIXELS * taps * k + 63) / 64 * 64) : 0);
    p->worker_bytes = p->worker_tile + (p->transpose_out ? (PIXELS * p->outputs * 4 + 63) / 64 * 64 : 0);
    ln_scratch(c, scratch + (size_t)(p->worker_bytes * c->threads));
    if (!p->packed)
        return LINNET_OK;
    p->packed_scales = total;
    char *to = ln_pack(c, (size_t)total + (p->constant_scales ? floats : 0));
    if (!to)
        return ln_no_memory(c);
    p->sums = pack_weights(p, to, w->data, wz ? wz->data : NULL, bias ? bias->data : NULL,
                           xz && xz->data ? ln_zero_of(xz->data, p->x_signed, 0) : 0);
    if (p->constant_scales)
        fill_scales(p, (float *)(void *)(to + total), c->in[1]->data, c->in[4]->data, c->in[6]->data);
    if (p->constant_scales || p->integer)
        LN_SET_RUN(c, ln_qlinearconv_packed);
    ln_drop_input(c, p->in_w);
    return LINNET_OK;
}

static void set_inputs(ln_ctx *c, qconv_params *p, int32_t integer)
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
    qconv_params *p = c->params;
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

static const ln_attr_spec attrs[] = {LN_ATTRS_QWINDOW(qconv_params), LN_ATTR_I(qconv_params, group, 1),
                                     LN_ATTR_CHANNELS_LAST(qconv_params), LN_ATTR_END};

static const ln_attr_spec ms_attrs[] = {
    LN_ATTRS_QWINDOW(qconv_params),
    LN_ATTR_I(qconv_params, group, 1),
    LN_ATTR_CHANNELS_LAST(qconv_params),
    {.name = "channels_last", .kind = LN_AT_INT, .offset = offsetof(qconv_params, ms_channels_last)},
    LN_ATTR_END};

LN_OP(QLinearConv) = {
    .domain = "",
    .type = "QLinearConv",
    .since = {10},
    .types = LN_T_8,
    .in = {8, 9},
    .out = {1, 1},
    .attrs = attrs,
    .params_size = sizeof(qconv_params),
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
    .params_size = sizeof(qconv_params),
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
    .params_size = sizeof(qconv_params),
    .infer = integer_infer,
    .plan = integer_plan,
    LN_RUN_NAME(ln_qlinearconv),
};
