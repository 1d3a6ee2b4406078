/* SPDX-License-Identifier: Apache-2.0
 *
 * MaxPool and AveragePool of float32 as the file has them, channels first: of every plane, an output line combines the
 * input lines that its windows meet, first with each other into one line with padding at its ends, then that with
 * itself, shifted. With a stride the line is dealt out to `stride` lines before, so that every shift is contiguous.
 * Without one some lines are combined before the first is shifted: what was just stored cannot be loaded shifted at
 * once.
 */
#include <math.h>
#include <string.h>

#include "kernels/kernels.h"
#include "ops/pool.h"

enum { GROUP = 8 }; /* lines */

/* A worker's scratch, in this order. */
typedef struct room {
    const float **rows; /* of lines or of shifts */
    float *lines;       /* GROUP times p->line elements, a multiple of the stride */
    float *dealt;       /* one of them, `stride` lines one after another */
    float *scale;       /* an average's factors along the line */
} room;

static room room_of(const ln_args *a, int32_t worker)
{
    const ln_pool_params *p = a->params;
    char *at = (char *)a->scratch + worker * p->worker;
    float *lines = (float *)(void *)(at + p->worker) - (GROUP + 1) * p->line - p->out[2];
    return (room){(const float **)(void *)at, lines, lines + GROUP * p->line, lines + (GROUP + 1) * p->line};
}

/* A sum is multiplied by scale. */
static void combine(const ln_pool_params *p, float *y, const float *const *rows, int64_t n, int64_t count, float scale)
{
    if (p->kind == LN_POOL_MAX)
        LN_K(pool_max_f32)(y, rows, (size_t)n, (size_t)count);
    else
        LN_K(pool_sum_f32)(y, rows, (size_t)n, (size_t)count, scale);
}

static void deal(const ln_pool_params *p, const room *r, const float *line)
{
    int64_t s = p->stride[2], n = p->line / s;
    if (s == 2)
        LN_K(unzip_u32)
    ((uint32_t *)(void *)r->dealt, (uint32_t *)(void *)(r->dealt + n), (const uint32_t *)(const void *)line, (size_t)n);
    else for (int64_t i = 0; i < n; i++) for (int64_t k = 0; k < s; k++) r->dealt[k * n + i] = line[i * s + k];
}

/* One output line. */
static void shifts(const ln_pool_params *p, float *y, const room *r, const float *line)
{
    int64_t s = p->stride[2], n = p->line / s;
    const float *from = s == 1 ? line : r->dealt;
    if (s > 1)
        deal(p, r, line);
    for (int64_t k = 0; k < p->kernel[2]; k++) {
        int64_t at = k * p->dilation[2];
        r->rows[k] = from + at % s * n + at / s;
    }
    combine(p, y, r->rows, p->kernel[2], p->out[2], 1);
    if (p->kind != LN_POOL_MAX)
        LN_K(mul_f32)(y, y, r->scale, (size_t)p->out[2], 1, 1);
}

static void planes(void *arg, int32_t worker, int64_t begin, int64_t end)
{
    const ln_args *a = arg;
    const ln_pool_params *p = a->params;
    room r = room_of(a, worker);
    int64_t at, first[3], last[3], counted[3], o[3], group = p->stride[2] == 1 ? GROUP : 1;
    for (o[2] = 0; o[2] < p->out[2]; o[2]++) {
        ln_pool_range(p, 2, o[2], &first[2], &last[2], &counted[2]);
        int64_t n = p->count_include_pad ? counted[2] : last[2] - first[2];
        r.scale[o[2]] = n > 0 ? 1 / (float)n : 0;
    }
    for (int64_t i = 0; i < GROUP * p->line; i++)
        r.lines[i] = p->kind == LN_POOL_MAX ? -INFINITY : 0;
    for (int64_t i = begin; i < end; i++) {
        const float *x = (const float *)a->in[0] + i * p->in_pixels;
        float *y = (float *)a->out[0] + i * p->out_pixels;
        for (o[0] = 0; o[0] < p->out[0]; o[0]++) {
            at = ln_pool_range(p, 0, o[0], &first[0], &last[0], &counted[0]);
            for (o[1] = 0; o[1] < p->out[1];) {
                int64_t g = 0;
                for (; g < group && o[1] < p->out[1]; g++, o[1]++) {
                    int64_t v = ln_pool_range(p, 1, o[1], &first[1], &last[1], &counted[1]), n = 0;
                    for (int64_t z = first[0]; z < last[0]; z++)
                        for (int64_t k = first[1]; k < last[1]; k++)
                            r.rows[n++] =
                                x + ((at + z * p->dilation[0]) * p->in[1] + v + k * p->dilation[1]) * p->in[2];
                    int64_t count = p->count_include_pad ? counted[0] * counted[1] : n;
                    combine(p, r.lines + g * p->line + p->pad[2], r.rows, n, p->in[2], count ? 1 / (float)count : 0);
                }
                for (int64_t k = 0; k < g; k++, y += p->out[2])
                    shifts(p, y, &r, r.lines + k * p->line);
            }
        }
    }
}

LN_RUN(ln_pool_planes_f32)
{
    const ln_pool_params *p = a->params;
    double line = (double)p->in[2] * (double)(p->kernel[0] * p->kernel[1]) + (double)p->out[2] * (double)p->kernel[2];
    ln_args copy = *a;
    ln_parallel(a, p->batch * p->channels, (double)(p->out[0] * p->out[1]) * (20 + 0.1 * line), planes, &copy);
    return LINNET_OK;
}

linnet_status ln_pool_plan_planes(ln_ctx *c, ln_pool_params *p)
{
    /* As long as the windows reach, or the input where that is longer. */
    int64_t reach = (p->out[2] - 1) * p->stride[2] + (p->kernel[2] - 1) * p->dilation[2] + 1;
    int64_t length = p->pad[2] + p->in[2] > reach ? p->pad[2] + p->in[2] : reach, lines = p->in[0] * p->in[1];
    int64_t rows = p->kernel[0] * p->kernel[1] < lines ? p->kernel[0] * p->kernel[1] : lines, bytes;
    rows = rows > p->kernel[2] ? rows : p->kernel[2];
    p->line = (length + p->stride[2] - 1) / p->stride[2] * p->stride[2];
    LN_TRY(ln_mul_size(c, rows + 1, (int64_t)c->pointer_bytes, &p->worker));
    LN_TRY(ln_mul_size(c, (GROUP + 1) * p->line + p->out[2], (int64_t)sizeof(float), &bytes));
    p->worker = (p->worker + 63) / 64 * 64 + (bytes + 63) / 64 * 64;
    LN_TRY(ln_mul_size(c, p->worker, c->threads, &bytes));
    ln_scratch(c, (size_t)bytes);
    LN_SET_RUN(c, ln_pool_planes_f32);
    return LINNET_OK;
}
