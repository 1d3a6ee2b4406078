/* SPDX-License-Identifier: Apache-2.0
 *
 * Real transforms of 128 floats, one after another, each in eight vector registers from its input to its output: 64
 * complex numbers in four vectors of real and four of imaginary parts, and three stages of radix 4, over the vectors,
 * over the quarters of a vector and over the numbers of a quarter, between which the vectors are transposed. Bin
 * k0 + 4 k1 + 16 k2 ends in vector k2 at 4 k0 + k1, which the tables and the last permutations respect.
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

static void run_registers(const ln_fft_plan *plan, const ln_fft_job *job)
{
    const T *w = (const void *)((const char *)plan + plan->registers), *window = job->window, *in = job->in;
    const __m512i up[2] = {PAIRS(0, 1), PAIRS(8, 1)}, down[2] = {PAIRS(15, -1), PAIRS(7, -1)};
    const __m512i mirror = /* number 16 - m at the place of m, number 0 of the second vector at that of 0 */
        _mm512_setr_epi32(16, PLACE(12), PLACE(8), PLACE(4), PLACE(15), PLACE(11), PLACE(7), PLACE(3), PLACE(14),
                          PLACE(10), PLACE(6), PLACE(2), PLACE(13), PLACE(9), PLACE(5), PLACE(1));
    T *out = job->out;
    for (int64_t t = 0; t < job->count; t++, in += job->in_batch, out += job->out_batch) {
        V r[4], i[4];
#pragma GCC unroll 4
        for (int v = 0; v < 4; v++) {
            if (window) {
                T x[32];
                ST(x, MUL(LD(in + 32 * v), LD(window + 32 * v)));
                ST(x + 16, MUL(LD(in + 32 * v + 16), LD(window + 32 * v + 16)));
                load_pairs(x, &r[v], &i[v]);
            } else {
                load_pairs(in + 32 * v, &r[v], &i[v]);
            }
        }
        four(r, i);
        turn(r, i, w);
        swap_quarters(r), swap_quarters(i);
        four(r, i);
        turn(r, i, w + 96);
        swap_numbers(r), swap_numbers(i);
        four(r, i);
#pragma GCC unroll 2
        for (int k = 0; k < 2; k++) { /* bins 16 k + m and 64 - 16 k - m */
            V br = _mm512_permutex2var_ps(r[3 - k], mirror, r[(4 - k) & 3]);
            V bi = _mm512_permutex2var_ps(i[3 - k], mirror, i[(4 - k) & 3]);
            V half = SET1((T)0.5), c = LD(w + 192 + 32 * k), s = LD(w + 208 + 32 * k);
            V er = MUL(half, ADD(r[k], br)), ei = MUL(half, SUB(i[k], bi)); /* c and s are halves */
            V or = ADD(i[k], bi), oi = SUB(br, r[k]);
            V tr = _mm512_fmsub_ps(or, c, MUL(oi, s)), ti = _mm512_fmadd_ps(oi, c, MUL(or, s));
            V ar = ADD(er, tr), ai = ADD(ei, ti);
            br = SUB(er, tr), bi = SUB(ti, ei);
            if (k == 0)
                ai = _mm512_maskz_mov_ps(0xfffe, ai), bi = _mm512_maskz_mov_ps(0xfffe, bi);
            T *low = out + 32 * k, *high = out + 2 * (49 - 16 * k);
            ST(low, _mm512_permutex2var_ps(ar, up[0], ai));
            ST(low + 16, _mm512_permutex2var_ps(ar, up[1], ai));
            ST(high, _mm512_permutex2var_ps(br, down[0], bi));
            ST(high + 16, _mm512_permutex2var_ps(br, down[1], bi));
        }
        out[64] = _mm512_cvtss_f32(r[2]);
        out[65] = -_mm512_cvtss_f32(i[2]);
    }
}
