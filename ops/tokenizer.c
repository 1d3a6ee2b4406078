/* SPDX-License-Identifier: Apache-2.0
 *
 * com.microsoft Tokenizer: cuts strings at separators (regular expressions, one applied to the pieces of the one
 * before), or takes what an expression matches; the empty separator takes every character. Rows of tokens are padded to
 * the longest. Tokens point into the strings they are of. Semantics: those of ONNX Runtime's contributed operator,
 * version 1.
 */
#include <string.h>

#include "ops/late.h"
#include "ops/regex.h"
#include "ops/unicode.h"

typedef struct token_params {
    int64_t mark, mincharnum;
} token_params;

/* A list of tokens that grows. */
typedef struct token_list {
    linnet_string *items;
    int64_t n, cap;
} token_list;

typedef struct tokenizer {
    ln_ctx *c;
    ln_regex *patterns;
    void **scratch;
    int64_t n_patterns;
    bool characters, matches; /* every character; what the one pattern matches */
    int64_t least;            /* characters of a token */
    token_list now, next;
} tokenizer;

static linnet_status tokenizer_infer(ln_ctx *c)
{
    const ln_info *x = c->in[0];
    int64_t n;
    const linnet_string *separators = ln_attr_strings(c, "separators", &n);
    const token_params *p = c->params;
    if ((n > 0) == ln_attr_has(c, "tokenexp"))
        return ln_fail(c, LINNET_ERR_MODEL, "one of separators and tokenexp must be given");
    if (!ln_attr_has(c, "pad_value"))
        return ln_fail(c, LINNET_ERR_MODEL, "attribute pad_value is missing");
    for (int64_t i = 0; i < n; i++)
        if (separators[i].size == 0 && n > 1)
            return ln_fail(c, LINNET_ERR_MODEL, "an empty separator among others");
    if (p->mincharnum < 1 || (n == 1 && separators[0].size == 0 && p->mincharnum > 1))
        return ln_fail(c, LINNET_ERR_MODEL, "mincharnum is %lld", (long long)p->mincharnum);
    if (x->rank < 0)
        return ln_set_unknown(c, 0, LINNET_STRING);
    if (x->rank < 1 || x->rank > 2)
        return ln_fail(c, LINNET_ERR_MODEL, "X is neither [C] nor [N, C]");
    int64_t dims[3] = {x->dims[0], x->dims[1]};
    dims[x->rank] = LN_UNKNOWN;
    return ln_set_shape(c, 0, LINNET_STRING, x->rank + 1, dims);
}

static linnet_status push(tokenizer *t, token_list *list, const char *from, size_t size)
{
    int64_t characters = 0;
    for (size_t at = 0, used; at < size && characters < t->least; at += used, characters++)
        ln_utf8_decode(from + at, size - at, &used);
    if (size == 0 || characters < t->least)
        return LINNET_OK;
    if (list->n == list->cap) {
        int64_t cap = list->cap ? 2 * list->cap : 64;
        linnet_string *items = ln_temporary(t->c, (size_t)cap * sizeof *items);
        if (!items)
            return ln_no_memory(t->c);
        if (list->n)
            memcpy(items, list->items, (size_t)list->n * sizeof *items);
        list->items = items;
        list->cap = cap;
    }
    list->items[list->n++] = (linnet_string){from, size};
    return LINNET_OK;
}

static size_t character_at(linnet_string s, size_t at)
{
    size_t used;
    ln_utf8_decode(s.data + at, s.size - at, &used);
    return used;
}

/* The first match at or after `at`; *end its end. False: none. */
static bool search(const tokenizer *t, int64_t pattern, linnet_string s, size_t *at, size_t *end)
{
    for (; *at <= s.size; *at += *at < s.size ? character_at(s, *at) : 1) {
        int64_t e = ln_regex_at(&t->patterns[pattern], s, (int64_t)*at, t->scratch[pattern]);
        if (e >= 0) {
            *end = (size_t)e;
            return true;
        }
    }
    return false;
}

/* What lies between the matches of a separator, or the matches. */
static linnet_status cut(tokenizer *t, int64_t pattern, linnet_string s)
{
    size_t start = 0, at = 0, end = 0;
    while (at < s.size && search(t, pattern, s, &at, &end)) {
        if (t->matches)
            LN_TRY(push(t, &t->next, s.data + at, end - at));
        else if (at > start)
            LN_TRY(push(t, &t->next, s.data + start, at - start));
        if (end == at) /* an empty match takes a character along */
            end = at < s.size ? at + character_at(s, at) : at;
        if (end == at)
            break;
        start = at = end;
    }
    return t->matches ? LINNET_OK : push(t, &t->next, s.data + start, s.size - start);
}

static linnet_status tokens_of(tokenizer *t, linnet_string s)
{
    t->now.n = 0;
    if (t->characters) {
        for (size_t at = 0, used; at < s.size; at += used) {
            used = character_at(s, at);
            LN_TRY(push(t, &t->now, s.data + at, used));
        }
        return LINNET_OK;
    }
    int64_t least = t->least;
    t->least = 1;
    linnet_status st = push(t, &t->now, s.data, s.size);
    t->least = least;
    for (int64_t i = 0; i < t->n_patterns && st == LINNET_OK; i++) {
        t->next.n = 0;
        for (int64_t k = 0; k < t->now.n && st == LINNET_OK; k++)
            st = cut(t, i, t->now.items[k]);
        token_list swap = t->now;
        t->now = t->next;
        t->next = swap;
    }
    return st;
}

static linnet_status prepare(ln_ctx *c, tokenizer *t)
{
    const token_params *p = c->params;
    linnet_string expression = ln_attr_string(c, "tokenexp");
    const linnet_string *patterns = ln_attr_strings(c, "separators", &t->n_patterns);
    t->c = c;
    t->least = p->mincharnum;
    t->matches = t->n_patterns == 0;
    t->characters = t->n_patterns == 1 && patterns[0].size == 0;
    if (t->matches) {
        patterns = &expression;
        t->n_patterns = 1;
    }
    t->patterns = ln_temporary(c, (size_t)t->n_patterns * sizeof *t->patterns);
    t->scratch = ln_temporary(c, (size_t)t->n_patterns * sizeof *t->scratch);
    if (!t->patterns || !t->scratch)
        return ln_no_memory(c);
    for (int64_t i = 0; i < t->n_patterns; i++) {
        LN_TRY(ln_regex_compile(c, patterns[i], &t->patterns[i]));
        if (!(t->scratch[i] = ln_temporary(c, ln_regex_scratch(&t->patterns[i]))))
            return ln_no_memory(c);
    }
    return LINNET_OK;
}

static linnet_status tokenizer_late(ln_ctx *c)
{
    const token_params *p = c->params;
    const linnet_value *x = ln_late_in(c, 0);
    int64_t n = linnet_value_count(x), most = 0, total = 0;
    tokenizer t = {0};
    LN_TRY(prepare(c, &t));
    /* All tokens one after the other, and where each string's end. */
    token_list all = {0};
    int64_t *ends = ln_temporary(c, (size_t)n * sizeof *ends);
    if (!ends)
        return ln_no_memory(c);
    for (int64_t i = 0; i < n; i++) {
        LN_TRY(tokens_of(&t, ((const linnet_string *)x->data)[i]));
        for (int64_t k = 0; k < t.now.n; k++)
            LN_TRY(push(&t, &all, t.now.items[k].data, t.now.items[k].size));
        most = t.now.n > most ? t.now.n : most;
        ends[i] = all.n;
    }
    int64_t width = most ? most + (p->mark ? 2 : 0) : 0, dims[3] = {x->dims[0], x->dims[1]}, from = 0;
    dims[x->rank] = width;
    LN_TRY(ln_mul_size(c, n * (int64_t)sizeof(linnet_string), width, &total));
    linnet_string *y = ln_late_tensor(c, 0, LINNET_STRING, x->rank + 1, dims);
    if (!y)
        return ln_no_memory(c);
    linnet_string pad = ln_attr_string(c, "pad_value");
    for (int64_t i = 0; i < n && width; i++, y += width) {
        int64_t at = 0;
        if (p->mark)
            y[at++] = (linnet_string){"\x02", 1};
        while (from < ends[i])
            y[at++] = all.items[from++];
        if (p->mark)
            y[at++] = (linnet_string){"\x03", 1};
        while (at < width)
            y[at++] = pad;
    }
    return LINNET_OK;
}

static const ln_attr_spec attrs[] = {
    LN_ATTR_I(token_params, mark, 0), LN_ATTR_I(token_params, mincharnum, 1),
    LN_ATTR_ANY("pad_value"),         LN_ATTR_ANY("separators"),
    LN_ATTR_ANY("tokenexp"),          LN_ATTR_END,
};

LN_OP(ms_Tokenizer) = {
    .domain = "com.microsoft",
    .type = "Tokenizer",
    .since = {1},
    .types = LN_T(LINNET_STRING),
    .in = {1, 1},
    .out = {1, 1},
    .attrs = attrs,
    .params_size = sizeof(token_params),
    .infer = tokenizer_infer,
    .late = tokenizer_late,
};
