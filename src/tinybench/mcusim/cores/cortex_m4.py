"""Cortex-M4 instruction timing with zero-wait-state memory.

Source: ARM Cortex-M4 Processor Technical Reference Manual r0p1 (DDI 0439D): Table 3-1 "Cortex-M4
instruction set summary", Table 3-2 "Cortex-M4 DSP instruction set summary", section 3.3.2 "Load/store
timings". Where the manual gives a range, the comment says what was chosen and why. What is not modelled:
unaligned data accesses (one more cycle or more each), and the early end of a division.
"""

from __future__ import annotations

from tinybench.errors import SimulationError
from tinybench.mcusim.cores.instruction import Instruction

# Table 3-1, move, add, subtract, logic, shift, compare, extend, bit field, reverse, saturate, multiply; Table
# 3-2: every DSP instruction; each takes one cycle.
_ONE_CYCLE = frozenset(
    """
    mov movs movw movt mvn mvns add adds addw adc adcs sub subs subw sbc sbcs rsb rsbs and ands orr orrs orn
    orns eor eors bic bics lsl lsls lsr lsrs asr asrs ror rors rrx cmp cmn tst teq clz rev rev16 revsh rbit
    adr nop sxtb sxth uxtb uxth sxtb16 uxtb16 sxtab sxtah uxtab uxtah sxtab16 uxtab16 bfc bfi sbfx ubfx ssat
    usat ssat16 usat16 mul muls mla mls smull umull smlal umlal umaal smlabb smlabt smlatb smlatt smulbb
    smulbt smultb smultt smlawb smlawt smulwb smulwt smlad smladx smlsd smlsdx smlald smlaldx smlsld smlsldx
    smlalbb smlalbt smlaltb smlaltt smuad smuadx smusd smusdx smmul smmulr smmla smmlar smmls smmlsr qadd
    qsub qdadd qdsub qadd16 qsub16 qadd8 qsub8 qasx qsax sadd16 ssub16 sadd8 ssub8 sasx ssax uadd16 usub16
    uadd8 usub8 uqadd8 uqsub8 shadd16 shsub16 uhadd8 pkhbt pkhtb sel usad8 usada8
    """.split()
)
_LOADS = frozenset("ldr ldrb ldrh ldrsb ldrsh".split())
_STORES = frozenset("str strb strh".split())
_MULTIPLE = frozenset("ldm ldmia ldmdb stm stmia stmdb push pop".split())
_DOUBLE = frozenset("ldrd strd".split())

# Table 3-1: SDIV and UDIV take 2 to 12 cycles, ending early; the middle.
_DIVIDE = 7
# Pipeline refill P, 1 to 3 cycles "depending on the alignment and width of the target instruction, and
# whether the processor manages to speculate the address early": a direct branch is speculated in decode, a
# branch to a register is known one stage later, and section 3.3.2 gives three for a loaded program counter.
_REFILL_DIRECT, _REFILL_REGISTER, _REFILL_LOADED = 1, 2, 3


def straight_line(instruction: Instruction, before: Instruction | None) -> int:
    """Cycles of an instruction whose branch, if it is one, is not taken."""
    name = instruction.name
    if name in _ONE_CYCLE or name in ("b", "bl", "bx", "blx", "cbz", "cbnz"):
        return 1
    if name in _LOADS:
        return _load(instruction, before)
    if name in _STORES:
        return _store(instruction, before)
    if name in _MULTIPLE:
        return 1 + len(instruction.listed)  # Table 3-1: 1 + N
    if name in _DOUBLE:
        return 3  # Table 3-1: 1 + N with two words
    if name in ("sdiv", "udiv"):
        return _DIVIDE
    if name.startswith("it") and set(name[1:]) <= set("te"):
        # Table 3-1: 1, "may be folded onto a preceding 16-bit Thumb instruction, enabling it in zero cycles".
        return 0 if before is not None and before.size == 2 else 1
    if name in ("tbb", "tbh"):
        return 3  # section 3.3.2: two for the load, one for the add, and the refill
    raise SimulationError(
        f"no timing for '{instruction.mnemonic} {instruction.operands}' at {instruction.address:#x}",
        hint="report it: the Cortex-M4 table lacks this instruction",
    )


def taken(instruction: Instruction) -> int:
    """More cycles when the instruction's branch is taken."""
    if instruction.name in ("tbb", "tbh") or instruction.writes_pc:
        return _REFILL_LOADED
    if instruction.name in ("bx", "blx"):
        return _REFILL_REGISTER
    if instruction.name in ("b", "bl", "cbz", "cbnz"):
        return _REFILL_DIRECT
    return 0


def target(instruction: Instruction) -> int:
    """A 32-bit instruction that straddles two words needs both of them before it can start."""
    return 1 if instruction.size == 4 and instruction.address % 4 else 0


def _load(instruction: Instruction, before: Instruction | None) -> int:
    # Section 3.3.2: a load takes two cycles; one less right behind a load whose result is not its address.
    return 1 if _pipelined(instruction, before) else 2 + _address_stall(instruction, before)


def _store(instruction: Instruction, before: Instruction | None) -> int:
    # Section 3.3.2: STR with an immediate offset takes one cycle; with a register offset it is like LDR.
    if not instruction.register_offset:
        return 1 + _address_stall(instruction, before)
    return _load(instruction, before)


def _pipelined(instruction: Instruction, before: Instruction | None) -> bool:
    return (
        before is not None
        and before.name in _LOADS
        and before.destination not in instruction.address_registers
    )


def _address_stall(instruction: Instruction, before: Instruction | None) -> int:
    # Section 3.3.2: an address that depends on the data processing instruction just before stalls one cycle.
    if before is None or before.name not in _ONE_CYCLE or before.name in ("cmp", "cmn", "tst", "teq", "nop"):
        return 0
    return 1 if before.destination in instruction.address_registers else 0
