"""What Cortex-M3, M4 and M33 have in common: one instruction at a time, loads and stores that pipeline.

Source: ARM Cortex-M4 Processor Technical Reference Manual r0p1 (DDI 0439D), Table 3-1 and section 3.3.2
"Load/store timings"; the Cortex-M3 manual (DDI 0337I, section 3.3.2) has the same words. Not modelled:
unaligned data accesses (one more cycle or more each); instructions of an IT block that are not executed cost
as if they were.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tinybench.errors import SimulationError
from tinybench.mcusim.cores.instruction import Instruction

LOADS = frozenset("ldr ldrb ldrh ldrsb ldrsh".split())
STORES = frozenset("str strb strh".split())
MULTIPLE = frozenset("ldm ldmia ldmdb stm stmia stmdb push pop".split())
DOUBLE = frozenset("ldrd strd".split())
BRANCHES = frozenset("b bl bx blx cbz cbnz".split())
FLAGS_ONLY = frozenset("cmp cmn tst teq nop".split())
"""Data processing that writes no register."""

# Table 3-1 of either manual: move, add, logic, shift, compare, extend, bit field, reverse, saturate.
DATA_PROCESSING = frozenset(
    """
    mov movs movw movt mvn mvns add adds addw adc adcs sub subs subw sbc sbcs rsb rsbs and ands orr orrs
    orn orns eor eors bic bics lsl lsls lsr lsrs asr asrs ror rors rrx cmp cmn tst teq clz rev rev16
    revsh rbit adr nop sxtb sxth uxtb uxth bfc bfi sbfx ubfx ssat usat mul muls
    """.split()
)
# Table 3-2 "Cortex-M4 DSP instruction set summary".
DSP = frozenset(
    """
    sxtb16 uxtb16 sxtab sxtah uxtab uxtah sxtab16 uxtab16 ssat16 usat16 umaal smlabb smlabt smlatb
    smlatt smulbb smulbt smultb smultt smlawb smlawt smulwb smulwt smlad smladx smlsd smlsdx smlald
    smlaldx smlsld smlsldx smlalbb smlalbt smlaltb smlaltt smuad smuadx smusd smusdx smmul smmulr smmla
    smmlar smmls smmlsr qadd qsub qdadd qdsub qadd16 qsub16 qadd8 qsub8 qasx qsax sadd16 ssub16 sadd8
    ssub8 sasx ssax uadd16 usub16 uadd8 usub8 uqadd8 uqsub8 shadd16 shsub16 uhadd8 pkhbt pkhtb sel usad8
    usada8
    """.split()
)

# Table 3-1: SDIV and UDIV take 2 to 12 cycles, ending early; the middle.
DIVIDE = 7
# Pipeline refill P, 1 to 3 cycles "depending on the alignment and width of the target instruction, and
# whether the processor manages to speculate the address early": a direct branch is speculated in decode, a
# branch to a register is known one stage later, and section 3.3.2 gives three for a loaded program counter.
REFILL_DIRECT, REFILL_REGISTER, REFILL_LOADED = 1, 2, 3


@dataclass(frozen=True)
class ThreeStage:
    """A core of this kind: the cycles of its one-cycle and longer arithmetic instructions."""

    arithmetic: Mapping[str, int]
    dsp: bool
    unicorn_model: str
    # Cortex-M3 manual (DDI 0337E), section 14.5.6 "Pipelined instruction fetches": instructions from the
    # system bus take two cycles, and cannot be fetched back to back. The Cortex-M4's (DDI 0439D, "Bus
    # interfaces") names such fetches too, without cycles, and gives data priority over instructions.
    system_fetch_cycles: int | None = 2

    def costs(self, code: Sequence[Instruction]) -> list[tuple[int, int]]:
        """See ``Core.costs``."""
        costs, before = [], None
        for instruction in code:
            flowing = self._cycles(instruction, before)
            costs.append((flowing, max(0, self._cycles(instruction, None) - flowing)))
            before = instruction
        return costs

    def taken(self, instruction: Instruction) -> int:
        """See ``Core.taken``."""
        if instruction.name in ("tbb", "tbh") or instruction.writes_pc:
            return REFILL_LOADED
        if instruction.name in ("bx", "blx"):
            return REFILL_REGISTER
        return REFILL_DIRECT if instruction.name in BRANCHES else 0

    def target(self, instruction: Instruction) -> int:
        """A 32-bit instruction that straddles two words needs both of them before it can start."""
        return 1 if instruction.size == 4 and instruction.address % 4 else 0

    def _cycles(self, instruction: Instruction, before: Instruction | None) -> int:
        name = instruction.name
        if name in self.arithmetic:
            return self.arithmetic[name]
        if name in BRANCHES:
            return 1
        if name in LOADS or (name in STORES and instruction.register_offset):
            # Section 3.3.2: two cycles; one less right behind a load whose result is not its address.
            return 1 if _pipelined(instruction, before) else 2 + self._address_stall(instruction, before)
        if name in STORES:
            return 1 + self._address_stall(instruction, before)  # section 3.3.2: "always one cycle"
        if name in MULTIPLE:
            return 1 + len(instruction.listed)  # Table 3-1: 1 + N
        if name in DOUBLE:
            return 3  # Table 3-1: 1 + N with two words
        if name.startswith("it") and set(name[1:]) <= set("te"):
            # Table 3-1: 1, "may be folded onto a preceding 16-bit Thumb instruction": then it takes none.
            return 0 if before is not None and before.size == 2 else 1
        if name in ("tbb", "tbh"):
            return 3  # section 3.3.2: two for the load, one for the add, and the refill
        raise no_timing(instruction)

    def _address_stall(self, instruction: Instruction, before: Instruction | None) -> int:
        # Section 3.3.2: an address that depends on data processing just before it stalls a cycle.
        if before is None or before.name not in self.arithmetic or before.name in FLAGS_ONLY:
            return 0
        return 1 if before.destination in instruction.address_registers else 0


def no_timing(instruction: Instruction) -> SimulationError:
    """The error for an instruction that a core's tables lack."""
    return SimulationError(
        f"no timing for '{instruction.mnemonic} {instruction.operands}' at {instruction.address:#x}",
        hint="report it: the core's table lacks this instruction",
    )


def _pipelined(instruction: Instruction, before: Instruction | None) -> bool:
    return (
        before is not None
        and before.name in LOADS
        and before.destination not in instruction.address_registers
    )
