/* SPDX-License-Identifier: Apache-2.0
 *
 * Real transforms of 128 floats, each in eight vector registers from its input to its output: 64 complex numbers in
 * four vectors of real and four of imaginary parts, and three stages of radix 4, over the vectors, over the quarters of
 * a vector and over the numbers of a quarter, between which the vectors are transposed. Bin k0 + 4 k1 + 16 k2 ends in
 * vector k2 at 4 k0 + k1, which the tables and the last permutations respect.
 *
 * Two transforms are done at once, one some steps behind the other. Frames that overlap are read from a copy of the
 * signal in which real and imaginary parts (samples 2e and 2e + 1) lie apart already.
 *
 * in_registers says for which jobs; products are fused with sums.
 */
#define FFT_REGISTERS

/* Where number m of the 16 of a vector is at the end. */
#define PLACE(m) (4 * ((m)&3) + ((m) >> 2))
/* Numbers m .. m + 7 d, their real and imaginary parts in turn. */
#define PAIRS(m, d)                                                                                                    \
    _mm512_setr_epi32(PLACE(m), 16 + PLACE(m), PLACE(m + d), 16 + PLACE(m + d), PLACE(m + 2 * (d)),                    \
                      16 + PLACE(m + 2 * (d)), PLACE(m + 3 * (d)), 16 + PLACE(m + 3 * (d)), PLACE(m + 4 * (d)),        \
                      16 + PLACE(m + 4 * (d)), PLACE(m + 5 * (d)), 16 + PLACE(m + 5 * (d)), PLACE(m + 6 * (d)),        \
                      16 + PLACE(m + 6 * (d)), PLACE(m + 7 * (d)), 16 + PLACE(m + 7 * (d)))

static inline __attribute__((always_inline)) void four(V *r, V *i)
{
    V acr = ADD(r[0], r[2]), aci = ADD(i[0], i[2]), acr_ = SUB(r[0], r[2]), aci_ = SUB(i[0], i[2]);
    V bdr = ADD(r[1], r[3]), bdi = ADD(i[1], i[3]), bdr_ = SUB(r[1], r[3]), bdi_ = SUB(i[1], i[3]);
    r[0] = ADD(acr, bdr), i[0] = ADD(aci, bdi);
    r[1] = ADD(acr_, bdi_), i[1] = SUB(aci_, bdr_);
    r[2] = SUB(acr, bdr), i[2] = SUB(aci, bdi);
    r[3] = SUB(acr_, bdi_), i[3] = ADD(aci_, bdr_);
}

/* Vectors 1 to 3 by the factors at w: 16 real, 16 imaginary parts of each. */
static inline __attribute__((always_inline)) void turn(V *r, V *i, const T *w)
{
#pragma GCC unroll 3
    for (int k = 1; k < 4; k++, w += 32) {
        V wr = LD(w), wi = LD(w + 16), t = r[k];
        r[k] = _mm512_fmsub_ps(t, wr, MUL(i[k], wi));
        i[k] = _mm512_fmadd_ps(t, wi, MUL(i[k], wr));
    }
}

/* Quarter j of vector k becomes quarter k of vector j. */
static inline __attribute__((always_inline)) void swap_quarters(V *x)
{
    V a = _mm512_shuffle_f32x4(x[0], x[1], 0x44), b = _mm512_shuffle_f32x4(x[0], x[1], 0xee);
    V c = _mm512_shuffle_f32x4(x[2], x[3], 0x44), d = _mm512_shuffle_f32x4(x[2], x[3], 0xee);
    x[0] = _mm512_shuffle_f32x4(a, c, 0x88), x[1] = _mm512_shuffle_f32x4(a, c, 0xdd);
    x[2] = _mm512_shuffle_f32x4(b, d, 0x88), x[3] = _mm512_shuffle_f32x4(b, d, 0xdd);
}

/* In each quarter, number j of vector k becomes number k of vector j. */
static inline __attribute__((always_inline)) void swap_numbers(V *x)
{
    V a = _mm512_unpacklo_ps(x[0], x[1]), b = _mm512_unpackhi_ps(x[0], x[1]);
    V c = _mm512_unpacklo_ps(x[2], x[3]), d = _mm512_unpackhi_ps(x[2], x[3]);
    x[0] = low_pairs(a, c), x[1] = high_pairs(a, c), x[2] = low_pairs(b, d), x[3] = high_pairs(b, d);
}

/* A job that run_registers does. */
static int in_registers(const ln_fft_plan *plan, const ln_fft_job *job)
{
    return plan->registers && job->in_stride == 1 && job->in_len == plan->n && job->out_stride == 2 &&
           job->out_len == plan->n / 2 + 1 && !job->power;
}

typedef struct held {
    V r[4], i[4];
} held;

enum {
    STEPS = 10,  /* of a transform */
    LAG = 2,     /* by which the second of two is behind */
    PLANE = 512, /* complex numbers of a signal */
};

/* apart: the real parts are at `in`, and the imaginary ones at in + PLANE; those of the window at window + 64. */
static inline __attribute__((always_inline)) void load_held(held *h, const T *in, const T *window, const int apart)
{
#pragma GCC unroll 4
    for (int v = 0; v < 4; v++) {
        int part = apart ? 16 : 32, other = apart ? PLANE : 16;
        V a = LD(in + part * v), b = LD(in + part * v + other);
        if (window) {
            a = MUL(a, LD(window + part * v));
            b = MUL(b, LD(window + part * v + (apart ? 64 : 16)));
        }
        if (apart)
            h->r[v] = a, h->i[v] = b;
        else
            split_pairs(a, b, &h->r[v], &h->i[v]);
    }
}

/* Bins 16 k + m and 64 - 16 k - m. */
static inline __attribute__((always_inline)) void store_bins(T *out, const held *h, int k, const T *w)
{
    const __m512i up[2] = {PAIRS(0, 1), PAIRS(8, 1)}, down[2] = {PAIRS(15, -1), PAIRS(7, -1)};
    const __m512i mirror = /* number 16 - m at the place of m, number 0 of the second vector at that of 0 */
        _mm512_setr_epi32(16, PLACE(12), PLACE(8), PLACE(4), PLACE(15), PLACE(11), PLACE(7), PLACE(3), PLACE(14),
                          PLACE(10), PLACE(6), PLACE(2), PLACE(13), PLACE(9), PLACE(5), PLACE(1));
    V ar = h->r[k], ai = h->i[k], half = SET1((T)0.5), c = LD(w + 32 * k), s = LD(w + 16 + 32 * k);
    V br = _mm512_permutex2var_ps(h->r[3 - k], mirror, h->r[(4 - k) & 3]);
    V bi = _mm512_permutex2var_ps(h->i[3 - k], mirror, h->i[(4 - k) & 3]);
    V er = ADD(ar, br), ei = SUB(ai, bi), or = ADD(ai, bi), oi = SUB(br, ar); /* c and s are halves */
    V tr = _mm512_fmsub_ps(or, c, MUL(oi, s)), ti = _mm512_fmadd_ps(oi, c, MUL(or, s));
    ar = _mm512_fmadd_ps(er, half, tr), ai = _mm512_fmadd_ps(ei, half, ti);
    br = _mm512_fmsub_ps(er, half, tr), bi = _mm512_fnmadd_ps(ei, half, ti);
    if (k == 0)
        ai = _mm512_maskz_mov_ps(0xfffe, ai), bi = _mm512_maskz_mov_ps(0xfffe, bi);
    T *low = out + 32 * k, *high = out + 2 * (49 - 16 * k);
    ST(low, _mm512_permutex2var_ps(ar, up[0], ai));
    ST(low + 16, _mm512_permutex2var_ps(ar, up[1], ai));
    ST(high, _mm512_permutex2var_ps(br, down[0], bi));
    ST(high + 16, _mm512_permutex2var_ps(br, down[1], bi));
    if (k == 1) {
        out[64] = _mm512_cvtss_f32(h->r[2]);
        out[65] = -_mm512_cvtss_f32(h->i[2]);
    }
}

static inline __attribute__((always_inline)) void step(int s, held *h, T *out, const T *in, const T *window, const T *w,
                                                       const int apart)
{
    switch (s) {
    case 0:
        load_held(h, in, window, apart);
        break;
    case 1:
    case 4:
    case 7:
        four(h->r, h->i);
        break;
    case 2:
        turn(h->r, h->i, w);
        break;
    case 3:
        swap_quarters(h->r), swap_quarters(h->i);
        break;
    case 5:
        turn(h->r, h->i, w + 96);
        break;
    case 6:
        swap_numbers(h->r), swap_numbers(h->i);
        break;
    case 8:
    case 9:
        store_bins(out, h, s - 8, w + 192);
        break;
    default:
        break;
    }
}

/* A step is all sums, or all products, or all permutations, for which a core has different units: so the second of two
 * transforms is in another step than the first. */
static inline __attribute__((always_inline)) void transforms(T *const *out, const T *const *in, const T *window,
                                                             const T *w, const int many, const int apart)
{
    held h[2];
#pragma GCC unroll 12
    for (int s = 0; s < STEPS + (many - 1) * LAG; s++) {
        step(s, &h[0], out[0], in[0], window, w, apart);
        if (many > 1)
            step(s - LAG, &h[1], out[1], in[1], window, w, apart);
    }
}

static void split_plane(T *to, ptrdiff_t apart, const T *from, ptrdiff_t pairs)
{
    /* The last vectors may overlap those before. */
    for (ptrdiff_t e = 0;; e = e + 32 <= pairs ? e + 16 : pairs - 16) {
        V r, i;
        load_pairs(from + 2 * e, &r, &i);
        ST(to + e, r);
        ST(to + apart + e, i);
        if (e + 16 == pairs)
            return;
    }
}

/* Frames that overlap, as many at a time as the planes hold. An odd last one is done twice. */
static void run_frames(const ln_fft_job *job, const T *w)
{
    T planes[2 * PLANE], both[128];
    const T *window = job->window ? both : NULL;
    ptrdiff_t hop = job->in_batch;
    int64_t most = (2 * PLANE - 128) / hop + 1;
    if (window)
        split_plane(both, 64, job->window, 64);
    for (int64_t begin = 0, n; begin < job->count; begin += n) {
        n = job->count - begin < most ? job->count - begin : most;
        split_plane(planes, PLANE, (const T *)job->in + begin * hop, ((n - 1) * hop + 128) / 2);
        for (int64_t t = 0; t < n; t += 2) {
            int64_t next = t + 1 < n ? t + 1 : t;
            T *out = (T *)job->out + begin * job->out_batch;
            transforms((T *[]){out + t * job->out_batch, out + next * job->out_batch},
                       (const T *[]){planes + t * hop / 2, planes + next * hop / 2}, window, w, 2, 1);
        }
    }
}

static void run_registers(const ln_fft_plan *plan, const ln_fft_job *job)
{
    const T *w = (const void *)((const char *)plan + plan->registers), *in = job->in;
    T *out = job->out;
    if (job->count > 1 && job->in_batch > 0 && job->in_batch < 128 && job->in_batch % 2 == 0) {
        run_frames(job, w);
        return;
    }
    int64_t t = 0;
    for (; t + 2 <= job->count; t += 2, in += 2 * job->in_batch, out += 2 * job->out_batch)
        transforms((T *[]){out, out + job->out_batch}, (const T *[]){in, in + job->in_batch}, job->window, w, 2, 0);
    if (t < job->count)
        transforms(&out, &in, job->window, w, 1, 0);
}
