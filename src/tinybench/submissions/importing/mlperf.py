"""What every result taken over from MLPerf Tiny has: source, attribution, licence, place, names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

from tinybench.errors import DataError, UsageError
from tinybench.mlperf_tiny.tasks import BENCHMARKS, accuracy_set
from tinybench.results.schema import (
    ACCURACY,
    DEVICE_METRICS,
    DataRef,
    MetricName,
    ModelRef,
    Source,
    TaskRef,
    Tool,
    Unavailable,
)
from tinybench.submissions import text
from tinybench.submissions.findings import rule
from tinybench.submissions.layout import Place, slug
from tinybench.submissions.system import Division

TOOL: Final = Tool(version="0.1.0", commit=None)
"""The first version whose import writes what is written here. It is part of the id of a result, which has to
stay as long as the figures do: raised only when the conversion changes, not with every release."""

CREATED: Final = datetime(2026, 11, 21, tzinfo=UTC)
"""When the conversion was made. What is published does not say when it was measured, and the same source has
to give the same bytes on every day."""

UNKNOWN_RUNNER: Final = "mlperf-tiny"
"""What a result names as its runner where nothing says which of the two measured."""

LICENCE: Final = "Apache-2.0"
"""Of the repositories mlcommons/tiny_results_*."""

LEGEND: Final = (
    "The MLPerf™ name and logo are registered and unregistered trademarks of MLCommons Association in the "
    "United States and other countries. All rights reserved. Unauthorized use strictly prohibited. "
    "See www.mlcommons.org for more information."
)
"""What has to be said wherever the name is used: MLPerf Results Messaging Guidelines."""

_OURS: Final = (
    "Names, cores, clocks and engines were normalised by tinybench, which is neither affiliated with nor "
    "endorsed by MLCommons."
)
_DISPLAY: Final = {"renesas": "Renesas", "qualcomm": "Qualcomm"}
"""Organisations that their rounds spell differently; all others are shown as they are spelled."""


NOT_NORMALISED: Final = rule(
    "TB910",
    "published-text-not-normalised",
    "warning",
    title="A published text could not be turned into a typed field",
    why="""Engine, core and clock are free text where they were published. A text that is none of those known
    is kept as it stands, and the typed field stays empty: a guess would put a system in the wrong row of
    every comparison.""",
    hint="Add the text to the tables of tinybench.submissions.importing, with a source for what it means.",
)


def repository(round_: str) -> str:
    """Where the results of a round were published."""
    return f"https://github.com/mlcommons/tiny_results_{round_}"


def attribution(
    round_: str, division: str, task: str, organisation: str, system: str, path: str, *, in_repository: bool
) -> str:
    """What has to be said beside the figures.

    Suite, version, division, benchmark, organisation, system and source: MLPerf Results Messaging Guidelines,
    "Required Information" and "Required Footnote", with the trademark legend. The date of retrieval and an
    entry number, which they name as well, are not known.
    """
    retrieved = f"Retrieved from {repository(round_)}, {path}." if in_repository else f"From a copy, {path}."
    return (
        f"MLPerf™ Tiny {round_}, {division} division, benchmark {task}: {organisation}, system {system}. "
        f"{retrieved} {LEGEND} {_OURS}"
    )


def source(
    *,
    round_: str,
    division: Division,
    task: str,
    organisation: str,
    system: str,
    path: str,
    original: Mapping[str, str],
    in_repository: bool = True,
) -> Source:
    """Where a result was published, with its attribution.

    Args:
        round_, division, task, organisation, system: as the source spells them.
        path: folder in the repository, or in a copy of a part of it.
        original: texts that were normalised.
        in_repository: whether ``path`` is the one in the repository of the round.
    """
    return Source(
        kind="mlperf-tiny",
        round=round_,
        division=division,
        organisation=organisation,
        system=system,
        repository=repository(round_) if in_repository else None,
        path=path,
        licence=LICENCE,
        attribution=attribution(
            round_, division, task, organisation, system, path, in_repository=in_repository
        ),
        original=dict(original),
    )


@dataclass(frozen=True)
class Named:
    """A system, as its source names it."""

    round: str
    division: Division
    organisation: str
    system: str


def name_flaw(named: Named, variant: str | None = None) -> str | None:
    """Why a system, or a variant of one of its results, cannot be called so here; None if it can."""
    for what, name in (("organisation", named.organisation), ("system", named.system), ("variant", variant)):
        if name is None:
            continue
        found = text.name_flaw(name)
        if found is not None:
            return f"{what} {name[:60]!a}: {found.reason}"
        try:
            slug(name)
        except UsageError as error:
            return f"{what} {error.message}"
    return None


def places(systems: Iterable[Named]) -> dict[Named, Place]:
    """Where the submission of each system belongs.

    Spellings of an organisation that differ in case only share a folder. Where a name is in both divisions,
    that of the open one gets ``-open`` behind it.

    Raises:
        DataError: two systems would share a folder, or one has a name that none can have here.
    """
    wanted = list(dict.fromkeys(systems))
    found: dict[Named, Place] = {}
    taken: dict[Place, Named] = {}
    for named in sorted(wanted, key=lambda named: (named.division, wanted.index(named))):
        flaw = name_flaw(named)
        if flaw is not None:
            raise DataError(flaw, hint="write the name in Latin letters")
        place = Place(f"mlperf-{slug(named.round)}", slug(named.organisation), slug(named.system))
        if named.division == "open" and taken.get(place, named).division == "closed":
            place = replace(place, system=f"{place.system}-open")
        if place in taken:
            raise DataError(
                f"{named.system} of {named.organisation} ({named.round}): {taken[place].system} of "
                f"{taken[place].organisation} has the same place, {place.path}",
                hint="names that differ in case or punctuation only are one system",
            )
        found[named], taken[place] = place, named
    return found


def display_name(organisation: str) -> str:
    """One spelling for one organisation."""
    return _DISPLAY.get(slug(organisation), organisation)


def task_ref(task: str) -> TaskRef:
    """The task here that a benchmark is."""
    return TaskRef(id=task, version=BENCHMARKS[task].version)


def data_ref(task: str, round_: str) -> DataRef:
    """The set that the rules of the round prescribe for the accuracy run."""
    used = accuracy_set(task, round_)
    return DataRef(
        split=used.split, dataset=used.dataset, dataset_sha256=None, samples=used.samples, limit=None
    )


def unavailable(task: str, given: Set[MetricName], reason: str) -> Iterator[Unavailable]:
    """What a result could hold and does not.

    Args:
        task: of MLPerf Tiny.
        given: the metrics that it holds.
        reason: why those are missing of which nothing else is known.
    """
    metric = BENCHMARKS[task].metric
    wanted = [*DEVICE_METRICS, *([ACCURACY[metric]] if metric else [])]
    reasons: dict[MetricName, str] = {
        "power.active": "not published; energy per inference times throughput would be derived, not measured",
    }
    if metric is None:
        reasons["energy.per_inference"] = "published as average power over the stream"
    for name in wanted:
        if name not in given:
            yield Unavailable(name=name, reason=reasons.get(name, reason))


def model_ref(
    division: Division, task: str, organisation: str, variant: str | None, number_format: str | None
) -> ModelRef:
    """The model: the reference model in the closed division, the submitter's own in the open one."""
    name = (
        f"MLPerf Tiny {task} reference model"
        if division == "closed"
        else f"{variant} of {organisation}"
        if variant
        else f"{task} model of {organisation}"
    )
    if number_format:
        name += f", {number_format}"
    return ModelRef(name=name, sha256=None, macs=None, parameters=None)
