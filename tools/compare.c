/* SPDX-License-Identifier: Apache-2.0
 *
 * Comparison of a result with what is expected, by the rules of ONNX's backend test runner: numpy.allclose, exact type
 * and shape, bfloat16 with at least two units in the last place.
 */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "tools/conformance.h"

typedef struct worst {
    int64_t count, first;
    double error;
} worst;

static bool close_numbers(double a, double b, double rtol, double atol)
{
    if (isnan(a) || isnan(b))
        return isnan(a) && isnan(b);
    return a == b || fabs(a - b) <= atol + rtol * fabs(b);
}

static bool close_complex(const linnet_value *got, const linnet_value *want, int64_t i, double rtol, double atol)
{
    double a[2], b[2];
    for (int k = 0; k < 2; k++) {
        bool wide = got->type == LINNET_COMPLEX128;
        a[k] = wide ? ((const double *)got->data)[2 * i + k] : (double)((const float *)got->data)[2 * i + k];
        b[k] = wide ? ((const double *)want->data)[2 * i + k] : (double)((const float *)want->data)[2 * i + k];
    }
    if (isnan(a[0] + a[1]) || isnan(b[0] + b[1]))
        return isnan(a[0] + a[1]) && isnan(b[0] + b[1]);
    return (a[0] == b[0] && a[1] == b[1]) || hypot(a[0] - b[0], a[1] - b[1]) <= atol + rtol * hypot(b[0], b[1]);
}

static bool close_element(const linnet_value *got, const linnet_value *want, int64_t i, double rtol, double atol)
{
    if (want->type == LINNET_STRING) {
        const linnet_string *a = (const linnet_string *)got->data + i, *b = (const linnet_string *)want->data + i;
        return a->size == b->size && (!a->size || !memcmp(a->data, b->data, a->size));
    }
    if (want->type == LINNET_COMPLEX64 || want->type == LINNET_COMPLEX128)
        return close_complex(got, want, i, rtol, atol);
    if ((want->type == LINNET_INT64 || want->type == LINNET_UINT64) &&
        ((const int64_t *)got->data)[i] == ((const int64_t *)want->data)[i])
        return true;
    return close_numbers(ln_element(got, i), ln_element(want, i), rtol, atol);
}

static void element_text(const linnet_value *v, int64_t i, char *buf, size_t size)
{
    const linnet_string *s = v->data;
    if (v->type == LINNET_STRING)
        snprintf(buf, size, "\"%.*s\"", s[i].size > 40 ? 40 : (int)s[i].size, s[i].size ? s[i].data : "");
    else if (v->type == LINNET_INT64)
        snprintf(buf, size, "%" PRId64, ((const int64_t *)v->data)[i]);
    else
        snprintf(buf, size, "%.9g", ln_element(v, i));
}

static bool close_tensors(const linnet_value *got, const linnet_value *want, double rtol, double atol, char *why,
                          size_t size)
{
    worst w = {0, -1, 0};
    int64_t n = linnet_value_count(want);
    if (want->type == LINNET_BFLOAT16 && rtol < 0x1p-6)
        rtol = 0x1p-6;
    for (int64_t i = 0; i < n; i++) {
        if (close_element(got, want, i, rtol, atol))
            continue;
        double error = want->type == LINNET_STRING ? 0 : fabs(ln_element(got, i) - ln_element(want, i));
        w.first = w.count++ ? w.first : i;
        w.error = error > w.error || isnan(error) ? error : w.error;
    }
    if (!w.count)
        return true;
    char a[64], b[64];
    element_text(got, w.first, a, sizeof a);
    element_text(want, w.first, b, sizeof b);
    snprintf(why, size,
             "element %" PRId64 " is %s where %s is expected; %" PRId64 " of %" PRId64 " differ, by up to %.3g",
             w.first, a, b, w.count, n, w.error);
    return false;
}

bool ln_value_close(const linnet_value *got, const linnet_value *want, double rtol, double atol, char *why, size_t size)
{
    char a[128], b[128];
    bool same = got->kind == want->kind;
    if (same && want->kind == LINNET_TENSOR)
        same = got->type == want->type && got->rank == want->rank &&
               (!want->rank || !memcmp(got->dims, want->dims, (size_t)want->rank * sizeof *want->dims));
    else if (same && want->kind != LINNET_NONE)
        same = got->n_items == want->n_items;
    if (!same) {
        snprintf(why, size, "%s where %s is expected", ln_value_text(got, a, sizeof a),
                 ln_value_text(want, b, sizeof b));
        return false;
    }
    if (want->kind == LINNET_TENSOR)
        return close_tensors(got, want, rtol, atol, why, size);
    int64_t n = want->kind == LINNET_MAP ? 2 : want->kind == LINNET_SEQUENCE ? want->n_items : 0;
    for (int64_t i = 0; i < n; i++)
        if (!ln_value_close(&got->items[i], &want->items[i], rtol, atol, a, sizeof a)) {
            snprintf(why, size, "item %" PRId64 ": %s", i, a);
            return false;
        }
    return true;
}
