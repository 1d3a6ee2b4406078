/* SPDX-License-Identifier: Apache-2.0
 *
 * FusedConv and FusedGemm of com.microsoft (ONNX Runtime, docs/ContribOperators.md): Conv and Gemm with an activation
 * by name, Conv also with a tensor Z that is added before it.
 */
#include <math.h>
#include <string.h>

#include "ops/conv.h"
#include "ops/product.h"

/* The activation of that name with its parameters; those that are absent (count < 2) have the defaults of ai.onnx. */
static linnet_status activation(ln_ctx *c, ln_fused *f, const float *values, int32_t count)
{
    static const struct {
        const char *name;
        ln_act act;
        float lo, hi;
    } known[] = {{"", LN_ACT_NONE, 0, 0},
                 {"Relu", LN_ACT_RELU, 0, 0},
                 {"Tanh", LN_ACT_TANH, 0, 0},
                 {"Sigmoid", LN_ACT_SIGMOID, 0, 0},
                 {"LeakyRelu", LN_ACT_LEAKY, 0.01f, 0},
                 {"Elu", LN_ACT_ELU, 1, 0},
                 {"Clip", LN_ACT_CLIP, -INFINITY, INFINITY},
                 {"HardSigmoid", LN_ACT_HARDSIGMOID, 0.2f, 0.5f},
                 {"HardSwish", LN_ACT_HARDSWISH, 0, 0},
                 {"Softplus", LN_ACT_SOFTPLUS, 0, 0},
                 {"Gelu", LN_ACT_GELU, 0, 0}};
    linnet_string s = ln_attr_string(c, "activation");
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        size_t size = strlen(known[i].name);
        if (size != s.size || (size && memcmp(s.data, known[i].name, size) != 0))
            continue;
        f->act = known[i].act;
        f->lo = count > 0 ? values[0] : known[i].lo;
        f->hi = count > 1 ? values[1] : known[i].hi;
        return LINNET_OK;
    }
    return ln_fail(c, LINNET_ERR_UNSUPPORTED, "the activation '%.*s'", (int)(s.size > 40 ? 40 : s.size), s.data);
}

/* -- FusedConv ---------------------------------------------------------------------------------------------------- */

typedef struct conv_params {
    ln_conv conv;
    float activation_params[4];
    int32_t n_activation_params;
} conv_params;

static linnet_status conv_activation(ln_ctx *c)
{
    conv_params *p = c->params;
    p->conv.fused.residual = ln_in(c, 3) != NULL;
    return activation(c, &p->conv.fused, p->activation_params, p->n_activation_params);
}

static linnet_status conv_infer(ln_ctx *c)
{
    LN_TRY(conv_activation(c));
    return ln_conv_infer(c);
}

static linnet_status conv_plan(ln_ctx *c)
{
    LN_TRY(conv_activation(c));
    return ln_conv_plan(c);
}

static const ln_attr_spec conv_attrs[] = {LN_ATTRS_CONV, LN_ATTR_ANY("activation"),
                                          LN_ATTR_FLOATS(conv_params, activation_params), LN_ATTR_END};

LN_OP(com_microsoft_FusedConv) = {
    .domain = "com.microsoft",
    .type = "FusedConv",
    .since = {1},
    .types = LN_T(LINNET_FLOAT32),
    .in = {2, 4},
    .out = {1, 1},
    .attrs = conv_attrs,
    .params_size = sizeof(conv_params),
    .infer = conv_infer,
    .plan = conv_plan,
};

/* -- FusedGemm ---------------------------------------------------------------------------------------------------- */

typedef struct gemm_params {
    ln_product product;
} gemm_params;

static linnet_status gemm_activation(ln_ctx *c)
{
    gemm_params *p = c->params;
    float values[2] = {ln_attr_float(c, "activation_alpha", 0), ln_attr_float(c, "activation_beta", 0)};
    int32_t count = ln_attr_has(c, "activation_beta") ? 2 : ln_attr_has(c, "activation_alpha") ? 1 : 0;
    return activation(c, &p->product.fused, values, count);
}

static linnet_status gemm_infer(ln_ctx *c)
{
    LN_TRY(gemm_activation(c));
    return ln_gemm_infer(c);
}

static linnet_status gemm_plan(ln_ctx *c)
{
    LN_TRY(gemm_activation(c));
    return ln_gemm_plan(c);
}

static const ln_attr_spec gemm_attrs[] = {LN_ATTRS_GEMM,
                                          LN_ATTR_ANY("activation"),
                                          LN_ATTR_ANY("activation_alpha"),
                                          LN_ATTR_ANY("activation_beta"),
                                          LN_ATTR_ANY("activation_gamma"),
                                          LN_ATTR_END};

LN_OP(com_microsoft_FusedGemm) = {
    .domain = "com.microsoft",
    .type = "FusedGemm",
    .since = {1},
    .types = LN_T(LINNET_FLOAT32),
    .in = {2, 3},
    .out = {1, 1},
    .attrs = gemm_attrs,
    .params_size = sizeof(gemm_params),
    .infer = gemm_infer,
    .plan = gemm_plan,
};
