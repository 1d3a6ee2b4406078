/* SPDX-License-Identifier: Apache-2.0
 *
 * The list of passes and the loop over it. Order matters: folding first, so that patterns see constants; dead nodes
 * after each pass that may leave some; what needs the final shapes last.
 */
#include "engine/passes.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "engine/model.h"

enum { MAX_ROUNDS = 8 };

#define PASS(name_, what_, final_) {.name = #name_, .what = what_, .run = ln_pass_##name_, .final = final_},
const ln_pass ln_passes[] = {
#include "engine/passes.def"
};
#undef PASS
const int32_t ln_passes_count = sizeof ln_passes / sizeof *ln_passes;

static bool listed(const char *list, const char *name)
{
    if (!list)
        return false;
    size_t size = strlen(name);
    for (const char *at = list; *at;) {
        size_t n = strcspn(at, ",");
        if ((n == size && memcmp(at, name, n) == 0) || (n == 3 && memcmp(at, "all", 3) == 0))
            return true;
        at += n + (at[n] == ',');
    }
    return false;
}

/* What "all" leaves on: folding, which makes types and shapes known, and quantize, which decides the arithmetic: the
 * integers of a quantised model, simulated in floats, round otherwise. Either goes by its name. */
static bool stays(const ln_pass *p)
{
    return p->run == ln_pass_fold || p->run == ln_pass_quantize;
}

/* It writes layers out many times over, so that no other pass should follow. */
static bool comes_last(const ln_pass *p)
{
    return p->run == ln_pass_stripes;
}

static linnet_status run_pass(ln_graph *g, const ln_pass *p, ln_pass_ctx *c)
{
    c->pass = p->name;
    linnet_status st = p->run(g, c);
    if (st != LINNET_OK)
        return st;
#ifdef LN_DEBUG
    const char *wrong = ln_graph_verify(g);
    if (wrong)
        return ln_error_set(c->error, wrong == ln_verify_no_memory ? LINNET_ERR_MEMORY : LINNET_ERR_MODEL, "", "",
                            "after pass %s: %s", p->name, wrong);
#endif
    return LINNET_OK;
}

linnet_status ln_optimize(ln_graph *g, ln_memory *memory, const ln_optimize_options *o, linnet_error *error)
{
    ln_pass_ctx c = {.memory = memory,
                     .error = error,
                     .final = o->final,
                     .allow_missing = o->allow_missing,
                     .refused = o->refused,
                     .found = o->found,
                     .user = o->user,
                     .release = o->release,
                     .store = o->store};
    linnet_status st = LINNET_OK;
    bool stopped = false;
    for (int32_t round = 0; round < MAX_ROUNDS && st == LINNET_OK && !stopped; round++) {
        c.changes = 0;
        c.round = round;
        for (int32_t i = 0; i < ln_passes_count && st == LINNET_OK && !stopped; i++) {
            const ln_pass *p = &ln_passes[i];
            /* Without the first, folding, types and shapes are inferred still. Passes keep the infos of values that
             * they leave; the next round infers anew. */
            bool off = listed(o->disable, p->name) && !(stays(p) && strcmp(o->disable, "all") == 0);
            if (i == 0 && off)
                st = ln_infer_graph(g, memory, o->allow_missing, error);
            if (comes_last(p))
                continue;
            if (!off && (!p->final || o->final))
                st = run_pass(g, p, &c);
            stopped = o->stop_after && strcmp(o->stop_after, p->name) == 0;
        }
        if (c.changes == 0)
            break;
    }
    for (int32_t i = 0; i < ln_passes_count && st == LINNET_OK && !stopped && o->final && o->stripes; i++)
        if (comes_last(&ln_passes[i]) && !listed(o->disable, ln_passes[i].name))
            st = run_pass(g, &ln_passes[i], &c);
    return st;
}

bool ln_graph_scalar(const ln_graph *g, int32_t value, float *scalar)
{
    if (value < 0)
        return false;
    const ln_info *info = &g->values[value].info;
    int64_t n = ln_info_count(info);
    if (!info->data || info->type != LINNET_FLOAT32 || n < 1)
        return false;
    const float *x = ln_graph_data(g, value);
    if (!x)
        return false;
    for (int64_t i = 1; i < n; i++)
        if (x[i] != x[0])
            return false;
    *scalar = x[0];
    return true;
}

void ln_pass_refuse(ln_pass_ctx *c, const ln_graph *g, int32_t node, const char *why)
{
    if (c->refused)
        c->refused(c->user, c->pass, ln_node_label(g, &g->nodes[node]), why);
}

void ln_pass_found(ln_pass_ctx *c, const ln_graph *g, int32_t node, const char *format, ...)
{
    char text[200];
    if (!c->found)
        return;
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    c->found(c->user, c->pass, ln_node_label(g, &g->nodes[node]), text);
}
