/* SPDX-License-Identifier: Apache-2.0
 *
 * The integer LSTM's run: nothing in it is a float. See qlinearlstm.h.
 */
#include <string.h>

#include "kernels/qgemm.h"
#include "ops/qlinearlstm.h"

/* -- functions ----------------------------------------------------------------------------------------------------- */

/* 2^16 * (sigmoid(k / 16) - 1/2); from 12 on that is 2^15. */
enum { TABLE_BITS = LN_QLSTM_SUM_BITS - 4, TABLE_END = 12 << LN_QLSTM_SUM_BITS };
static const uint16_t table[] = {
    0,     1024,  2045,  3063,  4075,  5079,  6073,  7056,  8025,  8980,  9919,  10840, 11743, 12625, 13486,
    14326, 15143, 15936, 16706, 17452, 18173, 18870, 19542, 20189, 20813, 21411, 21986, 22538, 23066, 23571,
    24054, 24516, 24956, 25376, 25776, 26157, 26519, 26864, 27191, 27502, 27797, 28076, 28341, 28592, 28830,
    29055, 29268, 29470, 29660, 29840, 30010, 30170, 30322, 30465, 30600, 30727, 30847, 30960, 31067, 31167,
    31262, 31351, 31435, 31515, 31589, 31659, 31726, 31788, 31846, 31901, 31953, 32002, 32048, 32091, 32132,
    32170, 32206, 32240, 32271, 32301, 32329, 32356, 32381, 32404, 32426, 32447, 32466, 32484, 32501, 32517,
    32532, 32547, 32560, 32573, 32584, 32596, 32606, 32616, 32625, 32634, 32642, 32649, 32657, 32663, 32670,
    32676, 32681, 32686, 32691, 32696, 32700, 32704, 32708, 32712, 32715, 32718, 32721, 32724, 32727, 32729,
    32732, 32734, 32736, 32738, 32740, 32741, 32743, 32745, 32746, 32747, 32749, 32750, 32751, 32752, 32753,
    32754, 32755, 32755, 32756, 32757, 32758, 32758, 32759, 32759, 32760, 32760, 32761, 32761, 32762, 32762,
    32762, 32763, 32763, 32763, 32764, 32764, 32764, 32764, 32765, 32765, 32765, 32765, 32765, 32766, 32766,
    32766, 32766, 32766, 32766, 32766, 32766, 32767, 32767, 32767, 32767, 32767, 32767, 32767, 32767, 32767,
    32767, 32767, 32767, 32767, 32767, 32767, 32767, 32767, 32767, 32768, 32768, 32768, 32768,
};

/* 2^16 * (sigmoid(z) - 1/2), which is odd: between two entries on a straight line. */
static int32_t half_sigmoid(int32_t z)
{
    int32_t a = z < 0 ? -z : z, y = 1 << 15;
    if (a < TABLE_END) {
        int32_t i = a >> TABLE_BITS, part = a & ((1 << TABLE_BITS) - 1);
        y = table[i] + (((table[i + 1] - table[i]) * part + (1 << (TABLE_BITS - 1))) >> TABLE_BITS);
    }
    return z < 0 ? -y : y;
}

/* With 16 bits behind the point; 1 is 2^16. */
static int32_t sigmoid(int32_t z)
{
    return (1 << 15) + half_sigmoid(z);
}

/* With 15 bits: 2 sigmoid(2 z) - 1. */
static int32_t hyperbolic_tangent(int32_t z)
{
    z = z > TABLE_END ? TABLE_END : z < -TABLE_END ? -TABLE_END : z;
    return half_sigmoid(2 * z);
}

static int32_t clamp(int64_t x, int32_t most)
{
    return x > most ? most : x < -most ? -most : (int32_t)x;
}

static int64_t scaled(int64_t x, const ln_qlstm_factor *f)
{
    return (x * f->mul + (INT64_C(1) << (f->shift - 1))) >> f->shift;
}

/* -- types of the cell --------------------------------------------------------------------------------------------- */

static int32_t cell_read(const void *c, int32_t type, int64_t i)
{
    switch (type) {
    case LINNET_INT8:
        return ((const int8_t *)c)[i];
    case LINNET_UINT8:
        return ((const uint8_t *)c)[i];
    case LINNET_INT16:
        return ((const int16_t *)c)[i];
    default:
        return ((const uint16_t *)c)[i];
    }
}

static int32_t limited(int64_t x, int32_t low, int32_t high)
{
    return x < low ? low : x > high ? high : (int32_t)x;
}

static void cell_write(void *c, int32_t type, int64_t i, int64_t x)
{
    switch (type) {
    case LINNET_INT8:
        ((int8_t *)c)[i] = (int8_t)limited(x, INT8_MIN, INT8_MAX);
        break;
    case LINNET_UINT8:
        ((uint8_t *)c)[i] = (uint8_t)limited(x, 0, UINT8_MAX);
        break;
    case LINNET_INT16:
        ((int16_t *)c)[i] = (int16_t)limited(x, INT16_MIN, INT16_MAX);
        break;
    default:
        ((uint16_t *)c)[i] = (uint16_t)limited(x, 0, UINT16_MAX);
    }
}

/* -- a direction --------------------------------------------------------------------------------------------------- */

typedef struct direction {
    const ln_qlstm_params *p;
    const ln_args *a;
    int64_t d;
    const ln_qlstm_factor *w, *r;
    const int32_t *bias, *peephole;
    const int32_t *lens;
    int32_t *cell, *sums_r, *sums_x;
    uint8_t *h;
} direction;

/* Rows [0, m) of k bytes, `stride` apart, times the packed weights. */
static void multiply(int32_t *sums, const uint8_t *x, int64_t m, int64_t k, int64_t stride, int64_t n,
                     const char *packed, int32_t zero, int32_t flip, bool row_sums)
{
    enum { ROWS = 16 };
    const ln_qgemm_tile *tile = LN_D(qgemm);
    const uint8_t *rows[ROWS];
    int32_t of_rows[ROWS];
    ln_qgemm_args g = {.k = (size_t)k,
                       .segments = 1,
                       .c_stride = (size_t)n,
                       .flip = (uint32_t)flip,
                       .a_zero = zero,
                       .out = LN_QGEMM_I32};
    for (int64_t row = 0; row < m; row += ROWS) {
        size_t count = (size_t)(m - row < ROWS ? m - row : ROWS);
        g.a_stride = count;
        for (size_t i = 0; i < count; i++)
            rows[i] = x + (row + (int64_t)i) * stride;
        if (row_sums) {
            ln_qgemm_row_sums(of_rows, rows, count, &g);
            g.row_sum = of_rows;
        }
        ln_qgemm(sums + row * n, rows, packed, count, (size_t)n, 0, ((size_t)n + tile->nr - 1) / tile->nr, tile, &g);
    }
}

enum { GATE_I, GATE_O, GATE_F, GATE_C };

/* The sum of gate g of cell j before its function, without a peephole: x, r are those of a row. */
static int32_t sum_of(const direction *s, const int32_t *x, const int32_t *r, int64_t j)
{
    const int32_t most = (1 << 29) - 1;
    const ln_qlstm_params *p = s->p;
    return clamp(scaled(x[j], s->w + j * p->w_step), most) + clamp(scaled(r[j], s->r + j * p->r_step), most) +
           s->bias[j];
}

static int32_t peep(const direction *s, int32_t sum, int32_t which, int64_t j, int32_t cell)
{
    if (!s->peephole)
        return sum;
    int64_t more = (int64_t)cell * s->peephole[which * s->p->rnn.hidden + j];
    return sum + clamp(more >> LN_QLSTM_CELL_BITS, (1 << 29) - 1);
}

/* A step of one row: x, r are its sums, cell and h its state. */
static void step(const direction *s, const int32_t *x, const int32_t *r, int32_t *cell, uint8_t *h)
{
    const ln_qlstm_params *p = s->p;
    const int64_t n = p->rnn.hidden;
    const int32_t low = p->h_flip ? INT8_MIN : 0, clip = p->clip_sum;
    for (int64_t j = 0; j < n; j++) {
        int32_t c = cell[j];
        int32_t i = sigmoid(clamp(peep(s, sum_of(s, x, r, GATE_I * n + j), 0, j, c), clip));
        int32_t f = (1 << 16) - i;
        if (!p->rnn.input_forget)
            f = sigmoid(clamp(peep(s, sum_of(s, x, r, GATE_F * n + j), 2, j, c), clip));
        int32_t g = hyperbolic_tangent(clamp(sum_of(s, x, r, GATE_C * n + j), clip));
        int64_t next = (int64_t)f * c + (int64_t)i * g * (1 << (LN_QLSTM_CELL_BITS - 15));
        c = clamp((next + (1 << 15)) >> 16, INT32_MAX);
        cell[j] = c;
        int32_t o = sigmoid(clamp(peep(s, sum_of(s, x, r, GATE_O * n + j), 1, j, c), clip));
        int32_t t = hyperbolic_tangent(clamp(c, p->clip_cell) >> (LN_QLSTM_CELL_BITS - LN_QLSTM_SUM_BITS));
        h[j] = (uint8_t)limited(scaled((int64_t)o * t, &p->h_out) + p->h_zero, low, low + 255);
    }
}

/* Where direction d of batch b is in initial_h, initial_c, Y_h, Y_c. */
static int64_t state_at(const direction *s, int64_t b)
{
    const ln_rnn_params *r = &s->p->rnn;
    return (r->layout ? b * r->directions + s->d : s->d * r->batch + b) * r->hidden;
}

static void begin(const direction *s)
{
    const ln_qlstm_params *p = s->p;
    const ln_rnn_params *r = &p->rnn;
    size_t n = (size_t)r->hidden;
    for (int64_t b = 0; b < r->batch; b++) {
        int32_t *cell = s->cell + b * r->hidden;
        if (r->in_h >= 0)
            memcpy(s->h + b * r->hidden, (const uint8_t *)s->a->in[r->in_h] + state_at(s, b), n);
        else
            memset(s->h + b * r->hidden, p->h_zero, n);
        for (int64_t j = 0; j < r->hidden; j++) {
            cell[j] = 0;
            if (r->in_c >= 0) {
                int32_t q = cell_read(s->a->in[r->in_c], p->c_type, state_at(s, b) + j) - p->c_zero;
                cell[j] = clamp(scaled(q, &p->c_in), INT32_MAX);
            }
        }
    }
}

static void end(const direction *s)
{
    const ln_qlstm_params *p = s->p;
    const ln_rnn_params *r = &p->rnn;
    for (int64_t b = 0; b < r->batch; b++) {
        if (r->outputs > 1 && s->a->out[1])
            memcpy((uint8_t *)s->a->out[1] + state_at(s, b), s->h + b * r->hidden, (size_t)r->hidden);
        if (r->outputs > 2 && s->a->out[2])
            for (int64_t j = 0; j < r->hidden; j++)
                cell_write(s->a->out[2], p->c_type, state_at(s, b) + j,
                           scaled(s->cell[b * r->hidden + j], &p->c_out) + p->c_zero);
    }
}

/* The input's sums of `count` steps from time t on. */
static void input_sums(const direction *s, int64_t t, int64_t count)
{
    const ln_qlstm_params *p = s->p;
    const ln_rnn_params *r = &p->rnn;
    const char *packed = (const char *)s->a->packed + s->d * p->w_bytes;
    const uint8_t *x = s->a->in[0];
    int64_t n = 4 * r->hidden, k = r->inputs;
    if (!r->layout) {
        multiply(s->sums_x, x + t * r->batch * k, count * r->batch, k, k, n, packed, p->x_zero, p->x_flip, p->sums_w);
        return;
    }
    for (int64_t i = 0; i < count; i++)
        multiply(s->sums_x + i * r->batch * n, x + (t + i) * k, r->batch, k, r->times * k, n, packed, p->x_zero,
                 p->x_flip, p->sums_w);
}

static void run_direction(const direction *s)
{
    const ln_qlstm_params *p = s->p;
    const ln_rnn_params *r = &p->rnn;
    const char *recurrent = (const char *)s->a->packed + r->directions * p->w_bytes + s->d * p->r_bytes;
    bool reverse = r->direction == LN_RNN_REVERSE || s->d == 1;
    uint8_t *y = r->outputs > 0 ? s->a->out[0] : NULL;
    int64_t n = 4 * r->hidden, first = 0, last = 0;
    begin(s);
    for (int64_t k = 0; k < r->times; k++) {
        int64_t t = reverse ? r->times - 1 - k : k;
        if (k == last) {
            last = k + p->block < r->times ? k + p->block : r->times;
            first = reverse ? r->times - last : k;
            input_sums(s, first, last - k);
        }
        multiply(s->sums_r, s->h, r->batch, r->hidden, r->hidden, n, recurrent, p->h_zero + (p->h_flip ? 128 : 0),
                 p->h_flip, p->sums_r);
        for (int64_t b = 0; b < r->batch; b++) {
            uint8_t *h = s->h + b * r->hidden;
            bool over = s->lens && t >= s->lens[b];
            if (!over)
                step(s, s->sums_x + ((t - first) * r->batch + b) * n, s->sums_r + b * n, s->cell + b * r->hidden, h);
            if (!y)
                continue;
            uint8_t *to = y + (r->layout ? (b * r->times + t) * r->directions + s->d
                                         : (t * r->directions + s->d) * r->batch + b) *
                                  r->hidden;
            if (over)
                memset(to, p->h_zero, (size_t)r->hidden);
            else
                memcpy(to, h, (size_t)r->hidden);
        }
    }
    end(s);
}

static void run_directions(void *arg, int32_t worker, int64_t begin_, int64_t end_)
{
    const ln_args *a = arg;
    const ln_qlstm_params *p = a->params;
    const char *packed = a->packed;
    (void)worker;
    for (int64_t d = begin_; d < end_; d++) {
        uintptr_t scratch = (uintptr_t)a->scratch + (uintptr_t)(d * p->scratch_bytes);
        direction s = {.p = p,
                       .a = a,
                       .d = d,
                       .w = (const ln_qlstm_factor *)(const void *)(packed + p->at_w) + d * p->w_direction,
                       .r = (const ln_qlstm_factor *)(const void *)(packed + p->at_r) + d * p->r_direction,
                       .bias = (const int32_t *)(const void *)(packed + p->at_bias) + d * 4 * p->rnn.hidden,
                       .lens = p->rnn.in_lens < 0 ? NULL : a->in[p->rnn.in_lens],
                       .cell = (int32_t *)scratch,
                       .h = (uint8_t *)(scratch + (uintptr_t)p->at_h),
                       .sums_r = (int32_t *)(scratch + (uintptr_t)p->at_sums_r),
                       .sums_x = (int32_t *)(scratch + (uintptr_t)p->at_sums_x)};
        if (p->at_peephole >= 0)
            s.peephole = (const int32_t *)(const void *)(packed + p->at_peephole) + d * 3 * p->rnn.hidden;
        run_direction(&s);
    }
}

LN_RUN(ln_qlinearlstm)
{
    const ln_qlstm_params *p = a->params;
    const ln_rnn_params *r = &p->rnn;
    LN_TRY(ln_rnn_check_lens(a, r));
    double products = 4 * (double)r->hidden * (double)(r->times * r->batch) * (double)(r->inputs + r->hidden);
    ln_parallel(a, r->directions, products * 0.02, run_directions, (void *)(uintptr_t)a);
    return LINNET_OK;
}
