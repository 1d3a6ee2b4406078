/* SPDX-License-Identifier: Apache-2.0
 *
 * The parser of regular expressions: recursive descent, one level of the C stack for each open group.
 */
#include <string.h>

#include "ops/regexsyntax.h"
#include "ops/unicode.h"

enum { FOLD = 1, MULTILINE = 2, DOT_NEWLINE = 4 };
enum { MAX_DEPTH = 250, MAX_REPEAT = 1000 };

typedef struct parser {
    ln_ctx *c;
    const char *s;
    size_t n, at;
    int32_t flags, depth;
    bool bare; /* the last atom was nothing but flags */
    re_tree *tree;
} parser;

static linnet_status bad(parser *p, const char *what)
{
    return ln_fail(p->c, LINNET_ERR_MODEL, "pattern: %s at byte %zu", what, p->at);
}

static linnet_status add_node(parser *p, re_node node, int32_t *id)
{
    re_tree *t = p->tree;
    if (t->n_nodes == t->cap_nodes) {
        int32_t cap = t->cap_nodes ? 2 * t->cap_nodes : 64;
        re_node *nodes = ln_temporary(p->c, (size_t)cap * sizeof *nodes);
        if (!nodes)
            return ln_no_memory(p->c);
        if (t->n_nodes)
            memcpy(nodes, t->nodes, (size_t)t->n_nodes * sizeof *nodes);
        t->nodes = nodes;
        t->cap_nodes = cap;
    }
    *id = t->n_nodes;
    node.next = -1;
    t->nodes[t->n_nodes++] = node;
    return LINNET_OK;
}

/* A class node from a set, folded if the flags say so. */
static linnet_status add_set(parser *p, re_set *set, bool negate, int32_t *id)
{
    re_tree *t = p->tree;
    if (p->flags & FOLD)
        LN_TRY(ln_re_set_fold(p->c, set));
    if (negate)
        LN_TRY(ln_re_set_negate(p->c, set));
    ln_re_set_tidy(set);
    re_node node = {.kind = RE_N_CLASS, .a = t->ranges.n, .b = set->n};
    for (int32_t i = 0; i < set->n; i++)
        LN_TRY(ln_re_set_add(p->c, &t->ranges, set->r[i].first, set->r[i].last));
    return add_node(p, node, id);
}

static linnet_status add_char(parser *p, uint32_t code, int32_t *id)
{
    re_set set = {0};
    LN_TRY(ln_re_set_add(p->c, &set, code, code));
    return add_set(p, &set, false, id);
}

static bool more(const parser *p)
{
    return p->at < p->n;
}

static char peek(const parser *p)
{
    return p->at < p->n ? p->s[p->at] : 0;
}

static bool eat(parser *p, const char *text)
{
    size_t n = strlen(text);
    if (p->n - p->at < n || memcmp(p->s + p->at, text, n) != 0)
        return false;
    p->at += n;
    return true;
}

/* The code point at hand. */
static linnet_status next_code(parser *p, uint32_t *code)
{
    size_t used;
    if (!more(p))
        return bad(p, "unexpected end");
    int32_t c = ln_utf8_decode(p->s + p->at, p->n - p->at, &used);
    if (c < 0)
        return bad(p, "invalid UTF-8");
    p->at += used;
    *code = (uint32_t)c;
    return LINNET_OK;
}

static int32_t hex(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

static linnet_status hex_escape(parser *p, uint32_t *code)
{
    bool braces = eat(p, "{");
    int32_t digits = 0;
    for (*code = 0; more(p) && hex(peek(p)) >= 0 && (braces || digits < 2); digits++) {
        *code = *code * 16 + (uint32_t)hex(p->s[p->at++]);
        if (*code > RE_MAX_POINT)
            return bad(p, "escape beyond U+10FFFF");
    }
    if (digits == 0 || (!braces && digits != 2) || (braces && !eat(p, "}")))
        return bad(p, "invalid \\x escape");
    return LINNET_OK;
}

/* The escape after a backslash that stands for one code point. */
static linnet_status escape(parser *p, uint32_t *code)
{
    static const char letters[] = "aftnrv", values[] = "\a\f\t\n\r\v";
    uint32_t c;
    LN_TRY(next_code(p, &c));
    const char *known = c && c < 128 ? strchr(letters, (int)c) : NULL;
    if (known) {
        *code = (uint32_t)values[known - letters];
        return LINNET_OK;
    }
    if (c == 'x')
        return hex_escape(p, code);
    if (c >= '0' && c <= '7') {
        if (c != '0' && !(peek(p) >= '0' && peek(p) <= '7'))
            return bad(p, "back-references are no regular expressions");
        *code = c - '0';
        for (int32_t i = 0; i < 2 && peek(p) >= '0' && peek(p) <= '7'; i++)
            *code = *code * 8 + (uint32_t)(p->s[p->at++] - '0');
        return LINNET_OK;
    }
    bool word = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c >= 128;
    if (word) {
        p->at--;
        return bad(p, "invalid escape");
    }
    *code = c;
    return LINNET_OK;
}

/* \d and its like at hand (after the backslash): adds it to set. */
static linnet_status perl_class(parser *p, re_set *set, bool *found)
{
    *found = false;
    char c = peek(p);
    if (c == 'p' || c == 'P' || c == 'C')
        return ln_fail(p->c, LINNET_ERR_UNSUPPORTED, "pattern: \\%c is not supported", c);
    if (c == 'd' || c == 's' || c == 'w' || c == 'D' || c == 'S' || c == 'W') {
        char name = (char)(c | 32);
        p->at++;
        return ln_re_set_named(p->c, set, &name, 1, c < 'a', found);
    }
    return LINNET_OK;
}

/* [:name:] inside a class. */
static linnet_status posix_class(parser *p, re_set *set, bool *found)
{
    *found = false;
    size_t start = p->at;
    if (!eat(p, "[:"))
        return LINNET_OK;
    bool negate = eat(p, "^");
    size_t name = p->at;
    while (more(p) && peek(p) >= 'a' && peek(p) <= 'z')
        p->at++;
    size_t size = p->at - name;
    if (!eat(p, ":]")) {
        p->at = start;
        return LINNET_OK;
    }
    LN_TRY(ln_re_set_named(p->c, set, p->s + name, size, negate, found));
    return *found && size > 1 ? LINNET_OK : bad(p, "unknown class name");
}

static linnet_status class_char(parser *p, uint32_t *code)
{
    if (eat(p, "\\"))
        return escape(p, code);
    return next_code(p, code);
}

static linnet_status char_class(parser *p, int32_t *id)
{
    re_set set = {0};
    bool negate = eat(p, "^"), found;
    for (bool first = true; first || peek(p) != ']'; first = false) {
        if (!more(p))
            return bad(p, "missing ]");
        LN_TRY(posix_class(p, &set, &found));
        if (found)
            continue;
        if (peek(p) == '\\') {
            p->at++;
            LN_TRY(perl_class(p, &set, &found));
            if (found)
                continue;
            p->at--;
        }
        uint32_t low, high;
        LN_TRY(class_char(p, &low));
        high = low;
        if (peek(p) == '-' && p->at + 1 < p->n && p->s[p->at + 1] != ']') {
            p->at++;
            LN_TRY(class_char(p, &high));
            if (high < low)
                return bad(p, "range in the wrong order");
        }
        LN_TRY(ln_re_set_add(p->c, &set, low, high));
    }
    p->at++;
    return add_set(p, &set, negate, id);
}

static linnet_status assertion(parser *p, int32_t which, int32_t *id)
{
    return add_node(p, (re_node){.kind = RE_N_ASSERT, .a = which}, id);
}

static linnet_status dot(parser *p, int32_t *id)
{
    re_set set = {0};
    if (!(p->flags & DOT_NEWLINE)) {
        LN_TRY(ln_re_set_add(p->c, &set, 0, '\n' - 1));
        LN_TRY(ln_re_set_add(p->c, &set, '\n' + 1, RE_MAX_POINT));
    } else {
        LN_TRY(ln_re_set_add(p->c, &set, 0, RE_MAX_POINT));
    }
    return add_set(p, &set, false, id);
}

static linnet_status escaped(parser *p, int32_t *id)
{
    static const char letters[] = "AzbB";
    static const int32_t asserts[] = {RE_TEXT_BEGIN, RE_TEXT_END, RE_WORD, RE_NOT_WORD};
    const char *known = peek(p) ? strchr(letters, peek(p)) : NULL;
    if (known) {
        p->at++;
        return assertion(p, asserts[known - letters], id);
    }
    re_set set = {0};
    bool found;
    LN_TRY(perl_class(p, &set, &found));
    if (found)
        return add_set(p, &set, false, id);
    uint32_t code;
    LN_TRY(escape(p, &code));
    return add_char(p, code, id);
}

static linnet_status alternation(parser *p, int32_t *id);

/* What follows "(?": flags, a name. *whole: it was flags for the rest of the group, nothing else. */
static linnet_status group_head(parser *p, bool *whole)
{
    *whole = false;
    if (eat(p, "P<") || eat(p, "<")) {
        size_t start = p->at;
        while (more(p) && peek(p) != '>')
            p->at++;
        if (p->at == start || !eat(p, ">"))
            return bad(p, "invalid group name");
        return LINNET_OK;
    }
    bool off = false;
    for (;;) {
        static const char names[] = "imsU";
        const char *flag = peek(p) ? strchr(names, peek(p)) : NULL;
        if (flag) {
            int32_t bit = 1 << (flag - names);
            p->flags = off ? p->flags & ~bit : p->flags | bit;
        } else if (peek(p) == '-' && !off) {
            off = true;
        } else if (peek(p) == ':' || peek(p) == ')') {
            *whole = peek(p) == ')';
            p->at++;
            return LINNET_OK;
        } else {
            return bad(p, "invalid group syntax");
        }
        p->at++;
    }
}

static linnet_status group(parser *p, int32_t *id)
{
    int32_t flags = p->flags;
    bool whole = false;
    if (eat(p, "?"))
        LN_TRY(group_head(p, &whole));
    if (whole) { /* the flags stay until the group around ends */
        p->bare = true;
        return add_node(p, (re_node){.kind = RE_N_EMPTY}, id);
    }
    if (++p->depth > MAX_DEPTH)
        return bad(p, "groups nested too deep");
    LN_TRY(alternation(p, id));
    p->depth--;
    p->flags = flags;
    return eat(p, ")") ? LINNET_OK : bad(p, "missing )");
}

/* {n}, {n,} or {n,m} at hand; otherwise the brace is a literal and nothing is eaten. */
static bool counts(parser *p, int32_t *min, int32_t *max)
{
    size_t start = p->at;
    int32_t n[2] = {0, 0}, digits[2] = {0, 0};
    bool comma = false;
    p->at++;
    for (int32_t i = 0; i < 2; i++) {
        for (; peek(p) >= '0' && peek(p) <= '9'; p->at++, digits[i]++)
            n[i] = n[i] > MAX_REPEAT ? n[i] : n[i] * 10 + (peek(p) - '0');
        if (i == 0 && !(comma = eat(p, ",")))
            break;
    }
    if (digits[0] == 0 || !eat(p, "}")) {
        p->at = start;
        return false;
    }
    *min = n[0];
    *max = comma ? (digits[1] ? n[1] : -1) : n[0];
    return true;
}

/* Quantifiers behind the node. */
static linnet_status repeats(parser *p, int32_t *id)
{
    for (bool again = false;; again = true) {
        int32_t min = 0, max = -1;
        char c = peek(p);
        size_t start = p->at;
        if (c == '*' || c == '+' || c == '?') {
            min = c == '+';
            max = c == '?' ? 1 : -1;
            p->at++;
        } else if (c != '{' || !counts(p, &min, &max)) {
            return LINNET_OK;
        }
        if (again) {
            p->at = start;
            return bad(p, "repetition of a repetition");
        }
        if (min > MAX_REPEAT || max > MAX_REPEAT || (max >= 0 && max < min))
            return bad(p, "invalid repetition count");
        eat(p, "?");
        LN_TRY(add_node(p, (re_node){.kind = RE_N_REPEAT, .a = *id, .min = min, .max = max}, id));
    }
}

static linnet_status quoted(parser *p, int32_t *id)
{
    int32_t list = -1, last = -1;
    while (more(p) && !eat(p, "\\E")) {
        uint32_t code;
        int32_t one;
        LN_TRY(next_code(p, &code));
        LN_TRY(add_char(p, code, &one));
        if (last >= 0)
            p->tree->nodes[last].next = one;
        else
            list = one;
        last = one;
    }
    return add_node(p, (re_node){.kind = list < 0 ? RE_N_EMPTY : RE_N_CAT, .a = list}, id);
}

static linnet_status atom(parser *p, int32_t *id)
{
    uint32_t code;
    switch (peek(p)) {
    case '(':
        p->at++;
        return group(p, id);
    case '[':
        p->at++;
        return char_class(p, id);
    case '.':
        p->at++;
        return dot(p, id);
    case '^':
        p->at++;
        return assertion(p, p->flags & MULTILINE ? RE_LINE_BEGIN : RE_TEXT_BEGIN, id);
    case '$':
        p->at++;
        return assertion(p, p->flags & MULTILINE ? RE_LINE_END : RE_TEXT_END, id);
    case '*':
    case '+':
    case '?':
        return bad(p, "nothing to repeat");
    case '\\':
        p->at++;
        return eat(p, "Q") ? quoted(p, id) : escaped(p, id);
    default:
        LN_TRY(next_code(p, &code));
        return add_char(p, code, id);
    }
}

static linnet_status concatenation(parser *p, int32_t *id)
{
    int32_t list = -1, last = -1;
    while (more(p) && peek(p) != '|' && peek(p) != ')') {
        int32_t one = -1;
        p->bare = false;
        LN_TRY(atom(p, &one));
        if (!p->bare)
            LN_TRY(repeats(p, &one));
        p->bare = false;
        if (last >= 0)
            p->tree->nodes[last].next = one;
        else
            list = one;
        last = one;
    }
    return add_node(p, (re_node){.kind = list < 0 ? RE_N_EMPTY : RE_N_CAT, .a = list}, id);
}

static linnet_status alternation(parser *p, int32_t *id)
{
    int32_t list, last;
    LN_TRY(concatenation(p, &list));
    last = list;
    while (eat(p, "|")) {
        int32_t one;
        LN_TRY(concatenation(p, &one));
        p->tree->nodes[last].next = one;
        last = one;
    }
    if (last == list) {
        *id = list;
        return LINNET_OK;
    }
    return add_node(p, (re_node){.kind = RE_N_ALT, .a = list}, id);
}

linnet_status ln_re_parse(ln_ctx *c, linnet_string pattern, re_tree *tree)
{
    parser p = {.c = c, .s = pattern.data, .n = pattern.size, .tree = tree};
    if (pattern.size > 1 << 20)
        return ln_fail(c, LINNET_ERR_UNSUPPORTED, "a pattern of %zu bytes", pattern.size);
    LN_TRY(alternation(&p, &tree->root));
    return more(&p) ? bad(&p, "unexpected )") : LINNET_OK;
}
