"""Unpacking .tar.gz and .zip files that nobody here has packed.

Nothing is written outside the target folder; links, devices, sparse and encrypted files are refused; and
what an archive may unpack to is limited in bytes and in members.
"""

from __future__ import annotations

import gzip
import shutil
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, cast

from tinybench.errors import DataError
from tinybench.files.disk import writing
from tinybench.progress import Progress, silent
from tinybench.quantities import size

_MAX_RATIO = 20
"""Audio packs about 1.5 to 1; deflate can reach 1000 to 1."""
_MIN_BYTES = 64 * 1024 * 1024
"""A small archive may unpack to this much whatever its ratio."""
_MAX_MEMBERS = 1_000_000
"""The largest archive of a data set has 109,621."""
_COPY_BYTES = 256 * 1024
_BROKEN = (tarfile.TarError, zipfile.BadZipFile, NotImplementedError, struct.error, OSError, ValueError)
"""What tarfile and zipfile raise on bytes that are none of theirs."""
_MAX_ENTRY = 512
"""Bytes of the directory of a .zip for one member, more than its name and times take."""
_ZIP_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ZIP_UNREADABLE = 0x61
"""General purpose bits 0, 5 and 6 (APPNOTE.TXT 6.3.10, 4.4.4): encrypted, patched, strongly encrypted."""


@dataclass(frozen=True)
class Limits:
    """What an archive may unpack to."""

    bytes: int
    members: int

    @classmethod
    def of(cls, archive: Path) -> Limits:
        """Limits for an archive of that size."""
        return cls(max(_MIN_BYTES, _MAX_RATIO * archive.stat().st_size), _MAX_MEMBERS)


@dataclass(frozen=True)
class _Member:
    """One entry of an archive of either kind."""

    name: str
    folder: bool
    open: Callable[[], IO[bytes]]


def extract(
    archive: Path,
    into: Path,
    *,
    place: Callable[[PurePosixPath], str | None],
    limits: Limits,
    progress: Progress = silent,
    total: int = 0,
) -> int:
    """Write some regular files of an archive below ``into``, an empty folder, and return their number.

    Args:
        archive: the file to read; one that ends in .zip is read as that, any other as .tar.gz.
        into: where to; the caller throws it away after an error or Ctrl-C.
        place: takes a path from the root of the archive and says which path below ``into`` it goes to, or
            None to leave it out; the names and kinds of all members are checked.
        limits: what the archive may unpack to.
        progress: called as ``("unpack", files written, total)``.
        total: how many files are expected.

    Raises:
        DataError: the archive is broken, unsafe or too large.
        OutputError: the disk is full or cannot be written.
    """
    written = 0
    members = _zip_members if _is_zip(archive) else _tar_members
    try:
        for number, member in enumerate(members(archive, limits), start=1):
            if number > limits.members:
                raise _unsafe(archive, f"more than {limits.members} members")
            path = _checked_path(archive, member.name)
            kept = None if member.folder else place(path)
            if kept is None:
                continue
            _write(member, into / kept, archive)
            written += 1
            progress("unpack", written, total)
    except _BROKEN as error:
        raise _broken(archive, error) from error
    return written


def unpacked_bytes(archive: Path) -> int:
    """About how many bytes the archive unpacks to.

    That is what the members of a .zip say, or the size in the gzip trailer (RFC 1952), modulo 2^32.

    Raises:
        DataError: it cannot be read.
    """
    try:
        if _is_zip(archive):
            with zipfile.ZipFile(archive) as unpacked:
                return sum(info.file_size for info in unpacked.infolist())
        with archive.open("rb") as handle:
            handle.seek(-4, 2)
            return int.from_bytes(handle.read(4), "little")
    except _BROKEN as error:
        raise _broken(archive, error) from error


def _is_zip(archive: Path) -> bool:
    return archive.suffix.lower() == ".zip"


def _tar_members(archive: Path, limits: Limits) -> Iterator[_Member]:
    with gzip.open(archive, "rb") as stream:
        # As a stream ("r|") tarfile reads strictly forward, so that the byte limit sees every byte, also
        # those of headers, before they are held in memory.
        limited = _Limited(stream, archive, limits.bytes)
        with tarfile.open(fileobj=cast("IO[bytes]", limited), mode="r|") as tar:
            for info in tar:
                if not (info.isdir() or info.isreg()) or info.issparse():
                    raise _unsafe(archive, f"member {info.name!r} is a link, a device or a sparse file")
                # A regular file has content, if only none at all.
                content = cast("Callable[[], IO[bytes]]", lambda info=info: tar.extractfile(info))
                yield _Member(info.name, info.isdir(), content)
        # gzip checks its CRC at the end, which tarfile does not read up to.
        while limited.read(_COPY_BYTES):
            pass


def _zip_members(archive: Path, limits: Limits) -> Iterator[_Member]:
    with (
        archive.open("rb") as handle,
        zipfile.ZipFile(cast("IO[bytes]", _Sparing(handle, archive, limits))) as unpacked,
    ):
        if sum(info.file_size for info in unpacked.infolist()) > limits.bytes:
            raise _unsafe(archive, f"unpacks to more than {size(limits.bytes)}")
        for info in unpacked.infolist():
            name, kind = info.orig_filename, stat.S_IFMT(info.external_attr >> 16)
            if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
                raise _unsafe(archive, f"member {name!r} is a link or a device")
            if info.flag_bits & _ZIP_UNREADABLE or info.compress_type not in _ZIP_METHODS:
                raise _unsafe(archive, f"member {name!r} is encrypted or packed in an unusual way")

            def content(info: zipfile.ZipInfo = info) -> IO[bytes]:
                return cast("IO[bytes]", _Limited(unpacked.open(info), archive, info.file_size))

            yield _Member(name, name.endswith("/"), content)


class _Sparing:
    """The file of a .zip, which refuses to read a directory of more members than are allowed.

    ``zipfile`` reads the whole directory with one call, and makes an object of 600 bytes of each member that
    has 47, before anybody can count them.
    """

    def __init__(self, stream: IO[bytes], archive: Path, limits: Limits) -> None:
        self._stream, self._archive, self._limits = stream, archive, limits
        self.seek, self.tell, self.seekable = stream.seek, stream.tell, stream.seekable

    def read(self, count: int = -1) -> bytes:
        if count > max(_COPY_BYTES, self._limits.members * _MAX_ENTRY):
            raise _unsafe(self._archive, f"more than {self._limits.members} members")
        return self._stream.read(count)


class _Limited:
    """A readable stream that stops a decompression bomb: it raises once ``limit`` bytes have been read."""

    def __init__(self, stream: IO[bytes] | gzip.GzipFile, archive: Path, limit: int) -> None:
        self._stream, self._archive, self._limit, self._done = stream, archive, limit, 0

    def read(self, count: int) -> bytes:
        try:
            block = self._stream.read(count)
        except (OSError, EOFError, zlib.error, zipfile.BadZipFile) as error:
            # Here and not further out, where the disk that is written to can fail as well.
            raise _broken(self._archive, error) from error
        self._done += len(block)
        if self._done > self._limit:
            raise _unsafe(self._archive, f"unpacks to more than {size(self._limit)}")
        return block

    def __enter__(self) -> _Limited:
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.close()


def _checked_path(archive: Path, name: str) -> PurePosixPath:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\\" in name or any(ord(letter) < 32 for letter in name):
        raise _unsafe(archive, f"member {name!r} points outside or has a malformed name")
    return path


def _write(member: _Member, target: Path, archive: Path) -> None:
    source = member.open()
    with writing(target):
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
        except (FileExistsError, NotADirectoryError):
            raise _unsafe(archive, f"member {member.name!r} lies in a file") from None
        if target.exists():
            raise _unsafe(archive, f"member {member.name!r} is there twice")
        # Owner, mode and times of the archive are left out on purpose.
        with source, target.open("xb") as handle:
            shutil.copyfileobj(source, handle, _COPY_BYTES)


def _broken(archive: Path, error: Exception) -> DataError:
    return DataError(f"{archive}: cannot be unpacked ({error})", hint="get it again from where it came from")


def _unsafe(archive: Path, reason: str) -> DataError:
    return DataError(f"{archive}: {reason}", hint="do not use it: no good archive does that")
