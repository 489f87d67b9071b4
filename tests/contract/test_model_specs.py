"""What each ``model.toml`` says of a model is what is in the file."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from tinybench import specs
from tinybench.models import Model


def file_of(name: str, request: pytest.FixtureRequest) -> Path:
    spec = specs.model(name)
    if spec.download is None:
        return spec.path
    shared: Path = request.getfixturevalue("shared_data")
    files = (shared / "mlperf_models").glob("*.tflite")
    return next(file for file in files if hashlib.sha256(file.read_bytes()).hexdigest() == spec.sha256)


@pytest.mark.parametrize("name", sorted(specs.models()))
def test_the_description_is_that_of_the_file(name: str, request: pytest.FixtureRequest) -> None:
    spec = specs.model(name)
    model = Model.load(file_of(name, request))
    assert model.sha256 == spec.sha256
    assert (model.macs, model.parameters) == (spec.macs, spec.parameters)
    assert tuple(operator.kind for operator in model.operators) == spec.operators
    task = specs.task(spec.task)
    assert model.input.shape == (1, *task.input_shape)
    assert model.output.shape == (1, *task.output_shape)
    if spec.download is not None:
        assert len(model.data) == spec.download.bytes
        assert spec.download.url.startswith("https://")
