/* SPDX-License-Identifier: Apache-2.0
 *
 * The vectors of the FFT with NEON. See fft_simd_avx2.h for what each name does.
 */
#include <arm_neon.h>
#include <stddef.h>
#include <stdint.h>

#ifdef FFT_F64
typedef double T;
typedef float64x2_t V;
#define VL 2
#define LD(p) vld1q_f64(p)
#define ST(p, v) vst1q_f64(p, v)
#define LDN(p, n) ((void)(n), vsetq_lane_f64(*(p), vdupq_n_f64(0), 0))
#define STN(p, v, n) ((void)(n), vst1q_lane_f64(p, v, 0))
#define SET1(x) vdupq_n_f64(x)
#define ADD(a, b) vaddq_f64(a, b)
#define SUB(a, b) vsubq_f64(a, b)
#define MUL(a, b) vmulq_f64(a, b)
#define SQRT(v) vsqrtq_f64(v)
#define SUM(v) vaddvq_f64(v)
#define REVERSE(v) vextq_f64(v, v, 1)

static inline void load_pairs(const T *p, V *even, V *odd)
{
    float64x2x2_t v = vld2q_f64(p);
    *even = v.val[0];
    *odd = v.val[1];
}

static inline void store_pairs(T *p, V even, V odd)
{
    vst2q_f64(p, ((float64x2x2_t){{even, odd}}));
}

static inline __attribute__((always_inline)) void transpose(T *y0, T *y1, size_t dy, const T *x0, const T *x1,
                                                            size_t dx, const T *w)
{
    V a = LD(x0), b = LD(x1);
    (void)dy, (void)dx; /* two rows: there is no third */
    if (w) {
        V f = LD(w);
        a = MUL(a, f);
        b = MUL(b, f);
    }
    ST(y0, vzip1q_f64(a, b));
    ST(y1, vzip2q_f64(a, b));
}
#else
typedef float T;
typedef float32x4_t V;
#define VL 4
#define LD(p) vld1q_f32(p)
#define ST(p, v) vst1q_f32(p, v)
#define LDN(p, n) load_some(p, n)
#define STN(p, v, n) store_some(p, v, n)
#define SET1(x) vdupq_n_f32(x)
#define ADD(a, b) vaddq_f32(a, b)
#define SUB(a, b) vsubq_f32(a, b)
#define MUL(a, b) vmulq_f32(a, b)
#define SQRT(v) vsqrtq_f32(v)
#define SUM(v) vaddvq_f32(v)

static inline V load_some(const T *p, size_t n)
{
    V v = vsetq_lane_f32(*p, vdupq_n_f32(0), 0);
    if (n > 1)
        v = vld1q_lane_f32(p + 1, v, 1);
    return n > 2 ? vld1q_lane_f32(p + 2, v, 2) : v;
}

static inline void store_some(T *p, V v, size_t n)
{
    vst1q_lane_f32(p, v, 0);
    if (n > 1)
        vst1q_lane_f32(p + 1, v, 1);
    if (n > 2)
        vst1q_lane_f32(p + 2, v, 2);
}

static inline V REVERSE(V v)
{
    v = vrev64q_f32(v);
    return vextq_f32(v, v, 2);
}

static inline void load_pairs(const T *p, V *even, V *odd)
{
    float32x4x2_t v = vld2q_f32(p);
    *even = v.val[0];
    *odd = v.val[1];
}

static inline void store_pairs(T *p, V even, V odd)
{
    vst2q_f32(p, ((float32x4x2_t){{even, odd}}));
}

static inline V low_pairs(V a, V b)
{
    return vreinterpretq_f32_f64(vzip1q_f64(vreinterpretq_f64_f32(a), vreinterpretq_f64_f32(b)));
}

static inline V high_pairs(V a, V b)
{
    return vreinterpretq_f32_f64(vzip2q_f64(vreinterpretq_f64_f32(a), vreinterpretq_f64_f32(b)));
}

static inline __attribute__((always_inline)) void transpose(T *y0, T *y1, size_t dy, const T *x0, const T *x1,
                                                            size_t dx, const T *w)
{
    V a = LD(x0), b = LD(x1), c = LD(x0 + dx), d = LD(x1 + dx);
    if (w) {
        V f = LD(w);
        a = MUL(a, f);
        b = MUL(b, f);
        c = MUL(c, f);
        d = MUL(d, f);
    }
    V ab0 = vtrn1q_f32(a, b), ab1 = vtrn2q_f32(a, b), cd0 = vtrn1q_f32(c, d), cd1 = vtrn2q_f32(c, d);
    ST(y0, low_pairs(ab0, cd0));
    ST(y1, low_pairs(ab1, cd1));
    ST(y0 + dy, high_pairs(ab0, cd0));
    ST(y1 + dy, high_pairs(ab1, cd1));
}
#endif

static inline void transpose_half(T *y, size_t dy, const T *x, size_t dx)
{
    (void)y, (void)dy, (void)x, (void)dx; /* tiles of less than 4 x 4 are not worth it: see transpose_plane */
}
