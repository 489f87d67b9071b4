"""The four MLPerf Tiny reference models: on every input tried, the bits of TFLite Micro."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tinybench import specs
from tinybench.mcusim.simulate import build, simulate
from tinybench.models import Model
from tinybench.runners.tflm import Interpreter


@pytest.mark.parametrize("name", ["ad01_int8", "kws_ref_model", "pretrainedResnet_quant", "vww_96_int8"])
def test_32_random_inputs_give_the_bits_of_tflite_micro(shared_data: Path, name: str) -> None:
    model, board = Model.load(shared_data / "mlperf_models" / f"{name}.tflite"), specs.device("nucleo-l4r5zi")
    shape = (32, *model.input.shape[1:])
    values = np.random.default_rng(32).integers(-128, 128, shape, dtype=np.int8)
    simulation = simulate(build(model, board), board, values, memory_model=False)
    np.testing.assert_array_equal(simulation.outputs, Interpreter(model).run(values))
