"""What ``tinybench.import_mlperf_tiny`` does."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

from tinybench.errors import UnknownNameError, UsageError
from tinybench.mlperf_tiny.published import ROUND
from tinybench.mlperf_tiny.tasks import BENCHMARKS
from tinybench.paths import expand
from tinybench.progress import Progress, silent
from tinybench.submissions.findings import Finding
from tinybench.submissions.importing.runs import Row, Stated, read_labels, read_runs
from tinybench.submissions.importing.writing import Outcome, write
from tinybench.submissions.layout import Place
from tinybench.submissions.system import Division


@dataclass(frozen=True)
class Import:
    """What was imported."""

    rows: tuple[Row, ...]
    """One for each result: the result, its figures as recomputed and as printed, and findings."""
    findings: tuple[Finding, ...]
    """About the tree and its systems, apart from those of the rows."""
    written: Mapping[Place, Outcome]
    """Submission -> ``new``, ``unchanged`` or ``replaced``; empty if nothing was to be written."""


def import_mlperf_tiny(
    path: str | os.PathLike[str],
    *,
    output: str | os.PathLike[str] | None = None,
    round: str | None = None,
    division: Division | None = None,
    organisation: str | None = None,
    system: str | None = None,
    task: str | None = None,
    system_file: str | os.PathLike[str] | None = None,
    labels: str | os.PathLike[str] | None = None,
    hashes_only: bool = False,
    replace: bool = False,
    progress: Progress | None = None,
) -> Import:
    """Import results as MLPerf Tiny publishes them, recomputing what their logs allow.

    Args:
        path: a results repository (with ``closed/`` and ``open/``), a folder in it, or a folder with the
            folders ``performance``, ``accuracy`` and ``energy`` of one task.
        output: folder for the submissions; if not given, nothing is written.
        round: such as ``"v1.2"``; by the name of the repository if not given.
        division, organisation, system: by the path if not given.
        task: by the path, or by what the device says in its log, if not given.
        system_file: the JSON that describes the system; by its name in ``systems/`` if not given.
        labels: folder with ``*y_labels.csv``. Image classification needs it; without it the printed accuracy
            is taken, and said to be printed.
        hashes_only: do not copy the evidence; results then hold its hashes alone.
        replace: put this import in the place of an earlier one of the same system.
        progress: called as ``progress(step, done, total)``.

    Returns:
        All results with what was recomputed, what the runner printed, and findings.

    Raises:
        TinybenchError: there are no runs, something is not known that has to be, or a submission is there
            already with other content.
    """
    if round is not None and not ROUND.fullmatch(round):
        raise UsageError(f"round '{round}' is none", hint="rounds are called v0.5, v1.2, ...")
    if task is not None and task not in BENCHMARKS:
        raise UnknownNameError("task", task, BENCHMARKS)
    described = None if system_file is None else expand(system_file, "system_file")
    if described is not None and not described.is_file():
        raise UsageError(f"{described}: no such file", hint="the system file is the JSON that describes it")
    stated = Stated(
        round=round,
        division=division,
        organisation=organisation,
        system=system,
        task=task,
        system_file=described,
    )
    imported = read_runs(
        expand(path, "path"),
        stated,
        None if labels is None else read_labels(expand(labels, "labels")),
        copy_evidence=not hashes_only,
        progress=progress or silent,
    )
    written = {} if output is None else write(imported.drafts, expand(output, "output"), replace=replace)
    return Import(imported.rows, imported.findings, written)
