/* SPDX-License-Identifier: Apache-2.0
 *
 * What a transform is of: frames of a signal, or rows; their window, and the zeros behind it. See spectral.h.
 *
 * Frames are cut by Gather with a matrix of indices; TensorFlow cuts the signal into pieces of which step and frame are
 * multiples, and gathers those: Reshape, Gather, Reshape.
 */
#include "engine/spectral.h"

#include <string.h>

bool ln_spectral_integer(const ln_graph *g, int32_t value, int64_t *i)
{
    const ln_info *info = ln_rw_info(g, value);
    if (!info->data || !ln_info_known(info) || ln_info_count(info) != 1)
        return false;
    if (info->type == LINNET_INT64)
        *i = *(const int64_t *)info->data;
    else if (info->type == LINNET_INT32)
        *i = *(const int32_t *)info->data;
    else
        return false;
    return true;
}

static bool stft_frames(const ln_graph *g, const ln_node *n, ln_frames *f)
{
    const ln_info *x = ln_rw_info(g, n->in[0]);
    int32_t window = ln_rw_in(n, 2), length = ln_rw_in(n, 3);
    if (!ln_info_known(x) || x->rank < 2 || (x->rank == 3 && x->dims[2] != 1) ||
        ln_node_attr_int(n, "onesided", 1) != 1 || !ln_spectral_integer(g, n->in[1], &f->step) || f->step < 1)
        return false;
    *f = (ln_frames){.step = f->step, .length = x->dims[1], .signal = n->in[0], .window = window};
    if (window >= 0) {
        if (!ln_info_known(ln_rw_info(g, window)))
            return false;
        f->length = ln_rw_info(g, window)->dims[0];
    }
    if (length >= 0 && !ln_spectral_integer(g, length, &f->length))
        return false;
    f->samples = f->length;
    return true;
}

/* -- by Gather ------------------------------------------------------------------------------------------------------
 */

/* Indices [frames, n] that are i + step j; the step, 0: they are not. */
static int64_t stepped(const ln_info *k)
{
    if (!k->data || k->rank != 2 || k->dims[0] < 2 || k->dims[1] < 1 ||
        (k->type != LINNET_INT64 && k->type != LINNET_INT32))
        return 0;
    const int64_t *wide = k->type == LINNET_INT64 ? k->data : NULL;
    const int32_t *narrow = k->data;
    int64_t n = k->dims[1], count = k->dims[0] * n, step = wide ? wide[n] : narrow[n];
    if (step < 1 || step > INT32_MAX)
        return 0;
    for (int64_t i = 0; i < count; i++)
        if ((wide ? wide[i] : narrow[i]) != i / n * step + i % n)
            return 0;
    return step;
}

/* Frames of f->samples in `value`, [.., frames, samples], that Gather takes, one every step to the signal's end. */
static bool gathered(const ln_graph *g, int32_t value, const ln_info *out, ln_frames *f)
{
    const ln_node *n = ln_rw_producer(g, value, "Gather"), *r = ln_rw_producer(g, value, "Reshape");
    int64_t piece = 1;
    if (r) {
        n = ln_rw_producer(g, r->in[0], "Gather");
        const ln_info *y = ln_rw_info(g, r->in[0]);
        if (!n || !ln_info_known(y) || y->rank < 3)
            return false;
        piece = y->dims[y->rank - 1];
    }
    if (!n)
        return false;
    const ln_info *x = ln_rw_info(g, n->in[0]), *k = ln_rw_info(g, n->in[1]), *y = ln_rw_info(g, value);
    int32_t rank = x->rank - (r != NULL); /* of the signal: [length] or [batch, length] */
    int64_t axis = ln_node_attr_int(n, "axis", 0), step = stepped(k);
    if (!ln_info_known(x) || (rank != 1 && rank != 2) || (axis < 0 ? axis + x->rank : axis) != rank - 1 || !step)
        return false;
    int64_t batch = rank == 2 ? x->dims[0] : 1, pieces = x->dims[rank - 1], frames = k->dims[0], many = k->dims[1];
    if ((r && x->dims[rank] != piece) || many * piece != f->samples || many > pieces ||
        (pieces - many) / step + 1 != frames || y->rank != rank + 1 || y->dims[rank - 1] != frames)
        return false;
    /* What comes out has the batch, or for a single signal not. */
    if (out->rank != 3 && (out->rank != 2 || batch != 1))
        return false;
    if (out->dims[out->rank - 2] != frames || (out->rank == 3 && out->dims[0] != batch))
        return false;
    f->signal = n->in[0], f->trailing_one = 0, f->step = step * piece;
    f->rank = r || out->rank != rank + 1 ? out->rank - 1 : 0;
    f->shape[0] = batch, f->shape[f->rank > 0 ? f->rank - 1 : 0] = pieces * piece;
    return true;
}

/* -- rows -------------------------------------------------------------------------------------------------------------
 */

static int64_t last_of(const ln_info *x)
{
    return ln_info_known(x) && x->rank > 0 ? x->dims[x->rank - 1] : LN_UNKNOWN;
}

/* Rows of that shape have spectra of the shape `out`. */
static bool fits(const ln_info *rows, const ln_info *out)
{
    bool same = rows->rank == out->rank;
    for (int32_t i = 0; same && i + 1 < rows->rank; i++)
        same = rows->dims[i] == out->dims[i];
    return same;
}

/* Only zeros, only behind the last axis. */
static bool pads_end(const ln_graph *g, const ln_node *n)
{
    const ln_attr *mode = ln_node_attr(n, "mode");
    const ln_info *pads = ln_rw_info(g, ln_rw_in(n, 1)), *x = ln_rw_info(g, n->in[0]);
    if ((mode && (mode->s.size != 8 || memcmp(mode->s.data, "constant", 8) != 0)) || n->n_in > 3 ||
        (ln_rw_in(n, 2) >= 0 && !ln_rw_is(g, n->in[2], 0)) || !pads->data || pads->type != LINNET_INT64 ||
        ln_info_count(pads) != 2 * x->rank)
        return false;
    const int64_t *amount = pads->data;
    for (int32_t i = 0; i < 2 * x->rank - 1; i++)
        if (amount[i] != 0)
            return false;
    return amount[2 * x->rank - 1] >= 0;
}

/* The window of a Mul of rows by a constant along them; *rows: the other operand. */
static int32_t window_of(const ln_graph *g, const ln_node *mul, int64_t n, int32_t *rows)
{
    for (int32_t i = 0; i < 2 && mul->n_attrs == 0; i++) {
        const ln_info *w = ln_rw_info(g, mul->in[1 - i]);
        if (!w->data || (w->type != LINNET_FLOAT32 && w->type != LINNET_FLOAT64) || w->rank != 1 || w->dims[0] != n ||
            !ln_rw_same_shape(ln_rw_info(g, mul->in[i]), ln_rw_info(g, mul->out[0])))
            continue;
        *rows = mul->in[i];
        return mul->in[1 - i];
    }
    return LN_NO_VALUE;
}

/* Goes back from the input of a DFT, which has a last axis of one: over Unsqueeze, then Reshape of the axes before the
 * last, zeros behind, the window. f is the furthest place from where the shape is right. */
static void trace(const ln_graph *g, int32_t value, const ln_info *out, ln_frames *f)
{
    const ln_node *un = ln_rw_producer(g, value, "Unsqueeze");
    const ln_info *x = ln_rw_info(g, value);
    if (!un || last_of(ln_rw_info(g, un->in[0])) != x->dims[x->rank - 2] || x->dims[x->rank - 2] > f->length)
        return;
    ln_frames at = *f;
    at.signal = un->in[0], at.trailing_one = 0;
    for (bool padded = false;;) {
        const ln_info *rows = ln_rw_info(g, at.signal);
        ln_frames cut = at;
        if (gathered(g, at.signal, out, &cut)) {
            *f = cut;
            return;
        }
        if (fits(rows, out))
            *f = at;
        const ln_node *r = ln_rw_producer(g, at.signal, "Reshape"), *p = ln_rw_producer(g, at.signal, "Pad");
        const ln_node *m = ln_rw_producer(g, at.signal, "Mul");
        int32_t window;
        if (r && last_of(ln_rw_info(g, r->in[0])) == last_of(rows)) {
            at.signal = r->in[0];
        } else if (p && !padded && at.window < 0 && last_of(ln_rw_info(g, p->in[0])) > 0 && pads_end(g, p)) {
            at.signal = p->in[0], at.samples = last_of(ln_rw_info(g, at.signal)), padded = true;
        } else if (m && at.window < 0 && (window = window_of(g, m, at.samples, &at.signal)) >= 0) {
            at.window = window;
        } else {
            return;
        }
    }
}

static bool dft_frames(const ln_graph *g, const ln_node *n, const ln_info *out, ln_frames *f)
{
    const ln_info *x = ln_rw_info(g, n->in[0]);
    if (!ln_info_known(x) || x->rank < 2 || x->dims[x->rank - 1] != 1 || ln_node_attr_int(n, "onesided", 0) != 1 ||
        ln_node_attr_int(n, "inverse", 0) != 0)
        return false;
    int64_t axis = n->version < 20 ? ln_node_attr_int(n, "axis", 1) : -2;
    if (n->version >= 20 && ln_rw_in(n, 2) >= 0 && !ln_spectral_integer(g, ln_rw_in(n, 2), &axis))
        return false;
    if (axis != -2 && axis != x->rank - 2)
        return false;
    int64_t row = x->dims[x->rank - 2], length = row;
    if (ln_rw_in(n, 1) >= 0 && !ln_spectral_integer(g, ln_rw_in(n, 1), &length))
        return false;
    *f = (ln_frames){.length = length, .samples = row, .signal = n->in[0], .window = LN_NO_VALUE, .trailing_one = 1};
    ln_info squeezed = *x;
    squeezed.rank--;
    bool good = fits(&squeezed, out);
    int32_t start = f->signal;
    trace(g, n->in[0], out, f);
    if (f->samples > f->length)
        f->samples = f->length;
    return good || f->signal != start;
}

bool ln_spectral_frames(const ln_graph *g, const ln_node *n, const ln_info *out, ln_frames *f)
{
    if (!ln_info_known(out))
        return false;
    return ln_node_is(n, "STFT") ? stft_frames(g, n, f) : dft_frames(g, n, out, f);
}
