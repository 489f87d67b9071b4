"""Data flows in one direction: nothing downstream is imported upstream."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tinybench.submissions import memory

PACKAGE = Path(__file__).parents[2] / "src" / "tinybench"

WORK = {"datasets", "models", "mcusim", "runners", "results", "submissions", "profiling", "validation"}
WORK |= {"firmware", "leaderboard", "api", "cli"}
DOWNSTREAM = {
    "progress.py": {"specs"} | WORK,
    "processes.py": {"specs"} | WORK,
    "files": {"specs"} | WORK,
    "specs": WORK,
    "datasets": {"runners", "mcusim", "results", "profiling", "validation", "leaderboard", "api", "cli"},
    "models": WORK - {"models"},
    "mcusim": WORK - {"models", "mcusim", "submissions"},
    "firmware": {"runners", "datasets", "profiling", "validation", "leaderboard", "api", "cli"},
    "scoring.py": {"runners", "mcusim", "profiling", "validation", "leaderboard", "api", "cli"},
    "runners": {"profiling", "validation", "leaderboard", "api", "cli"},
    "results": {"submissions", "profiling", "validation", "leaderboard", "api", "cli"},
    "submissions": {"leaderboard", "api", "cli"},
    "profiling": {"validation", "leaderboard", "api", "cli"},
    "validation": {"profiling", "leaderboard", "api", "cli"},
    "leaderboard": {"runners", "mcusim", "datasets", "profiling", "api", "cli"},
    "testing": {"submissions", "profiling", "validation", "leaderboard", "cli"},
}
"""Part of the package -> parts that it must not import."""


def imported(path: Path) -> set[str]:
    """Parts of tinybench that a module imports."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
    return {name.split(".")[1] for name in names if name.startswith("tinybench.")}


def test_what_is_downstream_decides_no_verdict() -> None:
    """Verdicts are kept while only the leaderboard or the command line changes."""
    downstream = set(memory._DOWNSTREAM)
    modules = [path for path in PACKAGE.rglob("*.py") if path.relative_to(PACKAGE).parts[0] not in downstream]
    assert {path.name for path in modules if imported(path) & downstream} <= {"__main__.py"}


@pytest.mark.parametrize("part", DOWNSTREAM)
def test_nothing_downstream_is_imported(part: str) -> None:
    place = PACKAGE / part
    modules = [place] if place.is_file() else sorted(place.rglob("*.py"))
    assert modules
    wrong = {str(path.relative_to(PACKAGE)): imported(path) & DOWNSTREAM[part] for path in modules}
    assert {name: parts for name, parts in wrong.items() if parts} == {}


def test_modules_of_tests_have_names_of_their_own() -> None:
    """Without packages, pytest imports one module of each name."""
    names = [path.name for path in PACKAGE.parents[1].joinpath("tests").rglob("test_*.py")]
    assert sorted({name for name in names if names.count(name) > 1}) == []
