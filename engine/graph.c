/* SPDX-License-Identifier: Apache-2.0
 *
 * The graph's primitives: making values and nodes, the three mutations, copies. A dead node keeps its place, so that
 * ids stay as they are until compact.c moves what is left together; arrays grow by half in the graph's arena.
 */
#include "engine/graph.h"

#include <string.h>

/* -- growth ----------------------------------------------------------------------------------------------------------
 */

/* Room for one more item: returns the array (the old one while it has room), or NULL. */
static void *grow(ln_arena *a, void *items, int32_t n, int32_t *cap, size_t size)
{
    if (n < *cap)
        return items;
    if (*cap > INT32_MAX / 2)
        return NULL;
    int32_t larger = *cap + *cap / 2 + 8;
    void *p = ln_arena_array(a, larger, size);
    if (!p)
        return NULL;
    if (n)
        memcpy(p, items, (size_t)n * size);
    *cap = larger;
    return p;
}

static int32_t *copy_ids(ln_arena *a, const int32_t *ids, int32_t n)
{
    int32_t *p = ln_arena_array(a, n, sizeof *p);
    if (p && n)
        memcpy(p, ids, (size_t)n * sizeof *p);
    return p;
}

ln_graph *ln_graph_new(ln_arena *arena)
{
    ln_graph *g = ln_arena_zalloc(arena, sizeof *g, _Alignof(ln_graph));
    if (!g)
        return NULL;
    g->arena = arena;
    g->first = g->last = LN_NO_NODE;
    g->name = "";
    return g;
}

bool ln_graph_expect(ln_graph *g, int64_t values, int64_t nodes)
{
    int32_t cap_values = g->cap_values, cap_nodes = g->cap_nodes;
    ln_value *v = g->values;
    ln_node *n = g->nodes;
    if (values > cap_values && values < INT32_MAX / 2) {
        cap_values = (int32_t)values;
        v = ln_arena_array(g->arena, values, sizeof *v);
        if (v && g->n_values)
            memcpy(v, g->values, (size_t)g->n_values * sizeof *v);
    }
    if (nodes > cap_nodes && nodes < INT32_MAX / 2) {
        cap_nodes = (int32_t)nodes;
        n = ln_arena_array(g->arena, nodes, sizeof *n);
        if (n && g->n_nodes)
            memcpy(n, g->nodes, (size_t)g->n_nodes * sizeof *n);
    }
    if ((cap_values && !v) || (cap_nodes && !n))
        return false;
    g->values = v;
    g->nodes = n;
    g->cap_values = cap_values;
    g->cap_nodes = cap_nodes;
    return true;
}

int32_t ln_graph_value(ln_graph *g, const char *name)
{
    ln_value *values = grow(g->arena, g->values, g->n_values, &g->cap_values, sizeof *values);
    if (!values)
        return LN_NO_VALUE;
    g->values = values;
    values[g->n_values] = (ln_value){.info = {.kind = LINNET_TENSOR, .rank = -1},
                                     .name = name ? name : "",
                                     .producer = LN_NO_NODE,
                                     .first_use = {LN_NO_NODE, 0}};
    return g->n_values++;
}

int32_t ln_graph_symbol(ln_graph *g, const char *name)
{
    if (name)
        for (int32_t i = 0; i < g->n_symbols; i++)
            if (g->symbols[i] && strcmp(g->symbols[i], name) == 0)
                return -2 - i;
    const char **symbols = grow(g->arena, g->symbols, g->n_symbols, &g->cap_symbols, sizeof *symbols);
    if (!symbols)
        return 0;
    g->symbols = symbols;
    symbols[g->n_symbols] = name;
    return -2 - g->n_symbols++;
}

int32_t ln_graph_constant(ln_graph *g, const char *name, linnet_type type, int32_t rank, const int64_t *dims,
                          const void *data)
{
    int32_t id = ln_graph_value(g, name);
    if (id < 0)
        return LN_NO_VALUE;
    ln_info *info = &g->values[id].info;
    info->type = (uint8_t)type;
    info->rank = rank;
    for (int32_t i = 0; i < rank; i++)
        info->dims[i] = dims[i];
    info->data = data;
    return id;
}

/* -- uses ------------------------------------------------------------------------------------------------------------
 */

static void add_use(ln_graph *g, int32_t node, int32_t slot)
{
    int32_t value = g->nodes[node].in[slot];
    if (value < 0)
        return;
    ln_value *v = &g->values[value];
    g->nodes[node].next_use[slot] = v->first_use;
    v->first_use = (ln_use){node, slot};
    v->n_uses++;
}

static void remove_use(ln_graph *g, int32_t node, int32_t slot)
{
    int32_t value = g->nodes[node].in[slot];
    if (value < 0)
        return;
    ln_value *v = &g->values[value];
    ln_use *at = &v->first_use;
    while (at->node >= 0 && (at->node != node || at->slot != slot))
        at = &g->nodes[at->node].next_use[at->slot];
    if (at->node < 0)
        return;
    *at = g->nodes[node].next_use[slot];
    v->n_uses--;
}

void ln_graph_set_input(ln_graph *g, int32_t node, int32_t slot, int32_t value)
{
    remove_use(g, node, slot);
    g->nodes[node].in[slot] = value;
    add_use(g, node, slot);
}

bool ln_node_add_input(ln_graph *g, int32_t node, int32_t value)
{
    ln_node *n = &g->nodes[node];
    int32_t *in = ln_arena_array(g->arena, (int64_t)n->n_in + 1, sizeof *in);
    ln_use *next_use = ln_arena_array(g->arena, (int64_t)n->n_in + 1, sizeof *next_use);
    if (!in || !next_use)
        return false;
    if (n->n_in) {
        memcpy(in, n->in, (size_t)n->n_in * sizeof *in);
        memcpy(next_use, n->next_use, (size_t)n->n_in * sizeof *next_use);
    }
    bool bodies = false;
    for (int32_t i = 0; i < n->n_attrs; i++)
        bodies = bodies || n->attrs[i].kind == LN_ATTR_GRAPH;
    in[n->n_in] = value;
    next_use[n->n_in] = (ln_use){LN_NO_NODE, 0};
    n->in = in;
    n->next_use = next_use;
    n->n_in++;
    if (!bodies)
        n->n_formal = n->n_in;
    add_use(g, node, n->n_in - 1);
    return true;
}

void ln_graph_replace_uses(ln_graph *g, int32_t value, int32_t by)
{
    if (value == by)
        return;
    ln_value *from = &g->values[value], *to = &g->values[by];
    for (ln_use use = from->first_use; use.node >= 0;) {
        ln_node *n = &g->nodes[use.node];
        ln_use next = n->next_use[use.slot];
        n->in[use.slot] = by;
        n->next_use[use.slot] = to->first_use;
        to->first_use = use;
        use = next;
    }
    to->n_uses += from->n_uses;
    from->n_uses = 0;
    from->first_use = (ln_use){LN_NO_NODE, 0};
    for (int32_t i = 0; from->outputs && i < g->n_outputs; i++)
        if (g->outputs[i] == value) {
            g->outputs[i] = by;
            from->outputs--;
            to->outputs++;
        }
}

/* -- nodes -----------------------------------------------------------------------------------------------------------
 */

static void link_before(ln_graph *g, int32_t id, int32_t before)
{
    ln_node *n = &g->nodes[id];
    n->next = before;
    n->prev = before >= 0 ? g->nodes[before].prev : g->last;
    if (n->prev >= 0)
        g->nodes[n->prev].next = id;
    else
        g->first = id;
    if (n->next >= 0)
        g->nodes[n->next].prev = id;
    else
        g->last = id;
}

/* The lists of a node in one piece, as most hold one item or two. attrs: room for them too, and not those of n. */
static bool make_lists(ln_arena *a, ln_node *n, bool attrs)
{
    uint64_t first = attrs ? (uint64_t)n->n_attrs * sizeof *n->attrs : 0;
    uint64_t all =
        first + (uint64_t)n->n_in * (sizeof *n->next_use + sizeof *n->in) + (uint64_t)n->n_out * sizeof *n->out;
    char *p = all <= PTRDIFF_MAX ? ln_arena_zalloc(a, (size_t)all, _Alignof(ln_attr)) : NULL;
    if (!p)
        return false;
    if (attrs)
        n->attrs = (ln_attr *)(void *)p;
    n->next_use = (ln_use *)(void *)(p + first);
    n->in = (int32_t *)(void *)(n->next_use + n->n_in);
    n->out = n->in + n->n_in;
    return true;
}

static void copy_items(void *to, const void *from, int32_t n, size_t size)
{
    if (n)
        memcpy(to, from, (size_t)n * size);
}

int32_t ln_graph_insert_at(ln_graph *g, int32_t before, const char *domain, int64_t opset, const char *type,
                           const char *name, int32_t n_in, const int32_t *in, int32_t n_out, const int32_t *out,
                           int32_t n_attrs, const ln_attr *attrs)
{
    ln_node *nodes = grow(g->arena, g->nodes, g->n_nodes, &g->cap_nodes, sizeof *nodes);
    if (!nodes)
        return LN_NO_NODE;
    g->nodes = nodes;
    if (!domain || strcmp(domain, "ai.onnx") == 0)
        domain = "";
    ln_node n = {.name = name ? name : "",
                 .domain = domain,
                 .type = type,
                 .n_in = n_in,
                 .n_out = n_out,
                 .n_attrs = n_attrs,
                 .n_formal = n_in};
    if (!make_lists(g->arena, &n, true))
        return LN_NO_NODE;
    copy_items(n.in, in, n_in, sizeof *in);
    copy_items(n.out, out, n_out, sizeof *out);
    copy_items(n.attrs, attrs, n_attrs, sizeof *attrs);
    n.op = ln_op_find(domain, type);
    n.version = n.op ? ln_op_version(n.op, opset) : 0;
    if (n.version == 0) {
        n.op = NULL;
        n.version = (int32_t)opset;
    }
    int32_t id = g->n_nodes++;
    g->nodes[id] = n;
    link_before(g, id, before);
    for (int32_t i = 0; i < n_in; i++)
        add_use(g, id, i);
    for (int32_t i = 0; i < n_out; i++)
        if (out[i] >= 0)
            g->values[out[i]].producer = id;
    return id;
}

int32_t ln_graph_insert(ln_graph *g, int32_t before, const char *domain, const char *type, const char *name,
                        int32_t n_in, const int32_t *in, int32_t n_out, const int32_t *out, int32_t n_attrs,
                        const ln_attr *attrs)
{
    return ln_graph_insert_at(g, before, domain, ln_graph_opset(g, domain), type, name, n_in, in, n_out, out, n_attrs,
                              attrs);
}

void ln_graph_drop_output(ln_graph *g, int32_t node, int32_t slot)
{
    const ln_node *n = &g->nodes[node];
    if (n->out[slot] >= 0)
        g->values[n->out[slot]].producer = LN_NO_NODE;
    n->out[slot] = LN_NO_VALUE;
}

void ln_graph_kill(ln_graph *g, int32_t node)
{
    ln_node *n = &g->nodes[node];
    if (n->dead)
        return;
    for (int32_t i = 0; i < n->n_in; i++)
        remove_use(g, node, i);
    for (int32_t i = 0; i < n->n_out; i++)
        if (n->out[i] >= 0 && g->values[n->out[i]].producer == node)
            g->values[n->out[i]].producer = LN_NO_NODE;
    if (n->prev >= 0)
        g->nodes[n->prev].next = n->next;
    else
        g->first = n->next;
    if (n->next >= 0)
        g->nodes[n->next].prev = n->prev;
    else
        g->last = n->prev;
    n->dead = true;
}

/* A producer stays until it is killed; its output being constant, it then has no purpose. */
void ln_graph_set_data(ln_graph *g, int32_t value, const void *data)
{
    g->values[value].info.data = data;
}

/* -- inputs and outputs ----------------------------------------------------------------------------------------------
 */

bool ln_graph_set_inputs(ln_graph *g, const int32_t *values, int32_t n)
{
    int32_t *ids = copy_ids(g->arena, values, n);
    if (!ids)
        return false;
    for (int32_t i = 0; i < g->n_inputs; i++)
        g->values[g->inputs[i]].input = false;
    for (int32_t i = 0; i < n; i++)
        g->values[ids[i]].input = true;
    g->inputs = ids;
    g->n_inputs = n;
    return true;
}

bool ln_graph_set_outputs(ln_graph *g, const int32_t *values, int32_t n)
{
    int32_t *ids = copy_ids(g->arena, values, n);
    if (!ids)
        return false;
    for (int32_t i = 0; i < g->n_outputs; i++)
        g->values[g->outputs[i]].outputs--;
    for (int32_t i = 0; i < n; i++)
        g->values[ids[i]].outputs++;
    g->outputs = ids;
    g->n_outputs = n;
    return true;
}

bool ln_graph_add_input(ln_graph *g, int32_t value)
{
    int32_t *ids = ln_arena_array(g->arena, (int64_t)g->n_inputs + 1, sizeof *ids);
    if (!ids)
        return false;
    if (g->n_inputs)
        memcpy(ids, g->inputs, (size_t)g->n_inputs * sizeof *ids);
    ids[g->n_inputs++] = value;
    g->inputs = ids;
    g->values[value].input = true;
    return true;
}

/* -- copies ----------------------------------------------------------------------------------------------------------
 */

static ln_graph *clone(const ln_graph *g, ln_arena *arena, bool grows);

static bool clone_node(ln_node *to, const ln_node *from, ln_arena *arena)
{
    bool bodies = false;
    for (int32_t i = 0; i < from->n_attrs; i++)
        bodies = bodies || from->attrs[i].kind == LN_ATTR_GRAPH;
    *to = *from;
    if (!make_lists(arena, to, bodies))
        return false;
    copy_items(to->in, from->in, to->n_in, sizeof *to->in);
    copy_items(to->out, from->out, to->n_out, sizeof *to->out);
    copy_items(to->next_use, from->next_use, to->n_in, sizeof *to->next_use);
    if (!bodies)
        return true;
    copy_items(to->attrs, from->attrs, to->n_attrs, sizeof *to->attrs);
    for (int32_t i = 0; i < to->n_attrs; i++)
        if (to->attrs[i].kind == LN_ATTR_GRAPH && !from->dead) {
            to->attrs[i].graph = clone(from->attrs[i].graph, arena, false);
            if (!to->attrs[i].graph)
                return false;
        }
    return true;
}

/* grows: passes will make more values and nodes; those of bodies are copied again when these are planned. */
static ln_graph *clone(const ln_graph *g, ln_arena *arena, bool grows)
{
    ln_graph *c = ln_arena_dup(arena, g, sizeof *g, _Alignof(ln_graph));
    if (!c)
        return NULL;
    c->arena = arena;
    c->cap_values = c->cap_nodes = c->n_values = c->n_nodes = 0;
    c->values = NULL;
    c->nodes = NULL;
    c->cap_symbols = g->n_symbols;
    int64_t values = 0, nodes = 0, convolutions = 0;
    if (grows) { /* a convolution is replaced by several in turn, between transposes that come and go */
        for (int32_t i = 0; i < g->n_nodes; i++)
            convolutions += ln_node_is(&g->nodes[i], "Conv");
        values = g->n_values / 32 + 5 * convolutions + 16;
        nodes = g->n_nodes / 16 + 9 * convolutions + 16;
    }
    if (!ln_graph_expect(c, values + g->n_values, nodes + g->n_nodes))
        return NULL;
    c->n_values = g->n_values;
    c->n_nodes = g->n_nodes;
    if (g->n_values)
        memcpy(c->values, g->values, (size_t)g->n_values * sizeof *c->values);
    c->symbols = ln_arena_dup(arena, g->symbols, (size_t)g->n_symbols * sizeof *c->symbols, 16);
    c->inputs = copy_ids(arena, g->inputs, g->n_inputs);
    c->outputs = copy_ids(arena, g->outputs, g->n_outputs);
    if (!c->symbols || !c->inputs || !c->outputs)
        return NULL;
    for (int32_t i = 0; i < g->n_nodes; i++)
        if (!clone_node(&c->nodes[i], &g->nodes[i], arena))
            return NULL;
    return c;
}

/* Ids are the same in the copy. Names, attributes but for bodies, and constant data are shared. */
ln_graph *ln_graph_clone(const ln_graph *g, ln_arena *arena)
{
    return clone(g, arena, true);
}
