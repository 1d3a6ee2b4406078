/* SPDX-License-Identifier: Apache-2.0
 *
 * LabelEncoder and CategoryMapper: element by element, a key is replaced by the value at the same place of another
 * list, or by a default. Keys and values come as lists of three types or, from version 4 on, as tensors of any; version
 * 1 has one list of strings, whose indices are the other side. ai.onnx.ml LabelEncoder-1, -2, -4, CategoryMapper-1.
 */
#include "ops/keytable.h"

#include <string.h>

#define LABEL_TYPES                                                                                                    \
    (LN_T(LINNET_STRING) | LN_T(LINNET_INT64) | LN_T(LINNET_FLOAT32) | LN_T(LINNET_INT32) | LN_T(LINNET_INT16) |       \
     LN_T(LINNET_FLOAT64))

typedef struct encode_params {
    int64_t n, n_keys;
    int64_t at_values, at_default; /* bytes in packed, after the keys */
    int32_t in_type, size;         /* size: bytes of a value */
} encode_params;

/* A list of keys or values; data NULL: the indices 0 .. n - 1 as int64. */
typedef struct column {
    int64_t n;
    const void *data;
    linnet_type type;
} column;

LN_RUN(ln_label_encode)
{
    const encode_params *p = a->params;
    const char *packed = a->packed, *values = packed + p->at_values;
    char *y = a->out[0];
    for (int64_t i = 0; i < p->n; i++) {
        int64_t at = p->in_type == LINNET_STRING
                         ? ln_string_keys_find((const void *)packed, p->n_keys, ((const linnet_string *)a->in[0])[i])
                         : ln_int_keys_find((const void *)packed, p->n_keys, ln_int_key_of(a->in[0], p->in_type, i));
        const char *v = at < 0 ? packed + p->at_default : values + at * p->size;
        memcpy(y + i * p->size, v, (size_t)p->size);
    }
    return LINNET_OK;
}

/* Packs the two columns; def: one value. */
static linnet_status pack(ln_ctx *c, const column *keys, const column *values, const void *def)
{
    encode_params *p = c->params;
    int64_t n = keys->n;
    size_t entry = keys->type == LINNET_STRING ? sizeof(ln_string_key) : sizeof(ln_int_key);
    p->n = ln_info_count(c->in[0]);
    p->in_type = c->in[0]->type;
    p->size = (int32_t)linnet_type_size(values->type);
    p->at_values = n * (int64_t)entry;
    p->at_default = p->at_values + n * p->size;
    p->at_default = (p->at_default + 15) & ~INT64_C(15);
    char *packed = ln_pack(c, (size_t)p->at_default + (size_t)p->size);
    if (!packed)
        return ln_no_memory(c);
    for (int64_t i = 0; i < n; i++) {
        if (keys->type == LINNET_STRING)
            ((ln_string_key *)(void *)packed)[i] = (ln_string_key){((const linnet_string *)keys->data)[i], i};
        else
            ((ln_int_key *)(void *)packed)[i] =
                (ln_int_key){keys->data ? ln_int_key_of(keys->data, (int)keys->type, i) : i, i};
        if (!values->data)
            memcpy(packed + p->at_values + i * p->size, &i, sizeof i);
    }
    if (values->data && n)
        memcpy(packed + p->at_values, values->data, (size_t)n * (size_t)p->size);
    memcpy(packed + p->at_default, def, (size_t)p->size);
    p->n_keys =
        keys->type == LINNET_STRING ? ln_string_keys_sort((void *)packed, n) : ln_int_keys_sort((void *)packed, n);
    return LINNET_OK;
}

static linnet_status set_output(ln_ctx *c, linnet_type key, linnet_type value)
{
    if (c->in[0]->type != LINNET_UNDEFINED && c->in[0]->type != (uint8_t)key)
        return ln_fail(c, LINNET_ERR_MODEL, "X is %s, the keys are %s", linnet_type_name((linnet_type)c->in[0]->type),
                       linnet_type_name(key));
    if (c->in[0]->rank < 0)
        return ln_set_unknown(c, 0, value);
    return ln_set_shape(c, 0, value, c->in[0]->rank, c->in[0]->dims);
}

/* -- LabelEncoder
 * ------------------------------------------------------------------------------------------------------ */

/* The one of the four attributes that is there. which: keys or values. */
static linnet_status column_of(ln_ctx *c, bool values, column *col)
{
    static const char *const names[2][4] = {{"keys_strings", "keys_int64s", "keys_floats", "keys_tensor"},
                                            {"values_strings", "values_int64s", "values_floats", "values_tensor"}};
    const char *const *name = names[values];
    int64_t n[3];
    const void *lists[3] = {ln_attr_strings(c, name[0], &n[0]), ln_attr_ints(c, name[1], &n[1]),
                            ln_attr_floats(c, name[2], &n[2])};
    static const linnet_type types[3] = {LINNET_STRING, LINNET_INT64, LINNET_FLOAT32};
    const ln_info *tensor = ln_attr_tensor(c, name[3]);
    int32_t found = tensor != NULL;
    if (tensor) {
        if (!(LABEL_TYPES & LN_T(tensor->type)) || tensor->rank > 1)
            return ln_fail(c, LINNET_ERR_MODEL, "%s is of %s and rank %d", name[3],
                           linnet_type_name((linnet_type)tensor->type), tensor->rank);
        *col = (column){ln_info_count(tensor), tensor->data, (linnet_type)tensor->type};
    }
    for (int32_t i = 0; i < 3; i++)
        if (n[i] > 0) {
            *col = (column){n[i], lists[i], types[i]};
            found++;
        }
    if (found != 1)
        return ln_fail(c, LINNET_ERR_MODEL, "%d attributes of %s_*, expected one", found, values ? "values" : "keys");
    return LINNET_OK;
}

static linnet_status encoder_columns(ln_ctx *c, column *keys, column *values)
{
    if (c->version > 1) {
        LN_TRY(column_of(c, false, keys));
        LN_TRY(column_of(c, true, values));
        if (keys->n != values->n)
            return ln_fail(c, LINNET_ERR_MODEL, "%lld keys and %lld values", (long long)keys->n, (long long)values->n);
        return LINNET_OK;
    }
    int64_t n;
    const linnet_string *classes = ln_attr_strings(c, "classes_strings", &n);
    column strings = {n, classes, LINNET_STRING}, indices = {n, NULL, LINNET_INT64};
    bool from_strings = c->in[0]->type == LINNET_STRING;
    *keys = from_strings ? strings : indices;
    *values = from_strings ? indices : strings;
    return LINNET_OK;
}

static linnet_status encoder_infer(ln_ctx *c)
{
    column keys = {0}, values = {0};
    if (c->version == 1 && c->in[0]->type == LINNET_UNDEFINED)
        return LINNET_OK;
    LN_TRY(encoder_columns(c, &keys, &values));
    return set_output(c, keys.type, values.type);
}

/* The default value for a type, into memory of 16 bytes. */
static linnet_status default_of(ln_ctx *c, linnet_type type, void *def)
{
    const ln_info *tensor = ln_attr_tensor(c, "default_tensor");
    if (tensor) {
        if (tensor->type != (uint8_t)type || ln_info_count(tensor) != 1)
            return ln_fail(c, LINNET_ERR_MODEL, "default_tensor is not one %s", linnet_type_name(type));
        memcpy(def, tensor->data, linnet_type_size(type));
        return LINNET_OK;
    }
    linnet_string s = ln_attr_string(c, "default_string");
    int64_t i = ln_attr_int(c, "default_int64", -1);
    float f = ln_attr_float(c, "default_float", -0.0f);
    double d = (double)f;
    int32_t i32 = i >= INT32_MIN && i <= INT32_MAX ? (int32_t)i : -1;
    int16_t i16 = i >= INT16_MIN && i <= INT16_MAX ? (int16_t)i : -1;
    if (!s.data)
        s = (linnet_string){"_Unused", 7};
    const void *from = type == LINNET_STRING    ? (const void *)&s
                       : type == LINNET_INT64   ? (const void *)&i
                       : type == LINNET_FLOAT32 ? (const void *)&f
                       : type == LINNET_FLOAT64 ? (const void *)&d
                       : type == LINNET_INT32   ? (const void *)&i32
                                                : (const void *)&i16;
    memcpy(def, from, linnet_type_size(type));
    return LINNET_OK;
}

static linnet_status encoder_plan(ln_ctx *c)
{
    column keys = {0}, values = {0};
    linnet_string def; /* the largest and most aligned */
    LN_TRY(encoder_columns(c, &keys, &values));
    LN_TRY(default_of(c, values.type, &def));
    return pack(c, &keys, &values, &def);
}

static const ln_attr_spec encoder_attrs[] = {
    LN_ATTR_ANY("classes_strings"), LN_ATTR_ANY("default_int64"),
    LN_ATTR_ANY("default_string"),  LN_ATTR_ANY("default_float"),
    LN_ATTR_ANY("default_tensor"),  LN_ATTR_ANY("keys_strings"),
    LN_ATTR_ANY("keys_int64s"),     LN_ATTR_ANY("keys_floats"),
    LN_ATTR_ANY("keys_tensor"),     LN_ATTR_ANY("values_strings"),
    LN_ATTR_ANY("values_int64s"),   LN_ATTR_ANY("values_floats"),
    LN_ATTR_ANY("values_tensor"),   LN_ATTR_END,
};

LN_OP(ml_LabelEncoder) = {
    .domain = "ai.onnx.ml",
    .type = "LabelEncoder",
    .since = {1, 2, 4},
    .types = LABEL_TYPES,
    .in = {1, 1},
    .out = {1, 1},
    .attrs = encoder_attrs,
    .params_size = sizeof(encode_params),
    .infer = encoder_infer,
    .plan = encoder_plan,
    LN_RUN_NAME(ln_label_encode),
};

/* -- CategoryMapper
 * ------------------------------------------------------------------------------------------------------ */

static linnet_status mapper_columns(ln_ctx *c, column *keys, column *values)
{
    int64_t n, k;
    const int64_t *ints = ln_attr_ints(c, "cats_int64s", &n);
    const linnet_string *strings = ln_attr_strings(c, "cats_strings", &k);
    if (n != k || n == 0)
        return ln_fail(c, LINNET_ERR_MODEL, "%lld cats_int64s and %lld cats_strings", (long long)n, (long long)k);
    column i = {n, ints, LINNET_INT64}, s = {n, strings, LINNET_STRING};
    bool from_strings = c->in[0]->type == LINNET_STRING;
    *keys = from_strings ? s : i;
    *values = from_strings ? i : s;
    return LINNET_OK;
}

static linnet_status mapper_infer(ln_ctx *c)
{
    column keys = {0}, values = {0};
    LN_TRY(mapper_columns(c, &keys, &values));
    if (c->in[0]->type == LINNET_UNDEFINED)
        return LINNET_OK;
    return set_output(c, keys.type, values.type);
}

static linnet_status mapper_plan(ln_ctx *c)
{
    column keys = {0}, values = {0};
    linnet_string def;
    LN_TRY(mapper_columns(c, &keys, &values));
    LN_TRY(default_of(c, values.type, &def));
    return pack(c, &keys, &values, &def);
}

static const ln_attr_spec mapper_attrs[] = {
    LN_ATTR_ANY("cats_int64s"),
    LN_ATTR_ANY("cats_strings"),
    LN_ATTR_ANY("default_int64"),
    LN_ATTR_ANY("default_string"),
    LN_ATTR_END,
};

LN_OP(ml_CategoryMapper) = {
    .domain = "ai.onnx.ml",
    .type = "CategoryMapper",
    .since = {1},
    .types = LN_T(LINNET_STRING) | LN_T(LINNET_INT64),
    .in = {1, 1},
    .out = {1, 1},
    .attrs = mapper_attrs,
    .params_size = sizeof(encode_params),
    .infer = mapper_infer,
    .plan = mapper_plan,
    LN_RUN_NAME(ln_label_encode),
};
