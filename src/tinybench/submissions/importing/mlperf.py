"""What every result taken over from MLPerf Tiny has: source, attribution, licence, place, names."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from tinybench.mlperf_tiny.tasks import BENCHMARKS, accuracy_set
from tinybench.results.schema import DataRef, ModelRef, Source, TaskRef, Tool
from tinybench.submissions.layout import Place, slug
from tinybench.submissions.system import Division

TOOL: Final = Tool(version="0.1.0", commit=None)
"""The first version whose import writes what is written here. It is part of the id of a result, which has to
stay as long as the figures do: raised only when the conversion changes, not with every release."""

CREATED: Final = datetime(2026, 11, 21, tzinfo=UTC)
"""When the conversion was made. What is published does not say when it was measured, and the same source has
to give the same bytes on every day."""

LICENCE: Final = "Apache-2.0"
"""Of the repositories mlcommons/tiny_results_*."""

_LEGEND: Final = (
    "The MLPerf™ name and logo are registered and unregistered trademarks of MLCommons Association in the "
    "United States and other countries. All rights reserved. Unauthorized use strictly prohibited. "
    "See www.mlcommons.org for more information."
)
_OURS: Final = (
    "Names, cores, clocks and engines were normalised by tinybench, which is neither affiliated with nor "
    "endorsed by MLCommons."
)
_DISPLAY: Final = {"renesas": "Renesas", "qualcomm": "Qualcomm"}
"""Organisations that their rounds spell differently; all others are shown as they are spelled."""


def repository(round_: str) -> str:
    """Where the results of a round were published."""
    return f"https://github.com/mlcommons/tiny_results_{round_}"


def attribution(round_: str, division: str, task: str, organisation: str, system: str, path: str) -> str:
    """What has to be said beside the figures.

    Suite, version, division, benchmark, organisation, system and source: MLPerf Results Messaging Guidelines,
    "Required Information" and "Required Footnote", with the trademark legend. The date of retrieval and an
    entry number, which they name as well, are not known.
    """
    return (
        f"MLPerf™ Tiny {round_}, {division} division, benchmark {task}: {organisation}, system {system}. "
        f"Retrieved from {repository(round_)}, {path}. {_LEGEND} {_OURS}"
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
) -> Source:
    """Where a result was published, with its attribution."""
    return Source(
        kind="mlperf-tiny",
        round=round_,
        division=division,
        organisation=organisation,
        system=system,
        repository=repository(round_),
        path=path,
        licence=LICENCE,
        attribution=attribution(round_, division, task, organisation, system, path),
        original=dict(original),
    )


def place(round_: str, organisation: str, system: str) -> Place:
    """Where the submission belongs; spellings of one name that differ in case only share a folder.

    Raises:
        UsageError: a name has no letter or digit that can be written in ASCII.
    """
    return Place(f"mlperf-{slug(round_)}", slug(organisation), slug(system))


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
