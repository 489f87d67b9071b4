"""Verdicts of earlier checks, and when they still hold.

A verdict is taken from here if nothing that it came from changed: no file of the submission (name, size,
inode, mode, modification and change time), none of this program and its content, no trusted key, and no data
set that came or went. The change time is set by the kernel at every write, also by one that puts the
modification time back; a file that was written less than two seconds before it was looked at is not trusted
to have another time when it is written again. Whoever cannot trust the clock of the machine or the cache
folder, as in the check of a pull request, checks without it.
"""

from __future__ import annotations

import hashlib
import os
import stat
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

import tinybench
from tinybench import content
from tinybench.atomic import write_atomically
from tinybench.cache import cache_dir
from tinybench.errors import DataError
from tinybench.files.guarded import Folder
from tinybench.submissions import layout
from tinybench.submissions.layout import Place
from tinybench.submissions.verdict import Verdict

_SETTLED_NS: Final = 2_000_000_000
"""Coarser than the clocks of file systems: FAT counts in two seconds, ext4 in a timer tick of 1 to 10 ms."""
_DOWNSTREAM: Final = ("leaderboard", "cli")
"""Parts of the program that decide no verdict: nothing that does imports them."""


class _Kept(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    state: str
    verdict: Verdict


_ALL: Final = TypeAdapter(dict[str, _Kept])


class Memory:
    """Verdicts on the submissions below one root, for one state of everything else."""

    def __init__(self, root: Path, circumstances: str) -> None:
        """Read what is there.

        Args:
            root: the ``submissions`` folder.
            circumstances: all that decides a verdict beside the files of the submission and this program.
        """
        self._root = root
        kind = hashlib.sha256(f"{root.resolve()}\n{_program()}\n{circumstances}".encode(errors="replace"))
        self._path = cache_dir() / "checks" / f"{kind.hexdigest()[:32]}.json"
        try:
            self._kept = _ALL.validate_json(self._path.read_bytes())
        except (OSError, ValidationError):
            self._kept = {}
        self._states: dict[Place, str | None] = {}

    def recall(self, place: Place) -> Verdict | None:
        """The verdict on a submission that did not change since; None if there is none."""
        state = self._states[place] = fingerprint(self._root / place.path)
        kept = self._kept.get(place.path)
        return kept.verdict if kept is not None and state is not None and kept.state == state else None

    def keep(self, verdicts: Mapping[Place, Verdict]) -> None:
        """Remember verdicts on what :meth:`recall` was asked for before they were made."""
        for place, verdict in verdicts.items():
            state = self._states.get(place)
            if state is not None:
                self._kept[place.path] = _Kept(state=state, verdict=verdict)
        there = {path: kept for path, kept in self._kept.items() if (self._root / path).is_dir()}
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(self._path, _ALL.dump_json(there))
        except OSError:
            return  # the next check takes longer


def fingerprint(path: Path) -> str | None:
    """What changes when any file below a folder does; None if there are too many, or one is too new."""
    digest, newest = hashlib.sha256(), 0
    now = time.time_ns()
    try:
        with Folder.open(path) as folder:
            for number, (name, facts) in enumerate(_walk(folder, "")):
                if number > layout.MAX_FILES:
                    return None
                newest = max(newest, facts.st_ctime_ns, facts.st_mtime_ns)
                digest.update(
                    f"{name!a} {facts.st_mode:o} {facts.st_ino} {facts.st_size} "
                    f"{facts.st_mtime_ns} {facts.st_ctime_ns}\n".encode()
                )
    except DataError:
        return None
    return None if now - newest < _SETTLED_NS else digest.hexdigest()


def _walk(folder: Folder, below: str) -> Iterator[tuple[str, os.stat_result]]:
    for name, facts in sorted(folder.entries(below), key=lambda entry: os.fsencode(entry[0])):
        path = f"{below}/{name}" if below else name
        yield path, facts
        if stat.S_ISDIR(facts.st_mode) and layout.is_folder(path):
            yield from _walk(folder, path)


def _program() -> str:
    """What changes when a file of this program, or of a task, model or device, does."""
    digest = hashlib.sha256()
    folders = (
        Path(tinybench.__file__).parent,
        *content.task_dirs(),
        *content.model_dirs(),
        *content.device_dirs(),
    )
    downstream = [folders[0] / name for name in _DOWNSTREAM]
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if any(path.is_relative_to(part) for part in downstream):
                continue
            if path.suffix != ".pyc" and path.is_file():
                facts = path.stat()
                state = f"{path} {facts.st_size} {facts.st_mtime_ns} {facts.st_ctime_ns}\n"
                digest.update(state.encode(errors="replace"))
    return digest.hexdigest()
