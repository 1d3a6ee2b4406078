/* SPDX-License-Identifier: Apache-2.0
 *
 * What the operators around the Fourier transform share: a step that does outer x count transforms of one plan, in
 * parallel, on any float type (float16 and bfloat16 go through float).
 */
#ifndef LN_OPS_FOURIER_H
#define LN_OPS_FOURIER_H

#include "engine/op.h"
#include "kernels/kernels.h"

typedef struct ln_fourier {
    int64_t outer, count;                            /* transforms; strides in elements, a complex number being two */
    int64_t in_outer, in_batch, in_stride, in_total; /* total: elements of the whole tensor */
    int64_t out_outer, out_batch, out_stride, out_total;
    int64_t window;  /* length of the window, 0: none */
    int64_t scratch; /* bytes for a thread */
    double cost;     /* nanoseconds for a transform */
    int32_t n, in_len, out_len, in_real;
    int32_t lanes;    /* transforms that a task takes at once */
    int32_t type;     /* linnet_type of the tensors */
    int32_t power;    /* ln_fft_power; 0: complex results */
    int32_t log;      /* then the natural logarithm */
    float least, add; /* before it: max(x, least) + add */
    uint64_t bands;   /* bytes from the packed memory to ln_fft_bands; 0: none */
} ln_fourier;

/* Sets what a transform of length n along an axis is: numbers of in_dims -> numbers of out_dims, which differ along the
 * axis alone; parts: elements of a number, 1 or 2. f->type is set. */
void ln_fourier_axis(ln_fourier *f, const int64_t *in_dims, const int64_t *out_dims, int32_t rank, int32_t axis,
                     int32_t n, int32_t in_parts, int32_t out_parts);
/* The length of a transform: positive, and not beyond what a plan can do. */
linnet_status ln_fourier_length(ln_ctx *c, int64_t n);
/* f: all but scratch, cost, lanes, bands are set. Packs the plan and asks for scratch. rest, unless NULL, gets
 * `more` bytes behind the plan for the bands (64-byte aligned), and f->bands is set. */
linnet_status ln_fourier_plan(ln_ctx *c, ln_fourier *f, ln_fft_kind kind, bool inverse, double scale, size_t more,
                              void **rest);
/* window may be NULL. */
void ln_fourier_run(const ln_args *a, const ln_fourier *f, void *out, const void *in, const void *window);

/* For steps of more than one plan: the description of a plan; what is set of f once it is made; its run on float32 or
 * float64, with f->scratch bytes for each thread. */
ln_fft_desc ln_fourier_desc(const ln_fourier *f, ln_fft_kind kind, bool inverse, double scale);
void ln_fourier_made(ln_fourier *f, const ln_fft_plan *plan);
void ln_fourier_transform(const ln_args *a, const ln_fourier *f, const ln_fft_plan *plan, void *scratch, void *out,
                          const void *in, const void *window);
bool ln_fourier_half(int32_t type); /* float16 or bfloat16 */
void ln_fourier_widen(float *y, const void *x, int64_t n, int32_t type);
void ln_fourier_narrow(void *y, const float *x, int64_t n, int32_t type);

/* Element i of an output of any number type; a value out of the range of an integer type must not occur. */
void ln_put_number(void *out, int32_t type, int64_t i, double x);

#endif
