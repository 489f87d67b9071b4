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
    ) -> int:
        made = schema.TensorT()
        made.name = f"tensor{len(self._graph.tensors)}"
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
        weights_shape = (1, *kernel, channels) if depthwise else (channels, *kernel, depth)
        options = schema.DepthwiseConv2DOptionsT() if depthwise else schema.Conv2DOptionsT()
        options.padding, options.fusedActivationFunction = padding, activation
        options.strideH, options.strideW = stride
        options.dilationHFactor, options.dilationWFactor = dilation
        if depthwise:
            options.depthMultiplier = channels // depth
        inputs = self._weights(source, weights_shape, channels, 3 if depthwise else 0, bias)
        return self.operator(
            "DEPTHWISE_CONV_2D" if depthwise else "CONV_2D", inputs, [self._activation(out)], options
        )

    def fully_connected(self, source: int, channels: int, *, activation: int = NONE) -> int:
        rows, depth = self.shape(source)
        options = schema.FullyConnectedOptionsT()
        options.fusedActivationFunction = activation
        scale = float(self._random.uniform(0.002, 0.02))
        weights = self.tensor((channels, depth), scale, data=self._int8((channels, depth)))
        return self.operator(
            "FULLY_CONNECTED",
            [source, weights, self._bias(source, [scale], channels)],
            [self._activation((rows, channels))],
            options,
        )

    def average_pool(
        self, source: int, window: tuple[int, int], stride: tuple[int, int], padding: int = VALID
    ) -> int:
        n, height, width, depth = self.shape(source)
        options = schema.Pool2DOptionsT()
        options.filterHeight, options.filterWidth = window
        options.strideH, options.strideW = stride
        options.padding = padding
        out = (
            n,
            *(
                _out(size, k, s, 1, padding)
                for size, k, s in zip((height, width), window, stride, strict=True)
            ),
            depth,
        )
        return self.operator("AVERAGE_POOL_2D", [source], [self._like(source, out)], options)

    def add(self, first: int, second: int, *, activation: int = NONE) -> int:
        options = schema.AddOptionsT()
        options.fusedActivationFunction = activation
        return self.operator("ADD", [first, second], [self._activation(self.shape(first))], options)

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
        self, source: int, shape: tuple[int, ...], channels: int, axis: int, bias: bool
    ) -> list[int]:
        scales = [float(s) for s in self._random.uniform(0.001, 0.02, channels)]
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
