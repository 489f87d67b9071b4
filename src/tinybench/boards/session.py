"""What an unfinished run on a board has measured already, kept in the cache.

``boards/<key>/`` holds ``log.txt`` (the transcript), ``done.jsonl`` (a line of JSON for each window and each
inference that is done) and the traces of energy windows. The key covers what decides the outcome: task,
model, inputs, device and what was asked for. A line that is not whole is where an earlier run was stopped;
it is cut off, and the run goes on from there.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any, Final

from tinybench.atomic import write_atomically
from tinybench.boards.transcript import Transcript
from tinybench.cache import cache_dir
from tinybench.errors import BoardError, OutputError

_LOG: Final = "log.txt"
_DONE: Final = "done.jsonl"
_FREE: Final = "free the disk, or set TINYBENCH_CACHE, and run the same command: what was measured is kept"


class Session:
    """The folder of one run. Use it as ``with Session.opened(...) as session``."""

    def __init__(self, folder: Path, transcript: Transcript, stream: IO[bytes], records: list[Any]) -> None:
        self.folder = folder
        self.transcript = transcript
        self._stream = stream
        self._records = records

    @classmethod
    @contextmanager
    def opened(cls, decided_by: Mapping[str, Any], *, resume: bool) -> Iterator[Session]:
        """Go on with the run that these facts decide, or begin it.

        Raises:
            BoardError: another process is at it.
            OutputError: the cache cannot be written.
        """
        key = hashlib.sha256(json.dumps(decided_by, sort_keys=True).encode()).hexdigest()[:32]
        folder = cache_dir() / "boards" / key
        try:
            folder.mkdir(parents=True, exist_ok=True)
            stream = (folder / _DONE).open("a+b", buffering=0)
        except OSError as error:
            raise OutputError(f"cannot write {folder}: {error.strerror}", hint=_FREE) from None
        with stream:
            _lock(stream, folder)
            if not resume:
                for path in folder.iterdir():
                    if path.name != _DONE:
                        path.unlink()
                stream.truncate(0)
            records = _whole_records(stream)
            transcript = Transcript(folder / _LOG)
            try:
                yield cls(folder, transcript, stream, records)
            finally:
                transcript.close()

    def records(self, kind: str) -> dict[int, dict[str, Any]]:
        """What is done of one kind, by number; of what was done twice, the later."""
        return {record["number"]: record for record in self._records if record["kind"] == kind}

    def keep(self, kind: str, number: int, **found: Any) -> None:
        """Remember what was measured.

        Raises:
            OutputError: the disk is full.
        """
        record = {"kind": kind, "number": number, **found}
        line = json.dumps(record).encode() + b"\n"
        try:
            if self._stream.write(line) != len(line):
                raise OutputError(f"cannot write {self.folder}: no space left on device", hint=_FREE)
        except OSError as error:
            raise OutputError(f"cannot write {self.folder}: {error.strerror}", hint=_FREE) from None
        self._records.append(record)

    def keep_file(self, name: str, data: bytes) -> None:
        """Write a file beside the log, whole or not at all. Errors as in ``keep``."""
        try:
            write_atomically(self.folder / name, data)
        except OSError as error:
            raise OutputError(f"cannot write {self.folder / name}: {error.strerror}", hint=_FREE) from None

    def file(self, name: str) -> bytes | None:
        """A file that was kept; None if it is not there."""
        try:
            return (self.folder / name).read_bytes()
        except OSError:
            return None

    def log(self) -> bytes:
        """All of the transcript so far."""
        return (self.folder / _LOG).read_bytes()

    def remover(self) -> Callable[[], None]:
        """A function that removes the folder: for when the result is where it belongs."""
        folder = self.folder

        def remove() -> None:
            with suppress(OSError):
                shutil.rmtree(folder)

        return remove


def _lock(stream: IO[bytes], folder: Path) -> None:
    try:
        import fcntl
    except ImportError:  # pragma: no cover - not on Linux
        return
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        raise BoardError(
            f"{folder}: another tinybench is at this very run", hint="wait until it is done, or stop it"
        ) from None


def _whole_records(stream: IO[bytes]) -> list[Any]:
    """The records that are whole; what stands behind the last of them is cut off."""
    stream.seek(0)
    records, good = [], 0
    for line in stream.read().splitlines(keepends=True):
        try:
            record = json.loads(line)
            if not (
                line.endswith(b"\n") and isinstance(record["kind"], str) and type(record["number"]) is int
            ):
                break
        except (ValueError, LookupError, TypeError):
            break
        records.append(record)
        good += len(line)
    stream.truncate(good)
    stream.seek(0, 2)
    return records
