/* SPDX-License-Identifier: Apache-2.0
 *
 * MatMul: matrix product with the semantics of numpy.matmul. ai.onnx MatMul-1, -9 (integers), -13 (bfloat16). Passes
 * may add a bias, a residual and an activation (fused.h). FusedMatMul of com.microsoft: A and B may be transposed, also
 * with the first dimension of A or B behind those of the batch, and the result is scaled.
 */
#include "ops/product.h"

/* FusedMatMul: what may be transposed. */
typedef struct matmul_params {
    ln_product product;
    int64_t trans_batch_a, trans_batch_b;
} matmul_params;

/* Shape and strides of A or B, with the dimension that a vector lacks. */
typedef struct operand {
    int64_t rows, cols, row, col; /* sizes and strides */
    int32_t n_batch;
    int64_t batch[LN_MAX_RANK], stride[LN_MAX_RANK];
    bool vector;
} operand;

static operand operand_of(const ln_info *x, bool left, bool trans, bool trans_batch)
{
    operand o = {.vector = x->rank == 1};
    int64_t dims[LN_MAX_RANK], strides[LN_MAX_RANK], stride = 1;
    int32_t n = x->rank;
    for (int32_t d = n; d-- > 0;) {
        /* The first dimension goes behind the others but the last. */
        int32_t to = !trans_batch || d == n - 1 || n < 3 ? d : d == 0 ? n - 2 : d - 1;
        dims[to] = x->dims[d];
        strides[to] = stride;
        stride *= x->dims[d] > 0 ? x->dims[d] : 1;
    }
    if (o.vector) {
        o.rows = left ? 1 : dims[0];
        o.cols = left ? dims[0] : 1;
        o.row = left ? dims[0] : 1;
        o.col = 1;
        return o;
    }
    int32_t row = trans ? n - 1 : n - 2, col = trans ? n - 2 : n - 1;
    o.rows = dims[row];
    o.cols = dims[col];
    o.row = strides[row];
    o.col = strides[col];
    o.n_batch = n - 2;
    for (int32_t d = 0; d < o.n_batch; d++) {
        o.batch[d] = dims[d];
        o.stride[d] = dims[d] != 1 ? strides[d] : 0;
    }
    return o;
}

static operand left_of(const ln_ctx *c)
{
    const matmul_params *p = c->params;
    return operand_of(c->in[0], true, p->product.trans_a != 0, p->trans_batch_a != 0);
}

static operand right_of(const ln_ctx *c)
{
    const matmul_params *p = c->params;
    return operand_of(c->in[1], false, p->product.trans_b != 0, p->trans_batch_b != 0);
}

static linnet_status matmul_infer(ln_ctx *c)
{
    const ln_product *p = c->params;
    const ln_info *a = c->in[0], *b = c->in[1];
    linnet_type type = (linnet_type)(a->type ? a->type : b->type);
    if (a->kind != LINNET_TENSOR || b->kind != LINNET_TENSOR)
        return ln_fail(c, LINNET_ERR_MODEL, "inputs are no tensors");
    if (a->type && b->type && a->type != b->type)
        return ln_fail(c, LINNET_ERR_MODEL, "A is %s, B is %s", linnet_type_name((linnet_type)a->type),
                       linnet_type_name((linnet_type)b->type));
    LN_TRY(ln_fused_check(c, &p->fused, (int)type));
    if (a->rank == 0 || b->rank == 0)
        return ln_fail(c, LINNET_ERR_MODEL, "%s is a scalar", a->rank == 0 ? "A" : "B");
    if (a->rank < 0 || b->rank < 0)
        return ln_set_unknown(c, 0, type);
    operand l = left_of(c), r = right_of(c);
    if (l.cols >= 0 && r.rows >= 0 && l.cols != r.rows)
        return ln_fail(c, LINNET_ERR_MODEL, "A has %lld columns, B has %lld rows", (long long)l.cols,
                       (long long)r.rows);
    int64_t dims[LN_MAX_RANK + 2];
    int32_t rank = l.n_batch;
    for (int32_t i = 0; i < rank; i++)
        dims[i] = l.batch[i];
    if (!ln_broadcast(&rank, dims, r.n_batch, r.batch))
        return ln_fail(c, LINNET_ERR_MODEL, "the batch dimensions of A and B do not broadcast");
    if (!l.vector)
        dims[rank++] = l.rows;
    if (!r.vector)
        dims[rank++] = r.cols;
    return ln_set_shape(c, 0, type, rank, dims);
}

/* Strides of the batch dimensions of an operand, right-aligned to the n of the result; 0 where it is broadcast. */
static void strides_of(int64_t *strides, int32_t n, const operand *o)
{
    for (int32_t d = n, i = o->n_batch; d-- > 0;) {
        i--;
        strides[d] = i >= 0 ? o->stride[i] : 0;
    }
}

/* Bias and residual, which only passes add. */
static linnet_status fused_inputs(ln_ctx *c, ln_product *p)
{
    const ln_info *bias = ln_in(c, 2), *r = ln_in(c, 3);
    if ((bias || r) && p->type != LINNET_FLOAT32)
        return ln_fail(c, LINNET_ERR_MODEL, "%d inputs, expected 2", c->n_in);
    if (bias && (bias->type != LINNET_FLOAT32 || ln_info_count(bias) != p->n))
        return ln_fail(c, LINNET_ERR_MODEL, "the bias has no %lld elements", (long long)p->n);
    if (p->fused.residual && (!r || r->type != LINNET_FLOAT32 || ln_info_count(r) != ln_info_count(c->out[0])))
        return ln_fail(c, LINNET_ERR_MODEL, "the residual has not the shape of the output");
    p->c_in = bias ? 2 : -1;
    p->c_col = 1;
    p->r_in = p->fused.residual ? 3 : -1;
    return LINNET_OK;
}

static linnet_status matmul_plan(ln_ctx *c)
{
    ln_product *p = c->params;
    operand l = left_of(c), r = right_of(c);
    p->type = c->in[0]->type;
    p->beta = 1;
    p->a_in = 0;
    p->b_in = 1;
    p->m = l.rows;
    p->k = l.cols;
    p->n = r.cols;
    p->a_row = l.row;
    p->a_col = l.col;
    p->b_row = r.row;
    p->b_col = r.col;
    p->n_batch = c->out[0]->rank - !l.vector - !r.vector;
    p->batches = 1;
    for (int32_t i = 0; i < p->n_batch; i++) {
        p->batch[i] = c->out[0]->dims[i];
        p->batches *= p->batch[i];
    }
    strides_of(p->a_batch, p->n_batch, &l);
    strides_of(p->b_batch, p->n_batch, &r);
    ln_product_dense(p);
    LN_TRY(fused_inputs(c, p));
    return ln_product_plan(c, p);
}

static linnet_status plain_plan(ln_ctx *c)
{
    ((ln_product *)c->params)->alpha = 1;
    return matmul_plan(c);
}

static const ln_attr_spec attrs[] = {LN_ATTRS_FUSED(ln_product), LN_ATTR_END};
static const ln_attr_spec fused_attrs[] = {
    {.name = "alpha", .kind = LN_AT_FLOAT, .offset = offsetof(matmul_params, product.alpha), .f = 1},
    {.name = "transA", .kind = LN_AT_INT, .offset = offsetof(matmul_params, product.trans_a)},
    {.name = "transB", .kind = LN_AT_INT, .offset = offsetof(matmul_params, product.trans_b)},
    {.name = "transBatchA", .kind = LN_AT_INT, .offset = offsetof(matmul_params, trans_batch_a)},
    {.name = "transBatchB", .kind = LN_AT_INT, .offset = offsetof(matmul_params, trans_batch_b)},
    LN_ATTR_END};

LN_OP(MatMul) = {
    .domain = "",
    .type = "MatMul",
    .since = {1, 9, 13},
    .types = LN_T_FLOATS | LN_T(LINNET_INT32) | LN_T(LINNET_INT64) | LN_T(LINNET_UINT32) | LN_T(LINNET_UINT64),
    .in = {2, 4},
    .out = {1, 1},
    .attrs = attrs,
    .params_size = sizeof(matmul_params),
    .flags = LN_OP_PARTS,
    .infer = matmul_infer,
    .plan = plain_plan,
};

LN_OP(com_microsoft_FusedMatMul) = {
    .domain = "com.microsoft",
    .type = "FusedMatMul",
    .since = {1},
    .types = LN_T_FLOATS,
    .in = {2, 2},
    .out = {1, 1},
    .attrs = fused_attrs,
    .params_size = sizeof(matmul_params),
    .infer = matmul_infer,
    .plan = matmul_plan,
};
