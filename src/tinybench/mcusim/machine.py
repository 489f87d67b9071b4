"""A simulated core with its flash and RAM, executing a firmware image."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinybench.errors import CapacityError, SimulationError
from tinybench.mcusim.cores import core
from tinybench.mcusim.elf import Image
from tinybench.mcusim.native import MAX_INSTRUCTIONS, Counter, FunctionTable, library
from tinybench.mcusim.placement import Placement
from tinybench.mcusim.timing import TimingTables, timing_tables
from tinybench.specs import DeviceSpec

_STACK_PAINT = 0xA5
STACK_RESERVE_BYTES = 4096
"""RAM that must be left for the stack; the kernels use well below half of it."""


@dataclass(frozen=True)
class Execution:
    """One inference: its raw output, and what each function cost in each layer.

    ``cells`` is of shape (layers, functions, fields of ``Count``).
    """

    output: bytes
    cells: NDArray[np.uint64]


class Machine:
    """One core, reset, with an image in its flash.

    ``memory_model`` switches flash wait states, caches and waits for RAM on; without it the core runs as
    from zero-wait-state memory.
    """

    def __init__(
        self, image: Image, device: DeviceSpec, layers: tuple[str, ...], *, memory_model: bool = True
    ) -> None:
        import unicorn
        from unicorn import arm_const

        self._arm = arm_const
        self._image, self._device = image, device
        self._uc = unicorn.Uc(unicorn.UC_ARCH_ARM, unicorn.UC_MODE_THUMB | unicorn.UC_MODE_MCLASS)
        timing = core(device.core)
        self._uc.ctl_set_cpu_model(getattr(arm_const, timing.unicorn_model))
        self._error: type[Exception] = unicorn.UcError
        self._load()
        tables = timing_tables(image, timing)
        entries = _layer_entries(image, tables, layers)
        self.functions = _function_table(image)
        self._counter = Counter(
            tables,
            entries,
            len(layers),
            self.functions,
            device,
            memory_model=memory_model,
            stop=_unicorn().uc_emu_stop,
        )
        self._hook(memory_model)
        self._call("reset_handler")  # copies data, and one inference on zeros warms the caches
        self._check_start()

    def infer(self, data: bytes, input_address: int, output_address: int, output_bytes: int) -> Execution:
        """Run one inference.

        Raises:
            SimulationError: the core faulted, a kernel reported an error, or code outside the image ran.
        """
        self._uc.mem_write(input_address, data)
        self._counter.clear()
        status = self._call("tinybench_infer")
        if status != 0:
            raise SimulationError(f"a kernel returned status {status}", hint="report it with the model")
        if self._counter.unknown_blocks:
            raise SimulationError("the core left the firmware's code", hint="report it with the model")
        return Execution(bytes(self._uc.mem_read(output_address, output_bytes)), self._counter.cells())

    @property
    def stack_bytes(self) -> int:
        """Deepest use of the stack so far, in bytes."""
        low, high = self._stack
        painted = np.frombuffer(bytes(self._uc.mem_read(low, high - low)), np.uint8)
        touched = np.flatnonzero(painted != _STACK_PAINT)
        if touched.size and touched[0] == 0:
            raise SimulationError("the stack ran into the arena", hint="use a device with more RAM")
        return 0 if touched.size == 0 else int(high - low - touched[0])

    @property
    def _stack(self) -> tuple[int, int]:
        _, ram = self._device.memories
        return ram.base + _align(self._image.static_ram_bytes), ram.base + ram.bytes

    def _load(self) -> None:
        for region in self._device.memories:
            self._uc.mem_map(region.base, -(-region.bytes // 4096) * 4096)
        for address, content in self._image.segments:
            self._uc.mem_write(address, content)
        low, high = self._stack
        self._uc.mem_write(low, bytes([_STACK_PAINT]) * (high - low))

    def _hook(self, memory_model: bool) -> None:
        """Install the native hooks through Unicorn's C interface; its Python one would wrap them."""
        native = library()
        self._add_hook(_UC_HOOK_BLOCK, native.tinybench_block, 1, 0)
        if memory_model:
            flash, _ = self._device.memories
            self._add_hook(
                _UC_HOOK_MEM_READ, native.tinybench_flash_read, flash.base, flash.base + flash.bytes - 1
            )

    def _add_hook(self, kind: int, function: Any, begin: int, end: int) -> None:
        handle = ctypes.c_size_t()
        status = _unicorn().uc_hook_add(
            self._uc._uch,
            ctypes.byref(handle),
            kind,
            ctypes.cast(function, ctypes.c_void_p),
            ctypes.c_void_p(self._counter.address),
            ctypes.c_uint64(begin),
            ctypes.c_uint64(end),
        )
        if status != 0:
            raise SimulationError(
                f"the emulator refused a hook (status {status})", hint="run 'tinybench doctor'"
            )

    def _call(self, function: str) -> int:
        """Call a function without arguments until it returns to, or reaches, tinybench_halt; gives r0."""
        arm, image = self._arm, self._image
        stop = image.address("tinybench_halt")
        self._uc.reg_write(arm.UC_ARM_REG_SP, self._stack[1])
        self._uc.reg_write(arm.UC_ARM_REG_LR, stop | 1)
        try:
            self._uc.emu_start(image.address(function) | 1, stop)
        except self._error as error:
            raise SimulationError(
                f"the core faulted at {self._uc.reg_read(arm.UC_ARM_REG_PC):#x}: {error}",
                hint="report it with the model",
            ) from None
        if self._counter.exhausted:
            raise SimulationError(
                f"'{function}' ran for over {MAX_INSTRUCTIONS:,} instructions", hint="use a smaller model"
            )
        return int(self._uc.reg_read(arm.UC_ARM_REG_R0))

    def _check_start(self) -> None:
        failed = self._call("tinybench_check")
        if failed:
            raise SimulationError(
                f"operator {failed - 1} has too small a scratch buffer", hint="report it with the model"
            )


_UC_HOOK_BLOCK = 1 << 3
_UC_HOOK_MEM_READ = 1 << 10


def _unicorn() -> Any:
    """Unicorn's shared library, as its own binding loaded it."""
    from unicorn.unicorn_py3.unicorn import uclib

    return uclib


def check_capacity(image: Image, device: DeviceSpec, placement: Placement) -> None:
    """Refuse an image that does not fit, saying by how much.

    Raises:
        CapacityError: flash or RAM is too small.
    """
    flash, ram = device.memories
    for what, needed, region in (
        ("flash", image.flash_bytes, flash),
        ("RAM", image.static_ram_bytes + STACK_RESERVE_BYTES, ram),
    ):
        if needed > region.bytes:
            raise CapacityError(
                f"the model needs {needed} bytes of {what}, "
                f"{needed - region.bytes} more than {device.id} has",
                hint=placement.smaller,
            )


def _layer_entries(image: Image, tables: TimingTables, layers: tuple[str, ...]) -> Any:
    entries = np.full(len(tables.entry_cycles), -1, np.int16)
    for index, name in enumerate(layers):
        entries[(image.address(name) - tables.base) // 2] = index
    return entries


def _function_table(image: Image) -> FunctionTable:
    """Whose each halfword is; a function reaches to the next one."""
    starts = np.array([address - image.text_base for address, _ in image.functions], np.uint32) // 2
    halfwords = np.arange(len(image.text) // 2)
    owner = np.searchsorted(starts, halfwords, side="right") - 1
    names = tuple(name for _, name in image.functions)
    return FunctionTable(names, starts, np.maximum(owner, 0).astype(np.uint16))


def _align(value: int) -> int:
    return -(-value // 8) * 8
