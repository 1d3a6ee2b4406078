/* SPDX-License-Identifier: Apache-2.0
 *
 * The blocks of the float32 product, by the sizes of caches that its micro-kernel names (gemm.h): how deep a block of K
 * is, how many rows and columns a tile of C has, whether A is copied, and what threads share out.
 */
#include "kernels/gemm_block.h"

#define LARGE_B 8 /* times what a block of B is, where a copied A meets it */
#define FEW_SLIVERS 10
#define EVEN_K 128 /* depth from which storing whole slivers row by row matters less */
#define TALL 12    /* rows of a sliver */
#define LOW 3
#define UNITS 32 /* for each thread */
#define FEW_UNITS 4

/* Tiers of firmware have no deeper blocks for a copied A, and one thread. */
#ifdef LN_FIRMWARE
#define KC_COPIED(d) 0
#else
#define KC_COPIED(d) ((d)->kc_copied)
#endif

/* A block's part of K: kc elements of each of tap_block taps; one of them is all there is. */
static void block_k(size_t most, size_t taps, size_t k, size_t *kc, size_t *tap_block)
{
    *kc = k;
    *tap_block = 1;
    if (k > most + most / 4u)
        *kc = (ceil_div(k, ceil_div(k, most)) + 3) / 4 * 4;
    else if (k && taps > 1)
        *tap_block = ceil_div(taps, ceil_div(taps, k < most ? most / k : 1));
}

/* Whether blocks of a copied A are deep and of few rows. Not where all rows are one block otherwise, so that B is read
 * once, and B is too large to stay in the third cache. */
static bool deep_blocks(const ln_gemm_f32_desc *d, size_t m, size_t n, size_t kk)
{
    return KC_COPIED(d) && (m > d->mc || n * kk * sizeof(float) <= LARGE_B * (size_t)d->nc_bytes);
}

/* Rows of a copied block of A, which is as large for any depth. */
static size_t copied_rows(const ln_gemm_f32_desc *d, size_t kb)
{
    size_t slivers = kb > d->kc ? (size_t)d->mc * d->kc / kb / d->mr : d->mc / d->mr;
    return (slivers ? slivers : 1) * d->mr;
}

/* Taps so short that the loop over them would cost more than a copy. */
static bool short_taps(const ln_gemm_f32_desc *d, size_t n, size_t taps, size_t k)
{
    return taps > 1 && k < SHORT_TAP && n > d->nr / 2u;
}

/* Enough to do for a copy to pay where rows share sets of a cache. */
static bool worth_copying(const ln_gemm_f32_desc *d, size_t m, size_t n)
{
    return n > 2u * d->nr && m > LN_GEMM_FEW_ROWS;
}

size_t ln_gemm_f32_scratch(const ln_gemm_f32_desc *d, size_t m, size_t n, size_t taps, size_t k)
{
    size_t kc, tap_block, all = ceil_div(min(m, d->mc), d->mr) * d->mr;
    bool copy = n == SIZE_MAX || short_taps(d, n, taps, k) || worth_copying(d, m, n);
    block_k(d->kc, taps, k, &kc, &tap_block);
    size_t size = scratch_of(min(all, d->mc), taps, kc * tap_block, copy);
    if (copy && d->kc_copied) {
        block_k(d->kc_copied, taps, k, &kc, &tap_block);
        size_t copied = scratch_of(min(all, copied_rows(d, kc * tap_block)), taps, kc * tap_block, true);
        size = size > copied ? size : copied;
    }
    return size;
}

size_t ln_gemm_f32_scratch_half(const ln_gemm_f32_desc *d, size_t n, size_t k)
{
    /* The block of B; the longest panel, where that is more. */
    size_t panel = (d->kc + d->kc / 4u + 4u) * d->nr * sizeof(float);
    size_t most = panel > d->nc_bytes ? panel : d->nc_bytes, columns = ceil_div(n, d->nr) * d->nr;
    return columns <= most / sizeof(float) / (k ? k : 1) ? (columns * k * sizeof(float) + 63) / 64 * 64 : most;
}

#ifdef LN_FIRMWARE
/* One thread, one unit. */
static void divide(ln_gemm_f32_job *job, size_t slivers, size_t panels, size_t threads)
{
    (void)slivers, (void)panels, (void)threads;
    job->tiles = job->lines = job->line = job->bands = 1;
}

static void set_height(ln_gemm_f32_job *job, size_t m, size_t slivers)
{
    (void)job, (void)m, (void)slivers;
}
#else
/* Units of work, enough to even out what threads take: `step` slivers by `unit` panels, in lines of `line`, so that
 * some that follow one another make few rectangles; the last sliver has fewer units where it has fewer rows. Or panels
 * by slivers, where B is far larger than A and C: then threads share it out. Else they share rows, as the steps before
 * and after do. What is copied is copied for each rectangle: fewer units. */
static void divide(ln_gemm_f32_job *job, size_t slivers, size_t panels, size_t threads)
{
    const ln_gemm_f32_desc *d = job->d;
    size_t k = job->taps * job->k, wanted = (job->copy ? FEW_UNITS : UNITS) * threads;
    job->by_columns = threads > 1 && 2 * k * job->n > 5 * job->m * (job->k + job->n);
    size_t outer = job->by_columns ? panels : slivers, inner = job->by_columns ? slivers : panels;
    size_t full = job->by_columns ? d->nr : job->mr, rest = (job->by_columns ? job->n : job->m) - (outer - 1) * full;
    job->step = threads == 1 ? outer : outer > wanted ? outer / wanted : 1;
    job->unit = threads == 1 || outer > wanted ? inner : ceil_div(outer * inner, wanted);
    job->line = ceil_div(inner, job->unit);
    job->last_unit = ceil_div(inner, ceil_div(job->line * rest, full));
    job->lines = ceil_div(outer, job->step);
    job->tiles = (job->lines - 1) * job->line + ceil_div(inner, job->last_unit);
    job->bands = job->by_columns ? 1 : min(threads, job->lines);
}

/* A last sliver of one to three rows would wait for its own sums; where slivers are few, all get about as many rows. */
static void set_height(ln_gemm_f32_job *job, size_t m, size_t slivers)
{
    size_t mr = job->d->mr, rest = m % mr;
    bool even =
        mr >= TALL && !job->pairs && rest && rest <= LOW && slivers <= FEW_SLIVERS && job->taps * job->k >= EVEN_K;
    job->mr = even ? ceil_div(m, slivers) : mr;
}
#endif

void ln_gemm_f32_prepare(ln_gemm_f32_job *job, size_t threads)
{
    const ln_gemm_f32_desc *d = job->d;
    size_t m = job->m ? job->m : 1, n = job->n ? job->n : 1, slivers = ceil_div(m, d->mr), panels = ceil_div(n, d->nr);
    set_height(job, m, slivers);
    size_t pitch = job->rows ? job->rows_pitch : job->a_row;
    job->copy = PAIRS(job) || (!job->rows && job->a_col != 1) || short_taps(d, job->n, job->taps, job->k) ||
                (pitch && pitch % 1024 == 0 && worth_copying(d, m, job->n));
    const bool deep = job->copy && !job->widen && !PAIRS(job) && deep_blocks(d, m, n, job->taps * job->k);
    const bool few = m <= LN_GEMM_FEW_ROWS;
    block_k(PAIRS(job) ? ln_gemm_bf16_depth(d)
            : deep     ? KC_COPIED(d)
                       : d->kc,
            job->taps, job->k, &job->kc, &job->tap_block);
    size_t kb = job->kc * job->tap_block, nc = d->nc_bytes / sizeof(float) / (kb ? kb : 1) / d->nr;
    size_t mc = min((deep ? copied_rows(d, kb) : d->mc) / d->mr, slivers);
    nc = min(nc ? nc : 1, panels);
    if (few && job->widen && !widening_tile(job)) /* a widened panel is used once: as near as may be */
        nc = 1;
    if (PAIRS(job))
        nc = min(2 * nc, panels); /* of half the bytes */
    else if (job->copy && !job->widen)
        nc = min((deep ? LARGE_B : 4) * nc, panels);
    job->mc = ceil_div(slivers, ceil_div(slivers, mc)) * MR(job);
    job->nc = ceil_div(panels, ceil_div(panels, nc)) * d->nr;
    job->tiles = 0;
    if (job->m && job->n)
        divide(job, slivers, panels, threads);
    /* Few rows: A stays in the cache anyway, and B is read once, best in one piece. */
    if (few && job->taps == 1 && !job->copy && (!job->widen || widening_tile(job)))
        job->kc = job->k;
}

double ln_gemm_f32_cost(const ln_gemm_f32_job *job)
{
    double all = (double)job->m * (double)job->n * ((double)job->taps * (double)job->k + 4) * 0.02;
    return job->tiles > 1 ? all / (double)job->tiles : all;
}
