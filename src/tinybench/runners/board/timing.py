"""Performance: five windows of inferences, timed by the board's own clock."""

from __future__ import annotations

from typing import Final

from tinybench.boards.dut import Inference
from tinybench.errors import BoardError
from tinybench.runners.board.run import WARMUPS, Run

KIND = "performance"

_SAME: Final = 0.1
"""So much the time of an inference may differ from one measurement to the next. A lost digit is more."""


def measure_time(run: Run) -> None:
    """Measure the windows that are not done.

    A number that lost a digit on the line is a number still. So a window counts only if the measurement
    before it, a window or the short one that tells how long windows have to be, says the same.

    Raises:
        BoardError: the board is gone or does not answer rightly, or has no timestamps on its serial line.
    """
    inferences, expected_s = run.pace(KIND)
    for number, chosen in run.windows(KIND, run.session.records(KIND)):
        doubts = 0
        while True:
            run.say(f"{KIND} {number} input {run.sample(chosen)}")
            seconds, here_s = _infer(run, chosen, inferences, expected_s)
            each_s, before_s = seconds / inferences, expected_s
            expected_s = max(each_s, 1e-6)
            # The first one has this machine's clock to confirm it, if both are real.
            confirmed = (
                not run.workload.device.emulated
                if before_s is None
                else abs(each_s - before_s) <= _SAME * before_s
            )
            if confirmed and seconds >= run.bench.window_s:
                break
            if before_s is not None and not confirmed:
                doubts += 1
                if doubts == run.bench.patience.tries:
                    raise _unsteady(run, each_s, before_s)
            why = "are too short" if seconds < run.bench.window_s else "are to be confirmed"
            run.say(f"dropped {KIND} {number}: {seconds:g} s for {inferences} inferences {why}")
            inferences = run.enough(inferences, seconds)
        run.session.keep(
            KIND,
            number,
            input=run.sample(chosen),
            inferences=inferences,
            seconds=seconds,
            here_s=here_s,
        )
        run.say(f"kept {KIND} {number}")


def _unsteady(run: Run, each_s: float, before_s: float) -> BoardError:
    how = (
        f"is not steady: an inference takes {each_s:.3g} s, and took {before_s:.3g} s before"
        if each_s
        else "stands still"
    )
    return BoardError(
        f"{run.bench.port}: the board's clock {how}",
        hint="does th_timestamp count microseconds, and does its timer run all the time?",
    )


def _infer(run: Run, chosen: int, inferences: int, expected_s: float | None) -> tuple[float, float]:
    """Load an input and execute it, from the beginning again if an answer is broken.

    Gives the length of the window in seconds by the board's clock, and by the host's.
    """

    def act() -> tuple[float, float]:
        run.desk.dut.load(run.encoding.input(chosen), verify=True)
        found = run.desk.dut.infer(inferences, WARMUPS, expected_s=expected_s)
        return _seconds(run, found), found.here_s

    return run.attempt(act)


def _seconds(run: Run, found: Inference) -> float:
    """Length of a window by the board's clock, which the host's clock has to confirm if both are real."""
    if found.seconds is None:
        raise BoardError(
            f"{run.bench.port}: the firmware gives its timestamps at a pin, not on the serial line",
            hint="write the build for performance to the board, or measure --runs energy alone",
        )
    run.require_same_clock(found)
    return found.seconds
