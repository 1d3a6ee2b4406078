/* SPDX-License-Identifier: Apache-2.0
 *
 * EmbedLayerNormalization (com.microsoft): the sum of a word, a position and perhaps a segment embedding (row 0 without
 * segment_ids), normalised over the hidden dimension; and for each sample the count of the mask's ones (0 without one).
 *
 *   input_ids, segment_ids?, word, position, segment?, gamma, beta, mask?, position_ids? -> output, mask_index, sum?
 */
#include <math.h>

#include "kernels/kernels.h"
#include "ops/map.h"

enum { IDS, SEGMENT_IDS, WORD, POSITION, SEGMENT, GAMMA, BETA, MASK, POSITION_IDS };

typedef struct embed_params {
    float epsilon;
    int32_t type;
    int64_t mask_index_type; /* attribute */
    int64_t batch, length, hidden;
    int64_t words, positions, segments; /* rows of the tables */
    int32_t shared_positions;           /* position_ids has one row for all samples */
    int32_t has_segment, has_segment_ids, has_mask, has_position_ids, has_sum;
} embed_params;

static bool id_in_range(const ln_args *a, int64_t id, int64_t rows, const char *what, linnet_status *st)
{
    if (id >= 0 && id < rows)
        return true;
    *st = ln_run_fail(a, "%s %lld is out of range [0, %lld)", what, (long long)id, (long long)rows);
    return false;
}

static void add_row(const embed_params *p, float *x, float *room, const void *table, int64_t row)
{
    ln_to_f32(room, table, p->type, row * p->hidden, p->hidden);
    LN_K(add_f32)(x, x, room, (size_t)p->hidden, 1, 1);
}

LN_RUN(ln_embedlayernorm)
{
    const embed_params *p = a->params;
    size_t n = (size_t)p->hidden;
    float *x = a->scratch, *gamma = x + n, *beta = gamma + n, *room = beta + n;
    const int32_t *ids = a->in[IDS], *segments = p->has_segment_ids ? a->in[SEGMENT_IDS] : NULL;
    const int32_t *positions = p->has_position_ids ? a->in[POSITION_IDS] : NULL;
    linnet_status st = LINNET_OK;
    ln_to_f32(gamma, a->in[GAMMA], p->type, 0, p->hidden);
    ln_to_f32(beta, a->in[BETA], p->type, 0, p->hidden);
    for (int64_t i = 0; i < p->batch * p->length; i++) {
        int64_t at = p->shared_positions ? i % p->length : i, position = positions ? positions[at] : i % p->length;
        int64_t segment = segments ? segments[i] : 0;
        if (!id_in_range(a, ids[i], p->words, "input id", &st) ||
            !id_in_range(a, position, p->positions, "position", &st) ||
            (p->has_segment && !id_in_range(a, segment, p->segments, "segment", &st)))
            return st;
        ln_to_f32(x, a->in[WORD], p->type, ids[i] * p->hidden, p->hidden);
        add_row(p, x, room, a->in[POSITION], position);
        if (p->has_segment)
            add_row(p, x, room, a->in[SEGMENT], segment);
        if (p->has_sum)
            ln_from_f32(a->out[2], p->type, i * p->hidden, x, p->hidden, 1);
        float mean = LN_K(sum_f32)(x, n, 0) / (float)p->hidden;
        float inverse = 1.0f / sqrtf(LN_K(sum_square_f32)(x, n, mean) / (float)p->hidden + p->epsilon);
        LN_K(normalize_f32)(x, x, n, mean, inverse, gamma, beta);
        ln_from_f32(a->out[0], p->type, i * p->hidden, x, p->hidden, 1);
    }
    const int32_t *mask = p->has_mask ? a->in[MASK] : NULL;
    for (int64_t b = 0; a->out[1] && b < p->batch; b++) {
        int32_t count = 0;
        for (int64_t i = 0; mask && i < p->length; i++)
            count += mask[b * p->length + i] == 1;
        ((int32_t *)a->out[1])[b] = count;
    }
    return LINNET_OK;
}

static linnet_status infer(ln_ctx *c)
{
    if (c->n_in <= BETA || !c->in[WORD])
        return ln_fail(c, LINNET_ERR_MODEL, "has %d inputs, expected at least 7, the third of them present", c->n_in);
    const ln_info *ids = c->in[IDS], *word = c->in[WORD];
    static const char *const names[] = {"input_ids",         "segment_ids", "word_embedding", "position_embedding",
                                        "segment_embedding", "gamma",       "beta",           "mask",
                                        "position_ids"};
    static const int32_t ranks[] = {2, 2, 2, 2, 2, 1, 1, 2, 2};
    uint32_t floats = LN_T(LINNET_FLOAT32) | LN_T_HALF;
    for (int32_t i = 0; i < c->n_in; i++) {
        bool table = i >= WORD && i <= BETA;
        if (!c->in[i] && (table && i != SEGMENT))
            return ln_fail(c, LINNET_ERR_MODEL, "%s is absent", names[i]);
        LN_TRY(ln_check_type(c, i, !table ? LN_T(LINNET_INT32) : word->type ? LN_T(word->type) : floats, names[i]));
        LN_TRY(ln_check_rank(c, i, ranks[i], ranks[i], names[i]));
        if (table && c->in[i] && c->in[i]->rank == ranks[i] && word->rank == 2)
            LN_TRY(ln_check_dim(c, c->in[i]->dims[ranks[i] - 1], word->dims[1], names[i]));
        if (c->in[i] && !table && c->in[i]->rank == 2 && ids->rank == 2) {
            if (i != POSITION_IDS || c->in[i]->dims[0] != 1)
                LN_TRY(ln_check_dim(c, c->in[i]->dims[0], ids->dims[0], names[i]));
            LN_TRY(ln_check_dim(c, c->in[i]->dims[1], ids->dims[1], names[i]));
        }
    }
    if (c->in[SEGMENT_IDS] && !c->in[SEGMENT])
        return ln_fail(c, LINNET_ERR_MODEL, "segment_ids without segment_embedding");
    int64_t dims[3] = {LN_UNKNOWN, LN_UNKNOWN, word->rank == 2 ? word->dims[1] : LN_UNKNOWN};
    if (ids->rank == 2) {
        dims[0] = ids->dims[0];
        dims[1] = ids->dims[1];
    }
    LN_TRY(ln_set_shape(c, 0, (linnet_type)word->type, 3, dims));
    LN_TRY(ln_set_shape(c, 1, LINNET_INT32, 1, dims));
    return ln_set_shape(c, 2, (linnet_type)word->type, 3, dims);
}

static linnet_status plan(ln_ctx *c)
{
    embed_params *p = c->params;
    const ln_info *ids = c->in[IDS];
    p->type = c->in[WORD]->type;
    if (!(LN_T(p->type) & (LN_T(LINNET_FLOAT32) | LN_T_HALF)))
        return ln_fail(c, LINNET_ERR_UNSUPPORTED, "element type %s", linnet_type_name((linnet_type)p->type));
    p->batch = ids->dims[0];
    p->length = ids->dims[1];
    p->hidden = c->in[WORD]->dims[1];
    p->words = c->in[WORD]->dims[0];
    p->positions = c->in[POSITION]->dims[0];
    p->has_segment = ln_in(c, SEGMENT) != NULL;
    p->has_segment_ids = ln_in(c, SEGMENT_IDS) != NULL;
    p->segments = p->has_segment ? c->in[SEGMENT]->dims[0] : 0;
    p->has_mask = ln_in(c, MASK) != NULL;
    p->has_position_ids = ln_in(c, POSITION_IDS) != NULL;
    p->shared_positions = p->has_position_ids && c->in[POSITION_IDS]->dims[0] == 1;
    p->has_sum = ln_has_out(c, 2);
    int64_t bytes;
    LN_TRY(ln_mul_size(c, p->hidden, 4 * (int64_t)sizeof(float), &bytes));
    ln_scratch(c, (size_t)bytes);
    return LINNET_OK;
}

static const ln_attr_spec attrs[] = {LN_ATTR_F(embed_params, epsilon, 1e-12f),
                                     LN_ATTR_I(embed_params, mask_index_type, 0), LN_ATTR_END};

LN_OP(MsEmbedLayerNormalization) = {
    .domain = "com.microsoft",
    .type = "EmbedLayerNormalization",
    .since = {1},
    .types = LN_T(LINNET_INT32),
    .in = {1, 9},
    .out = {2, 3},
    .attrs = attrs,
    .params_size = sizeof(embed_params),
    .infer = infer,
    .plan = plan,
    LN_RUN_NAME(ln_embedlayernorm),
};
