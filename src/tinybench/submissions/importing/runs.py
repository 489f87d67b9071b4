"""Runs that MLPerf Tiny published, with their logs: recomputed, and compared with what the runner printed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final

from tinybench.errors import DataError, UsageError
from tinybench.files.guarded import Folder
from tinybench.mlperf_tiny import labels, tree
from tinybench.mlperf_tiny.runs import RUNNERS
from tinybench.mlperf_tiny.tasks import BENCHMARKS, accuracy_set
from tinybench.mlperf_tiny.tree import Case, RunFolder, Tree
from tinybench.progress import Progress, silent
from tinybench.results.schema import DataRef, Evidence, Result, is_decisive, meets, new_result
from tinybench.results.store import describe_evidence
from tinybench.submissions import layout, text
from tinybench.submissions.entry import Entry, opener
from tinybench.submissions.evidence import stored
from tinybench.submissions.findings import Finding, rule
from tinybench.submissions.importing import figures, mlperf
from tinybench.submissions.importing.description import Description, find_description, read_description
from tinybench.submissions.importing.figures import Compared
from tinybench.submissions.importing.writing import Draft
from tinybench.submissions.recompute import Recomputed, recompute, task_of_log
from tinybench.submissions.rules import examine
from tinybench.submissions.system import Division

NO_TASK: Final = rule(
    "TB930",
    "task-unknown",
    "warning",
    title="Nobody says which task was measured",
    why="""The folder of a task is called kws, vww, ic, ad or sww, or spelled out; the device says in its
    log which model it runs. If neither is so, the runs cannot be imported.""",
    hint="Give --task, or rename the folder.",
)
OTHER_TASK: Final = rule(
    "TB931",
    "task-differs",
    "error",
    title="The device says that it runs another task than its folder",
    why="""The device names its model when it is asked (m-model-[kws01]). If that is another task than
    the folder says, the log of another run was submitted.""",
    hint="Find out which of the two is right before the figures are used.",
)
NO_PERFORMANCE_LOG: Final = rule(
    "TB932",
    "performance-log-missing",
    "warning",
    title="There is no log of a performance run",
    why="""Latency is recomputed from the timestamps in performance/log.txt (results.json of MLCommons'
    runner). Without it there is at most a printed figure.""",
    hint="Nothing can be done here, unless the log is elsewhere.",
)
NO_ACCURACY_RUN: Final = rule(
    "TB933",
    "accuracy-run-missing",
    "warning",
    title="There is no accuracy run",
    why="Without the accuracy of the same code nobody knows whether what was timed computes the task.",
    hint="Nothing can be done here, unless the run is elsewhere.",
)
NAMED_OTHERWISE: Final = rule(
    "TB934",
    "named-otherwise",
    "note",
    title="A folder or file is not called as the rules say",
    why="""Runs lie in performance, accuracy and energy, and their files are called log.txt, results.txt,
    results.json, script.async, trace1-energy.bin and trace1-timestamps.json. Published trees also have
    enegy, power, performance_log.txt and the like. They are imported under the right name.""",
    hint="Nothing has to be done.",
)
NOT_LOOKED_AT: Final = rule(
    "TB935",
    "not-looked-at",
    "warning",
    title="A part of the tree was not looked at",
    why="Links are never followed, and folders are read to a depth of twelve: results do not lie deeper.",
    hint="Import what the link leads to by itself, if it holds results.",
)
RUNNER_DIFFERS: Final = rule(
    "TB936",
    "runner-differs",
    "warning",
    title="The log is of another runner than the marker says",
    why="""Since v1.3 an empty file EEMBC_RUNNER in the folder of a task says that EEMBC's runner
    measured; without it MLCommons' own is meant.""",
    hint="Nothing has to be done: the log counts.",
)
NOT_KEPT: Final = rule(
    "TB937",
    "evidence-not-kept",
    "warning",
    title="A file of a run cannot be kept as evidence",
    why="""A submission holds files up to a size that a check can read. What is larger, or is no regular
    file, is not copied; where its hash is in the result, the original can still be checked against it.""",
    hint="Keep the original; its SHA-256 is in the result if it could be read.",
)
BAD_NAME: Final = rule(
    "TB939",
    "name-refused",
    "warning",
    title="A folder has a name that nothing can have here",
    why="""Names of organisations and systems become parts of paths and are shown on pages: Latin letters,
    digits and ASCII punctuation, at least one letter or digit, no markup. Runs in a folder with another name
    are left out.""",
    hint="Import them by themselves, and give --organisation and --system.",
)

_MAX_PATH: Final = 500
"""Characters; it stands in a result, and in its attribution."""
_ONE_RUNNER: Final = ("v0.5", "v0.7", "v1.0", "v1.1", "v1.2")
"""Rounds in which there was EEMBC's runner only, and no marker."""


@dataclass(frozen=True, kw_only=True)
class Stated:
    """What the user says about runs because their paths do not."""

    round: str | None = None
    division: Division | None = None
    organisation: str | None = None
    system: str | None = None
    task: str | None = None
    system_file: Path | None = None


@dataclass(frozen=True)
class Row:
    """One imported result, and what was found about it."""

    path: str
    """Folder of its runs."""
    place: layout.Place
    name: str
    """Of its file in ``results/``."""
    result: Result
    figures: tuple[Compared, ...]
    findings: tuple[Finding, ...]
    evidence_checked: bool
    """Whether every stated figure was recomputed from raw evidence, and nothing contradicts it."""


@dataclass(frozen=True)
class Imported:
    """What a tree holds."""

    drafts: tuple[Draft, ...]
    rows: tuple[Row, ...]
    findings: tuple[Finding, ...]
    """About the tree and its systems, apart from those of the rows."""


def read_labels(folder: Path) -> dict[str, int]:
    """Classes of samples from all files ``*y_labels.csv`` in and below a folder: name -> class.

    Raises:
        DataError: there is none, one cannot be read, or two give a sample different classes.
    """
    found: dict[str, int] = {}
    paths = sorted(folder.rglob("*y_labels.csv"))
    if not paths:
        raise DataError(f"{folder}: holds no *y_labels.csv", hint="give the folder of the label files")
    for path in paths:
        for name, label in labels.read_labels(_read_file(path), str(path)).items():
            if found.setdefault(name, label) != label:
                raise DataError(f"{path}: gives {name} another class than a file before it")
    return found


def read_runs(
    path: Path,
    stated: Stated | None = None,
    known_labels: Mapping[str, int] | None = None,
    *,
    copy_evidence: bool = True,
    progress: Progress = silent,
) -> Imported:
    """Read a results repository, or a part of one.

    Args:
        path: of the repository, of a folder in it, or of a folder with the folders of runs.
        stated: what the paths do not say.
        known_labels: name of a sample -> class; needed for image classification only.
        copy_evidence: whether the submissions hold the evidence, or its hashes alone.
        progress: called as ``progress(step, done, total)``.

    Raises:
        DataError: it cannot be read, there are no runs in it, or two of them have the same place.
        UsageError: neither the path nor ``stated`` says round, division, organisation or system.
    """
    found = tree.find(path)
    if not found.cases:
        raise DataError(
            f"{path}: holds no runs",
            hint="a run is a folder called performance, accuracy or energy with log.txt or results.txt",
        )
    return _Reader(found, stated or Stated(), known_labels or {}, copy_evidence, progress).read()


@dataclass
class _Reader:
    tree: Tree
    stated: Stated
    labels: Mapping[str, int]
    copy: bool
    progress: Progress
    rows: list[Row] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    def read(self) -> Imported:
        """Everything in the tree."""
        self.findings += [NOT_LOOKED_AT.found(skipped.path, skipped.reason) for skipped in self.tree.skipped]
        systems: dict[mlperf.Named, list[_Run]] = defaultdict(list)
        for case in self.tree.cases:
            device = self._device_task(case)
            task = self.stated.task or case.task or device
            if task is None:
                reason = "neither its path nor the log of the device says it"
                self.findings.append(NO_TASK.found(case.path, reason))
                continue
            named = self._named(case)
            flaw = mlperf.name_flaw(named, case.variant) or _path_flaw(case.path)
            if flaw is not None:
                self.findings.append(BAD_NAME.found(case.path, flaw))
            else:
                systems[named].append(_Run(named, case, task, device))
        places = mlperf.places(systems)
        drafts = [self._draft(named, places[named], runs) for named, runs in systems.items()]
        return Imported(tuple(drafts), tuple(self.rows), tuple(self.findings))

    def _named(self, case: Case) -> mlperf.Named:
        given = {
            "round": self.stated.round or self.tree.round,
            "division": self.stated.division or case.division,
            "organisation": self.stated.organisation or case.organisation,
            "system": self.stated.system or case.system,
        }
        missing = [name for name, value in given.items() if value is None]
        if missing:
            raise UsageError(
                f"{self.tree.base / case.path}: nothing says the {' and the '.join(missing)}",
                hint=f"give {', '.join(f'--{name}' for name in missing)}",
            )
        round_, division, organisation, system = (value or "" for value in given.values())
        return mlperf.Named(round_, "open" if division == "open" else "closed", organisation, system)

    def _device_task(self, case: Case) -> str | None:
        """What the device says that it runs, in the first log that says it."""
        for run in case.runs.values():
            if "log.txt" not in run.files:
                continue
            try:
                data = self._bytes(run.files["log.txt"])
                task = task_of_log(data, run.path)
            except DataError:
                continue  # it is said when the evidence is read
            if task is not None:
                return task
        return None

    def _draft(self, named: mlperf.Named, place: layout.Place, runs: list[_Run]) -> Draft:
        if self.stated.system_file is not None:
            file = self.stated.system_file
            description = read_description(named, str(file), lambda _: _read_file(file))
        else:
            paths = self.tree.system_files.get((named.division, named.organisation), ())
            description = find_description(named, paths, self._bytes)
        self.findings += description.findings
        results: dict[str, Result] = {}
        evidence: dict[tuple[str, str], partial[bytes]] = {}
        for run in runs:
            self.progress("recomputing", len(self.rows), len(self.tree.cases))
            variant = run.case.variant
            name = f"{run.task}-{layout.slug(variant)}.json" if variant else f"{run.task}.json"
            if name in results:
                raise DataError(
                    f"{self.tree.base / run.case.path}: {named.system} has {run.task} already",
                    hint="import them one by one, each with a --system of its own",
                )
            row, kept = self._row(run, description, place, name)
            self.rows.append(row)
            results[name] = row.result
            evidence |= kept
        return Draft(place, description.system(list(results.values())), results, evidence)

    def _row(
        self, run: _Run, description: Description, place: layout.Place, name: str
    ) -> tuple[Row, dict[tuple[str, str], partial[bytes]]]:
        where, findings = run.case.path, list(run.findings())
        listed: list[Evidence] = []
        readable: dict[str, partial[bytes]] = {}
        for item, path in run.files().items():
            read = partial(self._bytes, path)
            try:
                listed += describe_evidence({item: read()})
            except DataError as error:
                findings.append(NOT_KEPT.found(path, error.message.removeprefix(f"{path}: ")))
            else:
                readable[item] = read
        openers = {item: opener(read) for item, read in readable.items()}
        # What can be recomputed depends on task and round, not on the figures that a result states.
        blank = run.result(description, Recomputed(), ())
        facts = recompute(Entry(where, blank, openers), labels=self.labels)
        result = run.result(description, facts, tuple(listed))
        examined = examine(Entry(where, result, openers), labels=self.labels)
        findings += (*run.contradictions(facts), *examined.findings)
        kept: dict[tuple[str, str], partial[bytes]] = {}
        for item, read in readable.items() if self.copy else ():
            if stored(result.id, item, read()) is None:
                findings.append(NOT_KEPT.found(run.files()[item], "is too large; its hash is in the result"))
            else:
                kept[result.id, item] = read
        contradicted = any(finding.rule.severity == "error" for finding in findings)
        row = Row(
            path=where,
            place=place,
            name=name,
            result=result,
            figures=figures.compare(facts, run.task),
            findings=tuple(findings),
            evidence_checked=examined.evidence_checked and not contradicted,
        )
        return row, kept

    def _bytes(self, path: str) -> bytes:
        with Folder.open(self.tree.base) as folder:
            return folder.read(path, layout.MAX_UNPACKED)


@dataclass(frozen=True)
class _Run:
    """The runs of one task on one system."""

    named: mlperf.Named
    case: Case
    task: str
    device_task: str | None
    """By the log of the device."""

    def files(self) -> dict[str, str]:
        """Evidence name -> path below the base of the tree, in alphabetical order."""
        files = {
            f"{kind}-{name}": path for kind, run in self.case.runs.items() for name, path in run.files.items()
        }
        return dict(sorted(files.items()))

    def findings(self) -> Iterator[Finding]:
        """What the folder lacks, and what is called otherwise."""
        for run in self.case.runs.values():
            if not run.exact or run.renamed:
                yield NAMED_OTHERWISE.found(run.path, _otherwise(run))
        performance = self.case.runs.get("performance")
        if performance is None or not {"log.txt", "results.json"} & set(performance.files):
            yield NO_PERFORMANCE_LOG.found(self.case.path, "no log.txt and no results.json")
        if "accuracy" not in self.case.runs and BENCHMARKS[self.task].metric is not None:
            yield NO_ACCURACY_RUN.found(self.case.path, "no folder is called accuracy")

    def contradictions(self, facts: Recomputed) -> Iterator[Finding]:
        """What the logs say otherwise than the folder."""
        if self.device_task not in (None, self.task):
            yield OTHER_TASK.found(self.case.path, f"the device runs {self.device_task}, not {self.task}")
        eembc = self.case.eembc_marker or self.named.round in _ONE_RUNNER
        others = {run.runner for run in facts.runs.values()} - {"energyrunner" if eembc else "mlcommons"}
        if others:
            marker = "is there" if self.case.eembc_marker else "is not there"
            where = f"{tree.EEMBC_MARKER} {marker}, round {self.named.round}"
            yield RUNNER_DIFFERS.found(self.case.path, f"{where}: the logs are of {RUNNERS[others.pop()]}")

    def result(self, description: Description, facts: Recomputed, evidence: tuple[Evidence, ...]) -> Result:
        """The result that the facts make."""
        metrics = tuple(figures.metrics(figures.compare(facts, self.task)))
        data = self._data(facts)
        source = mlperf.source(
            round_=self.named.round,
            division=self.named.division,
            task=self.task,
            organisation=self.named.organisation,
            system=self.named.system,
            path=self.case.path,
            original=description.originals(),
            in_repository=self.case.division is not None,
        )
        target = BENCHMARKS[self.task].target
        accuracy = next((metric for metric in metrics if metric.name.startswith("accuracy.")), None)
        whole = is_decisive(data, source, accuracy)
        energy = facts.energy_run
        return new_result(
            created=mlperf.CREATED,
            tool=mlperf.TOOL,
            task=mlperf.task_ref(self.task),
            data=data,
            model=mlperf.model_ref(
                self.named.division,
                self.task,
                self.named.organisation,
                self.case.variant,
                description.number_format(self.case.variant),
            ),
            device=description.device(
                None if energy is None else energy.supply_voltage_v or energy.set_voltage_v
            ),
            engine=description.engine(),
            runner=_runner(facts),
            source=source,
            metrics=metrics,
            unavailable=tuple(
                mlperf.unavailable(self.task, {metric.name for metric in metrics}, "no run shows it")
            ),
            windows=tuple(figures.windows(facts)),
            layers=(),
            evidence=evidence,
            notes=tuple(_notes(facts)),
            target=target,
            target_met=meets(target, accuracy) if whole else None,
            publishable=whole,
            not_publishable_because=() if whole else ("its accuracy is of a part of the set",),
            environment=None,
        )

    def _data(self, facts: Recomputed) -> DataRef:
        """The set of the round, with as many samples as the log of the accuracy run has."""
        used = accuracy_set(self.task, self.named.round)
        samples = len(facts.outputs.names) or None if facts.outputs is not None else None
        whole = samples is None or used.samples in (None, samples)
        return DataRef(
            split=used.split,
            dataset=used.dataset,
            dataset_sha256=None,
            samples=samples,
            limit=None if whole else samples,
        )


def _path_flaw(path: str) -> str | None:
    found = text.flaw(path, _MAX_PATH)
    return None if found is None else f"its path: {found.reason}"


def _runner(facts: Recomputed) -> str:
    if facts.said or facts.streaming is not None:
        return RUNNERS["mlcommons"]
    return next((RUNNERS[run.runner] for run in facts.runs.values()), mlperf.UNKNOWN_RUNNER)


def _notes(facts: Recomputed) -> Iterator[str]:
    yield "imported from a published tree: figures are recomputed from its logs where they show them"
    if facts.outputs is not None and facts.accuracy is None:
        yield f"accuracy was not recomputed: {facts.accuracy_reason}"
    energy = facts.energy_run
    if energy is not None and energy.supply_voltage_v is None and energy.set_voltage_v is not None:
        yield "supply as the runner was set, not measured"


def _otherwise(run: RunFolder) -> str:
    folder = [] if run.exact else [f"folder {run.path.rpartition('/')[2]}"]
    return ", ".join((*folder, *run.renamed))


def _read_file(path: Path) -> bytes:
    with Folder.open(path.parent) as folder:
        return folder.read(path.name, layout.MAX_UNPACKED)
