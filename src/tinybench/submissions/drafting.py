"""Making a submission: its ``system.toml`` from what is known, and results taken in with their evidence."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from tinybench.atomic import write_atomically
from tinybench.errors import DataError, OutputError, UsageError
from tinybench.files import strict_toml
from tinybench.files.guarded import Folder
from tinybench.mlperf_tiny.runs import RUNNERS
from tinybench.results import store
from tinybench.results.schema import DeviceRef, Result
from tinybench.specs import DeviceSpec
from tinybench.specs.base import first_error
from tinybench.submissions import layout, measured, packing
from tinybench.submissions.evidence import stored
from tinybench.submissions.measured import Measured
from tinybench.submissions.recompute import BOARD
from tinybench.submissions.system import Memory, System


@dataclass(frozen=True)
class Taken:
    """What was taken in for one result."""

    path: str
    """Of the result, below the submission."""
    evidence: tuple[str, ...]
    left_out: tuple[str, ...]
    """Evidence that is no data, such as firmware: its SHA-256 stays in the result."""


def known(device: DeviceSpec | None, result: Result | None) -> dict[str, object]:
    """The fields of a system that a device profile and a result tell; the result has the last word."""
    fields: dict[str, object] = {}
    if device is not None:
        fields |= {
            "device": device.id,
            "board": device.title,
            "chip": device.chip,
            "core": device.core,
            "clock_hz": device.clock_hz.value,
        }
        if device.flash is not None and device.ram is not None:
            fields["memories"] = (
                Memory(kind="flash", bytes=device.flash.bytes),
                Memory(kind="ram", bytes=device.ram.bytes),
            )
    if result is not None:
        fields["engine"] = result.engine
        if isinstance(result.device, DeviceRef):
            told = result.device.model_dump(exclude={"id"}, exclude_none=True)
            fields |= told
    return fields


def create(
    root: Path,
    place: layout.Place,
    fields: Mapping[str, object],
    results: Sequence[str | os.PathLike[str]] = (),
) -> tuple[Path, list[Taken]]:
    """Make the folder of a submission: ``system.toml``, results with their evidence, and the manifest.

    Args:
        root: the folder of all submissions.
        place: round, organisation and system.
        fields: of ``System``; None means not known.
        results: files to take in, as by :func:`add`.

    Returns:
        The folder, and what was taken in.

    Raises:
        DataError: a result or its evidence is broken, or was measured on another system.
        UsageError: a field is missing or wrong, a part of the place is no part of a path, or a result may
            not be published.
        OutputError: the folder is there already, or cannot be written. Whatever is raised, it was not made.
    """
    for part in (place.round, place.organisation, place.system):
        if not layout.is_slug(part):
            raise UsageError(f"'{part}' cannot be part of a path", hint="use a-z, digits, '-', '_' and '.'")
    if not layout.OUR_ROUND.fullmatch(place.round):
        raise UsageError(f"'{place.round}' is no round", hint="a year and a number, such as 2026.1")
    try:
        system = System.model_validate({key: value for key, value in fields.items() if value is not None})
    except ValidationError as error:
        raise UsageError(
            f"system.toml: {first_error(error)}", hint="correct it, or give what is missing"
        ) from None
    if system.undescribed:
        raise UsageError(
            f"nothing says {', '.join(system.undescribed)} of what was measured",
            hint="give --device ('tinybench list devices'), or --board, --chip, --core and --clock",
        )
    accepted = [_accepted(system, _read(Path(path))) for path in results]
    folder = root / place.path
    missing = [parent for parent in (folder, *folder.parents) if not parent.exists()]
    with _writing(folder):
        folder.mkdir(parents=True)
        try:
            write_atomically(folder / layout.SYSTEM_FILE, system.to_toml())
            taken = [_take(folder, one, []) for one in accepted]
            _renew_manifest(folder)
        except BaseException:
            shutil.rmtree(missing[-1], ignore_errors=True)
            raise
    return folder, taken


def read_system(folder: Path) -> System:
    """The system of a submission of one's own.

    Raises:
        DataError: ``system.toml`` is missing, no plain file or no TOML, or a key is wrong.
    """
    path = folder / layout.SYSTEM_FILE
    if not path.exists():
        raise DataError(
            f"{folder}: is no submission, it has no system.toml",
            hint="make one with 'tinybench submit init', which says where it is",
        )
    try:
        with Folder.open(folder) as opened:
            data = opened.read(layout.SYSTEM_FILE, layout.MAX_SYSTEM)
        return System.model_validate(strict_toml.loads(data, layout.SYSTEM_FILE))
    except DataError as error:
        raise DataError(f"{folder}/{error.message}", hint=error.hint) from None
    except ValidationError as error:
        raise DataError(f"{path}: {first_error(error)}", hint="correct the file") from None


def add(folder: Path, results: Sequence[str | os.PathLike[str]]) -> list[Taken]:
    """Take results with their evidence into a submission, and renew its manifest.

    Raises:
        DataError: a result or its evidence is broken, or was measured on another system.
        UsageError: a result may not be published.
        OutputError: a file cannot be written; then none of them is.
    """
    system = read_system(folder)
    return _add(folder, [_accepted(system, _read(Path(path))) for path in results])


def add_runs(
    folder: Path,
    runs: Path,
    *,
    task: str | None = None,
    model: str | None = None,
    labels: Mapping[str, int] | None = None,
) -> list[Taken]:
    """Make results from the logs of a runner of MLPerf Tiny, and take them in as :func:`add` does.

    Args:
        folder: the submission; its ``system.toml`` says what the runs were measured on.
        runs: as for :func:`tinybench.submissions.measured.results`, and so are the others.
    """
    system = read_system(folder)
    found = measured.results(system, folder.name, runs, task=task, model=model, labels=labels)
    return _add(folder, [_accepted(system, one) for one in found])


def _add(folder: Path, accepted: Sequence[Measured]) -> list[Taken]:
    written: list[Path] = []
    with _writing(folder):
        try:
            taken = [_take(folder, one, written) for one in accepted]
            _renew_manifest(folder)
        except BaseException:
            for path in written:
                path.unlink(missing_ok=True)
                _remove_empty(path.parent, folder)
            raise
    return taken


def _remove_empty(path: Path, below: Path) -> None:
    """Remove a folder and those above it, up to ``below``, as long as nothing is in them."""
    with suppress(OSError):
        while path != below:
            path.rmdir()
            path = path.parent


def _read(path: Path) -> Measured:
    result = store.verify(path)
    folder = store.evidence_folder(path)
    evidence = {item.name: (folder / item.name).read_bytes() for item in result.evidence}
    return Measured(str(path), result, path.read_bytes(), evidence)


def _accepted(system: System, one: Measured) -> Measured:
    result = one.result
    if not (result.publishable or (result.performance_only and system.division == "closed")):
        raise UsageError(
            f"{one.where} may not be published: {'; '.join(result.not_publishable_because)}",
            hint=_remedy(result),
        )
    if not isinstance(result.device, DeviceRef):
        raise UsageError(
            f"{one.where} has no device: its accuracy was computed on a host", hint="use another runner"
        )
    for key, here, there in system.disagreements(result.device, result.engine):
        raise DataError(
            f"{one.where}: {key} is {there!r}, but system.toml says {here!r}",
            hint="results of another system belong to a submission of their own",
        )
    return one


def _remedy(result: Result) -> str:
    """What makes a result of the same task one that may be published."""
    if result.runner == BOARD:
        return (
            "it takes a physical board, the whole split without --limit, windows of at least 10 s, and an "
            "engine that the firmware or --engine names"
        )
    if result.runner in RUNNERS.values():
        return "it takes the folder accuracy, and a model that did not see the test data in training"
    return (
        f"'tinybench data fetch {result.task.id}' gets the official split, which is run whole; a model that "
        "saw it in training stays out ('tinybench list models' has others)"
    )


def _take(folder: Path, one: Measured, written: list[Path]) -> Taken:
    for part in ("results", "evidence", f"evidence/{one.result.id}"):
        if (folder / part).is_symlink():
            raise OutputError(f"{folder / part}: is a symbolic link, which is not followed", hint="remove it")
    evidence, left_out = [], []
    for name, data in one.evidence.items():
        kept = stored(one.result.id, name, data)
        if kept is None:
            left_out.append(name)
            continue
        _write(folder / kept[0], kept[1], written)
        evidence.append(kept[0])
    relative = f"results/{store.file_name(one.result)}"
    if not _has(folder / relative, one.result):
        _write(folder / relative, one.document, written)
    return Taken(relative, tuple(evidence), tuple(left_out))


def _has(path: Path, result: Result) -> bool:
    """Whether a result is there already; made again from the same logs, it only has another date."""
    return path.is_file() and store.read(path).id == result.id


def _write(path: Path, data: bytes, written: list[Path]) -> None:
    if path.is_file() and path.read_bytes() == data:
        return
    if path.exists():
        raise OutputError(f"{path} is there with other content", hint="remove it, or leave the result out")
    written.append(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, data)


def _renew_manifest(folder: Path) -> None:
    packed = packing.pack(folder)
    for finding in packed.findings:
        if finding.rule.severity == "error":
            raise DataError(f"{folder / finding.where}: {finding.message}", hint=finding.rule.hint)


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    try:
        yield
    except FileExistsError:
        raise OutputError(
            f"{folder} is there already", hint="add results with 'tinybench submit add'"
        ) from None
    except OSError as error:
        raise OutputError(f"cannot write to {folder}: {(error.strerror or str(error)).lower()}") from None
