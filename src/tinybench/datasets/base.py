"""What the data sets give to those who measure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Sample:
    """One labelled sample, as it lies on disk."""

    name: str
    """Unique in its split: ``yes/0a1b_nohash_0.wav``, ``test_batch/emu_s_002009``."""
    file: str
    """The file that holds it, relative to the root of the split; several samples may share one."""
    label: int
    """Index into the labels of the task."""
    group: str = ""
    """What figures are also given for apart: the machine of a recording. Empty if there is no such thing."""


@dataclass(frozen=True)
class Samples:
    """Labelled, preprocessed and quantised inputs of one split.

    ``inputs`` is int8 of shape (n, k, *input_shape): n samples that are k inferences each (1, but for sliding
    windows over a recording). ``labels`` is int64 of shape (n,), or None for golden vectors, which have none.
    ``names`` identifies each sample within its split, and ``groups`` says what it belongs to (or is empty).
    """

    split: str
    dataset: str
    dataset_sha256: str
    inputs: NDArray[np.int8]
    names: tuple[str, ...]
    labels: NDArray[np.int64] | None
    groups: tuple[str, ...] = ()
    features: NDArray[np.float32] | None = None
    """What ``inputs`` was quantised from, in the same shape, where the metric needs it."""
    expected: NDArray[np.int8] | None = None
    """Outputs that this very model must give, (n, output elements): golden vectors only."""

    @property
    def inferences(self) -> NDArray[np.int8]:
        """Every input, one after the other: int8 (n * k, *input_shape)."""
        count, each, *shape = self.inputs.shape
        return self.inputs.reshape(count * each, *shape)


class FrontEnd(Protocol):
    """What the module ``tinybench.datasets.<task id>`` provides (with ``_`` for ``-`` in the id).

    A task that is not built in has an entry point of the group ``tinybench.tasks``, named as the task, which
    leads to a module or object with all of this and ``interface = 1``.
    """

    interface: int
    """Version of this protocol that it was made for, as a plain number: 1."""
    LABELS: tuple[str, ...]
    """Equal to the task's ``labels``."""

    def scan(self, root: Path) -> list[Sample]:
        """Every sample below a folder, in the official layout or in folders of labels.

        Raises:
            DataError: a file or folder is not what it should be; the message names it.
        """
        ...

    def load(self, root: Path, samples: Sequence[Sample]) -> NDArray[Any]:
        """Decode samples, which ``scan`` found below ``root``: shape (n, ...)."""
        ...

    def features(self, raw: NDArray[Any]) -> NDArray[np.float32]:
        """Preprocess what ``load`` gave: per sample, as many values as one or several inputs have."""
        ...

    def stimuli(self) -> dict[str, NDArray[Any]]:
        """Sixteen made inputs by name, each as one of what ``load`` gives; for golden vectors."""
        ...

    def quantize(self, values: NDArray[np.float32], scale: float, zero_point: int) -> NDArray[np.int8]:
        """Features to int8 with the scale and zero point of the model's input."""
        ...
