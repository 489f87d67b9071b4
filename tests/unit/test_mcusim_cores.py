"""The five cores: their manuals' or measurements' examples, and the same bits as TFLite Micro on each."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tflite_builder import small_model
from tinybench import specs
from tinybench.errors import SimulationError
from tinybench.mcusim.cores import core
from tinybench.mcusim.cores.instruction import Instruction
from tinybench.mcusim.simulate import build, simulate
from tinybench.models import Model
from tinybench.runners.tflm import Interpreter

CORES = ("cortex-m0plus", "cortex-m3", "cortex-m4", "cortex-m7", "cortex-m33")


def code(*lines: str, wide: tuple[int, ...] = ()) -> list[Instruction]:
    """Instructions in a row; those whose position is in ``wide`` have 4 bytes."""
    made, address = [], 0x0800_0000
    for index, line in enumerate(lines):
        mnemonic, _, operands = line.partition(" ")
        size = 4 if index in wide else 2
        made.append(Instruction(address, size, mnemonic, operands))
        address += size
    return made


def cycles(name: str, *lines: str, wide: tuple[int, ...] = ()) -> int:
    return sum(cost for cost, _ in core(name).costs(code(*lines, wide=wide)))


@pytest.mark.parametrize("name", CORES)
def test_every_core_gives_the_bits_of_tflite_micro(tmp_path: Path, name: str) -> None:
    path = tmp_path / "small.tflite"
    path.write_bytes(small_model())
    model = Model.load(path)
    board = specs.device("nucleo-l4r5zi").model_copy(update={"core": name})
    data = np.random.default_rng(3).integers(-128, 128, (8, 8, 6, 3), dtype=np.int8)
    simulation = simulate(build(model, board), board, data)
    np.testing.assert_array_equal(simulation.outputs, Interpreter(model).run(data))


def test_cores_rank_as_they_should(tmp_path: Path) -> None:
    path = tmp_path / "small.tflite"
    path.write_bytes(small_model())
    model, board = Model.load(path), specs.device("nucleo-l4r5zi")
    data = np.zeros((1, 8, 6, 3), np.int8)
    counted = {}
    for name in CORES:
        other = board.model_copy(update={"core": name})
        counted[name] = simulate(build(model, other), other, data, memory_model=False).cycles
    order = ["cortex-m7", "cortex-m33", "cortex-m4", "cortex-m3", "cortex-m0plus"]
    assert sorted(counted, key=lambda name: counted[name]) == order


@pytest.mark.parametrize("name", CORES)
def test_an_unknown_instruction_stops_the_simulation(name: str) -> None:
    with pytest.raises(SimulationError, match="no timing for 'svc #1'"):
        core(name).costs(code("svc #1"))


def test_cortex_m0plus_takes_two_cycles_a_load_and_overlaps_nothing() -> None:
    assert cycles("cortex-m0plus", "ldr r0, [r1]", "ldr r1, [r2]", "adds r0, #1") == 5
    assert cycles("cortex-m0plus", "pop {r4, r5, pc}") == 4
    assert core("cortex-m0plus").taken(code("pop {r4, pc}")[0]) == 2
    assert core("cortex-m0plus").taken(code("bl #0x8000100")[0]) == 2


def test_cortex_m3_multiplies_long_in_several_cycles() -> None:
    assert cycles("cortex-m3", "smull r0, r1, r2, r3", wide=(0,)) == 4
    assert cycles("cortex-m4", "smull r0, r1, r2, r3", wide=(0,)) == 1


def test_cortex_m33_stalls_on_a_load_that_is_used_at_once() -> None:
    assert cycles("cortex-m33", "ldr r0, [r1]", "adds r2, r0, #1") == 3
    assert cycles("cortex-m33", "ldr r0, [r1]", "adds r2, r3, #1") == 2
    assert cycles("cortex-m33", "ldr r0, [r1]", "ldr r2, [r3]", "adds r4, r0, #1") == 3


def test_cortex_m33_accumulates_back_to_back() -> None:
    chained = ("smlad r0, r1, r2, r0", "smlad r0, r3, r4, r0", "smlad r0, r5, r6, r0")
    assert cycles("cortex-m33", *chained, wide=(0, 1, 2)) == 3
    assert cycles("cortex-m33", "smlad r0, r1, r2, r0", "adds r0, #1", wide=(0,)) == 3


def test_cortex_m33_pairs_a_branch_with_the_instruction_before() -> None:
    assert cycles("cortex-m33", "adds r0, #1", "bne #0x8000100") == 1
    assert cycles("cortex-m33", "add.w r0, r0, #1", "bne #0x8000100", wide=(0,)) == 2


def test_cortex_m7_issues_two_a_cycle() -> None:
    assert cycles("cortex-m7", "adds r0, #1", "adds r1, #1", "adds r2, #1", "adds r3, #1") == 2
    assert cycles("cortex-m7", "ldr r0, [r1]", "ldr r2, [r3]") == 1
    assert cycles("cortex-m7", "str r0, [r1]", "str r2, [r3]") == 2
    assert cycles("cortex-m7", "muls r0, r1, r0", "muls r2, r3, r2") == 2


def test_cortex_m7_waits_for_operands() -> None:
    assert cycles("cortex-m7", "adds r0, #1", "adds r0, #1", "adds r0, #1") == 3
    assert cycles("cortex-m7", "ldrb r0, [r1]", "adds r2, r0, #1") == 3
    assert cycles("cortex-m7", "ldr r0, [r1]", "adds r2, r0, #1") == 2
    assert cycles("cortex-m7", "adds r1, #4", "ldr r0, [r1]") == 3  # an address is read a cycle early
    chained = ("smlad r0, r1, r2, r0", "smlad r0, r3, r4, r0")
    assert cycles("cortex-m7", *chained, wide=(0, 1)) == 2


def test_cortex_m7_moves_two_registers_a_cycle() -> None:
    assert cycles("cortex-m7", "push {r4, r5, r6, r7, lr}") == 3


def test_a_block_starts_with_an_empty_pipeline() -> None:
    # The branch goes to its own successor: two blocks, nothing pairs across.
    lines = ("adds r0, #1", "b #0x8000004", "adds r1, #1")
    assert cycles("cortex-m7", *lines) == 2
    assert [cost for cost, _ in core("cortex-m7").costs(code(*lines))] == [1, 0, 1]


def test_results_and_sources_of_instructions() -> None:
    made = code(
        "ldr r0, [r1], #4", "str r0, [r1, #4]!", "ldrd r0, r2, [r1]", "smlal r0, r1, r2, r3", "adds r0, #1",
        "adds r0, r1, r2", "cmp r0, r1", "push {r4, lr}", "ldm r0!, {r1, r2}", "bics r0, r1",
    )  # fmt: skip
    assert [instruction.results for instruction in made] == [
        ("r0", "r1"), ("r1",), ("r0", "r2"), ("r0", "r1"), ("r0",), ("r0",), (), ("sp",), ("r1", "r2", "r0"),
        ("r0",),
    ]  # fmt: skip
    assert [instruction.sources for instruction in made] == [
        ("r1",), ("r0", "r1"), ("r1",), ("r0", "r1", "r2", "r3"), ("r0",), ("r1", "r2"), ("r0", "r1"),
        ("r4", "lr"), ("r0",), ("r0", "r1"),
    ]  # fmt: skip
