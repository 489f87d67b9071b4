"""Writes ``golden.json`` of tasks: ``python -m tinybench.training.golden [TASK ...]``.

To be run again whenever a reference model or a front end has changed.
"""

from __future__ import annotations

import sys

import numpy as np

from tinybench import specs
from tinybench.atomic import write_atomically
from tinybench.datasets import golden
from tinybench.datasets.samples import front_end_of
from tinybench.models.reference import load_named
from tinybench.runners.tflm import Interpreter
from tinybench.specs import TaskSpec


def make(task: TaskSpec) -> golden.Golden:
    """Synthetic inputs through the task's preprocessing, and what TFLite Micro gives for them.

    Of a sound that is many inferences, the one in the middle is taken.
    """
    model = load_named(task.reference_model)
    front_end = front_end_of(task)
    named = front_end.stimuli()
    raw = np.stack(list(named.values()))
    values = front_end.features(raw).reshape(len(named), -1, *task.input_shape)
    middle = values[:, values.shape[1] // 2]
    inputs = front_end.quantize(middle, model.input.scale, model.input.zero_point)
    outputs = Interpreter(model).run(inputs)
    return golden.Golden(
        task=task.id,
        model_sha256=model.sha256,
        scale=model.input.scale,
        zero_point=model.input.zero_point,
        input_shape=task.input_shape,
        output_shape=task.output_shape,
        vectors=tuple(
            golden.vector(name, data, output)
            for name, data, output in zip(named, inputs, outputs, strict=True)
        ),
    )


if __name__ == "__main__":
    for name in sys.argv[1:] or specs.tasks():
        chosen = specs.task(name)
        write_atomically(chosen.folder / golden.FILE, make(chosen).to_json())
