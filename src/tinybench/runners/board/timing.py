"""Performance: five windows of inferences, timed by the board's own clock."""

from __future__ import annotations

from tinybench.boards.dut import Inference
from tinybench.errors import BoardError
from tinybench.runners.board.run import WARMUPS, Run

KIND = "performance"


def measure_time(run: Run) -> None:
    """Measure the windows that are not done.

    Raises:
        BoardError: the board is gone or does not answer rightly, or has no timestamps on its serial line.
    """
    inferences, expected_s = run.pace(KIND)
    for number, chosen in run.windows(KIND, run.session.records(KIND)):
        while True:
            run.say(f"{KIND} {number} input {run.sample(chosen)}")
            seconds = _seconds(run, _infer(run, chosen, inferences, expected_s))
            expected_s = max(seconds / inferences, 1e-6)
            if seconds >= run.bench.window_s:
                break
            run.say(f"dropped {KIND} {number}: {seconds:g} s are too short")
            inferences = run.longer(inferences, seconds)
        run.session.keep(KIND, number, input=run.sample(chosen), inferences=inferences, seconds=seconds)
        run.say(f"kept {KIND} {number}")


def _infer(run: Run, chosen: int, inferences: int, expected_s: float | None) -> Inference:
    """Load an input and execute it; from the beginning again if an answer is broken."""

    def act() -> Inference:
        run.desk.dut.load(run.encoding.input(chosen), verify=True)
        return run.desk.dut.infer(inferences, WARMUPS, expected_s=expected_s)

    return run.attempt(act)


def _seconds(run: Run, found: Inference) -> float:
    if found.seconds is None:
        raise BoardError(
            f"{run.bench.port}: the firmware gives its timestamps at a pin, not on the serial line",
            hint="write the build for performance to the board, or measure --runs energy alone",
        )
    return found.seconds
