/* SPDX-License-Identifier: Apache-2.0
 *
 * The loops around the float32 micro-kernels (gemm.h). A tile of C, mc rows by nc columns, goes through K in blocks;
 * in a block every mr rows of A meet all panels of B, so that a sliver of A stays in the first cache and the block of
 * B in the second; where A is copied its block stays in the second, blocks of B are larger, and blocks of K deeper, so
 * that C is met fewer times. The first block starts from bias and residual, the others from C, the last one clamps.
 *
 * B of 16 bits is widened a block at a time. A is copied to a dense block first where its rows would fight for the same
 * sets of a cache (strides of large powers of two), where it lies transposed, or where taps are so short that the loop
 * over them would cost more.
 */
#include <string.h>

#include "kernels/gemm_block.h"

#define FAR_C (64 << 10) /* elements of C, and a depth of its sums, from which it is worth fetching ahead */
#define FAR_K 16
#define FETCH_K 48 /* depth from which it is worth fetching what comes next */

/* Tiers of firmware finish each panel, and have no biases in 16 bits. */
#ifdef LN_FIRMWARE
#define FINISH_PANELS 1
#define HALF_BIAS(job, j) NULL
#else
#define FINISH_PANELS 8u /* whose activation comes at once: rows are long enough then */
#define HALF_BIAS(job, j) ((job)->half_bias ? (job)->half_bias + (j) : NULL)
#endif

/* Rows of the block of K as a dense matrix of mc rows. */
static void copy_rows(float *y, size_t ld, const float *const *rows, size_t stride, size_t m, size_t taps, size_t k,
                      size_t offset)
{
    for (size_t i = 0; i < m; i++)
        for (size_t t = 0; t < taps; t++) {
            const float *x = rows[t * stride + i] + offset;
            float *to = y + i * ld + t * k;
            if (k == 3) /* as a first layer has, for each of many taps */
                memcpy(to, x, 3 * sizeof(float));
            else if (k < SHORT_TAP)
                for (size_t p = 0; p < k; p++)
                    to[p] = x[p];
            else
                memcpy(to, x, k * sizeof(float));
        }
}

static void copy_transposed(float *restrict y, size_t ld, const float *restrict a, size_t row, size_t col, size_t m,
                            size_t k)
{
    for (size_t i0 = 0; i0 < m; i0 += 16) {
        size_t i1 = min(i0 + 16, m);
        for (size_t p = 0; p < k; p++)
            for (size_t i = i0; i < i1; i++)
                y[i * ld + p] = a[i * row + p * col];
    }
}

static void finish_rows(const ln_gemm_f32_job *job, float *c, size_t m, size_t n)
{
    if (job->act <= LN_ACT_CLIP)
        return;
    if (n == job->ldc) {
        n *= m;
        m = 1;
    }
    for (size_t i = 0; i < m; i++)
        ln_act_f32(c + i * job->ldc, n, job->act, job->lo, job->hi);
}

/* Taps at either end of [*begin, *end) at which all m rows are outside of the image. */
static void trim_taps(const float *zero, const float *const *rows, size_t stride, size_t m, size_t *begin, size_t *end)
{
    size_t i = 0;
    for (; *begin < *end; ++*begin) {
        for (i = 0; i < m && rows[*begin * stride + i] == zero; i++)
            ;
        if (i < m)
            break;
    }
    for (; *begin < *end; --*end) {
        for (i = 0; i < m && rows[(*end - 1) * stride + i] == zero; i++)
            ;
        if (i < m)
            break;
    }
}

/* The panel of column j from row `done` of K on. */
static void set_b(ln_gemm_f32_tile *t, const ln_gemm_f32_job *job, size_t j, size_t done, bool first)
{
    size_t nr = job->d->nr;
    const float *b = job->b + j / nr * nr * (job->taps * job->k + 1);
    t->b = b + nr * (done + 1);
    t->bias = first ? b : NULL;
}

static void set_c(ln_gemm_f32_tile *t, const ln_gemm_f32_job *job, size_t i, size_t j, bool first)
{
    t->c = job->c + i * job->ldc + j;
    t->r = first ? (job->r ? job->r + i * job->ldr + j : NULL) : t->c;
    t->ldr = first ? job->ldr : job->ldc;
}

#ifdef LN_FIRMWARE
#define is_one_block(job, m) false
#define set_next_panel(t, job, i, j, done) ((void)(done))
#define set_next_rows(t, job, i, rows, m) ((void)0)
#else
/* Whether all rows are one block, which stays in the second cache: then B had better stream past it. */
static bool is_one_block(const ln_gemm_f32_job *job, size_t m)
{
    return job->d->fetches && job->taps == 1 && !job->zero && m > job->mr && job->m <= job->d->mc &&
           job->n * job->k * sizeof(float) > 2 * (size_t)job->d->nc_bytes;
}

/* Lines of what comes next are fetched in steps of k that fetch no C (and are not the last ones, which store): tile i
 * of those that share the work takes its part. Then nothing waits where rows and pages begin. */
static void set_next(ln_gemm_f32_tile *t, const ln_gemm_f32_job *job, size_t i, const float *from, size_t elements)
{
    size_t each = t->n <= 16 ? t->k : t->k < FETCH_K ? 0 : t->k - 2 - (t->far ? job->mr : 0), at = i * each * 16;
    t->next = each && at < elements ? from + at : NULL;
}

static void set_next_panel(ln_gemm_f32_tile *t, const ln_gemm_f32_job *job, size_t i, size_t j, size_t done)
{
    size_t nr = job->d->nr, kk = job->taps * job->k;
    if (j < job->n)
        set_next(t, job, i, job->b + j / nr * nr * (kk + 1) + nr * (done + 1), t->k * nr);
    else
        t->next = NULL;
}

/* The next sliver of a dense A, while this one meets panels. */
static void set_next_rows(ln_gemm_f32_tile *t, const ln_gemm_f32_job *job, size_t i, const float *const *rows, size_t m)
{
    if (job->d->fetches && !job->rows && !job->copy && job->a_row == t->k && m > t->m)
        set_next(t, job, i, rows[t->m], min(m - t->m, job->mr) * t->k);
    else
        t->next = NULL;
}
#endif

/* Rows [m0, m0 + m) by columns [n0, n0 + n). */
static void tile_of_c(const ln_gemm_f32_job *job, char *scratch, size_t m0, size_t m, size_t n0, size_t n)
{
    const ln_gemm_f32_desc *d = job->d;
    const float **rows = (const float **)(void *)scratch;
    const size_t kk = job->taps * job->k, mc = job->mc;
    const bool copy = job->copy, by_panels = !job->widen && (copy || is_one_block(job, m));
    const float **dense = rows + mc * (job->taps ? job->taps : 1);
    float *copied = (float *)(void *)(scratch + (((size_t)((char *)(dense + mc) - scratch) + 63) / 64 * 64));
    size_t ld = copied_pitch(job->kc * job->tap_block);
    ln_gemm_f32_fn *half_tile = widening_tile(job), *tile = half_tile ? half_tile : d->tile;
    float *wide = (float *)(void *)(scratch + scratch_of(mc, job->taps, job->kc * job->tap_block, copy));
    if (job->rows)
        job->rows(job->rows_arg, m0, m, rows, mc);
    else
        for (size_t i = 0; i < m; i++)
            rows[i] = job->a + (m0 + i) * job->a_row;
    if (copy)
        for (size_t i = 0; i < m; i++)
            dense[i] = copied + i * ld;

    ln_gemm_f32_tile t = {.ldc = job->ldc, .lo = job->lo, .hi = job->hi, .a_stride = mc};
    if (job->act == LN_ACT_RELU) {
        t.lo = 0;
        t.hi = __builtin_inff();
    }
#ifndef LN_FIRMWARE
    t.far = job->m * job->n > FAR_C && job->tap_block * job->kc >= FAR_K;
#endif
    t.from_memory = !job->cached;
    size_t tap = 0, k0 = 0;
    do {
        size_t kb = min(job->kc, job->k - k0), tb = min(job->tap_block, job->taps - tap);
        size_t done = tap * job->k + k0;
        bool first = done == 0, last = done + tb * kb == kk;
        if (copy) {
            if (job->rows || job->a_col == 1)
                copy_rows(copied, ld, rows + tap * mc, mc, m, tb, kb, k0);
            else
                copy_transposed(copied, ld, rows[0] + k0 * job->a_col, job->a_row, job->a_col, m, kb);
            t.k = tb * kb;
            t.a_offset = 0;
        } else {
            t.k = kb;
            t.a_offset = k0;
        }
        if (job->widen && !half_tile)
            for (size_t j = n0; j < n0 + n; j += d->nr)
                job->widen(wide + (j - n0) * tb * kb, job->half + (j * kk + d->nr * done), tb * kb * d->nr);
        t.clamp = last && (job->act == LN_ACT_RELU || job->act == LN_ACT_CLIP);
        /* A copied block of A stays in the second cache and meets one panel after another; else a sliver of A stays in
         * the first cache and meets all panels. */
        for (size_t j = n0; by_panels && j < n0 + n; j += d->nr) {
            t.n = min(d->nr, n0 + n - j);
            t.taps = 1;
            set_b(&t, job, j, done, first);
            size_t after = j + d->nr < n0 + n ? done : last ? 0 : done + t.k; /* where the next panel begins */
            for (size_t i = 0; i < m; i += MR(job)) {
                t.m = min(MR(job), m - i);
                t.a = (copy ? dense : rows) + i;
                set_c(&t, job, m0 + i, j, first);
                set_next_panel(&t, job, i / MR(job), after > done ? n0 : j + d->nr, after);
                tile(&t);
            }
            size_t at = (j - n0) / d->nr % FINISH_PANELS, end = j + t.n;
            if (last && (at + 1 == FINISH_PANELS || end == n0 + n))
                finish_rows(job, job->c + m0 * job->ldc + j - at * d->nr, m, end - j + at * d->nr);
        }
        for (size_t i = 0; !by_panels && i < m; i += MR(job)) {
            t.m = min(MR(job), m - i);
            size_t from = 0, to = copy ? 1 : tb;
            t.a = copy ? dense + i : rows + tap * mc + i;
            if (job->zero && !copy)
                trim_taps(job->zero, t.a, mc, t.m, &from, &to);
            if (from == to && !first && !last)
                continue;
            const size_t ahead = from * t.k, depth = done + ahead;
            t.a += from * mc;
            t.taps = to - from;
            for (size_t j = n0; j < n0 + n; j += d->nr) {
                t.n = min(d->nr, n0 + n - j);
                if (job->widen) {
                    t.half = job->half + (j * kk + d->nr * depth);
                    t.b = wide + ((j - n0) * tb * kb + d->nr * ahead);
                    t.bias = first ? HALF_BIAS(job, j) : NULL;
                } else {
                    set_b(&t, job, j, depth, first);
                }
                set_c(&t, job, m0 + i, j, first);
                set_next_rows(&t, job, (j - n0) / d->nr, t.a, m - i);
                tile(&t);
            }
            if (last)
                finish_rows(job, job->c + (m0 + i) * job->ldc + n0, t.m, n);
        }
        k0 += kb;
        if (k0 == job->k) {
            k0 = 0;
            tap += tb;
        }
    } while (tap < job->taps && job->k);
}

#ifdef LN_FIRMWARE
void ln_gemm_f32_run(const ln_gemm_f32_job *job, void *scratch, size_t begin, size_t end)
{
    for (size_t j = 0; begin < end && j < job->n; j += job->nc)
        for (size_t i = 0; i < job->m; i += job->mc)
            tile_of_c(job, scratch, i, min(job->mc, job->m - i), j, min(job->nc, job->n - j));
}
#else
/* Slivers [m0, m1) by panels [n0, n1), in blocks. */
static void rectangle(const ln_gemm_f32_job *job, void *scratch, size_t m0, size_t m1, size_t n0, size_t n1)
{
    size_t mr = job->mr, nr = job->d->nr, m = min(m1 * mr, job->m), n = min(n1 * nr, job->n);
    size_t mc = ceil_div(m1 - m0, ceil_div(m1 - m0, job->mc / mr)) * mr;
    size_t nc = ceil_div(n1 - n0, ceil_div(n1 - n0, job->nc / nr)) * nr;
    for (size_t j = n0 * nr; j < n; j += nc)
        for (size_t i = m0 * mr; i < m; i += mc)
            (job->pairs ? ln_gemm_bf16_block : tile_of_c)(job, scratch, i, min(mc, m - i), j, min(nc, n - j));
}

/* The units of two or three rectangles: the end of a line, whole ones, the beginning of one. */
void ln_gemm_f32_run(const ln_gemm_f32_job *job, void *scratch, size_t begin, size_t end)
{
    size_t slivers = ceil_div(job->m, job->mr), panels = ceil_div(job->n, job->d->nr);
    size_t outer = job->by_columns ? panels : slivers, inner = job->by_columns ? slivers : panels;
    for (size_t n; begin < end; begin += n) {
        size_t at = min(begin / job->line, job->lines - 1), from = begin - at * job->line, count = 1;
        bool last = at + 1 == job->lines, all = end == job->tiles;
        size_t unit = last ? job->last_unit : job->unit;
        n = end - begin;
        if (!last && from == 0 && n >= job->line) {
            count = all ? job->lines - at : min(n / job->line, job->lines - 1 - at);
            n = all ? n : count * job->line;
            unit = inner;
        } else if (!last) {
            n = min(n, job->line - from);
        }
        size_t o0 = at * job->step, o1 = min((at + count) * job->step, outer);
        size_t i0 = from * unit, i1 = min((from + n) * unit, inner);
        if (job->by_columns)
            rectangle(job, scratch, i0, i1, o0, o1);
        else
            rectangle(job, scratch, o0, o1, i0, i1);
    }
}

#endif

/* Of several jobs alike the rows of a thread are together: bands follow one another, and in each the groups. */
size_t ln_gemm_f32_group(const ln_gemm_f32_job *job, size_t groups, size_t i, size_t *tile, size_t *count)
{
    for (size_t b = 1, first = 0;; b++) {
        size_t end = b == job->bands ? job->tiles : job->line * (job->lines * b / job->bands), band = end - first;
        if (i < end * groups) {
            size_t at = i - first * groups;
            *tile = first + at % band;
            *count = end - *tile;
            return at / band;
        }
        first = end;
    }
}
