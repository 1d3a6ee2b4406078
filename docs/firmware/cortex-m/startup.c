/* SPDX-License-Identifier: Apache-2.0
 *
 * Start of a Cortex-M image: the vector table, memory as C wants it, the float unit, main. Output and exit go through
 * semihosting (Arm, "Semihosting for AArch32 and AArch64", 2.0), which a debugger or QEMU serves.
 */
#include "board.h"

extern uint32_t data_from[], data_start[], data_end[], bss_start[], bss_end[], stack_top[];

enum { SYS_WRITE0 = 4, SYS_EXIT = 0x18 };

static int semihost(int operation, const void *argument)
{
    register int r0 __asm__("r0") = operation;
    register const void *r1 __asm__("r1") = argument;
    __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
    return r0;
}

void board_print(const char *text)
{
    semihost(SYS_WRITE0, text);
}

void board_exit(int code)
{
    semihost(SYS_EXIT, (const void *)(code ? 0x20023 : 0x20026)); /* run-time error; application exit */
    for (;;)
        ;
}

/* SysTick counts processor cycles down in 24 bits; its interrupt counts the rounds. QEMU's boards run it at 25 or 32
 * MHz, and with -icount shift=0 an instruction takes a nanosecond of their time. */
#define SYST_CSR (*(volatile uint32_t *)0xe000e010)
#define SYST_RVR (*(volatile uint32_t *)0xe000e014)
#define SYST_CVR (*(volatile uint32_t *)0xe000e018)
enum { ROUND = 1 << 24 };
static volatile uint32_t rounds;

static void tick(void)
{
    rounds++;
}

uint64_t board_ticks(void)
{
    uint32_t before, at;
    do {
        before = rounds;
        at = SYST_CVR;
    } while (before != rounds);
    return (uint64_t)before * ROUND + (ROUND - 1 - at);
}

static void fault(void)
{
    board_print("fault\n");
    board_exit(1);
}

void reset(void);
void reset(void)
{
    uint32_t *from = data_from;
    for (uint32_t *to = data_start; to < data_end; to++)
        *to = *from++;
    for (uint32_t *to = bss_start; to < bss_end; to++)
        *to = 0;
#if __ARM_ARCH_PROFILE == 'M' && __ARM_ARCH >= 7
    *(volatile uint32_t *)0xe000ed88 |= 0xfu << 20; /* CPACR: CP10 and CP11, float unit and Helium */
    __asm__ volatile("dsb\n\tisb");
#endif
    SYST_RVR = ROUND - 1;
    SYST_CVR = 0;
    SYST_CSR = 7;
    board_exit(main());
}

__attribute__((section(".vectors"), used)) static void *const vectors[16] = {
    (void *)stack_top,
    (void *)reset,
    (void *)fault,
    (void *)fault,
    (void *)fault,
    (void *)fault,
    (void *)fault,
    0,
    0,
    0,
    0,
    (void *)fault,
    (void *)fault,
    0,
    (void *)fault,
    (void *)tick,
};
