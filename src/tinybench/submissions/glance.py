"""The facts of a submission that others are compared with, read in a millisecond and without judging it.

Whether a changed submission duplicates one of thousands takes what those thousands hold. Their files are read
with the same bounds as always; what is no result is left out, as its own check says what is wrong with it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import ValidationError

from tinybench.errors import DataError
from tinybench.files import strict_json, strict_toml
from tinybench.files.guarded import Folder
from tinybench.submissions import layout, manifest
from tinybench.submissions.documents import JSON_LIMITS
from tinybench.submissions.layout import SYSTEM_FILE, Place
from tinybench.submissions.verdict import EvidenceHash, Figure, Outcome, Verdict


def glance(root: Path, place: Place, *, named: bool) -> Verdict:
    """A verdict without findings: what the results of a submission say of themselves.

    Args:
        root: the ``submissions`` folder.
        place: of the submission below it.
        named: whether the name of the organisation is wanted; reading TOML takes as long as all the rest.
    """
    digest, organisation, outcomes = None, None, []
    try:
        with Folder.open(root / place.path) as folder:
            digest = _digest(folder)
            organisation = _organisation(folder) if named else None
            names = sorted(name for name, _ in folder.entries("results"))[: layout.MAX_FILES]
            for path in (f"results/{name}" for name in names):
                outcome = _outcome(folder, path)
                if outcome is not None:
                    outcomes.append(outcome)
    except DataError:
        pass
    return Verdict(
        place=place.path,
        title=None,
        organisation=organisation,
        division=None,
        digest=digest,
        results=tuple(outcomes),
        findings=(),
    )


def _organisation(folder: Folder) -> str | None:
    kind = layout.kind_of(SYSTEM_FILE)
    assert kind is not None
    try:
        name = strict_toml.loads(folder.read(SYSTEM_FILE, kind.max_bytes), SYSTEM_FILE).get("organisation")
    except DataError:
        return None
    return name if isinstance(name, str) else None


def _digest(folder: Folder) -> str | None:
    kind = layout.kind_of(manifest.NAME)
    assert kind is not None
    try:
        return manifest.digest(folder.read(manifest.NAME, kind.max_bytes))
    except DataError:
        return None


def _outcome(folder: Folder, path: str) -> Outcome | None:
    kind = layout.kind_of(path)
    if kind is None:
        return None
    try:
        document: Any = strict_json.loads(folder.read(path, kind.max_bytes), path, JSON_LIMITS)
        device = document["device"]
        return Outcome(
            where=path,
            id=document["id"],
            task=document["task"]["id"],
            model=document["model"]["name"],
            device=device["id"],
            clock_hz=device.get("clock_hz"),
            engine=document["engine"]["name"],
            runner=document["runner"],
            published=document.get("source") is not None,
            publishable=document["publishable"],
            tier="claimed",
            figures=tuple(
                Figure(name=metric["name"], value=metric["value"], mode=metric["mode"])
                for metric in document["metrics"]
            ),
            evidence=tuple(
                EvidenceHash(name=item["name"], bytes=item["bytes"], sha256=item["sha256"])
                for item in document["evidence"]
            ),
        )
    except (DataError, ValidationError, AttributeError, LookupError, TypeError):
        return None
