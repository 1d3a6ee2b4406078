/* SPDX-License-Identifier: Apache-2.0
 *
 * Concat: inputs one after the other along an axis. Where nothing but dimensions of 1 lies before the axis, an input is
 * one run of the output, and the engine may make it there in the first place; along the last axis it may make it in the
 * rows of the output. ai.onnx Concat-4 to -13.
 */
#include <string.h>

#include "kernels/kernels.h"
#include "ops/moving.h"

typedef struct concat_params {
    int64_t axis;
    int64_t outer, row; /* rows, bytes of one */
    int64_t pitch;      /* elements from row to row */
    int32_t n, pairs;   /* pairs: two columns of 32-bit elements */
    int32_t size, unused;
} concat_params;

/* Per input, in a->packed: bytes of a row, and where they go in it. bytes 0: nothing to copy. */
typedef struct part {
    int64_t bytes, offset;
} part;

static void some_rows(const ln_args *a, int64_t begin, int64_t end)
{
    const concat_params *p = a->params;
    const part *parts = a->packed;
    for (int32_t i = 0; i < p->n; i++) {
        int64_t bytes = parts[i].bytes;
        const char *x = (const char *)a->in[i] + begin * bytes;
        int64_t pitch = p->pitch * p->size;
        char *y = (char *)a->out[0] + begin * pitch + parts[i].offset;
        switch (bytes) {
        case 0:
            break;
        case 4: /* columns: the size known to the compiler makes the copy one instruction */
            for (int64_t r = begin; r < end; r++, x += 4, y += pitch)
                memcpy(y, x, 4);
            break;
        case 8:
            for (int64_t r = begin; r < end; r++, x += 8, y += pitch)
                memcpy(y, x, 8);
            break;
        default:
            for (int64_t r = begin; r < end; r++, x += bytes, y += pitch)
                memcpy(y, x, (size_t)bytes);
        }
    }
}

/* Rows that stay in the first cache while the inputs are put in one after the other. */
static void rows(void *arg, int32_t worker, int64_t begin, int64_t end)
{
    const ln_args *a = arg;
    const concat_params *p = a->params;
    const part *parts = a->packed;
    if (p->pairs && p->pitch == 2 && parts[0].bytes && parts[1].bytes) {
        LN_K(zip_u32)
        ((uint32_t *)a->out[0] + 2 * begin, (const uint32_t *)a->in[0] + begin, (const uint32_t *)a->in[1] + begin,
         (size_t)(end - begin));
        return;
    }
    int64_t step = (1 << 13) / (p->row + 1) + 1;
    (void)worker;
    for (; begin < end; begin += step)
        some_rows(a, begin, end - begin < step ? end : begin + step);
}

LN_RUN(ln_concat)
{
    const concat_params *p = a->params;
    const part *parts = a->packed;
    bool copies = false;
    for (int32_t i = 0; i < p->n; i++)
        copies = copies || parts[i].bytes;
    if (!copies)
        return LINNET_OK;
    if (p->outer == 1)
        for (int32_t i = 0; i < p->n; i++)
            ln_copy_parallel(a, (char *)a->out[0] + parts[i].offset, a->in[i], parts[i].bytes);
    else
        ln_parallel(a, p->outer, 1.0 * p->n + 0.06 * (double)p->row, rows, (void *)(uintptr_t)a);
    return LINNET_OK;
}

/* The same by one thread, of inputs that are one run of the output each: firmware has nothing else of this file. */
LN_RUN(ln_concat_runs)
{
    const concat_params *p = a->params;
    const part *parts = a->packed;
    for (int32_t i = 0; i < p->n; i++)
        if (parts[i].bytes)
            memcpy((char *)a->out[0] + parts[i].offset, a->in[i], (size_t)parts[i].bytes);
    return LINNET_OK;
}

static linnet_status concat_infer(ln_ctx *c)
{
    const concat_params *p = c->params;
    int32_t rank = -1, axis = 0;
    int64_t dims[LN_MAX_RANK] = {0}, sum = 0;
    linnet_type type = LINNET_UNDEFINED;
    bool unknown = false;
    for (int32_t i = 0; i < c->n_in; i++) {
        const ln_info *x = c->in[i];
        if (!x)
            return ln_fail(c, LINNET_ERR_MODEL, "input %d is missing", i);
        if (x->type != LINNET_UNDEFINED && type == LINNET_UNDEFINED)
            type = (linnet_type)x->type;
        if (x->type != LINNET_UNDEFINED && x->type != type)
            return ln_fail(c, LINNET_ERR_MODEL, "input %d is %s, but an earlier one is %s", i,
                           linnet_type_name((linnet_type)x->type), linnet_type_name(type));
        if (x->rank < 0) {
            unknown = true;
            continue;
        }
        if (rank < 0) {
            rank = x->rank;
            LN_TRY(ln_axis(c, p->axis, rank, &axis));
            memcpy(dims, x->dims, sizeof dims);
        }
        if (x->rank != rank)
            return ln_fail(c, LINNET_ERR_MODEL, "input %d has rank %d, but an earlier one has %d", i, x->rank, rank);
        for (int32_t k = 0; k < rank; k++) {
            if (k == axis)
                continue;
            if (dims[k] >= 0 && x->dims[k] >= 0 && dims[k] != x->dims[k])
                return ln_fail(c, LINNET_ERR_MODEL,
                               "input %d has size %lld in dimension %d, but an earlier one has %lld", i,
                               (long long)x->dims[k], k, (long long)dims[k]);
            if (dims[k] < 0 && x->dims[k] >= 0)
                dims[k] = x->dims[k];
        }
        if (x->dims[axis] < 0)
            unknown = true;
        else if (__builtin_add_overflow(sum, x->dims[axis], &sum))
            return ln_fail(c, LINNET_ERR_MEMORY, "too large along axis %d", axis);
    }
    if (rank < 0)
        return ln_set_unknown(c, 0, type);
    if (c->n_in > 1)
        dims[axis] = unknown ? LN_UNKNOWN : sum;
    return ln_set_shape(c, 0, type, rank, dims);
}

static linnet_status concat_plan(ln_ctx *c)
{
    concat_params *p = c->params;
    const ln_info *y = c->out[0];
    size_t size = linnet_type_size((linnet_type)y->type);
    int32_t axis;
    LN_TRY(ln_axis(c, p->axis, y->rank, &axis));
    if (c->n_in == 1 && ln_view(c, 0, 0, 0)) {
        c->run = NULL;
        return LINNET_OK;
    }
    part *parts = ln_pack(c, (size_t)c->n_in * sizeof *parts);
    if (!parts)
        return ln_no_memory(c);
    p->n = c->n_in;
    p->outer = ln_dims_product(y->dims, 0, axis);
    p->pitch = ln_dims_product(y->dims, axis, y->rank);
    p->size = (int32_t)size;
    p->row = p->pitch * p->size;
    bool last = axis == y->rank - 1 && p->outer > 1;
    bool left = false;
    int64_t offset = 0;
    for (int32_t i = 0; i < c->n_in; i++) {
        int64_t bytes = (int64_t)size * ln_dims_product(c->in[i]->dims, axis, y->rank);
        bool placed = p->outer == 1 && bytes && ln_place(c, i, 0, (size_t)offset);
        parts[i] = (part){placed ? 0 : bytes, offset};
        if (last)
            ln_place_rows(c, i, 0, offset / p->size, &parts[i].bytes);
        left = left || (bytes && !placed);
        offset += bytes;
    }
    p->pairs = size == 4 && p->n == 2 && p->outer > 1 && parts[0].bytes == 4 && parts[1].bytes == 4;
    if (last)
        ln_out_rows(c, 0, &p->pitch);
    if (p->outer == 1 && c->threads == 1)
        LN_SET_RUN(c, ln_concat_runs);
    if (!left && p->outer == 1 && p->row)
        c->run = NULL; /* every input is made in its place */
    return LINNET_OK;
}

static const ln_attr_spec attrs[] = {LN_ATTR_I_REQ(concat_params, axis), LN_ATTR_END};

LN_OP(Concat) = {
    .domain = "",
    .type = "Concat",
    .since = {4, 11, 13},
    .types = LN_T_ALL,
    .in = {1, LN_VARIADIC},
    .out = {1, 1},
    .attrs = attrs,
    .params_size = sizeof(concat_params),
    .infer = concat_infer,
    .plan = concat_plan,
    LN_RUN_NAME(ln_concat),
};
