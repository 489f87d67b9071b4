"""The data sets on disk: where they lie, whether they are whole, and how a new one takes its place.

Below ``tinybench.cache.cache_dir()``:

    archives/<file>                          downloaded, size and checksum checked
    archives/<file>.part, .part.json         a download that can be resumed
    datasets/<id>/<subset>/files/            the files, most often as <folder>/<file>
    datasets/<id>/<subset>/SHA256SUMS        one line per file; its SHA-256 is the hash of the set
    datasets/<id>/<subset>/manifest.json     written last: without it, nothing here is used

A subset is built in ``.<subset>.tmp`` and renamed when it is whole; an interruption leaves the old one.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from tinybench.cache import cache_dir
from tinybench.datasets.selection import Selection
from tinybench.errors import DataError
from tinybench.files import disk, hashing
from tinybench.files.disk import write_whole, writing
from tinybench.progress import Progress, silent
from tinybench.quantities import size
from tinybench.specs import Archive, DatasetSpec, Sha256, Subset, first_error

_AGAIN = "fetch or import the data set again"
_OTHER = "this is another version of the data set, or part of it is missing or changed"
_SHOWN_NAMES = 3


class Manifest(BaseModel):
    """``manifest.json``: what is in the folder beside it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal["tinybench.dataset/2"] = "tinybench.dataset/2"
    dataset: str
    subset: str
    files: int
    sha256: Sha256
    """Hash of the whole set, see ``tinybench.files.hashing``."""
    selection_sha256: Sha256
    """Hash of the rule and the list of names that say what belongs to the subset."""
    archive_sha256: Sha256 | None
    """The archive that it was unpacked from; null for a folder that the user imported."""
    accepted_license: str | None
    """The licence that the user accepted; null where the data set asks for none to be accepted."""


@dataclass(frozen=True)
class Status:
    """Whether a subset can be used, and if not, what is there."""

    state: Literal["present", "absent", "incomplete"]
    detail: str
    manifest: Manifest | None = None
    """What is in the subset, if it is present."""


def archive_path(archive: Archive) -> Path:
    """Where the downloaded archive lies once it is whole."""
    return cache_dir() / "archives" / archive.name


def part_path(archive: Archive) -> Path:
    """Where it grows while it is downloaded."""
    return cache_dir() / "archives" / f"{archive.name}.part"


def subset_dir(dataset: DatasetSpec, name: str) -> Path:
    """The folder of one subset."""
    return cache_dir() / "datasets" / dataset.id / name


def files_dir(dataset: DatasetSpec, name: str) -> Path:
    """The folder that the files of one subset lie below."""
    return subset_dir(dataset, name) / "files"


def sums_path(dataset: DatasetSpec, name: str) -> Path:
    """The SHA-256 of each file, as ``sha256sum --check`` reads it."""
    return subset_dir(dataset, name) / "SHA256SUMS"


def list_files(root: Path, subset: Subset) -> list[str]:
    """The files below ``root``, a folder as in the cache, that the rule of ``subset`` takes: paths, sorted.

    Its list of names is left aside, so that files which were added are seen.
    """
    return list(Selection(subset).find(root))


def read_manifest(dataset: DatasetSpec, name: str) -> Manifest:
    """The manifest of a subset, checked against the task's description.

    Raises:
        DataError: it is missing, broken, or does not describe this subset.
    """
    path = subset_dir(dataset, name) / "manifest.json"
    try:
        manifest = Manifest.model_validate_json(path.read_bytes())
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})", hint=_AGAIN) from error
    except ValidationError as error:
        raise DataError(f"{path}: {first_error(error)}", hint=_AGAIN) from None
    _check_identity(manifest, dataset, name, str(path), _AGAIN)
    return manifest


def status(dataset: DatasetSpec, name: str) -> Status:
    """What is on disk. Files are counted, not hashed: ``verify`` does that."""
    subset, archive = dataset.subsets[name], dataset.archive_of(name)
    if subset_dir(dataset, name).exists():
        try:
            manifest = read_manifest(dataset, name)
        except DataError as error:
            return Status("incomplete", error.message)
        found = len(list_files(files_dir(dataset, name), subset))
        if found != manifest.files:
            return Status("incomplete", f"{found} of {manifest.files} files are there")
        return Status("present", f"{found} files", manifest)
    if archive_path(archive).is_file():
        return Status("incomplete", "downloaded, not unpacked")
    if part_path(archive).is_file():
        done = part_path(archive).stat().st_size
        return Status("incomplete", f"{size(done)} of {size(archive.bytes)} downloaded")
    return Status("absent", "nothing of it was fetched yet")


def install(
    dataset: DatasetSpec,
    name: str,
    fill: Callable[[Path], None],
    *,
    archive_sha256: str | None,
    progress: Progress = silent,
) -> Manifest:
    """Build a subset beside the old one, check it, then put it in its place.

    Args:
        dataset: the data set.
        name: the subset.
        fill: writes the files into the folder that it is given.
        archive_sha256: hash of the archive that the files come from, or None for a folder.
        progress: called while the files are hashed.

    Raises:
        DataError: what ``fill`` wrote is not the subset that the task describes.
        OutputError: the disk is full or cannot be written.
    """
    target = subset_dir(dataset, name)
    staging = target.with_name(f".{name}.tmp")
    files = staging / "files"
    selection = Selection.of(dataset.subsets[name])
    try:
        with writing(target):
            shutil.rmtree(staging, ignore_errors=True)
            files.mkdir(parents=True)
        fill(files)
        check_structure(files, selection)
        digests = hashing.hash_files(files, selection.find(files), progress)
        manifest = Manifest(
            dataset=dataset.id,
            subset=name,
            files=len(digests),
            sha256=hashing.set_sha256(digests),
            selection_sha256=selection.sha256,
            archive_sha256=archive_sha256,
            accepted_license=dataset.license if dataset.license_acceptance else None,
        )
        _check_identity(manifest, dataset, name, f"{dataset.title}, {name}", _OTHER)
        write_whole(staging / "SHA256SUMS", hashing.sums(digests))
        write_whole(staging / "manifest.json", manifest.model_dump_json(indent=2) + "\n")
        with writing(target):
            _swap(staging, target)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return manifest


def check_structure(root: Path, selection: Selection) -> dict[str, Path]:
    """Check that ``root`` has every folder and every file of a subset, and return what to keep where.

    Raises:
        DataError: it has not; the message names the folders, the files or the counts.
    """
    subset = selection.subset
    missing = [folder for folder in subset.folders if not (root / folder).is_dir()]
    if missing:
        raise DataError(
            f"{root}: {len(missing)} of {len(subset.folders)} folders missing: {', '.join(missing)}",
            hint=f"give the folder that directly holds {', '.join(subset.folders)}",
        )
    found = selection.find(root)
    lacking = sorted(selection.wanted - found.keys())
    if lacking:
        raise DataError(
            f"{root}: {len(lacking)} of {subset.files} files missing: {_some(lacking)}",
            hint=_OTHER,
        )
    if len(found) != subset.files:
        counts = {folder: sum(path.startswith(f"{folder}/") for path in found) for folder in subset.folders}
        listed = ", ".join(f"{folder} {count}" for folder, count in counts.items())
        raise DataError(
            f"{root}: {len(found)} files, expected {subset.files} ({listed})",
            hint=_OTHER,
        )
    return found


def lock(dataset: DatasetSpec) -> AbstractContextManager[None]:
    """Keep other processes from writing the same data set; see :func:`tinybench.files.disk.lock`."""
    return disk.lock(cache_dir() / "datasets" / f"{dataset.id}.lock", dataset.id)


def _check_identity(manifest: Manifest, dataset: DatasetSpec, name: str, where: str, hint: str) -> None:
    subset = dataset.subsets[name]
    wanted = {
        "dataset": dataset.id,
        "subset": name,
        "files": subset.files,
        "sha256": subset.sha256,
        "selection_sha256": Selection.of(subset).sha256,
    }
    for key, value in wanted.items():
        if value is not None and getattr(manifest, key) != value:
            raise DataError(f"{where}: {key} is {getattr(manifest, key)}, expected {value}", hint=hint)


def _swap(staging: Path, target: Path) -> None:
    """Rename ``staging`` to ``target``; what was there comes back if that fails half-way."""
    old = target.with_name(f".{target.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    try:
        if target.exists():
            target.rename(old)
        staging.rename(target)
    finally:
        if old.exists() and not target.exists():
            old.rename(target)
        shutil.rmtree(old, ignore_errors=True)


def _some(names: list[str]) -> str:
    """The first few of many names."""
    return ", ".join(names[:_SHOWN_NAMES]) + (", ..." if len(names) > _SHOWN_NAMES else "")
