/* SPDX-License-Identifier: Apache-2.0
 *
 * The float32 micro-kernel for AVX-512: up to 14 x 32, 28 accumulators of the 32 registers. A step of k loads two
 * vectors of B and spreads an element of each row of A over two multiply-adds. The last panel may have 16 columns or
 * fewer, and then goes with half of the vectors, or 8, and goes with vectors of half the size, or 24. Contract: gemm.h.
 */
#include <immintrin.h>

#include "kernels/gemm.h"

#define MR 14
#define NR 32
enum { F32, F16, BF16 };
#define ROW(kind) (NR * ((kind) == F32 ? sizeof(float) : sizeof(uint16_t))) /* bytes of a row of a panel */
#define FAR_K 96   /* depth from which all of a far C may be fetched at once */
#define FETCHING 8 /* rows from which lines are fetched ahead step by step */
#define SETS 4     /* accumulators of an element where there are few rows */
#define UNROLL _Pragma("GCC unroll 16")
/* A value that the compiler takes for a new one, so that it neither keeps sums of it nor reads through it early: with
 * 14 rows it would spill addresses into vector registers, and take them back behind all multiply-adds under way. */
#define OPAQUE(p) __asm__("" : "+r"(p))
#define INLINE static inline __attribute__((always_inline))

INLINE __mmask16 mask_of(size_t n)
{
    return (__mmask16)(n >= 16 ? 0xffffu : (1u << n) - 1);
}

/* Vector i of a row of B, which is float32, float16 or bfloat16 (a constant after inlining). */
INLINE __m512 load_b(const char *b, size_t i, const size_t kind)
{
    if (kind == F32)
        return _mm512_loadu_ps((const float *)(const void *)b + 16 * i);
    __m256i half = _mm256_loadu_si256((const __m256i *)(const void *)(b + 32 * i));
    if (kind == F16)
        return _mm512_cvtph_ps(half);
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(half), 16));
}

/* The last steps of k, row after row: one adds the residual, clamps and stores while the next ones still multiply.
 * Stores of all rows at once would fill the queues, and hold up the next tile. whole: no masks are needed; plain: nor
 * are the residual and the clamp. */
INLINE void finish_columns(const ln_gemm_f32_tile *t, __m512 (*acc)[2], const float *const *a, size_t k, const char *b,
                           const size_t steps, const size_t m, const size_t nv, const size_t kind, const int whole,
                           const int plain)
{
    const size_t n = t->n, ldc = t->ldc, ldr = t->ldr;
    const __mmask16 mask[2] = {whole ? 0xffff : mask_of(n), whole ? 0xffff : mask_of(n > 16 ? n - 16 : 0)};
    const __m512 lo = _mm512_set1_ps(t->lo), hi = _mm512_set1_ps(t->hi);
    const float *r = plain ? NULL : t->r;
    float *c = t->c;
    const bool clamp = !plain && t->clamp;
    __m512 last[4][2];
    UNROLL for (size_t s = 0; s < steps; s++) UNROLL for (size_t v = 0; v < nv; v++) last[s][v] =
        load_b(b + s * ROW(kind), v, kind);
    UNROLL for (size_t i = 0; i < m; i++, c += ldc)
    {
        OPAQUE(c);
        UNROLL for (size_t s = 0; s < steps; s++) UNROLL for (size_t v = 0; v < nv; v++) acc[i][v] =
            _mm512_fmadd_ps(_mm512_set1_ps(a[i][k + s]), last[s][v], acc[i][v]);
        if (r) {
            OPAQUE(r);
            UNROLL for (size_t v = 0; v < nv; v++) acc[i][v] =
                _mm512_add_ps(acc[i][v], _mm512_maskz_loadu_ps(mask[v], r + 16 * v));
            r += ldr;
        }
        if (clamp) /* the second operand is the result where one is a NaN */
            UNROLL for (size_t v = 0; v < nv; v++) acc[i][v] = _mm512_min_ps(hi, _mm512_max_ps(lo, acc[i][v]));
        UNROLL for (size_t v = 0; v < nv; v++) _mm512_mask_storeu_ps(c + 16 * v, mask[v], acc[i][v]);
    }
}
INLINE void finish(const ln_gemm_f32_tile *t, __m512 (*acc)[2], const float *const *a, size_t k, const char *b,
                   const size_t steps, const size_t m, const size_t nv, const size_t kind)
{
    OPAQUE(t);
    if (steps == 0)
        finish_columns(t, acc, a, k, b, 0, m, nv, kind, 0, 0);
    else if (t->r || t->clamp)
        finish_columns(t, acc, a, k, b, steps, m, nv, kind, 1, 0);
    else
        finish_columns(t, acc, a, k, b, steps, m, nv, kind, 1, 1);
}

INLINE void step_of_k(__m512 (*acc)[2], const float *const *a, size_t k, const char *b, const size_t m, const size_t nv,
                      const size_t kind)
{
    __m512 part[2];
    UNROLL for (size_t v = 0; v < nv; v++) part[v] = load_b(b, v, kind);
    UNROLL for (size_t i = 0; i < m; i++)
    {
        __m512 x = _mm512_set1_ps(a[i][k]);
        UNROLL for (size_t v = 0; v < nv; v++) acc[i][v] = _mm512_fmadd_ps(x, part[v], acc[i][v]);
    }
}

/* Steps of k that fetch a row of a far C each, and then a line of what comes next: all at once would fill the queue of
 * lines under way, and hold up what is multiplied. */
INLINE size_t fetch_and_multiply(const ln_gemm_f32_tile *t, __m512 (*acc)[2], const float *const *a, size_t k,
                                 size_t stop, const char **b, const size_t m, const size_t kind)
{
    uintptr_t line = t->far ? (uintptr_t)t->c : (uintptr_t)t->next; /* may run past an end, where nothing is read */
    size_t step = t->far ? t->ldc * sizeof(float) : 64, apart = t->far ? 64 : 0;
    size_t until = t->far && k + m < stop ? k + m : stop;
    for (;;) {
        for (; k < until; k++, *b += ROW(kind), line += step) {
            OPAQUE(a);
            __builtin_prefetch((const void *)line, 0, 2);
            __builtin_prefetch((const void *)(line + apart), 0, 2);
            step_of_k(acc, a, k, *b, m, 2, kind);
        }
        if (until == stop || !t->next)
            return k;
        until = stop;
        line = (uintptr_t)t->next;
        step = 64;
        apart = 0;
    }
}

/* m rows and nv vectors are constants after inlining; the accumulators are registers. */
INLINE void rows(const ln_gemm_f32_tile *t, const size_t m, const size_t nv, const size_t kind)
{
    const size_t steps = nv == 1 ? 4 : 2; /* of k at the end, of B in registers, and at once where nv is 1 */
    __m512 acc[MR][2];
    if (t->far && t->k >= FAR_K && !(m >= FETCHING && nv == 2))
        UNROLL for (size_t i = 0; i < m; i++) __builtin_prefetch(t->c + i * t->ldc, 0, 2);
    UNROLL for (size_t v = 0; v < nv; v++)
    {
        __m512 bias = t->bias ? _mm512_loadu_ps(t->bias + 16 * v) : _mm512_setzero_ps();
        UNROLL for (size_t i = 0; i < m; i++) acc[i][v] = bias;
    }
    const char *b = kind == F32 ? (const char *)t->b : (const char *)t->half;
    const float *const *a = t->a;
    const size_t taps = t->taps, stride = t->a_stride, begin = t->a_offset, end = begin + t->k;
    const int split = m == MR && taps && t->k >= steps && t->n == 16 * nv; /* last steps go row by row */
    const int fetching = m >= FETCHING && nv == 2 && (t->far || t->next);
    uintptr_t line = nv == 1 && t->next ? (uintptr_t)t->next : (uintptr_t)b;
    const size_t step = nv == 1 && t->next ? 64 * steps : 0;
    size_t k = begin;
    for (size_t tap = 0; tap < taps; tap++, a += stride) {
        const int last = tap + 1 == taps;
        const size_t stop = split && last ? end - steps : end;
        k = begin;
        for (; nv == 1 && k + steps <= stop; k += steps, b += steps * ROW(kind), line += step) {
            OPAQUE(a);
            if (m >= FETCHING)
                UNROLL for (size_t s = 0; s < steps; s++) __builtin_prefetch((const void *)(line + 64 * s), 0, 2);
            __m512 part[4];
            UNROLL for (size_t s = 0; s < steps; s++) part[s] = load_b(b + s * ROW(kind), 0, kind);
            UNROLL for (size_t i = 0; i < m; i++) UNROLL for (size_t s = 0; s < steps; s++) acc[i][0] =
                _mm512_fmadd_ps(_mm512_set1_ps(a[i][k + s]), part[s], acc[i][0]);
        }
        if (fetching && tap == 0)
            k = fetch_and_multiply(t, acc, a, k, stop, &b, m, kind);
        for (; k < stop; k++, b += ROW(kind)) {
            OPAQUE(a);
            step_of_k(acc, a, k, b, m, nv, kind);
        }
        if (last)
            break;
    }
    if (split)
        finish(t, acc, a, k, b, steps, m, nv, kind);
    else
        finish(t, acc, a, k, b, 0, m, nv, kind);
}

/* 17 to 24 columns: a vector and one of half the size, which takes half of the time on such processors. */
INLINE void most(const ln_gemm_f32_tile *t, const size_t m)
{
    const __mmask8 mask = (__mmask8)mask_of(t->n - 16);
    __m512 acc[MR], bias = t->bias ? _mm512_loadu_ps(t->bias) : _mm512_setzero_ps();
    __m256 rest[MR], bias8 = t->bias ? _mm256_loadu_ps(t->bias + 16) : _mm256_setzero_ps();
    UNROLL for (size_t i = 0; i < m; i++)
    {
        acc[i] = bias;
        rest[i] = bias8;
    }
    const float *b = t->b, *const *a = t->a;
    const size_t taps = t->taps, begin = t->a_offset, end = begin + t->k;
    for (size_t tap = 0; tap < taps; tap++, a += t->a_stride)
        for (size_t k = begin; k < end; k++, b += NR) {
            OPAQUE(a);
            __m512 b0 = _mm512_loadu_ps(b);
            __m256 b1 = _mm256_loadu_ps(b + 16);
            UNROLL for (size_t i = 0; i < m; i++)
            {
                __m512 x = _mm512_set1_ps(a[i][k]);
                acc[i] = _mm512_fmadd_ps(x, b0, acc[i]);
                rest[i] = _mm256_fmadd_ps(_mm512_castps512_ps256(x), b1, rest[i]);
            }
        }
    const __m512 lo = _mm512_set1_ps(t->lo), hi = _mm512_set1_ps(t->hi);
    const __m256 lo8 = _mm256_set1_ps(t->lo), hi8 = _mm256_set1_ps(t->hi);
    UNROLL for (size_t i = 0; i < m; i++)
    {
        if (t->r) {
            const float *r = t->r + i * t->ldr;
            acc[i] = _mm512_add_ps(acc[i], _mm512_loadu_ps(r));
            rest[i] = _mm256_add_ps(rest[i], _mm256_maskz_loadu_ps(mask, r + 16));
        }
        if (t->clamp) { /* the second operand is the result where one is a NaN */
            acc[i] = _mm512_min_ps(hi, _mm512_max_ps(lo, acc[i]));
            rest[i] = _mm256_min_ps(hi8, _mm256_max_ps(lo8, rest[i]));
        }
        _mm512_storeu_ps(t->c + i * t->ldc, acc[i]);
        _mm256_mask_storeu_ps(t->c + i * t->ldc + 16, mask, rest[i]);
    }
}

/* At most eight columns: 256-bit vectors, of which some processors do twice as many in a cycle. */
INLINE void quarter(const ln_gemm_f32_tile *t, const size_t m)
{
    const __mmask8 mask = (__mmask8)mask_of(t->n);
    const __m256 bias = t->bias ? _mm256_loadu_ps(t->bias) : _mm256_setzero_ps();
    __m256 acc[MR], lo = _mm256_set1_ps(t->lo), hi = _mm256_set1_ps(t->hi);
    UNROLL for (size_t i = 0; i < m; i++) acc[i] = bias;
    const float *b = t->b, *const *a = t->a;
    const size_t taps = t->taps, begin = t->a_offset, end = begin + t->k;
    for (size_t tap = 0; tap < taps; tap++, a += t->a_stride) {
        size_t k = begin;
        for (; k + 4 <= end; k += 4, b += 4 * NR) { /* pointers to the rows are more than there are registers */
            OPAQUE(a);
            __m256 part[4];
            UNROLL for (size_t s = 0; s < 4; s++) part[s] = _mm256_loadu_ps(b + s * NR);
            UNROLL for (size_t i = 0; i < m; i++) UNROLL for (size_t s = 0; s < 4; s++) acc[i] =
                _mm256_fmadd_ps(_mm256_set1_ps(a[i][k + s]), part[s], acc[i]);
        }
        for (; k < end; k++, b += NR) {
            __m256 b0 = _mm256_loadu_ps(b);
            UNROLL for (size_t i = 0; i < m; i++) acc[i] = _mm256_fmadd_ps(_mm256_set1_ps(a[i][k]), b0, acc[i]);
        }
    }
    UNROLL for (size_t i = 0; i < m; i++)
    {
        if (t->r)
            acc[i] = _mm256_add_ps(acc[i], _mm256_maskz_loadu_ps(mask, t->r + i * t->ldr));
        if (t->clamp) /* the second operand is the result where one is a NaN */
            acc[i] = _mm256_min_ps(hi, _mm256_max_ps(lo, acc[i]));
        _mm256_mask_storeu_ps(t->c + i * t->ldc, mask, acc[i]);
    }
}

/* One or two rows: an accumulator would wait for itself, so every element has several. From memory each takes a part of
 * K: that many places read on at once keep more of it busy than one; a cache gives more in one stream. */
INLINE void few(const ln_gemm_f32_tile *t, const size_t m, const size_t nv, const size_t kind)
{
    __m512 sum[SETS][2][2], acc[2][2];
    UNROLL for (size_t i = 0; i < m; i++) UNROLL for (size_t v = 0; v < nv; v++)
    {
        UNROLL for (size_t s = 0; s < SETS; s++) sum[s][i][v] = _mm512_setzero_ps();
        acc[i][v] = t->bias ? _mm512_loadu_ps(t->bias + 16 * v) : _mm512_setzero_ps();
    }
    const char *b = kind == F32 ? (const char *)t->b : (const char *)t->half;
    const size_t row = ROW(kind);
    const size_t taps = t->taps, depth = t->k;
    for (size_t tap = 0; tap < taps; tap++) {
        const float *a[2];
        UNROLL for (size_t i = 0; i < m; i++) a[i] = t->a[tap * t->a_stride + i] + t->a_offset;
        const size_t part = depth / SETS, apart = t->from_memory ? part : 1, next = t->from_memory ? 1 : SETS;
        for (size_t k = 0; k < next * part; k += next, b += next * row)
            UNROLL for (size_t s = 0; s < SETS; s++) UNROLL for (size_t i = 0; i < m; i++)
            {
                __m512 x = _mm512_set1_ps(a[i][s * apart + k]);
                UNROLL for (size_t v = 0; v < nv; v++) sum[s][i][v] =
                    _mm512_fmadd_ps(x, load_b(b + s * apart * row, v, kind), sum[s][i][v]);
            }
        b += t->from_memory ? (SETS - 1) * part * row : 0;
        for (size_t k = SETS * part; k < depth; k++, b += row)
            UNROLL for (size_t i = 0; i < m; i++) UNROLL for (size_t v = 0; v < nv; v++) sum[0][i][v] =
                _mm512_fmadd_ps(_mm512_set1_ps(a[i][k]), load_b(b, v, kind), sum[0][i][v]);
    }
    UNROLL for (size_t i = 0; i < m; i++) UNROLL for (size_t v = 0; v < nv; v++)
    {
        __m512 x = _mm512_add_ps(sum[0][i][v], sum[1][i][v]), y = _mm512_add_ps(sum[2][i][v], sum[3][i][v]);
        acc[i][v] = _mm512_add_ps(acc[i][v], _mm512_add_ps(x, y));
    }
    finish(t, acc, NULL, 0, NULL, 0, m, nv, F32);
}

/* clang-format off: one line for each number of rows */
#define ROWS(m)                                                                                                        \
    static void rows_##m(const ln_gemm_f32_tile *t)                                                                    \
    {                                                                                                                  \
        m < 3 ? few(t, m, 2, F32) : rows(t, m, 2, F32);                                                                \
    }                                                                                                                  \
    static void most_##m(const ln_gemm_f32_tile *t)                                                                    \
    {                                                                                                                  \
        m < 3 ? few(t, m, 2, F32) : most(t, m);                                                                        \
    }                                                                                                                  \
    static void quarter_##m(const ln_gemm_f32_tile *t)                                                                 \
    {                                                                                                                  \
        m < 3 ? few(t, m, 1, F32) : quarter(t, m);                                                                     \
    }                                                                                                                  \
    static void half_##m(const ln_gemm_f32_tile *t)                                                                    \
    {                                                                                                                  \
        m < 3 ? few(t, m, 1, F32) : rows(t, m, 1, F32);                                                                \
    }
ROWS(1)
ROWS(2)
ROWS(3)
ROWS(4)
ROWS(5)
ROWS(6)
ROWS(7)
ROWS(8)
ROWS(9)
ROWS(10)
ROWS(11)
ROWS(12)
ROWS(13)
ROWS(14)
#define ALL(p)                                                                                                         \
    {                                                                                                                  \
        p##1, p##2, p##3, p##4, p##5, p##6, p##7, p##8, p##9, p##10, p##11, p##12, p##13, p##14                        \
    }
/* clang-format on */

static void tile(const ln_gemm_f32_tile *t)
{
    static ln_gemm_f32_fn *const tiles[4][MR] = {ALL(quarter_), ALL(half_), ALL(most_), ALL(rows_)};
    tiles[(t->n - 1) / 8][t->m - 1](t);
}

/* clang-format off: one line for each number of rows */
#define HALF_ROWS(m)                                                                                                   \
    static void f16_##m(const ln_gemm_f32_tile *t)                                                                     \
    {                                                                                                                  \
        m < 3 ? few(t, m, 2, F16) : rows(t, m, 2, F16);                                                                \
    }                                                                                                                  \
    static void bf16_##m(const ln_gemm_f32_tile *t)                                                                    \
    {                                                                                                                  \
        m < 3 ? few(t, m, 2, BF16) : rows(t, m, 2, BF16);                                                              \
    }
HALF_ROWS(1)
HALF_ROWS(2)
HALF_ROWS(3)
HALF_ROWS(4)
HALF_ROWS(5)
HALF_ROWS(6)
/* clang-format on */

static void tile_f16(const ln_gemm_f32_tile *t)
{
    static ln_gemm_f32_fn *const tiles[LN_GEMM_FEW_ROWS] = {f16_1, f16_2, f16_3, f16_4, f16_5, f16_6};
    tiles[t->m - 1](t);
}

static void tile_bf16(const ln_gemm_f32_tile *t)
{
    static ln_gemm_f32_fn *const tiles[LN_GEMM_FEW_ROWS] = {bf16_1, bf16_2, bf16_3, bf16_4, bf16_5, bf16_6};
    tiles[t->m - 1](t);
}

/* What follows in each row is fetched: rows may be many, and a page or more apart. */
static void panels(float *to, const float *const *b, size_t at, size_t k, size_t n)
{
    for (size_t p = 0; p < k; p++, to += NR) {
        const float *x = b[p] + at;
        float *y = to;
        size_t j = 0;
        for (; j + NR <= n; j += NR, y += NR * k) {
            __builtin_prefetch((const void *)((uintptr_t)(x + j) + n * sizeof *x), 0, 2);
            __builtin_prefetch((const void *)((uintptr_t)(x + j + 16) + n * sizeof *x), 0, 2);
            _mm512_storeu_ps(y, _mm512_loadu_ps(x + j));
            _mm512_storeu_ps(y + 16, _mm512_loadu_ps(x + j + 16));
        }
        for (size_t v = 0; j < n && v < NR; v += 16) {
            size_t rest = n - j > v ? n - j - v : 0;
            _mm512_storeu_ps(y + v, _mm512_maskz_loadu_ps(mask_of(rest), rest ? x + j + v : x));
        }
    }
}

const ln_gemm_f32_desc ln_gemm_f32_avx512 = {.mr = MR,
                                             .nr = NR,
                                             .kc = 416,
                                             .kc_copied = 2048,
                                             .mc = 224,
                                             .nc_bytes = 512 << 10,
                                             .tile = tile,
                                             .tile_f16 = tile_f16,
                                             .tile_bf16 = tile_bf16,
                                             .panels = panels,
                                             .fetches = true,
                                             .dw_planes = 2};
