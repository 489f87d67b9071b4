"""Where downloaded data, compiled firmware and compiled models are kept between runs."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Final

from tinybench.atomic import write_atomically
from tinybench.errors import OutputError
from tinybench.paths import expand

COMPILED: Final = ("firmware", "host", "vela")
"""Folders of what was compiled, one for each compiler: ``<folder>/<key of its content>/<output>``."""


def cache_dir() -> Path:
    """``$TINYBENCH_CACHE``, else the user's XDG cache folder. Not created here.

    Raises:
        UsageError: TINYBENCH_CACHE begins with ``~`` and a name that nobody has.
    """
    configured = os.environ.get("TINYBENCH_CACHE")
    if configured:
        return expand(configured, "TINYBENCH_CACHE").absolute()
    import platformdirs

    return Path(platformdirs.user_cache_dir("tinybench"))


def keep(path: Path, data: bytes) -> None:
    """Write what was compiled to its place in the cache, with its checksum beside it.

    Raises:
        OutputError: it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # The checksum last: an output without its own is not taken for one.
        write_atomically(path, data)
        write_atomically(_checksum(path), hashlib.sha256(data).hexdigest().encode())
    except OSError as error:
        raise OutputError(
            f"cannot write {path}: {error.strerror}", hint="free the disk, or set TINYBENCH_CACHE"
        ) from None


def kept(path: Path) -> bytes | None:
    """What ``keep`` wrote there; None if there is nothing, or something else: that is compiled again."""
    try:
        data = path.read_bytes()
        expected = _checksum(path).read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError):
        return None
    return data if hashlib.sha256(data).hexdigest() == expected else None


def cached_outputs() -> dict[Path, bool]:
    """What compilers left in the cache, and whether it is what they made."""
    found = (path for kind in COMPILED for path in sorted((cache_dir() / kind).glob("*/*")))
    return {
        path: kept(path) is not None for path in found if path.suffix != ".sha256" and path.name[0] != "."
    }


def _checksum(path: Path) -> Path:
    return path.with_name(path.name + ".sha256")
