"""What a check found: as JSON, as a comment on a pull request, as rows of a table."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Annotated, Final, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from tinybench._version import __version__
from tinybench.quantities import frequency, quantity
from tinybench.results.schema import UNITS
from tinybench.submissions.findings import RULES, SEVERITIES, Severity, worst
from tinybench.submissions.tiers import MEANING, TIERS
from tinybench.submissions.verdict import Found, Outcome, Verdict

SCHEMA: Final = "tinybench.check/1"
MAX_MARKDOWN: Final = 60_000
"""Characters; GitHub refuses comments above 65,536."""
HEADLINES: Final = (
    "latency.per_inference",
    "energy.per_inference",
    "accuracy.top1",
    "accuracy.auc",
)
"""Figures that a summary shows."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", validate_by_name=True, validate_by_alias=True)


class Counts(_Frozen):
    """How many findings there are."""

    error: int
    warning: int
    note: int

    @classmethod
    def of(cls, findings: Iterable[Found]) -> Counts:
        """Count."""
        severities = [found.severity for found in findings]
        return cls(**{severity: severities.count(severity) for severity in SEVERITIES})


class BrokenRule(_Frozen):
    """A rule that something here breaks."""

    name: str
    title: str
    hint: str


class Report(_Frozen):
    """Outcome of one check."""

    schema_: Annotated[Literal["tinybench.check/1"], Field(alias="schema")] = SCHEMA
    tinybench: str
    """Version that checked."""
    rerun: bool
    """Whether results were executed again where they can be."""
    passed: bool
    """No finding is an error."""
    counts: Counts
    findings: tuple[Found, ...]
    """Of the repository and the change as a whole."""
    submissions: tuple[Verdict, ...]
    """What was checked, by path."""
    rules: dict[str, BrokenRule]
    """Code -> rule, of all findings."""

    @classmethod
    def of(cls, findings: Sequence[Found], submissions: Sequence[Verdict], *, rerun: bool) -> Report:
        """Sum up."""
        every = [*findings, *(found for verdict in submissions for found in verdict.findings)]
        return cls(
            tinybench=__version__,
            rerun=rerun,
            passed=worst(every) != "error",
            counts=Counts.of(every),
            findings=tuple(findings),
            submissions=tuple(submissions),
            rules={
                code: BrokenRule(name=RULES[code].name, title=RULES[code].title, hint=RULES[code].hint)
                for code in sorted({found.code for found in every})
            },
        )

    @property
    def in_numbers(self) -> str:
        """Such as ``1 submission, 2 results: 1 error, 0 warnings, 0 notes``."""
        results = sum(len(verdict.results) for verdict in self.submissions)
        return (
            f"{_count(len(self.submissions), 'submission')}, {_count(results, 'result')}: "
            f"{_count(self.counts.error, 'error')}, {_count(self.counts.warning, 'warning')}, "
            f"{_count(self.counts.note, 'note')}"
        )

    def to_json(self) -> bytes:
        """ASCII, two spaces, one final newline: the same findings give the same bytes."""
        document = self.model_dump(mode="json", by_alias=True)
        return (json.dumps(document, indent=2, allow_nan=False) + "\n").encode()


class Row(NamedTuple):
    """A finding in a table. ``where`` and ``message`` may hold anything: escape them for what shows them."""

    place: str
    severity: Severity
    code: str
    where: str
    message: str


def rows(report: Report) -> list[Row]:
    """All findings, those of the change first, then submission by submission."""
    return [
        *(Row("", found.severity, found.code, found.where, found.message) for found in report.findings),
        *(
            Row(verdict.place, found.severity, found.code, found.where, found.message)
            for verdict in report.submissions
            for found in verdict.findings
        ),
    ]


def to_markdown(report: Report) -> str:
    """A comment on a pull request: shorter than 60,000 characters, and nothing in it is taken for markup.

    Whatever a submission says stands in a code span, where GitHub follows no link, mention or reference and
    takes no HTML. What does not fit is counted.
    """
    head = [*_head(report), ""]
    tail = ["", *_tail(report)]
    budget = MAX_MARKDOWN - sum(len(line) + 1 for line in (*head, *tail)) - _REST
    body: list[str] = []
    blocks = list(_blocks(report))
    for number, block in enumerate(blocks):
        budget -= len(block) + 1
        if budget < 0:
            body.append(f"\n... and {len(blocks) - number:,} more lines, which the JSON report holds.")
            break
        body.append(block)
    return "\n".join([*head, *body, *tail]) + "\n"


_REST: Final = 100
"""Characters for saying how much was left out."""


def code(text: str) -> str:
    """Any text as a Markdown code span: one line of printable characters."""
    printable = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)
    # A backtick would end the span, a pipe a cell of a table.
    shown = printable.replace("`", "'").replace("|", "\N{BROKEN BAR}").strip() or " "
    return f"`{shown}`"


def _head(report: Report) -> Iterator[str]:
    yield f"## Submission check: {'passed' if report.passed else 'failed'}"
    yield ""
    yield (
        f"{report.in_numbers}. tinybench {report.tinybench}; "
        + ("executed again where possible." if report.rerun else "nothing was executed again.")
    )


def _blocks(report: Report) -> Iterator[str]:
    """Lines of the body."""
    if report.findings:
        yield "### The change as a whole\n"
        yield from (_finding(found) for found in report.findings)
    # What failed comes first: it is what somebody has to read.
    order = [*SEVERITIES, None]
    for verdict in sorted(report.submissions, key=lambda verdict: order.index(verdict.severity)):
        state = {"error": "failed", "warning": "to be looked at"}.get(verdict.severity or "", "passed")
        yield f"\n### {code(verdict.place)}: {state}\n"
        yield from (_outcome(outcome) for outcome in verdict.results)
        if verdict.findings:
            yield ""
        yield from (_finding(found) for found in verdict.findings)


def _outcome(outcome: Outcome) -> str:
    clock = f" at {frequency(outcome.clock_hz)}" if outcome.clock_hz else ""
    figures = [
        f"{figure.name} {quantity(figure.value, UNITS[figure.name])} ({figure.mode})"
        for figure in outcome.figures
        if figure.name in HEADLINES
    ]
    subject = f"{code(outcome.task)} on {code(outcome.device)}{clock}, {code(outcome.engine)}"
    return f"- **{outcome.tier}**: {subject}: {', '.join(figures) or 'no figures'}"


def _finding(found: Found) -> str:
    return f"- **{found.severity} {found.code}** in {code(found.where)}: {code(found.message)}"


def _tail(report: Report) -> Iterator[str]:
    if report.rules:
        yield "<details><summary>What to do</summary>"
        yield ""
        for number, rule in report.rules.items():
            # A hint may name <round>, which is no tag.
            yield f"- **{number}** {rule.title}. {rule.hint}".replace("<", "&lt;")
        yield ""
        yield "</details>"
        yield ""
    yield "<details><summary>Trust tiers</summary>"
    yield ""
    yield from (f"- **{tier}**: {MEANING[tier]}" for tier in TIERS)
    yield ""
    yield "</details>"


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"
