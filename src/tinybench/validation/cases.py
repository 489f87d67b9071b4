"""What the simulator said of published results, as it is committed beside them: ``cases.csv``.

``make validate`` writes it. The site draws from it, without the models that a simulation needs.
"""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from tinybench import content
from tinybench.errors import ContentError
from tinybench.specs import Identifier, first_error
from tinybench.validation.published import Role

FILE: Final = "cases.csv"

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Error = Annotated[float, Field(gt=-1, allow_inf_nan=False)]


class CheckedCase(BaseModel):
    """One published result with CMSIS-NN kernels beside its simulation.

    Errors are simulated over published, less one.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

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

    @field_validator("*", mode="before")
    @classmethod
    def _empty_is_none(cls, value: Any) -> Any:
        return None if value == "" else value


def read_cases(path: Path | None = None) -> tuple[CheckedCase, ...]:
    """Read the cases; those that ship with tinybench if no path is given.

    Raises:
        ContentError: the file is missing or a row is broken; the message names file and line.
    """
    place = path or content.validation_dir() / FILE
    try:
        with place.open(newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file, restkey="(more columns)")
            return tuple(_case(place, reader.line_num, row) for row in reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ContentError(f"{place}: {error}", hint="'make validate' writes it") from None


def _case(path: Path, line: int, row: dict[str | Any, Any]) -> CheckedCase:
    try:
        return CheckedCase.model_validate(row)
    except ValidationError as error:
        raise ContentError(
            f"{path}: line {line}: {first_error(error)}", hint="'make validate' writes it"
        ) from None
