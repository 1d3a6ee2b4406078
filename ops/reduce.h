/* SPDX-License-Identifier: Apache-2.0
 *
 * The parameters of the Reduce operators, shared by reduce.c (descriptors, shapes, float32) and reduce_any.c (the other
 * element types).
 */
#ifndef LN_OPS_REDUCE_H
#define LN_OPS_REDUCE_H

#include "ops/axes.h"

enum {
    LN_RED_SUM,
    LN_RED_MEAN,
    LN_RED_MAX,
    LN_RED_MIN,
    LN_RED_PROD,
    LN_RED_L1,
    LN_RED_L2,
    LN_RED_LOG_SUM,
    LN_RED_LOG_SUM_EXP,
    LN_RED_SUM_SQUARE
};

typedef struct ln_reduce_params {
    int64_t keepdims, noop_with_empty_axes; /* attributes */
    int64_t axes[LN_MAX_RANK];
    int32_t n_axes;
    int32_t kind, type;
    ln_axes a;
} ln_reduce_params;

linnet_status ln_reduce_log_f64(const ln_args *a);
linnet_status ln_reduce_log_i8(const ln_args *a);
linnet_status ln_reduce_log_u8(const ln_args *a);
linnet_status ln_reduce_log_i32(const ln_args *a);
linnet_status ln_reduce_log_i64(const ln_args *a);
linnet_status ln_reduce_log_u32(const ln_args *a);
linnet_status ln_reduce_log_u64(const ln_args *a);
linnet_status ln_reduce_f64(const ln_args *a);
linnet_status ln_reduce_i8(const ln_args *a);
linnet_status ln_reduce_u8(const ln_args *a);
linnet_status ln_reduce_i32(const ln_args *a);
linnet_status ln_reduce_i64(const ln_args *a);
linnet_status ln_reduce_u32(const ln_args *a);
linnet_status ln_reduce_u64(const ln_args *a);

#endif
