/* SPDX-License-Identifier: Apache-2.0
 *
 * Pad and CenterCropPad: elements added to, or (negative pads) cut from, the ends of dimensions. Cuts come first, then
 * the modes see what is left. The output is made in rows along the innermost padded dimension: a run of the input
 * between two margins. ai.onnx Pad-2 to -25, CenterCropPad-18; com.microsoft Pad.
 */
#include <string.h>

#include "ops/moving.h"

enum { CONSTANT, REFLECT, EDGE, WRAP };

typedef struct pad_params {
    ln_move move; /* nothing to pad */
    int64_t pads[2 * LN_MAX_RANK];
    int64_t axes[LN_MAX_RANK];
    int32_t n_pads, n_axes;
    float value;
    int32_t mode;
    /* Dimensions outside the rows, merged where they are not padded. map: where in a->packed the source index of each
     * of their n indices is, -1 for a dimension that is not padded; a source of -1 is a constant. stride: bytes. */
    int64_t dims[LN_MAX_RANK], strides[LN_MAX_RANK], map[LN_MAX_RANK];
    int64_t rows, left, middle, right; /* elements (blocks) of a row */
    int64_t start, margin;             /* of the middle in the source row; maps of both margins in a->packed */
    int64_t block, size;               /* bytes of a block: what lies inside the padded dimension; of an element */
    int32_t rank, given;               /* given: input 2 is the constant */
    uint8_t fill[16];
} pad_params;

typedef struct job {
    const pad_params *p;
    const ln_args *a;
    const void *value;
} job;

/* n blocks from the source row (NULL: all constant) by a map of source indices. */
static char *margin(const job *j, char *y, const char *x, const int64_t *map, int64_t n)
{
    const pad_params *p = j->p;
    if (n == 0)
        return y;
    if (p->mode == CONSTANT) {
        if (p->block == 4 && p->size == 4)
            for (int64_t i = 0; i < n; i++)
                memcpy(y + 4 * i, j->value, 4);
        else
            ln_fill(y, j->value, (size_t)p->size, n * (p->block / p->size));
        return y + n * p->block;
    }
    for (int64_t i = 0; i < n; i++, y += p->block)
        memcpy(y, x + map[i] * p->block, (size_t)p->block);
    return y;
}

/* Bytes from the start of the input to the source of rows along dimension `rank`, without it; -1: they are constant. */
static int64_t source_of(const pad_params *p, const int64_t *maps, const int64_t *index, int32_t rank)
{
    int64_t from = 0;
    for (int32_t i = 0; i < rank; i++) {
        int64_t at = p->map[i] >= 0 ? maps[p->map[i] + index[i]] : index[i];
        if (at < 0)
            return -1;
        from += at * p->strides[i];
    }
    return from;
}

static char *constant_row(const job *j, char *y)
{
    const pad_params *p = j->p;
    int64_t row = p->left + p->middle + p->right;
    ln_fill(y, j->value, (size_t)p->size, row * (p->block / p->size));
    return y + row * p->block;
}

static char *one_row(const job *j, char *y, const char *x)
{
    const pad_params *p = j->p;
    const int64_t *edges = (const int64_t *)j->a->packed + p->margin;
    const size_t middle = (size_t)(p->middle * p->block);
    y = margin(j, y, x, edges, p->left);
    if (middle)
        memcpy(y, x + p->start * p->block, middle);
    return margin(j, y + middle, x, edges + p->left, p->right);
}

/* Rows of an image with a border of one float, the usual case: little is done for each. */
static char *framed_row(const job *j, char *y, const char *x, uint32_t value)
{
    const pad_params *p = j->p;
    memcpy(y, &value, 4);
    memcpy(y + 4, x + 4 * p->start, (size_t)(4 * p->middle));
    y += 4 + 4 * p->middle;
    memcpy(y, &value, 4);
    return y + 4;
}

/* The rows along the last of the dimensions outside them at once, as far as they are ours. */
static void rows(void *arg, int32_t worker, int64_t begin, int64_t end)
{
    const job *j = arg;
    const pad_params *p = j->p;
    const int64_t *maps = j->a->packed;
    const int32_t last = p->rank - 1;
    const bool framed =
        p->mode == CONSTANT && p->block == 4 && p->size == 4 && p->left == 1 && p->right == 1 && p->middle > 0;
    int64_t index[LN_MAX_RANK] = {0}, rest = begin;
    char *y = (char *)j->a->out[0] + begin * (p->left + p->middle + p->right) * p->block;
    uint32_t value = 0;
    if (framed)
        memcpy(&value, j->value, sizeof value);
    (void)worker;
    for (int32_t i = last; i >= 0; i--) {
        index[i] = rest % p->dims[i];
        rest /= p->dims[i];
    }
    for (int64_t r = begin; r < end;) {
        int64_t from = source_of(p, maps, index, last < 0 ? 0 : last), first = last < 0 ? 0 : index[last];
        int64_t count = last < 0 ? 1 : p->dims[last] - first;
        const int64_t *map = last >= 0 && p->map[last] >= 0 ? maps + p->map[last] : NULL;
        count = count < end - r ? count : end - r;
        for (int64_t i = first; i < first + count; i++) {
            int64_t at = map ? map[i] : i;
            if (from < 0 || at < 0) {
                y = constant_row(j, y);
                continue;
            }
            const char *x = (const char *)j->a->in[0] + from + (last < 0 ? 0 : at * p->strides[last]);
            y = framed ? framed_row(j, y, x, value) : one_row(j, y, x);
        }
        r += count;
        if (last >= 0)
            index[last] += count - 1;
        for (int32_t i = last; i >= 0 && ++index[i] == p->dims[i]; i--)
            index[i] = 0;
    }
}

LN_RUN(ln_pad)
{
    const pad_params *p = a->params;
    job j = {p, a, p->given ? a->in[2] : p->fill};
    int64_t row = (p->left + p->middle + p->right) * p->block;
    if (row)
        ln_parallel(a, p->rows, 10 + 0.06 * (double)row, rows, &j);
    return LINNET_OK;
}

/* Source index of output index i of a dimension of n elements, of which lo and hi are added (or cut) at the ends. */
static int64_t source(int32_t mode, int64_t n, int64_t lo, int64_t hi, int64_t i)
{
    int64_t first = lo < 0 ? -lo : 0, kept = n - first - (hi < 0 ? -hi : 0), k = i - (lo > 0 ? lo : 0);
    if (k >= 0 && k < kept)
        return first + k;
    switch (mode) {
    case EDGE:
        return first + (k < 0 ? 0 : kept - 1);
    case WRAP:
        k %= kept;
        return first + (k < 0 ? k + kept : k);
    case REFLECT: {
        int64_t period = 2 * (kept - 1);
        if (period == 0)
            return first;
        k %= period;
        k = k < 0 ? k + period : k;
        return first + (k < kept ? k : period - k);
    }
    default:
        return -1;
    }
}

/* The output's dimension, checked. */
static linnet_status padded(ln_ctx *c, int32_t axis, int64_t n, int64_t lo, int64_t hi, int32_t mode, int64_t *size)
{
    int64_t cut = 0, sum;
    if (__builtin_add_overflow(lo, hi, &sum) || __builtin_add_overflow(n, sum, &sum) || lo == INT64_MIN ||
        hi == INT64_MIN || __builtin_add_overflow(lo < 0 ? -lo : 0, hi < 0 ? -hi : 0, &cut) || sum < 0 || cut > n)
        return ln_fail(c, LINNET_ERR_MODEL, "pads %lld and %lld of dimension %d of size %lld", (long long)lo,
                       (long long)hi, axis, (long long)n);
    if (mode != CONSTANT && n - cut == 0 && sum > 0)
        return ln_fail(c, LINNET_ERR_MODEL, "dimension %d is empty: nothing to pad it with", axis);
    *size = sum;
    return LINNET_OK;
}

/* Everything but the values that are read from inputs: lo and hi per dimension of input 0. */
static linnet_status plan_pads(ln_ctx *c, pad_params *p, const int64_t *lo, const int64_t *hi)
{
    const ln_info *x = c->in[0];
    int32_t last = x->rank - 1, first;
    p->size = (int64_t)linnet_type_size((linnet_type)x->type);
    while (last >= 0 && lo[last] == 0 && hi[last] == 0)
        last--;
    if (last < 0)
        return ln_plan_reshaped(c);
    int64_t n = x->dims[last], total = 0;
    p->block = p->size * ln_dims_product(x->dims, last + 1, x->rank);
    p->left = lo[last] > 0 ? lo[last] : 0;
    p->right = hi[last] > 0 ? hi[last] : 0;
    p->start = lo[last] < 0 ? -lo[last] : 0;
    p->middle = n - p->start - (hi[last] < 0 ? -hi[last] : 0);
    p->rows = 1;
    for (int32_t i = 0; i < last; i++) {
        p->rows *= x->dims[i] + lo[i] + hi[i];
        if (lo[i] || hi[i])
            total += x->dims[i] + lo[i] + hi[i];
    }
    bool mapped = p->mode != CONSTANT;
    p->margin = total;
    int64_t *maps = ln_pack(c, (size_t)(total + (mapped ? p->left + p->right : 0) + 1) * sizeof *maps);
    if (!maps)
        return ln_no_memory(c);
    if (mapped) {
        for (int64_t i = 0; i < p->left; i++)
            maps[total + i] = source(p->mode, n, lo[last], hi[last], i);
        for (int64_t i = 0; i < p->right; i++)
            maps[total + p->left + i] = source(p->mode, n, lo[last], hi[last], p->left + p->middle + i);
    }
    p->rank = 0;
    int64_t stride = p->block * n, at = 0;
    int64_t strides[LN_MAX_RANK];
    for (int32_t i = last - 1; i >= 0; i--) {
        strides[i] = stride;
        stride *= x->dims[i];
    }
    for (int32_t i = 0; i < last; i = first) {
        int32_t r = p->rank++;
        first = i + 1;
        if (lo[i] || hi[i]) {
            p->map[r] = at;
            p->dims[r] = x->dims[i] + lo[i] + hi[i];
            for (int64_t k = 0; k < p->dims[r]; k++)
                maps[at++] = source(p->mode, x->dims[i], lo[i], hi[i], k);
        } else {
            while (first < last && lo[first] == 0 && hi[first] == 0)
                first++;
            p->map[r] = -1;
            p->dims[r] = ln_dims_product(x->dims, i, first);
        }
        p->strides[r] = strides[first - 1];
    }
    return LINNET_OK;
}

/* -- Pad ----------------------------------------------------------------------------------------------------------- */

/* lo and hi per dimension; *known: the pads are there; *which: the axes are. axis[i]: dimension i may be padded. */
static linnet_status read_pads(ln_ctx *c, int64_t *lo, int64_t *hi, bool *axis, bool *known, bool *which)
{
    const pad_params *p = c->params;
    int32_t rank = c->in[0]->rank, n_axes = -1;
    int64_t axes[LN_MAX_RANK], n;
    const int64_t *pads = p->pads;
    bool inputs = c->version >= 11 || c->op->domain[0];
    *which = true;
    if (inputs) {
        const ln_info *in = ln_in(c, 1);
        if (!in)
            return ln_fail(c, LINNET_ERR_MODEL, "input 1 is missing");
        LN_TRY(ln_check_type(c, 1, LN_T(LINNET_INT64), "pads"));
        LN_TRY(ln_check_same_type(c, 2, 0));
        LN_TRY(ln_read_ints(c, 3, "axes", axes, &n_axes));
        *which = n_axes >= 0 || !ln_in(c, 3);
        pads = in->data;
        n = ln_info_count(in);
    } else {
        n = p->n_pads;
    }
    *known = pads && *which;
    for (int32_t i = 0; i < rank; i++) {
        lo[i] = hi[i] = 0;
        axis[i] = !*which || n_axes < 0;
        if (n_axes < 0)
            axes[i] = i;
    }
    if (!*which)
        return LINNET_OK;
    if (n_axes < 0)
        n_axes = rank;
    LN_TRY(ln_check_axes(c, n_axes, axes, rank));
    if (n >= 0 && n != 2 * n_axes)
        return ln_fail(c, LINNET_ERR_MODEL, "%lld pads for %d dimensions", (long long)n, n_axes);
    for (int32_t i = 0; i < n_axes; i++) {
        axis[axes[i]] = true;
        lo[axes[i]] = *known ? pads[i] : 0;
        hi[axes[i]] = *known ? pads[n_axes + i] : 0;
    }
    return LINNET_OK;
}

static linnet_status pad_infer(ln_ctx *c)
{
    const pad_params *p = c->params;
    const ln_info *x = c->in[0];
    int64_t lo[LN_MAX_RANK], hi[LN_MAX_RANK], dims[LN_MAX_RANK];
    bool known, which, axis[LN_MAX_RANK];
    bool inputs = c->version >= 11 || c->op->domain[0];
    if (inputs && (p->n_pads >= 0 || p->value != 0))
        return ln_fail(c, LINNET_ERR_MODEL, "%s is an input from opset 11 on, not an attribute",
                       p->value != 0 ? "value" : "pads");
    if (p->value != 0)
        LN_TRY(ln_check_type(c, 0, LN_T_FLOATS, "data"));
    if (!inputs && p->n_pads < 0)
        return ln_fail(c, LINNET_ERR_MODEL, "attribute pads is missing");
    if (!inputs && c->n_in > 1)
        return ln_fail(c, LINNET_ERR_MODEL, "%d inputs before opset 11, expected 1", c->n_in);
    if (p->mode == WRAP && c->version < 19 && !c->op->domain[0])
        return ln_fail(c, LINNET_ERR_MODEL, "mode wrap before opset 19");
    const ln_info *value = ln_in(c, 2);
    if (value && !ln_maybe_scalar(value))
        return ln_fail(c, LINNET_ERR_MODEL, "constant_value has %lld elements", (long long)ln_info_count(value));
    if (x->rank < 0)
        return ln_set_unknown(c, 0, (linnet_type)x->type);
    LN_TRY(read_pads(c, lo, hi, axis, &known, &which));
    for (int32_t i = 0; i < x->rank; i++) {
        dims[i] = axis[i] ? LN_UNKNOWN : x->dims[i];
        if (known && lo[i] == 0 && hi[i] == 0)
            dims[i] = x->dims[i];
        else if (known && x->dims[i] >= 0)
            LN_TRY(padded(c, i, x->dims[i], lo[i], hi[i], p->mode, &dims[i]));
    }
    return ln_set_shape(c, 0, (linnet_type)x->type, x->rank, dims);
}

static linnet_status pad_plan(ln_ctx *c)
{
    pad_params *p = c->params;
    int64_t lo[LN_MAX_RANK], hi[LN_MAX_RANK];
    bool known, which, axis[LN_MAX_RANK];
    LN_TRY(read_pads(c, lo, hi, axis, &known, &which));
    if (!known)
        return LN_NEED_DATA;
    p->given = ln_in(c, 2) != NULL;
    if (p->value != 0) /* infer has seen that these are floats */
        ln_from_f32(p->fill, c->in[0]->type, 0, &p->value, 1, 0);
    return plan_pads(c, p, lo, hi);
}

/* -- CenterCropPad ------------------------------------------------------------------------------------------------- */

static linnet_status centercroppad_infer(ln_ctx *c)
{
    pad_params *p = c->params;
    const ln_info *x = c->in[0], *shape = c->in[1];
    int64_t sizes[LN_MAX_RANK], dims[LN_MAX_RANK];
    int32_t n;
    LN_TRY(ln_check_rank(c, 1, 1, 1, "shape"));
    LN_TRY(ln_read_ints(c, 1, "shape", sizes, &n));
    if (x->rank < 0)
        return ln_set_unknown(c, 0, (linnet_type)x->type);
    int32_t n_axes = p->n_axes >= 0 ? p->n_axes : x->rank;
    LN_TRY(ln_check_axes(c, p->n_axes, p->axes, x->rank));
    if (shape->rank == 1)
        LN_TRY(ln_check_dim(c, shape->dims[0], n_axes, "the number of elements of shape"));
    for (int32_t i = 0; i < x->rank; i++)
        dims[i] = x->dims[i];
    for (int32_t i = 0; i < n_axes; i++) {
        int64_t axis = p->n_axes >= 0 ? p->axes[i] : i;
        if (n >= 0 && sizes[i] < 0)
            return ln_fail(c, LINNET_ERR_MODEL, "shape[%d] is %lld", i, (long long)sizes[i]);
        dims[axis] = n >= 0 ? sizes[i] : LN_UNKNOWN;
    }
    return ln_set_shape(c, 0, (linnet_type)x->type, x->rank, dims);
}

static linnet_status centercroppad_plan(ln_ctx *c)
{
    pad_params *p = c->params;
    const ln_info *x = c->in[0], *y = c->out[0];
    int64_t lo[LN_MAX_RANK], hi[LN_MAX_RANK];
    for (int32_t i = 0; i < x->rank; i++) {
        int64_t d = y->dims[i] - x->dims[i];
        lo[i] = d / 2; /* towards zero: the odd one goes to the end, cut or added */
        hi[i] = d - lo[i];
    }
    p->mode = CONSTANT;
    return plan_pads(c, p, lo, hi);
}

static const ln_attr_spec pad_attrs[] = {LN_ATTR_E(pad_params, mode, "constant|reflect|edge|wrap", 0),
                                         LN_ATTR_INTS(pad_params, pads), LN_ATTR_F(pad_params, value, 0), LN_ATTR_END};
static const ln_attr_spec crop_attrs[] = {LN_ATTR_INTS(pad_params, axes), LN_ATTR_END};

LN_OP(Pad) = {
    .domain = "",
    .type = "Pad",
    .since = {2, 11, 13, 18, 19, 21, 23, 24, 25},
    .types = LN_T_ALL,
    .in = {1, 4},
    .out = {1, 1},
    .attrs = pad_attrs,
    .params_size = sizeof(pad_params),
    .infer = pad_infer,
    .plan = pad_plan,
    LN_RUN_NAME(ln_pad),
};

LN_OP(com_microsoft_Pad) = {
    .domain = "com.microsoft",
    .type = "Pad",
    .since = {1},
    .types = LN_T_ALL,
    .in = {2, 4},
    .out = {1, 1},
    .attrs = pad_attrs,
    .params_size = sizeof(pad_params),
    .infer = pad_infer,
    .plan = pad_plan,
    LN_RUN_NAME(ln_pad),
};

LN_OP(CenterCropPad) = {
    .domain = "",
    .type = "CenterCropPad",
    .since = {18},
    .types = LN_T_ALL,
    .in = {2, 2},
    .out = {1, 1},
    .attrs = crop_attrs,
    .params_size = sizeof(pad_params),
    .infer = centercroppad_infer,
    .plan = centercroppad_plan,
    LN_RUN_NAME(ln_pad),
};
