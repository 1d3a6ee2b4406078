/* SPDX-License-Identifier: Apache-2.0
 *
 * Gelu (ai.onnx 20: by erf, or approximated by tanh), and of com.microsoft: Gelu, BiasGelu (Gelu of input + bias),
 * FastGelu (the tanh form of input + optional bias), QuickGelu (x sigmoid(alpha x)).
 */
#include <math.h>

#include "ops/map.h"

#define BLOCK 256

typedef struct gelu_params {
    ln_map_params map; /* op: 0 erf, 1 tanh */
    int64_t width;     /* elements of the bias; 0: none */
    int32_t approximate;
} gelu_params;

static double gelu_erf_f64(double x, const float *p)
{
    (void)p;
    return 0.5 * x * erfc(-x * 0.70710678118654752440);
}

static double gelu_tanh_f64(double x, const float *p)
{
    (void)p;
    return 0.5 * x * (1 + tanh(0.79788456080286535588 * (x + 0.044715 * x * x * x)));
}

static double quick_gelu_f64(double x, const float *p)
{
    return x / (1 + exp(-(double)p[0] * x));
}

LN_MAP(gelu_erf, 0.4)
LN_MAP(gelu_tanh, 0.4)
LN_MAP_(quick_gelu, NULL, LN_K(swish_f32), 0.3)
LN_MAP_PLAN(quick_gelu, LN_MAP_RUNS(quick_gelu))

static linnet_status gelu_plan(ln_ctx *c)
{
    return ((gelu_params *)c->params)->approximate ? gelu_tanh_plan(c) : gelu_erf_plan(c);
}

/* With a bias: rows of `width`, a block of a row at a time. */
static void bias_task(void *arg, int32_t worker, int64_t begin, int64_t end)
{
    const ln_args *a = arg;
    const gelu_params *p = a->params;
    LN_BLOCK float x[BLOCK], b[BLOCK];
    (void)worker;
    for (int64_t row = begin; row < end; row++)
        for (int64_t i = 0; i < p->width; i += BLOCK) {
            int64_t n = p->width - i < BLOCK ? p->width - i : BLOCK;
            ln_to_f32(x, a->in[0], p->map.type, row * p->width + i, n);
            ln_to_f32(b, a->in[1], p->map.type, i, n);
            for (int64_t k = 0; k < n; k++)
                x[k] += b[k];
            if (p->map.op)
                LN_K(gelu_tanh_f32)(x, x, (size_t)n);
            else
                LN_K(gelu_erf_f32)(x, x, (size_t)n);
            ln_from_f32(a->out[0], p->map.type, row * p->width + i, x, n, 1);
        }
}

LN_RUN(ln_bias_gelu)
{
    const gelu_params *p = a->params;
    ln_args copy = *a;
    if (p->map.n)
        ln_parallel(a, p->map.n / p->width, 0.6 * (double)p->width, bias_task, &copy);
    return LINNET_OK;
}

static linnet_status bias_infer(ln_ctx *c)
{
    const ln_info *x = c->in[0], *b = ln_in(c, 1);
    LN_TRY(ln_check_type(c, 1, x->type ? LN_T(x->type) : LN_T_FLOATS, "bias"));
    LN_TRY(ln_check_rank(c, 1, 1, 1, "bias"));
    if (x->rank == 0)
        return ln_fail(c, LINNET_ERR_MODEL, "the input is a scalar, expected at least one dimension");
    if (b && b->rank == 1 && x->rank > 0)
        LN_TRY(ln_check_dim(c, b->dims[0], x->dims[x->rank - 1], "length of the bias"));
    return ln_infer_same(c);
}

static linnet_status bias_plan(ln_ctx *c, int32_t tanh_form)
{
    gelu_params *p = c->params;
    if (!ln_in(c, 1))
        return tanh_form ? gelu_tanh_plan(c) : gelu_erf_plan(c);
    p->map.n = ln_info_count(c->in[0]);
    p->map.type = c->in[0]->type;
    p->map.op = tanh_form;
    p->width = ln_info_count(c->in[1]);
    if (c->in[0]->type == LINNET_FLOAT64)
        return ln_fail(c, LINNET_ERR_UNSUPPORTED, "element type float64 with a bias");
    ln_in_place(c, 0, 0);
    LN_SET_RUN(c, ln_bias_gelu);
    return LINNET_OK;
}

static linnet_status bias_gelu_plan(ln_ctx *c)
{
    return bias_plan(c, 0);
}

static linnet_status fast_gelu_plan(ln_ctx *c)
{
    return bias_plan(c, 1);
}

static const ln_attr_spec attrs[] = {LN_ATTR_E(gelu_params, approximate, "none|tanh", 0), LN_ATTR_END};
static const ln_attr_spec quick_attrs[] = {LN_MAP_ATTR("alpha", 0, 1.702f), LN_ATTR_END};

LN_OP(Gelu) = {
    .domain = "",
    .type = "Gelu",
    .since = {20},
    .types = LN_T_FLOATS,
    .in = {1, 1},
    .out = {1, 1},
    .attrs = attrs,
    .params_size = sizeof(gelu_params),
    .infer = ln_infer_same,
    .plan = gelu_plan,
};
LN_OP(MsGelu) = {
    .domain = "com.microsoft",
    .type = "Gelu",
    .since = {1},
    .types = LN_T_FLOATS,
    .in = {1, 1},
    .out = {1, 1},
    .params_size = sizeof(gelu_params),
    .infer = ln_infer_same,
    .plan = gelu_plan,
};
LN_OP(MsQuickGelu) = {
    .domain = "com.microsoft",
    .type = "QuickGelu",
    .since = {1},
    .types = LN_T_FLOATS,
    .in = {1, 1},
    .out = {1, 1},
    .attrs = quick_attrs,
    .params_size = sizeof(gelu_params),
    .infer = ln_infer_same,
    .plan = quick_gelu_plan,
};
LN_OP(MsBiasGelu) = {
    .domain = "com.microsoft",
    .type = "BiasGelu",
    .since = {1},
    .types = LN_T_FLOATS,
    .in = {2, 2},
    .out = {1, 1},
    .params_size = sizeof(gelu_params),
    .infer = bias_infer,
    .plan = bias_gelu_plan,
};
LN_OP(MsFastGelu) = {
    .domain = "com.microsoft",
    .type = "FastGelu",
    .since = {1},
    .types = LN_T_FLOATS,
    .in = {1, 2},
    .out = {1, 1},
    .params_size = sizeof(gelu_params),
    .infer = bias_infer,
    .plan = fast_gelu_plan,
};
