/* SPDX-License-Identifier: Apache-2.0
 *
 * Element-wise operators of one input for the integer types: map_int.inc for each.
 */
#include <math.h>

#include "ops/map.h"

#define T int8_t
#define U uint8_t
#define SUFFIX i8
#include "ops/map_int.inc"
#define T int16_t
#define U uint16_t
#define SUFFIX i16
#include "ops/map_int.inc"
#define T int32_t
#define U uint32_t
#define SUFFIX i32
#include "ops/map_int.inc"
#define T int64_t
#define U uint64_t
#define SUFFIX i64
#include "ops/map_int.inc"
#define T uint8_t
#define U uint8_t
#define SUFFIX u8
#include "ops/map_int.inc"
#define T uint16_t
#define U uint16_t
#define SUFFIX u16
#include "ops/map_int.inc"
#define T uint32_t
#define U uint32_t
#define SUFFIX u32
#include "ops/map_int.inc"
#define T uint64_t
#define U uint64_t
#define SUFFIX u64
#include "ops/map_int.inc"

linnet_status ln_map_int_plan(ln_ctx *c, int32_t op)
{
    static const ln_map_run runs[] = {LN_MAP_RUN(LN_T(LINNET_INT8), ln_map_int_i8),
                                      LN_MAP_RUN(LN_T(LINNET_INT16), ln_map_int_i16),
                                      LN_MAP_RUN(LN_T(LINNET_INT32), ln_map_int_i32),
                                      LN_MAP_RUN(LN_T(LINNET_INT64), ln_map_int_i64),
                                      LN_MAP_RUN(LN_T(LINNET_UINT8), ln_map_int_u8),
                                      LN_MAP_RUN(LN_T(LINNET_UINT16), ln_map_int_u16),
                                      LN_MAP_RUN(LN_T(LINNET_UINT32), ln_map_int_u32),
                                      LN_MAP_RUN(LN_T(LINNET_UINT64), ln_map_int_u64),
                                      {0}};
    ((ln_map_params *)c->params)->op = op;
    return ln_map_plan(c, runs);
}
