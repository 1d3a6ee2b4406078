/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading an unchecked flatbuffer. Offsets are 32 bits, little endian, relative to where they stand; a table begins
 * with the signed distance back to its vtable, which says at which byte of the table each field lies.
 */
#include "tools/tflite/flat.h"

#include <string.h>

static bool inside(ln_flat *f, uint64_t at, uint64_t bytes)
{
    if (at <= f->size && bytes <= f->size - at)
        return true;
    f->broken = true;
    return false;
}

static uint64_t little(const uint8_t *p, int bytes)
{
    uint64_t x = 0;
    for (int i = bytes; i-- > 0;)
        x = x << 8 | p[i];
    return x;
}

static int64_t signed_little(const uint8_t *p, int bytes)
{
    uint64_t x = little(p, bytes), sign = UINT64_C(1) << (8 * bytes - 1);
    x = (x ^ sign) - sign;
    int64_t result;
    memcpy(&result, &x, sizeof result);
    return result;
}

/* Where the offset at `at` points; 0: outside, or pointing at itself. */
static uint32_t follow(ln_flat *f, uint64_t at)
{
    if (!inside(f, at, 4))
        return 0;
    uint64_t to = at + little(f->data + at, 4);
    if (to == at || to > UINT32_MAX || !inside(f, to, 4)) {
        f->broken = true;
        return 0;
    }
    return (uint32_t)to;
}

static ln_flat_table table_at(ln_flat *f, uint32_t at)
{
    ln_flat_table none = {0};
    if (!at || !inside(f, at, 4))
        return none;
    int64_t vtable = (int64_t)at - signed_little(f->data + at, 4);
    if (vtable < 0 || vtable > UINT32_MAX || !inside(f, (uint64_t)vtable, 4)) {
        f->broken = true;
        return none;
    }
    ln_flat_table t = {.at = at,
                       .vtable = (uint32_t)vtable,
                       .vtable_bytes = (uint16_t)little(f->data + vtable, 2),
                       .bytes = (uint16_t)little(f->data + vtable + 2, 2)};
    if (t.vtable_bytes < 4 || !inside(f, t.vtable, t.vtable_bytes) || !inside(f, at, t.bytes)) {
        f->broken = true;
        return none;
    }
    return t;
}

ln_flat_table ln_flat_root(ln_flat *f)
{
    return table_at(f, follow(f, 0));
}

/* The offset of a field of so many bytes; 0: absent. */
static uint32_t field(ln_flat *f, const ln_flat_table *t, int slot, int bytes)
{
    int at = 4 + 2 * slot;
    if (!t->at || at + 2 > t->vtable_bytes)
        return 0;
    uint32_t offset = (uint32_t)little(f->data + t->vtable + at, 2);
    if (!offset)
        return 0;
    if (offset < 4 || offset + (uint32_t)bytes > t->bytes) {
        f->broken = true;
        return 0;
    }
    return t->at + offset;
}

bool ln_flat_has(const ln_flat *f, const ln_flat_table *t, int slot)
{
    int at = 4 + 2 * slot;
    return t->at && at + 2 <= t->vtable_bytes && little(f->data + t->vtable + at, 2) != 0;
}

ln_flat_table ln_flat_sub(ln_flat *f, const ln_flat_table *t, int slot)
{
    uint32_t at = field(f, t, slot, 4);
    return table_at(f, at ? follow(f, at) : 0);
}

ln_flat_vector ln_flat_list(ln_flat *f, const ln_flat_table *t, int slot, size_t item_bytes)
{
    uint32_t at = field(f, t, slot, 4), to = at ? follow(f, at) : 0;
    if (!to)
        return (ln_flat_vector){0};
    ln_flat_vector v = {.at = to + 4, .n = (uint32_t)little(f->data + to, 4)};
    return inside(f, v.at, (uint64_t)v.n * item_bytes) ? v : (ln_flat_vector){0};
}

ln_flat_table ln_flat_item(ln_flat *f, ln_flat_vector v, uint32_t i)
{
    if (i >= v.n) {
        f->broken = true;
        return (ln_flat_table){0};
    }
    return table_at(f, follow(f, v.at + (uint64_t)i * 4));
}

ln_flat_vector ln_flat_text(ln_flat *f, const ln_flat_table *t, int slot)
{
    return ln_flat_list(f, t, slot, 1);
}

int64_t ln_flat_int(ln_flat *f, const ln_flat_table *t, int slot, int bytes, int64_t absent)
{
    uint32_t at = field(f, t, slot, bytes);
    return at ? signed_little(f->data + at, bytes) : absent;
}

static float to_float(const uint8_t *p)
{
    uint32_t bits = (uint32_t)little(p, 4);
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

float ln_flat_float(ln_flat *f, const ln_flat_table *t, int slot, float absent)
{
    uint32_t at = field(f, t, slot, 4);
    return at ? to_float(f->data + at) : absent;
}

int64_t ln_flat_at(const ln_flat *f, ln_flat_vector v, uint32_t i, int bytes)
{
    return i < v.n ? signed_little(f->data + v.at + (size_t)i * (size_t)bytes, bytes) : 0;
}

float ln_flat_float_at(const ln_flat *f, ln_flat_vector v, uint32_t i)
{
    return i < v.n ? to_float(f->data + v.at + (size_t)i * 4) : 0;
}
