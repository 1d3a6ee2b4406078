/* SPDX-License-Identifier: Apache-2.0
 *
 * Compiles the tree of a regular expression and runs the automaton: a list of states, advanced over one code
 * point at a time. What takes no code point (splits, assertions) is followed at once with a stack.
 */
#include "ops/regex.h"

#include <string.h>

#include "ops/regexsyntax.h"
#include "ops/unicode.h"

enum { MAX_CODE = 1 << 17 };

/* -- compile ----------------------------------------------------------------------------------------------------------
 */

typedef struct compiler {
    ln_ctx *c;
    const re_tree *tree;
    ln_regex *re;
    int32_t cap;
    int64_t visits; /* of nodes: an empty group repeated over and over emits nothing */
} compiler;

static linnet_status emit(compiler *k, int32_t op, int32_t x, int32_t y, int32_t *at)
{
    ln_regex *re = k->re;
    if (re->n_code == k->cap) {
        int32_t cap = k->cap ? 2 * k->cap : 64;
        if (cap > MAX_CODE)
            return ln_fail(k->c, LINNET_ERR_UNSUPPORTED, "pattern: it unfolds to more than %d steps", MAX_CODE);
        ln_regex_inst *code = ln_temporary(k->c, (size_t)cap * sizeof *code);
        if (!code)
            return ln_no_memory(k->c);
        if (re->n_code)
            memcpy(code, re->code, (size_t)re->n_code * sizeof *code);
        re->code = code;
        k->cap = cap;
    }
    *at = re->n_code;
    re->code[re->n_code++] = (ln_regex_inst){op, x, y};
    return LINNET_OK;
}

static linnet_status tree(compiler *k, int32_t id);

/* A split at `at` between what follows it and another place. */
static void close_split(compiler *k, int32_t at, int32_t other)
{
    k->re->code[at].x = at + 1;
    k->re->code[at].y = other;
}

static linnet_status repeat(compiler *k, const re_node *n)
{
    int32_t at = -1, jump;
    for (int32_t i = 0; i < n->min; i++)
        LN_TRY(tree(k, n->a));
    if (n->max < 0) {
        LN_TRY(emit(k, RE_SPLIT, 0, 0, &at));
        LN_TRY(tree(k, n->a));
        LN_TRY(emit(k, RE_JUMP, at, 0, &jump));
        close_split(k, at, k->re->n_code);
        return LINNET_OK;
    }
    /* Every optional copy may leave to the end; the splits are chained through x until that is known. */
    int32_t open = -1;
    for (int32_t i = n->min; i < n->max; i++) {
        LN_TRY(emit(k, RE_SPLIT, open, 0, &at));
        open = at;
        LN_TRY(tree(k, n->a));
    }
    while (open >= 0) {
        int32_t before = k->re->code[open].x;
        close_split(k, open, k->re->n_code);
        open = before;
    }
    return LINNET_OK;
}

static linnet_status alternatives(compiler *k, const re_node *n)
{
    int32_t jumps = -1, at;
    for (int32_t i = n->a; i >= 0; i = k->tree->nodes[i].next) {
        bool last = k->tree->nodes[i].next < 0;
        int32_t split = -1;
        if (!last)
            LN_TRY(emit(k, RE_SPLIT, 0, 0, &split));
        LN_TRY(tree(k, i));
        if (last)
            break;
        LN_TRY(emit(k, RE_JUMP, jumps, 0, &at));
        jumps = at;
        close_split(k, split, k->re->n_code);
    }
    while (jumps >= 0) {
        int32_t before = k->re->code[jumps].x;
        k->re->code[jumps].x = k->re->n_code;
        jumps = before;
    }
    return LINNET_OK;
}

static linnet_status tree(compiler *k, int32_t id)
{
    const re_node n = k->tree->nodes[id];
    int32_t at;
    if (++k->visits > 16 * (int64_t)MAX_CODE)
        return ln_fail(k->c, LINNET_ERR_UNSUPPORTED, "pattern: it unfolds to more than %d steps", MAX_CODE);
    switch (n.kind) {
    case RE_N_CLASS:
        if (n.b == 1) {
            ln_regex_range r = k->tree->ranges.r[n.a];
            return emit(k, RE_CHAR, (int32_t)r.first, (int32_t)r.last, &at);
        }
        return emit(k, RE_CLASS, n.a, n.b, &at);
    case RE_N_CAT:
        for (int32_t i = n.a; i >= 0; i = k->tree->nodes[i].next)
            LN_TRY(tree(k, i));
        return LINNET_OK;
    case RE_N_ALT:
        return alternatives(k, &n);
    case RE_N_REPEAT:
        return repeat(k, &n);
    case RE_N_ASSERT:
        return emit(k, RE_ASSERT, n.a, 0, &at);
    default:
        return LINNET_OK;
    }
}

linnet_status ln_regex_compile(ln_ctx *c, linnet_string pattern, ln_regex *re)
{
    re_tree t = {0};
    int32_t at;
    *re = (ln_regex){0};
    LN_TRY(ln_re_parse(c, pattern, &t));
    compiler k = {.c = c, .tree = &t, .re = re};
    LN_TRY(tree(&k, t.root));
    LN_TRY(emit(&k, RE_MATCH, 0, 0, &at));
    re->ranges = t.ranges.r;
    re->n_ranges = t.ranges.n;
    return LINNET_OK;
}

/* -- run
 * ---------------------------------------------------------------------------------------------------------------- */

/* States of one position; mark says which are there (the number of the step). */
typedef struct states {
    int32_t *list;
    int32_t n;
} states;

typedef struct machine {
    const ln_regex *re;
    linnet_string text;
    int32_t *stack;
    uint32_t *mark, step;
} machine;

size_t ln_regex_scratch(const ln_regex *re)
{
    return (size_t)re->n_code * 5 * sizeof(int32_t) + 64;
}

static bool is_word(int32_t c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_';
}

/* Whether an assertion holds between the code points before and after (-1: there is none). */
static bool holds(int32_t which, int32_t before, int32_t after, bool begin, bool end)
{
    switch (which) {
    case RE_TEXT_BEGIN:
        return begin;
    case RE_TEXT_END:
        return end;
    case RE_LINE_BEGIN:
        return begin || before == '\n';
    case RE_LINE_END:
        return end || after == '\n';
    case RE_WORD:
        return is_word(before) != is_word(after);
    default:
        return is_word(before) == is_word(after);
    }
}

/* Adds a state and all it leads to without taking a code point. The stack holds at most two entries a state. */
static void add(machine *m, states *s, int32_t pc, int32_t before, int32_t after, bool begin, bool end)
{
    int32_t n = 0;
    m->stack[n++] = pc;
    while (n > 0) {
        pc = m->stack[--n];
        if (m->mark[pc] == m->step)
            continue;
        m->mark[pc] = m->step;
        const ln_regex_inst *i = &m->re->code[pc];
        if (i->op == RE_JUMP) {
            m->stack[n++] = i->x;
        } else if (i->op == RE_SPLIT) {
            m->stack[n++] = i->y;
            m->stack[n++] = i->x;
        } else if (i->op == RE_ASSERT) {
            if (holds(i->x, before, after, begin, end))
                m->stack[n++] = pc + 1;
        } else {
            s->list[s->n++] = pc;
        }
    }
}

static bool takes(const ln_regex *re, const ln_regex_inst *i, int32_t c)
{
    if (c < 0)
        return false;
    if (i->op == RE_CHAR)
        return c >= i->x && c <= i->y;
    const ln_regex_range *r = re->ranges + i->x;
    int32_t low = 0, high = i->y;
    while (low < high) {
        int32_t mid = low + (high - low) / 2;
        if (r[mid].last < (uint32_t)c)
            low = mid + 1;
        else
            high = mid;
    }
    return low < i->y && r[low].first <= (uint32_t)c;
}

static int32_t code_at(linnet_string text, size_t at, size_t *used)
{
    *used = 1;
    return at < text.size ? ln_utf8_decode(text.data + at, text.size - at, used) : -1;
}

/* The code point that ends at `at`. */
static int32_t code_before(linnet_string text, size_t at)
{
    for (size_t n = 1; n <= 4 && n <= at; n++) {
        size_t used;
        int32_t c = ln_utf8_decode(text.data + at - n, n, &used);
        if (c >= 0 && used == n)
            return c;
    }
    return -1;
}

/* The end of the longest match from start, -1: none. */
static int64_t match(const ln_regex *re, linnet_string text, size_t start, void *scratch)
{
    size_t n = (size_t)re->n_code;
    int32_t *memory = scratch;
    machine m = {.re = re, .text = text, .stack = memory + 2 * n, .mark = (uint32_t *)memory + 4 * n};
    states now = {.list = memory}, next = {.list = memory + n};
    memset(m.mark, 0, n * sizeof *m.mark);
    int64_t found = -1;
    size_t at = start, used;
    int32_t before = code_before(text, at), after = code_at(text, at, &used);
    m.step = 1;
    add(&m, &now, 0, before, after, at == 0, at == text.size);
    for (;;) {
        bool end = at == text.size;
        size_t skip;
        int32_t beyond = end ? -1 : code_at(text, at + used, &skip);
        m.step++;
        next.n = 0;
        for (int32_t i = 0; i < now.n; i++) {
            const ln_regex_inst *in = &re->code[now.list[i]];
            if (in->op == RE_MATCH)
                found = (int64_t)at;
            else if (!end && takes(re, in, after))
                add(&m, &next, now.list[i] + 1, after, beyond, false, at + used == text.size);
        }
        if (end || next.n == 0)
            return found;
        states swap = now;
        now = next;
        next = swap;
        at += used;
        before = after;
        after = beyond;
        used = at < text.size ? skip : 1;
    }
}

bool ln_regex_full(const ln_regex *re, linnet_string text, void *scratch)
{
    return match(re, text, 0, scratch) == (int64_t)text.size;
}

int64_t ln_regex_at(const ln_regex *re, linnet_string text, int64_t start, void *scratch)
{
    return match(re, text, (size_t)start, scratch);
}
