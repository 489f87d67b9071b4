"""Labelled images in memory, for the vision recipes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinybench.datasets.base import Sample
from tinybench.errors import DataError

__all__ = ["ImageSet", "read_images", "read_mosaics"]

_HINT = "expected one image of square tiles per class, row by row"


@dataclass(frozen=True)
class ImageSet:
    """Images uint8 (n, height, width, 3), class indices (n,), and a name for each."""

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, chosen: NDArray[Any]) -> ImageSet:
        """Some of the images, by indices or a mask of shape (n,)."""
        names = tuple(np.array(self.names)[chosen].tolist())
        return ImageSet(self.images[chosen], self.labels[chosen], names)


def read_images(
    root: Path,
    samples: Sequence[Sample],
    load: Callable[[Path, Sequence[Sample]], NDArray[np.uint8]],
    prefix: str = "",
) -> ImageSet:
    """Decode samples, which a front end's ``scan`` found below ``root``, with its ``load``; names get a
    prefix.
    """
    labels = np.array([sample.label for sample in samples], dtype=np.int64)
    return ImageSet(load(root, samples), labels, tuple(f"{prefix}{sample.name}" for sample in samples))


def read_mosaics(folder: Path, part: str, labels: Sequence[str], side: int) -> ImageSet:
    """Cut class mosaics into their tiles: ``<part>_<label>.<suffix>``, one for each label, any image format.

    The name of a tile is that of its file and its number, from the top left row by row: ``train_cat.jpg#17``.

    Raises:
        DataError: a mosaic is missing, there twice, cannot be decoded, or is no grid of such tiles.
    """
    from PIL import Image

    parts, names = [], []
    for label in labels:
        files = sorted(folder.glob(f"{part}_{label}.*"))
        if len(files) != 1:
            raise DataError(f"{folder}: {len(files)} files {part}_{label}.*, expected one", hint=_HINT)
        (file,) = files
        try:
            with Image.open(file) as opened:
                pixels = np.asarray(opened.convert("RGB"))
        except OSError as error:
            raise DataError(f"{file}: cannot be decoded: {error}", hint=_HINT) from error
        height, width, channels = pixels.shape
        if height % side or width % side:
            raise DataError(f"{file}: {width} x {height} pixels are no tiles of {side}", hint=_HINT)
        grid = pixels.reshape(height // side, side, width // side, side, channels).swapaxes(1, 2)
        parts.append(grid.reshape(-1, side, side, channels))
        names += [f"{file.name}#{number}" for number in range(parts[-1].shape[0])]
    counts = [part.shape[0] for part in parts]
    return ImageSet(np.concatenate(parts), np.repeat(np.arange(len(labels)), counts), tuple(names))
