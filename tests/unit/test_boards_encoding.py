from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinybench import specs
from tinybench.boards.encoding import Encoding
from tinybench.datasets import golden
from tinybench.datasets.samples import front_end_of
from tinybench.models.reference import load_named
from tinybench.runners.tflm import Interpreter


def encoding_of(task: str) -> Encoding:
    spec = specs.task(task)
    model = load_named(spec.reference_model)
    assert spec.serial is not None
    return Encoding.of(spec.serial, model, golden.samples(spec, model, front_end_of(spec)))


def printed(encoding: Encoding, number: int, output: np.ndarray) -> tuple[float, ...]:
    """What firmware prints: three decimals."""
    model = encoding.model.output
    values = (output.astype(np.float64) - model.zero_point) * model.scale
    if encoding.serial.output == "mse":
        values = np.array([np.mean((encoding.features[number] - values) ** 2)])
    return tuple(float(f"{value:.3f}") for value in values)


@pytest.mark.parametrize("task", ["kws", "vww", "ic", "ad"])
def test_what_firmware_makes_of_the_bytes_is_the_input(task: str) -> None:
    encoding = encoding_of(task)
    for number in range(3):
        data = encoding.input(number)
        if encoding.serial.input == "float32":
            scale, zero_point = encoding.model.input.scale, encoding.model.input.zero_point
            values = np.frombuffer(data, "<f4") / np.float32(scale)
            made = np.clip(np.rint(values) + zero_point, -128, 127).astype(np.int8)
        elif encoding.serial.input == "uint8":
            made = (np.frombuffer(data, np.uint8).astype(np.int16) - 128).astype(np.int8)
        else:
            made = np.frombuffer(data, np.int8)
        assert np.array_equal(made, encoding.inputs[number].ravel())


@pytest.mark.parametrize("task", ["kws", "vww", "ic", "ad"])
def test_the_right_answer_agrees_and_its_neighbours_do_not(task: str) -> None:
    encoding = encoding_of(task)
    outputs = Interpreter(encoding.model).run(encoding.inputs[:4])
    for number, output in enumerate(outputs):
        right = printed(encoding, number, output)
        assert encoding.agrees(number, right, output)
        assert not encoding.agrees(number, (), output)
        assert not encoding.agrees(number, (*right, 0.0), output)
    assert encoding.exact == (task != "ad")


@given(st.integers(0, 11), st.sampled_from([-1, 1]))
def test_one_step_of_one_output_is_seen(column: int, step: int) -> None:
    encoding = encoding_of("kws")
    output = np.zeros(12, np.int8)
    other = output.copy()
    other[column] += step
    assert not encoding.agrees(0, printed(encoding, 0, other), output)
