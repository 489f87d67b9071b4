"""TB130 to TB132: the evidence files that are there are those that the results list."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Final

from tinybench.errors import DataError
from tinybench.submissions.entry import Entry
from tinybench.submissions.findings import Finding, rule
from tinybench.submissions.submission import Submission

CHANGED: Final = rule(
    "TB130",
    "evidence-changed",
    "error",
    title="An evidence file is not the one that the result lists",
    why="""A result lists size and SHA-256 of each evidence file, unpacked. They were taken when the result
    was written; a file that differs was changed, exchanged or cut since.""",
    hint="Add the files as the runner wrote them, with 'tinybench submit add'.",
)
UNLISTED: Final = rule(
    "TB131",
    "evidence-unlisted",
    "error",
    title="An evidence file that no result lists",
    why="""Evidence that belongs to no result proves nothing, and is a place to hide things: every file lies
    in the folder of the result that lists it.""",
    hint="Remove the file.",
)
ABSENT: Final = rule(
    "TB132",
    "evidence-absent",
    "note",
    title="A listed evidence file is not in the submission",
    why="""A result may list files that are not part of a submission: firmware and generated C stay where
    they were made, and their SHA-256 is enough to compare a re-execution with. Of logs and traces that are
    not here nothing can be recomputed, so that the figures stay a claim.""",
    hint="Add logs, traces and outputs, so that figures can be recomputed.",
)

_BLOCK: Final = 256 * 1024
_STAY_HOME: Final = (".elf", ".c")
"""Endings of what no submission holds: no executables, and no code."""


def check_evidence_files(entry: Entry, submission: Submission) -> Iterator[Finding]:
    """Every file of a result, unpacked, against size and hash in its list."""
    del submission
    listed = {item.name: item for item in entry.result.evidence}
    for name in sorted(entry.evidence.keys() - listed.keys()):
        yield UNLISTED.found(entry.where, f"evidence {name} is not in the list of the result")
    absent = []
    for name, item in sorted(listed.items()):
        if name not in entry.evidence:
            absent.append(name)
            continue
        try:
            count, sha256 = _hash(entry, name)
        except DataError as error:
            yield CHANGED.found(f"{entry.where}: evidence {name}", error.message)
            continue
        if (count, sha256) != (item.bytes, item.sha256):
            yield CHANGED.found(
                f"{entry.where}: evidence {name}", f"its {count} bytes have another SHA-256 than listed"
            )
    missing = [name for name in absent if not name.endswith(_STAY_HOME)]
    if missing and entry.result.source is None:
        yield ABSENT.found(entry.where, f"{', '.join(missing)} not here")


def _hash(entry: Entry, name: str) -> tuple[int, str]:
    """Size and SHA-256 of an evidence file, unpacked."""
    digest, count = hashlib.sha256(), 0
    with entry.evidence[name]() as stream:
        while block := stream.read(_BLOCK):
            digest.update(block)
            count += len(block)
    return count, digest.hexdigest()


def check_orphans(submission: Submission) -> Iterator[Finding]:
    """Evidence folders that belong to no result."""
    for result_id in submission.orphans:
        yield UNLISTED.found(f"evidence/{result_id}", "there is no such result")
