"""Reading the evidence of a submission."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import BinaryIO

from tinybench.errors import DataError
from tinybench.files.guarded import Folder
from tinybench.files.gunzip import gunzip
from tinybench.submissions import layout
from tinybench.submissions.entry import Opener
from tinybench.submissions.scanning import Inventory


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
    with Folder.open(path) as folder:
        data = read_evidence(folder, relative)
    yield io.BytesIO(data)


def read_evidence(folder: Folder, path: str) -> bytes:
    """What an evidence file holds, unpacked if its name ends in .gz: at most 64 MiB.

    Raises:
        DataError: it is missing, no evidence file, too large, damaged, or changes while it is read.
    """
    kind = layout.kind_of(path)
    if kind is None or kind.name != "evidence":
        raise DataError(f"{path}: not a place for an evidence file")
    if kind.content != "gzip":
        return folder.read(path, kind.max_bytes)
    packed = folder.blocks(path, kind.max_bytes)
    return b"".join(gunzip(packed, path, max_bytes=layout.MAX_UNPACKED, max_ratio=layout.MAX_RATIO))
