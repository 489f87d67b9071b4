"""Builds small int8 .tflite models, operator by operator, with the schema that TFLite Micro ships."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import flatbuffers
import numpy as np
from numpy.typing import NDArray
from tflite_micro.python.tflite_micro.runtime import schema_fb as schema

SAME, VALID = schema.Padding.SAME, schema.Padding.VALID
NONE, RELU, RELU6 = (
    schema.ActivationFunctionType.NONE,
    schema.ActivationFunctionType.RELU,
    schema.ActivationFunctionType.RELU6,
)


@dataclass
class Builder:
    """Collects tensors and operators; the first tensor is the input, the last written one the output."""

    seed: int = 0
    _model: Any = field(default_factory=schema.ModelT)

    def __post_init__(self) -> None:
        self._random = np.random.default_rng(self.seed)
        self._model.version = 3
        self._model.description = "test"
        self._model.buffers = [schema.BufferT()]
        self._model.operatorCodes = []
        self._graph = schema.SubGraphT()
        self._graph.tensors, self._graph.operators = [], []
        self._model.subgraphs = [self._graph]
        self._codes: dict[int, int] = {}

    def tensor(
        self,
        shape: tuple[int, ...],
        scale: float | list[float] = 0.05,
        zero_point: int = 0,
        *,
        data: NDArray[Any] | None = None,
        dtype: int = schema.TensorType.INT8,
        axis: int = 0,
        name: str | None = None,
    ) -> int:
        made = schema.TensorT()
        made.name = name or f"tensor{len(self._graph.tensors)}"
        made.shape, made.type = list(shape), dtype
        made.quantization = schema.QuantizationParametersT()
        scales = scale if isinstance(scale, list) else [scale]
        made.quantization.scale = scales
        made.quantization.zeroPoint = [zero_point] * len(scales)
        made.quantization.quantizedDimension = axis
        if data is not None:
            buffer = schema.BufferT()
            buffer.data = np.frombuffer(np.ascontiguousarray(data).tobytes(), np.uint8)
            self._model.buffers.append(buffer)
            made.buffer = len(self._model.buffers) - 1
        self._graph.tensors.append(made)
        return len(self._graph.tensors) - 1

    def shape(self, tensor: int) -> tuple[int, ...]:
        return tuple(self._graph.tensors[tensor].shape)

    def quantization(self, tensor: int) -> tuple[float, int]:
        quantization = self._graph.tensors[tensor].quantization
        return quantization.scale[0], quantization.zeroPoint[0]

    def operator(self, kind: str, inputs: list[int], outputs: list[int], options: Any = None) -> int:
        number = getattr(schema.BuiltinOperator, kind)
        if number not in self._codes:
            code = schema.OperatorCodeT()
            code.builtinCode, code.deprecatedBuiltinCode, code.version = number, min(number, 127), 1
            self._model.operatorCodes.append(code)
            self._codes[number] = len(self._codes)
        made = schema.OperatorT()
        made.opcodeIndex, made.inputs, made.outputs = self._codes[number], inputs, outputs
        if options is not None:
            name = type(options).__name__.removesuffix("T")
            made.builtinOptions, made.builtinOptionsType = options, getattr(schema.BuiltinOptions, name)
        self._graph.operators.append(made)
        return outputs[0]

    def last_options(self) -> Any:
        return self._graph.operators[-1].builtinOptions

    # ---- operators

    def conv(
        self,
        source: int,
        channels: int,
        kernel: tuple[int, int],
        *,
        stride: tuple[int, int] = (1, 1),
        dilation: tuple[int, int] = (1, 1),
        padding: int = SAME,
        activation: int = NONE,
        depthwise: bool = False,
        bias: bool = True,
        groups: int = 1,
        per_tensor: bool = False,
    ) -> int:
        n, height, width, depth = self.shape(source)
        out = (
            n,
            *(
                _out(size, k, s, d, padding)
                for size, k, s, d in zip((height, width), kernel, stride, dilation, strict=True)
            ),
            channels,
        )
        weights_shape = (1, *kernel, channels) if depthwise else (channels, *kernel, depth // groups)
        options = schema.DepthwiseConv2DOptionsT() if depthwise else schema.Conv2DOptionsT()
        options.padding, options.fusedActivationFunction = padding, activation
        options.strideH, options.strideW = stride
        options.dilationHFactor, options.dilationWFactor = dilation
        if depthwise:
            options.depthMultiplier = channels // depth
        inputs = self._weights(
            source, weights_shape, channels, 3 if depthwise else 0, bias, per_tensor=per_tensor
        )
        if depthwise and not bias:
            inputs = inputs[:2]  # TFLite Micro does not survive the -1 that stands for none
        return self.operator(
            "DEPTHWISE_CONV_2D" if depthwise else "CONV_2D", inputs, [self._activation(out)], options
        )

    def fully_connected(
        self,
        source: int,
        channels: int,
        *,
        activation: int = NONE,
        per_channel: bool = False,
        bias: bool = True,
    ) -> int:
        rows, depth = self.shape(source)
        options = schema.FullyConnectedOptionsT()
        options.fusedActivationFunction = activation
        out = (rows, channels)
        if per_channel:
            inputs = self._weights(source, (channels, depth), channels, 0, bias)
        else:
            scale = float(self._random.uniform(0.002, 0.02))
            weights = self.tensor((channels, depth), scale, data=self._int8((channels, depth)))
            inputs = [source, weights, self._bias(source, [scale], channels) if bias else -1]
        return self.operator("FULLY_CONNECTED", inputs, [self._activation(out)], options)

    def average_pool(
        self,
        source: int,
        window: tuple[int, int],
        stride: tuple[int, int],
        padding: int = VALID,
        activation: int = NONE,
    ) -> int:
        return self._pool("AVERAGE_POOL_2D", source, window, stride, padding, activation)

    def _pool(
        self,
        kind: str,
        source: int,
        window: tuple[int, int],
        stride: tuple[int, int],
        padding: int,
        activation: int,
    ) -> int:
        n, height, width, depth = self.shape(source)
        options = schema.Pool2DOptionsT()
        options.filterHeight, options.filterWidth = window
        options.strideH, options.strideW = stride
        options.padding, options.fusedActivationFunction = padding, activation
        out = (
            n,
            *(
                _out(size, k, s, 1, padding)
                for size, k, s in zip((height, width), window, stride, strict=True)
            ),
            depth,
        )
        return self.operator(kind, [source], [self._like(source, out)], options)

    def max_pool(
        self,
        source: int,
        window: tuple[int, int],
        stride: tuple[int, int],
        padding: int = VALID,
        activation: int = NONE,
    ) -> int:
        return self._pool("MAX_POOL_2D", source, window, stride, padding, activation)

    def add(self, first: int, second: int, *, activation: int = NONE) -> int:
        return self.arithmetic("ADD", first, second, activation=activation)

    def arithmetic(
        self,
        kind: str,
        first: int,
        second: int,
        *,
        activation: int = NONE,
        out: tuple[float, int] | None = None,
    ) -> int:
        """ADD, SUB or MUL; ``out`` is (scale, zero point), drawn if None."""
        options = getattr(schema, f"{kind.title()}OptionsT")()
        options.fusedActivationFunction = activation
        shape = np.broadcast_shapes(self.shape(first), self.shape(second))
        made = self._activation(shape) if out is None else self.tensor(shape, *out)
        return self.operator(kind, [first, second], [made], options)

    def constant(self, shape: tuple[int, ...], scale: float = 0.05, zero_point: int = 0) -> int:
        return self.tensor(shape, scale, zero_point, data=self._int8(shape))

    def integers(self, *values: int) -> int:
        data = np.array(values, np.int32)
        return self.tensor(data.shape, data=data, dtype=schema.TensorType.INT32)

    def unary(self, kind: str, source: int, scale: float, zero_point: int, options: Any = None) -> int:
        return self.operator(kind, [source], [self.tensor(self.shape(source), scale, zero_point)], options)

    def mean(
        self, source: int, axes: list[int], *, keep: bool = True, out: tuple[float, int] | None = None
    ) -> int:
        rank = len(self.shape(source))
        reduced = {axis % rank for axis in axes}
        sizes = ((1 if axis in reduced else size, axis) for axis, size in enumerate(self.shape(source)))
        shape = tuple(size for size, axis in sizes if keep or axis not in reduced)
        options = schema.ReducerOptionsT()
        options.keepDims = keep
        made = self._like(source, shape) if out is None else self.tensor(shape, *out)
        return self.operator("MEAN", [source, self.integers(*axes)], [made], options)

    def pad(self, source: int, pairs: list[tuple[int, int]], value: int | None = None) -> int:
        """PAD, or PADV2 with a value in the input's quantisation."""
        amounts = self.tensor((len(pairs), 2), data=np.array(pairs, np.int32), dtype=schema.TensorType.INT32)
        made = self._like(
            source, tuple(s + a + b for s, (a, b) in zip(self.shape(source), pairs, strict=True))
        )
        if value is None:
            return self.operator("PAD", [source, amounts], [made], schema.PadOptionsT())
        quantization = self._graph.tensors[source].quantization
        filler = self.tensor(
            (1,), quantization.scale[0], quantization.zeroPoint[0], data=np.array([value], np.int8)
        )
        return self.operator("PADV2", [source, amounts, filler], [made], schema.PadV2OptionsT())

    def concatenation(self, sources: list[int], axis: int) -> int:
        options = schema.ConcatenationOptionsT()
        options.axis = axis
        shape = list(self.shape(sources[0]))
        shape[axis] = sum(self.shape(source)[axis] for source in sources)
        return self.operator("CONCATENATION", sources, [self._like(sources[0], tuple(shape))], options)

    def join(self, sources: list[int]) -> int:
        """All values of several tensors in one; each is taken as it is, whatever its quantisation."""
        flat = []
        for source in sources:
            out = self.tensor((1, int(np.prod(self.shape(source)))), 0.05, 0)
            flat.append(self.operator("RESHAPE", [source], [out], schema.ReshapeOptionsT()))
        return self.concatenation(flat, 1)

    def transpose(self, source: int, order: list[int]) -> int:
        shape = tuple(self.shape(source)[axis] for axis in order)
        made = self._like(source, shape)
        return self.operator("TRANSPOSE", [source, self.integers(*order)], [made], schema.TransposeOptionsT())

    def split(self, source: int, axis: int, count: int) -> list[int]:
        shape = list(self.shape(source))
        shape[axis] //= count
        options = schema.SplitOptionsT()
        options.numSplits = count
        made = [self._like(source, tuple(shape)) for _ in range(count)]
        self.operator("SPLIT", [self.integers(axis), source], made, options)
        return made

    def strided_slice(
        self,
        source: int,
        begin: list[int],
        end: list[int],
        steps: list[int],
        shape: tuple[int, ...],
        *,
        begin_mask: int = 0,
        end_mask: int = 0,
        shrink_mask: int = 0,
    ) -> int:
        options = schema.StridedSliceOptionsT()
        options.beginMask, options.endMask, options.shrinkAxisMask = begin_mask, end_mask, shrink_mask
        inputs = [source, *(self.integers(*values) for values in (begin, end, steps))]
        return self.operator("STRIDED_SLICE", inputs, [self._like(source, shape)], options)

    def reshape(self, source: int, shape: tuple[int, ...]) -> int:
        wanted = self.tensor((len(shape),), data=np.array(shape, np.int32), dtype=schema.TensorType.INT32)
        return self.operator(
            "RESHAPE", [source, wanted], [self._like(source, shape)], schema.ReshapeOptionsT()
        )

    def softmax(self, source: int, beta: float = 1.0) -> int:
        options = schema.SoftmaxOptionsT()
        options.beta = beta
        return self.operator("SOFTMAX", [source], [self.tensor(self.shape(source), 1 / 256, -128)], options)

    def finish(self, source: int, output: int) -> bytes:
        self._graph.inputs, self._graph.outputs = [source], [output]
        packer = flatbuffers.Builder(4096)
        packer.Finish(self._model.Pack(packer), b"TFL3")
        return bytes(packer.Output())

    # ---- parts

    def _int8(self, shape: tuple[int, ...]) -> NDArray[np.int8]:
        return self._random.integers(-127, 128, shape, dtype=np.int8)

    def _activation(self, shape: tuple[int, ...]) -> int:
        return self.tensor(
            shape, float(self._random.uniform(0.02, 0.2)), int(self._random.integers(-128, 128))
        )

    def _like(self, source: int, shape: tuple[int, ...]) -> int:
        quantization = self._graph.tensors[source].quantization
        return self.tensor(shape, quantization.scale[0], quantization.zeroPoint[0])

    def _weights(
        self,
        source: int,
        shape: tuple[int, ...],
        channels: int,
        axis: int,
        bias: bool,
        *,
        per_tensor: bool = False,
    ) -> list[int]:
        scales = [float(s) for s in self._random.uniform(0.001, 0.02, 1 if per_tensor else channels)]
        weights = self.tensor(shape, scales, data=self._int8(shape), axis=axis)
        return [source, weights, self._bias(source, scales, channels) if bias else -1]

    def _bias(self, source: int, scales: list[float], channels: int) -> int:
        values = self._random.integers(-2000, 2000, channels, dtype=np.int32)
        source_scale = self._graph.tensors[source].quantization.scale[0]
        return self.tensor(
            (channels,), [source_scale * s for s in scales], data=values, dtype=schema.TensorType.INT32
        )


def _out(size: int, kernel: int, stride: int, dilation: int, padding: int) -> int:
    extent = (kernel - 1) * dilation + 1
    return -(-size // stride) if padding == SAME else -(-(size - extent + 1) // stride)


def small_model(seed: int = 0) -> bytes:
    """A convolution, a residual pair, pooling and a classifier on 8x6x3 inputs."""
    b = Builder(seed)
    source = b.tensor((1, 8, 6, 3), 0.05, -3)
    x = b.conv(source, 8, (3, 3), stride=(2, 2), activation=RELU)
    y = b.conv(x, 8, (3, 3), depthwise=True, activation=RELU6)
    y = b.conv(y, 8, (1, 1))
    x = b.add(x, y, activation=RELU)
    x = b.average_pool(x, b.shape(x)[1:3], (1, 1))  # type: ignore[arg-type]
    x = b.fully_connected(b.reshape(x, (1, 8)), 4)
    return b.finish(source, b.softmax(x))


def wide_model(seed: int = 0) -> bytes:
    """Every supported operator at least once, on 6x5x4 inputs."""
    b = Builder(seed)
    source = b.tensor((1, 6, 5, 4), 0.05, -3)
    x = b.pad(source, [(0, 0), (1, 0), (0, 2), (0, 0)])
    x = b.conv(x, 4, (2, 2), groups=2, dilation=(2, 1), padding=VALID, activation=RELU6)
    x = b.unary("HARD_SWISH", x, 0.04, -90, schema.HardSwishOptionsT())
    gate = b.unary("LOGISTIC", b.mean(x, [1, 2], out=(0.03, 2)), 1 / 256, -128)
    x = b.arithmetic("MUL", x, gate)
    first, second = b.split(b.unary("QUANTIZE", x, 0.05, -3), 3, 2)
    joined = b.concatenation([b.constant(b.shape(first), 0.05, -3), second, first], 3)
    x = b.add(b.conv(joined, 4, (1, 1)), b.unary("RELU", x, 0.06, -128))
    x = b.arithmetic("SUB", x, b.constant((4,), 0.02, 7))
    pooled = b.max_pool(b.transpose(x, [0, 2, 1, 3]), (2, 2), (2, 2))
    averaged = b.average_pool(b.conv(x, 4, (3, 3), depthwise=True), (2, 2), (2, 2))
    rows = b.shape(averaged)[1]
    sliced = b.strided_slice(
        b.pad(averaged, [(0, 0), (0, 0), (1, 0), (0, 0)], 5),
        [0, 0, -1, 0],
        [0, 0, 0, 4],
        [1, 1, 1, 2],
        (1, rows, 2),
        begin_mask=3,
        end_mask=3,
        shrink_mask=4,
    )
    clipped = b.unary("RELU6", sliced, *b.quantization(sliced))
    flat = b.join([pooled, clipped])
    flat = b.fully_connected(flat, 6, per_channel=True, activation=RELU)
    return b.finish(source, b.softmax(b.fully_connected(flat, 3)))


def residual_model(seed: int = 0) -> bytes:
    """A 1-D network written as 2-D, dilated, with two residual branches and odd shapes, on 1x37x3 inputs."""
    b = Builder(seed)
    source = b.tensor((1, 1, 37, 3), 0.04, 11)
    x = b.conv(source, 7, (1, 5), stride=(1, 2), activation=RELU)
    for dilation in (2, 4):
        y = b.conv(x, 7, (1, 3), dilation=(1, dilation), depthwise=True, activation=RELU6)
        y = b.conv(y, 7, (1, 1))
        x = b.add(x, y, activation=RELU)
    x = b.conv(x, 5, (1, 3), dilation=(1, 3), stride=(1, 1), padding=VALID)
    x = b.average_pool(x, (1, b.shape(x)[2]), (1, 1))
    return b.finish(source, b.softmax(b.fully_connected(b.reshape(x, (1, 5)), 3, per_channel=True)))
