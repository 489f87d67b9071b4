"""Families of cores, as the colours of the figures know them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from tinybench.leaderboard.figures import palette


@dataclass(frozen=True)
class Family:
    """What executes the model, roughly."""

    title: str
    color: str
    pattern: str
    """How its marks are filled; see ``marks``."""


CORTEX_M4: Final = Family("Cortex-M4", palette.BLUE, "full")
CORTEX_M7: Final = Family("Cortex-M7", palette.VERMILLION, "hollow")
CORTEX_M33: Final = Family("Cortex-M33", palette.GREEN, "left")
OTHER_M: Final = Family("other Cortex-M", palette.PINK, "bottom")
RISC_V: Final = Family("RISC-V", palette.OCHRE, "dot")
NPU: Final = Family("NPU", palette.INDIGO, "cross")
FPGA: Final = Family("FPGA", palette.WINE, "bar")
OTHER: Final = Family("other", palette.GREY, "right")

FAMILIES: Final = (CORTEX_M4, CORTEX_M7, CORTEX_M33, OTHER_M, RISC_V, NPU, FPGA, OTHER)

_NAMED: Final = {
    "cortex-m4": CORTEX_M4,
    "cortex-m7": CORTEX_M7,
    "cortex-m33": CORTEX_M33,
    "npu": NPU,
    "fpga": FPGA,
}
_RISC_V: Final = ("rv32", "rv64", "riscv", "risc-v", "andes-", "xuantie-")


def family_of(core: str | None) -> Family:
    """The family of a core, as results name it: ``cortex-m4``, ``npu``, ``rv32imac``."""
    name = (core or "").lower()
    if name in _NAMED:
        return _NAMED[name]
    if name.startswith("cortex-m"):
        return OTHER_M
    return RISC_V if name.startswith(_RISC_V) else OTHER


def present(families: Iterable[Family]) -> list[Family]:
    """Each family once, in the order of the legend."""
    found = set(families)
    return [family for family in FAMILIES if family in found]
