/* SPDX-License-Identifier: Apache-2.0
 *
 * StringNormalizer, StringConcat, StringSplit. Upper and lower case are the simple mappings of unicode.h whatever the
 * attribute locale says; accents stay. Pieces of a split point into the string that was split.
 * ai.onnx StringNormalizer-10, StringConcat-20, StringSplit-20.
 */
#include <string.h>

#include "ops/keytable.h"
#include "ops/late.h"
#include "ops/unicode.h"

/* -- StringNormalizer -------------------------------------------------------------------------------------------------
 */

typedef struct normalize_params {
    int64_t is_case_sensitive;
    int32_t case_change_action;
} normalize_params;

enum { NO_CASE, LOWER, UPPER };

static linnet_status normalize_infer(ln_ctx *c)
{
    const ln_info *x = c->in[0];
    if (x->rank < 0)
        return ln_set_unknown(c, 0, LINNET_STRING);
    if (x->rank != 1 && (x->rank != 2 || x->dims[0] > 1 || x->dims[0] == 0))
        return ln_fail(c, LINNET_ERR_MODEL, "X is neither [C] nor [1, C]");
    int64_t dims[2] = {1, LN_UNKNOWN};
    return ln_set_shape(c, 0, LINNET_STRING, x->rank, dims + (x->rank == 1));
}

/* The string in another case, in memory that lives until the next run. Bytes that are no UTF-8 stay. */
static linnet_status change_case(ln_ctx *c, linnet_string *s, int32_t to)
{
    if (to == NO_CASE || s->size == 0)
        return LINNET_OK;
    /* A mapped code point may be longer by a byte or two. */
    int64_t room;
    LN_TRY(ln_mul_size(c, (int64_t)s->size, 3, &room));
    char *made = ln_late_alloc(c, (size_t)room);
    if (!made)
        return ln_no_memory(c);
    size_t n = 0;
    for (size_t at = 0, used; at < s->size; at += used) {
        int32_t code = ln_utf8_decode(s->data + at, s->size - at, &used);
        if (code < 0)
            made[n++] = s->data[at];
        else
            n += ln_utf8_encode(made + n, to == LOWER ? ln_to_lower((uint32_t)code) : ln_to_upper((uint32_t)code));
    }
    *s = (linnet_string){made, n};
    return LINNET_OK;
}

static linnet_status normalize_late(ln_ctx *c)
{
    const normalize_params *p = c->params;
    const linnet_value *x = ln_late_in(c, 0);
    const linnet_string *from = x->data;
    int64_t n = linnet_value_count(x), n_stop, kept = 0;
    const linnet_string *words = ln_attr_strings(c, "stopwords", &n_stop);
    ln_string_key *stop = ln_temporary(c, (size_t)n_stop * sizeof *stop);
    linnet_string *y = ln_late_alloc(c, (size_t)(n + 1) * sizeof *y);
    if (!stop || !y)
        return ln_no_memory(c);
    int32_t fold = p->is_case_sensitive ? NO_CASE : LOWER;
    for (int64_t i = 0; i < n_stop; i++) {
        stop[i] = (ln_string_key){words[i], i};
        LN_TRY(change_case(c, &stop[i].key, fold));
    }
    n_stop = ln_string_keys_sort(stop, n_stop);
    for (int64_t i = 0; i < n; i++) {
        linnet_string key = from[i];
        if (n_stop)
            LN_TRY(change_case(c, &key, fold));
        if (n_stop && ln_string_keys_find(stop, n_stop, key) >= 0)
            continue;
        y[kept] = from[i];
        LN_TRY(change_case(c, &y[kept++], p->case_change_action));
    }
    if (kept == 0)
        y[kept++] = (linnet_string){"", 0};
    linnet_value v = {.kind = LINNET_TENSOR, .type = LINNET_STRING, .rank = x->rank, .data = y};
    v.dims[0] = 1;
    v.dims[x->rank - 1] = kept;
    return ln_late_give(c, 0, &v);
}

static const ln_attr_spec normalize_attrs[] = {
    LN_ATTR_I(normalize_params, is_case_sensitive, 0),
    LN_ATTR_E(normalize_params, case_change_action, "NONE|LOWER|UPPER", NO_CASE),
    LN_ATTR_ANY("stopwords"),
    LN_ATTR_ANY("locale"),
    LN_ATTR_END,
};

LN_OP(StringNormalizer) = {
    .domain = "",
    .type = "StringNormalizer",
    .since = {10},
    .types = LN_T(LINNET_STRING),
    .in = {1, 1},
    .out = {1, 1},
    .attrs = normalize_attrs,
    .params_size = sizeof(normalize_params),
    .infer = normalize_infer,
    .late = normalize_late,
};

/* -- StringConcat
 * ------------------------------------------------------------------------------------------------------ */

static linnet_status concat_infer(ln_ctx *c)
{
    LN_TRY(ln_check_type(c, 1, LN_T(LINNET_STRING), "Y"));
    return ln_infer_broadcast(c);
}

/* Steps of an input along the output's axes: 0 where it is broadcast. */
static void strides_of(const linnet_value *v, int32_t rank, int64_t *strides)
{
    int64_t step = 1;
    for (int32_t i = rank - 1, k = v->rank - 1; i >= 0; i--, k--) {
        int64_t dim = k >= 0 ? v->dims[k] : 1;
        strides[i] = dim == 1 ? 0 : step;
        step *= dim;
    }
}

static linnet_status concat_late(ln_ctx *c)
{
    const linnet_value *in[2] = {ln_late_in(c, 0), ln_late_in(c, 1)};
    int32_t rank = in[0]->rank;
    int64_t dims[LN_MAX_RANK], strides[2][LN_MAX_RANK], index[LN_MAX_RANK] = {0}, at[2] = {0, 0};
    memcpy(dims, in[0]->dims, sizeof dims);
    if (!ln_broadcast(&rank, dims, in[1]->rank, in[1]->dims))
        return ln_fail(c, LINNET_ERR_MODEL, "the shapes do not broadcast");
    linnet_string *y = ln_late_tensor(c, 0, LINNET_STRING, rank, dims);
    if (!y)
        return ln_no_memory(c);
    strides_of(in[0], rank, strides[0]);
    strides_of(in[1], rank, strides[1]);
    int64_t n = 1;
    for (int32_t i = 0; i < rank; i++)
        n *= dims[i];
    for (int64_t i = 0; i < n; i++) {
        linnet_string a = ((const linnet_string *)in[0]->data)[at[0]], b = ((const linnet_string *)in[1]->data)[at[1]];
        char *text = ln_late_alloc(c, a.size + b.size);
        if (!text)
            return ln_no_memory(c);
        if (a.size)
            memcpy(text, a.data, a.size);
        if (b.size)
            memcpy(text + a.size, b.data, b.size);
        y[i] = (linnet_string){text, a.size + b.size};
        for (int32_t k = rank - 1; k >= 0; k--) {
            at[0] += strides[0][k];
            at[1] += strides[1][k];
            if (++index[k] < dims[k])
                break;
            index[k] = 0;
            at[0] -= strides[0][k] * dims[k];
            at[1] -= strides[1][k] * dims[k];
        }
    }
    return LINNET_OK;
}

LN_OP(StringConcat) = {
    .domain = "",
    .type = "StringConcat",
    .since = {20},
    .types = LN_T(LINNET_STRING),
    .in = {2, 2},
    .out = {1, 1},
    .infer = concat_infer,
    .late = concat_late,
};

/* -- StringSplit
 * ------------------------------------------------------------------------------------------------------- */

typedef struct split_params {
    int64_t maxsplit;
} split_params;

static linnet_status split_infer(ln_ctx *c)
{
    const ln_info *x = c->in[0];
    if (x->rank < 0) {
        LN_TRY(ln_set_unknown(c, 0, LINNET_STRING));
        return ln_set_unknown(c, 1, LINNET_INT64);
    }
    int64_t dims[LN_MAX_RANK + 1];
    memcpy(dims, x->dims, sizeof x->dims);
    dims[x->rank] = LN_UNKNOWN;
    LN_TRY(ln_set_shape(c, 0, LINNET_STRING, x->rank + 1, dims));
    return ln_set_shape(c, 1, LINNET_INT64, x->rank, x->dims);
}

/* Bytes of the whitespace character at the start of s, 0: there is none. */
static size_t space_at(const char *s, size_t size)
{
    size_t used;
    int32_t c = ln_utf8_decode(s, size, &used);
    bool space = (c >= 9 && c <= 13) || (c >= 28 && c <= 32) || c == 0x85 || c == 0xa0 || c == 0x1680 ||
                 (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 || c == 0x202f || c == 0x205f ||
                 c == 0x3000;
    return space ? used : 0;
}

/* The pieces of s into out (NULL: only counted). max < 0: as many as there are. */
static int64_t split_spaces(linnet_string s, int64_t max, linnet_string *out)
{
    size_t at = 0, n;
    int64_t pieces = 0;
    for (;;) {
        while (at < s.size && (n = space_at(s.data + at, s.size - at)) > 0)
            at += n;
        if (at == s.size)
            return pieces;
        size_t start = at, used;
        if (max >= 0 && pieces == max) { /* the rest, without the spaces at its end */
            size_t end = at;
            for (; at < s.size; at += used) {
                n = space_at(s.data + at, s.size - at);
                ln_utf8_decode(s.data + at, s.size - at, &used);
                end = n ? end : at + used;
            }
            at = s.size;
            if (out)
                out[pieces] = (linnet_string){s.data + start, end - start};
            return pieces + 1;
        }
        for (; at < s.size && space_at(s.data + at, s.size - at) == 0; at += used)
            ln_utf8_decode(s.data + at, s.size - at, &used);
        if (out)
            out[pieces] = (linnet_string){s.data + start, at - start};
        pieces++;
    }
}

static int64_t split_at(linnet_string s, linnet_string by, int64_t max, linnet_string *out)
{
    size_t start = 0, at = 0;
    int64_t pieces = 0;
    while (at + by.size <= s.size && (max < 0 || pieces < max)) {
        if (memcmp(s.data + at, by.data, by.size) != 0) {
            at++;
            continue;
        }
        if (out)
            out[pieces] = (linnet_string){s.data + start, at - start};
        pieces++;
        start = at += by.size;
    }
    if (out)
        out[pieces] = (linnet_string){s.data + start, s.size - start};
    return pieces + 1;
}

static linnet_status split_late(ln_ctx *c)
{
    const split_params *p = c->params;
    const linnet_value *x = ln_late_in(c, 0);
    const linnet_string *from = x->data;
    linnet_string by = ln_attr_string(c, "delimiter");
    int64_t n = linnet_value_count(x), most = 0, dims[LN_MAX_RANK], total;
    int64_t max = ln_attr_has(c, "maxsplit") ? p->maxsplit : -1;
    if (x->rank + 1 > LN_MAX_RANK)
        return ln_fail(c, LINNET_ERR_UNSUPPORTED, "output of rank %d", x->rank + 1);
    int64_t *counts = ln_temporary(c, (size_t)n * sizeof *counts);
    if (!counts)
        return ln_no_memory(c);
    for (int64_t i = 0; i < n; i++) {
        counts[i] = by.size ? split_at(from[i], by, max, NULL) : split_spaces(from[i], max, NULL);
        most = counts[i] > most ? counts[i] : most;
    }
    memcpy(dims, x->dims, sizeof dims);
    dims[x->rank] = most;
    LN_TRY(ln_mul_size(c, n * (int64_t)sizeof(linnet_string), most, &total));
    if (ln_has_out(c, 1)) {
        int64_t *z = ln_late_tensor(c, 1, LINNET_INT64, x->rank, x->dims);
        if (!z)
            return ln_no_memory(c);
        if (n)
            memcpy(z, counts, (size_t)n * sizeof *z);
    }
    if (!ln_has_out(c, 0))
        return LINNET_OK;
    linnet_string *y = ln_late_tensor(c, 0, LINNET_STRING, x->rank + 1, dims);
    if (!y)
        return ln_no_memory(c);
    for (int64_t i = 0; i < n; i++, y += most) {
        if (by.size)
            split_at(from[i], by, max, y);
        else
            split_spaces(from[i], max, y);
        for (int64_t k = counts[i]; k < most; k++)
            y[k] = (linnet_string){"", 0};
    }
    return LINNET_OK;
}

static const ln_attr_spec split_attrs[] = {
    LN_ATTR_I(split_params, maxsplit, 0),
    LN_ATTR_ANY("delimiter"),
    LN_ATTR_END,
};

LN_OP(StringSplit) = {
    .domain = "",
    .type = "StringSplit",
    .since = {20},
    .types = LN_T(LINNET_STRING),
    .in = {1, 1},
    .out = {1, 2},
    .attrs = split_attrs,
    .params_size = sizeof(split_params),
    .infer = split_infer,
    .late = split_late,
};
