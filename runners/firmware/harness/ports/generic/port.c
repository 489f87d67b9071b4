/* SPDX-License-Identifier: Apache-2.0
 * A board of your own: write the five functions, and delete the line with #error in each. What they must do is said in
 * port.h; ports/mps2-an386/port.c is a whole example. Use your vendor's SDK for all of it. */
#include "../../port.h"

#include "../../harness.h"

/* Your SDK's header, such as "stm32l4xx_hal.h". */

void port_init(void)
{
#error "port_init: start clocks and caches, the UART, the microsecond clock and the pin; then delete this line"
    /* 1. The clock of the core at the frequency that you will state. Flash wait states as the manual demands for it;
     *    instruction cache, data cache and prefetch on. Most SDKs leave some of these off.
     * 2. The UART: 115200 baud, 8 data bits, no parity, 1 stop bit, no flow control.
     * 3. A timer that counts microseconds, 32 bits wide if there is one.
     * 4. The pin: output, high. */
}

int port_read(void)
{
#error "port_read: the next byte from the UART, or -1 if there is none; then delete this line"
    /* Look whether a byte has arrived; do not wait for one. If your SDK only has a blocking read, give it a time-out
     * of zero. Clear an overrun flag here, or some UARTs receive nothing any more. */
    return -1;
}

void port_write(uint8_t byte)
{
#error "port_write: send one byte, wait while the UART takes none; then delete this line"
    (void)byte;
}

uint32_t port_time_us(void)
{
#error "port_time_us: microseconds, modulo 2^32; then delete this line"
    /* A timer of 16 bits, or a cycle counter (at 120 MHz it wraps after 36 s), has to be extended to 32 bits of
     * microseconds: count its overflows in an interrupt, as ports/mps2-an386/port.c does. */
    return 0;
}

void port_pin(int level)
{
#error "port_pin: set the pin low (0) or high (1); then delete this line"
    /* A push-pull output does. With an analyser of another voltage than the board's, use an open drain with the
     * analyser's pull-up, or a level shifter. */
    (void)level;
}

/* Or from the main() of your project, after what your SDK wants to have done first. */
int main(void)
{
    tinybench_serve();
    return 0;
}
