"""The commands on the page about submissions do what it says, typed one after the other as they stand."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import complete_submission
from evidence_fixtures import published_kws
from fakes import REPOSITORY
from tinybench.results import store
from tinybench.results.schema import Result, content_id

PAGE = REPOSITORY / "site/docs/submissions.md"
ELSEWHERE = ("tinybench data fetch ", "tinybench run ")
"""Commands that need the network, or data from there: what they make is put in place."""
GIT = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    **{f"GIT_{who}_{what}": "x@example.org" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
}


def blocks() -> list[str]:
    """The command lines of each block on the page, without those that need the network."""
    found = re.findall(r"^```\n(.*?)^```$", PAGE.read_text(), re.DOTALL | re.MULTILINE)
    shells = [block for block in found if "tinybench submit" in block]
    return [
        "\n".join(line for line in shell.splitlines() if not line.startswith(ELSEWHERE)) for shell in shells
    ]


def type_in(folder: Path, lines: str) -> str:
    """What a shell prints; a command that fails ends it."""
    program = f'set -euo pipefail\ntinybench() {{ "{sys.executable}" -m tinybench "$@"; }}\n'
    done = subprocess.run(
        ["bash", "-c", program + lines],
        cwd=folder,
        env=os.environ | GIT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{lines}\n{done.stdout}{done.stderr}"
    return done.stdout


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with a publishable result, and the logs of a board measured with EEMBC's runner."""
    type_in(
        tmp_path,
        """git init --quiet
        mkdir submissions
        touch submissions/README.md
        git add submissions
        git commit --quiet --message base
        git update-ref refs/remotes/origin/main HEAD""",
    )
    own = complete_submission.measured(microseconds=[12_000_000 + k for k in range(5)], energy_ms=())
    (files,) = own.evidence.values()
    document = own.result | {"evidence": [item.model_dump() for item in store.describe_evidence(files)]}
    result = Result.model_validate(document | {"id": content_id(document)})
    store.write(result, files, store.Destination(tmp_path / "results", "ic_any.json"))
    for name, data in published_kws()[1].items():
        run, _, file = name.partition("-")
        path = tmp_path / "sessions/kws" / run / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return tmp_path


def test_they_work_one_after_the_other(checkout: Path) -> None:
    first, proposed, archived, logs = blocks()
    assert "holds: 1 submission, 1 result: 0 errors" in type_in(checkout, first)
    (folder,) = (checkout / "submissions").glob("*/*/*/")
    assert "holds: 1 submission, 1 result: 0 errors" in (told := type_in(checkout, proposed))
    assert "added" in told
    assert "holds: 1 submission, 1 result: 0 errors" in type_in(checkout, archived)
    assert "holds: 1 submission, 1 result: 0 errors" in (told := type_in(checkout, logs))
    assert "evidence-checked" in told
    (other,) = set((checkout / "submissions").glob("*/*/*/")) - {folder}
    assert {path.name for path in (folder.parent, other.parent)} == {"example"}
