/* SPDX-License-Identifier: Apache-2.0
 *
 * Parameters of a layer normalisation, which its operator files share: layernorm.c infers and plans the forms of
 * ai.onnx, skiplayernorm.c those of com.microsoft that add a tensor first, layernorm_run.c runs all.
 */
#ifndef LN_OPS_LAYERNORM_H
#define LN_OPS_LAYERNORM_H

#include "ops/binary.h"

typedef struct ln_layernorm_params {
    int64_t axis, stash_type; /* attributes */
    float epsilon;
    int32_t type, stat_type, out_type; /* out_type: of the scale and the result, RMSNormalization's alone may differ */
    int64_t rows, n;
    int32_t rms;                            /* mean is 0 */
    int32_t scale, bias;                    /* 1: a row, 2: walked; 0: none */
    int32_t skip, add;                      /* inputs to add to x first, a tensor and a row; -1: none */
    int32_t bias_in;                        /* input that is the bias */
    int32_t mean_out, inverse_out, sum_out; /* outputs; -1: none */
} ln_layernorm_params;

/* The rows of input 0, everything from axis on; nothing added, no outputs but the first. */
linnet_status ln_layernorm_rows(ln_ctx *c, ln_layernorm_params *p, int32_t axis);
/* What all but plain float32 and float64 need. */
linnet_status ln_layernorm_scratch(ln_ctx *c, const ln_layernorm_params *p);

#endif
