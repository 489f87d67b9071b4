"""What the simulator said of published results, as it is committed beside them: ``cases.csv``.

``make validate`` writes it. The site draws from it, without the models that a simulation needs.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

from pydantic import Field

from tinybench import content
from tinybench.specs import Identifier
from tinybench.validation.published import Role
from tinybench.validation.rows import CsvRow, read_rows

FILE: Final = "cases.csv"

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Error = Annotated[float, Field(gt=-1, allow_inf_nan=False)]


class CheckedCase(CsvRow):
    """One published result with CMSIS-NN kernels beside its simulation.

    Errors are simulated over published, less one.
    """

    round: str
    organisation: str
    device: Identifier
    engine: str
    clock_hz: Annotated[int, Field(gt=0)]
    task: str
    role: Role
    interval: bool
    """Whether prediction intervals rest on it: today's kernels only."""
    latency_published_s: Positive
    latency_simulated_s: Positive
    latency_error: Error
    latency_baseline_error: Error
    latency_leave_one_out_error: Error | None
    energy_published_j: Positive | None
    energy_simulated_j: Positive | None
    energy_error: Error | None
    energy_unavailable: str | None
    source: str
    """Repository and folder."""


def read_cases(path: Path | None = None) -> tuple[CheckedCase, ...]:
    """Read the cases; those that ship with tinybench if no path is given.

    Raises:
        ContentError: the file is missing or a row is broken; the message names file and line.
    """
    again = "'make validate' writes it"
    return read_rows(CheckedCase, path or content.validation_dir() / FILE, unreadable=again, broken=again)
