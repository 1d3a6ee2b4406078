/* SPDX-License-Identifier: Apache-2.0
 *
 * NonMaxSuppression: per batch and class the boxes by falling score, without those that overlap a better one too much.
 * Of equal scores the box with the lower index comes first. ai.onnx NonMaxSuppression-10 to -11.
 */
#include "ops/moving.h"
#include "ops/order.h"

typedef struct nms_params {
    int64_t center_point_box;
} nms_params;

typedef struct box {
    float x0, y0, x1, y1, area;
} box;

static void ends(float a, float b, float *low, float *high)
{
    *low = a < b ? a : b;
    *high = a < b ? b : a;
}

static box read_box(const float *v, bool center)
{
    box b;
    if (center) {
        float w = v[2] / 2, h = v[3] / 2;
        b = (box){.x0 = v[0] - w, .x1 = v[0] + w, .y0 = v[1] - h, .y1 = v[1] + h};
    } else {
        ends(v[0], v[2], &b.y0, &b.y1);
        ends(v[1], v[3], &b.x0, &b.x1);
    }
    b.area = (b.x1 - b.x0) * (b.y1 - b.y0);
    return b;
}

static bool overlap(const box *a, const box *b, float threshold)
{
    float w = (a->x1 < b->x1 ? a->x1 : b->x1) - (a->x0 > b->x0 ? a->x0 : b->x0);
    float h = (a->y1 < b->y1 ? a->y1 : b->y1) - (a->y0 > b->y0 ? a->y0 : b->y0);
    if (!(w > 0) || !(h > 0) || !(a->area > 0) || !(b->area > 0))
        return false;
    float common = w * h, all = a->area + b->area - common;
    return common > 0 && all > 0 && common / all > threshold;
}

static bool better(const void *context, int64_t i, int64_t k)
{
    const float *scores = context;
    return scores[i] > scores[k];
}

static linnet_status infer(ln_ctx *c)
{
    static const char *const names[] = {"boxes", "scores", "max_output_boxes_per_class", "iou_threshold",
                                        "score_threshold"};
    const nms_params *p = c->params;
    const ln_info *b = c->in[0], *s = c->in[1];
    const int64_t dims[2] = {LN_UNKNOWN, 3};
    for (int32_t i = 0; i < 5; i++)
        LN_TRY(ln_check_type(c, i, LN_T(i == 2 ? LINNET_INT64 : LINNET_FLOAT32), names[i]));
    for (int32_t i = 2; i < 5; i++)
        if (ln_in(c, i) && ln_info_count(c->in[i]) > 1)
            return ln_fail(c, LINNET_ERR_MODEL, "%s has %lld elements", names[i], (long long)ln_info_count(c->in[i]));
    LN_TRY(ln_check_rank(c, 0, 3, 3, "boxes"));
    LN_TRY(ln_check_rank(c, 1, 3, 3, "scores"));
    if (b->rank == 3)
        LN_TRY(ln_check_dim(c, b->dims[2], 4, "the last dimension of boxes"));
    if (b->rank == 3 && s->rank == 3) {
        LN_TRY(ln_check_dim(c, s->dims[0], b->dims[0], "the number of batches in scores"));
        LN_TRY(ln_check_dim(c, s->dims[2], b->dims[1], "the number of boxes in scores"));
    }
    if (p->center_point_box != 0 && p->center_point_box != 1)
        return ln_fail(c, LINNET_ERR_MODEL, "center_point_box is %lld", (long long)p->center_point_box);
    return ln_set_shape(c, 0, LINNET_INT64, 2, dims);
}

static float scalar(const ln_ctx *c, int32_t i, float otherwise)
{
    const ln_info *x = ln_in(c, i);
    return x && x->data && ln_info_count(x) == 1 ? *(const float *)x->data : otherwise;
}

/* A list of selected boxes that grows. */
typedef struct list {
    int64_t (*items)[3];
    int64_t n, room;
} list;

static bool add(ln_ctx *c, list *l, int64_t batch, int64_t class, int64_t index)
{
    if (l->n == l->room) {
        int64_t room = l->room ? 2 * l->room : 256;
        int64_t(*items)[3] = ln_late_alloc(c, (size_t)room * sizeof *items);
        if (!items)
            return false;
        for (int64_t i = 0; i < l->n; i++)
            for (int32_t k = 0; k < 3; k++)
                items[i][k] = l->items[i][k];
        l->items = items;
        l->room = room;
    }
    int64_t *item = l->items[l->n++];
    item[0] = batch;
    item[1] = class;
    item[2] = index;
    return true;
}

static linnet_status late(ln_ctx *c)
{
    const nms_params *p = c->params;
    const ln_info *b = c->in[0], *s = c->in[1];
    int64_t n = b->dims[1], limit = 0;
    float iou = scalar(c, 3, 0), least = scalar(c, 4, 0);
    bool filter = ln_in(c, 4) && ln_info_count(c->in[4]) == 1;
    if (ln_in(c, 2) && ln_info_count(c->in[2]) == 1)
        limit = *(const int64_t *)c->in[2]->data;
    size_t bytes = (size_t)(n + 1) * sizeof(int64_t);
    int64_t *order = ln_late_alloc(c, bytes), *temp = ln_late_alloc(c, bytes);
    box *kept = ln_late_alloc(c, (size_t)(n + 1) * sizeof *kept);
    list found = {0};
    if (!order || !temp || !kept)
        return ln_no_memory(c);
    for (int64_t i = 0; i < s->dims[0] * s->dims[1] && limit > 0; i++) {
        int64_t batch = i / s->dims[1], candidates = 0, n_kept = 0;
        const float *scores = (const float *)s->data + i * n, *boxes = (const float *)b->data + batch * n * 4;
        for (int64_t k = 0; k < n; k++)
            if (!filter || scores[k] > least)
                order[candidates++] = k;
        ln_sort_indices(order, temp, candidates, better, scores);
        for (int64_t k = 0; k < candidates && n_kept < limit; k++) {
            box one = read_box(boxes + 4 * order[k], p->center_point_box != 0);
            int64_t m = 0;
            while (m < n_kept && !overlap(&one, &kept[m], iou))
                m++;
            if (m < n_kept)
                continue;
            kept[n_kept++] = one;
            if (!add(c, &found, batch, i % s->dims[1], order[k]))
                return ln_no_memory(c);
        }
    }
    int64_t *y = ln_late_tensor(c, 0, LINNET_INT64, 2, (const int64_t[]){found.n, 3});
    if (!y)
        return ln_no_memory(c);
    for (int64_t i = 0; i < found.n; i++)
        for (int32_t k = 0; k < 3; k++)
            y[3 * i + k] = found.items[i][k];
    return LINNET_OK;
}

static const ln_attr_spec attrs[] = {LN_ATTR_I(nms_params, center_point_box, 0), LN_ATTR_END};

LN_OP(NonMaxSuppression) = {
    .domain = "",
    .type = "NonMaxSuppression",
    .since = {10, 11},
    .types = LN_T(LINNET_FLOAT32),
    .in = {2, 5},
    .out = {1, 1},
    .attrs = attrs,
    .params_size = sizeof(nms_params),
    .flags = LN_OP_LATE_OK,
    .infer = infer,
    .late = late,
};
