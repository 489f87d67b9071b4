"""Code and weights in RAM: the same bits, memory that adds up, and no wait that is not modelled."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinybench
from fakes import World
from tflite_builder import small_model
from tinybench import specs
from tinybench.cli import main
from tinybench.datasets.base import Samples
from tinybench.errors import CapacityError, ToolchainError, UnknownNameError, UsageError
from tinybench.mcusim.compilers import ZIG, Compiler, Gcc
from tinybench.mcusim.native import Count, Counter, FunctionTable, library
from tinybench.mcusim.placement import FLASH, Placement, fetch_cycles
from tinybench.mcusim.simulate import Build, Simulation, build, simulate
from tinybench.mcusim.timing import TimingTables
from tinybench.models import Model
from tinybench.results.schema import Engine
from tinybench.runners.base import Measurement, Setup, Workload
from tinybench.runners.tflm import Interpreter
from tinybench.runners.tflm_sim import TflmSim
from tinybench.specs import DeviceSpec

WEIGHTS = Placement(weights="ram")
CODE = Placement(code="ram")
BOTH = Placement(code="ram", weights="ram")

# One bus for all (M0+), RAM behind the system bus (M4, M33), RAM in the code region (M4), data TCM (M7).
CASES = [
    *(("nucleo-g0b1re", placement) for placement in (WEIGHTS, CODE, BOTH)),
    *(("nucleo-l4r5zi", placement) for placement in (WEIGHTS, CODE, BOTH)),
    *(("nrf5340-dk", placement) for placement in (CODE, BOTH)),
    ("cy8cproto-062-4343w", BOTH),
    ("nucleo-h7a3zi-q", WEIGHTS),
]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    path = tmp_path_factory.mktemp("model") / "small.tflite"
    path.write_bytes(small_model())
    return Model.load(path)


Builds = Callable[[str, Placement], Build]


@pytest.fixture(scope="module")
def built(model: Model) -> Builds:
    """The model on a device, each placement built once."""
    return cache(lambda device, placement: build(model, specs.device(device), placement=placement))


@pytest.fixture(scope="module")
def inputs() -> np.ndarray:
    return np.random.default_rng(9).integers(-128, 128, (3, 8, 6, 3), dtype=np.int8)


def total(simulation: Simulation, field: str) -> int:
    return sum(getattr(layer, field) for layer in simulation.layers)


@pytest.mark.parametrize(("device", "placement"), CASES)
def test_the_bits_and_the_instructions_are_those_of_flash(
    built: Builds, model: Model, inputs: np.ndarray, device: str, placement: Placement
) -> None:
    board = specs.device(device)
    here, flash = (
        simulate(built(device, where), board, inputs[:1], memory_model=False) for where in (placement, FLASH)
    )
    np.testing.assert_array_equal(here.outputs, Interpreter(model).run(inputs[:1]))
    assert here.instructions == flash.instructions
    # A wide instruction may come to lie across two words, or no longer.
    assert here.cycles == pytest.approx(flash.cycles, rel=0.001)


@pytest.mark.parametrize(("device", "placement"), CASES)
def test_ram_has_what_is_copied_and_flash_still_its_image(
    built: Builds, model: Model, inputs: np.ndarray, device: str, placement: Placement
) -> None:
    board = specs.device(device)
    here, flash = (simulate(built(device, where), board, inputs[:1]) for where in (placement, FLASH))
    added = here.ram_bytes - flash.ram_bytes
    assert added == built(device, placement).image.data_bytes + here.stack_bytes - flash.stack_bytes
    assert 0 <= here.flash_bytes - flash.flash_bytes < 128  # padding, and the calls from flash to RAM
    weights = sum(tensor.nbytes for tensor in model.weights)
    code = flash.flash_bytes - weights
    assert added > {WEIGHTS: weights, CODE: 0.8 * code, BOTH: weights + 0.8 * code}[placement]


@pytest.mark.parametrize("clock_hz", [20_000_000, 120_000_000])
def test_weights_in_ram_save_the_waits_for_data(built: Builds, inputs: np.ndarray, clock_hz: int) -> None:
    """Without wait states, those are the reads across two words of flash."""
    board = specs.device("nucleo-l4r5zi").at_clock(clock_hz)
    here, flash = (simulate(built(board.id, where), board, inputs[:1]) for where in (WEIGHTS, FLASH))
    assert total(flash, "stalls_data") > 0
    assert total(here, "stalls_data") == total(here, "flash_reads") == 0
    assert total(here, "stalls_fetch") == total(flash, "stalls_fetch")
    assert total(here, "loads") == total(flash, "loads")
    assert flash.cycles - here.cycles == total(flash, "stalls_data")


@pytest.mark.parametrize("device", ["nucleo-g0b1re", "cy8cproto-062-4343w"])
def test_code_in_ram_waits_for_nothing_where_the_system_bus_is_not_between(
    built: Builds, inputs: np.ndarray, device: str
) -> None:
    board = specs.device(device)
    assert fetch_cycles(board) == 0
    here = simulate(built(device, BOTH), board, inputs)
    assert here.cycles == simulate(built(device, BOTH), board, inputs, memory_model=False).cycles


def test_code_behind_the_system_bus_waits_at_any_clock(built: Builds, inputs: np.ndarray) -> None:
    board = specs.device("nucleo-l4r5zi")
    made = built(board.id, BOTH)
    fast, slow = (simulate(made, device, inputs) for device in (board, board.at_clock(20_000_000)))
    without = simulate(made, board, inputs, memory_model=False)
    assert fast.cycles == slow.cycles == without.cycles + total(fast, "stalls_fetch")
    # Two cycles for each word at most, beside what data takes.
    words = 2 * without.instructions + total(fast, "loads") + total(fast, "stores")
    assert without.instructions // 4 < total(fast, "stalls_fetch") < words


def test_weights_in_flash_leave_the_bus_to_code_in_ram(built: Builds, inputs: np.ndarray) -> None:
    board = specs.device("nucleo-l4r5zi").at_clock(20_000_000)
    code, both = (simulate(built(board.id, where), board, inputs) for where in (CODE, BOTH))
    assert total(code, "flash_reads") > 0
    assert total(code, "stalls_fetch") < total(both, "stalls_fetch")


def test_a_slower_ram_slows_its_code() -> None:
    assert fetch_cycles(specs.device("ek-ra6m4")) == 2
    assert fetch_cycles(specs.device("ek-ra6m4").at_clock(100_000_000)) == 1
    assert [fetch_cycles(specs.device(name)) for name in ("nucleo-l152re", "nrf5340-dk")] == [2, 1]


class Bus:
    """The native counter on code of one-cycle halfwords at the start of a RAM behind the system bus."""

    HALFWORDS = 64
    TAKEN = 1

    def __init__(self, loads: Sequence[int]) -> None:
        n, self.device = self.HALFWORDS, specs.device("nucleo-l4r5zi")
        self.loads = loads
        before = np.arange(n + 1, dtype=np.uint32)
        zero = np.zeros(n, np.uint8)
        tables = TimingTables(
            base=self.device.ram.base,
            cycles_before=before,
            instructions_before=before,
            loads_before=np.concatenate([[0], np.cumsum(loads)]).astype(np.uint32),
            stores_before=np.zeros(n + 1, np.uint32),
            entry_cycles=zero,
            target_cycles=zero,
            taken_cycles=np.full(n + 1, self.TAKEN, np.uint8),
        )
        functions = FunctionTable(("f",), np.zeros(1, np.uint32), np.zeros(n, np.uint16))
        self._counter = Counter(
            tables, np.full(n, -1, np.int16), 1, functions, self.device, memory_model=True, stop=0
        )

    def run(self, first: int, halfwords: int, flash_reads: int = 0) -> None:
        """Execute a block, some of whose loads read flash."""
        import ctypes

        u64, user = ctypes.c_uint64, ctypes.c_void_p(self._counter.address)
        library().tinybench_block(None, u64(self.device.ram.base + 2 * first), 2 * halfwords, user)
        for _ in range(flash_reads):
            library().tinybench_flash_read(None, 16, u64(self.device.flash.base), 4, ctypes.c_int64(0), user)

    @property
    def count(self) -> Count:
        return Count(*(int(field) for field in self._counter.cells()[0, 0]))


@pytest.mark.parametrize(
    ("blocks", "loads", "stalls"),
    [
        # Entered by a branch: one more cycle for the first word; two for each other one, as it executes.
        ([(8, 8)], 0, 1),
        ([(8, 1)], 0, 1),
        # From within a word: five words for eight halfwords, the first one paid by the refill.
        ([(9, 8)], 0, 1),
        # Each load keeps the bus from code for a cycle.
        ([(8, 8)], 1, 1 + (3 * 2 + 8 - 8)),
        # Flowing on: the second block's first word is there if it begins within it.
        ([(8, 3), (11, 1)], 0, 1),
        ([(8, 4), (12, 4)], 1, (1 + (1 * 2 + 4 - 4)) + (2 * 2 + 4 - 4)),
    ],
)
def test_a_word_of_code_takes_the_system_bus_for_two_cycles(
    blocks: list[tuple[int, int]], loads: int, stalls: int
) -> None:
    bus = Bus([loads] * Bus.HALFWORDS)
    for first, halfwords in blocks:
        bus.run(first, halfwords)
    assert bus.count.stalls_fetch == stalls
    assert bus.count.cycles == Bus.TAKEN + sum(size for _, size in blocks) + stalls


@given(st.lists(st.integers(0, 1), min_size=64, max_size=64), st.integers(1, 20), st.data())
def test_a_read_of_flash_never_keeps_the_bus_of_the_ram(
    loads: list[int], halfwords: int, data: st.DataObject
) -> None:
    """As if the block had not loaded at all, but for what flash itself makes it wait."""
    inside = sum(loads[8 : 8 + halfwords])
    reads = data.draw(st.integers(0, inside))
    with_reads, fewer = Bus(loads), Bus(_without(loads, 8, reads))
    with_reads.run(8, halfwords, reads)
    fewer.run(8, halfwords)
    assert with_reads.count.stalls_fetch == fewer.count.stalls_fetch
    assert with_reads.count.cycles - with_reads.count.stalls_data == fewer.count.cycles


def _without(loads: list[int], first: int, count: int) -> list[int]:
    left = list(loads)
    for index in [i for i in range(first, len(left)) if left[i]][:count]:
        left[index] = 0
    return left


@pytest.mark.parametrize("device", ["nucleo-g0b1re", "nucleo-l4r5zi"])
def test_gcc_can_do_it_too(model: Model, inputs: np.ndarray, device: str) -> None:
    gcc: Compiler = Gcc()
    try:
        gcc.program()
    except ToolchainError as error:
        pytest.skip(error.message)
    board = specs.device(device)
    simulation = simulate(build(model, board, gcc, BOTH), board, inputs)
    np.testing.assert_array_equal(simulation.outputs, Interpreter(model).run(inputs))


def test_gcc_puts_no_elf_headers_into_a_ram_below_its_flash(model: Model) -> None:
    gcc: Compiler = Gcc()
    try:
        gcc.program()
    except ToolchainError as error:
        pytest.skip(error.message)
    board = specs.device("cy8cproto-062-4343w")
    assert board.ram.base < board.flash.base
    segments = build(model, board, gcc, CODE).image.segments
    assert all(address >= board.flash.base for address, _ in segments)


def shrunk(board: DeviceSpec, ram: int) -> DeviceSpec:
    return board.model_copy(update={"ram": board.ram.model_copy(update={"bytes": ram})})


def test_a_ram_that_is_too_small_names_the_way_out(built: Builds, model: Model, inputs: np.ndarray) -> None:
    board = specs.device("nucleo-l4r5zi")
    weights = sum(tensor.nbytes for tensor in model.weights)
    with pytest.raises(CapacityError, match=rf"needs at least \d+ bytes of RAM, {weights} more") as early:
        build(model, shrunk(board, built(board.id, FLASH).program.arena.bytes), placement=WEIGHTS)
    with pytest.raises(CapacityError, match=r"needs \d+ bytes more of RAM") as linked:
        build(model, shrunk(board, 16384), placement=BOTH)
    made = built(board.id, CODE)
    tight = shrunk(board, made.image.static_ram_bytes + 100)
    with pytest.raises(CapacityError, match="3996 more than") as stack:
        simulate(made, tight, inputs)
    hints = [str(caught.value.hint) for caught in (early, linked, stack)]
    kept = ("--weights flash", "--code flash and --weights flash", "--code flash")
    assert hints == [f"use {ways}, a smaller model or a larger device" for ways in kept]


def test_the_linker_names_all_that_is_missing(built: Builds, model: Model) -> None:
    """Each section that does not fit is a message of its own; the last one counts."""
    board = specs.device("nucleo-l4r5zi")
    needed = built(board.id, BOTH).image.static_ram_bytes
    with pytest.raises(CapacityError, match=f"needs {needed - 4096} bytes more of RAM"):
        build(model, shrunk(board, 4096), placement=BOTH)


def test_code_is_not_put_into_memory_for_data(model: Model) -> None:
    board = specs.device("nucleo-h7a3zi-q")
    with pytest.raises(UsageError, match="code in the RAM of nucleo-h7a3zi-q is not simulated"):
        build(model, board, ZIG, CODE)
    with pytest.raises(UsageError, match="is not simulated"):
        tinybench.profile(model.path, device=board.id, code="ram")


def test_an_unknown_memory_is_found_before_anything_runs(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(UnknownNameError, match="unknown memory for weights 'rom'"):
        tinybench.run("demo", runner="fake", weights="rom")
    for option in ("--code", "--weights"):
        assert main(["run", "demo", "--runner", "fake", option, "RAM"]) == 2
        error = capsys.readouterr().err
        assert f"unknown memory for {option[2:]} 'RAM'" in error
        assert "known: flash, ram" in error
    assert not world.runner.seen


def test_options_reach_the_runner(world: World, tmp_path: Path) -> None:
    main(["run", "demo", "--runner", "fake", "--code", "ram", "--output", str(tmp_path)])
    tinybench.run("demo", runner="fake", weights="ram")
    assert [workload.setup.placement for workload in world.runner.seen] == [CODE, WEIGHTS]


def measure(model: Model, inputs: np.ndarray, placement: Placement) -> Measurement:
    labels = np.zeros(len(inputs), np.int64)
    samples = Samples("smoke", "test", "0" * 64, inputs[:, None], ("a", "b", "c"), labels)
    work = Workload(
        specs.task("kws"), model, specs.device("nucleo-l4r5zi"), samples, Setup(placement=placement)
    )
    return TflmSim().measure(work)


def test_a_result_says_what_is_in_ram(model: Model, inputs: np.ndarray) -> None:
    flash, weights, both = (measure(model, inputs, where) for where in (FLASH, WEIGHTS, BOTH))
    assert [measured.engine.in_ram for measured in (flash, weights, both)] == [
        (),
        ("weights",),
        ("code", "weights"),
    ]
    assert "in RAM, copied from flash at start" in weights.notes[-1]
    assert not any("RAM" in note for note in flash.notes)
    (ram,) = (metric for metric in both.metrics if metric.name == "memory.ram")
    assert re.fullmatch(r"arena \d+ bytes, .*, code and weights \d+ bytes", ram.note or "")
    assert sum(int(part) for part in re.findall(r"(\d+) bytes", ram.note or "")) == ram.value
    # Published firmware has all in flash: there is an interval for nothing else.
    intervals = [any(metric.interval95 for metric in measured.metrics) for measured in (flash, weights, both)]
    assert intervals == [True, False, False]
    # The run current of a profile is that of code in flash.
    named = [{metric.name for metric in measured.metrics} for measured in (flash, weights, both)]
    assert named[0] == named[1] == named[2] | {"energy.per_inference", "power.active"}
    (reason,) = {missing.reason for missing in both.unavailable}
    assert reason == "the run current in the profile of nucleo-l4r5zi is that of code in flash"


def test_an_engine_in_flash_is_written_as_before() -> None:
    fields = {"name": "e", "version": "1", "kernels": "k", "kernels_version": "1", "compiler": "c"}
    assert "in_ram" not in Engine(**fields).model_dump(mode="json")
    placed = Engine(**fields, in_ram=("weights",)).model_dump(mode="json")
    assert placed["in_ram"] == ["weights"]
    assert Engine.model_validate(placed).in_ram == ("weights",)


def test_a_profile_says_what_is_in_ram(model: Model, capsys: pytest.CaptureFixture[str]) -> None:
    made = tinybench.profile(model.path, code="ram", weights="ram", duty_cycle="1/s")
    assert made.engine.in_ram == ("code", "weights")
    assert made.total.energy_j is None
    assert made.notes[0].startswith("no energy: the run current")
    assert main(["profile", str(model.path), "--weights", "ram"]) == 0
    assert "CMSIS-NN 4.0.0; weights in RAM" in capsys.readouterr().out
