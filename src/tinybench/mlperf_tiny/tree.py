"""Finds the runs in a results repository, or in a part of one, as MLPerf Tiny publishes it.

::

    <closed|open>/<organisation>/
        systems/<system>.json
        results/<system>/<task>/<performance|accuracy|energy>/<log.txt, results.txt, ...>

That is the rule. Published trees nest boards below a system and variants below a task, spell tasks out,
misspell folders (``enegy``), call energy ``power``, and put the name of the run before that of the file
(``performance_log.txt``). All of these are found, and said. Links are never followed.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Final, Literal, get_args

from tinybench.errors import DataError
from tinybench.files.guarded import Folder
from tinybench.mlperf_tiny.runs import RUN_KINDS, RunKind
from tinybench.mlperf_tiny.tasks import BENCHMARKS

Division = Literal["closed", "open"]

MAX_ENTRIES: Final = 200_000
"""Files and folders that are looked at; the largest round has some 20,000, most of them below ``code``."""
MAX_DEPTH: Final = 12

FILES: Final = (
    "log.txt",
    "results.txt",
    "results.json",
    "script.async",
    "trace1-energy.bin",
    "trace1-timestamps.json",
)
"""What the runners write into the folder of a run."""

EEMBC_MARKER: Final = "EEMBC_RUNNER"
"""An empty file beside the runs of v1.3 that EEMBC's runner made."""

_RENAMED: Final = {"result.txt": "results.txt", "script.txt": "script.async", "log.log": "log.txt"}
_SKIPPED: Final = frozenset({"code", "systems", "models", "node_modules"})
_ROUND: Final = re.compile(r"tiny_results_(v\d{1,3}\.\d{1,3})(?:\W.*)?")
_LEAST_GUESS: Final = 8
"""Words shorter than this are never taken for a misspelt task."""


class TooMuchError(DataError):
    """More than any results repository holds."""


@dataclass(frozen=True, kw_only=True)
class RunFolder:
    """The files of one run."""

    path: str
    """Below the base of the tree, with ``/``."""
    exact: bool
    """Whether the folder is called as the rules say."""
    files: dict[str, str]
    """Name of ``FILES`` -> path below the base."""
    renamed: tuple[str, ...]
    """Names of files that are called otherwise than the rules say."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """The runs of one task on one system. None: the path does not say."""

    path: str
    division: Division | None
    organisation: str | None
    system: str | None
    task: str | None
    variant: str | None
    """What several results of one task on one system are told apart by."""
    runs: dict[RunKind, RunFolder]
    eembc_marker: bool


@dataclass(frozen=True)
class Skipped:
    """Something that was not looked at, and why."""

    path: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Tree:
    """What was found."""

    base: Path
    """The folder that all paths begin at: the root of the repository, if it is one."""
    round: str | None
    """By the name of the repository: ``v1.2`` for ``tiny_results_v1.2``."""
    cases: tuple[Case, ...]
    system_files: dict[tuple[Division, str], tuple[str, ...]]
    """(Division, organisation) -> paths of the JSON files below its ``systems/``."""
    skipped: tuple[Skipped, ...]


def find(path: Path) -> Tree:
    """Look for runs below a folder.

    Args:
        path: a results repository, a division, an organisation, a system, a task, or the folder of one case
            with the folders of its runs.

    Raises:
        DataError: it is no folder, or cannot be read.
    """
    if not path.is_dir():
        raise DataError(f"{path}: is no folder", hint="give a results repository, or a folder in one")
    base, below = _base(Path(os.path.abspath(path)))  # noqa: PTH100 (resolve() follows links)
    with Folder.open(base) as folder:
        walk = _Walk(folder)
        cases = tuple(walk.cases(below))
        organisations = {
            (case.division, case.organisation)
            for case in cases
            if case.division is not None and case.organisation is not None
        }
        system_files = {
            (division, organisation): walk.system_files(f"{division}/{organisation}")
            for division, organisation in sorted(organisations)
        }
    return Tree(
        base=base,
        round=next((found[1] for part in reversed(base.parts) if (found := _ROUND.fullmatch(part))), None),
        cases=cases,
        system_files=system_files,
        skipped=tuple(dict.fromkeys(walk.skipped)),
    )


def task_of(word: str) -> str | None:
    """The task that a folder is called after, also if it is spelled out or misspelt; None if it is none."""
    plain = re.sub(r"[^a-z0-9]", "", word.lower())
    known = {name: benchmark.task for benchmark in BENCHMARKS.values() for name in benchmark.words}
    if plain in known:
        return known[plain]
    long = [name for name in known if len(name) >= _LEAST_GUESS]
    close = get_close_matches(plain, long, n=1, cutoff=0.85) if len(plain) >= _LEAST_GUESS else []
    return known[close[0]] if close else None


def run_of(word: str) -> RunKind | None:
    """The run that a folder is called after, also if it is misspelt; None if it is none."""
    plain = word.lower()
    if plain == "power":
        return "energy"
    close = get_close_matches(plain, RUN_KINDS, n=1, cutoff=0.8)
    return next((name for name in RUN_KINDS if close and name == close[0]), None)


def _base(path: Path) -> tuple[Path, str]:
    """The folder that paths begin at, and ``path`` below it."""
    parts = path.parts
    for index in range(len(parts) - 1, 0, -1):
        rest = parts[index + 1 :]
        named = len(rest) < 2 or rest[1].lower() in ("results", "result", "systems", "code")
        if parts[index] in get_args(Division) and named:
            return Path(*parts[:index]), "/".join(parts[index:])
    if any((path / division).is_dir() for division in get_args(Division)):
        return path, ""
    return path.parent, path.name


@dataclass
class _Walk:
    base: Folder
    seen: int = 0
    skipped: list[Skipped] = field(default_factory=list)

    def cases(self, folder: str) -> Iterator[Case]:
        """All cases in and below a folder, in the order of their paths."""
        names = self._list(folder)
        if names is None:
            return
        folders, files = names
        runs: dict[RunKind, RunFolder] = {}
        for name in folders:
            kind = run_of(name)
            if kind is not None and (kind not in runs or name == kind):
                run = self._run(kind, _join(folder, name), name == kind)
                if run is not None:
                    runs[kind] = run
        if runs:
            yield _case(folder, runs, EEMBC_MARKER in files)
        taken = {run.path for run in runs.values()}
        for name in folders:
            path = _join(folder, name)
            if path not in taken and name not in _SKIPPED and not name.startswith("."):
                yield from self.cases(path)

    def system_files(self, organisation: str) -> tuple[str, ...]:
        """All JSON files below ``systems/`` of an organisation; none if it has none."""
        names = self._list(organisation)
        there = names is not None and "systems" in names[0]
        return tuple(self._json_files(f"{organisation}/systems")) if there else ()

    def _json_files(self, folder: str) -> Iterator[str]:
        names = self._list(folder)
        if names is None:
            return
        folders, files = names
        yield from (_join(folder, name) for name in files if name.lower().endswith(".json"))
        for name in folders:
            yield from self._json_files(_join(folder, name))

    def _run(self, kind: RunKind, path: str, exact: bool) -> RunFolder | None:
        names = self._list(path)
        files: dict[str, str] = {}
        renamed = []
        for name in sorted(names[1] if names else (), key=lambda name: name not in FILES):
            plain = name.lower().removeprefix(f"{kind}_")
            standard = _RENAMED.get(plain, plain)
            if standard in FILES and standard not in files:
                files[standard] = _join(path, name)
                if name != standard:
                    renamed.append(name)
        return RunFolder(path=path, exact=exact, files=files, renamed=tuple(renamed)) if files else None

    def _list(self, folder: str) -> tuple[list[str], list[str]] | None:
        """Names of folders and of files, sorted; links and other things are skipped."""
        if folder.count("/") > MAX_DEPTH:
            self.skipped.append(Skipped(folder, f"is more than {MAX_DEPTH} folders deep"))
            return None
        folders: list[str] = []
        files: list[str] = []
        try:
            entries = sorted(self._bounded(self.base.entries(folder)))
        except TooMuchError:
            raise
        except DataError as error:
            self.skipped.append(Skipped(folder, error.message.removeprefix(f"{folder}: ")))
            return None
        for name, mode in entries:
            if stat.S_ISDIR(mode):
                folders.append(name)
            elif stat.S_ISREG(mode):
                files.append(name)
            else:
                kind = "a link" if stat.S_ISLNK(mode) else "neither a file nor a folder"
                self.skipped.append(Skipped(_join(folder, name), f"is {kind}"))
        return folders, files

    def _bounded(self, entries: Iterator[tuple[str, os.stat_result]]) -> Iterator[tuple[str, int]]:
        for name, facts in entries:
            self.seen += 1
            if self.seen > MAX_ENTRIES:
                raise TooMuchError(
                    f"{self.base.path}: has more than {MAX_ENTRIES:,} files and folders",
                    hint="give the folder of one organisation or system",
                )
            yield name, facts.st_mode


def _case(path: str, runs: dict[RunKind, RunFolder], eembc_marker: bool) -> Case:
    parts = path.split("/")
    division: Division | None = None
    organisation = system = None
    rest = parts
    if len(parts) > 2 and parts[0] in get_args(Division):
        division = "closed" if parts[0] == "closed" else "open"
        organisation = parts[1]
        rest = parts[3:] if parts[2].lower() in ("results", "result") else parts[2:]
    at = next((k for k, part in enumerate(rest) if task_of(part) is not None), None)
    if division is not None:
        system = "/".join(rest[:at]) or None
    return Case(
        path=path,
        division=division,
        organisation=organisation,
        system=system,
        task=None if at is None else task_of(rest[at]),
        variant=None if at is None else "/".join(rest[at + 1 :]) or None,
        runs=runs,
        eembc_marker=eembc_marker,
    )


def _join(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder else name
