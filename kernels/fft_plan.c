/* SPDX-License-Identifier: Apache-2.0
 *
 * Plans of Fourier transforms: which stages, in which arrangement, and their tables.
 *
 * A length whose prime factors are small is done in stages of radix 8, 4, 2, 3, 5 and any other prime; a length for
 * which that is dearer by the estimate below becomes a convolution of a smooth length (Bluestein 1970). All tables are
 * computed in double from exact integer angles and rounded once.
 */
#include <math.h>
#include <string.h>

#include "kernels/kernels.h"

/* -- angles --------------------------------------------------------------------------------------------------- */

void ln_fft_trig(int64_t k, int64_t n, double *c, double *s)
{
    /* The octant o and, within it, an angle of at most pi/4: a = 8 k - o n, mirrored in odd octants. */
    int64_t o = 8 * k / n, a = 8 * k - o * n;
    if (o & 1)
        a = n - a;
    double x = 0.78539816339744830962 * (double)a / (double)n, cx = cos(x), sx = sin(x);
    if (a == 0)
        cx = 1, sx = 0;
    else if (a == n)
        sx = cx = 0.70710678118654752440;
    if ((o + 1) & 2) { /* octants 1, 2, 5, 6 lie nearer to the imaginary axis */
        double t = cx;
        cx = sx, sx = t;
    }
    *c = o >= 2 && o < 6 ? -cx : cx;
    *s = o >= 4 ? -sx : sx;
}

/* -- choice ----------------------------------------------------------------------------------------------------- */

/* Radices of n: 4 (8 where registers are many) and then 2, 3, 5 and the rest ascending; a single 2 goes first. */
static void factor(ln_fft_stages *st, int32_t n, int eight)
{
    st->n = n;
    st->count = 0;
    int twos = 0;
    while (n % 2 == 0)
        n /= 2, twos++;
    if (eight) {
        /* 8s, with 4s in place of a remainder that would need a 2 (8 2 = 4 4). */
        int e = twos / 3, rest = twos % 3;
        if (rest == 1 && e > 0)
            e--, rest = 4;
        if (rest == 1)
            st->radix[st->count++] = 2;
        for (; rest >= 2; rest -= 2)
            st->radix[st->count++] = 4;
        for (; e > 0; e--)
            st->radix[st->count++] = 8;
    } else {
        if (twos & 1)
            st->radix[st->count++] = 2;
        for (twos /= 2; twos > 0; twos--)
            st->radix[st->count++] = 4;
    }
    for (int32_t r = 3; n > 1; r += 2) {
        if ((int64_t)r * r > n)
            r = n;
        for (; n % r == 0; n /= r)
            st->radix[st->count++] = (uint8_t)(r < 256 ? r : 0);
    }
}

/* Work for one element in a stage, in units of an addition and its share of loads and stores; negative: not done. */
static double stage_cost(int r)
{
    switch (r) {
    case 2:
        return 5;
    case 3:
        return 8;
    case 4:
        return 7;
    case 5:
        return 11;
    case 8:
        return 9.5;
    default:
        return r && r < 128 ? 4 + 2.2 * r : -1;
    }
}

static double stages_cost(const ln_fft_stages *st)
{
    double sum = 0;
    for (int i = 0; i < st->count; i++) {
        double c = stage_cost(st->radix[i]);
        if (c < 0)
            return -1;
        sum += c;
    }
    return sum;
}

/* What n columns cost; the last ones, when they fill half a vector or less, as measured where there are such. */
static double columns(int32_t n, int32_t width, int half)
{
    int32_t rest = n % width;
    return (double)(n - rest) + (rest == 0 ? 0 : half && 2 * rest <= width ? 0.65 * width : width);
}

/* Splits n = a b for one transform at a time, so that both the b columns and then the a columns fill vectors of
 * `width`. Returns the cost, negative when some factor is too large. */
static double split(ln_fft_stages *a, ln_fft_stages *b, int32_t n, int32_t width, int half)
{
    double best = -1;
    int eight = width >= 4;
    for (int32_t c = 1; c <= n && c <= 4096; c++) {
        if (n % c)
            continue;
        if (width == 1 && c > 1)
            break;
        ln_fft_stages sa, sb;
        factor(&sa, n / c, eight);
        factor(&sb, c, eight);
        double ca = stages_cost(&sa), cb = stages_cost(&sb);
        if (ca < 0 || cb < 0)
            continue;
        double cost =
            ca * (n / c) * columns(c, width, half) + cb * c * columns(n / c, width, half) + (c > 1 ? 8.0 * n : 0);
        if (best < 0 || cost < best) {
            best = cost;
            *a = sa, *b = sb;
        }
    }
    return best;
}

static double arrange(ln_fft_plan *p, int32_t n, int32_t width)
{
    if (p->lanes == 1)
        return split(&p->a, &p->b, n, width, width * (p->f64 ? 8 : 4) == 64);
    factor(&p->a, n, width >= 4);
    p->b.n = 1, p->b.count = 0;
    double c = stages_cost(&p->a);
    return c < 0 ? -1 : c * n;
}

static int smooth(int32_t n)
{
    static const int small[] = {2, 3, 5};
    for (int i = 0; i < 3; i++)
        while (n % small[i] == 0)
            n /= small[i];
    return n == 1;
}

static size_t align64(size_t n)
{
    return (n + 63) & ~(size_t)63;
}

static size_t stages_bytes(const ln_fft_stages *st, size_t size)
{
    size_t sum = 0, m = (size_t)st->n;
    for (int i = 0; i < st->count; i++) {
        size_t r = st->radix[i];
        m /= r;
        sum += 2 * m * (r - 1) + (stage_cost((int)r) > 12 ? 2 * r : 0);
    }
    return align64(sum * size);
}

/* Everything but the tables, and the estimated cost. Returns the bytes, 0 when the description is out of range. */
static size_t lay_out(ln_fft_plan *p, const ln_fft_desc *d, double *estimate)
{
    memset(p, 0, sizeof *p);
    *estimate = -1;
    if (d->n < 1 || d->n > LN_FFT_MAX || d->kind > LN_FFT_HERMITE)
        return 0;
    int32_t width = d->width ? d->width : 1;
    size_t size = d->f64 ? sizeof(double) : sizeof(float);
    p->n = d->n, p->kind = d->kind, p->inverse = d->inverse != 0, p->f64 = d->f64 != 0, p->scale = d->scale;
    p->packed = d->kind != LN_FFT_COMPLEX && d->n % 2 == 0;
    p->nc = p->packed ? d->n / 2 : d->n;
    /* Side by side the vectors are always full and nothing is shuffled between stages; it wants enough transforms,
     * and both buffers in the second-level cache. A last group of fewer is done at the price of a full one. */
    int64_t groups = (d->count + width - 1) / width;
    int fits = (int64_t)p->nc * width * (int64_t)size * 4 <= 512 * 1024;
    /* Transforms a multiple of 2 KiB apart fall on the same few sets of the first-level cache. */
    int collides = (size_t)(d->stride ? d->stride : d->n) * size % 2048 == 0;
    p->lanes = width > 1 && d->count * 2 >= groups * width && fits && !collides ? width : 1;
    p->m = p->nc;
    double direct = arrange(p, p->nc, width);
    if (direct < 0 || direct > 60.0 * p->nc) {
        ln_fft_plan best = *p;
        double cost = -1;
        for (int32_t m = 2 * p->nc - 1, end = m + m / 3 + 16; m <= end; m++) {
            if (!smooth(m))
                continue;
            ln_fft_plan q = *p;
            double c = arrange(&q, m, width);
            if (c >= 0 && (cost < 0 || c < cost))
                cost = c, best = q, best.m = m;
        }
        cost = 2 * cost + 16.0 * best.m;
        if (direct < 0 || cost < direct)
            *p = best, direct = cost;
    }
    *estimate = direct;
    size_t at = align64(sizeof *p);
    if (p->packed && p->n > 1) {
        p->tangle = (uint32_t)at;
        at += align64(2 * ((size_t)p->n / 4 + 1) * size);
    }
    if (p->n == 128 && p->kind == LN_FFT_REAL && !p->inverse && !p->f64 && p->scale == 1 && width == 16) {
        p->registers = (uint32_t)at;
        at += align64(256 * size);
    }
    if (p->m != p->nc) {
        p->chirp = (uint32_t)at;
        at += align64(2 * (size_t)p->nc * size);
        p->filter = (uint32_t)at;
        at += align64(2 * (size_t)p->m * size);
    }
    size_t tables = at;
    p->a.table = (uint32_t)at;
    at += stages_bytes(&p->a, size);
    if (p->b.n > 1) {
        p->cross = (uint32_t)at;
        at += align64(2 * (size_t)p->m * size);
        p->b.table = (uint32_t)at;
        at += stages_bytes(&p->b, size);
    }
    for (int i = 0; i < p->a.count + p->b.count; i++) {
        uint32_t r = i < p->a.count ? p->a.radix[i] : p->b.radix[i - p->a.count];
        if (r > 5 && r != 8 && r > p->most_radix)
            p->most_radix = r;
    }
    /* The filter is transformed in double where the tables will be. */
    if (p->filter && at - tables < 2 * (size_t)p->m * sizeof(double))
        at = tables + align64(2 * (size_t)p->m * sizeof(double));
    p->bytes = at;
    return at;
}

uint8_t ln_fft_width(int f64)
{
#ifdef LN_TIER
    (void)f64;
    return 1;
#else
    static const uint8_t widths[LN_TIER_COUNT] = {[LN_TIER_AVX2] = 8,    [LN_TIER_AVX512] = 16, [LN_TIER_NEON] = 4,
                                                  [LN_TIER_NEONDOT] = 4, [LN_TIER_RVV] = 16,    [LN_TIER_WASM] = 4};
    uint8_t width = widths[ln_tier_running()];
    return width <= 1 ? 1 : f64 && width > 4 ? width / 2 : width; /* four doubles are two vectors of 128 bits */
#endif
}

size_t ln_fft_bytes(const ln_fft_desc *desc)
{
    ln_fft_plan p;
    double cost;
    return lay_out(&p, desc, &cost);
}

double ln_fft_cost(const ln_fft_desc *desc)
{
    ln_fft_plan p;
    double cost;
    lay_out(&p, desc, &cost);
    return cost;
}

size_t ln_fft_scratch(const ln_fft_plan *p)
{
    size_t size = p->f64 ? sizeof(double) : sizeof(float), lanes = (size_t)p->lanes;
    /* Two buffers of m rows (and one more that the spectrum of reals needs), and the differences of a generic stage. */
    size_t row = align64(((size_t)p->m + 1) * lanes * size), width = 64;
    return 4 * row + align64(2 * (size_t)(p->most_radix + 1) * width * size);
}

/* -- tables ----------------------------------------------------------------------------------------------------- */

static void put(void *table, int f64, size_t i, double x)
{
    if (f64)
        ((double *)table)[i] = x;
    else
        ((float *)table)[i] = (float)x;
}

/* exp(-2 pi i k/n) as elements at and at + step. */
static void put_unit(void *table, int f64, size_t at, size_t step, int64_t k, int64_t n)
{
    double c, s;
    ln_fft_trig(k % n, n, &c, &s);
    put(table, f64, at, c);
    put(table, f64, at + step, -s);
}

/* Stage of radix r over r m rows: a generic one starts with its r roots; then for p = 0 .. m-1, k = 1 .. r-1 the
 * factor of output k. */
static void fill_stages(const ln_fft_stages *st, void *plan, int f64)
{
    void *t = (char *)plan + st->table;
    size_t at = 0;
    int64_t n = st->n;
    for (int i = 0; i < st->count; i++) {
        int r = st->radix[i];
        if (stage_cost(r) > 12)
            for (int k = 0; k < r; k++, at += 2)
                put_unit(t, f64, at, 1, k, r);
        for (int64_t p = 0; p < n / r; p++)
            for (int k = 1; k < r; k++, at += 2)
                put_unit(t, f64, at, 1, p * k, n);
        n /= r;
    }
}

/* Transform of length n in place by decimation in frequency, radices 2, 3, 5 (re, im interleaved); the result stays in
 * the order of reversed digits, which `reversed` undoes. */
static int32_t least_radix(int32_t n)
{
    return n % 2 == 0 ? 2 : n % 3 == 0 ? 3 : 5;
}

static void transform(double *x, int32_t n)
{
    for (int32_t len = n, r; len > 1; len /= r) {
        r = least_radix(len);
        double rc[5], rs[5];
        for (int k = 0; k < r; k++)
            ln_fft_trig(k, r, &rc[k], &rs[k]);
        int32_t m = len / r;
        for (int32_t p = 0; p < m; p++) {
            double wc[5], ws[5];
            for (int k = 0; k < r; k++)
                ln_fft_trig((int64_t)p * k % len, len, &wc[k], &ws[k]);
            for (int32_t base = p; base < n; base += len) {
                double yr[5], yi[5];
                for (int k = 0; k < r; k++) {
                    double sr = 0, si = 0;
                    for (int j = 0; j < r; j++) {
                        const double *z = x + 2 * ((size_t)base + (size_t)j * (size_t)m);
                        int t = j * k % r;
                        sr += z[0] * rc[t] + z[1] * rs[t];
                        si += z[1] * rc[t] - z[0] * rs[t];
                    }
                    yr[k] = sr * wc[k] + si * ws[k];
                    yi[k] = si * wc[k] - sr * ws[k];
                }
                for (int k = 0; k < r; k++) {
                    double *z = x + 2 * ((size_t)base + (size_t)k * (size_t)m);
                    z[0] = yr[k], z[1] = yi[k];
                }
            }
        }
    }
}

static size_t reversed(int32_t k, int32_t n)
{
    size_t at = 0;
    for (int32_t len = n; len > 1;) {
        int32_t r = least_radix(len);
        len /= r;
        at += (size_t)(k % r) * (size_t)len;
        k /= r;
    }
    return at;
}

static void fill_chirp(ln_fft_plan *p)
{
    char *base = (char *)p;
    double *work = (double *)(void *)(base + p->a.table);
    size_t n = (size_t)p->nc, m = (size_t)p->m;
    memset(work, 0, 2 * m * sizeof *work);
    for (size_t k = 0; k < n; k++) { /* exp(-pi i k^2/n); the filter is its conjugate, both ways from 0 */
        double c, s;
        ln_fft_trig((int64_t)(k * k % (2 * n)), 2 * (int64_t)n, &c, &s);
        put(base + p->chirp, p->f64, k, c);
        put(base + p->chirp, p->f64, n + k, -s);
        work[2 * k] = c, work[2 * k + 1] = s;
        if (k)
            work[2 * (m - k)] = c, work[2 * (m - k) + 1] = s;
    }
    transform(work, p->m);
    for (size_t k = 0; k < m; k++) {
        size_t at = 2 * reversed((int32_t)k, p->m);
        put(base + p->filter, p->f64, k, work[at] / (double)m);
        put(base + p->filter, p->f64, m + k, work[at + 1] / (double)m);
    }
}

/* Of 64 = 4 * 4 * 4 numbers: after the first stage the factors of outputs 1 to 3, 16 real and 16 imaginary parts of
 * each; after the second those of 16 numbers, four times; halves of exp(-2 pi i k/128), k = 0 .. 31, in the order of
 * fft_registers_avx512.h. */
static void fill_registers(void *table)
{
    for (size_t k = 1; k < 4; k++)
        for (size_t j = 0; j < 16; j++) {
            put_unit(table, 0, 32 * (k - 1) + j, 16, (int64_t)(k * j), 64);
            put_unit(table, 0, 96 + 32 * (k - 1) + j, 16, (int64_t)(k * (j % 4)), 16);
        }
    for (size_t k = 0; k < 32; k++)
        for (size_t part = 0; part < 2; part++) {
            double c, s;
            ln_fft_trig((int64_t)k, 128, &c, &s);
            put(table, 0, 192 + 32 * (k / 16) + 16 * part + 4 * (k % 4) + k % 16 / 4, part ? -0.5 * s : 0.5 * c);
        }
}

void ln_fft_make(ln_fft_plan *p, const ln_fft_desc *desc)
{
    double cost;
    size_t bytes = lay_out(p, desc, &cost);
    char *base = (char *)p;
    memset(base + sizeof *p, 0, bytes - sizeof *p);
    if (p->filter) {
        fill_chirp(p);
        memset(base + p->a.table, 0, bytes - p->a.table);
    }
    if (p->tangle)
        for (int64_t k = 0; k <= p->n / 4; k++)
            put_unit(base + p->tangle, p->f64, (size_t)k, (size_t)p->n / 4 + 1, k, p->n);
    if (p->registers)
        fill_registers(base + p->registers);
    fill_stages(&p->a, p, p->f64);
    if (p->b.n > 1) {
        for (int64_t k = 0; k < p->a.n; k++)
            for (int64_t q = 0; q < p->b.n; q++)
                put_unit(base + p->cross, p->f64, (size_t)(k * p->b.n + q), (size_t)p->m, q * k, p->m);
        fill_stages(&p->b, p, p->f64);
    }
}
