"""The steps of the workflows that judge a pull request, run on a repository with a base and a pull request.

What GitHub does (checking out, keeping an artefact, answering ``gh``) is done here in its place; every line
of script is that of the workflow.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml
from markdown_it import MarkdownIt

import complete_submission
from fake_github import NUMBER, REPOSITORY, RUN, FakeGitHub, artefact
from fakes import REPOSITORY as CHECKOUT
from submission_fixtures import repack

WORKFLOWS = CHECKOUT / ".github/workflows"
THERE = "2026.1/acme/board-one"
OTHER = "2026.1/other/board"
"""Submissions that the base has."""


def git(folder: Path, *arguments: str, stdin: bytes | None = None) -> str:
    """Git without the configuration of whoever runs the tests."""
    identity = ("-c", "user.name=Somebody", "-c", "user.email=somebody@example.org")
    done = subprocess.run(
        ["git", *identity, "-C", str(folder), *arguments],
        env=os.environ | {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"},
        input=stdin,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode().strip()


def write_submission(repository: Path, place: str, *, latency_s: float = 0.0432) -> Path:
    """A submission that breaks no rule: measured, with its log; another latency is another run."""
    iterations = 400
    lasting = [round(latency_s * iterations * 1e6) + window for window in range(5)]
    draft = complete_submission.measured(place, microseconds=lasting, iterations=iterations, energy_ms=())
    return draft.write(repository / "submissions")


@dataclass
class Origin:
    """The repository on GitHub."""

    folder: Path

    def propose(self, change: Callable[[Path], object]) -> dict[str, str]:
        """Commit a change on a branch and merge it as GitHub does to try it; what the workflow is told."""
        git(self.folder, "checkout", "--quiet", "--detach", "main")
        change(self.folder)
        git(self.folder, "add", "--all", "--force")
        return self.propose_commit(self.commit("a pull request"))

    def propose_commit(self, head: str) -> dict[str, str]:
        git(self.folder, "checkout", "--quiet", "--detach", "--force", "main")
        git(self.folder, "merge", "--quiet", "--no-ff", "-m", "merge", head)
        merge = git(self.folder, "rev-parse", "HEAD")
        git(self.folder, "update-ref", f"refs/pull/{NUMBER}/merge", merge)
        return {
            "github.sha": merge,
            "github.event.pull_request.base.ref": "main",
            "github.event.pull_request.number": str(NUMBER),
            "head": head,
        }

    def commit(self, message: str) -> str:
        git(self.folder, "commit", "--quiet", "--allow-empty", "-m", message)
        return git(self.folder, "rev-parse", "HEAD")


@pytest.fixture
def origin(tmp_path: Path) -> Origin:
    """A base with the scripts of this checkout and one submission."""
    folder = tmp_path / "origin"
    shutil.copytree(CHECKOUT / ".github/scripts", folder / ".github/scripts")
    write_submission(folder, THERE)
    write_submission(folder, OTHER, latency_s=0.5)
    (folder / "submissions/trusted-keys.toml").write_text("")
    git(folder, "init", "--quiet", "--initial-branch=main")
    git(folder, "config", "uploadpack.allowAnySHA1InWant", "true")
    git(folder, "add", "--all", "--force")
    made = Origin(folder)
    made.commit("the base")
    return made


class Runner:
    """As much of GitHub's runner as the workflows need."""

    def __init__(
        self, workspace: Path, origin: Path, values: Mapping[str, str], environment: Mapping[str, str]
    ):
        self.workspace = workspace
        self.origin = origin
        self.values = values
        self.environment = {**environment, "GITHUB_STEP_SUMMARY": str(workspace.with_suffix(".summary"))}
        self.kept: dict[str, bytes] = {}
        self.log = ""
        workspace.mkdir()

    def run(self, workflow: str, job: str) -> int:
        """Exit code of the step that failed; 0 if none did."""
        code = 0
        for step in yaml.safe_load((WORKFLOWS / workflow).read_text())["jobs"][job]["steps"]:
            if code and "!cancelled()" not in str(step.get("if")):
                continue
            if step.get("continue-on-error"):
                continue  # a download, which there is no network for
            if "uses" in step:
                action = step["uses"].partition("@")[0].replace("/", "_").replace("-", "_")
                getattr(self, action)({key: self.evaluate(value) for key, value in step["with"].items()})
            elif step["run"].startswith("make "):
                self.install(step["run"])
            else:
                code = self.script(step) or code
        return code

    def evaluate(self, value: object) -> str:
        """An entry of ``with`` or ``env``."""
        return re.sub(r"\$\{\{ (.*?) \}\}", lambda found: self.values[found[1]], str(value))

    def script(self, step: dict[str, Any]) -> int:
        variables = {key: self.evaluate(value) for key, value in step.get("env", {}).items()}
        done = subprocess.run(
            ["bash", "-e", "-c", step["run"]],
            cwd=self.workspace,
            env=self.environment | variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=120,
            check=False,
        )
        self.log += done.stdout.decode()
        return done.returncode

    def install(self, command: str) -> None:
        """Every package of the lock takes minutes; the tinybench of this test stands in."""
        found = re.fullmatch(r"make (?:-C (\S+) )?install PYTHON=python", command)
        assert found, command
        program = self.workspace / (found[1] or ".") / ".venv/bin/tinybench"
        program.parent.mkdir(parents=True)
        program.write_text(f'#!/bin/sh\nexec {sys.executable} -m tinybench "$@"\n')
        program.chmod(0o755)

    def actions_checkout(self, options: dict[str, str]) -> None:
        folder = self.workspace / options.get("path", ".")
        folder.mkdir(parents=True, exist_ok=True)
        git(folder, "init", "--quiet")
        depth = f"--depth={options.get('fetch-depth', 1)}"
        git(folder, "fetch", "--quiet", depth, self.origin.as_uri(), options.get("ref", "main"))
        git(folder, "checkout", "--quiet", "--detach", "FETCH_HEAD")

    def actions_setup_python(self, options: dict[str, str]) -> None:
        assert options["python-version"]

    def actions_upload_artifact(self, options: dict[str, str]) -> None:
        folder = self.workspace / options["path"]
        self.kept = {path.name: path.read_bytes() for path in folder.iterdir()}
        assert self.kept


@dataclass
class Judged:
    """What a pull request got."""

    code: int
    report: dict[str, Any]
    summary: str
    runner: Runner

    @property
    def findings(self) -> list[dict[str, str]]:
        """All that was found, about the change and about submissions."""
        assert self.report, self.runner.log
        submissions = self.report["submissions"]
        return [*self.report["findings"], *(found for one in submissions for found in one["findings"])]

    @property
    def rules(self) -> set[str]:
        return {found["code"] for found in self.findings}

    @property
    def errors(self) -> set[str]:
        return {found["code"] for found in self.findings if found["severity"] == "error"}


def judge(origin: Origin, tmp_path: Path, values: Mapping[str, str]) -> Judged:
    runner = Runner(tmp_path / "checks", origin.folder, values, os.environ)
    code = runner.run("submission.yml", "check")
    assert set(runner.kept) >= {"pull-request.txt", "summary.md"}, runner.log
    assert runner.kept["pull-request.txt"] == f"{NUMBER}\n".encode()
    summary = runner.kept["summary.md"].decode()
    assert (tmp_path / "checks.summary").read_text() == summary
    report = json.loads(runner.kept["report.json"]) if "report.json" in runner.kept else {}
    return Judged(code, report, summary, runner)


def system_toml(folder: Path, place: str, old: str, new: str) -> None:
    """Change system.toml of a submission, and its manifest."""
    path = folder / "submissions" / place / "system.toml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    repack(path.parent)


def test_a_good_submission_passes_and_the_comment_says_so(origin: Origin, tmp_path: Path) -> None:
    place = "2026.1/acme/board-two"
    values = origin.propose(lambda folder: write_submission(folder, place, latency_s=0.05))
    judged = judge(origin, tmp_path, values)
    assert judged.code == 0, judged.runner.log + judged.summary
    assert [one["place"] for one in judged.report["submissions"]] == [place]
    assert not judged.errors
    assert (
        f"| `{place}` | `kws` | `mlperf-kws` | latency.per_inference |  | 50 ms | added | measured |"
        in judged.summary
    )

    github = FakeGitHub(tmp_path / "github", head=values["head"])
    github.propose([f"submissions/{place}/system.toml"])
    github.keep(artefact(judged.runner.kept))
    told = {
        "github.token": "a token",
        "github.repository": REPOSITORY,
        "github.event.repository.default_branch": "main",
        "github.event.workflow_run.id": str(RUN),
        "github.event.workflow_run.head_sha": values["head"],
    }
    posts = Runner(tmp_path / "posts", origin.folder, told, github.environment)
    assert posts.run("submission-comment.yml", "comment") == 0, posts.log
    (written,) = github.written
    assert place in written["body"]
    # What tinybench writes does nothing: none of it had to be changed.
    assert judged.summary.strip() in written["body"]


def test_what_others_merged_meanwhile_is_not_held_against_it(origin: Origin, tmp_path: Path) -> None:
    start = git(origin.folder, "rev-parse", "main")
    write_submission(origin.folder, "2026.1/third/board", latency_s=0.4)
    (origin.folder / "README.md").write_text("new\n")
    git(origin.folder, "add", "--all", "--force")
    origin.commit("meanwhile")
    git(origin.folder, "checkout", "--quiet", "--detach", start)
    write_submission(origin.folder, "2026.1/acme/board-two", latency_s=0.05)
    git(origin.folder, "add", "--all", "--force")
    values = origin.propose_commit(origin.commit("a pull request"))
    judged = judge(origin, tmp_path, values)
    assert judged.code == 0, judged.runner.log + judged.summary
    assert [one["place"] for one in judged.report["submissions"]] == ["2026.1/acme/board-two"]


def test_a_pull_request_cannot_bring_its_own_judge(origin: Origin, tmp_path: Path) -> None:
    def cheat(folder: Path) -> None:
        write_submission(folder, "2026.1/acme/board-two", latency_s=0.05)
        script = folder / ".github/scripts/check_submissions.sh"
        script.write_text(
            f"#!/bin/sh\ntouch {tmp_path}/was-run\nmkdir -p $1\necho All hold. > $1/summary.md\n"
        )
        for name in ("sitecustomize.py", "tinybench.py", "submissions/tinybench/__init__.py"):
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_text(f"open({str(tmp_path / 'was-run')!r}, 'w')\n")

    judged = judge(origin, tmp_path, origin.propose(cheat))
    assert judged.code == 1
    assert "TB153" in judged.errors
    assert not (tmp_path / "was-run").exists()


def live(markdown: str) -> list[str]:
    """What in a comment is more than text: HTML, links, pictures, and names that would be notified."""
    found = []
    for block in MarkdownIt("commonmark", {"html": True}).enable("table").parse(markdown):
        for token in (block, *(block.children or ())):
            if token.type in ("link_open", "image"):
                found.append(token.type)
            elif token.type in ("html_block", "html_inline"):
                found += re.findall(r"<(?!/?(?:details|summary)>).*", token.content)
            elif token.type == "text":
                found += re.findall(r"[@#]\w+|https?:", token.content)
    return found


def headings(markdown: str) -> list[str]:
    tokens = MarkdownIt("commonmark").parse(markdown)
    return [after.content for token, after in pairwise(tokens) if token.type == "heading_open"]


def test_what_is_live_in_a_comment_is_seen() -> None:
    lines = ("# @a <b>", "`@c <i>` [d](e) ![f](g)", "<p>", "<details><summary>x</summary>", "- #1 https://x")
    assert live("\n\n".join(lines)) == ["@a", "<b>", "link_open", "image", "<p>", "#1", "https:"]


def evil_names(folder: Path) -> None:
    write_submission(folder, "2026.1/acme/board-two", latency_s=0.05)
    for name in (
        "<img src=x onerror=alert(1)>/acme/board/system.toml",
        "2026.1/acme/board-two/results/$(touch was-run).json",
        "2026.1/acme/board-two/line\n::set-env name=PATH::evil.txt",
        "2026.1/acme/@everyone/system.toml",
    ):
        path = folder / "submissions" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x = 1\n")


def test_names_that_mean_something_elsewhere_are_only_shown(origin: Origin, tmp_path: Path) -> None:
    judged = judge(origin, tmp_path, origin.propose(evil_names))
    assert judged.code == 1
    assert judged.errors
    assert not list(tmp_path.rglob("was-run"))
    assert "onerror" in judged.summary
    assert "everyone" in judged.summary
    assert live(judged.summary) == []
    stopped, _, rest = judged.runner.log.partition("::stop-commands::")
    token = rest.splitlines()[0]
    assert stopped == ""
    assert rest.rstrip().endswith(f"::{token}::")
    assert all(not line.startswith("::") for line in judged.summary.splitlines())


@pytest.mark.parametrize(
    ("change", "rules"),
    [
        (lambda folder: (folder / "submissions/2026.1/run.sh").write_text("#!/bin/sh\n"), {"TB015"}),
        (
            lambda folder: [
                write_submission(folder, f"2026.1/{one}/board-two", latency_s=0.05)
                for one in ("acme", "other")
            ],
            {"TB152"},
        ),
        (lambda folder: shutil.rmtree(folder / "submissions" / THERE), {"TB150"}),
        (lambda folder: (folder / "submissions/trusted-keys.toml").write_text("not even TOML"), {"TB153"}),
    ],
    ids=["beside", "two organisations", "removal", "keys"],
)
def test_what_a_pull_request_must_not_do_is_refused(
    origin: Origin, tmp_path: Path, change: Callable[[Path], object], rules: set[str]
) -> None:
    judged = judge(origin, tmp_path, origin.propose(change))
    assert judged.code == 1, judged.runner.log
    assert judged.errors >= rules


def hostile(folder: Path) -> None:
    """One submission with much of what must not be in one."""
    place = write_submission(folder, "2026.1/acme/board-two", latency_s=0.05)
    system_toml(folder, "2026.1/acme/board-two", "Board One", "<script>alert(1)</script>")
    document = json.loads((place / "manifest.json").read_text())
    document["files"].append({"path": "../../../../README.md", "bytes": 0, "sha256": "0" * 64})
    (place / "manifest.json").write_text(json.dumps(document))
    (place / "README.md").symlink_to("/etc/passwd")
    (place / "run.sh").write_text("#!/bin/sh\n")
    (place / "run.sh").chmod(0o755)


def test_what_a_submission_must_not_hold_is_refused(origin: Origin, tmp_path: Path) -> None:
    judged = judge(origin, tmp_path, origin.propose(hostile))
    assert judged.code == 1, judged.runner.log
    assert judged.errors >= {"TB041", "TB154"}
    assert live(judged.summary) == []
    assert "root:" not in judged.summary + json.dumps(judged.report)


def test_a_submodule_is_refused(origin: Origin, tmp_path: Path) -> None:
    git(origin.folder, "checkout", "--quiet", "--detach", "main")
    commit = git(origin.folder, "rev-parse", "HEAD")
    entry = f"160000,{commit},submissions/2026.1/acme/board-two"
    git(origin.folder, "update-index", "--add", "--cacheinfo", entry)
    judged = judge(origin, tmp_path, origin.propose_commit(origin.commit("a submodule")))
    assert judged.code == 1, judged.runner.log
    assert "TB154" in judged.errors


def test_a_submission_that_is_altered_is_pointed_out(origin: Origin, tmp_path: Path) -> None:
    values = origin.propose(lambda folder: system_toml(folder, THERE, "Board One", "Board 1"))
    judged = judge(origin, tmp_path, values)
    assert judged.code == 0, judged.runner.log
    assert judged.rules == {"TB151"}
    assert headings(judged.summary)[-1] == "Figures"
    assert "No figure changes." in judged.summary


def test_a_submission_with_another_figure_says_by_how_much(origin: Origin, tmp_path: Path) -> None:
    def slower(folder: Path) -> None:
        shutil.rmtree(folder / "submissions" / THERE)
        write_submission(folder, THERE, latency_s=0.0864)

    judged = judge(origin, tmp_path, origin.propose(slower))
    assert judged.code == 0, judged.runner.log
    assert "latency.per_inference | 43.2 ms | 86.4 ms | +100.0% | measured |" in judged.summary
    assert live(judged.summary) == []


@pytest.mark.parametrize("code", [0, 2, 134])
def test_a_check_that_leaves_no_report_has_failed(tmp_path: Path, code: int) -> None:
    script = tmp_path / ".github/scripts/check_submissions.sh"
    shutil.copytree(CHECKOUT / ".github/scripts", script.parent)
    program = tmp_path / ".venv/bin/tinybench"
    program.parent.mkdir(parents=True)
    program.write_text(f"#!/bin/sh\necho ::error::of a name\nexit {code}\n")
    program.chmod(0o755)
    environment = {key: value for key, value in os.environ.items() if key != "GITHUB_STEP_SUMMARY"}
    done = subprocess.run(
        [script, tmp_path / "report", "--all"], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == (code or 2)
    assert f"exit code {code}" in (tmp_path / "report/summary.md").read_text()
    first, second, third = done.stdout.splitlines()
    assert second == "::error::of a name"
    assert third == f"::{first.removeprefix('::stop-commands::')}::"


def test_everything_is_checked_again_every_week(origin: Origin, tmp_path: Path) -> None:
    runner = Runner(tmp_path / "weekly", origin.folder, {}, os.environ)
    assert runner.run("reproduce.yml", "check") == 0, runner.log
    assert [one["place"] for one in json.loads(runner.kept["report.json"])["submissions"]] == [THERE, OTHER]
