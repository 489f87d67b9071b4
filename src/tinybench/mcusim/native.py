"""The cycle counter that runs inside the emulator's hooks, as native code.

A Python callback per basic block would cost a hundred times the emulation itself; ``native/counter.c`` is
compiled for the host once, by the compiler that also builds the firmware. This module mirrors its structs.
"""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinybench.errors import ToolchainError
from tinybench.mcusim.placement import fetch_cycles
from tinybench.mcusim.timing import TimingTables
from tinybench.mcusim.toolchain import build_host_library
from tinybench.specs import Cache, DeviceSpec

MAX_LAYERS = 256
"""More operators than any model for a microcontroller has."""
MAX_INSTRUCTIONS = 4_000_000_000
"""Per inference: half a minute on the fastest of these cores. What needs more is stopped as a runaway."""
_NO_FUNCTION = 0xFFFF_FFFF
_NO_WORD = 0xFFFF_FFF0
"""A flash word that is before no other one."""


class _Cache(ctypes.Structure):
    _fields_ = (
        ("slot_of_line", ctypes.c_void_p),
        ("line_of_slot", ctypes.c_void_p),
        ("valid", ctypes.c_void_p),
        ("used", ctypes.c_void_p),
        ("sets", ctypes.c_uint32),
        ("ways", ctypes.c_uint32),
        ("line_shift", ctypes.c_uint32),
        ("fills_line", ctypes.c_uint32),
        ("last_word", ctypes.c_uint32),
        ("reserved", ctypes.c_uint32),
    )


class _Totals(ctypes.Structure):
    _fields_ = (
        ("cycles", ctypes.c_uint64),
        ("instructions", ctypes.c_uint64),
        ("stalls_fetch", ctypes.c_uint64),
        ("stalls_data", ctypes.c_uint64),
        ("stalls_ram", ctypes.c_uint64),
        ("flash_reads", ctypes.c_uint64),
        ("loads", ctypes.c_uint64),
        ("stores", ctypes.c_uint64),
        ("calls", ctypes.c_uint64),
    )


class _Counter(ctypes.Structure):
    _fields_ = (
        ("code_base", ctypes.c_uint32),
        ("code_halfwords", ctypes.c_uint32),
        ("cycles_before", ctypes.c_void_p),
        ("instructions_before", ctypes.c_void_p),
        ("loads_before", ctypes.c_void_p),
        ("stores_before", ctypes.c_void_p),
        ("entry_cycles", ctypes.c_void_p),
        ("target_cycles", ctypes.c_void_p),
        ("taken_cycles", ctypes.c_void_p),
        ("layer_entry", ctypes.c_void_p),
        ("function_of", ctypes.c_void_p),
        ("function_entry", ctypes.c_void_p),
        ("cells", ctypes.c_void_p),
        ("functions", ctypes.c_uint32),
        ("flash_base", ctypes.c_uint32),
        ("flash_bytes", ctypes.c_uint32),
        ("memory_model", ctypes.c_uint32),
        ("miss_cycles", ctypes.c_uint32),
        ("word_shift", ctypes.c_uint32),
        ("prefetch", ctypes.c_uint32),
        ("shared", ctypes.c_uint32),
        ("ram_wait_cycles", ctypes.c_uint32),
        ("ram_fetch_cycles", ctypes.c_uint32),
        ("instruction", _Cache),
        ("data", _Cache),
        ("budget", ctypes.c_uint64),
        ("stop", ctypes.c_void_p),
        ("bus_excess", ctypes.c_int64),
        ("executed", ctypes.c_uint64),
        ("clock", ctypes.c_uint64),
        ("last_end", ctypes.c_uint32),
        ("last_word", ctypes.c_uint32),
        ("function", ctypes.c_uint32),
        ("unknown_blocks", ctypes.c_uint32),
        ("row", ctypes.c_void_p),
        ("cell", ctypes.c_void_p),
    )


@dataclass(frozen=True)
class Count:
    """What one layer, one function, or one function within one layer of an inference cost.

    ``stalls_fetch`` are waits for instructions, ``stalls_data`` for constants in flash, ``stalls_ram`` for
    loads from RAM. ``loads`` are words read from flash and RAM; what an IT block skips counts as if it had
    been executed.
    """

    cycles: int
    instructions: int
    stalls_fetch: int
    stalls_data: int
    stalls_ram: int
    flash_reads: int
    loads: int
    stores: int
    calls: int

    @property
    def ram_loads(self) -> int:
        """Words read from RAM: all that were loaded but those from flash."""
        return self.loads - self.flash_reads


@dataclass(frozen=True)
class FunctionTable:
    """Functions of an image in the order of their addresses, and which halfword of code is whose."""

    names: tuple[str, ...]
    entry: NDArray[np.uint32]
    """Per function: index of its first halfword."""
    of_halfword: NDArray[np.uint16]


class Counter:
    """Counts cycles and instructions per layer while an emulator calls its hooks."""

    def __init__(
        self,
        tables: TimingTables,
        layer_entry: NDArray[np.int16],
        layers: int,
        functions: FunctionTable,
        device: DeviceSpec,
        *,
        memory_model: bool,
        stop: Any,
    ) -> None:
        self._cells = np.zeros((layers, len(functions.names), len(_Totals._fields_)), np.uint64)
        self._state = _Counter()
        self._kept: list[NDArray[Any]] = []
        (flash, _), timing = device.memories, device.timing
        s = self._state
        s.code_base, s.code_halfwords = tables.base, len(tables.entry_cycles)
        s.cycles_before = self._keep(tables.cycles_before)
        s.instructions_before = self._keep(tables.instructions_before)
        s.loads_before = self._keep(tables.loads_before)
        s.stores_before = self._keep(tables.stores_before)
        s.entry_cycles = self._keep(tables.entry_cycles)
        s.target_cycles = self._keep(tables.target_cycles)
        s.taken_cycles = self._keep(tables.taken_cycles)
        s.layer_entry = self._keep(layer_entry)
        s.function_of, s.function_entry = self._keep(functions.of_halfword), self._keep(functions.entry)
        s.cells, s.functions = self._keep(self._cells), len(functions.names)
        s.flash_base, s.flash_bytes, s.memory_model = flash.base, flash.bytes, int(memory_model)
        s.miss_cycles, s.word_shift = device.miss_cycles, _log2(timing.width_bytes.value)
        s.prefetch, s.shared = int(timing.prefetch.value), int(timing.shared_cache is not None)
        s.ram_wait_cycles, s.ram_fetch_cycles = device.ram_wait_cycles, fetch_cycles(device)
        s.budget, s.stop = MAX_INSTRUCTIONS, ctypes.cast(stop, ctypes.c_void_p).value
        self._set_up(s.instruction, timing.shared_cache or timing.instruction_cache, flash.bytes)
        self._set_up(s.data, timing.data_cache, flash.bytes)
        s.last_word = _NO_WORD
        self.clear()

    def _keep(self, array: NDArray[Any]) -> int:
        """Address of an array; ctypes keeps addresses only, so the array must live as long as the counter."""
        self._kept.append(array)
        return int(array.ctypes.data)

    def _set_up(self, state: Any, cache: Cache | None, flash_bytes: int) -> None:
        """An empty cache; none is a buffer of one flash word."""
        state.last_word = _NO_WORD
        if cache is None:
            return
        slots = cache.bytes // cache.line_bytes
        state.sets, state.ways = cache.sets, cache.ways or slots
        state.line_shift, state.fills_line = _log2(cache.line_bytes), int(cache.fills == "line")
        state.slot_of_line = self._keep(np.full(-(-flash_bytes // cache.line_bytes), -1, np.int16))
        state.line_of_slot = self._keep(np.full(slots, 0xFFFF_FFFF, np.uint32))
        state.valid = self._keep(np.zeros(slots, np.uint32))
        state.used = self._keep(np.zeros(slots, np.uint64))

    def clear(self) -> None:
        """Set the counts to zero and keep what the caches hold."""
        self._cells[:] = 0
        self._state.row = self._state.cell = self._state.cells
        self._state.function = _NO_FUNCTION
        self._state.executed = self._state.unknown_blocks = 0

    def cells(self) -> NDArray[np.uint64]:
        """Counts since the last ``clear``, of shape (layers, functions, fields of ``Count``)."""
        return self._cells.copy()

    @property
    def exhausted(self) -> bool:
        """Whether the core was stopped because it executed too many instructions."""
        return bool(self._state.executed > self._state.budget)

    @property
    def unknown_blocks(self) -> int:
        """Basic blocks outside the known code that were executed since the last ``clear``."""
        return int(self._state.unknown_blocks)

    @property
    def address(self) -> int:
        """Of the native state, for the hooks' user data."""
        return ctypes.addressof(self._state)


@cache
def library() -> Any:
    """The compiled hooks, loaded.

    Raises:
        ToolchainError: the library does not fit this module.
    """
    source = resources.files("tinybench.mcusim").joinpath("native", "counter.c").read_text(encoding="utf-8")
    loaded = ctypes.CDLL(str(build_host_library(source)))
    if loaded.tinybench_counter_bytes() != ctypes.sizeof(_Counter):
        raise ToolchainError("the native counter does not match this version", hint="empty the cache folder")
    return loaded


def _log2(value: int) -> int:
    if value < 2 or value & (value - 1):
        raise ValueError(f"{value} is not a power of two")
    return value.bit_length() - 1
