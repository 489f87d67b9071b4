"""A figure, before it is drawn: what it is called, what it says, and from which data."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Final

from tinybench.leaderboard.figures import svg
from tinybench.leaderboard.figures.canvas import WIDTH, Drawing
from tinybench.leaderboard.spreadsheets import harmless

if TYPE_CHECKING:
    import pandas as pd

FOLDER: Final = "assets/figures/"


@dataclass(frozen=True)
class Figure:
    """One figure of the site. Texts are plain: whoever shows them escapes them."""

    name: str
    title: str
    alt: str
    """What is seen, in numbers."""
    caption: str
    """What is shown, of which mode, how many, and what was left out and why."""
    n: int
    """Points."""
    data: pd.DataFrame = field(repr=False)
    """What is plotted, in SI units."""
    draw: Callable[[], Drawing] = field(repr=False)

    @property
    def light(self) -> str:
        """Address of the version for light pages and print."""
        return f"{FOLDER}{self.name}-light.svg"

    @property
    def dark(self) -> str:
        """Address of the version for dark pages."""
        return f"{FOLDER}{self.name}-dark.svg"

    @property
    def csv(self) -> str:
        """Address of the data."""
        return f"{FOLDER}{self.name}.csv"

    @cached_property
    def drawing(self) -> Drawing:
        """The figure as matplotlib draws it."""
        return self.draw()

    @property
    def aspect(self) -> float:
        """Height over width."""
        return self.drawing.height / WIDTH

    def files(self) -> dict[str, bytes]:
        """Address -> content of all three files, the same bytes every time."""
        drawing = self.drawing
        root = svg.finish(drawing.svg, self.title, self.alt, drawing.marks)
        light = svg.serialised(root)
        svg.darken(root)
        table = io.StringIO()
        self.data.map(_cell).to_csv(table, index=False, lineterminator="\n")
        return {
            self.light: light,
            self.dark: svg.serialised(root),
            self.csv: table.getvalue().encode(),
        }


def _cell(value: object) -> object:
    return harmless(value) if isinstance(value, str) else value
