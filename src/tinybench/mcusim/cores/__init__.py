"""Timing of each core: one module per core, found by its name."""

from __future__ import annotations

import importlib
from typing import Protocol

from tinybench.mcusim.cores.instruction import Instruction


class Core(Protocol):
    """How long the instructions of one core take with zero-wait-state memory."""

    def straight_line(self, instruction: Instruction, before: Instruction | None) -> int:
        """Cycles of an instruction whose branch, if it is one, is not taken.

        ``before`` is the instruction executed just before it, or None where that is not known.
        """
        ...

    def taken(self, instruction: Instruction) -> int:
        """More cycles when the instruction's branch is taken."""
        ...

    def target(self, instruction: Instruction) -> int:
        """More cycles when a taken branch lands on this instruction."""
        ...


def core(name: str) -> Core:
    """The timing of the core called ``name``, such as ``cortex-m4``."""
    module: Core = importlib.import_module(f"tinybench.mcusim.cores.{name.replace('-', '_')}")
    return module
