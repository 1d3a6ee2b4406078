/* SPDX-License-Identifier: Apache-2.0
 *
 * com.microsoft QLinearReduceMean: the mean of the dequantised values over axes, quantised; the sum is of integers and
 * exact. ONNX Runtime docs/ContribOperators.md.
 */
#include "ops/qlinear.h"

typedef struct qmean_params {
    int64_t axes[LN_MAX_RANK], keepdims;
    int32_t n_axes;
    int32_t is_signed, zeros;
    int32_t kept, reduced; /* how many dimensions */
    int32_t unused;
    int64_t kept_dims[LN_MAX_RANK], kept_step[LN_MAX_RANK];
    int64_t reduced_dims[LN_MAX_RANK], reduced_step[LN_MAX_RANK];
    int64_t outputs, count;
} qmean_params;

enum { X, X_SCALE, X_ZERO, Y_SCALE, Y_ZERO };

typedef struct job {
    const qmean_params *p;
    const uint8_t *x;
    uint8_t *y;
    float x_scale, y_scale;
    int32_t x_zero, y_zero;
} job;

static int64_t offset_of(int64_t i, int32_t n, const int64_t *dims, const int64_t *step)
{
    int64_t at = 0;
    for (int32_t d = n - 1; d >= 0; d--) {
        at += i % dims[d] * step[d];
        i /= dims[d];
    }
    return at;
}

static void means(void *arg, int32_t worker, int64_t begin, int64_t end)
{
    const job *j = arg;
    const qmean_params *p = j->p;
    (void)worker;
    for (int64_t o = begin; o < end; o++) {
        const uint8_t *x = j->x + offset_of(o, p->kept, p->kept_dims, p->kept_step);
        int64_t sum = 0;
        for (int64_t i = 0; i < p->count; i++) {
            uint8_t v = x[offset_of(i, p->reduced, p->reduced_dims, p->reduced_step)];
            sum += p->is_signed ? (int8_t)v : v;
        }
        float v = (float)(sum - p->count * j->x_zero) * j->x_scale / (float)p->count;
        j->y[o] = ln_quantize_one(v, j->y_scale, j->y_zero, p->is_signed);
    }
}

LN_RUN(ln_qlinearreducemean)
{
    const qmean_params *p = a->params;
    job j = {p,
             a->in[X],
             a->out[0],
             *(const float *)a->in[X_SCALE],
             *(const float *)a->in[Y_SCALE],
             ln_zero_of(p->zeros & 1 ? a->in[X_ZERO] : NULL, p->is_signed, 0),
             ln_zero_of(p->zeros & 2 ? a->in[Y_ZERO] : NULL, p->is_signed, 0)};
    ln_parallel(a, p->outputs, 3 * (double)p->count, means, &j);
    return LINNET_OK;
}

/* Which dimensions are reduced. */
static linnet_status mask_of(ln_ctx *c, bool mask[LN_MAX_RANK])
{
    const qmean_params *p = c->params;
    for (int32_t i = 0; i < LN_MAX_RANK; i++)
        mask[i] = p->n_axes <= 0;
    for (int32_t i = 0; i < p->n_axes; i++) {
        int32_t axis;
        LN_TRY(ln_axis(c, p->axes[i], c->in[X]->rank, &axis));
        mask[axis] = true;
    }
    return LINNET_OK;
}

static linnet_status infer(ln_ctx *c)
{
    const qmean_params *p = c->params;
    const ln_info *x = c->in[X];
    if (!ln_in(c, X_SCALE) || !ln_in(c, Y_SCALE))
        return ln_fail(c, LINNET_ERR_MODEL, "a scale is missing");
    LN_TRY(ln_check_scale(c, X_SCALE, "data_scale"));
    LN_TRY(ln_check_scale(c, Y_SCALE, "reduced_scale"));
    LN_TRY(ln_check_zero(c, X_ZERO, X, "data_zero_point"));
    LN_TRY(ln_check_zero(c, Y_ZERO, X, "reduced_zero_point"));
    if (x->rank < 0)
        return ln_set_unknown(c, 0, (linnet_type)x->type);
    bool mask[LN_MAX_RANK];
    LN_TRY(mask_of(c, mask));
    int32_t rank = 0;
    int64_t dims[LN_MAX_RANK];
    for (int32_t i = 0; i < x->rank; i++)
        if (!mask[i] || p->keepdims)
            dims[rank++] = mask[i] ? 1 : x->dims[i];
    return ln_set_shape(c, 0, (linnet_type)x->type, rank, dims);
}

static linnet_status plan(ln_ctx *c)
{
    qmean_params *p = c->params;
    const ln_info *x = c->in[X];
    bool mask[LN_MAX_RANK];
    LN_TRY(mask_of(c, mask));
    int64_t step[LN_MAX_RANK], next = 1;
    for (int32_t i = x->rank - 1; i >= 0; i--) {
        step[i] = next;
        next *= x->dims[i];
    }
    p->outputs = p->count = 1;
    for (int32_t i = 0; i < x->rank; i++) {
        int32_t *n = mask[i] ? &p->reduced : &p->kept;
        (mask[i] ? p->reduced_dims : p->kept_dims)[*n] = x->dims[i];
        (mask[i] ? p->reduced_step : p->kept_step)[*n] = step[i];
        *(mask[i] ? &p->count : &p->outputs) *= x->dims[i];
        ++*n;
    }
    p->is_signed = x->type == LINNET_INT8;
    p->zeros = (ln_in(c, X_ZERO) ? 1 : 0) | (ln_in(c, Y_ZERO) ? 2 : 0);
    return LINNET_OK;
}

static const ln_attr_spec attrs[] = {LN_ATTR_INTS(qmean_params, axes), LN_ATTR_I(qmean_params, keepdims, 1),
                                     LN_ATTR_END};

LN_OP(QLinearReduceMean) = {
    .domain = "com.microsoft",
    .type = "QLinearReduceMean",
    .since = {1},
    .types = LN_T_8,
    .in = {1, 5},
    .out = {1, 1},
    .attrs = attrs,
    .params_size = sizeof(qmean_params),
    .infer = infer,
    .plan = plan,
    LN_RUN_NAME(ln_qlinearreducemean),
};
