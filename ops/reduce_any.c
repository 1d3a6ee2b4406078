/* SPDX-License-Identifier: Apache-2.0
 *
 * Reductions of float64 and the integer types (bool as uint8): reduce.inc for each.
 */
#include <math.h>

#include "kernels/kernels.h"
#include "ops/reduce.h"

static int64_t whole(double v)
{
    return v >= -0x1p63 && v < 0x1p63 ? (int64_t)v : INT64_MIN;
}

#define T double
#define ACC double
#define LOWEST (-INFINITY)
#define HIGHEST INFINITY
#define FROM_DOUBLE(v) (v)
#define IS_NAN(v) ((v) != (v))
#define SUFFIX f64
#include "ops/reduce.inc"
#define T int8_t
#define ACC uint32_t
#define LOWEST INT8_MIN
#define HIGHEST INT8_MAX
#define FROM_DOUBLE(v) ((int8_t)whole(v))
#define IS_NAN(v) false
#define SUFFIX i8
#include "ops/reduce.inc"
#define T uint8_t
#define ACC uint32_t
#define LOWEST 0
#define HIGHEST (p->type == LINNET_BOOL ? 1 : UINT8_MAX)
#define FROM_DOUBLE(v) ((uint8_t)whole(v))
#define IS_NAN(v) false
#define SUFFIX u8
#include "ops/reduce.inc"
#define T int32_t
#define ACC uint32_t
#define LOWEST INT32_MIN
#define HIGHEST INT32_MAX
#define FROM_DOUBLE(v) ((int32_t)whole(v))
#define IS_NAN(v) false
#define SUFFIX i32
#include "ops/reduce.inc"
#define T int64_t
#define ACC uint64_t
#define LOWEST INT64_MIN
#define HIGHEST INT64_MAX
#define FROM_DOUBLE(v) (whole(v))
#define IS_NAN(v) false
#define SUFFIX i64
#include "ops/reduce.inc"
#define T uint32_t
#define ACC uint32_t
#define LOWEST 0
#define HIGHEST UINT32_MAX
#define FROM_DOUBLE(v) ((uint32_t)whole(v))
#define IS_NAN(v) false
#define SUFFIX u32
#include "ops/reduce.inc"
#define T uint64_t
#define ACC uint64_t
#define LOWEST 0
#define HIGHEST UINT64_MAX
#define FROM_DOUBLE(v) ((uint64_t)whole(v))
#define IS_NAN(v) false
#define SUFFIX u64
#include "ops/reduce.inc"
