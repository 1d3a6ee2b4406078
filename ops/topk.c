/* SPDX-License-Identifier: Apache-2.0
 *
 * TopK: the k largest or smallest elements along an axis, best first; of equal ones the lower index comes first, and a
 * NaN is larger than every number. The k best so far are kept while the elements go by: most are no better than the
 * worst of those and cost one comparison, of float32 a lane of one with a limit found before. Where k is large the k
 * best are a heap with its worst on top, else a sorted list. ai.onnx TopK-1 to -24.
 */
#include <math.h>
#include <string.h>

#include "kernels/half.h"
#include "kernels/kernels.h"
#include "ops/moving.h"
#include "ops/order.h"

typedef struct topk_params {
    int64_t axis, largest, sorted, k;
    int64_t n, outer, inner; /* elements along the axis, before and after it */
    int64_t size, heap;      /* bytes of an element, of a worker's heap */
    int32_t type;
    int32_t list; /* contiguous float32, and k fits a list */
} topk_params;

/* Larger keys are better; keys are flipped where the smallest are wanted. */
typedef struct entry {
    uint64_t key;
    int64_t index;
} entry;

typedef struct job {
    const topk_params *p;
    const ln_args *a;
} job;

static inline bool worse(entry a, entry b)
{
    return a.key < b.key || (a.key == b.key && a.index > b.index);
}

/* Puts e where the hole at i is, or below it. */
static void sift(entry *heap, int64_t n, int64_t i, entry e)
{
    for (int64_t child; (child = 2 * i + 1) < n; i = child) {
        if (child + 1 < n && worse(heap[child + 1], heap[child]))
            child++;
        if (!worse(heap[child], e))
            break;
        heap[i] = heap[child];
    }
    heap[i] = e;
}

/* The k best of n elements, x[i * step], best first. */
static void select(const topk_params *p, const char *x, int64_t step, entry *heap)
{
    ln_key_fn *key = ln_key_of(p->type);
    uint64_t flip = p->largest ? 0 : UINT64_MAX;
    int64_t k = p->k;
    for (int64_t i = 0; i < k; i++)
        heap[i] = (entry){key(x + i * step) ^ flip, i};
    for (int64_t i = k / 2 - 1; i >= 0; i--)
        sift(heap, k, i, heap[i]);
    for (int64_t i = k; i < p->n; i++) {
        uint64_t u = key(x + i * step) ^ flip;
        if (u > heap[0].key)
            sift(heap, k, 0, (entry){u, i});
    }
    for (int64_t n = k - 1; n > 0; n--) {
        entry worst = heap[0];
        sift(heap, n, 0, heap[n]);
        heap[n] = worst;
    }
}

/* -- contiguous float32, small k ----------------------------------------------------------------------------------- */

#ifdef LN_FIRMWARE
enum { SIFTED = 512 }; /* indices on the stack */
#else
enum { SIFTED = 1024 };
#endif
enum { LIST = 64, FEW = 8, ROWS = 16 };

/* One number that is larger for what is better: the sortable bits of the value, then the lower index. Never 0. */
static inline uint64_t rank_of(float x, uint32_t i, uint32_t flip)
{
    uint32_t u = ln_float_bits(x + 0.0f);
    u = x != x ? UINT32_MAX : u >> 31 ? ~u : u | UINT32_C(1) << 31;
    return (uint64_t)(u ^ flip) << 32 | ~i;
}

/* Into the sorted list of k. */
static inline void insert(uint64_t *list, int64_t k, uint64_t u)
{
    int64_t at = k - 1;
    if (u <= list[at])
        return;
    for (; at > 0 && list[at - 1] < u; at--)
        list[at] = list[at - 1];
    list[at] = u;
}

/* FEW numbers, best first: each goes where as many as are better leave it, so that no branch depends on them. */
static inline void order(uint64_t *list, const uint64_t *few)
{
    uint32_t place[FEW] = {0};
#pragma GCC unroll 8
    for (int i = 1; i < FEW; i++)
#pragma GCC unroll 8
        for (int e = 0; e < i; e++) {
            uint32_t less = few[e] < few[i];
            place[e] += less;
            place[i] += 1 - less;
        }
#pragma GCC unroll 8
    for (int i = 0; i < FEW; i++)
        list[place[i]] = few[i];
}

/* Indices of the k best of n < 2^32 elements, best first, in the low halves of list. Only what reaches a limit that k
 * elements are known to reach is looked at. A few that do are put in order at once; more go into a sorted list, whose
 * worst is the next limit. */
static void select_f32(const topk_params *p, const float *x, float limit, uint64_t *list)
{
    ln_VSIFT_F32 *sift_out = p->largest ? LN_K(sift_above_f32) : LN_K(sift_below_f32);
    uint32_t flip = p->largest ? 0 : UINT32_MAX, at[SIFTED];
    int64_t k = p->k;
    uint64_t few[FEW] = {0};
    size_t have = 0;
    for (int64_t begin = 0; begin < p->n; begin += SIFTED) {
        int64_t n = p->n - begin < SIFTED ? p->n - begin : SIFTED;
        size_t found = sift_out(at, x + begin, (size_t)n, limit);
        bool small = have + found <= FEW;
        if (have <= FEW && !small) {
            memset(list, 0, (size_t)k * sizeof *list);
            for (size_t e = 0; e < have; e++)
                insert(list, k, few[e]);
        }
        for (size_t e = 0; e < found; e++) {
            uint64_t u = rank_of(x[begin + at[e]], (uint32_t)begin + at[e], flip);
            if (small)
                few[have + e] = u;
            else
                insert(list, k, u);
        }
        have = small ? have + found : FEW + 1;
        if (!small && list[k - 1] && !isnan(x[(uint32_t)~list[k - 1]]))
            limit = x[(uint32_t)~list[k - 1]];
    }
    if (have <= FEW)
        order(list, few);
}

/* The limits of some rows first: a row's comes late enough for the processor to begin the next. */
static void rows_f32(void *arg, int32_t worker, int64_t begin, int64_t end)
{
    const job *j = arg;
    const topk_params *p = j->p;
    ln_VREACH_F32 *reach = p->largest ? LN_K(reach_above_f32) : LN_K(reach_below_f32);
    const float *x = (const float *)j->a->in[0] + begin * p->n;
    float *values = j->a->out[0], limits[ROWS];
    int64_t *indices = j->a->out[1], rows = p->n > 4096 / ROWS ? 4096 / p->n + 1 : ROWS;
    (void)worker;
    for (int64_t r = begin; r < end; r++, x += p->n) {
        uint64_t list[LIST];
        int64_t of_block = (r - begin) % rows;
        for (int64_t i = 0; of_block == 0 && i < rows && i < end - r; i++)
            limits[i] = reach(x + i * p->n, (size_t)p->n, (size_t)p->k);
        select_f32(p, x, limits[of_block], list);
        for (int64_t e = 0; e < p->k; e++) {
            uint32_t i = (uint32_t)~list[e];
            if (values)
                values[r * p->k + e] = x[i];
            if (indices)
                indices[r * p->k + e] = i;
        }
    }
}

/* -- the others ---------------------------------------------------------------------------------------------------- */

static void rows(void *arg, int32_t worker, int64_t begin, int64_t end)
{
    const job *j = arg;
    const topk_params *p = j->p;
    entry *heap = (entry *)(void *)((char *)j->a->scratch + worker * p->heap);
    char *values = j->a->out[0];
    int64_t *indices = j->a->out[1];
    for (int64_t r = begin; r < end; r++) {
        int64_t o = r / p->inner, i = r % p->inner;
        const char *x = (const char *)j->a->in[0] + (o * p->n * p->inner + i) * p->size;
        select(p, x, p->inner * p->size, heap);
        for (int64_t e = 0; e < p->k; e++) {
            int64_t to = (o * p->k + e) * p->inner + i;
            if (values)
                ln_fill(values + to * p->size, x + heap[e].index * p->inner * p->size, (size_t)p->size, 1);
            if (indices)
                indices[to] = heap[e].index;
        }
    }
}

LN_RUN(ln_topk)
{
    const topk_params *p = a->params;
    job j = {p, a};
    if (p->list)
        ln_parallel(a, p->outer, 50 + 0.3 * (double)p->n + 10.0 * (double)p->k, rows_f32, &j);
    else if (p->k > 0)
        ln_parallel(a, p->outer * p->inner, 20 + 2.0 * (double)p->n + 10.0 * (double)p->k, rows, &j);
    return LINNET_OK;
}

static linnet_status read_k(ln_ctx *c, int64_t *k)
{
    *k = LN_UNKNOWN;
    if (c->version >= 10) {
        if (c->n_in < 2 || !c->in[1])
            return ln_fail(c, LINNET_ERR_MODEL, "input 1 is missing");
        LN_TRY(ln_check_type(c, 1, LN_T(LINNET_INT64), "K"));
        if (!ln_maybe_scalar(c->in[1]))
            return ln_fail(c, LINNET_ERR_MODEL, "K has %lld elements", (long long)ln_info_count(c->in[1]));
        if (!c->in[1]->data || ln_const_ints(c, 1, k, 1) != 1)
            return LINNET_OK;
    } else {
        if (!ln_attr_has(c, "k"))
            return ln_fail(c, LINNET_ERR_MODEL, "attribute k is missing");
        *k = ln_attr_int(c, "k", 0);
    }
    if (*k < 0)
        return ln_fail(c, LINNET_ERR_MODEL, "k is %lld", (long long)*k);
    return LINNET_OK;
}

static linnet_status topk_infer(ln_ctx *c)
{
    const topk_params *p = c->params;
    const ln_info *x = c->in[0];
    linnet_type type = (linnet_type)x->type;
    int64_t k, dims[LN_MAX_RANK];
    int32_t axis;
    LN_TRY(read_k(c, &k));
    if (x->rank < 0) {
        LN_TRY(ln_set_unknown(c, 0, type));
        return ln_set_unknown(c, 1, LINNET_INT64);
    }
    LN_TRY(ln_axis(c, p->axis, x->rank, &axis));
    if (x->dims[axis] >= 0 && k > x->dims[axis])
        return ln_fail(c, LINNET_ERR_MODEL, "k is %lld, but the axis has size %lld", (long long)k,
                       (long long)x->dims[axis]);
    for (int32_t i = 0; i < x->rank; i++)
        dims[i] = i == axis ? k : x->dims[i];
    LN_TRY(ln_set_shape(c, 0, type, x->rank, dims));
    return ln_set_shape(c, 1, LINNET_INT64, x->rank, dims);
}

static linnet_status topk_plan(ln_ctx *c)
{
    topk_params *p = c->params;
    const ln_info *x = c->in[0];
    int32_t axis;
    LN_TRY(read_k(c, &p->k));
    if (p->k < 0)
        return LN_NEED_DATA;
    LN_TRY(ln_axis(c, p->axis, x->rank, &axis));
    p->type = x->type;
    p->size = (int64_t)linnet_type_size((linnet_type)x->type);
    p->n = x->dims[axis];
    p->outer = ln_dims_product(x->dims, 0, axis);
    p->inner = ln_dims_product(x->dims, axis + 1, x->rank);
    p->list = p->type == LINNET_FLOAT32 && p->inner == 1 && p->k > 0 && p->k <= LIST && p->n < UINT32_MAX;
    if (p->list)
        return LINNET_OK;
    p->heap = (p->k * (int64_t)sizeof(entry) + 63) / 64 * 64;
    ln_scratch(c, (size_t)c->threads * (size_t)p->heap);
    return LINNET_OK;
}

static const ln_attr_spec attrs[] = {LN_ATTR_I(topk_params, axis, -1), LN_ATTR_I(topk_params, largest, 1),
                                     LN_ATTR_I(topk_params, sorted, 1), LN_ATTR_ANY("k"), LN_ATTR_END};

LN_OP(TopK) = {
    .domain = "",
    .type = "TopK",
    .since = {1, 10, 11, 24},
    .types = LN_T_NUMBERS,
    .in = {1, 2},
    .out = {1, 2},
    .attrs = attrs,
    .params_size = sizeof(topk_params),
    .infer = topk_infer,
    .plan = topk_plan,
    LN_RUN_NAME(ln_topk),
};
