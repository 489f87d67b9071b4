"""Every command of the tutorials works as it stands, typed one after the other, and prints what they show.

A block that no test can run is marked, in a comment above it, with the reason.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from evidence_fixtures import published_kws
from fakes import REPOSITORY

TUTORIALS = REPOSITORY / "site/docs/tutorials"
BLOCK = re.compile(
    r"(?:^<!-- (?P<mark>[^\n]*) -->\n)?^```(?P<language>\w*)\n(?P<text>.*?)^```$", re.DOTALL | re.MULTILINE
)
NOT_RUN = "not run by a test: "
GROUPS = "groups.txt"
"""In the checkout: process groups of the shells, whose background jobs end with the test."""
NEEDS = {"board-without-a-board": "qemu-system-arm"}
"""Programs that no Python package brings."""
GIT = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    **{f"GIT_{who}_{what}": "x@example.org" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
}


@dataclass(frozen=True)
class Block:
    """A block of code on a page: a language, and why it is not run."""

    language: str
    text: str
    excuse: str


def blocks(page: Path) -> list[Block]:
    found = []
    for match in BLOCK.finditer(page.read_text(encoding="utf-8")):
        mark = match["mark"] or ""
        assert not mark or mark.startswith(NOT_RUN), mark
        found.append(Block(match["language"], match["text"], mark.removeprefix(NOT_RUN)))
    return found


@pytest.fixture
def checkout(tmp_path: Path) -> Iterator[Path]:
    """A checkout with one commit, and the logs of a board that was measured with EEMBC's runner."""
    for name in ("tasks", "reference_models", "runners", "src"):
        shutil.copytree(REPOSITORY / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(REPOSITORY / "LICENSE", tmp_path)
    (tmp_path / "submissions").mkdir()
    (tmp_path / "submissions/README.md").touch()
    for name, data in published_kws()[1].items():
        run, _, file = name.partition("-")
        path = tmp_path / "sessions/kws" / run / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    type_in(
        tmp_path,
        "git init --quiet; git add submissions; git commit --quiet --message base;"
        "git update-ref refs/remotes/origin/main HEAD",
    )
    yield tmp_path
    for group in map(int, (tmp_path / GROUPS).read_text().split()):
        # Those that left something running are still there.
        with suppress(ProcessLookupError):
            os.killpg(group, signal.SIGTERM)


def type_in(folder: Path, lines: str) -> str:
    """What a shell prints; a command that fails ends it."""
    program = (
        f'set -euo pipefail\ntinybench() {{ "{sys.executable}" -m tinybench "$@"; }}\n'
        f'python() {{ "{sys.executable}" "$@"; }}\n'
    )
    return ran(folder, ["bash", "-c", program + lines])


def ran(folder: Path, command: list[str]) -> str:
    environment = os.environ | GIT | {"PYTHONPATH": str(folder / "src")}
    pipe = subprocess.PIPE
    with subprocess.Popen(
        command, cwd=folder, env=environment, stdout=pipe, stderr=pipe, text=True, process_group=0
    ) as running:
        with (folder / GROUPS).open("a") as stream:
            print(running.pid, file=stream)
        printed, faults = running.communicate()
    assert running.returncode == 0, f"{command[-1]}\n{printed}{faults}"
    return printed


@pytest.mark.parametrize("page", sorted(TUTORIALS.glob("*.md")), ids=lambda page: page.stem)
def test_its_commands_work_one_after_the_other(page: Path, checkout: Path) -> None:
    program = NEEDS.get(page.stem)
    if program is not None and shutil.which(program) is None:
        pytest.skip(f"{program} is not installed")
    printed = ""
    for block in blocks(page):
        if block.excuse:
            continue
        match block.language:
            case "sh":
                printed = type_in(checkout, block.text)
            case "python":
                printed = ran(checkout, [sys.executable, "-W", "error", "-c", block.text])
            case "text":
                there = {line.rstrip() for line in printed.splitlines()}
                assert not set(block.text.splitlines()) - there, printed
            case _:
                pytest.fail(f"{page.name}: a block of '{block.language}' is neither run nor excused")


def test_most_blocks_are_run() -> None:
    every = [block for page in TUTORIALS.glob("*.md") for block in blocks(page)]
    assert len(every) > 25
    assert sum(not block.excuse for block in every) >= 0.7 * len(every)
    assert all(len(block.excuse) > 10 for block in every if block.excuse)
