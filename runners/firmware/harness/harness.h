/* SPDX-License-Identifier: Apache-2.0
 * The serial protocol of MLPerf Tiny's devices under test, around the model that is built in. */
#ifndef TINYBENCH_HARNESS_H
#define TINYBENCH_HARNESS_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Start, then answer commands for ever: what main() of a bare-metal firmware calls. */
void tinybench_serve(void);

/* The same in two parts, for a main loop that has other things to do. tinybench_receive() runs what the byte completes,
 * inferences too: call it from a thread or a loop, never from an interrupt. */
void tinybench_start(void);
void tinybench_receive(uint8_t byte);

#ifdef __cplusplus
}
#endif

#endif
