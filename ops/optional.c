/* SPDX-License-Identifier: Apache-2.0
 *
 * Optional, OptionalHasElement, OptionalGetElement. At run time an optional is LINNET_NONE or the value itself, so that
 * the first and the last only give their input on; for a tensor of known shape they are a view.
 * ai.onnx Optional-15, -28; OptionalHasElement, OptionalGetElement-15, -18, -28.
 */
#include "ops/late.h"

#include <string.h>

typedef struct pass_params {
    int64_t bytes;
} pass_params;

LN_RUN(ln_pass_bytes)
{
    const pass_params *p = a->params;
    if (p->bytes && a->out[0] != a->in[0])
        memcpy(a->out[0], a->in[0], (size_t)p->bytes);
    return LINNET_OK;
}

static linnet_status pass_plan(ln_ctx *c)
{
    pass_params *p = c->params;
    if (!ln_in(c, 0))
        return LN_NEED_DATA;
    p->bytes = (int64_t)ln_info_bytes(c->in[0]);
    if (ln_view(c, 0, 0, 0))
        c->run = NULL;
    else
        ln_in_place(c, 0, 0);
    return LINNET_OK;
}

static linnet_status optional_infer(ln_ctx *c)
{
    if (ln_in(c, 0))
        return ln_infer_same(c);
    if (!ln_attr_has(c, "type"))
        return ln_fail(c, LINNET_ERR_MODEL, "neither an input nor attribute type");
    *c->out[0] = (ln_info){.kind = LINNET_OPTIONAL, .item = LINNET_TENSOR, .rank = -1};
    return LINNET_OK;
}

static linnet_status optional_late(ln_ctx *c)
{
    static const linnet_value none = {.kind = LINNET_NONE};
    return ln_late_give(c, 0, ln_late_in(c, 0) ? ln_late_in(c, 0) : &none);
}

static const ln_attr_spec optional_attrs[] = {LN_ATTR_ANY("type"), LN_ATTR_END};

LN_OP(Optional) = {
    .domain = "",
    .type = "Optional",
    .since = {15, 28},
    .types = LN_T_ALL,
    .in = {0, 1},
    .out = {1, 1},
    .attrs = optional_attrs,
    .params_size = sizeof(pass_params),
    .infer = optional_infer,
    .plan = pass_plan,
    LN_RUN_NAME(ln_pass_bytes),
    .late = optional_late,
};

static bool is_optional(const ln_info *info)
{
    return info->kind == LINNET_OPTIONAL || info->kind == LINNET_NONE ||
           (info->kind == LINNET_TENSOR && info->type == LINNET_UNDEFINED);
}

static linnet_status has_infer(ln_ctx *c)
{
    LN_TRY(ln_set_shape(c, 0, LINNET_BOOL, 0, NULL));
    const ln_info *x = ln_in(c, 0);
    if (c->version < 18 && !x)
        return ln_fail(c, LINNET_ERR_MODEL, "input 0 is missing");
    if (x && is_optional(x))
        return LINNET_OK;
    uint8_t has = x != NULL;
    return ln_set_data(c, 0, &has);
}

static linnet_status has_late(ln_ctx *c)
{
    uint8_t *y = ln_late_tensor(c, 0, LINNET_BOOL, 0, NULL);
    if (!y)
        return ln_no_memory(c);
    *y = ln_late_in(c, 0) && ln_late_in(c, 0)->kind != LINNET_NONE;
    return LINNET_OK;
}

LN_OP(OptionalHasElement) = {
    .domain = "",
    .type = "OptionalHasElement",
    .since = {15, 18, 28},
    .types = 0,
    .in = {0, 1},
    .out = {1, 1},
    .infer = has_infer,
    .late = has_late,
};

static linnet_status get_infer(ln_ctx *c)
{
    const ln_info *x = c->in[0];
    if (x->kind != LINNET_OPTIONAL && x->kind != LINNET_NONE)
        return ln_infer_same(c);
    *c->out[0] = (ln_info){.kind = x->item == LINNET_NONE ? LINNET_TENSOR : x->item, .type = x->type, .rank = -1};
    if (x->item == LINNET_SEQUENCE)
        c->out[0]->item = LINNET_TENSOR;
    return LINNET_OK;
}

static linnet_status get_late(ln_ctx *c)
{
    if (ln_late_in(c, 0)->kind == LINNET_NONE)
        return ln_fail(c, LINNET_ERR_DATA, "the optional is empty");
    return ln_late_give(c, 0, ln_late_in(c, 0));
}

LN_OP(OptionalGetElement) = {
    .domain = "",
    .type = "OptionalGetElement",
    .since = {15, 18, 28},
    .types = LN_T_ALL,
    .in = {1, 1},
    .out = {1, 1},
    .params_size = sizeof(pass_params),
    .infer = get_infer,
    .plan = pass_plan,
    LN_RUN_NAME(ln_pass_bytes),
    .late = get_late,
};
