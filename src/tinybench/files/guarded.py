"""Reading below a folder that somebody else filled.

Every part of a path is opened by itself, relative to the folder before it and without following a link
(``openat`` with ``O_NOFOLLOW``), so that nothing outside the folder is ever read, whatever changes meanwhile.
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tinybench.errors import DataError
from tinybench.quantities import size

_BLOCK: Final = 256 * 1024
_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# Without O_NONBLOCK a named pipe would be waited for before anybody can see that it is one.
_FILE: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class Folder:
    """An open folder, and the regular files below it."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self._descriptor = descriptor

    @classmethod
    @contextmanager
    def open(cls, path: Path) -> Iterator[Folder]:
        """Open a folder; ``path`` itself may lead through links, because the user chose it.

        Raises:
            DataError: it is missing, no folder, or cannot be read.
        """
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as error:
            raise DataError(f"{path}: {_reason(error)}", hint="give a folder that can be read") from None
        try:
            yield cls(path, descriptor)
        finally:
            os.close(descriptor)

    def entries(self, below: str = "") -> Iterator[tuple[str, os.stat_result]]:
        """Name and ``lstat`` of what lies in the folder ``below``, in no order, one by one.

        A name that is not UTF-8 has surrogate escapes. What vanishes meanwhile is left out.

        Raises:
            DataError: the folder is missing, a link, or cannot be read.
        """
        descriptor = self._open_folder(below)
        try:
            with os.scandir(descriptor) as found:
                for entry in found:
                    try:
                        facts = entry.stat(follow_symlinks=False)
                    except FileNotFoundError:
                        continue
                    yield entry.name, facts
        except OSError as error:
            raise DataError(f"{below or self.path}: {_reason(error)}") from None
        finally:
            os.close(descriptor)

    def blocks(self, relative: str, max_bytes: int) -> Iterator[bytes]:
        """The content of a regular file, block by block.

        Raises:
            DataError: it is missing, a link, no regular file, has more than ``max_bytes`` bytes, cannot be
                read, or changes while it is read.
        """
        descriptor = self._open_file(relative)
        try:
            before = os.fstat(descriptor)
            if not stat.S_ISREG(before.st_mode):
                raise DataError(f"{relative}: not a regular file")
            if before.st_size > max_bytes:
                raise DataError(f"{relative}: has {size(before.st_size)}, more than {size(max_bytes)}")
            done = 0
            while block := os.read(descriptor, _BLOCK):
                done += len(block)
                if done > before.st_size:
                    break
                yield block
            after = os.fstat(descriptor)
            if done != before.st_size or after.st_mtime_ns != before.st_mtime_ns:
                raise DataError(f"{relative}: changed while it was read", hint="wait until it is complete")
        except OSError as error:
            raise DataError(f"{relative}: {_reason(error)}") from None
        finally:
            os.close(descriptor)

    def read(self, relative: str, max_bytes: int) -> bytes:
        """The whole content of a regular file; errors as of :meth:`blocks`."""
        return b"".join(self.blocks(relative, max_bytes))

    def head(self, relative: str, count: int) -> bytes:
        """The first ``count`` bytes of a regular file of any size, or fewer if it has fewer.

        Raises:
            DataError: it is missing, a link, no regular file, or cannot be read.
        """
        descriptor = self._open_file(relative)
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise DataError(f"{relative}: not a regular file")
            return os.read(descriptor, count)
        except OSError as error:
            raise DataError(f"{relative}: {_reason(error)}") from None
        finally:
            os.close(descriptor)

    def sha256(self, relative: str, max_bytes: int) -> tuple[int, str]:
        """Size in bytes and SHA-256 (hex) of a regular file; errors as of :meth:`blocks`."""
        digest, count = hashlib.sha256(), 0
        for block in self.blocks(relative, max_bytes):
            digest.update(block)
            count += len(block)
        return count, digest.hexdigest()

    def _open_file(self, relative: str) -> int:
        folder, _, name = relative.rpartition("/")
        _require_part(name, relative)
        parent = self._open_folder(folder)
        try:
            return os.open(name, _FILE, dir_fd=parent)
        except (OSError, ValueError) as error:
            raise DataError(f"{relative}: {_reason(error)}") from None
        finally:
            os.close(parent)

    def _open_folder(self, relative: str) -> int:
        descriptor = os.dup(self._descriptor)
        for part in relative.split("/") if relative else ():
            try:
                _require_part(part, relative)
                deeper = os.open(part, _FOLDER, dir_fd=descriptor)
            except (OSError, ValueError) as error:
                raise DataError(f"{relative}: {_reason(error)}") from None
            finally:
                os.close(descriptor)
            descriptor = deeper
        return descriptor


def _require_part(part: str, relative: str) -> None:
    if part in ("", ".", "..") or "/" in part:
        raise DataError(f"{relative!a}: not a path below the folder")


def _reason(error: OSError | ValueError) -> str:
    if isinstance(error, ValueError):  # an embedded NUL
        return "not a path of this file system"
    if error.errno == errno.ELOOP:
        return "a symbolic link, which is not followed"
    return (error.strerror or str(error)).lower()
