/* SPDX-License-Identifier: Apache-2.0
 *
 * Unique: the distinct elements of a tensor, or its distinct slices along an axis, ascending or in the order of their
 * first occurrence, with first positions, inverse and counts. By a stable sort of the positions.
 * ai.onnx Unique-11 to -28; com.microsoft Unique (of a vector; outputs are values, inverse, counts; unsorted).
 */
#include <string.h>

#include "ops/moving.h"
#include "ops/order.h"

typedef struct unique_params {
    int64_t axis, sorted;
} unique_params;

/* Slices: element (o, i) of slice k is x[(o * n + k) * inner + i]. */
typedef struct slices {
    const char *x;
    int64_t outer, n, inner;
    size_t size;
    int type;
} slices;

static int compare(const slices *s, int64_t a, int64_t b)
{
    for (int64_t o = 0; o < s->outer; o++)
        for (int64_t i = 0; i < s->inner; i++) {
            const char *base = s->x + ((size_t)(o * s->n * s->inner) + (size_t)i) * s->size;
            int order =
                ln_order(base + (size_t)(a * s->inner) * s->size, base + (size_t)(b * s->inner) * s->size, s->type);
            if (order)
                return order;
        }
    return 0;
}

static bool less(const void *context, int64_t a, int64_t b)
{
    return compare(context, a, b) < 0;
}

static bool ascending(const void *context, int64_t a, int64_t b)
{
    const int64_t *first = context;
    return first[a] < first[b];
}

static linnet_status infer(ln_ctx *c)
{
    const unique_params *p = c->params;
    const ln_info *x = c->in[0];
    int64_t dims[LN_MAX_RANK] = {LN_UNKNOWN};
    int32_t axis;
    const int64_t unknown = LN_UNKNOWN;
    for (int32_t i = 1; i < c->n_out; i++)
        LN_TRY(ln_set_shape(c, i, LINNET_INT64, 1, &unknown));
    if (!ln_attr_has(c, "axis"))
        return ln_set_shape(c, 0, (linnet_type)x->type, 1, dims);
    if (x->rank < 0)
        return ln_set_unknown(c, 0, (linnet_type)x->type);
    LN_TRY(ln_axis(c, p->axis, x->rank, &axis));
    memcpy(dims, x->dims, sizeof dims);
    dims[axis] = LN_UNKNOWN;
    return ln_set_shape(c, 0, (linnet_type)x->type, x->rank, dims);
}

/* What is found: groups of equal slices. */
typedef struct groups {
    int64_t n;
    int64_t *first, *count; /* by group in ascending order */
    int64_t *of;            /* group of each slice */
    int64_t *order;         /* groups in the order of the output */
} groups;

static bool find_groups(ln_ctx *c, const slices *s, bool sorted, groups *g)
{
    size_t bytes = (size_t)(s->n + 1) * sizeof(int64_t);
    int64_t *sorted_slices = ln_late_alloc(c, bytes), *temp = ln_late_alloc(c, bytes);
    g->first = ln_late_alloc(c, bytes);
    g->count = ln_late_alloc(c, bytes);
    g->of = ln_late_alloc(c, bytes);
    g->order = ln_late_alloc(c, bytes);
    if (!sorted_slices || !temp || !g->first || !g->count || !g->of || !g->order)
        return false;
    for (int64_t i = 0; i < s->n; i++)
        sorted_slices[i] = i;
    ln_sort_indices(sorted_slices, temp, s->n, less, s);
    g->n = 0;
    for (int64_t i = 0; i < s->n; i++) {
        int64_t k = sorted_slices[i];
        if (i == 0 || compare(s, sorted_slices[i - 1], k)) {
            g->first[g->n] = k; /* the sort is stable */
            g->count[g->n] = 0;
            g->order[g->n] = g->n;
            g->n++;
        }
        g->count[g->n - 1]++;
        g->of[k] = g->n - 1;
    }
    if (!sorted)
        ln_sort_indices(g->order, temp, g->n, ascending, g->first);
    return true;
}

/* A vector for an output of indices; *data stays NULL where the output is absent (index -1: the operator has none). */
static linnet_status make(ln_ctx *c, int32_t out, int64_t n, int64_t **data)
{
    *data = NULL;
    if (out < 0 || !ln_has_out(c, out))
        return LINNET_OK;
    *data = ln_late_tensor(c, out, LINNET_INT64, 1, &n);
    return *data ? LINNET_OK : ln_no_memory(c);
}

static linnet_status unique(ln_ctx *c, bool sorted, int32_t out_first, int32_t out_inverse, int32_t out_count)
{
    const unique_params *p = c->params;
    const ln_info *x = c->in[0];
    bool flat = !ln_attr_has(c, "axis");
    int32_t axis = 0;
    slices s = {.x = x->data,
                .outer = 1,
                .n = ln_info_count(x),
                .inner = 1,
                .size = linnet_type_size((linnet_type)x->type),
                .type = x->type};
    int64_t dims[LN_MAX_RANK] = {0};
    if (!flat) {
        LN_TRY(ln_axis(c, p->axis, x->rank, &axis));
        s.outer = ln_dims_product(x->dims, 0, axis);
        s.n = x->dims[axis];
        s.inner = ln_dims_product(x->dims, axis + 1, x->rank);
        memcpy(dims, x->dims, sizeof dims);
    }
    groups g;
    if (!find_groups(c, &s, sorted, &g))
        return ln_no_memory(c);
    dims[axis] = g.n;
    char *y = ln_late_tensor(c, 0, (linnet_type)x->type, flat ? 1 : x->rank, dims);
    int64_t *first, *inverse, *count;
    LN_TRY(make(c, out_first, g.n, &first));
    LN_TRY(make(c, out_inverse, s.n, &inverse));
    LN_TRY(make(c, out_count, g.n, &count));
    int64_t *rank = ln_late_alloc(c, (size_t)(g.n + 1) * sizeof *rank); /* of a group in the output */
    if (!y || !rank)
        return ln_no_memory(c);
    size_t block = (size_t)s.inner * s.size;
    for (int64_t i = 0; i < g.n; i++) {
        int64_t k = g.order[i];
        rank[k] = i;
        if (first)
            first[i] = g.first[k];
        if (count)
            count[i] = g.count[k];
        for (int64_t o = 0; o < s.outer && block; o++)
            memcpy(y + (size_t)(o * g.n + i) * block, s.x + (size_t)(o * s.n + g.first[k]) * block, block);
    }
    for (int64_t i = 0; i < s.n && inverse; i++)
        inverse[i] = rank[g.of[i]];
    return LINNET_OK;
}

static linnet_status onnx_unique(ln_ctx *c)
{
    const unique_params *p = c->params;
    return unique(c, p->sorted != 0, 1, 2, 3);
}

static linnet_status microsoft_unique(ln_ctx *c)
{
    return unique(c, false, -1, 1, 2);
}

static const ln_attr_spec attrs[] = {LN_ATTR_I(unique_params, axis, 0), LN_ATTR_I(unique_params, sorted, 1),
                                     LN_ATTR_END};

LN_OP(Unique) = {
    .domain = "",
    .type = "Unique",
    .since = {11, 28},
    .types = LN_T_ALL,
    .in = {1, 1},
    .out = {1, 4},
    .attrs = attrs,
    .params_size = sizeof(unique_params),
    .flags = LN_OP_LATE_OK,
    .infer = infer,
    .late = onnx_unique,
};

LN_OP(com_microsoft_Unique) = {
    .domain = "com.microsoft",
    .type = "Unique",
    .since = {1},
    .types = LN_T_ALL,
    .in = {1, 1},
    .out = {1, 3},
    .params_size = sizeof(unique_params),
    .flags = LN_OP_LATE_OK,
    .infer = infer,
    .late = microsoft_unique,
};
