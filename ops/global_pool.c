/* SPDX-License-Identifier: Apache-2.0
 *
 * GlobalAveragePool, GlobalMaxPool and GlobalLpPool: one value for each channel of each image. ai.onnx
 * GlobalAveragePool-1, -22, GlobalMaxPool-1, -22, GlobalLpPool-2, -22 (bfloat16). Passes may ask for channels-last
 * tensors (fused.h).
 *
 * The small types compute in float32 and round once; sums go by lanes, so that they vectorise and lose little.
 */
#include <math.h>

#include "kernels/half.h"
#include "kernels/kernels.h"
#include "ops/fused.h"
#include "ops/spatial.h"

enum { MAXIMUM, AVERAGE, LP };
#define LANES 16
#define ROWS 64  /* pixels that are summed at a time */
#define CHUNK 64 /* channels of a task with channels last */
#define PIECES 8 /* of the pixels of an image of LARGE elements and more */
#define LARGE 32768

typedef struct global_params {
    int64_t channels_last, p;
    int64_t planes, pixels, channels, batch;
    int32_t kind;
    bool pieces;
} global_params;

static inline float take(const global_params *p, float s, float x)
{
    if (p->kind == MAXIMUM)
        return x > s || isnan(x) ? x : s;
    if (p->kind == AVERAGE)
        return s + x;
    return s + (p->p == 2 ? x * x : p->p == 1 ? fabsf(x) : powf(fabsf(x), (float)p->p));
}

static inline float join(const global_params *p, float s, float t)
{
    return p->kind == MAXIMUM ? take(p, s, t) : s + t;
}

static inline float finish(const global_params *p, float s)
{
    if (p->kind == AVERAGE)
        return s / (float)p->pixels;
    if (p->kind == LP)
        return p->p == 2 ? sqrtf(s) : p->p == 1 ? s : powf(s, 1 / (float)p->p);
    return s;
}

#define TYPE float
#define NAME(x) x##_f32
#define LOAD(x) (x)
#define STORE(x) (x)
#include "ops/global_pool.inc"

#define TYPE uint16_t
#define NAME(x) x##_f16
#define LOAD(x) ln_f16_to_f32(x)
#define STORE(x) ln_f32_to_f16(x)
#include "ops/global_pool.inc"

#define TYPE uint16_t
#define NAME(x) x##_bf16
#define LOAD(x) ln_bf16_to_f32(x)
#define STORE(x) ln_f32_to_bf16(x)
#include "ops/global_pool.inc"

LN_RUN(ln_global_pool_f64)
{
    const global_params *p = a->params;
    const double *x = a->in[0];
    double *y = a->out[0];
    for (int64_t i = 0; i < p->planes; i++) {
        double s = p->kind == MAXIMUM ? -(double)INFINITY : 0;
        for (int64_t k = 0; k < p->pixels; k++) {
            double v = *x++;
            if (p->kind == MAXIMUM)
                s = v > s || isnan(v) ? v : s;
            else
                s += p->kind == AVERAGE ? v : pow(fabs(v), (double)p->p);
        }
        y[i] = p->kind == AVERAGE ? s / (double)p->pixels : p->kind == LP ? pow(s, 1 / (double)p->p) : s;
    }
    return LINNET_OK;
}

/* Channels first: the mean of whole planes. */
static void mean_planes(void *arg, int32_t worker, int64_t begin, int64_t end)
{
    const ln_args *args = arg;
    const global_params *p = args->params;
    const float *x = (const float *)args->in[0] + begin * p->pixels;
    float *y = args->out[0];
    (void)worker;
    for (int64_t i = begin; i < end; i++, x += p->pixels)
        y[i] = LN_K(sum_f32)(x, (size_t)p->pixels, 0) / (float)p->pixels;
}

LN_RUN(ln_global_pool_f32_mean)
{
    const global_params *p = a->params;
    ln_parallel(a, p->planes, (double)p->pixels * 0.1 + 5, mean_planes, (void *)(uintptr_t)a);
    return LINNET_OK;
}

/* The sums of n channels over some pixels, in their order, times scale; rows of pixels at a time. */
static void sum_last(const global_params *p, float *y, const float *x, int64_t pixels, int64_t n, float scale)
{
    const float *rows[ROWS + 1];
    float sums[2][CHUNK] = {{0}};
    for (int64_t k = 0, turn = 0; k < pixels; k += ROWS, turn ^= 1) {
        int64_t count = pixels - k < ROWS ? pixels - k : ROWS;
        rows[0] = sums[turn];
        for (int64_t i = 0; i < count; i++)
            rows[i + 1] = x + (k + i) * p->channels;
        bool end = k + count == pixels;
        LN_K(pool_sum_f32)(end ? y : sums[turn ^ 1], rows, (size_t)count + 1, (size_t)n, end ? scale : 1);
    }
}

/* Large images: a task is a piece of the pixels, which the steps before and after divide, too; its sums into scratch.
 */
static void pixel_pieces(void *arg, int32_t worker, int64_t begin, int64_t end)
{
    const ln_args *args = arg;
    const global_params *p = args->params;
    (void)worker;
    for (int64_t i = begin; i < end; i++) {
        int64_t first = p->pixels * (i % PIECES) / PIECES, n = p->pixels * (i % PIECES + 1) / PIECES - first;
        const float *x = (const float *)args->in[0] + (i / PIECES * p->pixels + first) * p->channels;
        float *y = (float *)args->scratch + i * p->channels;
        for (int64_t c = 0; c < p->channels; c += CHUNK)
            sum_last(p, y + c, x + c, n, p->channels - c < CHUNK ? p->channels - c : CHUNK, 1);
    }
}

static void join_pieces(const ln_args *a, const global_params *p)
{
    const float *rows[PIECES];
    for (int64_t image = 0; image < p->batch; image++) {
        for (int64_t i = 0; i < PIECES; i++)
            rows[i] = (const float *)a->scratch + (image * PIECES + i) * p->channels;
        LN_K(pool_sum_f32)
        ((float *)a->out[0] + image * p->channels, rows, PIECES, (size_t)p->channels, 1 / (float)p->pixels);
    }
}

/* Channels last: a task is a chunk of channels of an image. */
static void channel_chunks(void *arg, int32_t worker, int64_t begin, int64_t end)
{
    const ln_args *args = arg;
    const global_params *p = args->params;
    int64_t chunks = (p->channels + CHUNK - 1) / CHUNK;
    (void)worker;
    for (int64_t i = begin; i < end; i++) {
        int64_t first = i % chunks * CHUNK, n = p->channels - first < CHUNK ? p->channels - first : CHUNK;
        const float *x = (const float *)args->in[0] + i / chunks * p->pixels * p->channels + first;
        float *y = (float *)args->out[0] + i / chunks * p->channels + first, s[CHUNK];
        if (p->kind == AVERAGE && p->pixels > 0) {
            sum_last(p, y, x, p->pixels, n, 1 / (float)p->pixels);
            continue;
        }
        for (int64_t c = 0; c < n; c++)
            s[c] = p->kind == MAXIMUM ? -INFINITY : 0;
        for (int64_t k = 0; k < p->pixels; k++, x += p->channels)
            for (int64_t c = 0; c < n; c++)
                s[c] = take(p, s[c], x[c]);
        for (int64_t c = 0; c < n; c++)
            y[c] = finish(p, s[c]);
    }
}

LN_RUN(ln_global_pool_f32_last)
{
    const global_params *p = a->params;
    if (p->pieces) {
        double cost = (double)p->pixels * (double)p->channels * 0.1 / PIECES;
        ln_parallel(a, p->batch * PIECES, cost, pixel_pieces, (void *)(uintptr_t)a);
        join_pieces(a, p);
        return LINNET_OK;
    }
    int64_t chunks = (p->channels + CHUNK - 1) / CHUNK;
    ln_parallel(a, p->batch * chunks, (double)p->pixels * CHUNK * 0.1, channel_chunks, (void *)(uintptr_t)a);
    return LINNET_OK;
}

static linnet_status global_infer(ln_ctx *c)
{
    const global_params *p = c->params;
    const ln_info *x = c->in[0];
    if (x->kind != LINNET_TENSOR)
        return ln_fail(c, LINNET_ERR_MODEL, "the input is no tensor");
    if (p->channels_last && x->type && x->type != LINNET_FLOAT32)
        return ln_fail(c, LINNET_ERR_UNSUPPORTED, "channels last with %s", linnet_type_name((linnet_type)x->type));
    if (x->rank < 0)
        return ln_set_unknown(c, 0, (linnet_type)x->type);
    if (x->rank < 2)
        return ln_fail(c, LINNET_ERR_MODEL, "input of rank %d, at least 2 is needed", x->rank);
    int64_t dims[LN_MAX_RANK];
    for (int32_t i = 0; i < x->rank; i++)
        dims[i] = i == 0 || i == ln_channel_axis(x, p->channels_last != 0) ? x->dims[i] : 1;
    return ln_set_shape(c, 0, (linnet_type)x->type, x->rank, dims);
}

static linnet_status global_plan(ln_ctx *c, int32_t kind)
{
    global_params *p = c->params;
    const ln_info *x = c->in[0];
    p->kind = kind;
    p->batch = x->dims[0];
    p->channels = x->dims[ln_channel_axis(x, p->channels_last != 0)];
    p->planes = p->batch * p->channels;
    p->pixels = 1;
    for (int32_t i = 0; i < x->rank - 2; i++)
        p->pixels *= ln_spatial(x, p->channels_last != 0)[i];
    if (kind == LP && p->p < 1)
        return ln_fail(c, LINNET_ERR_MODEL, "p is %lld", (long long)p->p);
    p->pieces = p->channels_last && kind == AVERAGE && p->pixels * p->channels >= LARGE && p->pixels >= PIECES;
    if (p->pieces) {
        int64_t bytes;
        LN_TRY(ln_mul_size(c, p->planes, PIECES * (int64_t)sizeof(float), &bytes));
        ln_scratch(c, (size_t)bytes);
    }
    if (p->channels_last)
        LN_SET_RUN(c, ln_global_pool_f32_last);
    else if (x->type == LINNET_FLOAT32 && kind == AVERAGE)
        LN_SET_RUN(c, ln_global_pool_f32_mean);
    else if (x->type == LINNET_FLOAT32)
        LN_SET_RUN(c, ln_global_pool_f32);
    else if (x->type == LINNET_FLOAT16)
        LN_SET_RUN(c, ln_global_pool_f16);
    else if (x->type == LINNET_BFLOAT16)
        LN_SET_RUN(c, ln_global_pool_bf16);
    else
        LN_SET_RUN(c, ln_global_pool_f64);
    return LINNET_OK;
}

static linnet_status max_plan(ln_ctx *c)
{
    return global_plan(c, MAXIMUM);
}

static linnet_status average_plan(ln_ctx *c)
{
    return global_plan(c, AVERAGE);
}

static linnet_status lp_plan(ln_ctx *c)
{
    return global_plan(c, LP);
}

static const ln_attr_spec attrs[] = {LN_ATTR_CHANNELS_LAST(global_params), LN_ATTR_END};
static const ln_attr_spec lp_attrs[] = {LN_ATTR_CHANNELS_LAST(global_params), LN_ATTR_I(global_params, p, 2),
                                        LN_ATTR_END};

LN_OP(GlobalMaxPool) = {
    .domain = "",
    .type = "GlobalMaxPool",
    .since = {1, 22},
    .types = LN_T_FLOATS,
    .in = {1, 1},
    .out = {1, 1},
    .attrs = attrs,
    .params_size = sizeof(global_params),
    .infer = global_infer,
    .plan = max_plan,
};

LN_OP(GlobalAveragePool) = {
    .domain = "",
    .type = "GlobalAveragePool",
    .since = {1, 22},
    .types = LN_T_FLOATS,
    .in = {1, 1},
    .out = {1, 1},
    .attrs = attrs,
    .params_size = sizeof(global_params),
    .infer = global_infer,
    .plan = average_plan,
};

LN_OP(GlobalLpPool) = {
    .domain = "",
    .type = "GlobalLpPool",
    .since = {2, 22},
    .types = LN_T_FLOATS,
    .in = {1, 1},
    .out = {1, 1},
    .attrs = lp_attrs,
    .params_size = sizeof(global_params),
    .infer = global_infer,
    .plan = lp_plan,
};
