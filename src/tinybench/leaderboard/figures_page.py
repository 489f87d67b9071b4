"""``/figures/``: all figures of the site on one page."""

from __future__ import annotations

from dataclasses import dataclass

from tinybench.leaderboard import addresses, figures, titles
from tinybench.leaderboard.build import Context
from tinybench.leaderboard.figures import Figure


@dataclass(frozen=True)
class Group:
    """Figures about one thing."""

    anchor: str
    title: str
    text: str
    figures: tuple[Figure, ...]


def write(context: Context) -> None:
    """Write it."""
    gallery = figures.gallery(context)
    context.pages.add(
        addresses.FIGURES,
        "Figures",
        "figures",
        description="Accuracy, latency and energy against each other; engines, progress, simulator.",
        groups=[group for group in _groups(gallery) if group.figures],
        engines=[(device, own) for device, own in gallery.devices.items() if own],
        most=figures.MOST_DEVICES,
    )


def _groups(gallery: figures.Gallery) -> list[Group]:
    made = [
        Group(
            f"task-{addresses.name_part(task)}",
            titles.task(task),
            "Every result of the task that has both figures, and the best of each round.",
            own,
        )
        for task, own in gallery.tasks.items()
    ]
    about = "How far simulated figures are from published ones that were measured with the same kernels."
    return [*made, Group("simulator", "The simulator", about, gallery.simulator)]
