/* SPDX-License-Identifier: Apache-2.0
 *
 * Runs a compiled model on what reference.c wrote (as EXPECT) and compares the outputs. Prints "pass TICKS STACK" with
 * the ticks of the last run, or what was wrong.
 */
#include <stdbool.h>
#include <string.h>

#include "board.h"

static inline int other(const void *got, const uint8_t *want, size_t n)
{
    int wrong = 0;
    for (size_t i = 0; i < n; i++)
        wrong |= ((const uint8_t *)got)[i] != want[i];
    return wrong;
}

static inline float magnitude(float x)
{
    return x < 0 ? -x : x;
}

/* Whether a float is farther from the wanted one than 1e-3 of it and 1e-7, or 1e-7 of the greatest: sums of numbers
 * that cancel have the error of what was added. */
static inline int far(const float *got, const uint8_t *bytes, size_t n)
{
    int wrong = 0;
    float want, greatest = 1;
    for (size_t i = 0; i < n / sizeof want; i++) {
        memcpy(&want, bytes + i * sizeof want, sizeof want);
        greatest = magnitude(want) > greatest ? magnitude(want) : greatest;
    }
    for (size_t i = 0; i < n / sizeof want; i++) {
        memcpy(&want, bytes + i * sizeof want, sizeof want);
        bool same = got[i] == want || (got[i] != got[i] && want != want);
        wrong |= !same && !(magnitude(got[i] - want) <= 1e-7f * greatest + 1e-3f * magnitude(want));
    }
    return wrong;
}

#include EXPECT

static char arena[ARENA_BYTES] __attribute__((aligned(ARENA_ALIGN)));

static void print_number(uint64_t n)
{
    char text[24], *at = text + sizeof text;
    *--at = 0;
    do
        *--at = (char)('0' + n % 10);
    while (n /= 10);
    board_print(at);
}

/* Marks the stack below its caller's frame, and finds later how much of the marks is gone. */
enum { ROOM = 24 << 10 };
static __attribute__((noinline)) uint64_t stack(int mark)
{
    volatile uint8_t room[ROOM];
    int at = 0;
    if (mark)
        for (int i = 0; i < ROOM; i++)
            room[i] = 0xa5;
    while (at < ROOM && room[at] == 0xa5)
        at++;
    return (uint64_t)(ROOM - at);
}

int main(void)
{
    stack(1);
    uint64_t begin = 0, end = 0;
    if (MODEL_INIT(arena + 1) != LINNET_ERR_ARGUMENT || MODEL_INIT(arena) != LINNET_OK) {
        board_print("FAIL init\n");
        return 1;
    }
    for (int r = 0; r < RUNS; r++) {
        feed[r]();
        begin = board_ticks();
        linnet_status status = MODEL_RUN();
        end = board_ticks();
        if (status != LINNET_OK || compare[r]()) {
            board_print(status ? "FAIL status in run " : "FAIL other outputs in run ");
            print_number((uint64_t)r);
            board_print("\n");
            return 1;
        }
    }
    bool again = MODEL_INIT(arena) == LINNET_OK; /* which forgets states */
    feed[0]();
    if (!again || MODEL_RUN() != LINNET_OK || compare[0]()) {
        board_print("FAIL other outputs from the start again\n");
        return 1;
    }
    board_print("pass ");
    print_number(end - begin);
    board_print(" ");
    print_number(stack(0));
    board_print("\n");
    return 0;
}
