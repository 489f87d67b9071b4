"""What a change of submissions does to the figures."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

from tinybench.errors import DataError
from tinybench.results import store
from tinybench.results.schema import Metric, Result
from tinybench.submissions import layout


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
        for path in sorted((root / place.path / "results").glob("*.json")):
            result = store.read(path)
            subject = Subject(
                place.organisation, place.system, result.task.id, result.model.name, result.runner
            )
            if (place.round, subject) in found:
                raise DataError(
                    f"{path}: a second result of {subject.model} on this system", hint="keep one of the two"
                )
            found[place.round, subject] = result
    return found


def compare(before: Scores, after: Scores) -> list[Change]:
    """Every figure that is new, gone or different, sorted by subject; an unchanged result gives none."""
    changes = []
    for key in sorted({*before, *after}):
        old, new = before.get(key), after.get(key)
        if old is not None and new is not None and old.id == new.id:
            continue
        changes += _changes(*key, _metrics(old), _metrics(new))
    return changes


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
