"""All submissions that passed their checks, as rows of a leaderboard."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

from tinybench import specs
from tinybench.errors import DataError, FailedCheckError
from tinybench.files.guarded import Folder
from tinybench.leaderboard import rounds
from tinybench.leaderboard.rounds import Retired, Round
from tinybench.progress import Progress, silent
from tinybench.results.schema import ACCURACY, DeviceRef, Metric, MetricName, Mode, Result, is_decisive
from tinybench.submissions import layout
from tinybench.submissions.check import check
from tinybench.submissions.judging import judge_attestations
from tinybench.submissions.layout import Place
from tinybench.submissions.report import Report, rows
from tinybench.submissions.signatures import Judged
from tinybench.submissions.submission import load
from tinybench.submissions.system import Division, System
from tinybench.submissions.tiers import Tier
from tinybench.submissions.trusted_keys import TrustedKeys, read_trusted_keys
from tinybench.submissions.verdict import Found, Verdict

MODES: Final[tuple[Mode, ...]] = ("measured", "simulated", "predicted")
"""In the order in which they are shown; they are never ranked together."""

_DECIDES_MODE: Final[tuple[MetricName, ...]] = (
    "latency.per_inference",
    "energy.per_inference",
    "memory.ram",
    "memory.flash",
)
"""The first of these that a result has says in which mode its device was."""


@dataclass(frozen=True)
class EvidenceFile:
    """An evidence file as the submission holds it."""

    name: str
    """As stored: with ``.gz`` if it is compressed."""
    path: Path


@dataclass(frozen=True)
class Row:
    """One result, and what stands behind it. Its texts may hold anything: whoever shows them escapes them."""

    result: Result
    place: Place
    system: System
    tier: Tier
    findings: tuple[Found, ...]
    """What a check says of this result."""
    document: bytes
    """The result file, byte for byte."""
    evidence: tuple[EvidenceFile, ...]
    attestations: tuple[Judged, ...]
    """Of the submission; only those that count."""

    @property
    def id(self) -> str:
        """Content id of the result: its permanent address."""
        return self.result.id

    @property
    def task(self) -> str:
        """Id of the task."""
        return self.result.task.id

    @property
    def organisation(self) -> str:
        """As it is displayed: by the source of what was published elsewhere, else by the submission."""
        return self.result.source.organisation if self.result.source else self.system.organisation

    @property
    def title(self) -> str:
        """Of the system."""
        return self.result.source.system if self.result.source else self.system.title

    @property
    def division(self) -> Division:
        """Closed or open."""
        return self.result.source.division if self.result.source else self.system.division

    @cached_property
    def mode(self) -> Mode:
        """Of what the device does; of the accuracy where nothing else is known."""
        device = (self.result.metric(name) for name in _DECIDES_MODE)
        metric = next((found for found in device if found is not None), None)
        if metric is None:
            metric = next(iter(self.result.metrics), None)
        return metric.mode if metric else "predicted"

    @cached_property
    def accuracy(self) -> Metric | None:
        """In the metric of the task; of a task that this project does not define, any."""
        task = specs.tasks().get(self.task)
        names: tuple[MetricName, ...] = tuple(ACCURACY.values())
        if task is not None:
            names = (ACCURACY[task.metric],)
        return next((found for name in names if (found := self.result.metric(name))), None)

    @property
    def decisive(self) -> bool:
        """Whether its accuracy is one that a quality target is about."""
        accuracy = self.accuracy
        return accuracy is not None and is_decisive(self.result.data, self.result.source, accuracy)

    @property
    def device(self) -> DeviceRef | None:
        """None for an accuracy that was computed on a host."""
        return self.result.device if isinstance(self.result.device, DeviceRef) else None


@dataclass(frozen=True)
class Board:
    """Everything that the site shows."""

    rows: tuple[Row, ...]
    """By id."""
    rounds: tuple[Round, ...]
    """Newest first."""
    retired: tuple[Retired, ...]

    @cached_property
    def ages(self) -> Mapping[str, int]:
        """Id of each round -> how many are newer."""
        return {one.id: age for age, one in enumerate(self.rounds)}


def collect(root: Path, *, trusted: Path | None = None, progress: Progress = silent) -> Board:
    """Check all submissions, and read those that passed.

    Args:
        root: the ``submissions`` folder, with ``rounds.toml`` beside the rounds.
        trusted: file of the keys whose attestations count; None: nobody's do.
        progress: called as ``("checking", submissions done, submissions)`` and so on.

    Raises:
        FailedCheckError: a submission breaks a rule of severity error: it is not published, and neither is
            anything else until that is settled.
        MismatchError: a closed round has changed.
        DataError: ``root`` is missing.
        ContentError: ``rounds.toml`` or the file of trusted keys is broken.
    """
    path = root / layout.ROUNDS
    settled = rounds.read_settled(path)
    report = check(root, trusted=trusted, progress=progress)
    _require_passed(report)
    keys = TrustedKeys() if trusted is None else read_trusted_keys(trusted)
    rows: list[Row] = []
    manifests: dict[Place, str] = {}
    progress("reading", 0, len(report.submissions))
    for done, verdict in enumerate(report.submissions, start=1):
        place = Place(*verdict.place.split("/"))
        rows += _rows(root, place, verdict, keys)
        assert verdict.digest is not None  # without a manifest it would not have passed
        manifests[place] = verdict.digest
        progress("reading", done, len(report.submissions))
    rows.sort(key=lambda row: row.id)
    _require_distinct(rows, settled.retired, path)
    return Board(tuple(rows), rounds.rounds(manifests, settled, path), settled.retired)


def _require_passed(report: Report) -> None:
    if report.passed:
        return
    errors = [row for row in rows(report) if row.severity == "error"]
    failed = {row.place for row in errors} - {""}
    # Rather one of a submission than one of all of them together.
    first = next((row for row in errors if row.place), errors[0])
    where = f"{first.place}: {first.where}" if first.place else first.where
    raise FailedCheckError(
        f"{len(failed)} of {len(report.submissions)} submissions break a rule; the first: {where}: "
        f"{first.code}: {first.message}",
        hint="'tinybench submit check --all' tells what is wrong with each",
    )


def _rows(root: Path, place: Place, verdict: Verdict, keys: TrustedKeys) -> Iterator[Row]:
    path = root / place.path
    loaded = load(path, place)
    submission = loaded.submission
    if submission is None or loaded.digest != verdict.digest:
        raise DataError(f"{path}: changed while it was read", hint="build again")
    attested = judge_attestations(path, place, loaded, keys)
    tiers = {outcome.where: outcome.tier for outcome in verdict.results}
    with Folder.open(path) as folder:
        for entry in submission.entries:
            kind = layout.kind_of(entry.where)
            assert kind is not None
            yield Row(
                result=entry.result,
                place=place,
                system=submission.system,
                tier=tiers[entry.where],
                findings=tuple(found for found in verdict.findings if _is_about(found, entry.where)),
                document=folder.read(entry.where, kind.max_bytes),
                evidence=tuple(
                    EvidenceFile(relative.rpartition("/")[2], path / relative)
                    for relative in loaded.evidence[entry.result.id]
                ),
                attestations=tuple(judged for judged in attested if judged.counts),
            )


def _is_about(found: Found, where: str) -> bool:
    return found.where == where or found.where.startswith(f"{where}:")


def _require_distinct(rows: list[Row], retired: tuple[Retired, ...], path: Path) -> None:
    """One address, one result."""
    places: dict[str, Row] = {}
    for row in rows:
        other = places.setdefault(row.id, row)
        if other is not row:
            raise FailedCheckError(
                f"result {row.id} is in {other.place.path} and in {row.place.path}",
                hint="one of them is a copy: remove it",
            )
    for one in retired:
        if one.id in places:
            raise FailedCheckError(
                f"{path}: retired: {one.id} is still in {places[one.id].place.path}",
                hint="remove the result from there, or the table here",
            )
        if one.successor is not None and one.successor not in places:
            raise FailedCheckError(
                f"{path}: retired: {one.id}: there is no result {one.successor}", hint="correct successor"
            )
