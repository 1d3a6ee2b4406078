/* SPDX-License-Identifier: Apache-2.0
 *
 * A FlexBuffer ends with its root: the value, a byte of its type, a byte of its width. Offsets point back. A map is a
 * vector of values with, before its count, an offset to the vector of its keys and the width of that; behind the values
 * stands a byte of type for each.
 */
#include "tools/tflite/flex.h"

#include <string.h>

enum { FLEX_INT = 1, FLEX_UINT = 2, FLEX_FLOAT = 3, FLEX_INDIRECT_INT = 6, FLEX_MAP = 9, FLEX_BOOL = 26 };
enum { FLEX_INDIRECT_FLOAT = FLEX_INDIRECT_INT + 2 };

typedef struct flex {
    const uint8_t *data;
    size_t size;
} flex;

/* `width` bytes at `at`. False: outside, or no width. */
static bool word(const flex *f, size_t at, size_t width, uint64_t *value)
{
    if ((width != 1 && width != 2 && width != 4 && width != 8) || at > f->size || width > f->size - at)
        return false;
    *value = 0;
    for (size_t i = width; i-- > 0;)
        *value = *value << 8 | f->data[at + i];
    return true;
}

/* Where the offset at `at` points back to. */
static bool back(const flex *f, size_t at, size_t width, size_t *to)
{
    uint64_t by;
    if (!word(f, at, width, &by) || by == 0 || by > at)
        return false;
    *to = at - (size_t)by;
    return true;
}

static bool key_is(const flex *f, size_t at, const char *key)
{
    size_t n = strlen(key) + 1;
    return at <= f->size && n <= f->size - at && memcmp(f->data + at, key, n) == 0;
}

static bool number(const flex *f, size_t at, size_t width, uint8_t packed, double *value)
{
    uint64_t bits;
    int type = packed >> 2;
    size_t own = (size_t)1 << (packed & 3);
    if (type >= FLEX_INDIRECT_INT && type <= FLEX_INDIRECT_FLOAT) { /* elsewhere, with a width of its own */
        if (!back(f, at, width, &at))
            return false;
        width = own;
        type -= FLEX_INDIRECT_INT - FLEX_INT;
    }
    if (!word(f, at, width, &bits))
        return false;
    if (type == FLEX_INT) {
        uint64_t sign = UINT64_C(1) << (8 * width - 1);
        *value = bits & sign ? -(double)(sign - (bits & (sign - 1))) : (double)bits;
    } else if (type == FLEX_FLOAT && width == 4) {
        uint32_t narrow = (uint32_t)bits;
        float x;
        memcpy(&x, &narrow, sizeof x);
        *value = (double)x;
    } else if (type == FLEX_FLOAT && width == 8) {
        memcpy(value, &bits, sizeof *value);
    } else if (type == FLEX_UINT || type == FLEX_BOOL) {
        *value = (double)bits;
    } else {
        return false;
    }
    return true;
}

bool ln_flex_float(const uint8_t *data, size_t size, const char *key, double *value)
{
    flex f = {data, size};
    size_t map, keys;
    uint64_t n, n_keys, key_width;
    if (size < 3 || data[size - 2] >> 2 != FLEX_MAP)
        return false;
    size_t root = data[size - 1], width = (size_t)1 << (data[size - 2] & 3);
    if (root > size - 2 || !back(&f, size - 2 - root, root, &map) || map < 3 * width ||
        !word(&f, map - width, width, &n) || !word(&f, map - 2 * width, width, &key_width) ||
        !back(&f, map - 3 * width, width, &keys) || key_width > 8 || keys < key_width ||
        !word(&f, keys - (size_t)key_width, (size_t)key_width, &n_keys) || n_keys != n || n > size)
        return false;
    for (size_t i = 0; i < n; i++) {
        size_t at;
        uint64_t type = map + n * width + i; /* more than a size_t where that is small */
        if (!back(&f, keys + i * (size_t)key_width, (size_t)key_width, &at) || type >= size)
            return false;
        if (key_is(&f, at, key))
            return number(&f, map + i * width, width, data[type], value);
    }
    return false;
}

bool ln_flex_int(const uint8_t *data, size_t size, const char *key, int64_t *value)
{
    double x;
    if (!ln_flex_float(data, size, key, &x) || !(x > -0x1p62 && x < 0x1p62))
        return false;
    *value = (int64_t)x;
    return true;
}
