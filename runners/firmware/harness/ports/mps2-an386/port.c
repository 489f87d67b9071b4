/* SPDX-License-Identifier: Apache-2.0
 * Arm's MPS2 board with the image AN386 (Cortex-M4), as QEMU emulates it: `qemu-system-arm -machine mps2-an386`.
 *
 * UART 0 carries the protocol. There is no pin: UART 1 carries one line for each of its falling edges, the time in
 * microseconds. Addresses and interrupts: application note AN386; registers: CMSDK technical reference manual. */
#include "../../port.h"

#include "../../harness.h"
#include "../../numbers.h"

typedef struct
{
    volatile uint32_t data, state, control, interrupt, divider;
} uart;

typedef struct
{
    volatile uint32_t control, value, reload, interrupt;
} timer;

#define UART0 ((uart *)0x40004000u)
#define UART1 ((uart *)0x40005000u)
#define TIMER0 ((timer *)0x40000000u)
#define INTERRUPTS_ENABLE (*(volatile uint32_t *)0xE000E100u) /* NVIC_ISER0 */

enum
{
    CLOCK_HZ = 25000000,
    TICKS_PER_US = CLOCK_HZ / 1000000,
    UART_TX_FULL = 1 << 0,
    UART_RX_FULL = 1 << 1,
    UART_TX_ENABLE = 1 << 0,
    UART_RX_ENABLE = 1 << 1,
    UART_RX_INTERRUPT_ENABLE = 1 << 3,
    UART_RX_INTERRUPT = 1 << 1,
    UART0_RX_IRQ = 0,
    TIMER_ENABLE = 1 << 0,
    TIMER_INTERRUPT_ENABLE = 1 << 3,
    TIMER_INTERRUPT = 1 << 0,
    TIMER0_IRQ = 8,
};

/* The timer counts down in 25ths of a microsecond. It wraps after a whole number of microseconds, and an interrupt
 * counts how often; modulo 2^32 the sum is the clock. */
#define US_PER_WRAP 100000000u
static volatile uint32_t wraps;

extern uint32_t _stack_top;
extern uint32_t _data_load, _data_start, _data_end, _bss_start, _bss_end;

void port_init(void)
{
    UART0->divider = (uint32_t)CLOCK_HZ / 115200u;
    UART0->control = UART_TX_ENABLE | UART_RX_ENABLE | UART_RX_INTERRUPT_ENABLE;
    UART1->divider = (uint32_t)CLOCK_HZ / 115200u;
    UART1->control = UART_TX_ENABLE;
    TIMER0->reload = US_PER_WRAP * (uint32_t)TICKS_PER_US - 1u;
    TIMER0->value = US_PER_WRAP * (uint32_t)TICKS_PER_US - 1u;
    TIMER0->control = TIMER_ENABLE | TIMER_INTERRUPT_ENABLE;
    INTERRUPTS_ENABLE = 1u << UART0_RX_IRQ | 1u << TIMER0_IRQ;
}

static void uart0_received(void)
{
    UART0->interrupt = UART_RX_INTERRUPT; /* it only has to wake the core */
}

static void timer0_wrapped(void)
{
    TIMER0->interrupt = TIMER_INTERRUPT;
    ++wraps;
}

int port_read(void)
{
    /* Masked, an interrupt wakes the core but is not taken: none is lost between the look and the sleep. */
    __asm volatile("cpsid i" ::: "memory");
    if (!(UART0->state & UART_RX_FULL))
    {
        __asm volatile("wfi" ::: "memory");
    }
    __asm volatile("cpsie i" ::: "memory");
    return UART0->state & UART_RX_FULL ? (int)(UART0->data & 0xFFu) : -1;
}

static void send(uart *to, uint8_t byte)
{
    while (to->state & UART_TX_FULL)
    {
    }
    to->data = byte;
}

void port_write(uint8_t byte)
{
    send(UART0, byte);
}

uint32_t port_time_us(void)
{
    for (;;)
    {
        const uint32_t before = wraps;
        const uint32_t left = TIMER0->value;
        if (!(TIMER0->interrupt & TIMER_INTERRUPT) && before == wraps)
        {
            return before * US_PER_WRAP + (US_PER_WRAP - 1u - left / (uint32_t)TICKS_PER_US);
        }
    }
}

void port_pin(int level)
{
    static int was = 1;
    if (was && !level)
    {
        char digits[21];
        const int length = number_digits(port_time_us(), digits);
        for (int i = 0; i < length; ++i)
        {
            send(UART1, (uint8_t)digits[i]);
        }
        send(UART1, '\r');
        send(UART1, '\n');
    }
    was = level;
}

__attribute__((used, noinline)) void reset_handler(void)
{
    const uint32_t *from = &_data_load;
    for (uint32_t *to = &_data_start; to < &_data_end; ++to)
    {
        *to = *from++;
    }
    for (uint32_t *to = &_bss_start; to < &_bss_end; ++to)
    {
        *to = 0;
    }
    tinybench_serve();
}

static void fault(void)
{
    for (const char *text = "\r\ne-[The core faulted]\r\n"; *text != '\0'; ++text)
    {
        port_write((uint8_t)*text);
    }
    for (;;)
    {
        __asm volatile("wfi");
    }
}

typedef void (*handler)(void);
typedef struct
{
    const void *stack;
    handler reset, exceptions[14], interrupts[TIMER0_IRQ + 1];
} vector_table;

__attribute__((used, section(".vectors"))) static const vector_table vectors = {
    .stack = &_stack_top,
    .reset = reset_handler,
    .exceptions = {fault, fault, fault, fault, fault, fault, fault, fault, fault, fault, fault, fault, fault, fault},
    .interrupts = {[UART0_RX_IRQ] = uart0_received, [TIMER0_IRQ] = timer0_wrapped},
};
