/* SPDX-License-Identifier: Apache-2.0
 *
 * The loops of element-wise operators of one input; see map.h.
 */
#include "ops/map.h"

#define BLOCK 256 /* elements converted at a time: 1 KB of stack */

typedef struct job {
    const ln_map_params *p;
    const void *x;
    void *y;
    ln_VUNARY_F32 *kernel;
    ln_VUNARY_P_F32 *kernel_p;
    double (*fn)(double x, const float *p);
} job;

void ln_pick_run(ln_ctx *c, const ln_map_run *runs, uint8_t type)
{
    for (; runs->types; runs++)
        if (runs->types & LN_T(type)) {
            c->run = runs->run;
            c->run_name = runs->name;
            return;
        }
}

linnet_status ln_map_plan(ln_ctx *c, const ln_map_run *runs)
{
    ln_map_params *p = c->params;
    p->n = ln_info_count(c->in[0]);
    p->type = c->in[0]->type;
    ln_in_place(c, 0, 0);
    ln_pick_run(c, runs, c->in[0]->type);
    if (!c->run)
        return ln_fail(c, LINNET_ERR_UNSUPPORTED, "element type %s", linnet_type_name((linnet_type)p->type));
    return LINNET_OK;
}

static void apply(const job *j, float *y, const float *x, int64_t n)
{
    if (j->kernel)
        j->kernel(y, x, (size_t)n);
    else
        j->kernel_p(y, x, (size_t)n, j->p->p);
}

static void task_f32(void *arg, int32_t worker, int64_t begin, int64_t end)
{
    const job *j = arg;
    (void)worker;
    apply(j, (float *)j->y + begin, (const float *)j->x + begin, end - begin);
}

static void task_half(void *arg, int32_t worker, int64_t begin, int64_t end)
{
    const job *j = arg;
    LN_BLOCK float block[BLOCK];
    (void)worker;
    for (int64_t i = begin; i < end; i += BLOCK) {
        int64_t n = end - i < BLOCK ? end - i : BLOCK;
        ln_to_f32(block, j->x, j->p->type, i, n);
        apply(j, block, block, n);
        ln_from_f32(j->y, j->p->type, i, block, n, 1);
    }
}

static void task_f64(void *arg, int32_t worker, int64_t begin, int64_t end)
{
    const job *j = arg;
    const double *x = j->x;
    double *y = j->y;
    (void)worker;
    for (int64_t i = begin; i < end; i++)
        y[i] = j->fn(x[i], j->p->p);
}

linnet_status ln_map_f32(const ln_args *a, ln_VUNARY_F32 *kernel, ln_VUNARY_P_F32 *kernel_p, double cost)
{
    job j = {.p = a->params, .x = a->in[0], .y = a->out[0], .kernel = kernel, .kernel_p = kernel_p};
    ln_parallel(a, j.p->n, cost, task_f32, &j);
    return LINNET_OK;
}

linnet_status ln_map_half(const ln_args *a, ln_VUNARY_F32 *kernel, ln_VUNARY_P_F32 *kernel_p, double cost)
{
    job j = {.p = a->params, .x = a->in[0], .y = a->out[0], .kernel = kernel, .kernel_p = kernel_p};
    ln_parallel(a, j.p->n, cost, task_half, &j);
    return LINNET_OK;
}

linnet_status ln_map_f64(const ln_args *a, double (*fn)(double x, const float *p))
{
    job j = {.p = a->params, .x = a->in[0], .y = a->out[0], .fn = fn};
    ln_parallel(a, j.p->n, 20.0, task_f64, &j);
    return LINNET_OK;
}
