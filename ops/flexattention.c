/* SPDX-License-Identifier: Apache-2.0
 *
 * ai.onnx.preview FlexAttention-1: attention whose scores, and whose probabilities after the softmax, go through
 * subgraphs of the model's. These see the whole tensor, so it is made; everything computes in float64 and is rounded
 * to the element type where the specification has a tensor: the scores to that of Q, then to softmax_precision.
 */
#include <math.h>
#include <string.h>

#include "ops/late.h"

typedef struct flex_params {
    int64_t softmax_precision;
    float scale;
    int32_t unused;
} flex_params;

enum { Q, K, V };

static double rounded(double x, int type)
{
    return type == LINNET_FLOAT64 ? x : (double)ln_round_to((float)x, type);
}

/* Elements of a float type as float64 and back. */
static void load(double *y, const void *x, int type, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        float f;
        if (type == LINNET_FLOAT64) {
            y[i] = ((const double *)x)[i];
        } else {
            ln_to_f32(&f, x, type, i, 1);
            y[i] = f;
        }
    }
}

static void store(void *y, int type, const double *x, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        float f = (float)x[i];
        if (type == LINNET_FLOAT64)
            ((double *)y)[i] = x[i];
        else
            ln_from_f32(y, type, i, &f, 1, 0);
    }
}

static int soft_type_of(const flex_params *p, int type)
{
    if (p->softmax_precision)
        return (int)p->softmax_precision;
    return type == LINNET_FLOAT64 ? LINNET_FLOAT64 : LINNET_FLOAT32;
}

static linnet_status flex_infer(ln_ctx *c)
{
    static const char *const bodies[] = {"score_mod", "prob_mod"};
    const flex_params *p = c->params;
    const ln_info *q = c->in[Q], *k = c->in[K], *v = c->in[V];
    linnet_type type = (linnet_type)q->type;
    if (type != LINNET_UNDEFINED) {
        LN_TRY(ln_check_type(c, K, LN_T(type), "K"));
        LN_TRY(ln_check_type(c, V, LN_T(type), "V"));
    }
    if (p->softmax_precision && (p->softmax_precision < 0 || p->softmax_precision >= LINNET_TYPE_COUNT ||
                                 !(LN_T_FLOATS & LN_T(p->softmax_precision))))
        return ln_fail(c, LINNET_ERR_MODEL, "softmax_precision %lld", (long long)p->softmax_precision);
    LN_TRY(ln_check_rank(c, Q, 4, 4, "Q"));
    LN_TRY(ln_check_rank(c, K, 4, 4, "K"));
    LN_TRY(ln_check_rank(c, V, 4, 4, "V"));
    bool known = q->rank == 4 && k->rank == 4 && v->rank == 4;
    ln_info scores = {.kind = LINNET_TENSOR, .type = (uint8_t)(type ? soft_type_of(p, (int)type) : 0), .rank = -1};
    if (known) {
        LN_TRY(ln_check_dim(c, k->dims[0], q->dims[0], "batch of K"));
        LN_TRY(ln_check_dim(c, v->dims[0], q->dims[0], "batch of V"));
        LN_TRY(ln_check_dim(c, v->dims[1], k->dims[1], "heads of V"));
        LN_TRY(ln_check_dim(c, k->dims[3], q->dims[3], "head size of K"));
        LN_TRY(ln_check_dim(c, v->dims[2], k->dims[2], "length of V"));
        if (q->dims[1] >= 0 && k->dims[1] >= 0 && (k->dims[1] == 0 || q->dims[1] % k->dims[1] != 0))
            return ln_fail(c, LINNET_ERR_MODEL, "%lld query heads for %lld key heads", (long long)q->dims[1],
                           (long long)k->dims[1]);
        scores.rank = 4;
        memcpy(scores.dims, (int64_t[]){q->dims[0], q->dims[1], q->dims[2], k->dims[2]}, 4 * sizeof(int64_t));
    }
    for (int i = 0; i < 2; i++) {
        int32_t body = ln_body_find(c, bodies[i]);
        if (body < 0)
            continue;
        if (ln_body_inputs(c, body) != 1 || ln_body_outputs(c, body) != 1)
            return ln_fail(c, LINNET_ERR_MODEL, "%s has %d inputs and %d outputs, expected one each", bodies[i],
                           ln_body_inputs(c, body), ln_body_outputs(c, body));
        LN_TRY(ln_body_infer(c, body, &scores));
    }
    if (!known)
        return ln_set_unknown(c, 0, type);
    return ln_set_shape(c, 0, type, 4, (int64_t[]){q->dims[0], q->dims[1], q->dims[2], v->dims[3]});
}

/* The scores through a subgraph, if there is one. raw: room for them in their type. */
static linnet_status modify(ln_ctx *c, const char *name, double *s, void *raw, int type, const int64_t dims[4],
                            int64_t n)
{
    int32_t body = ln_body_find(c, name);
    if (body < 0)
        return LINNET_OK;
    linnet_value in = {.kind = LINNET_TENSOR, .type = (linnet_type)type, .rank = 4, .data = raw}, out;
    memcpy(in.dims, dims, 4 * sizeof *dims);
    store(raw, type, s, n);
    LN_TRY(ln_body_run(c, body, &in, &out, false));
    if (out.kind != LINNET_TENSOR || out.type != (linnet_type)type || out.rank != 4 ||
        memcmp(out.dims, dims, 4 * sizeof *dims) != 0)
        return ln_fail(c, LINNET_ERR_DATA, "the result of %s has another shape or type than its input", name);
    load(s, out.data, type, n);
    return LINNET_OK;
}

static void soften(double *s, int64_t n, int type)
{
    double max = -INFINITY, sum = 0;
    for (int64_t i = 0; i < n; i++)
        max = s[i] > max ? s[i] : max;
    for (int64_t i = 0; i < n; i++) {
        s[i] = rounded(exp(rounded(s[i] - max, type)), type);
        sum += s[i];
    }
    sum = rounded(sum, type);
    for (int64_t i = 0; i < n; i++)
        s[i] = rounded(s[i] / sum, type);
}

static linnet_status flex_late(ln_ctx *c)
{
    const flex_params *p = c->params;
    const linnet_value *q = ln_late_in(c, Q), *k = ln_late_in(c, K), *v = ln_late_in(c, V);
    int type = (int)q->type, soft = soft_type_of(p, type);
    int64_t B = q->dims[0], H = q->dims[1], L = q->dims[2], D = q->dims[3], G = k->dims[1], S = k->dims[2];
    int64_t DV = v->dims[3], n, nq, nk, nv;
    LN_TRY(ln_mul_size(c, B * H * L, S, &n));
    LN_TRY(ln_mul_size(c, n, (int64_t)sizeof(double) * 2, &nq));
    nq = B * H * L * D;
    nk = B * G * S * D;
    nv = B * G * S * DV;
    void *y = ln_late_tensor(c, 0, (linnet_type)type, 4, (int64_t[]){B, H, L, DV});
    double *dq = ln_temporary(c, (size_t)nq * sizeof *dq), *dk = ln_temporary(c, (size_t)nk * sizeof *dk);
    double *dv = ln_temporary(c, (size_t)nv * sizeof *dv), *s = ln_temporary(c, (size_t)n * sizeof *s);
    double *row = ln_temporary(c, (size_t)DV * sizeof *row);
    void *raw = ln_temporary(c, (size_t)n * sizeof(double));
    if (!y || !dq || !dk || !dv || !s || !row || !raw)
        return ln_no_memory(c);
    double scale = ln_attr_has(c, "scale") ? (double)p->scale : D > 0 ? 1 / sqrt((double)D) : 1;
    double side = rounded(type == LINNET_FLOAT64 ? (double)sqrtf((float)scale) : sqrt(scale), type);
    load(dq, q->data, type, nq);
    load(dk, k->data, type, nk);
    load(dv, v->data, type, nv);
    for (int64_t i = 0; i < nq; i++)
        dq[i] = rounded(dq[i] * side, type);
    for (int64_t i = 0; i < nk; i++)
        dk[i] = rounded(dk[i] * side, type);
    for (int64_t i = 0; i < n; i++) {
        int64_t j = i % S, r = i / S, h = r / L % H, b = r / L / H;
        const double *x = dq + r * D, *z = dk + ((b * G + h / (H / G)) * S + j) * D;
        double sum = 0;
        for (int64_t d = 0; d < D; d++)
            sum += x[d] * z[d];
        s[i] = rounded(rounded(sum, type), soft);
    }
    const int64_t dims[4] = {B, H, L, S};
    LN_TRY(modify(c, "score_mod", s, raw, soft, dims, n));
    for (int64_t i = 0; S > 0 && i < B * H * L; i++)
        soften(s + i * S, S, soft);
    LN_TRY(modify(c, "prob_mod", s, raw, soft, dims, n));
    for (int64_t r = 0; r < B * H * L; r++) {
        int64_t h = r / L % H, b = r / L / H;
        memset(row, 0, (size_t)DV * sizeof *row);
        for (int64_t j = 0; j < S; j++)
            for (int64_t d = 0; d < DV; d++)
                row[d] += s[r * S + j] * dv[((b * G + h / (H / G)) * S + j) * DV + d];
        store((char *)y + (size_t)(r * DV) * linnet_type_size((linnet_type)type), type, row, DV);
    }
    return LINNET_OK;
}

static const ln_attr_spec attrs[] = {LN_ATTR_I(flex_params, softmax_precision, 0), LN_ATTR_F(flex_params, scale, 0.0f),
                                     LN_ATTR_ANY("score_mod"), LN_ATTR_ANY("prob_mod"), LN_ATTR_END};

LN_OP(FlexAttention) = {
    .domain = "ai.onnx.preview",
    .type = "FlexAttention",
    .since = {1},
    .types = LN_T_FLOATS,
    .in = {3, 3},
    .out = {1, 1},
    .attrs = attrs,
    .params_size = sizeof(flex_params),
    .infer = flex_infer,
    .late = flex_late,
};
