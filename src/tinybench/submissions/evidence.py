"""Reading the evidence of a submission."""

from __future__ import annotations

import gzip
import io
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

from tinybench.errors import DataError
from tinybench.files.guarded import Folder
from tinybench.files.gunzip import gunzip
from tinybench.submissions import layout
from tinybench.submissions.entry import Opener
from tinybench.submissions.scanning import Inventory

if TYPE_CHECKING:
    from typing_extensions import Buffer

_PACK_FROM: Final = 256 * layout.KIB
"""Text evidence of this size or more is kept gzip-compressed."""
_TEXT: Final = (".txt", ".log", ".csv", ".json", ".async")


def stored(result_id: str, name: str, data: bytes) -> tuple[str, bytes] | None:
    """How an evidence file is kept: path below the submission and bytes; large texts are compressed.

    None if a submission cannot hold it: it is no data, or too large.
    """
    path = layout.evidence_path(result_id, name)
    if len(data) > layout.MAX_UNPACKED:
        return None
    if len(data) >= _PACK_FROM and Path(name).suffix in _TEXT:
        path, data = f"{path}.gz", gzip.compress(data, mtime=0)
    kind = layout.kind_of(path)
    return None if kind is None or len(data) > kind.max_bytes else (path, data)


def evidence_openers(path: Path, inventory: Inventory, result_id: str) -> dict[str, Opener]:
    """How to open the evidence files of one result: name, without .gz -> opener.

    Args:
        path: the folder of the submission; it is opened again by each opener.
        inventory: what may be read there.
        result_id: which result.
    """
    found = inventory.evidence(result_id)
    return {layout.unpacked_name(name): partial(_opened, path, relative) for name, relative in found.items()}


@contextmanager
def _opened(path: Path, relative: str) -> Iterator[BinaryIO]:
    with Folder.open(path) as folder, io.BufferedReader(_Blocks(evidence_blocks(folder, relative))) as stream:
        yield stream


def evidence_blocks(folder: Folder, path: str) -> Iterator[bytes]:
    """What an evidence file holds, block by block, unpacked if its name ends in .gz: at most 128 MiB.

    Raises:
        DataError: it is missing, no evidence file, too large, damaged, or changes while it is read.
    """
    kind = layout.kind_of(path)
    if kind is None or kind.name != "evidence":
        raise DataError(f"{path}: not a place for an evidence file")
    blocks = folder.blocks(path, kind.max_bytes)
    if kind.content == "gzip":
        return gunzip(blocks, path, max_bytes=layout.MAX_UNPACKED, max_ratio=layout.MAX_RATIO)
    return blocks


class _Blocks(io.RawIOBase):
    """Blocks of bytes as a stream, read once from the start."""

    def __init__(self, blocks: Iterator[bytes]) -> None:
        self._blocks = blocks
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Buffer, /) -> int:
        while not self._rest:
            block = next(self._blocks, None)
            if block is None:
                return 0
            self._rest = memoryview(block)
        target = memoryview(buffer).cast("B")
        count = min(len(target), len(self._rest))
        target[:count], self._rest = self._rest[:count], self._rest[count:]
        return count
