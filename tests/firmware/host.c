/* SPDX-License-Identifier: Apache-2.0
 *
 * A host as a board, for the same images.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "docs/firmware/board.h"

void board_print(const char *text)
{
    fputs(text, stdout);
}

void board_exit(int code)
{
    exit(code);
}

uint64_t board_ticks(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}
