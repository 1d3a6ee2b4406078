/* SPDX-License-Identifier: Apache-2.0
 *
 * Shared parts of the QLinear* operators: see qlinear.h.
 */
#include "ops/qlinear.h"

linnet_status ln_check_scale(ln_ctx *c, int32_t i, const char *name)
{
    LN_TRY(ln_check_type(c, i, LN_T(LINNET_FLOAT32), name));
    if (ln_in(c, i) && !ln_maybe_scalar(c->in[i]))
        return ln_fail(c, LINNET_ERR_UNSUPPORTED, "%s has more than one element", name);
    return LINNET_OK;
}

linnet_status ln_check_zero(ln_ctx *c, int32_t i, int32_t like, const char *name)
{
    const ln_info *z = ln_in(c, i), *x = c->in[like];
    if (!z)
        return LINNET_OK;
    if (!ln_maybe_scalar(z))
        return ln_fail(c, LINNET_ERR_UNSUPPORTED, "%s has more than one element", name);
    if (z->type != LINNET_UNDEFINED && x->type != LINNET_UNDEFINED && z->type != x->type)
        return ln_fail(c, LINNET_ERR_MODEL, "%s is %s, its tensor %s", name, linnet_type_name((linnet_type)z->type),
                       linnet_type_name((linnet_type)x->type));
    return ln_check_type(c, i, LN_T_8, name);
}

void ln_requantize_table(uint8_t table[256], float x_scale, int32_t x_zero, float y_scale, int32_t y_zero,
                         int is_signed)
{
    for (int b = 0; b < 256; b++)
        table[b] = ln_quantize_one(ln_dequantize_one(b, x_scale, x_zero, is_signed), y_scale, y_zero, is_signed);
}

linnet_status ln_qwalk_of(ln_ctx *c, int32_t operands, const int32_t *index, ln_qwalk *w)
{
    int32_t rank = 0;
    int64_t dims[LN_MAX_RANK], step[3][LN_MAX_RANK];
    for (int32_t k = 0; k < operands; k++)
        if (!ln_broadcast(&rank, dims, c->in[index[k]]->rank, c->in[index[k]]->dims))
            return ln_fail(c, LINNET_ERR_MODEL, "the shapes do not broadcast");
    for (int32_t k = 0; k < operands; k++) {
        const ln_info *x = c->in[index[k]];
        int64_t next = 1;
        for (int32_t i = rank - 1; i >= 0; i--) {
            int32_t own = i - (rank - x->rank);
            int64_t d = own >= 0 ? x->dims[own] : 1;
            step[k][i] = d == 1 ? 0 : next;
            next *= d;
        }
    }
    *w = (ln_qwalk){.operands = operands, .rows = 1};
    for (int32_t i = 0; i < rank; i++) {
        if (dims[i] == 1)
            continue;
        bool merge = w->rank > 0;
        for (int32_t k = 0; k < operands && merge; k++)
            merge = w->step[k][w->rank - 1] == step[k][i] * dims[i];
        if (!merge)
            w->dims[w->rank++] = 1;
        w->dims[w->rank - 1] *= dims[i];
        for (int32_t k = 0; k < operands; k++)
            w->step[k][w->rank - 1] = step[k][i];
    }
    if (w->rank == 0)
        w->dims[w->rank++] = 1;
    for (int32_t i = 0; i < w->rank - 1; i++)
        w->rows *= w->dims[i];
    return LINNET_OK;
}

void ln_qwalk_row(const ln_qwalk *w, int64_t row, int64_t *at)
{
    for (int32_t k = 0; k < w->operands; k++)
        at[k] = 0;
    for (int32_t i = w->rank - 2; i >= 0; i--) {
        for (int32_t k = 0; k < w->operands; k++)
            at[k] += row % w->dims[i] * w->step[k][i];
        row /= w->dims[i];
    }
}

linnet_status ln_qwalk_infer(ln_ctx *c, int32_t operands, const int32_t *index, int32_t like)
{
    int32_t rank = 0;
    int64_t dims[LN_MAX_RANK];
    linnet_type type = (linnet_type)c->in[like]->type;
    for (int32_t k = 0; k < operands; k++) {
        const ln_info *x = c->in[index[k]];
        if (x->rank < 0)
            return ln_set_unknown(c, 0, type);
        if (!ln_broadcast(&rank, dims, x->rank, x->dims))
            return ln_fail(c, LINNET_ERR_MODEL, "the shapes do not broadcast");
    }
    return ln_set_shape(c, 0, type, rank, dims);
}
