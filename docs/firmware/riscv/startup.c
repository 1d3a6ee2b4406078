/* SPDX-License-Identifier: Apache-2.0
 *
 * Start of a RISC-V image for QEMU's board `virt`: stack, .bss, float and vector unit, main. Output goes to its UART
 * (16550), exit to its test device. The whole image is loaded into RAM, so nothing is copied.
 */
#include "board.h"

__asm__(".option arch, +zicsr"); /* which -march=rv32imac does not say */

#define UART (*(volatile uint8_t *)0x10000000)
#define UART_STATUS (*(volatile uint8_t *)0x10000005)
#define TEST (*(volatile uint32_t *)0x100000)

extern char bss_start[], bss_end[];
void reset(void);
void start(void);

__attribute__((section(".start"), naked, used)) void reset(void)
{
    __asm__ volatile(".option push\n"
                     ".option norelax\n"
                     "la gp, __global_pointer$\n"
                     ".option pop\n"
                     "la sp, stack_top\n"
                     "j start\n");
}

void board_print(const char *text)
{
    for (; *text; text++) {
        while (!(UART_STATUS & 0x20))
            ;
        UART = (uint8_t)*text;
    }
}

void board_exit(int code)
{
    TEST = code ? (uint32_t)code << 16 | 0x3333 : 0x5555;
    for (;;)
        ;
}

/* Instructions retired; with -icount QEMU counts them. */
uint64_t board_ticks(void)
{
#if __riscv_xlen == 64
    uint64_t n;
    __asm__ volatile("csrr %0, minstret" : "=r"(n));
    return n;
#else
    uint32_t high, low, again;
    do {
        __asm__ volatile("csrr %0, minstreth\n\tcsrr %1, minstret\n\tcsrr %2, minstreth"
                         : "=r"(high), "=r"(low), "=r"(again));
    } while (high != again);
    return (uint64_t)high << 32 | low;
#endif
}

__attribute__((aligned(4))) static void fault(void)
{
    board_print("fault\n");
    board_exit(1);
}

__attribute__((used)) void start(void)
{
    for (char *at = bss_start; at < bss_end; at++)
        *at = 0;
    __asm__ volatile("csrw mtvec, %0" : : "r"(fault));
    __asm__ volatile("csrs mstatus, %0" : : "r"(1u << 13 | 1u << 9)); /* FS, VS: the units are on */
    board_exit(main());
}
