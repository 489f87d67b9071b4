"""What a range of git commits, and the working tree on top of it, does to submissions."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from tinybench.submissions.history import git, resolve
from tinybench.submissions.layout import Place, is_slug

State = Literal["added", "altered", "removed"]

_RAW: Final = ("--raw", "-z", "--no-renames", "--no-ext-diff", "--no-textconv", "--abbrev=40")


@dataclass(frozen=True)
class Change:
    """A file that differs between two trees."""

    path: str
    """Relative to the repository, with ``/``; what is not UTF-8 in it has surrogate escapes."""
    mode: str
    """Afterwards, as git writes it in octal: 100644 is a plain file, 160000 a submodule; zeros: not there."""


@dataclass(frozen=True)
class Changes:
    """What a change touches."""

    files: tuple[Change, ...]
    """All files, sorted by path."""
    submissions: dict[Place, State]
    """The submissions among them."""
    outside: tuple[str, ...]
    """Paths that are in no submission."""
    beside: tuple[str, ...]
    """Those of them that are in the ``submissions`` folder."""

    @property
    def to_check(self) -> tuple[Place, ...]:
        """Submissions that are there afterwards."""
        return tuple(place for place, state in self.submissions.items() if state != "removed")


def changed_since(root: Path, revision: str) -> Changes:
    """What differs from where the current branch left ``revision``, what is not committed included.

    Args:
        root: the ``submissions`` folder, in a git repository.
        revision: a branch, tag or commit, such as ``origin/main``.

    Raises:
        UsageError: there is no git, no repository, or no such revision.
    """
    commit = resolve(root, revision)
    top = Path(os.fsdecode(git(root, "rev-parse", "--show-toplevel").rstrip(b"\n")))
    base = git(top, "merge-base", commit, "HEAD").decode().strip()
    found = {change.path: change for change in parse_raw(git(top, "diff", *_RAW, base))}
    # A link in the path to the folder is none of git's business.
    below = os.path.relpath(root.resolve(), top.resolve())
    # Logs, keys and results that lie elsewhere in a checkout are part of no change until git is told of them.
    untracked = git(top, "ls-files", "-z", "--others", "--exclude-standard", "--", below)
    for path in untracked.split(b"\0"):
        if path:
            text = os.fsdecode(path)
            found.setdefault(text, Change(text, "100644"))
    listed = git(top, "ls-tree", "-r", "-z", "--name-only", base, "--", below)
    earlier = [os.fsdecode(path) for path in listed.split(b"\0")]
    return classify(sorted(found.values(), key=lambda change: change.path), below, earlier, root)


def parse_raw(output: bytes) -> Iterator[Change]:
    """The output of ``git diff --raw -z --no-renames``: new modes and paths, whatever bytes these have."""
    fields = output.split(b"\0")
    for facts, path in zip(fields[::2], fields[1::2], strict=False):
        yield Change(os.fsdecode(path), facts.decode("ascii").split(" ")[1])


def classify(changes: Sequence[Change], below: str, earlier: Iterable[str], root: Path) -> Changes:
    """Sort changed files into submissions and the rest.

    Args:
        changes: the files.
        below: path of the ``submissions`` folder in the repository.
        earlier: paths of the files that were there before.
        root: the ``submissions`` folder.
    """
    before = {place for path in earlier if (place := _place(path, below)) is not None}
    states: dict[Place, State] = {}
    outside = []
    for change in changes:
        place = _place(change.path, below)
        if place is None:
            outside.append(change.path)
        elif place not in states:
            there = (root / place.path).is_dir()
            states[place] = "added" if place not in before else "altered" if there else "removed"
    beside = tuple(path for path in outside if path.startswith(_prefix(below)))
    return Changes(tuple(changes), states, tuple(outside), beside)


def _place(path: str, below: str) -> Place | None:
    """The submission that a file of the repository lies in."""
    if not path.startswith(_prefix(below)):
        return None
    parts = path.removeprefix(_prefix(below)).split("/")
    # A submodule is a single entry where the folder of a submission should be.
    if len(parts) < 3 or not all(is_slug(part) for part in parts[:3]):
        return None
    return Place(*parts[:3])


def _prefix(below: str) -> str:
    """What paths in the ``submissions`` folder begin with."""
    return f"{below}/" if below != "." else ""
