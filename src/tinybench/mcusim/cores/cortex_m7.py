"""Cortex-M7: two instructions a cycle, in order.

Arm publishes no table of cycles for this core. Source: the scheduling model of LLVM (ARMScheduleM7.td) and
the measurements on an STM32H743 in jnk0le/random, "pipeline cycle test", cortex_m7.md. Two loads pair, two
stores do not; one multiplication, one SIMD and one branch a cycle, SIMD and bit fields only as the older of
a pair; LDM, STM, LDRD and the like issue alone, two registers a cycle; a word is ready for the next cycle,
a byte or half-word, a product or a saturation after two; addresses are read a cycle early. Every branch is
taken as predicted, which costs nothing: what is left out are mispredictions (8 cycles, once per loop),
unaligned accesses (3) and conflicts of the two halves of the DTCM.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tinybench.mcusim.cores.instruction import Instruction
from tinybench.mcusim.cores.scoreboard import schedule
from tinybench.mcusim.cores.three_stage import (
    BRANCHES,
    DATA_PROCESSING,
    DOUBLE,
    DSP,
    LOADS,
    MULTIPLE,
    STORES,
    no_timing,
)

_MULTIPLY = frozenset("mul muls mla mls smull umull smlal umlal umaal".split()) | frozenset(
    name for name in DSP if name.startswith(("sml", "smu", "smm"))
)
_ACCUMULATE = frozenset(name for name in _MULTIPLY if name.startswith(("mla", "mls", "sml", "uml", "smml")))
_SIMD = (DSP - _MULTIPLY) | frozenset(
    "sxtb sxth uxtb uxth ssat usat sbfx ubfx bfi bfc clz rbit rev rev16".split()
)
_TWO_CYCLE_RESULT = _MULTIPLY | frozenset("ssat usat qadd qsub qadd16 qsub16 ldrb ldrh ldrsb ldrsh".split())
_MEMORY = LOADS | STORES | DOUBLE | MULTIPLE
_ALONE = DOUBLE | MULTIPLE | frozenset("sdiv udiv tbb tbh".split())
_KNOWN = DATA_PROCESSING | DSP | _MULTIPLY | LOADS | STORES | BRANCHES
_DIVIDE = 7  # LLVM: instruction latency of SDIV and UDIV, which stall the pipeline


@dataclass(frozen=True)
class CortexM7:
    """See the module."""

    dsp: bool = True
    unicorn_model: str = "UC_CPU_ARM_CORTEX_M7"
    # The profiles' RAM is data TCM. Instructions come from the instruction TCM or the AXI master.
    system_fetch_cycles: int | None = None

    def costs(self, code: Sequence[Instruction]) -> list[tuple[int, int]]:
        """See ``Core.costs``."""
        return schedule(self, code)

    def taken(self, instruction: Instruction) -> int:
        """See ``Core.taken``: predicted, but a jump table's target is not."""
        return 8 if instruction.name in ("tbb", "tbh") else 0

    def target(self, instruction: Instruction) -> int:
        """See ``Core.target``."""
        return 0

    def issue(self, instruction: Instruction, before: Instruction | None, alone: bool) -> int:
        """See ``Pipeline.issue``."""
        if before is None or not alone or instruction.name in _ALONE or before.name in _ALONE:
            return 1
        one_of = (STORES, _MULTIPLY, _SIMD, BRANCHES)
        if any(instruction.name in unit and before.name in unit for unit in one_of):
            return 1
        if instruction.name in _SIMD:  # only as the older one
            return 1
        both = {instruction.name, before.name}
        return 1 if both & STORES and both & _MULTIPLY else 0

    def latency(self, producer: Instruction, consumer: Instruction, register: str) -> int:
        """See ``Pipeline.latency``."""
        ready = 2 if producer.name in _TWO_CYCLE_RESULT else 1
        if consumer.name in _ACCUMULATE and register in consumer.results + consumer.registers[-1:]:
            ready = 1 if producer.name in _MULTIPLY else ready
        elif consumer.name in STORES and register not in consumer.address_registers:
            ready -= 1  # a store reads its data two stages later
        if (
            consumer.name in _MEMORY
            and register in consumer.address_registers
            and not _updates_base(producer)
        ):
            ready += 1
        return ready

    def occupies(self, instruction: Instruction) -> int:
        """See ``Pipeline.occupies``."""
        name = instruction.name
        if name in MULTIPLE:
            return max(1, (len(instruction.listed) + 1) // 2)
        if name in ("sdiv", "udiv"):
            return _DIVIDE
        if name in DOUBLE or name in ("tbb", "tbh") or name in _KNOWN or name.startswith("it"):
            return 1
        raise no_timing(instruction)


def _updates_base(instruction: Instruction) -> bool:
    return instruction.name in LOADS | STORES and instruction.writes_back


CORE = CortexM7()
