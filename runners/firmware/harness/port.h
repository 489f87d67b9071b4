/* SPDX-License-Identifier: Apache-2.0
 * The five functions that a board provides; everything else of the firmware is the same everywhere.
 *
 * ports/generic/port.c is a template with a place for each; ports/mps2-an386/port.c is a whole example. */
#ifndef TINYBENCH_PORT_H
#define TINYBENCH_PORT_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Called once, first of all: clocks to the frequency that results are to be stated for, caches and prefetch on,
 * the UART (115200 baud, 8 data bits, no parity, 1 stop bit, no flow control), the microsecond clock, and the pin
 * as an output that is high. */
void port_init(void);

/* The next byte from the UART, 0 to 255, or -1 if there is none yet. It may let the core sleep until one comes.
 *
 * Nothing is read while an inference runs, and the host sends nothing then. While a command comes in, a byte is
 * fetched within a few microseconds, so that a UART without a FIFO loses none at 115200 baud; at a higher baud, or if
 * other interrupts take long, fill a ring buffer from the receive interrupt. */
int port_read(void);

/* Send one byte; waits while the UART takes none. Must not change the byte (no LF to CR LF). */
void port_write(uint8_t byte);

/* Microseconds of a clock that runs freely and never stops or changes its rate while an inference runs, modulo 2^32:
 * after 4294967295 comes 0. A timer that wraps earlier (one of 32 bits at 25 MHz does after 171 s) has to be extended,
 * or every window in which it wraps is wrong. Its error is the error of every latency: let a crystal drive it. */
uint32_t port_time_us(void);

/* Set the level of the pin that power analysers watch: 0 low, 1 high. A falling edge begins and ends each window. */
void port_pin(int level);

#ifdef __cplusplus
}
#endif

#endif
