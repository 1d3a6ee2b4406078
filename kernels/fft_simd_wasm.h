/* SPDX-License-Identifier: Apache-2.0
 *
 * The vectors of the FFT with WebAssembly's 128 bits. See fft_simd_avx2.h for what each name does.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <wasm_simd128.h>

typedef v128_t V;
#define LD(p) wasm_v128_load(p)
#define ST(p, v) wasm_v128_store(p, v)

#ifdef FFT_F64
typedef double T;
#define VL 2
#define LDN(p, n) ((void)(n), wasm_v128_load64_zero(p))
#define STN(p, v, n) ((void)(n), wasm_v128_store64_lane(p, v, 0))
#define SET1(x) wasm_f64x2_splat(x)
#define ADD(a, b) wasm_f64x2_add(a, b)
#define SUB(a, b) wasm_f64x2_sub(a, b)
#define MUL(a, b) wasm_f64x2_mul(a, b)
#define SQRT(v) wasm_f64x2_sqrt(v)
#define REVERSE(v) wasm_i64x2_shuffle(v, v, 1, 0)
#define SUM(v) (wasm_f64x2_extract_lane(v, 0) + wasm_f64x2_extract_lane(v, 1))
#define LOW(a, b) wasm_i64x2_shuffle(a, b, 0, 2)
#define HIGH(a, b) wasm_i64x2_shuffle(a, b, 1, 3)

static inline void load_pairs(const T *p, V *even, V *odd)
{
    V a = LD(p), b = LD(p + 2);
    *even = LOW(a, b), *odd = HIGH(a, b);
}

static inline void store_pairs(T *p, V even, V odd)
{
    ST(p, LOW(even, odd));
    ST(p + 2, HIGH(even, odd));
}

static inline __attribute__((always_inline)) void transpose(T *y0, T *y1, size_t dy, const T *x0, const T *x1,
                                                            size_t dx, const T *w)
{
    (void)dy, (void)dx;
    V a = w ? MUL(LD(x0), LD(w)) : LD(x0), b = w ? MUL(LD(x1), LD(w)) : LD(x1);
    ST(y0, LOW(a, b));
    ST(y1, HIGH(a, b));
}
#else
typedef float T;
#define VL 4
#define SET1(x) wasm_f32x4_splat(x)
#define ADD(a, b) wasm_f32x4_add(a, b)
#define SUB(a, b) wasm_f32x4_sub(a, b)
#define MUL(a, b) wasm_f32x4_mul(a, b)
#define SQRT(v) wasm_f32x4_sqrt(v)
#define REVERSE(v) wasm_i32x4_shuffle(v, v, 3, 2, 1, 0)

static inline V LDN(const T *p, size_t n)
{
    V v = n == 1 ? wasm_v128_load32_zero(p) : wasm_v128_load64_zero(p);
    return n == 3 ? wasm_v128_load32_lane(p + 2, v, 2) : v;
}

static inline void STN(T *p, V v, size_t n)
{
    if (n == 1)
        wasm_v128_store32_lane(p, v, 0);
    else
        wasm_v128_store64_lane(p, v, 0);
    if (n == 3)
        wasm_v128_store32_lane(p + 2, v, 2);
}

static inline T SUM(V v)
{
    v = ADD(v, wasm_i32x4_shuffle(v, v, 2, 3, 0, 1));
    return wasm_f32x4_extract_lane(v, 0) + wasm_f32x4_extract_lane(v, 1);
}

static inline void load_pairs(const T *p, V *even, V *odd)
{
    V a = LD(p), b = LD(p + 4);
    *even = wasm_i32x4_shuffle(a, b, 0, 2, 4, 6), *odd = wasm_i32x4_shuffle(a, b, 1, 3, 5, 7);
}

static inline void store_pairs(T *p, V even, V odd)
{
    ST(p, wasm_i32x4_shuffle(even, odd, 0, 4, 1, 5));
    ST(p + 4, wasm_i32x4_shuffle(even, odd, 2, 6, 3, 7));
}

#define TILE_ROW(p) (w ? MUL(LD(p), LD(w)) : LD(p))

static inline __attribute__((always_inline)) void transpose(T *y0, T *y1, size_t dy, const T *x0, const T *x1,
                                                            size_t dx, const T *w)
{
    V a = TILE_ROW(x0), b = TILE_ROW(x1), c = TILE_ROW(x0 + dx), d = TILE_ROW(x1 + dx);
    V ab0 = wasm_i32x4_shuffle(a, b, 0, 4, 1, 5), ab1 = wasm_i32x4_shuffle(a, b, 2, 6, 3, 7);
    V cd0 = wasm_i32x4_shuffle(c, d, 0, 4, 1, 5), cd1 = wasm_i32x4_shuffle(c, d, 2, 6, 3, 7);
    ST(y0, wasm_i64x2_shuffle(ab0, cd0, 0, 2));
    ST(y1, wasm_i64x2_shuffle(ab0, cd0, 1, 3));
    ST(y0 + dy, wasm_i64x2_shuffle(ab1, cd1, 0, 2));
    ST(y1 + dy, wasm_i64x2_shuffle(ab1, cd1, 1, 3));
}
#endif

static inline void transpose_half(T *y, size_t dy, const T *x, size_t dx)
{
    (void)y, (void)dy, (void)x, (void)dx; /* tiles of 2 x 2 are not worth it: see transpose_plane */
}
