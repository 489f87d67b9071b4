"""What the site is measured with at scale is what submissions are, and nobody can take it for results."""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections import Counter
from pathlib import Path

import pytest

from fakes import REPOSITORY
from synthetic_board import TASKS, write_board
from tinybench.submissions.check import check
from tinybench.submissions.report import to_markdown

RESULTS = 402


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("synthetic")
    assert write_board(folder, RESULTS) == 101
    return folder


def documents(board: Path) -> list[dict]:
    return [json.loads(path.read_bytes()) for path in sorted(board.glob("*/*/*/results/*.json"))]


def test_it_passes_the_check(board: Path) -> None:
    report = check(board)
    assert report.passed, to_markdown(report)[:2000]
    assert report.counts.error == 0


def test_there_are_as_many_as_asked_for_and_none_twice(board: Path) -> None:
    assert len({document["id"] for document in documents(board)}) == RESULTS


def test_they_are_spread(board: Path) -> None:
    found = documents(board)
    modes = Counter(
        metric["mode"]
        for document in found
        for metric in document["metrics"]
        if metric["name"].startswith("latency.")
    )
    assert modes["measured"] > modes["simulated"] > modes["predicted"] > 0
    assert {document["task"]["id"] for document in found} == set(TASKS)
    assert 0 < sum(document["source"] is not None for document in found) < modes["measured"]
    assert {document["target_met"] for document in found} == {True, False}


def test_each_name_says_that_it_is_synthetic(board: Path) -> None:
    for path in board.glob("*/*/*/system.toml"):
        system = tomllib.loads(path.read_text())
        for text in (system["title"], system["organisation"], system["board"], system["notes"]):
            assert text.startswith("Synthetic")
        assert system["engine"]["name"].startswith("Synthetic")
        assert all(part.startswith("synthetic-") for part in path.parts[-3:-1])
    assert not list((REPOSITORY / "submissions").glob("*/synthetic*"))


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    def written(name: str, seed: int) -> str:
        write_board(tmp_path / name, 40, seed=seed)
        files = sorted((tmp_path / name).rglob("*.*"))
        content = b"".join(path.read_bytes() for path in files if path.is_file())
        return hashlib.sha256(content).hexdigest()

    assert written("one", 1) == written("again", 1) != written("other", 2)
