"""Tasks and their data sets."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from tinybench import content
from tinybench.specs.base import Frozen, Identifier, Sha256, Spec


class Archive(Frozen):
    """One file that a data set is downloaded as."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*\.(tar\.gz|tgz|zip)$")]
    url: Annotated[str, Field(pattern=r"^https?://")]
    bytes: Annotated[int, Field(gt=0)]
    sha256: Sha256 | None = None
    md5: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")] | None = None
    """Only where the publisher gives no SHA-256."""
    license: str

    @model_validator(mode="after")
    def _has_one_checksum(self) -> Archive:
        if (self.sha256 is None) == (self.md5 is None):
            raise ValueError("give sha256, or md5 where no sha256 is known")
        return self

    @property
    def checksum(self) -> tuple[str, str]:
        """Name of the algorithm, as ``hashlib`` calls it, and the digest in lower-case hex."""
        return ("sha256", self.sha256) if self.sha256 else ("md5", self.md5 or "")


class Subset(Frozen):
    """A named part of a data set: some files of one archive.

    Either ``members`` names them one by one, or ``folders`` and ``suffix`` say where they lie and how their
    names end; ``names`` then narrows that down to a list.
    """

    title: str
    archive: str
    """Name of the archive that holds it; its other files are left out."""
    root: Annotated[str, Field(pattern=r"^([\w-][\w.-]*(/[\w-][\w.-]*)*)?$")] = ""
    """Folder in the archive below which everything lies; it is left out of the paths in the cache."""
    members: tuple[str, ...] = ()
    """Paths below ``root``."""
    folders: tuple[str, ...] = ()
    """Folders directly below ``root``, such as one per label."""
    suffix: Annotated[str, Field(pattern=r"^(\.[a-z0-9]+)?$")] = ""
    """How the names of the files in ``folders`` end."""
    drop: tuple[str, ...] = ()
    """Beginnings of file names that are left out in the cache."""
    names: str | None = None
    """A file below ``tasks/`` with one path per line, as in the cache: only these files are taken."""
    files: Annotated[int, Field(gt=0)]
    sha256: Sha256 | None = None
    """Hash of the whole set (``tinybench.files.hashing``), where it is known."""

    @model_validator(mode="after")
    def _is_a_list_or_a_rule(self) -> Subset:
        if bool(self.members) == bool(self.folders) or bool(self.folders) != bool(self.suffix):
            raise ValueError("give members, or folders and suffix")
        if self.members and (self.drop or self.names or self.files != len(set(self.members))):
            raise ValueError("with members, files is their number, and drop and names do not apply")
        return self


class DatasetSpec(Spec):
    """A public data set: where it comes from, under which licence, and how it is cited."""

    license: str
    license_url: str
    license_acceptance: bool = False
    """Whether a user has to say that the licence is accepted before the data is fetched or imported."""
    homepage: str
    citation: str
    archives: Annotated[tuple[Archive, ...], Field(min_length=1)]
    subsets: Annotated[dict[Identifier, Subset], Field(min_length=1)]

    @model_validator(mode="after")
    def _subsets_name_archives(self) -> DatasetSpec:
        names = [archive.name for archive in self.archives]
        for name, subset in self.subsets.items():
            if subset.archive not in names:
                raise ValueError(f"subsets.{name}.archive: '{subset.archive}' is none of {', '.join(names)}")
        return self

    def archive_of(self, subset: str) -> Archive:
        """The archive that holds ``subset``."""
        name = self.subsets[subset].archive
        return next(archive for archive in self.archives if archive.name == name)


class SubsetSplit(Frozen):
    """A subset of the task's data set, or the samples of it that a list names."""

    subset: str
    names: str | None = None
    """File in the task's folder with one name of a sample per line; without it, the whole subset."""
    samples: Annotated[int, Field(gt=0)] | None = None
    """How many samples it has, where that is fixed: an accuracy of the split is one of all of them."""


class SmokeSplit(Frozen):
    """A small split that ships with the task; never published. Paths start at the task's folder."""

    folder: str
    manifest: str


class Splits(Frozen):
    """The splits of a task: ``--split`` takes ``official``, ``smoke`` and the keys of ``named``."""

    official: SubsetSplit
    """The split that results may be published on."""
    smoke: SmokeSplit | None = None
    named: dict[Identifier, SubsetSplit] = Field(default_factory=dict)
    """Others to measure on, never published."""

    @property
    def of_subsets(self) -> dict[str, SubsetSplit]:
        """Every split that is part of the data set."""
        return {"official": self.official, **self.named}


class SerialSpec(Frozen):
    """What a board that runs MLPerf Tiny's firmware says and wants of the task on its serial line.

    Source: ``submitter_implemented.cpp`` of the reference submissions in mlcommons/tiny.
    """

    model: Annotated[str, Field(pattern=r"^[a-z0-9]+$")]
    """What the firmware calls the benchmark that is built in: ``kws01`` of ``m-model-[kws01]``."""
    input: Literal["int8", "uint8", "float32"]
    """What ``db`` loads: ``int8``, the bytes of the input tensor; ``uint8``, each of them plus 128; or
    ``float32``, little-endian features that the firmware quantises itself."""
    output: Literal["tensor", "mse"]
    """What ``m-results-[...]`` holds: ``tensor``, the output tensor dequantised; or ``mse``, one value, the
    mean squared error between the float input and the dequantised output."""


class TaskSpec(Spec):
    """``tasks/<id>/task.toml``: one standard task."""

    version: str
    summary: str
    metric: Literal["top1", "auc"]
    """``top1``: share of samples whose largest output is that of their label. ``auc``: area under the ROC
    curve, with the mean squared error between input and output as the score."""
    target: Annotated[float, Field(gt=0, le=1)]
    labels: tuple[str, ...]
    input_shape: tuple[int, ...]
    """Shape of one preprocessed input, without the batch dimension."""
    output_shape: tuple[int, ...]
    """Shape of one output, without the batch dimension."""
    reference_model: Identifier
    default_device: Identifier
    dataset: DatasetSpec
    splits: Splits
    serial: SerialSpec | None = None
    """How boards are asked; None: the task is not measured on boards."""

    @model_validator(mode="after")
    def _splits_exist(self) -> TaskSpec:
        known = ", ".join(sorted(self.dataset.subsets))
        for name, split in self.splits.of_subsets.items():
            if split.subset not in self.dataset.subsets:
                raise ValueError(f"splits.{name}.subset: '{split.subset}' is none of {known}")
        reserved = {"official", "smoke", "custom", "golden"} & self.splits.named.keys()
        if reserved:
            raise ValueError(f"splits.named: '{min(reserved)}' is the name of another split")
        return self

    @property
    def folder(self) -> Path:
        """The folder of ``task.toml``."""
        return content.first(content.task_dirs(), self.id)
