/* SPDX-License-Identifier: Apache-2.0
 * Instead of startup.c, on a machine whose host serves semihosting calls: one inference per input that a file
 * holds, each timed, outputs into another file. QEMU runs it as a witness of the simulator.
 *
 * "request": uint32 address of a CMSDK timer, bytes of an input, bytes of an output; then the inputs.
 * "answer": uint32 ticks of a function of one instruction; then for each input uint32 ticks, int32 status, output.
 */
#include <stdint.h>

#include "tinybench_model.h"

/* Operations, Semihosting for AArch32 and AArch64, chapter 6 */
enum
{
    SYS_OPEN = 0x01,
    SYS_CLOSE = 0x02,
    SYS_WRITE = 0x05,
    SYS_READ = 0x06,
    SYS_EXIT_EXTENDED = 0x20,
    ADP_STOPPED_APPLICATION_EXIT = 0x20026,
};
enum
{
    MODE_READ = 1,
    MODE_WRITE = 5,
};
enum
{
    DONE = 0,
    NO_FILE = 2,
    SCRATCH_TOO_SMALL = 3,
    NOT_WRITTEN = 4,
    FAULT = 5,
};

/* CMSDK APB timer: counts down from RELOAD */
enum
{
    CTRL = 0,
    VALUE = 1,
    RELOAD = 2,
};

extern uint32_t _stack_top;
extern uint32_t _data_load, _data_start, _data_end, _bss_start, _bss_end;

static int32_t call_host(int32_t operation, const void *arguments)
{
    register int32_t r0 __asm("r0") = operation;
    register const void *r1 __asm("r1") = arguments;
    __asm volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
    return r0;
}

static void leave(uint32_t code)
{
    const uint32_t arguments[2] = {ADP_STOPPED_APPLICATION_EXIT, code};
    for (;;)
    {
        (void)call_host(SYS_EXIT_EXTENDED, arguments);
    }
}

static uint32_t open_file(const char *name, uint32_t length, uint32_t mode)
{
    const uint32_t arguments[3] = {(uint32_t)(uintptr_t)name, mode, length};
    const int32_t handle = call_host(SYS_OPEN, arguments);
    if (handle < 0)
    {
        leave(NO_FILE);
    }
    return (uint32_t)handle;
}

/* Bytes that were not read. */
static uint32_t read_file(uint32_t handle, void *to, uint32_t size)
{
    const uint32_t arguments[3] = {handle, (uint32_t)(uintptr_t)to, size};
    return (uint32_t)call_host(SYS_READ, arguments);
}

static void write_file(uint32_t handle, const void *from, uint32_t size)
{
    const uint32_t arguments[3] = {handle, (uint32_t)(uintptr_t)from, size};
    if (call_host(SYS_WRITE, arguments) != 0)
    {
        leave(NOT_WRITTEN);
    }
}

__attribute__((naked, noinline)) static int32_t nothing(void)
{
    __asm volatile("bx lr");
}

/* Volatile: or the compiler could make one version of timed() for each. */
static int32_t (*const volatile functions[2])(void) = {nothing, tinybench_infer};

__attribute__((noinline)) static uint32_t timed(volatile uint32_t *timer, int32_t (*function)(void), int32_t *status)
{
    timer[VALUE] = UINT32_MAX;
    const uint32_t before = timer[VALUE];
    *status = function();
    return before - timer[VALUE];
}

__attribute__((used, noinline)) static void run(void)
{
    uint32_t header[3];
    const uint32_t request = open_file("request", 7, MODE_READ);
    const uint32_t answer = open_file("answer", 6, MODE_WRITE);
    if (read_file(request, header, sizeof header) != 0)
    {
        leave(NO_FILE);
    }
    if (tinybench_check() != 0)
    {
        leave(SCRATCH_TOO_SMALL);
    }
    volatile uint32_t *const timer = (volatile uint32_t *)(uintptr_t)header[0];
    timer[RELOAD] = UINT32_MAX;
    timer[CTRL] = 1;
    struct
    {
        uint32_t ticks;
        int32_t status;
    } measured;
    measured.ticks = timed(timer, functions[0], &measured.status);
    write_file(answer, &measured.ticks, sizeof measured.ticks);
    while (read_file(request, tinybench_input, header[1]) == 0)
    {
        measured.ticks = timed(timer, functions[1], &measured.status);
        write_file(answer, &measured, sizeof measured);
        write_file(answer, tinybench_output, header[2]);
    }
    (void)call_host(SYS_CLOSE, &answer);
    leave(DONE);
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
    run();
}

static void fault(void)
{
    leave(FAULT);
}

__attribute__((used, section(".vectors"))) static const void *const vectors[8] = {
    &_stack_top,         (const void *)reset_handler, (const void *)fault, (const void *)fault,
    (const void *)fault, (const void *)fault,         (const void *)fault, (const void *)fault};
