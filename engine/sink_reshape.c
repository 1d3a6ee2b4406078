/* SPDX-License-Identifier: Apache-2.0
 *
 * Sinking a transpose through Reshape: where axes are split or merged in groups, and no axis of two groups, the groups
 * can be reshaped where they lie above. Merged axes must lie there side by side; if they do not, a Transpose that
 * brings them together takes the place of the one above, provided that the rest cancels with the Transpose below (the
 * shuffle of channels between two convolutions: three transposes become one).
 */
#include <string.h>

#include "engine/sink_rules.h"

/* Axes of a group: what Reshape sees (first .. first + n), and what it makes. */
typedef struct group {
    int32_t in, n_in, out, n_out;
} group;

/* Cuts both shapes into the smallest groups of equal size; 0: there are none. */
static int32_t cut(const ln_info *x, const ln_info *y, group *groups)
{
    int32_t n = 0, i = 0, j = 0;
    while (i < x->rank && j < y->rank) {
        group *g = &groups[n++];
        *g = (group){.in = i, .out = j};
        int64_t a = x->dims[i++], b = y->dims[j++];
        while (a != b)
            if (a < b && i < x->rank)
                a *= x->dims[i++];
            else if (b < a && j < y->rank)
                b *= y->dims[j++];
            else
                return 0;
        g->n_in = i - g->in;
        g->n_out = j - g->out;
    }
    if (n > 0) { /* what is left are ones */
        groups[n - 1].n_in += x->rank - i;
        groups[n - 1].n_out += y->rank - j;
    }
    return n;
}

static bool positive(const ln_info *info)
{
    for (int32_t i = 0; i < info->rank; i++)
        if (info->dims[i] < 1)
            return false;
    return ln_info_known(info) && info->rank > 0;
}

/* The permutations of U' (by groups in the order in which they lie above: `order`). */
static void permutations(ln_sinking *s, const group *groups, int32_t n, const int32_t *order, int64_t *together)
{
    int32_t in = 0, out = 0;
    for (int32_t k = 0; k < n; k++) {
        const group *g = &groups[order[k]];
        for (int32_t i = 0; i < g->n_in; i++)
            together[in++] = s->perm[g->in + i];
        for (int32_t i = 0; i < g->n_out; i++)
            s->out_perm[g->out + i] = out++;
    }
    s->out_rank = out;
}

/* The only user is a Transpose that undoes out_perm. */
static bool cancels(const ln_sinking *s)
{
    const ln_graph *g = s->g;
    int64_t below[LN_MAX_RANK];
    int32_t rank, user = ln_graph_only_user(g, ln_sink_node(s)->out[0]);
    if (user < 0 || !ln_transpose_perm(g, &g->nodes[user], below, &rank) || rank != s->out_rank)
        return false;
    for (int32_t i = 0; i < rank; i++)
        if (s->out_perm[below[i]] != i)
            return false;
    return true;
}

bool ln_sink_reshape(ln_sinking *s)
{
    const ln_graph *g = s->g;
    ln_info x = *ln_rw_info(g, ln_sink_node(s)->in[0]), y = *ln_rw_info(g, ln_sink_node(s)->out[0]);
    group groups[LN_MAX_RANK];
    int32_t order[LN_MAX_RANK], n;
    if (!positive(&x) || !positive(&y) || (n = cut(&x, &y, groups)) == 0 || !ln_sink_first_only(s))
        return false;
    for (int32_t k = 0; k < n; k++) { /* by the axis above that the group begins with */
        int32_t at = k;
        for (; at > 0 && s->perm[groups[order[at - 1]].in] > s->perm[groups[k].in]; at--)
            order[at] = order[at - 1];
        order[at] = k;
    }
    int64_t together[LN_MAX_RANK], dims[LN_MAX_RANK];
    permutations(s, groups, n, order, together);
    bool moves = false;
    for (int32_t i = 0; i < s->rank; i++)
        moves |= together[i] != i;
    if (moves) {
        if (!cancels(s))
            return false;
        s->in[0] = ln_sink_transposed(s, s->in[0], together);
    }
    for (int32_t i = 0; i < s->out_rank; i++)
        dims[s->out_perm[i]] = y.dims[i];
    s->in[1] = ln_rw_new_ints(s->g, s->out_rank, dims);
    s->no_memory |= s->in[1] < 0;
    return !s->no_memory;
}
