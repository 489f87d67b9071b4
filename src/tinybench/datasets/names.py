"""Lists of names in the folders of tasks: which files or samples belong to something."""

from __future__ import annotations

from pathlib import Path

from tinybench.errors import ContentError


def read_names(path: Path) -> tuple[str, ...]:
    """The names in a list, one in each line, in order; ``#`` begins a remark.

    Raises:
        ContentError: the file cannot be read, holds no name, or one twice.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ContentError(f"{path}: {error}", hint="restore it, or install tinybench again") from error
    names: dict[str, int] = {}
    for number, line in enumerate(lines, start=1):
        name = line.partition("#")[0].strip()
        if name in names:
            raise ContentError(
                f"{path}: line {number}: {name} is already in line {names[name]}", hint="correct the list"
            )
        if name:
            names[name] = number
    if not names:
        raise ContentError(f"{path}: names nothing", hint="restore it, or install tinybench again")
    return tuple(names)
