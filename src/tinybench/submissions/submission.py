"""A submission folder, read: never an exception for what somebody put there, always findings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tinybench.submissions import manifest
from tinybench.submissions.documents import Documents, read_documents
from tinybench.submissions.entry import Entry
from tinybench.submissions.evidence import evidence_openers
from tinybench.submissions.findings import Finding
from tinybench.submissions.layout import SYSTEM_FILE, Place
from tinybench.submissions.rules import documents as rules
from tinybench.submissions.scanning import Inventory, check_place, scan
from tinybench.submissions.system import System

_EVIDENCE = "evidence/"


@dataclass(frozen=True)
class Submission:
    """What a submission holds, as far as it can be read."""

    place: Place
    path: Path
    system: System
    digest: str | None
    """SHA-256 of its manifest, which identifies it; None if there is no manifest."""
    entries: tuple[Entry, ...]
    orphans: tuple[str, ...]
    """Ids that have a folder of evidence, but no result."""


@dataclass(frozen=True)
class Loaded:
    """A submission, and what is wrong with its files and documents."""

    findings: tuple[Finding, ...]
    submission: Submission | None
    """None if there is no system.toml that can be read."""
    digest: str | None = None
    """SHA-256 of the manifest; None if there is none."""
    attestations: tuple[str, ...] = ()
    """Paths of the attestations."""
    evidence: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Id of each result that was read -> paths of its evidence, as it is stored."""


def load(path: Path, place: Place) -> Loaded:
    """Read a submission folder: its files, manifest, system.toml and results.

    Args:
        path: the folder.
        place: round, organisation and system that it is submitted as.

    Raises:
        DataError: ``path`` is missing, or no folder.
    """
    findings = list(check_place(path))
    scanned = scan(path)
    inventory = scanned.inventory
    checked = manifest.check(path, inventory)
    read = read_documents(path, inventory)
    findings += (*scanned.findings, *checked.findings, *read.findings)
    system, wrong = _system(read, inventory)
    findings += wrong
    entries = []
    for name in inventory.results:
        if name in read.values:
            result, wrong = rules.read_result(read.values[name], name)
            findings += wrong
            if result is not None:
                entries.append(Entry(name, result, evidence_openers(path, inventory, result.id)))
    if not inventory.results and inventory.complete:
        findings.append(rules.NO_RESULT.found("results", "there is none"))
    signed = tuple(name for name, file in inventory.files.items() if file.kind.name == "attestation")
    if system is None:
        return Loaded(tuple(findings), None, checked.digest, signed)
    # A result that cannot be read still says which evidence is its own.
    ids = [value.get("id") for value in read.values.values() if isinstance(value, dict)]
    stated = {id_ for id_ in ids if isinstance(id_, str)}
    with_evidence = {name.split("/")[1] for name in inventory.files if name.startswith(_EVIDENCE)}
    orphans = tuple(sorted(with_evidence - stated))
    submission = Submission(place, path, system, checked.digest, tuple(entries), orphans)
    evidence = {entry.result.id: tuple(inventory.evidence(entry.result.id).values()) for entry in entries}
    return Loaded(tuple(findings), submission, checked.digest, signed, evidence)


def _system(read: Documents, inventory: Inventory) -> tuple[System | None, list[Finding]]:
    if SYSTEM_FILE in read.values:
        return rules.read_system(read.values[SYSTEM_FILE])
    lost = SYSTEM_FILE not in inventory.files and SYSTEM_FILE not in inventory.refused
    missing = rules.SYSTEM_INVALID.found(SYSTEM_FILE, "is not there")
    return None, [missing] if lost and inventory.complete else []
