/* SPDX-License-Identifier: Apache-2.0
 *
 * Where: condition ? x : y with broadcasting of all three. ai.onnx 9, 16. Elements are moved by their size, so every
 * type of a size is one case; strings are moved as their 16-byte structs.
 */
#include <string.h>

#include "kernels/kernels.h"
#include "ops/broadcast.h"

typedef struct where_params {
    ln_bcast b;
    int32_t size; /* of an element, bytes */
} where_params;

static void row(int32_t size, void *out, const void *const *in, int64_t n, const size_t *step)
{
    const uint8_t *test = in[0];
    if (step[0] == 1 && size <= 8) {
        ln_VWHERE *fn = size == 1   ? LN_K(where_8)
                        : size == 2 ? LN_K(where_16)
                        : size == 4 ? LN_K(where_32)
                                    : LN_K(where_64);
        fn(out, test, in[1], in[2], (size_t)n, step[1], step[2]);
        return;
    }
    for (int64_t i = 0; i < n; i++, test += step[0]) {
        int32_t from = *test ? 1 : 2;
        const char *x = (const char *)in[from] + (size_t)i * step[from] * (size_t)size;
        memmove((char *)out + i * size, x, (size_t)size);
    }
}

static void task(void *arg, int32_t worker, int64_t begin, int64_t end)
{
    const ln_args *a = arg;
    const where_params *p = a->params;
    size_t size = (size_t)p->size;
    const size_t step[3] = {ln_bcast_step(&p->b, 0), ln_bcast_step(&p->b, 1), ln_bcast_step(&p->b, 2)};
    ln_walk w;
    (void)worker;
    ln_walk_start(&w, &p->b, begin);
    while (begin < end) {
        int64_t n = w.left < end - begin ? w.left : end - begin;
        const void *in[3] = {(const char *)a->in[0] + w.offset[0], (const char *)a->in[1] + (size_t)w.offset[1] * size,
                             (const char *)a->in[2] + (size_t)w.offset[2] * size};
        row(p->size, (char *)a->out[0] + (size_t)begin * size, in, n, step);
        begin += n;
        ln_walk_next(&w, &p->b, n);
    }
}

LN_RUN(ln_where)
{
    ln_args copy = *a;
    ln_parallel(a, ((const where_params *)a->params)->b.count, 0.5, task, &copy);
    return LINNET_OK;
}

static linnet_status infer(ln_ctx *c)
{
    linnet_type type = (linnet_type)(c->in[1]->type ? c->in[1]->type : c->in[2]->type);
    LN_TRY(ln_check_type(c, 1, LN_T_NUMBERS | LN_T_COMPLEX | LN_T(LINNET_BOOL) | LN_T(LINNET_STRING), "X"));
    if (type)
        LN_TRY(ln_check_type(c, 2, LN_T(type), "Y"));
    LN_TRY(ln_infer_broadcast(c));
    if (!c->out[0])
        return LINNET_OK;
    ln_info shape = *c->out[0];
    return shape.rank < 0 ? ln_set_unknown(c, 0, type) : ln_set_shape(c, 0, type, shape.rank, shape.dims);
}

static linnet_status plan(ln_ctx *c)
{
    where_params *p = c->params;
    ln_bcast_make(&p->b, c->out[0], 3, c->in);
    p->size = (int32_t)linnet_type_size((linnet_type)c->in[1]->type);
    if (ln_info_count(c->in[1]) == p->b.count)
        ln_in_place(c, 0, 1);
    else if (ln_info_count(c->in[2]) == p->b.count)
        ln_in_place(c, 0, 2);
    return LINNET_OK;
}

LN_OP(Where) = {
    .domain = "",
    .type = "Where",
    .since = {9, 16},
    .types = LN_T(LINNET_BOOL),
    .in = {3, 3},
    .out = {1, 1},
    .params_size = sizeof(where_params),
    .infer = infer,
    .plan = plan,
    LN_RUN_NAME(ln_where),
};
