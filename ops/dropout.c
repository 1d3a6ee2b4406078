/* SPDX-License-Identifier: Apache-2.0
 *
 * Dropout. ai.onnx 6 (is_test), 7, 10: the input unchanged. 12, 13, 22: with training_mode an element is kept where a
 * draw is not below ratio, and scaled by 1 / (1 - ratio); the draws are those of numpy.random.RandomState(seed), one
 * per element in order (seed 0 where the node has none), as the standard's expected values are made.
 */
#include <string.h>

#include "ops/map.h"
#include "ops/mt19937.h"

typedef struct dropout_params {
    float ratio;     /* attribute up to 10 */
    int64_t is_test; /* attribute of 6 */
    int64_t seed;    /* attribute from 12 on */
    int64_t n;
    int32_t type, mask_type;
    int32_t inputs; /* bit 0, 1: ratio, training_mode are inputs; from bit 8 on: the type of ratio */
    int32_t has_mask;
} dropout_params;

static bool training(const ln_args *a, const dropout_params *p)
{
    return p->inputs & 2 && *(const uint8_t *)a->in[2];
}

LN_RUN(ln_dropout)
{
    const dropout_params *p = a->params;
    size_t size = linnet_type_size((linnet_type)p->type), mask_size = linnet_type_size((linnet_type)p->mask_type);
    double ratio = (double)p->ratio;
    void *mask = p->has_mask ? a->out[1] : NULL;
    if (p->inputs & 1) {
        float f;
        int32_t ratio_type = p->inputs >> 8;
        if (ratio_type == LINNET_FLOAT64) {
            ratio = *(const double *)a->in[1];
        } else {
            ln_to_f32(&f, a->in[1], ratio_type, 0, 1);
            ratio = (double)f;
        }
    }
    bool on = training(a, p) && ratio != 0;
    if (on && !(ratio > 0 && ratio < 1))
        return ln_run_fail(a, "ratio %g is not in [0, 1)", ratio);
    if (!on) {
        const float one = 1;
        if (a->out[0] != a->in[0] && p->n)
            memcpy(a->out[0], a->in[0], (size_t)p->n * size);
        if (mask && mask_size == 1)
            memset(mask, 1, (size_t)p->n);
        for (int64_t i = 0; mask && mask_size > 1 && i < p->n; i++) {
            if (p->mask_type == LINNET_FLOAT64)
                ((double *)mask)[i] = 1;
            else
                ln_from_f32(mask, p->mask_type, i, &one, 1, 1);
        }
        return LINNET_OK;
    }
    ln_mt *m = a->scratch;
    ln_mt_seed(m, (uint32_t)p->seed);
    double scale = 1 / (1 - ratio);
    for (int64_t i = 0; i < p->n; i++) {
        bool keep = ln_mt_double(m) >= ratio;
        if (p->type == LINNET_FLOAT64) {
            ((double *)a->out[0])[i] = keep ? ((const double *)a->in[0])[i] * scale : 0;
        } else {
            float x;
            ln_to_f32(&x, a->in[0], p->type, i, 1);
            x = keep ? (float)((double)x * scale) : 0;
            ln_from_f32(a->out[0], p->type, i, &x, 1, 1);
        }
        if (mask)
            ((uint8_t *)mask)[i] = keep;
    }
    return LINNET_OK;
}

static linnet_type mask_type(const ln_ctx *c)
{
    return c->version >= 10 ? LINNET_BOOL : (linnet_type)c->in[0]->type;
}

static linnet_status infer(ln_ctx *c)
{
    const ln_info *x = c->in[0];
    if (c->version < 12 && c->n_in > 1)
        return ln_fail(c, LINNET_ERR_MODEL, "has %d inputs, expected 1 before opset 12", c->n_in);
    LN_TRY(ln_check_type(c, 1, LN_T_FLOATS | LN_T_FLOAT8, "ratio"));
    LN_TRY(ln_check_type(c, 2, LN_T(LINNET_BOOL), "training_mode"));
    for (int32_t i = 1; i < c->n_in; i++)
        if (c->in[i] && !ln_maybe_scalar(c->in[i]))
            return ln_fail(c, LINNET_ERR_MODEL, "%s has %lld elements, expected one",
                           i == 1 ? "ratio" : "training_mode", (long long)ln_info_count(c->in[i]));
    if (x->rank < 0) {
        LN_TRY(ln_set_unknown(c, 1, mask_type(c)));
        return ln_set_unknown(c, 0, (linnet_type)x->type);
    }
    LN_TRY(ln_set_shape(c, 1, mask_type(c), x->rank, x->dims));
    return ln_set_shape(c, 0, (linnet_type)x->type, x->rank, x->dims);
}

static linnet_status plan(ln_ctx *c)
{
    dropout_params *p = c->params;
    p->n = ln_info_count(c->in[0]);
    p->type = c->in[0]->type;
    p->mask_type = (int32_t)mask_type(c);
    p->inputs = (ln_in(c, 1) ? 1 | c->in[1]->type << 8 : 0) | (ln_in(c, 2) ? 2 : 0);
    if (!(p->inputs & 1) && c->version >= 12)
        p->ratio = 0.5f;
    p->has_mask = ln_has_out(c, 1);
    const ln_info *mode = ln_in(c, 2);
    bool inference = !mode || (mode->data && !*(const uint8_t *)mode->data);
    ln_scratch(c, sizeof(ln_mt));
    if (!inference)
        ln_in_place(c, 0, 0);
    else if (!ln_has_out(c, 1) && ln_view(c, 0, 0, 0))
        c->run = NULL;
    return LINNET_OK;
}

static const ln_attr_spec attrs[] = {LN_ATTR_F(dropout_params, ratio, 0.5f), LN_ATTR_I(dropout_params, is_test, 0),
                                     LN_ATTR_I(dropout_params, seed, 0), LN_ATTR_END};

LN_OP(Dropout) = {
    .domain = "",
    .type = "Dropout",
    .since = {6, 7, 10, 12, 13, 22},
    .types = LN_T_FLOATS | (LN_T_FLOAT8 & ~LN_T(LINNET_FLOAT8E8M0)),
    .in = {1, 3},
    .out = {1, 2},
    .attrs = attrs,
    .params_size = sizeof(dropout_params),
    .infer = infer,
    .plan = plan,
    LN_RUN_NAME(ln_dropout),
};
