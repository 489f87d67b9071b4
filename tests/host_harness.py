"""The harness of the firmware compiled for this machine: a board in the process, with a model that negates.

Without an emulator, so that thousands of commands take no time. The tensors lie between guards, which whoever
writes beside them breaks.
"""

from __future__ import annotations

import ctypes
import re
from functools import cache
from pathlib import Path
from typing import Final

from tinybench import content
from tinybench.mcusim.toolchain import build_host_library

ELEMENTS: Final = 37
GUARD: Final = 64

_PORT: Final = """
static uint8_t said[1 << 20];
static uint32_t said_bytes, now_us, pin_edges;
static uint8_t clean = 1;

void port_init(void) {}
int port_read(void) { return -1; }
uint32_t port_time_us(void) { return now_us += 7; }
void port_pin(int level) { pin_edges += !level; }
void port_write(uint8_t byte) { if (said_bytes < sizeof said) said[said_bytes++] = byte; }

static struct {
    int8_t before[GUARD], input[ELEMENTS], between[GUARD], output[ELEMENTS], after[GUARD];
} memory;
int8_t *const tinybench_input = memory.input;
const int8_t *const tinybench_output = memory.output;
static int32_t fails;
int32_t tinybench_check(void) { return 0; }
int32_t tinybench_infer(void)
{
    now_us += 1000;
    for (int i = 0; i < ELEMENTS; ++i) memory.output[i] = (int8_t)~memory.input[i];
    return fails;
}

void host_set(uint32_t us, int32_t failing) { now_us = us; fails = failing; }
void host_feed(const uint8_t *bytes, uint32_t count) { while (count--) tinybench_receive(*bytes++); }
uint32_t host_edges(void) { return pin_edges; }
int32_t host_guards(void)
{
    int32_t broken = 0;
    for (int i = 0; i < GUARD; ++i) broken |= memory.before[i] | memory.between[i] | memory.after[i];
    return broken;
}
uint32_t host_said(uint8_t *to)
{
    const uint32_t count = said_bytes;
    for (uint32_t i = 0; i < count; ++i) to[i] = said[i];
    said_bytes = 0;
    return count;
}
"""

_NUMBERS: Final = """
int32_t host_quantize(uint32_t bits, uint32_t mantissa, int32_t exponent, int32_t zero_point)
{
    const number_quantization to = {mantissa, exponent, zero_point};
    return number_quantize(bits, &to);
}
uint64_t host_thousandths(int32_t q, uint32_t mantissa, int32_t exponent, int32_t zero_point)
{
    const number_quantization of = {mantissa, exponent, zero_point};
    return number_thousandths((int8_t)q, &of);
}
uint64_t host_mse(const uint32_t *bits, const int8_t *q, uint32_t n, uint32_t mantissa, int32_t exponent,
                  int32_t zero_point)
{
    const number_quantization of = {mantissa, exponent, zero_point};
    number_sum sum = {{0}};
    for (uint32_t i = 0; i < n; ++i) number_add_squared_error(&sum, bits[i], q[i], &of);
    return number_mean_thousandths(&sum, n);
}
uint64_t host_mean(const number_sum *sum, uint32_t n) { return number_mean_thousandths(sum, n); }
int32_t host_digits(uint64_t value, char *to) { return number_digits(value, to); }
"""


def _file(name: str) -> str:
    """A source without what it includes of this project: all is in one file here."""
    path = content.firmware_dir() / name
    return re.sub(r'^#include "[^"]*"$', "", path.read_text(encoding="utf-8"), flags=re.MULTILINE)


def numbers_source() -> str:
    """The arithmetic, with functions that ctypes can call."""
    return _file("harness/numbers.h") + _file("harness/numbers.c") + _NUMBERS


def harness_source(configuration: str) -> str:
    """All of it, with a board of no hardware."""
    sizes = f"enum {{ELEMENTS = {ELEMENTS}, GUARD = {GUARD}}};\n"
    headers = ("harness/numbers.h", "harness/port.h", "harness/harness.h", "include/tinybench_model.h")
    parts = (*map(_file, headers), configuration, _file("harness/numbers.c"), _file("harness/harness.c"))
    return "".join(parts) + sizes + _PORT


def configuration(
    *,
    input_kind: str = "int8",
    output: str = "tensor",
    timestamps: str = "uart",
    scale: str = "{8388608u, -31, -128}",
) -> str:
    """``tinybench_config.h`` for the model that negates."""
    values = {
        "MODEL": '"kws01"',
        "ABOUT": '"version=1;model=0123456789abcdef;kernels=none"',
        "DEVICE": '"host"',
        "TIMESTAMPS": f'"{timestamps}"',
        "TIMESTAMPS_ON_UART": int(timestamps != "pin"),
        "TIMESTAMPS_ON_PIN": int(timestamps != "uart"),
        "INPUT_IS_UINT8": int(input_kind == "uint8"),
        "INPUT_IS_FLOAT32": int(input_kind == "float32"),
        "INPUT_ELEMENTS": f"{ELEMENTS}u",
        "INPUT_QUANTIZATION": "{8388608u, -24, 3}",
        "OUTPUT_IS_MSE": int(output == "mse"),
        "OUTPUT_ELEMENTS": f"{ELEMENTS}u",
        "OUTPUT_QUANTIZATION": scale,
    }
    return "".join(f"#define TINYBENCH_{name} {value}\n" for name, value in values.items())


class Board:
    """One that has booted; all of one library share its memory, so that there is one of each."""

    def __init__(self, library: Path) -> None:
        self._library = ctypes.CDLL(str(library))
        self._buffer = (ctypes.c_uint8 * (1 << 20))()
        self.set()
        self._library.tinybench_start()

    def set(self, us: int = 0, failing: int = 0) -> None:
        """The clock, and what the model's kernels return."""
        self._library.host_set(us, failing)

    def said(self) -> str:
        """What it has said since the last time."""
        count = self._library.host_said(self._buffer)
        return bytes(self._buffer[:count]).decode("ascii")

    def ask(self, command: bytes | str) -> str:
        """What it says to these bytes."""
        data = command.encode() if isinstance(command, str) else command
        self._library.host_feed(data, len(data))
        assert self._library.host_guards() == 0
        return self.said()

    @property
    def edges(self) -> int:
        """How often the pin fell."""
        return int(self._library.host_edges())


@cache
def board(**wanted: str) -> Board:
    """A board with this configuration, compiled once."""
    return Board(build_host_library(harness_source(configuration(**wanted))))


@cache
def numbers() -> ctypes.CDLL:
    """The arithmetic."""
    library = ctypes.CDLL(str(build_host_library(numbers_source())))
    for function in (library.host_thousandths, library.host_mse, library.host_mean):
        function.restype = ctypes.c_uint64
    return library
