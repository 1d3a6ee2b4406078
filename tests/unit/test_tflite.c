/* SPDX-License-Identifier: Apache-2.0
 *
 * The reader of .tflite files on flatbuffers made here: a model that runs, and what is wrong, cut off, out of range,
 * recursive or unknown, each of which must be an error that says so. Tables are written front to back with a vtable
 * before each and eight bytes for every field, and linked to what comes later.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tools/tflite/flex.h"
#include "tools/tflite/schema.h"
#include "tools/tflite/tflite.h"

enum { ADD = 0, CONV_2D = 3, RESHAPE = 22, CUSTOM = 32, LSH_PROJECTION = 15, WHILE = 119, FIELD = 8 };

typedef struct out {
    uint8_t bytes[4096];
    size_t n;
} out;

/* What a test changes in the model: x [1, 2] + constant [1, 2]. */
typedef struct spec {
    int32_t code, rank, dims[9], buffer_bytes, input, output, constant, version, scales, zero, type;
    int32_t loops;
    const char *custom;
} spec;

static const spec good = {
    .code = ADD, .rank = 2, .dims = {1, 2}, .buffer_bytes = 8, .output = 2, .constant = 1, .version = 3, .scales = 0};

/* -- writing ---------------------------------------------------------------------------------------------------------
 */

static void put(out *o, size_t at, uint32_t x)
{
    for (int i = 0; i < 4; i++)
        o->bytes[at + (size_t)i] = (uint8_t)(x >> 8 * i);
}

static size_t push(out *o, uint32_t x)
{
    assert_true(o->n + 4 <= sizeof o->bytes);
    put(o, o->n, x);
    o->n += 4;
    return o->n - 4;
}

/* A table with fields in the slots of the mask; returns where its first slot's bytes would be. */
static size_t table(out *o, int slots, uint32_t mask)
{
    size_t vtable = o->n, start = vtable + 4 + 2 * (size_t)slots;
    assert_true(start + 4 + FIELD * (size_t)slots <= sizeof o->bytes);
    memset(o->bytes + o->n, 0, start - o->n + 4 + FIELD * (size_t)slots);
    o->bytes[vtable] = (uint8_t)(4 + 2 * slots);
    o->bytes[vtable + 2] = (uint8_t)(4 + FIELD * slots);
    for (int i = 0; i < slots; i++)
        if (mask >> i & 1)
            o->bytes[vtable + 4 + 2 * (size_t)i] = (uint8_t)(4 + FIELD * i);
    put(o, start, (uint32_t)(start - vtable));
    o->n = start + 4 + FIELD * (size_t)slots;
    return start + 4;
}

static size_t slot(size_t fields, int i)
{
    return fields + FIELD * (size_t)i;
}

/* The offset at `at` points to what is written next. */
static void link_here(out *o, size_t at)
{
    put(o, at, (uint32_t)(o->n - at));
}

/* Links a field to a new vector of n offsets, which are at the result. */
static size_t vector(out *o, size_t field, uint32_t n)
{
    link_here(o, field);
    push(o, n);
    size_t first = o->n;
    for (uint32_t i = 0; i < n; i++)
        push(o, 0);
    return first;
}

/* The offset in front of a table: tables are linked to behind their vtable. */
static size_t link_table(out *o, size_t at, int slots, uint32_t mask)
{
    size_t fields = table(o, slots, mask);
    put(o, at, (uint32_t)(fields - 4 - at));
    return fields;
}

static void ints(out *o, size_t field, uint32_t n, const int32_t *x)
{
    size_t first = vector(o, field, n);
    for (uint32_t i = 0; i < n; i++)
        put(o, first + 4 * i, (uint32_t)x[i]);
}

static void text(out *o, size_t field, const char *s)
{
    size_t n = strlen(s) + 1;
    link_here(o, field);
    push(o, (uint32_t)n - 1);
    memcpy(o->bytes + o->n, s, n);
    o->n += n;
}

static void write_tensors(out *o, size_t at, const spec *s)
{
    for (int i = 0; i < 3; i++) {
        size_t t = link_table(o, at + 4 * (size_t)i, 5,
                              1 << TENSOR_SHAPE | 1 << TENSOR_TYPE | 1 << TENSOR_BUFFER | 1 << TENSOR_NAME |
                                  1 << TENSOR_QUANTIZATION);
        o->bytes[slot(t, TENSOR_TYPE)] = (uint8_t)s->type;
        put(o, slot(t, TENSOR_BUFFER), i == 1 ? 1 : 0);
        ints(o, slot(t, TENSOR_SHAPE), (uint32_t)s->rank, s->dims);
        text(o, slot(t, TENSOR_NAME), (const char *[]){"x", "c", "y"}[i]);
        size_t q = link_table(o, slot(t, TENSOR_QUANTIZATION), 4, 1 << QUANT_SCALE | 1 << QUANT_ZERO);
        size_t scales = vector(o, slot(q, QUANT_SCALE), (uint32_t)s->scales);
        for (int k = 0; k < s->scales; k++)
            put(o, scales + 4 * (size_t)k, 0x3f000000); /* 0.5 */
        link_here(o, slot(q, QUANT_ZERO));
        push(o, (uint32_t)s->scales);
        for (int k = 0; k < s->scales; k++)
            push(o, (uint32_t)s->zero), push(o, 0);
    }
}

static void make(out *o, const spec *s)
{
    *o = (out){0};
    push(o, 0);
    memcpy(o->bytes + 4, "TFL3", 4);
    o->n = 8;
    size_t m = link_table(o, 0, 5, 0x17); /* all but the description */
    put(o, slot(m, MODEL_VERSION), (uint32_t)s->version);
    size_t code = link_table(o, vector(o, slot(m, MODEL_CODES), 1), 4, 1 << CODE_NEW | 1 << CODE_CUSTOM);
    put(o, slot(code, CODE_NEW), (uint32_t)s->code);
    text(o, slot(code, CODE_CUSTOM), s->custom ? s->custom : "");
    size_t buffers = vector(o, slot(m, MODEL_BUFFERS), 2);
    link_table(o, buffers, 1, 0);
    size_t b = link_table(o, buffers + 4, 1, 1);
    size_t data = vector(o, slot(b, BUFFER_DATA), (uint32_t)(s->buffer_bytes + 3) / 4);
    put(o, data - 4, (uint32_t)s->buffer_bytes);
    if (s->buffer_bytes >= 8)
        put(o, data, 0x40000000), put(o, data + 4, 0xbf800000); /* 2, -1 */
    size_t g = link_table(o, vector(o, slot(m, MODEL_SUBGRAPHS), 1), 4, 0xf);
    write_tensors(o, vector(o, slot(g, SUBGRAPH_TENSORS), 3), s);
    ints(o, slot(g, SUBGRAPH_INPUTS), 1, &s->input);
    ints(o, slot(g, SUBGRAPH_OUTPUTS), 1, &s->output);
    size_t op = link_table(o, vector(o, slot(g, SUBGRAPH_OPERATORS), 1), 5,
                           1 << OPERATOR_INPUTS | 1 << OPERATOR_OUTPUTS | (s->loops ? 1 << OPERATOR_OPTIONS : 0));
    ints(o, slot(op, OPERATOR_INPUTS), s->loops ? 1 : 2, (const int32_t[]){0, s->constant});
    ints(o, slot(op, OPERATOR_OUTPUTS), 1, (const int32_t[]){2});
    if (s->loops)
        link_table(o, slot(op, OPERATOR_OPTIONS), 2, 3); /* subgraph 0 is its own condition and body */
}

/* -- reading ---------------------------------------------------------------------------------------------------------
 */

/* In a block of its own, so that a sanitizer sees a byte too far. */
static linnet_status load(linnet_model **m, const uint8_t *bytes, size_t n, linnet_error *error)
{
    uint8_t *copy = malloc(n ? n : 1);
    assert_non_null(copy);
    if (n)
        memcpy(copy, bytes, n);
    linnet_load_options options = {.max_bytes = 64 << 20};
    linnet_status st = ln_tflite_load(m, copy, n, &options, error);
    free(copy);
    if (st != LINNET_OK)
        assert_true(error->text[0] != '\0' && *m == NULL);
    return st;
}

static void a_model_runs(void **state)
{
    (void)state;
    out o;
    linnet_model *m;
    linnet_session *s;
    linnet_error error;
    make(&o, &good);
    assert_true(ln_is_tflite(o.bytes, o.n));
    assert_int_equal(load(&m, o.bytes, o.n, &error), LINNET_OK);
    assert_null(ln_graph_verify(m->graph));
    assert_string_equal(linnet_model_input(m, 0)->name, "x");
    assert_string_equal(linnet_model_output(m, 0)->name, "y");
    assert_int_equal(linnet_session_create(&s, m, NULL, &error), LINNET_OK);
    const float x[2] = {1, 5};
    const int64_t dims[2] = {1, 2};
    assert_int_equal(linnet_session_set_tensor(s, "x", LINNET_FLOAT32, 2, dims, x, &error), LINNET_OK);
    assert_int_equal(linnet_session_run(s, &error), LINNET_OK);
    const linnet_value *y = linnet_session_output(s, "y");
    assert_non_null(y);
    assert_true(((const float *)y->data)[0] == 3 && ((const float *)y->data)[1] == 4);
    linnet_session_free(s);
    linnet_model_free(m);
}

static void what_is_wrong_is_said(void **state)
{
    (void)state;
    enum { MOST = 3 };
    static const struct {
        size_t field[MOST]; /* of the spec, and what is put there */
        int32_t value[MOST];
        linnet_status status;
        const char *says;
    } cases[] = {
#define AT(name) (offsetof(spec, name) + 1)
        {{AT(version)}, {2}, LINNET_ERR_UNSUPPORTED, "schema version 2"},
        {{AT(output)}, {3}, LINNET_ERR_MODEL, "no tensor of it"},
        {{AT(input)}, {-1}, LINNET_ERR_MODEL, "no tensor of it"},
        {{AT(constant)}, {99}, LINNET_ERR_MODEL, "not there"},
        {{AT(constant)}, {-2}, LINNET_ERR_MODEL, "not there"},
        {{AT(constant)}, {-1}, LINNET_ERR_MODEL, "input 1 is absent"},
        {{AT(constant)}, {2}, LINNET_ERR_MODEL, "used before it is made"},
        {{AT(buffer_bytes)}, {4}, LINNET_ERR_MODEL, "4 bytes"},
        {{AT(dims[1])}, {-7}, LINNET_ERR_MODEL, "negative dimension"},
        {{AT(dims[0]), AT(dims[1])}, {INT32_MAX, INT32_MAX}, LINNET_ERR_MODEL, "8 bytes"},
        {{AT(rank)}, {9}, LINNET_ERR_UNSUPPORTED, "9 dimensions"},
        {{AT(type)}, {TYPE_STRING}, LINNET_ERR_MODEL, "not the strings"},
        {{AT(type)}, {TYPE_RESOURCE}, LINNET_ERR_UNSUPPORTED, "type"},
        {{AT(type), AT(scales), AT(buffer_bytes)}, {TYPE_INT8, 3, 2}, LINNET_ERR_MODEL, "3 scales"},
        {{AT(type), AT(scales), AT(zero)}, {TYPE_UINT8, 1, 300}, LINNET_ERR_MODEL, "zero point of 300"},
        {{AT(code)}, {LSH_PROJECTION}, LINNET_ERR_UNSUPPORTED, "no conversion"},
        {{AT(code)}, {999}, LINNET_ERR_UNSUPPORTED, "number 999"},
        {{AT(code)}, {CUSTOM}, LINNET_ERR_UNSUPPORTED, "'Frobnicate'"},
        {{AT(code)}, {CONV_2D}, LINNET_ERR_MODEL, "dimensions"},
        {{AT(code), AT(loops)}, {WHILE, 1}, LINNET_ERR_UNSUPPORTED, "deep"},
#undef AT
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        out o;
        linnet_model *m;
        linnet_error error;
        spec s = good;
        s.custom = "Frobnicate";
        for (int k = 0; k < MOST && cases[i].field[k]; k++)
            memcpy((char *)&s + cases[i].field[k] - 1, &cases[i].value[k], sizeof(int32_t));
        make(&o, &s);
        linnet_status st = load(&m, o.bytes, o.n, &error);
        if (st != cases[i].status || !strstr(error.text, cases[i].says))
            fail_msg("case %zu: status %d, '%s' does not say '%s'", i, (int)st, error.text, cases[i].says);
    }
}

static void every_cut_and_byte_is_survived(void **state)
{
    (void)state;
    static const uint8_t values[] = {0, 1, 0x7f, 0x80, 0xff};
    static const spec specs[] = {
        {.rank = 2, .dims = {1, 2}, .buffer_bytes = 8, .output = 2, .constant = 1, .version = 3},
        {.rank = 2,
         .dims = {1, 2},
         .buffer_bytes = 2,
         .output = 2,
         .constant = 1,
         .version = 3,
         .scales = 1,
         .type = TYPE_INT8},
        {.code = CUSTOM,
         .custom = "SignalWindow",
         .rank = 2,
         .dims = {1, 2},
         .buffer_bytes = 4,
         .output = 2,
         .constant = 1,
         .version = 3,
         .type = TYPE_INT16},
    };
    linnet_model *m;
    linnet_error error;
    for (size_t k = 0; k < sizeof specs / sizeof specs[0]; k++) {
        out o;
        make(&o, &specs[k]);
        for (size_t n = 0; n < o.n; n++)
            if (load(&m, o.bytes, n, &error) == LINNET_OK)
                linnet_model_free(m); /* the last bytes are padding */
        for (size_t i = 0; i < o.n; i++)
            for (size_t v = 0; v < sizeof values; v++) {
                uint8_t was = o.bytes[i];
                o.bytes[i] = values[v];
                if (load(&m, o.bytes, o.n, &error) == LINNET_OK) {
                    assert_null(ln_graph_verify(m->graph));
                    linnet_model_free(m);
                }
                o.bytes[i] = was;
            }
    }
}

static void flexbuffers_are_read(void **state)
{
    (void)state;
    static const uint8_t shift[] = "shift\0\x01\x07\x01\x01\x01\x0c\x04\x02$\x01";
    static const uint8_t lengths[] = "T\0fft_length\0\x02\x0e\x0d\x02\0\x01\0\x02\0\x07\0\0\x02\x05\x05\x06%\x01";
    int64_t value = 0;
    assert_true(ln_flex_int(shift, sizeof shift - 1, "shift", &value) && value == 12);
    assert_false(ln_flex_int(shift, sizeof shift - 1, "shif", &value));
    assert_true(ln_flex_int(lengths, sizeof lengths - 1, "fft_length", &value) && value == 512);
    assert_true(ln_flex_int(lengths, sizeof lengths - 1, "T", &value) && value == 7);
    for (size_t n = 0; n < sizeof lengths - 1; n++) { /* every end that is cut off */
        uint8_t *copy = malloc(n + 1);
        assert_non_null(copy);
        memcpy(copy, lengths, n);
        (void)ln_flex_int(copy, n, "fft_length", &value);
        free(copy);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_model_runs),
        cmocka_unit_test(what_is_wrong_is_said),
        cmocka_unit_test(every_cut_and_byte_is_survived),
        cmocka_unit_test(flexbuffers_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
