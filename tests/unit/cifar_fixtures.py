"""CIFAR-10 batches as Python 2 pickled them (protocol 2), opcode by opcode, made here."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

LABEL_NAMES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")


def string(text: bytes) -> bytes:
    """SHORT_BINSTRING or BINSTRING, the byte strings of Python 2."""
    if len(text) < 256:
        return b"U" + bytes([len(text)]) + text
    return b"T" + struct.pack("<i", len(text)) + text


def integer(value: int) -> bytes:
    return b"J" + struct.pack("<i", value)


def array(values: NDArray[np.uint8], kind: bytes = b"u1", rows: int | None = None) -> bytes:
    """What ``ndarray.__reduce__`` gave under Python 2."""
    shape = integer(len(values) if rows is None else rows) + integer(values.shape[1]) + b"\x86"
    dtype = b"cnumpy\ndtype\n" + string(kind) + integer(0) + integer(1) + b"\x87R"
    dtype += b"(" + integer(3) + string(b"|") + b"NNN" + integer(-1) + integer(-1) + integer(0) + b"tb"
    head = b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\n" + integer(0) + b"\x85" + string(b"b")
    return head + b"\x87R(" + integer(1) + shape + dtype + b"\x89" + string(values.tobytes()) + b"tb"


def listing(items: Sequence[bytes]) -> bytes:
    return b"](" + b"".join(items) + b"e"


def dictionary(items: dict[bytes, bytes]) -> bytes:
    return b"\x80\x02}(" + b"".join(string(key) + value for key, value in items.items()) + b"u."


def meta(each: int, labels: Sequence[str] = LABEL_NAMES) -> bytes:
    """``batches.meta``."""
    names = listing([string(label.encode()) for label in labels])
    return dictionary(
        {b"num_cases_per_batch": integer(each), b"label_names": names, b"num_vis": integer(3072)}
    )


def batch(rows: NDArray[np.uint8], labels: Sequence[int], names: Sequence[str], /, **changes: bytes) -> bytes:
    """``test_batch`` or ``data_batch_<n>``: rows of 3,072 bytes, labels, and file names."""
    items = {
        b"batch_label": string(b"testing batch 1 of 1"),
        b"labels": listing([integer(label) for label in labels]),
        b"data": array(rows),
        b"filenames": listing([string(name.encode()) for name in names]),
    }
    items |= {key.encode(): value for key, value in changes.items()}
    return dictionary({key: value for key, value in items.items() if value})


def write_cifar(folder: Path, images: NDArray[np.uint8], labels: Sequence[int], names: Sequence[str]) -> Path:
    """The two official files for ``images``, uint8 of shape (n, 32, 32, 3)."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = np.ascontiguousarray(images.transpose(0, 3, 1, 2)).reshape(len(images), 3072)
    (folder / "batches.meta").write_bytes(meta(len(images)))
    (folder / "test_batch").write_bytes(batch(rows, labels, names))
    return folder
