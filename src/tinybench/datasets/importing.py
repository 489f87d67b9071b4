"""Taking a data set from what the user already has: the archive, or a folder that it was unpacked to."""

from __future__ import annotations

import shutil
from pathlib import Path

from tinybench.datasets import store
from tinybench.datasets.licences import require_acceptance
from tinybench.datasets.selection import Selection
from tinybench.datasets.store import Manifest
from tinybench.errors import DataError
from tinybench.files import archives, disk
from tinybench.files.hashing import file_digest
from tinybench.progress import Progress, silent
from tinybench.specs import Archive, DatasetSpec


def import_path(
    dataset: DatasetSpec,
    name: str,
    path: Path,
    progress: Progress = silent,
    *,
    accept_license: bool = False,
) -> Manifest:
    """Put the subset ``name`` into the cache from an archive or from a folder that it was unpacked to.

    An archive has to be the published one, byte for byte. A folder has to hold what the task describes: every
    folder, and the exact files or number of files; hidden and other files are left out.

    Raises:
        UsageError: the data set has a licence that has to be accepted, and it was not.
        DataError: ``path`` is missing or is not this subset.
        OutputError: the cache cannot be written.
    """
    require_acceptance(dataset, name, accept_license)
    if path.is_dir():
        with store.lock(dataset):
            return _import_folder(dataset, name, path, progress)
    if not path.is_file():
        hint = "give the archive, or the folder it was unpacked to"
        raise DataError(f"{path}: no such file or folder", hint=hint)
    archive = dataset.archive_of(name)
    progress("check", 0, 1)
    check_archive(dataset, archive, path)
    progress("check", 1, 1)
    with store.lock(dataset):
        kept = store.archive_path(archive)
        with disk.writing(kept):
            kept.parent.mkdir(parents=True, exist_ok=True)
        disk.copy_whole(path, kept)
        return install_archive(dataset, name, progress)


def install_archive(dataset: DatasetSpec, name: str, progress: Progress = silent) -> Manifest:
    """Unpack the archive of a subset, which lies checked in the cache.

    Raises:
        DataError: it cannot be unpacked or is not what the task describes.
        OutputError: the cache cannot be written.
    """
    subset, archive = dataset.subsets[name], dataset.archive_of(name)
    source = store.archive_path(archive)
    disk.require_space(store.subset_dir(dataset, name), archives.unpacked_bytes(source))

    def fill(files: Path) -> None:
        archives.extract(
            source,
            files,
            place=Selection.of(subset).place_in_archive,
            limits=archives.Limits.of(source),
            progress=progress,
            total=subset.files,
        )

    sha256 = archive.sha256 or file_digest(source, "sha256")
    return store.install(dataset, name, fill, archive_sha256=sha256, progress=progress)


def check_archive(dataset: DatasetSpec, archive: Archive, path: Path) -> None:
    """Check that ``path`` is the published archive.

    Raises:
        DataError: it is another archive of the data set, incomplete, or something else.
    """
    size = path.stat().st_size
    algorithm, expected = archive.checksum
    digest = file_digest(path, algorithm)
    if digest == expected:
        return
    for other in dataset.archives:
        if size == other.bytes and file_digest(path, other.checksum[0]) == other.checksum[1]:
            holds = [name for name, subset in dataset.subsets.items() if subset.archive == other.name]
            raise DataError(
                f"{path}: this is {other.name}, expected {archive.name}",
                hint=f"it holds: {', '.join(holds)}; choose that with --subset",
            )
    raise DataError(
        f"{path}: not the published {archive.name} "
        f"({size} bytes, {algorithm} {digest}; expected {archive.bytes} bytes, {algorithm} {expected})",
        hint=f"download it again from {archive.url}",
    )


def _import_folder(dataset: DatasetSpec, name: str, folder: Path, progress: Progress) -> Manifest:
    subset = dataset.subsets[name]
    below = folder / subset.root
    found = store.check_structure(below if below.is_dir() else folder, Selection.of(subset))
    needed = sum(source.stat().st_size for source in found.values())
    disk.require_space(store.subset_dir(dataset, name), needed)

    def fill(files: Path) -> None:
        for done, (kept, source) in enumerate(found.items(), start=1):
            target = files / kept
            # Copies, not links: what the user later does to the folder must not change the cache.
            with disk.writing(target):
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(source, target)
            progress("copy", done, len(found))

    return store.install(dataset, name, fill, archive_sha256=None, progress=progress)
