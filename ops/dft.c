/* SPDX-License-Identifier: Apache-2.0
 *
 * DFT-17, -20 of ai.onnx.
 *
 * A real input goes through the real transform: imaginary parts at 0 and n/2 are exactly 0 and the upper half is the
 * mirrored lower one. The inverse multiplies by 1/n rounded to the type.
 */
#include "ops/fourier.h"

typedef struct dft_params {
    int64_t inverse, onesided, axis; /* attributes */
    ln_fourier f;
} dft_params;

LN_RUN(ln_dft)
{
    const dft_params *p = a->params;
    ln_fourier_run(a, &p->f, a->out[0], a->in[0], NULL);
    return LINNET_OK;
}

/* dft_length where it is given and known, -1 where it is not known, else from the length of the axis. */
static linnet_status length(ln_ctx *c, int64_t dim, bool irfft, int64_t *n)
{
    *n = LN_UNKNOWN;
    if (c->n_in > 1 && c->in[1]) {
        int64_t v;
        int32_t count = ln_const_ints(c, 1, &v, 1);
        if (count == -1)
            return LINNET_OK;
        if (count != 1)
            return ln_fail(c, LINNET_ERR_MODEL, "dft_length is no integer scalar");
        *n = v;
    } else if (dim >= 0) {
        *n = irfft ? 2 * (dim - 1) : dim;
    } else {
        if (!irfft)
            *n = dim;
        return LINNET_OK;
    }
    return ln_fourier_length(c, *n);
}

/* The axis, -1: not known yet. Never the last one, which holds the parts. */
static linnet_status find_axis(ln_ctx *c, int32_t rank, int32_t *axis)
{
    const dft_params *p = c->params;
    int64_t v = -2;
    *axis = -1;
    if (c->version < 20) {
        v = p->axis;
    } else if (ln_attr_has(c, "axis")) {
        return ln_fail(c, LINNET_ERR_MODEL, "attribute axis became an input in version 20");
    } else if (c->n_in > 2 && c->in[2]) {
        int32_t count = ln_const_ints(c, 2, &v, 1);
        if (count == -1)
            return LINNET_OK;
        if (count != 1)
            return ln_fail(c, LINNET_ERR_MODEL, "axis is no integer scalar");
    }
    linnet_status s = ln_axis(c, v, rank, axis);
    if (s == LINNET_OK && *axis == rank - 1)
        return ln_fail(c, LINNET_ERR_MODEL, "axis %lld is the one of real and imaginary parts", (long long)v);
    return s;
}

static linnet_status check_flag(ln_ctx *c, const char *name, int64_t v)
{
    if (v != 0 && v != 1)
        return ln_fail(c, LINNET_ERR_MODEL, "%s is %lld, must be 0 or 1", name, (long long)v);
    return LINNET_OK;
}

static linnet_status dft_infer(ln_ctx *c)
{
    const dft_params *p = c->params;
    const ln_info *x = c->in[0];
    linnet_status s = check_flag(c, "inverse", p->inverse);
    if (s == LINNET_OK)
        s = check_flag(c, "onesided", p->onesided);
    if (s != LINNET_OK)
        return s;
    if (x->rank < 0)
        return ln_set_unknown(c, 0, x->type);
    if (x->rank < 2)
        return ln_fail(c, LINNET_ERR_MODEL, "the input has rank %d; a signal axis and one of parts are needed",
                       x->rank);
    int64_t parts = x->dims[x->rank - 1], dims[LN_MAX_RANK], n;
    if (parts >= 0 && parts != 1 && parts != 2)
        return ln_fail(c, LINNET_ERR_MODEL, "the last dimension is %lld; 1 (real) or 2 (complex) is needed",
                       (long long)parts);
    int32_t axis;
    s = find_axis(c, x->rank, &axis);
    if (s != LINNET_OK)
        return s;
    bool irfft = p->inverse && p->onesided;
    for (int32_t i = 0; i < x->rank; i++)
        dims[i] = axis < 0 ? LN_UNKNOWN : x->dims[i];
    dims[x->rank - 1] = irfft ? 1 : 2;
    if (axis >= 0) {
        s = length(c, x->dims[axis], irfft, &n);
        if (s != LINNET_OK)
            return s;
        dims[axis] = n < 0 && p->onesided ? LN_UNKNOWN : p->onesided && !irfft ? n / 2 + 1 : n;
    }
    return ln_set_shape(c, 0, x->type, x->rank, dims);
}

static linnet_status dft_plan(ln_ctx *c)
{
    dft_params *p = c->params;
    const ln_info *x = c->in[0];
    int32_t axis;
    int64_t n;
    linnet_status s = find_axis(c, x->rank, &axis);
    if (s != LINNET_OK)
        return s;
    if (axis < 0)
        return LN_NEED_DATA;
    s = length(c, x->dims[axis], p->inverse && p->onesided, &n);
    if (s != LINNET_OK)
        return s;
    if (n < 0)
        return LN_NEED_DATA;
    bool irfft = p->inverse && p->onesided;
    int32_t parts = (int32_t)x->dims[x->rank - 1];
    p->f.type = x->type;
    ln_fourier_axis(&p->f, x->dims, c->out[0]->dims, x->rank - 1, axis, (int32_t)n, parts, irfft ? 1 : 2);
    ln_fft_kind kind = irfft ? LN_FFT_HERMITE : parts == 1 ? LN_FFT_REAL : LN_FFT_COMPLEX;
    LN_SET_RUN(c, ln_dft);
    return ln_fourier_plan(c, &p->f, kind, p->inverse != 0, p->inverse ? 1.0 / (double)n : 1.0, 0, NULL);
}

static const ln_attr_spec dft_attrs[] = {LN_ATTR_I(dft_params, inverse, 0), LN_ATTR_I(dft_params, onesided, 0),
                                         LN_ATTR_I(dft_params, axis, 1), LN_ATTR_END};

LN_OP(DFT) = {
    .domain = "",
    .type = "DFT",
    .since = {17, 20},
    .types = LN_T_FLOATS,
    .in = {1, 3},
    .out = {1, 1},
    .attrs = dft_attrs,
    .params_size = sizeof(dft_params),
    .infer = dft_infer,
    .plan = dft_plan,
    LN_RUN_NAME(ln_dft),
};
