"""Verdicts of earlier checks are used while nothing changed, and never when something did."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

import complete_submission
from tinybench.submissions import check as checking
from tinybench.submissions import memory
from tinybench.submissions.check import check
from tinybench.submissions.layout import Place
from tinybench.submissions.memory import fingerprint


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TINYBENCH_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three submissions that were written long ago, as far as the check knows."""
    for number in range(3):
        draft = complete_submission.measured(f"2026.1/acme/board-{number}")
        draft.evidence.clear()
        draft.result.update(evidence=[], windows=[], notes=[f"board {number}"])
        draft.write(tmp_path / "submissions")
    monkeypatch.setattr(memory, "_SETTLED_NS", -1)
    return tmp_path / "submissions"


@pytest.fixture
def judged(monkeypatch: pytest.MonkeyPatch) -> list[Place]:
    """What is judged, and not remembered."""
    places: list[Place] = []
    judge_many = checking.judge_many

    def noting(root: Path, wanted: list[Place], *arguments: object) -> object:
        places.extend(wanted)
        return judge_many(root, wanted, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(checking, "judge_many", noting)
    return places


def test_the_second_check_says_the_same_without_looking(root: Path, judged: list[Place]) -> None:
    first = check(root, rerun=False)
    assert len(judged) == 3
    assert check(root, rerun=False).to_json() == first.to_json()
    assert len(judged) == 3


def add_a_file(folder: Path) -> None:
    (folder / "more.txt").write_text("more")


def same_size_and_time(folder: Path) -> None:
    path = next(folder.glob("results/*.json"))
    before = path.stat()
    path.write_bytes(path.read_bytes().replace(b"board 1", b"board 2"))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    after = path.stat()
    assert (after.st_size, after.st_mtime_ns, after.st_ino) == (
        before.st_size,
        before.st_mtime_ns,
        before.st_ino,
    )


def renamed(folder: Path) -> None:
    path = next(folder.glob("results/*.json"))
    path.rename(path.with_name("other.json"))


def made_executable(folder: Path) -> None:
    (folder / "system.toml").chmod(0o755)


def exchanged_for_a_link(folder: Path) -> None:
    (folder / "system.toml").unlink()
    (folder / "system.toml").symlink_to("/etc/hostname")


def removed(folder: Path) -> None:
    (folder / "manifest.json").unlink()


@pytest.mark.parametrize(
    "tamper", [add_a_file, same_size_and_time, renamed, made_executable, exchanged_for_a_link, removed]
)
def test_whatever_is_changed_is_looked_at_again(
    tamper: Callable[[Path], None], root: Path, judged: list[Place]
) -> None:
    assert check(root, rerun=False).passed
    judged.clear()
    tamper(root / "2026.1/acme/board-1")
    assert not check(root, rerun=False).passed
    assert judged == [Place("2026.1", "acme", "board-1")]


def test_what_others_hold_is_not_remembered_as_a_finding(root: Path, judged: list[Place]) -> None:
    """A duplicate is a matter of two: the one that did not change is found, too."""
    check(root, rerun=False)
    source = root / "2026.1/acme/board-1"
    copy = root / "2026.1/acme/board-4"
    for path in sorted(source.rglob("*")):
        target = copy / path.relative_to(source)
        target.parent.mkdir(parents=True, exist_ok=True)
        if path.is_file():
            target.write_bytes(path.read_bytes())
    judged.clear()
    report = check(root, rerun=False)
    assert judged == [Place("2026.1", "acme", "board-4")]
    duplicated = {verdict.place for verdict in report.submissions if verdict.severity == "error"}
    assert duplicated == {"2026.1/acme/board-1", "2026.1/acme/board-4"}
    (copy / "manifest.json").unlink()
    (copy / "results" / next(copy.glob("results/*.json")).name).unlink()
    report = check(root, rerun=False)
    assert {verdict.place for verdict in report.submissions if verdict.severity == "error"} == {
        "2026.1/acme/board-4"
    }


def test_other_circumstances_are_another_check(root: Path, judged: list[Place], tmp_path: Path) -> None:
    check(root, rerun=False)
    keys = tmp_path / "keys.toml"
    keys.write_text("")
    check(root, rerun=False, trusted=keys)
    assert len(judged) == 6


def test_without_the_cache_everything_is_looked_at(root: Path, judged: list[Place], own_cache: Path) -> None:
    for _ in range(2):
        check(root, rerun=False, cache=False)
    assert len(judged) == 6
    assert not own_cache.exists()


def test_what_was_just_written_is_not_remembered(tmp_path: Path, judged: list[Place]) -> None:
    root = tmp_path / "submissions"
    folder = complete_submission.published().write(root)
    assert fingerprint(folder) is None
    for _ in range(2):
        check(root, rerun=False)
    assert len(judged) == 2


def test_a_cache_that_is_broken_is_as_none(root: Path, judged: list[Place], own_cache: Path) -> None:
    expected = check(root, rerun=False).to_json()
    (kept,) = (own_cache / "checks").glob("*.json")
    kept.write_bytes(b'{"2026.1/acme/board-1": {}}')
    assert check(root, rerun=False).to_json() == expected
    assert len(judged) == 6


def test_a_cache_that_cannot_be_written_is_no_failure(
    root: Path, own_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own_cache.write_text("a file where the folder should be")
    assert check(root, rerun=False).passed
