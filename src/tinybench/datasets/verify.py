"""Hashing a data set again, to see whether it is still what was fetched."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from tinybench.datasets import store
from tinybench.errors import DataError
from tinybench.files import hashing
from tinybench.progress import Progress, silent
from tinybench.specs import DatasetSpec


@dataclass(frozen=True)
class Report:
    """What is not as it was; paths start at the folder of the files, sorted."""

    dataset: str
    subset: str
    files: int
    """Files that were recorded when the subset was put here."""
    sha256: str
    """Hash of the set that was recorded then."""
    missing: tuple[str, ...]
    extra: tuple[str, ...]
    changed: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Whether every file is there, unchanged, and nothing was added."""
        return not (self.missing or self.extra or self.changed)


def recorded(dataset: DatasetSpec, name: str) -> dict[str, str]:
    """Path -> SHA-256 of each file, as recorded when the subset was put into the cache.

    Raises:
        DataError: the subset is not there, or its records do not fit together.
    """
    if not store.subset_dir(dataset, name).exists():
        raise _not_here(dataset, name)
    manifest, path = store.read_manifest(dataset, name), store.sums_path(dataset, name)
    hint = "fetch or import the data set again"
    try:
        text = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})", hint=hint) from error
    if hashlib.sha256(text).hexdigest() != manifest.sha256:
        raise DataError(f"{path}: is not what manifest.json says", hint=hint)
    return hashing.read_sums(text.decode(), path)


def verify(dataset: DatasetSpec, name: str, progress: Progress = silent) -> Report:
    """Hash every file of a subset and compare with what was recorded.

    Raises:
        DataError: the subset is not there, or its records do not fit together.
    """
    before = recorded(dataset, name)
    root = store.files_dir(dataset, name)
    found = store.list_files(root, dataset.subsets[name])
    now = hashing.hash_files(root, found, progress)
    return Report(
        dataset=dataset.id,
        subset=name,
        files=len(before),
        sha256=hashing.set_sha256(before),
        missing=tuple(sorted(before.keys() - now.keys())),
        extra=tuple(sorted(now.keys() - before.keys())),
        changed=tuple(sorted(path for path in before.keys() & now.keys() if before[path] != now[path])),
    )


def _not_here(dataset: DatasetSpec, name: str) -> DataError:
    return DataError(
        f"subset '{name}' of {dataset.id} is not on this machine: {store.status(dataset, name).detail}",
        hint=f"tinybench data fetch {dataset.id} --subset {name}",
    )
