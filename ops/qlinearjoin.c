/* SPDX-License-Identifier: Apache-2.0
 *
 * com.microsoft QLinearConcat and QLinearWhere: elements of several quantised tensors in one, requantised to its scale
 * and zero point by a table of 256 results per input. ONNX Runtime docs/ContribOperators.md.
 */
#include <string.h>

#include "ops/qlinear.h"

/* -- concat: Y_scale, Y_zero_point, then (tensor, scale, zero point) for each part -------------------------------- */

typedef struct qconcat_params {
    int64_t axis, outer;
    int32_t parts, is_signed;
} qconcat_params;

LN_RUN(ln_qlinearconcat)
{
    const qconcat_params *p = a->params;
    const int64_t *chunks = a->packed; /* bytes of each part for one outer index */
    int64_t total = 0, at = 0;
    for (int32_t i = 0; i < p->parts; i++)
        total += chunks[i];
    float y_scale = *(const float *)a->in[0];
    int32_t y_zero = ln_zero_of(a->in[1], p->is_signed, 0);
    for (int32_t i = 0; i < p->parts; at += chunks[i], i++) {
        const uint8_t *x = a->in[2 + 3 * i];
        float scale = *(const float *)a->in[3 + 3 * i];
        int32_t zero = ln_zero_of(a->in[4 + 3 * i], p->is_signed, 0);
        bool same = scale == y_scale && zero == y_zero;
        uint8_t table[256];
        if (!same)
            ln_requantize_table(table, scale, zero, y_scale, y_zero, p->is_signed);
        for (int64_t o = 0; o < p->outer; o++) {
            uint8_t *y = (uint8_t *)a->out[0] + o * total + at;
            if (same)
                memcpy(y, x + o * chunks[i], (size_t)chunks[i]);
            else
                for (int64_t e = 0; e < chunks[i]; e++)
                    y[e] = table[x[o * chunks[i] + e]];
        }
    }
    return LINNET_OK;
}

static linnet_status concat_infer(ln_ctx *c)
{
    const qconcat_params *p = c->params;
    if ((c->n_in - 2) % 3 != 0)
        return ln_fail(c, LINNET_ERR_MODEL, "%d inputs are no scale, zero point and triples", c->n_in);
    LN_TRY(ln_check_scale(c, 0, "Y_scale"));
    LN_TRY(ln_check_type(c, 1, LN_T_8, "Y_zero_point"));
    int64_t dims[LN_MAX_RANK];
    int32_t rank = -1, axis = 0;
    bool known = true;
    for (int32_t i = 2; i < c->n_in; i += 3) {
        const ln_info *x = c->in[i];
        if (!x || !c->in[i + 1] || !c->in[i + 2])
            return ln_fail(c, LINNET_ERR_MODEL, "part %d is missing", i / 3);
        LN_TRY(ln_check_scale(c, i + 1, "a scale"));
        LN_TRY(ln_check_zero(c, i + 2, i, "a zero point"));
        if (x->type != LINNET_UNDEFINED && c->in[1]->type != LINNET_UNDEFINED && x->type != c->in[1]->type)
            return ln_fail(c, LINNET_ERR_MODEL, "part %d is %s, the output %s", i / 3,
                           linnet_type_name((linnet_type)x->type), linnet_type_name((linnet_type)c->in[1]->type));
        if (x->rank < 0) {
            known = false;
            continue;
        }
        if (rank < 0) {
            rank = x->rank;
            LN_TRY(ln_axis(c, p->axis, rank, &axis));
            memcpy(dims, x->dims, sizeof dims);
            continue;
        }
        LN_TRY(ln_check_rank(c, i, rank, rank, "a part"));
        for (int32_t d = 0; d < rank; d++)
            if (d != axis)
                LN_TRY(ln_check_dim(c, x->dims[d], dims[d], "a dimension of a part"));
            else if (x->dims[d] < 0 || dims[d] < 0 || x->dims[d] > INT64_MAX - dims[d])
                dims[d] = LN_UNKNOWN;
            else
                dims[d] += x->dims[d];
    }
    linnet_type type = (linnet_type)c->in[1]->type;
    return known ? ln_set_shape(c, 0, type, rank, dims) : ln_set_unknown(c, 0, type);
}

static linnet_status concat_plan(ln_ctx *c)
{
    qconcat_params *p = c->params;
    int32_t axis;
    LN_TRY(ln_axis(c, p->axis, c->in[2]->rank, &axis));
    p->outer = 1;
    for (int32_t d = 0; d < axis; d++)
        p->outer *= c->in[2]->dims[d];
    p->parts = (c->n_in - 2) / 3;
    p->is_signed = c->in[1]->type == LINNET_INT8;
    int64_t *chunks = ln_pack(c, (size_t)p->parts * sizeof *chunks);
    if (!chunks)
        return ln_no_memory(c);
    for (int32_t i = 0; i < p->parts; i++) {
        chunks[i] = 1;
        for (int32_t d = axis; d < c->in[2]->rank; d++)
            chunks[i] *= c->in[2 + 3 * i]->dims[d];
    }
    return LINNET_OK;
}

static const ln_attr_spec concat_attrs[] = {LN_ATTR_I_REQ(qconcat_params, axis), LN_ATTR_END};

LN_OP(QLinearConcat) = {
    .domain = "com.microsoft",
    .type = "QLinearConcat",
    .since = {1},
    .types = LN_T(LINNET_FLOAT32),
    .in = {5, LN_VARIADIC},
    .out = {1, 1},
    .attrs = concat_attrs,
    .params_size = sizeof(qconcat_params),
    .infer = concat_infer,
    .plan = concat_plan,
    LN_RUN_NAME(ln_qlinearconcat),
};

/* -- where --------------------------------------------------------------------------------------------------------- */

typedef struct qwhere_params {
    ln_qwalk walk;
    int32_t is_signed, unused;
} qwhere_params;

enum { CONDITION, X, X_SCALE, X_ZERO, Y, Y_SCALE, Y_ZERO, Z_SCALE, Z_ZERO };

typedef struct where_job {
    const qwhere_params *p;
    const uint8_t *condition, *x, *y;
    uint8_t *z;
    uint8_t x_table[256], y_table[256];
} where_job;

static void where_rows(void *arg, int32_t worker, int64_t begin, int64_t end)
{
    const where_job *j = arg;
    const ln_qwalk *w = &j->p->walk;
    int64_t n = w->dims[w->rank - 1], at[3], sc = w->step[0][w->rank - 1], sx = w->step[1][w->rank - 1],
            sy = w->step[2][w->rank - 1];
    (void)worker;
    for (int64_t r = begin; r < end; r++) {
        ln_qwalk_row(w, r, at);
        for (int64_t i = 0; i < n; i++)
            j->z[r * n + i] =
                j->condition[at[0] + i * sc] ? j->x_table[j->x[at[1] + i * sx]] : j->y_table[j->y[at[2] + i * sy]];
    }
}

LN_RUN(ln_qlinearwhere)
{
    const qwhere_params *p = a->params;
    int s = p->is_signed;
    where_job j = {.p = p, .condition = a->in[CONDITION], .x = a->in[X], .y = a->in[Y], .z = a->out[0]};
    float scale = *(const float *)a->in[Z_SCALE];
    int32_t zero = ln_zero_of(a->in[Z_ZERO], s, 0);
    ln_requantize_table(j.x_table, *(const float *)a->in[X_SCALE], ln_zero_of(a->in[X_ZERO], s, 0), scale, zero, s);
    ln_requantize_table(j.y_table, *(const float *)a->in[Y_SCALE], ln_zero_of(a->in[Y_ZERO], s, 0), scale, zero, s);
    ln_parallel(a, p->walk.rows, (double)p->walk.dims[p->walk.rank - 1], where_rows, &j);
    return LINNET_OK;
}

static const int32_t operands[] = {CONDITION, X, Y};

static linnet_status where_infer(ln_ctx *c)
{
    LN_TRY(ln_check_type(c, X, LN_T_8, "X"));
    LN_TRY(ln_check_scale(c, X_SCALE, "x_scale"));
    LN_TRY(ln_check_scale(c, Y_SCALE, "y_scale"));
    LN_TRY(ln_check_scale(c, Z_SCALE, "z_scale"));
    LN_TRY(ln_check_zero(c, X_ZERO, X, "x_zero_point"));
    LN_TRY(ln_check_zero(c, Y_ZERO, X, "y_zero_point"));
    LN_TRY(ln_check_zero(c, Z_ZERO, X, "z_zero_point"));
    if (c->in[X]->type != LINNET_UNDEFINED)
        LN_TRY(ln_check_type(c, Y, LN_T(c->in[X]->type), "Y"));
    return ln_qwalk_infer(c, 3, operands, X);
}

static linnet_status where_plan(ln_ctx *c)
{
    qwhere_params *p = c->params;
    p->is_signed = c->in[X]->type == LINNET_INT8;
    return ln_qwalk_of(c, 3, operands, &p->walk);
}

LN_OP(QLinearWhere) = {
    .domain = "com.microsoft",
    .type = "QLinearWhere",
    .since = {1},
    .types = LN_T(LINNET_BOOL),
    .in = {9, 9},
    .out = {1, 1},
    .params_size = sizeof(qwhere_params),
    .infer = where_infer,
    .plan = where_plan,
    LN_RUN_NAME(ln_qlinearwhere),
};
