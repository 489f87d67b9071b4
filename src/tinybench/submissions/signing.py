"""Signing the folder of a submission, and verifying what was signed there."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from tinybench.atomic import write_atomically
from tinybench.errors import OutputError, UsageError
from tinybench.files.guarded import Folder
from tinybench.submissions import manifest
from tinybench.submissions.attestation import Check, Findings, Statement, Subject, file_name, sign
from tinybench.submissions.findings import Finding, worst
from tinybench.submissions.keys import PrivateKey
from tinybench.submissions.layout import TRUSTED_KEYS, Place
from tinybench.submissions.scanning import scan
from tinybench.submissions.signatures import Judged, judge_all
from tinybench.submissions.trusted_keys import TrustedKeys
from tinybench.submissions.verdict import Found, Verdict


@dataclass(frozen=True)
class Signable:
    """The files of a submission, as far as a signature is about them."""

    subject: Subject | None
    """None if there is no manifest."""
    attestations: tuple[str, ...]
    """Paths relative to the submission, sorted."""
    findings: tuple[Finding, ...]
    """What is wrong with files and manifest."""

    @property
    def holds(self) -> bool:
        """Whether the manifest says what is there: otherwise nobody should sign it."""
        return self.subject is not None and worst(self.findings) != "error"


@dataclass(frozen=True)
class Verified:
    """What the attestations of a submission prove."""

    signable: Signable
    judged: tuple[Judged, ...]

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Of files, manifest and attestations."""
        return (*self.signable.findings, *(finding for item in self.judged for finding in item.findings))

    @property
    def holds(self) -> bool:
        """Whether at least one attestation counts, and nothing is wrong with files and attestations."""
        return any(item.counts for item in self.judged) and worst(self.findings) != "error"


def look(folder: Path) -> Signable:
    """Compare the files of a submission with its manifest.

    Raises:
        UsageError: the last three parts of the path are no round, organisation and system.
        DataError: the folder cannot be read.
    """
    place = _place(folder)
    scanned = scan(folder)
    checked = manifest.check(folder, scanned.inventory)
    files = scanned.inventory.files.items()
    return Signable(
        None if checked.digest is None else Subject(place, checked.digest),
        tuple(path for path, file in files if file.kind.name == "attestation"),
        (*scanned.findings, *checked.findings),
    )


def about_files(verdict: Verdict) -> tuple[Found, ...]:
    """The findings that a reviewer states: not those about what others, or this reviewer before, signed."""
    return tuple(found for found in verdict.findings if not found.code.startswith("TB8"))


def check_of(verdict: Verdict, *, signed_at: datetime, tinybench: str, rules: str) -> Check:
    """What a reviewer states about a submission that was just checked."""
    counts = Counter(found.severity for found in about_files(verdict))
    return Check(
        signed_at=signed_at,
        tinybench=tinybench,
        rules=rules,
        findings=Findings(error=counts["error"], warning=counts["warning"], note=counts["note"]),
        tiers={result.id: result.tier for result in verdict.results},
    )


def write_signed(folder: Path, statement: Statement, key: PrivateKey) -> Path:
    """Sign a statement about the submission in ``folder``; an older one of that key and kind is replaced.

    Raises:
        OutputError: the file cannot be written.
    """
    path = folder / "attestations" / file_name(key.public.keyid, statement.kind)
    try:
        if path.parent.is_symlink():
            raise OutputError(f"{path.parent}: is a symbolic link, which is not followed", hint="remove it")
        path.parent.mkdir(exist_ok=True)
        write_atomically(path, sign(statement, key).to_bytes())
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise OutputError(f"{path}: cannot be written ({reason})", hint="look at the folder") from None
    return path


def verify(folder: Path, trusted: TrustedKeys) -> Verified:
    """Judge all attestations of a submission, and compare its files with the manifest that they are about.

    Args:
        folder: the submission.
        trusted: whose signatures count. They must not come from the change that is checked.

    Raises:
        UsageError: the last three parts of the path are no round, organisation and system.
        DataError: the folder cannot be read.
    """
    signable = look(folder)
    if signable.subject is None:
        return Verified(signable, ())
    with Folder.open(folder) as opened:
        return Verified(signable, judge_all(opened, signable.attestations, signable.subject, trusted))


def keys_beside(folder: Path) -> Path:
    """Where the trusted keys are of the repository that a submission lies in.

    Raises:
        UsageError: the last three parts of the path are no round, organisation and system.
    """
    return root_of(folder) / TRUSTED_KEYS


def root_of(folder: Path) -> Path:
    """The folder ``submissions`` that a submission lies in.

    Raises:
        UsageError: the last three parts of the path are no round, organisation and system.
    """
    _place(folder)
    return Path(os.path.abspath(folder)).parents[2]  # noqa: PTH100 (resolve() follows links)


def _place(folder: Path) -> Place:
    place = Place.of(folder)
    if place is None:
        raise UsageError(
            f"{folder}: is not the folder of a submission",
            hint="give submissions/<round>/<organisation>/<system>",
        )
    return place
