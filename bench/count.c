/* SPDX-License-Identifier: Apache-2.0
 *
 * What bench/instructions.py counts the instructions of: `count MODEL RUNS` loads a model, fills its inputs and runs it
 * RUNS times on one thread; `count rfft RUNS` does as many real transforms of 1024 floats. The difference of two
 * numbers of runs is free of what loading and planning take.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/linnet.h"
#include "kernels/kernels.h"

static int complain(const linnet_error *error)
{
    char text[600];
    fprintf(stderr, "count: %s\n", linnet_error_message(error, text, sizeof text));
    return 1;
}

/* Any bytes are numbers for integers; floats are small multiples of 1/8. */
static void *filled(const linnet_value_info *info, int64_t *dims)
{
    size_t n = 1, size = linnet_type_size(info->type);
    for (int32_t i = 0; i < info->rank; i++) {
        dims[i] = info->dims[i] > 0 ? info->dims[i] : 1;
        n *= (size_t)dims[i];
    }
    unsigned char *data = calloc(n ? n : 1, size ? size : 1);
    for (size_t i = 0; data && i < n; i++) {
        float f = (float)(i * 37 % 101) / 8 - 6;
        if (info->type == LINNET_FLOAT32)
            memcpy(data + 4 * i, &f, 4);
        else if (size == 1)
            data[i] = (unsigned char)(i * 37 % 251);
    }
    return data;
}

static int model(const char *path, int runs)
{
    linnet_model *model = NULL;
    linnet_session *session = NULL;
    linnet_error error;
    linnet_session_options options = {.threads = 1};
    int bad = 0;
    if (linnet_model_load_file(&model, path, NULL, &error))
        return complain(&error);
    if (linnet_session_create(&session, model, &options, &error))
        bad = complain(&error);
    size_t inputs = linnet_model_input_count(model);
    void **data = calloc(inputs + 1, sizeof *data);
    for (size_t i = 0; data && !bad && i < inputs; i++) {
        const linnet_value_info *info = linnet_model_input(model, i);
        int64_t dims[LINNET_MAX_RANK];
        if (info->has_default)
            continue;
        data[i] = filled(info, dims);
        if (!data[i] || linnet_session_set_tensor(session, info->name, info->type, info->rank, dims, data[i], &error))
            bad = complain(&error);
    }
    for (int i = 0; !bad && i < runs; i++)
        if (linnet_session_run(session, &error))
            bad = complain(&error);
    linnet_session_free(session);
    for (size_t i = 0; data && i < inputs; i++)
        free(data[i]);
    free(data);
    linnet_model_free(model);
    return bad || !data;
}

static int rfft(int runs)
{
    enum { N = 1024 };
    static _Alignas(64) float x[N], y[N + 2];
    for (int i = 0; i < N; i++)
        x[i] = (float)(i * 37 % 101) / 8 - 6;
    ln_dispatch_init();
    ln_fft_desc desc = {.n = N, .kind = LN_FFT_REAL, .width = ln_fft_width(0), .count = 1, .scale = 1};
    size_t bytes = ln_fft_bytes(&desc);
    ln_fft_plan *plan = aligned_alloc(64, (bytes + 63) / 64 * 64);
    if (!plan)
        return 1;
    ln_fft_make(plan, &desc);
    void *scratch = aligned_alloc(64, (ln_fft_scratch(plan) + 127) / 64 * 64);
    ln_fft_job job = {.in = x, .out = y, .count = 1, .in_batch = N, .in_stride = 1, .out_batch = N + 2};
    job.out_stride = 2, job.in_len = N, job.out_len = N / 2 + 1;
    for (int i = 0; scratch && i < runs; i++)
        LN_K(fft_f32)(plan, &job, scratch);
    int bad = !scratch || !(y[0] == y[0]);
    free(scratch);
    free(plan);
    return bad;
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: count MODEL|rfft RUNS\n");
        return 2;
    }
    int runs = atoi(argv[2]);
    return strcmp(argv[1], "rfft") == 0 ? rfft(runs) : model(argv[1], runs);
}
