/* SPDX-License-Identifier: Apache-2.0
 *
 * Copies a box of elements between two strided layouts: what Transpose, Slice, Expand, Tile, DepthToSpace and the like
 * come down to. A description is made once (dimensions are merged, a way is chosen) and run any number of times, in
 * parts where threads share it. Elements are bytes of some size here; their type does not matter.
 */
#ifndef LN_KERNELS_MOVE_H
#define LN_KERNELS_MOVE_H

#include <stddef.h>
#include <stdint.h>

enum { LN_MOVE_RANK = 16 };

typedef enum ln_move_way {
    LN_MOVE_FLAT,  /* one run of bytes */
    LN_MOVE_RUNS,  /* runs of bytes */
    LN_MOVE_TILES, /* the innermost dimension of y is not that of x: blocked transposition of the last two */
    LN_MOVE_EMPTY
} ln_move_way;

/* Outer dimensions first. Strides and offsets are in bytes; a stride of x may be 0 or negative. */
typedef struct ln_move {
    int64_t y_offset, x_offset;
    int64_t parts; /* units of work: a range of them may be run by itself */
    int64_t block; /* indices of dimension `cut` that a part covers */
    int64_t size;  /* bytes of an element, or of a run */
    int32_t rank, cut, way, pad;
    int64_t dims[LN_MOVE_RANK], y[LN_MOVE_RANK], x[LN_MOVE_RANK];
} ln_move;

/* Describes y[i0 * ys[0] + i1 * ys[1] + ...] = x[i0 * xs[0] + ...] over all i. rank <= LN_MOVE_RANK, dims >= 0, strides
 * in elements of `size` bytes, ys ordered such that the last is the densest. The buffers do not overlap. */
void ln_move_make(ln_move *m, int32_t rank, const int64_t *dims, const int64_t *ys, const int64_t *xs, size_t size);

/* The same for one run of bytes. */
void ln_move_make_flat(ln_move *m, int64_t bytes);

/* Runs the parts [begin, end) of m->parts. */
void ln_move_run(const ln_move *m, void *y, const void *x, int64_t begin, int64_t end);

/* Row-major strides in elements. */
void ln_strides(int32_t rank, const int64_t *dims, int64_t *strides);

/* y[i] = *value for n elements of `size` bytes. */
void ln_fill(void *y, const void *value, size_t size, int64_t n);

/* y[i] = x[i * step], n elements of `size` bytes, step (of any sign) in bytes. */
void ln_gather_step(void *y, const void *x, int64_t step, size_t size, int64_t n);

#endif
