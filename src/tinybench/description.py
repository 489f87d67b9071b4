"""All that is known about a model, as a document for programs and for the command line."""

from __future__ import annotations

from typing import Any

from tinybench.errors import ModelError
from tinybench.models.graph import Model, Operator, Tensor
from tinybench.specs import ModelSpec


def describe(model: Model | None, spec: ModelSpec | None) -> dict[str, Any]:
    """What the file and ``model.toml`` say, in JSON types and bytes.

    Args:
        model: what is in the file; without it, ``graph`` is None.
        spec: for a reference model; without it, ``reference`` is None.
    """
    return {
        "name": spec.id if spec else model.name if model else None,
        "reference": None if spec is None else _reference(spec),
        "graph": None if model is None else _graph(model),
    }


def _reference(spec: ModelSpec) -> dict[str, Any]:
    keep = {"title", "task", "sha256", "license", "macs", "parameters", "download", "accuracy", "provenance"}
    return spec.model_dump(mode="json", include=keep) | {"path": str(spec.path), "present": spec.is_here}


def _graph(model: Model) -> dict[str, Any]:
    arena_bytes, refused = _arena(model)
    return {
        "path": str(model.path),
        "bytes": len(model.data),
        "sha256": model.sha256,
        "macs": model.macs,
        "parameters": model.parameters,
        "weight_bytes": sum(tensor.nbytes for tensor in model.weights),
        "arena_bytes": arena_bytes,
        "refused": refused,
        "input": model.input.index,
        "output": model.output.index,
        "operators": [_operator(operator) for operator in model.operators],
        "tensors": [_tensor(tensor) for tensor in model.tensors],
    }


def _arena(model: Model) -> tuple[int | None, str | None]:
    """Arena of TFLite Micro on this machine, or why the model is not given to it."""
    from tinybench.runners.tflm import Interpreter

    try:
        return Interpreter(model).arena_bytes(), None
    except ModelError as error:
        return None, error.message


def _operator(operator: Operator) -> dict[str, Any]:
    weights = [tensor for tensor in operator.inputs if tensor is not None and tensor.is_constant]
    return {
        "index": operator.index,
        "kind": operator.kind,
        "name": operator.outputs[0].name if operator.outputs else "",
        "inputs": [None if tensor is None else tensor.index for tensor in operator.inputs],
        "outputs": [tensor.index for tensor in operator.outputs],
        "macs": operator.macs,
        "parameters": sum(tensor.elements for tensor in weights) if operator.macs else 0,
    }


def _tensor(tensor: Tensor) -> dict[str, Any]:
    quantization = tensor.quantization
    return {
        "index": tensor.index,
        "name": tensor.name,
        "dtype": tensor.dtype.lower(),
        "shape": list(tensor.shape),
        "bytes": tensor.nbytes,
        "constant": tensor.is_constant,
        "scales": None if quantization is None else list(quantization.scales),
        "zero_points": None if quantization is None else list(quantization.zero_points),
        "axis": None if quantization is None or len(quantization.scales) == 1 else quantization.axis,
    }
