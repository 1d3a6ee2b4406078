/* SPDX-License-Identifier: Apache-2.0
 *
 * Resizing, and moving blocks between space and channels or batch. Blocks are reshaped and transposed where they lie,
 * channels last.
 */
#include <string.h>

#include "tools/tflite/operators.h"

/* -- RESIZE ----------------------------------------------------------------------------------------------------------
 */

/* All four sizes in ONNX's order: constants where they can be. */
static int32_t sizes(ln_tfl_op *o, int32_t image)
{
    const ln_tfl_tensor *x = ln_tfl_in(o, 0);
    int64_t size[4] = {x->dims[0], x->dims[3]};
    if (ln_tfl_ints(o, 1, size + 2, 2) == 2 && size[0] >= 0 && size[1] >= 0)
        return ln_tfl_const_ints(o, 4, size);
    int32_t first = ln_tfl_node(o, "Shape", LN_INS(image), LN_ATTRS(ln_tfl_attr_int("end", 2)));
    return ln_tfl_concat(o, 0, 2, (int32_t[]){first, ln_tfl_int64(o, 1)});
}

/* Nearest neighbours: TensorFlow rounds down, or halves up where corners are aligned; half-pixel centres rounded down
 * are ONNX's rounded to the nearest, halves up. */
void ln_tfl_resize(ln_tfl_op *o)
{
    bool linear = o->row->code == 23;
    bool corners = ln_tfl_option(o, linear ? 2 : 0, 1, 0), half = ln_tfl_option(o, linear ? 3 : 1, 1, 0);
    if (ln_tfl_in(o, 0)->rank != 4 || (corners && half)) {
        ln_tfl_fail(o, LINNET_ERR_MODEL, "an image of %d dimensions, or corners and centres both",
                    ln_tfl_in(o, 0)->rank);
        return;
    }
    ln_attr attrs[3] = {ln_tfl_attr_text("mode", linear ? "linear" : "nearest"),
                        ln_tfl_attr_text("coordinate_transformation_mode", corners ? "align_corners"
                                                                           : half  ? "half_pixel"
                                                                                   : "asymmetric"),
                        ln_tfl_attr_text("nearest_mode", corners || half ? "round_prefer_ceil" : "floor")};
    int32_t image = ln_tfl_image(o, 0), in[4] = {image, LN_NO_VALUE, LN_NO_VALUE, sizes(o, image)};
    ln_tfl_set_image(o, ln_tfl_node(o, "Resize", 4, in, linear ? 2 : 3, attrs), ACT_NONE);
}

/* -- channels --------------------------------------------------------------------------------------------------------
 */

/* Height, width and channels of input 0, which must be fixed. */
static bool fixed_image(ln_tfl_op *o, int64_t *h, int64_t *w, int64_t *c)
{
    const ln_tfl_tensor *x = ln_tfl_in(o, 0);
    *h = x->rank == 4 ? x->dims[1] : -1;
    *w = x->rank == 4 ? x->dims[2] : -1;
    *c = x->rank == 4 ? x->dims[3] : -1;
    if (*h < 1 || *w < 1 || *c < 1)
        ln_tfl_fail(o, LINNET_ERR_UNSUPPORTED, "an image whose size is open");
    return ln_tfl_ok(o);
}

void ln_tfl_depth_to_space(ln_tfl_op *o)
{
    int64_t b = ln_tfl_option(o, 0, 4, 0), h, w, c;
    if (!fixed_image(o, &h, &w, &c))
        return;
    if (b < 1 || b > INT16_MAX || c % (b * b)) {
        ln_tfl_fail(o, LINNET_ERR_MODEL, "blocks of %lld in %lld channels", (long long)b, (long long)c);
        return;
    }
    int64_t d = c / (b * b);
    int32_t v = ln_tfl_reshape(o, ln_tfl_stored(o, 0), 6, (int64_t[]){-1, h, w, b, b, d});
    v = ln_tfl_transpose(o, v, 6, (int64_t[]){0, 1, 3, 2, 4, 5});
    ln_tfl_set_stored(o, 0, ln_tfl_reshape(o, v, 4, (int64_t[]){-1, h * b, w * b, d}));
}

void ln_tfl_space_to_depth(ln_tfl_op *o)
{
    int64_t b = ln_tfl_option(o, 0, 4, 0), h, w, c;
    if (!fixed_image(o, &h, &w, &c))
        return;
    if (b < 1 || b > INT16_MAX || h % b || w % b || c > INT32_MAX) {
        ln_tfl_fail(o, LINNET_ERR_MODEL, "blocks of %lld in %lld x %lld", (long long)b, (long long)h, (long long)w);
        return;
    }
    int32_t v = ln_tfl_reshape(o, ln_tfl_stored(o, 0), 6, (int64_t[]){-1, h / b, b, w / b, b, c});
    v = ln_tfl_transpose(o, v, 6, (int64_t[]){0, 1, 3, 2, 4, 5});
    ln_tfl_set_stored(o, 0, ln_tfl_reshape(o, v, 4, (int64_t[]){-1, h / b, w / b, b * b * c}));
}

/* -- batch -----------------------------------------------------------------------------------------------------------
 */

enum { MOST_BLOCKED = 2 };

typedef struct blocks {
    int32_t n, rank; /* blocked dimensions, which follow the batch */
    int64_t size[MOST_BLOCKED], edge[2 * MOST_BLOCKED], dims[LINNET_MAX_RANK], product;
} blocks;

static bool read_blocks(ln_tfl_op *o, blocks *b)
{
    const ln_tfl_tensor *x = ln_tfl_in(o, 0);
    b->n = ln_tfl_need_ints(o, 1, b->size, MOST_BLOCKED);
    b->rank = x->rank;
    b->product = 1;
    if (ln_tfl_need_ints(o, 2, b->edge, 2 * MOST_BLOCKED) != 2 * b->n || b->rank < b->n + 1 || b->rank > 4)
        ln_tfl_fail(o, LINNET_ERR_MODEL, "blocks of %d dimensions of %d", b->n, b->rank);
    for (int32_t i = 0; i < b->rank && ln_tfl_ok(o); i++) {
        b->dims[i] = x->dims[i];
        if (i && (x->dims[i] < 1 || x->dims[i] > INT32_MAX))
            ln_tfl_fail(o, LINNET_ERR_UNSUPPORTED, "dimension %d is open", i);
    }
    for (int32_t i = 0; i < b->n && ln_tfl_ok(o); i++) {
        if (b->size[i] < 1 || b->size[i] > INT16_MAX || b->edge[2 * i] < 0 || b->edge[2 * i + 1] < 0 ||
            b->edge[2 * i] > INT32_MAX || b->edge[2 * i + 1] > INT32_MAX)
            ln_tfl_fail(o, LINNET_ERR_MODEL, "a block of %lld, or an edge below 0", (long long)b->size[i]);
        b->product *= b->size[i];
    }
    return ln_tfl_ok(o);
}

void ln_tfl_space_to_batch(ln_tfl_op *o)
{
    blocks b;
    const ln_tfl_tensor *x = ln_tfl_in(o, 0);
    if (!read_blocks(o, &b))
        return;
    int64_t pads[2 * LINNET_MAX_RANK] = {0}, cut[LINNET_MAX_RANK] = {-1}, perm[LINNET_MAX_RANK], flat[LINNET_MAX_RANK];
    int32_t n = 1, m = 0;
    bool padded = false;
    for (int32_t i = 0; i < b.n; i++) {
        pads[1 + i] = b.edge[2 * i];
        pads[b.rank + 1 + i] = b.edge[2 * i + 1];
        padded = padded || pads[1 + i] || pads[b.rank + 1 + i];
        b.dims[1 + i] += b.edge[2 * i] + b.edge[2 * i + 1];
        if (b.dims[1 + i] % b.size[i]) {
            ln_tfl_fail(o, LINNET_ERR_MODEL, "blocks of %lld in %lld", (long long)b.size[i], (long long)b.dims[1 + i]);
            return;
        }
        cut[n++] = b.dims[1 + i] / b.size[i];
        cut[n++] = b.size[i];
    }
    for (int32_t i = 0; i < b.n; i++)
        perm[m++] = 2 + 2 * i;
    perm[m++] = 0;
    flat[0] = -1;
    for (int32_t i = 0; i < b.n; i++)
        perm[m++] = 1 + 2 * i, flat[1 + i] = b.dims[1 + i] / b.size[i];
    for (int32_t i = 1 + b.n; i < b.rank; i++)
        perm[m++] = n, cut[n++] = b.dims[i], flat[i] = b.dims[i];
    int32_t v = ln_tfl_stored(o, 0), with = LN_NO_VALUE;
    if (ln_tfl_quantised(x))
        with = ln_tfl_scalar(o, x->type, (double)ln_tfl_zero(o, x, 0));
    if (padded)
        v = LN_NODE(o, "Pad", v, ln_tfl_const_ints(o, 2 * b.rank, pads), with);
    v = ln_tfl_transpose(o, ln_tfl_reshape(o, v, n, cut), n, perm);
    ln_tfl_set_stored(o, 0, ln_tfl_reshape(o, v, b.rank, flat));
}

void ln_tfl_batch_to_space(ln_tfl_op *o)
{
    blocks b;
    if (!read_blocks(o, &b))
        return;
    int64_t cut[LINNET_MAX_RANK], perm[LINNET_MAX_RANK], flat[LINNET_MAX_RANK] = {-1};
    int32_t n = 0, m = 0;
    for (int32_t i = 0; i < b.n; i++)
        cut[n++] = b.size[i];
    cut[n++] = -1;
    for (int32_t i = 1; i < b.rank; i++)
        cut[n++] = b.dims[i], flat[i] = b.dims[i] * (i <= b.n ? b.size[i - 1] : 1);
    perm[m++] = b.n;
    for (int32_t i = 0; i < b.n; i++)
        perm[m++] = b.n + 1 + i, perm[m++] = i;
    for (int32_t i = 1 + b.n; i < b.rank; i++)
        perm[m++] = b.n + i;
    int32_t v = ln_tfl_transpose(o, ln_tfl_reshape(o, ln_tfl_stored(o, 0), n, cut), n, perm);
    v = ln_tfl_reshape(o, v, b.rank, flat);
    for (int32_t i = 0; i < b.n; i++)
        if (b.edge[2 * i] || b.edge[2 * i + 1])
            v = ln_tfl_slice(o, v, 1 + i, b.edge[2 * i], flat[1 + i] - b.edge[2 * i + 1]);
    ln_tfl_set_stored(o, 0, v);
}
