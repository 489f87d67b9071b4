"""How fast the simulator is: simulated instructions per second on the keyword spotting firmware.

There are two references, on the same inputs in the same run: the official TFLite Micro interpreter, and the
same kernels, model and flags under QEMU with its instruction counter (``-icount shift=0``).
"""

from __future__ import annotations

import resource
import time
from pathlib import Path

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from tinybench import specs
from tinybench.errors import ToolchainError
from tinybench.mcusim import witness
from tinybench.mcusim.simulate import build, simulate
from tinybench.models import Model
from tinybench.runners.tflm import Interpreter

INFERENCES = 8
QEMU_INFERENCES = 64
WANTED_OF_QEMU = 0.3
"""Counting only, of QEMU's instructions per second."""


@pytest.fixture(scope="module")
def kws() -> Model:
    return Model.load(specs.model("kws").path)


def qemu_mips(built: witness.WitnessBuild, data: np.ndarray, instructions: int) -> float:
    """Million instructions per second of processor time under QEMU, without its start: best of three."""
    seconds = {}
    for count in (1, QEMU_INFERENCES):
        inputs = np.repeat(data[None], count, axis=0)
        taken = []
        for _ in range(3):
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            witness.observe(built, inputs, icount_shift=0)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            taken.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
        seconds[count] = min(taken)
    return instructions * (QEMU_INFERENCES - 1) / (seconds[QEMU_INFERENCES] - seconds[1]) / 1e6


def test_counting_reaches_a_share_of_the_speed_of_qemu(
    benchmark: BenchmarkFixture, kws: Model, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        witness.qemu()
    except ToolchainError as error:
        pytest.skip(f"{error.message}: {error.hint}")
    board = specs.device("nucleo-l4r5zi")
    built, witnessed = build(kws, board), witness.build_witness(kws, board)
    data = np.random.default_rng(0).integers(-128, 128, (49, 10, 1), dtype=np.int8)
    inputs = np.repeat(data[None], QEMU_INFERENCES, axis=0)
    seconds: list[float] = []

    def run() -> int:
        begin = time.process_time()
        simulation = simulate(built, board, inputs, memory_model=False)
        seconds.append(time.process_time() - begin)
        return simulation.instructions

    # Processor time on both sides: what else the machine does must not decide.
    instructions = benchmark(run)
    ours = instructions * (QEMU_INFERENCES + 1) / min(seconds) / 1e6
    theirs = qemu_mips(witnessed, data, instructions)
    benchmark.extra_info.update(mips=round(ours, 1), qemu_mips=round(theirs, 1))
    with capsys.disabled():
        print(
            f"\ncounting only: {ours:.0f} MIPS; {witness.qemu_version()} with -icount shift=0: "
            f"{theirs:.0f} MIPS; ratio {ours / theirs:.2f}"
        )
    assert ours >= WANTED_OF_QEMU * theirs


@pytest.mark.parametrize(
    ("memory_model", "wanted_mips"), [(False, 100), (True, 40)], ids=["counting", "memory"]
)
def test_simulated_instructions_per_second(
    benchmark: BenchmarkFixture,
    kws: Model,
    memory_model: bool,
    wanted_mips: int,
    capsys: pytest.CaptureFixture[str],
) -> None:
    board = specs.device("nucleo-l4r5zi")
    built = build(kws, board)
    inputs = np.random.default_rng(0).integers(-128, 128, (INFERENCES, 49, 10, 1), dtype=np.int8)
    simulation = benchmark(simulate, built, board, inputs, memory_model=memory_model)
    seconds = benchmark.stats.stats.min
    # One more inference than inputs: the core warms up on zeros.
    instructions = simulation.instructions * (INFERENCES + 1)
    mips = instructions / seconds / 1e6

    interpreter = Interpreter(kws)
    begin = time.perf_counter()
    interpreter.run(inputs)
    reference = time.perf_counter() - begin

    benchmark.extra_info.update(
        instructions=instructions, mips=round(mips, 1), ratio=round(seconds / reference, 1)
    )
    with capsys.disabled():
        kind = "with the memory model" if memory_model else "counting only"
        print(
            f"\n{kind}: {instructions:,} instructions in {seconds:.3f} s: {mips:.0f} MIPS; "
            f"{seconds / reference:.0f} times the host's TFLite Micro"
        )
    assert mips >= wanted_mips


def test_building_a_warm_firmware(benchmark: BenchmarkFixture, kws: Model) -> None:
    board = specs.device("nucleo-l4r5zi")
    build(kws, board)
    benchmark(build, kws, board)


def test_reading_a_model(benchmark: BenchmarkFixture) -> None:
    path: Path = specs.model("kws").path
    benchmark(Model.load, path)
