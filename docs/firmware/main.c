/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads a digit, on any board of the folders here. The arena is a static array: what the program needs of RAM is known
 * when it is linked.
 */
#include "board.h"
#include "digits.h"

static char arena[DIGITS_ARENA_BYTES] __attribute__((aligned(DIGITS_ARENA_ALIGN)));

/* Black to white in ten steps: models/digits/digit_3.png. */
static const char picture[8][9] = {
    "  5861  ", "  6263  ", "   173  ", "   891  ", "   2581 ", " 11  54 ", " 273265 ", "  48981 ",
};

int main(void)
{
    char answer[] = "this is a 0\n";
    int best = 0;
    if (digits_init(arena) != LINNET_OK)
        return 1;
    float *image = digits_input_image();
    for (int i = 0; i < DIGITS_INPUT_IMAGE_COUNT; i++)
        image[i] = picture[i / 8][i % 8] == ' ' ? 0 : (float)(picture[i / 8][i % 8] - '0') * (255.0f / 9);
    if (digits_run() != LINNET_OK)
        return 1;
    const float *p = digits_output_probabilities();
    for (int i = 1; i < DIGITS_OUTPUT_PROBABILITIES_COUNT; i++)
        if (p[i] > p[best])
            best = i;
    answer[10] = (char)('0' + best);
    board_print(answer);
    return 0;
}
