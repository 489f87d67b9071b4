"""The samples of a split: checked by hash, through the task's front end, quantised for one model."""

from __future__ import annotations

import math
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, cast

from tinybench.datasets import registry, splits
from tinybench.datasets.base import FrontEnd, Sample, Samples
from tinybench.errors import ContentError, ModelError, UsageError
from tinybench.files import hashing
from tinybench.progress import Progress, silent

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from tinybench.specs import TaskSpec

_BATCH_SAMPLES = 256
_MAX_CLIPPED = 0.25
"""Share of values outside of what the model's int8 input can say, above which its scale must be wrong."""
_MAX_SPANS = 8
"""How far the values may reach, in multiples of what the input can say: real outliers stay well below."""
_MIN_LEVELS = 16
"""Steps of the model's input between the smallest and the largest value, below which it must be wrong."""


def load_samples(
    task: TaskSpec,
    split: str,
    *,
    scale: float,
    zero_point: int,
    folder: Path | None = None,
    limit: int | None = None,
    progress: Progress = silent,
) -> Samples:
    """Read, check, preprocess and quantise the samples of a split.

    The order is fixed: the samples of each label by name, and of these in turn the first of every label, the
    second of every label, and so on, so that any beginning of the list is balanced. ``limit`` takes from each
    label the same number (one more from the first labels where it does not divide; more from the others where
    a label runs out), at even distances over its samples: see :func:`select`.

    Every file of the split is hashed, with or without ``limit``: ``dataset_sha256`` says what is on disk.

    Args:
        task: the task.
        split: ``official``, ``smoke``, a named split of the task, or ``custom``.
        scale: of the model's input tensor.
        zero_point: of the model's input tensor.
        folder: labelled data of the user's own: the split ``custom``.
        limit: how many samples to take at most; None for all.
        progress: called for hashing and, as ``("preprocess", samples done, samples)``, for the rest.

    Raises:
        UnknownNameError: there is no such split.
        DataError: the split is not on this machine, or not what was recorded.
        ContentError: the task has no front end or one that does not fit it.
        ModelError: the model's input scale does not fit the values that the task has.
    """
    import numpy as np

    if limit is not None and limit < 1:
        raise UsageError(f"limit is {limit}; at least one sample is needed", hint="leave it out to take all")
    front_end = front_end_of(task)
    if folder is None:
        located = splits.locate(task, split, front_end, progress)
    else:
        located = splits.locate_custom(task, folder, front_end, progress)

    taken = select(located.samples, limit)
    inputs: NDArray[np.int8] | None = None
    features: NDArray[np.float32] | None = None
    for start in range(0, len(taken), _BATCH_SAMPLES):
        progress("preprocess", start, len(taken))
        batch = taken[start : start + _BATCH_SAMPLES]
        values = front_end.features(front_end.load(located.root, batch))
        values = _as_inputs(task, values, len(batch))
        _check_range(task, values, scale, zero_point)
        quantised = front_end.quantize(values, scale, zero_point)
        if inputs is None:
            inputs = np.empty((len(taken), *values.shape[1:]), np.int8)
            features = np.empty(inputs.shape, np.float32) if task.metric == "auc" else None
        inputs[start : start + len(batch)] = quantised
        if features is not None:
            features[start : start + len(batch)] = values
    progress("preprocess", len(taken), len(taken))
    assert inputs is not None  # every split has a sample
    return Samples(
        split=located.split,
        dataset=located.dataset,
        dataset_sha256=hashing.set_sha256(located.digests),
        inputs=inputs,
        names=tuple(sample.name for sample in taken),
        labels=np.array([sample.label for sample in taken], dtype=np.int64),
        groups=tuple(sample.group for sample in taken) if any(sample.group for sample in taken) else (),
        features=features,
    )


def select(samples: Sequence[Sample], limit: int | None) -> list[Sample]:
    """Samples in the fixed order, ``limit`` of them at most, balanced over the labels.

    With n samples of a label and q to take, it is those at floor((2 i + 1) n / (2 q)), i = 0 ... q - 1.

    Args:
        samples: those of the split.
        limit: how many to take at most; None for all.
    """
    by_label: dict[int, list[Sample]] = {}
    for sample in sorted(samples, key=lambda sample: sample.name):
        by_label.setdefault(sample.label, []).append(sample)
    groups = [by_label[label] for label in sorted(by_label)]
    quotas = _quotas([len(group) for group in groups], len(samples) if limit is None else limit)
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


def _as_inputs(task: TaskSpec, values: NDArray[np.float32], count: int) -> NDArray[np.float32]:
    """What a front end made, as (samples, inferences of each, *input shape)."""
    each, rest = divmod(values.size, count * math.prod(task.input_shape))
    if rest or not each:
        raise ContentError(
            f"task {task.id}: input_shape is {list(task.input_shape)}, "
            f"but the front end makes {list(values.shape[1:])}",
            hint="make them equal in task.toml and the module of the task",
        )
    return values.reshape(count, each, *task.input_shape)


def _check_range(task: TaskSpec, values: NDArray[np.float32], scale: float, zero_point: int) -> None:
    """Refuse a model whose input says something else than the task's features.

    An int8 model trained on pixels from 0 to 1 runs on pixels from 0 to 255 without complaint, and is wrong.
    """
    low, high = scale * (-128 - zero_point), scale * (127 - zero_point)
    least, most = float(values.min()), float(values.max())
    clipped = float(((values < low - scale) | (values > high + scale)).mean())
    span = most - least
    if clipped > _MAX_CLIPPED or span > _MAX_SPANS * (high - low) or 0 < span < _MIN_LEVELS * scale:
        raise ModelError(
            f"the int8 input of the model stands for {low:.4g} to {high:.4g} in steps of {scale:.4g}, "
            f"but the inputs of task '{task.id}' go from {least:.4g} to {most:.4g}",
            hint="convert it with inputs that are preprocessed as the task card says",
        )


def front_end_of(task: TaskSpec) -> FrontEnd:
    """The module, or the plug-in, that decodes and preprocesses for a task.

    Raises:
        ContentError: there is none, it is broken, or it is not one of this task.
    """
    if task.id in registry.PLUGINS.names() and not registry.is_built_in(task.id):
        name, front_end = (
            f"its plug-in {registry.PLUGINS.entries[task.id].value}",
            registry.PLUGINS.get(task.id),
        )
    else:
        name, front_end = _built_in(task)
    if task.labels != front_end.LABELS:
        raise ContentError(f"task {task.id}: labels differ from LABELS of {name}", hint="make them equal")
    return front_end


def _built_in(task: TaskSpec) -> tuple[str, FrontEnd]:
    name = f"tinybench.datasets.{task.id.replace('-', '_').replace('.', '_')}"
    hint = f"a task has a module with {', '.join(registry.PARTS)}, or a plug-in of {registry.PLUGINS.group}"
    try:
        module = import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        raise ContentError(f"task {task.id}: there is no module {name}", hint=hint) from error
    lacking = [attribute for attribute in registry.PARTS if not hasattr(module, attribute)]
    if lacking:
        raise ContentError(f"task {task.id}: module {name} lacks {', '.join(lacking)}", hint=hint)
    return name, cast("FrontEnd", module)
