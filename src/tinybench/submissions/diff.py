"""What a change of submissions does to the figures."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

from tinybench.errors import DataError
from tinybench.files import strict_json
from tinybench.files.guarded import Folder
from tinybench.quantities import quantity
from tinybench.results import store
from tinybench.results.schema import Metric, Result
from tinybench.submissions import layout
from tinybench.submissions.documents import JSON_LIMITS
from tinybench.submissions.report import code
from tinybench.submissions.scanning import shown

MAX_MARKDOWN: Final = 4_000
"""Characters; with the 60,000 of a report it fits into one comment."""


class Subject(NamedTuple):
    """What stays the same when a result is replaced by a better one."""

    organisation: str
    system: str
    task: str
    model: str
    runner: str


@dataclass(frozen=True)
class Change:
    """One figure before and after; None: it is new, or gone."""

    kind: Literal["added", "removed", "changed"]
    round: str
    subject: Subject
    metric: str
    unit: str
    before: float | None
    after: float | None
    mode_before: str | None
    mode_after: str | None

    @property
    def relative(self) -> float | None:
        """Change as a fraction of the figure before; None if there is no such thing."""
        if self.before is None or self.after is None or self.before == 0:
            return None
        return self.after / self.before - 1

    @property
    def in_words(self) -> tuple[str, str, str, str]:
        """Before, after, change and mode, for people."""
        before, after = (
            "" if value is None else quantity(value, self.unit) for value in (self.before, self.after)
        )
        change = self.kind if self.relative is None else f"{self.relative:+.1%}"
        modes = dict.fromkeys(mode for mode in (self.mode_before, self.mode_after) if mode)
        return before, after, change, " to ".join(modes)

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "kind": self.kind,
            "round": self.round,
            **self.subject._asdict(),
            "metric": self.metric,
            "unit": self.unit,
            "before": self.before,
            "after": self.after,
            "relative": self.relative,
            "mode_before": self.mode_before,
            "mode_after": self.mode_after,
        }


Scores = Mapping[tuple[str, Subject], Result]
"""(round, subject) -> result."""


def scores(root: Path, places: Iterable[layout.Place]) -> dict[tuple[str, Subject], Result]:
    """The results of submissions; one that is not there has none.

    Raises:
        DataError: a result cannot be read, or two have the same subject. ``submit check`` tells more.
    """
    found: dict[tuple[str, Subject], Result] = {}
    for place in places:
        for path, result in _results(root / place.path):
            subject = Subject(
                place.organisation, place.system, result.task.id, result.model.name, result.runner
            )
            if (place.round, subject) in found:
                raise DataError(
                    f"{path}: a second result of {subject.model} on this system", hint="keep one of the two"
                )
            found[place.round, subject] = result
    return found


def _results(path: Path) -> Iterator[tuple[Path, Result]]:
    """The results of one submission, read with the bounds of a check."""
    if not (path / "results").exists():
        return
    with Folder.open(path) as folder:
        for name in sorted(name for name, _ in folder.entries("results") if name.endswith(".json")):
            relative = f"results/{name}"
            kind = layout.kind_of(relative)
            if kind is None:
                raise DataError(f"{path / 'results'}: {shown(name)} is no name of a result", hint="rename it")
            try:
                document = strict_json.loads(folder.read(relative, kind.max_bytes), relative, JSON_LIMITS)
            except DataError as error:
                raise DataError(f"{path}/{error.message}", hint=error.hint) from None
            yield path / relative, store.parse(document, str(path / relative))


def compare(before: Scores, after: Scores) -> list[Change]:
    """Every figure that is new, gone or different, sorted by subject; an unchanged result gives none."""
    changes = []
    for key in sorted({*before, *after}):
        old, new = before.get(key), after.get(key)
        if old is not None and new is not None and old.id == new.id:
            continue
        changes += _changes(*key, _metrics(old), _metrics(new))
    return changes


def to_markdown(changes: Sequence[Change]) -> str:
    """A section of a comment on a pull request; nothing in it is taken for markup.

    What does not fit into 4,000 characters is counted.
    """
    if not changes:
        return "### Figures\n\nNo figure changes.\n"
    lines = [
        "### Figures",
        "",
        "| System | Task | Model | Figure | Before | After | Change | Mode |",
        "|---|---|---|---|--:|--:|--:|---|",
    ]
    budget = MAX_MARKDOWN - sum(len(line) + 1 for line in lines) - _REST
    for number, change in enumerate(changes):
        subject = change.subject
        system = f"{change.round}/{subject.organisation}/{subject.system}"
        names = (code(text) for text in (system, subject.task, subject.model))
        line = f"| {' | '.join((*names, change.metric, *change.in_words))} |"
        budget -= len(line) + 1
        if budget < 0:
            lines += ["", f"... and {len(changes) - number:,} more."]
            break
        lines.append(line)
    return "\n".join(lines) + "\n"


_REST: Final = 40
"""Characters for saying how much was left out."""


def _metrics(result: Result | None) -> dict[str, Metric]:
    return {} if result is None else {metric.name: metric for metric in result.metrics}


def _changes(
    round_: str, subject: Subject, before: Mapping[str, Metric], after: Mapping[str, Metric]
) -> list[Change]:
    changes = []
    for name in dict.fromkeys([*before, *after]):
        old, new = before.get(name), after.get(name)
        if old and new and (old.value, old.mode) == (new.value, new.mode):
            continue
        either = old or new
        assert either is not None  # the name comes from one of the two
        changes.append(
            Change(
                "added" if old is None else "removed" if new is None else "changed",
                round_,
                subject,
                name,
                either.unit,
                None if old is None else old.value,
                None if new is None else new.value,
                None if old is None else old.mode,
                None if new is None else new.mode,
            )
        )
    return changes
