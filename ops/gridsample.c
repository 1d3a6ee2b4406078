/* SPDX-License-Identifier: Apache-2.0
 *
 * GridSample: an image of any number of spatial dimensions, sampled at the points of a grid in normalised coordinates,
 * nearest, linear or cubic. The neighbours of a point and their weights are found once for all channels. What is no
 * float is summed in float64 and rounded, complex numbers part by part. ai.onnx GridSample-16 to -22.
 */
#include <math.h>
#include <string.h>

#include "kernels/half.h"
#include "ops/moving.h"

enum { LINEAR, NEAREST, CUBIC, BILINEAR, BICUBIC };
enum { ZEROS, BORDER, REFLECTION };
enum { MAX_TAPS = 64 };

typedef struct grid_params {
    int64_t align_corners;
    int32_t mode, padding_mode;
    int64_t samples, channels, points, plane; /* points of one sample, pixels of one channel */
    int64_t dims[LN_MAX_RANK], strides[LN_MAX_RANK];
    int64_t size;
    int32_t rank, type, grid_type, pad;
} grid_params;

/* Neighbours of a point: offsets in a channel, -1 for a zero. */
typedef struct taps {
    int64_t at[MAX_TAPS];
    double weight[MAX_TAPS];
    int32_t n;
} taps;

/* Coordinates are computed in the precision of the grid. */
static double rounded(const grid_params *p, double x)
{
    return p->grid_type == LINNET_FLOAT64 ? x : (double)(float)x;
}

static double reflect(double x, double low, double high)
{
    double range = high - low;
    if (!(range > 0))
        return low;
    if (x < low) {
        double d = low - x, n = floor(d / range), r = d - n * range;
        return fmod(n, 2) == 0 ? low + r : high - r;
    }
    if (x > high) {
        double d = x - high, n = floor(d / range), r = d - n * range;
        return fmod(n, 2) == 0 ? high - r : low + r;
    }
    return x;
}

/* The coordinate along a dimension in pixels, within what the integers hold. */
static double coordinate(const grid_params *p, double n, int32_t d)
{
    double size = (double)p->dims[d], x;
    double low = p->align_corners ? 0 : -0.5, high = p->align_corners ? size - 1 : size - 0.5;
    if (p->align_corners)
        x = rounded(p, rounded(p, rounded(p, n + 1) / 2) * (size - 1));
    else
        x = rounded(p, rounded(p, rounded(p, rounded(p, n + 1) * size) - 1) / 2);
    if (p->mode == NEAREST)
        x = rint(x);
    if (x < low || x > high) {
        if (p->padding_mode == BORDER)
            x = x < 0 ? 0 : size - 1;
        else if (p->padding_mode == REFLECTION)
            x = rounded(p, reflect(x, low, high));
    }
    return x > -0x1p40 && x < 0x1p40 ? x : -0x1p40;
}

/* The index of a pixel by the padding mode; -1: a zero. */
static int64_t pixel(const grid_params *p, int64_t i, int32_t d)
{
    int64_t n = p->dims[d];
    if (i >= 0 && i < n)
        return i;
    if (p->padding_mode == ZEROS)
        return -1;
    if (p->padding_mode == REFLECTION) {
        double low = p->align_corners ? 0 : -0.5, high = p->align_corners ? (double)n - 1 : (double)n - 0.5;
        i = (int64_t)reflect((double)i, low, high);
    }
    return i < 0 ? 0 : i >= n ? n - 1 : i;
}

static void cubic_weights(double t, double *w)
{
    const double a = -0.75;
    w[0] = ((a * (t + 1) - 5 * a) * (t + 1) + 8 * a) * (t + 1) - 4 * a;
    w[1] = ((a + 2) * t - (a + 3)) * t * t + 1;
    w[2] = ((a + 2) * (1 - t) - (a + 3)) * (1 - t) * (1 - t) + 1;
    w[3] = ((a * (2 - t) - 5 * a) * (2 - t) + 8 * a) * (2 - t) - 4 * a;
}

/* Multiplies the taps so far by those along dimension d. */
static void extend(const grid_params *p, taps *t, double x, int32_t d)
{
    double w[4] = {1, 0, 0, 0};
    int64_t index[4] = {0}, first = (int64_t)floor(x);
    int32_t n = p->mode == NEAREST ? 1 : p->mode == LINEAR ? 2 : 4;
    if (p->mode == LINEAR) {
        w[1] = x - floor(x);
        w[0] = 1 - w[1];
    } else if (p->mode == CUBIC) {
        cubic_weights(x - floor(x), w);
        first--;
    }
    for (int32_t i = 0; i < n; i++)
        index[i] = pixel(p, first + i, d);
    for (int32_t i = n - 1; i >= 0; i--) /* tap set 0 last: the others are made from it */
        for (int32_t k = 0; k < t->n; k++) {
            int32_t to = i * t->n + k;
            t->at[to] = t->at[k] < 0 || index[i] < 0 ? -1 : t->at[k] + index[i] * p->strides[d];
            t->weight[to] = t->weight[k] * w[i];
        }
    t->n *= n;
}

#define SUMS(T, C, LOAD, STORE)                                                                                        \
    for (int64_t c = 0; c < p->channels; c++) {                                                                        \
        const T *channel = (const T *)x + c * p->plane;                                                                \
        C sum = 0;                                                                                                     \
        for (int32_t i = 0; i < t->n; i++)                                                                             \
            if (t->at[i] >= 0)                                                                                         \
                sum += (C)t->weight[i] * LOAD(channel[t->at[i]]);                                                      \
        ((T *)y)[c * p->points] = STORE(sum);                                                                          \
    }

/* The same for the other types. */
static void other_sums(const grid_params *p, const taps *t, const char *x, char *y)
{
    int type = p->type == LINNET_COMPLEX64 ? LINNET_FLOAT32 : p->type == LINNET_COMPLEX128 ? LINNET_FLOAT64 : p->type;
    int64_t parts = type == p->type ? 1 : 2;
    for (int64_t c = 0; c < p->channels; c++)
        for (int64_t part = 0; part < parts; part++) {
            double sum = 0, v;
            for (int32_t i = 0; i < t->n; i++)
                if (t->at[i] >= 0) {
                    ln_to_f64(&v, x, type, (c * p->plane + t->at[i]) * parts + part, 1);
                    sum += t->weight[i] * v;
                }
            ln_from_f64(y, type, c * p->points * parts + part, &sum, 1);
        }
}

/* One point of all channels; x and y are those of the first. */
static void sample(const grid_params *p, const taps *t, const char *x, char *y)
{
    if (p->mode == NEAREST) {
        for (int64_t c = 0; c < p->channels; c++, x += p->plane * p->size, y += p->points * p->size)
            if (t->at[0] < 0)
                memset(y, 0, (size_t)p->size);
            else
                memcpy(y, x + t->at[0] * p->size, (size_t)p->size);
        return;
    }
    switch (p->type) {
    case LINNET_FLOAT32:
        SUMS(float, float, , )
        break;
    case LINNET_FLOAT64:
        SUMS(double, double, , )
        break;
    case LINNET_FLOAT16:
        SUMS(uint16_t, float, ln_f16_to_f32, ln_f32_to_f16)
        break;
    case LINNET_BFLOAT16:
        SUMS(uint16_t, float, ln_bf16_to_f32, ln_f32_to_bf16)
        break;
    default:
        other_sums(p, t, x, y);
    }
}

static void points(void *arg, int32_t worker, int64_t begin, int64_t end)
{
    const ln_args *a = arg;
    const grid_params *p = a->params;
    (void)worker;
    for (int64_t i = begin; i < end; i++) {
        int64_t n = i / p->points, at = i % p->points;
        taps t = {.at = {0}, .weight = {1}, .n = 1};
        for (int32_t d = 0; d < p->rank; d++) /* the grid has the last dimension first */
            extend(p, &t, coordinate(p, ln_get_f64(a->in[1], p->grid_type, i * p->rank + p->rank - 1 - d), d), d);
        sample(p, &t, (const char *)a->in[0] + n * p->channels * p->plane * p->size,
               (char *)a->out[0] + (n * p->channels * p->points + at) * p->size);
    }
}

LN_RUN(ln_gridsample)
{
    const grid_params *p = a->params;
    ln_parallel(a, p->samples * p->points, 50 + 5.0 * (double)p->channels, points, (void *)(uintptr_t)a);
    return LINNET_OK;
}

static linnet_status grid_infer(ln_ctx *c)
{
    grid_params *p = c->params;
    const ln_info *x = c->in[0], *grid = c->in[1];
    int64_t dims[LN_MAX_RANK];
    LN_TRY(ln_check_type(c, 1, LN_T_FLOATS, "grid"));
    LN_TRY(ln_check_rank(c, 0, 3, LN_MAX_RANK, "X"));
    if (p->mode == BILINEAR || p->mode == BICUBIC)
        p->mode = p->mode == BILINEAR ? LINEAR : CUBIC;
    if (p->mode != NEAREST && x->type == LINNET_STRING)
        return ln_fail(c, LINNET_ERR_MODEL, "strings with a mode other than nearest");
    if (x->rank < 0)
        return ln_set_unknown(c, 0, (linnet_type)x->type);
    LN_TRY(ln_check_rank(c, 1, x->rank, x->rank, "grid"));
    int32_t most = p->mode == CUBIC ? 3 : 6; /* MAX_TAPS neighbours */
    if (x->rank - 2 > most)
        return ln_fail(c, LINNET_ERR_UNSUPPORTED, "%d spatial dimensions in this mode, at most %d are supported",
                       x->rank - 2, most);
    dims[0] = x->dims[0];
    dims[1] = x->dims[1];
    for (int32_t i = 2; i < x->rank; i++) {
        dims[i] = grid->rank < 0 ? LN_UNKNOWN : grid->dims[i - 1];
        if (x->dims[i] == 0)
            return ln_fail(c, LINNET_ERR_MODEL, "X has no pixels");
    }
    if (grid->rank >= 0) {
        LN_TRY(ln_check_dim(c, grid->dims[0], x->dims[0], "the number of samples in grid"));
        LN_TRY(ln_check_dim(c, grid->dims[x->rank - 1], x->rank - 2, "the last dimension of grid"));
    }
    return ln_set_shape(c, 0, (linnet_type)x->type, x->rank, dims);
}

static linnet_status grid_plan(ln_ctx *c)
{
    grid_params *p = c->params;
    const ln_info *x = c->in[0];
    if (p->mode == BILINEAR || p->mode == BICUBIC)
        p->mode = p->mode == BILINEAR ? LINEAR : CUBIC;
    p->rank = x->rank - 2;
    p->type = x->type;
    p->grid_type = c->in[1]->type;
    p->size = (int64_t)linnet_type_size((linnet_type)x->type);
    p->channels = x->dims[1];
    p->plane = ln_dims_product(x->dims, 2, x->rank);
    p->points = ln_dims_product(c->out[0]->dims, 2, x->rank);
    p->samples = x->dims[0];
    for (int32_t i = 0; i < p->rank; i++)
        p->dims[i] = x->dims[i + 2];
    ln_strides(p->rank, p->dims, p->strides);
    return LINNET_OK;
}

static const ln_attr_spec attrs[] = {LN_ATTR_I(grid_params, align_corners, 0),
                                     LN_ATTR_E(grid_params, mode, "linear|nearest|cubic|bilinear|bicubic", LINEAR),
                                     LN_ATTR_E(grid_params, padding_mode, "zeros|border|reflection", ZEROS),
                                     LN_ATTR_END};

LN_OP(GridSample) = {
    .domain = "",
    .type = "GridSample",
    .since = {16, 20, 22},
    .types = LN_T_ALL,
    .in = {2, 2},
    .out = {1, 1},
    .attrs = attrs,
    .params_size = sizeof(grid_params),
    .infer = grid_infer,
    .plan = grid_plan,
    LN_RUN_NAME(ln_gridsample),
};
