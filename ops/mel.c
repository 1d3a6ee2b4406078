/* SPDX-License-Identifier: Apache-2.0
 *
 * MelWeightMatrix-17: triangles between the bins to which the edges, equally spaced on the HTK mel scale, are snapped.
 * Computed in double.
 */
#include <math.h>
#include <string.h>

#include "kernels/half.h"
#include "ops/fourier.h"

typedef struct mel_params {
    int64_t output_datatype; /* attribute */
    int64_t bins, mels;
    int32_t types[5];
    int32_t size; /* bytes of an output element */
} mel_params;

#define TYPES (LN_T_FLOATS | LN_T_INTS)

static double number(const void *p, int32_t type)
{
    switch (type) {
    case LINNET_INT32:
        return *(const int32_t *)p;
    case LINNET_INT64:
        return (double)*(const int64_t *)p;
    case LINNET_FLOAT32:
        return (double)*(const float *)p;
    case LINNET_FLOAT16:
        return (double)ln_f16_to_f32(*(const uint16_t *)p);
    case LINNET_BFLOAT16:
        return (double)ln_bf16_to_f32(*(const uint16_t *)p);
    default:
        return *(const double *)p;
    }
}

static double to_mel(double hz)
{
    return 2595 * log1p(hz / 700) / 2.30258509299404568402;
}

static double to_hz(double mel)
{
    return 700 * expm1(mel / 2595 * 2.30258509299404568402);
}

LN_RUN(ln_mel_weight_matrix)
{
    const mel_params *p = a->params;
    double length = number(a->in[1], p->types[1]), rate = number(a->in[2], p->types[2]);
    double low = to_mel(number(a->in[3], p->types[3])), high = to_mel(number(a->in[4], p->types[4]));
    double step = (high - low) / (double)(p->mels + 2);
    int64_t edge[3] = {0, 0, 0};
    memset(a->out[0], 0, (size_t)(p->bins * p->mels * p->size));
    int32_t type = (int32_t)p->output_datatype;
    for (int64_t i = 0; i < p->mels + 2; i++) {
        double bin = floor((length + 1) * to_hz(low + (double)i * step) / rate);
        if (!(bin >= 0 && bin < (double)p->bins))
            return ln_run_fail(a, "edge %lld of the mel bands is bin %g of %lld", (long long)i, bin,
                               (long long)p->bins);
        edge[0] = edge[1], edge[1] = edge[2], edge[2] = (int64_t)bin;
        if (i < 2)
            continue;
        int64_t mel = i - 2, up = edge[1] - edge[0], down = edge[2] - edge[1];
        if (up == 0)
            ln_put_number(a->out[0], type, edge[1] * p->mels + mel, 1);
        for (int64_t j = edge[0]; up > 0 && j <= edge[1]; j++)
            ln_put_number(a->out[0], type, j * p->mels + mel, (double)(j - edge[0]) / (double)up);
        for (int64_t j = edge[1]; down > 0 && j < edge[2]; j++)
            ln_put_number(a->out[0], type, j * p->mels + mel, (double)(edge[2] - j) / (double)down);
    }
    return LINNET_OK;
}

static linnet_status mel_infer(ln_ctx *c)
{
    static const char *const names[] = {"num_mel_bins", "dft_length", "sample_rate", "lower_edge_hertz",
                                        "upper_edge_hertz"};
    const mel_params *p = c->params;
    int64_t type = p->output_datatype, dims[2] = {LN_UNKNOWN, LN_UNKNOWN};
    if (type < 1 || type >= LINNET_TYPE_COUNT || !(LN_T(type) & TYPES))
        return ln_fail(c, LINNET_ERR_MODEL, "output_datatype %lld is no number type", (long long)type);
    for (int32_t i = 0; i < 5; i++) {
        const ln_info *x = c->in[i];
        if (!x)
            return ln_fail(c, LINNET_ERR_MODEL, "input %s is missing", names[i]);
        uint32_t allowed = i < 3 ? LN_T(LINNET_INT32) | LN_T(LINNET_INT64) : LN_T_FLOATS;
        if (x->type != LINNET_UNDEFINED && !(LN_T(x->type) & allowed))
            return ln_fail(c, LINNET_ERR_MODEL, "%s is of type %s", names[i], linnet_type_name((linnet_type)x->type));
        int64_t count = ln_info_count(x);
        if (x->rank >= 0 && count >= 0 && count != 1)
            return ln_fail(c, LINNET_ERR_MODEL, "%s has %lld elements, must be a scalar", names[i], (long long)count);
    }
    int64_t v, rate;
    if (ln_const_ints(c, 0, &v, 1) == 1) {
        if (v < 0 || v > 1 << 20)
            return ln_fail(c, LINNET_ERR_MODEL, "num_mel_bins is %lld", (long long)v);
        dims[1] = v;
    }
    if (ln_const_ints(c, 1, &v, 1) == 1) {
        if (v < 0 || v > LN_FFT_MAX)
            return ln_fail(c, LINNET_ERR_MODEL, "dft_length is %lld", (long long)v);
        dims[0] = v / 2 + 1;
    }
    if (ln_const_ints(c, 2, &rate, 1) == 1 && rate < 1)
        return ln_fail(c, LINNET_ERR_MODEL, "sample_rate is %lld", (long long)rate);
    return ln_set_shape(c, 0, (linnet_type)type, 2, dims);
}

static linnet_status mel_plan(ln_ctx *c)
{
    mel_params *p = c->params;
    p->bins = c->out[0]->dims[0], p->mels = c->out[0]->dims[1];
    p->size = (int32_t)linnet_type_size((linnet_type)p->output_datatype);
    for (int32_t i = 0; i < 5; i++)
        p->types[i] = c->in[i]->type;
    return LINNET_OK;
}

static const ln_attr_spec attrs[] = {LN_ATTR_I(mel_params, output_datatype, LINNET_FLOAT32), LN_ATTR_END};

LN_OP(MelWeightMatrix) = {
    .domain = "",
    .type = "MelWeightMatrix",
    .since = {17},
    .types = LN_T(LINNET_INT32) | LN_T(LINNET_INT64),
    .in = {5, 5},
    .out = {1, 1},
    .attrs = attrs,
    .params_size = sizeof(mel_params),
    .infer = mel_infer,
    .plan = mel_plan,
    LN_RUN_NAME(ln_mel_weight_matrix),
};
