"""What stands in .github/: valid, linted, and safe against what a pull request brings."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

GITHUB = Path(__file__).parents[2] / ".github"
WORKFLOWS = sorted((GITHUB / "workflows").glob("*.yml"))
FORMS = sorted(path for path in (GITHUB / "ISSUE_TEMPLATE").glob("*.yml") if path.name != "config.yml")
WRITES = {
    ("submission-comment.yml", "pull-requests"),
    ("site.yml", "pages"),
    ("site.yml", "id-token"),
}
"""All that a workflow may write to."""
AS_DATA = " --root proposed/submissions "
"""The one thing that is done with the tree of a pull request."""


def run(command: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """A linter that the extra ``dev`` installs beside the interpreter."""
    found = shutil.which(command, path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    assert found, f"{command} is missing: make install the extra 'dev'"
    return subprocess.run([found, *arguments], capture_output=True, text=True, timeout=60, check=False)


def read(text: str) -> dict[str, Any]:
    """YAML with all scalars as text, so that the key ``on`` is no boolean."""
    return yaml.load(text, yaml.BaseLoader)


def dangers(name: str, text: str) -> Iterator[str]:
    """What must not be in a workflow."""
    workflow = read(text)
    triggers = workflow["on"]
    if "pull_request_target" in triggers:
        yield "runs with privileges on what a stranger sends"
    if workflow.get("permissions") != {}:
        yield "gives permissions to all jobs"
    if re.search(r"\bsecrets\b", re.sub(r"#.*", "", text)):
        yield "uses a secret"
    for line in re.findall(r"uses:.*", text):
        if not re.fullmatch(r"uses: [\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line):
            yield f"an action is not pinned: {line}"
    for job in workflow["jobs"].values():
        if "pull_request" in triggers and "write" in dict(job.get("permissions", {})).values():
            if "github.event_name == 'push' && github.ref == 'refs/heads/main'" not in job.get("if", ""):
                yield "writes for a pull request"
            if any("run" in step or "checkout" in step["uses"] for step in job["steps"]):
                yield "runs code of the repository with privileges"
        if "permissions" not in job or "timeout-minutes" not in job:
            yield "a job has no permissions or no time limit"
        for scope, access in dict(job.get("permissions", {})).items():
            if access != "read" and (name, scope) not in WRITES:
                yield f"writes to {scope}"
        for step in job["steps"]:
            script = step.get("run", "")
            if "${{" in script:
                yield "an expression is pasted into a script"
            if "proposed" in step.get("working-directory", "") + script.replace(AS_DATA, ""):
                yield "runs what a pull request brings"
            if "actions/checkout@" not in step.get("uses", ""):
                continue
            if step["with"].get("persist-credentials") != "false":
                yield "leaves the token in a checkout"
            if "workflow_run" in triggers and step["with"]["ref"] != (
                "${{ github.event.repository.default_branch }}"
            ):
                yield "checks out with privileges what is not the default branch"


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_workflows_are_safe(path: Path) -> None:
    assert list(dangers(path.name, path.read_text())) == []


@pytest.mark.parametrize(
    ("name", "old", "new", "danger"),
    [
        ("submission.yml", "  pull_request:\n", "  pull_request_target:\n", "what a stranger sends"),
        ("submission.yml", "permissions: {}\n", "permissions: write-all\n", "permissions to all jobs"),
        ("submission.yml", "permissions: {}\n", "", "permissions to all jobs"),
        ("submission.yml", "contents: read", "contents: write", "writes to contents"),
        ("submission.yml", "    timeout-minutes: 30\n", "", "no time limit"),
        ("submission.yml", "persist-credentials: false", "persist-credentials: true", "the token"),
        ("submission.yml", '"$NUMBER"', '"${{ github.event.pull_request.number }}"', "pasted into a script"),
        ("submission.yml", "base/.github", "proposed/.github", "what a pull request brings"),
        ("submission.yml", "github.event.pull_request.number", "secrets.KEY", "uses a secret"),
        ("submission.yml", " # v7.0.1\n", "\n", "not pinned"),
        ("ci.yml", "3d3c42e5aac5ba805825da76410c181273ba90b1", "v7", "not pinned"),
        ("submission-comment.yml", "repository.default_branch", "workflow_run.head_sha", "not the default"),
        ("submission-comment.yml", "actions: read", "actions: write", "writes to actions"),
        ("site.yml", "contents: read", "pages: write", "writes for a pull request"),
        (
            "site.yml",
            "    if: github.event_name == 'push' && github.ref",
            "    if: github.ref",
            "for a pull request",
        ),
        (
            "site.yml",
            "steps:\n      - name: Publish\n",
            "steps:\n      - run: make\n      - name: Publish\n",
            "runs code",
        ),
    ],
)
def test_each_danger_is_seen(name: str, old: str, new: str, danger: str) -> None:
    text = (GITHUB / "workflows" / name).read_text()
    assert old in text
    assert any(danger in found for found in dangers(name, text.replace(old, new)))


def test_the_report_that_is_posted_is_the_one_that_is_kept() -> None:
    checks = read((GITHUB / "workflows/submission.yml").read_text())
    posts = read((GITHUB / "workflows/submission-comment.yml").read_text())
    assert posts["on"]["workflow_run"]["workflows"] == [checks["name"]]
    (kept,) = (step["with"] for step in checks["jobs"]["check"]["steps"] if "upload" in step.get("uses", ""))
    assert f'"{kept["name"]}"' in (GITHUB / "scripts/post_report.py").read_text()


def test_actionlint_finds_nothing(tmp_path: Path) -> None:
    # It runs shellcheck over the steps where that is installed.
    done = run("actionlint", *WORKFLOWS)
    assert done.returncode == 0, done.stdout
    broken = tmp_path / "broken.yml"
    broken.write_text(WORKFLOWS[0].read_text().replace("matrix.python }}", "matrix.pyton }}"))
    assert run("actionlint", broken).returncode == 1


def test_zizmor_finds_nothing_but_the_trigger_that_is_explained() -> None:
    done = run("zizmor", "--offline", "--pedantic", *WORKFLOWS)
    assert done.returncode == 0, done.stdout
    done = run("zizmor", "--offline", "--pedantic", "--no-ignores", "--format=json", *WORKFLOWS)
    assert [found["ident"] for found in json.loads(done.stdout)] == ["dangerous-triggers"]


@pytest.mark.parametrize(
    ("schema", "paths"),
    [
        ("github-workflows", WORKFLOWS),
        ("github-issue-forms", FORMS),
        ("github-issue-config", [GITHUB / "ISSUE_TEMPLATE/config.yml"]),
    ],
)
def test_files_follow_the_schema_of_their_kind(schema: str, paths: list[Path], tmp_path: Path) -> None:
    assert paths
    done = run("check-jsonschema", "--builtin-schema", f"vendor.{schema}", *paths)
    assert done.returncode == 0, done.stdout
    broken = tmp_path / "broken.yml"
    broken.write_text("- not\n- a mapping\n")
    assert run("check-jsonschema", "--builtin-schema", f"vendor.{schema}", broken).returncode == 1


def repeated(form: dict[str, Any]) -> list[str]:
    """What GitHub refuses in a form and its schema does not say."""
    fields = [field for field in form["body"] if field["type"] != "markdown"]
    names = [field.get("id", "no id") for field in fields]
    labels = [field["attributes"]["label"] for field in fields]
    options = [
        f"{field.get('id')}: {option}"
        for field in fields
        if field["type"] == "dropdown"
        for option in field["attributes"]["options"]
    ]
    return [
        text for all_ in (names, labels, options) for text in sorted(set(all_)) if all_.count(text) > 1
    ] + [name for name in names if name == "no id"]


@pytest.mark.parametrize("path", FORMS, ids=lambda path: path.name)
def test_ids_labels_and_options_of_a_form_are_unique(path: Path) -> None:
    form = read(path.read_text())
    assert repeated(form) == []
    assert any(field["type"] != "markdown" for field in form["body"])
    twice = {**form, "body": form["body"] * 2}
    assert repeated(twice)


def test_names_of_forms_are_unique() -> None:
    names = [read(path.read_text())["name"] for path in FORMS]
    assert sorted(set(names)) == sorted(names)
    assert {path.stem for path in FORMS} == {"new-board", "new-task", "disputed-result", "run-request"}


@pytest.mark.parametrize("script", sorted((GITHUB / "scripts").glob("*.sh")), ids=lambda path: path.name)
def test_shell_scripts_can_be_parsed_and_run(script: Path) -> None:
    assert os.access(script, os.X_OK)
    assert run("bash", "-n", script).returncode == 0
