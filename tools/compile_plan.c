/* SPDX-License-Identifier: Apache-2.0
 *
 * The plan of a compiled model: of several ways to run it, the one that takes the least RAM. What costs no time is
 * always tried (another order of the nodes); on a small machine, operators with little scratch, too; and the
 * first layers by rows where that is asked for. Of equals, the way that is tried first, which is the fastest.
 */
#include "tools/compile.h"

typedef struct search {
    const ln_graph *graph;
    const linnet_value *inputs;
    ln_memory *memory;
    linnet_error *error;
    ln_plan *best;
    ln_plan_options options; /* of the best */
} search;

/* Plans so, and keeps what takes less than `worth` of the best. *layers: that run in stripes; may be NULL. */
static linnet_status attempt(search *s, const ln_plan_options *options, double worth, int32_t *layers)
{
    ln_plan *plan;
    linnet_status status = ln_plan_make(&plan, s->graph, s->inputs, s->memory, options, s->error);
    if (status != LINNET_OK)
        return status;
    bool better = !s->best || (double)plan->block_bytes < worth * (double)s->best->block_bytes;
    if (layers)
        *layers = plan->stripe_layers;
    if (better)
        s->options = *options;
    ln_plan_free(better ? s->best : plan);
    s->best = better ? plan : s->best;
    return LINNET_OK;
}

/* How many layers, by two rows or one; then whether more rows do, which are fewer steps and worth some RAM. */
static linnet_status attempt_stripes(search *s, int32_t frugal, double worth)
{
    static const struct {
        int64_t rows;
        double worth;
    } rows[] = {{8, 1.03}, {4, 1.03}};
    ln_plan_options options = s->options;
    linnet_status status = LINNET_OK;
    options.frugal = frugal;
    for (int32_t layers = 1, got = 1; status == LINNET_OK; layers = got + 1) {
        options.stripe_layers = layers;
        options.stripe_rows = 2;
        status = attempt(s, &options, s->options.stripe_layers ? worth : 0.97, &got);
        if (got < layers)
            break;
        options.stripe_rows = 1;
        if (status == LINNET_OK)
            status = attempt(s, &options, 0.97, NULL);
    }
    for (int i = 0; status == LINNET_OK && s->options.stripe_rows == 2 && i < 2; i++) {
        options = s->options;
        options.stripe_rows = rows[i].rows;
        status = attempt(s, &options, rows[i].worth, NULL);
    }
    return status;
}

linnet_status ln_compile_plan(ln_plan **plan, const ln_graph *g, const linnet_value *inputs, ln_memory *memory,
                              const ln_plan_options *base, bool small, bool rows, linnet_error *error)
{
    search s = {.graph = g, .inputs = inputs, .memory = memory, .error = error, .options = *base};
    linnet_status status = LINNET_OK;
    for (int way = 0; status == LINNET_OK && way < (small ? 6 : 2); way++) {
        ln_plan_options options = *base;
        options.reorder = way & 1;
        options.frugal = way / 2;
        status = attempt(&s, &options, options.frugal ? 0.97 : 1, NULL); /* it takes time, or code */
    }
    if (status == LINNET_OK && rows)
        status = attempt_stripes(&s, s.options.frugal, 1);
    if (status == LINNET_OK && rows && small && s.options.frugal < 2)
        status = attempt_stripes(&s, 2, 0.97);
    if (status != LINNET_OK)
        ln_plan_free(s.best);
    *plan = status == LINNET_OK ? s.best : NULL;
    return status;
}
