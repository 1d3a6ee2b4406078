/* SPDX-License-Identifier: Apache-2.0
 *
 * ai.onnx.preview.training Gradient: only its types; the pass `gradient` puts the nodes that compute it in its place.
 */
#include "engine/op.h"

static linnet_status infer(ln_ctx *c)
{
    for (int32_t i = 0; i < c->n_out && i < c->n_in; i++)
        if (c->in[i] && c->out[i]) {
            *c->out[i] = *c->in[i];
            c->out[i]->data = NULL;
        }
    return LINNET_OK;
}

static const ln_attr_spec attrs[] = {LN_ATTR_ANY("xs"), LN_ATTR_ANY("zs"), LN_ATTR_ANY("y"), LN_ATTR_END};

LN_OP(Gradient) = {
    .domain = "ai.onnx.preview.training", .type = "Gradient", .since = {1}, .types = LN_T(LINNET_FLOAT32),
    .in = {1, LN_VARIADIC}, .out = {1, LN_VARIADIC}, .attrs = attrs, .infer = infer,
};
