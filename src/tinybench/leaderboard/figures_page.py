"""``/figures/``: all figures of the site on one page."""

from __future__ import annotations

from dataclasses import dataclass

from tinybench.leaderboard import addresses, figures, titles
from tinybench.leaderboard.build import Context
from tinybench.leaderboard.figures import Figure


@dataclass(frozen=True)
class Group:
    """Figures about one thing."""

    title: str
    text: str
    figures: tuple[Figure, ...]


def write(context: Context) -> None:
    """Write it."""
    context.pages.add(
        addresses.FIGURES,
        "Figures",
        "figures",
        description="Accuracy, latency and energy against each other; engines, progress, simulator.",
        groups=[group for group in _groups(context) if group.figures],
    )


def _groups(context: Context) -> list[Group]:
    gallery = figures.gallery(context)
    made = [
        Group(
            titles.task(task),
            "Every result of the task that has both figures, and the best of each round.",
            gallery.of_task(task),
        )
        for task in gallery.tasks
    ]
    made.append(
        Group(
            "Engines",
            "One board, one task, one model: what the inference engine alone makes of it. The boards "
            f"with the most engines, {figures.MOST_DEVICES} at most.",
            tuple(figure for device in gallery.devices for figure in gallery.of_device(device)),
        )
    )
    made.append(
        Group(
            "The simulator",
            "How far simulated figures are from published ones that were measured with the same kernels.",
            gallery.simulator(),
        )
    )
    return made
