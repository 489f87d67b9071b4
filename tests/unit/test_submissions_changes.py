"""What a range of git commits does to submissions, and what of that is not one organisation adding data."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

import complete_submission
from submission_fixtures import write_file
from tinybench.errors import UsageError
from tinybench.submissions.changes import Change, changed_since, parse_raw
from tinybench.submissions.check import check
from tinybench.submissions.layout import Place
from tinybench.submissions.rules.change import check_change

ONE = Place("2026.1", "acme", "board-one")
TWO = Place("2026.1", "acme", "board-two")
OTHER = Place("2026.1", "example", "board")


def git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), "-c", "user.name=T", "-c", "user.email=t@example.org", *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with two submissions, and a branch on top of it."""
    root = tmp_path / "repository"
    root.mkdir()
    git(root, "init", "--quiet", "--initial-branch=main")
    for place in (ONE, OTHER):
        write_file(root / "submissions" / place.path / "system.toml", b"one\n")
        write_file(root / "submissions" / place.path / "results/kws.json", b"{}\n")
    write_file(root / "README.md", b"hello\n")
    commit(root)
    git(root, "checkout", "--quiet", "-b", "branch")
    return root


def commit(root: Path) -> None:
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--allow-empty", "-m", "change")


def found(root: Path, revision: str = "main") -> list[tuple[str, str]]:
    changes = changed_since(root / "submissions", revision)
    return [(finding.rule.code, finding.where) for finding in check_change(changes)]


def test_one_that_is_added_is_checked(repository: Path) -> None:
    write_file(repository / "submissions" / TWO.path / "system.toml", b"two\n")
    commit(repository)
    changes = changed_since(repository / "submissions", "main")
    assert changes.submissions == {TWO: "added"}
    assert changes.to_check == (TWO,)
    assert found(repository) == []


def test_what_is_not_committed_counts_too(repository: Path) -> None:
    write_file(repository / "submissions" / TWO.path / "system.toml", b"two\n")
    write_file(repository / "submissions" / ONE.path / "system.toml", b"changed\n")
    assert changed_since(repository / "submissions", "main").submissions == {ONE: "altered", TWO: "added"}


def test_what_git_was_not_told_of_elsewhere_is_no_part_of_the_change(repository: Path) -> None:
    """Whoever prepares a submission has logs, keys and results in the checkout."""
    write_file(repository / "submissions" / TWO.path / "system.toml", b"two\n")
    write_file(repository / "sessions/kws/performance/log.txt", b"a log\n")
    assert found(repository) == []
    git(repository, "add", "sessions")
    assert found(repository) == [("TB153", "sessions/kws/performance/log.txt")]


def test_nothing_changed_is_nothing_to_check(repository: Path) -> None:
    write_file(repository / "README.md", b"hello again\n")
    commit(repository)
    changes = changed_since(repository / "submissions", "main")
    assert (changes.to_check, changes.outside) == ((), ("README.md",))
    assert found(repository) == []


def test_one_that_is_removed_is_missed(repository: Path) -> None:
    shutil.rmtree(repository / "submissions" / ONE.path)
    commit(repository)
    assert found(repository) == [("TB150", ONE.path)]
    assert changed_since(repository / "submissions", "main").to_check == ()


def test_one_that_is_moved_is_removed_and_added(repository: Path) -> None:
    (repository / "submissions" / ONE.path).rename(repository / "submissions" / TWO.path)
    commit(repository)
    assert changed_since(repository / "submissions", "main").submissions == {ONE: "removed", TWO: "added"}


def test_one_that_was_there_is_altered(repository: Path) -> None:
    (repository / "submissions" / ONE.path / "results/kws.json").unlink()
    commit(repository)
    assert found(repository) == [("TB151", ONE.path)]
    assert changed_since(repository / "submissions", "main").to_check == (ONE,)


def test_what_others_did_meanwhile_is_no_part_of_the_change(repository: Path) -> None:
    write_file(repository / "submissions" / TWO.path / "system.toml", b"two\n")
    commit(repository)
    git(repository, "checkout", "--quiet", "main")
    write_file(repository / "submissions" / OTHER.path / "system.toml", b"changed\n")
    commit(repository)
    git(repository, "checkout", "--quiet", "branch")
    assert changed_since(repository / "submissions", "main").submissions == {TWO: "added"}


def test_two_organisations_are_two_pull_requests(repository: Path) -> None:
    write_file(repository / "submissions" / TWO.path / "system.toml", b"two\n")
    write_file(repository / "submissions/2026.1/example/board-two/system.toml", b"two\n")
    commit(repository)
    assert found(repository) == [("TB152", ".")]


def test_a_submission_and_something_else_are_two_pull_requests(repository: Path) -> None:
    write_file(repository / "submissions" / TWO.path / "system.toml", b"two\n")
    write_file(repository / ".github/workflows/check.yml", b"on: push\n")
    write_file(repository / "submissions/2026.1/evil.sh", b"#!/bin/sh\n")
    commit(repository)
    assert found(repository) == [
        ("TB153", ".github/workflows/check.yml"),
        ("TB153", "submissions/2026.1/evil.sh"),
    ]


def test_many_files_elsewhere_are_counted(repository: Path) -> None:
    write_file(repository / "submissions" / TWO.path / "system.toml", b"two\n")
    for number in range(30):
        write_file(repository / f"src/{number:02}.py", b"pass\n")
    commit(repository)
    codes = found(repository)
    assert len(codes) == 21
    assert codes[-1] == ("TB153", ".")


def test_names_may_be_any_bytes(repository: Path) -> None:
    write_file(repository / "submissions" / TWO.path / "system.toml", b"two\n")
    name = os.fsdecode(b'sub\xff"\n<b>@all')
    write_file(repository / name, b"")
    commit(repository)
    ((code, where),) = found(repository)
    assert code == "TB153"
    assert where.isascii()
    assert where.isprintable()


def test_links_and_programs_are_no_plain_files(repository: Path) -> None:
    folder = repository / "submissions" / TWO.path
    write_file(folder / "system.toml", b"two\n").chmod(0o755)
    (folder / "README.md").symlink_to("/etc/passwd")
    commit(repository)
    assert set(found(repository)) == {
        ("TB154", f"submissions/{TWO.path}/README.md"),
        ("TB154", f"submissions/{TWO.path}/system.toml"),
    }


def test_a_submodule_is_an_empty_folder_to_everything_but_git(repository: Path) -> None:
    head = git(repository, "rev-parse", "HEAD")
    place = f"submissions/{TWO.path}"
    git(repository, "update-index", "--add", "--cacheinfo", f"160000,{head},{place}")
    git(repository, "commit", "--quiet", "-m", "change")
    (repository / place).mkdir()
    assert found(repository) == [("TB154", place)]


def test_in_a_shallow_clone_the_first_parent_is_enough(repository: Path, tmp_path: Path) -> None:
    write_file(repository / "submissions" / TWO.path / "system.toml", b"two\n")
    commit(repository)
    git(repository, "checkout", "--quiet", "main")
    git(repository, "merge", "--quiet", "--no-ff", "-m", "merge", "branch")
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "--quiet", "--depth=2", repository.as_uri(), str(clone))
    assert changed_since(clone / "submissions", "HEAD^1").submissions == {TWO: "added"}


@pytest.mark.parametrize("revision", ["nothing", "--output=/etc/passwd", ""])
def test_a_revision_that_is_not_there_is_said(repository: Path, revision: str) -> None:
    with pytest.raises(UsageError):
        changed_since(repository / "submissions", revision)


def test_without_git_there_is_no_change(tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        changed_since(tmp_path, "main")


def test_the_output_of_git_is_read_byte_by_byte() -> None:
    zeros = b"0" * 40
    output = b":100644 000000 " + zeros + b" " + zeros + b" D\0a\nb\0"
    assert list(parse_raw(output)) == [Change("a\nb", "000000")]
    assert list(parse_raw(b"")) == []


def test_whoever_names_a_source_is_not_believed(tmp_path: Path) -> None:
    root = tmp_path / "submissions"
    complete_submission.measured().write(root)
    git(tmp_path, "init", "--quiet", "--initial-branch=main")
    commit(tmp_path)
    complete_submission.published().write(root)
    report = check(root, changes=changed_since(root, "main"), rerun=False, cache=False)
    (found,) = report.findings
    assert (found.code, found.where) == ("TB155", complete_submission.PUBLISHED)
    assert not report.passed
    assert not check(root, rerun=False, cache=False).findings
