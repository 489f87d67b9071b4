"""What the data sets give to those who measure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Samples:
    """Labelled, preprocessed and quantised inputs of one split.

    ``inputs`` is int8 of shape (n, *input_shape); ``labels`` is int64 of shape (n,); ``names`` identifies
    each sample within its split.
    """

    split: str
    dataset: str
    dataset_sha256: str
    inputs: NDArray[np.int8]
    labels: NDArray[np.int64]
    names: tuple[str, ...]
