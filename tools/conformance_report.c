/* SPDX-License-Identifier: Apache-2.0
 *
 * The results of a conformance run as JSON and as JUnit XML, and their comparison with a file of expected verdicts.
 */
#include <errno.h>
#include <string.h>

#include "tools/conformance.h"

const char *const ln_verdict_names[LN_VERDICTS] = {"pass", "fail", "unsupported", "skip"};

static FILE *open_report(const char *path)
{
    FILE *file = fopen(path, "w");
    if (!file)
        ln_bad("%s: %s", path, strerror(errno));
    return file;
}

static bool close_report(FILE *file, const char *path)
{
    bool good = !ferror(file);
    good = !fclose(file) && good;
    if (!good)
        ln_bad("%s: %s", path, strerror(errno));
    return good;
}

static int count(const ln_tests *tests, ln_verdict verdict)
{
    int n = 0;
    for (int i = 0; i < tests->n; i++)
        n += tests->items[i].verdict == verdict;
    return n;
}

bool ln_tests_json(const ln_tests *tests, const char *path)
{
    ln_json j = {.file = open_report(path)};
    if (!j.file)
        return false;
    ln_json_open(&j, NULL, '{');
    ln_json_text(&j, "linnet", LINNET_VERSION);
    ln_json_int(&j, "tests", tests->n);
    for (int v = 0; v < LN_VERDICTS; v++)
        ln_json_int(&j, ln_verdict_names[v], count(tests, (ln_verdict)v));
    ln_json_open(&j, "results", '[');
    for (int i = 0; i < tests->n; i++) {
        const ln_test *t = &tests->items[i];
        ln_json_open(&j, NULL, '{');
        ln_json_text(&j, "name", t->name);
        ln_json_text(&j, "path", t->path);
        ln_json_text(&j, "result", ln_verdict_names[t->verdict]);
        ln_json_text(&j, "reason", t->reason);
        ln_json_number(&j, "seconds", t->seconds);
        ln_json_close(&j, '}');
    }
    ln_json_close(&j, ']');
    ln_json_close(&j, '}');
    ln_json_end(&j);
    return close_report(j.file, path);
}

static void xml(FILE *file, const char *text)
{
    for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
        const char *entity = *p == '<'   ? "&lt;"
                             : *p == '>' ? "&gt;"
                             : *p == '&' ? "&amp;"
                             : *p == '"' ? "&quot;"
                                         : NULL;
        if (entity)
            fputs(entity, file);
        else
            fputc(*p < 0x20 ? ' ' : *p, file);
    }
}

bool ln_tests_junit(const ln_tests *tests, const char *path)
{
    FILE *file = open_report(path);
    if (!file)
        return false;
    fprintf(file,
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
            "<testsuite name=\"onnx\" tests=\"%d\" failures=\"%d\" skipped=\"%d\">\n",
            tests->n, count(tests, LN_FAIL), count(tests, LN_UNSUPPORTED) + count(tests, LN_SKIP));
    for (int i = 0; i < tests->n; i++) {
        const ln_test *t = &tests->items[i];
        fputs("  <testcase classname=\"", file);
        xml(file, t->path);
        fputs("\" name=\"", file);
        xml(file, t->name);
        fprintf(file, "\" time=\"%.4f\"", t->seconds);
        if (t->verdict != LN_PASS) {
            fprintf(file, "><%s message=\"", t->verdict == LN_FAIL ? "failure" : "skipped");
            if (t->verdict == LN_UNSUPPORTED)
                fputs("unsupported: ", file);
            xml(file, t->reason);
            fputs("\"/></testcase>\n", file);
        } else {
            fputs("/>\n", file);
        }
    }
    fputs("</testsuite>\n", file);
    return close_report(file, path);
}

/* Lines like those of the run: "unsupported test_foo: reason"; a reason is not compared; '#' opens a comment. */
static bool expected_line(const char *line, ln_verdict *verdict, const char **name, size_t *size)
{
    for (int v = 0; v < LN_VERDICTS; v++) {
        size_t n = strlen(ln_verdict_names[v]);
        if (!strncmp(line, ln_verdict_names[v], n) && line[n] == ' ') {
            *verdict = (ln_verdict)v;
            *name = line + n + 1;
            *size = strcspn(*name, ": \r\n");
            return *size > 0;
        }
    }
    return false;
}

int ln_tests_expect(const ln_tests *tests, const char *path)
{
    ln_bytes file;
    if (!ln_read_file(tests->arena, path, &file))
        return -1;
    ln_verdict *want = ln_arena_zalloc(tests->arena, (size_t)tests->n * sizeof *want + 1, 16);
    if (!want)
        return ln_bad("out of memory") ? -1 : 0;
    int number = 0, differences = 0;
    for (const char *line = (const char *)file.data; *line; line += strcspn(line, "\n"), line += *line == '\n') {
        ln_verdict verdict;
        const char *name;
        size_t size;
        number++;
        if (*line == '#' || *line == '\n' || *line == '\r')
            continue;
        if (!expected_line(line, &verdict, &name, &size)) {
            ln_bad("%s:%d: not a line like `unsupported test_name: reason`", path, number);
            return -1;
        }
        for (int i = 0; i < tests->n; i++)
            if (strlen(tests->items[i].name) == size && !memcmp(tests->items[i].name, name, size))
                want[i] = verdict;
    }
    for (int i = 0; i < tests->n; i++) {
        const ln_test *t = &tests->items[i];
        if (t->verdict == want[i])
            continue;
        differences++;
        printf("unexpected %s %s (%s is expected)%s%s\n", ln_verdict_names[t->verdict], t->name,
               ln_verdict_names[want[i]], *t->reason ? ": " : "", t->reason);
    }
    return differences;
}
