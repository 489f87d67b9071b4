"""Reference models."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from tinybench import content
from tinybench.specs.base import Frozen, Identifier, Sha256, Spec


class AccuracyClaim(Frozen):
    """An accuracy that was measured when the model was made."""

    data: str
    metric: Literal["top1"]
    precision: Literal["int8", "float32"]
    value: Annotated[float, Field(ge=0, le=1)]
    samples: Annotated[int, Field(gt=0)]
    ci95: tuple[float, float]


class Provenance(Frozen):
    """How a reference model came to be."""

    recipe: str
    tensorflow: str
    seed: int
    data: str
    calibration: str
    seen_official_test: bool
    """Whether clips of the official test split, or of its speakers, took part in training or selection."""


class ModelSpec(Spec):
    """``reference_models/<id>/model.toml``: one int8 reference model."""

    task: Identifier
    file: str
    sha256: Sha256
    license: str
    macs: Annotated[int, Field(gt=0)]
    parameters: Annotated[int, Field(gt=0)]
    operators: tuple[str, ...]
    accuracy: tuple[AccuracyClaim, ...]
    provenance: Provenance

    @property
    def path(self) -> Path:
        """The .tflite file."""
        return content.models_dir() / self.id / self.file
