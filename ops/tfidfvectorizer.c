/* SPDX-License-Identifier: Apache-2.0
 *
 * TfIdfVectorizer: counts of n-grams with gaps. Plan numbers the distinct tokens of the pool and sorts its n-grams by
 * those numbers; run turns a row into numbers once and looks up every n-gram by halving. An entry of the table
 * is its tokens, its coordinate in the output and its place in the pool, to which the weights belong. ai.onnx
 * TfIdfVectorizer-9.
 */
#include <stdlib.h>
#include <string.h>

#include "ops/keytable.h"

enum { TF, IDF, TFIDF, MAX_GRAM = 32 };

typedef struct tfidf_params {
    int64_t rows, columns, width;
    int64_t min_gram_length, max_gram_length, max_skip_count;
    int64_t n_tokens;           /* distinct ones; their table is at the head of packed */
    int64_t at_grams[MAX_GRAM]; /* bytes in packed: entries of n + 2 int32 */
    int64_t n_grams[MAX_GRAM];
    int64_t at_weights;
    int32_t mode, in_type, n_weights;
} tfidf_params;

static int64_t token_of(const tfidf_params *p, const void *table, const void *x, int64_t i)
{
    if (p->in_type == LINNET_STRING)
        return ln_string_keys_find(table, p->n_tokens, ((const linnet_string *)x)[i]);
    return ln_int_keys_find(table, p->n_tokens, ln_int_key_of(x, p->in_type, i));
}

/* The entry of the n-gram of the tokens at t, t + step, ..., NULL: not in the pool. */
static const int32_t *find_gram(const int32_t *grams, int64_t count, int64_t n, const int32_t *t, int64_t step)
{
    int64_t low = 0, high = count;
    while (low < high) {
        int64_t mid = low + (high - low) / 2, k = 0;
        const int32_t *g = grams + mid * (n + 2);
        while (k < n && g[k] == t[k * step])
            k++;
        if (k == n)
            return g + n;
        if (g[k] < t[k * step])
            low = mid + 1;
        else
            high = mid;
    }
    return NULL;
}

static void count_grams(const tfidf_params *p, const char *packed, int64_t n, const int32_t *tokens, float *y)
{
    const int32_t *grams = (const int32_t *)(const void *)(packed + p->at_grams[n - 1]);
    const float *weights = (const float *)(const void *)(packed + p->at_weights);
    /* A single token has no gaps. */
    int64_t most = n == 1 ? 1 : p->max_skip_count + 1;
    for (int64_t step = 1; step <= most && (n == 1 || step <= (p->columns - 1) / (n - 1)); step++)
        for (int64_t i = 0; i + (n - 1) * step < p->columns; i++) {
            const int32_t *found = find_gram(grams, p->n_grams[n - 1], n, tokens + i, step);
            if (!found)
                continue;
            float weight = p->mode != TF && p->n_weights ? weights[found[1]] : 1.0f;
            y[found[0]] = p->mode == IDF ? weight : y[found[0]] + weight;
        }
}

LN_RUN(ln_tfidf)
{
    const tfidf_params *p = a->params;
    const char *packed = a->packed;
    int32_t *tokens = a->scratch;
    for (int64_t r = 0; r < p->rows; r++) {
        float *y = (float *)a->out[0] + r * p->width;
        memset(y, 0, (size_t)p->width * sizeof *y);
        for (int64_t i = 0; i < p->columns; i++)
            tokens[i] = (int32_t)token_of(p, packed, a->in[0], r * p->columns + i);
        for (int64_t n = p->min_gram_length; n <= p->max_gram_length && n <= p->columns; n++)
            if (p->n_grams[n - 1])
                count_grams(p, packed, n, tokens, y);
    }
    return LINNET_OK;
}

/* -- the pool -------------------------------------------------------------------------------------------------------
 */

/* The attributes. */
typedef struct pool {
    const int64_t *ints, *counts, *indexes;
    const linnet_string *strings;
    const float *weights;
    int64_t n, n_counts, n_indexes, n_weights;
    int64_t width; /* of the output */
} pool;

static linnet_status pool_of(ln_ctx *c, pool *q)
{
    tfidf_params *p = c->params;
    int64_t n, k;
    q->ints = ln_attr_ints(c, "pool_int64s", &n);
    q->strings = ln_attr_strings(c, "pool_strings", &k);
    q->counts = ln_attr_ints(c, "ngram_counts", &q->n_counts);
    q->indexes = ln_attr_ints(c, "ngram_indexes", &q->n_indexes);
    q->weights = ln_attr_floats(c, "weights", &q->n_weights);
    if ((n > 0) == (k > 0))
        return ln_fail(c, LINNET_ERR_MODEL, "%lld pool_int64s and %lld pool_strings", (long long)n, (long long)k);
    q->n = n > 0 ? n : k;
    if (c->in[0]->type != LINNET_UNDEFINED && (c->in[0]->type == LINNET_STRING) != (k > 0))
        return ln_fail(c, LINNET_ERR_MODEL, "X is %s, the pool has %s", linnet_type_name((linnet_type)c->in[0]->type),
                       k > 0 ? "strings" : "integers");
    if (p->min_gram_length < 1 || p->max_gram_length < p->min_gram_length || p->max_skip_count < 0)
        return ln_fail(c, LINNET_ERR_MODEL, "n-grams of %lld to %lld with %lld skips", (long long)p->min_gram_length,
                       (long long)p->max_gram_length, (long long)p->max_skip_count);
    if (q->n_counts < 1 || q->n_indexes < 1 || q->n_counts < p->max_gram_length)
        return ln_fail(c, LINNET_ERR_MODEL, "%lld ngram_counts and %lld ngram_indexes", (long long)q->n_counts,
                       (long long)q->n_indexes);
    if (q->n_counts > MAX_GRAM)
        return ln_fail(c, LINNET_ERR_UNSUPPORTED, "n-grams of %lld, at most %d are supported", (long long)q->n_counts,
                       MAX_GRAM);
    for (int64_t i = 0; i < q->n_counts; i++) {
        int64_t end = i + 1 < q->n_counts ? q->counts[i + 1] : q->n;
        if (q->counts[i] < 0 || end < q->counts[i] || end > q->n || (end - q->counts[i]) % (i + 1) != 0)
            return ln_fail(c, LINNET_ERR_MODEL, "ngram_counts: %lld-grams from %lld to %lld of %lld", (long long)i + 1,
                           (long long)q->counts[i], (long long)end, (long long)q->n);
    }
    for (int64_t i = 0; i < q->n_indexes; i++) {
        if (q->indexes[i] < 0 || q->indexes[i] >= INT32_MAX)
            return ln_fail(c, LINNET_ERR_MODEL, "ngram_indexes has %lld", (long long)q->indexes[i]);
        q->width = q->indexes[i] >= q->width ? q->indexes[i] + 1 : q->width;
    }
    if (q->n_weights && q->n_weights != q->width)
        return ln_fail(c, LINNET_ERR_MODEL, "%lld weights for an output of %lld", (long long)q->n_weights,
                       (long long)q->width);
    return LINNET_OK;
}

static linnet_status tfidf_infer(ln_ctx *c)
{
    pool q = {0};
    const ln_info *x = c->in[0];
    LN_TRY(pool_of(c, &q));
    if (x->rank < 0)
        return ln_set_unknown(c, 0, LINNET_FLOAT32);
    if (x->rank > 2)
        return ln_fail(c, LINNET_ERR_MODEL, "X has rank %d, expected [C] or [N, C]", x->rank);
    int64_t dims[2] = {x->dims[0], q.width};
    int32_t row = x->rank < 2;
    return ln_set_shape(c, 0, LINNET_FLOAT32, 2 - row, dims + row);
}

static int compare_grams(const int32_t *a, const int32_t *b, int64_t n)
{
    for (int64_t k = 0; k < n; k++)
        if (a[k] != b[k])
            return a[k] < b[k] ? -1 : 1;
    return 0;
}

/* Merge sort of entries of n + 2: stable, so that of equal n-grams the first stays. */
static void sort_grams(int32_t *g, int32_t *other, int64_t count, int64_t n)
{
    size_t size = (size_t)(n + 2) * sizeof *g;
    for (int64_t run = 1; run < count; run *= 2) {
        for (int64_t at = 0; at < count; at += 2 * run) {
            int64_t i = at, mid = at + run < count ? at + run : count, j = mid;
            int64_t end = at + 2 * run < count ? at + 2 * run : count;
            for (int64_t k = at; k < end; k++) {
                bool left = i < mid && (j == end || compare_grams(g + i * (n + 2), g + j * (n + 2), n) <= 0);
                memcpy(other + k * (n + 2), g + (left ? i++ : j++) * (n + 2), size);
            }
        }
        memcpy(g, other, (size_t)count * size);
    }
}

static linnet_status pack_grams(ln_ctx *c, tfidf_params *p, const pool *q, char *packed)
{
    int64_t id = 0;
    int32_t *other = ln_temporary(c, (size_t)(3 * q->n + 1) * sizeof *other);
    if (!other)
        return ln_no_memory(c);
    for (int64_t n = 1; n <= q->n_counts; n++) {
        int64_t begin = q->counts[n - 1], end = n < q->n_counts ? q->counts[n] : q->n, count = (end - begin) / n;
        int32_t *g = (int32_t *)(void *)(packed + p->at_grams[n - 1]);
        if (id + count > q->n_indexes)
            return ln_fail(c, LINNET_ERR_MODEL, "%lld ngram_indexes for more n-grams", (long long)q->n_indexes);
        for (int64_t i = 0; i < count; i++) {
            for (int64_t k = 0; k < n; k++) {
                int64_t at = begin + i * n + k;
                g[i * (n + 2) + k] =
                    (int32_t)(q->strings ? ln_string_keys_find((void *)packed, p->n_tokens, q->strings[at])
                                         : ln_int_keys_find((void *)packed, p->n_tokens, q->ints[at]));
            }
            g[i * (n + 2) + n] = (int32_t)q->indexes[id + i];
            g[i * (n + 2) + n + 1] = (int32_t)(id + i);
        }
        id += count;
        sort_grams(g, other, count, n);
        p->n_grams[n - 1] = count;
    }
    return LINNET_OK;
}

static linnet_status tfidf_plan(ln_ctx *c)
{
    tfidf_params *p = c->params;
    pool q = {0};
    LN_TRY(pool_of(c, &q));
    const ln_info *x = c->in[0];
    p->in_type = x->type;
    p->columns = x->rank == 0 ? 1 : x->dims[x->rank - 1];
    p->rows = x->rank == 2 ? x->dims[0] : 1;
    p->width = q.width;
    p->n_weights = q.n_weights > 0;
    if (q.n >= INT32_MAX)
        return ln_fail(c, LINNET_ERR_UNSUPPORTED, "a pool of %lld", (long long)q.n);
    int64_t bytes = q.n * (int64_t)(q.strings ? sizeof(ln_string_key) : sizeof(ln_int_key));
    for (int64_t n = 1; n <= q.n_counts; n++) {
        int64_t end = n < q.n_counts ? q.counts[n] : q.n;
        p->at_grams[n - 1] = bytes;
        bytes += (end - q.counts[n - 1]) / n * (n + 2) * (int64_t)sizeof(int32_t);
    }
    p->at_weights = bytes;
    bytes += q.n_weights * (int64_t)sizeof(float);
    char *packed = ln_pack(c, (size_t)bytes);
    if (!packed)
        return ln_no_memory(c);
    for (int64_t i = 0; i < q.n; i++)
        if (q.strings)
            ((ln_string_key *)(void *)packed)[i] = (ln_string_key){q.strings[i], i};
        else
            ((ln_int_key *)(void *)packed)[i] = (ln_int_key){q.ints[i], i};
    p->n_tokens = q.strings ? ln_string_keys_sort((void *)packed, q.n) : ln_int_keys_sort((void *)packed, q.n);
    if (q.n_weights)
        memcpy(packed + p->at_weights, q.weights, (size_t)q.n_weights * sizeof(float));
    ln_scratch(c, (size_t)p->columns * sizeof(int32_t));
    return pack_grams(c, p, &q, packed);
}

static const ln_attr_spec attrs[] = {
    LN_ATTR_I_REQ(tfidf_params, min_gram_length),
    LN_ATTR_I_REQ(tfidf_params, max_gram_length),
    LN_ATTR_I_REQ(tfidf_params, max_skip_count),
    LN_ATTR_E(tfidf_params, mode, "TF|IDF|TFIDF", TF),
    LN_ATTR_ANY("ngram_counts"),
    LN_ATTR_ANY("ngram_indexes"),
    LN_ATTR_ANY("pool_int64s"),
    LN_ATTR_ANY("pool_strings"),
    LN_ATTR_ANY("weights"),
    LN_ATTR_END,
};

LN_OP(TfIdfVectorizer) = {
    .domain = "",
    .type = "TfIdfVectorizer",
    .since = {9},
    .types = LN_T(LINNET_STRING) | LN_T(LINNET_INT32) | LN_T(LINNET_INT64),
    .in = {1, 1},
    .out = {1, 1},
    .attrs = attrs,
    .params_size = sizeof(tfidf_params),
    .infer = tfidf_infer,
    .plan = tfidf_plan,
    LN_RUN_NAME(ln_tfidf),
};
