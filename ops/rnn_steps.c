/* SPDX-License-Identifier: Apache-2.0
 *
 * The recurrences in float32 and float64: see rnn_steps.inc.
 */
#include <math.h>
#include <string.h>

#include "kernels/kernels.h"
#include "ops/rnn.h"

static void sigmoid_f32(float *x, int64_t n)
{
    LN_K(sigmoid_f32)(x, x, (size_t)n);
}

static void tanhs_f32(float *x, int64_t n)
{
    LN_K(tanh_f32)(x, x, (size_t)n);
}

static void elus_f32(float *x, float alpha, int64_t n)
{
    LN_K(elu_f32)(x, x, (size_t)n, &alpha);
}

static void softplus_f32(float *x, int64_t n)
{
    LN_K(softplus_f32)(x, x, (size_t)n);
}

static void sigmoid_f64(double *x, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        x[i] = 1 / (1 + exp(-x[i]));
}

static void tanhs_f64(double *x, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        x[i] = tanh(x[i]);
}

static void elus_f64(double *x, double alpha, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        x[i] = x[i] >= 0 ? x[i] : alpha * expm1(x[i]);
}

static void softplus_f64(double *x, int64_t n) /* without overflow */
{
    for (int64_t i = 0; i < n; i++)
        x[i] = x[i] > 0 ? x[i] + log1p(exp(-x[i])) : log1p(exp(x[i]));
}

#define REAL float
#define direction_f32 ln_rnn_direction_f32
#define NAME(x) x##_f32
#include "ops/rnn_steps.inc"
#undef REAL
#undef NAME

#define REAL double
#define direction_f64 ln_rnn_direction_f64
#define NAME(x) x##_f64
#include "ops/rnn_steps.inc"
