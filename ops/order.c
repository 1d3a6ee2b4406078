/* SPDX-License-Identifier: Apache-2.0
 *
 * See order.h.
 */
#include "ops/order.h"

#include <string.h>

#include "kernels/half.h"

static uint64_t key_double(double x)
{
    uint64_t u;
    if (x != x)
        return UINT64_MAX;
    x += 0.0; /* -0 is 0 */
    memcpy(&u, &x, sizeof u);
    return u >> 63 ? ~u : u | UINT64_C(1) << 63;
}

static uint64_t key_float(float x)
{
    if (x != x)
        return UINT32_MAX;
    uint32_t u = ln_float_bits(x + 0.0f);
    return u >> 31 ? ~u & UINT32_MAX : u | UINT32_C(1) << 31;
}

static uint64_t key_int(int64_t x)
{
    return (uint64_t)x ^ UINT64_C(1) << 63;
}

static uint64_t key_f32(const void *x)
{
    return key_float(*(const float *)x);
}
static uint64_t key_f64(const void *x)
{
    return key_double(*(const double *)x);
}
static uint64_t key_f16(const void *x)
{
    return key_float(ln_f16_to_f32(*(const uint16_t *)x));
}
static uint64_t key_bf16(const void *x)
{
    return key_float(ln_bf16_to_f32(*(const uint16_t *)x));
}
static uint64_t key_i8(const void *x)
{
    return key_int(*(const int8_t *)x);
}
static uint64_t key_i16(const void *x)
{
    return key_int(*(const int16_t *)x);
}
static uint64_t key_i32(const void *x)
{
    return key_int(*(const int32_t *)x);
}
static uint64_t key_i64(const void *x)
{
    return key_int(*(const int64_t *)x);
}
static uint64_t key_u8(const void *x)
{
    return *(const uint8_t *)x;
}
static uint64_t key_u16(const void *x)
{
    return *(const uint16_t *)x;
}
static uint64_t key_u32(const void *x)
{
    return *(const uint32_t *)x;
}
static uint64_t key_u64(const void *x)
{
    return *(const uint64_t *)x;
}

ln_key_fn *ln_key_of(int type)
{
    static ln_key_fn *const keys[LINNET_TYPE_COUNT] = {
        [LINNET_FLOAT32] = key_f32,   [LINNET_FLOAT64] = key_f64, [LINNET_FLOAT16] = key_f16,
        [LINNET_BFLOAT16] = key_bf16, [LINNET_INT8] = key_i8,     [LINNET_INT16] = key_i16,
        [LINNET_INT32] = key_i32,     [LINNET_INT64] = key_i64,   [LINNET_UINT8] = key_u8,
        [LINNET_UINT16] = key_u16,    [LINNET_UINT32] = key_u32,  [LINNET_UINT64] = key_u64,
        [LINNET_BOOL] = key_u8,       [LINNET_INT4] = key_i8,     [LINNET_INT2] = key_i8,
        [LINNET_UINT4] = key_u8,      [LINNET_UINT2] = key_u8};
    return type > 0 && type < LINNET_TYPE_COUNT ? keys[type] : NULL;
}

static int order(uint64_t a, uint64_t b)
{
    return a < b ? -1 : a > b;
}

int ln_order(const void *a, const void *b, int type)
{
    ln_key_fn *key = ln_key_of(type);
    if (key)
        return order(key(a), key(b));
    switch (type) {
    case LINNET_STRING: {
        const linnet_string *s = a, *t = b;
        size_t n = s->size < t->size ? s->size : t->size;
        int by_bytes = n ? memcmp(s->data, t->data, n) : 0;
        return by_bytes ? by_bytes : order(s->size, t->size);
    }
    case LINNET_COMPLEX64: {
        const float *x = a, *y = b;
        int by_real = order(key_float(x[0]), key_float(y[0]));
        return by_real ? by_real : order(key_float(x[1]), key_float(y[1]));
    }
    case LINNET_COMPLEX128: {
        const double *x = a, *y = b;
        int by_real = order(key_double(x[0]), key_double(y[0]));
        return by_real ? by_real : order(key_double(x[1]), key_double(y[1]));
    }
    default:
        return memcmp(a, b, linnet_type_size((linnet_type)type));
    }
}

/* Merges [lo, mid) and [mid, hi) of from into to. */
static void merge(int64_t *to, const int64_t *from, int64_t lo, int64_t mid, int64_t hi, ln_less_fn *less,
                  const void *context)
{
    int64_t a = lo, b = mid;
    for (int64_t i = lo; i < hi; i++)
        to[i] = b >= hi || (a < mid && !less(context, from[b], from[a])) ? from[a++] : from[b++];
}

void ln_sort_indices(int64_t *indices, int64_t *temp, int64_t n, ln_less_fn *less, const void *context)
{
    int64_t *from = indices, *to = temp;
    for (int64_t width = 1; width < n; width *= 2) {
        for (int64_t lo = 0; lo < n; lo += 2 * width) {
            int64_t mid = lo + width < n ? lo + width : n, hi = lo + 2 * width < n ? lo + 2 * width : n;
            merge(to, from, lo, mid, hi, less, context);
        }
        int64_t *swap = from;
        from = to;
        to = swap;
    }
    if (from != indices)
        memcpy(indices, from, (size_t)n * sizeof *indices);
}
