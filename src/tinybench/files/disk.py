"""Writing to the cache: room, permissions and half-written files, as errors that say what to do."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tinybench.atomic import write_atomically
from tinybench.errors import OutputError
from tinybench.quantities import size

_ELSEWHERE = "set TINYBENCH_CACHE to a folder on a disk that can be written and has room"


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn an ``OSError`` of the block into an ``OutputError`` that names the file and the way out."""
    try:
        yield
    except OSError as error:
        where = error.filename or path
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            hint = f"free some space or {_ELSEWHERE}"
            raise OutputError(f"{where}: the disk is full", hint=hint) from error
        reason = error.strerror or str(error)
        raise OutputError(f"{where}: cannot be written ({reason.lower()})", hint=_ELSEWHERE) from error


def require_space(folder: Path, needed_bytes: int) -> None:
    """Check that the disk of ``folder`` (which may not exist yet) has ``needed_bytes`` free.

    Raises:
        OutputError: it has less, or cannot be asked.
    """
    existing = next(parent for parent in (folder, *folder.parents) if parent.exists())
    with writing(existing):
        free_bytes = shutil.disk_usage(existing).free
    if free_bytes < needed_bytes:
        raise OutputError(
            f"{existing}: {size(needed_bytes)} are needed but {size(free_bytes)} are free",
            hint=f"free some space or {_ELSEWHERE}",
        )


def write_whole(path: Path, text: str) -> None:
    """Write a small UTF-8 file so that it is there whole or not at all."""
    with writing(path):
        write_atomically(path, text.encode())


def copy_whole(source: Path, target: Path) -> None:
    """Give ``target`` the content of ``source``, whole or not at all.

    A copy and no link: what the user does with the original later must not reach the cache.
    """
    draft = target.with_name(target.name + ".tmp")
    with writing(target):
        try:
            shutil.copyfile(source, draft)
            draft.replace(target)
        finally:
            draft.unlink(missing_ok=True)


@contextmanager
def lock(path: Path, what: str) -> Iterator[None]:
    """Keep other processes from writing ``what``; the lock ends with the process at the latest.

    Raises:
        OutputError: another process holds it, or the cache cannot be written.
    """
    import fcntl

    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = path.open("a")
    with handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            hint = "wait until it is done, then try again"
            raise OutputError(f"{path}: another process is writing {what}", hint=hint) from error
        yield
