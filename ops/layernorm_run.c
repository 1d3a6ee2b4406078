/* SPDX-License-Identifier: Apache-2.0
 *
 * Plans the rows of layer normalisations (layernorm.h) and runs them. Half types compute the normalised value in
 * float32 (stash_type 1) and round it before it is scaled, as the function bodies do. A scale or bias that is not one
 * row broadcasts in a walk of its own.
 */
#include <math.h>

#include "kernels/kernels.h"
#include "ops/layernorm.h"

#define BLOCK_ROWS 32
#define BLOCK_ELEMENTS 4096

typedef struct job {
    const ln_args *a;
    const ln_layernorm_params *p;
} job;

static void *out_of(const ln_args *a, int32_t i)
{
    return i < 0 ? NULL : a->out[i];
}

/* Adds input `in` (from element at on) to the row x, by the worker's second row of scratch. */
static void add_input(const job *j, int32_t in, int64_t at, float *x, float *room)
{
    const ln_layernorm_params *p = j->p;
    if (in < 0)
        return;
    ln_to_f32(room, j->a->in[in], p->type, at, p->n);
    LN_K(add_f32)(x, x, room, (size_t)p->n, 1, 1);
}

static void round_row(const ln_layernorm_params *p, float *x)
{
    ln_round_run(x, p->n, p->type);
}

/* Mean and 1 / deviation of `rows` rows, the first of them row `first` of all. */
static void put_statistics(const job *j, int64_t first, int64_t rows, const float *mean, const float *inverse)
{
    const ln_layernorm_params *p = j->p;
    if (out_of(j->a, p->mean_out))
        ln_from_f32(j->a->out[p->mean_out], p->stat_type, first, mean, rows, 1);
    if (out_of(j->a, p->inverse_out))
        ln_from_f32(j->a->out[p->inverse_out], p->stat_type, first, inverse, rows, 1);
}

/* float32 with nothing to add: straight from input to output, as many rows at a time as the first cache holds. */
static void direct_task(void *arg, int32_t worker, int64_t begin, int64_t end)
{
    const job *j = arg;
    const ln_layernorm_params *p = j->p;
    const float *scale = p->scale == 1 ? j->a->in[1] : NULL, *bias = p->bias == 1 ? j->a->in[p->bias_in] : NULL;
    int64_t block = BLOCK_ELEMENTS / p->n;
    block = block < 2 ? 1 : block > BLOCK_ROWS ? BLOCK_ROWS : block / 2 * 2; /* two go together */
    (void)worker;
    for (int64_t row = begin; row < end; row += block) {
        const float *x = (const float *)j->a->in[0] + row * p->n;
        float *y = (float *)j->a->out[0] + row * p->n, mean[BLOCK_ROWS], inverse[BLOCK_ROWS];
        int64_t rows = end - row < block ? end - row : block;
        LN_K(layernorm_f32)
        (y, x, (size_t)rows, (size_t)p->n, p->epsilon, p->rms, scale, bias, mean, inverse);
        put_statistics(j, row, rows, mean, inverse);
    }
}

/* Any of float32, float16, bfloat16, with a skip and a row to add: through two rows of scratch. */
static void scratch_task(void *arg, int32_t worker, int64_t begin, int64_t end)
{
    const job *j = arg;
    const ln_layernorm_params *p = j->p;
    float *x = (float *)j->a->scratch + worker * 2 * p->n, *room = x + p->n;
    size_t n = (size_t)p->n;
    for (int64_t row = begin; row < end; row++) {
        float mean, inverse;
        ln_to_f32(x, j->a->in[0], p->type, row * p->n, p->n);
        add_input(j, p->skip, row * p->n, x, room);
        add_input(j, p->add, 0, x, room);
        if (out_of(j->a, p->sum_out))
            ln_from_f32(j->a->out[p->sum_out], p->type, row * p->n, x, p->n, 1);
        LN_K(layernorm_f32)(x, x, 1, n, p->epsilon, p->rms, NULL, NULL, &mean, &inverse);
        put_statistics(j, row, 1, &mean, &inverse);
        round_row(p, x);
        if (p->scale == 1) {
            ln_to_f32(room, j->a->in[1 + (p->skip >= 0)], p->type, 0, p->n);
            LN_K(mul_f32)(x, x, room, n, 1, 1);
            round_row(p, x);
        }
        if (p->bias == 1) {
            ln_to_f32(room, j->a->in[p->bias_in], p->type, 0, p->n);
            LN_K(add_f32)(x, x, room, n, 1, 1);
        }
        ln_from_f32(j->a->out[0], p->type, row * p->n, x, p->n, 1);
    }
}

static void f64_task(void *arg, int32_t worker, int64_t begin, int64_t end)
{
    const job *j = arg;
    const ln_layernorm_params *p = j->p;
    (void)worker;
    for (int64_t row = begin; row < end; row++) {
        const double *x = (const double *)j->a->in[0] + row * p->n;
        double *y = (double *)j->a->out[0] + row * p->n, mean = 0, var = 0;
        for (int64_t i = 0; i < p->n && !p->rms; i++)
            mean += x[i] / (double)p->n;
        for (int64_t i = 0; i < p->n; i++)
            var += (x[i] - mean) * (x[i] - mean);
        double inverse = 1 / sqrt(var / (double)p->n + (double)p->epsilon);
        const double results[2] = {mean, inverse};
        for (int32_t k = 0; k < 2; k++) {
            void *out = out_of(j->a, k ? p->inverse_out : p->mean_out);
            if (out)
                ln_put_f64(out, p->stat_type, row, results[k]);
        }
        for (int64_t i = 0; i < p->n; i++) {
            double v = (x[i] - mean) * inverse;
            v = p->scale == 1 ? v * ((const double *)j->a->in[1])[i] : v;
            y[i] = p->bias == 1 ? v + ((const double *)j->a->in[p->bias_in])[i] : v;
        }
    }
}

/* RMSNormalization of one type by a scale of another: the normalised value is rounded to the input's type, then scaled
 * in the scale's (ln_binary_walk). */
static void mixed_task(void *arg, int32_t worker, int64_t begin, int64_t end)
{
    const job *j = arg;
    const ln_layernorm_params *p = j->p;
    (void)worker;
    for (int64_t row = begin; row < end; row++) {
        double sum = 0;
        for (int64_t i = row * p->n; i < (row + 1) * p->n; i++)
            sum += ln_get_f64(j->a->in[0], p->type, i) * ln_get_f64(j->a->in[0], p->type, i);
        double inverse = 1 / sqrt(sum / (double)p->n + (double)p->epsilon);
        for (int64_t i = row * p->n; i < (row + 1) * p->n; i++) {
            double y = ln_get_f64(j->a->in[0], p->type, i) * inverse;
            ln_put_f64(j->a->out[0], p->out_type, i,
                       p->type == LINNET_FLOAT64 ? y : (double)ln_round_to((float)y, p->type));
        }
    }
}

LN_RUN(ln_layernorm)
{
    const ln_layernorm_params *p = a->params;
    const ln_bcast *walks = a->packed;
    job j = {.a = a, .p = p};
    bool direct = p->type == LINNET_FLOAT32 && p->skip < 0 && p->add < 0;
    bool mixed = p->type != p->out_type;
    double each = mixed || p->type == LINNET_FLOAT64 ? 4.0 : direct ? 0.15 : p->type == LINNET_FLOAT32 ? 0.4 : 5.0;
    ln_parallel(a, p->n ? p->rows : 0, 20.0 + each * (double)p->n,
                mixed                       ? mixed_task
                : p->type == LINNET_FLOAT64 ? f64_task
                : direct                    ? direct_task
                                            : scratch_task,
                &j);
    if (p->scale == 2) {
        ln_binary_job mul = {&walks[0], NULL, ln_row_of(p->out_type), LN_BIN_MUL, p->out_type, {a->out[0], a->in[1]},
                             a->out[0]};
        ln_binary_walk(a, &mul, 1.0);
    }
    if (p->bias == 2) {
        ln_binary_job add = {&walks[1], NULL, ln_row_of(p->type), LN_BIN_ADD, p->type, {a->out[0], a->in[2]},
                             a->out[0]};
        ln_binary_walk(a, &add, 1.0);
    }
    return LINNET_OK;
}

linnet_status ln_layernorm_rows(ln_ctx *c, ln_layernorm_params *p, int32_t axis)
{
    const ln_info *x = c->in[0];
    p->type = p->out_type = x->type;
    p->rows = p->n = 1;
    for (int32_t d = 0; d < x->rank; d++)
        *(d < axis ? &p->rows : &p->n) *= x->dims[d];
    p->skip = p->add = p->mean_out = p->inverse_out = p->sum_out = -1;
    LN_SET_RUN(c, ln_layernorm);
    return LINNET_OK;
}

linnet_status ln_layernorm_scratch(ln_ctx *c, const ln_layernorm_params *p)
{
    int64_t bytes;
    LN_TRY(ln_mul_size(c, p->n, 2 * (int64_t)sizeof(float), &bytes));
    LN_TRY(ln_mul_size(c, bytes, c->threads, &bytes));
    ln_scratch(c, (size_t)bytes);
    return LINNET_OK;
}
