"""The anomaly detection model: MLPerf Tiny's network, its time on a device, and what its card says of it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from tinybench import specs
from tinybench.auc import auc_interval, clip_scores, roc_auc
from tinybench.datasets import ad
from tinybench.mcusim.simulate import build, simulate
from tinybench.models import Model
from tinybench.runners.tflm import Interpreter
from tinybench.training.ad import TrainingConfig, injected, split
from tinybench.training.anomalies import KINDS, STRENGTHS

BOARD = "nucleo-l4r5zi"


@pytest.fixture(scope="module")
def ours() -> Model:
    return Model.load(specs.model("ad").path)


@pytest.fixture(scope="module")
def theirs(shared_data: Path) -> Model:
    return Model.load(shared_data / "mlperf_models/ad01_int8.tflite")


def test_it_has_the_operators_and_shapes_of_the_mlperf_tiny_model(ours: Model, theirs: Model) -> None:
    assert [operator.kind for operator in ours.operators] == [o.kind for o in theirs.operators]
    for mine, other in zip(ours.operators, theirs.operators, strict=True):
        assert [t and t.shape for t in mine.inputs] == [t and t.shape for t in other.inputs]
        assert [t.shape for t in mine.outputs] == [t.shape for t in other.outputs]
    assert (ours.macs, ours.parameters) == (theirs.macs, theirs.parameters) == (264_192, 265_864)


def test_it_takes_the_time_of_the_mlperf_tiny_model(ours: Model, theirs: Model) -> None:
    board = specs.device(BOARD)
    rng = np.random.default_rng(0)
    cycles = []
    for model in (ours, theirs):
        inputs = rng.integers(-128, 128, (3, *model.input.shape[1:]), dtype=np.int8)
        simulation = simulate(build(model, board), board, inputs)
        np.testing.assert_array_equal(simulation.outputs, Interpreter(model).run(inputs))
        cycles.append(simulation.cycles)
    assert cycles[0] == pytest.approx(cycles[1], rel=0.03)


def test_the_recordings_of_its_card_are_those_that_the_recipe_takes(shared_data: Path) -> None:
    folder = specs.model("ad").path.parent
    parts = split(shared_data / "ad", TrainingConfig())
    written = json.loads((folder / "split.json").read_text())
    assert written == {name: list(getattr(parts, name)) for name in ("train", "val", "normal", "anomalous")}
    named = [name for part in written.values() for name in part]
    assert len(named) == len(set(named))
    assert set((folder / "calibration.txt").read_text().split()) <= set(parts.train)


def test_it_finds_injected_anomalies_as_its_card_says(shared_data: Path, ours: Model) -> None:
    folder, interpreter = shared_data / "ad", Interpreter(ours)
    parts = split(folder, TrainingConfig())
    middle = STRENGTHS.index("middle")

    def scores(clips: ad.Floats) -> NDArray[np.float64]:
        values = ad.features(clips)
        inputs = ad.quantize(values.reshape(-1, values.shape[-1]), ours.input.scale, ours.input.zero_point)
        return clip_scores(values, interpreter.run(inputs), ours.output.scale, ours.output.zero_point)

    normal = scores(np.stack([ad.load_clip(folder / name) for name in parts.normal]))
    anomalous = np.concatenate(
        [scores(clips) for _, clips in injected(folder, parts.normal, TrainingConfig().seed, middle)]
    )
    claims = specs.model("ad").accuracy
    claim = next(c for c in claims if "injected middle" in c.data and c.precision == "int8")
    assert len(anomalous) == len(KINDS) * len(normal)
    assert claim.samples == len(normal) + len(anomalous)
    area = roc_auc(normal, anomalous)
    # Room for a few pairs that change places where floating-point sums come out differently.
    assert area == pytest.approx(claim.value, abs=0.005)
    assert claim.ci95 == pytest.approx(auc_interval(claim.value, len(normal), len(anomalous)), abs=1e-4)
