"""``firmware.json``: what a firmware is made of, ``tinybench.firmware/1``."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Literal

from pydantic import BaseModel, ConfigDict

from tinybench import __version__
from tinybench.firmware.build import Built, Target
from tinybench.firmware.bundle import reference
from tinybench.firmware.configuration import Timestamps
from tinybench.mcusim.elf import read_image
from tinybench.mcusim.toolchain import cmsis_nn_version
from tinybench.models import Model
from tinybench.results.schema import Engine, ModelRef, TaskRef
from tinybench.specs import TaskSpec

FILE = "firmware.json"
ELF = "firmware.elf"
SOURCES = "sources"


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())


class Elf(_Frozen):
    """The linked firmware."""

    path: str
    """Below the folder of the manifest."""
    sha256: str
    """Of the file."""
    flash_bytes: int
    """Code, constants and initial values."""
    ram_bytes: int
    """Arena and variables, without the stack."""


class Manifest(_Frozen):
    """All of it."""

    format: Literal["tinybench.firmware/1"] = "tinybench.firmware/1"
    """Of this document."""
    tinybench: str
    """Version that made it."""
    task: TaskRef
    """What the model does."""
    model: ModelRef
    """What is built in."""
    target: str
    """What ``--target`` took."""
    device: str | None
    """Id of the device that the target is; None: a board that somebody has yet to write the port for."""
    timestamps: Timestamps
    """Where timestamps go: the serial line, the pin, or both."""
    engine: Engine
    """As results name it; without compiler where none has compiled it yet."""
    elf: Elf | None
    """None if there are sources only."""
    sources: dict[str, str]
    """SHA-256 of each file by its path below the folder of the manifest."""

    def json_bytes(self) -> bytes:
        """As it is written."""
        return (json.dumps(self.model_dump(mode="json"), indent=2, ensure_ascii=False) + "\n").encode()


def manifest(
    model: Model,
    task: TaskSpec,
    target: Target,
    timestamps: Timestamps,
    sources: Mapping[str, bytes],
    built: Built | None,
) -> Manifest:
    """Say what a firmware is made of.

    Args:
        model: what is built in.
        task: what it does.
        target: what it is for.
        timestamps: where they go.
        sources: files by path below the folder ``sources``.
        built: the ELF; None if there are sources only.
    """
    known = reference(model)
    return Manifest(
        tinybench=__version__,
        task=TaskRef(id=task.id, version=task.version),
        model=ModelRef(
            name=known.id if known else model.name,
            sha256=model.sha256,
            macs=model.macs,
            parameters=model.parameters,
        ),
        target=target.name,
        device=target.device_id,
        timestamps=timestamps,
        engine=Engine(
            name="tinybench-static",
            version=__version__,
            kernels="CMSIS-NN",
            kernels_version=cmsis_nn_version(),
            compiler=built.firmware.compiler if built else None,
            flags=built.firmware.flags if built else (),
        ),
        elf=_elf(built) if built else None,
        sources={
            f"{SOURCES}/{name}": hashlib.sha256(data).hexdigest() for name, data in sorted(sources.items())
        },
    )


def _elf(built: Built) -> Elf:
    image = read_image(built.firmware.elf)
    return Elf(
        path=ELF,
        sha256=built.firmware.sha256,
        flash_bytes=image.flash_bytes,
        ram_bytes=image.static_ram_bytes,
    )
