"""Which samples an accuracy has to be of: how many, which ones, and their classes as far as known here."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal

from tinybench import content, specs
from tinybench.datasets.names import read_names
from tinybench.mlperf_tiny.labels import label_of as mlperf_label
from tinybench.mlperf_tiny.tasks import BENCHMARKS
from tinybench.results.schema import Result

Style = Literal["csv", "log"]
"""Where the outputs stand: in a table of ``tinybench run``, or in the log of a runner of MLPerf Tiny."""

WINDOWS_PER_RECORDING: Final = 196
"""Of anomaly detection: 102,400 bytes in windows of 2,560 bytes every 512 bytes (y_labels.csv of ad01)."""

_KWS_NUMBER: Final = re.compile(r"tst_0*([0-9]+)_")
_AD_KIND: Final = re.compile(r"(?:.*/)?(normal|anomaly)_id_[0-9]+_[0-9]+\.[a-z]+")


@dataclass(frozen=True)
class AccuracySet:
    """A set of labelled samples."""

    title: str
    samples: int
    """How many it has."""
    label_of: Callable[[str], int | None]
    """Class of a sample by its name; None if that is not known here, or it is no sample of the set."""
    identity_of: Callable[[str], str | None]
    """What a sample is, however it is called; None if it is none of the set."""
    alternative: frozenset[str] = frozenset()
    """Some of its samples that may take the place of all."""


def accuracy_set(result: Result, style: Style, labels: Mapping[str, int] | None = None) -> AccuracySet | None:
    """The set that the accuracy of a result has to be of; None if none is defined: a part, or own data.

    Args:
        result: whose task, split and source say which.
        style: where its outputs stand.
        labels: name of a sample -> class, from a source that the caller trusts; of all samples, or empty.
    """
    task = specs.tasks().get(result.task.id)
    if task is None or result.data.limit is not None:
        return None
    if style == "csv":
        return _of_task(task, result, labels)
    benchmark = BENCHMARKS.get(task.id)
    if benchmark is None or benchmark.samples is None:
        return None
    # MLPerf Tiny's set may be the official split of the task, too, but is not so of all tasks.
    if result.data.split == "official" and task.splits.official.samples != benchmark.samples:
        return _of_task(task, result, labels)
    return _of_mlperf(task, benchmark.samples, result, labels)


def _of_mlperf(
    task: specs.TaskSpec, samples: int, result: Result, labels: Mapping[str, int] | None
) -> AccuracySet:
    names = None
    # v0.5 had another set for image classification, whose list is not here.
    if not (task.id == "ic" and result.source is not None and result.source.round == "v0.5"):
        names = _mlperf_names(task)

    known = labels.keys() if names is None and labels else names

    def label_of(name: str) -> int | None:
        label = mlperf_label(task.id, name)
        return (labels or {}).get(name) if label is None else label

    def identity_of(name: str) -> str | None:
        if task.id == "kws":
            number = _KWS_NUMBER.match(name)
            listed = number is not None and label_of(name) is not None and int(number[1]) < samples
            return number[1] if number and listed else None
        return name if known is None or name in known else None

    title = f"MLPerf Tiny's accuracy set {task.id}01"
    alternative = _ad_alternative() if task.id == "ad" and result.source is not None else frozenset()
    return AccuracySet(title, samples, label_of, identity_of, alternative)


def _mlperf_names(task: specs.TaskSpec) -> frozenset[str] | None:
    """What the logs of a runner call the samples; None where they are not listed."""
    folder = content.tasks_dir()
    if task.id == "vww":
        listed = read_names(folder / "vww" / "official.txt")
        return frozenset(name.rpartition("/")[2].replace(".jpg", ".bin") for name in listed)
    if task.id == "ic":
        listed = read_names(folder / "ic" / "mlperf-200.txt")
        return frozenset(f"{name.rpartition('/')[2]}.bin" for name in listed)
    if task.id == "ad":
        listed = read_names(folder / "ad" / "mlperf-248.txt")
        return frozenset(name.rpartition("/")[2].replace(".wav", "_hist_librosa.bin") for name in listed)
    return None


def _ad_alternative() -> frozenset[str]:
    """The 72 recordings of y_labels_alt.csv, which MLPerf Tiny takes since v1.2.

    There are nine of each kind and machine, numbered 3, 13, ... 83, but for four of them.
    """
    regular = {
        (kind, machine, number)
        for kind in ("normal", "anomaly")
        for machine in range(1, 5)
        for number in range(3, 93, 10)
    }
    left_out = {("normal", 4, 83), ("anomaly", 1, 83), ("anomaly", 2, 73), ("anomaly", 2, 83)}
    instead = {("normal", 4, 343), ("anomaly", 1, 93), ("anomaly", 2, 223), ("anomaly", 2, 93)}
    return frozenset(
        f"{kind}_id_{machine:02d}_{number:08d}_hist_librosa.bin"
        for kind, machine, number in regular - left_out | instead
    )


def _of_task(task: specs.TaskSpec, result: Result, labels: Mapping[str, int] | None) -> AccuracySet | None:
    split = task.splits.of_subsets.get(result.data.split)
    if split is None or split.samples is None:
        return None
    listed = split.names and task.folder / split.names
    subset = task.dataset.subsets[split.subset]
    if listed is None and subset.names is not None:
        listed = content.first(content.task_dirs(), subset.names)
    names = frozenset(read_names(listed)) if listed else None
    known = labels.keys() if names is None and labels else names

    def label_of(name: str) -> int | None:
        if labels is not None and name in labels:
            return labels[name]
        return _label_in_name(task, name)

    def identity_of(name: str) -> str | None:
        # Where no list of names is here, a name that tells no class is no sample's; images' tell none.
        listed = name in known if known is not None else task.id == "ic" or label_of(name) is not None
        return name if listed else None

    title = f"the {result.data.split} split of {task.id}"
    return AccuracySet(title, split.samples, label_of, identity_of)


def _label_in_name(task: specs.TaskSpec, name: str) -> int | None:
    """The class that the name of a sample says: by its folder, or as DCASE names recordings."""
    kind = _AD_KIND.fullmatch(name) if task.id == "ad" else None
    return _label_of_folder(task.labels, kind[1] if kind else name.partition("/")[0])


@lru_cache(maxsize=1024)
def _label_of_folder(labels: tuple[str, ...], folder: str) -> int | None:
    """Kept, as it is asked for several times for each sample of a split."""
    plain = folder.strip("_").replace("non_person", "no_person")
    return labels.index(plain) if plain in labels else None
