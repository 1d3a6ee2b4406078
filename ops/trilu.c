/* SPDX-License-Identifier: Apache-2.0
 *
 * Trilu: the upper or lower triangle of matrices, zeros elsewhere. ai.onnx Trilu-14; com.microsoft Trilu.
 */
#include <string.h>

#include "ops/moving.h"

typedef struct trilu_params {
    int64_t upper;
    int64_t rows, height, width; /* rows of all matrices */
    int64_t size;
    int32_t has_k, pad;
} trilu_params;

typedef struct job {
    const trilu_params *p;
    const char *x;
    char *y;
    int64_t k;
} job;

/* Columns [0, m) of row r are left of the diagonal k (upper), or on it and left of it (lower). */
static void rows(void *arg, int32_t worker, int64_t begin, int64_t end)
{
    const job *j = arg;
    const trilu_params *p = j->p;
    (void)worker;
    for (int64_t r = begin; r < end; r++) {
        int64_t i = r % p->height, m = p->upper ? i + j->k : i + j->k + 1;
        m = m < 0 ? 0 : m > p->width ? p->width : m;
        size_t left = (size_t)(m * p->size), right = (size_t)((p->width - m) * p->size);
        char *y = j->y + r * p->width * p->size;
        const char *x = j->x + r * p->width * p->size;
        if (p->upper) {
            memset(y, 0, left);
            if (y != x)
                memcpy(y + left, x + left, right);
        } else {
            if (y != x)
                memcpy(y, x, left);
            memset(y + left, 0, right);
        }
    }
}

LN_RUN(ln_trilu)
{
    const trilu_params *p = a->params;
    job j = {p, a->in[0], a->out[0], p->has_k ? *(const int64_t *)a->in[1] : 0};
    j.k = j.k > p->width ? p->width : j.k < -p->height ? -p->height : j.k;
    if (p->width)
        ln_parallel(a, p->rows, 5 + 0.06 * (double)(p->width * p->size), rows, &j);
    return LINNET_OK;
}

static linnet_status trilu_infer(ln_ctx *c)
{
    LN_TRY(ln_check_type(c, 1, LN_T(LINNET_INT64), "k"));
    LN_TRY(ln_check_rank(c, 0, 2, LN_MAX_RANK, "input"));
    if (ln_in(c, 1) && !ln_maybe_scalar(c->in[1]))
        return ln_fail(c, LINNET_ERR_MODEL, "k has %lld elements", (long long)ln_info_count(c->in[1]));
    return ln_infer_same(c);
}

static linnet_status trilu_plan(ln_ctx *c)
{
    trilu_params *p = c->params;
    const ln_info *x = c->in[0];
    p->height = x->dims[x->rank - 2];
    p->width = x->dims[x->rank - 1];
    p->rows = ln_dims_product(x->dims, 0, x->rank - 1);
    p->size = (int64_t)linnet_type_size((linnet_type)x->type);
    p->has_k = ln_in(c, 1) != NULL;
    ln_in_place(c, 0, 0);
    return LINNET_OK;
}

static const ln_attr_spec attrs[] = {LN_ATTR_I(trilu_params, upper, 1), LN_ATTR_END};

LN_OP(Trilu) = {
    .domain = "",
    .type = "Trilu",
    .since = {14},
    .types = LN_T_ALL,
    .in = {1, 2},
    .out = {1, 1},
    .attrs = attrs,
    .params_size = sizeof(trilu_params),
    .infer = trilu_infer,
    .plan = trilu_plan,
    LN_RUN_NAME(ln_trilu),
};

LN_OP(com_microsoft_Trilu) = {
    .domain = "com.microsoft",
    .type = "Trilu",
    .since = {1},
    .types = LN_T_ALL,
    .in = {1, 2},
    .out = {1, 1},
    .attrs = attrs,
    .params_size = sizeof(trilu_params),
    .infer = trilu_infer,
    .plan = trilu_plan,
    LN_RUN_NAME(ln_trilu),
};
