"""The four MLPerf Tiny reference models and our own: the bits of TFLite Micro, on every core."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from tinybench import specs
from tinybench.mcusim.simulate import build, simulate
from tinybench.models import Model
from tinybench.runners.tflm import Interpreter

INPUTS = 32
OFFICIAL = ("ad01_int8", "kws_ref_model", "pretrainedResnet_quant", "vww_96_int8")
BOARDS = {
    "cortex-m0plus": "nucleo-g0b1re",
    "cortex-m3": "nucleo-l152re",
    "cortex-m4": "nucleo-l4r5zi",
    "cortex-m7": "nucleo-h7a3zi-q",
    "cortex-m33": "nucleo-u575zi-q",
}


@cache
def expected(path: Path) -> tuple[NDArray[np.int8], NDArray[np.int8]]:
    """Random inputs of a model and TFLite Micro's outputs for them."""
    model = Model.load(path)
    shape = (INPUTS, *model.input.shape[1:])
    values = np.random.default_rng(32).integers(-128, 128, shape, dtype=np.int8)
    return values, Interpreter(model).run(values)


def check(path: Path, core: str) -> None:
    board = specs.device(BOARDS[core])
    assert board.core == core
    values, outputs = expected(path)
    simulation = simulate(build(Model.load(path), board), board, values, memory_model=False)
    np.testing.assert_array_equal(simulation.outputs, outputs)


@pytest.mark.parametrize("core", sorted(BOARDS))
@pytest.mark.parametrize("name", OFFICIAL)
def test_32_random_inputs_give_the_bits_of_tflite_micro(shared_data: Path, name: str, core: str) -> None:
    check(shared_data / "mlperf_models" / f"{name}.tflite", core)


@pytest.mark.parametrize("core", sorted(BOARDS))
@pytest.mark.parametrize("name", sorted(spec.id for spec in specs.models().values() if spec.file))
def test_our_reference_models_do_so_too(name: str, core: str) -> None:
    check(specs.model(name).path, core)
