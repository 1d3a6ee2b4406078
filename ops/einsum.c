/* SPDX-License-Identifier: Apache-2.0
 *
 * Einsum: sums of products over labelled dimensions. ai.onnx Einsum-12, -28 (bfloat16).
 *
 * The equation becomes a table of strides: for every label its size and what a step along it means in each operand and
 * in the result (0: nothing). A contraction of two operands whose labels fall together as rows, columns and sums of a
 * batch of matrix products runs as such (product.h), everything else by loops over all labels (einsum_any.c).
 */
#include "ops/einsum.h"

/* Labels of one term; the dimensions of an ellipsis have labels of their own, after those of letters. */
typedef struct term {
    int32_t n;
    int32_t before; /* labels before the ellipsis; -1: there is none */
    char letters[32];
} term;

typedef struct equation {
    term in[LN_EINSUM_INPUTS], out;
    int32_t n_in;
    bool explicit_out;
} equation;

static linnet_status add_term(ln_ctx *c, term *t, const char *text, size_t size)
{
    *t = (term){.before = -1};
    for (size_t i = 0; i < size; i++) {
        char x = text[i];
        if (x == ' ')
            continue;
        if (x == '.') {
            if (size - i < 3 || text[i + 1] != '.' || text[i + 2] != '.' || t->before >= 0)
                return ln_fail(c, LINNET_ERR_MODEL, "a misplaced '.' in the equation");
            t->before = t->n;
            i += 2;
            continue;
        }
        if (!((x >= 'a' && x <= 'z') || (x >= 'A' && x <= 'Z')))
            return ln_fail(c, LINNET_ERR_MODEL, "the character 0x%02x in the equation", (unsigned char)x);
        if (t->n == LN_MAX_RANK)
            return ln_fail(c, LINNET_ERR_UNSUPPORTED, "more than %d labels in a term", LN_MAX_RANK);
        t->letters[t->n++] = x;
    }
    return LINNET_OK;
}

/* Without an output term: the letters that occur once, in the order of ASCII, behind the ellipsis. */
static void implicit_out(equation *e)
{
    int32_t count[128] = {0};
    e->out = (term){.before = -1};
    for (int32_t i = 0; i < e->n_in; i++) {
        for (int32_t k = 0; k < e->in[i].n; k++)
            count[(unsigned char)e->in[i].letters[k]]++;
        if (e->in[i].before >= 0)
            e->out.before = 0;
    }
    for (int32_t x = 0; x < 128; x++)
        if (count[x] == 1 && e->out.n < 32)
            e->out.letters[e->out.n++] = (char)x;
}

static linnet_status parse(ln_ctx *c, equation *e)
{
    linnet_string s = ln_attr_string(c, "equation");
    if (!s.data)
        return ln_fail(c, LINNET_ERR_MODEL, "attribute equation is missing");
    size_t start = 0, i = 0;
    e->n_in = 0;
    e->explicit_out = false;
    for (; i <= s.size; i++) {
        bool arrow = i + 1 < s.size && s.data[i] == '-' && s.data[i + 1] == '>';
        if (i < s.size && s.data[i] != ',' && !arrow)
            continue;
        if (e->n_in == LN_EINSUM_INPUTS)
            return ln_fail(c, LINNET_ERR_UNSUPPORTED, "more than %d operands", LN_EINSUM_INPUTS);
        LN_TRY(add_term(c, &e->in[e->n_in++], s.data + start, i - start));
        start = i + 1;
        if (arrow) {
            e->explicit_out = true;
            LN_TRY(add_term(c, &e->out, s.data + i + 2, s.size - i - 2));
            break;
        }
    }
    if (!e->explicit_out)
        implicit_out(e);
    if (e->n_in != c->n_in)
        return ln_fail(c, LINNET_ERR_MODEL, "the equation has %d operands, there are %d inputs", e->n_in, c->n_in);
    return LINNET_OK;
}

/* The label of a letter, or of dimension i of the ellipsis counted from its end; -1: no room. */
static int32_t label_of(ln_einsum *p, int32_t code)
{
    for (int32_t i = 0; i < p->n_labels; i++)
        if (p->code[i] == code)
            return i;
    if (p->n_labels == LN_EINSUM_LABELS)
        return -1;
    p->code[p->n_labels] = code;
    p->dims[p->n_labels] = 1;
    return p->n_labels++;
}

#define ELLIPSIS 256 /* codes of its dimensions follow */

/* The codes of a term's dimensions for an operand of that rank. */
static int32_t codes_of(const term *t, int32_t ellipsis, int32_t *codes)
{
    int32_t n = 0;
    for (int32_t i = 0; i <= t->n; i++) {
        if (i == t->before)
            for (int32_t k = ellipsis; k-- > 0;)
                codes[n++] = ELLIPSIS + k;
        if (i < t->n)
            codes[n++] = t->letters[i];
    }
    return n;
}

static linnet_status add_operand(ln_ctx *c, ln_einsum *p, const equation *e, int32_t i, int32_t *most)
{
    const ln_info *x = c->in[i];
    const term *t = &e->in[i];
    int32_t codes[2 * LN_MAX_RANK + 32], ellipsis = t->before >= 0 ? x->rank - t->n : 0;
    if (ellipsis < 0 || (t->before < 0 && x->rank != t->n))
        return ln_fail(c, LINNET_ERR_MODEL, "operand %d has rank %d, its term has %d labels", i, x->rank, t->n);
    *most = ellipsis > *most ? ellipsis : *most;
    int32_t n = codes_of(t, ellipsis, codes);
    int64_t stride = 1;
    for (int32_t d = n; d-- > 0;) {
        int32_t label = label_of(p, codes[d]);
        if (label < 0)
            return ln_fail(c, LINNET_ERR_UNSUPPORTED, "more than %d labels", LN_EINSUM_LABELS);
        int64_t size = x->dims[d], *have = &p->dims[label];
        if (size >= 0 && *have >= 0 && size != *have && size != 1 && *have != 1)
            return ln_fail(c, LINNET_ERR_MODEL, "a label is %lld in operand %d and %lld in another", (long long)size, i,
                           (long long)*have);
        if (*have == 1 || (*have < 0 && size > 1))
            *have = size;
        if (size != 1)
            p->strides[i][label] += stride;
        p->used[i][label] = 1;
        stride *= size >= 0 ? size : 1;
    }
    return LINNET_OK;
}

/* Fills labels, sizes and strides; the labels of the result in out, in order. */
static linnet_status resolve(ln_ctx *c, ln_einsum *p, int32_t *rank, int32_t *out)
{
    equation e;
    int32_t codes[2 * LN_MAX_RANK + 64], most = 0;
    *p = (ln_einsum){.n_in = c->n_in};
    LN_TRY(parse(c, &e));
    for (int32_t i = 0; i < e.n_in; i++)
        LN_TRY(add_operand(c, p, &e, i, &most));
    if (e.out.before < 0 && e.explicit_out)
        most = 0;
    *rank = codes_of(&e.out, e.out.before >= 0 ? most : 0, codes);
    if (*rank > LN_MAX_RANK)
        return ln_fail(c, LINNET_ERR_UNSUPPORTED, "output of rank %d, at most %d is supported", *rank, LN_MAX_RANK);
    for (int32_t i = 0; i < *rank; i++) {
        int32_t before = p->n_labels;
        out[i] = label_of(p, codes[i]);
        if (out[i] < 0 || p->n_labels != before)
            return ln_fail(c, LINNET_ERR_MODEL, "an output label is in no operand");
        for (int32_t k = 0; k < i; k++)
            if (out[k] == out[i])
                return ln_fail(c, LINNET_ERR_MODEL, "an output label is repeated");
    }
    return LINNET_OK;
}

static linnet_status einsum_infer(ln_ctx *c)
{
    ln_einsum *p = c->params;
    int32_t rank, out[LN_MAX_RANK];
    int64_t dims[LN_MAX_RANK];
    linnet_type type = (linnet_type)c->in[0]->type;
    for (int32_t i = 0; i < c->n_in; i++) {
        if (!c->in[i] || c->in[i]->kind != LINNET_TENSOR)
            return ln_fail(c, LINNET_ERR_MODEL, "input %d is no tensor", i);
        if (type && c->in[i]->type && c->in[i]->type != type)
            return ln_fail(c, LINNET_ERR_MODEL, "inputs are %s and %s", linnet_type_name(type),
                           linnet_type_name((linnet_type)c->in[i]->type));
        if (c->in[i]->rank < 0)
            return ln_set_unknown(c, 0, type);
    }
    LN_TRY(resolve(c, p, &rank, out));
    for (int32_t i = 0; i < rank; i++)
        dims[i] = p->dims[out[i]];
    return ln_set_shape(c, 0, type, rank, dims);
}

/* -- as a matrix product ------------------------------------------------------------------------------------------ */

/* One dimension of the product that several labels merge into: its size and strides in A, B and Y. */
typedef struct merged {
    int64_t n, a, b, y;
    int32_t used;
} merged;

/* Puts a label before the dimension, if strides allow that. */
static bool merge(merged *m, int64_t n, int64_t a, int64_t b, int64_t y)
{
    if (m->used && (a != m->a * m->n || b != m->b * m->n || y != m->y * m->n))
        return false;
    if (!m->used)
        *m = (merged){1, a, b, y, 1};
    m->n *= n;
    return true;
}

/* Labels from the innermost out go to rows, columns or sums, or else to the batch. False: no matrix product. */
static bool as_product(const ln_einsum *e, ln_product *p, int32_t left)
{
    int32_t right = 1 - left;
    merged row = {0}, col = {0}, sum = {0};
    row.n = col.n = sum.n = 1;
    p->n_batch = 0;
    for (int32_t l = e->n_labels; l-- > 0;) {
        int64_t n = e->dims[l], a = e->strides[left][l], b = e->strides[right][l], y = e->out[l];
        bool in_a = e->used[left][l] && a, in_b = e->used[right][l] && b, in_y = l < e->n_out;
        if (n == 1)
            continue;
        if (!in_y) {
            if (!in_a || !in_b || !merge(&sum, n, a, b, 0))
                return false;
            continue;
        }
        if (in_a && !in_b && merge(&row, n, a, 0, y))
            continue;
        if (in_b && !in_a && merge(&col, n, 0, b, y))
            continue;
        if (p->n_batch == LN_MAX_RANK)
            return false;
        p->batch[p->n_batch] = n;
        p->a_batch[p->n_batch] = a;
        p->b_batch[p->n_batch] = b;
        p->y_batch[p->n_batch++] = y;
    }
    if (col.used && col.y != 1)
        return false;
    p->m = row.n;
    p->n = col.n;
    p->k = sum.n;
    p->a_row = row.a;
    p->a_col = sum.a;
    p->b_row = sum.b;
    p->b_col = col.b;
    p->y_row = row.used ? row.y : 1;
    p->batches = 1;
    for (int32_t i = 0; i < p->n_batch; i++)
        p->batches *= p->batch[i];
    /* Loops go from the outermost dimension in. */
    for (int32_t i = 0, k = p->n_batch - 1; i < k; i++, k--) {
        int64_t *rows[] = {p->batch, p->a_batch, p->b_batch, p->y_batch};
        for (size_t r = 0; r < 4; r++) {
            int64_t t = rows[r][i];
            rows[r][i] = rows[r][k];
            rows[r][k] = t;
        }
    }
    return true;
}

static linnet_status plan_product(ln_ctx *c, ln_einsum *p, int32_t left, bool *done)
{
    ln_product q = {
        .alpha = 1, .beta = 1, .c_in = -1, .r_in = -1, .a_in = left, .b_in = 1 - left, .type = c->in[0]->type};
    if (!as_product(p, &q, left))
        return LINNET_OK;
    *done = true;
    p->product = q;
    return ln_product_plan(c, &p->product);
}

/* The only operand that a label moves through, or -1. */
static int32_t owner_of(const ln_einsum *p, int32_t label)
{
    int32_t owner = -1, movers = 0;
    for (int32_t i = 0; i < p->n_in; i++)
        if (p->strides[i][label]) {
            owner = i;
            movers++;
        }
    return movers == 1 ? owner : -1;
}

/* Puts a label of p behind those of q. */
static void take_label(ln_einsum *q, const ln_einsum *p, int32_t label)
{
    int32_t to = q->n_labels++;
    q->dims[to] = p->dims[label];
    for (int32_t i = 0; i < q->n_in; i++) {
        q->strides[i][to] = p->strides[i][label];
        q->used[i][to] = p->used[i][label];
    }
}

static linnet_status einsum_plan(ln_ctx *c)
{
    ln_einsum *p = c->params;
    int32_t rank, out[LN_MAX_RANK];
    LN_TRY(resolve(c, p, &rank, out));
    ln_einsum q = {.n_out = rank, .n_in = c->n_in};
    for (int32_t i = 0; i < rank; i++)
        take_label(&q, p, out[i]);
    for (int32_t own = 0; own < 2; own++) {
        for (int32_t l = 0; l < p->n_labels; l++) {
            bool listed = false;
            for (int32_t i = 0; i < rank; i++)
                listed |= out[i] == l;
            int32_t owner = owner_of(p, l);
            if (listed || (owner >= 0) != own)
                continue;
            if (own)
                q.own[owner][q.n_own[owner]++] = q.n_labels;
            take_label(&q, p, l);
        }
        q.n_shared = own ? q.n_shared : q.n_labels;
    }
    q.total = 1;
    for (int32_t i = rank; i-- > 0; q.total *= q.dims[i])
        q.out[i] = q.total;
    *p = q;
    uint32_t products =
        LN_T_FLOATS | LN_T(LINNET_INT32) | LN_T(LINNET_INT64) | LN_T(LINNET_UINT32) | LN_T(LINNET_UINT64);
    bool done = false, empty = q.total == 0;
    for (int32_t l = 0; l < q.n_labels; l++)
        empty |= q.dims[l] == 0;
    if (c->n_in == 2 && (LN_T(c->in[0]->type) & products) && !empty)
        for (int32_t left = 0; left < 2 && !done; left++)
            LN_TRY(plan_product(c, p, left, &done));
    return done ? LINNET_OK : ln_einsum_plan_any(c);
}

static const ln_attr_spec attrs[] = {LN_ATTR_ANY("equation"), LN_ATTR_END};

LN_OP(Einsum) = {
    .domain = "",
    .type = "Einsum",
    .since = {12, 28},
    .types = LN_T_NUMBERS,
    .in = {1, LN_VARIADIC},
    .out = {1, 1},
    .attrs = attrs,
    .params_size = sizeof(ln_einsum),
    .infer = einsum_infer,
    .plan = einsum_plan,
};
