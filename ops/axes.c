/* SPDX-License-Identifier: Apache-2.0
 *
 * Axes of reductions; see axes.h.
 */
#include "ops/axes.h"

linnet_status ln_axes_mask(ln_ctx *c, int32_t rank, int32_t n, const int64_t *axes, uint32_t *mask)
{
    *mask = 0;
    for (int32_t i = 0; i < n; i++) {
        int32_t axis;
        LN_TRY(ln_axis(c, axes[i], rank, &axis));
        if (*mask >> axis & 1)
            return ln_fail(c, LINNET_ERR_MODEL, "axis %d is named twice", axis);
        *mask |= UINT32_C(1) << axis;
    }
    return LINNET_OK;
}

linnet_status ln_axes_set_shape(ln_ctx *c, int32_t out, linnet_type type, uint32_t mask, bool keepdims)
{
    const ln_info *in = c->in[0];
    int64_t dims[LN_MAX_RANK];
    int32_t rank = 0;
    for (int32_t d = 0; d < in->rank; d++) {
        if (!(mask >> d & 1))
            dims[rank++] = in->dims[d];
        else if (keepdims)
            dims[rank++] = 1;
    }
    return ln_set_shape(c, out, type, rank, dims);
}

static void add(int64_t *dims, int64_t *strides, int32_t *n, int64_t dim, int64_t stride)
{
    if (*n > 0 && strides[*n - 1] == stride * dim) {
        dims[*n - 1] *= dim;
        strides[*n - 1] = stride;
        return;
    }
    dims[*n] = dim;
    strides[(*n)++] = stride;
}

void ln_axes_make(ln_axes *a, const ln_info *in, uint32_t mask)
{
    *a = (ln_axes){.n_kept = 1, .n_reduced = 1};
    int64_t strides[LN_MAX_RANK], stride = 1;
    for (int32_t d = in->rank - 1; d >= 0; d--) {
        strides[d] = stride;
        stride *= in->dims[d];
    }
    for (int32_t d = 0; d < in->rank; d++) {
        bool reduced = mask >> d & 1;
        *(reduced ? &a->n_reduced : &a->n_kept) *= in->dims[d];
        if (in->dims[d] == 1)
            continue;
        if (reduced)
            add(a->reduced_dims, a->reduced_strides, &a->reduced, in->dims[d], strides[d]);
        else
            add(a->kept_dims, a->kept_strides, &a->kept, in->dims[d], strides[d]);
    }
}

static int64_t offset(const int64_t *dims, const int64_t *strides, int32_t n, int64_t i)
{
    int64_t at = 0;
    for (int32_t d = n - 1; d > 0; d--) {
        at += i % dims[d] * strides[d];
        i /= dims[d];
    }
    return n > 0 ? at + i * strides[0] : 0;
}

int64_t ln_axes_kept(const ln_axes *a, int64_t i)
{
    return offset(a->kept_dims, a->kept_strides, a->kept, i);
}

int64_t ln_axes_reduced(const ln_axes *a, int64_t i)
{
    return offset(a->reduced_dims, a->reduced_strides, a->reduced, i);
}
