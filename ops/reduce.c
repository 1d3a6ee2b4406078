/* SPDX-License-Identifier: Apache-2.0
 *
 * ReduceSum, Mean, Max, Min, Prod, L1, L2, LogSum, LogSumExp, SumSquare. ai.onnx 1 to 28; axes as an attribute up to 13
 * (11 for ReduceSum), then as an input. Over an empty set they give 0, 1 (Prod), the least or greatest value (Max,
 * Min).
 *
 * float32, float16 and bfloat16 here. Rows: where the innermost dimension is reduced, a reduction kernel per run of
 * it. Columns: where it is kept, whole rows of the input are added up, a chunk of columns at a time.
 */
#include <math.h>

#include "kernels/kernels.h"
#include "ops/map.h"
#include "ops/reduce.h"

#define CHUNK 512 /* columns, or elements of a half type, at a time: 2 KB of stack each */

static float start_of(int32_t kind)
{
    return kind == LN_RED_PROD ? 1.0f : kind == LN_RED_MAX ? -INFINITY : kind == LN_RED_MIN ? INFINITY : 0.0f;
}

static ln_VREDUCE_F32 *kernel_of(int32_t kind)
{
    switch (kind) {
    case LN_RED_MAX:
        return LN_K(greatest_f32);
    case LN_RED_MIN:
        return LN_K(least_f32);
    case LN_RED_PROD:
        return LN_K(product_f32);
    case LN_RED_L1:
        return LN_K(sum_abs_f32);
    case LN_RED_L2:
    case LN_RED_SUM_SQUARE:
        return LN_K(sum_square_f32);
    case LN_RED_LOG_SUM_EXP:
        return LN_K(sum_exp_f32);
    default:
        return LN_K(sum_f32);
    }
}

static float join(int32_t kind, float a, float b)
{
    switch (kind) {
    case LN_RED_MAX:
        return a != a || a > b ? a : b;
    case LN_RED_MIN:
        return a != a || a < b ? a : b;
    case LN_RED_PROD:
        return a * b;
    default:
        return a + b;
    }
}

static float log_of(float x)
{
    LN_K(log_f32)(&x, &x, 1);
    return x;
}

static float finish(const ln_reduce_params *p, float acc, float shift)
{
    switch (p->kind) {
    case LN_RED_MEAN:
        return acc / (float)p->a.n_reduced;
    case LN_RED_L2:
        return sqrtf(acc);
    case LN_RED_LOG_SUM:
        return log_of(acc);
    case LN_RED_LOG_SUM_EXP:
        return shift + log_of(acc);
    default:
        return acc;
    }
}

/* -- rows -- */

/* All runs of one output, reduced by kind. */
static float reduce_runs(const ln_reduce_params *p, int32_t kind, const void *x, int64_t at, float shift)
{
    const ln_axes *a = &p->a;
    int64_t run = a->reduced_dims[a->reduced - 1];
    ln_VREDUCE_F32 *kernel = kernel_of(kind);
    float acc = start_of(kind), block[CHUNK];
    for (int64_t i = 0; i < a->n_reduced; i += run) {
        int64_t from = at + ln_axes_reduced(a, i);
        if (p->type == LINNET_FLOAT32) {
            acc = join(kind, acc, kernel((const float *)x + from, (size_t)run, shift));
            continue;
        }
        for (int64_t k = 0; k < run; k += CHUNK) {
            int64_t n = run - k < CHUNK ? run - k : CHUNK;
            ln_to_f32(block, x, p->type, from + k, n);
            acc = join(kind, acc, kernel(block, (size_t)n, shift));
        }
    }
    return acc;
}

static void rows_task(void *arg, int32_t worker, int64_t begin, int64_t end)
{
    const ln_args *a = arg;
    const ln_reduce_params *p = a->params;
    (void)worker;
    for (int64_t i = begin; i < end; i++) {
        int64_t at = ln_axes_kept(&p->a, i);
        float shift = 0, y;
        if (p->kind == LN_RED_LOG_SUM_EXP)
            shift = reduce_runs(p, LN_RED_MAX, a->in[0], at, 0);
        if (isfinite(shift))
            y = finish(p, reduce_runs(p, p->kind, a->in[0], at, shift), shift);
        else
            y = shift;
        ln_from_f32(a->out[0], p->type, i, &y, 1, 1);
    }
}

/* float32 lines that follow each other, which is what most are. */
static void lines_task(void *arg, int32_t worker, int64_t begin, int64_t end)
{
    const ln_args *a = arg;
    const ln_reduce_params *p = a->params;
    size_t n = (size_t)p->a.n_reduced;
    const float *x = (const float *)a->in[0] + begin * p->a.n_reduced;
    ln_VREDUCE_F32 *kernel = kernel_of(p->kind), *top = LN_K(greatest_f32);
    bool shifted = p->kind == LN_RED_LOG_SUM_EXP;
    (void)worker;
    for (int64_t i = begin; i < end; i++, x += n) {
        float shift = shifted ? top(x, n, 0) : 0;
        ((float *)a->out[0])[i] = isfinite(shift) ? finish(p, kernel(x, n, shift), shift) : shift;
    }
}

static bool are_lines(const ln_reduce_params *p)
{
    const ln_axes *a = &p->a;
    return p->type == LINNET_FLOAT32 && a->reduced == 1 && a->n_reduced > 0 &&
           (a->kept == 0 || (a->kept == 1 && a->kept_strides[0] == a->n_reduced));
}

LN_RUN(ln_reduce_rows)
{
    const ln_reduce_params *p = a->params;
    ln_args copy = *a;
    double each = p->type != LINNET_FLOAT32 || p->kind == LN_RED_LOG_SUM_EXP ? 0.8 : 0.06;
    ln_parallel(a, p->a.n_kept, 10.0 + each * (double)p->a.n_reduced, are_lines(p) ? lines_task : rows_task, &copy);
    return LINNET_OK;
}

/* -- columns
 * ----------------------------------------------------------------------------------------------------------- */

static void add_row(int32_t kind, float *y, const float *x, const float *shift, size_t n)
{
    switch (kind) {
    case LN_RED_MAX:
        LN_K(max_f32)(y, y, x, n, 1, 1);
        break;
    case LN_RED_MIN:
        LN_K(min_f32)(y, y, x, n, 1, 1);
        break;
    case LN_RED_PROD:
        LN_K(mul_f32)(y, y, x, n, 1, 1);
        break;
    case LN_RED_L1:
        LN_K(add_abs_f32)(y, x, NULL, n);
        break;
    case LN_RED_L2:
    case LN_RED_SUM_SQUARE:
        LN_K(add_square_f32)(y, x, NULL, n);
        break;
    case LN_RED_LOG_SUM_EXP:
        LN_K(add_exp_f32)(y, x, shift, n);
        break;
    default:
        LN_K(add_f32)(y, y, x, n, 1, 1);
    }
}

static void reduce_columns(const ln_reduce_params *p, int32_t kind, float *y, const void *x, int64_t at,
                           const float *shift, int64_t n)
{
    LN_BLOCK float block[CHUNK];
    for (int64_t i = 0; i < n; i++)
        y[i] = start_of(kind);
    for (int64_t i = 0; i < p->a.n_reduced; i++) {
        int64_t from = at + ln_axes_reduced(&p->a, i);
        const float *row = (const float *)x + from;
        if (p->type != LINNET_FLOAT32) {
            ln_to_f32(block, x, p->type, from, n);
            row = block;
        }
        add_row(kind, y, row, shift, (size_t)n);
    }
}

static int64_t columns(const ln_axes *a)
{
    return a->kept ? a->kept_dims[a->kept - 1] : 1;
}

/* An item is a chunk of the columns of one outer kept element. */
static void columns_task(void *arg, int32_t worker, int64_t begin, int64_t end)
{
    const ln_args *a = arg;
    const ln_reduce_params *p = a->params;
    int64_t width = columns(&p->a), chunks = (width + CHUNK - 1) / CHUNK;
    float y[CHUNK], shift[CHUNK];
    (void)worker;
    for (int64_t item = begin; item < end; item++) {
        int64_t first = item / chunks * width + item % chunks * CHUNK, column = item % chunks * CHUNK;
        int64_t n = width - column < CHUNK ? width - column : CHUNK, at = ln_axes_kept(&p->a, first);
        if (p->kind == LN_RED_LOG_SUM_EXP) {
            reduce_columns(p, LN_RED_MAX, shift, a->in[0], at, NULL, n);
            float safe[CHUNK];
            for (int64_t i = 0; i < n; i++)
                safe[i] = isfinite(shift[i]) ? shift[i] : 0;
            reduce_columns(p, p->kind, y, a->in[0], at, safe, n);
        } else {
            reduce_columns(p, p->kind, y, a->in[0], at, NULL, n);
        }
        bool exp_kind = p->kind == LN_RED_LOG_SUM_EXP;
        for (int64_t i = 0; i < n; i++)
            y[i] = exp_kind && !isfinite(shift[i]) ? shift[i] : finish(p, y[i], exp_kind ? shift[i] : 0);
        ln_from_f32(a->out[0], p->type, first, y, n, 1);
    }
}

LN_RUN(ln_reduce_columns)
{
    const ln_reduce_params *p = a->params;
    ln_args copy = *a;
    int64_t width = columns(&p->a), chunks = (width + CHUNK - 1) / CHUNK;
    double each = p->type != LINNET_FLOAT32 || p->kind == LN_RED_LOG_SUM_EXP ? 0.8 : 0.1;
    if (p->a.n_kept)
        ln_parallel(a, p->a.n_kept / width * chunks, each * CHUNK * (double)(p->a.n_reduced + 1), columns_task, &copy);
    return LINNET_OK;
}

/* -- shapes and choice -- */

/* The reduced dimensions; *known false while an axes input is not constant. */
static linnet_status axes_of(ln_ctx *c, uint32_t *mask, bool *known)
{
    const ln_reduce_params *p = c->params;
    const ln_info *in = ln_in(c, 1);
    int64_t axes[LN_MAX_RANK];
    int32_t n = p->n_axes > 0 ? p->n_axes : 0;
    const int64_t *list = p->axes;
    *known = c->in[0]->rank >= 0;
    if (in && ln_info_count(in) != 0) {
        LN_TRY(ln_check_type(c, 1, LN_T(LINNET_INT64), "axes"));
        LN_TRY(ln_check_rank(c, 1, 0, 1, "axes"));
        n = ln_const_ints(c, 1, axes, LN_MAX_RANK);
        list = axes;
        if (n == -2)
            return ln_fail(c, LINNET_ERR_MODEL, "axes has %lld elements, at most %d are possible",
                           (long long)ln_info_count(in), LN_MAX_RANK);
        *known = *known && n >= 0;
    }
    *mask = 0;
    if (!*known)
        return LINNET_OK;
    if (n == 0 && !p->noop_with_empty_axes)
        *mask = (UINT32_C(1) << c->in[0]->rank) - 1;
    return n > 0 ? ln_axes_mask(c, c->in[0]->rank, n, list, mask) : LINNET_OK;
}

static linnet_status infer(ln_ctx *c)
{
    const ln_reduce_params *p = c->params;
    const ln_info *in = c->in[0];
    uint32_t mask;
    bool known;
    LN_TRY(axes_of(c, &mask, &known));
    if (known)
        return ln_axes_set_shape(c, 0, (linnet_type)in->type, mask, p->keepdims != 0);
    if (in->rank < 0 || !p->keepdims)
        return ln_set_unknown(c, 0, (linnet_type)in->type);
    int64_t dims[LN_MAX_RANK];
    for (int32_t d = 0; d < in->rank; d++)
        dims[d] = in->dims[d] == 1 ? 1 : LN_UNKNOWN;
    return ln_set_shape(c, 0, (linnet_type)in->type, in->rank, dims);
}

static linnet_status plan(ln_ctx *c, int32_t kind)
{
    static const ln_map_run runs[] = {LN_MAP_RUN(LN_T(LINNET_FLOAT64), ln_reduce_f64),
                                      LN_MAP_RUN(LN_T(LINNET_INT8), ln_reduce_i8),
                                      LN_MAP_RUN(LN_T(LINNET_UINT8) | LN_T(LINNET_BOOL), ln_reduce_u8),
                                      LN_MAP_RUN(LN_T(LINNET_INT32), ln_reduce_i32),
                                      LN_MAP_RUN(LN_T(LINNET_INT64), ln_reduce_i64),
                                      LN_MAP_RUN(LN_T(LINNET_UINT32), ln_reduce_u32),
                                      LN_MAP_RUN(LN_T(LINNET_UINT64), ln_reduce_u64),
                                      {0}};
    static const ln_map_run logs[] = {LN_MAP_RUN(LN_T(LINNET_FLOAT64), ln_reduce_log_f64),
                                      LN_MAP_RUN(LN_T(LINNET_INT8), ln_reduce_log_i8),
                                      LN_MAP_RUN(LN_T(LINNET_UINT8) | LN_T(LINNET_BOOL), ln_reduce_log_u8),
                                      LN_MAP_RUN(LN_T(LINNET_INT32), ln_reduce_log_i32),
                                      LN_MAP_RUN(LN_T(LINNET_INT64), ln_reduce_log_i64),
                                      LN_MAP_RUN(LN_T(LINNET_UINT32), ln_reduce_log_u32),
                                      LN_MAP_RUN(LN_T(LINNET_UINT64), ln_reduce_log_u64),
                                      {0}};
    ln_reduce_params *p = c->params;
    uint32_t mask;
    bool known;
    LN_TRY(axes_of(c, &mask, &known));
    if (!known)
        return LN_NEED_DATA;
    if (c->n_in > 1 && c->in[1])
        ln_drop_input(c, 1);
    p->kind = kind;
    p->type = c->in[0]->type;
    ln_axes_make(&p->a, c->in[0], mask);
    ln_pick_run(c, kind == LN_RED_LOG_SUM || kind == LN_RED_LOG_SUM_EXP ? logs : runs, c->in[0]->type);
    if (LN_T(p->type) & (LN_T(LINNET_FLOAT32) | LN_T_HALF)) {
        if (p->a.reduced && p->a.reduced_strides[p->a.reduced - 1] == 1)
            LN_SET_RUN(c, ln_reduce_rows);
        else
            LN_SET_RUN(c, ln_reduce_columns);
    }
    return LINNET_OK;
}

#define PLAN(fn, kind)                                                                                                 \
    static linnet_status fn##_plan(ln_ctx *c)                                                                          \
    {                                                                                                                  \
        return plan(c, kind);                                                                                          \
    }
PLAN(sum, LN_RED_SUM)
PLAN(mean, LN_RED_MEAN)
PLAN(max, LN_RED_MAX)
PLAN(min, LN_RED_MIN)
PLAN(prod, LN_RED_PROD)
PLAN(l1, LN_RED_L1)
PLAN(l2, LN_RED_L2)
PLAN(log_sum, LN_RED_LOG_SUM)
PLAN(log_sum_exp, LN_RED_LOG_SUM_EXP)
PLAN(sum_square, LN_RED_SUM_SQUARE)

static const ln_attr_spec attrs[] = {LN_ATTR_I(ln_reduce_params, keepdims, 1),
                                     LN_ATTR_I(ln_reduce_params, noop_with_empty_axes, 0),
                                     LN_ATTR_INTS(ln_reduce_params, axes), LN_ATTR_END};

#define WIDE (LN_T(LINNET_INT32) | LN_T(LINNET_INT64) | LN_T(LINNET_UINT32) | LN_T(LINNET_UINT64))
#define BYTES (LN_T(LINNET_INT8) | LN_T(LINNET_UINT8) | LN_T(LINNET_BOOL))
#define REDUCE(name, extra, fn)                                                                                        \
    .domain = "", .type = (name), .types = LN_T_FLOATS | WIDE | (extra), .in = {1, 2}, .out = {1, 1}, .attrs = attrs,  \
    .params_size = sizeof(ln_reduce_params), .infer = infer, .plan = (fn)

/* clang-format off */
LN_OP(ReduceSum) = {REDUCE("ReduceSum", 0, sum_plan), .since = {1, 11, 13}};
LN_OP(ReduceMean) = {REDUCE("ReduceMean", 0, mean_plan), .since = {1, 11, 13, 18}};
LN_OP(ReduceMax) = {REDUCE("ReduceMax", BYTES, max_plan), .since = {1, 11, 12, 13, 18, 20}};
LN_OP(ReduceMin) = {REDUCE("ReduceMin", BYTES, min_plan), .since = {1, 11, 12, 13, 18, 20}};
LN_OP(ReduceProd) = {REDUCE("ReduceProd", 0, prod_plan), .since = {1, 11, 13, 18}};
LN_OP(ReduceL1) = {REDUCE("ReduceL1", 0, l1_plan), .since = {1, 11, 13, 18}};
LN_OP(ReduceL2) = {REDUCE("ReduceL2", 0, l2_plan), .since = {1, 11, 13, 18}};
LN_OP(ReduceLogSum) = {REDUCE("ReduceLogSum", 0, log_sum_plan), .since = {1, 11, 13, 18, 28}};
LN_OP(ReduceLogSumExp) = {REDUCE("ReduceLogSumExp", 0, log_sum_exp_plan), .since = {1, 11, 13, 18, 28}};
LN_OP(ReduceSumSquare) = {REDUCE("ReduceSumSquare", 0, sum_square_plan), .since = {1, 11, 13, 18}};
/* clang-format on */
