"""Where the samples of a split lie, what each is, and which bytes it must have."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tinybench.datasets import store
from tinybench.datasets.base import FrontEnd, Sample
from tinybench.datasets.names import read_names
from tinybench.datasets.verify import recorded
from tinybench.errors import ContentError, DataError, UnknownNameError
from tinybench.files import hashing
from tinybench.progress import Progress, silent

if TYPE_CHECKING:
    from tinybench.specs import SmokeSplit, TaskSpec

CUSTOM = "custom"
GOLDEN = "golden"


@dataclass(frozen=True)
class Located:
    """The samples of one split on this disk."""

    split: str
    dataset: str
    """Name of the data set."""
    root: Path
    samples: tuple[Sample, ...]
    digests: Mapping[str, str]
    """File -> SHA-256, of every file of the split."""


def split_names(task: TaskSpec) -> tuple[str, ...]:
    """What ``--split`` takes for a task."""
    smoke = () if task.splits.smoke is None else ("smoke",)
    return ("official", *smoke, *task.splits.named, GOLDEN)


def default_split(task: TaskSpec) -> str:
    """``official`` if its data is on this machine and complete, else ``smoke``, else ``golden``."""
    if store.status(task.dataset, task.splits.official.subset).state == "present":
        return "official"
    return GOLDEN if task.splits.smoke is None else "smoke"


def locate(task: TaskSpec, split: str, front_end: FrontEnd, progress: Progress = silent) -> Located:
    """Find the samples of a split and check the bytes of its files.

    Every file is hashed, so that what is measured is what the hash in the result says.

    Raises:
        UnknownNameError: there is no such split.
        DataError: the split is not on this machine, or not what was recorded.
    """
    of_subsets = task.splits.of_subsets
    if split in of_subsets:
        found = _of_subset(task, split, front_end)
        hint = "tinybench data verify names all such files, tinybench data fetch --force restores them"
    elif split == "smoke" and task.splits.smoke is not None:
        found = _smoke(task, task.splits.smoke)
        hint = "restore it from the repository, or install tinybench again"
    else:
        raise UnknownNameError("split", split, split_names(task))
    hashed = hashing.hash_files(found.root, sorted(found.digests), progress)
    for file, digest in hashed.items():
        if digest != found.digests[file]:
            raise DataError(f"{found.root / file}: is not the file that was recorded", hint=hint)
    return found


def locate_custom(task: TaskSpec, folder: Path, front_end: FrontEnd, progress: Progress = silent) -> Located:
    """Take a folder of the user's own as the split ``custom``.

    Raises:
        DataError: the folder is not labelled data for this task, or lacks a class.
    """
    samples = tuple(front_end.scan(folder))
    _check_classes(folder, samples, task.labels)
    digests = hashing.hash_files(folder, sorted({sample.file for sample in samples}), progress)
    return Located(CUSTOM, CUSTOM, folder, samples, digests)


def _check_classes(root: Path, samples: Sequence[Sample], labels: Sequence[str]) -> None:
    there = {sample.label for sample in samples}
    missing = [label for index, label in enumerate(labels) if index not in there]
    if missing:
        raise DataError(
            f"{root}: no sample of {len(missing)} of {len(labels)} classes: {', '.join(missing)}",
            hint="accuracy is over all classes of the task; add what is missing",
        )


def _of_subset(task: TaskSpec, name: str, front_end: FrontEnd) -> Located:
    split = task.splits.of_subsets[name]
    here = store.status(task.dataset, split.subset)
    if here.state != "present":
        other = "" if task.splits.smoke is None else ", or use the smoke split"
        raise DataError(
            f"the {name} split of {task.id} is not on this machine: {here.detail}",
            hint=f"tinybench data fetch {task.id} --subset {split.subset}{other}",
        )
    digests = recorded(task.dataset, split.subset)
    root = store.files_dir(task.dataset, split.subset)
    samples = front_end.scan(root)
    files = {sample.file for sample in samples}
    # A file need not hold samples to be part of the set: the names of the labels are in one of their own.
    odd = sorted(files - digests.keys()) or sorted(file for file in digests if not (root / file).is_file())
    if odd:
        raise DataError(
            f"{root}: {odd[0]} was added or removed",
            hint=f"tinybench data verify {task.id} --subset {split.subset}",
        )
    _check_classes(root, samples, task.labels)
    if split.names is not None:
        samples = _named(task.folder / split.names, samples)
        files = {sample.file for sample in samples}
        digests = {file: digest for file, digest in digests.items() if file in files}
    return Located(name, task.dataset.id, root, tuple(samples), digests)


def _named(path: Path, samples: Sequence[Sample]) -> list[Sample]:
    """The samples that a list names."""
    wanted = read_names(path)
    known = {sample.name: sample for sample in samples}
    for name in wanted:
        if name not in known:
            raise DataError(f"{path}: names {name}, which the data does not hold", hint="fetch it again")
    return [known[name] for name in sorted(wanted)]


def _smoke(task: TaskSpec, split: SmokeSplit) -> Located:
    root, path = task.folder / split.folder, task.folder / split.manifest
    samples: list[Sample] = []
    digests: dict[str, str] = {}
    try:
        with path.open(newline="", encoding="utf-8") as handle:
            for row in csv.DictReader(handle, strict=True):
                name = row["file"]
                if name in digests:
                    raise ContentError(f"{path}: {name} is there twice", hint="correct the manifest")
                samples.append(Sample(name, name, task.labels.index(row["label"])))
                digests[name] = row["sha256"]
    except KeyError as error:
        raise ContentError(f"{path}: has no column {error}", hint="correct the manifest") from error
    except (OSError, ValueError, csv.Error) as error:
        raise ContentError(f"{path}: {error}", hint="restore or correct the manifest") from error
    if not samples:
        raise ContentError(f"{path}: lists no sample", hint="restore or correct the manifest")
    return Located("smoke", f"{task.id}-smoke", root, tuple(samples), digests)
