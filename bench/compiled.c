/* SPDX-License-Identifier: Apache-2.0
 *
 * A compiled model (MODEL, INIT, RUN, ARENA) beside a session of the same model with one thread, in turns: the median
 * time of a run of each, and their ratio. usage: PROGRAM MODEL.onnx
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <linnet.h>
#include MODEL

enum { TURNS = 31 };

static char arena[ARENA] __attribute__((aligned(64)));

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void bad(const linnet_error *error)
{
    char text[512];
    fprintf(stderr, "%s\n", linnet_error_message(error, text, sizeof text));
    exit(2);
}

/* Zeros for every input. */
static void feed(linnet_session *s, const linnet_model *m, linnet_error *error)
{
    for (size_t i = 0; i < linnet_model_input_count(m); i++) {
        const linnet_value_info *info = linnet_model_input(m, i);
        linnet_value v = {.kind = LINNET_TENSOR, .type = info->type, .rank = info->rank};
        for (int d = 0; d < v.rank; d++)
            v.dims[d] = info->dims[d] < 0 ? 1 : info->dims[d];
        v.data = calloc((size_t)linnet_value_count(&v) + 1, linnet_type_size(v.type));
        if (!v.data || linnet_session_set_input(s, info->name, &v, error))
            bad(error);
        free(v.data);
    }
}

int main(int argc, char **argv)
{
    linnet_error error = {0};
    linnet_model *m;
    linnet_session *s;
    linnet_session_options options = {.threads = 1};
    if (argc != 2 || linnet_model_load_file(&m, argv[1], NULL, &error) ||
        linnet_session_create(&s, m, &options, &error))
        bad(&error);
    memset(arena, 0, sizeof arena);
    if (INIT(arena) != LINNET_OK)
        return 2;
    feed(s, m, &error);
    if (linnet_session_run(s, &error))
        bad(&error);
    double first = now();
    if (RUN() != LINNET_OK)
        return 2;
    int runs = (int)(5e6 / (now() - first + 1)) + 1; /* a turn takes some milliseconds */
    double compiled[TURNS], session[TURNS];
    for (int turn = 0; turn < TURNS; turn++) {
        double begin = now();
        for (int i = 0; i < runs; i++)
            if (linnet_session_run(s, &error))
                bad(&error);
        double middle = now();
        for (int i = 0; i < runs; i++)
            if (RUN() != LINNET_OK)
                return 2;
        compiled[turn] = (now() - middle) / runs;
        session[turn] = (middle - begin) / runs;
    }
    qsort(compiled, TURNS, sizeof *compiled, by_size);
    qsort(session, TURNS, sizeof *session, by_size);
    double ratio = session[TURNS / 2] / compiled[TURNS / 2];
    printf("compiled %.2f us, session %.2f us: %.3f times as fast\n", compiled[TURNS / 2] / 1e3,
           session[TURNS / 2] / 1e3, ratio);
    return ratio < 0.95; /* what medians vary by */
}
