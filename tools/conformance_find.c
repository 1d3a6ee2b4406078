/* SPDX-License-Identifier: Apache-2.0
 *
 * Finds the tests of ONNX's backend suite below a folder. A test is a folder with model.onnx and test_data_set_N in it
 * (node, simple, pytorch-*), or one with data.json (real), which names a model of ../../light beside the folder: its
 * input is arange(n) / n, its output lies beside the model.
 */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tools/conformance.h"

static const char *join(ln_arena *arena, const char *folder, const char *name)
{
    size_t n = strlen(folder) + strlen(name) + 2;
    char *path = ln_arena_alloc(arena, n, 1);
    if (path)
        snprintf(path, n, "%s%s%s", folder, ln_ends_with(folder, "/") ? "" : "/", name);
    return path;
}

static bool exists(const char *path)
{
    struct stat st;
    return path && !stat(path, &st);
}

static bool add(ln_tests *tests, const ln_test *test)
{
    if (tests->n == tests->room) {
        int room = tests->room ? 2 * tests->room : 256;
        ln_test *items = ln_arena_array(tests->arena, room, sizeof *items);
        if (!items)
            return ln_bad("out of memory") == 0;
        if (tests->n)
            memcpy(items, tests->items, (size_t)tests->n * sizeof *items);
        tests->items = items;
        tests->room = room;
    }
    tests->items[tests->n++] = *test;
    return true;
}

/* The text after "key": in a flat JSON object. */
static const char *json_value(const char *text, const char *key)
{
    char quoted[64];
    snprintf(quoted, sizeof quoted, "\"%s\"", key);
    const char *p = strstr(text, quoted);
    if (!p)
        return NULL;
    p += strlen(quoted);
    return p + strspn(p, " \t\r\n:");
}

static bool add_real(ln_tests *tests, const char *folder, ln_test *test)
{
    ln_arena *a = tests->arena;
    ln_bytes file;
    const char *data = join(a, folder, "data.json");
    if (!data || !ln_read_file(a, data, &file))
        return false;
    const char *text = (const char *)file.data, *url = json_value(text, "url"), *number;
    const char *end = url && *url == '"' ? strchr(url + 1, '"') : NULL, *name = end;
    while (name && name > url + 1 && name[-1] != '/')
        name--;
    if (!name || end == name)
        return ln_bad("%s: names no model by \"url\"", data) == 0;
    char model[256], output[256];
    snprintf(model, sizeof model, "../../light/%.*s", (int)(end - name), name);
    size_t stem = strlen(model) > 5 && ln_ends_with(model, ".onnx") ? strlen(model) - 5 : strlen(model);
    snprintf(output, sizeof output, "%.*s_output_0.pb", (int)stem, model);
    test->model = join(a, folder, model);
    test->expected = join(a, folder, output);
    test->rtol = (number = json_value(text, "rtol")) ? strtod(number, NULL) : test->rtol;
    test->atol = (number = json_value(text, "atol")) ? strtod(number, NULL) : test->atol;
    return add(tests, test);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The names of the folders in a folder, sorted, ended by NULL; NULL: cannot be read. */
static const char **list(ln_arena *arena, const char *folder)
{
    DIR *dir = opendir(folder);
    if (!dir)
        return NULL;
    size_t n = 0, room = 64;
    const char **names = ln_arena_array(arena, (int64_t)room + 1, sizeof *names);
    for (struct dirent *e; names && (e = readdir(dir));) {
        struct stat st;
        const char *path = e->d_name[0] == '.' ? NULL : join(arena, folder, e->d_name);
        if (!path || stat(path, &st) || !S_ISDIR(st.st_mode))
            continue;
        if (n == room) {
            const char **more = ln_arena_array(arena, 2 * (int64_t)room + 1, sizeof *names);
            if (more)
                memcpy(more, names, n * sizeof *names);
            names = more;
            room *= 2;
        }
        if (names)
            names[n++] = ln_arena_strndup(arena, e->d_name, strlen(e->d_name));
    }
    closedir(dir);
    if (names) {
        qsort(names, n, sizeof *names, by_name);
        names[n] = NULL;
    }
    return names;
}

static bool find(ln_tests *tests, const char *folder, int depth)
{
    ln_arena *a = tests->arena;
    const char *slash = strrchr(folder, '/');
    ln_test test = {.name = slash ? slash + 1 : folder,
                    .path = folder,
                    .rtol = 1e-3,
                    .atol = 1e-7,
                    .verdict = LN_PENDING,
                    .reason = ""};
    test.model = join(a, folder, "model.onnx");
    if (exists(test.model) && exists(join(a, folder, "test_data_set_0")))
        return add(tests, &test);
    if (exists(join(a, folder, "data.json")))
        return add_real(tests, folder, &test);
    const char **names = depth < 8 ? list(a, folder) : NULL;
    if (!names)
        return depth >= 8 || ln_bad("%s: %s", folder, strerror(errno)) == 0;
    for (; *names; names++) {
        const char *path = join(a, folder, *names);
        if (!path || !find(tests, path, depth + 1))
            return false;
    }
    return true;
}

bool ln_tests_find(ln_tests *tests, const char *folder)
{
    size_t n = strlen(folder);
    while (n > 1 && folder[n - 1] == '/')
        n--;
    const char *path = ln_arena_strndup(tests->arena, folder, n);
    return path && find(tests, path, 0);
}
