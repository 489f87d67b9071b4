"""Firmware that speaks MLPerf Tiny's serial protocol, with one model built in.

The model, kernels and compiler flags are those of the simulator; the harness around them is in
``runners/firmware/harness``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from tinybench import specs
from tinybench.errors import UnknownNameError
from tinybench.firmware.configuration import PATH, Timestamps, configuration
from tinybench.mcusim.compilers import ZIG, Compiler
from tinybench.mcusim.cores import core
from tinybench.mcusim.lower import Program, lower
from tinybench.mcusim.toolchain import Firmware, build_firmware, harness_sources
from tinybench.models import Model
from tinybench.specs import DeviceSpec, TaskSpec

PORTS: Final = "firmware/harness/ports/"


@dataclass(frozen=True)
class Target:
    """What firmware is built for."""

    name: str
    """What ``--target`` takes, and the folder of its port."""
    device_id: str | None
    """The device that it makes; None: a board that somebody has yet to write the port for."""
    summary: str

    @property
    def port(self) -> str:
        """Path of the port's source."""
        return f"{PORTS}{self.name}/port.c"

    @property
    def device(self) -> DeviceSpec | None:
        """Profile of the device that it makes."""
        return None if self.device_id is None else specs.device(self.device_id)


TARGETS: Final[Mapping[str, Target]] = MappingProxyType(
    {
        "mps2-an386": Target("mps2-an386", "qemu-mps2-an386", "QEMU's machine of this name, Cortex-M4"),
        "generic": Target("generic", None, "sources for a board of your own: five functions to write"),
    }
)
"""By name."""


def target(name: str) -> Target:
    """The target called ``name``.

    Raises:
        UnknownNameError: there is none; the hint lists those that exist.
    """
    try:
        return TARGETS[name]
    except KeyError:
        raise UnknownNameError("target", name, TARGETS) from None


@dataclass(frozen=True)
class Built:
    """Firmware for a target that is a device."""

    program: Program
    firmware: Firmware


def build(
    model: Model,
    task: TaskSpec,
    target: Target,
    timestamps: Timestamps = "uart",
    compiler: Compiler = ZIG,
) -> Built:
    """Compile and link the firmware of a target that is a device.

    Raises:
        ModelError: the model is not of the task's shapes, or has an operator without a kernel.
        CapacityError: it does not fit.
        ToolchainError: the compiler is missing or failed.
    """
    device = target.device
    assert device is not None, "a target without a device has sources only"
    program = lower(model, dsp=core(device.core).dsp, keep_input=True)
    known = {
        "DEVICE": device.id,
        "COMPILER": compiler.label(),
        "FLAGS": " ".join(compiler.flags(device.core)),
    }
    harness = {
        name: data
        for name, data in harness_sources().items()
        if not name.startswith(PORTS) or name == target.port
    }
    harness[PATH] = configuration(model, task, timestamps, known).encode()
    firmware = build_firmware(program, device, compiler, main=target.port, harness=harness)
    return Built(program, firmware)
