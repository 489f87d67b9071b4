"""One submission, held to every rule that needs nothing but the submission and this project."""

from __future__ import annotations

from pathlib import Path

from tinybench.errors import DataError
from tinybench.files.guarded import Folder
from tinybench.submissions.attestation import Subject
from tinybench.submissions.entry import Entry
from tinybench.submissions.findings import Finding, Severity
from tinybench.submissions.known_labels import labels_here
from tinybench.submissions.layout import Place
from tinybench.submissions.rules import examine
from tinybench.submissions.rules.evidence_files import check_evidence_files, check_orphans
from tinybench.submissions.rules.identity import check_modes, check_place, check_source, check_system
from tinybench.submissions.rules.model import check_model, check_task
from tinybench.submissions.rules.physics import check_physics
from tinybench.submissions.scanning import UNREADABLE
from tinybench.submissions.signatures import Judged, attested_tier, judge_all
from tinybench.submissions.submission import Loaded, Submission, load
from tinybench.submissions.tiers import Facts, Tier, highest, tier_of
from tinybench.submissions.trusted_keys import TrustedKeys
from tinybench.submissions.verdict import Found, Outcome, Verdict, in_order

OF_ENTRIES = (check_evidence_files, check_source, check_system, check_modes, check_model, check_task)
OF_SUBMISSIONS = (check_orphans, check_place)


def judge(root: Path, place: Place, trusted: TrustedKeys) -> Verdict:
    """Read a submission and hold it to the rules; nothing that lies there raises.

    Args:
        root: the ``submissions`` folder.
        place: of the submission below it.
        trusted: whose attestations count.
    """
    path = root / place.path
    try:
        loaded = load(path, place)
        attested = judge_attestations(path, place, loaded, trusted)
    except DataError as error:
        return Verdict(
            place=place.path,
            title=None,
            organisation=None,
            division=None,
            digest=None,
            results=(),
            findings=(Found.of(UNREADABLE.found(".", error.message)),),
        )
    of_files = (*loaded.findings, *(finding for judged in attested for finding in judged.findings))
    findings = [Found.of(finding) for finding in of_files]
    submission = loaded.submission
    if submission is None:
        return _verdict(place, loaded, (), findings)
    for of_submission in OF_SUBMISSIONS:
        findings += map(Found.of, of_submission(submission))
    outcomes = []
    for entry in submission.entries:
        found, tier = _judge_entry(entry, submission)
        findings += found
        outcomes.append(Outcome.of(entry, highest((tier, attested_tier(entry.result.id, attested)))))
    return _verdict(place, loaded, tuple(outcomes), findings)


def _judge_entry(entry: Entry, submission: Submission) -> tuple[list[Found], Tier]:
    published = entry.result.source is not None
    examined = examine(entry, division=submission.system.division, labels=labels_here(entry.result.task.id))
    facts = Facts(recomputed=examined.evidence_checked, published_elsewhere=published)
    of_submitter = [finding for rule in OF_ENTRIES for finding in rule(entry, submission)]
    of_figures = (*examined.findings, *check_physics(entry, submission.system))
    findings = [
        *map(Found.of, of_submitter),
        *(Found.of(finding, _severity(finding, published)) for finding in of_figures),
    ]
    return findings, tier_of(facts)


def _severity(finding: Finding, published: bool) -> Severity:
    """Whoever takes over what was published cannot mend its figures: they are marked, and stay."""
    return "warning" if published and finding.rule.severity == "error" else finding.rule.severity


def judge_attestations(path: Path, place: Place, loaded: Loaded, trusted: TrustedKeys) -> tuple[Judged, ...]:
    """Judge the attestations of a submission that was read; without a manifest they are about nothing.

    Args:
        path: the folder of the submission.
        place: round, organisation and system that it is submitted as.
        loaded: what was read there.
        trusted: whose signatures count.

    Raises:
        DataError: the folder cannot be opened.
    """
    if not loaded.attestations or loaded.digest is None:
        return ()
    with Folder.open(path) as folder:
        subject = Subject(place=place, manifest_sha256=loaded.digest)
        return judge_all(folder, loaded.attestations, subject, trusted)


def _verdict(place: Place, loaded: Loaded, outcomes: tuple[Outcome, ...], findings: list[Found]) -> Verdict:
    system = loaded.submission.system if loaded.submission else None
    return Verdict(
        place=place.path,
        title=system.title if system else None,
        organisation=system.organisation if system else None,
        division=system.division if system else None,
        digest=loaded.digest,
        results=outcomes,
        findings=in_order(findings),
    )
