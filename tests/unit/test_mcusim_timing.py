"""Cortex-M4 timing against the examples of its Technical Reference Manual (section 3.3.2)."""

from __future__ import annotations

import pytest

from tinybench.errors import SimulationError
from tinybench.mcusim.cores import core
from tinybench.mcusim.elf import Image
from tinybench.mcusim.timing import TimingTables, timing_tables

BASE = 0x0800_0000


def tables(*halfwords: int, marks: tuple[tuple[int, bool], ...] = ((BASE, True),)) -> TimingTables:
    text = b"".join(h.to_bytes(2, "little") for h in halfwords)
    return timing_tables(Image((), BASE, text, {}, marks, 0, 0), core("cortex-m4"))


def cycles(*halfwords: int) -> int:
    return int(tables(*halfwords).cycles_before[-1])


LDR_R0_R1 = 0x6808  # ldr r0, [r1]
LDR_R1_R2 = 0x6811  # ldr r1, [r2]
LDR_R2_R3_4 = 0x685A  # ldr r2, [r3, #4]
LDR_R0_R1_R2 = 0x5888  # ldr r0, [r1, r2]
LDR_R3_R0 = 0x6803  # ldr r3, [r0]
STR_R0_R3_20 = 0x6158  # str r0, [r3, #20]
STR_R1_R3_R2 = 0x5099  # str r1, [r3, r2]
ADDS_R1 = 0x3101  # adds r1, #1
ADDS_R5 = 0x3501  # adds r5, #1


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ((LDR_R0_R1,), 2),
        ((LDR_R0_R1, LDR_R1_R2), 3),
        ((LDR_R0_R1_R2, STR_R0_R3_20), 3),
        ((LDR_R0_R1_R2, STR_R1_R3_R2), 3),
        ((LDR_R0_R1, LDR_R1_R2, LDR_R2_R3_4), 4),
        ((LDR_R0_R1, LDR_R3_R0), 4),  # the address depends on the load before: not pipelined
        ((STR_R0_R3_20,), 1),
        ((STR_R1_R3_R2,), 2),
        ((STR_R0_R3_20, LDR_R0_R1), 3),  # nothing can be pipelined after a store
        ((ADDS_R1, LDR_R0_R1), 4),  # the address was computed just before
        ((ADDS_R5, LDR_R0_R1), 3),
    ],
    ids=str,
)
def test_loads_and_stores_pipeline_as_the_manual_says(code: tuple[int, ...], expected: int) -> None:
    assert cycles(*code) == expected


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ((0xFB21, 0xF002), 1),  # smlad r0, r1, r2, pc-less encoding: one cycle
        ((0xFB00, 0xF001), 1),  # mul
        ((0xFB91, 0xF0F2), 7),  # sdiv r0, r1, r2
        ((0xE9D1, 0x0200), 3),  # ldrd r0, r2, [r1]
        ((0xB5F0,), 6),  # push {r4-r7, lr}: 1 + 5
        ((0xBF00,), 1),  # nop
    ],
)
def test_single_instructions(code: tuple[int, ...], expected: int) -> None:
    assert cycles(*code) == expected


def test_it_folds_onto_a_16_bit_instruction_and_its_block_is_costed() -> None:
    assert cycles(0xBF00, 0xBFC8, 0x2000) == 2  # nop; it gt; movgt r0, #0
    assert cycles(0xBFC8, 0x2000) == 2  # nothing to fold onto


def test_a_block_that_is_branched_into_loses_its_pipelining() -> None:
    made = tables(LDR_R0_R1, LDR_R1_R2)
    assert made.entry_cycles.tolist() == [0, 1]


def test_taken_branches_refill_the_pipeline() -> None:
    made = tables(0xD0FE, 0x4770, 0xBD10)  # beq .; bx lr; pop {r4, pc}
    assert made.taken_cycles.tolist() == [0, 1, 2, 3]
    assert made.cycles_before.tolist() == [0, 1, 2, 5]


def test_a_wide_target_that_straddles_words_costs_one_more() -> None:
    made = tables(0xBF00, 0xFB00, 0xF001, 0xFB00, 0xF001)  # nop, then two wide multiplies at 2 and 6
    assert made.target_cycles.tolist() == [0, 1, 0, 1, 0]
    assert tables(0xFB00, 0xF001).target_cycles.tolist() == [0, 0]


def test_data_among_the_code_is_not_decoded() -> None:
    made = tables(0xBF00, 0xFFFF, 0xFFFF, 0xBF00, marks=((BASE, True), (BASE + 2, False), (BASE + 6, True)))
    assert made.instructions_before.tolist() == [0, 1, 1, 1, 2]


def test_an_instruction_without_timing_stops_the_simulation() -> None:
    with pytest.raises(SimulationError, match="no timing for 'svc"):
        tables(0xDF01)


def test_bytes_that_do_not_decode_stop_the_simulation() -> None:
    with pytest.raises(SimulationError, match="does not decode"):
        tables(0xBF00, 0xFFFF, 0xFFFF)
