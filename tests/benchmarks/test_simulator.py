"""How fast the simulator is: simulated instructions per second on the keyword spotting firmware.

The reference of the ratio is the official TFLite Micro interpreter on the same inputs in the same run.
"""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from tinybench import specs
from tinybench.mcusim.simulate import build, simulate
from tinybench.models import Model
from tinybench.runners.tflm import Interpreter

INFERENCES = 8


@pytest.fixture(scope="module")
def kws() -> Model:
    return Model.load(specs.model("kws").path)


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
