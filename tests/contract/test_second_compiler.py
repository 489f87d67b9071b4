"""GCC as a second compiler: the bits of TFLite Micro on the official models, and the table of cycles."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tinybench import specs
from tinybench.errors import ToolchainError
from tinybench.mcusim.compilers import ZIG, Compiler, Gcc
from tinybench.mcusim.simulate import build, simulate
from tinybench.models import Model
from tinybench.runners.tflm import Interpreter

OFFICIAL = {
    "ad": "ad01_int8.tflite",
    "ic": "pretrainedResnet_quant.tflite",
    "kws": "kws_ref_model.tflite",
    "vww": "vww_96_int8.tflite",
}
PUBLISHED_CYCLES = {"ad": 1.0326e6, "ic": 46.747e6, "kws": 11.977e6, "vww": 36.145e6}
"""MLPerf Tiny v1.0, OctoML, NUCLEO-L4R5ZI: microTVM with CMSIS-NN, GCC 10.3 -O2; latency times 120 MHz."""
DOCUMENTED = "arm-none-eabi-gcc 12.2.1"


@pytest.fixture(scope="module")
def cycles(shared_data: Path) -> dict[tuple[str, str], int]:
    """(task, compiler) -> cycles; each on 4 seeded random inputs, checked bit for bit."""
    try:
        Gcc().program()
    except ToolchainError as error:
        pytest.skip(error.message)
    compilers: dict[str, Compiler] = {"zig": ZIG, "-O2": Gcc("-O2"), "-O3": Gcc("-O3")}
    board, random, done = specs.device("nucleo-l4r5zi"), np.random.default_rng(7), {}
    for task, file in OFFICIAL.items():
        model = Model.load(shared_data / "mlperf_models" / file)
        data = random.integers(-128, 128, (4, *model.input.shape[1:]), dtype=np.int8)
        expected = Interpreter(model).run(data)
        for name, compiler in compilers.items():
            simulation = simulate(build(model, board, compiler), board, data)
            np.testing.assert_array_equal(simulation.outputs, expected)
            done[task, name] = simulation.cycles
    return done


@pytest.mark.parametrize("task", sorted(OFFICIAL))
def test_another_compiler_moves_cycles_by_less_than_a_quarter(
    cycles: dict[tuple[str, str], int], task: str
) -> None:
    for level in ("-O2", "-O3"):
        assert cycles[task, level] == pytest.approx(cycles[task, "zig"], rel=0.25)
        assert cycles[task, level] != cycles[task, "zig"]


def test_the_table_of_the_documentation_is_this_one(
    cycles: dict[tuple[str, str], int], repository: Path
) -> None:
    if Gcc().label() != DOCUMENTED:
        pytest.skip(f"the table is of {DOCUMENTED}, here is {Gcc().label()}")
    page = (repository / "site" / "docs" / "simulator.md").read_text(encoding="utf-8")
    for task, published in PUBLISHED_CYCLES.items():
        cells = [f"`{task}`", f"{published / 1e6:.2f}"]
        for name in ("zig", "-O2", "-O3"):
            found = cycles[task, name]
            cells += [f"{found / 1e6:.2f}", f"{found / published - 1:+.1%}".replace("%", " %")]
        assert f"| {' | '.join(cells)} |" in page
