/* SPDX-License-Identifier: Apache-2.0
 *
 * The run of Resize, row by row of the output. An interpolated row is a blend of input rows that were resized along the
 * last axis first; those are kept, since neighbouring output rows come from the same ones. Nearest copies: a row like
 * the one before is a copy of it.
 */
#include "ops/resize_run.h"

#include <math.h>
#include <string.h>

#include "kernels/resize.h"

enum { MAX_SLOTS = 64 };

/* Types that are computed in double. */
static const uint32_t EXACT_IN_F64 = LN_T(LINNET_FLOAT64) | LN_T(LINNET_INT32) | LN_T(LINNET_UINT32) |
                                     LN_T(LINNET_INT64) | LN_T(LINNET_UINT64) | LN_T(LINNET_BOOL);

/* -- rows ---------------------------------------------------------------------------------------------------------- */

typedef struct job {
    const ln_resize_params *p;
    const ln_args *a;
} job;

/* A row of the output: its indices along the axes but the last, and that of what lies before these. */
typedef struct place {
    int64_t outer, index[LN_MAX_RANK];
} place;

static place place_of(const ln_resize_params *p, int64_t row)
{
    place at = {.outer = row / p->rows};
    row %= p->rows;
    for (int32_t i = p->n - 2; i >= 0; i--) {
        at.index[i] = row % p->axis[i].out;
        row /= p->axis[i].out;
    }
    return at;
}

static void next_place(const ln_resize_params *p, place *at)
{
    for (int32_t i = p->n - 2; i >= 0; i--) {
        if (++at->index[i] < p->axis[i].out)
            return;
        at->index[i] = 0;
    }
    at->outer++;
}

static bool inside(const ln_resize_params *p, const char *packed, const place *at)
{
    for (int32_t i = 0; i < p->n - 1; i++)
        if (p->axis[i].outside >= 0 && packed[p->axis[i].outside + at->index[i]])
            return false;
    return true;
}

#define C float
#define F(name) name##_f32
#define TO(y, x, type, at, n) ln_to_f32(y, x, type, at, n)
#define FROM(y, type, at, x, n) ln_from_f32(y, type, at, x, n, 0)
#define NATIVE LINNET_FLOAT32
#include "ops/resize_rows.inc"
#define C double
#define F(name) name##_f64
#define TO(y, x, type, at, n) ln_to_f64(y, x, type, at, n)
#define FROM(y, type, at, x, n) ln_from_f64(y, type, at, x, n)
#define NATIVE LINNET_FLOAT64
#include "ops/resize_rows.inc"

static void nearest_rows(void *arg, int32_t worker, int64_t begin, int64_t end)
{
    const job *j = arg;
    const ln_resize_params *p = j->p;
    const ln_resize_axis *last = &p->axis[p->n - 1];
    const char *packed = j->a->packed;
    const int64_t block = p->inner * p->size, row = last->out * block;
    int64_t before = -1; /* source of the row before */
    char *y = (char *)j->a->out[0] + begin * row;
    (void)worker;
    place at = place_of(p, begin);
    for (int64_t r = begin; r < end; r++, y += row, next_place(p, &at)) {
        int64_t from = at.outer;
        if (!inside(p, packed, &at)) {
            ln_fill(y, p->fill, (size_t)p->size, last->out * p->inner);
            before = -1;
            continue;
        }
        for (int32_t i = 0; i < p->n - 1; i++) {
            const ln_resize_axis *x = &p->axis[i];
            const int32_t *table = (const int32_t *)(const void *)(packed + x->index);
            from = from * x->in + (x->taps ? table[at.index[i]] : at.index[i]);
        }
        const char *x = (const char *)j->a->in[0] + from * last->in * block;
        if (from == before) {
            memcpy(y, y - row, (size_t)row);
            continue;
        }
        before = from;
        if (!last->taps) {
            memcpy(y, x, (size_t)row);
            continue;
        }
        ln_gather_elements(y, x, last->in, (const int32_t *)(const void *)(packed + last->index), (size_t)block,
                           (size_t)p->size, last->out);
        for (int64_t i = 0; i < last->out && last->outside >= 0; i++)
            if (packed[last->outside + i])
                ln_fill(y + i * block, p->fill, (size_t)p->size, p->inner);
    }
}

LN_RUN(ln_resize)
{
    const ln_resize_params *p = a->params;
    job j = {p, a};
    double row = (double)(p->axis[p->n - 1].out * p->inner);
    if (p->mode == LN_RESIZE_NEAREST)
        ln_parallel(a, p->outer * p->rows, 10 + 0.1 * row * (double)p->size, nearest_rows, &j);
    else
        ln_parallel(a, p->outer * p->rows, 50 + 1.0 * row, p->wide ? rows_f64 : rows_f32, &j);
    return LINNET_OK;
}

/* -- plan ---------------------------------------------------------------------------------------------------------- */

static int64_t aligned(int64_t bytes)
{
    return (bytes + 63) / 64 * 64;
}

/* Room for the tables; packed bytes. */
static linnet_status place_tables(ln_ctx *c, ln_resize_params *p, const ln_resize_how *how, int64_t *bytes,
                                  int64_t *most)
{
    *bytes = *most = 0;
    for (int32_t i = 0; i < p->n; i++) {
        ln_resize_axis *a = &p->axis[i];
        int64_t n;
        a->in = how[i].in;
        a->out = how[i].out;
        a->outside = -1;
        if (how[i].coordinates < 0)
            continue;
        a->taps = ln_resize_taps(&how[i]);
        if (a->taps == 0)
            return ln_fail(c, LINNET_ERR_UNSUPPORTED, "an antialiasing filter for a scale of %g", how[i].scale);
        LN_TRY(ln_mul_size(c, a->taps, a->out, &n));
        LN_TRY(ln_mul_size(c, n, 16, &(int64_t){0}));
        *most = n > *most ? n : *most;
        a->index = *bytes;
        a->weight = a->index + aligned(n * (int64_t)sizeof(int32_t));
        a->outside = a->weight + aligned(n * (int64_t)(p->wide ? sizeof(double) : sizeof(float)));
        *bytes = a->outside + aligned(a->out);
    }
    return LINNET_OK;
}

static void make_table(const ln_resize_params *p, ln_resize_axis *a, const ln_resize_how *how, char *packed,
                       double *weights)
{
    float *narrow = (float *)(void *)(packed + a->weight);
    bool any =
        ln_resize_table(how, a->taps, (int32_t *)(void *)(packed + a->index), weights, (uint8_t *)packed + a->outside);
    for (int64_t i = 0; i < a->taps * a->out && !p->wide; i++)
        narrow[i] = (float)weights[i];
    if (p->wide)
        memcpy(packed + a->weight, weights, (size_t)(a->taps * a->out) * sizeof *weights);
    if (!any)
        a->outside = -1;
}

linnet_status ln_resize_prepare(ln_ctx *c, ln_resize_params *p, const ln_resize_how *how, int32_t first, int32_t last)
{
    const ln_info *x = c->in[0];
    int64_t bytes, most;
    p->type = x->type == LINNET_COMPLEX64 ? LINNET_FLOAT32 : x->type == LINNET_COMPLEX128 ? LINNET_FLOAT64 : x->type;
    p->parts = p->type == x->type ? 1 : 2;
    p->size = (int64_t)linnet_type_size((linnet_type)x->type);
    p->wide = (EXACT_IN_F64 & LN_T(p->type)) != 0;
    p->n = last - first + 1;
    p->outer = ln_dims_product(x->dims, 0, first);
    p->inner = ln_dims_product(x->dims, last + 1, x->rank);
    if (p->mode != LN_RESIZE_NEAREST) /* complex numbers are blended part by part */
        LN_TRY(ln_mul_size(c, p->inner, p->parts, &p->inner));
    p->rows = ln_dims_product(c->out[0]->dims, first, last);
    LN_TRY(place_tables(c, p, how + first, &bytes, &most));
    /* The weights as they are computed lie behind the tables: plan has no other memory. */
    char *packed = ln_pack(c, (size_t)(bytes + most * (int64_t)sizeof(double)));
    if (!packed)
        return ln_no_memory(c);
    for (int32_t i = 0; i < p->n; i++)
        if (p->axis[i].taps)
            make_table(p, &p->axis[i], &how[first + i], packed, (double *)(void *)(packed + bytes));
    if (p->wide)
        ln_from_f64(p->fill, p->type, 0, &(double){(double)p->extrapolation_value}, 1);
    else if (LN_T_NUMBERS & LN_T(p->type))
        ln_from_f32(p->fill, p->type, 0, &p->extrapolation_value, 1, 0);
    if (p->mode == LN_RESIZE_NEAREST)
        return LINNET_OK;
    int64_t element = p->wide ? (int64_t)sizeof(double) : (int64_t)sizeof(float), slots = 1;
    const ln_resize_axis *end = &p->axis[p->n - 1];
    for (int32_t i = 0; i < p->n - 1; i++)
        if (p->axis[i].taps)
            slots = slots * p->axis[i].taps > MAX_SLOTS ? MAX_SLOTS + 1 : slots * p->axis[i].taps;
    p->slots = slots > MAX_SLOTS ? 1 : (int32_t)slots;
    p->single = slots > MAX_SLOTS;
    p->source = aligned(end->in * p->inner * element);
    p->slot = aligned(end->out * p->inner * element);
    p->worker = p->source + (p->slots + 1) * p->slot;
    ln_scratch(c, (size_t)c->threads * (size_t)p->worker);
    return LINNET_OK;
}
