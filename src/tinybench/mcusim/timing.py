"""Static timing: what each instruction of a firmware image costs, as tables over its halfwords.

A basic block's cycles are a difference of prefix sums, plus what its first instruction cannot share with the
one before it, plus what the branch into it costs. The tables are decoded once per image.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinybench.errors import SimulationError
from tinybench.mcusim.cores import Core
from tinybench.mcusim.cores.instruction import Instruction
from tinybench.mcusim.elf import Image

_IT = re.compile("it[te]{0,3}")
_CONDITION = re.compile(r"(eq|ne|hs|lo|mi|pl|vs|vc|hi|ls|ge|lt|gt|le)(?=(\.|$))")
"""What capstone appends to the mnemonics of an IT block, before any width qualifier."""


@dataclass(frozen=True)
class TimingTables:
    """One entry per halfword of code, index = (address - base) / 2; the sums have one more."""

    base: int
    cycles_before: NDArray[np.uint32]
    instructions_before: NDArray[np.uint32]
    loads_before: NDArray[np.uint32]
    """Words that the instructions load, whether from flash or RAM."""
    stores_before: NDArray[np.uint32]
    entry_cycles: NDArray[np.uint8]
    target_cycles: NDArray[np.uint8]
    taken_cycles: NDArray[np.uint8]
    """Indexed by the end of the instruction, where the basic block that it closes ends."""


def timing_tables(image: Image, core: Core) -> TimingTables:
    """Decode all code of an image and cost it.

    Raises:
        SimulationError: an instruction has no timing, or bytes marked as code do not decode.
    """
    halfwords = len(image.text) // 2
    cycles = np.zeros(halfwords + 1, np.uint32)
    count = np.zeros(halfwords + 1, np.uint32)
    loads = np.zeros(halfwords + 1, np.uint32)
    stores = np.zeros(halfwords + 1, np.uint32)
    entry = np.zeros(halfwords, np.uint8)
    target = np.zeros(halfwords, np.uint8)
    taken = np.zeros(halfwords + 1, np.uint8)
    for start, end in image.code_ranges():
        code = list(_decode(image, start, end))
        for instruction, (flowing, entered) in zip(code, core.costs(code), strict=True):
            at = (instruction.address - image.text_base) // 2
            cycles[at + 1] = flowing
            count[at + 1] = 1
            loads[at + 1] = instruction.words_loaded
            stores[at + 1] = instruction.words_stored
            entry[at] = entered
            target[at] = core.target(instruction)
            taken[at + instruction.size // 2] = core.taken(instruction)
    return TimingTables(
        base=image.text_base,
        cycles_before=np.cumsum(cycles, dtype=np.uint32),
        instructions_before=np.cumsum(count, dtype=np.uint32),
        loads_before=np.cumsum(loads, dtype=np.uint32),
        stores_before=np.cumsum(stores, dtype=np.uint32),
        entry_cycles=entry,
        target_cycles=target,
        taken_cycles=taken,
    )


def _decode(image: Image, start: int, end: int) -> Iterator[Instruction]:
    import capstone

    decoder = capstone.Cs(capstone.CS_ARCH_ARM, capstone.CS_MODE_THUMB | capstone.CS_MODE_MCLASS)
    code = image.text[start - image.text_base : end - image.text_base]
    address, predicated = start, 0
    for at, size, mnemonic, operands in decoder.disasm_lite(code, start):
        if predicated:
            mnemonic = _CONDITION.sub("", mnemonic)
        predicated = len(mnemonic) - 1 if _IT.fullmatch(mnemonic) else max(0, predicated - 1)
        yield Instruction(at, size, mnemonic, operands)
        address = at + size
    if any(code[address - start :]):  # zero bytes are padding between functions
        raise SimulationError(f"code at {address:#x} does not decode", hint="run 'tinybench doctor'")
