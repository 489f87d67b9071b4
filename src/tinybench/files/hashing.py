"""Hashes of files and of whole sets of files.

The hash of a set is the SHA-256 of its lines ``<sha256>  <path>`` (lower-case hex, two spaces, path with
``/`` relative to the set's folder, newline), sorted bytewise. It depends on names and contents only, and a
shell can repeat it: ``sha256sum */*.wav | LC_ALL=C sort | sha256sum``.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from tinybench.errors import DataError
from tinybench.progress import Progress, silent

_LINE = re.compile(r"([0-9a-f]{64})  ([^\x00-\x1f]+)")


def file_sha256(path: Path) -> str:
    """SHA-256 of one file, see :func:`file_digest`."""
    return file_digest(path, "sha256")


def file_digest(path: Path, algorithm: str) -> str:
    """Hash of one file, lower-case hex; ``algorithm`` is named as ``hashlib`` does.

    Raises:
        DataError: the file is missing or cannot be read.
    """
    try:
        with path.open("rb") as handle:
            return hashlib.file_digest(handle, algorithm).hexdigest()
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})", hint="check the file") from error


def hash_files(folder: Path, paths: Iterable[str], progress: Progress = silent) -> dict[str, str]:
    """SHA-256 of each of ``paths`` (relative to ``folder``), in the order given."""
    names = list(paths)
    digests = {}
    for done, name in enumerate(names):
        progress("hash", done, len(names))
        digests[name] = file_sha256(folder / name)
    progress("hash", len(names), len(names))
    return digests


def sums(digests: Mapping[str, str]) -> str:
    """The sorted lines of a set, path -> sha256; ``sha256sum --check`` reads them."""
    lines = (f"{digest}  {path}\n" for path, digest in digests.items())
    return "".join(sorted(lines, key=lambda line: line.encode()))


def set_sha256(digests: Mapping[str, str]) -> str:
    """The hash of a set of files, path -> sha256; the order does not matter."""
    return hashlib.sha256(sums(digests).encode()).hexdigest()


def read_sums(text: str, origin: Path) -> dict[str, str]:
    """The inverse of :func:`sums`.

    Raises:
        DataError: a line is not ``<sha256>  <path>`` or a path is there twice; the message names ``origin``.
    """
    digests: dict[str, str] = {}
    for number, line in enumerate(text.removesuffix("\n").split("\n"), start=1):
        match = _LINE.fullmatch(line)
        if match is None or match[2] in digests:
            raise DataError(f"{origin}: line {number} is broken", hint="fetch or import the data set again")
        digests[match[2]] = match[1]
    return digests
