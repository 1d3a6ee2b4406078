/* SPDX-License-Identifier: Apache-2.0
 *
 * What the program says: messages on stderr, progress on a terminal, values and counts as text.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tools/tool.h"

static bool progress_shown;

int ln_bad(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    ln_progress(NULL);
    fflush(stdout);
    fputs("linnet: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    return LN_EXIT_BAD;
}

int ln_bad_error(const char *about, const linnet_error *error)
{
    char text[sizeof(linnet_error)];
    linnet_error_message(error, text, sizeof text);
    return about ? ln_bad("%s: %s", about, text) : ln_bad("%s", text);
}

bool ln_is_terminal(FILE *file)
{
    return isatty(fileno(file)) == 1;
}

void ln_progress(const char *format, ...)
{
    if (!format) {
        if (progress_shown)
            fputs("\r\033[K", stderr);
        progress_shown = false;
        return;
    }
    if (!ln_is_terminal(stderr))
        return;
    va_list args;
    va_start(args, format);
    fputs("\r\033[K", stderr);
    vfprintf(stderr, format, args);
    fflush(stderr);
    va_end(args);
    progress_shown = true;
}

double ln_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

const char *ln_count_text(double n, char *buf, size_t size)
{
    static const char unit[] = " KMGTP";
    int u = 0;
    for (; n >= 999.5 && unit[u + 1]; u++)
        n /= 1000;
    snprintf(buf, size, u ? "%.3g %c" : "%.3g", n, unit[u]);
    return buf;
}

const char *ln_bytes_text(double n, char *buf, size_t size)
{
    static const char *const unit[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    int u = 0;
    for (; n >= 1023.5 && u < 4; u++)
        n /= 1024;
    snprintf(buf, size, u ? "%.1f %s" : "%.0f %s", n, unit[u]);
    return buf;
}

static size_t put(char *buf, size_t size, size_t at, const char *format, ...) __attribute__((format(printf, 4, 5)));

static size_t put(char *buf, size_t size, size_t at, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vsnprintf(buf + at, size - at, format, args);
    va_end(args);
    return n < 0 ? at : at + (size_t)n < size ? at + (size_t)n : size - 1;
}

const char *ln_value_text(const linnet_value *v, char *buf, size_t size)
{
    size_t at = 0;
    if (v->kind == LINNET_NONE)
        put(buf, size, 0, "none");
    else if (v->kind == LINNET_SEQUENCE)
        put(buf, size, 0, "sequence of %" PRId64, v->n_items);
    else if (v->kind == LINNET_MAP)
        put(buf, size, 0, "map of %" PRId64, v->n_items ? linnet_value_count(&v->items[0]) : 0);
    else {
        at = put(buf, size, at, "%s[", linnet_type_name(v->type));
        for (int32_t i = 0; i < v->rank; i++)
            at = put(buf, size, at, "%s%" PRId64, i ? "," : "", v->dims[i]);
        put(buf, size, at, "]");
    }
    return buf;
}

const char *ln_declared_text(const linnet_value_info *info, char *buf, size_t size)
{
    size_t at = 0;
    linnet_kind kind = info->kind;
    if (kind == LINNET_OPTIONAL) {
        at = put(buf, size, at, "optional ");
        kind = info->item;
    }
    if (kind == LINNET_SEQUENCE) {
        at = put(buf, size, at, "sequence of ");
        kind = info->kind == LINNET_SEQUENCE ? info->item : LINNET_TENSOR;
    }
    if (kind == LINNET_MAP) {
        put(buf, size, at, "map %s to %s", linnet_type_name(info->key), linnet_type_name(info->type));
        return buf;
    }
    at = put(buf, size, at, "%s[", linnet_type_name(info->type));
    if (info->rank < 0)
        at = put(buf, size, at, "...");
    for (int32_t i = 0; i < info->rank; i++) {
        at = put(buf, size, at, "%s", i ? "," : "");
        if (info->dims[i] >= 0)
            at = put(buf, size, at, "%" PRId64, info->dims[i]);
        else
            at = put(buf, size, at, "%s", info->dim_names[i] ? info->dim_names[i] : "?");
    }
    put(buf, size, at, "]");
    return buf;
}

static void print_element(FILE *file, const linnet_value *v, int64_t i)
{
    switch (v->type) {
    case LINNET_STRING: {
        const linnet_string *s = (const linnet_string *)v->data + i;
        fputc('"', file);
        for (size_t k = 0; k < s->size; k++) {
            unsigned char ch = (unsigned char)s->data[k];
            if (ch < 0x20 || ch == '"' || ch == '\\')
                fprintf(file, "\\x%02x", ch);
            else
                fputc(ch, file);
        }
        fputc('"', file);
        break;
    }
    case LINNET_BOOL:
        fputs(((const uint8_t *)v->data)[i] ? "true" : "false", file);
        break;
    case LINNET_INT64:
        fprintf(file, "%" PRId64, ((const int64_t *)v->data)[i]);
        break;
    case LINNET_UINT64:
        fprintf(file, "%" PRIu64, ((const uint64_t *)v->data)[i]);
        break;
    case LINNET_FLOAT64:
        fprintf(file, "%.9g", ((const double *)v->data)[i]);
        break;
    case LINNET_INT32:
    case LINNET_UINT32:
        fprintf(file, "%.0f", ln_element(v, i));
        break;
    case LINNET_COMPLEX64: {
        const float *c = (const float *)v->data + 2 * i;
        fprintf(file, "%.6g%+.6gi", (double)c[0], (double)c[1]);
        break;
    }
    case LINNET_COMPLEX128: {
        const double *c = (const double *)v->data + 2 * i;
        fprintf(file, "%.9g%+.9gi", c[0], c[1]);
        break;
    }
    default:
        fprintf(file, "%.6g", ln_element(v, i));
    }
}

static void print_elements(FILE *file, const linnet_value *v, int64_t max)
{
    int64_t n = linnet_value_count(v);
    for (int64_t i = 0; i < n && i < max; i++) {
        fputc(' ', file);
        print_element(file, v, i);
    }
    if (n > max)
        fputs(" ...", file);
}

static void print_map(FILE *file, const linnet_value *v, int64_t max)
{
    int64_t n = v->n_items ? linnet_value_count(&v->items[0]) : 0;
    for (int64_t i = 0; i < n && i < max; i++) {
        fputc(' ', file);
        print_element(file, &v->items[0], i);
        fputc(':', file);
        print_element(file, &v->items[1], i);
    }
    if (n > max)
        fputs(" ...", file);
}

static void print_at(FILE *file, const char *name, const linnet_value *v, int64_t max, int depth)
{
    char text[256];
    fprintf(file, "%*s%s: %s", 2 * depth, "", name, ln_value_text(v, text, sizeof text));
    if (v->kind == LINNET_TENSOR)
        print_elements(file, v, max);
    else if (v->kind == LINNET_MAP)
        print_map(file, v, max);
    fputc('\n', file);
    if (v->kind != LINNET_SEQUENCE || depth > 8)
        return;
    for (int64_t i = 0; i < v->n_items && i < max; i++) {
        char label[32];
        snprintf(label, sizeof label, "[%" PRId64 "]", i);
        print_at(file, label, &v->items[i], max, depth + 1);
    }
    if (v->n_items > max)
        fprintf(file, "%*s...\n", 2 * depth + 2, "");
}

void ln_print_value(FILE *file, const char *name, const linnet_value *v, int64_t max)
{
    print_at(file, name, v, max, 0);
}
