/* SPDX-License-Identifier: Apache-2.0
 *
 * Matrix products of float64 and the integers of 32 and 64 bits. A task is a row of Y; columns go in chunks whose sums
 * stay in registers or the first cache. Integers wrap.
 */
#include "ops/product_any.h"

#include <math.h>

#define CHUNK 64 /* columns summed at once */

#define NAME f64
#define TYPE double
#include "ops/product_any.inc"

/* The low bits of sums and products are the same for signed and unsigned integers. */
#define NAME i32
#define TYPE uint32_t
#define INTEGER
#include "ops/product_any.inc"

#define NAME i64
#define TYPE uint64_t
#define INTEGER
#include "ops/product_any.inc"

static bool integer(float x)
{
    return x == truncf(x) && fabsf(x) < 0x1p31f;
}

linnet_status ln_product_plan_any(ln_ctx *c, const ln_product *p)
{
    switch (p->type) {
    case LINNET_FLOAT64:
        LN_SET_RUN(c, ln_product_f64);
        return LINNET_OK;
    case LINNET_INT32:
    case LINNET_UINT32:
        LN_SET_RUN(c, ln_product_i32);
        break;
    case LINNET_INT64:
    case LINNET_UINT64:
        LN_SET_RUN(c, ln_product_i64);
        break;
    default:
        return ln_fail(c, LINNET_ERR_UNSUPPORTED, "element type %s", linnet_type_name((linnet_type)p->type));
    }
    if (!integer(p->alpha) || !integer(p->beta))
        return ln_fail(c, LINNET_ERR_UNSUPPORTED, "alpha %g and beta %g with %s", (double)p->alpha, (double)p->beta,
                       linnet_type_name((linnet_type)p->type));
    return LINNET_OK;
}
