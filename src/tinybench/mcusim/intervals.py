"""Where hardware would be, 95 times of 100: prediction intervals around simulated latency and energy.

``runners/validation/intervals.toml`` holds one factor for each board with published results and one for every
other board; ``tinybench.validation`` computes them. A prediction interval is about one more board or model,
and its error is the same on every run: it is no confidence interval of a sample.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tinybench import content
from tinybench.errors import ContentError
from tinybench.mcusim.placement import FLASH, Placement
from tinybench.specs import DeviceSpec, Identifier, first_error, read_toml

Quantity = Literal["latency.per_inference", "energy.per_inference"]
FILE = "intervals.toml"


class Interval(BaseModel):
    """Hardware is between value / factor and value * factor with the coverage of the file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    metric: Quantity
    device: Identifier | None = None
    """None: a board that has no published results of its own."""
    clock_hz: int | None = None
    """The clock of the published results; None with ``device``."""
    factor: Annotated[float, Field(gt=1, allow_inf_nan=False)]
    rms_log_error: Annotated[float, Field(gt=0)]
    """Root mean square of ln(published / simulated), each board weighing the same."""
    degrees_of_freedom: Annotated[int, Field(gt=0)]
    cases: Annotated[int, Field(gt=0)]
    """Pairs of board and model that it rests on; repeats of one firmware count once."""
    boards: Annotated[int, Field(gt=0)]

    def around(self, value: float) -> tuple[float, float]:
        """Lower and upper end, in the unit of ``value``."""
        return value / self.factor, value * self.factor

    @property
    def basis(self) -> str:
        """What it rests on, in words."""
        if self.device:
            return f"{self.cases} models with published results on this board"
        boards = "1 other board" if self.boards == 1 else f"{self.boards} other boards"
        return f"{self.cases} published results on {boards}"


class Intervals(BaseModel):
    """The file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    coverage: Annotated[float, Field(gt=0, lt=1)]
    toolchain: str
    """What compiled the simulated firmware; figures of another compiler have no interval."""
    interval: tuple[Interval, ...]

    def of(
        self, metric: Quantity, device: DeviceSpec, toolchain: str, placement: Placement = FLASH
    ) -> Interval | None:
        """The interval for a device at its clock, or None where nothing published says.

        The published firmware has code and weights in flash.
        """
        if toolchain != self.toolchain or placement.in_ram:
            return None
        mine = [item for item in self.interval if item.metric == metric]
        own = [item for item in mine if item.device == device.id and item.clock_hz == device.clock_hz.value]
        other = [item for item in mine if item.device is None]
        return next(iter(own + other), None)


def read_intervals(path: Path) -> Intervals:
    """Read one file.

    Raises:
        ContentError: it is missing or broken; the message names file and key.
    """
    try:
        return Intervals.model_validate(read_toml(path))
    except ValidationError as error:
        hint = "write it anew with 'tinybench sim validate'"
        raise ContentError(f"{path}: {first_error(error)}", hint=hint) from None


@cache
def shipped_intervals() -> Intervals:
    """The intervals that come with tinybench."""
    return read_intervals(content.validation_dir() / FILE)
