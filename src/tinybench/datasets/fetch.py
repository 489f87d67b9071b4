"""Fetching data sets: their archives are downloaded, checked and unpacked."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from tinybench.datasets import importing, store
from tinybench.datasets.licences import require_acceptance
from tinybench.datasets.store import Manifest
from tinybench.files import downloading
from tinybench.files.downloading import Remote
from tinybench.progress import Progress, silent
from tinybench.specs import Archive, DatasetSpec


def fetch(
    dataset: DatasetSpec,
    name: str,
    *,
    force: bool = False,
    accept_license: bool = False,
    progress: Progress = silent,
    attempts: int = 5,
    pause: Callable[[float], None] = time.sleep,
) -> Manifest:
    """Put the subset ``name`` into the cache: download its archive, check and unpack it, where not yet done.

    With ``force`` it is unpacked again although it is there.

    Raises:
        UsageError: the data set has a licence that has to be accepted, and it was not.
        FetchError: the download failed ``attempts`` times in a row, or is not the published file.
        DataError: the archive does not hold what the task describes.
        OutputError: the cache cannot be written, or another process is writing it.
    """
    require_acceptance(dataset, name, accept_license)
    with store.lock(dataset):
        there = store.status(dataset, name)
        if there.manifest is not None and not force:
            return there.manifest
        download(dataset.archive_of(name), progress=progress, attempts=attempts, pause=pause)
        return importing.install_archive(dataset, name, progress)


def download(
    archive: Archive,
    *,
    progress: Progress = silent,
    attempts: int = 5,
    pause: Callable[[float], None] = time.sleep,
) -> Path:
    """Download one archive into the cache; see :func:`tinybench.files.downloading.download`."""
    remote = Remote(archive.url, archive.bytes, archive.checksum, by_hand="'tinybench data import'")
    target = store.archive_path(archive)
    return downloading.download(remote, target, progress=progress, attempts=attempts, pause=pause)
