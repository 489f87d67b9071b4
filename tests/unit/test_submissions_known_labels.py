"""Classes of images: from their data set where it is present, else from nowhere."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cifar_fixtures as cifar
import numpy as np
import pytest

from tinybench import specs
from tinybench.datasets import store
from tinybench.datasets.importing import import_path
from tinybench.submissions.known_labels import labels_here

NAMES = [f"thing_s_{number:06d}.png" for number in range(20)]
CLASSES = [number % 10 for number in range(20)]


@pytest.fixture
def task(monkeypatch: pytest.MonkeyPatch) -> Iterator[specs.TaskSpec]:
    """Image classification with a data set of any bytes."""
    known = specs.task("ic")
    subset = known.dataset.subsets["test"].model_copy(update={"sha256": None})
    dataset = known.dataset.model_copy(update={"subsets": {"test": subset}})
    open_task = known.model_copy(update={"dataset": dataset})
    monkeypatch.setattr(specs, "tasks", lambda: {"ic": open_task})
    labels_here.cache_clear()
    yield open_task
    labels_here.cache_clear()


def present(task: specs.TaskSpec, folder: Path) -> None:
    pictures = np.zeros((20, 32, 32, 3), np.uint8)
    cifar.write_cifar(folder / "cifar-10-batches-py", pictures, CLASSES, NAMES)
    import_path(task.dataset, "test", folder)


def test_the_classes_are_those_of_the_data_set(
    task: specs.TaskSpec, data_cache: Path, tmp_path: Path
) -> None:
    present(task, tmp_path / "source")
    labels = labels_here("ic")
    assert len(labels) == 40
    assert labels["test_batch/thing_s_000013"] == labels["thing_s_000013.bin"] == 3


def test_without_the_data_set_nobody_knows_them(task: specs.TaskSpec, data_cache: Path) -> None:
    assert labels_here("ic") == {}


def test_a_data_set_that_was_changed_is_not_trusted(
    task: specs.TaskSpec, data_cache: Path, tmp_path: Path
) -> None:
    present(task, tmp_path / "source")
    batch = store.files_dir(task.dataset, "test") / "test_batch"
    batch.write_bytes(batch.read_bytes().replace(b"thing", b"other"))
    assert labels_here("ic") == {}


@pytest.mark.parametrize("task_id", ["kws", "vww", "ad", "no-such-task"])
def test_other_tasks_need_none(task_id: str) -> None:
    assert labels_here(task_id) == {}
