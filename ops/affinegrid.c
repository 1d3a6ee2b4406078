/* SPDX-License-Identifier: Apache-2.0
 *
 * AffineGrid: the points of a regular grid over [-1, 1], moved by an affine map per sample; last dimension first.
 * Computed in float64. ai.onnx AffineGrid-20.
 */
#include "ops/moving.h"

typedef struct affine_params {
    int64_t align_corners;
    int64_t samples, dims[3]; /* sizes of the spatial dimensions, of 1 in front where there are two */
    int32_t rank, type;       /* rank: spatial dimensions */
} affine_params;

static double position(const affine_params *p, int64_t i, int64_t n)
{
    if (!p->align_corners)
        return (2 * (double)i + 1) / (double)n - 1;
    return n > 1 ? 2 * (double)i / (double)(n - 1) - 1 : -1;
}

static void planes(void *arg, int32_t worker, int64_t begin, int64_t end)
{
    const ln_args *a = arg;
    const affine_params *p = a->params;
    int64_t row = p->dims[2] * p->rank, columns = p->rank + 1;
    (void)worker;
    for (int64_t r = begin; r < end; r++) {
        int64_t h = r % p->dims[1], d = r / p->dims[1] % p->dims[0], n = r / p->dims[1] / p->dims[0];
        double at[3] = {0, position(p, h, p->dims[1]), p->rank == 3 ? position(p, d, p->dims[0]) : 0};
        for (int64_t w = 0; w < p->dims[2]; w++) {
            at[0] = position(p, w, p->dims[2]);
            for (int32_t i = 0; i < p->rank; i++) {
                int64_t m = (n * p->rank + i) * columns;
                double v = ln_get_f64(a->in[0], p->type, m + p->rank);
                for (int32_t k = 0; k < p->rank; k++)
                    v += ln_get_f64(a->in[0], p->type, m + k) * at[k];
                ln_put_f64(a->out[0], p->type, r * row + w * p->rank + i, v);
            }
        }
    }
}

LN_RUN(ln_affinegrid)
{
    const affine_params *p = a->params;
    ln_parallel(a, p->samples * p->dims[0] * p->dims[1], 40.0 * (double)p->dims[2], planes, (void *)(uintptr_t)a);
    return LINNET_OK;
}

static linnet_status affine_infer(ln_ctx *c)
{
    const ln_info *theta = c->in[0], *size = c->in[1];
    int64_t sizes[LN_MAX_RANK], dims[5];
    int32_t n;
    LN_TRY(ln_check_type(c, 1, LN_T(LINNET_INT64), "size"));
    LN_TRY(ln_check_rank(c, 0, 3, 3, "theta"));
    LN_TRY(ln_check_rank(c, 1, 1, 1, "size"));
    LN_TRY(ln_read_ints(c, 1, "size", sizes, &n));
    int32_t rank = n >= 0 ? n : size->rank == 1 && size->dims[0] >= 0 ? (int32_t)size->dims[0] : -1;
    if (rank < 0)
        return ln_set_unknown(c, 0, (linnet_type)theta->type);
    if (rank != 4 && rank != 5)
        return ln_fail(c, LINNET_ERR_MODEL, "size has %d elements, expected 4 or 5", rank);
    for (int32_t i = 0; i < rank - 1; i++) {
        dims[i] = n < 0 ? LN_UNKNOWN : i == 0 ? sizes[0] : sizes[i + 1];
        if (n >= 0 && dims[i] < 0)
            return ln_fail(c, LINNET_ERR_MODEL, "size[%d] is %lld", i == 0 ? 0 : i + 1, (long long)dims[i]);
    }
    dims[rank - 1] = rank - 2;
    if (theta->rank == 3) {
        LN_TRY(ln_check_dim(c, theta->dims[0], dims[0], "the number of matrices in theta"));
        LN_TRY(ln_check_dim(c, theta->dims[1], rank - 2, "the number of rows of theta"));
        LN_TRY(ln_check_dim(c, theta->dims[2], rank - 1, "the number of columns of theta"));
    }
    return ln_set_shape(c, 0, (linnet_type)theta->type, rank, dims);
}

static linnet_status affine_plan(ln_ctx *c)
{
    affine_params *p = c->params;
    const ln_info *y = c->out[0];
    p->rank = y->rank - 2;
    p->type = y->type;
    p->samples = y->dims[0];
    p->dims[0] = p->rank == 3 ? y->dims[1] : 1;
    p->dims[1] = y->dims[y->rank - 3];
    p->dims[2] = y->dims[y->rank - 2];
    return LINNET_OK;
}

static const ln_attr_spec attrs[] = {LN_ATTR_I(affine_params, align_corners, 0), LN_ATTR_END};

LN_OP(AffineGrid) = {
    .domain = "",
    .type = "AffineGrid",
    .since = {20},
    .types = LN_T_FLOATS,
    .in = {2, 2},
    .out = {1, 1},
    .attrs = attrs,
    .params_size = sizeof(affine_params),
    .infer = affine_infer,
    .plan = affine_plan,
    LN_RUN_NAME(ln_affinegrid),
};
