"""The one mapping from operators to their emitters, and the table of it in the documentation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tinybench.mcusim.emit import Context, Layer
from tinybench.models import Operator

Emitter = Callable[[Context, Operator], Layer]


@dataclass(frozen=True)
class Lowering:
    """How one operator is lowered, and what a user should know of it."""

    emit: Emitter
    inputs: tuple[int, int]
    """Fewest and most inputs, absent ones included."""
    options: str
    """Table of the TFLite schema that must hold its options; empty if none are read."""
    kernel: str
    limits: str
    several_outputs: bool


LOWERINGS: dict[str, Lowering] = {}


def lowers(
    *kinds: str,
    inputs: int | tuple[int, int],
    options: str = "",
    kernel: str,
    limits: str,
    several_outputs: bool = False,
) -> Callable[[Emitter], Emitter]:
    """Register an emitter for operators of the TFLite schema.

    ``kernel`` names what is called and ``limits`` what is refused; both go into the documentation.
    """
    counts = (inputs, inputs) if isinstance(inputs, int) else inputs

    def register(emitter: Emitter) -> Emitter:
        for kind in kinds:
            if kind in LOWERINGS:
                raise ValueError(f"{kind} is registered twice")
            LOWERINGS[kind] = Lowering(emitter, counts, options, kernel, limits, several_outputs)
        return emitter

    return register


def markdown_table() -> str:
    """The operators with kernels and limits, as a Markdown table."""
    rows = [f"| `{kind}` | {one.kernel} | {one.limits} |" for kind, one in sorted(LOWERINGS.items())]
    return "\n".join(("| Operator | Kernel | Limits |", "|---|---|---|", *rows)) + "\n"
