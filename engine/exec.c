/* SPDX-License-Identifier: Apache-2.0
 *
 * Executes one node with all its inputs at hand: infer, plan and run on the spot, or the operator's late function.
 * Folding does so before a run, late steps within one. The subgraphs that late functions run are in bodies.c.
 */
#include "engine/exec.h"

#include <string.h>

#include "engine/model.h"
#include "engine/plan.h"

void ln_exec_init(ln_exec *x, ln_memory *memory, ln_arena *heap)
{
    *x = (ln_exec){.memory = memory, .heap = heap, .threads = 1};
}

void ln_info_of(const linnet_value *v, ln_info *info)
{
    *info = (ln_info){.kind = (uint8_t)v->kind, .type = (uint8_t)v->type, .rank = v->rank};
    if (v->kind == LINNET_TENSOR) {
        for (int32_t i = 0; i < v->rank; i++)
            info->dims[i] = v->dims[i];
        static const char empty[64];
        info->data = v->data ? v->data : empty; /* a tensor without elements is known, too */
    } else if (v->kind == LINNET_SEQUENCE) {
        info->item = (uint8_t)(v->n_items ? v->items[0].kind : LINNET_TENSOR);
        info->rank = -1;
    } else {
        info->rank = -1;
    }
}

linnet_value ln_value_of(const ln_info *info, void *data)
{
    linnet_value v = {
        .kind = (linnet_kind)info->kind, .type = (linnet_type)info->type, .rank = info->rank, .data = data};
    for (int32_t i = 0; i < info->rank; i++)
        v.dims[i] = info->dims[i];
    return v;
}

static bool in_blocks(const ln_exec *x, const void *p)
{
    for (const ln_block *b = x->blocks; b; b = b->outer)
        if ((const char *)p >= b->start && (const char *)p < b->start + b->size)
            return true;
    return false;
}

static linnet_status copy_tensor(ln_arena *a, linnet_value *to, const linnet_value *from, bool strings)
{
    size_t bytes = (size_t)linnet_value_count(from) * linnet_type_size(from->type);
    to->data = ln_arena_alloc(a, bytes, 64);
    if (!to->data)
        return LINNET_ERR_MEMORY;
    if (bytes)
        memcpy(to->data, from->data, bytes);
    if (from->type == LINNET_STRING && strings) {
        linnet_string *s = to->data;
        for (int64_t i = 0, n = linnet_value_count(from); i < n; i++)
            if (!(s[i].data = ln_arena_strndup(a, s[i].data, s[i].size)))
                return LINNET_ERR_MEMORY;
    }
    return LINNET_OK;
}

linnet_status ln_value_copy(ln_arena *a, linnet_value *to, const linnet_value *from)
{
    *to = *from;
    if (from->kind == LINNET_TENSOR)
        return copy_tensor(a, to, from, true);
    if (!from->n_items)
        return LINNET_OK;
    int64_t n = from->kind == LINNET_MAP ? 2 : from->n_items;
    to->items = ln_arena_array(a, n, sizeof *to->items);
    if (!to->items)
        return LINNET_ERR_MEMORY;
    for (int64_t i = 0; i < n; i++) {
        linnet_status st = ln_value_copy(a, &to->items[i], &from->items[i]);
        if (st != LINNET_OK)
            return st;
    }
    return LINNET_OK;
}

/* -- late -----------------------------------------------------------------------------------------------------------
 */

const linnet_value *ln_late_in(const ln_ctx *c, int32_t in)
{
    return in < c->n_in ? c->p->late_in[in] : NULL;
}

linnet_value *ln_late_out(ln_ctx *c, int32_t out)
{
    return out < c->n_out && c->out[out] ? &c->p->late_out[out] : NULL;
}

void *ln_late_alloc(ln_ctx *c, size_t bytes)
{
    return ln_arena_alloc(c->p->exec->heap, bytes, 64);
}

bool ln_value_is(const linnet_value *v, linnet_type type, int32_t rank, const int64_t *dims)
{
    return v->type == type && v->rank == rank && (rank == 0 || memcmp(v->dims, dims, (size_t)rank * sizeof *dims) == 0);
}

void *ln_late_tensor(ln_ctx *c, int32_t out, linnet_type type, int32_t rank, const int64_t *dims)
{
    linnet_value *v = &c->p->late_out[out];
    if (c->p->late_fixed[out] && ln_value_is(v, type, rank, dims))
        return v->data;
    int64_t n = 1;
    for (int32_t i = 0; i < rank; i++)
        if (dims[i] < 0 || __builtin_mul_overflow(n, dims[i], &n))
            return NULL;
    size_t bytes;
    if (!ln_size_mul((size_t)n, linnet_type_size(type), &bytes))
        return NULL;
    linnet_value made = {.kind = LINNET_TENSOR, .type = type, .rank = rank, .data = ln_late_alloc(c, bytes)};
    for (int32_t i = 0; i < rank; i++)
        made.dims[i] = dims[i];
    *v = made;
    return v->data;
}

/* Makes what value holds stable: data in a block is copied to the heap. */
static linnet_status keep(ln_exec *x, linnet_value *to, const linnet_value *from)
{
    *to = *from;
    if (from->kind == LINNET_TENSOR)
        return in_blocks(x, from->data) ? copy_tensor(x->heap, to, from, false) : LINNET_OK;
    return LINNET_OK; /* items of sequences and maps were kept when they were made */
}

linnet_status ln_late_keep(ln_ctx *c, linnet_value *to, const linnet_value *from)
{
    linnet_status st = keep(c->p->exec, to, from);
    return st == LINNET_OK ? st : ln_no_memory(c);
}

linnet_status ln_late_pass(ln_ctx *c, int32_t out, const linnet_value *value)
{
    linnet_value *v = ln_late_out(c, out);
    if (!v)
        return LINNET_OK;
    if (c->p->late_fixed[out] && value->kind == LINNET_TENSOR &&
        ln_value_is(v, value->type, value->rank, value->dims)) {
        size_t bytes = (size_t)linnet_value_count(v) * linnet_type_size(v->type);
        if (bytes)
            memmove(v->data, value->data, bytes);
        return LINNET_OK;
    }
    return ln_late_keep(c, v, value);
}

/* -- one node --------------------------------------------------------------------------------------------------------
 */

static bool all_tensors(const ln_ctx *c)
{
    for (int32_t i = 0; i < c->n_in; i++)
        if (c->in[i] && c->in[i]->kind != LINNET_TENSOR)
            return false;
    for (int32_t i = 0; i < c->n_out; i++)
        if (c->out[i] && c->out[i]->kind != LINNET_TENSOR)
            return false;
    return true;
}

/* The inferred infos are complete, and agree with what was given. */
static linnet_status check_outputs(ln_ctx *c, const linnet_value *out)
{
    for (int32_t i = 0; i < c->n_out; i++) {
        const ln_info *info = c->out[i];
        if (!info)
            continue;
        if (!ln_info_known(info))
            return ln_fail(c, LINNET_ERR_MODEL, "the shape of output %d cannot be told from the inputs", i);
        if (c->p->late_fixed[i] && !ln_value_is(&out[i], (linnet_type)info->type, info->rank, info->dims))
            return ln_fail(c, LINNET_ERR_MODEL, "output %d has another shape than was inferred", i);
    }
    return LINNET_OK;
}

/* Memory for the outputs that have none yet. */
static linnet_status make_outputs(ln_ctx *c, linnet_value *out)
{
    for (int32_t i = 0; i < c->n_out; i++) {
        if (!c->out[i] || out[i].data)
            continue;
        out[i] = ln_value_of(c->out[i], ln_late_alloc(c, ln_info_bytes(c->out[i])));
        if (!out[i].data)
            return ln_no_memory(c);
    }
    return LINNET_OK;
}

/* Outputs whose data infer gave. True if that were all. */
static bool take_data(ln_ctx *c, linnet_value *out)
{
    bool all = true;
    for (int32_t i = 0; i < c->n_out; i++) {
        if (!c->out[i])
            continue;
        if (!c->out[i]->data) {
            all = false;
        } else if (c->p->late_fixed[i]) {
            size_t bytes = ln_info_bytes(c->out[i]);
            if (bytes)
                memcpy(out[i].data, c->out[i]->data, bytes);
        } else {
            out[i] = ln_value_of(c->out[i], (void *)(uintptr_t)c->out[i]->data);
        }
    }
    return all;
}

static linnet_status run_now(ln_ctx *c, const linnet_value *const *in, linnet_value *out, ln_arena *temporary)
{
    struct ln_ctx_private *p = c->p;
    const void **ins = ln_arena_array(temporary, c->n_in + 1, sizeof *ins);
    void **outs = ln_arena_array(temporary, c->n_out + 1, sizeof *outs);
    void *scratch = ln_arena_alloc(temporary, p->scratch, 64);
    if (!ins || !outs || !scratch)
        return ln_no_memory(c);
    for (int32_t i = 0; i < c->n_in; i++)
        ins[i] = in[i] && !p->dropped[i] ? in[i]->data : NULL;
    for (int32_t i = 0; i < c->n_out; i++)
        outs[i] = c->out[i] ? out[i].data : NULL;
    linnet_error why = {0};
    ln_args a = {.params = c->params,
                 .in = ins,
                 .out = outs,
                 .packed = p->packed,
                 .scratch = scratch,
                 .pool = p->exec->pool,
                 .threads = p->exec->threads,
                 .error = &why};
    linnet_status st = c->run(&a);
    return st == LINNET_OK ? st : ln_fail(c, st, "%s", why.text);
}

static linnet_status exec(ln_exec *x, ln_ctx *c, const linnet_value *const *in, linnet_value *out, ln_arena *temporary)
{
    const ln_op *op = c->op;
    c->late = true;
    c->threads = x->threads;
    linnet_status st = ln_check_kinds(c);
    if (st == LINNET_OK)
        st = op->infer(c);
    if (st != LINNET_OK)
        return st;
    if (!op->plan || (op->late && !all_tensors(c)))
        return op->late ? op->late(c) : ln_fail(c, LINNET_ERR_UNSUPPORTED, "cannot run with these inputs");
    if ((st = check_outputs(c, out)) != LINNET_OK)
        return st;
    if (take_data(c, out))
        return LINNET_OK;
    c->run = op->run;
    c->run_name = op->run_name;
    st = op->plan(c);
    if (st == LN_NEED_DATA)
        return op->late ? op->late(c) : ln_fail(c, LINNET_ERR_UNSUPPORTED, "cannot run with these inputs");
    if (st != LINNET_OK || (c->p->viewed && !c->run))
        return st;
    st = make_outputs(c, out);
    return st != LINNET_OK ? st : run_now(c, in, out, temporary);
}

linnet_status ln_exec_node(ln_exec *x, ln_graph *g, int32_t node, const linnet_value *const *in, linnet_value *out)
{
    const ln_node *n = &g->nodes[node];
    ln_arena temporary;
    ln_arena_init(&temporary, x->memory);
    ln_ctx c;
    struct ln_ctx_private p;
    linnet_status st = ln_ctx_open(&c, &p, g, node, &temporary, &temporary, x->error);
    p.data_arena = x->heap;
    if (st == LINNET_OK) {
        ln_info *infos = ln_arena_array(&temporary, n->n_in + 1, sizeof *infos);
        const ln_info **ins = ln_arena_array(&temporary, n->n_in + 1, sizeof *ins);
        p.late_fixed = ln_arena_array(&temporary, n->n_out + 1, sizeof *p.late_fixed);
        if (!infos || !ins || !p.late_fixed) {
            st = ln_no_memory(&c);
        } else {
            for (int32_t i = 0; i < n->n_in; i++)
                if (in[i]) {
                    ln_info_of(in[i], &infos[i]);
                    ins[i] = &infos[i];
                }
            for (int32_t i = 0; i < n->n_out; i++)
                p.late_fixed[i] = out[i].data != NULL;
            c.in = ins;
            p.exec = x;
            p.late_in = in;
            p.late_out = out;
            st = ln_ctx_check(&c); /* with the types as they are now */
            if (st == LINNET_OK)
                st = exec(x, &c, in, out, &temporary);
        }
    }
    ln_arena_free(&temporary);
    return st;
}

bool ln_exec_view(ln_ctx *c, int32_t out, int32_t in, size_t byte_offset)
{
    struct ln_ctx_private *p = c->p;
    if (!p->exec->views || p->late_fixed[out])
        return false;
    p->late_out[out] = ln_value_of(c->out[out], (char *)p->late_in[in]->data + byte_offset);
    p->viewed = true;
    return true;
}
