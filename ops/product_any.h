/* SPDX-License-Identifier: Apache-2.0
 *
 * Matrix products of element types other than float32, by plain loops.
 */
#ifndef LN_OPS_PRODUCT_ANY_H
#define LN_OPS_PRODUCT_ANY_H

#include "ops/product.h"

/* Sets the run function for p->type. */
linnet_status ln_product_plan_any(ln_ctx *c, const ln_product *p);

#endif
