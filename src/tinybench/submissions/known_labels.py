"""Classes of samples that only their data set knows."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Final

from tinybench import specs
from tinybench.datasets import splits, store
from tinybench.datasets.samples import front_end_of
from tinybench.errors import DataError

_NAMELESS: Final = frozenset({"ic"})
"""Tasks whose samples have names that say nothing, and are in no list with their classes."""


@cache
def labels_here(task_id: str) -> Mapping[str, int]:
    """Name of a sample -> class, for a task whose classes stand in its data set alone.

    Empty if the data set is not on this machine, or not what was recorded. A sample is there twice: as our
    own tables call it (``test_batch/emu_s_002009``) and as MLPerf Tiny's logs do (``emu_s_002009.bin``).
    """
    task = specs.tasks().get(task_id)
    if task is None or task_id not in _NAMELESS:
        return {}
    if store.status(task.dataset, task.splits.official.subset).state != "present":
        return {}
    try:
        samples = splits.locate(task, "official", front_end_of(task)).samples
    except DataError:
        return {}
    labels = {sample.name: sample.label for sample in samples}
    return labels | {f"{sample.name.rpartition('/')[2]}.bin": sample.label for sample in samples}
