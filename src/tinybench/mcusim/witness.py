"""An independent witness: the same kernels, model and flags under QEMU, with outputs and instruction counts.

QEMU's instruction-counted clock (``-icount shift=N``) moves by exactly 2**N ns with each instruction, and
the timers of its boards read that clock. With 256 ns an instruction, a timer of 25 MHz moves by 6.4 ticks
with each: a difference of two readings, which is right to one tick, gives the number of instructions exactly.
What reading costs is measured with a function of one instruction and taken off.

Nothing of the simulator takes part: another main program, memory map, emulator, counter and channel for
inputs and outputs. QEMU and Unicorn share the ancestry of their translator, so that this is a witness of
counting and execution, not of the instruction set; the official interpreter decides about outputs either way.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tinybench.errors import SimulationError, ToolchainError
from tinybench.mcusim.compilers import ZIG, Compiler
from tinybench.mcusim.cores import core
from tinybench.mcusim.lower import lower
from tinybench.mcusim.placement import FLASH, Placement
from tinybench.mcusim.toolchain import SEMIHOSTING, Firmware, build_firmware
from tinybench.models import Model
from tinybench.specs import DeviceSpec, Region

QEMU: Final = "qemu-system-arm"
ICOUNT_SHIFT: Final = 8
"""An instruction takes 2**8 ns: more than five ticks of each timer below, so that counts are exact."""
_TIMEOUT_S = 600


@dataclass(frozen=True)
class QemuMachine:
    """A machine of QEMU: where code and data go, and a timer that counts down at a fixed rate."""

    name: str
    flash_base: int
    ram_base: int
    memory_bytes: int
    timer_base: int
    timer_hz: int
    source: str

    def device(self, device: DeviceSpec) -> DeviceSpec:
        """``device`` with the memories of this machine. Its timing is left: QEMU has none."""
        regions = {
            name: Region(base=base, bytes=self.memory_bytes, source=self.source)
            for name, base in (("flash", self.flash_base), ("ram", self.ram_base))
        }
        return device.model_copy(update={"id": self.name, **regions})


def _mps2(note: str) -> QemuMachine:
    # Block RAM and ZBT SRAM of 4 MB for code and for data, timer 0 at the peripherals' base, 25 MHz.
    return QemuMachine(
        f"mps2-an{note}",
        flash_base=0x0000_0000,
        ram_base=0x2000_0000,
        memory_bytes=4 << 20,
        timer_base=0x4000_0000,
        timer_hz=25_000_000,
        source=f"Arm application note AN{note}, memory map; hw/arm/mps2.c of QEMU",
    )


MACHINES: Final[Mapping[str, QemuMachine]] = MappingProxyType(
    {
        # No machine with this core has the memory; ARMv6-M code is a subset of ARMv7-M and runs the same.
        "cortex-m0plus": _mps2("385"),
        "cortex-m3": _mps2("385"),
        "cortex-m4": _mps2("386"),
        "cortex-m7": _mps2("500"),
        # It starts in the secure state: secure aliases of SSRAM 1, SSRAM 2 and timer 0.
        "cortex-m33": QemuMachine(
            "mps2-an505",
            flash_base=0x1000_0000,
            ram_base=0x3800_0000,
            memory_bytes=4 << 20,
            timer_base=0x5000_0000,
            timer_hz=20_000_000,
            source="Arm application note AN505, memory map; hw/arm/mps2-tz.c of QEMU",
        ),
    }
)
"""By core."""


@dataclass(frozen=True)
class WitnessBuild:
    """A model compiled for a machine of QEMU."""

    machine: QemuMachine
    firmware: Firmware
    input_bytes: int
    output_bytes: int


@dataclass(frozen=True)
class Observation:
    """What QEMU saw: outputs, int8 of shape (n, output elements), and instructions of each inference."""

    outputs: NDArray[np.int8]
    instructions: tuple[int, ...]


def build_witness(
    model: Model, device: DeviceSpec, compiler: Compiler = ZIG, placement: Placement = FLASH
) -> WitnessBuild:
    """Compile a model as for ``device``, linked for the machine of QEMU that has its core.

    Raises:
        ToolchainError: there is no such machine, or the compiler failed.
    """
    machine = MACHINES.get(device.core)
    if machine is None:
        raise ToolchainError(f"QEMU has no machine for {device.core}", hint=f"one of {', '.join(MACHINES)}")
    program = lower(model, dsp=core(device.core).dsp)
    firmware = build_firmware(
        program, machine.device(device), compiler, main=SEMIHOSTING, placement=placement
    )
    return WitnessBuild(machine, firmware, program.input_bytes, program.output_bytes)


def observe(
    built: WitnessBuild, inputs: NDArray[np.int8], *, icount_shift: int = ICOUNT_SHIFT
) -> Observation:
    """Run one inference per input, of shape (n, *input shape without batch), under QEMU.

    With a smaller ``icount_shift`` than the default, counts are coarser.

    Raises:
        ToolchainError: QEMU is not installed.
        SimulationError: QEMU failed, or a kernel reported an error.
    """
    program = qemu()
    machine = built.machine
    header = np.array([machine.timer_base, built.input_bytes, built.output_bytes], "<u4")
    with tempfile.TemporaryDirectory(prefix="tinybench-") as scratch:
        folder = Path(scratch)
        (folder / "firmware.elf").write_bytes(built.firmware.elf)
        (folder / "request").write_bytes(header.tobytes() + inputs.tobytes())
        _run(
            [
                program,
                *("-machine", machine.name),
                *("-icount", f"shift={icount_shift}"),
                *("-semihosting-config", "enable=on,target=native"),
                *("-nodefaults", "-display", "none", "-serial", "none", "-monitor", "none"),
                *("-kernel", "firmware.elf"),
            ],
            folder,
        )
        answer = (folder / "answer").read_bytes()
    record = np.dtype([("ticks", "<u4"), ("status", "<i4"), ("output", "i1", (built.output_bytes,))])
    measured = np.frombuffer(answer[4:], record)
    if len(measured) != len(inputs):
        raise SimulationError(
            f"QEMU answered {len(measured)} of {len(inputs)} inputs", hint="report it with the model"
        )
    if measured["status"].any():
        raise SimulationError("a kernel returned an error status", hint="report it with the model")
    per_tick = 1e9 / machine.timer_hz / 2**icount_shift
    empty = int(np.frombuffer(answer[:4], "<u4")[0])  # of one instruction
    counts = np.rint((measured["ticks"].astype(np.int64) - empty) * per_tick).astype(int) + 1
    return Observation(measured["output"].copy(), tuple(int(count) for count in counts))


def qemu() -> str:
    """Path of QEMU for Arm machines.

    Raises:
        ToolchainError: it is not installed.
    """
    found = shutil.which(QEMU)
    if found is None:
        raise ToolchainError(f"{QEMU} is not installed", hint=f"install the package {QEMU} (Debian, Ubuntu)")
    return found


@cache
def qemu_version() -> str:
    """Such as ``QEMU 7.2.22``."""
    done = subprocess.run([qemu(), "--version"], capture_output=True, text=True, timeout=60, check=False)
    found = re.search(r"version (\d[\d.]*)", done.stdout)
    if found is None:
        raise ToolchainError(f"{QEMU} does not say its version", hint="reinstall it")
    return f"QEMU {found.group(1)}"


_STOPPED = {
    2: "a file could not be opened or read",
    3: "a scratch buffer is too small",
    4: "the answer could not be written",
    5: "the core faulted",
}
"""Exit codes of runners/firmware/support/semihosting.c."""


def _run(command: list[str], folder: Path) -> None:
    try:
        done = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False
        )
    except subprocess.TimeoutExpired:
        raise SimulationError(
            f"QEMU ran for over {_TIMEOUT_S} s", hint="use fewer inputs or a smaller model"
        ) from None
    except OSError as error:
        raise ToolchainError(f"{QEMU} does not run: {error.strerror}", hint="reinstall it") from None
    if done.returncode != 0:
        said = next(iter(done.stderr.splitlines()), f"exit code {done.returncode}")
        reason = _STOPPED.get(done.returncode, said)
        raise SimulationError(f"under QEMU: {reason}", hint="report it with the model")
