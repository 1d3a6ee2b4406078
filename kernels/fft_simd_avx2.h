/* SPDX-License-Identifier: Apache-2.0
 *
 * The vectors of the FFT with AVX2: T element, V vector of VL elements. LD, ST: VL elements at any address; LDN, STN:
 * the first n < VL (the rest reads as 0, is not touched). Nothing here fuses: see fft_radix.inc.
 */
#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

#ifdef FFT_F64
typedef double T;
typedef __m256d V;
#define VL 4
#define LD(p) _mm256_loadu_pd(p)
#define ST(p, v) _mm256_storeu_pd(p, v)
#define LDN(p, n) _mm256_maskload_pd(p, mask_of(n))
#define STN(p, v, n) _mm256_maskstore_pd(p, mask_of(n), v)
#define SET1(x) _mm256_set1_pd(x)
#define ADD(a, b) _mm256_add_pd(a, b)
#define SUB(a, b) _mm256_sub_pd(a, b)
#define MUL(a, b) _mm256_mul_pd(a, b)
#define SQRT(v) _mm256_sqrt_pd(v)
#define REVERSE(v) _mm256_permute4x64_pd(v, 0x1b)

static inline __m256i mask_of(size_t n)
{
    static const int64_t table[8] = {-1, -1, -1, -1, 0, 0, 0, 0};
    return _mm256_loadu_si256((const __m256i *)(const void *)(table + 4 - n));
}

static inline T SUM(V v)
{
    __m128d a = _mm_add_pd(_mm256_castpd256_pd128(v), _mm256_extractf128_pd(v, 1));
    return _mm_cvtsd_f64(_mm_add_sd(a, _mm_unpackhi_pd(a, a)));
}

/* even: elements 0, 2, 4, ... of 2 VL; odd: 1, 3, ... */
static inline void load_pairs(const T *p, V *even, V *odd)
{
    V a = LD(p), b = LD(p + 4);
    *even = _mm256_permute4x64_pd(_mm256_unpacklo_pd(a, b), 0xd8);
    *odd = _mm256_permute4x64_pd(_mm256_unpackhi_pd(a, b), 0xd8);
}

static inline void store_pairs(T *p, V even, V odd)
{
    V lo = _mm256_unpacklo_pd(even, odd), hi = _mm256_unpackhi_pd(even, odd);
    ST(p, _mm256_permute2f128_pd(lo, hi, 0x20));
    ST(p + 4, _mm256_permute2f128_pd(lo, hi, 0x31));
}

#define TILE_ROW(j) (w ? MUL(LD(x##j), LD(w)) : LD(x##j))

/* The transposition of a VL x VL tile. Input row j is at (j even ? x0 : x1) + j/2 * dx, output row k at
 * (k even ? y0 : y1) + k/2 * dy; column k of the input is multiplied by w[k] unless w is NULL. */
static inline __attribute__((always_inline)) void transpose(T *y0, T *y1, size_t dy, const T *x0, const T *x1,
                                                            size_t dx, const T *w)
{
    const T *x2 = x0 + dx, *x3 = x1 + dx;
    V a = TILE_ROW(0), b = TILE_ROW(1), c = TILE_ROW(2), d = TILE_ROW(3);
    V ab0 = _mm256_unpacklo_pd(a, b), ab1 = _mm256_unpackhi_pd(a, b);
    V cd0 = _mm256_unpacklo_pd(c, d), cd1 = _mm256_unpackhi_pd(c, d);
    ST(y0, _mm256_permute2f128_pd(ab0, cd0, 0x20));
    ST(y1, _mm256_permute2f128_pd(ab1, cd1, 0x20));
    ST(y0 + dy, _mm256_permute2f128_pd(ab0, cd0, 0x31));
    ST(y1 + dy, _mm256_permute2f128_pd(ab1, cd1, 0x31));
}

static inline void transpose_half(T *y, size_t dy, const T *x, size_t dx)
{
    (void)y, (void)dy, (void)x, (void)dx; /* tiles of 2 x 2 are not worth it: see transpose_plane */
}
#else
typedef float T;
typedef __m256 V;
#define VL 8
#define LD(p) _mm256_loadu_ps(p)
#define ST(p, v) _mm256_storeu_ps(p, v)
#define LDN(p, n) _mm256_maskload_ps(p, mask_of(n))
#define STN(p, v, n) _mm256_maskstore_ps(p, mask_of(n), v)
#define SET1(x) _mm256_set1_ps(x)
#define ADD(a, b) _mm256_add_ps(a, b)
#define SUB(a, b) _mm256_sub_ps(a, b)
#define MUL(a, b) _mm256_mul_ps(a, b)
#define SQRT(v) _mm256_sqrt_ps(v)
#define REVERSE(v) _mm256_permutevar8x32_ps(v, _mm256_setr_epi32(7, 6, 5, 4, 3, 2, 1, 0))

static inline __m256i mask_of(size_t n)
{
    static const int32_t table[16] = {-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0};
    return _mm256_loadu_si256((const __m256i *)(const void *)(table + 8 - n));
}

static inline T SUM(V v)
{
    __m128 a = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    a = _mm_add_ps(a, _mm_movehl_ps(a, a));
    return _mm_cvtss_f32(_mm_add_ss(a, _mm_movehdup_ps(a)));
}

static inline void load_pairs(const T *p, V *even, V *odd)
{
    V a = LD(p), b = LD(p + 8);
    V lo = _mm256_permute2f128_ps(a, b, 0x20), hi = _mm256_permute2f128_ps(a, b, 0x31);
    *even = _mm256_shuffle_ps(lo, hi, 0x88);
    *odd = _mm256_shuffle_ps(lo, hi, 0xdd);
}

static inline void store_pairs(T *p, V even, V odd)
{
    V lo = _mm256_unpacklo_ps(even, odd), hi = _mm256_unpackhi_ps(even, odd);
    ST(p, _mm256_permute2f128_ps(lo, hi, 0x20));
    ST(p + 8, _mm256_permute2f128_ps(lo, hi, 0x31));
}

/* Rows j and j + 4 share a vector, 4 columns of each; the transposition is then one of 4 x 4 in both halves. */
static inline V join(const T *lo, const T *hi, const T *w)
{
    V v = _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(lo)), _mm_loadu_ps(hi), 1);
    return w ? MUL(v, _mm256_broadcast_ps((const __m128 *)(const void *)w)) : v;
}

static inline __attribute__((always_inline)) void transpose(T *y0, T *y1, size_t dy, const T *x0, const T *x1,
                                                            size_t dx, const T *w)
{
#pragma GCC unroll 1 /* unrolled, all the loads come first and spill */
    for (size_t k = 0; k < 8; k += 4, y0 += 2 * dy, y1 += 2 * dy) {
        const T *f = w ? w + k : NULL;
        V a = join(x0 + k, x0 + 2 * dx + k, f), b = join(x1 + k, x1 + 2 * dx + k, f);
        V c = join(x0 + dx + k, x0 + 3 * dx + k, f), d = join(x1 + dx + k, x1 + 3 * dx + k, f);
        V ab0 = _mm256_unpacklo_ps(a, b), ab1 = _mm256_unpackhi_ps(a, b);
        V cd0 = _mm256_unpacklo_ps(c, d), cd1 = _mm256_unpackhi_ps(c, d);
        ST(y0, _mm256_shuffle_ps(ab0, cd0, 0x44));
        ST(y1, _mm256_shuffle_ps(ab0, cd0, 0xee));
        ST(y0 + dy, _mm256_shuffle_ps(ab1, cd1, 0x44));
        ST(y1 + dy, _mm256_shuffle_ps(ab1, cd1, 0xee));
    }
}

/* Four complex numbers of 8 transforms, db apart, from the vectors of their parts. */
#define FFT_STORE_FOUR
static inline __attribute__((always_inline)) void store_four(T *p, ptrdiff_t db, const V *re, const V *im)
{
    V a0 = _mm256_unpacklo_ps(re[0], im[0]), a1 = _mm256_unpackhi_ps(re[0], im[0]);
    V b0 = _mm256_unpacklo_ps(re[1], im[1]), b1 = _mm256_unpackhi_ps(re[1], im[1]);
    V c0 = _mm256_unpacklo_ps(re[2], im[2]), c1 = _mm256_unpackhi_ps(re[2], im[2]);
    V d0 = _mm256_unpacklo_ps(re[3], im[3]), d1 = _mm256_unpackhi_ps(re[3], im[3]);
    /* Transform 4 q + j is in half q of ab[j], numbers 0 and 1, and of cd[j], numbers 2 and 3. */
    V ab[4] = {_mm256_shuffle_ps(a0, b0, 0x44), _mm256_shuffle_ps(a0, b0, 0xee), _mm256_shuffle_ps(a1, b1, 0x44),
               _mm256_shuffle_ps(a1, b1, 0xee)};
    V cd[4] = {_mm256_shuffle_ps(c0, d0, 0x44), _mm256_shuffle_ps(c0, d0, 0xee), _mm256_shuffle_ps(c1, d1, 0x44),
               _mm256_shuffle_ps(c1, d1, 0xee)};
#pragma GCC unroll 4
    for (int j = 0; j < 4; j++, p += db) {
        ST(p, _mm256_permute2f128_ps(ab[j], cd[j], 0x20));
        ST(p + 4 * db, _mm256_permute2f128_ps(ab[j], cd[j], 0x31));
    }
}

/* The transposition of a tile of VL/2 x VL/2. */
static inline void transpose_half(T *y, size_t dy, const T *x, size_t dx)
{
    __m128 a = _mm_loadu_ps(x), b = _mm_loadu_ps(x + dx), c = _mm_loadu_ps(x + 2 * dx), d = _mm_loadu_ps(x + 3 * dx);
    _MM_TRANSPOSE4_PS(a, b, c, d);
    _mm_storeu_ps(y, a);
    _mm_storeu_ps(y + dy, b);
    _mm_storeu_ps(y + 2 * dy, c);
    _mm_storeu_ps(y + 3 * dy, d);
}
#endif
