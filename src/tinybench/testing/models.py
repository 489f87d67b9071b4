"""Models that no runner measures, made from one that every runner does."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

UNKNOWN_OPERATOR: Final = "tinybench-unknown"


def odd_models(good: bytes, folder: Path) -> dict[str, Path]:
    """Write a float model, one of other shapes, and one with an operator that nobody knows.

    Args:
        good: bytes of an int8 .tflite file.
        folder: where to write them.

    Returns:
        What is odd -> path.
    """
    made = {"a float model": _float, "a wrong shape": _shape, "an unknown operator": _operator}
    paths = {}
    for what, change in made.items():
        paths[what] = folder / f"{what.replace(' ', '-')}.tflite"
        paths[what].write_bytes(_changed(good, change))
    return paths


def _changed(good: bytes, change: Callable[[Any, Any], None]) -> bytes:
    import flatbuffers
    from tflite_micro.python.tflite_micro.runtime import schema_fb as schema

    model = schema.ModelT.InitFromPackedBuf(bytearray(good), 0)
    change(model, schema)
    builder = flatbuffers.Builder(len(good))
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())


def _float(model: Any, schema: Any) -> None:
    graph = model.subgraphs[0]
    graph.tensors[graph.inputs[0]].type = schema.TensorType.FLOAT32


def _shape(model: Any, schema: Any) -> None:
    graph = model.subgraphs[0]
    tensor = graph.tensors[graph.inputs[0]]
    tensor.shape = [*tensor.shape[:-1], tensor.shape[-1] + 1]


def _operator(model: Any, schema: Any) -> None:
    """What the last operator is, is not known any more."""
    last = model.subgraphs[0].operators[-1]
    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.CUSTOM
    code.customCode, code.version = UNKNOWN_OPERATOR, 1
    model.operatorCodes.append(code)
    last.opcodeIndex = len(model.operatorCodes) - 1
    last.builtinOptionsType, last.builtinOptions = schema.BuiltinOptions.NONE, None
