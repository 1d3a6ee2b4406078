/* SPDX-License-Identifier: Apache-2.0
 *
 * Loop: runs its body while a condition holds and a trip count lasts; carries values of any kind from one iteration to
 * the next and stacks scan outputs. Without a condition input the body's condition is ignored, as the specification's
 * table says. Shapes: the carried values' infos are widened until the body maps them to themselves.
 * ai.onnx Loop-1, -11, -13, -16, -19, -21, -23, -24, -25 (they differ in the types alone).
 */
#include "ops/late.h"

static linnet_status check_body(ln_ctx *c, int32_t *body)
{
    *body = ln_body_find(c, "body");
    if (*body < 0)
        return ln_fail(c, LINNET_ERR_MODEL, "attribute body is missing");
    int32_t carried = c->n_in > 2 ? c->n_in - 2 : 0;
    if (ln_body_inputs(c, *body) != carried + 2)
        return ln_fail(c, LINNET_ERR_MODEL, "the body has %d inputs, expected 2 + %d", ln_body_inputs(c, *body),
                       carried);
    if (ln_body_outputs(c, *body) < carried + 1)
        return ln_fail(c, LINNET_ERR_MODEL, "the body has %d outputs, expected 1 + %d or more",
                       ln_body_outputs(c, *body), carried);
    if (c->n_out > ln_body_outputs(c, *body) - 1)
        return ln_fail(c, LINNET_ERR_MODEL, "%d outputs, the body gives %d", c->n_out, ln_body_outputs(c, *body) - 1);
    for (int32_t i = 0; i < carried; i++)
        if (!c->in[2 + i])
            return ln_fail(c, LINNET_ERR_MODEL, "input %d is missing", 2 + i);
    LN_TRY(ln_check_type(c, 0, LN_T(LINNET_INT64) | LN_T(LINNET_INT32), "M"));
    LN_TRY(ln_check_type(c, 1, LN_T(LINNET_BOOL), "cond"));
    if (!ln_in(c, 0) && !ln_in(c, 1))
        return ln_fail(c, LINNET_ERR_MODEL, "neither a trip count nor a condition: it would never end");
    return LINNET_OK;
}

/* The counter and the condition are scalars; models that declare [1] get that. */
static ln_info scalar_of(const ln_ctx *c, int32_t body, int32_t in, linnet_type type)
{
    const ln_info *declared = ln_body_input_info(c, body, in);
    return (ln_info){.kind = LINNET_TENSOR, .type = (uint8_t)type, .rank = declared->rank == 1, .dims = {1}};
}

static linnet_status infer_carried(ln_ctx *c, int32_t body, ln_info *formal)
{
    int32_t n = ln_body_inputs(c, body);
    formal[0] = scalar_of(c, body, 0, LINNET_INT64);
    formal[1] = scalar_of(c, body, 1, LINNET_BOOL);
    for (int32_t i = 2; i < n; i++) {
        formal[i] = *c->in[i];
        formal[i].data = NULL;
    }
    return ln_body_settle(c, body, formal, 2, 1, n - 2);
}

/* The number of iterations, if it is sure. */
static int64_t known_trips(const ln_ctx *c, int32_t body)
{
    int64_t trips;
    if (!ln_in(c, 0) || ln_const_ints(c, 0, &trips, 1) != 1)
        return LN_UNKNOWN;
    if (trips <= 0)
        return 0;
    if (!ln_in(c, 1))
        return trips;
    if (!c->in[1]->data || ln_info_count(c->in[1]) != 1)
        return LN_UNKNOWN;
    if (!*(const uint8_t *)c->in[1]->data)
        return 0;
    const ln_info *next = ln_body_output_info(c, body, 0);
    bool always = next->data && ln_info_count(next) == 1 && *(const uint8_t *)next->data;
    return always || ln_body_passes(c, body, 1, 0) ? trips : LN_UNKNOWN;
}

static linnet_status loop_infer(ln_ctx *c)
{
    int32_t body;
    LN_TRY(check_body(c, &body));
    int32_t n = ln_body_inputs(c, body), carried = n - 2;
    ln_info *formal = ln_temporary(c, (size_t)n * sizeof *formal);
    if (!formal)
        return ln_no_memory(c);
    LN_TRY(infer_carried(c, body, formal));
    int64_t trips = known_trips(c, body);
    for (int32_t i = 0; i < c->n_out; i++) {
        if (!c->out[i])
            continue;
        if (i < carried) {
            *c->out[i] = formal[2 + i];
            continue;
        }
        const ln_info *item = ln_body_output_info(c, body, i + 1);
        int64_t dims[LN_MAX_RANK + 1] = {trips};
        if (item->kind != LINNET_TENSOR || item->rank < 0) {
            LN_TRY(ln_set_unknown(c, i, (linnet_type)item->type));
            continue;
        }
        for (int32_t k = 0; k < item->rank; k++)
            dims[k + 1] = item->dims[k] < 0 ? LN_UNKNOWN : item->dims[k];
        if (item->type == LINNET_UNDEFINED || c->late)
            LN_TRY(ln_set_unknown(c, i, (linnet_type)item->type));
        else
            LN_TRY(ln_set_shape(c, i, (linnet_type)item->type, item->rank + 1, dims));
    }
    return LINNET_OK;
}

/* What the iterations work with. */
typedef struct loop_state {
    int32_t body, n, carried, n_scans;
    linnet_value *in, *out;
    ln_stack *scans;
    int64_t counter;
    uint8_t going;
} loop_state;

static linnet_status start(ln_ctx *c, loop_state *l, int64_t trips)
{
    l->n = ln_body_inputs(c, l->body);
    l->carried = l->n - 2;
    int32_t n_out = ln_body_outputs(c, l->body);
    l->n_scans = n_out - 1 - l->carried;
    l->in = ln_temporary(c, (size_t)l->n * sizeof *l->in);
    l->out = ln_temporary(c, (size_t)n_out * sizeof *l->out);
    l->scans = ln_temporary(c, (size_t)l->n_scans * sizeof *l->scans);
    if (!l->in || !l->out || !l->scans)
        return ln_no_memory(c);
    for (int32_t i = 0; i < 2; i++) {
        ln_info info = scalar_of(c, l->body, i, i ? LINNET_BOOL : LINNET_INT64);
        l->in[i] = (linnet_value){.kind = LINNET_TENSOR,
                                  .type = (linnet_type)info.type,
                                  .rank = info.rank,
                                  .dims = {1},
                                  .data = i ? (void *)&l->going : (void *)&l->counter};
    }
    for (int32_t i = 2; i < l->n; i++)
        l->in[i] = *ln_late_in(c, i);
    for (int32_t i = 0; i < l->n_scans; i++)
        ln_stack_init(&l->scans[i], ln_in(c, 1) || trips > INT32_MAX ? 0 : trips);
    return LINNET_OK;
}

static linnet_status finish(ln_ctx *c, loop_state *l)
{
    for (int32_t i = 0; i < l->carried; i++)
        LN_TRY(ln_late_give(c, i, &l->in[2 + i]));
    for (int32_t i = 0; i < l->n_scans && l->carried + i < c->n_out; i++) {
        ln_stack *s = &l->scans[i];
        if (s->rank < 0) { /* no iteration: what is known of the body's output */
            const ln_info *item = ln_body_output_info(c, l->body, 1 + l->carried + i);
            s->type = item->type == LINNET_UNDEFINED ? LINNET_FLOAT32 : (linnet_type)item->type;
            s->rank = item->rank < 0 ? 0 : item->rank;
            for (int32_t k = 0; k < s->rank; k++)
                s->dims[k] = item->dims[k] < 0 ? 0 : item->dims[k];
        }
        if (s->rank + 1 > LN_MAX_RANK)
            return ln_fail(c, LINNET_ERR_UNSUPPORTED, "scan output of rank %d", s->rank + 1);
        static char nothing[64];
        linnet_value v = {.kind = LINNET_TENSOR,
                          .type = s->type,
                          .rank = s->rank + 1,
                          .dims = {s->n},
                          .data = s->data ? s->data : nothing};
        for (int32_t k = 0; k < s->rank; k++)
            v.dims[k + 1] = s->dims[k];
        LN_TRY(ln_late_give(c, l->carried + i, &v));
    }
    return LINNET_OK;
}

static linnet_status loop_late(ln_ctx *c)
{
    loop_state l = {.going = 1};
    LN_TRY(check_body(c, &l.body));
    int64_t trips = INT64_MAX;
    if (ln_in(c, 0))
        LN_TRY(ln_late_int(c, 0, &trips));
    bool conditional = ln_in(c, 1) != NULL;
    if (conditional) {
        const linnet_value *cond = ln_late_in(c, 1);
        if (cond->kind != LINNET_TENSOR || linnet_value_count(cond) != 1)
            return ln_fail(c, LINNET_ERR_DATA, "cond must have one element");
        l.going = *(const uint8_t *)cond->data;
    }
    LN_TRY(start(c, &l, trips));
    for (l.counter = 0; l.counter < trips && l.going; l.counter++) {
        LN_TRY(ln_body_run(c, l.body, l.in, l.out, false));
        if (conditional) {
            const linnet_value *next = &l.out[0];
            if (next->kind != LINNET_TENSOR || next->type != LINNET_BOOL || linnet_value_count(next) != 1)
                return ln_fail(c, LINNET_ERR_DATA, "the body's condition is not one bool");
            l.going = *(const uint8_t *)next->data;
        }
        for (int32_t i = 0; i < l.carried; i++)
            l.in[2 + i] = l.out[1 + i];
        for (int32_t i = 0; i < l.n_scans; i++)
            LN_TRY(ln_stack_push(c, &l.scans[i], &l.out[1 + l.carried + i], "scan output", i));
    }
    return finish(c, &l);
}

static const ln_attr_spec attrs[] = {LN_ATTR_ANY("body"), LN_ATTR_END};

LN_OP(Loop) = {
    .domain = "",
    .type = "Loop",
    .since = {1, 11, 13, 16, 19, 21, 23, 24, 25},
    .types = 0,
    .in = {0, LN_VARIADIC},
    .out = {0, LN_VARIADIC},
    .attrs = attrs,
    .infer = loop_infer,
    .late = loop_late,
};
