/* SPDX-License-Identifier: Apache-2.0
 *
 * Elements of any numeric type as any other, as Cast of the specification has it, and numbers as text and back.
 */
#ifndef LN_OPS_CAST_ANY_H
#define LN_OPS_CAST_ANY_H

#include "ops/convert.h"

enum { LN_ROUND_UP, LN_ROUND_DOWN, LN_ROUND_NEAREST }; /* to float8e8m0 */

typedef struct ln_cast_how {
    int32_t saturate;
    int32_t round;
} ln_cast_how;

#define LN_T_CAST (LN_T_ALL & ~LN_T_COMPLEX & ~LN_T(LINNET_STRING))

/* y[begin + i] = x[begin + i], i < n, for types of LN_T_CAST. To integers: toward zero, then the low bits; what is out
 * of the range of int32 (of int64 for uint32 and the 64-bit types), or NaN, gives the least value of that range first,
 * as the conversion instructions of x86 do. To bool: not zero. To floats: rounded half to even, once. */
void ln_cast(int to, void *y, int from, const void *x, int64_t begin, int64_t n, ln_cast_how how);

/* The text of element i of x: the shortest that reads back as the same number, as numpy prints it. Returns the length.
 */
#define LN_TEXT_SIZE 32
size_t ln_number_text(char text[LN_TEXT_SIZE], int type, const void *x, int64_t i);

/* Element i of y from text: a decimal number, or inf, nan in any case with a sign. False: no number. */
bool ln_number_parse(int type, void *y, int64_t i, linnet_string text, ln_cast_how how);

#endif
