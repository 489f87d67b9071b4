"""An int8 .tflite file as a typed, checked graph.

The file is untrusted: every index, offset and buffer size that later stages or the interpreter rely on is
checked here, so that a corrupt file ends in a ``ModelError`` and never in a crash.
"""

from __future__ import annotations

import hashlib
import math
import stat
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

# Far above any model for a microcontroller, far below what would exhaust a machine.
MAX_TENSORS = 4096
MAX_OPERATORS = 1024
MAX_OPERANDS = 256
MAX_RANK = 8
MAX_NAME_BYTES = 200

_PLANS = (b"OfflineMemoryAllocation", b"COMPRESSION_METADATA")
"""Metadata that changes how TFLite Micro reads tensors, and is trusted by it."""

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
    options_table: str = ""
    """The schema's table that the options were read from, such as ``Conv2DOptions``."""

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
    """The file that it was read from."""
    data: bytes
    """Its bytes."""
    tensors: tuple[Tensor, ...]
    """As the file numbers them."""
    operators: tuple[Operator, ...]
    """In the order of execution."""
    input: Tensor
    """Its one input."""
    output: Tensor
    """Its one output."""

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
    def weights(self) -> tuple[Tensor, ...]:
        """The constants that a convolution or fully connected operator reads; shared ones once."""
        weighted = [operator for operator in self.operators if operator.macs]
        used = {t.index: t for op in weighted for t in op.inputs if t is not None and t.is_constant}
        return tuple(used.values())

    @cached_property
    def parameters(self) -> int:
        """Elements of all weights and biases."""
        return sum(tensor.elements for tensor in self.weights)


def load(path: Path) -> Model:
    """Read and check a .tflite file; see ``Model.load``."""
    data = _read(path)
    if len(data) < 16 or data[4:8] != b"TFL3":
        raise ModelError(f"{path} is not a .tflite file", hint="a .tflite file has 'TFL3' at byte 4")
    try:
        return _Parser(path, data).model()
    except ModelError:
        raise
    except (ArithmeticError, AttributeError, LookupError, MemoryError, struct.error, TypeError, ValueError):
        # What the flatbuffers library raises when offsets lead nowhere.
        raise ModelError(
            f"{path} is truncated or corrupt", hint="export or download the model again"
        ) from None


def _read(path: Path) -> bytes:
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise ModelError(f"{path} is not a file", hint="give a reference model's name or a .tflite file")
        with path.open("rb") as file:
            data = file.read(min(status.st_size, MAX_MODEL_BYTES) + 1)
    except FileNotFoundError:
        raise ModelError(
            f"{path} does not exist", hint="give a reference model's name or a .tflite file"
        ) from None
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror}", hint="check the path") from None
    if len(data) > MAX_MODEL_BYTES:
        raise ModelError(
            f"{path} has over {MAX_MODEL_BYTES} bytes", hint="no microcontroller has that much flash"
        )
    return data


class _Parser:
    """Reads a flatbuffer piece by piece, each count checked before anything of that size is made."""

    def __init__(self, path: Path, data: bytes) -> None:
        from tflite_micro.python.tflite_micro.runtime import schema_fb as schema

        self._path, self._data, self._schema = path, data, schema
        self._root = schema.Model.GetRootAs(data, 0)
        self._operator_names = _names(schema.BuiltinOperator)
        self._type_names = _names(schema.TensorType)

    def model(self) -> Model:
        root = self._root
        if root.Version() != 3:
            raise self._refuse(f"has schema version {root.Version()}", "version 3 is the one in use")
        if root.SubgraphsLength() != 1:
            raise self._refuse(f"has {root.SubgraphsLength()} subgraphs", "export a model with exactly one")
        graph = root.Subgraphs(0)
        for what, count, limit in (
            ("tensors", graph.TensorsLength(), MAX_TENSORS),
            ("operators", graph.OperatorsLength(), MAX_OPERATORS),
            ("buffers", root.BuffersLength(), 2 * MAX_TENSORS),
            ("operator codes", root.OperatorCodesLength(), MAX_OPERATORS),
        ):
            if count > limit:
                raise self._refuse(f"has {count} {what}", f"up to {limit} are read")
        self._check_metadata()
        tensors = tuple(self._tensor(i, graph.Tensors(i)) for i in range(graph.TensorsLength()))
        constant_bytes = sum(tensor.nbytes for tensor in tensors if tensor.is_constant)
        if constant_bytes > MAX_MODEL_BYTES:  # many tensors can share one buffer
            raise self._refuse(
                f"has {constant_bytes} bytes of constants", f"up to {MAX_MODEL_BYTES} are read"
            )
        operators = tuple(
            self._operator(i, graph.Operators(i), tensors) for i in range(graph.OperatorsLength())
        )
        if not operators:
            raise self._refuse("has no operators", "export the model again")
        if (graph.InputsLength(), graph.OutputsLength()) != (1, 1):
            counts = f"{graph.InputsLength()} inputs and {graph.OutputsLength()} outputs"
            raise self._refuse(f"has {counts}", "models with one input and one output are measured")
        source, output = _at(tensors, graph.Inputs(0)), _at(tensors, graph.Outputs(0))
        model = Model(self._path, self._data, tensors, operators, source, output)
        _check_int8(model)
        _check_order(model)
        return model

    def _check_metadata(self) -> None:
        """What else the interpreter reads: it follows these offsets without looking."""
        root = self._root
        if max(root.MetadataLength(), root.SignatureDefsLength(), root.MetadataBufferLength()) > MAX_TENSORS:
            raise ValueError("metadata")
        for entry in (root.Metadata(i) for i in range(root.MetadataLength())):
            name = entry.Name()
            if name is None or not 0 <= entry.Buffer() < root.BuffersLength():
                raise ValueError("metadata")
            if name in _PLANS:
                raise self._refuse(f"has the metadata {printable(name)}", "export the model without it")

    def _refuse(self, reason: str, hint: str) -> ModelError:
        return ModelError(f"{self._path} {reason}", hint=hint)

    def _tensor(self, index: int, raw: Any) -> Tensor:
        name = printable(raw.Name()) or f"tensor_{index}"
        dtype = self._type_names[raw.Type()]
        if raw.ShapeLength() > MAX_RANK:
            raise ValueError("rank")
        shape = tuple(int(raw.Shape(i)) for i in range(raw.ShapeLength()))
        what = f"has a tensor {index} '{name}' that is"
        if dtype not in _DTYPES:
            raise self._refuse(
                f"{what} {dtype.lower()}, not int8",
                "convert the model with full int8 quantisation, int8 input and output",
            )
        if any(d < 1 for d in shape) or math.prod(shape) > MAX_MODEL_BYTES:
            raise self._refuse(f"{what} of shape {list(shape)}", "export fixed shapes that fit a device")
        if any(raw.ShapeSignature(i) < 0 for i in range(1, min(raw.ShapeSignatureLength(), MAX_RANK))):
            raise self._refuse(f"{what} of dynamic shape beyond its batch", "export fixed shapes")
        if raw.Sparsity() is not None or raw.IsVariable():
            raise self._refuse(f"{what} sparse or a variable", "export it dense")
        content = self._content(raw.Buffer(), _DTYPES[dtype], shape)
        return Tensor(index, name, dtype, shape, _quantization(raw.Quantization(), dtype, shape), content)

    def _content(self, number: int, dtype: np.dtype[Any], shape: tuple[int, ...]) -> NDArray[Any] | None:
        if not 0 <= number < self._root.BuffersLength():
            raise IndexError("buffer")
        buffer = self._root.Buffers(number)
        if buffer.Offset() or buffer.Size():
            raise self._refuse("keeps weights outside the flatbuffer", "export below 2 GB")
        if buffer.DataLength() == 0:
            return None
        if buffer.DataLength() != math.prod(shape) * dtype.itemsize:
            raise ValueError("buffer size")
        # A view of the file: tensors that share a buffer share its memory.
        return np.frombuffer(buffer.DataAsNumpy(), dtype=dtype).reshape(shape)

    def _operator(self, index: int, raw: Any, tensors: tuple[Tensor, ...]) -> Operator:
        if max(raw.InputsLength(), raw.OutputsLength()) > MAX_OPERANDS:
            raise ValueError("operands")
        number_of_code = raw.OpcodeIndex()
        if not 0 <= number_of_code < self._root.OperatorCodesLength():
            raise IndexError("operator code")
        code = self._root.OperatorCodes(number_of_code)
        number = max(code.BuiltinCode(), code.DeprecatedBuiltinCode())
        kind = self._operator_names.get(number, f"BUILTIN_{number}")
        if kind == "CUSTOM":
            kind = f"CUSTOM:{printable(code.CustomCode())}"
        read = [raw.Inputs(i) for i in range(raw.InputsLength())]
        inputs = tuple(None if i == -1 else _at(tensors, i) for i in read)
        outputs = tuple(_at(tensors, raw.Outputs(i)) for i in range(raw.OutputsLength()))
        unpacked = self._schema.OperatorT.InitFromObj(raw).builtinOptions
        table = "" if unpacked is None else type(unpacked).__name__.removesuffix("T")
        options = {} if unpacked is None else dict(vars(unpacked))
        return Operator(index, kind, inputs, outputs, options, table)


def _names(enumeration: type) -> dict[int, str]:
    return {value: name for name, value in vars(enumeration).items() if isinstance(value, int)}


def printable(text: bytes | None) -> str:
    """A name for people and C comments: control characters replaced, cut to a line."""
    shown = (text or b"")[:MAX_NAME_BYTES].decode("utf-8", "replace")
    return "".join(c if c.isprintable() else "?" for c in shown)


def _at(tensors: tuple[Tensor, ...], index: int) -> Tensor:
    if not 0 <= index < len(tensors):
        raise IndexError("tensor")
    return tensors[index]


def _quantization(raw: Any, dtype: str, shape: tuple[int, ...]) -> Quantization | None:
    if raw is None or raw.ScaleLength() == 0:
        return None
    count, axis = raw.ScaleLength(), raw.QuantizedDimension()
    if count > 1 and not (0 <= axis < len(shape) and shape[axis] == count):
        raise ValueError("quantisation axis")
    if raw.ZeroPointLength() != count:
        raise ValueError("quantisation")
    scales = tuple(float(s) for s in raw.ScaleAsNumpy())
    zero_points = tuple(int(z) for z in raw.ZeroPointAsNumpy())
    low, high = (-128, 127) if dtype == "INT8" else (0, 0)
    if not all(math.isfinite(s) and s > 0 for s in scales) or not all(low <= z <= high for z in zero_points):
        raise ValueError("quantisation")
    return Quantization(scales, zero_points, axis)


def _check_int8(model: Model) -> None:
    for what, tensor in (("input", model.input), ("output", model.output)):
        if tensor.dtype != "INT8":
            raise ModelError(
                f"{model.path}: the {what} is {tensor.dtype.lower()}, not int8",
                hint="convert the model with full int8 quantisation, int8 input and output",
            )
        _ = tensor.scale  # quantised as a whole, or an error that says so


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
