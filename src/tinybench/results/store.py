"""Writing and reading result files.

A result is published by its JSON: evidence and JSON are staged in a folder beside them, the evidence is
renamed into place first, the JSON last. A failure or Ctrl-C leaves what was there before. Only a result
replaces a result: no other file or folder is ever overwritten.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from tinybench.errors import ChangedResultError, DataError, InvalidResultError, MismatchError, OutputError
from tinybench.paths import expand
from tinybench.results.migrations import migrate
from tinybench.results.schema import Evidence, Result, content_id

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

_ELSEWHERE: Final = "choose another place with --output"
_MOVE_IT: Final = f"move it away, or {_ELSEWHERE}"


@dataclass(frozen=True)
class Destination:
    """Where a result will go: a folder, and a file name if the user chose one."""

    folder: Path
    file_name: str | None = None

    @classmethod
    def parse(cls, output: str | os.PathLike[str]) -> Destination:
        """Read ``--output``: a path that ends in .json is a file unless it is a folder; all else is a folder.

        Raises:
            OutputError: a file is where a folder should be, or there is no name.
            UsageError: it begins with ``~`` and a name that nobody has.
        """
        text = os.fspath(output)
        if not text.strip():
            raise OutputError(
                "the output has an empty name", hint="give a folder or a name that ends in .json"
            )
        path = expand(text, "--output")
        if path.is_dir():
            return cls(path)
        if path.name == ".json":
            raise OutputError(f"{path} has no name before .json", hint="give a name such as result.json")
        if path.suffix == ".json" and not text.endswith(os.sep):
            return cls(path.parent, path.name)
        if path.exists():
            raise OutputError(
                f"{path} is a file, not a folder", hint="give a folder or a name that ends in .json"
            )
        return cls(path)

    def path_for(self, result: Result) -> Path:
        """The file that ``result`` will be written to."""
        return self.folder / (self.file_name or file_name(result))

    def check(self) -> None:
        """Find out before a long run whether a file can be written there. Leaves nothing behind.

        Raises:
            OutputError: the folder is read-only, full, or cannot be made, or what is there is no result.
        """
        existing = self.folder.absolute()
        with _explained(self.folder):
            while not existing.exists() and existing != existing.parent:
                if existing.is_symlink():
                    raise OutputError(
                        f"{existing} is a symbolic link to {existing.readlink()}, which does not exist",
                        hint=_MOVE_IT,
                    )
                existing = existing.parent
            if not existing.is_dir():
                raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(existing))
            if self.file_name is not None:
                _require_replaceable(self.folder / self.file_name)
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

    Processes that write to the same folder wait for each other: the last one's result stays.

    Raises:
        OutputError: a file cannot be written, or something else is in its place; what was there before is
            still there.
        MismatchError: ``files`` are not what the result says.
    """
    if describe_evidence(files) != result.evidence:
        raise MismatchError("the evidence files are not those that the result lists")
    path = destination.path_for(result)
    with _explained(destination.folder):
        destination.folder.mkdir(parents=True, exist_ok=True)
        with _locked(destination.folder):
            in_place = _holds(evidence_folder(path), files)
            _require_replaceable(path, evidence=not in_place)
            _publish(path, result.to_json(), None if in_place else files)
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
    return parse(document, str(path)).at(path)


def parse(document: object, source: str) -> Result:
    """The result that a JSON document of any schema holds.

    Args:
        document: parsed JSON; it is not changed.
        source: named in errors, usually the path of the file.

    Raises:
        InvalidResultError: not a result, or of an unknown schema; it names everything that is wrong.
        ChangedResultError: changed since it was written.
    """
    try:
        result = Result.model_validate(migrate(document, source))
    except ValidationError as error:
        raise InvalidResultError(source, problems(error)) from None
    # The id is that of the document as it was written, whatever its schema: it never changes.
    assert isinstance(document, dict)
    expected = content_id(document)
    if result.id != expected:
        raise ChangedResultError(
            f"{source}: id is {result.id}, but its content has {expected}",
            hint="the file was changed after it was written; measure again",
        )
    return result


def problems(error: ValidationError) -> list[str]:
    """Everything that a document breaks of its schema, each as ``key: reason``."""
    found = []
    for problem in error.errors(include_url=False, include_context=False, include_input=False):
        key = ".".join(str(part) for part in problem["loc"]) or "(the whole file)"
        found.append(f"{key}: {problem['msg'].removeprefix('Value error, ')}")
    return found


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
        hint = "free some space" if error.errno == errno.ENOSPC else _ELSEWHERE
        raise OutputError(f"cannot write to {folder}: {reason.lower()}", hint=hint) from None


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Keep other processes from writing to the folder; the lock ends with the process at the latest."""
    import fcntl

    descriptor = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):  # not every file system has locks
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _require_replaceable(path: Path, *, evidence: bool = True) -> None:
    """Let a result replace a result, and nothing else.

    Args:
        path: of the result file.
        evidence: whether its evidence folder would be replaced, too.

    Raises:
        OutputError: the file is not a result or is read-only, or the folder holds more than its evidence.
    """
    listed: set[str] | None = None
    if _is_there(path):
        if not stat.S_ISREG(path.lstat().st_mode):
            raise OutputError(f"{path} is there and is not a regular file", hint=_MOVE_IT)
        try:
            listed = {item.name for item in read(path).evidence}
        except DataError as error:
            raise OutputError(f"{error.message}; only a result may be overwritten", hint=_MOVE_IT) from None
        if not path.stat().st_mode & 0o222 or not os.access(path, os.W_OK):
            raise OutputError(f"{path} is read-only", hint=_MOVE_IT)
    folder = evidence_folder(path)
    if not evidence or not _is_there(folder):
        return
    if listed is None:
        raise OutputError(f"{folder} is there, but no result that it belongs to", hint=_MOVE_IT)
    if folder.is_symlink() or not folder.is_dir():
        raise OutputError(f"{folder} is there and is not a folder", hint=_MOVE_IT)
    for entry in sorted(folder.iterdir()):
        if entry.name not in listed or not stat.S_ISREG(entry.lstat().st_mode):
            raise OutputError(
                f"{folder} would be replaced, but {entry.name} is none of the files that {path.name} lists",
                hint=_MOVE_IT,
            )


def _is_there(path: Path) -> bool:
    """Whether anything has this name, a symbolic link to nowhere included."""
    try:
        path.lstat()
    except FileNotFoundError:
        return False
    return True


def _holds(folder: Path, files: Mapping[str, bytes]) -> bool:
    """Whether a folder holds exactly these files: as after an identical run, or one that was killed."""
    if folder.is_symlink() or not folder.is_dir() or {entry.name for entry in folder.iterdir()} != set(files):
        return False
    return all(
        stat.S_ISREG((folder / name).lstat().st_mode) and (folder / name).read_bytes() == data
        for name, data in files.items()
    )


def _publish(path: Path, data: bytes, files: Mapping[str, bytes] | None) -> None:
    """Put evidence (None: leave it) and result in place; put back what was there if that fails."""
    folder = evidence_folder(path)
    staged = Path(tempfile.mkdtemp(dir=path.parent, prefix=".tinybench-"))
    draft, new, old = staged / "result", staged / "new", staged / "old"
    try:
        _write_new(draft, data)
        if files is None:
            draft.replace(path)
            return
        new.mkdir()
        for name, content in sorted(files.items()):
            _write_new(new / name, content)
        try:
            if folder.exists():
                folder.rename(old)
            if files:
                new.rename(folder)
            draft.replace(path)
        except BaseException:
            if draft.exists():  # not published
                if not new.exists():
                    folder.rename(new)
                if old.exists():
                    old.rename(folder)
            raise
    finally:
        shutil.rmtree(staged, ignore_errors=True)


def _write_new(path: Path, data: bytes) -> None:
    """Create a file, with the mode that the umask leaves, and wait until its bytes are on the disk."""
    with path.open("xb") as stream:
        view = memoryview(data)
        while view:
            view = view[os.write(stream.fileno(), view) :]
        os.fsync(stream.fileno())


def _sync_folder(folder: Path) -> None:
    with suppress(OSError):  # not every file system can sync a folder
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
