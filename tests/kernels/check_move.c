/* SPDX-License-Identifier: Apache-2.0
 *
 * Checks of the kernels that move and interpolate: strided copies against a plain loop, pairs, lookups, blends, rows of
 * interpolation, the search for an element beyond a limit.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/move.h"
#include "kernels/resize.h"
#include "tests/kernels/check.h"

/* -- strided copies ------------------------------------------------------------------------------------------------ */

/* Moves a box of a permuted tensor with steps, in parts, and compares element by element. */
static void check_box(const char *tier)
{
    static const size_t sizes[] = {1, 2, 3, 4, 8, 16, 12};
    int32_t rank = (int32_t)check_below(5);
    size_t size = sizes[check_below(7)];
    int64_t dims[5], xs[5], ys[5], span = 1, count = 1;
    int32_t order[5] = {0, 1, 2, 3, 4};
    for (int32_t i = 0; i < rank; i++)
        dims[i] = (int64_t)check_below(i == 1 ? 40 : 9) + (check_below(20) != 0);
    for (int32_t i = rank - 1; i > 0; i--) {
        int32_t k = (int32_t)check_below((size_t)i + 1), t = order[i];
        order[i] = order[k];
        order[k] = t;
    }
    for (int32_t i = rank - 1; i >= 0; i--) {
        int64_t step = check_below(4) ? 1 : 2;
        xs[order[i]] = span * step;
        span *= (dims[order[i]] - 1) * step + 1 > 0 ? (dims[order[i]] - 1) * step + 1 : 1;
        count *= dims[i];
    }
    ln_strides(rank, dims, ys);
    int64_t origin = 0;
    for (int32_t i = 0; i < rank; i++)
        if (!check_below(5) && dims[i]) { /* backwards */
            origin += (dims[i] - 1) * xs[i];
            xs[i] = -xs[i];
        } else if (!check_below(8)) {
            xs[i] = 0;
        }
    char *x = check_guard((size_t)span * size, true), *y = check_guard((size_t)count * size, true);
    check_fill_bytes(x, (size_t)span * size);
    ln_move m;
    ln_move_make(&m, rank, dims, ys, xs, size);
    if (m.way != LN_MOVE_EMPTY)
        m.x_offset = origin * (int64_t)size;
    int64_t cut = m.parts ? (int64_t)check_below((size_t)m.parts + 1) : 0;
    ln_move_run(&m, y, x, cut, m.parts);
    ln_move_run(&m, y, x, 0, cut);
    bool ok = true;
    for (int64_t i = 0; i < count && ok; i++) {
        int64_t rest = i, at = origin;
        for (int32_t d = rank - 1; d >= 0; d--) {
            at += rest % dims[d] * xs[d];
            rest /= dims[d];
        }
        ok = memcmp(y + (size_t)i * size, x + (size_t)at * size, size) == 0;
    }
    check_ok(ok, "%s move rank=%d size=%zu way=%d", tier, (int)rank, size, (int)m.way);
    check_guard_free(x);
    check_guard_free(y);
}

/* -- 32-bit elements ----------------------------------------------------------------------------------------------- */

static void check_pairs(const char *tier, const ln_kernel_table *t, size_t n)
{
    uint32_t *a = check_guard(n * 4, true), *b = check_guard(n * 4, true), *y = check_guard(2 * n * 4, true);
    uint32_t *c = check_guard(n * 4, true), *d = check_guard(n * 4, true);
    bool ok = true;
    check_fill_bytes(a, n * 4);
    check_fill_bytes(b, n * 4);
    t->zip_u32(y, a, b, n);
    for (size_t i = 0; i < n; i++)
        ok = ok && y[2 * i] == a[i] && y[2 * i + 1] == b[i];
    check_ok(ok, "%s zip n=%zu", tier, n);
    t->unzip_u32(c, d, y, n);
    for (size_t i = 0; i < n; i++)
        ok = ok && c[i] == a[i] && d[i] == b[i];
    check_ok(ok, "%s unzip n=%zu", tier, n);
    if (n) { /* the last odd element is not there */
        uint32_t *x = check_guard((2 * n - 1) * 4, true);
        memcpy(x, y, (2 * n - 1) * 4);
        t->unzip_u32(c, NULL, x, n);
        check_ok(memcmp(c, a, n * 4) == 0, "%s unzip of the even ones n=%zu", tier, n);
        check_guard_free(x);
    }
    check_guard_free(a);
    check_guard_free(b);
    check_guard_free(y);
    check_guard_free(c);
    check_guard_free(d);
}

/* Indices that grow, as for an enlargement, or any. */
static void fill_indices(int32_t *index, size_t n, size_t n_x, bool any)
{
    for (size_t i = 0; i < n; i++)
        index[i] = (int32_t)(any ? check_below(n_x) : i * n_x / n);
}

static void check_lookups(const char *tier, const ln_kernel_table *t, size_t n)
{
    for (int any = 0; any < 2; any++) {
        size_t n_x = 1 + check_below(100);
        uint32_t *x = check_guard(n_x * 4, true), *y = check_guard(n * 4, true);
        int32_t *index = check_guard(n * 4, true);
        bool ok = true;
        check_fill_bytes(x, n_x * 4);
        fill_indices(index, n, n_x, any);
        t->gather_u32(y, x, n_x, index, n);
        for (size_t i = 0; i < n; i++)
            ok = ok && y[i] == x[index[i]];
        check_ok(ok, "%s gather n=%zu n_x=%zu", tier, n, n_x);
        check_guard_free(x);
        check_guard_free(y);
        check_guard_free(index);
    }
}

/* -- interpolation ------------------------------------------------------------------------------------------------- */

/* Of the sum of k products w[i] x[i]. */
static bool near(float got, double want, double size, size_t k)
{
    return fabs((double)got - want) <= (double)(k + 2) * 0x1p-24 * size + 0x1p-140;
}

static void check_interpolation(const char *tier, const ln_kernel_table *t, size_t n)
{
    size_t taps = 1 + check_below(6), n_x = 1 + check_below(100);
    float *x = check_guard(n_x * 4, true), *y = check_guard(n * 4, true), *w = check_guard(taps * n * 4, true);
    int32_t *index = check_guard(taps * n * 4, true);
    bool ok = true;
    check_fill_f32(x, n_x, CHECK_NORMAL);
    check_fill_f32(w, taps * n, CHECK_NORMAL);
    fill_indices(index, taps * n, n_x, check_below(2) != 0);
    t->resize_row_f32(y, x, n_x, index, w, taps, n);
    for (size_t i = 0; i < n; i++) {
        double sum = 0, size = 0;
        for (size_t k = 0; k < taps; k++) {
            double p = (double)w[k * n + i] * (double)x[index[k * n + i]];
            sum += p;
            size += fabs(p);
        }
        ok = ok && near(y[i], sum, size, taps);
    }
    check_ok(ok, "%s resize_row n=%zu n_x=%zu taps=%zu", tier, n, n_x, taps);
    const float *rows[6];
    float weights[6], *block = check_guard(taps * n * 4, true);
    check_fill_f32(block, taps * n, CHECK_NORMAL);
    check_fill_f32(weights, taps, CHECK_NORMAL);
    for (size_t k = 0; k < taps; k++)
        rows[k] = block + k * n;
    for (int add = 0; add < 2; add++) {
        float *before = malloc(n * 4 + 4);
        memcpy(before, y, n * 4);
        t->blend_f32(y, rows, weights, taps, n, add);
        for (size_t i = 0; i < n; i++) {
            double sum = add ? (double)before[i] : 0, size = fabs(sum);
            for (size_t k = 0; k < taps; k++) {
                sum += (double)weights[k] * (double)rows[k][i];
                size += fabs((double)weights[k] * (double)rows[k][i]);
            }
            ok = ok && near(y[i], sum, size, taps);
        }
        free(before);
        check_ok(ok, "%s blend n=%zu rows=%zu add=%d", tier, n, taps, add);
    }
    check_guard_free(x);
    check_guard_free(y);
    check_guard_free(w);
    check_guard_free(index);
    check_guard_free(block);
}

enum { ENOUGH = 1024 }; /* elements, for vectors of any width: a reach is found */

static void check_best(const char *tier, const ln_kernel_table *t, size_t n)
{
    for (int pattern = 0; pattern < 4; pattern++) {
        float *x = check_guard(n * 4, true), limit = pattern == 2 && n % 5 == 0 ? NAN : check_uniform(-1, 1);
        uint32_t *at = check_guard(n * 4, true);
        check_fill_f32(x, n, pattern ? CHECK_NORMAL : CHECK_ZERO);
        for (size_t i = 0; i < n; i++)
            if (pattern == 2 && check_below(n) == 0)
                x[i] = NAN;
            else if (pattern == 3)
                x[i] = (float)check_below(4);
        for (int above = 0; above < 2; above++) {
            size_t found = (above ? t->sift_above_f32 : t->sift_below_f32)(at, x, n, limit), want = 0;
            bool ok = true;
            for (size_t i = 0; i < n; i++)
                if (!(above ? x[i] < limit : x[i] > limit)) {
                    ok = ok && want < found && at[want] == i;
                    want++;
                }
            check_ok(ok && found == want, "%s sift n=%zu above=%d: %zu, expected %zu", tier, n, above, found, want);
            for (size_t k = 1; k <= 20; k += 1 + k / 4) {
                float reach = (above ? t->reach_above_f32 : t->reach_below_f32)(x, n, k);
                size_t reached = 0, numbers = 0;
                for (size_t i = 0; i < n; i++) {
                    reached += above ? x[i] >= reach : x[i] <= reach;
                    numbers += isnan(x[i]) ? 0 : 1;
                }
                bool none = isinf(reach) && (reach > 0) == !above;
                check_ok(none || reached >= k, "%s reach n=%zu k=%zu above=%d: %zu reach %g", tier, n, k, above,
                         reached, (double)reach);
                check_ok(!none || k > 2 || n < ENOUGH || numbers < n, "%s reach n=%zu k=%zu finds nothing", tier, n, k);
            }
        }
        check_guard_free(x);
        check_guard_free(at);
    }
}

static void all(ln_tier tier, const ln_kernel_table *t)
{
    const char *name = ln_tier_name(tier);
    for (size_t n = 0; n < 100; n++) {
        check_pairs(name, t, n);
        check_lookups(name, t, n);
        check_interpolation(name, t, n);
        check_best(name, t, n);
    }
    for (size_t n = ENOUGH; n < ENOUGH + 70; n += 23)
        check_best(name, t, n);
    /* The description of a move is for the tier that runs. */
    for (int i = 0; i < 3000 && tier == ln_tier_running(); i++)
        check_box(name);
}

int main(int argc, char **argv)
{
    check_start(argc, argv);
    check_tiers(all);
    return check_finish();
}
