/* SPDX-License-Identifier: Apache-2.0
 *
 * Packing of B in pairs, and a block of a product of bfloat16 (gemm_bf16.h): like gemm_f32.c, but A is mostly copied.
 * A block of mr rows stays in the first cache and meets all panels of B.
 */
#include <string.h>

#include "kernels/cpu.h"
#include "kernels/gemm_bf16.h"

#define FAR_C (64 << 10) /* elements of C from which it is worth fetching ahead */
#define DEPTH 2          /* times as deep as blocks of float32, which are as large */
#define APART 32         /* elements between rows of a copy, so that they lie in different sets of a cache */

#if defined(__x86_64__) && !defined(LN_TIER)
extern const ln_gemm_f32_desc ln_gemm_f32_avx512;
#define TILE ln_gemm_bf16_tile_avx512bf16
#define NARROW ln_gemm_bf16_narrow_avx512bf16
#define THERE(d) ((d) == &ln_gemm_f32_avx512 && ln_cpu_avx512_bf16)
#else
static void no_tile(const ln_gemm_bf16_tile *t)
{
    (void)t;
}
#define TILE no_tile
#define NARROW LN_K(f32_to_bf16)
#define THERE(d) ((void)(d), false)
#endif

bool ln_gemm_bf16_there(const ln_gemm_f32_desc *d)
{
    return THERE(d);
}

static size_t min(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Rows of pairs of a K. */
static size_t even(size_t k)
{
    return k + k % 2;
}

size_t ln_gemm_bf16_packed(const ln_gemm_f32_desc *d, size_t n, size_t taps, size_t k)
{
    size_t panels = n / d->nr + (n % d->nr != 0), depth, all;
    if (__builtin_mul_overflow(taps, k, &depth) || __builtin_add_overflow(depth, 1, &depth) ||
        __builtin_mul_overflow(depth, panels * d->nr, &all) || all > SIZE_MAX / sizeof(uint16_t))
        return SIZE_MAX;
    return even(depth - 1) * panels * d->nr;
}

void ln_gemm_bf16_pack(const ln_gemm_f32_desc *d, uint16_t *packed, size_t n, size_t taps, size_t k, const uint16_t *b,
                       size_t n_stride, size_t tap_stride, size_t k_stride)
{
    const size_t nr = d->nr, kk = taps * k;
    for (size_t j0 = 0; j0 < n; j0 += nr, packed += even(kk) * nr) {
        if (kk % 2)
            memset(packed + (kk - 1) * nr, 0, 2 * nr * sizeof *packed);
        for (size_t t = 0; t < taps; t++)
            for (size_t i = 0; i < k; i++) {
                const size_t p = t * k + i;
                uint16_t *y = packed + (p - p % 2) * nr + p % 2;
                for (size_t j = j0; j < j0 + nr; j++, y += 2)
                    *y = j < n ? b[j * n_stride + t * tap_stride + i * k_stride] : 0;
            }
    }
}

size_t ln_gemm_bf16_depth(const ln_gemm_f32_desc *d)
{
    return DEPTH * (size_t)d->kc;
}

/* A copy's rows, in elements: of a block of at most a quarter more than the depth, and an even end. */
static size_t pitch_of(size_t depth)
{
    return (depth + 31) / 32 * 32 + APART;
}

size_t ln_gemm_bf16_scratch(const ln_gemm_f32_desc *d, size_t m, size_t taps, size_t k)
{
    const size_t most = DEPTH * ((size_t)d->kc + d->kc / 4u) + 8, rows = min(m, (size_t)d->mc - d->mr) + d->mr;
    const size_t depth = k && taps > most / k ? most : min(even(taps * k), most);
    const size_t pointers = d->mc * ((taps ? taps : 1) + 1) * sizeof(void *);
    return (pointers + 63) / 64 * 64 + rows * pitch_of(depth) * sizeof(uint16_t);
}

void ln_gemm_bf16_block(const ln_gemm_f32_job *job, char *scratch, size_t m0, size_t m, size_t n0, size_t n)
{
    const ln_gemm_f32_desc *d = job->d;
    const size_t taps = job->taps, kk = taps * job->k, mc = d->mc;
    const float **rows = (const float **)(void *)scratch;
    const uint16_t **dense = (const uint16_t **)(void *)(rows + mc * (taps ? taps : 1));
    const size_t head = mc * ((taps ? taps : 1) + 1) * sizeof(void *);
    uint16_t *copied = (uint16_t *)(void *)(scratch + (head + 63) / 64 * 64);
    const size_t ld = pitch_of(even(job->kc * job->tap_block));
    if (job->rows)
        job->rows(job->rows_arg, m0, m, rows, mc);
    /* Rows of pairs are read where they lie, unless they share sets of a cache. */
    const bool direct = job->half_a && job->k % 2 == 0 && job->a_row % 1024 != 0;
    ln_gemm_bf16_tile t = {.ldc = job->ldc, .lo = job->lo, .hi = job->hi, .far = job->m * job->n > FAR_C};
    if (job->act == LN_ACT_RELU) {
        t.lo = 0;
        t.hi = __builtin_inff();
    }
    size_t tap = 0, k0 = 0;
    do {
        const size_t kb = min(job->kc, job->k - k0), tb = min(job->tap_block, taps - tap), done = tap * job->k + k0;
        const bool first = done == 0, last = done + tb * kb == kk;
        for (size_t i = 0; i < m; i++) {
            uint16_t *y = copied + i * ld;
            dense[i] = direct ? job->half_a + (m0 + i) * job->a_row + k0 : y;
            if (direct)
                continue;
            for (size_t p = 0; p < tb; p++, y += kb)
                if (job->half_a)
                    memcpy(y, job->half_a + (m0 + i) * job->a_row + k0, kb * sizeof *y);
                else
                    NARROW(y, job->rows ? rows[(tap + p) * mc + i] + k0 : job->a + (m0 + i) * job->a_row + k0, kb);
            *y = 0; /* behind an odd K */
        }
        t.pairs = even(tb * kb) / 2;
        t.clamp = last && (job->act == LN_ACT_RELU || job->act == LN_ACT_CLIP);
        for (size_t i = 0; i < m; i += d->mr) {
            t.m = min(d->mr, m - i);
            t.a = dense + i;
            for (size_t j = n0; j < n0 + n; j += d->nr) {
                t.n = min(d->nr, n0 + n - j);
                t.b = job->half + (j * even(kk) + d->nr * done);
                t.bias = first && job->half_bias ? job->half_bias + j : NULL;
                t.c = job->c + (m0 + i) * job->ldc + j;
                t.r = !first ? t.c : job->r ? job->r + (m0 + i) * job->ldr + j : NULL;
                t.ldr = first ? job->ldr : job->ldc;
                TILE(&t);
            }
            for (size_t r = 0; last && job->act > LN_ACT_CLIP && r < t.m; r++)
                ln_act_f32(job->c + (m0 + i + r) * job->ldc + n0, n, job->act, job->lo, job->hi);
        }
        k0 += kb;
        if (k0 == job->k) {
            k0 = 0;
            tap += tb;
        }
    } while (tap < taps && job->k);
}
