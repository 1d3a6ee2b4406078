/* SPDX-License-Identifier: Apache-2.0
 *
 * Discrete Fourier transforms of any length, float and double.
 *
 * A plan lies in memory of the caller's: ask ln_fft_bytes, make it there with ln_fft_make. It is one block without
 * pointers, the same bytes for every tier, so it can be packed as constant data and printed. Running it (kernels
 * fft_f32, fft_f64) needs scratch of ln_fft_scratch bytes and changes nothing in the plan.
 *
 * A plan does either one transform at a time or `lanes` transforms side by side, whichever the description makes
 * faster; each result is the same, bit for bit, however many transforms a call is given.
 */
#ifndef LN_KERNELS_FFT_H
#define LN_KERNELS_FFT_H

#include <stddef.h>
#include <stdint.h>

typedef enum ln_fft_kind {
    LN_FFT_COMPLEX, /* n complex -> n complex */
    LN_FFT_REAL,    /* forward: n real -> n/2+1 complex, or all n (the upper half mirrored, conjugate) */
    LN_FFT_HERMITE  /* n/2+1 complex -> n real; the imaginary parts at DC and (n even) at n/2 are not read */
} ln_fft_kind;

/* What is wanted. */
typedef struct ln_fft_desc {
    int32_t n;       /* length, 1 .. LN_FFT_MAX */
    uint8_t kind;    /* ln_fft_kind */
    uint8_t inverse; /* exponent +2 pi i jk/n; LN_FFT_HERMITE: always so */
    uint8_t f64;     /* double; else float */
    uint8_t width;   /* lanes of a vector of the tier that it will run on: 1, 4, 8, 16; a hint */
    int64_t count;   /* how many transforms a call will do; a hint */
    int64_t stride;  /* elements between their inputs; 0: n; a hint */
    double scale;    /* every output is multiplied by it, once, in the type of the data */
} ln_fft_desc;

#define LN_FFT_MAX (1 << 24)
#define LN_FFT_STAGES 26

/* Stages of a complex transform over rows: radices in order, tables one after another. */
typedef struct ln_fft_stages {
    int32_t n; /* product of the radices */
    int32_t count;
    uint32_t table; /* bytes from the start of the plan */
    uint8_t radix[LN_FFT_STAGES];
} ln_fft_stages;

typedef struct ln_fft_plan {
    uint64_t bytes;
    double scale;
    int32_t n;                          /* of the description */
    int32_t nc;                         /* length of the complex transform behind it */
    int32_t m;                          /* length of the convolution (Bluestein), or nc */
    int32_t lanes;                      /* transforms side by side; 1: one at a time */
    uint8_t kind, inverse, f64, packed; /* packed: pairs of reals are the complex numbers (even n) */
    ln_fft_stages a, b;                 /* one at a time: m = a.n * b.n, b.n columns first; side by side: a alone */
    uint32_t cross;                     /* one at a time: twiddles between a and b, a.n rows of b.n */
    uint32_t chirp, filter;             /* Bluestein: nc and m complex numbers, real parts first; else 0 */
    uint32_t tangle;                    /* packed: exp(-2 pi i k/n), k <= n/4, real parts first; else 0 */
    uint32_t registers;                 /* tables of fft_registers_avx512.h; 0: not that */
    uint32_t most_radix;                /* the largest radix without a pass of its own, or 0 */
} ln_fft_plan;

/* Bytes of the plan, 0 for a description out of range. A plan is to be aligned to 64 bytes. */
size_t ln_fft_bytes(const ln_fft_desc *desc);
void ln_fft_make(ln_fft_plan *plan, const ln_fft_desc *desc);
/* What one transform costs, in units of an addition and its share of loads and stores, without moving its numbers in
 * and out; negative for a description out of range. */
double ln_fft_cost(const ln_fft_desc *desc);
/* Bytes of scratch that running needs, for each thread. To be aligned to 64 bytes. */
size_t ln_fft_scratch(const ln_fft_plan *plan);

/* The width to ask for on the running tier. */
uint8_t ln_fft_width(int f64);

/* cos and sin of 2 pi k/n, 0 <= k < n, each to less than an ulp: the angle is reduced in integers. */
void ln_fft_trig(int64_t k, int64_t n, double *c, double *s);

/* Sums of neighbouring bins with weights (a mel filterbank). One block without pointers: band m is the sum of
 * range[3m+1] bins from range[3m] on, times the weights from number range[3m+2] on. */
typedef struct ln_fft_bands {
    int32_t count;
    uint32_t weights; /* bytes from the start, to elements of the type */
    int32_t range[];
} ln_fft_bands;

typedef enum ln_fft_power { LN_FFT_MAGNITUDE = 1, LN_FFT_SQUARE, LN_FFT_REAL_PART } ln_fft_power;

/* Where the data is. All strides are in elements of the type (a complex number is two of them: re, im). */
typedef struct ln_fft_job {
    const void *in;
    void *out;
    const void *window; /* REAL and COMPLEX: input j is multiplied by window[j]; NULL: not */
    int64_t count;
    ptrdiff_t in_batch, in_stride, out_batch, out_stride; /* between transforms, between numbers of one */
    int32_t in_len;            /* numbers of a transform's input that are there; the rest are 0 */
    int32_t in_real;           /* COMPLEX, HERMITE: the input has no imaginary parts */
    int32_t out_len;           /* numbers written: at most n; REAL: n/2+1 or less are one-sided */
    int32_t power;             /* REAL, with scale 1: a real number is written: ln_fft_power; 0: complex ones */
    const ln_fft_bands *bands; /* power: sums over bands in place of bins; or NULL */
} ln_fft_job;

#endif
