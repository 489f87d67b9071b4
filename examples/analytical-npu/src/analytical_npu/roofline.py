"""The roofline model: an operator takes as long as the slower of its arithmetic and its memory traffic.

S. Williams, A. Waterman, D. Patterson, "Roofline: an insightful visual performance model for multicore
architectures", Communications of the ACM 52(4), 2009, with a constant added for the launch of each operator.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field, ValidationError

from tinybench.errors import UsageError
from tinybench.models.graph import Model, Operator
from tinybench.specs import DeviceSpec, Source, first_error
from tinybench.specs.base import Frozen

TABLE = "analytical-npu"


class Npu(Frozen):
    """The table ``[runners.analytical-npu]`` of a device profile."""

    macs_per_cycle: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    """Multiply-accumulates in a cycle, with all units busy."""
    bandwidth_bytes_per_s: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    """Bytes a second between the NPU and its memory."""
    launch_s: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    """What starting one operator takes, in seconds."""
    source: Source
    """Where the figures are from."""

    @classmethod
    def of(cls, device: DeviceSpec) -> Npu:
        """What a device profile says.

        Raises:
            UsageError: it says nothing, or something wrong.
        """
        table = device.runners.get(TABLE)
        if table is None:
            raise UsageError(
                f"the profile of {device.id} has no table [runners.{TABLE}]",
                hint="add it, or take --device example-npu",
            )
        try:
            return cls.model_validate(table)
        except ValidationError as error:
            raise UsageError(
                f"the profile of {device.id}: runners.{TABLE}.{first_error(error)}", hint="correct the file"
            ) from None


@dataclass(frozen=True)
class Cost:
    """What one operator takes."""

    operator: Operator
    moved_bytes: int
    arithmetic_s: float
    memory_s: float
    launch_s: float

    @property
    def seconds(self) -> float:
        """The slower of the two, and the launch."""
        return max(self.arithmetic_s, self.memory_s) + self.launch_s

    @property
    def bound(self) -> str:
        """What it waits for."""
        return "arithmetic" if self.arithmetic_s > self.memory_s else "memory"


def costs(model: Model, npu: Npu, clock_hz: int) -> tuple[Cost, ...]:
    """What each operator takes: every input, weight and output moves once, nothing stays on the chip."""
    found = []
    for operator in model.operators:
        tensors = [tensor for tensor in (*operator.inputs, *operator.outputs) if tensor is not None]
        moved_bytes = sum(tensor.nbytes for tensor in tensors)
        found.append(
            Cost(
                operator=operator,
                moved_bytes=moved_bytes,
                arithmetic_s=operator.macs / (npu.macs_per_cycle * clock_hz),
                memory_s=moved_bytes / npu.bandwidth_bytes_per_s,
                launch_s=npu.launch_s,
            )
        )
    return tuple(found)
