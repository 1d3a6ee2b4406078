/* SPDX-License-Identifier: Apache-2.0
 *
 * Parameters of a transposed convolution, which its operator files share: convtranspose.c infers and plans,
 * convtranspose_f32.c runs float32 by products, convtranspose_any.c every type by plain loops.
 */
#ifndef LN_OPS_CONVTRANSPOSE_H
#define LN_OPS_CONVTRANSPOSE_H

#include "ops/fused.h"
#include "ops/spatial.h"

typedef struct ln_deconv {
    ln_fused fused;
    int64_t channels_last, group;
    ln_window window;
    int64_t output_padding[LN_WINDOW_MAX], output_shape[LN_MAX_RANK];
    int32_t n_output_padding, n_output_shape;
    /* By plan. Spatial sizes are three, with leading ones. */
    int64_t batch, in_channels, out_channels;
    int64_t in[3], out[3], kernel[3], stride[3], dilation[3], pad[3];
    int64_t in_pixels, out_pixels, taps;
    int32_t type, threads, bias, packed, copy_in, copy_out; /* bias: the input, 0: none */
    /* Bytes in scratch. */
    int64_t at_in, at_out, at_zero, at_packed, at_workers, worker;
} ln_deconv;

linnet_status ln_deconv_plan_f32(ln_ctx *c, ln_deconv *p);
linnet_status ln_deconv_plan_any(ln_ctx *c, const ln_deconv *p);

#endif
