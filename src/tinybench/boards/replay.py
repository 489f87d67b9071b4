"""What the transcript of a run on a board shows: windows, outputs, and which bytes were loaded for each.

The transcript is evidence that a stranger may have written. It is read as strictly as it was spoken: an
answer to ``infer`` counts only if it is whole, and only for the block of the session that it stands in.

::

    session: performance 3 input yes/0a7c2a8d_nohash_0.wav      a block begins: run, number, sample
    host: db of 490 bytes, sha256 <64 digits>, in 16 commands   what was sent
    dut: m-load-done                                            and arrived
    host: infer 250 1%
    dut: m-infer-start-250 ... m-ready                          the answer
    session: dropped performance 3: 9.1 s are too short         does not count; another block follows

What a block asked for twice, the board answered twice: the last whole answer counts. Blocks that were made
again although nothing was wrong with them are listed, as one could choose among them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from tinybench.boards import messages, transcript
from tinybench.errors import DataError
from tinybench.mlperf_tiny.energyrunner import HEAVY, MAX_FACTS
from tinybench.mlperf_tiny.runs import (
    AccuracyRun,
    Configuration,
    EnergyRun,
    LoggedError,
    PerformanceRun,
    RunKind,
    Sample,
    Window,
)

_MAX_LISTED: Final = 1000
"""Of what a log lists apart from answers: ports, boards, errors, what was made again."""
_MAX_TEXT: Final = 255

_BEGIN: Final = re.compile(r"begin tinybench ([\w.+-]{1,40})(?: .*)?")
_TASK: Final = re.compile(r"task (\S{1,100}) model ([0-9a-f]{64}) device (\S{1,100})")
_SPLIT: Final = re.compile(r"split (\S{1,100}) dataset (\S{1,100}) samples ([0-9]{1,9})")
_PORT: Final = re.compile(r"port (.{1,1000}) at [0-9]{1,9} baud")
_BLOCK: Final = re.compile(r"(performance|energy|accuracy) ([1-9][0-9]{0,8}) input (.{1,1000})")
_DROPPED: Final = re.compile(r"dropped (performance|energy|accuracy) ([1-9][0-9]{0,8}): (.*)")
_LOAD: Final = re.compile(r"db of [0-9]{1,9} bytes, sha256 ([0-9a-f]{64}), in [0-9]{1,9} commands")
_INFER: Final = re.compile(r"infer ([0-9]{1,10}) ([0-9]{1,10})%")
_KINDS: Final[dict[str, RunKind]] = {
    "performance": "performance",
    "energy": "energy",
    "accuracy": "accuracy",
}


@dataclass(frozen=True, kw_only=True)
class Subject:
    """What a run says that it is about, as it begins."""

    task: str | None = None
    model: str | None = None
    """SHA-256 of the model's file."""
    device: str | None = None
    split: str | None = None
    dataset: str | None = None
    """SHA-256 of the data set."""
    samples: int | None = None


@dataclass(frozen=True, kw_only=True)
class Again:
    """A whole answer that was given up for another."""

    run: RunKind
    number: int
    seconds: float | None
    """By the board's clock, else by the host's."""
    reason: str | None
    """As the log gives it; None: without one."""


@dataclass(frozen=True, kw_only=True)
class Replay:
    """A transcript, understood. A run is None if the log does not even begin it."""

    performance: PerformanceRun | None
    energy: EnergyRun | None
    accuracy: AccuracyRun | None
    """One sample for each inference, in the order of their numbers."""
    loaded: dict[RunKind, tuple[str | None, ...]]
    """For each window, or each inference of the accuracy run: SHA-256 of the bytes in the board's buffer;
    None if nothing says that they arrived."""
    gaps: bool
    """Whether numbers of the accuracy run are missing."""
    subjects: tuple[Subject, ...]
    """What the run says that it is about; one, unless it went on as another."""
    ports: tuple[str, ...]
    """Serial lines."""
    names: tuple[str, ...]
    """What the board calls itself."""
    remarks: tuple[str, ...]
    """What its firmware adds to that: ``m-[...]``."""
    again: tuple[Again, ...]


def read_transcript(data: bytes, name: str) -> Replay:
    """Understand the transcript of a run.

    Args:
        data: ``log.txt``.
        name: what errors call it.

    Raises:
        DataError: it is none, or longer than any; or a line is.
    """
    reader = _Reader()
    for entry in transcript.read(data, name):
        reader.hear(entry)
        if reader.facts > MAX_FACTS:
            raise DataError(f"{name}: holds more than {MAX_FACTS:,} facts, which no run has")
    if not reader.begun:
        raise DataError(f"{name}: is no log of the runner 'board': no run begins in it")
    return reader.replay()


@dataclass(slots=True)
class _Answer:
    """The answer to one ``infer``, while its lines are read."""

    inferences: int
    loaded: str | None
    warmups: int | None = None
    laps_us: list[int] = field(default_factory=list)
    results: tuple[float, ...] | None = None
    started_s: float | None = None
    ended_s: float | None = None
    broken: bool = False

    @property
    def whole(self) -> bool:
        return not self.broken and self.ended_s is not None and len(self.laps_us) in (0, 2)

    def take(self, time_s: float, message: messages.Message) -> None:
        match message:
            case messages.WarmupStart(count):
                self.warmups = count
            case messages.InferStart(count):
                self.broken |= count != self.inferences or self.started_s is not None
                self.started_s = time_s
            case messages.Lap(us):
                # One outside of the brackets is none of the window, and a window has no third.
                if self.started_s is None or self.ended_s is not None or len(self.laps_us) == 2:
                    self.broken = True
                else:
                    self.laps_us.append(us)
            case messages.InferDone():
                self.broken |= self.started_s is None or self.ended_s is not None
                self.ended_s = time_s
            case messages.Results(values):
                self.broken |= self.results is not None
                self.results = values
            case messages.Garbled() | messages.DeviceError() | messages.InitDone() | messages.TimestampMode():
                self.broken = True

    def window(self, number: int, sample: str) -> Window:
        host_seconds = None
        if self.started_s is not None and self.ended_s is not None:
            host_seconds = self.ended_s - self.started_s
        return Window(
            index=number,
            input_file=sample,
            inferences=self.inferences,
            warmups=self.warmups,
            laps_us=tuple(self.laps_us),
            host_seconds=host_seconds,
            results=self.results,
            closed=True,
        )


@dataclass(slots=True)
class _Block:
    run: RunKind
    number: int
    sample: str


@dataclass(frozen=True, slots=True)
class _Kept:
    """A whole answer and the block that asked for it."""

    block: _Block
    answer: _Answer

    @property
    def weight(self) -> int:
        """Among the facts of a log."""
        return HEAVY + len(self.answer.results or ())

    @property
    def window(self) -> Window:
        return self.answer.window(self.block.number, self.block.sample)


class _Reader:
    def __init__(self) -> None:
        self.begun = False
        self.facts = 0
        self._ended = False
        self._version: str | None = None
        self._subject = Subject()
        self._subjects: dict[Subject, None] = {}
        self._lists: dict[str, dict[str, None]] = {"port": {}, "name": {}, "remark": {}}
        self._model: str | None = None
        self._profile: str | None = None
        self._errors: dict[RunKind, list[LoggedError]] = {"performance": [], "energy": [], "accuracy": []}
        self._block: _Block | None = None
        self._begun_runs: set[RunKind] = set()
        self._sent: str | None = None
        self._loaded: str | None = None
        self._answer: _Answer | None = None
        self._kept: dict[tuple[RunKind, int], _Kept] = {}
        self._again: list[Again] = []

    def hear(self, entry: transcript.Entry) -> None:
        """Take in one line."""
        if entry.source == "session":
            self._session(entry.text)
        elif entry.source == "host":
            self._host(entry.text)
        elif entry.source == "dut":
            self._device(entry.time_s, messages.parse(entry.text))

    def _session(self, text: str) -> None:
        if block := _BLOCK.fullmatch(text):
            self._block = _Block(_KINDS[block[1]], int(block[2]), block[3])
            self._begun_runs.add(self._block.run)
            self._forget()
        elif dropped := _DROPPED.fullmatch(text):
            self._drop(_KINDS[dropped[1]], int(dropped[2]), dropped[3][:_MAX_TEXT])
        elif begin := _BEGIN.fullmatch(text):
            self.begun, self._ended, self._version = True, False, begin[1]
            self._subject, self._block = Subject(), None
            self._forget()
        elif task := _TASK.fullmatch(text):
            self._about(task=task[1], model=task[2], device=task[3])
        elif split := _SPLIT.fullmatch(text):
            self._about(split=split[1], dataset=split[2], samples=int(split[3]))
        elif port := _PORT.fullmatch(text):
            self._note("port", port[1])
        elif text == "end":
            self._ended = True

    def _host(self, text: str) -> None:
        if text.startswith("db "):
            load = _LOAD.fullmatch(text)
            self._sent, self._loaded = load[1] if load else None, None
        elif infer := _INFER.fullmatch(text):
            self._answer = _Answer(int(infer[1]), self._loaded)
            return
        self._answer = None

    def _device(self, time_s: float, message: messages.Message) -> None:
        answer = self._answer
        match message:
            case messages.Ready():
                self._answer = None
                if answer is not None and answer.whole:
                    self._keep(answer)
                return
            case messages.LoadDone():
                self._loaded, self._sent = self._sent, None
            case messages.InitDone() | messages.TimestampMode():
                self._sent = self._loaded = None
            case messages.DeviceError(text):
                self._error(text)
            case messages.Name(text):
                self._note("name", text)
            case messages.Info(text):
                self._note("remark", text)
            case messages.Model(text):
                self._model = text[:_MAX_TEXT]
            case messages.Profile(text):
                self._profile = text[:_MAX_TEXT]
        if answer is not None:
            answer.take(time_s, message)

    def _keep(self, answer: _Answer) -> None:
        if self._block is None:
            return
        key = self._block.run, self._block.number
        # An output that is not the interpreter's is asked for twice: that is no choice among windows.
        self._drop(*key, None)
        self._kept[key] = _Kept(self._block, answer)
        self.facts += self._kept[key].weight

    def _drop(self, run: RunKind, number: int, reason: str | None) -> None:
        kept = self._kept.pop((run, number), None)
        if kept is None:
            return
        self.facts -= kept.weight
        if run != "accuracy" and len(self._again) < _MAX_LISTED:
            window = kept.window
            seconds = window.host_seconds if window.seconds is None else window.seconds
            self._again.append(Again(run=run, number=number, seconds=seconds, reason=reason))

    def _forget(self) -> None:
        """What was loaded or is being answered is nothing that the next block may count on."""
        self._sent = self._loaded = self._answer = None

    def _about(self, **facts: Any) -> None:
        self._subjects.pop(self._subject, None)
        self._subject = Subject(**{**vars(self._subject), **facts})
        if len(self._subjects) < _MAX_LISTED:
            self._subjects[self._subject] = None

    def _note(self, what: str, text: str) -> None:
        if len(self._lists[what]) < _MAX_LISTED:
            self._lists[what][text[:_MAX_TEXT]] = None

    def _error(self, text: str) -> None:
        if self._block is not None and len(errors := self._errors[self._block.run]) < _MAX_LISTED:
            errors.append(LoggedError(source="dut", text=text[:_MAX_TEXT]))

    def replay(self) -> Replay:
        """What was heard, after the last line."""
        timed, metered, scored = (self._of(kind) for kind in ("performance", "energy", "accuracy"))
        performance, energy, accuracy = None, None, None
        if "performance" in self._begun_runs:
            windows = tuple(kept.window for kept in timed)
            performance = PerformanceRun(**self._common("performance"), windows=windows, stray_laps_us=())
        if "energy" in self._begun_runs:
            energy = EnergyRun(
                **self._common("energy"),
                windows=tuple(kept.window for kept in metered),
                first_edges=(),
                edges_expected=2 * len(metered),
                supply_voltage_v=None,
                set_voltage_v=None,
            )
        if "accuracy" in self._begun_runs:
            samples = tuple(
                Sample(input_file=kept.block.sample, offset=None, length=None, results=kept.answer.results)
                for kept in scored
            )
            accuracy = AccuracyRun(**self._common("accuracy"), samples=samples)
        return Replay(
            performance=performance,
            energy=energy,
            accuracy=accuracy,
            loaded={
                "performance": tuple(_loads(timed)),
                "energy": tuple(_loads(metered)),
                "accuracy": tuple(_loads(scored)),
            },
            gaps=[kept.block.number for kept in scored] != list(range(1, len(scored) + 1)),
            subjects=tuple(self._subjects),
            ports=tuple(self._lists["port"]),
            names=tuple(self._lists["name"]),
            remarks=tuple(self._lists["remark"]),
            again=tuple(self._again),
        )

    def _of(self, run: str) -> list[_Kept]:
        """The whole answers of a run, by number."""
        found = [kept for (kind, _), kept in self._kept.items() if kind == run]
        return sorted(found, key=lambda kept: kept.block.number)

    def _common(self, run: RunKind) -> dict[str, Any]:
        """The fields of ``Run``. A run that was stopped and went on is one."""
        return {
            "runner": "board",
            "runner_version": self._version,
            "model": self._model,
            "profile": self._profile,
            "configuration": Configuration(),
            "errors": tuple(self._errors[run]),
            "sessions": 1,
            "session": 1,
            "complete": self._ended,
        }


def _loads(found: Iterable[_Kept]) -> Iterator[str | None]:
    return (kept.answer.loaded for kept in found)
