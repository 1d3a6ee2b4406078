/* SPDX-License-Identifier: Apache-2.0
 *
 * What passes and operators ask a graph and its nodes: attributes, types, users, versions, labels.
 */
#include <string.h>

#include "engine/graph.h"

/* Most names differ in the first letter, and passes compare many. */
static bool same(const char *a, const char *b)
{
    return a[0] == b[0] && strcmp(a, b) == 0;
}

const ln_attr *ln_node_attr(const ln_node *n, const char *name)
{
    for (int32_t i = 0; i < n->n_attrs; i++)
        if (same(n->attrs[i].name, name))
            return &n->attrs[i];
    return NULL;
}

int64_t ln_node_attr_int(const ln_node *n, const char *name, int64_t def)
{
    const ln_attr *a = ln_node_attr(n, name);
    return a && a->kind == LN_ATTR_INT ? a->i : def;
}

bool ln_node_is(const ln_node *n, const char *type)
{
    return n->domain[0] == '\0' && same(n->type, type);
}

int32_t ln_graph_only_user(const ln_graph *g, int32_t value)
{
    const ln_value *v = &g->values[value];
    if (v->outputs || v->first_use.node < 0)
        return LN_NO_NODE;
    for (ln_use use = v->first_use; use.node >= 0; use = g->nodes[use.node].next_use[use.slot])
        if (use.node != v->first_use.node)
            return LN_NO_NODE;
    return v->first_use.node;
}

int64_t ln_graph_opset(const ln_graph *g, const char *domain)
{
    if (!domain || strcmp(domain, "ai.onnx") == 0)
        domain = "";
    for (int32_t i = 0; i < g->n_opsets; i++)
        if (strcmp(g->opsets[i].domain, domain) == 0)
            return g->opsets[i].version;
    return 0;
}

const char *ln_node_label(const ln_graph *g, const ln_node *n)
{
    if (n->name[0])
        return n->name;
    for (int32_t i = 0; i < n->n_out; i++)
        if (n->out[i] >= 0 && g->values[n->out[i]].name[0])
            return g->values[n->out[i]].name;
    return "";
}
