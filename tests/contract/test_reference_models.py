"""Our reference models: operators, shapes, latency of MLPerf Tiny's, and the scores that their cards name."""

from __future__ import annotations

import tomllib
from pathlib import Path

import numpy as np
import pytest

from tinybench import specs
from tinybench.datasets import ic, vww
from tinybench.mcusim.simulate import build, simulate
from tinybench.models import Model
from tinybench.runners.classify import classify
from tinybench.runners.tflm import Interpreter
from tinybench.training.ic import KIND, read

OFFICIAL = {
    "ic": "pretrainedResnet_quant",
    "kws": "kws_ref_model",
    "vww": "vww_96_int8",
}


def pair(name: str, shared_data: Path) -> tuple[Model, Model]:
    return Model.load(specs.model(name).path), Model.load(
        shared_data / f"mlperf_models/{OFFICIAL[name]}.tflite"
    )


@pytest.mark.parametrize("name", OFFICIAL)
def test_operators_shapes_and_counts_are_those_of_mlperf_tiny(name: str, shared_data: Path) -> None:
    ours, theirs = pair(name, shared_data)
    assert [o.kind for o in ours.operators] == [o.kind for o in theirs.operators]
    for mine, other in zip(ours.operators, theirs.operators, strict=True):
        assert [t and t.shape for t in mine.inputs] == [t and t.shape for t in other.inputs]
        assert [t.shape for t in mine.outputs] == [t.shape for t in other.outputs]
    assert (ours.macs, ours.parameters) == (theirs.macs, theirs.parameters)


@pytest.mark.parametrize("name", ["ic", "vww"])
def test_pixels_go_into_the_model_as_they_are(name: str, shared_data: Path) -> None:
    ours, theirs = (model.input for model in pair(name, shared_data))
    assert (ours.scale, ours.zero_point) == (pytest.approx(theirs.scale, rel=1e-6), theirs.zero_point)


@pytest.mark.parametrize("name", OFFICIAL)
def test_latency_is_that_of_mlperf_tiny_and_outputs_are_those_of_tflite_micro(
    name: str, shared_data: Path
) -> None:
    board = specs.device("nucleo-l4r5zi")
    cycles = []
    for model in pair(name, shared_data):
        inputs = np.random.default_rng(5).integers(-128, 128, (1, *model.input.shape[1:]), dtype=np.int8)
        simulation = simulate(build(model, board), board, inputs)
        np.testing.assert_array_equal(simulation.outputs, Interpreter(model).run(inputs))
        cycles.append(simulation.cycles)
    assert cycles[0] == pytest.approx(cycles[1], rel=0.03)


@pytest.mark.parametrize("name", OFFICIAL)
def test_the_card_states_what_the_file_is(name: str) -> None:
    spec = specs.model(name)
    model = Model.load(spec.path)
    assert (spec.sha256, spec.macs, spec.parameters) == (model.sha256, model.macs, model.parameters)
    assert spec.operators == tuple(o.kind for o in model.operators)
    assert (spec.flash_bytes, spec.arena_bytes) == (len(model.data), Interpreter(model).arena_bytes())


def claimed(name: str, data: str) -> tuple[int, int]:
    """Correct samples and samples that the card states for the int8 model."""
    card = tomllib.loads((specs.model(name).path.parent / "model.toml").read_text())
    (claim,) = [a for a in card["accuracy"] if (a["data"], a["precision"]) == (data, "int8")]
    return round(claim["value"] * claim["samples"]), claim["samples"]


@pytest.mark.parametrize(
    ("name", "data"),
    [("ic", "cifar-10 test"), ("kws", "speech-commands-custom test"), ("vww", "vww stand-in test")],
)
def test_the_confusion_matrix_is_of_this_file(name: str, data: str) -> None:
    correct, samples = claimed(name, data)
    figure = (specs.model(name).path.parent / "confusion.svg").read_text()
    assert f"int8: {correct / samples:.1%} of {samples}" in figure
    assert data in figure


def test_the_image_classifier_scores_what_its_card_says(shared_data: Path) -> None:
    """By LiteRT, which differs from TFLite Micro in a few of 10,000 images and is a hundred times as fast."""
    pytest.importorskip("ai_edge_litert", reason="the extra litert is not installed")
    from tinybench.runners.litert import Interpreter as Fast

    _, test = read(shared_data / "ic")
    model = Model.load(specs.model("ic").path)
    inputs = KIND.quantize(ic.features(test.images)[:, 0], model.input.scale, model.input.zero_point)
    found = int((classify(Fast(model), inputs).argmax(axis=1) == test.labels).sum())
    correct, samples = claimed("ic", "cifar-10 test")
    assert len(test) == samples
    assert found == pytest.approx(correct, abs=20)


@pytest.mark.parametrize(("folder", "data"), [("test", "vww stand-in test"), ("coco128", "coco128")])
def test_the_person_detector_scores_what_its_card_says(folder: str, data: str, shared_data: Path) -> None:
    root = shared_data / "vww" / folder
    samples = vww.scan(root)
    model = Model.load(specs.model("vww").path)
    values = vww.features(vww.load(root, samples))[:, 0]
    inputs = vww.quantize(values, model.input.scale, model.input.zero_point)
    answers = classify(Interpreter(model), inputs).argmax(axis=1)
    correct = int((answers == np.array([sample.label for sample in samples])).sum())
    assert (correct, len(samples)) == claimed("vww", data)
