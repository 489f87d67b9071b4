"""Results that others published for boards that the simulator knows, restated as facts with their source."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from tinybench import content
from tinybench.specs import Identifier, Sha256
from tinybench.validation.rows import CsvRow, read_rows

FILE = "published.csv"

Role = Literal["calibration", "prediction", "context"]
"""``calibration``: a number of a device profile was fitted on it. ``prediction``: the same kernels, nothing
was fitted on it. ``context``: other kernels, which the simulator does not claim to predict."""


class Published(CsvRow):
    """One published result: one task on one system."""

    round: Annotated[str, Field(pattern=r"^v\d+\.\d+$")]
    organisation: str
    system: str
    """Name of the system in the repository of the round."""
    device: Identifier
    """Our profile of the board, whether it exists yet or not."""
    engine: str
    kernels: str
    compiler: str | None
    """As the submission says; None where it does not."""
    clock_hz: Annotated[int, Field(gt=0)]
    task: Literal["ad", "ic", "kws", "vww"]
    model_sha256: Sha256 | None
    """The official .tflite; None where the submission quantised its own or does not say."""
    latency_s: Annotated[float, Field(gt=0)]
    """Inverse of the median throughput of the performance run."""
    energy_j: Annotated[float, Field(gt=0)] | None
    """Median of the energy run."""
    supply_v: Annotated[float, Field(gt=0)] | None
    role: Role
    interval: bool
    """Whether prediction intervals rest on it: today's kernels only."""
    source: Annotated[str, Field(pattern=r"^mlcommons/tiny_results_v[\d.]+/")]
    """Repository and folder."""

    @property
    def label(self) -> str:
        """Short name for messages."""
        return f"{self.task} on {self.device} ({self.round}, {self.organisation}, {self.engine})"


def read_published(path: Path | None = None) -> tuple[Published, ...]:
    """Read the restated facts; those that ship with tinybench if no path is given.

    Raises:
        ContentError: the file is missing or a row is broken; the message names file, line and column.
    """
    return read_rows(
        Published,
        path or content.validation_dir() / FILE,
        unreadable="see runners/validation/published.csv",
        broken="correct the row",
    )
