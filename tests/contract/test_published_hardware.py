"""The simulator against published hardware results: MLPerf Tiny v1.0, NUCLEO-L4R5ZI, microTVM + CMSIS-NN.

Latency uses constants from manuals only. Of the energy, one number of the device profile was fitted: the mean
power of these four rows.
"""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from tinybench import specs
from tinybench.mcusim.energy import inference_energy_j, run_power_w
from tinybench.mcusim.simulate import Simulation, build, simulate
from tinybench.models import Model
from tinybench.runners.tflm import Interpreter

OFFICIAL = {
    "ad": "ad01_int8.tflite",
    "ic": "pretrainedResnet_quant.tflite",
    "kws": "kws_ref_model.tflite",
    "vww": "vww_96_int8.tflite",
}


def published(shared_data: Path, task: str) -> tuple[float, float]:
    """Latency in seconds and energy in joules of one inference."""
    with (shared_data / "published" / "mlperf_tiny_results.csv").open(newline="") as file:
        (row,) = [
            row
            for row in csv.DictReader(file)
            if row["round"] == "v1.0"
            and row["organization"] == "OctoML"
            and row["system"].endswith("NUCLEO_L4R5ZI")
            and row["engine_norm"] == "microtvm+cmsis-nn"
            and row["task"] == task
        ]
    return float(row["latency_ms"]) / 1e3, float(row["energy_uj_per_inference"]) / 1e6


@pytest.fixture(scope="module")
def simulations(shared_data: Path) -> dict[str, Simulation]:
    """Each official model on 4 seeded random inputs, checked bit for bit."""
    board, random, done = specs.device("nucleo-l4r5zi"), np.random.default_rng(7), {}
    for task, file in OFFICIAL.items():
        model = Model.load(shared_data / "mlperf_models" / file)
        data = random.integers(-128, 128, (4, *model.input.shape[1:]), dtype=np.int8)
        done[task] = simulate(build(model, board), board, data)
        np.testing.assert_array_equal(done[task].outputs, Interpreter(model).run(data))
    return done


@pytest.mark.parametrize("task", sorted(OFFICIAL))
def test_latency_and_energy_are_within_15_percent(
    simulations: dict[str, Simulation], shared_data: Path, task: str
) -> None:
    board = specs.device("nucleo-l4r5zi")
    latency_s, energy_j = published(shared_data, task)
    simulated_s = simulations[task].cycles / board.clock_hz.value
    assert simulated_s == pytest.approx(latency_s, rel=0.15)
    assert inference_energy_j(board, simulated_s) == pytest.approx(energy_j, rel=0.15)


def test_the_mean_latency_error_is_below_8_percent(
    simulations: dict[str, Simulation], shared_data: Path
) -> None:
    clock_hz = specs.device("nucleo-l4r5zi").clock_hz.value
    errors = [
        abs(simulations[task].cycles / clock_hz / published(shared_data, task)[0] - 1) for task in OFFICIAL
    ]
    assert np.mean(errors) < 0.08


def test_the_fitted_current_is_the_mean_of_the_published_powers(shared_data: Path) -> None:
    powers = [energy / latency for latency, energy in (published(shared_data, task) for task in OFFICIAL)]
    # The published energy and latency come from two runs of the firmware, up to 0.8 % apart.
    assert run_power_w(specs.device("nucleo-l4r5zi")) == pytest.approx(np.mean(powers), rel=0.005)


def test_the_table_of_the_documentation_is_this_one(
    simulations: dict[str, Simulation], shared_data: Path, repository: Path
) -> None:
    board = specs.device("nucleo-l4r5zi")
    page = (repository / "site" / "docs" / "simulator.md").read_text(encoding="utf-8")
    for task, simulation in simulations.items():
        latency_s, energy_j = published(shared_data, task)
        simulated_s = simulation.cycles / board.clock_hz.value
        simulated_j = inference_energy_j(board, simulated_s)
        cells = (
            f"`{task}`",
            f"{latency_s * 1e3:.2f} ms",
            f"{simulated_s * 1e3:.2f} ms",
            f"{simulated_s / latency_s - 1:+.1%}".replace("%", " %"),
            f"{energy_j * 1e3:.3f} mJ",
            f"{simulated_j * 1e3:.3f} mJ",
            f"{simulated_j / energy_j - 1:+.1%}".replace("%", " %"),
        )
        assert f"| {' | '.join(cells)} |" in page
