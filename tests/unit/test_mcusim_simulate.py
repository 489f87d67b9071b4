"""The whole simulator on small models: the same bits as TFLite Micro, the same cycles every time."""

from __future__ import annotations

import dataclasses
import errno
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tflite_builder import NONE, RELU, RELU6, SAME, VALID, Builder, small_model
from tinybench import specs
from tinybench.errors import (
    CapacityError,
    ModelError,
    OutputError,
    SimulationError,
    ToolchainError,
    UnsupportedOperatorError,
)
from tinybench.mcusim import toolchain
from tinybench.mcusim.elf import read_image
from tinybench.mcusim.lower import lower
from tinybench.mcusim.machine import Machine
from tinybench.mcusim.simulate import Simulation, build, simulate
from tinybench.models import Model
from tinybench.runners.tflm import Interpreter
from tinybench.specs import DeviceSpec


@pytest.fixture(scope="module")
def board() -> DeviceSpec:
    return specs.device("nucleo-l4r5zi")


def load(tmp_path: Path, data: bytes) -> Model:
    path = tmp_path / "model.tflite"
    path.write_bytes(data)
    return Model.load(path)


def inputs(model: Model, count: int, seed: int = 1) -> np.ndarray:
    shape = (count, *model.input.shape[1:])
    return np.random.default_rng(seed).integers(-128, 128, shape, dtype=np.int8)


def assert_same_bits(model: Model, board: DeviceSpec, count: int = 4) -> Simulation:
    data = inputs(model, count)
    simulation = simulate(build(model, board), board, data)
    np.testing.assert_array_equal(simulation.outputs, Interpreter(model).run(data))
    return simulation


activations = st.sampled_from([NONE, RELU, RELU6])
paddings = st.sampled_from([SAME, VALID])
small = st.integers(1, 4)


@st.composite
def networks(draw: st.DrawFn) -> bytes:
    """Convolution, depthwise convolution, residual, pooling, classifier with drawn shapes and options."""
    b = Builder(draw(st.integers(0, 2**16)))
    height, width, depth = draw(st.integers(4, 13)), draw(st.integers(4, 11)), draw(st.integers(1, 5))
    source = b.tensor((1, height, width, depth), 0.05, draw(st.integers(-128, 127)))
    x = b.conv(
        source,
        draw(st.integers(1, 9)),
        (draw(small), draw(small)),
        stride=(draw(st.integers(1, 2)), draw(st.integers(1, 2))),
        dilation=(1, 1),
        padding=draw(paddings),
        activation=draw(activations),
        bias=draw(st.booleans()),
    )
    height, width = b.shape(x)[1:3]
    multiplier = draw(st.integers(1, 3))
    kernel = draw(st.integers(1, min(3, height))), draw(st.integers(1, min(3, width)))
    x = b.conv(
        x,
        b.shape(x)[3] * multiplier,
        kernel,
        depthwise=True,
        padding=draw(paddings),
        activation=draw(activations),
        dilation=(draw(st.integers(1, 2)), 1) if kernel[0] == 1 else (1, 1),
    )
    y = b.conv(x, b.shape(x)[3], (3, 3), dilation=(2, draw(st.integers(1, 2))))
    x = b.add(x, y, activation=draw(activations))
    height, width = b.shape(x)[1:3]
    window = draw(st.integers(1, height)), draw(st.integers(1, width))
    x = b.average_pool(x, window, (draw(small), draw(small)), draw(paddings))
    x = b.reshape(x, (1, int(np.prod(b.shape(x)))))
    x = b.fully_connected(x, draw(st.integers(2, 13)), activation=draw(activations))
    return b.finish(source, b.softmax(x, draw(st.sampled_from([1.0, 0.5, 2.0]))))


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(networks())
def test_random_networks_give_the_bits_of_tflite_micro(
    tmp_path: Path, board: DeviceSpec, data: bytes
) -> None:
    assert_same_bits(load(tmp_path, data), board)


def test_the_layers_add_up_and_memory_is_counted(tmp_path: Path, board: DeviceSpec) -> None:
    model = load(tmp_path, small_model())
    simulation = assert_same_bits(model, board)
    assert sum(layer.cycles for layer in simulation.layers) == simulation.cycles
    assert sum(layer.instructions for layer in simulation.layers) == simulation.instructions
    assert len(simulation.layers) == len(model.operators)
    assert simulation.cycles_range[0] <= simulation.cycles <= simulation.cycles_range[1]
    assert 0 < simulation.stack_bytes < 4096
    assert simulation.ram_bytes >= simulation.arena_bytes + simulation.stack_bytes
    assert simulation.flash_bytes > model.parameters


def test_flash_wait_states_only_add_stalls(tmp_path: Path, board: DeviceSpec) -> None:
    model = load(tmp_path, small_model())
    built, data = build(model, board), inputs(model, 2)
    with_flash = simulate(built, board, data)
    without = simulate(built, board, data, memory_model=False)
    stalls = sum(layer.stalls_fetch + layer.stalls_data for layer in with_flash.layers)
    assert with_flash.cycles == without.cycles + stalls
    assert with_flash.instructions == without.instructions
    np.testing.assert_array_equal(with_flash.outputs, without.outputs)


def test_fewer_wait_states_are_never_slower(tmp_path: Path, board: DeviceSpec) -> None:
    model = load(tmp_path, small_model())
    built, data = build(model, board), inputs(model, 2)
    counted = []
    for wait_states in (0, 1, 3, 5):
        table = board.flash_timing.wait_states.model_copy(update={"table": ((120_000_000, wait_states),)})
        timing = board.flash_timing.model_copy(update={"wait_states": table})
        slower = board.model_copy(update={"flash_timing": timing})
        simulation = simulate(built, slower, data)
        counted.append(simulation.cycles)
        if wait_states == 0:
            assert sum(layer.stalls_fetch for layer in simulation.layers) == 0
    assert counted == sorted(counted)
    assert counted[0] < counted[-1]


def test_prefetch_hides_part_of_the_fetch_stalls(tmp_path: Path, board: DeviceSpec) -> None:
    model = load(tmp_path, small_model())
    built, data = build(model, board), inputs(model, 2)
    on = board.flash_timing.prefetch.model_copy(update={"value": True})
    prefetching = board.model_copy(
        update={"flash_timing": board.flash_timing.model_copy(update={"prefetch": on})}
    )
    fetched = [
        sum(layer.stalls_fetch for layer in simulate(built, device, data).layers)
        for device in (prefetching, board)
    ]
    assert 0 < fetched[0] < fetched[1]


def test_the_same_program_is_the_same_elf_in_another_cache(
    tmp_path: Path, board: DeviceSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = lower(load(tmp_path, small_model()))
    hashes = set()
    for name in ("one", "another place"):
        monkeypatch.setenv("TINYBENCH_CACHE", str(tmp_path / name))
        hashes.add(toolchain.build_firmware(program, board).sha256)
        assert list((tmp_path / name / "firmware").rglob("*.elf"))
    assert len(hashes) == 1


def test_a_cached_firmware_is_not_compiled_again(
    tmp_path: Path, board: DeviceSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = lower(load(tmp_path, small_model()))
    first = toolchain.build_firmware(program, board)

    def fail(*_: object) -> None:
        raise AssertionError("compiled again")

    monkeypatch.setattr(toolchain, "_compile", fail)
    assert toolchain.build_firmware(program, board) == first


def test_a_compiler_error_is_one_line_and_leaves_nothing(
    tmp_path: Path, board: DeviceSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TINYBENCH_CACHE", str(tmp_path / "cache"))
    program = dataclasses.replace(lower(load(tmp_path, small_model())), source="int broken(;\n")
    with pytest.raises(ToolchainError, match=r"the compiler failed: model\.c:1:\d+: error"):
        toolchain.build_firmware(program, board)
    assert not list((tmp_path / "cache").rglob("*"))


def test_an_unsupported_operator_is_named_with_its_index(tmp_path: Path) -> None:
    b = Builder()
    source = b.tensor((1, 8))
    x = b.fully_connected(source, 8)
    out = b.tensor((1, 8))
    data = b.finish(source, b.operator("TANH", [x], [out]))
    with pytest.raises(UnsupportedOperatorError, match=r"operator 1 \(TANH\) has no kernel") as caught:
        lower(load(tmp_path, data))
    assert "CONV_2D" in str(caught.value.hint)


def shrunk(board: DeviceSpec, **sizes: int) -> DeviceSpec:
    regions = {name: getattr(board, name).model_copy(update={"bytes": size}) for name, size in sizes.items()}
    return board.model_copy(update=regions)


def test_a_model_larger_than_the_memory_is_refused_by_how_much(tmp_path: Path, board: DeviceSpec) -> None:
    model = load(tmp_path, small_model())
    weights = sum(tensor.nbytes for tensor in model.weights)
    with pytest.raises(CapacityError, match=rf"needs at least {weights} bytes of flash, {weights - 64} more"):
        build(model, shrunk(board, flash=64))
    with pytest.raises(CapacityError, match=r"bytes of RAM, \d+ more than nucleo-l4r5zi has"):
        build(model, shrunk(board, ram=64))


def test_code_that_overflows_the_flash_is_refused_by_how_much(tmp_path: Path, board: DeviceSpec) -> None:
    model = load(tmp_path, small_model())
    with pytest.raises(CapacityError, match=r"needs \d+ bytes more of FLASH"):
        build(model, shrunk(board, flash=4096))


def test_no_room_for_the_stack_is_refused(tmp_path: Path, board: DeviceSpec) -> None:
    model = load(tmp_path, small_model())
    built = build(model, board)
    tight = shrunk(board, ram=built.image.static_ram_bytes + 100)
    with pytest.raises(CapacityError, match="3996 more than"):
        simulate(built, tight, inputs(model, 1))


def test_a_runaway_inference_is_stopped(
    tmp_path: Path, board: DeviceSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = load(tmp_path, small_model())
    built = build(model, board)
    monkeypatch.setattr("tinybench.mcusim.native.MAX_INSTRUCTIONS", 1000)
    with pytest.raises(SimulationError, match="ran for over"):
        simulate(built, board, inputs(model, 1))


def test_a_kernel_that_reports_an_error_stops_the_run(tmp_path: Path, board: DeviceSpec) -> None:
    program = lower(load(tmp_path, small_model()))
    broken = dataclasses.replace(
        program, source=program.source.replace("    int32_t status = 0;", "    int32_t status = -1;")
    )
    image = read_image(toolchain.build_firmware(broken, board).elf)
    machine = Machine(image, board, program.layers)
    arena = image.address("tinybench_arena")
    with pytest.raises(SimulationError, match="returned status"):
        machine.infer(bytes(program.input_bytes), arena, arena, 4)


def test_too_small_a_scratch_buffer_is_found_at_start(tmp_path: Path, board: DeviceSpec) -> None:
    program = lower(load(tmp_path, small_model()))
    broken = dataclasses.replace(program, source=program.source.replace("> 108)", "> 10)"))
    assert broken.source != program.source
    image = read_image(toolchain.build_firmware(broken, board).elf)
    with pytest.raises(SimulationError, match="operator 0 has too small a scratch buffer"):
        Machine(image, board, program.layers)


@pytest.mark.parametrize("damage", [b"", b"\x7fELF", None])
def test_a_damaged_cache_heals_itself(
    tmp_path: Path, board: DeviceSpec, monkeypatch: pytest.MonkeyPatch, damage: bytes | None
) -> None:
    monkeypatch.setenv("TINYBENCH_CACHE", str(tmp_path / "cache"))
    program = lower(load(tmp_path, small_model()))
    first = toolchain.build_firmware(program, board)
    (kept,) = (tmp_path / "cache").rglob("firmware.elf")
    if damage is None:
        flipped = bytearray(first.elf)
        flipped[len(flipped) // 2] ^= 1
        damage = bytes(flipped)
    kept.write_bytes(damage)
    assert toolchain.build_firmware(program, board) == first
    assert kept.read_bytes() == first.elf


def test_a_full_disk_leaves_nothing_in_the_cache(
    tmp_path: Path, board: DeviceSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TINYBENCH_CACHE", str(tmp_path / "cache"))

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("tinybench.atomic.os.fsync", full)
    with pytest.raises(OutputError, match=r"cannot write .*No space left"):
        toolchain.build_firmware(lower(load(tmp_path, small_model())), board)
    assert not [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]


def test_an_interrupted_write_leaves_nothing_in_the_cache(
    tmp_path: Path, board: DeviceSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TINYBENCH_CACHE", str(tmp_path / "cache"))

    def interrupted(descriptor: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("tinybench.atomic.os.fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        toolchain.build_firmware(lower(load(tmp_path, small_model())), board)
    assert not [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]


def test_constants_that_nothing_reads_do_not_fill_the_flash(tmp_path: Path, board: DeviceSpec) -> None:
    b = Builder()
    source = b.tensor((1, 8))
    b.tensor((1, 3_000_000), data=np.ones((1, 3_000_000), np.int8))
    built = build(load(tmp_path, b.finish(source, b.fully_connected(source, 4))), board)
    assert built.image.flash_bytes < 100_000


def test_too_many_operators_are_refused_before_compiling(
    tmp_path: Path, board: DeviceSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = load(tmp_path, small_model())
    monkeypatch.setattr("tinybench.mcusim.simulate.MAX_LAYERS", 3)
    monkeypatch.setattr(toolchain, "_compile", lambda *_: pytest.fail("compiled"))
    with pytest.raises(ModelError, match="has 8 operators"):
        build(model, board)
