/* SPDX-License-Identifier: Apache-2.0
 *
 * Attention as exporters write it, recognised from its second product backwards:
 *
 *   MatMul(Softmax(MatMul(q, k') * scale + mask), v)
 *
 * becomes Attention of ai.linnet, which never makes the matrix of scores. The scale may lie on the scores, on q or on
 * k', as Mul or Div by a scalar; the mask may be missing. Transposes that bring heads and positions in order are taken
 * in, for the operator reads either order; so is the one behind it.
 */
#include <math.h>
#include <string.h>

#include "engine/sink.h"

typedef struct match {
    int32_t q, k, v, mask;
    bool q_last, k_last, v_last;
    float scale;
    int32_t rank;
} match;

/* value is x times a scalar: *x, and *scale is multiplied. */
static bool scaled(const ln_graph *g, int32_t value, int32_t *x, float *scale)
{
    const ln_node *mul = ln_rw_producer(g, value, "Mul"), *div = ln_rw_producer(g, value, "Div");
    const ln_node *n = mul ? mul : div;
    float s;
    if (!n || n->n_attrs)
        return false;
    for (int32_t i = 1; i >= (mul ? 0 : 1); i--)
        if (ln_info_count(ln_rw_info(g, n->in[i])) == 1 && ln_rw_info(g, n->in[i])->rank <= 1 &&
            ln_graph_scalar(g, n->in[i], &s) && !g->values[n->in[i]].input) {
            *x = n->in[1 - i];
            *scale = mul ? *scale * s : *scale / s;
            return true;
        }
    return false;
}

/* Behind scalars and transposes: where the value comes from, and the permutation from there. */
static int32_t source(const ln_graph *g, int32_t value, int32_t rank, int64_t *perm, float *scale)
{
    for (int32_t i = 0; i < rank; i++)
        perm[i] = i;
    for (int32_t depth = 0; depth < 6; depth++) {
        int64_t own[LN_MAX_RANK], both[LN_MAX_RANK];
        int32_t r;
        const ln_node *t = value < 0 ? NULL : ln_rw_producer(g, value, "Transpose");
        if (t && ln_transpose_perm(g, t, own, &r) && r == rank) {
            for (int32_t i = 0; i < rank; i++)
                both[i] = own[perm[i]];
            memcpy(perm, both, (size_t)rank * sizeof *perm);
            value = t->in[0];
        } else if (!scale || !scaled(g, value, &value, scale)) {
            break;
        }
    }
    return value;
}

/* The last three axes of perm are order[0..2], the first of four stays. */
static bool ordered(const int64_t *perm, int32_t rank, int a, int b, int c)
{
    const int64_t *last = perm + rank - 3, base = rank - 3;
    return (rank == 3 || perm[0] == 0) && last[0] == base + a && last[1] == base + b && last[2] == base + c;
}

/* An operand as [.., heads, length, size] (turned: [.., heads, size, length]) of a value that has heads first or last.
 */
static bool operand(const ln_graph *g, int32_t value, bool turned, float *scale, match *m, int32_t *from, bool *last)
{
    int64_t perm[LN_MAX_RANK];
    *from = source(g, value, m->rank, perm, scale);
    *last = turned ? ordered(perm, m->rank, 1, 2, 0) : ordered(perm, m->rank, 1, 0, 2);
    return *last || (turned ? ordered(perm, m->rank, 0, 2, 1) : ordered(perm, m->rank, 0, 1, 2));
}

static const ln_node *only(const ln_graph *g, int32_t value, const char *type)
{
    const ln_node *n = ln_rw_producer(g, value, type);
    return n && ln_graph_only_user(g, value) >= 0 ? n : NULL;
}

/* The mask broadcasts to the scores, and has all keys. */
static bool fits_scores(const ln_info *mask, const ln_info *scores)
{
    if (!ln_info_known(mask) || mask->rank < 1 || mask->rank > scores->rank || mask->type != LINNET_FLOAT32)
        return false;
    for (int32_t i = 1; i <= mask->rank; i++) {
        int64_t d = mask->dims[mask->rank - i];
        if (d != scores->dims[scores->rank - i] && (i == 1 || d != 1))
            return false;
    }
    return true;
}

static bool same_heads(const ln_graph *g, const match *m, const ln_info *scores)
{
    const ln_info *v = ln_rw_info(g, m->v), *k = ln_rw_info(g, m->k), *q = ln_rw_info(g, m->q);
    int32_t r = m->rank;
    if (!ln_info_known(v) || !ln_info_known(k) || !ln_info_known(q) || v->rank != r || k->rank != r || q->rank != r)
        return false;
    bool batch =
        r == 3 || (v->dims[0] == scores->dims[0] && k->dims[0] == scores->dims[0] && q->dims[0] == scores->dims[0]);
    int64_t heads = scores->dims[r - 3];
    return batch && q->dims[m->q_last ? r - 2 : r - 3] == heads && k->dims[m->k_last ? r - 2 : r - 3] == heads &&
           v->dims[m->v_last ? r - 2 : r - 3] == heads;
}

static bool find(const ln_graph *g, ln_pass_ctx *c, int32_t id, match *m)
{
    const ln_node *second = &g->nodes[id];
    const ln_node *soft = second->n_in == 2 ? only(g, second->in[0], "Softmax") : NULL;
    if (!soft || ln_rw_info(g, second->out[0])->type != LINNET_FLOAT32)
        return false;
    const ln_info *scores = ln_rw_info(g, soft->in[0]);
    int64_t axis = ln_node_attr_int(soft, "axis", soft->version < 13 ? 1 : -1);
    *m = (match){.mask = LN_NO_VALUE, .scale = 1, .rank = scores->rank};
    if (!ln_info_known(scores) || scores->rank < 3 || scores->rank > 4 || (axis != -1 && axis != scores->rank - 1))
        return false;
    int32_t value = soft->in[0];
    const ln_node *add = only(g, value, "Add");
    const ln_node *first = only(g, value, "MatMul");
    if (add && !add->n_attrs) {
        for (int32_t i = 0; i < 2 && m->mask < 0; i++) {
            int32_t x = add->in[i];
            float s = 1;
            while (ln_graph_only_user(g, x) >= 0 && scaled(g, x, &x, &s))
                continue;
            if (only(g, x, "MatMul") && ln_rw_same_shape(ln_rw_info(g, x), scores) &&
                fits_scores(ln_rw_info(g, add->in[1 - i]), scores)) {
                m->mask = add->in[1 - i];
                m->scale = s;
                first = only(g, x, "MatMul");
            }
        }
    } else if (!first) {
        while (ln_graph_only_user(g, value) >= 0 && scaled(g, value, &value, &m->scale))
            continue;
        first = only(g, value, "MatMul");
    }
    if (!first || first->n_attrs || second->n_attrs) {
        ln_pass_refuse(c, g, id, "its scores are no product, scaled or not, with or without a mask that broadcasts");
        return false;
    }
    if (!operand(g, first->in[0], false, &m->scale, m, &m->q, &m->q_last) ||
        !operand(g, first->in[1], true, &m->scale, m, &m->k, &m->k_last) ||
        !operand(g, second->in[1], false, NULL, m, &m->v, &m->v_last) || !same_heads(g, m, scores)) {
        ln_pass_refuse(c, g, id, "Q, K or V does not have heads, positions and sizes in an order that is known");
        return false;
    }
    return isfinite(m->scale);
}

/* The Transpose behind, which brings heads behind positions; LN_NO_NODE: there is none. */
static int32_t turn(const ln_graph *g, int32_t value, int32_t rank)
{
    int64_t perm[LN_MAX_RANK];
    int32_t r, user = ln_graph_only_user(g, value);
    bool fits = user >= 0 && ln_transpose_perm(g, &g->nodes[user], perm, &r) && r == rank;
    return fits && ordered(perm, rank, 1, 0, 2) ? user : LN_NO_NODE;
}

linnet_status ln_pass_attention(ln_graph *g, ln_pass_ctx *c)
{
    LN_FOR_NODES(g, id)
    {
        match m;
        if (!ln_node_is(&g->nodes[id], "MatMul") || !find(g, c, id, &m))
            continue;
        int32_t out = g->nodes[id].out[0], behind = turn(g, out, m.rank), old[2] = {id, behind};
        int32_t in[4] = {m.q, m.k, m.v, m.mask};
        ln_attr attrs[5] = {ln_rw_float("scale", m.scale), ln_rw_int("q_last", m.q_last), ln_rw_int("k_last", m.k_last),
                            ln_rw_int("v_last", m.v_last), ln_rw_int("y_last", behind >= 0)};
        if (behind >= 0)
            out = g->nodes[behind].out[0];
        linnet_status st = ln_rw_replace(g, c, old, behind >= 0 ? 2 : 1, out, "ai.linnet", "Attention", 1,
                                         m.mask < 0 ? 3 : 4, in, 5, attrs);
        if (st != LINNET_OK)
            return st;
    }
    return LINNET_OK;
}
