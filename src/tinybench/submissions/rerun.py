"""Executing again what can be executed again: with the models, profiles and data of this machine alone.

Nothing of a submission is run. Its result names a reference model by its SHA-256, a device profile, a clock,
a compiler and a split; these are looked up here, executed, and compared.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tinybench import specs
from tinybench.boards.encoding import Encoding
from tinybench.boards.own_firmware import ENGINE, told_by
from tinybench.boards.replay import read_transcript
from tinybench.datasets import golden, store
from tinybench.datasets.base import Samples
from tinybench.datasets.samples import front_end_of, load_samples
from tinybench.datasets.splits import GOLDEN
from tinybench.defaults import CHECKED_INPUTS
from tinybench.errors import (
    CapacityError,
    DataError,
    MismatchError,
    SimulationError,
    TinybenchError,
    UnsupportedOperatorError,
)
from tinybench.mcusim.compilers import COMPILERS, Compiler
from tinybench.mcusim.placement import Placement
from tinybench.models import Model
from tinybench.models.reference import load_named
from tinybench.offline import no_network
from tinybench.results.record import PACKAGES, accuracy_metric, installed_version, record
from tinybench.results.schema import DeviceRef, Result
from tinybench.runners.base import Setup, Workload
from tinybench.runners.classify import classify
from tinybench.runners.tflm import Interpreter
from tinybench.runners.tflm_sim import TflmSim
from tinybench.scoring import accuracy
from tinybench.specs import TaskSpec
from tinybench.submissions.entry import Entry
from tinybench.submissions.findings import Finding, worst
from tinybench.submissions.recompute import BOARD, BOARD_LOG
from tinybench.submissions.rules.model import reference
from tinybench.submissions.rules.reexecution import (
    NOT_REPRODUCED,
    NOT_RERUN,
    SIMULATED_CLAIM,
    compare,
    compare_accuracy,
    compare_board,
    compare_on_other_inputs,
)

RUNNER: Final = TflmSim.name
_CHECKED: Final = re.compile(r"median over (\d{1,4}) inputs")
"""In the note of a result's cycles: how many inputs the simulated core executed."""
_MAX_CHECKED: Final = 64
"""More are not executed again: of the largest model here, 64 take about a minute."""
_REFUTED: Final = (CapacityError, MismatchError, SimulationError, UnsupportedOperatorError)
"""Errors of a run that say that no such result can be."""


@dataclass(frozen=True)
class Rerun:
    """What executing again showed."""

    findings: tuple[Finding, ...]
    reproduced: bool
    """It came out equal, on the same samples."""


@dataclass(frozen=True)
class _Run:
    """What decides a simulated result, but for the code."""

    task: str
    model: str
    device: str
    clock_hz: int
    split: str
    limit: int | None
    samples: int
    toolchain: str
    in_ram: tuple[str, ...]


def rerun(entry: Entry) -> Rerun:
    """Execute a result again, if it can be; a note says why not.

    A simulated result is simulated; of a measured one with a reference model and a split that is here, the
    accuracy is computed with TFLite Micro. A board cannot be asked again, but what its log says that it was
    given, and answered, is compared with samples and outputs of TFLite Micro.
    """
    if entry.result.runner == RUNNER and entry.result.source is None:
        return _simulated(entry)
    return Rerun(tuple(_measured(entry)), reproduced=False)


def what_is_here() -> tuple[str, ...]:
    """What decides, beside data sets, how results are executed again: models, compilers and packages."""
    models = (spec.id for spec in specs.models().values() if spec.is_here)
    packages = (f"{name} {installed_version(name)}" for name in PACKAGES)
    return (*models, *filter(None, map(_label, COMPILERS.values())), *packages)


def _label(compiler: Compiler) -> str | None:
    try:
        return compiler.label()
    except TinybenchError:
        return None


def _simulated(entry: Entry) -> Rerun:
    where = entry.where
    planned = _plan(entry.result)
    if isinstance(planned, str):
        return Rerun((SIMULATED_CLAIM.found(where, planned),), reproduced=False)
    own = _is_here(planned.task, planned.split)
    try:
        if own:
            again = _simulate(planned)
            findings = tuple(compare(where, entry.result, again))
        else:
            again = _simulate(replace(planned, split=GOLDEN, limit=None, samples=CHECKED_INPUTS))
            findings = tuple(compare_on_other_inputs(where, entry.result, again))
            if not findings:
                findings = (NOT_RERUN.found(where, _golden_only(planned.split)),)
    except _REFUTED as error:
        return Rerun((NOT_REPRODUCED.found(where, error.message),), reproduced=False)
    except TinybenchError as error:
        return Rerun((SIMULATED_CLAIM.found(where, error.message),), reproduced=False)
    return Rerun(findings, reproduced=own and worst(findings) is None)


def _golden_only(split: str) -> str:
    return (
        f"the {split} split is not on this machine; on golden inputs the firmware is the same, bit for bit, "
        "and cycles and instructions agree within 0.1 %"
    )


def _plan(result: Result) -> _Run | str:
    """How to run it again, or why it cannot be."""
    model, device = reference(result), result.device
    if model is None:
        return "its model is no reference model"
    if not model.is_here:
        return f"the model is not on this machine ('tinybench models fetch {model.id}')"
    if not isinstance(device, DeviceRef) or device.id not in specs.devices() or device.clock_hz is None:
        return "there is no profile of its device"
    if specs.device(device.id).flash_timing is None:
        return f"{device.id} can be measured only, not simulated"
    if model.task != result.task.id or result.data.split == "custom":
        return "its samples are not part of this project"
    label = result.engine.compiler or ""
    toolchain = next((c for c in COMPILERS.values() if label.startswith(_PROGRAMS[c.name])), None)
    if toolchain is None:
        return f"there is no compiler '{label}' here"
    try:
        here = toolchain.label()
    except TinybenchError as error:
        return error.message
    if here != label:
        return f"it was compiled with {label}; {here} is here"
    cycles = result.metric("cycles.per_inference")
    checked = _CHECKED.search(cycles.note or "") if cycles else None
    samples = int(checked[1]) if checked else CHECKED_INPUTS
    if not 0 < samples <= _MAX_CHECKED:
        return f"{samples} inputs were simulated; at most {_MAX_CHECKED} are executed again"
    return _Run(
        task=result.task.id,
        model=model.id,
        device=device.id,
        clock_hz=device.clock_hz,
        split=result.data.split,
        limit=result.data.limit,
        samples=samples,
        toolchain=toolchain.name,
        in_ram=result.engine.in_ram,
    )


_PROGRAMS: Final = {"zig": "zig cc ", "gcc": "arm-none-eabi-gcc "}
"""How the labels of the compilers begin."""


@cache
def _simulate(run: _Run) -> Result:
    """Simulate; many submissions of one round ask for the same."""
    task, model = specs.task(run.task), load_named(run.model)
    device = specs.device(run.device).at_clock(run.clock_hz)
    placement = Placement.parse(
        code="ram" if "code" in run.in_ram else "flash", weights="ram" if "weights" in run.in_ram else "flash"
    )
    placement.check(device)
    if run.split == GOLDEN:
        samples = golden.samples(task, model, front_end_of(task), run.limit)
    else:
        samples = _samples(task, model, run.split, run.limit)
    workload = Workload(
        task=task,
        model=model,
        device=device,
        samples=samples,
        setup=Setup(
            checked_inputs=min(run.samples, len(samples.inferences)),
            toolchain=run.toolchain,
            placement=placement,
        ),
    )
    with no_network():
        measurement = TflmSim().measure(workload)
    return record(workload, measurement, runner=RUNNER, limit=run.limit)


def _samples(task: TaskSpec, model: Model, split: str, limit: int | None = None) -> Samples:
    scale, zero_point = model.input.scale, model.input.zero_point
    return load_samples(task, split, scale=scale, zero_point=zero_point, limit=limit)


def _measured(entry: Entry) -> Iterator[Finding]:
    result, model = entry.result, reference(entry.result)
    if model is None or not model.is_here or result.source is not None or model.task != result.task.id:
        return
    claimed = result.metric(accuracy_metric(specs.task(model.task)))
    split = result.data.split
    if claimed is None or claimed.mode != "measured" or result.data.limit is not None:
        return
    if split == "custom" or not _is_here(model.task, split):
        return
    try:
        again = _reference_accuracy(model.id, split)
        yield from compare_accuracy(entry.where, claimed, again)
        if result.runner == BOARD:
            yield from _of_board(entry, load_named(model.id), *_reference_outputs(model.id, split))
    except TinybenchError as error:
        yield NOT_RERUN.found(entry.where, error.message)


def _of_board(entry: Entry, model: Model, samples: Samples, outputs: NDArray[np.int8]) -> Iterator[Finding]:
    serial = specs.task(entry.result.task.id).serial
    try:
        data = entry.read(BOARD_LOG)
        replay = None if data is None else read_transcript(data, BOARD_LOG)
    except DataError:
        return  # TB320 says so
    if serial is None or replay is None or replay.accuracy is None:
        return
    each = samples.inputs.shape[1]
    names = [name for name in samples.names for _ in range(each)]
    if len(replay.accuracy.samples) != len(names):
        return  # TB221 says so
    own = entry.result.engine.name == ENGINE or bool(told_by(replay.remarks))
    encoding = Encoding.of(serial, model, samples)
    yield from compare_board(entry.where, replay, names, encoding, outputs, own=own)


@cache
def _reference_accuracy(model_id: str, split: str) -> float:
    """Accuracy of a reference model in TFLite Micro on a whole split."""
    model, task = load_named(model_id), specs.task(specs.model(model_id).task)
    samples, outputs = _reference_outputs(model_id, split)
    scored = accuracy(task, model, samples, outputs)
    assert scored is not None  # every split but the golden vectors has labels
    return scored.value


@lru_cache(maxsize=1)
def _reference_outputs(model_id: str, split: str) -> tuple[Samples, NDArray[np.int8]]:
    """A whole split, and what TFLite Micro makes of it with a reference model.

    Only the last is kept: the windows of anomaly detection take 150 MB.
    """
    model, task = load_named(model_id), specs.task(specs.model(model_id).task)
    samples = _samples(task, model, split)
    return samples, classify(Interpreter(model), samples.inferences)


def _is_here(task_id: str, split: str) -> bool:
    """Whether the samples of a split of a task are on this machine."""
    task = specs.task(task_id)
    if split in task.splits.of_subsets:
        return store.status(task.dataset, task.splits.of_subsets[split].subset).state == "present"
    return split == GOLDEN or (split == "smoke" and task.splits.smoke is not None)
