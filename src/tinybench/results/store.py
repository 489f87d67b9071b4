"""Writing and reading result files.

A result is published by its JSON: evidence is written first, the JSON last, each under a temporary name
that is renamed when its bytes are on the disk. A failure or Ctrl-C leaves what was there before.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from tinybench.errors import DataError, MismatchError, OutputError
from tinybench.results.migrations import migrate
from tinybench.results.schema import Evidence, Result, content_id

DEFAULT_FOLDER: Final = Path("results")

_MEDIA_TYPES: Final = {
    ".txt": "text/plain",
    ".log": "text/plain",
    ".csv": "text/csv",
    ".json": "application/json",
    ".c": "text/x-c",
    ".npy": "application/x-npy",
    ".npz": "application/x-npz",
    ".elf": "application/x-elf",
}


@dataclass(frozen=True)
class Destination:
    """Where a result will go: a folder, and a file name if the user chose one."""

    folder: Path
    file_name: str | None = None

    @classmethod
    def parse(cls, output: str | os.PathLike[str]) -> Destination:
        """Read ``--output``: a path that ends in .json is a file unless it is a folder; all else is a folder.

        Raises:
            OutputError: a file is where a folder should be.
        """
        path = Path(output).expanduser()
        if path.is_dir() or path.suffix != ".json":
            if path.exists() and not path.is_dir():
                raise OutputError(
                    f"{path} is a file, not a folder", hint="give a folder or a name that ends in .json"
                )
            return cls(path)
        return cls(path.parent, path.name)

    def path_for(self, result: Result) -> Path:
        """The file that ``result`` will be written to."""
        return self.folder / (self.file_name or file_name(result))

    def check(self) -> None:
        """Find out before a long run whether a file can be written there. Leaves nothing behind.

        Raises:
            OutputError: the folder is read-only, full, or cannot be made.
        """
        existing = self.folder.absolute()
        while not existing.exists() and existing != existing.parent:
            existing = existing.parent
        with _explained(self.folder):
            if not existing.is_dir():
                raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(existing))
            with tempfile.NamedTemporaryFile(dir=existing, prefix=".tinybench-") as probe:
                probe.write(b"\0" * 4096)
                probe.flush()
                os.fsync(probe.fileno())


def file_name(result: Result) -> str:
    """``<task>_<model>_<device>_<runner>_<id>.json``."""
    parts = (result.task.id, result.model.name, result.device.id, result.runner, result.id)
    return "_".join("".join(c if c.isalnum() or c in "-." else "-" for c in part) for part in parts) + ".json"


def evidence_folder(path: Path) -> Path:
    """The folder beside the result file ``path`` that holds its evidence."""
    return path.with_name(path.stem + ".evidence")


def describe_evidence(files: Mapping[str, bytes]) -> tuple[Evidence, ...]:
    """Name, size, SHA-256 and type of each evidence file, in alphabetical order."""
    return tuple(
        Evidence(
            name=name,
            bytes=len(data),
            sha256=hashlib.sha256(data).hexdigest(),
            media_type=_MEDIA_TYPES.get(Path(name).suffix, "application/octet-stream"),
        )
        for name, data in sorted(files.items())
    )


def write(result: Result, files: Mapping[str, bytes], destination: Destination) -> Result:
    """Write evidence and result; give back the result with its path.

    Raises:
        OutputError: a file cannot be written; what was there before is still there.
        MismatchError: ``files`` are not what the result says.
    """
    if describe_evidence(files) != result.evidence:
        raise MismatchError("the evidence files are not those that the result lists")
    path = destination.path_for(result)
    with _explained(destination.folder):
        destination.folder.mkdir(parents=True, exist_ok=True)
        data = result.to_json()
        with _evidence_in_place(evidence_folder(path), files, published=lambda: _holds(path, data)):
            _write_atomically(path, data)
        _sync_folder(destination.folder)
    return result.at(path)


def read(path: str | os.PathLike[str]) -> Result:
    """Read a result of any schema that was ever written.

    Raises:
        DataError: not readable, not a result, of an unknown schema, or changed since it was written.
    """
    path = Path(path)
    try:
        document = json.loads(path.read_bytes())
    except OSError as error:
        raise DataError(f"{path}: {error.strerror or error}") from None
    except ValueError as error:  # JSON and UTF-8 errors alike
        raise DataError(f"{path}: not JSON: {error}") from None
    written = migrate(document, str(path))
    try:
        result = Result.model_validate(written)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"]) or "(the whole file)"
        reason = first["msg"].removeprefix("Value error, ")
        raise DataError(f"{path}: {key}: {reason}", hint="measure again, or restore the file") from None
    expected = content_id(result.model_dump(mode="json", by_alias=True))
    if result.id != expected:
        raise DataError(
            f"{path}: id is {result.id}, but its content has {expected}",
            hint="the file was changed after it was written; measure again",
        )
    return result.at(path)


def verify(path: str | os.PathLike[str]) -> Result:
    """Read a result and compare its evidence files with their hashes.

    Raises:
        DataError: the result is broken, or an evidence file is missing.
        MismatchError: an evidence file is not what the result says.
    """
    path = Path(path)
    result = read(path)
    folder = evidence_folder(path)
    for item in result.evidence:
        try:
            data = (folder / item.name).read_bytes()
        except OSError as error:
            raise DataError(f"{folder / item.name}: {error.strerror or error}") from None
        if hashlib.sha256(data).hexdigest() != item.sha256:
            raise MismatchError(f"{folder / item.name}: its SHA-256 is not the one in {path.name}")
    return result


@contextmanager
def _explained(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        hint = "free some space" if error.errno == errno.ENOSPC else "choose another place with --output"
        raise OutputError(f"cannot write to {folder}: {reason.lower()}", hint=hint) from None


def _write_atomically(path: Path, data: bytes) -> None:
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem[:40]}-", suffix=".tmp")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as stream:
            _write_synced(stream.fileno(), data)
        temporary.chmod(0o644)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _holds(path: Path, data: bytes) -> bool:
    return path.is_file() and path.read_bytes() == data


@contextmanager
def _evidence_in_place(
    folder: Path, files: Mapping[str, bytes], published: Callable[[], bool]
) -> Iterator[None]:
    """Put the evidence folder in place for the body; put back what was there if the body did not publish."""
    staged = Path(tempfile.mkdtemp(dir=folder.parent, prefix=".evidence-"))
    new, old = staged / "new", staged / "old"
    try:
        new.mkdir()
        for name, data in sorted(files.items()):
            with (new / name).open("xb") as stream:
                _write_synced(stream.fileno(), data)
        try:
            if folder.exists():
                folder.rename(old)
            if files:
                new.rename(folder)
            yield
        except BaseException:
            if not published():
                if not new.exists():
                    folder.rename(new)
                if old.exists():
                    old.rename(folder)
            raise
    finally:
        shutil.rmtree(staged, ignore_errors=True)


def _write_synced(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
    os.fsync(descriptor)


def _sync_folder(folder: Path) -> None:
    with suppress(OSError):  # not every file system can sync a folder
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
