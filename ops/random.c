/* SPDX-License-Identifier: Apache-2.0
 *
 * RandomNormal, RandomUniform, their Like forms, Bernoulli and Multinomial. Numbers come from a counter: element i of a
 * tensor depends on the seed and i alone, so that results are the same for any number of threads and tiers. Without the
 * attribute seed every run draws anew, by a count of the runs of the process.
 * ai.onnx -1 to -22 (Multinomial-7, Bernoulli-15).
 */
#include <math.h>
#include <stdatomic.h>

#include "kernels/half.h"
#include "ops/moving.h"

enum { NORMAL, UNIFORM, BERNOULLI };

typedef struct random_params {
    int64_t dtype, sample_size;
    float seed, mean, scale, low, high;
    int32_t seeded;
    int64_t shape[LN_MAX_RANK];
    int32_t n_shape, kind;
    int64_t n, classes; /* elements of the output; Multinomial: of a row of the input */
    int32_t type, x_type;
    uint64_t stream; /* told apart by the kind: equal seeds of different operators give different numbers */
} random_params;

typedef struct job {
    const random_params *p;
    const ln_args *a;
    uint64_t key;
} job;

/* A well mixed 64-bit number (the finalizer of splitmix64, twice). */
static uint64_t mix(uint64_t x)
{
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

static uint64_t bits(uint64_t key, int64_t i)
{
    return mix(mix(key + (uint64_t)i * UINT64_C(0x9e3779b97f4a7c15)) ^ key);
}

/* In [0, 1), 53 bits. */
static double uniform(uint64_t key, int64_t i)
{
    return (double)(bits(key, i) >> 11) * 0x1p-53;
}

static double normal(uint64_t key, int64_t i)
{
    double u = 1 - uniform(key, 2 * i), v = uniform(key, 2 * i + 1);
    return sqrt(-2 * log(u)) * cos(6.283185307179586 * v);
}

static uint64_t key_of(const random_params *p)
{
    static _Atomic uint64_t runs;
    uint64_t seed = p->seeded ? ln_float_bits(p->seed) : atomic_fetch_add(&runs, 1) + (UINT64_C(1) << 40);
    return mix(mix(seed + 1) + p->stream);
}

/* Writes 0 or 1 to an output of Bernoulli, of any numeric type or bool. */
static void put_bit(const random_params *p, void *y, int64_t i, bool one)
{
    const float f = one;
    if (LN_T_FLOATS & LN_T(p->type)) {
        ln_from_f32(y, p->type, i, &f, 1, 0);
        return;
    }
    switch (linnet_type_size((linnet_type)p->type)) {
    case 1:
        ((uint8_t *)y)[i] = one;
        break;
    case 2:
        ((uint16_t *)y)[i] = one;
        break;
    case 4:
        ((uint32_t *)y)[i] = one;
        break;
    default:
        ((uint64_t *)y)[i] = one;
    }
}

static void draw(void *arg, int32_t worker, int64_t begin, int64_t end)
{
    const job *j = arg;
    const random_params *p = j->p;
    (void)worker;
    for (int64_t i = begin; i < end; i++) {
        double v;
        if (p->kind == BERNOULLI) {
            put_bit(p, j->a->out[0], i, uniform(j->key, i) < ln_get_f64(j->a->in[0], p->x_type, i));
            continue;
        }
        if (p->kind == NORMAL)
            v = (double)p->mean + (double)p->scale * normal(j->key, i);
        else
            v = (double)p->low + ((double)p->high - (double)p->low) * uniform(j->key, i);
        ln_put_f64(j->a->out[0], p->type, i, v);
    }
}

LN_RUN(ln_random)
{
    const random_params *p = a->params;
    job j = {p, a, key_of(p)};
    ln_parallel(a, p->n, p->kind == NORMAL ? 40 : 5, draw, &j);
    return LINNET_OK;
}

/* -- Multinomial --------------------------------------------------------------------------------------------------- */

static double weight(const random_params *p, const void *x, int64_t at, double max)
{
    return exp(ln_get_f64(x, p->x_type, at) - max);
}

static void draw_rows(void *arg, int32_t worker, int64_t begin, int64_t end)
{
    const job *j = arg;
    const random_params *p = j->p;
    const void *x = j->a->in[0];
    (void)worker;
    for (int64_t r = begin; r < end; r++) {
        double max = -HUGE_VAL, sum = 0;
        int64_t row = r * p->classes;
        for (int64_t k = 0; k < p->classes; k++) {
            double v = ln_get_f64(x, p->x_type, row + k);
            max = v > max ? v : max;
        }
        for (int64_t k = 0; k < p->classes; k++)
            sum += weight(p, x, row + k, max);
        for (int64_t s = 0; s < p->sample_size; s++) {
            double left = uniform(j->key, r * p->sample_size + s) * sum;
            int64_t k = 0;
            while (k < p->classes - 1 && (left -= weight(p, x, row + k, max)) >= 0)
                k++;
            if (p->type == LINNET_INT32)
                ((int32_t *)j->a->out[0])[r * p->sample_size + s] = (int32_t)k;
            else
                ((int64_t *)j->a->out[0])[r * p->sample_size + s] = k;
        }
    }
}

LN_RUN(ln_multinomial)
{
    const random_params *p = a->params;
    job j = {p, a, key_of(p)};
    ln_parallel(a, p->n, 20.0 * (double)p->classes * (double)(p->sample_size + 2), draw_rows, &j);
    return LINNET_OK;
}

/* -- infer and plan ------------------------------------------------------------------------------------------------ */

static linnet_status check_dtype(ln_ctx *c, uint32_t types, int64_t dtype)
{
    if (dtype <= 0 || dtype >= LINNET_TYPE_COUNT || !(types & LN_T(dtype)))
        return ln_fail(c, LINNET_ERR_UNSUPPORTED, "dtype %lld", (long long)dtype);
    return LINNET_OK;
}

static linnet_status shaped_infer(ln_ctx *c)
{
    const random_params *p = c->params;
    int64_t dtype = ln_attr_has(c, "dtype") ? p->dtype : LINNET_FLOAT32;
    LN_TRY(check_dtype(c, LN_T_FLOATS, dtype));
    for (int32_t i = 0; i < p->n_shape; i++)
        if (p->shape[i] < 0)
            return ln_fail(c, LINNET_ERR_MODEL, "shape[%d] is %lld", i, (long long)p->shape[i]);
    return ln_set_shape(c, 0, (linnet_type)dtype, p->n_shape, p->shape);
}

static linnet_status like(ln_ctx *c, uint32_t types)
{
    const random_params *p = c->params;
    const ln_info *x = c->in[0];
    int64_t dtype = ln_attr_has(c, "dtype") ? p->dtype : x->type;
    if (dtype != LINNET_UNDEFINED || ln_attr_has(c, "dtype"))
        LN_TRY(check_dtype(c, types, dtype));
    if (x->rank < 0)
        return ln_set_unknown(c, 0, (linnet_type)dtype);
    return ln_set_shape(c, 0, (linnet_type)dtype, x->rank, x->dims);
}

static linnet_status like_infer(ln_ctx *c)
{
    return like(c, LN_T_FLOATS);
}

static linnet_status bernoulli_infer(ln_ctx *c)
{
    return like(c, LN_T_NUMBERS | LN_T(LINNET_BOOL));
}

static linnet_status multinomial_infer(ln_ctx *c)
{
    const random_params *p = c->params;
    const ln_info *x = c->in[0];
    int64_t dtype = ln_attr_has(c, "dtype") ? p->dtype : LINNET_INT32;
    int64_t dims[2] = {x->rank == 2 ? x->dims[0] : LN_UNKNOWN, p->sample_size};
    LN_TRY(check_dtype(c, LN_T(LINNET_INT32) | LN_T(LINNET_INT64), dtype));
    LN_TRY(ln_check_rank(c, 0, 2, 2, "input"));
    if (p->sample_size < 0 || p->sample_size > INT32_MAX)
        return ln_fail(c, LINNET_ERR_MODEL, "sample_size is %lld", (long long)p->sample_size);
    if (x->rank == 2 && x->dims[1] == 0)
        return ln_fail(c, LINNET_ERR_MODEL, "there are no outcomes to draw from");
    return ln_set_shape(c, 0, (linnet_type)dtype, 2, dims);
}

static linnet_status plan(ln_ctx *c, int32_t kind)
{
    random_params *p = c->params;
    p->kind = kind;
    p->stream = (uint64_t)kind + 1;
    p->seeded = ln_attr_has(c, "seed");
    p->n = ln_info_count(c->out[0]);
    p->type = c->out[0]->type;
    if (c->n_in > 0)
        p->x_type = c->in[0]->type;
    return LINNET_OK;
}

static linnet_status normal_plan(ln_ctx *c)
{
    return plan(c, NORMAL);
}

static linnet_status uniform_plan(ln_ctx *c)
{
    return plan(c, UNIFORM);
}

static linnet_status bernoulli_plan(ln_ctx *c)
{
    return plan(c, BERNOULLI);
}

static linnet_status multinomial_plan(ln_ctx *c)
{
    random_params *p = c->params;
    linnet_status st = plan(c, BERNOULLI + 1);
    p->n = c->in[0]->dims[0];
    p->classes = c->in[0]->dims[1];
    return st;
}

#define SEED LN_ATTR_I(random_params, dtype, 0), LN_ATTR_F(random_params, seed, 0)
static const ln_attr_spec normal_attrs[] = {SEED, LN_ATTR_F(random_params, mean, 0), LN_ATTR_F(random_params, scale, 1),
                                            LN_ATTR_INTS_REQ(random_params, shape), LN_ATTR_END};
static const ln_attr_spec uniform_attrs[] = {SEED, LN_ATTR_F(random_params, low, 0), LN_ATTR_F(random_params, high, 1),
                                             LN_ATTR_INTS_REQ(random_params, shape), LN_ATTR_END};
static const ln_attr_spec normal_like_attrs[] = {SEED, LN_ATTR_F(random_params, mean, 0),
                                                 LN_ATTR_F(random_params, scale, 1), LN_ATTR_END};
static const ln_attr_spec uniform_like_attrs[] = {SEED, LN_ATTR_F(random_params, low, 0),
                                                  LN_ATTR_F(random_params, high, 1), LN_ATTR_END};
static const ln_attr_spec bernoulli_attrs[] = {SEED, LN_ATTR_END};
static const ln_attr_spec multinomial_attrs[] = {SEED, LN_ATTR_I(random_params, sample_size, 1), LN_ATTR_END};

LN_OP(RandomNormal) = {
    .domain = "",
    .type = "RandomNormal",
    .since = {1, 22},
    .types = LN_T_FLOATS,
    .flags = LN_OP_RANDOM,
    .in = {0, 0},
    .out = {1, 1},
    .attrs = normal_attrs,
    .params_size = sizeof(random_params),
    .infer = shaped_infer,
    .plan = normal_plan,
    LN_RUN_NAME(ln_random),
};

LN_OP(RandomUniform) = {
    .domain = "",
    .type = "RandomUniform",
    .since = {1, 22},
    .types = LN_T_FLOATS,
    .flags = LN_OP_RANDOM,
    .in = {0, 0},
    .out = {1, 1},
    .attrs = uniform_attrs,
    .params_size = sizeof(random_params),
    .infer = shaped_infer,
    .plan = uniform_plan,
    LN_RUN_NAME(ln_random),
};

LN_OP(RandomNormalLike) = {
    .domain = "",
    .type = "RandomNormalLike",
    .since = {1, 22},
    .types = LN_T_ALL,
    .flags = LN_OP_RANDOM,
    .in = {1, 1},
    .out = {1, 1},
    .attrs = normal_like_attrs,
    .params_size = sizeof(random_params),
    .infer = like_infer,
    .plan = normal_plan,
    LN_RUN_NAME(ln_random),
};

LN_OP(RandomUniformLike) = {
    .domain = "",
    .type = "RandomUniformLike",
    .since = {1, 22},
    .types = LN_T_ALL,
    .flags = LN_OP_RANDOM,
    .in = {1, 1},
    .out = {1, 1},
    .attrs = uniform_like_attrs,
    .params_size = sizeof(random_params),
    .infer = like_infer,
    .plan = uniform_plan,
    LN_RUN_NAME(ln_random),
};

LN_OP(Bernoulli) = {
    .domain = "",
    .type = "Bernoulli",
    .since = {15, 22},
    .types = LN_T_FLOATS,
    .flags = LN_OP_RANDOM,
    .in = {1, 1},
    .out = {1, 1},
    .attrs = bernoulli_attrs,
    .params_size = sizeof(random_params),
    .infer = bernoulli_infer,
    .plan = bernoulli_plan,
    LN_RUN_NAME(ln_random),
};

LN_OP(Multinomial) = {
    .domain = "",
    .type = "Multinomial",
    .since = {7, 22},
    .types = LN_T_FLOATS,
    .flags = LN_OP_RANDOM,
    .in = {1, 1},
    .out = {1, 1},
    .attrs = multinomial_attrs,
    .params_size = sizeof(random_params),
    .infer = multinomial_infer,
    .plan = multinomial_plan,
    LN_RUN_NAME(ln_multinomial),
};
