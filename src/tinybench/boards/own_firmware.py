"""What firmware of ``tinybench firmware build`` says of itself, beyond MLPerf Tiny's protocol."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

ENGINE: Final = "tinybench-static"
"""What results call its engine. Its arithmetic is that of TFLite Micro, bit for bit."""

NAMED: Final = "tinybench "
"""What the name of a firmware begins with that tells the id of its device profile."""


def named_device(name: str) -> str | None:
    """Id of the device profile that the name of a firmware tells, if it does.

    A USB id never would: all boards of a maker share the one of their debug probe.
    """
    return name.removeprefix(NAMED) if name.startswith(NAMED) else None


def told_by(remarks: Iterable[str]) -> dict[str, str]:
    """Its own facts, from remarks ``tinybench key=value;key=value``; none of other firmware."""
    for remark in remarks:
        word, _, rest = remark.partition(" ")
        if word == "tinybench":
            return dict(pair.split("=", 1) for pair in rest.split(";") if "=" in pair)
    return {}
