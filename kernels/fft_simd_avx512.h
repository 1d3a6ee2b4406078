/* SPDX-License-Identifier: Apache-2.0
 *
 * The vectors of the FFT with AVX-512. See fft_simd_avx2.h for what each name does.
 */
#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

#ifdef FFT_F64
typedef double T;
typedef __m512d V;
#define VL 8
#define MASK(n) ((__mmask8)((1u << (n)) - 1))
#define LD(p) _mm512_loadu_pd(p)
#define ST(p, v) _mm512_storeu_pd(p, v)
#define LDN(p, n) _mm512_maskz_loadu_pd(MASK(n), p)
#define STN(p, v, n) _mm512_mask_storeu_pd(p, MASK(n), v)
#define SET1(x) _mm512_set1_pd(x)
#define ADD(a, b) _mm512_add_pd(a, b)
#define SUB(a, b) _mm512_sub_pd(a, b)
#define MUL(a, b) _mm512_mul_pd(a, b)
#define SQRT(v) _mm512_sqrt_pd(v)
#define SUM(v) _mm512_reduce_add_pd(v)
#define REVERSE(v) _mm512_permutexvar_pd(_mm512_setr_epi64(7, 6, 5, 4, 3, 2, 1, 0), v)

static inline void load_pairs(const T *p, V *even, V *odd)
{
    V a = LD(p), b = LD(p + 8);
    *even = _mm512_permutex2var_pd(a, _mm512_setr_epi64(0, 2, 4, 6, 8, 10, 12, 14), b);
    *odd = _mm512_permutex2var_pd(a, _mm512_setr_epi64(1, 3, 5, 7, 9, 11, 13, 15), b);
}

static inline void store_pairs(T *p, V even, V odd)
{
    ST(p, _mm512_permutex2var_pd(even, _mm512_setr_epi64(0, 8, 1, 9, 2, 10, 3, 11), odd));
    ST(p + 8, _mm512_permutex2var_pd(even, _mm512_setr_epi64(4, 12, 5, 13, 6, 14, 7, 15), odd));
}

/* Rows j and j + 4 share a vector, 4 columns of each. */
static inline V join(const T *lo, const T *hi, const T *w)
{
    V v = _mm512_insertf64x4(_mm512_castpd256_pd512(_mm256_loadu_pd(lo)), _mm256_loadu_pd(hi), 1);
    return w ? MUL(v, _mm512_broadcast_f64x4(_mm256_loadu_pd(w))) : v;
}

static inline __attribute__((always_inline)) void transpose(T *y0, T *y1, size_t dy, const T *x0, const T *x1,
                                                            size_t dx, const T *w)
{
    __m512i low = _mm512_setr_epi64(0, 1, 8, 9, 4, 5, 12, 13), high = _mm512_setr_epi64(2, 3, 10, 11, 6, 7, 14, 15);
#pragma GCC unroll 1 /* unrolled, all the loads come first and spill */
    for (size_t k = 0; k < 8; k += 4, y0 += 2 * dy, y1 += 2 * dy) {
        const T *f = w ? w + k : NULL;
        V a = join(x0 + k, x0 + 2 * dx + k, f), b = join(x1 + k, x1 + 2 * dx + k, f);
        V c = join(x0 + dx + k, x0 + 3 * dx + k, f), d = join(x1 + dx + k, x1 + 3 * dx + k, f);
        V ab0 = _mm512_unpacklo_pd(a, b), ab1 = _mm512_unpackhi_pd(a, b);
        V cd0 = _mm512_unpacklo_pd(c, d), cd1 = _mm512_unpackhi_pd(c, d);
        ST(y0, _mm512_permutex2var_pd(ab0, low, cd0));
        ST(y1, _mm512_permutex2var_pd(ab1, low, cd1));
        ST(y0 + dy, _mm512_permutex2var_pd(ab0, high, cd0));
        ST(y1 + dy, _mm512_permutex2var_pd(ab1, high, cd1));
    }
}

static inline void transpose_half(T *y, size_t dy, const T *x, size_t dx)
{
    __m256d a = _mm256_loadu_pd(x), b = _mm256_loadu_pd(x + dx);
    __m256d c = _mm256_loadu_pd(x + 2 * dx), d = _mm256_loadu_pd(x + 3 * dx);
    __m256d ab0 = _mm256_unpacklo_pd(a, b), ab1 = _mm256_unpackhi_pd(a, b);
    __m256d cd0 = _mm256_unpacklo_pd(c, d), cd1 = _mm256_unpackhi_pd(c, d);
    _mm256_storeu_pd(y, _mm256_permute2f128_pd(ab0, cd0, 0x20));
    _mm256_storeu_pd(y + dy, _mm256_permute2f128_pd(ab1, cd1, 0x20));
    _mm256_storeu_pd(y + 2 * dy, _mm256_permute2f128_pd(ab0, cd0, 0x31));
    _mm256_storeu_pd(y + 3 * dy, _mm256_permute2f128_pd(ab1, cd1, 0x31));
}
#else
typedef float T;
typedef __m512 V;
#define VL 16
#define MASK(n) ((__mmask16)((1u << (n)) - 1))
#define LD(p) _mm512_loadu_ps(p)
#define ST(p, v) _mm512_storeu_ps(p, v)
#define LDN(p, n) _mm512_maskz_loadu_ps(MASK(n), p)
#define STN(p, v, n) _mm512_mask_storeu_ps(p, MASK(n), v)
#define SET1(x) _mm512_set1_ps(x)
#define ADD(a, b) _mm512_add_ps(a, b)
#define SUB(a, b) _mm512_sub_ps(a, b)
#define MUL(a, b) _mm512_mul_ps(a, b)
#define SQRT(v) _mm512_sqrt_ps(v)
#define SUM(v) _mm512_reduce_add_ps(v)
#define REVERSE(v) _mm512_permutexvar_ps(_mm512_setr_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0), v)

static inline void split_pairs(V a, V b, V *even, V *odd)
{
    *even = _mm512_permutex2var_ps(a, _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30), b);
    *odd = _mm512_permutex2var_ps(a, _mm512_setr_epi32(1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31), b);
}

static inline void load_pairs(const T *p, V *even, V *odd)
{
    split_pairs(LD(p), LD(p + 16), even, odd);
}

static inline void store_pairs(T *p, V even, V odd)
{
    ST(p, _mm512_permutex2var_ps(even, _mm512_setr_epi32(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23), odd));
    ST(p + 16, _mm512_permutex2var_ps(
                   even, _mm512_setr_epi32(8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31), odd));
}

/* Rows j, j + 4, j + 8, j + 12 share a vector, 4 columns of each; the transposition is then one of 4 x 4 in every
 * quarter. dx2: twice the distance of rows j and j + 2. */
static inline V join(const T *x, size_t dx2, const T *w)
{
    V v = _mm512_castps128_ps512(_mm_loadu_ps(x));
    v = _mm512_insertf32x4(v, _mm_loadu_ps(x + dx2), 1);
    v = _mm512_insertf32x4(v, _mm_loadu_ps(x + 2 * dx2), 2);
    v = _mm512_insertf32x4(v, _mm_loadu_ps(x + 3 * dx2), 3);
    return w ? MUL(v, _mm512_broadcast_f32x4(_mm_loadu_ps(w))) : v;
}

static inline V low_pairs(V a, V b)
{
    return _mm512_castpd_ps(_mm512_unpacklo_pd(_mm512_castps_pd(a), _mm512_castps_pd(b)));
}

static inline V high_pairs(V a, V b)
{
    return _mm512_castpd_ps(_mm512_unpackhi_pd(_mm512_castps_pd(a), _mm512_castps_pd(b)));
}

static inline __attribute__((always_inline)) void transpose(T *y0, T *y1, size_t dy, const T *x0, const T *x1,
                                                            size_t dx, const T *w)
{
#pragma GCC unroll 1 /* unrolled, all the loads come first and spill */
    for (size_t k = 0; k < 16; k += 4, y0 += 2 * dy, y1 += 2 * dy) {
        const T *f = w ? w + k : NULL;
        V a = join(x0 + k, 2 * dx, f), b = join(x1 + k, 2 * dx, f);
        V c = join(x0 + dx + k, 2 * dx, f), d = join(x1 + dx + k, 2 * dx, f);
        V ab0 = _mm512_unpacklo_ps(a, b), ab1 = _mm512_unpackhi_ps(a, b);
        V cd0 = _mm512_unpacklo_ps(c, d), cd1 = _mm512_unpackhi_ps(c, d);
        ST(y0, low_pairs(ab0, cd0));
        ST(y1, high_pairs(ab0, cd0));
        ST(y0 + dy, low_pairs(ab1, cd1));
        ST(y1 + dy, high_pairs(ab1, cd1));
    }
}

/* Four complex numbers of 16 transforms, db apart, from the vectors of their parts. */
#define FFT_STORE_FOUR
static inline __attribute__((always_inline)) void store_four(T *p, ptrdiff_t db, const V *re, const V *im)
{
    V a0 = _mm512_unpacklo_ps(re[0], im[0]), a1 = _mm512_unpackhi_ps(re[0], im[0]);
    V b0 = _mm512_unpacklo_ps(re[1], im[1]), b1 = _mm512_unpackhi_ps(re[1], im[1]);
    V c0 = _mm512_unpacklo_ps(re[2], im[2]), c1 = _mm512_unpackhi_ps(re[2], im[2]);
    V d0 = _mm512_unpacklo_ps(re[3], im[3]), d1 = _mm512_unpackhi_ps(re[3], im[3]);
    /* Transform 4 q + j is in quarter q of ab[j], numbers 0 and 1, and of cd[j], numbers 2 and 3. */
    V ab[4] = {low_pairs(a0, b0), high_pairs(a0, b0), low_pairs(a1, b1), high_pairs(a1, b1)};
    V cd[4] = {low_pairs(c0, d0), high_pairs(c0, d0), low_pairs(c1, d1), high_pairs(c1, d1)};
    __m512i low = _mm512_setr_epi64(0, 1, 8, 9, 2, 3, 10, 11), high = _mm512_setr_epi64(4, 5, 12, 13, 6, 7, 14, 15);
#pragma GCC unroll 4
    for (int j = 0; j < 4; j++, p += db) {
        __m512d x = _mm512_castps_pd(ab[j]), y = _mm512_castps_pd(cd[j]);
        __m512d v = _mm512_permutex2var_pd(x, low, y), w = _mm512_permutex2var_pd(x, high, y);
        _mm256_storeu_ps(p, _mm256_castpd_ps(_mm512_castpd512_pd256(v)));
        _mm256_storeu_ps(p + 4 * db, _mm256_castpd_ps(_mm512_extractf64x4_pd(v, 1)));
        _mm256_storeu_ps(p + 8 * db, _mm256_castpd_ps(_mm512_castpd512_pd256(w)));
        _mm256_storeu_ps(p + 12 * db, _mm256_castpd_ps(_mm512_extractf64x4_pd(w, 1)));
    }
}

static inline __m256 join_half(const T *x, size_t dx)
{
    return _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(x)), _mm_loadu_ps(x + 4 * dx), 1);
}

static inline void transpose_half(T *y, size_t dy, const T *x, size_t dx)
{
    for (size_t k = 0; k < 8; k += 4, y += 4 * dy) {
        __m256 a = join_half(x + k, dx), b = join_half(x + dx + k, dx);
        __m256 c = join_half(x + 2 * dx + k, dx), d = join_half(x + 3 * dx + k, dx);
        __m256 ab0 = _mm256_unpacklo_ps(a, b), ab1 = _mm256_unpackhi_ps(a, b);
        __m256 cd0 = _mm256_unpacklo_ps(c, d), cd1 = _mm256_unpackhi_ps(c, d);
        _mm256_storeu_ps(y, _mm256_shuffle_ps(ab0, cd0, 0x44));
        _mm256_storeu_ps(y + dy, _mm256_shuffle_ps(ab0, cd0, 0xee));
        _mm256_storeu_ps(y + 2 * dy, _mm256_shuffle_ps(ab1, cd1, 0x44));
        _mm256_storeu_ps(y + 3 * dy, _mm256_shuffle_ps(ab1, cd1, 0xee));
    }
}
#endif
