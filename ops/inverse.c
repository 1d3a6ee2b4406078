/* SPDX-License-Identifier: Apache-2.0
 *
 * Inverse: of square matrices, by Gauss-Jordan elimination with partial pivoting in float64. com.microsoft Inverse-1.
 * The inverse of a singular matrix has infinities and NaN, as a division by zero gives them.
 */
#include <math.h>

#include "ops/convert.h"

typedef struct inverse_params {
    int64_t n, count;
    int32_t type;
} inverse_params;

/* m is n rows of a matrix beside a unit matrix; the right half becomes the inverse. */
static void invert(double *m, int64_t n)
{
    int64_t row = 2 * n;
    for (int64_t k = 0; k < n; k++) {
        int64_t pivot = k;
        for (int64_t i = k + 1; i < n; i++)
            if (fabs(m[i * row + k]) > fabs(m[pivot * row + k]))
                pivot = i;
        for (int64_t j = 0; j < row && pivot != k; j++) {
            double t = m[k * row + j];
            m[k * row + j] = m[pivot * row + j];
            m[pivot * row + j] = t;
        }
        double by = m[k * row + k];
        for (int64_t j = 0; j < row; j++)
            m[k * row + j] /= by;
        for (int64_t i = 0; i < n; i++) {
            double f = m[i * row + k];
            for (int64_t j = 0; j < row && i != k; j++)
                m[i * row + j] -= f * m[k * row + j];
        }
    }
}

LN_RUN(ln_inverse)
{
    const inverse_params *p = a->params;
    double *m = a->scratch;
    int64_t n = p->n, size = n * n;
    for (int64_t i = 0; i < p->count; i++) {
        for (int64_t k = 0; k < size; k++) {
            int64_t r = k / n, column = k % n;
            m[r * 2 * n + column] = ln_get_f64(a->in[0], p->type, i * size + k);
            m[r * 2 * n + n + column] = r == column;
        }
        invert(m, n);
        for (int64_t k = 0; k < size; k++)
            ln_put_f64(a->out[0], p->type, i * size + k, m[k / n * 2 * n + n + k % n]);
    }
    return LINNET_OK;
}

static linnet_status inverse_infer(ln_ctx *c)
{
    const ln_info *x = c->in[0];
    if (x->kind != LINNET_TENSOR)
        return ln_fail(c, LINNET_ERR_MODEL, "the input is no tensor");
    if (x->rank < 0)
        return ln_set_unknown(c, 0, (linnet_type)x->type);
    if (x->rank < 2)
        return ln_fail(c, LINNET_ERR_MODEL, "input of rank %d, at least 2 is needed", x->rank);
    LN_TRY(ln_check_dim(c, x->dims[x->rank - 1], x->dims[x->rank - 2], "the last dimension"));
    return ln_set_shape(c, 0, (linnet_type)x->type, x->rank, x->dims);
}

static linnet_status inverse_plan(ln_ctx *c)
{
    inverse_params *p = c->params;
    const ln_info *x = c->in[0];
    int64_t bytes;
    p->type = x->type;
    p->n = x->dims[x->rank - 1];
    p->count = p->n ? ln_info_count(x) / (p->n * p->n) : 0;
    LN_TRY(ln_mul_size(c, p->n, p->n, &bytes));
    LN_TRY(ln_mul_size(c, bytes, 2 * sizeof(double), &bytes));
    ln_scratch(c, (size_t)bytes);
    return LINNET_OK;
}

LN_OP(Inverse) = {
    .domain = "com.microsoft",
    .type = "Inverse",
    .since = {1},
    .types = LN_T_FLOATS,
    .in = {1, 1},
    .out = {1, 1},
    .params_size = sizeof(inverse_params),
    .infer = inverse_infer,
    .plan = inverse_plan,
    LN_RUN_NAME(ln_inverse),
};
