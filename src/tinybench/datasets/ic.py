"""Image classification: CIFAR-10 and the preprocessing of MLPerf Tiny, which is none: pixels from 0 to 255.

The official images lie in files that Python 2 has pickled. They are read without running anything that is in
them: an array is taken apart into its bytes, and every other object is refused.
"""

from __future__ import annotations

import functools
import pickle
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinybench.datasets.base import Sample
from tinybench.datasets.folders import scan_labelled
from tinybench.datasets.images import IMAGE_SUFFIXES, load_image, quantize
from tinybench.datasets.stimuli import images
from tinybench.errors import DataError

__all__ = ["IMAGE_SHAPE", "LABELS", "features", "load", "quantize", "scan", "stimuli"]

interface = 1
LABELS = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
"""Class order of CIFAR-10 (``label_names`` in its batches.meta): the index is that of the output."""

IMAGE_SHAPE = (32, 32, 3)
"""Rows, columns, and red, green, blue."""

_META = "batches.meta"
_BATCHES = (*(f"data_batch_{number}" for number in range(1, 6)), "test_batch")
_ROW_BYTES = 3072
"""1,024 red, then 1,024 green, then 1,024 blue pixels, row by row."""
_DAMAGED = "it is not the published file; fetch or import the data set again"


def scan(root: Path) -> list[Sample]:
    """List the images of the batches of CIFAR-10's python archive, or of a ``<label>/<file>`` tree.

    The name of an image in a batch is that of the batch and its own: ``test_batch/emu_s_002009``.

    Raises:
        DataError: a batch is damaged or belongs to other labels, see also
            :func:`tinybench.datasets.folders.scan_labelled`.
    """
    batches = [name for name in _BATCHES if (root / name).is_file()]
    if not batches and not (root / _META).exists():
        return scan_labelled(root, LABELS, IMAGE_SUFFIXES)
    if not batches:
        raise DataError(f"{root}: has {_META} but no batch", hint=f"expected {', '.join(_BATCHES)}")
    each = _check_meta(root / _META)
    samples = []
    for name in batches:
        batch = _read_batch(root / name)
        if len(batch.labels) != each:
            raise DataError(
                f"{root / name}: {len(batch.labels)} images, but {_META} says {each}", hint=_DAMAGED
            )
        pairs = zip(batch.names, batch.labels, strict=True)
        samples += [Sample(f"{name}/{image}", name, label) for image, label in pairs]
    return samples


def load(root: Path, samples: Sequence[Sample]) -> NDArray[np.uint8]:
    """Decode images, which have to be of 32 x 32 pixels: shape (n, 32, 32, 3), RGB.

    Raises:
        DataError: a batch is damaged, or see :func:`tinybench.datasets.images.load_image`.
    """
    return np.stack([_load_one(root, sample) for sample in samples])


def features(raw: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Pixels from 0 to 255, as float: shape (n, 32, 32, 3) to (n, 1, 32, 32, 3)."""
    return raw[:, None].astype(np.float32)


def stimuli() -> dict[str, NDArray[np.uint8]]:
    """Made images by name, shape (32, 32, 3) each, see :mod:`tinybench.datasets.stimuli`."""
    return images(IMAGE_SHAPE[0])


def _load_one(root: Path, sample: Sample) -> NDArray[np.uint8]:
    if sample.file not in _BATCHES:
        return load_image(root / sample.file, IMAGE_SHAPE[0])
    batch = _read_batch(root / sample.file)
    row: NDArray[np.uint8] = batch.rows[batch.names[sample.name.removeprefix(f"{sample.file}/")]]
    return row.reshape(3, 32, 32).transpose(1, 2, 0)


@dataclass(frozen=True)
class _Batch:
    """One file of 10,000 images."""

    names: Mapping[str, int]
    """Name of each image, without ``.png``, to its row."""
    labels: tuple[int, ...]
    rows: NDArray[np.uint8]
    """Shape (n, 3072)."""


def _read_batch(path: Path) -> _Batch:
    try:
        stat = path.stat()
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})", hint=_DAMAGED) from error
    return _parse_batch(path, stat.st_mtime_ns, stat.st_size)


# All of CIFAR-10 is 180 MB; a run takes its samples from all batches in turn.
@functools.lru_cache(maxsize=len(_BATCHES))
def _parse_batch(path: Path, _modified_ns: int, _bytes: int) -> _Batch:
    document = _unpickle(path)
    labels, names, data = (document.get(key) for key in (b"labels", b"filenames", b"data"))
    if not (isinstance(labels, list) and isinstance(names, list) and isinstance(data, _Array)):
        raise DataError(f"{path}: holds no labels, file names and pixels", hint=_DAMAGED)
    rows = data.rows(path)
    if not len(labels) == len(names) == len(rows):
        raise DataError(
            f"{path}: {len(labels)} labels, {len(names)} file names and {len(rows)} images", hint=_DAMAGED
        )
    wrong = next((label for label in labels if type(label) is not int or not 0 <= label < len(LABELS)), None)
    if wrong is not None:
        raise DataError(f"{path}: label {wrong!r} is none of 0 to {len(LABELS) - 1}", hint=_DAMAGED)
    stems = [_text(path, name).removesuffix(".png") for name in names]
    twice = [name for name, count in Counter(stems).items() if count > 1]
    if twice:
        raise DataError(f"{path}: {twice[0]} is there twice", hint=_DAMAGED)
    return _Batch({name: row for row, name in enumerate(stems)}, tuple(labels), rows)


def _check_meta(path: Path) -> int:
    """Check that the labels are those of the task, and return how many images a batch holds."""
    if not path.is_file():
        raise DataError(f"{path}: is missing; it names the labels", hint="copy it beside the batches")
    document = _unpickle(path)
    names, each = document.get(b"label_names"), document.get(b"num_cases_per_batch")
    if not isinstance(names, list) or type(each) is not int:
        raise DataError(f"{path}: holds no names of labels and number of images", hint=_DAMAGED)
    found = tuple(_text(path, name) for name in names)
    if found != LABELS:
        raise DataError(
            f"{path}: the labels are {', '.join(found)}; expected {', '.join(LABELS)}", hint=_DAMAGED
        )
    return each


def _text(path: Path, value: object) -> str:
    if not isinstance(value, bytes) or not value or not all(32 < byte < 127 for byte in value):
        raise DataError(f"{path}: {value!r:.60} is not a name", hint=_DAMAGED)
    return value.decode("ascii")


def _unpickle(path: Path) -> dict[object, object]:
    """Read a pickled dictionary of numbers, strings, lists and arrays of bytes; nothing in it is called.

    Raises:
        DataError: the file cannot be read, is damaged, or holds anything else.
    """
    try:
        with path.open("rb") as handle:
            document = _Reader(handle, encoding="bytes").load()
    except DataError:
        raise
    # What damaged bytes make of a pickle can be nearly any exception (Python library reference, pickle).
    except Exception as error:
        raise DataError(f"{path}: cannot be read ({error})", hint=_DAMAGED) from error
    if not isinstance(document, dict):
        raise DataError(f"{path}: holds no dictionary", hint=_DAMAGED)
    return document


class _Array:
    """Stands in for a NumPy array: keeps what was pickled, and makes nothing of it."""

    _state: object = None

    def __init__(self, *_: object) -> None:
        pass

    def __setstate__(self, state: object) -> None:
        self._state = state

    def rows(self, path: Path) -> NDArray[np.uint8]:
        """The images, shape (n, 3072)."""
        match self._state:
            # Version, shape, type, whether in Fortran order, and the bytes.
            case (1, (int(count), 3072), _Type(name=b"u1"), False | 0, bytes(data)) if (
                len(data) == count * _ROW_BYTES
            ):
                return np.frombuffer(data, np.uint8).reshape(count, _ROW_BYTES)
        raise DataError(f"{path}: the pixels are not rows of {_ROW_BYTES} bytes", hint=_DAMAGED)


class _Type:
    """Stands in for a NumPy dtype."""

    name: object = None

    def __init__(self, name: object = None, *_: object) -> None:
        self.name = name

    def __setstate__(self, state: object) -> None:
        pass


_STAND_INS = {
    ("numpy.core.multiarray", "_reconstruct"): _Array,
    ("numpy", "ndarray"): _Array,
    ("numpy", "dtype"): _Type,
}


class _Reader(pickle.Unpickler):
    """Knows three names; any other one in a file is an error."""

    def find_class(self, module: str, name: str) -> Any:
        try:
            return _STAND_INS[module, name]
        except KeyError:
            raise pickle.UnpicklingError(f"it wants to use {module}.{name}") from None

    def persistent_load(self, pid: object) -> Any:
        raise pickle.UnpicklingError("it refers to something outside")
