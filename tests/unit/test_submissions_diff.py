from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fakes import load_document, placed, published_document
from tinybench.errors import DataError, UsageError
from tinybench.submissions import diff, history
from tinybench.submissions.layout import Place

PLACE = Place("2026.1", "example", "board")


def latency(value: float, **changes: Any) -> dict[str, Any]:
    document = published_document(**changes)
    for metric in document["metrics"]:
        if metric["name"] == "latency.per_inference":
            metric["value"] = value
    return document


def test_nothing_changes_if_nothing_was_changed(tmp_path: Path) -> None:
    placed(tmp_path, PLACE, latency(0.09))
    scores = diff.scores(tmp_path, [PLACE])
    assert len(scores) == 1
    assert diff.compare(scores, scores) == []


def test_a_faster_result_is_one_change(tmp_path: Path) -> None:
    placed(tmp_path / "a", PLACE, latency(0.09))
    placed(tmp_path / "b", PLACE, latency(0.045))
    (change,) = diff.compare(*(diff.scores(tmp_path / side, [PLACE]) for side in "ab"))
    assert (change.kind, change.metric, change.before, change.after) == (
        "changed",
        "latency.per_inference",
        0.09,
        0.045,
    )
    assert change.relative == -0.5
    assert change.subject == diff.Subject("example", "board", "kws", "kws", "tflm-sim")


def test_a_result_that_is_new_or_gone_gives_all_its_figures(tmp_path: Path) -> None:
    placed(tmp_path, PLACE, latency(0.09))
    scores = diff.scores(tmp_path, [PLACE, Place("2026.1", "example", "not-there")])
    added, removed = diff.compare({}, scores), diff.compare(scores, {})
    assert {change.kind for change in added} == {"added"}
    assert {change.kind for change in removed} == {"removed"}
    assert [change.metric for change in added] == [metric["name"] for metric in load_document()["metrics"]]
    assert all(change.relative is None for change in added + removed)


def test_another_mode_is_a_change_even_of_the_same_value(tmp_path: Path) -> None:
    other = latency(0.09)
    for metric in other["metrics"]:
        if metric["name"] == "latency.per_inference":
            metric["mode"] = "predicted"
    placed(tmp_path / "a", PLACE, latency(0.09))
    placed(tmp_path / "b", PLACE, other)
    (change,) = diff.compare(*(diff.scores(tmp_path / side, [PLACE]) for side in "ab"))
    assert (change.mode_before, change.mode_after, change.relative) == ("simulated", "predicted", 0.0)


def test_two_results_of_the_same_are_refused(tmp_path: Path) -> None:
    placed(tmp_path, PLACE, latency(0.09))
    placed(tmp_path, PLACE, latency(0.08))
    with pytest.raises(DataError, match="a second result of kws"):
        diff.scores(tmp_path, [PLACE])


def git(folder: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=x", "-c", "user.email=x@example.org")
    subprocess.run(["git", "-C", str(folder), *identity, *arguments], check=True, capture_output=True)


def test_a_revision_is_compared_with_what_is_there_now(tmp_path: Path) -> None:
    root = tmp_path / "submissions"
    path = placed(root, PLACE, latency(0.09))
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-qm", "first")
    path.unlink()
    placed(root, PLACE, latency(0.045))
    other = Place("2026.1", "example", "new")
    placed(root, other, latency(0.1))
    with history.snapshot(root, "HEAD", [PLACE, other]) as old:
        before = diff.scores(old, [PLACE, other])
        kept = old
    changes = diff.compare(before, diff.scores(root, [PLACE, other]))
    assert not kept.exists()
    assert {change.kind for change in changes if change.subject.system == "new"} == {"added"}
    assert [c.relative for c in changes if c.subject.system == "board"] == [-0.5]


@pytest.mark.parametrize("revision", ["no-such-branch", "--output=/nowhere", "HEAD:x"])
def test_a_revision_that_is_none_is_one_clear_line(tmp_path: Path, revision: str) -> None:
    git(tmp_path, "init", "-q")
    with (
        pytest.raises(UsageError, match="git rev-parse failed"),
        history.snapshot(tmp_path, revision, [PLACE]),
    ):
        pass


def test_markdown_has_a_line_for_each_figure(tmp_path: Path) -> None:
    placed(tmp_path / "a", PLACE, latency(0.09))
    placed(tmp_path / "b", PLACE, latency(0.045))
    text = diff.to_markdown(diff.compare(*(diff.scores(tmp_path / side, [PLACE]) for side in "ab")))
    names, figures = "`2026.1/example/board` | `kws` | `kws`", "90 ms | 45 ms | -50.0%"
    assert text.splitlines()[-1] == f"| {names} | latency.per_inference | {figures} | simulated |"
    assert "No figure changes" in diff.to_markdown([])


def test_markdown_is_short_and_shows_names_as_text(tmp_path: Path) -> None:
    names = [f"<img src=x>|`@all` {number}" for number in range(100)]
    change = diff.Change(
        "added",
        "2026.1",
        diff.Subject("a", "b", "kws", "", "r"),
        "power.active",
        "W",
        None,
        1,
        None,
        "measured",
    )
    changes = [replace(change, subject=change.subject._replace(model=name)) for name in names]
    text = diff.to_markdown(changes)
    assert len(text) <= 4000
    shown = [line for line in text.splitlines() if "img" in line]
    assert all(line.count("|") == 9 and line.count("`") == 6 for line in shown)
    assert text.endswith(f"... and {100 - len(shown)} more.\n")


def _pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def _link(path: Path) -> None:
    path.unlink()
    path.symlink_to("/dev/zero")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (_pipe, "not a regular file"),
        (_link, "symbolic link"),
        (lambda path: path.write_bytes(b"[" * 200_000), "lists and objects"),
        (lambda path: path.rename(path.with_name("a b.json")), "no name of a result"),
    ],
    ids=["pipe", "link", "deep", "name"],
)
def test_files_are_read_with_the_bounds_of_a_check(
    change: Callable[[Path], object], reason: str, tmp_path: Path
) -> None:
    placed(tmp_path, PLACE, latency(0.09))
    (path,) = (tmp_path / PLACE.path / "results").iterdir()
    change(path)
    with pytest.raises(DataError, match=reason):
        diff.scores(tmp_path, [PLACE])
