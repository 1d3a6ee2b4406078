/* SPDX-License-Identifier: Apache-2.0
 *
 * Identity: y = x, for tensors, sequences and optionals. ai.onnx Identity-1 to -25.
 */
#include "ops/moving.h"

static linnet_status identity_late(ln_ctx *c)
{
    return ln_late_pass(c, 0, ln_late_in(c, 0));
}

LN_OP(Identity) = {
    .domain = "",
    .type = "Identity",
    .since = {1, 13, 14, 16, 19, 21, 23, 24, 25},
    .types = LN_T_ALL,
    .in = {1, 1},
    .out = {1, 1},
    .params_size = sizeof(ln_move),
    .flags = LN_OP_LATE_OK,
    .infer = ln_infer_same,
    .plan = ln_plan_reshaped,
    LN_RUN_NAME(ln_moving),
    .late = identity_late,
};
