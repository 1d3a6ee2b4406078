/* SPDX-License-Identifier: Apache-2.0
 *
 * Pools of float32 with channels last: every output pixel combines the rows of channels that its window meets. A task
 * is an output line.
 */
#include <math.h>

#include "kernels/kernels.h"
#include "ops/pool.h"

typedef void combine_fn(const ln_pool_params *p, float *y, const float *const *rows, int64_t n, int64_t count);

static void combine(const ln_pool_params *p, float *y, const float *const *rows, int64_t n, int64_t count)
{
    size_t channels = (size_t)p->channels;
    if (p->kind == LN_POOL_MAX)
        LN_K(pool_max_f32)(y, rows, (size_t)n, channels);
    else
        LN_K(pool_sum_f32)(y, rows, (size_t)n, channels, count ? 1 / (float)count : 0);
}

static void combine_lp(const ln_pool_params *p, float *y, const float *const *rows, int64_t n, int64_t count)
{
    (void)count;
    for (int64_t c = 0; c < p->channels; c++) {
        float s = 0;
        for (int64_t i = 0; i < n; i++)
            s += p->p == 2 ? rows[i][c] * rows[i][c] : powf(fabsf(rows[i][c]), (float)p->p);
        y[c] = p->p == 2 ? sqrtf(s) : powf(s, 1 / (float)p->p);
    }
}

typedef struct job {
    const ln_args *args;
    combine_fn *combine;
} job;

static void lines(void *arg, int32_t worker, int64_t begin, int64_t end)
{
    const job *j = arg;
    const ln_args *args = j->args;
    const ln_pool_params *p = args->params;
    const float **rows = (const float **)(void *)((char *)args->scratch + worker * p->worker);
    for (int64_t i = begin; i < end; i++) {
        const float *image = (const float *)args->in[0] + i / p->out[1] / p->out[0] * p->in_pixels * p->channels;
        float *y = (float *)args->out[0] + i * p->out[2] * p->channels;
        int64_t o[3] = {i / p->out[1] % p->out[0], i % p->out[1], 0};
        int64_t at[3], first[3], last[3], counted[3];
        for (int32_t d = 0; d < 2; d++)
            at[d] = ln_pool_range(p, d, o[d], &first[d], &last[d], &counted[d]);
        for (; o[2] < p->out[2]; o[2]++, y += p->channels) {
            at[2] = ln_pool_range(p, 2, o[2], &first[2], &last[2], &counted[2]);
            int64_t n = 0;
            for (int64_t a = first[0]; a < last[0]; a++)
                for (int64_t b = first[1]; b < last[1]; b++) {
                    int64_t z = at[0] + a * p->dilation[0], v = at[1] + b * p->dilation[1];
                    const float *line = image + (z * p->in[1] + v) * p->in[2] * p->channels;
                    for (int64_t k = first[2]; k < last[2]; k++)
                        rows[n++] = line + (at[2] + k * p->dilation[2]) * p->channels;
                }
            j->combine(p, y, rows, n, p->count_include_pad ? counted[0] * counted[1] * counted[2] : n);
        }
    }
}

static linnet_status run(const ln_args *a, combine_fn *fn)
{
    const ln_pool_params *p = a->params;
    job j = {a, fn};
    double cost = (double)p->out[2] * ((double)p->taps * (double)p->channels * 0.15 + 5);
    ln_parallel(a, p->batch * p->out[0] * p->out[1], cost, lines, &j);
    return LINNET_OK;
}

LN_RUN(ln_pool_f32_last)
{
    return run(a, combine);
}

/* By itself, so that firmware without it needs no powf. */
LN_RUN(ln_pool_lp_f32_last)
{
    return run(a, combine_lp);
}

linnet_status ln_pool_plan_f32(ln_ctx *c, ln_pool_params *p)
{
    /* A window has no more positions in the input than that has pixels. */
    int64_t most = p->taps < p->in_pixels ? p->taps : p->in_pixels, bytes;
    LN_TRY(ln_mul_size(c, most + 1, (int64_t)c->pointer_bytes, &p->worker));
    p->worker = (p->worker + 63) / 64 * 64;
    LN_TRY(ln_mul_size(c, p->worker, c->threads, &bytes));
    ln_scratch(c, (size_t)bytes);
    if (p->kind == LN_POOL_MAX || p->kind == LN_POOL_AVERAGE)
        LN_SET_RUN(c, ln_pool_f32_last);
    else
        LN_SET_RUN(c, ln_pool_lp_f32_last);
    return LINNET_OK;
}
