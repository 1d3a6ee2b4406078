/* SPDX-License-Identifier: Apache-2.0
 *
 * A writer of JSON (RFC 8259) onto a stream, indented. Numbers that JSON has not (NaN, infinity) become null;
 * text is written as it is, which is UTF-8.
 */
#include <math.h>
#include <string.h>

#include "tools/tool.h"

static void string(FILE *file, const char *text)
{
    fputc('"', file);
    for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
        if (*p == '"' || *p == '\\')
            fprintf(file, "\\%c", *p);
        else if (*p < 0x20)
            fprintf(file, "\\u%04x", *p);
        else
            fputc(*p, file);
    }
    fputc('"', file);
}

static void begin(ln_json *j, const char *key)
{
    if (j->depth > 0) {
        if (!j->first)
            fputc(',', j->file);
        fprintf(j->file, "\n%*s", 2 * j->depth, "");
    }
    j->first = false;
    if (key) {
        string(j->file, key);
        fputs(": ", j->file);
    }
}

void ln_json_open(ln_json *j, const char *key, char bracket)
{
    begin(j, key);
    fputc(bracket, j->file);
    j->depth++;
    j->first = true;
}

void ln_json_close(ln_json *j, char bracket)
{
    j->depth--;
    if (!j->first)
        fprintf(j->file, "\n%*s", 2 * j->depth, "");
    fputc(bracket, j->file);
    j->first = false;
}

void ln_json_text(ln_json *j, const char *key, const char *value)
{
    begin(j, key);
    if (value)
        string(j->file, value);
    else
        fputs("null", j->file);
}

void ln_json_int(ln_json *j, const char *key, int64_t value)
{
    begin(j, key);
    fprintf(j->file, "%lld", (long long)value);
}

void ln_json_number(ln_json *j, const char *key, double value)
{
    begin(j, key);
    if (isfinite(value))
        fprintf(j->file, "%.9g", value);
    else
        fputs("null", j->file);
}

void ln_json_bool(ln_json *j, const char *key, bool value)
{
    begin(j, key);
    fputs(value ? "true" : "false", j->file);
}

void ln_json_end(ln_json *j)
{
    fputc('\n', j->file);
}
