/* SPDX-License-Identifier: Apache-2.0
 * Reset: copy initialised data, clear the rest, run inferences for ever. The simulator stops the core at
 * tinybench_halt and starts each inference itself; a board replaces this file by its own. */
#include <stdint.h>

#include "tinybench_model.h"

extern uint32_t _stack_top;
extern uint32_t _data_load, _data_start, _data_end, _bss_start, _bss_end;

__attribute__((used, noinline)) void tinybench_halt(void)
{
    __asm volatile("nop");
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
    (void)tinybench_check();
    for (;;)
    {
        (void)tinybench_infer();
        tinybench_halt();
    }
}

__attribute__((used, section(".vectors"))) static const void *const vectors[2] = {&_stack_top,
                                                                                 (const void *)reset_handler};
