"""What all parts of a measurement on a board need."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Final, TypeVar

from tinybench.boards.desk import Desk
from tinybench.boards.dut import GarbledError, HiccupError, Inference
from tinybench.boards.encoding import Encoding
from tinybench.boards.session import Session
from tinybench.progress import Progress
from tinybench.runners.base import Bench, Workload

WINDOWS: Final = 5
MIN_INFERENCES: Final = 10
"""In a window, by the rules of the suite."""
WARMUPS: Final = 1
"""Inferences before a window, as in the published runs of MLPerf Tiny."""

_EDGES_SAME: Final = 0.01
"""So much a window may differ in length between the pin's edges and the timestamps that the board prints."""
_HOST_SAME: Final = 0.05
"""So much the host's clock may differ from the board's or an analyser's,"""
_HOST_LATE_S: Final = 0.25
"""and so much more, as lines do not arrive at once."""
_MARGIN: Final = 1.02
"""A window is aimed at so much more than the shortest one."""
_AT_ONCE: Final = 1000
"""How much longer a window may become from one try to the next: a first one of 10 inferences is coarse."""
_MAX_INFERENCES: Final = 2**31 - 1
"""What the firmware's ``atoi`` takes."""

T = TypeVar("T")


def host_slack_s(here_s: float) -> float:
    """How far a window may be from the length that the host's clock gives it."""
    return _HOST_SAME * here_s + _HOST_LATE_S


def edges_agree(seconds: float, told_s: float) -> bool:
    """Whether a window is as long between the edges of the pin as the board's timestamps say."""
    return abs(seconds - told_s) <= _EDGES_SAME * told_s


@dataclass(frozen=True)
class Run:
    """A workload, a board that answers, and the session that keeps what is done."""

    workload: Workload
    bench: Bench
    encoding: Encoding
    desk: Desk
    session: Session
    progress: Progress

    def say(self, text: str) -> None:
        """A line of the session in the log."""
        self.session.transcript.say("session", text)

    def sample(self, number: int) -> str:
        """Name of the sample that an inference belongs to."""
        samples = self.workload.samples
        each: int = samples.inputs.shape[1]
        return samples.names[number // each]

    def attempt(self, act: Callable[[], T]) -> T:
        """What ``act`` gives; after a broken answer the board is brought to its senses and asked again."""
        for left in reversed(range(self.bench.patience.tries)):
            try:
                return act()
            except HiccupError as error:
                if not left:
                    raise
                self.say(f"again, as {error.message}")
                self.desk.dut.resynchronise()
        raise AssertionError("no tries")

    def require_same_clock(self, found: Inference) -> None:
        """Hold what the board's clock says of a window against the host's, if both are real.

        Raises:
            GarbledError: a timestamp lost a digit or has another one, or the clock counts something else.
        """
        if found.seconds is None or self.workload.device.emulated:
            return
        if abs(found.seconds - found.here_s) > host_slack_s(found.here_s):
            raise GarbledError(
                f"{self.bench.port}: the board's clock says {found.seconds:.3g} s for a window that took "
                f"{found.here_s:.3g} s",
                hint="does th_timestamp count microseconds? check its timer and the clock that feeds it",
            )

    def windows(self, kind: str, done: Collection[int]) -> Iterator[tuple[int, int]]:
        """Number and input of each window that is not done: inputs at even distances, so of other labels."""
        last = len(self.encoding.inputs) - 1
        for number in range(1, WINDOWS + 1):
            self.progress(f"{kind} windows", number - 1, WINDOWS)
            if number not in done:
                yield number, round((number - 1) * last / (WINDOWS - 1))
        self.progress(f"{kind} windows", WINDOWS, WINDOWS)

    def enough(self, inferences: int, seconds: float) -> int:
        """How many inferences a window needs, if so many took so long."""
        most = min(inferences * _AT_ONCE, _MAX_INFERENCES)
        if seconds <= 0:
            return most
        least = inferences + 1 if seconds < self.bench.window_s else MIN_INFERENCES
        return min(max(math.ceil(inferences * self.bench.window_s * _MARGIN / seconds), least), most)

    def pace(self, *kinds: str) -> tuple[int, float | None]:
        """Inferences of a window and seconds of one, as far as earlier windows tell."""
        inferences, expected_s = MIN_INFERENCES, None
        for kind in kinds:
            for record in self.session.records(kind).values():
                inferences, expected_s = record["inferences"], record["seconds"] / record["inferences"]
        return inferences, expected_s
