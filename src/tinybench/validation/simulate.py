"""Each board and model once: cycles of the simulated microcontroller, checked against TFLite Micro."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tinybench.errors import DataError, TinybenchError
from tinybench.mcusim.energy import run_power_w
from tinybench.mcusim.simulate import build, simulate
from tinybench.models import Model
from tinybench.progress import Progress, silent
from tinybench.runners.tflm import Interpreter
from tinybench.runners.tflm_sim import check_equal
from tinybench.specs import DeviceSpec
from tinybench.validation.published import Published

INPUTS = 4
"""Inferences per board and model. Cycles depend on the data by less than 0.1 %."""

MAX_MODEL_FILES = 1000


@dataclass(frozen=True, order=True)
class Case:
    """One model on one board at one clock."""

    device: str
    clock_hz: int
    model_sha256: str


@dataclass(frozen=True)
class Simulated:
    """What the simulator says of a case."""

    cycles: int
    macs: int
    latency_s: float
    power_w: float | None
    """While the core runs; None if the profile of the board has no currents."""
    supply_v: float | None


@dataclass(frozen=True)
class Simulations:
    """All cases, and why some could not be simulated."""

    done: Mapping[Case, Simulated]
    refused: Mapping[Case, str]


def case_of(row: Published) -> Case | None:
    """The case of a published row; None if it did not run an official model."""
    return Case(row.device, row.clock_hz, row.model_sha256) if row.model_sha256 else None


def find_models(folder: Path, wanted: Collection[str]) -> dict[str, Path]:
    """Files of a folder by SHA-256, whatever they are called.

    Raises:
        DataError: one that is wanted is not there.
    """
    found: dict[str, Path] = {}
    for path in sorted(folder.glob("*.tflite"))[:MAX_MODEL_FILES]:
        if path.is_file():
            found.setdefault(hashlib.sha256(path.read_bytes()).hexdigest(), path)
    if missing := sorted(set(wanted) - set(found)):
        raise DataError(
            f"{folder} has no .tflite with SHA-256 {', '.join(sha[:12] + '…' for sha in missing)}",
            hint="copy the int8 reference models of mlcommons/tiny (benchmark/training) into it",
        )
    return {sha: path for sha, path in found.items() if sha in wanted}


def simulate_cases(
    cases: Iterable[Case],
    models: Mapping[str, Path],
    devices: Mapping[str, DeviceSpec],
    progress: Progress = silent,
) -> Simulations:
    """Simulate each case whose board has a profile, on ``INPUTS`` seeded random inputs.

    Raises:
        MismatchError: an output of the simulated core is not TFLite Micro's.
        ModelError: a model cannot be read.
    """
    known = sorted({case for case in cases if case.device in devices})
    loaded = {sha: _load(path) for sha, path in models.items()}
    done: dict[Case, Simulated] = {}
    refused: dict[Case, str] = {}
    for index, case in enumerate(known):
        progress("simulating boards and models", index, len(known))
        try:
            device = devices[case.device].at_clock(case.clock_hz)
            built = build(loaded[case.model_sha256][0], device)
        except TinybenchError as error:
            refused[case] = error.message
            continue
        model, inputs, expected = loaded[case.model_sha256]
        simulation = simulate(built, device, inputs)
        check_equal(simulation.outputs, expected)
        power = device.power
        done[case] = Simulated(
            cycles=simulation.cycles,
            macs=model.macs,
            latency_s=simulation.cycles / case.clock_hz,
            power_w=run_power_w(device),
            supply_v=None if power is None else power.supply_v.value,
        )
    progress("simulating boards and models", len(known), len(known))
    return Simulations(done, refused)


def _load(path: Path) -> tuple[Model, np.typing.NDArray[np.int8], np.typing.NDArray[np.int8]]:
    """Model, seeded inputs, and TFLite Micro's outputs for them."""
    model = Model.load(path)
    shape = (INPUTS, *model.input.shape[1:])
    inputs = np.random.default_rng(7).integers(-128, 128, shape, dtype=np.int8)
    return model, inputs, Interpreter(model).run(inputs)
