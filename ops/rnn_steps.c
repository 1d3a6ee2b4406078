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

#define REAL float
#define EXP expf
#define EXPM1 expm1f
#define LOG1P log1pf
#define direction_f32 ln_rnn_direction_f32
#define NAME(x) x##_f32
#include "ops/rnn_steps.inc"
#undef REAL
#undef EXP
#undef EXPM1
#undef LOG1P
#undef NAME

#define REAL double
#define EXP exp
#define EXPM1 expm1
#define LOG1P log1p
#define direction_f64 ln_rnn_direction_f64
#define NAME(x) x##_f64
#include "ops/rnn_steps.inc"
