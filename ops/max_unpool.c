/* SPDX-License-Identifier: Apache-2.0
 *
 * MaxUnpool: puts values back where a MaxPool took them, zeros elsewhere. ai.onnx MaxUnpool-9, -11, -22 (bfloat16).
 *
 * Indices number the elements of the tensor that follows from the attributes; a larger output_shape has that tensor at
 * its beginning in every dimension.
 */
#include <string.h>

#include "ops/spatial.h"

typedef struct unpool_params {
    ln_window window;
    int32_t rank, size;                           /* bytes of an element */
    int64_t count;                                /* of values */
    int64_t inner[LN_MAX_RANK], out[LN_MAX_RANK]; /* dims that Indices count in, and those of the result */
    int64_t bytes;
} unpool_params;

static linnet_status inner_dims(ln_ctx *c, unpool_params *p, int64_t *dims)
{
    const ln_info *x = c->in[0];
    LN_TRY(ln_window_resolve(c, &p->window, x->rank - 2, NULL));
    for (int32_t i = 0; i < x->rank; i++) {
        int32_t d = i - 2;
        dims[i] = x->dims[i];
        if (d < 0 || dims[i] < 0)
            continue;
        LN_TRY(ln_mul_size(c, dims[i] > 0 ? dims[i] - 1 : 0, p->window.strides[d], &dims[i]));
        dims[i] += p->window.kernel_shape[d] - p->window.pads[d] - p->window.pads[d + p->window.n];
        if (dims[i] < 0)
            return ln_fail(c, LINNET_ERR_MODEL, "pads leave nothing of dimension %d", i);
    }
    return LINNET_OK;
}

static linnet_status unpool_infer(ln_ctx *c)
{
    unpool_params *p = c->params;
    const ln_info *x = c->in[0], *indices = c->in[1];
    int64_t inner[LN_MAX_RANK], dims[LN_MAX_RANK];
    if (x->kind != LINNET_TENSOR || indices->kind != LINNET_TENSOR)
        return ln_fail(c, LINNET_ERR_MODEL, "an input is no tensor");
    LN_TRY(ln_check_type(c, 1, LN_T(LINNET_INT64), "I"));
    LN_TRY(ln_check_type(c, 2, LN_T(LINNET_INT64), "output_shape"));
    if (x->rank < 0)
        return ln_set_unknown(c, 0, (linnet_type)x->type);
    LN_TRY(ln_check_rank(c, 1, x->rank, x->rank, "I"));
    for (int32_t i = 0; indices->rank >= 0 && i < x->rank; i++)
        LN_TRY(ln_check_dim(c, indices->dims[i], x->dims[i], "dimension of I"));
    LN_TRY(inner_dims(c, p, inner));
    if (!ln_in(c, 2))
        return ln_set_shape(c, 0, (linnet_type)x->type, x->rank, inner);
    int32_t n = ln_const_ints(c, 2, dims, LN_MAX_RANK);
    if (n < 0)
        for (n = 0; n < x->rank; n++)
            dims[n] = LN_UNKNOWN;
    if (n != x->rank)
        return ln_fail(c, LINNET_ERR_MODEL, "output_shape has %d elements, expected %d", n, x->rank);
    for (int32_t i = 0; i < n && ln_const_ints(c, 2, dims, LN_MAX_RANK) >= 0; i++)
        if (dims[i] < inner[i])
            return ln_fail(c, LINNET_ERR_MODEL, "output_shape[%d] is %lld, at least %lld is needed", i,
                           (long long)dims[i], (long long)inner[i]);
    return ln_set_shape(c, 0, (linnet_type)x->type, x->rank, dims);
}

LN_RUN(ln_max_unpool)
{
    const unpool_params *p = a->params;
    const int64_t *indices = a->in[1];
    char *y = a->out[0];
    const char *x = a->in[0];
    int64_t total = 1;
    for (int32_t d = 0; d < p->rank; d++)
        total *= p->inner[d];
    if (p->bytes)
        memset(y, 0, (size_t)p->bytes);
    for (int64_t i = 0; i < p->count; i++) {
        int64_t rest = indices[i], at = 0, stride = 1;
        if (rest < 0 || rest >= total)
            return ln_run_fail(a, "index %lld is out of range [0, %lld)", (long long)rest, (long long)total);
        for (int32_t d = p->rank; d-- > 0; rest /= p->inner[d], stride *= p->out[d])
            at += rest % p->inner[d] * stride;
        memcpy(y + at * p->size, x + i * p->size, (size_t)p->size);
    }
    return LINNET_OK;
}

static linnet_status unpool_plan(ln_ctx *c)
{
    unpool_params *p = c->params;
    const ln_info *x = c->in[0], *y = c->out[0];
    LN_TRY(inner_dims(c, p, p->inner));
    p->rank = x->rank;
    p->size = (int32_t)linnet_type_size((linnet_type)x->type);
    p->count = ln_info_count(x);
    p->bytes = (int64_t)ln_info_bytes(y);
    for (int32_t i = 0; i < p->rank; i++)
        p->out[i] = y->dims[i];
    return LINNET_OK;
}

static const ln_attr_spec attrs[] = {LN_ATTR_WINDOW_INTS(unpool_params, window, kernel_shape),
                                     LN_ATTR_WINDOW_INTS(unpool_params, window, strides),
                                     LN_ATTR_WINDOW_INTS(unpool_params, window, pads), LN_ATTR_END};

LN_OP(MaxUnpool) = {
    .domain = "",
    .type = "MaxUnpool",
    .since = {9, 11, 22},
    .types = LN_T_FLOATS,
    .in = {2, 3},
    .out = {1, 1},
    .attrs = attrs,
    .params_size = sizeof(unpool_params),
    .infer = unpool_infer,
    .plan = unpool_plan,
    LN_RUN_NAME(ln_max_unpool),
};
