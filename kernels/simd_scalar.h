/* SPDX-License-Identifier: Apache-2.0
 *
 * The SIMD layer, scalar tier: a vector of one lane, in plain C. It is the meaning of the layer; the other
 * simd_<tier>.h have the same names.
 *
 *   vf, vi, vm     float32, 32-bit integer, mask vectors
 *   VL(n)          lanes of the next strip of n elements, 0 < VL(n) <= n
 *   VFULL          lanes of a whole vector
 *   VFUSED         1: vfma and vfnma round once
 *
 * Kernels are strip-mined, for (; n; n -= vl) { vl = VL(n); ... }, and every function takes vl last; lanes from vl on
 * hold nothing. Only vld_or keeps them defined, so that accumulators may run over whole vectors.
 * vmax and vmin give b where a lane is unordered (so a NaN in b comes through), as x86 does.
 */
#ifndef LN_KERNELS_SIMD_H
#define LN_KERNELS_SIMD_H

#include <stddef.h>
#include <stdint.h>

#include "kernels/half.h"

#define LN_ISA scalar
#define VL(n) ((void)(n), (size_t)1)
#define VFULL ((size_t)1)
#define VFUSED 0
#define V_ static inline __attribute__((always_inline, unused))
#define VU_ __attribute__((unused))

/* Where floats are software (Cortex-M0+, RISC-V without F), a < b of the bits as integers: what the compiler's library
 * does takes more code than most kernels. */
#if (defined __arm__ && !defined __ARM_FP) || (defined __riscv && !defined __riscv_flen)
V_ int32_t in_order(float a)
{
    int32_t bits = (int32_t)ln_float_bits(a);
    return bits < 0 ? -(bits & 0x7fffffff) : bits;
}
V_ int less(float a, float b)
{
    const uint32_t infinity = 0x7f800000u;
    return (ln_float_bits(a) & 0x7fffffffu) <= infinity && (ln_float_bits(b) & 0x7fffffffu) <= infinity &&
           in_order(a) < in_order(b);
}
#else
V_ int less(float a, float b)
{
    return a < b;
}
#endif

/* A table of one-liners. */
/* clang-format off */
typedef float vf;
typedef uint32_t vi;
typedef uint32_t vm; /* all ones or zero */

V_ vf vld(const float *p, VU_ size_t vl) { return *p; }
V_ vf vld_or(const float *p, VU_ vf other, VU_ size_t vl) { return *p; } /* lanes from vl on: other's */
V_ void vst(float *p, vf v, VU_ size_t vl) { *p = v; }
V_ vi vild(const int32_t *p, VU_ size_t vl) { return (vi)*p; }
V_ void vist(int32_t *p, vi v, VU_ size_t vl) { *p = (int32_t)v; }
V_ vf vset(float c, VU_ size_t vl) { return c; }
V_ vi viset(int32_t c, VU_ size_t vl) { return (vi)c; }

V_ vf vadd(vf a, vf b, VU_ size_t vl) { return a + b; }
V_ vf vsub(vf a, vf b, VU_ size_t vl) { return a - b; }
V_ vf vmul(vf a, vf b, VU_ size_t vl) { return a * b; }
V_ vf vdiv(vf a, vf b, VU_ size_t vl) { return a / b; }
V_ vf vfma(vf a, vf b, vf c, VU_ size_t vl) { return a * b + c; }  /* a * b + c */
V_ vf vfnma(vf a, vf b, vf c, VU_ size_t vl) { return c - a * b; } /* c - a * b */
/* a * b + c with one rounding (two that do no harm) in every tier; for the few places that need it */
V_ vf vfma_once(vf a, vf b, vf c, VU_ size_t vl) { return (float)((double)a * (double)b + (double)c); }
/* a * b - p where p is the rounded product: its error, exactly */
V_ vf vmul_error(vf a, vf b, vf p, VU_ size_t vl) { return (float)((double)a * (double)b - (double)p); }
V_ vf vmax(vf a, vf b, VU_ size_t vl) { return less(b, a) ? a : b; }
V_ vf vmin(vf a, vf b, VU_ size_t vl) { return less(a, b) ? a : b; }
V_ vf vsqrt(vf a, VU_ size_t vl) { return __builtin_sqrtf(a); }
V_ vf vabs(vf a, VU_ size_t vl) { return ln_bits_float(ln_float_bits(a) & 0x7fffffffu); }
V_ vf vneg(vf a, VU_ size_t vl) { return ln_bits_float(ln_float_bits(a) ^ 0x80000000u); }

V_ vi vas_i(vf a, VU_ size_t vl) { return ln_float_bits(a); }
V_ vf vas_f(vi a, VU_ size_t vl) { return ln_bits_float(a); }
V_ vf vtof(vi a, VU_ size_t vl) { return (float)(int32_t)a; }
V_ vi viadd(vi a, vi b, VU_ size_t vl) { return a + b; }
V_ vi visub(vi a, vi b, VU_ size_t vl) { return a - b; }
V_ vi viand(vi a, vi b, VU_ size_t vl) { return a & b; }
V_ vi vior(vi a, vi b, VU_ size_t vl) { return a | b; }
V_ vi vixor(vi a, vi b, VU_ size_t vl) { return a ^ b; }
#define vishl(a, k, vl) ((vi)((a) << (k)))                            /* k: a constant */
#define vishr(a, k, vl) ((vi)((a) >> (k)))                            /* logical */
#define visar(a, k, vl) ((vi)((a) >> (k) | ((a) >> 31 ? ~(0xffffffffu >> (k)) : 0u))) /* arithmetic */

V_ vm vm_of(int c) { return c ? 0xffffffffu : 0; }
V_ vm vlt(vf a, vf b, VU_ size_t vl) { return vm_of(less(a, b)); }
V_ vm vle(vf a, vf b, VU_ size_t vl) { return vm_of(a <= b); }
V_ vm veq(vf a, vf b, VU_ size_t vl) { return vm_of(a == b); }
V_ vm vnan(vf a, VU_ size_t vl) { return vm_of(a != a); }
V_ vm vieq(vi a, vi b, VU_ size_t vl) { return vm_of(a == b); }
V_ vm mand(vm a, vm b, VU_ size_t vl) { return a & b; }
V_ vm mor(vm a, vm b, VU_ size_t vl) { return a | b; }
V_ vm mnot(vm a, VU_ size_t vl) { return ~a; }
V_ int many(vm a, VU_ size_t vl) { return a != 0; }
V_ vf vsel(vm m, vf a, vf b, VU_ size_t vl) { return m ? a : b; } /* m ? a : b */
V_ vi visel(vm m, vi a, vi b, VU_ size_t vl) { return m ? a : b; }

/* To an integral value. Adding and subtracting 1.5 * 2^23 rounds half to even below 2^22. */
V_ vf vrint(vf a, VU_ size_t vl)
{
    float t = vabs(a, 1);
    if (!(t < 0x1p23f))
        return a;
    float s = t + 0x1p23f;
    return ln_bits_float(ln_float_bits(s - 0x1p23f) | (ln_float_bits(a) & 0x80000000u));
}
V_ vf vfloor(vf a, VU_ size_t vl) { float r = vrint(a, 1); return r > a ? r - 1 : r; }
V_ vf vceil(vf a, VU_ size_t vl) { float r = vrint(a, 1); return r < a ? vneg(vneg(r, 1) - 1, 1) : r; }

/* a * 2^n for whole n in [-252, 254], rounded once where the result is subnormal; a NaN in both stays one. */
V_ vf vscale2(vf a, vf n, VU_ size_t vl)
{
    vi whole = ln_float_bits(n + 0x1.8p23f) - 0x4b400000u, half = visar(whole, 1, vl);
    return a * ln_bits_float((half + 127) << 23) * ln_bits_float((whole - half + 127) << 23);
}

/* Of whole vectors: lanes d.. of a and then the first d of b, 0 <= d <= VFULL; the even and the odd lanes of both. */
V_ vf vshift(vf a, vf b, size_t d) { return d ? b : a; }
V_ void vunzip(vf a, vf b, vf *even, vf *odd)
{
    *even = a;
    *odd = b;
}

/* Over the first vl lanes. */
V_ float vhsum(vf a, VU_ size_t vl) { return a; }
V_ float vhmax(vf a, VU_ size_t vl) { return a; } /* no NaN among them */
V_ float vhmin(vf a, VU_ size_t vl) { return a; }
/* clang-format on */
#endif
