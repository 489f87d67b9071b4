"""What every runner takes and gives back.

A runner is told what to measure (``Workload``) and returns what it found (``Measurement``). It never
prints, never asks and never writes a result; progress is reported through a callback.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, Protocol

from tinybench.boards.dut import Patience
from tinybench.mcusim.placement import FLASH, Placement
from tinybench.progress import Progress, silent

if TYPE_CHECKING:
    from tinybench.datasets.base import Samples
    from tinybench.models import Model
    from tinybench.results.schema import (
        Engine,
        HostRef,
        Instrument,
        Layer,
        Metric,
        Unavailable,
        Window,
    )
    from tinybench.specs import DeviceSpec, TaskSpec


RunsOn = Literal["host", "simulator", "board"]
"""Where a runner executes the model: on this machine, on a simulated device, or on a real one."""

RunName = Literal["performance", "accuracy", "energy"]
"""What a board is measured for, one after the other."""

MIN_WINDOW_S: Final = 10.0
"""Shortest window of inferences that the rules of the suite allow, by the clock of the board."""


@dataclass(frozen=True, kw_only=True)
class Bench:
    """What is on the desk: a board, and what measures its power."""

    port: str
    """Serial line of the board: ``/dev/ttyACM0``, or an address that pyserial opens."""
    baud: int | None = None
    """Symbols per second; that of the device's profile if not given."""
    meter: str | None = None
    """Power analyser, ``name`` or ``name:address``."""
    recording: Path | None = None
    """What another program records of the board's power and pin meanwhile, in place of a meter."""
    supply_v: float | None = None
    """What the power analyser is to supply, or what supplies the board, in volt."""
    runs: tuple[RunName, ...] = ()
    """What to measure; performance and accuracy, and energy with a meter, if empty."""
    flash: Path | None = None
    """Firmware to write to the board first."""
    probe: str | None = None
    """Unique id of the debug probe, where there are several."""
    engine: Engine | None = None
    """What executes the model, where the firmware does not tell."""
    window_s: float = MIN_WINDOW_S
    """Shortest window; below that of the rules a result is not publishable."""
    resume: bool = True
    """Whether to go on from what an unfinished run has measured already."""
    patience: Patience = field(default_factory=Patience)
    """How long to wait for the board, and how often to ask again."""


@dataclass(frozen=True, kw_only=True)
class Setup:
    """How a workload is to be executed."""

    checked_inputs: int = 8
    """How many inputs the simulated core executes and compares bit for bit."""
    toolchain: str = "zig"
    """What compiles the firmware (``tinybench.mcusim.compilers``)."""
    placement: Placement = FLASH
    """Where the code and constants of the firmware are."""
    bench: Bench | None = None
    """The board on the desk; None without one."""


@dataclass(frozen=True)
class Workload:
    """One (task, model, device) with the samples to classify, and how to execute it."""

    task: TaskSpec
    model: Model
    device: DeviceSpec
    samples: Samples
    setup: Setup = Setup()


@dataclass(frozen=True)
class Measurement:
    """What a runner found out."""

    engine: Engine
    metrics: tuple[Metric, ...]
    unavailable: tuple[Unavailable, ...] = ()
    layers: tuple[Layer, ...] = ()
    evidence: dict[str, bytes] = field(default_factory=dict)
    """File name -> content; the store writes them beside the result and records their sha256."""
    notes: tuple[str, ...] = ()
    windows: tuple[Window, ...] = ()
    """What latency and energy are the medians of, if a clock timed them."""
    instrument: Instrument | None = None
    """What measured energy and power, if anything did."""
    device: HostRef | None = None
    """Given if it ran on this machine, and not on the device of the workload."""
    not_publishable_because: tuple[str, ...] = ()
    """What the runner knows of that the rules do not allow."""
    written: Callable[[], None] = lambda: None
    """Called once the result is where it belongs: what was kept to go on from is not needed any more."""


class Runner(Protocol):
    """How a model is executed and measured."""

    name: str
    """What ``--runner`` takes."""
    interface: int
    """Version of this protocol that it was made for, as a plain number: 1."""
    summary: str
    """One line for people."""
    runs_on: RunsOn
    """Where it executes the model; it decides which options can be asked for."""

    def check(self, setup: Setup) -> None:
        """Find out at once whether all that it needs is here: before data is read, and before the long part.

        Raises:
            TinybenchError: something is missing; the hint says how to get it.
        """
        ...

    def check_device(self, device: DeviceSpec) -> None:
        """Find out, as early, whether it can execute a model on this device.

        Raises:
            UsageError: it cannot; the hint says what can.
        """
        ...

    def measure(self, workload: Workload, progress: Progress = silent) -> Measurement:
        """Execute the workload.

        Raises:
            TinybenchError: the model does not fit, is not supported, or a check failed.
        """
        ...
