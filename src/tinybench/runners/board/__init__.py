"""``board``: a physical board, asked over its serial line; its energy by a power analyser.

The firmware speaks MLPerf Tiny's protocol; how it is asked follows MLPerf Tiny's rules: five inputs, a window
of at least 10 s and 10 inferences for each, the median. What is done is kept at once, so that a run that was
stopped, by whatever, goes on from there.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from tinybench._version import __version__
from tinybench.boards.desk import Desk
from tinybench.boards.encoding import Encoding
from tinybench.boards.session import Session
from tinybench.boards.wire import pyserial
from tinybench.errors import ModelError, UsageError
from tinybench.meters import registry
from tinybench.meters.base import require_supply
from tinybench.progress import Progress, silent
from tinybench.runners.base import MIN_WINDOW_S, Bench, Measurement, RunName, RunsOn, Setup, Workload
from tinybench.runners.board.classifying import classify_all
from tinybench.runners.board.energy import measure_energy
from tinybench.runners.board.identity import identify
from tinybench.runners.board.recorded import measure_recorded
from tinybench.runners.board.report import report
from tinybench.runners.board.run import Run
from tinybench.runners.board.timing import measure_time
from tinybench.runners.classify import classify
from tinybench.runners.tflm import Interpreter

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from tinybench.specs import DeviceSpec

MAX_WINDOW_S: Final = 1800.0
"""The clock of a board, 32 bits of microseconds, wraps after 71 minutes."""


class Board:
    """A board on the desk."""

    name = "board"
    interface = 1
    summary = "a physical board with MLPerf Tiny's firmware, and a power analyser; needs the extra 'boards'"
    runs_on: RunsOn = "board"

    def check(self, setup: Setup) -> None:
        """See ``Runner.check``.

        Raises:
            UsageError: a package is missing, or options contradict each other.
        """
        bench = _bench(setup)
        pyserial()
        if not 0 < bench.window_s <= MAX_WINDOW_S:
            raise UsageError(
                f"a window of {bench.window_s:g} s cannot be measured",
                hint=f"leave it at {MIN_WINDOW_S:g} s; at most {MAX_WINDOW_S:g} s fit",
            )
        require_supply(bench.supply_v)
        if bench.meter is not None and bench.recording is not None:
            raise UsageError(
                "energy is either measured here or taken from a recording",
                hint="give --meter or --recording, not both",
            )
        if bench.meter is not None:
            registry.parse(bench.meter)[0].check()
        elif "energy" in bench.runs and bench.recording is None:
            raise UsageError(
                "energy needs a power analyser",
                hint="add --meter ('tinybench meters' lists them), or --recording with a file",
            )
        if bench.flash is not None and not bench.flash.is_file():
            raise UsageError(
                f"{bench.flash}: there is no such firmware", hint="'tinybench firmware build' makes one"
            )

    def check_device(self, device: DeviceSpec) -> None:
        """See ``Runner.check_device``.

        Raises:
            UsageError: it is no board.
        """
        device.check_no_npu()

    def measure(self, workload: Workload, progress: Progress = silent) -> Measurement:
        """Ask the board; see ``Runner.measure``.

        Raises:
            BoardError: the board is gone, silent, or answers what it must not.
            MeterError: the power analyser is gone, silent, or lost samples.
            OutputError: what was measured cannot be kept.
            MismatchError: firmware of this project gives other outputs than TFLite Micro.
        """
        bench, task, device = _bench(workload.setup), workload.task, workload.device
        if task.serial is None:
            raise UsageError(f"task '{task.id}' is not measured on boards", hint="use --runner tflm-sim")
        synthetic = bench.meter is not None and bench.meter.partition(":")[0] == "synthetic"
        if bench.recording is not None and device.emulated:
            raise UsageError(f"{device.title} draws no power to record", hint="use --meter synthetic:PIN")
        if bench.meter is not None and device.emulated != synthetic:
            raise UsageError(
                f"{device.title} draws no power: only the synthetic power analyser goes with it"
                if device.emulated
                else f"the synthetic power analyser measures nothing, and {device.title} is real",
                hint="use --meter synthetic:PIN" if device.emulated else "'tinybench meters' lists real ones",
            )
        runs: tuple[RunName, ...] = bench.runs or (
            "performance",
            "accuracy",
            *(("energy",) if bench.meter or bench.recording else ()),
        )
        encoding = Encoding.of(task.serial, workload.model, workload.samples)
        expected, remark = _expected(workload, progress) if "accuracy" in runs else (None, None)
        with Session.opened(_decided_by(workload, bench), resume=bench.resume) as session:
            _begin(session, workload, runs)
            with Desk.opened(bench, device, session.transcript.say, progress) as desk:
                run = Run(workload, bench, encoding, desk, session, progress)
                engine = identify(run)
                if "performance" in runs:
                    measure_time(run)
                if "accuracy" in runs:
                    classify_all(run, expected)
                if "energy" in runs and bench.recording is not None:
                    measure_recorded(run, bench.recording)
                elif "energy" in runs:
                    measure_energy(run)
                session.transcript.say("session", "end")
                return report(run, runs, engine, expected, remark)


def _bench(setup: Setup) -> Bench:
    if setup.bench is None:
        raise UsageError("the runner 'board' needs a board", hint="add --port; 'tinybench boards' lists them")
    return setup.bench


def _decided_by(workload: Workload, bench: Bench) -> dict[str, Any]:
    """What an unfinished run must have in common with this one. The port is not part: cables move."""
    samples = workload.samples
    return {
        "format": 1,
        "task": [workload.task.id, workload.task.version],
        "model": workload.model.sha256,
        "device": [workload.device.id, workload.device.clock_hz.value],
        "data": [samples.dataset_sha256, samples.split, *samples.names],
        "window_s": bench.window_s,
        "meter": bench.meter and bench.meter.partition(":")[0],
        "supply_v": bench.supply_v,
    }


def _begin(session: Session, workload: Workload, runs: tuple[RunName, ...]) -> None:
    say, samples = session.transcript.say, workload.samples
    say("session", f"begin tinybench {__version__} {datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}")
    say("session", f"task {workload.task.id} model {workload.model.sha256} device {workload.device.id}")
    say("session", f"split {samples.split} dataset {samples.dataset_sha256} samples {len(samples.names)}")
    say("session", f"runs {','.join(runs)}")


def _expected(workload: Workload, progress: Progress) -> tuple[NDArray[np.int8] | None, str | None]:
    """Outputs of the official interpreter, or why there are none."""
    try:
        return classify(Interpreter(workload.model), workload.samples.inferences, progress), None
    except ModelError as error:
        return None, f"outputs were not compared with TFLite Micro's: {error.message}"
