/* SPDX-License-Identifier: Apache-2.0
 *
 * Graphs as text and as Graphviz, and the block of run memory drawn over time.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tools/planned.h"

void ln_print_passes(FILE *file)
{
    for (int32_t i = 0; i < ln_passes_count; i++)
        fprintf(file, "  %-16s %s%s\n", ln_passes[i].name, ln_passes[i].what,
                ln_passes[i].final ? " (when shapes are known)" : "");
}

const char *ln_info_text(const ln_graph *g, const ln_info *info, char *buf, size_t size)
{
    if (info->kind != LINNET_TENSOR && info->kind != LINNET_NONE) {
        static const char *const kinds[] = {"none", "tensor", "sequence", "map", "optional"};
        snprintf(buf, size, "%s", info->kind < 5 ? kinds[info->kind] : "?");
        return buf;
    }
    size_t at = (size_t)snprintf(buf, size, "%s[", linnet_type_name((linnet_type)info->type));
    if (info->rank < 0)
        at += (size_t)snprintf(buf + at, size - at, "...");
    for (int32_t d = 0; d < info->rank && at + 24 < size; d++) {
        int64_t n = info->dims[d], symbol = -2 - n;
        const char *comma = d ? "," : "";
        if (n >= 0)
            at += (size_t)snprintf(buf + at, size - at, "%s%" PRId64, comma, n);
        else
            at +=
                (size_t)snprintf(buf + at, size - at, "%s%.16s", comma,
                                 symbol >= 0 && symbol < g->n_symbols && g->symbols[symbol] ? g->symbols[symbol] : "?");
    }
    snprintf(buf + at, size - at, "]");
    return buf;
}

static void print_operand(FILE *file, const ln_graph *g, int32_t value)
{
    if (value < 0)
        fputs("-", file);
    else if (*g->values[value].name)
        fputs(g->values[value].name, file);
    else
        fprintf(file, "%%%d", value);
}

void ln_print_graph(FILE *file, const ln_graph *g)
{
    char text[256];
    int number = 0;
    LN_FOR_NODES(g, i)
    {
        const ln_node *n = &g->nodes[i];
        fprintf(file, "%4d %s%s%s(", number++, n->domain, *n->domain ? "." : "", n->type);
        for (int32_t k = 0; k < n->n_in; k++) {
            fputs(k ? ", " : "", file);
            print_operand(file, g, n->in[k]);
        }
        fputs(") ->", file);
        for (int32_t k = 0; k < n->n_out; k++) {
            fputc(' ', file);
            print_operand(file, g, n->out[k]);
            if (n->out[k] >= 0)
                fprintf(file, ": %s", ln_info_text(g, &g->values[n->out[k]].info, text, sizeof text));
            fputs(k + 1 < n->n_out ? "," : "", file);
        }
        fprintf(file, "%s\n", n->op ? "" : "  (unsupported)");
    }
}

static void dot_text(FILE *file, const char *text)
{
    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            fputc('\\', file);
        fputc(*text, file);
    }
}

void ln_print_dot(FILE *file, const ln_graph *g)
{
    char text[256];
    fputs("digraph model {\n  node [shape=box, fontname=\"sans-serif\"];\n", file);
    for (int32_t i = 0; i < g->n_inputs; i++) {
        fprintf(file, "  v%d [shape=ellipse, label=\"", g->inputs[i]);
        dot_text(file, g->values[g->inputs[i]].name);
        fputs("\"];\n", file);
    }
    LN_FOR_NODES(g, i)
    {
        const ln_node *n = &g->nodes[i];
        fprintf(file, "  n%d [label=\"", i);
        dot_text(file, n->type);
        fputs("\\n", file);
        dot_text(file, n->name);
        fprintf(file, "\"%s];\n", n->op ? "" : ", color=red");
        for (int32_t k = 0; k < n->n_in; k++) {
            const ln_value *v = n->in[k] < 0 ? NULL : &g->values[n->in[k]];
            if (!v || (v->producer < 0 && !v->input))
                continue; /* constants are many and say little */
            if (v->producer >= 0)
                fprintf(file, "  n%d -> n%d [label=\"", v->producer, i);
            else
                fprintf(file, "  v%d -> n%d [label=\"", n->in[k], i);
            dot_text(file, ln_info_text(g, &v->info, text, sizeof text));
            fputs("\"];\n", file);
        }
    }
    for (int32_t i = 0; i < g->n_outputs; i++) {
        const ln_value *v = &g->values[g->outputs[i]];
        fprintf(file, "  o%d [shape=ellipse, label=\"", i);
        dot_text(file, v->name);
        fputs("\"];\n", file);
        if (v->producer >= 0)
            fprintf(file, "  n%d -> o%d;\n", v->producer, i);
    }
    fputs("}\n", file);
}

/* -- memory -------------------------------------------------------------------------------------------------------- */

enum { COLUMNS = 96, ROWS = 32, LISTED = 12 };

static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

static int larger(const void *a, const void *b)
{
    const ln_region *x = *(const ln_region *const *)a, *y = *(const ln_region *const *)b;
    return x->bytes != y->bytes ? (x->bytes < y->bytes ? 1 : -1) : x->first - y->first;
}

/* Rows are stretches of the block from its end down to its start, columns are steps. A cell shows the region that lies
 * at its middle when its step runs. */
static void draw(FILE *file, const ln_plan *plan, const ln_region *const *order)
{
    int columns = plan->n_steps < COLUMNS ? plan->n_steps : COLUMNS;
    int rows = plan->block_bytes / 64 < ROWS ? (int)(plan->block_bytes / 64) : ROWS;
    char text[32];
    for (int y = rows - 1; y >= 0; y--) {
        uint64_t at = (uint64_t)(((double)y + 0.5) / rows * (double)plan->block_bytes);
        fprintf(file, "  %10s |", ln_bytes_text((double)(plan->block_bytes / (uint64_t)rows * (uint64_t)y), text, 32));
        for (int x = 0; x < columns; x++) {
            int32_t step = (int32_t)((int64_t)x * plan->n_steps / columns);
            char c = '.';
            for (int32_t i = 0; i < plan->n_regions; i++) {
                const ln_region *r = order[i];
                if (r->offset <= at && at - r->offset < r->bytes && r->first <= step && step <= r->last)
                    c = r->value == LN_NO_VALUE ? '#' : letters[(size_t)i % (sizeof letters - 1)];
            }
            fputc(c, file);
        }
        fputs("|\n", file);
    }
    fprintf(file, "  %10s  step 0%*s%d\n", "", columns > 8 ? columns - 6 : 1, "to ", plan->n_steps - 1);
}

void ln_print_memory(FILE *file, const ln_plan *plan)
{
    char text[32], live[32];
    fprintf(file, "run memory: %s in one block, %s of it live at the fullest step\n",
            ln_bytes_text((double)plan->block_bytes, text, sizeof text),
            ln_bytes_text((double)plan->live_bytes, live, sizeof live));
    if (!plan->n_regions || !plan->block_bytes || !plan->n_steps)
        return;
    const ln_region **order = malloc((size_t)plan->n_regions * sizeof *order);
    if (!order)
        return;
    for (int32_t i = 0; i < plan->n_regions; i++)
        order[i] = &plan->regions[i];
    qsort(order, (size_t)plan->n_regions, sizeof *order, larger);
    draw(file, plan, order);
    fputs("  the largest (# is scratch):\n", file);
    for (int32_t i = 0; i < plan->n_regions && i < LISTED; i++) {
        const ln_region *r = order[i];
        bool scratch = r->value == LN_NO_VALUE;
        const char *name = scratch ? "" : plan->graph->values[r->value].name;
        fprintf(file, "  %c %10s at %" PRIu64 ", steps %d to %d %s\n",
                scratch ? '#' : letters[(size_t)i % (sizeof letters - 1)],
                ln_bytes_text((double)r->bytes, text, sizeof text), r->offset, r->first, r->last,
                scratch ? "scratch" : name);
    }
    free(order);
}
