/* SPDX-License-Identifier: Apache-2.0
 *
 * Sets of code points for character classes of regular expressions: union, complement, case folding, named classes.
 */
#include <stdlib.h>
#include <string.h>

#include "ops/regexsyntax.h"
#include "ops/unicode.h"

linnet_status ln_re_set_add(ln_ctx *c, re_set *s, uint32_t first, uint32_t last)
{
    if (s->n == s->cap) {
        int32_t cap = s->cap ? 2 * s->cap : 16;
        if (cap > 1 << 24)
            return ln_fail(c, LINNET_ERR_UNSUPPORTED, "the pattern's character classes are too large");
        ln_regex_range *r = ln_temporary(c, (size_t)cap * sizeof *r);
        if (!r)
            return ln_no_memory(c);
        if (s->n)
            memcpy(r, s->r, (size_t)s->n * sizeof *r);
        s->r = r;
        s->cap = cap;
    }
    s->r[s->n++] = (ln_regex_range){first, last};
    return LINNET_OK;
}

static int compare(const void *pa, const void *pb)
{
    const ln_regex_range *a = pa, *b = pb;
    return (a->first > b->first) - (a->first < b->first);
}

void ln_re_set_tidy(re_set *s)
{
    if (s->n < 2)
        return;
    qsort(s->r, (size_t)s->n, sizeof *s->r, compare);
    int32_t n = 0;
    for (int32_t i = 1; i < s->n; i++) {
        if (s->r[i].first <= s->r[n].last || s->r[i].first == s->r[n].last + 1)
            s->r[n].last = s->r[i].last > s->r[n].last ? s->r[i].last : s->r[n].last;
        else
            s->r[++n] = s->r[i];
    }
    s->n = n + 1;
}

static bool contains(const re_set *s, int32_t n, uint32_t c)
{
    int32_t low = 0, high = n;
    while (low < high) {
        int32_t mid = low + (high - low) / 2;
        if (s->r[mid].last < c)
            low = mid + 1;
        else
            high = mid;
    }
    return low < n && s->r[low].first <= c;
}

linnet_status ln_re_set_fold(ln_ctx *c, re_set *s)
{
    enum { ROUNDS = 2 }; /* k, K and the Kelvin sign: from one to the third it takes two */
    for (int32_t round = 0; round < ROUNDS; round++) {
        ln_re_set_tidy(s);
        int32_t n = s->n, range = 0;
        uint32_t at = 0, one, other;
        while (ln_case_pair(&range, &at, &one, &other)) {
            bool has_one = contains(s, n, one), has_other = contains(s, n, other);
            if (has_one && !has_other)
                LN_TRY(ln_re_set_add(c, s, other, other));
            else if (has_other && !has_one)
                LN_TRY(ln_re_set_add(c, s, one, one));
        }
    }
    ln_re_set_tidy(s);
    return LINNET_OK;
}

linnet_status ln_re_set_negate(ln_ctx *c, re_set *s)
{
    re_set out = {0};
    uint32_t from = 0;
    ln_re_set_tidy(s);
    for (int32_t i = 0; i < s->n; i++) {
        if (s->r[i].first > from)
            LN_TRY(ln_re_set_add(c, &out, from, s->r[i].first - 1));
        from = s->r[i].last + 1;
    }
    if (from <= RE_MAX_POINT)
        LN_TRY(ln_re_set_add(c, &out, from, RE_MAX_POINT));
    *s = out;
    return LINNET_OK;
}

linnet_status ln_re_set_named(ln_ctx *c, re_set *s, const char *name, size_t size, bool negate, bool *found)
{
    static const struct {
        const char *name;
        uint8_t ranges[8]; /* pairs; 0 ends them after the first */
    } classes[] = {
        {"d", {'0', '9'}},
        {"s", {'\t', '\n', '\f', '\r', ' ', ' '}},
        {"w", {'0', '9', 'A', 'Z', '_', '_', 'a', 'z'}},
        {"alnum", {'0', '9', 'A', 'Z', 'a', 'z'}},
        {"alpha", {'A', 'Z', 'a', 'z'}},
        {"ascii", {0, 127}},
        {"blank", {'\t', '\t', ' ', ' '}},
        {"cntrl", {0, 31, 127, 127}},
        {"digit", {'0', '9'}},
        {"graph", {'!', '~'}},
        {"lower", {'a', 'z'}},
        {"print", {' ', '~'}},
        {"punct", {'!', '/', ':', '@', '[', '`', '{', '~'}},
        {"space", {'\t', '\r', ' ', ' '}},
        {"upper", {'A', 'Z'}},
        {"word", {'0', '9', 'A', 'Z', '_', '_', 'a', 'z'}},
        {"xdigit", {'0', '9', 'A', 'F', 'a', 'f'}},
    };
    *found = false;
    for (size_t i = 0; i < sizeof classes / sizeof classes[0]; i++) {
        if (strlen(classes[i].name) != size || memcmp(classes[i].name, name, size) != 0)
            continue;
        re_set own = {0};
        for (int32_t k = 0; k < 8 && (k == 0 || classes[i].ranges[k + 1]); k += 2)
            LN_TRY(ln_re_set_add(c, &own, classes[i].ranges[k], classes[i].ranges[k + 1]));
        if (negate)
            LN_TRY(ln_re_set_negate(c, &own));
        for (int32_t k = 0; k < own.n; k++)
            LN_TRY(ln_re_set_add(c, s, own.r[k].first, own.r[k].last));
        *found = true;
    }
    return LINNET_OK;
}
