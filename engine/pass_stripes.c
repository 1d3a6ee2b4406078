/* SPDX-License-Identifier: Apache-2.0
 *
 * Stripes: the first layers of an image network run a few rows at a time (stripes.h), where their images are so large
 * that a run needs much less memory so: that is cleared for the first run, and images that stay in the second cache are
 * read faster. How many layers and rows is estimated from the shapes, whatever the number of threads, since Winograd's
 * tiles begin at a stripe. Of floats: steps of the others do not share their packed weights.
 */
#include "engine/stripes.h"

#define MIN_SAVED (4 << 20) /* bytes of a run: less is not worth the trouble */
#define STEP (32 << 10)     /* bytes that take as long to clear as a step to plan */
#define NEAR (3 << 19)      /* bytes of all stripes together; what a core has near is one or two MB */

enum {
    MIN_ROWS = 8,     /* of a stripe of the last layer: two of Winograd's tiles */
    MIN_PIXELS = 512, /* of a stripe of any layer, to be divided among threads */
    MAX_STRIPES = 64  /* planning takes more than in proportion */
};

typedef struct choice {
    int32_t layers;
    int64_t rows;
    double bytes;
} choice;

typedef struct nodes {
    const ln_graph *g;
    int32_t *at;   /* position of a node */
    double *alive; /* bytes that are alive at a position */
    int32_t n;
} nodes;

static double bytes_of(const ln_graph *g, int32_t value)
{
    const ln_info *info = &g->values[value].info;
    bool lies = info->kind == LINNET_TENSOR && ln_info_known(info) && !info->data && g->values[value].producer >= 0;
    return lies ? (double)ln_info_bytes(info) : 0;
}

static int32_t last_use(const nodes *t, int32_t value)
{
    const ln_value *v = &t->g->values[value];
    int32_t last = v->outputs ? t->n - 1 : t->at[v->producer];
    for (ln_use u = v->first_use; u.node >= 0; u = t->g->nodes[u.node].next_use[u.slot])
        last = t->at[u.node] > last ? t->at[u.node] : last;
    return last;
}

/* What is alive at each node, were every value a tensor of its own. */
static bool read_nodes(nodes *t, const ln_graph *g, ln_arena *arena)
{
    *t = (nodes){.g = g, .at = ln_arena_array(arena, (int64_t)g->n_nodes + 1, sizeof *t->at)};
    LN_FOR_NODES(g, id)
    {
        if (!t->at)
            return false;
        t->at[id] = t->n++;
    }
    t->alive = ln_arena_array(arena, (int64_t)t->n + 2, sizeof *t->alive);
    if (!t->alive)
        return false;
    LN_FOR_NODES(g, id)
    for (int32_t i = 0; i < g->nodes[id].n_out; i++) {
        int32_t value = g->nodes[id].out[i];
        double bytes = value < 0 ? 0 : bytes_of(g, value);
        if (bytes > 0) {
            t->alive[t->at[id]] += bytes;
            t->alive[last_use(t, value) + 1] -= bytes;
        }
    }
    for (int32_t i = 1; i <= t->n; i++)
        t->alive[i] += t->alive[i - 1];
    return true;
}

static double most(double a, double b)
{
    return a > b ? a : b;
}

/* Bytes of the stripes of all layers but the last, for so many rows of that. 0: they are too small to be worth it. */
static double stripe_bytes(const ln_graph *g, const ln_stripe_layer *layers, int32_t n, int64_t rows)
{
    int64_t made[LN_STRIPE_MOST] = {0}, kept[LN_STRIPE_MOST] = {0};
    double sum = 0;
    made[n - 1] = rows;
    for (int32_t i = n; i-- > 0;) {
        for (int32_t k = 0; k < layers[i].n_in; k++) {
            const ln_stripe_source *s = &layers[i].in[k];
            if (s->layer < 0)
                continue;
            int64_t more = made[i] * s->stride, over = s->extent - s->stride;
            made[s->layer] = more > made[s->layer] ? more : made[s->layer];
            kept[s->layer] = over > kept[s->layer] ? over : kept[s->layer];
        }
        double row = bytes_of(g, g->nodes[layers[i].node].out[0]) / (double)layers[i].out_rows;
        const ln_info *info = &g->values[g->nodes[layers[i].node].out[0]].info;
        if (made[i] * info->dims[layers[i].out_axis + 1] < MIN_PIXELS)
            return 0;
        sum += i < n - 1 ? row * (double)(made[i] + kept[i]) : 0;
    }
    return sum;
}

/* The bytes of a run with the first n layers in stripes, and what planning them takes. */
static bool estimate(const nodes *t, const ln_stripe_layer *layers, int32_t n, choice *to)
{
    const ln_graph *g = t->g;
    int32_t at = t->at[layers[n - 1].node];
    double stripes = 0, behind = 0, other = t->alive[at];
    to->layers = n;
    to->rows = 0;
    int64_t high = layers[n - 1].out_rows, few = MIN_ROWS;
    while (few * MAX_STRIPES < high)
        few *= 2;
    for (int64_t rows = few; rows * 4 <= high; rows *= 2) {
        double more = stripe_bytes(g, layers, n, rows);
        if (more > 0 && (!to->rows || more <= NEAR)) {
            to->rows = rows;
            stripes = more;
        }
    }
    if (!to->rows)
        return false;
    for (int32_t i = 0; i < n - 1; i++)
        if (last_use(t, g->nodes[layers[i].node].out[0]) >= at)
            other -= bytes_of(g, g->nodes[layers[i].node].out[0]);
    double input = bytes_of(g, g->nodes[layers[0].node].in[0]);
    if (input > 0 && last_use(t, g->nodes[layers[0].node].in[0]) < at)
        other += input;
    for (int32_t i = at + 1; i < t->n; i++)
        behind = most(behind, t->alive[i]);
    int64_t steps = 2 * n * ((high + to->rows - 1) / to->rows);
    to->bytes = most(behind, other + stripes) + (double)steps * STEP;
    return true;
}

linnet_status ln_pass_stripes(ln_graph *g, ln_pass_ctx *c)
{
    ln_stripe_layer layers[LN_STRIPE_MOST];
    if (!ln_stripe_layers(g, layers, 1))
        return LINNET_OK;
    ln_arena temporary;
    ln_arena_init(&temporary, c->memory);
    nodes t;
    if (!read_nodes(&t, g, &temporary)) {
        ln_arena_free(&temporary);
        return ln_rw_no_memory(c);
    }
    double whole = 0;
    for (int32_t i = 0; i < t.n; i++)
        whole = most(whole, t.alive[i]);
    choice best = {.bytes = whole - MIN_SAVED}, next;
    for (int32_t n = 0; whole > MIN_SAVED && (next.layers = ln_stripe_layers(g, layers, n + 1)) > n;) {
        n = next.layers;
        if (g->values[g->nodes[layers[n - 1].node].out[0]].info.type != LINNET_FLOAT32)
            break;
        if (estimate(&t, layers, n, &next) && next.bytes < best.bytes)
            best = next;
    }
    ln_arena_free(&temporary);
    if (!best.layers)
        return LINNET_OK;
    ln_stripe_layers(g, layers, best.layers);
    ln_pass_found(c, g, layers[0].node, "the first %d layers run %d rows at a time", best.layers, (int)best.rows);
    return ln_graph_stripes(g, best.layers, best.rows) < 0 ? ln_rw_no_memory(c) : LINNET_OK;
}
