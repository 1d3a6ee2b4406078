/* SPDX-License-Identifier: Apache-2.0
 *
 * Arrays of vectors that are registers in the end. A vector without a size at compile time (VSIZELESS) cannot be in an
 * array, but pointers to such vectors can, and unrolled loops leave nothing of them.
 *
 *   VARRAY(a, n)       declares a as n vectors; n is (a macro for) a number up to 8, or 12, 24 or 36
 *   VARRAY_T(t, a, n)  the same of type t
 *   VARRAY_OF(a)       the type of a parameter
 *   VAT(a, i)          element i
 */
#ifndef LN_KERNELS_SIMD_ARRAY_H
#define LN_KERNELS_SIMD_ARRAY_H

#ifdef VSIZELESS
/* clang-format off */
#define V1_(a, i) a##i##_
#define V2_(a, i) V1_(a, i##0), V1_(a, i##1)
#define V3_(a, i) V2_(a, i), V1_(a, i##2)
#define V4_(a, i) V3_(a, i), V1_(a, i##3)
#define V5_(a, i) V4_(a, i), V1_(a, i##4)
#define V6_(a, i) V5_(a, i), V1_(a, i##5)
#define V7_(a, i) V6_(a, i), V1_(a, i##6)
#define V8_(a, i) V7_(a, i), V1_(a, i##7)
#define V12_(a, i) V8_(a, i##1), V4_(a, i##2)
#define V24_(a, i) V8_(a, i##1), V8_(a, i##2), V8_(a, i##3)
#define V36_(a, i) V24_(a, i##4), V6_(a, i##5), V6_(a, i##6)
#define VARRAY(a, n) VARRAY_(vf, a, n)
#define VARRAY_T(t, a, n) VARRAY_(t, a, n)
#define VARRAY_(t, a, n) t V##n##_(a, _); t *const a[n] = {V##n##_(&a, _)}
/* clang-format on */
#define VARRAY_OF(a) vf *const *a
#define VAT(a, i) (*(a)[i])
#else
#define VARRAY(a, n) vf a[n]
#define VARRAY_T(t, a, n) t a[n]
#define VARRAY_OF(a) vf *a
#define VAT(a, i) ((a)[i])
#endif
#endif
