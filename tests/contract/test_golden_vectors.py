"""Golden vectors: those that ship fit their task and model, and prove what they are meant to prove."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import numpy as np
import pytest

import tinybench
from tinybench import content, specs
from tinybench.datasets import golden, stimuli
from tinybench.errors import ContentError, MismatchError
from tinybench.models.reference import load_named
from tinybench.runners.tflm import Interpreter
from tinybench.training.golden import make


@pytest.mark.parametrize("task", specs.tasks())
def test_the_reference_model_gives_the_recorded_outputs(task: str) -> None:
    found = golden.read(specs.task(task))
    model = load_named(specs.task(task).reference_model)
    assert found.model_sha256 == model.sha256
    assert len(found.vectors) == 16
    np.testing.assert_array_equal(Interpreter(model).run(found.inputs()), found.outputs())


@pytest.mark.parametrize("task", specs.tasks())
def test_the_inputs_are_those_of_the_recipe(task: str) -> None:
    """Up to one step: the last bit of a floating-point front end is not the same on every machine."""
    found, made = golden.read(specs.task(task)), make(specs.task(task))
    assert [vector.name for vector in made.vectors] == [vector.name for vector in found.vectors]
    difference = made.inputs().astype(int) - found.inputs()
    assert np.abs(difference).max() <= 1
    assert np.count_nonzero(difference) < difference.size / 100


@pytest.mark.parametrize("task", specs.tasks())
def test_the_vectors_differ_from_each_other(task: str) -> None:
    found = golden.read(specs.task(task))
    assert len({vector.input for vector in found.vectors}) == 16
    assert len({vector.output for vector in found.vectors}) >= 8


def test_made_inputs_are_the_same_every_time() -> None:
    for first, second in (
        (stimuli.images(32), stimuli.images(32)),
        (stimuli.sounds(8000, 16000), stimuli.sounds(8000, 16000)),
    ):
        assert len(first) == 16
        for name, values in first.items():
            np.testing.assert_array_equal(values, second[name])


@pytest.mark.parametrize("task", specs.tasks())
def test_a_run_on_golden_vectors_has_no_accuracy_and_says_why(task: str) -> None:
    result = tinybench.run(task, split="golden")
    assert result.data.split == "golden"
    assert result.data.samples == 16
    accuracy = f"accuracy.{specs.task(task).metric}"
    (missing,) = (entry for entry in result.unavailable if entry.name == accuracy)
    assert "accuracy needs a data set" in missing.reason
    assert any("equal all 16 golden vectors" in note for note in result.notes)
    assert not result.publishable
    assert result.metric("latency.per_inference") is not None


@pytest.fixture
def copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The golden vectors of keyword spotting in a tasks folder of their own."""
    folder = tmp_path / "tasks" / "kws"
    folder.mkdir(parents=True)
    (folder / golden.FILE).write_bytes((specs.task("kws").folder / golden.FILE).read_bytes())
    specs.task("kws")  # read before the folder moves
    monkeypatch.setattr(content, "tasks_dir", lambda: tmp_path / "tasks")
    return folder / golden.FILE


def test_a_changed_output_is_found(copied: Path) -> None:
    document = json.loads(copied.read_text())
    output = bytearray(base64.b64decode(document["vectors"][5]["output"]))
    output[3] ^= 1
    document["vectors"][5]["output"] = base64.b64encode(output).decode()
    copied.write_text(json.dumps(document))
    with pytest.raises(MismatchError, match="golden vector 'chord 200 300 500 Hz'"):
        tinybench.run("kws", split="golden")


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("task", "vww", "task: is not that of the task"),
        ("input_shape", [49, 11, 1], "input_shape: is not that of the task"),
        ("format", "tinybench.golden/2", "format: "),
        ("vectors", [], "vectors: "),
        ("vectors", [{"name": "x", "input": "AAAA", "output": "AAAA"}], "a vector has a wrong length"),
        ("vectors", [{"name": "x", "input": "AAA", "output": "AAAA"}], "a vector has a wrong length"),
    ],
)
def test_a_broken_file_is_named(copied: Path, key: str, value: object, message: str) -> None:
    copied.write_text(json.dumps(json.loads(copied.read_text()) | {key: value}))
    with pytest.raises(ContentError, match=rf"golden\.json: {message}"):
        golden.read(specs.task("kws"))


def test_a_missing_file_is_named(copied: Path) -> None:
    copied.unlink()
    with pytest.raises(ContentError, match=r"golden\.json: cannot be read"):
        golden.read(specs.task("kws"))
