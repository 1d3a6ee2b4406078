/* SPDX-License-Identifier: Apache-2.0
 *
 * Maps: ZipMap makes them from rows of scores and class labels, DictVectorizer and CastMap turn one into a row. Output
 * rows are [1, n], as ONNX Runtime gives them. ai.onnx.ml -1 of each.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ops/keytable.h"
#include "ops/late.h"
#include "ops/mlcommon.h"

/* -- ZipMap -----------------------------------------------------------------------------------------------------------
 */

static linnet_status zipmap_infer(ln_ctx *c)
{
    ln_labels labels;
    int64_t rows, columns;
    LN_TRY(ln_labels_of(c, "classlabels_int64s", "classlabels_strings", &labels));
    LN_TRY(ln_rows_of(c, c->in[0], &rows, &columns));
    LN_TRY(ln_check_dim(c, columns, labels.n, "the number of columns"));
    *c->out[0] = (ln_info){.kind = LINNET_SEQUENCE,
                           .item = LINNET_MAP,
                           .type = LINNET_FLOAT32,
                           .key = (uint8_t)ln_labels_type(&labels),
                           .rank = -1};
    return LINNET_OK;
}

static linnet_status zipmap_late(ln_ctx *c)
{
    ln_labels labels;
    int64_t rows, columns, bytes;
    LN_TRY(ln_labels_of(c, "classlabels_int64s", "classlabels_strings", &labels));
    LN_TRY(ln_rows_of(c, c->in[0], &rows, &columns));
    void *keys = ln_late_alloc(c, (size_t)labels.n * (size_t)labels.size);
    linnet_value x;
    LN_TRY(ln_late_keep(c, &x, ln_late_in(c, 0)));
    LN_TRY(ln_mul_size(c, rows, 3 * sizeof(linnet_value), &bytes));
    linnet_value *maps = ln_late_alloc(c, (size_t)bytes);
    if (!keys || !maps)
        return ln_no_memory(c);
    ln_labels_pack(c, "classlabels_int64s", "classlabels_strings", &labels, keys);
    linnet_value *parts = maps + rows;
    for (int64_t r = 0; r < rows; r++) {
        linnet_value *pair = parts + 2 * r;
        pair[0] = (linnet_value){
            .kind = LINNET_TENSOR, .type = ln_labels_type(&labels), .rank = 1, .dims = {labels.n}, .data = keys};
        pair[1] = (linnet_value){.kind = LINNET_TENSOR,
                                 .type = LINNET_FLOAT32,
                                 .rank = 1,
                                 .dims = {labels.n},
                                 .data = (float *)x.data + r * labels.n};
        maps[r] = (linnet_value){.kind = LINNET_MAP, .type = LINNET_FLOAT32, .n_items = labels.n, .items = pair};
    }
    *ln_late_out(c, 0) =
        (linnet_value){.kind = LINNET_SEQUENCE, .type = LINNET_FLOAT32, .n_items = rows, .items = maps};
    return LINNET_OK;
}

static const ln_attr_spec zipmap_attrs[] = {
    LN_ATTR_ANY("classlabels_int64s"),
    LN_ATTR_ANY("classlabels_strings"),
    LN_ATTR_END,
};

LN_OP(ml_ZipMap) = {
    .domain = "ai.onnx.ml",
    .type = "ZipMap",
    .since = {1},
    .types = LN_T(LINNET_FLOAT32),
    .in = {1, 1},
    .out = {1, 1},
    .attrs = zipmap_attrs,
    .infer = zipmap_infer,
    .late = zipmap_late,
};

/* -- a map as a row ---------------------------------------------------------------------------------------------------
 */

static linnet_status map_of(ln_ctx *c, const linnet_value **keys, const linnet_value **values, int64_t *n)
{
    static const linnet_value none = {.kind = LINNET_TENSOR, .type = LINNET_INT64, .rank = 1};
    const linnet_value *m = ln_late_in(c, 0);
    if (m->kind != LINNET_MAP)
        return ln_fail(c, LINNET_ERR_DATA, "input 0 is not a map");
    *keys = m->n_items ? &m->items[0] : &none;
    *values = m->n_items ? &m->items[1] : &none;
    *n = linnet_value_count(*keys);
    if (linnet_value_count(*values) != *n)
        return ln_fail(c, LINNET_ERR_DATA, "a map of %lld keys and %lld values", (long long)*n,
                       (long long)linnet_value_count(*values));
    return LINNET_OK;
}

static linnet_status check_map(ln_ctx *c)
{
    if (c->in[0]->kind != LINNET_MAP && (c->in[0]->kind != LINNET_TENSOR || c->in[0]->type))
        return ln_fail(c, LINNET_ERR_MODEL, "input 0 is not a map");
    return LINNET_OK;
}

static linnet_status dict_infer(ln_ctx *c)
{
    LN_TRY(check_map(c));
    ln_labels words;
    LN_TRY(ln_labels_of(c, "int64_vocabulary", "string_vocabulary", &words));
    int64_t dims[2] = {1, words.n};
    if (c->in[0]->kind == LINNET_MAP && c->in[0]->type)
        return ln_set_shape(c, 0, (linnet_type)c->in[0]->type, 2, dims);
    return LINNET_OK;
}

static linnet_status dict_late(ln_ctx *c)
{
    ln_labels words;
    const linnet_value *keys, *values;
    int64_t n;
    LN_TRY(ln_labels_of(c, "int64_vocabulary", "string_vocabulary", &words));
    LN_TRY(map_of(c, &keys, &values, &n));
    if (n && keys->type != ln_labels_type(&words))
        return ln_fail(c, LINNET_ERR_DATA, "the keys are %s, the vocabulary is %s", linnet_type_name(keys->type),
                       linnet_type_name(ln_labels_type(&words)));
    linnet_type type = values->type;
    size_t size = linnet_type_size(type);
    int64_t dims[2] = {1, words.n}, unused;
    char *y = ln_late_tensor(c, 0, type, 2, dims);
    if (!y)
        return ln_no_memory(c);
    const linnet_string *strings = ln_attr_strings(c, "string_vocabulary", &unused);
    const int64_t *ints = ln_attr_ints(c, "int64_vocabulary", &unused);
    /* The table is of the map's keys: a word may stand in the vocabulary twice. */
    ln_string_key *by_string = ln_temporary(c, (size_t)n * sizeof *by_string);
    ln_int_key *by_int = ln_temporary(c, (size_t)n * sizeof *by_int);
    if (!by_string || !by_int)
        return ln_no_memory(c);
    for (int64_t i = 0; i < n; i++)
        if (words.strings)
            by_string[i] = (ln_string_key){((const linnet_string *)keys->data)[i], i};
        else
            by_int[i] = (ln_int_key){((const int64_t *)keys->data)[i], i};
    n = words.strings ? ln_string_keys_sort(by_string, n) : ln_int_keys_sort(by_int, n);
    static const linnet_string empty = {"", 0};
    for (int64_t i = 0; i < words.n; i++) {
        int64_t at =
            words.strings ? ln_string_keys_find(by_string, n, strings[i]) : ln_int_keys_find(by_int, n, ints[i]);
        if (at >= 0)
            memcpy(y + (size_t)i * size, (const char *)values->data + (size_t)at * size, size);
        else if (type == LINNET_STRING)
            ((linnet_string *)(void *)y)[i] = empty;
        else
            memset(y + (size_t)i * size, 0, size);
    }
    return LINNET_OK;
}

static const ln_attr_spec dict_attrs[] = {
    LN_ATTR_ANY("int64_vocabulary"),
    LN_ATTR_ANY("string_vocabulary"),
    LN_ATTR_END,
};

LN_OP(ml_DictVectorizer) = {
    .domain = "ai.onnx.ml",
    .type = "DictVectorizer",
    .since = {1},
    .types = 0,
    .in = {1, 1},
    .out = {1, 1},
    .attrs = dict_attrs,
    .infer = dict_infer,
    .late = dict_late,
};

typedef struct castmap_params {
    int64_t max_map;
    int32_t cast_to, map_form;
} castmap_params;

enum { TO_FLOAT, TO_STRING, TO_INT64 };
static const linnet_type cast_types[] = {LINNET_FLOAT32, LINNET_STRING, LINNET_INT64};

static linnet_status castmap_infer(ln_ctx *c)
{
    const castmap_params *p = c->params;
    LN_TRY(check_map(c));
    if (p->map_form && p->max_map < 1)
        return ln_fail(c, LINNET_ERR_MODEL, "max_map is %lld", (long long)p->max_map);
    int64_t dims[2] = {1, p->map_form ? p->max_map : LN_UNKNOWN};
    return ln_set_shape(c, 0, cast_types[p->cast_to], 2, dims);
}

/* A value of the map as an element of the output. */
static linnet_status cast_one(ln_ctx *c, const linnet_value *values, int64_t i, int32_t to, void *y)
{
    char text[64];
    bool string = values->type == LINNET_STRING;
    linnet_string s = {NULL, 0};
    float f = 0;
    if (string) {
        s = ((const linnet_string *)values->data)[i];
        snprintf(text, sizeof text, "%.*s", (int)(s.size < sizeof text ? s.size : sizeof text - 1),
                 s.data ? s.data : "");
    } else {
        f = ((const float *)values->data)[i];
        s.size = (size_t)snprintf(text, sizeof text, "%f", (double)f);
        s.data = text;
    }
    char *end = text;
    if (to == TO_STRING) {
        LN_TRY(string ? LINNET_OK : ln_late_strings(c, &s, 1));
        memcpy(y, &s, sizeof s);
    } else if (to == TO_FLOAT) {
        f = string ? strtof(text, &end) : f;
        memcpy(y, &f, sizeof f);
    } else {
        int64_t v;
        if (string)
            v = strtoll(text, &end, 10);
        else
            v = f > -0x1p63f && f < 0x1p63f ? (int64_t)f : INT64_MIN;
        memcpy(y, &v, sizeof v);
    }
    if (string && to != TO_STRING && end == text)
        return ln_fail(c, LINNET_ERR_DATA, "'%s' is no number", text);
    return LINNET_OK;
}

static linnet_status castmap_late(ln_ctx *c)
{
    const castmap_params *p = c->params;
    const linnet_value *keys, *values;
    int64_t n;
    LN_TRY(map_of(c, &keys, &values, &n));
    if (n && (keys->type != LINNET_INT64 || (values->type != LINNET_STRING && values->type != LINNET_FLOAT32)))
        return ln_fail(c, LINNET_ERR_DATA, "a map from %s to %s", linnet_type_name(keys->type),
                       linnet_type_name(values->type));
    ln_int_key *order = ln_temporary(c, (size_t)n * sizeof *order);
    if (!order)
        return ln_no_memory(c);
    for (int64_t i = 0; i < n; i++)
        order[i] = (ln_int_key){((const int64_t *)keys->data)[i], i};
    n = ln_int_keys_sort(order, n);
    if (p->map_form && n && order[0].key < 0)
        return ln_fail(c, LINNET_ERR_DATA, "key %lld is negative", (long long)order[0].key);
    if (p->map_form && n && order[n - 1].key >= p->max_map)
        return ln_fail(c, LINNET_ERR_DATA, "key %lld is not below max_map %lld", (long long)order[n - 1].key,
                       (long long)p->max_map);
    int64_t dims[2] = {1, p->map_form ? p->max_map : n};
    size_t size = linnet_type_size(cast_types[p->cast_to]);
    char *y = ln_late_tensor(c, 0, cast_types[p->cast_to], 2, dims);
    if (!y)
        return ln_no_memory(c);
    static const linnet_string pad = {"0.f", 3};
    for (int64_t i = 0; p->map_form && i < dims[1]; i++)
        if (p->cast_to == TO_STRING)
            ((linnet_string *)(void *)y)[i] = pad;
        else
            memset(y + (size_t)i * size, 0, size);
    for (int64_t i = 0; i < n; i++)
        LN_TRY(cast_one(c, values, order[i].index, p->cast_to, y + (size_t)(p->map_form ? order[i].key : i) * size));
    return LINNET_OK;
}

static const ln_attr_spec castmap_attrs[] = {
    LN_ATTR_I(castmap_params, max_map, 1),
    LN_ATTR_E(castmap_params, map_form, "DENSE|SPARSE", 0),
    LN_ATTR_E(castmap_params, cast_to, "TO_FLOAT|TO_STRING|TO_INT64", TO_FLOAT),
    LN_ATTR_END,
};

LN_OP(ml_CastMap) = {
    .domain = "ai.onnx.ml",
    .type = "CastMap",
    .since = {1},
    .types = 0,
    .in = {1, 1},
    .out = {1, 1},
    .attrs = castmap_attrs,
    .params_size = sizeof(castmap_params),
    .infer = castmap_infer,
    .late = castmap_late,
};
