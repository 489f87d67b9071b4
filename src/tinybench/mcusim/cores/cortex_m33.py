"""Cortex-M33 with the DSP extension.

Arm publishes no table of cycles for this core. Source: the measurements on an RP2350 (core r1p0) in
jnk0le/random, "pipeline cycle test", cortex_m33.md: single issue, but for a 16-bit instruction and a branch
or IT behind it; a load's result is ready after two cycles, as accumulator after one; LDM and STM take a
cycle per register, LDRD and STRD two; shifted operands, multiply-accumulate and UXTA-like results after two
cycles, accumulators back to back; a taken branch two cycles. Division as in the Cortex-M4's manual.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tinybench.mcusim.cores.instruction import Instruction
from tinybench.mcusim.cores.scoreboard import schedule
from tinybench.mcusim.cores.three_stage import (
    BRANCHES,
    DATA_PROCESSING,
    DIVIDE,
    DOUBLE,
    DSP,
    LOADS,
    MULTIPLE,
    STORES,
    no_timing,
)

_MULTIPLY = frozenset("mul mla mls smull umull smlal umlal".split())
_ACCUMULATE = frozenset(
    name for name in DSP | _MULTIPLY if name.startswith(("mla", "mls", "sml", "uml", "smml"))
)
_SLOW_RESULT = _ACCUMULATE | frozenset("uxtab uxtah sxtab sxtah uxtab16 sxtab16".split())
_KNOWN = DATA_PROCESSING | DSP | _MULTIPLY | LOADS | STORES | BRANCHES


@dataclass(frozen=True)
class CortexM33:
    """See the module."""

    dsp: bool = True
    unicorn_model: str = "UC_CPU_ARM_CORTEX_M33"
    # Assumed: the one transfer a cycle that an AHB bus has; the manual (100230) says only that code and data
    # of the SRAM region share the S-AHB interface.
    system_fetch_cycles: int | None = 1

    def costs(self, code: Sequence[Instruction]) -> list[tuple[int, int]]:
        """See ``Core.costs``."""
        return schedule(self, code)

    def taken(self, instruction: Instruction) -> int:
        """See ``Core.taken``: two cycles in all; a loaded program counter waits for its load."""
        if instruction.writes_pc or instruction.name in ("tbb", "tbh"):
            return 2
        return 1 if instruction.name in BRANCHES else 0

    def target(self, instruction: Instruction) -> int:
        """See ``Core.target``."""
        return 0

    def issue(self, instruction: Instruction, before: Instruction | None, alone: bool) -> int:
        """See ``Pipeline.issue``: only a branch or IT pairs, with a 16-bit instruction that is none."""
        second = instruction.name in ("b", "nop") or instruction.name.startswith("it")
        fits = before is not None and before.size == 2 and instruction.size == 2
        return 0 if second and fits and alone and before is not None and before.name not in BRANCHES else 1

    def latency(self, producer: Instruction, consumer: Instruction, register: str) -> int:
        """See ``Pipeline.latency``."""
        accumulates = consumer.name in _ACCUMULATE and register in consumer.registers[-1:]
        if producer.name in LOADS or producer.name in _SLOW_RESULT or _shifted(producer):
            return 1 if accumulates or (consumer.name in STORES and producer.name in LOADS) else 2
        return 1

    def occupies(self, instruction: Instruction) -> int:
        """See ``Pipeline.occupies``."""
        name = instruction.name
        if name in MULTIPLE:
            return max(1, len(instruction.listed))
        if name in DOUBLE or (name == "muls" and instruction.size == 2):
            return 2
        if name in ("sdiv", "udiv"):
            return DIVIDE
        if name in ("tbb", "tbh"):
            return 2
        if name in _KNOWN or name.startswith("it"):
            return 1
        raise no_timing(instruction)


def _shifted(instruction: Instruction) -> bool:
    return any(f", {shift} #" in instruction.operands for shift in ("lsl", "lsr", "asr", "ror"))


CORE = CortexM33()
