"""Which attestations of a submission count, and what is wrong with the others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

from tinybench.errors import DataError
from tinybench.files.guarded import Folder
from tinybench.submissions import keys
from tinybench.submissions.attestation import (
    KINDS,
    MAX_BYTES,
    Check,
    Envelope,
    Statement,
    Subject,
    file_name,
    read_envelope,
    read_statement,
)
from tinybench.submissions.findings import Finding, rule
from tinybench.submissions.tiers import Tier, highest
from tinybench.submissions.trusted_keys import TrustedKey, TrustedKeys

UNREADABLE = rule(
    "TB801",
    "attestation-unreadable",
    "error",
    title="An attestation cannot be read",
    why="""An attestation is a DSSE envelope of at most 64 KiB with the payload type of in-toto and one
    signature, in a file named after its key and its kind. Whatever else lies in the folder `attestations`
    looks like a signature without being one. JSON that two programs may read in two ways (a key that is there
    twice) and base64 with two spellings are refused for the same reason.""",
    hint="Remove the file, or sign again with `tinybench submit sign`.",
)
STATEMENT = rule(
    "TB802",
    "attestation-says-nothing",
    "error",
    title="What an attestation states is not known",
    why="""The payload is an in-toto statement of version 1 about one manifest, with a predicate of a type and
    form that this version of tinybench knows, and of the kind that the name of the file says. A signature
    under anything else proves nothing about the submission.""",
    hint="Sign again with `tinybench submit sign`, or check with the version of tinybench that signed.",
)
OTHER_SUBJECT = rule(
    "TB803",
    "attestation-of-another-submission",
    "error",
    title="An attestation is about another submission",
    why="""The statement names round, organisation and system. A genuine signature that was copied from
    another submission, or stayed when a folder was renamed, says nothing about this one.""",
    hint="Remove it, and sign this submission.",
)
STALE = rule(
    "TB804",
    "attestation-stale",
    "error",
    title="Files changed after they were signed",
    why="""The statement holds the SHA-256 of the manifest, and the manifest that of every file. Another
    manifest means other files: whoever signed has not seen these.""",
    hint="Remove the attestation, and have these files signed.",
)
FORGED = rule(
    "TB805",
    "signature-invalid",
    "error",
    title="A signature does not verify",
    why="""The Ed25519 signature is not that of the named key under the payload: either has been changed, or
    somebody else signed.""",
    hint="Remove the attestation, and sign again with the key that it names.",
)
UNKNOWN_KEY = rule(
    "TB806",
    "key-unknown",
    "warning",
    title="A signature is by a key that is not trusted here",
    why="""Only keys in `submissions/trusted-keys.toml` count. Anybody can make a key, so that a signature by
    an unknown one proves nothing; it does no harm either.""",
    hint="Add the public key to submissions/trusted-keys.toml in a pull request of its own.",
)
INVALID_KEY = rule(
    "TB807",
    "key-not-valid",
    "error",
    title="A signature is by a key that was not valid",
    why="""A trusted key has a first day, may have a last one, and may be revoked. Signatures dated outside
    these days do not count. The date is what the signer says it is, so that no signature of a revoked key
    counts, whatever its date.""",
    hint="Sign again with a key that is valid.",
)
OTHER_ORGANISATION = rule(
    "TB808",
    "key-of-another-organisation",
    "error",
    title="A submitter signed for another organisation",
    why="""A submitter vouches for the files of the organisation that the key was registered for, and for no
    other: the second part of the path of the submission.""",
    hint="Sign with a key of this organisation.",
)
OTHER_ROLE = rule(
    "TB809",
    "key-of-another-role",
    "error",
    title="A key signed what its role may not sign",
    why="""Outcomes of checks are stated by reviewers, and files are vouched for by submitters. A check that a
    submitter signed would let a submission award itself a trust tier.""",
    hint="Remove the attestation; a reviewer signs with `--as check`, a submitter without it.",
)
UNVERIFIED = rule(
    "TB810",
    "signature-not-verified",
    "warning",
    title="Signatures were not verified",
    why="""Verifying needs the extra `sign`, which is not installed on the machine that checked. No
    attestation counts there.""",
    hint=f"Check again after {keys.EXTRA}.",
)


@dataclass(frozen=True)
class Judged:
    """One file of the folder ``attestations``."""

    path: str
    """Relative to the submission."""
    keyid: str | None = None
    statement: Statement | None = None
    """What it says; true only if it ``counts``."""
    key: TrustedKey | None = None
    findings: tuple[Finding, ...] = ()

    @property
    def counts(self) -> bool:
        """Whether a trusted key that may do so says this about this very submission."""
        return not self.findings


def judge(path: str, data: bytes, subject: Subject, trusted: TrustedKeys) -> Judged:
    """Judge one attestation.

    Args:
        path: the file, relative to the submission.
        data: what it holds.
        subject: what it has to be about.
        trusted: whose signatures count. They must not come from the change that is checked.
    """
    name = PurePosixPath(path).name
    try:
        envelope = read_envelope(data, name)
    except DataError as error:
        return Judged(path, findings=(UNREADABLE.found(path, _reason(error, name)),))
    if name not in [file_name(envelope.keyid, kind) for kind in KINDS]:
        message = f"is no name for an attestation of the key {envelope.keyid}"
        return Judged(path, findings=(UNREADABLE.found(path, message),))
    try:
        statement = read_statement(envelope.payload, name)
    except DataError as error:
        return Judged(path, envelope.keyid, findings=(STATEMENT.found(path, _reason(error, name)),))
    if not keys.available():
        message = "the extra 'sign' is not installed"
        return Judged(path, envelope.keyid, statement, findings=(UNVERIFIED.found(path, message),))
    key = trusted.get(envelope.keyid)
    found = (*_subject(path, name, statement, subject), *_signer(path, envelope, statement, key))
    return Judged(path, envelope.keyid, statement, key, found)


def judge_all(
    folder: Folder, paths: Iterable[str], subject: Subject, trusted: TrustedKeys
) -> tuple[Judged, ...]:
    """Judge the attestations of a submission.

    Args:
        folder: the submission.
        paths: its attestations, relative to it.
        subject: what they have to be about.
        trusted: whose signatures count. They must not come from the change that is checked.
    """
    return tuple(_read_and_judge(folder, path, subject, trusted) for path in paths)


def _read_and_judge(folder: Folder, path: str, subject: Subject, trusted: TrustedKeys) -> Judged:
    try:
        data = folder.read(path, MAX_BYTES)
    except DataError as error:
        return Judged(path, findings=(UNREADABLE.found(path, error.message.removeprefix(f"{path}: ")),))
    return judge(path, data, subject, trusted)


def _reason(error: DataError, name: str) -> str:
    return error.message.removeprefix(f"{name}: ")


def _subject(path: str, name: str, statement: Statement, subject: Subject) -> Iterator[Finding]:
    """Whether it says what its name says, about this submission."""
    if not name.endswith(file_name("", statement.kind)):
        yield STATEMENT.found(path, f"is named otherwise, but its predicate is that of a {statement.kind}")
    stated = statement.subject
    if stated.place != subject.place:
        yield OTHER_SUBJECT.found(path, f"is about {stated.place.path}, not about {subject.place.path}")
    if stated.manifest_sha256 != subject.manifest_sha256:
        yield STALE.found(
            path,
            f"is about a manifest with SHA-256 {stated.manifest_sha256}; "
            f"manifest.json has {subject.manifest_sha256}",
        )


def _signer(path: str, envelope: Envelope, statement: Statement, key: TrustedKey | None) -> Iterator[Finding]:
    """Whether the key that is named signed, and may."""
    if key is None:
        yield UNKNOWN_KEY.found(path, f"no trusted key has the key id {envelope.keyid}")
        return
    if not envelope.is_signed_by(key.public_key):
        yield FORGED.found(path, f"the signature is not that of {key.name}")
        return
    if (reason := key.invalid_at(statement.predicate.signed_at)) is not None:
        yield INVALID_KEY.found(path, f"the key of {key.name} is {reason}")
    expected = "reviewer" if statement.kind == "check" else "submitter"
    if key.role != expected:
        yield OTHER_ROLE.found(
            path, f"a {statement.kind} is signed by a {expected}, but {key.name} is a {key.role}"
        )
    elif key.organisation is not None and key.organisation != (
        stated := statement.subject.place.organisation
    ):
        yield OTHER_ORGANISATION.found(path, f"{key.name} signs for {key.organisation}, not for {stated}")


def attested_tier(result_id: str, judged: Iterable[Judged]) -> Tier:
    """The highest tier that reviewers who found no error gave a result; ``claimed`` if none did.

    Args:
        result_id: id of the result, in the submission that the attestations were judged for.
        judged: its attestations; those that do not count are ignored.
    """
    outcomes = [item.statement.predicate for item in judged if item.counts and item.statement is not None]
    return highest(
        outcome.tiers[result_id]
        for outcome in outcomes
        if isinstance(outcome, Check) and outcome.passed and result_id in outcome.tiers
    )
