/* SPDX-License-Identifier: Apache-2.0
 *
 * What element-wise operators of one input share: the parameters, the loops over elements (in parallel; float16 and
 * bfloat16 in blocks through float32), and the choice of the run function by element type. An operator brings a float32
 * kernel and a function of a double:
 *
 *     static double exp_f64(double x, const float *p) { return exp(x); }
 *     LN_MAP(exp, 0.1)             defines ln_exp_f32, ln_exp_half, ln_exp_f64 and exp_plan
 *
 * LN_MAP_P is the same for a kernel with parameters, which are ln_map_params.p.
 */
#ifndef LN_OPS_MAP_H
#define LN_OPS_MAP_H

#include "kernels/kernels.h"
#include "ops/convert.h"

typedef struct ln_map_params {
    int64_t n;
    float p[2];   /* attributes */
    int32_t type; /* linnet_type of the elements */
    int32_t op;   /* integer operators: ln_map_int_op */
} ln_map_params;

typedef struct ln_map_run {
    uint32_t types; /* LN_T mask; 0 ends the list */
    ln_run_fn *run;
    const char *name;
} ln_map_run;

#define LN_MAP_RUN(mask, fn)                                                                                           \
    {                                                                                                                  \
        (mask), fn, #fn                                                                                                \
    }
#define LN_T_HALF (LN_T(LINNET_FLOAT16) | LN_T(LINNET_BFLOAT16))

/* Fills n and type, wishes in-place, and takes the first run whose mask has the type of input 0. */
linnet_status ln_map_plan(ln_ctx *c, const ln_map_run *runs);
void ln_pick_run(ln_ctx *c, const ln_map_run *runs, uint8_t type);

/* cost: nanoseconds an element. kernel_p is used where kernel is NULL. */
linnet_status ln_map_f32(const ln_args *a, ln_VUNARY_F32 *kernel, ln_VUNARY_P_F32 *kernel_p, double cost);
linnet_status ln_map_half(const ln_args *a, ln_VUNARY_F32 *kernel, ln_VUNARY_P_F32 *kernel_p, double cost);
linnet_status ln_map_f64(const ln_args *a, double (*fn)(double x, const float *p));

#define LN_MAP_(fn, kernel, kernel_p, cost)                                                                            \
    LN_RUN(ln_##fn##_f32)                                                                                              \
    {                                                                                                                  \
        return ln_map_f32(a, kernel, kernel_p, cost);                                                                  \
    }                                                                                                                  \
    LN_RUN(ln_##fn##_half)                                                                                             \
    {                                                                                                                  \
        return ln_map_half(a, kernel, kernel_p, (cost) + 1.0);                                                         \
    }                                                                                                                  \
    LN_RUN(ln_##fn##_f64)                                                                                              \
    {                                                                                                                  \
        return ln_map_f64(a, fn##_f64);                                                                                \
    }
#define LN_MAP_RUNS(fn)                                                                                                \
    LN_MAP_RUN(LN_T(LINNET_FLOAT32), ln_##fn##_f32), LN_MAP_RUN(LN_T_HALF, ln_##fn##_half),                            \
        LN_MAP_RUN(LN_T(LINNET_FLOAT64), ln_##fn##_f64)
#define LN_MAP_PLAN(fn, ...)                                                                                           \
    static linnet_status fn##_plan(ln_ctx *c)                                                                          \
    {                                                                                                                  \
        static const ln_map_run runs[] = {__VA_ARGS__, {0}};                                                           \
        return ln_map_plan(c, runs);                                                                                   \
    }
#define LN_MAP(fn, cost) LN_MAP_(fn, LN_K(fn##_f32), NULL, cost) LN_MAP_PLAN(fn, LN_MAP_RUNS(fn))
#define LN_MAP_P(fn, cost) LN_MAP_(fn, NULL, LN_K(fn##_f32), cost) LN_MAP_PLAN(fn, LN_MAP_RUNS(fn))

/* The fields of a descriptor of such an operator. */
#define LN_MAP_OP(name, mask, plan_fn)                                                                                 \
    .domain = "", .type = (name), .types = (mask), .in = {1, 1}, .out = {1, 1}, .params_size = sizeof(ln_map_params),  \
    .infer = ln_infer_same, .plan = (plan_fn)
#define LN_MAP_ATTR(attr, index, def)                                                                                  \
    {                                                                                                                  \
        .name = (attr), .kind = LN_AT_FLOAT,                                                                           \
        .offset = (uint16_t)(offsetof(ln_map_params, p) + (index) * sizeof(float)), .f = (def)                         \
    }

/* Integer types. The run functions are in map_int.c. */
enum { LN_INT_ABS, LN_INT_NEG, LN_INT_SIGN, LN_INT_RELU, LN_INT_NOT, LN_INT_ERF, LN_INT_SHRINK };
linnet_status ln_map_int_plan(ln_ctx *c, int32_t op);

#endif
