/* SPDX-License-Identifier: Apache-2.0
 *
 * SwiGLU (ai.onnx 28): y = a sigmoid(alpha a) b for two inputs of one shape.
 */
#include <math.h>

#include "ops/map.h"

#define BLOCK 256

static void task(void *arg, int32_t worker, int64_t begin, int64_t end)
{
    const ln_args *a = arg;
    const ln_map_params *p = a->params;
    float x[BLOCK], b[BLOCK];
    (void)worker;
    for (int64_t i = begin; i < end; i += BLOCK) {
        int64_t n = end - i < BLOCK ? end - i : BLOCK;
        ln_to_f32(x, a->in[0], p->type, i, n);
        ln_to_f32(b, a->in[1], p->type, i, n);
        LN_K(swish_f32)(x, x, (size_t)n, p->p);
        for (int64_t k = 0; k < n; k++)
            x[k] *= b[k];
        ln_from_f32(a->out[0], p->type, i, x, n, 1);
    }
}

LN_RUN(ln_swiglu)
{
    ln_args copy = *a;
    ln_parallel(a, ((const ln_map_params *)a->params)->n, 0.5, task, &copy);
    return LINNET_OK;
}

static void task_f64(void *arg, int32_t worker, int64_t begin, int64_t end)
{
    const ln_args *a = arg;
    double alpha = (double)((const ln_map_params *)a->params)->p[0];
    const double *x = a->in[0], *b = a->in[1];
    double *y = a->out[0];
    (void)worker;
    for (int64_t i = begin; i < end; i++)
        y[i] = x[i] / (1 + exp(-alpha * x[i])) * b[i];
}

LN_RUN(ln_swiglu_f64)
{
    ln_args copy = *a;
    ln_parallel(a, ((const ln_map_params *)a->params)->n, 20.0, task_f64, &copy);
    return LINNET_OK;
}

LN_MAP_PLAN(swiglu, LN_MAP_RUN(LN_T(LINNET_FLOAT32) | LN_T_HALF, ln_swiglu),
            LN_MAP_RUN(LN_T(LINNET_FLOAT64), ln_swiglu_f64))

static linnet_status infer(ln_ctx *c)
{
    const ln_info *x = c->in[0], *b = c->in[1];
    LN_TRY(ln_check_type(c, 1, x->type ? LN_T(x->type) : LN_T_FLOATS, "B"));
    if (x->rank >= 0) {
        LN_TRY(ln_check_rank(c, 1, x->rank, x->rank, "B"));
        for (int32_t i = 0; b->rank == x->rank && i < x->rank; i++)
            LN_TRY(ln_check_dim(c, b->dims[i], x->dims[i], "a dimension of B"));
    }
    return ln_infer_same(c);
}

static const ln_attr_spec attrs[] = {LN_MAP_ATTR("alpha", 0, 1.0f), LN_ATTR_END};

LN_OP(SwiGLU) = {
    .domain = "",
    .type = "SwiGLU",
    .since = {28},
    .types = LN_T_FLOATS,
    .in = {2, 2},
    .out = {1, 1},
    .attrs = attrs,
    .params_size = sizeof(ln_map_params),
    .infer = infer,
    .plan = swiglu_plan,
};
