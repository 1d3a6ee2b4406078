/* SPDX-License-Identifier: Apache-2.0
 *
 * See moving.h.
 */
#include "ops/moving.h"

#include <string.h>

/* Nanoseconds that a byte and a part of a move take, roughly; more where elements are taken one at a time. */
static const double BYTE_COST = 0.09, PART_COST = 10;

typedef struct job {
    const ln_move *m;
    void *y;
    const void *x;
} job;

static void parts(void *arg, int32_t worker, int64_t begin, int64_t end)
{
    const job *j = arg;
    (void)worker;
    ln_move_run(j->m, j->y, j->x, begin, end);
}

void ln_move_parallel(const ln_args *a, const ln_move *m, void *y, const void *x)
{
    job j = {m, y, x};
    double bytes = (double)m->size;
    for (int32_t i = 0; i < m->rank; i++)
        bytes *= (double)m->dims[i];
    ln_parallel(a, m->parts, PART_COST + BYTE_COST * bytes / (double)(m->parts > 0 ? m->parts : 1), parts, &j);
}

void ln_copy_parallel(const ln_args *a, void *y, const void *x, int64_t bytes)
{
    ln_move m;
    if (bytes == 0 || y == x)
        return;
    ln_move_make_flat(&m, bytes);
    ln_move_parallel(a, &m, y, x);
}

LN_RUN(ln_moving)
{
    ln_move_parallel(a, a->params, a->out[0], a->in[0]);
    return LINNET_OK;
}

linnet_status ln_plan_move(ln_ctx *c, ln_move *m)
{
    if ((m->way == LN_MOVE_FLAT || m->way == LN_MOVE_EMPTY) && m->y_offset == 0 &&
        ln_view(c, 0, 0, m->way == LN_MOVE_EMPTY ? 0 : (size_t)m->x_offset)) {
        c->run = NULL;
        return LINNET_OK;
    }
    LN_SET_RUN(c, ln_moving);
    return LINNET_OK;
}

linnet_status ln_plan_reshaped(ln_ctx *c)
{
    ln_move *m = c->params;
    ln_move_make_flat(m, (int64_t)ln_info_bytes(c->in[0]));
    return ln_plan_move(c, m);
}

linnet_status ln_check_same_type(ln_ctx *c, int32_t i, int32_t k)
{
    const ln_info *a = ln_in(c, i), *b = ln_in(c, k);
    if (a && b && a->type != LINNET_UNDEFINED && b->type != LINNET_UNDEFINED && a->type != b->type)
        return ln_fail(c, LINNET_ERR_MODEL, "input %d is %s, but input %d is %s", i,
                       linnet_type_name((linnet_type)a->type), k, linnet_type_name((linnet_type)b->type));
    return LINNET_OK;
}

linnet_status ln_read_ints(ln_ctx *c, int32_t i, const char *name, int64_t *values, int32_t *n)
{
    const ln_info *info = ln_in(c, i);
    *n = -1;
    if (!info)
        return LINNET_OK;
    LN_TRY(ln_check_type(c, i, LN_T(LINNET_INT64) | LN_T(LINNET_INT32), name));
    LN_TRY(ln_check_rank(c, i, 0, 1, name));
    if (info->rank == 1 && info->dims[0] > LN_MAX_RANK)
        return ln_fail(c, LINNET_ERR_UNSUPPORTED, "%s has %lld elements, at most %d are supported", name,
                       (long long)info->dims[0], LN_MAX_RANK);
    *n = ln_const_ints(c, i, values, LN_MAX_RANK);
    if (*n < 0)
        *n = -1;
    return LINNET_OK;
}

linnet_status ln_check_axes(ln_ctx *c, int32_t n, int64_t *axes, int32_t rank)
{
    for (int32_t i = 0; i < n; i++) {
        int32_t axis;
        LN_TRY(ln_axis(c, axes[i], rank, &axis));
        axes[i] = axis;
        for (int32_t k = 0; k < i; k++)
            if (axes[k] == axis)
                return ln_fail(c, LINNET_ERR_MODEL, "axis %d is listed twice", axis);
    }
    return LINNET_OK;
}

int64_t ln_dims_product(const int64_t *dims, int32_t from, int32_t to)
{
    int64_t n = 1, symbol = 0;
    for (int32_t i = from; i < to; i++) {
        if (dims[i] == 0)
            return 0;
        if (dims[i] < 0)
            symbol = symbol ? LN_UNKNOWN : dims[i];
        else if (__builtin_mul_overflow(n, dims[i], &n))
            return LN_UNKNOWN;
    }
    return !symbol ? n : n == 1 ? symbol : LN_UNKNOWN;
}
