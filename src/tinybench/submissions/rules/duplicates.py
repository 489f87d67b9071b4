"""TB60x: results, evidence and figures that are also somewhere else in the repository."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final, TypeVar

from tinybench.submissions.findings import Finding, Rule, rule
from tinybench.submissions.verdict import Figure, Outcome, Verdict

COPY: Final = rule(
    "TB601",
    "copy-of-a-submission",
    "error",
    title="The submission is a copy of another one",
    why="""Two folders with the same manifest hold the same files. One system is submitted once in a round,
    by whoever measured it.""",
    hint="Remove one of the two.",
)
SAME_RESULT: Final = rule(
    "TB602",
    "result-twice",
    "error",
    title="A result is in the repository twice",
    why="""The id of a result is the hash of what it says. The same id in another place is the same result
    once more, which would be counted twice, or under another name.""",
    hint="Remove it from one of the two places.",
)
SAME_EVIDENCE: Final = rule(
    "TB603",
    "run-twice",
    "error",
    title="The same log or trace stands behind two results",
    why="""Two runs never give the same log or trace: both hold times to the millisecond or finer. A log,
    trace or printed result that is byte for byte that of another result is the same run under two names.
    Scripts, tables of layers, and outputs, which two equal systems do share, are not compared; nor are
    files below 1 KiB.""",
    hint="Submit the evidence of the run that the result is about.",
)
SAME_FIGURES: Final = rule(
    "TB604",
    "figures-of-another-system",
    "warning",
    title="All measured figures are those of another organisation's system",
    why="""One figure can be the same twice: the same firmware on the same board has been published by two
    organisations with the same throughput in six digits. Latency and energy have noise of their own, so two
    metrics or more that all agree to six digits were most likely copied, or come from the same run. What is
    equal wherever a firmware is equal is left out: accuracy, memory, instructions, all simulated
    figures.""",
    hint="Say in the pull request where the figures come from.",
)
PUBLISHED_AGAIN: Final = rule(
    "TB605",
    "published-again",
    "note",
    title="A published result has the evidence or figures of another one",
    why="""MLPerf Tiny republishes: a system that was published in one round may be published in later ones,
    with the same logs, and some systems were published under two names. Both are kept, because both were
    published; a reader who counts systems wants to know.""",
    hint="Nothing to do.",
)

TWO_SPELLINGS: Final = rule(
    "TB606",
    "organisation-spelt-otherwise",
    "warning",
    title="The organisation is spelt in another way than in its other submissions",
    why="""A folder is the name of the organisation in lower-case ASCII, so that names that differ in
    accents, case or punctuation share one. They may be one organisation, which should be called the same
    everywhere, or two, of which one would appear under the name of the other.""",
    hint="Spell the name as in the other submissions; another organisation needs another name.",
)

_T = TypeVar("_T")

_MIN_BYTES: Final = 1024
_MIN_METRICS: Final = 2
_SHOWN: Final = 3
_RAW: Final = ("log.txt", "results.txt", "results.json", "energy.bin", "energy.json", ".log")
"""How the names of what a run leaves behind end: what holds times or samples of that run."""


@dataclass(frozen=True)
class _Owner:
    place: str
    organisation: str
    outcome: Outcome

    def __str__(self) -> str:
        return f"{self.place}, {self.outcome.id}"


class Index:
    """Every result of a repository, by what must be its own."""

    def __init__(self, verdicts: Sequence[Verdict]) -> None:
        self._digests: dict[str, list[str]] = defaultdict(list)
        self._ids: dict[str, list[_Owner]] = defaultdict(list)
        self._evidence: dict[str, list[_Owner]] = defaultdict(list)
        self._figures: dict[tuple[str, ...], list[_Owner]] = defaultdict(list)
        self._spellings: dict[str, dict[str, str]] = defaultdict(dict)
        for verdict in sorted(verdicts, key=lambda verdict: verdict.place):
            if verdict.digest is not None and verdict.results:
                self._digests[verdict.digest].append(verdict.place)
            if verdict.organisation is not None:
                spelt = self._spellings[_organisation(verdict)]
                spelt.setdefault(verdict.organisation, verdict.place)
            for outcome in verdict.results:
                owner = _owner(verdict, outcome)
                self._ids[outcome.id].append(owner)
                for sha256 in _raw(outcome):
                    self._evidence[sha256].append(owner)
                figures = _fingerprint(outcome)
                if figures is not None:
                    self._figures[figures].append(owner)
        for owners in (*self._evidence.values(), *self._figures.values()):
            # Those that were not published elsewhere come first: they decide how grave it is.
            owners.sort(key=lambda owner: owner.outcome.published)

    def check(self, verdict: Verdict) -> Iterator[Finding]:
        """What of one submission is also elsewhere; it must be one that the index was made of."""
        copies = (place for place in self._digests.get(verdict.digest or "", ()) if place != verdict.place)
        if others := _some(copies):
            yield COPY.found(".", f"has the manifest of {_list(others)}")
        otherwise = [
            f"'{name}' in {place}"
            for name, place in self._spellings[_organisation(verdict)].items()
            if verdict.organisation is not None and name != verdict.organisation
        ]
        if otherwise:
            yield TWO_SPELLINGS.found(
                "system.toml: organisation", f"'{verdict.organisation}', but {_list(otherwise)}"
            )
        for outcome in verdict.results:
            mine = _owner(verdict, outcome)
            elsewhere = _some(owner.place for owner in self._ids[outcome.id] if owner.place != mine.place)
            within = [other.where for other in verdict.results if other.id == outcome.id]
            if elsewhere:
                yield SAME_RESULT.found(outcome.where, f"{outcome.id} is also in {_list(elsewhere)}")
            elif len(within) > 1:
                yield SAME_RESULT.found(outcome.where, f"{outcome.id} is in {_list(within)}")
            else:
                yield from self._evidence_of(mine)
                yield from self._figures_of(mine)

    def _evidence_of(self, mine: _Owner) -> Iterator[Finding]:
        shared: dict[_Owner, list[str]] = defaultdict(list)
        for sha256, name in _raw(mine.outcome).items():
            for owner in _some(owner for owner in self._evidence[sha256] if _is_other(owner, mine)):
                shared[owner].append(name)
        if shared:
            names = sorted({name for names in shared.values() for name in names})
            yield _rule(SAME_EVIDENCE, mine, shared).found(
                f"{mine.outcome.where}: evidence",
                f"{', '.join(names)}: also the evidence of {_list(list(shared))}",
            )

    def _figures_of(self, mine: _Owner) -> Iterator[Finding]:
        figures = _fingerprint(mine.outcome)
        if figures is None:
            return
        equal = _some(
            owner
            for owner in self._figures[figures]
            if _is_other(owner, mine) and (mine.outcome.published or owner.organisation != mine.organisation)
        )
        if equal:
            yield _rule(SAME_FIGURES, mine, equal).found(
                mine.outcome.where, f"has the figures of {_list(equal)}"
            )


def _owner(verdict: Verdict, outcome: Outcome) -> _Owner:
    return _Owner(verdict.place, _organisation(verdict), outcome)


def _organisation(verdict: Verdict) -> str:
    """The part of the path that says whose it is."""
    return verdict.place.split("/")[1]


def _is_other(owner: _Owner, mine: _Owner) -> bool:
    return (owner.place, owner.outcome.id) != (mine.place, mine.outcome.id)


def _raw(outcome: Outcome) -> dict[str, str]:
    """SHA-256 -> name of the evidence that no two runs share."""
    return {
        item.sha256: item.name
        for item in outcome.evidence
        if item.bytes >= _MIN_BYTES and item.name.endswith(_RAW)
    }


def _fingerprint(outcome: Outcome) -> tuple[str, ...] | None:
    """The measured figures to six digits, but for those that equal firmware shares."""
    measured = [
        figure
        for figure in outcome.figures
        if figure.mode == "measured" and not figure.name.startswith(_OF_FIRMWARE)
    ]
    # Throughput says what latency says, and cycles are its product with the clock.
    figures = {figure.name: figure for figure in measured if figure.name not in _DERIVED}
    if len(figures) < _MIN_METRICS:
        return None
    return (outcome.task, *(_digits(figure) for figure in sorted(figures.values(), key=lambda f: f.name)))


_OF_FIRMWARE: Final = ("accuracy.", "memory.", "instructions.")
_DERIVED: Final = ("throughput", "cycles.per_inference", "power.active")


def _digits(figure: Figure) -> str:
    return f"{figure.name}={figure.value:.6g}"


def _rule(otherwise: Rule, mine: _Owner, others: Iterable[_Owner]) -> Rule:
    """``PUBLISHED_AGAIN`` if all of them were published elsewhere."""
    again = mine.outcome.published and all(owner.outcome.published for owner in others)
    return PUBLISHED_AGAIN if again else otherwise


def _some(items: Iterable[_T]) -> list[_T]:
    """One more than are shown: thousands may be alike."""
    return list(islice(items, _SHOWN + 1))


def _list(items: Sequence[object]) -> str:
    return ", ".join(map(str, items[:_SHOWN])) + (" and more" if len(items) > _SHOWN else "")
