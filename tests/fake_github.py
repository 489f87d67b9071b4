"""As much of GitHub as the workflows talk to: a command ``gh`` that answers from files."""

from __future__ import annotations

import io
import json
import os
import sys
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

REPOSITORY = "owner/tinybench"
RUN = 4711
NUMBER = 7
BOT = {"login": "github-actions[bot]", "type": "Bot"}

_GH = """#!{python}
import json, os, pathlib, sys

folder = pathlib.Path(os.environ["FAKE_GITHUB"])
api, path, *options = sys.argv[1:]
assert api == "api", sys.argv
assert os.environ["GH_TOKEN"], "gh asks for a token"
path = path.partition("?")[0]
if "--method" in options:
    assert options[options.index("--input") + 1] == "-"
    written = {{"method": options[options.index("--method") + 1], "path": path, **json.load(sys.stdin)}}
    with (folder / "written.jsonl").open("a") as log:
        log.write(json.dumps(written) + chr(10))
    sys.exit()
answers = sorted(folder.glob(path.replace("/", "__") + ".*"))
if not answers:
    sys.exit(f"gh: Not Found (HTTP 404): {{path}}")
# Several answers to one question are given in turn; the last one stays.
answer = answers[0]
data = answer.read_bytes()
if len(answers) > 1:
    answer.unlink()
if "--paginate" in options:
    assert "--slurp" in options
    items = json.loads(data)
    data = json.dumps([items[at:at + 100] for at in range(0, max(len(items), 1), 100)]).encode()
sys.stdout.buffer.write(data)
"""


def artefact(files: Mapping[str, str | bytes]) -> bytes:
    """A zip file as GitHub keeps it."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


class FakeGitHub:
    """One pull request, the run that checked it, and the artefact of that run."""

    def __init__(self, folder: Path, *, head: str = "a" * 40) -> None:
        self.folder = folder
        self.head = head
        self.bin = folder / "bin"
        self.bin.mkdir(parents=True)
        command = self.bin / "gh"
        command.write_text(_GH.format(python=sys.executable))
        command.chmod(0o755)
        self.answer(f"issues/{NUMBER}/comments", [])
        self.propose(["submissions/2026.1/acme/board/system.toml"])

    def answer(self, path: str, value: Any, turn: int = 9) -> None:
        """What a question below the repository gives; of several answers the lowest turn comes first."""
        name = f"repos/{REPOSITORY}/{path}".replace("/", "__")
        data = value if isinstance(value, bytes) else json.dumps(value).encode()
        (self.folder / f"{name}.{turn}").write_bytes(data)

    def propose(
        self, files: Iterable[str | dict[str, str]], *, head: str | None = None, base: str = REPOSITORY
    ) -> None:
        """What the pull request changes."""
        listed = [file if isinstance(file, dict) else {"filename": file} for file in files]
        self.answer(f"pulls/{NUMBER}/files", listed)
        self.answer(f"pulls/{NUMBER}", self.request(head or self.head, len(listed), base))

    def request(self, head: str, changed_files: int, base: str = REPOSITORY) -> dict[str, Any]:
        """A pull request as the API describes it."""
        return {
            "number": NUMBER,
            "state": "open",
            "head": {"sha": head, "repo": {"full_name": "stranger/tinybench"}},
            "base": {"ref": "main", "repo": {"full_name": base}},
            "changed_files": changed_files,
        }

    def keep(self, data: bytes, *, size: int | None = None, expired: bool = False) -> None:
        """The artefact of the run."""
        one = {
            "id": 99,
            "name": "submission-report",
            "size_in_bytes": len(data) if size is None else size,
            "expired": expired,
        }
        self.answer(f"actions/runs/{RUN}/artifacts", {"total_count": 1, "artifacts": [one]})
        self.answer("actions/artifacts/99/zip", data)

    def keep_nothing(self) -> None:
        """The run was stopped before it kept anything."""
        self.answer(f"actions/runs/{RUN}/artifacts", {"total_count": 0, "artifacts": []})

    @property
    def environment(self) -> dict[str, str]:
        """For a process that finds this GitHub."""
        return {
            **os.environ,
            "PATH": f"{self.bin}{os.pathsep}{os.environ['PATH']}",
            "FAKE_GITHUB": str(self.folder),
            "GH_TOKEN": "a token",
            "REPOSITORY": REPOSITORY,
            "RUN_ID": str(RUN),
            "HEAD_SHA": self.head,
        }

    @property
    def written(self) -> list[dict[str, str]]:
        """What was posted or replaced, in order."""
        log = self.folder / "written.jsonl"
        return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
