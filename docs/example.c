/* SPDX-License-Identifier: Apache-2.0
 *
 * Runs a model of one float32 input on numbers from the command line, and prints its outputs.
 *     cc example.c $(pkg-config --cflags --libs linnet) -o example && ./example digits.onnx 0 255 ...
 */
#include <linnet.h>
#include <stdio.h>
#include <stdlib.h>

static int run(const linnet_model *model, linnet_session *session, int n, char **numbers, linnet_error *error)
{
    const linnet_value_info *in = linnet_model_input(model, 0);
    int64_t dims[LINNET_MAX_RANK], count = 1;
    for (int d = 0; d < in->rank; d++)
        count *= dims[d] = in->dims[d] < 0 ? 1 : in->dims[d]; /* -1: not fixed, such as a batch */
    float *data = calloc((size_t)count, sizeof *data);
    for (int i = 0; data && i < n && i < count; i++)
        data[i] = strtof(numbers[i], NULL);

    /* the data is read where it lies, so it stays until the run is over */
    linnet_status status = linnet_session_set_tensor(session, in->name, LINNET_FLOAT32, in->rank, dims, data, error);
    if (status == LINNET_OK)
        status = linnet_session_run(session, error);
    for (size_t k = 0; status == LINNET_OK && k < linnet_model_output_count(model); k++) {
        const char *name = linnet_model_output(model, k)->name;
        const linnet_value *out = linnet_session_output(session, name);
        printf("%s:", name);
        for (int64_t i = 0; out->type == LINNET_FLOAT32 && i < linnet_value_count(out); i++)
            printf(" %g", ((const float *)out->data)[i]);
        printf("\n");
    }
    free(data);
    return status;
}

int main(int argc, char **argv)
{
    linnet_error error;
    linnet_model *model = NULL;
    linnet_session *session = NULL;
    linnet_status status = linnet_model_load_file(&model, argc > 1 ? argv[1] : "", NULL, &error);
    if (status == LINNET_OK)
        status = linnet_session_create(&session, model, NULL, &error);
    if (status == LINNET_OK)
        status = run(model, session, argc - 2, argv + 2, &error);
    if (status != LINNET_OK) {
        char text[sizeof error];
        fprintf(stderr, "%s\n", linnet_error_message(&error, text, sizeof text));
    }
    linnet_session_free(session);
    linnet_model_free(model);
    return status != LINNET_OK;
}
