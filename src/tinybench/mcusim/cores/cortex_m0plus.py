"""Cortex-M0+ with the single-cycle multiplier.

Source: Cortex-M0+ Technical Reference Manual r0p1 (DDI 0484C), Table 3-1 "Cortex-M0+ instruction summary":
data processing 1; loads and stores 2; LDM, STM, PUSH and POP 1 + N, POP with the program counter 3 + N; a
taken branch 2, BL 3, BX and BLX 2; MULS 1 with the fast multiplier, which all devices here have.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tinybench.mcusim.cores.instruction import Instruction
from tinybench.mcusim.cores.three_stage import LOADS, MULTIPLE, STORES, no_timing

_ONE_CYCLE = frozenset(
    """
    mov movs mvn mvns add adds adc adcs sub subs sbc sbcs rsb rsbs and ands orr orrs eor eors bic bics
    lsl lsls lsr lsrs asr asrs ror rors cmp cmn tst rev rev16 revsh adr nop sxtb sxth uxtb uxth mul muls
    b bl bx blx
    """.split()
)
_TAKEN = {"b": 1, "bl": 2, "bx": 1, "blx": 1}


@dataclass(frozen=True)
class TwoStage:
    """Every instruction takes its own time: nothing overlaps."""

    dsp: bool = False
    unicorn_model: str = "UC_CPU_ARM_CORTEX_M0"
    # Section 2.2.1: one AHB-Lite interface for code and data, wherever they are.
    system_fetch_cycles: int | None = 0

    def costs(self, code: Sequence[Instruction]) -> list[tuple[int, int]]:
        """See ``Core.costs``."""
        return [(self._cycles(instruction), 0) for instruction in code]

    def taken(self, instruction: Instruction) -> int:
        """See ``Core.taken``."""
        return 2 if instruction.writes_pc else _TAKEN.get(instruction.name, 0)

    def target(self, instruction: Instruction) -> int:
        """See ``Core.target``."""
        return 0

    def _cycles(self, instruction: Instruction) -> int:
        if instruction.name in _ONE_CYCLE:
            return 1
        if instruction.name in LOADS | STORES:
            return 2
        if instruction.name in MULTIPLE:
            return 1 + len(instruction.listed)
        raise no_timing(instruction)


CORE = TwoStage()
