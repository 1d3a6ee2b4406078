/* SPDX-License-Identifier: Apache-2.0
 *
 * The real transform of 16-bit integers as kissfft computes it: every pass divides by its radix and rounds to 15 bits
 * of fraction, and what comes out differs from a rounded DFT by more than a spectrum's small bins. So the passes are
 * written out, each over the whole array: radix 4, and 2 where the length leaves it, by decimation in time. Numbers are
 * integers in float64.
 *
 * A pass sees [blocks, radix, m]: the transforms of length m of which it makes blocks of radix * m.
 */
#include <math.h>

#include "tools/tflite/micro.h"

enum { ONE = 32767 }; /* kissfft's 1.0 */

typedef struct complex_value {
    int32_t re, im;
} complex_value;

/* (x + 2^14) >> 15 */
static int32_t rounded(ln_tfl_op *o, int32_t x)
{
    return ln_micro_shift(o, LN_NODE(o, "Add", x, ln_micro_number(o, 1 << 14)), 15);
}

static complex_value divided(ln_tfl_op *o, complex_value x, int by)
{
    int32_t factor = ln_micro_number(o, ONE / by);
    return (complex_value){rounded(o, LN_NODE(o, "Mul", x.re, factor)), rounded(o, LN_NODE(o, "Mul", x.im, factor))};
}

static complex_value add(ln_tfl_op *o, complex_value a, complex_value b)
{
    return (complex_value){LN_NODE(o, "Add", a.re, b.re), LN_NODE(o, "Add", a.im, b.im)};
}

static complex_value sub(ln_tfl_op *o, complex_value a, complex_value b)
{
    return (complex_value){LN_NODE(o, "Sub", a.re, b.re), LN_NODE(o, "Sub", a.im, b.im)};
}

static complex_value mul(ln_tfl_op *o, complex_value a, complex_value b)
{
    int32_t re = LN_NODE(o, "Sub", LN_NODE(o, "Mul", a.re, b.re), LN_NODE(o, "Mul", a.im, b.im));
    int32_t im = LN_NODE(o, "Add", LN_NODE(o, "Mul", a.re, b.im), LN_NODE(o, "Mul", a.im, b.re));
    return (complex_value){rounded(o, re), rounded(o, im)};
}

/* exp(-2 pi i * (first + k * step) / n) for k < count, rounded as kissfft rounds. */
static complex_value twiddles(ln_tfl_op *o, int64_t count, double first, double step, double n)
{
    double *table = ln_arena_array(o->c->arena, 2 * count, sizeof *table);
    if (!table) {
        ln_tfl_no_memory(o);
        return (complex_value){LN_NO_VALUE, LN_NO_VALUE};
    }
    for (int64_t k = 0; k < count; k++) {
        double phase = -2 * 3.14159265358979323846 * (first + (double)k * step) / n;
        table[k] = floor(0.5 + (double)ONE * cos(phase));
        table[count + k] = floor(0.5 + (double)ONE * sin(phase));
    }
    return (complex_value){ln_micro_table(o, count, table), ln_micro_table(o, count, table + count)};
}

/* Part q of the second dimension of [blocks, radix, m]. */
static complex_value part(ln_tfl_op *o, complex_value x, int64_t q)
{
    ln_attr axis = ln_tfl_attr_int("axis", 1);
    int32_t index = ln_tfl_const_int(o, q);
    return (complex_value){ln_tfl_node(o, "Gather", LN_INS(x.re, index), 1, &axis),
                           ln_tfl_node(o, "Gather", LN_INS(x.im, index), 1, &axis)};
}

static complex_value joined(ln_tfl_op *o, int32_t n, const complex_value *parts)
{
    int32_t re[4], im[4];
    for (int32_t i = 0; i < n; i++)
        re[i] = parts[i].re, im[i] = parts[i].im;
    return (complex_value){ln_tfl_concat(o, 1, n, re), ln_tfl_concat(o, 1, n, im)};
}

static complex_value shaped(ln_tfl_op *o, complex_value x, int64_t blocks, int64_t radix, int64_t m)
{
    int64_t dims[3] = {blocks, radix, m};
    return (complex_value){ln_tfl_reshape(o, x.re, 3, dims), ln_tfl_reshape(o, x.im, 3, dims)};
}

/* Radix 4: sums and differences of the parts, turned. */
static complex_value pass(ln_tfl_op *o, complex_value x, int64_t n, int64_t m, int radix)
{
    complex_value p[4], out[4];
    x = divided(o, shaped(o, x, n / (m * radix), radix, m), radix);
    for (int q = 0; q < radix; q++) {
        p[q] = part(o, x, q);
        if (q > 0)
            p[q] = mul(o, p[q], twiddles(o, m, 0, (double)(q * (n / (m * radix))), (double)n));
    }
    if (radix == 2) {
        out[0] = add(o, p[0], p[1]);
        out[1] = sub(o, p[0], p[1]);
        return joined(o, 2, out);
    }
    complex_value even = add(o, p[0], p[2]), odd = sub(o, p[0], p[2]);
    complex_value sum = add(o, p[1], p[3]), turn = sub(o, p[1], p[3]);
    out[0] = add(o, even, sum);
    out[1] = (complex_value){LN_NODE(o, "Add", odd.re, turn.im), LN_NODE(o, "Sub", odd.im, turn.re)};
    out[2] = sub(o, even, sum);
    out[3] = (complex_value){LN_NODE(o, "Sub", odd.re, turn.im), LN_NODE(o, "Add", odd.im, turn.re)};
    return joined(o, 4, out);
}

/* Where each input of the first pass comes from: the parts of the later passes are interleaved, the last ones first. */
static void order(int64_t *to, int64_t n, int64_t from, int64_t step, const int *radix)
{
    if (n == 1) {
        *to = from;
        return;
    }
    int64_t m = n / *radix;
    for (int q = 0; q < *radix; q++)
        order(to + q * m, m, from + q * step, step * *radix, radix + 1);
}

static complex_value complex_fft(ln_tfl_op *o, complex_value x, int64_t n)
{
    int radix[32], passes = 0;
    for (int64_t rest = n; rest > 1; rest /= radix[passes++])
        radix[passes] = rest % 4 == 0 ? 4 : 2;
    int64_t *from = ln_arena_array(o->c->arena, n, sizeof *from), m = 1;
    if (!from) {
        ln_tfl_no_memory(o);
        return x;
    }
    order(from, n, 0, 1, radix);
    int32_t index = ln_tfl_const_ints(o, n, from);
    x = (complex_value){LN_NODE(o, "Gather", x.re, index), LN_NODE(o, "Gather", x.im, index)};
    for (int i = passes; i-- > 0; m *= radix[i])
        x = pass(o, x, n, m, radix[i]);
    int64_t flat = n;
    return (complex_value){ln_tfl_reshape(o, x.re, 1, &flat), ln_tfl_reshape(o, x.im, 1, &flat)};
}

static complex_value slice(ln_tfl_op *o, complex_value x, int64_t from, int64_t to, int64_t step)
{
    int64_t zero = 0;
    int32_t a = ln_tfl_const_ints(o, 1, &from), b = ln_tfl_const_ints(o, 1, &to), axis = ln_tfl_const_ints(o, 1, &zero);
    int32_t by = ln_tfl_const_ints(o, 1, &step);
    return (complex_value){LN_NODE(o, "Slice", x.re, a, b, axis, by), LN_NODE(o, "Slice", x.im, a, b, axis, by)};
}

/* The transform of half the length over pairs, and from it that of the real numbers: bins k and n - k come of the same
 * two. */
int32_t ln_micro_rfft_int16(ln_tfl_op *o, int32_t x, int64_t length)
{
    int64_t n = length / 2, half = n / 2, last = 1;
    if (length < 8 || (length & (length - 1)) != 0) {
        ln_tfl_fail(o, LINNET_ERR_UNSUPPORTED, "a transform of length %lld, no power of two from 8", (long long)length);
        return LN_NO_VALUE;
    }
    if (ln_tfl_count(ln_tfl_in(o, 0)) > length) {
        ln_tfl_fail(o, LINNET_ERR_UNSUPPORTED, "more than one transform");
        return LN_NO_VALUE;
    }
    int32_t pairs = ln_tfl_reshape(o, x, 2, (int64_t[]){n, 2});
    complex_value z = {LN_NODE(o, "Squeeze", ln_tfl_slice(o, pairs, 1, 0, 1), ln_tfl_const_ints(o, 1, &last)),
                       LN_NODE(o, "Squeeze", ln_tfl_slice(o, pairs, 1, 1, 2), ln_tfl_const_ints(o, 1, &last))};
    complex_value raw = complex_fft(o, z, n);
    z = divided(o, raw, 2);
    complex_value first = slice(o, z, 0, 1, 1), a = slice(o, z, 1, half + 1, 1), b = slice(o, z, n - 1, half - 1, -1);
    /* the conjugate: its sign is turned before it is divided, which rounds halves the other way */
    int32_t turned = slice(o, raw, n - 1, half - 1, -1).im;
    b.im = rounded(o, LN_NODE(o, "Mul", turned, ln_micro_number(o, -(ONE / 2))));
    complex_value f1 = add(o, a, b), f2 = sub(o, a, b);
    complex_value t = mul(o, f2, twiddles(o, half, 1 + (double)half, 1, (double)length));
    complex_value sum = add(o, f1, t);
    complex_value low = {ln_micro_shift(o, sum.re, 1), ln_micro_shift(o, sum.im, 1)};
    complex_value high = {ln_micro_shift(o, LN_NODE(o, "Sub", f1.re, t.re), 1),
                          ln_micro_shift(o, LN_NODE(o, "Sub", t.im, f1.im), 1)};
    low = slice(o, low, 0, half - 1, 1);            /* bins 1 .. half - 1 */
    high = slice(o, high, half - 1, INT64_MIN, -1); /* bins half .. n - 1 */
    int32_t zero = ln_micro_table(o, 1, &(double){0});
    int32_t re[4] = {LN_NODE(o, "Add", first.re, first.im), low.re, high.re, LN_NODE(o, "Sub", first.re, first.im)};
    int32_t im[4] = {zero, low.im, high.im, zero};
    int32_t both[2] = {ln_tfl_unsqueeze(o, ln_tfl_concat(o, 0, 4, re), -1),
                       ln_tfl_unsqueeze(o, ln_tfl_concat(o, 0, 4, im), -1)};
    return ln_tfl_reshape(o, ln_tfl_concat(o, 1, 2, both), 1, (int64_t[]){-1});
}
