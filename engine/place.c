/* SPDX-License-Identifier: Apache-2.0
 *
 * Values that lie in others: views, parts of a concatenation, and parts in the rows of a wider value. The first two are
 * granted at once. Rows need every step that makes or reads the part to take them, so those wishes wait until all steps
 * are planned; they are granted from the last concatenation back, so that what lies in one that lies in another itself
 * has the rows of the outermost.
 */
#include "engine/builder.h"

enum { READ_MAX = 1 << 20 };

static int32_t value_in(const ln_ctx *c, int32_t in)
{
    return c->p->g->nodes[c->p->node].in[in];
}

static int32_t value_out(const ln_ctx *c, int32_t out)
{
    return c->p->g->nodes[c->p->node].out[out];
}

bool ln_view(ln_ctx *c, int32_t out, int32_t in, size_t byte_offset)
{
    struct ln_builder *b = c->p->builder;
    if (!b)
        return ln_exec_view(c, out, in, byte_offset);
    int32_t from = value_in(c, in), to = value_out(c, out);
    if (c->late || !ln_is_static(b, from) || !ln_is_static(b, to) || b->g->values[from].info.data)
        return false;
    b->places[to].root = b->places[from].root;
    b->places[to].offset = b->places[from].offset + byte_offset;
    b->places[to].input = b->places[from].input;
    return true;
}

/* True: no other value lies in this one's storage, and nothing but the node itself may write there. */
static bool alone(const struct ln_builder *b, int32_t value)
{
    if (b->places[value].root != value)
        return false;
    for (int32_t v = 0; v < b->g->n_values; v++)
        if (v != value && b->places[v].root == value)
            return false;
    return true;
}

bool ln_place(ln_ctx *c, int32_t in, int32_t out, size_t byte_offset)
{
    struct ln_builder *b = c->p->builder;
    if (!b || c->late)
        return false;
    int32_t from = value_in(c, in), to = value_out(c, out);
    if (from == to || !ln_in_block(b, from) || !ln_in_block(b, to) || b->places[to].root != to || !alone(b, from))
        return false;
    b->places[from].root = to;
    b->places[from].offset = byte_offset;
    return true;
}

/* -- rows -----------------------------------------------------------------------------------------------------------
 */

static void add_user(ln_ctx *c, int32_t value, int32_t slot, int64_t *pitch)
{
    struct ln_builder *b = c->p->builder;
    if (!b || c->late || value < 0)
        return;
    ln_row_user *u = ln_arena_alloc(b->arena, sizeof *u, 8);
    b->exhausted = b->exhausted || !u;
    if (!u)
        return;
    *u = (ln_row_user){.next = b->places[value].rows, .node = c->p->node, .slot = slot, .pitch = pitch};
    b->places[value].rows = u;
}

void ln_in_rows(ln_ctx *c, int32_t in, int64_t *pitch)
{
    add_user(c, value_in(c, in), in, pitch);
}

void ln_out_rows(ln_ctx *c, int32_t out, int64_t *pitch)
{
    add_user(c, value_out(c, out), -1, pitch);
}

static void add_wish(ln_ctx *c, int32_t part, int32_t whole, int64_t offset, int64_t *bytes)
{
    struct ln_builder *b = c->p->builder;
    if (!b || c->late || part < 0 || whole < 0 || part == whole || *bytes == 0)
        return;
    ln_row_wish *w = ln_arena_alloc(b->arena, sizeof *w, 8);
    b->exhausted = b->exhausted || !w;
    if (!w)
        return;
    *w = (ln_row_wish){
        .next = b->wishes, .node = c->p->node, .part = part, .whole = whole, .offset = offset, .bytes = bytes};
    b->wishes = w;
}

void ln_place_rows(ln_ctx *c, int32_t in, int32_t out, int64_t offset, int64_t *bytes)
{
    add_wish(c, value_in(c, in), value_out(c, out), offset, bytes);
}

void ln_view_rows(ln_ctx *c, int32_t out, int32_t in, int64_t offset, int64_t *bytes)
{
    add_wish(c, value_out(c, out), value_in(c, in), offset, bytes);
}

void ln_rows_forget(struct ln_builder *b, int32_t node)
{
    const ln_node *n = &b->g->nodes[node];
    while (b->wishes && b->wishes->node == node)
        b->wishes = b->wishes->next;
    for (int32_t i = 0; i < n->n_in + n->n_out; i++) {
        int32_t value = i < n->n_in ? n->in[i] : n->out[i - n->n_in];
        while (value >= 0 && b->places[value].rows && b->places[value].rows->node == node)
            b->places[value].rows = b->places[value].rows->next;
    }
}

static const ln_row_user *user_of(const struct ln_builder *b, int32_t value, int32_t node, int32_t slot)
{
    const ln_row_user *u = b->places[value].rows;
    while (u && (u->node != node || u->slot != slot))
        u = u->next;
    return u;
}

/* Whoever makes or reads the value, but for the node that wishes, takes it in rows. */
static bool all_take_rows(const struct ln_builder *b, int32_t value, int32_t wisher)
{
    const ln_value *v = &b->g->values[value];
    if (v->outputs || v->producer < 0)
        return false;
    if (v->producer != wisher && !user_of(b, value, v->producer, -1))
        return false;
    for (ln_use u = v->first_use; u.node >= 0; u = b->g->nodes[u.node].next_use[u.slot])
        if (u.node != wisher && !user_of(b, value, u.node, u.slot))
            return false;
    return true;
}

/* Reading a part of each row skips the rest, which prefetching does not follow: what does not stay in the second cache
 * is read faster from a copy. Writing does not wait. */
static bool reads_well(const struct ln_builder *b, const ln_row_wish *w)
{
    bool read = b->g->values[w->part].producer == w->node || ln_graph_only_user(b->g, w->part) != w->node;
    return !read || ln_info_bytes(&b->g->values[w->whole].info) <= READ_MAX;
}

/* The wisher has the part once, and the whole not as another part of itself. */
static bool once(const struct ln_builder *b, const ln_row_wish *w)
{
    const ln_node *n = &b->g->nodes[w->node];
    int32_t times = 0;
    for (int32_t i = 0; i < n->n_in; i++)
        times += n->in[i] == w->part;
    return times <= 1;
}

void ln_rows_grant(struct ln_builder *b)
{
    for (const ln_row_wish *w = b->wishes; w; w = w->next) {
        ln_spot *part = &b->places[w->part], *whole = &b->places[w->whole];
        const ln_info *info = &b->g->values[w->whole].info;
        if (!ln_in_block(b, w->part) || !ln_in_block(b, w->whole) || !alone(b, w->part) || !once(b, w) ||
            !reads_well(b, w) || !all_take_rows(b, w->part, w->node))
            continue;
        part->root = whole->root;
        part->pitch = whole->pitch ? whole->pitch : info->dims[info->rank - 1];
        part->offset = whole->offset + (uint64_t)w->offset * linnet_type_size((linnet_type)info->type);
        for (ln_row_user *u = part->rows; u; u = u->next)
            *u->pitch = part->pitch;
        *w->bytes = 0;
    }
}
