/* SPDX-License-Identifier: Apache-2.0
 *
 * Vectors of half the width for the last columns of a stage (AVX-512 runs a masked full vector at the full price).
 * Defines the names that fft_radix.inc uses, which fft_half_end.h takes away again.
 */
#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

#ifdef FFT_F64
#define T double
#define V __m256d
#define VL 4
#define LD(p) _mm256_loadu_pd(p)
#define ST(p, v) _mm256_storeu_pd(p, v)
#define LDN(p, n) _mm256_maskz_loadu_pd((__mmask8)((1u << (n)) - 1), p)
#define STN(p, v, n) _mm256_mask_storeu_pd(p, (__mmask8)((1u << (n)) - 1), v)
#define SET1(x) _mm256_set1_pd(x)
#define ADD(a, b) _mm256_add_pd(a, b)
#define SUB(a, b) _mm256_sub_pd(a, b)
#define MUL(a, b) _mm256_mul_pd(a, b)
#else
#define T float
#define V __m256
#define VL 8
#define LD(p) _mm256_loadu_ps(p)
#define ST(p, v) _mm256_storeu_ps(p, v)
#define LDN(p, n) _mm256_maskz_loadu_ps((__mmask8)((1u << (n)) - 1), p)
#define STN(p, v, n) _mm256_mask_storeu_ps(p, (__mmask8)((1u << (n)) - 1), v)
#define SET1(x) _mm256_set1_ps(x)
#define ADD(a, b) _mm256_add_ps(a, b)
#define SUB(a, b) _mm256_sub_ps(a, b)
#define MUL(a, b) _mm256_mul_ps(a, b)
#endif
