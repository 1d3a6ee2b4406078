/* SPDX-License-Identifier: Apache-2.0
 *
 * Runs one test of the backend suite in this process: loads the model, feeds the inputs in the order of the graph's,
 * compares the outputs. A graph whose result is random has no determined answer: type, shape and distribution are
 * checked, and the test counts as skipped.
 */
#include <inttypes.h>
#include <math.h>
#include <string.h>
#include <sys/stat.h>

#include "engine/model.h"
#include "tools/conformance.h"

enum { MAX_VALUES = 64 };

typedef struct state {
    const ln_test *test;
    const ln_test_options *options;
    ln_arena *arena;
    linnet_model *model;
    linnet_session *session;
    bool random;
    uint64_t hash;
    char *reason;
    size_t size;
} state;

static ln_verdict failed(state *s, const char *stage, const linnet_error *error)
{
    char text[sizeof(linnet_error)];
    linnet_error_message(error, text, sizeof text);
    bool unsupported = error->status == LINNET_ERR_UNSUPPORTED;
    snprintf(s->reason, s->size, "%s%s%s", unsupported ? "" : stage, unsupported ? "" : ": ", text);
    return unsupported ? LN_UNSUPPORTED : LN_FAIL;
}

/* Operators that draw numbers: their answers are not determined, with a seed or without. */
static bool draws(const ln_graph *g)
{
    static const char *const types[] = {"Bernoulli",    "RandomUniform",    "RandomUniformLike",
                                        "RandomNormal", "RandomNormalLike", "Multinomial"};
    LN_FOR_NODES(g, i)
    for (size_t k = 0; k < sizeof types / sizeof *types; k++)
        if (ln_node_is(&g->nodes[i], types[k]))
            return true;
    return false;
}

/* Where every expected value is 0 or 1 the result is a Bernoulli trial with the probabilities of the first input: its
 * sum has a normal distribution. */
static bool plausible(state *s, const linnet_value *got, const linnet_value *want, const linnet_value *p)
{
    int64_t n = linnet_value_count(want);
    bool same = got->kind == want->kind && got->type == want->type && got->rank == want->rank;
    for (int32_t d = 0; same && d < want->rank; d++)
        same = got->dims[d] == want->dims[d];
    if (!same)
        return ln_value_close(got, want, 0, 0, s->reason, s->size);
    double sum = 0, mean = 0, variance = 0;
    bool trial = p->kind == LINNET_TENSOR && linnet_value_count(p) == n;
    for (int64_t i = 0; i < n && trial; i++) {
        double w = ln_element(want, i), x = ln_element(got, i), q = ln_element(p, i);
        trial = w == 0 || w == 1;
        if (trial && x != 0 && x != 1) {
            snprintf(s->reason, s->size, "element %" PRId64 " is %g, neither 0 nor 1", i, x);
            return false;
        }
        sum += x;
        mean += q;
        variance += q * (1 - q);
    }
    if (trial && fabs(sum - mean) > 5 * sqrt(variance)) {
        snprintf(s->reason, s->size, "%g of %" PRId64 " are 1 where %.4g are expected", sum, n, mean);
        return false;
    }
    return true;
}

/* FNV-1a over elements and strings. */
static uint64_t hash_bytes(uint64_t h, const void *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        h = (h ^ ((const uint8_t *)bytes)[i]) * UINT64_C(0x100000001b3);
    return h;
}

static uint64_t hash_value(uint64_t h, const linnet_value *v)
{
    int64_t n = v->kind == LINNET_TENSOR ? linnet_value_count(v) : v->kind == LINNET_MAP ? 2 : v->n_items;
    if (v->kind == LINNET_TENSOR && v->type != LINNET_STRING)
        return hash_bytes(h, v->data, (size_t)n * linnet_type_size(v->type));
    for (int64_t i = 0; i < n; i++) {
        const linnet_string *s = (const linnet_string *)v->data + i;
        h = v->kind == LINNET_TENSOR ? hash_bytes(h, s->data, s->size) : hash_value(h, &v->items[i]);
    }
    return h;
}

/* --save: output k as result_<k>.pb. Whether there is an expected one is then for the caller to say. */
static bool save_output(state *s, const char *folder, size_t k)
{
    char path[1100];
    const char *name = linnet_model_output(s->model, k)->name;
    const linnet_value *got = linnet_session_output(s->session, name);
    snprintf(path, sizeof path, "%s/result_%zu.pb", folder, k);
    snprintf(s->reason, s->size, "output '%s' is missing or cannot be written", name);
    return got && ln_value_write(s->arena, path, name, got);
}

static ln_verdict check_output(state *s, size_t k, const linnet_value *want, const linnet_value *first_input)
{
    char why[384];
    const char *name = linnet_model_output(s->model, k)->name;
    const linnet_value *got = linnet_session_output(s->session, name);
    if (!got) {
        snprintf(s->reason, s->size, "output '%s' is missing", name);
        return LN_FAIL;
    }
    if (s->options->hash)
        s->hash = hash_value(s->hash, got);
    if (s->random)
        return plausible(s, got, want, first_input) ? LN_PASS : LN_FAIL;
    if (ln_value_close(got, want, s->test->rtol, s->test->atol, why, sizeof why))
        return LN_PASS;
    snprintf(s->reason, s->size, "output '%s': %s", name, why);
    return LN_FAIL;
}

static ln_verdict set_and_run(state *s, linnet_value *inputs, size_t n)
{
    linnet_error error = {0};
    for (size_t k = 0; k < n; k++) {
        const char *name = linnet_model_input(s->model, k)->name;
        if (linnet_session_set_input(s->session, name, &inputs[k], &error))
            return failed(s, "input", &error);
    }
    return linnet_session_run(s->session, &error) ? failed(s, "run", &error) : LN_PASS;
}

static bool is_file(const char *path)
{
    struct stat st;
    return !stat(path, &st) && S_ISREG(st.st_mode);
}

/* test_data_set_<set> of the folder. *there: it exists. */
static ln_verdict run_set(state *s, int set, bool *there)
{
    linnet_value inputs[MAX_VALUES], want;
    linnet_error error = {0};
    char path[1024];
    size_t n = 0;
    snprintf(path, sizeof path, "%s/test_data_set_%d", s->test->path, set);
    struct stat st;
    *there = !stat(path, &st);
    if (!*there)
        return LN_PASS;
    for (; n < MAX_VALUES; n++) {
        snprintf(path, sizeof path, "%s/test_data_set_%d/input_%zu.pb", s->test->path, set, n);
        if (!is_file(path))
            break;
        if (n >= linnet_model_input_count(s->model)) {
            snprintf(s->reason, s->size, "there is data for more inputs than the model's %zu", n);
            return LN_FAIL;
        }
        if (!ln_pb_read(s->arena, path, linnet_model_input(s->model, n), &inputs[n], &error))
            return failed(s, path, &error);
    }
    ln_verdict verdict = set_and_run(s, inputs, n);
    for (size_t k = 0; verdict == LN_PASS && k < linnet_model_output_count(s->model); k++) {
        if (s->options->save) {
            snprintf(path, sizeof path, "%s/test_data_set_%d", s->test->path, set);
            if (!save_output(s, path, k))
                return LN_FAIL;
            s->reason[0] = 0;
        }
        snprintf(path, sizeof path, "%s/test_data_set_%d/output_%zu.pb", s->test->path, set, k);
        if (s->options->save && !is_file(path))
            continue;
        if (!ln_pb_read(s->arena, path, linnet_model_output(s->model, k), &want, &error))
            return failed(s, path, &error);
        verdict = check_output(s, k, &want, &inputs[0]);
    }
    return verdict;
}

/* The one input of a real network is arange(n) / n in double precision, rounded to float. */
static ln_verdict run_real(state *s)
{
    linnet_value input, want;
    linnet_error error = {0};
    const linnet_value_info *info = linnet_model_input(s->model, 0);
    int64_t dims[LINNET_MAX_RANK];
    for (int32_t d = 0; d < info->rank; d++)
        dims[d] = info->dims[d] < 0 ? 1 : info->dims[d];
    if (info->kind != LINNET_TENSOR || info->type != LINNET_FLOAT32 || info->rank < 0 ||
        !ln_value_new(s->arena, &input, LINNET_FLOAT32, info->rank, dims)) {
        snprintf(s->reason, s->size, "the input of the network is not a float32 tensor");
        return LN_FAIL;
    }
    int64_t n = linnet_value_count(&input);
    for (int64_t i = 0; i < n; i++)
        ((float *)input.data)[i] = (float)((double)i / (double)n);
    if (!ln_pb_read(s->arena, s->test->expected, linnet_model_output(s->model, 0), &want, &error))
        return failed(s, s->test->expected, &error);
    ln_verdict verdict = set_and_run(s, &input, 1);
    return verdict == LN_PASS ? check_output(s, 0, &want, &input) : verdict;
}

static ln_verdict run_loaded(state *s)
{
    linnet_error error = {0};
    s->random = draws(s->model->graph);
    if (linnet_session_create(&s->session, s->model, &s->options->session, &error))
        return failed(s, "session", &error);
    ln_verdict verdict = LN_PASS;
    bool there = true;
    if (s->test->expected) {
        size_t n = linnet_model_input_count(s->model); /* weights may be inputs too */
        if (n < 1 || linnet_model_input(s->model, 0)->has_default ||
            (n > 1 && !linnet_model_input(s->model, 1)->has_default) || linnet_model_output_count(s->model) != 1) {
            snprintf(s->reason, s->size, "the network has not one input and one output");
            return LN_FAIL;
        }
        verdict = run_real(s);
    }
    for (int set = 0; verdict == LN_PASS && there && !s->test->expected; set++)
        verdict = run_set(s, set, &there);
    if (verdict == LN_PASS && s->random) {
        snprintf(s->reason, s->size,
                 "a random result has no determined answer; type, shape and distribution are right");
        return LN_SKIP;
    }
    if (verdict == LN_PASS && s->options->hash)
        snprintf(s->reason, s->size, "%016" PRIx64, s->hash);
    return verdict;
}

ln_verdict ln_test_run(const ln_test *test, const ln_test_options *options, char *reason, size_t size)
{
    ln_memory memory;
    ln_arena arena;
    ln_memory_init(&memory, NULL, 0);
    ln_arena_init(&arena, &memory);
    state s = {.test = test,
               .arena = &arena,
               .options = options,
               .hash = UINT64_C(0xcbf29ce484222325),
               .reason = reason,
               .size = size};
    linnet_error error = {0};
    reason[0] = 0;
    ln_verdict verdict =
        linnet_model_load_file(&s.model, test->model, NULL, &error) ? failed(&s, "load", &error) : run_loaded(&s);
    linnet_session_free(s.session);
    linnet_model_free(s.model);
    ln_arena_free(&arena);
    return verdict;
}
