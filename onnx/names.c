/* SPDX-License-Identifier: Apache-2.0
 *
 * A map from names to ids by open addressing, at most half full. It never forgets a name; its memory is the arena's.
 */
#include <string.h>

#include "onnx/import.h"

/* FNV-1a. Where the arena lies is no secret worth keeping, but enough that a file cannot aim at one slot. */
static uint32_t hash(const ln_names *names, const char *name)
{
    uint32_t h = 2166136261u ^ (uint32_t)((uintptr_t)names->arena >> 4) * 2654435761u;
    for (; *name; name++)
        h = (h ^ (uint8_t)*name) * 16777619u;
    return h ^ h >> 16;
}

static ln_name *slot_of(const ln_names *names, const char *name, uint32_t h)
{
    uint32_t mask = (uint32_t)names->cap - 1;
    for (uint32_t at = h & mask;; at = (at + 1) & mask) {
        ln_name *slot = &names->slots[at];
        if (!slot->name || (slot->hash == h && strcmp(slot->name, name) == 0))
            return slot;
    }
}

bool ln_names_find(const ln_names *names, const char *name, int32_t *id)
{
    if (names->n == 0)
        return false;
    const ln_name *slot = slot_of(names, name, hash(names, name));
    if (slot->name)
        *id = slot->id;
    return slot->name != NULL;
}

static bool grow(ln_names *names, int32_t cap)
{
    ln_names larger = *names;
    larger.cap = cap;
    larger.slots = ln_arena_array(names->arena, larger.cap, sizeof *larger.slots);
    if (!larger.slots)
        return false;
    for (int32_t i = 0; i < names->cap; i++)
        if (names->slots[i].name)
            *slot_of(&larger, names->slots[i].name, names->slots[i].hash) = names->slots[i];
    *names = larger;
    return true;
}

bool ln_names_expect(ln_names *names, int64_t n)
{
    int32_t cap = 32;
    while (cap / 2 < n && cap <= INT32_MAX / 2)
        cap *= 2;
    return cap <= names->cap || grow(names, cap);
}

bool ln_names_add(ln_names *names, const char *name, int32_t id)
{
    if (names->n >= names->cap / 2 && (names->cap > INT32_MAX / 2 || !ln_names_expect(names, (int64_t)names->n + 1)))
        return false;
    uint32_t h = hash(names, name);
    *slot_of(names, name, h) = (ln_name){.name = name, .hash = h, .id = id};
    names->n++;
    return true;
}
