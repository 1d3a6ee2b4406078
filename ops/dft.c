/* SPDX-License-Identifier: Apache-2.0
 *
 * DFT-17, -20 of ai.onnx; Rfft-1, Irfft-1 of com.microsoft (one signal dimension, the last).
 *
 * A real input goes through the real transform: imaginary parts at 0 and n/2 are exactly 0 and the upper half is the
 * mirrored lower one. The inverse multiplies by 1/n rounded to the type.
 */
#include "ops/fourier.h"

typedef struct dft_params {
    int64_t inverse, onesided, axis, normalized, signal_ndim; /* attributes */
    ln_fourier f;
} dft_params;

LN_RUN(ln_dft)
{
    const dft_params *p = a->params;
    ln_fourier_run(a, &p->f, a->out[0], a->in[0], NULL);
    return LINNET_OK;
}

/* The step for a transform along `axis` of in0 -> out0; parts: elements of a number of the input, of the output. */
static linnet_status plan_axis(ln_ctx *c, int32_t axis, int64_t n, bool inverse, bool onesided, int64_t in_parts,
                               int64_t out_parts)
{
    dft_params *p = c->params;
    const ln_info *x = c->in[0], *y = c->out[0];
    int64_t outer = 1, inner = 1;
    int32_t rank = x->rank < y->rank ? x->rank : y->rank;
    for (int32_t i = 0; i < axis; i++)
        outer *= x->dims[i];
    for (int32_t i = axis + 1; i < rank - 1; i++)
        inner *= x->dims[i];
    int64_t len = x->dims[axis], bins = y->dims[axis];
    ln_fourier *f = &p->f;
    *f = (ln_fourier){.outer = outer,
                      .count = inner,
                      .type = x->type,
                      .n = (int32_t)n,
                      .in_len = (int32_t)(len < n ? len : n),
                      .out_len = (int32_t)bins,
                      .in_real = in_parts == 1,
                      .in_total = ln_info_count(x),
                      .out_total = ln_info_count(y)};
    f->in_outer = len * inner * in_parts, f->out_outer = bins * inner * out_parts;
    f->in_batch = in_parts, f->out_batch = out_parts;
    f->in_stride = inner * in_parts, f->out_stride = inner * out_parts;
    if (inner == 1) { /* all transforms are one batch */
        f->outer = 1, f->count = outer;
        f->in_batch = f->in_outer, f->out_batch = f->out_outer;
    }
    ln_fft_kind kind = inverse && onesided ? LN_FFT_HERMITE : in_parts == 1 ? LN_FFT_REAL : LN_FFT_COMPLEX;
    LN_SET_RUN(c, ln_dft);
    return ln_fourier_plan(c, f, kind, inverse, inverse ? 1.0 / (double)n : 1.0, 0, NULL);
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
    const dft_params *p = c->params;
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
    return plan_axis(c, axis, n, p->inverse != 0, p->onesided != 0, x->dims[x->rank - 1],
                     p->inverse && p->onesided ? 1 : 2);
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

/* -- com.microsoft ---------------------------------------------------------------------------------------------- */

static linnet_status rfft_check(ln_ctx *c)
{
    const dft_params *p = c->params;
    if (p->normalized != 0)
        return ln_fail(c, LINNET_ERR_UNSUPPORTED, "normalized %lld", (long long)p->normalized);
    if (p->onesided != 1)
        return ln_fail(c, LINNET_ERR_UNSUPPORTED, "onesided %lld", (long long)p->onesided);
    if (p->signal_ndim != 1)
        return ln_fail(c, LINNET_ERR_UNSUPPORTED, "signal_ndim %lld", (long long)p->signal_ndim);
    return LINNET_OK;
}

static linnet_status rfft_infer(ln_ctx *c)
{
    const ln_info *x = c->in[0];
    linnet_status s = rfft_check(c);
    if (s != LINNET_OK || x->rank < 0)
        return s != LINNET_OK ? s : ln_set_unknown(c, 0, x->type);
    if (x->rank < 1 || x->rank >= LN_MAX_RANK)
        return ln_fail(c, LINNET_ERR_MODEL, "the input has rank %d; 1 to %d are possible", x->rank, LN_MAX_RANK - 1);
    int64_t dims[LN_MAX_RANK];
    for (int32_t i = 0; i < x->rank; i++)
        dims[i] = x->dims[i];
    int64_t n = dims[x->rank - 1];
    if (n >= 0)
        s = ln_fourier_length(c, n);
    if (s != LINNET_OK)
        return s;
    dims[x->rank - 1] = n < 0 ? LN_UNKNOWN : n / 2 + 1;
    dims[x->rank] = 2;
    return ln_set_shape(c, 0, x->type, x->rank + 1, dims);
}

static linnet_status rfft_plan(ln_ctx *c)
{
    int32_t axis = c->in[0]->rank - 1;
    return plan_axis(c, axis, c->in[0]->dims[axis], false, true, 1, 2);
}

static linnet_status irfft_infer(ln_ctx *c)
{
    const ln_info *x = c->in[0];
    linnet_status s = rfft_check(c);
    if (s != LINNET_OK || x->rank < 0)
        return s != LINNET_OK ? s : ln_set_unknown(c, 0, x->type);
    if (x->rank < 2 || (x->dims[x->rank - 1] >= 0 && x->dims[x->rank - 1] != 2))
        return ln_fail(c, LINNET_ERR_MODEL, "the input is not complex: rank %d, last dimension %lld", x->rank,
                       x->rank > 0 ? (long long)x->dims[x->rank - 1] : 0);
    int64_t bins = x->dims[x->rank - 2], dims[LN_MAX_RANK];
    if (bins >= 0)
        s = ln_fourier_length(c, 2 * (bins - 1));
    if (s != LINNET_OK)
        return s;
    for (int32_t i = 0; i < x->rank - 2; i++)
        dims[i] = x->dims[i];
    dims[x->rank - 2] = bins < 0 ? LN_UNKNOWN : 2 * (bins - 1);
    return ln_set_shape(c, 0, x->type, x->rank - 1, dims);
}

static linnet_status irfft_plan(ln_ctx *c)
{
    int32_t axis = c->in[0]->rank - 2;
    return plan_axis(c, axis, c->out[0]->dims[axis], true, true, 2, 1);
}

static const ln_attr_spec rfft_attrs[] = {LN_ATTR_I(dft_params, normalized, 0), LN_ATTR_I(dft_params, onesided, 1),
                                          LN_ATTR_I(dft_params, signal_ndim, 1), LN_ATTR_END};

LN_OP(Rfft) = {
    .domain = "com.microsoft",
    .type = "Rfft",
    .since = {1},
    .types = LN_T_FLOATS,
    .in = {1, 1},
    .out = {1, 1},
    .attrs = rfft_attrs,
    .params_size = sizeof(dft_params),
    .infer = rfft_infer,
    .plan = rfft_plan,
    LN_RUN_NAME(ln_dft),
};

LN_OP(Irfft) = {
    .domain = "com.microsoft",
    .type = "Irfft",
    .since = {1},
    .types = LN_T_FLOATS,
    .in = {1, 1},
    .out = {1, 1},
    .attrs = rfft_attrs,
    .params_size = sizeof(dft_params),
    .infer = irfft_infer,
    .plan = irfft_plan,
    LN_RUN_NAME(ln_dft),
};
