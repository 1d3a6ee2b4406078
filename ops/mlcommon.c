/* SPDX-License-Identifier: Apache-2.0
 *
 * Shared parts of ai.onnx.ml, see mlcommon.h.
 */
#include "ops/mlcommon.h"

#include <math.h>
#include <string.h>

#include "kernels/half.h"

float ln_logistic(float x)
{
    float v = 1.0f / (1.0f + expf(-fabsf(x)));
    return x < 0 ? 1.0f - v : v;
}

/* The inverse of the normal distribution's integral over Winitzki's approximation of the inverse error function, which
 * is what both reference implementations take (relative error 2e-3). */
static float probit(float p)
{
    float x = 2.0f * p - 1.0f, sign = x < 0 ? -1.0f : 1.0f;
    float l = logf((1.0f - x) * (1.0f + x));
    float v = 2.0f / (3.14159f * 0.147f) + 0.5f * l;
    return 1.41421356f * sign * sqrtf(sqrtf(v * v - l / 0.147f) - v);
}

static void softmax(float *y, int64_t n)
{
    float max = y[0], sum = 0;
    for (int64_t i = 1; i < n; i++)
        max = y[i] > max ? y[i] : max;
    for (int64_t i = 0; i < n; i++)
        sum += y[i] = expf(y[i] - max);
    for (int64_t i = 0; i < n; i++)
        y[i] /= sum;
}

/* Scores of zero stay zero. */
static void softmax_zero(float *y, int64_t n)
{
    float max = y[0], sum = 0;
    for (int64_t i = 1; i < n; i++)
        max = y[i] > max ? y[i] : max;
    float scale = expf(-max);
    for (int64_t i = 0; i < n; i++)
        if (fabsf(y[i]) > 1e-7f)
            sum += y[i] = expf(y[i] - max);
        else
            y[i] *= scale;
    for (int64_t i = 0; i < n; i++)
        y[i] = sum > 0 ? y[i] / sum : 0.5f;
}

void ln_post_transform(float *y, int64_t n, int32_t transform)
{
    if (n < 1)
        return;
    switch (transform) {
    case LN_POST_SOFTMAX:
        softmax(y, n);
        break;
    case LN_POST_LOGISTIC:
        for (int64_t i = 0; i < n; i++)
            y[i] = ln_logistic(y[i]);
        break;
    case LN_POST_SOFTMAX_ZERO:
        softmax_zero(y, n);
        break;
    case LN_POST_PROBIT:
        for (int64_t i = 0; i < n; i++)
            y[i] = probit(y[i]);
        break;
    default:
        break;
    }
}

void ln_post_binary(float *y, float s, int32_t mixed, int32_t transform)
{
    if (transform == LN_POST_LOGISTIC) {
        y[0] = ln_logistic(-s);
        y[1] = ln_logistic(s);
        return;
    }
    y[1] = transform == LN_POST_PROBIT ? probit(s) : s;
    y[0] = mixed ? -y[1] : 1.0f - y[1];
}

linnet_status ln_labels_of(ln_ctx *c, const char *ints, const char *strings, ln_labels *labels)
{
    int64_t n, k;
    ln_attr_ints(c, ints, &n);
    ln_attr_strings(c, strings, &k);
    if ((n > 0) == (k > 0))
        return ln_fail(c, LINNET_ERR_MODEL, "one of %s (%lld) and %s (%lld) must give the labels", ints, (long long)n,
                       strings, (long long)k);
    *labels = (ln_labels){.n = n > 0 ? n : k,
                          .strings = k > 0,
                          .size = k > 0 ? (int32_t)sizeof(linnet_string) : (int32_t)sizeof(int64_t)};
    return LINNET_OK;
}

void ln_labels_pack(ln_ctx *c, const char *ints, const char *strings, const ln_labels *labels, void *to)
{
    int64_t n;
    const void *from =
        labels->strings ? (const void *)ln_attr_strings(c, strings, &n) : (const void *)ln_attr_ints(c, ints, &n);
    memcpy(to, from, (size_t)labels->n * (size_t)labels->size);
}

linnet_status ln_rows_of(ln_ctx *c, const ln_info *x, int64_t *rows, int64_t *features)
{
    *rows = *features = LN_UNKNOWN;
    if (x->rank < 0)
        return LINNET_OK;
    if (x->rank < 1 || x->rank > 2)
        return ln_fail(c, LINNET_ERR_MODEL, "X has rank %d, expected [N, F] or [F]", x->rank);
    *rows = x->rank == 1 ? 1 : x->dims[0];
    *features = x->dims[x->rank - 1];
    return LINNET_OK;
}

linnet_status ln_reals_of(ln_ctx *c, const char *list, const char *tensor, ln_reals *r)
{
    *r = (ln_reals){0};
    if (tensor)
        r->tensor = ln_attr_tensor(c, tensor);
    if (r->tensor) {
        int type = r->tensor->type;
        if (type != LINNET_FLOAT32 && type != LINNET_FLOAT64 && type != LINNET_FLOAT16)
            return ln_fail(c, LINNET_ERR_MODEL, "%s is of %s", tensor, linnet_type_name((linnet_type)type));
        r->n = ln_info_count(r->tensor);
        return LINNET_OK;
    }
    if (list)
        r->floats = ln_attr_floats(c, list, &r->n);
    return LINNET_OK;
}

double ln_real(const ln_reals *r, int64_t i)
{
    if (!r->tensor)
        return (double)r->floats[i];
    if (r->tensor->type == LINNET_FLOAT64)
        return ((const double *)r->tensor->data)[i];
    if (r->tensor->type == LINNET_FLOAT16)
        return (double)ln_f16_to_f32(((const uint16_t *)r->tensor->data)[i]);
    return (double)((const float *)r->tensor->data)[i];
}
