/* SPDX-License-Identifier: Apache-2.0
 *
 * Clip: min(max(x, low), high). ai.onnx Clip-6 with the bounds as attributes, -11, -12 and -13 with them as optional
 * scalar inputs. A bound that is absent does not bound; where low is above high the result is high; a NaN stays.
 */
#include "ops/map.h"

#define BLOCK 256

typedef struct clip_params {
    int64_t n;
    float min, max; /* attributes of Clip-6 */
    int32_t type, inputs;
    int32_t has_low, has_high; /* inputs 1 and 2 */
} clip_params;

typedef struct job {
    const clip_params *p;
    const void *x, *low, *high; /* NULL: no bound */
    void *y;
    float bounds[2];
} job;

static void task_f32(void *arg, int32_t worker, int64_t begin, int64_t end)
{
    const job *j = arg;
    (void)worker;
    LN_K(clip_f32)((float *)j->y + begin, (const float *)j->x + begin, (size_t)(end - begin), j->bounds);
}

static void task_half(void *arg, int32_t worker, int64_t begin, int64_t end)
{
    const job *j = arg;
    LN_BLOCK float block[BLOCK];
    (void)worker;
    for (int64_t i = begin; i < end; i += BLOCK) {
        int64_t n = end - i < BLOCK ? end - i : BLOCK;
        ln_to_f32(block, j->x, j->p->type, i, n);
        LN_K(clip_f32)(block, block, (size_t)n, j->bounds);
        ln_from_f32(j->y, j->p->type, i, block, n, 1);
    }
}

#define CLIP(T)                                                                                                        \
    {                                                                                                                  \
        const T *x = j->x, *low = j->low, *high = j->high;                                                             \
        for (int64_t i = begin; i < end; i++) {                                                                        \
            T v = low && x[i] < *low ? *low : x[i];                                                                    \
            ((T *)j->y)[i] = high && v > *high ? *high : v;                                                            \
        }                                                                                                              \
        break;                                                                                                         \
    }

static void task_any(void *arg, int32_t worker, int64_t begin, int64_t end)
{
    const job *j = arg;
    (void)worker;
    switch (j->p->type) {
    case LINNET_FLOAT64:
        CLIP(double)
    case LINNET_INT8:
        CLIP(int8_t)
    case LINNET_INT16:
        CLIP(int16_t)
    case LINNET_INT32:
        CLIP(int32_t)
    case LINNET_INT64:
        CLIP(int64_t)
    case LINNET_UINT8:
        CLIP(uint8_t)
    case LINNET_UINT16:
        CLIP(uint16_t)
    case LINNET_UINT32:
        CLIP(uint32_t)
    default:
        CLIP(uint64_t)
    }
}

static linnet_status run(const ln_args *a, ln_task_fn *task, double cost)
{
    const clip_params *p = a->params;
    double attributes[2] = {(double)p->min, (double)p->max};
    job j = {.p = p, .x = a->in[0], .y = a->out[0]};
    if (p->has_low)
        j.low = a->in[1];
    if (p->has_high)
        j.high = a->in[2];
    if (p->type == LINNET_FLOAT64 && !p->inputs) {
        j.low = &attributes[0];
        j.high = &attributes[1];
    }
    j.bounds[0] = p->inputs ? -__builtin_inff() : p->min;
    j.bounds[1] = p->inputs ? __builtin_inff() : p->max;
    if (p->type == LINNET_FLOAT32 || LN_T(p->type) & LN_T_HALF) {
        if (j.low)
            ln_to_f32(&j.bounds[0], j.low, p->type, 0, 1);
        if (j.high)
            ln_to_f32(&j.bounds[1], j.high, p->type, 0, 1);
    }
    ln_parallel(a, p->n, cost, task, &j);
    return LINNET_OK;
}

LN_RUN(ln_clip_f32)
{
    return run(a, task_f32, 0.06);
}

LN_RUN(ln_clip_half)
{
    return run(a, task_half, 1.0);
}

LN_RUN(ln_clip_any)
{
    return run(a, task_any, 0.5);
}

static linnet_status infer(ln_ctx *c)
{
    for (int32_t i = 1; i < c->n_in; i++) {
        const char *name = i == 1 ? "min" : "max";
        if (c->version < 11)
            return ln_fail(c, LINNET_ERR_MODEL, "has %d inputs, expected 1 before opset 11", c->n_in);
        LN_TRY(ln_check_type(c, i, c->in[0]->type ? LN_T(c->in[0]->type) : LN_T_NUMBERS, name));
        if (c->in[i] && !ln_maybe_scalar(c->in[i]))
            return ln_fail(c, LINNET_ERR_MODEL, "%s has %lld elements, expected one", name,
                           (long long)ln_info_count(c->in[i]));
    }
    return ln_infer_same(c);
}

static linnet_status plan(ln_ctx *c)
{
    static const ln_map_run runs[] = {LN_MAP_RUN(LN_T(LINNET_FLOAT32), ln_clip_f32),
                                      LN_MAP_RUN(LN_T_HALF, ln_clip_half),
                                      LN_MAP_RUN(LN_T_NUMBERS, ln_clip_any),
                                      {0}};
    clip_params *p = c->params;
    p->n = ln_info_count(c->in[0]);
    p->type = c->in[0]->type;
    p->inputs = c->version >= 11;
    p->has_low = ln_in(c, 1) != NULL;
    p->has_high = ln_in(c, 2) != NULL;
    if (!p->inputs && !(LN_T(p->type) & LN_T_FLOATS))
        return ln_fail(c, LINNET_ERR_MODEL, "element type %s before opset 12", linnet_type_name(c->in[0]->type));
    ln_in_place(c, 0, 0);
    ln_pick_run(c, runs, c->in[0]->type);
    return LINNET_OK;
}

static const ln_attr_spec attrs[] = {LN_ATTR_F(clip_params, min, -3.402823466e+38f),
                                     LN_ATTR_F(clip_params, max, 3.402823466e+38f), LN_ATTR_END};

LN_OP(Clip) = {
    .domain = "",
    .type = "Clip",
    .since = {6, 11, 12, 13},
    .types = LN_T_NUMBERS,
    .in = {1, 3},
    .out = {1, 1},
    .attrs = attrs,
    .params_size = sizeof(clip_params),
    .infer = infer,
    .plan = plan,
};
