/* SPDX-License-Identifier: Apache-2.0
 *
 * What an example asks of a board. A folder has the start-up code that does it, and the linker script.
 */
#ifndef BOARD_H
#define BOARD_H

#include <stdint.h>

int main(void);
void board_print(const char *text);
void board_exit(int code);  /* 0: well */
uint64_t board_ticks(void); /* of a clock that does not wrap */

#endif
