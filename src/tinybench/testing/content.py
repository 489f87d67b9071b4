"""Checks of content: every file is valid, new, and refers to what is there."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from tinybench import content
from tinybench.datasets import golden
from tinybench.errors import TinybenchError
from tinybench.models import Model
from tinybench.specs import BatterySpec, DeviceSpec, ModelSpec, TaskSpec, read_toml, validate
from tinybench.specs.base import Spec
from tinybench.testing import checks
from tinybench.testing.checks import require

_KINDS: Final[tuple[tuple[str, str, type[Spec]], ...]] = (
    ("tasks", "*/task.toml", TaskSpec),
    ("reference_models", "*/model.toml", ModelSpec),
    ("runners/devices", "*.toml", DeviceSpec),
    ("runners/batteries", "*.toml", BatterySpec),
)


class Files:
    """A content plug-in, and the files below its root."""

    def __init__(self, found: Any) -> None:
        self.found = found

    @property
    def root(self) -> Path:
        """Its folder."""
        root: Path = self.found.root
        return root

    @cached_property
    def read(self) -> tuple[dict[Path, Spec], list[str]]:
        """What each file says, and what is wrong with those that cannot be read."""
        good: dict[Path, Spec] = {}
        problems = []
        for folder, _, kind, path in self.files():
            try:
                good[path] = validate(kind, read_toml(path), path, _id(path, folder))
            except TinybenchError as error:
                problems.append(error.message)
        return good, problems

    def files(self) -> Iterator[tuple[str, str, type[Spec], Path]]:
        """Folder, pattern and kind of each file, and where it is."""
        for folder, pattern, kind in _KINDS:
            for path in sorted((self.root / folder).glob(pattern)):
                yield folder, pattern, kind, path

    def all_of(self, kind: type[Spec]) -> dict[Path, Any]:
        """Those of one kind that can be read."""
        return {path: spec for path, spec in self.read[0].items() if isinstance(spec, kind)}

    def known(self, folder: str) -> set[str]:
        """Ids of what is built in, and of its own."""
        (pattern,) = (pattern for name, pattern, _ in _KINDS if name == folder)
        roots = (content.root(), self.root)
        return {_id(path, folder) for root in roots for path in (root / folder).glob(pattern)}


def _id(path: Path, folder: str) -> str:
    return path.stem if folder.startswith("runners") else path.parent.name


def has_a_root(files: Files) -> None:
    """It has a root: an absolute path of a folder, in which there is something to read."""
    require(hasattr(files.found, "root"), "it has no root")
    problem = content.problem("", files.found)
    require(problem is None, f"it {problem}")
    require(any(True for _ in files.files()), f"there is no file to read below {files.root}")


def states_its_interface(files: Files) -> None:
    """It states the interface that is spoken here."""
    checks.require_interface(content.PLUGINS, files.found)


def has_valid_files(files: Files) -> None:
    """Each file can be read, and has all that it needs and nothing else."""
    problems = files.read[1]
    require(not problems, "; ".join(problems))


def has_ids_of_its_own(files: Files) -> None:
    """Nothing is called like something that is built in."""
    twice = [
        str(path)
        for folder, pattern, _, path in files.files()
        if _id(path, folder) in {_id(own, folder) for own in (content.root() / folder).glob(pattern)}
    ]
    require(not twice, f"the id is there already in tinybench: {', '.join(twice)}")


def refers_to_what_there_is(files: Files) -> None:
    """Models and devices that a task names, and tasks that a model names, are there."""
    named = [
        (path, key, getattr(spec, key), folder)
        for kind, keys in (
            (TaskSpec, {"reference_model": "reference_models", "default_device": "runners/devices"}),
            (ModelSpec, {"task": "tasks"}),
        )
        for path, spec in files.all_of(kind).items()
        for key, folder in keys.items()
    ]
    wrong = [
        f"{path}: {key}: '{name}'" for path, key, name, folder in named if name not in files.known(folder)
    ]
    require(not wrong, f"there is no such thing: {', '.join(wrong)}")


def has_models_as_recorded(files: Files) -> None:
    """Each model that is shipped has the SHA-256, the operations and the parameters that are recorded."""
    for path, spec in files.all_of(ModelSpec).items():
        if spec.file is None:
            continue
        place = path.parent / spec.file
        require(place.is_file(), f"{path}: file: {place} is missing")
        digest = hashlib.sha256(place.read_bytes()).hexdigest()
        require(digest == spec.sha256, f"{path}: sha256: that of {spec.file} is {digest}")
        model = Model.load(place)
        for key in ("macs", "parameters"):
            found = getattr(model, key)
            require(found == getattr(spec, key), f"{path}: {key}: {spec.file} has {found}")


def has_golden_vectors(files: Files) -> None:
    """Each task has golden vectors that fit it, which runners are tried with."""
    for path, spec in files.all_of(TaskSpec).items():
        golden.read_from(path.parent / golden.FILE, spec)


CHECKS: Final[tuple[Callable[[Files], None], ...]] = (
    has_a_root,
    states_its_interface,
    has_valid_files,
    has_ids_of_its_own,
    refers_to_what_there_is,
    has_models_as_recorded,
    has_golden_vectors,
)
