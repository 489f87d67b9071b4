"""In-order issue with result latencies: what Cortex-M33 and M7 have in common.

Instructions issue in order, one or two a cycle, each as soon as its operands are ready and its unit is
free. A stretch of code is cut into basic blocks at branches and at their targets, and every block starts
with an empty pipeline.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Protocol

from tinybench.mcusim.cores.instruction import Instruction

_TARGET = re.compile(r"#(0x[0-9a-f]+|\d+)$")
_ENDS_BLOCK = frozenset("b bl bx blx cbz cbnz tbb tbh".split())


class Pipeline(Protocol):
    """The rules of one core."""

    def issue(self, instruction: Instruction, before: Instruction | None, alone: bool) -> int:
        """Cycles after ``before`` at which it can issue for all its unit says: 0 to pair with it.

        ``alone`` says that ``before`` issued in a cycle of its own so far.
        """
        ...

    def latency(self, producer: Instruction, consumer: Instruction, register: str) -> int:
        """Cycles from the issue of the producer of a register to that of its consumer."""
        ...

    def occupies(self, instruction: Instruction) -> int:
        """Cycles until another instruction can issue behind it, where that is more than its pairing says."""
        ...


def schedule(pipeline: Pipeline, code: Sequence[Instruction]) -> list[tuple[int, int]]:
    """``Core.costs`` of a core of this kind.

    The cycles of an instruction are those from the issue of the one before to its own, so that a block's sum
    is its time; one that shares its cycle needs one of its own where a block starts with it.
    """
    leaders = _leaders(code)
    costs: list[int] = []
    cycle, alone = 0, True
    producers: dict[str, tuple[Instruction, int]] = {}
    before: Instruction | None = None
    for instruction in code:
        if before is None or instruction.address in leaders:
            # The block before is over when its last instruction has left the issue stage.
            cycle, alone, before = 0, True, None
            producers = {}
            costs.append(pipeline.occupies(instruction))
        else:
            earliest = cycle + max(pipeline.issue(instruction, before, alone), pipeline.occupies(before) - 1)
            for register in instruction.sources:
                if register in producers:
                    producer, issued = producers[register]
                    earliest = max(earliest, issued + pipeline.latency(producer, instruction, register))
            alone = earliest > cycle
            costs.append(earliest - cycle + pipeline.occupies(instruction) - 1)
            cycle = earliest
        cycle += pipeline.occupies(instruction) - 1
        for register in instruction.results:
            producers[register] = (instruction, cycle)
        before = instruction
    return [(cycles, 0 if cycles else 1) for cycles in costs]


def _leaders(code: Sequence[Instruction]) -> frozenset[int]:
    found = set()
    for instruction in code:
        if instruction.name in _ENDS_BLOCK or instruction.writes_pc:
            found.add(instruction.address + instruction.size)
            target = _TARGET.search(instruction.operands)
            if target:
                found.add(int(target.group(1), 0))
    return frozenset(found)
