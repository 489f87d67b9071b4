"""Finds the content folders (tasks, reference models, devices, firmware).

They sit at the root of a checkout, or inside the wheel under ``tinybench/_content``. Plug-ins add tasks,
models, devices and batteries in folders of their own: entry points of the group ``tinybench.content``. No
other module knows which.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Final, Protocol

from tinybench.plugins import Plugins

_PACKAGE = Path(__file__).resolve().parent

FOLDERS: Final = ("tasks", "reference_models", "runners/devices", "runners/batteries")
"""What a plug-in may add to."""


class Content(Protocol):
    """What the entry point of a content plug-in leads to, such as a module."""

    interface: int
    """Version of this protocol that it was made for, as a plain number: 1."""
    root: Path
    """An absolute path: a folder with any of ``tasks/``, ``reference_models/``, ``runners/devices/`` and
    ``runners/batteries/``, laid out as in tinybench."""


def problem(name: str, found: Content) -> str | None:
    """What is wrong with a root, as what follows the name of a plug-in; None if nothing is."""
    root = found.root
    if not isinstance(root, Path):
        return f"has a root that is no path: {root!r}"
    if not root.is_absolute():
        return f"has the root '{root}', which is not absolute"
    if not root.is_dir():
        return f"has the root {root}, which is not a folder"
    if not any((root / folder).is_dir() for folder in FOLDERS):
        return f"has the root {root}, in which there is none of {', '.join(FOLDERS)}"
    return None


PLUGINS: Final[Plugins[Content]] = Plugins(
    "content",
    "tinybench.content",
    1,
    "tinybench.content.Content",
    ("root",),
    classes=False,
    problem=problem,
)


@cache
def root() -> Path:
    """Folder of this project that holds ``tasks/``, ``reference_models/`` and ``runners/``."""
    packaged = _PACKAGE / "_content"
    return packaged if packaged.is_dir() else _PACKAGE.parent.parent


def tasks_dir() -> Path:
    """``tasks/<id>/task.toml`` and what belongs to each task of this project."""
    return root() / "tasks"


def task_dirs() -> tuple[Path, ...]:
    """``tasks_dir`` and those of plug-ins."""
    return (tasks_dir(), *_of_plugins("tasks"))


def model_dirs() -> tuple[Path, ...]:
    """``reference_models/<id>/model.toml`` and the .tflite files, of this project and of plug-ins."""
    return (root() / "reference_models", *_of_plugins("reference_models"))


def device_dirs() -> tuple[Path, ...]:
    """``runners/devices/<id>.toml``, of this project and of plug-ins."""
    return (root() / "runners" / "devices", *_of_plugins("runners/devices"))


def battery_dirs() -> tuple[Path, ...]:
    """``runners/batteries/<id>.toml``, of this project and of plug-ins."""
    return (root() / "runners" / "batteries", *_of_plugins("runners/batteries"))


def first(folders: tuple[Path, ...], name: str) -> Path:
    """What is called ``name`` in the first of the folders that has it; in the first one if none has."""
    return next((path for folder in folders if (path := folder / name).exists()), folders[0] / name)


def packages(*places: str) -> dict[str, str]:
    """Packages of the plug-ins that bring one of these files or folders: name -> version.

    Args:
        places: below a root, such as ``runners/devices/my-npu.toml``.
    """
    bringing = (
        name
        for name, found in PLUGINS.all().items()
        if any((found.root / place).exists() for place in places)
    )
    return dict(package for name in bringing if (package := PLUGINS.package(name)) is not None)


def firmware_dir() -> Path:
    """C sources and linker scripts of the generated firmware."""
    return root() / "runners" / "firmware"


def licence() -> Path:
    """The licence of this project."""
    return root() / "LICENSE"


def validation_dir() -> Path:
    """Published hardware results, and the prediction intervals that follow from them."""
    return root() / "runners" / "validation"


def _of_plugins(folder: str) -> tuple[Path, ...]:
    return tuple(found.root / folder for found in PLUGINS.all().values())
