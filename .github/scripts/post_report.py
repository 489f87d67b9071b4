"""Post the report of an unprivileged run on its pull request, as one comment that later runs replace.

The token of this program writes to pull requests, and the report comes from a run in which a stranger had
a hand. So:

* The artefact is never unpacked to a disk. Two members are read from it in memory, up to a limit.
* The pull request that the report names is commented on only if GitHub says that its head is the commit of
  that run.
* A pull request that changes more than ``submissions/`` may have changed the workflow that wrote the report:
  such a report is not repeated, whatever it says.
* Text is posted without anything that notifies people, loads pictures or hides.

Standard library and ``gh`` only: nothing is installed where this runs. From the environment: ``GH_TOKEN``,
``REPOSITORY`` (owner/name), ``RUN_ID`` and ``HEAD_SHA`` of the run that made the report.
"""

from __future__ import annotations

import io
import json
import os
import re
import struct
import subprocess
import sys
import zipfile
import zlib
from typing import Any, Final

ARTEFACT: Final = "submission-report"
NUMBER: Final = "pull-request.txt"
SUMMARY: Final = "summary.md"
MARKER: Final = "<!-- tinybench: report on submissions -->"
"""First line of the comment, by which it is found again."""
AUTHOR: Final = "github-actions[bot]"
"""Whom GitHub names as the author of what a workflow's token writes."""

MAX_ARTEFACT: Final = 16 * 2**20
MAX_SUMMARY: Final = 64_000
"""Characters: 60,000 of the check and 4,000 on figures. GitHub takes comments of up to 65,536."""
MAX_FILES: Final = 3000
"""GitHub lists no more files of a pull request."""

ELSEWHERE: Final = """\
This pull request changes files outside `submissions/`, so the check that ran on it may not be that of the \
base branch, and its report is not repeated here. A submission is a pull request of its own that changes \
nothing but `submissions/`."""

_UNREADABLE: Final = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    OSError,
    RuntimeError,
    ValueError,
)
"""What ``zipfile`` raises on files that were made to break it."""
_TAG: Final = re.compile(r"<(?!/?(?:details|summary)>)(?=[A-Za-z/!?])")
"""What HTML takes for the beginning of a tag, but for those that tinybench writes."""
_ENTITY: Final = re.compile(r"&(?!lt;)(?=[A-Za-z#])")
"""An ``@`` may be written as one, too; ``&lt;`` is what tinybench writes."""
_MENTION: Final = re.compile(r"(?<=[@#])(?=\w)")
_LINK: Final = re.compile(r"(?<=\])(?=[(\[:])")
_JOINER: Final = "\u2060"
"""Word joiner: nobody sees it, and what it stands in is no link and notifies nobody."""


class RefusedError(Exception):
    """Something is not as it should be; nothing was posted."""


def gh(*arguments: str, body: dict[str, str] | None = None) -> bytes:
    """What ``gh api`` answers."""
    command = ["gh", "api", *arguments]
    if body is not None:
        command += ["--input", "-"]
    done = subprocess.run(
        command,
        input=None if body is None else json.dumps(body).encode(),
        stdout=subprocess.PIPE,
        timeout=120,
        check=False,
    )
    if done.returncode != 0:
        raise RefusedError(f"gh api {arguments[0]} failed with exit code {done.returncode}")
    return done.stdout


def get(path: str) -> Any:
    """One object of GitHub's API."""
    return json.loads(gh(path))


def pages(path: str) -> list[Any]:
    """All items of a list of GitHub's API."""
    separator = "&" if "?" in path else "?"
    return [
        item
        for page in json.loads(gh(f"{path}{separator}per_page=100", "--paginate", "--slurp"))
        for item in page
    ]


def artefact(repository: str, run: str) -> bytes | None:
    """The zip file that a run left; None if it left none, as a run that was stopped early does."""
    path = f"repos/{repository}/actions/runs/{run}/artifacts?name={ARTEFACT}"
    found = [one for one in get(path)["artifacts"] if one["name"] == ARTEFACT and not one["expired"]]
    if not found:
        return None
    newest = max(found, key=lambda one: one["id"])
    if newest["size_in_bytes"] > MAX_ARTEFACT:
        raise RefusedError(f"the artefact has {newest['size_in_bytes']} bytes, more than {MAX_ARTEFACT}")
    return gh(f"repos/{repository}/actions/artifacts/{newest['id']}/zip")


def members(data: bytes) -> tuple[int, str]:
    """Number and summary in the artefact."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            number = _member(archive, NUMBER, 16).removesuffix("\n")
            summary = _member(archive, SUMMARY, 4 * MAX_SUMMARY)
    except _UNREADABLE as error:
        raise RefusedError(f"the artefact is no zip file that can be read: {error}") from None
    if not re.fullmatch(r"[1-9][0-9]{0,9}", number, re.ASCII):
        raise RefusedError(f"{NUMBER} holds no number")
    return int(number), summary


def _member(archive: zipfile.ZipFile, name: str, max_bytes: int) -> str:
    if archive.namelist().count(name) != 1:
        raise RefusedError(f"the artefact does not hold one {name}")
    if archive.getinfo(name).compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise RefusedError(f"{name} is not stored in a way that GitHub uses")
    with archive.open(name) as file:  # never trust the size that is written in the archive
        data = file.read(max_bytes + 1)
    if len(data) > max_bytes:
        raise RefusedError(f"{name} has more than {max_bytes} bytes")
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise RefusedError(f"{name} is not UTF-8") from None


def require_current(repository: str, number: int, head: str) -> dict[str, Any]:
    """The pull request, if ``head`` is what it proposes now."""
    request: dict[str, Any] = get(f"repos/{repository}/pulls/{number}")
    if request["base"]["repo"]["full_name"] != repository or request["head"]["sha"] != head:
        raise RefusedError(f"the report is not about what pull request {number} proposes now")
    return request


def only_submissions(repository: str, request: dict[str, Any]) -> bool:
    """Whether a pull request changes nothing but ``submissions/``."""
    if request["changed_files"] > MAX_FILES:
        return False
    files = pages(f"repos/{repository}/pulls/{request['number']}/files")
    names = [name for file in files for name in (file["filename"], file.get("previous_filename")) if name]
    return len(files) == request["changed_files"] and all(name.startswith("submissions/") for name in names)


def harmless(text: str) -> str:
    """Markdown that only shows something: what tinybench writes stays as it is.

    Raises:
        RefusedError: it is too long, or has control or invisible characters.
    """
    if len(text) > MAX_SUMMARY:
        raise RefusedError(f"the summary has {len(text)} characters, more than {MAX_SUMMARY}")
    if not all(character.isprintable() or character == "\n" for character in text):
        raise RefusedError("the summary holds characters that cannot be seen")
    shown = _TAG.sub("&lt;", _ENTITY.sub("&amp;", text))
    return _LINK.sub(_JOINER, _MENTION.sub(_JOINER, shown))


def comment(summary: str, head: str, run: str) -> str:
    """The whole comment."""
    about = f"Commit {head[:12]}, run {run}. Replaced when the pull request changes."
    return f"{MARKER}\n{summary.strip()}\n\n<sub>{about}</sub>\n"


def publish(repository: str, number: int, body: str) -> str:
    """Write the comment, in place of the one that is there; what was done."""
    mine = [
        one["id"]
        for one in pages(f"repos/{repository}/issues/{number}/comments")
        # Anybody can write the marker; only the token of a workflow is this author.
        if one["user"]["login"] == AUTHOR and one["body"].startswith(MARKER)
    ]
    if mine:
        gh(f"repos/{repository}/issues/comments/{mine[0]}", "--method", "PATCH", body={"body": body})
        return "replaced"
    gh(f"repos/{repository}/issues/{number}/comments", "--method", "POST", body={"body": body})
    return "posted"


def main() -> int:
    """Exit code 0: posted, or there is nothing to post; 1: refused."""
    repository, run, head = (os.environ[name] for name in ("REPOSITORY", "RUN_ID", "HEAD_SHA"))
    try:
        data = artefact(repository, run)
        if data is None:
            print("the run left no report: nothing to post")
            return 0
        number, summary = members(data)
        request = require_current(repository, number, head)
        trusted = only_submissions(repository, request)
        body = comment(harmless(summary) if trusted else ELSEWHERE, head, run)
        require_current(repository, number, head)  # nothing was pushed while the files were listed
        print(f"{publish(repository, number, body)} the comment on pull request {number}")
    except RefusedError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
