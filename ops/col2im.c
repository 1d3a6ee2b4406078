/* SPDX-License-Identifier: Apache-2.0
 *
 * Col2Im: adds the columns of sliding blocks up to images, for any number of spatial dimensions. ai.onnx Col2Im-18.
 * Every pixel gathers what falls on it, so that it is written once. Booleans add up as OR; strings have no sum, and are
 * refused.
 */
#include <complex.h>

#include "kernels/half.h"
#include "ops/spatial.h"

typedef struct col2im_params {
    ln_window window; /* kernel_shape is block_shape */
    int32_t n;        /* spatial dimensions */
    int64_t images;   /* batch times channels */
    int64_t taps, blocks, pixels;
    int64_t image[LN_WINDOW_MAX], count[LN_WINDOW_MAX]; /* sizes of the image, and of the grid of blocks */
} col2im_params;

#define BODY "ops/col2im.inc"
#define EACH_FLOAT32
#include "ops/each_float.inc"
#include "ops/each_integer.inc"
#undef BODY

#define NAME c64
#define TYPE float complex
#define SUM float complex
#define LOAD(x) (x)
#define STORE(x) (x)
#include "ops/col2im.inc"

#define NAME c128
#define TYPE double complex
#define SUM double complex
#define LOAD(x) (x)
#define STORE(x) (x)
#include "ops/col2im.inc"

#define NAME truth
#define TYPE uint8_t
#define SUM uint64_t
#define LOAD(x) (x)
#define STORE(x) ((x) != 0)
#include "ops/col2im.inc"

/* image_shape and block_shape; *n is 0 while they are not known. */
static linnet_status shapes(ln_ctx *c, col2im_params *p, int32_t *n)
{
    int64_t block[LN_WINDOW_MAX + 1];
    int32_t ni = ln_const_ints(c, 1, p->image, LN_WINDOW_MAX), nb = ln_const_ints(c, 2, block, LN_WINDOW_MAX);
    *n = 0;
    if (ni == -2 || nb == -2)
        return ln_fail(c, LINNET_ERR_MODEL, "image_shape or block_shape is no int64 tensor of at most %d elements",
                       LN_WINDOW_MAX);
    if (ni < 0 || nb < 0)
        return LINNET_OK;
    if (ni != nb || ni < 1)
        return ln_fail(c, LINNET_ERR_MODEL, "image_shape has %d elements, block_shape %d", ni, nb);
    *n = ni;
    p->window.n_kernel_shape = ni;
    p->taps = 1;
    for (int32_t i = 0; i < ni; i++) {
        p->window.kernel_shape[i] = block[i];
        if (block[i] < 1 || p->image[i] < 0 || p->image[i] > INT64_C(1) << 40)
            return ln_fail(c, LINNET_ERR_MODEL, "image_shape[%d] is %lld, block_shape[%d] is %lld", i,
                           (long long)p->image[i], i, (long long)block[i]);
        LN_TRY(ln_mul_size(c, p->taps, block[i], &p->taps));
    }
    return ln_window_resolve(c, &p->window, ni, NULL);
}

static linnet_status col2im_infer(ln_ctx *c)
{
    col2im_params *p = c->params;
    const ln_info *x = c->in[0];
    int32_t n;
    if (x->kind != LINNET_TENSOR)
        return ln_fail(c, LINNET_ERR_MODEL, "the input is no tensor");
    LN_TRY(ln_check_rank(c, 0, 3, 3, "the input"));
    LN_TRY(shapes(c, p, &n));
    if (n == 0) {
        const ln_info *shape = c->in[1];
        if (shape->rank != 1 || shape->dims[0] < 0)
            return ln_set_unknown(c, 0, (linnet_type)x->type);
        if (shape->dims[0] > LN_WINDOW_MAX)
            return ln_fail(c, LINNET_ERR_UNSUPPORTED, "%lld spatial dimensions", (long long)shape->dims[0]);
        int64_t dims[LN_MAX_RANK];
        for (int32_t i = 0; i < LN_MAX_RANK; i++)
            dims[i] = LN_UNKNOWN;
        return ln_set_shape(c, 0, (linnet_type)x->type, 2 + (int32_t)shape->dims[0], dims);
    }
    int64_t dims[LN_MAX_RANK] = {LN_UNKNOWN, LN_UNKNOWN};
    if (x->rank == 3) {
        dims[0] = x->dims[0];
        if (x->dims[1] >= 0 && x->dims[1] % p->taps)
            return ln_fail(c, LINNET_ERR_MODEL, "%lld channels are no multiple of a block of %lld",
                           (long long)x->dims[1], (long long)p->taps);
        if (x->dims[1] >= 0)
            dims[1] = x->dims[1] / p->taps;
    }
    p->blocks = 1;
    for (int32_t i = 0; i < n; i++) {
        dims[2 + i] = p->image[i];
        LN_TRY(ln_window_output(c, &p->window, i, p->image[i], &p->count[i]));
        LN_TRY(ln_mul_size(c, p->blocks, p->count[i], &p->blocks));
    }
    if (x->rank == 3)
        LN_TRY(ln_check_dim(c, x->dims[2], p->blocks, "number of blocks"));
    return ln_set_shape(c, 0, (linnet_type)x->type, 2 + n, dims);
}

static linnet_status col2im_plan(ln_ctx *c)
{
    col2im_params *p = c->params;
    LN_TRY(shapes(c, p, &p->n));
    if (p->n == 0)
        return LN_NEED_DATA;
    p->images = c->out[0]->dims[0] * c->out[0]->dims[1];
    p->pixels = p->blocks = 1;
    for (int32_t i = 0; i < p->n; i++) {
        LN_TRY(ln_window_output(c, &p->window, i, p->image[i], &p->count[i]));
        p->pixels *= p->image[i];
        p->blocks *= p->count[i];
    }
    switch (c->in[0]->type) {
    case LINNET_FLOAT32:
        LN_SET_RUN(c, ln_col2im_f32);
        break;
    case LINNET_FLOAT64:
        LN_SET_RUN(c, ln_col2im_f64);
        break;
    case LINNET_FLOAT16:
        LN_SET_RUN(c, ln_col2im_f16);
        break;
    case LINNET_BFLOAT16:
        LN_SET_RUN(c, ln_col2im_bf16);
        break;
    case LINNET_INT8:
    case LINNET_UINT8:
        LN_SET_RUN(c, ln_col2im_i8);
        break;
    case LINNET_INT16:
    case LINNET_UINT16:
        LN_SET_RUN(c, ln_col2im_i16);
        break;
    case LINNET_INT32:
    case LINNET_UINT32:
        LN_SET_RUN(c, ln_col2im_i32);
        break;
    case LINNET_BOOL:
        LN_SET_RUN(c, ln_col2im_truth);
        break;
    case LINNET_COMPLEX64:
        LN_SET_RUN(c, ln_col2im_c64);
        break;
    case LINNET_COMPLEX128:
        LN_SET_RUN(c, ln_col2im_c128);
        break;
    default:
        LN_SET_RUN(c, ln_col2im_i64);
    }
    return LINNET_OK;
}

static const ln_attr_spec attrs[] = {LN_ATTR_WINDOW_INTS(col2im_params, window, dilations),
                                     LN_ATTR_WINDOW_INTS(col2im_params, window, strides),
                                     LN_ATTR_WINDOW_INTS(col2im_params, window, pads), LN_ATTR_END};

LN_OP(Col2Im) = {
    .domain = "",
    .type = "Col2Im",
    .since = {18},
    .types = LN_T_NUMBERS | LN_T_COMPLEX | LN_T(LINNET_BOOL),
    .in = {3, 3},
    .out = {1, 1},
    .attrs = attrs,
    .params_size = sizeof(col2im_params),
    .infer = col2im_infer,
    .plan = col2im_plan,
};
