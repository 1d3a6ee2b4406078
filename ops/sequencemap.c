/* SPDX-License-Identifier: Apache-2.0
 *
 * SequenceMap: a body over the items of sequences that run in step; tensors among the inputs go in whole each time.
 * ai.onnx SequenceMap-17.
 */
#include "ops/late.h"

static linnet_status check(ln_ctx *c, int32_t *body)
{
    *body = ln_body_find(c, "body");
    if (*body < 0)
        return ln_fail(c, LINNET_ERR_MODEL, "attribute body is missing");
    if (ln_body_inputs(c, *body) != c->n_in)
        return ln_fail(c, LINNET_ERR_MODEL, "the body has %d inputs, the node %d", ln_body_inputs(c, *body), c->n_in);
    if (ln_body_outputs(c, *body) < c->n_out)
        return ln_fail(c, LINNET_ERR_MODEL, "the body has %d outputs, the node %d", ln_body_outputs(c, *body),
                       c->n_out);
    for (int32_t i = 1; i < c->n_in; i++)
        if (!c->in[i])
            return ln_fail(c, LINNET_ERR_MODEL, "input %d is missing", i);
    return LINNET_OK;
}

static linnet_status sequencemap_infer(ln_ctx *c)
{
    int32_t body;
    LN_TRY(check(c, &body));
    ln_info *formal = ln_temporary(c, (size_t)c->n_in * sizeof *formal);
    if (!formal)
        return ln_no_memory(c);
    for (int32_t i = 0; i < c->n_in; i++) {
        formal[i] = *c->in[i];
        formal[i].data = NULL;
        if (formal[i].kind == LINNET_SEQUENCE)
            formal[i] = (ln_info){.kind = LINNET_TENSOR, .type = c->in[i]->type, .rank = -1};
    }
    LN_TRY(ln_body_infer(c, body, formal));
    for (int32_t i = 0; i < c->n_out; i++)
        if (c->out[i])
            *c->out[i] = (ln_info){.kind = LINNET_SEQUENCE,
                                   .item = LINNET_TENSOR,
                                   .type = ln_body_output_info(c, body, i)->type,
                                   .rank = -1};
    return LINNET_OK;
}

static linnet_status sequencemap_late(ln_ctx *c)
{
    int32_t body;
    LN_TRY(check(c, &body));
    int32_t n_out = ln_body_outputs(c, body);
    linnet_value *in = ln_temporary(c, (size_t)c->n_in * sizeof *in);
    linnet_value *out = ln_temporary(c, (size_t)n_out * sizeof *out);
    if (!in || !out)
        return ln_no_memory(c);
    if (ln_late_in(c, 0)->kind != LINNET_SEQUENCE)
        return ln_fail(c, LINNET_ERR_DATA, "input 0 is not a sequence");
    int64_t n = ln_late_in(c, 0)->n_items;
    for (int32_t i = 1; i < c->n_in; i++)
        if (ln_late_in(c, i)->kind == LINNET_SEQUENCE && ln_late_in(c, i)->n_items != n)
            return ln_fail(c, LINNET_ERR_DATA, "input %d has %lld items, input 0 has %lld", i,
                           (long long)ln_late_in(c, i)->n_items, (long long)n);
    for (int32_t i = 0; i < c->n_out; i++) {
        linnet_value *v = ln_late_out(c, i);
        if (!v)
            continue;
        *v = (linnet_value){.kind = LINNET_SEQUENCE,
                            .type = (linnet_type)ln_body_output_info(c, body, i)->type,
                            .n_items = n,
                            .items = ln_late_alloc(c, (size_t)n * sizeof *v->items)};
        if (!v->items)
            return ln_no_memory(c);
    }
    for (int64_t t = 0; t < n; t++) {
        for (int32_t i = 0; i < c->n_in; i++)
            in[i] = ln_late_in(c, i)->kind == LINNET_SEQUENCE ? ln_late_in(c, i)->items[t] : *ln_late_in(c, i);
        LN_TRY(ln_body_run(c, body, in, out, true));
        for (int32_t i = 0; i < c->n_out; i++)
            if (ln_late_out(c, i)) {
                ln_late_out(c, i)->items[t] = out[i];
                ln_late_out(c, i)->type = out[i].type;
            }
    }
    return LINNET_OK;
}

static const ln_attr_spec attrs[] = {LN_ATTR_ANY("body"), LN_ATTR_END};

LN_OP(SequenceMap) = {
    .domain = "",
    .type = "SequenceMap",
    .since = {17},
    .types = 0,
    .in = {1, LN_VARIADIC},
    .out = {1, LN_VARIADIC},
    .attrs = attrs,
    .infer = sequencemap_infer,
    .late = sequencemap_late,
};
