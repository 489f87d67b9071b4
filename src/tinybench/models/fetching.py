"""Putting the models of others into the cache: from their official address, or from a file."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from tinybench import specs
from tinybench.errors import ModelError
from tinybench.files import disk, downloading
from tinybench.files.hashing import file_sha256
from tinybench.models.reference import load_named
from tinybench.paths import expand
from tinybench.progress import Progress, silent
from tinybench.specs import ModelSpec


def fetch(
    spec: ModelSpec,
    progress: Progress = silent,
    *,
    attempts: int = 5,
    pause: Callable[[float], None] = time.sleep,
) -> Path:
    """Download a model, or check the one that is here; see :func:`tinybench.files.downloading.download`.

    Raises:
        FetchError: the download failed, or is not the published file.
        ModelError: it is not a model that can be read, or one that ships with tinybench was changed.
        OutputError: the cache cannot be written, or another process is writing it.
    """
    if spec.download is not None:
        remote = downloading.Remote(
            spec.download.url,
            spec.download.bytes,
            ("sha256", spec.sha256),
            by_hand=f"'tinybench models fetch {spec.id} --from FILE'",
        )
        with _lock(spec):
            downloading.download(remote, spec.path, progress=progress, attempts=attempts, pause=pause)
    return load_named(spec.id).path


def import_file(spec: ModelSpec, file: Path) -> Path:
    """Copy a model from a file, which has to be the published one, byte for byte.

    Raises:
        ModelError: the model ships with tinybench, or the file is not the published one.
        DataError: the file cannot be read.
        OutputError: the cache cannot be written, or another process is writing it.
    """
    if spec.download is None:
        raise ModelError(f"model '{spec.id}' ships with tinybench", hint="leave --from away")
    source = expand(file, "--from")
    digest = file_sha256(source)
    if digest != spec.sha256:
        others = [other.id for other in specs.models().values() if other.sha256 == digest]
        what = f"this is the model '{others[0]}'" if others else f"its SHA-256 is {digest}"
        raise ModelError(
            f"{source}: not the published file of '{spec.id}': {what}, expected {spec.sha256}",
            hint=f"tinybench models fetch {others[0] if others else spec.id}",
        )
    with _lock(spec):
        disk.copy_whole(source, spec.path)
    return load_named(spec.id).path


def _lock(spec: ModelSpec) -> AbstractContextManager[None]:
    return disk.lock(spec.path.with_suffix(".lock"), f"model {spec.id}")
