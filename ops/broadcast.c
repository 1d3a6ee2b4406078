/* SPDX-License-Identifier: Apache-2.0
 *
 * Broadcasting: shapes, collapsing and the walk; see broadcast.h.
 */
#include "ops/broadcast.h"

#include <string.h>

void ln_bcast_make(ln_bcast *b, const ln_info *out, int32_t n_in, const ln_info *const *in)
{
    int64_t dims[LN_MAX_RANK], strides[LN_BCAST_MAX][LN_MAX_RANK];
    int32_t rank = 0;
    memset(b, 0, sizeof *b);
    b->n_in = n_in;
    b->count = ln_info_count(out);
    for (int32_t d = 0; d < out->rank; d++) {
        if (out->dims[d] == 1)
            continue;
        dims[rank] = out->dims[d];
        for (int32_t i = 0; i < n_in; i++) {
            int32_t at = d - (out->rank - in[i]->rank);
            int64_t stride = 1;
            for (int32_t k = at + 1; k < in[i]->rank && at >= 0; k++)
                stride *= in[i]->dims[k];
            strides[i][rank] = at < 0 || in[i]->dims[at] == 1 ? 0 : stride;
        }
        rank++;
    }
    for (int32_t d = 0; d < rank; d++) {
        bool merge = b->rank > 0;
        for (int32_t i = 0; i < n_in && merge; i++)
            merge = b->strides[i][b->rank - 1] == strides[i][d] * dims[d];
        if (!merge) {
            b->dims[b->rank++] = dims[d];
        } else {
            b->dims[b->rank - 1] *= dims[d];
        }
        for (int32_t i = 0; i < n_in; i++)
            b->strides[i][b->rank - 1] = strides[i][d];
    }
    if (b->rank == 0) { /* one element */
        b->rank = 1;
        b->dims[0] = 1;
    }
}

void ln_walk_start(ln_walk *w, const ln_bcast *b, int64_t element)
{
    memset(w, 0, sizeof *w);
    for (int32_t d = b->rank - 1; d >= 0; d--) {
        w->index[d] = element % b->dims[d];
        element /= b->dims[d];
        for (int32_t i = 0; i < b->n_in; i++)
            w->offset[i] += w->index[d] * b->strides[i][d];
    }
    w->left = b->dims[b->rank - 1] - w->index[b->rank - 1];
}

void ln_walk_next(ln_walk *w, const ln_bcast *b, int64_t n)
{
    int32_t d = b->rank - 1;
    w->index[d] += n;
    w->left -= n;
    for (int32_t i = 0; i < b->n_in; i++)
        w->offset[i] += n * b->strides[i][d];
    if (w->left)
        return;
    w->left = b->dims[d];
    while (w->index[d] == b->dims[d] && d > 0) {
        for (int32_t i = 0; i < b->n_in; i++)
            w->offset[i] += b->strides[i][d - 1] - b->dims[d] * b->strides[i][d];
        w->index[d--] = 0;
        w->index[d]++;
    }
}

linnet_status ln_check_same_types(ln_ctx *c)
{
    uint8_t type = c->in[0]->type;
    for (int32_t i = 1; i < c->n_in; i++)
        if (c->in[i] && type && c->in[i]->type && c->in[i]->type != type)
            return ln_fail(c, LINNET_ERR_MODEL, "inputs have different element types, %s and %s",
                           linnet_type_name((linnet_type)type), linnet_type_name((linnet_type)c->in[i]->type));
    return LINNET_OK;
}

linnet_status ln_bcast_infer(ln_ctx *c, linnet_type type)
{
    LN_TRY(ln_infer_broadcast(c));
    if (type != LINNET_UNDEFINED && c->out[0]) {
        ln_info shape = *c->out[0];
        if (shape.rank < 0)
            return ln_set_unknown(c, 0, type);
        return ln_set_shape(c, 0, type, shape.rank, shape.dims);
    }
    return LINNET_OK;
}

linnet_status ln_bcast_old(ln_ctx *c, int64_t broadcast, ln_info *aligned)
{
    const ln_info *a = c->in[0], *b = c->in[1];
    *aligned = *b;
    if (a->rank < 0 || b->rank < 0)
        return LINNET_OK;
    if (!broadcast) {
        LN_TRY(ln_check_rank(c, 1, a->rank, a->rank, "second input"));
        for (int32_t i = 0; i < a->rank; i++)
            LN_TRY(ln_check_dim(c, b->dims[i], a->dims[i], "a dimension of the second input"));
        return LINNET_OK;
    }
    int64_t axis = ln_attr_int(c, "axis", (int64_t)a->rank - b->rank);
    if (axis < 0)
        axis += a->rank;
    if (ln_info_count(b) == 1 && axis + b->rank > a->rank) { /* one element, whatever its rank */
        aligned->rank = 0;
        return LINNET_OK;
    }
    if (b->rank > a->rank || axis < 0 || axis + b->rank > a->rank)
        return ln_fail(c, LINNET_ERR_MODEL, "rank %d from axis %lld on does not fit into rank %d", b->rank,
                       (long long)axis, a->rank);
    aligned->rank = a->rank;
    for (int32_t i = 0; i < a->rank; i++) {
        int64_t k = i - axis;
        aligned->dims[i] = k >= 0 && k < b->rank ? b->dims[k] : 1;
        if (aligned->dims[i] != 1)
            LN_TRY(ln_check_dim(c, aligned->dims[i], a->dims[i], "a dimension of the second input"));
    }
    return LINNET_OK;
}
