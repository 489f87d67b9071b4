"""Visual wake words: images, and the preprocessing of MLPerf Tiny: pixels from 0 to 1."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tinybench.datasets.base import Sample
from tinybench.datasets.folders import scan_labelled
from tinybench.datasets.images import IMAGE_SUFFIXES, load_image, quantize
from tinybench.datasets.stimuli import images

__all__ = ["IMAGE_SHAPE", "LABELS", "features", "load", "quantize", "scan", "stimuli"]

interface = 1
LABELS = ("no_person", "person")
"""Class order of MLPerf Tiny, whose folders ``non_person`` and ``person`` are in alphabetical order."""

IMAGE_SHAPE = (96, 96, 3)
"""Rows, columns, and red, green, blue."""


def scan(root: Path) -> list[Sample]:
    """List the images of a ``<label>/<file>`` tree; ``non_person``, as MLPerf Tiny says, is ``no_person``.

    Raises:
        DataError: see :func:`tinybench.datasets.folders.scan_labelled`.
    """
    return scan_labelled(root, LABELS, IMAGE_SUFFIXES, {"non_person": "no_person"})


def load(root: Path, samples: Sequence[Sample]) -> NDArray[np.uint8]:
    """Decode images, which have to be of 96 x 96 pixels: shape (n, 96, 96, 3), RGB.

    Raises:
        DataError: see :func:`tinybench.datasets.images.load_image`.
    """
    return np.stack([load_image(root / sample.file, IMAGE_SHAPE[0]) for sample in samples])


def features(raw: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Pixels from 0 to 1: shape (n, 96, 96, 3) to (n, 1, 96, 96, 3)."""
    return raw[:, None].astype(np.float32) / np.float32(255)


def stimuli() -> dict[str, NDArray[np.uint8]]:
    """Made images by name, shape (96, 96, 3) each, see :mod:`tinybench.datasets.stimuli`."""
    return images(IMAGE_SHAPE[0])
