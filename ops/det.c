/* SPDX-License-Identifier: Apache-2.0
 *
 * Det: determinants of square matrices, by elimination with partial pivoting in float64. ai.onnx Det-11, -22
 * (bfloat16).
 */
#include <math.h>

#include "ops/convert.h"

typedef struct det_params {
    int64_t n, count;
    int32_t type;
} det_params;

static double determinant(double *a, int64_t n)
{
    double det = 1;
    for (int64_t k = 0; k < n; k++) {
        int64_t pivot = k;
        for (int64_t i = k + 1; i < n; i++)
            if (fabs(a[i * n + k]) > fabs(a[pivot * n + k]))
                pivot = i;
        if (pivot != k) {
            for (int64_t j = k; j < n; j++) {
                double t = a[k * n + j];
                a[k * n + j] = a[pivot * n + j];
                a[pivot * n + j] = t;
            }
            det = -det;
        }
        det *= a[k * n + k];
        if (a[k * n + k] == 0)
            return det;
        for (int64_t i = k + 1; i < n; i++) {
            double f = a[i * n + k] / a[k * n + k];
            for (int64_t j = k + 1; j < n; j++)
                a[i * n + j] -= f * a[k * n + j];
        }
    }
    return det;
}

LN_RUN(ln_det)
{
    const det_params *p = a->params;
    double *m = a->scratch;
    int64_t size = p->n * p->n;
    for (int64_t i = 0; i < p->count; i++) {
        for (int64_t k = 0; k < size; k++)
            m[k] = ln_get_f64(a->in[0], p->type, i * size + k);
        ln_put_f64(a->out[0], p->type, i, determinant(m, p->n));
    }
    return LINNET_OK;
}

static linnet_status det_infer(ln_ctx *c)
{
    const ln_info *x = c->in[0];
    if (x->kind != LINNET_TENSOR)
        return ln_fail(c, LINNET_ERR_MODEL, "the input is no tensor");
    if (x->rank < 0)
        return ln_set_unknown(c, 0, (linnet_type)x->type);
    if (x->rank < 2)
        return ln_fail(c, LINNET_ERR_MODEL, "input of rank %d, at least 2 is needed", x->rank);
    LN_TRY(ln_check_dim(c, x->dims[x->rank - 1], x->dims[x->rank - 2], "the last dimension"));
    return ln_set_shape(c, 0, (linnet_type)x->type, x->rank - 2, x->dims);
}

static linnet_status det_plan(ln_ctx *c)
{
    det_params *p = c->params;
    int64_t bytes;
    p->type = c->in[0]->type;
    p->n = c->in[0]->dims[c->in[0]->rank - 1];
    p->count = ln_info_count(c->out[0]);
    LN_TRY(ln_mul_size(c, p->n, p->n, &bytes));
    LN_TRY(ln_mul_size(c, bytes, sizeof(double), &bytes));
    ln_scratch(c, (size_t)bytes);
    return LINNET_OK;
}

LN_OP(Det) = {
    .domain = "",
    .type = "Det",
    .since = {11, 22},
    .types = LN_T_FLOATS,
    .in = {1, 1},
    .out = {1, 1},
    .params_size = sizeof(det_params),
    .infer = det_infer,
    .plan = det_plan,
    LN_RUN_NAME(ln_det),
};
