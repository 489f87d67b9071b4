"""What was found out about one submission, as data: kept in the cache, passed between processes, reported."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field

from tinybench.results.schema import DeviceRef, MetricName, Mode, Result
from tinybench.submissions.entry import Entry
from tinybench.submissions.findings import SEVERITIES, Finding, Severity, worst
from tinybench.submissions.system import Division
from tinybench.submissions.tiers import Tier

MAX_MESSAGE: Final = 500
"""Characters of a message, and of where it belongs: a hostile name must not fill a report."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())


class Found(_Frozen):
    """A finding. Its texts may hold anything: whoever shows them escapes them."""

    code: str
    severity: Severity
    where: str
    message: str

    @classmethod
    def of(cls, finding: Finding, severity: Severity | None = None) -> Found:
        """Shortened to what a report can hold; with the severity of its rule if no other is given."""
        rule = finding.rule
        return cls(
            code=rule.code,
            severity=severity or rule.severity,
            where=_cut(finding.where),
            message=_cut(finding.message),
        )


class Figure(_Frozen):
    """One metric of a result, in its SI unit."""

    name: MetricName
    value: float
    mode: Mode


class EvidenceHash(_Frozen):
    """An evidence file that is in the submission."""

    name: str
    bytes: Annotated[int, Field(ge=0)]
    sha256: str


class Outcome(_Frozen):
    """One result of a submission."""

    where: str
    id: str
    task: str
    model: str
    device: str
    clock_hz: int | None
    engine: str
    runner: str
    published: bool
    """It was published elsewhere."""
    publishable: bool
    tier: Tier
    figures: tuple[Figure, ...]
    evidence: tuple[EvidenceHash, ...]

    @classmethod
    def of(cls, entry: Entry, tier: Tier) -> Outcome:
        """What a report tells of a result."""
        result = entry.result
        return cls(
            where=entry.where,
            id=result.id,
            task=result.task.id,
            model=result.model.name,
            device=result.device.id,
            clock_hz=result.device.clock_hz if isinstance(result.device, DeviceRef) else None,
            engine=_engine(result),
            runner=result.runner,
            published=result.source is not None,
            publishable=result.publishable,
            tier=tier,
            figures=tuple(Figure(name=m.name, value=m.value, mode=m.mode) for m in result.metrics),
            evidence=tuple(
                EvidenceHash(name=item.name, bytes=item.bytes, sha256=item.sha256)
                for item in result.evidence
                if item.name in entry.evidence
            ),
        )


class Verdict(_Frozen):
    """A submission, its results, and what breaks a rule."""

    place: str
    """``<round>/<organisation>/<system>``."""
    title: str | None
    organisation: str | None
    """As people write it; None, like the other facts, if system.toml cannot be read."""
    division: Division | None
    digest: str | None
    """SHA-256 of the manifest."""
    results: tuple[Outcome, ...]
    findings: tuple[Found, ...]

    @property
    def severity(self) -> Severity | None:
        """The gravest of its findings; None if there is none."""
        return worst(self.findings)

    def with_findings(self, findings: Iterable[Finding]) -> Verdict:
        """The same with more findings, in the order of :func:`in_order`."""
        more = in_order((*self.findings, *(Found.of(finding) for finding in findings)))
        return self.model_copy(update={"findings": more})


def in_order(findings: Iterable[Found]) -> tuple[Found, ...]:
    """Errors first, then by code and place; what is there twice is there once."""
    distinct = dict.fromkeys(findings)
    return tuple(
        sorted(distinct, key=lambda found: (SEVERITIES.index(found.severity), found.code, found.where))
    )


def _engine(result: Result) -> str:
    return " ".join(part for part in (result.engine.name, result.engine.version) if part)


def _cut(text: str) -> str:
    return text if len(text) <= MAX_MESSAGE else f"{text[: MAX_MESSAGE - 3]}..."
