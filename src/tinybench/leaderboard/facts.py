"""Lists of facts, as pages show them: a term and what is said of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tinybench.leaderboard import titles
from tinybench.quantities import frequency
from tinybench.results.schema import Accelerator, Engine


@dataclass(frozen=True)
class Fact:
    """Plain text, which may hold anything that a submission holds."""

    term: str
    text: str | None
    """None: not known; the list leaves it out."""
    address: str | None = None
    """Of a page here about it."""
    code: bool = False


def whole(number: int | None) -> str | None:
    """A number with commas between thousands."""
    return None if number is None else f"{number:,}"


def clock(hertz: int | None) -> str | None:
    """A clock in MHz."""
    return None if hertz is None else frequency(hertz)


def supply(volts: float | None) -> str | None:
    """A supply in volts."""
    return None if volts is None else f"{volts:g} V"


def of_accelerator(accelerator: Accelerator | None) -> str | None:
    """Its name and its clock."""
    if accelerator is None:
        return None
    return ", ".join(filter(None, (accelerator.name, clock(accelerator.clock_hz))))


def of_engine(engine: Engine) -> Iterator[Fact]:
    """Runtime, kernels, compiler and flags."""
    yield Fact("Engine", titles.joined(engine.name, engine.version))
    yield Fact("Kernels", titles.joined(engine.kernels, engine.kernels_version) or None)
    yield Fact("Compiler", engine.compiler)
    yield Fact("Flags", " ".join(engine.flags) or None, code=True)
    yield Fact("Copied to RAM", " and ".join(engine.in_ram) or None)
