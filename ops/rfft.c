/* SPDX-License-Identifier: Apache-2.0
 *
 * Rfft-1, Irfft-1 of com.microsoft, along the last one to three dimensions, by the description in ONNX Runtime's page
 * of contributed operators: `normalized` must be 0 and `onesided` 1, and of an even number of points n/2+1 are kept, so
 * the inverse of b points has 2(b-1). Rfft divides by nothing, Irfft by the number of points.
 *
 * The real transform goes along the last dimension, first (Rfft) or last (Irfft); complex ones along the others. What
 * is between two of them lies in scratch as float (float64 for itself), so that a half type is rounded once.
 */
#include "ops/convert.h"
#include "ops/fourier.h"

typedef struct rfft_params {
    int64_t normalized, onesided, signal_ndim; /* attributes */
    ln_fourier f[3];                           /* in the order of the run */
    int64_t plan[3];                           /* bytes in the packed memory */
    int64_t wide_in, wide_out, between[2];     /* bytes in scratch, after the threads' parts */
    int32_t count, type;
} rfft_params;

LN_RUN(ln_rfft)
{
    const rfft_params *p = a->params;
    char *scratch = a->scratch;
    if (p->f[p->count - 1].out_total == 0)
        return LINNET_OK;
    bool half = ln_fourier_half(p->type);
    const void *in = a->in[0];
    if (half) {
        ln_fourier_widen((float *)(void *)(scratch + p->wide_in), in, p->f[0].in_total, p->type);
        in = scratch + p->wide_in;
    }
    for (int32_t i = 0; i < p->count; i++) {
        bool last = i == p->count - 1;
        void *out = !last ? scratch + p->between[i] : half ? scratch + p->wide_out : a->out[0];
        const void *plan = (const char *)a->packed + p->plan[i];
        ln_fourier_transform(a, &p->f[i], plan, scratch, out, in, NULL);
        in = out;
    }
    if (half)
        ln_fourier_narrow(a->out[0], in, p->f[p->count - 1].out_total, p->type);
    return LINNET_OK;
}

/* Takes a piece of scratch for so many elements. */
static linnet_status take(ln_ctx *c, int64_t elements, int64_t size, int64_t *used, int64_t *at)
{
    int64_t bytes;
    LN_TRY(ln_mul_size(c, elements, size, &bytes));
    if (bytes > INT64_MAX / 8)
        return ln_no_memory(c);
    *at = *used;
    *used += (bytes + 63) / 64 * 64;
    return LINNET_OK;
}

/* The shapes of real and complex numbers, without the dimension of parts. */
static linnet_status rfft_steps(ln_ctx *c, bool inverse, const int64_t *real, const int64_t *bins, int32_t rank)
{
    rfft_params *p = c->params;
    ln_fft_desc desc[3];
    size_t bytes = 0;
    int64_t scratch = 0, points = 1, size = c->in[0]->type == LINNET_FLOAT64 ? 8 : 4;
    p->type = c->in[0]->type, p->count = (int32_t)p->signal_ndim;
    for (int32_t i = 0; i < p->count; i++) {
        int32_t axis = inverse ? rank - p->count + i : rank - 1 - i;
        bool ends = axis == rank - 1;
        ln_fft_kind kind = !ends ? LN_FFT_COMPLEX : inverse ? LN_FFT_HERMITE : LN_FFT_REAL;
        ln_fourier *f = &p->f[i];
        f->type = size == 8 ? LINNET_FLOAT64 : LINNET_FLOAT32;
        points *= real[axis];
        ln_fourier_axis(f, ends && !inverse ? real : bins, ends && inverse ? real : bins, rank, axis,
                        (int32_t)real[axis], ends && !inverse ? 1 : 2, ends && inverse ? 1 : 2);
        desc[i] = ln_fourier_desc(f, kind, inverse, inverse && ends ? 1.0 / (double)points : 1.0);
        p->plan[i] = (int64_t)bytes;
        bytes += (ln_fft_bytes(&desc[i]) + 63) / 64 * 64;
    }
    char *packed = ln_pack(c, bytes);
    if (!packed)
        return ln_no_memory(c);
    for (int32_t i = 0; i < p->count; i++) {
        ln_fft_plan *plan = (ln_fft_plan *)(void *)(packed + p->plan[i]);
        ln_fft_make(plan, &desc[i]);
        ln_fourier_made(&p->f[i], plan);
        scratch = p->f[i].scratch > scratch ? p->f[i].scratch : scratch;
    }
    int64_t used;
    LN_TRY(ln_mul_size(c, scratch, c->threads, &used));
    for (int32_t i = 0; i + 1 < p->count; i++)
        LN_TRY(take(c, p->f[i].out_total, size, &used, &p->between[i]));
    if (ln_fourier_half(p->type)) {
        LN_TRY(take(c, p->f[0].in_total, size, &used, &p->wide_in));
        LN_TRY(take(c, p->f[p->count - 1].out_total, size, &used, &p->wide_out));
    }
    ln_scratch(c, (size_t)used);
    return LINNET_OK;
}

/* The attributes, and the lengths of the transforms. rank: dimensions of numbers; the length along the last is `last`.
 */
static linnet_status rfft_check(ln_ctx *c, int32_t rank, int64_t last)
{
    const rfft_params *p = c->params;
    if (p->normalized != 0)
        return ln_fail(c, LINNET_ERR_UNSUPPORTED, "normalized is %lld, must be 0", (long long)p->normalized);
    if (p->onesided != 1)
        return ln_fail(c, LINNET_ERR_UNSUPPORTED, "onesided is %lld, must be 1", (long long)p->onesided);
    if (p->signal_ndim < 1 || p->signal_ndim > 3)
        return ln_fail(c, LINNET_ERR_MODEL, "signal_ndim is %lld, must be 1, 2 or 3", (long long)p->signal_ndim);
    if (rank < 0)
        return LINNET_OK;
    if (rank < p->signal_ndim)
        return ln_fail(c, LINNET_ERR_MODEL, "signal_ndim is %lld, the input has %d dimensions of numbers",
                       (long long)p->signal_ndim, rank);
    for (int32_t i = rank - (int32_t)p->signal_ndim; i < rank; i++) {
        int64_t n = i == rank - 1 ? last : c->in[0]->dims[i];
        if (n >= 0)
            LN_TRY(ln_fourier_length(c, n));
    }
    return LINNET_OK;
}

static linnet_status rfft_infer(ln_ctx *c)
{
    const ln_info *x = c->in[0];
    LN_TRY(rfft_check(c, x->rank, x->rank > 0 ? x->dims[x->rank - 1] : LN_UNKNOWN));
    if (x->rank < 0)
        return ln_set_unknown(c, 0, x->type);
    if (x->rank >= LN_MAX_RANK)
        return ln_fail(c, LINNET_ERR_MODEL, "the input has rank %d; 1 to %d are possible", x->rank, LN_MAX_RANK - 1);
    int64_t dims[LN_MAX_RANK], n = x->dims[x->rank - 1];
    for (int32_t i = 0; i < x->rank; i++)
        dims[i] = x->dims[i];
    dims[x->rank - 1] = n < 0 ? LN_UNKNOWN : n / 2 + 1;
    dims[x->rank] = 2;
    return ln_set_shape(c, 0, x->type, x->rank + 1, dims);
}

static linnet_status rfft_plan(ln_ctx *c)
{
    LN_SET_RUN(c, ln_rfft);
    return rfft_steps(c, false, c->in[0]->dims, c->out[0]->dims, c->in[0]->rank);
}

static linnet_status irfft_infer(ln_ctx *c)
{
    const ln_info *x = c->in[0];
    if (x->rank >= 0 && (x->rank < 2 || (x->dims[x->rank - 1] >= 0 && x->dims[x->rank - 1] != 2)))
        return ln_fail(c, LINNET_ERR_MODEL, "the input is not complex: rank %d, last dimension %lld", x->rank,
                       x->rank > 0 ? (long long)x->dims[x->rank - 1] : 0);
    int64_t dims[LN_MAX_RANK], bins = x->rank < 0 ? LN_UNKNOWN : x->dims[x->rank - 2];
    int64_t n = LN_UNKNOWN;
    if (bins >= 0)
        n = bins > LN_FFT_MAX ? bins : 2 * (bins - 1); /* too many are so without doubling */
    LN_TRY(rfft_check(c, x->rank < 0 ? x->rank : x->rank - 1, n));
    if (x->rank < 0)
        return ln_set_unknown(c, 0, x->type);
    for (int32_t i = 0; i < x->rank - 2; i++)
        dims[i] = x->dims[i];
    dims[x->rank - 2] = n;
    return ln_set_shape(c, 0, x->type, x->rank - 1, dims);
}

static linnet_status irfft_plan(ln_ctx *c)
{
    LN_SET_RUN(c, ln_rfft);
    return rfft_steps(c, true, c->out[0]->dims, c->in[0]->dims, c->out[0]->rank);
}

static const ln_attr_spec attrs[] = {LN_ATTR_I(rfft_params, normalized, 0), LN_ATTR_I(rfft_params, onesided, 1),
                                     LN_ATTR_I(rfft_params, signal_ndim, 1), LN_ATTR_END};

LN_OP(Rfft) = {
    .domain = "com.microsoft",
    .type = "Rfft",
    .since = {1},
    .types = LN_T_FLOATS,
    .in = {1, 1},
    .out = {1, 1},
    .attrs = attrs,
    .params_size = sizeof(rfft_params),
    .infer = rfft_infer,
    .plan = rfft_plan,
    LN_RUN_NAME(ln_rfft),
};

LN_OP(Irfft) = {
    .domain = "com.microsoft",
    .type = "Irfft",
    .since = {1},
    .types = LN_T_FLOATS,
    .in = {1, 1},
    .out = {1, 1},
    .attrs = attrs,
    .params_size = sizeof(rfft_params),
    .infer = irfft_infer,
    .plan = irfft_plan,
    LN_RUN_NAME(ln_rfft),
};
