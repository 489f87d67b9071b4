"""Every operator family on its own: drawn shapes, scales and options give the bits of TFLite Micro.

Each example is one model of several independent branches, whose values are joined as they are, so that one
compilation tests many operators.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tflite_builder import (
    NONE,
    RELU,
    RELU6,
    SAME,
    VALID,
    Builder,
    residual_model,
    schema,
    small_model,
    wide_model,
)
from tinybench import specs
from tinybench.errors import SimulationError, UnsupportedOperatorError
from tinybench.mcusim.elf import read_image
from tinybench.mcusim.lower import lower
from tinybench.mcusim.operators.registry import LOWERINGS
from tinybench.mcusim.simulate import Build, build, simulate
from tinybench.mcusim.toolchain import build_firmware
from tinybench.models import Model
from tinybench.runners.tflm import Interpreter
from tinybench.specs import DeviceSpec

EXAMPLES = settings(
    max_examples=3,
    deadline=None,
    print_blob=False,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

activations = st.sampled_from([NONE, RELU, RELU6, schema.ActivationFunctionType.RELU_N1_TO_1])
paddings = st.sampled_from([SAME, VALID])
small = st.integers(1, 3)
scales = st.floats(0.004, 0.3)
zeros = st.integers(-128, 127)


@pytest.fixture(scope="module")
def board() -> DeviceSpec:
    return specs.device("nucleo-l4r5zi")


def load(tmp_path: Path, data: bytes) -> Model:
    path = tmp_path / "model.tflite"
    path.write_bytes(data)
    return Model.load(path)


def assert_same_bits(tmp_path: Path, board: DeviceSpec, data: bytes, count: int = 4) -> None:
    model = load(tmp_path, data)
    values = np.random.default_rng(1).integers(-128, 128, (count, *model.input.shape[1:]), dtype=np.int8)
    simulation = simulate(build(model, board), board, values, memory_model=False)
    np.testing.assert_array_equal(simulation.outputs, Interpreter(model).run(values))


Branch = Callable[[st.DrawFn, Builder, int], int]


def models(branch: Branch, count: int, shape: st.SearchStrategy[tuple[int, ...]]) -> st.SearchStrategy[bytes]:
    """Models whose branches all read the input."""

    @st.composite
    def drawn(draw: st.DrawFn) -> bytes:
        b = Builder(draw(st.integers(0, 2**16)))
        source = b.tensor((1, *draw(shape)), draw(scales), draw(zeros))
        return b.finish(source, b.join([branch(draw, b, source) for _ in range(count)]))

    return drawn()


images = st.tuples(st.integers(1, 9), st.integers(1, 9), st.integers(1, 6))
grouped_images = st.tuples(st.integers(1, 7), st.integers(1, 7), st.sampled_from([4, 6, 8]))


def kernels(draw: st.DrawFn, height: int, width: int) -> tuple[tuple[int, int], tuple[int, int], int]:
    """Kernel, dilation and padding that fit."""
    padding = draw(paddings)
    sizes, dilations = [], []
    for size in (height, width):
        kernel, dilation = draw(st.integers(1, 4)), draw(st.integers(1, 2))
        if padding == VALID:
            kernel = min(kernel, size)
            dilation = dilation if (kernel - 1) * dilation < size else 1
        sizes.append(kernel)
        dilations.append(dilation)
    return (sizes[0], sizes[1]), (dilations[0], dilations[1]), padding


def batched(draw: st.DrawFn, b: Builder, source: int) -> int:
    """The same values as they are, or with two images where the height allows."""
    _, height, width, depth = b.shape(source)
    return (
        b.reshape(source, (2, height // 2, width, depth))
        if height % 2 == 0 and draw(st.booleans())
        else source
    )


def convolution(draw: st.DrawFn, b: Builder, source: int) -> int:
    source = batched(draw, b, source)
    _, height, width, depth = b.shape(source)
    depthwise = draw(st.booleans())
    kernel, dilation, padding = kernels(draw, height, width)
    return b.conv(
        source,
        depth * draw(st.integers(1, 4)) if depthwise else draw(st.integers(1, 9)),
        kernel,
        stride=(draw(small), draw(small)),
        dilation=dilation,
        padding=padding,
        activation=draw(activations),
        depthwise=depthwise,
        bias=draw(st.booleans()),
        per_tensor=draw(st.booleans()),
    )


def grouped(draw: st.DrawFn, b: Builder, source: int) -> int:
    source = batched(draw, b, source)
    _, height, width, depth = b.shape(source)
    kernel, dilation, padding = kernels(draw, height, width)
    groups = draw(st.sampled_from([g for g in (2, 3, 4, 6, 8) if depth % g == 0]))
    return b.conv(
        source,
        groups * draw(small),
        kernel,
        stride=(draw(small), draw(small)),
        dilation=dilation,
        padding=padding,
        activation=draw(activations),
        bias=draw(st.booleans()),
        groups=groups,
    )


def fully_connected(draw: st.DrawFn, b: Builder, source: int) -> int:
    elements = int(np.prod(b.shape(source)))
    rows = draw(st.sampled_from([n for n in (1, 2, 3) if elements % n == 0]))
    return b.fully_connected(
        b.reshape(source, (rows, elements // rows)),
        draw(st.integers(1, 13)),
        activation=draw(activations),
        per_channel=draw(st.booleans()),
        bias=draw(st.booleans()),
    )


def pooling(draw: st.DrawFn, b: Builder, source: int) -> int:
    _, height, width, _ = b.shape(source)
    window, _, padding = kernels(draw, height, width)
    pool = draw(st.sampled_from([b.average_pool, b.max_pool]))
    return pool(source, window, (draw(small), draw(small)), padding, draw(activations))


def mean(draw: st.DrawFn, b: Builder, source: int) -> int:
    shape = b.shape(source)
    if draw(st.booleans()):
        source = b.reshape(source, draw(st.sampled_from([shape[1:], (shape[1], shape[2] * shape[3]), shape])))
    rank = len(b.shape(source))
    axes = draw(st.lists(st.integers(-rank, rank - 1), min_size=1, max_size=2))
    out = draw(st.one_of(st.none(), st.tuples(scales, zeros)))
    return b.mean(source, axes, keep=draw(st.booleans()), out=out)


def arithmetic(draw: st.DrawFn, b: Builder, source: int) -> int:
    kind = draw(st.sampled_from(["ADD", "SUB", "MUL"]))
    shape = b.shape(source)
    partner = tuple(size if draw(st.booleans()) else 1 for size in shape)[draw(st.integers(0, 3)) :]
    other = draw(st.sampled_from(["constant", "itself", "computed", "larger"]))
    if other == "constant":
        second = b.constant(partner, draw(scales), draw(zeros))
    elif other == "itself":
        second = source
    elif other == "computed":
        second = b.unary("QUANTIZE", source, draw(scales), draw(zeros))
    else:
        source = b.mean(source, [draw(st.integers(1, 3))], out=(draw(scales), draw(zeros)))
        second = b.constant((3, *shape[1:]), draw(scales), draw(zeros))
    operands = (source, second) if draw(st.booleans()) else (second, source)
    return b.arithmetic(kind, *operands, activation=draw(activations), out=(draw(scales), draw(zeros)))


def activation(draw: st.DrawFn, b: Builder, source: int) -> int:
    kind = draw(st.sampled_from(["RELU", "RELU6", "QUANTIZE", "LOGISTIC", "HARD_SWISH", "SOFTMAX"]))
    rescaled = b.unary("QUANTIZE", source, draw(scales), draw(zeros))  # tests QUANTIZE, and gives new scales
    if kind == "SOFTMAX":
        return b.softmax(rescaled, draw(st.sampled_from([0.5, 1.0, 3.0])))
    if kind == "LOGISTIC":
        return b.unary(kind, rescaled, 1 / 256, -128)
    return b.unary(kind, rescaled, draw(scales), draw(zeros))


def rearrangement(draw: st.DrawFn, b: Builder, source: int) -> int:
    shape = b.shape(source)
    kind = draw(st.sampled_from(["pad", "transpose", "slice", "split", "concatenation"]))
    if kind in ("pad", "transpose") and draw(st.booleans()):
        shape = (shape[1], 1, shape[2], 1, shape[3])
        source = b.reshape(source, shape)
    rank = len(shape)
    if kind == "pad":
        amounts = st.integers(0, 2)
        pairs = [(draw(amounts), draw(amounts)) for _ in range(rank)]
        return b.pad(source, pairs, draw(st.one_of(st.none(), zeros)))
    if kind == "transpose":
        return b.transpose(source, list(draw(st.permutations(range(rank)))))
    if kind == "slice":
        return strided_slice(draw, b, source)
    axis = draw(st.integers(1, 3))
    if kind == "split":
        count = draw(st.sampled_from([n for n in (1, 2, 3) if shape[axis] % n == 0]))
        parts = b.split(source, axis if draw(st.booleans()) else axis - rank, count)
        return b.concatenation(parts[::-1], draw(st.integers(0, 3)))
    like = b.unary("QUANTIZE", source, *b.quantization(source))
    constant = b.constant(shape, *b.quantization(source))
    return b.concatenation([source, constant, like, source], axis if draw(st.booleans()) else axis - rank)


def strided_slice(draw: st.DrawFn, b: Builder, source: int) -> int:
    begins, ends, steps, out, masks = [], [], [], [], {"begin_mask": 0, "end_mask": 0, "shrink_mask": 0}
    for axis, size in enumerate(b.shape(source)):
        step = draw(st.sampled_from([1, 1, 2, 3, -1, -2]))
        begin, end = draw(st.integers(-size - 2, size + 1)), draw(st.integers(-size - 2, size + 1))
        if draw(st.booleans()) or axis == 0:
            masks["begin_mask"] |= 1 << axis
        if draw(st.booleans()) or axis == 0:
            masks["end_mask"] |= 1 << axis
        chosen = range(size)[
            (None if masks["begin_mask"] >> axis & 1 else begin) : (
                None if masks["end_mask"] >> axis & 1 else end
            ) : step
        ]
        if not chosen:
            masks["begin_mask"] |= 1 << axis
            masks["end_mask"] |= 1 << axis
            chosen = range(size)[::step]
        if axis > 0 and draw(st.integers(0, 3)) == 0:
            begin, step = draw(st.integers(-size, size - 1)), 1
            masks = {name: mask & ~(1 << axis) for name, mask in masks.items()}
            masks["shrink_mask"] |= 1 << axis
        else:
            out.append(len(chosen))
        begins.append(begin)
        ends.append(end)
        steps.append(step)
    return b.strided_slice(source, begins, ends, steps, tuple(out), **masks)


@EXAMPLES
@given(models(convolution, 5, images))
def test_convolutions(tmp_path: Path, board: DeviceSpec, data: bytes) -> None:
    assert_same_bits(tmp_path, board, data)


@EXAMPLES
@given(models(grouped, 5, grouped_images))
def test_grouped_convolutions(tmp_path: Path, board: DeviceSpec, data: bytes) -> None:
    assert_same_bits(tmp_path, board, data)


@EXAMPLES
@given(models(fully_connected, 6, images))
def test_fully_connected_layers(tmp_path: Path, board: DeviceSpec, data: bytes) -> None:
    assert_same_bits(tmp_path, board, data)


@EXAMPLES
@given(models(pooling, 8, images))
def test_pooling(tmp_path: Path, board: DeviceSpec, data: bytes) -> None:
    assert_same_bits(tmp_path, board, data)


@EXAMPLES
@given(models(mean, 9, images))
def test_means(tmp_path: Path, board: DeviceSpec, data: bytes) -> None:
    assert_same_bits(tmp_path, board, data)


@EXAMPLES
@given(models(arithmetic, 8, images))
def test_sums_differences_and_products(tmp_path: Path, board: DeviceSpec, data: bytes) -> None:
    assert_same_bits(tmp_path, board, data)


@EXAMPLES
@given(models(activation, 8, images))
def test_activations(tmp_path: Path, board: DeviceSpec, data: bytes) -> None:
    assert_same_bits(tmp_path, board, data)


@EXAMPLES
@given(models(rearrangement, 8, images))
def test_rearrangements(tmp_path: Path, board: DeviceSpec, data: bytes) -> None:
    assert_same_bits(tmp_path, board, data)


@pytest.mark.parametrize("data", [wide_model(), residual_model()], ids=["wide", "residual"])
def test_fixed_networks(tmp_path: Path, board: DeviceSpec, data: bytes) -> None:
    assert_same_bits(tmp_path, board, data, count=32)


def test_the_wide_model_has_every_operator(tmp_path: Path) -> None:
    assert {operator.kind for operator in load(tmp_path, wide_model()).operators} == set(LOWERINGS)


@pytest.mark.parametrize("core", ["cortex-m0plus", "cortex-m3"])
def test_cores_without_dsp_need_less_scratch_and_give_the_same_bits(
    tmp_path: Path, board: DeviceSpec, core: str
) -> None:
    model = load(tmp_path, wide_model())
    device = board.model_copy(update={"core": core})
    program = lower(model, dsp=False)
    firmware = build_firmware(program, device)
    values = np.random.default_rng(1).integers(-128, 128, (8, *model.input.shape[1:]), dtype=np.int8)
    built = Build(program, firmware, read_image(firmware.elf))
    simulation = simulate(built, device, values, memory_model=False)
    np.testing.assert_array_equal(simulation.outputs, Interpreter(model).run(values))


def test_a_core_with_dsp_refuses_the_scratch_of_one_without(tmp_path: Path, board: DeviceSpec) -> None:
    program = lower(load(tmp_path, small_model()), dsp=False)
    firmware = build_firmware(program, board)
    built = Build(program, firmware, read_image(firmware.elf))
    with pytest.raises(SimulationError, match="too small a scratch buffer"):
        simulate(built, board, np.zeros((1, *load(tmp_path, small_model()).input.shape[1:]), np.int8))


def _absent_bias(b: Builder, source: int) -> int:
    weights = b.tensor((1, 1, 1, 4), 0.01, data=np.ones((1, 1, 1, 4), np.int8))
    options = schema.DepthwiseConv2DOptionsT()
    options.strideH = options.strideW = options.depthMultiplier = 1
    return b.operator("DEPTHWISE_CONV_2D", [source, weights, -1], [b.tensor((1, 4, 6, 4))], options)


def _wide_bias(b: Builder, source: int) -> int:
    weights = b.tensor((2, 1, 1, 4), 0.01, data=np.ones((2, 1, 1, 4), np.int8))
    bias = b.tensor((2,), 0.0005, data=np.ones(2, np.int64), dtype=schema.TensorType.INT64)
    options = schema.Conv2DOptionsT()
    options.strideH = options.strideW = 1
    return b.operator("CONV_2D", [source, weights, bias], [b.tensor((1, 4, 6, 2))], options)


def _other_options(b: Builder, source: int) -> int:
    return b.operator("ADD", [source, source], [b.tensor((1, 4, 6, 4))], schema.MulOptionsT())


def _seven_channels(b: Builder, source: int) -> int:
    made = b.tensor((1, 4, 6, 7))
    return b.operator("ADD", [source, source], [made], schema.AddOptionsT())


def _dynamic_axes(b: Builder, source: int) -> int:
    made = b.tensor((1, 6, 4, 4))
    return b.operator("TRANSPOSE", [source, source], [made], schema.TransposeOptionsT())


def _new_axis(b: Builder, source: int) -> int:
    out = b.strided_slice(source, [0] * 4, [1, 4, 6, 4], [1] * 4, (1, 4, 6, 4))
    b.last_options().newAxisMask = 1
    return out


def _unequal_concatenation(b: Builder, source: int) -> int:
    return b.concatenation([source, b.constant((1, 4, 6, 4), 0.07)], 3)


def _three_axes(b: Builder, source: int) -> int:
    return b.mean(source, [1, 2, 3])


def _tiny_output_scale(b: Builder, source: int) -> int:
    return b.arithmetic("SUB", source, source, out=(1e-9, 0))


def _tiny_softmax_scale(b: Builder, source: int) -> int:
    return b.softmax(b.unary("QUANTIZE", source, 1e-9, 0))


def _tiny_relu6_scale(b: Builder, source: int) -> int:
    tiny = b.tensor(b.shape(source), 1e-23, 0)
    return b.unary("RELU6", b.operator("RESHAPE", [source], [tiny]), 0.05, 0)


def _rank_five(b: Builder, source: int) -> int:
    larger = b.reshape(source, (1, 2, 2, 6, 4))
    return b.arithmetic("MUL", larger, b.constant((2, 1, 4)))


REFUSED = [
    (_absent_bias, r"operator 0 \(DEPTHWISE_CONV_2D\): its bias is declared and absent"),
    (_wide_bias, r"operator 0 \(CONV_2D\): its bias is not a constant int32 vector"),
    (_other_options, r"operator 0 \(ADD\): its options are MulOptions, not AddOptions"),
    (_seven_channels, r"operator 0 \(ADD\): its shapes do not broadcast to its output"),
    (_dynamic_axes, r"operator 0 \(TRANSPOSE\): its input 1 is not a constant int32 tensor"),
    (_new_axis, r"operator 0 \(STRIDED_SLICE\): an ellipsis, a new axis"),
    (
        _unequal_concatenation,
        r"operator 0 \(CONCATENATION\): its inputs and output are quantised differently",
    ),
    (_three_axes, r"operator 0 \(MEAN\): its axes are not one or two"),
    (_tiny_output_scale, r"operator 0 \(SUB\): a requantisation factor of .* is not in \(0, 1\)"),
    (_tiny_softmax_scale, r"operator 0 \(QUANTIZE\): its output scale is too small"),
    (_tiny_relu6_scale, r"operator 1 \(RELU6\): 6 does not fit 32 bits at a scale of 1e-23"),
    (_rank_five, r"operator 1 \(MUL\): broadcasting beyond rank 4"),
]


@pytest.mark.parametrize(("branch", "says"), REFUSED, ids=[branch.__name__ for branch, _ in REFUSED])
def test_what_has_no_kernel_is_refused_by_name_and_index(
    tmp_path: Path, branch: Callable[[Builder, int], int], says: str
) -> None:
    b = Builder()
    source = b.tensor((1, 4, 6, 4), 0.05, -3)
    with pytest.raises(UnsupportedOperatorError, match=says):
        lower(load(tmp_path, b.finish(source, branch(b, source))))
