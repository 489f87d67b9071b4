"""The samples of a split: clips, checked by hash, through the task's front end, quantised for one model."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol, cast

from tinybench.datasets import hashing, store
from tinybench.datasets.base import Samples
from tinybench.datasets.verify import recorded
from tinybench.errors import ContentError, DataError, UnknownNameError, UsageError
from tinybench.progress import Progress, silent

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from tinybench.specs import TaskSpec

_BATCH_CLIPS = 256
_RESTORE = {
    "official": "tinybench data verify names all such clips, tinybench data fetch --force restores them",
    "smoke": "restore it from the repository, or install tinybench again",
}


class FrontEnd(Protocol):
    """What the module ``tinybench.datasets.<task id>`` provides (with ``_`` for ``-`` in the id)."""

    LABELS: tuple[str, ...]
    """Equal to the task's ``labels``."""

    def load_clip(self, path: Path) -> NDArray[np.float32]:
        """Decode one clip to the length that ``features`` takes."""
        ...

    def features(self, clips: NDArray[np.float32]) -> NDArray[np.float32]:
        """Preprocess: shape (n, samples) to (n, ...), per clip as many values as ``input_shape`` has."""
        ...

    def quantize(self, values: NDArray[np.float32], scale: float, zero_point: int) -> NDArray[np.int8]:
        """Features to int8 with the scale and zero point of the model's input."""
        ...

    def scan_folder(self, folder: Path) -> list[tuple[Path, int]]:
        """The clips of a folder of label folders, with the index of their label."""
        ...


def default_split(task: TaskSpec) -> Literal["official", "smoke"]:
    """``official`` if its data is on this machine and complete, else ``smoke``."""
    here = store.status(task.dataset, task.splits.official.subset).state == "present"
    return "official" if here else "smoke"


def load_samples(
    task: TaskSpec,
    split: str,
    *,
    scale: float,
    zero_point: int,
    limit: int | None = None,
    progress: Progress = silent,
) -> Samples:
    """Read, check, preprocess and quantise the clips of a split.

    The order is fixed: the clips of each label by path, and of these in turn the first of every label, the
    second of every label, and so on, so that any beginning of the list is balanced. ``limit`` takes from each
    label the same number (one more from the first labels where it does not divide; more from the others where
    a label runs out), at even distances over its clips: see :func:`select`.

    Every clip of the split is hashed, with or without ``limit``: ``dataset_sha256`` says what is on disk.

    Args:
        task: the task.
        split: ``official`` or ``smoke``.
        scale: of the model's input tensor.
        zero_point: of the model's input tensor.
        limit: how many samples to take at most; None for all.
        progress: called for hashing and, as ``("preprocess", clips done, clips)``, for the rest.

    Returns:
        ``inputs`` int8 (n, *input_shape), ``labels`` int64 (n,), ``names`` as ``<label>/<file>``.

    Raises:
        UnknownNameError: there is no such split.
        DataError: the split is not on this machine, or not what was recorded.
        ContentError: the task has no front end or one that does not fit it.
    """
    import numpy as np

    if limit is not None and limit < 1:
        raise UsageError(f"limit is {limit}; at least one sample is needed", hint="leave it out to take all")
    front_end = _front_end(task)
    if split == "official":
        dataset, root, labels, digests = _official(task, front_end)
    elif split == "smoke":
        dataset, root, labels, digests = _smoke(task)
    else:
        raise UnknownNameError("split", split, ("official", "smoke"))
    found = hashing.hash_files(root, sorted(digests), progress)
    changed = [name for name in found if found[name] != digests[name]]
    if changed:
        raise DataError(f"{root / changed[0]}: is not the clip that was recorded", hint=_RESTORE[split])

    names = select(labels, limit)
    inputs = np.empty((len(names), *task.input_shape), dtype=np.int8)
    for start in range(0, len(names), _BATCH_CLIPS):
        progress("preprocess", start, len(names))
        batch = names[start : start + _BATCH_CLIPS]
        values = front_end.features(np.stack([front_end.load_clip(root / name) for name in batch]))
        if values.size != len(batch) * int(np.prod(task.input_shape)):
            raise ContentError(
                f"task {task.id}: input_shape is {list(task.input_shape)}, "
                f"but the front end makes {list(values.shape[1:])}",
                hint="make them equal in task.toml and the module of the task",
            )
        quantised = front_end.quantize(values, scale, zero_point)
        inputs[start : start + len(batch)] = quantised.reshape(len(batch), *task.input_shape)
    progress("preprocess", len(names), len(names))
    return Samples(
        split=split,
        dataset=dataset,
        dataset_sha256=hashing.set_sha256(digests),
        inputs=inputs,
        labels=np.array([labels[name] for name in names], dtype=np.int64),
        names=tuple(names),
    )


def select(labels: dict[str, int], limit: int | None) -> list[str]:
    """Names in the fixed order, ``limit`` of them at most, balanced over the labels.

    With n clips of a label and q to take, it is those at floor((2 i + 1) n / (2 q)), i = 0 ... q - 1.

    Args:
        labels: name of each clip -> index of its label.
        limit: how many to take at most; None for all.
    """
    by_label: dict[int, list[str]] = {}
    for name in sorted(labels):
        by_label.setdefault(labels[name], []).append(name)
    groups = [by_label[label] for label in sorted(by_label)]
    quotas = _quotas([len(group) for group in groups], len(labels) if limit is None else limit)
    taken = [
        [group[(2 * i + 1) * len(group) // (2 * quota)] for i in range(quota)]
        for group, quota in zip(groups, quotas, strict=True)
    ]
    return [group[i] for i in range(max(quotas, default=0)) for group in taken if i < len(group)]


def _quotas(sizes: Sequence[int], limit: int) -> list[int]:
    """How many to take of each size: as equal as can be, ``min(limit, sum(sizes))`` together."""
    quotas, left = [0] * len(sizes), min(limit, sum(sizes))
    while left:
        open_labels = [i for i, size in enumerate(sizes) if quotas[i] < size]
        share = max(1, left // len(open_labels))
        for i in open_labels[:left]:
            more = min(share, sizes[i] - quotas[i])
            quotas[i] += more
            left -= more
    return quotas


_Split = tuple[str, Path, dict[str, int], dict[str, str]]
"""Name of the data set, folder, label of each clip, SHA-256 of each clip."""


def _official(task: TaskSpec, front_end: FrontEnd) -> _Split:
    subset = task.splits.official.subset
    here = store.status(task.dataset, subset)
    if here.state != "present":
        raise DataError(
            f"the official split of {task.id} is not on this machine: {here.detail}",
            hint=f"tinybench data fetch {task.id}, or use the smoke split",
        )
    digests = recorded(task.dataset, subset)
    root = store.clips_dir(task.dataset, subset)
    labels = {path.relative_to(root).as_posix(): label for path, label in front_end.scan_folder(root)}
    if labels.keys() != digests.keys():
        odd = min(labels.keys() ^ digests.keys())
        raise DataError(f"{root}: {odd} was added or removed", hint=f"tinybench data verify {task.id}")
    return task.dataset.id, root, labels, digests


def _smoke(task: TaskSpec) -> _Split:
    root, path = task.folder / task.splits.smoke.folder, task.folder / task.splits.smoke.manifest
    labels: dict[str, int] = {}
    digests: dict[str, str] = {}
    try:
        with path.open(newline="", encoding="utf-8") as handle:
            for row in csv.DictReader(handle, strict=True):
                name = row["file"]
                if name in labels:
                    raise ContentError(f"{path}: {name} is there twice", hint="correct the manifest")
                labels[name], digests[name] = task.labels.index(row["label"]), row["sha256"]
    except KeyError as error:
        raise ContentError(f"{path}: has no column {error}", hint="correct the manifest") from error
    except (OSError, ValueError, csv.Error) as error:
        raise ContentError(f"{path}: {error}", hint="restore or correct the manifest") from error
    if not labels:
        raise ContentError(f"{path}: lists no clip", hint="restore or correct the manifest")
    return f"{task.id}-smoke", root, labels, digests


def _front_end(task: TaskSpec) -> FrontEnd:
    name = f"tinybench.datasets.{task.id.replace('-', '_').replace('.', '_')}"
    hint = "a task has a module with LABELS, load_clip, features, quantize and scan_folder"
    try:
        module = import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        raise ContentError(f"task {task.id}: there is no module {name}", hint=hint) from error
    provided = ("LABELS", "load_clip", "features", "quantize", "scan_folder")
    lacking = [attribute for attribute in provided if not hasattr(module, attribute)]
    if lacking:
        raise ContentError(f"task {task.id}: module {name} lacks {', '.join(lacking)}", hint=hint)
    front_end = cast("FrontEnd", module)
    if task.labels != front_end.LABELS:
        raise ContentError(f"task {task.id}: labels differ from LABELS of {name}", hint="make them equal")
    return front_end
