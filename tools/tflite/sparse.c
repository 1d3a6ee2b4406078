/* SPDX-License-Identifier: Apache-2.0
 *
 * Sparse constants as dense ones. A sparse tensor is a tree of levels, a level for each dimension in an order of its
 * own and then one for each dimension inside of blocks; a level is dense (every index) or lists the indices of each
 * node of the level above (compressed rows).
 *
 * Specification: SparsityParameters in schema.fbs
 */
#include <string.h>

#include "tools/tflite/operators.h"

enum { SPARSITY_ORDER, SPARSITY_BLOCK_MAP, SPARSITY_LEVELS };
enum { LEVEL_FORMAT, LEVEL_SIZE, LEVEL_SEGMENTS_TYPE, LEVEL_SEGMENTS, LEVEL_INDICES_TYPE, LEVEL_INDICES };
enum { MOST_LEVELS = 2 * LINNET_MAX_RANK };

typedef struct level {
    bool listed;
    int64_t size; /* dense: indices 0 .. size - 1 */
    ln_flat_vector segments, indices;
    int segments_bytes, indices_bytes;
    int64_t step; /* of the dense tensor, in elements, for one more of the index */
} level;

typedef struct sparse {
    ln_flat *f;
    level levels[MOST_LEVELS];
    int32_t n;
    const uint8_t *from;
    uint8_t *to;
    size_t size;                /* bytes of an element */
    int64_t next, n_from, n_to; /* elements */
    bool bad;
} sparse;

/* A vector of 4-, 2- or 1-byte integers, as the union's type says. */
static ln_flat_vector integers(ln_flat *f, const ln_flat_table *t, int type_slot, int slot, int *bytes)
{
    static const int sizes[] = {0, 4, 2, 1};
    int64_t type = ln_flat_int(f, t, type_slot, 1, 0);
    *bytes = type >= 1 && type <= 3 ? sizes[type] : 4;
    ln_flat_table vector = ln_flat_sub(f, t, slot);
    return ln_flat_list(f, &vector, 0, (size_t)*bytes);
}

/* Unsigned for the narrow ones. */
static int64_t at(const sparse *s, ln_flat_vector v, int64_t i, int bytes)
{
    int64_t x = ln_flat_at(s->f, v, (uint32_t)i, bytes);
    return bytes == 4 || x >= 0 ? x : x + ((int64_t)1 << 8 * bytes);
}

/* The part of the tree below node number `node` of the level before; its elements lie in the file in this order. */
static void walk(sparse *s, int32_t depth, int64_t node, int64_t offset)
{
    if (depth == s->n) {
        if (s->next >= s->n_from || offset >= s->n_to)
            s->bad = true;
        else
            memcpy(s->to + (size_t)offset * s->size, s->from + (size_t)s->next++ * s->size, s->size);
        return;
    }
    const level *l = &s->levels[depth];
    int64_t begin = node * l->size, end = begin + l->size;
    if (l->listed) {
        begin = at(s, l->segments, node, l->segments_bytes);
        end = at(s, l->segments, node + 1, l->segments_bytes);
        if (node + 1 >= l->segments.n || begin < 0 || end < begin || end > l->indices.n)
            s->bad = true;
    }
    for (int64_t i = begin; i < end && !s->bad; i++) {
        int64_t index = l->listed ? at(s, l->indices, i, l->indices_bytes) : i - begin;
        if (index < 0 || index >= l->size)
            s->bad = true;
        else
            walk(s, depth + 1, i, offset + index * l->step);
    }
}

/* Sizes and steps of the levels, of the tensor's shape and the blocks in it. */
static bool read_levels(sparse *s, const ln_tfl_tensor *t)
{
    ln_flat_table table = ln_flat_sub(s->f, &t->table, TENSOR_SPARSITY);
    ln_flat_vector order = ln_flat_list(s->f, &table, SPARSITY_ORDER, 4);
    ln_flat_vector map = ln_flat_list(s->f, &table, SPARSITY_BLOCK_MAP, 4);
    ln_flat_vector levels = ln_flat_list(s->f, &table, SPARSITY_LEVELS, 4);
    int64_t step[LINNET_MAX_RANK], block[LINNET_MAX_RANK], outer[LINNET_MAX_RANK], inner[LINNET_MAX_RANK], count = 1;
    if (levels.n > MOST_LEVELS || order.n != levels.n || levels.n != (uint32_t)t->rank + map.n ||
        map.n > (uint32_t)t->rank)
        return false;
    for (int32_t d = t->rank; d-- > 0; count *= t->dims[d])
        step[d] = count, block[d] = 1, outer[d] = inner[d] = -1;
    s->n = (int32_t)levels.n;
    for (int32_t i = 0; i < s->n; i++) {
        ln_flat_table l = ln_flat_item(s->f, levels, (uint32_t)i);
        level *to = &s->levels[i];
        to->listed = ln_flat_int(s->f, &l, LEVEL_FORMAT, 1, 0) != 0;
        to->size = ln_flat_int(s->f, &l, LEVEL_SIZE, 4, 0);
        to->segments = integers(s->f, &l, LEVEL_SEGMENTS_TYPE, LEVEL_SEGMENTS, &to->segments_bytes);
        to->indices = integers(s->f, &l, LEVEL_INDICES_TYPE, LEVEL_INDICES, &to->indices_bytes);
        int64_t which = ln_flat_at(s->f, order, (uint32_t)i, 4), d = which - t->rank;
        if (which < 0 || d >= map.n)
            return false;
        int64_t *level_of = d < 0 ? &outer[which] : &inner[ln_flat_at(s->f, map, (uint32_t)d, 4) % LINNET_MAX_RANK];
        if (d >= 0 && (ln_flat_at(s->f, map, (uint32_t)d, 4) < 0 || ln_flat_at(s->f, map, (uint32_t)d, 4) >= t->rank))
            return false;
        if (*level_of >= 0)
            return false;
        *level_of = i;
    }
    for (int32_t d = 0; d < t->rank; d++) {
        if (outer[d] < 0)
            return false;
        if (inner[d] >= 0)
            block[d] = s->levels[inner[d]].size, s->levels[inner[d]].step = step[d];
        level *l = &s->levels[outer[d]];
        if (block[d] < 1 || block[d] > t->dims[d] || t->dims[d] % block[d] ||
            (!l->listed && l->size != t->dims[d] / block[d]))
            return false;
        l->size = t->dims[d] / block[d];
        l->step = step[d] * block[d];
    }
    return !s->f->broken;
}

const void *ln_tfl_dense(ln_tfl_op *o, const ln_tfl_tensor *t)
{
    enum { LARGEST = 1 << 28 };
    int64_t n = ln_tfl_count(t);
    sparse s = {.f = &o->c->file.flat, .from = t->data, .size = linnet_type_size(t->type), .n_to = n};
    bool whole = t->type != LINNET_INT4 && t->type != LINNET_UINT4 && t->type != LINNET_STRING && s.size && !t->complex;
    if (!whole || n < 1 || n > LARGEST || !read_levels(&s, t)) {
        ln_tfl_fail(o, LINNET_ERR_MODEL, "the sparse tensor '%.100s' is damaged, or too large", t->name);
        return NULL;
    }
    s.n_from = (int64_t)(t->bytes / s.size);
    s.to = ln_arena_zalloc(o->c->arena, (size_t)n * s.size, 64);
    if (!s.to) {
        ln_tfl_no_memory(o);
        return NULL;
    }
    if (ln_tfl_quantised(t)) /* what is not listed is the number 0 */
        for (int64_t i = 0, zero = ln_tfl_zero(o, t, 0); i < n; i++)
            memcpy(s.to + (size_t)i * s.size, &zero, s.size);
    walk(&s, 0, 0, 0);
    if (s.bad)
        ln_tfl_fail(o, LINNET_ERR_MODEL, "the indices of the sparse tensor '%.100s' leave it", t->name);
    return s.bad ? NULL : s.to;
}

/* Constants are dense already. */
void ln_tfl_densify(ln_tfl_op *o)
{
    ln_tfl_set_stored(o, 0, ln_tfl_stored(o, 0));
}
