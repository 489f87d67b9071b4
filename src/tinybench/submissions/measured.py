"""Results of one's own from the logs of a runner of MLPerf Tiny: recomputed, not copied from its print."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from tinybench import specs
from tinybench._version import __version__
from tinybench.errors import DataError, UsageError
from tinybench.files.guarded import Folder
from tinybench.mlperf_tiny import tree
from tinybench.mlperf_tiny.runs import RUNNERS
from tinybench.mlperf_tiny.tasks import accuracy_set
from tinybench.models.reference import load_named
from tinybench.results.record import accuracy_metric, checkout_commit, reasons_not_to_publish
from tinybench.results.schema import (
    DEVICE_METRICS,
    DataRef,
    DeviceRef,
    ModelRef,
    Result,
    TaskRef,
    Tool,
    Unavailable,
    is_decisive,
    meets,
    new_result,
)
from tinybench.results.store import describe_evidence
from tinybench.submissions import layout
from tinybench.submissions.entry import Entry, opener
from tinybench.submissions.importing import figures
from tinybench.submissions.importing.figures import Compared
from tinybench.submissions.recompute import Recomputed, recompute, task_of_log
from tinybench.submissions.system import System


@dataclass(frozen=True)
class Measured:
    """A result and its evidence, to be taken into a submission."""

    where: str
    """Its file, or the folder of its runs."""
    result: Result
    document: bytes
    """The result as it was written, in whatever schema."""
    evidence: Mapping[str, bytes]


def results(
    system: System,
    device_id: str,
    path: Path,
    *,
    task: str | None = None,
    model: str | None = None,
    labels: Mapping[str, int] | None = None,
) -> tuple[Measured, ...]:
    """The results of all runs below a folder, one for each task.

    Args:
        system: what they were measured on.
        device_id: what results call the device if there is no profile of it.
        path: a folder with the folders ``performance``, ``accuracy`` and ``energy``, or with several such.
        task: of the runs; by their path, or by what the device says in its log, if not given.
        model: reference model or .tflite file. In the closed division that of MLPerf Tiny if not given.
        labels: name of a sample -> class; image classification needs it, its logs do not tell.

    Raises:
        DataError: there are no runs, or a log does not show what a result needs.
        UsageError: nothing says the task, or which model of the open division it was.
        UnknownNameError: there is no such task or model.
    """
    found = tree.find(path) if path.is_dir() else None
    if found is None or not found.cases:
        raise DataError(
            f"{path}: {'is no folder' if found is None else 'holds no runs'}",
            hint="a run is a folder called performance, accuracy or energy with log.txt or results.json",
        )
    return tuple(_measured(system, device_id, found.base, case, task, model, labels) for case in found.cases)


def _measured(
    system: System,
    device_id: str,
    base: Path,
    case: tree.Case,
    task_id: str | None,
    model: str | None,
    labels: Mapping[str, int] | None,
) -> Measured:
    where = str(base / case.path)
    with Folder.open(base) as folder:
        files = {
            f"{kind}-{name}": folder.read(file, layout.MAX_UNPACKED)
            for kind, run in sorted(case.runs.items())
            for name, file in sorted(run.files.items())
        }
    named = task_id or case.task or _task_in(files)
    if named is None:
        raise UsageError(f"{where}: nothing says which task it is", hint="give --task")
    if task_id is None and named not in specs.tasks():
        known = ", ".join(specs.tasks())
        raise DataError(f"{where}: is of {named}, which is no task here", hint=f"these are: {known}")
    task = specs.task(named)
    used = accuracy_set(task.id)
    data = DataRef(split=used.split, dataset=used.dataset, dataset_sha256=None, samples=None, limit=None)
    common: dict[str, Any] = {
        "created": datetime.now(UTC),
        "tool": Tool(version=__version__, commit=checkout_commit()),
        "task": TaskRef(id=task.id, version=task.version),
        "model": _model(task.id, model, system.division, where),
        "device": _device(system, device_id),
        "engine": system.engine,
        "source": None,
        "layers": (),
        "evidence": describe_evidence(files),
        "target": task.target,
        "environment": None,
    }
    facts = _facts(where, common | {"data": data}, files, labels)
    accuracy_name = accuracy_metric(task)
    wanted = (accuracy_name, *DEVICE_METRICS)
    compared = tuple(figure for figure in figures.compare(facts, task.id) if figure.name in wanted)
    _require_recomputed(where, facts, compared)
    metrics = tuple(figures.metrics(compared))
    if facts.outputs is not None:
        data = data.model_copy(update={"samples": len(facts.outputs.names)})
    accuracy = next((metric for metric in metrics if metric.name == accuracy_name), None)
    reasons = reasons_not_to_publish(data, accuracy, common["model"].sha256)
    given = {metric.name for metric in metrics}
    assert facts.performance is not None  # required above
    result = new_result(
        **common,
        data=data,
        runner=RUNNERS[facts.performance.runner],
        metrics=metrics,
        unavailable=tuple(
            Unavailable(name=name, reason="no run shows it") for name in wanted if name not in given
        ),
        windows=tuple(figures.windows(facts)),
        notes=("figures are recomputed from the logs of the runner",),
        target_met=meets(task.target, accuracy) if is_decisive(data, None, accuracy) else None,
        publishable=not reasons,
        not_publishable_because=reasons,
    )
    return Measured(where, result, result.to_json(), files)


def _facts(
    where: str, fields: dict[str, Any], files: Mapping[str, bytes], labels: Mapping[str, int] | None
) -> Recomputed:
    """What the logs show; that depends on task and split, not on figures that a result states."""
    blank = new_result(
        **fields,
        runner=RUNNERS["energyrunner"],
        metrics=(),
        unavailable=(),
        windows=(),
        notes=(),
        target_met=None,
        publishable=False,
        not_publishable_because=("nothing was recomputed yet",),
    )
    openers = {name: opener(partial(bytes, data)) for name, data in files.items()}
    return recompute(Entry(where, blank, openers), labels=labels)


def _require_recomputed(where: str, facts: Recomputed, compared: tuple[Compared, ...]) -> None:
    """A figure of one's own is one that the logs show; what is only printed is refused.

    Raises:
        DataError: there is no whole performance run, or a figure cannot be recomputed.
    """
    if facts.performance is None or not any(figure.name == "throughput" for figure in compared):
        raise DataError(
            f"{where}: shows no whole performance run", hint="it is performance/log.txt or results.json"
        )
    printed = [figure.name for figure in compared if figure.recomputed is None]
    if printed:
        reason = f": {facts.accuracy_reason}" if facts.accuracy_reason else ""
        raise DataError(
            f"{where}: {', '.join(printed)} is printed and cannot be recomputed{reason}",
            hint="add the whole log, for energy also the trace; for image classification --labels",
        )


def _device(system: System, device_id: str) -> DeviceRef:
    return DeviceRef(
        id=system.device or device_id,
        board=system.board,
        chip=system.chip,
        core=system.core,
        clock_hz=system.clock_hz,
        supply_v=system.supply_v,
        accelerator=system.accelerator,
    )


def _task_in(files: Mapping[str, bytes]) -> str | None:
    """The task that the device names in the first log that says it."""
    for name, data in files.items():
        if not name.endswith("-log.txt"):
            continue
        try:
            task = task_of_log(data, name)
        except DataError:
            continue  # it is said when the evidence is read
        if task is not None:
            return task
    return None


def _model(task: str, model: str | None, division: str, where: str) -> ModelRef:
    if model is None:
        if division == "open":
            raise UsageError(f"{where}: nothing says which model it was", hint="give --model FILE.tflite")
        spec = specs.model(f"mlperf-{task}")
        return ModelRef(name=spec.id, sha256=spec.sha256, macs=spec.macs, parameters=spec.parameters)
    if model in specs.models():
        spec = specs.model(model)
        return ModelRef(name=spec.id, sha256=spec.sha256, macs=spec.macs, parameters=spec.parameters)
    loaded = load_named(model, "--model")
    return ModelRef(name=loaded.name, sha256=loaded.sha256, macs=loaded.macs, parameters=loaded.parameters)
