"""Paths that a user typed."""

from __future__ import annotations

import os
from pathlib import Path

from tinybench.errors import UsageError


def expand(path: str | os.PathLike[str], what: str) -> Path:
    """``~`` and ``~user`` spelled out; ``what`` names the option or variable in errors.

    Raises:
        UsageError: there is no such user, or it cannot be a path at all.
    """
    text = os.fspath(path)
    try:
        os.fsencode(text)
    except UnicodeEncodeError:
        raise UsageError(f"{what}: not a path of this file system") from None
    if "\0" in text:
        raise UsageError(f"{what}: a path cannot hold a NUL character")
    try:
        return Path(text).expanduser()
    except RuntimeError:
        raise UsageError(
            f"{what}: there is no home folder of '{Path(text).parts[0]}'",
            hint="spell the path out, or write './~name' for a name that begins with '~'",
        ) from None
