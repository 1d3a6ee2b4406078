/* SPDX-License-Identifier: Apache-2.0
 *
 * The helpers that operators call from infer and plan: errors, attributes, shapes. What is specific to planning is in
 * plan.c, to late execution in exec.c.
 */
#include <stdio.h>
#include <string.h>

#include "engine/exec.h"
#include "engine/model.h"

bool ln_info_known(const ln_info *info)
{
    if (info->kind != LINNET_TENSOR || info->type == LINNET_UNDEFINED || info->rank < 0)
        return false;
    for (int32_t i = 0; i < info->rank; i++)
        if (info->dims[i] < 0)
            return false;
    return true;
}

int64_t ln_info_count(const ln_info *info)
{
    if (info->rank < 0)
        return LN_UNKNOWN;
    int64_t n = 1;
    bool zero = false, unknown = false;
    for (int32_t i = 0; i < info->rank; i++) {
        if (info->dims[i] < 0)
            unknown = true;
        else if (info->dims[i] == 0)
            zero = true;
        else if (__builtin_mul_overflow(n, info->dims[i], &n))
            unknown = true;
    }
    return zero ? 0 : unknown ? LN_UNKNOWN : n;
}

size_t ln_info_bytes(const ln_info *info)
{
    int64_t n = ln_info_count(info);
    return n < 0 ? 0 : (size_t)n * linnet_type_size((linnet_type)info->type);
}

static void vfail(const ln_graph *g, int32_t node, linnet_error *error, linnet_status status, const char *format,
                  va_list args)
{
    if (!error)
        return;
    const ln_node *n = &g->nodes[node];
    error->status = status;
    snprintf(error->node, sizeof error->node, "%s", ln_node_label(g, n));
    if (n->domain[0])
        snprintf(error->op, sizeof error->op, "%.30s.%.30s", n->domain, n->type);
    else
        snprintf(error->op, sizeof error->op, "%.60s", n->type);
    vsnprintf(error->text, sizeof error->text, format, args);
}

linnet_status ln_node_fail(const ln_graph *g, int32_t node, linnet_error *error, linnet_status status,
                           const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vfail(g, node, error, status, format, args);
    va_end(args);
    return status;
}

linnet_status ln_fail(ln_ctx *c, linnet_status status, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vfail(c->p->g, c->p->node, c->p->error, status, format, args);
    va_end(args);
    return status;
}

linnet_status ln_no_memory(ln_ctx *c)
{
    return ln_fail(c, LINNET_ERR_MEMORY, "out of memory");
}

void *ln_temporary(ln_ctx *c, size_t bytes)
{
    return ln_arena_zalloc(c->p->temporary, bytes ? bytes : 1, 64);
}

linnet_status ln_run_fail(const ln_args *a, const char *format, ...)
{
    if (a->error) {
        va_list args;
        va_start(args, format);
        vsnprintf(a->error->text, sizeof a->error->text, format, args);
        va_end(args);
        a->error->status = LINNET_ERR_DATA;
    }
    return LINNET_ERR_DATA;
}

/* -- attributes ---------------------------------------------------------------------------------------------------- */

static const ln_attr *find(const ln_ctx *c, const char *name)
{
    return ln_node_attr(&c->p->g->nodes[c->p->node], name);
}

bool ln_attr_has(const ln_ctx *c, const char *name)
{
    return find(c, name) != NULL;
}

int64_t ln_attr_int(const ln_ctx *c, const char *name, int64_t def)
{
    const ln_attr *a = find(c, name);
    return a && a->kind == LN_ATTR_INT ? a->i : def;
}

float ln_attr_float(const ln_ctx *c, const char *name, float def)
{
    const ln_attr *a = find(c, name);
    return a && a->kind == LN_ATTR_FLOAT ? a->f : def;
}

linnet_string ln_attr_string(const ln_ctx *c, const char *name)
{
    const ln_attr *a = find(c, name);
    return a && a->kind == LN_ATTR_STRING ? a->s : (linnet_string){NULL, 0};
}

bool ln_attr_is_ints(const ln_ctx *c, const char *name)
{
    const ln_attr *a = find(c, name);
    return a && a->kind == LN_ATTR_INTLIST;
}

#define LIST_GETTER(fn, type, field, which)                                                                            \
    const type *fn(const ln_ctx *c, const char *name, int64_t *n)                                                      \
    {                                                                                                                  \
        const ln_attr *a = find(c, name);                                                                              \
        *n = a && a->kind == which ? a->n : 0;                                                                         \
        return a && a->kind == which ? a->field : NULL;                                                                \
    }
LIST_GETTER(ln_attr_ints, int64_t, ints, LN_ATTR_INTLIST)
LIST_GETTER(ln_attr_floats, float, floats, LN_ATTR_FLOATLIST)
LIST_GETTER(ln_attr_strings, linnet_string, strings, LN_ATTR_STRINGLIST)

const ln_info *ln_attr_tensor(const ln_ctx *c, const char *name)
{
    const ln_attr *a = find(c, name);
    return a && a->kind == LN_ATTR_TENSOR ? a->tensor : NULL;
}

/* Index of the string among "a|b|c", -1: not there. */
static int32_t enum_index(const char *names, linnet_string s)
{
    int32_t index = 0;
    for (const char *at = names;; index++) {
        const char *bar = strchr(at, '|');
        size_t size = bar ? (size_t)(bar - at) : strlen(at);
        if (size == s.size && (size == 0 || memcmp(at, s.data, size) == 0))
            return index;
        if (!bar)
            return -1;
        at = bar + 1;
    }
}

static linnet_status decode_one(ln_ctx *c, const ln_attr_spec *spec, const ln_attr *a)
{
    static const int kinds[] = {[LN_AT_FLOAT] = LN_ATTR_FLOAT,
                                [LN_AT_INT] = LN_ATTR_INT,
                                [LN_AT_ENUM] = LN_ATTR_STRING,
                                [LN_AT_INTS] = LN_ATTR_INTLIST,
                                [LN_AT_FLOATS] = LN_ATTR_FLOATLIST};
    char *field = (char *)c->params + spec->offset;
    if (a && a->kind != kinds[spec->kind])
        return ln_fail(c, LINNET_ERR_MODEL, "attribute %s has the wrong type", spec->name);
    if (!a && spec->required)
        return ln_fail(c, LINNET_ERR_MODEL, "attribute %s is missing", spec->name);
    switch (spec->kind) {
    case LN_AT_FLOAT:
        memcpy(field, a ? &a->f : &spec->f, sizeof(float));
        break;
    case LN_AT_INT:
        memcpy(field, a ? &a->i : &spec->i, sizeof(int64_t));
        break;
    case LN_AT_ENUM: {
        int32_t index = a ? enum_index(spec->names, a->s) : (int32_t)spec->i;
        if (index < 0)
            return ln_fail(c, LINNET_ERR_UNSUPPORTED, "attribute %s is '%.*s', not one of %s", spec->name,
                           (int)(a->s.size > 40 ? 40 : a->s.size), a->s.data, spec->names);
        memcpy(field, &index, sizeof index);
        break;
    }
    default: {
        size_t size = spec->kind == LN_AT_INTS ? sizeof(int64_t) : sizeof(float);
        int32_t n = a ? (int32_t)a->n : -1;
        if (a && a->n > spec->max)
            return ln_fail(c, LINNET_ERR_UNSUPPORTED, "attribute %s has %lld elements, at most %d are supported",
                           spec->name, (long long)a->n, spec->max);
        memcpy((char *)c->params + spec->n_offset, &n, sizeof n);
        if (n > 0)
            memcpy(field, spec->kind == LN_AT_INTS ? (const void *)a->ints : (const void *)a->floats, size * (size_t)n);
    }
    }
    return LINNET_OK;
}

static linnet_status decode_attributes(ln_ctx *c)
{
    const ln_node *n = &c->p->g->nodes[c->p->node];
    static const ln_attr_spec none[] = {LN_ATTR_END};
    const ln_attr_spec *specs = c->op->attrs ? c->op->attrs : none;
    for (int32_t i = 0; i < n->n_attrs; i++) {
        const ln_attr_spec *s = specs;
        while (s->kind != LN_AT_END && strcmp(s->name, n->attrs[i].name) != 0)
            s++;
        if (s->kind == LN_AT_END)
            return ln_fail(c, LINNET_ERR_UNSUPPORTED, "attribute %.80s is not known", n->attrs[i].name);
    }
    for (const ln_attr_spec *s = specs; s->kind != LN_AT_END; s++)
        if (s->kind != LN_AT_ANY) {
            linnet_status st = decode_one(c, s, ln_node_attr(n, s->name));
            if (st != LINNET_OK)
                return st;
        }
    return LINNET_OK;
}

linnet_status ln_ctx_check(ln_ctx *c)
{
    const ln_op *op = c->op;
    if (c->n_in < op->in.min || (op->in.max != LN_VARIADIC && c->n_in > op->in.max))
        return ln_fail(c, LINNET_ERR_MODEL, "%d inputs, expected %d to %d", c->n_in, op->in.min, op->in.max);
    if (c->n_out < op->out.min || (op->out.max != LN_VARIADIC && c->n_out > op->out.max))
        return ln_fail(c, LINNET_ERR_MODEL, "%d outputs, expected %d to %d", c->n_out, op->out.min, op->out.max);
    for (int32_t i = 0; i < op->in.min; i++)
        if (!c->in[i])
            return ln_fail(c, LINNET_ERR_MODEL, "input %d is missing", i);
    for (int32_t i = 0; i < op->out.min; i++)
        if (!c->out[i])
            return ln_fail(c, LINNET_ERR_MODEL, "output %d is missing", i);
    const ln_info *first = c->n_in > 0 && c->in[0] ? c->in[0] : NULL;
    if (first && op->types && first->kind == LINNET_TENSOR && first->type != LINNET_UNDEFINED &&
        !(op->types & LN_T(first->type)))
        return ln_fail(c, LINNET_ERR_UNSUPPORTED, "element type %s of version %d is not supported",
                       linnet_type_name((linnet_type)first->type), c->version);
    return LINNET_OK;
}

linnet_status ln_ctx_open(ln_ctx *c, struct ln_ctx_private *p, ln_graph *g, int32_t node, ln_arena *arena,
                          ln_arena *temporary, linnet_error *error)
{
    const ln_node *n = &g->nodes[node];
    *p = (struct ln_ctx_private){.g = g,
                                 .node = node,
                                 .arena = arena,
                                 .pack_arena = arena,
                                 .data_arena = arena,
                                 .temporary = temporary,
                                 .error = error};
    *c = (ln_ctx){.op = n->op,
                  .version = n->version,
                  .n_in = n->n_formal,
                  .n_out = n->n_out,
                  .threads = 1,
                  .pointer_bytes = sizeof(void *),
                  .p = p};
    if (!n->op)
        return ln_node_fail(g, node, error, LINNET_ERR_UNSUPPORTED, "no such operator in Linnet at opset %d of %s",
                            n->version, n->domain[0] ? n->domain : "ai.onnx");
    const ln_info **in = ln_arena_array(temporary, n->n_in + 1, sizeof *in);
    ln_info **out = ln_arena_array(temporary, n->n_out + 1, sizeof *out);
    ln_info *infos = ln_arena_array(temporary, n->n_out + 1, sizeof *infos);
    c->params = ln_arena_zalloc(arena, n->op->params_size ? n->op->params_size : 1, 16);
    p->dropped = ln_arena_array(temporary, n->n_in + 1, sizeof *p->dropped);
    p->in_place = ln_arena_array(temporary, n->n_out + 1, sizeof *p->in_place);
    if (!in || !out || !infos || !c->params || !p->dropped || !p->in_place)
        return ln_no_memory(c);
    for (int32_t i = 0; i < n->n_in; i++)
        in[i] = n->in[i] >= 0 ? &g->values[n->in[i]].info : NULL;
    for (int32_t i = 0; i < n->n_out; i++) {
        infos[i] = (ln_info){.kind = LINNET_TENSOR, .rank = -1};
        out[i] = n->out[i] >= 0 ? &infos[i] : NULL;
        p->in_place[i] = -1;
    }
    c->in = in;
    c->out = out;
    linnet_status st = ln_ctx_check(c);
    return st != LINNET_OK ? st : decode_attributes(c);
}

linnet_status ln_check_kinds(ln_ctx *c)
{
    for (int32_t i = 0; i < c->n_in && !c->op->late; i++)
        if (c->in[i] && c->in[i]->kind != LINNET_TENSOR)
            return ln_fail(c, LINNET_ERR_MODEL, "input %d is no tensor", i);
    return LINNET_OK;
}

/* -- shapes -------------------------------------------------------------------------------------------------------- */

int32_t ln_const_ints(const ln_ctx *c, int32_t i, int64_t *values, int32_t max)
{
    if (i >= c->n_in || !c->in[i] || !c->in[i]->data)
        return -1;
    const ln_info *info = c->in[i];
    int64_t n = ln_info_count(info);
    if (info->kind != LINNET_TENSOR || info->rank > 1 || n > max)
        return -2;
    for (int64_t k = 0; k < n; k++)
        switch (info->type) {
        case LINNET_INT64:
            values[k] = ((const int64_t *)info->data)[k];
            break;
        case LINNET_INT32:
            values[k] = ((const int32_t *)info->data)[k];
            break;
        case LINNET_UINT8:
            values[k] = ((const uint8_t *)info->data)[k];
            break;
        case LINNET_INT8:
            values[k] = ((const int8_t *)info->data)[k];
            break;
        case LINNET_UINT16:
            values[k] = ((const uint16_t *)info->data)[k];
            break;
        case LINNET_INT16:
            values[k] = ((const int16_t *)info->data)[k];
            break;
        case LINNET_UINT32:
            values[k] = ((const uint32_t *)info->data)[k];
            break;
        default:
            return -2;
        }
    return (int32_t)n;
}

linnet_status ln_mul_size(ln_ctx *c, int64_t a, int64_t b, int64_t *product)
{
    if (a < 0 || b < 0 || __builtin_mul_overflow(a, b, product) || *product > INT64_C(1) << 46)
        return ln_fail(c, LINNET_ERR_MEMORY, "too large: %lld times %lld", (long long)a, (long long)b);
    return LINNET_OK;
}

linnet_status ln_set_shape(ln_ctx *c, int32_t out, linnet_type type, int32_t rank, const int64_t *dims)
{
    if (out >= c->n_out || !c->out[out])
        return LINNET_OK;
    if (rank > LN_MAX_RANK)
        return ln_fail(c, LINNET_ERR_UNSUPPORTED, "output of rank %d, at most %d is supported", rank, LN_MAX_RANK);
    ln_info info = {.kind = LINNET_TENSOR, .type = (uint8_t)type, .rank = rank};
    int64_t n = (int64_t)linnet_type_size(type);
    for (int32_t i = 0; i < rank; i++) {
        info.dims[i] = dims[i];
        if (dims[i] > 0) {
            linnet_status st = ln_mul_size(c, n, dims[i], &n);
            if (st != LINNET_OK)
                return st;
        }
    }
    *c->out[out] = info;
    return LINNET_OK;
}

linnet_status ln_set_unknown(ln_ctx *c, int32_t out, linnet_type type)
{
    if (out < c->n_out && c->out[out])
        *c->out[out] = (ln_info){.kind = LINNET_TENSOR, .type = (uint8_t)type, .rank = -1};
    return LINNET_OK;
}

linnet_status ln_infer_same(ln_ctx *c)
{
    for (int32_t i = 0; i < c->n_out; i++)
        if (c->out[i]) {
            *c->out[i] = *c->in[0];
            c->out[i]->data = NULL;
        }
    return LINNET_OK;
}

bool ln_broadcast(int32_t *rank, int64_t *dims, int32_t rank_b, const int64_t *dims_b)
{
    int32_t r = *rank > rank_b ? *rank : rank_b;
    int64_t result[LN_MAX_RANK];
    for (int32_t i = 0; i < r; i++) {
        int32_t ia = i - (r - *rank), ib = i - (r - rank_b);
        int64_t a = ia >= 0 ? dims[ia] : 1, b = ib >= 0 ? dims_b[ib] : 1;
        if (a == 1)
            result[i] = b;
        else if (b == 1 || a == b)
            result[i] = a;
        else if (a >= 0 && b >= 0)
            return false;
        else /* one is not known: it is 1 or equal to the other; a known one above 1 decides */
            result[i] = a > 1 ? a : b > 1 ? b : LN_UNKNOWN;
    }
    /* Two unknown sizes, equal to each other or not: -1 == -1 says nothing. */
    for (int32_t i = 0; i < r; i++)
        dims[i] = result[i];
    *rank = r;
    return true;
}

linnet_status ln_infer_broadcast(ln_ctx *c)
{
    int32_t rank = 0;
    int64_t dims[LN_MAX_RANK] = {0};
    for (int32_t i = 0; i < c->n_in; i++) {
        if (!c->in[i])
            continue;
        if (c->in[i]->rank < 0)
            return ln_set_unknown(c, 0, (linnet_type)c->in[0]->type);
        if (!ln_broadcast(&rank, dims, c->in[i]->rank, c->in[i]->dims)) {
            char a[96], b[96];
            ln_dims_text(a, sizeof a, rank, dims);
            ln_dims_text(b, sizeof b, c->in[i]->rank, c->in[i]->dims);
            return ln_fail(c, LINNET_ERR_MODEL, "shapes %s and %s do not broadcast", a, b);
        }
    }
    return ln_set_shape(c, 0, (linnet_type)c->in[0]->type, rank, dims);
}

const char *ln_dims_text(char *buf, size_t size, int32_t rank, const int64_t *dims)
{
    size_t at = 0;
    if (rank < 0) {
        snprintf(buf, size, "[...]");
        return buf;
    }
    at += (size_t)snprintf(buf, size, "[");
    for (int32_t i = 0; i < rank && at + 24 < size; i++)
        at += dims[i] < 0 ? (size_t)snprintf(buf + at, size - at, i ? ", ?" : "?")
                          : (size_t)snprintf(buf + at, size - at, i ? ", %lld" : "%lld", (long long)dims[i]);
    snprintf(buf + at, size - at, "]");
    return buf;
}

linnet_status ln_axis(ln_ctx *c, int64_t axis, int32_t rank, int32_t *result)
{
    if (axis < -(int64_t)rank || axis >= rank)
        return ln_fail(c, LINNET_ERR_MODEL, "axis %lld is out of range for rank %d", (long long)axis, rank);
    *result = (int32_t)(axis < 0 ? axis + rank : axis);
    return LINNET_OK;
}

linnet_status ln_set_data(ln_ctx *c, int32_t out, const void *data)
{
    if (out >= c->n_out || !c->out[out])
        return LINNET_OK;
    size_t bytes = ln_info_bytes(c->out[out]);
    void *copy = ln_arena_alloc(c->p->data_arena, bytes, 64);
    if (!copy)
        return ln_no_memory(c);
    if (bytes)
        memcpy(copy, data, bytes);
    c->out[out]->data = copy;
    return LINNET_OK;
}
