/* SPDX-License-Identifier: Apache-2.0
 *
 * LpNormalization (ai.onnx 1, 22): x divided by its norm along an axis, p = 1 or 2; a line of norm 0 becomes 0.
 * MeanVarianceNormalization (9, 13): (x - mean) / (deviation + 1e-9) over a set of axes. Both compute line by line in
 * double, which serves every type; neither is met where speed matters.
 */
#include <math.h>

#include "ops/axes.h"

typedef struct lp_params {
    int64_t axis, p;           /* LpNormalization */
    int64_t axes[LN_MAX_RANK]; /* MeanVarianceNormalization */
    int32_t n_axes, type;
    int32_t mvn;
    ln_axes a;
} lp_params;

static void task(void *arg, int32_t worker, int64_t begin, int64_t end)
{
    const ln_args *a = arg;
    const lp_params *p = a->params;
    (void)worker;
    for (int64_t line = begin; line < end; line++) {
        int64_t at = ln_axes_kept(&p->a, line), n = p->a.n_reduced;
        double mean = 0, norm = 0;
        for (int64_t i = 0; i < n && p->mvn; i++)
            mean += ln_get_f64(a->in[0], p->type, at + ln_axes_reduced(&p->a, i));
        mean /= (double)n;
        for (int64_t i = 0; i < n; i++) {
            double v = ln_get_f64(a->in[0], p->type, at + ln_axes_reduced(&p->a, i)) - mean;
            norm += p->p == 1 && !p->mvn ? fabs(v) : v * v;
        }
        if (p->mvn)
            norm = sqrt(norm / (double)n) + 1e-9;
        else if (p->p == 2)
            norm = sqrt(norm);
        for (int64_t i = 0; i < n; i++) {
            int64_t k = at + ln_axes_reduced(&p->a, i);
            double v = ln_get_f64(a->in[0], p->type, k) - mean;
            ln_put_f64(a->out[0], p->type, k, norm == 0 ? 0 : v / norm);
        }
    }
}

LN_RUN(ln_lpnorm)
{
    const lp_params *p = a->params;
    ln_args copy = *a;
    ln_parallel(a, p->a.n_reduced ? p->a.n_kept : 0, 15.0 * (double)p->a.n_reduced, task, &copy);
    return LINNET_OK;
}

static linnet_status mask_of(ln_ctx *c, uint32_t *mask)
{
    const lp_params *p = c->params;
    static const int64_t usual[] = {0, 2, 3};
    if (c->op->attrs[1].name)
        return ln_axes_mask(c, c->in[0]->rank, 1, &p->axis, mask);
    return p->n_axes < 0 ? ln_axes_mask(c, c->in[0]->rank, 3, usual, mask)
                         : ln_axes_mask(c, c->in[0]->rank, p->n_axes, p->axes, mask);
}

static linnet_status infer(ln_ctx *c)
{
    const lp_params *p = c->params;
    uint32_t mask;
    if (c->in[0]->rank >= 0)
        LN_TRY(mask_of(c, &mask));
    if (c->op->attrs[1].name && p->p != 1 && p->p != 2)
        return ln_fail(c, LINNET_ERR_MODEL, "p is %lld, expected 1 or 2", (long long)p->p);
    return ln_infer_same(c);
}

static linnet_status plan(ln_ctx *c)
{
    lp_params *p = c->params;
    uint32_t mask;
    LN_TRY(mask_of(c, &mask));
    p->type = c->in[0]->type;
    p->mvn = c->op->attrs[1].name == NULL;
    ln_axes_make(&p->a, c->in[0], mask);
    ln_in_place(c, 0, 0);
    return LINNET_OK;
}

static const ln_attr_spec lp_attrs[] = {LN_ATTR_I(lp_params, axis, -1), LN_ATTR_I(lp_params, p, 2), LN_ATTR_END};
static const ln_attr_spec mvn_attrs[] = {LN_ATTR_INTS(lp_params, axes), LN_ATTR_END};

LN_OP(LpNormalization) = {
    .domain = "",
    .type = "LpNormalization",
    .since = {1, 22},
    .types = LN_T_FLOATS,
    .in = {1, 1},
    .out = {1, 1},
    .attrs = lp_attrs,
    .params_size = sizeof(lp_params),
    .infer = infer,
    .plan = plan,
    LN_RUN_NAME(ln_lpnorm),
};
LN_OP(MeanVarianceNormalization) = {
    .domain = "",
    .type = "MeanVarianceNormalization",
    .since = {9, 13},
    .types = LN_T_FLOATS,
    .in = {1, 1},
    .out = {1, 1},
    .attrs = mvn_attrs,
    .params_size = sizeof(lp_params),
    .infer = infer,
    .plan = plan,
    LN_RUN_NAME(ln_lpnorm),
};
