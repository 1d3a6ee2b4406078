/* SPDX-License-Identifier: Apache-2.0
 *
 * Checks of the conversions. Every row of signature VCONVERT on every tier, bit for bit as the scalar one, with all
 * codes of the 8- and 16-bit types and floats of every pattern, between guard pages. And the formats themselves,
 * exhaustively: each code of float16, bfloat16, the float8 and float6 types and float4 goes to float32 and back
 * unchanged; the float halfway between two neighbouring codes goes to the even one, and the floats next to it to the
 * nearer one.
 */
#include <math.h>
#include <string.h>

#include "kernels/float8.h"
#include "tests/kernels/check.h"

#define MAX_N 70

static const struct row {
    const char *name, *signature;
    size_t offset;
} rows[] = {
#define K(sig, k, ...) {#k, #sig, offsetof(ln_kernel_table, k)},
#include "kernels/kernels.def"
#undef K
};

static size_t size_of(const char *type)
{
    return strncmp(type, "i64", 3) == 0     ? 8
           : strstr(type, "32") == type + 1 ? 4
           : strstr(type, "8") == type + 1  ? 1
                                            : 2;
}

static ln_VCONVERT *function(const ln_kernel_table *t, const struct row *r)
{
    ln_VCONVERT *fn;
    memcpy(&fn, (const char *)t + r->offset, sizeof fn);
    return fn;
}

static const ln_kernel_table *scalar;

/* From float32 a NaN may come out with any payload: none of the targets but the half types has one, and those keep the
 * high bits in all tiers. */
static void one(ln_tier tier, const ln_kernel_table *t, const struct row *r, size_t n, int pattern)
{
    size_t from = size_of(r->name), to = size_of(strstr(r->name, "_to_") + 4);
    void *x = check_guard(n * from, n % 2), *y = check_guard(n * to, n % 2);
    unsigned char want[MAX_N * 8];
    if (strncmp(r->name, "f32", 3) == 0 && pattern < CHECK_PATTERNS) {
        check_fill_f32(x, n, (check_pattern)pattern);
        for (size_t i = 0; i < n && pattern == CHECK_NORMAL; i++)
            ((float *)x)[i] *= 40000.0f;
    } else {
        check_fill_bytes(x, n * from);
    }
    function(scalar, r)(want, x, n);
    function(t, r)(y, x, n);
    check_ok(n == 0 || memcmp(want, y, n * to) == 0, "%s %s n=%zu pattern %d", r->name, ln_tier_name(tier), n, pattern);
    check_guard_free(x);
    check_guard_free(y);
}

/* Every code of a 16-bit type, in one row. */
static void codes(ln_tier tier, const ln_kernel_table *t, const struct row *r)
{
    static uint16_t x[65536];
    static float want[65536], y[65536];
    for (uint32_t i = 0; i < 65536; i++)
        x[i] = (uint16_t)i;
    function(scalar, r)(want, x, 65536);
    function(t, r)(y, x, 65536);
    check_ok(memcmp(want, y, sizeof y) == 0, "%s %s: all codes", r->name, ln_tier_name(tier));
}

static void all(ln_tier tier, const ln_kernel_table *t)
{
    if (!scalar)
        scalar = t;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (strcmp(rows[i].signature, "VCONVERT") != 0)
            continue;
        for (size_t n = 0; n < MAX_N; n++)
            for (int pattern = 0; pattern <= CHECK_PATTERNS; pattern++)
                one(tier, t, &rows[i], n, pattern);
        if (strcmp(rows[i].name, "f16_to_f32") == 0 || strcmp(rows[i].name, "bf16_to_f32") == 0)
            codes(tier, t, &rows[i]);
    }
}

/* -- formats -- */

typedef struct format {
    const char *name;
    uint32_t magnitudes; /* codes without the sign: 0, 1, ... in the order of their values */
    float (*widen)(uint32_t code);
    uint32_t (*narrow)(float f);
} format;

#define F8(k, f)                                                                                                       \
    static float k##_widen(uint32_t code)                                                                              \
    {                                                                                                                  \
        return ln_f8_to_f32(&f, (uint8_t)code);                                                                        \
    }                                                                                                                  \
    static uint32_t k##_narrow(float v)                                                                                \
    {                                                                                                                  \
        return ln_f32_to_f8(&f, v, 1);                                                                                 \
    }
F8(e4m3fn, ln_f8_e4m3fn)
F8(e4m3fnuz, ln_f8_e4m3fnuz)
F8(e5m2, ln_f8_e5m2)
F8(e5m2fnuz, ln_f8_e5m2fnuz)
F8(e2m1, ln_f4_e2m1)
F8(e2m3, ln_f6_e2m3)
F8(e3m2, ln_f6_e3m2)
static float f16_widen(uint32_t code)
{
    return ln_f16_to_f32((uint16_t)code);
}
static uint32_t f16_narrow(float v)
{
    return ln_f32_to_f16(v);
}
static float bf16_widen(uint32_t code)
{
    return ln_bf16_to_f32((uint16_t)code);
}
static uint32_t bf16_narrow(float v)
{
    return ln_f32_to_bf16(v);
}

static void exhaust(const format *f)
{
    uint32_t sign = f->magnitudes;
    for (uint32_t code = 0; code < 2 * f->magnitudes; code++) {
        float v = f->widen(code);
        uint32_t back = f->narrow(v);
        check_ok(isnan(v)   ? isnan(f->widen(back)) || f->magnitudes == 8
                 : isinf(v) ? 1
                            : back == code,
                 "%s: code %u is %a and goes back to %u", f->name, code, (double)v, back);
    }
    for (uint32_t code = 0; code + 1 < f->magnitudes; code++) {
        float a = f->widen(code), b = f->widen(code + 1), half = a / 2 + b / 2;
        if (!isfinite(a) || !isfinite(b) || half - a != b - half)
            continue; /* the last pair, or a half that float32 does not hold */
        uint32_t even = code + (code & 1), above = f->narrow(nextafterf(half, b)),
                 below = f->narrow(nextafterf(half, a));
        bool minus_zero = even == 0 && f->widen(sign) != 0; /* no -0: the code of NaN */
        check_ok(f->narrow(half) == even && above == code + 1 && below == code &&
                     (minus_zero || f->narrow(-half) == (even | sign)),
                 "%s: between %a and %a", f->name, (double)a, (double)b);
    }
}

int main(int argc, char **argv)
{
    static const format formats[] = {
        {"float16", 32768, f16_widen, f16_narrow},          {"bfloat16", 32768, bf16_widen, bf16_narrow},
        {"float8e4m3fn", 128, e4m3fn_widen, e4m3fn_narrow}, {"float8e4m3fnuz", 128, e4m3fnuz_widen, e4m3fnuz_narrow},
        {"float8e5m2", 128, e5m2_widen, e5m2_narrow},       {"float8e5m2fnuz", 128, e5m2fnuz_widen, e5m2fnuz_narrow},
        {"float4e2m1", 8, e2m1_widen, e2m1_narrow},         {"float6e2m3", 32, e2m3_widen, e2m3_narrow},
        {"float6e3m2", 32, e3m2_widen, e3m2_narrow}};
    check_start(argc, argv);
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
        exhaust(&formats[i]);
    for (uint32_t code = 0; code < 255; code++)
        for (int round = LN_E8M0_UP; round <= LN_E8M0_NEAREST; round++)
            check_ok(ln_f32_to_e8m0(ln_e8m0_to_f32((uint8_t)code), 1, round) == code, "float8e8m0: code %u", code);
    check_tiers(all);
    return check_finish();
}
