"""Finds the content folders (tasks, reference models, devices, firmware).

They sit at the root of a checkout, or inside the wheel under ``tinybench/_content``. No other module
knows which.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


@cache
def root() -> Path:
    """Folder that holds ``tasks/``, ``reference_models/`` and ``runners/``."""
    packaged = _PACKAGE / "_content"
    return packaged if packaged.is_dir() else _PACKAGE.parent.parent


def tasks_dir() -> Path:
    """``tasks/<id>/task.toml`` and what belongs to each task."""
    return root() / "tasks"


def models_dir() -> Path:
    """``reference_models/<id>/model.toml`` and the .tflite files."""
    return root() / "reference_models"


def devices_dir() -> Path:
    """``runners/devices/<id>.toml``."""
    return root() / "runners" / "devices"


def batteries_dir() -> Path:
    """``runners/batteries/<id>.toml``."""
    return root() / "runners" / "batteries"


def firmware_dir() -> Path:
    """C sources and linker scripts of the generated firmware."""
    return root() / "runners" / "firmware"


def licence() -> Path:
    """The licence of this project."""
    return root() / "LICENSE"


def validation_dir() -> Path:
    """Published hardware results, and the prediction intervals that follow from them."""
    return root() / "runners" / "validation"
