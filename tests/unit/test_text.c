/* SPDX-License-Identifier: Apache-2.0
 *
 * Regular expressions, UTF-8 and case mapping, apart from the operators that use them. What a pattern matches was asked
 * of RE2.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "engine/exec.h"
#include "ops/regex.h"
#include "ops/unicode.h"

typedef struct text_test {
    ln_memory memory;
    ln_arena arena;
    struct ln_ctx_private p;
    ln_ctx c;
} text_test;

static void open_test(text_test *t)
{
    ln_memory_init(&t->memory, NULL, 0);
    ln_arena_init(&t->arena, &t->memory);
    t->p = (struct ln_ctx_private){.temporary = &t->arena};
    t->c = (ln_ctx){.p = &t->p};
}

static linnet_string text(const char *s)
{
    return (linnet_string){s, strlen(s)};
}

/* 1: the whole of s matches, 0: not, -1: the pattern is refused. */
static int full(const char *pattern, const char *s)
{
    text_test t;
    ln_regex re;
    int result = -1;
    open_test(&t);
    if (ln_regex_compile(&t.c, text(pattern), &re) == LINNET_OK) {
        void *scratch = ln_temporary(&t.c, ln_regex_scratch(&re));
        result = ln_regex_full(&re, text(s), scratch);
    }
    ln_arena_free(&t.arena);
    return result;
}

static void matches_as_re2(void **state)
{
    (void)state;
    static const struct {
        const char *pattern, *yes, *no;
    } cases[] = {
        {"a*", "aaa", "ab"},
        {"(a|b)*c", "abac", "abca"},
        {"[^a-c]+", "xyz\n", "xaz"},
        {"a{2,3}", "aaa", "aaaa"},
        {"a{2,}", "aaaaa", "a"},
        {"a{0}b", "b", "ab"},
        {"(?i)abc", "aBC", "abd"},
        {"(?i:ab)c", "ABc", "abC"},
        {"(?i)k", "\xe2\x84\xaa", "q"},
        {"\\d+", "0123", "12a"},
        {"\\w+\\s\\w+", "ab\tc", "abc"},
        {"a.c",
         "a\xc3\xa9"
         "c",
         "a\nc"},
        {"(?s)a.c", "a\nc", "ac"},
        {"(?m)^a$\n^b$", "a\nb", "a b"},
        {"a\\b.*", "a b", "ab"},
        {"a\\B.*", "ab", "a b"},
        {"[[:alpha:]]+", "aZ", "a1"},
        {"[[:^digit:]]+", "ab ", "a1"},
        {"\\x61\\x{e9}", "a\xc3\xa9", "ae"},
        {"\\Qa.b*\\E", "a.b*", "axb"},
        {"(?P<name>a)b", "ab", "b"},
        {"()*a", "a", "aa"},
        {"[]a]+", "]a", "["},
        {"[\\d\\-]+", "1-2", "a"},
        {"a|b|", "", "ab"},
        {"\\A\\z", "", "a"},
        {"\\141", "a", "b"},
        {"a{,2}", "a{,2}", "aa"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        if (full(cases[i].pattern, cases[i].yes) != 1 || full(cases[i].pattern, cases[i].no) != 0)
            fail_msg("pattern %s", cases[i].pattern);
    }
}

static void refuses_what_re2_refuses(void **state)
{
    (void)state;
    static const char *const bad[] = {"a**", "(", "a)", "[b-a]",  "a{1001}", "\\8", "(?=a)",  "[[:foo:]]",
                                      "[a",  "*", "\\", "(?<>a)", "(?z)a",   "\\y", "a{3,2}", "\xff"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (full(bad[i], "a") != -1)
            fail_msg("pattern %s", bad[i]);
    assert_int_equal(full("(?:(?:(?:){1000}){1000}){1000}", ""), -1);
    assert_int_equal(full("(?:a{1000}){1000}", ""), -1);
}

/* A backtracking matcher would take 2^40 steps. */
static void takes_linear_time(void **state)
{
    (void)state;
    assert_int_equal(full("(a*)*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"), 0);
    assert_int_equal(full("(a|aa)+$x?", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"), 1);
}

static void invalid_bytes_match_nothing(void **state)
{
    (void)state;
    assert_int_equal(full("(?s).*", "a\xff"
                                    "b"),
                     0);
    assert_int_equal(full("a", "\xc3"), 0);
}

static void utf8_goes_both_ways(void **state)
{
    (void)state;
    for (uint32_t c = 1; c <= 0x10ffff; c++) {
        char bytes[4];
        size_t used;
        if (c >= 0xd800 && c < 0xe000)
            continue;
        size_t n = ln_utf8_encode(bytes, c);
        if (ln_utf8_decode(bytes, n, &used) != (int32_t)c || used != n)
            fail_msg("U+%04X", c);
        if (n > 1 && ln_utf8_decode(bytes, n - 1, &used) != -1)
            fail_msg("U+%04X cut short", c);
    }
    size_t used;
    assert_int_equal(ln_utf8_decode("\xc0\x80", 2, &used), -1);
    assert_int_equal(ln_utf8_decode("\xed\xa0\x80", 3, &used), -1);
    assert_int_equal(ln_utf8_decode("\xf4\x90\x80\x80", 4, &used), -1);
}

static void maps_case_by_the_table(void **state)
{
    (void)state;
    static const uint32_t pairs[][2] = {{'a', 'A'},    {0xe9, 0xc9},     {0x3c9, 0x3a9},     {0x451, 0x401},
                                        {0xff, 0x178}, {0x1e01, 0x1e00}, {0x10428, 0x10400}, {0x1f80, 0x1f88}};
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        assert_int_equal(ln_to_upper(pairs[i][0]), pairs[i][1]);
        assert_int_equal(ln_to_lower(pairs[i][1]), pairs[i][0]);
    }
    assert_int_equal(ln_to_upper(0xdf), 0xdf); /* sharp s has no simple upper case */
    assert_int_equal(ln_to_lower(0x130), 'i');
    assert_int_equal(ln_to_lower(0x4e00), 0x4e00);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(matches_as_re2),      cmocka_unit_test(refuses_what_re2_refuses),
        cmocka_unit_test(takes_linear_time),   cmocka_unit_test(invalid_bytes_match_nothing),
        cmocka_unit_test(utf8_goes_both_ways), cmocka_unit_test(maps_case_by_the_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
