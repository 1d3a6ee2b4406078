/* SPDX-License-Identifier: Apache-2.0
 *
 * The vectors of the FFT without vector instructions: one lane. See fft_simd_avx2.h for what each name does.
 */
#include <math.h>
#include <stddef.h>

#ifdef FFT_F64
typedef double T;
#else
typedef float T;
#endif
typedef T V;
#define VL 1
#define LD(p) (*(p))
#define ST(p, v) (*(p) = (v))
#define LDN(p, n) ((void)(n), *(p))
#define STN(p, v, n) ((void)(n), *(p) = (v))
#define SET1(x) (x)
#define ADD(a, b) ((a) + (b))
#define SUB(a, b) ((a) - (b))
#define MUL(a, b) ((a) * (b))
#define REVERSE(v) (v)
#define SUM(v) (v)
#ifdef FFT_F64
#define SQRT(v) sqrt(v)
#else
#define SQRT(v) sqrtf(v)
#endif

static inline void load_pairs(const T *p, V *even, V *odd)
{
    *even = p[0], *odd = p[1];
}

static inline void store_pairs(T *p, V even, V odd)
{
    p[0] = even, p[1] = odd;
}

static inline void transpose(T *y0, T *y1, size_t dy, const T *x0, const T *x1, size_t dx, const T *w)
{
    (void)y1, (void)dy, (void)x1, (void)dx;
    *y0 = w ? *x0 * *w : *x0;
}

static inline void transpose_half(T *y, size_t dy, const T *x, size_t dx)
{
    (void)dy, (void)dx;
    *y = *x;
}
