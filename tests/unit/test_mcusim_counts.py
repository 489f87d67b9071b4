"""Counts by layer and function add up, have the ELF's names, and are those of an independent witness."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from tflite_builder import small_model
from tinybench import specs
from tinybench.mcusim.cores.instruction import Instruction
from tinybench.mcusim.machine import Machine
from tinybench.mcusim.native import Count
from tinybench.mcusim.simulate import Build, Simulation, build, simulate
from tinybench.models import Model
from tinybench.specs import DeviceSpec

FIELDS = tuple(field.name for field in dataclasses.fields(Count))


@pytest.fixture(scope="module")
def board() -> DeviceSpec:
    return specs.device("nucleo-l4r5zi")


@pytest.fixture(scope="module")
def built(board: DeviceSpec, tmp_path_factory: pytest.TempPathFactory) -> Build:
    return build(small(tmp_path_factory.mktemp("model")), board)


@pytest.fixture(scope="module")
def simulation(built: Build, board: DeviceSpec) -> Simulation:
    return simulate(built, board, random_inputs(3))


def small(folder: Path) -> Model:
    path = folder / "small.tflite"
    path.write_bytes(small_model())
    return Model.load(path)


def random_inputs(count: int) -> np.ndarray:
    return np.random.default_rng(3).integers(-128, 128, (count, 8, 6, 3), dtype=np.int8)


@pytest.mark.parametrize("field", FIELDS)
def test_functions_of_a_layer_add_up_to_it(simulation: Simulation, field: str) -> None:
    for index, layer in enumerate(simulation.layers):
        own = [getattr(f.count, field) for f in simulation.functions if f.layer == index]
        assert sum(own) == getattr(layer, field)


def test_functions_add_up_to_the_whole(simulation: Simulation) -> None:
    assert sum(f.count.cycles for f in simulation.functions) == simulation.cycles
    assert sum(f.count.instructions for f in simulation.functions) == simulation.instructions


def test_function_names_are_symbols_of_the_elf(simulation: Simulation, built: Build) -> None:
    names = {f.function for f in simulation.functions}
    assert names <= set(built.image.symbols)
    assert "arm_convolve_wrapper_s8" in names
    assert "reset_handler" not in names  # ran before the inference that is counted


def test_each_layer_is_called_once_and_in_its_own_layer_only(simulation: Simulation, built: Build) -> None:
    for index, name in enumerate(built.program.layers):
        own = [(f.layer, f.count.calls) for f in simulation.functions if f.function == name]
        assert own == [(index, 1)]


def test_calls_are_those_that_the_emulator_makes(built: Build, board: DeviceSpec) -> None:
    import unicorn

    starts = dict(built.image.functions)
    inside: list[str] = []
    seen: dict[str, int] = {}
    machine = Machine(built.image, board, built.program.layers)
    addresses = np.array(sorted(starts))

    def on_block(uc: object, address: int, size: int, user: object) -> None:
        owner = starts[int(addresses[np.searchsorted(addresses, address, side="right") - 1])]
        if address in starts and inside[-1:] != [owner]:
            seen[owner] = seen.get(owner, 0) + 1
        inside.append(owner)

    machine._uc.hook_add(unicorn.UC_HOOK_BLOCK, on_block)
    forget_translations(machine, built)
    counted = infer(machine, built)
    calls = counted[:, :, FIELDS.index("calls")].sum(axis=0)
    assert {name: int(n) for name, n in zip(machine.functions.names, calls, strict=True) if n} == seen


def forget_translations(machine: Machine, built: Build) -> None:
    """What was translated already would call no new hook."""
    base = built.image.text_base
    machine._uc.ctl_remove_cache(base, base + len(built.image.text))


def infer(machine: Machine, built: Build) -> np.ndarray:
    arena, program = built.image.address("tinybench_arena"), built.program
    execution = machine.infer(
        random_inputs(1).tobytes(),
        arena + program.input_offset,
        arena + program.output_offset,
        program.output_bytes,
    )
    return execution.cells


@pytest.mark.parametrize(("core", "allowed"), [("cortex-m0plus", 1.0), ("cortex-m4", 1.002)])
def test_loads_and_stores_are_those_that_the_emulator_makes(
    board: DeviceSpec, tmp_path: Path, core: str, allowed: float
) -> None:
    """Exactly so without IT blocks; what those skip is counted too."""
    import unicorn

    device = board.model_copy(update={"core": core})
    built = build(small(tmp_path), device)
    machine = Machine(built.image, device, built.program.layers)
    flash = range(device.flash.base, device.flash.base + device.flash.bytes)
    seen = {"loads": 0, "flash_reads": 0, "stores": 0}

    def on_access(uc: object, kind: int, address: int, size: int, *_: object) -> None:
        # An access across two pages is reported three times: whole, and once for each half.
        number = -1 if address >> 12 != (address + size - 1) >> 12 else 1
        seen["stores" if kind == unicorn.UC_MEM_WRITE else "loads"] += number
        if address in flash:
            seen["flash_reads"] += number

    machine._uc.hook_add(unicorn.UC_HOOK_MEM_READ | unicorn.UC_HOOK_MEM_WRITE, on_access)
    forget_translations(machine, built)
    total = infer(machine, built).sum(axis=(0, 1))
    for name, number in seen.items():
        counted = int(total[FIELDS.index(name)])
        assert number <= counted <= number * allowed


def test_ram_loads_are_what_flash_does_not_serve(simulation: Simulation) -> None:
    for layer in simulation.layers:
        assert layer.ram_loads == layer.loads - layer.flash_reads >= 0
    assert simulation.layers[0].flash_reads > 0  # weights


@pytest.mark.parametrize(
    ("mnemonic", "operands", "loaded", "stored"),
    [
        ("ldr", "r0, [r1]", 1, 0),
        ("ldrsb.w", "r0, [r1, r2]", 1, 0),
        ("ldrd", "r0, r2, [r1]", 2, 0),
        ("ldm.w", "r0!, {r1, r2, r3}", 3, 0),
        ("pop", "{r4, pc}", 2, 0),
        ("tbb", "[pc, r0]", 1, 0),
        ("strb", "r0, [r1], #1", 0, 1),
        ("strd", "r0, r1, [sp, #8]", 0, 2),
        ("stm.w", "sp, {r0, r1}", 0, 2),
        ("push.w", "{r4, r5, lr}", 0, 3),
        ("adds", "r0, r1, r2", 0, 0),
        ("b", "#0x8000000", 0, 0),
    ],
)
def test_words_that_an_instruction_moves(mnemonic: str, operands: str, loaded: int, stored: int) -> None:
    instruction = Instruction(0, 2, mnemonic, operands)
    assert (instruction.words_loaded, instruction.words_stored) == (loaded, stored)
