"""``system.toml`` of a submission: what was measured, typed; schema ``tinybench.system/1``."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

import tomli_w
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from tinybench.results.schema import Accelerator, DeviceRef, Engine
from tinybench.specs.base import Identifier

SCHEMA: Final = "tinybench.system/1"

Division = Literal["closed", "open"]
"""``closed``: a reference model, unchanged; ``open``: any model for the same task and data."""

Availability = Literal["available", "preview", "research"]
"""``research``: research, development or internal."""

MemoryKind = Literal["flash", "ram", "external flash", "external ram", "other"]

Text = Annotated[str, Field(min_length=1, max_length=400)]
Positive = Annotated[int, Field(gt=0, le=10**15)]


def _not_stated(*keys: str) -> BeforeValidator:
    """TOML has no null: what a table leaves out is None."""
    return BeforeValidator(
        lambda value: {**dict.fromkeys(keys), **value} if isinstance(value, dict) else value
    )


StatedEngine = Annotated[Engine, _not_stated("version", "kernels", "kernels_version", "compiler")]
StatedAccelerator = Annotated[Accelerator, _not_stated("clock_hz")]

_OF_DEVICE: Final = ("chip", "core", "clock_hz", "accelerator")
_OF_ENGINE: Final = ("name", "version", "kernels", "kernels_version", "compiler", "flags")


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Memory(_Frozen):
    """One memory that the model, its tensors or the code may lie in."""

    kind: MemoryKind
    """What it is."""
    bytes: Positive
    """Its size."""


class System(_Frozen):
    """Board, chip, clock and engine of all results of one submission. Left out: not known."""

    model_config = ConfigDict(validate_by_name=True, validate_by_alias=True)

    schema_: Annotated[Literal["tinybench.system/1"], Field(alias="schema")] = SCHEMA
    """Which schema this is."""
    title: Text
    """Board and engine, as they shall be displayed."""
    organisation: Text
    """Who submits, as it shall be displayed."""
    division: Division
    """``closed``: a reference model, unchanged; ``open``: any model for the same task and data."""
    availability: Availability | None = None
    """Whether it can be bought; ``research``: research, development or internal."""
    contact: Text | None = None
    """A person or a page to ask; required of all that was not published elsewhere."""
    licence: Text
    """Of the data in the submission."""
    board: Text | None = None
    """Name of the board; needed, as are chip, core and clock, of all that was not published elsewhere."""
    device: Identifier | None = None
    """Id of the device profile that this is, if there is one."""
    chip: Text | None = None
    """Name of the chip, as exact as it is known."""
    core: Text | None = None
    """Such as ``cortex-m4``; for what has none, its kind: ``npu``, ``fpga``."""
    cores: Positive | None = None
    """How many take part."""
    clock_hz: Positive | None = None
    """Core clock while measuring, in hertz."""
    supply_v: Annotated[float, Field(gt=0, le=1000, allow_inf_nan=False)] | None = None
    """In volt: the supply at which energy and power were measured."""
    memories: tuple[Memory, ...] = ()
    """What the model, its tensors and the code may lie in."""
    accelerator: StatedAccelerator | None = None
    """What executes the model beside the core."""
    engine: StatedEngine
    """Inference runtime, kernel library and compiler."""
    notes: Annotated[str, Field(max_length=4000)] | None = None
    """What a reader should know, in words."""

    @property
    def undescribed(self) -> tuple[str, ...]:
        """What a system of one's own has to say of the device, and this one does not."""
        return tuple(key for key in ("board", "chip", "core", "clock_hz") if getattr(self, key) is None)

    def to_toml(self) -> bytes:
        """The file, with keys in the order of the schema; what is not known is left out."""
        document = self.model_dump(mode="json", by_alias=True, exclude_none=True)
        return tomli_w.dumps({key: value for key, value in document.items() if value != []}).encode()

    def disagreements(self, device: DeviceRef, engine: Engine) -> list[tuple[str, Any, Any]]:
        """What a result says differently: (key, here, there); what only one says is none."""
        pairs: list[tuple[str, Any, Any]] = [
            ("device", self.device, device.id),
            *((key, getattr(self, key), getattr(device, key)) for key in _OF_DEVICE),
            *((f"engine.{key}", getattr(self.engine, key), getattr(engine, key)) for key in _OF_ENGINE),
        ]
        return [(key, here, there) for key, here, there in pairs if here and there and here != there]
