/* SPDX-License-Identifier: Apache-2.0
 *
 * Places regions in one block: in some order, each into the smallest gap that holds it among the regions already placed
 * that live at the same time (best fit). The order is largest first (Pisarchyk and Lee, "Efficient Memory Management
 * for Deep Neural Net Inference", 2020, greedy by size); where that needs more than the fullest step does, the region
 * that sticks out at the top comes first in another try, and so on; then the same from other orders to start with. The
 * best of the tries is taken.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/plan.h"

enum {
    TRIES = 64,
    PAIRS = 1 << 19 /* of regions that are looked at before it takes too long, but for the patient: a millisecond */
};

static bool overlap(const ln_region *a, const ln_region *b)
{
    return a->first <= b->last && b->first <= a->last;
}

/* Orders to start with. */
enum { BY_SIZE, BY_LIFE, BY_AREA, BY_BEGIN, ORDERS };

static bool before(const ln_region *r, int32_t kind, int32_t a, int32_t b)
{
    int32_t la = r[a].last - r[a].first, lb = r[b].last - r[b].first;
    double area_a = (double)r[a].bytes * (la + 1.0), area_b = (double)r[b].bytes * (lb + 1.0);
    if (kind == BY_LIFE && la != lb)
        return la > lb;
    if (kind == BY_AREA && (area_a > area_b || area_a < area_b))
        return area_a > area_b;
    if (kind == BY_BEGIN && r[a].first != r[b].first)
        return r[a].first < r[b].first;
    if (r[a].bytes != r[b].bytes)
        return r[a].bytes > r[b].bytes;
    return la != lb ? la > lb : a < b;
}

/* Heap sort: no recursion, no allocation, the same order everywhere. */
static void sift(const ln_region *r, int32_t kind, int32_t *order, int32_t at, int32_t n)
{
    for (int32_t child; (child = 2 * at + 1) < n; at = child) {
        if (child + 1 < n && before(r, kind, order[child], order[child + 1]))
            child++;
        if (!before(r, kind, order[at], order[child]))
            return;
        int32_t t = order[at];
        order[at] = order[child];
        order[child] = t;
    }
}

static void sort(const ln_region *r, int32_t kind, int32_t *order, int32_t n)
{
    for (int32_t i = 0; i < n; i++)
        order[i] = i;
    for (int32_t i = n / 2; i-- > 0;)
        sift(r, kind, order, i, n);
    for (int32_t last = n; last-- > 1;) {
        int32_t t = order[0];
        order[0] = order[last];
        order[last] = t;
        sift(r, kind, order, 0, last);
    }
}

/* order[0, placed) is kept sorted by offset here. */
static uint64_t best_gap(const ln_region *r, const int32_t *by_offset, int32_t placed, const ln_region *now)
{
    uint64_t end = 0, best = UINT64_MAX, best_size = UINT64_MAX;
    for (int32_t i = 0; i < placed; i++) {
        const ln_region *p = &r[by_offset[i]];
        if (!overlap(p, now))
            continue;
        if (p->offset > end && p->offset - end >= now->bytes && p->offset - end < best_size) {
            best = end;
            best_size = p->offset - end;
        }
        if (p->offset + p->bytes > end)
            end = p->offset + p->bytes;
    }
    return best != UINT64_MAX ? best : end;
}

/* Places all in the order; by_offset: scratch for n. */
static uint64_t place(ln_region *regions, int32_t n, const int32_t *sorted, int32_t *by_offset)
{
    uint64_t total = 0;
    for (int32_t i = 0; i < n; i++) {
        ln_region *now = &regions[sorted[i]];
        now->offset = best_gap(regions, by_offset, i, now);
        if (now->offset + now->bytes > total)
            total = now->offset + now->bytes;
        int32_t at = i;
        for (; at > 0 && regions[by_offset[at - 1]].offset > now->offset; at--)
            by_offset[at] = by_offset[at - 1];
        by_offset[at] = sorted[i];
    }
    return total;
}

/* To the front of the order: the last of those that end where the block does. */
static void promote(const ln_region *regions, int32_t n, int32_t *sorted, uint64_t total)
{
    for (int32_t i = n - 1; i > 0; i--) {
        int32_t top = sorted[i];
        if (regions[top].offset + regions[top].bytes != total)
            continue;
        memmove(sorted + 1, sorted, (size_t)i * sizeof *sorted);
        sorted[0] = top;
        return;
    }
}

uint64_t ln_memplan(ln_region *regions, int32_t n, int32_t *order, uint32_t align, bool patient)
{
    int32_t *sorted = order, *by_offset = order + n, *best_order = order + 2 * n, last = 0;
    for (int32_t i = 0; i < n; i++) {
        regions[i].bytes = (regions[i].bytes + align - 1) / align * align;
        last = regions[i].last > last ? regions[i].last : last;
    }
    sort(regions, BY_SIZE, sorted, n);
    uint64_t total = place(regions, n, sorted, by_offset), best = total;
    int64_t pairs = (int64_t)n * n / 2, tries = patient || !pairs ? ORDERS * TRIES : PAIRS / pairs;
    uint64_t bound = best && tries ? ln_memplan_bound(regions, n, last + 1) : best;
    if (best <= bound)
        return best;
    memcpy(best_order, sorted, (size_t)n * sizeof *sorted);
    for (int32_t try = 0; try < ORDERS * TRIES && try < tries && best > bound; try++) {
        if (try % TRIES == 0)
            sort(regions, try / TRIES, sorted, n);
        else
            promote(regions, n, sorted, total);
        total = place(regions, n, sorted, by_offset);
        if (total < best) {
            best = total;
            memcpy(best_order, sorted, (size_t)n * sizeof *sorted);
        }
    }
    return total == best ? best : place(regions, n, best_order, by_offset);
}

uint64_t ln_memplan_bound(const ln_region *regions, int32_t n, int32_t n_steps)
{
    uint64_t most = 0;
    for (int32_t s = 0; s < n_steps; s++) {
        uint64_t live = 0;
        for (int32_t i = 0; i < n; i++)
            if (regions[i].first <= s && s <= regions[i].last)
                live += regions[i].bytes;
        if (live > most)
            most = live;
    }
    return most;
}
