/* SPDX-License-Identifier: Apache-2.0
 *
 * Constants as the loader makes them: every element type and storage, packed elements, sparse tensors; data in other
 * files, and paths to them that lead out of the model's folder.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "tests/unit/load_model.h"

static void fill_typed(builder *b, Onnx__TensorProto *t, linnet_type type, size_t n)
{
    size_t entries = n / (size_t)ln_per_byte(type) + (n % (size_t)ln_per_byte(type) != 0);
    for (size_t i = 0; i < (type == LINNET_COMPLEX64 || type == LINNET_COMPLEX128 ? 2 * n : entries); i++) {
        switch (type) {
        case LINNET_FLOAT32:
        case LINNET_COMPLEX64:
            ADD(b, t, float_data, (float)i + 0.5f);
            break;
        case LINNET_FLOAT64:
        case LINNET_COMPLEX128:
            ADD(b, t, double_data, (double)i + 0.5);
            break;
        case LINNET_INT64:
            ADD(b, t, int64_data, (int64_t)i - 2);
            break;
        case LINNET_UINT32:
        case LINNET_UINT64:
            ADD(b, t, uint64_data, i * 1000);
            break;
        case LINNET_STRING:
            ADD(b, t, string_data, ((ProtobufCBinaryData){i, (uint8_t *)b_text(b, "abcdefgh")}));
            break;
        case LINNET_BOOL:
            ADD(b, t, int32_data, (int32_t)i % 2);
            break;
        default:
            ADD(b, t, int32_data, ln_per_byte(type) > 1 ? 0xb1 + (int32_t)i : (int32_t)i + 3);
        }
    }
}

static void same_elements(const ln_info *a, const ln_info *b)
{
    assert_int_equal(a->type, b->type);
    assert_int_equal(a->rank, b->rank);
    int64_t n = ln_info_count(a);
    assert_int_equal(n, ln_info_count(b));
    if (a->type != LINNET_STRING) {
        assert_memory_equal(a->data, b->data, ln_info_bytes(a));
        return;
    }
    const linnet_string *s = a->data, *t = b->data;
    for (int64_t i = 0; i < n; i++) {
        assert_int_equal(s[i].size, t[i].size);
        assert_memory_equal(s[i].data, t[i].data, s[i].size);
    }
}

/* Typed storage, then (written by us) raw storage; both with one element too many. */
static void every_type(void **state)
{
    (void)state;
    for (int type = LINNET_FLOAT32; type < LINNET_TYPE_COUNT; type++) {
        for (int64_t n = 0; n < 8; n += 1 + 2 * (n == 5)) {
            builder b;
            builder_init(&b);
            Onnx__ModelProto *m = relu(&b);
            Onnx__TensorProto *t = b_tensor(&b, "w", type, 1, &n);
            fill_typed(&b, t, (linnet_type)type, (size_t)n);
            ADD(&b, m->graph, initializer, t);
            ADD(&b, m->graph, output, b_value(&b, "w", type, 1, &n));
            linnet_model *typed = load_ok(&b, m);
            char path[] = "/tmp/linnet-loader-XXXXXX";
            int fd = mkstemp(path);
            assert_true(fd >= 0);
            close(fd);
            linnet_error error;
            assert_int_equal(ln_onnx_write(typed->graph, typed, path, &error), LINNET_OK);
            linnet_model *raw;
            assert_int_equal(linnet_model_load_file(&raw, path, NULL, &error), LINNET_OK);
            unlink(path);
            same_elements(constant_of(typed), constant_of(raw));
            linnet_model_free(typed);
            linnet_model_free(raw);
            if (n > 0) {
                t->dims[0] = 9;
                load_fails(&b, m, LINNET_ERR_MODEL, "expected");
            }
            builder_free(&b);
        }
    }
}

static void small_types(void **state)
{
    (void)state;
    static const struct {
        linnet_type type;
        uint8_t packed[3];
        int8_t elements[4];
        int64_t n;
    } cases[] = {{LINNET_INT4, {0x9f}, {-1, -7, 0, 0}, 2},
                 {LINNET_UINT4, {0x9f}, {15, 9, 0, 0}, 2},
                 {LINNET_FLOAT4E2M1, {0x9f}, {15, 9, 0, 0}, 2},
                 {LINNET_INT2, {0x93}, {-1, 0, 1, -2}, 4},
                 {LINNET_UINT2, {0x93}, {3, 0, 1, 2}, 4},
                 {LINNET_FLOAT6E2M3, {0x81, 0x30, 0xfc}, {1, 2, 3, 63}, 4},
                 {LINNET_FLOAT6E3M2, {0x81, 0x30, 0xfc}, {1, 2, 3, 63}, 4},
                 {LINNET_FLOAT6E3M2, {0xff, 0x0f}, {63, 63, 0, 0}, 2}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        builder b;
        builder_init(&b);
        int64_t n = cases[i].n;
        Onnx__ModelProto *m = relu(&b);
        Onnx__TensorProto *t = b_tensor(&b, "w", (int32_t)cases[i].type, 1, &n);
        b_raw(&b, t, cases[i].packed, ln_packed_size(cases[i].type, n));
        ADD(&b, m->graph, initializer, t);
        linnet_model *model = load_ok(&b, m);
        assert_memory_equal(constant_of(model)->data, cases[i].elements, (size_t)n);
        linnet_model_free(model);
        builder_free(&b);
    }
}

static void bool_is_0_or_1(void **state)
{
    (void)state;
    builder b;
    builder_init(&b);
    Onnx__ModelProto *m = relu(&b);
    Onnx__TensorProto *t = b_tensor(&b, "w", LINNET_BOOL, 1, three);
    b_raw(&b, t, "\0\1\7", 3);
    ADD(&b, m->graph, initializer, t);
    linnet_model *model = load_ok(&b, m);
    assert_memory_equal(constant_of(model)->data, "\0\1\1", 3);
    linnet_model_free(model);
    builder_free(&b);
}

/* Weights that are decoded into a block are the graph's, not a copy. */
static void large_weights_exist_once(void **state)
{
    (void)state;
    builder b;
    builder_init(&b);
    int64_t n = 1 << 20;
    Onnx__ModelProto *m = relu(&b);
    Onnx__TensorProto *t = b_tensor(&b, "w", LINNET_FLOAT32, 1, &n);
    float *data = must(ln_arena_zalloc(&b.arena, (size_t)n * 4, 8));
    data[n - 1] = 3;
    b_raw(&b, t, data, (size_t)n * 4);
    ADD(&b, m->graph, initializer, t);
    linnet_model *model;
    linnet_error error;
    linnet_load_options options = {.max_bytes = (uint64_t)n * 4 * 3 / 2};
    assert_int_equal(load(&b, m, &options, &model, &error), LINNET_OK);
    assert_true(((const float *)constant_of(model)->data)[n - 1] == 3);
    assert_int_equal((uintptr_t)constant_of(model)->data % 64, 0);
    linnet_model_free(model);
    options.max_bytes = (uint64_t)n * 2;
    assert_int_equal(load(&b, m, &options, &model, &error), LINNET_ERR_MEMORY);
    builder_free(&b);
}

static linnet_status load_from_file(builder *b, const Onnx__ModelProto *m, linnet_model **model, linnet_error *error)
{
    char path[] = "/tmp/linnet-tensors-XXXXXX";
    size_t size;
    const uint8_t *bytes = b_pack(b, m, &size);
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, size), (ssize_t)size);
    close(fd);
    linnet_status st = linnet_model_load_file(model, path, NULL, error);
    unlink(path);
    return st;
}

/* A long list of floats is the same whether it is decoded or read from where it lies in the file. */
static void long_lists_of_floats(void **state)
{
    (void)state;
    static const linnet_type types[] = {LINNET_FLOAT32, LINNET_COMPLEX64};
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        builder b;
        builder_init(&b);
        int64_t n = 6000;
        Onnx__ModelProto *m = relu(&b);
        Onnx__TensorProto *t = b_tensor(&b, "w", types[i], 1, &n);
        t->n_float_data = (size_t)n * (i + 1);
        t->float_data = must(ln_arena_zalloc(&b.arena, t->n_float_data * sizeof(float), 16));
        for (size_t k = 0; k < t->n_float_data; k++)
            t->float_data[k] = (float)k / 7;
        ADD(&b, m->graph, initializer, t);
        linnet_model *model;
        linnet_error error;
        assert_int_equal(load_from_file(&b, m, &model, &error), LINNET_OK);
        const ln_info *info = constant_of(model);
        for (int32_t v = 0; v < model->graph->n_values; v++)
            if (&model->graph->values[v].info == info)
                assert_memory_equal(ln_graph_data(model->graph, v), t->float_data, t->n_float_data * sizeof(float));
        linnet_model_free(model);
        t->n_float_data--;
        assert_int_equal(load_from_file(&b, m, &model, &error), LINNET_ERR_MODEL);
        assert_null(model);
        builder_free(&b);
    }
}

static void sparse(void **state)
{
    (void)state;
    builder b;
    builder_init(&b);
    static const int64_t dims[] = {2, 3}, two[] = {2};
    Onnx__ModelProto *m = relu(&b);
    Onnx__SparseTensorProto *s = must(ln_write_new(&b.arena, &onnx__sparse_tensor_proto__descriptor));
    s->values = b_tensor(&b, "w", LINNET_INT64, 1, two);
    s->indices = b_tensor(&b, "", LINNET_INT64, 2, two_two);
    ADD(&b, s, dims, dims[0]);
    ADD(&b, s, dims, dims[1]);
    ADD(&b, s->values, int64_data, 7);
    ADD(&b, s->values, int64_data, 8);
    for (int i = 0; i < 4; i++)
        ADD(&b, s->indices, int64_data, ((const int64_t[]){0, 1, 1, 2})[i]);
    ADD(&b, m->graph, sparse_initializer, s);
    linnet_model *model = load_ok(&b, m);
    static const int64_t dense[] = {0, 7, 0, 0, 0, 8};
    assert_memory_equal(constant_of(model)->data, dense, sizeof dense);
    linnet_model_free(model);
    s->indices->int64_data[3] = 3;
    load_fails(&b, m, LINNET_ERR_MODEL, "out of range");
    builder_free(&b);
}

typedef struct folder {
    char path[64], inside[80];
} folder;

static void make_file(const char *path, size_t size)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    for (size_t i = 0; i < size; i++)
        fputc((int)(i & 63), f);
    fclose(f);
}

static void make_folder(folder *f)
{
    snprintf(f->path, sizeof f->path, "/tmp/linnet-loader-XXXXXX");
    assert_non_null(mkdtemp(f->path));
    snprintf(f->inside, sizeof f->inside, "%s/in", f->path);
    char path[160];
    assert_int_equal(mkdir(f->inside, 0777), 0);
    snprintf(path, sizeof path, "%s/out.bin", f->path);
    make_file(path, 256);
    snprintf(path, sizeof path, "%s/w.bin", f->inside);
    make_file(path, 256);
#ifndef __wasi__ /* which itself keeps a link from leading out */
    snprintf(path, sizeof path, "%s/link.bin", f->inside);
    assert_int_equal(symlink("../out.bin", path), 0);
#endif
}

static void remove_folder(const folder *f)
{
    static const char *const names[] = {"in/w.bin", "in/link.bin", "out.bin"};
    char path[160];
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", f->path, names[i]);
        unlink(path);
    }
    rmdir(f->inside);
    rmdir(f->path);
}

static linnet_status load_external(const folder *f, const char *location, const char *offset, const char *length,
                                   linnet_model **model, linnet_error *error)
{
    builder b;
    builder_init(&b);
    Onnx__ModelProto *m = relu(&b);
    Onnx__TensorProto *t = b_tensor(&b, "w", LINNET_FLOAT32, 2, two_two);
    b_external(&b, t, "location", location);
    if (offset)
        b_external(&b, t, "offset", offset);
    if (length)
        b_external(&b, t, "length", length);
    ADD(&b, m->graph, initializer, t);
    linnet_load_options options = {.folder = f ? f->inside : NULL};
    linnet_status st = load(&b, m, &options, model, error);
    builder_free(&b);
    return st;
}

static void external_data(void **state)
{
    (void)state;
    folder f;
    make_folder(&f);
    linnet_model *model;
    linnet_error error;
    assert_int_equal(load_external(&f, "w.bin", "16", "16", &model, &error), LINNET_OK);
    assert_int_equal(((const uint8_t *)constant_of(model)->data)[1], 17);
    linnet_model_free(model);
    assert_int_equal(load_external(&f, "./w.bin", "17", NULL, &model, &error), LINNET_OK); /* not aligned: copied */
    assert_int_equal(((const uint8_t *)constant_of(model)->data)[1], 18);
    assert_int_equal((uintptr_t)constant_of(model)->data % 4, 0);
    linnet_model_free(model);
    static const struct {
        const char *location, *offset, *length;
        linnet_status status;
        const char *words;
    } wrong[] = {
        {"../out.bin", NULL, NULL, LINNET_ERR_MODEL, "not in the model's folder"},
        {"a/../../out.bin", NULL, NULL, LINNET_ERR_MODEL, "not in the model's folder"},
        {"/etc/passwd", NULL, NULL, LINNET_ERR_MODEL, "not in the model's folder"},
#ifndef __wasi__
        {"link.bin", NULL, NULL, LINNET_ERR_MODEL, "leads out"},
#endif
        {"missing.bin", NULL, NULL, LINNET_ERR_IO, "cannot open"},
        {".", NULL, NULL, LINNET_ERR_MODEL, ""},
        {"w.bin", "248", NULL, LINNET_ERR_MODEL, "has 256"},
        {"w.bin", "18446744073709551608", NULL, LINNET_ERR_MODEL, "has 256"},
        {"w.bin", "-1", NULL, LINNET_ERR_MODEL, "entry 'offset'"},
        {"w.bin", "0", "12", LINNET_ERR_MODEL, "expected 16"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        linnet_status st = load_external(&f, wrong[i].location, wrong[i].offset, wrong[i].length, &model, &error);
        if (!wrong[i].words[0])
            assert_int_not_equal(st, LINNET_OK);
        else
            assert_int_equal(st, wrong[i].status);
        if (!strstr(error.text, wrong[i].words))
            fail_msg("'%s' does not say '%s'", error.text, wrong[i].words);
    }
    assert_int_equal(load_external(NULL, "w.bin", NULL, NULL, &model, &error), LINNET_ERR_ARGUMENT);
    remove_folder(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_type),           cmocka_unit_test(small_types),
        cmocka_unit_test(bool_is_0_or_1),       cmocka_unit_test(large_weights_exist_once),
        cmocka_unit_test(long_lists_of_floats), cmocka_unit_test(sparse),
        cmocka_unit_test(external_data),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
