/* SPDX-License-Identifier: Apache-2.0
 *
 * Start of an AArch64 image for QEMU's board `virt`, at EL1: stack, float unit, memory, .bss, main. Output goes to its
 * UART (PL011), exit through semihosting. The whole image is loaded into RAM, so nothing is copied. There is no C
 * library: the functions that a compiler and Linnet expect of one are here.
 */
#include "board.h"

#include <stddef.h>

#define UART (*(volatile uint32_t *)0x9000000)
#define UART_FLAGS (*(volatile uint32_t *)0x9000018)

extern char bss_start[], bss_end[];
void start(void);
void fault(void);

/* CPACR_EL1.FPEN: the float unit is on. The vectors are sixteen entries of 128 bytes, all the same. */
__asm__(".section .start, \"ax\"\n"
        ".globl reset\n"
        "reset:\n"
        "    adrp x0, stack_top\n"
        "    add x0, x0, :lo12:stack_top\n"
        "    mov sp, x0\n"
        "    mov x0, #0x300000\n"
        "    msr cpacr_el1, x0\n"
        "    adr x0, vectors\n"
        "    msr vbar_el1, x0\n"
        "    isb\n"
        "    b start\n"
        ".balign 2048\n"
        "vectors:\n"
        "    .rept 16\n"
        "    b fault\n"
        "    .balign 128\n"
        "    .endr\n"
        ".text\n");

void board_print(const char *text)
{
    for (; *text; text++) {
        while (UART_FLAGS & 0x20)
            ;
        UART = (uint8_t)*text;
    }
}

void board_exit(int code)
{
    const uint64_t why[2] = {0x20026, (uint64_t)code}; /* application exit */
    register uint64_t operation __asm__("x0") = 0x18;  /* SYS_EXIT */
    register const uint64_t *argument __asm__("x1") = why;
    for (;;)
        __asm__ volatile("hlt #0xf000" : "+r"(operation) : "r"(argument) : "memory");
}

/* Cycles; QEMU with -icount counts an instruction for one. */
uint64_t board_ticks(void)
{
    uint64_t n;
    __asm__ volatile("isb\n\tmrs %0, pmccntr_el0" : "=r"(n));
    return n;
}

__attribute__((used)) void fault(void)
{
    board_print("fault\n");
    board_exit(1);
}

/* Without translation all memory is a device's, where nothing may be misaligned: a gigabyte of devices, then one of RAM
 * (write-back), each where it is (Armv8-A, D8). */
static void map_memory(void)
{
    static uint64_t table[512] __attribute__((aligned(4096)));
    table[0] = 0x00000000 | 1 << 10 | 0 << 2 | 1;                          /* accessed, attribute 0, block */
    table[1] = 0x40000000 | 1 << 10 | 3 << 8 | 1 << 2 | 1;                 /* shareable, attribute 1 */
    const uint64_t attributes = 0xff << 8;                                 /* 0: device; 1: write-back, allocating */
    const uint64_t control = 25 | 1 << 8 | 1 << 10 | 3 << 12 | 1ull << 23; /* 39 bits, pages of 4 KB, TTBR0 alone */
    uint64_t system;
    __asm__ volatile("msr mair_el1, %0\n\tmsr tcr_el1, %1\n\tmsr ttbr0_el1, %2\n\tdsb sy\n\tisb"
                     :
                     : "r"(attributes), "r"(control), "r"(table)
                     : "memory");
    __asm__ volatile("mrs %0, sctlr_el1" : "=r"(system));
    system |= 1 | 1 << 2 | 1 << 12; /* translation, caches */
    __asm__ volatile("msr sctlr_el1, %0\n\tisb" : : "r"(system) : "memory");
}

__attribute__((used)) void start(void)
{
    for (char *at = bss_start; at < bss_end; at++)
        *(volatile char *)at = 0;
    map_memory();
    __asm__ volatile("msr pmcntenset_el0, %0\n\tmsr pmcr_el0, %1" : : "r"(1ull << 31), "r"(1ull | 1 << 6));
    board_exit(main());
}

/* What follows is not to become calls of itself. */
#define PLAIN __attribute__((used, optimize("no-tree-loop-distribute-patterns")))
void *memset(void *to, int value, size_t n);
void *memcpy(void *to, const void *from, size_t n);
void *memmove(void *to, const void *from, size_t n);
int memcmp(const void *a, const void *b, size_t n);

PLAIN void *memset(void *to, int value, size_t n)
{
    uint8_t *at = to;
    for (size_t i = 0; i < n; i++)
        at[i] = (uint8_t)value;
    return to;
}

PLAIN void *memcpy(void *to, const void *from, size_t n)
{
    uint8_t *at = to;
    const uint8_t *x = from;
    size_t i = 0;
    for (; i + 8 <= n; i += 8) {
        uint64_t word;
        __builtin_memcpy(&word, x + i, 8);
        __builtin_memcpy(at + i, &word, 8);
    }
    for (; i < n; i++)
        at[i] = x[i];
    return to;
}

PLAIN void *memmove(void *to, const void *from, size_t n)
{
    uint8_t *at = to;
    const uint8_t *x = from;
    if ((uintptr_t)to - (uintptr_t)from >= n)
        return memcpy(to, from, n);
    while (n--)
        at[n] = x[n];
    return to;
}

PLAIN int memcmp(const void *a, const void *b, size_t n)
{
    const uint8_t *x = a, *y = b;
    size_t i = 0;
    while (i < n && x[i] == y[i])
        i++;
    return i < n ? x[i] - y[i] : 0;
}
