"""Front ends of tasks that are not built in: entry points of the group ``tinybench.tasks``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from tinybench import content
from tinybench.plugins import Plugins

if TYPE_CHECKING:
    from tinybench.datasets.base import FrontEnd

PARTS: Final = ("LABELS", "scan", "load", "features", "quantize", "stimuli")
"""What every front end has."""


def is_built_in(task: str) -> bool:
    """Whether a task is one of this project."""
    return (content.tasks_dir() / task).is_dir()


def _problem(name: str, found: Any) -> str | None:
    return "is for a task that is built in, and is not used" if is_built_in(name) else None


PLUGINS: Final[Plugins[FrontEnd]] = Plugins(
    "task",
    "tinybench.tasks",
    1,
    "tinybench.datasets.base.FrontEnd",
    PARTS,
    classes=False,
    problem=_problem,
)
