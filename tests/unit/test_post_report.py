"""The privileged half of a check of a pull request: what it posts, and what it refuses."""

from __future__ import annotations

import importlib.util
import io
import itertools
import re
import subprocess
import sys
import zipfile
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fake_github import BOT, NUMBER, RUN, FakeGitHub, artefact

SCRIPT = Path(__file__).parents[2] / ".github/scripts/post_report.py"
GOOD = {"pull-request.txt": f"{NUMBER}\n", "summary.md": "All hold.\n", "report.json": "{}"}


def load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("post_report", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


post_report = load()


@pytest.fixture
def github(tmp_path: Path) -> FakeGitHub:
    made = FakeGitHub(tmp_path / "github")
    made.keep(artefact(GOOD))
    return made


def post(github: FakeGitHub, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-I", SCRIPT],
        env=github.environment,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def refused(github: FakeGitHub, because: str) -> None:
    done = post(github)
    assert done.returncode == 1
    assert because in done.stderr
    assert "Traceback" not in done.stderr
    assert github.written == []


def test_the_summary_is_posted_on_the_pull_request(github: FakeGitHub) -> None:
    done = post(github)
    assert done.returncode == 0, done.stderr
    (written,) = github.written
    assert written["method"] == "POST"
    assert written["path"].endswith(f"/issues/{NUMBER}/comments")
    assert "All hold." in written["body"]
    assert github.head[:12] in written["body"]
    assert str(RUN) in written["body"]


def test_the_comment_of_an_earlier_run_is_replaced(github: FakeGitHub) -> None:
    post(github)
    others = [{"id": i, "user": {"login": "somebody"}, "body": "a remark"} for i in range(150)]
    github.answer(
        f"issues/{NUMBER}/comments", [*others, {"id": 555, "user": BOT, "body": github.written[0]["body"]}]
    )
    assert post(github).returncode == 0
    _, second = github.written
    assert second["method"] == "PATCH"
    assert second["path"].endswith("/issues/comments/555")


def test_a_comment_of_somebody_else_is_never_replaced(github: FakeGitHub) -> None:
    planted = {"id": 1, "user": {"login": "stranger"}, "body": post_report.MARKER + " of mine"}
    another = {"id": 2, "user": BOT, "body": f"about something else {post_report.MARKER}"}
    github.answer(f"issues/{NUMBER}/comments", [planted, another])
    post(github)
    assert [written["method"] for written in github.written] == ["POST"]


def test_a_run_without_a_report_posts_nothing(github: FakeGitHub) -> None:
    github.keep_nothing()
    done = post(github)
    assert done.returncode == 0
    assert "nothing to post" in done.stdout
    github.keep(artefact(GOOD), expired=True)
    assert post(github).returncode == 0
    assert github.written == []


def test_a_report_on_another_pull_request_is_refused(github: FakeGitHub) -> None:
    github.keep(artefact(GOOD | {"pull-request.txt": "8"}))
    github.answer("pulls/8", github.request("b" * 40, 1))
    refused(github, "not about what pull request 8 proposes")


def test_a_report_on_a_pull_request_that_is_not_there_is_refused(github: FakeGitHub) -> None:
    github.keep(artefact(GOOD | {"pull-request.txt": "12345"}))
    refused(github, "pulls/12345 failed")


def test_a_pull_request_into_another_repository_is_refused(github: FakeGitHub) -> None:
    github.propose(["submissions/a/b/c/system.toml"], base="stranger/tinybench")
    refused(github, "proposes now")


def test_a_push_while_the_files_are_listed_is_refused(github: FakeGitHub) -> None:
    github.answer(f"pulls/{NUMBER}", github.request(github.head, 1), turn=1)
    github.answer(f"pulls/{NUMBER}", github.request("b" * 40, 1))
    refused(github, "proposes now")


@pytest.mark.parametrize(
    "files",
    [
        ["submissions/2026.1/acme/board/system.toml", ".github/workflows/submission.yml"],
        ["submissionsx/a"],
        [{"filename": "submissions/a/b/c/x.json", "previous_filename": "src/x.json"}],
    ],
)
def test_the_report_on_a_pull_request_that_changes_more_is_not_repeated(
    github: FakeGitHub, files: list[str | dict[str, str]]
) -> None:
    github.propose(files)
    assert post(github).returncode == 0
    (written,) = github.written
    assert "All hold." not in written["body"]
    assert post_report.ELSEWHERE in written["body"]


def test_files_that_github_does_not_list_may_be_anywhere(github: FakeGitHub) -> None:
    github.answer(f"pulls/{NUMBER}", github.request(github.head, 3001))
    post(github)
    github.answer(f"pulls/{NUMBER}", github.request(github.head, 2))
    post(github)
    assert all(post_report.ELSEWHERE in written["body"] for written in github.written)
    assert len(github.written) == 2


@pytest.mark.parametrize(
    "number",
    ["", "x", "-1", "0", "07", "7\n8", "7 ", "٧", "7; echo", "../8", "9" * 15, "9" * 1000, "7?x=", b"\xff"],
)
def test_what_is_no_number_is_refused(github: FakeGitHub, number: str | bytes) -> None:
    github.keep(artefact(GOOD | {"pull-request.txt": number}))
    refused(github, "pull-request.txt")


@pytest.mark.parametrize(
    ("summary", "because"),
    [
        ("x" * 64_001, "more than 64000"),
        (b"\xff\xfe", "not UTF-8"),
        ("a\0b", "cannot be seen"),
        ("\x1b[31mred", "cannot be seen"),
        ("a\u202eb", "cannot be seen"),
    ],
)
def test_what_is_no_summary_is_refused(github: FakeGitHub, summary: str | bytes, because: str) -> None:
    github.keep(artefact(GOOD | {"summary.md": summary}))
    refused(github, because)


@pytest.mark.parametrize("missing", ["summary.md", "pull-request.txt"])
def test_an_artefact_without_a_file_is_refused(github: FakeGitHub, missing: str) -> None:
    github.keep(artefact({name: text for name, text in GOOD.items() if name != missing}))
    refused(github, missing)


def test_an_artefact_with_a_file_twice_is_refused(github: FakeGitHub) -> None:
    data = artefact(GOOD | {"summary.mX": "another"})
    github.keep(data.replace(b"summary.mX", b"summary.md"))
    refused(github, "does not hold one summary.md")


def test_a_zip_bomb_is_refused(github: FakeGitHub) -> None:
    github.keep(artefact(GOOD | {"summary.md": b"\0" * 50_000_000}))
    refused(github, "more than 256000 bytes")


def test_an_artefact_that_is_too_large_is_not_fetched(github: FakeGitHub) -> None:
    github.keep(b"", size=16 * 2**20 + 1)
    refused(github, "more than 16777216")


def test_nothing_is_unpacked(github: FakeGitHub, tmp_path: Path) -> None:
    outside = {"../../escaped": "x", f"{tmp_path}/escaped": "x", "sub/escaped": "x"}
    github.keep(artefact(GOOD | outside))
    folder = tmp_path / "where/it/runs"
    folder.mkdir(parents=True)
    before = set(tmp_path.rglob("*"))
    assert post(github, folder).returncode == 0
    assert {path.name for path in set(tmp_path.rglob("*")) - before} == {"written.jsonl"}


def test_another_compression_is_refused(github: FakeGitHub) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_LZMA) as archive:
        for name, text in GOOD.items():
            archive.writestr(name, text)
    github.keep(buffer.getvalue())
    refused(github, "in a way that GitHub uses")


@given(st.integers(0, 400), st.binary(min_size=1, max_size=8), st.integers(0, 8))
def test_a_broken_zip_file_is_refused_or_read(at: int, new: bytes, removed: int) -> None:
    good = artefact(GOOD)
    at %= len(good)
    try:
        number, summary = post_report.members(good[:at] + new + good[at + removed :])
    except post_report.RefusedError:
        return
    assert number > 0
    assert len(summary) <= 4 * post_report.MAX_SUMMARY


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("- **TB301** `9.2 s < 10 s` & &lt;name>", "- **TB301** `9.2 s < 10 s` & &lt;name>"),
        ("<details><summary>x</summary>\ny</details>", "<details><summary>x</summary>\ny</details>"),
        ("<script>alert(1)</script>", "&lt;script>alert(1)&lt;/script>"),
        ("<details open onclick=x>", "&lt;details open onclick=x>"),
        ("<!-- hidden -->", "&lt;!-- hidden -->"),
        ("@octocat and #12", "@\u2060octocat and #\u206012"),
        ("&commat;octocat &#64;octocat", "&amp;commat;octocat &amp;#\u206064;octocat"),
        ("![p](https://x/y.png)", "![p]\u2060(https://x/y.png)"),
        ("[p][q]\n\n[q]: https://x", "[p]\u2060[q]\n\n[q]\u2060: https://x"),
        ("## Heading", "## Heading"),
    ],
)
def test_markdown_is_shown_and_does_nothing(text: str, shown: str) -> None:
    assert post_report.harmless(text) == shown


@given(st.text(st.characters(categories=("L", "N", "P", "S", "Zs"), include_characters="\n"), max_size=200))
def test_no_text_notifies_anybody_or_opens_a_tag(text: str) -> None:
    try:
        shown = post_report.harmless(text)
    except post_report.RefusedError:
        return
    assert not any(one in "@#" and after.isalnum() for one, after in itertools.pairwise(shown))
    for tag in ("<details>", "</details>", "<summary>", "</summary>"):
        shown = shown.replace(tag, "")
    assert not re.search("<[A-Za-z/!?]", shown)
    assert "](" not in shown
