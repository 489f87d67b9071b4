"""The table of code and weights in RAM on the simulator's page is what the simulator says."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from tinybench import specs
from tinybench.mcusim.placement import Placement
from tinybench.mcusim.simulate import build, simulate
from tinybench.models import Model
from tinybench.runners.tflm import Interpreter

MODELS = {"ad": "ad01_int8.tflite", "kws": "kws_ref_model.tflite"}
"""The two that take the least time; the others were simulated alike."""
COLUMNS = (Placement(), Placement(weights="ram"), Placement(code="ram"), Placement("ram", "ram"))


@pytest.mark.parametrize("task", MODELS)
def test_the_documented_cycles_and_bytes(repository: Path, shared_data: Path, task: str) -> None:
    text = (repository / "site/docs/simulator.md").read_text()
    table = text.partition("## Code and weights in RAM")[2].partition("\n## ")[0]
    row = next(line for line in table.splitlines() if line.startswith(f"| `{task}` |"))
    documented = re.findall(r"([\d.]+)(?:, ([+-][\d.]+) %)? \(([\d.]+) KiB\)", row)
    assert len(documented) == len(COLUMNS)

    model, board = Model.load(shared_data / "mlperf_models" / MODELS[task]), specs.device("nucleo-l4r5zi")
    inputs = np.random.default_rng(1).integers(-128, 128, (2, *model.input.shape[1:]), dtype=np.int8)
    expected = Interpreter(model).run(inputs)
    in_flash = None
    for placement, (cycles, change, ram) in zip(COLUMNS, documented, strict=True):
        simulation = simulate(build(model, board, placement=placement), board, inputs)
        np.testing.assert_array_equal(simulation.outputs, expected)
        in_flash = in_flash or simulation.cycles
        assert f"{simulation.cycles / 1e6:.2f}" == cycles
        assert f"{simulation.ram_bytes / 1024:.1f}" == ram
        assert change == ("" if not placement.in_ram else f"{(simulation.cycles / in_flash - 1) * 100:+.1f}")
