/* SPDX-License-Identifier: Apache-2.0
 *
 * Strided copies, see move.h. Dimensions that lie the same way in both layouts are merged first, so that most copies
 * come down to runs of bytes or to a transposition of two dimensions. A plane (the last two dimensions) is done by one
 * typed loop; the dimensions before it are counted through.
 */
#include "kernels/move.h"

#include <stdbool.h>
#include <string.h>

#include "kernels/kernels.h"

/* Bytes that a part should move at least, and elements of a side of a transposed tile. */
enum { PART = 1 << 14, TILE = 16 };

void ln_strides(int32_t rank, const int64_t *dims, int64_t *strides)
{
    uint64_t s = 1; /* may wrap where another dimension is 0 */
    for (int32_t i = rank - 1; i >= 0; i--) {
        strides[i] = (int64_t)s;
        s *= (uint64_t)dims[i];
    }
}

/* -- making -------------------------------------------------------------------------------------------------------- */

void ln_move_make_flat(ln_move *m, int64_t bytes)
{
    memset(m, 0, sizeof *m);
    m->way = bytes ? LN_MOVE_FLAT : LN_MOVE_EMPTY;
    m->size = bytes;
    m->block = PART;
    m->parts = (bytes + PART - 1) / PART;
}

static void append(ln_move *m, int64_t dim, int64_t y, int64_t x)
{
    int32_t r = m->rank;
    if (dim == 1)
        return;
    if (r > 0 && m->y[r - 1] == y * dim && m->x[r - 1] == x * dim) {
        m->dims[r - 1] *= dim;
        m->y[r - 1] = y;
        m->x[r - 1] = x;
        return;
    }
    m->dims[r] = dim;
    m->y[r] = y;
    m->x[r] = x;
    m->rank++;
}

static bool typed(int64_t size)
{
    return size == 1 || size == 2 || size == 4 || size == 8 || size == 16;
}

/* Moves the dimension in which x is dense before the last one, in which y is. */
static void find_tiles(ln_move *m)
{
    int32_t last = m->rank - 1;
    if (last < 1 || !typed(m->size) || m->y[last] != m->size || m->x[last] == m->size || m->x[last] == 0)
        return;
    int32_t k = last - 1;
    while (k >= 0 && m->x[k] != m->size)
        k--;
    if (k < 0)
        return;
    int64_t d = m->dims[k], y = m->y[k], x = m->x[k];
    for (; k < last - 1; k++) {
        m->dims[k] = m->dims[k + 1];
        m->y[k] = m->y[k + 1];
        m->x[k] = m->x[k + 1];
    }
    m->dims[k] = d;
    m->y[k] = y;
    m->x[k] = x;
    m->way = LN_MOVE_TILES;
}

void ln_move_make(ln_move *m, int32_t rank, const int64_t *dims, const int64_t *ys, const int64_t *xs, size_t size)
{
    memset(m, 0, sizeof *m);
    m->way = LN_MOVE_EMPTY;
    for (int32_t i = 0; i < rank; i++)
        if (dims[i] == 0)
            return;
    m->way = LN_MOVE_RUNS;
    m->size = (int64_t)size;
    for (int32_t i = 0; i < rank; i++)
        append(m, dims[i], ys[i] * m->size, xs[i] * m->size);
    if (m->rank > 0 && m->y[m->rank - 1] == m->size && m->x[m->rank - 1] == m->size)
        m->size *= m->dims[--m->rank];
    if (m->rank == 0) {
        ln_move_make_flat(m, m->size);
        return;
    }
    find_tiles(m);
    m->cut = m->rank > 1 ? m->rank - 2 : 0;
    int64_t bytes = m->size, outer = 1;
    for (int32_t i = 0; i < m->rank; i++)
        if (i > m->cut)
            bytes *= m->dims[i];
        else if (i < m->cut)
            outer *= m->dims[i];
    m->block = PART / bytes;
    if (m->way == LN_MOVE_TILES)
        m->block = (m->block + TILE - 1) / TILE * TILE;
    if (m->block < 1)
        m->block = 1;
    m->parts = outer * ((m->dims[m->cut] + m->block - 1) / m->block);
}

/* -- planes -------------------------------------------------------------------------------------------------------- */

typedef struct wide {
    uint64_t a, b;
} wide;

#define T uint8_t
#define F(name) name##_1
#include "kernels/move_type.inc"
#define T uint16_t
#define F(name) name##_2
#include "kernels/move_type.inc"
#define T uint32_t
#define F(name) name##_4
#include "kernels/move_type.inc"
#define T uint64_t
#define F(name) name##_8
#include "kernels/move_type.inc"
#define T wide
#define F(name) name##_16
#include "kernels/move_type.inc"

static void plane_bytes(char *y, const char *x, size_t size, int64_t rows, int64_t yr, int64_t xr, int64_t cols,
                        int64_t yc, int64_t xc)
{
    for (int64_t r = 0; r < rows; r++)
        for (int64_t c = 0; c < cols; c++)
            memcpy(y + r * yr + c * yc, x + r * xr + c * xc, size);
}

/* 32-bit elements that are aligned as such go by kernels: pairs taken apart or woven, or blocks. */
static bool tiles_u32(char *y, const char *x, int64_t rows, int64_t yr, int64_t cols, int64_t xc)
{
    if ((((uintptr_t)y | (uintptr_t)x | (uint64_t)yr | (uint64_t)xc) & 3) || yr < 0 || xc < 0)
        return false;
    if (rows == 2 && xc == 8) {
        LN_K(unzip_u32)
        ((uint32_t *)(void *)y, (uint32_t *)(void *)(y + yr), (const uint32_t *)(const void *)x, (size_t)cols);
        return true;
    }
    if (cols == 2 && yr == 8) {
        LN_K(zip_u32)
        ((uint32_t *)(void *)y, (const uint32_t *)(const void *)x, (const uint32_t *)(const void *)(x + xc),
         (size_t)rows);
        return true;
    }
    LN_K(transpose_f32)
    ((float *)(void *)y, (size_t)yr / 4, (const float *)(const void *)x, (size_t)xc / 4, (size_t)cols, (size_t)rows);
    return true;
}

static bool tiles_u8(char *y, const char *x, int64_t rows, int64_t yr, int64_t cols, int64_t xc)
{
    if (yr < 0 || xc < 0)
        return false;
    LN_K(transpose_u8)((uint8_t *)y, (size_t)yr, (const uint8_t *)x, (size_t)xc, (size_t)cols, (size_t)rows);
    return true;
}

/* Rows of every second 32-bit element. */
static bool every_second_u32(char *y, const char *x, int64_t rows, int64_t yr, int64_t xr, int64_t cols)
{
    if (((uintptr_t)y | (uintptr_t)x | (uint64_t)yr | (uint64_t)xr) & 3)
        return false;
    ln_UNZIP_U32 *unzip = LN_K(unzip_u32);
    for (int64_t r = 0; r < rows; r++)
        unzip((uint32_t *)(void *)(y + r * yr), NULL, (const uint32_t *)(const void *)(x + r * xr), (size_t)cols);
    return true;
}

static void plane(const ln_move *m, char *y, const char *x, int64_t rows, int64_t yr, int64_t xr, int64_t cols)
{
    int64_t yc = m->y[m->rank - 1], xc = m->x[m->rank - 1];
    bool tiles = m->way == LN_MOVE_TILES;
    switch (m->size) {
    case 1:
        if (!tiles || !tiles_u8(y, x, rows, yr, cols, xc))
            (tiles ? tiles_1 : plane_1)(y, x, rows, yr, xr, cols, yc, xc);
        break;
    case 2:
        (tiles ? tiles_2 : plane_2)(y, x, rows, yr, xr, cols, yc, xc);
        break;
    case 4:
        if (tiles ? !tiles_u32(y, x, rows, yr, cols, xc)
                  : !(yc == 4 && xc == 8 && every_second_u32(y, x, rows, yr, xr, cols)))
            (tiles ? tiles_4 : plane_4)(y, x, rows, yr, xr, cols, yc, xc);
        break;
    case 8:
        (tiles ? tiles_8 : plane_8)(y, x, rows, yr, xr, cols, yc, xc);
        break;
    case 16:
        (tiles ? tiles_16 : plane_16)(y, x, rows, yr, xr, cols, yc, xc);
        break;
    default:
        plane_bytes(y, x, (size_t)m->size, rows, yr, xr, cols, yc, xc);
    }
}

void ln_move_run(const ln_move *m, void *to, const void *from, int64_t begin, int64_t end)
{
    char *y = (char *)to + m->y_offset;
    const char *x = (const char *)from + m->x_offset;
    if (begin >= end || m->way == LN_MOVE_EMPTY)
        return;
    if (m->way == LN_MOVE_FLAT) {
        int64_t first = begin * m->block, last = end * m->block < m->size ? end * m->block : m->size;
        memcpy(y + first, x + first, (size_t)(last - first));
        return;
    }
    int32_t cut = m->cut;
    int64_t blocks = (m->dims[cut] + m->block - 1) / m->block;
    int64_t at = begin % blocks, outer = begin / blocks, index[LN_MOVE_RANK];
    for (int32_t i = cut - 1; i >= 0; i--) {
        index[i] = outer % m->dims[i];
        outer /= m->dims[i];
        y += index[i] * m->y[i];
        x += index[i] * m->x[i];
    }
    for (int64_t part = begin; part < end;) {
        /* All parts of this plane that are ours at once. */
        int64_t n = blocks - at < end - part ? blocks - at : end - part;
        int64_t lo = at * m->block, hi = (at + n) * m->block;
        hi = hi < m->dims[cut] ? hi : m->dims[cut];
        char *yp = y + lo * m->y[cut];
        const char *xp = x + lo * m->x[cut];
        if (cut == m->rank - 1)
            plane(m, yp, xp, 1, 0, 0, hi - lo);
        else
            plane(m, yp, xp, hi - lo, m->y[cut], m->x[cut], m->dims[m->rank - 1]);
        part += n;
        at = 0;
        for (int32_t i = cut - 1; i >= 0; i--) {
            y += m->y[i];
            x += m->x[i];
            if (++index[i] < m->dims[i])
                break;
            y -= m->dims[i] * m->y[i];
            x -= m->dims[i] * m->x[i];
            index[i] = 0;
        }
    }
}

/* -- runs ---------------------------------------------------------------------------------------------------------- */

void ln_fill(void *y, const void *value, size_t size, int64_t n)
{
    switch (size) {
    case 1:
        if (n > 0)
            memset(y, *(const unsigned char *)value, (size_t)n);
        break;
    case 2:
        row_2(y, value, n, 2, 0);
        break;
    case 4:
        row_4(y, value, n, 4, 0);
        break;
    case 8:
        row_8(y, value, n, 8, 0);
        break;
    case 16:
        row_16(y, value, n, 16, 0);
        break;
    default:
        plane_bytes(y, value, size, 1, 0, 0, n, (int64_t)size, 0);
    }
}

void ln_gather_step(void *y, const void *x, int64_t step, size_t size, int64_t n)
{
    switch (size) {
    case 1:
        row_1(y, x, n, 1, step);
        break;
    case 2:
        row_2(y, x, n, 2, step);
        break;
    case 4:
        row_4(y, x, n, 4, step);
        break;
    case 8:
        row_8(y, x, n, 8, step);
        break;
    case 16:
        row_16(y, x, n, 16, step);
        break;
    default:
        plane_bytes(y, x, size, 1, 0, 0, n, (int64_t)size, step);
    }
}
