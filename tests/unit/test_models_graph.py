"""Reading .tflite files: what a good one gives, and that a bad one never gets past the reader."""

from __future__ import annotations

import contextlib
import os
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tflite_builder import Builder, schema, small_model
from tinybench.errors import ModelError, TinybenchError
from tinybench.mcusim.lower import lower
from tinybench.models import Model

GOOD = small_model()


def save(tmp_path: Path, data: bytes) -> Path:
    path = tmp_path / "model.tflite"
    path.write_bytes(data)
    return path


def test_a_model_tells_shapes_quantisation_and_macs(tmp_path: Path) -> None:
    model = Model.load(save(tmp_path, GOOD))
    assert model.input.shape == (1, 8, 6, 3)
    assert (model.input.scale, model.input.zero_point) == (pytest.approx(0.05), -3)
    assert model.output.shape == (1, 4)
    assert [operator.kind for operator in model.operators] == [
        "CONV_2D", "DEPTHWISE_CONV_2D", "CONV_2D", "ADD", "AVERAGE_POOL_2D", "RESHAPE", "FULLY_CONNECTED",
        "SOFTMAX",
    ]  # fmt: skip
    # 4x3 outputs: 8 channels of 3x3x3, of 3x3, of 8; then 8 to 4.
    assert model.macs == 12 * 8 * 27 + 12 * 8 * 9 + 12 * 8 * 8 + 32
    assert model.parameters == (8 * 27 + 8) + (8 * 9 + 8) + (8 * 8 + 8) + (32 + 4)
    assert model.name == "model"


def test_reference_models_have_their_known_macs(shared_data: Path) -> None:
    macs = {path.stem: Model.load(path).macs for path in (shared_data / "mlperf_models").glob("*.tflite")}
    # MLPerf Tiny's own figures: 2.66, 7.49, 12.50 and 0.264 million.
    assert macs == {
        "kws_ref_model": 2_656_768,
        "vww_96_int8": 7_489_664,
        "pretrainedResnet_quant": 12_501_632,
        "ad01_int8": 264_192,
    }


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "not a .tflite"),
        (b"hello, this is text and not a model", "not a .tflite"),
        (GOOD[:200], "truncated or corrupt"),
        (GOOD[: len(GOOD) // 2], "truncated or corrupt"),
        (GOOD[:-40], "truncated or corrupt"),
        (GOOD[:8] + bytes(len(GOOD) - 8), "truncated or corrupt|has schema version 0"),
    ],
)
def test_what_is_no_model_is_refused(tmp_path: Path, data: bytes, says: str) -> None:
    path = save(tmp_path, data)
    with pytest.raises(ModelError, match=says) as caught:
        Model.load(path)
    assert str(path) in caught.value.message
    assert caught.value.hint


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="does not exist"):
        Model.load(tmp_path / "none.tflite")
    with pytest.raises(ModelError, match="is not a file"):
        Model.load(tmp_path)


def test_a_device_and_a_pipe_are_refused_at_once(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.tflite"
    os.mkfifo(pipe)
    for path in (Path("/dev/zero"), pipe):
        with pytest.raises(ModelError, match="is not a file"):
            Model.load(path)


def test_a_file_larger_than_any_flash_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tinybench.models.graph.MAX_MODEL_BYTES", 1000)
    with pytest.raises(ModelError, match="has over 1000 bytes"):
        Model.load(save(tmp_path, GOOD))


def test_a_float_model_is_refused_with_the_way_out(tmp_path: Path) -> None:
    b = Builder()
    source = b.tensor((1, 4), dtype=schema.TensorType.FLOAT32)
    out = b.tensor((1, 4), dtype=schema.TensorType.FLOAT32)
    data = b.finish(source, b.operator("RELU", [source], [out]))
    with pytest.raises(ModelError, match="float32, not int8") as caught:
        Model.load(save(tmp_path, data))
    assert "int8 quantisation" in str(caught.value.hint)


def test_an_int32_output_is_refused(tmp_path: Path) -> None:
    b = Builder()
    source = b.tensor((1, 4))
    out = b.tensor((1, 4), dtype=schema.TensorType.INT32)
    with pytest.raises(ModelError, match="the output is int32, not int8"):
        Model.load(save(tmp_path, b.finish(source, b.operator("CAST", [source], [out]))))


def test_an_operator_that_reads_what_nothing_wrote_is_refused(tmp_path: Path) -> None:
    b = Builder()
    source, never, out = b.tensor((1, 4)), b.tensor((1, 4)), b.tensor((1, 4))
    data = b.finish(source, b.operator("ADD", [source, never], [out], schema.AddOptionsT()))
    with pytest.raises(ModelError, match=r"operator 0 \(ADD\) reads tensor 1 before"):
        Model.load(save(tmp_path, data))


def test_a_tensor_that_is_written_twice_is_refused(tmp_path: Path) -> None:
    b = Builder()
    source, out = b.tensor((1, 4)), b.tensor((1, 4))
    b.operator("RELU", [source], [out])
    with pytest.raises(ModelError, match=r"operator 1 \(RELU\) writes tensor 1 a second time"):
        Model.load(save(tmp_path, b.finish(source, b.operator("RELU", [source], [out]))))


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    changes=st.lists(st.tuples(st.integers(0, len(GOOD) - 1), st.integers(0, 255)), min_size=1, max_size=6),
    cut=st.one_of(st.none(), st.integers(0, len(GOOD))),
)
def test_a_mutated_model_ends_in_an_error_or_a_program(
    tmp_path: Path, changes: list[tuple[int, int]], cut: int | None
) -> None:
    data = bytearray(GOOD)
    for position, value in changes:
        data[position] = value
    path = save(tmp_path, bytes(data[:cut]))
    with contextlib.suppress(TinybenchError):  # anything else is a crash, and fails
        assert lower(Model.load(path)).arena.bytes > 0


def test_constants_are_read_in_order(tmp_path: Path) -> None:
    b = Builder()
    source = b.tensor((1, 1, 1, 2))
    model = Model.load(save(tmp_path, b.finish(source, b.conv(source, 3, (1, 1)))))
    weights = model.operators[0].inputs[1]
    assert weights is not None
    assert weights.data is not None
    expected = np.random.default_rng(0)
    expected.uniform(0.001, 0.02, 3)
    assert np.array_equal(
        weights.data.ravel(), expected.integers(-127, 128, (3, 1, 1, 2), dtype=np.int8).ravel()
    )


def shared_buffers(count: int) -> bytes:
    """A model with that many constant tensors of one buffer of 1 MB."""
    b = Builder()
    source = b.tensor((1, 4))
    b.tensor((1, 2**20), data=np.ones((1, 2**20), np.int8))
    for _ in range(count):
        b._graph.tensors.append(b._graph.tensors[-1])
    return b.finish(source, b.operator("RELU", [source], [b.tensor((1, 4))]))


def test_many_tensors_of_one_buffer_do_not_multiply_it(tmp_path: Path) -> None:
    path = save(tmp_path, shared_buffers(20))
    tracemalloc.start()
    try:
        model = Model.load(path)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(model.tensors) == 23
    assert peak < 8 * 2**20
    with pytest.raises(ModelError, match=r"has \d+ bytes of constants"):
        Model.load(save(tmp_path, shared_buffers(70)))


def test_too_many_tensors_are_refused_before_they_are_read(tmp_path: Path) -> None:
    b = Builder()
    source = b.tensor((1, 4))
    b._graph.tensors *= 5000
    data = b.finish(source, b.operator("RELU", [source], [b.tensor((1, 4))]))
    with pytest.raises(ModelError, match="has 5001 tensors"):
        Model.load(save(tmp_path, data))


@pytest.mark.parametrize("zero_point", [300, -129, 2**40])
def test_a_zero_point_outside_int8_is_refused(tmp_path: Path, zero_point: int) -> None:
    b = Builder()
    source = b.tensor((1, 4))
    inner = b.operator("RELU", [source], [b.tensor((1, 4), 0.1, zero_point)])
    data = b.finish(source, b.operator("RELU", [inner], [b.tensor((1, 4))]))
    with pytest.raises(ModelError, match="truncated or corrupt"):
        Model.load(save(tmp_path, data))


def test_names_cannot_carry_control_characters(tmp_path: Path) -> None:
    b = Builder()
    source = b.tensor((1, 4))
    b._graph.tensors[source].name = "line\nbreak\x1b[31m*/" + "x" * 5000
    model = Model.load(save(tmp_path, b.finish(source, b.operator("RELU", [source], [b.tensor((1, 4))]))))
    assert model.input.name.startswith("line?break?[31m*/xxx")
    assert len(model.input.name) <= 200


def test_constants_that_nothing_reads_are_no_parameters(tmp_path: Path) -> None:
    b = Builder()
    source = b.tensor((1, 4))
    b.tensor((1, 5000), data=np.ones((1, 5000), np.int8))
    model = Model.load(save(tmp_path, b.finish(source, b.fully_connected(source, 3))))
    assert model.parameters == 12 + 3
