"""Writes ``model.toml`` of a trained reference model: what the file is and what it scored."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from tinybench.models import Model
from tinybench.runners.tflm import Interpreter
from tinybench.training.accuracy import Measured

__all__ = ["model_toml"]


def model_toml(
    model_path: Path,
    scores: Sequence[Measured],
    data_names: Mapping[str, str],
    provenance: Mapping[str, str | int | bool],
    *,
    task: str,
    title: str,
    metric: str = "top1",
) -> str:
    """Text of ``model.toml`` (see ``tinybench.specs.ModelSpec``).

    Args:
        model_path: the int8 .tflite, from which checksum, operators, sizes and so on are read.
        scores: what was measured.
        data_names: what to call the ``data`` of each.
        provenance: the fields of ``tinybench.specs.Provenance``.
        task: id of the task and of the model.
        title: for people.
        metric: what the scores are, as in ``tinybench.specs.AccuracyClaim``.
    """
    model = Model.load(model_path)
    head: dict[str, str | int | list[str]] = {
        "id": task,
        "task": task,
        "title": title,
        "file": model_path.name,
        "sha256": model.sha256,
        "license": "Apache-2.0",
        "macs": model.macs,
        "parameters": model.parameters,
        "flash_bytes": len(model.data),
        "arena_bytes": Interpreter(model).arena_bytes(),
        "operators": [operator.kind for operator in model.operators],
    }
    lines = [f"{key} = {_toml(value)}" for key, value in head.items()]
    for entry in scores:
        lines += [
            "",
            "[[accuracy]]",
            f"data = {_toml(data_names[entry.data])}",
            f"metric = {_toml(metric)}",
            f"precision = {_toml(entry.precision)}",
            f"value = {entry.value:.4f}",
            f"samples = {entry.samples}",
            f"ci95 = [{entry.ci95[0]:.4f}, {entry.ci95[1]:.4f}]",
        ]
    lines += ["", "[provenance]", *(f"{key} = {_toml(value)}" for key, value in provenance.items())]
    return "\n".join(lines) + "\n"


def _toml(value: str | int | list[str]) -> str:
    if isinstance(value, list):
        return "[\n" + "".join(f"    {_toml(item)},\n" for item in value) + "]"
    # A JSON string, integer or boolean is also a TOML one.
    return json.dumps(value, ensure_ascii=False)
