"""The options --duty and --battery, and what they print."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from tinybench.mcusim.duty import Duty
    from tinybench.profiling.schema import DutyFigures

F = TypeVar("F", bound=Callable[..., Any])


def duty_options(command: F) -> F:
    """Add ``--duty`` and ``--battery`` to a command."""
    battery = click.option(
        "--battery", metavar="ID", help="Battery life at that duty: CR2032, aa-pair or lipo-500."
    )
    duty = click.option("--duty", metavar="RATE", help="Average power at a rate: 1/s, 10/min, 4/h or 24/d.")
    return duty(battery(command))


def duty_lines(duty: Duty | DutyFigures) -> list[str]:
    """What a duty cycle costs, for people."""
    from tinybench.quantities import quantity

    active = f"{duty.active_fraction * 100:.3g} % of the time active"
    if duty.average_power_w is None:
        return [f"duty: {duty.rate_hz:.4g} inferences/s, {active}; no average power: {duty.reason}"]
    power = quantity(duty.average_power_w, "W")
    how = f"{active}, else in {duty.rest_mode}"
    lines = [f"duty: {duty.rate_hz:.4g} inferences/s, {how}: {power} on average, predicted"]
    if duty.battery_life_s is not None:
        lines.append(
            f"battery: {duration(duty.battery_life_s)} from {duty.battery}, without self-discharge and losses"
        )
    return [*lines, *(f"note: {note}" for note in duty.notes)]


def duration(seconds: float) -> str:
    """A time in hours, days or years."""
    if seconds < 2 * 86400:
        return f"{seconds / 3600:.3g} hours"
    return (
        f"{seconds / 86400:.3g} days" if seconds < 2 * 365.25 * 86400 else f"{seconds / 31557600:.3g} years"
    )
