/* SPDX-License-Identifier: Apache-2.0
 *
 * Numbers as text and back; see cast_any.h.
 */
#include "ops/cast_any.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Shortest digits that read back, then laid out: plain from 1e-4 to below 1e16, else with an exponent. */
static size_t float_text(char *text, double v, bool single)
{
    if (v != v)
        return (size_t)snprintf(text, LN_TEXT_SIZE, "nan");
    if (isinf(v))
        return (size_t)snprintf(text, LN_TEXT_SIZE, v < 0 ? "-inf" : "inf");
    char digits[LN_TEXT_SIZE];
    int precision = 0;
    do {
        snprintf(digits, sizeof digits, "%.*e", precision, v);
    } while ((single ? (double)strtof(digits, NULL) : strtod(digits, NULL)) != v && precision++ < 17);
    const char *e = strchr(digits, 'e');
    int exponent = atoi(e + 1);
    if (v != 0 && (exponent < -4 || exponent >= 16))
        return (size_t)snprintf(text, LN_TEXT_SIZE, "%.*s%c%c%02d", (int)(e - digits), digits, 'e',
                                exponent < 0 ? '-' : '+', abs(exponent));
    int decimals = precision > exponent ? precision - exponent : 0;
    return (size_t)snprintf(text, LN_TEXT_SIZE, "%.*f", decimals > 0 ? decimals : 1, v);
}

size_t ln_number_text(char text[LN_TEXT_SIZE], int type, const void *x, int64_t i)
{
    const ln_cast_how how = {0};
    const char *element = (const char *)x + (size_t)i * linnet_type_size((linnet_type)type);
    if (type == LINNET_BOOL)
        return (size_t)snprintf(text, LN_TEXT_SIZE, *(const uint8_t *)element ? "True" : "False");
    if (type == LINNET_UINT64) {
        uint64_t u;
        ln_cast(LINNET_UINT64, &u, type, element, 0, 1, how);
        return (size_t)snprintf(text, LN_TEXT_SIZE, "%llu", (unsigned long long)u);
    }
    if (LN_T(type) & (LN_T_INTS | (LN_T_SMALL & ~LN_T(LINNET_FLOAT4E2M1)))) {
        int64_t v;
        ln_cast(LINNET_INT64, &v, type, element, 0, 1, how);
        return (size_t)snprintf(text, LN_TEXT_SIZE, "%lld", (long long)v);
    }
    double d;
    ln_cast(LINNET_FLOAT64, &d, type, element, 0, 1, how);
    return float_text(text, d, type != LINNET_FLOAT64);
}

bool ln_number_parse(int type, void *y, int64_t i, linnet_string text, ln_cast_how how)
{
    char copy[512], *end;
    while (text.size && (text.data[0] == ' ' || text.data[0] == '\t'))
        text.data++, text.size--;
    while (text.size && (text.data[text.size - 1] == ' ' || text.data[text.size - 1] == '\t'))
        text.size--;
    if (text.size == 0 || text.size >= sizeof copy)
        return false;
    memcpy(copy, text.data, text.size);
    copy[text.size] = 0;
    char *out = (char *)y + (size_t)i * linnet_type_size((linnet_type)type);
    if (!(LN_T(type) & (LN_T_FLOATS | LN_T_FLOAT8 | LN_T_FLOAT6 | LN_T(LINNET_FLOAT4E2M1) | LN_T(LINNET_BOOL)))) {
        if (copy[0] == '-') {
            long long v = strtoll(copy, &end, 10);
            int64_t v64 = v;
            ln_cast(type, out, LINNET_INT64, &v64, 0, 1, how);
        } else {
            unsigned long long v = strtoull(copy, &end, 10);
            uint64_t v64 = v;
            ln_cast(type, out, LINNET_UINT64, &v64, 0, 1, how);
        }
        if (*end == 0)
            return true;
    }
    double d = strtod(copy, &end); /* takes inf, infinity, nan in any case */
    ln_cast(type, out, LINNET_FLOAT64, &d, 0, 1, how);
    return end != copy && *end == 0;
}
