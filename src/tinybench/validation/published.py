"""Results that others published for boards that the simulator knows, restated as facts with their source."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from tinybench import content
from tinybench.errors import ContentError
from tinybench.specs import Identifier, Sha256, first_error

FILE = "published.csv"

Role = Literal["calibration", "prediction", "context"]
"""``calibration``: a number of a device profile was fitted on it. ``prediction``: the same kernels, nothing
was fitted on it. ``context``: other kernels, which the simulator does not claim to predict."""


class Published(BaseModel):
    """One published result: one task on one system."""

    model_config = ConfigDict(frozen=True, extra="forbid")

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

    @field_validator("*", mode="before")
    @classmethod
    def _empty_is_none(cls, value: Any) -> Any:
        return None if value == "" else value

    @property
    def label(self) -> str:
        """Short name for messages."""
        return f"{self.task} on {self.device} ({self.round}, {self.organisation}, {self.engine})"


def read_published(path: Path | None = None) -> tuple[Published, ...]:
    """Read the restated facts; those that ship with tinybench if no path is given.

    Raises:
        ContentError: the file is missing or a row is broken; the message names file, line and column.
    """
    place = path or content.validation_dir() / FILE
    try:
        with place.open(newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file, restkey="(more columns)")
            return tuple(_row(place, reader.line_num, row) for row in reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ContentError(f"{place}: {error}", hint="see runners/validation/published.csv") from None


def _row(path: Path, line: int, row: dict[str | Any, Any]) -> Published:
    try:
        return Published.model_validate(row)
    except ValidationError as error:
        raise ContentError(f"{path}: line {line}: {first_error(error)}", hint="correct the row") from None
