/* SPDX-License-Identifier: Apache-2.0
 *
 * Custom operators by their names.
 */
#include <string.h>

#include "tools/tflite/operators.h"

static const ln_tfl_row rows[] = {
    {"FlexRFFT", ln_tfl_flex_rfft, 32, 2, 1, NULL},
};

const ln_tfl_row *ln_tfl_custom_row(const char *name)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (strcmp(rows[i].name, name) == 0)
            return &rows[i];
    return NULL;
}
