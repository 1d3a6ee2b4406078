/* SPDX-License-Identifier: Apache-2.0
 *
 * Elements of any numeric type as float32 and back, a run of them at a time: for operators that compute in float32
 * whatever the type of their tensors.
 */
#ifndef LN_OPS_CONVERT_H
#define LN_OPS_CONVERT_H

#include "engine/op.h"

/* A block of elements on the stack of a host: no vector of it crosses a line of the cache, which takes twice as long.
 */
#ifdef LN_FIRMWARE
#define LN_BLOCK
#else
#define LN_BLOCK _Alignas(64)
#endif

/* y[i] = (float)x[offset + i], i < n, exact but for int32, int64, uint32, uint64 and float64, which round. */
void ln_to_f32(float *y, const void *x, int type, int64_t offset, int64_t n);

/* y[offset + i] = x[i] for the float types (saturate: of float8, see kernels/float8.h). Integer types: rounded half to
 * even, saturated, NaN is the lowest. */
void ln_from_f32(void *y, int type, int64_t offset, const float *x, int64_t n, int saturate);

/* Element i of any of these types as a double, and a double as one; only float64 keeps more than a float32. */
double ln_get_f64(const void *x, int type, int64_t i);
void ln_put_f64(void *y, int type, int64_t i, double v);

/* Runs of elements as doubles, integers of 32 and 64 bits from themselves (those beyond 2^53 round), and back: integers
 * rounded half to even, saturated, NaN is 0; bool: more than a half. */
void ln_to_f64(double *y, const void *x, int type, int64_t offset, int64_t n);
void ln_from_f64(void *y, int type, int64_t offset, const double *x, int64_t n);

/* x rounded to float16 or bfloat16 and back; other types: x. */
float ln_round_to(float x, int type);
void ln_round_run(float *x, int64_t n, int type); /* each of n elements */

/* The range of an integer type of at most 32 bits; false for other types. */
bool ln_int_range(int type, int32_t *low, int32_t *high);

/* Input i, or NULL where the node has none. */
static inline const ln_info *ln_in(const ln_ctx *c, int32_t i)
{
    return i < c->n_in ? c->in[i] : NULL;
}

static inline bool ln_has_out(const ln_ctx *c, int32_t i)
{
    return i < c->n_out && c->out[i];
}

/* A scalar, or a tensor of one element, as far as is known. */
bool ln_maybe_scalar(const ln_info *info);

/* Fails unless input i is absent, of unknown type, or of one of the types. */
linnet_status ln_check_type(ln_ctx *c, int32_t i, uint32_t types, const char *name);
/* Fails unless input i is absent, or its rank is unknown or in [low, high]. */
linnet_status ln_check_rank(ln_ctx *c, int32_t i, int32_t low, int32_t high, const char *name);
/* Fails unless both are known to be the same where both are known. */
linnet_status ln_check_dim(ln_ctx *c, int64_t got, int64_t want, const char *what);

#define LN_TRY(call)                                                                                                   \
    do {                                                                                                               \
        linnet_status try_status_ = (call);                                                                            \
        if (try_status_ != LINNET_OK)                                                                                  \
            return try_status_;                                                                                        \
    } while (0)

#endif
