"""What the raw evidence of a result says: facts, recomputed from what was recorded. Nothing here judges."""

from __future__ import annotations

import csv
import dataclasses
import io
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from tinybench.boards import energy_file
from tinybench.boards.energy_file import EnergyFile, RecordedPhase
from tinybench.boards.replay import Replay, read_transcript
from tinybench.errors import DataError
from tinybench.meters import eembc
from tinybench.meters.trace import PowerTrace
from tinybench.mlperf_tiny import accuracy as rules
from tinybench.mlperf_tiny import energyrunner, python_runner, tree
from tinybench.mlperf_tiny.printed import Printed, read_printed
from tinybench.mlperf_tiny.runs import (
    RUN_KINDS,
    RUNNERS,
    AccuracyRun,
    Energy,
    EnergyRun,
    PerformanceRun,
    Run,
    RunKind,
    Sample,
)
from tinybench.submissions.accuracy_sets import AccuracySet, Style, accuracy_set

if TYPE_CHECKING:
    from tinybench.mlperf_tiny.python_runner import Log
    from tinybench.mlperf_tiny.streaming import StreamingRun
    from tinybench.results.schema import MetricName
    from tinybench.submissions.entry import Entry

BOARD: Final = RUNNERS["board"]
BOARD_LOG: Final = "log.txt"
"""The transcript of ``tinybench run --runner board``."""

STREAMING_TASKS: Final = frozenset({"sww"})
"""Tasks on a stream of samples: their runs have no windows of repeated inferences."""

_MAX_ROWS: Final = 200_000
_INTEGERS: Final = re.compile(r"-?[0-9]{1,9}(?:,-?[0-9]{1,9})*")
_MAX_CELLS: Final = 2_000_000
"""Of a table; the largest split has 10,000 samples of 12 columns."""
_T = TypeVar("_T")


@dataclass(frozen=True)
class Broken:
    """Evidence that is there and cannot be read as what its name says."""

    name: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Outputs:
    """What the model gave for each sample of an accuracy run."""

    file: str
    """Name of the evidence."""
    style: Style
    samples: tuple[Sample, ...]
    stated_labels: Mapping[str, int]
    """The classes that the evidence itself states; empty for logs."""
    set: AccuracySet | None
    """What the samples should be; None if no set is defined."""

    @property
    def names(self) -> tuple[str, ...]:
        """Each sample once, in order: the windows of one recording are one sample."""
        return tuple(dict.fromkeys(s.input_file for s in self.samples if s.input_file is not None))

    @property
    def labels_known(self) -> bool:
        """Whether the class of every sample is known from elsewhere than the evidence itself."""
        return self.set is not None and all(self.set.label_of(name) is not None for name in self.names)

    def label_of(self, name: str) -> int | None:
        """Class of a sample: as the set says, else as the evidence says; None if neither does."""
        known = None if self.set is None else self.set.label_of(name)
        return self.stated_labels.get(name) if known is None else known


@dataclass(frozen=True, kw_only=True)
class Accuracies:
    """Accuracy by every rule that the outputs allow."""

    top1: float | None
    """Share of samples whose first largest output is that of their class."""
    auc: float | None
    """Area under the ROC curve; of several classes as MLCommons' runner reckons it."""
    auc_eembc: float | None
    """The same with the hundred thresholds of EEMBC's runner."""


@dataclass(frozen=True, kw_only=True)
class Recomputed:
    """What the evidence of one result says. None and empty: there is no such evidence, or it is broken."""

    performance: PerformanceRun | None = None
    energy_run: EnergyRun | None = None
    energy: Energy | None = None
    """Needs log, trace and edges."""
    trace_rate_hz: float | None = None
    """None also where the trace does not record it."""
    streaming: StreamingRun | None = None
    accuracy_run: AccuracyRun | None = None
    outputs: Outputs | None = None
    accuracy: Accuracies | None = None
    accuracy_reason: str | None = None
    """Why outputs that are there give no accuracy."""
    printed: Mapping[RunKind, Printed] = field(default_factory=dict)
    """What the runner printed at the end of each run."""
    said: Mapping[RunKind, Log] = field(default_factory=dict)
    """What MLCommons' runner logged beside its ``results.json``."""
    board: Replay | None = None
    """The transcript of the runner ``board``."""
    energy_file: EnergyFile | None = None
    """What that lists of its traces."""
    baselines_w: tuple[float | None, ...] = ()
    """Idle power of each window that it lists, by the traces; None where a window begins at once."""
    phases: tuple[RecordedPhase, ...] | None = None
    """Of each trace that covers its window."""
    listed_phases: tuple[RecordedPhase, ...] | None = None
    """What ``phases.csv`` says of them."""
    broken: tuple[Broken, ...] = ()

    @property
    def runs(self) -> Mapping[RunKind, Run]:
        """The logs of runs that could be read."""
        found: dict[RunKind, Run | None] = {
            "performance": self.performance,
            "energy": self.energy_run,
            "accuracy": self.accuracy_run,
        }
        return {kind: run for kind, run in found.items() if run is not None}

    @property
    def metrics(self) -> frozenset[MetricName]:
        """Every metric that was recomputed."""
        names: set[MetricName] = set()
        if self.performance is not None and self.performance.median_throughput is not None:
            names |= {"throughput", "latency.per_inference"}
        if self.energy is not None and self.energy.median_energy_per_inference_j is not None:
            names |= {"energy.per_inference", "power.active"}
            names |= set() if self.energy.median_above_baseline_j is None else {"energy.above_baseline"}
        if self.accuracy is not None and self.outputs is not None and self.outputs.labels_known:
            names |= {"accuracy.top1"} if self.accuracy.top1 is not None else set()
            names |= {"accuracy.auc"} if self.accuracy.auc is not None else set()
        if self.streaming is not None:
            names |= {"streaming.true_positives", "streaming.false_negatives", "streaming.false_positives"}
            # With an energy run, the published figures are those of that run, whose raw data are elsewhere.
            if self.streaming.throughput is not None and "energy" not in self.printed:
                names |= {"throughput", "latency.per_inference", "streaming.duty_cycle", "streaming.period"}
        return frozenset(names)


def recompute(entry: Entry, *, labels: Mapping[str, int] | None = None) -> Recomputed:
    """Read all evidence of a result once and recompute what it allows.

    Args:
        entry: the result and its evidence.
        labels: name of a sample, as in the evidence -> class, from a source that the caller trusts; of all
            samples, or empty. Only image classification needs it (see ``known_labels``): of the other tasks
            the classes are known here.
    """
    return _Reader(entry, labels).read()


def task_of_log(data: bytes, name: str) -> str | None:
    """The task of the model that the device names in the log of a run; None if it names none of those known.

    Raises:
        DataError: a line or the whole is longer than any log.
    """
    model = python_runner.read_log(data, name).model or energyrunner.read_performance(data, name).model
    return tree.task_of(model) if model else None


class _Reader:
    def __init__(self, entry: Entry, labels: Mapping[str, int] | None) -> None:
        self.entry = entry
        self.labels = labels
        self.streams = entry.result.task.id in STREAMING_TASKS
        self.broken: list[Broken] = []
        self.said: dict[RunKind, Log] = {}

    def read(self) -> Recomputed:
        return self._of_board() if self.entry.result.runner == BOARD else self._of_runner()

    def _of_board(self) -> Recomputed:
        """From the transcript, ``energy.json`` and its traces, and the table of outputs."""
        replay = self._parse(BOARD_LOG, read_transcript)
        file = self._parse(energy_file.FILE, energy_file.read_energy_file)
        measured, energy_run = None, None if replay is None else replay.energy
        if energy_run is not None and file is not None:
            measured = self._measured(energy_run, file)
            volts, how = file.instrument.voltage_v, file.instrument.voltage
            energy_run = dataclasses.replace(
                energy_run,
                supply_voltage_v=volts if how == "measured" else None,
                set_voltage_v=volts if how == "set" else None,
            )
        outputs = self._table()
        accuracies, reason = (None, None) if outputs is None else _accuracies(outputs)
        return Recomputed(
            performance=None if replay is None else replay.performance,
            energy_run=energy_run,
            energy=None if measured is None else measured.energy,
            trace_rate_hz=None if measured is None else min(measured.rates_hz, default=None),
            accuracy_run=None if replay is None else replay.accuracy,
            outputs=outputs,
            accuracy=accuracies,
            accuracy_reason=reason,
            board=replay,
            energy_file=file,
            baselines_w=() if measured is None else measured.baselines_w,
            phases=None if measured is None else measured.phases,
            listed_phases=self._parse(energy_file.PHASES, energy_file.read_phases),
            broken=tuple(self.broken),
        )

    def _measured(self, run: EnergyRun, file: EnergyFile) -> energy_file.Measured | None:
        """What the traces say; None if one of them is missing or broken."""

        def trace_of(name: str) -> PowerTrace:
            trace = self._parse(name, eembc.read_trace)
            if trace is None:
                raise DataError(name)
            return trace

        try:
            return energy_file.measure_energy(run, file, trace_of)
        except DataError:
            return None

    def _of_runner(self) -> Recomputed:
        performance, streaming = self._performance()
        energy_run, energy, rate_hz = self._energy()
        accuracy_run, outputs = self._outputs()
        accuracies, reason = (None, None) if outputs is None else _accuracies(outputs)
        return Recomputed(
            performance=performance,
            energy_run=energy_run,
            energy=energy,
            trace_rate_hz=rate_hz,
            streaming=streaming,
            accuracy_run=accuracy_run,
            outputs=outputs,
            accuracy=accuracies,
            accuracy_reason=reason,
            printed={kind: found for kind in RUN_KINDS if (found := self._printed(kind)) is not None},
            said=self.said,
            broken=tuple(self.broken),
        )

    def _performance(self) -> tuple[PerformanceRun | None, StreamingRun | None]:
        log = self._log("performance")
        if log is not None:
            return self._run(energyrunner.read_performance, log), None
        results = "performance-results.json"
        if self.streams:
            return None, self._parse(results, python_runner.read_streaming)
        said = self.said.get("performance")
        return self._parse(results, lambda data, name: python_runner.read_performance(data, name, said)), None

    def _energy(self) -> tuple[EnergyRun | None, Energy | None, float | None]:
        log = self._log("energy")
        if log is not None:
            run = self._run(energyrunner.read_energy, log)
            trace = self._parse("energy-trace1-energy.bin", eembc.read_trace)
            edges = self._parse("energy-trace1-timestamps.json", eembc.read_timestamps)
            if run is None or trace is None or edges is None:
                return run, None, None
            return run, energyrunner.measure_energy(run, trace, edges), trace.rate_hz
        if self.streams:
            return None, None, None
        said = self.said.get("energy")
        both = self._parse(
            "energy-results.json", lambda data, name: python_runner.read_energy(data, name, said)
        )
        return (None, None, None) if both is None else (*both, None)

    def _outputs(self) -> tuple[AccuracyRun | None, Outputs | None]:
        outputs = self._table()
        if outputs is not None:
            return None, outputs
        log, name = self._log("accuracy"), "accuracy-results.json"
        if log is not None:
            run, name = self._run(energyrunner.read_accuracy, log), log[0]
        else:
            said = self.said.get("accuracy")
            run = self._parse(name, lambda data, file: python_runner.read_accuracy(data, file, said))
        return (None, None) if run is None else (run, self._as_outputs(name, "log", run.samples, {}))

    def _table(self) -> Outputs | None:
        """The outputs of ``tinybench run``: int8, or decimals as a board prints them."""
        printed = self.entry.result.runner == BOARD
        readers: dict[str, Callable[[bytes, str], tuple[tuple[Sample, ...], dict[str, int]]]] = {
            "outputs.csv": lambda data, name: read_outputs(data, name, decimals=printed),
            "scores.csv": read_scores,
        }
        for name, read in readers.items():
            table = self._parse(name, read)
            if table is not None:
                return self._as_outputs(name, "csv", *table)
        return None

    def _as_outputs(
        self, file: str, style: Style, samples: tuple[Sample, ...], labels: Mapping[str, int]
    ) -> Outputs:
        wanted = accuracy_set(self.entry.result, style, self.labels)
        return Outputs(file=file, style=style, samples=samples, stated_labels=labels, set=wanted)

    def _log(self, kind: RunKind) -> tuple[str, bytes] | None:
        """The log of a run if EnergyRunner wrote it; what MLCommons' runner wrote is kept in ``said``."""
        name = f"{kind}-log.txt"
        data = self._parse(name, lambda data, _: data)
        if data is None:
            return None
        if python_runner.BEGINS not in data:
            return name, data
        said = self._parse(name, python_runner.read_log)
        if said is None:
            return None
        if said.sessions == 0:
            return name, data
        self.said[kind] = said
        return None

    def _run(self, read: Callable[[bytes, str], _R], log: tuple[str, bytes]) -> _R | None:
        name, data = log
        try:
            run = read(data, name)
        except DataError as error:
            self._is_broken(name, error.message)
            return None
        if run.sessions == 0:
            self._is_broken(name, f"{name}: is no log of EEMBC's or MLCommons' runner")
            return None
        return run

    def _printed(self, kind: RunKind) -> Printed | None:
        return self._parse(f"{kind}-results.txt", read_printed)

    def _parse(self, name: str, read: Callable[[bytes, str], _T]) -> _T | None:
        """What ``read`` makes of an evidence file; None if it is not there or broken."""
        try:
            data = self.entry.read(name)
            return None if data is None else read(data, name)
        except DataError as error:
            self._is_broken(name, error.message)
            return None

    def _is_broken(self, name: str, reason: str) -> None:
        if all(broken.name != name for broken in self.broken):
            self.broken.append(Broken(name, reason))


_R = TypeVar("_R", bound=Run)


def read_outputs(
    data: bytes, name: str, *, decimals: bool = False
) -> tuple[tuple[Sample, ...], dict[str, int]]:
    """The outputs of every sample and its class: ``outputs.csv`` of ``tinybench run``.

    Args:
        data: the file.
        name: what errors call it.
        decimals: whether outputs are decimal numbers, as boards print them, and not int8.

    Raises:
        DataError: it is something else.
    """
    header, rows = _table(data, name, ("sample", "label"))
    if header[2:] != [f"output_{k}" for k in range(len(header) - 2)] or len(header) < 3:
        raise DataError(f"{name}: the columns after label have to be output_0, output_1, ...")
    if decimals:
        labels = {row[0]: _integer(row[1], f"{name}: line {line}") for line, row in rows}
        values = (tuple(_decimal(cell, f"{name}: line {line}") for cell in row[2:]) for line, row in rows)
        return tuple(_sample(row[0], each) for (_, row), each in zip(rows, values, strict=True)), labels
    table = _integers([row[1:] for _, row in rows], f"{name}: line")
    samples = tuple(
        _sample(row[0], tuple(outputs))
        for (_, row), outputs in zip(rows, table[:, 1:].astype(np.float64).tolist(), strict=True)
    )
    return samples, {row[0]: label for (_, row), label in zip(rows, table[:, 0].tolist(), strict=True)}


def read_scores(data: bytes, name: str) -> tuple[tuple[Sample, ...], dict[str, int]]:
    """The score of every recording and its class: ``scores.csv``; as ``read_outputs``."""
    header, rows = _table(data, name, ("sample", "group", "label", "score"))
    if len(header) != 4:
        raise DataError(f"{name}: has columns after score")
    samples, labels = [], {}
    for line, row in rows:
        labels[row[0]] = _integer(row[2], f"{name}: line {line}")
        samples.append(_sample(row[0], (_decimal(row[3], f"{name}: line {line}"),)))
    return tuple(samples), labels


def _table(data: bytes, name: str, columns: tuple[str, ...]) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """Header, and (number of the line, cells) of each row, all of the same length."""
    if data.count(b",") > _MAX_CELLS or data.count(b"\n") > _MAX_ROWS:
        raise DataError(f"{name}: has more rows or columns than any split")
    try:
        rows = list(csv.reader(io.StringIO(data.decode()), strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{name}: is no CSV: {error}") from None
    header = rows[0] if rows else []
    if tuple(header[: len(columns)]) != columns:
        raise DataError(f"{name}: the first line has to name the columns {', '.join(columns)}")
    if len(rows) < 2:
        raise DataError(f"{name}: holds no sample")
    for line, row in enumerate(rows, 1):
        if len(row) != len(header):
            raise DataError(f"{name}: line {line} has {len(row)} columns, the first line {len(header)}")
    return header, list(enumerate(rows[1:], 2))


def _sample(name: str, results: tuple[float, ...]) -> Sample:
    return Sample(input_file=name, offset=None, length=None, results=results)


def _integers(rows: list[list[str]], where: str) -> NDArray[np.int64]:
    """The cells of equally long rows, all at once where all are right: a split has up to 130,000."""
    columns = len(rows[0])
    joined = ",".join(map(",".join, rows))
    # A cell in quotes may hold a comma; then there are more numbers than cells.
    if _INTEGERS.fullmatch(joined) and joined.count(",") + 1 == len(rows) * columns:
        return np.fromstring(joined, dtype=np.int64, sep=",").reshape(len(rows), columns)
    cells = [[_integer(cell, f"{where} {line}") for cell in row] for line, row in enumerate(rows, 2)]
    return np.array(cells, dtype=np.int64)


def _integer(cell: str, where: str) -> int:
    digits = cell.removeprefix("-")
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 9):
        raise DataError(f"{where}: '{cell[:40]}' is no whole number")
    return int(cell)


def _decimal(cell: str, where: str) -> float:
    try:
        value = float(cell) if len(cell) <= 40 else float("nan")
    except ValueError:
        value = float("nan")
    if not abs(value) < float("inf"):
        raise DataError(f"{where}: '{cell[:40]}' is no finite number")
    return value


def _accuracies(outputs: Outputs) -> tuple[Accuracies | None, str | None]:
    """The accuracies, or why there are none."""
    try:
        table = rules.labelled(outputs.samples, outputs.label_of)
    except DataError as error:
        return None, error.message
    if table.outputs.shape[1] == 1:
        return Accuracies(
            top1=None,
            auc=_allowed(rules.auc_exact, table),
            auc_eembc=_allowed(rules.auc_eembc_scores, table),
        ), None
    # The areas of several classes are those of probabilities; tables hold int8, as the model gives it.
    printed = outputs.style == "log"
    return Accuracies(
        top1=_allowed(rules.top1, table),
        auc=_allowed(rules.auc_exact, table) if printed else None,
        auc_eembc=_allowed(rules.auc_eembc, table) if printed else None,
    ), None


def _allowed(rule: Callable[[rules.Floats, rules.Labels], float], table: rules.Labelled) -> float | None:
    try:
        return rule(table.outputs, table.labels)
    except DataError:  # such as classes without a sample: the area is not defined
        return None
