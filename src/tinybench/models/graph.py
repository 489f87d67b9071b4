"""An int8 .tflite file as a typed, checked graph.

The file is untrusted: every index, offset and buffer size that later stages or the interpreter rely on is
checked here, so that a corrupt file ends in a ``ModelError`` and never in a crash.
"""

from __future__ import annotations

import hashlib
import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinybench.errors import ModelError

MAX_MODEL_BYTES = 64 * 2**20
"""Larger than any microcontroller's flash; stops a wrong file from being read into memory."""

_DTYPES: dict[str, np.dtype[Any]] = {
    "INT8": np.dtype(np.int8),
    "INT32": np.dtype("<i4"),
    "INT64": np.dtype("<i8"),
}


@dataclass(frozen=True)
class Quantization:
    """Affine quantisation, real = scale * (q - zero_point); one entry, or one per channel of ``axis``."""

    scales: tuple[float, ...]
    zero_points: tuple[int, ...]
    axis: int


@dataclass(frozen=True)
class Tensor:
    """One tensor of the graph. ``data`` is None for activations, else an array of ``shape``."""

    index: int
    name: str
    dtype: str
    shape: tuple[int, ...]
    quantization: Quantization | None
    data: NDArray[Any] | None

    @property
    def is_constant(self) -> bool:
        """Whether the file holds its value."""
        return self.data is not None

    @property
    def elements(self) -> int:
        """Number of elements."""
        return math.prod(self.shape)

    @property
    def nbytes(self) -> int:
        """Size in bytes on the target."""
        return self.elements * _DTYPES[self.dtype].itemsize

    @property
    def scale(self) -> float:
        """The scale of a tensor that is quantised as a whole."""
        return self._per_tensor().scales[0]

    @property
    def zero_point(self) -> int:
        """The zero point of a tensor that is quantised as a whole."""
        return self._per_tensor().zero_points[0]

    def _per_tensor(self) -> Quantization:
        if self.quantization is None or len(self.quantization.scales) != 1:
            raise ModelError(
                f"tensor {self.index} '{self.name}' has no per-tensor quantisation",
                hint="convert the model with full int8 quantisation",
            )
        return self.quantization


@dataclass(frozen=True)
class Operator:
    """One operator of the graph, in execution order."""

    index: int
    kind: str
    """The builtin operator's name in the TFLite schema, such as ``CONV_2D``."""
    inputs: tuple[Tensor | None, ...]
    """None stands for an optional input that is absent."""
    outputs: tuple[Tensor, ...]
    options: Mapping[str, Any]

    @property
    def macs(self) -> int:
        """Multiply-accumulates of one inference; 0 for operators that have none."""
        weights = self.inputs[1] if len(self.inputs) > 1 else None
        if weights is None:
            return 0
        if self.kind == "CONV_2D":
            return self.outputs[0].elements * math.prod(weights.shape[1:])
        if self.kind == "DEPTHWISE_CONV_2D":
            return self.outputs[0].elements * math.prod(weights.shape[1:3])
        if self.kind == "FULLY_CONNECTED":
            return self.outputs[0].elements * weights.shape[-1]
        return 0

    def __str__(self) -> str:
        return f"operator {self.index} ({self.kind})"


@dataclass(frozen=True)
class Model:
    """An int8 model with one input and one output."""

    path: Path
    data: bytes
    tensors: tuple[Tensor, ...]
    operators: tuple[Operator, ...]
    input: Tensor
    output: Tensor

    @classmethod
    def load(cls, path: Path) -> Model:
        """Read and check a .tflite file.

        Raises:
            ModelError: the file is missing, not a .tflite, corrupt, or not fully int8.
        """
        return load(path)

    @property
    def name(self) -> str:
        """File name without its suffix."""
        return self.path.stem

    @cached_property
    def sha256(self) -> str:
        """Of the file's bytes."""
        return hashlib.sha256(self.data).hexdigest()

    @cached_property
    def macs(self) -> int:
        """Multiply-accumulates of one inference."""
        return sum(operator.macs for operator in self.operators)

    @cached_property
    def parameters(self) -> int:
        """Elements of all weights and biases."""
        # Shared tensors count once; the shape that RESHAPE reads is not a parameter.
        weighted = [operator for operator in self.operators if operator.kind != "RESHAPE"]
        used = {t.index: t for op in weighted for t in op.inputs if t is not None and t.is_constant}
        return sum(tensor.elements for tensor in used.values())


def load(path: Path) -> Model:
    """Read and check a .tflite file; see ``Model.load``."""
    try:
        size = path.stat().st_size
        if size > MAX_MODEL_BYTES:
            raise ModelError(
                f"{path} has {size} bytes", hint=f"models of up to {MAX_MODEL_BYTES} bytes are read"
            )
        data = path.read_bytes()
    except FileNotFoundError:
        raise ModelError(
            f"{path} does not exist", hint="give a reference model's name or a .tflite file"
        ) from None
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror}", hint="check the path") from None
    if len(data) < 16 or data[4:8] != b"TFL3":
        raise ModelError(f"{path} is not a .tflite file", hint="a .tflite file has 'TFL3' at byte 4")
    try:
        return _parse(path, data)
    except ModelError:
        raise
    except (
        struct.error,
        IndexError,
        ValueError,
        TypeError,
        AttributeError,
        KeyError,
        OverflowError,
        UnicodeDecodeError,
        RecursionError,
        MemoryError,
    ):
        raise ModelError(
            f"{path} is truncated or corrupt", hint="export or download the model again"
        ) from None


def _parse(path: Path, data: bytes) -> Model:
    from tflite_micro.python.tflite_micro.runtime import schema_fb as schema

    builtin_names = {
        value: name for name, value in vars(schema.BuiltinOperator).items() if isinstance(value, int)
    }
    type_names = {value: name for name, value in vars(schema.TensorType).items() if isinstance(value, int)}
    root = schema.ModelT.InitFromObj(schema.Model.GetRootAs(data, 0))
    if root.version != 3:
        raise ModelError(f"{path} has schema version {root.version}", hint="version 3 is the one in use")
    if len(root.subgraphs or ()) != 1:
        raise ModelError(
            f"{path} has {len(root.subgraphs or ())} subgraphs", hint="export a model with exactly one"
        )
    graph = root.subgraphs[0]
    tensors = tuple(_tensor(path, i, t, root, len(data), type_names) for i, t in enumerate(graph.tensors))
    operators = tuple(
        _operator(i, o, root, tensors, builtin_names) for i, o in enumerate(graph.operators or ())
    )
    if not operators:
        raise ModelError(f"{path} has no operators", hint="export the model again")
    if len(graph.inputs) != 1 or len(graph.outputs) != 1:
        counts = f"{len(graph.inputs)} inputs and {len(graph.outputs)} outputs"
        raise ModelError(f"{path} has {counts}", hint="models with one input and one output are measured")
    model = Model(
        path,
        data,
        tensors,
        operators,
        tensors[_index(graph.inputs[0], tensors)],
        tensors[_index(graph.outputs[0], tensors)],
    )
    _check_int8(model)
    _check_order(model)
    return model


def _index(value: int, items: tuple[Any, ...]) -> int:
    if not 0 <= value < len(items):
        raise IndexError
    return int(value)


def _tensor(
    path: Path, index: int, raw: Any, root: Any, file_bytes: int, type_names: Mapping[int, str]
) -> Tensor:
    name = raw.name.decode("utf-8") if raw.name else f"tensor_{index}"
    dtype = type_names[raw.type]
    shape = tuple(int(d) for d in raw.shape) if raw.shape is not None else ()
    if dtype not in _DTYPES:
        raise ModelError(
            f"{path}: tensor {index} '{name}' is {dtype.lower()}, not int8",
            hint="convert the model with full int8 quantisation, int8 input and output",
        )
    if any(d < 1 for d in shape) or math.prod(shape) > MAX_MODEL_BYTES:
        raise ModelError(
            f"{path}: tensor {index} '{name}' has the shape {list(shape)}", hint="export fixed shapes"
        )
    if raw.sparsity is not None or raw.isVariable:
        raise ModelError(f"{path}: tensor {index} '{name}' is sparse or a variable", hint="export it dense")
    buffer = root.buffers[_index(raw.buffer, tuple(root.buffers))]
    if buffer.offset or buffer.size:
        raise ModelError(
            f"{path}: tensor {index} '{name}' lies outside the flatbuffer", hint="export below 2 GB"
        )
    content = None
    if buffer.data is not None and len(buffer.data):
        itemsize = _DTYPES[dtype].itemsize
        if len(buffer.data) != math.prod(shape) * itemsize or len(buffer.data) > file_bytes:
            raise ValueError("buffer size")
        content = np.frombuffer(bytes(buffer.data), dtype=_DTYPES[dtype]).reshape(shape)
    return Tensor(index, name, dtype, shape, _quantization(raw.quantization, shape), content)


def _quantization(raw: Any, shape: tuple[int, ...]) -> Quantization | None:
    if raw is None or raw.scale is None or len(raw.scale) == 0:
        return None
    scales = tuple(float(s) for s in raw.scale)
    zero_points = tuple(int(z) for z in raw.zeroPoint) if raw.zeroPoint is not None else ()
    axis = int(raw.quantizedDimension)
    if len(zero_points) != len(scales) or not all(math.isfinite(s) and s > 0 for s in scales):
        raise ValueError("quantisation")
    if len(scales) > 1 and not (0 <= axis < len(shape) and shape[axis] == len(scales)):
        raise ValueError("quantisation axis")
    return Quantization(scales, zero_points, axis)


def _operator(
    index: int, raw: Any, root: Any, tensors: tuple[Tensor, ...], builtin_names: Mapping[int, str]
) -> Operator:
    code = root.operatorCodes[_index(raw.opcodeIndex, tuple(root.operatorCodes))]
    number = max(code.builtinCode, code.deprecatedBuiltinCode)
    kind = builtin_names.get(number, f"BUILTIN_{number}")
    if kind == "CUSTOM" and code.customCode:
        kind = f"CUSTOM:{code.customCode.decode('utf-8', 'replace')}"
    inputs = tuple(None if i == -1 else tensors[_index(i, tensors)] for i in raw.inputs)
    outputs = tuple(tensors[_index(i, tensors)] for i in raw.outputs)
    options = {} if raw.builtinOptions is None else dict(vars(raw.builtinOptions))
    return Operator(index, kind, inputs, outputs, options)


def _check_int8(model: Model) -> None:
    for what, tensor in (("input", model.input), ("output", model.output)):
        if tensor.dtype != "INT8":
            raise ModelError(
                f"{model.path}: the {what} is {tensor.dtype.lower()}, not int8",
                hint="convert the model with full int8 quantisation, int8 input and output",
            )
        if not -128 <= tensor.zero_point <= 127:
            raise ModelError(
                f"{model.path}: the {what}'s zero point is {tensor.zero_point}", hint="export it again"
            )


def _check_order(model: Model) -> None:
    """Every activation is written before it is read, and written once."""
    written = {model.input.index}
    for operator in model.operators:
        for tensor in operator.inputs:
            if tensor is not None and not tensor.is_constant and tensor.index not in written:
                raise ModelError(
                    f"{model.path}: {operator} reads tensor {tensor.index} before anything wrote it",
                    hint="export the model again",
                )
        for tensor in operator.outputs:
            if tensor.is_constant or tensor.index in written:
                raise ModelError(
                    f"{model.path}: {operator} writes tensor {tensor.index} a second time",
                    hint="export the model again",
                )
            written.add(tensor.index)
    if model.output.index not in written:
        raise ModelError(f"{model.path}: nothing writes the output", hint="export the model again")
