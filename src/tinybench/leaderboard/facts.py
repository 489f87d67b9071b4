"""Lists of facts, as pages show them: a term and what is said of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from tinybench.leaderboard import titles
from tinybench.quantities import frequency
from tinybench.results.schema import Accelerator, Engine, Instrument


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


_VOLTAGE: Final = {"set": "supplied by it", "measured": "measured by it", "stated": "as stated by the user"}
_GATE: Final = {
    "edges": "edges of the board's pin",
    "timestamps": "the host's clock, a few milliseconds behind the board",
}


def of_instrument(instrument: Instrument | None) -> Iterator[Fact]:
    """What measured the energy: nothing where none is known."""
    if instrument is None:
        return
    made_up = ": computed from a formula, nothing was measured" if instrument.synthetic else ""
    yield Fact("Power analyser", instrument.title + made_up)
    yield Fact("Its serial number", instrument.serial)
    yield Fact("Its firmware", instrument.firmware)
    yield Fact("Its calibration", instrument.calibration or "not stated")
    means = instrument.native_rate_hz > instrument.rate_hz
    sampled = f", means of {_rate(instrument.native_rate_hz)}" if means else ""
    yield Fact("Samples of power", _rate(instrument.rate_hz) + sampled)
    yield Fact("Range", instrument.range)
    volts = supply(instrument.voltage_v)
    yield Fact("Voltage", f"{volts}, {_VOLTAGE[instrument.voltage]}" if volts else "not recorded")
    yield Fact("Windows are bounded by", _GATE[instrument.gate])


def _rate(hertz: float) -> str:
    return f"{hertz:,.0f} per second"
