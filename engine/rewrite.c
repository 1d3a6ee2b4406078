/* SPDX-License-Identifier: Apache-2.0
 *
 * The helpers of passes; see rewrite.h.
 */
#include "engine/rewrite.h"

#include <string.h>

#include "engine/model.h"

const ln_info *ln_rw_info(const ln_graph *g, int32_t value)
{
    static const ln_info unknown = {.kind = LINNET_NONE, .rank = -1};
    return value < 0 ? &unknown : &g->values[value].info;
}

bool ln_rw_same_shape(const ln_info *a, const ln_info *b)
{
    if (!ln_info_known(a) || !ln_info_known(b) || a->rank != b->rank)
        return false;
    for (int32_t i = 0; i < a->rank; i++)
        if (a->dims[i] != b->dims[i])
            return false;
    return true;
}

const ln_node *ln_rw_producer(const ln_graph *g, int32_t value, const char *type)
{
    if (value < 0 || g->values[value].producer < 0)
        return NULL;
    const ln_node *n = &g->nodes[g->values[value].producer];
    return ln_node_is(n, type) ? n : NULL;
}

bool ln_rw_has_floats(const ln_graph *g, int32_t value)
{
    if (value < 0 || g->values[value].input)
        return false;
    const ln_info *info = &g->values[value].info;
    return info->kind == LINNET_TENSOR && info->type == LINNET_FLOAT32 && info->data;
}

const float *ln_rw_floats(const ln_graph *g, int32_t value)
{
    return ln_rw_has_floats(g, value) ? ln_graph_data(g, value) : NULL;
}

int32_t ln_rw_in(const ln_node *n, int32_t i)
{
    return i < n->n_in ? n->in[i] : LN_NO_VALUE;
}

int32_t ln_rw_out(const ln_node *n, int32_t i)
{
    return i < n->n_out ? n->out[i] : LN_NO_VALUE;
}

int32_t ln_rw_id(const ln_graph *g, const ln_node *n)
{
    return (int32_t)(n - g->nodes);
}

bool ln_rw_is(const ln_graph *g, int32_t value, float scalar)
{
    float s;
    return ln_rw_has_floats(g, value) && ln_graph_scalar(g, value, &s) && s == scalar;
}

int32_t ln_rw_new_floats(ln_graph *g, int32_t rank, const int64_t *dims, float **data)
{
    int64_t n = 1;
    for (int32_t i = 0; i < rank; i++)
        n *= dims[i];
    size_t bytes = (size_t)n * sizeof **data;
    *data = ln_arena_zalloc(g->arena, bytes, 64);
    return *data ? ln_graph_constant(g, "", LINNET_FLOAT32, rank, dims, *data) : LN_NO_VALUE;
}

int32_t ln_rw_new_ints(ln_graph *g, int32_t n, const int64_t *values)
{
    int64_t dims[1] = {n};
    void *data = ln_arena_dup(g->arena, values, (size_t)n * sizeof *values, 64);
    return data ? ln_graph_constant(g, "", LINNET_INT64, 1, dims, data) : LN_NO_VALUE;
}

ln_attr *ln_rw_attrs(ln_graph *g, const ln_node *n, const ln_attr *more, int32_t n_more, int32_t *n_attrs)
{
    ln_attr *all = ln_arena_array(g->arena, n->n_attrs + n_more + 1, sizeof *all);
    if (!all)
        return NULL;
    int32_t count = 0;
    for (int32_t i = 0; i < n->n_attrs; i++) {
        bool again = false;
        for (int32_t k = 0; k < n_more; k++)
            again |= strcmp(n->attrs[i].name, more[k].name) == 0;
        if (!again)
            all[count++] = n->attrs[i];
    }
    for (int32_t k = 0; k < n_more; k++)
        all[count++] = more[k];
    *n_attrs = count;
    return all;
}

ln_attr ln_rw_int(const char *name, int64_t i)
{
    return (ln_attr){.name = name, .kind = LN_ATTR_INT, .i = i};
}

ln_attr ln_rw_float(const char *name, float f)
{
    return (ln_attr){.name = name, .kind = LN_ATTR_FLOAT, .f = f};
}

linnet_status ln_rw_no_memory(ln_pass_ctx *c)
{
    return ln_error_set(c->error, LINNET_ERR_MEMORY, "", "", "out of memory in pass %s", c->pass);
}

linnet_status ln_rw_replace(ln_graph *g, ln_pass_ctx *c, const int32_t *old, int32_t n_old, int32_t out,
                            const char *domain, const char *type, int64_t opset, int32_t n_in, const int32_t *in,
                            int32_t n_attrs, const ln_attr *attrs)
{
    int32_t last = old[n_old - 1];
    const char *name = g->nodes[last].name;
    ln_info info = g->values[out].info;
    int32_t before = g->nodes[last].next;
    ln_graph_kill(g, last);
    int32_t made = ln_graph_insert_at(g, before, domain, opset, type, name, n_in, in, 1, &out, n_attrs, attrs);
    if (made < 0)
        return ln_rw_no_memory(c);
    g->values[out].info = info;
    /* The other nodes die when nothing uses them any more. */
    for (int32_t i = n_old - 1; i-- > 0;) {
        const ln_node *n = &g->nodes[old[i]];
        bool used = n->dead;
        for (int32_t k = 0; k < n->n_out && !used; k++)
            used = n->out[k] >= 0 && (g->values[n->out[k]].n_uses > 0 || g->values[n->out[k]].outputs > 0);
        if (!used)
            ln_graph_kill(g, old[i]);
    }
    c->changes++;
    return LINNET_OK;
}

bool ln_rw_bypass(ln_graph *g, ln_pass_ctx *c, int32_t node, int32_t by)
{
    const ln_node *n = &g->nodes[node];
    int32_t out = n->out[0];
    if (by < 0 || out < 0 || (!c->final && g->values[out].outputs > 0))
        return false;
    ln_graph_replace_uses(g, out, by);
    ln_graph_kill(g, node);
    c->changes++;
    return true;
}
