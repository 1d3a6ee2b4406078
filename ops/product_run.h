/* SPDX-License-Identifier: Apache-2.0
 *
 * What plan and run of a batch of matrix products share (float32, float16, bfloat16): the ways of a run, how B is
 * described to the packed product, and the run functions.
 */
#ifndef LN_OPS_PRODUCT_RUN_H
#define LN_OPS_PRODUCT_RUN_H

#include "kernels/gemm.h"
#include "ops/product.h"

/* ln_product.mode. B: packed at plan time; in scratch by all threads; by each thread for its own products; not at all.
 */
enum { LN_PRODUCT_PACKED, LN_PRODUCT_SHARED, LN_PRODUCT_OWN, LN_PRODUCT_DIRECT };
/* ln_product.c_mode. C: in the heads of the panels; as a residual; written into Y first. */
enum { LN_PRODUCT_C_NONE, LN_PRODUCT_C_HEAD, LN_PRODUCT_C_ROWS, LN_PRODUCT_C_FILL };

size_t ln_product_panels(const ln_product *p, const ln_gemm_f32_desc *d);
ln_gemm_f32_b ln_product_b(const ln_product *p, const float *b, const float *bias);

linnet_status ln_product_f32(const ln_args *a);
linnet_status ln_product_half(const ln_args *a); /* float16 and bfloat16 */

#endif
