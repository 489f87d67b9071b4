"""Turns what a runner measured into a result."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from tinybench import content, specs
from tinybench._version import __version__
from tinybench.results.schema import (
    ACCURACY,
    DEVICE_METRICS,
    METRIC_NAMES,
    MLPERF_SETS,
    Accelerator,
    DataRef,
    DeviceRef,
    Environment,
    Metric,
    MetricName,
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

if TYPE_CHECKING:
    from tinybench.runners.base import Measurement, Workload
    from tinybench.specs import DeviceSpec, TaskSpec

PACKAGES: Final = (
    "ai-edge-litert",
    "bakenn",
    "capstone",
    "ethos-u-vela",
    "numpy",
    "otii-tcp-client",
    "ppk2-api",
    "pyjls",
    "pyjoulescope-driver",
    "pyocd",
    "pyserial",
    "scipy",
    "soundfile",
    "tflite-micro",
    "unicorn",
    "ziglang",
)
"""Packages that take part in a measurement: their versions belong to the environment of a result."""

UNEXPLAINED: Final = "the runner does not report it"
"""Why a metric is unavailable that a runner neither gave nor explained."""

_MAX_LABEL_BYTES: Final = 80
"""Of the name of a model: the name of a result file holds it and four more, in 255 bytes."""


def accuracy_metric(task: TaskSpec) -> MetricName:
    """The metric that the quality target of ``task`` is about."""
    return ACCURACY[task.metric]


def record(
    workload: Workload,
    measurement: Measurement,
    *,
    runner: str,
    model_name: str | None = None,
    limit: int | None = None,
    notes: Sequence[str] = (),
    plugins: Mapping[str, str] = MappingProxyType({}),
) -> Result:
    """The result of one measurement.

    Args:
        workload: what was measured.
        measurement: what was found.
        runner: name of the runner.
        model_name: what the model is called in the result; its file name without suffix if not given.
        limit: the limit on samples that the user asked for.
        notes: added after the notes of the runner.
        plugins: packages of plug-ins that took part: name -> version.
    """
    task, model, device, samples = workload.task, workload.model, workload.device, workload.samples
    accuracy_name = accuracy_metric(task)
    order = METRIC_NAMES.index
    metrics = tuple(sorted(measurement.metrics, key=lambda metric: order(metric.name)))
    unavailable = _with_missing(measurement, accuracy_name, labelled=samples.labels is not None)
    accuracy = next((metric for metric in metrics if metric.name == accuracy_name), None)
    data = DataRef.model_validate(
        {
            "split": samples.split,
            "dataset": samples.dataset,
            "dataset_sha256": samples.dataset_sha256,
            "samples": len(samples.names),
            "limit": limit,
        }
    )
    reasons = (*reasons_not_to_publish(data, accuracy, model.sha256), *measurement.not_publishable_because)
    return new_result(
        created=datetime.now(UTC),
        tool=Tool(version=__version__, commit=checkout_commit()),
        task=TaskRef(id=task.id, version=task.version),
        data=data,
        model=ModelRef(
            name=_label(model_name or model.name),
            sha256=model.sha256,
            macs=model.macs,
            parameters=model.parameters,
        ),
        device=measurement.device or _device(device, measurement),
        engine=measurement.engine,
        runner=runner,
        instrument=measurement.instrument,
        source=None,
        metrics=metrics,
        unavailable=unavailable,
        windows=measurement.windows,
        layers=measurement.layers,
        evidence=describe_evidence(measurement.evidence),
        notes=(*measurement.notes, *notes),
        target=task.target,
        target_met=meets(task.target, accuracy) if is_decisive(data, None, accuracy) else None,
        publishable=not reasons,
        not_publishable_because=reasons,
        environment=environment(plugins),
    )


def _device(device: DeviceSpec, measurement: Measurement) -> DeviceRef:
    """The device of the workload, with the supply only where something depends on it.

    That is the one that was measured at; without an instrument, the one that the profile's currents are for.
    """
    supply_v = None
    if measurement.instrument is not None:
        supply_v = measurement.instrument.voltage_v
    elif device.power is not None and any(metric.unit in ("J", "W") for metric in measurement.metrics):
        supply_v = device.power.supply_v.value
    return DeviceRef(
        id=device.id,
        board=device.title,
        chip=device.chip,
        core=device.core,
        clock_hz=device.clock_hz.value,
        supply_v=supply_v,
        accelerator=None
        if device.npu is None
        else Accelerator(name=device.chip, clock_hz=device.clock_hz.value),
    )


def _label(name: str) -> str:
    """A name that any file system, table and JSON file can hold, made from that of a file."""
    text = os.fsencode(name).decode("utf-8", "replace")
    printable = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
    return printable.encode()[:_MAX_LABEL_BYTES].decode("utf-8", "ignore")


def _with_missing(
    measurement: Measurement, accuracy_name: MetricName, *, labelled: bool
) -> tuple[Unavailable, ...]:
    """List every metric of the task that the runner neither gave nor explained."""
    reasons = {} if labelled else {accuracy_name: "golden vectors have no labels: accuracy needs a data set"}
    explained = {missing.name: missing for missing in measurement.unavailable}
    given = {metric.name for metric in measurement.metrics}
    for name in (accuracy_name, *DEVICE_METRICS):
        if name not in given and name not in explained:
            explained[name] = Unavailable(name=name, reason=reasons.get(name, UNEXPLAINED))
    return tuple(explained[name] for name in METRIC_NAMES if name in explained)


def _has_seen_test(sha256: str | None) -> bool:
    """Whether this is a reference model that was trained on clips of the official test side."""
    return any(
        spec.sha256 == sha256 and spec.provenance.seen_official_test for spec in specs.models().values()
    )


def reasons_not_to_publish(
    data: DataRef, accuracy: Metric | None, model_sha256: str | None
) -> tuple[str, ...]:
    """Why a result that was measured here cannot be published; empty if it can.

    Args:
        data: what was classified.
        accuracy: the metric of the task's target.
        model_sha256: of the model.
    """
    reasons = []
    by_hardware = accuracy is None or accuracy.mode == "measured"
    if data.split != "official" and not (by_hardware and data.split in MLPERF_SETS):
        reasons.append(f"measured on the {data.split} split; only the official split is published")
    if data.limit is not None:
        reasons.append(f"limited to {data.limit} samples; only the whole split is published")
    if accuracy is None:
        reasons.append("the accuracy is not available")
    elif accuracy.mode == "predicted":
        reasons.append("the accuracy is predicted: nothing computed as the device does")
    if _has_seen_test(model_sha256):
        reasons.append("the model was trained on clips of the official test side")
    return tuple(reasons)


@cache
def checkout_commit() -> str | None:
    """Commit of the checkout that this code runs from, ``-dirty`` if changed; None outside a checkout."""
    root = content.root()
    if not (root / ".git").exists():
        return None
    command = ["git", "-C", str(root), "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    try:
        found = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=20,
            check=True,
            env=os.environ | {"GIT_OPTIONAL_LOCKS": "0"},
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return found.stdout.strip() or None


def environment(plugins: Mapping[str, str] = MappingProxyType({})) -> Environment:
    """Interpreter, operating system, machine and the packages that take part in a measurement.

    Args:
        plugins: packages of plug-ins that take part: name -> version.
    """
    found = {name: installed_version(name) for name in PACKAGES}
    packages = {name: known for name, known in found.items() if known is not None} | dict(plugins)
    return Environment(
        python=f"{platform.python_implementation()} {platform.python_version()}",
        os=f"{platform.system()} {platform.release()}",
        machine=platform.machine() or "unknown",
        packages=dict(sorted(packages.items())),
    )


def installed_version(package: str) -> str | None:
    """Version of an installed package, or None."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None
