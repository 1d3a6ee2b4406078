/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of operators, from the descriptors that Make found in ops/, and the search in it. A hash index is filled
 * at the first search; its slots are atomic and every thread that fills it writes the same numbers.
 */
#include "engine/graph.h"

#include <stdatomic.h>
#include <string.h>

#ifndef LN_OPS_INC
#define LN_OPS_INC "ops.inc" /* the host's library has another */
#endif

#define LN_ROW(name) extern const ln_op ln_op_##name;
#include LN_OPS_INC
#undef LN_ROW

#define LN_ROW(name) &ln_op_##name,
const ln_op *const ln_ops[] = {
#include LN_OPS_INC
    NULL};
#undef LN_ROW

enum { COUNT = sizeof ln_ops / sizeof ln_ops[0] - 1, SLOTS = 2048 };
_Static_assert(COUNT < SLOTS / 2, "the index of operators is too small");

const int32_t ln_ops_count = COUNT;

static _Atomic int16_t slots[SLOTS]; /* 1 + index in ln_ops; 0: free */
static atomic_bool filled;

static uint32_t hash(const char *domain, const char *type)
{
    uint32_t h = 2166136261u; /* FNV-1a */
    for (const char *p = type; *p; p++)
        h = (h ^ (uint8_t)*p) * 16777619u;
    for (const char *p = domain; *p; p++)
        h = (h ^ (uint8_t)*p) * 16777619u;
    return (h ^ h >> 15) & (SLOTS - 1);
}

static void fill(void)
{
    int16_t made[SLOTS] = {0};
    for (int16_t i = 0; i < COUNT; i++) {
        uint32_t at = hash(ln_ops[i]->domain, ln_ops[i]->type);
        while (made[at])
            at = (at + 1) & (SLOTS - 1);
        made[at] = (int16_t)(i + 1);
    }
    for (int32_t i = 0; i < SLOTS; i++)
        atomic_store_explicit(&slots[i], made[i], memory_order_relaxed);
    atomic_store_explicit(&filled, true, memory_order_release);
}

const ln_op *ln_op_find(const char *domain, const char *type)
{
    if (!domain || strcmp(domain, "ai.onnx") == 0)
        domain = "";
    if (!atomic_load_explicit(&filled, memory_order_acquire))
        fill();
    for (uint32_t at = hash(domain, type);; at = (at + 1) & (SLOTS - 1)) {
        int16_t i = atomic_load_explicit(&slots[at], memory_order_relaxed);
        if (i == 0)
            return NULL;
        const ln_op *op = ln_ops[i - 1];
        if (strcmp(op->type, type) == 0 && strcmp(op->domain, domain) == 0)
            return op;
    }
}

int32_t ln_op_version(const ln_op *op, int64_t opset)
{
    int32_t version = 0;
    for (size_t i = 0; i < sizeof op->since / sizeof op->since[0] && op->since[i] > 0 && op->since[i] <= opset; i++)
        version = op->since[i];
    return version;
}

int64_t ln_domain_newest(const char *domain)
{
    static const struct {
        const char *domain;
        int64_t newest;
    } known[] = {{"", 28},
                 {"ai.onnx", 28},
                 {"ai.onnx.ml", 5},
                 {"com.microsoft", 1},
                 {"ai.onnx.preview", 1},
                 {"ai.onnx.preview.training", 1},
                 {"ai.linnet", 1}};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (strcmp(known[i].domain, domain) == 0)
            return known[i].newest;
    return 0;
}
