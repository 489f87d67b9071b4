"""What every runner takes and gives back.

A runner is told what to measure (``Workload``) and returns what it found (``Measurement``). It never
prints, never asks and never writes a result; progress is reported through a callback.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from tinybench.mcusim.placement import FLASH, Placement
from tinybench.progress import Progress, silent

if TYPE_CHECKING:
    from tinybench.datasets.base import Samples
    from tinybench.models import Model
    from tinybench.results.schema import Engine, HostRef, Layer, Metric, Unavailable, Window
    from tinybench.specs import DeviceSpec, TaskSpec


@dataclass(frozen=True)
class Workload:
    """One (task, model, device) with the samples to classify.

    ``checked_inputs`` is how many inputs the simulated core executes and compares bit for bit;
    ``toolchain`` is what compiles the firmware (``tinybench.mcusim.compilers``) and ``placement`` where its
    code and constants are.
    """

    task: TaskSpec
    model: Model
    device: DeviceSpec
    samples: Samples
    checked_inputs: int = 8
    toolchain: str = "zig"
    placement: Placement = FLASH


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
    device: HostRef | None = None
    """Given if it ran on this machine, and not on the device of the workload."""


class Runner(Protocol):
    """How a model is executed and measured."""

    name: str
    summary: str
    on_host: bool
    """Whether it runs on this machine only, so that no device or clock can be asked for."""

    def check(self, toolchain: str) -> None:
        """Find out at once whether all that it needs is here: before data is read, and before the long part.

        Raises:
            TinybenchError: something is missing; the hint says how to get it.
        """
        ...

    def measure(self, workload: Workload, progress: Progress = silent) -> Measurement:
        """Execute the workload.

        Raises:
            TinybenchError: the model does not fit, is not supported, or a check failed.
        """
        ...
