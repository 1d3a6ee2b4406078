/* SPDX-License-Identifier: Apache-2.0
 *
 * Tables of keys, see keytable.h.
 */
#include "ops/keytable.h"

#include <stdlib.h>
#include <string.h>

#include "kernels/half.h"

int ln_string_compare(linnet_string a, linnet_string b)
{
    size_t n = a.size < b.size ? a.size : b.size;
    int order = n ? memcmp(a.data, b.data, n) : 0;
    return order ? order : (a.size > b.size) - (a.size < b.size);
}

static int compare_ints(const void *pa, const void *pb)
{
    const ln_int_key *a = pa, *b = pb;
    if (a->key != b->key)
        return a->key < b->key ? -1 : 1;
    return (a->index > b->index) - (a->index < b->index);
}

static int compare_strings(const void *pa, const void *pb)
{
    const ln_string_key *a = pa, *b = pb;
    int order = ln_string_compare(a->key, b->key);
    return order ? order : (a->index > b->index) - (a->index < b->index);
}

int64_t ln_int_keys_sort(ln_int_key *table, int64_t n)
{
    if (n < 2)
        return n;
    qsort(table, (size_t)n, sizeof *table, compare_ints);
    int64_t kept = 0;
    for (int64_t i = 0; i < n; i++)
        if (i + 1 == n || table[i].key != table[i + 1].key)
            table[kept++] = table[i];
    return kept;
}

int64_t ln_string_keys_sort(ln_string_key *table, int64_t n)
{
    if (n < 2)
        return n;
    qsort(table, (size_t)n, sizeof *table, compare_strings);
    int64_t kept = 0;
    for (int64_t i = 0; i < n; i++)
        if (i + 1 == n || ln_string_compare(table[i].key, table[i + 1].key) != 0)
            table[kept++] = table[i];
    return kept;
}

int64_t ln_int_keys_find(const ln_int_key *table, int64_t n, int64_t key)
{
    int64_t low = 0, high = n;
    while (low < high) {
        int64_t mid = low + (high - low) / 2;
        if (table[mid].key < key)
            low = mid + 1;
        else
            high = mid;
    }
    return low < n && table[low].key == key ? table[low].index : -1;
}

int64_t ln_string_keys_find(const ln_string_key *table, int64_t n, linnet_string key)
{
    int64_t low = 0, high = n;
    while (low < high) {
        int64_t mid = low + (high - low) / 2;
        if (ln_string_compare(table[mid].key, key) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return low < n && ln_string_compare(table[low].key, key) == 0 ? table[low].index : -1;
}

int64_t ln_int_key_of_real(double x)
{
    int64_t bits;
    if (x != x)
        return INT64_MAX;
    x = x == 0 ? 0 : x;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

int64_t ln_int_key_of(const void *data, int type, int64_t i)
{
    switch (type) {
    case LINNET_FLOAT32:
        return ln_int_key_of_real((double)((const float *)data)[i]);
    case LINNET_FLOAT64:
        return ln_int_key_of_real(((const double *)data)[i]);
    case LINNET_FLOAT16:
        return ln_int_key_of_real((double)ln_f16_to_f32(((const uint16_t *)data)[i]));
    case LINNET_INT64:
    case LINNET_UINT64:
        return ((const int64_t *)data)[i];
    case LINNET_INT32:
        return ((const int32_t *)data)[i];
    case LINNET_UINT32:
        return ((const uint32_t *)data)[i];
    case LINNET_INT16:
        return ((const int16_t *)data)[i];
    case LINNET_UINT16:
        return ((const uint16_t *)data)[i];
    case LINNET_INT8:
        return ((const int8_t *)data)[i];
    default:
        return ((const uint8_t *)data)[i];
    }
}
