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

/* The length of a transform: positive, and not beyond what a plan can do. */
linnet_status ln_fourier_length(ln_ctx *c, int64_t n);
/* f: all but scratch, cost, lanes, bands are set. Packs the plan and asks for scratch. rest, unless NULL, gets
 * `more` bytes behind the plan for the bands (64-byte aligned), and f->bands is set. */
linnet_status ln_fourier_plan(ln_ctx *c, ln_fourier *f, ln_fft_kind kind, bool inverse, double scale, size_t more,
                              void **rest);
/* window may be NULL. */
void ln_fourier_run(const ln_args *a, const ln_fourier *f, void *out, const void *in, const void *window);

/* Element i of an output of any number type; a value out of the range of an integer type must not occur. */
void ln_put_number(void *out, int32_t type, int64_t i, double x);

#endif
