"""Runs of the runner ``board`` with a fault on the line, and a judge of how each of them ended.

A run ends well in one of two ways: with the result that it has without the fault, or with one error of ours.
After an error it is run once more, without the fault: then it goes on from what was measured and ends in the
right result. ``trial`` does all that for a kind of fault and a seed; its verdict says what was wrong.

As a script (``make faults``), ``python tests/board_faults.py COUNT [SEED [KIND ...]]`` runs that many of each
kind and prints how they ended.
"""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cache, partial
from multiprocessing import get_context
from pathlib import Path
from types import FrameType

import numpy as np

from fake_board import FakeBoard, Firmware, Line, network
from fault_proxy import KINDS, Kind, faulty, kind
from tinybench import specs
from tinybench.boards.dut import Patience
from tinybench.boards.replay import read_transcript
from tinybench.datasets import golden
from tinybench.datasets.base import Samples
from tinybench.datasets.samples import load_samples
from tinybench.errors import TinybenchError
from tinybench.models import Model
from tinybench.runners.base import Bench, Measurement, Setup, Workload
from tinybench.runners.board import Board
from tinybench.specs import TaskSpec

SAMPLES = 8
WINDOWS = 5
LIMIT_S = 20.0
"""Longest time that a run may take before it counts as hung; the slowest take about 4 s."""
PATIENCE = Patience(boot_s=0.2, answer_s=0.2, inference_s=0.02, tries=3)
"""A fake board answers within some microseconds."""
SAME_OUTPUT = 0.000501
"""Half of the last decimal: a digit that comes twice makes 0.0044 of 0.004, which is the same int8."""
SAME_LATENCY = 1e-5
"""Windows of a fake board differ by its jitter, 3 us in 10 s."""

Measure = Callable[[str], Measurement]
"""What measures the board at a port: the runner, or one that is broken on purpose."""


@cache
def workload(name: str = "kws") -> Workload:
    """A few labelled inputs of a task, on a board whose clock is not that of this machine."""
    task, model = specs.task(name), network(name).model
    device = specs.device("nucleo-l4r5zi")
    assert device.board is not None
    emulated = device.model_copy(update={"board": device.board.model_copy(update={"emulated": True})})
    return Workload(task, model, emulated, _samples(task, model))


def _samples(task: TaskSpec, model: Model) -> Samples:
    scale, zero_point = model.input.scale, model.input.zero_point
    if task.splits.smoke is not None:
        return load_samples(task, "smoke", scale=scale, zero_point=zero_point, limit=SAMPLES)
    inputs = golden.read(task).inputs()[:SAMPLES]
    # A little beside the steps of the quantisation, as real features are.
    features = (inputs.astype(np.float32) - zero_point + 0.2) * np.float32(scale)
    return Samples(
        split="smoke",
        dataset="made",
        dataset_sha256="0" * 64,
        inputs=inputs[:, None],
        names=tuple(f"made-{number}" for number in range(SAMPLES)),
        labels=np.arange(SAMPLES) % len(task.labels),
        features=features[:, None],
    )


def measure(port: str, task: str = "kws") -> Measurement:
    """Performance and accuracy of the board at a port."""
    setup = Setup(bench=Bench(port=port, patience=PATIENCE))
    return Board().measure(replace(workload(task), setup=setup))


class HungError(BaseException):
    """A run took longer than any may."""


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise ``HungError`` in this process' main thread when the time is over."""

    def stop(signum: int, frame: FrameType | None) -> None:
        raise HungError

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@dataclass
class End:
    """How one run ended."""

    measurement: Measurement | None = None
    error: TinybenchError | None = None
    crash: str | None = None
    """Anything else than these two: a traceback, or that it hung."""
    struck: int = 0
    inferences: int = 0
    """How many windows and single inferences the board completed."""

    def __str__(self) -> str:
        if self.measurement is not None:
            return "measured"
        return f"{type(self.error).__name__}: {self.error.message}" if self.error else self.crash or "?"


def run(measure: Measure, firmware: Firmware, line: Line, folder: Path, limit_s: float = LIMIT_S) -> End:
    """Measure a board over a line."""
    end = End()
    with FakeBoard(firmware, folder, line) as board:
        try:
            with time_limit(limit_s):
                end.measurement = measure(board.port)
        except TinybenchError as error:
            end.error = error
        except HungError:
            end.crash = f"hung: nothing after {limit_s:g} s"
        except Exception:
            end.crash = traceback.format_exc()[-3000:]
    end.struck = getattr(line, "struck", 0)
    end.inferences = len(firmware.windows)
    return end


@dataclass(frozen=True)
class Facts:
    """What must be the same whatever happened on the line."""

    latency_s: float
    windows: tuple[tuple[str, int, float], ...]
    """Input, inferences and seconds of each."""
    outputs: tuple[tuple[str, ...], ...]
    """Every output, or the score of every input, as the rows of the evidence hold them."""
    accuracy: tuple[tuple[str, float], ...]

    @classmethod
    def of(cls, measurement: Measurement) -> Facts:
        metrics = {metric.name: metric.value for metric in measurement.metrics}
        return cls(
            metrics["latency.per_inference"],
            tuple((window.input or "", window.inferences, window.seconds) for window in measurement.windows),
            tuple(
                tuple(row.split(","))
                for name in ("outputs.csv", "scores.csv")
                for row in measurement.evidence.get(name, b"").decode().splitlines()
            ),
            tuple((name, value) for name, value in metrics.items() if name.startswith("accuracy")),
        )

    @property
    def values(self) -> list[float]:
        """The numbers of the outputs, which are in the last columns."""
        first = self.outputs[0].index("score" if "score" in self.outputs[0] else "output_0")
        return [float(value) for row in self.outputs[1:] for value in row[first:]]

    def differences(self, other: Facts) -> list[str]:
        """In what ``other`` is not the same."""
        found = []
        if abs(other.latency_s / self.latency_s - 1) > SAME_LATENCY:
            found.append(f"wrong latency: {other.latency_s} s and not {self.latency_s} s")
        if [window[0] for window in other.windows] != [window[0] for window in self.windows]:
            found.append(f"windows of other inputs: {other.windows}")
        for name, inferences, seconds in other.windows:
            if abs(seconds / inferences / self.latency_s - 1) > SAME_LATENCY:
                found.append(f"wrong window: {name} {inferences} in {seconds} s")
            if seconds < 10 or inferences < 10:
                found.append(f"window too short: {name} {inferences} in {seconds} s")
        same_rows = [row[:2] for row in other.outputs] == [row[:2] for row in self.outputs]
        if not same_rows or not np.allclose(self.values, other.values, rtol=0, atol=SAME_OUTPUT):
            found.append("other outputs")
        if other.accuracy != self.accuracy:
            found.append(f"other accuracy: {other.accuracy}")
        return found


def replayed(measurement: Measurement) -> list[str]:
    """In what the log shows something else than is stated: a check of the evidence would refuse it."""
    replay = read_transcript(measurement.evidence["log.txt"], "log.txt")
    if replay.performance is None or replay.accuracy is None:
        return ["the log shows no windows, or no outputs"]
    shown = [(each.input_file, each.inferences, each.seconds) for each in replay.performance.windows]
    stated = [(each.input, each.inferences, each.seconds) for each in measurement.windows]
    found = [] if shown == stated else [f"windows of the log are {shown}, and not {stated}"]
    rows = measurement.evidence.get("outputs.csv", b"").decode().splitlines()[1:]
    outputs = [tuple(map(float, row.split(",")[2:])) for row in rows]
    if rows and [sample.results for sample in replay.accuracy.samples] != outputs:
        found.append("outputs of the log are others")
    if None in (*replay.loaded["performance"], *replay.loaded["accuracy"]) or replay.gaps:
        found.append("the log does not show for each window and output which input it is of")
    return found


@cache
def clean(task: str = "kws") -> Facts:
    """The result without a fault."""
    with tempfile.TemporaryDirectory() as scratch, own_cache(Path(scratch)):
        end = run(partial(measure, task=task), Firmware(network(task)), Line(), Path(scratch))
        assert end.measurement is not None, str(end)
        return Facts.of(end.measurement)


@contextmanager
def own_cache(folder: Path) -> Iterator[Path]:
    """A cache that nobody else uses."""
    before = os.environ.get("TINYBENCH_CACHE")
    os.environ["TINYBENCH_CACHE"] = str(folder / "cache")
    try:
        yield folder / "cache"
    finally:
        if before is None:
            del os.environ["TINYBENCH_CACHE"]
        else:
            os.environ["TINYBENCH_CACHE"] = before


@dataclass
class Verdict:
    """How a trial went."""

    kind: str
    seed: int
    task: str
    ended: str
    """What the user saw."""
    hint: str | None = None
    recovered: bool = False
    """Whether the run with the fault ended in a result."""
    struck: int = 0
    kept: int = 0
    """Inferences of the first run that the second one did not repeat."""
    complaints: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def __str__(self) -> str:
        said = "; ".join(self.complaints)
        return f"{self.kind}, seed {self.seed}, {self.task}: {said} (it said: {self.ended})"


def trial(
    name: str, seed: int, measure: Measure = measure, limit_s: float = LIMIT_S, task: str = "kws"
) -> Verdict:
    """A run with a fault, and a second one without if it failed."""
    chosen, began = kind(name), time.monotonic()
    right = clean(task)
    with tempfile.TemporaryDirectory() as scratch, own_cache(Path(scratch)) as cache_folder:
        folder = Path(scratch)
        firmware, fault = faulty(chosen, seed, lambda **odd: Firmware(network(task), **odd))
        first = run(measure, firmware, fault, folder, limit_s)
        verdict = Verdict(name, seed, task, str(first).replace(scratch, ""), struck=first.struck)
        verdict.recovered = first.measurement is not None
        verdict.complaints += complaints(chosen, first, right)
        if first.error is not None:
            verdict.hint = first.error.hint
            done = kept(cache_folder)
            odd = {key: value for key, value in chosen.firmware.items() if key != "echoes"}
            second = run(measure, Firmware(network(task), **odd), Line(), folder, limit_s)
            if second.measurement is None:
                verdict.complaints.append(f"not even the second run, without a fault, ended well: {second}")
            else:
                verdict.complaints += [
                    f"second run: {said}"
                    for said in right.differences(Facts.of(second.measurement)) + replayed(second.measurement)
                ]
            verdict.kept = done
            most = WINDOWS + SAMPLES - done + CALIBRATIONS
            if second.inferences > most:
                verdict.complaints.append(
                    f"the second run measured {second.inferences} times, where {done} were done already"
                )
    verdict.seconds = time.monotonic() - began
    return verdict


CALIBRATIONS = 2
"""Short windows that tell how many inferences a long one needs."""


def kept(cache_folder: Path) -> int:
    """How many windows and single inferences an unfinished run has in the cache."""
    files = list(cache_folder.glob("boards/*/done.jsonl"))
    lines = [line for file in files for line in file.read_text().splitlines()]
    return sum('"kind": "performance"' in line or '"kind": "accuracy"' in line for line in lines)


def complaints(chosen: Kind, end: End, right: Facts) -> list[str]:
    """What is wrong with how a run with a fault ended."""
    if end.crash is not None:
        return [end.crash]
    if not end.struck:
        return ["the fault did not strike"]
    if end.measurement is not None:
        found = right.differences(Facts.of(end.measurement)) + replayed(end.measurement)
        return found + (["a result where none can be"] if chosen.outcome == "fails" else [])
    error, found = end.error, []
    assert error is not None
    if "\n" in error.message or not error.message.isprintable() or len(error.message) > 300:
        found.append("not one clear line")
    if not error.hint:
        found.append("no hint")
    if type(error) is TinybenchError:
        found.append("no error of a kind")
    if chosen.outcome == "recovers":
        found.append("an error where the run can go on")
    return found


def _start(paths: list[str]) -> None:
    sys.path[:] = paths
    clean()


def trials(wanted: Iterable[tuple[str, int, str]], processes: int = 10) -> Iterator[Verdict]:
    """Many trials at once, each of a kind, a seed and a task.

    Most of their time is spent in waiting for a board that says nothing.
    """
    with ProcessPoolExecutor(processes, get_context("spawn"), _start, (list(sys.path),)) as pool:
        yield from pool.map(_trial, *zip(*wanted, strict=True))


def _trial(name: str, seed: int, task: str) -> Verdict:
    return trial(name, seed, partial(measure, task=task), task=task)


def _main(count: int, seed: int, names: list[str]) -> int:
    wanted = [
        (each.name, seed + number, "kws")
        for each in KINDS
        for number in range(count)
        if not names or each.name in names
    ]
    ends: dict[str, Counter[str]] = defaultdict(Counter)
    seconds: dict[str, float] = defaultdict(float)
    wrong = 0
    for verdict in trials(wanted):
        ends[verdict.kind][verdict.ended] += 1
        seconds[verdict.kind] += verdict.seconds
        if verdict.complaints:
            wrong += 1
            print(verdict, flush=True)
    for name, ended in ends.items():
        print(f"{name}, {seconds[name] / ended.total():.1f} s each")
        for said, number in ended.most_common():
            print(f"{number:6} {said}")
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(_main(int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0, sys.argv[3:]))
