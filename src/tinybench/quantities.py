"""Figures as people read and type them. Files and the library hold SI units and bytes."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Final

from tinybench.errors import UsageError

_PREFIXES: Final = ((1.0, ""), (1e-3, "m"), (1e-6, "µ"), (1e-9, "n"))
_HERTZ: Final = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9}


def quantity(value: float, unit: str) -> str:
    """A value with a unit that people read: ms, µJ, KiB, %, millions; unit 1 is a number without one."""
    if unit == "fraction":
        return f"{value * 100:.1f} %"
    if unit == "1":
        return f"{value:.4f}"
    if unit == "bytes":
        return size(int(value))
    if unit in ("cycles", "instructions"):
        return f"{value / 1e6:.3f} M" if value >= 1e6 else f"{value:,.0f}"
    if unit in ("s", "J", "W"):
        for factor, prefix in _PREFIXES:
            if value >= factor:
                return f"{value / factor:.4g} {prefix}{unit}"
        return f"{value:.3g} {unit}"
    return f"{value:.4g} {unit}"


def size(count: int) -> str:
    """Bytes as B, KiB, MiB or GiB."""
    if count < 1024:
        return f"{count} B"
    value = count / 1024
    for unit in ("KiB", "MiB"):
        if value < 1024:
            return f"{value:.1f} {unit}"
        value /= 1024
    return f"{value:.1f} GiB"


def frequency(hertz: int) -> str:
    """A clock in MHz."""
    return f"{hertz / 1e6:g} MHz"


def parse_frequency(text: str) -> int:
    """Hertz of a clock such as ``80MHz``, ``64 MHz``, ``0.5GHz`` or ``80000000``.

    Raises:
        UsageError: it is not a frequency, or not a whole number of hertz.
    """
    found = re.fullmatch(
        r"\s*([0-9]{1,12}(?:\.[0-9]{1,9})?)\s*(?:([kMG]?)Hz)?\s*", text, re.ASCII | re.IGNORECASE
    )
    hertz = Decimal(found[1]) * _HERTZ[(found[2] or "").lower()] if found else Decimal(0)
    if hertz <= 0 or hertz % 1:
        raise UsageError(f"'{text}' is not a clock", hint="give a whole number of hertz, such as 80MHz")
    return int(hertz)
