/* SPDX-License-Identifier: Apache-2.0
 *
 * The operators of TensorFlow Lite Micro's audio front end (signal/ there), which count in integers. They are written
 * in float64, where all of their numbers and products are exact, with a Floor for each shift: the results are the same
 * to the bit. The transform, whose rounding is part of its result, is in micro_fft.c.
 */
#include <math.h>
#include <string.h>

#include "tools/tflite/flex.h"
#include "tools/tflite/micro.h"

enum { POWERS = 64 };

/* -- words -----------------------------------------------------------------------------------------------------------
 */

int32_t ln_micro_number(ln_tfl_op *o, double x)
{
    return ln_tfl_scalar(o, LINNET_FLOAT64, x);
}

int32_t ln_micro_table(ln_tfl_op *o, int64_t n, const double *data)
{
    return ln_tfl_constant(o, LINNET_FLOAT64, 1, &n, data);
}

int32_t ln_micro_shift(ln_tfl_op *o, int32_t x, int bits)
{
    return LN_NODE(o, "Floor", LN_NODE(o, "Mul", x, ln_micro_number(o, ldexp(1, -bits))));
}

static int32_t in_double(ln_tfl_op *o, uint32_t i)
{
    return ln_tfl_cast(o, ln_tfl_stored(o, i), LINNET_FLOAT64);
}

static void set(ln_tfl_op *o, uint32_t i, int32_t value)
{
    ln_tfl_set_stored(o, i, ln_tfl_cast(o, value, ln_tfl_out(o, i)->type));
}

static int64_t option(ln_tfl_op *o, const char *key, int64_t least, int64_t most)
{
    int64_t value = least;
    if (!ln_flex_int(o->node->custom_data, o->node->custom_bytes, key, &value) || value < least || value > most)
        ln_tfl_fail(o, LINNET_ERR_MODEL, "option '%s' is absent, or not between %lld and %lld", key, (long long)least,
                    (long long)most);
    return value;
}

/* 2^i for i in 0 .. */
static int32_t powers(ln_tfl_op *o)
{
    double table[POWERS];
    for (int i = 0; i < POWERS; i++)
        table[i] = ldexp(1, i);
    return ln_micro_table(o, POWERS, table);
}

/* How many of the powers 2^from .. 2^31 are not above each element, as int64: the whole part of its logarithm (from 1),
 * or the number of its bits (from 0). */
static int32_t bits(ln_tfl_op *o, int32_t x, int from)
{
    double table[32];
    int64_t last = -1;
    for (int i = from; i < 32; i++)
        table[i - from] = ldexp(1, i);
    int32_t reached = LN_NODE(o, "GreaterOrEqual", ln_tfl_unsqueeze(o, x, -1), ln_micro_table(o, 32 - from, table));
    return ln_tfl_node(o, "ReduceSum", LN_INS(ln_tfl_cast(o, reached, LINNET_INT64), ln_tfl_const_ints(o, 1, &last)),
                       LN_ATTRS(ln_tfl_attr_int("keepdims", 0)));
}

static int32_t take(ln_tfl_op *o, int32_t table, int32_t index)
{
    return LN_NODE(o, "Gather", table, index);
}

static int32_t plus(ln_tfl_op *o, int32_t index, int64_t by)
{
    return LN_NODE(o, "Add", index, ln_tfl_const_int(o, by));
}

/* -- the operators ---------------------------------------------------------------------------------------------------
 */

static bool types(ln_tfl_op *o, linnet_type in, linnet_type out)
{
    if (ln_tfl_in(o, 0)->type == in && ln_tfl_out(o, 0)->type == out)
        return true;
    ln_tfl_fail(o, LINNET_ERR_UNSUPPORTED, "%s to %s, not %s to %s", linnet_type_name(ln_tfl_in(o, 0)->type),
                linnet_type_name(ln_tfl_out(o, 0)->type), linnet_type_name(in), linnet_type_name(out));
    return false;
}

void ln_micro_window(ln_tfl_op *o)
{
    int64_t shift = option(o, "shift", 0, 31);
    if (!types(o, LINNET_INT16, LINNET_INT16))
        return;
    int32_t x = LN_NODE(o, "Mul", in_double(o, 0), in_double(o, 1));
    set(o, 0, ln_tfl_clip(o, ln_micro_shift(o, x, (int)shift), LINNET_FLOAT64, INT16_MIN, INT16_MAX));
}

/* Shifts left as far as the largest magnitude leaves room in 16 bits; output 1: by how much. */
void ln_micro_auto_scale(ln_tfl_op *o)
{
    if (!types(o, LINNET_INT16, LINNET_INT16))
        return;
    int32_t x = in_double(o, 0);
    int32_t most = ln_tfl_node(o, "ReduceMax", LN_INS(LN_NODE(o, "Abs", x)), LN_ATTRS(ln_tfl_attr_int("keepdims", 0)));
    int32_t free = LN_NODE(o, "Sub", ln_tfl_const_int(o, 15), bits(o, most, 0));
    free = LN_NODE(o, "Max", free, ln_tfl_const_int(o, 0));
    set(o, 0, LN_NODE(o, "Mul", x, take(o, powers(o), free)));
    set(o, 1, free);
}

void ln_micro_rfft(ln_tfl_op *o)
{
    int64_t length = option(o, "fft_length", 2, 1 << 16);
    const ln_tfl_tensor *x = ln_tfl_in(o, 0), *y = ln_tfl_out(o, 0);
    if (!ln_tfl_ok(o))
        return;
    if (x->rank < 1 || x->dims[x->rank - 1] < 1 || x->dims[x->rank - 1] > length || y->type != x->type) {
        ln_tfl_fail(o, LINNET_ERR_MODEL, "a transform of length %lld of an open size, or of more", (long long)length);
        return;
    }
    int64_t dims[LINNET_MAX_RANK];
    memcpy(dims, x->dims, sizeof dims);
    dims[x->rank - 1] = length + 2;
    if (x->type == LINNET_FLOAT32) {
        int32_t v = ln_tfl_unsqueeze(o, ln_tfl_stored(o, 0), x->rank), n = ln_tfl_const_int(o, length);
        v = ln_tfl_node(o, "DFT", LN_INS(v, n, ln_tfl_const_int(o, x->rank - 1)),
                        LN_ATTRS(ln_tfl_attr_int("onesided", 1)));
        ln_tfl_set_stored(o, 0, ln_tfl_reshape(o, v, x->rank, dims));
    } else if (x->type == LINNET_INT16) {
        int64_t pads[2] = {0, length - x->dims[x->rank - 1]}, axis = -1;
        int32_t v = LN_NODE(o, "Pad", in_double(o, 0), ln_tfl_const_ints(o, 2, pads), LN_NO_VALUE,
                            ln_tfl_const_ints(o, 1, &axis));
        set(o, 0, ln_tfl_reshape(o, ln_micro_rfft_int16(o, v, length), x->rank, dims));
    } else {
        ln_tfl_fail(o, LINNET_ERR_UNSUPPORTED, "a transform of %s", linnet_type_name(x->type));
    }
}

/* Pairs of parts -> squares; what is outside of start_index and end_index is not said there, and is the energy too. */
void ln_micro_energy(ln_tfl_op *o)
{
    int64_t axis = -1;
    if (!types(o, LINNET_INT16, LINNET_UINT32))
        return;
    int32_t pairs = ln_tfl_reshape(o, in_double(o, 0), 2, (int64_t[]){-1, 2});
    set(o, 0,
        ln_tfl_node(o, "ReduceSumSquare", LN_INS(pairs, ln_tfl_const_ints(o, 1, &axis)),
                    LN_ATTRS(ln_tfl_attr_int("keepdims", 0))));
}

/* Inputs: energies, weights, unweights, where the bins, where the weights of a channel begin, and how many. Each bin
 * counts for two channels; the sums are a product with a matrix. */
void ln_micro_filter_bank(ln_tfl_op *o)
{
    enum { LARGEST = 1 << 22 };
    const ln_tfl_tensor *x = ln_tfl_in(o, 0);
    int64_t channels = option(o, "num_channels", 1, 1 << 12), bins = x->rank == 1 ? x->dims[0] : -1;
    const int16_t *table[5];
    for (uint32_t i = 0; i < 5; i++) {
        const ln_tfl_tensor *t = ln_tfl_in(o, i + 1);
        table[i] = t->type == LINNET_INT16 ? ln_tfl_data(o, t) : NULL;
        if (!table[i] || (i > 1 && ln_tfl_count(t) < channels + 1))
            ln_tfl_fail(o, LINNET_ERR_UNSUPPORTED, "input %u is no constant of int16 of its size", i + 1);
    }
    if (ln_tfl_ok(o) && (bins < 1 || bins > LARGEST / channels))
        ln_tfl_fail(o, LINNET_ERR_UNSUPPORTED, "%lld bins", (long long)bins);
    int64_t dims[2] = {bins, channels};
    double *matrix = ln_tfl_ok(o) ? ln_arena_zalloc(o->c->arena, (size_t)(bins * channels) * sizeof *matrix, 16) : NULL;
    if (!matrix) {
        ln_tfl_no_memory(o);
        return;
    }
    for (int64_t c = 0; c <= channels; c++)
        for (int64_t j = 0; j < table[4][c]; j++) {
            int64_t bin = table[2][c] + j, w = table[3][c] + j;
            if (bin < 0 || bin >= bins || w < 0 || w >= ln_tfl_count(ln_tfl_in(o, 1)) ||
                w >= ln_tfl_count(ln_tfl_in(o, 2))) {
                ln_tfl_fail(o, LINNET_ERR_MODEL, "channel %lld reaches outside of the bins or weights", (long long)c);
                return;
            }
            if (c > 0)
                matrix[bin * channels + c - 1] += table[0][w];
            if (c < channels)
                matrix[bin * channels + c] += table[1][w];
        }
    int32_t row = ln_tfl_reshape(o, in_double(o, 0), 2, (int64_t[]){1, bins});
    int32_t sums = LN_NODE(o, "MatMul", row, ln_tfl_constant(o, LINNET_FLOAT64, 2, dims, matrix));
    set(o, 0, ln_tfl_reshape(o, sums, 1, &channels));
}

/* The nearest root, of numbers of 32 bits at most 65535; then shifted by input 1. */
void ln_micro_square_root(ln_tfl_op *o)
{
    int32_t x = in_double(o, 0), root = LN_NODE(o, "Floor", LN_NODE(o, "Sqrt", x));
    int32_t rest = LN_NODE(o, "Sub", x, LN_NODE(o, "Mul", root, root));
    int32_t up = ln_tfl_cast(o, LN_NODE(o, "Greater", rest, root), LINNET_FLOAT64);
    root = LN_NODE(o, "Add", root, up);
    int32_t narrow = LN_NODE(o, "Less", x, ln_micro_number(o, 0x1p32));
    root = LN_NODE(o, "Where", narrow, LN_NODE(o, "Min", root, ln_micro_number(o, 65535)), root);
    int32_t by = take(o, powers(o), ln_tfl_reshape(o, ln_tfl_int64(o, 1), 0, NULL));
    set(o, 0, LN_NODE(o, "Floor", LN_NODE(o, "Div", root, by)));
}

/* Takes off a running estimate of the noise, which is the operator's state and output 1. */
void ln_micro_spectral_subtraction(ln_tfl_op *o)
{
    int64_t channels = option(o, "num_channels", 1, 1 << 12);
    int64_t smoothing[2] = {option(o, "smoothing", 0, 1 << 16), option(o, "alternate_smoothing", 0, 1 << 16)};
    int64_t rest[2] = {option(o, "one_minus_smoothing", 0, 1 << 16),
                       option(o, "alternate_one_minus_smoothing", 0, 1 << 16)};
    int64_t least = option(o, "min_signal_remaining", 0, 1 << 16), clamp = option(o, "clamping", 0, 1);
    int64_t up_bits = option(o, "smoothing_bits", 0, 31), down_bits = option(o, "spectral_subtraction_bits", 0, 31);
    int32_t *state = ln_tfl_state(o, -1);
    double *factors = ln_arena_array(o->c->arena, 2 * channels, sizeof *factors);
    if (!types(o, LINNET_UINT32, LINNET_UINT32) || !state || !factors || !ln_tfl_ok(o))
        return;
    for (int64_t c = 0; c < channels; c++)
        factors[c] = (double)smoothing[c % 2], factors[channels + c] = (double)rest[c % 2];
    int32_t x = in_double(o, 0), before = ln_tfl_cast(o, *state, LINNET_FLOAT64);
    int32_t up = LN_NODE(o, "Mul", x, ln_micro_number(o, ldexp(1, (int)up_bits)));
    int32_t noise = LN_NODE(o, "Add", LN_NODE(o, "Mul", up, ln_micro_table(o, channels, factors)),
                            LN_NODE(o, "Mul", before, ln_micro_table(o, channels, factors + channels)));
    noise = ln_micro_shift(o, noise, (int)down_bits);
    int32_t known = LN_NODE(o, "Min", noise, up);
    int32_t left = ln_micro_shift(o, LN_NODE(o, "Sub", up, known), (int)up_bits);
    int32_t floor = ln_micro_shift(o, LN_NODE(o, "Mul", x, ln_micro_number(o, (double)least)), (int)down_bits);
    set(o, 0, LN_NODE(o, "Max", left, floor));
    int32_t next = ln_tfl_cast(o, clamp ? known : noise, LINNET_UINT32);
    ln_tfl_set_stored(o, 1, next);
    *state = next;
}

/* Gain by a table of quadratic pieces, one for each octave of the noise; then a soft threshold. */
void ln_micro_pcan(ln_tfl_op *o)
{
    enum { SNR_BITS = 12, OUT_BITS = 6 };
    int64_t shift = option(o, "snr_shift", 0, 31);
    const ln_tfl_tensor *lut = ln_tfl_in(o, 2);
    if (lut->type != LINNET_INT16 || ln_tfl_count(lut) < 4 * 32 - 3) {
        ln_tfl_fail(o, LINNET_ERR_MODEL, "a table of gains that does not reach 32 octaves");
        return;
    }
    int32_t x = in_double(o, 0), noise = in_double(o, 1), table = in_double(o, 2);
    int32_t octave = bits(o, noise, 1), zero = ln_tfl_const_int(o, 0);
    int32_t four = LN_NODE(o, "Mul", octave, ln_tfl_const_int(o, 4));
    int32_t at = LN_NODE(o, "Max", plus(o, four, -2), zero);
    int32_t c0 = take(o, table, at), c1 = take(o, table, plus(o, at, 1)), c2 = take(o, table, plus(o, at, 2));
    int32_t base = take(o, powers(o), octave);
    int32_t part = LN_NODE(o, "Floor", LN_NODE(o, "Mul", LN_NODE(o, "Div", noise, base), ln_micro_number(o, 1024)));
    part = LN_NODE(o, "Sub", part, ln_micro_number(o, 1024));
    int32_t gain = ln_micro_shift(o, LN_NODE(o, "Mul", c2, part), 5);
    gain = LN_NODE(o, "Add", gain, LN_NODE(o, "Mul", c1, ln_micro_number(o, 32)));
    gain = LN_NODE(o, "Add", LN_NODE(o, "Mul", gain, part), ln_micro_number(o, 1 << 14));
    gain = LN_NODE(o, "Add", ln_micro_shift(o, gain, 15), c0);
    int32_t few = LN_NODE(o, "LessOrEqual", noise, ln_micro_number(o, 2));
    int32_t first = ln_tfl_cast(o, LN_NODE(o, "Min", noise, ln_micro_number(o, 2)), LINNET_INT64);
    gain = LN_NODE(o, "Where", few, take(o, table, first), gain);
    int32_t snr = ln_micro_shift(o, LN_NODE(o, "Mul", x, gain), (int)shift);
    int32_t low = ln_micro_shift(o, LN_NODE(o, "Mul", snr, snr), 2 + 2 * SNR_BITS - OUT_BITS);
    int32_t high = LN_NODE(o, "Sub", ln_micro_shift(o, snr, SNR_BITS - OUT_BITS), ln_micro_number(o, 1 << OUT_BITS));
    set(o, 0, LN_NODE(o, "Where", LN_NODE(o, "Less", snr, ln_micro_number(o, 2 << SNR_BITS)), low, high));
}

/* The natural logarithm of integers: whole part, a table of 128 pieces of log2(1 + x) - x in 2^-16, then scaled. */
void ln_micro_log(ln_tfl_op *o)
{
    enum { PIECES = 128, LN2 = 45426 };
    double table[PIECES + 2] = {0};
    int64_t scale = option(o, "output_scale", 0, 1 << 20), correction = option(o, "input_correction_bits", 0, 31);
    for (int i = 0; i <= PIECES; i++)
        table[i] = floor((log2(1 + i / (double)PIECES) - i / (double)PIECES) * 65536 + 0.5);
    int32_t one = ln_micro_number(o, 1), half = ln_micro_number(o, 32768), lut = ln_micro_table(o, PIECES + 2, table);
    int32_t raw = LN_NODE(o, "Mul", in_double(o, 0), ln_micro_number(o, ldexp(1, (int)correction)));
    int32_t x = LN_NODE(o, "Max", raw, one);
    int32_t whole = bits(o, x, 1), base = take(o, powers(o), whole);
    int32_t part = LN_NODE(o, "Mul", LN_NODE(o, "Div", LN_NODE(o, "Sub", x, base), base), ln_micro_number(o, 65536));
    part = LN_NODE(o, "Floor", part);
    int32_t piece = ln_micro_shift(o, part, 9), index = ln_tfl_cast(o, piece, LINNET_INT64);
    int32_t c0 = take(o, lut, index), step = LN_NODE(o, "Sub", take(o, lut, plus(o, index, 1)), c0);
    int32_t inside = LN_NODE(o, "Sub", part, LN_NODE(o, "Mul", piece, ln_micro_number(o, 512)));
    int32_t log2 = LN_NODE(o, "Mul", ln_tfl_cast(o, whole, LINNET_FLOAT64), ln_micro_number(o, 65536));
    log2 = LN_NODE(o, "Add", log2, LN_NODE(o, "Add", part, c0));
    log2 = LN_NODE(o, "Add", log2, ln_micro_shift(o, LN_NODE(o, "Mul", step, inside), 16));
    int32_t loge = LN_NODE(o, "Add", LN_NODE(o, "Mul", log2, ln_micro_number(o, LN2)), half);
    loge = LN_NODE(o, "Mul", ln_micro_shift(o, loge, 16), ln_micro_number(o, (double)scale));
    loge = ln_micro_shift(o, LN_NODE(o, "Add", loge, half), 16);
    loge = LN_NODE(o, "Min", loge, ln_micro_number(o, INT16_MAX));
    set(o, 0, LN_NODE(o, "Where", LN_NODE(o, "Greater", raw, one), loge, ln_micro_number(o, 0)));
}
