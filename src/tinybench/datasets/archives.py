"""Unpacking .tar.gz files that nobody here has packed.

Nothing is written outside the target folder; links, devices and sparse files are refused; and what an
archive may unpack to is limited in bytes and in members.
"""

from __future__ import annotations

import gzip
import shutil
import tarfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, cast

from tinybench.datasets.disk import writing
from tinybench.errors import DataError
from tinybench.progress import Progress, silent
from tinybench.quantities import size

_MAX_RATIO = 20
"""Audio packs about 1.5 to 1; gzip can reach 1000 to 1."""
_MIN_BYTES = 64 * 1024 * 1024
"""A small archive may unpack to this much whatever its ratio."""
_COPY_BYTES = 256 * 1024


@dataclass(frozen=True)
class Limits:
    """What an archive may unpack to."""

    bytes: int
    members: int

    @classmethod
    def of(cls, archive: Path, clips: int) -> Limits:
        """Limits for an archive of ``clips`` files: twice as many (macOS can add one each) and some more."""
        return cls(max(_MIN_BYTES, _MAX_RATIO * archive.stat().st_size), 2 * clips + 1000)


def extract(
    archive: Path,
    into: Path,
    *,
    wanted: Callable[[PurePosixPath], bool],
    limits: Limits,
    progress: Progress = silent,
    total: int = 0,
) -> int:
    """Write the wanted regular files of a .tar.gz below ``into``, an empty folder, and return their number.

    Args:
        archive: the file to read.
        into: where to; the caller throws it away after an error or Ctrl-C.
        wanted: which paths to write, relative to the root of the archive; all members are checked.
        limits: what the archive may unpack to.
        progress: called as ``("unpack", files written, total)``.
        total: how many files are expected.

    Raises:
        DataError: the archive is broken, unsafe or too large.
        OutputError: the disk is full or cannot be written.
    """
    written = 0
    try:
        with gzip.open(archive, "rb") as stream:
            # As a stream ("r|") tarfile reads strictly forward, so that the byte limit sees every byte, also
            # those of headers, before they are held in memory.
            limited = _Limited(stream, archive, limits.bytes)
            with tarfile.open(fileobj=cast("IO[bytes]", limited), mode="r|") as tar:
                for number, member in enumerate(tar, start=1):
                    if number > limits.members:
                        raise _unsafe(archive, f"more than {limits.members} members")
                    path = _checked_path(archive, member)
                    if member.isdir() or not wanted(path):
                        continue
                    _write(tar, member, into / path, archive)
                    written += 1
                    progress("unpack", written, total)
            # gzip checks its CRC at the end, which tarfile does not read up to.
            while limited.read(_COPY_BYTES):
                pass
    except (tarfile.TarError, OSError, ValueError) as error:
        raise _broken(archive, error) from error
    return written


def unpacked_bytes(archive: Path) -> int:
    """About how many bytes the archive unpacks to: the size in the gzip trailer (RFC 1952), modulo 2^32."""
    with archive.open("rb") as handle:
        handle.seek(-4, 2)
        return int.from_bytes(handle.read(4), "little")


class _Limited:
    """A readable stream that stops a decompression bomb: it raises once ``limit`` bytes have been read."""

    def __init__(self, stream: IO[bytes] | gzip.GzipFile, archive: Path, limit: int) -> None:
        self._stream, self._archive, self._limit, self._done = stream, archive, limit, 0

    def read(self, count: int) -> bytes:
        try:
            block = self._stream.read(count)
        except (OSError, EOFError, zlib.error) as error:
            # Here and not further out, where the disk that is written to can fail as well.
            raise _broken(self._archive, error) from error
        self._done += len(block)
        if self._done > self._limit:
            raise _unsafe(self._archive, f"unpacks to more than {size(self._limit)}")
        return block


def _checked_path(archive: Path, member: tarfile.TarInfo) -> PurePosixPath:
    name = member.name
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\\" in name or any(ord(letter) < 32 for letter in name):
        raise _unsafe(archive, f"member {name!r} points outside or has a malformed name")
    if not (member.isdir() or member.isreg()) or member.issparse():
        raise _unsafe(archive, f"member {name!r} is a link, a device or a sparse file")
    return path


def _write(tar: tarfile.TarFile, member: tarfile.TarInfo, target: Path, archive: Path) -> None:
    source = tar.extractfile(member)
    if source is None:
        raise _unsafe(archive, f"member {member.name!r} has no content")
    with writing(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.exists():
            raise _unsafe(archive, f"member {member.name!r} is there twice")
        # Owner, mode and times of the archive are left out on purpose.
        with source, target.open("xb") as handle:
            shutil.copyfileobj(source, handle, _COPY_BYTES)


def _broken(archive: Path, error: Exception) -> DataError:
    return DataError(f"{archive}: cannot be unpacked ({error})", hint="download it again")


def _unsafe(archive: Path, reason: str) -> DataError:
    return DataError(f"{archive}: {reason}", hint="this is not the published archive; do not use it")
