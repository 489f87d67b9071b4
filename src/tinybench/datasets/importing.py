"""Taking a data set from what the user already has: the archive, or a folder that it was unpacked to."""

from __future__ import annotations

import shutil
from pathlib import Path, PurePosixPath

from tinybench.datasets import archives, disk, store
from tinybench.datasets.hashing import file_sha256
from tinybench.datasets.store import Manifest
from tinybench.errors import DataError
from tinybench.progress import Progress, silent
from tinybench.specs import Archive, DatasetSpec


def import_path(dataset: DatasetSpec, name: str, path: Path, progress: Progress = silent) -> Manifest:
    """Put the subset ``name`` into the cache from an archive or from the folder that holds its label folders.

    An archive has to be the published one, byte for byte. A folder has to have every label folder and the
    exact number of clips; hidden files and files beside the label folders are left out.

    Raises:
        DataError: ``path`` is missing or is not this subset.
        OutputError: the cache cannot be written.
    """
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

    def wanted(path: PurePosixPath) -> bool:
        return len(path.parts) == 2 and path.parts[0] in subset.folders and store.is_clip(path.name, subset)

    def fill(clips: Path) -> None:
        limits = archives.Limits.of(source, subset.clips)
        archives.extract(source, clips, wanted=wanted, limits=limits, progress=progress, total=subset.clips)

    return store.install(dataset, name, fill, archive_sha256=archive.sha256, progress=progress)


def check_archive(dataset: DatasetSpec, archive: Archive, path: Path) -> None:
    """Check that ``path`` is the published archive.

    Raises:
        DataError: it is another archive of the data set, incomplete, or something else.
    """
    size = path.stat().st_size
    digest = file_sha256(path)
    if digest == archive.sha256:
        return
    for other in dataset.archives:
        if digest == other.sha256:
            holds = [name for name, subset in dataset.subsets.items() if subset.archive == other.name]
            raise DataError(
                f"{path}: this is {other.name}, expected {archive.name}",
                hint=f"it holds: {', '.join(holds)}; choose that with --subset",
            )
    raise DataError(
        f"{path}: not the published {archive.name} "
        f"({size} bytes, sha256 {digest}; expected {archive.bytes} bytes, sha256 {archive.sha256})",
        hint=f"download it again from {archive.url}",
    )


def _import_folder(dataset: DatasetSpec, name: str, folder: Path, progress: Progress) -> Manifest:
    subset = dataset.subsets[name]
    store.check_structure(folder, subset)
    found = store.list_clips(folder, subset)
    needed = sum((folder / clip).stat().st_size for clip in found)
    disk.require_space(store.subset_dir(dataset, name), needed)

    def fill(clips: Path) -> None:
        for done, clip in enumerate(found, start=1):
            target = clips / clip
            # Copies, not links: what the user later does to the folder must not change the cache.
            with disk.writing(target):
                target.parent.mkdir(exist_ok=True)
                shutil.copyfile(folder / clip, target)
            progress("copy", done, len(found))

    return store.install(dataset, name, fill, archive_sha256=None, progress=progress)
