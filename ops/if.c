/* SPDX-License-Identifier: Apache-2.0
 *
 * If: runs one of two bodies. The outputs are known as far as both branches agree. ai.onnx If-1, -11, -13, -16, -19,
 * -21, -23, -24, -25 (they differ in the types alone).
 */
#include "ops/late.h"

static linnet_status find_branches(ln_ctx *c, int32_t branches[2])
{
    static const char *const names[] = {"else_branch", "then_branch"};
    for (int32_t i = 0; i < 2; i++) {
        branches[i] = ln_body_find(c, names[i]);
        if (branches[i] < 0)
            return ln_fail(c, LINNET_ERR_MODEL, "attribute %s is missing", names[i]);
        if (ln_body_inputs(c, branches[i]) != 0)
            return ln_fail(c, LINNET_ERR_MODEL, "%s has %d inputs, expected none", names[i],
                           ln_body_inputs(c, branches[i]));
        if (ln_body_outputs(c, branches[i]) < c->n_out)
            return ln_fail(c, LINNET_ERR_MODEL, "%s has %d outputs, the node %d", names[i],
                           ln_body_outputs(c, branches[i]), c->n_out);
    }
    return LINNET_OK;
}

static linnet_status if_infer(ln_ctx *c)
{
    int32_t branches[2];
    LN_TRY(find_branches(c, branches));
    LN_TRY(ln_check_type(c, 0, LN_T(LINNET_BOOL), "cond"));
    int64_t n = ln_info_count(c->in[0]);
    if (c->in[0]->rank >= 0 && n >= 0 && n != 1)
        return ln_fail(c, LINNET_ERR_MODEL, "cond has %lld elements, expected 1", (long long)n);
    for (int32_t i = 0; i < c->n_out; i++) {
        if (!c->out[i])
            continue;
        ln_info info = *ln_body_output_info(c, branches[0], i);
        LN_TRY(ln_info_merge(c, &info, ln_body_output_info(c, branches[1], i), "an output"));
        *c->out[i] = info;
    }
    return LINNET_OK;
}

static linnet_status if_late(ln_ctx *c)
{
    int32_t branches[2];
    LN_TRY(find_branches(c, branches));
    const linnet_value *cond = ln_late_in(c, 0);
    if (cond->kind != LINNET_TENSOR || linnet_value_count(cond) != 1)
        return ln_fail(c, LINNET_ERR_DATA, "cond must have one element");
    int32_t taken = branches[*(const uint8_t *)cond->data != 0];
    linnet_value *out = ln_late_alloc(c, (size_t)ln_body_outputs(c, taken) * sizeof *out);
    if (!out)
        return ln_no_memory(c);
    LN_TRY(ln_body_run(c, taken, NULL, out, true));
    for (int32_t i = 0; i < c->n_out; i++)
        LN_TRY(ln_late_give(c, i, &out[i]));
    return LINNET_OK;
}

static const ln_attr_spec attrs[] = {LN_ATTR_ANY("then_branch"), LN_ATTR_ANY("else_branch"), LN_ATTR_END};

LN_OP(If) = {
    .domain = "",
    .type = "If",
    .since = {1, 11, 13, 16, 19, 21, 23, 24, 25},
    .types = LN_T(LINNET_BOOL),
    .in = {1, 1},
    .out = {0, LN_VARIADIC},
    .attrs = attrs,
    .infer = if_infer,
    .late = if_late,
};
