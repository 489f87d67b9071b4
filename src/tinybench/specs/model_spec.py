"""Reference models."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from tinybench import content
from tinybench.cache import cache_dir
from tinybench.specs.base import Frozen, Identifier, Sha256, Spec


class AccuracyClaim(Frozen):
    """An accuracy that was measured when the model was made, or added."""

    data: str
    metric: Literal["top1", "auc"]
    precision: Literal["int8", "float32"]
    value: Annotated[float, Field(ge=0, le=1)]
    samples: Annotated[int, Field(gt=0)]
    ci95: tuple[float, float]


class Provenance(Frozen):
    """How a reference model came to be; None where whoever made it does not say."""

    recipe: str
    tensorflow: str | None = None
    seed: int | None = None
    data: str
    calibration: str | None = None
    seen_official_test: bool | None = None
    """Whether samples of the official test split, or of its speakers, took part in training or selection;
    None: not known."""


class Download(Frozen):
    """A file of others, which is fetched and not shipped."""

    url: Annotated[str, Field(pattern=r"^https?://")]
    bytes: Annotated[int, Field(gt=0)]


class ModelSpec(Spec):
    """``reference_models/<id>/model.toml``: one int8 reference model."""

    task: Identifier
    file: str | None = None
    """The .tflite in the same folder."""
    download: Download | None = None
    """Or where it is fetched from."""
    sha256: Sha256
    license: str
    macs: Annotated[int, Field(gt=0)]
    parameters: Annotated[int, Field(gt=0)]
    flash_bytes: Annotated[int, Field(gt=0)]
    """Size of the .tflite file, which a device keeps in its flash beside the program."""
    arena_bytes: Annotated[int, Field(gt=0)]
    """Tensor arena that the TFLite Micro interpreter of this computer takes; a 32-bit device needs somewhat
    less."""
    operators: tuple[str, ...]
    accuracy: tuple[AccuracyClaim, ...]
    provenance: Provenance

    @model_validator(mode="after")
    def _ships_or_is_fetched(self) -> ModelSpec:
        if (self.file is None) == (self.download is None):
            raise ValueError("give file, or download for a model that is not shipped")
        return self

    @property
    def path(self) -> Path:
        """The .tflite file; one that is fetched may not be there."""
        if self.file is None:
            return cache_dir() / "models" / f"{self.sha256}.tflite"
        return content.first(content.model_dirs(), self.id) / self.file

    @property
    def is_here(self) -> bool:
        """Whether the file is on this machine."""
        return self.path.is_file()
