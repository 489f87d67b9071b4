"""TB20x: which model, which task, on which data, and whether that may be published."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from tinybench import specs
from tinybench.mlperf_tiny.tasks import BENCHMARKS
from tinybench.results.record import accuracy_metric, reasons_not_to_publish
from tinybench.results.schema import BESIDE_METRICS, DEVICE_METRICS, Result
from tinybench.specs import ModelSpec, TaskSpec
from tinybench.submissions.entry import Entry
from tinybench.submissions.findings import Finding, rule
from tinybench.submissions.submission import Submission

NOT_REFERENCE: Final = rule(
    "TB201",
    "closed-model",
    "error",
    title="A closed result with a model that is no reference model",
    why="""The closed division compares systems on the same networks: the SHA-256 of the model is that of
    one in reference_models/. Any other model for the same task and data belongs into the open division.
    What was published elsewhere may not say which file it was.""",
    hint="Measure a reference model ('tinybench list models'), or submit to the open division.",
)
MODEL_FACTS: Final = rule(
    "TB202",
    "model-facts",
    "error",
    title="Name, MACs or parameters are not those of the model",
    why="""The SHA-256 names the model, and the model has a fixed number of multiply-accumulates and
    parameters. Other numbers would change every figure per MAC. A model that is called as a reference model
    and is none would stand beside it in every table.""",
    hint="Take the result as tinybench wrote it; give a model of your own a name of its own.",
)
OTHER_TASK: Final = rule(
    "TB203",
    "model-of-another-task",
    "error",
    title="The model is a reference model of another task",
    why="A result names one task, and the model that was measured is made for that task.",
    hint="Correct task or model.",
)
NOT_PUBLISHABLE: Final = rule(
    "TB204",
    "not-publishable",
    "error",
    title="The result is not one that is published",
    why="""What is published was measured on the whole official split, with an accuracy that is not
    predicted, and with a model that has not seen the test data; or it is a simulation of a reference model
    that states no accuracy (TB208). Whether that holds is worked out again from
    the result: what it says of itself does not decide.""",
    hint="Measure on the whole official split ('tinybench data fetch', then run without --limit).",
)
UNKNOWN_TASK: Final = rule(
    "TB205",
    "unknown-task",
    "error",
    title="There is no such task",
    why="""A task says what data, metric and target are. Only what was published elsewhere may be of a task
    that this project does not define.""",
    hint="Use a task that 'tinybench list tasks' shows.",
)
TASK_FACTS: Final = rule(
    "TB206",
    "task-facts",
    "error",
    title="Version or metrics are not those of the task",
    why="""Results of one task are comparable if they are of one version of it. The metric that decides
    about its target stands in task.toml; a result that brings another one would decide by itself whether it
    is good enough. Counts of detections and the power over a whole stream are of tasks on streams: nothing
    could hold them against anything in a result of another task.""",
    hint="Measure again with this version of tinybench.",
)
DATA_SET: Final = rule(
    "TB207",
    "data-set",
    "error",
    title="The data set is not that of the split",
    why="""The official split of a task has a fixed list of samples, and where the publisher's files are
    known, a fixed SHA-256. An accuracy on fewer, more or other samples is of another data set, whatever it
    is called.""",
    hint="Fetch the official data again ('tinybench data verify' names what differs) and measure again.",
)
PERFORMANCE_ONLY: Final = rule(
    "TB208",
    "performance-only",
    "note",
    title="The result says nothing of accuracy",
    why="""A reference model was simulated on golden vectors, which have no labels. Its outputs equal those
    of TensorFlow Lite Micro bit for bit, so that what was timed is the whole model and nothing else;
    anybody can execute it again without a data set. An accuracy would need the official split. The
    leaderboard shows such a result without an accuracy, and it meets no target. That is for reference
    models in the closed division alone: what a model of one's own gets right is not known otherwise.""",
    hint="Measure on the official split to publish an accuracy, too ('tinybench data fetch').",
)

_MLPERF_SET: Final = re.compile(r"mlperf-(\d{1,6})")
"""An accuracy set of MLPerf Tiny, with the number of its samples."""


def check_model(entry: Entry, submission: Submission) -> Iterator[Finding]:
    """The model against the reference models of this project."""
    result = entry.result
    known = reference(result)
    if known is None:
        stated, own = result.model.sha256 is not None, result.source is None
        if submission.system.division == "closed" and (stated or own):
            what = "is of no reference model" if stated else "is not given"
            yield NOT_REFERENCE.found(f"{entry.where}: model.sha256", what)
        elif own and result.model.name in _names():
            yield MODEL_FACTS.found(
                f"{entry.where}: model.name",
                f"'{result.model.name}' is a reference model with another SHA-256",
            )
        return
    if known.task != result.task.id:
        yield OTHER_TASK.found(
            f"{entry.where}: model", f"{known.id} is for {known.task}, not for {result.task.id}"
        )
    for key, there, here in (
        ("macs", result.model.macs, known.macs),
        ("parameters", result.model.parameters, known.parameters),
    ):
        if there is not None and there != here:
            yield MODEL_FACTS.found(f"{entry.where}: model.{key}", f"{there:,}, but {known.id} has {here:,}")


def reference(result: Result) -> ModelSpec | None:
    """The reference model of a result, by its SHA-256."""
    found = (spec for spec in specs.models().values() if spec.sha256 == result.model.sha256)
    return next(found, None)


def _names() -> set[str]:
    """What results call the reference models: by id, or as their files."""
    return {name for spec in specs.models().values() for name in (spec.id, spec.path.stem)}


def check_task(entry: Entry, submission: Submission) -> Iterator[Finding]:
    """Task and data set, and whether the result may be published."""
    result, published = entry.result, entry.result.source is not None
    task = specs.tasks().get(result.task.id)
    if task is None:
        if not published:
            yield UNKNOWN_TASK.found(f"{entry.where}: task.id", f"'{result.task.id}'")
        return
    yield from _task_facts(entry, task)
    yield from _data_set(entry, task)
    if result.performance_only and submission.system.division == "closed":
        yield PERFORMANCE_ONLY.found(entry.where, "latency, energy and memory alone")
    elif not published:
        name = accuracy_metric(task)
        reasons = reasons_not_to_publish(result.data, result.metric(name), result.model.sha256)
        for reason in dict.fromkeys((*reasons, *result.not_publishable_because)):
            yield NOT_PUBLISHABLE.found(entry.where, reason)


def _task_facts(entry: Entry, task: TaskSpec) -> Iterator[Finding]:
    result = entry.result
    if result.task.version != task.version and not (result.task.version is None and result.source):
        yield TASK_FACTS.found(
            f"{entry.where}: task.version", f"{result.task.version}, but {task.id} is at {task.version}"
        )
    for metric in result.metrics:
        if metric.name not in (accuracy_metric(task), *DEVICE_METRICS, *BESIDE_METRICS) and not result.source:
            yield TASK_FACTS.found(
                f"{entry.where}: {metric.name}", f"the metric of {task.id} is {accuracy_metric(task)}"
            )


def _data_set(entry: Entry, task: TaskSpec) -> Iterator[Finding]:
    result, data = entry.result, entry.result.data
    named = _MLPERF_SET.fullmatch(data.split)
    if data.split == "official":
        split = task.splits.official
        if data.dataset != task.dataset.id:
            yield DATA_SET.found(
                f"{entry.where}: data.dataset", f"'{data.dataset}', but {task.id} has '{task.dataset.id}'"
            )
        known = task.dataset.subsets[split.subset].sha256 if split.names is None else None
        if known is not None and data.dataset_sha256 != known:
            yield DATA_SET.found(
                f"{entry.where}: data.dataset_sha256", f"is not that of {task.dataset.id}, {split.subset}"
            )
        samples = split.samples if data.limit is None else None
    else:
        samples = int(named[1]) if named else None
        benchmark = BENCHMARKS.get(task.id)
        if result.source is None and named and (benchmark is None or samples != benchmark.samples):
            yield DATA_SET.found(
                f"{entry.where}: data.split", f"'{data.split}' is no accuracy set of {task.id}"
            )
    if data.samples is None and result.source is None:
        yield DATA_SET.found(f"{entry.where}: data.samples", "is not given")
    if samples is not None and data.samples is not None and data.samples != samples:
        yield DATA_SET.found(
            f"{entry.where}: data.samples", f"{data.samples:,}, but the split '{data.split}' has {samples:,}"
        )
