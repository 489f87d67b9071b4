"""Timing of each core: one module per core, found by its name."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Protocol

from tinybench.mcusim.cores.instruction import Instruction


class Core(Protocol):
    """How long the instructions of one core take with zero-wait-state memory."""

    dsp: bool
    """Whether it has the DSP extension, which selects CMSIS-NN's code and scratch sizes."""
    unicorn_model: str
    """Name of Unicorn's constant for it."""
    system_fetch_cycles: int | None
    """Cycles for which a word of code from the system bus keeps it from data and other code. 0: the
    instructions' own times have it; None: nothing published says."""

    def costs(self, code: Sequence[Instruction]) -> list[tuple[int, int]]:
        """Per instruction of a stretch of code: cycles, and more cycles if a basic block starts there.

        The first is for code that runs through; of a branch, for one that is not taken. The second is what
        the instruction cannot share with the one before it.
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
    module = importlib.import_module(f"tinybench.mcusim.cores.{name.replace('-', '_')}")
    found: Core = module.CORE
    return found
